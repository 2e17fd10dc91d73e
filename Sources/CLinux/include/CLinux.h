/* What Swift's Glibc module leaves out: variadic calls, errno, GNU-only constants, a per-thread loop pointer. The header stays free
   of _GNU_SOURCE and of liburing, because both clash with the way in which Swift imports glibc; the .c files use them. */
#ifndef MARTLET_CLINUX_H
#define MARTLET_CLINUX_H

#include <stdint.h>
#include <stddef.h>

int clinux_errno(void);

/* open(2) is variadic and so not visible to Swift. */
int clinux_open(const char *path, int flags, unsigned int mode);

/* O_DIRECT exists only under _GNU_SOURCE. */
int clinux_o_direct(void);

/* The loop that runs on this thread, or NULL. */
void *clinux_thread_loop(void);
void clinux_set_thread_loop(void *loop);

#endif
