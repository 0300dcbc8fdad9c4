#include "node/io/config_values.h"

#include <assert.h>
#include <stdlib.h>

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

static bool read_measured(const struct config_key *key, const char *text, int64_t *out)
{
	const char *at = read_digits(text, out);

	if (at == NULL)
		return false;
	while (*at == ' ')
		at++;
	for (const struct config_measure *m = key->type->measures; m->name != NULL; m++)
		if (strcmp(at, m->name) == 0)
			return !__builtin_mul_overflow(*out, m->factor, out) && within(key, *out);
	return false;
}

bool config_read_duration(const struct config_key *key, const char *text, void *field)
{
	config_duration value = 0;
	bool good = read_measured(key, text, &value);

	if (good)
		memcpy(field, &value, sizeof value);
	return good;
}

bool config_read_size(const struct config_key *key, const char *text, void *field)
{
	int64_t value = 0;
	bool good = read_measured(key, text, &value);
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

bool config_read_count(const struct config_key *key, const char *text, void *field)
{
	int64_t value = 0;
	bool good = read_number(key, text, &value);
	config_count count = (config_count)value;

	assert(key->max <= UINT32_MAX);
	if (good)
		memcpy(field, &count, sizeof count);
	return good;
}

bool config_read_port(const struct config_key *key, const char *text, void *field)
{
	int64_t value = 0;
	bool good = read_number(key, text, &value);
	config_port port = (config_port)value;

	assert(key->max <= UINT16_MAX);
	if (good)
		memcpy(field, &port, sizeof port);
	return good;
}

bool config_read_address(const struct config_key *key, const char *text, void *field)
{
	struct addr address;

	if (!addr_parse(slice_str(text), &address) || (address.port != 0 && key->min == 0))
		return false;
	memcpy(field, &address, sizeof address);
	return true;
}

bool config_read_bool(const struct config_key *key, const char *text, void *field)
{
	config_bool yes = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0;

	(void)key;
	if (!yes && strcmp(text, "no") != 0 && strcmp(text, "false") != 0)
		return false;
	memcpy(field, &yes, sizeof yes);
	return true;
}

bool config_read_choice(const struct config_key *key, const char *text, void *field)
{
	for (const struct config_choice *c = key->type->choices; c->name != NULL; c++)
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

bool config_read_text(const struct config_key *key, const char *text, void *field)
{
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return false;
	if (!within(key, (int64_t)strlen(text)))
		return false;
	if (key->type->is != NULL && !key->type->is(slice_str(text)))
		return false;
	keep_string(text, field);
	return true;
}

static bool is_host_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

/* RFC 3261 hostname or an IPv4 address; in lower case, for hosts compare without it. */
bool config_read_host(const struct config_key *key, const char *text, void *field)
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

void config_put_measured(int64_t value, const struct config_measure *measures, struct buf *to)
{
	const struct config_measure *best = measures;

	assert(value >= 0);
	assert(measures->name != NULL);
	for (const struct config_measure *m = measures; m->name != NULL; m++)
		if (value != 0 && value % m->factor == 0)
			best = m;
	buf_u64(to, (uint64_t)(value / best->factor));
	buf_byte(to, ' ');
	buf_str(to, best->name);
}

void config_put_duration(const struct config_key *key, const void *field, struct buf *to)
{
	config_duration value;

	memcpy(&value, field, sizeof value);
	config_put_measured(value, key->type->measures, to);
}

void config_put_size(const struct config_key *key, const void *field, struct buf *to)
{
	config_size value;

	memcpy(&value, field, sizeof value);
	config_put_measured((int64_t)value, key->type->measures, to);
}

void config_put_count(const struct config_key *key, const void *field, struct buf *to)
{
	config_count value;

	(void)key;
	memcpy(&value, field, sizeof value);
	buf_u64(to, value);
}

void config_put_port(const struct config_key *key, const void *field, struct buf *to)
{
	config_port value;

	(void)key;
	memcpy(&value, field, sizeof value);
	buf_u64(to, value);
}

void config_put_address(const struct config_key *key, const void *field, struct buf *to)
{
	struct addr value;

	memcpy(&value, field, sizeof value);
	if (value.family != ADDR_NONE &&
	    key->min == 0) /* its port, if it has one, is another key */
		addr_put_ip(to, &value);
	else if (value.family != ADDR_NONE)
		addr_put(to, &value);
}

void config_put_bool(const struct config_key *key, const void *field, struct buf *to)
{
	config_bool value;

	(void)key;
	memcpy(&value, field, sizeof value);
	buf_str(to, value ? "yes" : "no");
}

static const char *choice_name(const struct config_choice *choices, unsigned value)
{
	for (; choices->name != NULL; choices++)
		if (choices->value == value)
			return choices->name;
	return "?";
}

void config_put_choice(const struct config_key *key, const void *field, struct buf *to)
{
	unsigned value;

	memcpy(&value, field, sizeof value);
	buf_str(to, choice_name(key->type->choices, value));
}

void config_put_text(const struct config_key *key, const void *field, struct buf *to)
{
	const char *text;

	(void)key;
	memcpy(&text, field, sizeof text);
	if (text != NULL)
		buf_str(to, text);
}
