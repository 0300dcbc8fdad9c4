#include "node/io/journal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 512, LINE_SIZE = 512 };

struct journal {
	char path[PATH_SIZE];
	int fd; /* -1: nothing was added since the start */
	unsigned lines;
};

struct journal *journal_open(const char *dir)
{
	struct journal *j = calloc(1, sizeof *j);

	if (j == NULL)
		abort();
	(void)snprintf(j->path, sizeof j->path, "%s/history", dir);
	j->fd = -1;
	return j;
}

void journal_close(struct journal **j)
{
	if (*j == NULL)
		return;
	if ((*j)->fd >= 0)
		(void)close((*j)->fd);
	free(*j);
	*j = NULL;
}

/* How many lines are there; a last one that was cut short ends here. */
static void count_lines(struct journal *j)
{
	char bytes[4096];
	char last = '\n';
	ssize_t n;

	j->lines = 0;
	while ((n = read(j->fd, bytes, sizeof bytes)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			j->lines += bytes[i] == '\n';
		last = bytes[n - 1];
	}
	if (last != '\n' && write(j->fd, "\n", 1) == 1)
		j->lines++;
}

static bool ready(struct journal *j)
{
	if (j->fd >= 0)
		return true;
	j->fd = open(j->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (j->fd >= 0)
		count_lines(j);
	return j->fd >= 0;
}

/* A full file becomes the old one; failing that it grows on: nothing is lost. */
static void make_room(struct journal *j)
{
	char old[PATH_SIZE + 8];

	if (j->lines < JOURNAL_LINES)
		return;
	(void)snprintf(old, sizeof old, "%s.old", j->path);
	if (rename(j->path, old) != 0)
		return;
	(void)close(j->fd);
	j->fd = -1;
}

/* Whole or not at all: a disk that is full leaves no half of a line. */
static bool append(struct journal *j, const char *line, size_t n)
{
	struct stat before;

	if (fstat(j->fd, &before) != 0)
		return false;
	ssize_t written = write(j->fd, line, n);
	if (written > 0 && written < (ssize_t)n && ftruncate(j->fd, before.st_size) != 0)
		return false; /* it stays, cut: a reader passes over it */
	return written == (ssize_t)n;
}

bool journal_add(struct journal *j, const struct node_output *o, int64_t wall_ms)
{
	char line[LINE_SIZE];

	if (!ready(j))
		return false;
	make_room(j);
	if (!ready(j))
		return false;
	int n = snprintf(line, sizeof line - 1, "%lld\t%lld\t" SLICE_FMT, (long long)wall_ms,
	                 (long long)o->pair.ms, SLICE_ARG(o->bytes));
	size_t size = n < (int)sizeof line - 1 ? (size_t)n : sizeof line - 2;
	line[size++] = '\n';
	if (!append(j, line, size))
		return false;
	j->lines++;
	return true;
}
