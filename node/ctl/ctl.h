/* ctl.h - what every command of regpairctl is: a function with arguments and an exit code. */
#ifndef NODE_CTL_CTL_H
#define NODE_CTL_CTL_H

#include <stdbool.h>

#include "proto/base/defs.h"

enum ctl_exit {
	CTL_DONE,
	CTL_FAILED,  /* refused or failed; why was said on standard error */
	CTL_USAGE,   /* wrong usage; what was said on standard error */
	CTL_NO_NODE, /* nobody answers on the control socket */
	CTL_UNKNOWN, /* what was asked could not be found out; why was said on standard error */
};

#define CTL_CONFIG     "/etc/regpair/regpair.yaml"
#define CTL_KEEPALIVED "/etc/keepalived/keepalived.conf"

struct config;

/* The options that stand before or behind any command. */
struct ctl {
	const char *socket;
	bool json;
};

/* argv[0] is the command's last word; its arguments follow. */
typedef int ctl_command_fn(const struct ctl *ctl, int argc, char **argv);

/* What asks the running node. */
ctl_command_fn ctl_status, ctl_bindings, ctl_bindings_remove, ctl_switchover, ctl_takeover;
ctl_command_fn ctl_alarms, ctl_domains, ctl_events, ctl_diff, ctl_reload, ctl_log_level, ctl_trace;
ctl_command_fn ctl_nap_list, ctl_nap_show, ctl_nap_register, ctl_nap_unregister, ctl_nap_poll;
ctl_command_fn ctl_subscriber_add, ctl_subscriber_import, ctl_subscriber_list,
	ctl_subscriber_remove, ctl_subscriber_show;
ctl_command_fn ctl_secret_list, ctl_secret_rotate;
/* What reads files. */
ctl_command_fn ctl_support;
ctl_command_fn ctl_config, ctl_log, ctl_history, ctl_audit, ctl_divergence, ctl_check,
	ctl_check_store;
ctl_command_fn ctl_backup;
/* What writes them. */
ctl_command_fn ctl_restore, ctl_pair_init, ctl_pair_renew;

/* "regpairctl: ..." on standard error. */
void ctl_complain(const char *format, ...) PRINTF_LIKE(1, 2);
/* The same, and where to read more; CTL_USAGE. */
int ctl_misused(const char *command, const char *format, ...) PRINTF_LIKE(2, 3);
/* "FILE: ..." by errno, and the remedy; CTL_FAILED. */
int ctl_complain_file(const char *path);
/* A configuration as it is used, or NULL and a complaint that names file, line and `remedy`. */
struct config *ctl_read_config(const char *path, const char *remedy);

#endif
