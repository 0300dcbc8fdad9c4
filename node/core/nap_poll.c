#include "node/core/nap_poll.h"

static void rest(struct nap_poll *p, struct mtime due)
{
	p->state = POLL_RESTING;
	p->due = due;
}

static void ask(struct nap_poll *p, struct mtime now)
{
	p->state = POLL_ASKING;
	p->asked = now;
}

static bool says_available(const struct nap_options *o, uint16_t status)
{
	return o->any_response_is_available || (status >= 200 && status < 500);
}

/* The next is an interval behind the sending of this one, and never at once. */
static void hear(struct nap_poll *p, const struct nap_options *o, struct mtime now)
{
	enum { LEAST_MS = 1000 };
	struct mtime next = mtime_add_ms(p->asked, o->poll_interval_ms);
	struct mtime soonest = mtime_add_ms(now, LEAST_MS);

	rest(p, next.ms > soonest.ms ? next : soonest);
}

void nap_poll_step(struct nap_poll *p, const struct nap_options *o, const struct nap_poll_input *in,
                   struct nap_poll_output *out)
{
	*out = (struct nap_poll_output){0};
	if (!o->polls || o->proxy.n == 0) {
		*p = (struct nap_poll){0};
		return;
	}
	switch (in->event) {
	case POLL_BEGIN:
		rest(p, mtime_add_ms(in->now, o->poll_first_ms));
		break;
	case POLL_NOW:
		if (p->state != POLL_ASKING)
			rest(p, in->now);
		break;
	case POLL_READY:
		out->send = p->state == POLL_RESTING;
		if (out->send)
			ask(p, in->now);
		break;
	case POLL_ANSWER:
	case POLL_LOST:
		if (p->state == POLL_RESTING) /* there was no way there */
			ask(p, in->now);
		out->heard = p->state == POLL_ASKING;
		out->available = in->event == POLL_ANSWER && says_available(o, in->status);
		if (out->heard)
			hear(p, o, in->now);
		break;
	}
}

struct mtime nap_poll_due(const struct nap_poll *p)
{
	return p->state == POLL_RESTING ? p->due : MTIME_NEVER;
}
