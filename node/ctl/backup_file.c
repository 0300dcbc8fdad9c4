#include "node/ctl/backup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "node/ctl/ctl.h"
#include "node/ctl/entries.h"

enum { TELL_EVERY_MS = 1000, LOOK_EVERY = 1024, FILE_ROOM = 1 << 20, ARENA_ROOM = 1 << 17 };

static bool failed(const char *path, const char *what)
{
	ctl_complain("%s: cannot %s: %s", path, what, strerror(errno));
	return false;
}

/* --- progress --- */

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct backup_progress backup_progress_begin(const char *what, uint64_t total)
{
	return (struct backup_progress){.what = what, .total = total, .told_ms = now_ms()};
}

void backup_progress_at(struct backup_progress *p)
{
	if (++p->done % LOOK_EVERY != 0)
		return;
	int64_t now = now_ms();
	if (now - p->told_ms < TELL_EVERY_MS)
		return;
	p->told_ms = now;
	(void)fprintf(stderr, "%s %llu", p->what, (unsigned long long)p->done);
	if (p->total > 0)
		(void)fprintf(stderr, "/%llu", (unsigned long long)p->total);
	(void)fputs(" records\n", stderr);
}

/* --- what is in it --- */

void backup_count(struct backup_sum *sums, enum table table, struct slice key, struct slice value)
{
	sums[table].count++;
	sums[table].digest += record_hash(table, key, value);
}

static json_t *hex_text(uint64_t v)
{
	return json_sprintf("%016llx", (unsigned long long)v);
}

static json_t *cluster_text(const uint8_t id[CLUSTER_ID_SIZE])
{
	uint8_t room[2 * CLUSTER_ID_SIZE];
	struct buf to = buf_on(room, sizeof room);

	buf_hex(&to, (struct slice){id, CLUSTER_ID_SIZE});
	return json_stringn((const char *)to.p, to.n);
}

static json_t *tables_object(const struct backup_sum *sums)
{
	json_t *tables = json_object();

	for (unsigned i = 0; i < BACKUP_TABLES; i++) {
		char name[16];
		(void)snprintf(name, sizeof name, "table-%u", i); /* of a newer version */
		if (sums[i].count > 0)
			(void)json_object_set_new(
				tables, i < TABLE_END ? table_name((enum table)i) : name,
				json_pack("{sI so}", "records", (json_int_t)sums[i].count, "digest",
			                  hex_text(sums[i].digest)));
	}
	return tables;
}

json_t *backup_object(const char *path, const struct backup_found *f)
{
	const struct backup_head *h = &f->head;

	return json_pack("{ss ss ss so so so sI so sI so sI sI sI so}", "file", path, "host",
	                 f->host, "program", f->program, "node", hex_text(h->node_id), "cluster",
	                 cluster_text(h->cluster_id), "reign", hex_text(h->position.reign), "seq",
	                 (json_int_t)h->position.seq, "made",
	                 pair_time_text((struct pairtime){h->made_ms}), "made_ms",
	                 (json_int_t)h->made_ms, "newest",
	                 pair_time_text((struct pairtime){h->wall_ms}), "newest_ms",
	                 (json_int_t)h->wall_ms, "records", (json_int_t)f->records, "bytes",
	                 (json_int_t)f->bytes, "tables", tables_object(f->sums));
}

static const char *text_in(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

void backup_print(const char *path, const struct backup_found *f)
{
	json_t *o = backup_object(path, f);
	const char *table;
	json_t *sum;

	(void)printf("%s: whole, made %s on %s by regpair %s\n", path, text_in(o, "made"), f->host,
	             f->program);
	(void)printf("node %s of pair %s, up to entry %llu (%s) of reign %s\n", text_in(o, "node"),
	             text_in(o, "cluster"), (unsigned long long)f->head.position.seq,
	             text_in(o, "newest"), text_in(o, "reign"));
	(void)printf("%llu records in %llu bytes:\n", (unsigned long long)f->records,
	             (unsigned long long)f->bytes);
	json_object_foreach(json_object_get(o, "tables"), table, sum)(void)
		printf("  %-10s %10lld  digest %s\n", table,
	               json_integer_value(json_object_get(sum, "records")), text_in(sum, "digest"));
	json_decref(o);
}

/* --- writing --- */

static bool write_bytes(struct backup_writer *w, struct slice bytes)
{
	if (w->file == NULL)
		return false;
	if (fwrite(bytes.p, 1, bytes.n, w->file) == bytes.n) {
		w->found.bytes += bytes.n;
		return true;
	}
	(void)failed(w->path_new, "write");
	(void)fclose(w->file);
	(void)unlink(w->path_new);
	w->file = NULL;
	return false;
}

bool backup_create(struct backup_writer *w, const char *path)
{
	*w = (struct backup_writer){.path = path, .chain = backup_chain()};
	if (snprintf(w->path_new, sizeof w->path_new, "%s.new", path) >= (int)sizeof w->path_new) {
		errno = ENAMETOOLONG;
		return failed(path, "write");
	}
	(void)unlink(w->path_new); /* left by one that was killed */
	int fd = open(w->path_new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	w->file = fd < 0 ? NULL : fdopen(fd, "w");
	if (w->file == NULL)
		return failed(w->path_new, "make it");
	(void)setvbuf(w->file, NULL, _IOFBF, FILE_ROOM);
	return write_bytes(w, SLICE(BACKUP_MAGIC));
}

static bool put_part(struct backup_writer *w, const struct backup_part *part)
{
	uint8_t room[BACKUP_PART_MAX];
	struct buf to = buf_on(room, sizeof room);

	backup_write(&w->chain, part, &to);
	if (!to.full)
		return write_bytes(w, buf_slice(&to));
	ctl_complain("a record is larger than any may be: nothing was written");
	return false;
}

bool backup_put_head(struct backup_writer *w, const struct backup_head *head)
{
	struct backup_part part = {.kind = BACKUP_HEAD, .head = *head};

	w->found.head = *head;
	(void)snprintf(w->found.program, sizeof w->found.program, SLICE_FMT,
	               SLICE_ARG(head->program));
	(void)snprintf(w->found.host, sizeof w->found.host, SLICE_FMT, SLICE_ARG(head->host));
	return put_part(w, &part);
}

bool backup_put(struct backup_writer *w, enum table table, struct slice key, struct slice value)
{
	struct backup_part part = {.kind = BACKUP_RECORD, .record = {table, key, value}};

	w->found.records++;
	backup_count(w->found.sums, table, key, value);
	return put_part(w, &part);
}

static bool sync_above(const char *path)
{
	char dir[PATH_MAX];

	(void)snprintf(dir, sizeof dir, "%s", path); /* fits: with .new it did */
	int fd = open(dirname(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool synced = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		(void)close(fd); /* nothing was written through it */
	return synced;
}

/* The new file is whole on the disk before it has the name. */
static bool install(struct backup_writer *w)
{
	bool synced = fflush(w->file) == 0 && fsync(fileno(w->file)) == 0;

	if (fclose(w->file) != 0 || !synced)
		return failed(w->path_new, "write");
	w->file = NULL;
	if (rename(w->path_new, w->path) != 0 || !sync_above(w->path))
		return failed(w->path, "put it in place");
	return true;
}

bool backup_finish(struct backup_writer *w, bool whole)
{
	struct backup_part end = {.kind = BACKUP_END};

	memcpy(end.sums, w->found.sums, sizeof end.sums);
	whole = whole && put_part(w, &end);
	if (w->file == NULL)
		return false;
	if (whole && install(w))
		return true;
	if (!whole)
		(void)fclose(w->file);
	w->file = NULL;
	(void)unlink(w->path_new);
	return false;
}

/* --- reading --- */

FILE *backup_open(const char *path)
{
	FILE *file = fopen(path, "re");

	if (file == NULL)
		(void)failed(path, "open it");
	else
		(void)setvbuf(file, NULL, _IOFBF, FILE_ROOM);
	return file;
}

struct walk {
	FILE *file;
	const char *path;
	struct backup_chain chain;
	struct arena arena;
	uint8_t *room; /* BACKUP_PART_MAX */
	struct backup_part part;
	struct backup_sum sums[BACKUP_TABLES]; /* as found */
	struct backup_found *out;
};

static bool damaged(const struct walk *w, const char *what)
{
	if (ferror(w->file))
		return failed(w->path, "read");
	ctl_complain("%s: %s, behind %llu bytes and %llu records: it cannot be used, take another",
	             w->path, what, (unsigned long long)w->out->bytes,
	             (unsigned long long)w->out->records);
	return false;
}

static bool read_magic(struct walk *w)
{
	const size_t n = sizeof BACKUP_MAGIC - 1;

	rewind(w->file);
	size_t got = fread(w->room, 1, n, w->file);
	enum err err = backup_magic((struct slice){w->room, got});
	if (err == ERR_VERSION)
		ctl_complain("%s: a backup of a newer version: install that one", w->path);
	else if (err != OK)
		return damaged(w, "no backup");
	w->out->bytes = n;
	return err == OK;
}

static bool read_part(struct walk *w)
{
	size_t n;

	if (fread(w->room, 1, BACKUP_PART_HEAD, w->file) != BACKUP_PART_HEAD)
		return damaged(w, "it was cut");
	if (backup_length((struct slice){w->room, BACKUP_PART_HEAD}, &n) != OK)
		return damaged(w, "damaged");
	if (fread(w->room + BACKUP_PART_HEAD, 1, n, w->file) != n)
		return damaged(w, "it was cut");
	n += BACKUP_PART_HEAD;
	arena_reset(&w->arena);
	if (backup_read(&w->chain, (struct slice){w->room, n}, &w->arena, &w->part) != OK)
		return damaged(w, "damaged");
	w->out->bytes += n;
	return true;
}

static bool read_head(struct walk *w)
{
	struct backup_found *f = w->out;

	if (!read_part(w))
		return false;
	if (w->part.kind != BACKUP_HEAD)
		return damaged(w, "no head");
	f->head = w->part.head;
	(void)snprintf(f->program, sizeof f->program, SLICE_FMT, SLICE_ARG(f->head.program));
	(void)snprintf(f->host, sizeof f->host, SLICE_FMT, SLICE_ARG(f->head.host));
	f->head.program = slice_str(f->program);
	f->head.host = slice_str(f->host);
	if (f->head.schema <= FRAME_SCHEMA)
		return true;
	ctl_complain("%s: its records are those of a newer version (regpair %s): install that one",
	             w->path, f->program);
	return false;
}

static bool read_records(struct walk *w, backup_each *each, void *context)
{
	for (;;) {
		if (!read_part(w))
			return false;
		if (w->part.kind != BACKUP_RECORD)
			return w->part.kind == BACKUP_END || damaged(w, "a second head");
		enum table table = w->part.record.table;
		struct slice key = w->part.record.key, value = w->part.record.value;
		backup_count(w->sums, table, key, value);
		w->out->records++;
		if (each != NULL && !each(context, table, key, value))
			return false;
	}
}

static bool read_all(struct walk *w, backup_each *each, void *context)
{
	if (!read_magic(w) || !read_head(w) || !read_records(w, each, context))
		return false;
	if (memcmp(w->sums, w->part.sums, sizeof w->sums) != 0)
		return damaged(w, "records are missing");
	if (fgetc(w->file) != EOF)
		return damaged(w, "more than a backup");
	memcpy(w->out->sums, w->sums, sizeof w->sums);
	return true;
}

bool backup_walk(FILE *file, const char *path, backup_each *each, void *context,
                 struct backup_found *out)
{
	struct walk w = {.file = file, .path = path, .chain = backup_chain(), .out = out};

	*out = (struct backup_found){.records = 0};
	uint8_t *memory = malloc(ARENA_ROOM + BACKUP_PART_MAX);
	if (memory == NULL)
		abort();
	w.arena = arena_on(memory, ARENA_ROOM);
	w.room = memory + ARENA_ROOM;
	bool whole = read_all(&w, each, context);
	free(memory);
	return whole;
}

struct checking {
	const char *path;
	struct arena arena;
	struct backup_progress progress;
};

static bool check_record(void *context, enum table table, struct slice key, struct slice value)
{
	struct checking *c = context;

	(void)key;
	backup_progress_at(&c->progress);
	arena_reset(&c->arena);
	enum err err = record_checked(table, value, &c->arena);
	if (err == OK)
		return true;
	ctl_complain("%s: record %llu: %s: it cannot be used, take another", c->path,
	             (unsigned long long)c->progress.done, err_text(err));
	return false;
}

bool backup_check(FILE *file, const char *path, struct backup_found *out)
{
	struct checking c = {.path = path, .progress = backup_progress_begin("read", 0)};
	uint8_t *memory = malloc(ENTRIES_MEMORY);

	if (memory == NULL)
		abort();
	c.arena = arena_on(memory, ENTRIES_MEMORY);
	bool whole = backup_walk(file, path, check_record, &c, out);
	free(memory);
	return whole;
}
