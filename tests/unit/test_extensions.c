/* layer: core */
/* Outbound, Service-Route, GIN and push at a registrar: what a request may ask, and what it is told. */
#include "tests/unit/serve_ask.h"

#define I1       ";+sip.instance=\"<urn:uuid:1>\""
#define FLOW     "<sip:alice@192.0.2.7;ob>;reg-id=1" I1
#define FLOW_TWO "<sip:alice@192.0.2.7;ob>;reg-id=2" I1
#define OUTBOUND "Supported: path, outbound\r\n"
#define RICH     "sip:alice@rich.example"

/* Through another's hands: one more Via. */
#define EDGE "Via: SIP/2.0/UDP edge.example;branch=z9hG4bKe\r\n"

struct row {
	const char *why;
	struct reg request;
	const char *status;   /* ... and what the answer must say, */
	const char *says;     /* one line of it; NULL: nothing in particular */
	const char *says_not; /* and what it must not */
};

static void check(struct kit *k, const struct row *row)
{
	const char *got = kit_register(k, &row->request);

	if (strncmp(got, row->status, 3) != 0)
		fail_msg("%s: wanted %s, got %s", row->why, row->status, got);
	assert_int_equal(k->out.change, *got == '2');
	if (row->says != NULL && strstr(k->reply, row->says) == NULL)
		fail_msg("%s: no %s in\n%s", row->why, row->says, k->reply);
	if (row->says_not != NULL && strstr(k->reply, row->says_not) != NULL)
		fail_msg("%s: %s in\n%s", row->why, row->says_not, k->reply);
}

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct kit *k = kit_new();

		check(k, &rows[i]);
		kit_free(k);
	}
}

/* ob-1, ob-4, ob-5, ob-6, ob-7, ob-8, ob-12 */
static void a_flow_is_taken_where_all_hops_know_it(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"direct (ob-1)",
	         {.contact = FLOW, .more = OUTBOUND},
	         "200",
	         "\r\nRequire: outbound\r\n",
	         "Flow-Timer"},
		{"the flow ends here (ob-12)",
	         {.to = RICH, .contact = FLOW, .more = OUTBOUND},
	         "200",
	         "\r\nFlow-Timer: 120\r\n",
	         NULL},
		{"no instance (ob-4)",
	         {.contact = "<sip:a@192.0.2.7>;reg-id=1", .more = OUTBOUND},
	         "200",
	         NULL,
	         "Require"},
		{"two flows at once (ob-5)",
	         {.contact = FLOW ", " FLOW_TWO, .more = OUTBOUND},
	         "400",
	         NULL,
	         NULL},
		{"one goes, one comes",
	         {.contact = FLOW ";expires=0, " FLOW_TWO, .more = OUTBOUND},
	         "200",
	         "reg-id=2",
	         "reg-id=1"},
		{"an edge that keeps no flows (ob-6)",
	         {.contact = FLOW, .more = OUTBOUND EDGE},
	         "439",
	         "First Hop Lacks Outbound Support",
	         NULL},
		{"its Path does not say so (ob-6)",
	         {.contact = FLOW, .more = OUTBOUND EDGE "Path: <sip:t@ep.example;lr>\r\n"},
	         "439",
	         NULL,
	         NULL},
		{"the topmost Path does (ob-7)",
	         {.to = RICH,
	          .contact = FLOW,
	          .more = OUTBOUND EDGE "Path: <sip:t@ep.example;lr;ob>,<sip:far;lr>\r\n"},
	         "200",
	         "\r\nPath: <sip:t@ep.example;lr;ob>\r\nPath: <sip:far;lr>\r\nRequire: "
	         "outbound\r\n",
	         "Flow-Timer"},
		{"outbound is not supported (ob-8)", {.contact = FLOW}, "200", NULL, "Require"},
		{"it is asked for",
	         {.contact = FLOW, .more = "Require: outbound\r\n"},
	         "200",
	         "\r\nRequire: outbound\r\n",
	         NULL},
	};

	check_rows(rows, ARRAY_LEN(rows));
}

static size_t count_bindings(struct kit *k)
{
	return kit_record(k, "sip:alice@open.example")->n_bindings;
}

/* ob-2, ob-3, ob-13, ob-14, A19 */
static void a_flow_is_known_by_its_instance_and_number(void **state)
{
	(void)state;
	struct kit *k = kit_new();

	(void)kit_register(k, &(struct reg){.contact = FLOW, .more = OUTBOUND});
	(void)kit_register(k, &(struct reg){.contact = "<sip:alice@198.51.100.9>;reg-id=1" I1,
	                                    .call_id = "other",
	                                    .more = OUTBOUND});
	assert_non_null(strstr(kit_summary(k), "198.51.100.9"));
	assert_int_equal(count_bindings(k), 1);
	(void)kit_register(k, &(struct reg){.contact = FLOW_TWO, .more = OUTBOUND});
	assert_int_equal(count_bindings(k), 2);
	assert_string_equal(kit_register(k, &(struct reg){.contact = FLOW_TWO,
	                                                  .from_tag = "f2",
	                                                  .more = OUTBOUND}),
	                    "400");
	(void)kit_register(
		k, &(struct reg){.cseq = 2, .contact = FLOW_TWO, .expires = "0", .more = OUTBOUND});
	assert_int_equal(count_bindings(k), 1);
	assert_null(strstr(kit_summary(k), "reg-id=2"));
	kit_free(k);
}

/* S1, S2, S3 */
static void a_service_route_is_told_to_who_is_registered(void **state)
{
	(void)state;
	static const char line[] = "\r\nService-Route: <sip:10.0.0.9;lr>\r\n";
	struct kit *k = kit_new();
	struct reg r = {.to = RICH, .contact = "<sip:a@h>"};

	(void)kit_register(k, &r);
	assert_non_null(strstr(k->reply, line));
	r = (struct reg){.to = RICH};
	(void)kit_register(k, &r);
	assert_non_null(strstr(k->reply, line));
	r = (struct reg){.to = RICH, .cseq = 3, .contact = "*", .expires = "0"};
	(void)kit_register(k, &r);
	assert_null(strstr(k->reply, "Service-Route"));
	r = (struct reg){.to = RICH, .contact = "<"};
	(void)kit_register(k, &r);
	assert_null(strstr(k->reply, "Service-Route"));
	kit_free(k);
}

/* B1, B2, B4, B5, B6, B8 */
static void a_pbx_registers_its_numbers_at_once(void **state)
{
	(void)state;
	static const char gin[] = "Require: gin\r\nProxy-Require: gin\r\n"
				  "Path: <sip:p;lr>\r\nSupported: path\r\n";
	static const struct row rows[] = {
		{"all numbers (B1, B5, B8)",
	         {.contact = "<sip:198.51.100.3;bnc>", .more = gin},
	         "200",
	         "\r\nContact: <sip:198.51.100.3;bnc>;expires=3600\r\nPath: <sip:p;lr>\r\n",
	         NULL},
		{"a user in it (B2)", {.contact = "<sip:x@h;bnc>", .more = gin}, "400", NULL, NULL},
		{"gin is not asked for (B4)", {.contact = "<sip:h;bnc>"}, "400", NULL, NULL},
		{"beside a contact of its own (B6)",
	         {.contact = "<sip:h;bnc>, <sip:desk@h>", .more = gin},
	         "200",
	         "<sip:desk@h>",
	         NULL},
	};

	check_rows(rows, ARRAY_LEN(rows));
}

#define PUSH "<sip:a@h;pn-provider=apns;pn-prid=00fc13;pn-param=x>"

/* RFC 8599 5.2 to 5.4 */
static void push_is_promised_where_it_is_known(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"known",
	         {.to = RICH, .contact = PUSH},
	         "200",
	         "\r\nFeature-Caps: *;+sip.pns=\"apns\"\r\n",
	         "fcm"},
		{"which are there?",
	         {.to = RICH, .contact = "<sip:a@h;pn-provider>"},
	         "200",
	         "+sip.pns=\"apns\"\r\nFeature-Caps: *;+sip.pns=\"fcm\"\r\n",
	         NULL},
		{"another",
	         {.to = RICH, .contact = "<sip:a@h;pn-provider=acme;pn-prid=1>"},
	         "555",
	         NULL,
	         "Feature-Caps"},
		{"another goes",
	         {.to = RICH, .contact = "<sip:a@h;pn-provider=acme>;expires=0"},
	         "200",
	         NULL,
	         NULL},
		{"no push here",
	         {.contact = "<sip:a@h;pn-provider=acme;pn-prid=1>"},
	         "200",
	         NULL,
	         "Feature-Caps"},
		{"none asked for",
	         {.to = RICH, .contact = "<sip:a@h>"},
	         "200",
	         NULL,
	         "Feature-Caps"},
	};

	check_rows(rows, ARRAY_LEN(rows));
}

/* A19: a device that woke up elsewhere is the same device */
static void a_device_is_known_by_its_push_service(void **state)
{
	(void)state;
	struct kit *k = kit_new();

	(void)kit_register(k, &(struct reg){.contact = PUSH});
	(void)kit_register(
		k, &(struct reg){.contact = "<sip:a@192.0.2.99:7;pn-prid=00fc13;pn-provider=apns>",
	                         .call_id = "awake"});
	assert_int_equal(count_bindings(k), 1);
	(void)kit_register(k, &(struct reg){.contact = "<sip:a@h;pn-provider=fcm;pn-prid=00fc13>",
	                                    .call_id = "c3"});
	assert_int_equal(count_bindings(k), 2);
	kit_free(k);
}

/* ob-11 */
static void a_keep_alive_over_udp_is_answered(void **state)
{
	(void)state;
	static const uint8_t request[] = {0,   1,   0,   0,   0x21, 0x12, 0xa4, 0x42, 'a', 'b',
	                                  'c', 'd', 'e', 'f', 'g',  'h',  'i',  'j',  'k', 'l'};
	/* 192.0.2.7:40000, turned by the cookie */
	static const uint8_t answer[] = {
		1,   1,   0,   12,  0x21, 0x12, 0xa4,       0x42,     'a',      'b',      'c',
		'd', 'e', 'f', 'g', 'h',  'i',  'j',        'k',      'l',      0,        0x20,
		0,   8,   0,   1,   0xbd, 0x52, 192 ^ 0x21, 0 ^ 0x12, 2 ^ 0xa4, 7 ^ 0x42,
	};
	struct kit *k = kit_new();

	(void)kit_serve(k, (struct slice){request, sizeof request});
	assert_int_equal(k->out.outcome, SERVED_KEEP_ALIVE);
	assert_int_equal(k->out.reply.n, sizeof answer);
	assert_memory_equal(k->out.reply.p, answer, sizeof answer);
	assert_true(addr_eq(&k->out.target, &k->in.flow.remote));
	(void)kit_serve(k, (struct slice){request, sizeof request - 1});
	assert_int_equal(k->out.outcome, SERVED_NOTHING);
	k->in.flow.transport = TRANSPORT_TCP;
	(void)kit_serve(k, (struct slice){request, sizeof request});
	assert_int_equal(k->out.outcome, SERVED_NOTHING);
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_is_taken_where_all_hops_know_it),
		cmocka_unit_test(a_flow_is_known_by_its_instance_and_number),
		cmocka_unit_test(a_service_route_is_told_to_who_is_registered),
		cmocka_unit_test(a_pbx_registers_its_numbers_at_once),
		cmocka_unit_test(push_is_promised_where_it_is_known),
		cmocka_unit_test(a_device_is_known_by_its_push_service),
		cmocka_unit_test(a_keep_alive_over_udp_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
