#include "node/io/sip_udp.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "node/io/sockets.h"
#include "proto/base/arena.h"

enum { DATAGRAM_MAX = 65536 };

struct datagram {
	struct addr to;
	struct slice bytes; /* in the arena */
};

struct batch {
	struct mmsghdr header[SIP_UDP_BATCH];
	struct iovec part[SIP_UDP_BATCH];
	union socket_address address[SIP_UDP_BATCH];
};

struct sip_udp {
	struct loop *loop;
	struct addr local;
	int fd;
	struct event *readable, *writable;
	enum sip_mode mode;
	uint8_t (*room)[DATAGRAM_MAX]; /* one for each of a batch */
	struct batch batch;

	struct datagram *queue; /* [sent, n) are still to go */
	size_t sent, n;
	struct arena arena; /* given back when the queue is empty */
	bool blocked;       /* the kernel took no more: `writable` is waited for */
	uint64_t dropped;
	struct log_rate rate;
};

/* The datagrams the kernel has ready, up to a batch; 0: none. */
static size_t receive(struct sip_udp *u)
{
	struct batch *b = &u->batch;

	for (size_t i = 0; i < SIP_UDP_BATCH; i++) {
		b->part[i] = (struct iovec){u->room[i], DATAGRAM_MAX};
		b->header[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &b->address[i],
		                                            .msg_namelen = sizeof b->address[i],
		                                            .msg_iov = &b->part[i],
		                                            .msg_iovlen = 1}};
	}
	int n = recvmmsg(u->fd, b->header, SIP_UDP_BATCH, MSG_DONTWAIT, NULL);
	return n > 0 ? (size_t)n : 0;
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	struct sip_udp *u = context;

	(void)fd;
	(void)what;
	/* The role may have changed in this turn: what came right behind the address is not lost. */
	sip_udp_mode(u, sip_mode_of(node_role(loop_node(u->loop))));
	if (u->mode == SIP_WAIT)
		return;
	size_t n = receive(u);
	for (size_t i = 0; i < n && u->mode == SIP_READ; i++) {
		struct node_input in = {
			.event = NODE_MESSAGE,
			.bytes = {u->room[i], u->batch.header[i].msg_len},
			.flow = {.transport = TRANSPORT_UDP,
		                 .local = u->local,
		                 .remote = socket_address_read(&u->batch.address[i])},
		};
		if (in.bytes.n > 0)
			loop_feed(u->loop, &in);
	}
}

static void drop(struct sip_udp *u, const char *why)
{
	char local[ADDR_TEXT_MAX + 1];
	struct buf text = buf_on((uint8_t *)local, ADDR_TEXT_MAX);

	u->dropped++;
	addr_put(&text, &u->local);
	local[text.n] = '\0';
	log_rated(loop_log(u->loop), &u->rate, loop_now(u->loop), LOG_WARN,
	          "socket=%s send=dropped why=\"%s\" dropped_in_all=%llu", local, why,
	          (unsigned long long)u->dropped);
}

static size_t prepare(struct sip_udp *u)
{
	struct batch *b = &u->batch;
	size_t n = u->n - u->sent;

	if (n > SIP_UDP_BATCH)
		n = SIP_UDP_BATCH;
	for (size_t i = 0; i < n; i++) {
		const struct datagram *d = &u->queue[u->sent + i];
		socklen_t size = socket_address_of(&d->to, &b->address[i]);
		/* The kernel only reads it: iovec has no other way to say so. */
		void *bytes = u->arena.p + (d->bytes.p - u->arena.p);
		b->part[i] = (struct iovec){bytes, d->bytes.n};
		b->header[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &b->address[i],
		                                            .msg_namelen = size,
		                                            .msg_iov = &b->part[i],
		                                            .msg_iovlen = 1}};
	}
	return n;
}

/* The kernel refused the first datagram of a batch. */
static void on_refusal(struct sip_udp *u, int why)
{
	if (why == EAGAIN || why == ENOBUFS) {
		u->blocked = true;
		(void)event_add(u->writable, NULL);
	} else if (why != EINTR) {
		drop(u, strerror(why)); /* this one only: the next may have a better target */
		u->sent++;
	}
}

/* What a pause has made old: who is still to be answered asks again, whoever answers by then. */
static void forget_queue(struct sip_udp *u)
{
	u->dropped += u->n - u->sent - 1;
	drop(u, "this process was paused: another may answer by now");
	u->sent = u->n;
}

void sip_udp_flush(struct sip_udp *u)
{
	while (u->sent < u->n && !u->blocked) {
		if (loop_paused(u->loop)) {
			forget_queue(u);
			break;
		}
		size_t n = prepare(u);
		int sent = sendmmsg(u->fd, u->batch.header, (unsigned)n, MSG_DONTWAIT);
		if (sent > 0)
			u->sent += (size_t)sent;
		else
			on_refusal(u, errno);
	}
	if (u->sent < u->n)
		return;
	u->sent = u->n = 0;
	arena_reset(&u->arena);
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
	struct sip_udp *u = context;

	(void)fd;
	(void)what;
	u->blocked = false;
	sip_udp_flush(u);
}

void sip_udp_send(struct sip_udp *u, const struct addr *to, struct slice bytes)
{
	struct slice copy;

	if (u->n == SIP_UDP_QUEUE_MAX || bytes.n > u->arena.room - u->arena.n)
		sip_udp_flush(u);
	if (u->n == SIP_UDP_QUEUE_MAX) {
		drop(u, "the queue is full");
		return;
	}
	copy = arena_copy(&u->arena, bytes);
	if (copy.p == NULL) {
		u->arena.full = false; /* a smaller one may fit */
		drop(u, "the queue is full");
		return;
	}
	u->queue[u->n++] = (struct datagram){*to, copy};
}

void sip_udp_mode(struct sip_udp *u, enum sip_mode mode)
{
	if (mode == u->mode)
		return;
	u->mode = mode;
	if (mode == SIP_WAIT)
		(void)event_del(u->readable);
	else
		(void)event_add(u->readable, NULL);
}

const struct addr *sip_udp_local(const struct sip_udp *u)
{
	return &u->local;
}

struct sip_udp *sip_udp_open(struct loop *l, const struct addr *local)
{
	int fd = socket_bound(SOCK_DGRAM, local);

	if (fd < 0)
		return NULL;
	socket_option(fd, SOL_SOCKET, SO_RCVBUF, SIP_UDP_RECEIVE_BUFFER);
	socket_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, SIP_UDP_RECEIVE_BUFFER);

	struct sip_udp *u = socket_take(1, sizeof *u);
	u->loop = l;
	u->local = *local;
	u->fd = fd;
	u->mode = SIP_WAIT;
	u->room = socket_take(SIP_UDP_BATCH, sizeof *u->room);
	u->queue = socket_take(SIP_UDP_QUEUE_MAX, sizeof *u->queue);
	u->arena = arena_on(socket_take(1, SIP_UDP_ARENA), SIP_UDP_ARENA);
	u->readable = event_new(loop_base(l), fd, EV_READ | EV_PERSIST, on_readable, u);
	u->writable = event_new(loop_base(l), fd, EV_WRITE, on_writable, u);
	if (u->readable == NULL || u->writable == NULL)
		abort();
	return u;
}

void sip_udp_close(struct sip_udp **u)
{
	if (*u == NULL)
		return;
	sip_udp_flush(*u);
	event_free((*u)->readable);
	event_free((*u)->writable);
	(void)close((*u)->fd);
	free((*u)->room);
	free((*u)->queue);
	free((*u)->arena.p);
	free(*u);
	*u = NULL;
}
