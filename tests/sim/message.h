/* message.h - what the phones write, by code that knows nothing of the project's parser. */
#ifndef TESTS_SIM_MESSAGE_H
#define TESTS_SIM_MESSAGE_H

#include "tests/sim/world.h"

/* Of a client; -1: the virtual address. */
struct addr message_address(int client);
void message_write(struct world *w, const struct client *c, const struct op *op, struct buf *to);
/* The number behind `before`, with which the text must begin; -1: it does not. *at moves behind it. */
long message_number(const char **at, const char *before);
void message_write_subscribe(struct world *w, int index, struct buf *to);
/* To a request as it came; `more`: header lines, each behind a line's end. */
void message_write_answer(struct slice request, const char *status, const char *more,
                          struct buf *to);
void message_subscribe(struct world *w, struct host *h, int client);
/* A subscriber with a long name, so that a snapshot takes many slices. False: it
 * found no room. */
bool message_fill(struct world *w, struct host *h, int number);

#endif
