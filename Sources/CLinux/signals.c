/* SIGTERM and SIGINT are waited for by one thread: no handler runs in the middle of anything. */
#define _GNU_SOURCE 1
#include "CLinux.h"

#include <signal.h>

static void stop_signals(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
}

void clinux_block_stop_signals(void) {
    sigset_t set;
    stop_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    /* A client that goes away is an error of the write, not the end of the process. */
    signal(SIGPIPE, SIG_IGN);
}

void clinux_wait_for_stop_signal(void) {
    sigset_t set;
    int number;
    stop_signals(&set);
    while (sigwait(&set, &number) != 0) {
    }
}
