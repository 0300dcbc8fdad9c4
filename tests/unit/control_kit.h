/* control_kit.h - the control socket with a loop of the test's own: what it feeds is looked at, and
 * answered when the test likes. One test program includes it once: it takes the runner's place. */
#ifndef TESTS_UNIT_CONTROL_KIT_H
#define TESTS_UNIT_CONTROL_KIT_H

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include "node/io/control.h"
#include "tests/check.h"
#include "tests/heap.h"

enum { COMMANDS_MAX = 2 * CONTROL_PENDING_MAX, NOW_MS = 1000000 };

struct command_seen {
	enum command_kind kind;
	uint64_t ticket;
	char key[64];
	uint8_t secret[32];
	size_t key_n;
	uint8_t md5_first, sha512_last;
	bool replace;
};

struct loop {
	struct event_base *base;
	struct config config;
	struct config_domain domains[2];
	struct log the_log, *log;
	struct copy *copy;
	struct control *control;
	struct command_seen *seen;
	size_t n_seen;
	bool refuse; /* commands are refused while they are fed, as a standby does */
	char dir[32], path[64];
};

struct event_base *loop_base(const struct loop *l)
{
	return l->base;
}

/* Nobody looks into it: node_copy and the like are this test's too. */
const struct node *loop_node(const struct loop *l)
{
	return (const struct node *)l;
}

const struct config *loop_config(const struct loop *l)
{
	return &l->config;
}

struct log *loop_log(const struct loop *l)
{
	return l->log;
}

struct mtime loop_now(const struct loop *l)
{
	(void)l;
	return (struct mtime){7};
}

int64_t loop_wall_ms(void)
{
	return NOW_MS - 1500; /* a wall clock that is behind */
}

const struct copy *node_copy(const struct node *node)
{
	return ((const struct loop *)node)->copy;
}

struct pairtime node_pair_now(const struct node *node, struct mtime now)
{
	(void)node;
	(void)now;
	return (struct pairtime){NOW_MS};
}

void node_status(const struct node *node, struct mtime now, struct status *out)
{
	(void)node;
	(void)now;
	*out = (struct status){.role = "standby", .seq = 42, .fault = true};
}

size_t loop_peer_paths(const struct loop *l)
{
	(void)l;
	return 2;
}

void loop_feed(struct loop *l, struct node_input *in)
{
	const struct node_command *c = in->command;
	struct command_seen *seen = &l->seen[l->n_seen++];

	assert_int_equal(in->event, NODE_COMMAND);
	assert_true(l->n_seen < COMMANDS_MAX);
	*seen = (struct command_seen){.kind = c->kind, .ticket = c->ticket, .replace = c->replace};
	(void)snprintf(seen->key, sizeof seen->key, SLICE_FMT, SLICE_ARG(c->key));
	seen->key_n = c->key.n;
	if (c->kind == COMMAND_SECRET_ROTATE && c->key.n == sizeof seen->secret)
		memcpy(seen->secret, c->key.p, sizeof seen->secret);
	if (c->kind == COMMAND_SUBSCRIBER_PUT) {
		assert_int_equal(c->subscriber.ha1[0].n, 16);
		assert_int_equal(c->subscriber.ha1[2].n, 32);
		seen->md5_first = c->subscriber.ha1[0].p[0];
		seen->sha512_last = c->subscriber.ha1[2].p[31];
	}
	if (l->refuse)
		control_answer(l->control, c->ticket, false, SLICE("this node is standby"));
}

static inline int setup(void **state)
{
	static char domain_one[] = "example.com", domain_two[] = "example.net";
	struct loop *l = calloc(1, sizeof *l);

	*state = l;
	(void)signal(SIGPIPE, SIG_IGN); /* as the loop does */
	l->base = event_base_new();
	l->log = &l->the_log;
	l->the_log =
		(struct log){.level = LOG_ERROR, .fd = open("/dev/null", O_WRONLY | O_CLOEXEC)};
	l->domains[0].name = domain_one;
	l->domains[1].name = domain_two;
	l->config.domains = l->domains;
	l->config.domain_count = 2;
	l->copy = copy_new(&heap);
	l->seen = calloc(COMMANDS_MAX, sizeof *l->seen);
	(void)snprintf(l->dir, sizeof l->dir, "/tmp/control-XXXXXX");
	assert_non_null(mkdtemp(l->dir));
	(void)snprintf(l->path, sizeof l->path, "%s/s", l->dir);
	l->control = control_open(l, l->path);
	assert_non_null(l->control);
	return 0;
}

static inline int teardown(void **state)
{
	struct loop *l = *state;

	control_close(&l->control);
	assert_null(l->control);
	(void)unlink(l->path);
	assert_int_equal(rmdir(l->dir), 0);
	copy_free(&l->copy);
	event_base_free(l->base);
	(void)close(l->the_log.fd);
	free(l->seen);
	free(l);
	return 0;
}

/* A record of a subscriber of example.com. */
static inline void put_subscriber(struct loop *l, const char *user, bool gone)
{
	static const uint8_t hash[32] = {0};
	struct subscriber_record s = {
		.user = slice_str(user),
		.realm = SLICE("example.com"),
		.ha1 = {{hash, 16}, {hash, 32}, {hash, 32}},
		.gone = gone,
	};
	uint8_t room[512];
	struct buf value = buf_on(room, sizeof room);
	char key[64];

	subscriber_encode(&s, &value);
	(void)snprintf(key, sizeof key, "%s@example.com", user);
	copy_put(l->copy, TABLE_SUBSCRIBER, slice_str(key), buf_slice(&value), 1, PAIRTIME_NEVER);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
