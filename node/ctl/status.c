/* `regpairctl status`: the node's table of figures, in groups. The node says which figures there are,
 * so that this printer fits any version of it. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "node/ctl/client.h"
#include "node/ctl/print.h"

/* The figure a group begins with. */
static const struct {
	const char *first, *title;
} groups[] = {
	{"unit", "Node"},
	{"pair_state", "Pair"},
	{"epoch", "History"},
	{"peer_link", "Peer"},
	{"digest_checked", "Equality"},
	{"clock_offset_ms", "Time"},
	{"aors", "Records"},
	{"held", "Answers"},
	{"registered", "Requests since the start"},
};

static const char *bytes_text(double n, char to[32])
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB"};
	size_t unit = 0;

	while (n >= 1024 && unit + 1 < ARRAY_LEN(units)) {
		n /= 1024;
		unit++;
	}
	(void)snprintf(to, 32, "%.*f %s", unit > 0 ? 1 : 0, n, units[unit]);
	return to;
}

static const char *micro_text(json_int_t us, char to[32])
{
	if (us < 1000)
		(void)snprintf(to, 32, "%lld us", (long long)us);
	else
		(void)print_duration(us / 1000, to);
	return to;
}

/* The one unit of seconds is a moment. */
static const char *time_text(json_int_t s, char to[32])
{
	time_t moment = (time_t)s;
	struct tm t;

	if (s == 0 || localtime_r(&moment, &t) == NULL || strftime(to, 32, "%F %T", &t) == 0)
		(void)snprintf(to, 32, "-");
	return to;
}

static const char *value_text(const json_t *value, const char *unit, char to[32])
{
	json_int_t n = json_integer_value(value);

	if (json_is_string(value) && json_string_length(value) > 0)
		return json_string_value(value);
	if (json_is_boolean(value))
		return json_is_true(value) ? "yes" : "no";
	if (!json_is_integer(value))
		return "-";
	if (strcmp(unit, "ms") == 0)
		return print_duration(n, to);
	if (strcmp(unit, "us") == 0)
		return micro_text(n, to);
	if (strcmp(unit, "s") == 0)
		return time_text(n, to);
	if (strcmp(unit, "bytes") == 0)
		return bytes_text((double)n, to);
	(void)snprintf(to, 32, "%lld", (long long)n);
	return to;
}

static void print_title(const char *first)
{
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		if (strcmp(groups[i].first, first) == 0)
			(void)printf("%s%s\n", i > 0 ? "\n" : "", groups[i].title);
}

static void print_figure(const json_t *field, const json_t *status)
{
	const char *name = json_string_value(json_object_get(field, "name"));
	const char *unit = json_string_value(json_object_get(field, "unit"));
	const char *help = json_string_value(json_object_get(field, "help"));
	char label[64], text[32];
	size_t n;

	if (name == NULL || unit == NULL || help == NULL)
		return;
	print_title(name);
	(void)snprintf(label, sizeof label, "%s", name);
	n = strlen(label);
	if (*unit != '\0' && n > strlen(unit) + 1 && label[n - strlen(unit) - 1] == '_' &&
	    strcmp(label + n - strlen(unit), unit) == 0)
		label[n - strlen(unit) - 1] = '\0'; /* the value carries its unit */
	(void)printf("  %-20s  %-18s  %s\n", label,
	             value_text(json_object_get(status, name), unit, text), help);
}

int ctl_status(const struct ctl *ctl, int argc, char **argv)
{
	struct client *c;
	json_t *status, *fields = NULL;
	int code;

	if (argc > 1)
		return ctl_misused("status", "unexpected argument: %s", argv[1]);
	c = client_open(ctl);
	if (c == NULL)
		return CTL_NO_NODE;
	status = client_ask(c, json_pack("{ss}", "command", "status"));
	if (status != NULL && ctl->json)
		print_json(status);
	else if (status != NULL)
		fields = client_ask(c, json_pack("{ss}", "command", "fields"));
	for (size_t i = 0; i < json_array_size(fields); i++)
		print_figure(json_array_get(fields, i), status);
	json_decref(fields);
	json_decref(status);
	code = client_code(c);
	client_close(&c);
	return code;
}
