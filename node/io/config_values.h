/* config_values.h - what types the keys have: values from text and back. For config*.c. */
#ifndef NODE_IO_CONFIG_VALUES_H
#define NODE_IO_CONFIG_VALUES_H

#include "node/io/config_keys.h"

struct config_choice {
	const char *name;
	unsigned value;
};

struct config_measure {
	const char *name;
	int64_t factor;
};

typedef bool config_read_fn(const struct config_key *key, const char *text, void *field);
typedef void config_put_fn(const struct config_key *key, const void *field, struct buf *to);

/* `choices` and `measures` end in a NULL name; the latter, smallest first. */
struct config_type {
	const char *what;
	const char *example;
	config_read_fn *read;
	config_put_fn *put;
	const struct config_choice *choices;
	const struct config_measure *measures;
	bool (*is)(struct slice text); /* a text with a grammar; NULL: any */
	bool owns;                     /* the field is a string of its own */
	bool secret;                   /* nobody is shown what it is */
};

config_read_fn config_read_duration, config_read_size, config_read_count, config_read_port,
	config_read_address, config_read_bool, config_read_choice, config_read_text,
	config_read_host;
config_put_fn config_put_duration, config_put_size, config_put_count, config_put_port,
	config_put_address, config_put_bool, config_put_choice, config_put_text;

/* "90 s": in the largest measure that divides it. */
void config_put_measured(int64_t value, const struct config_measure *measures, struct buf *to);

/* Texts with a grammar of their own: config_text.c. */
bool config_is_path(struct slice text);
bool config_is_word(struct slice text);
bool config_is_route(struct slice text);
bool config_is_numbers(struct slice text);
bool config_is_proxy(struct slice text);
bool config_is_aor(struct slice text);
bool config_is_servers(struct slice text);
bool config_is_networks(struct slice text);

#endif
