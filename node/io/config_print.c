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

		if (!key->shared)
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

	for (size_t i = 0; i < config->transport_count; i++)
		sum += digest_object(config_keys_transport(), &config->transports[i]);
	for (size_t i = 0; i < config->domain_count; i++)
		sum += digest_object(config_keys_domain(), &config->domains[i]);
	return sum;
}

/* What the sample gives to keys without a default; NULL: the key is printed as a comment. */
static const char *sample_of(const char *key)
{
	static const char *const samples[][2] = {
		{"unit", "standalone"},          {"transports.name", "sip-udp"},
		{"transports.protocol", "udp"},  {"transports.address", "127.0.0.1"},
		{"domains.name", "example.com"},
	};

	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		if (strcmp(samples[i][0], key) == 0)
			return samples[i][1];
	return NULL;
}

/* Only a unit of a pair has these sections. */
static bool is_of_a_pair(const char *key)
{
	return strncmp(key, "peer.", 5) == 0 || strncmp(key, "keepalived.", 11) == 0 ||
	       strncmp(key, "cluster.", 8) == 0;
}

static void print_key(FILE *to, const struct config_key *key, const char *indent)
{
	uint8_t wants[CONFIG_VALUE_MAX];
	struct buf text = buf_on(wants, sizeof wants);
	const char *value = key->def != NULL ? key->def : sample_of(key->key);
	const char *off = value == NULL || is_of_a_pair(key->key) ? "#" : "";

	config_key_wants(key, &text);
	(void)fprintf(to, "%s# %s\n%s# " SLICE_FMT "; %s%s%s\n", indent, key->help, indent,
	              SLICE_ARG(buf_slice(&text)), key->def == NULL ? "no default" : "default ",
	              key->def == NULL ? "" : key->def, key->shared ? "; equal on both nodes" : "");
	(void)fprintf(to, "%s%s%s: %s\n", off, indent, config_key_name(key),
	              value == NULL ? "..." : value);
}

/* Opens "peer:" before the first key of a section. */
static void print_section(FILE *to, const struct config_key *key, struct slice *section)
{
	const char *dot = strchr(key->key, '.');
	struct slice ours = {(const uint8_t *)key->key, dot == NULL ? 0 : (size_t)(dot - key->key)};

	if (!slice_eq(ours, *section) && ours.n > 0)
		(void)fprintf(to, "\n%s" SLICE_FMT ":\n", is_of_a_pair(key->key) ? "#" : "",
		              SLICE_ARG(ours));
	if (ours.n == 0)
		(void)fputc('\n', to);
	*section = ours;
}

static void print_item(FILE *to, const char *list, struct config_keys keys)
{
	(void)fprintf(to, "\n%s:\n  -\n", list);
	for (size_t i = 0; i < keys.n; i++)
		print_key(to, &keys.at[i], "    ");
}

void config_print_defaults(FILE *to)
{
	struct config_keys keys = config_keys_top();
	struct slice section = {NULL, 0};

	(void)fprintf(
		to,
		"# regpaird: every key with its default. A primary or secondary unit also needs "
		"the\n# sections cluster, peer and keepalived, commented out here.\n");
	for (size_t i = 0; i < keys.n; i++) {
		print_section(to, &keys.at[i], &section);
		print_key(to, &keys.at[i], section.n > 0 ? "  " : "");
	}
	print_item(to, "transports", config_keys_transport());
	print_item(to, "domains", config_keys_domain());
	(void)fprintf(to, "\n# trunks to register at; not offered by this version\nnaps: []\n");
}
