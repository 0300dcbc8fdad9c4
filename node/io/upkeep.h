/* upkeep.h - what the checkpoint thread looks at between checkpoints: is there room, and is the image what
 * was written? It only looks; the node decides. */
#ifndef NODE_IO_UPKEEP_H
#define NODE_IO_UPKEEP_H

#include "store/store.h"

enum { UPKEEP_EVERY_MS = 100 };

struct upkeep_options {
	struct store *store;
	uint64_t max_size; /* of each environment's map */
	uint64_t reserve;  /* less room than this on the disk is little (store.min_free) */
};

struct upkeep {
	struct upkeep_options options;
	unsigned calls;
	bool room_low, log_low;
	struct scrub_place place;
};

/* Looks at the room once a second; the figures above change. */
void upkeep_room(struct upkeep *u);
/* Verifies the next slice of the image. False: at u->place is a record that is not what was written (no key:
 * it is unknown which). */
bool upkeep_scrub(struct upkeep *u);

#endif
