/* layer: core */
/* What serve() makes of requests: whom it answers, how, and what the answer waits for. */
#include "node/core/answer.h"
#include "node/core/reply_cache.h"
#include "tests/unit/serve_ask.h"

#define A "<sip:alice@192.0.2.7:5062>"

static const char *ask(struct kit *k, const char *start, const char *more)
{
	(void)snprintf(k->request, sizeof k->request,
	               "%s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK-%u\r\n"
	               "From: <sip:b@open.example>;tag=f\r\nTo: <sip:a@open.example>\r\n"
	               "Call-ID: c\r\nCSeq: 7 %.*s\r\n%s\r\n",
	               start, ++k->branch, (int)strcspn(start, " "), start, more);
	(void)kit_serve(k, slice_str(k->request));
	return kit_summary(k);
}

/* R01, R02, R07, R08, R12, R47, P4, and what is silent */
static void each_method_gets_its_answer(void **state)
{
	(void)state;
	static const struct {
		const char *start, *more, *answer;
		enum serve_outcome outcome;
	} cases[] = {
		{"OPTIONS sip:open.example", "", "200", SERVED_OPTIONS},
		{"OPTIONS sip:10.0.0.10", "", "200", SERVED_OPTIONS},
		{"OPTIONS sip:10.0.0.11", "", "404", SERVED_NOT_FOUND},
		{"OPTIONS sip:bob@open.example", "", "404", SERVED_NOT_FOUND},
		{"OPTIONS tel:123", "", "416", SERVED_BAD},
		{"OPTIONS sip:open.example", "Require: teleport\r\n", "420", SERVED_BAD},
		{"CANCEL sip:open.example", "", "481", SERVED_REFUSED},
		{"ACK sip:open.example", "", "silence", SERVED_NOTHING},
		{"INVITE sip:a@open.example", "", "405", SERVED_REFUSED},
		{"SUBSCRIBE sip:a@open.example", "", "489", SERVED_BAD},
		{"JUGGLE sip:a@open.example", "", "501", SERVED_REFUSED},
		{"register sip:open.example", "", "501", SERVED_REFUSED},
		{"REGISTER sip:open.example", "", "200", SERVED_FETCHED},
		{"REGISTER sip:10.0.0.10", "", "200", SERVED_FETCHED},
		{"REGISTER sip:alice@open.example", "", "200", SERVED_FETCHED},
		{"REGISTER sip:elsewhere.example", "", "404", SERVED_NOT_FOUND},
		{"REGISTER http:open.example", "", "416", SERVED_BAD},
		{"REGISTER sip:", "", "400", SERVED_BAD},
		{"REGISTER sip:open.example", "Require: path\r\n", "200", SERVED_FETCHED},
		{"REGISTER sip:open.example", "Require: path, gruu\r\n", "200", SERVED_FETCHED},
		{"REGISTER sip:open.example", "Require: path, sec-agree\r\n", "420", SERVED_BAD},
		{"REGISTER sip:open.example", "Record-Route: <sip:p;lr>\r\n", "200",
	         SERVED_FETCHED},
	};
	struct kit *k = kit_new();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *got = ask(k, cases[i].start, cases[i].more);
		if (strcmp(got, cases[i].answer) != 0 || k->out.outcome != cases[i].outcome)
			fail_msg("%s: wanted %s, got %s (outcome %d)", cases[i].start,
			         cases[i].answer, got, (int)k->out.outcome);
		assert_null(strstr(k->reply, "Record-Route")); /* R04 */
		assert_false(k->out.change);
	}
	assert_int_equal(copy_count(k->copy, TABLE_AOR), 0);
	kit_free(k);
}

/* R03, R12, R13, R35, R46, R48, P7 and limits, by the To */
static void each_register_gets_its_answer(void **state)
{
	(void)state;
	static char long_user[SIP_AOR_MAX + 40];
	static const struct {
		const char *to, *more, *answer;
	} cases[] = {
		{"sip:alice@elsewhere.example", "", "404"},
		{"sip:open.example", "", "403"},
		{"tel:123", "", "416"},
		{"sip:@open.example", "", "4"},
		{long_user, "", "414"},
		{"sip:alice@open.example", "Contact: <sip:a@[::1>\r\n", "400"},
		{"sip:alice@open.example", "Path: <sip:p.example;lr>, <nonsense\r\n", "400"},
		{"sip:alice@open.example", "Path: <tel:1>\r\n", "400"},
		{"sip:alice@open.example",
	         "Path: "
	         "<sip:1>,<sip:2>,<sip:3>,<sip:4>,<sip:5>,<sip:6>,<sip:7>,<sip:8>,<sip:9>\r\n",
	         "413"},
		{"sip:alice@OPEN.example", "Contact: " A "\r\n", "200"},
	};
	struct kit *k = kit_new();

	(void)snprintf(long_user, sizeof long_user, "sip:%0*d@open.example", SIP_AOR_MAX, 7);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct reg r = {
			.to = cases[i].to, .uri = "sip:open.example", .more = cases[i].more};
		const char *got = kit_register(k, &r);
		if (strncmp(got, cases[i].answer, strlen(cases[i].answer)) != 0)
			fail_msg("%s %s: wanted %s, got %s", cases[i].to, cases[i].more,
			         cases[i].answer, got);
	}
	kit_free(k);
}

/* R13: one key for all that names the same user. */
static void the_key_of_an_aor_is_canonical(void **state)
{
	(void)state;
	struct kit *k = kit_new();

	(void)kit_register(k, &(struct reg){.to = "sip:al%69ce:pw@Open.EXAMPLE;user=phone",
	                                    .uri = "sip:nobody@open.example",
	                                    .contact = A});
	assert_true(slice_eq(k->out.key, SLICE("sip:alice@open.example")));
	assert_string_equal(kit_register(k, &(struct reg){.call_id = "x"}),
	                    "200 " A ";expires=3600");
	kit_free(k);
}

/* R02, R08, R19, R01: what a refusal must carry */
static void refusals_say_what_would_be_right(void **state)
{
	(void)state;
	struct kit *k = kit_new();
	char value[128];

	(void)kit_register(k, &(struct reg){.contact = A ";expires=10"});
	assert_string_equal(kit_header(k, "Min-Expires", value, sizeof value), "60");
	(void)kit_register(
		k, &(struct reg){.more = "Require: juggle, path\r\nRequire: sec-agree\r\n"});
	assert_string_equal(kit_header(k, "Unsupported", value, sizeof value), "juggle, sec-agree");
	(void)ask(k, "INVITE sip:open.example", "");
	assert_string_equal(kit_header(k, "Allow", value, sizeof value),
	                    "REGISTER, OPTIONS, SUBSCRIBE");
	(void)ask(k, "OPTIONS sip:open.example", "");
	assert_string_equal(kit_header(k, "Allow", value, sizeof value),
	                    "REGISTER, OPTIONS, SUBSCRIBE");
	assert_string_equal(kit_header(k, "Accept", value, sizeof value), "*/*");
	assert_string_equal(kit_header(k, "Supported", value, sizeof value),
	                    "path, outbound, gruu, gin");
	kit_free(k);
}

/* R30; R41, R42, N1, N2, N3 */
static void an_answer_finds_its_way_back(void **state)
{
	(void)state;
	struct kit *k = kit_new();
	char value[256], first[256];

	(void)kit_register(k, &(struct reg){.contact = A,
	                                    .branch = "z9hG4bKx",
	                                    .more = "Via: SIP/2.0/TCP proxy.example\r\n"});
	const char *top = strstr(k->reply, "rport=40000"),
		   *next = strstr(k->reply, "proxy.example");
	assert_true(top != NULL && next != NULL && top < next);
	assert_non_null(strstr(k->reply, ";received=192.0.2.7"));
	assert_int_equal(k->out.target.port, 40000);
	assert_string_equal(kit_header(k, "Date", value, sizeof value),
	                    "Sat, 13 Nov 2010 23:29:00 GMT");
	assert_string_equal(kit_header(k, "Call-ID", value, sizeof value), "c1");
	assert_string_equal(kit_header(k, "CSeq", value, sizeof value), "1 REGISTER");
	(void)kit_header(k, "To", first, sizeof first);
	assert_non_null(strstr(first, ";tag="));

	(void)kit_register(k, &(struct reg){.contact = A, .branch = "z9hG4bKx"});
	assert_string_equal(kit_header(k, "To", value, sizeof value), first);
	(void)kit_register(k, &(struct reg){.contact = A, .cseq = 2});
	assert_string_not_equal(kit_header(k, "To", value, sizeof value), first);

	(void)ask(k, "OPTIONS sip:open.example", "");
	assert_int_equal(k->out.target.port, 5060);
	kit_free(k);
}

/* I9, R41: the other node of the pair gives the same tag, for it has the same secret. */
static void both_nodes_give_the_same_to_tag(void **state)
{
	(void)state;
	struct kit *a = kit_new(), *b = kit_new();
	char first[256], second[256];
	const struct reg r = {.contact = A, .branch = "z9hG4bKx"};

	kit_secret(a, 1, 7);
	kit_secret(b, 1, 7);
	(void)kit_register(a, &r);
	(void)kit_register(b, &r);
	assert_string_equal(kit_header(a, "To", first, sizeof first),
	                    kit_header(b, "To", second, sizeof second));
	kit_secret(b, 2, 8);
	(void)kit_register(b, &(struct reg){.contact = A, .cseq = 2, .branch = "z9hG4bKx"});
	assert_string_not_equal(first, kit_header(b, "To", second, sizeof second));
	kit_free(a);
	kit_free(b);
}

/* P1, P2, P3, P6, P8: stored in order, replaced by a refresh, echoed to whom it may be. */
static void a_path_is_stored_with_the_binding(void **state)
{
	(void)state;
	struct kit *k = kit_new();
	const struct aor_record *r;

	(void)kit_register(k, &(struct reg){.contact = A,
	                                    .more = "Path: <sip:p1.example;lr>, \"x\" "
	                                            "<sip:p2.example;lr>\r\nPath: <sip:p3>\r\n"});
	assert_null(strstr(k->reply, "Path:"));
	r = kit_record(k, "sip:alice@open.example");
	assert_int_equal(r->bindings[0].n_paths, 3);
	assert_true(slice_eq(r->bindings[0].path[1], SLICE("\"x\" <sip:p2.example;lr>")));

	(void)kit_register(k,
	                   &(struct reg){.cseq = 2,
	                                 .contact = A,
	                                 .more = "Supported: gruu, Path\r\nPath: <sip:p9;lr>\r\n"});
	assert_non_null(strstr(k->reply, "\r\nPath: <sip:p9;lr>\r\n"));
	(void)kit_register(k, &(struct reg){.cseq = 3, .contact = A});
	r = kit_record(k, "sip:alice@open.example");
	assert_int_equal(r->bindings[0].n_paths, 0);
	kit_free(k);
}

/* A folded header is stored as one line: nothing else may stand in an answer. */
static void folded_contacts_are_stored_on_one_line(void **state)
{
	(void)state;
	struct kit *k = kit_new();

	assert_string_equal(
		kit_register(k,
	                     &(struct reg){.contact = "\"Al\r\n ice\" <sip:a@h>;x=\"1\r\n\t2\""}),
		"200 \"Al   ice\" <sip:a@h>;x=\"1  \t2\";expires=3600");
	kit_free(k);
}

/* R27: what cannot be done is said, and nothing changes. */
static void trouble_behind_is_answered_5xx(void **state)
{
	(void)state;
	struct kit *k = kit_new();
	char value[32];

	kit_put(k, TABLE_AOR, SLICE("sip:broken@open.example"), SLICE("\377\377\377"));
	assert_string_equal(
		kit_register(k, &(struct reg){.to = "sip:broken@open.example", .contact = A}),
		"500");
	assert_false(k->out.change);
	k->in.no_room = true;
	assert_string_equal(kit_register(k, &(struct reg){.cseq = 2, .contact = A}), "503");
	assert_int_equal(k->out.outcome, SERVED_OVERLOAD);
	assert_string_equal(kit_header(k, "Retry-After", value, sizeof value), "5");
	assert_string_equal(kit_register(k, &(struct reg){.cseq = 3}), "200");
	k->in.no_room = false;
	assert_memory_equal(
		kit_register(k, &(struct reg){.cseq = 2, .branch = "z9hG4bK-2", .contact = A}),
		"200", 3);
	/* a domain that asks for credentials can make no nonce before the secrets are there */
	assert_string_equal(kit_register(k, &(struct reg){.to = "sip:a@example.com"}), "503");
	kit_free(k);
}

static void a_record_never_outgrows_its_limit(void **state)
{
	(void)state;
	static char contact[9000];
	struct kit *k = kit_new();

	for (unsigned i = 1; i <= 4; i++) {
		(void)snprintf(contact, sizeof contact, "<sip:n%u@h>;x=%08000d", i, 1);
		const struct reg r = {.to = "sip:a@wide.example", .cseq = i, .contact = contact};
		assert_memory_equal(kit_register(k, &r), "200", 3);
	}
	(void)snprintf(contact, sizeof contact, "<sip:n9@h>;x=%08000d", 1);
	assert_string_equal(kit_register(k, &(struct reg){.to = "sip:a@wide.example",
	                                                  .cseq = 9,
	                                                  .contact = contact}),
	                    "413");
	assert_false(k->out.change);
	assert_memory_equal(kit_register(k, &(struct reg){.to = "sip:a@wide.example",
	                                                  .cseq = 10,
	                                                  .contact = "*",
	                                                  .expires = "0"}),
	                    "200", 3);
	kit_free(k);
}

/* Nothing that a stranger sends may be too much: whatever is huge, there is an answer. */
static void huge_values_are_refused(void **state)
{
	(void)state;
	static char huge[40000], params[512];
	struct kit *k = kit_new();
	char *contact = k->line;

	memset(huge, 'x', sizeof huge - 1);
	for (size_t i = 0; i + 3 < 300; i += 3)
		(void)snprintf(params + i, 4, ";%02zu", i / 3 % 100);
	const struct reg call_id = {.call_id = huge, .contact = A ";expires=0"};
	assert_string_equal(kit_register(k, &call_id), "413");
	assert_false(k->out.change);
	assert_string_equal(kit_register(k, &(struct reg){.branch = huge, .contact = A}), "413");
	(void)snprintf(contact, sizeof k->line, "<sip:h%s>", params);
	assert_string_equal(kit_register(k, &(struct reg){.cseq = 2, .contact = contact}), "400");
	(void)snprintf(huge, sizeof huge, "<sip:a@h;x=%03000d>;expires=0", 1);
	assert_string_equal(kit_register(k, &(struct reg){.cseq = 3, .contact = huge}), "413");
	kit_free(k);
}

/* No dirty reads, and a retransmission joins the held answer. */
static void an_answer_waits_for_what_it_read(void **state)
{
	(void)state;
	struct kit *k = kit_new();
	const struct reg first = {.contact = A, .branch = "z9hG4bKx"};

	k->in.last_seq = 7;
	assert_string_equal(kit_register(k, &(struct reg){.call_id = "f"}), "200");
	assert_int_equal(k->out.depends_on,
	                 7); /* the absence may be an entry that is not yet durable */
	k->seq = 10;
	(void)kit_register(k, &first);
	assert_true(k->out.change);
	k->in.last_seq = 20;
	(void)kit_register(k, &(struct reg){.call_id = "f"});
	assert_int_equal(k->out.depends_on, 11);

	k->in.released = 10;
	assert_string_equal(kit_register(k, &first), "silence");
	assert_int_equal(k->out.outcome, SERVED_REPEATED);
	k->in.released = 11;
	assert_string_equal(kit_register(k, &first), "200 " A ";expires=3600");
	assert_int_equal(k->out.depends_on, 11);
	assert_false(k->out.change);
	kit_free(k);
}

/* R39: a refusal is repeated for 32 s on UDP as it was, and made anew on a stream. */
static void a_refusal_is_kept_for_retransmissions_over_udp(void **state)
{
	(void)state;
	struct kit *k = kit_new();
	const struct reg bad = {.cseq = 4, .branch = "z9hG4bKold", .contact = A};

	for (int stream = 0; stream <= 1; stream++) {
		k->in.flow.transport = stream ? TRANSPORT_TCP : TRANSPORT_UDP;
		(void)kit_register(k, &(struct reg){.cseq = 5, .contact = A, .to_tag = "x"});
		assert_string_equal(kit_register(k, &bad), "400");
		(void)kit_register(k,
		                   &(struct reg){.call_id = "c9", .contact = "*", .expires = "0"});
		kit_pass(k, 31999);
		const char *got = kit_register(k, &bad);
		assert_string_equal(got, "400");
		assert_int_equal(k->out.outcome, stream ? SERVED_BAD : SERVED_REPEATED);
		kit_pass(k, 3 * KIT_HOUR_MS);
		copy_put(k->copy, TABLE_AOR, SLICE("sip:alice@open.example"), SLICE(""), ++k->seq,
		         PAIRTIME_NEVER);
		assert_memory_equal(kit_register(k, &bad), "200", 3);
		copy_put(k->copy, TABLE_AOR, SLICE("sip:alice@open.example"), SLICE(""), ++k->seq,
		         PAIRTIME_NEVER);
	}
	kit_free(k);
}

static void the_reply_cache_is_bounded(void **state)
{
	(void)state;
	static uint8_t big[REPLY_CACHE_BYTES + 1];
	struct reply_cache *c = reply_cache_new(&heap);
	const struct mtime now = {5};
	size_t found = 0;

	for (uint64_t i = 0; i < UINT64_C(3) * REPLY_CACHE_ENTRIES; i++)
		reply_cache_put(c, (struct reply_key){i, 1}, (struct kept_reply){SLICE("x"), i},
		                mtime_add_ms(now, (int64_t)i));
	for (uint64_t i = 0; i < UINT64_C(3) * REPLY_CACHE_ENTRIES; i++)
		found += reply_cache_find(c, (struct reply_key){i, 1}, now).bytes.n;
	assert_int_equal(found, REPLY_CACHE_ENTRIES);
	reply_cache_put(c, (struct reply_key){1, 2}, (struct kept_reply){{big, sizeof big}, 0},
	                now);
	assert_int_equal(reply_cache_find(c, (struct reply_key){1, 2}, now).bytes.n, 0);
	reply_cache_free(&c, &heap);
	assert_null(c);
}

/* R45, R46: what is no request, or a broken one */
static void garbage_gets_silence_or_a_4xx(void **state)
{
	(void)state;
	static const struct {
		const char *bytes, *answer;
	} cases[] = {
		{"", "silence"},
		{"\r\n\r\n", "silence"},
		{"hello\r\n\r\n", "silence"},
		{"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\n\r\n", "silence"},
		{"REGISTER sip:open.example SIP/2.0\r\n\r\n", "silence"},
		{"REGISTER sip:open.example SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\r\n",
	         "400"},
		{"REGISTER sip:open.example SIP/3.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK2\r\n"
	         "From: <sip:a@open.example>;tag=1\r\nTo: <sip:a@open.example>\r\nCall-ID: 1\r\n"
	         "CSeq: 1 REGISTER\r\n\r\n",
	         "505"},
		{"REGISTER sip:open.example SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK3\r\n"
	         "From: <sip:a@open.example>;tag=1\r\nTo: <sip:a@open.example>\r\nCall-ID: 1\r\n"
	         "CSeq: 2147483648 REGISTER\r\n\r\n",
	         "400"},
		{"REGISTER sip:open.example SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK4\r\n"
	         "From: <sip:a@open.example>;tag=1\r\nTo: <sip:a@open.example>\r\nCall-ID: 1\r\n"
	         "CSeq: 1 REGISTER\r\nContent-Length: 9\r\n\r\nshort",
	         "400"},
		{"REGISTER sip:open.example SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK5\r\n"
	         "From: <sip:a@open.example>;tag=1\r\nTo: <sip:a@open.example>\r\nCall-ID: 1\r\n"
	         "CSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\nmore than was said",
	         "200"},
	};
	struct kit *k = kit_new();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		(void)kit_serve(k, slice_str(cases[i].bytes));
		if (strcmp(kit_summary(k), cases[i].answer) != 0)
			fail_msg("case %zu: wanted %s, got %s", i, cases[i].answer, kit_summary(k));
	}
	kit_free(k);
}

/* R43, N4 */
static void an_ipv6_source_is_written_without_brackets(void **state)
{
	(void)state;
	struct kit *k = kit_new();

	k->in.flow.remote = addr_of("[2001:db8::9]:777");
	k->in.flow.local = addr_of("[2001:db8::10]:5060");
	(void)kit_register(k, &(struct reg){.uri = "sip:[2001:db8::10]", .contact = A});
	assert_non_null(strstr(k->reply, ";received=2001:db8::9;rport=777"));
	assert_memory_equal(k->reply, "SIP/2.0 200", 11);
	kit_free(k);
}

/* R44: the way back is the connection; the binding knows how it came. */
static void a_stream_is_part_of_the_binding(void **state)
{
	(void)state;
	struct kit *k = kit_new();

	k->in.flow.transport = TRANSPORT_TCP;
	k->in.flow.connection = 9;
	assert_string_equal(kit_register(k, &(struct reg){.contact = A}), "200 " A ";expires=3600");
	assert_int_equal(kit_record(k, "sip:alice@open.example")->bindings[0].transport,
	                 TRANSPORT_TCP);
	kit_free(k);
}

static void dates_are_written_as_the_rfc_wants(void **state)
{
	(void)state;
	static const struct {
		int64_t s;
		const char *text;
	} cases[] = {
		{0, "Thu, 01 Jan 1970 00:00:00 GMT"},
		{951782399, "Mon, 28 Feb 2000 23:59:59 GMT"},
		{951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
		{951868800, "Wed, 01 Mar 2000 00:00:00 GMT"},
		{1289690940, "Sat, 13 Nov 2010 23:29:00 GMT"},
		{1798761599, "Thu, 31 Dec 2026 23:59:59 GMT"},
		{4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"},
	};
	uint8_t text[40];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf to = buf_on(text, sizeof text - 1);
		date_put(&to, (struct pairtime){cases[i].s * 1000 + 999});
		text[to.n] = '\0';
		assert_string_equal((const char *)text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_method_gets_its_answer),
		cmocka_unit_test(each_register_gets_its_answer),
		cmocka_unit_test(the_key_of_an_aor_is_canonical),
		cmocka_unit_test(refusals_say_what_would_be_right),
		cmocka_unit_test(an_answer_finds_its_way_back),
		cmocka_unit_test(both_nodes_give_the_same_to_tag),
		cmocka_unit_test(a_path_is_stored_with_the_binding),
		cmocka_unit_test(folded_contacts_are_stored_on_one_line),
		cmocka_unit_test(trouble_behind_is_answered_5xx),
		cmocka_unit_test(a_record_never_outgrows_its_limit),
		cmocka_unit_test(huge_values_are_refused),
		cmocka_unit_test(an_answer_waits_for_what_it_read),
		cmocka_unit_test(a_refusal_is_kept_for_retransmissions_over_udp),
		cmocka_unit_test(the_reply_cache_is_bounded),
		cmocka_unit_test(garbage_gets_silence_or_a_4xx),
		cmocka_unit_test(an_ipv6_source_is_written_without_brackets),
		cmocka_unit_test(a_stream_is_part_of_the_binding),
		cmocka_unit_test(dates_are_written_as_the_rfc_wants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
