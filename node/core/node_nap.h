/* node_nap.h - the node's part of being registered at NAPs and of polling them. */
#ifndef NODE_CORE_NODE_NAP_H
#define NODE_CORE_NODE_NAP_H

#include "node/core/node.h"

struct nap_watch {
	struct nap_list configured;
};

void node_on_naps(struct node *n, const struct node_input *in);
void node_on_resolved(struct node *n, const struct node_input *in);
void node_on_flow_up(struct node *n, const struct node_input *in);
/* COMMAND_NAP_...; answered at once: what comes of it is seen in the list. */
void node_nap_command(struct node *n, const struct node_command *c);

#endif
