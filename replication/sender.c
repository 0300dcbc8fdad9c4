#include "replication/sender.h"

#include <assert.h>

void sender_begin(struct sender *s, const struct resume *r, uint64_t standby_durable)
{
	bool whole = r->how == RESUME_SNAPSHOT || r->how == RESUME_FORK;

	*s = (struct sender){
		.phase = r->how == RESUME_FORK ? SENDER_FORK
	                 : whole               ? SENDER_SNAPSHOT
	                                       : SENDER_CATCHING_UP,
		.bulk = whole,
		.from_seq = r->from_seq,
		.next_seq = r->from_seq,
		.received = whole ? 0 : standby_durable,
		.durable = whole ? 0 : standby_durable,
		.snapshot = whole,
	};
}

static bool makes_sense(const struct sender *s, const struct go_on *g, uint64_t last)
{
	bool seq = g->next_seq >= s->from_seq && g->next_seq <= last + 1;

	return seq && g->through_seq <= last && g->slices < UINT32_MAX &&
	       g->stored <= g->slices + (g->next_seq - s->from_seq);
}

bool sender_go_on(struct sender *s, const struct go_on *g, uint64_t last)
{
	bool sending = s->phase != SENDER_IDLE && s->phase != SENDER_FORK;
	bool follows = g->how == RESUME_SNAPSHOT || (g->how != RESUME_FORK && !s->snapshot);

	if (!sending || !follows)
		return true; /* it follows the resume before this one */
	s->ready = true;
	if (!s->bulk)
		return true; /* all went over the live link already */
	if (!makes_sense(s, g, last))
		return false;
	s->handed_over = false;
	s->reading = false;
	s->next_seq = g->next_seq;
	s->slices = g->slices;
	s->through_seq = g->through_seq;
	s->stored = g->stored;
	if (s->snapshot)
		s->phase = g->through_seq != 0 ? SENDER_CATCHING_UP : SENDER_SNAPSHOT;
	return true;
}

void sender_bulk_down(struct sender *s)
{
	s->ready = false;
	s->reading = false;
}

/* Memory of the standby: what its disk must relieve, or what it must put into the next generation. */
static bool far_ahead(const struct sender *s)
{
	if (s->snapshot)
		return s->slices + (s->next_seq - s->from_seq) >= s->stored + SENDER_AHEAD;
	return s->next_seq > s->durable + SENDER_AHEAD;
}

static struct send by_bulk(const struct sender *s, uint64_t window_first, uint64_t last)
{
	bool in_window = s->next_seq >= window_first || s->next_seq > last;
	bool whole = !s->snapshot || s->next_seq > s->through_seq;

	if (!s->ready || s->handed_over)
		return (struct send){SEND_NOTHING, 0};
	if (whole && in_window)
		return (struct send){SEND_HAND_OVER, s->next_seq - 1};
	return (struct send){in_window ? SEND_WINDOW : SEND_READ_LOG, s->next_seq};
}

static struct send by_live_link(const struct sender *s, uint64_t window_first, uint64_t last)
{
	if (s->next_seq > last)
		return (struct send){SEND_LIVE, last};
	if (s->next_seq >= window_first)
		return (struct send){SEND_WINDOW, s->next_seq};
	/* The window went on without it. */
	return (struct send){s->received + 1 >= s->next_seq ? SEND_BY_BULK : SEND_NOTHING, 0};
}

static struct send catching_up(const struct sender *s, uint64_t window_first, uint64_t last)
{
	if (s->reading || far_ahead(s))
		return (struct send){SEND_NOTHING, 0};
	return s->bulk ? by_bulk(s, window_first, last) : by_live_link(s, window_first, last);
}

struct send sender_next(const struct sender *s, uint64_t window_first, uint64_t last)
{
	switch (s->phase) {
	case SENDER_SNAPSHOT:
		if (s->ready && s->slices < s->stored + SENDER_SLICES_AHEAD)
			return (struct send){SEND_SLICE, s->slices + 1};
		break;
	case SENDER_CATCHING_UP:
		return catching_up(s, window_first, last);
	case SENDER_IDLE:
	case SENDER_FORK:
	case SENDER_LIVE:
		break;
	}
	return (struct send){SEND_NOTHING, 0};
}

void sender_sent(struct sender *s, uint64_t seq)
{
	assert(s->phase == SENDER_CATCHING_UP && seq == s->next_seq);
	s->next_seq = seq + 1;
}

void sender_sliced(struct sender *s, bool last_slice, uint64_t last)
{
	assert(s->phase == SENDER_SNAPSHOT);
	s->slices++;
	if (!last_slice)
		return;
	s->phase = SENDER_CATCHING_UP;
	s->through_seq = last;
}

void sender_handed_over(struct sender *s)
{
	assert(s->phase == SENDER_CATCHING_UP && s->bulk);
	s->handed_over = true;
	sender_acked(s, s->received, s->durable);
}

void sender_by_bulk(struct sender *s)
{
	assert(s->phase == SENDER_CATCHING_UP && !s->bulk);
	s->bulk = true;
	s->handed_over = false;
}

void sender_live(struct sender *s, uint64_t last)
{
	assert(s->phase == SENDER_CATCHING_UP && !s->bulk);
	s->phase = SENDER_LIVE;
	s->step_seq = last;
}

void sender_hold(struct sender *s, uint64_t last)
{
	if (s->phase != SENDER_LIVE || s->snapshot || last < s->durable + SENDER_AHEAD)
		return;
	s->phase = SENDER_CATCHING_UP;
	s->next_seq = last + 1;
}

void sender_acked(struct sender *s, uint64_t received, uint64_t durable)
{
	if (received > s->received)
		s->received = received;
	if (durable > s->durable)
		s->durable = durable;
	if (s->received > 0)
		s->snapshot = false; /* the first acknowledgement says that it is whole */
	if (s->handed_over && s->received + 1 >= s->next_seq) {
		s->bulk = false;
		s->handed_over = false;
	}
}

void sender_stored(struct sender *s, uint64_t stored)
{
	if (stored > s->stored && stored <= s->slices + (s->next_seq - s->from_seq))
		s->stored = stored;
}
