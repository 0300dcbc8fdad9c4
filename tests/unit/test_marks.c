/* layer: core */
/* A set with numbers against a list that says the same. */
#include <string.h>

#include "node/core/marks.h"
#include "tests/check.h"
#include "tests/heap.h"

enum { NAMES = 600, STEPS = 200000 };

static uint64_t next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void it_holds_what_was_set_whatever_the_order(void **state)
{
	(void)state;
	struct marks *m = marks_new(&heap, NAMES);
	uint64_t value[NAMES] = {0};
	uint64_t x = 88172645463325252;
	size_t n = 0;

	for (int i = 0; i < STEPS; i++) {
		uint64_t r = next(&x);
		size_t at = r % NAMES;
		uint64_t to = (r >> 32) % 3; /* one in three takes it out */
		/* Few low bits: long runs, and names that wrap round the end. */
		marks_set(m, at * 61, to);
		n = n + (to != 0) - (value[at] != 0);
		value[at] = to;
		if (i % 50000 == 49999) {
			marks_clear(m);
			memset(value, 0, sizeof value);
			n = 0;
		}
		assert_int_equal(marks_count(m), n);
		at = (r >> 16) % NAMES;
		assert_int_equal(marks_get(m, at * 61), value[at]);
	}
	marks_free(&m);
	assert_null(m);
}

static void what_does_not_fit_is_not_kept(void **state)
{
	(void)state;
	struct marks *m = marks_new(&heap, 100);

	for (uint64_t i = 1; i <= 200; i++)
		marks_set(m, i << 7, i);
	assert_int_equal(marks_count(m), 100);
	assert_int_equal(marks_get(m, UINT64_C(100) << 7), 100);
	assert_int_equal(marks_get(m, UINT64_C(101) << 7), 0);
	marks_set(m, UINT64_C(100) << 7, 7); /* what is there may change */
	assert_int_equal(marks_get(m, UINT64_C(100) << 7), 7);
	marks_set(m, UINT64_C(1) << 7, 0);
	marks_set(m, UINT64_C(101) << 7, 8);
	assert_int_equal(marks_get(m, UINT64_C(101) << 7), 8);
	marks_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_holds_what_was_set_whatever_the_order),
		cmocka_unit_test(what_does_not_fit_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
