#include "node/core/reach.h"

#include <xxhash.h>

#include "node/core/marks.h"

struct reach {
	struct alloc alloc;
	uint64_t seed;
	struct marks *streams;      /* connection by name of the flow */
	struct marks *now, *before; /* unanswered asks by name of the contact: rounds */
};

struct reach *reach_new(const struct alloc *alloc)
{
	struct reach *r = alloc_take(alloc, sizeof *r);

	*r = (struct reach){
		.alloc = *alloc,
		.streams = marks_new(alloc, REACH_MOST),
		.now = marks_new(alloc, REACH_MOST),
		.before = marks_new(alloc, REACH_MOST),
	};
	return r;
}

void reach_free(struct reach **reach)
{
	struct reach *r = *reach;

	if (r == NULL)
		return;
	const struct alloc alloc = r->alloc;
	marks_free(&r->streams);
	marks_free(&r->now);
	marks_free(&r->before);
	alloc_give(&alloc, r);
	*reach = NULL;
}

void reach_begin(struct reach *r, uint64_t seed)
{
	r->seed = seed;
	marks_clear(r->streams);
	marks_clear(r->now);
	marks_clear(r->before);
}

static uint64_t hash_of(const struct addr *a, uint64_t seed)
{
	uint8_t bytes[ADDR_BYTES_MAX];

	return XXH3_64bits_withSeed(bytes, addr_encode(a, bytes), seed);
}

static uint64_t stream_name(enum transport transport, const struct addr *local,
                            const struct addr *remote)
{
	return hash_of(remote, hash_of(local, transport));
}

void reach_open(struct reach *r, const struct flow *flow)
{
	uint64_t name = stream_name(flow->transport, &flow->local, &flow->remote);

	if (flow->transport != TRANSPORT_UDP)
		marks_set(r->streams, name, flow->connection);
}

void reach_close(struct reach *r, const struct flow *flow)
{
	uint64_t name = stream_name(flow->transport, &flow->local, &flow->remote);

	if (marks_get(r->streams, name) == flow->connection) /* else a newer one is there */
		marks_set(r->streams, name, 0);
}

bool reach_flow(const struct reach *r, const struct binding *b, struct flow *out)
{
	*out = (struct flow){.transport = b->transport, .local = b->local, .remote = b->received};
	if (b->transport == TRANSPORT_UDP)
		return true;
	if (r != NULL)
		out->connection =
			marks_get(r->streams, stream_name(b->transport, &b->local, &b->received));
	return out->connection != 0;
}

bool reach_is_lost(const struct reach *r, const struct binding *b)
{
	struct flow flow;

	return b->n_paths == 0 && !reach_flow(r, b, &flow);
}

uint64_t reach_name(const struct reach *r, struct slice aor, const struct addr *remote)
{
	return hash_of(remote, XXH3_64bits_withSeed(aor.p, aor.n, r->seed));
}

uint64_t reach_missed(const struct reach *r, uint64_t name)
{
	return marks_get(r->before, name);
}

bool reach_was_asked(const struct reach *r, uint64_t name)
{
	return marks_get(r->now, name) != 0;
}

void reach_ask(struct reach *r, uint64_t name)
{
	uint64_t missed = marks_get(r->before, name);

	/* Silent is silent: no count beyond it is wanted. */
	marks_set(r->now, name, missed > REACH_TRIES ? missed : missed + 1);
}

void reach_carry(struct reach *r, uint64_t name)
{
	marks_set(r->now, name, marks_get(r->before, name));
}

bool reach_answer(struct reach *r, uint64_t name)
{
	bool owed = marks_get(r->now, name) != 0 || marks_get(r->before, name) != 0;

	marks_set(r->now, name, 0);
	marks_set(r->before, name, 0);
	return owed;
}

bool reach_is_silent(const struct reach *r, struct slice aor, const struct binding *b)
{
	if (r == NULL || b->n_paths > 0)
		return false;
	uint64_t name = reach_name(r, aor, &b->received);
	return marks_get(r->now, name) > REACH_TRIES || marks_get(r->before, name) > REACH_TRIES;
}

void reach_round(struct reach *r)
{
	struct marks *next = r->before;

	marks_clear(next);
	r->before = r->now;
	r->now = next;
}
