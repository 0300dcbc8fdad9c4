/* transactions.h - requests of ours that wait for their final answer: the client's side of RFC 3261
 * 17.1.2, for every method but INVITE. No clock, no socket.
 *
 * Over UDP a request is due again after 0.5, 1, 2, 4, 4 ... s, after a provisional answer every 4 s; over
 * a stream never. Without a final answer it ends after its time, and with its stream at once.
 * An answer belongs to a request by the branch of its topmost Via, Call-ID and CSeq: what fits none,
 * or comes after a final one, is nobody's (17.1.3).
 * Each owner has so many at once, so that none takes another's room; one of an owner's ids is one
 * request: another one takes its place. */
#ifndef NODE_CORE_TRANSACTIONS_H
#define NODE_CORE_TRANSACTIONS_H

#include "node/core/nap.h"
#include "proto/base/alloc.h"
#include "proto/sip/message.h"

enum request_owner { OWNER_WATCH, OWNER_NAP_REGISTER, OWNER_NAP_POLL, OWNER_NAP_REG, OWNER_COUNT };

enum {
	REQUESTS_OF_WATCH = 1024, /* NOTIFYs; more wait for their turn */
	REQUESTS_OF_NAPS = NAPS_MAX,
	REQUEST_TIMEOUT_MS = 64 * 500, /* timer F: 64*T1 */
};

struct request {
	enum request_owner owner;
	uint64_t id;        /* the owner's */
	struct slice about; /* the owner's, too: kept with it and handed back; may be empty */
	struct slice bytes;
	struct flow flow;
	struct addr target;
	uint64_t depends_on; /* leaves when this entry is committed */
	int64_t timeout_ms;  /* 0: REQUEST_TIMEOUT_MS */
};

enum request_end {
	REQUEST_ANSWERED,
	REQUEST_SILENT,
	REQUEST_BROKEN, /* its stream went */
};

struct transactions;

struct transactions *transactions_new(const struct alloc *alloc);
void transactions_free(struct transactions **t);
size_t transactions_count(const struct transactions *t, enum request_owner owner);

/* Its first sending is the caller's. Kept as a copy. `m`: what it reads as. False: its owner has too
 * many. */
bool transactions_begin(struct transactions *t, const struct request *r, const struct sip_msg *m,
                        struct mtime now);
bool transactions_has(const struct transactions *t, enum request_owner owner, uint64_t id);
void transactions_drop(struct transactions *t, enum request_owner owner, uint64_t id);
void transactions_drop_all(struct transactions *t);

/* What the answer `m` is to, until that is dropped; the caller drops it at a final one. NULL: to none. */
const struct request *transactions_answered(struct transactions *t, const struct sip_msg *m);
/* The stream is gone: what went by it is due now, as broken. */
void transactions_break(struct transactions *t, uint64_t connection, struct mtime now);

struct transaction_due {
	const struct request *request; /* NULL: none is due; until it is dropped */
	bool ended; /* for this reason, the caller drops it; else it is sent again */
	enum request_end why;
};
struct transaction_due transactions_due(struct transactions *t, struct mtime now);
struct mtime transactions_deadline(const struct transactions *t);

#endif
