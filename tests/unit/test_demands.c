/* layer: core */
/* What the test suites of other registrars ask of one: resiprocate, nksip, Clearwater sprout, flexisip,
 * OpenSIPS, Asterisk, drachtio. Each test names whose demand it is where the RFC leaves a choice. */
#include "tests/unit/auth_kit.h"

#define B    "<sip:alice@192.0.2.8>"
#define OPEN "sip:alice@open.example"
#define RICH "sip:alice@rich.example"
#define WIDE "sip:alice@wide.example"
#define I(n) ";+sip.instance=\"<urn:uuid:" #n ">\""

struct row {
	const char *what;
	struct reg ask;
	const char *answer;
};

static void play(struct kit *k, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *got = kit_register(k, &rows[i].ask);
		if (strcmp(got, rows[i].answer) != 0)
			fail_msg("%s: wanted `%s`, got `%s`\n%s", rows[i].what, rows[i].answer, got,
			         k->reply);
	}
	kit_free(k);
}
#define PLAY(rows) play(kit_new(), rows, ARRAY_LEN(rows))

/* R12, R15, R35, R48 */
static void users_and_domains_that_are_none(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"resiprocate: no user in To", {.to = "sip:open.example"}, "403"},
		{"resiprocate: unknown host", {.to = "sip:a@no.example"}, "404"},
		{"sprout: a scheme that is no SIP (R12)",
	         {.to = "tel:+123", .uri = "sip:open.example", .contact = A},
	         "416"},
		{"nksip: a user in the Request-URI names nobody (R35)",
	         {.uri = "sip:bob@open.example", .contact = A},
	         "200 " A ";expires=3600"},
		{"nksip: sips is another AOR (R48)", {.to = "sips:alice@open.example"}, "200"},
		{"sprout, drachtio: a star without Expires (R15)",
	         {.cseq = 2, .contact = "*"},
	         "400"},
		{"resiprocate: a star with a bad one (R15)",
	         {.cseq = 2, .contact = "*", .expires = "soon"},
	         "400"},
		{"drachtio: a bad Contact", {.cseq = 2, .contact = "<sip:>"}, "400"},
		{"drachtio: a bracket left open", {.cseq = 2, .contact = "<sip:a@h"}, "400"},
		{"and all is as it was", {.cseq = 2}, "200 " A ";expires=3600"},
	};
	PLAY(rows);
}

/* R14, R16, R17, R18, R19, R23, R24, R25 */
static void lifetimes_and_orders(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"resiprocate: the Contact's own lifetime counts (R17)",
	         {.cseq = 1, .contact = A ";expires=500, " B, .expires = "700"},
	         "200 " A ";expires=500 | " B ";expires=700"},
		{"nksip: one second too brief (R19)",
	         {.cseq = 2, .contact = A ";expires=59"},
	         "423"},
		{"nksip: one too long (R18)",
	         {.cseq = 3, .contact = A ";expires=7201"},
	         "200 " A ";expires=7200 | " B ";expires=700"},
		{"nksip: an equal CSeq (R24)", {.cseq = 3, .from_tag = "f2", .contact = A}, "400"},
		{"resiprocate: an older one (R24)", {.cseq = 2, .contact = A}, "400"},
		{"resiprocate: the same number in another Call-ID (R23)",
	         {.cseq = 3, .call_id = "c2", .contact = A},
	         "200 " A ";expires=3600 | " B ";expires=700"},
		{"Asterisk: several go at once (R25)",
	         {.cseq = 4, .call_id = "c3", .contact = A ", " B, .expires = "0"},
	         "200"},
		{"resiprocate: what is not there may go (R25)",
	         {.cseq = 5, .call_id = "c3", .contact = A ";expires=0"},
	         "200"},
		{"sprout: who has nothing asks (R14)", {.cseq = 6}, "200"},
		{"Asterisk: a star where nothing is (R16)",
	         {.cseq = 7, .contact = "*", .expires = "0"},
	         "200"},
	};
	PLAY(rows);
}

/* R21, R32, R34 */
static void contacts_say_what_their_phones_say(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"resiprocate: q",
	         {.cseq = 1, .contact = A ";q=0.2"},
	         "200 " A ";q=0.2;expires=3600"},
		{"raised", {.cseq = 2, .contact = A ";q=0.9"}, "200 " A ";q=0.9;expires=3600"},
		{"lowered", {.cseq = 3, .contact = A ";q=0.5"}, "200 " A ";q=0.5;expires=3600"},
		{"and gone (R32)", {.cseq = 4, .contact = A}, "200 " A ";expires=3600"},
		{"nksip: a q above one",
	         {.cseq = 5, .contact = A ";q=1.5"},
	         "200 " A ";q=1.5;expires=3600"},
		{"nksip: a telephone (R34)",
	         {.cseq = 6, .contact = "<tel:+49301234>"},
	         "200 " A ";q=1.5;expires=3600 | <tel:+49301234>;expires=3600"},
		{"drachtio: a name in UTF-8",
	         {.cseq = 7, .contact = "\"J\xc3\xb6rg\" " A},
	         "200 \"J\xc3\xb6rg\" " A ";expires=3600 | <tel:+49301234>;expires=3600"},
		{"OpenSIPS: overwritten, the parameters, too (R21)",
	         {.cseq = 8, .contact = "<sip:alice@192.0.2.7:5062;x=y>;z=1"},
	         "200 <sip:alice@192.0.2.7:5062;x=y>;z=1;expires=3600 | "
	         "<tel:+49301234>;expires=3600"},
	};
	PLAY(rows);
}

/* R25, R36: resiprocate */
static void what_has_expired_may_be_removed(void **state)
{
	(void)state;
	struct kit *k = kit_new();

	(void)kit_register(k, &(struct reg){.cseq = 1, .contact = A ";expires=60"});
	kit_pass(k, 61000);
	assert_string_equal(kit_register(k, &(struct reg){.cseq = 2, .contact = A ";expires=0"}),
	                    "200");
	assert_string_equal(kit_register(k, &(struct reg){.cseq = 3}), "200");
	kit_free(k);
}

/* R21, R22: flexisip; the address it came from is no part of the key */
static void the_same_register_twice_is_one_binding(void **state)
{
	(void)state;
	struct kit *k = kit_new();

	(void)kit_register(k, &(struct reg){.call_id = "c1", .contact = A});
	k->in.flow.remote = addr_of("192.0.2.99:1024");
	(void)kit_register(k, &(struct reg){.call_id = "c2", .contact = A});
	assert_int_equal(kit_record(k, OPEN)->n_bindings, 1);
	assert_int_equal(kit_record(k, OPEN)->bindings[0].received.port, 1024);
	kit_free(k);
}

/* R44: the connection is gone with the answer; whoever connects anew and asks again finds it done */
static void an_answer_lost_with_its_connection_is_given_on_the_next(void **state)
{
	(void)state;
	struct kit *k = kit_new();
	const struct reg ask = {.branch = "z9hG4bKlost", .contact = A};

	k->in.flow.transport = TRANSPORT_TCP;
	assert_string_equal(kit_register(k, &ask), "200 " A ";expires=3600");
	reach_close(k->reach, &k->in.flow);
	k->in.flow.remote.port++;
	k->in.flow.connection++;
	assert_string_equal(kit_register(k, &ask), "200 " A ";expires=3600");
	assert_false(k->out.change);
	assert_string_equal(kit_register(k, &(struct reg){.cseq = 2, .contact = A}),
	                    "200 " A ";expires=3600");
	assert_true(k->out.change);
	kit_free(k);
}

/* R37, R41: resiprocate's lost 401 and repeated REGISTER: the same answer, nothing done twice */
static void a_lost_answer_is_given_again(void **state)
{
	(void)state;
	struct kit *k = new_realm();
	static char first[KIT_TEXT];
	char nonce[NONCE_SIZE + 1];

	get_nonce(k, nonce);
	const struct reg knock = {.to = ALICE, .branch = "z9hG4bKk", .cseq = 1, .contact = A};
	(void)kit_register(k, &knock);
	assert_false(k->out.change);
	const struct reg ask = {.to = ALICE,
	                        .branch = "z9hG4bKa",
	                        .cseq = 2,
	                        .contact = A,
	                        .more = authorization(k, &(struct client){0}, nonce)};
	assert_memory_equal(kit_register(k, &ask), "200", 3);
	assert_true(k->out.change);
	memcpy(first, k->reply, sizeof first);
	assert_memory_equal(kit_register(k, &ask), "200", 3);
	assert_false(k->out.change);
	assert_string_equal(k->reply, first);
	kit_free(k);
}

/* R27: sprout: what is behind fails at a change; the next one finds all as it was */
static void a_change_that_could_not_be_stored_is_none(void **state)
{
	(void)state;
	struct kit *k = kit_new();

	(void)kit_register(k, &(struct reg){.cseq = 1, .contact = A});
	k->in.no_room = true;
	assert_string_equal(kit_register(k, &(struct reg){.cseq = 2, .contact = B}), "503");
	assert_string_equal(
		kit_register(k, &(struct reg){.cseq = 2, .contact = "*", .expires = "0"}), "503");
	assert_false(k->out.change);
	k->in.no_room = false;
	assert_string_equal(kit_register(k, &(struct reg){.cseq = 3}), "200 " A ";expires=3600");
	kit_free(k);
}

/* ob-1, ob-2, ob-4, ob-6, R24: sprout and nksip; resiprocate plays all its stories so again */
static void the_same_with_outbound(void **state)
{
	(void)state;
#define OB   .more = "Supported: outbound\r\n"
#define EDGE "Via: SIP/2.0/UDP e.example;branch=z9hG4bKe\r\n"
#define F1   I(1) ";reg-id=1"
	static const struct row rows[] = {
		{"a flow (ob-1)", {.cseq = 1, .contact = A F1, OB}, "200 " A F1 ";expires=3600"},
		{"an older CSeq (R24)", {.cseq = 1, .from_tag = "f2", .contact = A F1, OB}, "400"},
		{"another Call-ID, the same number (ob-2)",
	         {.cseq = 1, .call_id = "c2", .contact = B F1, OB},
	         "200 " B F1 ";expires=3600"},
		{"no ob at the first hop (ob-6)",
	         {.cseq = 2, .contact = A F1, .more = "Supported: outbound\r\n" EDGE},
	         "439"},
		{"the flow goes", {.cseq = 3, .contact = B F1 ";expires=0", OB}, "200"},
		{"no reg-id (ob-4)",
	         {.cseq = 4, .contact = A I(1), OB},
	         "200 " A I(1) ";expires=3600"},
	};
	PLAY(rows);
}

/* gruu-10, gruu-13: a GRUU equals its AOR as a URI, and is not taken for it */
static void a_gruu_is_told_from_its_aor(void **state)
{
	(void)state;
	static const char gruu[] = "sips:alice@rich.example;gr=urn:uuid:1";
	static const char *const asked[] = {gruu, "sips:alice@rich.example"};
	static const char *const answers[] = {
		"302 <sips:one@h>" I(1) ";expires=3599",
		"302 <sips:two@h>" I(2) ";expires=3600 | <sips:one@h>" I(1) ";expires=3599"};
	struct sip_uri as_gruu, as_aor;
	struct kit *k = kit_new();

	kit_secret(k, 1, 0x11);
	(void)kit_register(k, &(struct reg){.to = asked[1],
	                                    .uri = "sip:rich.example",
	                                    .contact = "<sips:one@h>" I(1),
	                                    .more = "Supported: gruu\r\n"});
	assert_non_null(strstr(k->reply, ";pub-gruu=\"sips:alice@rich.example;gr=urn:uuid:1\""));
	assert_non_null(strstr(k->reply, ";temp-gruu=\"sips:"));
	kit_pass(k, 1000);
	(void)kit_register(k, &(struct reg){.to = asked[1],
	                                    .uri = "sip:rich.example",
	                                    .call_id = "c2",
	                                    .contact = "<sips:two@h>" I(2)});
	assert_int_equal(sip_uri_parse(slice_str(gruu), &as_gruu), OK);
	assert_int_equal(sip_uri_parse(slice_str(asked[1]), &as_aor), OK);
	assert_true(sip_uri_eq(&as_gruu, &as_aor));
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		(void)snprintf(k->request, sizeof k->request,
		               "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK%zu\r\n"
		               "From: <sip:c@h>;tag=c\r\nTo: <%s>\r\nCall-ID: i\r\n"
		               "CSeq: 1 INVITE\r\n\r\n",
		               asked[i], i, asked[i]);
		(void)kit_serve(k, slice_str(k->request));
		assert_string_equal(kit_summary(k), answers[i]);
	}
	kit_free(k);
}

/* resiprocate's oversize names: an answer or a refusal, and nothing left behind */
static void names_without_measure_are_refused(void **state)
{
	(void)state;
	static char huge[9000], contact[sizeof huge + 8];
	struct kit *k = kit_new();

	for (size_t i = 0; i < sizeof huge - 1; i++)
		huge[i] = 'x';
	const char *got = kit_register(k, &(struct reg){.call_id = huge, .contact = A});
	assert_true(got[0] == '2' || got[0] == '4');
	(void)snprintf(contact, sizeof contact, "<sip:%s@h>", huge);
	assert_int_equal(*kit_register(k, &(struct reg){.cseq = 2, .contact = contact}), '4');
	assert_false(k->out.change);
	kit_free(k);
}

/* D5, D6: sprout: a nonce count may leap, never stand still */
static void a_nonce_count_may_leap(void **state)
{
	(void)state;
	struct kit *k = new_realm();
	char nonce[NONCE_SIZE + 1];

	get_nonce(k, nonce);
	assert_memory_equal(try(k, &(struct client){.nc = 1}, nonce), "200", 3);
	assert_memory_equal(try(k, &(struct client){.nc = 9}, nonce), "200", 3);
	assert_string_equal(try(k, &(struct client){.nc = 9}, nonce), "401");
	assert_true(says_stale(k));
	assert_string_equal(try(k, &(struct client){.nc = 10, .password = "guess"}, nonce), "401");
	assert_false(says_stale(k));
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users_and_domains_that_are_none),
		cmocka_unit_test(lifetimes_and_orders),
		cmocka_unit_test(contacts_say_what_their_phones_say),
		cmocka_unit_test(what_has_expired_may_be_removed),
		cmocka_unit_test(the_same_register_twice_is_one_binding),
		cmocka_unit_test(an_answer_lost_with_its_connection_is_given_on_the_next),
		cmocka_unit_test(a_lost_answer_is_given_again),
		cmocka_unit_test(a_change_that_could_not_be_stored_is_none),
		cmocka_unit_test(the_same_with_outbound),
		cmocka_unit_test(a_gruu_is_told_from_its_aor),
		cmocka_unit_test(names_without_measure_are_refused),
		cmocka_unit_test(a_nonce_count_may_leap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
