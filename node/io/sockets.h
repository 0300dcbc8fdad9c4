/* sockets.h - addresses as the kernel wants them, and sockets bound to them.
 *
 * Every socket is non-blocking and closed on exec. It is bound although its address is not on this
 * host (IP_FREEBIND), so that it is ready before the address comes. */
#ifndef NODE_IO_SOCKETS_H
#define NODE_IO_SOCKETS_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "proto/base/addr.h"

union socket_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* The size of what was written; 0 for ADDR_NONE. */
socklen_t socket_address_of(const struct addr *a, union socket_address *to);
/* ADDR_NONE for another family. */
struct addr socket_address_read(const union socket_address *from);

/* -1 with errno set. `type` is SOCK_STREAM or SOCK_DGRAM. A stream's address may be used anew at once
 * (SO_REUSEADDR); a datagram's is one socket's alone. */
int socket_bound(int type, const struct addr *local) MUST_CHECK;

/* A stream's, for a connect from this address; the port is chosen then, for its target alone. */
int socket_leaving(const struct addr *local) MUST_CHECK;

bool socket_is_any(const struct addr *a); /* no address: all that the host has */
/* The address that datagrams to `remote` leave from, as routes are now; the port stays. */
void socket_towards(const struct addr *remote, struct addr *local);

/* Options that cannot fail in a way that matters: what the kernel refuses is left at its default. */
void socket_option(int fd, int level, int name, int value);

/* Zeroed memory for what goes with a socket; never NULL. */
void *socket_take(size_t n, size_t size);

#endif
