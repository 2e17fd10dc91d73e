/* SIGTERM and SIGINT become a byte in a pipe: threads that the Swift runtime started before main could not be told to block them. */
#define _GNU_SOURCE 1
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static int stop_pipe[2] = {-1, -1};

static void stop_requested(int number) {
    int saved = errno;
    char byte = (char)number;
    ssize_t written = write(stop_pipe[1], &byte, 1);
    (void)written; /* A full pipe has the request already. */
    errno = saved;
}

int clinux_watch_stop_signals(void) {
    struct sigaction action;
    if (pipe2(stop_pipe, O_CLOEXEC) < 0) return errno;
    fcntl(stop_pipe[1], F_SETFL, O_NONBLOCK);
    memset(&action, 0, sizeof action);
    action.sa_handler = stop_requested;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGTERM, &action, NULL) < 0 || sigaction(SIGINT, &action, NULL) < 0) return errno;
    /* A client that goes away is an error of the write, not the end of the process. */
    signal(SIGPIPE, SIG_IGN);
    return 0;
}

void clinux_wait_for_stop_signal(void) {
    char byte;
    while (read(stop_pipe[0], &byte, 1) < 0 && errno == EINTR) {
    }
}
