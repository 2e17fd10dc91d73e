#define _GNU_SOURCE 1
#include "CSystem.h"

#include <errno.h>
#include <fcntl.h>

static __thread void *thread_loop;

int csystem_errno(void) { return errno; }
int csystem_open(const char *path, int flags, unsigned int mode) { return open(path, flags, mode); }
int csystem_o_direct(void) { return O_DIRECT; }
void *csystem_thread_loop(void) { return thread_loop; }
void csystem_set_thread_loop(void *loop) { thread_loop = loop; }
