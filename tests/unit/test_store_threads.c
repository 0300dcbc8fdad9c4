/* layer: store */
#include <pthread.h>
#include <stdatomic.h>

#include "tests/unit/store_story.h"

/* The three threads of a node, beside each other: what they share is the store and one number. */
enum { ROUNDS = 150, PER_ROUND = 40, KEYS = 500, KEPT = 1000 };

struct shared {
	struct store *store;
	_Atomic uint64_t durable;
	_Atomic int failures;
};

static void expect(struct shared *s, bool good)
{
	if (!good)
		atomic_fetch_add(&s->failures, 1);
}

static void *log_thread(void *context)
{
	struct shared *s = context;

	for (uint64_t round = 0; round < ROUNDS; round++) {
		uint64_t first = 1 + round * PER_ROUND;
		expect(s, commit_bulk(s->store, (struct bulk){first, PER_ROUND, 200, KEYS}) == OK);
		atomic_store(&s->durable, first + PER_ROUND - 1);
	}
	return NULL;
}

static void *checkpoint_thread(void *context)
{
	struct shared *s = context;
	uint64_t done = 0;

	while (done < (uint64_t)ROUNDS * PER_ROUND && atomic_load(&s->failures) == 0) {
		uint64_t records = 0;
		done = atomic_load(&s->durable);
		expect(s, store_checkpoint(s->store, done, &records) == OK);
		expect(s, log_trim(s->store, done > KEPT ? done - KEPT : 0) == OK);
	}
	return NULL;
}

static bool tally(void *context, enum table table, struct slice key, struct slice value)
{
	uint64_t *records = context;

	(void)key;
	++*records;
	return table == TABLE_AOR && value.n == 200;
}

/* What the loop does: it sees only what is durable, and one moment of it at a time. */
static void loop_turn(struct shared *s, struct buf *to)
{
	struct store_meta m;
	uint64_t records = 0;
	uint64_t durable = atomic_load(&s->durable);

	expect(s, store_meta(s->store, &m) == OK);
	expect(s, m.log_last >= durable);
	expect(s, m.base.seq <= m.applied.seq && m.applied.seq <= m.log_last);
	if (durable > 0) {
		struct block b;
		expect(s, log_read(s->store, durable, to) == OK);
		expect(s, block_open(buf_slice(to), &b) == OK);
		expect(s, durable >= b.first_seq && durable < b.first_seq + b.count);
	}
	expect(s, state_read(s->store, tally, &records) == OK);
	expect(s, records <= KEYS);
}

static void the_three_threads_do_not_disturb_each_other(void **state)
{
	struct fixture *f = *state;
	struct shared s = {.durable = 0};
	uint8_t *room = malloc(BLOCK_MAX);
	struct buf to = buf_on(room, BLOCK_MAX);
	pthread_t committing;
	pthread_t checkpointing;

	opens(f);
	s.store = f->store;
	assert_int_equal(pthread_create(&committing, NULL, log_thread, &s), 0);
	assert_int_equal(pthread_create(&checkpointing, NULL, checkpoint_thread, &s), 0);
	while (atomic_load(&s.durable) < (uint64_t)ROUNDS * PER_ROUND &&
	       atomic_load(&s.failures) == 0)
		loop_turn(&s, &to);
	assert_int_equal(pthread_join(committing, NULL), 0);
	assert_int_equal(pthread_join(checkpointing, NULL), 0);
	assert_int_equal(atomic_load(&s.failures), 0);
	loop_turn(&s, &to);
	assert_int_equal(atomic_load(&s.failures), 0);
	assert_int_equal(meta_of(f).applied.seq, ROUNDS * PER_ROUND);
	assert_true(meta_of(f).base.seq > 0);
	free(room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(the_three_threads_do_not_disturb_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
