/* fuzz_merge.c - any two texts as two versions of one record: no crash, what comes out decodes, and
 * the result met with itself stays. First byte: the table; second: the shift; third and fourth: where
 * the one ends and the other begins. */
#include "node/core/merge.h"
#include "proto/record_nap.h"

enum { ARENA_SIZE = 2 * 1024 * 1024, HEAD = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool decodes(enum table table, struct slice value, struct arena *arena)
{
	static struct aor_record aor;
	static struct watchers_record watchers;
	static struct nap_record nap;
	struct subscriber_record subscriber;
	struct secret_record secret;

	if (value.n == 0)
		return true;
	if (table == TABLE_AOR)
		return aor_decode(value, arena, &aor) == OK;
	if (table == TABLE_WATCHER)
		return watchers_decode(value, arena, &watchers) == OK;
	if (table == TABLE_NAP)
		return nap_decode(value, arena, &nap) == OK;
	if (table == TABLE_SUBSCRIBER)
		return subscriber_decode(value, arena, &subscriber) == OK;
	return secret_decode(value, arena, &secret) == OK;
}

/* What stays unlooked at, because they have none, may be anything. */
static bool was_read(enum table table, const struct merge_versions *v)
{
	return v->theirs.n > 0 && !(table == TABLE_SECRET && v->ours.n > 0);
}

static void check_stays(enum table table, struct slice value, struct arena *arena)
{
	const struct merge still = {.their_shift_ms = 0};
	const struct merge_versions same = {value, value};
	struct merged again;

	if (record_merge(&still, table, &same, arena, &again) == OK &&
	    !slice_eq(again.value, value))
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum table tables[] = {TABLE_AOR, TABLE_WATCHER, TABLE_SUBSCRIBER,
	                                    TABLE_SECRET, TABLE_NAP};
	static _Alignas(16) uint8_t memory[ARENA_SIZE];
	struct arena arena = arena_on(memory, sizeof memory);
	struct merged out;

	if (size < HEAD)
		return 0;
	enum table table = tables[data[0] % ARRAY_LEN(tables)];
	struct slice rest = {data + HEAD, size - HEAD};
	size_t cut = (size_t)data[2] << 8 | data[3];
	const struct merge_versions v = {slice_head(rest, cut), slice_from(rest, cut)};
	const struct merge m = {
		.their_shift_ms = data[1] == 0xff ? INT64_MAX : (int64_t)data[1] - 100,
		.their_reigns = {{1, UNIT_PRIMARY}, {2, UNIT_SECONDARY}, {12, UNIT_SECONDARY}},
		.n_their_reigns = 3,
	};

	if (record_merge(&m, table, &v, &arena, &out) != OK)
		return 0;
	if (was_read(table, &v) && !decodes(table, out.value, &arena))
		__builtin_trap();
	check_stays(table, out.value, &arena);
	return 0;
}
