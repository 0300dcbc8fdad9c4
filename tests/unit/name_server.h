/* name_server.h - a real DNS server (dnsmasq) on loopback for a test, with a zone `test` of its own. */
#ifndef TESTS_UNIT_NAME_SERVER_H
#define TESTS_UNIT_NAME_SERVER_H

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/io/sockets.h"
#include "tests/check.h"
#include "tests/unit/addr_of.h"

enum { NAME_SERVER_ARGUMENTS = 64 };

struct name_server {
	pid_t pid; /* 0: it does not run */
	uint16_t port;
};

/* A socket on loopback; the port is free once it is closed. */
static inline int name_server_socket(uint16_t *port)
{
	struct addr any = addr_of("127.0.0.1");
	union socket_address a;
	socklen_t size = sizeof a;
	int fd = socket_bound(SOCK_DGRAM, &any);

	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, &a.any, &size), 0);
	*port = socket_address_read(&a).port;
	return fd;
}

static inline void name_server_exec(const struct name_server *s, const char *const *records)
{
	static char port[32];
	static const char *const always[] = {"/usr/sbin/dnsmasq",
	                                     "-d",
	                                     "--conf-file=/dev/null",
	                                     "--no-resolv",
	                                     "--no-hosts",
	                                     "--listen-address=127.0.0.1",
	                                     "--bind-interfaces",
	                                     "--local=/test/",
	                                     port};
	const char *arguments[NAME_SERVER_ARGUMENTS + 1] = {0};
	char *mutable[NAME_SERVER_ARGUMENTS + 1];
	size_t n = 0;
	int nowhere = open("/dev/null", O_RDWR);

	(void)snprintf(port, sizeof port, "--port=%u", s->port);
	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		arguments[n++] = always[i];
	for (size_t i = 0; records[i] != NULL && n < NAME_SERVER_ARGUMENTS; i++)
		arguments[n++] = records[i];
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* it does not outlive a test that fails */
	if (getenv("TEST_LOG") == NULL)
		for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
			(void)dup2(nowhere, fd);
	memcpy(mutable, arguments, sizeof mutable); /* execv knows no const */
	(void)execv(mutable[0], mutable);
	_exit(127);
}

/* Records: its options, NULL at the end. It answers some ms later. */
static inline void name_server_start(struct name_server *s, const char *const *records)
{
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0)
		name_server_exec(s, records);
}

static inline void name_server_stop(struct name_server *s)
{
	if (s->pid == 0)
		return;
	(void)kill(s->pid, SIGKILL);
	(void)waitpid(s->pid, NULL, 0);
	s->pid = 0;
}

#endif
