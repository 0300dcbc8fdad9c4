/* peer_link.h - the connections to the peer: TCP under TLS 1.3, both sides with certificates of the
 * pair's own CA. The primary listens, the secondary connects and tries again.
 *
 *	live    entries, acknowledgements, heartbeats
 *	spare   a second live connection by other addresses (peer.second_*), if there are any
 *	bulk    what is long, beside a live connection: in each turn live is read and written first, and bulk
 *	        has a bounded share
 *
 * The secondary chooses which of two live connections carries; the primary follows the first frame. An
 * empty frame (a length of 0) is a sign of life: sent as the first byte of an accepted connection and
 * then several times in peer_timeout on each live connection where there are two, never fed. A carrier
 * silent for peer_timeout beside a spare that is not is ended, and the node learns it at once as
 * NODE_LINK_DOWN and, for the spare, NODE_LINK_UP: a lost path is no lost peer.
 *
 * Knows frames only as lengths: it decodes (frame.h) and feeds NODE_FRAME. A frame beyond the limit, or
 * one that does not decode, ends the connection. Connections are numbered from 1, all kinds alike; a late
 * one replaces the one before only after its handshake. */
#ifndef NODE_IO_PEER_LINK_H
#define NODE_IO_PEER_LINK_H

#include "node/io/loop.h"
#include "node/io/pair_files.h"

struct peer_link;
struct peer_tls;

struct peer_link *peer_link_open(struct loop *l, const struct pair_files *files); /* NULL: logged */
void peer_link_close(struct peer_link **p);
/* New certificates, taken over, for what is connected from now on. What is up stays, but the bulk
 * connection is made anew: it shows at once whether the peer accepts them. */
void peer_link_renew(struct peer_link *p, struct peer_tls *tls);

void peer_link_send(struct peer_link *p, uint64_t connection, struct slice frame);
void peer_link_flush(struct peer_link *p);
/* The node drops this connection; another one is tried at once. No NODE_LINK_DOWN or NODE_BULK_DOWN
 * follows, and with the live connection the bulk one goes. */
void peer_link_drop(struct peer_link *p, uint64_t connection);
/* Reads what the peer sent until it would block, feeding it: before an address is believed. */
void peer_link_drain(struct peer_link *p);
size_t peer_link_paths(const struct peer_link *p); /* live connections that are up */
bool peer_link_has_bulk(const struct peer_link *p);

#endif
