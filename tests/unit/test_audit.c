/* layer: io */
/* What operators do on the control socket, as the audit log has it. */
#include <pty.h>
#include <sys/wait.h>

#include "node/io/asker.h"
#include "tests/unit/control_client.h"

#define HEX32 "0123456789abcdef0123456789abcdef"
#define PUT                                                                                      \
	"{\"id\":5,\"command\":\"subscriber-put\",\"user\":\"alice\",\"realm\":\"example.com\"," \
	"\"md5\":\"" HEX32 "\",\"sha256\":\"" HEX32 HEX32 "\",\"sha512_256\":\"" HEX32 HEX32     \
	"\",\"replace\":true}\n"

enum { FILE_MAX = 64 * 1024 };

struct kept {
	char path[64];
};

/* The control socket opened anew, with an audit log in its folder. */
static void keep_audit(struct loop *l, struct kept *k)
{
	(void)snprintf(k->path, sizeof k->path, "%s/audit.log", l->dir);
	control_close(&l->control);
	l->config.audit_file = k->path;
	l->control = control_open(l, l->path, CONTROL_OPERATOR);
	assert_non_null(l->control);
	l->config.audit_file = NULL; /* only looked at by the opening */
}

static const char *text_of(const char *path)
{
	static char text[FILE_MAX];
	FILE *file = fopen(path, "re");
	size_t n = 0;

	if (file != NULL) {
		n = fread(text, 1, sizeof text - 1, file);
		(void)fclose(file);
	}
	text[n] = '\0';
	return text;
}

static size_t lines_in(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

/* The last line without who and when, sorted by key. */
static void expect_last(const char *path, const char *expected)
{
	static const char *const who[] = {"time", "uid",     "user",     "login_uid", "login",
	                                  "pid",  "program", "terminal", "from"};
	const char *text = text_of(path);
	const char *line = text;

	for (const char *next = text; (next = strchr(next, '\n')) != NULL && next[1] != '\0';)
		line = ++next;
	json_t *act = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
	assert_non_null(act);
	for (size_t i = 0; i < ARRAY_LEN(who); i++)
		(void)json_object_del(act, who[i]);
	char *left = json_dumps(act, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(left, expected);
	free(left);
	json_decref(act);
}

static void end(struct kept *k, int fd)
{
	(void)close(fd);
	assert_int_equal(unlink(k->path), 0);
}

static void a_change_is_kept_with_who_did_it_and_what_it_changed(void **state)
{
	struct loop *l = *state;
	struct kept k;
	keep_audit(l, &k);
	int fd = dial(l);
	char uid[32], pid[32];

	say(l, fd, PUT, strlen(PUT));
	turn(l);
	assert_string_equal(text_of(k.path), ""); /* not before it is known what came of it */
	put_subscriber(l, "alice", false);
	control_answer(l->control, l->seen[0].ticket, true, SLICE("done"));
	json_decref(result_of(hear(l, fd)));
	expect_last(k.path,
	            "{\"act\":\"subscriber-put\",\"after\":{\"changed_ms\":0},\"before\":null,"
	            "\"result\":\"done\",\"target\":\"alice@example.com\","
	            "\"text\":\"done\"}");
	(void)snprintf(uid, sizeof uid, "\"uid\":%d,", (int)getuid());
	(void)snprintf(pid, sizeof pid, "\"pid\":%d,", (int)getpid());
	assert_non_null(strstr(text_of(k.path), uid));
	assert_non_null(strstr(text_of(k.path), pid));
	assert_non_null(strstr(text_of(k.path), "\"program\":\"test_audit\""));
	/* NOW_MS - 1500 */
	assert_memory_equal(text_of(k.path), "{\"time\":\"1970-01-01T00:16:38.500Z\",", 35);
	assert_null(strstr(text_of(k.path), HEX32));
	end(&k, fd);
}

static void what_is_refused_is_kept_too(void **state)
{
	struct loop *l = *state;
	struct kept k;
	keep_audit(l, &k);
	int fd = dial(l);

	expect_error(ask(l, fd,
	                 "{\"command\":\"subscriber-remove\",\"user\":\"a\",\"realm\":\"x\"}"),
	             "no such domain");
	expect_last(k.path,
	            "{\"act\":\"subscriber-remove\",\"after\":null,\"before\":null,"
	            "\"result\":\"refused\",\"target\":\"a@x\",\"text\":\"no such domain: x; "
	            "configured: example.com, example.net\"}");
	l->refuse = true;
	expect_error(ask(l, fd, "{\"command\":\"switchover\",\"force\":true}"), "standby");
	expect_last(k.path, "{\"act\":\"switchover\",\"after\":{\"epoch\":0,\"pair_state\":\"\","
	                    "\"role\":\"standby\"},\"before\":{\"epoch\":0,\"pair_state\":\"\","
	                    "\"role\":\"standby\"},\"forced\":true,\"result\":\"refused\","
	                    "\"target\":\"\",\"text\":\"this node is standby\"}");
	assert_int_equal(lines_in(text_of(k.path)), 2);
	end(&k, fd);
}

static void whoever_hangs_up_before_the_answer_did_it_all_the_same(void **state)
{
	struct loop *l = *state;
	struct kept k;
	keep_audit(l, &k);
	int fd = dial(l);
	static const char text[] = "{\"command\":\"aor-remove\",\"aor\":\"Bob@Example.com\"}\n";

	say(l, fd, text, sizeof text - 1);
	turn(l);
	assert_int_equal(l->n_seen, 1);
	control_close(&l->control);
	expect_last(k.path, "{\"act\":\"aor-remove\",\"before\":[],\"result\":\"unanswered\","
	                    "\"target\":\"sip:Bob@example.com\",\"text\":\"\"}");
	l->control = control_open(l, l->path, CONTROL_OPERATOR);
	end(&k, fd);
}

static void who_only_looks_leaves_no_trace(void **state)
{
	static const char *const requests[] = {"{\"command\":\"status\"}",
	                                       "{\"command\":\"subscribers\"}",
	                                       "{\"command\":\"log-level\"}",
	                                       "{\"command\":\"dance\"}", "{}"};
	struct loop *l = *state;
	struct kept k;
	keep_audit(l, &k);
	int fd = dial(l);

	for (size_t i = 0; i < ARRAY_LEN(requests); i++)
		json_decref(ask(l, fd, requests[i]));
	say(l, fd, "{\"command\":\"diff\"}\n", 19);
	turn(l);
	control_answer(l->control, l->seen[0].ticket, true, SLICE("equal"));
	json_decref(hear(l, fd));
	assert_int_equal(access(k.path, F_OK), -1);
	(void)close(fd);
}

static void a_file_that_was_renamed_is_made_anew(void **state)
{
	struct loop *l = *state;
	struct kept k, rotated;
	keep_audit(l, &k);
	int fd = dial(l);

	(void)snprintf(rotated.path, sizeof rotated.path, "%s/audit.log.1", l->dir);
	json_decref(ask(l, fd, "{\"command\":\"log-level\",\"level\":\"warn\"}"));
	assert_int_equal(rename(k.path, rotated.path), 0);
	json_decref(ask(l, fd, "{\"command\":\"log-level\",\"level\":\"info\"}"));
	assert_non_null(strstr(text_of(rotated.path), "\"after\":\"warn\""));
	assert_int_equal(lines_in(text_of(rotated.path)), 1);
	expect_last(k.path, "{\"act\":\"log-level\",\"after\":\"info\",\"before\":\"warn\","
	                    "\"result\":\"done\",\"target\":\"\",\"text\":\"\"}");
	assert_int_equal(lines_in(text_of(k.path)), 1);
	assert_int_equal(unlink(rotated.path), 0);
	end(&k, fd);
}

/* A log of the test's own, for one act. */
static void expect_logged(struct loop *l, const char *part, const char *also)
{
	char path[64];
	int before = l->the_log.fd;
	int fd = dial(l);

	(void)snprintf(path, sizeof path, "%s/log", l->dir);
	l->the_log.fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	l->the_log.level = LOG_NOTICE;
	json_decref(ask(l, fd, "{\"command\":\"log-level\",\"level\":\"info\"}"));
	assert_non_null(strstr(text_of(path), part));
	assert_non_null(strstr(text_of(path), also));
	(void)close(l->the_log.fd);
	(void)close(fd);
	assert_int_equal(unlink(path), 0);
	l->the_log.fd = before;
}

static void without_a_file_the_log_has_it(void **state)
{
	struct loop *l = *state;

	expect_logged(l, "level=notice audit={\"time\":", "\"act\":\"log-level\"");
}

static void a_file_that_cannot_be_written_costs_no_line(void **state)
{
	struct loop *l = *state;
	static char nowhere[] = "/nonexistent/audit.log";

	control_close(&l->control);
	l->config.audit_file = nowhere;
	l->control = control_open(l, l->path, CONTROL_OPERATOR);
	expect_logged(l, "level=error audit=unwritten file=/nonexistent/audit.log",
	              "audit={\"time\":");
	l->config.audit_file = NULL;
}

static void a_reload_is_kept_with_what_changed_and_a_signal_is_told_as_one(void **state)
{
	struct loop *l = *state;
	struct kept k;
	keep_audit(l, &k);
	int fd = dial(l);

	say(l, fd, "{\"command\":\"reload\"}\n", 21);
	turn(l);
	control_reloaded(l->control, l->reload,
	                 json_pack("{sb ss s[{ss}]}", "reloaded", 1, "why", "", "changes", "what",
	                           "naps[a]: added"));
	json_decref(hear(l, fd));
	expect_last(k.path, "{\"act\":\"reload\",\"changes\":[{\"what\":\"naps[a]: added\"}],"
	                    "\"result\":\"done\",\"target\":\"\",\"text\":\"\"}");
	control_reloaded(l->control, 0,
	                 json_pack("{sb ss s[]}", "reloaded", 0, "why", "x.yaml:3: no", "changes"));
	expect_last(k.path, "{\"act\":\"reload\",\"by\":\"SIGHUP\",\"changes\":[],"
	                    "\"result\":\"refused\",\"text\":\"x.yaml:3: no\"}");
	control_reloaded(l->control, 4711,
	                 json_object()); /* whoever asked is gone, and was told of */
	assert_int_equal(lines_in(text_of(k.path)), 2);
	end(&k, fd);
}

static void the_level_of_the_log_is_changed_at_once(void **state)
{
	struct loop *l = *state;
	int fd = dial(l);

	l->config.log_level = LOG_NOTICE;
	json_t *result = result_of(ask(l, fd, "{\"command\":\"log-level\",\"level\":\"debug\"}"));
	char *text = json_dumps(result, JSON_COMPACT);
	assert_string_equal(text, "{\"level\":\"debug\",\"configured\":\"notice\"}");
	assert_int_equal(l->the_log.level, LOG_DEBUG);
	expect_error(ask(l, fd, "{\"command\":\"log-level\",\"level\":\"loud\"}"),
	             "error, warn, notice");
	expect_error(ask(l, fd, "{\"command\":\"log-level\",\"level\":7}"), "error, warn, notice");
	assert_int_equal(l->the_log.level, LOG_DEBUG);
	free(text);
	json_decref(result);
	(void)close(fd);
}

/* Who came by SSH and runs something on a terminal: a process like that. */
static void whence_somebody_came_is_found_in_the_processes_before_him(void **state)
{
	char *const shell[] = {(char[]){"/bin/sh"}, (char[]){"-c"},
	                       (char[]){"env -u SSH_CONNECTION sleep 60 & echo $!; wait"}, NULL};
	char *const environment[] = {(char[]){"SSH_CONNECTION=192.0.2.7 50000 192.0.2.1 22"},
	                             (char[]){"PATH=/usr/bin:/bin"}, NULL};
	char said[32] = "";
	size_t n = 0;
	int tty;
	(void)state;
	pid_t parent = forkpty(&tty, NULL, NULL, NULL);

	assert_true(parent >= 0);
	if (parent == 0) {
		(void)execve(shell[0], shell, environment);
		_exit(1);
	}
	while (n + 1 < sizeof said && strchr(said, '\n') == NULL) {
		ssize_t got = read(tty, said + n, sizeof said - 1 - n);
		assert_true(got > 0);
		n += (size_t)got;
	}
	pid_t child = (pid_t)strtol(said, NULL, 10);
	/* `env` is still to become `sleep`. */
	json_t *who = asker_of(child, 0);
	while (strcmp(json_string_value(json_object_get(who, "program")), "sleep") != 0) {
		json_decref(who);
		who = asker_of(child, 0);
	}
	assert_string_equal(json_string_value(json_object_get(who, "from")), "192.0.2.7");
	assert_memory_equal(json_string_value(json_object_get(who, "terminal")), "pts/", 4);
	assert_string_equal(json_string_value(json_object_get(who, "user")), "root");
	json_decref(who);
	(void)kill(child, SIGKILL);
	(void)close(tty);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
}

static void of_a_process_that_is_gone_the_kernel_s_word_stands(void **state)
{
	(void)state;
	json_t *who = asker_of(0x7ffffff0, 65533);
	char *text = json_dumps(who, JSON_COMPACT);

	assert_string_equal(text, "{\"uid\":65533,\"pid\":2147483632}");
	free(text);
	json_decref(who);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_change_is_kept_with_who_did_it_and_what_it_changed),
		CASE(what_is_refused_is_kept_too),
		CASE(whoever_hangs_up_before_the_answer_did_it_all_the_same),
		CASE(who_only_looks_leaves_no_trace),
		CASE(a_file_that_was_renamed_is_made_anew),
		CASE(without_a_file_the_log_has_it),
		CASE(a_file_that_cannot_be_written_costs_no_line),
		CASE(a_reload_is_kept_with_what_changed_and_a_signal_is_told_as_one),
		CASE(the_level_of_the_log_is_changed_at_once),
		cmocka_unit_test(whence_somebody_came_is_found_in_the_processes_before_him),
		cmocka_unit_test(of_a_process_that_is_gone_the_kernel_s_word_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
