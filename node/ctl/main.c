/* regpairctl: finds the command and runs it. */
#include <stdio.h>
#include <string.h>

#include "node/ctl/ctl.h"
#include "node/ctl/help.h"

/* Two words come before one: `bindings remove` before `bindings`. */
static const struct {
	const char *first, *second;
	ctl_command_fn *run;
} commands[] = {
	{"pair", "init", ctl_pair_init},
	{"pair", "renew", ctl_pair_renew},
	{"bindings", "remove", ctl_bindings_remove},
	{"bindings", NULL, ctl_bindings},
	{"subscriber", "add", ctl_subscriber_add},
	{"subscriber", "import", ctl_subscriber_import},
	{"subscriber", "list", ctl_subscriber_list},
	{"subscriber", "show", ctl_subscriber_show},
	{"subscriber", "remove", ctl_subscriber_remove},
	{"secret", "list", ctl_secret_list},
	{"secret", "rotate", ctl_secret_rotate},
	{"nap", "list", ctl_nap_list},
	{"nap", "show", ctl_nap_show},
	{"nap", "register", ctl_nap_register},
	{"nap", "unregister", ctl_nap_unregister},
	{"nap", "poll", ctl_nap_poll},
	{"status", NULL, ctl_status},
	{"alarms", NULL, ctl_alarms},
	{"domains", NULL, ctl_domains},
	{"events", NULL, ctl_events},
	{"log", NULL, ctl_log},
	{"history", NULL, ctl_history},
	{"divergence", NULL, ctl_divergence},
	{"diff", NULL, ctl_diff},
	{"switchover", NULL, ctl_switchover},
	{"takeover", NULL, ctl_takeover},
	{"reload", NULL, ctl_reload},
	{"log-level", NULL, ctl_log_level},
	{"trace", NULL, ctl_trace},
	{"audit", NULL, ctl_audit},
	{"support", NULL, ctl_support},
	{"config", NULL, ctl_config},
	{"check", NULL, ctl_check},
	{"check-store", NULL, ctl_check_store},
	{"backup", NULL, ctl_backup},
	{"restore", NULL, ctl_restore},
};

static int print_help(const char *command)
{
	(void)fputs(help_of(command), stdout);
	return CTL_DONE;
}

static bool wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

static int run(const struct ctl *ctl, int argc, char **argv)
{
	const char *second = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		bool two = commands[i].second != NULL;
		char name[64];
		if (strcmp(commands[i].first, argv[0]) != 0 ||
		    (two && strcmp(commands[i].second, second) != 0))
			continue;
		(void)snprintf(name, sizeof name, "%s%s%s", argv[0], two ? " " : "",
		               two ? second : "");
		if (wants_help(argc, argv))
			return print_help(name);
		return commands[i].run(ctl, argc - two, argv + two);
	}
	if (wants_help(argc, argv) && help_known(argv[0]))
		return print_help(argv[0]);
	if (help_known(argv[0]))
		return ctl_misused(argv[0], "%s: a second word is missing or unknown%s%s", argv[0],
		                   *second != '\0' ? ": " : "", second);
	return ctl_misused("", "unknown command: %s", argv[0]);
}

/* --control and --json may stand anywhere; what is left is the command. -1: wrong usage. */
static int take_common(struct ctl *ctl, int argc, char **argv)
{
	static const char control[] = "--control=";
	int n = 0;
	bool over = false;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0)
			over = true;
		if (!over && strcmp(argv[i], "--json") == 0)
			ctl->json = true;
		else if (!over && strncmp(argv[i], control, sizeof control - 1) == 0)
			ctl->socket = argv[i] + sizeof control - 1;
		else if (over || strcmp(argv[i], "--control") != 0)
			argv[n++] = argv[i];
		else if (++i < argc)
			ctl->socket = argv[i];
		else
			return -1;
	}
	argv[n] = NULL;
	return n;
}

static int ended(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	return code == CTL_DONE ? CTL_FAILED : code;
}

int main(int argc, char **argv)
{
	struct ctl ctl = {.socket = "/run/regpair/control.sock"};

	argc = take_common(&ctl, argc, argv);
	if (argc < 0)
		return ctl_misused("", "--control wants a socket");
	if (argc == 1) {
		(void)fputs(help_of(""), stderr);
		return CTL_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return ended(print_help(""));
	if (strcmp(argv[1], "--version") == 0) {
		(void)puts("regpairctl " REGPAIR_VERSION);
		return ended(CTL_DONE);
	}
	return ended(run(&ctl, argc - 1, argv + 1));
}
