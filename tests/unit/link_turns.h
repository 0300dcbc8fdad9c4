/* link_turns.h - what the stories of the peer link do: bring it up, let time pass, send. */
#ifndef TESTS_UNIT_LINK_TURNS_H
#define TESTS_UNIT_LINK_TURNS_H

#include "tests/unit/link_kit.h"

static inline void open_link(struct side *side)
{
	side->link = peer_link_open(&side->loop, &side->files);
	assert_non_null(side->link);
}

static inline void one_turn(struct scene *s)
{
	fake_loop_turn(&s->primary.loop);
	if (s->primary.link != NULL)
		peer_link_flush(s->primary.link);
	if (s->secondary.link != NULL)
		peer_link_flush(s->secondary.link);
}

static inline bool until(struct scene *s, const size_t *count, size_t wanted)
{
	struct mtime end = mtime_add_ms(loop_now(&s->primary.loop), PATIENCE_MS);

	while (*count < wanted && !mtime_reached(end, loop_now(&s->primary.loop)))
		one_turn(s);
	return *count >= wanted;
}

static inline void turns_for(struct scene *s, int64_t ms)
{
	struct mtime end = mtime_add_ms(loop_now(&s->primary.loop), ms);

	while (!mtime_reached(end, loop_now(&s->primary.loop)))
		one_turn(s);
}

static inline void bring_up(struct scene *s)
{
	open_link(&s->primary);
	open_link(&s->secondary);
	assert_true(until(s, &s->primary.frames, 1)); /* each heard the other's hello */
	assert_true(until(s, &s->secondary.frames, 1));
}

static inline void send_beat(struct side *from, uint64_t number)
{
	static uint8_t scratch[64 * 1024];
	uint8_t bytes[512];
	struct arena arena = arena_on(scratch, sizeof scratch);
	struct buf to = buf_on(bytes, sizeof bytes);
	struct frame f = {.kind = FRAME_BEAT, .beat = {.number = number, .role = ROLE_ACTIVE}};

	frame_encode(&f, &arena, &to);
	assert_false(to.full);
	peer_link_send(from->link, from->connection, buf_slice(&to));
}

#endif
