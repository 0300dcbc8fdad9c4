/* `regpairctl nap list|show|register|unregister|poll`: where this system registers itself. */
#include <stdio.h>
#include <string.h>

#include "node/ctl/list.h"

static const struct column columns[] = {
	{"NAP", "name", false},
	{"REGISTERED", "registered_text", false},
	{"AVAILABLE", "available_text", false},
	{"PHASE", "phase", false},
	{"SINCE", "since_text", false},
	{"GRANTED s", "granted_s", true},
	{"NEXT IN", "next_text", false},
	{"LAST", "last_status_text", false},
	{"TARGET", "target", false},
	{"WHY", "why", false},
};

static const char *yes_or_no(const json_t *row, const char *key)
{
	return json_is_true(json_object_get(row, key)) ? "yes" : "no";
}

/* What is not to be done is neither so nor not so. */
static const char *if_asked(const json_t *row, const char *asked, const char *key)
{
	return json_is_true(json_object_get(row, asked)) ? yes_or_no(row, key) : "-";
}

static void set_text(json_t *row, const char *key, const char *text)
{
	(void)json_object_set_new(row, key, json_string(text));
}

static void set_duration(json_t *row, const char *key, const char *from)
{
	const json_t *ms = json_object_get(row, from);
	char text[32];

	set_text(row, key,
	         json_is_integer(ms) ? print_duration(json_integer_value(ms), text) : "-");
}

/* "503 Service Unavailable"; "-": there never was an answer. */
static void set_last(json_t *row)
{
	const char *reason = json_string_value(json_object_get(row, "last_reason"));
	json_int_t status = json_integer_value(json_object_get(row, "last_status"));
	char text[160] = "-";

	if (status != 0)
		(void)snprintf(text, sizeof text, "%d %s", (int)status,
		               reason != NULL ? reason : "");
	set_text(row, "last_text", text);
	text[status != 0 ? strcspn(text, " ") : 1] = '\0';
	set_text(row, "last_status_text", text);
}

/* What people read beside what scripts do. */
static void tell_one(json_t *row)
{
	set_text(row, "registered_text", if_asked(row, "register_to_proxy", "registered"));
	set_text(row, "available_text", if_asked(row, "poll_remote_proxy", "is_available"));
	set_duration(row, "since_text", "since_ms");
	set_duration(row, "next_text", "next_ms");
	set_last(row);
}

static void tell(json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		tell_one(row);
	}
}

int ctl_nap_list(const struct ctl *ctl, int argc, char **argv)
{
	struct printer p = print_begin(ctl, columns, ARRAY_LEN(columns));
	long limit = 0;

	p.prepare = tell;
	if (!list_arguments("nap list", argc, argv, &limit, NULL))
		return CTL_USAGE;
	return list_pages(ctl, "naps", "naps", &p, limit);
}

static void print_one(json_t *nap)
{
	static const char *const flags[] = {"register_to_proxy", "registered", "poll_remote_proxy",
	                                    "is_available"};
	static const char *const texts[][2] = {
		{"proxy", "proxy"},
		{"address_to_register", "address_to_register"},
		{"access_list", "access_list"},
		{"phase", "phase"},
		{"why", "why"},
		{"since", "since_text"},
		{"next in", "next_text"},
		{"target", "target"},
		{"last answer", "last_text"},
	};

	tell_one(nap);
	(void)printf("%-19s %s\n", "nap", json_string_value(json_object_get(nap, "name")));
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		(void)printf("%-19s %s\n", flags[i], yes_or_no(nap, flags[i]));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const char *text = json_string_value(json_object_get(nap, texts[i][1]));
		(void)printf("%-19s %s\n", texts[i][0], text != NULL && *text != '\0' ? text : "-");
	}
	(void)printf("%-19s %lld s\n", "granted",
	             (long long)json_integer_value(json_object_get(nap, "granted_s")));
	(void)printf("%-19s %lld\n", "attempts",
	             (long long)json_integer_value(json_object_get(nap, "attempts")));
}

/* The answer about the one NAP that is named, or NULL and the exit code. */
static json_t *ask_about(const struct ctl *ctl, const char *command, int argc, char **argv,
                         int *code)
{
	char name[32];

	if (argc == 2 && argv[1][0] != '-')
		return client_ask_once(
			ctl, json_pack("{ss ss}", "command", command, "nap", argv[1]), code);
	(void)snprintf(name, sizeof name, "nap %s", argv[0]);
	*code = ctl_misused(name, "the name of one NAP is wanted");
	return NULL;
}

int ctl_nap_show(const struct ctl *ctl, int argc, char **argv)
{
	int code;
	json_t *nap = ask_about(ctl, "nap", argc, argv, &code);

	if (nap != NULL && ctl->json)
		print_json(nap);
	else if (nap != NULL)
		print_one(nap);
	json_decref(nap);
	return code;
}

static int command(const struct ctl *ctl, const char *what, int argc, char **argv)
{
	int code;
	json_t *result = ask_about(ctl, what, argc, argv, &code);

	if (result != NULL && ctl->json)
		print_json(result);
	else if (result != NULL)
		(void)printf("%s: %s\n", argv[1],
		             json_string_value(json_object_get(result, "text")));
	json_decref(result);
	return code;
}

int ctl_nap_register(const struct ctl *ctl, int argc, char **argv)
{
	return command(ctl, "nap-register", argc, argv);
}

int ctl_nap_unregister(const struct ctl *ctl, int argc, char **argv)
{
	return command(ctl, "nap-unregister", argc, argv);
}

int ctl_nap_poll(const struct ctl *ctl, int argc, char **argv)
{
	return command(ctl, "nap-poll", argc, argv);
}
