/* layer: core */
/* Nonces and their counts: on both nodes, in time, once each. */
#include "tests/unit/auth_kit.h"

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

/* R09, D5: two phones of one user, challenged in one millisecond (which is long while a new active's clock
 * waits for the newest stamp), both get in at the first answer. */
static void phones_that_are_challenged_at_once_get_nonces_of_their_own(void **state)
{
	(void)state;
	struct kit *k = new_realm();
	char desk[NONCE_SIZE + 1], mobile[NONCE_SIZE + 1];

	k->in.random = 1;
	get_nonce(k, desk);
	k->in.random = 2;
	get_nonce(k, mobile);
	assert_string_not_equal(desk, mobile);
	assert_memory_equal(try(k, &(struct client){0}, desk), "200", 3);
	assert_memory_equal(try(k, &(struct client){0}, mobile), "200", 3);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_nonce_ends_and_is_called_stale),
		cmocka_unit_test(a_nonce_is_good_on_both_nodes_and_cannot_be_forged),
		cmocka_unit_test(a_nonce_of_another_realm_is_unknown),
		cmocka_unit_test(older_secrets_still_check),
		cmocka_unit_test(a_nonce_count_is_taken_once),
		cmocka_unit_test(a_retransmission_is_no_replay),
		cmocka_unit_test(phones_that_are_challenged_at_once_get_nonces_of_their_own),
		cmocka_unit_test(the_record_keeps_few_nonces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
