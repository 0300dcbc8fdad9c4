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
		return r.what != RECEIVE_NOTHING && r.what != RECEIVE_GO_ON;
	node_close_link(n, r.why);
	return false;
}

void node_bury(struct node *n, struct copy **copy)
{
	copy_free(&n->old); /* two within moments: the first at once, memory is bounded */
	n->old = *copy;
	*copy = NULL;
}

void node_abort_next(struct node *n)
{
	if (n->next == NULL)
		return;
	node_bury(n, &n->next);
	(void)node_out(n, OUT_NEXT_ABORT);
}

void node_drop_half(struct node *n)
{
	if (receiver_has_half(&n->receiver))
		n->receiver = (struct receiver){0};
	node_abort_next(n);
}

static void begin_next(struct node *n)
{
	node_abort_next(n);
	n->next = server_copy(n->server, &n->options.alloc);
	n->next_gone = 0;
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
	struct resume resume = {f->resume.how, f->resume.from_seq, f->resume.fork_seq,
	                        f->resume.records};

	if (!may_receive(n)) {
		node_close_link(n, "a resume for a node that is no standby");
		return;
	}
	struct received r = receiver_resume(&n->receiver, &resume, n->link.beat.reign, n->last_seq);
	if (!receiver_has_half(&n->receiver))
		node_abort_next(n);
	if (n->receiver.phase == RECEIVER_TAIL)
		n->fork_held = false; /* it has become the pair's history */
	if (r.what == RECEIVE_DROP) {
		node_close_link(n, r.why);
		return;
	}
	n->fork = (struct fork){0};
	if (r.what == RECEIVE_HAND_IN)
		hand_in_fork(n, resume.fork_seq);
	else if (r.what == RECEIVE_BEGIN)
		begin_next(n);
	if (resume.how != RESUME_NOTHING)
		node_resync_begin(n);
	node_go_on(n);
}

static void put_next(struct node *n, enum table table, struct slice key, struct slice value)
{
	struct pairtime deadline = PAIRTIME_NEVER;
	struct entry e = {.table = table, .key = key, .value = value};
	struct arena before = n->arena;

	if (table == TABLE_AOR && value.n > 0)
		deadline = aor_deadline(value, n->options.server.nonce_lifetime_ms, &n->arena);
	n->arena = before;
	if (table == TABLE_SUBSCRIBER)
		node_count_gone(n->next, n->arena, &e, &n->next_gone);
	if (value.n == 0)
		copy_delete(n->next, table, key);
	else
		copy_put(n->next, table, key, value, 0, deadline);
	struct node_output *o = node_out(n, OUT_NEXT_PUT);
	o->record.table = table;
	o->record.key = key;
	o->record.value = value;
}

/* A snapshot that does not end: what takes more memory than a store may have could never be stored. */
static bool next_too_large(struct node *n)
{
	uint64_t most = n->options.snapshot_max;

	if (most == 0 || copy_bytes(n->next) <= most)
		return false;
	node_say(n, WEIGHT_ERROR, "resync=refused bytes=%llu most=%llu records=%llu of=%llu",
	         (unsigned long long)copy_bytes(n->next), (unsigned long long)most,
	         (unsigned long long)n->receiver.items, (unsigned long long)n->receiver.records);
	node_keep(n, &(struct note){"snapshot", "-", "refused", "larger than a store may be"});
	node_drop_half(n);
	node_close_link(n, "a snapshot larger than store.max_size");
	return true;
}

/* What was put so far is to be acknowledged once it is stored. */
static void mark_next(struct node *n)
{
	uint64_t mark = receiver_mark(&n->receiver);

	if (next_too_large(n))
		return;
	if (mark != 0)
		node_out(n, OUT_NEXT_SLICE)->seq = mark;
}

void node_on_next_stored(struct node *n, const struct node_input *in)
{
	struct receiver *r = &n->receiver;

	if (!receiver_has_half(r) || in->seq <= r->stored)
		return;
	r->stored = in->seq;
	if (n->link.bulk_up && r->phase != RECEIVER_HALF)
		node_send_bulk(n, &(struct frame){.kind = FRAME_SLICE_ACK, .slice_ack = r->stored});
}

/* The new generation is whole: it is ours from here on. */
static void switch_over(struct node *n, uint64_t through)
{
	node_bury(n, &n->copy);
	n->copy = n->next;
	n->next = NULL;
	node_digest_cured(n);
	node_history_load(n);
	node_nap_noted_all(n);
	n->subscribers_gone = n->next_gone;
	n->last_seq = n->placing = through;
	n->durable_seq = 0; /* until it is in place, a crash brings the old one back */
	n->log_first = 0;
	n->snapshots_received++;
	if (n->fork_held)
		node_follow_seed(n);
	n->fork_held = false;
	n->set_aside_through = 0;           /* of a history that is not ours any more */
	n->clock.floor = n->link.beat.pair; /* the stamps of a fork set aside bind nobody */
	ring_restart(n->window, through + 1);
	struct node_output *o = node_out(n, OUT_NEXT_COMMIT);
	o->position = (struct position){n->reign.id, through};
	o->pair = pair_now(n);
	o->wall_ms = n->wall_ms;
	node_keep(n, &(struct note){"snapshot", "-", "received", "it replaces what was"});
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
	struct slice_sums sums = {
		.number = f->slice.number, .items = f->slice.n_items, .place = f->slice.place};

	for (size_t i = 0; i < f->slice.n_items; i++) {
		const struct snapshot_item *item = &f->slice.items[i];
		if (!table_known(item->table)) {
			node_drop_half(n);
			node_close_link(n, "a record of an unknown table");
			return;
		}
		sums.digest += record_hash(item->table, item->key, item->value);
		n->resync.bytes += item->key.n + item->value.n;
	}
	if (!fits(n, receiver_slice(&n->receiver, &sums)))
		return;
	for (size_t i = 0; i < f->slice.n_items; i++) {
		const struct snapshot_item *item = &f->slice.items[i];
		put_next(n, item->table, item->key, item->value);
	}
	mark_next(n);
}

void node_on_handed_over(struct node *n, uint64_t last_seq)
{
	if (may_receive(n))
		(void)fits(n, receiver_handed_over(&n->receiver, last_seq));
}

void node_on_live(struct node *n, uint64_t step_seq)
{
	if (!may_receive(n))
		return;
	(void)fits(n, receiver_live(&n->receiver, step_seq));
	if (n->receiver.live)
		node_resync_end(n);
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
	o->wall_ms = n->wall_ms;
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
	else
		mark_next(n);
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
