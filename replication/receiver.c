#include "replication/receiver.h"

static struct received drop(struct receiver *r, const char *why)
{
	*r = (struct receiver){.phase = RECEIVER_IDLE};
	return (struct received){RECEIVE_DROP, why};
}

static struct received go(enum receive_what what)
{
	return (struct received){what, NULL};
}

/* The same snapshot: what is here of it stays. */
static bool goes_on(const struct receiver *r, const struct resume *resume, uint64_t reign)
{
	return r->phase == RECEIVER_HALF && resume->how == RESUME_SNAPSHOT && reign == r->reign &&
	       resume->from_seq == r->from;
}

struct received receiver_resume(struct receiver *r, const struct resume *resume, uint64_t reign,
                                uint64_t last_seq)
{
	bool after_fork = r->phase == RECEIVER_FORK && resume->how == RESUME_SNAPSHOT;

	if (r->phase != RECEIVER_IDLE && r->phase != RECEIVER_HALF && !after_fork)
		return drop(r, "a second resume on one connection");
	if (goes_on(r, resume, reign)) {
		r->phase = r->through != 0 ? RECEIVER_BEHIND_SNAPSHOT : RECEIVER_SLICES;
		return go(RECEIVE_GO_ON);
	}
	*r = (struct receiver){
		.how = resume->how,
		.expects = resume->from_seq,
		.reign = reign,
		.from = resume->from_seq,
		.records = resume->records,
	};
	switch (resume->how) {
	case RESUME_NOTHING:
	case RESUME_TAIL:
		if (resume->from_seq != last_seq + 1)
			return drop(r, "the tail offered does not follow our log");
		r->phase = RECEIVER_TAIL;
		return go(RECEIVE_NOTHING);
	case RESUME_FORK:
		r->phase = RECEIVER_FORK;
		return go(RECEIVE_HAND_IN);
	case RESUME_SNAPSHOT:
		r->phase = RECEIVER_SLICES;
		return go(RECEIVE_BEGIN);
	}
	return drop(r, "an unknown way to resume");
}

struct received receiver_entry(struct receiver *r, uint64_t seq)
{
	if (r->phase != RECEIVER_TAIL && r->phase != RECEIVER_BEHIND_SNAPSHOT)
		return drop(r, "an entry nobody asked for");
	if (seq != r->expects)
		return drop(r, "entries are not dense");
	r->expects++;
	if (r->phase == RECEIVER_TAIL)
		return go(RECEIVE_APPLY);
	if (r->slices + (r->expects - r->from) > r->stored + RECEIVER_AHEAD)
		return drop(r, "entries faster than they are stored");
	if (seq < r->through)
		return go(RECEIVE_NEXT);
	r->phase = RECEIVER_TAIL;
	return go(RECEIVE_SWITCH);
}

struct received receiver_slice(struct receiver *r, const struct slice_sums *slice)
{
	if (r->phase != RECEIVER_SLICES || slice->number != r->slices + 1)
		return drop(r, "a slice out of order");
	if (r->slices >= r->stored + RECEIVER_SLICES_AHEAD)
		return drop(r, "slices faster than they are stored");
	r->slices++;
	r->items += slice->items;
	r->digest += slice->digest;
	r->place = slice->place;
	return go(RECEIVE_NEXT);
}

struct received receiver_end(struct receiver *r, const struct snapshot_end *end)
{
	bool whole = r->slices == end->slices && r->items == end->items && r->digest == end->digest;
	bool follows = end->through_seq != 0 && end->through_seq + 1 >= r->expects;

	if (r->phase != RECEIVER_SLICES || !whole || !follows)
		return drop(r, "the snapshot fails its own check");
	r->through = end->through_seq;
	if (r->through + 1 == r->expects) {
		r->phase = RECEIVER_TAIL;
		return go(RECEIVE_WHOLE);
	}
	r->phase = RECEIVER_BEHIND_SNAPSHOT;
	return go(RECEIVE_NOTHING);
}

/* Its last entry is acknowledged on its own: what that brings by the live link may overtake this. */
struct received receiver_handed_over(struct receiver *r, uint64_t last_seq)
{
	if (r->phase != RECEIVER_TAIL || last_seq >= r->expects)
		return drop(r, "a hand-over that does not follow");
	return go(RECEIVE_NOTHING);
}

struct received receiver_live(struct receiver *r, uint64_t step_seq)
{
	if (r->phase != RECEIVER_TAIL || step_seq + 1 != r->expects)
		return drop(r, "a live step that does not follow");
	r->live = true;
	return go(RECEIVE_NOTHING);
}

bool receiver_has_half(const struct receiver *r)
{
	return r->phase == RECEIVER_SLICES || r->phase == RECEIVER_BEHIND_SNAPSHOT ||
	       r->phase == RECEIVER_HALF;
}

void receiver_link_down(struct receiver *r)
{
	if (receiver_has_half(r))
		r->phase = RECEIVER_HALF;
	else
		*r = (struct receiver){.phase = RECEIVER_IDLE};
}

uint64_t receiver_mark(const struct receiver *r)
{
	uint64_t entries = r->expects - r->from;

	if (r->phase == RECEIVER_SLICES)
		return r->slices;
	if (r->phase == RECEIVER_BEHIND_SNAPSHOT && entries % RECEIVER_MARK == 0)
		return r->slices + entries;
	return 0;
}

struct go_on receiver_go_on(const struct receiver *r)
{
	return (struct go_on){
		.how = r->how,
		.next_seq = r->expects,
		.slices = r->slices,
		.items = r->items,
		.digest = r->digest,
		.place = r->place,
		.through_seq = r->through,
		.stored = r->stored,
	};
}
