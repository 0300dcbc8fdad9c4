/* The store, read from end to end beside whoever uses it. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "node/ctl/arguments.h"
#include "node/ctl/backup.h"
#include "node/ctl/check.h"
#include "node/ctl/entries.h"
#include "store/store.h"

static const char what[] = "store";
static const char fetch_anew[] =
	"start regpaird: in a pair it sets the store aside and fetches all from its peer; "
	"a standalone unit needs a backup (regpairctl restore --replace)";

struct walk {
	struct arena arena;
	uint64_t records, entries;
	enum err err; /* of a record or entry */
};

static bool on_record(void *context, enum table table, struct slice key, struct slice value)
{
	struct walk *w = context;

	(void)key;
	w->records++;
	w->err = record_checked(table, value, &w->arena);
	return w->err == OK;
}

static bool on_entry(void *context, struct slice bytes)
{
	struct walk *w = context;
	struct entry e;

	w->err = entry_decode(bytes, &e);
	if (w->err == OK && e.value.n > 0)
		w->err = record_checked(e.table, e.value, &w->arena);
	if (w->err == OK)
		w->entries++;
	return w->err == OK;
}

static void check_open(struct report *r, struct store *store, struct walk *w)
{
	struct store_meta meta;
	enum err err = store_meta(store, &meta);

	if (err != OK) {
		report_wrong(r, what, fetch_anew, "its meta data: %s", err_text(err));
		return;
	}
	err = log_walk(store, on_entry, w);
	if (err == OK)
		report_ok(r, what, "log: %llu entries, %llu to %llu",
		          (unsigned long long)w->entries, (unsigned long long)meta.log_first,
		          (unsigned long long)meta.log_last);
	else
		report_wrong(r, what, fetch_anew, "log, behind %llu good entries: %s",
		             (unsigned long long)w->entries, err_text(w->err != OK ? w->err : err));
	w->err = OK;
	err = state_read(store, on_record, w);
	if (err == OK)
		report_ok(r, what, "image: %llu records, up to entry %llu",
		          (unsigned long long)w->records, (unsigned long long)meta.applied.seq);
	else
		report_wrong(r, what, fetch_anew, "image, record %llu: %s",
		             (unsigned long long)w->records, err_text(w->err != OK ? w->err : err));
}

static void tell_progress(void *context, const char *things, uint64_t done)
{
	int64_t *told_s = context;
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec > *told_s)
		(void)fprintf(stderr, "read %llu %s\n", (unsigned long long)done, things);
	*told_s = now.tv_sec;
}

/* By a process that may die of it; what it could read is then read by this one. */
static bool readable(struct report *r, const char *dir)
{
	struct store_checked found;
	char fault[STORE_FAULT_TEXT] = "";
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	int64_t told_s = now.tv_sec;
	if (store_check(dir, tell_progress, &told_s, &found, fault) == OK)
		return true;
	report_wrong(r, what, fetch_anew, "%s", fault);
	return false;
}

void check_store(struct report *r, const char *dir)
{
	char path[512], fault[STORE_FAULT_TEXT];
	uint8_t *memory = malloc(ENTRIES_MEMORY);
	struct walk w = {.records = 0};
	struct store *store = NULL;
	struct stat st;

	if (memory == NULL)
		abort();
	w.arena = arena_on(memory, ENTRIES_MEMORY);
	(void)snprintf(path, sizeof path, "%s/current", dir);
	if (stat(path, &st) != 0 && (stat(dir, &st) != 0 || S_ISDIR(st.st_mode))) {
		report_ok(r, what, "%s is empty: regpaird fills it at its first start", dir);
	} else if (!readable(r, dir)) {
		(void)0; /* said */
	} else if (store_open_reading(&store, dir, fault) != OK) {
		report_wrong(r, what, "", "%s", fault);
	} else {
		check_open(r, store, &w);
		store_close(&store);
	}
	free(memory);
}

int ctl_check_store(const struct ctl *ctl, int argc, char **argv)
{
	const char *path = CTL_CONFIG, *dir = NULL;
	const struct ctl_option options[] = {{"config", .text = &path}};
	const struct ctl_arguments wanted = {"check-store", .options = options,
	                                     .n_options = ARRAY_LEN(options), .word = &dir};
	struct config *config = NULL;
	struct stat st;

	if (!ctl_arguments(&wanted, argc, argv))
		return CTL_USAGE;
	if (dir == NULL) {
		config = backup_config(path);
		if (config == NULL)
			return CTL_FAILED;
		dir = config->store_dir;
	} else if (stat(dir, &st) != 0) {
		return ctl_complain_file(dir); /* named by hand: a slip, no new store */
	}
	struct report r = report_begin(ctl);
	check_store(&r, dir);
	config_free(&config);
	return report_end(&r);
}
