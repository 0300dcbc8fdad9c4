#include "node/io/sip_stream.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "node/io/sip_udp.h"
#include "node/io/sockets.h"
#include "proto/sip/message.h"

enum {
	READ_AT_ONCE = 16 * 1024, /* one TLS record at the least: none is left behind in OpenSSL */
	INPUT_MAX = 2 * SIP_MESSAGE_MAX, /* what may wait while nothing is to be read */
};

enum io { IO_DONE, IO_LATER, IO_ENDED, IO_FAILED };

static size_t unsent(const struct sip_stream *s)
{
	return evbuffer_get_length(s->out);
}

static const char *why_of(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return "refused";
	case ECONNRESET:
	case EPIPE:
		return "reset by the other side";
	case ETIMEDOUT:
		return "no answer";
	case ENETUNREACH:
	case EHOSTUNREACH:
		return "no way there";
	case EMFILE:
	case ENFILE:
		return "no descriptors left: raise LimitNOFILE";
	default:
		return strerror(error);
	}
}

/* --- its stages --- */

static void pass(struct sip_stream *s, enum sip_stage stage)
{
	if (!s->is_passing) {
		s->next_passing = s->of->passing;
		s->of->passing = s;
	}
	s->is_passing = true;
	s->stage = stage;
}

/* Freed at the end of the turn: it may be the one that is being read. The first reason stands. */
void sip_stream_give_up(struct sip_stream *s, const char *why)
{
	if (s->made && s->why == NULL)
		s->why = strdup(why);
	if (s->readable != NULL)
		(void)event_del(s->readable);
	if (s->writable != NULL)
		(void)event_del(s->writable);
	pass(s, STAGE_GONE);
}

void sip_stream_end(struct sip_stream *s)
{
	if (s->stage < STAGE_OPEN)
		sip_stream_give_up(s, "not wanted any more");
	if (s->stage != STAGE_OPEN)
		return;
	(void)event_del(s->readable);
	s->deadline = mtime_add_ms(loop_now(s->of->loop), SIP_TCP_LAST_MS);
	pass(s, STAGE_LAST);
}

static void say_goodbye(struct sip_stream *s, struct mtime now)
{
	if (s->tls != NULL)
		tls_goodbye(s->tls);
	(void)shutdown(s->fd, SHUT_WR);
	s->stage = STAGE_LINGER;
	s->deadline = mtime_add_ms(now, SIP_TCP_LINGER_MS);
}

void sip_stream_advance(struct sip_stream *s, struct mtime now)
{
	bool done = s->owed == 0 && unsent(s) == 0;

	if (s->stage == STAGE_LAST && done && s->hung_up)
		s->stage = STAGE_GONE;
	else if (s->stage == STAGE_LAST && done)
		say_goodbye(s, now);
	else if (s->stage != STAGE_OPEN && s->stage != STAGE_GONE &&
	         mtime_reached(s->deadline, now))
		sip_stream_give_up(s, s->stage == STAGE_CONNECTING  ? "no answer"
		                      : s->stage == STAGE_HANDSHAKE ? "no TLS handshake in time"
		                                                    : "ended");
}

/* --- out --- */

static enum io transmit(struct sip_stream *s)
{
	if (s->tls == NULL) {
		if (evbuffer_write(s->out, s->fd) >= 0)
			return IO_DONE;
		return errno == EAGAIN || errno == EINTR ? IO_LATER : IO_FAILED;
	}
	struct evbuffer_iovec first;
	size_t sent;
	(void)evbuffer_peek(s->out, -1, NULL, &first, 1);
	switch (tls_write(s->tls, (struct slice){first.iov_base, first.iov_len}, &sent)) {
	case TLS_DONE:
		(void)evbuffer_drain(s->out, sent);
		return IO_DONE;
	case TLS_WANT_READ:
	case TLS_WANT_WRITE:
		return IO_LATER;
	case TLS_ENDED:
	case TLS_FAILED:
	default:
		errno = ECONNRESET;
		return IO_FAILED;
	}
}

static const char *fault_of(const struct sip_stream *s, int error)
{
	return s->tls != NULL && tls_fault(s->tls)[0] != '\0' ? tls_fault(s->tls) : why_of(error);
}

/* What the kernel takes now; the rest follows when the other side reads. After a pause nothing leaves: a
 * client whose connection ends asks whoever has the address by then. */
static void write_out(struct sip_stream *s, bool paused)
{
	enum io r = IO_DONE;

	if (paused) {
		(void)evbuffer_drain(s->out, unsent(s));
		sip_stream_give_up(s, "this process was paused");
		return;
	}
	while (unsent(s) > 0 && r == IO_DONE)
		r = transmit(s);
	if (r == IO_LATER)
		(void)event_add(s->writable, NULL);
	else if (r == IO_FAILED)
		sip_stream_give_up(s, fault_of(s, errno));
}

/* To who leaves too much unread nothing more is written, keep-alives included. */
static void put(struct sip_stream *s, struct slice bytes)
{
	if (unsent(s) + bytes.n > SIP_TCP_BACKLOG_MAX) {
		sip_stream_give_up(s, "the other side does not read");
		return;
	}
	(void)evbuffer_add(s->out, bytes.p, bytes.n);
	if (!s->is_due) {
		s->next_due = s->of->due;
		s->of->due = s;
	}
	s->is_due = true;
}

size_t sip_streams_flush(struct sip_streams *all)
{
	size_t n = 0;

	while (all->due != NULL) {
		struct sip_stream *s = all->due;
		bool paused = loop_paused(all->loop);
		all->due = s->next_due;
		s->is_due = false;
		if (s->stage == STAGE_GONE)
			continue;
		write_out(s, paused);
		n += paused;
	}
	return n;
}

static bool wants_answer(struct slice message)
{
	return !slice_eq(slice_head(message, 4), SLICE("SIP/")) &&
	       !slice_eq(slice_head(message, 4), SLICE("ACK "));
}

void sip_stream_send(struct sip_stream *s, struct slice bytes)
{
	if (s->stage != STAGE_OPEN && s->stage != STAGE_LAST)
		return;
	put(s, bytes);
	s->owed -= s->owed > 0 && !wants_answer(bytes);
}

/* --- in --- */

static void feed(struct sip_stream *s, struct slice message)
{
	struct node_input in = {.event = NODE_MESSAGE, .bytes = message, .flow = s->flow};

	s->owed += wants_answer(message);
	loop_feed(s->of->loop, &in);
}

/* RFC 5626 3.5.1: to who made the stream a CR LF is the answer to a ping of its own. */
static void take_pong(struct sip_stream *s)
{
	struct node_input in = {.event = NODE_MESSAGE, .bytes = SLICE("\r\n"), .flow = s->flow};

	loop_feed(s->of->loop, &in);
	(void)evbuffer_drain(s->in, 2);
}

/* One thing off the stream; false: nothing more to take now. */
static bool take_frame(struct sip_stream *s)
{
	struct slice stream = {evbuffer_pullup(s->in, -1), evbuffer_get_length(s->in)};
	struct sip_frame f = sip_frame(stream);

	if (s->made && slice_eq(slice_head(stream, 2), SLICE("\r\n"))) {
		take_pong(s);
		return true;
	}

	switch (f.what) {
	case SIP_FRAME_MESSAGE:
		feed(s, slice_head(stream, f.size));
		break;
	case SIP_FRAME_PING:
		put(s, SLICE("\r\n"));
		break;
	case SIP_FRAME_SKIP:
		break;
	case SIP_FRAME_NO_LENGTH: /* nobody knows where the next begins */
		feed(s, slice_head(stream, f.size));
		sip_stream_end(s);
		break;
	case SIP_FRAME_TOO_BIG:
		sip_stream_end(s);
		return false;
	case SIP_FRAME_MORE:
	default:
		return false;
	}
	(void)evbuffer_drain(s->in, f.size);
	return true;
}

static void cut_frames(struct sip_stream *s)
{
	const struct loop *l = s->of->loop;

	while (s->stage == STAGE_OPEN && sip_mode_of(node_role(loop_node(l))) == SIP_READ &&
	       evbuffer_get_length(s->in) > 0)
		if (!take_frame(s))
			break;
	if (evbuffer_get_length(s->in) > INPUT_MAX)
		sip_stream_give_up(s, "too much to read");
}

static enum io receive_tls(struct sip_stream *s, struct evbuffer_iovec *to)
{
	size_t got;

	switch (tls_read(s->tls, to->iov_base, to->iov_len, &got)) {
	case TLS_DONE:
		to->iov_len = got;
		return IO_DONE;
	case TLS_WANT_WRITE:
		(void)event_add(s->writable, NULL);
		return IO_LATER;
	case TLS_WANT_READ:
		return IO_LATER;
	case TLS_ENDED:
		return IO_ENDED;
	case TLS_FAILED:
	default:
		return IO_FAILED;
	}
}

static enum io receive_plain(const struct sip_stream *s, struct evbuffer_iovec *to)
{
	ssize_t n = recv(s->fd, to->iov_base, to->iov_len, 0);

	if (n > 0) {
		to->iov_len = (size_t)n;
		return IO_DONE;
	}
	if (n == 0)
		return IO_ENDED;
	return errno == EAGAIN || errno == EINTR ? IO_LATER : IO_FAILED;
}

static enum io receive(struct sip_stream *s)
{
	struct evbuffer_iovec to;

	if (evbuffer_reserve_space(s->in, READ_AT_ONCE, &to, 1) != 1)
		abort();
	enum io r = s->tls != NULL ? receive_tls(s, &to) : receive_plain(s, &to);
	if (r == IO_DONE)
		(void)evbuffer_commit_space(s->in, &to, 1);
	return r;
}

/* Who only ended his own side still hears what he asked. */
static void hang_up(struct sip_stream *s)
{
	s->hung_up = true;
	if (s->made && s->why == NULL)
		s->why = strdup("closed by the other side");
	sip_stream_end(s);
}

static void take_in(struct sip_stream *s)
{
	switch (receive(s)) {
	case IO_DONE:
		s->heard = loop_now(s->of->loop);
		cut_frames(s);
		break;
	case IO_ENDED:
		hang_up(s);
		break;
	case IO_FAILED:
		sip_stream_give_up(s, fault_of(s, errno));
		break;
	case IO_LATER:
	default:
		break;
	}
}

/* --- standing up --- */

static void stand(struct sip_stream *s)
{
	struct node_input up = {.event = NODE_FLOW_UP, .ticket = s->ticket, .flow = s->flow};

	s->stage = STAGE_OPEN;
	s->stood = true;
	s->heard = loop_now(s->of->loop);
	loop_feed(s->of->loop, &up);
}

static void shake(struct sip_stream *s)
{
	switch (tls_handshake(s->tls)) {
	case TLS_DONE:
		stand(s);
		break;
	case TLS_WANT_WRITE:
		(void)event_add(s->writable, NULL);
		break;
	case TLS_ENDED:
		sip_stream_give_up(s, "ended by the other side in the TLS handshake");
		break;
	case TLS_FAILED:
		sip_stream_give_up(s, tls_fault(s->tls));
		break;
	case TLS_WANT_READ:
	default:
		break;
	}
}

static void connected(struct sip_stream *s)
{
	int error = 0;
	socklen_t size = sizeof error;

	(void)getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error != 0) {
		sip_stream_give_up(s, why_of(error));
		return;
	}
	(void)event_add(s->readable, NULL);
	s->stage = STAGE_HANDSHAKE;
	if (s->tls != NULL)
		shake(s);
	else
		stand(s);
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	struct sip_stream *s = context;

	(void)fd;
	(void)what;
	if (s->stage == STAGE_HANDSHAKE)
		shake(s);
	else if (s->stage == STAGE_OPEN)
		take_in(s);
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
	struct sip_stream *s = context;

	(void)fd;
	(void)what;
	if (s->stage == STAGE_CONNECTING) {
		connected(s);
		return;
	}
	if (s->stage == STAGE_HANDSHAKE)
		shake(s);
	else
		write_out(s, loop_paused(s->of->loop));
	if (s->stage == STAGE_OPEN && s->tls != NULL) /* which may have waited for that */
		take_in(s);
}

static struct sip_stream *new_stream(struct sip_streams *of, int fd, const struct flow *flow)
{
	struct event_base *base = loop_base(of->loop);
	struct sip_stream *s = socket_take(1, sizeof *s);

	*s = (struct sip_stream){
		.of = of,
		.flow = *flow,
		.fd = fd,
		.heard = loop_now(of->loop),
		.in = evbuffer_new(),
		.out = evbuffer_new(),
	};
	if (s->in == NULL || s->out == NULL)
		abort();
	if (fd < 0)
		return s;
	s->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, s);
	s->writable = event_new(base, fd, EV_WRITE, on_writable, s);
	if (s->readable == NULL || s->writable == NULL)
		abort();
	socket_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	socket_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	return s;
}

struct sip_stream *sip_stream_accepted(struct sip_streams *of, int fd, const struct flow *flow)
{
	struct sip_stream *s = new_stream(of, fd, flow);

	s->stage = STAGE_OPEN;
	s->stood = true;
	(void)event_add(s->readable, NULL);
	return s;
}

struct sip_stream *sip_stream_made(struct sip_streams *of, int fd, const struct flow *flow,
                                   struct tls_stream *tls)
{
	int why = errno; /* of the descriptor that is none */
	struct sip_stream *s = new_stream(of, fd, flow);
	union socket_address to;

	s->made = true;
	s->tls = tls;
	s->deadline = mtime_add_ms(s->heard, SIP_STREAM_SETUP_MS);
	pass(s, STAGE_CONNECTING);
	if (fd >= 0) {
		socklen_t size = socket_address_of(&flow->remote, &to);
		why = connect(fd, &to.any, size) == 0 ? 0 : errno;
	}
	if (fd >= 0 && (why == 0 || why == EINPROGRESS))
		(void)event_add(s->writable, NULL);
	else
		sip_stream_give_up(s, why_of(why));
	return s;
}

void sip_stream_close(struct sip_stream *s)
{
	if (unsent(s) > 0 && s->stage != STAGE_GONE)
		(void)transmit(s);
	tls_stream_close(&s->tls);
	if (s->fd >= 0) {
		event_free(s->readable);
		event_free(s->writable);
		(void)close(s->fd);
	}
	evbuffer_free(s->in);
	evbuffer_free(s->out);
	free(s->why);
	free(s);
}
