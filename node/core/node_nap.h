/* node_nap.h - the node's part of being registered at NAPs and of polling them.
 *
 * The NAPs are those of the configuration, and those that a record is left of: they are un-registered.
 * Which client machine does what is nap_client.h; here it gets its targets and streams, its record is
 * logged, and its REGISTER leaves when that is committed. Nothing happens but in role active, not in
 * doubt; who begins a reign begins with the records alone. */
#ifndef NODE_CORE_NODE_NAP_H
#define NODE_CORE_NODE_NAP_H

#include "node/core/node.h"
#include "node/core/transactions.h"

struct nap;

/* So many may begin in a second; the others wait their turn. */
struct nap_pace {
	int64_t credit; /* in thousandths of one */
	struct mtime at;
};

struct nap_watch {
	struct nap **at; /* by name */
	size_t n, room;
	uint64_t numbers; /* given to NAPs, to tickets, and to random bits */
	bool running;     /* in this reign of ours */
	struct mtime due; /* something is */
	struct nap_pace registers, polls;
	bool merging; /* the peer's fork is awaited ... */
	struct mtime merge_until;
	uint64_t merges;         /* ... that had been merged before */
	bool writing;            /* what is logged now is the machine's own */
	size_t streams;          /* up */
	unsigned kept;           /* lines for the journal ... */
	struct mtime kept_until; /* ... of the stretch that ends here */
	uint64_t registers_sent, polls_sent;
};

void node_nap_free(struct node *n);
void node_on_naps(struct node *n, const struct node_input *in);
void node_on_resolved(struct node *n, const struct node_input *in);
void node_on_flow_up(struct node *n, const struct node_input *in);
void node_nap_flow_down(struct node *n, const struct node_input *in);
/* True: it was a sign of life of a stream, and nothing else. */
bool node_nap_pong(struct node *n, const struct node_input *in);
/* True: it was a NOTIFY of a registration of ours, and is done with. */
bool node_nap_notified(struct node *n, const struct node_input *in);
void node_nap_turn(struct node *n);
struct mtime node_nap_deadline(const struct node *n);
/* A request of ours has come to its end. NULL: there was no answer. */
void node_nap_outcome(struct node *n, enum request_owner owner, uint64_t number,
                      const struct sip_msg *answer, enum request_end how);
/* The record of this name was written, by whomever. */
void node_nap_noted(struct node *n, struct slice name);
void node_nap_noted_all(struct node *n); /* all of them: another working copy */
/* COMMAND_NAP_...; answered at once: what comes of it is seen in the list. */
void node_nap_command(struct node *n, const struct node_command *c);
void node_nap_status(const struct node *n, struct mtime now, struct status *s);

#endif
