#define OPENSSL_SUPPRESS_DEPRECATED 1
#include "CDigests.h"

#include <openssl/crypto.h>
#include <openssl/md5.h>
#include <openssl/sha.h>
#include <string.h>

_Static_assert(sizeof(MD5_CTX) <= sizeof(cdigests_md5), "MD5 state");
_Static_assert(sizeof(SHA_CTX) <= sizeof(cdigests_sha1), "SHA-1 state");
_Static_assert(sizeof(SHA256_CTX) <= sizeof(cdigests_sha256), "SHA-256 state");
_Static_assert(sizeof(SHA512_CTX) <= sizeof(cdigests_sha512), "SHA-512 state");

#define DIGEST(name, CONTEXT, INIT, UPDATE, FINAL)                                                  \
    void cdigests_##name##_init(cdigests_##name *state) { INIT((CONTEXT *)state); }                  \
    void cdigests_##name##_update(cdigests_##name *state, const void *bytes, size_t count) {         \
        if (count > 0) UPDATE((CONTEXT *)state, bytes, count);                                       \
    }                                                                                                \
    void cdigests_##name##_final(cdigests_##name *state, uint8_t *digest) { FINAL(digest, (CONTEXT *)state); }

DIGEST(md5, MD5_CTX, MD5_Init, MD5_Update, MD5_Final)
DIGEST(sha1, SHA_CTX, SHA1_Init, SHA1_Update, SHA1_Final)
DIGEST(sha256, SHA256_CTX, SHA256_Init, SHA256_Update, SHA256_Final)
DIGEST(sha512, SHA512_CTX, SHA512_Init, SHA512_Update, SHA512_Final)

_Static_assert(offsetof(MD5_CTX, B) == 4 && offsetof(MD5_CTX, D) == 12, "MD5 chaining words lie in a row");

uint32_t *cdigests_md5_chain(cdigests_md5 *state) { return &((MD5_CTX *)state)->A; }
int cdigests_md5_at_block(const cdigests_md5 *state) { return ((const MD5_CTX *)state)->num == 0; }

void cdigests_md5_advance(cdigests_md5 *state, uint64_t count) {
    MD5_CTX *context = (MD5_CTX *)state;
    uint64_t bits = ((uint64_t)context->Nh << 32 | context->Nl) + (count << 3);
    context->Nl = (uint32_t)bits;
    context->Nh = (uint32_t)(bits >> 32);
}

void cdigests_hmac_sha256_key(cdigests_sha256 *inner, cdigests_sha256 *outer, const void *key, size_t count) {
    uint8_t block[64] = {0};
    if (count > sizeof block) {
        cdigests_sha256_init(inner);
        cdigests_sha256_update(inner, key, count);
        cdigests_sha256_final(inner, block);
    } else if (count > 0) {
        memcpy(block, key, count);
    }
    for (size_t i = 0; i < sizeof block; i++) block[i] ^= 0x36;
    cdigests_sha256_init(inner);
    cdigests_sha256_update(inner, block, sizeof block);
    for (size_t i = 0; i < sizeof block; i++) block[i] ^= 0x36 ^ 0x5c;
    cdigests_sha256_init(outer);
    cdigests_sha256_update(outer, block, sizeof block);
    OPENSSL_cleanse(block, sizeof block);
}

void cdigests_hmac_sha256(const cdigests_sha256 *inner, const cdigests_sha256 *outer, const void *bytes, size_t count,
                          uint8_t code[32]) {
    cdigests_sha256 state = *inner;
    uint8_t digest[32];
    cdigests_sha256_update(&state, bytes, count);
    cdigests_sha256_final(&state, digest);
    state = *outer;
    cdigests_sha256_update(&state, digest, sizeof digest);
    cdigests_sha256_final(&state, code);
}

int cdigests_equal(const void *a, const void *b, size_t count) { return count == 0 || CRYPTO_memcmp(a, b, count) == 0; }
