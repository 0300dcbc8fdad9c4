#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "node/io/peer_parts.h"
#include "node/io/sockets.h"

enum {
	HANDSHAKE_MS = 2000,
	SILENCE_MS = 2000, /* sent and not acknowledged by the peer's kernel: the link is dead */
	WRITE_AT_ONCE = 16 * 1024, /* a TLS record */
	IN_ROOM = 2 * FRAME_MAX,
	READ_TURN = 256 * 1024, /* bytes taken in one turn: our own heartbeats must not be late */
	REPEAT_MS = 60 * 1000,  /* after so long the same fault is told again */
};

const char *peer_addr_text(const struct addr *a, char text[ADDR_TEXT_MAX + 1])
{
	struct buf to = buf_on((uint8_t *)text, ADDR_TEXT_MAX);

	addr_put(&to, a);
	text[to.n] = '\0';
	return text;
}

/* A link that cannot come up fails the same way ten times a second: told once a minute. */
void peer_tell_fault(struct peer_link *p, const struct addr *remote, const char *why)
{
	struct mtime now = loop_now(p->loop);
	char text[ADDR_TEXT_MAX + 1];
	char quoted[LOG_QUOTED_MAX];

	bool known = strncmp(p->told, why, sizeof p->told - 1) == 0;
	if (known && !mtime_reached(mtime_add_ms(p->told_at, REPEAT_MS), now))
		return;
	(void)snprintf(p->told, sizeof p->told, "%s", why);
	p->told_at = now;
	log_rated(loop_log(p->loop), &p->rate, now, LOG_WARN,
	          "link=peer connection=failed address=%s why=%s", peer_addr_text(remote, text),
	          log_quote(slice_str(why), quoted));
}

void peer_arm(struct event *timer, int64_t ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	(void)event_add(timer, &tv);
}

void peer_try_again_soon(struct peer_link *p)
{
	int64_t since = loop_now(p->loop).ms - p->tried.ms;

	peer_arm(p->retry, since < RETRY_MS ? RETRY_MS - since : 0);
}

/* Freed after the turn: it may be the one that is being read. */
void connection_kill(struct connection *c)
{
	struct event *events[] = {c->readable, c->writable, c->deadline, c->more};

	c->stage = STAGE_DEAD;
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		(void)event_del(events[i]);
	if (c->owner->current == c)
		c->owner->current = NULL;
	if (!c->owner->primary)
		peer_try_again_soon(c->owner);
}

void connection_down(struct connection *c, const char *why)
{
	struct peer_link *p = c->owner;
	enum stage stage = c->stage;
	struct node_input in = {.event = NODE_LINK_DOWN, .connection = c->number};
	char quoted[LOG_QUOTED_MAX];

	connection_kill(c);
	if (stage != STAGE_UP) {
		peer_tell_fault(p, &c->remote, why);
		return;
	}
	log_rated(loop_log(p->loop), &p->rate, loop_now(p->loop), LOG_NOTICE,
	          "link=peer connection=%llu ended why=%s", (unsigned long long)c->number,
	          log_quote(slice_str(why), quoted));
	loop_feed(p->loop, &in);
}

static void go_up(struct connection *c)
{
	struct peer_link *p = c->owner;
	char text[ADDR_TEXT_MAX + 1];

	if (p->current != NULL)
		connection_down(p->current, "replaced by a new connection");
	c->number = ++p->numbers;
	c->stage = STAGE_UP;
	(void)event_del(c->deadline);
	p->current = c;
	p->told[0] = '\0';
	log_rated(loop_log(p->loop), &p->rate, loop_now(p->loop), LOG_INFO,
	          "link=peer connection=%llu begun address=%s", (unsigned long long)c->number,
	          peer_addr_text(&c->remote, text));

	struct node_input in = {.event = NODE_LINK_UP, .connection = c->number};
	loop_feed(p->loop, &in);
}

/* Feeds every whole frame. Each feed may end the connection. */
static void cut_frames(struct connection *c)
{
	struct peer_link *p = c->owner;
	size_t at = 0;

	while (c->stage == STAGE_UP) {
		struct frame f;
		arena_reset(&p->arena);
		struct decoded d =
			frame_decode((struct slice){c->in + at, c->n - at}, &p->arena, &f);
		if (d.err != OK) {
			connection_down(c, err_text(d.err));
			return;
		}
		if (d.used == 0)
			break;
		at += d.used;
		struct node_input in = {.event = NODE_FRAME, .connection = c->number, .frame = &f};
		loop_feed(p->loop, &in);
	}
	c->n -= at;
	memmove(c->in, c->in + at, c->n);
}

/* One read; false: there is no more for now. */
static bool read_some(struct connection *c, size_t *got)
{
	assert(c->n < IN_ROOM); /* no frame is larger than FRAME_MAX */
	switch (tls_read(c->tls, c->in + c->n, IN_ROOM - c->n, got)) {
	case TLS_DONE:
		break;
	case TLS_WANT_WRITE:
		(void)event_add(c->writable, NULL);
		return false;
	case TLS_ENDED:
		connection_down(c, "the peer ended it");
		return false;
	case TLS_FAILED:
		connection_down(c, tls_fault(c->tls));
		return false;
	case TLS_WANT_READ:
	default:
		return false;
	}
	c->n += *got;
	if (c->stage == STAGE_CONFIRMING)
		go_up(c);
	cut_frames(c);
	return true;
}

void connection_take_in(struct connection *c, size_t share)
{
	size_t taken = 0;
	size_t got = 0;

	while (taken < share && (c->stage == STAGE_UP || c->stage == STAGE_CONFIRMING)) {
		if (!read_some(c, &got))
			return;
		taken += got;
	}
	if (c->stage == STAGE_UP)
		peer_arm(c->more, 0);
}

void connection_put_out(struct connection *c)
{
	while (!c->mute && evbuffer_get_length(c->out) > 0) {
		size_t left = evbuffer_get_length(c->out);
		size_t n = left < WRITE_AT_ONCE ? left : WRITE_AT_ONCE;
		enum tls_result r = tls_write(
			c->tls, (struct slice){evbuffer_pullup(c->out, (ssize_t)n), n}, &n);
		if (r == TLS_DONE) {
			(void)evbuffer_drain(c->out, n);
			continue;
		}
		if (r == TLS_WANT_WRITE)
			(void)event_add(c->writable, NULL);
		if (r == TLS_WANT_READ || r == TLS_WANT_WRITE)
			return;
		/* What the peer sent before it broke is worth reading: that side ends the link. */
		c->mute = true;
		(void)evbuffer_drain(c->out, left);
	}
}

static void go_on_shaking(struct connection *c)
{
	switch (tls_handshake(c->tls)) {
	case TLS_DONE:
		if (c->accepted)
			go_up(c);
		else
			c->stage = STAGE_CONFIRMING;
		connection_take_in(c, READ_TURN);
		break;
	case TLS_WANT_WRITE:
		(void)event_add(c->writable, NULL);
		break;
	case TLS_ENDED:
		connection_down(c, "the peer ended it during the handshake");
		break;
	case TLS_FAILED:
		connection_down(c, tls_fault(c->tls));
		break;
	case TLS_WANT_READ:
	default:
		break;
	}
}

void connection_shake(struct connection *c)
{
	c->tls = tls_stream_open(c->owner->tls, c->fd, c->accepted);
	c->stage = STAGE_HANDSHAKE;
	peer_arm(c->deadline, HANDSHAKE_MS);
	(void)event_add(c->readable, NULL);
	go_on_shaking(c);
}

static void on_connected(struct connection *c)
{
	int error = 0;
	socklen_t size = sizeof error;

	(void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error != 0)
		connection_down(c, strerror(error));
	else
		connection_shake(c);
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	struct connection *c = context;

	(void)fd;
	(void)what;
	if (c->stage == STAGE_HANDSHAKE)
		go_on_shaking(c);
	else
		connection_take_in(c, READ_TURN);
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
	struct connection *c = context;

	if (c->stage == STAGE_CONNECTING) {
		on_connected(c);
		return;
	}
	if (c->stage == STAGE_UP)
		connection_put_out(c);
	on_readable(fd, what, c); /* TLS may have had to write in order to read */
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
	struct connection *c = context;

	(void)fd;
	(void)what;
	connection_down(c,
	                c->stage == STAGE_CONNECTING ? "no answer" : "the handshake took too long");
}

struct connection *connection_new(struct peer_link *p, int fd, const struct addr *remote)
{
	struct event_base *base = loop_base(p->loop);
	struct connection *c = malloc(sizeof *c);

	if (c == NULL)
		abort();
	*c = (struct connection){.owner = p, .next = p->all, .remote = *remote, .fd = fd};
	c->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable = event_new(base, fd, EV_WRITE, on_writable, c);
	c->deadline = evtimer_new(base, on_deadline, c);
	c->more = evtimer_new(base, on_readable, c);
	c->out = evbuffer_new();
	c->in = malloc(IN_ROOM);
	if (c->readable == NULL || c->writable == NULL || c->deadline == NULL || c->more == NULL ||
	    c->out == NULL || c->in == NULL)
		abort();
	p->all = c;
	socket_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	socket_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, SILENCE_MS);
	socket_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	socket_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 1);
	socket_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 1);
	socket_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 2);
	return c;
}

void connection_free(struct connection *c)
{
	struct event *events[] = {c->readable, c->writable, c->deadline, c->more};

	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		event_free(events[i]);
	tls_stream_close(&c->tls);
	(void)shutdown(c->fd, SHUT_WR);
	/* Bytes left unread would make the kernel send a reset, which may overtake our last frame. */
	for (int i = 0; i < PENDING_MAX; i++)
		if (recv(c->fd, c->in, IN_ROOM, MSG_DONTWAIT) <= 0)
			break;
	(void)close(c->fd);
	evbuffer_free(c->out);
	free(c->in);
	free(c);
}
