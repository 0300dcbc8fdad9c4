/* layer: regload_parts */
#include <stdlib.h>
#include <unistd.h>

#include "tests/bench/acked.h"
#include "tests/bench/answer.h"
#include "tests/bench/audit.h"
#include "tests/bench/digest.h"
#include "tests/bench/histogram.h"
#include "tests/bench/message.h"
#include "tests/bench/stats.h"
#include "tests/check.h"

#define S(text) slice_str(text)

static void assert_slice(struct slice got, const char *wanted)
{
	assert_int_equal(got.n, strlen(wanted));
	assert_memory_equal(got.p, wanted, got.n);
}

static void percentiles_are_exact_to_a_sixtyfourth(void **state)
{
	(void)state;
	struct histogram h = {0};

	assert_int_equal(histogram_at(&h, 500), 0);
	for (int64_t us = 1; us <= 100000; us++)
		histogram_add(&h, us);
	assert_in_range(histogram_at(&h, 500), 50000, 50000 + 50000 / 64);
	assert_in_range(histogram_at(&h, 990), 99000, 100000);
	assert_int_equal(histogram_at(&h, 1000), 100000);
	assert_int_equal(h.max_us, 100000);
}

static void durations_out_of_range_count_at_the_ends(void **state)
{
	(void)state;
	struct histogram h = {0};

	histogram_add(&h, -5);
	assert_int_equal(histogram_at(&h, 500), 0);
	histogram_add(&h, INT64_MAX);
	assert_int_equal(h.total, 2);
	assert_true(histogram_at(&h, 1000) >= INT32_MAX);
}

static void the_longest_gap_lies_between_two_answers(void **state)
{
	(void)state;
	struct gap gap = {0};

	gap_note(&gap, 1000);
	assert_int_equal(gap_longest(&gap), 0);
	gap_note(&gap, 1500);
	gap_note(&gap, 4500);
	gap_note(&gap, 5000);
	assert_int_equal(gap_longest(&gap), 3000);
	assert_int_equal(gap.before_us, 1500);
	assert_int_equal(gap.after_us, 4500);
}

/* RFC 7616 section 3.9.1 */
static void the_digests_are_those_of_the_rfc(void **state)
{
	(void)state;
	static const struct {
		enum algorithm algorithm;
		const char *response;
	} rows[] = {
		{ALGORITHM_MD5, "8ca523f5e9506fed4657c9700eebdbec"},
		{ALGORITHM_SHA256,
	         "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
	};
	const struct digest_input in = {
		.user = S("Mufasa"),
		.realm = S("http-auth@example.org"),
		.password = S("Circle of Life"),
		.method = S("GET"),
		.uri = S("/dir/index.html"),
		.nonce = S("7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"),
		.cnonce = S("f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"),
		.nc = 1,
		.qop = true,
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct digest *digest = digest_open(rows[i].algorithm);
		char response[DIGEST_HEX_MAX];

		digest_response(digest, &in, response);
		assert_string_equal(response, rows[i].response);
		digest_close(&digest);
	}
}

#define ANSWER_HEAD                                                                       \
	"Via: SIP/2.0/UDP 192.0.2.9:4;rport=4;branch=z9hG4bKt-7-3;received=192.0.2.9\r\n" \
	"From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: x@y\r\nCSeq: 3 REGISTER\r\n"

static void an_answer_lists_contacts_with_their_lifetimes(void **state)
{
	(void)state;
	struct answer a;
	uint32_t seconds = 0;

	assert_true(answer_parse(S("SIP/2.0 200 OK\r\n" ANSWER_HEAD
	                           "Contact: <sip:a@h:1;ob>;q=0.5;expires=17, \"A, <b>\" "
	                           "<sip:b@h>;expires=\"4\"\r\n"
	                           "m: <sip:c@h>\r\nExpires: 60\r\n\r\n"),
	                         ALGORITHM_MD5, &a));
	assert_int_equal(a.status, 200);
	assert_int_equal(a.cseq, 3);
	assert_slice(a.branch, "z9hG4bKt-7-3");
	assert_slice(a.call_id, "x@y");
	assert_int_equal(a.n_contacts, 3);
	assert_true(answer_lifetime(&a, S("sip:a@h:1;ob"), &seconds));
	assert_int_equal(seconds, 17);
	assert_true(answer_lifetime(&a, S("sip:b@h"), &seconds));
	assert_int_equal(seconds, 4);
	assert_true(answer_lifetime(&a, S("sip:c@h"), &seconds));
	assert_int_equal(seconds, 60);
	assert_false(answer_lifetime(&a, S("sip:d@h"), &seconds));
}

static void the_challenge_of_the_wanted_algorithm_is_taken(void **state)
{
	(void)state;
	static const char text[] =
		"SIP/2.0 401 Unauthorized\r\n" ANSWER_HEAD
		"WWW-Authenticate: Digest realm=\"r\", nonce=\"n256\", algorithm=SHA-256, "
		"qop=\"auth\"\r\n"
		"WWW-Authenticate: Digest realm=\"r\", qop=\"auth-int,auth\", nonce=\"n5\", "
		"stale=TRUE, opaque=\"o\"\r\n\r\n";
	struct answer a;

	assert_true(answer_parse(S(text), ALGORITHM_MD5, &a));
	assert_slice(a.challenge.nonce, "n5");
	assert_slice(a.challenge.opaque, "o");
	assert_true(a.challenge.stale && a.challenge.qop);
	assert_true(answer_parse(S(text), ALGORITHM_SHA256, &a));
	assert_slice(a.challenge.nonce, "n256");
	assert_false(a.challenge.stale);
}

static void what_is_no_answer_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",
		"\r\n\r\n",
		"REGISTER sip:a SIP/2.0\r\n\r\n",
		"SIP/2.0 99 Low\r\n" ANSWER_HEAD "\r\n",
		"SIP/2.0 200 OK\r\n\r\n",
		"SIP/2.0 200 OK\r\n" ANSWER_HEAD "no colon\r\n\r\n",
		"SIP/2.0 200 OK\r\n" ANSWER_HEAD "CSeq: x REGISTER\r\n\r\n",
		"SIP/2.0 200 OK\r\n" ANSWER_HEAD "Contact: <sip:a@b> x\r\n\r\n",
	};
	struct answer a;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_false(answer_parse(S(texts[i]), ALGORITHM_MD5, &a));
}

static void a_stream_is_cut_into_messages(void **state)
{
	(void)state;
	static const char two[] = "SIP/2.0 200 OK\r\nl: 3\r\n\r\nabcSIP/2.0 ";
	size_t first = strlen("SIP/2.0 200 OK\r\nl: 3\r\n\r\nabc");

	for (size_t n = 0; n < first; n++)
		assert_int_equal(answer_frame(slice_head(S(two), n)), 0);
	assert_int_equal(answer_frame(S(two)), first);
	assert_int_equal(answer_frame(S("SIP/2.0 200 OK\r\nContent-Length: x\r\n\r\n")), -1);
	assert_int_equal(answer_frame(S("SIP/2.0 200 OK\r\nContent-Length: 99999\r\n\r\n")), -1);
}

static void a_branch_leads_back_to_its_request(void **state)
{
	(void)state;
	const struct options o = {.tag = "t-1"};
	uint32_t at = 0;
	uint32_t cseq = 0;

	assert_true(message_branch(&o, S("z9hG4bKt-1-70-12"), &at, &cseq));
	assert_int_equal(at, 70);
	assert_int_equal(cseq, 12);
	assert_false(message_branch(&o, S("z9hG4bKt-2-70-12"), &at, &cseq));
	assert_false(message_branch(&o, S("z9hG4bKt-1-70"), &at, &cseq));
	assert_false(message_branch(&o, S("z9hG4bKt-1-70-12x"), &at, &cseq));
}

static void every_user_is_visited_once_in_a_round(void **state)
{
	(void)state;
	const struct options o = {.first = 5};
	static const uint32_t sizes[] = {1, 2, 3, 6, 100, 1000, 6180};

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct users users = {0};
		uint8_t seen[6180] = {0};

		assert_true(users_open(&users, &o, NULL, sizes[i]));
		for (uint32_t k = 0; k < sizes[i]; k++)
			assert_int_equal(seen[users_visit(&users, k)]++, 0);
		assert_int_equal(users_find(&users, 5), 0);
		assert_int_equal(users_find(&users, 4), USERS_NONE);
		users_close(&users);
	}
}

static void users_that_wait_come_due_in_order(void **state)
{
	(void)state;
	const struct options o = {0};
	struct users users = {0};
	uint32_t at = USERS_NONE;

	assert_true(users_open(&users, &o, NULL, 4));
	assert_int_equal(users_next_due(&users, &at), INT64_MAX);
	users_wait(&users, 2, 0, 100);
	users_wait(&users, 0, 0, 110);
	users_wait(&users, 3, 0, 120);
	users_wait(&users, 1, 2, 105);
	assert_int_equal(users_next_due(&users, &at), 100);
	assert_int_equal(at, 2);
	users_done(&users, 2);
	assert_int_equal(users_next_due(&users, &at), 105);
	users_done(&users, 1);
	users_done(&users, 3);
	assert_int_equal(users_next_due(&users, &at), 110);
	assert_int_equal(at, 0);
	users_close(&users);
}

/* Granted 100 s between 10.0 s and 10.5 s; asked at 30.0 s, told at 30.2 s: from 79.8 s to 80.5 s
 * remain. */
static void an_audit_allows_what_cannot_be_known_and_no_more(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		enum act act, unsure;
		bool present;
		uint32_t remaining_s;
		enum verdict verdict;
	} rows[] = {
		{"to the second", ACT_REGISTER, ACT_NONE, true, 80, VERDICT_GOOD},
		{"a second short", ACT_REGISTER, ACT_NONE, true, 79, VERDICT_GOOD},
		{"a second long", ACT_REGISTER, ACT_NONE, true, 81, VERDICT_GOOD},
		{"two short", ACT_REGISTER, ACT_NONE, true, 78, VERDICT_WRONG_LIFETIME},
		{"two long", ACT_REGISTER, ACT_NONE, true, 82, VERDICT_WRONG_LIFETIME},
		{"longer by a later one", ACT_REGISTER, ACT_REGISTER, true, 99, VERDICT_GOOD},
		{"shorter by a later one", ACT_REGISTER, ACT_REGISTER, true, 70, VERDICT_GOOD},
		{"shorter all the same", ACT_REGISTER, ACT_REGISTER, true, 68,
	         VERDICT_WRONG_LIFETIME},
		{"gone", ACT_REGISTER, ACT_NONE, false, 0, VERDICT_LOST},
		{"gone with a later one", ACT_REGISTER, ACT_REGISTER, false, 0, VERDICT_LOST},
		{"perhaps removed", ACT_REGISTER, ACT_REMOVE, false, 0, VERDICT_UNSURE},
		{"removed", ACT_REMOVE, ACT_NONE, false, 0, VERDICT_GOOD},
		{"back again", ACT_REMOVE, ACT_NONE, true, 80, VERDICT_NOT_REMOVED},
		{"perhaps back", ACT_REMOVE, ACT_REGISTER, true, 80, VERDICT_UNSURE},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct ack ack = {.act = rows[i].act,
		                        .unsure = rows[i].unsure,
		                        .granted_s = 100,
		                        .sent_us = 10000000,
		                        .acked_us = 10500000};
		const struct seen seen = {rows[i].present, rows[i].remaining_s, 30000000, 30200000};

		if (audit_judge(&ack, &seen, 1000) != rows[i].verdict)
			fail_msg("%s: %s", rows[i].what,
			         verdict_name(audit_judge(&ack, &seen, 1000)));
	}
}

/* A run that continues another knows what that was told, and forgets none of it. */
static void a_list_that_is_saved_is_known_to_the_next_run(void **state)
{
	(void)state;
	char path[] = "/tmp/regload-acked-XXXXXX";
	const struct options o = {
		.user_prefix = "u", .contact_host = "h", .tag = "t", .acked = path};
	struct users users = {0};
	struct acked first = {0}, next = {0};
	int file = mkstemp(path);

	assert_true(file >= 0);
	assert_true(users_open(&users, &o, NULL, 3));
	assert_true(acked_open(&first, &o, 3));
	first.list[0] = (struct ack){ACT_REGISTER, ACT_NONE, 7, 60, 1000, 2000};
	first.list[2] = (struct ack){ACT_REMOVE, ACT_REGISTER, 9, 0, 3000, 4000};
	assert_true(acked_save(&first, &users));
	assert_true(acked_open(&next, &o, 3));
	assert_true(acked_know(&next, &users, path));
	for (unsigned i = 0; i < 3; i++)
		assert_memory_equal(&next.list[i], &first.list[i], sizeof first.list[i]);
	acked_close(&first);
	acked_close(&next);
	users_close(&users);
	(void)close(file);
	(void)unlink(path);
	next = (struct acked){.options = &o};
	assert_false(acked_know(&next, &users, path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(percentiles_are_exact_to_a_sixtyfourth),
		cmocka_unit_test(durations_out_of_range_count_at_the_ends),
		cmocka_unit_test(the_longest_gap_lies_between_two_answers),
		cmocka_unit_test(the_digests_are_those_of_the_rfc),
		cmocka_unit_test(an_answer_lists_contacts_with_their_lifetimes),
		cmocka_unit_test(the_challenge_of_the_wanted_algorithm_is_taken),
		cmocka_unit_test(what_is_no_answer_is_refused),
		cmocka_unit_test(a_stream_is_cut_into_messages),
		cmocka_unit_test(a_branch_leads_back_to_its_request),
		cmocka_unit_test(every_user_is_visited_once_in_a_round),
		cmocka_unit_test(users_that_wait_come_due_in_order),
		cmocka_unit_test(an_audit_allows_what_cannot_be_known_and_no_more),
		cmocka_unit_test(a_list_that_is_saved_is_known_to_the_next_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
