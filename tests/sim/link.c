/* The two connections between the nodes, live and bulk: of each a stream each way, in order and whole until
 * it ends. Nothing is in order between them. */
#include <assert.h>

#include "tests/sim/check.h"

enum {
	READ_EACH_MS = 60,
	TRY_LEAST_MS = 40,
	TRY_MOST_MS = 250,
	HELD_UP_MS = 30,
	FRAME_ROOM = 512 * 1024
};

static struct host *other(struct world *w, const struct host *h)
{
	return &w->hosts[1 - h->index];
}

static int64_t link_delay(struct world *w, int stream)
{
	return world_draw(w, 0, stream == BULK ? w->bulk_delay_ms : w->link_delay_ms);
}

static struct stream *stream_of(struct host *h, uint64_t number)
{
	for (int s = 0; s < STREAMS; s++)
		if (number != 0 && h->link[s].number == number)
			return &h->link[s];
	return NULL;
}

static void stream_end(struct stream *s)
{
	s->number = 0;
	s->inbox.n = 0;
}

/* In order behind what was sent before. */
static struct event *send_after(struct world *w, struct host *h, int stream, enum event_kind kind)
{
	struct host *peer = other(w, h);
	struct stream *s = &h->link[stream];
	int64_t at = w->now + link_delay(w, stream);

	if (at < s->sent_until)
		at = s->sent_until;
	s->sent_until = at;
	struct event *e = world_at(w, at - w->now, kind, peer->index);
	e->life = peer->life;
	e->number = s->number;
	e->op = s->sent++;
	return e;
}

static void send_bytes(struct world *w, struct host *h, int stream, struct slice bytes)
{
	struct event *e = send_after(w, h, stream, EVENT_LINK_BYTES);

	assert(bytes.n > 0);
	e->bytes = take_memory(bytes.n);
	memcpy(e->bytes, bytes.p, bytes.n);
	e->n = bytes.n;
}

static void note_handed_in(struct world *w, const struct host *h)
{
	memcpy(w->handed_in, h->chain.aor, sizeof w->handed_in);
	memcpy(w->handed_in_naps, h->chain.nap, sizeof w->handed_in_naps);
	memcpy(w->handed_in_watched, h->chain.watched, sizeof w->handed_in_watched);
}

void link_send(struct world *w, struct host *h, const struct node_output *o)
{
	struct stream *s = stream_of(h, o->connection);

	if (s == NULL)
		return;
	int stream = (int)(s - h->link);
	if (h->role != ROLE_ACTIVE)
		note_handed_in(w, h);
	if (stream == BULK)
		check_bulk(w, h, o->bytes);
	if (o->bytes.n > 1 && world_chance(w, 50000)) { /* a segment ends within a frame */
		size_t part = (size_t)world_draw(w, 1, (int64_t)o->bytes.n - 1);
		send_bytes(w, h, stream, slice_head(o->bytes, part));
		send_bytes(w, h, stream, slice_from(o->bytes, part));
		return;
	}
	send_bytes(w, h, stream, o->bytes);
}

void link_close(struct world *w, struct host *h, uint64_t number)
{
	struct stream *s = stream_of(h, number);

	if (s == NULL)
		return;
	(void)send_after(w, h, (int)(s - h->link), EVENT_LINK_DOWN);
	stream_end(s);
}

/* This end is gone; the other learns it, perhaps before all it had was read. */
static void stream_lost(struct world *w, const struct host *h, int stream)
{
	const struct host *peer = other(w, h);
	const struct stream *s = &h->link[stream];
	int64_t last = s->sent_until > w->now ? s->sent_until - w->now : 0;
	struct event *e = world_at(w, world_draw(w, 0, last + w->link_delay_ms), EVENT_LINK_DOWN,
	                           peer->index);

	e->life = peer->life;
	e->number = s->number;
}

/* Something between them ends it: both are told. */
void link_reset(struct world *w, int stream)
{
	for (int i = 0; i < HOSTS; i++)
		if (w->hosts[i].link[stream].number != 0)
			stream_lost(w, &w->hosts[i], stream);
}

/* A dead process's kernel ends the connections; a dead host's says nothing. */
void link_crash(struct world *w, struct host *h, bool power)
{
	for (int s = 0; s < STREAMS; s++) {
		if (h->link[s].number != 0 && !power)
			stream_lost(w, h, s);
		stream_end(&h->link[s]);
	}
}

/* A process that takes from its socket now and then alone. */
static int64_t slow_reader_ms(struct world *w, struct host *h)
{
	if (w->now >= h->slow_reader_until)
		return 0;
	if (h->reads_at == w->now) {
		h->reads_at = w->now + world_draw(w, 1, READ_EACH_MS);
		return 0;
	}
	if (h->reads_at < w->now)
		h->reads_at = w->now + world_draw(w, 1, READ_EACH_MS);
	return h->reads_at - w->now;
}

/* A process short of time learns of a connection late: what was sent on it waits. */
static bool is_coming(const struct host *h, const struct event *e)
{
	return h->life == e->life &&
	       (h->link[LIVE].coming == e->number || h->link[BULK].coming == e->number);
}

/* The way is cut, or what was sent before has not come yet. */
int64_t link_held_up_ms(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->who], *from = &w->hosts[1 - e->who];
	const struct stream *s = h->life == e->life ? stream_of(h, e->number) : NULL;

	if (w->link_cut[from->index]) {
		struct stream *sent = stream_of(from, e->number);
		if (sent != NULL && sent->sent_until < w->now + HELD_UP_MS)
			sent->sent_until = w->now + HELD_UP_MS;
		return HELD_UP_MS;
	}
	if (is_coming(h, e) || (s != NULL && e->op >= 0 && e->op != s->came))
		return 1;
	return e->kind == EVENT_LINK_BYTES ? slow_reader_ms(w, h) : 0;
}

static struct stream *stream_for(struct host *h, const struct event *e)
{
	return h->node != NULL && h->life == e->life ? stream_of(h, e->number) : NULL;
}

static void feed_frame(struct world *w, struct host *h, uint64_t number, const struct frame *f)
{
	struct node_input in = {.event = NODE_FRAME, .connection = number, .frame = f};
	const struct beat *beat = f->kind == FRAME_BEAT    ? &f->beat
	                          : f->kind == FRAME_HELLO ? &f->hello.beat
	                                                   : NULL;

	version_check(w, h, f);
	if (f->kind == FRAME_RESUME)
		h->seeded = f->resume.how != RESUME_FORK && !h->forked;
	if (f->kind == FRAME_RESUME && f->resume.how == RESUME_FORK)
		fault_moment(w, MOMENT_MERGE);
	if (beat != NULL && beat->role == ROLE_ACTIVE && h->seeded)
		h->followed = true;
	bool merging = f->kind == FRAME_END && h->role == ROLE_ACTIVE;
	host_feed(w, h, &in);
	if (merging && h->link[LIVE].number != 0 && !w->failed)
		merge_check_end(w, h);
}

void link_on_bytes(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->who];
	struct stream *s = stream_for(h, e);
	struct frame f;
	size_t used = 0;

	if (s == NULL)
		return;
	s->came++;
	buf_put(&s->inbox, (struct slice){e->bytes, e->n});
	if (s->inbox.full) {
		world_fail(w, "%c gets more than a frame may hold", host_name(h));
		return;
	}
	while (stream_for(h, e) == s && !w->failed) {
		struct arena arena = arena_on(w->scratch, FRAME_ROOM);
		struct decoded d = frame_decode(slice_from(buf_slice(&s->inbox), used), &arena, &f);
		if (d.err != OK)
			world_fail(w, "%c cannot read a frame: %s", host_name(h), err_text(d.err));
		if (d.err != OK || d.used == 0)
			break;
		used += d.used;
		feed_frame(w, h, e->number, &f);
	}
	if (stream_for(h, e) != s)
		return;
	memmove(s->inbox.p, s->inbox.p + used, s->inbox.n - used);
	s->inbox.n -= used;
}

static void stream_begin(struct stream *s, uint64_t number)
{
	s->number = number;
	s->sent = s->came = 0;
	s->inbox.n = 0;
}

void link_on_up(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->who];
	struct node_input in = {.event = e->op == BULK ? NODE_BULK_UP : NODE_LINK_UP,
	                        .connection = e->number};

	if (h->node == NULL || h->life != e->life)
		return;
	if (h->link[e->op].number != 0)
		stream_lost(w, h, e->op); /* a newer one takes its place */
	stream_begin(&h->link[e->op], e->number);
	if (h->link[e->op].coming == e->number)
		h->link[e->op].coming = 0;
	if (e->op == LIVE)
		h->seeded = false;
	if (e->op == LIVE && !h->forked)
		h->fork_offset_ms = node_pair_now(h->node, host_now(w, h)).ms - w->now;
	host_feed(w, h, &in);
}

void link_on_down(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->who];
	struct stream *s = stream_for(h, e);

	if (s == NULL)
		return;
	bool bulk = s == &h->link[BULK];
	struct node_input in = {.event = bulk ? NODE_BULK_DOWN : NODE_LINK_DOWN,
	                        .connection = e->number};
	stream_end(s);
	host_feed(w, h, &in);
}

static void connect(struct world *w, int stream)
{
	struct host *a = &w->hosts[0], *b = &w->hosts[1];
	int64_t both = w->now;

	w->connections++;
	for (int i = 0; i < HOSTS; i++) {
		struct event *e = world_at(w, link_delay(w, stream), EVENT_LINK_UP, i);
		both = e->at > both ? e->at : both;
		e->life = w->hosts[i].life;
		e->number = w->connections;
		e->op = stream;
		w->hosts[i].link[stream].coming = w->connections;
	}
	a->link[stream].sent_until = b->link[stream].sent_until = both;
	w->connecting_until = both;
}

void link_on_try(struct world *w, const struct event *e)
{
	const struct host *a = &w->hosts[0], *b = &w->hosts[1];
	bool both = a->loaded && b->loaded && a->paused_until <= w->now &&
	            b->paused_until <= w->now;
	bool way = both && !w->link_cut[0] && !w->link_cut[1] && w->now > w->connecting_until;
	bool live = a->link[LIVE].number != 0 && b->link[LIVE].number != 0;
	bool bulk = a->link[BULK].number != 0 && b->link[BULK].number != 0;

	(void)e;
	if (way && !live)
		connect(w, LIVE);
	else if (way && !bulk && b->link[LIVE].number != 0 && w->now >= w->no_bulk_until)
		connect(w, BULK);
	(void)world_at(w, world_draw(w, TRY_LEAST_MS, TRY_MOST_MS), EVENT_LINK_TRY, 0);
}
