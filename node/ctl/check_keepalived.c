/* keepalived's file against the configuration: the names both sides must agree on, and the settings
 * without which a failover is slow or goes back and forth. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node/ctl/check.h"
#include "node/ctl/keepalived_file.h"

static const char what[] = "keepalived";

struct look {
	struct report *report;
	const struct config *config;
	const struct keepalived_file *file;
	const char *path;
	char instance[KEEPALIVED_TEXT_MAX]; /* "vrrp_instance NAME" */
};

/* `word` at that place must be followed by `wanted`. */
static void expect(struct look *l, const char *where, const char *word, const char *wanted)
{
	const char *value = keepalived_value(l->file, where, word);
	const char *place = *where != '\0' ? where : "the file";
	char remedy[2 * KEEPALIVED_TEXT_MAX];

	if (value != NULL && strcmp(value, wanted) == 0) {
		report_ok(l->report, what, "%s %s", word, wanted);
		return;
	}
	(void)snprintf(remedy, sizeof remedy, "write `%s%s%s` into %s of %s", word,
	               *wanted != '\0' ? " " : "", wanted, place, l->path);
	if (value == NULL)
		report_wrong(l->report, what, remedy, "%s is missing in %s", word, place);
	else
		report_wrong(l->report, what, remedy, "%s is %s, not %s", word, value, wanted);
}

static void check_track_file(struct look *l)
{
	char statement[KEEPALIVED_TEXT_MAX], where[2 * KEEPALIVED_TEXT_MAX], remedy[512];
	const char *block;
	const char *name, *use;

	(void)snprintf(statement, sizeof statement, "file %s", l->config->keepalived_track_file);
	block = keepalived_block_with(l->file, "track_file", statement);
	if (block == NULL)
		block = keepalived_block_with(l->file, "vrrp_track_file", statement);
	if (block == NULL) {
		(void)snprintf(remedy, sizeof remedy,
		               "add a block `track_file node_fault` with the lines `file \"%s\"` "
		               "and `weight 0` to %s",
		               l->config->keepalived_track_file, l->path);
		report_wrong(l->report, what, remedy,
		             "no track_file block reads %s: a sick node would keep the address",
		             l->config->keepalived_track_file);
		return;
	}
	name = strchr(block, ' ') + 1;
	(void)snprintf(where, sizeof where, "%s/track_file", l->instance);
	use = keepalived_value(l->file, where, name);
	if (use != NULL && (*use == '\0' || strcmp(use, "weight 0") == 0)) {
		report_ok(l->report, what, "track file %s as %s", l->config->keepalived_track_file,
		          name);
		return;
	}
	(void)snprintf(remedy, sizeof remedy,
	               "put the line `%.100s weight 0` into a block `track_file` of %.200s", name,
	               l->instance);
	report_wrong(l->report, what, remedy, "%s does not track %s with weight 0", l->instance,
	             name);
}

/* "10.0.0.10/24 dev eth0" is about 10.0.0.10. */
static bool names_address(const char *text, const struct addr *address)
{
	struct addr given;

	return addr_parse((struct slice){(const uint8_t *)text, strcspn(text, "/ ")}, &given) &&
	       addr_same_ip(&given, address);
}

static void check_address(struct look *l)
{
	char where[2 * KEEPALIVED_TEXT_MAX], remedy[512];
	uint8_t room[ADDR_TEXT_MAX];
	struct buf text = buf_on(room, sizeof room - 1);
	bool found = false;

	addr_put_ip(&text, &l->config->keepalived_address);
	(void)snprintf(where, sizeof where, "%s/virtual_ipaddress", l->instance);
	for (size_t i = 0; i < l->file->n; i++)
		found = found || (strcmp(l->file->statements[i].where, where) == 0 &&
		                  names_address(l->file->statements[i].text,
		                                &l->config->keepalived_address));
	if (found) {
		report_ok(l->report, what, "address " SLICE_FMT, SLICE_ARG(buf_slice(&text)));
		return;
	}
	(void)snprintf(remedy, sizeof remedy, "write it into %.240s of %.200s", where, l->path);
	report_wrong(l->report, what, remedy, "the virtual address " SLICE_FMT " is not in %s",
	             SLICE_ARG(buf_slice(&text)), where);
}

static void check_interval(struct look *l)
{
	const char *value = keepalived_value(l->file, l->instance, "advert_int");
	double wanted = (double)l->config->keepalived_advert_interval;
	double given = value != NULL ? strtod(value, NULL) * 1000 : 1000;
	char remedy[2 * KEEPALIVED_TEXT_MAX];

	if (given > wanted - 0.5 && given < wanted + 0.5) {
		report_ok(l->report, what, "advert_int %g s", given / 1000);
		return;
	}
	(void)snprintf(remedy, sizeof remedy,
	               "write `advert_int %g` into %.200s, or set keepalived.advert_interval",
	               wanted / 1000, l->instance);
	report_wrong(l->report, what, remedy,
	             "advert_int is %g s%s, keepalived.advert_interval %g s", given / 1000,
	             value == NULL ? " (its default)" : "", wanted / 1000);
}

static void check_instance(struct look *l)
{
	(void)snprintf(l->instance, sizeof l->instance, "vrrp_instance %s",
	               l->config->keepalived_instance);
	if (!keepalived_has_block(l->file, l->instance)) {
		char remedy[2 * KEEPALIVED_TEXT_MAX];
		(void)snprintf(remedy, sizeof remedy,
		               "name it so in %.200s, or set keepalived.instance", l->path);
		report_wrong(l->report, what, remedy, "there is no %s", l->instance);
		return;
	}
	report_ok(l->report, what, "%s", l->instance);
	expect(l, l->instance, "state", "BACKUP");
	expect(l, l->instance, "nopreempt", "");
	check_interval(l);
	check_track_file(l);
	check_address(l);
}

void check_keepalived(struct report *r, const struct config *config, const char *path)
{
	FILE *from;
	struct keepalived_file file;
	struct look l = {.report = r, .config = config, .file = &file, .path = path};

	if (config->unit == UNIT_STANDALONE) {
		report_ok(r, what, "a standalone unit has none");
		return;
	}
	from = fopen(path, "re");
	if (from == NULL) {
		report_wrong(r, what, "install and configure keepalived, or use --keepalived FILE",
		             "%s: %s", path, strerror(errno));
		return;
	}
	file = keepalived_read(from);
	(void)fclose(from);
	expect(&l, "global_defs", "vrrp_version", "3");
	expect(&l, "global_defs", "vrrp_notify_fifo", config->keepalived_fifo);
	expect(&l, "global_defs", "vrrp_higher_prio_send_advert", "true");
	expect(&l, "global_defs", "vrrp_garp_master_refresh", "1");
	check_instance(&l);
	keepalived_free(&file);
}
