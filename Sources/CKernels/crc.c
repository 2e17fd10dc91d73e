/* Reflected CRCs of up to 64 bits by one scheme for all widths.

   Portable: slice-by-8 with 64-bit table entries; a 32-bit CRC is a 64-bit word whose upper half is zero.

   Carry-less multiplication: 128-bit pieces of the message are folded forward by a distance of D bits. With the first eight bytes
   of a piece in its low half L (the higher powers of x) and the other eight in H, piece * x^D = L * x^(D+64) + H * x^D, so the two
   halves are multiplied with those powers reduced by the polynomial. The product of two reflected 64-bit values comes out one bit
   low, which is a factor x, so the constants are x^(D+63) and x^(D-1). What is left at the end, 16 bytes congruent to the message,
   goes through the short routine, so no Barrett reduction is needed and the same code serves every polynomial. */
#include "CKernels.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define PCLMUL __attribute__((target("sse4.2,pclmul")))
#define VPCLMUL __attribute__((target("avx2,pclmul,vpclmulqdq")))
#define CRC32INS __attribute__((target("sse4.2,crc32")))
#endif

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the kernels load words as little-endian"
#endif

typedef struct crc crc;
typedef uint64_t (*crc_run)(const crc *c, uint64_t state, const uint8_t *p, size_t n);

struct crc {
    unsigned width;
    uint64_t polynomial;     /* reflected, in the low `width` bits */
    uint64_t mask;
    uint64_t table[8][256];
    uint64_t power[68];      /* x^(2^i) mod P, reflected */
    uint64_t fold128[2], fold256[2], fold512[2], fold2048[2];
    crc_run short_run;       /* for a few bytes */
    crc_run kernels[3];      /* for any length */
};

static crc crcs[3];
static int best_kernel;

static uint64_t load64(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static uint64_t run_portable(const crc *c, uint64_t state, const uint8_t *p, size_t n) {
    const uint64_t(*t)[256] = c->table;
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t x = state ^ load64(p);
        state = t[7][x & 255] ^ t[6][x >> 8 & 255] ^ t[5][x >> 16 & 255] ^ t[4][x >> 24 & 255] ^ t[3][x >> 32 & 255] ^
                t[2][x >> 40 & 255] ^ t[1][x >> 48 & 255] ^ t[0][x >> 56];
    }
    for (; n > 0; p++, n--) state = state >> 8 ^ t[0][(state ^ *p) & 255];
    return state;
}

#if defined(__x86_64__)

CRC32INS static uint64_t run_crc32_instruction(const crc *c, uint64_t state, const uint8_t *p, size_t n) {
    (void)c;
    for (; n >= 8; p += 8, n -= 8) state = _mm_crc32_u64(state, load64(p));
    for (; n > 0; p++, n--) state = _mm_crc32_u8((uint32_t)state, *p);
    return state;
}

PCLMUL static inline __m128i fold_128(__m128i x, __m128i k) {
    return _mm_xor_si128(_mm_clmulepi64_si128(x, k, 0x00), _mm_clmulepi64_si128(x, k, 0x11));
}

PCLMUL static inline __m128i load_128(const void *p) { return _mm_loadu_si128((const __m128i *)p); }

/* Folds what is left into one piece of 16 bytes, and finishes. */
PCLMUL static uint64_t finish_128(const crc *c, __m128i x, const uint8_t *p, size_t n) {
    const __m128i k = load_128(c->fold128);
    for (; n >= 16; p += 16, n -= 16) x = _mm_xor_si128(fold_128(x, k), load_128(p));
    uint8_t rest[16];
    _mm_storeu_si128((__m128i *)rest, x);
    uint64_t state = c->short_run(c, 0, rest, 16);
    return n > 0 ? c->short_run(c, state, p, n) : state;
}

PCLMUL static uint64_t run_pclmul(const crc *c, uint64_t state, const uint8_t *p, size_t n) {
    if (n < 64) return c->short_run(c, state, p, n);
    __m128i a = _mm_xor_si128(load_128(p), _mm_cvtsi64_si128((long long)state));
    __m128i b = load_128(p + 16), d = load_128(p + 32), e = load_128(p + 48);
    const __m128i k = load_128(c->fold512);
    for (p += 64, n -= 64; n >= 64; p += 64, n -= 64) {
        a = _mm_xor_si128(fold_128(a, k), load_128(p));
        b = _mm_xor_si128(fold_128(b, k), load_128(p + 16));
        d = _mm_xor_si128(fold_128(d, k), load_128(p + 32));
        e = _mm_xor_si128(fold_128(e, k), load_128(p + 48));
    }
    const __m128i k128 = load_128(c->fold128);
    a = _mm_xor_si128(fold_128(a, k128), b);
    a = _mm_xor_si128(fold_128(a, k128), d);
    a = _mm_xor_si128(fold_128(a, k128), e);
    return finish_128(c, a, p, n);
}

VPCLMUL static inline __m256i fold_256(__m256i x, __m256i k) {
    return _mm256_xor_si256(_mm256_clmulepi64_epi128(x, k, 0x00), _mm256_clmulepi64_epi128(x, k, 0x11));
}

VPCLMUL static inline __m256i load_256(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }

VPCLMUL static uint64_t run_vpclmul(const crc *c, uint64_t state, const uint8_t *p, size_t n) {
    if (n < 256) return run_pclmul(c, state, p, n);
    __m256i a[8];
    for (int i = 0; i < 8; i++) a[i] = load_256(p + 32 * i);
    a[0] = _mm256_xor_si256(a[0], _mm256_zextsi128_si256(_mm_cvtsi64_si128((long long)state)));
    __m256i k = _mm256_broadcastsi128_si256(load_128(c->fold2048));
    for (p += 256, n -= 256; n >= 256; p += 256, n -= 256) {
#pragma clang loop unroll(full)
        for (int i = 0; i < 8; i++) a[i] = _mm256_xor_si256(fold_256(a[i], k), load_256(p + 32 * i));
    }
    k = _mm256_broadcastsi128_si256(load_128(c->fold256));
    __m256i x = a[0];
    for (int i = 1; i < 8; i++) x = _mm256_xor_si256(fold_256(x, k), a[i]);
    __m128i low = _mm256_castsi256_si128(x), high = _mm256_extracti128_si256(x, 1);
    return finish_128(c, _mm_xor_si128(fold_128(low, load_128(c->fold128)), high), p, n);
}

#endif

/* a * b mod P, reflected: the top bit is x^0. */
static uint64_t multiply(const crc *c, uint64_t a, uint64_t b) {
    uint64_t product = 0;
    for (uint64_t bit = 1ull << (c->width - 1); bit != 0; bit >>= 1) {
        if (a & bit) product ^= b;
        b = (b & 1) ? b >> 1 ^ c->polynomial : b >> 1;
    }
    return product;
}

/* x^(n * 2^shift) mod P. */
static uint64_t x_to_the(const crc *c, uint64_t n, unsigned shift) {
    uint64_t result = 1ull << (c->width - 1);
    for (unsigned i = shift; n != 0; n >>= 1, i++)
        if (n & 1) result = multiply(c, result, c->power[i]);
    return result;
}

static void set_fold(const crc *c, uint64_t k[2], uint64_t distance) {
    k[0] = x_to_the(c, distance + 63, 0) << (64 - c->width);
    k[1] = x_to_the(c, distance - 1, 0) << (64 - c->width);
}

static void set_up(crc *c, unsigned width, uint64_t polynomial) {
    c->width = width;
    c->polynomial = polynomial;
    c->mask = ~0ull >> (64 - width);
    for (int i = 0; i < 256; i++) {
        uint64_t v = (uint64_t)i;
        for (int bit = 0; bit < 8; bit++) v = (v & 1) ? v >> 1 ^ polynomial : v >> 1;
        c->table[0][i] = v;
    }
    for (int k = 1; k < 8; k++)
        for (int i = 0; i < 256; i++) c->table[k][i] = c->table[k - 1][i] >> 8 ^ c->table[0][c->table[k - 1][i] & 255];
    c->power[0] = 1ull << (width - 2);
    for (int i = 1; i < 68; i++) c->power[i] = multiply(c, c->power[i - 1], c->power[i - 1]);
    set_fold(c, c->fold128, 128);
    set_fold(c, c->fold256, 256);
    set_fold(c, c->fold512, 512);
    set_fold(c, c->fold2048, 2048);
    c->short_run = run_portable;
    for (int i = 0; i < 3; i++) c->kernels[i] = run_portable;
#if defined(__x86_64__)
    if (best_kernel >= 1) c->kernels[1] = run_pclmul;
    if (best_kernel >= 2) c->kernels[2] = run_vpclmul;
#endif
}

__attribute__((constructor)) static void set_up_all(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.2")) {
        best_kernel = 1;
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("vpclmulqdq")) best_kernel = 2;
    }
#endif
    set_up(&crcs[CKERNELS_CRC32], 32, 0xEDB88320u);
    set_up(&crcs[CKERNELS_CRC32C], 32, 0x82F63B78u);
    set_up(&crcs[CKERNELS_CRC64NVME], 64, 0x9A6C9329AC4BC9B5ull);
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) crcs[CKERNELS_CRC32C].short_run = run_crc32_instruction;
#endif
}

uint64_t ckernels_crc_using(int kernel, ckernels_crc_kind kind, uint64_t value, const void *bytes, size_t count) {
    const crc *c = &crcs[kind];
    return ~c->kernels[kernel](c, ~value & c->mask, bytes, count) & c->mask;
}

int ckernels_crc_best_kernel(void) { return best_kernel; }

const char *ckernels_crc_kernel_name(int kernel) {
    static const char *const names[] = {"slice-by-8", "pclmulqdq", "vpclmulqdq-256"};
    return kernel >= 0 && kernel < 3 ? names[kernel] : "none";
}

uint32_t ckernels_crc32(uint32_t value, const void *bytes, size_t count) {
    return (uint32_t)ckernels_crc_using(best_kernel, CKERNELS_CRC32, value, bytes, count);
}

uint32_t ckernels_crc32c(uint32_t value, const void *bytes, size_t count) {
    return (uint32_t)ckernels_crc_using(best_kernel, CKERNELS_CRC32C, value, bytes, count);
}

uint64_t ckernels_crc64nvme(uint64_t value, const void *bytes, size_t count) {
    return ckernels_crc_using(best_kernel, CKERNELS_CRC64NVME, value, bytes, count);
}

/* The inversions before and after cancel: finished(A ‖ B) = finished(A) * x^(8 |B|) + finished(B). */
static uint64_t combine(ckernels_crc_kind kind, uint64_t a, uint64_t b, uint64_t count_b) {
    const crc *c = &crcs[kind];
    return multiply(c, x_to_the(c, count_b, 3), a) ^ b;
}

uint32_t ckernels_crc32_combine(uint32_t a, uint32_t b, uint64_t n) { return (uint32_t)combine(CKERNELS_CRC32, a, b, n); }
uint32_t ckernels_crc32c_combine(uint32_t a, uint32_t b, uint64_t n) { return (uint32_t)combine(CKERNELS_CRC32C, a, b, n); }
uint64_t ckernels_crc64nvme_combine(uint64_t a, uint64_t b, uint64_t n) { return combine(CKERNELS_CRC64NVME, a, b, n); }
