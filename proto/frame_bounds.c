/* What no node of ours can ever say: numbers and times that would overflow where they are reckoned with. */
#include "proto/frame_parts.h"

/* Of all numbers there are, half are left to whoever goes on from what the peer says. */
#define SEQ_SAID_END (SEQ_END / 2)

static bool time_sound(struct pairtime t)
{
	return t.ms >= 0 && t.ms < PAIRTIME_END_MS;
}

static bool beat_sound(const struct beat *b)
{
	return time_sound(b->pair) && b->echo_held_ms < PAIRTIME_END_MS &&
	       b->last_seq < SEQ_SAID_END;
}

static bool hello_sound(const struct hello *h)
{
	for (size_t i = 0; i < h->n_history; i++)
		if (h->history[i].epoch > EPOCH_END || h->history[i].first_seq >= SEQ_SAID_END)
			return false;
	return beat_sound(&h->beat) && h->log_first < SEQ_SAID_END &&
	       h->received_seq < SEQ_SAID_END;
}

static bool within_bounds(const struct frame *f)
{
	if (f->kind == FRAME_HELLO)
		return hello_sound(&f->hello);
	if (f->kind == FRAME_BEAT)
		return beat_sound(&f->beat);
	if (f->kind == FRAME_RESUME)
		return f->resume.from_seq < SEQ_SAID_END && f->resume.fork_seq < SEQ_SAID_END;
	if (f->kind == FRAME_GO_ON)
		return f->go_on.next_seq < SEQ_SAID_END && f->go_on.through_seq < SEQ_SAID_END;
	if (f->kind == FRAME_END)
		return f->end.through_seq < SEQ_SAID_END;
	return true;
}

enum err frame_bounded(enum err err, const struct frame *f)
{
	return err == OK && !within_bounds(f) ? ERR_MALFORMED : err;
}
