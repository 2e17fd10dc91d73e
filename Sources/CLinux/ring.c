#define _GNU_SOURCE 1
#include "clinux_ring.h"

#include <errno.h>
#include <liburing.h>
#include <stdlib.h>

struct clinux_ring {
    struct io_uring ring;
};

static unsigned setup_flags(unsigned mode) {
    switch (mode) {
    case CLINUX_RING_DEFER: return IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    case CLINUX_RING_COOPERATIVE: return IORING_SETUP_COOP_TASKRUN;
    default: return 0;
    }
}

static int supports_operations(struct io_uring *ring) {
    struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
    if (!probe) return 0;
    int ok = io_uring_opcode_supported(probe, IORING_OP_READ) && io_uring_opcode_supported(probe, IORING_OP_WRITE) &&
             io_uring_opcode_supported(probe, IORING_OP_FSYNC) && io_uring_opcode_supported(probe, IORING_OP_FALLOCATE);
    io_uring_free_probe(probe);
    return ok;
}

clinux_ring *clinux_ring_create(unsigned entries, unsigned mode, int event_fd, int *error, const char **step) {
    clinux_ring *ring = calloc(1, sizeof *ring);
    *step = "calloc";
    *error = ENOMEM;
    if (!ring) return NULL;
    *step = "io_uring_setup";
    int result = io_uring_queue_init(entries, &ring->ring, setup_flags(mode));
    if (result < 0) {
        *error = -result;
        free(ring);
        return NULL;
    }
    *step = "io_uring_probe";
    result = supports_operations(&ring->ring) ? 0 : -EOPNOTSUPP;
    if (result == 0) {
        *step = "io_uring_register";
        result = io_uring_register_eventfd(&ring->ring, event_fd);
    }
    if (result < 0) {
        *error = -result;
        clinux_ring_destroy(ring);
        return NULL;
    }
    *error = 0;
    return ring;
}

void clinux_ring_destroy(clinux_ring *ring) {
    io_uring_queue_exit(&ring->ring);
    free(ring);
}

int clinux_ring_queue(clinux_ring *ring, unsigned op, int fd, uint64_t address, uint64_t length, uint64_t offset,
                       uint32_t extra, uint64_t user_data, uint64_t second) {
    struct io_uring *r = &ring->ring;
    /* Room for both halves is asked for before the first is taken: a submission in between would cut the chain. */
    if (io_uring_sq_space_left(r) < (op == CLINUX_OP_WRITE_DATASYNC ? 2u : 1u)) return 0;
    struct io_uring_sqe *sqe = io_uring_get_sqe(r);
    if (!sqe) return 0;
    void *buffer = (void *)(uintptr_t)address;
    switch (op) {
    case CLINUX_OP_READ: io_uring_prep_read(sqe, fd, buffer, (unsigned)length, offset); break;
    case CLINUX_OP_WRITE:
    case CLINUX_OP_WRITE_DATASYNC: io_uring_prep_write(sqe, fd, buffer, (unsigned)length, offset); break;
    case CLINUX_OP_FSYNC: io_uring_prep_fsync(sqe, fd, extra ? IORING_FSYNC_DATASYNC : 0); break;
    case CLINUX_OP_FALLOCATE: io_uring_prep_fallocate(sqe, fd, (int)extra, (off_t)offset, (off_t)length); break;
    default: io_uring_prep_nop(sqe); break;
    }
    sqe->user_data = user_data;
    if (op != CLINUX_OP_WRITE_DATASYNC) return 1;
    sqe->flags |= IOSQE_IO_LINK;
    sqe = io_uring_get_sqe(r);
    io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
    sqe->user_data = second;
    return 1;
}

unsigned clinux_ring_queued(const clinux_ring *ring) { return io_uring_sq_ready(&ring->ring); }

int clinux_ring_submit(clinux_ring *ring) { return io_uring_submit_and_get_events(&ring->ring); }

int clinux_ring_get_events(clinux_ring *ring) { return io_uring_get_events(&ring->ring); }

unsigned clinux_ring_take(clinux_ring *ring, clinux_completion *completions, unsigned max) {
    struct io_uring *r = &ring->ring;
    unsigned head, count = 0;
    struct io_uring_cqe *cqe;
    io_uring_for_each_cqe(r, head, cqe) {
        if (count == max) break;
        completions[count].user_data = cqe->user_data;
        completions[count].result = cqe->res;
        count += 1;
    }
    io_uring_cq_advance(r, count);
    return count;
}
