/* What an operator sees of the NAPs, and what he may tell them. */
#include "node/core/nap_desk.h"

static struct slice shown(const struct nap_shown *s)
{
	return (struct slice){s->text, s->n};
}

static bool is_registered(const struct nap *p, struct pairtime now)
{
	return p->until.ms > now.ms;
}

/* Polling decides where it is on; else the registration does; else it counts as there. */
static bool is_available(const struct nap *p, struct pairtime now)
{
	const struct nap_options *o = nap_options(p);

	if (o->polls)
		return p->available;
	return !o->registers || is_registered(p, now);
}

static int64_t next_ms(const struct node *n, const struct nap *p, struct mtime now)
{
	struct mtime next = mtime_min(p->due, nap_poll_due(&p->poll));

	if (!n->naps.running || next.ms == MTIME_NEVER.ms)
		return -1;
	return next.ms > now.ms ? next.ms - now.ms : 0;
}

bool node_nap_view(const struct node *n, size_t i, struct mtime now, struct nap_view *out)
{
	struct pairtime pair = node_pair_now(n, now);

	if (i >= n->naps.n)
		return false;
	const struct nap *p = n->naps.at[i];
	*out = (struct nap_view){
		.register_to_proxy = nap_options(p)->registers,
		.registered = is_registered(p, pair),
		.poll_remote_proxy = nap_options(p)->polls,
		.is_available = is_available(p, pair),
		.name = nap_options(p)->name,
		.target = shown(&p->target),
		.phase = p->phase,
		.why = shown(&p->why),
		.since_ms = p->since.ms == 0 ? 0 : pair.ms - p->since.ms,
		.granted_s = p->granted_s,
		.next_ms = next_ms(n, p, now),
		.last_status = p->last_status,
		.last_reason = shown(&p->reason),
		.attempts = p->attempts,
	};
	return true;
}

void node_nap_status(const struct node *n, struct mtime now, struct status *s)
{
	struct pairtime pair = node_pair_now(n, now);

	s->naps = n->naps.n;
	for (size_t i = 0; i < n->naps.n; i++) {
		const struct nap *p = n->naps.at[i];
		s->naps_registered += is_registered(p, pair);
		s->naps_available += is_available(p, pair);
		s->naps_waiting += p->phase == NAP_WAITING;
	}
	s->nap_registers_sent = n->naps.registers_sent;
	s->nap_polls_sent = n->naps.polls_sent;
}

/* --- commands --- */

static const char *register_now(struct node *n, struct nap *p)
{
	if (!nap_options(p)->registers || nap_options(p)->proxy.n == 0 || p->leaving)
		return "it is not configured to register (register_to_proxy)";
	p->told_off = false;
	p->soon = true;
	nap_look(n, p);
	return NULL;
}

static const char *unregister(struct node *n, struct nap *p)
{
	if (!nap_wanted(p))
		return "it is not to be registered";
	p->told_off = true;
	nap_look(n, p);
	return NULL;
}

static const char *poll_now(struct node *n, struct nap *p)
{
	if (nap_poll_due(&p->poll).ms == MTIME_NEVER.ms)
		return p->poll.state == POLL_OFF ? "it is not polled (poll_remote_proxy)"
		                                 : "a poll is on its way";
	nap_poll_act(n, p, (struct nap_poll_input){.event = POLL_NOW});
	return NULL;
}

void node_nap_command(struct node *n, const struct node_command *c)
{
	struct nap *p = nap_find(n, c->key);
	const char *refusal;

	if (p == NULL)
		refusal = "there is no NAP of that name: see `regpairctl nap list`";
	else if (c->kind == COMMAND_NAP_REGISTER)
		refusal = register_now(n, p);
	else if (c->kind == COMMAND_NAP_UNREGISTER)
		refusal = unregister(n, p);
	else
		refusal = poll_now(n, p);
	node_answer(n, c->ticket, refusal == NULL, refusal == NULL ? "done" : refusal);
}
