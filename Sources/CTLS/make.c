#include "CTLS.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int add(X509 *certificate, X509 *issuer, int kind, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    if (!extension) return 0;
    int added = X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return added;
}

static int fill(X509 *certificate, EVP_PKEY *key, X509 *authority, const char *subject, const char *names, int days) {
    unsigned char serial[16];
    if (RAND_bytes(serial, sizeof serial) != 1) return 0;
    serial[0] &= 0x7F;
    BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
    int made = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    X509_NAME *name = X509_get_subject_name(certificate);
    // An hour in the past: clocks differ.
    return made && X509_set_version(certificate, 2) == 1 && X509_gmtime_adj(X509_getm_notBefore(certificate), -3600)
           && X509_gmtime_adj(X509_getm_notAfter(certificate), (long)days * 86400) && X509_set_pubkey(certificate, key) == 1
           && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)subject, -1, -1, 0) == 1
           && X509_set_issuer_name(certificate, authority ? X509_get_subject_name(authority) : name) == 1
           && add(certificate, authority ? authority : certificate, NID_subject_key_identifier, "hash")
           && add(certificate, authority ? authority : certificate, NID_authority_key_identifier, "keyid:always")
           && add(certificate, certificate, NID_basic_constraints, authority ? "critical,CA:FALSE" : "critical,CA:TRUE")
           && add(certificate, certificate, NID_key_usage, authority ? "critical,digitalSignature" : "critical,keyCertSign,cRLSign")
           && (!authority || add(certificate, certificate, NID_ext_key_usage, "serverAuth,clientAuth"))
           && (!authority || add(certificate, certificate, NID_subject_alt_name, names));
}

static char *text_of(BIO *bio) {
    char *bytes;
    long count = BIO_get_mem_data(bio, &bytes);
    char *text = malloc((size_t)count + 1);
    if (!text) return NULL;
    memcpy(text, bytes, (size_t)count);
    text[count] = 0;
    return text;
}

int ctls_make_certificate(const char *subject, const char *names, int days, const void *authority, size_t authority_count,
                          const void *authority_key, size_t authority_key_count, char **certificate, char **key, char *error,
                          size_t error_count) {
    ERR_clear_error();
    X509 *issuer = NULL, *made = X509_new();
    EVP_PKEY *issuer_key = NULL, *made_key = EVP_EC_gen("P-256");
    BIO *certificate_text = BIO_new(BIO_s_mem()), *key_text = BIO_new(BIO_s_mem());
    const char *problem = "no memory";
    *certificate = *key = NULL;
    if (!made || !made_key || !certificate_text || !key_text) goto end;
    if (authority) {
        BIO *bytes = BIO_new_mem_buf(authority, (int)authority_count);
        issuer = PEM_read_bio_X509(bytes, NULL, NULL, (void *)"");
        BIO_free(bytes);
        bytes = BIO_new_mem_buf(authority_key, (int)authority_key_count);
        issuer_key = PEM_read_bio_PrivateKey(bytes, NULL, NULL, (void *)"");
        BIO_free(bytes);
        problem = "the authority can't be read";
        if (!issuer || !issuer_key || X509_check_private_key(issuer, issuer_key) != 1) goto end;
    }
    problem = "the names can't be used";
    if (!fill(made, made_key, issuer, subject, names, days)) goto end;
    problem = "the certificate can't be signed";
    if (!X509_sign(made, issuer_key ? issuer_key : made_key, EVP_sha256())) goto end;
    if (PEM_write_bio_X509(certificate_text, made) != 1
        || PEM_write_bio_PKCS8PrivateKey(key_text, made_key, NULL, NULL, 0, NULL, NULL) != 1)
        goto end;
    *certificate = text_of(certificate_text);
    *key = text_of(key_text);
    if (*certificate && *key) problem = NULL;
end:
    if (problem) {
        unsigned long code = ERR_peek_last_error();
        const char *reason = code ? ERR_reason_error_string(code) : NULL;
        snprintf(error, error_count, "%s%s%s", problem, reason ? ": " : "", reason ? reason : "");
        free(*certificate);
        free(*key);
        *certificate = *key = NULL;
    }
    ERR_clear_error();
    X509_free(issuer);
    X509_free(made);
    EVP_PKEY_free(issuer_key);
    EVP_PKEY_free(made_key);
    BIO_free(certificate_text);
    BIO_free(key_text);
    return problem ? -1 : 0;
}
