#include "node/io/config_diff.h"

#include <assert.h>

#include "node/io/config_keys.h"

enum { PLACE_MAX = 160 }; /* "naps[NAME]" */

struct comparison {
	config_change_fn *each;
	void *context;
};

static bool is_live(const struct config_key *key)
{
	return (key->flags & CONFIG_LIVE) != 0;
}

/* The first key of a list's items is their name. */
static const char *name_of(const struct config_list *list, const void *item)
{
	const char *name;

	memcpy(&name, (const char *)item + list->keys.at[0].offset, sizeof name);
	return name;
}

static void put_value(struct buf *to, struct slice value)
{
	buf_put(to, value.n == 0 ? SLICE("nothing") : value);
}

/* `place` of an item: "naps[NAME]"; NULL at the top. */
static void compare_value(const struct comparison *c, const struct config_key *key,
                          const char *place, const void *from, const void *to)
{
	uint8_t before[CONFIG_VALUE_MAX], after[CONFIG_VALUE_MAX];
	struct buf was = buf_on(before, sizeof before), is = buf_on(after, sizeof after);
	char line[CONFIG_CHANGE_MAX];
	struct buf text = buf_on((uint8_t *)line, sizeof line - 1);

	config_value_put(key, from, &was);
	config_value_put(key, to, &is);
	assert(!was.full && !is.full);
	if (slice_eq(buf_slice(&was), buf_slice(&is)))
		return;
	if (place != NULL) {
		buf_str(&text, place);
		buf_byte(&text, '.');
	}
	buf_str(&text, place != NULL ? config_key_name(key) : key->key);
	buf_str(&text, ": ");
	if (config_key_secret(key)) {
		buf_str(&text, "changed");
	} else {
		put_value(&text, buf_slice(&was));
		buf_str(&text, " -> ");
		put_value(&text, buf_slice(&is));
	}
	assert(!text.full);
	line[text.n] = '\0';
	c->each(c->context, line, is_live(key));
}

static void compare_keys(const struct comparison *c, struct config_keys keys, const char *place,
                         const void *from, const void *to)
{
	for (size_t i = 0; i < keys.n; i++)
		compare_value(c, &keys.at[i], place, from, to);
}

/* The item of that name, as a rule at the same place; NULL: none. */
static const void *find(const struct config_list *list, const struct config *config, size_t near,
                        const char *name)
{
	size_t n = config_list_count(list, config);

	for (size_t i = 0; i < n; i++) {
		const void *item = config_list_item(list, config, (near + i) % n);
		if (strcmp(name_of(list, item), name) == 0)
			return item;
	}
	return NULL;
}

/* Items of `from`, with those of `to` they became; or those of `to` that `from` has not. */
static void compare_list(const struct comparison *c, const struct config_list *list,
                         const struct config *from, const struct config *to, bool only_added)
{
	const struct config *walked = only_added ? to : from;
	const struct config *other = only_added ? from : to;
	bool live = is_live(&list->keys.at[0]);

	for (size_t i = 0; i < config_list_count(list, walked); i++) {
		const void *item = config_list_item(list, walked, i);
		const void *same = find(list, other, i, name_of(list, item));
		char place[PLACE_MAX], line[PLACE_MAX + 16];
		(void)snprintf(place, sizeof place, "%s[%.128s]", list->name, name_of(list, item));
		(void)snprintf(line, sizeof line, "%s: %s", place,
		               only_added ? "added" : "removed");
		if (same == NULL)
			c->each(c->context, line, live);
		else if (!only_added)
			compare_keys(c, list->keys, place, item, same);
	}
}

void config_diff(const struct config *from, const struct config *to, config_change_fn *each,
                 void *context)
{
	struct comparison c = {each, context};

	compare_keys(&c, config_keys_top(), NULL, from, to);
	for (size_t i = 0; i < CONFIG_LISTS; i++) {
		compare_list(&c, &config_lists()[i], from, to, false);
		compare_list(&c, &config_lists()[i], from, to, true);
	}
}

static void take_value(const struct config_key *key, struct config *config,
                       const struct config *newer)
{
	char value[CONFIG_VALUE_MAX];
	struct buf text = buf_on((uint8_t *)value, sizeof value - 1);

	config_value_put(key, newer, &text);
	value[text.n] = '\0';
	bool good = config_value_read(key, value, config);
	assert(good);
}

void config_take_over(struct config *config, struct config *newer)
{
	struct config_keys top = config_keys_top();
	struct config_nap *naps = config->naps;
	size_t n = config->nap_count;

	for (size_t i = 0; i < top.n; i++)
		if (is_live(&top.at[i]))
			take_value(&top.at[i], config, newer);
	config->naps = newer->naps;
	config->nap_count = newer->nap_count;
	newer->naps = naps;
	newer->nap_count = n;
}
