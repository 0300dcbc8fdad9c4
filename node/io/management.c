#include "node/io/management.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>

#include "node/core/health.h"
#include "node/io/metrics.h"
#include "node/io/sockets.h"

enum {
	SWEEP_US = 200 * 1000,
	INPUT_MAX = 64 * 1024, /* read ahead; the rest waits in the socket */
};

struct management {
	struct loop *loop;
	struct evhttp *http;
	struct evconnlistener *listener; /* evhttp's */
	struct bufferevent *connection[MANAGEMENT_CONNECTIONS_MAX];
	size_t n;
	struct event *sweep; /* while there are connections */
};

/* --- connections: evhttp has no limit and does not tell of their end, so each is looked at --- */

static void await_sweep(struct management *m)
{
	static const struct timeval soon = {.tv_usec = SWEEP_US};

	if (m->n > 0)
		(void)event_add(m->sweep, &soon);
}

static struct bufferevent *on_connection(struct event_base *base, void *context)
{
	struct management *m = context;
	struct bufferevent *b = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);

	if (b == NULL)
		abort(); /* everything here is bounded: the peer serves */
	bufferevent_setwatermark(b, EV_READ, 0, INPUT_MAX);
	bufferevent_incref(b); /* it stays until it has been looked at */
	m->connection[m->n++] = b;
	if (m->n == MANAGEMENT_CONNECTIONS_MAX)
		(void)evconnlistener_disable(m->listener);
	await_sweep(m);
	return b;
}

/* What evhttp has freed has lost its callbacks. */
static bool is_gone(struct bufferevent *b)
{
	bufferevent_event_cb on_event;

	bufferevent_getcb(b, NULL, NULL, &on_event, NULL);
	return on_event == NULL;
}

static void let_go(struct management *m, size_t i)
{
	(void)bufferevent_decref(m->connection[i]);
	m->connection[i] = m->connection[--m->n];
}

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
	struct management *m = context;

	(void)fd;
	(void)what;
	for (size_t i = m->n; i > 0; i--)
		if (is_gone(m->connection[i - 1]))
			let_go(m, i - 1);
	if (m->n < MANAGEMENT_CONNECTIONS_MAX)
		(void)evconnlistener_enable(m->listener);
	await_sweep(m);
}

/* --- requests --- */

static void header(struct evhttp_request *r, const char *name, const char *text)
{
	(void)evhttp_add_header(evhttp_request_get_output_headers(r), name, text);
}

/* Takes `body`. */
static void reply(struct evhttp_request *r, int code, const char *type, struct evbuffer *body)
{
	header(r, "Content-Type", type);
	header(r, "Cache-Control", "no-store");
	if (evhttp_request_get_command(r) == EVHTTP_REQ_HEAD)
		(void)evbuffer_drain(body, evbuffer_get_length(body));
	evhttp_send_reply(r, code, NULL, body);
	evbuffer_free(body);
}

static struct evbuffer *new_body(void)
{
	struct evbuffer *body = evbuffer_new();

	if (body == NULL)
		abort();
	return body;
}

static void say(struct evhttp_request *r, int code, const char *text)
{
	struct evbuffer *body = new_body();

	(void)evbuffer_add_printf(body, "%s\n", text);
	reply(r, code, "text/plain; charset=utf-8", body);
}

static void on_metrics(struct management *m, struct evhttp_request *r)
{
	struct evbuffer *body = new_body();

	metrics_print(m->loop, body);
	reply(r, 200, "text/plain; version=0.0.4; charset=utf-8", body);
}

/* The role asked for; "" for any; NULL: what was asked means nothing here. */
static const char *role_asked(const struct evhttp_request *r, char to[16])
{
	const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(r));

	to[0] = '\0';
	if (query == NULL)
		return to;
	if (sscanf(query, "role=%15[a-z]", to) != 1 ||
	    strlen(query) != strlen("role=") + strlen(to))
		return NULL;
	return strcmp(to, "active") == 0 || strcmp(to, "standby") == 0 ? to : NULL;
}

static void on_healthz(struct management *m, struct evhttp_request *r)
{
	char room[16];
	const char *role = role_asked(r, room);
	struct status s;
	char text[256];

	if (role == NULL) {
		say(r, 400, "ask for /healthz, /healthz?role=active or /healthz?role=standby");
		return;
	}
	loop_status(m->loop, &s);
	const char *why = health_refusal(&s);
	if (role[0] != '\0' && strcmp(role, s.role) != 0)
		why = "it has another role";
	(void)snprintf(text, sizeof text, "%s %s%s%s", s.role, s.pair_state,
	               why != NULL ? ": " : "", why != NULL ? why : "");
	say(r, why == NULL ? 200 : 503, text);
}

static void on_request(struct evhttp_request *r, void *context)
{
	typedef void request_fn(struct management * m, struct evhttp_request * r);
	static const struct {
		const char *path;
		request_fn *answer;
	} pages[] = {{"/metrics", on_metrics}, {"/healthz", on_healthz}};
	const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(r));
	enum evhttp_cmd_type method = evhttp_request_get_command(r);
	request_fn *answer = NULL;

	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		if (path != NULL && strcmp(path, pages[i].path) == 0)
			answer = pages[i].answer;
	if (answer == NULL) {
		say(r, 404, "there are /metrics and /healthz");
	} else if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
		header(r, "Allow", "GET, HEAD");
		say(r, 405, "nothing is changed here");
	} else {
		answer(context, r);
	}
}

/* --- the whole --- */

static void set_limits(struct management *m)
{
	evhttp_set_timeout(m->http, MANAGEMENT_PATIENCE_S);
	evhttp_set_max_headers_size(m->http, MANAGEMENT_HEADERS_MAX);
	evhttp_set_max_body_size(m->http, MANAGEMENT_BODY_MAX);
	/* All of them: they are answered here. */
	evhttp_set_allowed_methods(m->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST |
	                                            EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
	                                            EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
	evhttp_set_bevcb(m->http, on_connection, m);
	evhttp_set_gencb(m->http, on_request, m);
}

static int listen_at(const struct addr *at)
{
	int fd = socket_bound(SOCK_STREAM, at);

	if (fd < 0 || listen(fd, MANAGEMENT_CONNECTIONS_MAX) == 0)
		return fd;
	int why = errno;
	(void)close(fd);
	errno = why;
	return -1;
}

struct management *management_open(struct loop *l, const struct addr *at)
{
	char text[ADDR_TEXT_MAX + 1] = "";
	struct buf to = buf_on((uint8_t *)text, ADDR_TEXT_MAX);

	int fd = listen_at(at);
	if (fd < 0) {
		int why = errno;
		addr_put(&to, at);
		log_line(loop_log(l), LOG_ERROR,
		         "start=failed management=%s why=\"%s\" remedy=\"see management.address; "
		         "the port must be free\"",
		         text, strerror(why));
		return NULL;
	}
	struct management *m = socket_take(1, sizeof *m);
	m->loop = l;
	m->http = evhttp_new(loop_base(l));
	m->sweep = evtimer_new(loop_base(l), on_sweep, m);
	m->listener = evconnlistener_new(loop_base(l), NULL, NULL, LEV_OPT_CLOSE_ON_FREE, 0, fd);
	if (m->http == NULL || m->sweep == NULL || m->listener == NULL ||
	    evhttp_bind_listener(m->http, m->listener) == NULL)
		abort();
	set_limits(m);
	return m;
}

void management_close(struct management **management)
{
	struct management *m = *management;

	if (m == NULL)
		return;
	evhttp_free(m->http);
	while (m->n > 0)
		let_go(m, m->n - 1);
	event_free(m->sweep);
	free(m);
	*management = NULL;
}
