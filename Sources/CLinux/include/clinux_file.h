/* File calls that Swift's Glibc module lacks: variadic ones and those that exist under _GNU_SOURCE only. */
#ifndef MARTLET_CLINUX_FILE_H
#define MARTLET_CLINUX_FILE_H

#include <stdint.h>

/* Reserves space and grows the file to `bytes`; by ftruncate where the file system has no fallocate. 0 or errno. */
int clinux_allocate(int fd, uint64_t bytes);

/* Takes O_DIRECT off an open file. 0 or errno. */
int clinux_clear_direct(int fd);

/* flock(LOCK_EX | LOCK_NB): 0, or errno (EWOULDBLOCK when another open file has the lock). */
int clinux_try_lock(int fd);

#endif
