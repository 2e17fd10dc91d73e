/* Checksums and hashes over many bytes, in the fastest form that the machine has. No dependencies, no allocation, no state but
   tables that are filled before main() runs. */
#ifndef MARTLET_CKERNELS_H
#define MARTLET_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

/* CRCs take and return finished values: 0 starts, the result of one call continues with the next. */
uint32_t ckernels_crc32(uint32_t crc, const void *bytes, size_t count);
uint32_t ckernels_crc32c(uint32_t crc, const void *bytes, size_t count);
uint64_t ckernels_crc64nvme(uint64_t crc, const void *bytes, size_t count);

/* The CRC of A followed by B from the CRCs of both and the length of B in bytes. */
uint32_t ckernels_crc32_combine(uint32_t a, uint32_t b, uint64_t count_b);
uint32_t ckernels_crc32c_combine(uint32_t a, uint32_t b, uint64_t count_b);
uint64_t ckernels_crc64nvme_combine(uint64_t a, uint64_t b, uint64_t count_b);

/* For tests and measurements: one kernel by number, 0 (portable) up to the best one of this machine. */
typedef enum { CKERNELS_CRC32 = 0, CKERNELS_CRC32C = 1, CKERNELS_CRC64NVME = 2 } ckernels_crc_kind;
int ckernels_crc_best_kernel(void);
const char *ckernels_crc_kernel_name(int kernel);
uint64_t ckernels_crc_using(int kernel, ckernels_crc_kind kind, uint64_t crc, const void *bytes, size_t count);

/* MD5 of eight streams side by side: each state is the four chaining words, each input has `blocks` blocks of 64 bytes. */
#define CKERNELS_MD5_LANES 8
void ckernels_md5_lanes(uint32_t *const states[CKERNELS_MD5_LANES], const uint8_t *const inputs[CKERNELS_MD5_LANES],
                        size_t blocks);
/* One stream, plain C: the reference. */
void ckernels_md5_blocks(uint32_t state[4], const uint8_t *input, size_t blocks);
/* The portable form of ckernels_md5_lanes, for tests. */
void ckernels_md5_lanes_portable(uint32_t *const states[CKERNELS_MD5_LANES],
                                 const uint8_t *const inputs[CKERNELS_MD5_LANES], size_t blocks);
const char *ckernels_md5_kernel_name(void);

#endif
