#include "node/io/documents.h"

#include <string.h>

#include "node/core/alarms.h"
#include "node/io/config.h"
#include "node/io/mib.h"
#include "proto/base/defs.h"

static void print_alarms(FILE *to)
{
	(void)fputs("| alarm | severity | meaning | remedy |\n| --- | --- | --- | --- |\n", to);
	for (const struct alarm_row *a = alarm_rows(); a < alarm_rows() + alarm_count(); a++)
		(void)fprintf(to, "| `%s` | %s | %s | %s |\n", a->name,
		              alarm_severity_name(a->severity), a->meaning, a->remedy);
}

static const struct document table[] = {
	{"--print-defaults", NULL, config_print_defaults},
	{"--print-manual", "docs/regpair.yaml.5", config_print_manual},
	{"--print-reference", "docs/configuration.md", config_print_reference},
	{"--print-mib", "ha/snmp/REGPAIR-MIB.txt", mib_print},
	{"--print-alarms", "docs/operate.md", print_alarms},
};

const struct document *documents(void)
{
	return table;
}

size_t document_count(void)
{
	return ARRAY_LEN(table);
}

const struct document *document_of(const char *option)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (strcmp(table[i].option, option) == 0)
			return &table[i];
	return NULL;
}
