#define _GNU_SOURCE 1
#include "csystem_socket.h"

#include <sys/socket.h>
#include <sys/uio.h>

int csystem_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }

long csystem_send2(int fd, const void *first, size_t first_count, const void *second, size_t second_count) {
    struct iovec pieces[2];
    int count = 0;
    if (first_count) pieces[count++] = (struct iovec){(void *)first, first_count};
    if (second_count) pieces[count++] = (struct iovec){(void *)second, second_count};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = (size_t)count};
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

void csystem_set_linger_zero(int fd) {
    struct linger option = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &option, sizeof option);
}
