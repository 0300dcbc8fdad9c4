/* From the address to the reign, and out of it: taking over, active, stepping down. */
#include <stddef.h>

#include "ha/role_parts.h"

enum {
	DRAIN_MS = 2000,        /* a drain that takes longer is given up: the log has it */
	ADDRESS_GOES_MS = 5000, /* keepalived takes milliseconds; then somebody must look */
};

static const char *why_leave(const struct look *l)
{
	const struct role_facts *f = l->f;

	if (l->m->options.standalone)
		return NULL;
	if (!f->keepalived_alive)
		return "keepalived is gone";
	if (!f->address_here)
		return "address went";
	if (role_peer_active(l) && role_peer_fresh(l) && f->peer_wins)
		return "deposed";
	if (role_peer_sound(l) && f->superseded)
		return "peer reigned since";
	if (f->disk_hangs && f->in_step)
		return "disk hangs";
	return NULL;
}

static void step_down(struct look *l, const char *why, bool handing_over)
{
	role_enter(l, ROLE_STEPPING_DOWN, why);
	l->m->handing_over = handing_over;
	l->m->forced = l->request == ROLE_SWITCHOVER_FORCED;
	/* Handing over keeps the address until all is drained, so that the last answers leave from it. */
	l->m->fault = !handing_over;
	l->m->deadline = mtime_add_ms(l->now, handing_over ? HAND_OVER_MS : DRAIN_MS);
}

/* A switchover that would lose its standby is given up for as long as the address is still here: nothing
 * was logged since, and nobody else can have begun. */
static const char *why_go_on(const struct look *l)
{
	const struct role_machine *m = l->m;
	bool planned = m->handing_over && !m->stopping && !m->forced;
	bool kept = planned && !m->fault && l->f->reign_durable;

	if (!kept || why_leave(l) != NULL)
		return NULL;
	if (!l->f->in_step)
		return "switchover given up: standby lost";
	return mtime_reached(m->deadline, l->now) ? "switchover given up: not drained in time"
	                                          : NULL;
}

void role_on_taking_over(struct look *l)
{
	const char *why = why_leave(l);

	if (l->m->stopping)
		why = "stop";
	else if (why == NULL && !l->f->reign_durable && mtime_reached(l->m->deadline, l->now))
		why = "the reign does not become durable";

	if (why != NULL)
		step_down(l, why, false);
	else if (l->f->reign_durable)
		role_enter(l, ROLE_ACTIVE, l->m->why);
}

void role_on_active(struct look *l)
{
	const char *why = why_leave(l);
	bool asked = l->request == ROLE_SWITCHOVER || l->request == ROLE_SWITCHOVER_FORCED;

	l->m->backoff_ms = 0;
	l->m->other_reigned = false;
	if (why != NULL)
		step_down(l, why, false);
	else if (l->m->stopping)
		step_down(l, "stop", true);
	else if (asked)
		step_down(l, "switchover", true);
}

void role_on_stepping_down(struct look *l)
{
	struct role_machine *m = l->m;
	bool late = mtime_reached(m->deadline, l->now);
	const char *go_on = why_go_on(l);

	if (go_on != NULL) {
		m->handing_over = false;
		role_enter(l, ROLE_ACTIVE, go_on);
		return;
	}
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
	role_enter(l, ROLE_STANDBY, m->why);
	if (handing_over)
		m->fault = true;
}
