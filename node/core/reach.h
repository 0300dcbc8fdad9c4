/* reach.h - what this process alone knows of contacts: which streams are open, and who has not answered
 * when it was asked for a sign of life.
 *
 * Nothing of it is logged, stored or told to the peer: after a takeover or a restart every stream counts
 * as lost until something comes by it, and nobody as silent. Bounded: a stream beyond the bound counts
 * as lost, a contact as one that answers. A reader may have none (NULL): it knows nothing. */
#ifndef NODE_CORE_REACH_H
#define NODE_CORE_REACH_H

#include "proto/base/alloc.h"
#include "proto/record.h"

enum {
	REACH_MOST = 1 << 20, /* streams, and contacts that owe an answer */
	REACH_TRIES = 3,      /* so many unanswered in a row make a contact silent */
};

struct reach;

struct reach *reach_new(const struct alloc *alloc);
void reach_free(struct reach **r);
/* A reign begins: nothing is known. Who does not know `seed` cannot answer for another. */
void reach_begin(struct reach *r, uint64_t seed);

/* A message came by this stream: it is open; and then no more. */
void reach_open(struct reach *r, const struct flow *flow);
void reach_close(struct reach *r, const struct flow *flow);
/* The flow by which the binding is reached: UDP always, a stream while it is open. */
bool reach_flow(const struct reach *r, const struct binding *b, struct flow *out);
/* Its stream is gone. An edge proxy (Path) keeps its own flows: that may be so, nobody here knows. */
bool reach_is_lost(const struct reach *r, const struct binding *b);

/* A contact's name in what it is asked and answers: the AOR at the address it came from. */
uint64_t reach_name(const struct reach *r, struct slice aor, const struct addr *remote);
/* Asked so often without an answer up to the last round. */
uint64_t reach_missed(const struct reach *r, uint64_t name);
bool reach_was_asked(const struct reach *r, uint64_t name); /* in this round, not answered yet */
void reach_ask(struct reach *r, uint64_t name);
void reach_carry(struct reach *r, uint64_t name);  /* not asked in this round */
bool reach_answer(struct reach *r, uint64_t name); /* false: nothing was owed */
bool reach_is_silent(const struct reach *r, struct slice aor, const struct binding *b);
void reach_round(struct reach *r); /* who was neither asked nor carried in it is forgotten */

#endif
