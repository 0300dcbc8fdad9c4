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

static void try_to_connect(struct way *w)
{
	struct addr from = w->local;
	union socket_address to;
	socklen_t size = socket_address_of(&w->remote, &to);

	w->tried = loop_now(w->link->loop);
	from.port = 0;
	int fd = socket_bound(SOCK_STREAM, &from);
	if (fd < 0) {
		peer_tell_fault(w, &w->local, strerror(errno));
		peer_try_again_soon(w);
		return;
	}
	struct connection *c = connection_new(w, fd, &w->remote);
	c->stage = STAGE_CONNECTING;
	if (connect(fd, &to.any, size) != 0 && errno != EINPROGRESS) {
		connection_down(c, strerror(errno));
		return;
	}
	peer_arm(c->deadline, CONNECT_MS);
	(void)event_add(c->writable, NULL);
}

/* --- the primary listens --- */

static bool is_stranger(const struct connection *c)
{
	struct addr host = c->way->remote;

	host.port = c->remote.port;
	return !addr_eq(&host, &c->remote);
}

/* A handshake gives way: the oldest from elsewhere than the peer's address, else the oldest. */
static void make_room(struct peer_link *p)
{
	struct connection *oldest = NULL, *stranger = NULL;
	size_t pending = 0;

	for (struct connection *c = p->all; c != NULL; c = c->next) {
		if (c->stage == STAGE_UP || c->stage == STAGE_DEAD)
			continue;
		pending++;
		oldest = c;
		stranger = is_stranger(c) ? c : stranger;
	}
	if (pending >= PENDING_MAX)
		connection_down(stranger != NULL ? stranger : oldest,
		                "too many connections at once");
}

static void on_acceptable(evutil_socket_t fd, short what, void *context)
{
	struct way *w = context;
	union socket_address remote;
	socklen_t size = sizeof remote;
	int got = accept4(fd, &remote.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)what;
	if (got >= 0) {
		struct addr a = socket_address_read(&remote);
		make_room(w->link);
		struct connection *c = connection_new(w, got, &a);
		c->accepted = true;
		connection_shake(c);
	} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		peer_tell_fault(w, &w->local, strerror(errno));
		(void)event_del(w->acceptable);
		peer_arm(w->retry, RETRY_MS);
	}
}

static bool start_listening(struct way *w)
{
	static const char *const keys[2][2] = {
		{"peer.listen and peer.live_port", "peer.listen and peer.bulk_port"},
		{"peer.second_listen and peer.live_port", "peer.second_listen and peer.bulk_port"}};
	struct peer_link *p = w->link;
	char text[ADDR_TEXT_MAX + 1];

	w->listener = socket_bound(SOCK_STREAM, &w->local);
	if (w->listener >= 0 && listen(w->listener, BACKLOG) == 0) {
		w->acceptable = event_new(loop_base(p->loop), w->listener, EV_READ | EV_PERSIST,
		                          on_acceptable, w);
		return w->acceptable != NULL && event_add(w->acceptable, NULL) == 0;
	}
	log_line(loop_log(p->loop), LOG_ERROR,
	         "start=failed link=peer address=%s why=\"%s\" remedy=\"see %s; the port must be "
	         "free\"",
	         peer_addr_text(&w->local, text), strerror(errno), keys[w->path][w->bulk]);
	return false;
}

/* Bulk is wanted beside a live connection only, and by its path. */
static bool wanted(const struct way *w)
{
	const struct connection *live = w->link->live;

	return !w->bulk || (live != NULL && live->way->path == w->path);
}

static void on_retry(evutil_socket_t fd, short what, void *context)
{
	struct way *w = context;

	(void)fd;
	(void)what;
	if (w->link->primary) {
		(void)event_add(w->acceptable, NULL);
		return;
	}
	for (const struct connection *c = w->link->all; c != NULL; c = c->next)
		if (c->way == w && c->stage != STAGE_DEAD)
			return;
	if (wanted(w))
		try_to_connect(w);
}

/* --- for the loop --- */

static struct addr with_port(struct addr a, uint16_t port)
{
	a.port = port;
	return a;
}

static uint16_t port_of(const struct addr *a, uint16_t or_else)
{
	return a->port != 0 ? a->port : or_else;
}

static void add_path(struct peer_link *p, const struct addr *local, const struct addr *remote)
{
	const struct config *c = loop_config(p->loop);
	size_t path = p->n_ways / 2;
	uint16_t live = c->peer_live_port;

	if (local->family == ADDR_NONE)
		return;
	p->ways[p->n_ways++] = (struct way){.path = path,
	                                    .local = with_port(*local, port_of(local, live)),
	                                    .remote = with_port(*remote, port_of(remote, live))};
	p->ways[p->n_ways++] = (struct way){.path = path,
	                                    .bulk = true,
	                                    .local = with_port(*local, c->peer_bulk_port),
	                                    .remote = with_port(*remote, c->peer_bulk_port)};
}

static bool open_way(struct peer_link *p, struct way *w)
{
	w->link = p;
	w->listener = -1;
	w->retry = evtimer_new(loop_base(p->loop), on_retry, w);
	if (w->retry == NULL || (p->primary && !start_listening(w)))
		return false;
	if (!p->primary)
		peer_arm(w->retry, 0);
	return true;
}

struct peer_link *peer_link_open(struct loop *l, const struct pair_files *files)
{
	const struct config *c = loop_config(l);
	struct peer_link *p = take(sizeof *p);
	char fault[TLS_FAULT_MAX];

	p->loop = l;
	p->primary = c->unit == UNIT_PRIMARY;
	p->arena = arena_on(take(ARENA_ROOM), ARENA_ROOM);
	add_path(p, &c->peer_listen, &c->peer_address);
	add_path(p, &c->peer_second_listen, &c->peer_second_address);
	peer_begin_pulse(p);
	p->tls = peer_tls_open(files, c->unit, fault);
	if (p->tls == NULL)
		log_line(loop_log(l), LOG_ERROR, "start=failed link=peer why=\"%s\"", fault);
	bool good = p->tls != NULL && p->pulse != NULL;
	for (size_t i = 0; i < p->n_ways && good; i++)
		good = open_way(p, &p->ways[i]);
	if (!good)
		peer_link_close(&p);
	return p;
}

static void close_way(struct way *w)
{
	if (w->acceptable != NULL)
		event_free(w->acceptable);
	if (w->link != NULL && w->listener >= 0)
		(void)close(w->listener);
	if (w->retry != NULL)
		event_free(w->retry);
}

void peer_link_close(struct peer_link **p)
{
	if (*p == NULL)
		return;
	if ((*p)->live != NULL)
		connection_put_out((*p)->live, OUT_MAX);
	for (struct connection *c = (*p)->all; c != NULL; c = c->next)
		c->stage = STAGE_DEAD;
	bury_dead(*p);
	for (size_t i = 0; i < (*p)->n_ways; i++)
		close_way(&(*p)->ways[i]);
	if ((*p)->pulse != NULL)
		event_free((*p)->pulse);
	peer_tls_close(&(*p)->tls);
	free((*p)->arena.p);
	free(*p);
	*p = NULL;
}

void peer_link_renew(struct peer_link *p, struct peer_tls *tls)
{
	peer_tls_close(&p->tls); /* what is up holds on to it */
	p->tls = tls;
	if (p->bulk != NULL)
		connection_down(p->bulk, "certificates were renewed");
}

static struct connection *by_number(const struct peer_link *p, uint64_t number)
{
	if (p->live != NULL && p->live->number == number)
		return p->live;
	return p->bulk != NULL && p->bulk->number == number ? p->bulk : NULL;
}

void peer_link_send(struct peer_link *p, uint64_t connection, struct slice frame)
{
	struct connection *c = by_number(p, connection);

	if (c != NULL)
		connection_send(c, frame);
}

void peer_link_flush(struct peer_link *p)
{
	struct connection *live = p->live;

	if (live != NULL) /* first */
		connection_put_out(live, OUT_MAX);
	for (struct connection *c = p->all; c != NULL; c = c->next)
		if (c->stage == STAGE_UP && c != live)
			connection_put_out(c, BULK_TURN);
	if (live != NULL && evbuffer_get_length(live->out) > OUT_MAX)
		connection_down(live, "the peer does not read");
	if (p->bulk != NULL && evbuffer_get_length(p->bulk->out) > BULK_OUT_MAX)
		connection_down(p->bulk, "the peer does not read");
	bury_dead(p);
}

static void drop(struct peer_link *p, struct connection *c)
{
	connection_put_out(c, OUT_MAX); /* a refusal, as a rule: the peer's operator is to see it */
	connection_kill(c);
	log_rated(loop_log(p->loop), &p->rate, loop_now(p->loop), LOG_INFO,
	          "link=peer connection=%llu ended why=\"dropped by the node\"",
	          (unsigned long long)c->number);
}

void peer_link_drop(struct peer_link *p, uint64_t connection)
{
	struct connection *c = by_number(p, connection);

	if (c == NULL)
		return;
	if (c == p->live && p->bulk != NULL)
		connection_kill(p->bulk);
	if (c == p->live || c == p->bulk)
		p->bulk = NULL;
	if (c == p->live)
		p->live = NULL;
	drop(p, c);
	peer_arm(p->pulse, 0); /* where there is a spare, it is next; not fed from within a step */
}

void peer_link_drain(struct peer_link *p)
{
	if (p->live != NULL)
		connection_take_in(p->live, DRAIN_MAX);
	if (p->bulk != NULL)
		connection_take_in(p->bulk, BULK_OUT_MAX);
}

size_t peer_link_paths(const struct peer_link *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_ways; i++)
		n += p->ways[i].up != NULL && !p->ways[i].bulk;
	return n;
}

bool peer_link_has_bulk(const struct peer_link *p)
{
	return p->bulk != NULL;
}
