#include "replication/resume.h"

#include <string.h>

/* The seq of the last entry of a reign; below its first where the marks make no sense. */
static uint64_t reign_end(const struct history *h, size_t i)
{
	uint64_t end = h->last_seq;

	if (i + 1 < h->n && h->reigns[i + 1].first_seq <= end)
		end = h->reigns[i + 1].first_seq == 0 ? 0 : h->reigns[i + 1].first_seq - 1;
	return end;
}

/* Walks both lists from their ends by first_seq: linear, and the same whichever is called a or b. */
uint64_t history_common(const struct history *a, const struct history *b)
{
	size_t i = a->n, j = b->n;

	while (i > 0 && j > 0) {
		const struct reign_mark *x = &a->reigns[i - 1], *y = &b->reigns[j - 1];
		uint64_t x_end = reign_end(a, i - 1), y_end = reign_end(b, j - 1);
		uint64_t end = x_end < y_end ? x_end : y_end;
		bool same = x->id == y->id && x->first_seq == y->first_seq;

		if (same && end >= x->first_seq)
			return end;
		i -= x->first_seq >= y->first_seq;
		j -= y->first_seq >= x->first_seq;
	}
	return 0;
}

enum standing history_standing(const struct history *ours, const struct history *theirs)
{
	uint64_t common = history_common(ours, theirs);
	bool ours_ends = common == ours->last_seq;
	bool theirs_ends = common == theirs->last_seq;

	if (ours_ends && theirs_ends)
		return STANDING_EQUAL;
	if (theirs_ends)
		return STANDING_AHEAD;
	return ours_ends ? STANDING_BEHIND : STANDING_FORKED;
}

struct resume resume_decide(const struct history *ours, uint64_t log_first,
                            const struct history *theirs)
{
	uint64_t next = theirs->last_seq + 1;
	bool log_reaches = log_first != 0 && log_first <= next;

	switch (history_standing(ours, theirs)) {
	case STANDING_EQUAL:
		return (struct resume){.how = RESUME_NOTHING, .from_seq = next};
	case STANDING_AHEAD:
		if (log_reaches)
			return (struct resume){.how = RESUME_TAIL, .from_seq = next};
		return (struct resume){.how = RESUME_SNAPSHOT};
	case STANDING_BEHIND: /* the active decides, even if it lost the end of its own reign */
	case STANDING_FORKED:
	case STANDING_UNKNOWN:
		break;
	}
	return (struct resume){.how = RESUME_FORK, .fork_seq = history_common(ours, theirs)};
}

bool resume_half(const struct hello *theirs, const struct reign_mark *ours, uint64_t kept,
                 uint64_t last_seq)
{
	uint64_t from = theirs->half_from;

	return ours->id != 0 && theirs->half_reign == ours->id && from > ours->first_seq &&
	       from >= kept && from <= last_seq + 1;
}

/* Marks in order, none beyond the end, the disk not ahead: what any node of ours sends. */
static bool makes_sense(const struct hello *h)
{
	uint64_t before = 0;

	for (size_t i = 0; i < h->n_history; i++) {
		const struct reign_mark *m = &h->history[i];
		if (m->id == 0 || m->first_seq <= before || m->first_seq > h->received_seq)
			return false;
		before = m->first_seq;
	}
	return h->durable_seq <= h->received_seq;
}

enum refusal hello_check(const struct hello *ours, const struct hello *theirs)
{
	bool a_version = theirs->version_min <= ours->version_max &&
	                 ours->version_min <= theirs->version_max;
	bool two_units = (ours->unit == UNIT_PRIMARY && theirs->unit == UNIT_SECONDARY) ||
	                 (ours->unit == UNIT_SECONDARY && theirs->unit == UNIT_PRIMARY);

	if (!a_version)
		return REFUSE_VERSION;
	if (memcmp(ours->cluster_id, theirs->cluster_id, CLUSTER_ID_SIZE) != 0)
		return REFUSE_CLUSTER;
	if (!two_units)
		return REFUSE_UNIT;
	if (theirs->schema > ours->schema)
		return REFUSE_SCHEMA;
	return makes_sense(theirs) ? REFUSE_NONE : REFUSE_HISTORY;
}

static uint64_t newest_epoch(const struct hello *h)
{
	return h->n_history == 0 ? 0 : h->history[h->n_history - 1].epoch;
}

/* The primary before all; the rest only so that there is an order. */
static bool unit_before(enum unit a, enum unit b)
{
	if (a == UNIT_PRIMARY || b == UNIT_PRIMARY)
		return a == UNIT_PRIMARY && b != UNIT_PRIMARY;
	return a < b;
}

bool peer_wins(const struct hello *ours, const struct hello *theirs)
{
	struct history mine = {ours->history, ours->n_history, ours->received_seq};
	struct history other = {theirs->history, theirs->n_history, theirs->received_seq};
	enum standing standing = history_standing(&mine, &other);

	if (ours->beat.holds_address != theirs->beat.holds_address)
		return theirs->beat.holds_address;
	if (standing == STANDING_AHEAD || standing == STANDING_BEHIND)
		return standing == STANDING_BEHIND;
	if (newest_epoch(ours) != newest_epoch(theirs))
		return newest_epoch(theirs) > newest_epoch(ours);
	return unit_before(theirs->unit, ours->unit);
}
