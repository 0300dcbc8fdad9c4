/* The connection for bulk beside the live link: what belongs on it, how fast, and how far it is. */
#include "node/core/node_parts.h"

enum { TELL_MS = 1000 };

/* --- the connection --- */

void node_on_bulk_up(struct node *n, const struct node_input *in)
{
	struct link *l = &n->link;

	if (l->bulk_up || !l->up)
		node_out(n, OUT_CLOSE_LINK)->connection = l->bulk_up ? l->bulk_connection
		                                                     : in->connection;
	if (!l->up)
		return;
	sender_bulk_down(&n->sender);
	l->bulk_up = true;
	l->bulk_connection = in->connection;
	if (l->greeted)
		node_go_on(n);
}

void node_on_bulk_down(struct node *n, const struct node_input *in)
{
	struct link *l = &n->link;

	if (!l->bulk_up || in->connection != l->bulk_connection)
		return;
	l->bulk_up = false;
	sender_bulk_down(&n->sender);
	n->fork.ack_due = false;
	if (n->resync.going)
		node_say(n, WEIGHT_NOTICE, "resync=paused left=%llu",
		         (unsigned long long)node_resync_left(n));
}

void node_go_on(struct node *n)
{
	if (!n->link.bulk_up || n->receiver.phase == RECEIVER_IDLE)
		return;
	node_send_bulk(n,
	               &(struct frame){.kind = FRAME_GO_ON, .go_on = receiver_go_on(&n->receiver)});
	if (n->receiver.phase == RECEIVER_FORK)
		node_fork_begin(n, n->fork.fork_seq);
}

static void on_slice(struct node *n, const struct frame *f)
{
	if (node_active(n))
		node_fork_slice(n, f);
	else
		node_on_slice(n, f);
}

static void on_end(struct node *n, const struct frame *f)
{
	if (node_active(n))
		node_fork_end(n);
	else
		node_on_end(n, f);
}

void node_on_bulk_frame(struct node *n, const struct frame *f)
{
	if (!n->link.greeted)
		return;
	if (f->kind == FRAME_ENTRY)
		node_on_entry(n, f->entry);
	else if (f->kind == FRAME_SLICE)
		on_slice(n, f);
	else if (f->kind == FRAME_END)
		on_end(n, f);
	else if (f->kind == FRAME_SLICE_ACK)
		node_on_ack(n, f);
	else if (f->kind == FRAME_LIVE)
		node_on_handed_over(n, f->live_step);
	else if (f->kind == FRAME_GO_ON)
		node_on_go_on(n, &f->go_on);
	else
		node_close_link(n, "what belongs on the live link");
}

/* --- how fast --- */

static void refill(struct node *n)
{
	int64_t rate = (int64_t)n->options.resync_rate;
	int64_t passed_ms = n->now.ms - n->budget_at.ms;
	int64_t most = rate * NODE_BURST_MS / 1000;

	n->budget_at = n->now;
	n->budget += rate * (passed_ms < 1000 ? passed_ms : 1000) / 1000;
	if (n->budget > most)
		n->budget = most;
}

bool node_bulk_may(struct node *n)
{
	if (n->options.resync_rate == 0)
		return true;
	refill(n);
	if (n->budget > 0)
		return true;
	int64_t wait_ms = 1 - n->budget * 1000 / (int64_t)n->options.resync_rate;
	n->pump_due = mtime_min(n->pump_due, mtime_add_ms(n->now, wait_ms));
	return false;
}

/* --- how far --- */

uint64_t node_records(const struct copy *c)
{
	uint64_t records = 0;

	for (int t = TABLE_AOR; t < TABLE_END; t++)
		records += copy_count(c, (enum table)t);
	return records;
}

/* What is not whole is never done. */
static uint64_t left_of(uint64_t all, uint64_t done)
{
	return all > done ? all - done : 1;
}

static uint64_t left_to_send(const struct node *n)
{
	const struct sender *s = &n->sender;
	uint64_t behind = n->last_seq + 1 - s->next_seq;

	switch (s->phase) {
	case SENDER_FORK:
		return node_records(n->copy) + 1;
	case SENDER_SNAPSHOT:
		return left_of(node_records(n->copy), n->sent_items) + behind;
	case SENDER_CATCHING_UP:
		return s->snapshot ? left_of(behind, 0) : left_of(n->last_seq, s->received);
	case SENDER_IDLE:
	case SENDER_LIVE:
		break;
	}
	return 0;
}

static uint64_t left_to_come(const struct node *n)
{
	const struct receiver *r = &n->receiver;
	uint64_t last = n->link.beat.last_seq;
	uint64_t have = receiver_has_half(r) ? r->expects - 1 : n->last_seq;
	uint64_t behind = last > have ? last - have : 0;

	if (r->phase == RECEIVER_FORK)
		return node_records(n->copy) + 1;
	if (receiver_has_half(r))
		return (r->through != 0 ? 1 : left_of(r->records, r->items)) + behind;
	return behind;
}

uint64_t node_resync_left(const struct node *n)
{
	return n->sender.phase != SENDER_IDLE ? left_to_send(n) : left_to_come(n);
}

void node_resync_begin(struct node *n)
{
	n->resync = (struct resync){.going = true, .began = n->now, .told = n->now};
}

void node_resync_end(struct node *n)
{
	if (n->resync.going)
		node_say(n, WEIGHT_NOTICE, "resync=done seq=%llu bytes=%llu took_ms=%lld",
		         (unsigned long long)n->last_seq, (unsigned long long)n->resync.bytes,
		         (long long)(n->now.ms - n->resync.began.ms));
	n->resync.going = false;
}

void node_resync_tell(struct node *n)
{
	struct resync *r = &n->resync;

	if (!r->going || !mtime_reached(mtime_add_ms(r->told, TELL_MS), n->now))
		return;
	r->told = n->now;
	uint64_t left = node_resync_left(n);
	if (left != r->left)
		node_say(n, WEIGHT_NOTICE, "resync=going left=%llu bytes=%llu",
		         (unsigned long long)left, (unsigned long long)r->bytes);
	r->left = left;
}
