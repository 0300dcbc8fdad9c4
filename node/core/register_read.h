/* register_read.h - the headers of a request that a registrar works with, read once into structs.
 *
 * Everything borrows from the message or from the arena. What cannot be read is refused here, so that
 * the decision (registrar.h) meets only values that mean something. */
#ifndef NODE_CORE_REGISTER_READ_H
#define NODE_CORE_REGISTER_READ_H

#include "node/core/denial.h"
#include "proto/record.h"
#include "proto/sip/header.h"

enum {
	REGISTER_CONTACTS_MAX = AOR_BINDINGS_MAX, /* in one request; more is 413 */
	CONTACT_URI_MAX = 2048,                   /* comparing has its price; more is 413 */
	USER_AGENT_STORED_MAX = 128,              /* told to operators, decides nothing */
};

/* What names a transaction; empty where the request has none or it cannot be read. */
struct transaction {
	struct slice branch, sent_by; /* of the topmost Via */
	uint16_t sent_by_port;
	struct slice call_id, from_tag;
};
void transaction_read(const struct sip_msg *m, struct transaction *out);

struct register_request {
	struct transaction id;
	bool has_to_tag;
	uint32_t cseq;
	struct sip_uri to;
	struct slice aor;  /* the canonical key (R13) */
	struct slice user; /* of the AOR, escapes undone: as a subscriber is named */
	bool star;         /* "Contact: *" */
	bool has_expires;
	uint32_t expires_s;
	struct sip_contact contacts[REGISTER_CONTACTS_MAX];
	size_t n_contacts;
	struct slice path[BINDING_PATHS_MAX];
	size_t n_paths;
	bool direct;                                 /* one Via: nobody stands between */
	bool knows_path, knows_outbound, knows_gruu; /* Supported or Require */
	bool wants_gin;                              /* Require: gin (RFC 6140) */
	struct slice user_agent;
};
struct denial register_read(const struct sip_msg *m, const struct transaction *id,
                            struct arena *arena, struct register_request *out);

/* The key of the AOR that `to` names, once it is known which domain that is. */
struct denial register_name_aor(struct arena *arena, struct register_request *r);

/* 420 when Require (or Proxy-Require) names options that are not known here (R08). */
struct denial require_check(const struct sip_msg *m, enum sip_header_id header,
                            struct arena *arena);

#endif
