#define _GNU_SOURCE 1
#include "clinux_loop.h"

#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

int clinux_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

static int add(int epoll, int fd, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data = {.u64 = token}};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

int clinux_epoll_add(int epoll, int fd, uint64_t token) {
    return add(epoll, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, token);
}

int clinux_epoll_add_eventfd(int epoll, int fd, uint64_t token) { return add(epoll, fd, EPOLLIN | EPOLLET, token); }

int clinux_epoll_wait(int epoll, clinux_event *events, int max, int timeout_ms) {
    struct epoll_event raw[256];
    int count = epoll_wait(epoll, raw, max < 256 ? max : 256, timeout_ms);
    if (count < 0) return 0;
    for (int i = 0; i < count; i++) {
        uint32_t seen = raw[i].events, out = 0;
        if (seen & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) out |= CLINUX_EVENT_READ;
        if (seen & (EPOLLOUT | EPOLLHUP | EPOLLERR)) out |= CLINUX_EVENT_WRITE;
        if (seen & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) out |= CLINUX_EVENT_HANGUP;
        events[i].token = raw[i].data.u64;
        events[i].events = out;
    }
    return count;
}

int clinux_eventfd(int blocking) { return eventfd(0, EFD_CLOEXEC | (blocking ? 0 : EFD_NONBLOCK)); }

void clinux_eventfd_signal(int fd) {
    uint64_t one = 1;
    while (write(fd, &one, sizeof one) < 0 && errno == EINTR) {}
}

void clinux_eventfd_wait(int fd) {
    uint64_t value;
    while (read(fd, &value, sizeof value) < 0 && errno == EINTR) {}
}

uint64_t clinux_monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void clinux_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

uint64_t clinux_process_cpu_ns(int pid) {
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0) return 0;
    return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}
