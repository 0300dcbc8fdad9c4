/* layer: ctl */
/* test_ctl_backup.c - `backup`, `restore` and `check-store` as an operator calls them, over real stores. */
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <sys/wait.h>

#include "node/ctl/backup_file.h"
#include "node/ctl/ctl.h"
#include "node/io/pair_files.h"
#include "tests/unit/store_story.h"

/* Beside the fixture's own store (the one that is backed up) a host with a configuration and a store. */
struct scene {
	struct fixture f;
	char file[96], config[96], host[96], pair[96], audit[96];
	int quiet; /* standard error and output as they were */
	int loud;
};

static void makes_config(struct scene *s)
{
	static const char text[] = "unit: standalone\n"
				   "audit_file: %s\n"
				   "cluster: {dir: %s}\n"
				   "store: {dir: %s, max_size: 64 MiB}\n"
				   "transports: [{name: u, protocol: udp, address: 127.0.0.1}]\n"
				   "domains: [{name: example.com}]\n";
	struct pair_plan plan = {
		.dir = s->pair, .standalone = true, .force = true, .days = 30, .now = time(NULL)};
	char fault[PAIR_FAULT_MAX];
	FILE *file = fopen(s->config, "w");

	assert_non_null(file);
	assert_true(fprintf(file, text, s->audit, s->pair, s->host) > 0);
	assert_int_equal(fclose(file), 0);
	if (pair_files_make(&plan, fault) != OK)
		fail_msg("%s", fault);
}

/* What the commands say is not asked of here. */
static int hush(int of)
{
	int was = dup(of);
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	assert_true(was >= 0 && nowhere >= 0);
	assert_true(dup2(nowhere, of) >= 0);
	assert_int_equal(close(nowhere), 0);
	return was;
}

static int make_scene(void **state)
{
	struct scene *s = calloc(1, sizeof *s);
	void *f = NULL;

	assert_non_null(s);
	(void)make_fixture(&f);
	s->f = *(struct fixture *)f;
	s->f.options.dir = s->f.dir;
	free(f);
	(void)snprintf(s->file, sizeof s->file, "%s/backup", s->f.top);
	(void)snprintf(s->config, sizeof s->config, "%s/config", s->f.top);
	(void)snprintf(s->host, sizeof s->host, "%s/host", s->f.top);
	(void)snprintf(s->pair, sizeof s->pair, "%s/pair", s->f.top);
	(void)snprintf(s->audit, sizeof s->audit, "%s/audit.log", s->f.top);
	makes_config(s);
	s->loud = getenv("LOUD") != NULL ? dup(2) : hush(STDERR_FILENO);
	(void)fflush(stdout);
	s->quiet = hush(STDOUT_FILENO);
	*state = s;
	return 0;
}

static int drop_scene(void **state)
{
	struct scene *s = *state;

	(void)fflush(stdout);
	assert_true(dup2(s->quiet, STDOUT_FILENO) >= 0);
	assert_true(dup2(s->loud, STDERR_FILENO) >= 0);
	assert_int_equal(close(s->quiet) + close(s->loud), 0);
	store_close(&s->f.store);
	(void)nftw(s->f.top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(s);
	return 0;
}

#define SCENE_TEST(t) cmocka_unit_test_setup_teardown(t, make_scene, drop_scene)

#define NO_MORE ((char *)NULL)
static int runs(ctl_command_fn *command, ...)
{
	struct ctl ctl = {.json = false};
	char *argv[12] = {(char[]){"command"}};
	int argc = 1;
	va_list words;

	va_start(words, command);
	for (char *word = va_arg(words, char *); word != NULL; word = va_arg(words, char *))
		argv[argc++] = word;
	va_end(words);
	return command(&ctl, argc, argv);
}

static int backs_up(struct scene *s, char *file)
{
	return runs(ctl_backup, file, (char[]){"--store"}, s->f.dir, NO_MORE);
}

static int verifies(char *file)
{
	return runs(ctl_backup, (char[]){"--verify"}, file, NO_MORE);
}

static int restores(struct scene *s, char *more)
{
	return runs(ctl_restore, s->file, (char[]){"--yes"}, (char[]){"--config"}, s->config, more,
	            NO_MORE);
}

/* A subscriber each: what is decoded must be a record. */
static void adds(struct scene *s, uint64_t seq, const char *user)
{
	uint8_t room[512];
	struct buf to = buf_on(room, sizeof room);
	struct subscriber_record r = {.user = slice_str(user),
	                              .realm = SLICE("example.com"),
	                              .ha1 = {[0] = {(const uint8_t *)"0123456789abcdef", 16}},
	                              .stamped = {(int64_t)(1000 * seq)}};
	struct entry e = entry_of(seq, user, "");

	subscriber_encode(&r, &to);
	assert_false(to.full);
	e.table = TABLE_SUBSCRIBER;
	e.value = buf_slice(&to);
	assert_int_equal(commit_entry(&s->f, &e), OK);
}

static void makes_store(struct scene *s)
{
	opens(&s->f);
	adds(s, 1, "alice");
	adds(s, 2, "bob");
	(void)checkpoints(&s->f, 2);
	adds(s, 3, "bob");
	adds(s, 4, "carol");
	store_close(&s->f.store);
}

static bool count(void *context, enum table table, struct slice key, struct slice value)
{
	backup_count(context, table, key, value);
	return true;
}

static bool any(void *context, const struct store_end *end)
{
	(void)context;
	(void)end;
	return true;
}

/* Opened as the node would. */
static struct store_meta reads_store(struct scene *s, const char *dir, struct backup_sum *sums)
{
	struct pair_files files;
	char fault[PAIR_FAULT_MAX] = "";
	struct store_options options = {.dir = dir, .max_size = 64 * MIB, .node_id = 99};
	struct store_meta meta;
	struct store *store;

	assert_int_equal(pair_files_load(s->pair, UNIT_STANDALONE, &files, fault), OK);
	memcpy(options.cluster_id, dir == s->f.dir ? s->f.options.cluster_id : files.cluster_id,
	       16);
	memset(sums, 0, BACKUP_TABLES * sizeof *sums);
	if (store_open(&store, &options, s->f.fault) != OK)
		fail_msg("%s", s->f.fault);
	assert_int_equal(store_meta(store, &meta), OK);
	assert_int_equal(store_whole(store, any, count, sums), OK);
	store_close(&store);
	return meta;
}

static void holds_the_same(struct scene *s)
{
	struct backup_sum ours[BACKUP_TABLES], theirs[BACKUP_TABLES];
	struct store_meta was = reads_store(s, s->f.dir, ours);
	struct store_meta is = reads_store(s, s->host, theirs);

	assert_int_equal(ours[TABLE_SUBSCRIBER].count, 3);
	assert_memory_equal(ours, theirs, sizeof ours);
	assert_int_equal(is.applied.seq, was.log_last);
	assert_int_equal(is.applied.reign, REIGN);
	assert_int_equal(is.base.seq, was.log_last);
	assert_int_equal(is.log_first, 0);
	assert_int_equal(is.pair.ms, was.pair.ms);
	assert_int_equal(is.wall_ms, was.wall_ms);
	assert_true(is.restored);
	assert_false(is.lost);
	assert_true(is.node_id != was.node_id && is.node_id != 0);
}

static void a_backup_is_restored_as_it_was(void **state)
{
	struct scene *s = *state;
	struct stat st;

	makes_store(s);
	assert_int_equal(backs_up(s, s->file), CTL_DONE);
	assert_int_equal(stat(s->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(verifies(s->file), CTL_DONE);
	assert_int_equal(restores(s, NULL), CTL_DONE); /* of another pair, too: a new cluster id */
	holds_the_same(s);
	assert_int_equal(runs(ctl_check_store, s->host, NO_MORE), CTL_DONE);
}

static struct slice reads_file(const char *path, uint8_t *room, size_t size)
{
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	size_t n = fread(room, 1, size, file);
	assert_true(n < size);
	assert_int_equal(fclose(file), 0);
	return (struct slice){room, n};
}

/* Who, what, what was there before. */
static void an_operator_s_restore_is_kept(void **state)
{
	struct scene *s = *state;
	uint8_t room[4096];
	char want[128];

	makes_store(s);
	assert_int_equal(backs_up(s, s->file), CTL_DONE);
	assert_int_equal(restores(s, NULL), CTL_DONE);
	assert_int_equal(restores(s, NULL), CTL_FAILED); /* nothing was done */
	assert_int_equal(restores(s, (char[]){"--replace"}), CTL_DONE);
	struct slice kept = reads_file(s->audit, room, sizeof room - 1);
	room[kept.n] = '\0';
	const char *second = strchr((char *)room, '\n');
	assert_non_null(second);
	assert_int_equal(strlen(strchr(second + 1, '\n')), 1); /* two lines */
	assert_non_null(strstr((char *)room, "\"act\":\"restore\""));
	assert_non_null(strstr((char *)room, "\"before\":\"empty\""));
	assert_non_null(strstr((char *)room, "\"seq\":4,\"records\":3"));
	assert_non_null(strstr(second, "holds a store, up to entry 4\""));
	assert_non_null(strstr(second, "\"result\":\"done\""));
	(void)snprintf(want, sizeof want, "\"uid\":%u", (unsigned)getuid());
	assert_non_null(strstr(second, want));
}

/* Root restores, the node is somebody else. */
static void what_root_restores_belongs_to_the_node(void **state)
{
	enum { NOBODY = 65534 };
	struct scene *s = *state;
	char path[160];
	struct stat st;
	int status = 0;

	if (geteuid() != 0)
		skip();
	makes_store(s);
	assert_int_equal(backs_up(s, s->file), CTL_DONE);
	assert_int_equal(chmod(s->f.top, 0755), 0);
	assert_int_equal(mkdir(s->host, 0700), 0);
	assert_int_equal(chown(s->host, NOBODY, NOBODY), 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(restores(s, NULL));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), CTL_DONE);
	static const char *const made[] = {"lock", "current", "gen-2/log/data.mdb", "gen-2/state"};
	for (size_t i = 0; i < ARRAY_LEN(made); i++) {
		(void)snprintf(path, sizeof path, "%s/%s", s->host, made[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_uid, NOBODY);
		assert_int_equal(st.st_gid, NOBODY);
	}
	holds_the_same(s);
}

static void a_store_is_never_overwritten(void **state)
{
	struct scene *s = *state;
	char current[160];

	makes_store(s);
	assert_int_equal(backs_up(s, s->file), CTL_DONE);
	assert_int_equal(restores(s, NULL), CTL_DONE);
	assert_int_equal(restores(s, NULL), CTL_FAILED); /* something is there now */
	holds_the_same(s);
	assert_int_equal(restores(s, (char[]){"--replace"}), CTL_DONE);
	holds_the_same(s);
	(void)snprintf(current, sizeof current, "%s/current", s->host);
	assert_int_equal(truncate(current, 0), 0); /* damaged: it is something, too */
	assert_int_equal(runs(ctl_check_store, s->host, NO_MORE), CTL_FAILED);
	assert_int_equal(restores(s, NULL), CTL_FAILED);
	assert_int_equal(restores(s, (char[]){"--replace"}), CTL_DONE);
	holds_the_same(s);
}

/* Done again, as a playbook may do it, it does not throw away what was set aside the first time. */
static void what_was_set_aside_stays_when_a_backup_replaces_a_backup(void **state)
{
	struct scene *s = *state;
	struct backup_sum old[BACKUP_TABLES], sums[BACKUP_TABLES];
	char path[PATH_MAX];
	glob_t found;

	makes_store(s);
	assert_int_equal(backs_up(s, s->file), CTL_DONE);
	(void)snprintf(s->host, sizeof s->host, "%s",
	               s->f.dir); /* what it was made of is there still */
	opens(&s->f);
	adds(s, 5, "dave");
	store_close(&s->f.store);
	(void)reads_store(s, s->f.dir, old);
	makes_config(s);
	for (int i = 0; i < 3; i++)
		assert_int_equal(restores(s, (char[]){"--replace"}), CTL_DONE);
	(void)snprintf(path, sizeof path, "%s/broken-*", s->host);
	assert_int_equal(glob(path, 0, NULL, &found), 0);
	assert_int_equal(found.gl_pathc, 1);
	char aside[PATH_MAX];
	(void)snprintf(aside, sizeof aside, "%s", found.gl_pathv[0]);
	globfree(&found);
	struct store *store;
	assert_int_equal(store_open_reading(&store, aside, s->f.fault), OK);
	memset(sums, 0, sizeof sums);
	assert_int_equal(store_whole(store, any, count, sums), OK);
	store_close(&store);
	assert_memory_equal(sums, old, sizeof sums);
	/* Another pair's files meanwhile: it is a store of another pair, and set aside. */
	makes_config(s);
	assert_int_equal(restores(s, NULL), CTL_FAILED);
	assert_int_equal(restores(s, (char[]){"--replace"}), CTL_DONE);
	assert_true(reads_store(s, s->host, sums).restored);
}

/* A node that was started with nothing has a store, and nothing in it. */
static void an_empty_store_is_no_store(void **state)
{
	struct scene *s = *state;
	struct backup_sum sums[BACKUP_TABLES];

	makes_store(s);
	assert_int_equal(backs_up(s, s->file), CTL_DONE);
	(void)reads_store(s, s->host, sums);
	assert_int_equal(runs(ctl_backup, (char[]){"/nowhere/backup"}, (char[]){"--store"},
	                      s->f.dir, NO_MORE),
	                 CTL_FAILED);
	assert_int_equal(runs(ctl_backup, s->pair, (char[]){"--store"}, s->host, NO_MORE),
	                 CTL_FAILED);
	assert_int_equal(runs(ctl_check_store, s->host, NO_MORE), CTL_DONE);
	assert_int_equal(restores(s, NULL), CTL_DONE);
	holds_the_same(s);
}

static void a_store_in_use_is_left_alone(void **state)
{
	struct scene *s = *state;
	struct stat st;

	makes_store(s);
	assert_int_equal(backs_up(s, s->file), CTL_DONE);
	opens(&s->f);
	(void)snprintf(s->host, sizeof s->host, "%s", s->f.dir);
	makes_config(s);
	assert_int_equal(restores(s, (char[]){"--replace"}), CTL_FAILED);
	assert_int_equal(stat(s->f.dir, &st), 0);
	adds(s, 5, "dave"); /* the one who has it goes on */
}

static void writes_file(const char *path, struct slice bytes)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes.p, 1, bytes.n, file), bytes.n);
	assert_int_equal(fclose(file), 0);
}

/* Refused, whole as it is: nothing of the store is touched. */
static void a_flipped_bit_or_a_cut_anywhere_is_refused(void **state)
{
	struct scene *s = *state;
	uint8_t room[4096];
	struct backup_found found;
	struct stat st;

	makes_store(s);
	assert_int_equal(backs_up(s, s->file), CTL_DONE);
	struct slice bytes = reads_file(s->file, room, sizeof room - 1);
	for (size_t i = 0; i < bytes.n * 8; i++) {
		room[i / 8] ^= (uint8_t)(1U << i % 8);
		FILE *file = fmemopen(room, bytes.n, "r");
		assert_false(backup_check(file, s->file, &found));
		assert_int_equal(fclose(file), 0);
		room[i / 8] ^= (uint8_t)(1U << i % 8);
	}
	for (size_t n = 0; n <= bytes.n + 1; n++) {
		writes_file(s->file, (struct slice){room, n});
		assert_int_equal(verifies(s->file), n == bytes.n ? CTL_DONE : CTL_FAILED);
	}
	room[bytes.n / 2] ^= 1;
	writes_file(s->file, bytes);
	assert_int_equal(restores(s, NULL), CTL_FAILED);
	assert_int_equal(stat(s->host, &st), -1);
}

/* What stood there before is there until the new one is whole. */
static void a_backup_replaces_the_one_before_or_leaves_it(void **state)
{
	struct scene *s = *state;
	uint8_t first[4096], second[4096];
	struct backup_sum sums[BACKUP_TABLES];
	char path_new[128];

	makes_store(s);
	assert_int_equal(backs_up(s, s->file), CTL_DONE);
	struct slice was = reads_file(s->file, first, sizeof first);
	(void)reads_store(s, s->host, sums); /* an empty one */
	assert_int_equal(runs(ctl_backup, s->file, (char[]){"--store"}, s->host, NO_MORE),
	                 CTL_FAILED);
	assert_true(slice_eq(reads_file(s->file, second, sizeof second), was));
	(void)snprintf(path_new, sizeof path_new, "%s.new", s->file);
	assert_int_equal(access(path_new, F_OK), -1);
	writes_file(path_new, SLICE("left by one that was killed"));
	opens(&s->f);
	adds(s, 5, "dave");
	store_close(&s->f.store);
	assert_int_equal(backs_up(s, s->file), CTL_DONE);
	assert_int_equal(access(path_new, F_OK), -1);
	assert_false(slice_eq(reads_file(s->file, second, sizeof second), was));
	assert_int_equal(verifies(s->file), CTL_DONE);
}

static void wrong_usage_is_told_apart(void **state)
{
	struct scene *s = *state;

	assert_int_equal(runs(ctl_backup, NO_MORE), CTL_USAGE);
	assert_int_equal(runs(ctl_backup, (char[]){"--what"}, NO_MORE), CTL_USAGE);
	assert_int_equal(runs(ctl_restore, NO_MORE), CTL_USAGE);
	assert_int_equal(runs(ctl_restore, (char[]){"--what"}, s->file, NO_MORE), CTL_USAGE);
	assert_int_equal(runs(ctl_check_store, (char[]){"a"}, (char[]){"b"}, NO_MORE), CTL_USAGE);
	assert_int_equal(runs(ctl_check_store, (char[]){"/nowhere"}, NO_MORE), CTL_FAILED);
	assert_int_equal(runs(ctl_backup, s->file, (char[]){"--config"}, s->host, NO_MORE),
	                 CTL_FAILED);
	assert_int_equal(restores(s, NULL), CTL_FAILED); /* no such backup */
	makes_store(s);
	assert_int_equal(backs_up(s, s->file), CTL_DONE);
	/* Nobody can be asked here. */
	assert_int_equal(runs(ctl_restore, s->file, (char[]){"--config"}, s->config, NO_MORE),
	                 CTL_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(a_backup_is_restored_as_it_was),
		SCENE_TEST(an_operator_s_restore_is_kept),
		SCENE_TEST(what_root_restores_belongs_to_the_node),
		SCENE_TEST(a_store_is_never_overwritten),
		SCENE_TEST(what_was_set_aside_stays_when_a_backup_replaces_a_backup),
		SCENE_TEST(an_empty_store_is_no_store),
		SCENE_TEST(a_store_in_use_is_left_alone),
		SCENE_TEST(a_flipped_bit_or_a_cut_anywhere_is_refused),
		SCENE_TEST(a_backup_replaces_the_one_before_or_leaves_it),
		SCENE_TEST(wrong_usage_is_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
