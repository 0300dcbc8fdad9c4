#include "node/io/sip_tcp.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "node/io/sip_stream.h"
#include "node/io/sip_udp.h"
#include "node/io/sockets.h"

enum {
	SLOT_BITS = 21, /* of a connection's number; the rest counts up */
	SLOTS_MAX = 1 << SLOT_BITS,
	ACCEPTED_MAX = 1 << 20,
	ACCEPT_BATCH = 64, /* connections a listener takes in one turn */
	SWEEP_US = 500 * 1000,
	LISTEN_QUEUE = 4096,
};

struct listener {
	struct sip_tcp *owner;
	struct addr local;
	int fd;
	struct event *readable;
};

struct sip_tcp {
	struct loop *loop;
	struct sip_tls *tls;
	struct listener *listener[CONFIG_TRANSPORTS_MAX];
	size_t n_listeners;
	bool listening; /* the listeners' events are armed */
	bool starved;   /* no descriptors left: accepts again after the next sweep */
	bool leaving;   /* not active any more: open connections end with their last answer */

	struct sip_stream **slot;
	size_t n_slots; /* used at least once; more are never looked at */
	size_t room;
	uint32_t *unused; /* a stack of free slots below n_slots */
	size_t n_unused;
	size_t accepted, made; /* that there are */
	uint64_t numbers;      /* so far: the changing part of the numbers */
	struct sip_streams streams;
	struct event *sweep;
	struct log_rate rate;
};

static struct sip_stream *find(const struct sip_tcp *t, uint64_t number)
{
	size_t slot = number & (SLOTS_MAX - 1);
	struct sip_stream *s = slot < t->n_slots ? t->slot[slot] : NULL;

	return s != NULL && s->flow.connection == number ? s : NULL;
}

static enum sip_mode mode_now(const struct sip_tcp *t)
{
	return sip_mode_of(node_role(loop_node(t->loop)));
}

void sip_tcp_flush(struct sip_tcp *t)
{
	size_t n = sip_streams_flush(&t->streams);

	if (n > 0)
		log_rated(loop_log(t->loop), &t->rate, loop_now(t->loop), LOG_WARN,
		          "tcp=closed connections=%zu why=\"this process was paused\"", n);
}

static size_t take_slot(struct sip_tcp *t)
{
	const size_t size = sizeof(struct sip_stream *);

	if (t->n_unused > 0)
		return t->unused[--t->n_unused];
	if (t->n_slots == t->room) {
		t->room = t->room == 0 ? 64 : t->room * 2;
		t->slot = realloc(t->slot, t->room * size);
		t->unused = realloc(t->unused, t->room * sizeof *t->unused);
		if (t->slot == NULL || t->unused == NULL)
			abort();
	}
	return t->n_slots++;
}

static uint64_t take_number(struct sip_tcp *t)
{
	size_t slot = take_slot(t);

	assert(slot < SLOTS_MAX);
	return ++t->numbers << SLOT_BITS | slot;
}

static void keep(struct sip_tcp *t, struct sip_stream *s)
{
	t->slot[s->flow.connection & (SLOTS_MAX - 1)] = s;
	(*(s->made ? &t->made : &t->accepted))++;
}

size_t sip_tcp_flows(const struct sip_tcp *t)
{
	return t->accepted + t->made;
}

static void close_stream(struct sip_tcp *t, struct sip_stream *s)
{
	size_t slot = s->flow.connection & (SLOTS_MAX - 1);

	t->slot[slot] = NULL;
	t->unused[t->n_unused++] = (uint32_t)slot;
	(*(s->made ? &t->made : &t->accepted))--;
	sip_stream_close(s);
}

/* --- that come --- */

static void listen_again(struct sip_tcp *t, bool on)
{
	if (on == t->listening)
		return;
	t->listening = on;
	for (size_t i = 0; i < t->n_listeners; i++) {
		if (on)
			(void)event_add(t->listener[i]->readable, NULL);
		else
			(void)event_del(t->listener[i]->readable);
	}
}

static void on_accepted(struct listener *from, int fd, const union socket_address *remote)
{
	struct sip_tcp *t = from->owner;
	struct flow flow = {TRANSPORT_TCP, from->local, socket_address_read(remote), 0};
	uint32_t limit = loop_config(t->loop)->limits_tcp_connections;

	if (mode_now(t) == SIP_DROP) {
		(void)close(fd); /* the client is to ask the active */
		return;
	}
	if (t->accepted >= limit || t->accepted >= ACCEPTED_MAX) {
		(void)close(fd);
		log_rated(loop_log(t->loop), &t->rate, loop_now(t->loop), LOG_WARN,
		          "tcp=refused why=\"limits.tcp_connections is reached\" open=%zu",
		          t->accepted);
		return;
	}
	flow.connection = take_number(t);
	keep(t, sip_stream_accepted(&t->streams, fd, &flow));
}

static void on_connect(evutil_socket_t fd, short what, void *context)
{
	struct listener *from = context;
	struct sip_tcp *t = from->owner;

	(void)what;
	if (mode_now(t) == SIP_WAIT) {
		listen_again(t, false);
		return;
	}
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		union socket_address remote;
		socklen_t size = sizeof remote;
		int got = accept4(fd, &remote.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (got >= 0) {
			on_accepted(from, got, &remote);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			log_rated(loop_log(t->loop), &t->rate, loop_now(t->loop), LOG_ERROR,
			          "tcp=refused why=\"%s\" remedy=\"raise LimitNOFILE\"",
			          strerror(errno));
			t->starved = true;
			listen_again(t, false);
		}
		return;
	}
}

/* --- that we make --- */

void sip_tcp_connect(struct sip_tcp *t, const struct node_output *o)
{
	struct flow flow = {o->flow.transport, o->flow.local, o->target, take_number(t)};
	struct tls_stream *tls = NULL;
	int fd = -1;

	errno = EMFILE;
	if (t->made < SIP_TCP_MADE_MAX)
		fd = socket_leaving(&o->flow.local);
	if (fd >= 0 && flow.transport == TRANSPORT_TLS)
		tls = sip_tls_stream(t->tls, fd, o->bytes);
	struct sip_stream *s = sip_stream_made(&t->streams, fd, &flow, tls);
	s->ticket = o->ticket;
	keep(t, s);
}

void sip_tcp_close_flow(struct sip_tcp *t, uint64_t connection)
{
	struct sip_stream *s = find(t, connection);

	if (s != NULL)
		sip_stream_end(s);
}

/* --- that go --- */

static void tell_gone(const struct sip_tcp *t, const struct sip_stream *s)
{
	struct node_input down = {.event = NODE_FLOW_DOWN};

	if (s->stood)
		down.flow = s->flow;
	else
		down.ticket = s->ticket;
	if (s->why != NULL)
		down.bytes = slice_str(s->why);
	loop_feed(t->loop, &down);
}

static void follow_passing(struct sip_tcp *t)
{
	struct mtime now = loop_now(t->loop);
	struct sip_stream **at = &t->streams.passing;

	while (*at != NULL) {
		struct sip_stream *s = *at;
		sip_stream_advance(s, now);
		if (s->stage != STAGE_OPEN && s->stage != STAGE_GONE) {
			at = &s->next_passing;
			continue;
		}
		*at = s->next_passing;
		s->is_passing = false;
		if (s->stage == STAGE_GONE) {
			tell_gone(t, s);
			close_stream(t, s);
		}
	}
}

/* Ends every open connection whose client was last heard `quiet_ms` ago. */
static void end_quiet(struct sip_tcp *t, int64_t quiet_ms)
{
	struct mtime now = loop_now(t->loop);

	for (size_t i = 0; i < t->n_slots; i++) {
		struct sip_stream *s = t->slot[i];
		if (s != NULL && (!s->made || quiet_ms == 0) &&
		    mtime_reached(mtime_add_ms(s->heard, quiet_ms), now))
			sip_stream_end(s);
	}
}

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
	struct sip_tcp *t = context;

	(void)fd;
	(void)what;
	end_quiet(t, loop_config(t->loop)->limits_tcp_idle);
	t->starved = false;
}

void sip_tcp_send(struct sip_tcp *t, uint64_t connection, struct slice bytes)
{
	struct sip_stream *s = find(t, connection);

	if (s != NULL)
		sip_stream_send(s, bytes);
}

bool sip_tcp_ends(const struct sip_tcp *t, struct flow *flow)
{
	const struct sip_stream *s = find(t, flow->connection);
	union socket_address local;
	socklen_t size = sizeof local;

	if (s == NULL)
		return false;
	*flow = s->flow;
	if (getsockname(s->fd, &local.any, &size) == 0)
		flow->local = socket_address_read(&local);
	return true;
}

void sip_tcp_turn(struct sip_tcp *t, enum role role)
{
	enum sip_mode mode = sip_mode_of(role);

	if (mode == SIP_DROP && !t->leaving)
		end_quiet(t, 0);
	t->leaving = mode == SIP_DROP;
	follow_passing(t);
	listen_again(t, mode != SIP_WAIT && !t->starved);
}

bool sip_tcp_listen(struct sip_tcp *t, const struct addr *local)
{
	int fd = socket_bound(SOCK_STREAM, local);

	if (fd < 0)
		return false;
	if (listen(fd, LISTEN_QUEUE) != 0) {
		int why = errno;
		(void)close(fd);
		errno = why;
		return false;
	}
	assert(t->n_listeners < CONFIG_TRANSPORTS_MAX);
	struct listener *from = socket_take(1, sizeof *from);
	*from = (struct listener){.owner = t, .local = *local, .fd = fd};
	from->readable = event_new(loop_base(t->loop), fd, EV_READ | EV_PERSIST, on_connect, from);
	if (from->readable == NULL)
		abort();
	t->listener[t->n_listeners++] = from;
	return true;
}

struct sip_tcp *sip_tcp_new(struct loop *l, struct sip_tls *tls)
{
	struct timeval every = {.tv_usec = SWEEP_US};
	struct sip_tcp *t = socket_take(1, sizeof *t);

	t->loop = l;
	t->tls = tls;
	t->streams.loop = l;
	t->sweep = event_new(loop_base(l), -1, EV_PERSIST, on_sweep, t);
	if (t->sweep == NULL || event_add(t->sweep, &every) != 0)
		abort();
	return t;
}

void sip_tcp_free(struct sip_tcp **t)
{
	if (*t == NULL)
		return;
	for (size_t i = 0; i < (*t)->n_slots; i++)
		if ((*t)->slot[i] != NULL)
			close_stream(*t, (*t)->slot[i]);
	for (size_t i = 0; i < (*t)->n_listeners; i++) {
		event_free((*t)->listener[i]->readable);
		(void)close((*t)->listener[i]->fd);
		free((*t)->listener[i]);
	}
	event_free((*t)->sweep);
	free((*t)->slot);
	free((*t)->unused);
	free(*t);
	*t = NULL;
}
