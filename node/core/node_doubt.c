/* A pause is a doubt: a process that was stopped, or a host that was frozen, does
 * not know whether its reign goes on. Until it does, nothing leaves and nothing is decided. */
#include <stdio.h>

#include "node/core/node_parts.h"

enum { PAUSE_ADVERTS = 2, ALONE_ADVERTS = 5 };

/* In a doubt, too: one that outlasts it by another pause has heard nothing meanwhile. */
static int64_t paused_ms(const struct node *n)
{
	int64_t longest = PAUSE_ADVERTS * n->options.role.advert_ms;
	bool doubted = n->doubt && n->doubt_at.ms > n->last_tick.ms;
	int64_t ms = n->now.ms - (doubted ? n->doubt_at.ms : n->last_tick.ms);

	return ms > longest ? ms : 0;
}

static void begin(struct node *n)
{
	char why[48];

	(void)snprintf(why, sizeof why, "paused for %lld ms", (long long)paused_ms(n));
	n->doubt = true;
	n->doubt_at = n->now;
	n->doubt_connection = n->link.connection;
	n->doubt_number = n->link.number;
	n->doubt_until = mtime_add_ms(n->now, ALONE_ADVERTS * n->options.role.advert_ms);
	node_note(n, WEIGHT_WARN, &(struct note){"doubt", "none", "begun", why});
	node_beat(n);
}

/* Or begins to: a takeover that was paused may find that the other has reigned since. */
static bool reigns(const struct node *n)
{
	return node_active(n) || n->role.role == ROLE_TAKING_OVER ||
	       n->role.role == ROLE_STEPPING_DOWN;
}

void node_doubt_step(struct node *n)
{
	if (paused_ms(n) == 0)
		return;
	n->disk.waits_since = MTIME_NEVER; /* what writes to it stood still, too */
	if (reigns(n) && !n->options.role.standalone)
		begin(n);
}

/* The peer said something after the doubt began: on a new connection everything did. */
static bool answered(const struct node *n)
{
	const struct link *l = &n->link;

	return l->greeted &&
	       (l->connection != n->doubt_connection || l->beat.echo > n->doubt_number);
}

/* The peer took over and gave the address back before we heard of it: it holds what it acknowledged
 * meanwhile, we hold nothing but what was under way when we paused. */
bool node_superseded(const struct node *n)
{
	const struct link *l = &n->link;
	uint64_t newest = l->n_history == 0 ? 0 : l->history[l->n_history - 1].epoch;
	bool judged = node_active(n) || (n->doubt && n->role.role == ROLE_TAKING_OVER);

	if (!judged || !l->greeted)
		return false;
	return l->standing == STANDING_BEHIND ||
	       (n->doubt && l->standing == STANDING_FORKED && newest > n->reign.epoch);
}

static void end(struct node *n, const char *why)
{
	n->doubt = false;
	node_note(n, WEIGHT_NOTICE, &(struct note){"doubt", "begun", "none", why});
}

void node_doubt_judge(struct node *n)
{
	enum role peer = (enum role)n->link.beat.role;
	bool still_ours = n->address_here && n->keepalived_alive;

	if (!n->doubt)
		return;
	if (!reigns(n))
		end(n, "no longer active");
	else if (answered(n) && (peer == ROLE_ACTIVE || peer == ROLE_TAKING_OVER))
		n->link.peer_wins = true;            /* the role machine steps down */
	else if (answered(n) && !node_superseded(n)) /* else the role machine steps down */
		end(n, "the peer did not take over");
	else if (!n->link.greeted && still_ours && mtime_reached(n->doubt_until, n->now))
		end(n, "the peer cannot be reached, and the address is here");
}
