#include "CTLS.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    SSL_CTX *context;
    X509 *certificate;
} entry;

struct ctls_store {
    entry *entries;
    size_t count;
};

struct ctls_client {
    SSL_CTX *context;
};

struct ctls_session {
    SSL *ssl;
    /// Of the failure, in the library's words.
    const char *problem;
    /// Set for the length of a call.
    ctls_io *io;
};

// MARK: Bytes in memory

static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static int bytes_read(BIO *bio, char *bytes, int count) {
    ctls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (!session->io || session->io->input_count == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t taken = session->io->input_count < (size_t)count ? session->io->input_count : (size_t)count;
    memcpy(bytes, session->io->input, taken);
    session->io->input += taken;
    session->io->input_count -= taken;
    return (int)taken;
}

static int bytes_write(BIO *bio, const char *bytes, int count) {
    ctls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    size_t room = session->io ? session->io->output_capacity - session->io->output_count : 0;
    if (room == 0) {
        BIO_set_retry_write(bio);
        return -1;
    }
    size_t taken = room < (size_t)count ? room : (size_t)count;
    memcpy(session->io->output + session->io->output_count, bytes, taken);
    session->io->output_count += taken;
    return (int)taken;
}

static long bytes_control(BIO *bio, int command, long number, void *pointer) {
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static void make_method(void) {
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "memory of the caller");
    if (!method) return;
    BIO_meth_set_read(method, bytes_read);
    BIO_meth_set_write(method, bytes_write);
    BIO_meth_set_ctrl(method, bytes_control);
}

// MARK: Certificates

static int fail(char *error, size_t count, const char *what) {
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    snprintf(error, count, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
    ERR_clear_error();
    return -1;
}

static int no_password(char *text, int count, int writing, void *context) {
    (void)text, (void)count, (void)writing, (void)context;
    return -1;
}

static int choose_certificate(SSL *ssl, int *alert, void *argument) {
    (void)alert;
    ctls_store *store = argument;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (!name) return SSL_TLSEXT_ERR_OK;
    for (size_t index = 0; index < store->count; index++) {
        if (X509_check_host(store->entries[index].certificate, name, 0, 0, NULL) != 1) continue;
        SSL_set_SSL_CTX(ssl, store->entries[index].context);
        break;
    }
    return SSL_TLSEXT_ERR_OK;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_count, const unsigned char *in,
                           unsigned int in_count, void *argument) {
    (void)ssl, (void)argument;
    static const unsigned char ours[] = "\x08http/1.1";
    if (SSL_select_next_proto((unsigned char **)out, out_count, ours, sizeof ours - 1, in, in_count) == OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_OK;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int use_pair(SSL_CTX *context, BIO *certificate, BIO *key, X509 **leaf, char *error, size_t error_count) {
    X509 *first = PEM_read_bio_X509(certificate, NULL, no_password, NULL);
    if (!first) return fail(error, error_count, "the certificate is not PEM");
    int used = SSL_CTX_use_certificate(context, first);
    *leaf = first;
    if (used != 1) return fail(error, error_count, "the certificate can't be used");
    X509 *next;
    while ((next = PEM_read_bio_X509(certificate, NULL, no_password, NULL))) {
        if (SSL_CTX_add0_chain_cert(context, next) == 1) continue;
        X509_free(next);
        return fail(error, error_count, "the certificate's chain can't be used");
    }
    // The end of the document.
    ERR_clear_error();
    EVP_PKEY *private_key = PEM_read_bio_PrivateKey(key, NULL, no_password, NULL);
    if (!private_key) return fail(error, error_count, "the key is not PEM without a password");
    used = SSL_CTX_use_PrivateKey(context, private_key);
    EVP_PKEY_free(private_key);
    if (used != 1 || SSL_CTX_check_private_key(context) != 1)
        return fail(error, error_count, "the key does not belong to the certificate");
    return 0;
}

static int use_authorities(SSL_CTX *context, BIO *authorities, int needs_client, const char *empty, char *error,
                           size_t error_count) {
    X509 *authority;
    int count = 0;
    while ((authority = PEM_read_bio_X509(authorities, NULL, no_password, NULL))) {
        int used = X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority) == 1
                   && SSL_CTX_add_client_CA(context, authority) == 1;
        X509_free(authority);
        if (!used) return fail(error, error_count, "an authority can't be used");
        count++;
    }
    ERR_clear_error();
    if (count == 0) return fail(error, error_count, empty);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (needs_client ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
    return 0;
}

ctls_store *ctls_store_new(void) { return calloc(1, sizeof(ctls_store)); }

void ctls_store_free(ctls_store *store) {
    for (size_t index = 0; index < store->count; index++) {
        SSL_CTX_free(store->entries[index].context);
        X509_free(store->entries[index].certificate);
    }
    free(store->entries);
    free(store);
}

int ctls_store_add(ctls_store *store, const void *certificate, size_t certificate_count, const void *key, size_t key_count,
                   int minimum, const char *ciphers, const void *authorities, size_t authorities_count, int needs_client,
                   char *error, size_t error_count) {
    ERR_clear_error();
    entry *grown = realloc(store->entries, (store->count + 1) * sizeof(entry));
    if (!grown) return fail(error, error_count, "no memory");
    store->entries = grown;
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context) return fail(error, error_count, "no TLS context");
    X509 *leaf = NULL;
    BIO *certificate_bytes = BIO_new_mem_buf(certificate, (int)certificate_count);
    BIO *key_bytes = BIO_new_mem_buf(key, (int)key_count);
    BIO *authority_bytes = authorities ? BIO_new_mem_buf(authorities, (int)authorities_count) : NULL;
    int result = use_pair(context, certificate_bytes, key_bytes, &leaf, error, error_count);
    if (result == 0 && SSL_CTX_set_min_proto_version(context, minimum) != 1)
        result = fail(error, error_count, "the minimum version can't be used");
    if (result == 0 && SSL_CTX_set_cipher_list(context, ciphers ? ciphers : "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
        result = fail(error, error_count, "none of the ciphers is known");
    if (result == 0 && authorities)
        result = use_authorities(context, authority_bytes, needs_client, "the authorities of clients are not PEM", error, error_count);
    BIO_free(certificate_bytes);
    BIO_free(key_bytes);
    BIO_free(authority_bytes);
    if (result != 0) {
        X509_free(leaf);
        SSL_CTX_free(context);
        return result;
    }
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"martlet", 7);
    SSL_CTX_set_tlsext_servername_callback(context, choose_certificate);
    SSL_CTX_set_tlsext_servername_arg(context, store);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    store->entries[store->count++] = (entry){context, leaf};
    return 0;
}

size_t ctls_store_count(const ctls_store *store) { return store->count; }

int64_t ctls_store_not_after(const ctls_store *store, size_t index) {
    struct tm when;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(store->entries[index].certificate), &when) != 1) return 0;
    return timegm(&when);
}

void ctls_store_name(const ctls_store *store, size_t index, char *text, size_t text_count) {
    X509 *certificate = store->entries[index].certificate;
    text[0] = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int place = 0; names && place < sk_GENERAL_NAME_num(names) && !text[0]; place++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, place);
        if (name->type != GEN_DNS) continue;
        snprintf(text, text_count, "%.*s", ASN1_STRING_length(name->d.dNSName),
                 (const char *)ASN1_STRING_get0_data(name->d.dNSName));
    }
    GENERAL_NAMES_free(names);
    if (!text[0]) X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text, (int)text_count);
}

// MARK: Sessions

static ctls_session *session_new(SSL_CTX *context) {
    pthread_once(&method_once, make_method);
    if (!method) return NULL;
    ctls_session *session = calloc(1, sizeof *session);
    BIO *bio = BIO_new(method);
    if (session) session->ssl = SSL_new(context);
    if (!session || !bio || !session->ssl) {
        BIO_free(bio);
        if (session) SSL_free(session->ssl);
        free(session);
        return NULL;
    }
    BIO_set_data(bio, session);
    BIO_set_init(bio, 1);
    SSL_set_bio(session->ssl, bio, bio);
    return session;
}

ctls_session *ctls_session_new(ctls_store *store) {
    if (store->count == 0) return NULL;
    ctls_session *session = session_new(store->entries[0].context);
    if (session) SSL_set_accept_state(session->ssl);
    return session;
}

ctls_client *ctls_client_new(const void *authorities, size_t authorities_count, const void *certificate, size_t certificate_count,
                             const void *key, size_t key_count, char *error, size_t error_count) {
    ERR_clear_error();
    ctls_client *client = calloc(1, sizeof *client);
    if (client) client->context = SSL_CTX_new(TLS_client_method());
    if (!client || !client->context) {
        fail(error, error_count, "no TLS context");
        free(client);
        return NULL;
    }
    SSL_CTX *context = client->context;
    int result = 0;
    if (authorities) {
        BIO *bytes = BIO_new_mem_buf(authorities, (int)authorities_count);
        result = use_authorities(context, bytes, 0, "the authorities are not PEM", error, error_count);
        BIO_free(bytes);
    } else if (SSL_CTX_set_default_verify_paths(context) != 1) {
        result = fail(error, error_count, "the system's authorities can't be read");
    }
    if (result == 0 && certificate) {
        X509 *leaf = NULL;
        BIO *certificate_bytes = BIO_new_mem_buf(certificate, (int)certificate_count);
        BIO *key_bytes = BIO_new_mem_buf(key, (int)key_count);
        result = use_pair(context, certificate_bytes, key_bytes, &leaf, error, error_count);
        X509_free(leaf);
        BIO_free(certificate_bytes);
        BIO_free(key_bytes);
    }
    if (result == 0 && SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1)
        result = fail(error, error_count, "TLS 1.2 can't be used");
    if (result != 0) {
        ctls_client_free(client);
        return NULL;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_alpn_protos(context, (const unsigned char *)"\x08http/1.1", 9);
    return client;
}

void ctls_client_free(ctls_client *client) {
    SSL_CTX_free(client->context);
    free(client);
}

ctls_session *ctls_client_session_new(ctls_client *client, const char *host) {
    ctls_session *session = session_new(client->context);
    if (!session) return NULL;
    SSL_set_connect_state(session->ssl);
    X509_VERIFY_PARAM *wanted = SSL_get0_param(session->ssl);
    int set = 1;
    if (X509_VERIFY_PARAM_set1_ip_asc(wanted, host) != 1) {
        ERR_clear_error();
        X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        set = SSL_set1_host(session->ssl, host) == 1 && SSL_set_tlsext_host_name(session->ssl, host) == 1;
    }
    if (set) return session;
    ERR_clear_error();
    ctls_session_free(session);
    return NULL;
}

void ctls_session_problem(const ctls_session *session, char *text, size_t text_count) {
    long verified = SSL_get_verify_result(session->ssl);
    const char *reason = verified != X509_V_OK ? X509_verify_cert_error_string(verified) : session->problem;
    snprintf(text, text_count, "%s", reason ? reason : "");
}

const char *ctls_session_version(const ctls_session *session) { return SSL_get_version(session->ssl); }

int ctls_session_resumed(const ctls_session *session) { return SSL_session_reused(session->ssl); }

void ctls_session_server_name(const ctls_session *session, char *text, size_t text_count) {
    const char *name = SSL_get_servername(session->ssl, TLSEXT_NAMETYPE_host_name);
    size_t count = 0;
    for (; name && name[count] && count + 1 < text_count; count++)
        text[count] = name[count] >= 'A' && name[count] <= 'Z' ? (char)(name[count] + 32) : name[count];
    text[count] = 0;
}

static void common_name(X509 *certificate, char *text, size_t text_count) {
    X509_NAME *subject = X509_get_subject_name(certificate);
    int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    // Of several names nobody can say which one the authority meant.
    if (index < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, index) >= 0) return;
    unsigned char *bytes = NULL;
    int count = ASN1_STRING_to_UTF8(&bytes, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
    // A zero byte would cut the name short, and make another of it.
    if (count > 0 && (size_t)count < text_count && !memchr(bytes, 0, (size_t)count)) {
        memcpy(text, bytes, (size_t)count);
        text[count] = 0;
    }
    OPENSSL_free(bytes);
}

int ctls_session_peer(const ctls_session *session, char *name, size_t name_count, int64_t *not_after, int *is_for_clients) {
    name[0] = 0;
    if (SSL_get_verify_result(session->ssl) != X509_V_OK) return 0;
    X509 *certificate = SSL_get1_peer_certificate(session->ssl);
    if (!certificate) return 0;
    common_name(certificate, name, name_count);
    struct tm parts;
    // What has no readable end has ended.
    *not_after = ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) == 1 ? (int64_t)timegm(&parts) : 0;
    // Without the extension a certificate is for anything, which is not enough here.
    *is_for_clients = (X509_get_extension_flags(certificate) & EXFLAG_XKUSAGE) != 0
                      && (X509_get_extended_key_usage(certificate) & XKU_SSL_CLIENT) != 0;
    X509_free(certificate);
    ERR_clear_error();
    return 1;
}

void ctls_session_free(ctls_session *session) {
    SSL_free(session->ssl);
    free(session);
}

static int begin(ctls_session *session, ctls_io *io) {
    ERR_clear_error();
    session->io = io;
    return 0;
}

static int end(ctls_session *session, int result) {
    session->io = NULL;
    int code;
    switch (SSL_get_error(session->ssl, result)) {
    case SSL_ERROR_NONE: return CTLS_DONE;
    case SSL_ERROR_WANT_READ: return CTLS_WANT_INPUT;
    case SSL_ERROR_WANT_WRITE: return CTLS_WANT_OUTPUT;
    case SSL_ERROR_ZERO_RETURN: return CTLS_ENDED;
    default:
        code = ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST ? CTLS_PLAIN_HTTP : CTLS_FAILED;
        session->problem = ERR_reason_error_string(ERR_peek_error());
        ERR_clear_error();
        return code;
    }
}

int ctls_handshake(ctls_session *session, ctls_io *io) {
    begin(session, io);
    return end(session, SSL_do_handshake(session->ssl));
}

ssize_t ctls_read(ctls_session *session, ctls_io *io, void *bytes, size_t count) {
    begin(session, io);
    int result = SSL_read(session->ssl, bytes, count > INT32_MAX ? INT32_MAX : (int)count);
    if (result > 0) {
        session->io = NULL;
        return result;
    }
    return end(session, result);
}

ssize_t ctls_write(ctls_session *session, ctls_io *io, const void *bytes, size_t count) {
    begin(session, io);
    int result = SSL_write(session->ssl, bytes, count > INT32_MAX ? INT32_MAX : (int)count);
    if (result > 0) {
        session->io = NULL;
        return result;
    }
    return end(session, result);
}

int ctls_close(ctls_session *session, ctls_io *io) {
    begin(session, io);
    int result = SSL_shutdown(session->ssl);
    session->io = NULL;
    ERR_clear_error();
    return result < 0 ? CTLS_FAILED : CTLS_DONE;
}

size_t ctls_pending(const ctls_session *session) { return (size_t)SSL_pending(session->ssl); }
