/* node_note.h - what becomes of this node, or of the pair, told in one form to the log and the journal. */
#ifndef NODE_CORE_NODE_NOTE_H
#define NODE_CORE_NODE_NOTE_H

#include "node/core/node.h"

struct note {
	const char *what, *from, *to, *why;
};
void node_keep(struct node *n, const struct note *note); /* for the journal alone */
void node_note(struct node *n, enum log_weight weight,
               const struct note *note); /* and for the log */

#endif
