#include "node/ctl/entries.h"

#include <time.h>

#include "proto/record_nap.h"

enum { TEXT_MAX = 700, CONTACTS_SHOWN = 3 };

/* What can be printed of it; the rest becomes `?`. */
static void put_text(struct buf *to, struct slice s)
{
	for (size_t i = 0; i < s.n && !to->full; i++)
		buf_byte(to, s.p[i] >= 0x20 && s.p[i] < 0x7f ? s.p[i] : '?');
}

static void put_count(struct buf *to, size_t n, const char *one, const char *many)
{
	buf_u64(to, n);
	buf_byte(to, ' ');
	buf_str(to, n == 1 ? one : many);
}

static enum err sum_aor(struct slice value, struct arena *arena, struct buf *to)
{
	struct aor_record *r = arena_take(arena, sizeof *r);
	enum err err = r != NULL ? aor_decode(value, arena, r) : ERR_TOO_BIG;

	if (err != OK)
		return err;
	put_count(to, r->n_bindings, "binding", "bindings");
	for (size_t i = 0; i < r->n_bindings && i < CONTACTS_SHOWN; i++) {
		buf_str(to, i == 0 ? ": " : ", ");
		put_text(to, slice_head(r->bindings[i].uri, 120));
	}
	if (r->n_bindings > CONTACTS_SHOWN)
		buf_str(to, ", ...");
	if (r->n_tombstones > 0) {
		buf_str(to, "; ");
		put_count(to, r->n_tombstones, "tombstone", "tombstones");
	}
	if (r->floor.set)
		buf_str(to, "; floor");
	return OK;
}

static enum err sum_subscriber(struct slice value, struct arena *arena, struct buf *to)
{
	struct subscriber_record r;
	enum err err = subscriber_decode(value, arena, &r);

	if (err == OK)
		buf_str(to, r.gone ? "removed" : "password set");
	return err;
}

static enum err sum_secret(struct slice value, struct arena *arena, struct buf *to)
{
	struct secret_record r;
	enum err err = secret_decode(value, arena, &r);

	if (err == OK)
		buf_str(to, "a secret (not shown)");
	return err;
}

static enum err sum_reign(struct slice value, struct arena *arena, struct buf *to)
{
	struct reign_record r;
	enum err err = reign_decode(value, arena, &r);

	if (err != OK)
		return err;
	buf_str(to, "epoch ");
	buf_u64(to, r.epoch);
	buf_str(to, " of ");
	buf_str(to, unit_name(r.unit));
	buf_str(to, " from seq ");
	buf_u64(to, r.first_seq);
	buf_str(to, r.behind ? ", behind" : "");
	buf_str(to, r.exposed ? ", exposed" : "");
	buf_str(to, r.restored ? ", from a backup" : "");
	return OK;
}

static enum err sum_watchers(struct slice value, struct arena *arena, struct buf *to)
{
	struct watchers_record r;
	enum err err = watchers_decode(value, arena, &r);

	if (err == OK)
		put_count(to, r.n, "watcher", "watchers");
	return err;
}

static enum err sum_nap(struct slice value, struct arena *arena, struct buf *to)
{
	struct nap_record r;
	enum err err = nap_decode(value, arena, &r);

	if (err != OK)
		return err;
	buf_str(to, nap_phase_name(r.phase));
	if (r.cseq > 0) {
		buf_str(to, ", cseq ");
		buf_u64(to, r.cseq);
	}
	if (r.last_status > 0) {
		buf_str(to, ", answered ");
		buf_u64(to, r.last_status);
	}
	if (r.available_since.ms > 0)
		buf_str(to, r.available ? ", available" : ", not available");
	return OK;
}

static enum err summary(enum table table, struct slice value, struct arena *arena, struct buf *to)
{
	typedef enum err sum_fn(struct slice value, struct arena * arena, struct buf * to);
	static sum_fn *const by_table[TABLE_END] = {
		[TABLE_AOR] = sum_aor,          [TABLE_SUBSCRIBER] = sum_subscriber,
		[TABLE_WATCHER] = sum_watchers, [TABLE_SECRET] = sum_secret,
		[TABLE_REIGN] = sum_reign,      [TABLE_NAP] = sum_nap,
	};

	arena_reset(arena);
	if (table < TABLE_END && by_table[table] != NULL)
		return by_table[table](value, arena, to);
	put_count(to, value.n, "byte", "bytes");
	return OK;
}

enum err record_checked(enum table table, struct slice value, struct arena *arena)
{
	uint8_t room[TEXT_MAX];
	struct buf to = buf_on(room, sizeof room);

	return summary(table, value, arena, &to);
}

static json_t *text_of(const struct buf *b)
{
	return json_stringn((const char *)b->p, b->n);
}

static json_t *key_of(const struct entry *e)
{
	uint8_t room[2 * RECORD_KEY_MAX];
	struct buf to = buf_on(room, sizeof room);

	if (e->table == TABLE_SECRET || e->table == TABLE_REIGN)
		buf_hex(&to, e->key);
	else
		put_text(&to, e->key);
	return text_of(&to);
}

static json_t *summary_of(const struct entry *e, struct arena *arena)
{
	uint8_t room[TEXT_MAX];
	struct buf to = buf_on(room, sizeof room);
	enum err err = OK;

	if (e->value.n == 0)
		buf_str(&to, "deleted");
	else
		err = summary(e->table, e->value, arena, &to);
	if (err == OK)
		return text_of(&to);
	return json_sprintf("cannot be read: %s", err_text(err));
}

json_t *pair_time_text(struct pairtime t)
{
	time_t s = (time_t)(t.ms / 1000);
	struct tm tm;
	char text[64];

	if (gmtime_r(&s, &tm) == NULL || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return json_string("?");
	return json_sprintf("%s.%03dZ", text, (int)(t.ms % 1000));
}

json_t *entry_object(const struct entry *e, struct arena *arena)
{
	return json_pack("{sI so sI so ss ss so so}", "seq", (json_int_t)e->seq, "time",
	                 pair_time_text(e->pair), "pair_ms", (json_int_t)e->pair.ms, "reign",
	                 json_sprintf("%016llx", (unsigned long long)e->reign), "kind",
	                 entry_kind_name(e->kind), "table", table_name(e->table), "key", key_of(e),
	                 "summary", summary_of(e, arena));
}
