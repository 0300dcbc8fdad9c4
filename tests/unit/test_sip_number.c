/* layer: sip */
/* Whose a telephone number is. */
#include "proto/sip/number.h"
#include "tests/check.h"

static bool is_list(const char *text)
{
	struct slice rest = slice_str(text);
	struct number_range range;
	bool bad;

	while (number_range_next(&rest, &range, &bad))
		;
	return !bad;
}

static void a_list_is_read_or_refused(void **state)
{
	(void)state;
	static const char *const good[] = {"",
	                                   "a=1",
	                                   "a=+1",
	                                   "pbx-1.x_y+z=+1-+2",
	                                   "a=100-199 , b=2*,",
	                                   "a=+123456789012345",
	                                   "a=1-1"};
	static const char *const bad[] = {
		"a",     "a=",    "=1",     "a=+",     "a=*",    "a=1-",
		"a=-1",  "a=2-1", "a=1-22", "a=1-2*",  "a=1**",  "a=x",
		"a=1-x", "a b=1", "a=1,b",  "a@h=1",   "a=1-+2", "a=1234567890123456",
		"a=1 2", "a=++1", "a=1=2",  "a=1-2-3",
	};

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!is_list(good[i]))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (is_list(bad[i]))
			fail_msg("taken: %s", bad[i]);
}

static void a_number_lies_in_the_first_range_that_has_it(void **state)
{
	(void)state;
	static const struct slice list = {SLICE_OF("a=+100-+199,b=+1*,c=77")};
	static const struct {
		const char *number, *user;
	} rows[] = {
		{"+100", "a"}, {"+199", "a"}, {"+142", "a"},  {"+99", ""},  {"+200", ""},
		{"+1", ""},    {"+12", "b"},  {"+1000", "b"}, {"77", "c"},  {"+77", ""},
		{"777", ""},   {"", ""},      {"+", ""},      {"+14x", ""}, {"142", ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct number_range r;
		bool found = number_range_find(list, slice_str(rows[i].number), &r);
		struct slice user = found ? r.user : SLICE("");
		if (!slice_eq(user, slice_str(rows[i].user)))
			fail_msg("%s: " SLICE_FMT, rows[i].number, SLICE_ARG(user));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_is_read_or_refused),
		cmocka_unit_test(a_number_lies_in_the_first_range_that_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
