#include <assert.h>

#include "node/core/node_parts.h"

static bool drained(const struct node *n)
{
	bool held = n->held_before < ring_end(n->held);
	bool on_peer = n->pair != PAIR_PAIRED || n->sender.received == n->last_seq;

	return !held && n->durable_seq == n->last_seq && on_peer;
}

bool node_restored(const struct node *n)
{
	return n->restored_seq != 0 && n->last_seq == n->restored_seq;
}

struct role_facts node_role_facts(const struct node *n)
{
	const struct link *l = &n->link;
	bool ours = node_active(n) || n->role.role == ROLE_STEPPING_DOWN;
	bool peer_says_paired = l->beat.role == ROLE_ACTIVE && l->beat.pair_state == PAIR_PAIRED;
	bool in_step = l->greeted && n->receiver.live && peer_says_paired;
	/* Whose newest reign it was at the time of a backup says nothing of who knows most. */
	bool ours_last = n->reign.unit == n->options.unit && !node_restored(n);
	/* A reign does not begin in doubt. */
	bool begins = n->doubt && n->role.role == ROLE_TAKING_OVER;

	return (struct role_facts){
		.loaded = n->loaded,
		.log_failed = n->log_failed,
		.disk_hangs = n->disk.hangs,
		.store_lost = n->store_lost && n->last_seq == 0,
		.address_here = n->address_here,
		.keepalived_alive = n->keepalived_alive,
		.reign_durable = n->reign_seq != 0 && n->durable_seq >= n->reign_seq && !begins,
		.drained = drained(n),
		.own_last_reign = n->reign.id != 0 && ours_last,
		.own_last_reign_exposed = n->own_last_reign_exposed && ours_last,
		.link_up = l->greeted,
		.peer_role = l->greeted ? (enum role)l->beat.role : (enum role)0,
		.peer_holds_address = l->beat.holds_address,
		.peer_without_keepalived = l->beat.without_keepalived,
		.superseded = node_superseded(n),
		.peer_wins = l->greeted && l->peer_wins,
		.peer_heard = l->heard,
		.standing = l->standing,
		.in_step = ours ? n->pair == PAIR_PAIRED : in_step,
		.in_step_until = l->in_step_until,
	};
}

/* A number no reign had, and an entry that says so: durable before anything is sent. */
static void begin_reign(struct node *n, bool behind)
{
	uint8_t key_room[8];
	uint8_t value_room[128];
	struct buf key = buf_on(key_room, sizeof key_room);
	struct buf value = buf_on(value_room, sizeof value_room);
	uint64_t epoch = n->reign.epoch;

	node_close_link(n, "a new reign begins");
	node_drop_half(n); /* the old, whole state serves */
	n->half_from = 0;
	for (size_t i = 0; i < n->n_history; i++)
		epoch = n->history[i].epoch > epoch ? n->history[i].epoch : epoch;
	n->digest.snapshot_due = false; /* of another reign's standby */
	ring_restart(n->window, n->last_seq + 1);
	n->reign = (struct reign_record){
		.id = n->random | 1,
		.epoch = epoch + 1,
		.unit = n->options.unit,
		.first_seq = n->last_seq + 1,
		.began = pair_now(n),
		.behind = behind,
		.exposed = true,
		.restored = node_restored(n),
	};
	if (n->clock_epoch > n->reign.epoch)
		n->clock_epoch = n->reign.epoch;
	buf_uint(&key, n->reign.id, 8);
	reign_encode(&n->reign, &value);
	n->reign_seq = node_append(n, ENTRY_REIGN, TABLE_REIGN, buf_slice(&key), buf_slice(&value),
	                           PAIRTIME_NEVER);
	if (behind) {
		n->expiry_held_until = mtime_add_ms(n->now, n->options.default_expires_ms);
		node_say(n, WEIGHT_WARN, "reign=behind seq=%llu expiry_held_s=%lld",
		         (unsigned long long)n->last_seq,
		         (long long)(n->options.default_expires_ms / 1000));
	}
}

static void forget_old_reigns(struct node *n)
{
	while (n->n_history > NODE_REIGNS_KEPT) {
		uint8_t room[8];
		struct buf key = buf_on(room, sizeof room);
		buf_uint(&key, n->history[0].id, 8);
		(void)node_append(n, ENTRY_REIGN, TABLE_REIGN, buf_slice(&key),
		                  (struct slice){NULL, 0}, PAIRTIME_NEVER);
	}
}

void node_put_secret(struct node *n, uint64_t id, struct slice secret_key)
{
	uint8_t key_room[8];
	uint8_t value_room[128];
	struct buf key = buf_on(key_room, sizeof key_room);
	struct buf value = buf_on(value_room, sizeof value_room);
	struct secret_record secret = {.id = id, .key = secret_key, .created = pair_now(n)};

	buf_uint(&key, secret.id, 8);
	secret_encode(&secret, &value);
	(void)node_append(n, ENTRY_SECRET, TABLE_SECRET, buf_slice(&key), buf_slice(&value),
	                  PAIRTIME_NEVER);
}

static void become_active(struct node *n)
{
	const struct slice first = {n->options.secret, sizeof n->options.secret};

	if (copy_count(n->copy, TABLE_SECRET) == 0)
		node_put_secret(n, n->options.secret_id, first);
	forget_old_reigns(n);
	node_watch_begin(n);
	node_resume(n);
}

/* A new hello finds out where we stand now. */
static void stop_being_active(struct node *n)
{
	node_drop_held(n);
	node_close_link(n, "stepped down");
}

/* How long nobody was active, as far as is known here: since the other one said so last. */
static void note_takeover(struct node *n, const char *why)
{
	n->takeover_why = why;
	n->takeover_at = n->now;
	n->takeover_wall_ms = n->wall_ms;
	n->takeover_gap_ms = n->peer_active_at.ms != 0 ? n->now.ms - n->peer_active_at.ms : 0;
	n->peer_active_at = (struct mtime){0};
}

static void entered(struct node *n, const struct role_output *out)
{
	node_note(n, WEIGHT_NOTICE,
	          &(struct note){"role", role_name(out->from), role_name(out->to), out->why});
	if (out->to == ROLE_ACTIVE)
		become_active(n);
	if (out->from == ROLE_TAKING_OVER && out->to == ROLE_ACTIVE)
		note_takeover(n, out->why);
	if (out->to == ROLE_STEPPING_DOWN && n->role.handing_over)
		node_handover_begin(n);
	bool given_up = out->from == ROLE_STEPPING_DOWN && out->to == ROLE_ACTIVE;
	if ((out->from == ROLE_STEPPING_DOWN && !given_up) || out->to == ROLE_OUT_OF_SERVICE)
		stop_being_active(n);
	if (out->to == ROLE_OUT_OF_SERVICE)
		node_drop_half(n);
	/* The peer learns it before the address moves. */
	if (n->link.greeted)
		node_beat(n);
}

/* Answers whoever asked: a takeover at once, a switchover when it is known how it ended. */
static void answer_request(struct node *n, const struct role_output *out)
{
	enum role role = n->role.role;
	bool handed_over = n->link.greeted && n->link.beat.role == ROLE_ACTIVE;
	bool under_way = role == ROLE_STEPPING_DOWN ||
	                 (role == ROLE_STANDBY && n->role.handing_over);

	if (n->request_ticket == 0)
		return;
	if (out->refused != NULL)
		node_answer(n, n->request_ticket, false, out->refused);
	else if (n->asked == ROLE_TAKEOVER)
		node_answer(n, n->request_ticket, true, "waits for the peer no more");
	else if (handed_over)
		node_answer(n, n->request_ticket, true, "the other node is active");
	else if (role == ROLE_ACTIVE)
		node_answer(n, n->request_ticket, false, n->role.why);
	else if (!under_way)
		node_answer(n, n->request_ticket, false, "the other node did not take over");
	else
		return;
	n->request_ticket = 0;
}

static void leave(struct node *n)
{
	if (!n->left)
		node_note(n, WEIGHT_NOTICE,
		          &(struct note){"role", role_name(n->role.role), "stopped", "stop"});
	n->left = true;
	(void)node_out(n, OUT_EXIT);
}

void node_roles(struct node *n)
{
	enum { CASCADE_MAX = 4 }; /* init, standby, taking over: no step goes through more */
	struct role_output out;

	for (int i = 0; i < CASCADE_MAX; i++) {
		struct role_facts f = node_role_facts(n);
		bool fault = n->role.fault;
		role_step(&n->role, &f, n->request, n->now, &out);
		n->request = ROLE_NO_REQUEST;
		if (out.fault != fault)
			node_out(n, OUT_FAULT)->on = out.fault;
		if (out.begin_reign)
			begin_reign(n, out.behind);
		if (out.changed)
			entered(n, &out);
		answer_request(n, &out);
		if (out.leave)
			leave(n);
		if (!out.changed)
			break;
	}
	node_handover_watch(n);
}

/* `scratch` holds what is needed until the entry is appended: its bytes alone are in the node's arena. */
size_t node_end_bindings(struct node *n, const struct copy_item *item, const struct addr *silent,
                         struct arena *scratch)
{
	struct aor_expiry how = {
		.now = pair_now(n),
		.nonce_lifetime_ms = n->options.server.nonce_lifetime_ms,
		.keep_tombstones = n->pair != PAIR_PAIRED && n->pair != PAIR_STANDALONE,
		.epoch = n->reign.epoch,
		.unit = n->options.unit,
		.silent = silent,
	};
	struct slice key = arena_copy(scratch, item->key);
	struct slice value;
	struct pairtime deadline;
	struct aor_ended ended;

	if (!aor_expire(&how, item->value, scratch, &value, &deadline, &ended)) {
		copy_again(n->copy, TABLE_AOR, key, deadline);
		return 0;
	}
	node_gave_way(n, key, ended.gave_way);
	(void)node_append(n, ENTRY_EXPIRY, TABLE_AOR, key, value, deadline);
	return ended.bindings;
}

static void expire_one(struct node *n, const struct copy_item *item, enum table table,
                       struct arena *scratch)
{
	if (!copy_sound(table, item)) {
		struct slice key = arena_copy(scratch, item->key);
		node_memory_fault(n, table, key);
		copy_again(n->copy, table, key,
		           (struct pairtime){pair_now(n).ms + n->options.default_expires_ms});
		return;
	}
	assert(table == TABLE_AOR); /* no other has a deadline */
	n->expired += node_end_bindings(n, item, NULL, scratch);
}

void node_expire(struct node *n)
{
	enum { SCRATCH = 512 * 1024, ROOM_MIN = 2 * SCRATCH };
	uint64_t budget = n->options.expiry_rate * (uint64_t)node_tick_ms(n) / 1000 + 1;
	enum table table;
	int64_t held_ms = n->expiry_held_until.ms - n->now.ms;
	bool watched = copy_count(n->copy, TABLE_WATCHER) > 0;

	if ((held_ms > 0 && !watched) || n->arena.room - n->arena.n < ROOM_MIN)
		return;
	struct arena scratch = arena_on(arena_take(&n->arena, SCRATCH), SCRATCH);
	while (budget-- > 0 && node_has_room(n) && n->arena.room - n->arena.n >= ROOM_MIN) {
		const struct copy_item *item = copy_due(n->copy, pair_now(n), &table);
		if (item == NULL)
			return;
		arena_reset(&scratch);
		if (table == TABLE_WATCHER)
			node_watch_due(n, item, &scratch, held_ms > 0);
		else if (held_ms > 0) /* out of the watchers' way */
			copy_again(n->copy, table, item->key,
			           (struct pairtime){pair_now(n).ms + held_ms});
		else
			expire_one(n, item, table, &scratch);
	}
}
