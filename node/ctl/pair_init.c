#include "node/ctl/pair_init.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/io/pair_files.h"

enum { EXIT_USAGE = 2, DAYS_DEFAULT = 3650 };
enum option_id {
	OPTION_PRIMARY = 1,
	OPTION_SECONDARY,
	OPTION_STANDALONE,
	OPTION_FORCE,
	OPTION_DAYS,
	OPTION_HELP
};

static const char usage[] =
	"usage: regpairctl pair init DIR --primary ADDRESS --secondary ADDRESS [--days N] "
	"[--force]\n"
	"       regpairctl pair init DIR --standalone [--force]\n"
	"\n"
	"Makes what two nodes need to be one pair: a CA of their own, a certificate and key for\n"
	"each, the cluster id and the first secret. DIR/primary and DIR/secondary go to the "
	"nodes'\n"
	"`cluster.dir`; DIR/ca-key.pem is best kept elsewhere.\n"
	"\n"
	"  --primary ADDRESS    IP address of the primary unit on the link between the nodes\n"
	"  --secondary ADDRESS  IP address of the secondary unit\n"
	"  --standalone         for one node alone: only DIR/pair, with cluster id and secret\n"
	"  --days N             how long the certificates hold (default 3650, at most 36500)\n"
	"  --force              make a new pair over the files in DIR; the old one ends with that\n"
	"  --help               this text\n"
	"\n"
	"exit code: 0 done, 1 refused or failed, 2 wrong usage\n";

static bool complain(const char *what, const char *about)
{
	(void)fprintf(stderr, "regpairctl pair init: %s%s\n(see regpairctl pair init --help)\n",
	              what, about);
	return false;
}

static bool read_address(const char *text, struct addr *out)
{
	if (addr_parse(slice_str(text), out) && out->port == 0)
		return true;
	return complain("not an IP address without a port: ", text);
}

static bool read_days(const char *text, int *out)
{
	char *end = NULL;
	long days = strtol(text, &end, 10);

	if (end == text || *end != '\0' || days < 1 || days > PAIR_DAYS_MAX)
		return complain("--days takes a number from 1 to 36500, not ", text);
	*out = (int)days;
	return true;
}

static bool read_option(int option, struct pair_plan *plan, bool *help)
{
	switch (option) {
	case OPTION_PRIMARY:
		return read_address(optarg, &plan->primary);
	case OPTION_SECONDARY:
		return read_address(optarg, &plan->secondary);
	case OPTION_DAYS:
		return read_days(optarg, &plan->days);
	case OPTION_STANDALONE:
		return plan->standalone = true;
	case OPTION_FORCE:
		return plan->force = true;
	case OPTION_HELP:
		return *help = true;
	default: /* getopt has said what is wrong */
		return complain("wrong usage", "");
	}
}

static bool is_complete(const struct pair_plan *plan)
{
	bool both = plan->primary.family != ADDR_NONE && plan->secondary.family != ADDR_NONE;
	bool any = plan->primary.family != ADDR_NONE || plan->secondary.family != ADDR_NONE;

	if (plan->dir == NULL)
		return complain("DIR is missing", "");
	if (plan->standalone && any)
		return complain("--standalone goes without --primary and --secondary", "");
	if (!plan->standalone && !both)
		return complain("--primary and --secondary are needed, or --standalone", "");
	return true;
}

static bool read_arguments(int argc, char **argv, struct pair_plan *plan, bool *help)
{
	static const struct option options[] = {
		{"primary", required_argument, NULL, OPTION_PRIMARY},
		{"secondary", required_argument, NULL, OPTION_SECONDARY},
		{"standalone", no_argument, NULL, OPTION_STANDALONE},
		{"force", no_argument, NULL, OPTION_FORCE},
		{"days", required_argument, NULL, OPTION_DAYS},
		{"help", no_argument, NULL, OPTION_HELP},
		{NULL, 0, NULL, 0},
	};
	int option;

	optind = 0; /* the program's own options were read before: begin anew */
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!read_option(option, plan, help))
			return false;
	if (*help)
		return true;
	if (optind < argc)
		plan->dir = argv[optind++];
	if (optind < argc)
		return complain("unexpected argument: ", argv[optind]);
	return is_complete(plan);
}

static void say_done(const struct pair_plan *plan)
{
	if (plan->standalone)
		(void)printf("%s/pair: cluster id and first secret of a standalone unit\n",
		             plan->dir);
	else
		(void)printf("%s/primary    to the primary unit's cluster.dir\n"
		             "%s/secondary  to the secondary unit's cluster.dir\n"
		             "%s/ca-key.pem keep it elsewhere; it signs new certificates\n",
		             plan->dir, plan->dir, plan->dir);
}

int ctl_pair_init(int argc, char **argv)
{
	struct pair_plan plan = {.days = DAYS_DEFAULT, .now = time(NULL)};
	char fault[PAIR_FAULT_MAX];
	bool help = false;

	if (!read_arguments(argc, argv, &plan, &help))
		return EXIT_USAGE;
	if (help) {
		(void)fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (pair_files_make(&plan, fault) != OK) {
		(void)fprintf(stderr, "regpairctl pair init: %s\n", fault);
		return EXIT_FAILURE;
	}
	say_done(&plan);
	return EXIT_SUCCESS;
}
