#include "ha/role.h"

#include <assert.h>
#include <stddef.h>

#include "proto/base/defs.h"

enum {
	ALONE_BUT_SURE_MS = 1000, /* our own last reign was exposed: nobody can know more */
	DRAIN_MS = 2000,          /* a drain that takes longer is given up: the log has it */
	ADDRESS_GOES_MS = 5000,   /* keepalived takes milliseconds; then somebody must look */
	HAND_OVER_MS = 1000,      /* the other must be active, or on its way, by then */
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

/* What one step of the machine looks at. */
struct look {
	struct role_machine *m;
	const struct role_facts *f;
	enum role_request request;
	struct mtime now;
	struct role_output *out;
};

static void enter(struct look *l, enum role role, const char *why)
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

static bool fresh(const struct look *l)
{
	struct mtime stale = mtime_add_ms(l->f->peer_heard, l->m->options.peer_timeout_ms);

	return l->f->link_up && !mtime_reached(stale, l->now);
}

static bool peer_active(const struct look *l)
{
	return l->f->link_up && l->f->peer_role == ROLE_ACTIVE;
}

static bool peer_serves(const struct look *l)
{
	return l->f->link_up && l->f->peer_holds_address &&
	       (l->f->peer_role == ROLE_ACTIVE || l->f->peer_role == ROLE_TAKING_OVER);
}

static void refuse(struct look *l, const char *why)
{
	l->out->refused = why;
	l->request = ROLE_NO_REQUEST;
}

/* Alone for long enough to stop waiting for the peer. */
static bool waited(struct look *l, int64_t wait_ms)
{
	struct role_machine *m = l->m;

	m->deadline = MTIME_NEVER;
	if (l->f->link_up)
		return false;
	struct mtime until = mtime_add_ms(m->alone_since, wait_ms);
	if (m->take_now || mtime_reached(until, l->now))
		return true;
	m->deadline = until;
	return false;
}

/* The peer is there, was not active on this connection, and has nothing that we have not. */
static bool nothing_newer(const struct look *l)
{
	const struct role_facts *f = l->f;
	bool idle = f->peer_role == ROLE_INIT || f->peer_role == ROLE_SYNCING ||
	            f->peer_role == ROLE_STANDBY;

	return f->link_up && idle &&
	       (f->standing == STANDING_EQUAL || f->standing == STANDING_AHEAD);
}

static void take_over(struct look *l, const char *why)
{
	const struct role_facts *f = l->f;
	int64_t recent_ms =
		MASTER_DOWN_ADVERTS * l->m->options.advert_ms + l->m->options.peer_timeout_ms;
	bool recently = mtime_reached(l->now, mtime_add_ms(f->in_step_until, recent_ms));

	enter(l, ROLE_TAKING_OVER, why);
	l->out->begin_reign = true;
	l->out->behind = !l->m->options.standalone && !f->own_last_reign && !recently &&
	                 !nothing_newer(l);
}

/* Loaded, and the peer is there: who may have the address is a matter of the two histories. */
static void meet(struct look *l)
{
	const struct role_facts *f = l->f;
	bool waits_for_seed = f->standing == STANDING_BEHIND ||
	                      (f->standing == STANDING_FORKED && f->peer_wins);

	if (peer_active(l) || f->peer_role == ROLE_TAKING_OVER)
		enter(l, ROLE_SYNCING, "peer is active");
	else if (waits_for_seed)
		enter(l, ROLE_SYNCING, "peer has more");
	else
		enter(l, ROLE_STANDBY, "met the peer");
}

static void on_init(struct look *l)
{
	int64_t wait_ms = l->f->own_last_reign_exposed ? ALONE_BUT_SURE_MS
	                                               : l->m->options.cold_start_ms;

	if (!l->f->loaded)
		return;
	if (l->m->options.standalone)
		take_over(l, "standalone");
	else if (l->f->link_up)
		meet(l);
	else if (waited(l, wait_ms))
		enter(l, ROLE_STANDBY, l->m->take_now ? "takeover asked for" : "peer did not come");
}

static void on_syncing(struct look *l)
{
	const struct role_options *o = &l->m->options;
	bool lost_active = l->m->peer_was_active && o->takeover_when_behind;

	if (l->f->in_step)
		enter(l, ROLE_STANDBY, "in step");
	else if (l->f->link_up && !peer_active(l) && l->f->standing != STANDING_BEHIND &&
	         l->f->standing != STANDING_FORKED && l->f->peer_role != ROLE_TAKING_OVER)
		meet(l);
	else if (waited(l, lost_active ? o->peer_timeout_ms : o->cold_start_ms))
		enter(l, ROLE_STANDBY, l->m->take_now ? "takeover asked for" : "peer lost");
}

/* VRRP is broken and the link is fine: keep the address away as long as the peer serves from it. */
static void bar(struct look *l)
{
	struct role_machine *m = l->m;

	m->barred = true;
	m->fault = true;
	m->why = "peer is active and has the address";
	m->barred_until = mtime_add_ms(l->now, m->backoff_ms);
	m->backoff_ms = m->backoff_ms * 2 < BACKOFF_MAX_MS ? m->backoff_ms * 2 : BACKOFF_MAX_MS;
}

static void while_barred(struct look *l)
{
	struct role_machine *m = l->m;

	if (peer_serves(l) && !mtime_reached(m->barred_until, l->now)) {
		m->deadline = m->barred_until;
		return;
	}
	m->barred = false;
	m->fault = false;
}

/* The address was let go for the other: it stays away until the other has it, or will not take it. */
static void while_handing_over(struct look *l)
{
	struct role_machine *m = l->m;
	struct mtime until = mtime_add_ms(m->since, HAND_OVER_MS);
	bool on_its_way = l->f->link_up && l->f->peer_role == ROLE_TAKING_OVER;

	m->fault = true;
	m->deadline = mtime_reached(until, l->now) ? mtime_add_ms(l->now, l->m->options.advert_ms)
	                                           : until;
	if (peer_active(l) || (mtime_reached(until, l->now) && !on_its_way)) {
		m->handing_over = false;
		m->fault = false;
		m->deadline = MTIME_NEVER;
	}
}

static void note_step(struct look *l)
{
	struct role_machine *m = l->m;
	bool out_of_step = peer_active(l) && !l->f->in_step;

	if (!out_of_step)
		m->unstep_since = MTIME_NEVER;
	else if (m->unstep_since.ms == MTIME_NEVER.ms)
		m->unstep_since = l->now;
}

static void on_standby(struct look *l)
{
	struct role_machine *m = l->m;
	bool address_came = l->f->address_here && l->f->keepalived_alive;

	m->deadline = MTIME_NEVER;
	note_step(l);
	if (m->handing_over)
		while_handing_over(l);
	else if (m->barred)
		while_barred(l);
	else if (address_came && peer_serves(l) && fresh(l) && l->f->peer_role == ROLE_ACTIVE)
		bar(l);
	else if (address_came)
		take_over(l, "address");
	else if (m->unstep_since.ms != MTIME_NEVER.ms) {
		m->deadline = mtime_add_ms(m->unstep_since, UNSTEP_MS);
		if (mtime_reached(m->deadline, l->now))
			enter(l, ROLE_SYNCING, "out of step");
	}
}

static const char *why_leave(const struct look *l)
{
	const struct role_facts *f = l->f;

	if (l->m->options.standalone)
		return NULL;
	if (!f->keepalived_alive)
		return "keepalived is gone";
	if (!f->address_here)
		return "address went";
	if (peer_active(l) && f->peer_wins)
		return "deposed";
	return NULL;
}

static void step_down(struct look *l, const char *why, bool handing_over)
{
	enter(l, ROLE_STEPPING_DOWN, why);
	l->m->handing_over = handing_over;
	/* Handing over keeps the address until all is drained, so that the last answers leave from it. */
	l->m->fault = !handing_over;
	l->m->deadline = mtime_add_ms(l->now, DRAIN_MS);
}

static void on_taking_over(struct look *l)
{
	const char *why = why_leave(l);

	if (why != NULL)
		step_down(l, why, false);
	else if (l->f->reign_durable)
		enter(l, ROLE_ACTIVE, l->m->why);
}

static void on_active(struct look *l)
{
	const char *why = why_leave(l);
	bool asked = l->request == ROLE_SWITCHOVER || l->request == ROLE_SWITCHOVER_FORCED;

	l->m->backoff_ms = BACKOFF_MIN_MS;
	if (why != NULL)
		step_down(l, why, false);
	else if (l->m->stopping)
		step_down(l, "stop", true);
	else if (asked)
		step_down(l, "switchover", true);
}

static void on_stepping_down(struct look *l)
{
	struct role_machine *m = l->m;
	bool late = mtime_reached(m->deadline, l->now);

	if (!m->fault && (l->f->drained || late || why_leave(l) != NULL)) {
		m->fault = true;
		m->deadline = mtime_add_ms(l->now, ADDRESS_GOES_MS);
		late = false;
	}
	if (!m->fault || (l->f->address_here && !late && !m->options.standalone))
		return;
	if (m->stopping) {
		l->out->leave = true;
		m->deadline = MTIME_NEVER;
		return;
	}
	bool handing_over = m->handing_over;
	enter(l, ROLE_STANDBY, m->why);
	if (handing_over)
		m->fault = true;
}

static void on_out_of_service(struct look *l)
{
	l->m->fault = true;
}

typedef void state_fn(struct look *l);
static state_fn *const by_role[] = {
	[ROLE_INIT] = on_init,
	[ROLE_SYNCING] = on_syncing,
	[ROLE_STANDBY] = on_standby,
	[ROLE_TAKING_OVER] = on_taking_over,
	[ROLE_ACTIVE] = on_active,
	[ROLE_STEPPING_DOWN] = on_stepping_down,
	[ROLE_OUT_OF_SERVICE] = on_out_of_service,
};

static void check_switchover(struct look *l)
{
	if (l->m->options.standalone)
		refuse(l, "this node is standalone: there is no other to hand over to");
	else if (l->m->role != ROLE_ACTIVE)
		refuse(l, "this node is not active: ask the one that is");
	else if (l->request == ROLE_SWITCHOVER && !l->f->in_step)
		refuse(l,
		       "the standby is not in step: wait until the pair is paired, or use --force");
}

static void check_takeover(struct look *l)
{
	if (l->m->role == ROLE_ACTIVE || l->m->role == ROLE_TAKING_OVER)
		refuse(l, "this node is active already");
	else if (l->f->link_up)
		refuse(l, "the other node is there: use switchover on the active one");
	else if (l->m->role != ROLE_INIT && l->m->role != ROLE_SYNCING)
		refuse(l, "this node waits for nothing but the address: look at keepalived");
	else
		l->m->take_now = true;
}

static void take_request(struct look *l)
{
	switch (l->request) {
	case ROLE_SWITCHOVER:
	case ROLE_SWITCHOVER_FORCED:
		check_switchover(l);
		break;
	case ROLE_TAKEOVER:
		check_takeover(l);
		break;
	case ROLE_STOP:
		l->m->stopping = true;
		break;
	case ROLE_NO_REQUEST:
		break;
	}
}

static void note_peer(struct look *l)
{
	struct role_machine *m = l->m;

	if (l->f->link_up) {
		m->alone_since = MTIME_NEVER;
		m->peer_was_active = peer_active(l);
	} else if (m->alone_since.ms == MTIME_NEVER.ms) {
		m->alone_since = l->now;
	}
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
		.backoff_ms = BACKOFF_MIN_MS,
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
	take_request(&l);
	if (facts->log_failed && m->role != ROLE_OUT_OF_SERVICE)
		enter(&l, ROLE_OUT_OF_SERVICE, "log failed");
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
