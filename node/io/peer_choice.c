#include <event2/event.h>

#include "node/io/peer_parts.h"

enum { PULSES = 4 }; /* in peer_timeout */

static void tell(struct peer_link *p, enum node_event event, uint64_t connection)
{
	struct node_input in = {.event = event, .connection = connection};

	loop_feed(p->loop, &in);
}

/* The node has dropped it by itself, as a rule. */
static void end_bulk(struct peer_link *p)
{
	if (p->bulk != NULL)
		connection_down(p->bulk, "the live connection ended");
}

/* The secondary's bulk connection follows the live one, by its path. */
static void want_bulk(struct peer_link *p)
{
	for (size_t i = 0; i < p->n_ways && !p->primary; i++)
		if (p->ways[i].bulk)
			peer_try_again_soon(&p->ways[i]);
}

void peer_carries(struct connection *c)
{
	struct peer_link *p = c->way->link;
	struct connection *old = p->live;

	if (c->way->bulk || c == old)
		return;
	p->live = c;
	if (old != NULL) {
		connection_kill(old);
		tell(p, NODE_LINK_DOWN, old->number);
		end_bulk(p);
	}
	if (p->n_ways > 2) {
		char text[ADDR_TEXT_MAX + 1];
		log_rated(loop_log(p->loop), &p->rate, loop_now(p->loop), LOG_NOTICE,
		          "link=peer connection=%llu carries address=%s",
		          (unsigned long long)c->number, peer_addr_text(&c->remote, text));
	}
	tell(p, NODE_LINK_UP, c->number);
	want_bulk(p);
}

/* The primary waits for a frame: who chooses is one of the two. */
void peer_look(struct peer_link *p)
{
	for (size_t i = 0; i < p->n_ways && p->live == NULL && !p->primary; i++)
		if (p->ways[i].up != NULL && !p->ways[i].bulk)
			peer_carries(p->ways[i].up);
}

static void take_bulk(struct connection *c)
{
	struct peer_link *p = c->way->link;
	struct connection *old = p->bulk;

	if (p->live == NULL) {
		connection_down(c, "there is no live connection beside it");
		return;
	}
	p->bulk = c;
	if (old != NULL) {
		connection_kill(old);
		tell(p, NODE_BULK_DOWN, old->number);
	}
	tell(p, NODE_BULK_UP, c->number);
}

void peer_up(struct connection *c)
{
	if (c->way->bulk)
		take_bulk(c);
	else
		peer_look(c->way->link);
}

void peer_lost(struct connection *c)
{
	struct peer_link *p = c->way->link;
	struct connection *bulk = p->bulk;

	if (c == bulk) {
		p->bulk = NULL;
		tell(p, NODE_BULK_DOWN, c->number);
	}
	if (c != p->live)
		return;
	p->live = NULL;
	tell(p, NODE_LINK_DOWN, c->number);
	end_bulk(p);
	peer_look(p);
}

static bool silent(const struct connection *c, int64_t ms)
{
	struct peer_link *p = c->way->link;

	return mtime_reached(mtime_add_ms(c->heard, ms), loop_now(p->loop));
}

/* The other live connection that is up. */
static struct connection *spare_of(const struct peer_link *p)
{
	for (size_t i = 0; i < p->n_ways; i++)
		if (p->ways[i].up != NULL && !p->ways[i].bulk && p->ways[i].up != p->live)
			return p->ways[i].up;
	return NULL;
}

/* A peer that is silent on both is slow or gone: that is for the node to judge. What came while this
 * process stood still is read before anything is called silent. */
static void judge(struct peer_link *p)
{
	int64_t timeout = loop_config(p->loop)->peer_timeout;
	struct connection *spare = spare_of(p);

	if (p->live == NULL || spare == NULL)
		return;
	if (silent(p->live, timeout))
		connection_take_in(p->live, DRAIN_MAX);
	else if (silent(spare, timeout))
		connection_take_in(spare, LIVE_TURN);
	bool both = p->live != NULL && spare == spare_of(p);
	if (!both)
		return;
	if (silent(p->live, timeout) && !silent(spare, timeout / 2))
		connection_down(p->live, "silent, and the other path is not");
	else if (silent(spare, 4 * timeout) && !silent(p->live, timeout))
		connection_down(spare, "silent, and the other path is not");
}

static void on_pulse(evutil_socket_t fd, short what, void *context)
{
	struct peer_link *p = context;

	(void)fd;
	(void)what;
	judge(p);
	peer_look(p);
	if (p->n_ways == 2)
		return;
	for (size_t i = 0; i < p->n_ways; i++)
		if (p->ways[i].up != NULL && !p->ways[i].bulk)
			connection_sign(p->ways[i].up);
	peer_arm(p->pulse, loop_config(p->loop)->peer_timeout / PULSES);
}

void peer_begin_pulse(struct peer_link *p)
{
	p->pulse = evtimer_new(loop_base(p->loop), on_pulse, p);
	if (p->pulse != NULL && p->n_ways > 2)
		peer_arm(p->pulse, 0);
}
