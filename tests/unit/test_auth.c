/* layer: core */
/* Digest authentication of a REGISTER: challenges, responses, nonces and their counts. */
#include "node/core/auth.h"
#include "tests/unit/serve_ask.h"

#define A     "<sip:alice@192.0.2.7:5062>"
#define URI   "sip:example.com"
#define ALICE "sip:alice@example.com"

/* What a client answers a challenge with; what is NULL or 0 gets the right value. */
struct client {
	const char *user, *password, *realm, *uri, *algorithm, *qop, *scheme, *response;
	const char
		*signed_user; /* what the hash is made over, where it is not the text of `user` */
	unsigned nc;
};

static const char *or_else(const char *given, const char *usual)
{
	return given != NULL ? given : usual;
}

static enum digest_algorithm algorithm_of(const struct client *c)
{
	enum digest_algorithm a = DIGEST_MD5;

	if (digest_by_name(slice_str(or_else(c->algorithm, "SHA-256")), &a) != OK)
		a = DIGEST_MD5;
	return a;
}

static void respond(struct kit *k, const struct client *c, const char *nonce, const char *nc,
                    char out[DIGEST_HEX_MAX + 1])
{
	const char *user = or_else(c->signed_user, or_else(c->user, "alice"));
	enum digest_algorithm a = algorithm_of(c);
	uint8_t ha1[DIGEST_HASH_MAX];

	digest_ha1(k->digester, a, slice_str(user), slice_str(or_else(c->realm, "example.com")),
	           slice_str(or_else(c->password, "secret")), ha1);
	const struct digest_question q = {
		.algorithm = a,
		.ha1 = {ha1, digest_size(a)},
		.method = SLICE("REGISTER"),
		.uri = slice_str(or_else(c->uri, URI)),
		.nonce = slice_str(nonce),
		.nc = slice_str(nc),
		.cnonce = SLICE("cn"),
		.qop = slice_str(or_else(c->qop, "auth")),
	};
	digest_response(k->digester, &q, out);
}

/* The Authorization line; it lives until the next. */
static const char *authorization(struct kit *k, const struct client *c, const char *nonce)
{
	const char *algorithm = or_else(c->algorithm, "SHA-256"), *qop = or_else(c->qop, "auth");
	char nc[16], response[DIGEST_HEX_MAX + 1], with_algorithm[64] = "", with_qop[64] = "";

	(void)snprintf(nc, sizeof nc, "%08x", c->nc != 0 ? c->nc : 1);
	respond(k, c, nonce, nc, response);
	if (*algorithm != '\0')
		(void)snprintf(with_algorithm, sizeof with_algorithm, ", algorithm=%s", algorithm);
	if (*qop != '\0')
		(void)snprintf(with_qop, sizeof with_qop, ", qop=%s, nc=%s, cnonce=\"cn\"", qop,
		               nc);
	(void)snprintf(k->line, sizeof k->line,
	               "Authorization: %s username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", "
	               "response=\"%s\"%s%s\r\n",
	               or_else(c->scheme, "Digest"), or_else(c->user, "alice"),
	               or_else(c->realm, "example.com"), nonce, or_else(c->uri, URI),
	               or_else(c->response, response), with_algorithm, with_qop);
	return k->line;
}

static struct kit *new_realm(void)
{
	struct kit *k = kit_new();

	kit_secret(k, 1, 0x11);
	kit_subscriber(k, "alice", "example.com", false);
	kit_subscriber(k, "bob", "example.com", false);
	kit_subscriber(k, "gone", "example.com", true);
	return k;
}

/* A challenge; its nonce into `nonce`. */
static void get_nonce(struct kit *k, char nonce[NONCE_SIZE + 1])
{
	assert_string_equal(kit_register(k, &(struct reg){.to = ALICE, .call_id = "knock"}), "401");
	const char *at = strstr(k->reply, "nonce=\"");
	assert_non_null(at);
	(void)snprintf(nonce, NONCE_SIZE + 1, "%s", at + strlen("nonce=\""));
}

static const char *try(struct kit *k, const struct client *c, const char *nonce)
{
	const struct reg r = {.to = ALICE,
	                      .cseq = 100 + k->branch,
	                      .contact = A,
	                      .more = authorization(k, c, nonce)};

	return kit_register(k, &r);
}

static bool says_stale(const struct kit *k)
{
	return strstr(k->reply, "stale=true") != NULL;
}

/* R09, D1, D4; D8, D16: there is no opaque and no nextnonce to keep */
static void who_shows_nothing_is_challenged_strongest_first(void **state)
{
	(void)state;
	struct kit *k = new_realm();
	char nonce[NONCE_SIZE + 1], line[512];

	get_nonce(k, nonce);
	assert_int_equal(strlen(nonce), NONCE_SIZE);
	assert_int_equal(k->out.outcome, SERVED_CHALLENGED);
	(void)snprintf(line, sizeof line,
	               "\r\nWWW-Authenticate: Digest realm=\"example.com\", nonce=\"%s\", "
	               "algorithm=SHA-256, qop=\"auth\"\r\n"
	               "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"%s\", "
	               "algorithm=MD5, qop=\"auth\"\r\n",
	               nonce, nonce);
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
		{"not offered (D2)", {.algorithm = "SHA-512-256"}, "401"},
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

/* D6, D17: a nonce lives for its time, and a clock that jumped makes none valid. */
static void a_nonce_ends_and_is_called_stale(void **state)
{
	(void)state;
	static const struct {
		int64_t pass_ms;
		bool accepted;
	} cases[] = {
		{KIT_HOUR_MS - 1, true},       {KIT_HOUR_MS, false},
		{1000 * KIT_HOUR_MS, false},   {-NONCE_FUTURE_MS, true},
		{-NONCE_FUTURE_MS - 1, false}, {-KIT_START_MS, false},
	};
	char nonce[NONCE_SIZE + 1];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct kit *k = new_realm();

		get_nonce(k, nonce);
		kit_pass(k, cases[i].pass_ms);
		assert_memory_equal(try(k, &(struct client){.password = "guess"}, nonce), "401", 3);
		assert_false(says_stale(k));
		assert_memory_equal(try(k, &(struct client){0}, nonce),
		                    cases[i].accepted ? "200" : "401", 3);
		assert_int_equal(says_stale(k), !cases[i].accepted);
		kit_free(k);
	}
}

/* D15, D17, I8: what one node gave the other takes; a forged one nobody does. */
static void a_nonce_is_good_on_both_nodes_and_cannot_be_forged(void **state)
{
	(void)state;
	struct kit *a = new_realm(), *b = new_realm();
	char nonce[NONCE_SIZE + 1], forged[NONCE_SIZE + 1];

	get_nonce(a, nonce);
	assert_memory_equal(try(b, &(struct client){0}, nonce), "200", 3);
	for (size_t i = 0; i < NONCE_SIZE; i++) {
		memcpy(forged, nonce, sizeof forged);
		forged[i] = forged[i] == '0' ? '1' : '0';
		assert_memory_equal(try(a, &(struct client){0}, forged), "401", 3);
		assert_false(says_stale(a));
	}
	assert_memory_equal(try(a, &(struct client){0}, "0"), "401", 3);
	assert_memory_equal(try(a, &(struct client){0}, ""), "401", 3);
	kit_free(a);
	kit_free(b);
}

/* A nonce is for one realm: in another domain it is unknown. */
static void a_nonce_of_another_realm_is_unknown(void **state)
{
	(void)state;
	struct kit *k = new_realm();
	char nonce[NONCE_SIZE + 1];

	kit_subscriber(k, "alice", "third.example", false);
	get_nonce(k, nonce);
	const struct client c = {.realm = "third.example", .uri = "sip:third.example"};
	assert_string_equal(kit_register(k, &(struct reg){.to = "sip:alice@third.example",
	                                                  .contact = A,
	                                                  .more = authorization(k, &c, nonce)}),
	                    "401");
	kit_free(k);
}

/* Secrets roll over: the newest makes, the newest four check. */
static void older_secrets_still_check(void **state)
{
	(void)state;
	struct kit *k = new_realm();
	char nonce[NONCE_SIZE + 1], newer[NONCE_SIZE + 1];

	get_nonce(k, nonce);
	for (unsigned i = 2; i <= SECRETS_MAX; i++)
		kit_secret(k, i, (uint8_t)(0x11 * i));
	get_nonce(k, newer);
	assert_string_not_equal(nonce, newer);
	assert_memory_equal(try(k, &(struct client){0}, nonce), "200", 3);
	get_nonce(k, nonce);
	kit_secret(k, 9, 0x77);
	assert_memory_equal(try(k, &(struct client){0}, newer), "200", 3);
	kit_secret(k, 8, 0x78);
	kit_secret(k, 7, 0x79);
	kit_pass(k, 1);
	get_nonce(k, nonce);
	assert_memory_equal(try(k, &(struct client){0}, nonce), "200", 3);
	kit_free(k);
}

/* D5 */
static void a_nonce_count_is_taken_once(void **state)
{
	(void)state;
	static const struct {
		unsigned nc;
		bool taken;
	} steps[] = {
		{1, true},  {1, false},  {2, true},    {5, true},   {3, true},
		{3, false}, {4, true},   {5, false},   {40, true},  {8, true},
		{8, false}, {7, false},  {9, true},    {72, true},  {40, false},
		{41, true}, {39, false}, {1000, true}, {968, true}, {967, false},
	};
	struct kit *k = new_realm();
	char nonce[NONCE_SIZE + 1];

	get_nonce(k, nonce);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		const char *got = try(k, &(struct client){.nc = steps[i].nc}, nonce);
		if ((strncmp(got, "200", 3) == 0) != steps[i].taken)
			fail_msg("step %zu, nc %u: %s", i, steps[i].nc, got);
		assert_int_equal(says_stale(k), !steps[i].taken);
	}
	kit_free(k);
}

/* D5, I3: the very same request is a retransmission, tested before its nonce-count. */
static void a_retransmission_is_no_replay(void **state)
{
	(void)state;
	struct kit *k = new_realm();
	char nonce[NONCE_SIZE + 1];
	struct reg r = {.to = ALICE, .contact = A, .branch = "z9hG4bKr"};

	get_nonce(k, nonce);
	r.more = authorization(k, &(struct client){0}, nonce);
	assert_memory_equal(kit_register(k, &r), "200", 3);
	assert_true(k->out.change);
	assert_memory_equal(kit_register(k, &r), "200", 3);
	assert_int_equal(k->out.outcome, SERVED_REPEATED);
	r.branch = "z9hG4bKs";
	r.cseq = 9;
	assert_string_equal(kit_register(k, &r), "401"); /* a replay with another CSeq */
	assert_true(says_stale(k));
	kit_free(k);
}

/* Fetches record nothing; nonces that have ended leave the record; at most eight stay. */
static void the_record_keeps_few_nonces(void **state)
{
	(void)state;
	struct kit *k = new_realm();
	const struct aor_record *r;
	char nonce[NONCE_SIZE + 1];

	for (int i = 0; i < AOR_NONCES_MAX + 2; i++) {
		kit_pass(k, 1000);
		get_nonce(k, nonce);
		assert_memory_equal(try(k, &(struct client){0}, nonce), "200", 3);
	}
	r = kit_record(k, "sip:alice@example.com");
	assert_int_equal(r->n_nonces, AOR_NONCES_MAX);
	kit_pass(k, KIT_HOUR_MS);
	get_nonce(k, nonce);
	const struct reg fetch = {.to = ALICE,
	                          .more = authorization(k, &(struct client){0}, nonce)};
	assert_string_equal(kit_register(k, &fetch), "200");
	assert_false(k->out.change);
	assert_memory_equal(try(k, &(struct client){0}, nonce), "200", 3);
	r = kit_record(k, "sip:alice@example.com");
	assert_int_equal(r->n_nonces, 1);
	assert_true(slice_eq(r->nonces[0].nonce, slice_str(nonce)));
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

/* D2: clients that stop at a challenge they do not know get the one they know */
static void a_domain_of_old_clients_asks_for_md5_alone(void **state)
{
	(void)state;
	static const struct row {
		const char *why, *algorithm, *status;
	} rows[] = {
		{"offered", "MD5", "200"},
		{"not offered", "SHA-256", "401"},
		{"left out: MD5", "", "200"},
	};
	struct kit *k = new_realm();
	struct reg r = {.to = "sip:alice@md5.example", .call_id = "old", .contact = A};
	char nonce[NONCE_SIZE + 1];

	kit_subscriber(k, "alice", "md5.example", false);
	assert_string_equal(kit_register(k, &r), "401");
	assert_non_null(strstr(k->reply, "algorithm=MD5"));
	assert_null(strstr(k->reply, "SHA-256"));
	(void)snprintf(nonce, sizeof nonce, "%s",
	               strstr(k->reply, "nonce=\"") + strlen("nonce=\""));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct client c = {.realm = "md5.example",
		                   .uri = "sip:md5.example",
		                   .algorithm = rows[i].algorithm,
		                   .nc = 1 + (uint32_t)i};
		r.cseq = 10 + (uint32_t)i;
		r.more = authorization(k, &c, nonce);
		assert_memory_equal(kit_register(k, &r), rows[i].status, strlen(rows[i].status));
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
		cmocka_unit_test(a_nonce_ends_and_is_called_stale),
		cmocka_unit_test(a_nonce_is_good_on_both_nodes_and_cannot_be_forged),
		cmocka_unit_test(a_nonce_of_another_realm_is_unknown),
		cmocka_unit_test(older_secrets_still_check),
		cmocka_unit_test(a_nonce_count_is_taken_once),
		cmocka_unit_test(a_retransmission_is_no_replay),
		cmocka_unit_test(the_record_keeps_few_nonces),
		cmocka_unit_test(a_refusal_waits_for_the_subscriber_it_read),
		cmocka_unit_test(a_domain_of_old_clients_asks_for_md5_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
