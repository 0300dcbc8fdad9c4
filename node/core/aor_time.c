#include "node/core/aor_edit.h"
#include "node/core/serve.h"

enum {
	RETRANSMISSIONS_MS = 64 * 500, /* 64*T1 */
	KEPT_LOOK_MS = 60 * 1000,      /* how often what is kept while unpaired is looked at */
};
#define TOMBSTONE_CAP_MS (INT64_C(7) * 86400 * 1000)

static int64_t hold_ms(int64_t nonce_lifetime_ms)
{
	return RETRANSMISSIONS_MS + nonce_lifetime_ms;
}

static void sooner(struct pairtime *deadline, int64_t ms)
{
	if (ms < deadline->ms)
		deadline->ms = ms;
}

struct pairtime aor_record_deadline(const struct aor_record *r, int64_t nonce_lifetime_ms)
{
	struct pairtime deadline = PAIRTIME_NEVER;
	int64_t hold = hold_ms(nonce_lifetime_ms);

	for (size_t i = 0; i < r->n_bindings; i++)
		sooner(&deadline, r->bindings[i].expires.ms);
	for (size_t i = 0; i < r->n_tombstones; i++)
		sooner(&deadline, r->tombstones[i].stamped.ms + hold);
	if (r->floor.set)
		sooner(&deadline, r->floor.stamped.ms + hold);
	if (deadline.ms != INT64_MAX)
		return deadline;
	for (size_t i = 0; i < r->n_nonces; i++)
		sooner(&deadline, r->nonces[i].issued.ms + nonce_lifetime_ms);
	return deadline;
}

static struct aor_record *decoded(struct slice value, struct arena *arena)
{
	struct aor_record *r = arena_take(arena, sizeof *r);

	return r != NULL && aor_decode(value, arena, r) == OK ? r : NULL;
}

struct pairtime aor_deadline(struct slice value, int64_t nonce_lifetime_ms, struct arena *arena)
{
	const struct aor_record *r = decoded(value, arena);

	return r == NULL ? PAIRTIME_NEVER : aor_record_deadline(r, nonce_lifetime_ms);
}

static bool has_ended(const struct aor_expiry *e, struct pairtime stamped)
{
	int64_t hold = e->keep_tombstones ? TOMBSTONE_CAP_MS : hold_ms(e->nonce_lifetime_ms);

	return stamped.ms + hold <= e->now.ms;
}

static bool drop_tombstones(const struct aor_expiry *e, struct aor_record *r)
{
	size_t kept = 0, before = r->n_tombstones;
	bool floor_ends = r->floor.set && has_ended(e, r->floor.stamped);

	for (size_t i = 0; i < before; i++)
		if (!has_ended(e, r->tombstones[i].stamped))
			r->tombstones[kept++] = r->tombstones[i];
	r->n_tombstones = kept;
	if (floor_ends)
		r->floor = (struct floor){.set = false};
	return floor_ends || kept < before;
}

static size_t drop_nonces(const struct aor_expiry *e, struct aor_record *r)
{
	size_t kept = 0, before = r->n_nonces;

	for (size_t i = 0; i < before; i++)
		if (r->nonces[i].issued.ms + e->nonce_lifetime_ms > e->now.ms)
			r->nonces[kept++] = r->nonces[i];
	r->n_nonces = kept;
	return before - kept;
}

static bool is_silent(const struct aor_expiry *e, const struct binding *b)
{
	return e->silent != NULL && b->n_paths == 0 && addr_eq(&b->received, e->silent);
}

static size_t bury_bindings(const struct aor_expiry *e, enum tombstone_cause cause,
                            struct aor_record *r)
{
	const struct stamp stamp = {e->now, e->epoch, e->unit};
	size_t kept = 0, before = r->n_bindings;

	for (size_t i = 0; i < before; i++) {
		const struct binding *b = &r->bindings[i];
		bool stays = cause == CAUSE_EXPIRED && binding_is_live(b, e->now) &&
		             !is_silent(e, b);

		if (stays) {
			r->bindings[kept++] = *b;
			continue;
		}
		struct tombstone t = tombstone_of(b, cause, &stamp);
		aor_bury(r, &t);
	}
	r->n_bindings = kept;
	return before - kept;
}

static bool is_empty(const struct aor_record *r)
{
	return r->n_bindings == 0 && r->n_tombstones == 0 && !r->floor.set && r->n_nonces == 0;
}

/* What is due but kept is looked at again later, not at once. */
static struct pairtime next_look(const struct aor_expiry *e, const struct aor_record *r)
{
	struct pairtime deadline = aor_record_deadline(r, e->nonce_lifetime_ms);

	if (!pairtime_reached(deadline, e->now))
		return deadline;
	struct pairtime next = {e->now.ms + KEPT_LOOK_MS};
	for (size_t i = 0; i < r->n_bindings; i++)
		sooner(&next, r->bindings[i].expires.ms);
	return next;
}

static bool encoded(const struct aor_record *r, struct arena *arena, struct slice *out)
{
	uint8_t *memory = arena_take(arena, RECORD_MAX);

	if (memory == NULL)
		return false;
	struct buf to = buf_on(memory, RECORD_MAX);
	aor_encode(r, arena, &to);
	*out = buf_slice(&to);
	return !to.full && !arena->full;
}

/* Three results, and the caller wants each by itself. */
/* NOLINTNEXTLINE(readability-function-size) */
bool aor_expire(const struct aor_expiry *e, struct slice value, struct arena *arena,
                struct slice *out, struct pairtime *deadline, struct aor_ended *ended)
{
	struct aor_record *r = decoded(value, arena);

	*out = (struct slice){NULL, 0};
	*ended = (struct aor_ended){0, 0};
	*deadline = PAIRTIME_NEVER;
	if (r == NULL)
		return false;
	bool changed = drop_tombstones(e, r);
	ended->bindings = bury_bindings(e, CAUSE_EXPIRED, r);
	ended->gave_way = r->gave_way;
	bool only_nonces = r->n_bindings == 0 && r->n_tombstones == 0 && !r->floor.set;
	size_t nonces = drop_nonces(e, r);
	changed = changed || ended->bindings > 0 || (only_nonces && (nonces > 0 || is_empty(r)));
	*deadline = next_look(e, r);
	if (!changed || is_empty(r))
		return changed;
	return encoded(r, arena, out);
}

bool aor_remove(const struct aor_expiry *e, struct slice value, struct arena *arena,
                struct slice *out, struct pairtime *deadline)
{
	struct aor_record *r = decoded(value, arena);

	*out = (struct slice){NULL, 0};
	*deadline = PAIRTIME_NEVER;
	if (r == NULL)
		return false;
	(void)bury_bindings(e, CAUSE_OPERATOR, r); /* how many is not asked */
	r->floor = (struct floor){
		.set = true,
		.stamped = e->now,
		.unknown = r->floor.set ? r->floor.unknown : (struct unknown_fields){0, NULL},
	};
	*deadline = aor_record_deadline(r, e->nonce_lifetime_ms);
	return encoded(r, arena, out);
}
