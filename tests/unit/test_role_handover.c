/* layer: ha */
#include "tests/check.h"
#include "tests/unit/role_stage.h"

/* A15 */
static void nobody_takes_over_beside_a_live_active_that_has_the_address(void **state)
{
	(void)state;
	static const struct line story[] = {
		{1000, "loaded keepalived peer=active holds equal instep", 0, "standby (in step)"},
		{1990, "", 0, "standby"},
		{2000, "address silent", 0, "standby +190"},
		{2040, "", 0, "standby fault +10000"},
		{2060, "", 0, "standby fault +9980"},
		{12040, "-address", 0, "standby"}, /* a trial */
		{12400, "address", 0, "standby +200"},
		{12450, "", 0, "standby fault +20000"},
		{12900, "-peer", 0, "standby fault +200"},
		{13100, "", 0, "taking-over (address) +10000 reign behind"},
	};
	PLAY(story);
}

static void the_back_off_doubles_up_to_ten_minutes(void **state)
{
	(void)state;
	static const int64_t waits_ms[] = {10000,  20000,  40000,  80000,
	                                   160000, 320000, 600000, 600000};
	struct stage s = {0};
	struct role_output out;
	struct mtime now = {1000};

	role_init(&s.machine, &pair, now);
	set_facts(&s.facts, "loaded keepalived peer=active holds equal instep", now.ms);
	step(&s, ROLE_NO_REQUEST, now, &out);
	for (size_t i = 0; i < ARRAY_LEN(waits_ms); i++) {
		set_facts(&s.facts, "address", now.ms);
		step(&s, ROLE_NO_REQUEST, now, &out);
		now.ms += 50;
		set_facts(&s.facts, "", now.ms);
		step(&s, ROLE_NO_REQUEST, now, &out);
		assert_true(out.fault);
		assert_int_equal(role_deadline(&s.machine).ms - now.ms, waits_ms[i]);
		now = role_deadline(&s.machine);
		set_facts(&s.facts, "-address", now.ms);
		step(&s, ROLE_NO_REQUEST, now, &out);
		assert_false(out.fault);
	}
}

static void a_bar_ends_when_the_peer_no_longer_serves(void **state)
{
	(void)state;
	static const struct line it_left[] = {
		{1000, "loaded keepalived peer=active holds equal instep", 0, "standby (in step)"},
		{2000, "address", 0, "standby +200"},
		{2050, "", 0, "standby fault +10000"},
		{2100, "peer=stepping-down -address", 0, "standby"},
	};
	static const struct line link_lost[] = {
		{1000, "loaded keepalived peer=active holds equal instep", 0, "standby (in step)"},
		{2000, "address", 0, "standby +200"},
		{2050, "", 0, "standby fault +10000"},
		{2100, "-peer -address", 0, "standby fault +200"},
		{2300, "", 0, "standby"},
	};
	static const struct line takes_over_for_ever[] = {
		{1000, "loaded keepalived peer=active holds equal instep", 0, "standby (in step)"},
		{2000, "address", 0, "standby +200"},
		{2050, "", 0, "standby fault +10000"},
		{2100, "peer=taking-over -address", 0, "standby fault +1000"},
		{3100, "", 0, "standby"},
	};
	PLAY(it_left);
	PLAY(link_lost);
	PLAY(takes_over_for_ever);
}

/* X11: an advert that was lost, or a word that was wrong: nobody is faulted for longer than the address is here. Who
 * comes back at once is kept away, and who was calm begins anew. */
static void the_first_bar_ends_with_the_address(void **state)
{
	(void)state;
	static const struct line story[] = {
		{1000, "loaded keepalived peer=active holds equal instep", 0, "standby (in step)"},
		{2000, "address", 0, "standby +200"},
		{2050, "", 0, "standby fault +10000"},
		{2300, "-address", 0, "standby"},
		{2800, "address", 0, "standby +200"},
		{2850, "", 0, "standby fault +20000"},
		{2900, "-address", 0, "standby fault +19950"},
		{22850, "", 0, "standby"},
		{42900, "address", 0, "standby +200"},
		{42950, "", 0, "standby fault +10000"},
		{43000, "-address", 0, "standby"},
	};
	PLAY(story);
}

/* The address moved while the old active's newest heartbeat is from before: it says the truth next. */
static void a_heartbeat_from_before_the_move_bars_nobody(void **state)
{
	(void)state;
	static const struct line it_says_so[] = {
		{1000, "loaded keepalived peer=active holds equal instep", 0, "standby (in step)"},
		{1020, "address silent", 0, "standby +180"},
		{1030, "-holds", 0, "taking-over (address) +10000 reign"},
	};
	static const struct line it_is_silent[] = {
		{1000, "loaded keepalived peer=active holds equal instep", 0, "standby (in step)"},
		{1020, "address silent", 0, "standby +180"},
		{1200, "silent", 0, "taking-over (address) +10000 reign"},
	};
	PLAY(it_says_so);
	PLAY(it_is_silent);
}

#define ACTIVE                                                                       \
	{1000, "loaded keepalived peer=standby equal", 0, "standby (met the peer)"}, \
		{1100, "address", 0, "taking-over (address) +10000 reign"},          \
		{1110, "durable", 0, "active (address)"},                            \
	{                                                                            \
		2000, "instep", 0, "active"                                          \
	}

/* A16 */
static void a_switchover_drains_then_lets_the_address_go(void **state)
{
	(void)state;
	static const struct line story[] = {
		ACTIVE,
		{3000, "", ROLE_SWITCHOVER, "stepping-down (switchover) +1000"},
		{3005, "drained", 0, "stepping-down fault +5000"},
		{3020, "-address -instep", 0, "standby (switchover) fault +1000"},
		{3050, "peer=taking-over holds", 0, "standby fault +4970"},
		{3060, "peer=active", 0, "standby +1000"},
		{3300, "instep", 0, "standby"},
	};
	PLAY(story);
}

/* A16 */
static void a_switchover_that_cannot_be_lossless_is_refused(void **state)
{
	(void)state;
	static const struct line story[] = {
		ACTIVE,
		{3000, "-instep", ROLE_SWITCHOVER, "active refused"},
		{3001, "", ROLE_SWITCHOVER_FORCED, "stepping-down (switchover) +1000"},
		{5001, "", 0, "stepping-down fault +5000"},
	};
	static const struct line at_the_standby[] = {
		{1000, "loaded keepalived peer=active equal", 0, "syncing (peer is active)"},
		{1100, "instep", ROLE_SWITCHOVER, "standby (in step) refused"},
	};
	PLAY(story);
	PLAY(at_the_standby);
}

/* A16, X14: before the address is let go the old active goes on; after that it is back within moments. */
static void a_switchover_whose_standby_is_lost_is_given_up(void **state)
{
	(void)state;
	static const struct line while_draining[] = {
		ACTIVE,
		{3000, "", ROLE_SWITCHOVER, "stepping-down (switchover) +1000"},
		{3050, "-peer", 0, "active (switchover given up: standby lost)"},
		{3060, "-address", 0, "standby (address went)"},
	};
	static const struct line it_lags[] = {
		ACTIVE,
		{3000, "", ROLE_SWITCHOVER, "stepping-down (switchover) +1000"},
		{3999, "", 0, "stepping-down +1"},
		{4000, "", 0, "active (switchover given up: not drained in time)"},
	};
	static const struct line behind_the_address[] = {
		ACTIVE,
		{3000, "drained", ROLE_SWITCHOVER, "stepping-down (switchover) fault +5000"},
		{3010, "-peer own", 0, "stepping-down fault +4990"},
		{3020, "-address", 0, "standby (switchover) fault +190"},
		{3210, "", 0, "standby +810"},
		{3500, "address", 0, "taking-over (address) +10000 reign"},
		{3510, "durable", 0, "active (address)"},
	};
	static const struct line it_only_began_its_reign[] = {
		ACTIVE,
		{3000, "drained", ROLE_SWITCHOVER, "stepping-down (switchover) fault +5000"},
		{3020, "-address", 0, "standby (switchover) fault +1000"},
		{3040, "-peer", 0, "standby fault +200"},
		{3240, "", 0, "standby +780"},
		{3300, "peer=active holds", 0, "standby +1000"},
	};
	static const struct line one_that_must_end_does_not_go_on[] = {
		ACTIVE,
		{3000, "", ROLE_STOP, "stepping-down (stop) +1000"},
		{3050, "-peer", 0, "stepping-down +950"},
		{3060, "drained", 0, "stepping-down fault +5000"},
		{3070, "-address", 0, "stepping-down fault leave"},
	};
	PLAY(while_draining);
	PLAY(it_lags);
	PLAY(behind_the_address);
	PLAY(it_only_began_its_reign);
	PLAY(one_that_must_end_does_not_go_on);
}

/* A15: it cannot serve, and what it has cannot be waited for; nor can anything be handed over to it. */
static void a_peer_without_keepalived_is_waited_for_by_nobody(void **state)
{
	(void)state;
	static const struct line the_last_to_reign_loses_it[] = {
		{1000, "loaded keepalived peer=active holds behind", 0, "syncing (peer is active)"},
		{3000, "peer=stepping-down peerless", 0, "syncing +200"},
		{3010, "peer=standby -holds", 0, "syncing +190"},
		{3150, "address", 0, "taking-over (address) +10000 reign behind"},
	};
	static const struct line nobody_hurries[] = {
		{1000, "loaded keepalived peer=active holds behind", 0, "syncing (peer is active)"},
		{3000, "peer=standby -holds peerless", 0, "syncing +200"},
		{3200, "", 0, "standby (peer lost)"},
		{4000, "-peerless", 0, "syncing (peer has more) fault"}, /* it seeds, after all */
		{4300, "peer=active holds", 0, "syncing"},
	};
	static const struct line from_a_cold_start[] = {
		{1000, "loaded keepalived peer=standby behind peerless", 0, "init fault +60000"},
		{61000, "", 0, "standby (peer did not come)"},
	};
	static const struct line at_a_switchover[] = {
		ACTIVE,
		{3000, "peerless", ROLE_SWITCHOVER, "active refused"},
	};
	PLAY(the_last_to_reign_loses_it);
	PLAY(nobody_hurries);
	PLAY(from_a_cold_start);
	PLAY(at_a_switchover);
}

static void an_address_that_nobody_takes_is_taken_back_when_it_comes(void **state)
{
	(void)state;
	static const struct line story[] = {
		ACTIVE,
		{3000, "", ROLE_SWITCHOVER, "stepping-down (switchover) +1000"},
		{3005, "drained", 0, "stepping-down fault +5000"},
		{3020, "-address own", 0, "standby (switchover) fault +1000"},
		{4020, "", 0, "standby"},
		{4400, "address", 0, "taking-over (address) +10000 reign"},
	};
	static const struct line stuck_on_its_way[] = {
		ACTIVE,
		{3000, "", ROLE_SWITCHOVER, "stepping-down (switchover) +1000"},
		{3005, "drained -address", 0, "standby (switchover) fault +1000"},
		{3500, "peer=taking-over", 0, "standby fault +4505"},
		{8005, "", 0, "standby"},
	};
	PLAY(story);
	PLAY(stuck_on_its_way);
}

/* A16 */
static void a_stop_hands_over_and_then_leaves(void **state)
{
	(void)state;
	static const struct line active[] = {
		ACTIVE,
		{3000, "", ROLE_STOP, "stepping-down (stop) +1000"},
		{3005, "drained", 0, "stepping-down fault +5000"},
		{3020, "-address", 0, "stepping-down fault leave"},
	};
	static const struct line the_address_stays[] = {
		ACTIVE,
		{3000, "", ROLE_STOP, "stepping-down (stop) +1000"},
		{5000, "", 0, "stepping-down fault +5000"},
		{10000, "", 0, "stepping-down fault leave"},
	};
	static const struct line standby[] = {
		{1000, "loaded keepalived peer=active equal instep", 0, "standby (in step)"},
		{1100, "", ROLE_STOP, "standby fault leave"},
	};
	static const struct line while_starting[] = {{1000, "", ROLE_STOP, "init fault leave"}};
	static const struct line while_taking_over[] = {
		{1000, "loaded keepalived peer=standby equal", 0, "standby (met the peer)"},
		{1100, "address", 0, "taking-over (address) +10000 reign"},
		{1105, "", ROLE_STOP, "stepping-down (stop) fault +2000"},
		{1120, "-address", 0, "stepping-down fault leave"},
	};
	PLAY(active);
	PLAY(the_address_stays);
	PLAY(standby);
	PLAY(while_starting);
	PLAY(while_taking_over);
}

/* A15 */
static void without_keepalived_or_the_address_nobody_stays_active(void **state)
{
	(void)state;
	static const struct line keepalived_gone[] = {
		ACTIVE,
		{3000, "-keepalived", 0, "stepping-down (keepalived is gone) fault +2000"},
		{3010, "-address", 0, "standby (keepalived is gone)"},
		{3020, "address", 0, "standby"}, /* left behind, and nobody watches it */
	};
	static const struct line address_went[] = {
		ACTIVE,
		{3000, "-address", 0, "standby (address went)"},
	};
	static const struct line while_taking_over[] = {
		{1000, "loaded keepalived peer=standby equal", 0, "standby (met the peer)"},
		{1100, "address", 0, "taking-over (address) +10000 reign"},
		{1105, "-address", 0, "standby (address went)"},
	};
	PLAY(keepalived_gone);
	PLAY(address_went);
	PLAY(while_taking_over);
}

/* A14 */
static void of_two_actives_the_one_that_loses_steps_down(void **state)
{
	(void)state;
	static const struct line loser[] = {
		ACTIVE,
		{3000, "-peer", 0, "active"},
		{9000, "peer=active holds forked peerwins", 0,
	         "stepping-down (deposed) fault +2000"},
		{9020, "-address", 0, "standby (deposed) +1000"},
	};
	static const struct line winner[] = {
		ACTIVE,
		{9000, "peer=active holds forked", 0, "active"},
	};
	static const struct line a_silent_peer_deposes_nobody[] = {
		ACTIVE,
		{9000, "peer=active holds forked peerwins silent", 0, "active"},
	};
	static const struct line the_peer_reigned_while_it_hung[] = {
		ACTIVE,
		{9000, "peer=standby behind superseded", 0,
	         "stepping-down (peer reigned since) fault +2000"},
		{9020, "-address", 0, "standby (peer reigned since)"},
	};
	PLAY(loser);
	PLAY(the_peer_reigned_while_it_hung);
	PLAY(winner);
	PLAY(a_silent_peer_deposes_nobody);
}

static void a_failed_log_takes_the_node_out_for_good(void **state)
{
	(void)state;
	static const struct line story[] = {
		ACTIVE,
		{3000, "logfailed", 0, "out-of-service (log failed) fault"},
		{3010, "-address", 0, "out-of-service fault"},
		{9000, "-peer address", 0, "out-of-service fault"},
		{9001, "", ROLE_TAKEOVER, "out-of-service fault refused"},
		{9002, "", ROLE_STOP, "out-of-service fault leave"},
	};
	PLAY(story);
}

/* A disk that hangs: the other may have more luck. */
static void a_reign_that_does_not_become_durable_is_given_up(void **state)
{
	(void)state;
	static const struct line story[] = {
		{1000, "loaded keepalived peer=standby equal", 0, "standby (met the peer)"},
		{1100, "address", 0, "taking-over (address) +10000 reign"},
		{11100, "", 0, "stepping-down (the reign does not become durable) fault +2000"},
		{11200, "-address", 0, "standby (the reign does not become durable)"},
	};
	PLAY(story);
}

static void a_standalone_node_serves_once_it_is_loaded(void **state)
{
	(void)state;
	static const struct role_options alone = {.standalone = true, .advert_ms = 100};
	static const struct line story[] = {
		{1000, "", 0, "init fault"},
		{1100, "loaded", 0, "taking-over (standalone) +10000 reign"},
		{1110, "durable", 0, "active (standalone)"},
		{1200, "", ROLE_SWITCHOVER, "active refused"},
		{1300, "drained", ROLE_STOP, "stepping-down (stop) fault leave"},
	};
	play(&alone, story, ARRAY_LEN(story));
}

static uint32_t roll(uint32_t *dice, uint32_t n)
{
	*dice = *dice * 1664525U + 1013904223U;
	return (*dice >> 16) % n;
}

static void any_facts(struct role_facts *f, uint32_t *dice, struct mtime now)
{
	bool *flags[] = {&f->loaded,        &f->address_here, &f->keepalived_alive,
	                 &f->reign_durable, &f->drained,      &f->own_last_reign,
	                 &f->link_up,       &f->in_step,      &f->peer_holds_address,
	                 &f->peer_wins};

	*flags[roll(dice, ARRAY_LEN(flags))] = roll(dice, 3) != 0;
	f->log_failed = roll(dice, 5000) == 0;
	f->standing = (enum standing)roll(dice, 5);
	f->peer_role = (enum role)roll(dice, 9);
	if (f->link_up && roll(dice, 2) == 0)
		f->peer_heard = now;
	if (f->in_step)
		f->in_step_until = now;
}

static void check_rest(const struct stage *s, enum role before)
{
	enum role role = s->machine.role;

	if (role != ROLE_ACTIVE)
		return;
	assert_true(s->facts.address_here && s->facts.keepalived_alive);
	assert_true(before == ROLE_ACTIVE || s->facts.reign_durable);
}

/* A14, A15: whatever comes: at rest nobody asks for a time that is over; active is only who has the
 * address and a durable reign. */
static void no_order_of_facts_leaves_a_deadline_behind(void **state)
{
	(void)state;
	enum { STEPS = 400 * 1000 };
	struct stage s = {0};
	struct mtime now = {1000};
	uint32_t dice = 1;

	role_init(&s.machine, &pair, now);
	for (int i = 0; i < STEPS; i++) {
		struct role_output out;
		enum role_request asked =
			(enum role_request)(roll(&dice, 20) == 0 ? roll(&dice, 4) : 0);
		struct mtime due = role_deadline(&s.machine);
		any_facts(&s.facts, &dice, now);
		enum role before = s.machine.role;
		role_step(&s.machine, &s.facts, asked, now, &out);
		for (int cascade = 0; out.changed && cascade < 8; cascade++)
			role_step(&s.machine, &s.facts, ROLE_NO_REQUEST, now, &out);
		if (role_deadline(&s.machine).ms <= now.ms)
			fail_msg("step %d: %s waits for what is over", i, role_name(out.to));
		check_rest(&s, before);
		if (out.to == ROLE_OUT_OF_SERVICE)
			role_init(&s.machine, &pair, now);
		bool to_the_deadline = due.ms != MTIME_NEVER.ms && due.ms > now.ms;
		now.ms = to_the_deadline && roll(&dice, 4) == 0 ? due.ms
		                                                : now.ms + roll(&dice, 400);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_takes_over_beside_a_live_active_that_has_the_address),
		cmocka_unit_test(the_back_off_doubles_up_to_ten_minutes),
		cmocka_unit_test(a_bar_ends_when_the_peer_no_longer_serves),
		cmocka_unit_test(the_first_bar_ends_with_the_address),
		cmocka_unit_test(a_heartbeat_from_before_the_move_bars_nobody),
		cmocka_unit_test(a_switchover_drains_then_lets_the_address_go),
		cmocka_unit_test(a_switchover_that_cannot_be_lossless_is_refused),
		cmocka_unit_test(a_switchover_whose_standby_is_lost_is_given_up),
		cmocka_unit_test(a_peer_without_keepalived_is_waited_for_by_nobody),
		cmocka_unit_test(an_address_that_nobody_takes_is_taken_back_when_it_comes),
		cmocka_unit_test(a_stop_hands_over_and_then_leaves),
		cmocka_unit_test(without_keepalived_or_the_address_nobody_stays_active),
		cmocka_unit_test(of_two_actives_the_one_that_loses_steps_down),
		cmocka_unit_test(a_failed_log_takes_the_node_out_for_good),
		cmocka_unit_test(a_reign_that_does_not_become_durable_is_given_up),
		cmocka_unit_test(a_standalone_node_serves_once_it_is_loaded),
		cmocka_unit_test(no_order_of_facts_leaves_a_deadline_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
