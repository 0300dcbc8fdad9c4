/* The meaning of what a NAP answers to a REGISTER: the reading half of nap_message.h. */
#include "node/core/nap_message.h"
#include "proto/sip/header.h"

enum {
	REASON_MAX = 128, /* for people */
	SECONDS_MAX = INT32_MAX,
};

/* --- headers --- */

/* Too many are the most there are (C32). */
static uint32_t seconds_or(struct slice text, uint32_t otherwise)
{
	uint32_t s = 0;
	enum err err = number_read(text, &s);

	if (err == ERR_TOO_BIG || s > SECONDS_MAX)
		return SECONDS_MAX;
	return err == OK ? s : otherwise;
}

/* As it may be kept; too long a text means nothing any more when it is cut. */
static struct slice kept(struct slice text, struct arena *arena)
{
	return text.n > NAP_TEXT_MAX ? (struct slice){NULL, 0} : header_unfolded(text, arena);
}

/* The next element of all lines of a list. */
struct walk {
	const struct sip_msg *m;
	const struct sip_header *h;
	struct slice rest;
};

static struct walk walk_of(const struct sip_msg *m, enum sip_header_id id)
{
	struct walk w = {.m = m, .h = sip_find(m, id)};

	if (w.h != NULL)
		w.rest = w.h->value;
	return w;
}

static bool walk_next(struct walk *w, struct slice *element)
{
	while (w->h != NULL) {
		if (list_next(&w->rest, element))
			return true;
		w->h = sip_find_next(w->m, w->h);
		if (w->h != NULL)
			w->rest = w->h->value;
	}
	return false;
}

/* The whole list as one text. */
static struct slice joined(const struct sip_msg *m, enum sip_header_id id, struct arena *arena)
{
	uint8_t *memory = arena_take(arena, NAP_TEXT_MAX);
	struct buf to = buf_on(memory, memory == NULL ? 0 : NAP_TEXT_MAX);
	struct walk w = walk_of(m, id);
	struct slice element;

	while (walk_next(&w, &element)) {
		if (to.n > 0)
			buf_str(&to, ", ");
		buf_put(&to, header_unfolded(element, arena));
	}
	return to.full ? (struct slice){NULL, 0} : buf_slice(&to);
}

/* --- 2xx --- */

/* The Contacts of an answer, as far as they are ours to look at. */
struct listed {
	struct sip_contact own;
	bool found, by_instance;
	size_t n;
	struct sip_contact first;
};

static bool is_our_instance(const struct sip_contact *c, const struct nap_record *r)
{
	uint8_t room[64];
	struct buf ours = buf_on(room, sizeof room);

	if (r->instance == 0)
		return false;
	nap_put_instance(&ours, r->instance);
	return slice_eq_nocase(c->instance, buf_slice(&ours)) && c->reg_id == r->reg_id;
}

static bool is_our_uri(const struct sip_contact *c, const struct nap_record *r)
{
	struct sip_uri theirs, ours;

	return sip_uri_parse(c->addr.uri, &theirs) == OK &&
	       sip_uri_parse(r->contact, &ours) == OK && sip_uri_eq(&theirs, &ours);
}

/* C29: the instance says more than the URI. */
static void look_at(struct listed *l, const struct sip_contact *c, const struct nap_record *r)
{
	bool by_instance = is_our_instance(c, r);

	if (l->n++ == 0)
		l->first = *c;
	if (by_instance ? l->by_instance : l->found || !is_our_uri(c, r))
		return;
	l->own = *c;
	l->found = true;
	l->by_instance = by_instance;
}

static struct listed list_contacts(const struct sip_msg *m, const struct nap_record *r)
{
	struct walk w = walk_of(m, HEADER_CONTACT);
	struct listed l = {.n = 0};
	struct slice element;
	struct sip_contact c;

	while (walk_next(&w, &element))
		if (contact_read(element, &c) == OK && !c.star)
			look_at(&l, &c, r);
	return l;
}

/* C24-C26, C31, C32 */
static uint32_t granted_to(const struct sip_msg *m, const struct listed *l, uint32_t asked_s,
                           bool *said)
{
	const struct sip_header *expires = sip_find(m, HEADER_EXPIRES);
	struct slice value;

	*said = true;
	if (l->found && param_find(l->own.addr.params, "expires", &value))
		return seconds_or(value, asked_s);
	if (expires != NULL)
		return seconds_or(expires->value, asked_s);
	*said = false;
	return asked_s;
}

static struct slice param_kept(const struct sip_contact *c, const char *name, struct arena *arena)
{
	struct slice value = {NULL, 0};

	if (!param_find(c->addr.params, name, &value))
		return value;
	if (value.n > 1 && value.p[0] == '"')
		value = (struct slice){value.p + 1, value.n - 2};
	return kept(value, arena);
}

/* Part of a route is no route: all, or none. */
static void read_routes(const struct sip_msg *m, struct arena *arena, struct nap_answer *out)
{
	struct walk w = walk_of(m, HEADER_SERVICE_ROUTE);
	struct slice element;

	while (walk_next(&w, &element)) {
		struct slice route = kept(element, arena);

		if (out->n_routes == NAP_ROUTES_MAX || route.n == 0) {
			out->n_routes = 0;
			return;
		}
		out->service_route[out->n_routes++] = route;
	}
}

/* C33 */
static void read_extras(const struct sip_msg *m, const struct listed *l, struct arena *arena,
                        struct nap_answer *out)
{
	read_routes(m, arena, out);
	out->path = joined(m, HEADER_PATH, arena);
	if (l->found) {
		out->gruu_pub = param_kept(&l->own, "pub-gruu", arena);
		out->gruu_temp = param_kept(&l->own, "temp-gruu", arena);
	}
}

/* C27-C31: what counts as our Contact, if it is not there by its URI or instance. */
static void find_own(struct listed *l, struct nap_answer *out)
{
	if (l->found || l->n == 0)
		return;
	out->rewritten = l->n == 1;
	out->listed_without_us = l->n > 1;
	l->found = out->rewritten;
	l->own = l->first;
}

static void read_success(const struct sip_msg *m, const struct nap_record *r, struct arena *arena,
                         struct nap_answer *out)
{
	struct listed l = list_contacts(m, r);
	bool said;

	if (r->phase == NAP_UNREGISTERING) { /* only what names us speaks of us */
		out->bound = l.found && granted_to(m, &l, 1, &said) > 0;
		out->granted_s = out->bound ? granted_to(m, &l, 1, &said) : 0;
		return;
	}
	find_own(&l, out);
	uint32_t granted = granted_to(m, &l, r->ask_s, &said);

	out->bound = !out->listed_without_us && granted > 0;
	out->assumed = out->bound && l.n == 0 && !said;
	if (!out->bound)
		return;
	out->granted_s = granted < r->ask_s || r->ask_s == 0 ? granted : r->ask_s;
	read_extras(m, &l, arena, out);
}

/* --- 401, 407 --- */

static size_t read_challenges(const struct sip_msg *m, struct sip_challenge *all)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_headers && n < CHALLENGES_READ_MAX; i++) {
		const struct sip_header *h = &m->headers[i];
		bool proxy = h->id == HEADER_PROXY_AUTHENTICATE;

		if (!proxy && h->id != HEADER_WWW_AUTHENTICATE)
			continue;
		if (challenge_read(h->value, &all[n]) == OK)
			all[n++].proxy = proxy;
	}
	return n;
}

static const struct nap_challenge *of_same_realm(const struct nap_record *r,
                                                 const struct sip_challenge *c)
{
	for (size_t i = 0; i < r->n_challenges; i++)
		if (challenge_same_realm(&r->challenges[i].asked, c))
			return &r->challenges[i];
	return NULL;
}

static bool was_answered(const struct nap_record *r, const struct sip_challenge *c)
{
	const struct nap_challenge *old = of_same_realm(r, c);

	return old != NULL && old->cseq == r->cseq && slice_eq(old->asked.nonce, c->nonce);
}

static void read_refusal(const struct sip_msg *m, const struct nap_options *o,
                         const struct nap_record *r, struct nap_answer *out)
{
	const struct challenge_wish wish = {o->realm, o->ignore_realm};
	struct sip_challenge all[CHALLENGES_READ_MAX];
	size_t n = o->password.n > 0 ? read_challenges(m, all) : 0;

	out->n_challenges = challenge_choose(all, n, &wish, out->challenges, NAP_CHALLENGES_MAX);
	out->same_nonce = out->n_challenges > 0;
	for (size_t i = 0; i < out->n_challenges; i++) {
		const struct sip_challenge *c = &out->challenges[i];

		out->stale = out->stale || c->stale;
		out->same_nonce = out->same_nonce && !c->stale && was_answered(r, c);
	}
}

/* The same nonce once more: it is counted on. */
static struct nap_challenge kept_of(const struct nap_record *r, const struct sip_challenge *c)
{
	const struct nap_challenge *old = of_same_realm(r, c);
	struct nap_challenge fresh = {.asked = *c, .due = true};

	if (old != NULL && slice_eq(old->asked.nonce, c->nonce)) {
		fresh.nc = old->nc;
		fresh.cnonce = old->cnonce;
	}
	return fresh;
}

static bool gives_way(const struct nap_challenge *old, const struct nap_answer *a)
{
	for (size_t i = 0; i < a->n_challenges; i++)
		if (challenge_same_realm(&old->asked, &a->challenges[i]))
			return true;
	return false;
}

void nap_take_challenges(struct nap_record *r, const struct nap_answer *a)
{
	struct nap_challenge all[NAP_CHALLENGES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < a->n_challenges; i++)
		all[n++] = kept_of(r, &a->challenges[i]);
	for (size_t i = 0; i < r->n_challenges && n < NAP_CHALLENGES_MAX; i++) {
		if (gives_way(&r->challenges[i], a))
			continue;
		all[n] = r->challenges[i];
		all[n].due = all[n].cseq == r->cseq;
		n++;
	}
	memcpy(r->challenges, all, n * sizeof *all);
	r->n_challenges = n;
}

/* --- 301, 302 --- */

/* RFC 3261 10.2: a registrar's URI has no user; what a Contact says of headers and method is not for us. */
static struct slice registrar_of(const struct sip_uri *u, struct arena *arena)
{
	uint8_t *memory = arena_take(arena, NAP_TEXT_MAX);
	struct buf to = buf_on(memory, memory == NULL ? 0 : NAP_TEXT_MAX);
	struct slice transport;

	buf_str(&to, u->scheme == URI_SIPS ? "sips:" : "sip:");
	buf_put(&to, u->host);
	if (u->port != 0) {
		buf_byte(&to, ':');
		buf_u64(&to, u->port);
	}
	if (sip_uri_param(u, "transport", &transport) && transport.n > 0) {
		buf_str(&to, ";transport=");
		buf_put(&to, transport);
	}
	return to.full ? (struct slice){NULL, 0} : buf_slice(&to);
}

/* Not to where it was asked, and never from sips to sip (C19, C20). */
static bool is_elsewhere(struct slice target, const struct nap_record *r)
{
	uint8_t room[NAP_TEXT_MAX];
	struct buf here = buf_on(room, sizeof room);
	struct sip_uri to, from;

	if (!nap_registrar(r, &here) || sip_uri_parse(buf_slice(&here), &from) != OK ||
	    sip_uri_parse(target, &to) != OK)
		return false;
	return !sip_uri_eq(&to, &from) && (from.scheme != URI_SIPS || to.scheme == URI_SIPS);
}

static struct slice redirect_of(const struct sip_msg *m, const struct nap_record *r,
                                struct arena *arena)
{
	struct walk w = walk_of(m, HEADER_CONTACT);
	struct slice element;
	struct sip_contact c;
	struct sip_uri u;

	while (walk_next(&w, &element)) {
		if (contact_read(element, &c) != OK || c.star ||
		    sip_uri_parse(c.addr.uri, &u) != OK || u.host.n == 0)
			continue;
		struct slice target = registrar_of(&u, arena);
		if (is_elsewhere(target, r))
			return target;
	}
	return (struct slice){NULL, 0};
}

/* --- all --- */

static void read_pauses(const struct sip_msg *m, struct nap_answer *out)
{
	const struct sip_header *brief = sip_find(m, HEADER_MIN_EXPIRES);
	const struct sip_header *later = sip_find(m, HEADER_RETRY_AFTER);

	if (brief != NULL)
		out->min_expires_s = seconds_or(brief->value, 0);
	if (later != NULL)
		out->has_retry_after = retry_after_read(later->value, &out->retry_after_s) == OK;
}

void nap_read_answer(const struct sip_msg *m, const struct nap_options *o,
                     const struct nap_record *r, struct arena *arena, struct nap_answer *out)
{
	*out = (struct nap_answer){
		.status = m->status,
		.reason = slice_head(m->reason, REASON_MAX),
	};
	read_pauses(m, out);
	if (m->status / 100 == 2)
		read_success(m, r, arena, out);
	else if (m->status == 401 || m->status == 407)
		read_refusal(m, o, r, out);
	else if (m->status == 301 || m->status == 302)
		out->redirect = redirect_of(m, r, arena);
	else if (m->status == 420)
		out->unsupported = joined(m, HEADER_UNSUPPORTED, arena);
}
