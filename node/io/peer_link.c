#include "node/io/peer_link.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "node/io/peer_parts.h"
#include "node/io/sockets.h"

enum { ARENA_ROOM = 4 << 20 }; /* one decoded frame */

static void *take(size_t size)
{
	void *p = calloc(1, size);

	if (p == NULL)
		abort();
	return p;
}

static void bury_dead(struct peer_link *p)
{
	struct connection **at = &p->all;

	while (*at != NULL) {
		struct connection *c = *at;
		if (c->stage != STAGE_DEAD) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		connection_free(c);
	}
}

/* --- the secondary connects --- */

static void try_to_connect(struct peer_link *p)
{
	struct addr from = p->local;
	union socket_address to;
	socklen_t size = socket_address_of(&p->remote, &to);

	p->tried = loop_now(p->loop);
	from.port = 0;
	int fd = socket_bound(SOCK_STREAM, &from);
	if (fd < 0) {
		peer_tell_fault(p, &p->local, strerror(errno));
		peer_try_again_soon(p);
		return;
	}
	struct connection *c = connection_new(p, fd, &p->remote);
	c->stage = STAGE_CONNECTING;
	if (connect(fd, &to.any, size) != 0 && errno != EINPROGRESS) {
		connection_down(c, strerror(errno));
		return;
	}
	peer_arm(c->deadline, CONNECT_MS);
	(void)event_add(c->writable, NULL);
}

/* --- the primary listens --- */

static void make_room(struct peer_link *p)
{
	struct connection *oldest = NULL;
	size_t pending = 0;

	for (struct connection *c = p->all; c != NULL; c = c->next) {
		if (c->stage == STAGE_UP || c->stage == STAGE_DEAD)
			continue;
		pending++;
		oldest = c;
	}
	if (pending >= PENDING_MAX)
		connection_down(oldest, "too many connections at once");
}

static void on_acceptable(evutil_socket_t fd, short what, void *context)
{
	struct peer_link *p = context;
	union socket_address remote;
	socklen_t size = sizeof remote;
	int got = accept4(fd, &remote.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)what;
	if (got >= 0) {
		struct addr a = socket_address_read(&remote);
		make_room(p);
		struct connection *c = connection_new(p, got, &a);
		c->accepted = true;
		connection_shake(c);
	} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		peer_tell_fault(p, &p->local, strerror(errno));
		(void)event_del(p->acceptable);
		peer_arm(p->retry, RETRY_MS);
	}
}

static bool start_listening(struct peer_link *p)
{
	char text[ADDR_TEXT_MAX + 1];

	p->listener = socket_bound(SOCK_STREAM, &p->local);
	if (p->listener >= 0 && listen(p->listener, PENDING_MAX) == 0) {
		p->acceptable = event_new(loop_base(p->loop), p->listener, EV_READ | EV_PERSIST,
		                          on_acceptable, p);
		return p->acceptable != NULL && event_add(p->acceptable, NULL) == 0;
	}
	log_line(loop_log(p->loop), LOG_ERROR,
	         "start=failed link=peer address=%s why=\"%s\" remedy=\"see peer.listen and "
	         "peer.live_port; the port must be free\"",
	         peer_addr_text(&p->local, text), strerror(errno));
	return false;
}

static void on_retry(evutil_socket_t fd, short what, void *context)
{
	struct peer_link *p = context;

	(void)fd;
	(void)what;
	if (p->primary) {
		(void)event_add(p->acceptable, NULL);
		return;
	}
	for (const struct connection *c = p->all; c != NULL; c = c->next)
		if (c->stage != STAGE_DEAD)
			return;
	try_to_connect(p);
}

/* --- for the loop --- */

static struct addr with_port(struct addr a, uint16_t port)
{
	if (a.port == 0)
		a.port = port;
	return a;
}

struct peer_link *peer_link_open(struct loop *l, const struct pair_files *files)
{
	const struct config *c = loop_config(l);
	struct peer_link *p = take(sizeof *p);
	char fault[TLS_FAULT_MAX];

	p->loop = l;
	p->local = with_port(c->peer_listen, c->peer_live_port);
	p->remote = with_port(c->peer_address, c->peer_live_port);
	p->primary = c->unit == UNIT_PRIMARY;
	p->listener = -1;
	p->arena = arena_on(take(ARENA_ROOM), ARENA_ROOM);
	p->retry = evtimer_new(loop_base(l), on_retry, p);
	p->tls = peer_tls_open(files, c->unit, fault);
	if (p->tls == NULL)
		log_line(loop_log(l), LOG_ERROR, "start=failed link=peer why=\"%s\"", fault);
	if (p->tls == NULL || p->retry == NULL || (p->primary && !start_listening(p)))
		peer_link_close(&p);
	else if (!p->primary)
		peer_arm(p->retry, 0);
	return p;
}

void peer_link_close(struct peer_link **p)
{
	if (*p == NULL)
		return;
	if ((*p)->current != NULL)
		connection_put_out((*p)->current);
	for (struct connection *c = (*p)->all; c != NULL; c = c->next)
		c->stage = STAGE_DEAD;
	bury_dead(*p);
	if ((*p)->acceptable != NULL)
		event_free((*p)->acceptable);
	if ((*p)->listener >= 0)
		(void)close((*p)->listener);
	if ((*p)->retry != NULL)
		event_free((*p)->retry);
	peer_tls_close(&(*p)->tls);
	free((*p)->arena.p);
	free(*p);
	*p = NULL;
}

void peer_link_send(struct peer_link *p, uint64_t connection, struct slice frame)
{
	struct connection *c = p->current;

	if (c == NULL || c->number != connection || c->mute)
		return;
	if (evbuffer_add(c->out, frame.p, frame.n) != 0)
		abort();
}

void peer_link_flush(struct peer_link *p)
{
	struct connection *c = p->current;

	if (c != NULL && evbuffer_get_length(c->out) > OUT_MAX)
		connection_down(c, "the peer does not read");
	else if (c != NULL && evbuffer_get_length(c->out) > 0)
		connection_put_out(c);
	bury_dead(p);
}

void peer_link_drop(struct peer_link *p, uint64_t connection)
{
	struct connection *c = p->current;

	if (c == NULL || c->number != connection)
		return;
	connection_put_out(c); /* a refusal, as a rule: the peer's operator is to see it */
	connection_kill(c);
	log_rated(loop_log(p->loop), &p->rate, loop_now(p->loop), LOG_INFO,
	          "link=peer connection=%llu ended why=\"dropped by the node\"",
	          (unsigned long long)connection);
}

void peer_link_drain(struct peer_link *p)
{
	if (p->current != NULL)
		connection_take_in(p->current, DRAIN_MAX);
}
