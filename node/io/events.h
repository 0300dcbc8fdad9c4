/* events.h - what happens, told while it happens to whoever asked for it: {"id": 1, "command": "events"} on the
 * control socket or the monitor's. Behind the answer come lines on the same connection:
 *
 *	{"event": "alarm", "name", "oid", "severity", "raised", "text", "remedy", "wall_ms"}
 *	{"event": "history", "what", "from", "to", "why", "epoch", "seq", "wall_ms"}   as in the journal
 *	{"event": "nap", "name", "registered", "available", "status", "why", "wall_ms"}
 *
 * Who wants to know how things stand as well asks `alarms` and `naps` behind it, on the same connection. A
 * reader that does not keep up is hung up on; nothing waits for it. */
#ifndef NODE_IO_EVENTS_H
#define NODE_IO_EVENTS_H

#include "node/io/control.h"

struct events;

struct events *events_open(struct loop *l, struct control *control, struct control *monitor);
void events_close(struct events **e);

/* Row `row` of the alarms was raised or cleared. */
void events_alarm(struct events *e, size_t row, const char *text);
void events_history(struct events *e, const struct node_output *o); /* OUT_HISTORY */
/* Tells of the NAPs that became registered or available, or are not so any more, since the call before. */
void events_naps(struct events *e);

#endif
