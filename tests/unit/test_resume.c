/* layer: replication */
#include <stdlib.h>

#include "proto/base/defs.h"
#include "replication/resume.h"
#include "tests/check.h"

/* Reigns as letters, each with the seq of its first entry, then the last seq: "a1 b11 /20". */
struct parsed {
	struct reign_mark marks[8];
	struct history history;
};

static void parse(struct parsed *p, const char *text)
{
	size_t n = 0;

	while (*text != '/') {
		char *end;
		uint64_t first = strtoul(text + 1, &end, 10);
		p->marks[n] = (struct reign_mark){(uint64_t)(unsigned char)*text, n, 1, first, {1}};
		n++;
		text = end + 1;
		assert_true(n < ARRAY_LEN(p->marks));
	}
	p->history = (struct history){p->marks, n, strtoul(text + 1, NULL, 10)};
}

struct meeting {
	const char *what;
	const char *ours;
	uint64_t log_first;
	const char *theirs;
	uint64_t common;
	enum standing standing;
	enum resume_how how;
	uint64_t from_seq, fork_seq;
};

static const struct meeting meetings[] = {
	{"both empty", "/0", 0, "/0", 0, STANDING_EQUAL, RESUME_NOTHING, 1, 0},
	{"a new standby, and the log has all", "a1 /20", 1, "/0", 0, STANDING_AHEAD, RESUME_TAIL, 1,
         0},
	{"a new standby, and the log was trimmed", "a1 /20", 2, "/0", 0, STANDING_AHEAD,
         RESUME_SNAPSHOT, 0, 0},
	{"an empty node never seeds another: its entries are set aside whole", "/0", 0, "a1 /20", 0,
         STANDING_BEHIND, RESUME_FORK, 0, 0},
	{"in step", "a1 b11 /20", 5, "a1 b11 /20", 20, STANDING_EQUAL, RESUME_NOTHING, 21, 0},
	{"in step, and the log is empty", "a1 /20", 0, "a1 /20", 20, STANDING_EQUAL, RESUME_NOTHING,
         21, 0},
	{"missed one", "a1 b11 /20", 10, "a1 b11 /19", 19, STANDING_AHEAD, RESUME_TAIL, 20, 0},
	{"missed a reign that began meanwhile", "a1 b11 c15 /20", 10, "a1 b11 /14", 14,
         STANDING_AHEAD, RESUME_TAIL, 15, 0},
	{"missed as much as we keep", "a1 /20", 10, "a1 /9", 9, STANDING_AHEAD, RESUME_TAIL, 10, 0},
	{"missed one more than we keep", "a1 /20", 10, "a1 /8", 8, STANDING_AHEAD, RESUME_SNAPSHOT,
         0, 0},
	{"missed some, and the log is empty", "a1 /20", 0, "a1 /8", 8, STANDING_AHEAD,
         RESUME_SNAPSHOT, 0, 0},
	{"was active in a split", "a1 b11 /20", 5, "a1 c11 /15", 10, STANDING_FORKED, RESUME_FORK,
         0, 10},
	{"was active and went on in its reign", "a1 b11 /20", 5, "a1 /15", 10, STANDING_FORKED,
         RESUME_FORK, 0, 10},
	{"has entries of our own reign that we lost", "a1 b11 /15", 5, "a1 b11 /20", 15,
         STANDING_BEHIND, RESUME_FORK, 0, 15},
	{"equal numbers, other reigns", "a1 b11 /20", 5, "a1 c11 /20", 10, STANDING_FORKED,
         RESUME_FORK, 0, 10},
	{"two seeds", "a1 /20", 1, "b1 /20", 0, STANDING_FORKED, RESUME_FORK, 0, 0},
	{"the oldest reigns are known to one alone", "d40 e50 /60", 30, "a1 b11 c20 d40 /55", 49,
         STANDING_FORKED, RESUME_FORK, 0, 49},
	{"the oldest reigns are known to the other alone", "a1 b11 c20 d40 /60", 30, "d40 /55", 55,
         STANDING_AHEAD, RESUME_TAIL, 56, 0},
	{"so far behind that no reign is known to both", "d40 e50 /60", 30, "a1 b11 /15", 0,
         STANDING_FORKED, RESUME_FORK, 0, 0},
	{"a reign of one entry", "a1 b2 c3 /3", 1, "a1 b2 d3 /3", 2, STANDING_FORKED, RESUME_FORK,
         0, 2},
	{"the same number given to another place is another reign", "a1 b11 /20", 5, "a1 b12 /20",
         10, STANDING_FORKED, RESUME_FORK, 0, 10},
};

/* I3, A17 */
static void every_way_to_meet_has_one_way_to_go_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(meetings); i++) {
		const struct meeting *m = &meetings[i];
		struct parsed ours, theirs;
		parse(&ours, m->ours);
		parse(&theirs, m->theirs);
		struct resume r = resume_decide(&ours.history, m->log_first, &theirs.history);
		if (r.how != m->how || r.from_seq != m->from_seq || r.fork_seq != m->fork_seq)
			fail_msg("%s: %d from %d fork %d", m->what, (int)r.how, (int)r.from_seq,
			         (int)r.fork_seq);
		assert_int_equal(history_common(&ours.history, &theirs.history), m->common);
		assert_int_equal(history_common(&theirs.history, &ours.history), m->common);
		assert_int_equal(history_standing(&ours.history, &theirs.history), m->standing);
	}
}

static void standing_turns_round_with_the_point_of_view(void **state)
{
	(void)state;
	static const enum standing turned[] = {
		[STANDING_UNKNOWN] = STANDING_UNKNOWN, [STANDING_EQUAL] = STANDING_EQUAL,
		[STANDING_AHEAD] = STANDING_BEHIND,    [STANDING_BEHIND] = STANDING_AHEAD,
		[STANDING_FORKED] = STANDING_FORKED,
	};
	for (size_t i = 0; i < ARRAY_LEN(meetings); i++) {
		struct parsed ours, theirs;
		parse(&ours, meetings[i].ours);
		parse(&theirs, meetings[i].theirs);
		assert_int_equal(history_standing(&theirs.history, &ours.history),
		                 turned[meetings[i].standing]);
	}
}

static const struct reign_mark one_reign[] = {{7, 1, UNIT_PRIMARY, 1, {1}}};
static const struct reign_mark two_reigns[] = {{7, 1, UNIT_PRIMARY, 1, {1}},
                                               {8, 2, UNIT_SECONDARY, 5, {1}}};
static const struct reign_mark forked[] = {{7, 1, UNIT_PRIMARY, 1, {1}},
                                           {9, 3, UNIT_PRIMARY, 5, {1}}};
static const struct reign_mark upside_down[] = {{8, 2, UNIT_SECONDARY, 5, {1}},
                                                {7, 1, UNIT_PRIMARY, 1, {1}}};
static const struct reign_mark nameless[] = {{0, 1, UNIT_PRIMARY, 1, {1}}};

static struct hello primary(void)
{
	return (struct hello){.version_min = 1,
	                      .version_max = 2,
	                      .cluster_id = "a pair",
	                      .unit = UNIT_PRIMARY,
	                      .schema = 3,
	                      .history = one_reign,
	                      .n_history = 1,
	                      .received_seq = 4};
}

static struct hello secondary(void)
{
	struct hello h = primary();

	h.unit = UNIT_SECONDARY;
	h.history = two_reigns;
	h.n_history = 2;
	h.received_seq = 9;
	return h;
}

static enum refusal met(struct hello theirs)
{
	struct hello ours = primary();

	return hello_check(&ours, &theirs);
}

static void the_two_nodes_of_a_pair_work_together(void **state)
{
	(void)state;
	struct hello h = secondary();

	assert_int_equal(met(h), REFUSE_NONE);
	h.version_min = 2;
	h.version_max = 9;
	h.schema = 1;
	assert_int_equal(met(h), REFUSE_NONE);
	h.history = NULL;
	h.n_history = 0;
	h.received_seq = 0;
	assert_int_equal(met(h), REFUSE_NONE);
}

static void what_does_not_fit_is_refused_with_its_reason(void **state)
{
	(void)state;
	struct hello h = secondary();

	h.version_min = h.version_max = 3;
	assert_int_equal(met(h), REFUSE_VERSION);
	h.version_min = h.version_max = 0;
	assert_int_equal(met(h), REFUSE_VERSION);
	h = secondary();
	h.cluster_id[CLUSTER_ID_SIZE - 1] = 1;
	assert_int_equal(met(h), REFUSE_CLUSTER);
	h = secondary();
	h.unit = UNIT_PRIMARY;
	assert_int_equal(met(h), REFUSE_UNIT);
	h.unit = UNIT_STANDALONE;
	assert_int_equal(met(h), REFUSE_UNIT);
	h = secondary();
	h.schema = 4;
	assert_int_equal(met(h), REFUSE_SCHEMA);
	h = secondary();
	h.history = upside_down;
	assert_int_equal(met(h), REFUSE_HISTORY);
	h = secondary();
	h.history = nameless;
	h.n_history = 1;
	assert_int_equal(met(h), REFUSE_HISTORY);
	h = secondary();
	h.received_seq = 4; /* before its own newest reign */
	assert_int_equal(met(h), REFUSE_HISTORY);
}

/* A14, A17 */
static void one_order_decides_who_goes_on(void **state)
{
	(void)state;
	struct hello us = primary(), them = secondary();

	assert_true(peer_wins(&us, &them)); /* ours is a strict prefix */
	us.beat.holds_address = true;
	assert_false(peer_wins(&us, &them)); /* only we hold the address */
	them.beat.holds_address = true;
	assert_true(peer_wins(&us, &them)); /* both do: as if none did */
	us.history = forked;
	us.n_history = 2;
	us.received_seq = 5;
	assert_false(peer_wins(&us, &them)); /* forked: our epoch is higher, though shorter */
	us = primary();
	them = secondary();
	us.history = two_reigns;
	us.n_history = 2;
	us.received_seq = 9;
	assert_false(peer_wins(&us, &them)); /* equal: the primary */
	assert_true(peer_wins(&them, &us));
}

static uint32_t roll(uint32_t *dice, uint32_t n)
{
	*dice = *dice * 1664525U + 1013904223U;
	return (*dice >> 16) % n;
}

static struct hello any_hello(struct reign_mark marks[4], uint32_t *dice)
{
	struct hello h = {.history = marks,
	                  .n_history = roll(dice, 5),
	                  .received_seq = roll(dice, 6),
	                  .beat.holds_address = roll(dice, 4) == 0};

	for (size_t i = 0; i < h.n_history; i++)
		marks[i] = (struct reign_mark){
			.id = roll(dice, 4), .epoch = roll(dice, 3), .first_seq = roll(dice, 6)};
	return h;
}

/* A14: whatever two hellos say, and be it nonsense: never both go on, never none. */
static void exactly_one_of_two_units_wins(void **state)
{
	(void)state;
	enum { TRIES = 500 * 1000 };
	uint32_t dice = 4711;

	for (int i = 0; i < TRIES; i++) {
		struct reign_mark a_marks[4], b_marks[4];
		struct hello a = any_hello(a_marks, &dice), b = any_hello(b_marks, &dice);
		a.unit = (enum unit)roll(&dice, 5);
		b.unit = (enum unit)(((uint32_t)a.unit + 1 + roll(&dice, 4)) % 5);
		if (peer_wins(&a, &b) == peer_wins(&b, &a))
			fail_msg("try %d: both or none wins", i);
		struct history x = {a.history, a.n_history, a.received_seq};
		struct history y = {b.history, b.n_history, b.received_seq};
		uint64_t common = history_common(&x, &y);
		assert_int_equal(common, history_common(&y, &x));
		assert_true(common <= x.last_seq && common <= y.last_seq);
	}
}

/* A8: half a snapshot goes on in its reign, while the log reaches back to its begin. */
static void half_a_snapshot_goes_on_or_not(void **state)
{
	static const struct {
		const char *name;
		uint64_t half_reign, half_from, kept;
		bool goes_on;
	} rows[] = {
		{"nothing half", 0, 0, 1, false},
		{"ours", 7, 150, 100, true},
		{"ours, the log just reaches", 7, 150, 150, true},
		{"ours, the log is trimmed", 7, 150, 151, false},
		{"ours, nothing written since", 7, 201, 201, true},
		{"of another reign", 8, 150, 100, false},
		{"begun before our reign", 7, 120, 100, false},
		{"begun where we have not been", 7, 202, 100, false},
	};
	struct reign_mark ours = {.id = 7, .epoch = 3, .unit = UNIT_PRIMARY, .first_seq = 120};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct hello theirs = {.half_reign = rows[i].half_reign,
		                       .half_from = rows[i].half_from};
		if (resume_half(&theirs, &ours, rows[i].kept, 200) != rows[i].goes_on)
			fail_msg("%s", rows[i].name);
	}
	ours.id = 0;
	assert_false(resume_half(&(struct hello){.half_from = 150}, &ours, 100, 200));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_to_meet_has_one_way_to_go_on),
		cmocka_unit_test(standing_turns_round_with_the_point_of_view),
		cmocka_unit_test(the_two_nodes_of_a_pair_work_together),
		cmocka_unit_test(what_does_not_fit_is_refused_with_its_reason),
		cmocka_unit_test(one_order_decides_who_goes_on),
		cmocka_unit_test(exactly_one_of_two_units_wins),
		cmocka_unit_test(half_a_snapshot_goes_on_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
