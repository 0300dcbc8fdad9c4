#include "node/io/asker.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <systemd/sd-login.h>
#include <unistd.h>

enum {
	PATH_SIZE = 64,
	TEXT_SIZE = 512,
	ENVIRONMENT_MAX = 64 * 1024,
	ANCESTORS_MAX = 16,
	PTS_MAJOR = 136, /* to 143: each has 256 terminals */
	PTS_MAJORS = 8,
	TTY_MAJOR = 4, /* consoles, and from 64 on serial lines */
	SERIAL_LINES = 64,
};

/* What of /proc/PID/NAME fits; 0: not readable. Ends in a NUL. */
static size_t read_file(pid_t pid, const char *name, char *to, size_t room)
{
	char path[PATH_SIZE];
	size_t n = 0;
	ssize_t got;

	to[0] = '\0';
	(void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	while (n + 1 < room && (got = read(fd, to + n, room - 1 - n)) > 0)
		n += (size_t)got;
	(void)close(fd);
	to[n] = '\0';
	return n;
}

/* What is no UTF-8 is not told. */
static void set_text(json_t *who, const char *key, const char *text)
{
	(void)json_object_set_new(who, key, json_string(text));
}

static void set_user(json_t *who, const char *id_key, const char *name_key, uid_t uid)
{
	FILE *passwd = fopen("/etc/passwd", "re");
	char room[TEXT_SIZE];
	struct passwd entry, *found;

	(void)json_object_set_new(who, id_key, json_integer((json_int_t)uid));
	while (passwd != NULL && fgetpwent_r(passwd, &entry, room, sizeof room, &found) == 0) {
		if (entry.pw_uid != uid)
			continue;
		set_text(who, name_key, entry.pw_name);
		break;
	}
	if (passwd != NULL)
		(void)fclose(passwd);
}

static void set_login(json_t *who, pid_t pid)
{
	char text[TEXT_SIZE];
	char *end;

	if (read_file(pid, "loginuid", text, sizeof text) == 0)
		return;
	unsigned long uid = strtoul(text, &end, 10);
	if (end != text && uid < UINT32_MAX) /* that one: nobody logged in */
		set_user(who, "login_uid", "login", (uid_t)uid);
}

static void set_program(json_t *who, pid_t pid)
{
	char text[TEXT_SIZE];

	if (read_file(pid, "comm", text, sizeof text) == 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	set_text(who, "program", text);
}

/* Of /proc/PID/stat, behind the name, which may hold anything: state, parent, group, session, terminal. */
static bool read_stat(pid_t pid, int *parent, unsigned *terminal)
{
	char text[TEXT_SIZE];
	const char *rest;

	if (read_file(pid, "stat", text, sizeof text) == 0)
		return false;
	rest = strrchr(text, ')');
	/* NOLINTNEXTLINE(cert-err34-c): the kernel's own numbers */
	return rest != NULL && sscanf(rest + 1, " %*c %d %*d %*d %u", parent, terminal) == 2;
}

static void set_terminal(json_t *who, pid_t pid)
{
	unsigned number = 0, class, line;
	int parent;
	char text[TEXT_SIZE];

	if (!read_stat(pid, &parent, &number) || number == 0)
		return;
	class = major(number);
	line = minor(number);
	if (class >= PTS_MAJOR && class < PTS_MAJOR + PTS_MAJORS)
		(void)snprintf(text, sizeof text, "pts/%u", (class - PTS_MAJOR) * 256 + line);
	else if (class == TTY_MAJOR && line >= SERIAL_LINES)
		(void)snprintf(text, sizeof text, "ttyS%u", line - SERIAL_LINES);
	else if (class == TTY_MAJOR)
		(void)snprintf(text, sizeof text, "tty%u", line);
	else
		(void)snprintf(text, sizeof text, "%u:%u", class, line);
	set_text(who, "terminal", text);
}

/* Also under sudo, and without a terminal, as Ansible comes. */
static bool set_session(json_t *who, pid_t pid)
{
	char *session = NULL, *host = NULL;
	bool told = sd_pid_get_session(pid, &session) >= 0 &&
	            sd_session_get_remote_host(session, &host) >= 0 && host != NULL &&
	            *host != '\0';

	if (told)
		set_text(who, "from", host);
	free(session);
	free(host);
	return told;
}

/* "SSH_CONNECTION=192.0.2.7 50000 192.0.2.1 22" */
static bool set_client(json_t *who, pid_t pid)
{
	static const char name[] = "SSH_CONNECTION=";
	static const size_t skip = sizeof name - 1;
	char *text = malloc(ENVIRONMENT_MAX);
	bool told = false;

	if (text == NULL)
		abort();
	size_t n = read_file(pid, "environ", text, ENVIRONMENT_MAX);
	for (size_t at = 0; at < n && !told; at += strlen(text + at) + 1) {
		if (strncmp(text + at, name, skip) != 0)
			continue;
		text[at + skip + strcspn(text + at + skip, " ")] = '\0';
		set_text(who, "from", text + at + skip);
		told = true;
	}
	free(text);
	return told;
}

/* sudo takes the variable away: whoever ran it still has it. */
static void set_from(json_t *who, pid_t pid)
{
	unsigned terminal;

	if (set_session(who, pid))
		return;
	for (int i = 0; i < ANCESTORS_MAX && pid > 1; i++)
		if (set_client(who, pid) || !read_stat(pid, &pid, &terminal))
			return;
}

json_t *asker_of(pid_t pid, uid_t uid)
{
	json_t *who = json_object();

	set_user(who, "uid", "user", uid);
	set_login(who, pid);
	(void)json_object_set_new(who, "pid", json_integer((json_int_t)pid));
	set_program(who, pid);
	set_terminal(who, pid);
	set_from(who, pid);
	return who;
}
