/* The virtual disk: a log with group commit, an image written behind it, a next generation. */
#include <assert.h>
#include <stdlib.h>

#include "tests/sim/check.h"

static void image_clear(struct image *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->items[i].memory);
	m->n = 0;
}

static void image_free(struct image *m)
{
	image_clear(m);
	free(m->items);
	*m = (struct image){.items = NULL};
}

static size_t image_find(const struct image *m, enum table table, struct slice key)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->items[i].table == table && slice_eq(m->items[i].key, key))
			return i;
	return m->n;
}

static struct image_item item_new(enum table table, struct slice key, struct slice value)
{
	uint8_t *p = take_memory(key.n + value.n);

	assert(key.n > 0);
	memcpy(p, key.p, key.n);
	if (value.n > 0)
		memcpy(p + key.n, value.p, value.n);
	return (struct image_item){p, table, {p, key.n}, {p + key.n, value.n}, false};
}

/* An empty value deletes. */
static void image_put(struct image *m, enum table table, struct slice key, struct slice value)
{
	size_t at = image_find(m, table, key);

	if (at < m->n) {
		free(m->items[at].memory);
		if (value.n > 0)
			m->items[at] = item_new(table, key, value);
		else
			m->items[at] = m->items[--m->n];
		return;
	}
	if (value.n == 0)
		return;
	if (m->n == m->room) {
		m->room = m->room == 0 ? 64 : 2 * m->room;
		m->items = more_memory(m->items, m->room * sizeof *m->items);
	}
	m->items[m->n++] = item_new(table, key, value);
}

void disk_free(struct disk *d)
{
	image_free(&d->image);
	image_free(&d->next.image);
}

static const struct history_entry *entry_at(const struct world *w, const struct host *h,
                                            uint64_t seq)
{
	return &w->history.entries[h->chain.at[seq]];
}

static void made_durable(struct world *w, struct host *h, uint64_t through)
{
	struct disk *d = &h->disk;

	assert(through <= h->chain.n);
	if (through <= d->durable)
		return;
	d->durable = through;
	d->pair = entry_at(w, h, through)->pair;
	d->wall_ms = host_wall_ms(w, h);
}

void disk_append(struct world *w, struct host *h, const struct node_output *o)
{
	check_append(w, h, o);
	if (o->wall_ms != host_wall_ms(w, h))
		world_fail(w, "%c logs %llu by another wall clock than its own", host_name(h),
		           (unsigned long long)o->seq);
}

static int64_t commit_takes_ms(struct world *w, const struct disk *d)
{
	int64_t ms = world_draw(w, 1, 4);

	if (world_chance(w, w->disk_slow_ppm))
		ms += world_draw(w, 20, 400);
	if (w->now < d->slow_until)
		ms += world_draw(w, 100, 1500);
	return w->mode == COMMIT_PEER ? ms + FLUSH_MS : ms;
}

void disk_flush(struct world *w, struct host *h)
{
	struct disk *d = &h->disk;

	if (d->broken || d->hangs || d->next.placing || d->committing != 0 ||
	    h->chain.n <= d->durable)
		return;
	d->committing = h->chain.n;
	struct event *e = world_at(w, commit_takes_ms(w, d), EVENT_COMMIT, h->index);
	e->life = h->life;
	e->number = d->committing;
}

void disk_on_commit(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->who];

	if (h->life != e->life || h->node == NULL || h->disk.committing != e->number)
		return;
	h->disk.committing = 0;
	if (h->disk.broken)
		return;
	made_durable(w, h, e->number);
	struct node_input in = {.event = NODE_DURABLE, .seq = h->disk.durable};
	host_feed(w, h, &in);
}

static void checkpoint(struct world *w, struct host *h)
{
	struct disk *d = &h->disk;
	uint64_t keep = h->loaded ? node_log_keep(h->node) : 0;
	uint64_t oldest = d->durable > w->log_entries ? d->durable - w->log_entries + 1 : 1;
	struct entry e;

	for (uint64_t seq = d->applied + 1; seq <= d->durable; seq++) {
		const struct history_entry *it = entry_at(w, h, seq);
		if (entry_decode((struct slice){it->bytes, it->n}, &e) == OK)
			image_put(&d->image, e.table, e.key, e.value);
	}
	d->applied = d->durable;
	if (keep < oldest)
		oldest = keep;
	if (oldest > d->durable + 1)
		oldest = d->durable + 1;
	if (oldest > d->first)
		d->first = oldest;
}

void disk_on_checkpoint(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->who];

	if (h->life != e->life || h->node == NULL)
		return;
	if (!h->disk.broken && !h->disk.next.placing)
		checkpoint(w, h);
	world_at(w, world_draw(w, 1, 2 * w->checkpoint_ms), EVENT_CHECKPOINT, h->index)->life =
		h->life;
}

void disk_set_aside(struct world *w, struct host *h, uint64_t after)
{
	disk_settle(w, h);
	if (after >= h->disk.durable) {
		world_fail(w, "%c sets aside nothing: above %llu, the log ends at %llu",
		           host_name(h), (unsigned long long)after,
		           (unsigned long long)h->disk.durable);
		return;
	}
	for (uint64_t seq = after + 1; seq <= h->disk.durable; seq++)
		w->history.entries[h->chain.at[seq]].set_aside = true;
	h->forked = true;
	h->forks++;
	h->fork_entries += h->disk.durable - after;
	w->stat[STAT_FORKS]++;
	world_say(w, host_name(h), "sets aside %llu entries above %llu",
	          (unsigned long long)(h->disk.durable - after), (unsigned long long)after);
}

void disk_next_begin(struct world *w, struct host *h)
{
	if (h->disk.next.begun)
		world_fail(w, "%c begins a second next generation", host_name(h));
	disk_settle(w, h);
	uint64_t number = h->disk.next.number + 1;
	h->disk.next = (struct next){.image = h->disk.next.image, .begun = true, .number = number};
	fault_moment(w, MOMENT_SNAPSHOT);
}

void disk_next_put(struct world *w, struct host *h, const struct node_output *o)
{
	if (!h->disk.next.begun)
		world_fail(w, "%c puts into no generation", host_name(h));
	image_put(&h->disk.next.image, o->record.table, o->record.key, o->record.value);
}

void disk_next_abort(struct host *h)
{
	image_clear(&h->disk.next.image);
	h->disk.next.begun = false;
}

static int64_t next_takes_ms(struct world *w, struct disk *d)
{
	int64_t at = w->now + world_draw(w, 0, 5);

	if (w->now < d->slow_until)
		at += world_draw(w, 50, 800);
	d->next.stored_at = at > d->next.stored_at ? at : d->next.stored_at;
	return d->next.stored_at - w->now;
}

static void next_event(struct world *w, struct host *h, enum event_kind kind, uint64_t mark)
{
	struct event *e = world_at(w, next_takes_ms(w, &h->disk), kind, h->index);

	e->life = h->life;
	e->number = h->disk.next.number;
	e->op = (int)mark;
}

void disk_next_slice(struct world *w, struct host *h, const struct node_output *o)
{
	struct next *next = &h->disk.next;

	if (!next->begun || o->seq <= next->marked)
		world_fail(w, "%c marks %llu of no generation or twice", host_name(h),
		           (unsigned long long)o->seq);
	next->marked = o->seq;
	next_event(w, h, EVENT_STORED, o->seq);
}

void disk_on_stored(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->who];
	struct node_input in = {.event = NODE_NEXT_STORED, .seq = (uint64_t)e->op};

	if (h->life != e->life || h->node == NULL || h->disk.broken ||
	    h->disk.next.number != e->number)
		return;
	h->disk.next.stored = in.seq;
	host_feed(w, h, &in);
}

/* The moment: it is on the disk, in place of the old one. */
static void place(struct world *w, struct host *h)
{
	struct disk *d = &h->disk;
	struct image old = d->image;

	d->image = d->next.image;
	d->next.image = old;
	image_clear(&d->next.image);
	d->next.placing = false;
	d->applied = d->durable = d->next.seq;
	d->first = d->durable + 1;
	d->restored = 0;
	d->pair = d->next.pair;
	d->wall_ms = host_wall_ms(w, h);
	w->stat[STAT_SNAPSHOTS]++;
	world_say(w, host_name(h), "has the snapshot of %llu in place",
	          (unsigned long long)d->durable);
}

/* It was not in place in time: the old one, whole. */
static void unplace(struct world *w, struct host *h)
{
	struct disk *d = &h->disk;

	d->applied = d->old.applied;
	d->first = d->old.first;
	d->durable = d->old.durable;
	d->pair = d->old.pair;
	d->wall_ms = d->old.wall_ms;
	chain_set(&h->chain, &w->history, d->old.head);
	d->next.placing = false;
	image_clear(&d->next.image);
}

void disk_on_placed(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->who];
	struct disk *d = &h->disk;

	if (h->life != e->life || h->node == NULL || d->broken)
		return;
	if (d->next.placing && d->next.number == e->number)
		place(w, h);
	if (d->next.placing)
		return;
	struct node_input in = {.event = NODE_DURABLE, .seq = d->durable};
	host_feed(w, h, &in);
}

void disk_next_commit(struct world *w, struct host *h, const struct node_output *o)
{
	struct disk *d = &h->disk;
	uint32_t entry = history_find(&w->history, o->position.reign, o->position.seq);

	if (!d->next.begun || entry == 0) {
		world_fail(w, "%c takes over a generation at %llu that nobody wrote", host_name(h),
		           (unsigned long long)o->position.seq);
		return;
	}
	d->old = (struct whole){d->applied, d->first,  d->durable, h->chain.at[d->durable],
	                        d->pair,    d->wall_ms};
	d->next.begun = false;
	d->next.placing = true;
	d->next.seq = o->position.seq;
	d->next.pair = o->pair;
	d->committing = 0;
	d->applied = d->durable = 0;
	d->first = 1;
	h->seeded = h->followed = true;
	h->forked = false;
	chain_set(&h->chain, &w->history, entry);
	for (uint64_t seq = 1; seq <= h->chain.n; seq++)
		w->history.entries[h->chain.at[seq]].seen |= 1U << h->index;
	world_say(w, host_name(h), "has a whole snapshot of %llu", (unsigned long long)h->chain.n);
	next_event(w, h, EVENT_PLACED, 0);
}

/* The log thread is at rest: what waited for it is on the disk. */
void disk_settle(struct world *w, struct host *h)
{
	h->disk.committing = 0;
	if (h->disk.broken)
		return;
	if (h->disk.next.placing)
		place(w, h);
	made_durable(w, h, h->chain.n);
}

static void disk_next_drop(struct world *w, struct host *h)
{
	struct disk *d = &h->disk;

	if (d->next.placing && !d->broken && world_chance(w, 500000))
		place(w, h);
	else if (d->next.placing)
		unplace(w, h);
	disk_next_abort(h);
}

void disk_crash(struct world *w, struct host *h)
{
	struct disk *d = &h->disk;

	/* A commit that was under way is on the disk whole or not at all. */
	if (d->committing > d->durable && !d->broken && world_chance(w, 500000))
		made_durable(w, h, d->committing);
	d->committing = 0;
	disk_next_drop(w, h);
	d->broken = false;
	chain_cut(&h->chain, &w->history, d->durable);
}

void disk_wipe(struct world *w, struct host *h)
{
	struct disk *d = &h->disk;

	image_clear(&d->image);
	d->applied = d->durable = 0;
	d->first = 1;
	d->lost = false;
	d->pair = (struct pairtime){0};
	d->wall_ms = 0;
	chain_cut(&h->chain, &w->history, 0);
	check_excuse(w, h);
}

void disk_age(struct world *w, struct host *h)
{
	struct disk *d = &h->disk;

	d->durable = (uint64_t)world_draw(w, (int64_t)d->applied, (int64_t)d->durable);
	struct pairtime then = entry_at(w, h, d->durable)->pair;
	d->wall_ms -= d->pair.ms - then.ms;
	d->pair = then;
	chain_cut(&h->chain, &w->history, d->durable);
	check_excuse(w, h);
	if (d->durable == 0 || world_chance(w, 500000))
		return;
	/* A backup says what it is, and has no log. */
	checkpoint(w, h);
	d->first = d->durable + 1;
	d->restored = d->durable;
	world_say(w, host_name(h), "is restored from a backup of %llu",
	          (unsigned long long)d->durable);
}

/* The block that holds `seq`: it begins and ends where a commit happened to. */
struct slice disk_read(struct world *w, struct host *h, uint64_t seq, struct buf *block)
{
	const struct disk *d = &h->disk;

	if (seq < d->first || seq > d->durable)
		return (struct slice){NULL, 0};
	uint64_t from = seq - (uint64_t)world_draw(w, 0, 7);
	uint64_t to = seq + (uint64_t)world_draw(w, 0, 20);
	if (from < d->first || from > seq)
		from = d->first;
	struct block_writer b = block_begin(block->p, block->room, from);
	for (uint64_t at = from; at <= to && at <= d->durable && b.to.n < BLOCK_TARGET; at++) {
		const struct history_entry *e = entry_at(w, h, at);
		block_add(&b, (struct slice){e->bytes, e->n});
	}
	return block_end(&b, d->wall_ms);
}
