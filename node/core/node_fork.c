/* A fork heals (design.md section 8): the loser hands in its side, slice by slice; the active merges it
 * record by record into its own history; then a snapshot of the outcome replaces the loser's.
 * Until that snapshot is whole the loser keeps its fork: a crash anywhere just does it again. */
#include <assert.h>

#include "node/core/merge.h"
#include "node/core/node_parts.h"

enum { HAND_IN_BYTES = 8 * 1024, MERGE_SCRATCH = 1024 * 1024 };

/* --- the loser --- */

void node_fork_begin(struct node *n, uint64_t fork_seq)
{
	struct fork *f = &n->fork;

	*f = (struct fork){
		.handing_in = true,
		.fork_seq = fork_seq,
		.next_seq = fork_seq + 1,
		.by_log = n->log_first != 0 && n->log_first <= fork_seq + 1,
	};
	n->cursor = (struct copy_cursor){0};
	n->cursor_table = TABLE_AOR;
	n->sent_items = 0;
	n->sent_digest = 0;
}

static bool is_merged_table(enum table t)
{
	return t == TABLE_AOR || t == TABLE_SUBSCRIBER || t == TABLE_SECRET || t == TABLE_WATCHER ||
	       t == TABLE_NAP;
}

static bool has_item(const struct snapshot_item *items, size_t count, const struct entry *e)
{
	for (size_t i = 0; i < count; i++)
		if (items[i].table == e->table && slice_eq(items[i].key, e->key))
			return true;
	return false;
}

/* What the key of a fork's entry holds now: the last of all its changes. */
static void add_item(struct node *n, struct snapshot_item *items, size_t *count,
                     const struct entry *e)
{
	const struct copy_item *item = copy_get(n->copy, e->table, e->key);

	if (item != NULL && !copy_sound(e->table, item)) {
		node_memory_fault(n, e->table, e->key);
		return; /* the file of the fork has it */
	}
	/* What is gone says nothing: absence is no removal. */
	if (item == NULL || !is_merged_table(e->table) || has_item(items, *count, e))
		return;
	items[(*count)++] = (struct snapshot_item){e->table, e->key, item->value};
	n->sent_digest += record_hash(e->table, e->key, item->value);
}

static void hand_in(struct node *n, const struct snapshot_item *items, size_t count, bool last)
{
	struct fork *f = &n->fork;

	f->slices++;
	n->sent_items += count;
	node_send_bulk(n, &(struct frame){.kind = FRAME_SLICE,
	                                  .slice = {f->slices, items, count, {0}}});
	if (!last)
		return;
	node_send_bulk(
		n, &(struct frame){.kind = FRAME_END,
	                           .end = {f->slices, n->sent_items, n->sent_digest, n->last_seq}});
	f->handing_in = false;
}

static struct snapshot_item *take_items(struct node *n)
{
	struct snapshot_item *items = arena_take(&n->arena, SLICE_ITEMS_MAX * sizeof *items);

	assert(items != NULL);
	return items;
}

/* One block of the log, or as much of it as a slice takes: the rest is asked for again. */
void node_fork_log_read(struct node *n, struct slice bytes)
{
	struct fork *f = &n->fork;
	struct snapshot_item *items = take_items(n);
	size_t count = 0, size = 0;
	struct block b;
	struct slice one;
	struct entry e;

	f->reading = false;
	if (!n->link.bulk_up)
		return;
	if (bytes.n == 0 || block_open(bytes, &b) != OK) {
		f->by_log = false; /* trimmed, or not on the disk yet: every record, then */
		return;
	}
	while (count < SLICE_ITEMS_MAX && size < HAND_IN_BYTES && block_next(&b, &one)) {
		if (entry_decode(one, &e) != OK || e.seq != f->next_seq)
			continue;
		f->next_seq++;
		size_t before = count;
		add_item(n, items, &count, &e);
		if (count > before)
			size += items[before].key.n + items[before].value.n;
	}
	hand_in(n, items, count, f->next_seq > n->last_seq);
}

/* The log does not reach back that far: every record of ours. */
static void hand_in_records(struct node *n)
{
	struct snapshot_item *items = take_items(n);
	size_t count = 0, size = 0;

	while (n->cursor_table < TABLE_END && count < SLICE_ITEMS_MAX && size < HAND_IN_BYTES) {
		const struct copy_item *item =
			is_merged_table(n->cursor_table)
				? copy_walk(n->copy, n->cursor_table, &n->cursor)
				: NULL;
		if (item == NULL) {
			n->cursor_table++;
			n->cursor = (struct copy_cursor){0};
			continue;
		}
		items[count++] = (struct snapshot_item){n->cursor_table, item->key, item->value};
		size += item->key.n + item->value.n;
		n->sent_digest += record_hash(n->cursor_table, item->key, item->value);
	}
	hand_in(n, items, count, n->cursor_table == TABLE_END);
}

/* The next slice must find room: what has been merged goes to the disk first. */
static void acknowledge_slice(struct node *n)
{
	struct fork *f = &n->fork;
	size_t wanted = 2 * (size_t)ENTRY_MAX + 4 * (size_t)HAND_IN_BYTES;

	if (!node_window_fits(n, wanted) && n->durable_seq < n->last_seq)
		return;
	f->ack_due = false;
	node_send_bulk(n, &(struct frame){.kind = FRAME_SLICE_ACK, .slice_ack = f->slices});
}

/* One slice at a time: the next when the active has merged this one. */
void node_fork_pump(struct node *n)
{
	struct fork *f = &n->fork;

	if (!n->link.bulk_up || !node_bulk_may(n))
		return;
	if (f->ack_due)
		acknowledge_slice(n);
	if (!f->handing_in || f->reading || f->slices != f->acked)
		return;
	if (!f->by_log) {
		hand_in_records(n);
		return;
	}
	if (f->next_seq > n->last_seq) {
		hand_in(n, NULL, 0, true);
		return;
	}
	f->reading = true;
	node_out(n, OUT_READ_LOG)->seq = f->next_seq;
}

/* --- the active --- */

static struct pairtime own_fork_began(const struct node *n)
{
	for (size_t i = 0; i < n->n_history; i++)
		if (n->history[i].first_seq == n->fork.fork_seq + 1)
			return n->history[i].began;
	return (struct pairtime){0}; /* it went on in the reign that both know */
}

static struct merge merge_with(const struct node *n)
{
	const struct link *l = &n->link;
	struct merge m = {.their_shift_ms = l->clock_shift_ms,
	                  .their_fork_began = PAIRTIME_NEVER,
	                  .common_until = own_fork_began(n)};

	for (size_t i = 0; i < l->n_history && m.n_their_reigns < MERGE_REIGNS_MAX; i++) {
		const struct reign_mark *r = &l->history[i];
		if (r->first_seq <= n->fork.fork_seq || r->epoch < l->hello.clock_epoch)
			continue;
		if (m.n_their_reigns == 0)
			m.their_fork_began = r->began;
		m.their_reigns[m.n_their_reigns].epoch = r->epoch;
		m.their_reigns[m.n_their_reigns++].unit = r->unit;
	}
	return m;
}

void node_fork_expect(struct node *n, uint64_t fork_seq)
{
	n->fork = (struct fork){.merging = true, .fork_seq = fork_seq};
}

static void tell(struct node *n, const struct snapshot_item *item, enum merge_outcome outcome)
{
	static const char *const names[] = {[MERGE_OURS_STAYS] = "ours",
	                                    [MERGE_THEIRS_WINS] = "theirs",
	                                    [MERGE_JOINED] = "joined"};
	struct node_output *o = node_out(n, OUT_DIVERGENCE);

	o->record.table = item->table;
	o->record.key = item->key;
	o->bytes = slice_str(names[outcome]);
	o->pair = pair_now(n);
	n->merged_keys++;
	n->merged_theirs += outcome == MERGE_THEIRS_WINS;
	n->merged_joined += outcome == MERGE_JOINED;
}

static void merge_item(struct node *n, const struct merge *m, const struct snapshot_item *item,
                       struct arena *scratch)
{
	const struct copy_item *mine = copy_get(n->copy, item->table, item->key);
	struct merge_versions v = {.ours = mine == NULL ? (struct slice){NULL, 0} : mine->value,
	                           .theirs = item->value};
	struct merged merged;
	struct pairtime deadline = PAIRTIME_NEVER;

	if (slice_eq(v.ours, v.theirs) || item->key.n == 0)
		return; /* both have it: nothing differs */
	if (mine != NULL && !copy_sound(item->table, mine)) {
		node_memory_fault(n, item->table, item->key);
		return;
	}
	if (record_merge(m, item->table, &v, scratch, &merged) != OK) {
		node_say(n, WEIGHT_ERROR, "merge=failed table=%s key=" SLICE_FMT,
		         table_name(item->table), SLICE_ARG(item->key));
		return;
	}
	tell(n, item, merged.outcome);
	if (merged.outcome == MERGE_OURS_STAYS || slice_eq(merged.value, v.ours))
		return;
	if (item->table == TABLE_AOR && merged.value.n > 0)
		deadline = aor_deadline(merged.value, n->options.server.nonce_lifetime_ms, scratch);
	else if (item->table == TABLE_WATCHER)
		deadline = pair_now(n);
	(void)node_append(n, ENTRY_MERGE, item->table, item->key, merged.value, deadline);
}

void node_fork_slice(struct node *n, const struct frame *frame)
{
	struct fork *f = &n->fork;
	struct merge m = merge_with(n);
	const struct snapshot_item *item = frame->slice.items;
	struct arena scratch = arena_on(arena_take(&n->arena, MERGE_SCRATCH), MERGE_SCRATCH);

	assert(scratch.p != NULL);
	if (!f->merging)
		return; /* of a hand-in that was done when its bulk connection was lost */
	if (frame->slice.number != f->slices + 1) {
		node_close_link(n, "a slice nobody asked for");
		return;
	}
	for (size_t i = 0; i < frame->slice.n_items; i++, item++) {
		if (!node_has_room(n)) {
			node_close_link(n, "no room to merge: again later");
			return;
		}
		arena_reset(&scratch);
		if (is_merged_table(item->table))
			merge_item(n, &m, item, &scratch);
	}
	f->slices++;
	f->ack_due = true;
}

void node_fork_end(struct node *n)
{
	if (!n->fork.merging)
		return;
	node_keep(n, &(struct note){"fork", "-", "merged", "the peer's is in"});
	node_say(n, WEIGHT_WARN, "fork=merged after=%llu keys=%llu theirs=%llu joined=%llu",
	         (unsigned long long)n->fork.fork_seq, (unsigned long long)n->merged_keys,
	         (unsigned long long)n->merged_theirs, (unsigned long long)n->merged_joined);
	n->fork = (struct fork){0};
	n->merges++;
	node_send_snapshot(n);
}
