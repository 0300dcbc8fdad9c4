#include "node/ctl/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "node/ctl/ctl.h"

enum { ROOM = PASSWORD_MAX + 2 };

static bool usable(char *line)
{
	size_t n = strcspn(line, "\r\n");

	line[n] = '\0';
	if (n == 0)
		ctl_complain("the password is empty");
	else if (n > PASSWORD_MAX)
		ctl_complain("the password is longer than %d bytes", PASSWORD_MAX);
	return n > 0 && n <= PASSWORD_MAX;
}

bool password_from_file(const char *path, char to[PASSWORD_MAX + 2])
{
	bool is_input = strcmp(path, "-") == 0;
	FILE *file = is_input ? stdin : fopen(path, "re");

	if (file == NULL) {
		(void)ctl_complain_file(path);
		return false;
	}
	if (fgets(to, ROOM, file) == NULL)
		to[0] = '\0';
	if (!is_input)
		(void)fclose(file);
	return usable(to);
}

/* One line from the terminal, or the signal that came first; -1: neither. */
static int line_or_signal(int tty, int signals, char *to)
{
	struct pollfd fds[] = {{.fd = tty, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
	struct signalfd_siginfo info;

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return -1;
	if (fds[1].revents != 0)
		return read(signals, &info, sizeof info) == (ssize_t)sizeof info
		               ? (int)info.ssi_signo
		               : -1;
	ssize_t n = read(tty, to, ROOM - 1);
	to[n > 0 ? n : 0] = '\0';
	return n > 0 ? 0 : -1;
}

/* A signal that comes while echo is off takes effect once it is on again. */
static bool ask(int tty, const char *text, char *to)
{
	struct termios before, silent;
	sigset_t wanted, old;
	int signals, came = -1;

	if (tcgetattr(tty, &before) != 0)
		return false;
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	(void)sigemptyset(&wanted);
	(void)sigaddset(&wanted, SIGINT);
	(void)sigaddset(&wanted, SIGTERM);
	(void)sigaddset(&wanted, SIGQUIT);
	(void)sigaddset(&wanted, SIGTSTP);
	(void)sigprocmask(SIG_BLOCK, &wanted, &old);
	signals = signalfd(-1, &wanted, SFD_CLOEXEC);
	(void)dprintf(tty, "%s", text);
	if (signals >= 0 && tcsetattr(tty, TCSAFLUSH, &silent) == 0)
		came = line_or_signal(tty, signals, to);
	(void)tcsetattr(tty, TCSAFLUSH, &before);
	(void)dprintf(tty, "\n");
	if (signals >= 0)
		(void)close(signals);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	if (came > 0)
		(void)raise(came);
	return came == 0;
}

bool password_from_terminal(const char *whose, char to[PASSWORD_MAX + 2])
{
	char text[320], again[ROOM];
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	bool same = false;

	if (tty < 0) {
		ctl_complain("no terminal to ask on: %s\nUse --stdin or --password-file FILE",
		             strerror(errno));
		return false;
	}
	(void)snprintf(text, sizeof text, "Password of %.250s: ", whose);
	if (ask(tty, text, to) && usable(to) && ask(tty, "The same again: ", again) &&
	    usable(again)) {
		same = strcmp(to, again) == 0;
		if (!same)
			ctl_complain("the two are not the same; nothing was changed");
	}
	explicit_bzero(again, sizeof again);
	(void)close(tty);
	return same;
}

bool prompt_yes(const char *question)
{
	int first, c;

	if (!isatty(STDIN_FILENO)) {
		ctl_complain("%s It wants --yes where nobody can be asked", question);
		return false;
	}
	(void)fprintf(stderr, "%s [y/N] ", question);
	first = c = getchar();
	while (c != '\n' && c != EOF)
		c = getchar();
	return first == 'y' || first == 'Y';
}
