/* A disk that fails or hangs, for the end-to-end tests: preloaded into regpaird, it stands between LMDB and
 * the system. What the file `disk-fault` beside the folder `store` says is what a write or sync of a
 * data.mdb does: "hang" until it says something else; "sync" and "write" fail with EIO, "full" fails
 * what would make the file larger, "read-only" any write; "slow" lets a megabyte a second through. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* The path of the control file; false: `fd` is no file of a store. */
static bool control_of(int fd, char path[512])
{
	char link[64];

	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, 400);
	if (n <= 0)
		return false;
	path[n] = '\0';
	char *store = strstr(path, "/store/");
	if (store == NULL || strstr(store, "/data.mdb") == NULL)
		return false;
	memcpy(store, "/disk-fault", sizeof "/disk-fault");
	return true;
}

static bool says(const char *path, const char *word)
{
	char text[16] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	ssize_t n = read(fd, text, sizeof text - 1);
	(void)close(fd);
	return n > 0 && strncmp(text, word, strlen(word)) == 0;
}

struct failure {
	const char *word;
	int error;
};

static const struct failure syncing[] = {{"sync", EIO}};
static const struct failure writing[] = {{"write", EIO}, {"full", ENOSPC}, {"read-only", EROFS}};

/* True: this call is to fail. */
static bool faulty(const char *path, const struct failure *ways, size_t n)
{
	while (says(path, "hang"))
		(void)usleep(20000);
	for (size_t i = 0; i < n; i++) {
		if (says(path, ways[i].word)) {
			errno = ways[i].error;
			return true;
		}
	}
	return false;
}

static bool faulty_sync(int fd)
{
	char path[512];

	return control_of(fd, path) && faulty(path, syncing, sizeof syncing / sizeof *syncing);
}

static bool grows(int fd, off_t end)
{
	struct stat file;

	return fstat(fd, &file) == 0 && end > file.st_size;
}

static bool faulty_write(int fd, size_t n, off_t at)
{
	char path[512];

	if (!control_of(fd, path))
		return false;
	if (says(path, "slow"))
		(void)usleep((useconds_t)n);
	if (says(path, "full") && !grows(fd, at + (off_t)n))
		return false;
	return faulty(path, writing, sizeof writing / sizeof *writing);
}

/* The system's own, behind ours. */
static void *next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

typedef int sync_fn(int fd);
typedef ssize_t pwrite_fn(int fd, const void *bytes, size_t n, off_t at);
typedef ssize_t pwritev_fn(int fd, const struct iovec *parts, int count, off_t at);

/* The C library's header names their parameters by reserved names.
 * NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
int fdatasync(int fd)
{
	sync_fn *sync = NULL;

	*(void **)&sync = next("fdatasync");
	return faulty_sync(fd) ? -1 : sync(fd);
}

int fsync(int fd)
{
	sync_fn *sync = NULL;

	*(void **)&sync = next("fsync");
	return faulty_sync(fd) ? -1 : sync(fd);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	pwrite_fn *write_at = NULL;

	*(void **)&write_at = next("pwrite");
	return faulty_write(fd, n, at) ? -1 : write_at(fd, bytes, n, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t at)
{
	return pwrite(fd, bytes, n, at);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
	pwritev_fn *write_at = NULL;
	size_t n = 0;

	for (int i = 0; i < count; i++)
		n += parts[i].iov_len;
	*(void **)&write_at = next("pwritev");
	return faulty_write(fd, n, at) ? -1 : write_at(fd, parts, count, at);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at)
{
	return pwritev(fd, parts, count, at);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
