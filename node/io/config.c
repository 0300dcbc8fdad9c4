#include "node/io/config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <yaml.h>

#include "node/io/config_keys.h"

enum { SEEN_MAX = CONFIG_KEYS_MAX + 16 }; /* keys, sections and lists of one object */

/* What an object gave so far, and where. */
struct seen {
	const char *names[SEEN_MAX];
	int lines[SEEN_MAX];
	size_t n;
};

struct loader {
	yaml_document_t *document;
	struct config *config;
	struct config_fault *fault;
	struct seen seen; /* at the top and in its sections */
};

/* Where the pairs of one mapping go. */
struct scope {
	struct config_keys keys;
	const char *section; /* "" at the top */
	void *object;
	struct seen *seen;
};

static int line_of_node(const yaml_node_t *node)
{
	return (int)node->start_mark.line + 1;
}

static const yaml_node_t *node_at(const struct loader *l, int index)
{
	const yaml_node_t *node = yaml_document_get_node(l->document, index);

	assert(node != NULL);
	return node;
}

static int seen_line(const void *context, const char *name)
{
	const struct seen *seen = context;

	for (size_t i = 0; i < seen->n; i++)
		if (strcmp(seen->names[i], name) == 0)
			return seen->lines[i];
	return 0;
}

/* `name` is one of ours: it lives as long as the tables. */
static bool see(struct loader *l, struct seen *seen, const char *name, int line)
{
	int before = seen_line(seen, name);

	if (before != 0)
		return config_fail(l->fault, line, "`%s` is given twice (first in line %d)", name,
		                   before);
	assert(seen->n < SEEN_MAX);
	seen->names[seen->n] = name;
	seen->lines[seen->n++] = line;
	return true;
}

/* The text of a scalar; NULL with the fault set when it is something else. */
static const char *scalar_text(struct loader *l, const yaml_node_t *node, const char *name)
{
	const char *text = (const char *)node->data.scalar.value;

	if (node->type != YAML_SCALAR_NODE) {
		(void)config_fail(l->fault, line_of_node(node),
		                  "`%s` takes one value, not a list or a group of keys", name);
		return NULL;
	}
	if (strlen(text) != node->data.scalar.length) {
		(void)config_fail(l->fault, line_of_node(node), "`%s` holds a NUL byte", name);
		return NULL;
	}
	return text;
}

static bool read_value(struct loader *l, const struct scope *scope, const struct config_key *key,
                       const yaml_node_t *node)
{
	char wanted[CONFIG_VALUE_MAX];
	struct buf to = buf_on((uint8_t *)wanted, sizeof wanted);
	const char *text = scalar_text(l, node, key->key);

	if (text == NULL || !see(l, scope->seen, key->key, line_of_node(node)))
		return false;
	if (config_value_read(key, text, scope->object))
		return true;
	config_key_wants(key, &to);
	return config_fail(l->fault, line_of_node(node), "`%s`: `%.60s` is not %.*s", key->key,
	                   config_key_secret(key) ? "..." : text, SLICE_ARG(buf_slice(&to)));
}

static bool unknown_key(struct loader *l, const struct scope *scope, const char *name, int line)
{
	struct slice near = config_nearest(scope->keys, slice_str(scope->section), slice_str(name));
	const char *dot = scope->section[0] == '\0' ? "" : ".";
	char known[CONFIG_VALUE_MAX];
	struct buf to = buf_on((uint8_t *)known, sizeof known);
	size_t n = strlen(scope->section);

	if (near.n > 0)
		return config_fail(l->fault, line,
		                   "unknown key `%s%s%.60s`; did you mean `" SLICE_FMT "`?",
		                   scope->section, dot, name, SLICE_ARG(near));
	for (size_t i = 0; n > 0 && i < scope->keys.n; i++)
		if (strncmp(scope->keys.at[i].key, scope->section, n) == 0) {
			buf_str(&to, to.n == 0 ? "; known here: " : ", ");
			buf_str(&to, config_key_name(&scope->keys.at[i]));
		}
	if (n == 0)
		buf_str(&to, "; `regpaird --print-defaults` shows every key");
	return config_fail(l->fault, line, "unknown key `%s%s%.60s`%.*s", scope->section, dot, name,
	                   SLICE_ARG(buf_slice(&to)));
}

static const struct config_key *find_key(const struct scope *scope, const char *name)
{
	size_t n = strlen(scope->section);

	for (size_t i = 0; i < scope->keys.n; i++) {
		const struct config_key *key = &scope->keys.at[i];
		bool dotted = strchr(key->key, '.') != NULL;
		bool ours = n == 0 ? !dotted
		                   : strncmp(key->key, scope->section, n) == 0 &&
		                             key->key[n] == '.';

		if (ours && strcmp(config_key_name(key), name) == 0)
			return key;
	}
	return NULL;
}

static bool read_keys(struct loader *l, const struct scope *scope, const yaml_node_t *node)
{
	if (node->type != YAML_MAPPING_NODE)
		return config_fail(l->fault, line_of_node(node),
		                   "`%s` takes a group of keys with values", scope->section);
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = node_at(l, pair->key);
		const char *name = scalar_text(l, key, scope->section);
		const struct config_key *known = name == NULL ? NULL : find_key(scope, name);

		if (name == NULL)
			return false;
		if (known == NULL)
			return unknown_key(l, scope, name, line_of_node(key));
		if (!read_value(l, scope, known, node_at(l, pair->value)))
			return false;
	}
	return true;
}

/* Fills in what the file left out; a key without a default must have been given. */
static void set_defaults(struct config_keys keys, void *object)
{
	for (size_t i = 0; i < keys.n; i++) {
		const struct config_key *key = &keys.at[i];
		bool good = key->def == NULL || config_value_read(key, key->def, object);

		assert(good);
	}
}

static void free_object(struct config_keys keys, void *object)
{
	for (size_t i = 0; i < keys.n; i++)
		config_value_free(&keys.at[i], object);
}

static bool read_item(struct loader *l, struct config_keys keys, const char *list,
                      const yaml_node_t *node, void *object)
{
	struct seen seen = {.n = 0};
	struct scope scope = {.keys = keys, .section = list, .object = object, .seen = &seen};

	set_defaults(keys, object);
	if (!read_keys(l, &scope, node))
		return false;
	for (size_t i = 0; i < keys.n; i++)
		if (keys.at[i].def == NULL && seen_line(&seen, keys.at[i].key) == 0)
			return config_fail(l->fault, line_of_node(node), "`%s` is missing",
			                   keys.at[i].key);
	return true;
}

/* The number of items, -1 with the fault set when it is no list of at most `max`. */
static ptrdiff_t list_length(struct loader *l, const yaml_node_t *list, const char *name, int max)
{
	if (list->type != YAML_SEQUENCE_NODE) {
		(void)config_fail(l->fault, line_of_node(list),
		                  "`%s` takes a list: lines that begin with -", name);
		return -1;
	}
	ptrdiff_t n = list->data.sequence.items.top - list->data.sequence.items.start;
	if (n > max) {
		(void)config_fail(l->fault, line_of_node(list), "`%s` has %td items; at most %d",
		                  name, n, max);
		return -1;
	}
	return n;
}

static void *take_zeroed(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (p == NULL)
		abort();
	return p;
}

/* Items count as they are begun, so that all of them are freed whatever is found. */
static bool read_list(struct loader *l, const struct config_list *list, const yaml_node_t *node)
{
	ptrdiff_t n = list_length(l, node, list->name, (int)list->max);
	char *config = (char *)l->config;

	if (n <= 0)
		return n == 0;
	void *items = take_zeroed((size_t)n, list->size);
	memcpy(config + list->items, &items, sizeof items);
	for (size_t i = 0; i < (size_t)n; i++) {
		const yaml_node_t *item = node_at(l, node->data.sequence.items.start[i]);
		char *object = (char *)items + i * list->size;
		size_t begun = i + 1;
		int line = line_of_node(item);

		memcpy(config + list->count, &begun, sizeof begun);
		memcpy(object + list->line, &line, sizeof line);
		if (!read_item(l, list->keys, list->name, item, object))
			return false;
	}
	return true;
}

static bool is_section(struct config_keys keys, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < keys.n; i++)
		if (strncmp(keys.at[i].key, name, n) == 0 && keys.at[i].key[n] == '.')
			return true;
	return false;
}

static bool read_top_pair(struct loader *l, const struct scope *top, const yaml_node_t *key,
                          const yaml_node_t *value)
{
	const char *name = scalar_text(l, key, "a key");
	const struct config_key *known = name == NULL ? NULL : find_key(top, name);
	int line = line_of_node(key);

	if (name == NULL)
		return false;
	if (known != NULL)
		return read_value(l, top, known, value);
	for (const struct config_list *list = config_lists(); list < config_lists() + CONFIG_LISTS;
	     list++)
		if (strcmp(list->name, name) == 0)
			return see(l, top->seen, list->name, line) && read_list(l, list, value);
	if (is_section(top->keys, name)) {
		struct scope section = *top;

		section.section = name;
		return see(l, top->seen, name, line) && read_keys(l, &section, value);
	}
	return unknown_key(l, top, name, line);
}

static bool read_top(struct loader *l)
{
	const yaml_node_t *root = yaml_document_get_root_node(l->document);
	struct scope top = {
		.keys = config_keys_top(), .section = "", .object = l->config, .seen = &l->seen};

	if (root == NULL)
		return config_fail(l->fault, 1,
		                   "the file is empty; it needs unit, transports and domains");
	if (root->type != YAML_MAPPING_NODE)
		return config_fail(
			l->fault, line_of_node(root),
			"the file must hold keys and values, such as `unit: standalone`");
	set_defaults(top.keys, l->config);
	for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start;
	     pair < root->data.mapping.pairs.top; pair++)
		if (!read_top_pair(l, &top, node_at(l, pair->key), node_at(l, pair->value)))
			return false;
	return true;
}

static char *beside(const char *path, const char *name)
{
	size_t folder = (size_t)(strrchr(path, '/') + 1 - path); /* a path is absolute */
	size_t size = folder + strlen(name) + 1;
	char *made = take_zeroed(1, size);

	(void)snprintf(made, size, "%.*s%s", (int)folder, path, name);
	return made;
}

/* peer.live_port stands in where an address of the link names no port. */
static void complete(struct config *config)
{
	struct addr *const of_link[] = {&config->peer_address, &config->peer_listen,
	                                &config->peer_second_address, &config->peer_second_listen};

	for (size_t i = 0; i < ARRAY_LEN(of_link); i++)
		if (of_link[i]->port == 0)
			of_link[i]->port = config->peer_live_port;
	if (config->peer_bulk_port == 0)
		config->peer_bulk_port = (uint16_t)(config->peer_live_port + 1);
	if (config->monitor == NULL)
		config->monitor = beside(config->control, "monitor.sock");
	for (size_t i = 0; i < config->transport_count; i++)
		config->transports[i].address.port = config->transports[i].port;
	config_complete_naps(config);
}

static bool read_document(yaml_document_t *document, struct config *config,
                          struct config_fault *fault)
{
	struct loader l = {.document = document, .config = config, .fault = fault};
	struct config_lines lines = {.line_of = seen_line, .context = &l.seen};

	if (!read_top(&l))
		return false;
	complete(config);
	return config_check(config, &lines, fault);
}

static bool yaml_failed(const yaml_parser_t *parser, struct slice text, struct config_fault *fault)
{
	int line = (int)parser->problem_mark.line + 1;

	if (parser->error == YAML_MEMORY_ERROR)
		abort();
	if (parser->error == YAML_READER_ERROR) { /* it knows the byte only */
		line = 1;
		for (size_t i = 0; i < parser->problem_offset && i < text.n; i++)
			line += text.p[i] == '\n';
	}
	return config_fail(fault, line, "not YAML: %s%s%s",
	                   parser->problem == NULL ? "?" : parser->problem,
	                   parser->context == NULL ? "" : ", ",
	                   parser->context == NULL ? "" : parser->context);
}

/* A second document would be overlooked, so it is refused. */
static bool is_last(yaml_parser_t *parser, struct slice text, struct config_fault *fault)
{
	yaml_document_t next;

	if (!yaml_parser_load(parser, &next))
		return yaml_failed(parser, text, fault);

	const yaml_node_t *root = yaml_document_get_root_node(&next);
	bool last = root == NULL || config_fail(fault, line_of_node(root),
	                                        "a second document (after ---); one is read");
	yaml_document_delete(&next);
	return last;
}

static bool read_text(struct slice text, struct config *config, struct config_fault *fault)
{
	yaml_parser_t parser;
	yaml_document_t document;
	bool good = false;

	if (!yaml_parser_initialize(&parser))
		abort();
	yaml_parser_set_input_string(&parser, text.p, text.n);
	if (!yaml_parser_load(&parser, &document)) {
		good = yaml_failed(&parser, text, fault);
		goto out;
	}
	good = read_document(&document, config, fault) &&
	       (yaml_document_get_root_node(&document) == NULL || is_last(&parser, text, fault));
	yaml_document_delete(&document);
out:
	yaml_parser_delete(&parser);
	return good;
}

/* Sets *out, which the caller frees, also where it fails. */
static enum err read_file(const char *path, uint8_t **out, size_t *n, struct config_fault *fault)
{
	FILE *file = fopen(path, "re");
	enum err err = ERR_IO;

	*n = 0;
	*out = take_zeroed(1, CONFIG_FILE_MAX + 1);
	if (file != NULL)
		*n = fread(*out, 1, CONFIG_FILE_MAX + 1, file);
	if (file == NULL || ferror(file)) {
		(void)config_fail(fault, 0, "cannot be read: %s", strerror(errno));
	} else if (*n > CONFIG_FILE_MAX) {
		(void)config_fail(fault, 0, "larger than %d bytes; this is no configuration",
		                  CONFIG_FILE_MAX);
		err = ERR_TOO_BIG;
	} else {
		err = OK;
	}
	if (file != NULL)
		(void)fclose(file); /* only read */
	return err;
}

enum err config_load(const char *path, struct config **out, struct config_fault *fault)
{
	struct config *config = NULL;
	uint8_t *bytes = NULL;
	size_t n = 0;

	*fault = (struct config_fault){.line = 0};
	(void)snprintf(fault->file, sizeof fault->file, "%s", path); /* cut where too long */
	enum err err = read_file(path, &bytes, &n, fault);
	if (err == OK) {
		config = take_zeroed(1, sizeof *config);
		if (!read_text((struct slice){bytes, n}, config, fault)) {
			config_free(&config);
			err = ERR_MALFORMED;
		}
	}
	free(bytes);
	if (err == OK)
		*out = config;
	return err;
}

void config_free(struct config **config)
{
	struct config *c = *config;

	*config = NULL;
	if (c == NULL)
		return;
	for (const struct config_list *list = config_lists(); list < config_lists() + CONFIG_LISTS;
	     list++)
		for (size_t i = 0; i < config_list_count(list, c); i++)
			free_object(list->keys, config_list_item(list, c, i));
	free(c->transports);
	free(c->domains);
	free(c->naps);
	free_object(config_keys_top(), c);
	free(c);
}
