/* peer_parts.h - what the files of the peer link share: one connection, where it came up, and the link.
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
	PENDING_MAX = 8,          /* handshakes under way; a stranger's gives way to a new one */
	BACKLOG = 128,            /* in the kernel: a crowd does not keep the peer out */
	OUT_MAX = 64 << 20,       /* bytes the peer may leave unread */
	DRAIN_MAX = 2 * OUT_MAX,  /* no peer can have sent more without an answer */
	LIVE_TURN = 256 * 1024,   /* bytes taken in one turn: our own heartbeats must not be late */
	BULK_TURN = 64 * 1024,    /* the same for bulk, read and written: a slice, about 1 ms */
	BULK_KERNEL = 256 * 1024, /* of bulk's bytes in the kernel: live shares the cable */
	BULK_OUT_MAX = 16 << 20,  /* the node keeps less than this on its way */
	WAYS_MAX = 4,             /* live and bulk on each of two paths */
};

/*	CONNECTING --> HANDSHAKE --> CONFIRMING --first byte--> UP
 *	accepted -----> HANDSHAKE --------------------------> UP      any --> DEAD, freed after the turn
 * The side that connects ends its handshake before the other has looked at its certificate: only a
 * byte from there says that it was accepted. The accepting side sends a sign of life for that. */
enum stage { STAGE_CONNECTING, STAGE_HANDSHAKE, STAGE_CONFIRMING, STAGE_UP, STAGE_DEAD };

struct connection {
	struct way *way;
	struct connection *next;
	enum stage stage;
	bool accepted;
	uint64_t number; /* of those that came UP */
	struct addr remote;
	struct mtime heard;
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

/* Two addresses between which there is one connection at the most, for one purpose. */
struct way {
	struct peer_link *link;
	bool bulk;
	size_t path; /* 0, or 1: by the second addresses */
	struct addr local, remote;
	int listener; /* the primary's */
	struct event *acceptable, *retry;
	struct connection *up;
	struct mtime tried;
	char told[TLS_FAULT_MAX]; /* the fault that was logged last */
	struct mtime told_at;
};

struct peer_link {
	struct loop *loop;
	struct peer_tls *tls;
	bool primary;
	struct way ways[WAYS_MAX];
	size_t n_ways;
	struct connection *all;         /* newest first */
	struct connection *live, *bulk; /* as the node knows them */
	struct event *pulse;
	uint64_t numbers;
	struct arena arena;
	struct log_rate rate;
};

const char *peer_addr_text(const struct addr *a, char text[ADDR_TEXT_MAX + 1]);
void peer_tell_fault(struct way *w, const struct addr *remote, const char *why);
void peer_arm(struct event *timer, int64_t ms);
void peer_try_again_soon(struct way *w); /* the secondary's next attempt */

/* peer_connection.c. A connection is freed only by connection_free, after the turn: each of these may
 * feed the node, and each feed may end any connection. */
struct connection *connection_new(struct way *w, int fd, const struct addr *remote);
void connection_free(struct connection *c);
void connection_shake(struct connection *c); /* TCP is there: begins the handshake */
void connection_take_in(struct connection *c, size_t share);
void connection_put_out(struct connection *c, size_t share);
void connection_send(struct connection *c, struct slice frame);
void connection_sign(struct connection *c);                  /* of life */
void connection_kill(struct connection *c);                  /* without a word to the node */
void connection_down(struct connection *c, const char *why); /* logged, and fed if it was known */

/* peer_choice.c: which of those that are up the node knows. */
void peer_up(struct connection *c);      /* it came UP: may be fed */
void peer_carries(struct connection *c); /* a frame came on it: the node is to know it first */
void peer_lost(struct connection *c);    /* it is dead; the node is told if it knew it */
void peer_look(struct peer_link *p);     /* of what is up, what is missing is chosen */
void peer_begin_pulse(struct peer_link *p);

#endif
