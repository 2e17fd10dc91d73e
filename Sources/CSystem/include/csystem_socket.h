/* Sockets: calls and structures that Swift's Glibc module lacks or makes awkward. All descriptors are non-blocking and close-on-exec. */
#ifndef MARTLET_CSYSTEM_SOCKET_H
#define MARTLET_CSYSTEM_SOCKET_H

#include <stddef.h>
#include <stdint.h>

int csystem_accept(int listener);
/* One sendmsg(2) of up to two pieces, without SIGPIPE. */
long csystem_send2(int fd, const void *first, size_t first_count, const void *second, size_t second_count);
void csystem_set_linger_zero(int fd);

#endif
