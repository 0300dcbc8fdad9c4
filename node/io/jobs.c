#include "node/io/jobs.h"

#include <stdlib.h>

/* The node bounds what waits for the disk: no sum of sizes can overflow, and no memory is an end. */
static void *grown(void *p, size_t size)
{
	void *bigger = realloc(p, size);

	if (bigger == NULL)
		abort();
	return bigger;
}

static void make_room(struct jobs *j, size_t count, size_t bytes)
{
	if (j->count + count > j->room) {
		j->room = 2 * (j->count + count);
		j->at = grown(j->at, j->room * sizeof *j->at);
	}
	if (j->n + bytes > j->bytes_room) {
		j->bytes_room = 2 * (j->n + bytes);
		j->bytes = grown(j->bytes, j->bytes_room);
	}
}

static void put(struct jobs *j, struct slice s)
{
	if (s.n > 0)
		memcpy(j->bytes + j->n, s.p, s.n);
	j->n += s.n;
}

void jobs_add(struct jobs *j, const struct node_output *o)
{
	bool record = o->kind == OUT_NEXT_PUT;
	struct slice first = record ? o->record.key : o->bytes;
	struct slice second = record ? o->record.value : (struct slice){NULL, 0};

	make_room(j, 1, first.n + second.n);
	put(j, first);
	put(j, second);
	j->at[j->count++] = (struct job){
		.kind = o->kind,
		.seq = o->seq,
		.position = o->position,
		.pair = o->pair,
		.wall_ms = o->wall_ms,
		.table = o->record.table,
		.key_n = first.n,
		.end = j->n,
	};
}

void jobs_move(struct jobs *to, struct jobs *from)
{
	size_t shift = to->n;

	make_room(to, from->count, from->n);
	put(to, (struct slice){from->bytes, from->n});
	for (size_t i = 0; i < from->count; i++) {
		to->at[to->count] = from->at[i];
		to->at[to->count++].end += shift;
	}
	jobs_empty(from);
}

struct slice jobs_bytes(const struct jobs *j, size_t i)
{
	size_t from = i == 0 ? 0 : j->at[i - 1].end;

	return (struct slice){j->bytes + from, j->at[i].end - from};
}

void jobs_empty(struct jobs *j)
{
	j->n = j->count = 0;
}

void jobs_free(struct jobs *j)
{
	free(j->at);
	free(j->bytes);
	*j = (struct jobs){0};
}
