#include "node/core/merge_aor.h"

#include <assert.h>

enum { PICKS_MAX = 2 * AOR_BINDINGS_MAX };

/* A part of a record and the sides that have it just so. */
struct pick {
	const void *part;
	unsigned sides;
};

struct pile {
	struct pick picks[PICKS_MAX];
	size_t n;
};

static const struct aor_record *record_of(const struct aor_join *j, unsigned side)
{
	return side == SIDE_OURS ? j->ours : j->theirs;
}

static unsigned other_side(unsigned side)
{
	return side == SIDE_OURS ? SIDE_THEIRS : SIDE_OURS;
}

static void pile_add(struct pile *p, const void *part, unsigned sides)
{
	assert(p->n < PICKS_MAX);
	p->picks[p->n++] = (struct pick){part, sides};
}

static void pile_drop(struct pile *p, size_t at)
{
	assert(at < p->n);
	p->n--;
	memmove(&p->picks[at], &p->picks[at + 1], (p->n - at) * sizeof p->picks[0]);
}

/* The newest last; an insertion sort, for most piles hold two or three. */
static void pile_sort(struct pile *p, part_cmp_fn *cmp)
{
	for (size_t i = 1; i < p->n; i++) {
		struct pick moving = p->picks[i];
		size_t at = i;

		for (; at > 0 && cmp(p->picks[at - 1].part, moving.part) > 0; at--)
			p->picks[at] = p->picks[at - 1];
		p->picks[at] = moving;
	}
}

/* Whose record has every part of the pile, and no more. */
static unsigned pile_same_as(const struct pile *p, size_t n_ours, size_t n_theirs)
{
	unsigned same = (p->n == n_ours ? SIDE_OURS : 0U) | (p->n == n_theirs ? SIDE_THEIRS : 0U);

	for (size_t i = 0; i < p->n; i++)
		same &= p->picks[i].sides;
	return same;
}

static bool tombstone_of_key(const struct tombstone *t, const struct contact_key *key)
{
	struct contact_key have = tombstone_key(t);

	return contact_key_eq(&have, key);
}

/* Does the record hold one that removes all that this one removes? */
static bool covers_tombstone(const struct aor_record *r, const struct tombstone *t)
{
	struct contact_key key = tombstone_key(t);

	for (size_t i = 0; i < r->n_tombstones; i++) {
		const struct tombstone *have = &r->tombstones[i];
		struct tombstone both = tombstone_join(have, t);

		if (slice_eq(have->call_id, t->call_id) && tombstone_cmp(&both, have) == 0 &&
		    tombstone_of_key(have, &key))
			return true;
	}
	return false;
}

/* Did the other side remove it? What its own record covers came before it. */
static bool is_removed(const struct aor_join *j, unsigned side, const struct binding *b)
{
	const struct aor_record *own = record_of(j, side), *other = record_of(j, other_side(side));
	struct contact_key key = binding_key(b);
	bool floor_is_known = own->floor.set && own->floor.stamped.ms >= other->floor.stamped.ms;

	if (!floor_is_known && floor_beats(&other->floor, b))
		return true;
	for (size_t i = 0; i < other->n_tombstones; i++) {
		const struct tombstone *t = &other->tombstones[i];

		if (tombstone_beats(t, b) && tombstone_of_key(t, &key) && !covers_tombstone(own, t))
			return true;
	}
	return false;
}

static void add_binding(struct pile *p, const struct binding *b, unsigned side)
{
	for (size_t i = 0; i < p->n; i++) {
		bool is_same = p->picks[i].sides != side && binding_cmp(p->picks[i].part, b) == 0;

		if (!is_same)
			continue;
		p->picks[i].sides |= side;
		return;
	}
	pile_add(p, b, side);
}

static bool loses(const struct pick *x, const struct pick *y)
{
	const struct binding *a = x->part, *b = y->part;
	struct contact_key left = binding_key(a), right = binding_key(b);
	bool live_together = (x->sides & y->sides) != 0; /* in one record: two contacts */

	return !live_together && binding_beats(b, a) && contact_key_eq(&left, &right);
}

/* The newest first: URI equality is not transitive, and what has lost itself must beat nobody. */
static void drop_losers(struct pile *p)
{
	for (size_t i = p->n; i > 0; i--) {
		bool lost = false;

		for (size_t k = 0; k < p->n && !lost; k++)
			lost = k != i - 1 && loses(&p->picks[i - 1], &p->picks[k]);
		if (lost)
			pile_drop(p, i - 1);
	}
}

static size_t ends_first(const struct pile *p)
{
	size_t first = 0;

	for (size_t i = 1; i < p->n; i++) {
		const struct binding *b = p->picks[i].part, *have = p->picks[first].part;

		if (b->expires.ms < have->expires.ms)
			first = i;
	}
	return first;
}

static void join_bindings(struct aor_join *j)
{
	struct pile p = {.n = 0};

	for (unsigned side = SIDE_OURS; side <= SIDE_THEIRS; side++) {
		const struct aor_record *r = record_of(j, side);

		for (size_t i = 0; i < r->n_bindings; i++)
			if (!is_removed(j, side, &r->bindings[i]))
				add_binding(&p, &r->bindings[i], side);
	}
	pile_sort(&p, binding_cmp);
	drop_losers(&p);
	while (p.n > AOR_BINDINGS_MAX)
		pile_drop(&p, ends_first(&p));
	for (size_t i = 0; i < p.n; i++)
		j->joined->bindings[i] = *(const struct binding *)p.picks[i].part;
	j->joined->n_bindings = p.n;
	j->same_as &= pile_same_as(&p, j->ours->n_bindings, j->theirs->n_bindings);
}

/* The one of the other side for the same key and Call-ID; NULL: none. */
static struct pick *find_tombstone(struct pile *p, const struct tombstone *t, unsigned side)
{
	struct contact_key key = tombstone_key(t);

	for (size_t i = 0; i < p->n; i++) {
		const struct tombstone *have = p->picks[i].part;

		if ((p->picks[i].sides & side) == 0 && slice_eq(have->call_id, t->call_id) &&
		    tombstone_of_key(have, &key))
			return &p->picks[i];
	}
	return NULL;
}

static void join_tombstone(struct pick *have, const struct tombstone *t, struct arena *arena)
{
	struct tombstone *joined = arena_take(arena, sizeof *joined);

	if (joined == NULL)
		return;
	*joined = tombstone_join(have->part, t);
	*have = (struct pick){joined, (tombstone_cmp(joined, have->part) == 0 ? SIDE_OURS : 0U) |
	                                      (tombstone_cmp(joined, t) == 0 ? SIDE_THEIRS : 0U)};
}

/* A binding that outlived a tombstone of its own Call-ID needs it no more, as after aor_unbury. */
static bool is_outlived(const struct aor_record *r, const struct tombstone *t)
{
	if (t->cause == CAUSE_REQUEST)
		return false;
	for (size_t i = 0; i < r->n_bindings; i++) {
		struct contact_key key = binding_key(&r->bindings[i]);

		if (slice_eq(r->bindings[i].call_id, t->call_id) && tombstone_of_key(t, &key))
			return true;
	}
	return false;
}

static void join_tombstones(struct aor_join *j, struct arena *arena)
{
	struct pile p = {.n = 0};

	for (size_t i = 0; i < j->ours->n_tombstones; i++)
		pile_add(&p, &j->ours->tombstones[i], SIDE_OURS);
	for (size_t i = 0; i < j->theirs->n_tombstones; i++) {
		const struct tombstone *t = &j->theirs->tombstones[i];
		struct pick *have = find_tombstone(&p, t, SIDE_THEIRS);

		if (have != NULL)
			join_tombstone(have, t, arena);
		else
			pile_add(&p, t, SIDE_THEIRS);
	}
	for (size_t i = p.n; i > 0; i--)
		if (is_outlived(j->joined, p.picks[i - 1].part))
			pile_drop(&p, i - 1);
	pile_sort(&p, tombstone_cmp);
	while (p.n > AOR_TOMBSTONES_MAX)
		pile_drop(&p, 0);
	for (size_t i = 0; i < p.n; i++)
		j->joined->tombstones[i] = *(const struct tombstone *)p.picks[i].part;
	j->joined->n_tombstones = p.n;
	j->joined->gave_way = 0;
	j->same_as &= pile_same_as(&p, j->ours->n_tombstones, j->theirs->n_tombstones);
}

static struct pick *find_nonce(struct pile *p, const struct nonce_use *use)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct nonce_use *have = p->picks[i].part;

		if (slice_eq(have->nonce, use->nonce))
			return &p->picks[i];
	}
	return NULL;
}

static void join_nonce(struct pick *have, const struct nonce_use *use, struct arena *arena)
{
	struct nonce_use *joined = arena_take(arena, sizeof *joined);

	if (joined == NULL)
		return;
	*joined = nonce_join(have->part, use);
	*have = (struct pick){joined, (nonce_cmp(joined, have->part) == 0 ? SIDE_OURS : 0U) |
	                                      (nonce_cmp(joined, use) == 0 ? SIDE_THEIRS : 0U)};
}

static void join_nonces(struct aor_join *j, struct arena *arena)
{
	struct pile p = {.n = 0};

	for (size_t i = 0; i < j->ours->n_nonces; i++)
		pile_add(&p, &j->ours->nonces[i], SIDE_OURS);
	for (size_t i = 0; i < j->theirs->n_nonces; i++) {
		const struct nonce_use *use = &j->theirs->nonces[i];
		struct pick *have = find_nonce(&p, use);

		if (have != NULL)
			join_nonce(have, use, arena);
		else
			pile_add(&p, use, SIDE_THEIRS);
	}
	pile_sort(&p, nonce_cmp);
	while (p.n > AOR_NONCES_MAX)
		pile_drop(&p, 0);
	for (size_t i = 0; i < p.n; i++)
		j->joined->nonces[i] = *(const struct nonce_use *)p.picks[i].part;
	j->joined->n_nonces = p.n;
	j->same_as &= pile_same_as(&p, j->ours->n_nonces, j->theirs->n_nonces);
}

static void join_floor(struct aor_join *j)
{
	int c = floor_cmp(&j->ours->floor, &j->theirs->floor);

	j->joined->floor = c >= 0 ? j->ours->floor : j->theirs->floor;
	j->same_as &= (c >= 0 ? SIDE_OURS : 0U) | (c <= 0 ? SIDE_THEIRS : 0U);
}

static int64_t newest_ms(const struct aor_record *r)
{
	int64_t newest = r->floor.set ? r->floor.stamped.ms : INT64_MIN;

	for (size_t i = 0; i < r->n_bindings; i++)
		if (r->bindings[i].stamped.ms > newest)
			newest = r->bindings[i].stamped.ms;
	for (size_t i = 0; i < r->n_tombstones; i++)
		if (r->tombstones[i].stamped.ms > newest)
			newest = r->tombstones[i].stamped.ms;
	return newest;
}

/* What a newer version wrote into the record as a whole: the newer record's, if it has any. */
static void join_unknown(struct aor_join *j)
{
	const struct unknown_fields *ours = &j->ours->unknown, *theirs = &j->theirs->unknown;
	int64_t our_newest = newest_ms(j->ours), their_newest = newest_ms(j->theirs);
	bool take_ours = our_newest != their_newest ? our_newest > their_newest
	                                            : ours->n >= theirs->n;

	if (ours->n == 0 || theirs->n == 0)
		take_ours = theirs->n == 0;
	j->joined->unknown = take_ours ? *ours : *theirs;
	if (ours->n != 0 || theirs->n != 0)
		j->same_as &= take_ours ? SIDE_OURS : SIDE_THEIRS;
}

bool aor_join(struct aor_join *j, struct arena *arena)
{
	j->same_as = SIDE_OURS | SIDE_THEIRS;
	join_bindings(j);
	join_tombstones(j, arena); /* after the bindings: some are outlived */
	join_nonces(j, arena);
	join_floor(j);
	join_unknown(j);
	return !arena->full;
}

static void take_out_first_to_end(struct aor_record *r)
{
	struct binding *first = &r->bindings[0];

	for (size_t i = 1; i < r->n_bindings; i++)
		if (r->bindings[i].expires.ms < first->expires.ms)
			first = &r->bindings[i];
	aor_take_out(r, first);
}

static void make_smaller(struct aor_record *r)
{
	if (r->n_tombstones > 0) {
		aor_drop_oldest_tombstone(r);
	} else if (r->n_nonces > 0) {
		r->n_nonces--;
		memmove(&r->nonces[0], &r->nonces[1], r->n_nonces * sizeof r->nonces[0]);
	} else if (r->unknown.n > 0) {
		r->unknown = (struct unknown_fields){0, NULL};
	} else {
		assert(r->n_bindings > 0); /* a floor alone came out of a record, so it fits */
		take_out_first_to_end(r);
	}
}

struct slice aor_encode_fitting(struct aor_record *r, struct arena *arena)
{
	uint8_t *memory = arena_take(arena, RECORD_MAX);
	struct buf to = buf_on(memory, RECORD_MAX);

	if (memory == NULL)
		return (struct slice){NULL, 0};
	aor_encode(r, arena, &to);
	while (to.full && !arena->full) {
		make_smaller(r);
		to = buf_on(memory, RECORD_MAX);
		aor_encode(r, arena, &to);
	}
	return arena->full ? (struct slice){NULL, 0} : buf_slice(&to);
}
