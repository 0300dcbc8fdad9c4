#include <assert.h>

#include "node/core/aor_edit.h"
#include "node/core/node_parts.h"
#include "proto/sip/header.h"

enum {
	SCRATCH = 512 * 1024,
	ROOM_MIN = 1024 * 1024, /* of the step's arena: less waits for the next turn */
	SEND_MAX = 256,         /* messages in one turn */
	LOOK_MAX = 4096,        /* records in one turn */
};

/* One AOR on its way through. */
struct visit {
	const struct domain_policy *policy;
	struct slice aor;
	bool due;                  /* in this round */
	const struct addr *silent; /* of its contacts, to be removed; NULL: none */
};

void node_keep_alive_init(struct node *n)
{
	const struct server_options *o = &n->options.server;
	uint32_t least = 0;

	for (size_t i = 0; i < o->n_domains; i++) {
		const struct domain_policy *d = &o->domains[i];

		if (d->keep_alive != KEEP_ALIVE_OFF && (least == 0 || d->keep_alive_ms < least))
			least = d->keep_alive_ms;
	}
	n->keep_alive.interval_ms = least;
}

static const struct domain_policy *policy_of(const struct node *n, struct slice aor)
{
	const struct server_options *o = &n->options.server;
	struct sip_uri uri;

	if (sip_uri_parse(aor, &uri) != OK)
		return NULL;
	for (size_t i = 0; i < o->n_domains; i++)
		if (slice_eq_nocase(o->domains[i].name, uri.host))
			return &o->domains[i];
	return NULL;
}

static void put_call_id(struct buf *to, uint64_t name)
{
	buf_str(to, "keep-alive-");
	buf_hex64(to, name);
}

static void put_options(struct buf *to, const struct node *n, const struct visit *v,
                        const struct binding *b)
{
	const uint8_t *headers = memchr(b->uri.p, '?', b->uri.n);
	uint64_t name = reach_name(n->reach, v->aor, &b->received);

	buf_str(to, "OPTIONS ");
	buf_put(to, headers == NULL ? b->uri : slice_head(b->uri, (size_t)(headers - b->uri.p)));
	buf_str(to, " SIP/2.0\r\nVia: SIP/2.0/");
	buf_str(to, transport_name(b->transport));
	buf_byte(to, ' ');
	addr_put(to, &b->local);
	buf_str(to, ";branch=z9hG4bK-ka-");
	buf_hex64(to, name);
	buf_byte(to, '-');
	buf_u64(to, n->keep_alive.round);
	buf_str(to, ";rport\r\nMax-Forwards: 70\r\nFrom: <sip:");
	buf_put(to, v->policy->name);
	buf_str(to, ">;tag=");
	buf_hex64(to, name);
	buf_str(to, "\r\nTo: <");
	buf_put(to, v->aor);
	buf_str(to, ">\r\nCall-ID: ");
	put_call_id(to, name);
	buf_str(to, "\r\nCSeq: ");
	buf_u64(to, n->keep_alive.round);
	buf_str(to, " OPTIONS\r\nContent-Length: 0\r\n\r\n");
}

static void send_one(struct node *n, const struct visit *v, const struct binding *b,
                     const struct flow *flow)
{
	size_t room = 512 + b->uri.n + v->policy->name.n + v->aor.n;
	uint8_t *memory = arena_take(&n->arena, room);

	assert(memory != NULL); /* ROOM_MIN is more than a record with all its contacts wants */
	struct buf to = buf_on(memory, room);
	if (v->policy->keep_alive == KEEP_ALIVE_CRLF)
		buf_str(&to, "\r\n\r\n");
	else
		put_options(&to, n, v, b);
	assert(!to.full);
	struct node_output *o = node_out(n, OUT_MESSAGE);
	o->flow = *flow;
	o->target = flow->remote;
	o->bytes = buf_slice(&to);
	n->keep_alive.sent++;
}

/* Where nobody at all answers any more, the fault is ours or the network's: nothing is removed. */
static bool may_remove(struct node *n, const struct visit *v)
{
	const struct keep_alive_watch *k = &n->keep_alive;

	return v->policy->keep_alive_remove && k->heard + k->heard_before > 0 &&
	       mtime_reached(n->expiry_held_until, n->now) && node_has_room(n);
}

/* It is to be asked now? */
static bool follow(struct node *n, struct visit *v, const struct binding *b)
{
	uint64_t name = reach_name(n->reach, v->aor, &b->received);

	if (reach_was_asked(n->reach, name)) /* by way of another contact at the same address */
		return false;
	bool silent = reach_missed(n->reach, name) + v->due > REACH_TRIES;
	n->keep_alive.silent_so_far += silent;
	if (silent && v->due && may_remove(n, v)) {
		v->silent = &b->received; /* one each round, of one AOR */
		return false;
	}
	if (v->due)
		reach_ask(n->reach, name);
	else
		reach_carry(n->reach, name);
	return v->due;
}

/* Behind a Path, the edge proxy keeps alive what it likes. */
static void visit_contact(struct node *n, struct visit *v, const struct binding *b)
{
	bool asks = v->policy->keep_alive == KEEP_ALIVE_OPTIONS;
	struct flow flow;

	if (b->n_paths > 0 || !binding_is_live(b, pair_now(n)) || !reach_flow(n->reach, b, &flow))
		return;
	if (asks ? follow(n, v, b) : v->due)
		send_one(n, v, b, &flow);
}

static void visit(struct node *n, const struct copy_item *item, struct arena *scratch)
{
	struct keep_alive_watch *k = &n->keep_alive;
	struct visit v = {.policy = policy_of(n, item->key), .aor = item->key};

	if (v.policy == NULL || v.policy->keep_alive == KEEP_ALIVE_OFF ||
	    item->seq > node_allowed(n) || !copy_sound(TABLE_AOR, item))
		return;
	struct aor_record *record = arena_take(scratch, sizeof *record);
	if (record == NULL || aor_decode(item->value, scratch, record) != OK)
		return;
	v.due = k->round % (v.policy->keep_alive_ms / k->interval_ms) == 0;
	for (size_t i = 0; i < record->n_bindings; i++)
		visit_contact(n, &v, &record->bindings[i]);
	if (v.silent != NULL)
		k->removed += node_end_bindings(n, item, v.silent, scratch);
}

static void walk(struct node *n, uint32_t due)
{
	struct keep_alive_watch *k = &n->keep_alive;
	uint64_t enough = k->sent + SEND_MAX;

	k->behind = n->arena.room - n->arena.n < SCRATCH + ROOM_MIN;
	if (k->behind)
		return;
	struct arena scratch = arena_on(arena_take(&n->arena, SCRATCH), SCRATCH);
	for (int looked = 0; k->bucket < due; looked++) {
		k->behind = looked == LOOK_MAX || k->sent >= enough ||
		            n->arena.room - n->arena.n < ROOM_MIN;
		if (k->behind)
			return;
		const struct copy_item *item =
			copy_walk_bucket(n->copy, TABLE_AOR, k->bucket, &k->cursor);
		arena_reset(&scratch);
		if (item != NULL) {
			visit(n, item, &scratch);
			continue;
		}
		k->bucket++;
		k->cursor = (struct copy_cursor){0};
	}
}

static void begin_round(struct node *n)
{
	struct keep_alive_watch *k = &n->keep_alive;

	k->silent = k->silent_so_far;
	k->silent_so_far = 0;
	k->heard_before = k->heard;
	k->heard = 0;
	k->round++;
	k->began = n->now;
	k->bucket = 0;
	k->cursor = (struct copy_cursor){0};
	reach_round(n->reach);
}

static uint32_t due_bucket(const struct node *n)
{
	const struct keep_alive_watch *k = &n->keep_alive;
	uint64_t passed = (uint64_t)(n->now.ms - k->began.ms);

	return passed >= k->interval_ms ? COPY_BUCKETS
	                                : (uint32_t)(passed * COPY_BUCKETS / k->interval_ms);
}

void node_keep_alive(struct node *n)
{
	struct keep_alive_watch *k = &n->keep_alive;

	k->behind = false;
	if (!node_active(n)) {
		reach_begin(n->reach, n->random);
		*k = (struct keep_alive_watch){.interval_ms = k->interval_ms,
		                               .round = k->round,
		                               .sent = k->sent,
		                               .answered = k->answered,
		                               .removed = k->removed};
		return;
	}
	if (k->interval_ms == 0 || n->doubt)
		return;
	if (!k->running)
		begin_round(n);
	k->running = true;
	walk(n, due_bucket(n));
	if (k->bucket == COPY_BUCKETS)
		begin_round(n);
}

/* The AOR that a response names in its To. */
static bool read_aor(const struct sip_msg *m, struct buf *aor)
{
	const struct sip_header *to = sip_find(m, HEADER_TO);
	struct sip_name_addr party;
	struct sip_uri uri;

	return to != NULL && name_addr_read(to->value, &party) == OK &&
	       sip_uri_parse(party.uri, &uri) == OK && sip_aor(&uri, aor) == OK;
}

bool node_keep_alive_answered(struct node *n, const struct node_input *in)
{
	uint8_t aor_text[SIP_AOR_MAX], id_text[64];
	struct buf aor = buf_on(aor_text, sizeof aor_text), id = buf_on(id_text, sizeof id_text);

	if (n->keep_alive.interval_ms == 0 ||
	    !slice_eq(slice_head(in->bytes, 8), SLICE("SIP/2.0 ")))
		return false;
	struct sip_msg *m = arena_take(&n->arena, sizeof *m);
	if (m == NULL || sip_parse(in->bytes, m) != OK || !read_aor(m, &aor))
		return false;
	const struct sip_header *call_id = sip_find(m, HEADER_CALL_ID);
	uint64_t name = reach_name(n->reach, buf_slice(&aor), &in->flow.remote);
	put_call_id(&id, name);
	if (call_id == NULL || !slice_eq(call_id->value, buf_slice(&id)))
		return false;
	bool owed = reach_answer(n->reach, name);
	n->keep_alive.answered += owed;
	n->keep_alive.heard += owed;
	return true;
}
