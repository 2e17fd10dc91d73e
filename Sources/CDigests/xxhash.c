#define XXH_STATIC_LINKING_ONLY 1
#include "CDigests.h"

#include <string.h>
#include <xxhash.h>

_Static_assert(sizeof(XXH64_state_t) <= sizeof(cdigests_xxh64), "XXH64 state");

void cdigests_xxh64_init(cdigests_xxh64 *state) { XXH64_reset((XXH64_state_t *)state, 0); }
void cdigests_xxh64_update(cdigests_xxh64 *state, const void *bytes, size_t count) {
    if (count > 0) XXH64_update((XXH64_state_t *)state, bytes, count);
}
uint64_t cdigests_xxh64_digest(const cdigests_xxh64 *state) { return XXH64_digest((const XXH64_state_t *)state); }

/* XXH3 asks for 64-byte alignment, which a Swift array does not give: the state is copied to an aligned one around each call. It
   holds no pointer into itself (its secret is the library's constant one), and 576 bytes are little beside a strip of data. */
size_t cdigests_xxh3_size(void) { return sizeof(XXH3_state_t); }

void cdigests_xxh3_init(void *state, int wide) {
    XXH3_state_t aligned;
    memset(&aligned, 0, sizeof aligned);
    if (wide) XXH3_128bits_reset(&aligned);
    else XXH3_64bits_reset(&aligned);
    memcpy(state, &aligned, sizeof aligned);
}

void cdigests_xxh3_update(void *state, int wide, const void *bytes, size_t count) {
    if (count == 0) return;
    XXH3_state_t aligned;
    memcpy(&aligned, state, sizeof aligned);
    if (wide) XXH3_128bits_update(&aligned, bytes, count);
    else XXH3_64bits_update(&aligned, bytes, count);
    memcpy(state, &aligned, sizeof aligned);
}

uint64_t cdigests_xxh3_digest64(const void *state) {
    XXH3_state_t aligned;
    memcpy(&aligned, state, sizeof aligned);
    return XXH3_64bits_digest(&aligned);
}

void cdigests_xxh3_digest128(const void *state, uint64_t *high, uint64_t *low) {
    XXH3_state_t aligned;
    memcpy(&aligned, state, sizeof aligned);
    XXH128_hash_t hash = XXH3_128bits_digest(&aligned);
    *high = hash.high64;
    *low = hash.low64;
}
