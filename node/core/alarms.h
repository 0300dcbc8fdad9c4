/* alarms.h - what an operator must be told of, each once: a condition over one figure of the status, what it
 * means, what to do. regpairctl, the MIB, the metrics and the notifications are printers of this table.
 *
 * An alarm is raised when its condition has held for `after_ms`, and cleared as soon as it does not hold. A
 * total that grew holds for five minutes. */
#ifndef NODE_CORE_ALARMS_H
#define NODE_CORE_ALARMS_H

#include "node/core/status.h"
#include "proto/base/mtime.h"

enum alarm_severity {
	ALARM_CRITICAL, /* calls or registrations are lost, or are about to be */
	ALARM_MAJOR,    /* the next failure would cost some */
	ALARM_MINOR,    /* somebody is served worse */
	ALARM_WARNING,  /* look at it in office hours */
	ALARM_SEVERITIES
};
const char *alarm_severity_name(enum alarm_severity s);

enum alarm_test {
	ALARM_IS,       /* a text is `text` */
	ALARM_SAID,     /* a text is not empty */
	ALARM_SET,      /* a flag */
	ALARM_NOT,      /* a flag that is not set, in a pair */
	ALARM_AT_LEAST, /* a gauge or an offset against `limit` */
	ALARM_AT_MOST,
	ALARM_GREW, /* a total, within the last five minutes */
};

struct alarm_row {
	unsigned oid; /* its last number in REGPAIR-MIB: given once, never again */
	const char *name;
	enum alarm_severity severity;
	enum alarm_test test;
	const char *figure; /* its name in the status table ... */
	size_t offset;      /* ... and its place in struct status */
	const char *text;
	int64_t limit;
	int64_t after_ms;
	const char *meaning, *remedy;
};
const struct alarm_row *alarm_rows(void); /* by oid */
size_t alarm_count(void);

enum { ALARMS_MAX = 64, ALARM_GREW_MS = 5 * 60 * 1000, ALARM_TEXT = 320 };

struct alarm {
	bool raised;
	int64_t since_wall_ms; /* of the newest change; 0: never one */
	bool holds;
	struct mtime holds_since;
	struct mtime grew; /* when the total did last */
	uint64_t total;
	bool has_grown;
};

/* One alarm for each row; zeroed at first. */
struct alarms {
	struct alarm at[ALARMS_MAX];
};

struct alarm_times {
	struct mtime now;
	int64_t wall_ms;
};

/* Which alarms the new status raises or clears: their rows' numbers, in order; how many. */
size_t alarms_step(struct alarms *a, const struct status *s, struct alarm_times t,
                   size_t changed[ALARMS_MAX]);

/* The meaning, and where it says more than that, the figure as it is now. Returns `to`. */
const char *alarm_text(const struct alarm_row *row, const struct status *s, char to[ALARM_TEXT]);

#endif
