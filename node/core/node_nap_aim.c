/* The way to a NAP's proxy: its targets, and the stream to the one in use. */
#include <assert.h>

#include "node/core/nap_desk.h"
#include "proto/sip/header.h"

enum {
	PING_LEAST_MS = 96000, /* RFC 5626 4.4.1: 80 to 100 % of 120 s */
	PING_MORE_MS = 24000,
	PONG_MS = 10000,
};

void nap_hang_up(struct node *n, struct nap *p)
{
	if (p->flow.connection == 0)
		return;
	node_out(n, OUT_CLOSE_FLOW)->flow = p->flow;
	p->flow = (struct flow){0};
	n->naps.streams--;
}

static bool is_stream(enum transport t)
{
	return t == TRANSPORT_TCP || t == TRANSPORT_TLS;
}

static enum transport transport_of(const struct sip_uri *uri)
{
	static const enum transport known[] = {TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_TLS};
	struct slice name;

	if (!sip_uri_param(uri, "transport", &name))
		return (enum transport)0;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (slice_eq_nocase(name, slice_str(transport_name(known[i]))))
			return known[i];
	return (enum transport)0;
}

/* Where this attempt goes: as configured, or as it was redirected. */
static bool goal_of(const struct nap *p, struct target_goal *goal)
{
	const struct nap_options *o = nap_options(p);
	struct slice redirect = {p->redirect, p->n_redirect};
	struct sip_uri uri;

	*goal = (struct target_goal){0};
	if (redirect.n > 0) {
		if (sip_uri_parse(redirect, &uri) != OK || uri.host.n == 0)
			return false;
		goal->host = uri.host;
		goal->port = uri.port;
		goal->transport = transport_of(&uri);
	} else if (target_goal_read(o->proxy, goal)) {
		goal->transport = o->transport;
		bool named = sip_uri_parse(o->address_to_register, &uri) == OK;
		goal->sips = named && uri.scheme == URI_SIPS;
	} else {
		return false;
	}
	goal->sips = goal->sips || (redirect.n > 0 && uri.scheme == URI_SIPS);
	goal->family = o->local.family;
	return true;
}

static void wait_for(struct node *n, struct nap *p)
{
	p->aiming = true;
	p->ticket = ++n->naps.numbers;
	p->aim_until = mtime_add_ms(n->now, NAP_AIM_MS);
	nap_wake(n, p->aim_until);
}

static bool look_up(struct node *n, struct nap *p)
{
	struct target_goal goal;
	bool read = goal_of(p, &goal);

	if (read)
		targets_begin(&p->targets, &goal, nap_random(n), n->now);
	return read;
}

static bool asks(struct node *n, struct nap *p)
{
	struct dns_question q;

	if (!targets_asks(&p->targets, &q))
		return false;
	wait_for(n, p);
	struct node_output *o = node_out(n, OUT_RESOLVE);
	o->ticket = p->ticket;
	o->question = q.type;
	o->bytes = arena_copy(&n->arena, q.name);
	return true;
}

static void connect(struct node *n, struct nap *p)
{
	struct target_goal goal;
	bool read = goal_of(p, &goal);

	assert(read); /* its targets were found */
	wait_for(n, p);
	struct node_output *o = node_out(n, OUT_CONNECT);
	o->ticket = p->ticket;
	o->flow.transport = p->used.transport;
	o->flow.local = nap_options(p)->local;
	o->flow.remote = o->target = p->used.addr;
	o->bytes = arena_copy(&n->arena, goal.host);
}

static bool same_target(const struct target *a, const struct target *b)
{
	return a->transport == b->transport && addr_eq(&a->addr, &b->addr);
}

static void use(struct node *n, struct nap *p, const struct target *t)
{
	if (!same_target(&p->used, t))
		nap_hang_up(n, p);
	p->used = *t;
	if (is_stream(t->transport))
		return;
	p->flow = (struct flow){
		.transport = t->transport, .local = nap_options(p)->local, .remote = t->addr};
}

enum nap_aim nap_aim(struct node *n, struct nap *p)
{
	if (p->aiming)
		return AIM_PENDING;
	if (p->attempt.on_its_way) /* a poll beside it goes the same way */
		return nap_has_way(p) ? AIM_READY : AIM_FAILED;
	if (targets_stale(&p->targets, n->now) && !look_up(n, p))
		return AIM_FAILED;
	if (asks(n, p))
		return AIM_PENDING;
	const struct target *t = targets_current(&p->targets, n->now);
	if (t == NULL)
		return AIM_FAILED;
	use(n, p, t);
	if (!is_stream(t->transport) || p->flow.connection != 0)
		return AIM_READY;
	connect(n, p);
	return AIM_PENDING;
}

struct slice nap_aim_why(const struct nap *p)
{
	const char *why = targets_why(&p->targets);

	if (!p->targets.known)
		return SLICE("its proxy cannot be read");
	if (p->targets.n > 0)
		return SLICE("it wants to be left alone");
	return why != NULL ? slice_str(why) : SLICE("no address");
}

/* It goes elsewhere from now on. What waited for the way there is due still. */
static void forget_way(struct nap *p)
{
	p->aiming = p->for_register = p->for_poll = p->for_reg = false;
	p->targets = (struct targets){0};
}

bool nap_redirect(struct node *n, struct nap *p, struct slice uri)
{
	struct target_goal goal;

	if (uri.n > sizeof p->redirect)
		return false;
	nap_hang_up(n, p);
	memcpy(p->redirect, uri.p, uri.n);
	p->n_redirect = uri.n;
	forget_way(p);
	return goal_of(p, &goal);
}

void nap_redirect_end(struct nap *p)
{
	if (p->n_redirect == 0)
		return;
	p->n_redirect = 0;
	forget_way(p);
}

/* --- is the stream alive? --- */

static void ping_later(struct node *n, struct nap *p)
{
	p->pong_until = MTIME_NEVER;
	p->ping_due = mtime_add_ms(n->now, PING_LEAST_MS + (int64_t)(nap_random(n) % PING_MORE_MS));
}

struct mtime nap_ping_due(const struct nap *p)
{
	bool asked = nap_options(p)->outbound && p->flow.connection != 0;

	return asked ? mtime_min(p->ping_due, p->pong_until) : MTIME_NEVER;
}

static void give_up_stream(struct node *n, struct nap *p)
{
	struct nap_input in = {.event = NAP_FLOW_LOST};

	node_requests_broken(n, &p->flow);
	nap_hang_up(n, p);
	if (!p->attempt.on_its_way)
		nap_act(n, p, &in);
}

void nap_ping(struct node *n, struct nap *p)
{
	if (!mtime_reached(nap_ping_due(p), n->now))
		return;
	if (mtime_reached(p->pong_until, n->now)) {
		give_up_stream(n, p);
		return;
	}
	struct node_output *o = node_out(n, OUT_MESSAGE);
	o->flow = p->flow;
	o->target = p->used.addr;
	o->bytes = SLICE("\r\n\r\n");
	p->ping_due = MTIME_NEVER;
	p->pong_until = mtime_add_ms(n->now, PONG_MS);
}

/* --- what comes of it --- */

void node_on_resolved(struct node *n, const struct node_input *in)
{
	struct nap *p = nap_by_ticket(n, in->ticket);

	if (p == NULL || !n->naps.running || !node_active(n))
		return;
	p->aiming = false;
	targets_take(&p->targets, in->dns, n->now);
	nap_aimed(n, p, nap_aim(n, p), false, nap_aim_why(p));
}

void node_on_flow_up(struct node *n, const struct node_input *in)
{
	struct nap *p = nap_by_ticket(n, in->ticket);

	if (p == NULL || !n->naps.running || !node_active(n)) {
		node_out(n, OUT_CLOSE_FLOW)->flow = in->flow;
		return;
	}
	p->aiming = false;
	p->flow = in->flow;
	n->naps.streams++;
	ping_later(n, p);
	nap_aimed(n, p, AIM_READY, false, SLICE(""));
}

bool node_nap_pong(struct node *n, const struct node_input *in)
{
	if (in->flow.connection == 0 || !slice_eq(in->bytes, SLICE("\r\n")))
		return false;
	for (size_t i = 0; i < n->naps.n; i++)
		if (n->naps.at[i]->flow.connection == in->flow.connection) {
			ping_later(n, n->naps.at[i]);
			nap_wake(n, n->naps.at[i]->ping_due);
		}
	return true;
}

static void no_stream(struct node *n, struct nap *p, struct slice why)
{
	p->aiming = false;
	bool more = targets_failed(&p->targets, &p->used, 0, n->now);
	if (more && !p->for_register)
		nap_aimed(n, p, nap_aim(n, p), false, why);
	else
		nap_aimed(n, p, AIM_FAILED, more, why);
}

static void stream_went(struct node *n, const struct flow *flow)
{
	for (size_t i = 0; i < n->naps.n; i++) {
		struct nap *p = n->naps.at[i];
		struct nap_input in = {.event = NAP_FLOW_LOST};

		if (p->flow.connection != flow->connection)
			continue;
		p->flow = (struct flow){0};
		n->naps.streams--;
		if (!p->attempt.on_its_way) /* else its request tells */
			nap_act(n, p, &in);
		return;
	}
}

void node_nap_flow_down(struct node *n, const struct node_input *in)
{
	struct nap *p = in->ticket != 0 ? nap_by_ticket(n, in->ticket) : NULL;

	if (!n->naps.running || !node_active(n))
		return;
	if (p != NULL)
		no_stream(n, p, in->bytes);
	else if (in->ticket == 0 && n->naps.streams > 0 && in->flow.connection != 0)
		stream_went(n, &in->flow);
}

void nap_aim_overdue(struct node *n, struct nap *p)
{
	p->aiming = false;
	p->ticket = 0;
	if (p->targets.lookup.step != LOOKUP_DONE)
		p->targets = (struct targets){0};
	nap_aimed(n, p, AIM_FAILED, false, SLICE("the way there could not be found in time"));
}
