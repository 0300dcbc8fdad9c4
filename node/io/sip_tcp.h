/* sip_tcp.h - SIP over TCP: listeners, and connections with framing (RFC 3261 18.3, RFC 5626 3.5.1).
 *
 * A connection is known by a number that is never used again in this process. A client that sends
 * nothing readable, nothing at all, or does not read its answers is closed: each by a limit. A connection that
 * is to go sends what it still owes, then says so (FIN), and is closed a little later: what was not
 * read is left to the client to send again elsewhere. */
#ifndef NODE_IO_SIP_TCP_H
#define NODE_IO_SIP_TCP_H

#include "node/io/loop.h"

enum {
	SIP_TCP_BACKLOG_MAX = 1 << 20, /* bytes of answers that a client may leave unread */
	SIP_TCP_LINGER_MS = 1000,      /* from the FIN to the close */
	SIP_TCP_LAST_MS = 5000, /* how long a connection that goes waits for its last answer */
};

struct sip_tcp;

struct sip_tcp *sip_tcp_new(struct loop *l);
void sip_tcp_free(struct sip_tcp **t);

/* False with errno set. */
bool sip_tcp_listen(struct sip_tcp *t, const struct addr *local) MUST_CHECK;

/* Queued until the flush; after a pause it is dropped there, and its connection closed. */
void sip_tcp_send(struct sip_tcp *t, uint64_t connection, struct slice bytes);
void sip_tcp_flush(struct sip_tcp *t);
/* After each turn: closes what is to be closed, and follows the role. */
void sip_tcp_turn(struct sip_tcp *t, enum role role);

#endif
