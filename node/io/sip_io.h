/* sip_io.h - SIP's sockets: UDP in batches (recvmmsg, sendmmsg), TCP with framing, TLS to NAPs.
 *
 * Sockets are bound to the virtual address before it is here (IP_FREEBIND), so that a takeover finds
 * them ready. While the node is a standby, what arrives is read and dropped; while it is taking over
 * nothing is read: it waits in the socket's buffer for the answer of the new active. */
#ifndef NODE_IO_SIP_IO_H
#define NODE_IO_SIP_IO_H

#include "node/io/loop.h"

struct sip_io;

/* NULL: a port is in use, an address or a certificate is wrong; it was logged with the remedy. */
struct sip_io *sip_io_open(struct loop *l);
void sip_io_close(struct sip_io **s);

/* An OUT_MESSAGE, queued until sip_io_flush; streams: to flow.connection if it still is open; else
 * a new connection is not made: the client will ask again. */
void sip_io_send(struct sip_io *s, const struct node_output *message);
void sip_io_connect(struct sip_io *s, const struct node_output *o);    /* an OUT_CONNECT */
void sip_io_close_flow(struct sip_io *s, const struct node_output *o); /* an OUT_CLOSE_FLOW */
/* The ends of a message's way, as the wire has them: the port of a stream that we made, the address where
 * a transport listens on all. False: there is no such stream any more. */
bool sip_io_ends(const struct sip_io *s, struct flow *flow);
void sip_io_flush(struct sip_io *s);
size_t sip_io_flows(const struct sip_io *s); /* open connections */
/* After each turn: reads, drops, or waits, by the role (see above). Leaving `active` closes the TCP
 * connections once their last answer is written. */
void sip_io_role(struct sip_io *s, enum role role);

#endif
