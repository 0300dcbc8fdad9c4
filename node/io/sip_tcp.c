#include "node/io/sip_tcp.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "node/io/sip_udp.h"
#include "node/io/sockets.h"
#include "proto/sip/message.h"

enum {
	SLOT_BITS = 20, /* of a connection's number; the rest counts up */
	SLOTS_MAX = 1 << SLOT_BITS,
	ACCEPT_BATCH = 64, /* connections a listener takes in one turn */
	SWEEP_US = 500 * 1000,
	LISTEN_QUEUE = 4096,
	INPUT_MAX = 2 * SIP_MESSAGE_MAX, /* what is read ahead of one client */
};

/*	OPEN --nothing more will be read--> LAST --all answers written--> LINGER --> GONE
 *	any --broken, too slow--> GONE, closed at the end of the turn */
enum stage { STAGE_OPEN, STAGE_LAST, STAGE_LINGER, STAGE_GONE };

struct connection {
	struct sip_tcp *owner;
	uint64_t number;
	struct addr local, remote;
	struct bufferevent *stream;
	enum stage stage;
	struct mtime heard;    /* OPEN: the last byte of the client's */
	struct mtime deadline; /* LAST, LINGER: then it is closed */
	uint64_t owed;         /* requests fed and not answered yet */
	bool hung_up;          /* the client's FIN was seen: nothing of its is unread */
	struct connection *next_ending;
	bool due; /* written to in this turn */
	struct connection *next_due;
};

struct listener {
	struct sip_tcp *owner;
	struct addr local;
	int fd;
	struct event *readable;
};

struct sip_tcp {
	struct loop *loop;
	struct listener *listener[CONFIG_TRANSPORTS_MAX];
	size_t n_listeners;
	bool listening; /* the listeners' events are armed */
	bool starved;   /* no descriptors left: accepts again after the next sweep */
	bool leaving;   /* not active any more: open connections end with their last answer */

	struct connection **slot;
	size_t n_slots; /* used at least once; more are never looked at */
	size_t room;
	uint32_t *unused; /* a stack of free slots below n_slots */
	size_t n_unused;
	size_t open;
	uint64_t accepted;         /* so far: the changing part of the numbers */
	struct connection *due;    /* what was written to them leaves with the flush */
	struct connection *ending; /* all that are not OPEN: looked at after every turn */
	struct event *sweep;
	struct log_rate rate;
};

static struct connection *find(const struct sip_tcp *t, uint64_t number)
{
	size_t slot = number & (SLOTS_MAX - 1);
	struct connection *c = slot < t->n_slots ? t->slot[slot] : NULL;

	return c != NULL && c->number == number ? c : NULL;
}

static size_t unsent(const struct connection *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->stream));
}

static void end(struct connection *c, enum stage stage)
{
	if (c->stage == STAGE_OPEN) {
		c->next_ending = c->owner->ending;
		c->owner->ending = c;
	}
	c->stage = stage;
}

/* Freed at the end of the turn: it may be the one that is being read. */
static void give_up(struct connection *c)
{
	end(c, STAGE_GONE);
}

/* Nothing more is read; what is owed is still answered. */
static void end_gently(struct connection *c)
{
	if (c->stage != STAGE_OPEN)
		return;
	(void)bufferevent_disable(c->stream, EV_READ);
	c->deadline = mtime_add_ms(loop_now(c->owner->loop), SIP_TCP_LAST_MS);
	end(c, STAGE_LAST);
}

static enum sip_mode mode_now(const struct sip_tcp *t)
{
	return sip_mode_of(node_role(loop_node(t->loop)));
}

static bool wants_answer(struct slice message)
{
	return !slice_eq(slice_head(message, 4), SLICE("SIP/")) &&
	       !slice_eq(slice_head(message, 4), SLICE("ACK "));
}

/* To a client that leaves too much unread nothing more is written, keep-alives included. */
static void put(struct connection *c, struct slice bytes)
{
	if (unsent(c) + bytes.n > SIP_TCP_BACKLOG_MAX) {
		give_up(c);
		return;
	}
	(void)bufferevent_write(c->stream, bytes.p, bytes.n);
	if (!c->due) {
		c->next_due = c->owner->due;
		c->owner->due = c;
	}
	c->due = true;
}

/* What the kernel takes now; the rest follows when the client reads. After a pause nothing leaves: a
 * client whose connection ends asks whoever has the address by then. */
static void write_out(struct connection *c, bool paused)
{
	struct evbuffer *output = bufferevent_get_output(c->stream);
	bool failed = false;

	(void)evbuffer_unfreeze(output, 1);
	if (paused)
		(void)evbuffer_drain(output, unsent(c));
	else if (evbuffer_write(output, bufferevent_getfd(c->stream)) < 0)
		failed = errno != EAGAIN && errno != EINTR;
	(void)evbuffer_freeze(output, 1);
	if (paused || failed)
		give_up(c);
	else if (unsent(c) > 0)
		(void)bufferevent_enable(c->stream, EV_WRITE);
}

void sip_tcp_flush(struct sip_tcp *t)
{
	size_t n = 0;

	while (t->due != NULL) {
		struct connection *c = t->due;
		bool paused = loop_paused(t->loop);
		t->due = c->next_due;
		c->due = false;
		write_out(c, paused);
		n += paused;
	}
	if (n > 0)
		log_rated(loop_log(t->loop), &t->rate, loop_now(t->loop), LOG_WARN,
		          "tcp=closed connections=%zu why=\"this process was paused\"", n);
}

static struct flow flow_of(const struct connection *c)
{
	return (struct flow){TRANSPORT_TCP, c->local, c->remote, c->number};
}

static void feed(struct connection *c, struct slice message)
{
	struct node_input in = {
		.event = NODE_MESSAGE,
		.bytes = message,
		.flow = flow_of(c),
	};

	c->owed += wants_answer(message);
	loop_feed(c->owner->loop, &in);
}

/* One thing off the stream; false: nothing more to take now. */
static bool take_frame(struct connection *c, struct evbuffer *input)
{
	struct slice stream = {evbuffer_pullup(input, -1), evbuffer_get_length(input)};
	struct sip_frame f = sip_frame(stream);

	switch (f.what) {
	case SIP_FRAME_MESSAGE:
		feed(c, slice_head(stream, f.size));
		break;
	case SIP_FRAME_PING:
		put(c, SLICE("\r\n"));
		break;
	case SIP_FRAME_SKIP:
		break;
	case SIP_FRAME_NO_LENGTH: /* nobody knows where the next begins */
		feed(c, slice_head(stream, f.size));
		end_gently(c);
		break;
	case SIP_FRAME_TOO_BIG:
		end_gently(c);
		return false;
	case SIP_FRAME_MORE:
	default:
		return false;
	}
	(void)evbuffer_drain(input, f.size);
	return true;
}

static void on_read(struct bufferevent *stream, void *context)
{
	struct connection *c = context;
	struct evbuffer *input = bufferevent_get_input(stream);

	c->heard = loop_now(c->owner->loop);
	while (c->stage == STAGE_OPEN && mode_now(c->owner) == SIP_READ &&
	       evbuffer_get_length(input) > 0)
		if (!take_frame(c, input))
			break;
}

static void on_event(struct bufferevent *stream, short what, void *context)
{
	struct connection *c = context;

	(void)stream;
	c->hung_up = c->hung_up || (what & BEV_EVENT_EOF) != 0;
	/* A client that only ended its own side still hears what it asked. */
	if ((what & BEV_EVENT_EOF) != 0 && c->stage == STAGE_OPEN)
		end_gently(c);
	else if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0)
		give_up(c);
}

static size_t take_slot(struct sip_tcp *t)
{
	const size_t size = sizeof(struct connection *);

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

static void open_connection(struct listener *from, int fd, const struct addr *remote)
{
	struct sip_tcp *t = from->owner;
	struct connection *c = socket_take(1, sizeof *c);
	size_t slot = take_slot(t);

	assert(slot < SLOTS_MAX);
	socket_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	socket_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	*c = (struct connection){
		.owner = t,
		.number = ++t->accepted << SLOT_BITS | slot,
		.local = from->local,
		.remote = *remote,
		.stream = bufferevent_socket_new(loop_base(t->loop), fd, BEV_OPT_CLOSE_ON_FREE),
		.heard = loop_now(t->loop),
	};
	if (c->stream == NULL)
		abort();
	t->slot[slot] = c;
	t->open++;
	bufferevent_setcb(c->stream, on_read, NULL, on_event, c);
	bufferevent_setwatermark(c->stream, EV_READ, 0, INPUT_MAX);
	(void)bufferevent_disable(c->stream, EV_WRITE); /* writing is the flush's */
	(void)bufferevent_enable(c->stream, EV_READ);
}

static void close_connection(struct connection *c)
{
	struct sip_tcp *t = c->owner;
	size_t slot = c->number & (SLOTS_MAX - 1);

	/* What the kernel still takes goes out: the last answers before an exit. */
	struct evbuffer *output = bufferevent_get_output(c->stream);
	(void)evbuffer_unfreeze(output, 1);
	if (evbuffer_get_length(output) > 0)
		(void)evbuffer_write(output, bufferevent_getfd(c->stream));
	bufferevent_free(c->stream);
	t->slot[slot] = NULL;
	t->unused[t->n_unused++] = (uint32_t)slot;
	t->open--;
	free(c);
}

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
	struct addr a = socket_address_read(remote);
	uint32_t limit = loop_config(t->loop)->limits_tcp_connections;

	if (mode_now(t) == SIP_DROP) {
		(void)close(fd); /* the client is to ask the active */
		return;
	}
	if (t->open >= limit || t->open >= SLOTS_MAX) {
		(void)close(fd);
		log_rated(loop_log(t->loop), &t->rate, loop_now(t->loop), LOG_WARN,
		          "tcp=refused why=\"limits.tcp_connections is reached\" open=%zu",
		          t->open);
		return;
	}
	open_connection(from, fd, &a);
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

/* Follows one connection to its end; true: it is to be closed now. */
static bool advance(struct connection *c, struct mtime now)
{
	bool done = c->owed == 0 && unsent(c) == 0;

	if (c->stage == STAGE_LAST && done && c->hung_up)
		return true;
	if (c->stage == STAGE_LAST && done) {
		(void)shutdown(bufferevent_getfd(c->stream), SHUT_WR);
		c->stage = STAGE_LINGER;
		c->deadline = mtime_add_ms(now, SIP_TCP_LINGER_MS);
	}
	return c->stage == STAGE_GONE || mtime_reached(c->deadline, now);
}

static void follow_ending(struct sip_tcp *t)
{
	struct mtime now = loop_now(t->loop);
	struct connection **at = &t->ending;

	while (*at != NULL) {
		struct connection *c = *at;
		if (advance(c, now)) {
			*at = c->next_ending;
			struct node_input down = {.event = NODE_FLOW_DOWN, .flow = flow_of(c)};
			loop_feed(t->loop, &down);
			close_connection(c);
		} else {
			at = &c->next_ending;
		}
	}
}

/* Ends every open connection whose client was last heard `quiet_ms` ago. */
static void end_quiet(struct sip_tcp *t, int64_t quiet_ms)
{
	struct mtime now = loop_now(t->loop);

	for (size_t i = 0; i < t->n_slots; i++) {
		struct connection *c = t->slot[i];
		if (c != NULL && mtime_reached(mtime_add_ms(c->heard, quiet_ms), now))
			end_gently(c);
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
	struct connection *c = find(t, connection);

	if (c == NULL || c->stage == STAGE_GONE || c->stage == STAGE_LINGER)
		return;
	put(c, bytes);
	c->owed -= c->owed > 0 && !wants_answer(bytes);
}

void sip_tcp_turn(struct sip_tcp *t, enum role role)
{
	enum sip_mode mode = sip_mode_of(role);

	if (mode == SIP_DROP && !t->leaving)
		end_quiet(t, 0);
	t->leaving = mode == SIP_DROP;
	follow_ending(t);
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

struct sip_tcp *sip_tcp_new(struct loop *l)
{
	struct timeval every = {.tv_usec = SWEEP_US};
	struct sip_tcp *t = socket_take(1, sizeof *t);

	t->loop = l;
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
			close_connection((*t)->slot[i]);
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
