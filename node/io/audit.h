/* audit.h - what operators did, kept: one JSON object a line, appended to a file.
 *
 *	{"time": "2026-01-01T12:00:00.123Z", "user": "root", ... as asker.h has it,
 *	 "act": "aor-remove", "target": "sip:alice@example.com",
 *	 "before": ["sip:alice@192.0.2.9"], "after": [], "result": "done", "text": "done"}
 *
 * Each line is given to the system at once and whole. Somebody may rename the file at any time, as logrotate
 * does: the next line makes it anew. Who writes gives no secrets. Without a path, or while the file cannot be
 * written, lines go to the log as `audit={...}`, and the log says why. */
#ifndef NODE_IO_AUDIT_H
#define NODE_IO_AUDIT_H

#include <jansson.h>

#include "node/io/log.h"

struct audit;

/* `path`, borrowed, or NULL. */
struct audit *audit_open(const char *path, const struct log *log);
void audit_close(struct audit **a);
/* Takes the line, and puts its time before it. */
void audit_write(struct audit *a, int64_t wall_ms, json_t *line);

#endif
