#define _GNU_SOURCE 1
#include "clinux_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int clinux_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }

long clinux_send2(int fd, const void *first, size_t first_count, const void *second, size_t second_count) {
    struct iovec pieces[2];
    int count = 0;
    if (first_count) pieces[count++] = (struct iovec){(void *)first, first_count};
    if (second_count) pieces[count++] = (struct iovec){(void *)second, second_count};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = (size_t)count};
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

long clinux_discard(int fd, size_t count) { return recv(fd, NULL, count, MSG_TRUNC); }

int clinux_connect(const char *host, uint16_t port, int *error) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found = NULL;
    char service[8];
    snprintf(service, sizeof service, "%u", (unsigned)port);
    *error = ENXIO;
    if (getaddrinfo(host, service, &hints, &found) != 0 || !found) return -1;
    int fd = -1;
    for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0) break;
        *error = errno;
        if (fd >= 0) close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

void clinux_set_linger_zero(int fd) {
    struct linger option = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &option, sizeof option);
}

void clinux_set_nodelay(int fd) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int clinux_set_congestion(int fd, const char *name) {
    return setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) == 0 ? 0 : errno;
}

static int listen_on(const struct addrinfo *address, int share, int backlog, const char **step) {
    *step = "socket";
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    int on = 1, off = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (share) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    /* [::] serves IPv4 too. */
    if (address->ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    *step = "bind";
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0) {
        *step = "listen";
        if (listen(fd, backlog) == 0) return fd;
    }
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

int clinux_listen(const char *host, uint16_t port, int share, int backlog, int *error, const char **step) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found = NULL;
    char service[8];
    snprintf(service, sizeof service, "%u", (unsigned)port);
    *step = "getaddrinfo";
    *error = ENXIO;
    if (getaddrinfo(host, service, &hints, &found) != 0 || !found) return -1;
    int fd = listen_on(found, share, backlog, step);
    *error = fd < 0 ? errno : 0;
    freeaddrinfo(found);
    return fd;
}

static uint16_t port_of(const struct sockaddr_storage *address) {
    switch (address->ss_family) {
    case AF_INET: return ntohs(((const struct sockaddr_in *)address)->sin_port);
    case AF_INET6: return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
    default: return 0;
    }
}

uint16_t clinux_local_port(int fd) {
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0) return 0;
    return port_of(&address);
}

uint16_t clinux_peer(int fd, char *text, size_t size) {
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    if (size > 0) text[0] = 0;
    if (getpeername(fd, (struct sockaddr *)&address, &length) != 0) return 0;
    if (address.ss_family == AF_INET) {
        inet_ntop(AF_INET, &((struct sockaddr_in *)&address)->sin_addr, text, (socklen_t)size);
    } else if (address.ss_family == AF_INET6) {
        const struct in6_addr *six = &((struct sockaddr_in6 *)&address)->sin6_addr;
        /* A client of a socket that serves both families is shown as what it is. */
        if (IN6_IS_ADDR_V4MAPPED(six)) inet_ntop(AF_INET, &six->s6_addr[12], text, (socklen_t)size);
        else inet_ntop(AF_INET6, six, text, (socklen_t)size);
    }
    return port_of(&address);
}
