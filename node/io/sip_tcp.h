/* sip_tcp.h - SIP over streams (RFC 3261 18.3, RFC 5626 3.5.1): listeners, the connections that came by
 * them, and those that the node asked for (OUT_CONNECT), TCP or TLS.
 *
 * A connection is known by a number that is never used again in this process. A client that sends
 * nothing readable, nothing at all, or does not read its answers is closed: each by a limit. A connection that
 * is to go sends what it still owes, then says so (FIN), and is closed a little later: what was not
 * read is left to the client to send again elsewhere. One that we made stays however quiet it is: the
 * node says when it goes (OUT_CLOSE_FLOW), or the role. */
#ifndef NODE_IO_SIP_TCP_H
#define NODE_IO_SIP_TCP_H

#include "node/io/loop.h"
#include "node/io/sip_tls.h"

enum {
	SIP_TCP_MADE_MAX = 2 * NAPS_MAX
}; /* connections of ours: one of each NAP, and the next one */

struct sip_tcp;

/* `tls` is borrowed. */
struct sip_tcp *sip_tcp_new(struct loop *l, struct sip_tls *tls);
void sip_tcp_free(struct sip_tcp **t);

/* False with errno set. */
bool sip_tcp_listen(struct sip_tcp *t, const struct addr *local) MUST_CHECK;

/* An OUT_CONNECT: from the address of flow.local, any port, within SIP_STREAM_SETUP_MS. What comes of it
 * is fed in a later turn. TLS that cannot be had is never replaced by TCP. */
void sip_tcp_connect(struct sip_tcp *t, const struct node_output *o);
void sip_tcp_close_flow(struct sip_tcp *t, uint64_t connection);

/* Queued until the flush; after a pause it is dropped there, and its connection closed. */
void sip_tcp_send(struct sip_tcp *t, uint64_t connection, struct slice bytes);
/* Fills in where the stream's ends are. False: there is none of that number. */
bool sip_tcp_ends(const struct sip_tcp *t, struct flow *flow);
void sip_tcp_flush(struct sip_tcp *t);
size_t sip_tcp_flows(const struct sip_tcp *t); /* open, of both kinds */
/* After each turn: closes what is to be closed, and follows the role. */
void sip_tcp_turn(struct sip_tcp *t, enum role role);

#endif
