/* text.h - reading SIP text without the project's parser. */
#ifndef TESTS_SIM_TEXT_H
#define TESTS_SIM_TEXT_H

#include <stdio.h>
#include <string.h>

#include "tests/sim/message.h"

/* Where the text goes on behind it; NULL: it is not there. */
static inline const char *text_behind(const char *text, const char *before)
{
	const char *found = text != NULL ? strstr(text, before) : NULL;

	return found != NULL ? found + strlen(before) : NULL;
}

/* Up to the first of `ends`; nothing where `from` is NULL. */
static inline void text_copy(char *to, size_t room, const char *from, const char *ends)
{
	to[0] = '\0';
	if (from != NULL)
		(void)snprintf(to, room, "%.*s", (int)strcspn(from, ends), from);
}

/* -1: there is none. */
static inline long text_number(const char *text, const char *before)
{
	const char *found = text != NULL ? strstr(text, before) : NULL;

	return message_number(&found, before);
}

#endif
