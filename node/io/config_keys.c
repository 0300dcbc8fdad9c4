#include "node/io/config_keys.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

struct choice {
	const char *name;
	unsigned value;
};

struct unit_of {
	const char *name;
	int64_t factor;
};

/* `choices` and `units` end in a NULL name. */
struct config_type {
	const char *what;
	const char *example;
	bool (*read)(const struct config_key *key, const char *text, void *field);
	void (*put)(const struct config_key *key, const void *field, struct buf *to);
	const struct choice *choices;
	const struct unit_of *units;
	bool owns; /* the field is a string of its own */
};

/* Smallest first: printing takes the largest that divides. */
static const struct unit_of duration_units[] = {
	{"ms", 1},          {"s", CONFIG_MS_S}, {"min", 60 * CONFIG_MS_S},
	{"h", CONFIG_MS_H}, {"d", CONFIG_MS_D}, {NULL, 0}};
static const struct unit_of size_units[] = {
	{"B", 1},           {"KiB", CONFIG_B_KIB}, {"MiB", CONFIG_B_MIB},
	{"GiB", 1LL << 30}, {"TiB", CONFIG_B_TIB}, {NULL, 0}};

/* Decimal digits only: no sign, no space, no octal. */
static const char *read_digits(const char *text, int64_t *out)
{
	const char *at = text;
	int64_t value = 0;

	for (; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *at - '0', &value))
			return NULL;
	*out = value;
	return at == text ? NULL : at;
}

static bool within(const struct config_key *key, int64_t value)
{
	return value >= key->min && value <= key->max;
}

static bool read_with_unit(const struct config_key *key, const char *text,
                           const struct unit_of *units, int64_t *out)
{
	const char *at = read_digits(text, out);

	if (at == NULL)
		return false;
	while (*at == ' ')
		at++;
	for (const struct unit_of *unit = units; unit->name != NULL; unit++)
		if (strcmp(at, unit->name) == 0)
			return !__builtin_mul_overflow(*out, unit->factor, out) &&
			       within(key, *out);
	return false;
}

static bool read_duration(const struct config_key *key, const char *text, void *field)
{
	config_duration value = 0;
	bool good = read_with_unit(key, text, duration_units, &value);

	if (good)
		memcpy(field, &value, sizeof value);
	return good;
}

static bool read_size(const struct config_key *key, const char *text, void *field)
{
	int64_t value = 0;
	bool good = read_with_unit(key, text, size_units, &value);
	config_size size = (config_size)value;

	if (good)
		memcpy(field, &size, sizeof size);
	return good;
}

static bool read_number(const struct config_key *key, const char *text, int64_t *out)
{
	const char *end = read_digits(text, out);

	return end != NULL && *end == '\0' && within(key, *out);
}

static bool read_count(const struct config_key *key, const char *text, void *field)
{
	int64_t value = 0;
	bool good = read_number(key, text, &value);
	config_count count = (config_count)value;

	assert(key->max <= UINT32_MAX);
	if (good)
		memcpy(field, &count, sizeof count);
	return good;
}

static bool read_port(const struct config_key *key, const char *text, void *field)
{
	int64_t value = 0;
	bool good = read_number(key, text, &value);
	config_port port = (config_port)value;

	assert(key->max <= UINT16_MAX);
	if (good)
		memcpy(field, &port, sizeof port);
	return good;
}

static bool read_address(const struct config_key *key, const char *text, void *field)
{
	struct addr address;

	if (!addr_parse(slice_str(text), &address) || (address.port != 0 && key->min == 0))
		return false;
	memcpy(field, &address, sizeof address);
	return true;
}

static bool read_bool(const struct config_key *key, const char *text, void *field)
{
	config_bool yes = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0;

	(void)key;
	if (!yes && strcmp(text, "no") != 0 && strcmp(text, "false") != 0)
		return false;
	memcpy(field, &yes, sizeof yes);
	return true;
}

static bool read_choice(const struct config_key *key, const char *text, void *field)
{
	for (const struct choice *c = key->type->choices; c->name != NULL; c++)
		if (strcmp(c->name, text) == 0) {
			memcpy(field, &c->value, sizeof c->value);
			return true;
		}
	return false;
}

/* Takes the place of what stood there: a default, as a rule. */
static void keep_string(const char *text, void *field)
{
	char **string = field;

	free(*string);
	*string = strdup(text);
	if (*string == NULL)
		abort();
}

static bool read_text(const struct config_key *key, const char *text, void *field)
{
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return false;
	if (!within(key, (int64_t)strlen(text)))
		return false;
	keep_string(text, field);
	return true;
}

static bool read_path(const struct config_key *key, const char *text, void *field)
{
	return text[0] == '/' && read_text(key, text, field);
}

static bool is_host_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

/* RFC 3261 hostname or an IPv4 address; in lower case, for hosts compare without it. */
static bool read_host(const struct config_key *key, const char *text, void *field)
{
	char lower[CONFIG_VALUE_MAX];
	size_t n = strlen(text);

	if (!within(key, (int64_t)n) || n >= sizeof lower)
		return false;
	for (size_t i = 0; i <= n; i++)
		lower[i] = (char)ascii_lower((uint8_t)text[i]);
	for (size_t i = 0; i < n; i++)
		if (!is_host_byte((uint8_t)lower[i]))
			return false;
	if (lower[0] == '.' || lower[0] == '-' || strstr(lower, "..") != NULL)
		return false;
	keep_string(lower, field);
	return true;
}

static bool read_route(const struct config_key *key, const char *text, void *field)
{
	return config_is_route(slice_str(text)) && read_text(key, text, field);
}

static bool read_numbers(const struct config_key *key, const char *text, void *field)
{
	return config_is_numbers(slice_str(text)) && read_text(key, text, field);
}

static void put_with_unit(int64_t value, const struct unit_of *units, struct buf *to)
{
	const struct unit_of *best = units;

	assert(value >= 0);
	assert(units->name != NULL);
	for (const struct unit_of *unit = units; unit->name != NULL; unit++)
		if (value != 0 && value % unit->factor == 0)
			best = unit;
	buf_u64(to, (uint64_t)(value / best->factor));
	buf_byte(to, ' ');
	buf_str(to, best->name);
}

static void put_duration(const struct config_key *key, const void *field, struct buf *to)
{
	config_duration value;

	(void)key;
	memcpy(&value, field, sizeof value);
	put_with_unit(value, duration_units, to);
}

static void put_size(const struct config_key *key, const void *field, struct buf *to)
{
	config_size value;

	(void)key;
	memcpy(&value, field, sizeof value);
	put_with_unit((int64_t)value, size_units, to);
}

static void put_count(const struct config_key *key, const void *field, struct buf *to)
{
	config_count value;

	(void)key;
	memcpy(&value, field, sizeof value);
	buf_u64(to, value);
}

static void put_port(const struct config_key *key, const void *field, struct buf *to)
{
	config_port value;

	(void)key;
	memcpy(&value, field, sizeof value);
	buf_u64(to, value);
}

static void put_address(const struct config_key *key, const void *field, struct buf *to)
{
	struct addr value;

	(void)key;
	memcpy(&value, field, sizeof value);
	if (value.family != ADDR_NONE)
		addr_put(to, &value);
}

static void put_bool(const struct config_key *key, const void *field, struct buf *to)
{
	config_bool value;

	(void)key;
	memcpy(&value, field, sizeof value);
	buf_str(to, value ? "yes" : "no");
}

static const char *choice_name(const struct choice *choices, unsigned value)
{
	for (; choices->name != NULL; choices++)
		if (choices->value == value)
			return choices->name;
	return "?";
}

static void put_choice(const struct config_key *key, const void *field, struct buf *to)
{
	unsigned value;

	memcpy(&value, field, sizeof value);
	buf_str(to, choice_name(key->type->choices, value));
}

static void put_text(const struct config_key *key, const void *field, struct buf *to)
{
	const char *text;

	(void)key;
	memcpy(&text, field, sizeof text);
	if (text != NULL)
		buf_str(to, text);
}

static const struct choice units[] = {{"standalone", UNIT_STANDALONE},
                                      {"primary", UNIT_PRIMARY},
                                      {"secondary", UNIT_SECONDARY},
                                      {NULL, 0}};
static const struct choice commits[] = {{"both", CONFIG_COMMIT_BOTH},
                                        {"peer", CONFIG_COMMIT_PEER},
                                        {"disk", CONFIG_COMMIT_DISK},
                                        {NULL, 0}};
static const struct choice protocols[] = {
	{"udp", TRANSPORT_UDP}, {"tcp", TRANSPORT_TCP}, {NULL, 0}};
static const struct choice auths[] = {{"digest", CONFIG_AUTH_DIGEST},
                                      {"digest-sha256", CONFIG_AUTH_DIGEST_SHA256},
                                      {"digest-md5", CONFIG_AUTH_DIGEST_MD5},
                                      {"none", CONFIG_AUTH_NONE},
                                      {NULL, 0}};
static const struct choice locations[] = {
	{"redirect", CONFIG_LOCATION_REDIRECT}, {"off", CONFIG_LOCATION_OFF}, {NULL, 0}};
static const struct choice levels[] = {{"error", LOG_ERROR},   {"warn", LOG_WARN},
                                       {"notice", LOG_NOTICE}, {"info", LOG_INFO},
                                       {"debug", LOG_DEBUG},   {NULL, 0}};
/* clang-format off */
static const struct choice keep_alives[] = {
	{"off", CONFIG_KEEP_ALIVE_OFF}, {"crlf", CONFIG_KEEP_ALIVE_CRLF}, {"options", CONFIG_KEEP_ALIVE_OPTIONS}, {NULL, 0}};
static const struct choice extras[] = {
	{"refuse", CONFIG_EXTRA_REFUSE}, {"replace-oldest", CONFIG_EXTRA_REPLACE_OLDEST}, {NULL, 0}};
static const struct choice jitters[] = {
	{"off", CONFIG_JITTER_OFF}, {"after-takeover", CONFIG_JITTER_AFTER_TAKEOVER}, {"always", CONFIG_JITTER_ALWAYS}, {NULL, 0}};

#define IS_UNSIGNED(type) (sizeof(type) == sizeof(unsigned))
_Static_assert(IS_UNSIGNED(config_unit) && IS_UNSIGNED(config_commit) && IS_UNSIGNED(config_protocol) &&
               IS_UNSIGNED(config_auth) && IS_UNSIGNED(config_location) && IS_UNSIGNED(config_keep_alive) &&
               IS_UNSIGNED(config_extra) && IS_UNSIGNED(config_jitter) && IS_UNSIGNED(config_level),
               "a choice is written as an unsigned");
/* clang-format on */

#define CHOICE_OF(list)                                                                     \
	{                                                                                   \
		.what = "one of", .read = read_choice, .put = put_choice, .choices = (list) \
	}
static const struct config_type type_unit = CHOICE_OF(units);
static const struct config_type type_commit = CHOICE_OF(commits);
static const struct config_type type_protocol = CHOICE_OF(protocols);
static const struct config_type type_auth = CHOICE_OF(auths);
static const struct config_type type_location = CHOICE_OF(locations);
static const struct config_type type_keep_alive = CHOICE_OF(keep_alives);
static const struct config_type type_extra = CHOICE_OF(extras);
static const struct config_type type_jitter = CHOICE_OF(jitters);
static const struct config_type type_level = CHOICE_OF(levels);
static const struct config_type type_text = {
	.what = "a text", .read = read_text, .put = put_text, .owns = true};
static const struct config_type type_path = {
	.what = "a path that begins with /", .read = read_path, .put = put_text, .owns = true};
static const struct config_type type_host = {.what = "a host name such as example.com",
                                             .read = read_host,
                                             .put = put_text,
                                             .owns = true};
static const struct config_type type_route = {.what = "a route such as <sip:192.0.2.1;lr>",
                                              .read = read_route,
                                              .put = put_text,
                                              .owns = true};
static const struct config_type type_numbers = {
	.what = "a list such as pbx1=+12145550100-+12145550199, pbx2=+4930123*",
	.read = read_numbers,
	.put = put_text,
	.owns = true};
static const struct config_type type_address = {
	.what = "an IP address", .read = read_address, .put = put_address};
static const struct config_type type_port = {.what = "a port", .read = read_port, .put = put_port};
static const struct config_type type_count = {
	.what = "a whole number", .read = read_count, .put = put_count};
static const struct config_type type_size = {.what = "a size",
                                             .example = "64 MiB",
                                             .read = read_size,
                                             .put = put_size,
                                             .units = size_units};
static const struct config_type type_duration = {.what = "a duration",
                                                 .example = "200 ms, 30 s, 10 min, 1 h or 7 d",
                                                 .read = read_duration,
                                                 .put = put_duration,
                                                 .units = duration_units};
static const struct config_type type_bool = {
	.what = "yes or no", .read = read_bool, .put = put_bool};

#define SHARED true
#define OWN    false
/* `type` is pasted here, before `bool` could be expanded. */
#define KEY_OF(object, field, type, key, def, min, max, shared, help) \
	{key, type, def, min, max, shared, help, offsetof(struct object, field)},
#define TOP_KEY(field, type, ...)       KEY_OF(config, field, &type_##type, __VA_ARGS__)
#define TRANSPORT_KEY(field, type, ...) KEY_OF(config_transport, field, &type_##type, __VA_ARGS__)
#define DOMAIN_KEY(field, type, ...)    KEY_OF(config_domain, field, &type_##type, __VA_ARGS__)

static const struct config_key top_keys[] = {CONFIG_TABLE(TOP_KEY)};
static const struct config_key transport_keys[] = {CONFIG_TRANSPORT_TABLE(TRANSPORT_KEY)};
static const struct config_key domain_keys[] = {CONFIG_DOMAIN_TABLE(DOMAIN_KEY)};
_Static_assert(ARRAY_LEN(top_keys) <= CONFIG_KEYS_MAX, "a bit per key");

struct config_keys config_keys_top(void)
{
	return (struct config_keys){top_keys, ARRAY_LEN(top_keys)};
}

struct config_keys config_keys_transport(void)
{
	return (struct config_keys){transport_keys, ARRAY_LEN(transport_keys)};
}

struct config_keys config_keys_domain(void)
{
	return (struct config_keys){domain_keys, ARRAY_LEN(domain_keys)};
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
	if (key->type->units != NULL)
		put_with_unit(value, key->type->units, to);
	else
		buf_u64(to, (uint64_t)value);
}

static void put_choices(const struct choice *choices, struct buf *to)
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

const char *config_unit_name(enum unit unit)
{
	return choice_name(units, unit);
}
