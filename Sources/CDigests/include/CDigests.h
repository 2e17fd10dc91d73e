/* OpenSSL's and xxHash's digests with their states as plain values: no allocation, no provider look-up a digest, copied by
   assignment. The low-level calls are used because in OpenSSL 3.0 fetching and allocating through EVP costs more than hashing the
   few hundred bytes of a signed request; the block functions (SHA-NI, AVX2) are the same. */
#ifndef MARTLET_CDIGESTS_H
#define MARTLET_CDIGESTS_H

#include <stddef.h>
#include <stdint.h>

typedef struct { uint64_t words[12]; } cdigests_md5;
typedef struct { uint64_t words[12]; } cdigests_sha1;
typedef struct { uint64_t words[14]; } cdigests_sha256;
typedef struct { uint64_t words[27]; } cdigests_sha512;
typedef struct { uint64_t words[11]; } cdigests_xxh64;

void cdigests_md5_init(cdigests_md5 *state);
void cdigests_md5_update(cdigests_md5 *state, const void *bytes, size_t count);
void cdigests_md5_final(cdigests_md5 *state, uint8_t digest[16]);
/* The four chaining words, and whether no partial block waits in the state: what a lane kernel needs. */
uint32_t *cdigests_md5_chain(cdigests_md5 *state);
int cdigests_md5_at_block(const cdigests_md5 *state);
/* Counts bytes that a lane kernel has hashed into the chaining words. */
void cdigests_md5_advance(cdigests_md5 *state, uint64_t count);

void cdigests_sha1_init(cdigests_sha1 *state);
void cdigests_sha1_update(cdigests_sha1 *state, const void *bytes, size_t count);
void cdigests_sha1_final(cdigests_sha1 *state, uint8_t digest[20]);

void cdigests_sha256_init(cdigests_sha256 *state);
void cdigests_sha256_update(cdigests_sha256 *state, const void *bytes, size_t count);
void cdigests_sha256_final(cdigests_sha256 *state, uint8_t digest[32]);

void cdigests_sha512_init(cdigests_sha512 *state);
void cdigests_sha512_update(cdigests_sha512 *state, const void *bytes, size_t count);
void cdigests_sha512_final(cdigests_sha512 *state, uint8_t digest[64]);

/* HMAC-SHA256 with the key's two padded blocks hashed once. */
void cdigests_hmac_sha256_key(cdigests_sha256 *inner, cdigests_sha256 *outer, const void *key, size_t count);
void cdigests_hmac_sha256(const cdigests_sha256 *inner, const cdigests_sha256 *outer, const void *bytes, size_t count,
                          uint8_t code[32]);

void cdigests_xxh64_init(cdigests_xxh64 *state);
void cdigests_xxh64_update(cdigests_xxh64 *state, const void *bytes, size_t count);
uint64_t cdigests_xxh64_digest(const cdigests_xxh64 *state);

/* One state for both widths of XXH3; the caller keeps cdigests_xxh3_size() bytes of any alignment. */
size_t cdigests_xxh3_size(void);
void cdigests_xxh3_init(void *state, int wide);
void cdigests_xxh3_update(void *state, int wide, const void *bytes, size_t count);
uint64_t cdigests_xxh3_digest64(const void *state);
void cdigests_xxh3_digest128(const void *state, uint64_t *high, uint64_t *low);

/* 1 when equal; its time depends on count only. */
int cdigests_equal(const void *a, const void *b, size_t count);

/* AES-256-GCM: seals `count` bytes into `output` and writes the tag, or opens them and checks it. 1 when it was done; the output of a
   failed opening is not to be used. */
int cdigests_aes256_gcm(int seals, const uint8_t key[32], const uint8_t nonce[12], const void *bound, size_t bound_count,
                        const void *input, size_t count, uint8_t *output, uint8_t tag[16]);

#endif
