#include "tests/bench/engine.h"

#include <assert.h>

#include "tests/bench/credentials.h"

enum {
	SECOND_US = 1000000,
	IDLE_SEARCH_MAX = 64, /* users looked at before a start is given up */
	CHALLENGES_MAX = 3,   /* of one operation */
	BURST_MAX = 64,       /* open loop: starts in one turn, so that answers are read between */
};

struct run {
	const struct engine *engine;
	const struct plan *plan;
	struct stats *stats;
	struct transport_events events;
	int64_t now; /* of this turn */
	uint64_t started, visited;
	uint32_t outstanding;
};

static const struct options *options_of(const struct run *r)
{
	return r->engine->scribe.options;
}

static int64_t interval_us(const struct options *o, unsigned sending)
{
	int64_t t1 = (int64_t)o->t1_ms * 1000;

	if (o->transport == 1)
		return 64 * t1;
	return t1 << (sending < 3 ? sending : 3);
}

static unsigned sendings(const struct options *o)
{
	return o->transport == 1 ? 1 : o->tries;
}

static void put_on_wire(struct run *r, uint32_t at)
{
	uint8_t room[MESSAGE_MAX];
	struct buf message = buf_on(room, sizeof room);
	unsigned socket = at % options_of(r)->sockets;

	message_write(&r->engine->scribe, r->engine->users, at,
	              transport_local(r->engine->transport, socket), &message);
	if (!transport_send(r->engine->transport, socket, buf_slice(&message)))
		r->stats->unsent++;
}

/* A new request of the user: a first one, or the one with credentials. */
static void send_request(struct run *r, uint32_t at)
{
	struct user *u = &r->engine->users->list[at];
	const struct observer *observer = r->engine->observer;

	u->cseq++;
	u->authorized = u->credentials.n_nonce > 0 && options_of(r)->auth != AUTH_NONE;
	u->credentials.nc += u->authorized;
	u->first_sent_us = r->now;
	r->stats->sent++;
	if (observer != NULL && observer->sent != NULL)
		observer->sent(observer->ctx, u, at);
	put_on_wire(r, at);
	users_wait(r->engine->users, at, 0, r->now + interval_us(options_of(r), 0));
}

static enum act next_act(const struct plan *p, const struct user *u)
{
	return p->in_turn && u->act == (uint8_t)p->act ? ACT_REMOVE : p->act;
}

static void start(struct run *r, uint32_t at, int64_t due_us)
{
	struct user *u = &r->engine->users->list[at];

	if (options_of(r)->auth == AUTH_ALWAYS)
		u->credentials.n_nonce = 0;
	u->act = (uint8_t)next_act(r->plan, u);
	u->challenges = 0;
	u->fresh = false;
	u->began_us = due_us;
	r->started++;
	r->outstanding++;
	send_request(r, at);
}

/* The next user that waits for nothing; false: those looked at all wait. */
static bool next_idle(struct run *r, uint32_t *at)
{
	const struct users *users = r->engine->users;

	for (unsigned i = 0; i < IDLE_SEARCH_MAX; i++) {
		*at = users_visit(users, r->visited++);
		if (!users->list[*at].waiting)
			return true;
	}
	return false;
}

static bool may_start(const struct run *r)
{
	const struct plan *p = r->plan;

	if (p->count > 0 && r->started + r->stats->skipped >= p->count)
		return false;
	return p->seconds == 0 || r->now < r->stats->began_us + (int64_t)p->seconds * SECOND_US;
}

static void start_by_window(struct run *r)
{
	uint32_t at = 0;

	while (may_start(r) && r->outstanding < r->plan->window && next_idle(r, &at))
		start(r, at, r->now);
}

/* Open loop: the i-th start belongs to began + i / rate, however late it is made. */
static int64_t due_by_rate(const struct run *r)
{
	uint64_t i = r->started + r->stats->skipped;

	return r->stats->began_us + (int64_t)(i * SECOND_US / r->plan->rate);
}

static void start_by_rate(struct run *r)
{
	for (unsigned i = 0; i < BURST_MAX && may_start(r) && due_by_rate(r) <= r->now; i++) {
		uint32_t at = 0;

		if (next_idle(r, &at))
			start(r, at, due_by_rate(r));
		else
			r->stats->skipped++;
	}
}

static void finish(struct run *r, uint32_t at)
{
	assert(r->outstanding > 0);
	(void)at;
	r->outstanding--;
	r->stats->finished++;
	r->stats->ended_us = r->now;
}

static void resend_due(struct run *r)
{
	struct users *users = r->engine->users;
	uint32_t at = 0;

	while (users_next_due(users, &at) <= r->now) {
		unsigned sending = users->list[at].sending + 1U;

		users_done(users, at);
		if (sending >= sendings(options_of(r))) {
			r->stats->timeouts++;
			finish(r, at);
			continue;
		}
		r->stats->retransmissions++;
		put_on_wire(r, at);
		users_wait(users, at, sending, r->now + interval_us(options_of(r), sending));
	}
}

/* True: the request was repeated with credentials; the operation goes on. */
static bool answer_challenge(struct run *r, uint32_t at, const struct challenge *c)
{
	struct user *u = &r->engine->users->list[at];
	bool refused = u->fresh && !c->stale;

	if (!c->present || refused || options_of(r)->auth == AUTH_NONE ||
	    ++u->challenges > CHALLENGES_MAX)
		return false;
	if (!credentials_keep(&u->credentials, c, options_of(r))) {
		u->credentials.n_nonce = 0;
		return false;
	}
	u->fresh = true;
	send_request(r, at);
	return true;
}

static void on_final(struct run *r, uint32_t at, const struct answer *a)
{
	const struct user *u = &r->engine->users->list[at];

	users_done(r->engine->users, at);
	r->stats->by_status[a->status]++;
	if (a->status == 401 && answer_challenge(r, at, &a->challenge))
		return;
	if (a->status == 200) {
		histogram_add(&r->stats->latency, r->now - u->began_us);
		gap_note(&r->stats->gap, r->now);
	}
	finish(r, at);
}

/* The user whose outstanding request this answers. */
static bool match(const struct run *r, const struct answer *a, uint32_t *at)
{
	const struct users *users = r->engine->users;
	uint8_t room[160];
	struct buf call_id = buf_on(room, sizeof room);
	uint32_t cseq = 0;

	if (!message_branch(options_of(r), a->branch, at, &cseq) || *at >= users->n)
		return false;
	user_call_id(&call_id, options_of(r), users->list[*at].number);
	return users->list[*at].waiting && users->list[*at].cseq == cseq && a->cseq == cseq &&
	       slice_eq(a->call_id, buf_slice(&call_id));
}

static void on_message(void *ctx, struct slice message, int64_t now_us)
{
	struct run *r = ctx;
	const struct observer *observer = r->engine->observer;
	struct answer a;
	uint32_t at = 0;

	r->now = now_us;
	if (!answer_parse(message, (enum algorithm)options_of(r)->algorithm, &a)) {
		r->stats->malformed++;
		return;
	}
	if (a.status < 200)
		return;
	if (!match(r, &a, &at)) {
		r->stats->strays++;
		return;
	}
	if (observer != NULL && observer->answered != NULL)
		observer->answered(observer->ctx, &r->engine->users->list[at], at, &a, now_us);
	on_final(r, at, &a);
}

/* A connection was made anew: what stood unanswered on it goes out again, as it was. */
static void on_connected(void *ctx, unsigned socket)
{
	struct run *r = ctx;
	const struct users *users = r->engine->users;

	for (uint32_t at = users->waiting[0].head; at != USERS_NONE; at = users->list[at].next) {
		if (at % options_of(r)->sockets != socket)
			continue;
		r->stats->retransmissions++;
		put_on_wire(r, at);
	}
}

static int64_t time_to_wait(const struct run *r)
{
	uint32_t at = 0;
	int64_t until = users_next_due(r->engine->users, &at);

	if (r->plan->rate > 0 && may_start(r) && due_by_rate(r) < until)
		until = due_by_rate(r);
	if (until == INT64_MAX)
		until = r->now + SECOND_US;
	return until - now_us();
}

bool engine_run(struct engine *engine, const struct plan *plan, struct stats *stats)
{
	struct run r = {.engine = engine, .plan = plan, .stats = stats};
	bool going = true;

	assert(plan->count > 0 || plan->seconds > 0);
	*stats = (struct stats){0};
	r.events = (struct transport_events){&r, on_message, on_connected};
	r.now = now_us();
	stats->began_us = r.now;
	stats->ended_us = r.now;
	while (going && (may_start(&r) || r.outstanding > 0)) {
		r.now = now_us();
		resend_due(&r);
		if (plan->rate > 0)
			start_by_rate(&r);
		else
			start_by_window(&r);
		transport_flush(engine->transport);
		going = transport_wait(engine->transport, time_to_wait(&r), &r.events);
	}
	return going;
}
