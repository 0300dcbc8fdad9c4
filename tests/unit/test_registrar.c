/* layer: core */
/* Stories of one AOR in a domain that asks nobody for credentials. */
#include "tests/unit/serve_ask.h"

struct line {
	int after_s; /* since the line before */
	struct reg ask;
	const char *answer;
};

static void play(const struct line *story, size_t n)
{
	struct kit *k = kit_new();

	for (size_t i = 0; i < n; i++) {
		kit_pass(k, (int64_t)story[i].after_s * 1000);
		const char *got = kit_register(k, &story[i].ask);
		if (strcmp(got, story[i].answer) != 0)
			fail_msg("line %zu: wanted `%s`, got `%s`\n%s", i + 1, story[i].answer, got,
			         k->reply);
	}
	kit_free(k);
}
#define PLAY(story) play(story, ARRAY_LEN(story))

#define A "<sip:alice@192.0.2.7:5062>"
#define B "<sip:alice@192.0.2.8>"

/* R14, R22, R28, R29, R31 */
static void a_binding_is_stored_listed_and_fetched(void **state)
{
	(void)state;
	static const struct line story[] = {
		{0, {.cseq = 1}, "200"},
		{0, {.cseq = 2, .contact = A}, "200 " A ";expires=3600"},
		{10, {.cseq = 1, .call_id = "other"}, "200 " A ";expires=3590"},
		{0,
	         {.cseq = 9, .call_id = "c2", .contact = B ";expires=100"},
	         "200 " A ";expires=3590 | " B ";expires=100"},
	};
	PLAY(story);
}

/* R17, R18, R19, R20 */
static void the_lifetime_is_asked_and_bounded(void **state)
{
	(void)state;
	static const struct line story[] = {
		{0,
	         {.cseq = 1, .contact = A ";expires=100", .expires = "200"},
	         "200 " A ";expires=100"},
		{0, {.cseq = 2, .contact = A, .expires = "200"}, "200 " A ";expires=200"},
		{0, {.cseq = 3, .contact = A}, "200 " A ";expires=3600"},
		{0, {.cseq = 4, .contact = A, .expires = "99999"}, "200 " A ";expires=7200"},
		{0, {.cseq = 5, .contact = A ";expires=59"}, "423"},
		{0, {.cseq = 6, .contact = A ";expires=60"}, "200 " A ";expires=60"},
		{0, {.cseq = 7, .contact = A ";expires=soon"}, "200 " A ";expires=3600"},
		{0, {.cseq = 8, .contact = A, .expires = "never"}, "200 " A ";expires=3600"},
		{0, {.cseq = 9, .contact = A ";expires=4294967295"}, "200 " A ";expires=7200"},
	};
	PLAY(story);
}

/* R19: an hour or more is never too brief, whatever the minimum. */
static void an_hour_is_never_too_brief(void **state)
{
	(void)state;
	static const struct line story[] = {
		{0, {.to = "sip:a@late.example", .contact = A, .expires = "3599"}, "423"},
		{0,
	         {.to = "sip:a@late.example", .cseq = 2, .contact = A, .expires = "3600"},
	         "200 " A ";expires=3600"},
	};
	PLAY(story);
}

/* R21, R48 */
static void contacts_are_compared_as_uris(void **state)
{
	(void)state;
	static const struct line story[] = {
		{0,
	         {.cseq = 1, .contact = "<sip:al%69ce@Host.example;transport=udp>"},
	         "200 <sip:al%69ce@Host.example;transport=udp>;expires=3600"},
		{0,
	         {.cseq = 2, .contact = "<sip:alice@host.EXAMPLE;Transport=UDP>"},
	         "200 <sip:alice@host.EXAMPLE;Transport=UDP>;expires=3600"},
		{0,
	         {.cseq = 3, .contact = "<sip:alice@host.example:5060;transport=udp>"},
	         "200 <sip:alice@host.EXAMPLE;Transport=UDP>;expires=3600 | "
	         "<sip:alice@host.example:5060;transport=udp>;expires=3600"},
		{0, {.cseq = 1, .to = "sips:alice@open.example"}, "200"},
	};
	PLAY(story);
}

/* R05, R23, R24 */
static void the_cseq_counts_within_a_call_id_only(void **state)
{
	(void)state;
	static const struct line story[] = {
		{0, {.cseq = 5, .contact = A}, "200 " A ";expires=3600"},
		{1, {.cseq = 5, .contact = A, .to_tag = "x"}, "400"},
		{1, {.cseq = 4, .contact = A}, "400"},
		{1, {.cseq = 4, .contact = A ";expires=0"}, "400"},
		{1, {.cseq = 6, .contact = A}, "200 " A ";expires=3600"},
		{1, {.cseq = 1, .call_id = "rebooted", .contact = A}, "200 " A ";expires=3600"},
		{1, {.cseq = 6, .contact = A, .to_tag = "x"}, "400"},
		{1, {.cseq = 1, .call_id = "third", .contact = A ";expires=0"}, "200"},
	};
	PLAY(story);
}

/* R06, R26: the first Contact would do, the second does not, so nothing is done. */
static void a_register_is_done_wholly_or_not_at_all(void **state)
{
	(void)state;
	static const struct line story[] = {
		{0, {.cseq = 5, .contact = A}, "200 " A ";expires=3600"},
		{0, {.cseq = 5, .to_tag = "x", .contact = B ", " A}, "400"},
		{0, {.cseq = 6, .contact = B ";expires=600, " A ";expires=10"}, "423"},
		{0, {.cseq = 7, .contact = A ";expires=0, <sip:a b@x>"}, "400"},
		{0, {.cseq = 8}, "200 " A ";expires=3600"},
	};
	PLAY(story);
}

/* R25 */
static void expires_0_removes_just_that_binding(void **state)
{
	(void)state;
	static const struct line story[] = {
		{0,
	         {.cseq = 1, .contact = A ", " B},
	         "200 " A ";expires=3600 | " B ";expires=3600"},
		{0, {.cseq = 2, .contact = A ";expires=0"}, "200 " B ";expires=3600"},
		{0,
	         {.cseq = 3, .contact = "<sip:nobody@nowhere.example>", .expires = "0"},
	         "200 " B ";expires=3600"},
		{0, {.cseq = 4, .contact = B, .expires = "0"}, "200"},
		{0, {.cseq = 4, .contact = B, .to_tag = "x"}, "400"},
		{0, {.cseq = 5, .contact = B}, "200 " B ";expires=3600"},
	};
	PLAY(story);
}

/* R15, R16 */
static void a_star_removes_everything_or_nothing(void **state)
{
	(void)state;
	static const struct line story[] = {
		{0, {.cseq = 5, .contact = A}, "200 " A ";expires=3600"},
		{0,
	         {.cseq = 9, .call_id = "c2", .contact = B},
	         "200 " A ";expires=3600 | " B ";expires=3600"},
		{0, {.cseq = 6, .contact = "*"}, "400"},
		{0, {.cseq = 6, .contact = "*", .expires = "1"}, "400"},
		{0, {.cseq = 6, .contact = "*", .expires = "x"}, "400"},
		{0, {.cseq = 6, .contact = "*, " A, .expires = "0"}, "400"},
		{0, {.cseq = 6, .contact = A ", *", .expires = "0"}, "400"},
		{0, {.cseq = 4, .contact = "*", .expires = "0"}, "400"},
		{0, {.cseq = 5, .contact = "*", .expires = "0", .to_tag = "x"}, "400"},
		{0, {.cseq = 6}, "200 " A ";expires=3600 | " B ";expires=3600"},
		{0, {.cseq = 6, .contact = "*", .expires = "0"}, "200"},
		{0, {.cseq = 6, .contact = "*", .expires = "0", .to_tag = "x"}, "400"},
		{0, {.cseq = 6, .contact = A, .to_tag = "x"}, "400"},
		{0, {.cseq = 9, .call_id = "c2", .contact = B, .to_tag = "x"}, "400"},
		{0, {.cseq = 7, .contact = A}, "200 " A ";expires=3600"},
	};
	PLAY(story);
}

/* R36 */
static void what_expired_is_listed_no_more_and_may_be_removed(void **state)
{
	(void)state;
	static const struct line story[] = {
		{0, {.cseq = 1, .contact = A ";expires=60"}, "200 " A ";expires=60"},
		{59, {.cseq = 2}, "200 " A ";expires=1"},
		{1, {.cseq = 3}, "200"},
		{1, {.cseq = 4, .contact = A ";expires=0"}, "200"},
		{1, {.cseq = 5, .contact = A}, "200 " A ";expires=3600"},
	};
	PLAY(story);
}

/* R37, I3: the state answers, nothing is executed twice. */
static void a_retransmission_gets_the_answer_of_the_state(void **state)
{
	(void)state;
	static const struct line story[] = {
		{0, {.cseq = 1, .branch = "z9hG4bKa", .contact = A}, "200 " A ";expires=3600"},
		{4, {.cseq = 1, .branch = "z9hG4bKa", .contact = A}, "200 " A ";expires=3596"},
		{0, {.cseq = 2, .branch = "z9hG4bKb", .contact = A, .expires = "0"}, "200"},
		{0, {.cseq = 2, .branch = "z9hG4bKb", .contact = A, .expires = "0"}, "200"},
		{0, {.cseq = 3, .branch = "z9hG4bKc", .contact = "*", .expires = "0"}, "200"},
		{0, {.cseq = 3, .branch = "z9hG4bKc", .contact = "*", .expires = "0"}, "200"},
		{0, {.cseq = 4, .contact = A}, "200 " A ";expires=3600"},
		{0, {.cseq = 1, .branch = "z9hG4bKa", .contact = A}, "400"},
	};
	PLAY(story);
}

/* R38 */
static void the_same_request_by_another_path_is_merged(void **state)
{
	(void)state;
	static const struct line story[] = {
		{0, {.cseq = 1, .branch = "z9hG4bKa", .contact = A}, "200 " A ";expires=3600"},
		{0, {.cseq = 1, .branch = "z9hG4bKb", .contact = A}, "482"},
		{0, {.cseq = 1, .branch = "z9hG4bKc", .from_tag = "f2", .contact = A}, "400"},
		{0, {.cseq = 1, .branch = "z9hG4bKd", .to_tag = "t", .contact = A}, "400"},
		{0, {.cseq = 2, .branch = "z9hG4bKe", .contact = A, .expires = "0"}, "200"},
		{0, {.cseq = 2, .branch = "z9hG4bKf", .contact = A, .expires = "0"}, "482"},
		{0, {.cseq = 2, .to_tag = "t", .contact = A, .expires = "0"}, "400"},
		{0, {.cseq = 3, .branch = "z9hG4bKg", .contact = "*", .expires = "0"}, "200"},
		{0, {.cseq = 3, .branch = "z9hG4bKh", .contact = "*", .expires = "0"}, "482"},
		{0, {.cseq = 3, .branch = "z9hG4bKg", .contact = "*", .expires = "0"}, "200"},
	};
	PLAY(story);
}

/* R40: a branch that is no cookie, or none. */
static void old_branches_are_answered(void **state)
{
	(void)state;
	static const struct line story[] = {
		{0, {.cseq = 1, .branch = "1", .contact = A}, "200 " A ";expires=3600"},
		{1, {.cseq = 1, .branch = "1", .contact = A}, "200 " A ";expires=3599"},
		{0, {.cseq = 2, .branch = "1", .contact = A}, "200 " A ";expires=3600"},
		{0, {.cseq = 3, .branch = "", .contact = A}, "200 " A ";expires=3600"},
		{1, {.cseq = 3, .branch = "", .contact = A}, "200 " A ";expires=3599"},
		{0, {.cseq = 4, .branch = "", .contact = A ";expires=0"}, "200"},
		{0, {.cseq = 4, .branch = "", .contact = A ";expires=0"}, "200"},
		{0, {.cseq = 5, .branch = "", .contact = "*", .expires = "0"}, "200"},
		{0, {.cseq = 5, .branch = "", .contact = "*", .expires = "0"}, "200"},
		{0, {.cseq = 3, .branch = "", .contact = A}, "400"},
	};
	PLAY(story);
}

/* R32, R33, R34 */
static void contacts_come_back_as_they_were_sent(void **state)
{
	(void)state;
	static const struct line story[] = {
		{0,
	         {.cseq = 1,
	          .contact = "\"Al, \\\"x\\\"\" "
	                     "<sip:a@h;lr?X=%3C>;q=0.7;+sip.instance=\"<urn:uuid:1>\";"
	                     "expires=90;Foo;bar=\"a;b\""},
	         "200 \"Al, \\\"x\\\"\" "
	         "<sip:a@h;lr?X=%3C>;q=0.7;+sip.instance=\"<urn:uuid:1>\";Foo;"
	         "bar=\"a;b\";expires=90"},
		{0, {.cseq = 2, .contact = "*", .expires = "0"}, "200"},
		{0,
	         {.cseq = 3, .contact = "sip:a@h;x=1;expires=70"},
	         "200 <sip:a@h>;x=1;expires=70"},
		{0, {.cseq = 4, .contact = "*", .expires = "0"}, "200"},
		{0,
	         {.cseq = 5, .contact = "<tel:+3015550100>, mailto:a@b.example"},
	         "200 <tel:+3015550100>;expires=3600 | <mailto:a@b.example>;expires=3600"},
		{0, {.cseq = 6, .contact = "sip:a@h?Route=x"}, "400"},
		{0, {.cseq = 7, .contact = "<>"}, "400"},
	};
	PLAY(story);
}

/* R32: what q says now is listed (q raised, lowered, gone). */
static void the_list_follows_a_changed_q(void **state)
{
	(void)state;
	static const struct line story[] = {
		{0, {.cseq = 1, .contact = A ";q=0.2"}, "200 " A ";q=0.2;expires=3600"},
		{0, {.cseq = 2, .contact = A ";q=0.9"}, "200 " A ";q=0.9;expires=3600"},
		{0, {.cseq = 3, .contact = A ";q=1.7"}, "200 " A ";q=1.7;expires=3600"},
		{0, {.cseq = 4, .contact = A}, "200 " A ";expires=3600"},
	};
	PLAY(story);
}

/* One device, known by instance and reg-id, moves to another address; reg-id alone means nothing. */
static void a_device_with_instance_and_reg_id_replaces_its_own_flow(void **state)
{
	(void)state;
#define DEVICE ";+sip.instance=\"<urn:uuid:1>\";reg-id="
#define OB     .more = "Supported: outbound\r\n"
	static const struct line story[] = {
		{0, {.cseq = 1, .contact = A DEVICE "1", OB}, "200 " A DEVICE "1;expires=3600"},
		{0, {.cseq = 2, .contact = B DEVICE "1", OB}, "200 " B DEVICE "1;expires=3600"},
		{0,
	         {.cseq = 3, .contact = B DEVICE "2", OB},
	         "200 " B DEVICE "1;expires=3600 | " B DEVICE "2;expires=3600"},
		{0, {.cseq = 4, .contact = "*", .expires = "0"}, "200"},
		{0, {.cseq = 5, .contact = A ";reg-id=1", OB}, "200 " A ";reg-id=1;expires=3600"},
		{0,
	         {.cseq = 6, .contact = B ";reg-id=1", OB},
	         "200 " A ";reg-id=1;expires=3600 | " B ";reg-id=1;expires=3600"},
	};
	PLAY(story);
}

#define N(n) "<sip:n" #n "@h>"
static void too_many_contacts_are_refused_but_never_a_refresh(void **state)
{
	(void)state;
#define FOUR \
	N(1) ";expires=3600 | " N(2) ";expires=3600 | " N(3) ";expires=3600 | " N(4) ";expires="
	static const struct line story[] = {
		{0, {.cseq = 1, .contact = N(1) "," N(2) "," N(3) "," N(4) "," N(5)}, "403"},
		{0,
	         {.cseq = 2, .contact = N(1) "," N(2) "," N(3) "," N(4) ";expires=60"},
	         "200 " FOUR "60"},
		{0, {.cseq = 3, .contact = N(5)}, "403"},
		{0, {.cseq = 4, .contact = N(4) ";expires=61"}, "200 " FOUR "61"},
		{0,
	         {.cseq = 5, .contact = N(5) "," N(4) ";expires=0"},
	         "200 " N(1) ";expires=3600 | " N(2) ";expires=3600 | " N(3) ";expires=3600 | " N(
			 5) ";expires=3600"},
		{3600, {.cseq = 6, .contact = N(6)}, "200 " N(6) ";expires=3600"},
	};
	PLAY(story);
}

/* Expired bindings that were not yet swept make room in a full record. */
static void a_full_record_gives_the_place_of_what_expired(void **state)
{
	(void)state;
	struct kit *k = kit_new();
	const struct aor_record *r;
	char contact[64];

	for (unsigned i = 1; i <= AOR_BINDINGS_MAX + 1; i++) {
		(void)snprintf(contact, sizeof contact, "<sip:n%u@h>", i);
		const struct reg ask = {.to = "sip:a@wide.example", .cseq = i, .contact = contact};
		assert_memory_equal(kit_register(k, &ask), i <= AOR_BINDINGS_MAX ? "200" : "403",
		                    3);
	}
	kit_pass(k, KIT_HOUR_MS);
	assert_string_equal(kit_register(k, &(struct reg){.to = "sip:a@wide.example",
	                                                  .cseq = 99,
	                                                  .contact = "<sip:new@h>"}),
	                    "200 <sip:new@h>;expires=3600");
	r = kit_record(k, "sip:a@wide.example");
	assert_int_equal(r->n_bindings, AOR_BINDINGS_MAX);
	assert_int_equal(r->tombstones[0].cause, CAUSE_EXPIRED);
	kit_free(k);
}

static void more_contacts_than_a_record_holds_are_413(void **state)
{
	(void)state;
	struct kit *k = kit_new();
	char contact[2048];
	size_t n = 0;

	for (int i = 0; i <= AOR_BINDINGS_MAX; i++)
		n += (size_t)snprintf(contact + n, sizeof contact - n, "%s<sip:n%d@h>",
		                      i > 0 ? "," : "", i);
	assert_string_equal(kit_register(k, &(struct reg){.contact = contact}), "413");
	kit_free(k);
}

/* What remains of bindings that went. */
static void removed_and_replaced_bindings_leave_tombstones(void **state)
{
	(void)state;
	struct kit *k = kit_new();
	const struct aor_record *r;

	(void)kit_register(k, &(struct reg){.cseq = 1, .contact = A});
	(void)kit_register(k, &(struct reg){.cseq = 2, .contact = A});
	r = kit_record(k, "sip:alice@open.example");
	assert_int_equal(r->n_tombstones, 0);
	assert_int_equal(r->bindings[0].epoch, 3);
	assert_int_equal(r->bindings[0].unit, UNIT_PRIMARY);
	assert_int_equal(r->bindings[0].received.port, 40000);
	assert_int_equal(r->bindings[0].local.port, 5060);

	(void)kit_register(k, &(struct reg){.call_id = "c2", .contact = A});
	r = kit_record(k, "sip:alice@open.example");
	assert_int_equal(r->n_tombstones, 1);
	assert_int_equal(r->tombstones[0].cause, CAUSE_REPLACED);
	assert_int_equal(r->tombstones[0].cseq, 2);
	assert_true(slice_eq(r->tombstones[0].call_id, SLICE("c1")));

	(void)kit_register(k, &(struct reg){.cseq = 2, .call_id = "c2", .contact = A ";expires=0"});
	r = kit_record(k, "sip:alice@open.example");
	assert_int_equal(r->n_bindings, 0);
	assert_int_equal(r->n_tombstones, 2);
	assert_int_equal(r->tombstones[1].cause, CAUSE_REQUEST);

	(void)kit_register(k, &(struct reg){.call_id = "c3", .contact = "*", .expires = "0"});
	r = kit_record(k, "sip:alice@open.example");
	assert_true(r->floor.set);
	assert_true(slice_eq(r->floor.call_id, SLICE("c3")));
	kit_free(k);
}

static void only_the_newest_tombstones_are_kept(void **state)
{
	(void)state;
	struct kit *k = kit_new();
	const struct aor_record *r;
	char call_id[32];

	for (unsigned i = 0; i < AOR_TOMBSTONES_MAX + 4; i++) {
		kit_pass(k, 1);
		(void)snprintf(call_id, sizeof call_id, "call-%u", i);
		(void)kit_register(k, &(struct reg){.call_id = call_id, .contact = A});
	}
	r = kit_record(k, "sip:alice@open.example");
	assert_int_equal(r->n_tombstones, AOR_TOMBSTONES_MAX);
	assert_true(slice_eq(r->tombstones[0].call_id, SLICE("call-3")));
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_binding_is_stored_listed_and_fetched),
		cmocka_unit_test(the_lifetime_is_asked_and_bounded),
		cmocka_unit_test(an_hour_is_never_too_brief),
		cmocka_unit_test(contacts_are_compared_as_uris),
		cmocka_unit_test(the_cseq_counts_within_a_call_id_only),
		cmocka_unit_test(a_register_is_done_wholly_or_not_at_all),
		cmocka_unit_test(expires_0_removes_just_that_binding),
		cmocka_unit_test(a_star_removes_everything_or_nothing),
		cmocka_unit_test(what_expired_is_listed_no_more_and_may_be_removed),
		cmocka_unit_test(a_retransmission_gets_the_answer_of_the_state),
		cmocka_unit_test(the_same_request_by_another_path_is_merged),
		cmocka_unit_test(old_branches_are_answered),
		cmocka_unit_test(contacts_come_back_as_they_were_sent),
		cmocka_unit_test(the_list_follows_a_changed_q),
		cmocka_unit_test(a_device_with_instance_and_reg_id_replaces_its_own_flow),
		cmocka_unit_test(too_many_contacts_are_refused_but_never_a_refresh),
		cmocka_unit_test(a_full_record_gives_the_place_of_what_expired),
		cmocka_unit_test(more_contacts_than_a_record_holds_are_413),
		cmocka_unit_test(removed_and_replaced_bindings_leave_tombstones),
		cmocka_unit_test(only_the_newest_tombstones_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
