/* The process on a host: the runner around a node, as node/io is in the daemon. */
#include <assert.h>
#include <stdlib.h>

#include "tests/sim/check.h"

enum { PPM = 1000000, SPINS = 2000, BOTH_DIE_MS = FLUSH_MS + 2500 };

char host_name(const struct host *h)
{
	return h->index == 0 ? 'A' : 'B';
}

struct mtime host_now(const struct world *w, const struct host *h)
{
	int64_t since = w->now - h->clock_at;

	return (struct mtime){h->clock_ms + since + since * h->drift_ppm / PPM};
}

void host_set_drift(struct world *w, struct host *h, int64_t ppm)
{
	h->clock_ms = host_now(w, h).ms;
	h->clock_at = w->now;
	h->drift_ppm = ppm;
}

int64_t host_wall_ms(const struct world *w, const struct host *h)
{
	return INT64_C(1700000000000) + w->now + w->now * h->wall_ppm / PPM + h->skew_ms;
}

/* When this host's clock shows it. */
static int64_t world_time_of(const struct world *w, const struct host *h, struct mtime t)
{
	int64_t ahead = t.ms - host_now(w, h).ms;

	return ahead <= 0 ? w->now : w->now + ahead - ahead * h->drift_ppm / PPM;
}

static void load(struct world *w, struct host *h)
{
	const struct disk *d = &h->disk;
	struct node_outputs outs;

	for (size_t i = 0; i < d->image.n; i++) {
		const struct image_item *it = &d->image.items[i];
		struct node_input in = {.event = NODE_RECORD,
		                        .record = {it->table, it->key, it->value}};
		node_step(h->node, &in, host_now(w, h), &outs);
	}
	for (uint64_t seq = d->applied + 1; seq <= d->durable; seq++) {
		const struct history_entry *e = &w->history.entries[h->chain.at[seq]];
		struct node_input in = {.event = NODE_REPLAY, .bytes = {e->bytes, e->n}};
		node_step(h->node, &in, host_now(w, h), &outs);
	}
}

void host_start(struct world *w, struct host *h)
{
	struct node_options o = w->options;

	if (!h->up || h->node != NULL)
		return;
	o.unit = h->index == 0 ? UNIT_PRIMARY : UNIT_SECONDARY;
	o.node_id = 100 + (uint64_t)h->index;
	o.max_version = h->version = h->installed;
	h->life++;
	h->loaded = h->followed = h->forked = false;
	h->reign = 0;
	h->reign_entry = 0;
	h->forks = h->fork_entries = 0;
	h->role = ROLE_INIT;
	h->read_seq = 0;
	h->born = (uint32_t)w->history.n;
	h->node = node_new(&o, host_now(w, h));
	world_say(w, host_name(h), "starts, log to %llu, image to %llu",
	          (unsigned long long)h->disk.durable, (unsigned long long)h->disk.applied);
	load(w, h);
	world_at(w, world_draw(w, 5, 100), EVENT_LOADED, h->index)->life = h->life;
}

void host_on_loaded(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->who];
	const struct disk *d = &h->disk;

	if (h->node == NULL || h->life != e->life)
		return;
	struct node_input in = {
		.event = NODE_LOADED,
		.loaded = {.applied = {w->history.entries[chain_head(&h->chain)].reign, d->durable},
	                   .log_first = d->first <= d->durable ? d->first : 0,
	                   .store_lost = d->lost && d->durable == 0,
	                   .restored = d->restored != 0 && d->restored == d->durable &&
	                               d->first > d->durable,
	                   .pair = d->pair,
	                   .stored_wall_ms = d->wall_ms,
	                   .wall_ms = host_wall_ms(w, h),
	                   .wall_synchronised = true},
	};
	h->loaded = true;
	host_feed(w, h, &in);
	provider_feed(w, h, false);
	struct node_input room = {.event = NODE_ROOM, .on = !d->room_low};
	host_feed(w, h, &room);
	world_at(w, 0, EVENT_ADDRESS, h->index)->life = h->life;
	world_at(w, w->checkpoint_ms, EVENT_CHECKPOINT, h->index)->life = h->life;
}

/* Mode peer: what only memories had is lost with both processes or disks, one and the other; later, too, where
 * the disk did not take it since. */
void host_note_both(struct world *w, const struct host *lost)
{
	const struct host *peer = &w->hosts[1 - lost->index];
	int64_t other = peer->crashed > peer->disk_failed ? peer->crashed : peer->disk_failed;

	if (other > 0 && (w->now - other < BOTH_DIE_MS || lost->disk.hangs))
		w->both_died = w->now;
}

static void end(struct world *w, struct host *h, bool power)
{
	link_crash(w, h, power);
	disk_crash(w, h);
	node_free(&h->node);
	h->loaded = false;
	h->role = ROLE_INIT;
	h->paused_until = 0;
	h->frozen = false;
	h->crashed = w->now;
	host_note_both(w, h);
	check_acked(w);
}

/* It runs for some milliseconds, then others do. */
int64_t host_starved_ms(struct world *w, struct host *h)
{
	enum { SLICE_MS = 5, LONGEST_MS = 250 };

	if (w->now >= h->starved_until)
		return 0;
	if (w->now >= h->runs_at + SLICE_MS)
		h->runs_at = w->now + world_draw(w, 1, LONGEST_MS);
	return h->runs_at > w->now ? h->runs_at - w->now : 0;
}

void host_kill(struct world *w, struct host *h)
{
	if (h->node == NULL)
		return;
	world_say(w, host_name(h), "is killed at %llu, durable %llu",
	          (unsigned long long)h->chain.n, (unsigned long long)h->disk.durable);
	w->stat[STAT_CRASHES]++;
	end(w, h, false);
	vrrp_track(w, h, true);
}

void host_power_off(struct world *w, struct host *h)
{
	if (!h->up)
		return;
	world_say(w, host_name(h), "loses power");
	h->up = false;
	vrrp_kill(w, h, true);
	h->vrrp.file = true;
	if (h->node != NULL) {
		w->stat[STAT_CRASHES]++;
		end(w, h, true);
	}
	h->clock_ms = world_draw(w, 0, 100000);
	h->clock_at = w->now;
}

/* It asked to end: what is in the log's queue is written first. */
static void leave(struct world *w, struct host *h)
{
	world_say(w, host_name(h), "ends");
	if (!h->disk.hangs)
		disk_settle(w, h);
	end(w, h, false);
	vrrp_track(w, h, true);
}

static void on_answer(struct world *w, struct host *h, const struct node_output *o)
{
	world_say(w, host_name(h), "answers %llu: %s \"" SLICE_FMT "\"",
	          (unsigned long long)o->ticket, o->ok ? "done" : "refused", SLICE_ARG(o->bytes));
	if (o->ticket == 0 || o->ticket > w->n_ops)
		return;
	check_answer(w, h, o);
}

static void reach_provider(struct world *w, struct host *h, const struct node_output *o)
{
	if (o->kind == OUT_RESOLVE)
		provider_resolve(w, h, o);
	else if (o->kind == OUT_CONNECT)
		provider_connect(w, h, o);
	else
		provider_hang_up(w, h, o->flow.connection);
}

static void on_fault(struct world *w, struct host *h, bool on)
{
	world_say(w, host_name(h), "track file says %d", on);
	vrrp_track(w, h, on);
}

static void on_divergence(const struct world *w, const struct host *h, const struct node_output *o)
{
	world_say(w, host_name(h), "merged " SLICE_FMT " of " SLICE_FMT, SLICE_ARG(o->bytes),
	          SLICE_ARG(o->record.key));
}

static void next_generation(struct world *w, struct host *h, const struct node_output *o)
{
	if (o->kind == OUT_NEXT_BEGIN)
		disk_next_begin(w, h);
	else if (o->kind == OUT_NEXT_PUT)
		disk_next_put(w, h, o);
	else if (o->kind == OUT_NEXT_SLICE)
		disk_next_slice(w, h, o);
	else if (o->kind == OUT_NEXT_COMMIT)
		disk_next_commit(w, h, o);
	else
		disk_next_abort(h);
}

static void carry_out(struct world *w, struct host *h, const struct node_output *o)
{
	switch (o->kind) {
	case OUT_APPEND:
		disk_append(w, h, o);
		break;
	case OUT_FRAME:
		link_send(w, h, o);
		break;
	case OUT_MESSAGE:
		check_message(w, h, o);
		break;
	case OUT_ANSWER:
		on_answer(w, h, o);
		break;
	case OUT_FAULT:
		on_fault(w, h, o->on);
		break;
	case OUT_CLOSE_LINK:
		link_close(w, h, o->connection);
		break;
	case OUT_READ_LOG:
		h->read_seq = o->seq;
		break;
	case OUT_SET_ASIDE:
		disk_set_aside(w, h, o->seq);
		break;
	case OUT_NEXT_BEGIN:
	case OUT_NEXT_PUT:
	case OUT_NEXT_SLICE:
	case OUT_NEXT_COMMIT:
	case OUT_NEXT_ABORT:
		next_generation(w, h, o);
		break;
	case OUT_DIVERGENCE:
		on_divergence(w, h, o);
		break;
	case OUT_HISTORY:
	case OUT_DIFF_TABLE:
		break;
	case OUT_RESOLVE:
	case OUT_CONNECT:
	case OUT_CLOSE_FLOW:
		reach_provider(w, h, o);
		break;
	case OUT_DIFFERENCE:
		flip_on_difference(w, h, o);
		break;
	case OUT_LOG:
		world_say(w, host_name(h), SLICE_FMT, SLICE_ARG(o->bytes));
		break;
	case OUT_EXIT:
		h->leaving = true;
		break;
	}
}

static void step(struct world *w, struct host *h, struct node_input *in)
{
	struct node_outputs outs;

	in->random = rng_next(&w->rng);
	in->wall_ms = host_wall_ms(w, h);
	w->steps++;
	node_step(h->node, in, host_now(w, h), &outs);
	for (size_t i = 0; i < outs.n && !w->failed; i++)
		carry_out(w, h, &outs.item[i]);
	if (!w->failed)
		check_step(w, h);
}

static void follow_up(struct world *w, struct host *h)
{
	uint8_t *memory = h->read_seq != 0 ? take_memory(BLOCK_MAX) : NULL;
	struct buf block = buf_on(memory, BLOCK_MAX);

	while (h->read_seq != 0 && !w->failed) {
		struct node_input in = {.event = NODE_LOG_READ, .seq = h->read_seq};
		in.bytes = disk_read(w, h, h->read_seq, &block);
		h->read_seq = 0;
		step(w, h, &in);
	}
	free(memory);
}

static void turn_at(struct world *w, struct host *h, int64_t after_ms)
{
	struct event *e = world_at(w, after_ms, EVENT_TURN, h->index);

	e->life = h->life;
	e->number = ++h->turn;
}

void host_feed(struct world *w, struct host *h, struct node_input *in)
{
	assert(h->node != NULL);
	step(w, h, in);
	follow_up(w, h);
	turn_at(w, h, h->busy_ms > 0 ? world_draw(w, 0, h->busy_ms) : 0);
}

/* A loop whose deadline stays in the past burns a processor. */
static void count_turn(struct world *w, struct host *h)
{
	if (w->now / 1000 != h->second) {
		h->second = w->now / 1000;
		h->turns = 0;
	}
	if (++h->turns == SPINS)
		world_fail(w, "%c spins as %s: its deadline is always past", host_name(h),
		           role_name(h->role));
}

void host_on_turn(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->who];
	struct node_input in = {.event = NODE_TURN};

	if (h->node == NULL || h->life != e->life || h->turn != e->number || !h->loaded)
		return;
	count_turn(w, h);
	step(w, h, &in);
	follow_up(w, h);
	disk_flush(w, h);
	if (h->leaving) {
		h->leaving = false;
		leave(w, h);
		return;
	}
	int64_t due = world_time_of(w, h, node_deadline(h->node)) - w->now;
	turn_at(w, h, due > 1000 ? 1000 : due);
}

void host_command(struct world *w, struct host *h, struct node_command *c)
{
	struct node_input in = {.event = NODE_COMMAND, .command = c};

	if (h->node != NULL && h->loaded)
		host_feed(w, h, &in);
}
