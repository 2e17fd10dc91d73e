#include "CSignOn.h"

#include <ldap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

struct csignon_ldap {
    LDAP *handle;
    struct timeval timeout;
};

int csignon_ldap_open(const char *url, int start_tls, const char *ca_file, int timeout_milliseconds, csignon_ldap **out) {
    csignon_ldap *connection = calloc(1, sizeof *connection);
    if (connection == NULL) return LDAP_NO_MEMORY;
    connection->timeout = (struct timeval){timeout_milliseconds / 1000, timeout_milliseconds % 1000 * 1000};
    int result = ldap_initialize(&connection->handle, url);
    if (result != LDAP_SUCCESS) {
        free(connection);
        return result;
    }
    LDAP *handle = connection->handle;
    int version = LDAP_VERSION3, demand = LDAP_OPT_X_TLS_DEMAND, client = 0;
    /* A connection that waits long is kept by what lies between, or found to be gone before it is used. */
    int idle_seconds = 60, probes = 3, interval_seconds = 10;
    int good = ldap_set_option(handle, LDAP_OPT_PROTOCOL_VERSION, &version) == LDAP_OPT_SUCCESS &&
               ldap_set_option(handle, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == LDAP_OPT_SUCCESS &&
               ldap_set_option(handle, LDAP_OPT_NETWORK_TIMEOUT, &connection->timeout) == LDAP_OPT_SUCCESS &&
               ldap_set_option(handle, LDAP_OPT_TIMEOUT, &connection->timeout) == LDAP_OPT_SUCCESS &&
               ldap_set_option(handle, LDAP_OPT_X_KEEPALIVE_IDLE, &idle_seconds) == LDAP_OPT_SUCCESS &&
               ldap_set_option(handle, LDAP_OPT_X_KEEPALIVE_PROBES, &probes) == LDAP_OPT_SUCCESS &&
               ldap_set_option(handle, LDAP_OPT_X_KEEPALIVE_INTERVAL, &interval_seconds) == LDAP_OPT_SUCCESS &&
               ldap_set_option(handle, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) == LDAP_OPT_SUCCESS &&
               (ca_file == NULL || ldap_set_option(handle, LDAP_OPT_X_TLS_CACERTFILE, ca_file) == LDAP_OPT_SUCCESS) &&
               /* The settings above count for a context that is made after them. */
               ldap_set_option(handle, LDAP_OPT_X_TLS_NEWCTX, &client) == LDAP_OPT_SUCCESS;
    result = !good ? LDAP_LOCAL_ERROR : start_tls ? ldap_start_tls_s(handle, NULL, NULL) : LDAP_SUCCESS;
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
