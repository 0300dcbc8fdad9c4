#include "node/io/log.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = {
	[LOG_ERROR] = "error", [LOG_WARN] = "warn",   [LOG_NOTICE] = "notice",
	[LOG_INFO] = "info",   [LOG_DEBUG] = "debug",
};
_Static_assert(ARRAY_LEN(level_names) == LOG_LEVELS, "every level has a name");

/* syslog's numbers, as the journal reads them. */
static const char *const priorities[] = {
	[LOG_ERROR] = "<3>", [LOG_WARN] = "<4>",  [LOG_NOTICE] = "<5>",
	[LOG_INFO] = "<6>",  [LOG_DEBUG] = "<7>",
};
_Static_assert(ARRAY_LEN(priorities) == LOG_LEVELS, "every level has a priority");

const char *log_level_name(enum log_level level)
{
	assert((unsigned)level < LOG_LEVELS);
	return level_names[level];
}

bool log_level_read(const char *name, enum log_level *to)
{
	for (size_t i = 0; i < LOG_LEVELS; i++) {
		if (strcmp(level_names[i], name) != 0)
			continue;
		*to = (enum log_level)i;
		return true;
	}
	return false;
}

struct log log_to_stderr(enum log_level level)
{
	return (struct log){
		.level = level,
		.fd = STDERR_FILENO,
		.journal = getenv("JOURNAL_STREAM") != NULL,
	};
}

static bool log_wants(const struct log *log, enum log_level level)
{
	return level <= log->level;
}

static size_t put_time(char *to, size_t room)
{
	struct timespec now;
	struct tm utc;

	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail with this clock */
	if (gmtime_r(&now.tv_sec, &utc) == NULL)
		return 0;
	size_t n = strftime(to, room, "%Y-%m-%dT%H:%M:%S", &utc);
	int more = snprintf(to + n, room - n, ".%03dZ ", (int)(now.tv_nsec / 1000000));

	return n + (more > 0 ? (size_t)more : 0);
}

/* In one write; a line that cannot be written is lost. */
static void write_line(int fd, const char *line, size_t n)
{
	ssize_t written = write(fd, line, n);

	(void)written; /* there is nowhere to report it */
}

/* Where the text was cut, its last bytes say so. */
static size_t end_line(char line[LOG_LINE_MAX + 1], size_t n)
{
	static const char cut[] = "...";

	if (n > LOG_LINE_MAX - 1) {
		n = LOG_LINE_MAX - 1;
		memcpy(line + n - (sizeof cut - 1), cut, sizeof cut - 1);
	}
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[n] = '\n';
	return n + 1;
}

static void put_line(const struct log *log, enum log_level level, uint64_t suppressed,
                     const char *format, va_list arguments) __attribute__((format(printf, 4, 0)));

static void put_line(const struct log *log, enum log_level level, uint64_t suppressed,
                     const char *format, va_list arguments)
{
	char line[LOG_LINE_MAX + 1];
	size_t room = sizeof line;
	size_t n = 0;

	assert((unsigned)level < LOG_LEVELS);
	if (log->journal)
		n = (size_t)snprintf(line, room, "%s", priorities[level]);
	else
		n = put_time(line, room);
	n += (size_t)snprintf(line + n, room - n, "level=%s ", level_names[level]);
	int said = vsnprintf(line + n, room - n, format, arguments);
	n += said > 0 ? (size_t)said : 0;
	if (suppressed > 0 && n < room) {
		int more = snprintf(line + n, room - n, " suppressed=%llu",
		                    (unsigned long long)suppressed);
		n += more > 0 ? (size_t)more : 0;
	}
	write_line(log->fd, line, end_line(line, n));
}

void log_line(const struct log *log, enum log_level level, const char *format, ...)
{
	va_list arguments;

	if (!log_wants(log, level))
		return;
	va_start(arguments, format);
	put_line(log, level, 0, format, arguments);
	va_end(arguments);
}

/* spent_ms is how long the bucket takes to be full again. */
static bool take_token(struct log_rate *rate, struct mtime now)
{
	int64_t passed = now.ms - rate->last.ms;

	rate->spent_ms = passed < rate->spent_ms ? rate->spent_ms - passed : 0;
	rate->last = now;
	if (rate->spent_ms > (LOG_RATE_BURST - 1) * (int64_t)LOG_RATE_REFILL_MS)
		return false;
	rate->spent_ms += LOG_RATE_REFILL_MS;
	return true;
}

bool log_rated(const struct log *log, struct log_rate *rate, struct mtime now, enum log_level level,
               const char *format, ...)
{
	va_list arguments;

	if (!log_wants(log, level))
		return false;
	if (!take_token(rate, now)) {
		rate->suppressed++;
		return false;
	}
	va_start(arguments, format);
	put_line(log, level, rate->suppressed, format, arguments);
	va_end(arguments);
	rate->suppressed = 0;
	return true;
}

static bool is_plain(struct slice value)
{
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] <= ' ' || value.p[i] >= 0x7f || value.p[i] == '"' ||
		    value.p[i] == '\\' || value.p[i] == '=')
			return false;
	return value.n > 0 && value.n < LOG_QUOTED_MAX;
}

const char *log_quote(struct slice value, char to[LOG_QUOTED_MAX])
{
	struct buf out = buf_on((uint8_t *)to, LOG_QUOTED_MAX);

	if (is_plain(value)) {
		buf_put(&out, value);
		buf_byte(&out, '\0');
		return to;
	}
	buf_byte(&out, '"');
	for (size_t i = 0; i < value.n && out.n + 4 <= out.room; i++) {
		uint8_t c = value.p[i];

		if (c == '"' || c == '\\')
			buf_byte(&out, '\\');
		buf_byte(&out, c < ' ' || c >= 0x7f ? '?' : c);
	}
	buf_byte(&out, '"');
	buf_byte(&out, '\0');
	assert(!out.full);
	return to;
}
