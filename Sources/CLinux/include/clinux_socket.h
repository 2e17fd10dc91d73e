/* Sockets: calls and structures that Swift's Glibc module lacks or makes awkward. All descriptors are non-blocking and
   close-on-exec. */
#ifndef MARTLET_CLINUX_SOCKET_H
#define MARTLET_CLINUX_SOCKET_H

#include <stddef.h>
#include <stdint.h>

int clinux_accept(int listener);
/* One sendmsg(2) of up to two pieces, without SIGPIPE. */
long clinux_send2(int fd, const void *first, size_t first_count, const void *second, size_t second_count);
/* Throws away up to `count` received bytes without copying them; as recv(2). */
long clinux_discard(int fd, size_t count);
/* Connects to a numeric address or a host name, waiting for it. The descriptor (non-blocking from then on), or -1 with *error =
   errno; a name that does not resolve is ENXIO. */
int clinux_connect(const char *host, uint16_t port, int *error);
void clinux_set_linger_zero(int fd);
void clinux_set_nodelay(int fd);
/* 0 or errno. */
int clinux_set_congestion(int fd, const char *name);

/* Listens on a numeric address or a host name. With `share`, several sockets of this user may have the port (SO_REUSEPORT).
   The descriptor, or -1 with *error = errno and *step = the call that failed; a name that does not resolve is ENXIO. */
int clinux_listen(const char *host, uint16_t port, int share, int backlog, int *error, const char **step);
/* The port that a socket is bound to; 0 when it is none. */
uint16_t clinux_local_port(int fd);
/* The peer's numeric address, without scope, into `text` (46 bytes or more); its port, or 0 when there is none. */
uint16_t clinux_peer(int fd, char *text, size_t size);

#endif
