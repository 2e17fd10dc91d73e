#include "CSignOn.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct body {
    uint8_t *bytes;
    size_t count, max;
};

static size_t take(char *bytes, size_t size, size_t number, void *context) {
    struct body *body = context;
    size_t count = size * number;
    if (count > body->max - body->count) return 0;
    memcpy(body->bytes + body->count, bytes, count);
    body->count += count;
    return count;
}

static pthread_once_t started = PTHREAD_ONCE_INIT;
static void start(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

int csignon_get(const char *url, const char *ca_file, long connect_milliseconds, long total_milliseconds, size_t body_max, long *status,
                uint8_t **bytes, size_t *count) {
    pthread_once(&started, start);
    struct body body = {malloc(body_max), 0, body_max};
    CURL *handle = curl_easy_init();
    CURLcode result = CURLE_OUT_OF_MEMORY;
    if (handle != NULL && body.bytes != NULL) {
        int is_secure = strncmp(url, "https://", 8) == 0;
        curl_easy_setopt(handle, CURLOPT_URL, url);
        curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, is_secure ? "https" : "http");
        curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, is_secure ? "https" : "http,https");
        curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
        curl_easy_setopt(handle, CURLOPT_MAXREDIRS, 3L);
        curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, connect_milliseconds);
        curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, total_milliseconds);
        curl_easy_setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
        if (ca_file != NULL) curl_easy_setopt(handle, CURLOPT_CAINFO, ca_file);
        curl_easy_setopt(handle, CURLOPT_USERAGENT, "martlet");
        curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take);
        curl_easy_setopt(handle, CURLOPT_WRITEDATA, &body);
        result = curl_easy_perform(handle);
        if (result == CURLE_OK) curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, status);
    }
    if (handle != NULL) curl_easy_cleanup(handle);
    if (result == CURLE_OK) {
        *bytes = body.bytes;
        *count = body.count;
    } else {
        free(body.bytes);
    }
    return (int)result;
}

const char *csignon_get_error(int number) { return curl_easy_strerror((CURLcode)number); }
