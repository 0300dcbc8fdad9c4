/* layer: io */
/* The bulk connection beside the live one, and a second live path beside the first. */
#include "node/io/peer_tls.h"
#include "tests/unit/link_turns.h"

/* The first path's live connection goes through a cable, the second path is without one. */
static void lay_two_paths(struct scene *s)
{
	struct config *p = &s->primary.loop.config;
	struct config *c = &s->secondary.loop.config;
	struct addr far = p->peer_listen;

	p->peer_second_listen = c->peer_second_address = addr_of("127.0.0.3");
	c->peer_second_listen = p->peer_second_address = addr_of("127.0.0.4");
	c->peer_address = addr_of("127.0.0.5");
	struct addr near = c->peer_address;
	far.port = near.port = p->peer_live_port;
	lay_cable(&s->cable, s->base, &near, &far);
}

static void send_bulk(struct side *from, size_t n)
{
	static const uint8_t hello[] = {0, 0, 0, 2, 0x1a, 0};

	for (size_t i = 0; i < n; i++)
		peer_link_send(from->link, from->bulk, (struct slice){hello, sizeof hello});
}

/* B12: what is long goes beside what is urgent. */
static void a_bulk_connection_stands_beside_the_live_one(void **state)
{
	struct scene *s = *state;

	bring_up(s);
	assert_true(until(s, &s->primary.bulk_ups, 1));
	assert_true(until(s, &s->secondary.bulk_ups, 1));
	assert_true(s->primary.bulk != s->primary.connection);
	send_bulk(&s->primary, 100000); /* several turns' share */
	peer_link_flush(s->primary.link);
	send_beat(&s->primary, 7);
	assert_true(until(s, &s->secondary.frames, 2));
	assert_true(s->secondary.bulk_frames < 50000); /* the beat did not wait for them */
	send_bulk(&s->secondary, 1);
	assert_true(until(s, &s->primary.bulk_frames, 1));
	assert_true(until(s, &s->secondary.bulk_frames, 100000));
}

static void take_certificates_of(struct scene *s, const char *pair, enum unit unit)
{
	struct side *side = unit == UNIT_PRIMARY ? &s->primary : &s->secondary;
	char fault[TLS_FAULT_MAX];

	load_files(s, pair, unit, &side->files);
	struct peer_tls *tls = peer_tls_open(&side->files, unit, fault);
	assert_non_null(tls);
	peer_link_renew(side->link, tls);
}

static void renewed_certificates_are_tried_at_once_and_leave_the_live_connection(void **state)
{
	struct scene *s = *state;

	bring_up(s);
	assert_true(until(s, &s->primary.bulk_ups, 1));
	assert_true(until(s, &s->secondary.bulk_ups, 1));
	renew_pair(s, "one");
	take_certificates_of(s, "one", UNIT_PRIMARY);
	assert_false(peer_link_has_bulk(s->primary.link));
	assert_true(until(s, &s->secondary.bulk_ups, 2));
	take_certificates_of(s, "one", UNIT_SECONDARY);
	assert_true(until(s, &s->secondary.bulk_ups, 3));
	assert_true(until(s, &s->primary.bulk_ups, 3));
	assert_int_equal(s->primary.ups + s->secondary.ups, 2);
	assert_int_equal(s->primary.downs + s->secondary.downs, 0);
}

static void certificates_that_the_peer_refuses_show_while_the_live_connection_goes_on(void **state)
{
	struct scene *s = *state;

	bring_up(s);
	assert_true(until(s, &s->primary.bulk_ups, 1));
	assert_true(until(s, &s->secondary.bulk_ups, 1));
	make_pair(s, "other");
	take_certificates_of(s, "other", UNIT_SECONDARY);
	turns_for(s, 500);
	assert_false(peer_link_has_bulk(s->primary.link));
	assert_false(peer_link_has_bulk(s->secondary.link));
	assert_int_equal(s->primary.downs + s->secondary.downs, 0);
	take_certificates_of(s, "one", UNIT_SECONDARY);
	assert_true(until(s, &s->primary.bulk_ups, 2));
}

static void a_lost_bulk_connection_leaves_the_live_one(void **state)
{
	struct scene *s = *state;

	bring_up(s);
	assert_true(until(s, &s->primary.bulk_ups, 1));
	peer_link_drop(s->primary.link, s->primary.bulk);
	s->primary.bulk = 0;
	assert_true(until(s, &s->secondary.bulk_downs, 1));
	assert_true(until(s, &s->primary.bulk_ups, 2)); /* and is made anew */
	assert_int_equal(s->primary.ups, 1);
	assert_int_equal(s->primary.downs + s->secondary.downs, 0);
}

static void the_bulk_connection_goes_and_comes_with_the_live_one(void **state)
{
	struct scene *s = *state;

	bring_up(s);
	assert_true(until(s, &s->primary.bulk_ups, 1));
	assert_true(until(s, &s->secondary.bulk_ups, 1));
	peer_link_drop(s->primary.link, s->primary.connection);
	s->primary.connection = s->primary.bulk = 0;
	assert_true(until(s, &s->secondary.downs, 1));
	assert_int_equal(s->secondary.bulk, 0);
	assert_true(until(s, &s->primary.bulk_ups, 2));
	assert_true(until(s, &s->secondary.bulk_ups, 2));
	assert_int_equal(s->primary.ups, 2);
}

static void up_by_two_paths(struct scene *s)
{
	lay_two_paths(s);
	bring_up(s);
	for (int i = 0; i < 1000 && peer_link_paths(s->primary.link) < 2; i++)
		one_turn(s);
	turns_for(s, 300); /* the second one changes nothing */
	assert_int_equal(peer_link_paths(s->primary.link), 2);
	assert_int_equal(peer_link_paths(s->secondary.link), 2);
	assert_int_equal(s->primary.ups, 1);
	assert_int_equal(s->secondary.ups, 1);
}

/* No packet, no reset: only the silence tells. Where the first path carries, it is cut; the node hears of
 * the other in the same moment, on both sides. */
static void a_path_that_falls_silent_gives_way_to_the_other(void **state)
{
	struct scene *s = *state;

	up_by_two_paths(s);
	if (s->primary.bulk != 0) { /* the second was up first: the first one is to carry */
		peer_link_drop(s->secondary.link, s->secondary.connection);
		s->secondary.connection = s->secondary.bulk = 0;
		assert_true(until(s, &s->primary.ups, 2));
		turns_for(s, 300);
	}
	size_t ups = s->secondary.ups;
	size_t primary_ups = s->primary.ups;
	int64_t begun = loop_now(&s->primary.loop).ms;
	s->cable.cut = true;
	assert_true(until(s, &s->secondary.ups, ups + 1));
	assert_true(until(s, &s->primary.ups, primary_ups + 1));
	int64_t took = loop_now(&s->primary.loop).ms - begun;
	assert_in_range(took, 100, 2000);
	assert_true(s->secondary.connection != 0 && s->primary.connection != 0);
	send_beat(&s->primary, 41);
	send_beat(&s->secondary, 42);
	turns_for(s, 300);
	assert_int_equal(s->secondary.last_number, 41);
	assert_int_equal(s->primary.last_number, 42);
	assert_int_equal(peer_link_paths(s->primary.link), 1);
	assert_int_equal(s->secondary.ups, ups + 1);
	assert_true(s->secondary.bulk_ups >= 1); /* it follows the path that carries */
	s->cable.cut = false;
	for (int i = 0; i < 1000 && peer_link_paths(s->primary.link) < 2; i++)
		one_turn(s);
	turns_for(s, 300);
	assert_int_equal(peer_link_paths(s->secondary.link), 2);
	assert_int_equal(s->secondary.ups, ups + 1); /* whoever carries goes on */
}

static void a_node_that_drops_the_link_gets_the_spare_at_once(void **state)
{
	struct scene *s = *state;

	up_by_two_paths(s);
	uint64_t first = s->secondary.connection;
	peer_link_drop(s->secondary.link, first);
	s->secondary.connection = s->secondary.bulk = 0;
	assert_true(until(s, &s->secondary.ups, 2));
	assert_true(until(s, &s->primary.ups, 2));
	assert_true(s->secondary.connection != first);
	assert_int_equal(s->secondary.downs, 0);
	assert_int_equal(s->primary.downs, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_bulk_connection_stands_beside_the_live_one),
		STORY(renewed_certificates_are_tried_at_once_and_leave_the_live_connection),
		STORY(certificates_that_the_peer_refuses_show_while_the_live_connection_goes_on),
		STORY(a_lost_bulk_connection_leaves_the_live_one),
		STORY(the_bulk_connection_goes_and_comes_with_the_live_one),
		STORY(a_path_that_falls_silent_gives_way_to_the_other),
		STORY(a_node_that_drops_the_link_gets_the_spare_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
