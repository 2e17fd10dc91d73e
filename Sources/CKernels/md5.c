/* MD5 (RFC 1321) of one stream, and of eight streams side by side in vector lanes. One stream is a chain of dependent steps and
   leaves most of a core idle; eight in lanes cost about as much as one. */
#include "CKernels.h"

#include <string.h>

#define F(b, c, d) ((d) ^ ((b) & ((c) ^ (d))))
#define G(b, c, d) ((c) ^ ((d) & ((b) ^ (c))))
#define H(b, c, d) ((b) ^ (c) ^ (d))
#define I(b, c, d) ((c) ^ ((b) | ~(d)))
#define STEP(f, a, b, c, d, word, shift, constant) \
    a += f(b, c, d) + x[word] + constant##u;       \
    a = (a << (shift) | a >> (32 - (shift))) + b;

#define FOUR(f, w0, w1, w2, w3, s0, s1, s2, s3, t0, t1, t2, t3) \
    STEP(f, a, b, c, d, w0, s0, t0)                              \
    STEP(f, d, a, b, c, w1, s1, t1)                              \
    STEP(f, c, d, a, b, w2, s2, t2)                              \
    STEP(f, b, c, d, a, w3, s3, t3)

/* The 64 steps over words x[0...15] and chaining values a, b, c, d, which may be scalars or vectors. */
#define ROUNDS                                                                                    \
    FOUR(F, 0, 1, 2, 3, 7, 12, 17, 22, 0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee)            \
    FOUR(F, 4, 5, 6, 7, 7, 12, 17, 22, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501)            \
    FOUR(F, 8, 9, 10, 11, 7, 12, 17, 22, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be)          \
    FOUR(F, 12, 13, 14, 15, 7, 12, 17, 22, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821)        \
    FOUR(G, 1, 6, 11, 0, 5, 9, 14, 20, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa)            \
    FOUR(G, 5, 10, 15, 4, 5, 9, 14, 20, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8)           \
    FOUR(G, 9, 14, 3, 8, 5, 9, 14, 20, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed)            \
    FOUR(G, 13, 2, 7, 12, 5, 9, 14, 20, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a)           \
    FOUR(H, 5, 8, 11, 14, 4, 11, 16, 23, 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c)          \
    FOUR(H, 1, 4, 7, 10, 4, 11, 16, 23, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70)           \
    FOUR(H, 13, 0, 3, 6, 4, 11, 16, 23, 0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05)           \
    FOUR(H, 9, 12, 15, 2, 4, 11, 16, 23, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665)          \
    FOUR(I, 0, 7, 14, 5, 6, 10, 15, 21, 0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039)           \
    FOUR(I, 12, 3, 10, 1, 6, 10, 15, 21, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1)          \
    FOUR(I, 8, 15, 6, 13, 6, 10, 15, 21, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1)          \
    FOUR(I, 4, 11, 2, 9, 6, 10, 15, 21, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391)

void ckernels_md5_blocks(uint32_t state[4], const uint8_t *input, size_t blocks) {
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    for (; blocks > 0; blocks--, input += 64) {
        uint32_t x[16];
        memcpy(x, input, 64);
        const uint32_t a0 = a, b0 = b, c0 = c, d0 = d;
        ROUNDS
        a += a0, b += b0, c += c0, d += d0;
    }
    state[0] = a, state[1] = b, state[2] = c, state[3] = d;
}

typedef uint32_t lanes __attribute__((vector_size(4 * CKERNELS_MD5_LANES)));

#define LOAD_STATES                                                                                          \
    lanes a, b, c, d;                                                                                        \
    for (int i = 0; i < CKERNELS_MD5_LANES; i++)                                                             \
        a[i] = states[i][0], b[i] = states[i][1], c[i] = states[i][2], d[i] = states[i][3];
#define STORE_STATES                                                                                         \
    for (int i = 0; i < CKERNELS_MD5_LANES; i++)                                                             \
        states[i][0] = a[i], states[i][1] = b[i], states[i][2] = c[i], states[i][3] = d[i];

/* The compiler maps the vectors to what the architecture has: pairs of NEON or SSE2 registers. */
void ckernels_md5_lanes_portable(uint32_t *const states[CKERNELS_MD5_LANES],
                                 const uint8_t *const inputs[CKERNELS_MD5_LANES], size_t blocks) {
    LOAD_STATES
    for (size_t offset = 0; offset < blocks * 64; offset += 64) {
        lanes x[16];
        for (int lane = 0; lane < CKERNELS_MD5_LANES; lane++) {
            uint32_t words[16];
            memcpy(words, inputs[lane] + offset, 64);
            for (int i = 0; i < 16; i++) x[i][lane] = words[i];
        }
        const lanes a0 = a, b0 = b, c0 = c, d0 = d;
        ROUNDS
        a += a0, b += b0, c += c0, d += d0;
    }
    STORE_STATES
}

#if defined(__x86_64__)
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2")))

/* Eight rows of eight words become eight columns. */
AVX2 static inline void transpose(const uint8_t *const inputs[8], size_t offset, lanes x[8]) {
    __m256i r[8], t[8];
    for (int i = 0; i < 8; i++) r[i] = _mm256_loadu_si256((const __m256i *)(inputs[i] + offset));
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        r[i] = _mm256_unpacklo_epi64(t[i], t[i + 2]);
        r[i + 1] = _mm256_unpackhi_epi64(t[i], t[i + 2]);
        r[i + 2] = _mm256_unpacklo_epi64(t[i + 1], t[i + 3]);
        r[i + 3] = _mm256_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        x[i] = (lanes)_mm256_permute2x128_si256(r[i], r[i + 4], 0x20);
        x[i + 4] = (lanes)_mm256_permute2x128_si256(r[i], r[i + 4], 0x31);
    }
}

#define EIGHT_LANES                                            \
    LOAD_STATES                                                \
    for (size_t offset = 0; offset < blocks * 64; offset += 64) { \
        lanes x[16];                                           \
        transpose(inputs, offset, x);                          \
        transpose(inputs, offset + 32, x + 8);                 \
        const lanes a0 = a, b0 = b, c0 = c, d0 = d;            \
        ROUNDS                                                 \
        a += a0, b += b0, c += c0, d += d0;                    \
    }                                                          \
    STORE_STATES

AVX2 static void md5_lanes_avx2(uint32_t *const states[8], const uint8_t *const inputs[8], size_t blocks) {
    EIGHT_LANES
}

/* The same with one instruction for each rotation and each of F, G, H and I: the chain of a step is half as long. */
__attribute__((target("avx2,avx512f,avx512vl"))) static void md5_lanes_avx512(uint32_t *const states[8],
                                                                             const uint8_t *const inputs[8],
                                                                             size_t blocks) {
    EIGHT_LANES
}

static int has_avx2, has_avx512;
__attribute__((constructor)) static void look_for_vectors(void) {
    __builtin_cpu_init();
    has_avx2 = __builtin_cpu_supports("avx2") != 0;
    has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl");
}
#endif

void ckernels_md5_lanes(uint32_t *const states[CKERNELS_MD5_LANES], const uint8_t *const inputs[CKERNELS_MD5_LANES],
                        size_t blocks) {
#if defined(__x86_64__)
    if (has_avx512) {
        md5_lanes_avx512(states, inputs, blocks);
        return;
    }
    if (has_avx2) {
        md5_lanes_avx2(states, inputs, blocks);
        return;
    }
#endif
    ckernels_md5_lanes_portable(states, inputs, blocks);
}

const char *ckernels_md5_kernel_name(void) {
#if defined(__x86_64__)
    if (has_avx512) return "avx512vl-x8";
    if (has_avx2) return "avx2-x8";
#endif
    return "portable-x8";
}
