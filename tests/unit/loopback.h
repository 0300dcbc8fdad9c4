/* loopback.h - ports of this host for a test, and what has arrived there. */
#ifndef TESTS_UNIT_LOOPBACK_H
#define TESTS_UNIT_LOOPBACK_H

#include <poll.h>
#include <unistd.h>

#include "node/io/sockets.h"
#include "tests/check.h"
#include "tests/unit/addr_of.h"

enum { PATIENCE_MS = 5000 };

/* A port that is free for both protocols, as far as one can know. */
static inline uint16_t free_port(void)
{
	struct addr any = addr_of("127.0.0.1");
	union socket_address a;
	socklen_t size = sizeof a;
	int fd = socket_bound(SOCK_DGRAM, &any);

	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, &a.any, &size), 0);
	(void)close(fd);
	return socket_address_read(&a).port;
}

/* What was sent over loopback before this is where it belongs: one that was sent behind it has come. */
static inline void wait_for_what_was_sent(void)
{
	struct addr any = addr_of("127.0.0.1");
	union socket_address a;
	socklen_t size = sizeof a;
	int fd = socket_bound(SOCK_DGRAM, &any);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, &a.any, &size), 0);
	assert_int_equal(sendto(fd, "x", 1, 0, &a.any, size), 1);
	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	(void)close(fd);
}

#endif
