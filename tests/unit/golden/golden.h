/* golden.h - compares bytes with those a release wrote: a file of hex digits in GOLDEN_DIR.
 *
 * A file of a release that is out is never changed: what it holds stands on somebody's disk. */
#ifndef TESTS_UNIT_GOLDEN_GOLDEN_H
#define TESTS_UNIT_GOLDEN_GOLDEN_H

#include <stdio.h>

#include "proto/base/buf.h"
#include "tests/check.h"

enum { GOLDEN_MAX = 4096 };

/* The file as text, without its line ends; "" if it cannot be read. */
static inline void golden_read(const char *name, char text[GOLDEN_MAX])
{
	char path[512];
	char raw[GOLDEN_MAX];
	size_t n = 0;

	(void)snprintf(path, sizeof path, "%s/%s.hex", GOLDEN_DIR, name);
	FILE *file = fopen(path, "r");
	size_t size = file == NULL ? 0 : fread(raw, 1, sizeof raw - 1, file);

	for (size_t i = 0; i < size; i++)
		if (raw[i] != '\n')
			text[n++] = raw[i];
	text[n] = '\0';
	if (file != NULL)
		assert_int_equal(fclose(file), 0);
}

static inline void assert_golden(const char *name, struct slice bytes)
{
	char want[GOLDEN_MAX];
	uint8_t got[GOLDEN_MAX];
	struct buf hex = buf_on(got, sizeof got);

	golden_read(name, want);
	buf_hex(&hex, bytes);
	buf_byte(&hex, 0);
	assert_false(hex.full);
	assert_string_equal((const char *)got, want);
}

#endif
