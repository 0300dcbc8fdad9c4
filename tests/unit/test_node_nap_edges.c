/* layer: core */
/* What a file, a proxy or a store may hold, and hardly ever does. */
#include "proto/record_nap.h"
#include "tests/unit/nap_kit.h"

static void redirect(struct kit *k, const char *uri)
{
	char line[1200];

	(void)snprintf(line, sizeof line, "Contact: <%s>\r\n", uri);
	nap_answer(k, A, "302 Moved", line);
}

/* C19 C20: what a redirection may name: a transport, a name, TLS; or nothing that can be reached. */
static void redirections_lead_where_they_say(void **state)
{
	(void)state;
	static const struct {
		const char *uri;
		enum node_output_kind next;
		const char *why;
	} rows[] = {
		{"sip:192.0.2.7;transport=tcp", OUT_CONNECT, ""},
		{"sip:192.0.2.7;transport=TLS", OUT_CONNECT, ""},
		{"sip:192.0.2.7;transport=sctp", OUT_MESSAGE, ""},
		{"sips:192.0.2.7", OUT_CONNECT, ""},
		{"sip:other.example", OUT_RESOLVE, ""},
		{"sip:[2001:db8::1]", OUT_MESSAGE, "the DNS has no address for it"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct nap_options o = nap_reference("trunk");
		struct kit *k = nap_alone(&o);
		redirect(k, rows[i].uri);
		assert_int_equal(nap_newest()->kind, rows[i].next);
		nap_is_in(k, A, rows[i].why[0] != '\0' ? NAP_WAITING : NAP_REGISTERING,
		          rows[i].why);
		end(k);
	}
}

static void a_redirection_too_long_is_none(void **state)
{
	(void)state;
	char uri[700];
	struct nap_options o = nap_reference("trunk");
	struct kit *k = nap_alone(&o);

	(void)snprintf(uri, sizeof uri, "sip:%0600d.example", 0);
	redirect(k, uri);
	assert_int_equal(heard.n, 1);
	assert_int_equal(nap_view_of(k, A, 0).phase, NAP_WAITING);
	end(k);
}

/* Bad input: a proxy that is no host, and an AOR that is no URI. */
static void what_cannot_be_read_sends_nothing(void **state)
{
	(void)state;
	struct nap_options bad_proxy = nap_reference("trunk"), bad_aor = nap_reference("trunk");
	bad_proxy.proxy = SLICE("192.0.2.1:port");
	bad_aor.address_to_register = SLICE("box");
	struct kit *k = nap_alone(&bad_proxy);

	nap_is_in(k, A, NAP_WAITING, "its proxy cannot be read");
	nap_run(k, 20000);
	assert_int_equal(heard.n, 0);
	end(k);
	k = nap_alone(&bad_aor);
	nap_run(k, 20000);
	assert_int_equal(heard.n, 0);
	nap_is_in(k, A, NAP_IDLE, "what is to be registered is no SIP URI");
	end(k);
}

static void sips_goes_by_tls_alone(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	o.address_to_register = SLICE("sips:box@provider.example");
	o.transport = (enum transport)0;
	struct kit *k = nap_alone(&o);

	assert_int_equal(nap_newest()->kind, OUT_CONNECT);
	assert_int_equal(nap_newest()->target.port, 5061);
	end(k);
}

/* --- another configuration --- */

typedef void change_fn(struct nap_options *o);

static void user(struct nap_options *o)
{
	o->user = SLICE("other");
}
static void realm(struct nap_options *o)
{
	o->realm = SLICE("other");
}
static void ignore_realm(struct nap_options *o)
{
	o->ignore_realm = true;
}
static void reuse(struct nap_options *o)
{
	o->reuse_challenge = true;
}
static void percent(struct nap_options *o)
{
	o->refresh_percent = 60;
}
static void retry(struct nap_options *o)
{
	o->retry_ms = 6000;
}
static void retry_max(struct nap_options *o)
{
	o->retry_max_ms = 9000;
}
static void time_out(struct nap_options *o)
{
	o->timeout_ms = 9000;
}
static void polls(struct nap_options *o)
{
	o->polls = true;
}
static void poll_first(struct nap_options *o)
{
	o->poll_first_ms = 1;
}
static void poll_interval(struct nap_options *o)
{
	o->poll_interval_ms = 1;
}
static void poll_time_out(struct nap_options *o)
{
	o->poll_timeout_ms = 1;
}
static void poll_hops(struct nap_options *o)
{
	o->poll_max_forwards = 7;
}
static void poll_rule(struct nap_options *o)
{
	o->any_response_is_available = false;
}
static void proxy(struct nap_options *o)
{
	o->proxy = SLICE("192.0.2.2");
}
static void aor(struct nap_options *o)
{
	o->address_to_register = SLICE("sip:other@x");
}
static void transport(struct nap_options *o)
{
	o->transport = TRANSPORT_TCP;
}
static void local(struct nap_options *o)
{
	o->local.port++;
}
static void gin(struct nap_options *o)
{
	o->gin = true;
}
static void outbound(struct nap_options *o)
{
	o->outbound = true;
}
static void registers(struct nap_options *o)
{
	o->registers = false;
}

/* A registration is left alone by what does not make another binding of it, and taken away by what does. */
static void only_another_binding_is_taken_away(void **state)
{
	(void)state;
	static change_fn *const calm[] = {user,      realm,      ignore_realm,  reuse,
	                                  percent,   retry,      retry_max,     time_out,
	                                  polls,     poll_first, poll_interval, poll_time_out,
	                                  poll_hops, poll_rule};
	static change_fn *const other[] = {proxy, aor, transport, local, gin, outbound, registers};

	for (size_t i = 0; i < ARRAY_LEN(calm) + ARRAY_LEN(other); i++) {
		bool is_calm = i < ARRAY_LEN(calm);
		struct nap_options o = nap_reference("trunk");
		struct kit *k = nap_alone(&o);
		nap_grant(k, A, 3600);
		(is_calm ? calm[i] : other[i - ARRAY_LEN(calm)])(&o);
		nap_configure(k, A, &o, 1);
		assert_int_equal(nap_count("REGISTER"), is_calm ? 1 : 2);
		nap_is_in(k, A, is_calm ? NAP_REGISTERED : NAP_UNREGISTERING, "");
		end(k);
	}
}

/* The third file comes before the first binding is gone: the second is nobody's any more. */
static void two_changes_at_once_are_the_second(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	struct kit *k = nap_alone(&o);

	nap_grant(k, A, 3600);
	o.address_to_register = SLICE("sip:second@provider.example");
	nap_configure(k, A, &o, 1);
	o.address_to_register = SLICE("sip:third@provider.example");
	nap_configure(k, A, &o, 1);
	nap_answer(k, A, "200 OK", "");
	kit_pass(k, 50);
	assert_non_null(strstr(nap_newest()->text, "To: <sip:third@provider.example>"));
	assert_int_equal(nap_count("REGISTER"), 3);
	end(k);
}

/* --- polls --- */

static void resolved_to_two(struct kit *k)
{
	struct dns_answer a = {.outcome = DNS_FOUND, .n = 2};
	struct node_input in = {.event = NODE_RESOLVED, .ticket = nap_newest()->ticket, .dns = &a};

	a.records[0].ttl_s = a.records[1].ttl_s = 3600;
	assert_true(addr_parse(SLICE("192.0.2.8"), &a.records[0].addr));
	assert_true(addr_parse(SLICE("192.0.2.9"), &a.records[1].addr));
	kit_feed(k, A, &in);
	kit_settle(k);
}

static struct nap_options polled(enum transport transport)
{
	struct nap_options o = nap_reference("trunk");

	o.proxy = SLICE("sip.provider.example:5060");
	o.transport = transport;
	o.registers = false;
	o.polls = true;
	return o;
}

/* F7: where nothing but polls goes there, a dead target gives way to the next at the next poll. */
static void a_poll_without_answer_turns_to_the_next_target(void **state)
{
	(void)state;
	struct nap_options o = polled(TRANSPORT_UDP);
	struct kit *k = nap_alone(&o);

	nap_run(k, 5000);
	assert_int_equal(nap_newest()->kind, OUT_RESOLVE);
	resolved_to_two(k);
	uint8_t first = nap_newest()->target.ip[3];
	nap_run(k, 12000);
	assert_false(nap_view_of(k, A, 0).is_available);
	nap_run(k, 48000);
	assert_true(nap_is(nap_newest(), "OPTIONS "));
	assert_int_not_equal(nap_newest()->target.ip[3], first);
	end(k);
}

/* A stream for polls: refused at the first target, made to the second, silent and so given up. */
static void polls_go_by_streams_too(void **state)
{
	(void)state;
	struct nap_options o = polled(TRANSPORT_TCP);
	struct kit *k = nap_alone(&o);

	nap_run(k, 5000);
	resolved_to_two(k);
	assert_int_equal(nap_newest()->kind, OUT_CONNECT);
	uint8_t first = nap_newest()->target.ip[3];
	struct node_input down = {
		.event = NODE_FLOW_DOWN, .ticket = nap_newest()->ticket, .bytes = SLICE("refused")};
	kit_feed(k, A, &down);
	kit_settle(k);
	assert_int_equal(nap_newest()->kind, OUT_CONNECT);
	assert_int_not_equal(nap_newest()->target.ip[3], first);
	struct node_input up = {.event = NODE_FLOW_UP, .ticket = nap_newest()->ticket};
	up.flow = (struct flow){.transport = TRANSPORT_TCP, .connection = 4};
	kit_feed(k, A, &up);
	kit_settle(k);
	assert_true(nap_is(nap_newest(), "OPTIONS "));
	nap_run(k, 12000);
	assert_int_equal(nap_newest()->kind, OUT_CLOSE_FLOW);
	assert_int_equal(nap_newest()->connection, 4);
	end(k);
}

static void a_poll_without_a_way_says_unavailable(void **state)
{
	(void)state;
	struct nap_options o = polled(TRANSPORT_TCP);
	struct kit *k = nap_alone(&o);

	nap_run(k, 5000);
	assert_int_equal(nap_newest()->kind, OUT_RESOLVE);
	nap_run(k, 30000);
	assert_false(nap_view_of(k, A, 0).is_available);
	nap_run(k, 60000);
	assert_int_equal(heard.n, 2); /* asked anew */
	end(k);
}

/* --- what a store may hold --- */

static struct kit *with_record(const struct nap_record *r, const struct nap_options *o, size_t n)
{
	struct kit *k = kit_new();
	uint8_t room[4096];
	struct buf value = buf_on(room, sizeof room);
	struct node_input record = {.event = NODE_RECORD};
	struct node_input loaded = {.event = NODE_LOADED,
	                            .loaded = {.applied = {1, 1}, .wall_ms = 1700000000000}};
	struct node_input here = {.event = NODE_ADDRESS, .address = {true, true}};

	k->node[A].node = kit_make(k, UNIT_STANDALONE, COMMIT_DISK);
	k->node[A].appended = 1;
	nap_listen(k);
	nap_encode(r, &value);
	record.record.table = TABLE_NAP;
	record.record.key = SLICE("trunk");
	record.record.value = buf_slice(&value);
	kit_feed(k, A, &record);
	kit_feed(k, A, &loaded);
	kit_feed(k, A, &here);
	nap_configure(k, A, o, n);
	kit_pass(k, 1000);
	assert_int_equal(node_role(k->node[A].node), ROLE_ACTIVE);
	return k;
}

static struct nap_record bound_record(void)
{
	struct nap_record r = {.phase = NAP_REGISTERED,
	                       .call_id = SLICE("c"),
	                       .from_tag = SLICE("t"),
	                       .cseq = 7,
	                       .aor = SLICE("sip:box@provider.example"),
	                       .contact = SLICE("sip:box@10.0.0.10:5060"),
	                       .transport = TRANSPORT_UDP,
	                       .epoch = 1,
	                       .unit = UNIT_STANDALONE};

	assert_true(addr_parse(SLICE("192.0.2.1:5060"), &r.target));
	r.due.ms = 1600000000000;
	r.until.ms = 1800000000000;
	return r;
}

/* RFC 3261 8.1.1.5: the numbers run out: another Call-ID begins at the first. */
static void at_the_end_of_the_numbers_another_call_id_begins(void **state)
{
	(void)state;
	char id[256];
	struct nap_options o = nap_reference("trunk");
	struct nap_record r = bound_record();
	r.cseq = (UINT32_C(1) << 31) - 5;
	struct kit *k = with_record(&r, &o, 1);

	assert_true(nap_is(nap_newest(), "REGISTER "));
	assert_string_not_equal(nap_header(nap_newest()->text, "Call-ID", id), "c");
	assert_int_equal(nap_cseq(nap_newest()), 1000);
	end(k);
}

/* Of an orphan whose way cannot be told nothing is left, and nothing is sent. */
static void an_orphan_without_a_way_just_goes(void **state)
{
	(void)state;
	struct nap_record named = bound_record(), unsent = bound_record();

	named.contact = SLICE("sip:box@host.example");
	unsent.transport = (enum transport)0;
	unsent.phase = NAP_WAITING;
	const struct nap_record *const rows[] = {&named, &unsent};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct kit *k = with_record(rows[i], NULL, 0);
		kit_pass(k, 1000);
		assert_int_equal(heard.n, 0);
		assert_int_equal(status(k, A).naps, 0);
		assert_int_equal(copy_count(node_copy(k->node[A].node), TABLE_NAP), 0);
		end(k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(redirections_lead_where_they_say),
		cmocka_unit_test(a_redirection_too_long_is_none),
		cmocka_unit_test(what_cannot_be_read_sends_nothing),
		cmocka_unit_test(sips_goes_by_tls_alone),
		cmocka_unit_test(only_another_binding_is_taken_away),
		cmocka_unit_test(two_changes_at_once_are_the_second),
		cmocka_unit_test(a_poll_without_answer_turns_to_the_next_target),
		cmocka_unit_test(polls_go_by_streams_too),
		cmocka_unit_test(a_poll_without_a_way_says_unavailable),
		cmocka_unit_test(at_the_end_of_the_numbers_another_call_id_begins),
		cmocka_unit_test(an_orphan_without_a_way_just_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
