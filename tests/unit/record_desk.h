/* record_desk.h - a fresh arena and a place for a record's bytes, in a test. */
#ifndef TESTS_UNIT_RECORD_DESK_H
#define TESTS_UNIT_RECORD_DESK_H

#include "proto/record.h"

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

#endif
