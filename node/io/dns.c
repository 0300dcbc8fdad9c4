#include "node/io/dns.h"

#include <stdlib.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include <ares.h>
#include <event2/event.h>

#include "node/io/dns_read.h"
#include "proto/sip/header.h"

enum {
	TRIES = 2,
	FLYING_MAX = 100, /* a forwarder refuses more at once: dnsmasq 150 */
	NAME_MAX_BYTES = 255,
	CLASS_IN = 1,
	LOOK_US = 100000,       /* while anything is open */
	NAMES_BYTES = 36 << 10, /* of one answer: 32 names of 255 bytes, each written as \\DDD */
	SERVERS_BYTES = 512,
};

static const char *const system_servers = "/etc/resolv.conf";

struct asker {
	STAILQ_ENTRY(asker) next;
	uint64_t ticket;
	struct mtime due;
};

struct query {
	TAILQ_ENTRY(query) next;
	struct dns *dns;
	enum dns_type type;
	char name[NAME_MAX_BYTES + 1];
	STAILQ_HEAD(askers, asker) askers; /* the oldest first; none: all have given up */
};
TAILQ_HEAD(queries, query);

struct watch {
	LIST_ENTRY(watch) next;
	struct dns *dns;
	struct event *event;
	evutil_socket_t fd;
};

struct dns {
	struct loop *loop;
	struct dns_options options;
	char servers[SERVERS_BYTES]; /* as c-ares wants them */
	struct timespec as_of;       /* system_servers' last change when it was read */
	ares_channel channel;
	bool closing;
	struct event *timer;
	LIST_HEAD(watches, watch) watches;
	struct queries waiting, flying;
	size_t n_flying;
	uint8_t names[NAMES_BYTES];
};

static void *take(size_t size)
{
	void *p = calloc(1, size);

	if (p == NULL)
		abort(); /* the number of questions is limited: not by a client's doing */
	return p;
}

/* --- answers --- */

static void tell(struct query *q, const struct dns_answer *answer)
{
	struct asker *a = STAILQ_FIRST(&q->askers);
	struct node_input in = {.event = NODE_RESOLVED, .ticket = a->ticket, .dns = answer};

	STAILQ_REMOVE_HEAD(&q->askers, next);
	free(a);
	loop_feed(q->dns->loop, &in);
}

static void drop_query(struct query *q)
{
	while (!STAILQ_EMPTY(&q->askers)) {
		struct asker *a = STAILQ_FIRST(&q->askers);
		STAILQ_REMOVE_HEAD(&q->askers, next);
		free(a);
	}
	free(q);
}

static void answer_of(int status, struct slice message, struct query *q, struct dns_answer *out)
{
	struct arena arena = arena_on(q->dns->names, sizeof q->dns->names);

	switch (status) {
	case ARES_SUCCESS:
		if (dns_read(message, q->type, &arena, out) != OK)
			*out = (struct dns_answer){.outcome = DNS_FAILED};
		return;
	case ARES_ENODATA:
	case ARES_ENOTFOUND:
	case ARES_EBADNAME:
		*out = (struct dns_answer){.outcome = DNS_NOTHING};
		return;
	default:
		*out = (struct dns_answer){.outcome = DNS_FAILED};
	}
}

/* NOLINTNEXTLINE(readability-non-const-parameter): c-ares gives the type */
static void on_answer(void *context, int status, int timeouts, unsigned char *bytes, int n)
{
	struct query *q = context;
	struct dns *d = q->dns;
	struct dns_answer answer;

	(void)timeouts;
	TAILQ_REMOVE(&d->flying, q, next);
	d->n_flying--;
	if (status == ARES_EDESTRUCTION && !d->closing) { /* other servers are asked now */
		TAILQ_INSERT_TAIL(&d->waiting, q, next);
		return;
	}
	if (!d->closing) {
		answer_of(status, (struct slice){bytes, n > 0 ? (size_t)n : 0}, q, &answer);
		while (!STAILQ_EMPTY(&q->askers))
			tell(q, &answer);
	}
	drop_query(q);
}

static void give_up(struct query *q, struct mtime now)
{
	static const struct dns_answer failed = {.outcome = DNS_FAILED};

	while (!STAILQ_EMPTY(&q->askers) && mtime_reached(STAILQ_FIRST(&q->askers)->due, now))
		tell(q, &failed);
}

static void give_up_late(struct dns *d)
{
	struct mtime now = loop_now(d->loop);
	struct query *q;
	struct query *after;

	for (q = TAILQ_FIRST(&d->flying); q != NULL; q = TAILQ_NEXT(q, next)) /* c-ares ends it */
		give_up(q, now);
	for (q = TAILQ_FIRST(&d->waiting); q != NULL; q = after) {
		give_up(q, now);
		after = TAILQ_NEXT(q, next);
		if (!STAILQ_EMPTY(&q->askers))
			continue;
		TAILQ_REMOVE(&d->waiting, q, next);
		drop_query(q);
	}
}

/* --- c-ares --- */

static void on_socket(evutil_socket_t fd, short what, void *context);
static void on_timer(evutil_socket_t fd, short what, void *context);

static void unwatch(struct watch *w)
{
	LIST_REMOVE(w, next);
	event_free(w->event);
	free(w);
}

static void on_socket_state(void *context, ares_socket_t fd, int readable, int writable)
{
	struct dns *d = context;
	short what = (short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
	struct watch *w = LIST_FIRST(&d->watches);

	while (w != NULL && w->fd != fd)
		w = LIST_NEXT(w, next);
	if (w != NULL)
		unwatch(w);
	if (what == 0)
		return;
	w = take(sizeof *w);
	w->dns = d;
	w->fd = fd;
	w->event = event_new(loop_base(d->loop), fd, (short)(what | EV_PERSIST), on_socket, d);
	if (w->event == NULL || event_add(w->event, NULL) != 0)
		abort(); /* as for want of memory */
	LIST_INSERT_HEAD(&d->watches, w, next);
}

/* In the place of the one there is. */
static bool open_channel(struct dns *d)
{
	struct ares_options o = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_EDNS,
		.timeout = d->options.try_ms,
		.tries = TRIES,
		.ednspsz = 1232,
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = d,
	};
	int given = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ |
	            ARES_OPT_SOCK_STATE_CB | ARES_OPT_DOMAINS;
	ares_channel channel = NULL;
	int rc = ares_init_options(&channel, &o, given);

	if (rc == ARES_SUCCESS && d->servers[0] != '\0')
		rc = ares_set_servers_ports_csv(channel, d->servers);
	if (rc == ARES_SUCCESS) {
		if (d->channel != NULL)
			ares_destroy(d->channel);
		d->channel = channel;
		return true;
	}
	if (channel != NULL)
		ares_destroy(channel);
	log_line(loop_log(d->loop), LOG_ERROR, "dns=failed why=\"%s\"", ares_strerror(rc));
	return false;
}

static struct timespec last_change(void)
{
	struct stat s = {0};

	(void)stat(system_servers, &s); /* not there: the host itself is asked */
	return s.st_mtim;
}

/* The host has moved to another network, say. */
static void follow_system(struct dns *d)
{
	if (d->servers[0] != '\0' || TAILQ_EMPTY(&d->waiting))
		return;
	struct timespec now = last_change();
	if (now.tv_sec == d->as_of.tv_sec && now.tv_nsec == d->as_of.tv_nsec)
		return;
	d->as_of = now;
	(void)open_channel(d); /* or with the servers of before */
}

static void ask_waiting(struct dns *d)
{
	for (size_t i = 0; i < FLYING_MAX && d->n_flying < FLYING_MAX; i++) {
		struct query *q = TAILQ_FIRST(&d->waiting);
		if (q == NULL)
			return;
		TAILQ_REMOVE(&d->waiting, q, next);
		TAILQ_INSERT_TAIL(&d->flying, q, next);
		d->n_flying++;
		ares_query(d->channel, q->name, CLASS_IN, dns_type_number(q->type), on_answer, q);
	}
}

static void go_on(struct dns *d)
{
	struct timeval most = {.tv_usec = LOOK_US};
	struct timeval wanted;

	give_up_late(d);
	follow_system(d);
	ask_waiting(d);
	if (!TAILQ_EMPTY(&d->waiting) || d->n_flying > 0)
		(void)event_add(d->timer, ares_timeout(d->channel, &most, &wanted));
}

static void on_socket(evutil_socket_t fd, short what, void *context)
{
	struct dns *d = context;

	ares_process_fd(d->channel, (what & EV_READ) != 0 ? fd : ARES_SOCKET_BAD,
	                (what & EV_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
	go_on(d);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct dns *d = context;

	(void)fd;
	(void)what;
	ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	go_on(d);
}

/* --- the loop's side --- */

static struct query *find(struct queries *among, enum dns_type type, struct slice name)
{
	struct query *q = TAILQ_FIRST(among);

	while (q != NULL && (q->type != type || !slice_eq(slice_str(q->name), name)))
		q = TAILQ_NEXT(q, next);
	return q;
}

static struct query *query_for(struct dns *d, enum dns_type type, struct slice name)
{
	struct query *q = find(&d->flying, type, name);

	if (q == NULL)
		q = find(&d->waiting, type, name);
	if (q != NULL)
		return q;
	q = take(sizeof *q);
	q->dns = d;
	q->type = type;
	memcpy(q->name, name.p, name.n);
	STAILQ_INIT(&q->askers);
	TAILQ_INSERT_TAIL(&d->waiting, q, next);
	return q;
}

void dns_ask(struct dns *d, const struct node_output *o)
{
	/* What is too long, or holds a NUL, becomes a name that there is not. */
	bool fits = o->bytes.n <= NAME_MAX_BYTES && memchr(o->bytes.p, '\0', o->bytes.n) == NULL;
	struct slice name = fits ? o->bytes : SLICE("..");
	struct query *q = query_for(d, o->question, name);
	struct asker *a = take(sizeof *a);

	a->ticket = o->ticket;
	a->due = mtime_add_ms(loop_now(d->loop), d->options.wait_ms);
	STAILQ_INSERT_TAIL(&q->askers, a, next);
	event_active(d->timer, EV_TIMEOUT, 0);
}

static bool write_servers(struct dns *d)
{
	struct buf b = buf_on((uint8_t *)d->servers, sizeof d->servers - 1);
	struct slice rest = slice_str(d->options.servers);
	struct slice one;
	struct addr a;

	while (list_next(&rest, &one)) {
		if (!addr_parse(one, &a))
			return false;
		if (b.n > 0)
			buf_byte(&b, ',');
		addr_put(&b, &a);
	}
	return !b.full;
}

struct dns *dns_open(struct loop *l, const struct dns_options *o)
{
	struct dns *d = take(sizeof *d);

	d->loop = l;
	d->options = *o;
	LIST_INIT(&d->watches);
	TAILQ_INIT(&d->waiting);
	TAILQ_INIT(&d->flying);
	d->as_of = last_change();
	d->timer = evtimer_new(loop_base(l), on_timer, d);
	if (d->timer == NULL)
		abort();
	if (ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS && write_servers(d) &&
	    open_channel(d))
		return d;
	dns_close(&d);
	return NULL;
}

void dns_close(struct dns **d)
{
	struct dns *gone = *d;

	if (gone == NULL)
		return;
	gone->closing = true;
	if (gone->channel != NULL)
		ares_destroy(gone->channel);
	while (!TAILQ_EMPTY(&gone->waiting)) {
		struct query *q = TAILQ_FIRST(&gone->waiting);
		TAILQ_REMOVE(&gone->waiting, q, next);
		drop_query(q);
	}
	event_free(gone->timer);
	ares_library_cleanup();
	free(gone);
	*d = NULL;
}
