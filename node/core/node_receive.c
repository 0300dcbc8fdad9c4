#include <assert.h>

#include "node/core/node_parts.h"

static bool may_receive(const struct node *n)
{
	enum role role = n->role.role;

	return role == ROLE_INIT || role == ROLE_SYNCING || role == ROLE_STANDBY;
}

/* False: the link was dropped, or nothing is to be done. */
static bool fits(struct node *n, struct received r)
{
	if (r.what != RECEIVE_DROP)
		return r.what != RECEIVE_NOTHING;
	node_close_link(n, r.why);
	return false;
}

void node_abort_next(struct node *n)
{
	if (n->next == NULL)
		return;
	copy_free(&n->next);
	(void)node_out(n, OUT_NEXT_ABORT);
}

static void begin_next(struct node *n)
{
	node_abort_next(n);
	n->next = copy_new(&n->options.alloc);
	(void)node_out(n, OUT_NEXT_BEGIN);
}

/* Kept in a file, too, until an operator throws it away: once, however often the link fails. */
static void hand_in_fork(struct node *n, uint64_t fork_seq)
{
	uint64_t entries = n->last_seq > fork_seq ? n->last_seq - fork_seq : 0;

	if (entries > 0 && n->set_aside_through != n->last_seq) {
		n->set_aside_through = n->last_seq;
		n->forks++;
		n->fork_entries += entries;
		node_out(n, OUT_SET_ASIDE)->seq = fork_seq;
		node_keep(n, &(struct note){"fork", "-", "set aside", "the histories parted"});
		node_say(n, WEIGHT_ERROR, "fork=found after=%llu entries=%llu",
		         (unsigned long long)fork_seq, (unsigned long long)entries);
	}
	n->fork_held = true;
	node_fork_begin(n, fork_seq);
}

void node_on_resume(struct node *n, const struct frame *f)
{
	struct resume resume = {f->resume.how, f->resume.from_seq, f->resume.fork_seq};

	if (!may_receive(n)) {
		node_close_link(n, "a resume for a node that is no standby");
		return;
	}
	struct received r = receiver_resume(&n->receiver, &resume, n->last_seq);
	if (n->receiver.phase == RECEIVER_TAIL)
		n->fork_held = false; /* it has become the pair's history */
	if (!fits(n, r))
		return;
	if (r.what == RECEIVE_HAND_IN)
		hand_in_fork(n, resume.fork_seq);
	else
		begin_next(n);
}

static void put_next(struct node *n, enum table table, struct slice key, struct slice value)
{
	struct pairtime deadline = PAIRTIME_NEVER;
	struct arena before = n->arena;

	if (table == TABLE_AOR && value.n > 0)
		deadline = aor_deadline(value, n->options.server.nonce_lifetime_ms, &n->arena);
	n->arena = before;
	if (value.n == 0)
		copy_delete(n->next, table, key);
	else
		copy_put(n->next, table, key, value, 0, deadline);
	struct node_output *o = node_out(n, OUT_NEXT_PUT);
	o->record.table = table;
	o->record.key = key;
	o->record.value = value;
}

static void count_gone(struct node *n)
{
	struct copy_cursor cursor = {0};
	const struct copy_item *item;
	struct subscriber_record s;
	struct arena before = n->arena;

	n->subscribers_gone = 0;
	while ((item = copy_walk(n->copy, TABLE_SUBSCRIBER, &cursor)) != NULL) {
		if (subscriber_decode(item->value, &n->arena, &s) == OK && s.gone)
			n->subscribers_gone++;
		n->arena = before;
	}
}

/* The new generation is whole: it is ours from here on. */
static void switch_over(struct node *n, uint64_t through)
{
	copy_free(&n->copy);
	n->copy = n->next;
	n->next = NULL;
	node_digest_cured(n);
	node_history_load(n);
	count_gone(n);
	n->last_seq = n->durable_seq = through;
	n->log_first = 0;
	n->snapshots_received++;
	if (n->fork_held)
		node_follow_seed(n);
	n->fork_held = false;
	n->clock.floor = n->link.beat.pair; /* the stamps of a fork set aside bind nobody */
	ring_restart(n->window, through + 1);
	struct node_output *o = node_out(n, OUT_NEXT_COMMIT);
	o->position = (struct position){n->reign.id, through};
	o->pair = pair_now(n);
	node_say(n, WEIGHT_NOTICE, "resync=whole seq=%llu records=%llu",
	         (unsigned long long)through, (unsigned long long)n->receiver.items);
}

/* Frames carry what a newer version may know; nothing may be put into a table that is not there. */
static bool table_known(enum table table)
{
	return table >= TABLE_AOR && table < TABLE_END;
}

void node_on_slice(struct node *n, const struct frame *f)
{
	uint64_t digest = 0;

	for (size_t i = 0; i < f->slice.n_items; i++) {
		const struct snapshot_item *item = &f->slice.items[i];
		if (!table_known(item->table)) {
			node_close_link(n, "a record of an unknown table");
			return;
		}
		digest += record_hash(item->table, item->key, item->value);
	}
	if (!fits(n, receiver_slice(&n->receiver, f->slice.number, f->slice.n_items, digest)))
		return;
	for (size_t i = 0; i < f->slice.n_items; i++) {
		const struct snapshot_item *item = &f->slice.items[i];
		put_next(n, item->table, item->key, item->value);
	}
	node_send(n, &(struct frame){.kind = FRAME_SLICE_ACK, .slice_ack = f->slice.number});
}

void node_on_end(struct node *n, const struct frame *f)
{
	struct snapshot_end end = {f->end.slices, f->end.items, f->end.digest, f->end.through_seq};
	struct received r = receiver_end(&n->receiver, &end);

	if (fits(n, r))
		switch_over(n, end.through_seq);
}

static void append_received(struct node *n, const struct entry *e, struct slice bytes)
{
	node_apply(n, e);
	struct node_output *o = node_out(n, OUT_APPEND);
	o->seq = e->seq;
	o->bytes = bytes;
}

void node_on_entry(struct node *n, struct slice bytes)
{
	struct entry e;

	if (!may_receive(n) || entry_decode(bytes, &e) != OK || !table_known(e.table)) {
		node_close_link(n, "an entry that cannot be taken");
		return;
	}
	struct received r = receiver_entry(&n->receiver, e.seq);
	if (!fits(n, r))
		return;
	if (r.what == RECEIVE_APPLY) {
		append_received(n, &e, bytes);
		return;
	}
	put_next(n, e.table, e.key, e.value);
	if (r.what == RECEIVE_SWITCH)
		switch_over(n, e.seq);
}

void node_ack(struct node *n)
{
	struct link *l = &n->link;
	bool news = l->acked_received != n->last_seq || l->acked_durable != n->durable_seq;

	/* Before a snapshot is whole our position means nothing to the active. */
	if (!l->greeted || n->receiver.phase != RECEIVER_TAIL || !news)
		return;
	l->acked_received = n->last_seq;
	l->acked_durable = n->durable_seq;
	node_send(n, &(struct frame){.kind = FRAME_ACK,
	                             .ack = {l->beat.reign, n->last_seq, n->durable_seq}});
}
