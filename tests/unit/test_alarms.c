/* layer: core */
#include <stdio.h>
#include <string.h>

#include "node/core/alarms.h"
#include "tests/check.h"

/* A pair that is well, seen from its active node. */
static struct status well(void)
{
	return (struct status){.unit = "primary",
	                       .role = "active",
	                       .pair_state = "paired",
	                       .peer_link = true,
	                       .keepalived_alive = true,
	                       .certificate_days = 1000};
}

static size_t row_of(const char *name)
{
	for (size_t i = 0; i < alarm_count(); i++)
		if (strcmp(alarm_rows()[i].name, name) == 0)
			return i;
	fail_msg("there is no alarm %s", name);
	return 0;
}

/* What changes at that second, as "lag+ exposed-". */
static void expect(struct alarms *a, const struct status *s, int64_t second, const char *changes)
{
	struct alarm_times t = {{second * 1000}, 5000000 + second * 1000};
	size_t changed[ALARMS_MAX];
	char text[512] = "";
	size_t n = alarms_step(a, s, t, changed), at = 0;

	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, sizeof text - at, "%s%s%s", i > 0 ? " " : "",
		                       alarm_rows()[changed[i]].name,
		                       a->at[changed[i]].raised ? "+" : "-");
	assert_string_equal(text, changes);
}

static void a_pair_that_is_well_raises_nothing(void **state)
{
	(void)state;
	struct alarms a = {0};
	struct status s = well();

	expect(&a, &s, 0, "");
	expect(&a, &s, 100000, "");
}

static void a_flap_of_the_link_is_no_alarm_and_its_loss_is(void **state)
{
	(void)state;
	struct alarms a = {0};
	struct status s = well();

	s.peer_link = false;
	(void)snprintf(s.pair_state, sizeof s.pair_state, "exposed");
	expect(&a, &s, 10, "");
	expect(&a, &s, 11, "");
	expect(&a, &s, 12, "exposed+ peer_lost+");
	expect(&a, &s, 13, "");
	assert_int_equal(a.at[row_of("exposed")].since_wall_ms, 5012000);
	s.peer_link = true;
	expect(&a, &s, 14, "peer_lost-");
	(void)snprintf(s.pair_state, sizeof s.pair_state, "catching-up");
	expect(&a, &s, 15, "exposed-");
	assert_int_equal(a.at[row_of("exposed")].since_wall_ms, 5015000);
	s.peer_link = false; /* counted anew */
	expect(&a, &s, 16, "");
	expect(&a, &s, 17, "");
	s.peer_link = true;
	expect(&a, &s, 18, "");
}

static void a_total_that_grew_is_an_alarm_for_five_minutes(void **state)
{
	(void)state;
	struct alarms a = {0};
	struct status s = well();

	expect(&a, &s, 0, "");
	s.digest_mismatches = 1;
	expect(&a, &s, 10, "divergence+");
	expect(&a, &s, 200, "");
	s.digest_mismatches = 2;
	expect(&a, &s, 300, "");
	expect(&a, &s, 599, "");
	expect(&a, &s, 600, "divergence-");
	expect(&a, &s, 10000, "");
}

/* What a start finds is counted before anybody looks. */
static void a_total_that_is_there_at_first_has_grown(void **state)
{
	(void)state;
	struct alarms a = {0};
	struct status s = well();

	s.store_faults = 3;
	expect(&a, &s, 0, "store_faults+");
	expect(&a, &s, 300, "store_faults-");
}

static void a_standalone_unit_misses_neither_peer_nor_keepalived(void **state)
{
	(void)state;
	struct alarms a = {0};
	struct status s = {.unit = "standalone",
	                   .role = "active",
	                   .pair_state = "standalone",
	                   .certificate_days = 1000};

	expect(&a, &s, 0, "");
	expect(&a, &s, 1000, "");
	s.room_low = true;
	expect(&a, &s, 1001, "room_low+");
}

static void limits_and_words_are_met_exactly(void **state)
{
	(void)state;
	struct alarms a = {0};
	struct status s = well();
	char text[ALARM_TEXT];

	s.users_percent = 89;
	s.lag_ms = 999;
	s.certificate_days = 31;
	(void)snprintf(s.role, sizeof s.role, "standby");
	expect(&a, &s, 0, "");
	s.users_percent = 90;
	s.lag_ms = 1000;
	s.certificate_days = 30;
	s.naps_waiting = 1;
	(void)snprintf(s.role, sizeof s.role, "out-of-service");
	(void)snprintf(s.peer_refused, sizeof s.peer_refused, "another pair");
	expect(&a, &s, 1,
	       "out_of_service+ peer_refused+ users_near_limit+ naps_waiting+ certificate+");
	expect(&a, &s, 3, "lag+");
	assert_non_null(
		strstr(alarm_text(&alarm_rows()[row_of("lag")], &s, text), "(lag_ms 1000)"));
	assert_non_null(strstr(alarm_text(&alarm_rows()[row_of("peer_refused")], &s, text),
	                       "another pair"));
	s.certificate_days = -1; /* it has run out */
	s.users_percent = 0;
	expect(&a, &s, 4, "users_near_limit-");
}

static const struct status_field *field_of(const struct alarm_row *row)
{
	size_t i = 0;

	while (i < status_field_count() && strcmp(status_fields()[i].name, row->figure) != 0)
		i++;
	assert_in_range(i, 0, status_field_count() - 1);
	return &status_fields()[i];
}

static void every_row_tests_a_figure_of_the_type_that_its_test_is_for(void **state)
{
	(void)state;
	static const unsigned types[] = {
		[ALARM_IS] = 1U << STATUS_IS_TEXT,
		[ALARM_SAID] = 1U << STATUS_IS_TEXT,
		[ALARM_SET] = 1U << STATUS_IS_FLAG,
		[ALARM_NOT] = 1U << STATUS_IS_FLAG,
		[ALARM_AT_LEAST] = 1U << STATUS_IS_GAUGE | 1U << STATUS_IS_OFFSET,
		[ALARM_AT_MOST] = 1U << STATUS_IS_GAUGE | 1U << STATUS_IS_OFFSET,
		[ALARM_GREW] = 1U << STATUS_IS_TOTAL,
	};
	unsigned before = 0;

	for (size_t i = 0; i < alarm_count(); i++) {
		const struct alarm_row *row = &alarm_rows()[i];
		const struct status_field *f = field_of(row);
		assert_true(types[row->test] & 1U << f->type);
		assert_int_equal(f->offset, row->offset);
		assert_true(row->oid > before); /* so none is given twice */
		assert_true(strlen(row->meaning) < ALARM_TEXT - STATUS_TEXT - 32);
		assert_true(*row->remedy != '\0');
		before = row->oid;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pair_that_is_well_raises_nothing),
		cmocka_unit_test(a_flap_of_the_link_is_no_alarm_and_its_loss_is),
		cmocka_unit_test(a_total_that_grew_is_an_alarm_for_five_minutes),
		cmocka_unit_test(a_total_that_is_there_at_first_has_grown),
		cmocka_unit_test(a_standalone_unit_misses_neither_peer_nor_keepalived),
		cmocka_unit_test(limits_and_words_are_met_exactly),
		cmocka_unit_test(every_row_tests_a_figure_of_the_type_that_its_test_is_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
