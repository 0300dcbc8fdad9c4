/* transport_kinds.h - between transport.c and the two kinds of transport; nobody else's. */
#ifndef TESTS_BENCH_TRANSPORT_KINDS_H
#define TESTS_BENCH_TRANSPORT_KINDS_H

#include <sys/socket.h>

#include "tests/bench/transport.h"

enum {
	LOCAL_MAX = 64, /* "[address]:port" */
	READ_MAX = 128 * 1024,
};

#define STOP_MARK UINT32_MAX /* epoll's data of the signals */

struct endpoint {
	int fd;
	char local[LOCAL_MAX];
	void *kind; /* struct udp_out or struct tcp_stream */
};

struct transport {
	const struct transport_kind *kind;
	int epoll, signals;
	struct sockaddr_storage server;
	socklen_t server_size;
	unsigned n;
	struct endpoint *ends;
	struct transport_counts counts;
	uint8_t *read; /* READ_MAX bytes to receive into */
};

struct transport_kind {
	bool (*open)(struct transport *t, unsigned socket);
	bool (*send)(struct transport *t, unsigned socket, struct slice message);
	void (*flush)(struct transport *t, unsigned socket);
	void (*ready)(struct transport *t, unsigned socket, uint32_t what,
	              const struct transport_events *events);
	/* Whatever is due by the clock; answers when it wants to be called again. */
	int64_t (*tick)(struct transport *t, unsigned socket, int64_t now_us);
	void (*close)(struct transport *t, unsigned socket);
};

const struct transport_kind *transport_udp(void);
const struct transport_kind *transport_tcp(void);

/* Writes the local address of a socket that is connected into its endpoint. */
void transport_note_local(struct endpoint *end);

#endif
