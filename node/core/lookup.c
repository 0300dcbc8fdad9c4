#include "node/core/lookup.h"

#include <assert.h>

enum {
	PORT_PLAIN = 5060,
	PORT_TLS = 5061,
	FAILURES_MAX = 2, /* of the questions about addresses: then what was found must do */
};

static const struct kind {
	const char *service; /* as a NAPTR has it */
	const char *prefix;  /* as an SRV has it */
} kinds[] = {
	[TRANSPORT_UDP] = {"SIP+D2U", "_sip._udp."},
	[TRANSPORT_TCP] = {"SIP+D2T", "_sip._tcp."},
	[TRANSPORT_TLS] = {"SIPS+D2T", "_sips._tcp."},
};

static struct slice text_of(const struct target_name *n)
{
	return (struct slice){n->text, n->n};
}

static bool name_set(struct target_name *n, struct slice prefix, struct slice name)
{
	struct buf b = buf_on(n->text, sizeof n->text);

	buf_put(&b, prefix);
	buf_put(&b, name);
	n->n = (uint8_t)b.n;
	return !b.full && name.n > 0;
}

static bool is_root(struct slice name)
{
	return name.n == 0 || slice_eq(name, SLICE("."));
}

bool target_goal_read(struct slice proxy, struct target_goal *goal)
{
	struct addr a;

	goal->host = proxy;
	goal->port = 0;
	if (addr_parse(proxy, &a)) {
		const uint8_t *close = memchr(proxy.p, ']', proxy.n);
		const uint8_t *colon = memchr(proxy.p, ':', proxy.n);
		goal->port = a.port;
		if (close != NULL)
			goal->host.n = (size_t)(close + 1 - proxy.p);
		else if (a.port != 0)
			goal->host.n = (size_t)(colon - proxy.p);
		return true;
	}
	const uint8_t *colon = proxy.n == 0 ? NULL : memchr(proxy.p, ':', proxy.n);
	if (colon == NULL)
		return proxy.n > 0 && proxy.n <= TARGET_HOST_MAX;
	goal->host.n = (size_t)(colon - proxy.p);
	uint32_t port = 0;
	for (const uint8_t *p = colon + 1; p < proxy.p + proxy.n; p++) {
		if (*p < '0' || *p > '9' || port > UINT16_MAX)
			return false;
		port = port * 10 + (uint32_t)(*p - '0');
	}
	goal->port = (uint16_t)port;
	return goal->host.n > 0 && goal->host.n <= TARGET_HOST_MAX && port > 0 &&
	       port <= UINT16_MAX;
}

/* splitmix64: one random number becomes as many as there are choices. */
static uint64_t draw(uint64_t *x)
{
	uint64_t z = *x += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void end(struct lookup *l, enum lookup_outcome outcome)
{
	l->step = LOOKUP_DONE;
	l->outcome = outcome == LOOKUP_NOTHING && l->n_found > 0 ? LOOKUP_FOUND : outcome;
}

/* --- places: a name or an SRV target, and its addresses --- */

static void ask_place(struct lookup *l)
{
	l->step = l->family == ADDR_IPV6 ? LOOKUP_AAAA : LOOKUP_A;
}

static void ask_host(struct lookup *l, uint16_t port, enum transport t)
{
	uint16_t usual = t == TRANSPORT_TLS ? PORT_TLS : PORT_PLAIN;

	l->transport = t;
	l->places[0] = (struct target_place){.port = port != 0 ? port : usual, .name = l->host};
	l->n_places = 1;
	l->place = 0;
	ask_place(l);
}

static enum transport transport_of(const struct lookup *l)
{
	return l->secure ? TRANSPORT_TLS : l->given != 0 ? l->given : TRANSPORT_UDP;
}

/* The service that was asked about gave nothing. */
static void next_service(struct lookup *l)
{
	if (++l->service < l->n_services)
		l->step = LOOKUP_SRV;
	else if (l->offered)
		end(l, LOOKUP_NOTHING);
	else
		ask_host(l, 0, transport_of(l));
}

static void next_place(struct lookup *l)
{
	if (l->n_found == TARGETS_MAX)
		end(l, LOOKUP_FOUND);
	else if (++l->place < l->n_places)
		ask_place(l);
	else if (l->n_found == 0 && l->failures == 0 && l->offered)
		next_service(l);
	else
		end(l, l->failures > 0 ? LOOKUP_FAILED : LOOKUP_NOTHING);
}

static void add_found(struct lookup *l, const struct dns_record *r)
{
	const struct target_place *p = &l->places[l->place];

	if (l->n_found == TARGETS_MAX || r->addr.family == ADDR_NONE)
		return;
	struct target *t = &l->found[l->n_found++];
	*t = (struct target){.addr = r->addr, .transport = l->transport, .priority = p->priority};
	t->addr.port = p->port;
}

static void take_addresses(struct lookup *l, const struct dns_answer *a)
{
	if (a->outcome == DNS_FAILED && ++l->failures == FAILURES_MAX) {
		end(l, LOOKUP_FAILED);
		return;
	}
	for (size_t i = 0; i < a->n; i++)
		add_found(l, &a->records[i]);
	if (l->step == LOOKUP_A && l->family == ADDR_NONE)
		l->step = LOOKUP_AAAA;
	else
		next_place(l);
}

/* --- SRV: RFC 2782 --- */

static bool before(const struct target_place *a, const struct target_place *b)
{
	return a->priority != b->priority ? a->priority < b->priority : a->weight < b->weight;
}

/* Sorted by priority, small weights first; too many: the last ones are left out. */
static void add_place(struct lookup *l, const struct dns_record *r)
{
	struct target_place p = {.priority = r->priority, .weight = r->weight, .port = r->port};
	size_t at = l->n_places;

	if (is_root(r->name) || r->port == 0 || !name_set(&p.name, (struct slice){0}, r->name))
		return;
	while (at > 0 && before(&p, &l->places[at - 1]))
		at--;
	if (at == TARGETS_MAX)
		return;
	l->n_places += l->n_places < TARGETS_MAX;
	memmove(&l->places[at + 1], &l->places[at], (l->n_places - at - 1) * sizeof p);
	l->places[at] = p;
}

/* Which of the places [at, end) of one priority is next: by the running sum of their weights. */
static size_t draw_place(struct lookup *l, size_t at, size_t end_at)
{
	uint64_t sum = 0;
	size_t i = at;

	for (size_t k = at; k < end_at; k++)
		sum += l->places[k].weight;
	if (sum == 0)
		return at + draw(&l->random) % (end_at - at);
	uint64_t left = draw(&l->random) % (sum + 1);
	while (left > l->places[i].weight)
		left -= l->places[i++].weight;
	return i;
}

static void order_places(struct lookup *l)
{
	for (size_t at = 0; at < l->n_places; at++) {
		size_t end_at = at + 1;
		while (end_at < l->n_places && l->places[end_at].priority == l->places[at].priority)
			end_at++;
		size_t next = draw_place(l, at, end_at);
		struct target_place p = l->places[next];
		memmove(&l->places[at + 1], &l->places[at], (next - at) * sizeof p);
		l->places[at] = p;
	}
}

static void take_srv(struct lookup *l, const struct dns_answer *a)
{
	if (a->outcome == DNS_FAILED) {
		end(l, LOOKUP_FAILED);
		return;
	}
	l->offered = l->offered || a->n > 0; /* a root as target says: decidedly not here */
	l->n_places = 0;
	l->place = 0;
	for (size_t i = 0; i < a->n; i++)
		add_place(l, &a->records[i]);
	if (l->n_places == 0) {
		next_service(l);
		return;
	}
	order_places(l);
	l->transport = l->services[l->service].transport;
	ask_place(l);
}

/* --- NAPTR: which service --- */

static void add_service(struct lookup *l, enum transport t)
{
	struct target_service *s = &l->services[l->n_services];

	s->transport = t;
	l->n_services += name_set(&s->name, slice_str(kinds[t].prefix), text_of(&l->host));
}

static void ask_services(struct lookup *l)
{
	if (l->secure || l->given != 0) {
		add_service(l, transport_of(l));
	} else {
		add_service(l, TRANSPORT_UDP);
		add_service(l, TRANSPORT_TCP);
		add_service(l, TRANSPORT_TLS);
	}
	l->step = LOOKUP_SRV;
}

/* 0: not one of ours. */
static enum transport service_of(const struct lookup *l, const struct dns_record *r)
{
	enum transport found = 0;

	for (enum transport t = TRANSPORT_UDP; t <= TRANSPORT_TLS; t++)
		if (slice_eq_nocase(r->service, slice_str(kinds[t].service)))
			found = t;
	bool fits = !l->secure || found == TRANSPORT_TLS;
	return fits && slice_eq_nocase(r->flags, SLICE("s")) && !is_root(r->name) ? found : 0;
}

static bool preferred(const struct dns_record *a, const struct dns_record *b)
{
	return a->priority != b->priority ? a->priority < b->priority : a->weight < b->weight;
}

/* The best of those that come after `last` in the order; NULL: there is none. */
static const struct dns_record *best_after(const struct lookup *l, const struct dns_answer *a,
                                           const struct dns_record *last)
{
	const struct dns_record *best = NULL;

	for (size_t i = 0; i < a->n; i++) {
		const struct dns_record *r = &a->records[i];
		if (service_of(l, r) == 0 || (last != NULL && !preferred(last, r)))
			continue;
		if (best == NULL || preferred(r, best))
			best = r;
	}
	return best;
}

static void take_naptr(struct lookup *l, const struct dns_answer *a)
{
	if (a->outcome == DNS_FAILED) {
		end(l, LOOKUP_FAILED);
		return;
	}
	const struct dns_record *r = best_after(l, a, NULL);
	for (; r != NULL && l->n_services < TARGET_SERVICES; r = best_after(l, a, r)) {
		struct target_service *s = &l->services[l->n_services];
		s->transport = service_of(l, r);
		l->n_services += name_set(&s->name, (struct slice){0}, r->name);
	}
	if (l->n_services > 0)
		l->step = LOOKUP_SRV;
	else
		ask_services(l);
}

/* --- the step --- */

static void take_ttl(struct lookup *l, const struct dns_answer *a)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->records[i].ttl_s < l->ttl_s)
			l->ttl_s = a->records[i].ttl_s;
}

static bool numeric(struct lookup *l, const struct target_goal *goal)
{
	enum transport t = transport_of(l);
	struct addr a;

	if (!addr_parse(goal->host, &a) || a.port != 0)
		return false;
	if (l->family == ADDR_NONE || l->family == a.family) {
		a.port = goal->port != 0 ? goal->port : t == TRANSPORT_TLS ? PORT_TLS : PORT_PLAIN;
		l->found[l->n_found++] = (struct target){.addr = a, .transport = t};
	}
	end(l, LOOKUP_NOTHING);
	return true;
}

void lookup_begin(struct lookup *l, const struct target_goal *goal, uint64_t random)
{
	assert(goal->transport <= TRANSPORT_TLS);
	*l = (struct lookup){
		.given = goal->transport,
		.secure = goal->sips || goal->transport == TRANSPORT_TLS,
		.family = goal->family,
		.random = random,
		.ttl_s = UINT32_MAX,
	};
	if (numeric(l, goal))
		return;
	if (goal->host.n > TARGET_HOST_MAX || !name_set(&l->host, (struct slice){0}, goal->host))
		end(l, LOOKUP_NOTHING);
	else if (goal->port != 0)
		ask_host(l, goal->port, transport_of(l));
	else if (goal->transport != 0)
		ask_services(l);
	else
		l->step = LOOKUP_NAPTR;
}

bool lookup_asks(const struct lookup *l, struct dns_question *out)
{
	switch (l->step) {
	case LOOKUP_NAPTR:
		*out = (struct dns_question){DNS_NAPTR, text_of(&l->host)};
		return true;
	case LOOKUP_SRV:
		*out = (struct dns_question){DNS_SRV, text_of(&l->services[l->service].name)};
		return true;
	case LOOKUP_A:
		*out = (struct dns_question){DNS_A, text_of(&l->places[l->place].name)};
		return true;
	case LOOKUP_AAAA:
		*out = (struct dns_question){DNS_AAAA, text_of(&l->places[l->place].name)};
		return true;
	case LOOKUP_DONE:
		break;
	}
	return false;
}

void lookup_take(struct lookup *l, const struct dns_answer *a)
{
	typedef void take_fn(struct lookup * l, const struct dns_answer *a);
	static take_fn *const by_step[] = {[LOOKUP_NAPTR] = take_naptr,
	                                   [LOOKUP_SRV] = take_srv,
	                                   [LOOKUP_A] = take_addresses,
	                                   [LOOKUP_AAAA] = take_addresses};

	assert(l->step != LOOKUP_DONE);
	take_ttl(l, a);
	by_step[l->step](l, a);
}
