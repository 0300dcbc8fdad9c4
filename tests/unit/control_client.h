/* control_client.h - the other side of the control socket, turning the node's loop while it waits. */
#ifndef TESTS_UNIT_CONTROL_CLIENT_H
#define TESTS_UNIT_CONTROL_CLIENT_H

#include <jansson.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/unit/control_kit.h"

enum { PATIENCE_TURNS = 2000 };

static inline int dial(struct loop *l)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	memcpy(a.sun_path, l->path, sizeof l->path);
	assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static inline void turn(struct loop *l)
{
	assert_true(event_base_loop(l->base, EVLOOP_NONBLOCK) >= 0);
}

static inline void say(struct loop *l, int fd, const char *text, size_t n)
{
	for (int turns = 0; n > 0 && turns < PATIENCE_TURNS; turns++) {
		ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);
		if (sent > 0) {
			text += sent;
			n -= (size_t)sent;
		}
		turn(l);
	}
	assert_int_equal(n, 0);
}

/* The next line, read byte by byte so that the one behind it stays; NULL: hung up. */
static inline json_t *hear(struct loop *l, int fd)
{
	enum { ROOM = 1 << 20 };
	char *line = malloc(ROOM);
	size_t n = 0;
	bool over = false;

	for (int turns = 0; !over && turns < PATIENCE_TURNS;) {
		ssize_t got = recv(fd, line + n, 1, 0);
		if (got > 0 && line[n++] == '\n')
			break;
		over = got == 0;
		if (got < 0) {
			turn(l);
			turns++;
		}
		assert_true(n < ROOM);
	}
	json_t *answer = n > 0 ? json_loadb(line, n, 0, NULL) : NULL;
	assert_true(answer != NULL || over);
	free(line);
	return answer;
}

static inline json_t *ask(struct loop *l, int fd, const char *request)
{
	say(l, fd, request, strlen(request));
	say(l, fd, "\n", 1);
	return hear(l, fd);
}

static inline json_t *result_of(json_t *answer)
{
	assert_true(json_is_true(json_object_get(answer, "ok")));
	json_t *result = json_incref(json_object_get(answer, "result"));
	json_decref(answer);
	return result;
}

static inline void expect_error(json_t *answer, const char *part)
{
	const char *error = json_string_value(json_object_get(answer, "error"));

	assert_true(json_is_false(json_object_get(answer, "ok")));
	if (error == NULL || strstr(error, part) == NULL)
		fail_msg("'%s' is not in '%s'", part, error != NULL ? error : "nothing");
	json_decref(answer);
}

static inline void expect_closed(struct loop *l, int fd)
{
	assert_null(hear(l, fd));
	(void)close(fd);
}

static inline json_int_t id_of(json_t *answer)
{
	json_int_t id = json_integer_value(json_object_get(answer, "id"));

	json_decref(answer);
	return id;
}

#endif
