/* arguments.h - what stands behind a command's name, read into the variables of the command. */
#ifndef NODE_CTL_ARGUMENTS_H
#define NODE_CTL_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

enum { CTL_OPTIONS_MAX = 8 };

/* One of `flag`, `text` and `number` is not NULL: where the option goes, and what it takes. */
struct ctl_option {
	const char *name;  /* "last" of `--last N` */
	char letter;       /* 'n' of `-n N`; '\0': none */
	bool *flag;        /* takes nothing */
	const char **text; /* of argv, not copied */
	long *number;      /* a whole number ... */
	long least, most;  /* ... within these */
};

struct ctl_arguments {
	const char *command; /* "subscriber list": for the complaints */
	const struct ctl_option *options;
	size_t n_options;
	const char **word;  /* the one word that is no option; NULL: none may stand there */
	const char *wanted; /* the complaint where not exactly one does; NULL: it may be left out */
};

/* What was not given stays as it was. False: wrong usage, and a complaint was made. */
bool ctl_arguments(const struct ctl_arguments *a, int argc, char **argv);

#endif
