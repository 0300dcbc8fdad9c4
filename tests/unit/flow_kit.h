/* flow_kit.h - the SIP sockets of a node with one provider at the other end of a stream, turned by hand. */
#ifndef TESTS_UNIT_FLOW_KIT_H
#define TESTS_UNIT_FLOW_KIT_H

#include <signal.h>
#include <sys/stat.h>

#include "node/io/sip_io.h"
#include "node/io/sip_stream.h"
#include "tests/unit/fake_loop.h"
#include "tests/unit/provider.h"

enum { PATIENCE_MS = 5000, KEPT = 256 * 1024, TICKET = 77 };

#define REQUEST  "OPTIONS sip:a SIP/2.0\r\nContent-Length: 4\r\n\r\nbody"
#define RESPONSE "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"

struct scene {
	struct loop loop;
	struct sip_io *io;
	struct provider provider;
	struct certificate ca;
	char dir[64], ca_file[128];
	size_t ups, downs, messages;
	struct flow up;      /* of the last NODE_FLOW_UP */
	struct flow down;    /* of the last NODE_FLOW_DOWN */
	uint64_t ticket;     /* of either */
	char why[512];       /* of the last NODE_FLOW_DOWN */
	char text[KEPT];     /* of the last message */
	struct flow came_by; /* its flow */
};

static inline void on_feed(struct loop *l, const struct node_input *in)
{
	struct scene *s = l->context;

	if (in->event == NODE_FLOW_UP) {
		s->ups++;
		s->up = in->flow;
		s->ticket = in->ticket;
	} else if (in->event == NODE_FLOW_DOWN) {
		s->downs++;
		s->down = in->flow;
		s->ticket = in->ticket;
		(void)snprintf(s->why, sizeof s->why, SLICE_FMT, SLICE_ARG(in->bytes));
	} else {
		assert_int_equal(in->event, NODE_MESSAGE);
		s->messages++;
		s->came_by = in->flow;
		(void)snprintf(s->text, sizeof s->text, SLICE_FMT, SLICE_ARG(in->bytes));
	}
}

static inline void open_io(struct scene *s)
{
	s->io = sip_io_open(&s->loop);
	assert_non_null(s->io);
	sip_io_role(s->io, ROLE_ACTIVE);
}

static inline int open_scene(void **state)
{
	struct scene *s = calloc(1, sizeof *s);

	assert_non_null(s);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)snprintf(s->dir, sizeof s->dir, "/tmp/test-sip-flows-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	s->ca = certificate_make(&(struct certificate_plan){.name = "the CA"});
	(void)certificate_write(&s->ca, false, s->dir, s->ca_file);
	fake_loop_open(&s->loop, event_base_new());
	s->loop.on_feed = on_feed;
	s->loop.context = s;
	s->loop.role = ROLE_ACTIVE;
	s->loop.config.tls_ca_file = s->ca_file;
	s->loop.config.limits_tcp_connections = 3;
	s->loop.config.limits_tcp_idle = 60000;
	provider_open(&s->provider, 8);
	open_io(s);
	*state = s;
	return 0;
}

static inline int close_scene(void **state)
{
	struct scene *s = *state;
	char command[96];

	sip_io_close(&s->io);
	provider_close(&s->provider);
	event_base_free(s->loop.base);
	fake_loop_close(&s->loop);
	certificate_free(&s->ca);
	(void)snprintf(command, sizeof command, "rm -r %s", s->dir);
	assert_int_equal(system(command), 0);
	free(s);
	return 0;
}

static inline void turn(struct scene *s)
{
	fake_loop_turn(&s->loop);
	sip_io_flush(s->io);
	sip_io_role(s->io, s->loop.role);
	provider_turn(&s->provider);
}

/* Turns until the count is there, or patience is over; the latter fails where it is looked at. */
static inline bool until(struct scene *s, const size_t *count, size_t wanted)
{
	struct mtime end = mtime_add_ms(loop_now(&s->loop), PATIENCE_MS);

	while (*count < wanted && !mtime_reached(end, loop_now(&s->loop)))
		turn(s);
	return *count >= wanted;
}

static inline bool until_so(struct scene *s, const bool *fact)
{
	struct mtime end = mtime_add_ms(loop_now(&s->loop), PATIENCE_MS);

	while (!*fact && !mtime_reached(end, loop_now(&s->loop)))
		turn(s);
	return *fact;
}

static inline void call(struct scene *s, enum transport transport, const char *name)
{
	struct node_output o = {
		.kind = OUT_CONNECT,
		.ticket = TICKET,
		.flow = {.transport = transport, .local = addr_of("127.0.0.9:5060")},
		.target = s->provider.address,
		.bytes = slice_str(name),
	};

	sip_io_connect(s->io, &o);
}

static inline void say_from(struct scene *s, const struct flow *flow, struct slice bytes)
{
	struct node_output o = {
		.kind = OUT_MESSAGE, .flow = *flow, .target = flow->remote, .bytes = bytes};

	sip_io_send(s->io, &o);
}

/* The node needs it no more: it says goodbye, and is closed a little later. */
static inline void close_flow(struct scene *s)
{
	size_t before = s->downs;

	assert_true(until_so(s, &s->provider.stands));
	sip_io_close_flow(s->io, &(struct node_output){.flow = s->up});
	assert_true(until_so(s, &s->provider.ended));
	s->loop.ahead_ms += SIP_TCP_LINGER_MS;
	assert_true(until(s, &s->downs, before + 1));
	assert_int_equal(s->down.connection, s->up.connection);
	provider_hang_up(&s->provider, false);
}

/* A TLS provider called "p.example", verified. */
static inline void call_by_tls(struct scene *s)
{
	provider_speak_tls(&s->provider,
	                   &(struct certificate_plan){.by = &s->ca, .names = "DNS:p.example"});
	size_t before = s->ups;
	call(s, TRANSPORT_TLS, "p.example");
	assert_true(until(s, &s->ups, before + 1));
}

static inline void call_by_tcp(struct scene *s)
{
	size_t before = s->ups;

	SSL_CTX_free(s->provider.context);
	s->provider.context = NULL;
	call(s, TRANSPORT_TCP, "p.example");
	assert_true(until(s, &s->ups, before + 1));
}

static inline void assert_talks(struct scene *s)
{
	s->provider.n = 0;
	size_t before = s->messages;
	say_from(s, &s->up, SLICE(REQUEST));
	assert_true(until(s, &s->provider.n, strlen(REQUEST)));
	assert_string_equal(s->provider.heard, REQUEST);
	provider_say(&s->provider, RESPONSE);
	assert_true(until(s, &s->messages, before + 1));
	assert_string_equal(s->text, RESPONSE);
	assert_int_equal(s->came_by.connection, s->up.connection);
	assert_true(addr_eq(&s->came_by.local, &s->up.local));
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

#endif
