/* What the node makes of its own disk: nearly full, or not answering. */
#include "node/core/node_parts.h"

/* Whoever changes something is told to come again; the standby, if it has room, takes over. */
void node_on_room(struct node *n, const struct node_input *in)
{
	struct disk_watch *d = &n->disk;

	if (d->room_low == !in->on)
		return;
	d->room_low = !in->on;
	d->handed_over = false;
	if (d->room_low) {
		d->room_lows++;
		node_say(n, WEIGHT_ERROR,
		         "store=room-low seq=%llu what=\"changes are refused with 503 until there "
		         "is "
		         "room\"",
		         (unsigned long long)n->last_seq);
	} else {
		node_say(n, WEIGHT_NOTICE, "store=room-back seq=%llu",
		         (unsigned long long)n->last_seq);
	}
}

/* Once for each time that room runs low: two nodes with little room do not pass the service around. */
static void hand_over(struct node *n)
{
	struct disk_watch *d = &n->disk;
	bool standby_has_room = n->pair == PAIR_PAIRED && n->link.greeted && !n->link.beat.room_low;
	bool nothing_asked = n->request == ROLE_NO_REQUEST && n->request_ticket == 0;

	if (!d->room_low || d->handed_over || !standby_has_room || !nothing_asked)
		return;
	if (!node_active(n) || n->doubt)
		return;
	d->handed_over = true;
	n->request = n->asked = ROLE_SWITCHOVER;
	node_say(n, WEIGHT_WARN,
	         "store=room-low what=\"hands over to the standby, which has room\"");
}

static void note_progress(struct node *n)
{
	struct disk_watch *d = &n->disk;
	bool reigns = node_active(n) || n->role.role == ROLE_STEPPING_DOWN;
	bool waits = reigns && n->durable_seq < n->last_seq;

	if (!waits)
		d->waits_since = MTIME_NEVER;
	else if (d->waits_since.ms == MTIME_NEVER.ms || n->durable_seq != d->seen)
		d->waits_since = n->now;
	d->seen = n->durable_seq;
}

/* An entry of ours has not become durable for too long. Paired, the standby's memory has it. */
void node_judge_disk(struct node *n)
{
	struct disk_watch *d = &n->disk;

	note_progress(n);
	bool waits = d->waits_since.ms != MTIME_NEVER.ms;
	bool hangs = waits &&
	             mtime_reached(mtime_add_ms(d->waits_since, n->options.disk_hang_ms), n->now);
	if (hangs && !d->hangs) {
		d->hung++;
		node_say(n, WEIGHT_ERROR,
		         "disk=hangs for_ms=%lld durable=%llu seq=%llu what=\"%s\"",
		         (long long)n->options.disk_hang_ms, (unsigned long long)n->durable_seq,
		         (unsigned long long)n->last_seq,
		         n->pair == PAIR_PAIRED
		                 ? "leaves active: the standby has all"
		                 : "nothing is acknowledged; 503 once memory is full");
	} else if (d->hangs && !hangs) {
		node_say(n, WEIGHT_NOTICE, "disk=answers durable=%llu seq=%llu",
		         (unsigned long long)n->durable_seq, (unsigned long long)n->last_seq);
	}
	d->hangs = hangs;
	hand_over(n);
}
