/* layer: sip */
#include "proto/sip/header.h"
#include "tests/check.h"

static void assert_slice(struct slice s, const char *text)
{
	if (!slice_eq(s, slice_str(text)))
		fail_msg("'" SLICE_FMT "' is not '%s'", SLICE_ARG(s), text);
}

/* D11, D13 */
static void credentials_are_taken_apart_without_their_quotes(void **state)
{
	(void)state;
	struct sip_credentials c;

	assert_int_equal(
		credentials_read(
			SLICE("digest  username=\"b\\\"o\\\\b, \xc3\xa4\",realm = \"biloxi.com\" "
	                      ",\r\n"
	                      " nonce=\"dcd9=\", uri=\"sip:a,b@biloxi.com\", response=\"6629\","
	                      "Algorithm=SHA-256, cnonce=\"0a4f113b\", qop=\"auth\", nc=0000000A,"
	                      "opaque=\"\", future=1, x=\"y\""),
			&c),
		OK);
	assert_slice(c.username, "b\\\"o\\\\b, \xc3\xa4");
	assert_slice(c.realm, "biloxi.com");
	assert_slice(c.nonce, "dcd9=");
	assert_slice(c.uri, "sip:a,b@biloxi.com");
	assert_slice(c.response, "6629");
	assert_slice(c.algorithm, "SHA-256");
	assert_slice(c.cnonce, "0a4f113b");
	assert_slice(c.qop, "auth");
	assert_slice(c.nc_text, "0000000A");
	assert_int_equal(c.nc, 10);
	assert_slice(c.opaque, "");
}

/* D3 */
static void what_credentials_lack_is_empty(void **state)
{
	(void)state;
	struct sip_credentials c;

	assert_int_equal(credentials_read(SLICE("Digest username=bob"), &c), OK);
	assert_slice(c.username, "bob");
	assert_int_equal(c.algorithm.n, 0);
	assert_int_equal(c.qop.n, 0);
	assert_int_equal(c.nc, 0);
}

/* D5 */
static void a_nonce_count_is_eight_hexadecimal_digits(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		uint32_t nc;
	} cases[] = {
		{"Digest nc=00000001", 1}, {"Digest nc=ffFFffFF", UINT32_MAX},
		{"Digest nc=1", 0},        {"Digest nc=000000001", 0},
		{"Digest nc=0000000g", 0}, {"Digest nc=\"00000002\"", 2},
		{"Digest nc=", 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_credentials c;

		assert_int_equal(credentials_read(slice_str(cases[i].value), &c), OK);
		assert_int_equal(c.nc, cases[i].nc);
	}
}

/* D12 */
static void another_scheme_is_unsupported(void **state)
{
	(void)state;
	struct sip_credentials c;

	assert_int_equal(credentials_read(SLICE("NoOneKnowsThisScheme opaque-data=here"), &c),
	                 ERR_UNSUPPORTED);
	assert_int_equal(credentials_read(SLICE("Basic QWxhZGRpbg=="), &c), ERR_UNSUPPORTED);
}

static void credentials_out_of_shape_are_malformed(void **state)
{
	(void)state;
	static const char *const cases[] = {
		"",
		"Digest",
		"\"Digest\" a=b",
		"Digest username",
		"Digest =\"bob\"",
		"Digest username=\"bob",
		"Digest username=\"bob\\\"",
		"Digest username=\"bob\" realm=\"x\"",
		"Digest username=bo\"b\"",
		"Digest user name=bob",
		"Digest username=\"a\", username=\"b\"",
		"Digest realm=\"\", REALM=\"b\"",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_credentials c;

		if (credentials_read(slice_str(cases[i]), &c) != ERR_MALFORMED)
			fail_msg("not refused: %s", cases[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(credentials_are_taken_apart_without_their_quotes),
		cmocka_unit_test(what_credentials_lack_is_empty),
		cmocka_unit_test(a_nonce_count_is_eight_hexadecimal_digits),
		cmocka_unit_test(another_scheme_is_unsupported),
		cmocka_unit_test(credentials_out_of_shape_are_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
