/* layer: io */
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "node/io/peer_link.h"
#include "node/io/sockets.h"
#include "tests/check.h"
#include "tests/unit/addr_of.h"
#include "tests/unit/fake_loop.h"

enum { PATIENCE_MS = 5000 };

/* One side of the link, and what came of it. */
struct side {
	struct loop loop;
	struct pair_files files;
	struct peer_link *link;
	uint64_t connection; /* that is up; 0: none */
	size_t ups, downs, frames;
	uint64_t last_number; /* of the last beat */
	bool drops_all;       /* the node refuses whoever comes up */
};

struct scene {
	struct event_base *base;
	char root[64];
	struct side primary, secondary;
};

static void on_feed(struct loop *l, const struct node_input *in)
{
	struct side *s = l->context;

	if (in->event == NODE_LINK_UP) {
		s->ups++;
		s->connection = in->connection;
		/* The hello: what the connecting side waits for. */
		peer_link_send(s->link, in->connection, SLICE("\0\0\0\2\x1a\0"));
	} else if (in->event == NODE_LINK_DOWN) {
		assert_int_equal(in->connection, s->connection);
		s->downs++;
		s->connection = 0;
	} else if (in->event == NODE_FRAME) {
		assert_int_equal(in->connection, s->connection);
		s->frames++;
		s->last_number = in->frame->beat.number;
		if (s->drops_all) {
			peer_link_drop(s->link, in->connection);
			s->connection = 0;
		}
	}
}

static uint16_t free_port(void)
{
	struct addr any = addr_of("127.0.0.1");
	union socket_address a;
	socklen_t size = sizeof a;
	int fd = socket_bound(SOCK_STREAM, &any);

	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, &a.any, &size), 0);
	(void)close(fd);
	return socket_address_read(&a).port;
}

static void load_files(struct scene *s, const char *pair, enum unit unit, struct pair_files *out)
{
	char dir[128];
	char fault[PAIR_FAULT_MAX];

	(void)snprintf(dir, sizeof dir, "%s/%s/%s", s->root, pair,
	               unit == UNIT_PRIMARY ? "primary" : "secondary");
	if (pair_files_load(dir, unit, out, fault) != OK)
		fail_msg("%s", fault);
}

static void make_pair(struct scene *s, const char *name)
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

static void set_up_side(struct scene *s, struct side *side, enum unit unit, uint16_t port)
{
	struct config *c = &side->loop.config;
	bool primary = unit == UNIT_PRIMARY;

	fake_loop_open(&side->loop, s->base);
	side->loop.on_feed = on_feed;
	side->loop.context = side;
	c->unit = unit;
	c->peer_live_port = port;
	c->peer_listen = addr_of(primary ? "127.0.0.1" : "127.0.0.2");
	c->peer_address = addr_of(primary ? "127.0.0.2" : "127.0.0.1");
	load_files(s, "one", unit, &side->files);
}

static int open_scene(void **state)
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

static int close_scene(void **state)
{
	struct scene *s = *state;
	char command[128];

	peer_link_close(&s->primary.link);
	peer_link_close(&s->secondary.link);
	fake_loop_close(&s->primary.loop);
	fake_loop_close(&s->secondary.loop);
	event_base_free(s->base);
	(void)snprintf(command, sizeof command, "rm -r %s", s->root);
	int failed = system(command); /* NOLINT(cert-env33-c): a folder of the test's own */
	free(s);
	return failed;
}

static void open_link(struct side *side)
{
	side->link = peer_link_open(&side->loop, &side->files);
	assert_non_null(side->link);
}

static void one_turn(struct scene *s)
{
	fake_loop_turn(&s->primary.loop);
	if (s->primary.link != NULL)
		peer_link_flush(s->primary.link);
	if (s->secondary.link != NULL)
		peer_link_flush(s->secondary.link);
}

static bool until(struct scene *s, const size_t *count, size_t wanted)
{
	struct mtime end = mtime_add_ms(loop_now(&s->primary.loop), PATIENCE_MS);

	while (*count < wanted && !mtime_reached(end, loop_now(&s->primary.loop)))
		one_turn(s);
	return *count >= wanted;
}

static void turns_for(struct scene *s, int64_t ms)
{
	struct mtime end = mtime_add_ms(loop_now(&s->primary.loop), ms);

	while (!mtime_reached(end, loop_now(&s->primary.loop)))
		one_turn(s);
}

static void bring_up(struct scene *s)
{
	open_link(&s->primary);
	open_link(&s->secondary);
	assert_true(until(s, &s->primary.frames, 1)); /* each heard the other's hello */
	assert_true(until(s, &s->secondary.frames, 1));
}

static void send_beat(struct side *from, uint64_t number)
{
	static uint8_t scratch[64 * 1024];
	uint8_t bytes[512];
	struct arena arena = arena_on(scratch, sizeof scratch);
	struct buf to = buf_on(bytes, sizeof bytes);
	struct frame f = {.kind = FRAME_BEAT, .beat = {.number = number, .role = ROLE_ACTIVE}};

	frame_encode(&f, &arena, &to);
	assert_false(to.full);
	peer_link_send(from->link, from->connection, buf_slice(&to));
}

static void both_sides_come_up_and_hear_each_other(void **state)
{
	struct scene *s = *state;

	bring_up(s);
	assert_int_equal(s->primary.connection, 1);
	assert_int_equal(s->secondary.connection, 1);
	for (uint64_t i = 1; i <= 20000; i++) /* more than one turn's share */
		send_beat(&s->primary, i);
	send_beat(&s->secondary, 7);
	assert_true(until(s, &s->secondary.frames, 20001));
	assert_true(until(s, &s->primary.frames, 2));
	assert_int_equal(s->secondary.last_number, 20000);
	assert_int_equal(s->primary.last_number, 7);
}

static void a_secondary_that_starts_first_keeps_trying(void **state)
{
	struct scene *s = *state;

	open_link(&s->secondary);
	turns_for(s, 250);
	assert_int_equal(s->secondary.ups, 0);
	open_link(&s->primary);
	assert_true(until(s, &s->secondary.frames, 1));
}

static void a_lost_link_is_made_anew(void **state)
{
	struct scene *s = *state;

	bring_up(s);
	peer_link_close(&s->primary.link);
	assert_true(until(s, &s->secondary.downs, 1));
	open_link(&s->primary);
	assert_true(until(s, &s->secondary.ups, 2));
	assert_int_equal(s->secondary.connection, 2);
}

static void what_the_node_drops_is_not_reported_as_lost(void **state)
{
	struct scene *s = *state;

	s->primary.drops_all = true;
	open_link(&s->primary);
	open_link(&s->secondary);
	assert_true(until(s, &s->secondary.downs, 2)); /* and is tried again */
	assert_int_equal(s->primary.downs, 0);
	assert_true(s->primary.ups >= 2);
}

static void bytes_that_are_no_frame_end_the_connection(void **state)
{
	struct scene *s = *state;

	bring_up(s);
	peer_link_send(s->secondary.link, s->secondary.connection, SLICE("\xff\xff\xff\xff junk"));
	assert_true(until(s, &s->primary.downs, 1));
	assert_true(until(s, &s->secondary.downs, 1));
	assert_int_equal(s->primary.frames, 1);
}

static void what_a_dying_peer_sent_is_drained_before_its_end(void **state)
{
	struct scene *s = *state;

	bring_up(s);
	for (uint64_t i = 1; i <= 5000; i++)
		send_beat(&s->primary, i);
	peer_link_flush(s->primary.link);
	peer_link_close(&s->primary.link);
	send_beat(&s->secondary, 1); /* runs into a closed socket, which must not cost a frame */
	peer_link_flush(s->secondary.link);
	peer_link_drain(s->secondary.link);
	assert_int_equal(s->secondary.last_number, 5000);
	assert_int_equal(s->secondary.frames, 5001);
}

static void nobody_of_another_pair_comes_up(void **state)
{
	struct scene *s = *state;

	make_pair(s, "other");
	load_files(s, "other", UNIT_SECONDARY, &s->secondary.files);
	open_link(&s->primary);
	open_link(&s->secondary);
	turns_for(s, 500);
	assert_int_equal(s->primary.ups, 0);
	assert_int_equal(s->secondary.ups, 0);
}

static void nobody_with_our_own_name_comes_up(void **state)
{
	struct scene *s = *state;

	load_files(s, "one", UNIT_PRIMARY, &s->secondary.files);
	open_link(&s->primary);
	open_link(&s->secondary);
	turns_for(s, 500);
	assert_int_equal(s->primary.ups, 0);
	assert_int_equal(s->secondary.ups, 0);
}

static void a_port_in_use_refuses_the_start(void **state)
{
	struct scene *s = *state;

	open_link(&s->primary);
	assert_null(peer_link_open(&s->primary.loop, &s->primary.files));
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(both_sides_come_up_and_hear_each_other),
		STORY(a_secondary_that_starts_first_keeps_trying),
		STORY(a_lost_link_is_made_anew),
		STORY(what_the_node_drops_is_not_reported_as_lost),
		STORY(bytes_that_are_no_frame_end_the_connection),
		STORY(what_a_dying_peer_sent_is_drained_before_its_end),
		STORY(nobody_of_another_pair_comes_up),
		STORY(nobody_with_our_own_name_comes_up),
		STORY(a_port_in_use_refuses_the_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
