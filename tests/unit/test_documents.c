/* layer: io */
#include <stdlib.h>
#include <string.h>

#include "node/io/documents.h"
#include "proto/base/defs.h"
#include "tests/check.h"

static char *printed(const struct document *d)
{
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);

	assert_non_null(to);
	d->print(to);
	assert_int_equal(fclose(to), 0);
	return text;
}

static char *read_file(const char *name)
{
	char path[512], *text = NULL;
	size_t room = 0;

	(void)snprintf(path, sizeof path, "%s/../../../%s", GOLDEN_DIR, name);
	FILE *from = fopen(path, "re");
	assert_non_null(from);
	assert_true(getdelim(&text, &room, '\0', from) > 0);
	assert_int_equal(fclose(from), 0);
	return text;
}

/* Nothing is left out there, and nothing stays when it is gone. */
static void each_file_holds_what_the_tables_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < document_count(); i++) {
		const struct document *d = &documents()[i];
		char *text = printed(d), *page = d->file != NULL ? read_file(d->file) : NULL;

		assert_true(strlen(text) > 1000);
		if (page != NULL && strstr(page, text) == NULL)
			fail_msg("make %s anew: regpaird %s", d->file, d->option);
		free(text);
		free(page);
	}
}

static void a_document_is_found_by_its_option(void **state)
{
	(void)state;
	assert_string_equal(document_of("--print-mib")->file, "ha/snmp/REGPAIR-MIB.txt");
	assert_null(document_of("--print"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_file_holds_what_the_tables_say),
		cmocka_unit_test(a_document_is_found_by_its_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
