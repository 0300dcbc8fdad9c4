/* layer: io */
#include <stdbool.h>
#include <time.h>

#include "node/io/certificate.h"
#include "tests/unit/certificates.h"

enum { DAY_MS = 24 * 3600 * 1000, MINUTE_MS = 60 * 1000 };

/* The files of a test, one behind the other in one. */
static void write_file(const char *path, const struct certificate *const *c, size_t n)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(PEM_write_X509(file, c[i]->cert), 1);
	assert_int_equal(fclose(file), 0);
}

static void the_first_to_end_counts(void **state)
{
	(void)state;
	char path[] = "/tmp/regpair-certificate-XXXXXX";
	struct certificate lasting = certificate_make(&(struct certificate_plan){.name = "a"});
	struct certificate ended =
		certificate_make(&(struct certificate_plan){.name = "b", .expired = true});
	const struct certificate *const both[] = {&lasting, &ended};
	int64_t now_ms = (int64_t)time(NULL) * 1000;

	(void)close(mkstemp(path));
	write_file(path, both, 1);
	assert_in_range(certificate_ends_ms(path), now_ms + DAY_MS - MINUTE_MS,
	                now_ms + DAY_MS + MINUTE_MS);
	write_file(path, both, 2);
	assert_in_range(certificate_ends_ms(path), now_ms - DAY_MS - MINUTE_MS,
	                now_ms - DAY_MS + MINUTE_MS);
	assert_int_equal(unlink(path), 0);
	certificate_free(&lasting);
	certificate_free(&ended);
}

static void where_there_is_none_nothing_ends(void **state)
{
	(void)state;
	assert_int_equal(certificate_ends_ms(NULL), INT64_MAX);
	assert_int_equal(certificate_ends_ms(""), INT64_MAX);
	assert_int_equal(certificate_ends_ms("/no/such/file"), INT64_MAX);
	assert_int_equal(certificate_ends_ms("/etc/hostname"), INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_to_end_counts),
		cmocka_unit_test(where_there_is_none_nothing_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
