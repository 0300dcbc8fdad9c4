/* layer: core */
/* What time does to a stored AOR: expiry, tombstones, an operator's removal. */
#include "tests/unit/serve_ask.h"

#define A   "<sip:alice@192.0.2.7:5062>"
#define B   "<sip:alice@192.0.2.8>"
#define AOR "sip:alice@open.example"

#define S_MS    INT64_C(1000)
#define HOLD_MS (32 * S_MS + KIT_HOUR_MS)

static struct slice stored(struct kit *k)
{
	const struct copy_item *item = copy_get(k->copy, TABLE_AOR, SLICE(AOR));

	return item != NULL ? item->value : (struct slice){NULL, 0};
}

struct outcome {
	bool changed;
	struct pairtime deadline;
	size_t expired;
};

static struct aor_expiry expiry(const struct kit *k, bool keep)
{
	return (struct aor_expiry){.now = k->in.pair,
	                           .nonce_lifetime_ms = KIT_HOUR_MS,
	                           .keep_tombstones = keep,
	                           .epoch = 4,
	                           .unit = UNIT_SECONDARY};
}

/* Expires the stored record and stores what came of it. */
static struct outcome expire(struct kit *k, bool keep)
{
	const struct aor_expiry e = expiry(k, keep);
	struct outcome o;
	struct slice value;

	arena_reset(&k->arena);
	struct aor_ended ended;
	o.changed = aor_expire(&e, stored(k), &k->arena, &value, &o.deadline, &ended);
	o.expired = ended.bindings;
	if (o.changed)
		copy_put(k->copy, TABLE_AOR, SLICE(AOR), value, ++k->seq, o.deadline);
	return o;
}

static struct pairtime deadline_of(struct kit *k)
{
	arena_reset(&k->arena);
	return aor_deadline(stored(k), KIT_HOUR_MS, &k->arena);
}

/* R36, A7 */
static void a_binding_ends_at_its_time_and_leaves_a_tombstone(void **state)
{
	(void)state;
	struct kit *k = kit_new();
	const struct aor_record *r;

	(void)kit_register(k,
	                   &(struct reg){.cseq = 1, .contact = A ";expires=60, " B ";expires=90"});
	assert_int_equal(k->out.deadline.ms, KIT_START_MS + 60 * S_MS);
	assert_int_equal(deadline_of(k).ms, KIT_START_MS + 60 * S_MS);
	kit_pass(k, 59999);
	struct outcome o = expire(k, false);
	assert_false(o.changed);
	assert_int_equal(o.deadline.ms, KIT_START_MS + 60 * S_MS);

	kit_pass(k, 1);
	o = expire(k, false);
	assert_true(o.changed);
	assert_int_equal(o.expired, 1);
	assert_int_equal(o.deadline.ms, KIT_START_MS + 90 * S_MS);
	r = kit_record(k, AOR);
	assert_int_equal(r->n_bindings, 1);
	assert_int_equal(r->tombstones[0].cause, CAUSE_EXPIRED);
	assert_int_equal(r->tombstones[0].epoch, 4);
	assert_int_equal(r->tombstones[0].unit, UNIT_SECONDARY);
	assert_false(expire(k, false).changed);

	/* a late duplicate of what expired brings nothing back */
	assert_string_equal(kit_register(k, &(struct reg){.cseq = 1, .to_tag = "x", .contact = A}),
	                    "400");
	kit_free(k);
}

static void tombstones_end_and_then_the_record(void **state)
{
	(void)state;
	struct kit *k = kit_new();

	(void)kit_register(k, &(struct reg){.contact = A});
	(void)kit_register(k, &(struct reg){.cseq = 2, .contact = A ";expires=0"});
	assert_int_equal(k->out.deadline.ms, KIT_START_MS + HOLD_MS);
	kit_pass(k, 1000);
	(void)kit_register(k, &(struct reg){.cseq = 3, .contact = "*", .expires = "0"});
	kit_pass(k, HOLD_MS - 1000);
	struct outcome o = expire(k, false);
	assert_true(o.changed);
	assert_int_equal(o.expired, 0);
	assert_int_equal(o.deadline.ms, KIT_START_MS + 1000 + HOLD_MS); /* the floor's */
	assert_true(stored(k).n > 0);
	kit_pass(k, 1000);
	o = expire(k, false);
	assert_true(o.changed);
	assert_int_equal(stored(k).n, 0);
	assert_int_equal(o.deadline.ms, INT64_MAX);
	kit_free(k);
}

/* While the pair is not paired a merge may still need them: seven days at most. */
static void tombstones_stay_while_the_pair_is_not_paired(void **state)
{
	(void)state;
	struct kit *k = kit_new();

	(void)kit_register(k, &(struct reg){.contact = A ";expires=0"});
	kit_pass(k, HOLD_MS);
	struct outcome o = expire(k, true);
	assert_false(o.changed);
	assert_true(o.deadline.ms > k->in.pair.ms);
	assert_true(o.deadline.ms <= k->in.pair.ms + 60 * S_MS);
	kit_pass(k, S_MS * 86400 * 7);
	o = expire(k, true);
	assert_true(o.changed);
	assert_int_equal(stored(k).n, 0);
	kit_free(k);
}

static void an_operator_removes_every_binding_of_an_aor(void **state)
{
	(void)state;
	struct kit *k = kit_new();
	const struct aor_record *r;
	struct slice value;
	struct pairtime deadline;

	(void)kit_register(k, &(struct reg){.cseq = 5, .contact = A ", " B});
	struct aor_expiry e = expiry(k, false);
	arena_reset(&k->arena);
	assert_true(aor_remove(&e, stored(k), &k->arena, &value, &deadline));
	assert_int_equal(deadline.ms, KIT_START_MS + HOLD_MS);
	copy_put(k->copy, TABLE_AOR, SLICE(AOR), value, ++k->seq, deadline);
	r = kit_record(k, AOR);
	assert_int_equal(r->n_bindings, 0);
	assert_int_equal(r->n_tombstones, 2);
	assert_int_equal(r->tombstones[0].cause, CAUSE_OPERATOR);
	assert_true(r->floor.set);
	assert_int_equal(r->floor.stamped.ms, KIT_START_MS);

	/* the phone's next refresh is welcome, an older one is not */
	assert_string_equal(kit_register(k, &(struct reg){.cseq = 4, .contact = A}), "400");
	assert_string_equal(kit_register(k, &(struct reg){.cseq = 6, .contact = A}),
	                    "200 " A ";expires=3600");
	kit_free(k);
}

static void bytes_that_cannot_be_read_have_no_time(void **state)
{
	(void)state;
	struct kit *k = kit_new();
	const struct aor_expiry e = expiry(k, false);
	struct slice value;
	struct pairtime deadline;
	struct aor_ended ended;

	assert_int_equal(aor_deadline(SLICE("\377\377"), KIT_HOUR_MS, &k->arena).ms, INT64_MAX);
	assert_false(aor_expire(&e, SLICE("\377\377"), &k->arena, &value, &deadline, &ended));
	assert_int_equal(deadline.ms, INT64_MAX);
	assert_false(aor_remove(&e, SLICE("\377\377"), &k->arena, &value, &deadline));
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_binding_ends_at_its_time_and_leaves_a_tombstone),
		cmocka_unit_test(tombstones_end_and_then_the_record),
		cmocka_unit_test(tombstones_stay_while_the_pair_is_not_paired),
		cmocka_unit_test(an_operator_removes_every_binding_of_an_aor),
		cmocka_unit_test(bytes_that_cannot_be_read_have_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
