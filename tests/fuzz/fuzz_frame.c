/* fuzz_frame.c - any bytes as a stream of frames: no crash, and what decodes encodes to something
 * that decodes equal. */
#include <assert.h>

#include "proto/frame.h"

enum { ARENA_SIZE = 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes one frame takes; 0: none there, or it is refused. */
static size_t turn(struct slice in, struct buf *to)
{
	static _Alignas(16) uint8_t memory[ARENA_SIZE];
	struct arena arena = arena_on(memory, sizeof memory);
	struct frame f;
	struct decoded d = frame_decode(in, &arena, &f);

	assert(d.used <= in.n);
	assert(d.err == OK || d.used == 0);
	if (d.used > 0)
		frame_encode(&f, &arena, to);
	return d.used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t once[FRAME_MAX];
	static uint8_t twice[FRAME_MAX];
	struct slice in = {data, size};
	size_t used = 1;

	while (used > 0) {
		struct buf first = buf_on(once, sizeof once);
		struct buf second = buf_on(twice, sizeof twice);

		used = turn(in, &first);
		in = slice_from(in, used);
		if (used == 0 || first.full)
			continue;
		if (turn(buf_slice(&first), &second) != first.n ||
		    !slice_eq(buf_slice(&first), buf_slice(&second)))
			__builtin_trap();
	}
	return 0;
}
