#include <assert.h>

#include "node/io/config_keys.h"

enum { DIGEST_TEXT_MAX = 8192 };

/* FNV-1a; the texts are short and read once. */
static uint64_t hash_of(struct slice text)
{
	uint64_t hash = 0xcbf29ce484222325U;

	for (size_t i = 0; i < text.n; i++)
		hash = (hash ^ text.p[i]) * 0x100000001b3U;
	return hash;
}

/* Over "key=value" lines, so that a new key with its default changes the digest on both nodes alike. */
static uint64_t digest_object(struct config_keys keys, const void *object)
{
	uint8_t text[DIGEST_TEXT_MAX];
	struct buf to = buf_on(text, sizeof text);

	for (size_t i = 0; i < keys.n; i++) {
		const struct config_key *key = &keys.at[i];

		if ((key->flags & CONFIG_SHARED) == 0)
			continue;
		buf_str(&to, key->key);
		buf_byte(&to, '=');
		config_value_put(key, object, &to);
		buf_byte(&to, '\n');
	}
	assert(!to.full);
	return hash_of(buf_slice(&to));
}

uint64_t config_digest(const struct config *config)
{
	uint64_t sum = digest_object(config_keys_top(), config);

	for (const struct config_list *list = config_lists(); list < config_lists() + CONFIG_LISTS;
	     list++)
		for (size_t i = 0; i < config_list_count(list, config); i++)
			sum += digest_object(list->keys, config_list_item(list, config, i));
	return sum;
}

/* What the sample gives to keys without a default; NULL: the key is printed as a comment. */
static const char *sample_of(const char *key)
{
	static const char *const samples[][2] = {
		{"unit", "standalone"},          {"transports.name", "sip-udp"},
		{"transports.protocol", "udp"},  {"transports.address", "127.0.0.1"},
		{"domains.name", "example.com"}, {"naps.name", "carrier"},
	};

	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		if (strcmp(samples[i][0], key) == 0)
			return samples[i][1];
	return NULL;
}

/* The sample is a standalone unit without NAPs: it has these as comments. */
static bool is_comment(const char *key)
{
	static const char *const sections[] = {"peer.",       "keepalived.", "cluster.",
	                                       "management.", "tls.",        "naps."};

	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		if (strncmp(key, sections[i], strlen(sections[i])) == 0)
			return true;
	return false;
}

static void print_key(FILE *to, const struct config_key *key, const char *indent)
{
	uint8_t wants[CONFIG_VALUE_MAX];
	struct buf text = buf_on(wants, sizeof wants);
	const char *value = key->def != NULL ? key->def : sample_of(key->key);
	const char *off = value == NULL || is_comment(key->key) ? "#" : "";
	bool plain = key->def == NULL || key->def[0] == '\0';

	config_key_wants(key, &text);
	(void)fprintf(to, "%s# %s\n%s# " SLICE_FMT "; %s%s%s%s\n", indent, key->help, indent,
	              SLICE_ARG(buf_slice(&text)), plain ? "no default" : "default ",
	              plain ? "" : key->def,
	              (key->flags & CONFIG_SHARED) != 0 ? "; equal on both nodes" : "",
	              (key->flags & CONFIG_LIVE) != 0 ? "; changed by a reload" : "");
	(void)fprintf(to, "%s%s%s: %s\n", off, indent, config_key_name(key),
	              value == NULL ? "..." : value);
}

/* Opens "peer:" before the first key of a section. */
static void print_section(FILE *to, const struct config_key *key, struct slice *section)
{
	const char *dot = strchr(key->key, '.');
	struct slice ours = {(const uint8_t *)key->key, dot == NULL ? 0 : (size_t)(dot - key->key)};

	if (!slice_eq(ours, *section) && ours.n > 0)
		(void)fprintf(to, "\n%s" SLICE_FMT ":\n", is_comment(key->key) ? "#" : "",
		              SLICE_ARG(ours));
	if (ours.n == 0)
		(void)fputc('\n', to);
	*section = ours;
}

static void print_list(FILE *to, const struct config_list *list)
{
	const char *off = is_comment(list->keys.at[0].key) ? "#" : "";

	(void)fprintf(to, "\n%s%s:\n%s  -\n", off, list->name, off);
	for (size_t i = 0; i < list->keys.n; i++)
		print_key(to, &list->keys.at[i], "    ");
}

void config_print_defaults(FILE *to)
{
	struct config_keys keys = config_keys_top();
	struct slice section = {NULL, 0};

	(void)fprintf(
		to,
		"# regpaird: every key with its default. A primary or secondary unit also needs "
		"the\n# sections cluster, peer and keepalived, commented out here as the NAPs "
		"are.\n");
	for (size_t i = 0; i < keys.n; i++) {
		print_section(to, &keys.at[i], &section);
		print_key(to, &keys.at[i], section.n > 0 ? "  " : "");
	}
	for (size_t i = 0; i < CONFIG_LISTS; i++)
		print_list(to, &config_lists()[i]);
}
