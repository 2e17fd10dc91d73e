#include "CSignOn.h"

#include <errno.h>
#include <lber.h>
#include <ldap.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct csignon_ldap {
    LDAP *handle;
    struct timeval timeout;
    struct ldap_conncb callbacks;
    /* While a connection is made: a second descriptor of its socket, which no close by the library can give to somebody else. */
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    int descriptor, is_ended, is_late;
};

/* The library's timeouts do not reach into the TLS handshake, which would wait for a silent server for ever, and with a network timeout
   set it would even wait in a busy loop: so the handshake runs on a blocking socket, and this thread shuts that down when its time is over. */
static void *watch(void *context) {
    csignon_ldap *connection = context;
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += connection->timeout.tv_sec;
    pthread_mutex_lock(&connection->mutex);
    while (!connection->is_ended && pthread_cond_timedwait(&connection->ended, &connection->mutex, &end) != ETIMEDOUT) {}
    if (!connection->is_ended) {
        connection->is_late = 1;
        if (connection->descriptor >= 0) shutdown(connection->descriptor, SHUT_RDWR);
    }
    pthread_mutex_unlock(&connection->mutex);
    return NULL;
}

static int connected(LDAP *handle, Sockbuf *buffer, LDAPURLDesc *url, struct sockaddr *address, struct ldap_conncb *callbacks) {
    (void)url, (void)address;
    csignon_ldap *connection = callbacks->lc_arg;
    ber_socket_t descriptor = -1;
    if (ber_sockbuf_ctrl(buffer, LBER_SB_OPT_GET_FD, &descriptor) < 0 || descriptor < 0) return -1;
    ldap_set_option(handle, LDAP_OPT_NETWORK_TIMEOUT, NULL);
    /* For what the server leaves half said later on. */
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &connection->timeout, sizeof connection->timeout);
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &connection->timeout, sizeof connection->timeout);
    pthread_mutex_lock(&connection->mutex);
    /* The library would connect again by itself when the server hangs up, without TLS when it was started: it may connect once. */
    int is_refused = connection->is_late || connection->is_ended;
    if (!is_refused && connection->descriptor < 0) connection->descriptor = dup(descriptor);
    pthread_mutex_unlock(&connection->mutex);
    return is_refused ? -1 : 0;
}

static void disconnected(LDAP *handle, Sockbuf *buffer, struct ldap_conncb *callbacks) { (void)handle, (void)buffer, (void)callbacks; }

/* Connects, under TLS when the address or the caller says so, within the timeout. */
static int connect_watched(csignon_ldap *connection, int start_tls) {
    pthread_t watcher;
    int result = LDAP_NO_MEMORY;
    if (pthread_create(&watcher, NULL, watch, connection) == 0) {
        result = start_tls ? ldap_start_tls_s(connection->handle, NULL, NULL) : ldap_connect(connection->handle);
        pthread_mutex_lock(&connection->mutex);
        connection->is_ended = 1;
        pthread_cond_signal(&connection->ended);
        pthread_mutex_unlock(&connection->mutex);
        pthread_join(watcher, NULL);
        if (result != LDAP_SUCCESS && connection->is_late) result = LDAP_TIMEOUT;
    }
    if (connection->descriptor >= 0) close(connection->descriptor);
    connection->descriptor = -1;
    return result;
}

int csignon_ldap_open(const char *url, int start_tls, const char *ca_file, int timeout_milliseconds, csignon_ldap **out) {
    csignon_ldap *connection = calloc(1, sizeof *connection);
    if (connection == NULL) return LDAP_NO_MEMORY;
    connection->timeout = (struct timeval){timeout_milliseconds / 1000, timeout_milliseconds % 1000 * 1000};
    int result = ldap_initialize(&connection->handle, url);
    if (result != LDAP_SUCCESS) {
        free(connection);
        return result;
    }
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&connection->mutex, NULL);
    pthread_cond_init(&connection->ended, &clock);
    pthread_condattr_destroy(&clock);
    connection->descriptor = -1;
    LDAP *handle = connection->handle;
    connection->callbacks = (struct ldap_conncb){connected, disconnected, connection};
    int version = LDAP_VERSION3, demand = LDAP_OPT_X_TLS_DEMAND, client = 0;
    /* A connection that waits long is kept by what lies between, or found to be gone before it is used. */
    int idle_seconds = 60, probes = 3, interval_seconds = 10;
    int good = ldap_set_option(handle, LDAP_OPT_PROTOCOL_VERSION, &version) == LDAP_OPT_SUCCESS &&
               ldap_set_option(handle, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == LDAP_OPT_SUCCESS &&
               ldap_set_option(handle, LDAP_OPT_NETWORK_TIMEOUT, &connection->timeout) == LDAP_OPT_SUCCESS &&
               ldap_set_option(handle, LDAP_OPT_CONNECT_CB, &connection->callbacks) == LDAP_OPT_SUCCESS &&
               ldap_set_option(handle, LDAP_OPT_TIMEOUT, &connection->timeout) == LDAP_OPT_SUCCESS &&
               ldap_set_option(handle, LDAP_OPT_X_KEEPALIVE_IDLE, &idle_seconds) == LDAP_OPT_SUCCESS &&
               ldap_set_option(handle, LDAP_OPT_X_KEEPALIVE_PROBES, &probes) == LDAP_OPT_SUCCESS &&
               ldap_set_option(handle, LDAP_OPT_X_KEEPALIVE_INTERVAL, &interval_seconds) == LDAP_OPT_SUCCESS &&
               ldap_set_option(handle, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) == LDAP_OPT_SUCCESS &&
               (ca_file == NULL || ldap_set_option(handle, LDAP_OPT_X_TLS_CACERTFILE, ca_file) == LDAP_OPT_SUCCESS) &&
               /* The settings above count for a context that is made after them. */
               ldap_set_option(handle, LDAP_OPT_X_TLS_NEWCTX, &client) == LDAP_OPT_SUCCESS;
    result = good ? connect_watched(connection, start_tls) : LDAP_LOCAL_ERROR;
    if (result != LDAP_SUCCESS) {
        csignon_ldap_close(connection);
        return result;
    }
    *out = connection;
    return LDAP_SUCCESS;
}

int csignon_ldap_bind(csignon_ldap *connection, const char *name, const char *password, size_t count) {
    struct berval secret = {count, (char *)password};
    return ldap_sasl_bind_s(connection->handle, name, LDAP_SASL_SIMPLE, &secret, NULL, NULL, NULL);
}

static char *first_value(LDAP *handle, LDAPMessage *entry, const char *attribute) {
    struct berval **values = attribute == NULL ? NULL : ldap_get_values_len(handle, entry, attribute);
    char *copy = NULL;
    /* A value with a zero byte in it is no name. */
    if (values != NULL && values[0] != NULL && memchr(values[0]->bv_val, 0, values[0]->bv_len) == NULL)
        copy = strndup(values[0]->bv_val, values[0]->bv_len);
    ldap_value_free_len(values);
    return copy;
}

int csignon_ldap_search(csignon_ldap *connection, const char *base, const char *filter, const char *attribute, int limit,
                        csignon_ldap_entry **entries, size_t *count) {
    LDAP *handle = connection->handle;
    LDAPMessage *answer = NULL;
    char *attributes[] = {attribute == NULL ? LDAP_NO_ATTRS : (char *)attribute, NULL};
    int result = ldap_search_ext_s(handle, base, LDAP_SCOPE_SUBTREE, filter, attributes, 0, NULL, NULL, &connection->timeout, limit, &answer);
    if (result == LDAP_SUCCESS) {
        int found = ldap_count_entries(handle, answer);
        *entries = calloc(found > 0 ? (size_t)found : 1, sizeof **entries);
        *count = 0;
        if (*entries == NULL) result = LDAP_NO_MEMORY;
        for (LDAPMessage *entry = ldap_first_entry(handle, answer); result == LDAP_SUCCESS && entry != NULL && *count < (size_t)found;
             entry = ldap_next_entry(handle, entry)) {
            char *name = ldap_get_dn(handle, entry);
            char *copy = name == NULL ? NULL : strdup(name);
            ldap_memfree(name);
            if (copy != NULL) (*entries)[(*count)++] = (csignon_ldap_entry){copy, first_value(handle, entry, attribute)};
        }
    }
    ldap_msgfree(answer);
    return result;
}

void csignon_ldap_free_entries(csignon_ldap_entry *entries, size_t count) {
    for (size_t index = 0; index < count; index++) {
        free(entries[index].name);
        free(entries[index].value);
    }
    free(entries);
}

void csignon_ldap_close(csignon_ldap *connection) {
    if (connection == NULL) return;
    ldap_unbind_ext_s(connection->handle, NULL, NULL);
    pthread_cond_destroy(&connection->ended);
    pthread_mutex_destroy(&connection->mutex);
    free(connection);
}

const char *csignon_ldap_error(int number) { return ldap_err2string(number); }

int csignon_ldap_is_outage(int number) {
    switch (number) {
    case LDAP_SERVER_DOWN:
    case LDAP_CONNECT_ERROR:
    case LDAP_TIMEOUT:
    case LDAP_LOCAL_ERROR:
    case LDAP_BUSY:
    case LDAP_UNAVAILABLE:
    case LDAP_PROTOCOL_ERROR: return 1;
    default: return number < 0 && number != LDAP_FILTER_ERROR && number != LDAP_PARAM_ERROR;
    }
}
