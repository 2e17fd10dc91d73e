#include "CErasure.h"

#include <isa-l/erasure_code.h>

uint8_t cerasure_multiply(uint8_t a, uint8_t b) { return gf_mul(a, b); }
uint8_t cerasure_inverse(uint8_t a) { return gf_inv(a); }

int cerasure_invert(uint8_t *matrix, uint8_t *inverse, int n) { return gf_invert_matrix(matrix, inverse, n); }

void cerasure_tables(int k, int rows, const uint8_t *coefficients, uint8_t *tables) {
    ec_init_tables(k, rows, (unsigned char *)coefficients, tables);
}

void cerasure_apply(int count, int k, int rows, const uint8_t *tables, const void *const *inputs, void *const *outputs) {
    ec_encode_data(count, k, rows, (unsigned char *)tables, (unsigned char **)inputs, (unsigned char **)outputs);
}
