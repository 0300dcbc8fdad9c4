/* nap_poll.h - asks a NAP's proxy by OPTIONS, again and again, whether it is there. Pure.
 *
 *	OFF --begin--> RESTING --due, ready--> ASKING --answer, or none--> RESTING
 *
 * The first comes 5 s after the begin, each next 60 s after the one before; what is not answered within
 * 12 s was not answered. The newest word counts; it is in the NAP's record, for who takes over. */
#ifndef NODE_CORE_NAP_POLL_H
#define NODE_CORE_NAP_POLL_H

#include "node/core/nap.h"

enum nap_poll_state { POLL_OFF, POLL_RESTING, POLL_ASKING };

enum nap_poll_event {
	POLL_BEGIN,  /* once, or anew after another configuration */
	POLL_NOW,    /* an operator wants one */
	POLL_READY,  /* it was due, and there is a target */
	POLL_ANSWER, /* a final one */
	POLL_LOST,   /* no answer within the time, or no way there */
};

struct nap_poll { /* zeros: off */
	enum nap_poll_state state;
	struct mtime asked; /* the newest */
	struct mtime due;   /* RESTING: the next */
};

struct nap_poll_input {
	enum nap_poll_event event;
	uint16_t status; /* POLL_ANSWER */
	struct mtime now;
};

struct nap_poll_output {
	bool send;  /* one OPTIONS, whose outcome is wanted within poll_timeout_ms */
	bool heard; /* there is a word: */
	bool available;
};

void nap_poll_step(struct nap_poll *p, const struct nap_options *o, const struct nap_poll_input *in,
                   struct nap_poll_output *out);
struct mtime
nap_poll_due(const struct nap_poll *p); /* MTIME_NEVER: an outcome is awaited, or off */

#endif
