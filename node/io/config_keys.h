/* config_keys.h - the table of config_table.h as data, and values from text and back. For config*.c. */
#ifndef NODE_IO_CONFIG_KEYS_H
#define NODE_IO_CONFIG_KEYS_H

#include "node/io/config.h"

enum {
	CONFIG_SHARED = 1, /* equal on both nodes: in the digest */
	CONFIG_LIVE = 2,   /* a reload changes it; another key wants a restart */
};

enum { CONFIG_VALUE_MAX = 512 }; /* room for any value, and for any "what is wanted", as text */

struct config_type;

struct config_key {
	const char *key; /* "peer.live_port" */
	const struct config_type *type;
	const char *def; /* NULL: none */
	int64_t min;
	int64_t max;
	unsigned flags; /* CONFIG_SHARED, CONFIG_LIVE */
	const char *help;
	size_t offset; /* in struct config or the item of a list */
};

struct config_keys {
	const struct config_key *at;
	size_t n;
};

enum { CONFIG_KEYS_MAX = 40 }; /* of any one table */

struct config_keys config_keys_top(void);

/* A list of the configuration, an object an item. */
struct config_list {
	const char *name; /* "transports" */
	struct config_keys keys;
	size_t max, size;          /* of its items: how many, and the bytes of one */
	size_t items, count, line; /* offsets: the former in struct config, the latter in an item */
};
enum { CONFIG_LISTS = 3 };
const struct config_list *config_lists(void);
size_t config_list_count(const struct config_list *list, const struct config *config);
void *config_list_item(const struct config_list *list, const struct config *config, size_t i);

/* The part after the dot: "live_port". */
const char *config_key_name(const struct config_key *key);

/* Reads `text` into the field of `object`; false when it is not what the key wants. */
bool config_value_read(const struct config_key *key, const char *text, void *object) MUST_CHECK;
void config_value_put(const struct config_key *key, const void *object, struct buf *to);
void config_value_free(const struct config_key *key, void *object);

/* "a duration from 20 ms to 1 min, such as 200 ms" */
void config_key_wants(const struct config_key *key, struct buf *to);
bool config_key_secret(const struct config_key *key); /* nobody is shown what it holds */

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
bool config_check_naps(const struct config *config, struct config_fault *fault) MUST_CHECK;
/* A NAP without `local` gets the name of the transport that fits, if one does. */
void config_complete_naps(struct config *config);

/* Sets line and text; returns false, for the caller to pass on. */
bool config_fail(struct config_fault *fault, int line, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
