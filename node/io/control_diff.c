/* What a comparison of both nodes found, as JSON: the tables, and the records that differ. */
#include <assert.h>

#include "node/io/control_parts.h"

json_t *control_diff_new(void)
{
	return json_pack("{s[] s[]}", "tables", "differences");
}

static json_t *digest_of(const struct table_digest *d)
{
	return json_sprintf("%016llx", (unsigned long long)d->digest);
}

static json_t *hex_of(struct slice key)
{
	uint8_t room[2 * RECORD_KEY_MAX];
	struct buf to = buf_on(room, sizeof room);

	buf_hex(&to, key);
	return json_stringn((const char *)room, to.n);
}

static void add_table(json_t *diff, const struct node_output *o)
{
	const struct diff_table *t = o->table;
	bool equal = t->ours.count == t->theirs.count && t->ours.digest == t->theirs.digest;
	json_t *row = json_pack("{ss sb sI so sI so sb}", "table", table_name(t->ours.table),
	                        "equal", equal, "active_records", (json_int_t)t->ours.count,
	                        "active_digest", digest_of(&t->ours), "standby_records",
	                        (json_int_t)t->theirs.count, "standby_digest",
	                        digest_of(&t->theirs), "cut", t->cut);

	(void)json_object_set_new(diff, "seq", json_integer((json_int_t)o->seq));
	(void)json_array_append_new(json_object_get(diff, "tables"), row);
}

static void add_key(json_t *diff, const struct node_output *o, struct arena *arena)
{
	enum table table = o->record.table;
	bool binary = table == TABLE_SECRET || table == TABLE_REIGN;

	arena_reset(arena);
	(void)json_array_append_new(json_object_get(diff, "differences"),
	                            json_pack("{ss so ss%}", "table", table_name(table), "key",
	                                      binary ? hex_of(o->record.key)
	                                             : control_text(o->record.key, arena),
	                                      "what", o->bytes.p, o->bytes.n));
}

void control_diff_add(json_t *diff, const struct node_output *o, struct arena *arena)
{
	assert(o->kind == OUT_DIFF_TABLE || o->kind == OUT_DIFFERENCE);
	if (o->kind == OUT_DIFF_TABLE)
		add_table(diff, o);
	else
		add_key(diff, o, arena);
}
