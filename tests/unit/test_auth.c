/* layer: core */
/* Digest authentication of a REGISTER: challenges and responses. */
#include "tests/unit/auth_kit.h"

/* R09, D1, D4; D8, D16: there is no opaque and no nextnonce to keep */
static void who_shows_nothing_is_challenged_strongest_first(void **state)
{
	(void)state;
	struct kit *k = new_realm();
	char nonce[NONCE_SIZE + 1], line[1024];

	get_nonce(k, nonce);
	assert_int_equal(strlen(nonce), NONCE_SIZE);
	assert_int_equal(k->out.outcome, SERVED_CHALLENGED);
	(void)snprintf(line, sizeof line,
	               "\r\nWWW-Authenticate: Digest realm=\"example.com\", nonce=\"%s\", "
	               "algorithm=SHA-512-256, qop=\"auth\"\r\n"
	               "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"%s\", "
	               "algorithm=SHA-256, qop=\"auth\"\r\n"
	               "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"%s\", "
	               "algorithm=MD5, qop=\"auth\"\r\n",
	               nonce, nonce, nonce);
	assert_non_null(strstr(k->reply, line));
	assert_null(strstr(k->reply, "opaque"));
	assert_false(k->out.change);
	/* nobody learns who exists */
	assert_string_equal(kit_register(k, &(struct reg){.to = "sip:nobody@example.com"}), "401");
	kit_free(k);
}

/* R09, R10, R11, R12; D2, D3, D4, D6, D7, D11, D12, D14 */
static void each_answer_to_a_challenge_gets_its_due(void **state)
{
	(void)state;
	static const struct {
		const char *why;
		struct client client;
		const char *status;
	} cases[] = {
		{"SHA-256", {0}, "200"},
		{"MD5 (D2)", {.algorithm = "MD5"}, "200"},
		{"no algorithm is MD5 (D3)", {.algorithm = ""}, "200"},
		{"SHA-512-256 (D2)", {.algorithm = "SHA-512-256"}, "200"},
		{"with the session (D10)", {.algorithm = "MD5-sess"}, "200"},
		{"SHA-256 with the session (D10)", {.algorithm = "SHA-256-sess"}, "200"},
		{"unknown algorithm", {.algorithm = "ROT13"}, "401"},
		{"wrong password", {.password = "guess"}, "401"},
		{"wrong user", {.user = "nobody"}, "401"},
		{"a removed user", {.user = "gone"}, "401"},
		{"another user (R10)", {.user = "bob"}, "403"},
		{"another realm (D12)", {.realm = "elsewhere"}, "401"},
		{"another scheme (D12)", {.scheme = "Basic"}, "401"},
		{"no qop (D4)", {.qop = ""}, "401"},
		{"auth-int is not offered", {.qop = "auth-int"}, "401"},
		{"another host in uri (D7)", {.uri = "sip:evil.example"}, "400"},
		{"the same host in uri (D7)", {.uri = "sip:EXAMPLE.com:5060;transport=udp"}, "200"},
		{"empty response", {.response = ""}, "401"},
		{"upper-case response (D14)",
	         {.response = "ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789"},
	         "401"},
		{"a hash as name is not offered", {.named = USERHASH}, "401"},
		{"a name in UTF-8 (D11)", {.named = "username*=UTF-8'en'al%69ce"}, "200"},
		{"in another charset", {.named = "username*=ISO-8859-1''alice"}, "401"},
		{"in none", {.named = "username*=alice"}, "401"},
		{"a quoted pair in the name (D11)",
	         {.user = "al\\ice", .signed_user = "alice"},
	         "200"},
	};
	char nonce[NONCE_SIZE + 1];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct kit *k = new_realm();

		get_nonce(k, nonce);
		const char *got = try(k, &cases[i].client, nonce);
		if (strncmp(got, cases[i].status, 3) != 0)
			fail_msg("%s: wanted %s, got %s", cases[i].why, cases[i].status, got);
		assert_int_equal(k->out.change, *got == '2');
		assert_false(says_stale(k));
		kit_free(k);
	}
}

/* R11, R12 */
static void a_third_party_registers_where_the_domain_allows_it(void **state)
{
	(void)state;
	struct kit *k = kit_new();
	char nonce[NONCE_SIZE + 1];
	const struct client boss = {
		.user = "boss", .realm = "third.example", .uri = "sip:third.example"};

	kit_secret(k, 1, 0x11);
	kit_subscriber(k, "boss", "third.example", false);
	kit_subscriber(k, "a b", "third.example", false);
	(void)kit_register(k, &(struct reg){.to = "sip:a@third.example"});
	(void)snprintf(nonce, sizeof nonce, "%s", strstr(k->reply, "nonce=\"") + 7);
	assert_string_equal(kit_register(k, &(struct reg){.to = "sip:a%20b@third.example",
	                                                  .contact = A,
	                                                  .more = authorization(k, &boss, nonce)}),
	                    "200 " A ";expires=3600");
	assert_string_equal(kit_register(k, &(struct reg){.to = "sip:nobody@third.example",
	                                                  .contact = A,
	                                                  .more = authorization(k, &boss, nonce)}),
	                    "404");
	kit_free(k);
}

/* D13 */
static void the_credentials_for_our_realm_are_taken(void **state)
{
	(void)state;
	struct kit *k = new_realm();
	char nonce[NONCE_SIZE + 1], more[3000];
	size_t n = 0;

	get_nonce(k, nonce);
	n += (size_t)snprintf(more + n, sizeof more - n, "%s",
	                      authorization(k, &(struct client){.realm = "elsewhere"}, nonce));
	n += (size_t)snprintf(more + n, sizeof more - n, "Authorization: NoOneKnows x=1\r\n");
	(void)snprintf(more + n, sizeof more - n, "%s",
	               authorization(k, &(struct client){0}, nonce));
	assert_string_equal(kit_register(k, &(struct reg){.to = ALICE, .contact = A, .more = more}),
	                    "200 " A ";expires=3600");
	kit_free(k);
}

/* No dirty read of a subscriber either. */
static void a_refusal_waits_for_the_subscriber_it_read(void **state)
{
	(void)state;
	struct kit *k = new_realm();
	char nonce[NONCE_SIZE + 1];

	get_nonce(k, nonce);
	kit_subscriber(k, "carol", "example.com", false);
	uint64_t seq = k->seq;
	(void)try(k, &(struct client){0}, nonce);
	k->in.last_seq = seq;
	(void)try(k, &(struct client){.user = "carol", .password = "guess"}, nonce);
	assert_true(k->out.depends_on >= seq);
	kit_free(k);
}

/* D1, D2: clients that stop at a challenge they do not know get one they know, first */
static void a_domain_of_old_clients_asks_for_what_they_know(void **state)
{
	(void)state;
	static const struct row {
		const char *domain, *first, *algorithm, *status;
	} rows[] = {
		{"md5.example", "MD5", "MD5", "200"},
		{"md5.example", "MD5", "SHA-256", "401"},
		{"md5.example", "MD5", "", "200"}, /* left out: MD5 (D3) */
		{"sha256.example", "SHA-256", "SHA-256", "200"},
		{"sha256.example", "SHA-256", "MD5", "200"},
		{"sha256.example", "SHA-256", "SHA-512-256", "401"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct kit *k = new_realm();
		char nonce[NONCE_SIZE + 1], to[40], uri[40], first[40];
		struct reg r = {.to = to, .contact = A};

		(void)snprintf(to, sizeof to, "sip:alice@%s", rows[i].domain);
		(void)snprintf(uri, sizeof uri, "sip:%s", rows[i].domain);
		(void)snprintf(first, sizeof first, "algorithm=%s,", rows[i].first);
		kit_subscriber(k, "alice", rows[i].domain, false);
		assert_string_equal(kit_register(k, &r), "401");
		const char *found = strstr(k->reply, "algorithm=");
		assert_non_null(found);
		assert_memory_equal(found, first, strlen(first));
		(void)snprintf(nonce, sizeof nonce, "%s",
		               strstr(k->reply, "nonce=\"") + strlen("nonce=\""));
		struct client c = {
			.realm = rows[i].domain, .uri = uri, .algorithm = rows[i].algorithm};
		r.more = authorization(k, &c, nonce);
		assert_memory_equal(kit_register(k, &r), rows[i].status, strlen(rows[i].status));
		kit_free(k);
	}
}

/* D9, D11: what a domain may offer besides */
static void a_domain_may_ask_for_more(void **state)
{
	(void)state;
	static const struct row {
		const char *why;
		struct client client;
		const char *status;
	} rows[] = {
		{"auth", {0}, "200"},
		{"auth-int of no body (D9)", {.qop = "auth-int"}, "200"},
		{"the same with a session", {.qop = "auth-int", .algorithm = "MD5-sess"}, "200"},
		{"a qop nobody knows", {.qop = "auth-conf"}, "401"},
		{"a hash as name", {.named = USERHASH}, "200"},
		{"that of another algorithm", {.named = USERHASH, .algorithm = "MD5"}, "401"},
		{"a name that is no hash", {.named = "username=\"alice\", userhash=true"}, "401"},
	};
	struct kit *k = new_realm();
	struct reg r = {.to = "sip:alice@strict.example", .call_id = "s", .contact = A};
	char nonce[NONCE_SIZE + 1];

	kit_subscriber(k, "alice", "strict.example", false);
	assert_string_equal(kit_register(k, &r), "401");
	assert_non_null(strstr(k->reply, "SHA-256, qop=\"auth,auth-int\", userhash=true"));
	(void)snprintf(nonce, sizeof nonce, "%s",
	               strstr(k->reply, "nonce=\"") + strlen("nonce=\""));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct client c = rows[i].client;

		c.realm = "strict.example";
		c.uri = "sip:strict.example";
		c.nc = 1 + (unsigned)i;
		r.cseq = 10 + (unsigned)i;
		r.more = authorization(k, &c, nonce);
		if (strncmp(kit_register(k, &r), rows[i].status, 3) != 0)
			fail_msg("%s: got %s", rows[i].why, k->summary);
	}
	kit_free(k);
}

/* D9: the hash covers the body as it came */
static void a_changed_body_is_seen(void **state)
{
	(void)state;
	struct kit *k = new_realm();
	struct reg r = {.to = "sip:alice@strict.example", .call_id = "s", .contact = A};
	const struct client c = {
		.realm = "strict.example", .uri = "sip:strict.example", .qop = "auth-int"};
	char nonce[NONCE_SIZE + 1], *length;

	kit_subscriber(k, "alice", "strict.example", false);
	(void)kit_register(k, &r);
	(void)snprintf(nonce, sizeof nonce, "%s",
	               strstr(k->reply, "nonce=\"") + strlen("nonce=\""));
	r.more = authorization(k, &c, nonce);
	(void)kit_write(k, &r);
	length = strstr(k->request, "Content-Length: 0");
	assert_non_null(length);
	(void)snprintf(length, 40, "Content-Length: 3\r\n\r\nabc");
	(void)kit_serve(k, slice_str(k->request));
	assert_string_equal(kit_summary(k), "401");
	kit_free(k);
}

/* D11: a name beyond ASCII is the same in the AOR, in the store and in the credentials */
static void a_name_in_utf_8_is_the_name_of_its_aor(void **state)
{
	(void)state;
	struct kit *k = new_realm();
	struct reg r = {.to = "sip:J%C3%A4s%C3%B8n@example.com", .contact = A};
	char nonce[NONCE_SIZE + 1];
	const struct client clients[] = {
		{.user = "J\xc3\xa4s\xc3\xb8n"},
		{.named = "username*=utf-8''J%C3%A4s%c3%b8n",
	         .signed_user = "J\xc3\xa4s\xc3\xb8n",
	         .nc = 2},
	};

	kit_subscriber(k, "J\xc3\xa4s\xc3\xb8n", "example.com", false);
	get_nonce(k, nonce);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		r.cseq = 1 + (unsigned)i;
		r.more = authorization(k, &clients[i], nonce);
		assert_memory_equal(kit_register(k, &r), "200", 3);
	}
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_shows_nothing_is_challenged_strongest_first),
		cmocka_unit_test(each_answer_to_a_challenge_gets_its_due),
		cmocka_unit_test(a_third_party_registers_where_the_domain_allows_it),
		cmocka_unit_test(the_credentials_for_our_realm_are_taken),
		cmocka_unit_test(a_refusal_waits_for_the_subscriber_it_read),
		cmocka_unit_test(a_domain_of_old_clients_asks_for_what_they_know),
		cmocka_unit_test(a_domain_may_ask_for_more),
		cmocka_unit_test(a_changed_body_is_seen),
		cmocka_unit_test(a_name_in_utf_8_is_the_name_of_its_aor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
