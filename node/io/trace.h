/* trace.h - which SIP messages are one user's or one NAP's, and what is told of them.
 *
 * A user's: From, To or Request-URI names the AOR, or its user at an address in the place of the domain.
 * A NAP's: From or To names its address_to_register; and what else than REGISTER, SUBSCRIBE and NOTIFY comes
 * from or goes to its target in use, for one provider may have many NAPs. */
#ifndef NODE_IO_TRACE_H
#define NODE_IO_TRACE_H

#include <jansson.h>

#include "node/io/loop.h"

/* A message on its way; `flow.local` and `flow.remote` are its ends as the wire has them. */
struct trace_message {
	struct flow flow;
	struct slice bytes;
	bool out;
};

struct trace;

/* Of the NAP of that name, else of that AOR. NULL: it is neither. */
struct trace *trace_open(const struct loop *l, const char *who);
void trace_close(struct trace **t);

bool trace_wants(struct trace *t, const struct loop *l, const struct trace_message *m);
/* {"event": "message", "wall_us", "transport", "from", "to", "bytes": hex, "dropped"} */
json_t *trace_line(struct trace *t, const struct trace_message *m);
/* One that was wanted and could not be told. */
void trace_drop(struct trace *t);
/* {"messages", "dropped"} so far */
json_t *trace_counts(const struct trace *t);

#endif
