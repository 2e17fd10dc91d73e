/* What sign-on takes from C libraries: signatures of tokens from OpenSSL, documents of providers from libcurl, directories from libldap.
   The last two have interfaces of variadic functions, which Swift can't call. All of these calls block or compute: none belongs on a loop
   but the verification of signatures. */
#ifndef MARTLET_CSIGNON_H
#define MARTLET_CSIGNON_H

#include <stddef.h>
#include <stdint.h>

/* 1 when the signature is the key's over the message. `bits` is 256, 384 or 512 for SHA-2 of that width; a modulus below 2048 or above
   8192 bits is refused. */
int csignon_verify_rsa(const uint8_t *modulus, size_t modulus_count, const uint8_t *exponent, size_t exponent_count, int bits, int pss,
                       const void *message, size_t count, const uint8_t *signature, size_t signature_count);
/* ECDSA on P-256, P-384 or P-521 (`curve` 256, 384, 521); coordinates and the signature's two numbers are of the curve's full width. */
int csignon_verify_ec(int curve, const uint8_t *x, const uint8_t *y, size_t width, const void *message, size_t count,
                      const uint8_t *signature, size_t signature_count);
int csignon_verify_ed25519(const uint8_t key[32], const void *message, size_t count, const uint8_t signature[64]);

/* GET of a small document. 0 when there was an answer, whatever its status, else libcurl's number. The body is free()d by the caller.
   `ca_file` may be NULL. More than `body_max` bytes end the transfer. A redirect never leads from https to http. */
int csignon_get(const char *url, const char *ca_file, long connect_milliseconds, long total_milliseconds, size_t body_max, long *status,
                uint8_t **body, size_t *body_count);
const char *csignon_get_error(int number);

/* A connection to a directory. Numbers returned are LDAP's result codes: 0 is success, negative ones are the library's own. */
typedef struct csignon_ldap csignon_ldap;
int csignon_ldap_open(const char *url, int start_tls, const char *ca_file, int timeout_milliseconds, csignon_ldap **connection);
int csignon_ldap_bind(csignon_ldap *connection, const char *name, const char *password, size_t password_count);
/* Names of the entries below `base` that fit, and of each the first value of `attribute` (NULL when it has none or none is asked for). More than
   `limit` entries are an error. */
typedef struct { char *name, *value; } csignon_ldap_entry;
int csignon_ldap_search(csignon_ldap *connection, const char *base, const char *filter, const char *attribute, int limit,
                        csignon_ldap_entry **entries, size_t *count);
void csignon_ldap_free_entries(csignon_ldap_entry *entries, size_t count);
void csignon_ldap_close(csignon_ldap *connection);
const char *csignon_ldap_error(int number);
/* Whether the number says that the server or the way to it failed, not that it refused. */
int csignon_ldap_is_outage(int number);

#endif
