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
	OPTION_NEW_CA,
	OPTION_DAYS,
	OPTION_HELP
};

static const char init_usage[] =
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

static const char renew_usage[] =
	"usage: regpairctl pair renew DIR [--new-ca] [--days N] [--primary ADDRESS]\n"
	"                                 [--secondary ADDRESS]\n"
	"\n"
	"Makes new certificates and keys for both nodes of a pair, into the DIR that `pair init`\n"
	"made: it needs DIR/ca.pem and DIR/ca-key.pem. Cluster id and secret stay. Copy ca.pem,\n"
	"cert.pem and key.pem of DIR/primary and DIR/secondary to the nodes' `cluster.dir` and\n"
	"`regpairctl reload` each: nobody is restarted, and the nodes stay connected.\n"
	"\n"
	"  --new-ca             a new CA, too. Both nodes trust the former beside it until the\n"
	"                       next renewal: copy ca.pem to both and reload both before either\n"
	"                       gets its new certificate\n"
	"  --days N             how long they hold (default 3650, at most 36500), but no longer\n"
	"                       than the CA\n"
	"  --primary ADDRESS    the primary unit's new address, if it has one\n"
	"  --secondary ADDRESS  the secondary unit's\n"
	"  --help               this text\n"
	"\n"
	"exit code: 0 done, 1 refused or failed, 2 wrong usage\n";

static const struct option init_options[] = {
	{"primary", required_argument, NULL, OPTION_PRIMARY},
	{"secondary", required_argument, NULL, OPTION_SECONDARY},
	{"standalone", no_argument, NULL, OPTION_STANDALONE},
	{"force", no_argument, NULL, OPTION_FORCE},
	{"days", required_argument, NULL, OPTION_DAYS},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

static const struct option renew_options[] = {
	{"primary", required_argument, NULL, OPTION_PRIMARY},
	{"secondary", required_argument, NULL, OPTION_SECONDARY},
	{"new-ca", no_argument, NULL, OPTION_NEW_CA},
	{"days", required_argument, NULL, OPTION_DAYS},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

/* The verb, and what was asked of it. */
struct request {
	const char *verb, *usage;
	const struct option *options;
	struct pair_plan plan;
	bool new_ca, help;
};

static bool complain(const struct request *r, const char *what, const char *about)
{
	(void)fprintf(stderr, "regpairctl pair %s: %s%s\n(see regpairctl pair %s --help)\n",
	              r->verb, what, about, r->verb);
	return false;
}

static bool read_address(const struct request *r, const char *text, struct addr *out)
{
	if (addr_parse(slice_str(text), out) && out->port == 0)
		return true;
	return complain(r, "not an IP address without a port: ", text);
}

static bool read_days(const struct request *r, const char *text, int *out)
{
	char *end = NULL;
	long days = strtol(text, &end, 10);

	if (end == text || *end != '\0' || days < 1 || days > PAIR_DAYS_MAX)
		return complain(r, "--days takes a number from 1 to 36500, not ", text);
	*out = (int)days;
	return true;
}

static bool read_option(int option, struct request *r)
{
	switch (option) {
	case OPTION_PRIMARY:
		return read_address(r, optarg, &r->plan.primary);
	case OPTION_SECONDARY:
		return read_address(r, optarg, &r->plan.secondary);
	case OPTION_DAYS:
		return read_days(r, optarg, &r->plan.days);
	case OPTION_STANDALONE:
		return r->plan.standalone = true;
	case OPTION_FORCE:
		return r->plan.force = true;
	case OPTION_NEW_CA:
		return r->new_ca = true;
	case OPTION_HELP:
		return r->help = true;
	default: /* getopt has said what is wrong */
		return complain(r, "wrong usage", "");
	}
}

static bool read_arguments(int argc, char **argv, struct request *r)
{
	int option;

	r->plan.days = DAYS_DEFAULT;
	r->plan.now = time(NULL);
	optind = 0; /* the program's own options were read before: begin anew */
	while ((option = getopt_long(argc, argv, "", r->options, NULL)) != -1)
		if (!read_option(option, r))
			return false;
	if (r->help)
		return true;
	if (optind < argc)
		r->plan.dir = argv[optind++];
	if (optind < argc)
		return complain(r, "unexpected argument: ", argv[optind]);
	return r->plan.dir != NULL || complain(r, "DIR is missing", "");
}

static bool is_complete(const struct request *r)
{
	const struct pair_plan *plan = &r->plan;
	bool both = plan->primary.family != ADDR_NONE && plan->secondary.family != ADDR_NONE;
	bool any = plan->primary.family != ADDR_NONE || plan->secondary.family != ADDR_NONE;

	if (plan->standalone && any)
		return complain(r, "--standalone goes without --primary and --secondary", "");
	if (!plan->standalone && !both)
		return complain(r, "--primary and --secondary are needed, or --standalone", "");
	return true;
}

static void say_made(const struct pair_plan *plan)
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

static int failed(const struct request *r, const char *fault)
{
	(void)fprintf(stderr, "regpairctl pair %s: %s\n", r->verb, fault);
	return EXIT_FAILURE;
}

static int helped(const struct request *r)
{
	(void)fputs(r->usage, stdout);
	return EXIT_SUCCESS;
}

int ctl_pair_init(int argc, char **argv)
{
	struct request r = {.verb = "init", .usage = init_usage, .options = init_options};
	char fault[PAIR_FAULT_MAX];

	if (!read_arguments(argc, argv, &r))
		return EXIT_USAGE;
	if (r.help)
		return helped(&r);
	if (!is_complete(&r))
		return EXIT_USAGE;
	if (pair_files_make(&r.plan, fault) != OK)
		return failed(&r, fault);
	say_made(&r.plan);
	return EXIT_SUCCESS;
}

int ctl_pair_renew(int argc, char **argv)
{
	struct request r = {.verb = "renew", .usage = renew_usage, .options = renew_options};
	char fault[PAIR_FAULT_MAX];

	if (!read_arguments(argc, argv, &r))
		return EXIT_USAGE;
	if (r.help)
		return helped(&r);
	if (pair_files_renew(&r.plan, r.new_ca, fault) != OK)
		return failed(&r, fault);
	(void)printf("%s: certificates for both nodes%s, good for %d days\n", r.plan.dir,
	             r.new_ca ? " and a new CA" : "", r.plan.days);
	return EXIT_SUCCESS;
}
