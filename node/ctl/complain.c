/* What goes wrong, said on standard error behind what was printed so far. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/ctl/ctl.h"

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

long ctl_number(const char *option, const char *text, long least, long most)
{
	char *end = NULL;
	long n = strtol(text, &end, 10);

	if (end != text && *end == '\0' && n >= least && n <= most)
		return n;
	ctl_complain("%s takes a number from %ld to %ld, not %s", option, least, most, text);
	return -1;
}
