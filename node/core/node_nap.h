/* node_nap.h - the node's part of being registered at NAPs and of polling them. */
#ifndef NODE_CORE_NODE_NAP_H
#define NODE_CORE_NODE_NAP_H

#include "node/core/node.h"
#include "node/core/transactions.h"

struct nap_watch {
	struct nap_list configured;
};

void node_on_naps(struct node *n, const struct node_input *in);
void node_on_resolved(struct node *n, const struct node_input *in);
void node_on_flow_up(struct node *n, const struct node_input *in);
/* Of a REGISTER or an OPTIONS; `answer`, a final one, is NULL where there was none. */
void node_nap_outcome(struct node *n, enum request_owner owner, uint64_t id,
                      const struct sip_msg *answer, enum request_end how);
/* COMMAND_NAP_...; answered at once: what comes of it is seen in the list. */
void node_nap_command(struct node *n, const struct node_command *c);

#endif
