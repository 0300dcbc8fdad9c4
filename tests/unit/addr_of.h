/* addr_of.h - an address in a test, from its text. */
#ifndef TESTS_UNIT_ADDR_OF_H
#define TESTS_UNIT_ADDR_OF_H

#include "proto/base/addr.h"
#include "tests/check.h"

static inline struct addr addr_of(const char *text)
{
	struct addr a;

	assert_true(addr_parse(slice_str(text), &a));
	return a;
}

#endif
