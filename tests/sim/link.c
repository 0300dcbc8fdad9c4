/* The connection between the two nodes: a stream each way, in order and whole until it ends. */
#include <assert.h>

#include "tests/sim/check.h"

enum { TRY_LEAST_MS = 40, TRY_MOST_MS = 250, HELD_UP_MS = 30, FRAME_ROOM = 512 * 1024 };

static struct host *other(struct world *w, const struct host *h)
{
	return &w->hosts[1 - h->index];
}

static int64_t link_delay(struct world *w)
{
	return world_draw(w, 0, w->link_delay_ms);
}

/* In order behind what was sent before. */
static struct event *send_after(struct world *w, struct host *h, enum event_kind kind)
{
	struct host *peer = other(w, h);
	int64_t at = w->now + link_delay(w);

	if (at < h->sent_until)
		at = h->sent_until;
	h->sent_until = at;
	struct event *e = world_at(w, at - w->now, kind, peer->index);
	e->life = peer->life;
	e->number = h->connection;
	e->op = h->sent++;
	return e;
}

static void send_bytes(struct world *w, struct host *h, struct slice bytes)
{
	struct event *e = send_after(w, h, EVENT_LINK_BYTES);

	assert(bytes.n > 0);
	e->bytes = take_memory(bytes.n);
	memcpy(e->bytes, bytes.p, bytes.n);
	e->n = bytes.n;
}

void link_send(struct world *w, struct host *h, const struct node_output *o)
{
	if (h->connection == 0 || o->connection != h->connection)
		return;
	if (h->role != ROLE_ACTIVE)
		memcpy(w->handed_in, h->chain.aor, sizeof w->handed_in);
	if (o->bytes.n > 1 && world_chance(w, 50000)) { /* a segment ends within a frame */
		size_t part = (size_t)world_draw(w, 1, (int64_t)o->bytes.n - 1);
		send_bytes(w, h, slice_head(o->bytes, part));
		send_bytes(w, h, slice_from(o->bytes, part));
		return;
	}
	send_bytes(w, h, o->bytes);
}

void link_close(struct world *w, struct host *h)
{
	if (h->connection == 0)
		return;
	(void)send_after(w, h, EVENT_LINK_DOWN);
	h->connection = 0;
	h->inbox.n = 0;
}

/* A dead process's kernel ends the connection, perhaps before all it had was read; a dead host's
 * says nothing. */
void link_crash(struct world *w, struct host *h, bool power)
{
	struct host *peer = other(w, h);
	int64_t last = h->sent_until > w->now ? h->sent_until - w->now : 0;

	if (h->connection != 0 && !power) {
		struct event *e = world_at(w, world_draw(w, 0, last + w->link_delay_ms),
		                           EVENT_LINK_DOWN, peer->index);
		e->life = peer->life;
		e->number = h->connection;
	}
	h->connection = 0;
	h->inbox.n = 0;
}

/* The way is cut, or what was sent before has not come yet. */
int64_t link_held_up_ms(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->who], *from = &w->hosts[1 - e->who];
	bool current = h->life == e->life && h->connection == e->number;

	if (w->link_cut[from->index]) {
		if (from->sent_until < w->now + HELD_UP_MS)
			from->sent_until = w->now + HELD_UP_MS;
		return HELD_UP_MS;
	}
	if (!current || e->op < 0 || e->op == h->came)
		return 0;
	return 1;
}

static bool is_for(const struct host *h, const struct event *e)
{
	return h->node != NULL && h->life == e->life && h->connection == e->number;
}

static void feed_frame(struct world *w, struct host *h, const struct frame *f)
{
	struct node_input in = {.event = NODE_FRAME, .connection = h->connection, .frame = f};
	const struct beat *beat = f->kind == FRAME_BEAT    ? &f->beat
	                          : f->kind == FRAME_HELLO ? &f->hello.beat
	                                                   : NULL;

	version_check(w, h, f);
	if (f->kind == FRAME_RESUME)
		h->seeded = f->resume.how != RESUME_FORK && !h->forked;
	if (f->kind == FRAME_RESUME && f->resume.how == RESUME_FORK)
		fault_in_merge(w);
	if (beat != NULL && beat->role == ROLE_ACTIVE && h->seeded)
		h->followed = true;
	bool merging = f->kind == FRAME_END && h->role == ROLE_ACTIVE;
	host_feed(w, h, &in);
	if (merging && h->connection != 0 && !w->failed)
		merge_check_end(w, h);
}

void link_on_bytes(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->who];
	struct frame f;

	if (!is_for(h, e))
		return;
	h->came++;
	buf_put(&h->inbox, (struct slice){e->bytes, e->n});
	if (h->inbox.full) {
		world_fail(w, "%c gets more than a frame may hold", host_name(h));
		return;
	}
	size_t used = 0;
	while (is_for(h, e) && !w->failed) {
		struct arena arena = arena_on(w->scratch, FRAME_ROOM);
		struct decoded d = frame_decode(slice_from(buf_slice(&h->inbox), used), &arena, &f);
		if (d.err != OK)
			world_fail(w, "%c cannot read a frame: %s", host_name(h), err_text(d.err));
		if (d.err != OK || d.used == 0)
			break;
		used += d.used;
		feed_frame(w, h, &f);
	}
	if (!is_for(h, e))
		return;
	memmove(h->inbox.p, h->inbox.p + used, h->inbox.n - used);
	h->inbox.n -= used;
}

void link_on_up(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->who];
	struct node_input in = {.event = NODE_LINK_UP, .connection = e->number};

	if (h->node == NULL || h->life != e->life)
		return;
	h->connection = e->number;
	h->sent = h->came = 0;
	h->seeded = false;
	h->inbox.n = 0;
	if (!h->forked)
		h->fork_offset_ms = node_pair_now(h->node, host_now(w, h)).ms - w->now;
	host_feed(w, h, &in);
}

void link_on_down(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->who];
	struct node_input in = {.event = NODE_LINK_DOWN, .connection = e->number};

	if (!is_for(h, e))
		return;
	h->connection = 0;
	h->inbox.n = 0;
	host_feed(w, h, &in);
}

static void connect(struct world *w)
{
	struct host *a = &w->hosts[0], *b = &w->hosts[1];
	int64_t both = w->now;

	w->connections++;
	for (int i = 0; i < HOSTS; i++) {
		struct event *e = world_at(w, link_delay(w), EVENT_LINK_UP, i);
		both = e->at > both ? e->at : both;
		e->life = w->hosts[i].life;
		e->number = w->connections;
	}
	a->sent_until = b->sent_until = both;
}

void link_on_try(struct world *w, const struct event *e)
{
	const struct host *a = &w->hosts[0], *b = &w->hosts[1];
	bool both = a->loaded && b->loaded && a->paused_until <= w->now &&
	            b->paused_until <= w->now;
	bool wanted = a->connection == 0 || b->connection == 0;

	(void)e;
	if (both && wanted && !w->link_cut[0] && !w->link_cut[1])
		connect(w);
	(void)world_at(w, world_draw(w, TRY_LEAST_MS, TRY_MOST_MS), EVENT_LINK_TRY, 0);
}
