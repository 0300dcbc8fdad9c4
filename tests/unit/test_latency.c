/* layer: core */
#include "node/core/latency.h"
#include "tests/check.h"

static struct mtime at(int64_t second)
{
	return (struct mtime){second * 1000};
}

static void nobody_was_answered_within_nothing(void **state)
{
	(void)state;
	struct latency l = {0};

	assert_int_equal(latency_within(&l, 50, at(0)), 0);
	assert_int_equal(latency_within(&l, 99, at(1000000)), 0);
}

static void what_is_told_is_never_less_and_at_most_an_eighth_more(void **state)
{
	(void)state;
	for (int64_t us = 0; us < INT64_C(33000000); us += us / 7 + 1) {
		struct latency l = {0};
		latency_add(&l, us, at(5));
		assert_in_range(latency_within(&l, 50, at(5)), us, us + us / 8);
	}
}

static void what_took_longer_than_any_bucket_is_told_as_the_longest(void **state)
{
	(void)state;
	struct latency l = {0};

	latency_add(&l, INT64_MAX, at(5));
	latency_add(&l, -1, at(5)); /* a clock that went back */
	assert_int_equal(latency_within(&l, 50, at(5)), 0);
	assert_in_range(latency_within(&l, 99, at(5)), 33 * 1000 * 1000, 34 * 1000 * 1000);
}

static void percentiles_are_of_those_that_came(void **state)
{
	(void)state;
	struct latency l = {0};

	for (int i = 0; i < 90; i++)
		latency_add(&l, 4, at(5));
	for (int i = 0; i < 9; i++)
		latency_add(&l, 1000, at(5));
	latency_add(&l, 1000000, at(5));
	assert_int_equal(latency_within(&l, 50, at(5)), 4);
	assert_int_equal(latency_within(&l, 90, at(5)), 4);
	assert_in_range(latency_within(&l, 95, at(5)), 1000, 1125);
	assert_in_range(latency_within(&l, 99, at(5)), 1000, 1125);
	assert_in_range(latency_within(&l, 100, at(5)), 1000000, 1125000);
}

static void a_minute_later_it_is_forgotten(void **state)
{
	(void)state;
	struct latency l = {0};

	latency_add(&l, 5, at(9));
	latency_add(&l, 7, at(59));
	assert_int_equal(latency_within(&l, 50, at(59)), 5);
	assert_int_equal(latency_within(&l, 50, at(60)), 7);
	assert_int_equal(latency_within(&l, 50, at(109)), 7);
	assert_int_equal(latency_within(&l, 50, at(110)), 0);
	latency_add(&l, 6, at(69)); /* the slot is taken anew */
	assert_int_equal(latency_within(&l, 50, at(69)), 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_was_answered_within_nothing),
		cmocka_unit_test(what_is_told_is_never_less_and_at_most_an_eighth_more),
		cmocka_unit_test(what_took_longer_than_any_bucket_is_told_as_the_longest),
		cmocka_unit_test(percentiles_are_of_those_that_came),
		cmocka_unit_test(a_minute_later_it_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
