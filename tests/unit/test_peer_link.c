/* layer: io */
#include "tests/unit/link_turns.h"

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

/* Until the log, a pipe that does not wait, has said `wanted`. */
static bool until_said(struct scene *s, int log, const char *wanted)
{
	struct mtime end = mtime_add_ms(loop_now(&s->primary.loop), PATIENCE_MS);
	char text[8192];
	size_t n = 0;

	text[0] = '\0';
	while (strstr(text, wanted) == NULL && !mtime_reached(end, loop_now(&s->primary.loop))) {
		one_turn(s);
		ssize_t got = read(log, text + n, sizeof text - 1 - n);
		n += got > 0 ? (size_t)got : 0;
		text[n] = '\0';
	}
	return strstr(text, wanted) != NULL;
}

/* The limit on lines keeps back one that is said once a minute: said when there is room again. */
static void who_is_refused_is_named_also_after_many_lines(void **state)
{
	struct scene *s = *state;
	int fds[2];

	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	(void)dup2(fds[1], s->primary.loop.the_log.fd);
	open_link(&s->primary);
	for (size_t i = 1; i <= LOG_RATE_BURST; i++) {
		open_link(&s->secondary);
		assert_true(until(s, &s->primary.ups, i));
		peer_link_close(&s->secondary.link);
		s->secondary.connection = s->secondary.bulk = 0;
		assert_true(until(s, &s->primary.downs, i));
	}
	make_pair(s, "other");
	load_files(s, "other", UNIT_SECONDARY, &s->secondary.files);
	open_link(&s->secondary);
	assert_true(until_said(s, fds[0], "unknown ca"));
	(void)close(fds[0]);
	(void)close(fds[1]);
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
		STORY(who_is_refused_is_named_also_after_many_lines),
		STORY(nobody_with_our_own_name_comes_up),
		STORY(a_port_in_use_refuses_the_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
