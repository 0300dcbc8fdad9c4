/* nap_client.h - keeps this system registered at one NAP: when a REGISTER is sent, and what follows from
 * its outcome. Pure: the caller finds the target, sends, and logs the record before anything leaves.
 *
 *	IDLE --wanted--> WAITING --due, ready--> REGISTERING --2xx--> REGISTERED --due, ready--+
 *	                    ^                      |  |  ^ 401, 407, 423, 420, 302: at once     |
 *	                    +-- 5 s ------ refused +  |  +-------------------------------------+
 *	                    +-- 5 s, no other target -+ silent, broken, 503
 *	     any --not wanted--> UNREGISTERING --outcome--> IDLE
 *
 * What outlives a node is in the record, and the machine works on it: the phase, `due` (when it does
 * something by itself), `until` (when the binding lapses), the CSeq. What concerns one attempt alone is in
 * struct nap_attempt. A new reign begins with an empty one: what was on its way then has an unknown
 * outcome, is due at once, and is asked again under the same Call-ID with a CSeq that neither side of
 * a split has used. There is never a second REGISTER while one is on its way (RFC 3261 10.2). */
#ifndef NODE_CORE_NAP_CLIENT_H
#define NODE_CORE_NAP_CLIENT_H

#include "node/core/nap_message.h"

enum {
	NAP_ROUNDS_MAX = 4,     /* challenges answered in one attempt (C12): 407, 401, stale ones */
	NAP_LENGTHENED_MAX = 2, /* 423s heeded in one attempt (C15) */
	NAP_ASK_MAX_S = 7 * 86400,
	NAP_RETRY_AFTER_MAX_S = 86400, /* who asks for more has not thought of us */
	NAP_REFRESH_MIN_MS = 1000,     /* between two that were granted (C32) */
	NAP_CSEQ_STEP = 1000,          /* a new reign goes on at the next multiple of this ... */
	NAP_CSEQ_RESTORED = 1000 * NAP_CSEQ_STEP, /* beyond all that was sent since a backup */
	NAP_CSEQ_SECONDARY = 500,                 /* ... or, of the secondary, so much above it */
};
#define NAP_CSEQ_END (UINT32_C(1) << 31)

enum nap_event {
	NAP_LOOK,      /* what is wanted may have changed */
	NAP_READY,     /* it was due or asked for by NAP_AIM..., and there is a target */
	NAP_ANSWER,    /* answer: a final one */
	NAP_SILENCE,   /* none within the time */
	NAP_BROKEN,    /* why: there is no target, no stream to it, or the stream went */
	NAP_ENDED,     /* why: the registrar took the binding away (C45); rests_ms */
	NAP_FLOW_LOST, /* the stream went while nothing was on its way (C39, C40) */
};

struct nap_input {
	enum nap_event event;
	bool wanted;       /* it is to be registered */
	bool secondary;    /* we are that unit */
	bool more_targets; /* SILENCE, BROKEN, a 503: this round has another target */
	int64_t rests_ms;  /* ... it has none: no target may be asked sooner; ENDED: from now on,
	                      0: at once, below 0: the ordinary pause */
	const struct nap_answer *answer;
	struct slice why;
	uint64_t random;
	struct pairtime now;
	struct pairtime restored; /* began the newest reign that began from a backup; 0: none did */
};

enum nap_wish {
	NAP_NOTHING,
	NAP_SEND,         /* a REGISTER as the record is now, once that is logged */
	NAP_AIM,          /* wants NAP_READY, or _BROKEN, for the same target ... */
	NAP_AIM_NEXT,     /* ... for the next one of this round ... */
	NAP_AIM_REDIRECT, /* ... for the answer's `redirect` */
};

struct nap_output {
	enum nap_wish wish;
	bool changed;       /* the record: to be logged */
	uint32_t expires_s; /* NAP_SEND; 0: takes the binding away */
	bool plain;         /* NAP_SEND: without extensions (C22) */
};

/* Of one attempt; {0} at the begin of a reign. */
struct nap_attempt {
	bool counts;     /* a REGISTER of this reign was sent: its CSeq is followed by the next */
	bool begun;      /* what is sent belongs to the attempt that began last */
	bool on_its_way; /* a REGISTER waits for its outcome */
	bool repeats;    /* the next is the same one, to another target: with the same CSeq (F7) */
	bool redirected, plain;
	uint8_t challenged, lengthened;
};

struct nap_client {
	const struct nap_options *options;
	struct nap_record *record; /* texts put into it are constants or the input's */
	struct nap_attempt *attempt;
};

void nap_client_step(const struct nap_client *c, const struct nap_input *in,
                     struct nap_output *out);
/* When NAP_READY is wanted, or a target for it to be looked for; PAIRTIME_NEVER: an outcome is awaited. */
struct pairtime nap_client_due(const struct nap_record *r, const struct nap_attempt *a);
bool nap_registered(const struct nap_record *r, struct pairtime now);
/* The CSeq behind `cseq`: the primary's are below 500 of each thousand, the secondary's are from there on,
 * so that two sides of a split never send the same. NAP_CSEQ_END or more: there is none. */
uint32_t nap_next_cseq(uint32_t cseq, bool new_reign, bool secondary);
/* How long it wants to be left alone, bounded; 0: it did not say. */
int64_t nap_retry_after_ms(const struct nap_answer *a);
/* How long the pause is after so many failed attempts. */
int64_t nap_pause_ms(const struct nap_options *o, uint32_t attempts, uint64_t random);

#endif
