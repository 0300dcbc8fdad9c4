/* layer: sip */
#include "proto/sip/header.h"
#include "tests/check.h"

static void assert_slice(struct slice s, const char *text)
{
	if (text == NULL)
		assert_null(s.p);
	else if (!slice_eq(s, slice_str(text)))
		fail_msg("'" SLICE_FMT "' is not '%s'", SLICE_ARG(s), text);
}

/* --- lists and parameters --- */

static void a_list_is_taken_element_by_element(void **state)
{
	(void)state;
	struct slice rest = SLICE("a, ,\"b,\\\"c\" , <d,\"e>;f,\r\n g,");
	struct slice e;

	static const char *const expected[] = {"a", "\"b,\\\"c\"", "<d,\"e>;f", "g"};

	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		assert_true(list_next(&rest, &e));
		assert_slice(e, expected[i]);
	}
	assert_false(list_next(&rest, &e));
	assert_false(list_next(&rest, &e));
}

static void an_unfinished_quote_takes_the_rest_of_the_list(void **state)
{
	(void)state;
	struct slice rest = SLICE("\"a, b\\\", c");
	struct slice e;

	assert_true(list_next(&rest, &e));
	assert_slice(e, "\"a, b\\\", c");
	assert_false(list_next(&rest, &e));
}

static void parameters_are_taken_one_by_one(void **state)
{
	(void)state;
	struct slice rest = SLICE("; a = 1;b;c=\"x;y=\\\"\" ;d=");
	struct sip_param p;
	static const struct {
		const char *name, *value;
	} expected[] = {{"a", "1"}, {"b", NULL}, {"c", "\"x;y=\\\"\""}, {"d", ""}};

	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		assert_true(param_next(&rest, &p));
		assert_slice(p.name, expected[i].name);
		assert_slice(p.value, expected[i].value);
	}
	assert_non_null(p.value.p);
	assert_false(param_next(&rest, &p));
}

static void a_parameter_is_found_in_any_case(void **state)
{
	(void)state;
	struct slice value;

	assert_true(param_find(SLICE(";TAG=a;tag=b"), "tag", &value));
	assert_slice(value, "a");
	assert_false(param_find(SLICE(";x=\";tag=b\""), "tag", &value));
}

/* --- Via --- */

static void a_via_is_split(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		const char *transport, *host;
		const char *branch;
		uint16_t port;
		bool rport;
	} cases[] = {
		{"SIP/2.0/UDP pc33.atlanta.com:5066;branch=z9hG4bKhjhs8ass877", "UDP",
	         "pc33.atlanta.com", "z9hG4bKhjhs8ass877", 5066, false},
		{"SIP/2.0/TLS h;rport;branch=z9hG4bK1", "TLS", "h", "z9hG4bK1", 0, true},
		{"SIP/2.0/TCP [2001:db8::9:1]:5061;received=[2001:db8::9:255]", "TCP",
	         "[2001:db8::9:1]", NULL, 5061, false},
		{"SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3", "UDP",
	         "[2001:db8::9:1]", "z9hG4bKas3", 0, false},
		{"sip/2.0/udp 192.0.2.1 : 05060 ; Branch = x", "udp", "192.0.2.1", "x", 5060,
	         false},
		{"SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw", "UDP", "192.0.2.2",
	         "390skdjuw", 0, false},
		{"SIP/2.0/UNKNOWN t6.example.com;branch=z9hG4bK-.!%66*_+`'~", "UNKNOWN",
	         "t6.example.com", "z9hG4bK-.!%66*_+`'~", 0, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct slice rest = slice_str(cases[i].line);
		struct sip_via via;

		assert_int_equal(via_next(&rest, &via), OK);
		assert_slice(via.transport, cases[i].transport);
		assert_slice(via.host, cases[i].host);
		assert_int_equal(via.port, cases[i].port);
		assert_slice(via.branch, cases[i].branch);
		assert_int_equal(via.rport, cases[i].rport);
		assert_int_equal(rest.n, 0);
	}
}

static void the_topmost_via_comes_first(void **state)
{
	(void)state;
	struct slice rest =
		SLICE("SIP  / 2.0  / TCP     spindle.example.com   ;\r\n"
	              "  branch  =   z9hG4bK9ikj8  ,\r\n"
	              " SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239");
	struct sip_via via;

	assert_int_equal(via_next(&rest, &via), OK);
	assert_slice(via.host, "spindle.example.com");
	assert_slice(via.branch, "z9hG4bK9ikj8");
	assert_int_equal(via_next(&rest, &via), OK);
	assert_slice(via.host, "192.168.255.111");
	assert_slice(via.branch, "z9hG4bK30239");
	assert_int_equal(via_next(&rest, &via), ERR_MALFORMED);
}

static void a_via_out_of_shape_is_malformed(void **state)
{
	(void)state;
	static const char *const cases[] = {
		"",
		",",
		"SIP/2.0/UDP",
		"SIP/2.0/UDPhost ;x",
		"SIP/2.0 UDP h",
		"SIP/3.0/UDP h",
		"HTTP/2.0/UDP h",
		"SIP/2.0/UDP ;branch=x",
		"SIP/2.0/UDP h:",
		"SIP/2.0/UDP h:0",
		"SIP/2.0/UDP h:65536",
		"SIP/2.0/UDP h:5060x",
		"SIP/2.0/UDP 2001:db8::1",
		"SIP/2.0/UDP [::1",
		"SIP/2.0/UDP a b",
		"SIP/2.0/UDP 192.0.2.15;;,;,,",
		"SIP/2.0/UDP h;",
		"SIP/2.0/UDP h;a=\"b",
		"SIP/2.0/UDP h;a=b c",
		"SIP/2.0/UDP h;=b",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct slice rest = slice_str(cases[i]);
		struct sip_via via;

		if (via_next(&rest, &via) != ERR_MALFORMED)
			fail_msg("not refused: %s", cases[i]);
	}
}

/* --- From, To, Contact --- */

/* R33 */
static void parameters_without_brackets_are_the_headers(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		const char *display, *uri, *params;
	} cases[] = {
		{"sip:user@example.com;unknownparam", "", "sip:user@example.com", ";unknownparam"},
		{"<sip:user@example.com;unknownparam>", "", "sip:user@example.com;unknownparam",
	         ""},
		{"sip:a@b ;   tag    = 1918181833n", "", "sip:a@b", ";   tag    = 1918181833n"},
		{"\"J Rosenberg \\\\\\\"\"       <sip:j@example.com>\r\n  ;\r\n  tag = 98asjd8",
	         "\"J Rosenberg \\\\\\\"\"", "sip:j@example.com", ";\r\n  tag = 98asjd8"},
		{"caller<sip:caller@example.com>;tag=323", "caller", "sip:caller@example.com",
	         ";tag=323"},
		{"token1~` token2'+_ token3*%!.- "
	         "<sip:m@e.com>;fromParam''~+*_!.-%=\"\xd1\x80\";tag=_t~1'",
	         "token1~` token2'+_ token3*%!.-", "sip:m@e.com",
	         ";fromParam''~+*_!.-%=\"\xd1\x80\";tag=_t~1'"},
		{"\"<sip:x>, ;\" <sip:a,b;c?d@e?f=g>", "\"<sip:x>, ;\"", "sip:a,b;c?d@e?f=g", ""},
		{" <tel:+1;ext=2> ", "", "tel:+1;ext=2", ""},
		{"sip:a@b;x=\"<y?@>\"", "", "sip:a@b", ";x=\"<y?@>\""},
		{"isbn:2983792873", "", "isbn:2983792873", ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_name_addr addr;

		if (name_addr_read(slice_str(cases[i].value), &addr) != OK)
			fail_msg("not read: %s", cases[i].value);
		assert_slice(addr.display, cases[i].display);
		assert_slice(addr.uri, cases[i].uri);
		assert_slice(addr.params, cases[i].params);
	}
}

/* R33 */
static void an_address_out_of_shape_is_malformed(void **state)
{
	(void)state;
	static const char *const cases[] = {
		"",
		" ",
		";tag=x",
		"<>",
		"<sip:a@b",
		"sip:a@b>",
		"\"Mr. J. User <sip:j.user@example.com>",
		"Strange User\" <sip:a@b>",
		"\"a\" b <sip:a@b>",
		"\"a\" sip:a@b",
		"Bell, Alexander <sip:a@b>",
		"<sip:a@b> x",
		"<sip:a@b>;;;;",
		"<sip:a@b>;",
		"<sip:a@b>;a b",
		"<sip:a@b>;a=<x>",
		"<sip:a@b>,<sip:c@d>",
		"< sip:a@b >",
		"<sip:a b@c>",
		"<sip:a@b\r\n c>",
		"sip:a b",
		"sip:a@b,sip:c@d",
		"sip:user@example.com?Route=%3Csip:sip.example.com%3E",
		"sip:a@b;x=y?z",
		"sip:user;par=u@example.com",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_name_addr addr;

		if (name_addr_read(slice_str(cases[i]), &addr) != ERR_MALFORMED)
			fail_msg("not refused: %s", cases[i]);
	}
}

static void a_contact_of_a_device_is_read_whole(void **state)
{
	(void)state;
	struct sip_contact c;

	assert_int_equal(contact_read(SLICE("\"A\" <sip:a@192.0.2.2;ob>;reg-id=1;q=0.7;expires=60;"
	                                    "+sip.instance=\"<urn:uuid:0C67446E-F1A1-11D9-94D3>\""),
	                              &c),
	                 OK);
	assert_false(c.star);
	assert_slice(c.addr.uri, "sip:a@192.0.2.2;ob");
	assert_true(c.has_expires);
	assert_int_equal(c.expires_s, 60);
	assert_int_equal(c.q_milli, 700);
	assert_slice(c.instance, "<urn:uuid:0C67446E-F1A1-11D9-94D3>");
	assert_int_equal(c.reg_id, 1);

	assert_int_equal(contact_read(SLICE("sip:a@h"), &c), OK);
	assert_false(c.has_expires);
	assert_int_equal(c.q_milli, 1000);
	assert_int_equal(c.instance.n, 0);
	assert_int_equal(c.reg_id, 0);
}

static void a_star_stands_alone(void **state)
{
	(void)state;
	struct sip_contact c;

	assert_int_equal(contact_read(SLICE(" * "), &c), OK);
	assert_true(c.star);
	assert_int_equal(contact_read(SLICE("<*>"), &c), OK);
	assert_false(c.star);
	assert_int_equal(contact_read(SLICE("\"x"), &c), ERR_MALFORMED);
}

/* R20 */
static void contact_parameters_are_read_leniently(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		uint32_t expires_s, q_milli, reg_id;
	} cases[] = {
		{"<sip:a>;expires=0;q=0;reg-id=2147483647", 0, 0, 2147483647},
		{"<sip:a>;expires=abc;q=0.33;reg-id=2147483648", 3600, 330, 0},
		{"<sip:a>;expires=-1;q=1.000;reg-id=x", 3600, 1000, 0},
		{"<sip:a>;expires;q=1.5;reg-id", 3600, 1000, 0},
		{"<sip:a>;expires=;q=;reg-id=", 3600, 1000, 0},
		{"<sip:a>;expires=4294967295;q=-0.1;reg-id=0", 2147483647, 1000, 0},
		{"<sip:a>;expires=4294967296;q=0.x", 3600, 1000, 0},
		{"<sip:a>;EXPIRES=00060;Q=0.12345;Reg-ID=7", 60, 123, 7},
		{"<sip:a>;expires=\"60\";q=0.;q=1", 3600, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_contact c;

		assert_int_equal(contact_read(slice_str(cases[i].value), &c), OK);
		assert_true(c.has_expires);
		assert_int_equal(c.expires_s, cases[i].expires_s);
		assert_int_equal(c.q_milli, cases[i].q_milli);
		assert_int_equal(c.reg_id, cases[i].reg_id);
	}
}

/* --- numbers --- */

/* R46 */
static void a_cseq_is_a_number_below_2_to_the_31_and_a_method(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		enum err err;
		uint32_t number;
		const char *method;
	} cases[] = {
		{"0009\r\n  INVITE", OK, 9, "INVITE"},
		{"2147483647 REGISTER", OK, 2147483647, "REGISTER"},
		{"29344 RE%47IST%45R", OK, 29344, "RE%47IST%45R"},
		{"2147483648 REGISTER", ERR_TOO_BIG, 0, NULL},
		{"36893488147419103232 REGISTER", ERR_TOO_BIG, 0, NULL},
		{"", ERR_MALFORMED, 0, NULL},
		{"1", ERR_MALFORMED, 0, NULL},
		{"1REGISTER", ERR_MALFORMED, 0, NULL},
		{"REGISTER 1", ERR_MALFORMED, 0, NULL},
		{"-1 REGISTER", ERR_MALFORMED, 0, NULL},
		{"1 REGI STER", ERR_MALFORMED, 0, NULL},
		{"1 INVITE;x", ERR_MALFORMED, 0, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_cseq cseq;

		assert_int_equal(cseq_read(slice_str(cases[i].value), &cseq), cases[i].err);
		if (cases[i].err != OK)
			continue;
		assert_int_equal(cseq.number, cases[i].number);
		assert_slice(cseq.method, cases[i].method);
	}
}

/* R20 */
static void a_malformed_expires_is_an_hour(void **state)
{
	(void)state;
	assert_int_equal(expires_read(SLICE(" 0 ")), 0);
	assert_int_equal(expires_read(SLICE("7200")), 7200);
	assert_int_equal(expires_read(SLICE("4294967295")), INT32_MAX);
	assert_int_equal(expires_read(SLICE("1000000000000000000")), 3600);
	assert_int_equal(expires_read(SLICE("")), 3600);
	assert_int_equal(expires_read(SLICE("1 h")), 3600);
	assert_int_equal(expires_read(SLICE("Thu, 01 Dec 1994 16:00:00 GMT")), 3600);
}

static void a_number_is_digits_alone(void **state)
{
	(void)state;
	uint32_t n = 0;

	assert_int_equal(number_read(SLICE("4294967295"), &n), OK);
	assert_int_equal(n, UINT32_MAX);
	assert_int_equal(number_read(SLICE("4294967296"), &n), ERR_TOO_BIG);
	assert_int_equal(number_read(SLICE("99999999999999999999999"), &n), ERR_TOO_BIG);
	assert_int_equal(number_read(SLICE(""), &n), ERR_MALFORMED);
	assert_int_equal(number_read(SLICE("+1"), &n), ERR_MALFORMED);
	assert_int_equal(number_read(SLICE("99999999999x"), &n), ERR_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_is_taken_element_by_element),
		cmocka_unit_test(an_unfinished_quote_takes_the_rest_of_the_list),
		cmocka_unit_test(parameters_are_taken_one_by_one),
		cmocka_unit_test(a_parameter_is_found_in_any_case),
		cmocka_unit_test(a_via_is_split),
		cmocka_unit_test(the_topmost_via_comes_first),
		cmocka_unit_test(a_via_out_of_shape_is_malformed),
		cmocka_unit_test(parameters_without_brackets_are_the_headers),
		cmocka_unit_test(an_address_out_of_shape_is_malformed),
		cmocka_unit_test(a_contact_of_a_device_is_read_whole),
		cmocka_unit_test(a_star_stands_alone),
		cmocka_unit_test(contact_parameters_are_read_leniently),
		cmocka_unit_test(a_cseq_is_a_number_below_2_to_the_31_and_a_method),
		cmocka_unit_test(a_malformed_expires_is_an_hour),
		cmocka_unit_test(a_number_is_digits_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
