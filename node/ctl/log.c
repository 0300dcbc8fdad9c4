/* `regpairctl log`: entries from the store's log, or from a file that was set aside. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/ctl/arguments.h"
#include "node/ctl/entries.h"
#include "node/ctl/lines.h"
#include "node/ctl/print.h"
#include "node/io/config.h"
#include "proto/base/reader.h"
#include "store/store.h"

enum { LAST_DEFAULT = 20, LENGTH_SIZE = 4, ROWS_TOGETHER = 500 };

struct log_plan {
	long from, last; /* 0: not given */
	const char *dir, *config, *file;
};

struct reading {
	struct printer printer;
	struct arena arena;
	uint8_t *block; /* BLOCK_MAX */
	uint64_t next;  /* the first entry wanted */
	uint64_t left;  /* that may still be printed */
	json_t *rows;   /* to be printed together: columns are as wide as the widest */
};

static const struct column columns[] = {
	{"SEQ", "seq", true},       {"PAIR TIME", "time", false}, {"REIGN", "reign", false},
	{"KIND", "kind", false},    {"TABLE", "table", false},    {"KEY", "key", false},
	{"WHAT", "summary", false},
};

static void print_some(struct reading *r)
{
	print_rows(&r->printer, r->rows);
	(void)json_array_clear(r->rows);
}

/* Takes what is wanted of one block, and moves on behind it. */
static enum err print_block(struct reading *r, struct slice bytes)
{
	struct block b;
	struct slice text;
	struct entry e;
	enum err err = block_open(bytes, &b);

	while (err == OK && r->left > 0 && block_next(&b, &text)) {
		err = entry_decode(text, &e);
		if (err != OK || e.seq < r->next)
			continue;
		(void)json_array_append_new(r->rows, entry_object(&e, &r->arena));
		r->next = e.seq + 1;
		r->left--;
	}
	if (json_array_size(r->rows) >= ROWS_TOGETHER)
		print_some(r);
	return err;
}

static void print_last(struct reading *r)
{
	print_some(r);
	print_end(&r->printer);
}

static int failed(const char *where, enum err err)
{
	ctl_complain("%s: %s", where, err_text(err));
	return CTL_FAILED;
}

/* False: the entries asked for are not there. */
static bool find_range(const struct store_meta *meta, const struct log_plan *plan,
                       struct reading *r)
{
	uint64_t last = plan->last > 0 ? (uint64_t)plan->last : LAST_DEFAULT;
	uint64_t held = meta->log_first == 0 ? 0 : meta->log_last - meta->log_first + 1;

	r->left = plan->from > 0 && plan->last == 0 ? held : last;
	r->next = held > last ? meta->log_last - last + 1 : meta->log_first;
	if (plan->from > 0)
		r->next = (uint64_t)plan->from;
	if (plan->from == 0 ||
	    (held > 0 && r->next >= meta->log_first && r->next <= meta->log_last))
		return true;
	if (held == 0)
		ctl_complain("the log is empty: everything is in the image");
	else
		ctl_complain("the log holds %llu to %llu, not %ld",
		             (unsigned long long)meta->log_first,
		             (unsigned long long)meta->log_last, plan->from);
	return false;
}

static int print_store(struct store *store, const struct log_plan *plan, struct reading *r)
{
	struct store_meta meta;
	enum err err = store_meta(store, &meta);

	if (err != OK)
		return failed("the store", err);
	if (!find_range(&meta, plan, r))
		return CTL_FAILED;
	while (err == OK && r->left > 0 && r->next != 0 && r->next <= meta.log_last) {
		struct buf block = buf_on(r->block, BLOCK_MAX);
		uint64_t before = r->next;
		err = log_read(store, r->next, &block);
		if (err == OK)
			err = print_block(r, buf_slice(&block));
		if (err == OK && r->next == before)
			err = ERR_CORRUPT;
	}
	print_last(r);
	return err == OK ? CTL_DONE : failed("the log", err);
}

/* Blocks one after the other, each behind its length. */
static int print_file(const char *path, struct reading *r)
{
	FILE *file = fopen(path, "re");
	uint8_t head[LENGTH_SIZE];
	enum err err = OK;
	size_t got;

	if (file == NULL)
		return ctl_complain_file(path);
	while (err == OK && r->left > 0 && (got = fread(head, 1, sizeof head, file)) > 0) {
		struct reader length = {.rest = {head, got}};
		size_t n = reader_u32(&length);
		err = n > BLOCK_MAX ? ERR_TOO_BIG : OK;
		if (length.bad || (err == OK && fread(r->block, 1, n, file) != n))
			err = ERR_MALFORMED;
		if (err == OK)
			err = print_block(r, (struct slice){r->block, n});
	}
	print_last(r);
	(void)fclose(file);
	return err == OK ? CTL_DONE : failed(path, err);
}

static int open_and_print(const struct log_plan *plan, struct reading *r)
{
	struct config *config = NULL;
	char fault[STORE_FAULT_TEXT];
	struct store *store = NULL;
	int code = CTL_FAILED;

	const char *dir = lines_dir(plan->dir, plan->config, &config);
	if (dir == NULL)
		return CTL_FAILED;
	if (store_open_reading(&store, dir, fault) != OK)
		ctl_complain("%s", fault);
	else
		code = print_store(store, plan, r);
	if (store != NULL)
		store_close(&store);
	config_free(&config);
	return code;
}

int ctl_log(const struct ctl *ctl, int argc, char **argv)
{
	struct log_plan plan = {.config = CTL_CONFIG};
	const struct ctl_option options[] = {
		{"from", .number = &plan.from, .least = 1, .most = LONG_MAX},
		{"last", 'n', .number = &plan.last, .least = 1, .most = LONG_MAX},
		{"store", .text = &plan.dir},
		{"config", .text = &plan.config},
		{"file", .text = &plan.file}};
	const struct ctl_arguments wanted = {"log", .options = options,
	                                     .n_options = ARRAY_LEN(options)};
	struct reading r = {.printer = print_begin(ctl, columns, ARRAY_LEN(columns)),
	                    .left = UINT64_MAX};
	uint8_t *memory;
	int code;

	if (!ctl_arguments(&wanted, argc, argv))
		return CTL_USAGE;
	memory = malloc(ENTRIES_MEMORY);
	r.block = malloc(BLOCK_MAX);
	if (memory == NULL || r.block == NULL)
		abort();
	r.arena = arena_on(memory, ENTRIES_MEMORY);
	r.rows = json_array();
	if (plan.file != NULL) {
		r.next = plan.from > 0 ? (uint64_t)plan.from : 0;
		r.left = plan.last > 0 ? (uint64_t)plan.last : UINT64_MAX;
		code = print_file(plan.file, &r);
	} else {
		code = open_and_print(&plan, &r);
	}
	json_decref(r.rows);
	free(r.block);
	free(memory);
	return code;
}
