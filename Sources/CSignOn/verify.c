#include "CSignOn.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <string.h>

static const EVP_MD *digest_of(int bits) {
    switch (bits) {
    case 256: return EVP_sha256();
    case 384: return EVP_sha384();
    case 512: return EVP_sha512();
    default: return NULL;
    }
}

static EVP_PKEY *key_from(const char *type, OSSL_PARAM *parameters) {
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (context != NULL &&
        (EVP_PKEY_fromdata_init(context) != 1 || EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1))
        key = NULL;
    EVP_PKEY_CTX_free(context);
    return key;
}

static int verify(EVP_PKEY *key, const EVP_MD *digest, int pss, const void *message, size_t count, const uint8_t *signature,
                  size_t signature_count) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *settings = NULL;
    int good = context != NULL && EVP_DigestVerifyInit(context, &settings, digest, NULL, key) == 1;
    if (good && pss)
        good = EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST) == 1;
    good = good && EVP_DigestVerify(context, signature, signature_count, message, count) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

int csignon_verify_rsa(const uint8_t *modulus, size_t modulus_count, const uint8_t *exponent, size_t exponent_count, int bits, int pss,
                       const void *message, size_t count, const uint8_t *signature, size_t signature_count) {
    const EVP_MD *digest = digest_of(bits);
    if (digest == NULL || modulus_count == 0 || modulus_count > 1025 || exponent_count == 0 || exponent_count > 8) return 0;
    BIGNUM *n = BN_bin2bn(modulus, (int)modulus_count, NULL), *e = BN_bin2bn(exponent, (int)exponent_count, NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM *parameters = NULL;
    EVP_PKEY *key = NULL;
    int good = 0;
    if (n != NULL && e != NULL && builder != NULL && BN_num_bits(n) >= 2048 && BN_num_bits(n) <= 8192 && BN_is_odd(e) && !BN_is_one(e) &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1 &&
        (parameters = OSSL_PARAM_BLD_to_param(builder)) != NULL && (key = key_from("RSA", parameters)) != NULL)
        good = verify(key, digest, pss, message, count, signature, signature_count);
    EVP_PKEY_free(key);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    return good;
}

int csignon_verify_ec(int curve, const uint8_t *x, const uint8_t *y, size_t width, const void *message, size_t count,
                      const uint8_t *signature, size_t signature_count) {
    const char *group;
    const EVP_MD *digest;
    size_t expected;
    switch (curve) {
    case 256: group = "P-256", digest = EVP_sha256(), expected = 32; break;
    case 384: group = "P-384", digest = EVP_sha384(), expected = 48; break;
    case 521: group = "P-521", digest = EVP_sha512(), expected = 66; break;
    default: return 0;
    }
    if (width != expected || signature_count != 2 * width) return 0;
    uint8_t point[1 + 2 * 66] = {4};
    memcpy(point + 1, x, width);
    memcpy(point + 1 + width, y, width);

    /* JOSE has the two numbers side by side; OpenSSL wants them as DER. */
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, (int)width, NULL), *s = BN_bin2bn(signature + width, (int)width, NULL);
    uint8_t *der = NULL;
    int der_count = 0;
    if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
        r = s = NULL;
        der_count = i2d_ECDSA_SIG(pair, &der);
    }
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * width),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *key = der_count > 0 ? key_from("EC", parameters) : NULL;
    int good = key != NULL && verify(key, digest, 0, message, count, der, (size_t)der_count);
    EVP_PKEY_free(key);
    OPENSSL_free(der);
    ECDSA_SIG_free(pair);
    BN_free(r);
    BN_free(s);
    return good;
}

int csignon_verify_ed25519(const uint8_t key_bytes[32], const void *message, size_t count, const uint8_t signature[64]) {
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key_bytes, 32);
    int good = key != NULL && verify(key, NULL, 0, message, count, signature, 64);
    EVP_PKEY_free(key);
    return good;
}
