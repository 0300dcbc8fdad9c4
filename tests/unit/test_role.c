/* layer: ha */
#include "tests/check.h"
#include "tests/unit/role_stage.h"

/* A13 */
static void a_lone_node_waits_a_minute_for_its_peer_and_then_serves(void **state)
{
	(void)state;
	static const struct line story[] = {
		{1000, "keepalived", 0, "init fault"},
		{1500, "loaded", 0, "init fault +59500"},
		{60999, "", 0, "init fault +1"},
		{61000, "", 0, "standby (peer did not come)"},
		{61300, "address", 0, "taking-over (address) +10000 reign behind"},
		{61310, "durable", 0, "active (address)"},
	};
	PLAY(story);
}

static void a_lone_node_whose_own_last_reign_was_exposed_waits_a_second(void **state)
{
	(void)state;
	static const struct line story[] = {
		{1000, "keepalived loaded own exposed", 0, "init fault +1000"},
		{2000, "", 0, "standby (peer did not come)"},
		{2300, "address", 0, "taking-over (address) +10000 reign"},
		{2301, "durable", 0, "active (address)"},
	};
	PLAY(story);
}

static void an_operator_ends_the_wait(void **state)
{
	(void)state;
	static const struct line story[] = {
		{1000, "keepalived", ROLE_TAKEOVER, "init fault"},
		{2000, "loaded", 0, "standby (takeover asked for)"},
		{2001, "", ROLE_TAKEOVER, "standby refused"},
	};
	static const struct line beside_one_that_waits_too[] = {
		{1000, "loaded keepalived peer=standby behind", 0, "syncing (peer has more) fault"},
		{90000, "", ROLE_TAKEOVER, "standby (takeover asked for)"},
	};
	static const struct line beside_an_active[] = {
		{1000, "loaded keepalived peer=active behind", 0, "syncing (peer is active)"},
		{2000, "", ROLE_TAKEOVER, "syncing refused"},
	};
	PLAY(story);
	PLAY(beside_one_that_waits_too);
	PLAY(beside_an_active);
}

/* A17 */
static void two_empty_nodes_are_both_eligible_and_the_address_decides(void **state)
{
	(void)state;
	static const struct line story[] = {
		{1000, "loaded keepalived peer=init equal", 0, "standby (met the peer)"},
		{1300, "address peer=standby", 0, "taking-over (address) +10000 reign"},
		{1310, "durable", 0, "active (address)"},
	};
	PLAY(story);
}

/* A17: also an empty node, whose history is a prefix of any. */
static void the_node_with_less_waits_for_the_seed(void **state)
{
	(void)state;
	static const struct line story[] = {
		{1000, "loaded keepalived peer=init behind", 0, "syncing (peer has more) fault"},
		{1200, "address peer=standby", 0, "syncing fault"},
		{1300, "-address", 0, "syncing fault"},
		{9000, "peer=taking-over", 0, "syncing"},
		{9100, "peer=active holds", 0, "syncing"},
		{9500, "instep equal", 0, "standby (in step)"},
	};
	static const struct line the_other[] = {
		{1000, "loaded keepalived peer=init ahead", 0, "standby (met the peer)"},
	};
	static const struct line forked[] = {
		{1000, "loaded keepalived peer=standby forked peerwins", 0,
	         "syncing (peer has more) fault"},
		{1100, "-peerwins", 0, "standby (met the peer)"},
	};
	PLAY(story);
	PLAY(the_other);
	PLAY(forked);
}

/* A17: the wait ended alone, then the peer comes and has more, before anybody serves. */
static void a_peer_that_comes_late_with_more_goes_first(void **state)
{
	(void)state;
	static const struct line story[] = {
		{1000, "loaded keepalived", 0, "init fault +60000"},
		{61000, "", 0, "standby (peer did not come)"},
		{61100, "peer=standby behind", 0, "syncing (peer has more) fault"},
		{62000, "-peer", 0, "syncing fault +60000"},
		{122000, "", 0, "standby (peer lost)"},
	};
	PLAY(story);
}

/* A13, A14: nothing is active before its reign is durable. */
static void the_standby_takes_over_when_the_address_comes(void **state)
{
	(void)state;
	static const struct line story[] = {
		{1000, "loaded keepalived peer=active holds equal instep", 0, "standby (in step)"},
		{5000, "", 0, "standby"},
		{5050, "-peer", 0, "standby"},
		{5300, "address", 0, "taking-over (address) +10000 reign"},
		{5305, "", 0, "taking-over +9995"},
		{5310, "durable", 0, "active (address)"},
	};
	PLAY(story);
}

/* X13: what was damaged is the peer's to give back, however long that takes. */
static void a_node_that_lost_its_store_waits_for_its_peer_without_limit(void **state)
{
	static const struct line story[] = {
		{0, "loaded lost keepalived address", 0, "init fault"},
		{3600000, "", 0, "init fault"},
		{3600100, "peer=standby equal", 0, "init fault"}, /* as empty as we are */
		{3600200, "behind", 0, "syncing (peer has more) fault"},
		{3600300, "peer=active", 0, "syncing fault"},
		{3600400, "-peer", 0, "syncing fault"}, /* it died: it alone has all */
		{7200000, "", 0, "syncing fault"},
		{7200100, "peer=active instep -lost -address", 0, "standby (in step)"},
	};
	static const struct line asked[] = {
		{0, "loaded lost keepalived", 0, "init fault"},
		{900000, "", ROLE_TAKEOVER, "standby (takeover asked for)"},
	};

	PLAY(story);
	PLAY(asked);
	(void)state;
}

static void a_takeover_is_behind_when_the_last_word_was_not_paired(void **state)
{
	(void)state;
	static const struct line too_old[] = {
		{1000, "loaded keepalived peer=active holds equal instep", 0, "standby (in step)"},
		{1050, "-peer", 0, "standby"},
		{1601, "address", 0, "taking-over (address) +10000 reign behind"},
	};
	static const struct line withdrawn[] = {
		{1000, "loaded keepalived peer=active holds equal instep", 0, "standby (in step)"},
		{1100, "-instep", 0, "standby +1000"},
		{1150, "-peer", 0, "standby"},
		{1300, "address", 0, "taking-over (address) +10000 reign behind"},
	};
	PLAY(too_old);
	PLAY(withdrawn);
}

/* Service beats silence. */
static void a_standby_that_is_behind_still_takes_over(void **state)
{
	(void)state;
	static const struct line story[] = {
		{1000, "loaded keepalived peer=active holds behind", 0, "syncing (peer is active)"},
		{3000, "", 0, "syncing"},
		{3100, "-peer", 0, "syncing +200"},
		{3150, "address", 0, "taking-over (address) +10000 reign behind"},
	};
	static const struct line later[] = {
		{1000, "loaded keepalived peer=active holds behind", 0, "syncing (peer is active)"},
		{3000, "peer=stepping-down", 0, "syncing"},
		{3100, "-peer", 0, "syncing +200"},
		{3300, "", 0, "standby (peer lost)"},
	};
	static const struct line its_log_failed[] = {
		{1000, "loaded keepalived peer=active holds behind", 0, "syncing (peer is active)"},
		{3000, "peer=out-of-service -holds", 0, "syncing +200"},
		{3200, "", 0, "standby (peer lost)"},
	};
	PLAY(story);
	PLAY(later);
	PLAY(its_log_failed);
}

static void unless_it_is_told_not_to(void **state)
{
	(void)state;
	struct role_options careful = pair;
	static const struct line story[] = {
		{1000, "loaded keepalived peer=active holds behind", 0,
	         "syncing (peer is active) fault"},
		{3150, "-peer", 0, "syncing fault +60000"},
		{3200, "address", 0, "syncing fault +59950"},
	};

	careful.takeover_when_behind = false;
	play(&careful, story, ARRAY_LEN(story));
}

static void out_of_step_for_a_second_is_syncing(void **state)
{
	(void)state;
	static const struct line story[] = {
		{1000, "loaded keepalived peer=active holds equal instep", 0, "standby (in step)"},
		{2000, "-instep", 0, "standby +1000"},
		{2500, "instep", 0, "standby"},
		{3000, "-instep", 0, "standby +1000"},
		{4000, "", 0, "syncing (out of step)"},
		{4500, "instep", 0, "standby (in step)"},
	};
	PLAY(story);
}

/* When a node that found this at its start may have the address, if nothing else happens; -1: never. */
static int64_t eligible_after(const char *facts)
{
	struct stage s = {0};
	struct role_output out;
	struct mtime begin = {1000}, now = begin;

	role_init(&s.machine, &pair, now);
	set_facts(&s.facts, "loaded keepalived", now.ms);
	set_facts(&s.facts, facts, now.ms);
	for (int i = 0; i < 10; i++) {
		step(&s, ROLE_NO_REQUEST, now, &out);
		if (!out.fault)
			return now.ms - begin.ms;
		if (role_deadline(&s.machine).ms == MTIME_NEVER.ms)
			return -1;
		now = role_deadline(&s.machine);
	}
	fail_msg("%s: it never comes to rest", facts);
	return -1;
}

/* A17, A13: every order of a cold start, of one node and of both. */
static void who_may_serve_after_a_cold_start_and_when(void **state)
{
	static const struct {
		const char *name, *facts;
		int64_t after_ms;
	} rows[] = {
		{"alone, empty", "", 60000},
		{"alone, the other reigned last", "", 60000},
		{"alone, its own last reign, the pair in step", "own", 60000},
		{"alone, its own last reign, exposed", "own exposed", 1000},
		{"both, empty", "peer=init equal", 0},
		{"both, equal", "own peer=standby equal", 0},
		{"both, the longer history", "own peer=init ahead", 0},
		{"both, the other is empty", "peer=syncing ahead", 0},
		{"both, the shorter history", "peer=init behind", -1},
		{"both, empty beside one that is not", "peer=standby behind", -1},
		{"both, its own reign was exposed, and the other went on",
	         "own exposed peer=init behind", -1},
		{"both, forked, this side first", "own peer=init forked", 0},
		{"both, forked, the other side first", "own exposed peer=init forked peerwins", -1},
		{"beside an active", "peer=active holds behind", 0},
		{"beside one that takes over", "peer=taking-over holds behind", 0},
		{"the other's log failed", "peer=out-of-service ahead", 60000},
		{"the other's log failed, and ours was exposed",
	         "own exposed peer=out-of-service behind", 1000},
		{"no keepalived at the other", "peer=standby peerless behind", 60000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t after_ms = eligible_after(rows[i].facts);
		if (after_ms != rows[i].after_ms)
			fail_msg("%s: %d ms, not %d", rows[i].name, (int)after_ms,
			         (int)rows[i].after_ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lone_node_waits_a_minute_for_its_peer_and_then_serves),
		cmocka_unit_test(a_lone_node_whose_own_last_reign_was_exposed_waits_a_second),
		cmocka_unit_test(an_operator_ends_the_wait),
		cmocka_unit_test(two_empty_nodes_are_both_eligible_and_the_address_decides),
		cmocka_unit_test(the_node_with_less_waits_for_the_seed),
		cmocka_unit_test(a_peer_that_comes_late_with_more_goes_first),
		cmocka_unit_test(the_standby_takes_over_when_the_address_comes),
		cmocka_unit_test(a_node_that_lost_its_store_waits_for_its_peer_without_limit),
		cmocka_unit_test(a_takeover_is_behind_when_the_last_word_was_not_paired),
		cmocka_unit_test(a_standby_that_is_behind_still_takes_over),
		cmocka_unit_test(unless_it_is_told_not_to),
		cmocka_unit_test(out_of_step_for_a_second_is_syncing),
		cmocka_unit_test(who_may_serve_after_a_cold_start_and_when),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
