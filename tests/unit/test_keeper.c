/* layer: io */
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "node/io/keeper.h"
#include "tests/check.h"
#include "tests/unit/fake_loop.h"

enum { PATIENCE_MS = 5000 };

struct scene {
	struct loop loop;
	struct keeper *keeper;
	char root[64];
	char fifo[128], track[128], pid_file[128];
};

static void address_is(struct scene *s, const char *text)
{
	assert_true(addr_parse(slice_str(text), &s->loop.config.keepalived_address));
}

static int open_scene(void **state)
{
	struct scene *s = calloc(1, sizeof *s);
	struct config *c = NULL;

	assert_non_null(s);
	c = &s->loop.config;
	fake_loop_open(&s->loop, event_base_new());
	(void)snprintf(s->root, sizeof s->root, "/tmp/regpair-test-keeper-XXXXXX");
	assert_non_null(mkdtemp(s->root));
	(void)snprintf(s->fifo, sizeof s->fifo, "%s/vrrp.fifo", s->root);
	(void)snprintf(s->track, sizeof s->track, "%s/fault", s->root);
	(void)snprintf(s->pid_file, sizeof s->pid_file, "%s/pid", s->root);
	c->unit = UNIT_PRIMARY;
	c->keepalived_fifo = s->fifo;
	c->keepalived_track_file = s->track;
	c->keepalived_pid_file = s->pid_file;
	address_is(s, "192.0.2.77");
	*state = s;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *s = *state;

	keeper_close(&s->keeper);
	fake_loop_close(&s->loop);
	event_base_free(s->loop.base);
	(void)unlink(s->fifo);
	(void)unlink(s->track);
	(void)unlink(s->pid_file);
	int left = rmdir(s->root);
	free(s);
	return left;
}

static void open_keeper(struct scene *s)
{
	bool failed = true;

	s->keeper = keeper_open(&s->loop, &failed);
	assert_non_null(s->keeper);
	assert_false(failed);
}

static bool until_fed(struct scene *s, size_t wanted)
{
	struct mtime end = mtime_add_ms(loop_now(&s->loop), PATIENCE_MS);

	while (s->loop.fed < wanted && !mtime_reached(end, loop_now(&s->loop)))
		fake_loop_turn(&s->loop);
	return s->loop.fed >= wanted;
}

static void assert_track(const struct scene *s, const char *wanted)
{
	char text[16] = {0};
	int fd = open(s->track, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof text - 1) >= 0);
	(void)close(fd);
	assert_string_equal(text, wanted);
}

static void write_pid(const struct scene *s, pid_t pid)
{
	FILE *f = fopen(s->pid_file, "we");

	assert_non_null(f);
	assert_true(fprintf(f, "%d\n", (int)pid) > 0);
	assert_int_equal(fclose(f), 0);
}

static pid_t start_process(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	assert_true(pid > 0);
	return pid;
}

static void the_track_file_says_fault_until_told_otherwise(void **state)
{
	struct scene *s = *state;

	open_keeper(s);
	assert_track(s, "1\n");
	keeper_fault(s->keeper, false);
	assert_track(s, "0\n");
	keeper_close(&s->keeper);
	assert_track(s, "1\n");
}

/* keepalived watches the file itself. */
static void the_track_file_stays_the_same_file(void **state)
{
	struct scene *s = *state;
	struct stat before;
	struct stat after;
	FILE *f = fopen(s->track, "we");

	assert_non_null(f);
	assert_true(fputs("something longer\n", f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(stat(s->track, &before), 0);
	open_keeper(s);
	keeper_fault(s->keeper, false);
	assert_int_equal(stat(s->track, &after), 0);
	assert_true(before.st_ino == after.st_ino);
	assert_track(s, "0\n");
}

static void the_start_says_what_is_so(void **state)
{
	struct scene *s = *state;

	address_is(s, "127.0.0.1");
	write_pid(s, getpid());
	open_keeper(s);
	assert_int_equal(s->loop.fed, 0);
	keeper_start(s->keeper);
	assert_int_equal(s->loop.fed, 1);
	assert_true(s->loop.address_here);
	assert_true(s->loop.keepalived_alive);
}

static void a_process_is_seen_to_come_and_go(void **state)
{
	struct scene *s = *state;

	open_keeper(s);
	keeper_start(s->keeper);
	assert_false(s->loop.keepalived_alive);

	pid_t pid = start_process();
	write_pid(s, pid);
	assert_true(until_fed(s, 2));
	assert_true(s->loop.keepalived_alive);

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_true(until_fed(s, 3));
	assert_false(s->loop.keepalived_alive);
	/* Its file still names it, and it is still to be waited for: it stays dead. */
	assert_false(s->loop.fed > 3);
	for (int i = 0; i < 100; i++)
		fake_loop_turn(&s->loop);
	assert_int_equal(s->loop.fed, 3);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void lines_in_the_fifo_change_nothing_by_themselves(void **state)
{
	struct scene *s = *state;

	open_keeper(s);
	keeper_start(s->keeper);
	int fd = open(s->fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(write(fd, "INSTANCE \"V1\" MASTER 100\n", 25) == 25);
	for (int i = 0; i < 10; i++)
		fake_loop_turn(&s->loop);
	assert_int_equal(s->loop.fed, 1);
	assert_int_equal(write(fd, "INSTANCE \"V1\" BACKUP 100\n", 25), 25); /* it was drained */
	(void)close(fd);
}

/* A13: the FIFO goes, and a keepalived that is started anew makes another. */
static void a_lost_fifo_is_found_again(void **state)
{
	struct scene *s = *state;
	pid_t child = start_process();
	struct stat st;

	address_is(s, "127.0.0.1");
	write_pid(s, child);
	open_keeper(s);
	keeper_start(s->keeper);
	assert_int_equal(unlink(s->fifo), 0);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_true(until_fed(s, 2));
	assert_false(s->loop.keepalived_alive);
	assert_int_equal(mkfifo(s->fifo, 0600), 0);
	write_pid(s, getpid());
	assert_true(until_fed(s, 3));
	assert_true(s->loop.keepalived_alive);
	int fd = open(s->fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0); /* it has a reader */
	assert_true(stat(s->fifo, &st) == 0 && S_ISFIFO(st.st_mode));
	(void)close(fd);
}

static void a_name_taken_by_another_file_refuses_the_start(void **state)
{
	struct scene *s = *state;
	bool failed = false;
	FILE *f = fopen(s->fifo, "we");

	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
	assert_null(keeper_open(&s->loop, &failed));
	assert_true(failed);
}

static void a_standalone_unit_has_no_keeper(void **state)
{
	struct scene *s = *state;
	bool failed = true;

	s->loop.config.unit = UNIT_STANDALONE;
	assert_null(keeper_open(&s->loop, &failed));
	assert_false(failed);
	keeper_start(NULL);
	keeper_fault(NULL, true);
}

static bool ip(const char *arguments)
{
	char command[128];

	(void)snprintf(command, sizeof command, "ip %s", arguments);
	return system(command) == 0; /* NOLINT(cert-env33-c): in a namespace of the test's own */
}

/* Last: this process does not come back from its network namespace. */
static void the_address_is_seen_to_come_and_go(void **state)
{
	struct scene *s = *state;

	if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		skip();
	if (!ip("link set lo up"))
		skip();
	open_keeper(s);
	keeper_start(s->keeper);
	assert_false(s->loop.address_here);
	assert_true(ip("address add 192.0.2.78/32 dev lo"));
	assert_true(ip("address add 192.0.2.77/32 dev lo"));
	assert_true(until_fed(s, 2));
	assert_true(s->loop.address_here);
	assert_true(ip("address del 192.0.2.77/32 dev lo"));
	assert_true(until_fed(s, 3));
	assert_false(s->loop.address_here);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(the_track_file_says_fault_until_told_otherwise),
		STORY(the_track_file_stays_the_same_file),
		STORY(the_start_says_what_is_so),
		STORY(a_process_is_seen_to_come_and_go),
		STORY(lines_in_the_fifo_change_nothing_by_themselves),
		STORY(a_lost_fifo_is_found_again),
		STORY(a_name_taken_by_another_file_refuses_the_start),
		STORY(a_standalone_unit_has_no_keeper),
		STORY(the_address_is_seen_to_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
