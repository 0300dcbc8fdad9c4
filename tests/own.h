/* own.h - for tests that change what is const to them, as a cosmic ray does: product code has no such door. */
#ifndef TESTS_OWN_H
#define TESTS_OWN_H

#include <stdint.h>

static inline void *own(const void *p)
{
	return (void *)(uintptr_t)p; /* NOLINT(performance-no-int-to-ptr) */
}

#endif
