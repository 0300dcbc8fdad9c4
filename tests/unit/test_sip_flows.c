/* layer: io */
/* Streams that we make: from where, how they end, and why there is none. */
#include "tests/unit/flow_kit.h"

static void a_stream_leaves_from_the_address_that_was_named(void **state)
{
	struct scene *s = *state;
	struct addr ours = addr_of("127.0.0.9:5060");

	call_by_tcp(s);
	assert_int_equal(s->ticket, TICKET);
	assert_int_equal(s->up.transport, TRANSPORT_TCP);
	assert_true(s->up.connection > 0);
	assert_true(addr_eq(&s->up.local, &ours));
	assert_true(addr_eq(&s->up.remote, &s->provider.address));
	assert_true(until_so(s, &s->provider.stands));
	assert_true(addr_same_ip(&s->provider.client, &ours));
	assert_int_not_equal(s->provider.client.port, ours.port);
	assert_talks(s);
}

/* What a trace shows: what the wire has, not what is configured. */
static void the_ends_of_a_message_s_way_are_those_of_the_wire(void **state)
{
	struct scene *s = *state;
	struct addr loopback = addr_of("127.0.0.1:5060"), six = addr_of("[::1]:5060");
	struct flow flow;

	call_by_tcp(s);
	assert_true(until_so(s, &s->provider.stands));
	flow = s->up;
	assert_true(sip_io_ends(s->io, &flow));
	assert_true(addr_eq(&flow.local, &s->provider.client)); /* its port, too */
	assert_true(addr_eq(&flow.remote, &s->provider.address));
	flow.connection++;
	assert_false(sip_io_ends(s->io, &flow));
	flow = (struct flow){TRANSPORT_UDP, addr_of("0.0.0.0:5060"), addr_of("127.0.0.9:5070"), 0};
	assert_true(sip_io_ends(s->io, &flow));
	assert_true(addr_eq(&flow.local, &loopback));
	flow.local = s->provider.address;
	assert_true(sip_io_ends(s->io, &flow));
	assert_true(addr_eq(&flow.local, &s->provider.address));
	flow = (struct flow){TRANSPORT_UDP, addr_of("[::]:5060"), addr_of("[::1]:5070"), 0};
	assert_true(sip_io_ends(s->io, &flow));
	assert_true(addr_eq(&flow.local, &six));
}

/* C38 */
static void a_refused_port_is_told_at_once(void **state)
{
	struct scene *s = *state;

	(void)close(s->provider.listener);
	call(s, TRANSPORT_TCP, "p.example");
	assert_true(until(s, &s->downs, 1));
	assert_string_equal(s->why, "refused");
	assert_int_equal(s->ticket, TICKET);
	assert_int_equal(s->down.connection, 0);
	assert_int_equal(s->ups, 0);
	provider_open(&s->provider, 8);
}

/* Where it cannot even be tried, the node hears of it in a turn of its own. */
static void what_cannot_be_tried_is_told_later(void **state)
{
	struct scene *s = *state;

	s->provider.address = addr_of("[2001:db8::1]:5060"); /* from an IPv4 address */
	call(s, TRANSPORT_TLS, "p.example");
	assert_int_equal(s->downs, 0);
	assert_true(until(s, &s->downs, 1));
	assert_true(strlen(s->why) > 0);
}

/* C03, C38: a host that takes no connection */
static void a_connect_without_an_answer_is_given_up(void **state)
{
	struct scene *s = *state;
	union socket_address to;
	socklen_t size;
	int crowd[4];

	(void)close(s->provider.listener);
	provider_open(&s->provider, 0);
	size = socket_address_of(&s->provider.address, &to);
	for (size_t i = 0; i < ARRAY_LEN(crowd); i++) {
		crowd[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		assert_true(connect(crowd[i], &to.any, size) == 0 || errno == EINPROGRESS);
	}
	call(s, TRANSPORT_TCP, "p.example");
	for (int i = 0; i < 3; i++) {
		fake_loop_turn(&s->loop);
		sip_io_role(s->io, ROLE_ACTIVE);
	}
	assert_int_equal(s->ups + s->downs, 0);
	s->loop.ahead_ms = SIP_STREAM_SETUP_MS;
	sip_io_role(s->io, ROLE_ACTIVE);
	assert_int_equal(s->downs, 1);
	assert_string_equal(s->why, "no answer");
	for (size_t i = 0; i < ARRAY_LEN(crowd); i++)
		(void)close(crowd[i]);
}

/* C38 */
static void a_reset_is_told_at_once(void **state)
{
	struct scene *s = *state;

	call_by_tcp(s);
	assert_talks(s);
	provider_hang_up(&s->provider, true);
	assert_true(until(s, &s->downs, 1));
	assert_string_equal(s->why, "reset by the other side");
	assert_int_equal(s->down.connection, s->up.connection);
	call_by_tls(s);
	assert_talks(s);
	provider_hang_up(&s->provider, true);
	assert_true(until(s, &s->downs, 2));
	assert_true(strlen(s->why) > 0);
	assert_int_equal(s->down.connection, s->up.connection);
}

/* C39 */
static void an_end_by_the_other_side_is_told(void **state)
{
	struct scene *s = *state;

	call_by_tls(s);
	assert_talks(s);
	provider_hang_up(&s->provider, false);
	assert_true(until(s, &s->downs, 1));
	assert_string_equal(s->why, "closed by the other side");
	assert_int_equal(s->down.connection, s->up.connection);
}

/* C40: to who made the stream a CR LF answers a ping; it goes to the node at once, and hurts no message. */
static void a_pong_is_the_nodes_to_hear(void **state)
{
	struct scene *s = *state;

	call_by_tls(s);
	assert_talks(s);
	size_t before = s->messages;
	provider_say(&s->provider, "\r\n");
	assert_true(until(s, &s->messages, before + 1));
	assert_string_equal(s->text, "\r\n");
	assert_int_equal(s->came_by.connection, s->up.connection);
	assert_talks(s);
}

static void what_the_node_does_not_need_any_more_is_closed(void **state)
{
	struct scene *s = *state;

	call_by_tls(s);
	close_flow(s);
	call_by_tcp(s);
	close_flow(s);
}

static void leaving_active_closes_what_stands_and_what_is_being_made(void **state)
{
	struct scene *s = *state;

	call_by_tcp(s);
	assert_true(until_so(s, &s->provider.stands));
	struct flow stood = s->up;
	call(s, TRANSPORT_TCP, "p.example");
	s->loop.role = ROLE_STEPPING_DOWN;
	sip_io_role(s->io, s->loop.role);
	assert_int_equal(s->downs, 1);
	assert_int_equal(s->ticket, TICKET);
	assert_true(until_so(s, &s->provider.ended));
	s->loop.ahead_ms = SIP_TCP_LINGER_MS;
	assert_true(until(s, &s->downs, 2));
	assert_int_equal(s->down.connection, stood.connection);
	assert_int_equal(s->ups, 1);
}

static bool until_ended(struct scene *s, int client)
{
	struct mtime end = mtime_add_ms(loop_now(&s->loop), PATIENCE_MS);
	char text[512];

	while (!mtime_reached(end, loop_now(&s->loop))) {
		turn(s);
		if (recv(client, text, sizeof text, MSG_DONTWAIT) == 0)
			return true;
	}
	return false;
}

/* A provider may say nothing for hours: that is the node's to judge. A client may not. */
static void a_quiet_stream_of_ours_stays(void **state)
{
	static char name[] = "tcp";
	struct config_transport tcp = {.name = name, .protocol = TRANSPORT_TCP};
	struct scene *s = *state;
	struct provider any; /* for its port */
	union socket_address to;

	provider_open(&any, 1);
	provider_close(&any);
	tcp.address = any.address;
	tcp.port = any.address.port;
	sip_io_close(&s->io);
	s->loop.config.transports = &tcp;
	s->loop.config.transport_count = 1;
	open_io(s);
	int client = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t size = socket_address_of(&any.address, &to);
	assert_int_equal(connect(client, &to.any, size), 0);
	assert_int_equal(send(client, REQUEST, strlen(REQUEST), 0), strlen(REQUEST));
	assert_true(until(s, &s->messages, 1));
	say_from(s, &s->came_by, SLICE(RESPONSE));
	call_by_tcp(s);
	s->loop.ahead_ms = INT64_C(3600) * 1000;
	assert_true(until_ended(s, client));
	assert_int_equal(s->downs, 0);
	assert_talks(s);
	(void)close(client);
}

static void who_does_not_read_is_closed(void **state)
{
	static const uint8_t much[32 * 1024];
	struct scene *s = *state;

	for (size_t i = 1; i <= 2; i++) {
		if (i == 1)
			call_by_tcp(s);
		else
			call_by_tls(s);
		s->provider.stalls = true;
		for (int n = 0; n < 2000 && s->downs < i; n++) {
			say_from(s, &s->up, (struct slice){much, sizeof much});
			if (n % 16 == 0)
				turn(s);
		}
		assert_true(until(s, &s->downs, i));
		assert_string_equal(s->why, "the other side does not read");
		provider_hang_up(&s->provider, false);
		s->provider.stalls = false;
	}
}

/* T2, X04 */
static void what_waited_through_a_pause_does_not_leave(void **state)
{
	struct scene *s = *state;

	call_by_tls(s);
	assert_true(until_so(s, &s->provider.stands));
	say_from(s, &s->up, SLICE(REQUEST));
	s->loop.paused = true;
	turn(s);
	s->loop.paused = false;
	assert_int_equal(s->downs, 1);
	assert_string_equal(s->why, "this process was paused");
	assert_true(until_so(s, &s->provider.ended));
	assert_int_equal(s->provider.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_stream_leaves_from_the_address_that_was_named),
		STORY(the_ends_of_a_message_s_way_are_those_of_the_wire),
		STORY(a_refused_port_is_told_at_once),
		STORY(what_cannot_be_tried_is_told_later),
		STORY(a_connect_without_an_answer_is_given_up),
		STORY(a_reset_is_told_at_once),
		STORY(an_end_by_the_other_side_is_told),
		STORY(a_pong_is_the_nodes_to_hear),
		STORY(what_the_node_does_not_need_any_more_is_closed),
		STORY(leaving_active_closes_what_stands_and_what_is_being_made),
		STORY(a_quiet_stream_of_ours_stays),
		STORY(who_does_not_read_is_closed),
		STORY(what_waited_through_a_pause_does_not_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
