/* layer: sip */
#include "proto/sip/digest.h"
#include "tests/check.h"
#include "tests/tsv.h"

static int open_digester(void **state)
{
	*state = digester_new();
	return 0;
}

static int close_digester(void **state)
{
	struct digester *d = *state;

	digester_close(&d);
	assert_null(d);
	digester_close(&d);
	return 0;
}

static void assert_hex(const uint8_t *hash, size_t size, struct slice expected)
{
	uint8_t room[DIGEST_HEX_MAX];
	struct buf b = buf_on(room, sizeof room);

	buf_hex(&b, (struct slice){hash, size});
	if (!slice_eq(buf_slice(&b), expected))
		fail_msg(SLICE_FMT " is not " SLICE_FMT, SLICE_ARG(buf_slice(&b)),
		         SLICE_ARG(expected));
}

/* D3 */
static void an_algorithm_has_a_name_and_none_means_md5(void **state)
{
	(void)state;
	struct digest_form f = {DIGEST_SHA256, true};

	assert_int_equal(digest_by_name((struct slice){NULL, 0}, &f), OK);
	assert_int_equal(f.algorithm, DIGEST_MD5);
	assert_false(f.session);
	for (enum digest_algorithm i = DIGEST_MD5; i < DIGEST_ALGORITHMS; i++) {
		assert_int_equal(digest_by_name(slice_str(digest_name(i)), &f), OK);
		assert_int_equal(f.algorithm, i);
		assert_int_equal(digest_size(i), i == DIGEST_MD5 ? 16 : 32);
	}
	assert_int_equal(digest_by_name(SLICE("sha-512-256"), &f), OK);
	assert_int_equal(f.algorithm, DIGEST_SHA512_256);
}

/* D10 */
static void each_algorithm_has_a_session_form(void **state)
{
	(void)state;
	static const char *const names[] = {"MD5-sess", "sha-256-SESS", "SHA-512-256-sess"};
	struct digest_form f;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(digest_by_name(slice_str(names[i]), &f), OK);
		assert_int_equal(f.algorithm, i);
		assert_true(f.session);
	}
}

/* D2 */
static void algorithms_that_nobody_knows_are_unsupported(void **state)
{
	(void)state;
	static const char *const names[] = {"SHA-512",  "SHA-1",     "MD",   "-sess",
	                                    "SHA-2567", "AKAv1-MD5", "sess", "MD5-session"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct digest_form f;

		assert_int_equal(digest_by_name(slice_str(names[i]), &f), ERR_UNSUPPORTED);
	}
}

static void a_hash_is_over_all_parts_in_their_order(void **state)
{
	static const struct slice whole[] = {{SLICE_OF("abc")}};
	static const struct slice parts[] = {{SLICE_OF("a")}, {NULL, 0}, {SLICE_OF("bc")}};
	static const char *const expected[DIGEST_ALGORITHMS] = {
		"900150983cd24fb0d6963f7d28e17f72",
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23",
	};

	for (enum digest_algorithm a = DIGEST_MD5; a < DIGEST_ALGORITHMS; a++) {
		uint8_t out[DIGEST_HASH_MAX];

		digest_hash(*state, a, whole, ARRAY_LEN(whole), out);
		assert_hex(out, digest_size(a), slice_str(expected[a]));
		digest_hash(*state, a, parts, ARRAY_LEN(parts), out);
		assert_hex(out, digest_size(a), slice_str(expected[a]));
	}
}

struct answer {
	enum digest_algorithm algorithm;
	const char *user, *realm, *password;
	const char *method, *uri, *nonce, *nc, *cnonce, *qop;
	const char *expected;
};

static void check_answer(struct digester *d, const struct answer *a)
{
	uint8_t ha1[DIGEST_HASH_MAX];
	char out[DIGEST_HEX_MAX + 1];

	digest_ha1(d, a->algorithm, slice_str(a->user), slice_str(a->realm), slice_str(a->password),
	           ha1);
	const struct digest_question q = {
		.form = {a->algorithm, false},
		.ha1 = {ha1, digest_size(a->algorithm)},
		.method = slice_str(a->method),
		.uri = slice_str(a->uri),
		.nonce = slice_str(a->nonce),
		.nc = slice_str(a->nc),
		.cnonce = slice_str(a->cnonce),
		.qop = slice_str(a->qop),
	};

	digest_response(d, &q, out);
	assert_string_equal(out, a->expected);
	assert_true(digest_same(slice_str(a->expected), out));
}

/* D3, D9, D11 */
static void responses_are_those_of_the_rfcs(void **state)
{
	static const char nonce[] = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
	static const char nonce7616[] = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
	static const char cnonce7616[] = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
	static const char sip_uri[] = "sip:registrar.biloxi.com";
	const struct answer cases[] = {
		/* RFC 2617 3.5 */
		{DIGEST_MD5, "Mufasa", "testrealm@host.com", "Circle Of Life", "GET",
	         "/dir/index.html", nonce, "00000001", "0a4f113b", "auth",
	         "6629fae49393a05397450978507c4ef1"},
		/* RFC 7616 3.9.1 */
		{DIGEST_MD5, "Mufasa", "http-auth@example.org", "Circle of Life", "GET",
	         "/dir/index.html", nonce7616, "00000001", cnonce7616, "auth",
	         "8ca523f5e9506fed4657c9700eebdbec"},
		{DIGEST_SHA256, "Mufasa", "http-auth@example.org", "Circle of Life", "GET",
	         "/dir/index.html", nonce7616, "00000001", cnonce7616, "auth",
	         "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
		/* RFC 7616 3.9.2 with erratum 4897 */
		{DIGEST_SHA512_256, "J\xc3\xa4s\xc3\xb8n Doe", "api@example.org", "Secret, or not?",
	         "GET", "/doe.json", "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", "00000001",
	         "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", "auth",
	         "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"},
		/* computed with another library */
		{DIGEST_MD5, "bob", "biloxi.com", "zanzibar", "REGISTER", sip_uri, nonce, "", "",
	         "", "b4e0a3a72bb618580130047003c64700"},
		{DIGEST_MD5, "bob", "biloxi.com", "zanzibar", "REGISTER", sip_uri, nonce,
	         "00000001", "0a4f113b", "auth", "18bca9e68292c17f88f06f7ac8266723"},
		{DIGEST_SHA256, "bob", "biloxi.com", "zanzibar", "REGISTER", sip_uri, nonce, "", "",
	         "", "ab8f87ed6c860ad65cbbec3097b2443c3672796dcc8235dae2db673a612dec8c"},
		{DIGEST_SHA256, "bob", "biloxi.com", "zanzibar", "REGISTER", sip_uri, nonce,
	         "00000001", "0a4f113b", "auth",
	         "dabb848095aa692a8b1ea73999d9751c754105459dc7e6fe1eb8f76f4c17d365"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check_answer(*state, &cases[i]);
}

/* The columns of digest.tsv. */
enum {
	COL_ID,
	COL_ALGORITHM,
	COL_USER,
	COL_REALM,
	COL_PASSWORD,
	COL_METHOD,
	COL_URI,
	COL_NONCE,
	COL_NC,
	COL_CNONCE,
	COL_QOP,
	COL_BODY,
	COL_HA1,
	COL_HA2,
	COL_PUBLISHED,
	COL_RECOMPUTED,
};

static bool is_dash(struct slice s)
{
	return slice_eq(s, SLICE("-"));
}

static struct slice or_empty(struct slice s)
{
	return is_dash(s) ? (struct slice){NULL, 0} : s;
}

static void check_row(struct digester *d, struct digest_form form, const struct slice *f)
{
	uint8_t ha1[DIGEST_HASH_MAX];
	char out[DIGEST_HEX_MAX + 1];
	struct slice expected = is_dash(f[COL_PUBLISHED]) ? f[COL_RECOMPUTED] : f[COL_PUBLISHED];

	digest_ha1(d, form.algorithm, f[COL_USER], f[COL_REALM], f[COL_PASSWORD], ha1);
	if (!form.session) /* else the column has the session's */
		assert_hex(ha1, digest_size(form.algorithm), f[COL_HA1]);
	const struct digest_question q = {
		.form = form,
		.ha1 = {ha1, digest_size(form.algorithm)},
		.method = f[COL_METHOD],
		.uri = f[COL_URI],
		.nonce = f[COL_NONCE],
		.nc = or_empty(f[COL_NC]),
		.cnonce = or_empty(f[COL_CNONCE]),
		.qop = or_empty(f[COL_QOP]),
		.body = or_empty(f[COL_BODY]),
	};

	digest_response(d, &q, out);
	if (!digest_same(expected, out))
		fail_msg(SLICE_FMT ": %s", SLICE_ARG(f[COL_ID]), out);
}

/* D3, D9, D10 */
static void every_row_of_the_digest_table_agrees(void **state)
{
	struct tsv t;
	size_t checked = 0;

	tsv_open(&t, "digest.tsv");
	while (tsv_next(&t)) {
		struct digest_form form;

		assert_int_equal(digest_by_name(t.fields[COL_ALGORITHM], &form), OK);
		check_row(*state, form, t.fields);
		checked++;
	}
	assert_true(checked >= 30);
	tsv_close(&t);
}

/* D14 */
static void a_response_is_the_same_only_in_lower_case_and_whole(void **state)
{
	(void)state;
	static const char expected[] = "18bca9e68292c17f88f06f7ac8266723";

	assert_true(digest_same(SLICE("18bca9e68292c17f88f06f7ac8266723"), expected));
	assert_false(digest_same(SLICE("18BCA9E68292C17F88F06F7AC8266723"), expected));
	assert_false(digest_same(SLICE("18bca9e68292c17f88f06f7ac8266724"), expected));
	assert_false(digest_same(SLICE("18bca9e68292c17f88f06f7ac826672"), expected));
	assert_false(digest_same(SLICE("18bca9e68292c17f88f06f7ac82667233"), expected));
	assert_false(digest_same((struct slice){NULL, 0}, expected));
}

/* RFC 4231, test cases 1, 2, 3, 6 */
static void a_keyed_hash_is_hmac_sha_256(void **state)
{
	uint8_t k0b[20];
	uint8_t kaa[131];
	uint8_t dd[50];
	uint8_t out[DIGEST_HASH_MAX];

	memset(k0b, 0x0b, sizeof k0b);
	memset(kaa, 0xaa, sizeof kaa);
	memset(dd, 0xdd, sizeof dd);
	const struct {
		struct slice key;
		struct slice parts[2];
		const char *expected;
	} cases[] = {
		{{k0b, 20},
	         {SLICE("Hi "), SLICE("There")},
	         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{SLICE("Jefe"),
	         {SLICE("what do ya want for nothing?"), SLICE("")},
	         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{{kaa, 20},
	         {{dd, 20}, {dd, 30}},
	         "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
		{{kaa, 131},
	         {SLICE("Test Using Larger Than Block-Size Key"), SLICE(" - Hash Key First")},
	         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		digest_keyed(*state, cases[i].key, cases[i].parts, 2, out);
		assert_hex(out, sizeof out, slice_str(cases[i].expected));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_algorithm_has_a_name_and_none_means_md5),
		cmocka_unit_test(each_algorithm_has_a_session_form),
		cmocka_unit_test(algorithms_that_nobody_knows_are_unsupported),
		cmocka_unit_test(a_hash_is_over_all_parts_in_their_order),
		cmocka_unit_test(responses_are_those_of_the_rfcs),
		cmocka_unit_test(every_row_of_the_digest_table_agrees),
		cmocka_unit_test(a_response_is_the_same_only_in_lower_case_and_whole),
		cmocka_unit_test(a_keyed_hash_is_hmac_sha_256),
	};

	return cmocka_run_group_tests(tests, open_digester, close_digester);
}
