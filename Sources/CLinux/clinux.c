#define _GNU_SOURCE 1
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>

static __thread void *thread_loop;

int clinux_errno(void) { return errno; }
int clinux_open(const char *path, int flags, unsigned int mode) { return open(path, flags, mode); }
int clinux_o_direct(void) { return O_DIRECT; }
void *clinux_thread_loop(void) { return thread_loop; }
void clinux_set_thread_loop(void *loop) { thread_loop = loop; }
