/* Datagrams, sent and received in batches: the generator must cost less than what it measures. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/bench/message.h"
#include "tests/bench/stats.h"
#include "tests/bench/transport_kinds.h"

enum { BATCH = 32, DATAGRAM_MAX = READ_MAX / BATCH, BUFFER_WANTED = 4 * 1024 * 1024 };

struct udp_out {
	unsigned n;
	struct iovec parts[BATCH];
	struct mmsghdr list[BATCH];
	uint8_t bytes[BATCH][MESSAGE_MAX];
};

static bool udp_open(struct transport *t, unsigned socket_no)
{
	struct endpoint *end = &t->ends[socket_no];
	const int size = BUFFER_WANTED;
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = socket_no};

	end->kind = calloc(1, sizeof(struct udp_out));
	end->fd = socket(t->server.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (end->kind == NULL || end->fd < 0)
		return false;
	/* Best effort: root gets it all, others what the system allows. */
	if (setsockopt(end->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
		(void)setsockopt(end->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (connect(end->fd, (const struct sockaddr *)&t->server, t->server_size) != 0)
		return false;
	transport_note_local(end);
	return epoll_ctl(t->epoll, EPOLL_CTL_ADD, end->fd, &ev) == 0;
}

/* What cannot be sent now is lost, as datagrams are: its retransmission follows. A server that is
 * away makes the call fail with the error of an *earlier* datagram, hence the second attempt. */
static void udp_flush(struct transport *t, unsigned socket_no)
{
	struct udp_out *out = t->ends[socket_no].kind;
	unsigned done = 0;
	bool again = true;

	while (done < out->n) {
		int sent = sendmmsg(t->ends[socket_no].fd, out->list + done, out->n - done, 0);

		if (sent > 0) {
			done += (unsigned)sent;
			again = true;
			continue;
		}
		t->counts.refused += errno != EAGAIN;
		if (!again)
			done++;
		again = !again;
	}
	out->n = 0;
}

static bool udp_send(struct transport *t, unsigned socket_no, struct slice message)
{
	struct udp_out *out = t->ends[socket_no].kind;

	if (message.n > MESSAGE_MAX)
		return false;
	if (out->n == BATCH)
		udp_flush(t, socket_no);

	unsigned i = out->n++;

	memcpy(out->bytes[i], message.p, message.n);
	out->parts[i] = (struct iovec){out->bytes[i], message.n};
	out->list[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &out->parts[i], .msg_iovlen = 1}};
	return true;
}

static void udp_ready(struct transport *t, unsigned socket_no, uint32_t what,
                      const struct transport_events *events)
{
	struct iovec parts[BATCH];
	struct mmsghdr list[BATCH] = {0};

	(void)what;
	for (unsigned i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){t->read + (size_t)i * DATAGRAM_MAX, DATAGRAM_MAX};
		list[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
	}

	int n = recvmmsg(t->ends[socket_no].fd, list, BATCH, 0, NULL);
	int64_t now = now_us();

	t->counts.refused += n < 0 && errno != EAGAIN;
	for (int i = 0; i < n; i++) {
		const struct slice message = {t->read + (size_t)i * DATAGRAM_MAX, list[i].msg_len};

		events->message(events->ctx, message, now);
	}
}

static int64_t udp_tick(struct transport *t, unsigned socket_no, int64_t now_us)
{
	(void)t;
	(void)socket_no;
	(void)now_us;
	return INT64_MAX;
}

static void udp_close(struct transport *t, unsigned socket_no)
{
	if (t->ends[socket_no].fd >= 0)
		close(t->ends[socket_no].fd);
	free(t->ends[socket_no].kind);
}

const struct transport_kind *transport_udp(void)
{
	static const struct transport_kind kind = {
		.open = udp_open,
		.send = udp_send,
		.flush = udp_flush,
		.ready = udp_ready,
		.tick = udp_tick,
		.close = udp_close,
	};

	return &kind;
}
