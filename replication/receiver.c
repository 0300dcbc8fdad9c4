#include "replication/receiver.h"

static struct received drop(struct receiver *r, const char *why)
{
	r->phase = RECEIVER_IDLE;
	return (struct received){RECEIVE_DROP, why};
}

static struct received go(enum receive_what what)
{
	return (struct received){what, NULL};
}

struct received receiver_resume(struct receiver *r, const struct resume *resume, uint64_t last_seq)
{
	bool after_fork = r->phase == RECEIVER_FORK && resume->how == RESUME_SNAPSHOT;

	if (r->phase != RECEIVER_IDLE && !after_fork)
		return drop(r, "a second resume on one connection");
	*r = (struct receiver){.expects = resume->from_seq};
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
	if (seq < r->through)
		return go(RECEIVE_NEXT);
	r->phase = RECEIVER_TAIL;
	return go(RECEIVE_SWITCH);
}

struct received receiver_slice(struct receiver *r, uint64_t number, uint64_t items, uint64_t digest)
{
	if (r->phase != RECEIVER_SLICES || number != r->slices + 1)
		return drop(r, "a slice out of order");
	r->slices++;
	r->items += items;
	r->digest += digest;
	return go(RECEIVE_NEXT);
}

struct received receiver_end(struct receiver *r, const struct snapshot_end *end)
{
	bool whole = r->slices == end->slices && r->items == end->items && r->digest == end->digest;

	if (r->phase != RECEIVER_SLICES || !whole || end->through_seq + 1 < r->expects)
		return drop(r, "the snapshot fails its own check");
	r->through = end->through_seq;
	if (r->through + 1 == r->expects) {
		r->phase = RECEIVER_TAIL;
		return go(RECEIVE_WHOLE);
	}
	r->phase = RECEIVER_BEHIND_SNAPSHOT;
	return go(RECEIVE_NOTHING);
}
