/* layer: io */
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>

#include "node/io/sip_io.h"
#include "node/io/sip_tcp.h"
#include "tests/check.h"
#include "tests/unit/addr_of.h"
#include "tests/unit/fake_loop.h"
#include "tests/unit/loopback.h"

enum { CLIENTS_MAX = 4, KEPT = 512 };

#define REQUEST  "OPTIONS sip:a SIP/2.0\r\nContent-Length: 4\r\n\r\nbody"
#define UNSIZED  "OPTIONS sip:a SIP/2.0\r\nVia: x\r\n\r\n"
#define RESPONSE "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"

struct scene {
	struct loop loop;
	struct sip_io *io;
	struct config_transport transport[2];
	uint16_t port;
	int client[CLIENTS_MAX];
	char text[KEPT]; /* of the last message */
	struct flow flow;
	bool answers;    /* each message at once */
	uint64_t closed; /* the connection of the last NODE_FLOW_DOWN */
};

static void answer(struct scene *s, struct slice bytes)
{
	struct node_output o = {
		.kind = OUT_MESSAGE, .flow = s->flow, .target = s->flow.remote, .bytes = bytes};

	sip_io_send(s->io, &o);
}

static void on_feed(struct loop *l, const struct node_input *in)
{
	struct scene *s = l->context;

	if (in->event == NODE_FLOW_DOWN) {
		s->closed = in->flow.connection;
		l->fed--; /* messages are counted */
		return;
	}
	assert_int_equal(in->event, NODE_MESSAGE);
	(void)snprintf(s->text, sizeof s->text, SLICE_FMT, SLICE_ARG(in->bytes));
	s->flow = in->flow;
	if (s->answers)
		answer(s, SLICE(RESPONSE));
}

static int open_scene(void **state)
{
	static char udp[] = "test-udp";
	static char tcp[] = "test-tcp";
	struct scene *s = calloc(1, sizeof *s);

	assert_non_null(s);
	(void)signal(SIGPIPE, SIG_IGN);
	s->port = free_port();
	s->transport[0] = (struct config_transport){.name = udp,
	                                            .protocol = TRANSPORT_UDP,
	                                            .address = addr_of("127.0.0.1"),
	                                            .port = s->port};
	s->transport[1] = s->transport[0];
	s->transport[1].name = tcp;
	s->transport[1].protocol = TRANSPORT_TCP;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		s->client[i] = -1;
	fake_loop_open(&s->loop, event_base_new());
	s->loop.on_feed = on_feed;
	s->loop.context = s;
	s->loop.role = ROLE_ACTIVE;
	s->loop.config.transports = s->transport;
	s->loop.config.transport_count = 2;
	s->loop.config.limits_tcp_connections = 3;
	s->loop.config.limits_tcp_idle = 60000;
	s->io = sip_io_open(&s->loop);
	assert_non_null(s->io);
	sip_io_role(s->io, ROLE_ACTIVE);
	*state = s;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *s = *state;

	sip_io_close(&s->io);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (s->client[i] >= 0)
			(void)close(s->client[i]);
	event_base_free(s->loop.base);
	fake_loop_close(&s->loop);
	free(s);
	return 0;
}

static void turn(struct scene *s)
{
	fake_loop_turn(&s->loop);
	sip_io_flush(s->io);
	sip_io_role(s->io, s->loop.role);
}

static void turns(struct scene *s, int n)
{
	for (int i = 0; i < n; i++)
		turn(s);
}

static bool until_closed(struct scene *s, uint64_t connection)
{
	struct mtime end = mtime_add_ms(loop_now(&s->loop), PATIENCE_MS);

	while (s->closed != connection && !mtime_reached(end, loop_now(&s->loop)))
		turn(s);
	return s->closed == connection;
}

static bool until_fed(struct scene *s, size_t wanted)
{
	struct mtime end = mtime_add_ms(loop_now(&s->loop), PATIENCE_MS);

	while (s->loop.fed < wanted && !mtime_reached(end, loop_now(&s->loop)))
		turn(s);
	return s->loop.fed >= wanted;
}

static int call(struct scene *s, size_t client, int type)
{
	union socket_address to;
	struct addr server = addr_of("127.0.0.1");
	struct addr any = server;

	server.port = s->port;
	socklen_t size = socket_address_of(&server, &to);
	int fd = socket_bound(type, &any);
	assert_true(fd >= 0);
	assert_true(connect(fd, &to.any, size) == 0 || errno == EINPROGRESS);
	s->client[client] = fd;
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
}

/* Turns the loop until the client hears something. The text; "END" for the end; "" for silence. */
static const char *heard(struct scene *s, int fd)
{
	static char text[4096];
	struct mtime end = mtime_add_ms(loop_now(&s->loop), PATIENCE_MS);

	while (!mtime_reached(end, loop_now(&s->loop))) {
		ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return "END";
		if (n > 0) {
			text[n] = '\0';
			return text;
		}
		turn(s);
	}
	return "";
}

static void a_datagram_is_fed_and_answered_from_where_it_came_to(void **state)
{
	struct scene *s = *state;
	int fd = call(s, 0, SOCK_DGRAM);

	say(fd, REQUEST);
	assert_true(until_fed(s, 1));
	assert_string_equal(s->text, REQUEST);
	assert_int_equal(s->flow.transport, TRANSPORT_UDP);
	assert_int_equal(s->flow.local.port, s->port);
	assert_int_equal(s->flow.connection, 0);
	answer(s, SLICE(RESPONSE));
	assert_string_equal(heard(s, fd),
	                    RESPONSE); /* it is connected: another source would not do */
}

static void many_answers_leave_in_batches(void **state)
{
	struct scene *s = *state;
	int fd = call(s, 0, SOCK_DGRAM);
	size_t count = 0;

	say(fd, REQUEST);
	assert_true(until_fed(s, 1));
	for (int i = 0; i < 200; i++)
		answer(s, SLICE(RESPONSE));
	sip_io_flush(s->io);
	while (count < 200 && strcmp(heard(s, fd), RESPONSE) == 0)
		count++;
	assert_int_equal(count, 200);
}

static void a_datagram_that_cannot_go_holds_nobody_up(void **state)
{
	struct scene *s = *state;
	int fd = call(s, 0, SOCK_DGRAM);

	say(fd, REQUEST);
	assert_true(until_fed(s, 1));
	struct node_output o = {
		.flow = s->flow, .target = addr_of("[::1]:5060"), .bytes = SLICE("x")};
	sip_io_send(s->io, &o);
	answer(s, SLICE(RESPONSE));
	assert_string_equal(heard(s, fd), RESPONSE);
}

static void a_standby_forgets_and_a_node_taking_over_leaves_unread(void **state)
{
	struct scene *s = *state;
	int fd = call(s, 0, SOCK_DGRAM);

	s->loop.role = ROLE_STANDBY;
	turns(s, 2);
	say(fd, "forgotten");
	wait_for_what_was_sent();
	turns(s, 5);
	s->loop.role = ROLE_TAKING_OVER; /* in this turn: sip_io has not been told yet */
	say(fd, "kept");
	wait_for_what_was_sent();
	turns(s, 5);
	assert_int_equal(s->loop.fed, 0);
	s->loop.role = ROLE_ACTIVE;
	assert_true(until_fed(s, 1));
	assert_string_equal(s->text, "kept");
}

static void a_stream_is_cut_into_messages(void **state)
{
	struct scene *s = *state;
	int fd = call(s, 0, SOCK_STREAM);

	s->answers = true;
	say(fd, "\r\nOPTIONS sip:a SIP/2.0\r\nContent-Le");
	turns(s, 3);
	assert_int_equal(s->loop.fed, 0);
	say(fd, "ngth: 4\r\n\r\nbody" REQUEST "OPTIONS");
	assert_true(until_fed(s, 2));
	assert_string_equal(s->text, REQUEST);
	assert_int_equal(s->flow.transport, TRANSPORT_TCP);
	assert_true(s->flow.connection > 0);
	turns(s, 3);
	assert_int_equal(s->loop.fed, 2);
	assert_string_equal(heard(s, fd), RESPONSE RESPONSE);
}

/* ob-10 */
static void a_ping_is_answered(void **state)
{
	struct scene *s = *state;
	int fd = call(s, 0, SOCK_STREAM);

	say(fd, "\r\n\r\n");
	assert_string_equal(heard(s, fd), "\r\n");
	assert_int_equal(s->loop.fed, 0);
}

static void a_message_without_length_is_the_last_one(void **state)
{
	struct scene *s = *state;
	int fd = call(s, 0, SOCK_STREAM);

	say(fd, UNSIZED REQUEST);
	assert_true(until_fed(s, 1));
	assert_string_equal(s->text, UNSIZED);
	turns(s, 5);
	answer(s, SLICE(RESPONSE));
	assert_string_equal(heard(s, fd), RESPONSE);
	assert_string_equal(heard(s, fd), "END");
	assert_int_equal(s->loop.fed, 1);
}

static void a_head_without_end_is_closed(void **state)
{
	struct scene *s = *state;
	int fd = call(s, 0, SOCK_STREAM);
	static char line[1025];

	memset(line, 'x', sizeof line - 1);
	for (int i = 0; i < 70; i++) {
		say(fd, line);
		turn(s);
	}
	assert_string_equal(heard(s, fd), "END");
	assert_int_equal(s->loop.fed, 0);
}

static void a_client_that_ended_its_side_is_still_answered(void **state)
{
	struct scene *s = *state;
	int fd = call(s, 0, SOCK_STREAM);

	say(fd, REQUEST);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_true(until_fed(s, 1));
	turns(s, 5);
	answer(s, SLICE(RESPONSE));
	assert_string_equal(heard(s, fd), RESPONSE);
	assert_string_equal(heard(s, fd), "END");
}

static void an_answer_to_a_connection_that_is_gone_is_dropped(void **state)
{
	struct scene *s = *state;
	int fd = call(s, 0, SOCK_STREAM);

	say(fd, REQUEST);
	assert_true(until_fed(s, 1));
	struct linger reset = {.l_onoff = 1};
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
	(void)close(fd);
	s->client[0] = -1;
	assert_true(until_closed(s, s->flow.connection));
	int next = call(s, 1, SOCK_STREAM); /* takes the place, not the number */
	turns(s, 5);
	answer(s, SLICE("not for you"));
	say(next, "\r\n\r\n");
	assert_string_equal(heard(s, next), "\r\n");
}

static void leaving_active_closes_after_the_last_answer(void **state)
{
	struct scene *s = *state;
	int owed = call(s, 0, SOCK_STREAM);
	int idle = call(s, 1, SOCK_STREAM);

	say(owed, REQUEST);
	assert_true(until_fed(s, 1));
	s->loop.role = ROLE_STEPPING_DOWN;
	say(owed, REQUEST);
	assert_string_equal(heard(s, idle), "END");
	assert_int_equal(s->loop.fed, 1); /* the second request is left to be sent elsewhere */
	answer(s, SLICE(RESPONSE));
	assert_string_equal(heard(s, owed), RESPONSE);
	assert_string_equal(heard(s, owed), "END");
	assert_string_equal(heard(s, call(s, 2, SOCK_STREAM)), "END");
}

static void more_connections_than_allowed_are_closed(void **state)
{
	struct scene *s = *state;

	for (size_t i = 0; i < 3; i++)
		(void)call(s, i, SOCK_STREAM);
	turns(s, 5);
	assert_string_equal(heard(s, call(s, 3, SOCK_STREAM)), "END");
	say(s->client[2], "\r\n\r\n");
	assert_string_equal(heard(s, s->client[2]), "\r\n");
}

static void a_quiet_connection_is_closed(void **state)
{
	struct scene *s = *state;

	s->loop.config.limits_tcp_idle = 200;
	assert_string_equal(heard(s, call(s, 0, SOCK_STREAM)), "END");
}

static void a_client_that_does_not_read_is_closed(void **state)
{
	struct scene *s = *state;
	int fd = call(s, 0, SOCK_STREAM);
	int other = call(s, 1, SOCK_STREAM);
	static uint8_t much[32 * 1024];

	say(fd, REQUEST);
	assert_true(until_fed(s, 1));
	for (int i = 0; i < 400; i++) {
		answer(s, (struct slice){much, sizeof much});
		if (i % 16 == 0)
			turn(s);
	}
	turns(s, 3);
	say(other, "\r\n\r\n");
	assert_string_equal(heard(s, other), "\r\n");
	const char *last = heard(s, fd);
	for (int i = 0; i < 10000 && strcmp(last, "END") != 0; i++)
		last = heard(s, fd);
	assert_string_equal(last, "END");
}

static void what_was_answered_last_leaves_before_the_sockets_close(void **state)
{
	struct scene *s = *state;
	int tcp = call(s, 0, SOCK_STREAM);
	int udp = call(s, 1, SOCK_DGRAM);
	char text[128] = {0};

	say(tcp, REQUEST);
	assert_true(until_fed(s, 1));
	answer(s, SLICE(RESPONSE));
	say(udp, REQUEST);
	assert_true(until_fed(s, 2));
	answer(s, SLICE(RESPONSE));
	sip_io_close(&s->io);
	struct pollfd there[] = {{.fd = tcp, .events = POLLIN}, {.fd = udp, .events = POLLIN}};
	for (size_t i = 0; i < ARRAY_LEN(there); i++)
		assert_int_equal(poll(&there[i], 1, PATIENCE_MS), 1);
	assert_true(recv(tcp, text, sizeof text - 1, MSG_DONTWAIT) > 0);
	assert_string_equal(text, RESPONSE);
	assert_true(recv(udp, text, sizeof text - 1, MSG_DONTWAIT) > 0);
}

/* T2, X04: the clock is read directly before each batch: an answer of a reign that may be over by now
 * is dropped, and the one after it leaves. */
static void what_waited_through_a_pause_does_not_leave(void **state)
{
	struct scene *s = *state;
	int udp = call(s, 0, SOCK_DGRAM), tcp = call(s, 1, SOCK_STREAM);
	int quiet = call(s, 2, SOCK_STREAM);

	say(quiet, "\r\n\r\n");
	assert_string_equal(heard(s, quiet), "\r\n");
	say(udp, REQUEST);
	assert_true(until_fed(s, 1));
	for (int i = 0; i < 100; i++)
		answer(s, SLICE("too late"));
	struct flow asked = s->flow;
	say(tcp, REQUEST);
	assert_true(until_fed(s, 2)); /* a flush came between: these left */
	for (int i = 0; i < 100; i++)
		assert_string_equal(heard(s, udp), "too late");
	answer(s, SLICE("too late"));
	s->flow = asked;
	answer(s, SLICE("too late"));
	s->loop.paused = true;
	turn(s);
	s->loop.paused = false;
	assert_string_equal(heard(s, tcp), "END");
	answer(s, SLICE(RESPONSE));
	assert_string_equal(heard(s, udp), RESPONSE);
	say(quiet, "\r\n\r\n");
	assert_string_equal(heard(s, quiet), "\r\n");
}

static void a_port_in_use_refuses_the_start(void **state)
{
	struct scene *s = *state;

	assert_null(sip_io_open(&s->loop));
}

static void an_address_of_another_host_is_no_fault(void **state)
{
	struct scene *s = *state;

	s->transport[0].address = s->transport[1].address = addr_of("192.0.2.1");
	struct sip_io *other = sip_io_open(&s->loop);
	assert_non_null(other);
	sip_io_close(&other);
	s->transport[0].address = s->transport[1].address = addr_of("2001:db8::1");
	other = sip_io_open(&s->loop);
	if (other == NULL)
		skip(); /* a host without IPv6 */
	sip_io_close(&other);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
	(void)setenv("SSL_CERT_FILE", "/nonexistent",
	             1); /* reading the system's CAs takes a while */
	const struct CMUnitTest tests[] = {
		STORY(a_datagram_is_fed_and_answered_from_where_it_came_to),
		STORY(many_answers_leave_in_batches),
		STORY(a_datagram_that_cannot_go_holds_nobody_up),
		STORY(a_standby_forgets_and_a_node_taking_over_leaves_unread),
		STORY(a_stream_is_cut_into_messages),
		STORY(a_ping_is_answered),
		STORY(a_message_without_length_is_the_last_one),
		STORY(a_head_without_end_is_closed),
		STORY(a_client_that_ended_its_side_is_still_answered),
		STORY(an_answer_to_a_connection_that_is_gone_is_dropped),
		STORY(leaving_active_closes_after_the_last_answer),
		STORY(more_connections_than_allowed_are_closed),
		STORY(a_quiet_connection_is_closed),
		STORY(a_client_that_does_not_read_is_closed),
		STORY(what_was_answered_last_leaves_before_the_sockets_close),
		STORY(what_waited_through_a_pause_does_not_leave),
		STORY(a_port_in_use_refuses_the_start),
		STORY(an_address_of_another_host_is_no_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
