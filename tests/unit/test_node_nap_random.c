/* layer: core */
/* test_node_nap_random.c - a whole node with NAPs, to which anything happens: answers to what it asked the
 * DNS, the streams and the providers, in any order and more than once, reloads, an operator, a slow disk.
 * What must not happen is asserted on the way; in the end, with all well, everything is registered. */
#include "node/core/node.h"
#include "proto/record_nap.h"
#include "proto/sip/header.h"
#include "proto/sip/reply.h"
#include "tests/check.h"
#include "tests/heap.h"

enum {
	SEEDS = 6,
	STEPS = 600,
	ASKED_MAX = 32,
	STREAMS_MAX = 64,
	TEXT = 2048,
	NAMES = 4,
	MINUTE_MS = 60 * 1000,
	CALM_MS = 2 * 3600 * 1000, /* targets that failed rest for an hour at the most */
};

/* What the node waits for, or waited. */
struct asked {
	enum node_output_kind kind;
	uint64_t ticket;
	enum dns_type question;
	struct flow flow;
	struct addr target;
	size_t n;
	uint8_t bytes[TEXT];
};

/* Where a REGISTER of this CSeq stands in the log. */
struct logged {
	uint32_t cseq;
	uint64_t seq;
};

struct world {
	struct node *node;
	size_t memory;
	struct mtime now;
	uint64_t random, seq, durable, tickets, connections;
	struct asked asked[ASKED_MAX];
	size_t n_asked;
	uint64_t stream[STREAMS_MAX]; /* open; 0: none */
	struct logged logged[ASKED_MAX];
	size_t n_logged;
	struct nap_options options[NAMES];
	bool calm;
	size_t registers;
};

static uint64_t pick(struct world *w, uint64_t below)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random % below;
}

/* --- what comes out --- */

static uint64_t *stream_of(struct world *w, uint64_t connection)
{
	for (size_t i = 0; i < STREAMS_MAX; i++)
		if (w->stream[i] == connection)
			return &w->stream[i];
	return NULL;
}

static void take_entry(struct world *w, const struct node_output *o)
{
	static _Alignas(16) uint8_t memory[64 * 1024];
	struct arena arena = arena_on(memory, sizeof memory);
	struct nap_record r;
	struct entry e;

	assert_int_equal(o->seq, ++w->seq);
	assert_int_equal(entry_decode(o->bytes, &e), OK);
	if (e.table != TABLE_NAP || e.value.n == 0)
		return;
	assert_int_equal(nap_decode(e.value, &arena, &r), OK);
	w->logged[w->n_logged++ % ASKED_MAX] = (struct logged){r.cseq, e.seq};
}

/* It is on the disk that this was sent. */
static void check_logged(struct world *w, uint32_t cseq)
{
	for (size_t i = 0; i < ASKED_MAX; i++)
		if (w->logged[i].cseq == cseq && w->logged[i].seq <= w->durable)
			return;
	assert_true(w->n_logged > ASKED_MAX); /* too long ago to tell */
}

static void check_message(struct world *w, const struct node_output *o)
{
	static struct sip_msg m;
	struct sip_cseq cseq;
	const char *why = "";

	assert_true(o->flow.transport == TRANSPORT_UDP ||
	            (o->flow.connection > 0 && o->flow.connection <= w->connections));
	if (slice_eq(o->bytes, SLICE("\r\n\r\n")))
		return;
	assert_int_equal(sip_parse(o->bytes, &m), OK);
	if (sip_check(&m, &why) != 0)
		fail_msg("%s: " SLICE_FMT, why, SLICE_ARG(o->bytes));
	assert_true(m.method == SIP_REGISTER || m.method == SIP_OPTIONS ||
	            m.method == SIP_SUBSCRIBE);
	assert_int_equal(cseq_read(sip_find(&m, HEADER_CSEQ)->value, &cseq), OK);
	if (m.method == SIP_REGISTER) {
		check_logged(w, cseq.number);
		w->registers++;
	}
}

static void keep(struct world *w, const struct node_output *o)
{
	struct asked *a = &w->asked[w->n_asked++ % ASKED_MAX];

	assert_true(o->bytes.n <= sizeof a->bytes);
	*a = (struct asked){.kind = o->kind,
	                    .ticket = o->ticket,
	                    .question = o->question,
	                    .flow = o->flow,
	                    .target = o->target,
	                    .n = o->bytes.n};
	if (o->bytes.n > 0)
		memcpy(a->bytes, o->bytes.p, o->bytes.n);
}

static void carry_out(struct world *w, const struct node_output *o)
{
	if (o->kind == OUT_APPEND) {
		take_entry(w, o);
	} else if (o->kind == OUT_CLOSE_FLOW) {
		uint64_t *stream = stream_of(w, o->flow.connection);
		assert_true(o->flow.connection != 0 && stream != NULL);
		if (stream != NULL)
			*stream = 0;
	} else if (o->kind == OUT_MESSAGE || o->kind == OUT_RESOLVE || o->kind == OUT_CONNECT) {
		if (o->kind == OUT_MESSAGE)
			check_message(w, o);
		/* One that was held meanwhile may leave by a stream that is gone: it is lost. */
		if (o->kind != OUT_MESSAGE || stream_of(w, o->flow.connection) != NULL ||
		    o->flow.transport == TRANSPORT_UDP)
			keep(w, o);
	}
}

static void step(struct world *w, struct node_input *in)
{
	struct node_outputs outs;

	in->random = pick(w, UINT64_MAX);
	node_step(w->node, in, w->now, &outs);
	for (size_t i = 0; i < outs.n; i++)
		carry_out(w, &outs.item[i]);
}

/* With the turns that it wants at once, which must come to an end. */
static void feed(struct world *w, struct node_input *in)
{
	struct node_input turn = {.event = NODE_TURN};
	int turns = 0;

	step(w, in);
	do
		step(w, &turn);
	while (mtime_reached(node_deadline(w->node), w->now) && ++turns < 100);
	assert_true(turns < 100);
}

/* --- what comes back --- */

static void resolve(struct world *w, const struct asked *a)
{
	static struct dns_answer said;
	struct node_input in = {.event = NODE_RESOLVED, .ticket = a->ticket, .dns = &said};

	said = (struct dns_answer){.outcome = w->calm ? DNS_FOUND
	                                              : (enum dns_outcome)pick(w, DNS_FAILED + 1)};
	if (a->question != DNS_A && said.outcome == DNS_FOUND)
		said.outcome = DNS_NOTHING;
	said.n = said.outcome == DNS_FOUND ? 1 + (size_t)pick(w, 3) : 0;
	for (size_t i = 0; i < said.n; i++)
		said.records[i] = (struct dns_record){
			.ttl_s = (uint32_t)pick(w, 4000),
			.addr = {.family = ADDR_IPV4, .ip = {192, 0, 2, (uint8_t)(i + 1)}}};
	feed(w, &in);
}

static void connect(struct world *w, const struct asked *a)
{
	struct node_input in = {
		.event = NODE_FLOW_DOWN, .ticket = a->ticket, .bytes = SLICE("refused")};
	uint64_t *stream = stream_of(w, 0);

	if (stream != NULL && (w->calm || pick(w, 3) > 0)) {
		in = (struct node_input){
			.event = NODE_FLOW_UP, .ticket = a->ticket, .flow = a->flow};
		in.flow.remote = a->target;
		in.flow.connection = *stream = ++w->connections;
	}
	feed(w, &in);
}

static const struct mood {
	uint16_t status;
	const char *rest;
} moods[] = {
	{200, ""},
	{200, "Expires: 60\r\n"},
	{200, "Contact: <sip:a@h>;expires=5, <sip:b@h>;expires=5\r\n"},
	{200, "Expires: 0\r\n"},
	{100, ""},
	{401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"a\", qop=\"auth\"\r\n"},
	{401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"b\", stale=true\r\n"},
	{407, "Proxy-Authenticate: Digest realm=\"p\", nonce=\"c\", algorithm=SHA-256\r\n"},
	{401, ""},
	{423, "Min-Expires: 7200\r\n"},
	{302, "Contact: <sip:other.example;transport=tcp>\r\n"},
	{301, "Contact: <sip:192.0.2.77>\r\n"},
	{420, "Unsupported: gin\r\n"},
	{503, "Retry-After: 30\r\n"},
	{503, ""},
	{403, ""},
	{600, "Retry-After: 4000000000\r\n"},
};

static void answer(struct world *w, const struct asked *a)
{
	static struct sip_msg m;
	static uint8_t room[2 * TEXT];
	struct buf to = buf_on(room, sizeof room);
	const struct mood *mood = &moods[w->calm ? 0 : pick(w, ARRAY_LEN(moods))];
	struct node_input in = {.event = NODE_MESSAGE, .flow = a->flow};

	if (sip_parse((struct slice){a->bytes, a->n}, &m) != OK)
		return; /* a sign of life */
	in.flow.remote = a->target;
	reply_begin(&to, &m, &in.flow, mood->status, NULL, SLICE("theirs"));
	buf_str(&to, mood->rest);
	reply_end(&to);
	in.bytes = buf_slice(&to);
	feed(w, &in);
}

static void react(struct world *w, struct asked *a)
{
	struct asked it;

	if (a->kind == OUT_EXIT)
		return;
	it = *a;
	if (w->calm || pick(w, 3) > 0)
		a->kind = OUT_EXIT; /* not once more */
	if (it.kind == OUT_RESOLVE)
		resolve(w, &it);
	else if (it.kind == OUT_CONNECT)
		connect(w, &it);
	else if (it.kind == OUT_MESSAGE)
		answer(w, &it);
}

static void end_stream(struct world *w)
{
	uint64_t *stream = &w->stream[pick(w, STREAMS_MAX)];
	struct node_input in = {.event = NODE_FLOW_DOWN,
	                        .flow = {.transport = TRANSPORT_TCP, .connection = *stream}};

	if (*stream == 0)
		return;
	*stream = 0;
	feed(w, &in);
}

/* --- what is wanted --- */

static void set_options(struct world *w, size_t i)
{
	static const char *const names[NAMES] = {"a", "b", "c", "d"};
	static const char *const proxies[] = {"192.0.2.1", "carrier.example", "192.0.2.2:5070", ""};
	static const enum transport transports[] = {(enum transport)0, TRANSPORT_UDP, TRANSPORT_TCP,
	                                            TRANSPORT_TLS};
	static const char *const aors[] = {"sip:one@carrier.example", "sip:two@carrier.example"};

	w->options[i] = (struct nap_options){
		.name = slice_str(names[i]),
		.proxy = slice_str(proxies[pick(w, w->calm ? 3 : 4)]),
		.address_to_register = slice_str(aors[pick(w, 2)]),
		.password = pick(w, 4) == 0 ? SLICE("") : SLICE("secret"),
		.transport = transports[pick(w, ARRAY_LEN(transports))],
		.local = {.family = ADDR_IPV4, .port = 5060, .ip = {10, 0, 0, 10}},
		.registers = w->calm || pick(w, 4) > 0,
		.reuse_challenge = pick(w, 2) == 0,
		.gin = pick(w, 4) == 0,
		.outbound = pick(w, 3) == 0,
		.polls = pick(w, 3) > 0,
		.reg_event = pick(w, 2) == 0,
		.any_response_is_available = pick(w, 2) == 0,
		.expires_s = 60 + (uint32_t)pick(w, 3600),
		.refresh_percent = 50,
		.retry_ms = 5000,
		.retry_max_ms = pick(w, 2) == 0 ? 5000 : 60000,
		.timeout_ms = 32000,
		.poll_first_ms = 5000,
		.poll_interval_ms = 60000,
		.poll_timeout_ms = 12000,
		.poll_max_forwards = 1,
	};
}

static void reload(struct world *w)
{
	size_t n = w->calm ? NAMES : (size_t)pick(w, NAMES + 1);
	struct node_input in = {.event = NODE_NAPS, .naps = {w->options, n}};

	set_options(w, (size_t)pick(w, NAMES));
	for (size_t i = 0; w->calm && i < NAMES; i++)
		set_options(w, i);
	feed(w, &in);
}

static void command(struct world *w)
{
	static const char *const names[] = {"a", "b", "c", "d", "nobody"};
	struct node_command c = {
		.kind = (enum command_kind)(COMMAND_NAP_REGISTER + pick(w, 3)),
		.ticket = ++w->tickets,
		.key = slice_str(names[pick(w, ARRAY_LEN(names))]),
	};
	struct node_input in = {.event = NODE_COMMAND, .command = &c};

	feed(w, &in);
}

static void disk(struct world *w, bool all)
{
	uint64_t left = w->seq - w->durable;
	struct node_input in = {.event = NODE_DURABLE};

	in.seq = w->durable += all ? left : pick(w, left + 1);
	feed(w, &in);
}

static void pass(struct world *w, int64_t ms)
{
	struct node_input in = {.event = NODE_TURN};

	w->now.ms += ms;
	feed(w, &in);
}

static void anything(struct world *w)
{
	uint64_t what = pick(w, 20);

	if (what < 9)
		react(w, &w->asked[pick(w, ARRAY_LEN(w->asked))]);
	else if (what < 14)
		pass(w, (int64_t)pick(w, UINT64_C(1) << pick(w, 18)));
	else if (what < 17)
		disk(w, what == 14);
	else if (what == 17)
		end_stream(w);
	else if (what == 18)
		command(w);
	else
		reload(w);
}

/* --- a run --- */

static void begin(struct world *w, uint64_t seed)
{
	const struct alloc alloc = {heap_take_counted, heap_give_counted, &w->memory};
	static const struct domain_policy domain = {.name = {SLICE_OF("example.com")},
	                                            .default_expires_s = 3600,
	                                            .min_expires_s = 60,
	                                            .max_expires_s = 7200,
	                                            .max_contacts = 4};
	const struct node_options options = {
		.role = {.standalone = true, .advert_ms = 100, .peer_timeout_ms = 200},
		.server = {&domain, 1, INT64_C(300000), alloc},
		.unit = UNIT_STANDALONE,
		.node_id = 1,
		.secret_id = 1,
		.secret = {1},
		.longest_expires_ms = INT64_C(7200000),
		.default_expires_ms = INT64_C(3600000),
		.window_bytes = 4 << 20,
		.held_bytes = 1 << 20,
		.expiry_rate = 1000,
		.alloc = alloc,
	};
	struct node_input loaded = {.event = NODE_LOADED,
	                            .loaded = {.wall_ms = 1700000000000,
	                                       .wall_synchronised = true}};

	memset(w, 0, sizeof *w);
	w->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	w->now.ms = 1000000;
	w->node = node_new(&options, w->now);
	for (size_t i = 0; i < NAMES; i++)
		set_options(w, i);
	feed(w, &loaded);
	disk(w, true);
	assert_int_equal(node_role(w->node), ROLE_ACTIVE);
}

/* All is well: what is asked is answered, what is written is on the disk. */
static void calm_down(struct world *w)
{
	int64_t end = w->now.ms + CALM_MS;

	w->calm = true;
	reload(w);
	while (w->now.ms < end) {
		disk(w, true);
		for (size_t i = 0; i < ARRAY_LEN(w->asked); i++)
			react(w, &w->asked[i]);
		int64_t due = node_deadline(w->node).ms;
		bool soon = due < w->now.ms + MINUTE_MS;
		pass(w, soon && due > w->now.ms ? due - w->now.ms : soon ? 1 : MINUTE_MS);
	}
}

static void check_registered(const struct world *w, uint64_t seed)
{
	struct nap_view v;

	for (size_t i = 0; i < NAMES; i++) {
		assert_true(node_nap_view(w->node, i, w->now, &v));
		if (!v.registered || !v.is_available)
			fail_msg("seed %llu: " SLICE_FMT " is %s: " SLICE_FMT,
			         (unsigned long long)seed, SLICE_ARG(v.name),
			         nap_phase_name(v.phase), SLICE_ARG(v.why));
	}
	assert_false(node_nap_view(w->node, NAMES, w->now, &v));
}

/* C37, C38, C42, C44, F7: no answer, nor none, is more than it is, and the end is as it shall be */
static void whatever_happens_all_are_registered_in_the_end(void **state)
{
	static struct world w;
	size_t registers = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		begin(&w, seed);
		for (int i = 0; i < STEPS; i++)
			anything(&w);
		registers += w.registers;
		calm_down(&w);
		check_registered(&w, seed);
		node_free(&w.node);
		assert_int_equal(w.memory, 0);
	}
	assert_true(registers / SEEDS > 10); /* something did happen */
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_happens_all_are_registered_in_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
