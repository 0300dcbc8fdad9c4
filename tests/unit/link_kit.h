/* link_kit.h - two sides of the peer link in one process, by loopback, each with a loop that writes down what
 * it is fed. */
#ifndef TESTS_UNIT_LINK_KIT_H
#define TESTS_UNIT_LINK_KIT_H

#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "node/io/peer_link.h"
#include "node/io/sockets.h"
#include "tests/check.h"
#include "tests/unit/addr_of.h"
#include "tests/unit/cable.h"
#include "tests/unit/fake_loop.h"

enum { PATIENCE_MS = 5000 };

/* One side of the link, and what came of it. */
struct side {
	struct loop loop;
	struct pair_files files;
	struct peer_link *link;
	uint64_t connection; /* that is up; 0: none */
	size_t ups, downs, frames;
	uint64_t bulk; /* likewise */
	size_t bulk_ups, bulk_downs, bulk_frames;
	uint64_t last_number; /* of the last beat */
	bool drops_all;       /* the node refuses whoever comes up */
};

struct scene {
	struct event_base *base;
	char root[64];
	struct side primary, secondary;
	struct cable cable;
};

static inline void on_frame(struct side *s, const struct node_input *in)
{
	if (in->connection == s->bulk) {
		s->bulk_frames++;
		return;
	}
	assert_int_equal(in->connection, s->connection);
	s->frames++;
	s->last_number = in->frame->beat.number;
	if (s->drops_all) {
		peer_link_drop(s->link, in->connection);
		s->connection = s->bulk = 0;
	}
}

/* What the node does of itself: a hello; and the bulk connection goes with the live one. */
static inline void on_feed(struct loop *l, const struct node_input *in)
{
	struct side *s = l->context;

	if (in->event == NODE_LINK_UP) {
		assert_int_equal(s->connection, 0);
		s->ups++;
		s->connection = in->connection;
		peer_link_send(s->link, in->connection, SLICE("\0\0\0\2\x1a\0"));
	} else if (in->event == NODE_LINK_DOWN) {
		assert_int_equal(in->connection, s->connection);
		s->downs++;
		s->connection = 0;
		if (s->bulk != 0)
			peer_link_drop(s->link, s->bulk);
		s->bulk = 0;
	} else if (in->event == NODE_BULK_UP) {
		assert_true(s->connection != 0 && s->bulk == 0 && in->connection != s->connection);
		s->bulk_ups++;
		s->bulk = in->connection;
	} else if (in->event == NODE_BULK_DOWN) {
		assert_int_equal(in->connection, s->bulk);
		s->bulk_downs++;
		s->bulk = 0;
	} else if (in->event == NODE_FRAME) {
		on_frame(s, in);
	}
}

/* One that is free, and so is the next. */
static inline uint16_t free_port(void)
{
	for (int tries = 0; tries < 100; tries++) {
		struct addr any = addr_of("127.0.0.1");
		union socket_address a;
		socklen_t size = sizeof a;
		int fd = socket_bound(SOCK_STREAM, &any);
		assert_true(fd >= 0);
		assert_int_equal(getsockname(fd, &a.any, &size), 0);
		uint16_t taken = socket_address_read(&a).port;
		any.port = (uint16_t)(taken + 1);
		int next = taken == UINT16_MAX ? -1 : socket_bound(SOCK_STREAM, &any);
		(void)close(fd);
		if (next < 0)
			continue;
		(void)close(next);
		return taken;
	}
	fail_msg("no two free ports");
	return 0;
}

static inline void load_files(struct scene *s, const char *pair, enum unit unit,
                              struct pair_files *out)
{
	char dir[128];
	char fault[PAIR_FAULT_MAX];

	(void)snprintf(dir, sizeof dir, "%s/%s/%s", s->root, pair,
	               unit == UNIT_PRIMARY ? "primary" : "secondary");
	if (pair_files_load(dir, unit, out, fault) != OK)
		fail_msg("%s", fault);
}

static inline void make_pair(struct scene *s, const char *name)
{
	char dir[128];
	char fault[PAIR_FAULT_MAX];
	struct pair_plan plan = {.dir = dir,
	                         .primary = addr_of("127.0.0.1"),
	                         .secondary = addr_of("127.0.0.2"),
	                         .days = 2,
	                         .now = time(NULL)};

	(void)snprintf(dir, sizeof dir, "%s/%s", s->root, name);
	if (pair_files_make(&plan, fault) != OK)
		fail_msg("%s", fault);
}

static inline void renew_pair(struct scene *s, const char *name)
{
	char dir[128];
	char fault[PAIR_FAULT_MAX];
	struct pair_plan plan = {.dir = dir, .days = 1, .now = time(NULL)};

	(void)snprintf(dir, sizeof dir, "%s/%s", s->root, name);
	if (pair_files_renew(&plan, false, fault) != OK)
		fail_msg("%s", fault);
}

static inline void set_up_side(struct scene *s, struct side *side, enum unit unit, uint16_t port)
{
	struct config *c = &side->loop.config;
	bool primary = unit == UNIT_PRIMARY;

	fake_loop_open(&side->loop, s->base);
	side->loop.on_feed = on_feed;
	side->loop.context = side;
	c->unit = unit;
	c->peer_live_port = port;
	c->peer_bulk_port = (uint16_t)(port + 1);
	c->peer_timeout = 500; /* a busy machine stands still for 200 */
	c->peer_listen = addr_of(primary ? "127.0.0.1" : "127.0.0.2");
	c->peer_address = addr_of(primary ? "127.0.0.2" : "127.0.0.1");
	load_files(s, "one", unit, &side->files);
}

static inline int open_scene(void **state)
{
	struct scene *s = calloc(1, sizeof *s);
	uint16_t port = free_port();

	assert_non_null(s);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)snprintf(s->root, sizeof s->root, "/tmp/regpair-test-link-XXXXXX");
	assert_non_null(mkdtemp(s->root));
	s->base = event_base_new();
	assert_non_null(s->base);
	make_pair(s, "one");
	set_up_side(s, &s->primary, UNIT_PRIMARY, port);
	set_up_side(s, &s->secondary, UNIT_SECONDARY, port);
	*state = s;
	return 0;
}

static inline int close_scene(void **state)
{
	struct scene *s = *state;
	char command[128];

	peer_link_close(&s->primary.link);
	peer_link_close(&s->secondary.link);
	remove_cable(&s->cable);
	fake_loop_close(&s->primary.loop);
	fake_loop_close(&s->secondary.loop);
	event_base_free(s->base);
	(void)snprintf(command, sizeof command, "rm -r %s", s->root);
	int failed = system(command); /* NOLINT(cert-env33-c): a folder of the test's own */
	free(s);
	return failed;
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

#endif
