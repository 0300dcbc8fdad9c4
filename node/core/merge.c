#include "node/core/merge.h"

#include <assert.h>

#include "node/core/merge_aor.h"
#include "proto/record_nap.h"

/* Bytes of the network may say any time: at the ends of the line it stops. */
static struct pairtime moved(struct pairtime t, int64_t by_ms)
{
	int64_t ms;

	if (__builtin_add_overflow(t.ms, by_ms, &ms))
		ms = by_ms > 0 ? INT64_MAX : INT64_MIN;
	return (struct pairtime){ms};
}

/* Whatever their clock said, it came after what both knew. */
static struct pairtime moved_stamp(const struct merge *m, struct pairtime t)
{
	struct pairtime stamp = moved(t, m->their_shift_ms);

	return stamp.ms > m->common_until.ms ? stamp : m->common_until;
}

static bool is_of_fork(const struct merge *m, uint64_t epoch, enum unit unit)
{
	for (size_t i = 0; i < m->n_their_reigns; i++)
		if (m->their_reigns[i].epoch == epoch && m->their_reigns[i].unit == unit)
			return true;
	return false;
}

/* For what does not name its reign: the stamps of one node never go back. */
static bool is_since_fork(const struct merge *m, struct pairtime stamped)
{
	return m->n_their_reigns > 0 && pairtime_reached(m->their_fork_began, stamped);
}

/* True if anything was moved. */
static bool move_aor(const struct merge *m, struct aor_record *r)
{
	int64_t by = m->their_shift_ms;
	bool any = false;

	if (by == 0)
		return false;
	for (size_t i = 0; i < r->n_bindings; i++) {
		struct binding *b = &r->bindings[i];

		if (!is_of_fork(m, b->epoch, b->unit))
			continue;
		b->stamped = moved_stamp(m, b->stamped);
		b->expires = moved(b->expires, by);
		b->bound = moved(b->bound, by);
		/* `called` stays: it is compared with what GRUUs say that were made on that side. */
		any = true;
	}
	for (size_t i = 0; i < r->n_tombstones; i++) {
		struct tombstone *t = &r->tombstones[i];

		if (!is_of_fork(m, t->epoch, t->unit))
			continue;
		t->stamped = moved_stamp(m, t->stamped);
		any = true;
	}
	if (r->floor.set && is_since_fork(m, r->floor.stamped)) {
		r->floor.stamped = moved_stamp(m, r->floor.stamped);
		any = true;
	}
	return any;
}

static struct merged ours_stay(const struct merge_versions *v)
{
	return (struct merged){v->ours, MERGE_OURS_STAYS};
}

static struct merged theirs_win(struct slice value)
{
	return (struct merged){value, MERGE_THEIRS_WINS};
}

static enum err read_aor(struct slice bytes, struct arena *arena, struct aor_record **out)
{
	*out = arena_take(arena, sizeof **out);
	return *out == NULL ? ERR_TOO_BIG : aor_decode(bytes, arena, *out);
}

/* Both hold the same, perhaps in another order: the smaller bytes, on either side. */
static bool takes_theirs(const struct merge_versions *v, const struct aor_join *j,
                         bool theirs_moved)
{
	bool may_choose = j->same_as == (SIDE_OURS | SIDE_THEIRS) && !theirs_moved;

	if (may_choose)
		return slice_cmp(v->theirs, v->ours) < 0;
	return j->same_as == SIDE_THEIRS;
}

static enum err give_encoded(struct aor_record *r, enum merge_outcome outcome, struct arena *arena,
                             struct merged *out)
{
	struct slice value = aor_encode_fitting(r, arena);

	if (arena->full)
		return ERR_TOO_BIG;
	*out = (struct merged){value, outcome};
	return OK;
}

static enum err join_aors(const struct merge *m, const struct merge_versions *v,
                          struct arena *arena, struct merged *out)
{
	struct aor_record *ours, *theirs, *joined = arena_take(arena, sizeof *joined);
	enum err err = read_aor(v->ours, arena, &ours);

	if (err == OK)
		err = read_aor(v->theirs, arena, &theirs);
	if (err == OK && joined == NULL)
		err = ERR_TOO_BIG;
	if (err != OK)
		return err;

	bool theirs_moved = move_aor(m, theirs);
	if (!theirs_moved && slice_eq(v->ours, v->theirs))
		return OK;
	struct aor_join j = {.ours = ours, .theirs = theirs, .joined = joined};
	if (!aor_join(&j, arena))
		return ERR_TOO_BIG;
	if (takes_theirs(v, &j, theirs_moved)) {
		if (theirs_moved)
			return give_encoded(theirs, MERGE_THEIRS_WINS, arena, out);
		*out = theirs_win(v->theirs);
		return OK;
	}
	if ((j.same_as & SIDE_OURS) != 0)
		return OK;
	return give_encoded(joined, MERGE_JOINED, arena, out);
}

/* We never knew it. */
static enum err take_aor(const struct merge *m, const struct merge_versions *v, struct arena *arena,
                         struct merged *out)
{
	struct aor_record *theirs;
	enum err err = read_aor(v->theirs, arena, &theirs);

	if (err != OK)
		return err;
	if (move_aor(m, theirs))
		return give_encoded(theirs, MERGE_THEIRS_WINS, arena, out);
	*out = theirs_win(v->theirs);
	return OK;
}

static enum err merge_aors(const struct merge *m, const struct merge_versions *v,
                           struct arena *arena, struct merged *out)
{
	return v->ours.n == 0 ? take_aor(m, v, arena, out) : join_aors(m, v, arena, out);
}

static bool move_subscriber(const struct merge *m, struct subscriber_record *r)
{
	if (m->their_shift_ms == 0 || !is_since_fork(m, r->stamped))
		return false;
	r->stamped = moved_stamp(m, r->stamped);
	return true;
}

static enum err give_subscriber(const struct subscriber_record *r, struct arena *arena,
                                struct merged *out)
{
	uint8_t *memory = arena_take(arena, RECORD_MAX);
	struct buf to = buf_on(memory, memory == NULL ? 0 : RECORD_MAX);

	if (memory != NULL)
		subscriber_encode(r, &to);
	if (memory == NULL || to.full)
		return ERR_TOO_BIG;
	*out = theirs_win(buf_slice(&to));
	return OK;
}

/* At one and the same time a removal counts more, then the bytes decide, on either side alike. */
static bool subscriber_is_newer(const struct subscriber_record *theirs,
                                const struct subscriber_record *ours,
                                const struct merge_versions *v)
{
	if (theirs->stamped.ms != ours->stamped.ms)
		return theirs->stamped.ms > ours->stamped.ms;
	return theirs->gone != ours->gone ? theirs->gone : slice_cmp(v->theirs, v->ours) > 0;
}

static enum err merge_subscribers(const struct merge *m, const struct merge_versions *v,
                                  struct arena *arena, struct merged *out)
{
	struct subscriber_record ours, theirs;
	enum err err = subscriber_decode(v->theirs, arena, &theirs);

	if (err == OK && v->ours.n > 0)
		err = subscriber_decode(v->ours, arena, &ours);
	if (err != OK)
		return err;

	bool theirs_moved = move_subscriber(m, &theirs);
	if (v->ours.n > 0 && !subscriber_is_newer(&theirs, &ours, v))
		return OK;
	if (theirs_moved)
		return give_subscriber(&theirs, arena, out);
	*out = theirs_win(v->theirs);
	return OK;
}

static enum err merge_secrets(const struct merge_versions *v, struct arena *arena,
                              struct merged *out)
{
	struct secret_record theirs;
	enum err err = secret_decode(v->theirs, arena, &theirs);

	if (err == OK && v->ours.n == 0)
		*out = theirs_win(v->theirs);
	return err;
}

/* Of one dialog the one who was told more; what one side has lost is told once more, which finds out. */
static bool take_watcher(struct watchers_record *ours, const struct watcher *theirs)
{
	struct watcher *mine = NULL;

	for (size_t i = 0; i < ours->n; i++) {
		struct watcher *w = &ours->watchers[i];
		bool same = slice_eq(w->call_id, theirs->call_id) &&
		            slice_eq(w->local_tag, theirs->local_tag);
		if (same && (mine == NULL || w->version > mine->version))
			mine = w;
	}
	if (mine == NULL && ours->n < WATCHERS_MAX)
		ours->watchers[ours->n++] = *theirs;
	else if (mine != NULL && theirs->version > mine->version)
		*mine = *theirs;
	else
		return false;
	return true;
}

static bool move_watcher(const struct merge *m, struct watcher *w)
{
	if (is_since_fork(m, w->told_at)) {
		w->told_at = moved(w->told_at, m->their_shift_ms);
		w->expires = moved(w->expires, m->their_shift_ms);
	}
	return w->told_at.ms >= 0 && w->told_at.ms < PAIRTIME_END_MS && w->expires.ms >= 0 &&
	       w->expires.ms < PAIRTIME_END_MS;
}

static enum err merge_watchers(const struct merge *m, const struct merge_versions *v,
                               struct arena *arena, struct merged *out)
{
	struct watchers_record *ours = arena_take(arena, sizeof *ours);
	struct watchers_record *theirs = arena_take(arena, sizeof *theirs);
	uint8_t *memory = arena_take(arena, RECORD_MAX);
	struct buf to = buf_on(memory, memory == NULL ? 0 : RECORD_MAX);
	bool any = false;

	if (memory == NULL)
		return ERR_TOO_BIG;
	*ours = (struct watchers_record){.n = 0};
	enum err err = watchers_decode(v->theirs, arena, theirs);
	if (err == OK && v->ours.n > 0)
		err = watchers_decode(v->ours, arena, ours);
	if (err != OK)
		return err;
	for (size_t i = 0; i < theirs->n; i++)
		if (move_watcher(m, &theirs->watchers[i]))
			any = take_watcher(ours, &theirs->watchers[i]) || any;
	if (!any)
		return OK;
	watchers_encode(ours, arena, &to);
	if (to.full)
		return OK; /* those of ours stay: who is told no more subscribes again */
	*out = (struct merged){buf_slice(&to), v->ours.n == 0 ? MERGE_THEIRS_WINS : MERGE_JOINED};
	return OK;
}

static bool time_sound(struct pairtime t)
{
	return t.ms >= 0 && t.ms < PAIRTIME_END_MS;
}

/* 0 says that there is none. False: moved off the line. */
static bool move_time(struct pairtime *t, int64_t by_ms)
{
	if (t->ms != 0)
		*t = moved(*t, by_ms);
	return time_sound(*t);
}

static bool move_nap(const struct merge *m, struct nap_record *r)
{
	struct pairtime *const times[] = {&r->since, &r->sent, &r->until, &r->due,
	                                  &r->available_since};
	bool sound = true;

	if (!is_of_fork(m, r->epoch, r->unit))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		sound = move_time(times[i], m->their_shift_ms) && sound;
	return sound;
}

/* The provider has heard of two: which of them it holds for registered is not known. */
static void doubt_nap(struct nap_record *r)
{
	if (r->phase != NAP_REGISTERED && r->phase != NAP_REGISTERING)
		return;
	r->phase = NAP_REGISTERING;
	r->why = SLICE("unknown: the histories of both nodes were joined");
	r->due = (struct pairtime){0};
}

struct nap_side {
	struct nap_record record;
	struct buf to;
};

/* One side's record as a merge has it; `m` moves it in time. `to` stays empty where that side has none, or none that is sound. */
static enum err read_nap(const struct merge *m, struct slice bytes, struct arena *arena,
                         struct nap_side *out)
{
	uint8_t *memory = arena_take(arena, RECORD_MAX);

	out->to = buf_on(memory, memory == NULL ? 0 : RECORD_MAX);
	if (memory == NULL)
		return ERR_TOO_BIG;
	if (bytes.n == 0)
		return OK;
	enum err err = nap_decode(bytes, arena, &out->record);
	if (err != OK || (m != NULL && !move_nap(m, &out->record)))
		return err;
	doubt_nap(&out->record);
	nap_encode(&out->record, &out->to);
	return out->to.full ? ERR_TOO_BIG : OK;
}

static bool nap_is_newer(const struct nap_side *theirs, const struct nap_side *ours)
{
	if (theirs->to.n == 0 || ours->to.n == 0)
		return ours->to.n == 0;
	if (theirs->record.cseq != ours->record.cseq)
		return theirs->record.cseq > ours->record.cseq;
	if (theirs->record.sent.ms != ours->record.sent.ms)
		return theirs->record.sent.ms > ours->record.sent.ms;
	return slice_cmp(buf_slice(&theirs->to), buf_slice(&ours->to)) > 0;
}

/* A side without the record has no say: what was deleted there alone is un-registered by who configures it. */
static enum err merge_naps(const struct merge *m, const struct merge_versions *v,
                           struct arena *arena, struct merged *out)
{
	struct nap_side ours, theirs;
	enum err err = read_nap(NULL, v->ours, arena, &ours);

	if (err == OK)
		err = read_nap(m, v->theirs, arena, &theirs);
	if (err != OK || slice_eq(v->ours, v->theirs))
		return err;
	if (nap_is_newer(&theirs, &ours))
		*out = theirs_win(buf_slice(&theirs.to));
	else if (!slice_eq(buf_slice(&ours.to), v->ours))
		*out = (struct merged){buf_slice(&ours.to), MERGE_JOINED};
	return OK;
}

enum err record_merge(const struct merge *m, enum table table, const struct merge_versions *v,
                      struct arena *arena, struct merged *out)
{
	assert(m->n_their_reigns <= MERGE_REIGNS_MAX);
	*out = ours_stay(v);
	if (v->theirs.n == 0 && table != TABLE_NAP)
		return OK;
	switch (table) {
	case TABLE_AOR:
		return merge_aors(m, v, arena, out);
	case TABLE_SUBSCRIBER:
		return merge_subscribers(m, v, arena, out);
	case TABLE_SECRET:
		return merge_secrets(v, arena, out);
	case TABLE_WATCHER:
		return merge_watchers(m, v, arena, out);
	case TABLE_NAP:
		return merge_naps(m, v, arena, out);
	case TABLE_FORWARD:
	case TABLE_REIGN:
	case TABLE_END:
		break;
	}
	return OK;
}
