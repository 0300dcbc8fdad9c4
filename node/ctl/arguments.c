#include "node/ctl/arguments.h"

#include <assert.h>
#include <getopt.h>
#include <stdlib.h>

#include "node/ctl/ctl.h"

static bool take_number(const struct ctl_option *o, const char *text)
{
	char *end = NULL;
	long n = strtol(text, &end, 10);

	if (end == text || *end != '\0' || n < o->least || n > o->most) {
		ctl_complain("--%s takes a number from %ld to %ld, not %s", o->name, o->least,
		             o->most, text);
		return false;
	}
	*o->number = n;
	return true;
}

static bool take(const struct ctl_option *o, const char *text)
{
	if (o->flag != NULL)
		*o->flag = true;
	if (o->text != NULL)
		*o->text = text;
	return o->number == NULL || take_number(o, text);
}

/* getopt gives the place in `options`, from 1 on; or a letter. */
static const struct ctl_option *found(const struct ctl_arguments *a, int option)
{
	for (size_t i = 0; i < a->n_options; i++)
		if (option == (int)i + 1 || (option != '\0' && option == a->options[i].letter))
			return &a->options[i];
	return NULL;
}

static bool take_options(const struct ctl_arguments *a, int argc, char **argv)
{
	struct option options[CTL_OPTIONS_MAX + 1] = {0};
	char letters[2 * CTL_OPTIONS_MAX + 1];
	size_t n = 0;
	int option;

	assert(a->n_options <= CTL_OPTIONS_MAX);
	for (size_t i = 0; i < a->n_options; i++) {
		const struct ctl_option *o = &a->options[i];
		int takes = o->flag != NULL ? no_argument : required_argument;
		options[i] = (struct option){o->name, takes, NULL, (int)i + 1};
		if (o->letter == '\0')
			continue;
		letters[n++] = o->letter;
		if (takes == required_argument)
			letters[n++] = ':';
	}
	letters[n] = '\0';
	optind = 0; /* the program's own options were read before: begin anew */
	while ((option = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		const struct ctl_option *o = found(a, option);
		if (o == NULL) /* getopt has said what is wrong */
			return ctl_misused(a->command, "wrong usage") == CTL_DONE;
		if (!take(o, optarg))
			return false;
	}
	return true;
}

bool ctl_arguments(const struct ctl_arguments *a, int argc, char **argv)
{
	if (!take_options(a, argc, argv))
		return false;
	if (a->wanted != NULL && argc - optind != 1)
		return ctl_misused(a->command, "%s", a->wanted) == CTL_DONE;
	if (a->word != NULL && optind < argc)
		*a->word = argv[optind++];
	if (optind < argc)
		return ctl_misused(a->command, "unexpected argument: %s", argv[optind]) == CTL_DONE;
	return true;
}
