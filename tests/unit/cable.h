/* cable.h - a cable by loopback that can be cut: what is sent into it then arrives nowhere, and nobody is
 * told. */
#ifndef TESTS_UNIT_CABLE_H
#define TESTS_UNIT_CABLE_H

#include <stdlib.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>

#include "node/io/sockets.h"
#include "tests/check.h"

enum { WIRES_MAX = 16 };

struct cable {
	struct event_base *base;
	struct addr far_end;
	struct evconnlistener *listener;
	struct bufferevent *wires[WIRES_MAX][2];
	size_t n;
	bool cut;
};

/* The wire of the cable that ends here. */
static inline struct bufferevent **wire_of(struct cable *c, const struct bufferevent *end)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->wires[i][0] == end || c->wires[i][1] == end)
			return c->wires[i];
	abort();
}

static inline void on_bytes(struct bufferevent *from, void *context)
{
	struct cable *c = context;
	struct bufferevent **wire = wire_of(c, from);
	struct bufferevent *to = wire[wire[0] == from];

	if (!c->cut)
		assert_int_equal(bufferevent_read_buffer(from, bufferevent_get_output(to)), 0);
}

static inline void unplug(struct bufferevent **wire)
{
	for (int i = 0; i < 2; i++) {
		if (wire[i] != NULL)
			bufferevent_free(wire[i]);
		wire[i] = NULL;
	}
}

static inline void on_end(struct bufferevent *end, short what, void *context)
{
	struct cable *c = context;

	if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0 && !c->cut)
		unplug(wire_of(c, end));
}

static inline void on_plug(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *a, int n,
                           void *context)
{
	struct cable *c = context;
	union socket_address to;
	socklen_t size = socket_address_of(&c->far_end, &to);

	(void)l;
	(void)a;
	(void)n;
	assert_true(c->n < WIRES_MAX);
	struct bufferevent **wire = c->wires[c->n++];
	wire[0] = bufferevent_socket_new(c->base, fd, BEV_OPT_CLOSE_ON_FREE);
	wire[1] = bufferevent_socket_new(c->base, -1, BEV_OPT_CLOSE_ON_FREE);
	for (int i = 0; i < 2; i++) {
		bufferevent_setcb(wire[i], on_bytes, NULL, on_end, c);
		(void)bufferevent_enable(wire[i], EV_READ | EV_WRITE);
	}
	assert_int_equal(bufferevent_socket_connect(wire[1], &to.any, (int)size), 0);
}

static inline void lay_cable(struct cable *c, struct event_base *base, const struct addr *near,
                             const struct addr *far)
{
	union socket_address at;
	socklen_t size = socket_address_of(near, &at);

	c->base = base;
	c->far_end = *far;
	c->listener = evconnlistener_new_bind(
		base, on_plug, c, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 8, &at.any, (int)size);
	assert_non_null(c->listener);
}

static inline void remove_cable(struct cable *c)
{
	for (size_t i = 0; i < c->n; i++)
		unplug(c->wires[i]);
	if (c->listener != NULL)
		evconnlistener_free(c->listener);
}

#endif
