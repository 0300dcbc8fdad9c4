/* layer: core */
/* test_nap_answer.c - what a provider's answers mean, a row for each kind. */
#include "tests/unit/nap_text_kit.h"

#define C        "Contact: "
#define X        "Expires: "
#define E        "\r\n"
#define OWN      "<sip:trunk1@192.0.2.10:5060>"
#define OTHER    "<sip:trunk1@198.51.100.99>"
#define INSTANCE "\"<urn:uuid:00000000-0000-8007-94E1-15049EC25924>\""

struct accepted {
	const char *what, *start, *lines;
	uint32_t granted_s; /* 0: not bound */
	const char *said;
};

static void assert_accepted(const struct accepted *row, const struct nap_answer *a)
{
	const char *said = a->rewritten           ? "rewritten"
	                   : a->assumed           ? "assumed"
	                   : a->listed_without_us ? "without us"
	                                          : "";

	if (a->granted_s != row->granted_s || strcmp(said, row->said) != 0)
		fail_msg("%s: %u s, %s", row->what, a->granted_s, said);
	assert_int_equal(a->bound, row->granted_s > 0);
}

/* C24, C25, C26, C27, C28, C29, C30, C31, C32, C34 */
static void an_acceptance_says_for_how_long(void **state)
{
	(void)state;
	static const struct accepted rows[] = {
		{"shorter in the Contact (C24)", "200 OK", C OWN ";expires=60" E, 60, ""},
		{"shorter in Expires alone (C25)", "200 OK", C OWN E X "90" E, 90, ""},
		{"no Contact, but Expires (C25)", "200 OK", X "90" E, 90, ""},
		{"own Contact before Expires (C26)", "200 OK", X "65" E C OWN ";expires=75" E, 75,
	         ""},
		{"longer than asked: the lowest counts", "200 OK", C OWN ";expires=7200" E, 3600,
	         ""},
		{"neither (C27)", "200 OK", "", 3600, "assumed"},
		{"others alone (C28)", "200 OK", C OTHER ";expires=60, <sip:x@h>;expires=70" E, 0,
	         "without us"},
		{"several, ours among them (C29)", "200 OK",
	         C OTHER ";expires=60" E
	                 "m: <sip:x@h>;expires=5, \"T\" <SIP:trunk1@192.0.2.10:5060>;expires=70" E,
	         70, ""},
		{"rewritten, as the only one (C30)", "200 OK",
	         C "<sip:trunk1@203.0.113.5:1024;nat=yes>;expires=80" E, 80, "rewritten"},
		{"own Contact ended (C31)", "200 OK", C OWN ";expires=0" E, 0, ""},
		{"Expires: 0 (C31)", "200 OK", C OWN E X "0" E, 0, ""},
		{"Expires: 0 and no Contact (C31)", "200 OK", X "0" E, 0, ""},
		{"the parameter before Expires: 0 (C26)", "200 OK", C OWN ";expires=50" E X "0" E,
	         50, ""},
		{"garbage in the Contact (C32)", "200 OK", C OWN ";expires=soon" E X "90" E, 3600,
	         ""},
		{"garbage in Expires (C32)", "200 OK", X "-1" E, 3600, ""},
		{"very much (C32)", "200 OK", C OWN ";expires=99999999999999999999" E, 3600, ""},
		{"one second (C32)", "200 OK", C OWN ";expires=1" E, 1, ""},
		{"202 (C34)", "202 Accepted", C OWN ";expires=60" E, 60, ""},
		{"299 (C34)", "299 Well", "", 3600, "assumed"},
		{"what cannot be read is passed over", "200 OK",
	         C "<sip:x@h, *" E C OWN ";expires=60" E, 60, ""},
		{"a star means nothing here", "200 OK", C "*" E, 3600, "assumed"},
		{"the first of two that are ours", "200 OK",
	         C OWN ";expires=60, " OWN ";expires=70" E, 60, ""},
	};
	static struct nap_ear ear;
	const struct nap_options o = nap_configured();
	const struct nap_record r = nap_registering();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_accepted(&rows[i], nap_hear(&ear, &o, &r, rows[i].start, rows[i].lines));
}

/* C29, C30, C33 */
static void an_instance_says_more_than_a_uri(void **state)
{
	(void)state;
	static const struct accepted rows[] = {
		{"by instance and reg-id", "200 OK",
	         C OWN ";expires=10, " OTHER ";expires=60;reg-id=1;+sip.instance=" INSTANCE
	               ", <sip:y@h>;expires=70;reg-id=2;+sip.instance=" INSTANCE E,
	         60, ""},
		{"by its URI, for others' instances", "200 OK",
	         C OTHER ";expires=60;+sip.instance=\"<urn:uuid:x>\", " OWN ";expires=10" E, 10,
	         ""},
		{"the only one is another's in vain", "200 OK", C OTHER ";expires=60" E, 60,
	         "rewritten"},
	};
	static struct nap_ear ear;
	const struct nap_options o = nap_configured();
	struct nap_record r = nap_registering();

	r.instance = 7;
	r.reg_id = 1;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_accepted(&rows[i], nap_hear(&ear, &o, &r, rows[i].start, rows[i].lines));
}

/* C44: a binding that is to go is there only where it is named */
static void a_removal_is_done_unless_our_contact_is_listed(void **state)
{
	(void)state;
	static const struct accepted rows[] = {
		{"gone", "200 OK", "", 0, ""},
		{"others stay", "200 OK", C OTHER ";expires=60" E, 0, ""},
		{"said to be ended", "200 OK", C OWN ";expires=0" E, 0, ""},
		{"still there", "200 OK", C OWN ";expires=60" E, 60, ""},
	};
	static struct nap_ear ear;
	const struct nap_options o = nap_configured();
	struct nap_record r = nap_registering();

	r.phase = NAP_UNREGISTERING;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_accepted(&rows[i], nap_hear(&ear, &o, &r, rows[i].start, rows[i].lines));
}

static void assert_slice(struct slice s, const char *text)
{
	if (!slice_eq(s, slice_str(text)))
		fail_msg("'" SLICE_FMT "' is not '%s'", SLICE_ARG(s), text);
}

/* C33: and nothing of it in other answers */
static void what_comes_with_a_binding_is_read(void **state)
{
	(void)state;
	static const char lines[] =
		"Service-Route: <sip:p1;lr>,\r\n <sip:p2;lr>\r\nService-Route: <sip:p3;lr>\r\n"
		"Path: <sip:e1;lr>, <sip:e2;lr>\r\nPath: <sip:e3;lr>\r\n"
		"P-Associated-URI: <sip:other@carrier.example>\r\n"
		"Contact: " OWN ";pub-gruu=\"sip:t@c;gr=1\";temp-gruu=\"sip:u@c;gr\"\r\n";
	static struct nap_ear ear;
	const struct nap_options o = nap_configured();
	const struct nap_record r = nap_registering();
	const struct nap_answer *a = nap_hear(&ear, &o, &r, "200 OK", lines);

	assert_int_equal(a->n_routes, 3);
	assert_slice(a->service_route[0], "<sip:p1;lr>");
	assert_slice(a->service_route[1], "<sip:p2;lr>");
	assert_slice(a->service_route[2], "<sip:p3;lr>");
	assert_slice(a->path, "<sip:e1;lr>, <sip:e2;lr>, <sip:e3;lr>");
	assert_slice(a->gruu_pub, "sip:t@c;gr=1");
	assert_slice(a->gruu_temp, "sip:u@c;gr");
	a = nap_hear(&ear, &o, &r, "403 Forbidden", lines);
	assert_true(a->n_routes == 0 && a->path.n == 0 && a->gruu_pub.n == 0);
	a = nap_hear(&ear, &o, &r, "200 OK", "");
	assert_true(a->n_routes == 0 && a->path.n == 0 && a->gruu_temp.n == 0);
}

/* Part of a route leads nowhere. */
static void what_does_not_fit_is_left_out_whole(void **state)
{
	(void)state;
	static struct nap_ear ear;
	static char lines[4 * NAP_TEXT_MAX], longest[NAP_TEXT_MAX + 8];
	const struct nap_options o = nap_configured();
	const struct nap_record r = nap_registering();
	const struct nap_answer *a = nap_hear(
		&ear, &o, &r, "200 OK",
		"Service-Route: <sip:1>, <sip:2>, <sip:3>, <sip:4>, <sip:5>, <sip:6>, <sip:7>, "
		"<sip:8>\r\n");

	assert_int_equal(a->n_routes, NAP_ROUTES_MAX);
	a = nap_hear(&ear, &o, &r, "200 OK",
	             "Service-Route: <sip:1>, <sip:2>, <sip:3>, <sip:4>, <sip:5>, <sip:6>, "
	             "<sip:7>, <sip:8>, <sip:9>\r\n");
	assert_true(a->bound && a->n_routes == 0);
	memset(longest, 'x', NAP_TEXT_MAX + 1);
	(void)snprintf(lines, sizeof lines,
	               "Service-Route: <sip:1>, <sip:%s>\r\nPath: <sip:%s>\r\n"
	               "Contact: " OWN ";pub-gruu=\"%s\"\r\n",
	               longest, longest, longest);
	a = nap_hear(&ear, &o, &r, "200 OK", lines);
	assert_true(a->bound && a->n_routes == 0 && a->path.n == 0 && a->gruu_pub.n == 0);
	memset(lines, 'r', 300);
	memcpy(lines, "486 ", 4);
	lines[300] = '\0';
	a = nap_hear(&ear, &o, &r, lines, "");
	assert_int_equal(a->reason.n, 128);
}

static const char *nonces(const struct nap_answer *a)
{
	static char text[64];

	text[0] = '\0';
	for (size_t i = 0; i < a->n_challenges; i++)
		(void)snprintf(text + strlen(text), sizeof text - strlen(text), SLICE_FMT "%s",
		               SLICE_ARG(a->challenges[i].nonce),
		               a->challenges[i].proxy ? "!" : "");
	return text;
}

#define WWW   "WWW-Authenticate: Digest "
#define PROXY "proxy-authenticate: Digest "

/* C04, C05, C07, C08, C09, C13 */
static void a_challenge_is_chosen_as_configured(void **state)
{
	(void)state;
	static const struct {
		const char *start, *lines, *realm;
		bool ignore_realm;
		const char *nonces;
	} rows[] = {
		{"401 U", WWW "realm=\"a\", nonce=\"1\"\r\n", "", false, "1"},
		{"407 P", PROXY "realm=\"a\", nonce=\"1\"\r\n", "", false, "1!"},
		{"401 U",
	         WWW "realm=\"a\", nonce=\"1\", algorithm=SHA-256\r\n" WWW
	             "realm=\"a\", nonce=\"2\", algorithm=MD5\r\n",
	         "", false, "1"},
		{"401 U", WWW "realm=\"a\", nonce=\"1\"\r\n" WWW "realm=\"b\", nonce=\"2\"\r\n",
	         "b", false, "2"},
		{"401 U", WWW "realm=\"a\", nonce=\"1\"\r\n" WWW "realm=\"b\", nonce=\"2\"\r\n",
	         "c", true, "12"},
		{"401 U", WWW "realm=\"a\", nonce=\"1\"\r\n" PROXY "realm=\"p\", nonce=\"2\"\r\n",
	         "", false, "12!"},
		{"401 U", WWW "realm=\"a\", nonce=\"1\"\r\n", "b", false, ""},
		{"401 U", WWW "realm=\"a\", nonce=\"1\", algorithm=SHA-384\r\n", "", false, ""},
		{"401 U", "WWW-Authenticate: Basic realm=\"a\"\r\n", "", false, ""},
		{"401 U", WWW "realm=\"\", nonce=\"1\"\r\n", "", false, "1"},
		{"401 U", "", "", false, ""},
		{"403 F", WWW "realm=\"a\", nonce=\"1\"\r\n", "", false, ""},
	};
	static struct nap_ear ear;
	const struct nap_record r = nap_registering();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct nap_options o = nap_configured();
		o.realm = slice_str(rows[i].realm);
		o.ignore_realm = rows[i].ignore_realm;
		const struct nap_answer *a = nap_hear(&ear, &o, &r, rows[i].start, rows[i].lines);
		assert_string_equal(nonces(a), rows[i].nonces);
		assert_false(a->stale || a->same_nonce || a->bound);
	}
}

/* C09 */
static void without_a_password_there_is_nothing_to_answer_with(void **state)
{
	(void)state;
	static struct nap_ear ear;
	const struct nap_record r = nap_registering();
	struct nap_options o = nap_configured();

	o.password = (struct slice){NULL, 0};
	const struct nap_answer *a =
		nap_hear(&ear, &o, &r, "401 U", WWW "realm=\"a\", nonce=\"1\"\r\n");
	assert_true(a->n_challenges == 0 && !a->same_nonce);
}

/* C10, C11 */
static void a_nonce_that_was_answered_is_known_again(void **state)
{
	(void)state;
	static const struct {
		const char *lines;
		bool stale, same_nonce;
	} rows[] = {
		{WWW "realm=\"a\", nonce=\"1\"\r\n", false, true},
		{WWW "realm=\"a\", nonce=\"1\", stale=true\r\n", true, false},
		{WWW "realm=\"a\", nonce=\"2\", stale=true\r\n", true, false},
		{WWW "realm=\"a\", nonce=\"2\"\r\n", false, false},
		{WWW "realm=\"b\", nonce=\"1\"\r\n", false, false},
		{PROXY "realm=\"a\", nonce=\"1\"\r\n", false, false},
		{WWW "realm=\"a\", nonce=\"1\"\r\n" PROXY "realm=\"p\", nonce=\"2\"\r\n", false,
	         false},
	};
	static struct nap_ear ear;
	const struct nap_options o = nap_configured();
	struct nap_record r = nap_registering();

	r.n_challenges = 1;
	r.challenges[0].asked = (struct sip_challenge){.realm = SLICE("a"), .nonce = SLICE("1")};
	nap_answer_challenges(&r, true, 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct nap_answer *a = nap_hear(&ear, &o, &r, "401 U", rows[i].lines);
		assert_true(a->stale == rows[i].stale && a->same_nonce == rows[i].same_nonce);
	}
	r.cseq++; /* sent without credentials */
	assert_false(nap_hear(&ear, &o, &r, "401 U", rows[0].lines)->same_nonce);
}

/* C14 */
static void a_minimum_is_read(void **state)
{
	(void)state;
	static const struct {
		const char *lines;
		uint32_t min_s;
	} rows[] = {
		{"Min-Expires: 7200\r\n", 7200},
		{"", 0},
		{"Min-Expires: 3000000000\r\n", INT32_MAX},
		{"Min-Expires: much\r\n", 0},
		{"Min-Expires: 99999999999\r\n", INT32_MAX},
		{"min-expires:  60 \r\n", 60},
	};
	static struct nap_ear ear;
	const struct nap_options o = nap_configured();
	const struct nap_record r = nap_registering();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct nap_answer *a = nap_hear(&ear, &o, &r, "423 Brief", rows[i].lines);
		assert_int_equal(a->min_expires_s, rows[i].min_s);
		assert_int_equal(a->status, 423);
		assert_slice(a->reason, "Brief");
	}
}

static void a_pause_is_read(void **state)
{
	(void)state;
	static const struct {
		const char *lines;
		bool has;
		uint32_t s;
	} rows[] = {
		{"Retry-After: 120\r\n", true, 120},
		{"Retry-After: 18000;duration=3600\r\n", true, 18000},
		{"Retry-After: 120 (I'm in a meeting)\r\n", true, 120},
		{"Retry-After: 7(x);duration=1\r\n", true, 7},
		{"Retry-After: 99999999999\r\n", true, INT32_MAX},
		{"Retry-After: 0\r\n", true, 0},
		{"Retry-After: soon\r\n", false, 0},
		{"Retry-After: 12h\r\n", false, 0},
		{"Retry-After:\r\n", false, 0},
		{"", false, 0},
	};
	static struct nap_ear ear;
	const struct nap_options o = nap_configured();
	const struct nap_record r = nap_registering();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct nap_answer *a =
			nap_hear(&ear, &o, &r, "503 Service Unavailable", rows[i].lines);
		assert_int_equal(a->has_retry_after, rows[i].has);
		assert_int_equal(a->retry_after_s, rows[i].s);
	}
}

/* C19 */
static void a_redirection_leads_elsewhere_or_nowhere(void **state)
{
	(void)state;
	static const struct {
		const char *start, *aor, *lines, *redirect;
	} rows[] = {
		{"301 Moved", CARRIER, "Contact: <sip:reg2.example>\r\n", "sip:reg2.example"},
		{"302 Moved", CARRIER, "Contact: sip:u@reg2.example:5070\r\n",
	         "sip:reg2.example:5070"},
		{"302 Moved", CARRIER,
	         "Contact: <sip:reg2.example;transport=tcp;x=y?Subject=z>;q=0.5\r\n",
	         "sip:reg2.example;transport=tcp"},
		{"302 Moved", CARRIER, "Contact: <sips:[2001:db8::1]>\r\n", "sips:[2001:db8::1]"},
		{"302 Moved", CARRIER, "Contact: <tel:+1>, *, <sip:CARRIER.example>, <sip:b>\r\n",
	         "sip:b"},
		{"302 Moved", CARRIER, "", ""},
		{"302 Moved", CARRIER, "Contact: <sip:trunk1@carrier.example>\r\n", ""},
		{"302 Moved", CARRIER, "Contact: <mailto:a@b>\r\n", ""},
		{"302 Moved", "sips:a@b", "Contact: <sip:c>, <sips:d>\r\n", "sips:d"},
		{"305 Use Proxy", CARRIER, "Contact: <sip:reg2.example>\r\n", ""},
		{"300 Choices", CARRIER, "Contact: <sip:reg2.example>\r\n", ""},
		{"380 Other", CARRIER, "Contact: <sip:reg2.example>\r\n", ""},
		{"302 Moved", "tel:+1", "Contact: <sip:reg2.example>\r\n", ""},
	};
	static struct nap_ear ear;
	const struct nap_options o = nap_configured();
	struct nap_record r = nap_registering();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		r.aor = slice_str(rows[i].aor);
		const struct nap_answer *a = nap_hear(&ear, &o, &r, rows[i].start, rows[i].lines);
		assert_slice(a->redirect, rows[i].redirect);
		assert_false(a->bound);
	}
	r = nap_registering();
	r.registrar = SLICE("sip:reg2.example");
	assert_int_equal(nap_hear(&ear, &o, &r, "302 Moved", rows[0].lines)->redirect.n, 0);
}

static void options_that_are_not_supported_are_named(void **state)
{
	(void)state;
	static struct nap_ear ear;
	const struct nap_options o = nap_configured();
	const struct nap_record r = nap_registering();

	assert_slice(nap_hear(&ear, &o, &r, "420 Bad Extension",
	                      "Unsupported: gin,\r\n path\r\nUnsupported: x\r\n")
	                     ->unsupported,
	             "gin, path, x");
	assert_int_equal(
		nap_hear(&ear, &o, &r, "404 Not Found", "Unsupported: gin\r\n")->unsupported.n, 0);
}

/* No text is made of memory that is not there. */
static void a_small_arena_is_full_and_no_more(void **state)
{
	(void)state;
	static struct nap_ear ear;
	static const char *const starts[] = {"200 OK", "302 Moved", "420 Bad"};
	const struct nap_options o = nap_configured();
	const struct nap_record r = nap_registering();
	struct nap_answer a;

	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		struct arena small = arena_on(ear.memory, 16);
		(void)nap_hear(&ear, &o, &r, starts[i],
		               "Path: <sip:a\r\n ;lr>\r\nUnsupported: x\r\n"
		               "Contact: <sip:elsewhere>\r\n");
		nap_read_answer(&ear.m, &o, &r, &small, &a);
		assert_true(small.full);
		assert_true(a.path.n == 0 && a.redirect.n == 0 && a.unsupported.n == 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_acceptance_says_for_how_long),
		cmocka_unit_test(an_instance_says_more_than_a_uri),
		cmocka_unit_test(a_removal_is_done_unless_our_contact_is_listed),
		cmocka_unit_test(what_comes_with_a_binding_is_read),
		cmocka_unit_test(what_does_not_fit_is_left_out_whole),
		cmocka_unit_test(a_challenge_is_chosen_as_configured),
		cmocka_unit_test(without_a_password_there_is_nothing_to_answer_with),
		cmocka_unit_test(a_nonce_that_was_answered_is_known_again),
		cmocka_unit_test(a_minimum_is_read),
		cmocka_unit_test(a_pause_is_read),
		cmocka_unit_test(a_redirection_leads_elsewhere_or_nowhere),
		cmocka_unit_test(options_that_are_not_supported_are_named),
		cmocka_unit_test(a_small_arena_is_full_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
