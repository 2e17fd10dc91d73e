/* What Swift's Glibc module leaves out: variadic calls, errno, GNU-only constants, a per-thread loop pointer. The header stays free
   of _GNU_SOURCE and of liburing, because both clash with the way in which Swift imports glibc; the .c files use them. */
#ifndef MARTLET_CSYSTEM_H
#define MARTLET_CSYSTEM_H

#include <stdint.h>
#include <stddef.h>

#include "csystem_file.h"
#include "csystem_loop.h"
#include "csystem_ring.h"
#include "csystem_socket.h"

int csystem_errno(void);

/* open(2) is variadic and so not visible to Swift. */
int csystem_open(const char *path, int flags, unsigned int mode);

/* O_DIRECT exists only under _GNU_SOURCE. */
int csystem_o_direct(void);

/* The loop that runs on this thread, or NULL. */
void *csystem_thread_loop(void);
void csystem_set_thread_loop(void *loop);

#endif
