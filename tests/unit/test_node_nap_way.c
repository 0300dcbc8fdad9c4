/* layer: core */
/* The way to a NAP's proxy: the DNS, streams, other targets. */
#include "tests/unit/nap_kit.h"

static void resolved(struct kit *k, const struct dns_answer *answer)
{
	struct node_input in = {
		.event = NODE_RESOLVED, .ticket = nap_newest()->ticket, .dns = answer};

	assert_int_equal(nap_newest()->kind, OUT_RESOLVE);
	kit_feed(k, A, &in);
	kit_settle(k);
}

static void resolved_to(struct kit *k, const char *const *addrs, size_t n)
{
	struct dns_answer a = {.outcome = DNS_FOUND, .n = n};

	for (size_t i = 0; i < n; i++) {
		a.records[i].ttl_s = 300;
		assert_true(addr_parse(slice_str(addrs[i]), &a.records[i].addr));
	}
	resolved(k, &a);
}

static struct nap_options named(enum transport transport)
{
	struct nap_options o = nap_reference("trunk");

	o.proxy = SLICE("sip.provider.example:5070");
	o.transport = transport;
	return o;
}

static void flow_up(struct kit *k, uint64_t connection)
{
	struct node_input in = {.event = NODE_FLOW_UP, .ticket = nap_newest()->ticket};

	assert_int_equal(nap_newest()->kind, OUT_CONNECT);
	in.flow = (struct flow){.transport = TRANSPORT_TCP, .connection = connection};
	in.flow.remote = nap_newest()->target;
	kit_feed(k, A, &in);
	kit_settle(k);
}

static void no_flow(struct kit *k, const char *why)
{
	struct node_input in = {
		.event = NODE_FLOW_DOWN, .ticket = nap_newest()->ticket, .bytes = slice_str(why)};

	assert_int_equal(nap_newest()->kind, OUT_CONNECT);
	kit_feed(k, A, &in);
	kit_settle(k);
}

static void flow_down(struct kit *k, uint64_t connection)
{
	struct node_input in = {.event = NODE_FLOW_DOWN,
	                        .flow = {.transport = TRANSPORT_TCP, .connection = connection}};

	kit_feed(k, A, &in);
	kit_settle(k);
}

static struct nap_options over_tcp(void)
{
	struct nap_options o = nap_reference("trunk");

	o.transport = TRANSPORT_TCP;
	return o;
}

/* F2: a name and a port: an address is asked for, and the REGISTER goes there. */
static void a_name_is_looked_up_first(void **state)
{
	(void)state;
	static const char *const addrs[] = {"192.0.2.9"};
	struct nap_options o = named(TRANSPORT_UDP);
	struct kit *k = nap_alone(&o);

	assert_int_equal(heard.n, 1);
	assert_int_equal(nap_newest()->question, DNS_A);
	assert_string_equal(nap_newest()->text, "sip.provider.example");
	resolved_to(k, addrs, 1);
	assert_true(nap_is(nap_newest(), "REGISTER "));
	assert_int_equal(nap_newest()->target.port, 5070);
	assert_int_equal(nap_newest()->target.ip[3], 9);
	nap_grant(k, A, 60);
	nap_run(k, 30000);
	assert_int_equal(heard.n, 3); /* no further question: the answer is good for 300 s */
	end(k);
}

/* C37: bad input: a name that the DNS does not know; asked anew with each try. */
static void an_unresolvable_name_is_named_and_tried_again(void **state)
{
	(void)state;
	const struct dns_answer nothing = {.outcome = DNS_NOTHING},
				failed = {.outcome = DNS_FAILED};
	struct nap_options o = named(TRANSPORT_UDP);
	struct kit *k = nap_alone(&o);

	resolved(k, &nothing);
	nap_is_in(k, A, NAP_WAITING, "the DNS has no address for it");
	nap_run(k, 4999);
	assert_int_equal(heard.n, 1);
	nap_run(k, 1);
	assert_int_equal(heard.n, 2);
	resolved(k, &failed);
	nap_is_in(k, A, NAP_WAITING, "the DNS does not answer");
	end(k);
}

/* An answer that never comes, and one to a question that is not asked any more. */
static void a_lookup_that_never_ends_is_a_failure(void **state)
{
	(void)state;
	const struct dns_answer nothing = {.outcome = DNS_NOTHING};
	struct nap_options o = named(TRANSPORT_UDP);
	struct kit *k = nap_alone(&o);
	struct node_input late = {
		.event = NODE_RESOLVED, .ticket = nap_newest()->ticket, .dns = &nothing};

	nap_run(k, 30000);
	nap_is_in(k, A, NAP_WAITING, "the way there could not be found in time");
	kit_feed(k, A, &late);
	nap_is_in(k, A, NAP_WAITING, "the way there could not be found in time");
	end(k);
}

/* C35 F7: the first address does not answer: the second gets the same request, and keeps the trunk (F8). */
static void a_dead_target_gives_way_to_the_next(void **state)
{
	(void)state;
	static const char *const addrs[] = {"192.0.2.9", "192.0.2.10"};
	struct nap_options o = named(TRANSPORT_UDP);
	struct kit *k = nap_alone(&o);

	resolved_to(k, addrs, 2);
	uint8_t first = nap_newest()->target.ip[3];
	nap_run(k, 32000);
	assert_int_not_equal(nap_newest()->target.ip[3], first);
	uint8_t second = nap_newest()->target.ip[3];
	assert_int_equal(nap_cseq(nap_newest()), 1000);
	nap_grant(k, A, 60);
	nap_is_in(k, A, NAP_REGISTERED, "");
	nap_run(k, 30000);
	assert_int_equal(nap_newest()->target.ip[3], second);
	assert_int_equal(nap_cseq(nap_newest()), 1001);
	end(k);
}

/* C16 C17 */
static void an_unavailable_target_gives_way_to_the_next(void **state)
{
	(void)state;
	static const char *const addrs[] = {"192.0.2.9", "192.0.2.10"};
	struct nap_options o = named(TRANSPORT_UDP);
	struct kit *k = nap_alone(&o);

	resolved_to(k, addrs, 2);
	uint8_t first = nap_newest()->target.ip[3];
	nap_answer(k, A, "503 Busy", "Retry-After: 100\r\n");
	assert_int_not_equal(nap_newest()->target.ip[3], first);
	int64_t refused = k->now.ms;
	nap_answer(k, A, "503 Busy", "Retry-After: 30\r\n");
	nap_is_in(k, A, NAP_WAITING, "unavailable");
	size_t before = heard.n;
	while (heard.n == before && k->now.ms < refused + 200000)
		nap_run(k, 1000);
	assert_in_range(k->now.ms - refused, 30000, 31000);
	assert_int_not_equal(nap_newest()->target.ip[3], first);
	end(k);
}

/* C19: to where it was redirected, by its URI; afterwards as configured. */
static void a_redirection_is_followed_once(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	struct kit *k = nap_alone(&o);

	nap_answer(k, A, "302 Moved", "Contact: <sip:192.0.2.77:5080>\r\n");
	assert_int_equal(heard.n, 2);
	assert_int_equal(nap_newest()->target.ip[3], 77);
	assert_int_equal(nap_newest()->target.port, 5080);
	assert_true(nap_is(nap_newest(), "REGISTER sip:192.0.2.77:5080 SIP/2.0"));
	nap_grant(k, A, 60);
	nap_is_in(k, A, NAP_REGISTERED, "");
	nap_run(k, 30000);
	assert_int_equal(nap_newest()->target.ip[3], 1);
	assert_true(nap_is(nap_newest(), "REGISTER sip:provider.example SIP/2.0"));
	end(k);
}

/* TCP, port closed: a connection is tried every 5 s. */
static void a_closed_port_is_tried_every_five_seconds(void **state)
{
	(void)state;
	struct nap_options o = over_tcp();
	struct kit *k = nap_alone(&o);
	int64_t begin = nap_newest()->at_ms;

	for (int64_t i = 1; i <= 4; i++) {
		no_flow(k, "refused");
		nap_is_in(k, A, NAP_WAITING, "refused");
		nap_run(k, 5000);
		assert_int_equal(nap_newest()->kind, OUT_CONNECT);
		assert_int_equal(nap_newest()->at_ms, begin + 5000 * i);
	}
	flow_up(k, 9);
	assert_true(nap_is(nap_newest(), "REGISTER "));
	assert_int_equal(nap_newest()->connection, 9);
	assert_non_null(
		strstr(nap_newest()->text, "Contact: <sip:box@10.0.0.10:5060;transport=tcp>"));
	nap_grant(k, A, 60);
	nap_run(k, 30000);
	assert_true(nap_is(nap_newest(), "REGISTER "));
	assert_int_equal(nap_newest()->connection, 9);
	end(k);
}

/* C03: TCP, connected but silent: nothing is sent again, 32 s, 5 s, and another connection. */
static void a_silent_stream_is_given_up(void **state)
{
	(void)state;
	struct nap_options o = over_tcp();
	struct kit *k = nap_alone(&o);

	flow_up(k, 9);
	int64_t sent = nap_newest()->at_ms;
	nap_run(k, 31999);
	assert_int_equal(nap_count("REGISTER"), 1);
	nap_run(k, 1);
	assert_int_equal(nap_newest()->kind, OUT_CLOSE_FLOW);
	assert_int_equal(nap_newest()->connection, 9);
	nap_is_in(k, A, NAP_WAITING, "no answer");
	nap_run(k, 5000);
	assert_int_equal(nap_newest()->kind, OUT_CONNECT);
	assert_int_equal(nap_newest()->at_ms, sent + 37000);
	end(k);
}

/* C38: reset with a request on its way: failed at once. C39: at rest it matters at the refresh. */
static void a_stream_that_goes_is_noticed(void **state)
{
	(void)state;
	struct nap_options o = over_tcp();
	struct kit *k = nap_alone(&o);

	flow_up(k, 9);
	flow_down(k, 9);
	nap_is_in(k, A, NAP_WAITING, "its stream broke");
	nap_run(k, 5000);
	flow_up(k, 10);
	nap_grant(k, A, 60);
	flow_down(k, 10);
	nap_is_in(k, A, NAP_REGISTERED, "");
	size_t before = heard.n;
	nap_run(k, 29999);
	assert_int_equal(heard.n, before);
	nap_run(k, 1);
	assert_int_equal(nap_newest()->kind, OUT_CONNECT);
	end(k);
}

/* C39 C40 */
static void with_outbound_a_lost_stream_is_made_anew(void **state)
{
	(void)state;
	struct nap_options o = over_tcp();
	o.outbound = true;
	struct kit *k = nap_alone(&o);

	flow_up(k, 9);
	assert_non_null(strstr(nap_newest()->text, ";reg-id=1"));
	nap_grant(k, A, 600);
	flow_down(k, 9);
	assert_int_equal(nap_newest()->kind, OUT_CONNECT);
	flow_up(k, 10);
	assert_true(nap_is(nap_newest(), "REGISTER "));
	end(k);
}

static void pong(struct kit *k, uint64_t connection)
{
	struct node_input in = {.event = NODE_MESSAGE,
	                        .bytes = SLICE("\r\n"),
	                        .flow = {.transport = TRANSPORT_TCP, .connection = connection}};

	kit_feed(k, A, &in);
	kit_settle(k);
}

/* C40: asked for a sign of life every 96 to 120 s; without one within 10 s the stream is dead. */
static void a_stream_without_a_pong_is_dead(void **state)
{
	(void)state;
	struct nap_options o = over_tcp();
	o.outbound = true;
	struct kit *k = nap_alone(&o);

	flow_up(k, 9);
	nap_grant(k, A, 3600);
	nap_run(k, 95900);
	assert_int_equal(nap_count("\r\n\r\n"), 0);
	nap_run(k, 24200);
	assert_string_equal(nap_newest()->text, "\r\n\r\n");
	assert_int_equal(nap_newest()->connection, 9);
	pong(k, 8); /* another's */
	pong(k, 9);
	size_t before = heard.n;
	nap_run(k, 95900);
	assert_int_equal(heard.n, before);
	while (heard.n == before)
		nap_run(k, 100);
	int64_t asked_at = nap_newest()->at_ms;
	assert_string_equal(nap_newest()->text, "\r\n\r\n");
	nap_run(k, asked_at + 9999 - k->now.ms);
	assert_int_equal(heard.n, before + 1);
	nap_run(k, 1);
	assert_int_equal(heard.at[before + 1].kind, OUT_CLOSE_FLOW);
	assert_int_equal(nap_newest()->kind, OUT_CONNECT);
	flow_up(k, 10);
	assert_true(nap_is(nap_newest(), "REGISTER "));
	end(k);
}

/* C40: with a request on its way it is that which broke. */
static void a_stream_that_dies_under_a_request_breaks_it(void **state)
{
	(void)state;
	struct nap_options o = over_tcp();
	o.outbound = true;
	o.polls = true;
	o.poll_first_ms = 100000;
	o.timeout_ms = 600000;
	struct kit *k = nap_alone(&o);

	flow_up(k, 9);
	nap_run(k, 135000);
	assert_true(nap_count("\r\n\r\n") == 1);
	nap_is_in(k, A, NAP_WAITING, "its stream broke");
	end(k);
}

/* C41: the edge says what is wrong with a certificate; a stream nobody waits for is closed. */
static void the_edges_reason_is_shown(void **state)
{
	(void)state;
	struct nap_options o = named(TRANSPORT_TLS);
	static const char *const addrs[] = {"192.0.2.9"};
	struct kit *k = nap_alone(&o);

	resolved_to(k, addrs, 1);
	assert_int_equal(nap_newest()->kind, OUT_CONNECT);
	assert_string_equal(nap_newest()->text, "sip.provider.example");
	no_flow(k, "certificate of another host: mail.example");
	nap_is_in(k, A, NAP_WAITING, "certificate of another host: mail.example");
	assert_int_equal(nap_count("REGISTER"), 0);
	struct node_input stray = {.event = NODE_FLOW_UP, .ticket = 1 << 20};
	stray.flow = (struct flow){.transport = TRANSPORT_TLS, .connection = 77};
	kit_feed(k, A, &stray);
	assert_int_equal(nap_newest()->kind, OUT_CLOSE_FLOW);
	assert_int_equal(nap_newest()->connection, 77);
	end(k);
}

/* A stream that comes about behind the end of a reign is not that of who is active now. */
static void a_stream_that_comes_too_late_is_closed(void **state)
{
	(void)state;
	struct nap_options o = over_tcp();
	struct kit *k = nap_alone(&o);
	struct node_input up = {.event = NODE_FLOW_UP, .ticket = nap_newest()->ticket};

	assert_int_equal(nap_newest()->kind, OUT_CONNECT);
	up.flow = (struct flow){.transport = TRANSPORT_TCP, .connection = 9};
	kit_feed(k, A, &(struct node_input){.event = NODE_LOG_FAILED});
	assert_int_not_equal(node_role(k->node[A].node), ROLE_ACTIVE);
	kit_feed(k, A, &up);
	assert_int_equal(nap_newest()->kind, OUT_CLOSE_FLOW);
	assert_int_equal(nap_newest()->connection, 9);
	assert_int_equal(nap_count("REGISTER"), 0);
	end(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_looked_up_first),
		cmocka_unit_test(an_unresolvable_name_is_named_and_tried_again),
		cmocka_unit_test(a_lookup_that_never_ends_is_a_failure),
		cmocka_unit_test(a_dead_target_gives_way_to_the_next),
		cmocka_unit_test(an_unavailable_target_gives_way_to_the_next),
		cmocka_unit_test(a_redirection_is_followed_once),
		cmocka_unit_test(a_closed_port_is_tried_every_five_seconds),
		cmocka_unit_test(a_silent_stream_is_given_up),
		cmocka_unit_test(a_stream_that_goes_is_noticed),
		cmocka_unit_test(with_outbound_a_lost_stream_is_made_anew),
		cmocka_unit_test(a_stream_without_a_pong_is_dead),
		cmocka_unit_test(a_stream_that_dies_under_a_request_breaks_it),
		cmocka_unit_test(the_edges_reason_is_shown),
		cmocka_unit_test(a_stream_that_comes_too_late_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
