/* Which NAPs there are: what is configured, and what a record is left of. */
#include <assert.h>

#include "node/core/nap_desk.h"
#include "proto/sip/uri.h"

/* The first whose name is not before this one. */
static size_t place_of(const struct node *n, struct slice name)
{
	size_t low = 0, high = n->naps.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (slice_cmp(nap_options(n->naps.at[middle])->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct nap *nap_find(const struct node *n, struct slice name)
{
	size_t at = place_of(n, name);

	if (at == n->naps.n || !slice_eq(nap_options(n->naps.at[at])->name, name))
		return NULL;
	return n->naps.at[at];
}

struct nap *nap_by_ticket(const struct node *n, uint64_t ticket)
{
	for (size_t i = 0; i < n->naps.n; i++)
		if (n->naps.at[i]->aiming && n->naps.at[i]->ticket == ticket)
			return n->naps.at[i];
	return NULL;
}

struct nap *nap_by_number(const struct node *n, uint64_t number)
{
	for (size_t i = 0; i < n->naps.n; i++)
		if (n->naps.at[i]->number == number)
			return n->naps.at[i];
	return NULL;
}

/* --- a configuration of one's own --- */

enum { TEXTS = 6 };

static void texts_of(struct nap_options *o, struct slice *out[TEXTS])
{
	out[0] = &o->name;
	out[1] = &o->proxy;
	out[2] = &o->address_to_register;
	out[3] = &o->user;
	out[4] = &o->password;
	out[5] = &o->realm;
}

static struct nap_config *config_new(struct node *n, const struct nap_options *o)
{
	struct nap_options copy = *o;
	struct slice *text[TEXTS];
	size_t size = 0;

	texts_of(&copy, text);
	for (size_t i = 0; i < TEXTS; i++)
		size += text[i]->n;
	struct nap_config *c = alloc_take(&n->options.alloc, sizeof *c + size);
	struct buf to = buf_on(c->memory, size);
	for (size_t i = 0; i < TEXTS; i++) {
		const uint8_t *at = c->memory + to.n;
		buf_put(&to, *text[i]);
		text[i]->p = at;
	}
	c->options = copy;
	return c;
}

/* What the provider would take for another binding. */
static bool same_binding(const struct nap_options *a, const struct nap_options *b)
{
	return a->registers == b->registers && a->gin == b->gin && a->outbound == b->outbound &&
	       a->transport == b->transport && addr_eq(&a->local, &b->local) &&
	       slice_eq(a->proxy, b->proxy) &&
	       slice_eq(a->address_to_register, b->address_to_register);
}

static bool same_way(const struct nap_options *a, const struct nap_options *b)
{
	return slice_eq(a->user, b->user) && slice_eq(a->password, b->password) &&
	       slice_eq(a->realm, b->realm) && a->ignore_realm == b->ignore_realm &&
	       a->reuse_challenge == b->reuse_challenge && a->reg_event == b->reg_event &&
	       a->expires_s == b->expires_s && a->refresh_percent == b->refresh_percent &&
	       a->retry_ms == b->retry_ms && a->retry_max_ms == b->retry_max_ms &&
	       a->timeout_ms == b->timeout_ms;
}

static bool same_poll(const struct nap_options *a, const struct nap_options *b)
{
	return a->polls == b->polls && a->poll_first_ms == b->poll_first_ms &&
	       a->poll_interval_ms == b->poll_interval_ms &&
	       a->poll_timeout_ms == b->poll_timeout_ms &&
	       a->poll_max_forwards == b->poll_max_forwards &&
	       a->any_response_is_available == b->any_response_is_available &&
	       slice_eq(a->proxy, b->proxy) && a->transport == b->transport;
}

/* --- the list --- */

static void make_room(struct node *n)
{
	struct nap_watch *w = &n->naps;
	size_t room = w->room == 0 ? 16 : 2 * w->room;

	if (w->n < w->room)
		return;
	struct nap **more = alloc_take(&n->options.alloc, room * sizeof(struct nap *));
	if (w->n > 0)
		memcpy(more, w->at, w->n * sizeof(struct nap *));
	alloc_give(&n->options.alloc, w->at);
	w->at = more;
	w->room = room;
}

static struct nap *add(struct node *n, const struct nap_options *o)
{
	struct nap_watch *w = &n->naps;
	size_t at = place_of(n, o->name);
	struct nap *p = alloc_take(&n->options.alloc, sizeof *p);

	make_room(n);
	memmove(w->at + at + 1, w->at + at, (w->n - at) * sizeof(struct nap *));
	w->at[at] = p;
	w->n++;
	*p = (struct nap){.number = ++w->numbers,
	                  .config = config_new(n, o),
	                  .due = MTIME_NEVER,
	                  .phase = NAP_IDLE};
	nap_begin(n, p);
	return p;
}

static void forget(struct node *n, struct nap *p)
{
	const struct alloc *alloc = &n->options.alloc;

	nap_hang_up(n, p);
	node_request_drop(n, OWNER_NAP_REGISTER, p->number);
	node_request_drop(n, OWNER_NAP_POLL, p->number);
	nap_reg_end(n, p);
	alloc_give(alloc, p->config);
	alloc_give(alloc, p->next);
	alloc_give(alloc, p);
}

void nap_drop(struct node *n, struct nap *p)
{
	struct nap_watch *w = &n->naps;
	size_t at = place_of(n, nap_options(p)->name);

	assert(at < w->n && w->at[at] == p);
	forget(n, p);
	w->n--;
	memmove(w->at + at, w->at + at + 1, (w->n - at) * sizeof(struct nap *));
}

void node_nap_free(struct node *n)
{
	for (size_t i = 0; i < n->naps.n; i++)
		forget(n, n->naps.at[i]);
	alloc_give(&n->options.alloc, n->naps.at);
	n->naps.at = NULL;
	n->naps.n = n->naps.room = 0;
}

static void replace(struct node *n, struct nap_config **where, const struct nap_options *o)
{
	alloc_give(&n->options.alloc, *where);
	*where = o == NULL ? NULL : config_new(n, o);
}

void nap_take_next(struct node *n, struct nap *p)
{
	alloc_give(&n->options.alloc, p->config);
	p->config = p->next;
	p->next = NULL;
	nap_hang_up(n, p);
	p->targets = (struct targets){0};
	nap_begin(n, p);
}

/* One that was there before. What is bound and would be another binding is taken away first. */
static void renew(struct node *n, struct nap *p, const struct nap_options *o)
{
	const struct nap_options *is = nap_options(p);
	bool polls_alike = same_poll(is, o), in_use = n->naps.running && p->phase != NAP_IDLE;

	p->leaving = false;
	replace(n, &p->next, NULL);
	if (!same_binding(is, o) && in_use) {
		p->next = config_new(n, o);
	} else if (!same_binding(is, o)) {
		p->next = config_new(n, o);
		nap_take_next(n, p);
	} else if (!same_way(is, o) || !polls_alike) {
		bool tries = p->phase == NAP_WAITING && !same_way(is, o);
		p->ask_anew = is->expires_s != o->expires_s;
		replace(n, &p->config, o);
		p->soon = p->soon || tries;
	}
	bool unpolled = n->naps.running && p->poll.state == POLL_OFF;
	if ((!polls_alike || unpolled) && p->next == NULL)
		nap_poll_act(n, p, (struct nap_poll_input){.event = POLL_BEGIN, .now = n->now});
	p->told_off = false; /* whatever its record says */
	nap_look(n, p);
}

void node_on_naps(struct node *n, const struct node_input *in)
{
	struct nap_watch *w = &n->naps;

	for (size_t i = 0; i < w->n; i++)
		w->at[i]->leaving = true;
	for (size_t i = 0; i < in->naps.n; i++) {
		const struct nap_options *o = &in->naps.at[i];
		struct nap *p = nap_find(n, o->name);
		if (p == NULL)
			(void)add(n, o);
		else
			renew(n, p, o);
	}
	for (size_t i = w->n; i-- > 0;) {
		if (!w->at[i]->leaving)
			continue;
		w->at[i]->poll = (struct nap_poll){0};
		if (w->running)
			nap_look(n, w->at[i]);
		else
			nap_drop(n, w->at[i]);
	}
}

/* What took this record's binding: its own target, and the address that its Contact names. */
static struct nap_options options_of(const struct nap_record *r, struct buf *proxy)
{
	struct nap_options o = {.timeout_ms = REQUEST_TIMEOUT_MS};
	struct sip_uri contact;

	if (r->transport == 0 || sip_uri_parse(r->contact, &contact) != OK ||
	    !addr_parse(contact.host, &o.local))
		return o;
	o.local.port = contact.port;
	o.transport = r->transport;
	addr_put(proxy, &r->target);
	o.proxy = buf_slice(proxy);
	return o;
}

static bool fits(const struct nap_options *o, const struct nap_record *r)
{
	uint8_t room[NAP_TEXT_MAX];
	struct buf contact = buf_on(room, sizeof room);
	enum transport transport = o->transport != 0 ? o->transport : r->transport;

	if (r->phase == NAP_IDLE || !o->registers)
		return true;
	if (!slice_eq(o->address_to_register, r->aor))
		return false;
	return r->transport == 0 || (nap_contact(o, transport, &o->local, &contact) &&
	                             slice_eq(buf_slice(&contact), r->contact));
}

void nap_fit(struct node *n, struct nap *p)
{
	struct arena before = n->arena;
	const struct nap_record *r = nap_load(n, p);
	uint8_t room[ADDR_TEXT_MAX];
	struct buf proxy = buf_on(room, sizeof room);

	if (r != NULL && !p->leaving && p->next == NULL && !fits(nap_options(p), r)) {
		const struct nap_options *is = nap_options(p);
		struct nap_options o = options_of(r, &proxy);
		o.name = is->name;
		o.user = is->user;
		o.password = is->password;
		o.realm = is->realm;
		o.ignore_realm = is->ignore_realm;
		p->next = p->config;
		p->config = config_new(n, &o);
	}
	n->arena = before;
}

/* Of a configuration that is gone: it is taken away where it was, without credentials. */
static void add_orphan(struct node *n, const struct copy_item *item)
{
	uint8_t room[ADDR_TEXT_MAX];
	struct buf proxy = buf_on(room, sizeof room);
	struct arena before = n->arena;
	struct nap_record *r = arena_take(&n->arena, sizeof *r);
	struct nap_options o = {0};

	if (r != NULL && nap_decode(item->value, &n->arena, r) == OK)
		o = options_of(r, &proxy);
	o.name = item->key;
	add(n, &o)->leaving = true;
	n->arena = before;
}

void nap_orphans(struct node *n)
{
	struct copy_cursor cursor = {0};
	const struct copy_item *item;

	while ((item = copy_walk(n->copy, TABLE_NAP, &cursor)) != NULL)
		if (nap_find(n, item->key) == NULL && n->naps.n < 2 * (size_t)NAPS_MAX)
			add_orphan(n, item);
}
