#ifndef CTLS_H
#define CTLS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// OpenSSL as Martlet uses it: server sessions whose bytes come from and go to memory, and certificates for a quick start. Nothing
/// here touches a socket or a file.

enum {
    CTLS_DONE = 0,
    /// More bytes of the peer are needed.
    CTLS_WANT_INPUT = -1,
    /// The room for output is used up: send it and call again.
    CTLS_WANT_OUTPUT = -2,
    /// The peer has ended the stream in order.
    CTLS_ENDED = -3,
    CTLS_FAILED = -4,
    /// The peer speaks HTTP without TLS.
    CTLS_PLAIN_HTTP = -5,
};

/// Certificates with their keys, the first one for clients that name no host or an unknown one.
typedef struct ctls_store ctls_store;
typedef struct ctls_session ctls_session;
typedef struct ctls_client ctls_client;

/// Bytes of the peer that were not used yet, and room for bytes to it; a call moves both on.
typedef struct {
    const uint8_t *input;
    size_t input_count;
    uint8_t *output;
    size_t output_capacity;
    size_t output_count;
} ctls_io;

ctls_store *ctls_store_new(void);
/// No session uses the store any more.
void ctls_store_free(ctls_store *store);
/// PEM documents, the certificate with its chain. `minimum` is 0x0303 or 0x0304; `ciphers` are of TLS 1.2 in OpenSSL's words, or
/// NULL; `authorities` are those of clients' certificates, NULL for none. 0, or -1 with a sentence in `error`.
int ctls_store_add(ctls_store *store, const void *certificate, size_t certificate_count, const void *key, size_t key_count,
                   int minimum, const char *ciphers, const void *authorities, size_t authorities_count, int needs_client,
                   char *error, size_t error_count);
size_t ctls_store_count(const ctls_store *store);
/// Seconds since 1970.
int64_t ctls_store_not_after(const ctls_store *store, size_t index);
/// The first DNS name or the subject's common name.
void ctls_store_name(const ctls_store *store, size_t index, char *text, size_t text_count);

ctls_session *ctls_session_new(ctls_store *store);
/// What a client trusts: PEM of `authorities`, or those of the system when NULL; a certificate of its own with its key, or NULL.
ctls_client *ctls_client_new(const void *authorities, size_t authorities_count, const void *certificate, size_t certificate_count,
                             const void *key, size_t key_count, char *error, size_t error_count);
void ctls_client_free(ctls_client *client);
/// `host` is the name or the address that the server's certificate must bear.
ctls_session *ctls_client_session_new(ctls_client *client, const char *host);
/// Why the handshake failed; empty when nothing is known.
void ctls_session_problem(const ctls_session *session, char *text, size_t text_count);
/// The version spoken, such as `TLSv1.3`, and whether an earlier session was resumed.
const char *ctls_session_version(const ctls_session *session);
int ctls_session_resumed(const ctls_session *session);
/// The host name that the client asked for, in lower case; empty for none.
void ctls_session_server_name(const ctls_session *session, char *text, size_t text_count);
/// The certificate that the peer has shown and that an authority vouches for: the subject's only common name as UTF-8, empty when it has
/// none, several or one that does not fit; when it expires, in seconds since 1970; whether its extended key usage names clients.
/// 1, or 0 when there is none.
int ctls_session_peer(const ctls_session *session, char *name, size_t name_count, int64_t *not_after, int *is_for_clients);
void ctls_session_free(ctls_session *session);
int ctls_handshake(ctls_session *session, ctls_io *io);
/// Bytes read, or one of the codes above.
ssize_t ctls_read(ctls_session *session, ctls_io *io, void *bytes, size_t count);
/// Bytes that went into records, at most one record's, or one of the codes above.
ssize_t ctls_write(ctls_session *session, ctls_io *io, const void *bytes, size_t count);
/// Tells the peer that nothing more comes.
int ctls_close(ctls_session *session, ctls_io *io);
/// Decrypted bytes that wait to be read.
size_t ctls_pending(const ctls_session *session);

/// A certificate on a new P-256 key, signed by the authority given, or by itself as an authority when there is none. `names` is a
/// list such as `DNS:localhost,IP:127.0.0.1`, unused for an authority. The documents are PEM, to be freed by the caller.
int ctls_make_certificate(const char *subject, const char *names, int days, const void *authority, size_t authority_count,
                          const void *authority_key, size_t authority_key_count, char **certificate, char **key, char *error,
                          size_t error_count);

#endif
