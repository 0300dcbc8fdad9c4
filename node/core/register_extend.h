/* register_extend.h - what the extensions of SIP forbid a REGISTER, whatever is stored: Outbound (RFC
 * 5626), GRUU (5627), GIN (6140), push (8599). */
#ifndef NODE_CORE_REGISTER_EXTEND_H
#define NODE_CORE_REGISTER_EXTEND_H

#include "node/core/gruu.h"
#include "node/core/register_read.h"

struct extension_check {
	const struct domain_policy *policy;
	struct gruu_keys gruus;
	struct arena *arena;
};
struct denial extensions_check(const struct extension_check *x, const struct register_request *r);

/* The push service that a contact of the request names (RFC 8599); n == 0: it asks which there are.
 * False: none asks. */
bool push_asked(const struct register_request *r, struct slice *provider);

#endif
