/* Connections that follow a user's or a NAP's messages. */
#include <stdlib.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "node/io/control_parts.h"

enum { BACKLOG_MAX = 512 << 10 }; /* half of what makes a connection's requests wait */

const char *followers_add(struct followers *f, const struct loop *l, struct bufferevent *bev,
                          const json_t *who)
{
	const char *name = json_string_value(who);
	struct trace *trace;

	if (f->n == CONTROL_TRACES_MAX)
		return "too many traces are open: end one";
	for (size_t i = 0; i < f->n; i++)
		if (f->at[i].bev == bev)
			return "this connection has a trace already";
	trace = trace_open(l, name != NULL ? name : "");
	if (trace == NULL)
		return "there is no NAP of that name, and it is no AOR such as alice@example.com";
	f->at[f->n].bev = bev;
	f->at[f->n++].trace = trace;
	return NULL;
}

json_t *followers_end(struct followers *f, const struct bufferevent *bev)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->at[i].bev != bev)
			continue;
		json_t *counts = trace_counts(f->at[i].trace);
		trace_close(&f->at[i].trace);
		f->at[i] = f->at[--f->n];
		return counts;
	}
	return NULL;
}

static void tell(struct bufferevent *bev, json_t *line)
{
	char *text = json_dumps(line, JSON_COMPACT);

	if (text == NULL)
		abort();
	(void)evbuffer_add_printf(bufferevent_get_output(bev), "%s\n", text);
	free(text);
	json_decref(line);
}

void followers_tell(struct followers *f, const struct loop *l, const struct trace_message *m)
{
	for (size_t i = 0; i < f->n; i++) {
		struct trace *t = f->at[i].trace;
		struct evbuffer *out = bufferevent_get_output(f->at[i].bev);
		if (!trace_wants(t, l, m))
			continue;
		if (evbuffer_get_length(out) + 2 * m->bytes.n > BACKLOG_MAX)
			trace_drop(t);
		else
			tell(f->at[i].bev, trace_line(t, m));
	}
}
