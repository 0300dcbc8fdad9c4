/* The record of a NAP: loaded before a step of its machine, logged behind it. */
#include <assert.h>

#include "node/core/nap_desk.h"

struct nap_record *nap_load(struct node *n, const struct nap *p)
{
	struct nap_record *r = arena_take(&n->arena, sizeof *r);
	const struct copy_item *item = copy_get(n->copy, TABLE_NAP, nap_options(p)->name);

	if (r == NULL)
		return NULL;
	if (item != NULL && !copy_sound(TABLE_NAP, item)) { /* it is repaired before long */
		node_memory_fault(n, TABLE_NAP, item->key);
		return NULL;
	}
	if (item != NULL && nap_decode(arena_copy(&n->arena, item->value), &n->arena, r) == OK)
		return r;
	*r = (struct nap_record){.phase = NAP_IDLE, .since = pair_now(n)};
	return r;
}

static struct slice hex_text(struct node *n, size_t numbers)
{
	size_t room = numbers * BUF_HEX64;
	uint8_t *memory = arena_take(&n->arena, room);

	assert(memory != NULL); /* NAP_SCRATCH was asked for */
	struct buf to = buf_on(memory, room);
	for (size_t i = 0; i < numbers; i++)
		buf_hex64(&to, nap_random(n));
	return buf_slice(&to);
}

bool nap_identify(struct node *n, const struct nap *p, struct nap_record *r)
{
	const struct nap_options *o = nap_options(p);
	enum transport transport = o->transport != 0 ? o->transport : TRANSPORT_UDP;
	uint8_t *memory = arena_take(&n->arena, NAP_TEXT_MAX);

	assert(memory != NULL);
	struct buf contact = buf_on(memory, NAP_TEXT_MAX);
	if (!nap_contact(o, transport, &o->local, &contact))
		return false;
	r->call_id = hex_text(n, 2);
	r->from_tag = hex_text(n, 1);
	r->aor = o->address_to_register;
	r->contact = buf_slice(&contact);
	r->instance = o->outbound ? nap_random(n) | 1 : 0;
	r->reg_id = o->outbound ? 1 : 0;
	r->cseq = 1; /* the first REGISTER has a higher one */
	return true;
}

void nap_show(struct nap_shown *to, struct slice text)
{
	to->n = text.n < sizeof to->text ? text.n : sizeof to->text;
	if (to->n > 0)
		memcpy(to->text, text.p, to->n);
}

static void show_target(struct nap_shown *to, const struct nap_record *r)
{
	struct buf text = buf_on(to->text, sizeof to->text);

	if (r->transport != 0) {
		buf_str(&text, transport_name(r->transport));
		buf_byte(&text, ' ');
		addr_put(&text, &r->target);
	}
	to->n = text.n;
}

static void note(struct nap *p, const struct nap_record *r)
{
	p->phase = r->phase;
	p->since = r->since;
	p->until = r->until;
	p->record_due = r->due;
	p->available = r->available;
	p->available_since = r->available_since;
	p->granted_s = r->granted_s;
	p->attempts = r->attempts;
	p->last_status = r->last_status;
	nap_show(&p->why, r->why);
	nap_show(&p->reason, r->last_reason);
	show_target(&p->target, r);
}

void nap_note(struct node *n, struct nap *p)
{
	struct arena before = n->arena;
	const struct nap_record *r = nap_load(n, p);

	if (r != NULL) {
		const struct target used = {.addr = r->target, .transport = r->transport};
		note(p, r);
		p->told_off = r->phase == NAP_IDLE && r->call_id.n > 0;
		if (r->phase != NAP_IDLE)
			targets_take_over(&p->targets, &used);
	}
	n->arena = before;
}

void node_nap_noted(struct node *n, struct slice name)
{
	struct nap *p = nap_find(n, name);

	if (p == NULL || n->naps.writing)
		return;
	nap_note(n, p);
	if (!n->naps.running)
		return;
	/* A merge: what the other side sent may have come after what we did. */
	node_request_drop(n, OWNER_NAP_REGISTER, p->number);
	p->attempt = (struct nap_attempt){0};
	nap_look(n, p);
}

void node_nap_noted_all(struct node *n)
{
	for (size_t i = 0; i < n->naps.n; i++)
		nap_note(n, n->naps.at[i]);
}

static uint64_t log_it(struct node *n, struct nap *p, struct slice value)
{
	n->naps.writing = true;
	uint64_t seq =
		node_append(n, ENTRY_NAP, TABLE_NAP, nap_options(p)->name, value, PAIRTIME_NEVER);
	n->naps.writing = false;
	return seq;
}

/* Once, and again where the reason is another one. */
static void tell_failure(struct node *n, const struct nap *p, const struct nap_record *r)
{
	bool same =
		slice_eq((struct slice){p->why.text, p->why.n}, slice_head(r->why, NAP_SHOWN_MAX));

	if (r->phase != NAP_WAITING || r->why.n == 0 || (same && r->attempts > 1))
		return;
	node_say(n, WEIGHT_WARN, "nap=\"" SLICE_FMT "\" why=\"" SLICE_FMT "\" status=%u",
	         SLICE_ARG(nap_options(p)->name), SLICE_ARG(r->why), r->last_status);
}

uint64_t nap_store(struct node *n, struct nap *p, struct nap_record *r)
{
	uint8_t *memory = arena_take(&n->arena, RECORD_MAX);
	struct buf to = buf_on(memory, memory == NULL ? 0 : RECORD_MAX);

	assert(memory != NULL);
	r->epoch = n->reign.epoch;
	r->unit = n->options.unit;
	nap_encode(r, &to);
	tell_failure(n, p, r);
	note(p, r);
	nap_tell(n, p);
	return to.full ? n->last_seq : log_it(n, p, buf_slice(&to));
}

void nap_erase(struct node *n, struct nap *p)
{
	if (copy_get(n->copy, TABLE_NAP, nap_options(p)->name) != NULL)
		(void)log_it(n, p, (struct slice){NULL, 0});
}
