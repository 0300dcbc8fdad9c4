#include <assert.h>

#include "node/core/node_parts.h"

enum {
	STAMP = 8,
	SLICE_BYTES = 64 * 1024,
	TRIAL_MIN_MS = 2000,
	TRIAL_MAX_MS = 30 * 1000,       /* one wait of peer_timeout in so long is not felt */
	TRIAL_FORGOTTEN_MS = 60 * 1000, /* paired for so long, it begins with the shortest again */
};

static bool peer_receives(const struct node *n)
{
	uint8_t role = n->link.beat.role;

	return role == ROLE_INIT || role == ROLE_SYNCING || role == ROLE_STANDBY;
}

static void say_resume(struct node *n, const struct resume *r)
{
	static const char *const names[] = {[RESUME_NOTHING] = "nothing",
	                                    [RESUME_TAIL] = "tail",
	                                    [RESUME_SNAPSHOT] = "snapshot",
	                                    [RESUME_FORK] = "fork"};

	sender_begin(&n->sender, r, n->link.hello.durable_seq);
	n->disk_mark = 0; /* of another history, perhaps a longer one */
	n->half_from = r->how == RESUME_SNAPSHOT ? r->from_seq : 0;
	node_send(n, &(struct frame){.kind = FRAME_RESUME,
	                             .resume = {r->how, r->from_seq, r->fork_seq, r->records}});
	node_say(n, WEIGHT_NOTICE, "resync=%s from=%llu last=%llu records=%llu", names[r->how],
	         (unsigned long long)r->from_seq, (unsigned long long)n->last_seq,
	         (unsigned long long)r->records);
	if (r->how != RESUME_NOTHING)
		node_resync_begin(n);
}

/* `from_seq`: the first entry behind its begin, perhaps long ago. */
static void send_snapshot_from(struct node *n, uint64_t from_seq)
{
	struct resume r = {
		.how = RESUME_SNAPSHOT, .from_seq = from_seq, .records = node_records(n->copy)};

	n->sent_items = 0;
	n->digest.snapshot_due = false;
	say_resume(n, &r);
}

void node_send_snapshot(struct node *n)
{
	n->snapshots_sent++;
	send_snapshot_from(n, n->last_seq + 1);
}

/* The oldest entry that can still be sent. */
static uint64_t oldest_kept(const struct node *n)
{
	uint64_t window = ring_first(n->window);

	return n->log_first != 0 && n->log_first < window ? n->log_first : window;
}

void node_resume(struct node *n)
{
	struct link *l = &n->link;
	struct history ours = {n->history, n->n_history, n->last_seq};
	struct history theirs = {l->history, l->n_history, l->hello.received_seq};

	if (!node_active(n) || !l->greeted || l->resumed || !peer_receives(n) || node_superseded(n))
		return;
	struct reign_mark reign = {.id = n->reign.id, .first_seq = n->reign.first_seq};
	l->resumed = true;
	if (resume_half(&l->hello, &reign, oldest_kept(n), n->last_seq)) {
		send_snapshot_from(n, l->hello.half_from);
		return;
	}
	struct resume r = resume_decide(&ours, n->log_first, &theirs);
	if (n->digest.snapshot_due && r.how != RESUME_FORK)
		r.how = RESUME_SNAPSHOT;
	if (r.how == RESUME_SNAPSHOT) {
		node_send_snapshot(n);
		return;
	}
	if (r.how == RESUME_FORK)
		node_fork_expect(n, r.fork_seq);
	say_resume(n, &r);
}

/* Each bulk connection begins with it: what was sent on the one before may be lost. */
void node_on_go_on(struct node *n, const struct go_on *g)
{
	if (!node_active(n))
		return;
	if (n->fork.merging && g->how == RESUME_FORK) {
		node_fork_expect(n, n->fork.fork_seq); /* it is handed in anew */
		return;
	}
	if (!sender_go_on(&n->sender, g, n->last_seq)) {
		node_close_link(n, "the standby goes on from nowhere");
		return;
	}
	if (n->sender.phase != SENDER_SNAPSHOT)
		return;
	n->cursor = (struct copy_cursor){g->place.at, g->place.within};
	n->cursor_table = g->place.table < TABLE_AOR   ? TABLE_AOR
	                  : g->place.table > TABLE_END ? TABLE_END
	                                               : g->place.table;
	n->sent_items = g->items;
	n->sent_digest = g->digest;
}

void node_on_ack(struct node *n, const struct frame *f)
{
	if (f->kind == FRAME_SLICE_ACK && n->fork.handing_in) {
		n->fork.acked = f->slice_ack;
		return;
	}
	if (f->kind == FRAME_SLICE_ACK) {
		sender_stored(&n->sender, f->slice_ack);
		return;
	}
	bool ours = node_active(n) || n->role.role == ROLE_STEPPING_DOWN;
	bool sound = f->ack.received_seq <= n->last_seq &&
	             f->ack.durable_seq <= f->ack.received_seq;

	if (!ours || !sound || f->ack.reign != n->reign.id)
		return;
	sender_acked(&n->sender, f->ack.received_seq, f->ack.durable_seq);
	if (!n->sender.snapshot)
		n->half_from = 0;
}

/* Fills one slice from where the cursor stands; true: it was the last. */
static bool fill_slice(struct node *n, struct snapshot_item *items, size_t *count)
{
	size_t most = n->options.slice_bytes != 0 ? n->options.slice_bytes : (size_t)SLICE_BYTES;
	size_t bytes = 0;

	*count = 0;
	while (n->cursor_table < TABLE_END) {
		if (*count == SLICE_ITEMS_MAX || bytes >= most)
			return false;
		const struct copy_item *item = copy_walk(n->copy, n->cursor_table, &n->cursor);
		if (item == NULL) {
			n->cursor_table++;
			n->cursor = (struct copy_cursor){0};
			continue;
		}
		if (!copy_sound(n->cursor_table, item)) {
			node_memory_fault(n, n->cursor_table, item->key);
			continue; /* rather none than a wrong one: the digests will differ */
		}
		items[(*count)++] = (struct snapshot_item){n->cursor_table, item->key, item->value};
		bytes += item->key.n + item->value.n + 16;
		n->sent_digest += item->digest;
	}
	return true;
}

static size_t send_slice(struct node *n, uint64_t number)
{
	struct snapshot_item *items = arena_take(&n->arena, SLICE_ITEMS_MAX * sizeof *items);
	size_t count;

	assert(items != NULL);
	bool last = fill_slice(n, items, &count);
	n->sent_items += count;
	struct snapshot_place place = {n->cursor_table, n->cursor.at, n->cursor.within};
	node_send_bulk(n, &(struct frame){.kind = FRAME_SLICE,
	                                  .slice = {number, items, count, place}});
	sender_sliced(&n->sender, last, n->last_seq);
	if (last)
		node_send_bulk(n, &(struct frame){.kind = FRAME_END,
		                                  .end = {number, n->sent_items, n->sent_digest,
		                                          n->last_seq}});
	return (size_t)SLICE_BYTES * 2; /* with its scratch, what it takes of the turn's share */
}

static size_t send_entry(struct node *n, uint64_t seq, struct slice bytes)
{
	struct frame f = {.kind = FRAME_ENTRY, .entry = bytes};

	if (n->sender.bulk)
		node_send_bulk(n, &f);
	else
		node_send(n, &f);
	sender_sent(&n->sender, seq);
	return bytes.n + 256;
}

static size_t send_one(struct node *n, const struct send *s)
{
	switch (s->what) {
	case SEND_SLICE:
		return send_slice(n, s->seq);
	case SEND_WINDOW:
		return send_entry(n, s->seq, slice_from(ring_at(n->window, s->seq), STAMP));
	case SEND_READ_LOG:
		n->sender.reading = true;
		node_out(n, OUT_READ_LOG)->seq = s->seq;
		break;
	case SEND_HAND_OVER:
		sender_handed_over(&n->sender);
		node_send_bulk(n, &(struct frame){.kind = FRAME_LIVE, .live_step = s->seq});
		break;
	case SEND_BY_BULK:
		sender_by_bulk(&n->sender);
		break;
	case SEND_LIVE:
		sender_live(&n->sender, n->last_seq);
		node_send(n, &(struct frame){.kind = FRAME_LIVE, .live_step = n->last_seq});
		node_resync_end(n);
		break;
	case SEND_NOTHING:
		break;
	}
	return 0;
}

void node_pump(struct node *n)
{
	size_t sent = 0;

	n->pump_due = MTIME_NEVER;
	if (!n->link.up || !node_active(n))
		return;
	while (sent < NODE_PUMP_MAX) {
		struct send s = sender_next(&n->sender, ring_first(n->window), n->last_seq);
		if (s.what == SEND_NOTHING || (n->sender.bulk && !node_bulk_may(n)))
			return;
		sent += send_one(n, &s);
	}
	n->pump_due = n->now;
}

void node_on_log_read(struct node *n, const struct node_input *in)
{
	struct block b;
	struct slice bytes;
	struct entry e;

	if (n->fork.reading && in->seq == n->fork.next_seq) {
		node_fork_log_read(n, in->bytes);
		return;
	}
	if (!n->sender.reading || in->seq != n->sender.next_seq || !n->link.up)
		return;
	n->sender.reading = false;
	n->pump_due = n->now;
	if (in->bytes.n == 0 || block_open(in->bytes, &b) != OK) {
		/* Trimmed since we looked: the next connection begins with a snapshot. */
		n->log_first = in->seq + 1;
		node_close_link(n, "the log does not reach back that far any more");
		return;
	}
	while (block_next(&b, &bytes))
		if (entry_decode(bytes, &e) == OK && e.seq == n->sender.next_seq)
			(void)send_entry(n, e.seq, bytes);
	/* A block without the entry asked for would be asked for again for ever. */
	if (n->sender.next_seq == in->seq)
		node_close_link(n, "the log lacks an entry");
}

/* Age of the oldest entry the standby has not acknowledged; 0: none. */
static int64_t oldest_unacked_ms(const struct node *n)
{
	uint64_t seq = n->sender.received + 1;
	int64_t at;

	if (seq > n->last_seq)
		return 0;
	if (seq < ring_first(n->window))
		seq = ring_first(n->window);
	if (seq == ring_end(n->window))
		return 0; /* all of them gave way to newer ones */
	memcpy(&at, ring_at(n->window, seq).p, STAMP);
	return n->now.ms - at;
}

/* The standby's disk must follow what it received. */
static bool disk_lags(struct node *n)
{
	if (n->sender.durable >= n->disk_mark) {
		n->disk_mark = n->sender.received;
		n->disk_mark_due = mtime_add_ms(n->now, NODE_DURABLE_LAG_MS);
	}
	return n->sender.durable < n->disk_mark && mtime_reached(n->disk_mark_due, n->now);
}

static bool on_trial(const struct node *n)
{
	return !mtime_reached(n->trial.until, n->now);
}

/* Each time that a standby comes to be late an output waits peer_timeout for it: one that was late must be
 * in time for a while before anything waits for it again, longer each time that it fails soon after. */
static void note_late(struct node *n)
{
	struct trial *t = &n->trial;
	bool soon = !mtime_reached(mtime_add_ms(n->pair_since, TRIAL_FORGOTTEN_MS), n->now);
	int64_t longer_ms = 2 * t->ms < TRIAL_MAX_MS ? 2 * t->ms : TRIAL_MAX_MS;

	if (n->pair == PAIR_PAIRED)
		t->ms = soon && t->ms > 0 ? longer_ms : TRIAL_MIN_MS;
	if (n->pair == PAIR_PAIRED || on_trial(n))
		t->until = mtime_add_ms(n->now, t->ms);
}

static enum pair_state judge(struct node *n)
{
	struct sender *s = &n->sender;

	if (n->options.role.standalone)
		return PAIR_STANDALONE;
	if (!n->link.greeted || s->phase == SENDER_IDLE)
		return PAIR_EXPOSED;
	if (s->phase != SENDER_LIVE)
		return on_trial(n) ? PAIR_EXPOSED : PAIR_CATCHING_UP;
	bool lags = disk_lags(n);
	if (lags)
		sender_hold(s, n->last_seq);
	if (lags || oldest_unacked_ms(n) >= n->options.role.peer_timeout_ms)
		note_late(n);
	if (on_trial(n)) {
		s->step_seq = n->last_seq;
		return PAIR_EXPOSED;
	}
	return s->received < s->step_seq || lags ? PAIR_CATCHING_UP : PAIR_PAIRED;
}

/* The newest reign's record says whether this disk alone had what was acknowledged last. */
static void log_exposure(struct node *n)
{
	bool exposed = n->pair != PAIR_PAIRED;
	uint8_t key_room[8];
	uint8_t value_room[128];
	struct buf key = buf_on(key_room, sizeof key_room);
	struct buf value = buf_on(value_room, sizeof value_room);

	if (!node_active(n) || n->reign.exposed == exposed || n->options.role.standalone ||
	    !node_has_room(n))
		return;
	struct reign_record r = n->reign;
	r.exposed = exposed;
	buf_uint(&key, r.id, 8);
	reign_encode(&r, &value);
	(void)node_append(n, ENTRY_REIGN, TABLE_REIGN, buf_slice(&key), buf_slice(&value),
	                  PAIRTIME_NEVER);
}

/* A standby tells of the pair what the active says. */
static enum pair_state heard_of_pair(const struct node *n)
{
	bool heard = n->link.greeted && n->link.beat.role == ROLE_ACTIVE;

	return n->options.role.standalone ? PAIR_STANDALONE
	       : heard                    ? (enum pair_state)n->link.beat.pair_state
	                                  : PAIR_EXPOSED;
}

static const char *why_judged(const struct node *n, bool ours)
{
	if (n->pair == PAIR_PAIRED)
		return "in step";
	if (!n->link.greeted)
		return "no link to the peer";
	if (!ours)
		return "the peer says so";
	if (n->sender.phase == SENDER_IDLE)
		return "the peer does not receive";
	if (n->sender.phase != SENDER_LIVE || !on_trial(n))
		return "the standby catches up";
	return n->sender.durable < n->disk_mark && mtime_reached(n->disk_mark_due, n->now)
	               ? "the standby's disk lags"
	               : "the standby acknowledges late";
}

void node_judge_pair(struct node *n)
{
	bool ours = node_active(n) || n->role.role == ROLE_STEPPING_DOWN;
	enum pair_state was = n->pair;

	if (n->doubt)
		return; /* acknowledgements may wait behind the pause */
	enum pair_state is = ours ? judge(n) : heard_of_pair(n);
	if (is == was) {
		log_exposure(n); /* there may have been no room for it before */
		return;
	}
	n->pair = is;
	if (is == PAIR_PAIRED)
		n->paired_in = n->reign.id;
	n->pair_since = n->now;
	if (was == PAIR_PAIRED && ours)
		n->exposed_times++;
	node_note(n, is == PAIR_EXPOSED && ours ? WEIGHT_WARN : WEIGHT_NOTICE,
	          &(struct note){"pair", pair_state_name(was), pair_state_name(is),
	                         why_judged(n, ours)});
	log_exposure(n);
}
