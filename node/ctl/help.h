/* help.h - what `--help` says, for the program and for each command. */
#ifndef NODE_CTL_HELP_H
#define NODE_CTL_HELP_H

#include <stdbool.h>

const char *help_of(const char *command); /* "": of the program; an unknown one: the same */
bool help_known(const char *command);

#endif
