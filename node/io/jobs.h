/* jobs.h - what a thread is to do, as values in the order it was asked for: outputs of the node that
 * are the disk's, their bytes copied one after the other. */
#ifndef NODE_IO_JOBS_H
#define NODE_IO_JOBS_H

#include "node/core/node.h"

struct job {
	enum node_output_kind kind;
	uint64_t seq;
	struct position position;
	struct pairtime pair;
	int64_t wall_ms;
	enum table table; /* of a record: its bytes are the key, then the value */
	size_t key_n;
	size_t end; /* of its bytes */
};

struct jobs {
	struct job *at;
	size_t count, room;
	uint8_t *bytes;
	size_t n, bytes_room;
};

void jobs_add(struct jobs *j, const struct node_output *o);
/* Puts all of `from` behind what is there; `from` is empty then. */
void jobs_move(struct jobs *to, struct jobs *from);
struct slice jobs_bytes(const struct jobs *j, size_t i);
void jobs_empty(struct jobs *j); /* keeps the room */
void jobs_free(struct jobs *j);

#endif
