/* sip_out.h - what the node of fuzz_node.c puts out, and what must be true of it. */
#ifndef TESTS_FUZZ_SIP_OUT_H
#define TESTS_FUZZ_SIP_OUT_H

#include "tests/fuzz/sip_desk.h"

/* --- messages --- */

static inline void learn(struct learnt *l, struct slice bytes, const char *before, const char *end)
{
	const uint8_t *at = memmem(bytes.p, bytes.n, before, strlen(before));

	if (at == NULL)
		return;
	struct slice rest = slice_from(bytes, (size_t)(at - bytes.p) + strlen(before));
	size_t n = 0;
	while (n < rest.n && strchr(end, rest.p[n]) == NULL)
		n++;
	(void)snprintf(l->text, sizeof l->text, SLICE_FMT, SLICE_ARG(slice_head(rest, n)));
}

static inline bool same_flow(const struct flow *a, const struct flow *b)
{
	return a->transport == b->transport && addr_eq(&a->local, &b->local) &&
	       addr_eq(&a->remote, &b->remote) && a->connection == b->connection;
}

/* Over UDP a request of the same transaction is the same one, whatever else it says: the same answer again. */
static inline struct asked *asked_again(struct desk *d, const struct asked *like)
{
	const struct asked *first = NULL;

	if (like->flow.transport != TRANSPORT_UDP)
		return NULL;
	for (size_t i = 0; i < d->n_asked; i++) {
		struct asked *a = &d->asked[i];
		if (!same_flow(&a->flow, &like->flow))
			continue;
		if (first == NULL && a->answered && a->answer == like->answer)
			first = a;
		if (first != NULL && !a->answered && a->transaction == first->transaction)
			return a;
	}
	return NULL;
}

/* Whose answer is this? Of several, of whoever asked first; but a 503 overtakes what waits. */
static inline struct asked *asked_for(struct desk *d, const struct asked *like, uint16_t status)
{
	struct asked *found = NULL;

	for (size_t i = 0; i < d->n_asked; i++) {
		struct asked *a = &d->asked[i];
		if (a->key == like->key && !a->answered && same_flow(&a->flow, &like->flow) &&
		    (found == NULL || status == 503))
			found = a;
	}
	return found != NULL ? found : asked_again(d, like);
}

static inline void desk_answered(struct desk *d, const struct node_output *o,
                                 const struct sip_msg *m)
{
	const struct asked like = {.key = key_of(m),
	                           .flow = o->flow,
	                           .answer = record_hash(TABLE_AOR, SLICE("answer"), o->bytes)};
	struct asked *a = asked_for(d, &like, m->status);

	assert(m->status >= 200 && m->status < 600); /* R02; nothing here takes long */
	assert(a != NULL);
	assert(a->seq <= d->durable);
	if (o->flow.transport == TRANSPORT_UDP)
		assert(addr_same_ip(&o->target, &o->flow.remote));
	a->answered = true;
	a->answer = like.answer;
	learn(&d->nonce, o->bytes, "nonce=\"", "\"");
	learn(&d->gruu, o->bytes, "temp-gruu=\"", "\"");
	if (m->status < 300 && a->method == SIP_SUBSCRIBE)
		learn(&d->tag, sip_find(m, HEADER_TO)->value, ";tag=", ";");
}

static inline void desk_asks(struct desk *d, const struct node_output *o, const struct sip_msg *m)
{
	struct ours *u = &d->ours[d->n_ours++ % OURS_MAX];
	const char *why;

	assert(m->method == SIP_NOTIFY || m->method == SIP_OPTIONS);
	assert(sip_check(m, &why) == 0 && !m->short_body);
	u->flow = o->flow;
	u->target = o->target;
	u->n = o->bytes.n < sizeof u->bytes ? o->bytes.n : 0;
	memcpy(u->bytes, o->bytes.p, u->n);
}

static inline void desk_message(struct desk *d, const struct node_output *o)
{
	static struct sip_msg m;

	if (slice_eq(o->bytes, SLICE("\r\n\r\n")))
		return;
	if (o->bytes.n > 0 && o->bytes.p[0] == 1) {
		d->pongs++;
		assert(d->pongs <= d->pings);
		return;
	}
	assert(sip_parse(o->bytes, &m) == OK);
	if (m.is_request)
		desk_asks(d, o, &m);
	else
		desk_answered(d, o, &m);
}

/* --- records --- */

static inline bool encoded_again(enum table table, struct slice value, struct arena *arena,
                                 struct buf *to)
{
	static struct aor_record aor;
	static struct watchers_record watchers;
	struct subscriber_record subscriber;
	struct secret_record secret;
	struct reign_record reign;

	if (table == TABLE_AOR && aor_decode(value, arena, &aor) == OK)
		aor_encode(&aor, arena, to);
	else if (table == TABLE_WATCHER && watchers_decode(value, arena, &watchers) == OK)
		watchers_encode(&watchers, arena, to);
	else if (table == TABLE_SUBSCRIBER && subscriber_decode(value, arena, &subscriber) == OK)
		subscriber_encode(&subscriber, to);
	else if (table == TABLE_SECRET && secret_decode(value, arena, &secret) == OK)
		secret_encode(&secret, to);
	else if (table == TABLE_REIGN && reign_decode(value, arena, &reign) == OK)
		reign_encode(&reign, to);
	else
		return false;
	return true;
}

static inline void check_record(struct desk *d, enum table table, struct slice key,
                                struct slice value)
{
	static uint8_t room[RECORD_MAX];
	struct buf again = buf_on(room, sizeof room);

	assert(key.n > 0 && key.n <= RECORD_KEY_MAX && value.n <= RECORD_MAX);
	arena_reset(&d->scratch);
	assert(encoded_again(table, value, &d->scratch, &again));
	assert(slice_eq(buf_slice(&again), value));
}

static inline void desk_append(struct desk *d, const struct node_output *o)
{
	struct entry e;

	assert(o->seq == ++d->seq);
	assert(entry_decode(o->bytes, &e) == OK && e.seq == d->seq);
	if (d->asking != NULL)
		d->asking->seq = e.seq;
	if (e.value.n == 0) {
		copy_delete(d->model, e.table, e.key);
		return;
	}
	check_record(d, e.table, e.key, e.value);
	copy_put(d->model, e.table, e.key, e.value, e.seq, PAIRTIME_NEVER);
}

static inline void desk_carry_out(struct desk *d, const struct node_output *o)
{
	if (o->kind == OUT_APPEND)
		desk_append(d, o);
	else if (o->kind == OUT_MESSAGE)
		desk_message(d, o);
	else if (o->kind == OUT_ANSWER)
		d->answers++;
	else
		assert(o->kind == OUT_LOG || o->kind == OUT_HISTORY || o->kind == OUT_FAULT);
}

/* Every record, summed anew: what the node serves from is what its log says. */
static inline void check_copy(struct desk *d)
{
	const struct copy *c = node_copy(d->node);

	for (int t = 1; t < TABLE_END; t++) {
		enum table table = (enum table)t;
		struct copy_cursor cursor = {0};
		const struct copy_item *item;
		uint64_t sum = 0;

		while (copy_count(c, table) > 0 && (item = copy_walk(c, table, &cursor)) != NULL) {
			check_record(d, table, item->key, item->value);
			sum += record_hash(table, item->key, item->value);
		}
		assert(sum == copy_digest(c, table));
		assert(sum == copy_digest(d->model, table));
	}
}

#endif
