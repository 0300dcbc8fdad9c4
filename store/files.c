#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/internal.h"

static const char *const parts[] = {"log", "state"};

enum { PART_PATH_MAX = GENERATION_NAME_MAX + 32 };

static enum err err_last(void)
{
	return err_of(errno);
}

void generation_name(char name[GENERATION_NAME_MAX], uint64_t number)
{
	(void)snprintf(name, GENERATION_NAME_MAX, "gen-%llu",
	               (unsigned long long)number); /* fits */
}

/* "gen-N": its number; 0 for any other text. */
static uint64_t generation_number(struct slice name)
{
	struct slice head = SLICE("gen-");
	uint64_t number = 0;

	if (name.n <= head.n || name.n > head.n + 18 || !slice_eq(slice_head(name, head.n), head))
		return 0;
	for (size_t i = head.n; i < name.n; i++) {
		if (name.p[i] < '0' || name.p[i] > '9')
			return 0;
		number = number * 10 + (uint64_t)(name.p[i] - '0');
	}
	return number;
}

enum err current_read(int dir_fd, uint64_t *number)
{
	uint8_t line[GENERATION_NAME_MAX];
	int fd = openat(dir_fd, "current", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? ERR_NOT_FOUND : err_last();
	ssize_t n = read(fd, line, sizeof line);
	(void)close(fd); /* nothing was written */
	if (n < 0)
		return ERR_IO;

	struct slice text = {line, (size_t)n};
	if (text.n > 0 && text.p[text.n - 1] == '\n')
		text.n--;
	*number = generation_number(text);
	return *number == 0 ? ERR_CORRUPT : OK;
}

enum err write_all(int fd, struct slice bytes)
{
	while (bytes.n > 0) {
		ssize_t n = write(fd, bytes.p, bytes.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? ERR_IO : err_last();
		bytes = slice_from(bytes, (size_t)n);
	}
	return OK;
}

enum err dir_sync(int dir_fd)
{
	return fsync(dir_fd) == 0 ? OK : err_last();
}

static enum err path_sync(int dir_fd, const char *path)
{
	int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_last();
	enum err err = dir_sync(fd);
	(void)close(fd); /* nothing was written through it */
	return err;
}

/* A new file takes the old one's place: a reader sees the one or the other, whole. */
enum err current_write(int dir_fd, uint64_t number)
{
	char line[GENERATION_NAME_MAX + 1];
	int fd = openat(dir_fd, "current.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_last();
	generation_name(line, number);
	enum err err = write_all(fd, slice_str(line));
	if (err == OK)
		err = write_all(fd, SLICE("\n"));
	if (err == OK)
		err = dir_sync(fd);
	if (close(fd) != 0 && err == OK)
		err = err_last();
	if (err != OK)
		return err;
	if (renameat(dir_fd, "current.new", dir_fd, "current") != 0)
		return err_last();
	return dir_sync(dir_fd);
}

static void part_path(char path[PART_PATH_MAX], const char *name, const char *part,
                      const char *file)
{
	(void)snprintf(path, PART_PATH_MAX, "%s/%s%s", name, part, file); /* fits: names are ours */
}

enum err generation_mkdir(int dir_fd, const char *name)
{
	char path[PART_PATH_MAX];

	generation_remove(dir_fd, name);
	if (mkdirat(dir_fd, name, 0700) != 0)
		return err_last();
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		part_path(path, name, parts[i], "");
		if (mkdirat(dir_fd, path, 0700) != 0)
			return err_last();
	}
	return OK;
}

enum err generation_sync_dirs(int dir_fd, const char *name)
{
	char path[PART_PATH_MAX];
	enum err err = OK;

	for (size_t i = 0; i < ARRAY_LEN(parts) && err == OK; i++) {
		part_path(path, name, parts[i], "");
		err = path_sync(dir_fd, path);
	}
	return err != OK ? err : path_sync(dir_fd, name);
}

/* What cannot be removed now is tried again at the next start. */
void generation_remove(int dir_fd, const char *name)
{
	char path[PART_PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		part_path(path, name, parts[i], "/data.mdb");
		(void)unlinkat(dir_fd, path, 0);
		part_path(path, name, parts[i], "/lock.mdb");
		(void)unlinkat(dir_fd, path, 0);
		part_path(path, name, parts[i], "");
		(void)unlinkat(dir_fd, path, AT_REMOVEDIR);
	}
	(void)unlinkat(dir_fd, name, AT_REMOVEDIR);
}

#define BROKEN "broken-"

void broken_name(char name[GENERATION_NAME_MAX], uint64_t stamp)
{
	(void)snprintf(name, GENERATION_NAME_MAX, BROKEN "%llu",
	               (unsigned long long)stamp); /* fits */
}

typedef enum err each_name(int dir_fd, const char *name, const char *argument);

/* Stops at the first failure. */
static enum err names(int dir_fd, each_name *each, const char *argument)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	enum err err = OK;

	if (dir == NULL)
		return err_last();
	for (const struct dirent *e = readdir(dir); e != NULL && err == OK; e = readdir(dir))
		err = each(dir_fd, e->d_name, argument);
	(void)closedir(dir);
	return err;
}

static bool is_broken(const char *name)
{
	return strncmp(name, BROKEN, strlen(BROKEN)) == 0;
}

static enum err found(int dir_fd, const char *name, const char *argument)
{
	(void)dir_fd;
	(void)argument;
	return is_broken(name) ? ERR_EXISTS : OK;
}

bool brokens_there(int dir_fd)
{
	return names(dir_fd, found, NULL) == ERR_EXISTS;
}

/* What cannot be removed now is tried again when the next one is set aside. */
static enum err broken_remove(int dir_fd, const char *name, const char *keep)
{
	if (!is_broken(name) || strcmp(name, keep) == 0)
		return OK;
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return OK;
	(void)generations_sweep(fd, 0, true);
	(void)unlinkat(fd, "current", 0);
	(void)close(fd); /* nothing was written through it */
	(void)unlinkat(dir_fd, name, AT_REMOVEDIR);
	return OK;
}

void brokens_remove(int dir_fd, const char *keep)
{
	(void)names(dir_fd, broken_remove, keep);
}

static enum err move(int dir_fd, const char *name, const char *to)
{
	char path[GENERATION_NAME_MAX + NAME_MAX + 2];

	if (generation_number(slice_str(name)) == 0 && strcmp(name, "next") != 0)
		return OK;
	(void)snprintf(path, sizeof path, "%s/%s", to, name); /* fits: names are ours */
	return renameat(dir_fd, name, dir_fd, path) == 0 ? OK : err_last();
}

/* `current` goes first: without it nothing is opened by mistake. */
enum err store_move(int dir_fd, const char *to)
{
	char path[2 * GENERATION_NAME_MAX];

	(void)snprintf(path, sizeof path, "%s/current", to); /* fits */
	if (renameat(dir_fd, "current", dir_fd, path) != 0 && errno != ENOENT)
		return err_last();
	enum err err = names(dir_fd, move, to);
	return err != OK ? err : dir_sync(dir_fd);
}

bool generations_sweep(int dir_fd, uint64_t keep, bool remove)
{
	bool others = false;
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir == NULL)
		return false;
	for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
		uint64_t number = generation_number(slice_str(e->d_name));
		if (number == 0 || number == keep)
			continue;
		others = true;
		if (remove) {
			char name[GENERATION_NAME_MAX];
			generation_name(name, number);
			generation_remove(dir_fd, name);
		}
	}
	(void)closedir(dir);
	if (remove)
		generation_remove(dir_fd, "next");
	return others;
}
