#include "node/io/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TIME_SIZE = 40 };

struct audit {
	const char *path;
	const struct log *log;
	int fd;      /* -1: not open */
	bool failed; /* said so, until it works again */
};

struct audit *audit_open(const char *path, const struct log *log)
{
	struct audit *a = calloc(1, sizeof *a);

	if (a == NULL)
		abort();
	*a = (struct audit){.path = path, .log = log, .fd = -1};
	return a;
}

static void let_go(struct audit *a)
{
	if (a->fd >= 0)
		(void)close(a->fd);
	a->fd = -1;
}

void audit_close(struct audit **a)
{
	if (*a == NULL)
		return;
	let_go(*a);
	free(*a);
	*a = NULL;
}

/* What is open is what stands at the path. */
static bool is_current(const struct audit *a)
{
	struct stat there, ours;

	return a->fd >= 0 && stat(a->path, &there) == 0 && fstat(a->fd, &ours) == 0 &&
	       there.st_ino == ours.st_ino && there.st_dev == ours.st_dev;
}

static bool ready(struct audit *a)
{
	if (is_current(a))
		return true;
	let_go(a);
	a->fd = open(a->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	return a->fd >= 0;
}

/* Whole or not at all, as far as the system lets us take the half of a line back. */
static bool append(const struct audit *a, const char *line, size_t n)
{
	struct stat before;

	if (fstat(a->fd, &before) != 0)
		return false;
	ssize_t written = write(a->fd, line, n);
	if (written > 0 && written < (ssize_t)n) {
		errno = ftruncate(a->fd, before.st_size) == 0 ? ENOSPC : EIO;
		return false;
	}
	return written == (ssize_t)n;
}

static void complain(struct audit *a)
{
	if (!a->failed)
		log_line(a->log, LOG_ERROR,
		         "audit=unwritten file=%s why=\"%s\" remedy=\"make its folder, writable "
		         "for this process; until then the lines are here\"",
		         a->path, strerror(errno));
	a->failed = true;
}

static json_t *time_text(int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	char text[TIME_SIZE] = "?";
	struct tm utc;

	if (gmtime_r(&seconds, &utc) == NULL)
		return json_string(text);
	size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
	(void)snprintf(text + n, sizeof text - n, ".%03dZ", (int)(wall_ms % 1000));
	return json_string(text);
}

void audit_write(struct audit *a, int64_t wall_ms, json_t *line)
{
	json_t *whole = json_pack("{so}", "time", time_text(wall_ms));
	char *text;

	(void)json_object_update(whole, line);
	json_decref(line);
	text = json_dumps(whole, JSON_COMPACT);
	json_decref(whole);
	if (text == NULL)
		abort();
	size_t n = strlen(text);
	text[n] = '\n'; /* in the place of the NUL */
	bool kept = a->path != NULL && ready(a) && append(a, text, n + 1);
	text[n] = '\0';
	if (kept) {
		a->failed = false;
	} else {
		if (a->path != NULL)
			complain(a);
		log_line(a->log, LOG_NOTICE, "audit=%s", text);
	}
	free(text);
}
