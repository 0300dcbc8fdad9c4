/* `regpairctl check`: everything a node needs, before it is started. */
#include "node/ctl/check.h"

#include <sys/stat.h>

#include "node/ctl/arguments.h"
#include "node/io/pair_files.h"

static void check_files(struct report *r, const struct config *config)
{
	struct pair_files files;
	char fault[PAIR_FAULT_MAX];

	if (config->cluster_dir == NULL)
		report_ok(r, "certificates", "none: a standalone unit without cluster.dir");
	else if (pair_files_load(config->cluster_dir, config->unit, &files, fault) == OK)
		report_ok(r, "certificates", "%s: certificate, key and secret of the %s unit",
		          config->cluster_dir, config_unit_name(config->unit));
	else
		report_wrong(r, "certificates", "", "%s", fault);
}

static bool holds_passwords(const struct config *config)
{
	for (size_t i = 0; i < config->nap_count; i++)
		if (config->naps[i].password[0] != '\0')
			return true;
	return false;
}

static void check_secrecy(struct report *r, const char *path, const struct config *config)
{
	struct stat st;

	if (!holds_passwords(config) || stat(path, &st) != 0)
		return;
	if ((st.st_mode & S_IROTH) == 0)
		report_ok(r, "passwords", "%s: not for everybody to read", path);
	else
		report_wrong(r, "passwords", "chmod o-r, and give it to regpaird's group",
		             "%s holds passwords of NAPs, and everybody on this host may read it",
		             path);
}

static int check_all(const struct ctl *ctl, const char *path, const char *keepalived)
{
	struct report r = report_begin(ctl);
	struct config *config = NULL;
	struct config_fault fault;

	if (config_load(path, &config, &fault) == OK) {
		report_ok(&r, "configuration",
		          "%s: %s unit, %zu domain(s), %zu transport(s), %zu NAP(s)", path,
		          config_unit_name(config->unit), config->domain_count,
		          config->transport_count, config->nap_count);
		check_secrecy(&r, path, config);
		check_files(&r, config);
		check_store(&r, config->store_dir);
		check_keepalived(&r, config, keepalived);
		config_free(&config);
	} else if (fault.line > 0) {
		report_wrong(&r, "configuration", "the rest is checked once this is right",
		             "%s:%d: %s", fault.file, fault.line, fault.text);
	} else {
		report_wrong(&r, "configuration", "the rest is checked once this is right",
		             "%s: %s", fault.file, fault.text);
	}
	return report_end(&r);
}

int ctl_check(const struct ctl *ctl, int argc, char **argv)
{
	const char *config = CTL_CONFIG, *keepalived = CTL_KEEPALIVED;
	const struct ctl_option options[] = {{"config", .text = &config},
	                                     {"keepalived", .text = &keepalived}};
	const struct ctl_arguments wanted = {"check", .options = options,
	                                     .n_options = ARRAY_LEN(options)};

	if (!ctl_arguments(&wanted, argc, argv))
		return CTL_USAGE;
	return check_all(ctl, config, keepalived);
}
