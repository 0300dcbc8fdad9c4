#include "node/core/aor_edit.h"

#include <assert.h>

#include "node/core/merge_order.h"
#include "proto/sip/uri.h"

static bool same_push(const struct sip_uri *a, const struct sip_uri *b)
{
	static const char *const names[] = {"pn-provider", "pn-prid"};
	struct slice left, right;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!sip_uri_param(a, names[i], &left) || !sip_uri_param(b, names[i], &right) ||
		    left.n == 0 || !slice_eq(left, right))
			return false;
	return true;
}

bool contact_key_eq(const struct contact_key *a, const struct contact_key *b)
{
	bool a_is_flow = a->instance.n > 0 && a->reg_id != 0;
	bool b_is_flow = b->instance.n > 0 && b->reg_id != 0;
	struct sip_uri left, right;

	if (a_is_flow || b_is_flow)
		return a_is_flow && b_is_flow && a->reg_id == b->reg_id &&
		       slice_eq(a->instance, b->instance);
	if (slice_eq(a->uri, b->uri))
		return true;
	if (sip_uri_parse(a->uri, &left) != OK || sip_uri_parse(b->uri, &right) != OK)
		return false;
	return same_push(&left, &right) || sip_uri_eq(&left, &right);
}

struct contact_key binding_key(const struct binding *b)
{
	return (struct contact_key){b->uri, b->instance, b->reg_id};
}

struct contact_key tombstone_key(const struct tombstone *t)
{
	return (struct contact_key){t->uri, t->instance, t->reg_id};
}

struct binding *aor_find(struct aor_record *r, const struct contact_key *key)
{
	for (size_t i = 0; i < r->n_bindings; i++) {
		struct contact_key have = binding_key(&r->bindings[i]);

		if (contact_key_eq(&have, key))
			return &r->bindings[i];
	}
	return NULL;
}

bool binding_is_live(const struct binding *b, struct pairtime now)
{
	return !pairtime_reached(b->expires, now);
}

size_t aor_count_live(const struct aor_record *r, struct pairtime now)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_bindings; i++)
		n += binding_is_live(&r->bindings[i], now);
	return n;
}

void aor_take_out(struct aor_record *r, struct binding *b)
{
	size_t at = (size_t)(b - r->bindings);

	assert(at < r->n_bindings);
	r->n_bindings--;
	memmove(b, b + 1, (r->n_bindings - at) * sizeof *b);
}

struct tombstone tombstone_of(const struct binding *b, enum tombstone_cause cause,
                              const struct stamp *stamp)
{
	return (struct tombstone){
		.uri = b->uri,
		.instance = b->instance,
		.reg_id = b->reg_id,
		.call_id = b->call_id,
		.cseq = b->cseq,
		.branch = b->branch,
		.stamped = stamp->now,
		.cause = cause,
		.epoch = stamp->epoch,
		.unit = stamp->unit,
	};
}

static void remove_tombstone(struct aor_record *r, size_t at)
{
	assert(at < r->n_tombstones);
	r->n_tombstones--;
	memmove(&r->tombstones[at], &r->tombstones[at + 1],
	        (r->n_tombstones - at) * sizeof r->tombstones[0]);
}

void aor_unbury(struct aor_record *r, const struct contact_key *key, struct slice call_id)
{
	for (size_t i = r->n_tombstones; i > 0; i--) {
		const struct tombstone *t = &r->tombstones[i - 1];
		struct contact_key have = tombstone_key(t);

		if (t->cause != CAUSE_REQUEST && slice_eq(t->call_id, call_id) &&
		    contact_key_eq(&have, key))
			remove_tombstone(r, i - 1);
	}
}

void aor_drop_oldest_tombstone(struct aor_record *r)
{
	size_t oldest = 0;

	for (size_t i = 1; i < r->n_tombstones; i++)
		if (r->tombstones[i].stamped.ms < r->tombstones[oldest].stamped.ms)
			oldest = i;
	remove_tombstone(r, oldest);
	r->gave_way++;
}

void aor_bury(struct aor_record *r, const struct tombstone *t)
{
	struct contact_key key = tombstone_key(t);
	struct tombstone joined = *t;

	for (size_t i = r->n_tombstones; i > 0; i--) {
		struct contact_key have = tombstone_key(&r->tombstones[i - 1]);

		if (!slice_eq(r->tombstones[i - 1].call_id, t->call_id) ||
		    !contact_key_eq(&have, &key))
			continue;
		joined = tombstone_join(&joined, &r->tombstones[i - 1]);
		remove_tombstone(r, i - 1);
	}
	if (r->n_tombstones == AOR_TOMBSTONES_MAX)
		aor_drop_oldest_tombstone(r);
	r->tombstones[r->n_tombstones++] = joined;
	assert(r->n_tombstones <= AOR_TOMBSTONES_MAX);
}
