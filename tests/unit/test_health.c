/* layer: core */
#include <stdio.h>
#include <string.h>

#include "node/core/health.h"
#include "proto/base/defs.h"
#include "tests/check.h"

/* What the node says of itself, and what is wrong with it; NULL: nothing. */
static void a_node_is_well_when_it_serves_or_could_take_over_in_step(void **state)
{
	static const struct {
		struct status says;
		const char *why;
	} rows[] = {
		{{.role = "active", .pair_state = "paired"}, NULL},
		{{.role = "active", .pair_state = "exposed"}, NULL},
		{{.role = "active", .pair_state = "standalone"}, NULL},
		{{.role = "active", .room_low = true},
	         "its store is nearly full: changes are refused"},
		{{.role = "active", .disk_hangs = true}, "its disk does not answer"},
		{{.role = "standby",
	          .pair_state = "paired",
	          .peer_link = true,
	          .keepalived_alive = true},
	         NULL},
		{{.role = "standby", .pair_state = "exposed", .keepalived_alive = true},
	         "the peer is not there"},
		{{.role = "standby",
	          .pair_state = "catching-up",
	          .peer_link = true,
	          .keepalived_alive = true},
	         "it is not in step"},
		{{.role = "standby", .pair_state = "paired", .peer_link = true},
	         "keepalived does not run here"},
		{{.role = "standby",
	          .pair_state = "paired",
	          .peer_link = true,
	          .keepalived_alive = true,
	          .fault = true},
	         "the track file keeps the address away"},
		{{.role = "init"}, "it neither serves nor stands by"},
		{{.role = "out-of-service"}, "it neither serves nor stands by"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *why = health_refusal(&rows[i].says);
		const char *got = why != NULL ? why : "well";
		assert_string_equal(got, rows[i].why != NULL ? rows[i].why : "well");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_is_well_when_it_serves_or_could_take_over_in_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
