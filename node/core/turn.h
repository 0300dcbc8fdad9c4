/* turn.h - what the files of serve() share: the server, one request on its way through it, and the
 * verbs that end it. Nobody else's. */
#ifndef NODE_CORE_TURN_H
#define NODE_CORE_TURN_H

#include "node/core/answer.h"
#include "node/core/auth.h"
#include "node/core/reply_cache.h"

enum {
	TO_TAG_BYTES = 8,
};

struct server {
	struct server_options options;
	struct digester *digester;
	struct reply_cache *cache;
	struct secrets secrets;
};

/* One request on its way through. */
struct turn {
	struct server *server;
	const struct copy *copy;
	const struct serve_input *in;
	struct arena *arena;
	struct served *out;
	struct sip_msg *request;
	struct transaction id;
	struct reply_key key;
	bool cacheable; /* came over UDP */
	struct buf reply;
	struct answer answer;
	char to_tag[2 * TO_TAG_BYTES + 1];
};

/* The answer waits for what wrote this item; NULL: for all that is logged, as it says that there is
 * no such record. */
void turn_depend_on(struct turn *t, const struct copy_item *item);

/* The record as it is stored, which the answer waits for, too; NULL: there is none, or (`damaged`) its
 * bytes have flipped in memory. */
const struct copy_item *turn_get(struct turn *t, enum table table, struct slice key);

/* Sends what was written; an answer too large to send is none. */
void turn_finish(struct turn *t, enum serve_outcome outcome);
/* The answer is given again to the same request, once this seq may leave. */
void turn_keep(struct turn *t, uint64_t depends_on);
void turn_respond_denied(struct turn *t, const struct denial *why);
void turn_respond(struct turn *t, uint16_t status, enum serve_outcome outcome, const char *reason);

/* The domain that the URI is in; a URI with the very address that the request came to is, where names are
 * not taken strictly, one of the first such domain and is rewritten so. NULL: none of ours. */
const struct domain_policy *turn_find_domain(const struct turn *t, struct sip_uri *uri);
/* Are there max_users AORs? Then nobody new is taken. */
bool turn_domain_is_full(const struct turn *t, const struct domain_policy *policy);
/* Is the request for a domain of ours, or for this very address (R07)? */
struct denial turn_check_request_uri(const struct turn *t, struct sip_uri *uri);

struct gruu_keys turn_gruus(const struct turn *t);

/* The record of an AOR, an empty one where there is none (`*item` NULL); the answer depends on it. NULL:
 * what is stored cannot be read, or the arena is full. */
struct aor_record *turn_read_aor(struct turn *t, struct slice aor, const struct copy_item **item);
/* NULL: nobody of that name in the realm. The answer depends on it. */
const struct subscriber_record *turn_find_subscriber(struct turn *t, struct slice user,
                                                     struct slice realm);

void serve_register(struct turn *t);
void serve_subscribe(struct turn *t);
void serve_locate(struct turn *t);

#endif
