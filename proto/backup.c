#include "proto/backup.h"

#include <assert.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "backup.pb-c.h"
#include "proto/base/reader.h"
#include "proto/pack.h"

enum { LENGTH_SIZE = 4, HASH_SIZE = 8, TEXT_MAX = 255 };

struct backup_chain backup_chain(void)
{
	struct slice magic = SLICE(BACKUP_MAGIC);

	return (struct backup_chain){XXH3_64bits(magic.p, magic.n)};
}

static uint64_t hash_behind(const struct backup_chain *chain, struct slice body)
{
	return XXH3_64bits_withSeed(body.p, body.n, chain->hash);
}

enum err backup_magic(struct slice bytes)
{
	struct slice name = SLICE("regpair backup ");

	if (slice_eq(bytes, SLICE(BACKUP_MAGIC)))
		return OK;
	return slice_eq(slice_head(bytes, name.n), name) ? ERR_VERSION : ERR_MALFORMED;
}

/* --- writing --- */

/* What protobuf-c packs from. */
struct image {
	Backup__Part part;
	Backup__Head head;
	Backup__Record record;
	Backup__End end;
	Backup__Table tables[BACKUP_TABLES];
	Backup__Table *pointers[BACKUP_TABLES];
	char program[TEXT_MAX + 1], host[TEXT_MAX + 1];
};

static char *text_of(struct slice s, char room[TEXT_MAX + 1])
{
	(void)snprintf(room, TEXT_MAX + 1, SLICE_FMT, SLICE_ARG(s)); /* a longer one is cut */
	return room;
}

static void write_head(const struct backup_head *h, struct image *to)
{
	Backup__Head *m = &to->head;

	backup__head__init(m);
	m->program = text_of(h->program, to->program);
	m->host = text_of(h->host, to->host);
	m->cluster_id = lend((struct slice){h->cluster_id, sizeof h->cluster_id});
	m->node_id = h->node_id;
	m->reign = h->position.reign;
	m->seq = h->position.seq;
	m->pair_ms = h->pair.ms;
	m->wall_ms = h->wall_ms;
	m->made_ms = h->made_ms;
	m->schema = h->schema;
	to->part.head = m;
}

static void write_record(const struct backup_part *part, struct image *to)
{
	Backup__Record *m = &to->record;

	backup__record__init(m);
	m->table = part->record.table;
	m->key = lend(part->record.key);
	m->value = lend(part->record.value);
	to->part.record = m;
}

static void write_end(const struct backup_sum *sums, struct image *to)
{
	backup__end__init(&to->end);
	to->end.tables = to->pointers;
	for (unsigned i = 0; i < BACKUP_TABLES; i++) {
		if (sums[i].count == 0)
			continue;
		Backup__Table *m = &to->tables[i];
		backup__table__init(m);
		m->table = i;
		m->count = sums[i].count;
		m->digest = sums[i].digest;
		to->pointers[to->end.n_tables++] = m;
	}
	to->part.end = &to->end;
}

void backup_write(struct backup_chain *chain, const struct backup_part *part, struct buf *to)
{
	struct image image;
	struct buf body = {.full = to->full || to->room - to->n < BACKUP_PART_HEAD};

	backup__part__init(&image.part);
	switch (part->kind) {
	case BACKUP_HEAD:
		write_head(&part->head, &image);
		break;
	case BACKUP_RECORD:
		write_record(part, &image);
		break;
	case BACKUP_END:
		write_end(part->sums, &image);
		break;
	}
	if (!body.full)
		body = buf_on(to->p + to->n + BACKUP_PART_HEAD,
		              to->room - to->n - BACKUP_PART_HEAD);
	pack(&image.part.base, BACKUP_PART_MAX - BACKUP_PART_HEAD, &body);
	if (body.full) {
		to->full = true;
		return;
	}
	chain->hash = hash_behind(chain, buf_slice(&body));
	buf_uint(to, body.n, LENGTH_SIZE);
	buf_uint(to, chain->hash, HASH_SIZE);
	to->n += body.n;
}

/* --- reading --- */

enum err backup_length(struct slice head, size_t *n)
{
	struct reader r = {.rest = head};

	*n = reader_u32(&r);
	return !r.bad && *n > 0 && *n <= BACKUP_PART_MAX - BACKUP_PART_HEAD ? OK : ERR_CORRUPT;
}

static enum err read_head(const Backup__Head *m, struct backup_head *out)
{
	if (m->cluster_id.len != sizeof out->cluster_id || m->seq == 0 || m->seq >= SEQ_END)
		return ERR_CORRUPT;
	*out = (struct backup_head){
		.program = slice_str(m->program),
		.host = slice_str(m->host),
		.node_id = m->node_id,
		.position = {m->reign, m->seq},
		.pair = {m->pair_ms},
		.wall_ms = m->wall_ms,
		.made_ms = m->made_ms,
		.schema = m->schema,
	};
	memcpy(out->cluster_id, m->cluster_id.data, sizeof out->cluster_id);
	return OK;
}

static enum err read_record(const Backup__Record *m, struct backup_part *out)
{
	bool sound = m->table > 0 && m->table < BACKUP_TABLES && m->key.len > 0 &&
	             m->key.len <= RECORD_KEY_MAX && m->value.len > 0 && m->value.len <= RECORD_MAX;

	out->record.table = (enum table)m->table;
	out->record.key = borrow(m->key);
	out->record.value = borrow(m->value);
	return sound ? OK : ERR_CORRUPT;
}

static enum err read_end(const Backup__End *m, struct backup_sum *sums)
{
	memset(sums, 0, BACKUP_TABLES * sizeof *sums);
	for (size_t i = 0; i < m->n_tables; i++) {
		if (m->tables[i]->table >= BACKUP_TABLES)
			return ERR_CORRUPT;
		sums[m->tables[i]->table] =
			(struct backup_sum){m->tables[i]->count, m->tables[i]->digest};
	}
	return OK;
}

static enum err read_part(const Backup__Part *m, struct backup_part *out)
{
	if ((m->head != NULL) + (m->record != NULL) + (m->end != NULL) != 1)
		return ERR_CORRUPT;
	if (m->head != NULL) {
		out->kind = BACKUP_HEAD;
		return read_head(m->head, &out->head);
	}
	if (m->record != NULL) {
		out->kind = BACKUP_RECORD;
		return read_record(m->record, out);
	}
	out->kind = BACKUP_END;
	return read_end(m->end, out->sums);
}

enum err backup_read(struct backup_chain *chain, struct slice bytes, struct arena *arena,
                     struct backup_part *out)
{
	struct reader r = {.rest = bytes};
	size_t length = reader_u32(&r);
	uint64_t hash = reader_u64(&r);

	if (r.bad || length != r.rest.n || hash != hash_behind(chain, r.rest))
		return ERR_CORRUPT;
	chain->hash = hash;

	const Backup__Part *m = unpack(&backup__part__descriptor, r.rest, arena);
	return m != NULL ? read_part(m, out) : ERR_CORRUPT;
}
