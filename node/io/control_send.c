/* What is written to connections of the control socket: answers and events. */
#include <stdlib.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "node/io/control_connection.h"

enum { EVENTS_MAX = 2 << 20 }; /* unread: a crowd of NAPs that change at once fits */

size_t control_unsent(const struct connection *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->bev));
}

static char *line_of(const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(6));

	if (text == NULL)
		abort();
	return text;
}

static void send_text(struct connection *c, const char *text)
{
	(void)evbuffer_add_printf(bufferevent_get_output(c->bev), "%s\n", text);
}

void control_say(struct connection *c, json_t *line)
{
	char *text = line_of(line);

	send_text(c, text);
	free(text);
	json_decref(line);
}

void control_send_result(struct connection *c, json_int_t id, json_t *result)
{
	control_say(c, json_pack("{sI sb so}", "id", id, "ok", 1, "result", result));
}

void control_send_error(struct connection *c, json_int_t id, const char *text)
{
	json_t *error = json_string(text);

	if (error == NULL) /* cut within a character */
		error = json_string("refused");
	control_say(c, json_pack("{sI sb so}", "id", id, "ok", 0, "error", error));
}

/* The next event may be told in the middle of what this connection does: it ends in a turn of its own. */
static void lose(struct connection *c)
{
	c->lost = true;
	event_active(c->resume, EV_TIMEOUT, 0);
	log_rated(loop_log(c->control->loop), &c->control->said, loop_now(c->control->loop),
	          LOG_NOTICE, "control=closed why=\"events are not read\"");
}

void control_tell(struct control *control, const json_t *event)
{
	char *text = line_of(event);

	for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++) {
		struct connection *c = control->connections[i];
		if (c == NULL || !c->listens || c->closing || c->lost)
			continue;
		send_text(c, text);
		if (control_unsent(c) > EVENTS_MAX)
			lose(c);
	}
	free(text);
}

void control_listen_to(struct connection *c, json_int_t id)
{
	size_t n = 0;

	for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++)
		n += c->control->connections[i] != NULL && c->control->connections[i]->listens;
	c->listens = c->listens || n < CONTROL_LISTENERS_MAX;
	if (c->listens)
		control_send_result(c, id, json_object());
	else
		control_send_error(c, id, "too many listen to events already");
}
