/* What the nodes tell of themselves when all has come to rest. */
#include "node/core/alarms.h"
#include "tests/sim/check.h"

/* As it is, and not as it was counted. */
static uint64_t bindings_of(const struct copy *copy)
{
	struct copy_cursor cursor = {0};
	const struct copy_item *item;
	uint64_t n = 0;

	while ((item = copy_walk(copy, TABLE_AOR, &cursor)) != NULL)
		n += aor_bindings(item->value);
	return n;
}

/* A standby that was barred beside an active stays so for a while, and hears of the pair by the next beat. */
static bool may_stay(const char *alarm, const struct host *h)
{
	static const char *const stays[] = {"store_set_aside",  "clocks_apart", "naps_waiting",
	                                    "users_near_limit", "fault_held",   "exposed"};

	if (node_role(h->node) == ROLE_ACTIVE && strcmp(alarm, "exposed") == 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(stays); i++)
		if (strcmp(stays[i], alarm) == 0)
			return true;
	return false;
}

/* What was counted is forgotten by then; what holds, and should not, is not. */
static void check_alarms(struct world *w, const struct host *h)
{
	enum { LATER_MS = 2 * ALARM_GREW_MS };
	struct alarms alarms = {0};
	struct alarm_times t = {.now = host_now(w, h)};
	size_t changed[ALARMS_MAX];
	struct status s;

	node_status(h->node, t.now, &s);
	s.certificate_days = 1000; /* the edge's */
	(void)alarms_step(&alarms, &s, t, changed);
	t.now = mtime_add_ms(t.now, LATER_MS);
	(void)alarms_step(&alarms, &s, t, changed);
	for (size_t i = 0; i < alarm_count(); i++)
		if (alarms.at[i].raised && !may_stay(alarm_rows()[i].name, h))
			world_fail(w, "%c, at rest, still raises %s", host_name(h),
			           alarm_rows()[i].name);
}

void check_figures(struct world *w)
{
	for (int at = 0; at < HOSTS; at++) {
		const struct host *h = &w->hosts[at];
		const struct copy *copy = node_copy(h->node);
		bool flipped = w->flip.at != 0; /* what was counted may have been other bytes */
		if (!flipped && copy_weight(copy) != bindings_of(copy))
			world_fail(w, "%c has miscounted its bindings", host_name(h));
		check_alarms(w, h);
	}
}
