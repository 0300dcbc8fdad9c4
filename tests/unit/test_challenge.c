/* layer: sip */
/* test_challenge.c - what a server asks for is read, chosen from and answered as RFC 7616, 8760 and 2617
 * say; what is written is read by our own reader of credentials. */
#include "proto/sip/challenge.h"
#include "proto/sip/header.h"
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
	return 0;
}

static void assert_slice(struct slice s, const char *text)
{
	if (!slice_eq(s, slice_str(text)))
		fail_msg("'" SLICE_FMT "' is not '%s'", SLICE_ARG(s), text);
}

static struct sip_challenge challenge(const char *value)
{
	struct sip_challenge c;

	if (challenge_read(slice_str(value), &c) != OK)
		fail_msg("not read: %s", value);
	return c;
}

/* C04 */
static void a_challenge_is_taken_apart(void **state)
{
	(void)state;
	struct sip_challenge c = challenge(
		"DIGEST realm=\"bi\\\"l, oxi\", domain=\"sip:x\",\r\n qop = \"auth, auth-int\" ,"
		"nonce=\"dcd9=\", opaque=\"5c,cc\", Stale=TRUE, algorithm=md5, charset=UTF-8");

	assert_slice(c.realm, "bi\\\"l, oxi");
	assert_slice(c.nonce, "dcd9=");
	assert_slice(c.opaque, "5c,cc");
	assert_slice(c.algorithm, "md5");
	assert_slice(c.qop, "auth, auth-int");
	assert_true(c.stale);
	assert_false(c.proxy);
	c = challenge("Digest nonce=a, realm=\"\", stale=\"false\"");
	assert_true(c.realm.n == 0 && c.opaque.n == 0 && c.algorithm.n == 0 && c.qop.n == 0);
	assert_false(c.stale);
}

static void what_could_not_be_given_back_is_refused(void **state)
{
	(void)state;
	static char longest[CHALLENGE_TEXT_MAX + 64];
	static const struct {
		const char *value;
		enum err err;
	} rows[] = {
		{"", ERR_MALFORMED},
		{"Digest", ERR_MALFORMED},
		{"Basic realm=\"x\"", ERR_UNSUPPORTED},
		{"Digest realm=\"x\"", ERR_MALFORMED},
		{"Digest realm=\"x\", nonce=\"\"", ERR_MALFORMED},
		{"Digest nonce=\"x\"", ERR_MALFORMED},
		{"Digest nonce=x, nonce=y, realm=z", ERR_MALFORMED},
		{"Digest nonce=x, realm=\"z", ERR_MALFORMED},
		{"Digest nonce=x, realm=\"a\r\n b\"", ERR_MALFORMED},
		{"Digest nonce=x\\, realm=a", ERR_MALFORMED},
		{"Digest nonce=\"\177\", realm=a", ERR_MALFORMED},
		{"Digest nonce=x, =a", ERR_MALFORMED},
		{"Digest nonce=x, realm=a\"b", ERR_MALFORMED},
		{longest, ERR_TOO_BIG},
	};
	struct sip_challenge c;

	(void)snprintf(longest, sizeof longest, "Digest realm=a, nonce=%0*d",
	               CHALLENGE_TEXT_MAX + 1, 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (challenge_read(slice_str(rows[i].value), &c) != rows[i].err)
			fail_msg("%s", rows[i].value);
}

/* C07, C09, C13, D3 */
static void what_is_known_can_be_answered(void **state)
{
	(void)state;
	static const struct {
		const char *rest;
		bool known;
	} rows[] = {
		{"", true},
		{", algorithm=MD5", true},
		{", algorithm=\"SHA-256\"", true},
		{", algorithm=sha-512-256-SESS, qop=auth", true},
		{", qop=\"auth-int\"", true},
		{", qop=\"auth-conf,AUTH\"", true},
		{", qop=\"\"", true},
		{", qop=\"auth-conf\"", false},
		{", algorithm=SHA-384", false},
		{", algorithm=AKAv1-MD5", false},
		{", algorithm=-sess", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char value[128];
		(void)snprintf(value, sizeof value, "Digest realm=a, nonce=b%s", rows[i].rest);
		struct sip_challenge c = challenge(value);
		if (challenge_is_known(&c) != rows[i].known)
			fail_msg("%s", value);
	}
}

struct choice {
	const char *what, *realm;
	bool any_realm;
	const char *asked[5]; /* "!" before it: of a proxy */
	const char *chosen;   /* nonces */
};

static void choose(const struct choice *row)
{
	struct sip_challenge all[5], out[2];
	const struct challenge_wish wish = {slice_str(row->realm), row->any_realm};
	char values[ARRAY_LEN(all)][128], got[16] = "";
	size_t n = 0;

	for (; n < ARRAY_LEN(all) && row->asked[n] != NULL; n++) {
		bool proxy = row->asked[n][0] == '!';
		(void)snprintf(values[n], sizeof values[n], "Digest %s", row->asked[n] + proxy);
		all[n] = challenge(values[n]);
		all[n].proxy = proxy;
	}
	size_t chosen = challenge_choose(all, n, &wish, out, ARRAY_LEN(out));
	for (size_t i = 0; i < chosen; i++)
		(void)snprintf(got + strlen(got), sizeof got - strlen(got), SLICE_FMT,
		               SLICE_ARG(out[i].nonce));
	if (strcmp(got, row->chosen) != 0)
		fail_msg("%s: '%s', not '%s'", row->what, got, row->chosen);
}

/* C06, C07, C08, C09, C13 */
static void the_topmost_known_one_of_each_realm_is_chosen(void **state)
{
	(void)state;
	static const struct choice rows[] = {
		{"topmost",
	         "",
	         false,
	         {"realm=a,nonce=1,algorithm=SHA-256", "realm=a,nonce=2"},
	         "1"},
		{"what is not known is passed over",
	         "",
	         false,
	         {"realm=a,nonce=1,algorithm=SHA-384", "realm=a,nonce=2", "realm=a,nonce=3"},
	         "2"},
		{"nothing is known", "", false, {"realm=a,nonce=1,algorithm=x"}, ""},
		{"the first realm", "", false, {"realm=a,nonce=1", "realm=b,nonce=2"}, "1"},
		{"ours", "b", false, {"realm=a,nonce=1", "realm=b,nonce=2"}, "2"},
		{"none is ours", "c", false, {"realm=a,nonce=1", "realm=b,nonce=2"}, ""},
		{"realms are case-sensitive", "B", false, {"realm=b,nonce=1"}, ""},
		{"whatever comes", "c", true, {"realm=a,nonce=1", "realm=b,nonce=2"}, "12"},
		{"a proxy's beside the registrar's",
	         "",
	         false,
	         {"realm=a,nonce=1", "!realm=p,nonce=2", "!realm=q,nonce=3"},
	         "12"},
		{"of one realm, two kinds",
	         "a",
	         false,
	         {"realm=a,nonce=1", "!realm=a,nonce=2"},
	         "12"},
		{"an empty realm", "", false, {"realm=\"\",nonce=1", "realm=\"\",nonce=2"}, "1"},
		{"no more than there is room for",
	         "",
	         true,
	         {"realm=a,nonce=1", "realm=b,nonce=2", "realm=c,nonce=3"},
	         "12"},
		{"nothing was asked", "", true, {NULL}, ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		choose(&rows[i]);
}

static const char *written(struct digester *d, const struct challenge_answer *a)
{
	static char text[8192];
	struct buf to = buf_on((uint8_t *)text, sizeof text - 1);

	challenge_answer(d, a, &to);
	assert_false(to.full);
	text[to.n] = '\0';
	return text;
}

/* RFC 7616 3.9.1 and RFC 2617 3.5, whole: C04, C05, C13 */
static void credentials_are_written_as_they_were_asked_for(void **state)
{
	static const struct {
		const char *challenge;
		bool proxy;
		const char *method, *uri, *line;
	} rows[] = {
		{"Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", "
	         "algorithm=SHA-256, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
	         "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
	         false, "GET", "/dir/index.html",
	         "Authorization: Digest username=\"Mufasa\", realm=\"http-auth@example.org\", "
	         "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
	         "uri=\"/dir/index.html\", response=\""
	         "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\", "
	         "algorithm=SHA-256, opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", "
	         "cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, "
	         "nc=00000001\r\n"},
		/* the form of RFC 2069, computed with Python's hashlib */
		{"Digest realm=\"http-auth@example.org\", nonce=\"n\"", true, "REGISTER", "sip:x",
	         "Proxy-Authorization: Digest username=\"Mufasa\", "
	         "realm=\"http-auth@example.org\", nonce=\"n\", uri=\"sip:x\", "
	         "response=\"e557b71bec8ff4227a3d9c60025a80b2\"\r\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip_challenge c = challenge(rows[i].challenge);
		c.proxy = rows[i].proxy;
		const struct challenge_answer a = {
			.challenge = &c,
			.user = SLICE("Mufasa"),
			.password = SLICE("Circle of Life"),
			.method = slice_str(rows[i].method),
			.uri = slice_str(rows[i].uri),
			.nc = 1,
			.cnonce = SLICE("f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"),
		};
		assert_string_equal(written(*state, &a), rows[i].line);
	}
}

/* D11: quotes in names and realms are escaped once, and hashed as what they are */
static void quotes_are_escaped_once(void **state)
{
	struct sip_challenge c = challenge("Digest realm=\"the \\\"realm\\\"\", nonce=\"a\\b\"");
	const struct challenge_answer a = {
		.challenge = &c,
		.user = SLICE("b\"o\\b"),
		.password = SLICE("p"),
		.method = SLICE("REGISTER"),
		.uri = SLICE("sip:x"),
		.nc = 1,
		.cnonce = SLICE("c"),
	};

	assert_string_equal(
		written(*state, &a),
		"Authorization: Digest username=\"b\\\"o\\\\b\", realm=\"the \\\"realm\\\"\", "
		"nonce=\"a\\b\", uri=\"sip:x\", response=\"6fb993da20a06e20d6f34e2722f6affd\"\r\n");
}

/* D10: -sess wants a cnonce even in the form without qop */
static void a_session_says_its_cnonce(void **state)
{
	struct sip_challenge c = challenge("Digest realm=r, nonce=n, algorithm=MD5-sess");
	const struct challenge_answer a = {
		.challenge = &c,
		.user = SLICE("u"),
		.password = SLICE("p"),
		.method = SLICE("REGISTER"),
		.uri = SLICE("sip:x"),
		.nc = 1,
		.cnonce = SLICE("c"),
	};

	assert_string_equal(
		written(*state, &a),
		"Authorization: Digest username=\"u\", realm=\"r\", nonce=\"n\", "
		"uri=\"sip:x\", response=\"8343bc2149893ed5b7a7a759b20e4e56\", algorithm=MD5-sess, "
		"cnonce=\"c\"\r\n");
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
	COL_RESPONSE = 15,
};

static struct slice or_nothing(struct slice field)
{
	return slice_eq(field, SLICE("-")) ? (struct slice){NULL, 0} : field;
}

static uint32_t count_of(struct slice nc)
{
	struct sip_credentials c;
	char value[64];

	(void)snprintf(value, sizeof value, "Digest nc=" SLICE_FMT, SLICE_ARG(nc));
	return credentials_read(slice_str(value), &c) == OK ? c.nc : 0;
}

static void answer_row(struct digester *d, const struct slice *f)
{
	const struct sip_challenge c = {
		.realm = f[COL_REALM],
		.nonce = f[COL_NONCE],
		.algorithm = f[COL_ALGORITHM],
		.qop = or_nothing(f[COL_QOP]),
	};
	const struct challenge_answer a = {
		.challenge = &c,
		.user = f[COL_USER],
		.password = f[COL_PASSWORD],
		.method = f[COL_METHOD],
		.uri = f[COL_URI],
		.body = or_nothing(f[COL_BODY]),
		.nc = count_of(f[COL_NC]),
		.cnonce = f[COL_CNONCE],
	};
	const char *line = written(d, &a);
	struct slice value = slice_str(line + strlen("Authorization: "));
	struct sip_credentials said;

	assert_int_equal(credentials_read(slice_head(value, value.n - 2), &said), OK);
	if (!slice_eq(said.response, f[COL_RESPONSE]))
		fail_msg(SLICE_FMT ": %s", SLICE_ARG(f[COL_ID]), line);
	assert_true(slice_eq(said.username, f[COL_USER]) && slice_eq(said.nonce, f[COL_NONCE]));
	assert_true(said.nc == a.nc || c.qop.n == 0);
}

/* D9, D10, C04, C07, C13: RFC 2617, 7616, 8760 and those of others' suites */
static void every_row_of_the_digest_table_is_answered(void **state)
{
	struct tsv t;
	size_t answered = 0;

	tsv_open(&t, "digest.tsv");
	while (tsv_next(&t)) {
		struct slice qop = or_nothing(t.fields[COL_QOP]), nc = t.fields[COL_NC];

		if (qop.n > 0 && count_of(nc) == 0)
			continue; /* words in place of a number */
		answer_row(*state, t.fields);
		answered++;
	}
	assert_true(answered >= 30);
	tsv_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_challenge_is_taken_apart),
		cmocka_unit_test(what_could_not_be_given_back_is_refused),
		cmocka_unit_test(what_is_known_can_be_answered),
		cmocka_unit_test(the_topmost_known_one_of_each_realm_is_chosen),
		cmocka_unit_test(credentials_are_written_as_they_were_asked_for),
		cmocka_unit_test(quotes_are_escaped_once),
		cmocka_unit_test(a_session_says_its_cnonce),
		cmocka_unit_test(every_row_of_the_digest_table_is_answered),
	};

	return cmocka_run_group_tests(tests, open_digester, close_digester);
}
