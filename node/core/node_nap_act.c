/* What a NAP's machines want is done: a record is logged, and what it speaks of leaves. */
#include <assert.h>

#include "node/core/nap_desk.h"

enum { MESSAGE_MAX = 16 * 1024, STEPS_MAX = 8 };

/* One step and those that follow, on their way. */
struct act {
	struct node *n;
	struct nap *p;
	struct nap_record *r;
	struct nap_output out;
	bool changed;
	struct slice message; /* n > 0: to be sent once the record is logged */
};

static struct nap_options sent_options(const struct act *a)
{
	struct nap_options o = *nap_options(a->p);

	o.gin = o.gin && !a->out.plain;
	return o;
}

/* As it is sent: without extensions where one was refused, and to where it was redirected. */
static struct nap_record sent_record(const struct act *a, const struct nap_options *o,
                                     struct buf *contact)
{
	struct nap_record r = *a->r;

	if (a->p->n_redirect > 0)
		r.registrar = (struct slice){a->p->redirect, a->p->n_redirect};
	if (!a->out.plain)
		return r;
	r.reg_id = 0;
	r.instance = 0;
	if (nap_contact(o, r.transport, &o->local, contact))
		r.contact = buf_slice(contact);
	return r;
}

/* The Contact is of the transport that is used; what is taken away is named as it was registered. */
static void name_way(struct act *a)
{
	struct nap *p = a->p;
	uint8_t *memory = arena_take(&a->n->arena, NAP_TEXT_MAX);

	assert(memory != NULL);
	struct buf contact = buf_on(memory, NAP_TEXT_MAX);
	a->r->target = p->used.addr;
	a->r->transport = p->used.transport;
	if (a->out.expires_s > 0 &&
	    nap_contact(nap_options(p), p->used.transport, &nap_options(p)->local, &contact))
		a->r->contact = buf_slice(&contact);
}

static bool write_register(struct act *a)
{
	struct node *n = a->n;
	struct nap_options o = sent_options(a);
	uint8_t *memory = arena_take(&n->arena, MESSAGE_MAX);
	uint8_t contact_room[NAP_TEXT_MAX];
	struct buf to = buf_on(memory, MESSAGE_MAX);
	struct buf contact = buf_on(contact_room, sizeof contact_room);
	struct nap_sending s = {.transport = a->p->used.transport,
	                        .local = o.local,
	                        .branch = nap_random(n),
	                        .expires_s = a->out.expires_s};

	assert(memory != NULL);
	name_way(a);
	struct nap_record r = sent_record(a, &o, &contact);
	bool written = nap_write_register(&o, &r, &s, server_digester(n->server), &to);
	a->message = written ? buf_slice(&to) : (struct slice){NULL, 0};
	return written;
}

static enum nap_aim aim(struct act *a, const struct nap_input *in)
{
	struct slice to = in->answer != NULL ? in->answer->redirect : (struct slice){NULL, 0};

	if (a->out.wish == NAP_AIM_REDIRECT && !nap_redirect(a->n, a->p, to))
		return AIM_FAILED;
	a->p->for_register = true;
	return nap_aim(a->n, a->p);
}

/* True: the machine takes another step, with `in`. */
static bool follow(struct act *a, struct nap_input *in)
{
	bool due = nap_client_due(a->r, &a->p->attempt).ms <= pair_now(a->n).ms;

	if (a->out.wish == NAP_SEND && !write_register(a)) {
		*in = (struct nap_input){.event = NAP_BROKEN, .why = SLICE("it cannot be written")};
		return true;
	}
	if (a->out.wish == NAP_SEND || (a->out.wish == NAP_NOTHING && !due))
		return false;
	enum nap_aim how = aim(a, in);
	if (how == AIM_PENDING)
		return false;
	a->p->for_register = false;
	*in = (struct nap_input){.event = how == AIM_READY ? NAP_READY : NAP_BROKEN,
	                         .why = nap_aim_why(a->p)};
	return true;
}

static void step(struct act *a, struct nap_input *in)
{
	struct node *n = a->n;
	const struct nap_client c = {nap_options(a->p), a->r, &a->p->attempt};

	in->wanted = nap_wanted(a->p);
	in->secondary = n->options.unit == UNIT_SECONDARY;
	in->random = nap_random(n);
	in->now = pair_now(n);
	in->restored = n->restored;
	nap_client_step(&c, in, &a->out);
	a->changed = a->changed || a->out.changed;
	if (!a->p->attempt.begun) /* the next one goes where it is configured */
		nap_redirect_end(a->p);
}

static void send_register(struct act *a, uint64_t seq)
{
	struct nap *p = a->p;
	struct request r = {.owner = OWNER_NAP_REGISTER,
	                    .id = p->number,
	                    .bytes = a->message,
	                    .flow = p->flow,
	                    .target = p->used.addr,
	                    .depends_on = seq,
	                    .timeout_ms = nap_options(p)->timeout_ms};

	if (node_request(a->n, &r)) {
		a->n->naps.registers_sent++;
		return;
	}
	p->attempt = (struct nap_attempt){.counts = true};
	p->due = mtime_add_ms(a->n->now, NAP_LATER_MS);
}

/* Idle: it is not to be registered, or not by this name any more. */
static void settle_idle(struct act *a)
{
	struct nap *p = a->p;

	if (a->r->phase != NAP_IDLE || p->told_off || a->r->call_id.n == 0)
		return;
	a->r->call_id = a->r->from_tag = (struct slice){NULL, 0};
	a->changed = true;
}

static void close(struct act *a)
{
	struct nap *p = a->p;

	settle_idle(a);
	p->due = p->for_register ? MTIME_NEVER : nap_mtime(a->n, nap_client_due(a->r, &p->attempt));
	uint64_t seq = a->changed ? nap_store(a->n, p, a->r) : 0;
	if (a->message.n > 0)
		send_register(a, seq);
	if (p->phase == NAP_IDLE && p->next != NULL)
		nap_take_next(a->n, p);
	nap_wake(a->n, p->leaving && p->phase == NAP_IDLE ? a->n->now : p->due);
}

static bool needs_identity(const struct act *a)
{
	return a->r->call_id.n == 0 || a->r->cseq >= NAP_CSEQ_END - 2 * NAP_CSEQ_STEP;
}

/* What an operator, or another configuration, wants of the record. */
static void prepare(struct act *a)
{
	struct nap *p = a->p;

	if (p->ask_anew && a->r->ask_s != 0) {
		a->r->ask_s = nap_options(p)->expires_s;
		a->changed = true;
	}
	if (p->soon && !p->attempt.begun)
		a->r->due = pair_now(a->n);
	p->soon = p->ask_anew = false;
}

/* Nothing can be done now. What was on its way is unknown then, and asked again. */
static void put_off(struct node *n, struct nap *p)
{
	p->attempt = (struct nap_attempt){.counts = p->attempt.counts};
	p->due = mtime_add_ms(n->now, NAP_LATER_MS);
	nap_wake(n, p->due);
}

void nap_act(struct node *n, struct nap *p, struct nap_input *in)
{
	struct act a = {.n = n, .p = p};
	bool room = node_has_room(n) && n->arena.room - n->arena.n >= NAP_SCRATCH / 2;

	a.r = room ? nap_load(n, p) : NULL;
	if (a.r == NULL) {
		put_off(n, p);
		return;
	}
	if (nap_wanted(p) && needs_identity(&a) && !nap_identify(n, p, a.r)) {
		nap_show(&p->why, SLICE("what is to be registered is no SIP URI"));
		put_off(n, p);
		return;
	}
	prepare(&a);
	for (int i = 0; i < STEPS_MAX; i++) {
		step(&a, in);
		if (!follow(&a, in))
			break;
	}
	close(&a);
}

/* --- what comes of requests --- */

static int64_t rests_ms(const struct node *n, const struct nap *p)
{
	struct mtime ready = targets_ready(&p->targets);

	return ready.ms == MTIME_NEVER.ms || ready.ms <= n->now.ms ? 0 : ready.ms - n->now.ms;
}

void nap_aimed(struct node *n, struct nap *p, enum nap_aim how, bool more, struct slice why)
{
	bool ready = how == AIM_READY;
	bool registers = p->for_register;
	struct nap_input in = {.event = ready ? NAP_READY : NAP_BROKEN,
	                       .why = why,
	                       .more_targets = more,
	                       .rests_ms = rests_ms(n, p)};

	if (how == AIM_PENDING)
		return;
	p->for_register = false;
	nap_wake(n, n->now); /* what waited for this way is due again */
	if (registers)
		nap_act(n, p, &in);
	if (p->aiming) /* another NAP by now, or on another way */
		return;
	bool goes = (ready || p->attempt.on_its_way) && nap_has_way(p);
	bool polls = p->for_poll, subscribes = p->for_reg;
	p->for_poll = p->for_reg = false;
	if (polls)
		nap_poll_act(n, p, (struct nap_poll_input){.event = goes ? POLL_READY : POLL_LOST});
	if (subscribes)
		nap_reg_aimed(n, p, goes);
}

static void registered_or_not(struct node *n, struct nap *p, const struct sip_msg *m,
                              enum request_end how)
{
	static const enum nap_event events[] = {[REQUEST_ANSWERED] = NAP_ANSWER,
	                                        [REQUEST_SILENT] = NAP_SILENCE,
	                                        [REQUEST_BROKEN] = NAP_BROKEN};
	const struct nap_record *r = nap_load(n, p);
	struct nap_answer *a = arena_take(&n->arena, sizeof *a);
	struct nap_input in = {.event = events[how], .answer = a, .why = SLICE("its stream broke")};

	assert(a != NULL);
	*a = (struct nap_answer){0};
	if (m != NULL && r != NULL) /* a damaged record is not known, so the step waits, too */
		nap_read_answer(m, nap_options(p), r, &n->arena, a);
	if (how == REQUEST_SILENT)
		nap_hang_up(n, p);
	if (m != NULL && a->status != 503) {
		targets_worked(&p->targets, &p->used);
	} else {
		in.more_targets =
			targets_failed(&p->targets, &p->used, nap_retry_after_ms(a), n->now);
		in.rests_ms = in.more_targets ? 0 : rests_ms(n, p);
	}
	nap_act(n, p, &in);
	if (m != NULL && m->status / 100 == 2)
		nap_reg_registered(n, p);
}

static void available_or_not(struct node *n, struct nap *p, const struct sip_msg *m,
                             enum request_end how)
{
	bool alone = !nap_wanted(p) && p->phase == NAP_IDLE;

	if (how == REQUEST_SILENT && !p->attempt.on_its_way)
		nap_hang_up(n, p);
	if (alone && m == NULL)
		(void)targets_failed(&p->targets, &p->used, 0, n->now);
	nap_poll_act(n, p,
	             (struct nap_poll_input){.event = m != NULL ? POLL_ANSWER : POLL_LOST,
	                                     .status = m != NULL ? m->status : 0});
}

void node_nap_outcome(struct node *n, enum request_owner owner, uint64_t number,
                      const struct sip_msg *answer, enum request_end how)
{
	struct nap *p = nap_by_number(n, number);

	if (p == NULL || !n->naps.running)
		return;
	if (owner == OWNER_NAP_REGISTER)
		registered_or_not(n, p, answer, how);
	else if (owner == OWNER_NAP_REG)
		nap_reg_outcome(n, p, answer);
	else
		available_or_not(n, p, answer, how);
}

/* --- polls --- */

static bool send_poll(struct node *n, struct nap *p)
{
	const struct nap_options *o = nap_options(p);
	uint8_t *memory = arena_take(&n->arena, MESSAGE_MAX);
	struct buf to = buf_on(memory, memory == NULL ? 0 : MESSAGE_MAX);
	struct nap_sending s = {
		.transport = p->used.transport, .local = o->local, .branch = nap_random(n)};

	if (!nap_write_options(o, &s, &to))
		return false;
	struct request r = {.owner = OWNER_NAP_POLL,
	                    .id = p->number,
	                    .bytes = buf_slice(&to),
	                    .flow = p->flow,
	                    .target = p->used.addr,
	                    .timeout_ms = o->poll_timeout_ms};
	bool sent = node_request(n, &r);
	n->naps.polls_sent += sent;
	return sent;
}

static void hear(struct node *n, struct nap *p, bool available)
{
	bool news = available != p->available || p->available_since.ms == 0;
	bool room = node_has_room(n) && n->arena.room - n->arena.n >= NAP_SCRATCH / 2;
	struct nap_record *r = news && room ? nap_load(n, p) : NULL;

	if (r == NULL) /* without room it is news next time, too */
		return;
	r->available = available;
	r->available_since = pair_now(n);
	(void)nap_store(n, p, r);
	node_say(n, available ? WEIGHT_NOTICE : WEIGHT_WARN, "nap=\"" SLICE_FMT "\" available=%s",
	         SLICE_ARG(nap_options(p)->name), available ? "yes" : "no");
}

void nap_poll_act(struct node *n, struct nap *p, struct nap_poll_input in)
{
	struct nap_poll_output out;

	in.now = n->now;
	nap_poll_step(&p->poll, nap_options(p), &in, &out);
	if (out.send && !send_poll(n, p)) {
		in.event = POLL_LOST;
		nap_poll_step(&p->poll, nap_options(p), &in, &out);
	}
	if (out.heard)
		hear(n, p, out.available);
	nap_wake(n, nap_poll_due(&p->poll));
}
