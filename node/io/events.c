#include "node/io/events.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

enum { TEXT_MAX = 512, SOCKETS = 2, HISTORY_FIELDS = 6 };

/* A NAP as it was told of last. */
struct told {
	bool registered, available;
	size_t n;
	uint8_t name[NAP_NAME_MAX];
};

struct told_list {
	struct told *at; /* by name, as the node has them */
	size_t n, room;
};

struct events {
	struct loop *loop;
	struct control *sockets[SOCKETS];
	struct told_list told, now;
};

struct events *events_open(struct loop *l, struct control *control, struct control *monitor)
{
	struct events *e = calloc(1, sizeof *e);

	if (e == NULL)
		abort();
	*e = (struct events){.loop = l, .sockets = {control, monitor}};
	return e;
}

void events_close(struct events **events)
{
	struct events *e = *events;

	if (e == NULL)
		return;
	free(e->told.at);
	free(e->now.at);
	free(e);
	*events = NULL;
}

/* JSON is UTF-8; of what is not, the bytes beyond ASCII become `?`. */
static json_t *text_of(struct slice s)
{
	uint8_t plain[TEXT_MAX];
	json_t *text = s.n > 0 ? json_stringn((const char *)s.p, s.n) : json_string("");

	if (text != NULL)
		return text;
	s = slice_head(s, sizeof plain);
	for (size_t i = 0; i < s.n; i++)
		plain[i] = s.p[i] < 0x80 ? s.p[i] : '?';
	return json_stringn_nocheck((const char *)plain, s.n);
}

static void tell(const struct events *e, json_t *event)
{
	(void)json_object_set_new(event, "wall_ms", json_integer(loop_wall_ms()));
	for (size_t i = 0; i < SOCKETS; i++)
		if (e->sockets[i] != NULL)
			control_tell(e->sockets[i], event);
	json_decref(event);
}

void events_alarm(struct events *e, size_t row, const char *text)
{
	const struct alarm_row *r = &alarm_rows()[row];
	bool raised = loop_alarms(e->loop)->at[row].raised;

	tell(e, json_pack("{ss ss sI ss sb so ss}", "event", "alarm", "name", r->name, "oid",
	                  (json_int_t)r->oid, "severity", alarm_severity_name(r->severity),
	                  "raised", raised, "text", text_of(slice_str(text)), "remedy", r->remedy));
}

/* Up to the next tab, which goes; all of it where there is none. */
static struct slice field(struct slice *rest)
{
	size_t n = 0;

	while (n < rest->n && rest->p[n] != '\t')
		n++;
	struct slice f = slice_head(*rest, n);
	*rest = slice_from(*rest, n < rest->n ? n + 1 : n);
	return f;
}

static json_t *number_of(struct slice s)
{
	json_int_t number = 0;

	for (size_t i = 0; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		number = number * 10 + (s.p[i] - '0');
	return json_integer(number);
}

void events_history(struct events *e, const struct node_output *o)
{
	static const char *const names[HISTORY_FIELDS] = {"epoch", "seq", "what",
	                                                  "from",  "to",  "why"};
	struct slice rest = o->bytes;
	json_t *event = json_pack("{ss}", "event", "history");

	for (size_t i = 0; i < HISTORY_FIELDS; i++) {
		struct slice f = i + 1 < HISTORY_FIELDS ? field(&rest) : rest;
		(void)json_object_set_new(event, names[i], i < 2 ? number_of(f) : text_of(f));
	}
	tell(e, event);
}

static struct told *append(struct told_list *list)
{
	if (list->n == list->room) {
		list->room = list->room > 0 ? 2 * list->room : 64;
		list->at = realloc(list->at, list->room * sizeof *list->at);
		if (list->at == NULL)
			abort(); /* as many as there are NAPs */
	}
	return &list->at[list->n++];
}

static struct slice name_of(const struct told *t)
{
	return (struct slice){t->name, t->n};
}

static void tell_nap(const struct events *e, const struct nap_view *v)
{
	tell(e, json_pack("{ss so sb sb sI so}", "event", "nap", "name", text_of(v->name),
	                  "registered", v->registered, "available", v->is_available, "status",
	                  (json_int_t)v->last_status, "why", text_of(v->why)));
}

/* How it stood before; both lists are in the same order, and `*at` goes along. NULL: it was not there. */
static const struct told *before(const struct told_list *list, size_t *at, struct slice name)
{
	while (*at < list->n && slice_cmp(name_of(&list->at[*at]), name) < 0)
		++*at;
	bool found = *at < list->n && slice_eq(name_of(&list->at[*at]), name);
	return found ? &list->at[*at] : NULL;
}

void events_naps(struct events *e)
{
	struct mtime now = loop_now(e->loop);
	struct told_list older = e->told;
	struct nap_view v;
	size_t at = 0;

	e->now.n = 0;
	for (size_t i = 0; node_nap_view(loop_node(e->loop), i, now, &v); i++) {
		struct told *t = append(&e->now);
		const struct told *was = before(&older, &at, v.name);
		assert(v.name.n <= NAP_NAME_MAX);
		*t = (struct told){v.registered, v.is_available, v.name.n, {0}};
		memcpy(t->name, v.name.p, v.name.n);
		if (was != NULL &&
		    (was->registered != t->registered || was->available != t->available))
			tell_nap(e, &v);
	}
	e->told = e->now;
	e->now = older;
}
