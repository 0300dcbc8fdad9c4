/* layer: core */
/* What an active node sends to registered contacts by itself, and what it makes of silence. */
#include "tests/unit/addr_of.h"
#include "tests/unit/pair_story.h"

enum { KEPT = 64, PHONES = 2000 };
#define INTERVAL_MS INT64_C(20000)

/* What left that was no answer. */
static struct {
	unsigned n;
	struct node_output last;
	char text[2048];
	unsigned in_turn;
	int64_t first_ms, last_ms;
	const struct kit *kit;
} sent;

static void watch(const struct node_output *o)
{
	bool answer = o->bytes.n >= 8 && memcmp(o->bytes.p, "SIP/2.0 ", 8) == 0;

	if (o->kind != OUT_MESSAGE || answer)
		return;
	if (sent.n++ == 0)
		sent.first_ms = sent.kit->now.ms;
	sent.in_turn = sent.last_ms == sent.kit->now.ms ? sent.in_turn + 1 : 1;
	sent.last_ms = sent.kit->now.ms;
	sent.last = *o;
	(void)snprintf(sent.text, sizeof sent.text, SLICE_FMT, SLICE_ARG(o->bytes));
}

static struct domain_policy domain_of(enum keep_alive how, bool removes)
{
	struct domain_policy d = kit_domain;

	d.keep_alive = how;
	d.keep_alive_ms = INTERVAL_MS;
	d.keep_alive_remove = removes;
	d.redirect = true;
	return d;
}

static struct kit *begin(const struct domain_policy *d, bool paired)
{
	struct kit *k = kit_new();

	memset(&sent, 0, sizeof sent);
	sent.kit = k;
	k->domain = d;
	if (paired)
		pair_on(k, COMMIT_BOTH);
	else
		start_on(k, UNIT_STANDALONE, COMMIT_BOTH);
	k->node[A].watch = k->node[B].watch = watch;
	return k;
}

static void feed(struct kit *k, int at, const struct flow *flow, const char *text)
{
	struct node_input in = {.event = NODE_MESSAGE, .bytes = slice_str(text), .flow = *flow};

	kit_feed(k, at, &in);
	kit_settle(k);
}

static struct flow flow_from(enum transport transport, const char *remote)
{
	return (struct flow){transport, addr_of("10.0.0.10:5060"), addr_of(remote),
	                     transport == TRANSPORT_UDP ? 0 : 77};
}

static void enter(struct kit *k, const struct flow *flow, const char *user, const char *contact,
                  const char *more)
{
	static unsigned branch;
	char text[1024];

	(void)snprintf(text, sizeof text,
	               "REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/%s 192.0.2.7;branch=z9hG4bK-e%u;"
	               "rport\r\nFrom: <sip:%s@x>;tag=f\r\nTo: <sip:%s@x>\r\nCall-ID: c%s\r\n"
	               "CSeq: %u REGISTER\r\nMax-Forwards: 70\r\nContact: %s\r\nExpires: 3600\r\n"
	               "%sContent-Length: 0\r\n\r\n",
	               transport_name(flow->transport), branch, user, user, user, branch + 1,
	               contact, more);
	branch++;
	feed(k, A, flow, text);
	assert_true(says(k, A, "SIP/2.0 200"));
}

/* Answers what was sent last, as a phone does, from where it went to. */
static void answer_last(struct kit *k, int at, const struct flow *from)
{
	char text[4096];
	const char *via = strstr(sent.text, "Via: "), *rest = strstr(sent.text, "Content-Length");

	assert_true(via != NULL && rest != NULL);
	(void)snprintf(text, sizeof text, "SIP/2.0 486 Busy\r\n%.*sContent-Length: 0\r\n\r\n",
	               (int)(rest - via), via);
	feed(k, at, from, text);
}

static const char *locate(struct kit *k, int at, const char *user)
{
	static unsigned number;
	struct flow flow = flow_from(TRANSPORT_UDP, "192.0.2.99:5060");
	char text[512];

	(void)snprintf(
		text, sizeof text,
		"INVITE sip:%s@x SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.99;branch=z9hG4bK-l%u\r\n"
		"From: <sip:c@y>;tag=c\r\nTo: <sip:%s@x>\r\nCall-ID: l%u\r\n"
		"CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
		user, number, user, number);
	number++;
	feed(k, at, &flow, text);
	return k->node[at].last;
}

/* N2: from the address that the phone knows, to the one that its NAT shows */
static void a_contact_gets_crlf_every_interval_from_the_active_alone(void **state)
{
	(void)state;
	const struct domain_policy d = domain_of(KEEP_ALIVE_CRLF, true);
	const struct flow phone = flow_from(TRANSPORT_UDP, "198.51.100.7:40001");
	struct kit *k = begin(&d, true);

	enter(k, &phone, "alice", "<sip:alice@10.1.1.1>", "");
	kit_pass(k, 10 * INTERVAL_MS);
	assert_in_range(sent.n, 9, 11);
	assert_string_equal(sent.text, "\r\n\r\n");
	assert_true(addr_eq(&sent.last.target, &phone.remote));
	assert_true(addr_eq(&sent.last.flow.local, &phone.local));
	assert_int_equal(sent.last.flow.transport, TRANSPORT_UDP);
	assert_int_equal(status(k, A).contacts_asked, sent.n);
	assert_int_equal(status(k, B).contacts_asked, 0);
	assert_int_equal(status(k, A).contacts_silent, 0);
	assert_non_null(strstr(locate(k, A, "alice"), "302"));

	unsigned before = sent.n;
	node_free(&k->node[A].node);
	link_down(k);
	address(k, B, true);
	kit_pass(k, 2 * INTERVAL_MS);
	assert_in_range(sent.n - before, 1, 3);
	assert_int_equal(status(k, B).contacts_asked, sent.n - before);
	end(k);
}

static void a_domain_without_it_sends_nothing(void **state)
{
	(void)state;
	const struct domain_policy d = domain_of(KEEP_ALIVE_OFF, true);
	const struct flow phone = flow_from(TRANSPORT_UDP, "198.51.100.7:40001");
	struct kit *k = begin(&d, false);

	enter(k, &phone, "alice", "<sip:alice@10.1.1.1>", "");
	kit_pass(k, 3 * INTERVAL_MS);
	assert_int_equal(sent.n, 0);
	end(k);
}

static void who_is_many_is_asked_evenly_over_the_interval(void **state)
{
	(void)state;
	const struct domain_policy d = domain_of(KEEP_ALIVE_CRLF, false);
	struct kit *k = begin(&d, false);
	unsigned most = 0, last = 0;

	for (int i = 0; i < PHONES; i++) {
		char user[16], remote[32];
		(void)snprintf(user, sizeof user, "u%d", i);
		(void)snprintf(remote, sizeof remote, "198.51.100.7:%d", 10000 + i);
		const struct flow phone = flow_from(TRANSPORT_UDP, remote);
		enter(k, &phone, user, "<sip:u@10.1.1.1>", "");
	}
	kit_pass(k, INTERVAL_MS + 1000); /* to a round's beginning, more or less */
	sent.n = 0;
	for (int ms = 0; ms < INTERVAL_MS; ms += 100) {
		kit_pass(k, 100);
		most = sent.n - last > most ? sent.n - last : most;
		last = sent.n;
	}
	assert_in_range(sent.n, PHONES * 95 / 100, PHONES * 105 / 100);
	assert_true(most <= INT64_C(5) * PHONES / (INTERVAL_MS / 100));
	end(k);
}

/* Three unanswered in a row; whatever answers is there */
static void who_does_not_answer_options_comes_last_until_it_does(void **state)
{
	(void)state;
	const struct domain_policy d = domain_of(KEEP_ALIVE_OPTIONS, false);
	const struct flow phone = flow_from(TRANSPORT_UDP, "198.51.100.7:40001");
	const struct flow liar = flow_from(TRANSPORT_UDP, "203.0.113.1:5060");
	struct kit *k = begin(&d, false);

	enter(k, &phone, "alice", "<sip:alice@10.1.1.1;ob?X=y>", "");
	for (int i = 0; i < 6; i++) {
		unsigned before = sent.n;
		while (sent.n == before)
			kit_pass(k, 100);
		answer_last(k, A, &phone);
	}
	assert_int_equal(strncmp(sent.text, "OPTIONS sip:alice@10.1.1.1;ob SIP/2.0\r\n", 39), 0);
	assert_non_null(strstr(sent.text, "Via: SIP/2.0/UDP 10.0.0.10:5060;branch=z9hG4bK-ka-"));
	assert_non_null(strstr(sent.text, "\r\nTo: <sip:alice@x>\r\n"));
	assert_int_equal(status(k, A).contacts_answered, 6);
	assert_null(strstr(locate(k, A, "alice"), ";unreachable"));

	unsigned before = sent.n;
	while (sent.n < before + 3)
		kit_pass(k, 100);
	kit_pass(k, INTERVAL_MS / 2);
	assert_null(strstr(locate(k, A, "alice"), ";unreachable"));
	kit_pass(k, INTERVAL_MS);
	answer_last(k, A, &liar); /* from elsewhere: not the phone */
	assert_non_null(strstr(locate(k, A, "alice"), ";unreachable"));
	kit_pass(k, INTERVAL_MS);
	assert_int_equal(status(k, A).contacts_silent, 1);
	answer_last(k, A, &phone);
	assert_null(strstr(locate(k, A, "alice"), ";unreachable"));
	kit_pass(k, 2 * INTERVAL_MS);
	assert_int_equal(status(k, A).contacts_silent, 0);
	assert_int_equal(status(k, A).contacts_dropped, 0);
	end(k);
}

/* The phone's later registration counts as if nothing had been */
static void by_policy_who_does_not_answer_ends_on_both_nodes(void **state)
{
	(void)state;
	const struct domain_policy d = domain_of(KEEP_ALIVE_OPTIONS, true);
	const struct flow phone = flow_from(TRANSPORT_UDP, "198.51.100.7:40001");
	const struct flow other = flow_from(TRANSPORT_UDP, "198.51.100.8:40001");
	struct kit *k = begin(&d, true);

	enter(k, &phone, "alice", "<sip:alice@10.1.1.1>", "");
	kit_pass(k, 8 * INTERVAL_MS);
	assert_non_null(strstr(locate(k, A, "alice"), "302")); /* nobody answers: is it us? */
	assert_int_equal(status(k, A).contacts_dropped, 0);
	enter(k, &other, "bob", "<sip:bob@10.1.1.1>", "");
	for (int i = 0; i < 3 * INTERVAL_MS / 100; i++) {
		unsigned before = sent.n;
		kit_pass(k, 100);
		if (sent.n != before && addr_eq(&sent.last.target, &other.remote))
			answer_last(k, A, &other);
	}
	assert_int_equal(status(k, A).contacts_dropped, 1);
	assert_non_null(strstr(locate(k, A, "bob"), "302"));
	assert_null(strstr(locate(k, A, "alice"), "SIP/2.0 302"));
	assert_string_equal(status(k, A).digest, status(k, B).digest);
	enter(k, &phone, "alice", "<sip:alice@10.1.1.1>", "");
	assert_non_null(strstr(locate(k, A, "alice"), "302"));
	end(k);
}

/* A21: a stream is lost when it is closed; behind a Path the edge proxy knows */
static void a_stream_is_used_while_it_is_open(void **state)
{
	(void)state;
	const struct domain_policy d = domain_of(KEEP_ALIVE_CRLF, false);
	struct flow phone = flow_from(TRANSPORT_TCP, "198.51.100.7:40001");
	struct kit *k = begin(&d, false);

	enter(k, &phone, "alice", "<sip:alice@10.1.1.1;transport=tcp>", "");
	enter(k, &phone, "edge", "<sip:e@10.1.1.1;transport=tcp>", "Path: <sip:p;lr>\r\n");
	kit_pass(k, 2 * INTERVAL_MS);
	assert_in_range(sent.n, 1, 2); /* not to the edge's phone */
	assert_int_equal(sent.last.flow.connection, 77);
	assert_null(strstr(locate(k, A, "alice"), ";flow-lost"));

	struct node_input down = {.event = NODE_FLOW_DOWN, .flow = phone};
	down.flow.connection = 76; /* an older one from the same port: not this */
	kit_feed(k, A, &down);
	assert_null(strstr(locate(k, A, "alice"), ";flow-lost"));
	down.flow.connection = 77;
	kit_feed(k, A, &down);
	assert_non_null(strstr(locate(k, A, "alice"), ";flow-lost"));
	assert_null(strstr(locate(k, A, "edge"), ";flow-lost"));
	unsigned before = sent.n;
	kit_pass(k, 2 * INTERVAL_MS);
	assert_int_equal(sent.n, before);
	end(k);
}

/* A21: the new active has none of the old one's streams */
static void after_a_takeover_every_stream_is_lost(void **state)
{
	(void)state;
	const struct domain_policy d = domain_of(KEEP_ALIVE_OFF, false);
	const struct flow phone = flow_from(TRANSPORT_TCP, "198.51.100.7:40001");
	struct kit *k = begin(&d, true);

	enter(k, &phone, "alice", "<sip:alice@10.1.1.1;transport=tcp>", "");
	assert_null(strstr(locate(k, A, "alice"), ";flow-lost"));
	node_free(&k->node[A].node);
	link_down(k);
	address(k, B, true);
	assert_non_null(strstr(locate(k, B, "alice"), ";flow-lost"));
	end(k);
}

/* A device registers over TCP from this port; its connection may end at once. */
static void enter_by_tcp(struct kit *k, unsigned device, unsigned port, bool ends)
{
	char remote[32], contact[128];

	(void)snprintf(remote, sizeof remote, "198.51.100.7:%u", port);
	(void)snprintf(contact, sizeof contact,
	               "<sip:a@10.1.1.1:%u;transport=tcp>;+sip.instance=\"<urn:uuid:%u>\"", port,
	               device);
	struct flow flow = flow_from(TRANSPORT_TCP, remote);
	struct node_input down = {.event = NODE_FLOW_DOWN, .flow = flow};
	enter(k, &flow, "alice", contact, "");
	if (ends)
		kit_feed(k, A, &down);
}

/* A phone that starts again comes with another port, and another Contact */
static void a_phone_takes_the_place_of_what_it_was(void **state)
{
	(void)state;
	const struct domain_policy d = domain_of(KEEP_ALIVE_OFF, false);
	struct kit *k = begin(&d, false);

	for (unsigned i = 0; i < 6; i++) /* max_contacts is 4 */
		enter_by_tcp(k, 1, 40000 + i, i < 5);
	const char *found = locate(k, A, "alice");
	assert_non_null(strstr(found, ":40005"));
	assert_null(strstr(found, ":40004"));

	/* One that is open stays; so does another phone's, lost or not. */
	enter_by_tcp(k, 2, 41000, true);
	enter_by_tcp(k, 1, 42000, false);
	found = k->node[A].last; /* callers are offered one of the two */
	assert_non_null(strstr(found, ":40005"));
	assert_non_null(strstr(found, ":41000"));
	assert_non_null(strstr(found, ":42000"));
	end(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_contact_gets_crlf_every_interval_from_the_active_alone),
		cmocka_unit_test(a_domain_without_it_sends_nothing),
		cmocka_unit_test(who_is_many_is_asked_evenly_over_the_interval),
		cmocka_unit_test(who_does_not_answer_options_comes_last_until_it_does),
		cmocka_unit_test(by_policy_who_does_not_answer_ends_on_both_nodes),
		cmocka_unit_test(a_stream_is_used_while_it_is_open),
		cmocka_unit_test(after_a_takeover_every_stream_is_lost),
		cmocka_unit_test(a_phone_takes_the_place_of_what_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
