#include "node/ctl/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { UNSENT_MAX = 32 * 1024, READ_AT_ONCE = 64 * 1024 };

struct client {
	const char *socket;
	char *in; /* [taken, n_in) was received and not given out */
	size_t taken, n_in, room;
	size_t unsent;
	int fd;
	int code;
	char out[UNSENT_MAX];
};

static void say_no_node(const char *socket)
{
	const char *remedy = errno == EACCES
	                             ? "The socket is for root and its group: try sudo."
	                             : "Is regpaird running (systemctl status regpaird)? Is this "
	                               "its socket? Another one: --control SOCKET";

	ctl_complain("no node answers on %s: %s\n%s", socket, strerror(errno), remedy);
}

static int connect_to(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = CLIENT_PATIENCE_S};
	int fd;

	if (strlen(path) >= sizeof a.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(a.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&a, sizeof a) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0)
		return fd;
	int why = errno;
	(void)close(fd);
	errno = why;
	return -1;
}

struct client *client_open(const struct ctl *ctl)
{
	int fd = connect_to(ctl->socket);
	struct client *c = calloc(1, sizeof *c);

	if (c == NULL)
		abort();
	if (fd < 0) {
		say_no_node(ctl->socket);
		free(c);
		return NULL;
	}
	c->socket = ctl->socket;
	c->fd = fd;
	return c;
}

void client_close(struct client **client)
{
	struct client *c = *client;

	if (c == NULL)
		return;
	(void)close(c->fd);
	free(c->in);
	free(c);
	*client = NULL;
}

int client_code(const struct client *c)
{
	return c->code;
}

void client_be_patient(struct client *c)
{
	static const struct timeval for_ever = {0};

	(void)setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof for_ever);
}

static bool lost(struct client *c, const char *why)
{
	ctl_complain("the node on %s %s\nIts log says more: journalctl -u regpaird", c->socket,
	             why);
	c->code = CTL_NO_NODE;
	return false;
}

static bool flush(struct client *c)
{
	size_t at = 0;

	while (at < c->unsent) {
		ssize_t n = send(c->fd, c->out + at, c->unsent - at, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return lost(c, "hung up");
		at += (size_t)n;
	}
	c->unsent = 0;
	return true;
}

bool client_send(struct client *c, json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	size_t size;

	json_decref(request);
	if (text == NULL) {
		ctl_complain("the arguments are not UTF-8");
		c->code = CTL_FAILED;
		return false;
	}
	size = strlen(text);
	bool sent = c->unsent + size + 1 < UNSENT_MAX || flush(c);
	if (sent && size + 1 > UNSENT_MAX) {
		ctl_complain("the arguments are too long");
		c->code = CTL_FAILED;
		sent = false;
	} else if (sent) {
		memcpy(c->out + c->unsent, text, size);
		c->unsent += size;
		c->out[c->unsent++] = '\n';
	}
	free(text);
	return sent;
}

/* The next whole line that is here, without its end; NULL: none. */
static const char *next_line(struct client *c, size_t *n)
{
	const char *line, *end;

	if (c->n_in == c->taken)
		return NULL;
	line = c->in + c->taken;
	end = memchr(line, '\n', c->n_in - c->taken);
	if (end == NULL)
		return NULL;
	*n = (size_t)(end - line);
	c->taken += *n + 1;
	return line;
}

static void make_room(struct client *c)
{
	if (c->taken > 0)
		memmove(c->in, c->in + c->taken, c->n_in - c->taken);
	c->n_in -= c->taken;
	c->taken = 0;
	if (c->room - c->n_in >= READ_AT_ONCE)
		return;
	c->room += READ_AT_ONCE;
	c->in = realloc(c->in, c->room);
	if (c->in == NULL)
		abort();
}

/* Nothing where `flags` say not to wait: no fault. */
static bool read_more(struct client *c, int flags)
{
	ssize_t n;

	make_room(c);
	do
		n = recv(c->fd, c->in + c->n_in, c->room - c->n_in, flags);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (flags & MSG_DONTWAIT) != 0 && errno == EAGAIN)
		return false;
	if (n <= 0)
		return lost(c, n < 0 ? "does not answer" : "hung up");
	c->n_in += (size_t)n;
	return true;
}

static json_t *receive(struct client *c, int flags)
{
	const char *line;
	size_t n;

	if (!flush(c))
		return NULL;
	while ((line = next_line(c, &n)) == NULL)
		if (!read_more(c, flags))
			return NULL;
	json_t *answer = json_loadb(line, n, JSON_ALLOW_NUL, NULL);
	if (answer == NULL)
		(void)lost(c, "does not speak our language");
	return answer;
}

json_t *client_receive(struct client *c)
{
	return receive(c, 0);
}

json_t *client_take(struct client *c)
{
	return receive(c, MSG_DONTWAIT);
}

int client_fd(const struct client *c)
{
	return c->fd;
}

json_t *client_ask(struct client *c, json_t *request)
{
	json_t *answer = client_send(c, request) ? client_receive(c) : NULL;
	json_t *result = NULL;

	if (answer == NULL)
		return NULL;
	if (json_is_true(json_object_get(answer, "ok"))) {
		result = json_incref(json_object_get(answer, "result"));
	} else {
		const char *error = json_string_value(json_object_get(answer, "error"));
		ctl_complain("%s", error != NULL ? error : "refused");
		c->code = CTL_FAILED;
	}
	json_decref(answer);
	return result;
}

json_t *client_ask_once(const struct ctl *ctl, json_t *request, int *code)
{
	struct client *c = client_open(ctl);
	json_t *result;

	if (c == NULL) {
		json_decref(request);
		*code = CTL_NO_NODE;
		return NULL;
	}
	result = client_ask(c, request);
	*code = client_code(c);
	client_close(&c);
	return result;
}
