#include "tests/sim/queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void *take_memory(size_t size)
{
	return more_memory(NULL, size);
}

void *more_memory(void *p, size_t size)
{
	void *more = realloc(p, size > 0 ? size : 1);

	if (more == NULL)
		abort();
	return more;
}

/* splitmix64 */
uint64_t rng_next(struct rng *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static bool before(const struct event *a, const struct event *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void queue_again(struct queue *q, struct event *e, int64_t at)
{
	size_t i = q->n++;

	e->at = at;
	e->order = q->order++;
	if (q->n > q->room) {
		q->room = q->room == 0 ? 256 : 2 * q->room;
		q->heap = more_memory(q->heap, q->room * sizeof(struct event *));
	}
	for (; i > 0 && before(e, q->heap[(i - 1) / 2]); i = (i - 1) / 2)
		q->heap[i] = q->heap[(i - 1) / 2];
	q->heap[i] = e;
}

struct event *queue_add(struct queue *q, int64_t at)
{
	struct event *e = take_memory(sizeof *e);

	*e = (struct event){.op = -1};
	queue_again(q, e, at);
	return e;
}

static void sink(struct queue *q, struct event *e)
{
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= q->n)
			break;
		if (child + 1 < q->n && before(q->heap[child + 1], q->heap[child]))
			child++;
		if (before(e, q->heap[child]))
			break;
		q->heap[i] = q->heap[child];
		i = child;
	}
	q->heap[i] = e;
}

struct event *queue_take(struct queue *q)
{
	if (q->n == 0)
		return NULL;
	struct event *first = q->heap[0];
	struct event *last = q->heap[--q->n];
	if (q->n > 0)
		sink(q, last);
	return first;
}

void event_free(struct event *e)
{
	free(e->bytes);
	free(e);
}

void queue_free(struct queue *q)
{
	for (size_t i = 0; i < q->n; i++)
		event_free(q->heap[i]);
	free(q->heap);
	*q = (struct queue){.heap = NULL};
}
