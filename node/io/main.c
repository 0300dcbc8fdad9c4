#include <getopt.h>
#include <stdlib.h>
#include <sysexits.h>

#include "node/io/config.h"
#include "node/io/documents.h"
#include "node/io/loop.h"

static void usage(FILE *to)
{
	static const char text[] =
		"Usage: regpaird --config FILE\n"
		"       regpaird --check FILE | --print-defaults | --print-manual |\n"
		"                --print-reference | --print-mib | --print-alarms | --version | "
		"--help\n"
		"\n"
		"One node of a SIP registrar pair. It runs in the foreground and logs to\n"
		"standard error; SIGTERM stops it, handing over to the standby first; SIGHUP\n"
		"makes it read its configuration again.\n"
		"\n"
		"  --config FILE     run with this configuration\n"
		"  --check FILE      say whether it can be used, and what is wrong where\n"
		"  --print-defaults  print every key with its default, bounds and meaning\n"
		"  --print-manual    print the same as a manual page, regpair.yaml(5)\n"
		"  --print-reference print the same in Markdown\n"
		"  --print-mib       print REGPAIR-MIB, for SNMP managers\n"
		"  --print-alarms    print every alarm with meaning and remedy, in Markdown\n"
		"\n"
		"Exit codes: 0 ended as asked, 64 wrong use, 69 an address or port is not to\n"
		"be had, 71 the system refused, 73 a file cannot be made, 74 the store cannot\n"
		"be used, 78 the configuration or the pair's files are wrong.\n";

	(void)fputs(text, to);
}

static struct config *load(const char *path)
{
	struct config_fault fault;
	struct config *config = NULL;

	if (config_load(path, &config, &fault) == OK)
		return config;
	if (fault.line > 0)
		(void)fprintf(stderr, "%s:%d: %s\n", fault.file, fault.line, fault.text);
	else
		(void)fprintf(stderr, "%s: %s\n", fault.file, fault.text);
	return NULL;
}

static int run(const char *path, bool only_check)
{
	struct config *config = load(path);
	int code = 0;

	if (config == NULL)
		return EX_CONFIG;
	if (only_check) {
		(void)printf("%s: can be used\n", path);
	} else {
		struct log log = log_to_stderr(config->log_level);
		code = loop_run(config, path, &log);
	}
	config_free(&config);
	return code;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'f'},
	                                        {"check", required_argument, NULL, 'c'},
	                                        {"version", no_argument, NULL, 'v'},
	                                        {"help", no_argument, NULL, 'h'},
	                                        {NULL, 0, NULL, 0}};
	const struct document *document = argc == 2 ? document_of(argv[1]) : NULL;

	if (document != NULL) {
		document->print(stdout);
		return 0;
	}
	int option = getopt_long(argc, argv, "f:c:h", options, NULL);

	if (option != -1 && optind < argc)
		option = '?';
	switch (option) {
	case 'f':
		return run(optarg, false);
	case 'c':
		return run(optarg, true);
	case 'v':
		(void)puts("regpaird " REGPAIR_VERSION);
		return 0;
	case 'h':
		usage(stdout);
		return 0;
	default:
		usage(stderr);
		return EX_USAGE;
	}
}
