/* layer: core */
#include "tests/unit/nap_story.h"

/* The reference: asked for at once, refreshed at half of what was granted. */
static void it_registers_and_refreshes_at_half_time(void **state)
{
	(void)state;
	struct desk d = desk_with(&reference);
	const struct line story[] = {
		{0, LOOK, "waiting 1 +0"},
		{0, READY, "registering 1000 send 3600"},
		{40, GRANT(3600), "registered 1000 +1800000 until 3600000"},
		{1800000, READY, "registering 1001 send 3600 until 3600000"},
		{1800040, GRANT(3600), "registered 1001 +3600000 until 5400000"},
	};
	PLAY(&d, story);
}

/* C24: the lowest time negotiated, counted from the sending. */
static void a_shorter_grant_is_refreshed_at_its_half(void **state)
{
	(void)state;
	struct desk d = asked(&reference);
	const struct line story[] = {{500, GRANT(61), "registered 1000 +30500 until 61000"}};
	PLAY(&d, story);
}

/* C32 */
static void a_grant_of_a_second_makes_no_tight_loop(void **state)
{
	(void)state;
	struct desk d = asked(&reference);
	const struct line story[] = {{20, GRANT(1), "registered 1000 +1020 until 1000"}};
	PLAY(&d, story);
}

static void another_part_of_the_time_may_be_configured(void **state)
{
	(void)state;
	struct nap_options o = reference;
	o.refresh_percent = 90;
	struct desk d = asked(&o);
	const struct line story[] = {{0, GRANT(100), "registered 1000 +90000 until 100000"}};
	PLAY(&d, story);
}

/* C01 C03: after the time-out, 5 s; and nothing beside what is on its way. */
static void silence_is_followed_by_a_pause_of_five_seconds(void **state)
{
	(void)state;
	struct desk d = asked(&reference);
	const struct line story[] = {
		{1000, LOOK, "registering 1000"},
		{2000, READY, "registering 1000"},
		{32000, SILENCE, "waiting 1000 +37000: no answer"},
		{37000, READY, "registering 1001 send 3600"},
		{69000, SILENCE, "waiting 1001 +74000: no answer"},
	};
	PLAY(&d, story);
	assert_int_equal(d.record.attempts, 2);
}

/* C03 F7: the next target, the same request once more. */
static void silence_turns_to_the_next_target_with_the_same_request(void **state)
{
	(void)state;
	struct desk d = asked(&reference);
	const struct line story[] = {
		{32000, {.event = NAP_SILENCE, .more_targets = true}, "registering 1000 next"},
		{32000, READY, "registering 1000 send 3600"},
		{64000, SILENCE, "waiting 1000 +69000: no answer"},
		{69000, READY, "registering 1001 send 3600"},
	};
	PLAY(&d, story);
}

/* C38: no wait of 32 s. TCP, port closed: every 5 s. */
static void a_broken_stream_is_no_silence(void **state)
{
	(void)state;
	struct desk d = desk_with(&reference);
	const struct line story[] = {
		{0, LOOK, "waiting 1 +0"},
		{0, BROKEN("refused"), "waiting 1 +5000: refused"},
		{5000, BROKEN("refused"), "waiting 1 +10000: refused"},
		{10000, READY, "registering 1000 send 3600"},
		{10300, BROKEN("its stream broke"), "waiting 1000 +15300: its stream broke"},
		{15300, READY, "registering 1001 send 3600"},
		{15400,
	         {.event = NAP_BROKEN, .why = SLICE("reset"), .more_targets = true},
	         "registering 1001 next"},
		{15400,
	         {.event = NAP_BROKEN, .why = SLICE("closed"), .more_targets = true},
	         "registering 1001 next"},
		{15500, READY, "registering 1001 send 3600"},
		{15600, GRANT(60), "registered 1001 +45500 until 75500"},
	};
	PLAY(&d, story);
}

/* C39 C40: what Outbound calls a flow is the binding itself. */
static void a_stream_lost_at_rest_matters_to_outbound_alone(void **state)
{
	(void)state;
	struct nap_options o = reference;
	const struct nap_input lost = {.event = NAP_FLOW_LOST};
	struct desk d = asked(&o);
	const struct line calm[] = {
		{0, GRANT(3600), "registered 1000 +1800000 until 3600000"},
		{9000, lost, "registered 1000 +1800000 until 3600000"},
	};
	PLAY(&d, calm);
	d.options.outbound = true;
	const struct line prompt[] = {
		{9000, lost, "registered 1000 +9000 until 3600000: its stream went"},
		{9000, READY, "registering 1001 send 3600 until 3600000"},
		{9000, lost, "registering 1001 until 3600000"},
	};
	PLAY(&d, prompt);
}

static void a_failed_refresh_keeps_the_binding_until_it_lapses(void **state)
{
	(void)state;
	struct desk d = asked(&reference);
	const struct line story[] = {
		{0, GRANT(20), "registered 1000 +10000 until 20000"},
		{10000, READY, "registering 1001 send 3600 until 20000"},
		{10000, ANSWER(.status = 403), "waiting 1001 +15000 until 20000: refused"},
	};
	PLAY(&d, story);
	assert_true(nap_registered(&d.record, (struct pairtime){BEGIN_MS + 19999}));
	assert_false(nap_registered(&d.record, (struct pairtime){BEGIN_MS + 20000}));
}

/* C43: between half and whole of a pause that doubles, never less than the first. */
static void pauses_grow_and_are_spread(void **state)
{
	(void)state;
	struct nap_options o = reference;
	o.retry_max_ms = 60000;
	static const int64_t whole[] = {5000, 10000, 20000, 40000, 60000, 60000};

	for (uint32_t i = 0; i < ARRAY_LEN(whole); i++)
		for (uint64_t random = 0; random < 100000; random += 7919) {
			int64_t ms = nap_pause_ms(&o, i + 1, random);
			int64_t least = i == 0 ? 5000 : whole[i] / 2;
			assert_in_range(ms, least, whole[i]);
		}
	assert_int_not_equal(nap_pause_ms(&o, 5, 1), nap_pause_ms(&o, 5, 29999));
	for (uint32_t i = 0; i < 9; i++)
		assert_int_equal(nap_pause_ms(&reference, i, 12345), 5000);
	assert_in_range(nap_pause_ms(&o, UINT32_MAX, 3), 30000, 60000);
}

/* C44 */
static void taking_away_answers_challenges_and_ends(void **state)
{
	(void)state;
	struct desk d = asked(&reference);
	struct nap_answer asks = challenge(401, "n");
	const struct line bound[] = {{0, GRANT(60), "registered 1000 +30000 until 60000"}};
	PLAY(&d, bound);
	d.unwanted = true;
	const struct line story[] = {
		{9, LOOK, "unregistering 1000 aim until 60000"},
		{9, READY, "unregistering 1001 send 0 until 60000"},
		{10, {.event = NAP_ANSWER, .answer = &asks}, "unregistering 1001 aim until 60000"},
		{10, READY, "unregistering 1002 send 0 until 60000"},
		{11, ANSWER(.status = 200), "idle 1002"},
		{12, LOOK, "idle 1002"},
		{12, READY, "idle 1002"},
	};
	PLAY(&d, story);
}

/* C44 */
static void taking_away_gives_up_in_bounded_time(void **state)
{
	(void)state;
	const struct line bound[] = {{0, GRANT(60), "registered 1000 +30000 until 60000"}};
	const struct line ends[][1] = {
		{{32000, SILENCE, "idle 1001: no answer"}},
		{{10, ANSWER(.status = 403), "idle 1001: refused"}},
		{{10, ANSWER(.status = 423, .min_expires_s = 9999),
	          "idle 1001: asked for too short a time"}},
		{{10, BROKEN("reset"), "idle 1001: reset"}},
		{{10, GRANT(60), "idle 1001: it is listed there still"}},
	};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct desk d = asked(&reference);
		PLAY(&d, bound);
		d.unwanted = true;
		const struct line story[] = {
			{0, LOOK, "unregistering 1000 aim until 60000"},
			{0, READY, "unregistering 1001 send 0 until 60000"},
		};
		PLAY(&d, story);
		PLAY(&d, ends[i]);
	}
}

/* RFC 3261 10.2: what is on its way has its outcome first. */
static void what_is_on_its_way_ends_before_it_is_taken_away(void **state)
{
	(void)state;
	struct desk d = asked(&reference);
	d.unwanted = true;
	const struct line story[] = {
		{5, LOOK, "registering 1000"},
		{9, GRANT(60), "unregistering 1000 aim until 60000"},
	};
	PLAY(&d, story);

	struct desk unheard = asked(&reference);
	unheard.unwanted = true;
	const struct line may_be_bound[] = {{32000, SILENCE, "unregistering 1000 aim"}};
	PLAY(&unheard, may_be_bound);

	struct desk refused = asked(&reference);
	refused.unwanted = true;
	const struct line is_not[] = {{10, ANSWER(.status = 403), "idle 1000: refused"}};
	PLAY(&refused, is_not);
}

static void what_waits_unbound_just_ends(void **state)
{
	(void)state;
	struct desk d = asked(&reference);
	const struct line waits[] = {{10, ANSWER(.status = 403), "waiting 1000 +5010: refused"}};
	PLAY(&d, waits);
	d.unwanted = true;
	const struct line story[] = {{20, LOOK, "idle 1000: refused"}};
	PLAY(&d, story);
}

static void who_is_wanted_again_registers_when_it_is_taken_away(void **state)
{
	(void)state;
	struct desk d = asked(&reference);
	const struct line bound[] = {{0, GRANT(60), "registered 1000 +30000 until 60000"}};
	PLAY(&d, bound);
	d.unwanted = true;
	feed(&d, 5, (struct nap_input)LOOK);
	feed(&d, 5, (struct nap_input)READY);
	d.unwanted = false;
	const struct line story[] = {
		{6, LOOK, "unregistering 1001 until 60000"},
		{7, ANSWER(.status = 200), "waiting 1001 +7"},
		{7, READY, "registering 1002 send 3600"},
	};
	PLAY(&d, story);
}

/* C46: the same Call-ID, a CSeq that jumps; a fresh one is left alone, an unknown one is due at once. */
static void a_new_reign_goes_on_as_the_same_client(void **state)
{
	(void)state;
	struct desk d = asked(&reference);
	const struct line fresh[] = {{0, GRANT(3600), "registered 1000 +1800000 until 3600000"}};
	PLAY(&d, fresh);
	d.attempt = (struct nap_attempt){0};
	d.secondary = true;
	const struct line story[] = {
		{100, LOOK, "registered 1000 +1800000 until 3600000"},
		{1800000, READY, "registering 2500 send 3600 until 3600000"},
	};
	PLAY(&d, story);
	d.attempt = (struct nap_attempt){0};
	d.secondary = false;
	assert_int_equal(nap_client_due(&d.record, &d.attempt).ms, 0);
	const struct line unknown[] = {
		{1800100, LOOK, "registering 2500 until 3600000"},
		{1800100, READY,
	         "registering 3000 send 3600 until 3600000: asked again: its outcome was unknown"},
		{1800200, GRANT(3600), "registered 3000 +3600100 until 5400100"},
	};
	PLAY(&d, unknown);
	assert_true(slice_eq(d.record.call_id, SLICE("call")));
}

/* The provider has seen what this client does not know to have sent: once, and no more than once. */
static void behind_a_backup_the_numbers_leave_a_gap(void **state)
{
	(void)state;
	struct desk d = asked(&reference);
	const struct line fresh[] = {{0, GRANT(3600), "registered 1000 +1800000 until 3600000"}};
	PLAY(&d, fresh);
	d.attempt = (struct nap_attempt){0};
	d.restored.ms = BEGIN_MS + 50;
	const struct line story[] = {
		{100, LOOK, "registered 1000 +1800000 until 3600000"},
		{1800000, READY, "registering 1002000 send 3600 until 3600000"},
		{1800100, GRANT(3600), "registered 1002000 +3600000 until 5400000"},
		{3600000, READY, "registering 1002001 send 3600 until 5400000"},
		{3600100, GRANT(3600), "registered 1002001 +5400000 until 7200000"},
	};
	PLAY(&d, story);
	d.attempt = (struct nap_attempt){0};
	const struct line next_reign[] = {
		{5400000, READY, "registering 1003000 send 3600 until 7200000"},
	};
	PLAY(&d, next_reign);
}

/* C46: nor is a half done un-REGISTER forgotten. */
static void a_new_reign_goes_on_taking_away(void **state)
{
	(void)state;
	struct desk d = asked(&reference);
	feed(&d, 0, (struct nap_input)GRANT(60));
	d.unwanted = true;
	feed(&d, 5, (struct nap_input)LOOK);
	feed(&d, 5, (struct nap_input)READY);
	d.attempt = (struct nap_attempt){0};
	const struct line story[] = {
		{90, LOOK, "unregistering 1001 until 60000"},
		{90, READY,
	         "unregistering 2000 send 0 until 60000: asked again: its outcome was unknown"},
		{95, ANSWER(.status = 200), "idle 2000"},
	};
	PLAY(&d, story);
}

/* C46: one that is wanted again is not taken away first. */
static void a_new_reign_does_not_take_away_what_is_wanted(void **state)
{
	(void)state;
	struct desk d = asked(&reference);
	feed(&d, 0, (struct nap_input)GRANT(60));
	d.unwanted = true;
	feed(&d, 5, (struct nap_input)LOOK);
	d.attempt = (struct nap_attempt){0};
	d.unwanted = false;
	const struct line story[] = {
		{90, READY,
	         "registering 2000 send 3600 until 60000: asked again: its outcome was unknown"},
	};
	PLAY(&d, story);
}

/* C46: neither side of a split ever sends what the other did. */
static void the_two_units_count_apart(void **state)
{
	(void)state;
	assert_int_equal(nap_next_cseq(1, true, false), 1000);
	assert_int_equal(nap_next_cseq(1, true, true), 1500);
	assert_int_equal(nap_next_cseq(1000, false, false), 1001);
	assert_int_equal(nap_next_cseq(1003, true, false), 2000);
	assert_int_equal(nap_next_cseq(1003, true, true), 2500);
	assert_int_equal(nap_next_cseq(1499, false, false), 2000);
	assert_int_equal(nap_next_cseq(1500, false, true), 1501);
	assert_int_equal(nap_next_cseq(1999, false, true), 2500);
	assert_true(nap_next_cseq(NAP_CSEQ_END - 1, true, true) >= NAP_CSEQ_END);
	uint32_t ours = 1003, theirs = 1003;
	for (int i = 0; i < 2000; i++) {
		ours = nap_next_cseq(ours, i == 0, false);
		theirs = nap_next_cseq(theirs, i == 0, true);
		assert_true(ours % 1000 < 500 && theirs % 1000 >= 500);
	}
}

/* C42: an outcome of what is not on its way. */
static void late_outcomes_are_nobodys(void **state)
{
	(void)state;
	struct desk d = asked(&reference);
	const struct line story[] = {
		{0, GRANT(60), "registered 1000 +30000 until 60000"},
		{1, ANSWER(.status = 403), "registered 1000 +30000 until 60000"},
		{2, SILENCE, "registered 1000 +30000 until 60000"},
	};
	PLAY(&d, story);
	struct desk idle = desk_with(&reference);
	idle.unwanted = true;
	const struct line rests[] = {{0, BROKEN("gone"), "idle 1"}, {0, SILENCE, "idle 1"}};
	PLAY(&idle, rests);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_registers_and_refreshes_at_half_time),
		cmocka_unit_test(a_shorter_grant_is_refreshed_at_its_half),
		cmocka_unit_test(a_grant_of_a_second_makes_no_tight_loop),
		cmocka_unit_test(another_part_of_the_time_may_be_configured),
		cmocka_unit_test(silence_is_followed_by_a_pause_of_five_seconds),
		cmocka_unit_test(silence_turns_to_the_next_target_with_the_same_request),
		cmocka_unit_test(a_broken_stream_is_no_silence),
		cmocka_unit_test(a_stream_lost_at_rest_matters_to_outbound_alone),
		cmocka_unit_test(a_failed_refresh_keeps_the_binding_until_it_lapses),
		cmocka_unit_test(pauses_grow_and_are_spread),
		cmocka_unit_test(taking_away_answers_challenges_and_ends),
		cmocka_unit_test(taking_away_gives_up_in_bounded_time),
		cmocka_unit_test(what_is_on_its_way_ends_before_it_is_taken_away),
		cmocka_unit_test(what_waits_unbound_just_ends),
		cmocka_unit_test(who_is_wanted_again_registers_when_it_is_taken_away),
		cmocka_unit_test(a_new_reign_goes_on_as_the_same_client),
		cmocka_unit_test(behind_a_backup_the_numbers_leave_a_gap),
		cmocka_unit_test(a_new_reign_goes_on_taking_away),
		cmocka_unit_test(a_new_reign_does_not_take_away_what_is_wanted),
		cmocka_unit_test(the_two_units_count_apart),
		cmocka_unit_test(late_outcomes_are_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
