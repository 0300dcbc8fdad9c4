/* sip_stream.h - one SIP connection, accepted or made by us, TCP or TLS: bytes, frames, and its end.
 *
 *	made:      CONNECTING --> HANDSHAKE (TLS) --> OPEN   both within SIP_STREAM_SETUP_MS, else GONE
 *	accepted:  OPEN
 *	OPEN --nothing more will be read--> LAST --all answers written--> LINGER --> GONE
 *	any --broken, too slow--> GONE, closed at the end of the turn
 *
 * Both sides' bytes are bounded: what is not read by the other, and what is no message yet. The
 * node hears of messages, and of a made one when it stands and when it is gone, with the reason. */
#ifndef NODE_IO_SIP_STREAM_H
#define NODE_IO_SIP_STREAM_H

#include "node/io/loop.h"
#include "node/io/tls_stream.h"

enum {
	SIP_TCP_BACKLOG_MAX = 1 << 20, /* bytes of answers that a client may leave unread */
	SIP_TCP_LINGER_MS = 1000,      /* from the FIN to the close */
	SIP_TCP_LAST_MS = 5000,     /* how long a connection that goes waits for its last answer */
	SIP_STREAM_SETUP_MS = 5000, /* from the connect to the end of the handshake */
};

enum sip_stage {
	STAGE_CONNECTING,
	STAGE_HANDSHAKE,
	STAGE_OPEN,
	STAGE_LAST,
	STAGE_LINGER,
	STAGE_GONE
};

struct event;
struct evbuffer;
struct sip_stream;

/* What all streams share; each is in a list while it is that. */
struct sip_streams {
	struct loop *loop;
	struct sip_stream *due;     /* written to in this turn: that leaves with the flush */
	struct sip_stream *passing; /* not OPEN: looked at after every turn */
};

struct sip_stream {
	struct sip_streams *of;
	struct flow flow; /* flow.connection: its number */
	bool made;        /* by us, for ... */
	uint64_t ticket;  /* ... this OUT_CONNECT */
	bool stood;       /* it was OPEN */
	enum sip_stage stage;
	char *why; /* it is gone; NULL: it is not, or nobody asks */
	int fd;    /* -1: none could be had */
	struct tls_stream *tls;
	struct event *readable, *writable;
	struct evbuffer *in, *out;
	struct mtime heard;    /* OPEN: the last byte of the other's */
	struct mtime deadline; /* not OPEN: then it is closed */
	uint64_t owed;         /* requests fed and not answered yet */
	bool hung_up;          /* the other's FIN was seen: nothing of its is unread */
	bool is_due, is_passing;
	struct sip_stream *next_due, *next_passing;
};

/* The descriptor is the stream's from here on. Accepted: OPEN at once. */
struct sip_stream *sip_stream_accepted(struct sip_streams *of, int fd, const struct flow *flow);
/* To flow.remote. `tls` is the stream's, too; NULL: TCP. What fails is told later: it is GONE. */
struct sip_stream *sip_stream_made(struct sip_streams *of, int fd, const struct flow *flow,
                                   struct tls_stream *tls);
void sip_stream_close(struct sip_stream *s); /* what the kernel still takes goes out */

void sip_stream_send(struct sip_stream *s, struct slice bytes);
void sip_stream_end(
	struct sip_stream *s); /* nothing more is read; what is owed is still answered */
void sip_stream_give_up(struct sip_stream *s, const char *why);

/* Writes what is due; after a pause it is dropped, and its streams closed: so many. */
size_t sip_streams_flush(struct sip_streams *all);
/* Where it is by now; of those that are passing, after every turn. */
void sip_stream_advance(struct sip_stream *s, struct mtime now);

#endif
