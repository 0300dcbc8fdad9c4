/* `regpairctl restore`: a backup becomes the store of a node that is not running.
 *
 * The store goes on where the backup ended: the same reign, the same seq, the same pair time. So whoever
 * holds the same history knows it again, equal or longer, and whoever went on from there in another way
 * is seen to have forked. The node's own next reign begins behind it. The store belongs to the pair whose
 * files this host has: a backup may become the beginning of a new pair. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/ctl/arguments.h"
#include "node/ctl/backup.h"
#include "node/ctl/backup_file.h"
#include "node/ctl/print.h"
#include "node/ctl/prompt.h"
#include "node/io/asker.h"
#include "node/io/audit.h"
#include "node/io/pair_files.h"
#include "store/store.h"

struct restore_plan {
	const char *path, *dir, *config;
	bool yes, replace;
};

struct restoring {
	const struct restore_plan *plan;
	FILE *file;
	struct backup_found found;
	struct store_options options;
	struct store *store;
	struct backup_progress progress;
	struct backup_sum sums[BACKUP_TABLES]; /* in the new generation */
	enum err err;
	const char *audit_file; /* NULL: none */
	json_t *asker;
};

/* --- before --- */

static bool read_pair(struct restoring *r, const struct config *config)
{
	struct pair_files files = {.secret_id = 0};
	char fault[PAIR_FAULT_MAX];

	if (config->cluster_dir != NULL &&
	    pair_files_load(config->cluster_dir, config->unit, &files, fault) != OK) {
		ctl_complain("%s", fault);
		return false;
	}
	(void)memcpy(r->options.cluster_id, files.cluster_id, sizeof files.cluster_id);
	return true;
}

/* A node of its own, also where the backup was made by its peer. */
static bool draw_node_id(uint64_t *id)
{
	if (getrandom(id, sizeof *id, 0) != (ssize_t)sizeof *id) {
		ctl_complain("the system gives no random numbers");
		return false;
	}
	*id |= 1;
	return true;
}

/* What is written shall belong to whom the folder belongs: the node, which is not root. */
static bool become_owner(const char *dir)
{
	struct stat st;

	if (geteuid() != 0 || stat(dir, &st) != 0 || st.st_uid == 0)
		return true;
	if (setgid(st.st_gid) == 0 && setuid(st.st_uid) == 0)
		return true;
	ctl_complain("%s: cannot write as its owner", dir);
	return false;
}

enum content {
	NOTHING,
	A_BACKUP, /* of this pair, and nothing else: replaced, for what was set aside before is worth more */
	SOMETHING, /* also what cannot be read */
};

static enum content content_of(const struct restoring *r, char what[STORE_FAULT_TEXT])
{
	const char *dir = r->options.dir;
	struct store *store = NULL;
	struct store_meta meta;

	if (access(dir, F_OK) != 0)
		return NOTHING;
	enum err err = store_open_reading(&store, dir, what);
	if (err == OK)
		err = store_meta(store, &meta);
	store_close(&store);
	if (err == ERR_NOT_FOUND)
		return NOTHING;
	if (err != OK && what[0] == '\0')
		(void)snprintf(what, STORE_FAULT_TEXT, "%s: %s", dir, err_text(err));
	if (err != OK)
		return SOMETHING;
	uint64_t last = meta.log_last > meta.applied.seq ? meta.log_last : meta.applied.seq;
	(void)snprintf(what, STORE_FAULT_TEXT, "%s holds a store, up to entry %llu", dir,
	               (unsigned long long)last);
	if (last == 0)
		return NOTHING;
	bool ours = memcmp(meta.cluster_id, r->options.cluster_id, CLUSTER_ID_SIZE) == 0;
	return meta.restored && ours ? A_BACKUP : SOMETHING;
}

static bool confirmed(const struct restoring *r, bool aside)
{
	char question[1024];

	if (r->plan->yes)
		return true;
	(void)snprintf(question, sizeof question,
	               "Restore entry %llu of %s (%llu records) into %s%s?",
	               (unsigned long long)r->found.head.position.seq, r->plan->path,
	               (unsigned long long)r->found.records, r->options.dir,
	               aside ? ", setting aside what is there" : ""); /* or cut */
	return prompt_yes(question);
}

static bool make_way(const struct restoring *r, bool aside)
{
	char fault[STORE_FAULT_TEXT];

	if (!aside || store_set_aside(r->options.dir, (uint64_t)backup_wall_ms(), fault) == OK)
		return true;
	ctl_complain("%s", fault);
	return false;
}

/* --- the new generation --- */

static bool put_record(void *context, enum table table, struct slice key, struct slice value)
{
	struct restoring *r = context;

	backup_progress_at(&r->progress);
	r->err = store_next_put(r->store, table, key, value);
	return r->err == OK;
}

static bool count_record(void *context, enum table table, struct slice key, struct slice value)
{
	struct restoring *r = context;

	if ((unsigned)table >= BACKUP_TABLES)
		return false;
	backup_count(r->sums, table, key, value);
	return true;
}

/* Put, read again and compared: nothing is in place yet. */
static enum err fill(struct restoring *r)
{
	struct backup_found found;
	enum err err = store_next_begin(r->store);

	if (err != OK)
		return err;
	r->progress = backup_progress_begin("restored", r->found.records);
	if (!backup_walk(r->file, r->plan->path, put_record, r, &found))
		return r->err != OK ? r->err : ERR_CORRUPT;
	err = store_next_read(r->store, count_record, r);
	if (err == OK && (memcmp(r->sums, r->found.sums, sizeof r->sums) != 0 ||
	                  memcmp(found.sums, r->found.sums, sizeof found.sums) != 0))
		err = ERR_CORRUPT;
	return err != OK ? err : store_next_restored(r->store, r->found.head.position);
}

static bool make_store(struct restoring *r)
{
	const struct backup_head *h = &r->found.head;
	char fault[STORE_FAULT_TEXT];

	if (store_open(&r->store, &r->options, fault) != OK) {
		ctl_complain("%s", fault);
		return false;
	}
	enum err err = fill(r);
	if (err == OK)
		err = store_next_commit(r->store, h->position, h->pair, h->wall_ms);
	else
		store_next_abort(r->store);
	store_close(&r->store);
	if (err != OK)
		ctl_complain("%s: not restored: %s", r->options.dir, err_text(err));
	return err == OK;
}

/* --- all of it --- */

/* Where the node would tell of what it is asked, as it would. */
static void keep(const struct restoring *r, const char *before, bool done)
{
	const struct log log = log_to_stderr(LOG_WARN);
	json_t *act = json_copy(r->asker);

	if (r->audit_file != NULL) {
		struct audit *audit = audit_open(r->audit_file, &log);
		(void)json_object_update_new(
			act, json_pack("{ss ss ss s{ss sI sI} ss}", "act", "restore", "target",
		                       r->options.dir, "before", before, "after", "file",
		                       r->plan->path, "seq", (json_int_t)r->found.head.position.seq,
		                       "records", (json_int_t)r->found.records, "result",
		                       done ? "done" : "refused"));
		audit_write(audit, backup_wall_ms(), json_incref(act));
		audit_close(&audit);
	}
	json_decref(act);
}

static void tell(const struct ctl *ctl, const struct restoring *r, bool other_pair)
{
	const struct backup_head *h = &r->found.head;

	if (ctl->json) {
		json_t *o = backup_object(r->plan->path, &r->found);
		(void)json_object_set_new(o, "store", json_string(r->options.dir));
		(void)json_object_set_new(o, "other_pair", json_boolean(other_pair));
		print_json(o);
		json_decref(o);
		return;
	}
	(void)printf("%s: restored, %llu records up to entry %llu\n", r->options.dir,
	             (unsigned long long)r->found.records, (unsigned long long)h->position.seq);
	if (other_pair)
		(void)puts("It was another pair's: it is this pair's now, with the secrets of the "
		           "backup.");
	(void)puts(
		"In a pair: empty the other node's store, or restore the same file there, before "
		"both\nare started. What the other has beyond this backup comes back from it.");
}

static bool restore(struct restoring *r)
{
	char what[STORE_FAULT_TEXT];

	if (store_unused(r->options.dir, what) != OK) {
		ctl_complain("%s", what);
		return false;
	}
	enum content content = content_of(r, what);
	bool aside = content == SOMETHING;
	if (content != NOTHING && !r->plan->replace) {
		ctl_complain("%s: with --replace it is %s", what,
		             aside ? "set aside" : "replaced: it is a restored backup and no more");
		return false;
	}
	if (!confirmed(r, aside) || !draw_node_id(&r->options.node_id) || !make_way(r, aside))
		return false;
	bool done = make_store(r);
	keep(r, content != NOTHING ? what : "empty", done);
	if (done)
		return true;
	if (aside)
		ctl_complain("%s: what was there is in its newest folder broken-*", r->options.dir);
	return false;
}

static int run(const struct ctl *ctl, const struct restore_plan *plan, const struct config *config)
{
	struct restoring r = {.plan = plan, .file = backup_open(plan->path)};

	r.options.dir = plan->dir != NULL ? plan->dir : config->store_dir;
	r.options.max_size = config->store_max_size;
	r.audit_file = config->audit_file;
	if (r.file == NULL)
		return CTL_FAILED;
	r.asker = asker_of(getpid(), getuid());
	bool done = backup_check(r.file, plan->path, &r.found) && read_pair(&r, config) &&
	            become_owner(r.options.dir) && restore(&r);
	(void)fclose(r.file);
	json_decref(r.asker);
	if (done)
		tell(ctl, &r,
		     memcmp(r.options.cluster_id, r.found.head.cluster_id, CLUSTER_ID_SIZE) != 0);
	return done ? CTL_DONE : CTL_FAILED;
}

int ctl_restore(const struct ctl *ctl, int argc, char **argv)
{
	struct restore_plan plan = {.config = CTL_CONFIG};
	const struct ctl_option options[] = {{"store", .text = &plan.dir},
	                                     {"config", .text = &plan.config},
	                                     {"yes", 'y', .flag = &plan.yes},
	                                     {"replace", .flag = &plan.replace}};
	const struct ctl_arguments wanted = {"restore", .options = options,
	                                     .n_options = ARRAY_LEN(options), .word = &plan.path,
	                                     .wanted = "one FILE is wanted"};

	if (!ctl_arguments(&wanted, argc, argv))
		return CTL_USAGE;
	struct config *config = backup_config(plan.config);
	if (config == NULL)
		return CTL_FAILED;
	int code = run(ctl, &plan, config);
	config_free(&config);
	return code;
}
