/* One io_uring behind plain functions, so that liburing.h stays out of the Swift import. A ring is used by one thread only. */
#ifndef MARTLET_CLINUX_RING_H
#define MARTLET_CLINUX_RING_H

#include <stdint.h>

typedef struct clinux_ring clinux_ring;

typedef struct {
    uint64_t user_data;
    int32_t result;
} clinux_completion;

enum {
    CLINUX_RING_DEFER = 0,       /* SINGLE_ISSUER | DEFER_TASKRUN: cheapest; needs Linux 6.1 */
    CLINUX_RING_COOPERATIVE = 1, /* COOP_TASKRUN: Linux 5.19 */
    CLINUX_RING_PLAIN = 2
};

enum {
    CLINUX_OP_READ = 0,
    CLINUX_OP_WRITE = 1,
    CLINUX_OP_FSYNC = 2,     /* extra: 1 for data only */
    CLINUX_OP_FALLOCATE = 3, /* extra: mode; offset and length as fallocate(2) */
    CLINUX_OP_NOP = 4,
    /* Two submissions, linked: a write, then an fdatasync. The second completes as ECANCELED when the first fails or is short.
       Neither completion is skipped: with CQE_SKIP_SUCCESS a broken chain posts one completion only (seen on 6.18). */
    CLINUX_OP_WRITE_DATASYNC = 5
};

/* Makes a ring and signals `event_fd` at completions. NULL and *error = errno when the kernel will not; *step names the call. */
clinux_ring *clinux_ring_create(unsigned entries, unsigned mode, int event_fd, int *error, const char **step);
void clinux_ring_destroy(clinux_ring *ring);

/* Queues one operation without submitting it. 1, or 0 when the submission queue has no room. `second` is the user data of the
   linked half of CLINUX_OP_WRITE_DATASYNC. */
int clinux_ring_queue(clinux_ring *ring, unsigned op, int fd, uint64_t address, uint64_t length, uint64_t offset,
                       uint32_t extra, uint64_t user_data, uint64_t second);

/* Queued and not yet taken by the kernel. */
unsigned clinux_ring_queued(const clinux_ring *ring);

/* Submits what is queued and lets deferred completions appear. The number submitted, or -errno. */
int clinux_ring_submit(clinux_ring *ring);

/* Lets deferred completions appear; 0 or -errno. */
int clinux_ring_get_events(clinux_ring *ring);

/* Takes up to `max` completions. */
unsigned clinux_ring_take(clinux_ring *ring, clinux_completion *completions, unsigned max);

#endif
