#include "node/core/node_request.h"

#include <assert.h>

#include "node/core/node_parts.h"

static void send(struct node *n, const struct request *r)
{
	struct node_output o = {.kind = OUT_MESSAGE,
	                        .flow = r->flow,
	                        .target = r->target,
	                        .bytes = arena_copy(&n->arena, r->bytes)};

	node_hold(n, r->depends_on, &o);
}

static bool begin(struct node *n, const struct request *r)
{
	struct arena before = n->arena;
	struct sip_msg *m = arena_take(&n->arena, sizeof *m);
	bool begun = m != NULL && sip_parse(r->bytes, m) == OK && m->is_request &&
	             transactions_begin(n->requests, r, m, n->now);

	n->arena = before;
	return begun;
}

bool node_request(struct node *n, const struct request *r)
{
	if (!begin(n, r))
		return false;
	send(n, r);
	return true;
}

void node_request_drop(struct node *n, enum request_owner owner, uint64_t id)
{
	transactions_drop(n->requests, owner, id);
}

/* It is over: dropped first, for its owner may ask the next. */
static void end(struct node *n, const struct request *r, const struct sip_msg *answer,
                enum request_end how)
{
	enum request_owner owner = r->owner;
	struct slice about = arena_copy(&n->arena, r->about);
	uint64_t id = r->id;

	transactions_drop(n->requests, owner, id);
	if (owner == OWNER_WATCH)
		node_watch_outcome(n, about, id, answer, how);
	else
		node_nap_outcome(n, owner, id, answer, how);
}

/* What a NAP did not send is no word of its own; watchers may be behind whatever they like. */
static bool comes_from_there(const struct request *r, const struct flow *flow)
{
	return r->owner == OWNER_WATCH ||
	       (flow->connection == r->flow.connection && addr_same_ip(&flow->remote, &r->target));
}

bool node_request_answered(struct node *n, const struct node_input *in)
{
	struct slice bytes = in->bytes;
	struct sip_msg *m;

	if (transactions_deadline(n->requests).ms == MTIME_NEVER.ms ||
	    !slice_eq(slice_head(bytes, 8), SLICE("SIP/2.0 ")))
		return false;
	m = arena_take(&n->arena, sizeof *m);
	if (m == NULL || sip_parse(bytes, m) != OK || m->is_request)
		return false;
	const struct request *r = transactions_answered(n->requests, m);
	if (r == NULL)
		return false;
	if (!comes_from_there(r, &in->flow))
		n->outcomes[SERVED_NOTHING]++;
	else if (m->status >= 200)
		end(n, r, m, REQUEST_ANSWERED);
	return true;
}

void node_requests_broken(struct node *n, const struct flow *flow)
{
	transactions_break(n->requests, flow->connection, n->now);
}

void node_requests_turn(struct node *n)
{
	if (!node_active(n)) {
		transactions_drop_all(n->requests);
		return;
	}
	while (!n->doubt && n->arena.room - n->arena.n > NODE_ARENA / 2) {
		struct transaction_due due = transactions_due(n->requests, n->now);
		if (due.request == NULL)
			return;
		if (due.ended)
			end(n, due.request, NULL, due.why);
		else if (due.request->depends_on <= node_allowed(n))
			send(n, due.request); /* what is held needs no second one behind it */
	}
}

struct mtime node_requests_deadline(const struct node *n)
{
	return node_active(n) && !n->doubt ? transactions_deadline(n->requests) : MTIME_NEVER;
}
