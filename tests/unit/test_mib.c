/* layer: io */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/core/alarms.h"
#include "node/io/mib.h"
#include "proto/base/defs.h"
#include "tests/check.h"

static const struct status_field *field(const char *name)
{
	for (size_t i = 0; i < status_field_count(); i++)
		if (strcmp(status_fields()[i].name, name) == 0)
			return &status_fields()[i];
	fail_msg("there is no figure %s", name);
	return NULL;
}

/* A Gauge32 that is too small would stand still at its end: a day's worth of ms is well below it. */
static void a_figure_has_a_type_that_it_does_not_outgrow(void **state)
{
	(void)state;
	static const struct {
		const char *name, *type;
	} rows[] = {
		{"unit", "string"},
		{"fault", "integer"},
		{"lag_ms", "gauge"},
		{"lag_entries", "gauge"},
		{"seq", "counter64"},
		{"peer_durable_seq", "counter64"},
		{"role_since_ms", "counter64"},
		{"last_takeover_ms", "counter64"},
		{"digest_age_ms", "counter64"},
		{"memory_bytes", "counter64"},
		{"registered", "counter64"},
		{"clock_offset_ms", "integer"},
		{"users_percent", "gauge"},
		{"last_switchover_gap_ms", "gauge"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(mib_pass_type(field(rows[i].name)), rows[i].type);
}

/* Those of alarms raised and cleared, and all others. */
static void notifications_have_numbers_of_their_own(void **state)
{
	(void)state;
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);

	assert_non_null(to);
	mib_print(to);
	assert_int_equal(fclose(to), 0);
	for (size_t i = 0; i < alarm_count(); i++)
		assert_true(alarm_rows()[i].oid < 200);
	for (unsigned number = 1; number < 500; number++) {
		char wanted[64];
		(void)snprintf(wanted, sizeof wanted, "{ regpairNotifications %u }", number);
		const char *at = strstr(text, wanted);
		assert_true(at == NULL || strstr(at + 1, wanted) == NULL);
	}
	assert_non_null(strstr(text, "\nregpairAlarmPeerLostRaised NOTIFICATION-TYPE"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_figure_has_a_type_that_it_does_not_outgrow),
		cmocka_unit_test(notifications_have_numbers_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
