#include "callocations.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

extern void *__libc_malloc(size_t count);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t count);
extern void *__libc_memalign(size_t alignment, size_t count);

static _Atomic uint64_t allocations;

static void counted(void) { atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed); }

uint64_t callocations_count(void) { return atomic_load_explicit(&allocations, memory_order_relaxed); }

void *malloc(size_t count) {
    counted();
    return __libc_malloc(count);
}

void *calloc(size_t count, size_t size) {
    counted();
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t count) {
    counted();
    return __libc_realloc(old, count);
}

void *memalign(size_t alignment, size_t count) {
    counted();
    return __libc_memalign(alignment, count);
}

void *aligned_alloc(size_t alignment, size_t count) { return memalign(alignment, count); }

int posix_memalign(void **result, size_t alignment, size_t count) {
    void *made = memalign(alignment, count);
    if (made == NULL) return ENOMEM;
    *result = made;
    return 0;
}
