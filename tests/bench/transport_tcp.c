/* Streams. A connection that ends is made anew at once; what stood unanswered on it is the
 * caller's to send again, when it hears `connected`. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/bench/answer.h"
#include "tests/bench/stats.h"
#include "tests/bench/transport_kinds.h"

enum {
	OUT_MAX = 1024 * 1024,
	IN_MAX = 2 * ANSWER_SIZE_MAX,
	RETRY_US = 100 * 1000,
	CONNECT_US = 500 * 1000, /* an address that is moving may swallow the first SYN */
	FIRST_CONNECT_MS = 5000,
};

enum tcp_state { TCP_DOWN, TCP_CONNECTING, TCP_UP };

struct tcp_stream {
	enum tcp_state state;
	int64_t due_us; /* DOWN: try again; CONNECTING: give up */
	size_t n_out, n_in;
	uint8_t out[OUT_MAX], in[IN_MAX];
};

static void watch(struct transport *t, unsigned socket_no, bool writing)
{
	struct epoll_event ev = {.events = writing ? EPOLLIN | EPOLLOUT : EPOLLIN,
	                         .data.u32 = socket_no};

	if (epoll_ctl(t->epoll, EPOLL_CTL_MOD, t->ends[socket_no].fd, &ev) != 0)
		(void)epoll_ctl(t->epoll, EPOLL_CTL_ADD, t->ends[socket_no].fd, &ev);
}

static void go_down(struct transport *t, unsigned socket_no, int64_t retry_us)
{
	struct endpoint *end = &t->ends[socket_no];
	struct tcp_stream *s = end->kind;

	if (end->fd >= 0)
		close(end->fd);
	end->fd = -1;
	s->state = TCP_DOWN;
	s->due_us = retry_us;
	s->n_in = 0;
	s->n_out = 0;
}

static void start_connecting(struct transport *t, unsigned socket_no, int64_t now)
{
	struct endpoint *end = &t->ends[socket_no];
	struct tcp_stream *s = end->kind;
	const int yes = 1;
	const struct sockaddr *server = (const struct sockaddr *)&t->server;

	end->fd = socket(t->server.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (end->fd < 0 ||
	    (connect(end->fd, server, t->server_size) != 0 && errno != EINPROGRESS)) {
		go_down(t, socket_no, now + RETRY_US);
		return;
	}
	(void)setsockopt(end->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	s->state = TCP_CONNECTING;
	s->due_us = now + CONNECT_US;
	watch(t, socket_no, true);
}

static bool is_connected(int fd)
{
	int error = 0;
	socklen_t size = sizeof error;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
		return false;
	errno = error;
	return error == 0;
}

static void come_up(struct transport *t, unsigned socket_no)
{
	struct tcp_stream *s = t->ends[socket_no].kind;

	s->state = TCP_UP;
	transport_note_local(&t->ends[socket_no]);
	watch(t, socket_no, false);
}

static bool connect_once(struct transport *t, unsigned socket_no, int64_t until_us)
{
	const struct endpoint *end = &t->ends[socket_no];
	const struct tcp_stream *s = end->kind;

	start_connecting(t, socket_no, now_us());
	if (s->state != TCP_CONNECTING)
		return false;

	struct pollfd wait = {.fd = end->fd, .events = POLLOUT};
	int64_t left_us = until_us - now_us();

	if (poll(&wait, 1, left_us > 0 ? (int)(left_us / 1000) : 0) != 1) {
		errno = ETIMEDOUT;
		return false;
	}
	return is_connected(end->fd);
}

/* The first connection is waited for, so that a wrong address is an error and not a long wait; but a
 * server that is just being replaced by another may refuse it for a moment. */
static bool tcp_open(struct transport *t, unsigned socket_no)
{
	struct endpoint *end = &t->ends[socket_no];
	int64_t until_us = now_us() + (int64_t)1000 * FIRST_CONNECT_MS;

	end->kind = calloc(1, sizeof(struct tcp_stream));
	if (end->kind == NULL)
		return false;
	while (!connect_once(t, socket_no, until_us)) {
		if (now_us() + RETRY_US > until_us)
			return false;
		go_down(t, socket_no, 0);
		(void)poll(NULL, 0, RETRY_US / 1000);
	}
	come_up(t, socket_no);
	return true;
}

static void tcp_flush(struct transport *t, unsigned socket_no)
{
	struct endpoint *end = &t->ends[socket_no];
	struct tcp_stream *s = end->kind;

	if (s->state != TCP_UP || s->n_out == 0)
		return;

	ssize_t sent = send(end->fd, s->out, s->n_out, MSG_NOSIGNAL);

	if (sent < 0 && errno != EAGAIN) {
		go_down(t, socket_no, 0);
		return;
	}
	if (sent > 0) {
		s->n_out -= (size_t)sent;
		memmove(s->out, s->out + sent, s->n_out);
	}
	if (s->n_out > 0)
		watch(t, socket_no, true);
}

static bool tcp_send(struct transport *t, unsigned socket_no, struct slice message)
{
	struct tcp_stream *s = t->ends[socket_no].kind;

	if (s->state != TCP_UP || message.n > OUT_MAX - s->n_out)
		return false;
	memcpy(s->out + s->n_out, message.p, message.n);
	s->n_out += message.n;
	return true;
}

/* Hands over whole messages; false: the stream is no SIP. */
static bool hand_over(struct tcp_stream *s, const struct transport_events *events)
{
	struct slice rest = {s->in, s->n_in};
	int64_t now = now_us();
	int size = 0;

	while ((size = answer_frame(rest)) > 0) {
		events->message(events->ctx, slice_head(rest, (size_t)size), now);
		rest = slice_from(rest, (size_t)size);
	}
	if (rest.n > 0)
		memmove(s->in, rest.p, rest.n);
	s->n_in = rest.n;
	return size == 0 && s->n_in < IN_MAX;
}

static void receive(struct transport *t, unsigned socket_no, const struct transport_events *events)
{
	struct endpoint *end = &t->ends[socket_no];
	struct tcp_stream *s = end->kind;
	ssize_t n = recv(end->fd, s->in + s->n_in, IN_MAX - s->n_in, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0)
		s->n_in += (size_t)n;
	if (n <= 0 || !hand_over(s, events))
		go_down(t, socket_no, 0);
}

static void tcp_ready(struct transport *t, unsigned socket_no, uint32_t what,
                      const struct transport_events *events)
{
	struct endpoint *end = &t->ends[socket_no];
	const struct tcp_stream *s = end->kind;

	if (s->state == TCP_CONNECTING) {
		if (!is_connected(end->fd)) {
			go_down(t, socket_no, now_us() + RETRY_US);
			return;
		}
		come_up(t, socket_no);
		t->counts.reconnects++;
		events->connected(events->ctx, socket_no);
		return;
	}
	if ((what & EPOLLOUT) != 0) {
		watch(t, socket_no, false);
		tcp_flush(t, socket_no);
	}
	if (s->state == TCP_UP && (what & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		receive(t, socket_no, events);
}

static int64_t tcp_tick(struct transport *t, unsigned socket_no, int64_t now)
{
	const struct tcp_stream *s = t->ends[socket_no].kind;

	if (s->state == TCP_UP)
		return INT64_MAX;
	if (now >= s->due_us && s->state == TCP_CONNECTING)
		go_down(t, socket_no, now);
	if (now >= s->due_us && s->state == TCP_DOWN)
		start_connecting(t, socket_no, now);
	return s->due_us;
}

static void tcp_close(struct transport *t, unsigned socket_no)
{
	struct endpoint *end = &t->ends[socket_no];

	if (end->fd >= 0)
		close(end->fd);
	free(end->kind);
}

const struct transport_kind *transport_tcp(void)
{
	static const struct transport_kind kind = {
		.open = tcp_open,
		.send = tcp_send,
		.flush = tcp_flush,
		.ready = tcp_ready,
		.tick = tcp_tick,
		.close = tcp_close,
	};

	return &kind;
}
