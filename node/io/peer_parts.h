/* peer_parts.h - what the two files of the peer link share: one connection, and the link that has them.
 * Nobody else's. */
#ifndef NODE_IO_PEER_PARTS_H
#define NODE_IO_PEER_PARTS_H

#include "node/io/peer_link.h"
#include "node/io/peer_tls.h"

struct event;
struct evbuffer;

enum {
	RETRY_MS = 100,
	CONNECT_MS = 1000,
	PENDING_MAX = 8,         /* handshakes under way; the oldest gives way to a new one */
	OUT_MAX = 64 << 20,      /* bytes the peer may leave unread */
	DRAIN_MAX = 2 * OUT_MAX, /* no peer can have sent more without an answer */
};

/*	CONNECTING --> HANDSHAKE --> CONFIRMING --first byte--> UP
 *	accepted -----> HANDSHAKE --------------------------> UP      any --> DEAD, freed after the turn
 * The side that connects ends its handshake before the other has looked at its certificate: only a
 * byte from there says that it was accepted. The accepting side's hello is that byte. */
enum stage { STAGE_CONNECTING, STAGE_HANDSHAKE, STAGE_CONFIRMING, STAGE_UP, STAGE_DEAD };

struct connection {
	struct peer_link *owner;
	struct connection *next;
	enum stage stage;
	bool accepted;
	uint64_t number; /* of those that came UP */
	struct addr remote;
	int fd;
	struct tls_stream *tls;
	struct event *readable, *writable, *deadline;
	struct event *
		more; /* the turn's share is read, but TLS may hold bytes the socket does not show */
	struct evbuffer *out;
	bool mute; /* it takes no more; what it sent is still to be read */
	uint8_t *in;
	size_t n; /* bytes in `in`: the beginning of a frame */
};

struct peer_link {
	struct loop *loop;
	struct peer_tls *tls;
	struct addr local, remote;
	bool primary;
	int listener; /* the primary's */
	struct event *acceptable, *retry;
	struct connection *all; /* newest first */
	struct connection *current;
	uint64_t numbers;
	struct mtime tried;
	struct arena arena;
	char told[TLS_FAULT_MAX]; /* the fault that was logged last */
	struct mtime told_at;
	struct log_rate rate;
};

const char *peer_addr_text(const struct addr *a, char text[ADDR_TEXT_MAX + 1]);
void peer_tell_fault(struct peer_link *p, const struct addr *remote, const char *why);
void peer_arm(struct event *timer, int64_t ms);
void peer_try_again_soon(struct peer_link *p); /* the secondary's next attempt */

/* peer_connection.c. A connection is freed only by connection_free, after the turn: each of these may
 * feed the node, and each feed may end any connection. */
struct connection *connection_new(struct peer_link *p, int fd, const struct addr *remote);
void connection_free(struct connection *c);
void connection_shake(struct connection *c); /* TCP is there: begins the handshake */
void connection_take_in(struct connection *c, size_t share);
void connection_put_out(struct connection *c);
void connection_kill(struct connection *c);                  /* without a word to the node */
void connection_down(struct connection *c, const char *why); /* logged, and fed if it was up */

#endif
