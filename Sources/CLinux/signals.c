/* SIGTERM and SIGINT as a descriptor: no handler runs in the middle of anything. */
#define _GNU_SOURCE 1
#include "CLinux.h"

#include <signal.h>
#include <sys/signalfd.h>

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

int clinux_stop_signal_descriptor(void) {
    sigset_t set;
    stop_signals(&set);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}
