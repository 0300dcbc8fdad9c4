/* layer: core */
/* test_nap_message.c - what a NAP is sent, byte for byte, and as a reader understands it that is not ours
 * (libosip2). */
#include "tests/unit/nap_text_kit.h"

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

static char text[8192];

static const struct nap_sending by_udp = {
	.transport = TRANSPORT_UDP,
	.local = {.family = ADDR_IPV4, .port = 5060, .ip = {192, 0, 2, 10}},
	.branch = 0x0123456789abcdef,
	.expires_s = 3600,
};

static const char *registered(struct digester *d, const struct nap_options *o,
                              const struct nap_record *r, const struct nap_sending *s)
{
	struct buf to = buf_on((uint8_t *)text, sizeof text - 1);

	assert_true(nap_write_register(o, r, s, d, &to));
	text[to.n] = '\0';
	assert_read_alike(buf_slice(&to));
	return text;
}

static void assert_has(const char *line)
{
	if (strstr(text, line) == NULL)
		fail_msg("no %s in\n%s", line, text);
}

static void assert_lacks(const char *words)
{
	if (strstr(text, words) != NULL)
		fail_msg("%s in\n%s", words, text);
}

/* C46: nothing in it is of the moment but the branch */
static void a_register_says_what_the_record_says(void **state)
{
	struct nap_options o = nap_configured();
	struct nap_record r = nap_registering();

	assert_string_equal(
		registered(*state, &o, &r, &by_udp),
		"REGISTER sip:carrier.example SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bK0123456789abcdef\r\n"
		"Max-Forwards: 70\r\n"
		"From: <" CARRIER ">;tag=5e6f\r\n"
		"To: <" CARRIER ">\r\n"
		"Call-ID: 7d1f0e2a\r\n"
		"CSeq: 1001 REGISTER\r\n"
		"Contact: <sip:trunk1@192.0.2.10:5060>;expires=3600\r\n"
		"Supported: path, gruu\r\n"
		"User-Agent: Regpair\r\n"
		"Content-Length: 0\r\n\r\n");
}

/* C44 */
static void taking_a_binding_away_is_said_in_both_ways(void **state)
{
	struct nap_options o = nap_configured();
	struct nap_record r = nap_registering();
	struct nap_sending s = by_udp;

	s.expires_s = 0;
	(void)registered(*state, &o, &r, &s);
	assert_has("\r\nContact: <sip:trunk1@192.0.2.10:5060>;expires=0\r\nExpires: 0\r\n");
}

/* The Contact of the special kinds. */
static void outbound_and_gin_have_their_words(void **state)
{
	struct nap_options o = nap_configured();
	struct nap_record r = nap_registering();
	uint8_t room[128];
	struct buf contact = buf_on(room, sizeof room);

	r.instance = 0x1122334455667788;
	r.reg_id = 1;
	(void)registered(*state, &o, &r, &by_udp);
	assert_has(";+sip.instance=\"<urn:uuid:11223344-5566-8788-9d21-5f0aea276b8a>\""
	           ";reg-id=1;expires=3600\r\nSupported: path, gruu, outbound\r\n");
	assert_lacks("Require");
	o.gin = true;
	assert_true(nap_contact(&o, TRANSPORT_TCP, &virtual_ip, &contact));
	r.contact = buf_slice(&contact);
	o.gin = false; /* configured anew: what is taken away is as it was */
	(void)registered(*state, &o, &r, &by_udp);
	assert_has("\r\nContact: <sip:192.0.2.10:5060;transport=tcp;bnc>;");
	assert_has("\r\nRequire: gin\r\nProxy-Require: gin\r\n");
}

static void a_contact_names_the_user_here(void **state)
{
	(void)state;
	static const struct addr ipv6 = {
		.family = ADDR_IPV6, .port = 5061, .ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
	static const struct {
		const char *aor;
		enum transport transport;
		const struct addr *local;
		const char *contact;
	} rows[] = {
		{CARRIER, TRANSPORT_UDP, &virtual_ip, "sip:trunk1@192.0.2.10:5060"},
		{CARRIER ";user=phone", TRANSPORT_TCP, &virtual_ip,
	         "sip:trunk1@192.0.2.10:5060;transport=tcp"},
		{"sip:a%20b:pw@x:5070", TRANSPORT_TLS, &ipv6,
	         "sip:a%20b@[2001:db8::1]:5061;transport=tls"},
		{"sips:a@x", TRANSPORT_TLS, &ipv6, "sips:a@[2001:db8::1]:5061"},
		{"tel:+123", TRANSPORT_UDP, &virtual_ip, NULL},
		{"sip:carrier.example", TRANSPORT_UDP, &virtual_ip, NULL},
		{"trunk1", TRANSPORT_UDP, &virtual_ip, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf to = buf_on((uint8_t *)text, sizeof text - 1);
		struct nap_options o = nap_configured();
		o.address_to_register = slice_str(rows[i].aor);
		bool written = nap_contact(&o, rows[i].transport, rows[i].local, &to);
		assert_int_equal(written, rows[i].contact != NULL);
		text[to.n] = '\0';
		if (written)
			assert_string_equal(text, rows[i].contact);
		to = buf_on((uint8_t *)text, 10);
		assert_false(nap_contact(&o, rows[i].transport, rows[i].local, &to));
	}
}

/* C19: To, From and Call-ID stay where a redirection is followed */
static void the_request_uri_is_the_domain_or_where_it_was_sent_on(void **state)
{
	static const struct {
		const char *aor, *registrar, *line;
	} rows[] = {
		{"sip:a@x:5070;user=phone", "", "REGISTER sip:x:5070 SIP/2.0\r\n"},
		{"sips:a@x", "", "REGISTER sips:x SIP/2.0\r\n"},
		{"sip:a@[2001:db8::1]", "", "REGISTER sip:[2001:db8::1] SIP/2.0\r\n"},
		{CARRIER, "sip:reg2.example:5062", "REGISTER sip:reg2.example:5062 SIP/2.0\r\n"},
	};
	struct nap_options o = nap_configured();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct nap_record r = nap_registering();
		char to[128];
		r.aor = slice_str(rows[i].aor);
		r.registrar = slice_str(rows[i].registrar);
		(void)registered(*state, &o, &r, &by_udp);
		assert_ptr_equal(strstr(text, rows[i].line), text);
		(void)snprintf(to, sizeof to, "\r\nTo: <%s>\r\nCall-ID: 7d1f0e2a\r\n", rows[i].aor);
		assert_has(to);
	}
}

static void ask(struct nap_record *r, const char *challenge, bool proxy)
{
	struct nap_answer a = {.n_challenges = 1};

	assert_int_equal(challenge_read(slice_str(challenge), &a.challenges[0]), OK);
	a.challenges[0].proxy = proxy;
	nap_take_challenges(r, &a);
}

/* C04, C05, C06, C11: the third try has both */
static void every_challenge_of_the_round_is_answered(void **state)
{
	struct nap_options o = nap_configured();
	struct nap_record r = nap_registering();

	ask(&r, "Digest realm=\"p\", nonce=\"1\", qop=\"auth\"", true);
	(void)registered(*state, &o, &r, &by_udp);
	assert_lacks("uthorization");
	r.cseq++;
	nap_answer_challenges(&r, false, 0xabc);
	(void)registered(*state, &o, &r, &by_udp);
	assert_has("\r\nProxy-Authorization: Digest username=\"trunk1\", realm=\"p\", nonce=\"1\", "
	           "uri=\"sip:carrier.example\", response=\"");
	assert_has("cnonce=\"0000000000000abc\", qop=auth, nc=00000001\r\n");
	assert_lacks("\r\nAuthorization");

	ask(&r, "Digest realm=\"c\", nonce=\"2\", algorithm=SHA-256", false);
	r.cseq++;
	nap_answer_challenges(&r, false, 0xdef);
	(void)registered(*state, &o, &r, &by_udp);
	assert_has("\r\nAuthorization: Digest username=\"trunk1\", realm=\"c\", nonce=\"2\"");
	assert_has("\r\nProxy-Authorization: Digest username=\"trunk1\", realm=\"p\"");
	assert_has("cnonce=\"0000000000000abc\", qop=auth, nc=00000002\r\n");

	/* a new nonce of the proxy; the registrar's stands */
	ask(&r, "Digest realm=\"p\", nonce=\"3\", qop=\"auth\", stale=true", true);
	r.cseq++;
	nap_answer_challenges(&r, false, 0x123);
	assert_int_equal(r.n_challenges, 2);
	(void)registered(*state, &o, &r, &by_udp);
	assert_has("nonce=\"3\"");
	assert_has("cnonce=\"0000000000000123\", qop=auth, nc=00000001\r\n");
	assert_lacks("nonce=\"1\"");

	/* without an answer named there is none */
	r.cseq++;
	(void)registered(*state, &o, &r, &by_udp);
	assert_lacks("uthorization");
}

/* D5: also where others were asked for meanwhile */
static void a_nonce_that_comes_again_is_counted_on(void **state)
{
	(void)state;
	struct nap_record r = nap_registering();
	const struct nap_challenge *c = r.challenges;

	ask(&r, "Digest realm=\"a\", nonce=\"1\"", false);
	r.cseq++;
	nap_answer_challenges(&r, false, 5);
	assert_true(c[0].nc == 1 && c[0].cseq == r.cseq && !c[0].due);
	r.cseq++; /* a refresh without credentials */
	ask(&r, "Digest realm=\"b\", nonce=\"1\"", false);
	r.cseq++;
	nap_answer_challenges(&r, false, 6);
	assert_true(r.n_challenges == 2 && slice_eq(c[0].asked.realm, SLICE("b")));
	assert_true(c[0].nc == 1 && c[0].cnonce == 6 && c[1].nc == 1 && c[1].cseq != r.cseq);
	ask(&r, "Digest realm=\"a\", nonce=\"1\"", false);
	r.cseq++;
	nap_answer_challenges(&r, false, 7);
	assert_true(r.n_challenges == 2 && slice_eq(c[0].asked.realm, SLICE("a")));
	assert_true(c[0].nc == 2 && c[0].cnonce == 5 && c[1].nc == 2 && c[1].cseq == r.cseq);
	nap_answer_challenges(&r, false, 8); /* the same REGISTER to another target */
	assert_true(c[0].nc == 3 && c[1].nc == 3);
	r.cseq++;
	nap_answer_challenges(&r, false, 9); /* nothing was asked for */
	assert_true(c[0].nc == 3 && c[0].cseq != r.cseq);
	nap_answer_challenges(&r, true, 9);
	assert_true(c[0].nc == 4 && c[0].cseq == r.cseq);
}

/* No more than a record holds: the newest are taken. */
static void there_is_room_for_four_challenges(void **state)
{
	(void)state;
	static const char *const asked[] = {"Digest realm=\"a\", nonce=\"n\"",
	                                    "Digest realm=\"b\", nonce=\"n\"",
	                                    "Digest realm=\"c\", nonce=\"n\"",
	                                    "Digest realm=\"d\", nonce=\"n\"",
	                                    "Digest realm=\"e\", nonce=\"n\""};
	struct nap_record r = nap_registering();

	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		ask(&r, asked[i], false);
		nap_answer_challenges(&r, false, 1);
	}
	assert_int_equal(r.n_challenges, NAP_CHALLENGES_MAX);
	assert_int_equal(r.challenges[0].asked.realm.p[0], 'e');
	assert_int_equal(r.challenges[3].asked.realm.p[0], 'b');
}

static void what_makes_no_message_is_refused(void **state)
{
	static const struct {
		const char *aor, *contact, *registrar, *user;
		size_t room;
	} rows[] = {
		{"tel:+1", "sip:h", "", "", 4096},
		{"sip:h", "sip:h", "", "", 4096},
		{"", "sip:h", "", "", 4096},
		{CARRIER, "", "", "", 4096},
		{CARRIER, "sip:a\r\nX: y@h", "", "", 4096},
		{CARRIER, "sip:h", "", "a\r\nX: y", 4096},
		{"sip:a%0d%0aX%3ay@h", "sip:h", "", "", 4096},
		{CARRIER, "sip:h", "", "", 300},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct nap_options o = nap_configured();
		struct nap_record r = nap_registering();
		struct buf to = buf_on((uint8_t *)text, rows[i].room);
		ask(&r, "Digest realm=\"a\", nonce=\"1\"", false);
		nap_answer_challenges(&r, false, 1);
		o.user = slice_str(rows[i].user);
		r.aor = slice_str(rows[i].aor);
		r.contact = slice_str(rows[i].contact);
		r.registrar = slice_str(rows[i].registrar);
		if (nap_write_register(&o, &r, &by_udp, *state, &to))
			fail_msg("row %zu: " SLICE_FMT, i, SLICE_ARG(buf_slice(&to)));
	}
}

static const char *polled(const struct nap_options *o, const struct nap_sending *s)
{
	struct buf to = buf_on((uint8_t *)text, sizeof text - 1);

	assert_true(nap_write_options(o, s, &to));
	text[to.n] = '\0';
	assert_read_alike(buf_slice(&to));
	return text;
}

static void a_poll_asks_the_proxy(void **state)
{
	(void)state;
	struct nap_options o = nap_configured();
	struct nap_sending s = by_udp;
	struct buf small = buf_on((uint8_t *)text, 100);

	assert_string_equal(
		polled(&o, &s),
		"OPTIONS sip:carrier.example SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bK0123456789abcdef\r\n"
		"Max-Forwards: 1\r\n"
		"From: <" CARRIER ">;tag=0123456789abcdef\r\n"
		"Contact: <sip:192.0.2.10:5060>\r\n"
		"To: <sip:carrier.example>\r\n"
		"Call-ID: 0123456789abcdef\r\n"
		"CSeq: 1 OPTIONS\r\n"
		"Accept: application/sdp\r\n"
		"User-Agent: Regpair\r\n"
		"Content-Length: 0\r\n\r\n");
	o.address_to_register = SLICE("");
	o.proxy = SLICE("2001:db8::7");
	s.transport = TRANSPORT_TCP;
	(void)polled(&o, &s);
	assert_has("OPTIONS sip:[2001:db8::7] SIP/2.0\r\nVia: SIP/2.0/TCP ");
	assert_has("\r\nFrom: <sip:192.0.2.10:5060>;tag=");
	assert_has("\r\nContact: <sip:192.0.2.10:5060;transport=tcp>\r\n");
	o.proxy = SLICE("198.51.100.7:5070");
	(void)polled(&o, &s);
	assert_has("\r\nTo: <sip:198.51.100.7:5070>\r\n");
	assert_false(nap_write_options(&o, &s, &small));
	o.proxy = SLICE("a b");
	assert_false(nap_write_options(&o, &s, &small));
	o.proxy = SLICE("");
	assert_false(nap_write_options(&o, &s, &small));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_register_says_what_the_record_says),
		cmocka_unit_test(taking_a_binding_away_is_said_in_both_ways),
		cmocka_unit_test(outbound_and_gin_have_their_words),
		cmocka_unit_test(a_contact_names_the_user_here),
		cmocka_unit_test(the_request_uri_is_the_domain_or_where_it_was_sent_on),
		cmocka_unit_test(every_challenge_of_the_round_is_answered),
		cmocka_unit_test(a_nonce_that_comes_again_is_counted_on),
		cmocka_unit_test(there_is_room_for_four_challenges),
		cmocka_unit_test(what_makes_no_message_is_refused),
		cmocka_unit_test(a_poll_asks_the_proxy),
	};

	return cmocka_run_group_tests(tests, open_digester, close_digester);
}
