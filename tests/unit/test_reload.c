/* layer: io */
/* The configuration read again, by the thread of its own, with a loop of the test's. */
#include <fcntl.h>

#include <event2/event.h>

#include "node/io/loop_parts.h"
#include "node/io/peer_tls.h"
#include "node/io/reload.h"
#include "tests/unit/config_text.h"

enum { PATIENCE_TURNS = 2000, LOG_MAX = 64 * 1024, TICKET = 7 };

/* The runner's part: what the node and whoever asked would get. */
struct stage {
	struct loop loop;
	struct log log;
	char dir[32], path[64], log_path[64];
	size_t fed;
	char first_nap[64];
	json_t *outcome;
	size_t renewals; /* of the link's certificates */
};

static struct stage *stage_of(struct loop *l)
{
	return (struct stage *)(void *)l;
}

struct event_base *loop_base(const struct loop *l)
{
	return l->base;
}

struct log *loop_log(const struct loop *l)
{
	return l->log;
}

void loop_feed_naps(struct loop *l)
{
	struct stage *s = stage_of(l);

	s->fed++;
	(void)snprintf(s->first_nap, sizeof s->first_nap, "%s",
	               l->config->nap_count > 0 ? l->config->naps[0].name : "");
}

void control_reloaded(struct control *c, uint64_t ticket, json_t *outcome)
{
	struct stage *s = (struct stage *)(void *)c;

	assert_int_equal(ticket, TICKET);
	json_decref(s->outcome);
	s->outcome = outcome;
}

void loop_figures_begin(struct loop *l)
{
	(void)l;
}

void peer_link_renew(struct peer_link *p, struct peer_tls *tls)
{
	struct stage *s = (struct stage *)(void *)p;

	s->renewals++;
	peer_tls_close(&tls);
}

static void write_file(struct stage *s, const char *text)
{
	FILE *file = fopen(s->path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
	struct stage *s = calloc(1, sizeof *s);
	struct config_fault fault;

	assert_non_null(s);
	*state = s;
	(void)snprintf(s->dir, sizeof s->dir, "/tmp/reload-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	(void)snprintf(s->path, sizeof s->path, "%s/regpair.yaml", s->dir);
	(void)snprintf(s->log_path, sizeof s->log_path, "%s/log", s->dir);
	write_file(s, STANDALONE "naps: [{name: a, password: geheim1}]\n");
	assert_int_equal(config_load(s->path, &s->loop.config, &fault), OK);
	s->log.level = LOG_NOTICE;
	s->log.fd = open(s->log_path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	s->loop.log = &s->log;
	s->loop.base = event_base_new();
	s->loop.control = (struct control *)(void *)s;
	s->loop.link = (struct peer_link *)(void *)s;
	s->loop.reload = reload_open(&s->loop, s->path);
	assert_non_null(s->loop.reload);
	return 0;
}

static int teardown(void **state)
{
	struct stage *s = *state;

	assert_true(reload_close(&s->loop.reload));
	assert_null(s->loop.reload);
	config_free(&s->loop.config);
	event_base_free(s->loop.base);
	json_decref(s->outcome);
	(void)close(s->log.fd);
	(void)unlink(s->log_path);
	(void)unlink(s->path);
	assert_int_equal(rmdir(s->dir), 0);
	free(s);
	return 0;
}

static void await(struct stage *s)
{
	static const struct timeval tick = {.tv_usec = 5000};

	for (int turns = 0; s->outcome == NULL && turns < PATIENCE_TURNS; turns++) {
		(void)event_base_loopexit(s->loop.base, &tick);
		(void)event_base_loop(s->loop.base, EVLOOP_ONCE);
	}
	assert_non_null(s->outcome);
}

/* Reloads with this in the file: done, or refused and why. */
static bool reload(struct stage *s, const char *text)
{
	write_file(s, text);
	json_decref(s->outcome);
	s->outcome = NULL;
	assert_true(reload_begin(s->loop.reload, TICKET));
	await(s);
	return json_is_true(json_object_get(s->outcome, "reloaded"));
}

static const char *why(const struct stage *s)
{
	return json_string_value(json_object_get(s->outcome, "why"));
}

static const char *change(const struct stage *s, size_t i)
{
	const json_t *one = json_array_get(json_object_get(s->outcome, "changes"), i);

	return json_string_value(json_object_get(one, "what"));
}

static size_t changes(const struct stage *s)
{
	return json_array_size(json_object_get(s->outcome, "changes"));
}

static bool logged(struct stage *s, const char *part)
{
	static char text[LOG_MAX];
	ssize_t n = pread(s->log.fd, text, sizeof text - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	return strstr(text, part) != NULL;
}

/* A32 */
static void naps_and_the_level_of_the_log_change_at_once(void **state)
{
	struct stage *s = *state;

	assert_true(reload(s, STANDALONE "log: {level: debug}\nnaps: [{name: b}, {name: c}]\n"));
	assert_int_equal(changes(s), 4);
	assert_string_equal(change(s, 0), "log.level: notice -> debug");
	assert_string_equal(change(s, 1), "naps[a]: removed");
	assert_int_equal(s->fed, 1);
	assert_string_equal(s->first_nap, "b");
	assert_int_equal(s->log.level, LOG_DEBUG);
	assert_int_equal(s->loop.config->nap_count, 2);
	assert_true(logged(s, "level=notice config=changed what=\"naps[b]: added\"\n"));
	assert_true(logged(s, "level=notice config=reloaded changes=4\n"));
}

/* A32: an operator's `nap unregister` lasts until a reload. */
static void a_reload_without_a_change_gives_the_node_its_naps_again(void **state)
{
	struct stage *s = *state;

	assert_true(reload(s, STANDALONE "naps: [{name: a, password: geheim1}]\n"));
	assert_int_equal(changes(s), 0);
	assert_int_equal(s->fed, 1);
	assert_string_equal(s->first_nap, "a");
}

/* A32 */
static void one_key_that_wants_a_restart_refuses_all_of_it(void **state)
{
	struct stage *s = *state;

	assert_false(reload(s, STANDALONE "commit: disk\nlog: {level: debug}\nnaps: []\n"));
	assert_string_equal(why(s), "1 of 3 changes want a restart: nothing was changed");
	assert_int_equal(s->fed, 0);
	assert_int_equal(s->log.level, LOG_NOTICE);
	assert_int_equal(s->loop.config->nap_count, 1);
	assert_int_equal(s->loop.config->commit, CONFIG_COMMIT_BOTH);
	assert_true(logged(s, "level=error config=wants-restart what=\"commit: both -> disk\"\n"));
	assert_false(logged(s, "log.level"));
}

/* A32 */
static void a_file_that_is_wrong_changes_nothing(void **state)
{
	struct stage *s = *state;
	char part[128];

	assert_false(reload(s, STANDALONE "naps: [{name: b, proxy: p..net}]\n"));
	(void)snprintf(part, sizeof part, "%s:4: `naps.proxy`: `p..net` is not", s->path);
	assert_non_null(strstr(why(s), part));
	assert_int_equal(changes(s), 0);
	assert_int_equal(s->fed, 0);
	assert_string_equal(s->loop.config->naps[0].name, "a");
	assert_true(logged(s, "level=error config=refused why="));
	assert_true(reload(s, STANDALONE "naps: [{name: b}]\n"));
	assert_string_equal(s->first_nap, "b");
}

static void a_file_that_is_gone_changes_nothing(void **state)
{
	struct stage *s = *state;

	assert_int_equal(unlink(s->path), 0);
	assert_true(reload_begin(s->loop.reload, TICKET));
	await(s);
	assert_non_null(strstr(why(s), "cannot be read: No such file or directory"));
	assert_int_equal(s->fed, 0);
}

static void a_password_is_shown_to_nobody(void **state)
{
	struct stage *s = *state;

	assert_true(reload(s, STANDALONE "naps: [{name: a, password: geheim2}]\n"));
	assert_int_equal(changes(s), 1);
	assert_string_equal(change(s, 0), "naps[a].password: changed");
	assert_false(logged(s, "geheim"));
}

static void one_reload_is_under_way_at_a_time(void **state)
{
	struct stage *s = *state;

	assert_true(reload_begin(s->loop.reload, TICKET));
	assert_false(reload_begin(s->loop.reload, TICKET + 1));
	await(s);
	assert_true(reload(s, STANDALONE));
	assert_int_equal(s->fed, 2);
}

static void what_is_under_way_at_the_end_is_awaited(void **state)
{
	struct stage *s = *state;

	assert_true(reload_begin(s->loop.reload, TICKET));
}

/* The log is not for 4,096 lines at once; who asked gets them all. */
static void many_changes_are_logged_in_part(void **state)
{
	struct stage *s = *state;
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);

	assert_non_null(to);
	(void)fputs(STANDALONE "naps:\n", to);
	for (int i = 0; i < 150; i++)
		(void)fprintf(to, "- {name: n%d}\n", i);
	assert_int_equal(fclose(to), 0);
	assert_true(reload(s, text));
	assert_int_equal(changes(s), 151);
	assert_true(logged(s, "naps[n98]: added"));
	assert_false(logged(s, "naps[n99]: added"));
	assert_true(logged(s, "config=changed more=51\n"));
	free(text);
}

/* The stage's node is the primary of a pair from now on; `text` is to be its file. */
static void join_a_pair(struct stage *s, char text[1024])
{
	struct pair_plan plan = {.days = 2, .now = time(NULL)};
	struct config_fault fault;
	char dir[64], node_dir[80], why_not[PAIR_FAULT_MAX];

	(void)snprintf(dir, sizeof dir, "%s/pair", s->dir);
	(void)snprintf(node_dir, sizeof node_dir, "%s/primary", dir);
	plan.dir = dir;
	assert_true(addr_parse(SLICE("10.0.0.11"), &plan.primary));
	assert_true(addr_parse(SLICE("10.0.0.12"), &plan.secondary));
	assert_int_equal(pair_files_make(&plan, why_not), OK);
	(void)snprintf(text, 1024, "%s", PRIMARY);
	char *at = strstr(text, "/etc/regpair/pair");
	(void)snprintf(at, 1024 - (size_t)(at - text), "%s%s", node_dir,
	               strstr(PRIMARY, "/etc/regpair/pair") + strlen("/etc/regpair/pair"));
	write_file(s, text);
	config_free(&s->loop.config);
	assert_int_equal(config_load(s->path, &s->loop.config, &fault), OK);
	assert_int_equal(pair_files_load(node_dir, UNIT_PRIMARY, &s->loop.files, why_not), OK);
}

static void leave_the_pair(struct stage *s)
{
	char command[128];

	(void)snprintf(command, sizeof command, "rm -r %s/pair", s->dir);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a folder of the test's own */
}

static void renewed_certificates_are_taken_without_a_restart(void **state)
{
	struct stage *s = *state;
	char text[1024], dir[64], fault[PAIR_FAULT_MAX];
	struct pair_plan plan = {.dir = dir, .days = 1, .now = time(NULL)};

	join_a_pair(s, text);
	(void)snprintf(dir, sizeof dir, "%s/pair", s->dir);
	assert_true(reload(s, text));
	assert_int_equal(changes(s), 0);
	assert_int_equal(pair_files_renew(&plan, false, fault), OK);
	assert_true(reload(s, text));
	assert_int_equal(changes(s), 1);
	assert_string_equal(change(s, 0), "cluster.dir: certificates renewed");
	assert_int_equal(s->renewals, 1);
	assert_true(reload(s, text));
	assert_int_equal(s->renewals, 1);
	leave_the_pair(s);
}

static void files_that_do_not_fit_refuse_the_reload(void **state)
{
	struct stage *s = *state;
	char text[1024], dir[64], fault[PAIR_FAULT_MAX];
	struct pair_plan plan = {.dir = dir, .days = 1, .now = time(NULL), .force = true};
	char from[96], to[96];

	join_a_pair(s, text);
	(void)snprintf(dir, sizeof dir, "%s/pair", s->dir);
	(void)snprintf(from, sizeof from, "%s/secondary/key.pem", dir);
	(void)snprintf(to, sizeof to, "%s/primary/key.pem", dir);
	assert_int_equal(rename(from, to), 0);
	assert_false(reload(s, text));
	assert_non_null(strstr(why(s), "key.pem: not the key of"));
	assert_true(addr_parse(SLICE("10.0.0.11"), &plan.primary));
	assert_true(addr_parse(SLICE("10.0.0.12"), &plan.secondary));
	assert_int_equal(pair_files_make(&plan, fault), OK);
	assert_false(reload(s, text));
	assert_true(logged(s, "what=\"cluster.dir: the files of another pair\"\n"));
	assert_int_equal(s->renewals, 0);
	leave_the_pair(s);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(naps_and_the_level_of_the_log_change_at_once),
		CASE(a_reload_without_a_change_gives_the_node_its_naps_again),
		CASE(one_key_that_wants_a_restart_refuses_all_of_it),
		CASE(a_file_that_is_wrong_changes_nothing),
		CASE(a_file_that_is_gone_changes_nothing),
		CASE(a_password_is_shown_to_nobody),
		CASE(one_reload_is_under_way_at_a_time),
		CASE(what_is_under_way_at_the_end_is_awaited),
		CASE(many_changes_are_logged_in_part),
		CASE(renewed_certificates_are_taken_without_a_restart),
		CASE(files_that_do_not_fit_refuse_the_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
