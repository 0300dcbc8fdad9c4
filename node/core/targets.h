/* targets.h - the places where one peer can be reached, and which of them is used now.
 *
 * What a lookup (lookup.h) found stays as long as the DNS fails. The target in use is the first one that
 * does not rest: it stays while it works, also when the DNS is asked anew, and one that failed is gone back
 * to after its rest. A certificate must bear the name that was asked for, never an SRV target (RFC 5922). */
#ifndef NODE_CORE_TARGETS_H
#define NODE_CORE_TARGETS_H

#include "node/core/lookup.h"
#include "proto/base/mtime.h"

enum {
	TARGET_TTL_MIN_MS = 5000,
	TARGET_TTL_MAX_MS = 3600 * 1000,
	TARGET_ASK_AGAIN_MS = 5000,          /* where the DNS gave nothing; doubled ... */
	TARGET_ASK_AGAIN_MAX_MS = 60 * 1000, /* ... up to this */
	TARGET_REST_MS = 5 * 60 * 1000,      /* of one that failed; doubled each time ... */
	TARGET_REST_MAX_MS = 3600 * 1000,    /* ... up to this */
};

struct targets { /* begins as zeros, and is set to zeros when the goal is another */
	struct lookup lookup;
	struct target_state {
		struct target is;
		struct mtime rests; /* until then; 0: ready */
		bool told;          /* ... because it said so (Retry-After) */
		uint8_t failures;   /* since it worked last */
	} list[TARGETS_MAX];
	size_t n;
	bool known;      /* a lookup has ended */
	bool taken_over; /* the list is what the other node used */
	enum lookup_outcome outcome;
	unsigned fruitless;  /* lookups since the last that found something */
	struct mtime looked; /* when the last one ended */
	struct mtime stale;  /* from then on the DNS is to be asked anew */
};

/* Before the first lookup: the other node used this one, for the same goal. It is in use as if it had been
 * found; those that a lookup puts before it rest as if they had failed. */
void targets_take_over(struct targets *t, const struct target *used);

/* A lookup; one that goes on is forgotten. The goal is read before it returns. Then, until it ends:
 *	while (targets_asks(t, &question))   ask it, once
 *		targets_take(t, &answer, now);   */
void targets_begin(struct targets *t, const struct target_goal *goal, uint64_t random,
                   struct mtime now);
bool targets_asks(const struct targets *t, struct dns_question *out);
void targets_take(struct targets *t, const struct dns_answer *a, struct mtime now);

/* None was made, its answers are too old, or a round through all targets failed. Never while one goes on. */
bool targets_stale(const struct targets *t, struct mtime now);

/* NULL: there is none, or all were told to rest until targets_ready. */
const struct target *targets_current(const struct targets *t, struct mtime now);
struct mtime targets_ready(const struct targets *t); /* NEVER: there is none */

/* This one failed: it did not answer, its stream broke, it said 503. True: there is another now. False: the
 * round is over; the next begins at the first. retry_after_ms: it wants to rest that long; 0: it said
 * nothing. */
bool targets_failed(struct targets *t, const struct target *which, int64_t retry_after_ms,
                    struct mtime now);
void targets_worked(struct targets *t, const struct target *which);

/* Why there is no target, or what is wrong with those there are; NULL: all is well. */
const char *targets_why(const struct targets *t);

#endif
