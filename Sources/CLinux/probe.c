/* Probes for `martlet doctor`. Each answers 0 or an errno unless said otherwise, and leaves nothing behind. */
#define _GNU_SOURCE 1
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

int clinux_probe_io_uring(void) {
    struct io_uring ring;
    int result = io_uring_queue_init(4, &ring, 0);
    if (result < 0) return -result;
    io_uring_queue_exit(&ring);
    return 0;
}

int clinux_clock_is_synchronised(void) {
    struct timex state;
    memset(&state, 0, sizeof state);
    int result = adjtimex(&state);
    return result >= 0 && result != TIME_ERROR && !(state.status & STA_UNSYNC);
}

int clinux_probe_tcp_port(uint16_t port) {
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return errno;
    int on = 1;
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_ANY)};
    int result = bind(descriptor, (struct sockaddr *)&address, sizeof address) < 0 ? errno : 0;
    close(descriptor);
    return result;
}

int clinux_file_system_name(const char *path, char *name, size_t capacity) {
    struct statfs info;
    if (statfs(path, &info) < 0) {
        snprintf(name, capacity, "unknown");
        return 3;
    }
    switch ((unsigned long)info.f_type) {
    case 0xEF53: snprintf(name, capacity, "ext4"); return 0;
    case 0x58465342: snprintf(name, capacity, "xfs"); return 0;
    case 0x9123683E: snprintf(name, capacity, "btrfs"); return 0;
    case 0x01021994: snprintf(name, capacity, "tmpfs"); return 1;
    case 0x794C7630: snprintf(name, capacity, "overlayfs"); return 3;
    case 0x6969: snprintf(name, capacity, "nfs"); return 2;
    case 0xFF534D42: snprintf(name, capacity, "cifs"); return 2;
    case 0x65735546: snprintf(name, capacity, "fuse"); return 3;
    default: snprintf(name, capacity, "0x%lx", (unsigned long)info.f_type); return 3;
    }
}

int clinux_space(const char *path, uint64_t *total, uint64_t *free_bytes) {
    struct statfs info;
    if (statfs(path, &info) < 0) return errno;
    *total = (uint64_t)info.f_blocks * (uint64_t)info.f_bsize;
    *free_bytes = (uint64_t)info.f_bavail * (uint64_t)info.f_bsize;
    return 0;
}

static int open_probe(const char *directory, int flags, char *path, size_t capacity) {
    snprintf(path, capacity, "%s/.martlet-probe-%d", directory, (int)getpid());
    return open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | flags, 0600);
}

int clinux_probe_direct_io(const char *directory) {
    char path[4096];
    int descriptor = open_probe(directory, O_DIRECT, path, sizeof path);
    if (descriptor < 0) {
        int code = errno;
        unlink(path);
        return code;
    }
    void *block = NULL;
    int result = posix_memalign(&block, 4096, 4096);
    if (result == 0) {
        memset(block, 0, 4096);
        if (pwrite(descriptor, block, 4096, 0) != 4096) result = errno;
        free(block);
    }
    close(descriptor);
    unlink(path);
    return result;
}

int clinux_time_syncs(const char *directory, int64_t *microseconds, int count) {
    char path[4096];
    int descriptor = open_probe(directory, 0, path, sizeof path), done = 0;
    if (descriptor < 0) return 0;
    char block[4096] = {0};
    for (; done < count; done++) {
        struct timespec before, after;
        clock_gettime(CLOCK_MONOTONIC, &before);
        /* The same block again: what a log does on a segment that was written before. */
        if (pwrite(descriptor, block, sizeof block, 0) != (ssize_t)sizeof block || fdatasync(descriptor) < 0) break;
        clock_gettime(CLOCK_MONOTONIC, &after);
        microseconds[done] = (after.tv_sec - before.tv_sec) * 1000000 + (after.tv_nsec - before.tv_nsec) / 1000;
    }
    close(descriptor);
    unlink(path);
    return done;
}
