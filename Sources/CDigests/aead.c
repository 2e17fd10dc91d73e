#include "CDigests.h"

#include <openssl/evp.h>

int cdigests_aes256_gcm(int seals, const uint8_t key[32], const uint8_t nonce[12], const void *bound, size_t bound_count,
                        const void *input, size_t count, uint8_t *output, uint8_t tag[16]) {
    if (bound_count > 1 << 20 || count > 1 << 30) return 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (context == NULL) return 0;
    int moved = 0;
    int done = EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce, seals) == 1 &&
               (bound_count == 0 || EVP_CipherUpdate(context, NULL, &moved, bound, (int)bound_count) == 1) &&
               (count == 0 || EVP_CipherUpdate(context, output, &moved, input, (int)count) == 1) &&
               (seals || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, 16, tag) == 1) &&
               EVP_CipherFinal_ex(context, output + count, &moved) == 1 &&
               (!seals || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, 16, tag) == 1);
    EVP_CIPHER_CTX_free(context);
    return done;
}
