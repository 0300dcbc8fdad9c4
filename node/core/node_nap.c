#include "node/core/node_nap.h"

#include "node/core/node_parts.h"

void node_on_naps(struct node *n, const struct node_input *in)
{
	n->naps.configured = in->naps;
}

void node_on_resolved(struct node *n, const struct node_input *in)
{
	(void)n;
	(void)in;
}

void node_on_flow_up(struct node *n, const struct node_input *in)
{
	(void)n;
	(void)in;
}

void node_nap_outcome(struct node *n, enum request_owner owner, uint64_t id,
                      const struct sip_msg *answer, enum request_end how)
{
	(void)n;
	(void)owner;
	(void)id;
	(void)answer;
	(void)how;
}

void node_nap_command(struct node *n, const struct node_command *c)
{
	node_answer(n, c->ticket, false, "there is no NAP of that name: see `regpairctl nap list`");
}

bool node_nap_view(const struct node *node, size_t i, struct mtime now, struct nap_view *out)
{
	(void)now;
	if (i >= node->naps.configured.n)
		return false;
	const struct nap_options *o = &node->naps.configured.at[i];
	*out = (struct nap_view){.register_to_proxy = o->registers,
	                         .poll_remote_proxy = o->polls,
	                         .name = o->name,
	                         .phase = NAP_IDLE,
	                         .next_ms = -1};
	return true;
}
