/* `regpairctl support`: what whoever helps wants to see, in one file without secrets (ha/support). */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/ctl/ctl.h"

enum { PATH_SIZE = 4096 };

int ctl_support(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
	                                        {"keepalived", required_argument, NULL, 'k'},
	                                        {NULL, 0, NULL, 0}};
	const char *config = CTL_CONFIG, *keepalived = CTL_KEEPALIVED;
	const char *program = getenv("REGPAIR_SUPPORT");
	char self[PATH_SIZE] = "";
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'c')
			config = optarg;
		else if (option == 'k')
			keepalived = optarg;
		else
			return ctl_misused("support", "wrong usage");
	}
	if (optind + 1 != argc)
		return ctl_misused("support", "the file to make is wanted: FILE.tar.gz");
	if (program == NULL)
		program = "/usr/lib/regpair/support";
	if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
		return ctl_complain_file("/proc/self/exe");
	(void)execl(program, program, argv[optind], self, ctl->socket, config, keepalived,
	            (char *)NULL);
	ctl_complain("%s: %s\nIt is of the package regpair; in a source tree: "
	             "REGPAIR_SUPPORT=ha/support",
	             program, strerror(errno));
	return CTL_FAILED;
}
