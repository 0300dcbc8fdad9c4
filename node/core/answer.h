/* answer.h - the answers a registrar gives, written as bytes. */
#ifndef NODE_CORE_ANSWER_H
#define NODE_CORE_ANSWER_H

#include "node/core/denial.h"
#include "node/core/gruu.h"
#include "node/core/register_read.h"
#include "proto/sip/reply.h"

struct answer {
	struct buf *to;
	const struct sip_msg *request;
	const struct flow *flow;
	struct slice to_tag;
};

/* What a 401 offers: one line for each algorithm, the strongest first (RFC 8760; D1). */
struct challenge {
	const struct domain_policy *policy;
	struct slice nonce;
};

/* With what the status calls for: Unsupported, Min-Expires, Allow, Retry-After, or (challenge not
 * NULL) WWW-Authenticate. */
void answer_denial(const struct answer *a, const struct denial *why,
                   const struct challenge *challenge);

/* 200 with every current binding and its remaining seconds, rounded up, and what the request's
 * extensions ask for. Date is made from pair time, which starts from wall time and never steps: this
 * layer has no wall clock. */
struct listing {
	const struct register_request *request;
	const struct aor_record *record;
	const struct domain_policy *policy;
	struct gruu_keys gruus;
	struct pairtime now;
};
void answer_bindings(const struct answer *a, const struct listing *l);

void answer_options(const struct answer *a);

/* "Sat, 13 Nov 2010 23:29:00 GMT" (RFC 3261 20.17). */
void date_put(struct buf *to, struct pairtime t);

#endif
