/* `regpairctl support`: what whoever helps wants to see, in one file without secrets (ha/support). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/ctl/arguments.h"
#include "node/ctl/ctl.h"

enum { PATH_SIZE = 4096 };

int ctl_support(const struct ctl *ctl, int argc, char **argv)
{
	const char *config = CTL_CONFIG, *keepalived = CTL_KEEPALIVED, *bundle = NULL;
	const struct ctl_option options[] = {{"config", .text = &config},
	                                     {"keepalived", .text = &keepalived}};
	const struct ctl_arguments wanted = {"support", .options = options,
	                                     .n_options = ARRAY_LEN(options), .word = &bundle,
	                                     .wanted = "the file to make is wanted: FILE.tar.gz"};
	const char *program = getenv("REGPAIR_SUPPORT");
	char self[PATH_SIZE] = "";

	if (!ctl_arguments(&wanted, argc, argv))
		return CTL_USAGE;
	if (program == NULL)
		program = "/usr/lib/regpair/support";
	if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
		return ctl_complain_file("/proc/self/exe");
	(void)execl(program, program, bundle, self, ctl->socket, config, keepalived, (char *)NULL);
	ctl_complain("%s: %s\nIt is of the package regpair; in a source tree: "
	             "REGPAIR_SUPPORT=ha/support",
	             program, strerror(errno));
	return CTL_FAILED;
}
