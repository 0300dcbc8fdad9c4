/* `regpairctl config`: the configuration as a node understands it, to be shown to anybody. */
#include "node/io/config.h"

#include <stdio.h>

#include "node/ctl/arguments.h"
#include "node/ctl/ctl.h"

int ctl_config(const struct ctl *ctl, int argc, char **argv)
{
	const char *path = CTL_CONFIG;
	const struct ctl_option options[] = {{"config", .text = &path}};
	const struct ctl_arguments wanted = {"config", .options = options,
	                                     .n_options = ARRAY_LEN(options)};
	struct config *config;

	(void)ctl;
	if (!ctl_arguments(&wanted, argc, argv))
		return CTL_USAGE;
	config = ctl_read_config(path, "Another file: --config FILE");
	if (config == NULL)
		return CTL_FAILED;
	config_show(stdout, config);
	config_free(&config);
	return CTL_DONE;
}
