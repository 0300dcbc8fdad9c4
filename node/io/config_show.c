/* The configuration as it was understood, as YAML: every key that has a value, no secret. */
#include "node/io/config_keys.h"

static bool is_plain(struct slice value)
{
	static const char marks[] = "./-_ ";

	for (size_t i = 0; i < value.n; i++) {
		uint8_t c = ascii_lower(value.p[i]);
		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && strchr(marks, c) == NULL)
			return false;
	}
	return value.n > 0 && value.p[0] != ' ' && value.p[0] != '-' && value.p[value.n - 1] != ' ';
}

static void show_value(FILE *to, struct slice value)
{
	if (is_plain(value)) {
		(void)fprintf(to, SLICE_FMT "\n", SLICE_ARG(value));
		return;
	}
	(void)fputc('"', to);
	for (size_t i = 0; i < value.n; i++) {
		uint8_t c = value.p[i];
		if (c < ' ' || c == 0x7f) {
			(void)fprintf(to, "\\x%02x", c);
			continue;
		}
		if (c == '"' || c == '\\')
			(void)fputc('\\', to);
		(void)fputc(c, to);
	}
	(void)fputs("\"\n", to);
}

/* Nothing where it has no value. */
static void show_key(FILE *to, const struct config_key *key, const void *object, const char *indent)
{
	uint8_t room[CONFIG_VALUE_MAX];
	struct buf value = buf_on(room, sizeof room);

	config_value_put(key, object, &value);
	if (value.n == 0)
		return;
	(void)fprintf(to, "%s%s: ", indent, config_key_name(key));
	if (config_key_secret(key))
		(void)fputs("(masked)\n", to);
	else
		show_value(to, buf_slice(&value));
}

/* "peer:" before the first key of a section. */
static void show_section(FILE *to, const struct config_key *key, struct slice *section)
{
	const char *dot = strchr(key->key, '.');
	struct slice ours = {(const uint8_t *)key->key, dot == NULL ? 0 : (size_t)(dot - key->key)};

	if (ours.n > 0 && !slice_eq(ours, *section))
		(void)fprintf(to, SLICE_FMT ":\n", SLICE_ARG(ours));
	*section = ours;
}

/* A standalone unit has no peer, and these sections only as defaults. */
static bool concerns(const struct config_key *key, const struct config *config)
{
	return config->unit != UNIT_STANDALONE ||
	       (strncmp(key->key, "peer.", 5) != 0 && strncmp(key->key, "keepalived.", 11) != 0);
}

static bool has_value(const struct config_key *key, const void *object)
{
	uint8_t room[CONFIG_VALUE_MAX];
	struct buf value = buf_on(room, sizeof room);

	config_value_put(key, object, &value);
	return value.n > 0;
}

static void show_list(FILE *to, const struct config_list *list, const struct config *config)
{
	size_t n = config_list_count(list, config);

	if (n > 0)
		(void)fprintf(to, "%s:\n", list->name);
	for (size_t i = 0; i < n; i++) {
		(void)fputs("  -\n", to);
		for (size_t k = 0; k < list->keys.n; k++)
			show_key(to, &list->keys.at[k], config_list_item(list, config, i), "    ");
	}
}

void config_show(FILE *to, const struct config *config)
{
	struct config_keys keys = config_keys_top();
	struct slice section = {NULL, 0};

	for (size_t i = 0; i < keys.n; i++) {
		if (!concerns(&keys.at[i], config) || !has_value(&keys.at[i], config))
			continue;
		show_section(to, &keys.at[i], &section);
		show_key(to, &keys.at[i], config, section.n > 0 ? "  " : "");
	}
	for (size_t i = 0; i < CONFIG_LISTS; i++)
		show_list(to, &config_lists()[i], config);
}
