/* layer: core */
#include "tests/unit/nap_story.h"

/* C21, C22, C23: as ever */
static void a_refusal_is_followed_by_a_pause_of_five_seconds(void **state)
{
	(void)state;
	static const uint16_t statuses[] = {400, 403, 404, 405, 406, 410, 416, 488, 494, 500, 600};

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		struct desk d = asked(&reference);
		const struct line story[] = {
			{30, ANSWER(.status = statuses[i]), "waiting 1000 +5030: refused"},
			{5030, READY, "registering 1001 send 3600"},
		};
		PLAY(&d, story);
		assert_int_equal(d.record.last_status, statuses[i]);
	}
}

/* C16, C17, C18 */
static void retry_after_is_obeyed(void **state)
{
	(void)state;
	static const uint16_t statuses[] = {408, 480, 486, 500};

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		struct desk d = asked(&reference);
		const struct line story[] = {
			{0,
		         ANSWER(.status = statuses[i], .has_retry_after = true,
		                .retry_after_s = 120),
		         "waiting 1000 +120000: refused"},
		};
		PLAY(&d, story);
	}
	struct desk d = asked(&reference);
	const struct line story[] = {
		{0, ANSWER(.status = 503, .has_retry_after = true, .retry_after_s = 2),
	         "waiting 1000 +5000: unavailable"},
		{5000, READY, "registering 1001 send 3600"},
		{5000, ANSWER(.status = 503, .has_retry_after = true, .retry_after_s = 90),
	         "waiting 1001 +95000: unavailable"},
		{95000, READY, "registering 1002 send 3600"},
		{95000, ANSWER(.status = 503), "waiting 1002 +100000: unavailable"},
		{100000, READY, "registering 1003 send 3600"},
		{100000,
	         ANSWER(.status = 500, .has_retry_after = true, .retry_after_s = UINT32_MAX),
	         "waiting 1003 +86500000: refused"},
	};
	PLAY(&d, story);
}

/* C16, C17, F7 */
static void an_unavailable_proxy_turns_to_the_next_target(void **state)
{
	(void)state;
	struct desk d = asked(&reference);
	struct nap_answer busy = {.status = 503, .has_retry_after = true, .retry_after_s = 60};
	const struct line story[] = {
		{0,
	         {.event = NAP_ANSWER, .answer = &busy, .more_targets = true},
	         "registering 1000 next"},
		{0, READY, "registering 1000 send 3600"},
		{9,
	         {.event = NAP_ANSWER, .answer = &busy, .rests_ms = 70000},
	         "waiting 1000 +70009: unavailable"},
	};
	PLAY(&d, story);
}

/* C04, C06: under the next CSeq; a proxy's and the registrar's one after the other */
static void challenges_are_answered_at_once(void **state)
{
	(void)state;
	struct desk d = asked(&reference);
	struct nap_answer first = challenge(407, "a"), second = challenge(401, "b");
	const struct line story[] = {
		{10, {.event = NAP_ANSWER, .answer = &first}, "registering 1000 aim"},
		{10, READY, "registering 1001 send 3600"},
		{20, {.event = NAP_ANSWER, .answer = &second}, "registering 1001 aim"},
		{20, READY, "registering 1002 send 3600"},
	};
	PLAY(&d, story);
	assert_int_equal(d.record.n_challenges, 2);
	assert_int_equal(d.record.challenges[0].cseq, 1002);
	assert_int_equal(d.record.challenges[1].cseq, 1002);
	assert_int_equal(d.record.challenges[0].nc + d.record.challenges[1].nc, 1 + 2);
	const struct line end[] = {{30, GRANT(3600), "registered 1002 +1800020 until 3600020"}};
	PLAY(&d, end);
}

/* C09 */
static void without_credentials_there_is_no_loop(void **state)
{
	(void)state;
	struct desk d = asked(&reference);
	const struct line story[] = {
		{10, ANSWER(.status = 401), "waiting 1000 +5010: no credentials for what it asks"},
		{5010, READY, "registering 1001 send 3600"},
	};
	PLAY(&d, story);
}

/* C10 */
static void refused_credentials_are_not_sent_again_at_once(void **state)
{
	(void)state;
	struct desk d = asked(&reference);
	struct nap_answer first = challenge(401, "a"), same = challenge(401, "a");
	same.same_nonce = true;
	const struct line story[] = {
		{10, {.event = NAP_ANSWER, .answer = &first}, "registering 1000 aim"},
		{10, READY, "registering 1001 send 3600"},
		{20,
	         {.event = NAP_ANSWER, .answer = &same},
	         "waiting 1001 +5020: wrong credentials"},
	};
	PLAY(&d, story);
	const struct line again[] = {{5020, READY, "registering 1002 send 3600"}};
	PLAY(&d, again);
	assert_int_equal(d.record.challenges[0].cseq, 1001);
}

/* C11, C12: a stale nonce is replaced at once, but not for ever; nor is one that is new each time */
static void challenges_for_ever_are_bounded(void **state)
{
	(void)state;
	for (int stale = 0; stale < 2; stale++) {
		struct desk d = asked(&reference);
		struct nap_answer a = challenge(401, "n");
		const struct nap_input in = {.event = NAP_ANSWER, .answer = &a};
		uint32_t sent = 1;

		a.stale = stale;
		for (feed(&d, 0, in); d.out.wish == NAP_AIM; feed(&d, 0, in), sent++)
			feed(&d, 0, (struct nap_input)READY);
		assert_int_equal(sent, 1 + NAP_ROUNDS_MAX);
		assert_string_equal(d.text, "waiting 1004 +5000: challenged again and again");
	}
}

/* D5: else it is not sent unasked, but counted on where it comes again */
static void a_nonce_is_answered_ahead_where_that_is_configured(void **state)
{
	(void)state;
	for (int reuse = 0; reuse < 2; reuse++) {
		struct nap_options o = reference;
		o.reuse_challenge = reuse;
		struct desk d = asked(&o);
		struct nap_answer a = challenge(401, "n");
		const struct line story[] = {
			{0, {.event = NAP_ANSWER, .answer = &a}, "registering 1000 aim"},
			{0, READY, "registering 1001 send 3600"},
			{0, GRANT(60), "registered 1001 +30000 until 60000"},
			{30000, READY, "registering 1002 send 3600 until 60000"},
		};
		PLAY(&d, story);
		const struct nap_challenge *c = &d.record.challenges[0];
		assert_int_equal(d.record.n_challenges, 1);
		assert_int_equal(c->nc, reuse ? 2 : 1);
		assert_int_equal(c->cseq, reuse ? 1002 : 1001);
		if (reuse)
			continue;
		const struct line again[] = {
			{30000,
		         {.event = NAP_ANSWER, .answer = &a},
		         "registering 1002 aim until 60000"},
			{30000, READY, "registering 1003 send 3600 until 60000"},
		};
		PLAY(&d, again);
		assert_int_equal(c->nc, 2);
	}
}

/* C14: and it is remembered */
static void a_longer_time_is_asked_for_where_it_must_be(void **state)
{
	(void)state;
	struct desk d = asked(&reference);
	const struct line story[] = {
		{0, ANSWER(.status = 423, .min_expires_s = 7200), "registering 1000 aim"},
		{0, READY, "registering 1001 send 7200"},
		{0, GRANT(7200), "registered 1001 +3600000 until 7200000"},
		{3600000, READY, "registering 1002 send 7200 until 7200000"},
	};
	PLAY(&d, story);
}

/* C15 */
static void a_423_that_makes_no_sense_is_a_refusal(void **state)
{
	(void)state;
	static const uint32_t senseless[] = {0, 1800, 3600, 8 * 86400};

	for (size_t i = 0; i < ARRAY_LEN(senseless); i++) {
		struct desk d = asked(&reference);
		const struct line story[] = {{0,
		                              ANSWER(.status = 423, .min_expires_s = senseless[i]),
		                              "waiting 1000 +5000: asked for too short a time"}};
		PLAY(&d, story);
	}
	struct desk d = asked(&reference);
	const struct line rising[] = {
		{0, ANSWER(.status = 423, .min_expires_s = 3601), "registering 1000 aim"},
		{0, READY, "registering 1001 send 3601"},
		{0, ANSWER(.status = 423, .min_expires_s = 3602), "registering 1001 aim"},
		{0, READY, "registering 1002 send 3602"},
		{0, ANSWER(.status = 423, .min_expires_s = 3603),
	         "waiting 1002 +5000: asked for too short a time"},
	};
	PLAY(&d, rising);
}

/* C19, C20 */
static void one_redirection_is_followed(void **state)
{
	(void)state;
	struct desk d = asked(&reference);
	const struct line story[] = {
		{0, ANSWER(.status = 302, .redirect = SLICE("sip:192.0.2.2")),
	         "registering 1000 redirect"},
		{0, READY, "registering 1001 send 3600"},
		{0, ANSWER(.status = 301, .redirect = SLICE("sip:192.0.2.2")),
	         "waiting 1001 +5000: redirected to nowhere new"},
		{5000, READY, "registering 1002 send 3600"},
		{5000, ANSWER(.status = 302), "waiting 1002 +10000: redirected to nowhere new"},
	};
	PLAY(&d, story);
	static const uint16_t others[] = {300, 305, 380};
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		struct desk other = asked(&reference);
		const struct line refused[] = {
			{0, ANSWER(.status = others[i], .redirect = SLICE("sip:192.0.2.2")),
		         "waiting 1000 +5000: refused"}};
		PLAY(&other, refused);
	}
}

/* C22 */
static void a_refused_extension_is_left_out_once(void **state)
{
	(void)state;
	struct nap_options o = reference;
	o.outbound = true;
	struct desk d = asked(&o);
	const struct line story[] = {
		{0, ANSWER(.status = 420), "registering 1000 aim"},
		{0, READY, "registering 1001 send 3600"},
	};
	PLAY(&d, story);
	assert_true(d.out.plain);
	const struct line again[] = {
		{0, ANSWER(.status = 420), "waiting 1001 +5000: it does not know an extension"},
		{5000, READY, "registering 1002 send 3600"},
	};
	PLAY(&d, again);
	assert_false(d.out.plain);
	struct desk bare = asked(&reference);
	const struct line refused[] = {
		{0, ANSWER(.status = 420), "waiting 1000 +5000: it does not know an extension"}};
	PLAY(&bare, refused);
}

/* C28, C31 */
static void a_success_without_us_is_none(void **state)
{
	(void)state;
	struct desk d = asked(&reference);
	const struct line story[] = {
		{0, GRANT(60), "registered 1000 +30000 until 60000"},
		{30000, READY, "registering 1001 send 3600 until 60000"},
		{30000, ANSWER(.status = 200, .listed_without_us = true),
	         "waiting 1001 +35000: others are listed there, we are not"},
		{35000, READY, "registering 1002 send 3600"},
		{35000, ANSWER(.status = 200, .bound = true),
	         "waiting 1002 +40000: nothing was granted"},
	};
	PLAY(&d, story);
}

/* C27, C30, C33, C34: and replaced by the next */
static void a_grant_is_kept_with_what_came_with_it(void **state)
{
	(void)state;
	struct desk d = asked(&reference);
	const struct line story[] = {
		{0,
	         ANSWER(.status = 202, .bound = true, .granted_s = 60, .rewritten = true,
	                .n_routes = 1, .service_route = {SLICE("<sip:edge;lr>")},
	                .path = SLICE("<sip:p>"), .gruu_pub = SLICE("sip:g")),
	         "registered 1000 +30000 until 60000: our Contact was rewritten"},
	};
	PLAY(&d, story);
	assert_int_equal(d.record.n_routes, 1);
	assert_true(slice_eq(d.record.service_route[0], SLICE("<sip:edge;lr>")));
	assert_true(slice_eq(d.record.path, SLICE("<sip:p>")));
	const struct line next[] = {
		{30000, READY, "registering 1001 send 3600 until 60000"},
		{30000, ANSWER(.status = 200, .bound = true, .granted_s = 60, .assumed = true),
	         "registered 1001 +60000 until 90000: it did not say for how long"},
	};
	PLAY(&d, next);
	assert_int_equal(d.record.n_routes, 0);
	assert_int_equal(d.record.gruu_pub.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refusal_is_followed_by_a_pause_of_five_seconds),
		cmocka_unit_test(retry_after_is_obeyed),
		cmocka_unit_test(an_unavailable_proxy_turns_to_the_next_target),
		cmocka_unit_test(challenges_are_answered_at_once),
		cmocka_unit_test(without_credentials_there_is_no_loop),
		cmocka_unit_test(refused_credentials_are_not_sent_again_at_once),
		cmocka_unit_test(challenges_for_ever_are_bounded),
		cmocka_unit_test(a_nonce_is_answered_ahead_where_that_is_configured),
		cmocka_unit_test(a_longer_time_is_asked_for_where_it_must_be),
		cmocka_unit_test(a_423_that_makes_no_sense_is_a_refusal),
		cmocka_unit_test(one_redirection_is_followed),
		cmocka_unit_test(a_refused_extension_is_left_out_once),
		cmocka_unit_test(a_success_without_us_is_none),
		cmocka_unit_test(a_grant_is_kept_with_what_came_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
