/* Handing over as planned: would it be done, and what did the last one cost? */
#include <stdio.h>

#include "node/core/node_parts.h"

uint64_t node_switchover_entries(const struct node *n)
{
	const struct sender *s = &n->sender;
	uint64_t there = n->durable_seq;

	if (s->phase != SENDER_IDLE && s->received < there)
		there = s->received;
	return n->last_seq - there;
}

const char *node_switchover_refusal(const struct node *n)
{
	struct role_facts f = node_role_facts(n);

	if (n->request_ticket != 0)
		return "a switchover is under way";
	return role_refusal(&n->role, &f, ROLE_SWITCHOVER);
}

void node_handover_begin(struct node *n)
{
	n->handover.under_way = true;
	n->handover.lacked = node_switchover_entries(n);
}

/* The peer's heartbeat says since when it is active: that is when clients can be answered again. */
static void measure(struct node *n)
{
	struct handover *h = &n->handover;
	int64_t gap = n->link.beat_at.ms - (int64_t)n->link.beat.role_for_ms - h->spoke.ms;
	char why[96];

	h->gap_ms = gap > 0 ? (uint64_t)gap : 0;
	h->entries = h->lacked;
	(void)snprintf(why, sizeof why, "%llu ms from the last answer here, %llu entries drained",
	               (unsigned long long)h->gap_ms, (unsigned long long)h->entries);
	node_note(n, WEIGHT_NOTICE,
	          &(struct note){"switchover", unit_name(n->options.unit),
	                         unit_name(n->link.hello.unit), why});
}

void node_handover_watch(struct node *n)
{
	struct handover *h = &n->handover;
	enum role role = n->role.role;

	if (!h->under_way)
		return;
	bool over = n->link.greeted && n->link.beat.role == ROLE_ACTIVE;
	if (over)
		measure(n);
	h->under_way = !over && (role == ROLE_STEPPING_DOWN || role == ROLE_STANDBY);
}
