/* What a merge may make of the two sides of a fork: a second opinion. */
#include <stdlib.h>

#include "tests/sim/check.h"

/* Between two hosts, stamps tell an order only beyond what a hello may be late. */
enum { SLACK_MS = 2500, SHIFT_SLACK_MS = 2500 };

/* The entries whose changes a record holds: bits of the sides, by entry. */
enum side { OURS = 1, THEIRS = 2 };
struct known {
	const struct world *w;
	uint8_t *sides;
	uint32_t *stack;
	size_t n;
};

static void push(struct known *k, uint32_t entry, uint8_t side)
{
	if (entry == 0 || (k->sides[entry] & side) != 0)
		return;
	k->sides[entry] |= side;
	k->stack[k->n++] = entry;
}

/* All that led to this version of the record. */
static void know(struct known *k, int aor, uint32_t entry, uint8_t side)
{
	const struct world *w = k->w;

	push(k, entry, side);
	for (size_t i = 0; i < w->n_taken_in; i++)
		if (w->taken_in[i].ours == 0 && w->taken_in[i].aor == aor)
			push(k, w->taken_in[i].theirs, side);
	while (k->n > 0) {
		uint32_t at = k->stack[--k->n];
		push(k, w->history.entries[at].before, side);
		push(k, w->history.entries[at].theirs, side);
		for (size_t i = 0; i < w->n_taken_in; i++)
			if (w->taken_in[i].ours == at)
				push(k, w->taken_in[i].theirs, side);
	}
}

static struct known known_begin(const struct world *w)
{
	struct known k = {.w = w};

	k.sides = take_memory(w->history.n);
	k.stack = take_memory(w->history.n * sizeof *k.stack);
	memset(k.sides, 0, w->history.n);
	return k;
}

static void known_end(struct known *k)
{
	free(k->sides);
	free(k->stack);
}

/* The entry by which the op is in one of the sides; 0: it is in none. */
static uint32_t known_by(const struct known *k, const struct op *op)
{
	for (size_t i = 0; i < op->n_entries; i++)
		if (k->sides[op->entries[i]] != 0)
			return op->entries[i];
	return 0;
}

struct merging {
	const struct host *h;
	struct known known;
	const struct history_entry *was, *theirs, *is;
	int64_t now_ms;   /* pair time */
	int64_t shift_ms; /* our pair time less theirs of their fork */
};

static const struct history_entry *entry_of(const struct merging *m, uint32_t at)
{
	return &m->known.w->history.entries[at];
}

static bool near(int64_t a, int64_t b, int64_t slack)
{
	return a <= b + slack && b <= a + slack;
}

static bool is_of(const struct held *a, const struct held *b)
{
	return a->client == b->client && a->contact == b->contact;
}

/* Was it written under a reign that only their side of the fork had? */
static bool is_of_fork(const struct merging *m, const struct held *b)
{
	const struct world *w = m->known.w;
	const struct host *h = m->h, *peer = &w->hosts[1 - h->index];

	if (!chain_has(&peer->chain, &w->history, b->written))
		return false;
	for (uint64_t seq = h->chain.n; seq > 0; seq--)
		if (entry_of(m, h->chain.at[seq])->reign == entry_of(m, b->written)->reign)
			return false;
	return true;
}

/* What their clock said as the process started is nothing to what was stamped before. */
static int64_t shift_of(const struct merging *m, const struct held *b)
{
	const struct host *peer = &m->known.w->hosts[1 - m->h->index];

	return b->written < peer->born ? 0 : m->shift_ms;
}

static const struct held *find_same(const struct merging *m, const struct history_entry *in,
                                    const struct held *b)
{
	bool shifted = in == m->theirs;

	for (size_t i = 0; i < in->n_held; i++) {
		const struct held *x = &in->held[i];
		bool moved = shifted &&
		             near(x->expires + shift_of(m, x), b->expires, SHIFT_SLACK_MS);
		if (is_of(x, b) && x->call == b->call && x->cseq == b->cseq &&
		    (moved || (x->expires == b->expires && !(shifted && is_of_fork(m, x)))))
			return x;
	}
	return NULL;
}

static bool removes(const struct op *op, const struct history_entry *e, const struct held *b)
{
	if (op->aor != e->aor)
		return false;
	if (op->kind == OP_STAR || op->kind == OP_OPERATOR)
		return true;
	return op->kind == OP_REMOVE && op->client == b->client &&
	       (op->contacts >> b->contact & 1) != 0;
}

static int64_t clock_of(const struct history_entry *e)
{
	return e->pair.ms - e->at;
}

/* Do the stamps of both tell what happened when? Not where a clock was wrong in between. */
static bool stamps_tell(const struct merging *m, uint32_t a, uint32_t b)
{
	enum { STEP_MS = 1000 };

	return near(m->shift_ms, 0, STEP_MS) &&
	       near(clock_of(entry_of(m, a)), clock_of(entry_of(m, b)), STEP_MS);
}

/* Who wins is sure, or might be. */
enum certainty { SURELY, PERHAPS };

static bool is_later_by(const struct merging *m, const struct op *op, uint32_t by,
                        const struct held *b, enum certainty how)
{
	bool same_call = op->client == b->client && op->call == b->call;
	int64_t at = entry_of(m, by)->at, wrote = entry_of(m, b->written)->at;
	bool tell = stamps_tell(m, by, b->written);
	/* A record has one floor: of two removals of all, that of another Call-ID counts by time. */
	bool by_cseq = op->kind != OP_STAR || tell || how == PERHAPS;

	if (same_call && op->kind != OP_OPERATOR && by_cseq)
		return op->cseq > b->cseq;
	return how == SURELY ? tell && at > wrote + SLACK_MS : !tell || at + SLACK_MS > wrote;
}

/* One that was sent again may have been carried out on both sides: surely later, if it was each time;
 * perhaps, if it was once. */
static bool is_later(const struct merging *m, const struct op *op, const struct held *b,
                     enum certainty how)
{
	size_t times = 0, later = 0;

	for (size_t i = 0; i < op->n_entries; i++) {
		uint32_t by = op->entries[i];
		bool known = m->known.sides[by] != 0;
		times += known;
		later += known && is_later_by(m, op, by, b, how);
	}
	return later > 0 && (how == PERHAPS || later == times);
}

static bool is_ended(const struct merging *m, const struct held *b, enum certainty how)
{
	const struct world *w = m->known.w;

	for (size_t i = 0; i < w->n_ops; i++)
		if (removes(&w->ops[i], m->is, b) && is_later(m, &w->ops[i], b, how))
			return true;
	return false;
}

/* The phone itself has asked for something newer since. */
static bool is_outdated(const struct merging *m, const struct held *b, enum certainty how)
{
	const struct world *w = m->known.w;

	for (size_t i = 0; i < w->n_ops; i++) {
		const struct op *op = &w->ops[i];
		bool about = op->kind == OP_REGISTER && op->client == b->client &&
		             (op->contacts >> b->contact & 1) != 0;
		bool later = op->call == b->call ? op->cseq > b->cseq
		                                 : op->call > b->call && how == PERHAPS;
		uint32_t by = about && later ? known_by(&m->known, op) : 0;
		/* Tombstones are few: where one gave way, the stamps decide. */
		if (by != 0 && (how == PERHAPS || stamps_tell(m, by, b->written)))
			return true;
	}
	return false;
}

static bool is_replaced(const struct merging *m, const struct held *b)
{
	for (size_t i = 0; i < m->is->n_held; i++) {
		const struct held *x = &m->is->held[i];
		bool tell = stamps_tell(m, x->written, b->written);
		if (!is_of(x, b))
			continue;
		if (x->call == b->call)
			return x->cseq >= b->cseq;
		return !tell ||
		       entry_of(m, x->written)->at + SLACK_MS > entry_of(m, b->written)->at;
	}
	return false;
}

static const char *judge_missing(const struct merging *m, const struct history_entry *from)
{
	for (size_t i = 0; i < from->n_held; i++) {
		const struct held *b = &from->held[i];
		int64_t expires = b->expires + (from == m->theirs ? shift_of(m, b) : 0);
		bool ended = expires <= m->now_ms + SHIFT_SLACK_MS || b->expires <= m->now_ms;
		if (ended || find_same(m, m->is, b) != NULL || is_replaced(m, b) ||
		    is_outdated(m, b, PERHAPS) || is_ended(m, b, PERHAPS))
			continue;
		return from == m->was ? "the merge lost a binding of ours"
		                      : "the merge lost a binding of theirs";
	}
	return NULL;
}

static bool is_twice(const struct history_entry *e, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (is_of(&e->held[i], &e->held[at]))
			return true;
	return false;
}

static const char *judge_present(const struct merging *m, struct history_entry *is)
{
	for (size_t i = 0; i < is->n_held; i++) {
		struct held *b = &is->held[i];
		const struct held *from = find_same(m, m->was, b);
		if (from == NULL)
			from = find_same(m, m->theirs, b);
		if (from == NULL)
			return "a binding that neither side has";
		b->written = from->written;
		if (is_twice(is, i))
			return "one contact twice";
		bool is_live = b->expires > m->now_ms;
		if (is_live && is_ended(m, b, SURELY))
			return "a removal was lost";
		if (is_live && is_outdated(m, b, SURELY))
			return "an older CSeq won";
	}
	return NULL;
}

static struct merging begin(struct world *w, const struct host *h, int aor, uint32_t ours,
                            uint32_t theirs)
{
	const struct host *peer = &w->hosts[1 - h->index];
	int64_t now_ms = node_pair_now(h->node, host_now(w, h)).ms;
	struct merging m = {
		.h = h,
		.known = known_begin(w),
		.was = &w->history.entries[ours],
		.theirs = &w->history.entries[theirs],
		.now_ms = now_ms,
		.shift_ms = now_ms - w->now - peer->fork_offset_ms,
	};

	know(&m.known, aor, ours, OURS);
	know(&m.known, aor, theirs, THEIRS);
	return m;
}

static const char *judge(const struct merging *m, struct history_entry *is)
{
	const char *wrong = judge_present(m, is);

	if (wrong == NULL)
		wrong = judge_missing(m, m->was);
	return wrong != NULL ? wrong : judge_missing(m, m->theirs);
}

const char *merge_judge(struct world *w, const struct host *h, uint32_t entry)
{
	struct history_entry *e = &w->history.entries[entry];

	e->theirs = w->handed_in[e->aor];
	struct merging m = begin(w, h, e->aor, e->before, e->theirs);
	m.is = e;
	const char *wrong = judge(&m, e);
	known_end(&m.known);
	return wrong;
}

static void take_in(struct world *w, struct taken_in what)
{
	if (w->n_taken_in == w->taken_in_room) {
		w->taken_in_room = w->taken_in_room == 0 ? 16 : 2 * w->taken_in_room;
		w->taken_in = more_memory(w->taken_in, w->taken_in_room * sizeof *w->taken_in);
	}
	w->taken_in[w->n_taken_in++] = what;
}

static void check_taken_in(struct world *w, const struct host *h, int aor)
{
	struct taken_in t = {aor, h->chain.aor[aor], w->handed_in[aor]};
	struct merging m = begin(w, h, aor, t.ours, t.theirs);
	bool known = t.theirs == 0 || (m.known.sides[t.theirs] & OURS) != 0;

	m.is = m.was;
	const char *wrong = known ? NULL : judge_missing(&m, m.theirs);
	known_end(&m.known);
	if (wrong != NULL)
		world_fail(w, "%c has merged and left user%d as it was: %s", host_name(h), aor,
		           wrong);
	if (!known)
		take_in(w, t);
}

void merge_check_end(struct world *w, const struct host *h)
{
	w->stat[STAT_MERGES]++;
	for (int aor = 0; aor < w->n_aors && !w->failed; aor++)
		check_taken_in(w, h, aor);
	watch_check_merged(w, h);
	nap_check_merged(w, h);
}

static bool reflects(const struct world *w, uint32_t entry, const struct op *op)
{
	struct known k = known_begin(w);

	know(&k, op->aor, entry, OURS);
	bool reflected = known_by(&k, op) != 0;
	known_end(&k);
	return reflected;
}

bool merge_reflects(const struct world *w, const struct host *h, const struct op *op)
{
	return reflects(w, h->chain.aor[op->aor], op);
}

bool merge_reflects_on_disk(const struct world *w, const struct host *h, const struct op *op)
{
	uint32_t at = h->chain.aor[op->aor];

	while (at != 0 && w->history.entries[at].seq > h->disk.durable)
		at = w->history.entries[at].before;
	return reflects(w, at, op);
}
