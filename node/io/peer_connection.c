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
	REPEAT_MS = 60 * 1000, /* after so long the same fault is told again */
};

const char *peer_addr_text(const struct addr *a, char text[ADDR_TEXT_MAX + 1])
{
	struct buf to = buf_on((uint8_t *)text, ADDR_TEXT_MAX);

	addr_put(&to, a);
	text[to.n] = '\0';
	return text;
}

/* What cannot come up fails the same way ten times a second: told once a minute. */
void peer_tell_fault(struct way *w, const struct addr *remote, const char *why)
{
	struct peer_link *p = w->link;
	struct mtime now = loop_now(p->loop);
	char text[ADDR_TEXT_MAX + 1];
	char quoted[LOG_QUOTED_MAX];

	bool known = strncmp(w->told, why, sizeof w->told - 1) == 0;
	if (known && !mtime_reached(mtime_add_ms(w->told_at, REPEAT_MS), now))
		return;
	if (!log_rated(loop_log(p->loop), &p->rate, now, LOG_WARN,
	               "link=peer connection=failed address=%s why=%s",
	               peer_addr_text(remote, text), log_quote(slice_str(why), quoted)))
		return;
	(void)snprintf(w->told, sizeof w->told, "%s", why);
	w->told_at = now;
}

void peer_arm(struct event *timer, int64_t ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	(void)event_add(timer, &tv);
}

void peer_try_again_soon(struct way *w)
{
	int64_t since = loop_now(w->link->loop).ms - w->tried.ms;

	peer_arm(w->retry, since < RETRY_MS ? RETRY_MS - since : 0);
}

/* Freed after the turn: it may be the one that is being read. */
void connection_kill(struct connection *c)
{
	struct event *events[] = {c->readable, c->writable, c->deadline, c->more};

	c->stage = STAGE_DEAD;
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		(void)event_del(events[i]);
	if (c->way->up == c)
		c->way->up = NULL;
	if (!c->way->link->primary)
		peer_try_again_soon(c->way);
}

void connection_down(struct connection *c, const char *why)
{
	struct peer_link *p = c->way->link;
	enum stage stage = c->stage;
	char quoted[LOG_QUOTED_MAX];

	connection_kill(c);
	if (stage != STAGE_UP) {
		peer_tell_fault(c->way, &c->remote, why);
		return;
	}
	log_rated(loop_log(p->loop), &p->rate, loop_now(p->loop), LOG_NOTICE,
	          "link=peer connection=%llu ended why=%s", (unsigned long long)c->number,
	          log_quote(slice_str(why), quoted));
	peer_lost(c);
}

static void go_up(struct connection *c)
{
	struct way *w = c->way;
	struct peer_link *p = w->link;
	char text[ADDR_TEXT_MAX + 1];

	if (w->up != NULL)
		connection_down(w->up, "replaced by a new connection");
	c->number = ++p->numbers;
	c->stage = STAGE_UP;
	c->heard = loop_now(p->loop);
	w->up = c;
	(void)event_del(c->deadline);
	w->told[0] = '\0';
	log_rated(loop_log(p->loop), &p->rate, c->heard, LOG_INFO,
	          "link=peer connection=%llu begun kind=%s address=%s",
	          (unsigned long long)c->number, w->bulk ? "bulk" : "live",
	          peer_addr_text(&c->remote, text));
	if (c->accepted)
		connection_sign(c);
	peer_up(c);
}

void connection_send(struct connection *c, struct slice frame)
{
	if (!c->mute && evbuffer_add(c->out, frame.p, frame.n) != 0)
		abort();
}

void connection_sign(struct connection *c)
{
	connection_send(c, SLICE("\0\0\0\0"));
}

static bool is_sign(struct slice in)
{
	return in.n >= 4 && memcmp(in.p, "\0\0\0\0", 4) == 0;
}

/* What stands at the beginning of `in`, fed. */
static struct decoded feed_one(struct connection *c, struct slice in)
{
	struct peer_link *p = c->way->link;
	struct frame f;

	if (is_sign(in))
		return (struct decoded){OK, 4};
	arena_reset(&p->arena);
	struct decoded d = frame_decode(in, &p->arena, &f);
	if (d.err != OK) {
		connection_down(c, err_text(d.err));
	} else if (d.used > 0) {
		struct node_input frame = {
			.event = NODE_FRAME, .connection = c->number, .frame = &f};
		peer_carries(c);
		if (c->stage == STAGE_UP)
			loop_feed(p->loop, &frame);
	}
	return d;
}

/* Feeds every whole frame. Each feed may end the connection. */
static void cut_frames(struct connection *c)
{
	size_t at = 0;

	while (c->stage == STAGE_UP) {
		struct decoded d = feed_one(c, (struct slice){c->in + at, c->n - at});
		if (d.used == 0)
			break;
		at += d.used;
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
	c->heard = loop_now(c->way->link->loop);
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

void connection_put_out(struct connection *c, size_t share)
{
	size_t put = 0;

	while (!c->mute && evbuffer_get_length(c->out) > 0) {
		size_t left = evbuffer_get_length(c->out);
		size_t n = left < WRITE_AT_ONCE ? left : WRITE_AT_ONCE;
		enum tls_result r =
			TLS_WANT_WRITE; /* where the share is used up: in the next turn */
		if (put < share) {
			struct slice bytes = {evbuffer_pullup(c->out, (ssize_t)n), n};
			r = tls_write(c->tls, bytes, &n);
		}
		if (r == TLS_DONE) {
			(void)evbuffer_drain(c->out, n);
			put += n;
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

static size_t share_of(const struct connection *c)
{
	return c->way->bulk ? BULK_TURN : LIVE_TURN;
}

static void go_on_shaking(struct connection *c)
{
	switch (tls_handshake(c->tls)) {
	case TLS_DONE:
		if (c->accepted)
			go_up(c);
		else
			c->stage = STAGE_CONFIRMING;
		connection_take_in(c, share_of(c));
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
	c->tls = peer_tls_stream(c->way->link->tls, c->fd, c->accepted);
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
	struct connection *live = c->way->link->live;

	(void)fd;
	(void)what;
	if (c->stage == STAGE_HANDSHAKE) {
		go_on_shaking(c);
		return;
	}
	if (c->way->bulk && live != NULL) /* first; it may end this one */
		connection_take_in(live, LIVE_TURN);
	connection_take_in(c, share_of(c));
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
	struct connection *c = context;

	if (c->stage == STAGE_CONNECTING) {
		on_connected(c);
		return;
	}
	if (c->stage == STAGE_UP)
		connection_put_out(c, share_of(c));
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

struct connection *connection_new(struct way *w, int fd, const struct addr *remote)
{
	struct peer_link *p = w->link;
	struct event_base *base = loop_base(p->loop);
	struct connection *c = malloc(sizeof *c);

	if (c == NULL)
		abort();
	*c = (struct connection){.way = w, .next = p->all, .remote = *remote, .fd = fd};
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
	if (w->bulk) {
		socket_option(fd, SOL_SOCKET, SO_SNDBUF, BULK_KERNEL);
		socket_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, BULK_TURN);
	}
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
