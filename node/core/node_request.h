/* node_request.h - the node's own requests on their way (transactions.h): sent when their entry is
 * committed, again while nobody answers, and their outcome handed to their owner.
 *
 * The active's alone: who steps down forgets them, and hears no outcome of them. */
#ifndef NODE_CORE_NODE_REQUEST_H
#define NODE_CORE_NODE_REQUEST_H

#include "node/core/node.h"
#include "node/core/transactions.h"

/* False: its owner has too many on their way, or it is no request; nothing is sent. */
bool node_request(struct node *n, const struct request *r);
void node_request_drop(struct node *n, enum request_owner owner, uint64_t id);
/* True: it was an answer to one of them. */
bool node_request_answered(struct node *n, const struct node_input *in);
void node_requests_broken(struct node *n, const struct flow *flow);
void node_requests_turn(struct node *n);
struct mtime node_requests_deadline(const struct node *n);

#endif
