/* The phones: each registers, refreshes, removes and asks, one request at a time, as RFC 3261 has it. */
#include <assert.h>
#include <stdlib.h>

#include "tests/sim/check.h"
#include "tests/sim/message.h"

enum { LIFETIME_MIN = 5, LIFETIME_MAX = 60 };
enum { T1_MS = 500, T2_MS = 4000, DRAIN_MS = NET_LONGEST_MS + 500 };

struct op *op_new(struct world *w, int client, int aor, enum op_kind kind)
{
	if (w->n_ops == w->ops_room) {
		w->ops_room = w->ops_room == 0 ? 256 : 2 * w->ops_room;
		w->ops = more_memory(w->ops, w->ops_room * sizeof *w->ops);
	}
	struct op *op = &w->ops[w->n_ops++];
	*op = (struct op){
		.client = client, .aor = aor, .kind = kind, .start = w->now, .last_sent = w->now};
	return op;
}

struct op *op_find(struct world *w, int client, unsigned call, uint32_t cseq)
{
	for (size_t i = w->n_ops; i > 0; i--) {
		struct op *op = &w->ops[i - 1];
		if (op->client == client && op->call == call && op->cseq == cseq)
			return op;
	}
	return NULL;
}

static void set_timer(struct world *w, struct client *c, int64_t ms)
{
	world_at(w, ms, EVENT_CLIENT, c->index)->number = ++c->timer;
}

static int64_t net_delay(struct world *w)
{
	return world_chance(w, w->slow_ppm) ? world_draw(w, 1, NET_LONGEST_MS)
	                                    : world_draw(w, 0, w->delay_ms);
}

static void put_on_wire(struct world *w, struct client *c, struct slice bytes)
{
	if (c->cut[c->arp] || world_chance(w, w->loss_ppm))
		return;
	w->ops[c->op].copies++;
	struct event *e = world_at(w, net_delay(w), EVENT_REQUEST, c->index);
	e->op = c->op;
	e->number = (uint64_t)c->arp;
	e->life = (uint64_t)(w->now + NET_LONGEST_MS);
	e->bytes = take_memory(bytes.n);
	memcpy(e->bytes, bytes.p, bytes.n);
	e->n = bytes.n;
}

static void transmit(struct world *w, struct client *c)
{
	uint8_t room[TEXT_MAX];
	struct buf text = buf_on(room, sizeof room);

	message_write(w, c, &w->ops[c->op], &text);
	assert(!text.full);
	w->ops[c->op].last_sent = w->now;
	put_on_wire(w, c, buf_slice(&text));
	if (world_chance(w, w->dup_ppm))
		put_on_wire(w, c, buf_slice(&text));
	set_timer(w, c, c->retransmit_ms);
	c->retransmit_ms = c->retransmit_ms * 2 < T2_MS ? c->retransmit_ms * 2 : T2_MS;
}

static void send_op(struct world *w, struct client *c, struct op *op)
{
	static const char *const names[] = {"register", "remove", "*", "fetch", "operator"};

	op->call = c->call;
	op->cseq = ++c->cseq;
	c->nc++;
	c->op = (int)(op - w->ops);
	c->retransmit_ms = T1_MS;
	c->give_up_at = w->now + world_draw(w, 4, 12) * 1000;
	world_say(w, 'c', "%d %s contacts=%u expires=%u call=%u cseq=%u to %c", c->index,
	          names[op->kind], op->contacts, op->expires_s, op->call, op->cseq, 'A' + c->arp);
	transmit(w, c);
}

/* A lifetime that ends when all others do. */
static void end_together(struct world *w, struct client *c, struct op *op)
{
	int64_t left_s = (w->expiry_at - w->now) / 1000;

	op->kind = OP_REGISTER;
	op->contacts = (1U << CONTACTS_MAX) - 1;
	op->expires_s = (uint32_t)(left_s < LIFETIME_MAX ? left_s : LIFETIME_MAX);
	send_op(w, c, op);
}

static enum op_kind draw_kind(struct world *w, const struct client *c)
{
	int64_t dice = world_draw(w, 0, 99);

	return c->last_words ? OP_FETCH
	       : dice < 55   ? OP_REGISTER
	       : dice < 68   ? OP_REMOVE
	       : dice < 73   ? OP_STAR
	                     : OP_FETCH;
}

static void begin_op(struct world *w, struct client *c)
{
	static const uint32_t lifetimes[] = {5, 8, 15, 30, 60};
	unsigned all = (1U << CONTACTS_MAX) - 1;
	enum op_kind kind = draw_kind(w, c);
	struct op *op = op_new(w, c->index, c->aor, kind);

	c->challenged = 0;
	if (w->expiry_at > w->now && !c->last_words) {
		end_together(w, c, op);
		return;
	}
	if (kind == OP_REGISTER || kind == OP_REMOVE)
		op->contacts = (unsigned)world_draw(w, 1, all);
	else if (kind == OP_STAR)
		op->contacts = all;
	if (kind == OP_REGISTER)
		op->expires_s = lifetimes[world_draw(w, 0, ARRAY_LEN(lifetimes) - 1)];
	send_op(w, c, op);
}

void client_begin(struct world *w, struct client *c)
{
	c->silent_from = w->profile != SCRIPTED && world_chance(w, 300000)
	                         ? world_draw(w, 5000, w->rough_until)
	                         : INT64_MAX;
	set_timer(w, c, world_draw(w, 10, 3000));
}

/* A phone that started anew has another Call-ID; its old requests are off the network by then. */
static void restart(struct world *w, struct client *c)
{
	world_say(w, 'c', "%d starts anew", c->index);
	c->call++;
	c->cseq = (uint32_t)world_draw(w, 0, 20);
	set_timer(w, c, DRAIN_MS);
}

/* Unplugged; or all wait for their bindings to end, and look some seconds later. */
static bool is_silent(const struct world *w, const struct client *c)
{
	enum { ENDED_MS = 3000 };
	bool ending = w->now > w->expiry_at - INT64_C(1000) * LIFETIME_MIN &&
	              w->now < w->expiry_at + ENDED_MS;

	return w->now >= c->silent_from || (w->expiry_at > 0 && ending);
}

void client_on_timer(struct world *w, const struct event *e)
{
	struct client *c = &w->clients[e->who];

	if (e->number != c->timer)
		return;
	if (c->op >= 0 && w->now < c->give_up_at) {
		transmit(w, c);
		return;
	}
	if (c->op >= 0) {
		world_say(w, 'c', "%d gives up on cseq=%u", c->index, w->ops[c->op].cseq);
		w->ops[c->op].state = OP_GIVEN_UP;
		c->op = -1;
		if (world_chance(w, 200000)) {
			restart(w, c);
			return;
		}
	}
	if (c->content && c->last_words)
		return;
	if (is_silent(w, c) && !c->last_words) {
		set_timer(w, c, 1000);
		return;
	}
	begin_op(w, c);
}

/* Asked for a password: the same again with an answer. */
static void ask_again(struct world *w, struct client *c)
{
	struct op before = w->ops[c->op];
	struct op *op = op_new(w, c->index, c->aor, before.kind);

	op->contacts = before.contacts;
	op->expires_s = before.expires_s;
	send_op(w, c, op);
}

void client_on_reply(struct world *w, const struct event *e)
{
	struct client *c = &w->clients[e->who];
	struct told told;

	if (!told_read(w, (struct slice){e->bytes, e->n}, &told) || c->op < 0)
		return;
	struct op *op = &w->ops[c->op];
	if (told.call != op->call || told.cseq != op->cseq)
		return;
	w->stat[STAT_ANSWERED]++;
	op->done = w->now;
	op->state = told.status == 200 ? OP_GRANTED : OP_REFUSED;
	world_say(w, 'c', "%d is told %d, contacts=%u", c->index, told.status, told.contacts);
	if (told.status != 200 && op->copies == 1 && op->n_entries > 0)
		world_fail(w, "client %d is told %d of what was carried out", c->index,
		           told.status);
	if (told.status == 401) {
		memcpy(c->nonce, told.nonce, sizeof c->nonce);
		c->nc = 0;
		if (++c->challenged == 1) {
			ask_again(w, c);
			return;
		}
	}
	if (told.status != 200 && told.status != 503 && told.status != 401 && told.status != 400)
		world_fail(w, "client %d got %d", c->index, told.status);
	c->op = -1;
	c->content = c->last_words && told.status == 200;
	set_timer(w, c, world_draw(w, 50, w->quiet ? 1000 : w->think_ms));
}

/* The socket keeps what arrives until the node may look at it. */
int64_t client_waits_ms(struct world *w, const struct event *e)
{
	enum { LOOK_AGAIN_MS = 3, STRAY_PPM = 20000 };
	const struct host *h = &w->hosts[e->number];
	bool arrived = h->up && h->vrrp.address && h->loaded;

	if (!arrived || node_serves(h->node) || w->now + LOOK_AGAIN_MS > (int64_t)e->life)
		return 0;
	return world_chance(w, STRAY_PPM) ? 0 : LOOK_AGAIN_MS;
}

/* What it finds as it is looked at for the first time. */
static void note_served(const struct host *h, struct op *op)
{
	if (!node_serves(h->node) || op->served_life[h->index] == h->life)
		return;
	op->served_life[h->index] = h->life;
	op->served[h->index] = h->chain.aor[op->aor];
}

void client_on_request(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->number];
	struct node_input in = {.event = NODE_MESSAGE, .bytes = {e->bytes, e->n}};

	if (!h->up || !h->vrrp.address || !h->loaded)
		return;
	in.flow.transport = TRANSPORT_UDP;
	in.flow.local = message_address(-1);
	in.flow.remote = e->op >= 0             ? message_address(e->who)
	                 : e->op <= OP_PROVIDER ? provider_address(OP_PROVIDER - e->op)
	                                        : onlooker_address(e->who);
	if (e->op >= 0)
		note_served(h, &w->ops[e->op]);
	else if (e->op == OP_ANSWERS - h->index)
		w->watching.onlookers[e->who].answered_at[h->index] = w->now;
	w->serving = e->op;
	host_feed(w, h, &in);
	w->serving = -1;
}

static struct host *serving(struct world *w)
{
	for (int at = 0; at < HOSTS; at++)
		if (w->hosts[at].loaded && node_serves(w->hosts[at].node))
			return &w->hosts[at];
	return NULL;
}

/* The operator makes sure that the active knows every phone's password, and in some worlds imports
 * many more. */
void client_subscribe(struct world *w)
{
	enum { AT_ONCE = 100 };
	struct host *h = serving(w);

	for (int i = 0; h != NULL && i < w->n_clients && w->digest; i++)
		message_subscribe(w, h, i);
	for (int i = 0; h != NULL && i < AT_ONCE && w->imported < w->ballast; i++)
		w->imported += message_fill(w, h, w->imported);
}
