/* layer: core */
/* Requests for users: where the registrar sends them, and what it says of those it cannot find. */
#include "tests/unit/serve_ask.h"

#define RICH "sip:alice@rich.example"
#define ONE  ";+sip.instance=\"<urn:uuid:1>\""

static const char *ask_for(struct kit *k, const char *method, const char *uri, const char *more)
{
	unsigned number = ++k->branch;
	size_t n = (size_t)snprintf(k->request, sizeof k->request,
	                            "%s %s SIP/2.0\r\n"
	                            "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK-i%u;rport\r\n"
	                            "From: <sip:caller@elsewhere.example>;tag=c\r\nTo: <%s>\r\n"
	                            "Call-ID: call-%u\r\nCSeq: 1 %s\r\nMax-Forwards: 70\r\n"
	                            "%sContent-Length: 0\r\n\r\n",
	                            method, uri, number, uri, number, method, more);

	(void)kit_serve(k, (struct slice){(const uint8_t *)k->request, n});
	assert_false(k->out.change);
	return kit_summary(k);
}

static void bind(struct kit *k, unsigned cseq, const char *contact, const char *more)
{
	kit_pass(k, 1000);
	assert_memory_equal(kit_register(k, &(struct reg){.to = RICH,
	                                                  .cseq = cseq,
	                                                  .contact = contact,
	                                                  .more = more}),
	                    "200", 3);
}

static struct kit *new_kit(void)
{
	struct kit *k = kit_new();

	kit_secret(k, 1, 0x11);
	return k;
}

/* R01: every method finds the user; the best contact first */
static void a_caller_is_told_where_the_user_is_best_first(void **state)
{
	(void)state;
	static const char *const methods[] = {"INVITE", "MESSAGE", "OPTIONS", "SUBSCRIBE",
	                                      "JUGGLE"};
	struct kit *k = new_kit();

	bind(k, 1, "<sip:a@old>;q=0.9", NULL);
	bind(k, 2, "<sip:a@low>;q=0.1", NULL);
	bind(k, 3, "\"Al\" <sip:a@new>;q=0.9", NULL);
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		assert_string_equal(ask_for(k, methods[i], RICH, ""),
		                    "302 \"Al\" <sip:a@new>;q=0.9;expires=3600 | "
		                    "<sip:a@old>;q=0.9;expires=3598 | "
		                    "<sip:a@low>;q=0.1;expires=3599");
		assert_int_equal(k->out.outcome, SERVED_REDIRECTED);
	}
	kit_pass(k, KIT_HOUR_MS);
	assert_string_equal(ask_for(k, "INVITE", RICH, ""), "480");
	kit_free(k);
}

/* P5: through the proxies that it registered through */
static void a_path_goes_before_the_contact(void **state)
{
	(void)state;
	struct kit *k = new_kit();

	bind(k, 1, "<sip:a@h>", "Path: <sip:p1;lr>, <sip:p2;lr>\r\n");
	bind(k, 2, "<sip:b@h?X=y>", "Path: <sip:p3;lr>\r\n");
	assert_string_equal(ask_for(k, "INVITE", RICH, ""),
	                    "302 <sip:b@h?X=y&Route=%3csip:p3%3blr%3e>;expires=3600 | "
	                    "<sip:a@h?Route=%3csip:p1%3blr%3e%2C%3csip:p2%3blr%3e>;expires=3599");
	kit_free(k);
}

/* A21, RFC 8599: whose stream is gone comes last; who sleeps is named so */
static void lost_flows_come_last_and_sleepers_are_marked(void **state)
{
	(void)state;
	struct kit *k = new_kit();

	k->in.flow.transport = TRANSPORT_TCP;
	k->in.flow.connection = 7;
	const struct flow stream = k->in.flow;
	bind(k, 1, "<sip:a@tcp>", NULL);
	bind(k, 2, "<sip:a@edge>;q=0.5", "Path: <sip:p;lr>\r\n");
	k->in.flow.transport = TRANSPORT_UDP;
	bind(k, 3, "<sip:a@udp;pn-provider=apns;pn-prid=7>;q=0.2", NULL);
	assert_string_equal(ask_for(k, "INVITE", RICH, ""),
	                    "302 <sip:a@tcp>;expires=3598 | "
	                    "<sip:a@edge?Route=%3csip:p%3blr%3e>;q=0.5;expires=3599 | "
	                    "<sip:a@udp;pn-provider=apns;pn-prid=7>;q=0.2;push=apns;expires=3600");
	reach_close(k->reach, &stream);
	assert_string_equal(ask_for(k, "INVITE", RICH, ""),
	                    "302 <sip:a@edge?Route=%3csip:p%3blr%3e>;q=0.5;expires=3599 | "
	                    "<sip:a@udp;pn-provider=apns;pn-prid=7>;q=0.2;push=apns;expires=3600 | "
	                    "<sip:a@tcp>;flow-lost;expires=3598");
	kit_free(k);
}

/* gruu-6, gruu-7, gruu-9, gruu-11 */
static void a_gruu_reaches_its_instance_alone(void **state)
{
	(void)state;
	static const char pub[] = "sip:alice@rich.example;gr=urn:uuid:1";
	struct kit *k = new_kit();
	char temporary[512];

	bind(k, 1, "<sip:a@one>" ONE, "Supported: gruu\r\n");
	const char *at = strstr(k->reply, "temp-gruu=\"");
	assert_non_null(at);
	at += strlen("temp-gruu=\"");
	(void)snprintf(temporary, sizeof temporary, "%.*s", (int)strcspn(at, "\""), at);
	bind(k, 2, "<sip:a@two>;+sip.instance=\"<urn:uuid:2>\"", NULL);
	assert_string_equal(ask_for(k, "INVITE", pub, ""), "302 <sip:a@one>" ONE ";expires=3599");
	assert_string_equal(ask_for(k, "INVITE", temporary, ""),
	                    "302 <sip:a@one>" ONE ";expires=3599");
	bind(k, 3, "<sip:a@one>" ONE ";expires=0", NULL);
	assert_string_equal(ask_for(k, "INVITE", pub, ""), "480");
	assert_string_equal(ask_for(k, "INVITE", temporary, ""), "404");
	assert_string_equal(ask_for(k, "INVITE", "sip:x@rich.example;gr", ""), "404");
	kit_free(k);
}

/* R01, R07, R08 */
static void who_cannot_be_found_is_said_to_be_so(void **state)
{
	(void)state;
	static const struct {
		const char *method, *uri, *more, *status;
	} rows[] = {
		{"INVITE", "sip:known@strict.example", "", "480"},
		{"INVITE", "sip:kn%6fwn@strict.example;user=phone", "", "480"},
		{"INVITE", "sip:gone@strict.example", "", "404"},
		{"INVITE", "sip:nobody@strict.example", "", "404"},
		{"INVITE", "sip:nobody@rich.example", "", "404"},
		{"INVITE", "sip:a@elsewhere.example", "", "404"},
		{"INVITE", "sip:a@open.example", "", "405"},
		{"JUGGLE", "sip:a@open.example", "", "501"},
		{"INVITE", "sip:rich.example", "", "405"},
		{"OPTIONS", "sip:rich.example", "", "200"},
		{"OPTIONS", "sip:nobody@rich.example", "", "404"},
		{"INVITE", "tel:+123", "", "416"},
		{"INVITE", "sip:a@rich.example", "Proxy-Require: teleport\r\n", "420"},
		{"CANCEL", "sip:a@rich.example", "", "481"},
		{"ACK", "sip:a@rich.example", "", "silence"},
	};
	struct kit *k = new_kit();

	kit_subscriber(k, "known", "strict.example", false);
	kit_subscriber(k, "gone", "strict.example", true);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *got = ask_for(k, rows[i].method, rows[i].uri, rows[i].more);
		if (strncmp(got, rows[i].status, strlen(rows[i].status)) != 0)
			fail_msg("%s %s: wanted %s, got %s", rows[i].method, rows[i].uri,
			         rows[i].status, got);
	}
	kit_free(k);
}

static void bind_pbx(struct kit *k, const char *aor, const char *contact)
{
	assert_memory_equal(kit_register(k, &(struct reg){.to = aor,
	                                                  .contact = contact,
	                                                  .more = "Require: gin\r\n"
	                                                          "Proxy-Require: gin\r\n"
	                                                          "Path: <sip:p;lr>\r\n"}),
	                    "200", 3);
}

/* B1, B4, B8: the number goes where bnc stood, through the PBX's path */
static void a_number_of_a_pbx_is_found_by_the_pbx_s_one_contact(void **state)
{
	(void)state;
	struct kit *k = new_kit();
	static const char *const rows[][2] = {
		{"sip:+12145550142@rich.example;user=phone",
	         "302 <sip:+12145550142@198.51.100.3:5070;x=y?Route=%3csip:p%3blr%3e>;expires="
	         "3600"},
		{"sip:%2b12145550199@rich.example",
	         "302 <sip:+12145550199@198.51.100.3:5070;x=y?Route=%3csip:p%3blr%3e>;expires="
	         "3600"},
		{"sip:+493012345@rich.example",
	         "302 <sips:+493012345@[2001:db8::1]?Route=%3csip:p%3blr%3e>;expires=3600"},
		{"sip:+12145550200@rich.example", "404"},
		{"sip:+1214555014@rich.example", "404"},
		{"sip:+4930123@rich.example", "404"},
		{"sip:x2145550142@rich.example", "404"},
		{"sip:pbx1@rich.example", "480"}, /* for numbers alone */
	};

	assert_string_equal(ask_for(k, "INVITE", "sip:+12145550142@rich.example", ""), "480");
	bind_pbx(k, "sip:pbx1@rich.example", "<sip:198.51.100.3:5070;bnc;x=y>");
	bind_pbx(k, "sip:pbx2@rich.example", "<sips:[2001:db8::1];bnc>, <sip:desk@h>");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(ask_for(k, "INVITE", rows[i][0], ""), rows[i][1]);
	assert_string_equal(ask_for(k, "INVITE", "sip:pbx2@rich.example", ""),
	                    "302 <sip:desk@h?Route=%3csip:p%3blr%3e>;expires=3600");
	kit_free(k);
}

/* Who registers a number by itself has it */
static void a_number_s_own_binding_goes_before_its_pbx(void **state)
{
	(void)state;
	struct kit *k = new_kit();

	bind_pbx(k, "sip:pbx1@rich.example", "<sip:198.51.100.3;bnc>");
	(void)kit_register(k, &(struct reg){.to = "sip:+12145550142@rich.example",
	                                    .contact = "<sip:own@h>;expires=60"});
	assert_string_equal(ask_for(k, "INVITE", "sip:+12145550142@rich.example", ""),
	                    "302 <sip:own@h>;expires=60");
	kit_pass(k, 61000);
	assert_memory_equal(ask_for(k, "INVITE", "sip:+12145550142@rich.example", ""),
	                    "302 <sip:+12145550142@198.51.100.3?", 35);
	kit_free(k);
}

/* What stands behind `before` in the last answer, up to one of `end`. */
static const char *told(struct kit *k, const char *before, const char *end)
{
	const char *at = strstr(k->reply, before);

	assert_non_null(at);
	at += strlen(before);
	(void)snprintf(k->line, sizeof k->line, "%.*s", (int)strcspn(at, end), at);
	return k->line;
}

#define GIN  "Require: gin\r\nProxy-Require: gin\r\nSupported: gruu\r\nPath: <sip:p;lr>\r\n"
#define DESK "@198.51.100.3"
#define END  "?Route=%3csip:p%3blr%3e>" ONE ";expires=3600"

/* B7: RFC 6140 7.1: it makes its phones' GRUUs itself, and we find the way to it */
static void a_gruu_that_a_pbx_made_leads_to_it(void **state)
{
	(void)state;
	struct kit *k = new_kit();
	const struct reg pbx = {.to = "sip:pbx1@rich.example",
	                        .contact = "<sip:198.51.100.3;bnc>" ONE,
	                        .more = GIN};
	char cookie[512], uri[1200], wanted[1200];

	assert_memory_equal(kit_register(k, &pbx), "200", 3);
	assert_null(strstr(k->reply, "temp-gruu="));
	assert_string_equal(told(k, "pub-gruu=\"", "\""), "sip:rich.example;bnc;gr=urn:uuid:1");
	(void)snprintf(cookie, sizeof cookie, "%s", told(k, ";temp-gruu-cookie=", ";\r"));
	assert_string_equal(ask_for(k, "INVITE",
	                            "sip:+12145550142@rich.example;gr=urn:uuid:1;sg=00:05:03", ""),
	                    "302 <sip:+12145550142" DESK ";sg=00:05:03" END);
	assert_string_equal(ask_for(k, "INVITE", "sip:+12145550142@rich.example;gr=urn:uuid:1", ""),
	                    "302 <sip:+12145550142" DESK END);
	assert_string_equal(ask_for(k, "INVITE", "sip:+12145550142@rich.example;gr=urn:uuid:2", ""),
	                    "480");
	(void)snprintf(uri, sizeof uri, "sip:tgruu.%s.x@rich.example;gr", cookie);
	(void)snprintf(wanted, sizeof wanted, "302 <sip:tgruu.%s.x%s", cookie, DESK ";gr" END);
	assert_string_equal(ask_for(k, "INVITE", uri, ""), wanted);
	cookie[20] = (char)(cookie[20] == 'A' ? 'B' : 'A');
	(void)snprintf(uri, sizeof uri, "sip:tgruu.%s.x@rich.example;gr", cookie);
	assert_string_equal(ask_for(k, "INVITE", uri, ""), "404");
	kit_free(k);
}

/* ob-9, gruu-11: RFC 5626 7: never two at once to one phone */
static void of_a_phone_s_flows_one_is_offered_and_the_next_when_it_is_gone(void **state)
{
	(void)state;
	struct kit *k = new_kit();
	const char *outbound = "Supported: path, outbound\r\n";

	k->in.flow.transport = TRANSPORT_TCP;
	k->in.flow.connection = 7;
	bind(k, 1, "<sip:a@one>;reg-id=1" ONE, outbound);
	k->in.flow.remote.port = (uint16_t)++k->in.flow.connection;
	const struct flow newest = k->in.flow;
	bind(k, 2, "<sip:a@two>;reg-id=2" ONE, outbound);
	k->in.flow.remote.port = (uint16_t)++k->in.flow.connection;
	bind(k, 3, "<sip:a@other>;q=0.5;+sip.instance=\"<urn:uuid:2>\"", NULL);
	assert_string_equal(ask_for(k, "INVITE", RICH, ""),
	                    "302 <sip:a@two>;reg-id=2" ONE ";expires=3599 | "
	                    "<sip:a@other>;q=0.5;+sip.instance=\"<urn:uuid:2>\";expires=3600");
	reach_close(k->reach, &newest);
	assert_string_equal(ask_for(k, "INVITE", RICH ";gr=urn:uuid:1", ""),
	                    "302 <sip:a@one>;reg-id=1" ONE ";expires=3598 | "
	                    "<sip:a@two>;reg-id=2" ONE ";flow-lost;expires=3599");
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_caller_is_told_where_the_user_is_best_first),
		cmocka_unit_test(a_path_goes_before_the_contact),
		cmocka_unit_test(lost_flows_come_last_and_sleepers_are_marked),
		cmocka_unit_test(a_gruu_reaches_its_instance_alone),
		cmocka_unit_test(who_cannot_be_found_is_said_to_be_so),
		cmocka_unit_test(a_number_of_a_pbx_is_found_by_the_pbx_s_one_contact),
		cmocka_unit_test(a_number_s_own_binding_goes_before_its_pbx),
		cmocka_unit_test(a_gruu_that_a_pbx_made_leads_to_it),
		cmocka_unit_test(of_a_phone_s_flows_one_is_offered_and_the_next_when_it_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
