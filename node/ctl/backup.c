/* `regpairctl backup`: the store's records at one moment, into a file, beside the running node. */
#include "node/ctl/backup.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "node/ctl/arguments.h"
#include "node/ctl/backup_file.h"
#include "node/ctl/print.h"
#include "store/store.h"

struct backing_up {
	struct backup_writer writer;
	struct backup_progress progress;
	bool empty;
};

int64_t backup_wall_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool on_begin(void *context, const struct store_end *end)
{
	struct backing_up *b = context;
	char host[256] = "";
	struct backup_head head = {
		.program = SLICE(REGPAIR_VERSION),
		.node_id = end->node_id,
		.position = end->position,
		.pair = end->pair,
		.wall_ms = end->wall_ms,
		.made_ms = backup_wall_ms(),
		.schema = FRAME_SCHEMA,
	};

	b->empty = end->position.seq == 0;
	if (b->empty) {
		ctl_complain("the store is empty: there is nothing to back up");
		return false;
	}
	(void)gethostname(host, sizeof host - 1);
	head.host = slice_str(host);
	(void)memcpy(head.cluster_id, end->cluster_id, sizeof head.cluster_id);
	b->progress = backup_progress_begin("written", end->records);
	return backup_put_head(&b->writer, &head);
}

static bool on_record(void *context, enum table table, struct slice key, struct slice value)
{
	struct backing_up *b = context;

	backup_progress_at(&b->progress);
	return backup_put(&b->writer, table, key, value);
}

static void show(const struct ctl *ctl, const char *path, const struct backup_found *found)
{
	if (ctl->json) {
		json_t *o = backup_object(path, found);
		print_json(o);
		json_decref(o);
	} else {
		backup_print(path, found);
	}
}

static bool write_all(struct store *store, const char *dir, struct backing_up *b)
{
	enum err err = store_whole(store, on_begin, on_record, b);

	if (err != OK && !b->empty && b->writer.file != NULL)
		ctl_complain("%s: %s, behind %llu records: nothing was written; see regpairctl "
		             "check-store",
		             dir, err_text(err), (unsigned long long)b->writer.found.records);
	return err == OK;
}

static int back_up(const struct ctl *ctl, const char *dir, const char *file)
{
	struct backing_up b = {.empty = false};
	struct store *store = NULL;
	char fault[STORE_FAULT_TEXT];
	bool done = false;

	if (store_open_reading(&store, dir, fault) != OK) {
		ctl_complain("%s", fault);
		return CTL_FAILED;
	}
	if (backup_create(&b.writer, file))
		done = backup_finish(&b.writer, write_all(store, dir, &b));
	store_close(&store);
	if (done)
		show(ctl, file, &b.writer.found);
	return done ? CTL_DONE : CTL_FAILED;
}

static int verify(const struct ctl *ctl, const char *path)
{
	struct backup_found found;
	FILE *file = backup_open(path);

	if (file == NULL)
		return CTL_FAILED;
	bool whole = backup_check(file, path, &found);
	(void)fclose(file);
	if (whole)
		show(ctl, path, &found);
	return whole ? CTL_DONE : CTL_FAILED;
}

struct config *backup_config(const char *path)
{
	return ctl_read_config(path, "Another file: --config FILE");
}

int ctl_backup(const struct ctl *ctl, int argc, char **argv)
{
	const char *dir = NULL, *path = CTL_CONFIG, *file = NULL;
	bool verified = false;
	const struct ctl_option options[] = {
		{"store", .text = &dir}, {"config", .text = &path}, {"verify", .flag = &verified}};
	const struct ctl_arguments wanted = {"backup", .options = options,
	                                     .n_options = ARRAY_LEN(options), .word = &file,
	                                     .wanted = "one FILE is wanted"};

	if (!ctl_arguments(&wanted, argc, argv))
		return CTL_USAGE;
	if (verified)
		return verify(ctl, file);
	if (dir != NULL)
		return back_up(ctl, dir, file);
	struct config *config = backup_config(path);
	if (config == NULL)
		return CTL_FAILED;
	int code = back_up(ctl, config->store_dir, file);
	config_free(&config);
	return code;
}
