#include "replication/sender.h"

#include <assert.h>

void sender_begin(struct sender *s, const struct resume *r, uint64_t standby_durable)
{
	bool whole = r->how == RESUME_SNAPSHOT || r->how == RESUME_FORK;

	*s = (struct sender){
		.phase = r->how == RESUME_FORK ? SENDER_FORK
	                 : whole               ? SENDER_SNAPSHOT
	                                       : SENDER_CATCHING_UP,
		.next_seq = r->from_seq,
		.received = whole ? 0 : standby_durable,
		.durable = whole ? 0 : standby_durable,
		.snapshot = whole,
	};
}

static struct send catching_up(const struct sender *s, uint64_t window_first, uint64_t last)
{
	/* Nothing is acknowledged before a snapshot is whole: the tail behind it is not held back. */
	bool far_ahead = !s->snapshot && s->next_seq > s->durable + SENDER_AHEAD;
	if (s->reading || far_ahead)
		return (struct send){SEND_NOTHING, 0};
	if (s->next_seq > last)
		return (struct send){SEND_LIVE, last};
	if (s->next_seq >= window_first)
		return (struct send){SEND_WINDOW, s->next_seq};
	return (struct send){SEND_READ_LOG, s->next_seq};
}

struct send sender_next(const struct sender *s, uint64_t window_first, uint64_t last)
{
	switch (s->phase) {
	case SENDER_SNAPSHOT:
		if (s->slices_sent < s->slices_acked + SENDER_SLICES_AHEAD)
			return (struct send){SEND_SLICE, s->slices_sent + 1};
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

void sender_sliced(struct sender *s, bool last)
{
	assert(s->phase == SENDER_SNAPSHOT);
	s->slices_sent++;
	if (last)
		s->phase = SENDER_CATCHING_UP;
}

void sender_live(struct sender *s, uint64_t last)
{
	assert(s->phase == SENDER_CATCHING_UP);
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
	s->snapshot = false; /* the first acknowledgement says that it is whole */
}
