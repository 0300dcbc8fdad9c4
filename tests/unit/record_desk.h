/* record_desk.h - what tests of records share: memory, comparisons, fields of a newer version. */
#ifndef TESTS_UNIT_RECORD_DESK_H
#define TESTS_UNIT_RECORD_DESK_H

#include "proto/record.h"
#include "tests/check.h"

#define NEWER   "\200\102\007"                    /* field 1056: a number */
#define NEWER_2 "\312\104\003new\321\104xxxxxxxx" /* fields 1097 (bytes), 1098 (fixed64) */

struct desk {
	struct arena arena;
	struct buf to;
};

/* Two in turn: what was encoded last stays while the next is. */
static inline struct desk desk(void)
{
	static _Alignas(16) uint8_t memory[512 * 1024];
	static uint8_t bytes[2][RECORD_MAX + 64];
	static unsigned turn;

	turn = !turn;
	return (struct desk){arena_on(memory, sizeof memory),
	                     buf_on(bytes[turn], sizeof bytes[turn])};
}

static inline void assert_same(struct slice got, struct slice want)
{
	assert_int_equal(got.n, want.n);
	assert_memory_equal(got.p, want.p, want.n);
}

static inline void assert_err(const char *name, enum err got, enum err want)
{
	if (got != want)
		fail_msg("%s: %s, not %s", name, err_text(got), err_text(want));
}

#endif
