/* What the answers alone imply: a history checker that knows nothing of logs and entries.
 *
 * A request that was answered 200 has happened between its sending and its answer. One without an answer is
 * open: it has happened, wholly, at any time since, or never will. Every contact of every phone must at
 * the end be what some order of these leaves behind. */
#include "tests/sim/check.h"

enum { SLACK_MS = 3000 };

/* A contact of a phone, and who speaks of it. */
struct matter {
	const struct world *w;
	const struct client *c;
	unsigned bit;
};

static bool is_about(const struct matter *m, const struct op *op)
{
	if (op->aor != m->c->aor || op->kind == OP_FETCH)
		return false;
	if (op->kind == OP_STAR || op->kind == OP_OPERATOR)
		return true;
	return op->client == m->c->index && (op->contacts & m->bit) != 0;
}

static bool is_sure(const struct world *w, const struct op *op)
{
	return op->state == OP_GRANTED && !check_is_excused(w, op);
}

/* Of one sent datagram the refusal is the last word; a second may still be carried out. */
static bool never_happened(const struct op *op)
{
	return op->state == OP_REFUSED && op->copies < 2;
}

/* Has `later` surely happened behind `op`? By CSeq under one Call-ID, else by time: where there were two
 * histories, stamps decided, and they may tell another order. */
static bool is_behind(const struct world *w, const struct op *later, const struct op *op)
{
	bool one_call = later->client >= 0 && later->client == op->client &&
	                later->call == op->call;
	bool one_history = w->stat[STAT_FORKS] == 0;

	if (one_call && (one_history || later->kind != OP_STAR))
		return later->cseq > op->cseq;
	return one_history && op->state == OP_GRANTED && later->start > op->done;
}

static bool is_overridden(const struct matter *m, const struct op *op)
{
	const struct world *w = m->w;

	for (size_t i = 0; i < w->n_ops; i++)
		if (is_about(m, &w->ops[i]) && is_sure(w, &w->ops[i]) &&
		    is_behind(w, &w->ops[i], op))
			return true;
	return false;
}

/* What the contact may be. */
struct implied {
	bool present, absent;
};

static void add_registration(const struct world *w, const struct op *op, struct implied *to)
{
	int64_t lifetime_ms = (int64_t)op->expires_s * 1000;
	int64_t least_ms = w->jitter == JITTER_OFF ? lifetime_ms : lifetime_ms / 10 * 9;
	bool timed = op->state == OP_GRANTED && !w->clock_guessed;

	if (!timed || w->now < op->done + lifetime_ms + SLACK_MS)
		to->present = true;
	if (!timed || w->now > op->start + least_ms - SLACK_MS)
		to->absent = true;
}

static struct implied imply(const struct matter *m)
{
	const struct world *w = m->w;
	struct implied to = {.present = false};
	bool sure = false;

	for (size_t i = 0; i < w->n_ops; i++) {
		const struct op *op = &w->ops[i];
		if (!is_about(m, op) || never_happened(op) || is_overridden(m, op))
			continue;
		sure = sure || is_sure(w, op);
		if (op->kind == OP_REGISTER)
			add_registration(w, op, &to);
		else
			to.absent = true;
	}
	to.absent = to.absent || !sure;
	return to;
}

static bool is_held(const struct world *w, const struct host *h, const struct matter *m)
{
	const struct history_entry *e = &w->history.entries[h->chain.aor[m->c->aor]];
	int64_t now_ms = node_pair_now(h->node, host_now(w, h)).ms;

	for (size_t i = 0; i < e->n_held; i++)
		if (e->held[i].client == m->c->index && e->held[i].expires > now_ms &&
		    1U << e->held[i].contact == m->bit)
			return true;
	return false;
}

static void check_contact(struct world *w, const struct host *h, const struct matter *m)
{
	struct implied may_be = imply(m);
	bool held = is_held(w, h, m);

	if (held ? may_be.present : may_be.absent)
		return;
	world_fail(w, "%c %s the contact of bit %u of client %d, against all it was answered",
	           host_name(h), held ? "holds" : "lacks", m->bit, m->c->index);
}

/* Those that are open: how many, and how many of them have happened. */
static void count_open(struct world *w, const struct host *h)
{
	for (size_t i = 0; i < w->n_ops; i++) {
		const struct op *op = &w->ops[i];
		if (op->client < 0 || op->kind == OP_FETCH || op->state == OP_GRANTED ||
		    op->state == OP_REFUSED)
			continue;
		w->stat[STAT_OPEN]++;
		w->stat[STAT_OPEN_HAPPENED] += check_has(w, h, op);
	}
}

void check_implied(struct world *w, const struct host *h)
{
	for (int i = 0; i < w->n_clients; i++)
		for (int contact = 0; contact < CONTACTS_MAX && !w->failed; contact++) {
			struct matter m = {w, &w->clients[i], 1U << contact};
			check_contact(w, h, &m);
		}
	count_open(w, h);
}
