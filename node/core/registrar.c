#include "node/core/registrar.h"

#include <assert.h>

enum {
	BRIEF_LIMIT_S = 3600, /* 423 is for wishes below an hour only (RFC 3261 10.3 step 7) */
};

static bool names_request(const struct register_request *r, struct slice call_id, uint32_t cseq)
{
	return cseq == r->cseq && call_id.n > 0 && slice_eq(call_id, r->id.call_id);
}

bool reg_repeated(const struct aor_record *record, const struct register_request *r)
{
	for (size_t i = 0; i < record->n_bindings; i++) {
		const struct binding *b = &record->bindings[i];

		if (names_request(r, b->call_id, b->cseq) && slice_eq(b->branch, r->id.branch))
			return true;
	}
	for (size_t i = 0; i < record->n_tombstones; i++) {
		const struct tombstone *t = &record->tombstones[i];

		if (names_request(r, t->call_id, t->cseq) && slice_eq(t->branch, r->id.branch))
			return true;
	}
	const struct floor *f = &record->floor;
	return f->set && names_request(r, f->call_id, f->cseq) && slice_eq(f->branch, r->id.branch);
}

static struct contact_key key_of(const struct sip_contact *c)
{
	return (struct contact_key){c->addr.uri, c->instance, c->reg_id};
}

static bool concerns(const struct register_request *r, const struct contact_key *key)
{
	for (size_t i = 0; i < r->n_contacts; i++) {
		struct contact_key have = key_of(&r->contacts[i]);

		if (contact_key_eq(&have, key))
			return true;
	}
	return false;
}

/* What it asked for went already; what is gone keeps no From tag. */
static bool is_merged_removal(const struct aor_record *record, const struct register_request *r)
{
	const struct floor *f = &record->floor;

	for (size_t i = 0; i < record->n_tombstones; i++) {
		const struct tombstone *t = &record->tombstones[i];
		struct contact_key key = tombstone_key(t);

		if (names_request(r, t->call_id, t->cseq) && !slice_eq(t->branch, r->id.branch) &&
		    concerns(r, &key))
			return true;
	}
	return f->set && names_request(r, f->call_id, f->cseq) &&
	       !slice_eq(f->branch, r->id.branch);
}

/* The same request by another path (RFC 3261 8.2.2.2). */
static bool is_merged(const struct aor_record *record, const struct register_request *r)
{
	if (r->has_to_tag || r->id.from_tag.n == 0)
		return false;
	for (size_t i = 0; i < record->n_bindings; i++) {
		const struct binding *b = &record->bindings[i];

		if (names_request(r, b->call_id, b->cseq) &&
		    slice_eq(b->from_tag, r->id.from_tag) && !slice_eq(b->branch, r->id.branch))
			return true;
	}
	return is_merged_removal(record, r);
}

static bool is_old(const struct register_request *r, struct slice call_id, uint32_t cseq)
{
	return call_id.n > 0 && slice_eq(call_id, r->id.call_id) && r->cseq <= cseq;
}

static bool is_under_floor(const struct aor_record *record, const struct register_request *r)
{
	return record->floor.set && is_old(r, record->floor.call_id, record->floor.cseq);
}

/* Tombstones are asked too, so that a late duplicate brings nothing back. */
static bool cseq_is_old(struct aor_record *record, const struct register_request *r,
                        const struct contact_key *key)
{
	const struct binding *b = aor_find(record, key);

	if (b != NULL && is_old(r, b->call_id, b->cseq))
		return true;
	for (size_t i = 0; i < record->n_tombstones; i++) {
		const struct tombstone *t = &record->tombstones[i];
		struct contact_key have = tombstone_key(t);

		if (is_old(r, t->call_id, t->cseq) && contact_key_eq(&have, key))
			return true;
	}
	return is_under_floor(record, r);
}

static uint32_t asked_s(const struct reg_context *ctx, const struct register_request *r,
                        const struct sip_contact *c)
{
	if (c->has_expires)
		return c->expires_s;
	return r->has_expires ? r->expires_s : ctx->policy->default_expires_s;
}

/* Up to 10 % less than asked for, but never less than what a phone may ask for. */
static uint32_t granted_s(const struct reg_context *ctx, uint32_t asked)
{
	const struct domain_policy *p = ctx->policy;
	uint32_t most = asked < p->max_expires_s ? asked : p->max_expires_s;
	uint32_t least = most < p->min_expires_s ? most : p->min_expires_s;
	uint32_t cut = most - (uint32_t)(ctx->jitter % (most / 10 + 1));

	return cut > least ? cut : least;
}

/* What ends before has ended for its phone. */
static struct pairtime grace_from(const struct reg_context *ctx)
{
	return pairtime_add_s(ctx->stamp.now, ctx->policy->grace_s);
}

static struct denial check_contact(const struct reg_context *ctx, const struct register_request *r,
                                   const struct sip_contact *c, struct aor_record *record)
{
	uint32_t asked = asked_s(ctx, r, c);
	uint32_t least = ctx->policy->min_expires_s;
	struct contact_key key = key_of(c);

	if (cseq_is_old(record, r, &key))
		return deny(400, SERVED_BAD, "Rejected Old CSeq");
	if (asked > 0 && asked < BRIEF_LIMIT_S && asked < least) {
		struct denial brief = deny(423, SERVED_TOO_BRIEF, NULL);
		brief.min_expires_s = least;
		return brief;
	}
	return granted();
}

/* What remains of a binding that another Call-ID takes or takes away. */
static void bury_replaced(const struct reg_context *ctx, const struct register_request *r,
                          const struct binding *b, struct aor_record *record)
{
	if (slice_eq(b->call_id, r->id.call_id))
		return;
	struct tombstone t = tombstone_of(b, CAUSE_REPLACED, &ctx->stamp);
	aor_bury(record, &t);
}

static void bury_requested(const struct reg_context *ctx, const struct register_request *r,
                           const struct contact_key *key, struct aor_record *record)
{
	struct tombstone t = {
		.uri = key->uri,
		.instance = key->instance,
		.reg_id = key->reg_id,
		.call_id = r->id.call_id,
		.cseq = r->cseq,
		.branch = r->id.branch,
		.stamped = ctx->stamp.now,
		.cause = CAUSE_REQUEST,
		.epoch = ctx->stamp.epoch,
		.unit = ctx->stamp.unit,
	};

	aor_bury(record, &t);
}

static void remove_contact(const struct reg_context *ctx, const struct register_request *r,
                           const struct contact_key *key, struct aor_record *record)
{
	struct binding *b = aor_find(record, key);

	if (b != NULL) {
		bury_replaced(ctx, r, b, record);
		aor_take_out(record, b);
	}
	bury_requested(ctx, r, key, record);
}

/* Room for one more: what has expired makes place. NULL: there is none. */
static struct binding *append_binding(const struct reg_context *ctx, struct aor_record *record)
{
	for (size_t i = 0; i < record->n_bindings && record->n_bindings == AOR_BINDINGS_MAX; i++) {
		struct binding *b = &record->bindings[i];

		if (binding_is_live(b, grace_from(ctx)))
			continue;
		struct tombstone t = tombstone_of(b, CAUSE_EXPIRED, &ctx->stamp);
		aor_bury(record, &t);
		aor_take_out(record, b);
	}
	if (record->n_bindings == AOR_BINDINGS_MAX)
		return NULL;
	struct binding *b = &record->bindings[record->n_bindings++];
	b->unknown = (struct unknown_fields){0, NULL};
	return b;
}

/* Since when the instance registers under this Call-ID; another one ends its temporary GRUUs (RFC 5627
 * 5.1), those that its other bindings stand for, too. */
static struct pairtime called_since(const struct reg_context *ctx, const struct register_request *r,
                                    const struct sip_contact *c, struct aor_record *record)
{
	struct pairtime now = ctx->stamp.now, since = now;

	for (size_t i = 0; i < record->n_bindings && c->instance.n > 0; i++) {
		struct binding *b = &record->bindings[i];

		if (!slice_eq(b->instance, c->instance) || !binding_is_live(b, now))
			continue;
		if (slice_eq(b->call_id, r->id.call_id))
			since = b->called.ms < since.ms ? b->called : since;
		else
			b->called = now;
	}
	return since;
}

static void write_binding(const struct reg_context *ctx, const struct register_request *r,
                          const struct sip_contact *c, struct binding *b)
{
	uint32_t lifetime_s = granted_s(ctx, asked_s(ctx, r, c));
	struct unknown_fields unknown = b->unknown;
	struct pairtime bound = b->bound, called = b->called;

	*b = (struct binding){
		.uri = c->addr.uri,
		.display = c->addr.display,
		.params = c->addr.params,
		.call_id = r->id.call_id,
		.cseq = r->cseq,
		.branch = r->id.branch,
		.from_tag = r->id.from_tag,
		.stamped = ctx->stamp.now,
		.expires = pairtime_add_s(grace_from(ctx), lifetime_s),
		.bound = bound,
		.called = called,
		.q_milli = c->q_milli,
		.instance = c->instance,
		.reg_id = c->reg_id,
		.n_paths = r->n_paths,
		.received = ctx->flow->remote,
		.local = ctx->flow->local,
		.transport = ctx->flow->transport,
		.user_agent = r->user_agent,
		.epoch = ctx->stamp.epoch,
		.unit = ctx->stamp.unit,
		.unknown = unknown,
	};
	for (size_t i = 0; i < r->n_paths; i++)
		b->path[i] = r->path[i];
}

/* A phone that came back by another stream, with another port in its Contact, takes the place of what it
 * was: else each of its restarts would leave one more until they expire. Those with a reg-id have the
 * rule of RFC 5626. */
static void replace_lost(const struct reg_context *ctx, const struct sip_contact *c,
                         struct aor_record *record)
{
	for (size_t i = record->n_bindings; i-- > 0 && c->instance.n > 0 && c->reg_id == 0;) {
		struct binding *b = &record->bindings[i];

		if (b->reg_id != 0 || !slice_eq(b->instance, c->instance) ||
		    !reach_is_lost(ctx->reach, b))
			continue;
		struct tombstone t = tombstone_of(b, CAUSE_REPLACED, &ctx->stamp);
		aor_bury(record, &t);
		aor_take_out(record, b);
	}
}

/* `*added`: it was not there, or had ended. False: no room. */
static bool grant_contact(const struct reg_context *ctx, const struct register_request *r,
                          const struct sip_contact *c, struct aor_record *record, bool *added)
{
	struct contact_key key = key_of(c);
	struct binding *b = aor_find(record, &key);
	bool is_new = b == NULL || !binding_is_live(b, ctx->stamp.now);
	struct pairtime called = called_since(ctx, r, c, record);

	*added = *added || b == NULL || !binding_is_live(b, grace_from(ctx));
	if (b != NULL) {
		bury_replaced(ctx, r, b, record);
	} else {
		replace_lost(ctx, c, record);
		b = append_binding(ctx, record);
	}
	if (b == NULL)
		return false;
	aor_unbury(record, &key, r->id.call_id);
	if (is_new)
		b->bound = ctx->stamp.now;
	b->called = called;
	write_binding(ctx, r, c, b);
	return true;
}

static struct reg_decision denied(struct denial denial)
{
	return (struct reg_decision){.denial = denial, .outcome = denial.outcome};
}

static struct reg_decision decide_star(const struct reg_context *ctx,
                                       const struct register_request *r, struct aor_record *record)
{
	bool old = is_under_floor(record, r);

	for (size_t i = 0; i < record->n_bindings; i++)
		old = old || is_old(r, record->bindings[i].call_id, record->bindings[i].cseq);
	if (old)
		return denied(deny(400, SERVED_BAD, "Rejected Old CSeq"));

	for (size_t i = 0; i < record->n_bindings; i++) {
		const struct binding *b = &record->bindings[i];
		struct contact_key key = binding_key(b);

		if (slice_eq(b->call_id, r->id.call_id))
			bury_requested(ctx, r, &key, record);
		bury_replaced(ctx, r, b, record);
	}
	record->n_bindings = 0;
	record->floor = (struct floor){
		.set = true,
		.stamped = ctx->stamp.now,
		.call_id = r->id.call_id,
		.cseq = r->cseq,
		.branch = r->id.branch,
		.unknown = record->floor.set ? record->floor.unknown
	                                     : (struct unknown_fields){0, NULL},
	};
	return (struct reg_decision){.outcome = SERVED_REMOVED, .changed = true};
}

/* Does a later contact of the request name the same binding? Then that one decides. */
static bool named_again(const struct register_request *r, size_t at)
{
	struct contact_key key = key_of(&r->contacts[at]);

	for (size_t i = at + 1; i < r->n_contacts; i++) {
		struct contact_key later = key_of(&r->contacts[i]);
		if (contact_key_eq(&key, &later))
			return true;
	}
	return false;
}

/* The one refreshed longest ago that the request does not name; NULL: none. */
static struct binding *oldest_unnamed(struct pairtime end, uint64_t named,
                                      struct aor_record *record)
{
	struct binding *oldest = NULL;

	for (size_t i = 0; i < record->n_bindings; i++) {
		struct binding *b = &record->bindings[i];
		if ((named >> i & 1) == 0 && binding_is_live(b, end) &&
		    (oldest == NULL || b->stamped.ms < oldest->stamped.ms))
			oldest = b;
	}
	return oldest;
}

/* How many there will be, and which of those there are the request names: a bit each. */
struct outlook {
	int64_t wanted;
	uint64_t named;
};

static struct outlook look_ahead(const struct reg_context *ctx, const struct register_request *r,
                                 struct aor_record *record)
{
	struct pairtime end = grace_from(ctx);
	struct outlook o = {(int64_t)aor_count_live(record, end), 0};

	for (size_t i = 0; i < r->n_contacts; i++) {
		struct contact_key key = key_of(&r->contacts[i]);
		const struct binding *b = aor_find(record, &key);
		bool listed = b != NULL && binding_is_live(b, end);
		if (b != NULL)
			o.named |= UINT64_C(1) << (b - record->bindings);
		if (!named_again(r, i))
			o.wanted += (asked_s(ctx, r, &r->contacts[i]) > 0) - listed;
	}
	return o;
}

/* Before anything is added: the bindings refreshed longest ago give way to what is new. */
static void make_way(const struct reg_context *ctx, const struct register_request *r,
                     struct aor_record *record)
{
	for (size_t i = 0; i < r->n_contacts; i++) {
		struct contact_key key = key_of(&r->contacts[i]);
		if (asked_s(ctx, r, &r->contacts[i]) > 0 && aor_find(record, &key) == NULL)
			replace_lost(ctx, &r->contacts[i], record);
	}
	struct outlook o = look_ahead(ctx, r, record);

	for (; o.wanted > ctx->policy->max_contacts; o.wanted--) {
		struct binding *b = oldest_unnamed(grace_from(ctx), o.named, record);
		if (b == NULL)
			return;
		uint64_t below = (UINT64_C(1) << (b - record->bindings)) - 1;
		o.named = (o.named & below) | (o.named >> 1 & ~below); /* who follows moves up */
		struct tombstone t = tombstone_of(b, CAUSE_REPLACED, &ctx->stamp);
		aor_bury(record, &t);
		aor_take_out(record, b);
	}
}

static struct reg_decision apply_contacts(const struct reg_context *ctx,
                                          const struct register_request *r,
                                          struct aor_record *record)
{
	static const char too_many[] = "Too Many Contacts";
	bool added = false, granted_any = false;

	if (ctx->policy->extra_contact == EXTRA_REPLACES_OLDEST)
		make_way(ctx, r, record);
	for (size_t i = 0; i < r->n_contacts; i++) {
		const struct sip_contact *c = &r->contacts[i];
		struct contact_key key = key_of(c);

		if (asked_s(ctx, r, c) == 0) {
			remove_contact(ctx, r, &key, record);
			continue;
		}
		granted_any = true;
		if (!grant_contact(ctx, r, c, record, &added))
			return denied(deny(403, SERVED_FORBIDDEN, too_many));
	}
	if (added && aor_count_live(record, grace_from(ctx)) > ctx->policy->max_contacts)
		return denied(deny(403, SERVED_FORBIDDEN, too_many));
	return (struct reg_decision){
		.outcome = granted_any ? SERVED_REGISTERED : SERVED_REMOVED,
		.changed = true,
	};
}

struct reg_decision reg_decide(const struct reg_context *ctx, const struct register_request *r,
                               struct aor_record *record)
{
	assert(!r->star || r->n_contacts == 0);
	if (!r->star && r->n_contacts == 0)
		return (struct reg_decision){.outcome = SERVED_FETCHED};
	if (is_merged(record, r))
		return denied(deny(482, SERVED_BAD, "Merged Request"));
	if (r->star)
		return decide_star(ctx, r, record);
	for (size_t i = 0; i < r->n_contacts; i++) {
		struct denial denial = check_contact(ctx, r, &r->contacts[i], record);
		if (denial.status != 0)
			return denied(denial);
	}
	return apply_contacts(ctx, r, record);
}
