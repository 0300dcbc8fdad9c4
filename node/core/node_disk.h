/* node_disk.h - what a node makes of its own disk: nearly full, or not answering. */
#ifndef NODE_CORE_NODE_DISK_H
#define NODE_CORE_NODE_DISK_H

#include "node/core/node.h"

struct disk_watch {
	bool room_low;
	bool handed_over; /* asked for, since room is low */
	bool hangs;
	uint64_t seen; /* durable then */
	struct mtime waits_since;
	uint64_t room_lows, hung; /* times */
};

void node_on_room(struct node *n, const struct node_input *in);
void node_judge_disk(struct node *n); /* in every step that is no message */

#endif
