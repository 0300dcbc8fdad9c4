#include "tests/bench/transport.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "tests/bench/stats.h"
#include "tests/bench/transport_kinds.h"

static bool resolve(struct transport *t, const struct transport_options *o)
{
	const struct addrinfo hints = {.ai_socktype = o->tcp ? SOCK_STREAM : SOCK_DGRAM};
	struct addrinfo *found = NULL;
	int rc = getaddrinfo(o->host, o->port, &hints, &found);

	if (rc != 0) {
		fprintf(stderr, "regload: %s port %s: %s\n", o->host, o->port, gai_strerror(rc));
		return false;
	}
	memcpy(&t->server, found->ai_addr, found->ai_addrlen);
	t->server_size = found->ai_addrlen;
	freeaddrinfo(found);
	return true;
}

static bool watch(const struct transport *t, int fd, uint32_t mark)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = mark};

	return epoll_ctl(t->epoll, EPOLL_CTL_ADD, fd, &ev) == 0;
}

/* SIGINT and SIGTERM become something to read, so that a run that is cut short still reports. */
static bool watch_signals(struct transport *t)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return false;
	t->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return t->signals >= 0 && watch(t, t->signals, STOP_MARK);
}

static bool open_all(struct transport *t, unsigned n)
{
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	t->ends = calloc(n, sizeof *t->ends);
	t->read = malloc(READ_MAX);
	if (t->epoll < 0 || t->ends == NULL || t->read == NULL || !watch_signals(t))
		return false;
	for (unsigned i = 0; i < n; i++)
		t->ends[i].fd = -1;
	t->n = n;
	for (unsigned i = 0; i < n; i++) {
		errno = 0;
		if (!t->kind->open(t, i)) {
			fprintf(stderr, "regload: socket %u: %s\n", i, strerror(errno));
			return false;
		}
	}
	return true;
}

struct transport *transport_open(const struct transport_options *options)
{
	struct transport *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	t->kind = options->tcp ? transport_tcp() : transport_udp();
	t->epoll = -1;
	t->signals = -1;
	if (!resolve(t, options) || !open_all(t, options->sockets))
		transport_close(&t);
	return t;
}

void transport_close(struct transport **transport)
{
	struct transport *t = *transport;

	if (t == NULL)
		return;
	for (unsigned i = 0; i < t->n; i++)
		t->kind->close(t, i);
	if (t->epoll >= 0)
		close(t->epoll);
	if (t->signals >= 0)
		close(t->signals);
	free(t->ends);
	free(t->read);
	free(t);
	*transport = NULL;
}

void transport_note_local(struct endpoint *end)
{
	struct sockaddr_storage a = {0};
	socklen_t size = sizeof a;
	char host[48] = "0.0.0.0";
	char port[8] = "0";
	int flags = NI_NUMERICHOST | NI_NUMERICSERV;

	if (getsockname(end->fd, (struct sockaddr *)&a, &size) == 0)
		(void)getnameinfo((struct sockaddr *)&a, size, host, sizeof host, port, sizeof port,
		                  flags);
	snprintf(end->local, sizeof end->local, a.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
	         port);
}

const char *transport_local(const struct transport *t, unsigned socket)
{
	assert(socket < t->n);
	return t->ends[socket].local;
}

bool transport_send(struct transport *t, unsigned socket, struct slice message)
{
	assert(socket < t->n);
	return t->kind->send(t, socket, message);
}

void transport_flush(struct transport *t)
{
	for (unsigned i = 0; i < t->n; i++)
		t->kind->flush(t, i);
}

/* Lets each socket do what its clock says; the time until the next wants to, or the caller does. */
static int64_t tick_all(struct transport *t, int64_t timeout_us)
{
	int64_t now = now_us();
	int64_t until = timeout_us > 0 ? now + timeout_us : now;

	for (unsigned i = 0; i < t->n; i++) {
		int64_t due = t->kind->tick(t, i, now);

		until = due < until ? due : until;
	}
	return until > now ? until - now : 0;
}

bool transport_wait(struct transport *t, int64_t timeout_us, const struct transport_events *events)
{
	struct epoll_event ready[64];
	int64_t us = tick_all(t, timeout_us);
	const struct timespec wait = {us / 1000000, us % 1000000 * 1000};
	int n = epoll_pwait2(t->epoll, ready, ARRAY_LEN(ready), &wait, NULL);

	for (int i = 0; i < n; i++) {
		uint32_t mark = ready[i].data.u32;

		if (mark == STOP_MARK)
			return false;
		t->kind->ready(t, mark, ready[i].events, events);
	}
	return true;
}

struct transport_counts transport_counts(const struct transport *t)
{
	return t->counts;
}
