/* The store, read from end to end beside whoever uses it. */
#include <stdlib.h>
#include <sys/stat.h>

#include "node/ctl/check.h"
#include "node/ctl/entries.h"
#include "store/store.h"

static const char what[] = "store";
static const char fetch_anew[] =
	"stop regpaird, move the folder away, start it: the peer has a copy";

struct walk {
	struct arena arena;
	uint8_t *block; /* BLOCK_MAX */
	uint64_t records, entries;
	enum err err; /* of a record */
};

static bool on_record(void *context, enum table table, struct slice key, struct slice value)
{
	struct walk *w = context;

	(void)key;
	w->records++;
	w->err = record_checked(table, value, &w->arena);
	return w->err == OK;
}

static enum err check_block(struct walk *w, struct slice bytes, uint64_t *next)
{
	struct block b;
	struct slice text;
	struct entry e;
	enum err err = block_open(bytes, &b);

	while (err == OK && block_next(&b, &text)) {
		err = entry_decode(text, &e);
		if (err == OK && e.value.n > 0)
			err = record_checked(e.table, e.value, &w->arena);
		if (err == OK && e.seq == *next) {
			(*next)++;
			w->entries++;
		}
	}
	return err;
}

/* Every entry from the first to the last, without a gap. */
static enum err check_log(struct store *store, const struct store_meta *meta, struct walk *w)
{
	uint64_t next = meta->log_first;
	enum err err = OK;

	while (err == OK && next != 0 && next <= meta->log_last) {
		struct buf block = buf_on(w->block, BLOCK_MAX);
		uint64_t before = next;
		err = log_read(store, next, &block);
		if (err == OK)
			err = check_block(w, buf_slice(&block), &next);
		if (err == OK && next == before)
			err = ERR_CORRUPT;
	}
	return err;
}

static void check_open(struct report *r, struct store *store, struct walk *w)
{
	struct store_meta meta;
	enum err err = store_meta(store, &meta);

	if (err != OK) {
		report_wrong(r, what, fetch_anew, "its meta data: %s", err_text(err));
		return;
	}
	err = check_log(store, &meta, w);
	if (err == OK)
		report_ok(r, what, "log: %llu entries, %llu to %llu",
		          (unsigned long long)w->entries, (unsigned long long)meta.log_first,
		          (unsigned long long)meta.log_last);
	else
		report_wrong(r, what, fetch_anew, "log, behind %llu good entries: %s",
		             (unsigned long long)w->entries, err_text(err));
	err = state_read(store, on_record, w);
	if (err == OK)
		report_ok(r, what, "image: %llu records, up to entry %llu",
		          (unsigned long long)w->records, (unsigned long long)meta.applied.seq);
	else
		report_wrong(r, what, fetch_anew, "image, record %llu: %s",
		             (unsigned long long)w->records, err_text(w->err != OK ? w->err : err));
}

void check_store(struct report *r, const struct config *config)
{
	char path[512], fault[STORE_FAULT_TEXT];
	uint8_t *memory = malloc(ENTRIES_MEMORY);
	struct walk w = {.block = malloc(BLOCK_MAX)};
	struct store *store = NULL;
	struct stat st;

	if (memory == NULL || w.block == NULL)
		abort();
	w.arena = arena_on(memory, ENTRIES_MEMORY);
	(void)snprintf(path, sizeof path, "%s/current", config->store_dir);
	if (stat(path, &st) != 0 && (stat(config->store_dir, &st) != 0 || S_ISDIR(st.st_mode))) {
		report_ok(r, what, "%s is empty: regpaird fills it at its first start",
		          config->store_dir);
	} else if (store_open_reading(&store, config->store_dir, fault) != OK) {
		report_wrong(r, what, "", "%s", fault);
	} else {
		check_open(r, store, &w);
		store_close(&store);
	}
	free(w.block);
	free(memory);
}
