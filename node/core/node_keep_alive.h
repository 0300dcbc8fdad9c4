/* node_keep_alive.h - the active asks every registered contact for a sign of life, again and again.
 *
 * A round walks all AORs once, spread evenly over the shortest interval that a domain wants: no timer
 * per contact. A domain with a longer one has its turn in some rounds only. What has been asked and what came
 * back is in reach.h, and nowhere else; a reign begins with nothing. */
#ifndef NODE_CORE_NODE_KEEP_ALIVE_H
#define NODE_CORE_NODE_KEEP_ALIVE_H

#include "node/core/node.h"

struct keep_alive_watch {
	uint32_t interval_ms; /* of a round; 0: no domain wants any */
	bool running;
	bool behind;    /* more is due at once */
	uint32_t round; /* from 1 */
	struct mtime began;
	uint32_t bucket; /* of the working copy: those before it are done */
	struct copy_cursor cursor;
	uint64_t heard, heard_before; /* answers in this round, in the last */
	uint64_t silent_so_far;       /* in this round */
	uint64_t sent, answered, silent, removed;
};

void node_keep_alive_init(struct node *n);
void node_keep_alive(struct node *n); /* once a turn */
/* True: the message was an answer to one of them. */
bool node_keep_alive_answered(struct node *n, const struct node_input *in);

#endif
