/* prompt.h - what is asked of a person: a password (or from a file), a yes. */
#ifndef NODE_CTL_PROMPT_H
#define NODE_CTL_PROMPT_H

#include <stdbool.h>

enum { PASSWORD_MAX = 256 };

/* The first line of the file ("-": of standard input). False: why was said. */
bool password_from_file(const char *path, char to[PASSWORD_MAX + 2]);
/* Asked twice on the terminal. */
bool password_from_terminal(const char *whose, char to[PASSWORD_MAX + 2]);

/* False also where nobody can be asked: `--yes` is told of then. */
bool prompt_yes(const char *question);

#endif
