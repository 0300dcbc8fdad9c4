/* `regpairctl events`: what the node tells, a line each while it happens. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "node/ctl/client.h"

static const char *word(const json_t *event, const char *key)
{
	const char *text = json_string_value(json_object_get(event, key));

	return text != NULL ? text : "?";
}

static bool flag(const json_t *event, const char *key)
{
	return json_is_true(json_object_get(event, key));
}

static void print_time(const json_t *event)
{
	json_int_t ms = json_integer_value(json_object_get(event, "wall_ms"));
	time_t s = (time_t)(ms / 1000);
	char text[32];
	struct tm t;

	if (localtime_r(&s, &t) != NULL && strftime(text, sizeof text, "%F %T", &t) > 0)
		(void)printf("%s.%03d  ", text, (int)(ms % 1000));
}

static void print_event(const json_t *event)
{
	const char *kind = word(event, "event");

	print_time(event);
	if (strcmp(kind, "alarm") == 0)
		(void)printf("alarm    %s %s (%s): %s\n", word(event, "name"),
		             flag(event, "raised") ? "raised" : "cleared", word(event, "severity"),
		             word(event, "text"));
	else if (strcmp(kind, "history") == 0)
		(void)printf("history  %s %s -> %s: %s\n", word(event, "what"), word(event, "from"),
		             word(event, "to"), word(event, "why"));
	else if (strcmp(kind, "nap") == 0)
		(void)printf("nap      %s %s, %s: %s\n", word(event, "name"),
		             flag(event, "registered") ? "registered" : "not registered",
		             flag(event, "available") ? "available" : "not available",
		             word(event, "why"));
	else
		(void)printf("%s\n", kind);
}

static void print_line(const json_t *event)
{
	char *text = json_dumps(event, JSON_COMPACT);

	if (text == NULL)
		abort();
	(void)puts(text);
	free(text);
}

static void print_all(const struct ctl *ctl, struct client *c)
{
	json_t *event;

	while ((event = client_receive(c)) != NULL) {
		if (ctl->json)
			print_line(event);
		else
			print_event(event);
		json_decref(event);
		if (fflush(stdout) != 0)
			return; /* nobody reads on */
	}
}

int ctl_events(const struct ctl *ctl, int argc, char **argv)
{
	struct client *c;
	int code;

	if (argc > 1)
		return ctl_misused("events", "unexpected argument: %s", argv[1]);
	c = client_open(ctl);
	if (c == NULL)
		return CTL_NO_NODE;
	json_t *begun = client_ask(c, json_pack("{ss}", "command", "events"));
	if (begun != NULL) {
		client_be_patient(c);
		print_all(ctl, c);
	}
	json_decref(begun);
	code = client_code(c);
	client_close(&c);
	return code;
}
