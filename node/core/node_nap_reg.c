/* Being told by the registrar what becomes of our registration there (RFC 3680). */
#include "node/core/nap_desk.h"
#include "proto/sip/header.h"

enum { MESSAGE_MAX = 16 * 1024, HALF_MS_OF_S = 500, LEAST_MS = 1000, ASK_S = 3600 };

/* It stays while a registration is refused or put off: the registrar may say more. */
static bool is_wanted(const struct nap *p)
{
	return nap_options(p)->reg_event && nap_wanted(p) && p->phase != NAP_IDLE;
}

static bool is_bound(const struct node *n, const struct nap *p)
{
	return p->until.ms > pair_now(n).ms;
}

struct mtime nap_reg_due(const struct node *n, const struct nap *p)
{
	bool begins = p->reg.state == REG_OFF && is_bound(n, p);

	if (!n->naps.running || p->for_reg)
		return MTIME_NEVER;
	if (!is_wanted(p))
		return p->reg.state == REG_OFF ? MTIME_NEVER : n->now;
	if (p->reg.state == REG_SUBSCRIBED)
		return p->reg.due;
	return begins ? n->now : MTIME_NEVER;
}

void nap_reg_end(struct node *n, struct nap *p)
{
	if (p->reg.state != REG_OFF)
		node_request_drop(n, OWNER_NAP_REG, p->number);
	p->reg = (struct nap_reg){0};
}

/* Nothing until the next registration. */
static void give_up(struct nap *p)
{
	p->reg = (struct nap_reg){.state = REG_REFUSED};
}

void nap_reg_look(struct node *n, struct nap *p)
{
	if (!is_wanted(p))
		nap_reg_end(n, p);
	else if (!is_bound(n, p) && mtime_reached(nap_reg_due(n, p), n->now))
		give_up(p);
}

void nap_reg_registered(struct node *n, struct nap *p)
{
	if (p->reg.state == REG_REFUSED)
		nap_reg_end(n, p);
	nap_wake(n, nap_reg_due(n, p));
}

/* --- SUBSCRIBE --- */

/* Its record, as if the dialog were its own. `a`: with credentials for what this one asks. */
static void be_dialog(struct node *n, const struct nap *p, const struct nap_answer *a,
                      struct nap_record *r)
{
	const struct nap_reg *g = &p->reg;
	uint8_t *memory = arena_take(&n->arena, BUF_HEX64);
	struct buf name = buf_on(memory, memory == NULL ? 0 : BUF_HEX64);

	buf_hex64(&name, g->dialog);
	r->call_id = r->from_tag = buf_slice(&name);
	r->cseq = g->cseq;
	if (g->tag.n > 0) { /* the dialog's own, instead of the Service-Route */
		r->service_route[0] = g->route;
		r->n_routes = g->route.n > 0 ? 1 : 0;
	}
	if (a == NULL) {
		r->n_challenges = 0;
		return;
	}
	nap_take_challenges(r, a);
	r->n_challenges = a->n_challenges;
	nap_answer_challenges(r, true, nap_random(n));
}

static bool send(struct node *n, const struct nap *p, const struct nap_record *r)
{
	const struct nap_options *o = nap_options(p);
	uint8_t *memory = arena_take(&n->arena, MESSAGE_MAX);
	struct buf to = buf_on(memory, memory == NULL ? 0 : MESSAGE_MAX);
	struct nap_sending s = {.transport = p->used.transport,
	                        .local = o->local,
	                        .branch = nap_random(n),
	                        .expires_s = p->reg.asked_s,
	                        .remote_tag = p->reg.tag,
	                        .remote = p->reg.target};

	if (!nap_has_way(p) || !nap_write_subscribe(o, r, &s, server_digester(n->server), &to))
		return false;
	struct request q = {.owner = OWNER_NAP_REG,
	                    .id = p->number,
	                    .bytes = buf_slice(&to),
	                    .flow = p->flow,
	                    .target = p->used.addr};
	return node_request(n, &q);
}

static void subscribe(struct node *n, struct nap *p, const struct nap_answer *a)
{
	struct nap_reg *g = &p->reg;
	struct nap_record *r = nap_load(n, p);

	if (r == NULL) {
		give_up(p);
		return;
	}
	if (g->tag.n == 0 && a == NULL)
		*g = (struct nap_reg){.dialog = nap_random(n) | 1};
	g->state = REG_ASKING;
	g->challenged = a != NULL;
	g->asked_s = r->granted_s > 0 ? r->granted_s : ASK_S;
	g->asked = n->now;
	g->at = p->used.addr;
	g->cseq++;
	be_dialog(n, p, a, r);
	if (!send(n, p, r))
		give_up(p);
}

void nap_reg_aimed(struct node *n, struct nap *p, bool ready)
{
	if (ready && is_wanted(p) && is_bound(n, p))
		subscribe(n, p, NULL);
	else
		give_up(p);
}

/* --- its answer --- */

/* The routes of an answer, in their turned order (RFC 3261 12.1.2). */
static void put_routes(struct buf *to, const struct sip_msg *m)
{
	struct slice all[NAP_ROUTES_MAX], element;
	size_t n = 0;

	for (const struct sip_header *h = sip_find(m, HEADER_RECORD_ROUTE); h != NULL;
	     h = sip_find_next(m, h)) {
		struct slice rest = h->value;
		while (list_next(&rest, &element)) {
			to->full = to->full || n == NAP_ROUTES_MAX;
			if (n < NAP_ROUTES_MAX)
				all[n++] = element;
		}
	}
	for (size_t i = n; i-- > 0;) {
		buf_put(to, all[i]);
		if (i > 0)
			buf_str(to, ", ");
	}
}

static struct slice keep(struct buf *to, struct slice text)
{
	size_t from = to->n;

	buf_put(to, text);
	return slice_from(buf_slice(to), from);
}

static bool is_one_line(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

/* What cannot be kept makes no dialog: then the next SUBSCRIBE begins another. */
static void keep_dialog(struct nap_reg *g, const struct sip_msg *m)
{
	const struct sip_header *to = sip_find(m, HEADER_TO),
				*contact = sip_find(m, HEADER_CONTACT);
	struct buf b = buf_on(g->memory, sizeof g->memory);
	struct sip_name_addr party, target;
	struct slice tag;

	g->tag = g->target = g->route = (struct slice){NULL, 0};
	if (to == NULL || contact == NULL || name_addr_read(to->value, &party) != OK ||
	    !param_find(party.params, "tag", &tag) || name_addr_read(contact->value, &target) != OK)
		return;
	struct slice kept_tag = keep(&b, tag), kept_target = keep(&b, target.uri);
	size_t from = b.n;
	put_routes(&b, m);
	if (b.full || !is_one_line(buf_slice(&b)))
		return;
	g->tag = kept_tag;
	g->target = kept_target;
	g->route = slice_from(buf_slice(&b), from);
}

static void subscribed(struct node *n, struct nap *p, const struct sip_msg *m)
{
	struct nap_reg *g = &p->reg;
	const struct sip_header *expires = sip_find(m, HEADER_EXPIRES);
	uint32_t s = expires != NULL ? expires_read(expires->value) : g->asked_s;

	if (s > g->asked_s)
		s = g->asked_s;
	if (s == 0) {
		give_up(p);
		return;
	}
	if (g->tag.n == 0)
		keep_dialog(g, m);
	struct mtime half = mtime_add_ms(g->asked, (int64_t)s * HALF_MS_OF_S);
	struct mtime soonest = mtime_add_ms(n->now, LEAST_MS);
	g->state = REG_SUBSCRIBED;
	g->due = half.ms > soonest.ms ? half : soonest;
	nap_wake(n, g->due);
}

static void challenged(struct node *n, struct nap *p, const struct sip_msg *m)
{
	const struct nap_record *r = nap_load(n, p);
	struct nap_answer *a = arena_take(&n->arena, sizeof *a);

	if (r == NULL || a == NULL || p->reg.challenged) {
		give_up(p);
		return;
	}
	nap_read_answer(m, nap_options(p), r, &n->arena, a);
	if (a->n_challenges > 0)
		subscribe(n, p, a);
	else
		give_up(p);
}

void nap_reg_outcome(struct node *n, struct nap *p, const struct sip_msg *m)
{
	if (p->reg.state != REG_ASKING)
		return; /* a NOTIFY has ended it */
	if (m != NULL && m->status / 100 == 2)
		subscribed(n, p, m);
	else if (m != NULL && (m->status == 401 || m->status == 407))
		challenged(n, p, m);
	else
		give_up(p);
}
