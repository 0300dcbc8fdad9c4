/* backup_file.h - a backup in a file: written whole or not at all, read with every check there is.
 *
 * What goes wrong is said on standard error. */
#ifndef NODE_CTL_BACKUP_FILE_H
#define NODE_CTL_BACKUP_FILE_H

#include <jansson.h>
#include <limits.h>
#include <stdio.h>

#include "proto/backup.h"

/* Once a second, on standard error: "120000/1000000 records". */
struct backup_progress {
	const char *what;
	uint64_t done, total; /* 0: not known */
	int64_t told_ms;
};
struct backup_progress backup_progress_begin(const char *what, uint64_t total);
void backup_progress_at(struct backup_progress *p);

/* What a backup says of itself, and what it holds. */
struct backup_found {
	char program[64], host[256];
	struct backup_head head; /* its texts are above */
	struct backup_sum sums[BACKUP_TABLES];
	uint64_t records, bytes;
};
void backup_count(struct backup_sum *sums, enum table table, struct slice key, struct slice value);
/* {file, host, program, node, cluster, reign, seq, made, newest, ...} */
json_t *backup_object(const char *path, const struct backup_found *f);
void backup_print(const char *path, const struct backup_found *f); /* for people */

/* --- writing: to PATH.new, synced, which then takes PATH's place; nobody else may read it --- */

struct backup_writer {
	const char *path;
	char path_new[PATH_MAX];
	FILE *file; /* NULL: it failed, and was said */
	struct backup_chain chain;
	struct backup_found found; /* so far */
};
bool backup_create(struct backup_writer *w, const char *path);
bool backup_put_head(struct backup_writer *w, const struct backup_head *head);
bool backup_put(struct backup_writer *w, enum table table, struct slice key, struct slice value);
/* Without `whole`, or after a failure, nothing is left behind. */
bool backup_finish(struct backup_writer *w, bool whole);

/* --- reading --- */

typedef bool backup_each(void *context, enum table table, struct slice key, struct slice value);
/* From the beginning to the end. False: it is not whole, or `each` (NULL: only checks) returned false. */
bool backup_walk(FILE *file, const char *path, backup_each *each, void *context,
                 struct backup_found *out);
/* The same, and whether each record is what its table wants. */
bool backup_check(FILE *file, const char *path, struct backup_found *out);
FILE *backup_open(const char *path);

#endif
