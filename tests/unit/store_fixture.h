/* store_fixture.h - a store in a directory of its own, removed when the test ends. */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"
#include "tests/check.h"

#define MIB ((uint64_t)1024 * 1024)

struct fixture {
	char top[64]; /* removed at the end */
	char dir[80]; /* the store's */
	struct store *store;
	struct store_options options;
	char fault[STORE_FAULT_TEXT];
};

static inline int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static inline int make_fixture(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	const char *tmp = getenv("TMPDIR");

	assert_non_null(f);
	(void)snprintf(f->top, sizeof f->top, "%.40s/store-XXXXXX", tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->top));
	(void)snprintf(f->dir, sizeof f->dir, "%s/s", f->top);
	f->options = (struct store_options){.dir = f->dir, .max_size = 64 * MIB, .node_id = 4711};
	memset(f->options.cluster_id, 0xc1, sizeof f->options.cluster_id);
	*state = f;
	return 0;
}

static inline int drop_fixture(void **state)
{
	struct fixture *f = *state;

	store_close(&f->store);
	(void)nftw(f->top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

#define STORE_TEST(t) cmocka_unit_test_setup_teardown(t, make_fixture, drop_fixture)

static inline void opens(struct fixture *f)
{
	enum err err = store_open(&f->store, &f->options, f->fault);

	if (err != OK)
		fail_msg("open: %s: %s", err_text(err), f->fault);
}

static inline void reopens(struct fixture *f)
{
	store_close(&f->store);
	opens(f);
}

/* Opening fails so, and says so. */
static inline void refuses(struct fixture *f, enum err err, const char *word)
{
	assert_int_equal(store_open(&f->store, &f->options, f->fault), err);
	assert_null(f->store);
	if (strstr(f->fault, word) == NULL)
		fail_msg("fault \"%s\" lacks \"%s\"", f->fault, word);
}

/* A file below the store's directory. */
static inline const char *path_in(struct fixture *f, const char *name, char path[160])
{
	(void)snprintf(path, 160, "%s/%s", f->dir, name);
	return path;
}

static inline bool exists(struct fixture *f, const char *name)
{
	char path[160];

	return access(path_in(f, name, path), F_OK) == 0;
}

#endif
