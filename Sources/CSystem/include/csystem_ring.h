/* One io_uring behind plain functions, so that liburing.h stays out of the Swift import. A ring is used by one thread only. */
#ifndef MARTLET_CSYSTEM_RING_H
#define MARTLET_CSYSTEM_RING_H

#include <stdint.h>

typedef struct csystem_ring csystem_ring;

typedef struct {
    uint64_t user_data;
    int32_t result;
} csystem_completion;

enum {
    CSYSTEM_RING_DEFER = 0,       /* SINGLE_ISSUER | DEFER_TASKRUN: cheapest; needs Linux 6.1 */
    CSYSTEM_RING_COOPERATIVE = 1, /* COOP_TASKRUN: Linux 5.19 */
    CSYSTEM_RING_PLAIN = 2
};

enum {
    CSYSTEM_OP_READ = 0,
    CSYSTEM_OP_WRITE = 1,
    CSYSTEM_OP_FSYNC = 2,     /* extra: 1 for data only */
    CSYSTEM_OP_FALLOCATE = 3, /* extra: mode; offset and length as fallocate(2) */
    CSYSTEM_OP_NOP = 4,
    /* Two submissions, linked: a write, then an fdatasync. The second completes as ECANCELED when the first fails or is short.
       Neither completion is skipped: with CQE_SKIP_SUCCESS a broken chain posts one completion only (seen on 6.18). */
    CSYSTEM_OP_WRITE_DATASYNC = 5
};

/* Makes a ring and signals `event_fd` at completions. NULL and *error = errno when the kernel will not; *step names the call. */
csystem_ring *csystem_ring_create(unsigned entries, unsigned mode, int event_fd, int *error, const char **step);
void csystem_ring_destroy(csystem_ring *ring);

/* Queues one operation without submitting it. 1, or 0 when the submission queue has no room. `second` is the user data of the
   linked half of CSYSTEM_OP_WRITE_DATASYNC. */
int csystem_ring_queue(csystem_ring *ring, unsigned op, int fd, uint64_t address, uint64_t length, uint64_t offset,
                       uint32_t extra, uint64_t user_data, uint64_t second);

/* Queued and not yet taken by the kernel. */
unsigned csystem_ring_queued(const csystem_ring *ring);

/* Submits what is queued and lets deferred completions appear. The number submitted, or -errno. */
int csystem_ring_submit(csystem_ring *ring);

/* Lets deferred completions appear; 0 or -errno. */
int csystem_ring_get_events(csystem_ring *ring);

/* Takes up to `max` completions. */
unsigned csystem_ring_take(csystem_ring *ring, csystem_completion *completions, unsigned max);

#endif
