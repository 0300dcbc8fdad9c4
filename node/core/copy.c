#include "node/core/copy.h"

#include <assert.h>
#include <xxhash.h>

#include "node/core/copy_parts.h"
#include "proto/entry.h"

static void *take(struct copy *c, size_t size)
{
	c->bytes += size;
	return alloc_take(&c->alloc, size);
}

static void give(struct copy *c, void *p, size_t size)
{
	assert(c->bytes >= size);
	c->bytes -= size;
	alloc_give(&c->alloc, p);
}

static size_t item_size(const struct item *i)
{
	return sizeof *i + i->timed.is.key.n + i->timed.is.value.n;
}

static enum table item_table(const struct item *i)
{
	return (enum table)(i->mark & ((1U << TABLE_BITS) - 1));
}

static struct records *records_of(struct copy *c, enum table table)
{
	assert(table >= TABLE_AOR && table < TABLE_END);
	return &c->records[table];
}

static void add_segment(struct copy *c, struct records *r)
{
	size_t n = (size_t)(r->buckets / SEGMENT);

	if (n == r->segments_room) {
		size_t room = n == 0 ? 8 : 2 * n;
		struct segment **wider = take(c, room * sizeof(struct segment *));
		for (size_t i = 0; i < n; i++)
			wider[i] = r->segments[i];
		if (n > 0)
			give(c, r->segments, n * sizeof(struct segment *));
		r->segments = wider;
		r->segments_room = room;
	}
	r->segments[n] = take(c, sizeof(struct segment));
	*r->segments[n] = (struct segment){{NULL}};
}

struct copy *copy_new(const struct alloc *alloc)
{
	struct copy *c = alloc_take(alloc, sizeof *c);

	c->alloc = *alloc;
	c->bytes = sizeof *c;
	c->births = 0;
	c->groups.n = 0;
	c->group_sums = NULL;
	c->freed_tables = TABLE_AOR;
	c->freed_buckets = 0;
	wheel_init(&c->wheel);
	for (size_t t = 0; t < TABLE_END; t++) {
		struct records *r = &c->records[t];
		*r = (struct records){0};
		if (t < TABLE_AOR)
			continue;
		add_segment(c, r);
		r->level = SEGMENT;
		r->buckets = SEGMENT;
	}
	return c;
}

/* How many there were. */
static size_t free_bucket(struct copy *c, struct item **bucket)
{
	struct item *i = *bucket;
	size_t n = 0;

	for (; i != NULL; n++) {
		struct item *next = i->chain;
		give(c, i, item_size(i));
		i = next;
	}
	*bucket = NULL;
	return n;
}

static void free_records(struct copy *c, struct records *r)
{
	size_t n = (size_t)((r->buckets + SEGMENT - 1) / SEGMENT);

	for (uint64_t b = 0; b < r->buckets; b++)
		(void)free_bucket(c, bucket_at(r, b));
	for (size_t s = 0; s < n; s++)
		give(c, r->segments[s], sizeof(struct segment));
	if (r->segments_room > 0)
		give(c, r->segments, r->segments_room * sizeof(struct segment *));
	if (r->sums != NULL)
		give(c, r->sums, SUMS_SIZE);
}

void copy_free(struct copy **copy)
{
	struct copy *c = *copy;

	if (c == NULL)
		return;
	for (size_t t = 0; t < TABLE_END; t++)
		free_records(c, &c->records[t]);
	if (c->group_sums != NULL)
		give(c, c->group_sums, (c->groups.n + 1) * sizeof *c->group_sums);
	assert(c->bytes == sizeof *c);
	struct alloc alloc = c->alloc;
	alloc_give(&alloc, c);
	*copy = NULL;
}

bool copy_free_some(struct copy **copy, size_t items)
{
	struct copy *c = *copy;

	while (c->freed_tables < TABLE_END) {
		const struct records *r = &c->records[c->freed_tables];
		if (c->freed_buckets == r->buckets) {
			c->freed_tables++;
			c->freed_buckets = 0;
			continue;
		}
		size_t n = 1 + free_bucket(c, bucket_at(r, c->freed_buckets++));
		if (n >= items)
			return false;
		items -= n;
	}
	copy_free(copy);
	return true;
}

static uint32_t hash_of(struct slice key)
{
	return (uint32_t)XXH3_64bits(key.p, key.n);
}

/* Where the item hangs, or the end of its chain. */
static struct item **find(const struct records *r, uint32_t hash, struct slice key)
{
	struct item **at = bucket_at(r, bucket_number(r, hash));

	while (*at != NULL && ((*at)->hash != hash || !slice_eq((*at)->timed.is.key, key)))
		at = &(*at)->chain;
	return at;
}

/* Moves the items of the next bucket that have the higher bit set into a new one. */
static void split(struct copy *c, struct records *r)
{
	uint64_t from = r->buckets - r->level;

	if (r->buckets % SEGMENT == 0)
		add_segment(c, r);
	struct item **stays = bucket_at(r, from);
	struct item **goes = bucket_at(r, r->buckets);

	for (struct item *i = *stays; i != NULL; i = i->chain) {
		struct item ***to = (i->hash & r->level) != 0 ? &goes : &stays;
		**to = i;
		*to = &i->chain;
	}
	*stays = NULL;
	*goes = NULL;
	r->buckets++;
	if (r->buckets == 2 * r->level)
		r->level = r->buckets;
}

static struct item *new_item(struct copy *c, struct slice key, struct slice value)
{
	struct item *i = take(c, sizeof *i + key.n + value.n);

	assert(key.n > 0);
	memcpy(i->bytes, key.p, key.n);
	if (value.n > 0)
		memcpy(i->bytes + key.n, value.p, value.n);
	i->timed = (struct wheel_item){
		.is.key = {i->bytes, key.n},
		.is.value = {i->bytes + key.n, value.n},
	};
	return i;
}

/* What the record is of its table's digest. */
static void add_digest(struct copy *c, struct records *r, const struct item *i)
{
	if (r->sums == NULL) {
		r->sums = take(c, SUMS_SIZE);
		memset(r->sums, 0, SUMS_SIZE);
	}
	r->digest += i->timed.is.digest;
	r->sums[bucket_of(i->hash)] += i->timed.is.digest;
}

/* Takes the item out of everything but its chain. */
static void drop_item(struct copy *c, struct records *r, struct item *i)
{
	r->digest -= i->timed.is.digest;
	r->sums[bucket_of(i->hash)] -= i->timed.is.digest;
	wheel_remove(&c->wheel, &i->timed);
	give(c, i, item_size(i));
}

void copy_group(struct copy *c, const struct copy_groups *groups)
{
	assert(c->births == 0 && c->group_sums == NULL);
	c->groups = *groups;
	c->group_sums = take(c, (groups->n + 1) * sizeof *c->group_sums);
	for (size_t i = 0; i <= groups->n; i++)
		c->group_sums[i] = (struct group_sum){0};
}

static struct group_sum *sum_of(const struct copy *c, const struct item *i)
{
	size_t group = c->groups.of(c->groups.context, item_table(i), i->timed.is.key);

	return &c->group_sums[group < c->groups.n ? group : c->groups.n];
}

static uint64_t weight_of(const struct copy *c, const struct item *i)
{
	return c->groups.weight(item_table(i), i->timed.is.value);
}

/* Bits may have flipped in what is lifted off: nothing weighs less than nothing. */
static void move_weight(struct group_sum *sum, uint64_t more, uint64_t less)
{
	sum->weight += more;
	sum->weight -= less < sum->weight ? less : sum->weight;
}

static void count_in(struct copy *c, struct records *r, const struct item *i)
{
	r->count++;
	if (c->group_sums == NULL)
		return;
	struct group_sum *sum = sum_of(c, i);
	sum->records++;
	move_weight(sum, weight_of(c, i), 0);
}

static void count_out(struct copy *c, struct records *r, const struct item *i)
{
	r->count--;
	if (c->group_sums == NULL)
		return;
	struct group_sum *sum = sum_of(c, i);
	sum->records--;
	move_weight(sum, 0, weight_of(c, i));
}

static void count_again(struct copy *c, const struct item *i, const struct item *old)
{
	uint64_t more = c->group_sums != NULL ? weight_of(c, i) : 0;
	uint64_t less = c->group_sums != NULL ? weight_of(c, old) : 0;

	if (more != less)
		move_weight(sum_of(c, i), more, less);
}

const struct copy_item *copy_get(const struct copy *c, enum table table, struct slice key)
{
	const struct item *i = *find(records_in(c, table), hash_of(key), key);

	return i == NULL ? NULL : &i->timed.is;
}

/* NOLINTNEXTLINE(readability-function-size): one item, and the place for it */
void copy_put(struct copy *c, enum table table, struct slice key, struct slice value, uint64_t seq,
              struct pairtime deadline)
{
	struct records *r = records_of(c, table);
	uint32_t hash = hash_of(key);
	struct item **at = find(r, hash, key);
	struct item *old = *at;
	struct item *i =
		new_item(c, key, value); /* before the old goes: they may share the bytes */

	i->hash = hash;
	i->mark = old != NULL ? old->mark : c->births++ << TABLE_BITS | (uint32_t)table;
	i->timed.is.seq = seq;
	i->timed.is.deadline = deadline;
	i->chain = old != NULL ? old->chain : NULL;
	*at = i;
	if (old == NULL) {
		count_in(c, r, i);
	} else {
		count_again(c, i, old);
		drop_item(c, r, old);
	}
	i->timed.is.digest = record_hash(table, i->timed.is.key, i->timed.is.value);
	add_digest(c, r, i);
	wheel_add(&c->wheel, &i->timed);
	if (r->count > r->buckets)
		split(c, r);
}

void copy_again(struct copy *c, enum table table, struct slice key, struct pairtime deadline)
{
	struct item *i = *find(records_of(c, table), hash_of(key), key);

	assert(i != NULL);
	wheel_remove(&c->wheel, &i->timed);
	i->timed.is.deadline = deadline;
	wheel_add(&c->wheel, &i->timed);
}

void copy_delete(struct copy *c, enum table table, struct slice key)
{
	struct records *r = records_of(c, table);
	struct item **at = find(r, hash_of(key), key);
	struct item *i = *at;

	if (i == NULL)
		return;
	*at = i->chain;
	count_out(c, r, i);
	drop_item(c, r, i);
	if (r->count == 0) {
		give(c, r->sums, SUMS_SIZE);
		r->sums = NULL;
	}
}

uint64_t copy_count(const struct copy *c, enum table table)
{
	return records_in(c, table)->count;
}

uint64_t copy_group_count(const struct copy *c, size_t group)
{
	assert(group < c->groups.n);
	return c->group_sums[group].records;
}

uint64_t copy_group_weight(const struct copy *c, size_t group)
{
	assert(group < c->groups.n);
	return c->group_sums[group].weight;
}

uint64_t copy_weight(const struct copy *c)
{
	uint64_t weight = 0;

	for (size_t i = 0; c->group_sums != NULL && i <= c->groups.n; i++)
		weight += c->group_sums[i].weight;
	return weight;
}

uint64_t copy_digest(const struct copy *c, enum table table)
{
	return records_in(c, table)->digest;
}

uint32_t copy_bucket_of(struct slice key)
{
	return bucket_of(hash_of(key));
}

uint64_t copy_bucket(const struct copy *c, enum table table, uint32_t bucket)
{
	const struct records *r = records_in(c, table);

	assert(bucket < COPY_BUCKETS);
	return r->sums == NULL ? 0 : r->sums[bucket];
}

bool copy_sound(enum table table, const struct copy_item *item)
{
	return record_hash(table, item->key, item->value) == item->digest;
}

struct copy_check copy_check_bucket(const struct copy *c, enum table table, uint32_t bucket)
{
	struct copy_check check = {.first = NULL};
	struct copy_cursor cursor = {0};
	const struct copy_item *item;
	uint64_t sum = 0;

	while ((item = copy_walk_bucket(c, table, bucket, &cursor)) != NULL) {
		check.records++;
		sum += item->digest;
		if (copy_sound(table, item))
			continue;
		check.flipped++;
		if (check.first == NULL)
			check.first = item;
	}
	check.adds_up = sum == copy_bucket(c, table, bucket);
	return check;
}

uint64_t copy_bytes(const struct copy *c)
{
	return c->bytes;
}

const struct copy_item *copy_due(struct copy *c, struct pairtime now, enum table *table)
{
	struct wheel_item *timed = wheel_due(&c->wheel, now);

	if (timed == NULL)
		return NULL;
	_Static_assert(offsetof(struct item, timed) == 0,
	               "an item begins with its place in the wheel");
	*table = item_table((const struct item *)timed);
	return &timed->is;
}

struct pairtime copy_next_deadline(const struct copy *c)
{
	return wheel_next(&c->wheel);
}
