#include "node/core/transactions.h"

#include <assert.h>
#include <string.h>
#include <xxhash.h>

#include "proto/sip/header.h"

enum {
	T1_MS = 500, /* RFC 3261 17.1.2.2 */
	T2_MS = 4000,
	MOST = REQUESTS_OF_WATCH + 3 * REQUESTS_OF_NAPS,
	BUCKETS = 16384,
};

static const size_t most_of[] = {[OWNER_WATCH] = REQUESTS_OF_WATCH,
                                 [OWNER_NAP_REGISTER] = REQUESTS_OF_NAPS,
                                 [OWNER_NAP_POLL] = REQUESTS_OF_NAPS,
                                 [OWNER_NAP_REG] = REQUESTS_OF_NAPS};

/* Each is found by three keys, each of which has a table of chains. */
enum key { BY_NAME, BY_OWNER, BY_STREAM, KEYS };

struct transaction {
	struct request is;
	uint64_t key[KEYS];
	struct transaction *next[KEYS];
	struct mtime due, until;
	int64_t wait_ms;
	bool proceeding, broken;
	size_t at; /* in the heap */
	uint8_t memory[];
};

struct transactions {
	struct alloc alloc;
	size_t count[OWNER_COUNT];
	struct transaction *chain[KEYS][BUCKETS];
	struct transaction *heap[MOST]; /* the one that is due first is at 0 */
	size_t n;
};

_Static_assert(ARRAY_LEN(most_of) == OWNER_COUNT, "every owner has its bound");

struct transactions *transactions_new(const struct alloc *alloc)
{
	struct transactions *t = alloc_take(alloc, sizeof *t);

	memset(t, 0, sizeof *t);
	t->alloc = *alloc;
	return t;
}

void transactions_free(struct transactions **t)
{
	if (*t == NULL)
		return;
	const struct alloc alloc = (*t)->alloc;
	transactions_drop_all(*t);
	alloc_give(&alloc, *t);
	*t = NULL;
}

size_t transactions_count(const struct transactions *t, enum request_owner owner)
{
	return t->count[owner];
}

/* --- which is due first --- */

static struct mtime due_of(const struct transaction *x)
{
	return mtime_min(x->due, x->until);
}

static void place(struct transactions *t, size_t at, struct transaction *x)
{
	t->heap[at] = x;
	x->at = at;
}

static size_t earlier_child(const struct transactions *t, size_t at)
{
	size_t left = 2 * at + 1, right = left + 1;

	return right < t->n && due_of(t->heap[right]).ms < due_of(t->heap[left]).ms ? right : left;
}

/* Where it belongs, up or down from where it is. */
static void settle(struct transactions *t, struct transaction *x)
{
	int64_t ms = due_of(x).ms;
	size_t at = x->at;

	for (; at > 0 && ms < due_of(t->heap[(at - 1) / 2]).ms; at = (at - 1) / 2)
		place(t, at, t->heap[(at - 1) / 2]);
	for (size_t child; (child = earlier_child(t, at)) < t->n; at = child) {
		if (ms <= due_of(t->heap[child]).ms)
			break;
		place(t, at, t->heap[child]);
	}
	place(t, at, x);
}

static void heap_remove(struct transactions *t, struct transaction *x)
{
	struct transaction *last = t->heap[--t->n];

	if (last == x)
		return;
	place(t, x->at, last);
	settle(t, last);
}

struct mtime transactions_deadline(const struct transactions *t)
{
	return t->n == 0 ? MTIME_NEVER : due_of(t->heap[0]);
}

/* --- which is meant --- */

static uint64_t mix(uint64_t seed, struct slice s)
{
	return XXH3_64bits_withSeed(s.p, s.n, seed);
}

static uint64_t key_of_owner(enum request_owner owner, uint64_t id)
{
	return XXH3_64bits_withSeed(&id, sizeof id, owner);
}

/* What request and answer have in common (17.1.3); false: `m` lacks it. */
static bool read_name(const struct sip_msg *m, uint64_t *name)
{
	const struct sip_header *via = sip_find(m, HEADER_VIA);
	const struct sip_header *call_id = sip_find(m, HEADER_CALL_ID);
	const struct sip_header *cseq = sip_find(m, HEADER_CSEQ);
	struct sip_via top;
	struct sip_cseq number;

	if (via == NULL || call_id == NULL || cseq == NULL)
		return false;
	struct slice rest = via->value;
	if (via_next(&rest, &top) != OK || cseq_read(cseq->value, &number) != OK)
		return false;
	*name = mix(mix(mix(number.number, number.method), top.branch), call_id->value);
	return true;
}

static struct transaction **chain_of(struct transactions *t, enum key by, uint64_t key)
{
	return &t->chain[by][key % BUCKETS];
}

static struct transaction *find(const struct transactions *t, enum key by, uint64_t key)
{
	struct transaction *x = t->chain[by][key % BUCKETS];

	while (x != NULL && x->key[by] != key)
		x = x->next[by];
	return x;
}

static void link_in(struct transactions *t, struct transaction *x)
{
	for (enum key by = 0; by < KEYS; by++) {
		struct transaction **chain = chain_of(t, by, x->key[by]);
		x->next[by] = *chain;
		*chain = x;
	}
	t->count[x->is.owner]++;
	place(t, t->n, x);
	t->n++;
	settle(t, x);
}

static void drop(struct transactions *t, struct transaction *x)
{
	for (enum key by = 0; by < KEYS; by++) {
		struct transaction **link = chain_of(t, by, x->key[by]);
		while (*link != x)
			link = &(*link)->next[by];
		*link = x->next[by];
	}
	t->count[x->is.owner]--;
	heap_remove(t, x);
	alloc_give(&t->alloc, x);
}

bool transactions_has(const struct transactions *t, enum request_owner owner, uint64_t id)
{
	return find(t, BY_OWNER, key_of_owner(owner, id)) != NULL;
}

void transactions_drop(struct transactions *t, enum request_owner owner, uint64_t id)
{
	struct transaction *x = find(t, BY_OWNER, key_of_owner(owner, id));

	if (x != NULL)
		drop(t, x);
}

void transactions_drop_all(struct transactions *t)
{
	while (t->n > 0)
		drop(t, t->heap[t->n - 1]);
}

/* --- their lives --- */

static struct slice keep(uint8_t *at, struct slice s)
{
	if (s.n > 0)
		memcpy(at, s.p, s.n);
	return (struct slice){at, s.n};
}

static struct transaction *copy(const struct alloc *alloc, const struct request *r)
{
	struct transaction *x = alloc_take(alloc, sizeof *x + r->about.n + r->bytes.n);

	*x = (struct transaction){.is = *r};
	x->is.about = keep(x->memory, r->about);
	x->is.bytes = keep(x->memory + r->about.n, r->bytes);
	return x;
}

bool transactions_begin(struct transactions *t, const struct request *r, const struct sip_msg *m,
                        struct mtime now)
{
	int64_t timeout_ms = r->timeout_ms > 0 ? r->timeout_ms : REQUEST_TIMEOUT_MS;
	uint64_t name;

	if (!read_name(m, &name))
		return false;
	transactions_drop(t, r->owner, r->id);
	if (t->count[r->owner] == most_of[r->owner])
		return false;
	struct transaction *x = copy(&t->alloc, r);
	x->key[BY_NAME] = name;
	x->key[BY_OWNER] = key_of_owner(r->owner, r->id);
	x->key[BY_STREAM] = r->flow.connection;
	x->until = mtime_add_ms(now, timeout_ms);
	x->wait_ms = T1_MS;
	x->due = r->flow.transport == TRANSPORT_UDP ? mtime_add_ms(now, T1_MS) : MTIME_NEVER;
	link_in(t, x);
	return true;
}

const struct request *transactions_answered(struct transactions *t, const struct sip_msg *m)
{
	uint64_t name;

	if (t->n == 0 || !read_name(m, &name))
		return NULL;
	struct transaction *x = find(t, BY_NAME, name);
	if (x == NULL || x->broken)
		return NULL;
	x->proceeding = x->proceeding || m->status < 200;
	return &x->is;
}

void transactions_break(struct transactions *t, uint64_t connection, struct mtime now)
{
	struct transaction *x = connection == 0 ? NULL : find(t, BY_STREAM, connection);

	for (; x != NULL; x = x->next[BY_STREAM]) {
		if (x->key[BY_STREAM] != connection)
			continue;
		x->broken = true;
		x->due = now;
		settle(t, x);
	}
}

struct transaction_due transactions_due(struct transactions *t, struct mtime now)
{
	struct transaction *x = t->n > 0 ? t->heap[0] : NULL;

	if (x == NULL || !mtime_reached(due_of(x), now))
		return (struct transaction_due){.request = NULL};
	if (x->broken || mtime_reached(x->until, now))
		return (struct transaction_due){&x->is, true,
		                                x->broken ? REQUEST_BROKEN : REQUEST_SILENT};
	x->wait_ms = x->proceeding || 2 * x->wait_ms > T2_MS ? T2_MS : 2 * x->wait_ms;
	x->due = mtime_add_ms(now, x->wait_ms);
	settle(t, x);
	return (struct transaction_due){.request = &x->is};
}
