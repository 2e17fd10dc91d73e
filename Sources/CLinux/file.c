#define _GNU_SOURCE 1
#include "clinux_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int clinux_allocate(int fd, uint64_t bytes) {
    int result;
    do {
        result = fallocate(fd, 0, 0, (off_t)bytes);
    } while (result != 0 && errno == EINTR);
    if (result == 0) return 0;
    if (errno != EOPNOTSUPP) return errno;
    struct stat status;
    if (fstat(fd, &status) != 0) return errno;
    if ((uint64_t)status.st_size >= bytes) return 0;
    return ftruncate(fd, (off_t)bytes) == 0 ? 0 : errno;
}

int clinux_clear_direct(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) return errno;
    return fcntl(fd, F_SETFL, flags & ~O_DIRECT) == 0 ? 0 : errno;
}

int clinux_try_lock(int fd) {
    int result;
    do {
        result = flock(fd, LOCK_EX | LOCK_NB);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}
