/* registrar.h - what one REGISTER does to one AOR (RFC 3261 10.3 steps 6 and 7). No store, no clock.
 *
 * All or nothing: everything is checked against the record as it stood before anything is changed; on
 * a denial the caller throws its decoded record away. A binding that has expired but was not yet
 * swept counts for nothing but its CSeq; one in its grace is like it, but is found by callers. */
#ifndef NODE_CORE_REGISTRAR_H
#define NODE_CORE_REGISTRAR_H

#include "node/core/aor_edit.h"
#include "node/core/register_read.h"

struct reg_context {
	const struct domain_policy *policy;
	const struct flow *flow; /* the request came by; borrowed */
	struct stamp stamp;
	const struct reach *reach;
	uint64_t jitter; /* random bits that shorten what is granted; 0: nothing does */
};

struct reg_decision {
	struct denial denial;       /* status 0: granted */
	enum serve_outcome outcome; /* granted: REGISTERED, REMOVED or FETCHED */
	bool changed;
};

/* Is it the very request that wrote something of the record: equal Call-ID, CSeq and branch? Then the
 * answer is what the stored state implies, and nothing is decided anew. */
bool reg_repeated(const struct aor_record *record, const struct register_request *r);

/* Slices put into the record borrow from the request. */
struct reg_decision reg_decide(const struct reg_context *ctx, const struct register_request *r,
                               struct aor_record *record);

#endif
