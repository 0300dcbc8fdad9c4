/* config_keys.h - the table of config_table.h as data, and values from text and back. For config*.c. */
#ifndef NODE_IO_CONFIG_KEYS_H
#define NODE_IO_CONFIG_KEYS_H

#include "node/io/config.h"

enum { CONFIG_VALUE_MAX = 512 }; /* room for any value, and for any "what is wanted", as text */

struct config_type;

struct config_key {
	const char *key; /* "peer.live_port" */
	const struct config_type *type;
	const char *def; /* NULL: none */
	int64_t min;
	int64_t max;
	bool shared;
	const char *help;
	size_t offset; /* in struct config, config_transport or config_domain */
};

struct config_keys {
	const struct config_key *at;
	size_t n;
};

enum { CONFIG_KEYS_MAX = 40 }; /* of any one table */

struct config_keys config_keys_top(void);
struct config_keys config_keys_transport(void);
struct config_keys config_keys_domain(void);

/* The part after the dot: "live_port". */
const char *config_key_name(const struct config_key *key);

/* Reads `text` into the field of `object`; false when it is not what the key wants. */
bool config_value_read(const struct config_key *key, const char *text, void *object) MUST_CHECK;
void config_value_put(const struct config_key *key, const void *object, struct buf *to);
void config_value_free(const struct config_key *key, void *object);

/* "a duration from 20 ms to 1 min, such as 200 ms" */
void config_key_wants(const struct config_key *key, struct buf *to);

/* Texts with a grammar of their own: config_text.c. */
bool config_is_route(struct slice text);
bool config_is_numbers(struct slice text);

/* The key or section that an unknown `name` of `section` (empty at the top) probably meant; empty
 * when nothing is near. */
struct slice config_nearest(struct config_keys keys, struct slice section, struct slice name);

/* The rules between keys. `line_of` gives the line of a key or section, by name; 0 if not given. */
struct config_lines {
	int (*line_of)(const void *context, const char *name);
	const void *context;
};
bool config_check(const struct config *config, const struct config_lines *lines,
                  struct config_fault *fault) MUST_CHECK;

/* Sets line and text; returns false, for the caller to pass on. */
bool config_fail(struct config_fault *fault, int line, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
