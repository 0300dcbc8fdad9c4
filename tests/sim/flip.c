/* Bytes that change by themselves: in a node's memory, in its image, or as an entry is applied. Once in some
 * of the calm worlds, so that nothing else is wrong there; drawn apart: the other worlds stay as they are.
 * Within a bound it is found, counted and repaired; where nothing flipped, nothing is ever found. */
#include <assert.h>
#include <stdlib.h>

#include "tests/own.h"
#include "tests/sim/check.h"

enum flip_kind { NO_FLIP, STANDBY_MEMORY, ACTIVE_MEMORY, STANDBY_IMAGE, ACTIVE_IMAGE, MISAPPLIED };
enum {
	COMPARE_MS = 3000,
	BEGIN_MS = 10000,
	AGAIN_MS = 500,
	STORE_FINDS_MS = 4000,
	REPAIRED_MS = 60000
};

static uint64_t draw(struct flip *f, uint64_t below)
{
	return rng_next(&f->rng) % below;
}

static struct copy *copy_of(struct host *h)
{
	return own(node_copy(h->node));
}

void flip_plan(struct world *w)
{
	struct flip *f = &w->flip;

	f->rng.state = w->seed * UINT64_C(0xda942042e4dd58b5);
	if (w->profile == CALM)
		(void)world_at(w, BEGIN_MS + (int64_t)draw(f, COMPARE_MS), EVENT_COMPARE, 0);
	if (w->profile != CALM || w->mixed || draw(f, 3) == 0)
		return;
	f->kind = STANDBY_MEMORY + (int)draw(f, MISAPPLIED - STANDBY_MEMORY + 1);
	uint64_t span = (uint64_t)(w->rough_until - BEGIN_MS);
	(void)world_at(w, BEGIN_MS + (int64_t)draw(f, span), EVENT_FLIP, 0);
}

bool flip_alone(const struct world *w)
{
	return w->flip.kind == MISAPPLIED;
}

/* The n-th record of all, by the walk of the copy; NULL: there are fewer. */
static const struct copy_item *nth_item(const struct copy *c, uint64_t n, enum table *table)
{
	for (*table = TABLE_AOR; *table < TABLE_END; (*table)++) {
		struct copy_cursor cursor = {0};
		const struct copy_item *item;
		while ((item = copy_walk(c, *table, &cursor)) != NULL)
			if (n-- == 0)
				return item;
	}
	return NULL;
}

static const struct copy_item *some_item(struct flip *f, const struct copy *c)
{
	uint64_t records = 0;

	for (enum table t = TABLE_AOR; t < TABLE_END; t++)
		records += copy_count(c, t);
	return records == 0 ? NULL : nth_item(c, draw(f, records), &f->table);
}

static struct status status_of(const struct world *w, const struct host *h)
{
	struct status s;

	node_status(h->node, host_now(w, h), &s);
	return s;
}

static uint64_t faults_of(const struct world *w, const struct host *h)
{
	struct status s = status_of(w, h);

	return w->flip.kind == MISAPPLIED ? s.digest_mismatches
	       : w->flip.kind == STANDBY_MEMORY || w->flip.kind == ACTIVE_MEMORY ? s.memory_faults
	                                                                         : s.store_faults;
}

static void turn_byte(struct flip *f, struct slice value)
{
	assert(value.n > 0);
	uint8_t *bytes = own(value.p);

	bytes[draw(f, value.n)] ^= (uint8_t)(1U << draw(f, 8));
}

static void misapply(struct flip *f, struct copy *c, const struct copy_item *item)
{
	struct copy_item was = *item;
	uint8_t *wrong = take_memory(was.value.n);

	memcpy(wrong, was.value.p, was.value.n);
	turn_byte(f, (struct slice){wrong, was.value.n});
	copy_put(c, f->table, was.key, (struct slice){wrong, was.value.n}, was.seq, was.deadline);
	free(wrong);
}

static struct image_item *in_image(struct host *h, const struct flip *f)
{
	struct image *m = &h->disk.image;

	for (size_t i = 0; i < m->n; i++)
		if (m->items[i].table == f->table &&
		    slice_eq(m->items[i].key, (struct slice){f->key, f->key_n}))
			return &m->items[i];
	return NULL;
}

/* The store looks through its records at its own pace. */
static void turn_image(struct world *w, struct host *h, struct image_item *item)
{
	struct flip *f = &w->flip;

	turn_byte(f, item->value);
	item->flipped = true;
	world_at(w, (int64_t)draw(f, STORE_FINDS_MS), EVENT_FLIP_FOUND, h->index)->life = h->life;
}

static bool turn(struct world *w, struct host *h)
{
	struct flip *f = &w->flip;
	bool of_image = f->kind == STANDBY_IMAGE || f->kind == ACTIVE_IMAGE;
	const struct copy_item *item = some_item(f, node_copy(h->node));

	if (item == NULL || item->key.n > sizeof f->key)
		return false;
	memcpy(f->key, item->key.p, item->key.n);
	f->key_n = item->key.n;
	f->seq = item->seq;
	struct image_item *stored = in_image(h, f);
	if (of_image && stored == NULL)
		return false;
	if (of_image)
		turn_image(w, h, stored);
	else if (f->kind == MISAPPLIED)
		misapply(f, copy_of(h), item);
	else
		turn_byte(f, item->value);
	return true;
}

/* Into a pair at work alone: anything else would be two failures. */
void flip_on_event(struct world *w, const struct event *e)
{
	struct flip *f = &w->flip;
	int active = w->hosts[0].role == ROLE_ACTIVE ? 0 : 1;
	bool of_active = f->kind == ACTIVE_MEMORY || f->kind == ACTIVE_IMAGE;
	struct host *h = &w->hosts[of_active ? active : 1 - active];
	struct host *peer = &w->hosts[1 - h->index];
	bool at_work = w->hosts[active].role == ROLE_ACTIVE && h->loaded && peer->loaded &&
	               strcmp(status_of(w, &w->hosts[active]).pair_state, "paired") == 0;

	(void)e;
	if (w->quiet)
		return;
	if (!at_work || !turn(w, h)) {
		(void)world_at(w, AGAIN_MS, EVENT_FLIP, 0);
		return;
	}
	f->open = true;
	f->at = w->now;
	f->who = h->index;
	f->life = h->life;
	f->faults = faults_of(w, h);
	world_say(w, host_name(h), "flips (%d) a record of table %s", f->kind,
	          table_name(f->table));
}

void flip_on_found(struct world *w, const struct event *e)
{
	enum { NAMELESS_ONE_OF = 4, FOUND_AGAIN_MS = 10000 };
	struct host *h = &w->hosts[e->who];
	struct image_item *item = in_image(h, &w->flip);
	struct node_input in = {.event = NODE_IMAGE_FAULT};

	if (h->life != e->life || h->node == NULL || item == NULL || !item->flipped)
		return;
	if (draw(&w->flip, NAMELESS_ONE_OF) != 0) {
		in.record.table = item->table;
		in.record.key = item->key;
	}
	w->flip.told = true;
	/* With its next look, should there have been no room to log it again. */
	world_at(w, FOUND_AGAIN_MS, EVENT_FLIP_FOUND, h->index)->life = h->life;
	host_feed(w, h, &in);
}

bool flip_is_misapplied(const struct world *w, const struct host *h)
{
	return w->flip.open && w->flip.kind == MISAPPLIED && w->flip.who == h->index;
}

void flip_on_compare(struct world *w, const struct event *e)
{
	struct node_command c = {.kind = COMMAND_DIFF, .ticket = 3000000 + ++w->tickets};

	(void)e;
	for (int i = 0; i < HOSTS; i++)
		if (w->hosts[i].role == ROLE_ACTIVE)
			host_command(w, &w->hosts[i], &c);
	(void)world_at(w, (int64_t)draw(&w->flip, COMPARE_MS), EVENT_COMPARE, 0);
}

void flip_on_difference(struct world *w, struct host *h, const struct node_output *o)
{
	const struct flip *f = &w->flip;
	bool flipped = f->open && f->kind == MISAPPLIED && o->record.table == f->table &&
	               slice_eq(o->record.key, (struct slice){f->key, f->key_n});

	world_say(w, host_name(h), "names a record: " SLICE_FMT, SLICE_ARG(o->bytes));
	w->stat[STAT_NAMED]++;
	if (!flipped || !slice_eq(o->bytes, SLICE("differs")))
		world_fail(w, "%c names a record of table %s that is the same on both",
		           host_name(h), table_name(o->record.table));
}

static bool is_sound(const struct world *w, struct host *h)
{
	const struct flip *f = &w->flip;
	struct slice key = {f->key, f->key_n};
	const struct copy_item *item = copy_get(node_copy(h->node), f->table, key);
	const struct copy_item *other =
		copy_get(node_copy(w->hosts[1 - h->index].node), f->table, key);
	const struct image_item *stored = in_image(h, f);

	if (f->kind == MISAPPLIED)
		return (item == NULL) == (other == NULL) &&
		       (item == NULL || item->digest == other->digest);
	return (item == NULL || copy_sound(f->table, item)) && (stored == NULL || !stored->flipped);
}

/* A change of its own may have replaced it before anybody looked. */
static bool is_replaced(const struct world *w, struct host *h)
{
	const struct flip *f = &w->flip;
	const struct copy_item *item =
		copy_get(node_copy(h->node), f->table, (struct slice){f->key, f->key_n});

	if (f->kind == STANDBY_IMAGE || f->kind == ACTIVE_IMAGE)
		return !f->told; /* by a checkpoint */
	return item == NULL || (item->seq != 0 && item->seq != f->seq);
}

static void check_unharmed(struct world *w, const struct host *h)
{
	struct status s = status_of(w, h);

	if (s.digest_mismatches + s.memory_faults + s.store_faults + s.repairs > 0)
		world_fail(w, "%c finds what never flipped: %llu digests, %llu in memory",
		           host_name(h), (unsigned long long)s.digest_mismatches,
		           (unsigned long long)s.memory_faults);
}

void flip_check(struct world *w)
{
	struct flip *f = &w->flip;
	struct host *h = &w->hosts[f->who];

	for (int i = 0; i < HOSTS && f->at == 0; i++)
		if (w->hosts[i].loaded)
			check_unharmed(w, &w->hosts[i]);
	if (!f->open || !w->hosts[0].loaded || !w->hosts[1].loaded)
		return;
	if (h->life != f->life || !is_sound(w, h) || status_of(w, h).damaged) {
		if (w->now > f->at + REPAIRED_MS + 2 * world_transfer_ms(w))
			world_fail(w, "%c has flipped bytes (%d) for %d s", host_name(h), f->kind,
			           REPAIRED_MS / 1000);
		return;
	}
	f->open = false;
	bool counted = faults_of(w, h) > f->faults;
	if (!counted && !is_replaced(w, h))
		world_fail(w, "%c is repaired (%d), and nothing was counted", host_name(h),
		           f->kind);
	w->stat[STAT_FLIPS]++;
	w->stat[STAT_FLIPS_COUNTED] += counted;
	world_say(w, host_name(h), "is sound again, %s", counted ? "counted" : "replaced");
}
