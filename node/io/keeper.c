#include "node/io/keeper.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include "node/io/sockets.h"

enum { PID_RETRY_US = 200 * 1000 };

struct keeper {
	struct loop *loop;
	struct addr address;
	int netlink, fifo;
	int pidfd; /* -1: keepalived does not live, as far as we know */
	struct event *on_netlink, *on_fifo, *on_death, *retry;
	bool here, alive; /* as fed last */
	struct log_rate rate;
};

static void complain(struct keeper *k, const char *what, const char *path, const char *remedy)
{
	log_rated(loop_log(k->loop), &k->rate, loop_now(k->loop), LOG_ERROR,
	          "keepalived=%s path=%s why=\"%s\" remedy=\"%s\"", what, path, strerror(errno),
	          remedy);
}

/* --- the address --- */

static bool is_ours(const struct keeper *k, const struct sockaddr *a)
{
	union socket_address copy = {0};

	if (a == NULL || (a->sa_family != AF_INET && a->sa_family != AF_INET6))
		return false;
	memcpy(&copy, a, a->sa_family == AF_INET ? sizeof copy.v4 : sizeof copy.v6);
	struct addr found = socket_address_read(&copy);
	return addr_same_ip(&found, &k->address);
}

/* Asks the kernel anew: events are only a reason to look, so that a lost one does no harm. */
static bool address_here(struct keeper *k)
{
	struct ifaddrs *all = NULL;
	bool found = false;

	if (getifaddrs(&all) != 0) {
		complain(k, "not-seen", "netlink", "none: what was known stays");
		return k->here;
	}
	for (const struct ifaddrs *i = all; i != NULL && !found; i = i->ifa_next)
		found = is_ours(k, i->ifa_addr);
	freeifaddrs(all);
	return found;
}

static void feed(struct keeper *k)
{
	struct node_input in = {.event = NODE_ADDRESS, .address = {k->here, k->alive}};

	loop_feed(k->loop, &in);
}

static void look(struct keeper *k)
{
	bool here = address_here(k);
	bool alive = k->pidfd >= 0;

	if (here == k->here && alive == k->alive)
		return;
	if (here != k->here)
		log_line(loop_log(k->loop), LOG_NOTICE, "address=%s",
		         here ? "away->here" : "here->away");
	if (alive != k->alive)
		log_line(loop_log(k->loop), LOG_NOTICE, "keepalived=%s",
		         alive ? "gone->alive" : "alive->gone");
	k->here = here;
	k->alive = alive;
	feed(k);
}

/* Empties it; true: something was in it. */
static bool drain(int fd)
{
	char bytes[4096];
	bool some = false;

	/* ENOBUFS: netlink lost events, which is one more reason to look. */
	while (read(fd, bytes, sizeof bytes) > 0 || errno == ENOBUFS || errno == EINTR) {
		some = true;
		errno = 0;
	}
	return some;
}

/* The FIFO's lines, the last included, and netlink's messages alike say only: look. */
static void on_hint(evutil_socket_t fd, short what, void *context)
{
	(void)what;
	if (drain(fd))
		look(context);
}

static int open_netlink(void)
{
	struct sockaddr_nl local = {.nl_family = AF_NETLINK,
	                            .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
	union {
		struct sockaddr any;
		struct sockaddr_nl netlink;
	} to = {.netlink = local};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, &to.any, sizeof to.netlink) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

/* --- keepalived's life --- */

/* 0: no such file, or no number in it. */
static pid_t read_pid(const char *path)
{
	char text[32] = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *end = text;

	if (fd < 0)
		return 0;
	ssize_t n = read(fd, text, sizeof text - 1);
	(void)close(fd);
	long pid = n > 0 ? strtol(text, &end, 10) : 0;
	return end != text && pid > 1 && pid < INT32_MAX ? (pid_t)pid : 0;
}

static bool has_died(int pidfd)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	return poll(&p, 1, 0) != 0;
}

static void on_death(evutil_socket_t fd, short what, void *context);
static void follow_fifo(struct keeper *k);

static void seek_process(struct keeper *k)
{
	pid_t pid = read_pid(loop_config(k->loop)->keepalived_pid_file);
	int fd = pid > 0 ? pidfd_open(pid, 0) : -1;

	if (fd >= 0 && has_died(fd)) { /* nobody has waited for it yet */
		(void)close(fd);
		fd = -1;
	}
	if (fd < 0) {
		struct timeval tv = {.tv_usec = PID_RETRY_US};
		(void)event_add(k->retry, &tv);
		return;
	}
	k->pidfd = fd;
	follow_fifo(k);
	k->on_death = event_new(loop_base(k->loop), fd, EV_READ, on_death, k);
	if (k->on_death == NULL || event_add(k->on_death, NULL) != 0)
		abort();
}

static void forget_process(struct keeper *k)
{
	if (k->on_death != NULL)
		event_free(k->on_death);
	if (k->pidfd >= 0)
		(void)close(k->pidfd);
	k->on_death = NULL;
	k->pidfd = -1;
}

static void on_death(evutil_socket_t fd, short what, void *context)
{
	struct keeper *k = context;

	(void)fd;
	(void)what;
	forget_process(k);
	seek_process(k); /* a new one may be there already */
	look(k);
}

static void on_retry(evutil_socket_t fd, short what, void *context)
{
	struct keeper *k = context;

	(void)fd;
	(void)what;
	seek_process(k);
	look(k);
}

/* --- the files --- */

/* In place and closed at once: keepalived watches the file itself and looks when a writer closes it. */
static bool write_track_file(struct keeper *k, bool fault)
{
	const char *path = loop_config(k->loop)->keepalived_track_file;
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd >= 0) {
		bool written = pwrite(fd, fault ? "1\n" : "0\n", 2, 0) == 2 &&
		               ftruncate(fd, 2) == 0;
		int why = errno;
		if (close(fd) == 0 && written)
			return true;
		errno = why;
	}
	complain(k, "not-told", path, "let regpaird write keepalived.track_file");
	return false;
}

static bool open_fifo(struct keeper *k)
{
	const char *path = loop_config(k->loop)->keepalived_fifo;
	struct stat s;

	if (mkfifo(path, 0600) != 0 && errno != EEXIST) {
		complain(k, "no-fifo", path,
		         "make the folder of keepalived.fifo, writable for regpaird");
		return false;
	}
	/* Read and write: there is always a writer, so it never reads as ended. */
	k->fifo = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (k->fifo < 0 || fstat(k->fifo, &s) != 0) {
		complain(k, "no-fifo", path, "let regpaird read and write it");
		return false;
	}
	if (!S_ISFIFO(s.st_mode)) {
		errno = EEXIST;
		complain(k, "no-fifo", path, "something else has this name: remove it");
		return false;
	}
	(void)drain(k->fifo); /* what came before the start is history */
	return true;
}

static bool watch_fifo(struct keeper *k)
{
	k->on_fifo = event_new(loop_base(k->loop), k->fifo, EV_READ | EV_PERSIST, on_hint, k);
	return k->on_fifo != NULL;
}

/* Where its name was taken away, a new keepalived has made another: the old one is heard no more. The
 * address is known without it: netlink says where that is. */
static void follow_fifo(struct keeper *k)
{
	struct stat named, held;

	if (stat(loop_config(k->loop)->keepalived_fifo, &named) == 0 &&
	    fstat(k->fifo, &held) == 0 && named.st_ino == held.st_ino)
		return;
	if (k->on_fifo != NULL)
		event_free(k->on_fifo);
	if (k->fifo >= 0)
		(void)close(k->fifo);
	k->on_fifo = NULL;
	k->fifo = -1;
	if (open_fifo(k) && watch_fifo(k))
		(void)event_add(k->on_fifo, NULL);
}

static bool open_all(struct keeper *k)
{
	if (!open_fifo(k) || !write_track_file(k, true))
		return false;
	k->netlink = open_netlink();
	if (k->netlink < 0) {
		complain(k, "not-seen", "netlink", "allow AF_NETLINK sockets");
		return false;
	}
	struct event_base *base = loop_base(k->loop);
	k->on_netlink = event_new(base, k->netlink, EV_READ | EV_PERSIST, on_hint, k);
	k->retry = evtimer_new(base, on_retry, k);
	return watch_fifo(k) && k->on_netlink != NULL && k->retry != NULL;
}

struct keeper *keeper_open(struct loop *l, bool *failed)
{
	*failed = false;
	if (loop_config(l)->unit == UNIT_STANDALONE)
		return NULL;
	struct keeper *k = calloc(1, sizeof *k);

	if (k == NULL)
		abort();
	*k = (struct keeper){.loop = l,
	                     .address = loop_config(l)->keepalived_address,
	                     .netlink = -1,
	                     .fifo = -1,
	                     .pidfd = -1};
	if (open_all(k))
		return k;
	*failed = true;
	keeper_close(&k);
	return NULL;
}

void keeper_close(struct keeper **k)
{
	if (*k == NULL)
		return;
	struct event *events[] = {(*k)->on_netlink, (*k)->on_fifo, (*k)->retry};

	(void)write_track_file(*k, true);
	forget_process(*k);
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		if (events[i] != NULL)
			event_free(events[i]);
	if ((*k)->netlink >= 0)
		(void)close((*k)->netlink);
	if ((*k)->fifo >= 0)
		(void)close((*k)->fifo);
	free(*k);
	*k = NULL;
}

void keeper_start(struct keeper *k)
{
	if (k == NULL)
		return;
	assert(k->pidfd < 0);
	(void)event_add(k->on_netlink, NULL);
	(void)event_add(k->on_fifo, NULL);
	seek_process(k);
	k->here = address_here(k);
	k->alive = k->pidfd >= 0;
	feed(k);
}

void keeper_fault(struct keeper *k, bool fault)
{
	if (k != NULL)
		(void)write_track_file(k, fault);
}
