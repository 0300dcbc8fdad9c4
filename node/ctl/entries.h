/* entries.h - what an entry of the log says, for people and scripts. */
#ifndef NODE_CTL_ENTRIES_H
#define NODE_CTL_ENTRIES_H

#include <jansson.h>

#include "proto/entry.h"

enum { ENTRIES_MEMORY = 512 << 10 }; /* to decode one record in */

/* "2026-01-01T12:00:00.000Z" */
json_t *pair_time_text(struct pairtime t);
/* The entry as an object: seq, time, pair_ms, reign, kind, table, key, summary. Never a secret. */
json_t *entry_object(const struct entry *e, struct arena *arena);
/* Does the record decode as its table wants it? Tables of a newer version pass. */
enum err record_checked(enum table table, struct slice value, struct arena *arena) MUST_CHECK;

#endif
