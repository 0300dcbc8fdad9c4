#include "tests/sim/check.h"

#include <assert.h>

#include "tests/sim/message.h"

uint64_t check_digest(const struct host *h)
{
	uint64_t sum = 0;

	for (int t = TABLE_AOR; t < TABLE_END; t++)
		sum += copy_digest(node_copy(h->node), (enum table)t) * (uint64_t)(2 * t + 1);
	return sum;
}

static bool is_role(const struct host *h, enum role a, enum role b)
{
	enum role now = node_role(h->node);

	return now == a || now == b || h->role == a || h->role == b;
}

static void begin_reign(struct world *w, struct host *h, const struct entry *e)
{
	if (e->table != TABLE_REIGN || e->kind != ENTRY_REIGN)
		world_fail(w, "%c logs %llu under a reign that this process did not begin",
		           host_name(h), (unsigned long long)e->seq);
	if (h->disk.lost && e->seq == 1 && h->told_to_take != h->life)
		world_fail(w, "%c begins with nothing although its peer has what it lost",
		           host_name(h));
	h->reign = e->reign;
	h->reign_entry = (uint32_t)w->history.n;
	w->stat[STAT_REIGNS]++;
	fault_moment(w, MOMENT_TAKEOVER);
}

static void check_created(struct world *w, struct host *h, const struct entry *e)
{
	if (!is_role(h, ROLE_ACTIVE, ROLE_TAKING_OVER))
		world_fail(w, "%c logs %llu (%s) as %s", host_name(h), (unsigned long long)e->seq,
		           entry_kind_name(e->kind), role_name(node_role(h->node)));
	if (h->reign != e->reign)
		begin_reign(w, h, e);
	bool reign_durable = w->history.entries[h->reign_entry].seq <= h->disk.durable;
	if (e->table != TABLE_REIGN && !reign_durable)
		world_fail(w, "%c logs %llu (%s) before its reign is durable", host_name(h),
		           (unsigned long long)e->seq, entry_kind_name(e->kind));
}

static void note_op(struct world *w, uint32_t entry)
{
	struct op *op = w->serving >= 0 ? &w->ops[w->serving] : NULL;
	const struct history_entry *e = &w->history.entries[entry];

	if (op == NULL || e->aor < 0 || (e->kind != ENTRY_REQUEST && e->kind != ENTRY_OPERATOR))
		return;
	if (op->n_entries == OP_ENTRIES) { /* the oldest were lost: the newest tell where it is */
		memmove(op->entries, op->entries + 1, (OP_ENTRIES - 1) * sizeof *op->entries);
		op->n_entries--;
	}
	op->entries[op->n_entries++] = entry;
}

static uint32_t create(struct world *w, struct host *h, const struct entry *e, struct slice bytes)
{
	check_created(w, h, e);
	uint32_t entry = history_add(&w->history, e, bytes, chain_head(&h->chain));
	struct history_entry *it = &w->history.entries[entry];

	it->at = w->now;
	if (e->table == TABLE_AOR) {
		it->aor = model_aor(e->key);
		if (it->aor >= 0 && it->aor < w->n_aors)
			it->before = h->chain.aor[it->aor];
		if (it->aor < 0 || it->aor >= w->n_aors || !model_read(w, e->value, it))
			world_fail(w, "%c logs an AOR that cannot be read", host_name(h));
		else
			model_check(w, h, entry);
	}
	if (e->table == TABLE_NAP) {
		it->nap = nap_of(e->key);
		nap_check_entry(w, h, entry, e->value);
	}
	if (e->table == TABLE_WATCHER) {
		it->watched_aor = model_aor(e->key);
		watch_check_entry(w, h, entry, e->value);
	}
	note_op(w, entry);
	world_say(w, host_name(h), "commit %llu %s %s", (unsigned long long)e->seq,
	          entry_kind_name(e->kind), table_name(e->table));
	return entry;
}

/* T16: whatever the operations and their order, a standby holds a prefix of the active. */
static void check_received(struct world *w, const struct host *h, uint32_t entry,
                           struct slice bytes)
{
	const struct history_entry *it = &w->history.entries[entry];

	if (it->parent != chain_head(&h->chain))
		world_fail(w, "%c takes entry %llu behind a history that is not its own",
		           host_name(h), (unsigned long long)it->seq);
	if (!slice_eq(bytes, (struct slice){it->bytes, it->n}))
		world_fail(w, "%c has other bytes for entry %llu", host_name(h),
		           (unsigned long long)it->seq);
	world_say(w, host_name(h), "apply %llu", (unsigned long long)it->seq);
}

void check_append(struct world *w, struct host *h, const struct node_output *o)
{
	struct entry e;

	if (entry_decode(o->bytes, &e) != OK || e.seq != o->seq || e.seq != h->chain.n + 1) {
		world_fail(w, "%c appends %llu behind %llu", host_name(h),
		           (unsigned long long)o->seq, (unsigned long long)h->chain.n);
		return;
	}
	uint32_t entry = history_find(&w->history, e.reign, e.seq);
	if (entry != 0)
		check_received(w, h, entry, o->bytes);
	else
		entry = create(w, h, &e, o->bytes);
	if (w->failed)
		return;
	chain_push(&h->chain, &w->history, entry);
	w->history.entries[entry].seen |= 1U << h->index;
}

void check_bulk(struct world *w, const struct host *h, struct slice bytes)
{
	struct arena arena = world_scratch(w);
	struct frame f;

	/* Who was active when a fork was handed in acknowledges what it has merged. */
	bool receives = h->role != ROLE_ACTIVE && h->role != ROLE_STEPPING_DOWN;

	if (!receives || frame_decode(bytes, &arena, &f).err != OK)
		return;
	w->stat[STAT_RESUMED] += f.kind == FRAME_GO_ON && f.go_on.slices > 0 && h->disk.next.begun;
	if (f.kind == FRAME_SLICE_ACK && f.slice_ack > h->disk.next.stored)
		world_fail(w, "%c acknowledges %llu of a snapshot, %llu is stored", host_name(h),
		           (unsigned long long)f.slice_ack,
		           (unsigned long long)h->disk.next.stored);
}

/* What an answer about this op stands on at the least (a retransmission may be carried out once more,
 * behind an operator's removal); 0: nothing. */
static uint32_t stands_on(const struct world *w, const struct host *h, const struct op *op)
{
	for (size_t i = 0; i < op->n_entries; i++)
		if (chain_has(&h->chain, &w->history, op->entries[i]))
			return op->entries[i];
	bool known = op->served_life[h->index] == h->life;
	uint32_t entry = known ? op->served[h->index] : 0;
	return chain_has(&h->chain, &w->history, entry) ? entry : 0;
}

static void note_acked(struct world *w, const struct host *h, struct op *op, bool paired)
{
	const struct host *peer = &w->hosts[1 - h->index];

	if (op->acked || op->n_entries == 0)
		return;
	op->acked = true;
	op->acked_at = w->now;
	w->stat[STAT_ACKED]++;
	if (!paired || w->mode == COMMIT_DISK)
		return;
	op->paired = true;
	op->kept_life[h->index] = h->life;
	bool there = peer->node != NULL &&
	             chain_has(&peer->chain, &w->history, op->entries[op->n_entries - 1]);
	op->kept_life[peer->index] = there ? peer->life : 0;
}

bool check_committed(struct world *w, const struct host *h, uint32_t entry, const char *what)
{
	const struct history_entry *e = &w->history.entries[entry];
	struct status status;

	node_status(h->node, host_now(w, h), &status);
	bool paired = strcmp(status.pair_state, "paired") == 0;
	bool both = paired && w->mode != COMMIT_DISK;
	bool on_disk = e->seq <= h->disk.durable;
	bool on_peer = entry == 0 || (e->seen >> (1 - h->index) & 1) != 0;

	if (!on_disk && (!both || w->mode == COMMIT_BOTH))
		world_fail(w, "%c (%s, commit %s) %s %llu before it is on the disk (%llu)",
		           host_name(h), status.pair_state, commit_mode_name(w->mode), what,
		           (unsigned long long)e->seq, (unsigned long long)h->disk.durable);
	if (!on_peer && both)
		world_fail(w, "%c (paired, commit %s) %s %llu before the standby has it",
		           host_name(h), commit_mode_name(w->mode), what,
		           (unsigned long long)e->seq);
	return paired;
}

static void check_promise(struct world *w, struct host *h, struct op *op)
{
	if (op->kind == OP_REGISTER && op->n_entries == 0)
		world_fail(w, "%c acknowledges what it did not log", host_name(h));
	note_acked(w, h, op, check_committed(w, h, stands_on(w, h, op), "acknowledges"));
}

static void check_speaker(struct world *w, const struct host *h)
{
	const struct history_entry *reign = &w->history.entries[h->reign_entry];

	if (!is_role(h, ROLE_ACTIVE, ROLE_STEPPING_DOWN))
		world_fail(w, "%c speaks SIP as %s", host_name(h), role_name(node_role(h->node)));
	else if (h->reign == 0 || reign->seq > h->disk.durable ||
	         !chain_has(&h->chain, &w->history, h->reign_entry))
		world_fail(w, "%c speaks SIP without a reign on its disk", host_name(h));
}

/* Who reaches a peer with a newer reign does not speak beside it. */
static void check_alone(struct world *w, const struct host *h)
{
	enum { KNOWS_MS = 600, HEALS_MS = 3000 };
	const struct host *peer = &w->hosts[1 - h->index];
	bool cut = w->link_cut[0] || w->link_cut[1] || w->vrrp_cut[0] || w->vrrp_cut[1];
	bool healing = w->cut_at > 0 && w->now < w->cut_at + HEALS_MS;
	bool both = h->role == ROLE_ACTIVE && peer->role == ROLE_ACTIVE &&
	            peer->paused_until <= w->now;

	if (both && !cut && !healing && h->reign_entry < peer->reign_entry &&
	    w->now > peer->active_since + KNOWS_MS)
		world_fail(w, "%c speaks SIP beside %c, whose reign is newer", host_name(h),
		           host_name(peer));
}

static struct event *deliver(struct world *w, const struct host *h, enum event_kind kind,
                             int client, struct slice bytes)
{
	const struct client *c = &w->clients[client];

	if (c->cut[h->index] || world_chance(w, w->loss_ppm))
		return NULL;
	struct event *e = world_at(w, world_draw(w, 0, w->delay_ms), kind, client);
	e->bytes = take_memory(bytes.n);
	memcpy(e->bytes, bytes.p, bytes.n);
	e->n = bytes.n;
	return e;
}

/* What a node sends by itself goes to where a phone has been, and nobody answers it. */
static void check_keep_alive(struct world *w, struct host *h, const struct node_output *o)
{
	for (int i = 0; i < w->n_clients; i++) {
		struct addr a = message_address(i);

		if (addr_eq(&o->target, &a))
			return;
	}
	world_fail(w, "%c keeps alive what no phone is", host_name(h));
}

/* True: it was one's who watches. */
static bool check_onlooker(struct world *w, struct host *h, const struct node_output *o)
{
	struct onlooker_told told;

	if (!onlooker_read(o->bytes, &told))
		return false;
	struct addr to = onlooker_address(told.onlooker);
	uint32_t entry = watch_check_message(w, h, &told, o->bytes);
	if (!addr_eq(&o->target, &to))
		world_fail(w, "%c tells the wrong onlooker", host_name(h));
	struct event *e = w->failed ? NULL : deliver(w, h, EVENT_TOLD, told.onlooker, o->bytes);
	if (e != NULL) {
		e->op = h->index;
		e->number = entry;
	}
	return true;
}

void check_message(struct world *w, struct host *h, const struct node_output *o)
{
	struct told told;

	check_speaker(w, h);
	check_alone(w, h);
	if (provider_at(&o->target) >= 0) {
		nap_check_message(w, h, o);
		if (!w->failed)
			provider_take(w, h, o);
		return;
	}
	if (slice_eq(slice_head(o->bytes, 8), SLICE("OPTIONS "))) {
		check_keep_alive(w, h, o);
		return;
	}
	if (check_onlooker(w, h, o))
		return;
	if (!told_read(w, o->bytes, &told) || told.client < 0 || told.client >= w->n_clients) {
		world_fail(w, "%c sends what no phone asked for", host_name(h));
		return;
	}
	struct op *op = op_find(w, told.client, told.call, told.cseq);
	struct addr to = message_address(told.client);
	if (op == NULL || !addr_eq(&o->target, &to)) {
		world_fail(w, "%c answers the wrong phone", host_name(h));
		return;
	}
	if (told.status == 200) {
		check_promise(w, h, op);
		if (w->clients[told.client].op == (int)(op - w->ops))
			check_told(w, h, op, &told);
	}
	(void)deliver(w, h, EVENT_REPLY, told.client, o->bytes);
}

void check_answer(struct world *w, struct host *h, const struct node_output *o)
{
	struct op *op = &w->ops[o->ticket - 1];

	assert(op->kind == OP_OPERATOR);
	op->done = w->now;
	/* "This node is active no more": the other one may have it. */
	op->state = o->ok ? OP_GRANTED : op->n_entries > 0 ? OP_GIVEN_UP : OP_REFUSED;
	if (o->ok)
		check_promise(w, h, op);
}

/* The pair clock goes on as time does, and nearly so from one node to the next. */
static void check_clock(struct world *w, const struct host *h, bool taken_over)
{
	enum { STEP_MS = 1000, WAITED_MS = 3000 };
	int64_t offset = node_pair_now(h->node, host_now(w, h)).ms - w->now;

	if (w->clocks_parted)
		return;
	/* The first word of the peer may have waited; what it tells is late by as much. */
	bool heard_late = taken_over &&
	                  (h->slow_reader_until > w->now || h->paused_until + WAITED_MS > w->now);
	if (w->pair_known && !heard_late &&
	    (offset < w->pair_offset_ms - STEP_MS || offset > w->pair_offset_ms + STEP_MS))
		world_fail(w, "%c's pair time stepped by %lld ms", host_name(h),
		           (long long)(offset - w->pair_offset_ms));
	if (!w->pair_known || taken_over)
		w->pair_offset_ms = offset;
	w->pair_known = true;
}

static void check_equal(struct world *w, const struct host *h)
{
	struct history_entry *head = &w->history.entries[chain_head(&h->chain)];
	uint64_t digest = check_digest(h);
	const struct copy *copy = node_copy(h->node);

	if (copy_group_count(copy, 0) != copy_count(copy, TABLE_AOR))
		world_fail(w, "%c has miscounted the domain's users", host_name(h));
	if (!head->digest_known && head->reign == h->reign) {
		head->digest_known = true;
		head->digest = digest;
	} else if (head->digest_known && head->digest != digest && !flip_is_misapplied(w, h)) {
		world_fail(w, "%c's copy differs from the active's at %llu", host_name(h),
		           (unsigned long long)head->seq);
	}
}

/* Nobody kept the clock for who starts alone: the wall clock had to do. Two that were active beside each
 * other keep two, and come together by waiting. */
static void note_active(struct world *w, struct host *h)
{
	h->active_since = w->now;
	if (!h->followed) {
		w->clock_guessed = w->clock_guessed || w->pair_known;
		w->pair_known = false;
		w->hosts[1 - h->index].followed = false; /* until it hears this one */
	}
	if (w->hosts[1 - h->index].role == ROLE_ACTIVE)
		w->clocks_parted = w->clock_guessed = true;
}

void check_step(struct world *w, struct host *h)
{
	struct position at = node_position(h->node);
	enum role was = h->role;

	if (!h->loaded)
		return;
	h->role = node_role(h->node);
	if (at.seq != h->chain.n)
		world_fail(w, "%c believes to be at %llu, its log is at %llu", host_name(h),
		           (unsigned long long)at.seq, (unsigned long long)h->chain.n);
	check_equal(w, h);
	if (h->role == ROLE_ACTIVE && was != ROLE_ACTIVE)
		note_active(w, h);
	if (h->role == ROLE_ACTIVE)
		check_clock(w, h, was != ROLE_ACTIVE);
}
