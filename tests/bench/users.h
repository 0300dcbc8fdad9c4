/* users.h - the users a run registers, and what is outstanding for each.
 *
 * A user has at most one request outstanding. Those that wait for an answer stand in queues, one
 * for each sending (first, second, ...): an interval belongs to a sending, so each queue is in the
 * order of its deadlines and nothing needs sorting. */
#ifndef TESTS_BENCH_USERS_H
#define TESTS_BENCH_USERS_H

#include "proto/base/buf.h"
#include "tests/bench/answer.h"
#include "tests/bench/options.h"

enum {
	NONCE_MAX = 200,
	REALM_MAX = 64,
	OPAQUE_MAX = 72,
	SENDINGS_MAX = 16,
};

#define USERS_NONE UINT32_MAX /* no user */

/* A challenge kept; n_nonce is 0 where there is none. */
struct credentials {
	uint32_t nc; /* of the latest request that used it */
	bool qop;
	uint8_t n_nonce, n_realm, n_opaque;
	uint8_t nonce[NONCE_MAX], realm[REALM_MAX], opaque[OPAQUE_MAX];
};

/* What a user's request does to its binding. */
enum act { ACT_NONE, ACT_REGISTER, ACT_REMOVE, ACT_FETCH };

struct user {
	uint32_t number;
	uint32_t cseq; /* of the latest request */
	bool waiting;
	bool authorized; /* the request outstanding carries credentials */
	bool fresh;      /* ... for a challenge of this very operation */
	uint8_t act, sending, challenges;
	uint32_t next, prev;   /* in the queue */
	int64_t due_us;        /* the next sending */
	int64_t began_us;      /* when the operation was due: latency counts from here */
	int64_t first_sent_us; /* of the request outstanding */
	struct credentials credentials;
};

struct queue {
	uint32_t head, tail; /* USERS_NONE: empty */
};

struct users {
	struct user *list;
	uint32_t n;
	uint32_t step; /* of the mixed order; no divisor in common with n */
	struct queue waiting[SENDINGS_MAX];
};

/* `numbers` (ascending) NULL: first, first + 1, ... False: no memory. */
bool users_open(struct users *users, const struct options *o, const uint32_t *numbers,
                uint32_t n) MUST_CHECK;
void users_close(struct users *users);

/* Where the user of this number stands; USERS_NONE: not in this run. */
uint32_t users_find(const struct users *users, uint32_t number);

/* The i-th user to visit: a fixed mixed order that comes to each user once in `n`. */
uint32_t users_visit(const struct users *users, uint64_t i);

void users_wait(struct users *users, uint32_t at, unsigned sending, int64_t due_us);
void users_done(struct users *users, uint32_t at); /* waits no more */

/* When the first of those waiting is due; INT64_MAX: nobody waits. `at` gets the user. */
int64_t users_next_due(const struct users *users, uint32_t *at);

void user_name(struct buf *to, const struct options *o, uint32_t number);
void user_password(struct buf *to, const struct options *o, uint32_t number);
void user_contact(struct buf *to, const struct options *o, uint32_t number); /* the URI */
void user_call_id(struct buf *to, const struct options *o, uint32_t number);

/* "user000012" -> 12; false: not one of ours. */
bool user_number(const struct options *o, struct slice name, uint32_t *number) MUST_CHECK;

/* user,password lines, as `regpairctl subscriber import` reads them. */
bool users_write_csv(const struct options *o) MUST_CHECK;

#endif
