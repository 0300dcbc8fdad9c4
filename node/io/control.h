/* control.h - the operator's UNIX socket, and the monitor's: one JSON object a line in, one a line out.
 *
 *	{"id": 7, "command": "status"}                     -> {"id": 7, "ok": true, "result": {...}}
 *	{"id": 8, "command": "subscriber-put", "user": ..} -> {"id": 8, "ok": false, "error": "..."}
 *
 * Readers (status, bindings, subscribers, naps) are answered at once from the node's state; changes become
 * NODE_COMMAND and are answered when their commit is. Many requests may be under way on one
 * connection. Access: the socket's mode, 0660.
 *
 * The monitor's socket (0666) speaks the same language to any user of the host, and knows but the readers of
 * figures: status, fields, alarms, naps, nap, domains, and events. No bindings, no subscribers, no changes. */
#ifndef NODE_IO_CONTROL_H
#define NODE_IO_CONTROL_H

#include <jansson.h>

#include "node/io/loop.h"
#include "node/io/trace.h"

struct control;

enum {
	CONTROL_LINE_MAX = 64 * 1024,
	CONTROL_CONNECTIONS_MAX = 64,
	CONTROL_LISTENERS_MAX = 16, /* connections that asked for events */
	CONTROL_TRACES_MAX = 8,
	CONTROL_PENDING_MAX = 4096, /* commands under way on one connection; reading waits beyond */
};

enum control_kind { CONTROL_OPERATOR, CONTROL_MONITOR };

/* NULL: logged. */
struct control *control_open(struct loop *l, const char *path, enum control_kind kind);
void control_close(struct control **c);
/* One event, to each connection that asked for them; borrowed. Who has left too much unread is hung up on. */
void control_tell(struct control *c, const json_t *event);
/* OUT_ANSWER. Tickets whose connection is gone are ignored. */
void control_answer(struct control *c, uint64_t ticket, bool ok, struct slice text);
/* What became of a loop_reload, for whoever asked; takes `outcome`. */
void control_reloaded(struct control *c, uint64_t ticket, json_t *outcome);
/* Does anybody follow messages? Then each one is shown to control_trace, as it comes in or is sent. */
bool control_traces(const struct control *c);
void control_trace(struct control *c, const struct trace_message *m);
/* OUT_DIFF_TABLE, OUT_DIFFERENCE: part of an answer that is to come. */
void control_difference(struct control *c, const struct node_output *o);

#endif
