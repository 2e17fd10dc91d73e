/* What Swift's Glibc module leaves out: variadic calls, errno, GNU-only constants, a per-thread loop pointer. The header stays free
   of _GNU_SOURCE and of liburing, because both clash with the way in which Swift imports glibc; the .c files use them. */
#ifndef MARTLET_CLINUX_H
#define MARTLET_CLINUX_H

#include <stdint.h>
#include <stddef.h>

#include "clinux_file.h"
#include "clinux_loop.h"
#include "clinux_ring.h"
#include "clinux_socket.h"

int clinux_errno(void);

/* open(2) is variadic and so not visible to Swift. */
int clinux_open(const char *path, int flags, unsigned int mode);

/* O_DIRECT exists only under _GNU_SOURCE. */
int clinux_o_direct(void);

/* The loop that runs on this thread, or NULL. */
void *clinux_thread_loop(void);
void clinux_set_thread_loop(void *loop);

/* Probes: 0 or an errno. */
int clinux_probe_io_uring(void);
int clinux_probe_tcp_port(uint16_t port);
int clinux_probe_direct_io(const char *directory);
int clinux_space(const char *path, uint64_t *total, uint64_t *free_bytes);
/* 1 when the kernel says that the clock is synchronised. */
int clinux_clock_is_synchronised(void);
/* 0 a local disk file system, 1 memory, 2 network, 3 anything else; the name goes to `name`. */
int clinux_file_system_name(const char *path, char *name, size_t capacity);
/* Times up to `count` writes with fdatasync; the number done. */
int clinux_time_syncs(const char *directory, int64_t *microseconds, int count);

/* From now on SIGTERM and SIGINT only end clinux_wait_for_stop_signal, and SIGPIPE is ignored. 0 or an errno. */
int clinux_watch_stop_signals(void);
/* Returns once SIGTERM or SIGINT has come. */
void clinux_wait_for_stop_signal(void);

#endif
