/* `regpairctl pair init` and `pair renew`: the files that make two nodes one pair; no node runs yet. */
#include <stdio.h>
#include <time.h>

#include "node/ctl/arguments.h"
#include "node/ctl/ctl.h"
#include "node/io/pair_files.h"

enum { DAYS_DEFAULT = 3650 };

/* What the options of both verbs go to. */
struct request {
	struct pair_plan plan;
	const char *primary, *secondary;
	long days;
};

static bool read_address(const char *text, struct addr *out)
{
	return text == NULL || (addr_parse(slice_str(text), out) && out->port == 0);
}

static bool read_request(const struct ctl_arguments *wanted, struct request *r, int argc,
                         char **argv)
{
	r->days = DAYS_DEFAULT;
	if (!ctl_arguments(wanted, argc, argv))
		return false;
	r->plan.days = (int)r->days;
	r->plan.now = time(NULL);
	if (!read_address(r->primary, &r->plan.primary) ||
	    !read_address(r->secondary, &r->plan.secondary))
		return ctl_misused(wanted->command,
		                   "--primary and --secondary take an IP address without a port") ==
		       CTL_DONE;
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

int ctl_pair_init(const struct ctl *ctl, int argc, char **argv)
{
	struct request r = {0};
	const struct ctl_option options[] = {
		{"primary", .text = &r.primary},
		{"secondary", .text = &r.secondary},
		{"standalone", .flag = &r.plan.standalone},
		{"force", .flag = &r.plan.force},
		{"days", .number = &r.days, .least = 1, .most = PAIR_DAYS_MAX},
	};
	const struct ctl_arguments wanted = {"pair init", .options = options,
	                                     .n_options = ARRAY_LEN(options), .word = &r.plan.dir,
	                                     .wanted = "one DIR is wanted"};
	char fault[PAIR_FAULT_MAX];

	(void)ctl;
	if (!read_request(&wanted, &r, argc, argv))
		return CTL_USAGE;
	if (r.plan.standalone && (r.primary != NULL || r.secondary != NULL))
		return ctl_misused("pair init",
		                   "--standalone goes without --primary and --secondary");
	if (!r.plan.standalone && (r.primary == NULL || r.secondary == NULL))
		return ctl_misused("pair init",
		                   "--primary and --secondary are needed, or --standalone");
	if (pair_files_make(&r.plan, fault) != OK) {
		ctl_complain("%s", fault);
		return CTL_FAILED;
	}
	say_made(&r.plan);
	return CTL_DONE;
}

int ctl_pair_renew(const struct ctl *ctl, int argc, char **argv)
{
	struct request r = {0};
	bool new_ca = false;
	const struct ctl_option options[] = {
		{"primary", .text = &r.primary},
		{"secondary", .text = &r.secondary},
		{"new-ca", .flag = &new_ca},
		{"days", .number = &r.days, .least = 1, .most = PAIR_DAYS_MAX},
	};
	const struct ctl_arguments wanted = {"pair renew", .options = options,
	                                     .n_options = ARRAY_LEN(options), .word = &r.plan.dir,
	                                     .wanted = "one DIR is wanted"};
	char fault[PAIR_FAULT_MAX];

	(void)ctl;
	if (!read_request(&wanted, &r, argc, argv))
		return CTL_USAGE;
	if (pair_files_renew(&r.plan, new_ca, fault) != OK) {
		ctl_complain("%s", fault);
		return CTL_FAILED;
	}
	(void)printf("%s: certificates for both nodes%s, good for %d days\n", r.plan.dir,
	             new_ca ? " and a new CA" : "", r.plan.days);
	return CTL_DONE;
}
