/* layer: core */
#include <stdlib.h>

#include "node/core/ring.h"
#include "proto/base/defs.h"
#include "tests/check.h"
#include "tests/heap.h"

static void push(struct ring *r, size_t size, uint8_t fill)
{
	uint8_t *p = ring_push(r, size);

	assert_non_null(p);
	assert_int_equal((uintptr_t)p % 16, 0);
	memset(p, fill, size);
}

static void assert_filled(const struct ring *r, uint64_t number, size_t size, uint8_t fill)
{
	struct slice s = ring_at(r, number);

	assert_int_equal(s.n, size);
	for (size_t i = 0; i < s.n; i++)
		assert_int_equal(s.p[i], fill);
}

static void blocks_are_numbered_densely_and_keep_their_bytes(void **state)
{
	(void)state;
	struct ring *r = ring_new(&heap, 256, 8);

	ring_restart(r, 40);
	push(r, 10, 1);
	push(r, 0, 2);
	push(r, 33, 3);
	assert_int_equal(ring_first(r), 40);
	assert_int_equal(ring_end(r), 43);
	assert_filled(r, 40, 10, 1);
	assert_filled(r, 41, 0, 2);
	assert_filled(r, 42, 33, 3);
	ring_free(&r, &heap);
	assert_null(r);
}

static void a_full_ring_refuses_and_takes_again_after_a_drop(void **state)
{
	(void)state;
	struct ring *r = ring_new(&heap, 64, 8);

	assert_false(ring_fits(r, 65));
	assert_true(ring_fits(r, 64));
	push(r, 32, 1);
	push(r, 32, 2);
	assert_false(ring_fits(r, 0));
	assert_null(ring_push(r, 1));
	ring_drop(r, 1);
	push(r, 17, 3); /* where the first was */
	assert_false(ring_fits(r, 1));
	assert_filled(r, 1, 32, 2);
	assert_filled(r, 2, 17, 3);
	ring_free(&r, &heap);
}

static void a_block_that_does_not_fit_before_the_end_goes_whole_to_the_start(void **state)
{
	(void)state;
	struct ring *r = ring_new(&heap, 96, 8);

	push(r, 48, 1);
	push(r, 32, 2);
	assert_false(ring_fits(r, 32));
	assert_true(ring_fits(r, 16));
	ring_drop(r, 1);
	push(r, 40, 3);
	assert_false(ring_fits(r, 1));
	assert_filled(r, 1, 32, 2);
	assert_filled(r, 2, 40, 3);
	ring_free(&r, &heap);
}

static void the_number_of_blocks_is_a_limit_too(void **state)
{
	(void)state;
	struct ring *r = ring_new(&heap, 1024, 4);

	for (uint8_t i = 0; i < 4; i++)
		push(r, 1, i);
	assert_false(ring_fits(r, 1));
	ring_drop(r, 2);
	assert_int_equal(ring_first(r), 2);
	push(r, 1, 4);
	assert_filled(r, 4, 1, 4);
	ring_free(&r, &heap);
}

static void dropping_and_starting_anew_empty_it(void **state)
{
	(void)state;
	struct ring *r = ring_new(&heap, 64, 4);

	push(r, 30, 1);
	push(r, 30, 1);
	ring_drop(r, 100); /* more than is there: all */
	assert_int_equal(ring_first(r), 2);
	assert_int_equal(ring_end(r), 2);
	push(r, 64, 2);
	ring_restart(r, 7);
	assert_int_equal(ring_first(r), 7);
	push(r, 64, 3);
	assert_filled(r, 7, 64, 3);
	ring_free(&r, &heap);
}

/* Many laps of blocks of odd sizes: none is overwritten while it is held. */
static void no_block_changes_while_it_is_held(void **state)
{
	(void)state;
	struct ring *r = ring_new(&heap, 1000, 16);
	size_t sizes[1024];
	uint32_t dice = 1;

	for (int i = 0; i < 100 * 1000; i++) {
		dice = dice * 1664525U + 1013904223U;
		size_t size = dice >> 16 & 255;
		uint64_t end = ring_end(r);
		if (ring_fits(r, size)) {
			sizes[end % ARRAY_LEN(sizes)] = size;
			push(r, size, (uint8_t)end);
		} else {
			ring_drop(r, ring_first(r) + 1);
		}
		for (uint64_t n = ring_first(r); n < ring_end(r); n++)
			assert_filled(r, n, sizes[n % ARRAY_LEN(sizes)], (uint8_t)n);
	}
	assert_true(ring_end(r) > 40000);
	ring_free(&r, &heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_numbered_densely_and_keep_their_bytes),
		cmocka_unit_test(a_full_ring_refuses_and_takes_again_after_a_drop),
		cmocka_unit_test(a_block_that_does_not_fit_before_the_end_goes_whole_to_the_start),
		cmocka_unit_test(the_number_of_blocks_is_a_limit_too),
		cmocka_unit_test(dropping_and_starting_anew_empty_it),
		cmocka_unit_test(no_block_changes_while_it_is_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
