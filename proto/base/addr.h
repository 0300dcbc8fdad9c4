/* addr.h - an IP address and port as a value, and where a SIP message came from or goes to.
 * Pure: node/io turns it into a sockaddr and back. */
#ifndef PROTO_BASE_ADDR_H
#define PROTO_BASE_ADDR_H

#include "proto/base/buf.h"

enum {
	ADDR_TEXT_MAX = 56,  /* "[ffff:...:255.255.255.255]:65535" and room */
	ADDR_BYTES_MAX = 18, /* stored form */
};

enum addr_family { ADDR_NONE, ADDR_IPV4, ADDR_IPV6 };

struct addr {
	enum addr_family family;
	uint16_t port;  /* host order; 0: none */
	uint8_t ip[16]; /* network order; IPv4 in the first four */
};

enum transport { TRANSPORT_UDP = 1, TRANSPORT_TCP, TRANSPORT_TLS, TRANSPORT_WS, TRANSPORT_WSS };

/* The path a message took. `connection` is 0 for UDP, else the runner's number for the stream: it
 * means something only to the process that gave it and is never stored. */
struct flow {
	enum transport transport;
	struct addr local;  /* the address the request came to; answers leave from it */
	struct addr remote; /* the source of the request */
	uint64_t connection;
};

bool addr_eq(const struct addr *a, const struct addr *b); /* address and port */
bool addr_same_ip(const struct addr *a, const struct addr *b);

/* "192.0.2.1:5060", "[2001:db8::1]:5060"; without a port where it is 0. addr_put_ip writes the bare
 * address, IPv6 without brackets (RFC 3581: received=). */
void addr_put(struct buf *to, const struct addr *a);
void addr_put_ip(struct buf *to, const struct addr *a);

/* "192.0.2.1", "192.0.2.1:5060", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:5060". No names. */
bool addr_parse(struct slice text, struct addr *out) MUST_CHECK;

/* The stored form: 4 or 16 address bytes, then the port (big-endian); empty for ADDR_NONE. */
size_t addr_encode(const struct addr *a, uint8_t to[ADDR_BYTES_MAX]);
bool addr_decode(struct slice bytes, struct addr *out) MUST_CHECK;

const char *transport_name(enum transport t); /* "UDP", as a Via has it; "?" for no transport */

#endif
