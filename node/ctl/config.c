/* `regpairctl config`: the configuration as a node understands it, to be shown to anybody. */
#include "node/io/config.h"

#include <getopt.h>
#include <stdio.h>

#include "node/ctl/ctl.h"

int ctl_config(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
	                                        {NULL, 0, NULL, 0}};
	const char *path = CTL_CONFIG;
	struct config *config;
	int option;

	(void)ctl;
	optind = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'c')
			return ctl_misused("config", "wrong usage");
		path = optarg;
	}
	if (optind < argc)
		return ctl_misused("config", "unexpected argument: %s", argv[optind]);
	config = ctl_read_config(path, "Another file: --config FILE");
	if (config == NULL)
		return CTL_FAILED;
	config_show(stdout, config);
	config_free(&config);
	return CTL_DONE;
}
