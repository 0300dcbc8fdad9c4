/* How a node and a provider reach each other: names, streams, datagrams. */
#include "tests/sim/check.h"
#include "tests/sim/provider.h"
#include "tests/sim/text.h"

enum { DEAD = 50, PLACES = 100, REFUSED_MS = 20, NO_ANSWER_MS = 5000, THERE = 0, BACK = 1 };

int provider_at(const struct addr *a)
{
	int at = a->ip[3] - 10;

	if (a->family != ADDR_IPV4 || a->ip[0] != 198 || at < 0 || at % DEAD >= PROVIDERS)
		return -1;
	return at % DEAD;
}

static bool is_dead(const struct addr *a)
{
	return a->ip[3] - 10 >= DEAD;
}

/* The phone whose cables it shares. */
static struct client *beside(struct world *w, int index)
{
	return &w->clients[index % w->n_clients];
}

static void put_bytes(struct event *e, struct slice bytes)
{
	e->bytes = take_memory(bytes.n);
	memcpy(e->bytes, bytes.p, bytes.n);
	e->n = bytes.n;
}

/* --- names --- */

/* One more output to them: now and then just behind it something goes wrong. */
static void count(struct world *w)
{
	struct trunks *t = &w->trunks;

	t->sent_to_them++;
	if (t->strike_at == 0 || t->sent_to_them == t->strike_at)
		fault_moment(w, MOMENT_PROVIDER);
}

void provider_resolve(struct world *w, struct host *h, const struct node_output *o)
{
	struct event *e = world_at(w, world_draw(w, 1, 30), EVENT_RESOLVED, h->index);

	count(w);
	e->life = h->life;
	e->number = o->ticket;
	e->op = (int)o->question;
	put_bytes(e, o->bytes);
}

static void answer_srv(const struct provider *p, const char *name, struct dns_answer *a)
{
	static const struct slice dead[PROVIDERS] = {{SLICE_OF("dead.nap0.example")},
	                                             {SLICE_OF("dead.nap1.example")},
	                                             {SLICE_OF("dead.nap2.example")}};
	bool udp = strncmp(name, "_sip._udp.", 10) == 0;

	if (!p->srv || (!udp && strncmp(name, "_sip._tcp.", 10) != 0))
		return;
	if (p->dead)
		a->records[a->n++] = (struct dns_record){
			.ttl_s = 20, .name = dead[p->index], .priority = 1, .port = 5060};
	a->records[a->n++] = (struct dns_record){
		.ttl_s = 20, .name = slice_str(p->proxy), .priority = 2, .port = 5060};
}

static void answer_question(const struct world *w, const struct event *e, struct dns_answer *a)
{
	char name[256];

	(void)snprintf(name, sizeof name, "%.*s", (int)e->n, (const char *)e->bytes);
	long index = text_number(name, "nap");
	if (index < 0 || index >= w->trunks.n)
		return;
	if (e->op == DNS_SRV)
		answer_srv(&w->trunks.providers[index], name, a);
	if (e->op == DNS_A) {
		a->records[a->n++] =
			(struct dns_record){.ttl_s = 20, .addr = provider_address((int)index)};
		a->records[0].addr.port = 0;
		if (strncmp(name, "dead.", 5) == 0)
			a->records[0].addr.ip[3] = (uint8_t)(a->records[0].addr.ip[3] + DEAD);
	}
}

void provider_on_resolved(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->who];
	struct dns_answer a = {.outcome = DNS_FAILED};
	struct node_input in = {.event = NODE_RESOLVED, .ticket = e->number, .dns = &a};

	if (!h->loaded || h->life != e->life)
		return;
	if (w->now >= w->trunks.dns_down_until) {
		answer_question(w, e, &a);
		a.outcome = a.n > 0 ? DNS_FOUND : DNS_NOTHING;
	}
	host_feed(w, h, &in);
}

/* --- streams --- */

static struct pipe *pipe_of(struct world *w, uint64_t connection)
{
	for (int i = 0; i < PIPES && connection != 0; i++)
		if (w->trunks.pipes[i].connection == connection)
			return &w->trunks.pipes[i];
	return NULL;
}

static struct pipe *free_pipe(struct world *w)
{
	for (int i = 0; i < PIPES; i++) {
		struct pipe *p = &w->trunks.pipes[i];
		bool gone = p->connection != 0 &&
		            (!w->hosts[p->host].loaded || w->hosts[p->host].life != p->life);
		if (p->connection == 0 || gone)
			return p;
	}
	return NULL;
}

void provider_connect(struct world *w, struct host *h, const struct node_output *o)
{
	int index = provider_at(&o->target);
	struct provider *p = index >= 0 ? &w->trunks.providers[index] : NULL;
	struct client *c = index >= 0 ? beside(w, index) : NULL;
	bool silent = p == NULL || is_dead(&o->target) || c->cut[h->index] || c->arp != h->index ||
	              !h->vrrp.address;
	bool refused = !silent && w->now < p->down_until;
	struct event *e = world_at(w,
	                           silent    ? NO_ANSWER_MS
	                           : refused ? REFUSED_MS
	                                     : 2 * w->delay_ms,
	                           EVENT_CONNECTED, h->index);

	count(w);
	e->life = h->life;
	e->number = o->ticket;
	e->op = silent || refused ? -1 : index;
}

void provider_on_connected(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->who];
	struct pipe *pipe = free_pipe(w);
	struct node_input in = {
		.event = NODE_FLOW_DOWN, .ticket = e->number, .bytes = SLICE("refused")};

	if (!h->loaded || h->life != e->life)
		return;
	if (e->op >= 0 && pipe != NULL) {
		*pipe = (struct pipe){.connection = ++w->connections,
		                      .nap = e->op,
		                      .host = h->index,
		                      .life = h->life};
		in.event = NODE_FLOW_UP;
		in.flow = (struct flow){TRANSPORT_TCP, message_address(-1), provider_address(e->op),
		                        pipe->connection};
	}
	host_feed(w, h, &in);
}

void provider_hang_up(struct world *w, struct host *h, uint64_t connection)
{
	struct pipe *p = pipe_of(w, connection);

	if (p != NULL && p->host == h->index && p->life == h->life)
		p->connection = 0;
}

/* To the node, behind what is on its way already; without bytes: it is closed. */
static void send_back(struct world *w, struct pipe *p, struct slice bytes)
{
	int64_t at = w->now + world_draw(w, 0, w->delay_ms);

	p->until[BACK] = at > p->until[BACK] ? at : p->until[BACK];
	struct event *e = world_at(w, p->until[BACK] - w->now, EVENT_STREAM, p->host);
	e->life = p->life;
	e->number = p->connection;
	if (bytes.n > 0)
		put_bytes(e, bytes);
}

void provider_close_all(struct world *w, int index)
{
	for (int i = 0; i < PIPES; i++)
		if (w->trunks.pipes[i].connection != 0 && w->trunks.pipes[i].nap == index)
			send_back(w, &w->trunks.pipes[i], (struct slice){NULL, 0});
}

void provider_on_stream(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->who];
	struct pipe *p = pipe_of(w, e->number);
	struct node_input in = {.event = NODE_MESSAGE, .bytes = {e->bytes, e->n}};

	if (!h->loaded || h->life != e->life || p == NULL)
		return;
	in.flow = (struct flow){TRANSPORT_TCP, message_address(-1), provider_address(p->nap),
	                        p->connection};
	if (e->n == 0) {
		in.event = NODE_FLOW_DOWN;
		p->connection = 0;
	}
	host_feed(w, h, &in);
}

/* --- messages --- */

void provider_take(struct world *w, struct host *h, const struct node_output *o)
{
	count(w);
	int index = provider_at(&o->target);
	struct pipe *p = pipe_of(w, o->flow.connection);
	bool lost = p == NULL && world_chance(w, w->loss_ppm);

	if (is_dead(&o->target) || beside(w, index)->cut[h->index] || lost)
		return;
	int64_t after = world_draw(w, 0, w->delay_ms);
	if (p == NULL && world_chance(w, w->slow_ppm))
		after = world_draw(w, 1, NET_LONGEST_MS);
	if (p != NULL) {
		int64_t at = w->now + after;
		p->until[THERE] = at > p->until[THERE] ? at : p->until[THERE];
		after = p->until[THERE] - w->now;
	}
	struct event *e = world_at(w, after, EVENT_PROVIDER, index);
	e->op = h->index;
	e->number = o->flow.connection;
	put_bytes(e, o->bytes);
}

void provider_answer(struct world *w, int index, const struct event *to, struct slice bytes)
{
	const struct client *c = beside(w, index);
	struct pipe *p = pipe_of(w, to->number);

	if (to->number != 0) {
		if (p != NULL && !c->cut[p->host])
			send_back(w, p, bytes);
		return;
	}
	if (c->cut[c->arp] || world_chance(w, w->loss_ppm))
		return;
	struct event *e = world_at(w, world_draw(w, 0, w->delay_ms), EVENT_REQUEST, c->index);
	e->op = OP_PROVIDER - index;
	e->number = (uint64_t)c->arp;
	e->life = (uint64_t)(w->now + NET_LONGEST_MS);
	put_bytes(e, bytes);
}
