/* peer_link.h - the live link to the peer: one TCP connection under TLS 1.3, both sides with
 * certificates of the pair's own CA. The primary listens, the secondary connects and tries again.
 *
 * Knows frames only as lengths: it decodes (frame.h) and feeds NODE_FRAME. A frame beyond the limit, or
 * one that does not decode, ends the connection. Connections are numbered from 1; a late one replaces
 * the one before only after its handshake. */
#ifndef NODE_IO_PEER_LINK_H
#define NODE_IO_PEER_LINK_H

#include "node/io/loop.h"
#include "node/io/pair_files.h"

struct peer_link;

struct peer_link *peer_link_open(struct loop *l, const struct pair_files *files); /* NULL: logged */
void peer_link_close(struct peer_link **p);

void peer_link_send(struct peer_link *p, uint64_t connection, struct slice frame);
void peer_link_flush(struct peer_link *p);
/* The node drops this connection; the next one is tried at once. No NODE_LINK_DOWN follows. */
void peer_link_drop(struct peer_link *p, uint64_t connection);
/* Reads what the peer sent until it would block, feeding it: before an address is believed. */
void peer_link_drain(struct peer_link *p);

#endif
