#include "tests/sim/provider.h"

#include <assert.h>
#include <stdlib.h>

#include "tests/sim/check.h"
#include "tests/sim/text.h"

#define REALM "provider.example"

struct addr provider_address(int index)
{
	return (struct addr){
		.family = ADDR_IPV4, .port = 5060, .ip = {198, 51, 100, (uint8_t)(10 + index)}};
}

static enum transport draw_transport(struct world *w)
{
	static const enum transport kinds[] = {TRANSPORT_UDP, TRANSPORT_UDP, TRANSPORT_TCP,
	                                       (enum transport)0};

	return kinds[world_draw(w, 0, 3)];
}

static void draw_options(struct world *w, struct nap_options *o, struct provider *p)
{
	static const char *const names[PROVIDERS] = {"nap0", "nap1", "nap2"};
	static const char *const aors[PROVIDERS] = {"sip:trunk0@provider.example",
	                                            "sip:trunk1@provider.example",
	                                            "sip:trunk2@provider.example"};
	static const int64_t timeouts[] = {8000, 16000, 32000};

	*o = (struct nap_options){
		.name = slice_str(names[p->index]),
		.proxy = slice_str(p->proxy),
		.address_to_register = slice_str(aors[p->index]),
		.user = SLICE("trunk"),
		.password = SLICE("secret"),
		.transport = draw_transport(w),
		.local = message_address(-1),
		.registers = true,
		.ignore_realm = world_chance(w, 500000),
		.reuse_challenge = world_chance(w, 500000),
		.polls = world_chance(w, 500000),
		.any_response_is_available = true,
		.expires_s = 3600,
		.refresh_percent = 50,
		.retry_ms = 5000,
		.retry_max_ms = 5000,
		.timeout_ms = timeouts[world_draw(w, 0, 2)],
		.poll_first_ms = 5000,
		.poll_interval_ms = 10000,
		.poll_timeout_ms = 4000,
		.poll_max_forwards = 1,
	};
}

static void draw_provider(struct world *w, struct provider *p, int index)
{
	bool named = world_chance(w, 500000);

	*p = (struct provider){.index = index,
	                       .asks = world_chance(w, 700000),
	                       .sha256 = world_chance(w, 500000),
	                       .qop = world_chance(w, 800000),
	                       .by_header = world_chance(w, 300000),
	                       .srv = named && world_chance(w, 500000),
	                       .refuses_ppm = world_chance(w, 300000) ? 100000 : 0,
	                       .grants_s = (uint32_t)world_draw(w, 10, 40),
	                       .nonce_ms = world_draw(w, 5, 90) * 1000};
	p->dead = p->srv && world_chance(w, 300000);
	if (named)
		(void)snprintf(p->proxy, sizeof p->proxy, "nap%d.example", index);
	else
		(void)snprintf(p->proxy, sizeof p->proxy, "198.51.100.%d", 10 + index);
}

void provider_plan(struct world *w)
{
	enum { OUTPUTS = 40 };
	struct trunks *t = &w->trunks;
	bool any = w->script.scenario != NULL ? t->wanted : world_chance(w, 400000);

	t->n = any ? (int)world_draw(w, 1, PROVIDERS) : 0;
	t->strike_at = w->script.scenario != NULL
	                       ? 1 + (2 * (w->seed - 1) + (uint64_t)w->script.load) % OUTPUTS
	                       : 0;
	for (int i = 0; i < t->n; i++) {
		draw_provider(w, &t->providers[i], i);
		draw_options(w, &t->options[i], &t->providers[i]);
	}
}

static void vary(struct world *w, struct nap_options *o)
{
	o->polls = world_chance(w, 500000);
	o->refresh_percent = (uint32_t)world_draw(w, 30, 70);
	o->poll_interval_ms = world_draw(w, 5000, 20000);
}

/* What it is given is gone behind the call: the node has a copy. */
void provider_feed(struct world *w, struct host *h, bool varied)
{
	struct node_input in = {.event = NODE_NAPS};
	struct nap_options list[PROVIDERS];
	size_t n = 0;

	for (int i = 0; i < w->trunks.n; i++) {
		if (w->trunks.providers[i].gone)
			continue;
		list[n] = w->trunks.options[i];
		if (varied)
			vary(w, &list[n]);
		n++;
	}
	in.naps = (struct nap_list){list, n};
	host_feed(w, h, &in);
}

bool provider_is_bound(const struct world *w, int index)
{
	return w->trunks.providers[index].bound_until > w->now;
}

/* --- what a REGISTER says --- */

struct ask {
	char call[PROVIDER_TEXT], branch[PROVIDER_TEXT], contact[PROVIDER_TEXT];
	uint32_t cseq, expires_s;
	bool answers; /* a challenge */
	char user[PROVIDER_TEXT], uri[PROVIDER_TEXT], nonce[PROVIDER_TEXT], nc[PROVIDER_TEXT],
		cnonce[PROVIDER_TEXT], qop[PROVIDER_TEXT], response[PROVIDER_TEXT];
};

static void read_quoted(const char *line, const char *name, char to[PROVIDER_TEXT])
{
	text_copy(to, PROVIDER_TEXT, text_behind(line, name), "\"");
}

static void read_credentials(const char *text, struct ask *out)
{
	const char *line = text_behind(text, "\r\nAuthorization: Digest");

	out->answers = line != NULL;
	read_quoted(line, "username=\"", out->user);
	read_quoted(line, " uri=\"", out->uri);
	read_quoted(line, " nonce=\"", out->nonce);
	read_quoted(line, "cnonce=\"", out->cnonce);
	read_quoted(line, "response=\"", out->response);
	text_copy(out->nc, sizeof out->nc, text_behind(line, " nc="), ",\r");
	text_copy(out->qop, sizeof out->qop, text_behind(line, " qop="), ",\r");
}

static void read_ask(const char *text, struct ask *out)
{
	const char *contact = text_behind(text, "\r\nContact: <");

	text_copy(out->call, sizeof out->call, text_behind(text, "\r\nCall-ID: "), "\r");
	text_copy(out->branch, sizeof out->branch, text_behind(text, ";branch="), "\r;,");
	text_copy(out->contact, sizeof out->contact, contact, ">");
	out->cseq = (uint32_t)text_number(text, "\r\nCSeq: ");
	out->expires_s = (uint32_t)text_number(contact, ";expires=");
	read_credentials(text, out);
}

/* --- and what comes of it --- */

struct verdict {
	const char *status;
	char more[512]; /* header lines, each with \r\n before it */
};

static void challenge(struct world *w, struct provider *p, bool stale, struct verdict *v)
{
	p->nonce = rng_next(&w->rng) | 1;
	p->nc = 0;
	p->nonce_until = w->now + p->nonce_ms;
	v->status = "401 Unauthorized";
	(void)snprintf(v->more, sizeof v->more,
	               "\r\nWWW-Authenticate: Digest realm=\"" REALM
	               "\", nonce=\"%016llx\", algorithm=%s%s%s, opaque=\"o\"",
	               (unsigned long long)p->nonce, p->sha256 ? "SHA-256" : "MD5",
	               p->qop ? ", qop=\"auth\"" : "", stale ? ", stale=true" : "");
}

static bool is_right(struct world *w, const struct provider *p, const struct ask *a)
{
	uint8_t ha1[DIGEST_HASH_MAX];
	char response[DIGEST_HEX_MAX + 1];
	enum digest_algorithm by = p->sha256 ? DIGEST_SHA256 : DIGEST_MD5;

	digest_ha1(w->digester, by, slice_str(a->user), SLICE(REALM), SLICE("secret"), ha1);
	struct digest_question q = {
		.form = {by, false},
		.ha1 = {ha1, digest_size(by)},
		.method = SLICE("REGISTER"),
		.uri = slice_str(a->uri),
		.nonce = slice_str(a->nonce),
		.nc = slice_str(a->nc),
		.cnonce = slice_str(a->cnonce),
		.qop = slice_str(a->qop),
	};
	digest_response(w->digester, &q, response);
	return strcmp(a->user, "trunk") == 0 && strcmp(response, a->response) == 0;
}

/* True: it may go on. */
static bool authenticate(struct world *w, struct provider *p, const struct ask *a,
                         struct verdict *v)
{
	uint64_t nonce = strtoull(a->nonce, NULL, 16);
	uint32_t nc = (uint32_t)strtoul(a->nc, NULL, 16);

	if (!p->asks)
		return true;
	if (!a->answers) {
		challenge(w, p, false, v);
		return false;
	}
	if (!is_right(w, p, a))
		world_fail(w, "provider %d gets wrong credentials", p->index);
	if (nonce != p->nonce || w->now > p->nonce_until || (p->qop && nc <= p->nc)) {
		challenge(w, p, true, v);
		return false;
	}
	p->nc = nc;
	return true;
}

static void grant(struct world *w, struct provider *p, const struct ask *a, struct verdict *v)
{
	uint32_t granted_s = a->expires_s < p->grants_s ? a->expires_s : p->grants_s;

	(void)snprintf(p->call, sizeof p->call, "%s", a->call);
	p->cseq = a->cseq;
	p->bound_until = w->now + INT64_C(1000) * granted_s;
	v->status = "200 OK";
	(void)snprintf(v->more, sizeof v->more, "\r\nContact: <%s>%s%u", a->contact,
	               p->by_header ? "\r\nExpires: " : ";expires=", granted_s);
	w->stat[STAT_NAP_GRANTED]++;
}

static void judge(struct world *w, struct provider *p, const struct ask *a, struct verdict *v)
{
	bool same_call = strcmp(a->call, p->call) == 0;
	bool bound = p->bound_until > w->now;

	v->more[0] = '\0';
	if (world_chance(w, w->quiet ? 0 : p->refuses_ppm)) {
		v->status = "503 Busy";
		(void)snprintf(v->more, sizeof v->more, "\r\nRetry-After: 2");
	} else if (!authenticate(w, p, a, v)) {
		return;
	} else if (bound && !same_call) {
		w->stat[STAT_NAP_REFUSED]++;
		v->status = "403 One Binding Only";
	} else if (bound && a->cseq <= p->cseq) {
		w->stat[STAT_NAP_REFUSED]++;
		v->status = "500 Old CSeq";
	} else {
		grant(w, p, a, v);
	}
}

static void on_register(struct world *w, struct provider *p, const struct event *e,
                        const char *text)
{
	struct ask *a = take_memory(sizeof *a);
	struct verdict v;

	read_ask(text, a);
	if (p->branch[0] == '\0' || strcmp(a->branch, p->branch) != 0) {
		struct buf to = buf_on((uint8_t *)p->answer, sizeof p->answer - 1);
		judge(w, p, a, &v);
		message_write_answer((struct slice){e->bytes, e->n}, v.status, v.more, &to);
		assert(!to.full);
		p->answer[to.n] = '\0';
		(void)snprintf(p->branch, sizeof p->branch, "%s", a->branch);
		world_say(w, 'p', "%d gets cseq=%u for %u s: %s", p->index, a->cseq, a->expires_s,
		          v.status);
	}
	free(a);
	provider_answer(w, p->index, e, slice_str(p->answer));
}

static void on_options(struct world *w, const struct provider *p, const struct event *e)
{
	uint8_t room[PROVIDER_ANSWER];
	struct buf to = buf_on(room, sizeof room);

	message_write_answer((struct slice){e->bytes, e->n}, "200 OK", "", &to);
	assert(!to.full);
	provider_answer(w, p->index, e, buf_slice(&to));
}

void provider_on_request(struct world *w, const struct event *e)
{
	char text[TEXT_MAX];
	struct provider *p = &w->trunks.providers[e->who];

	if (w->now < p->down_until)
		return;
	(void)snprintf(text, sizeof text, "%.*s", (int)e->n, (const char *)e->bytes);
	if (strncmp(text, "REGISTER ", 9) == 0)
		on_register(w, p, e, text);
	else
		on_options(w, p, e);
}
