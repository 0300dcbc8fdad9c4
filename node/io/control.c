/* The control socket: connections, lines, and the tickets of commands under way. */
#include "node/io/control.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "node/io/control_connection.h"

enum {
	INPUT_MAX = 4 * CONTROL_LINE_MAX, /* read ahead; the rest waits in the socket */
	OUTPUT_MAX = 1 << 20,             /* a slow reader: its next requests wait */
	LINES_A_TURN = 256,               /* then others have their turn */
	CLOSING_S = 10,                   /* to take the last error before the close */
};

static void *take(size_t size)
{
	void *p = calloc(1, size);

	if (p == NULL)
		abort(); /* everything here is bounded: the peer serves */
	return p;
}

static struct control_view view_of(struct control *c)
{
	return (struct control_view){c->loop, &c->arena};
}

static void end_act(struct connection *c, json_t *act, enum control_result result, const char *text)
{
	struct control_view view = view_of(c->control);

	control_act_end(&view, c->control->audit, act, result, text);
}

static void drop(struct connection *c)
{
	c->control->connections[c->at] = NULL;
	for (size_t i = 0; i < CONTROL_PENDING_MAX; i++) {
		json_decref(c->pending[i].diff);
		end_act(c, c->pending[i].act, CONTROL_UNANSWERED, "");
	}
	json_decref(c->asker);
	json_decref(followers_end(&c->control->followers, c->bev));
	event_free(c->resume);
	bufferevent_free(c->bev);
	free(c);
}

/* Whoever does not speak the language is told so and hung up on. */
static void reject(struct connection *c, const char *text)
{
	struct timeval patience = {.tv_sec = CLOSING_S};

	control_say(c, json_pack("{sb ss}", "ok", 0, "error", text));
	c->closing = true;
	(void)bufferevent_disable(c->bev, EV_READ);
	bufferevent_set_timeouts(c->bev, NULL, &patience);
}

/* Takes the act. */
static struct pending *pend(struct connection *c, json_int_t id, json_t *act)
{
	assert(c->n_free > 0);
	size_t slot = c->free_slots[--c->n_free];
	struct pending *p = &c->pending[slot];

	assert(p->ticket == 0);
	*p = (struct pending){.id = id, .act = act};
	p->ticket = (++c->control->serial << CONNECTION_BITS | c->at) << SLOT_BITS | slot;
	return p;
}

static void release(struct connection *c, struct pending *p)
{
	json_decref(p->diff);
	p->diff = p->act = NULL;
	p->ticket = 0;
	c->free_slots[c->n_free++] = (uint16_t)(p - c->pending);
	if (c->n_free == 1 || c->ended) /* lines may wait for room */
		event_active(c->resume, EV_TIMEOUT, 0);
}

static void answer(struct connection *c, struct pending *p, bool ok, const char *text)
{
	end_act(c, p->act, ok ? CONTROL_DONE : CONTROL_REFUSED, text);
	if (ok) {
		json_t *result = p->diff != NULL ? json_incref(p->diff) : json_object();
		(void)json_object_set_new(result, "text", json_string(text));
		if (p->is_put)
			(void)json_object_set_new(result, "replaced", json_boolean(p->replaces));
		control_send_result(c, p->id, result);
	} else {
		control_send_error(c, p->id, text);
	}
	release(c, p);
}

/* Who waits for this; NULL: nobody asked, or the connection is gone. */
static struct pending *pending_of(struct control *control, uint64_t ticket, struct connection **c)
{
	size_t slot = ticket & (CONTROL_PENDING_MAX - 1);

	*c = control->connections[ticket >> SLOT_BITS & (CONTROL_CONNECTIONS_MAX - 1)];
	if (ticket == 0 || *c == NULL || (*c)->pending[slot].ticket != ticket)
		return NULL;
	return &(*c)->pending[slot];
}

void control_answer(struct control *control, uint64_t ticket, bool ok, struct slice text)
{
	struct connection *c;
	struct pending *p = pending_of(control, ticket, &c);
	char said[CONTROL_ERROR_TEXT];

	if (p == NULL)
		return;
	(void)snprintf(said, sizeof said, SLICE_FMT, SLICE_ARG(text));
	answer(c, p, ok, said);
}

void control_reloaded(struct control *control, uint64_t ticket, json_t *outcome)
{
	struct control_view view = view_of(control);
	struct connection *c;
	struct pending *p = pending_of(control, ticket, &c);

	if (p != NULL || ticket == 0)
		control_act_reloaded(&view, control->audit, p != NULL ? p->act : NULL, outcome);
	if (p != NULL) {
		control_send_result(c, p->id, json_incref(outcome));
		release(c, p);
	}
	json_decref(outcome);
}

void control_difference(struct control *control, const struct node_output *o)
{
	struct connection *c;
	struct pending *p = pending_of(control, o->ticket, &c);

	if (p != NULL && p->diff != NULL)
		control_diff_add(p->diff, o, &control->arena);
}

static void begin_trace(struct connection *c, json_int_t id, const json_t *request, json_t *act)
{
	const char *refusal = followers_add(&c->control->followers, c->control->loop, c->bev,
	                                    json_object_get(request, "who"));

	end_act(c, act, refusal == NULL ? CONTROL_DONE : CONTROL_REFUSED,
	        refusal != NULL ? refusal : "");
	if (refusal == NULL)
		control_send_result(c, id, json_object());
	else
		control_send_error(c, id, refusal);
}

static void end_trace(struct connection *c, json_int_t id)
{
	json_t *counts = followers_end(&c->control->followers, c->bev);

	if (counts != NULL)
		control_send_result(c, id, counts);
	else
		control_send_error(c, id, "no trace was begun on this connection");
}

bool control_traces(const struct control *control)
{
	return control->followers.n > 0;
}

void control_trace(struct control *control, const struct trace_message *m)
{
	followers_tell(&control->followers, control->loop, m);
}

static void feed(struct connection *c, json_int_t id, struct control_change *change, json_t *act)
{
	struct node_input in = {.event = NODE_COMMAND, .command = &change->command};
	struct pending *p = pend(c, id, act);
	p->is_put = change->command.kind == COMMAND_SUBSCRIBER_PUT;
	p->replaces = change->replaces;
	p->diff = change->command.kind == COMMAND_DIFF ? control_diff_new() : NULL;
	change->command.ticket = p->ticket;
	loop_feed(c->control->loop, &in);
}

static void reload(struct connection *c, json_int_t id, json_t *act)
{
	struct pending *p = pend(c, id, act);

	if (!loop_reload(c->control->loop, p->ticket))
		answer(c, p, false, "the configuration is being read already: ask again");
}

static void answer_at_once(struct connection *c, json_int_t id, const json_t *request,
                           control_read_fn *read, json_t *act)
{
	struct control_view view = view_of(c->control);
	struct control_error error = {""};
	json_t *result = read(&view, request, &error);

	end_act(c, act, result != NULL ? CONTROL_DONE : CONTROL_REFUSED, error.text);
	if (result != NULL)
		control_send_result(c, id, result);
	else
		control_send_error(c, id, error.text);
}

/* The monitor's: it reads figures, and that is all. */
static void on_question(struct connection *c, json_int_t id, const json_t *request)
{
	const char *command = json_string_value(json_object_get(request, "command"));
	control_read_fn *read = control_reader(command != NULL ? command : "", CONTROL_MONITOR);

	arena_reset(&c->control->arena);
	if (read != NULL)
		answer_at_once(c, id, request, read, NULL);
	else
		control_send_error(c, id, "no such command on this socket: it has figures alone");
}

static void on_request(struct connection *c, json_int_t id, const json_t *request)
{
	struct control_view view = view_of(c->control);
	const char *named = json_string_value(json_object_get(request, "command"));
	const char *command = named != NULL ? named : "";
	control_read_fn *read = control_reader(command, CONTROL_OPERATOR),
			*set = control_setter(command);
	control_change_fn *change = control_changer(command);
	struct control_change changed = {0};
	struct control_error error = {"no such command"};
	json_t *act = control_act(&view, request, bufferevent_getfd(c->bev), &c->asker);

	arena_reset(view.arena);
	if (read != NULL || set != NULL) {
		answer_at_once(c, id, request, read != NULL ? read : set, act);
	} else if (strcmp(command, "reload") == 0) {
		reload(c, id, act);
	} else if (strcmp(command, "trace") == 0) {
		begin_trace(c, id, request, act);
	} else if (strcmp(command, "trace-end") == 0) {
		end_trace(c, id);
	} else if (change != NULL && change(&view, request, &changed, &error)) {
		feed(c, id, &changed, act);
	} else {
		end_act(c, act, CONTROL_REFUSED, error.text);
		control_send_error(c, id, error.text);
	}
}

static bool is_command(const json_t *request, const char *name)
{
	const char *command = json_string_value(json_object_get(request, "command"));

	return command != NULL && strcmp(command, name) == 0;
}

static void on_line(struct connection *c, const char *line, size_t size)
{
	json_error_t fault;
	json_t *request = json_loadb(line, size, JSON_REJECT_DUPLICATES, &fault);
	const json_t *id = json_object_get(request, "id");

	if (!json_is_object(request))
		reject(c, "not a JSON object");
	else if (id != NULL && !json_is_integer(id))
		reject(c, "`id` must be an integer");
	else if (is_command(request, "events"))
		control_listen_to(c, json_integer_value(id));
	else if (c->control->kind == CONTROL_MONITOR)
		on_question(c, json_integer_value(id), request);
	else
		on_request(c, json_integer_value(id), request);
	json_decref(request);
}

static bool may_take(const struct connection *c)
{
	return !c->closing && !c->lost && c->n_free > 0 && control_unsent(c) < OUTPUT_MAX;
}

/* Takes lines while there is room for their answers. True: no whole line is left. */
static bool take_lines(struct connection *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t size = 0;

	for (int i = 0; may_take(c); i++) {
		if (i == LINES_A_TURN) {
			event_active(c->resume, EV_TIMEOUT, 0);
			return false;
		}
		char *line = evbuffer_readln(in, &size, EVBUFFER_EOL_LF);
		if (line == NULL)
			break;
		if (size < CONTROL_LINE_MAX)
			on_line(c, line, size);
		else
			reject(c, "the line is too long");
		free(line);
	}
	if (!may_take(c))
		return c->closing;
	if (evbuffer_get_length(in) >= CONTROL_LINE_MAX)
		reject(c, "the line is too long");
	return true;
}

static void go_on(struct connection *c)
{
	bool all_taken = take_lines(c);
	bool idle = c->n_free == CONTROL_PENDING_MAX && control_unsent(c) == 0;

	if (c->lost || (c->closing && control_unsent(c) == 0) || (c->ended && all_taken && idle))
		drop(c);
}

static void on_read(struct bufferevent *bev, void *context)
{
	(void)bev;
	go_on(context);
}

static void on_written(struct bufferevent *bev, void *context)
{
	(void)bev;
	go_on(context);
}

static void on_resume(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	go_on(context);
}

static void on_event(struct bufferevent *bev, short what, void *context)
{
	struct connection *c = context;

	(void)bev;
	if ((what & BEV_EVENT_EOF) == 0 || c->closing) {
		drop(c);
		return;
	}
	c->ended = true; /* what it asked before is still answered */
	go_on(c);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
                      int size, void *context)
{
	struct control *control = context;
	size_t at = 0;

	(void)listener;
	(void)from;
	(void)size;
	while (at < CONTROL_CONNECTIONS_MAX && control->connections[at] != NULL)
		at++;
	if (at == CONTROL_CONNECTIONS_MAX) {
		log_rated(loop_log(control->loop), &control->said, loop_now(control->loop),
		          LOG_WARN, "control=refused why=\"%d connections are open\"",
		          (int)CONTROL_CONNECTIONS_MAX);
		(void)close(fd);
		return;
	}
	struct connection *c = take(sizeof *c);
	c->control = control;
	c->at = at;
	while (c->n_free < CONTROL_PENDING_MAX) {
		c->free_slots[c->n_free] = (uint16_t)c->n_free;
		c->n_free++;
	}
	c->bev = bufferevent_socket_new(loop_base(control->loop), fd, BEV_OPT_CLOSE_ON_FREE);
	c->resume = event_new(loop_base(control->loop), -1, 0, on_resume, c);
	if (c->bev == NULL || c->resume == NULL)
		abort();
	control->connections[at] = c;
	bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, INPUT_MAX);
	(void)bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

struct control *control_open(struct loop *l, const char *path, enum control_kind kind)
{
	const char *why = "";
	int fd = control_listen(path, kind, &why);

	if (fd < 0) {
		log_line(loop_log(l), LOG_ERROR, "start=failed control=%s why=\"%s\"", path, why);
		return NULL;
	}
	struct control *c = take(sizeof *c);
	c->loop = l;
	c->kind = kind;
	c->arena = arena_on(c->memory, sizeof c->memory);
	c->audit = audit_open(loop_config(l)->audit_file, loop_log(l));
	(void)snprintf(c->path, sizeof c->path, "%s", path);
	c->listener = evconnlistener_new(loop_base(l), on_accept, c, LEV_OPT_CLOSE_ON_FREE,
	                                 CONTROL_CONNECTIONS_MAX, fd);
	if (c->listener == NULL)
		abort();
	return c;
}

void control_close(struct control **control)
{
	struct control *c = *control;

	if (c == NULL)
		return;
	for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++)
		if (c->connections[i] != NULL)
			drop(c->connections[i]);
	evconnlistener_free(c->listener);
	audit_close(&c->audit);
	(void)unlink(c->path);
	free(c);
	*control = NULL;
}
