/* transport.h - sends requests and hands over answers, by UDP or TCP, over several sockets.
 *
 * Nothing blocks but transport_wait. A TCP connection that closes is made anew, with a pause of
 * 100 ms after a failure, for as long as the transport lives. */
#ifndef TESTS_BENCH_TRANSPORT_H
#define TESTS_BENCH_TRANSPORT_H

#include "proto/base/defs.h"
#include "proto/base/slice.h"

struct transport;

struct transport_events {
	void *ctx;
	void (*message)(void *ctx, struct slice message, int64_t now_us);
	void (*connected)(void *ctx, unsigned socket); /* again: what was unanswered is lost */
};

struct transport_counts {
	uint64_t refused;    /* UDP: errors that came back, such as port unreachable */
	uint64_t reconnects; /* TCP: connections made after the first */
};

struct transport_options {
	const char *host, *port;
	bool tcp;
	unsigned sockets;
};

/* NULL: it cannot be reached; a line about it is on stderr. */
struct transport *transport_open(const struct transport_options *options) MUST_CHECK;
void transport_close(struct transport **transport);

/* "address:port" of our end. */
const char *transport_local(const struct transport *t, unsigned socket);

/* False: not taken. It leaves at the latest with transport_flush. */
bool transport_send(struct transport *t, unsigned socket, struct slice message) MUST_CHECK;
void transport_flush(struct transport *t);

/* Waits for at most this long, then hands over what came. False: SIGINT or SIGTERM came. */
bool transport_wait(struct transport *t, int64_t timeout_us,
                    const struct transport_events *events) MUST_CHECK;

struct transport_counts transport_counts(const struct transport *t);

#endif
