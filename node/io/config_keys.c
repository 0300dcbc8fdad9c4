#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "node/io/config_values.h"

static const struct config_measure durations[] = {
	{"ms", 1},          {"s", CONFIG_MS_S}, {"min", 60 * CONFIG_MS_S},
	{"h", CONFIG_MS_H}, {"d", CONFIG_MS_D}, {NULL, 0}};
static const struct config_measure sizes[] = {
	{"B", 1},           {"KiB", CONFIG_B_KIB}, {"MiB", CONFIG_B_MIB},
	{"GiB", 1LL << 30}, {"TiB", CONFIG_B_TIB}, {NULL, 0}};
static const struct config_choice units[] = {{"standalone", UNIT_STANDALONE},
                                             {"primary", UNIT_PRIMARY},
                                             {"secondary", UNIT_SECONDARY},
                                             {NULL, 0}};
static const struct config_choice commits[] = {{"both", CONFIG_COMMIT_BOTH},
                                               {"peer", CONFIG_COMMIT_PEER},
                                               {"disk", CONFIG_COMMIT_DISK},
                                               {NULL, 0}};
static const struct config_choice protocols[] = {
	{"udp", TRANSPORT_UDP}, {"tcp", TRANSPORT_TCP}, {NULL, 0}};
static const struct config_choice nap_transports[] = {{"udp", TRANSPORT_UDP},
                                                      {"tcp", TRANSPORT_TCP},
                                                      {"tls", TRANSPORT_TLS},
                                                      {"auto", 0},
                                                      {NULL, 0}};
static const struct config_choice auths[] = {{"digest", CONFIG_AUTH_DIGEST},
                                             {"digest-sha256", CONFIG_AUTH_DIGEST_SHA256},
                                             {"digest-md5", CONFIG_AUTH_DIGEST_MD5},
                                             {"none", CONFIG_AUTH_NONE},
                                             {NULL, 0}};
static const struct config_choice locations[] = {
	{"redirect", CONFIG_LOCATION_REDIRECT}, {"off", CONFIG_LOCATION_OFF}, {NULL, 0}};
static const struct config_choice levels[] = {{"error", LOG_ERROR},   {"warn", LOG_WARN},
                                              {"notice", LOG_NOTICE}, {"info", LOG_INFO},
                                              {"debug", LOG_DEBUG},   {NULL, 0}};
/* clang-format off */
static const struct config_choice keep_alives[] = {
	{"off", CONFIG_KEEP_ALIVE_OFF}, {"crlf", CONFIG_KEEP_ALIVE_CRLF}, {"options", CONFIG_KEEP_ALIVE_OPTIONS}, {NULL, 0}};
static const struct config_choice extras[] = {
	{"refuse", CONFIG_EXTRA_REFUSE}, {"replace-oldest", CONFIG_EXTRA_REPLACE_OLDEST}, {NULL, 0}};
static const struct config_choice jitters[] = {
	{"off", CONFIG_JITTER_OFF}, {"after-takeover", CONFIG_JITTER_AFTER_TAKEOVER}, {"always", CONFIG_JITTER_ALWAYS}, {NULL, 0}};

#define IS_UNSIGNED(type) (sizeof(type) == sizeof(unsigned))
_Static_assert(IS_UNSIGNED(config_unit) && IS_UNSIGNED(config_commit) && IS_UNSIGNED(config_protocol) && IS_UNSIGNED(config_nap_transport) &&
               IS_UNSIGNED(config_auth) && IS_UNSIGNED(config_location) && IS_UNSIGNED(config_keep_alive) &&
               IS_UNSIGNED(config_extra) && IS_UNSIGNED(config_jitter) && IS_UNSIGNED(config_level),
               "a choice is written as an unsigned");
/* clang-format on */

#define CHOICE_OF(list)                                                                 \
	{                                                                               \
		.what = "one of", .read = config_read_choice, .put = config_put_choice, \
		.choices = (list)                                                       \
	}
#define TEXT_OF(said, grammar)                                                                     \
	{                                                                                          \
		.what = (said), .read = config_read_text, .put = config_put_text, .is = (grammar), \
		.owns = true                                                                       \
	}
static const struct config_type type_unit = CHOICE_OF(units);
static const struct config_type type_commit = CHOICE_OF(commits);
static const struct config_type type_protocol = CHOICE_OF(protocols);
static const struct config_type type_nap_transport = CHOICE_OF(nap_transports);
static const struct config_type type_auth = CHOICE_OF(auths);
static const struct config_type type_location = CHOICE_OF(locations);
static const struct config_type type_keep_alive = CHOICE_OF(keep_alives);
static const struct config_type type_extra = CHOICE_OF(extras);
static const struct config_type type_jitter = CHOICE_OF(jitters);
static const struct config_type type_level = CHOICE_OF(levels);
static const struct config_type type_text = TEXT_OF("a text", NULL);
static const struct config_type type_word =
	TEXT_OF("a name of letters, digits, - _ and .", config_is_word);
static const struct config_type type_path = TEXT_OF("a path that begins with /", config_is_path);
static const struct config_type type_route =
	TEXT_OF("a route such as <sip:192.0.2.1;lr>", config_is_route);
static const struct config_type type_numbers =
	TEXT_OF("a list such as pbx1=+12145550100-+12145550199, pbx2=+4930123*", config_is_numbers);
static const struct config_type type_proxy =
	TEXT_OF("a host name or an IP address, with or without a port,", config_is_proxy);
static const struct config_type type_aor =
	TEXT_OF("an address such as sip:trunk@example.com", config_is_aor);
static const struct config_type type_servers =
	TEXT_OF("a list such as 192.0.2.53, [2001:db8::53]:5353", config_is_servers);
static const struct config_type type_networks =
	TEXT_OF("a list such as 192.0.2.7, 198.51.100.0/24", config_is_networks);
static const struct config_type type_password = {.what = "a text",
                                                 .read = config_read_text,
                                                 .put = config_put_text,
                                                 .owns = true,
                                                 .secret = true};
static const struct config_type type_host = {.what = "a host name such as example.com",
                                             .read = config_read_host,
                                             .put = config_put_text,
                                             .owns = true};
static const struct config_type type_address = {
	.what = "an IP address", .read = config_read_address, .put = config_put_address};
static const struct config_type type_port = {
	.what = "a port", .read = config_read_port, .put = config_put_port};
static const struct config_type type_count = {
	.what = "a whole number", .read = config_read_count, .put = config_put_count};
static const struct config_type type_size = {.what = "a size",
                                             .example = "64 MiB",
                                             .read = config_read_size,
                                             .put = config_put_size,
                                             .measures = sizes};
static const struct config_type type_duration = {.what = "a duration",
                                                 .example = "200 ms, 30 s, 10 min, 1 h or 7 d",
                                                 .read = config_read_duration,
                                                 .put = config_put_duration,
                                                 .measures = durations};
static const struct config_type type_bool = {
	.what = "yes or no", .read = config_read_bool, .put = config_put_bool};

#define SHARED CONFIG_SHARED
#define OWN    0
#define LIVE   CONFIG_LIVE
/* `type` is pasted here, before `bool` could be expanded. */
#define KEY_OF(object, field, type, key, def, min, max, flags, help) \
	{key, type, def, min, max, flags, help, offsetof(struct object, field)},
#define TOP_KEY(field, type, ...)       KEY_OF(config, field, &type_##type, __VA_ARGS__)
#define TRANSPORT_KEY(field, type, ...) KEY_OF(config_transport, field, &type_##type, __VA_ARGS__)
#define DOMAIN_KEY(field, type, ...)    KEY_OF(config_domain, field, &type_##type, __VA_ARGS__)
#define NAP_KEY(field, type, ...)       KEY_OF(config_nap, field, &type_##type, __VA_ARGS__)

static const struct config_key top_keys[] = {CONFIG_TABLE(TOP_KEY)};
static const struct config_key transport_keys[] = {CONFIG_TRANSPORT_TABLE(TRANSPORT_KEY)};
static const struct config_key domain_keys[] = {CONFIG_DOMAIN_TABLE(DOMAIN_KEY)};
static const struct config_key nap_keys[] = {CONFIG_NAP_TABLE(NAP_KEY)};
_Static_assert(ARRAY_LEN(top_keys) <= CONFIG_KEYS_MAX, "room for what was seen of them");

#define LIST_OF(one, limit)                                                                       \
	{                                                                                         \
		.name = #one "s", .keys = {one##_keys, ARRAY_LEN(one##_keys)}, .max = (limit),    \
		.size = sizeof(struct config_##one), .line = offsetof(struct config_##one, line), \
		.items = offsetof(struct config, one##s),                                         \
		.count = offsetof(struct config, one##_count),                                    \
	}
static const struct config_list lists[CONFIG_LISTS] = {
	LIST_OF(transport, CONFIG_TRANSPORTS_MAX),
	LIST_OF(domain, CONFIG_DOMAINS_MAX),
	LIST_OF(nap, CONFIG_NAPS_MAX),
};

struct config_keys config_keys_top(void)
{
	return (struct config_keys){top_keys, ARRAY_LEN(top_keys)};
}

const struct config_list *config_lists(void)
{
	return lists;
}

size_t config_list_count(const struct config_list *list, const struct config *config)
{
	size_t n;

	memcpy(&n, (const char *)config + list->count, sizeof n);
	return n;
}

void *config_list_item(const struct config_list *list, const struct config *config, size_t i)
{
	char *items;

	memcpy(&items, (const char *)config + list->items, sizeof items);
	return items + i * list->size;
}

const char *config_key_name(const struct config_key *key)
{
	const char *dot = strchr(key->key, '.');

	return dot == NULL ? key->key : dot + 1;
}

static const void *field_of(const struct config_key *key, const void *object)
{
	return (const char *)object + key->offset;
}

bool config_value_read(const struct config_key *key, const char *text, void *object)
{
	return key->type->read(key, text, (char *)object + key->offset);
}

void config_value_put(const struct config_key *key, const void *object, struct buf *to)
{
	key->type->put(key, field_of(key, object), to);
}

void config_value_free(const struct config_key *key, void *object)
{
	if (!key->type->owns)
		return;
	char **string = (void *)((char *)object + key->offset);
	free(*string);
	*string = NULL;
}

static void put_bound(const struct config_key *key, int64_t value, struct buf *to)
{
	if (key->type->measures != NULL)
		config_put_measured(value, key->type->measures, to);
	else
		buf_u64(to, (uint64_t)value);
}

static void put_choices(const struct config_choice *choices, struct buf *to)
{
	for (; choices->name != NULL; choices++) {
		buf_byte(to, ' ');
		buf_str(to, choices->name);
		if (choices[1].name != NULL)
			buf_byte(to, ',');
	}
}

void config_key_wants(const struct config_key *key, struct buf *to)
{
	buf_str(to, key->type->what);
	if (key->type->choices != NULL)
		put_choices(key->type->choices, to);
	if (key->type == &type_address)
		buf_str(to, key->min == 1 ? ", with or without a port" : " without a port");
	if (key->max == 0 || key->type == &type_bool)
		return;
	if (key->type->owns) {
		buf_str(to, " of at most ");
		buf_u64(to, (uint64_t)key->max);
		buf_str(to, " bytes");
		return;
	}
	buf_str(to, " from ");
	put_bound(key, key->min, to);
	buf_str(to, " to ");
	put_bound(key, key->max, to);
	if (key->type->example != NULL) {
		buf_str(to, ", written like ");
		buf_str(to, key->type->example);
	}
}

bool config_key_secret(const struct config_key *key)
{
	return key->type->secret;
}

const char *config_unit_name(enum unit unit)
{
	for (const struct config_choice *c = units; c->name != NULL; c++)
		if (c->value == unit)
			return c->name;
	return "?";
}
