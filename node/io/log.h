/* log.h - one line per change, at the edge: `level=notice role=standby->active why=keepalived`.
 *
 * Lines go to one descriptor, each by one write, so lines of several threads never mix. Under systemd
 * (JOURNAL_STREAM is set) a line begins with the journal's priority, `<5>`; elsewhere with the wall time,
 * `2026-01-01T12:00:00.123Z `. Control bytes in a line become `?`: nobody outside can forge a line. */
#ifndef NODE_IO_LOG_H
#define NODE_IO_LOG_H

#include "proto/base/buf.h"
#include "proto/base/mtime.h"

enum {
	LOG_LINE_MAX = 2048,       /* longer lines are cut and end in "..." */
	LOG_QUOTED_MAX = 256,      /* room for one quoted value */
	LOG_RATE_BURST = 10,       /* lines of one place before the limit bites */
	LOG_RATE_REFILL_MS = 1000, /* then one line each */
};

enum log_level { LOG_ERROR, LOG_WARN, LOG_NOTICE, LOG_INFO, LOG_DEBUG, LOG_LEVELS };
const char *log_level_name(enum log_level level);          /* "notice" */
bool log_level_read(const char *name, enum log_level *to); /* false: no such level; *to stays */

struct log {
	_Atomic enum log_level
		level; /* lines above it are not written; a reload or an operator changes it */
	int fd;
	bool journal; /* prefix by priority instead of time */
};

/* To standard error, in the form that the environment asks for. */
struct log log_to_stderr(enum log_level level);

/* `format` gives the line after `level=...`: "peer=%s state=up->down why=%s". A value that may hold
 * spaces goes through log_quote. */
void log_line(const struct log *log, enum log_level level, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* A value of somebody else's: as it stands when it is one plain word, else in quotes with backslashes
 * before quotes and `?` for bytes that do not print. Cut where it does not fit. Returns `to`. */
const char *log_quote(struct slice value, char to[LOG_QUOTED_MAX]);

/* A place whose lines packets can cause; zero-initialised, one per place and thread. */
struct log_rate {
	int64_t spent_ms; /* until the bucket is full again */
	struct mtime last;
	uint64_t suppressed; /* since the last line that was written */
};

/* As log_line, at most LOG_RATE_BURST lines at once and then one a second; the next line that is
 * written ends in `suppressed=N`. False: this one was not written. */
bool log_rated(const struct log *log, struct log_rate *rate, struct mtime now, enum log_level level,
               const char *format, ...) PRINTF_LIKE(5, 6);

#endif
