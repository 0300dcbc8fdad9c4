/* What a REGISTER, an expiry and an operator's removal may do to an AOR: a second opinion. */
#include "tests/sim/check.h"
#include "tests/sim/message.h"

int model_aor(struct slice key)
{
	char text[64];
	const char *at = text;

	(void)snprintf(text, sizeof text, SLICE_FMT, SLICE_ARG(slice_head(key, 60)));
	return (int)message_number(&at, "sip:user");
}

static bool read_binding(const struct binding *b, struct held *to)
{
	char uri[128], call[64];
	const char *contact = uri, *id = call;

	(void)snprintf(uri, sizeof uri, SLICE_FMT, SLICE_ARG(slice_head(b->uri, 120)));
	(void)snprintf(call, sizeof call, SLICE_FMT, SLICE_ARG(slice_head(b->call_id, 60)));
	to->cseq = b->cseq;
	to->expires = b->expires.ms;
	to->client = (int)message_number(&contact, "sip:c");
	to->contact = (int)message_number(&contact, "-");
	long client = message_number(&id, "k");
	to->call = (unsigned)message_number(&id, "-");
	return to->contact >= 0 && client >= 0 && client == to->client;
}

bool model_read(struct world *w, struct slice value, struct history_entry *to)
{
	struct arena arena = world_scratch(w);
	struct aor_record *r = arena_take(&arena, sizeof *r);

	to->n_held = 0;
	if (value.n == 0)
		return true;
	if (aor_decode(value, &arena, r) != OK || r->n_bindings > HELD_MAX)
		return false;
	for (size_t i = 0; i < r->n_bindings; i++)
		if (!read_binding(&r->bindings[i], &to->held[to->n_held++]))
			return false;
	return true;
}

static const struct held *find(const struct history_entry *e, const struct held *like)
{
	for (size_t i = 0; i < e->n_held; i++)
		if (e->held[i].client == like->client && e->held[i].contact == like->contact)
			return &e->held[i];
	return NULL;
}

static bool same(const struct held *a, const struct held *b)
{
	return a->call == b->call && a->cseq == b->cseq && a->expires == b->expires;
}

static void note_written(struct history_entry *is, const struct history_entry *was, uint32_t entry)
{
	for (size_t i = 0; i < is->n_held; i++) {
		const struct held *before = find(was, &is->held[i]);
		bool stays = before != NULL && same(before, &is->held[i]);
		is->held[i].written = stays ? before->written : entry;
	}
}

/* One change under the eye: what was there, what is there now, who asked. */
struct change {
	const struct history_entry *was, *is;
	const struct op *op; /* NULL: nobody asked */
};

/* Has this history something newer of the same phone for this contact? */
static bool is_outdated(const struct world *w, const struct host *h, const struct op *op,
                        int contact)
{
	for (const struct op *o = op + 1; o < w->ops + w->n_ops; o++) {
		bool about = o->client == op->client && (o->contacts >> contact & 1) != 0;
		for (size_t i = 0; about && i < o->n_entries; i++)
			if (chain_has(&h->chain, &w->history, o->entries[i]))
				return true;
	}
	return false;
}

/* What was asked for, or, where that is how it is to be, up to a tenth less. */
static bool is_lifetime(const struct world *w, const struct op *op, int64_t granted_ms)
{
	int64_t less_s = w->jitter == JITTER_OFF ? 0 : op->expires_s / 10;

	return granted_ms % 1000 == 0 && granted_ms <= op->expires_s * INT64_C(1000) &&
	       granted_ms >= (op->expires_s - less_s) * INT64_C(1000);
}

static const char *judge_new(const struct world *w, const struct host *h, const struct change *c,
                             const struct held *b)
{
	const struct op *op = c->op;

	if (op == NULL || c->is->kind != ENTRY_REQUEST)
		return "a binding nobody asked for";
	if (op->kind != OP_REGISTER || b->client != op->client || b->call != op->call ||
	    b->cseq != op->cseq || (op->contacts >> b->contact & 1) == 0)
		return "a binding other than asked for";
	if (!is_lifetime(w, op, b->expires - c->is->pair.ms))
		return "a lifetime other than asked for";
	return is_outdated(w, h, op, b->contact) ? "an older CSeq won" : NULL;
}

static const char *judge_gone(const struct world *w, const struct host *h, const struct change *c,
                              const struct held *b)
{
	const struct op *op = c->op;

	if (b->expires <= c->is->pair.ms)
		return NULL;
	if (op == NULL)
		return "a binding ended early";
	if (op->kind == OP_STAR || op->kind == OP_OPERATOR)
		return NULL;
	if (op->kind != OP_REMOVE || b->client != op->client ||
	    (op->contacts >> b->contact & 1) == 0)
		return "a binding removed that nobody wanted removed";
	return is_outdated(w, h, op, b->contact) ? "an older removal won" : NULL;
}

/* All it asked for, or nothing: RFC 3261 10.3, step 7. */
static const char *judge_whole(const struct change *c)
{
	const struct op *op = c->op;

	for (int i = 0; i < CONTACTS_MAX; i++) {
		struct held like = {.client = op->client, .contact = i};
		const struct held *b = find(c->is, &like);
		bool asked = (op->contacts >> i & 1) != 0;
		if (asked && op->kind == OP_REGISTER &&
		    (b == NULL || b->call != op->call || b->cseq != op->cseq))
			return "a REGISTER carried out in part";
		if (asked && op->kind == OP_REMOVE && b != NULL)
			return "a removal carried out in part";
	}
	return NULL;
}

static const char *judge(const struct world *w, const struct host *h, const struct change *c)
{
	const char *wrong = c->op != NULL ? judge_whole(c) : NULL;

	for (size_t i = 0; i < c->is->n_held && wrong == NULL; i++) {
		const struct held *b = &c->is->held[i];
		const struct held *before = find(c->was, b);
		if (before == NULL || !same(before, b))
			wrong = judge_new(w, h, c, b);
		else if (c->op != NULL && (c->op->kind == OP_STAR || c->op->kind == OP_OPERATOR))
			wrong = "a binding outlives the removal of all";
	}
	for (size_t i = 0; i < c->was->n_held && wrong == NULL; i++)
		if (find(c->is, &c->was->held[i]) == NULL)
			wrong = judge_gone(w, h, c, &c->was->held[i]);
	return wrong;
}

static const char *judge_change(const struct world *w, const struct host *h, uint32_t entry)
{
	struct history_entry *e = &w->history.entries[entry];
	bool asked = e->kind == ENTRY_REQUEST || e->kind == ENTRY_OPERATOR;
	struct change c = {
		.was = &w->history.entries[e->before],
		.is = e,
		.op = asked && w->serving >= 0 ? &w->ops[w->serving] : NULL,
	};

	if (asked && (c.op == NULL || c.op->aor != e->aor))
		return "an entry nobody asked for";
	note_written(e, c.was, entry);
	return judge(w, h, &c);
}

void model_check(struct world *w, const struct host *h, uint32_t entry)
{
	const struct history_entry *e = &w->history.entries[entry];
	const char *wrong = e->kind == ENTRY_MERGE ? merge_judge(w, h, entry)
	                                           : judge_change(w, h, entry);

	if (wrong != NULL)
		world_fail(w, "%c logs %llu of kind %s for user%d: %s", host_name(h),
		           (unsigned long long)e->seq, entry_kind_name(e->kind), e->aor, wrong);
}
