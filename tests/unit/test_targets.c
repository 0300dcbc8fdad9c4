/* layer: core */
/* Which of the places where a peer can be reached is used, and when the DNS is asked anew. */
#include "node/core/targets.h"
#include "tests/unit/addr_of.h"
#include "tests/unit/zone_text.h"

#define S      INT64_C(1000)
#define MINUTE (60 * S)
#define REST   ((int64_t)TARGET_REST_MS)

static struct mtime time_at(int64_t ms)
{
	return (struct mtime){ms + 1000000};
}

static void look(struct targets *t, const struct zone *z, int64_t now_ms)
{
	static const struct target_goal goal = {
		.host = {SLICE_OF("p.example")}, .transport = TRANSPORT_UDP, .family = ADDR_IPV4};
	struct zone_line keep[ZONE_LINES_MAX];
	struct dns_answer a;
	struct dns_question q;

	targets_begin(t, &goal, 7, time_at(now_ms));
	while (targets_asks(t, &q)) {
		assert_false(targets_stale(t, time_at(now_ms))); /* one lookup at a time */
		zone_answer(z, &q, keep, &a);
		targets_take(t, &a, time_at(now_ms));
	}
}

/* The port of the current target; 0: none. Targets of these tests differ by it. */
static int current(const struct targets *t, int64_t now_ms)
{
	const struct target *c = targets_current(t, time_at(now_ms));

	return c == NULL ? 0 : c->addr.port;
}

static bool fails(struct targets *t, int64_t retry_after_ms, int64_t now_ms)
{
	struct target which = *targets_current(t, time_at(now_ms));

	return targets_failed(t, &which, retry_after_ms, time_at(now_ms));
}

static const struct zone two = {{"60 SRV _sip._udp.p.example 1 1 1 a.example",
                                 "60 SRV _sip._udp.p.example 2 1 2 a.example",
                                 "60 A a.example 192.0.2.1"}};
static const struct zone only_second = {
	{"60 SRV _sip._udp.p.example 2 1 2 a.example", "60 A a.example 192.0.2.1"}};
static const struct zone dead = {{"0 FAIL _sip._udp.p.example"}};
static const struct zone empty = {{0}};

/* C35, F7, F8 */
static void the_next_is_used_and_stays_until_the_first_has_rested(void **state)
{
	(void)state;
	struct targets t = {0};

	look(&t, &two, 0);
	assert_int_equal(current(&t, 0), 1);
	assert_true(fails(&t, 0, 0));
	assert_int_equal(current(&t, 0), 2);
	look(&t, &two, 61 * S); /* a refresh: the same answer does not move it */
	assert_int_equal(current(&t, 61 * S), 2);
	assert_int_equal(current(&t, REST - 1), 2);
	assert_int_equal(current(&t, REST), 1); /* back */
	assert_true(fails(&t, 0, REST));        /* still dead: it rests twice as long */
	assert_int_equal(current(&t, 3 * REST - 1), 2);
	assert_int_equal(current(&t, 3 * REST), 1);
	struct target first = *targets_current(&t, time_at(3 * REST));
	targets_worked(&t, &first);
	assert_true(fails(&t, 0, 3 * REST)); /* it had worked: counted from the start */
	assert_int_equal(current(&t, 4 * REST - 1), 2);
	assert_int_equal(current(&t, 4 * REST), 1);
}

static void a_rest_has_an_end(void **state)
{
	(void)state;
	struct targets t = {0};
	int64_t now = 0;

	look(&t, &two, 0);
	for (int i = 0; i < 300; i++) {
		assert_true(fails(&t, 0, now));
		now += TARGET_REST_MAX_MS;
		assert_int_equal(current(&t, now), 1);
	}
}

/* F7, F9 */
static void a_round_ends_and_the_next_begins_at_the_first(void **state)
{
	(void)state;
	struct targets t = {0};

	look(&t, &two, 0);
	assert_true(fails(&t, 0, 1 * S));
	assert_false(targets_stale(&t, time_at(6 * S)));
	assert_false(fails(&t, 0, 2 * S));
	assert_int_equal(current(&t, 2 * S), 1);
	assert_false(targets_stale(&t, time_at(5 * S - 1))); /* not asked more often than that */
	assert_true(targets_stale(&t, time_at(5 * S)));
	assert_null(targets_why(&t));
}

/* C16 */
static void one_that_said_when_is_not_asked_before(void **state)
{
	(void)state;
	struct targets t = {0};

	look(&t, &two, 0);
	assert_int_equal(targets_ready(&t).ms, 0);
	assert_true(fails(&t, 20 * S, 0));
	assert_false(fails(&t, 0, 1 * S)); /* the other one has no word on it: again at once */
	assert_int_equal(current(&t, 1 * S), 2);
	assert_false(fails(&t, 10 * S, 1 * S));
	assert_int_equal(current(&t, 1 * S), 0);
	assert_int_equal(targets_ready(&t).ms, time_at(11 * S).ms);
	assert_int_equal(current(&t, 11 * S), 2);
	assert_int_equal(current(&t, 20 * S), 1);
}

/* C36 */
static void another_answer_moves_it(void **state)
{
	(void)state;
	struct targets t = {0};
	struct target gone;

	look(&t, &only_second, 0);
	assert_int_equal(current(&t, 0), 2);
	assert_false(targets_stale(&t, time_at(60 * S - 1)));
	assert_true(targets_stale(&t, time_at(60 * S)));
	look(&t, &two, 60 * S); /* a better one has come */
	assert_int_equal(current(&t, 60 * S), 1);
	gone = *targets_current(&t, time_at(60 * S));
	look(&t, &only_second, 120 * S); /* and has gone */
	assert_int_equal(current(&t, 120 * S), 2);
	assert_true(targets_failed(&t, &gone, 0, time_at(121 * S))); /* a late word about it */
	targets_worked(&t, &gone);
	assert_int_equal(current(&t, 121 * S), 2);
}

/* F8 */
static void of_equals_the_one_in_use_stays_whatever_the_order_of_the_answer(void **state)
{
	(void)state;
	static const struct zone z = {{"60 SRV _sip._udp.p.example 1 0 1 a.example",
	                               "60 SRV _sip._udp.p.example 1 0 2 a.example",
	                               "60 SRV _sip._udp.p.example 1 0 3 a.example",
	                               "60 A a.example 192.0.2.1"}};
	static const struct target_goal goal = {
		.host = {SLICE_OF("p.example")}, .transport = TRANSPORT_UDP, .family = ADDR_IPV4};
	struct zone_line keep[ZONE_LINES_MAX];
	struct targets t = {0};
	struct dns_answer a;
	struct dns_question q;

	look(&t, &z, 0);
	int used = current(&t, 0);
	for (uint64_t random = 0; random < 50; random++) {
		targets_begin(&t, &goal, random, time_at(0));
		while (targets_asks(&t, &q)) {
			zone_answer(&z, &q, keep, &a);
			targets_take(&t, &a, time_at(0));
		}
		assert_int_equal(t.n, 3);
		assert_int_equal(current(&t, 0), used);
	}
}

/* F8, F9, C46 */
static void what_the_other_node_used_stays_in_use(void **state)
{
	(void)state;
	struct target used = {.addr = addr_of("192.0.2.1"), .transport = TRANSPORT_UDP};
	struct targets t = {0};

	used.addr.port = 2;
	targets_take_over(&t, &used);
	assert_true(targets_stale(&t, time_at(0))); /* it is asked all the same */
	look(&t, &dead, 0);
	assert_int_equal(current(&t, 0), 2); /* and serves while the DNS fails */
	assert_non_null(strstr(targets_why(&t), "what it said last is used"));
	look(&t, &two, 0);
	assert_int_equal(current(&t, 0), 2);
	t = (struct targets){0};
	targets_take_over(&t, &used);
	look(&t, &two, 0);
	assert_int_equal(current(&t, REST - 1), 2); /* the first failed over there */
	assert_int_equal(current(&t, REST), 1);
	targets_take_over(&t, &used); /* too late: it is known better */
	assert_int_equal(current(&t, REST), 1);
	t = (struct targets){0};
	used.addr.port = 9;
	targets_take_over(&t, &used);
	look(&t, &two, 0); /* the DNS does not name it any more */
	assert_int_equal(current(&t, 0), 1);
	t = (struct targets){0};
	used.addr.family = ADDR_NONE;
	targets_take_over(&t, &used);
	assert_int_equal(current(&t, 0), 0);
}

/* F9, C37 */
static void while_the_dns_fails_its_last_answer_is_used(void **state)
{
	(void)state;
	static const int64_t pauses[] = {5, 10, 20, 40, 60, 60};
	static const struct zone part = {{"60 SRV _sip._udp.p.example 1 1 1 b.example",
	                                  "60 SRV _sip._udp.p.example 2 1 2 a.example",
	                                  "0 FAIL b.example", "60 A a.example 192.0.2.1"}};
	struct targets t = {0};
	int64_t now = 0;

	look(&t, &two, now);
	for (size_t i = 0; i < ARRAY_LEN(pauses); i++) {
		look(&t, &dead, now);
		assert_int_equal(current(&t, now), 1);
		assert_non_null(strstr(targets_why(&t), "what it said last is used"));
		assert_false(targets_stale(&t, time_at(now + pauses[i] * S - 1)));
		now += pauses[i] * S;
		assert_true(targets_stale(&t, time_at(now)));
	}
	look(&t, &part, now);
	assert_int_equal(current(&t, now), 1); /* half an answer is not better than the last one */
	look(&t, &two, now);
	assert_null(targets_why(&t));
	look(&t, &dead, now);
	assert_true(targets_stale(&t, time_at(now + 5 * S))); /* counted anew */
}

/* C37 */
static void a_name_without_address_has_no_target_and_says_why(void **state)
{
	(void)state;
	static const struct zone part = {{"60 SRV _sip._udp.p.example 1 1 1 b.example",
	                                  "60 SRV _sip._udp.p.example 2 1 2 a.example",
	                                  "0 FAIL b.example", "60 A a.example 192.0.2.1"}};
	struct targets t = {0};

	assert_true(targets_stale(&t, time_at(0)));
	assert_null(targets_why(&t));
	assert_int_equal(targets_ready(&t).ms, MTIME_NEVER.ms);
	look(&t, &dead, 0);
	assert_string_equal(targets_why(&t), "the DNS does not answer");
	assert_int_equal(current(&t, 0), 0);
	look(&t, &part, 0); /* half an answer is better than none */
	assert_int_equal(current(&t, 0), 2);
	look(&t, &empty, 0); /* it is an answer: the name is gone */
	assert_int_equal(current(&t, 0), 0);
	assert_string_equal(targets_why(&t), "the DNS has no address for it");
	assert_false(targets_stale(&t, time_at(5 * S)));
	assert_true(targets_stale(&t, time_at(20 * S)));
}

static void lifetimes_are_taken_within_bounds(void **state)
{
	(void)state;
	static const struct zone hasty = {{"0 A p.example 192.0.2.1"}};
	static const struct zone lasting = {{"86400 A p.example 192.0.2.1"}};
	static const struct target_goal address = {.host = {SLICE_OF("192.0.2.1")}};
	struct targets t = {0};

	look(&t, &hasty, 0);
	assert_false(targets_stale(&t, time_at(5 * S - 1)));
	assert_true(targets_stale(&t, time_at(5 * S)));
	look(&t, &lasting, 0);
	assert_false(targets_stale(&t, time_at(60 * MINUTE - 1)));
	assert_true(targets_stale(&t, time_at(60 * MINUTE)));
	targets_begin(&t, &address, 1, time_at(0)); /* F1 */
	assert_false(targets_stale(&t, (struct mtime){INT64_MAX - 1}));
	assert_int_equal(current(&t, 0), 5060);
	assert_false(fails(&t, 0, 0)); /* the only one: the round is over */
	assert_int_equal(current(&t, 0), 5060);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_next_is_used_and_stays_until_the_first_has_rested),
		cmocka_unit_test(a_rest_has_an_end),
		cmocka_unit_test(a_round_ends_and_the_next_begins_at_the_first),
		cmocka_unit_test(one_that_said_when_is_not_asked_before),
		cmocka_unit_test(another_answer_moves_it),
		cmocka_unit_test(of_equals_the_one_in_use_stays_whatever_the_order_of_the_answer),
		cmocka_unit_test(what_the_other_node_used_stays_in_use),
		cmocka_unit_test(while_the_dns_fails_its_last_answer_is_used),
		cmocka_unit_test(a_name_without_address_has_no_target_and_says_why),
		cmocka_unit_test(lifetimes_are_taken_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
