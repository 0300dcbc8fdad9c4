#include "node/io/upkeep.h"

enum {
	SCRUB_BYTES = 64 * 1024,
	ROOM_EVERY = 1000 / UPKEEP_EVERY_MS, /* calls */
	MORE_MAX = 64 * 1024 * 1024,
	MAP_SHARE = 20, /* of a map, kept at the least: 5 % */
};

/* What is low is so until there is somewhat more: it does not flicker. */
static bool is_low(uint64_t left, uint64_t reserve, bool was_low)
{
	uint64_t more = reserve / 4 < MORE_MAX ? reserve / 4 : MORE_MAX;

	return left < (was_low ? reserve + more : reserve);
}

void upkeep_room(struct upkeep *u)
{
	const struct upkeep_options *o = &u->options;
	uint64_t share = o->max_size / MAP_SHARE;
	uint64_t of_map = share < o->reserve ? share : o->reserve;
	struct store_room room;

	if (u->calls++ % ROOM_EVERY != 0 || store_room(o->store, &room) != OK)
		return;
	bool was_low = u->room_low;
	u->log_low = is_low(room.log, of_map, u->log_low);
	u->room_low = is_low(room.disk, o->reserve, was_low) || u->log_low ||
	              is_low(room.state, of_map, was_low);
}

bool upkeep_scrub(struct upkeep *u)
{
	return store_scrub(u->options.store, &u->place, SCRUB_BYTES) != ERR_CORRUPT;
}
