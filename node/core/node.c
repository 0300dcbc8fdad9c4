#include "node/core/node.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "node/core/node_parts.h"

enum { OUTS_AT_FIRST = 1024, SAY_MAX = 512 };

struct node_output *node_out(struct node *n, enum node_output_kind kind)
{
	const struct alloc *alloc = &n->options.alloc;

	if (n->n_outs == n->outs_room) {
		struct node_output *more = alloc_take(alloc, 2 * n->outs_room * sizeof *more);
		memcpy(more, n->outs, n->n_outs * sizeof *more);
		alloc_give(alloc, n->outs);
		n->outs = more;
		n->outs_room *= 2;
	}
	struct node_output *o = &n->outs[n->n_outs++];
	*o = (struct node_output){.kind = kind};
	return o;
}

void node_say(struct node *n, enum log_weight weight, const char *format, ...)
{
	char *text = arena_take(&n->arena, SAY_MAX);
	va_list args;

	if (text == NULL)
		return;
	va_start(args, format);
	int length = vsnprintf(text, SAY_MAX, format, args);
	va_end(args);
	if (length < 0)
		return;
	struct node_output *o = node_out(n, OUT_LOG);
	o->weight = weight;
	o->bytes = slice_head((struct slice){(uint8_t *)text, SAY_MAX - 1}, (size_t)length);
}

void node_keep(struct node *n, const struct note *note)
{
	char *text = arena_take(&n->arena, SAY_MAX);

	if (text == NULL)
		return;
	int length = snprintf(text, SAY_MAX, "%llu\t%llu\t%s\t%s\t%s\t%s",
	                      (unsigned long long)n->reign.epoch, (unsigned long long)n->last_seq,
	                      note->what, note->from, note->to, note->why);
	struct node_output *o = node_out(n, OUT_HISTORY);
	o->pair = pair_now(n);
	o->bytes = slice_head((struct slice){(uint8_t *)text, SAY_MAX - 1}, (size_t)length);
}

void node_note(struct node *n, enum log_weight weight, const struct note *note)
{
	node_say(n, weight, "%s=%s->%s why=\"%s\" epoch=%llu seq=%llu", note->what, note->from,
	         note->to, note->why, (unsigned long long)n->reign.epoch,
	         (unsigned long long)n->last_seq);
	node_keep(n, note);
}

struct pairtime pair_now(const struct node *n)
{
	return pair_clock_now(&n->clock, n->now);
}

bool node_active(const struct node *n)
{
	return n->role.role == ROLE_ACTIVE;
}

/* Half an advert; and however slow the adverts are, no heartbeat comes near to peer_timeout. */
int64_t node_tick_ms(const struct node *n)
{
	int64_t advert = n->options.role.advert_ms / 2;
	int64_t timeout = n->options.role.peer_timeout_ms / 4;
	int64_t ms = advert < timeout ? advert : timeout;

	return ms > 0 ? ms : 1;
}

struct node *node_new(const struct node_options *options, struct mtime now)
{
	const struct alloc *alloc = &options->alloc;
	struct node *n = alloc_take(alloc, sizeof *n);

	memset(n, 0, sizeof *n);
	n->options = *options;
	n->server = server_new(&options->server);
	n->reach = reach_new(alloc);
	n->requests = transactions_new(alloc);
	node_keep_alive_init(n);
	n->copy = server_copy(n->server, alloc);
	n->window = ring_new(alloc, options->window_bytes, 1U << 17);
	n->held = ring_new(alloc, options->held_bytes, 1U << 16);
	n->arena = arena_on(alloc_take(alloc, NODE_ARENA), NODE_ARENA);
	n->outs = alloc_take(alloc, OUTS_AT_FIRST * sizeof *n->outs);
	n->outs_room = OUTS_AT_FIRST;
	n->pair = options->role.standalone ? PAIR_STANDALONE : PAIR_EXPOSED;
	n->pair_since = now;
	n->next_tick = n->last_tick = n->budget_at = now;
	n->pump_due = MTIME_NEVER;
	n->clock_epoch = UINT64_MAX;
	n->disk.waits_since = MTIME_NEVER;
	node_digest_init(n);
	role_init(&n->role, &options->role, now);
	return n;
}

void node_free(struct node **node)
{
	struct node *n = *node;

	if (n == NULL)
		return;
	const struct alloc alloc = n->options.alloc;
	node_nap_free(n);
	transactions_free(&n->requests);
	server_free(&n->server);
	reach_free(&n->reach);
	copy_free(&n->copy);
	copy_free(&n->next);
	copy_free(&n->old);
	ring_free(&n->window, &alloc);
	ring_free(&n->held, &alloc);
	alloc_give(&alloc, n->arena.p);
	alloc_give(&alloc, n->outs);
	alloc_give(&alloc, n);
	*node = NULL;
}

static void on_record(struct node *n, const struct node_input *in)
{
	struct entry e = {
		.table = in->record.table, .key = in->record.key, .value = in->record.value};

	assert(!n->loaded);
	node_apply(n, &e);
}

static void on_replay(struct node *n, const struct node_input *in)
{
	struct entry e;

	assert(!n->loaded);
	if (entry_decode(in->bytes, &e) == OK)
		node_apply(n, &e);
}

static void on_loaded(struct node *n, const struct node_input *in)
{
	const struct node_loaded *l = &in->loaded;
	struct pair_clock_start start = {
		.stored = l->pair,
		.stored_wall_ms = l->stored_wall_ms,
		.wall_ms = l->wall_ms,
		.wall_synchronised = l->wall_synchronised,
		.longest_ms = n->options.longest_expires_ms,
	};

	assert(!n->loaded);
	n->loaded = true;
	reach_begin(n->reach, n->random);
	n->last_seq = n->durable_seq = l->applied.seq;
	n->log_first = l->log_first;
	n->store_lost = l->store_lost;
	ring_restart(n->window, n->last_seq + 1);
	node_history_load(n);
	if (pair_clock_begin(&n->clock, &start, n->now) && l->pair.ms > 0) {
		n->expiry_held_until = mtime_add_ms(n->now, n->options.default_expires_ms);
		node_say(n, WEIGHT_WARN, "expiry=held why=\"clock in doubt\" for_s=%lld",
		         (long long)(n->options.default_expires_ms / 1000));
	}
	n->restored_seq = l->restored ? n->last_seq : 0;
	n->own_last_reign_exposed = n->reign.id != 0 && n->reign.unit == n->options.unit &&
	                            n->reign.exposed;
	node_keep(n, &(struct note){"role", "stopped", role_name(n->role.role), n->role.why});
	if (l->store_lost)
		node_keep(n, &(struct note){"store", "-", "set aside",
		                            "damaged or lost: the peer has it"});
	if (l->restored)
		node_keep(n, &(struct note){"store", "-", "restored",
		                            "from a backup: a peer may know what came after it"});
	node_say(n, WEIGHT_NOTICE, "state=loaded seq=%llu epoch=%llu aors=%llu subscribers=%llu",
	         (unsigned long long)n->last_seq, (unsigned long long)n->reign.epoch,
	         (unsigned long long)copy_count(n->copy, TABLE_AOR),
	         (unsigned long long)copy_count(n->copy, TABLE_SUBSCRIBER));
}

static void on_address(struct node *n, const struct node_input *in)
{
	n->address_here = in->address.here;
	n->keepalived_alive = in->address.keepalived_alive;
}

void node_gave_way(struct node *n, struct slice aor, size_t tombstones)
{
	enum { TELL_APART_MS = 60 * 1000 };
	bool first = n->gave_way == 0;

	n->gave_way += tombstones;
	if (tombstones == 0 || (!first && !mtime_reached(n->gave_way_tell, n->now)))
		return;
	n->gave_way_tell = mtime_add_ms(n->now, TELL_APART_MS);
	node_say(n, WEIGHT_WARN,
	         "tombstones=dropped aor=\"" SLICE_FMT
	         "\" times=%llu what=\"removals without room: a "
	         "split could bring one back\"",
	         SLICE_ARG(slice_head(aor, RECORD_KEY_MAX / 2)), (unsigned long long)n->gave_way);
}

static void on_message(struct node *n, const struct node_input *in)
{
	struct served served;
	struct serve_input ask = {
		.bytes = in->bytes,
		.flow = in->flow,
		.pair = pair_now(n),
		.now = n->now,
		.epoch = n->reign.epoch,
		.reign = n->reign.id,
		.random = n->random,
		.unit = n->options.unit,
		.took_over = n->reign.epoch > 1 ? n->reign.began : (struct pairtime){0},
		.restored = n->restored,
		.released = node_allowed(n),
		.last_seq = n->last_seq,
		.reach = n->reach,
		.no_room = !node_has_room(n),
	};

	if (!node_active(n) || n->doubt) {
		n->outcomes[SERVED_NOTHING]++;
		return;
	}
	if (node_nap_pong(n, in))
		return;
	reach_open(n->reach, &in->flow);
	if (node_keep_alive_answered(n, in) || node_request_answered(n, in) ||
	    node_nap_notified(n, in))
		return;
	serve(n->server, n->copy, &ask, &n->arena, &served);
	n->outcomes[served.outcome]++;
	if (served.damaged.n > 0)
		node_memory_fault(n, served.damaged_table, served.damaged);
	uint64_t depends_on = served.depends_on;
	node_gave_way(n, served.key, served.gave_way);
	if (served.noted.key.n > 0)
		depends_on = node_append(n, ENTRY_NOTIFY, TABLE_AOR, served.noted.key,
		                         served.noted.value, served.noted.deadline);
	if (served.change)
		depends_on = node_append(n, ENTRY_REQUEST, served.table, served.key, served.value,
		                         served.deadline);
	if (served.reply.n == 0)
		return;
	struct node_output reply = {.kind = OUT_MESSAGE,
	                            .flow = in->flow,
	                            .target = served.target,
	                            .bytes = served.reply,
	                            .asked_us = in->clock_us};
	node_hold(n, depends_on, &reply);
	if (served.notify.bytes.n > 0)
		node_watch_send(n, depends_on, &served.notify);
}

static void on_flow_down(struct node *n, const struct node_input *in)
{
	if (in->ticket == 0) {
		reach_close(n->reach, &in->flow);
		node_requests_broken(n, &in->flow);
	}
	node_nap_flow_down(n, in);
}

static void on_durable(struct node *n, const struct node_input *in)
{
	if (in->seq < n->placing || in->seq <= n->durable_seq || in->seq > n->last_seq)
		return;
	if (n->placing != 0) {
		n->durable_seq = n->placing;
		n->placing = 0;
		if (in->seq == n->durable_seq)
			return;
	}
	if (n->log_first == 0) /* an empty log begins behind what was loaded, or the snapshot */
		n->log_first = n->durable_seq + 1;
	n->durable_seq = in->seq;
}

static void on_log_failed(struct node *n, const struct node_input *in)
{
	(void)in;
	if (!n->log_failed)
		node_say(n, WEIGHT_ERROR, "log=failed seq=%llu durable=%llu",
		         (unsigned long long)n->last_seq, (unsigned long long)n->durable_seq);
	n->log_failed = true;
	node_drop_held(n);
}

static void on_command(struct node *n, const struct node_input *in)
{
	node_on_command(n, in->command);
}

static void tick(struct node *n)
{
	if (!mtime_reached(n->next_tick, n->now))
		return;
	n->next_tick = mtime_add_ms(n->now, node_tick_ms(n));
	n->last_tick = n->now;
	node_beat(n);
	node_digest_tick(n);
	if (!n->doubt)
		node_watch_tick(n);
	if (node_active(n) && !n->doubt)
		node_expire(n);
}

static void on_turn(struct node *n, const struct node_input *in)
{
	(void)in;
	node_requests_turn(n);
	node_nap_turn(n);
	tick(n);
	node_keep_alive(n);
	node_pump(n);
	node_fork_pump(n);
	node_ack(n);
	node_resync_tell(n);
	if (n->old != NULL)
		(void)copy_free_some(&n->old, NODE_BURY_MAX);
}

static void on_naps(struct node *n, const struct node_input *in)
{
	node_configured(n, in->config_digest);
	node_on_naps(n, in);
}

typedef void event_fn(struct node *n, const struct node_input *in);

void node_step(struct node *n, const struct node_input *in, struct mtime now,
               struct node_outputs *out)
{
	static event_fn *const by_event[] = {
		[NODE_RECORD] = on_record,
		[NODE_REPLAY] = on_replay,
		[NODE_LOADED] = on_loaded,
		[NODE_ADDRESS] = on_address,
		[NODE_MESSAGE] = on_message,
		[NODE_FLOW_UP] = node_on_flow_up,
		[NODE_FLOW_DOWN] = on_flow_down,
		[NODE_DURABLE] = on_durable,
		[NODE_LOG_FAILED] = on_log_failed,
		[NODE_LINK_UP] = node_on_link_up,
		[NODE_LINK_DOWN] = node_on_link_down,
		[NODE_BULK_UP] = node_on_bulk_up,
		[NODE_BULK_DOWN] = node_on_bulk_down,
		[NODE_FRAME] = node_on_frame,
		[NODE_LOG_READ] = node_on_log_read,
		[NODE_NEXT_STORED] = node_on_next_stored,
		[NODE_COMMAND] = on_command,
		[NODE_ROOM] = node_on_room,
		[NODE_IMAGE_FAULT] = node_on_image_fault,
		[NODE_NAPS] = on_naps,
		[NODE_RESOLVED] = node_on_resolved,
		[NODE_TURN] = on_turn,
	};

	ring_drop(n->held, n->held_before);
	arena_reset(&n->arena);
	n->n_outs = 0;
	n->now = now;
	n->random = in->random;
	n->wall_ms = in->wall_ms;
	node_doubt_step(n);
	by_event[in->event](n, in);
	if (n->loaded && in->event != NODE_MESSAGE && in->event != NODE_FLOW_DOWN) {
		node_doubt_judge(n);
		node_judge_pair(n);
		node_judge_disk(n);
		node_roles(n);
		node_release(n);
	}
	assert(!n->arena.full);
	*out = (struct node_outputs){n->outs, n->n_outs};
}

struct mtime node_deadline(const struct node *n)
{
	struct mtime due = mtime_min(n->next_tick, role_deadline(&n->role));

	if (!n->loaded)
		return MTIME_NEVER;
	if (node_may_release(n) || n->old != NULL || n->keep_alive.behind)
		return n->now;
	due = mtime_min(due, mtime_min(node_requests_deadline(n), node_nap_deadline(n)));
	return mtime_min(due, n->pump_due);
}
