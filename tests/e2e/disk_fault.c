/* A disk that fails or hangs, for the end-to-end tests: preloaded into regpaird, it stands between LMDB and
 * the system. What the file `disk-fault` beside the folder `store` says is what a write or sync of a
 * data.mdb does: "hang" until it says something else, "sync" or "write" fails with EIO. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
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

/* True: this call is to fail. */
static bool faulty(int fd, const char *word)
{
	char path[512];

	if (!control_of(fd, path))
		return false;
	while (says(path, "hang"))
		(void)usleep(20000);
	if (!says(path, word))
		return false;
	errno = EIO;
	return true;
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
	return faulty(fd, "sync") ? -1 : sync(fd);
}

int fsync(int fd)
{
	sync_fn *sync = NULL;

	*(void **)&sync = next("fsync");
	return faulty(fd, "sync") ? -1 : sync(fd);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	pwrite_fn *write_at = NULL;

	*(void **)&write_at = next("pwrite");
	return faulty(fd, "write") ? -1 : write_at(fd, bytes, n, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t at)
{
	return pwrite(fd, bytes, n, at);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
	pwritev_fn *write_at = NULL;

	*(void **)&write_at = next("pwritev");
	return faulty(fd, "write") ? -1 : write_at(fd, parts, count, at);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at)
{
	return pwritev(fd, parts, count, at);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
