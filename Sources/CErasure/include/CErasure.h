/* The part of ISA-L that ErasureCoding uses, with const where ISA-L only reads. Field: GF(2^8) modulo 0x11D. */
#ifndef MARTLET_CERASURE_H
#define MARTLET_CERASURE_H

#include <stdint.h>

uint8_t cerasure_multiply(uint8_t a, uint8_t b);
uint8_t cerasure_inverse(uint8_t a);
/* Inverts an n by n matrix (and destroys it). 0 when done, otherwise it has no inverse. */
int cerasure_invert(uint8_t *matrix, uint8_t *inverse, int n);
/* Expands rows * k coefficients to the 32-byte tables that the kernels read. */
void cerasure_tables(int k, int rows, const uint8_t *coefficients, uint8_t *tables);
/* outputs[r][i] = sum over j of coefficient[r][j] * inputs[j][i] for i < count. */
void cerasure_apply(int count, int k, int rows, const uint8_t *tables, const void *const *inputs, void *const *outputs);

#endif
