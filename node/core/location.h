/* location.h - where a user can be reached: the bindings a request for it is to be sent to, best first.
 *
 * Order: q, then the newest refresh; behind them, as a last resort, what is reached by a connection
 * that is gone (flow-lost) and what no longer answers (unreachable): kept until refreshed or expired; then
 * what is in its grace. Of one instance the best alone, and what is known to fail. */
#ifndef NODE_CORE_LOCATION_H
#define NODE_CORE_LOCATION_H

#include "node/core/gruu.h"

struct location_query {
	struct gruu_keys keys;
	const struct gruu *gruu; /* GRUU_NONE: any instance */
	struct pairtime now;
	const struct reach *reach;
	struct slice aor;
	struct slice number; /* n > 0: one of a PBX's, which its contacts with `bnc` alone reach */
	struct slice more;   /* parameters of the request's URI that the PBX must see, too */
	uint32_t grace_s;    /* a binding with less of its time left is in its grace */
};

struct location_target {
	const struct binding *binding;
	bool flow_lost, unreachable;
	bool in_grace; /* its phone should have refreshed it */
	struct slice number,
		more;      /* go into the URI in place of `bnc` (RFC 6140 7.1); n == 0: none */
	struct slice push; /* the service that must wake the phone first; n == 0: none */
};

/* Returns how many; they borrow from the record. */
size_t location_find(const struct location_query *q, const struct aor_record *record,
                     struct location_target out[AOR_BINDINGS_MAX]);

/* The Contact of a redirection: the URI with its Path as Route headers (RFC 3327 5.3, 3261 19.1.1). */
void location_put(struct buf *to, const struct location_target *target, struct pairtime now);

#endif
