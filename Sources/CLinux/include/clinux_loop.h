/* What a loop needs of the kernel: epoll, eventfd, monotonic time, a name for its thread. */
#ifndef MARTLET_CLINUX_LOOP_H
#define MARTLET_CLINUX_LOOP_H

#include <stdint.h>

typedef struct {
    uint64_t token;
    uint32_t events;
} clinux_event;

enum {
    CLINUX_EVENT_READ = 1,   /* bytes, end of stream or an error to read */
    CLINUX_EVENT_WRITE = 2,  /* room or an error to find by writing */
    CLINUX_EVENT_HANGUP = 4  /* the peer has closed its side or the whole connection */
};

int clinux_epoll_create(void);
/* Watches a socket, edge-triggered, in both directions. 0 or errno. */
int clinux_epoll_add(int epoll, int fd, uint64_t token);
/* Watches an eventfd, edge-triggered, so that it need not be read. 0 or errno. */
int clinux_epoll_add_eventfd(int epoll, int fd, uint64_t token);
/* Up to `max` (at most 256) events; 0 on a time-out or a signal. -1 waits for ever. */
int clinux_epoll_wait(int epoll, clinux_event *events, int max, int timeout_ms);

int clinux_eventfd(int blocking);
void clinux_eventfd_signal(int fd);
/* Waits for a signal on a blocking eventfd. */
void clinux_eventfd_wait(int fd);

uint64_t clinux_monotonic_ns(void);
/* CPU time that a process has used so far, ended threads included; 0 when there is no such process. */
uint64_t clinux_process_cpu_ns(int pid);
void clinux_name_thread(const char *name);

#endif
