/* Where the control sockets are: made, and cleared of what a dead process left. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "node/io/control_parts.h"

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	(void)snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
	return a;
}

static const struct sockaddr *generic(const struct sockaddr_un *a)
{
	return (const struct sockaddr *)a;
}

/* Removes a socket that a dead process left. False: the path is somebody's. */
static bool clear_path(const char *path, const char **why)
{
	struct sockaddr_un a = address_of(path);
	struct stat st;

	if (lstat(path, &st) != 0)
		return true; /* bind finds out whatever is wrong with it */
	*why = "something else is there; remove it or configure another path";
	if (!S_ISSOCK(st.st_mode))
		return false;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	*why = "another node runs";
	bool dead = fd >= 0 && connect(fd, generic(&a), sizeof a) != 0 && errno == ECONNREFUSED;
	if (fd >= 0)
		(void)close(fd);
	return dead && unlink(path) == 0;
}

int control_listen(const char *path, enum control_kind kind, const char **why)
{
	struct sockaddr_un a = address_of(path);

	if (strlen(path) >= sizeof a.sun_path) {
		*why = "the path is too long";
		return -1;
	}
	if (!clear_path(path, why))
		return -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t before = umask(kind == CONTROL_MONITOR ? 0111 : 0117);
	bool bound = fd >= 0 && bind(fd, generic(&a), sizeof a) == 0;
	*why = bound ? "" : strerror(errno);
	(void)umask(before);
	if (bound || fd < 0)
		return fd;
	(void)close(fd);
	return -1;
}
