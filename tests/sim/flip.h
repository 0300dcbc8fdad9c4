/* flip.h - one record whose bytes change by themselves. */
#ifndef TESTS_SIM_FLIP_H
#define TESTS_SIM_FLIP_H

#include "proto/record.h"
#include "tests/sim/host.h"
#include "tests/sim/queue.h"

/* The one record that flips, and what became of it. */
struct flip {
	int kind;
	struct rng rng;
	bool open;
	bool told;  /* the store has found it */
	int64_t at; /* 0: not yet */
	int who;
	uint64_t life, seq, faults;
	enum table table;
	uint8_t key[RECORD_KEY_MAX];
	size_t key_n;
};

void flip_plan(struct world *w);
bool flip_alone(const struct world *w); /* no other disturbance in this world */
void flip_on_event(struct world *w, const struct event *e);
void flip_on_found(struct world *w, const struct event *e);
/* An operator compares the nodes now and then: what is named must have flipped. */
void flip_on_compare(struct world *w, const struct event *e);
void flip_on_difference(struct world *w, struct host *h, const struct node_output *o);
void flip_check(struct world *w);
/* Its copy is wrong, and nobody has seen it yet. */
bool flip_is_misapplied(const struct world *w, const struct host *h);

#endif
