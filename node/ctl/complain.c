/* What goes wrong, said on standard error behind what was printed so far. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/ctl/ctl.h"
#include "node/io/config.h"

PRINTF_LIKE(1, 0) static void say(const char *format, va_list arguments)
{
	(void)fflush(stdout);
	(void)fputs("regpairctl: ", stderr);
	(void)vfprintf(stderr, format, arguments);
}

void ctl_complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
	(void)fputc('\n', stderr);
}

int ctl_misused(const char *command, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
	(void)fprintf(stderr, "\n(see regpairctl %s%s--help)\n", command,
	              *command != '\0' ? " " : "");
	return CTL_USAGE;
}

static const char *file_remedy(int why)
{
	switch (why) {
	case EACCES:
	case EPERM:
		return "It is for root, or for regpaird's group: try sudo";
	case ENOENT:
		return "Is the path right? regpairctl config shows those of the configuration";
	case ENOSPC:
	case EDQUOT:
		return "Its disk is full: make room, or name a file elsewhere";
	default:
		return "Look at the disk: journalctl -k";
	}
}

int ctl_complain_file(const char *path)
{
	int why = errno;

	ctl_complain("%s: %s\n%s", path, strerror(why), file_remedy(why));
	return CTL_FAILED;
}

struct config *ctl_read_config(const char *path, const char *remedy)
{
	struct config *config = NULL;
	struct config_fault fault;

	if (config_load(path, &config, &fault) == OK)
		return config;
	if (fault.line > 0)
		ctl_complain("%s:%d: %s\n%s", fault.file, fault.line, fault.text, remedy);
	else
		ctl_complain("%s: %s\n%s", fault.file, fault.text, remedy);
	return NULL;
}
