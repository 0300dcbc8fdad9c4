/* The records that are one message each, and the names of tables and units. */
#include "proto/record.h"

#include <assert.h>

#include "proto/pack.h"
#include "record.pb-c.h"

enum { SECRET_KEY_MIN = 16, SECRET_KEY_MAX = 64 };

static const uint8_t ha1_size[] = {16, 32, 32}; /* MD5, SHA-256, SHA-512-256 */

const char *table_name(enum table t)
{
	static const char *const names[] = {
		[TABLE_AOR] = "aor",         [TABLE_NAP] = "nap",
		[TABLE_FORWARD] = "forward", [TABLE_SUBSCRIBER] = "subscriber",
		[TABLE_WATCHER] = "watcher", [TABLE_SECRET] = "secret",
		[TABLE_REIGN] = "reign",
	};
	_Static_assert(ARRAY_LEN(names) == TABLE_END, "every table has a name");

	return t >= TABLE_AOR && t < TABLE_END ? names[t] : "?";
}

const char *unit_name(enum unit u)
{
	static const char *const names[] = {
		[UNIT_STANDALONE] = "standalone",
		[UNIT_PRIMARY] = "primary",
		[UNIT_SECONDARY] = "secondary",
	};

	return unit_known(u) ? names[u] : "?";
}

static bool subscriber_sound(const struct subscriber_record *r)
{
	for (size_t i = 0; i < ARRAY_LEN(ha1_size); i++)
		if (r->ha1[i].n != 0 && r->ha1[i].n != ha1_size[i])
			return false;
	return r->user.n > 0 && r->realm.n > 0;
}

enum err subscriber_decode(struct slice bytes, struct arena *arena, struct subscriber_record *out)
{
	if (bytes.n > RECORD_MAX)
		return ERR_TOO_BIG;

	const Rec__Subscriber *m = unpack(&rec__subscriber__descriptor, bytes, arena);

	if (m == NULL)
		return unpack_fault(arena);
	*out = (struct subscriber_record){
		.user = borrow(m->user),
		.realm = borrow(m->realm),
		.ha1 = {borrow(m->ha1_md5), borrow(m->ha1_sha256), borrow(m->ha1_sha512_256)},
		.stamped = {m->stamped_ms},
		.gone = m->gone,
		.unknown = borrow_unknown(&m->base),
	};
	return subscriber_sound(out) ? OK : ERR_MALFORMED;
}

void subscriber_encode(const struct subscriber_record *r, struct buf *to)
{
	Rec__Subscriber m;

	assert(subscriber_sound(r));
	rec__subscriber__init(&m);
	m.user = lend(r->user);
	m.realm = lend(r->realm);
	m.ha1_md5 = lend(r->ha1[0]);
	m.ha1_sha256 = lend(r->ha1[1]);
	m.ha1_sha512_256 = lend(r->ha1[2]);
	m.stamped_ms = r->stamped.ms;
	m.gone = r->gone;
	lend_unknown(&m.base, &r->unknown);
	pack(&m.base, RECORD_MAX, to);
}

static bool secret_sound(const struct secret_record *r)
{
	return r->key.n >= SECRET_KEY_MIN && r->key.n <= SECRET_KEY_MAX;
}

enum err secret_decode(struct slice bytes, struct arena *arena, struct secret_record *out)
{
	if (bytes.n > RECORD_MAX)
		return ERR_TOO_BIG;

	const Rec__Secret *m = unpack(&rec__secret__descriptor, bytes, arena);

	if (m == NULL)
		return unpack_fault(arena);
	*out = (struct secret_record){
		.id = m->id,
		.key = borrow(m->key),
		.created = {m->created_ms},
		.unknown = borrow_unknown(&m->base),
	};
	return secret_sound(out) ? OK : ERR_MALFORMED;
}

void secret_encode(const struct secret_record *r, struct buf *to)
{
	Rec__Secret m;

	assert(secret_sound(r));
	rec__secret__init(&m);
	m.id = r->id;
	m.key = lend(r->key);
	m.created_ms = r->created.ms;
	lend_unknown(&m.base, &r->unknown);
	pack(&m.base, RECORD_MAX, to);
}

static bool reign_sound(const struct reign_record *r)
{
	return r->id != 0 && unit_known(r->unit) && r->first_seq != 0 && r->first_seq < SEQ_END;
}

enum err reign_decode(struct slice bytes, struct arena *arena, struct reign_record *out)
{
	if (bytes.n > RECORD_MAX)
		return ERR_TOO_BIG;

	const Rec__Reign *m = unpack(&rec__reign__descriptor, bytes, arena);

	if (m == NULL)
		return unpack_fault(arena);
	*out = (struct reign_record){
		.id = m->id,
		.epoch = m->epoch,
		.unit = m->unit,
		.first_seq = m->first_seq,
		.began = {m->began_ms},
		.behind = m->behind,
		.exposed = m->exposed,
		.restored = m->restored,
		.unknown = borrow_unknown(&m->base),
	};
	return reign_sound(out) ? OK : ERR_MALFORMED;
}

void reign_encode(const struct reign_record *r, struct buf *to)
{
	Rec__Reign m;

	assert(reign_sound(r));
	rec__reign__init(&m);
	m.id = r->id;
	m.epoch = r->epoch;
	m.unit = r->unit;
	m.first_seq = r->first_seq;
	m.began_ms = r->began.ms;
	m.behind = r->behind;
	m.exposed = r->exposed;
	m.restored = r->restored;
	lend_unknown(&m.base, &r->unknown);
	pack(&m.base, RECORD_MAX, to);
}
