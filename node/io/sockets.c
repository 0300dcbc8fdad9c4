#include "node/io/sockets.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

socklen_t socket_address_of(const struct addr *a, union socket_address *to)
{
	*to = (union socket_address){0};
	if (a->family == ADDR_IPV4) {
		to->v4.sin_family = AF_INET;
		to->v4.sin_port = htons(a->port);
		memcpy(&to->v4.sin_addr, a->ip, 4);
		return sizeof to->v4;
	}
	if (a->family == ADDR_IPV6) {
		to->v6.sin6_family = AF_INET6;
		to->v6.sin6_port = htons(a->port);
		memcpy(&to->v6.sin6_addr, a->ip, 16);
		return sizeof to->v6;
	}
	return 0;
}

struct addr socket_address_read(const union socket_address *from)
{
	struct addr a = {.family = ADDR_NONE};

	if (from->any.sa_family == AF_INET) {
		a.family = ADDR_IPV4;
		a.port = ntohs(from->v4.sin_port);
		memcpy(a.ip, &from->v4.sin_addr, 4);
	} else if (from->any.sa_family == AF_INET6) {
		a.family = ADDR_IPV6;
		a.port = ntohs(from->v6.sin6_port);
		memcpy(a.ip, &from->v6.sin6_addr, 16);
	}
	return a;
}

void socket_option(int fd, int level, int name, int value)
{
	(void)setsockopt(fd, level, name, &value, sizeof value);
}

static int new_socket(int type, int family)
{
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (family == AF_INET6) {
		socket_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
		socket_option(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
	} else {
		socket_option(fd, IPPROTO_IP, IP_FREEBIND, 1);
	}
	return fd;
}

static int bind_to(int fd, const union socket_address *to, socklen_t size)
{
	if (fd < 0 || bind(fd, &to->any, size) == 0)
		return fd;
	int why = errno;
	(void)close(fd);
	errno = why;
	return -1;
}

int socket_bound(int type, const struct addr *local)
{
	union socket_address to;
	socklen_t size = socket_address_of(local, &to);
	int fd = new_socket(type, to.any.sa_family);

	if (fd >= 0 && type == SOCK_STREAM)
		socket_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	return bind_to(fd, &to, size);
}

int socket_leaving(const struct addr *local)
{
	union socket_address from;
	socklen_t size;
	struct addr any_port = *local;

	any_port.port = 0;
	size = socket_address_of(&any_port, &from);
	int fd = new_socket(SOCK_STREAM, from.any.sa_family);
	if (fd >= 0)
		socket_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	return bind_to(fd, &from, size);
}

bool socket_is_any(const struct addr *a)
{
	static const struct addr none = {.family = ADDR_NONE};

	return memcmp(a->ip, none.ip, a->family == ADDR_IPV4 ? 4 : sizeof a->ip) == 0;
}

/* A datagram socket is connected without a packet. */
void socket_towards(const struct addr *remote, struct addr *local)
{
	union socket_address to, from = {.any = {.sa_family = AF_UNSPEC}};
	socklen_t size = socket_address_of(remote, &to), got = sizeof from;
	int fd = new_socket(SOCK_DGRAM, to.any.sa_family);
	uint16_t port = local->port;

	if (fd >= 0 && connect(fd, &to.any, size) == 0 && getsockname(fd, &from.any, &got) == 0)
		*local = socket_address_read(&from);
	local->port = port;
	if (fd >= 0)
		(void)close(fd);
}

void *socket_take(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (p == NULL)
		abort();
	return p;
}
