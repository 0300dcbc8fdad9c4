/* The reference of the configuration, docs/configuration.md: what the tables say, in Markdown. */
#include "node/io/config_keys.h"

static const char head[] =
	"# Configuration\n\n"
	"Made by `regpaird --print-reference >docs/configuration.md`: the keys stand in "
	"`node/io/config_table.h` and\n"
	"`config_nap_table.h`. The same as a manual page: `man regpair.yaml`; as a commented file "
	"to begin with:\n"
	"`regpaird --print-defaults`.\n\n"
	"One YAML file, as a rule `/etc/regpair/regpair.yaml`. A key of a group, or of a list's "
	"items, is shown behind the\n"
	"group's name and a dot. Durations and sizes have their unit: `200 ms`, `30 s`, `1 h`, `64 "
	"MiB`. The file is taken\n"
	"whole or refused with the line and what would be right (`regpaird --check FILE`).\n\n"
	"- **equal**: must be the same on both nodes; where it is not, both raise the alarm "
	"`config_differs`.\n"
	"- **live**: `regpairctl reload` (or SIGHUP) changes it; any other key wants a restart, "
	"and a reload that would\n"
	"  change one is refused and names it.\n";

/* A `|` would end the cell, a `<` begin a tag. */
static void put_cell(FILE *to, struct slice text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '|' || text.p[i] == '<')
			(void)fputc('\\', to);
		(void)fputc(text.p[i], to);
	}
}

static void put_key(FILE *to, const struct config_key *key)
{
	uint8_t room[CONFIG_VALUE_MAX];
	struct buf wants = buf_on(room, sizeof room);
	bool has_default = key->def != NULL && key->def[0] != '\0';

	config_key_wants(key, &wants);
	(void)fprintf(to, "| `%s` | ", key->key);
	put_cell(to, slice_str(key->help));
	(void)fputs(" | ", to);
	put_cell(to, buf_slice(&wants));
	(void)fprintf(to, " | %s%s%s |%s%s |\n", has_default ? "`" : "",
	              has_default ? key->def : "", has_default ? "`" : "",
	              (key->flags & CONFIG_SHARED) != 0 ? " equal" : "",
	              (key->flags & CONFIG_LIVE) != 0 ? " live" : "");
}

static void put_keys(FILE *to, const char *title, struct config_keys keys)
{
	(void)fprintf(to,
	              "\n## %s\n\n| key | meaning | value | default | |\n| --- | --- | --- | --- | "
	              "--- |\n",
	              title);
	for (size_t i = 0; i < keys.n; i++)
		put_key(to, &keys.at[i]);
}

void config_print_reference(FILE *to)
{
	(void)fputs(head, to);
	put_keys(to, "Keys and groups", config_keys_top());
	for (const struct config_list *list = config_lists(); list < config_lists() + CONFIG_LISTS;
	     list++) {
		char title[64];
		(void)snprintf(title, sizeof title, "The list `%s`", list->name);
		put_keys(to, title, list->keys);
	}
}
