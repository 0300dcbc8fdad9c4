/* layer: sip */
#include "proto/sip/header.h"
#include "proto/sip/uri.h"
#include "tests/check.h"
#include "tests/tsv.h"

static struct sip_uri parsed(const char *text)
{
	struct sip_uri u;

	if (sip_uri_parse(slice_str(text), &u) != OK)
		fail_msg("not read: %s", text);
	return u;
}

static void assert_slice(struct slice s, const char *text)
{
	if (text == NULL) {
		assert_null(s.p);
		return;
	}
	if (!slice_eq(s, slice_str(text)))
		fail_msg("'" SLICE_FMT "' is not '%s'", SLICE_ARG(s), text);
}

static void a_uri_is_split_into_its_parts(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *user, *password, *host;
		uint16_t port;
		const char *params, *headers;
	} cases[] = {
		{"sip:atlanta.com", NULL, NULL, "atlanta.com", 0, NULL, NULL},
		{"sip:alice@atlanta.com", "alice", NULL, "atlanta.com", 0, NULL, NULL},
		{"SIP:alice:secret@atlanta.com:5070", "alice", "secret", "atlanta.com", 5070, NULL,
	         NULL},
		{"sips:a@[2001:db8::1]:5061", "a", NULL, "[2001:db8::1]", 5061, NULL, NULL},
		{"sip:a@h;lr;transport=tcp", "a", NULL, "h", 0, "lr;transport=tcp", NULL},
		{"sip:a@h;lr?to=x&from=y", "a", NULL, "h", 0, "lr", "to=x&from=y"},
		{"sip:h?to=x", NULL, NULL, "h", 0, NULL, "to=x"},
		{"sip:user;par=u%40example.net@example.com", "user;par=u%40example.net", NULL,
	         "example.com", 0, NULL, NULL},
		{"sip:a?b/c@h", "a?b/c", NULL, "h", 0, NULL, NULL},
		{"sip:*21#@my_proxy.example.com", "*21#", NULL, "my_proxy.example.com", 0, NULL,
	         NULL},
		{"tel:+1-201-555-0123;isub=1", "+1-201-555-0123", NULL, NULL, 0, "isub=1", NULL},
		{"mailto:alice@atlanta.com", NULL, NULL, NULL, 0, NULL, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_uri u = parsed(cases[i].text);

		assert_slice(u.text, cases[i].text);
		assert_slice(u.user, cases[i].user);
		assert_slice(u.password, cases[i].password);
		assert_slice(u.host, cases[i].host);
		assert_int_equal(u.port, cases[i].port);
		assert_slice(u.params, cases[i].params);
		assert_slice(u.headers, cases[i].headers);
	}
}

static void the_scheme_is_known_in_any_case(void **state)
{
	(void)state;
	assert_int_equal(parsed("sIp:a@b").scheme, URI_SIP);
	assert_int_equal(parsed("SIPS:a@b").scheme, URI_SIPS);
	assert_int_equal(parsed("Tel:911").scheme, URI_TEL);
	assert_int_equal(parsed("sip2:a@b").scheme, URI_OTHER);
	assert_int_equal(parsed("soap.beep://192.0.2.103:3002").scheme, URI_OTHER);
}

static void what_is_no_uri_is_malformed(void **state)
{
	(void)state;
	static const char *const cases[] = {
		"",           ":",           "sip",         "sip:",
		"sip:@",      "sip:@h",      "sip:a@",      "sip :a@h",
		"sip: a@h",   "sip:a b@h",   "sip:a:b",     "sip:h:0",
		"sip:h:",     "sip:h:65536", "sip:h:5060x", "sip:2001:db8::10",
		"sip:[::1",   "sip:[]",      "sip:[::g]",   "sip:[::1]x",
		"sip:a%@h",   "sip:a%4@h",   "sip:a%zz@h",  "sip:h;a=%g0",
		"sip:a%40h%", "sip:a@b@c",   "sip:a@h%41",  "sip:a\"b@h",
		"<sip:a@h>",  "sip:a<@h",    "sip:a\x7f@h", "tel:",
		"tel:;a",     "tel:12x",     "tel:1?a=b",   "name:a b",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_uri u;

		if (sip_uri_parse(slice_str(cases[i]), &u) != ERR_MALFORMED)
			fail_msg("not refused: %s", cases[i]);
	}
}

/* Comparing is quadratic in them. */
static void more_than_32_parameters_or_headers_are_too_many(void **state)
{
	(void)state;
	char text[200];
	struct sip_uri u;

	for (size_t n = 30; n < 36; n++) {
		enum err expected = n <= 32 ? OK : ERR_TOO_BIG;

		(void)snprintf(
			text, sizeof text, "sip:h%.*s", (int)(2 * n),
			";a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a");
		assert_int_equal(sip_uri_parse(slice_str(text), &u), expected);
		(void)snprintf(
			text, sizeof text, "sip:h?%.*s", (int)(2 * n),
			"a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&");
		assert_int_equal(sip_uri_parse(slice_str(text), &u), expected);
	}
}

/* --- equality --- */

static void check_equality(struct slice a, struct slice b, bool expected)
{
	struct sip_uri x;
	struct sip_uri y;

	if (sip_uri_parse(a, &x) != OK || sip_uri_parse(b, &y) != OK)
		fail_msg("not read: " SLICE_FMT " or " SLICE_FMT, SLICE_ARG(a), SLICE_ARG(b));
	if (sip_uri_eq(&x, &y) != expected || sip_uri_eq(&y, &x) != expected)
		fail_msg(SLICE_FMT " and " SLICE_FMT " are %s", SLICE_ARG(a), SLICE_ARG(b),
		         expected ? "equal" : "different");
	assert_true(sip_uri_eq(&x, &x) && sip_uri_eq(&y, &y));
}

/* R21, R48, D7 */
static void uris_are_compared_by_the_rules_of_rfc_3261(void **state)
{
	(void)state;
	static const struct {
		bool equal;
		const char *a, *b;
	} cases[] = {
		{true, "sip:%61lice@atlanta.com;transport=TCP",
	         "sip:alice@AtlanTa.CoM;Transport=tcp"},
		{true, "sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"},
		{true, "sip:h;transport=tcp;method=REGISTER?to=sip:bob%40b.com",
	         "sip:h;method=REGISTER;transport=tcp?to=sip:bob%40b.com"},
		{true, "sip:h?subject=project%20x&priority=urgent",
	         "sip:h?priority=urgent&subject=project%20x"},
		{true, "sip:%00@h", "sip:%00@h"},
		{true, "sip:a%c3%a9@h", "sip:a%C3%A9@h"},
		{true, "sip:a@h;;lr;", "sip:a@h;lr"},
		{true, "sip:a@h;x=1;x=2", "sip:a@h;x=2;x=1"},
		{false, "sip:%00@h", "sip:%00%00@h"},
		{false, "SIP:ALICE@h", "sip:alice@h"},
		{false, "sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"},
		{false, "sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"},
		{false, "sip:h", "sip:h?Subject=next%20meeting"},
		{false, "sip:h?a=1&a=1", "sip:h?a=1&a=2"},
		{false, "sip:carol@h;security=on", "sip:carol@h;security=off"},
		{false, "sip:a@h", "sips:a@h"},
		{false, "sip:a:b@h", "sip:a@h"},
		{false, "sip:a%40b@h", "sip:ab@h"},
		{false, "sip:a%2Fb@h", "sip:a/b@h"},
		{false, "sip:a@h;lr", "sip:a@h;lr=on"},
		{true, "tel:+1-201-555-0123", "TEL:+1(201)5550123"},
		{true, "tel:7042;a=1;b", "tel:7042;B;A=1"},
		{false, "tel:+12015550123", "tel:12015550123"},
		{false, "tel:7042", "tel:7042;phone-context=example.com"},
		{false, "tel:7042", "sip:7042@h"},
		{true, "urn:EXAMPLE:abc", "URN:example:abc"},
		{false, "urn:example:ABC", "urn:example:abc"},
		{true, "MAILTO:a@b", "mailto:a@b"},
		{false, "mailto:A@b", "mailto:a@b"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check_equality(slice_str(cases[i].a), slice_str(cases[i].b), cases[i].equal);
}

struct exception {
	const char *first, *second;
	const char *why;
};

static const struct exception *find_exception(const struct exception *table, size_t n,
                                              const struct slice *fields)
{
	for (size_t i = 0; i < n; i++)
		if (slice_eq(fields[0], slice_str(table[i].first)) &&
		    slice_eq(fields[1], slice_str(table[i].second)))
			return &table[i];
	return NULL;
}

/* R21 */
static void every_row_of_the_equality_table_agrees(void **state)
{
	(void)state;
	/* Rows that contradict another row and RFC 3261, known by verdict and first URI. */
	static const struct exception exceptions[] = {
		{"different", "sip:user@domain;ttl=15;method=foo",
	         "row 'equal' with the same URIs; 19.1.4: parameters match in any order"},
		{"different", "sip:user@domain;method=foo;ttl=15",
	         "row 'equal' with the same URIs; 19.1.4: parameters match in any order"},
	};
	struct tsv t;
	size_t passed_over = 0;

	tsv_open(&t, "uri_equality.tsv");
	while (tsv_next(&t)) {
		if (find_exception(exceptions, ARRAY_LEN(exceptions), t.fields) != NULL)
			passed_over++;
		else
			check_equality(t.fields[1], t.fields[2],
			               slice_eq(t.fields[0], SLICE("equal")));
	}
	assert_int_equal(passed_over, ARRAY_LEN(exceptions));
	assert_true(t.rows >= 90);
	tsv_close(&t);
}

/* --- the table of texts --- */

/* The table writes a backslash as two and a byte as \xHH. */
static struct slice unescaped(struct slice s, uint8_t *to, size_t room)
{
	struct buf b = buf_on(to, room);

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && i + 3 < s.n && s.p[i + 1] == 'x') {
			char hex[3] = {(char)s.p[i + 2], (char)s.p[i + 3], 0};

			buf_byte(&b, (uint8_t)strtoul(hex, NULL, 16));
			i += 3;
		} else {
			buf_byte(&b, s.p[i]);
			i += s.p[i] == '\\' && i + 1 < s.n && s.p[i + 1] == '\\';
		}
	}
	assert_false(b.full);
	return buf_slice(&b);
}

static bool accepted(struct slice text)
{
	struct sip_name_addr addr;
	struct sip_uri uri;

	return name_addr_read(text, &addr) == OK && sip_uri_parse(addr.uri, &uri) == OK;
}

/* R33, R34 */
static void every_row_of_the_table_of_texts_agrees(void **state)
{
	(void)state;
	/* Rows that contradict the text of an RFC. */
	static const struct exception exceptions[] = {
		{"accept", "Strange User\" <sip:localhost>",
	         "RFC 3261 25.1: a quote without its partner is no display-name (RFC 4475 "
	         "3.1.2.6)"},
		{"accept", "sip::@host", "RFC 3261 25.1: user has at least one character"},
		{"accept",
	         "sip:localhost;pickup=hurry;user=phone;message=I%20am%20sorry?Subject=Hello%"
	         "20There&Server="
	         "SIP%20Server",
	         "RFC 3261 20: with a question mark it must stand in < >"},
		{"accept", "tel:+1;isub=/:@&$,-_.!~*'()[]/:&$aA1%21+=",
	         "RFC 3261 20: with a comma it must stand in < >"},
	};
	struct tsv t;
	uint8_t room[TSV_LINE_MAX];
	size_t passed_over = 0;

	tsv_open(&t, "uri_parse.tsv");
	while (tsv_next(&t)) {
		bool expected = slice_eq(t.fields[0], SLICE("accept"));

		if (find_exception(exceptions, ARRAY_LEN(exceptions), t.fields) != NULL) {
			passed_over++;
			expected = false;
		}
		if (accepted(unescaped(t.fields[1], room, sizeof room)) != expected)
			fail_msg("not %s: " SLICE_FMT, expected ? "accepted" : "refused",
			         SLICE_ARG(t.fields[1]));
	}
	assert_int_equal(passed_over, ARRAY_LEN(exceptions));
	assert_true(t.rows >= 40);
	tsv_close(&t);
}

/* R33, R34 */
static void texts_that_need_angle_brackets_are_read_in_them(void **state)
{
	(void)state;
	assert_true(
		accepted(SLICE("<sip:localhost;user=phone;message=I%20am?Subject=Hello%20There>")));
	assert_true(accepted(SLICE("<tel:+1;isub=/:@&$,-_.!~*'()[]/:&$aA1%21+=>")));
	assert_true(accepted(SLICE("sip:localhost;pvalue=\"hello world\"")));
	assert_true(accepted(SLICE("  Power Administrator  <sips:localhost>")));
	assert_true(accepted(SLICE("\"\\\"User\\\"\" <sip:localhost>")));
	assert_true(accepted(SLICE("tel:+1-201-555-0123")));
	assert_true(accepted(SLICE("mailto:bob@example.com")));
	assert_false(accepted(SLICE("\"Rogue User\\\" <sip:localhost>")));
	assert_false(accepted(SLICE("sip:h?a=b")));
}

/* --- keys --- */

static void check_aor(const char *text, const char *expected)
{
	uint8_t room[SIP_AOR_MAX];
	struct buf b = buf_on(room, sizeof room);
	struct sip_uri u = parsed(text);

	assert_int_equal(sip_aor(&u, &b), OK);
	if (!slice_eq(buf_slice(&b), slice_str(expected)))
		fail_msg("%s became " SLICE_FMT, text, SLICE_ARG(buf_slice(&b)));
}

/* R13, R48 */
static void an_aor_is_canonical(void **state)
{
	(void)state;
	static const struct {
		const char *text, *aor;
	} cases[] = {
		{"sip:alice@Atlanta.COM;user=phone;transport=tcp?a=b", "sip:alice@atlanta.com"},
		{"SIP:alice:secret@atlanta.com", "sip:alice@atlanta.com"},
		{"sips:alice@atlanta.com", "sips:alice@atlanta.com"},
		{"sip:Alice@atlanta.com:5060", "sip:Alice@atlanta.com:5060"},
		{"sip:%61l%69ce@atlanta.com", "sip:alice@atlanta.com"},
		{"sip:a%2Fb@h", "sip:a/b@h"},
		{"sip:a%40b%3a@h", "sip:a%40b%3A@h"},
		{"sip:null-%00-null@example.com", "sip:null-%00-null@example.com"},
		{"sip:%25%34%31@h", "sip:%2541@h"},
		{"sip:caf%c3%a9@h", "sip:caf%C3%A9@h"},
		{"sip:caf\xc3\xa9@h", "sip:caf%C3%A9@h"},
		{"sip:*21#@h", "sip:*21%23@h"},
		{"sip:[2001:DB8::A]", "sip:[2001:db8::a]"},
		{"sip:user;par=u%40example.net@example.com",
	         "sip:user;par=u%40example.net@example.com"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		check_aor(cases[i].text, cases[i].aor);
		check_aor(cases[i].aor, cases[i].aor);
	}
}

/* R34 */
static void only_sip_and_sips_uris_are_aors(void **state)
{
	(void)state;
	uint8_t room[SIP_AOR_MAX];
	struct buf b = buf_on(room, sizeof room);
	struct sip_uri tel = parsed("tel:911");
	struct sip_uri other = parsed("isbn:2983792873");

	assert_int_equal(sip_aor(&tel, &b), ERR_UNSUPPORTED);
	assert_int_equal(sip_aor(&other, &b), ERR_UNSUPPORTED);
	assert_int_equal(b.n, 0);
}

static void an_aor_has_a_longest_size(void **state)
{
	(void)state;
	uint8_t text[SIP_AOR_MAX + 1] = "sip:";
	uint8_t room[SIP_AOR_MAX + 20];
	struct buf b = buf_on(room, sizeof room);
	struct sip_uri u;

	memset(text + 4, 'a', sizeof text - 4);
	assert_int_equal(sip_uri_parse((struct slice){text, SIP_AOR_MAX}, &u), OK);
	assert_int_equal(sip_aor(&u, &b), OK);
	assert_int_equal(b.n, SIP_AOR_MAX);
	b.n = 0;
	assert_int_equal(sip_uri_parse((struct slice){text, SIP_AOR_MAX + 1}, &u), OK);
	assert_int_equal(sip_aor(&u, &b), ERR_TOO_BIG);
	assert_int_equal(b.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_uri_is_split_into_its_parts),
		cmocka_unit_test(the_scheme_is_known_in_any_case),
		cmocka_unit_test(what_is_no_uri_is_malformed),
		cmocka_unit_test(more_than_32_parameters_or_headers_are_too_many),
		cmocka_unit_test(uris_are_compared_by_the_rules_of_rfc_3261),
		cmocka_unit_test(every_row_of_the_equality_table_agrees),
		cmocka_unit_test(every_row_of_the_table_of_texts_agrees),
		cmocka_unit_test(texts_that_need_angle_brackets_are_read_in_them),
		cmocka_unit_test(an_aor_is_canonical),
		cmocka_unit_test(only_sip_and_sips_uris_are_aors),
		cmocka_unit_test(an_aor_has_a_longest_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
