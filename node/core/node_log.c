#include <assert.h>

#include "node/core/node_parts.h"
#include "proto/base/reader.h"

enum { STAMP = 8 }; /* a block of the window is the time of its append, then the entry's bytes */

/* What is at the head of a held block; the bytes follow. */
struct held_head {
	uint64_t seq;
	struct node_output output;
};

bool node_window_fits(struct node *n, size_t wanted)
{
	/* The window gives way up to what is durable: only a log that does not keep up fills it. */
	while (!ring_fits(n->window, wanted) && ring_first(n->window) < ring_end(n->window) &&
	       ring_first(n->window) <= n->durable_seq)
		ring_drop(n->window, ring_first(n->window) + 1);
	return ring_fits(n->window, wanted);
}

bool node_has_room(struct node *n)
{
	/* Twice: entries that no request asked for (a reign, the pair's state) find room, too. */
	return !n->log_failed && !n->disk.room_low && node_window_fits(n, 2 * (size_t)ENTRY_MAX) &&
	       ring_fits(n->held, NODE_REPLY_MAX + sizeof(struct held_head));
}

static struct slice encode(struct node *n, const struct entry *e)
{
	size_t room = e->key.n + e->value.n + 64;
	uint8_t *p = arena_take(&n->arena, room);

	assert(p != NULL);
	struct buf to = buf_on(p, room);
	entry_encode(e, &to);
	assert(!to.full);
	return buf_slice(&to);
}

static void keep_in_window(struct node *n, struct slice bytes)
{
	int64_t at = n->now.ms;
	uint8_t *block = ring_push(n->window, STAMP + bytes.n);

	assert(block != NULL); /* room was asked for */
	memcpy(block, &at, STAMP);
	memcpy(block + STAMP, bytes.p, bytes.n);
}

static void put(struct node *n, const struct entry *e, struct pairtime deadline)
{
	if (e->value.n == 0)
		copy_delete(n->copy, e->table, e->key);
	else
		copy_put(n->copy, e->table, e->key, e->value, e->seq, deadline);
	if (e->table == TABLE_NAP)
		node_nap_noted(n, e->key);
}

static void history_put(struct node *n, const struct reign_record *r)
{
	size_t at = n->n_history;

	for (size_t i = 0; i < n->n_history; i++)
		if (n->history[i].id == r->id || n->history[i].first_seq == r->first_seq)
			return;
	while (at > 0 && n->history[at - 1].first_seq > r->first_seq)
		at--;
	if (n->n_history == HISTORY_MAX) {
		if (at == 0)
			return;
		memmove(n->history, n->history + 1, (HISTORY_MAX - 1) * sizeof *n->history);
		n->n_history--;
		at--;
	}
	memmove(n->history + at + 1, n->history + at, (n->n_history - at) * sizeof *n->history);
	n->history[at] = (struct reign_mark){.id = r->id,
	                                     .epoch = r->epoch,
	                                     .unit = r->unit,
	                                     .first_seq = r->first_seq,
	                                     .began = r->began};
	n->n_history++;
}

static void history_drop(struct node *n, struct slice key)
{
	struct reader r = {.rest = key};
	uint64_t id = reader_u64(&r);

	for (size_t i = 0; i < n->n_history; i++)
		if (n->history[i].id == id) {
			n->n_history--;
			memmove(n->history + i, n->history + i + 1,
			        (n->n_history - i) * sizeof *n->history);
			return;
		}
}

static void note_reign(struct node *n, const struct entry *e)
{
	struct reign_record r;

	if (e->value.n == 0) {
		history_drop(n, e->key);
		return;
	}
	if (reign_decode(e->value, &n->arena, &r) != OK || r.epoch >= EPOCH_END)
		return; /* ours would overflow behind it */
	if (r.restored && r.began.ms > n->restored.ms)
		n->restored = r.began;
	r.unknown = (struct unknown_fields){0}; /* they live in the step's arena */
	history_put(n, &r);
	if (r.first_seq >= n->reign.first_seq)
		n->reign = r;
}

static bool is_gone(struct slice value, struct arena scratch)
{
	struct subscriber_record s;

	return value.n > 0 && subscriber_decode(value, &scratch, &s) == OK && s.gone;
}

void node_count_gone(const struct copy *c, struct arena scratch, const struct entry *e,
                     uint64_t *gone)
{
	const struct copy_item *old = copy_get(c, TABLE_SUBSCRIBER, e->key);

	if (old != NULL && is_gone(old->value, scratch))
		--*gone;
	if (is_gone(e->value, scratch))
		++*gone;
}

static void note_subscriber(struct node *n, const struct entry *e)
{
	node_count_gone(n->copy, n->arena, e, &n->subscribers_gone);
}

void node_apply(struct node *n, const struct entry *e)
{
	struct pairtime deadline = PAIRTIME_NEVER;
	struct arena before = n->arena; /* a record may swell beyond it: kept, but not read */

	if (e->table == TABLE_REIGN)
		note_reign(n, e);
	else if (e->table == TABLE_SUBSCRIBER)
		note_subscriber(n, e);
	else if (e->table == TABLE_AOR && e->value.n > 0)
		deadline = aor_deadline(e->value, n->options.server.nonce_lifetime_ms, &n->arena);
	n->arena = before;
	put(n, e, deadline);
	pair_clock_seen(&n->clock, e->pair);
	if (e->seq > n->last_seq)
		n->last_seq = e->seq;
}

void node_history_load(struct node *n)
{
	struct copy_cursor cursor = {0};
	const struct copy_item *item;

	n->n_history = 0;
	n->restored = (struct pairtime){0};
	n->reign = (struct reign_record){0};
	while ((item = copy_walk(n->copy, TABLE_REIGN, &cursor)) != NULL) {
		struct entry e = {.table = TABLE_REIGN, .key = item->key, .value = item->value};
		note_reign(n, &e);
	}
}

/* Six facts of one change; a struct for them would be filled at each call and read here alone.
 * NOLINTNEXTLINE(readability-function-size) */
uint64_t node_append(struct node *n, enum entry_kind kind, enum table table, struct slice key,
                     struct slice value, struct pairtime deadline)
{
	struct entry e = {
		.seq = n->last_seq + 1,
		.reign = n->reign.id,
		.pair = pair_now(n),
		.kind = kind,
		.table = table,
		.key = key,
		.value = value,
	};
	struct slice bytes = encode(n, &e);

	assert(n->role.role == ROLE_ACTIVE || n->role.role == ROLE_TAKING_OVER);
	if (table == TABLE_REIGN)
		note_reign(n, &e);
	else if (table == TABLE_SUBSCRIBER)
		note_subscriber(n, &e);
	node_diff_note(n, &e);
	put(n, &e, deadline);
	if (table == TABLE_AOR)
		node_watch_changed(n, key);
	n->last_seq = e.seq;
	keep_in_window(n, bytes);
	struct node_output *o = node_out(n, OUT_APPEND);
	o->seq = e.seq;
	o->bytes = bytes;
	o->wall_ms = n->wall_ms;
	if (n->sender.phase == SENDER_LIVE)
		node_send(n, &(struct frame){.kind = FRAME_ENTRY, .entry = bytes});
	return e.seq;
}

uint64_t node_allowed(const struct node *n)
{
	return commit_allows(n->options.commit, n->pair, n->durable_seq, n->sender.received);
}

void node_hold(struct node *n, uint64_t depends_on, const struct node_output *output)
{
	bool none_held = ring_end(n->held) <= n->held_before ||
	                 ring_first(n->held) == ring_end(n->held);

	bool may_leave = !n->doubt && depends_on <= node_allowed(n);
	uint8_t *block = none_held && may_leave
	                         ? NULL
	                         : ring_push(n->held, sizeof(struct held_head) + output->bytes.n);

	if (block == NULL) {
		/* Full: a 503 overtakes what waits; a fetch is asked for again. Room for the answer
		 * to a change was asked for before deciding. */
		if (!may_leave)
			return;
		*node_out(n, output->kind) = *output;
		n->handover.spoke = n->now;
		return;
	}
	struct held_head head = {.seq = depends_on, .output = *output};
	memcpy(block + sizeof head, output->bytes.p, output->bytes.n);
	head.output.bytes = (struct slice){block + sizeof head, output->bytes.n};
	memcpy(block, &head, sizeof head);
}

static uint64_t oldest_held(const struct node *n)
{
	return n->held_before > ring_first(n->held) ? n->held_before : ring_first(n->held);
}

static struct held_head held_at(const struct node *n, uint64_t number)
{
	struct held_head head;

	memcpy(&head, ring_at(n->held, number).p, sizeof head);
	return head;
}

bool node_may_release(const struct node *n)
{
	uint64_t at = oldest_held(n);

	return !n->doubt && at < ring_end(n->held) && held_at(n, at).seq <= node_allowed(n);
}

void node_release(struct node *n)
{
	uint64_t allowed = node_allowed(n);
	uint64_t at = oldest_held(n);

	for (int i = 0; !n->doubt && at < ring_end(n->held) && i < NODE_RELEASE_MAX; at++, i++) {
		struct held_head head = held_at(n, at);
		if (head.seq > allowed)
			break;
		*node_out(n, head.output.kind) = head.output;
	}
	if (at != n->held_before)
		n->handover.spoke = n->now;
	n->held_before = at;
}

/* Nothing that waits may leave any more; who asked asks again. An operator does not know that. */
void node_drop_held(struct node *n)
{
	for (uint64_t at = oldest_held(n); at < ring_end(n->held); at++) {
		struct held_head head = held_at(n, at);
		if (head.output.kind == OUT_ANSWER)
			node_answer(n, head.output.ticket, false,
			            "this node is active no more: see on the other what was kept");
	}
	n->held_before = ring_end(n->held);
}
