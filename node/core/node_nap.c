#include "node/core/node_nap.h"

#include <stdio.h>

#include "node/core/nap_desk.h"

enum { MERGE_WAIT_MS = 10000, NAP_PACE_DEFAULT = 100, BURST = 10 };

uint64_t nap_random(struct node *n)
{
	uint64_t x = n->random + ++n->naps.numbers * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

void nap_wake(struct node *n, struct mtime due)
{
	n->naps.due = mtime_min(n->naps.due, due);
}

struct mtime nap_mtime(const struct node *n, struct pairtime t)
{
	if (t.ms == PAIRTIME_NEVER.ms)
		return MTIME_NEVER;
	return mtime_add_ms(n->now, t.ms - pair_now(n).ms);
}

bool nap_wanted(const struct nap *p)
{
	const struct nap_options *o = nap_options(p);

	return o->registers && o->proxy.n > 0 && !p->leaving && !p->told_off && p->next == NULL;
}

static struct mtime due_by_record(const struct node *n, const struct nap *p)
{
	bool in_flight = p->phase == NAP_REGISTERING || p->phase == NAP_UNREGISTERING;
	bool unlike = nap_wanted(p) != (p->phase != NAP_IDLE);

	if (in_flight || unlike || p->leaving)
		return n->now;
	return p->phase == NAP_IDLE ? MTIME_NEVER : nap_mtime(n, p->record_due);
}

void nap_look(struct node *n, struct nap *p)
{
	if (p->aiming || p->attempt.on_its_way)
		return; /* what comes of that looks */
	p->due = p->soon ? n->now : due_by_record(n, p);
	nap_wake(n, mtime_min(p->due, nap_reg_due(n, p)));
}

void nap_begin(struct node *n, struct nap *p)
{
	nap_hang_up(n, p);
	p->attempt = (struct nap_attempt){0};
	p->aiming = p->for_register = p->for_poll = p->for_reg = false;
	nap_reg_end(n, p);
	p->targets = (struct targets){0};
	p->n_redirect = 0;
	nap_note(n, p);
	p->told_registered = p->until.ms > pair_now(n).ms;
	p->due = MTIME_NEVER;
	if (!n->naps.running)
		return;
	node_request_drop(n, OWNER_NAP_REGISTER, p->number);
	node_request_drop(n, OWNER_NAP_POLL, p->number);
	nap_fit(n, p);
	p->due = due_by_record(n, p);
	nap_poll_act(n, p, (struct nap_poll_input){.event = POLL_BEGIN, .now = n->now});
	nap_wake(n, n->now);
}

/* The journal is short, and NAPs are many: a crowd is told to the log. */
static bool may_be_kept(struct node *n)
{
	enum { MOST = 60, IN_MS = 600 * 1000 };
	struct nap_watch *w = &n->naps;

	if (mtime_reached(w->kept_until, n->now)) {
		w->kept_until = mtime_add_ms(n->now, IN_MS);
		w->kept = 0;
	}
	return w->kept++ < MOST;
}

void nap_tell(struct node *n, struct nap *p)
{
	bool is = p->until.ms > pair_now(n).ms;
	char what[NAP_NAME_MAX + 8], why[NAP_SHOWN_MAX + 8];

	if (is == p->told_registered)
		return;
	const char *to = p->phase == NAP_IDLE ? "unregistered" : "lost";
	p->told_registered = is;
	(void)snprintf(what, sizeof what, "nap " SLICE_FMT, SLICE_ARG(nap_options(p)->name));
	(void)snprintf(why, sizeof why, SLICE_FMT, (int)p->why.n, (const char *)p->why.text);
	struct note note = {what, is ? to : "registered", is ? "registered" : to, why};
	if (may_be_kept(n))
		node_note(n, is ? WEIGHT_NOTICE : WEIGHT_WARN, &note);
	else
		node_say(n, is ? WEIGHT_NOTICE : WEIGHT_WARN, "%s=%s->%s why=\"%s\"", what,
		         note.from, note.to, why);
}

/* --- pace --- */

static struct mtime pace_next(const struct node *n, const struct nap_pace *p)
{
	int64_t rate = n->options.nap_pace > 0 ? n->options.nap_pace : NAP_PACE_DEFAULT;
	int64_t lacks = 1000 - p->credit;

	return lacks <= 0 ? n->now : mtime_add_ms(n->now, (lacks + rate - 1) / rate);
}

static void pace_earn(const struct node *n, struct nap_pace *p)
{
	int64_t rate = n->options.nap_pace > 0 ? n->options.nap_pace : NAP_PACE_DEFAULT;
	int64_t most = rate * 1000 / BURST > 1000 ? rate * 1000 / BURST : 1000;
	int64_t passed = n->now.ms - p->at.ms;

	p->at = n->now;
	if (passed > most)
		passed = most;
	p->credit += passed * rate;
	if (p->credit > most)
		p->credit = most;
}

static bool pace_takes(struct nap_pace *p)
{
	if (p->credit < 1000)
		return false;
	p->credit -= 1000;
	return true;
}

/* --- turns --- */

static bool has_room(struct node *n)
{
	return node_has_room(n) && n->arena.room - n->arena.n >= NAP_SCRATCH;
}

/* Two sides of a fork may both have registered: what came of that is in the merge. */
static bool waits_for_merge(struct node *n)
{
	struct nap_watch *w = &n->naps;
	bool forked = n->link.greeted && n->link.standing == STANDING_FORKED;

	if (!forked)
		w->merges = n->merges;
	bool merging = n->fork.merging || (forked && w->merges == n->merges);
	if (merging && !w->merging)
		w->merge_until = mtime_add_ms(n->now, MERGE_WAIT_MS);
	else if (!merging && w->merging)
		w->due = n->now;
	w->merging = merging;
	return merging && !mtime_reached(w->merge_until, n->now);
}

static void stop(struct node *n)
{
	struct nap_watch *w = &n->naps;

	w->running = false;
	for (size_t i = 0; i < w->n; i++) {
		struct nap *p = w->at[i];
		nap_hang_up(n, p);
		p->aiming = false;
		p->due = MTIME_NEVER;
		p->poll = (struct nap_poll){0};
		nap_reg_end(n, p);
		p->attempt = (struct nap_attempt){0};
	}
}

static void start(struct node *n)
{
	struct nap_watch *w = &n->naps;

	w->running = true;
	w->due = n->now;
	w->registers = w->polls = (struct nap_pace){.credit = 1000, .at = n->now};
	for (size_t i = 0; i < w->n; i++)
		nap_begin(n, w->at[i]);
	nap_orphans(n);
}

static void register_one(struct node *n, struct nap *p)
{
	struct nap_input in = {.event = NAP_LOOK};

	/* A node that was behind may not know what was bound since: it takes nothing away for a while. */
	if (p->leaving && n->reign.behind && !mtime_reached(n->expiry_held_until, n->now))
		p->due = n->expiry_held_until;
	else if (pace_takes(&n->naps.registers))
		nap_act(n, p, &in);
}

static void poll_one(struct node *n, struct nap *p)
{
	if (!pace_takes(&n->naps.polls))
		return;
	p->for_poll = true;
	nap_aimed(n, p, nap_aim(n, p), false, nap_aim_why(p));
}

static void subscribe_one(struct node *n, struct nap *p)
{
	if (!pace_takes(&n->naps.polls))
		return;
	p->for_reg = true;
	nap_aimed(n, p, nap_aim(n, p), false, nap_aim_why(p));
}

/* When this one wants to be looked at again; as soon as its turn comes where it is due. */
static struct mtime wakes_at(const struct node *n, const struct nap *p)
{
	const struct nap_watch *w = &n->naps;
	struct mtime poll = p->for_poll ? MTIME_NEVER : nap_poll_due(&p->poll);
	struct mtime reg = nap_reg_due(n, p);
	struct mtime due = p->aiming ? p->aim_until : p->due;
	struct mtime lapses = p->told_registered ? nap_mtime(n, p->until) : MTIME_NEVER;

	if (mtime_reached(due, n->now))
		due = pace_next(n, &w->registers);
	if (mtime_reached(poll, n->now))
		poll = pace_next(n, &w->polls);
	if (mtime_reached(reg, n->now))
		reg = pace_next(n, &w->polls);
	due = mtime_min(mtime_min(due, poll), reg);
	return mtime_min(due, mtime_min(lapses, nap_ping_due(p)));
}

static void look_at(struct node *n, struct nap *p)
{
	nap_tell(n, p);
	nap_ping(n, p);
	if (p->aiming && mtime_reached(p->aim_until, n->now))
		nap_aim_overdue(n, p);
	if (!p->for_poll && mtime_reached(nap_poll_due(&p->poll), n->now))
		poll_one(n, p);
	nap_reg_look(n, p);
	if (mtime_reached(nap_reg_due(n, p), n->now))
		subscribe_one(n, p);
	if (!p->aiming && mtime_reached(p->due, n->now))
		register_one(n, p);
}

/* Not configured, and nothing is bound: it may go. */
static bool is_over(const struct nap *p)
{
	return p->leaving && p->phase == NAP_IDLE;
}

static void look_at_all(struct node *n)
{
	struct nap_watch *w = &n->naps;

	w->due = MTIME_NEVER;
	pace_earn(n, &w->registers);
	pace_earn(n, &w->polls);
	for (size_t i = w->n; i-- > 0;) {
		if (!has_room(n)) {
			w->due = mtime_add_ms(n->now, node_tick_ms(n));
			return;
		}
		look_at(n, w->at[i]);
		if (is_over(w->at[i])) {
			nap_erase(n, w->at[i]);
			nap_drop(n, w->at[i]);
		}
	}
	for (size_t i = 0; i < w->n; i++)
		nap_wake(n, wakes_at(n, w->at[i]));
}

void node_nap_turn(struct node *n)
{
	struct nap_watch *w = &n->naps;

	if (!node_active(n)) {
		if (w->running)
			stop(n);
		return;
	}
	if (n->doubt)
		return;
	if (!w->running)
		start(n);
	if (waits_for_merge(n)) {
		w->due = w->merge_until;
		return;
	}
	if (mtime_reached(w->due, n->now))
		look_at_all(n);
}

struct mtime node_nap_deadline(const struct node *n)
{
	return n->naps.running && node_active(n) && !n->doubt ? n->naps.due : MTIME_NEVER;
}
