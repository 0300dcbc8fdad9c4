/* layer: core */
/* test_nap_random.c - the machine, the texts and the record against a provider that challenges, shortens,
 * loses and refuses at random, with nodes that take over from each other with nothing but the record. */
#include "node/core/nap_client.h"
#include "proto/sip/header.h"
#include "tests/check.h"

enum {
	SEEDS = 60,
	WILD_MS = 6 * 3600 * 1000,
	CALM_MS = 30 * 60 * 1000, /* nothing is lost or refused any more */
	BEGIN_MS = 1700000000,
	SENT_MAX = 16, /* in five seconds: two attempts with all there is to answer in them */
};

#define PASSWORD "secret"

/* Who challenges: the registrar, and a proxy before it. */
struct door {
	const char *realm;
	bool asks, counts_long; /* a nonce lives for many requests, not for one */
	unsigned nonce;         /* the newest; earlier ones have ended */
	uint32_t nc, uses;
};

struct world {
	uint64_t random;
	int64_t now;
	bool calm, wanted, secondary;
	struct digester *digester;

	/* the client: what a takeover finds, and what it does not */
	struct nap_options options;
	uint8_t stored[RECORD_MAX];
	size_t n_stored;
	struct nap_attempt attempt;
	int64_t due, sent[SENT_MAX];
	unsigned n_sent;
	char redirect[64];

	/* the one REGISTER on its way; what it comes to, and when */
	bool waits, lost;
	int64_t outcome_at;
	char answer[2048];

	/* the provider */
	struct door proxy, registrar;
	uint32_t min_s, grant_s, cseq;
	int64_t lapses;
	bool turned_on; /* the next REGISTER is that of before, to another target */
};

static uint64_t pick(struct world *w, uint64_t below)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random % below;
}

static bool one_in(struct world *w, uint64_t n)
{
	return !w->calm && pick(w, n) == 0;
}

/* --- the provider --- */

static bool read_credentials(const struct sip_msg *m, const char *field, const char *realm,
                             struct sip_credentials *out)
{
	for (size_t i = 0; i < m->n_headers; i++)
		if (slice_eq_nocase(m->headers[i].name, slice_str(field)) &&
		    credentials_read(m->headers[i].value, out) == OK &&
		    slice_eq(out->realm, slice_str(realm)))
			return true;
	return false;
}

/* Right, and counted on from the last: a count that comes again would be a replay. */
static bool opens(struct world *w, struct door *d, const struct sip_credentials *c, bool *stale)
{
	uint8_t ha1[DIGEST_HASH_MAX];
	char response[DIGEST_HEX_MAX + 1], nonce[16];
	struct digest_question q = {.form = {.algorithm = DIGEST_SHA256},
	                            .method = SLICE("REGISTER"),
	                            .uri = c->uri,
	                            .nonce = c->nonce,
	                            .nc = c->nc_text,
	                            .cnonce = c->cnonce,
	                            .qop = c->qop};

	digest_ha1(w->digester, DIGEST_SHA256, SLICE("box"), slice_str(d->realm), SLICE(PASSWORD),
	           ha1);
	q.ha1 = (struct slice){ha1, digest_size(DIGEST_SHA256)};
	digest_response(w->digester, &q, response);
	if (!digest_same(c->response, response))
		return false;
	(void)snprintf(nonce, sizeof nonce, "%s%u", d->realm, d->nonce);
	*stale = !slice_eq(c->nonce, slice_str(nonce));
	if (*stale)
		return false;
	assert_true(c->nc > d->nc);
	d->nc = c->nc;
	d->uses++;
	return true;
}

static void say(struct world *w, const char *status, const char *rest)
{
	(void)snprintf(w->answer, sizeof w->answer, "SIP/2.0 %s\r\n%sContent-Length: 0\r\n\r\n",
	               status, rest);
}

/* True: it is let in. Else it is challenged. */
static bool passes(struct world *w, struct door *d, const struct sip_msg *m, bool proxy)
{
	struct sip_credentials c;
	bool stale = false;
	char line[256];

	bool said =
		read_credentials(m, proxy ? "Proxy-Authorization" : "Authorization", d->realm, &c);
	if (!d->asks || (said && opens(w, d, &c, &stale)))
		return true;
	if (d->nonce == 0 || stale || !d->counts_long || d->uses > 20) {
		d->nonce++;
		d->nc = d->uses = 0;
	}
	(void)snprintf(line, sizeof line,
	               "%s-Authenticate: Digest realm=\"%s\", nonce=\"%s%u\", qop=\"auth\", "
	               "algorithm=SHA-256%s\r\n",
	               proxy ? "Proxy" : "WWW", d->realm, d->realm, d->nonce,
	               stale ? ", stale=true" : "");
	say(w, proxy ? "407 P" : "401 U", line);
	return false;
}

static bool refuses(struct world *w)
{
	static const struct {
		const char *status, *rest;
	} moods[] = {
		{"500 E", ""},
		{"503 S", "Retry-After: 20\r\n"},
		{"503 S", ""},
		{"403 F", ""},
		{"408 T", ""},
		{"302 M", "Contact: <sip:elsewhere.example>\r\n"},
		{"302 M", ""},
		{"423 B", ""},
		{"420 B", "Unsupported: x\r\n"},
		{"401 U", ""},
		{"401 U", "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\", qop=\"auth\"\r\n"},
		{"200 OK", "Contact: <sip:a@h>;expires=9, <sip:b@h>;expires=9\r\n"},
		{"200 OK", "Contact: <sip:box@192.0.2.9:5060>;expires=0\r\n"},
	};

	if (!one_in(w, 4))
		return false;
	size_t i = (size_t)pick(w, ARRAY_LEN(moods));
	say(w, moods[i].status, moods[i].rest);
	return true;
}

static uint32_t asked_of(const struct sip_msg *m)
{
	struct sip_contact c;

	assert_int_equal(contact_read(sip_find(m, HEADER_CONTACT)->value, &c), OK);
	assert_true(slice_eq(c.addr.uri, SLICE("sip:box@192.0.2.9:5060")) && c.has_expires);
	return c.expires_s;
}

/* It knows one client, whose CSeq rises; but one that had no luck with another target comes here with the
 * same. True: that had been here before. */
static bool is_repeated(struct world *w, const struct sip_msg *m)
{
	struct sip_cseq cseq;

	assert_true(slice_eq(sip_find(m, HEADER_CALL_ID)->value, SLICE("one-call")));
	assert_int_equal(cseq_read(sip_find(m, HEADER_CSEQ)->value, &cseq), OK);
	bool repeated = cseq.number == w->cseq;
	assert_true(repeated ? w->turned_on : cseq.number > w->cseq);
	w->cseq = cseq.number;
	return repeated;
}

static void serve(struct world *w, struct slice request, int64_t arrived)
{
	struct sip_msg m;
	const char *why = NULL;
	char line[128];

	assert_int_equal(sip_parse(request, &m), OK);
	assert_int_equal(sip_check(&m, &why), 0);
	if (is_repeated(w, &m)) {
		say(w, "400 R", "");
		return;
	}
	uint32_t asked = asked_of(&m);
	if (refuses(w) || !passes(w, &w->proxy, &m, true) || !passes(w, &w->registrar, &m, false))
		return;
	if (asked > 0 && asked < w->min_s) {
		(void)snprintf(line, sizeof line, "Min-Expires: %u\r\n", w->min_s);
		say(w, "423 B", line);
		return;
	}
	uint32_t granted = asked < w->grant_s ? asked : w->grant_s;
	w->lapses = arrived + (int64_t)granted * 1000;
	(void)snprintf(line, sizeof line, "Contact: <sip:box@192.0.2.9:5060>;expires=%u\r\n",
	               granted);
	say(w, "200 OK", granted > 0 ? line : "");
}

/* --- the client --- */

static void transmit(struct world *w, const struct nap_record *record, uint32_t expires_s)
{
	static uint8_t bytes[8192];
	struct buf to = buf_on(bytes, sizeof bytes);
	struct nap_record r = *record;
	const struct nap_sending s = {.transport = TRANSPORT_UDP,
	                              .local = w->options.local,
	                              .branch = w->random,
	                              .expires_s = expires_s};
	int64_t *oldest = &w->sent[w->n_sent++ % SENT_MAX];

	if (w->redirect[0] != '\0')
		r.registrar = slice_str(w->redirect);
	assert_true(nap_write_register(&w->options, &r, &s, w->digester, &to));
	assert_false(w->waits); /* never two at a time */
	assert_true(w->now - *oldest >= 5000);
	*oldest = w->now;
	w->waits = true;
	w->lost = one_in(w, 6);
	w->outcome_at = w->now + 32000;
	if (w->lost)
		return;
	int64_t delay = (int64_t)pick(w, 400);
	serve(w, buf_slice(&to), w->now + delay);
	w->lost = one_in(w, 6);
	if (!w->lost)
		w->outcome_at = w->now + 2 * delay;
}

static struct nap_record *load(struct world *w, struct arena *arena)
{
	static struct nap_record r;

	assert_int_equal(nap_decode((struct slice){w->stored, w->n_stored}, arena, &r), OK);
	return &r;
}

/* `r` borrows from what is stored. */
static void store(struct world *w, const struct nap_record *r)
{
	static uint8_t bytes[RECORD_MAX];
	struct buf to = buf_on(bytes, sizeof bytes);

	nap_encode(r, &to);
	assert_false(to.full);
	memcpy(w->stored, bytes, to.n);
	w->n_stored = to.n;
}

static bool aim(struct world *w, const struct nap_output *out, struct nap_input *in)
{
	bool due = w->due <= w->now;

	if (out->wish == NAP_SEND || (out->wish == NAP_NOTHING && !due))
		return false;
	if (out->wish == NAP_AIM_REDIRECT && in->answer != NULL)
		(void)snprintf(w->redirect, sizeof w->redirect, SLICE_FMT,
		               SLICE_ARG(in->answer->redirect));
	bool broken = one_in(w, 20);
	w->turned_on = out->wish == NAP_AIM_NEXT;
	*in = (struct nap_input){.event = broken ? NAP_BROKEN : NAP_READY,
	                         .why = SLICE("no address")};
	return true;
}

static void act(struct world *w, struct nap_input in)
{
	static _Alignas(16) uint8_t memory[128 * 1024];
	struct arena arena = arena_on(memory, sizeof memory);
	struct nap_record *r = load(w, &arena);
	const struct nap_client c = {&w->options, r, &w->attempt};
	struct nap_output out;
	bool changed = false;
	unsigned steps = 0;

	do {
		in.wanted = w->wanted;
		in.secondary = w->secondary;
		in.random = pick(w, UINT64_MAX);
		in.now = (struct pairtime){w->now};
		nap_client_step(&c, &in, &out);
		changed = changed || out.changed;
		w->due = nap_client_due(r, &w->attempt).ms;
		assert_true(steps++ < 8);
	} while (aim(w, &out, &in));
	if (!w->attempt.begun)
		w->redirect[0] = '\0';
	if (changed)
		store(w, r);
	if (out.wish == NAP_SEND)
		transmit(w, r, out.expires_s);
	/* What it holds for registered is so. */
	if (r->phase == NAP_REGISTERED)
		assert_true(r->until.ms <= w->lapses && r->until.ms > w->now);
}

static void hear(struct world *w)
{
	static _Alignas(16) uint8_t memory[128 * 1024], text[64 * 1024];
	static struct sip_msg m;
	struct arena arena = arena_on(memory, sizeof memory), other = arena_on(text, sizeof text);
	struct nap_answer a;

	w->waits = false;
	if (w->lost) {
		act(w, (struct nap_input){.event = NAP_SILENCE, .more_targets = one_in(w, 3)});
		return;
	}
	assert_int_equal(sip_parse(slice_str(w->answer), &m), OK);
	nap_read_answer(&m, &w->options, load(w, &arena), &other, &a);
	act(w, (struct nap_input){.event = NAP_ANSWER,
	                          .answer = &a,
	                          .more_targets = a.status == 503 && one_in(w, 3)});
}

/* The other node goes on, with what was stored; an answer on its way is nobody's any more. */
static void take_over(struct world *w)
{
	w->secondary = !w->secondary;
	w->attempt = (struct nap_attempt){0};
	w->waits = false;
	w->redirect[0] = '\0';
	act(w, (struct nap_input){.event = NAP_LOOK});
}

static void turn(struct world *w)
{
	int64_t next = w->waits ? w->outcome_at : w->due;
	int64_t other = w->now + 1 + (int64_t)pick(w, 600000);

	bool idle = next == PAIRTIME_NEVER.ms;

	if (idle || (!w->calm && other < next && pick(w, 3) == 0)) {
		w->now = other;
		if (pick(w, 4) > 0) {
			take_over(w);
			return;
		}
		w->wanted = !w->wanted;
		act(w, (struct nap_input){.event = NAP_LOOK});
		return;
	}
	if (next > w->now)
		w->now = next;
	if (w->waits)
		hear(w);
	else
		act(w, (struct nap_input){.event = NAP_LOOK});
}

static void begin(struct world *w, uint64_t seed, struct digester *digester)
{
	struct nap_record r = {.phase = NAP_IDLE,
	                       .call_id = SLICE("one-call"),
	                       .from_tag = SLICE("tag"),
	                       .cseq = 1,
	                       .aor = SLICE("sip:box@provider.example"),
	                       .contact = SLICE("sip:box@192.0.2.9:5060"),
	                       .unit = UNIT_PRIMARY};

	memset(w, 0, sizeof *w);
	w->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	w->digester = digester;
	w->now = BEGIN_MS;
	w->wanted = true;
	w->options = (struct nap_options){
		.proxy = SLICE("192.0.2.1"),
		.address_to_register = r.aor,
		.password = SLICE(PASSWORD),
		.local = {.family = ADDR_IPV4, .port = 5060, .ip = {192, 0, 2, 9}},
		.registers = true,
		.reuse_challenge = pick(w, 2) == 0,
		.expires_s = 3600,
		.refresh_percent = 50,
		.retry_ms = 5000,
		.retry_max_ms = pick(w, 2) == 0 ? 5000 : 60000,
	};
	w->proxy = (struct door){"p", pick(w, 2) == 0, pick(w, 2) == 0, 0, 0, 0};
	w->registrar = (struct door){"r", pick(w, 4) > 0, pick(w, 2) == 0, 0, 0, 0};
	w->min_s = pick(w, 3) == 0 ? 7200 : 60;
	w->grant_s = pick(w, 2) == 0 ? 60 : 86400;
	store(w, &r);
	act(w, (struct nap_input){.event = NAP_LOOK});
}

/* C04, C06, C11, C14, C44, C46, D5: whatever was before, in the end it is as it shall be */
static void it_comes_right_in_the_end(void **state)
{
	static struct world w;

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		begin(&w, seed, *state);
		while (w.now < BEGIN_MS + WILD_MS)
			turn(&w);
		w.calm = true;
		int64_t end = w.now + CALM_MS;
		while (w.waits || w.due <= end)
			turn(&w);
		static _Alignas(16) uint8_t memory[64 * 1024];
		struct arena arena = arena_on(memory, sizeof memory);
		const struct nap_record *r = load(&w, &arena);
		if (r->phase != (w.wanted ? NAP_REGISTERED : NAP_IDLE))
			fail_msg("seed %llu: %s: " SLICE_FMT, (unsigned long long)seed,
			         nap_phase_name(r->phase), SLICE_ARG(r->why));
		assert_true(!w.wanted || w.lapses > w.now);
	}
}

static int open_digester(void **state)
{
	*state = digester_new();
	return 0;
}

static int close_digester(void **state)
{
	struct digester *d = *state;

	digester_close(&d);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_comes_right_in_the_end),
	};

	return cmocka_run_group_tests(tests, open_digester, close_digester);
}
