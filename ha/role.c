#include <assert.h>
#include <stddef.h>

#include "ha/role_parts.h"
#include "proto/base/defs.h"

enum {
	ALONE_BUT_SURE_MS = 1000, /* our own last reign was exposed: nobody can know more */
	ON_ITS_WAY_MS = 5000,     /* and active by then; a reign becomes durable in milliseconds */
	TAKE_OVER_MS = 10 * 1000, /* our own reign must be durable by then, or the other tries */
	TAKING_MS = 1000,         /* a peer that takes over for longer keeps nobody away */
	UNSTEP_MS = 1000,         /* out of step beside an active for longer: syncing */
	BACKOFF_MIN_MS = 10 * 1000,
	BACKOFF_MAX_MS = 600 * 1000,
	MASTER_DOWN_ADVERTS = 4, /* three adverts and the skew */
};

const char *role_name(enum role r)
{
	static const char *const names[] = {
		[ROLE_INIT] = "init",
		[ROLE_SYNCING] = "syncing",
		[ROLE_STANDBY] = "standby",
		[ROLE_TAKING_OVER] = "taking-over",
		[ROLE_ACTIVE] = "active",
		[ROLE_STEPPING_DOWN] = "stepping-down",
		[ROLE_OUT_OF_SERVICE] = "out-of-service",
	};

	return r >= ROLE_INIT && r <= ROLE_OUT_OF_SERVICE ? names[r] : "unknown";
}

void role_enter(struct look *l, enum role role, const char *why)
{
	struct role_machine *m = l->m;

	m->role = role;
	m->since = l->now;
	m->deadline = MTIME_NEVER;
	m->why = why;
	m->unstep_since = MTIME_NEVER;
	m->barred = false;
	m->take_now = false;
	/* Only who may have the address lets it come or keeps it. */
	m->fault = role != ROLE_STANDBY && role != ROLE_TAKING_OVER && role != ROLE_ACTIVE;
}

bool role_peer_fresh(const struct look *l)
{
	struct mtime stale = mtime_add_ms(l->f->peer_heard, l->m->options.peer_timeout_ms);

	return l->f->link_up && !mtime_reached(stale, l->now);
}

/* A peer whose log failed is there for the operator alone: nothing is to be expected of it. */
bool role_peer_sound(const struct look *l)
{
	return l->f->link_up && l->f->peer_role != ROLE_OUT_OF_SERVICE;
}

/* Without keepalived it cannot serve, and not seed: who waited for it would wait for ever. */
static bool peer_there(const struct look *l)
{
	return role_peer_sound(l) && !l->f->peer_without_keepalived;
}

bool role_peer_active(const struct look *l)
{
	return l->f->link_up && l->f->peer_role == ROLE_ACTIVE;
}

static bool peer_reigns(const struct look *l)
{
	return role_peer_active(l) || (l->f->link_up && l->f->peer_role == ROLE_TAKING_OVER);
}

/* Of two that wait, the other goes first: it has what we lack. */
static bool peer_seeds(const struct look *l)
{
	const struct role_facts *f = l->f;

	return peer_there(l) &&
	       (f->standing == STANDING_BEHIND || (f->standing == STANDING_FORKED && f->peer_wins));
}

/* Alone for long enough to stop waiting for the peer. */
static bool waited(struct look *l, int64_t wait_ms)
{
	struct role_machine *m = l->m;

	m->deadline = MTIME_NEVER;
	if (m->take_now)
		return true;
	if (peer_there(l) || l->f->store_lost)
		return false;
	struct mtime until = mtime_add_ms(m->alone_since, wait_ms);
	if (mtime_reached(until, l->now))
		return true;
	m->deadline = until;
	return false;
}

/* The live link's last word was `paired`, and it is not older than keepalived takes to notice. */
static bool in_step_lately(const struct look *l)
{
	const struct role_options *o = &l->m->options;
	int64_t recent_ms = MASTER_DOWN_ADVERTS * o->advert_ms + o->peer_timeout_ms;
	struct mtime until = mtime_add_ms(l->f->in_step_until, recent_ms);

	return l->m->last_word_in_step && mtime_reached(l->now, until);
}

/* It told its history on this connection, and we have all of it. */
static bool peer_has_no_more(const struct role_facts *f)
{
	return f->link_up && (f->standing == STANDING_EQUAL || f->standing == STANDING_AHEAD);
}

static void take_over(struct look *l, const char *why)
{
	struct role_machine *m = l->m;
	bool nobody_else = !m->other_reigned && (l->f->own_last_reign || peer_has_no_more(l->f));

	l->out->begin_reign = true;
	l->out->behind = !m->options.standalone && !nobody_else && !in_step_lately(l);
	m->handing_over = false;
	role_enter(l, ROLE_TAKING_OVER, why);
	m->deadline = mtime_add_ms(l->now, TAKE_OVER_MS);
}

/* A peer that is as empty as we are cannot give back what was lost: an operator decides. */
static bool nothing_to_fetch(const struct look *l)
{
	return l->f->store_lost && l->f->standing == STANDING_EQUAL && !peer_reigns(l);
}

/* Loaded, and the peer is there: who may have the address is a matter of the two histories. */
static void meet(struct look *l)
{
	if (peer_reigns(l))
		role_enter(l, ROLE_SYNCING, "peer is active");
	else if (peer_seeds(l))
		role_enter(l, ROLE_SYNCING, "peer has more");
	else
		role_enter(l, ROLE_STANDBY, "met the peer");
}

static void on_init(struct look *l)
{
	int64_t wait_ms = l->f->own_last_reign_exposed ? ALONE_BUT_SURE_MS
	                                               : l->m->options.cold_start_ms;

	l->m->deadline = MTIME_NEVER;
	if (!l->f->loaded)
		return;
	if (l->m->options.standalone)
		take_over(l, "standalone");
	else if (peer_there(l) && (l->m->take_now || !nothing_to_fetch(l)))
		meet(l);
	else if (waited(l, wait_ms))
		role_enter(l, ROLE_STANDBY,
		           l->m->take_now ? "takeover asked for" : "peer did not come");
}

static bool address_came(const struct look *l)
{
	return l->f->address_here && l->f->keepalived_alive;
}

/* Beside an active, or after one: behind, but service beats silence. */
static void on_syncing(struct look *l)
{
	struct role_machine *m = l->m;
	const struct role_options *o = &m->options;
	bool eligible = m->peer_was_active && o->takeover_when_behind && !l->f->store_lost;

	if (l->f->in_step)
		role_enter(l, ROLE_STANDBY, "in step");
	else if (eligible && address_came(l))
		role_enter(l, ROLE_STANDBY, "address");
	else if (peer_there(l) && !peer_reigns(l) && !peer_seeds(l) && !nothing_to_fetch(l))
		meet(l);
	else if (waited(l, eligible ? o->peer_timeout_ms : o->cold_start_ms))
		role_enter(l, ROLE_STANDBY, m->take_now ? "takeover asked for" : "peer lost");
	else
		m->fault = !eligible;
}

/* The link is fine, so VRRP is broken or was wrong once: keep the address away as long as the peer serves
 * from it. The first time it is enough that it went: if it is not here again soon, VRRP knows better. */
static void bar(struct look *l)
{
	struct role_machine *m = l->m;
	int64_t longer_ms = m->backoff_ms * 2;

	m->barred_anew = !mtime_reached(mtime_add_ms(m->barred_until, m->backoff_ms), l->now);
	if (!m->barred_anew)
		m->backoff_ms = BACKOFF_MIN_MS;
	else
		m->backoff_ms = longer_ms < BACKOFF_MAX_MS ? longer_ms : BACKOFF_MAX_MS;
	m->barred = true;
	m->fault = true;
	m->why = "peer is active and has the address";
	m->barred_until = mtime_add_ms(l->now, m->backoff_ms);
	m->deadline = m->barred_until;
}

static struct mtime bar_end(const struct look *l)
{
	const struct role_machine *m = l->m;

	if (!l->f->link_up)
		return mtime_min(m->barred_until,
		                 mtime_add_ms(m->alone_since, m->options.peer_timeout_ms));
	if (!l->f->peer_holds_address || !peer_reigns(l))
		return l->now;
	if (!role_peer_active(l))
		return mtime_min(m->barred_until, mtime_add_ms(m->peer_taking_since, TAKING_MS));
	return m->barred_anew || l->f->address_here ? m->barred_until : l->now;
}

/* At the end of its back-off a bar is lifted as a trial; before, because its reason is gone. */
static bool still_barred(struct look *l)
{
	struct role_machine *m = l->m;
	struct mtime end = bar_end(l);

	if (!m->barred)
		return false;
	m->deadline = end;
	if (!mtime_reached(end, l->now))
		return true;
	if (!mtime_reached(m->barred_until, l->now)) {
		m->barred_until = l->now;
		m->backoff_ms = BACKOFF_MIN_MS;
	}
	m->barred = false;
	m->fault = false;
	m->deadline = MTIME_NEVER;
	return false;
}

/* The address was let go for the other: it stays away until the other has it, or will not take it. A
 * peer that is gone cannot have it, and one that only begins its reign has it already: keepalived knows. */
static bool still_handing_over(struct look *l)
{
	struct role_machine *m = l->m;
	bool on_its_way = l->f->link_up && l->f->peer_role == ROLE_TAKING_OVER;
	struct mtime until = mtime_add_ms(m->since, on_its_way ? ON_ITS_WAY_MS : HAND_OVER_MS);
	struct mtime silent = m->alone_since;

	if (!m->handing_over)
		return false;
	if (silent.ms != MTIME_NEVER.ms)
		silent = mtime_add_ms(silent, m->options.peer_timeout_ms);
	bool over = role_peer_active(l) || mtime_reached(until, l->now);
	bool gone = mtime_reached(silent, l->now);
	m->handing_over = !over;
	m->fault = !over && !gone;
	if (!over)
		m->deadline = gone ? until : mtime_min(until, silent);
	return m->fault;
}

/* No taking over beside a live active. A heartbeat from before the address moved may only be late:
 * the next one, or its absence, decides. */
static void on_address(struct look *l)
{
	struct role_machine *m = l->m;
	bool serves = role_peer_fresh(l) && role_peer_active(l) && l->f->peer_holds_address;

	if (!serves)
		take_over(l, "address");
	else if (l->f->peer_heard.ms > m->address_since.ms)
		bar(l);
	else
		m->deadline = mtime_add_ms(l->f->peer_heard, m->options.peer_timeout_ms);
}

static void note_step(struct look *l)
{
	struct role_machine *m = l->m;
	bool out_of_step = role_peer_active(l) && !l->f->in_step;

	if (!out_of_step)
		m->unstep_since = MTIME_NEVER;
	else if (m->unstep_since.ms == MTIME_NEVER.ms)
		m->unstep_since = l->now;
}

static void on_standby(struct look *l)
{
	struct role_machine *m = l->m;

	m->deadline = MTIME_NEVER;
	note_step(l);
	if (still_handing_over(l) || still_barred(l))
		return;
	if (address_came(l)) {
		on_address(l);
	} else if (m->just_met && peer_seeds(l) && !peer_reigns(l)) {
		role_enter(l, ROLE_SYNCING, "peer has more");
	} else if (m->unstep_since.ms != MTIME_NEVER.ms) {
		struct mtime due = mtime_add_ms(m->unstep_since, UNSTEP_MS);
		m->deadline = mtime_min(m->deadline, due);
		if (mtime_reached(due, l->now))
			role_enter(l, ROLE_SYNCING, "out of step");
	}
}

static void on_out_of_service(struct look *l)
{
	l->m->fault = true;
}

static state_fn *const by_role[] = {
	[ROLE_INIT] = on_init,
	[ROLE_SYNCING] = on_syncing,
	[ROLE_STANDBY] = on_standby,
	[ROLE_TAKING_OVER] = role_on_taking_over,
	[ROLE_ACTIVE] = role_on_active,
	[ROLE_STEPPING_DOWN] = role_on_stepping_down,
	[ROLE_OUT_OF_SERVICE] = on_out_of_service,
};

static void take_request(struct look *l)
{
	l->out->refused = role_refusal(l->m, l->f, l->request);
	if (l->out->refused != NULL)
		l->request = ROLE_NO_REQUEST;
	if (l->request == ROLE_TAKEOVER)
		l->m->take_now = true;
	if (l->request == ROLE_STOP)
		l->m->stopping = true;
}

static void note_peer(struct look *l)
{
	struct role_machine *m = l->m;
	enum role peer = l->f->link_up ? l->f->peer_role : (enum role)0;
	bool was_alone = m->alone_since.ms != MTIME_NEVER.ms;

	m->just_met = was_alone && peer_there(l);
	if (peer_there(l))
		m->alone_since = MTIME_NEVER;
	else if (!was_alone)
		m->alone_since = l->now;

	if (peer_reigns(l)) {
		m->peer_was_active = true;
		m->other_reigned = true;
	} else if (peer_there(l) && peer != ROLE_STEPPING_DOWN) {
		m->peer_was_active = false;
	}
	if (peer == ROLE_ACTIVE)
		m->last_word_in_step = l->f->in_step;
	if (peer != ROLE_TAKING_OVER)
		m->peer_taking_since = MTIME_NEVER;
	else if (m->peer_taking_since.ms == MTIME_NEVER.ms)
		m->peer_taking_since = l->now;
}

static void note_address(struct look *l)
{
	struct role_machine *m = l->m;

	if (!l->f->address_here)
		m->address_since = MTIME_NEVER;
	else if (m->address_since.ms == MTIME_NEVER.ms)
		m->address_since = l->now;
}

/* Roles in which nothing is to be handed over leave at once. */
static bool may_leave_now(const struct role_machine *m)
{
	return m->stopping && m->role != ROLE_ACTIVE && m->role != ROLE_STEPPING_DOWN &&
	       m->role != ROLE_TAKING_OVER;
}

void role_init(struct role_machine *m, const struct role_options *options, struct mtime now)
{
	*m = (struct role_machine){
		.options = *options,
		.role = ROLE_INIT,
		.since = now,
		.deadline = MTIME_NEVER,
		.fault = true,
		.alone_since = now,
		.unstep_since = MTIME_NEVER,
		.peer_taking_since = MTIME_NEVER,
		.address_since = MTIME_NEVER,
		.why = "start",
	};
}

void role_step(struct role_machine *m, const struct role_facts *facts, enum role_request request,
               struct mtime now, struct role_output *out)
{
	struct look l = {.m = m, .f = facts, .request = request, .now = now, .out = out};
	enum role from = m->role;

	*out = (struct role_output){.from = from};
	note_peer(&l);
	note_address(&l);
	take_request(&l);
	if (facts->log_failed && m->role != ROLE_OUT_OF_SERVICE)
		role_enter(&l, ROLE_OUT_OF_SERVICE, "log failed");
	else
		by_role[m->role](&l);
	if (may_leave_now(m)) {
		m->fault = true;
		out->leave = true;
	}
	out->to = m->role;
	out->changed = out->to != from;
	out->why = m->why;
	out->fault = m->fault;
	assert(m->role != ROLE_ACTIVE || from == ROLE_ACTIVE || facts->reign_durable);
}

struct mtime role_deadline(const struct role_machine *m)
{
	return m->deadline;
}
