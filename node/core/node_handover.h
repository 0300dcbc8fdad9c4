/* node_handover.h - handing over as planned: what it costs, seen from the node that gives. */
#ifndef NODE_CORE_NODE_HANDOVER_H
#define NODE_CORE_NODE_HANDOVER_H

#include "node/core/node.h"

struct handover {
	bool under_way;
	struct mtime spoke;       /* the last answer left */
	uint64_t lacked;          /* entries that the standby, or our disk, lacked at its begin */
	uint64_t gap_ms, entries; /* of the last one */
};

void node_handover_begin(struct node *n);
void node_handover_watch(struct node *n); /* is the other active? */

#endif
