/* Playing a scenario: its lines are events; what it expects is looked at until its time is over. */
#include "tests/sim/check.h"
#include "tests/sim/scenario.h"

enum { LOOK_MS = 10, BALLAST = 900, BEFORE_MS = 1000, RESYNC_RATE = 400 * 1000, TRIM_MS = 2000 };
enum { RESYNC_BEGINS, RESYNC_LATE };

/* --- what can be expected --- */

typedef bool holds_fn(const struct world *w);
struct expectation {
	const char *name;
	holds_fn *holds; /* NULL: the figure must have grown since the line */
	enum stat grows;
};

static bool one_active(const struct world *w)
{
	const struct host *h = check_active(w);

	return h != NULL && h->vrrp.address && node_serves(h->node);
}

static bool a_active(const struct world *w)
{
	return one_active(w) && w->hosts[0].role == ROLE_ACTIVE;
}

static bool b_active(const struct world *w)
{
	return one_active(w) && w->hosts[1].role == ROLE_ACTIVE;
}

static bool paired(const struct world *w)
{
	const struct host *h = check_active(w);

	return h != NULL && check_says_paired(w, h);
}

static bool exposed(const struct world *w)
{
	for (int i = 0; i < HOSTS; i++)
		if (w->hosts[i].role == ROLE_ACTIVE && check_says_paired(w, &w->hosts[i]))
			return false;
	return true;
}

static bool registered(const struct world *w)
{
	bool all = true;

	for (int i = 0; i < w->trunks.n; i++)
		all = all && provider_is_bound(w, i);
	return all;
}

static const struct expectation expectations[] = {
	{"registered", registered, STATS}, {"granted", NULL, STAT_NAP_GRANTED},
	{"one-active", one_active, STATS}, {"A-active", a_active, STATS},
	{"B-active", b_active, STATS},     {"paired", paired, STATS},
	{"exposed", exposed, STATS},       {"equal", check_is_equal, STATS},
	{"takeover", NULL, STAT_REIGNS},   {"snapshot", NULL, STAT_SNAPSHOTS},
	{"fork", NULL, STAT_FORKS},        {"merge", NULL, STAT_MERGES},
	{"answer", NULL, STAT_ANSWERED},   {"told", NULL, STAT_TOLD},
};

const struct expectation *expectation_named(struct slice name)
{
	for (size_t i = 0; i < ARRAY_LEN(expectations); i++)
		if (slice_eq(name, slice_str(expectations[i].name)))
			return &expectations[i];
	return NULL;
}

void expectation_names(struct buf *to)
{
	for (size_t i = 0; i < ARRAY_LEN(expectations); i++) {
		if (i > 0)
			buf_put(to, SLICE(", "));
		buf_put(to, slice_str(expectations[i].name));
	}
}

static bool holds(const struct world *w, size_t i)
{
	const struct scenario_line *line = &w->script.scenario->lines[i];
	const struct expectation *e = line->expected;
	bool is = e->holds != NULL ? e->holds(w) : w->stat[e->grows] > w->script.counted[i];

	return is != line->never;
}

/* --- events --- */

static void look_at(struct world *w, size_t line, int64_t until)
{
	struct event *e = world_at(w, LOOK_MS, EVENT_LOOK, 0);

	e->number = line;
	e->life = (uint64_t)until;
}

/* All the time, or at some time within it. */
static void look(struct world *w, size_t i, int64_t until)
{
	const struct scenario *s = w->script.scenario;
	const struct scenario_line *line = &s->lines[i];
	bool is = holds(w, i), all_along = line->kept || line->never;

	if (is == all_along && w->now < until)
		look_at(w, i, until);
	else if (!is)
		world_fail(w, "%s:%d: expected %s%s %s %lld ms", s->name, line->number,
		           line->never ? "no " : "", line->expected->name,
		           all_along ? "for" : "within", (long long)line->within_ms);
}

void scenario_on_look(struct world *w, const struct event *e)
{
	look(w, (size_t)e->number, (int64_t)e->life);
}

static void strike(struct world *w, const struct scenario_line *line)
{
	static const enum fault_aim aims[WHOMS] = {[WHOM_PAIR] = AIM_PAIR,
	                                           [WHOM_ACTIVE] = AIM_ACTIVE,
	                                           [WHOM_STANDBY] = AIM_STANDBY,
	                                           [WHOM_ANY] = AIM_ANY};
	struct blow b = {.for_ms = line->for_ms, .by = line->by};

	for (int i = 0; i < HOSTS; i++) {
		bool named = line->whom == (i == 0 ? WHOM_A : WHOM_B);
		b.host = &w->hosts[i];
		if (named || line->whom == WHOM_BOTH)
			fault_strike(w, line->fault, &b);
	}
	if (line->whom == WHOM_A || line->whom == WHOM_B || line->whom == WHOM_BOTH)
		return;
	b.host = fault_target(w, aims[line->whom]);
	fault_strike(w, line->fault, &b);
}

void scenario_on_line(struct world *w, const struct event *e)
{
	size_t i = (size_t)e->number;
	const struct scenario_line *line = &w->script.scenario->lines[i];

	w->script.fired[i] = true;
	if (line->unless[w->script.load])
		return;
	if (line->fault != NULL) {
		strike(w, line);
		return;
	}
	if (line->expected->holds == NULL)
		w->script.counted[i] = w->stat[line->expected->grows];
	look(w, i, w->now + line->within_ms);
}

/* The lines from this time on, as many ms later than they say. */
static void schedule(struct world *w, int64_t from_ms, int64_t later_ms)
{
	const struct scenario *s = w->script.scenario;

	for (size_t i = 0; i < s->n; i++)
		if (!s->lines[i].at_moment && !w->script.fired[i] && s->lines[i].at_ms >= from_ms)
			world_at(w, s->lines[i].at_ms + later_ms - w->now, EVENT_LINE, 0)->number =
				i;
}

/* The standby is being filled: what is to happen meanwhile happens now, within its some hundred ms. */
static void go_on(struct world *w, int64_t within_ms)
{
	int64_t first_ms = w->script.scenario->first_ms;

	w->script.waits = false;
	schedule(w, first_ms, w->now + world_draw(w, 0, within_ms) - first_ms);
}

/* Lines that wait for this moment, and have nothing timed above them that is still to come. */
void scenario_moment(struct world *w, enum moment moment)
{
	enum { SYNC_MS = 1200 };
	const struct scenario *s = w->script.scenario;

	if (moment == MOMENT_SNAPSHOT && w->script.waits)
		go_on(w, SYNC_MS);
	for (size_t i = 0; s != NULL && i < s->n; i++) {
		const struct scenario_line *line = &s->lines[i];
		if (!line->at_moment && !w->script.fired[i])
			return;
		if (!line->at_moment || line->moment != moment || w->script.fired[i])
			continue;
		w->script.fired[i] = true;
		world_at(w, line->at_ms, EVENT_LINE, 0)->number = i;
	}
}

static void load_world(struct world *w, enum load load)
{
	const struct scenario *s = w->script.scenario;

	switch (load) {
	case LOAD_IDLE:
		w->think_ms = 8000;
		break;
	case LOAD_BUSY: /* of many contacts of one AOR some removals would be forgotten */
		w->think_ms = 400;
		if (w->n_aors < (w->n_clients + 2) / 3)
			w->n_aors = (w->n_clients + 2) / 3;
		break;
	case LOAD_EXPIRY: /* all that was registered ends as the first fault comes */
		w->expiry_at = s->first_ms + world_draw(w, 0, 1000);
		break;
	case LOAD_RESYNC: /* and here a snapshot is on its way */
		w->ballast = BALLAST;
		w->link_delay_ms = w->usual_link_delay_ms = w->bulk_delay_ms = world_draw(w, 2, 30);
		w->resync_rate = RESYNC_RATE;
		if (w->checkpoint_ms > TRIM_MS) /* what the log holds still takes no snapshot */
			w->checkpoint_ms = TRIM_MS;
		w->script.waits = true;
		(void)world_at(w, s->first_ms - BEFORE_MS, EVENT_RESYNC, RESYNC_BEGINS);
		(void)world_at(w, s->first_ms + BEFORE_MS, EVENT_RESYNC, RESYNC_LATE);
		break;
	case LOADS:
		break;
	}
}

/* The standby comes back with an empty disk; where no snapshot has begun by then, the story goes on. */
void scenario_on_resync(struct world *w, const struct event *e)
{
	struct blow b = {.host = fault_target(w, AIM_STANDBY), .for_ms = 1};

	if (e->who == RESYNC_BEGINS)
		fault_strike(w, fault_named(SLICE("disk-lost")), &b);
	else if (w->script.waits)
		go_on(w, 0);
}

void scenario_begin(struct world *w, const struct scenario *s, enum load load)
{
	w->script = (struct script){.scenario = s, .load = load};
	w->profile = SCRIPTED;
	/* What chance does besides is to make no takeover and no wait of its own. */
	w->vrrp_loss_ppm = 0;
	w->resync_rate = w->slice_bytes = 0;
	w->bulk_delay_ms = w->link_delay_ms;
	w->cold_start_ms = world_draw(w, 3, 6) * 1000;
	w->watched = s->watched;
	w->trunks.wanted = s->naps;
	if (s->commit_known)
		w->mode = s->commit;
	w->rough_until = s->end_ms;
	load_world(w, load);
	for (size_t i = 0; i < s->n; i++)
		if (!s->lines[i].at_moment &&
		    !(w->script.waits && s->lines[i].at_ms >= s->first_ms))
			world_at(w, s->lines[i].at_ms, EVENT_LINE, 0)->number = i;
}
