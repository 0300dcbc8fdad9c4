/* REGPAIR-MIB, printed: the status table, and what stands in mib_objects.c. */
#include "node/io/mib.h"

#include <string.h>

#include "node/core/alarms.h"
#include "node/io/mib_parts.h"
#include "proto/base/defs.h"

static const char head[] =
	"REGPAIR-MIB DEFINITIONS ::= BEGIN\n"
	"\n"
	"-- Made by regpaird (its option print-mib): the figures stand in node/core/status.h.\n"
	"\n"
	"IMPORTS\n"
	"    MODULE-IDENTITY, OBJECT-TYPE, NOTIFICATION-TYPE, Counter64, Gauge32, Integer32\n"
	"        FROM SNMPv2-SMI\n"
	"    TEXTUAL-CONVENTION, TruthValue, DateAndTime\n"
	"        FROM SNMPv2-TC\n"
	"    MODULE-COMPLIANCE, OBJECT-GROUP, NOTIFICATION-GROUP\n"
	"        FROM SNMPv2-CONF\n"
	"    sysName\n"
	"        FROM SNMPv2-MIB\n"
	"    " MIB_PARENT "\n"
	"        FROM " MIB_PARENT_MODULE ";\n"
	"\n"
	"regpair MODULE-IDENTITY\n"
	"    LAST-UPDATED \"202611230000Z\"\n"
	"    ORGANIZATION \"Regpair\"\n"
	"    CONTACT-INFO \"The maintainers of Regpair\"\n"
	"    DESCRIPTION  \"A node of a Regpair SIP registrar pair. What it reads of itself is "
	"what\n"
	"                 `regpairctl status`, `alarms` and `nap list` show.\"\n"
	"    REVISION     \"202611230000Z\"\n"
	"    DESCRIPTION  \"The first.\"\n";

static const char conventions[] =
	"\nregpairNotifications OBJECT IDENTIFIER ::= { regpair 0 }\n"
	"regpairObjects       OBJECT IDENTIFIER ::= { regpair 1 }\n"
	"regpairConformance   OBJECT IDENTIFIER ::= { regpair 2 }\n"
	"regpairFigures       OBJECT IDENTIFIER ::= { regpairObjects 1 }\n"
	"regpairEvent         OBJECT IDENTIFIER ::= { regpairObjects 6 }\n"
	"regpairRaised        OBJECT IDENTIFIER ::= { regpairObjects 7 }\n"
	"regpairGroups        OBJECT IDENTIFIER ::= { regpairConformance 1 }\n"
	"regpairCompliances   OBJECT IDENTIFIER ::= { regpairConformance 2 }\n"
	"\n"
	"RegpairText ::= TEXTUAL-CONVENTION\n"
	"    DISPLAY-HINT \"512t\"\n"
	"    STATUS       current\n"
	"    DESCRIPTION  \"UTF-8, for people; a longer one is cut.\"\n"
	"    SYNTAX       OCTET STRING (SIZE (0..512))\n"
	"\n"
	"RegpairKey ::= TEXTUAL-CONVENTION\n"
	"    DISPLAY-HINT \"64t\"\n"
	"    STATUS       current\n"
	"    DESCRIPTION  \"A name that numbers a row.\"\n"
	"    SYNTAX       OCTET STRING (SIZE (1..64))\n"
	"\n"
	"RegpairGauge64 ::= TEXTUAL-CONVENTION\n"
	"    DISPLAY-HINT \"d\"\n"
	"    STATUS       current\n"
	"    DESCRIPTION  \"What is now, as Gauge32, where that could be too small.\"\n"
	"    SYNTAX       Counter64\n"
	"\n"
	"RegpairSeverity ::= TEXTUAL-CONVENTION\n"
	"    STATUS       current\n"
	"    DESCRIPTION  \"How much an alarm matters.\"\n"
	"    SYNTAX       INTEGER { critical(1), major(2), minor(3), warning(4) }\n";

/* --- figures --- */

/* Positions, bytes and ages outgrow 32 bits: an age in 49 days. */
static bool is_wide(const struct status_field *f)
{
	static const char *const ends[] = {"seq", "bytes", "since_ms", "age_ms", "takeover_ms"};
	struct slice name = slice_str(f->name);

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct slice end = slice_str(ends[i]);
		if (name.n >= end.n && slice_eq(slice_from(name, name.n - end.n), end))
			return true;
	}
	return false;
}

struct syntax {
	const char *name, *pass;
};

static struct syntax syntax_of(const struct status_field *f)
{
	switch (f->type) {
	case STATUS_IS_TEXT:
		return (struct syntax){"RegpairText", "string"};
	case STATUS_IS_FLAG:
		return (struct syntax){"TruthValue", "integer"};
	case STATUS_IS_TOTAL:
		return (struct syntax){"Counter64", "counter64"};
	case STATUS_IS_OFFSET:
		return (struct syntax){"Integer32", "integer"};
	case STATUS_IS_GAUGE:
	case STATUS_TYPES:
		break;
	}
	return is_wide(f) ? (struct syntax){"RegpairGauge64", "counter64"}
	                  : (struct syntax){"Gauge32", "gauge"};
}

const char *mib_pass_type(const struct status_field *f)
{
	return syntax_of(f).pass;
}

/* role_since_ms: regpairRoleSinceMs */
static void put_camel(FILE *to, const char *name)
{
	bool up = true;

	for (; *name != '\0'; name++) {
		if (*name != '_')
			(void)fputc(up && *name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name,
			            to);
		up = *name == '_';
	}
}

/* --- objects --- */

static void put_sentence(FILE *to, const char *text)
{
	bool small = *text >= 'a' && *text <= 'z';

	(void)fprintf(to, "\"%c%s%s\"", small ? *text - 'a' + 'A' : *text, text + 1,
	              text[strlen(text) - 1] == '.' ? "" : ".");
}

/* Behind its name. */
static void put_object(FILE *to, const struct mib_object *o, const char *under, unsigned number)
{
	(void)fprintf(to, " OBJECT-TYPE\n    SYNTAX      %s\n", o->syntax);
	if (o->units != NULL && o->units[0] != '\0')
		(void)fprintf(to, "    UNITS       \"%s\"\n", o->units);
	(void)fprintf(to, "    MAX-ACCESS  %s\n    STATUS      current\n    DESCRIPTION ",
	              o->access != NULL ? o->access : "read-only");
	put_sentence(to, o->help);
	(void)fprintf(to, "\n    ::= { %s %u }\n", under, number);
}

static void put_figures(FILE *to)
{
	const struct status_field *f = status_fields();

	for (size_t i = 0; i < status_field_count(); i++) {
		struct mib_object object = {
			.syntax = syntax_of(&f[i]).name, .units = f[i].unit, .help = f[i].help};
		(void)fputs("\nregpair", to);
		put_camel(to, f[i].name);
		put_object(to, &object, "regpairFigures", f[i].oid);
	}
}

static void put_table(FILE *to, const struct mib_group *g)
{
	(void)fprintf(to,
	              "\n%sTable OBJECT-TYPE\n"
	              "    SYNTAX      SEQUENCE OF %c%sEntry\n"
	              "    MAX-ACCESS  not-accessible\n"
	              "    STATUS      current\n"
	              "    DESCRIPTION \"%s\"\n"
	              "    ::= { %s %u }\n",
	              g->table, g->table[0] - 'a' + 'A', g->table + 1, g->help, g->under,
	              g->number);
	(void)fprintf(to,
	              "\n%sEntry OBJECT-TYPE\n"
	              "    SYNTAX      %c%sEntry\n"
	              "    MAX-ACCESS  not-accessible\n"
	              "    STATUS      current\n"
	              "    DESCRIPTION \"One of them.\"\n"
	              "    INDEX       { %s }\n"
	              "    ::= { %sTable 1 }\n",
	              g->table, g->table[0] - 'a' + 'A', g->table + 1, g->index, g->table);
	(void)fprintf(to, "\n%c%sEntry ::= SEQUENCE {\n", g->table[0] - 'a' + 'A', g->table + 1);
	for (size_t i = 0; i < g->n; i++) {
		int base = (int)strcspn(g->at[i].syntax, " "); /* without its range */
		(void)fprintf(to, "    %s%s %.*s%s\n", g->table, g->at[i].name, base,
		              g->at[i].syntax, i + 1 < g->n ? "," : "");
	}
	(void)fputs("}\n", to);
}

static void put_group(FILE *to, const struct mib_group *g)
{
	char entry[MIB_NAME_MAX];

	if (g->table != NULL)
		put_table(to, g);
	(void)snprintf(entry, sizeof entry, "%sEntry", g->table != NULL ? g->table : "");
	for (size_t i = 0; i < g->n; i++) {
		(void)fprintf(to, "\n%s%s", g->table != NULL ? g->table : "", g->at[i].name);
		if (g->table != NULL)
			put_object(to, &g->at[i], entry, (unsigned)i + 1);
		else
			put_object(to, &g->at[i], g->under, g->number + (unsigned)i);
	}
}

/* Each says whose it is: where it came from may be the pair's address. */
static void put_notification(FILE *to, const struct mib_notification *n)
{
	(void)fprintf(to, "\n%s NOTIFICATION-TYPE\n    OBJECTS     { sysName, regpairUnit",
	              n->name);
	for (size_t i = 0; i < MIB_OBJECTS_MAX && n->objects[i] != NULL; i++)
		(void)fprintf(to, ",\n                  %s", n->objects[i]);
	(void)fputs(" }\n    STATUS      current\n    DESCRIPTION ", to);
	put_sentence(to, n->help);
	(void)fprintf(to, "\n    ::= { regpairNotifications %u }\n", n->number);
}

/* The word behind an alarm's name, for its two notifications. */
static const struct {
	const char *word;
	unsigned number; /* and the alarm's */
} changes[] = {{"Raised", 100}, {"Cleared", 300}};

static void put_alarm_name(FILE *to, const struct alarm_row *row, size_t change)
{
	(void)fputs("regpairAlarm", to);
	put_camel(to, row->name);
	(void)fputs(changes[change].word, to);
}

static void put_alarm_notification(FILE *to, const struct alarm_row *row, size_t change)
{
	(void)fputc('\n', to);
	put_alarm_name(to, row, change);
	(void)fputs(
		" NOTIFICATION-TYPE\n"
		"    OBJECTS     { sysName, regpairUnit, regpairAlarmName, regpairAlarmSeverity,\n"
		"                  regpairAlarmRaised, regpairAlarmSince, regpairAlarmText, "
		"regpairAlarmRemedy }\n"
		"    STATUS      current\n    DESCRIPTION ",
		to);
	put_sentence(to, change == 0 ? row->meaning : "it is over");
	(void)fprintf(to, "\n    ::= { regpairNotifications %u }\n",
	              changes[change].number + row->oid);
}

static void put_alarm_notifications(FILE *to)
{
	for (size_t i = 0; i < alarm_count(); i++)
		for (size_t change = 0; change < ARRAY_LEN(changes); change++)
			put_alarm_notification(to, &alarm_rows()[i], change);
}

/* --- conformance --- */

static void begin_group(FILE *to, const char *name, const char *what)
{
	(void)fprintf(to, "\n%s %s {", name, what);
}

static void end_group(FILE *to, const char *help, unsigned number)
{
	(void)fprintf(to,
	              " }\n    STATUS      current\n    DESCRIPTION \"%s\"\n"
	              "    ::= { regpairGroups %u }\n",
	              help, number);
}

static void put_figure_group(FILE *to)
{
	begin_group(to, "regpairFigureGroup", "OBJECT-GROUP\n    OBJECTS    ");
	for (size_t i = 0; i < status_field_count(); i++) {
		(void)fprintf(to, "%s\n        regpair", i > 0 ? "," : "");
		put_camel(to, status_fields()[i].name);
	}
	end_group(to, "The figures.", 1);
}

static bool in_group(const struct mib_object *o)
{
	return o->access == NULL || strcmp(o->access, "not-accessible") != 0;
}

static void put_object_group(FILE *to, const struct mib_group *g, unsigned number)
{
	const char *between = "";

	begin_group(to, g->group, "OBJECT-GROUP\n    OBJECTS    ");
	for (size_t i = 0; i < g->n; i++) {
		if (!in_group(&g->at[i]))
			continue;
		(void)fprintf(to, "%s\n        %s%s", between, g->table != NULL ? g->table : "",
		              g->at[i].name);
		between = ",";
	}
	end_group(to, "What belongs together.", number);
}

static void put_notification_group(FILE *to, unsigned number)
{
	struct mib_notifications all = mib_notifications();

	begin_group(to, "regpairNotificationGroup", "NOTIFICATION-GROUP\n    NOTIFICATIONS");
	for (size_t i = 0; i < all.n; i++)
		(void)fprintf(to, "%s\n        %s", i > 0 ? "," : "", all.at[i].name);
	for (size_t i = 0; i < alarm_count() * ARRAY_LEN(changes); i++) {
		(void)fputs(",\n        ", to);
		put_alarm_name(to, &alarm_rows()[i / ARRAY_LEN(changes)], i % ARRAY_LEN(changes));
	}
	end_group(to, "The notifications.", number);
}

static void put_compliance(FILE *to)
{
	struct mib_groups groups = mib_groups();

	(void)fputs("\nregpairCompliance MODULE-COMPLIANCE\n    STATUS      current\n"
	            "    DESCRIPTION \"All of it.\"\n    MODULE\n    MANDATORY-GROUPS {\n"
	            "        regpairFigureGroup",
	            to);
	for (size_t i = 0; i < groups.n; i++)
		(void)fprintf(to, ",\n        %s", groups.at[i].group);
	(void)fputs(",\n        regpairNotificationGroup }\n    ::= { regpairCompliances 1 }\n",
	            to);
}

void mib_print(FILE *to)
{
	struct mib_groups groups = mib_groups();
	struct mib_notifications notifications = mib_notifications();

	(void)fprintf(to, "%s    ::= { " MIB_PARENT " %d }\n%s", head, MIB_NUMBER, conventions);
	put_figures(to);
	for (size_t i = 0; i < groups.n; i++)
		put_group(to, &groups.at[i]);
	for (size_t i = 0; i < notifications.n; i++)
		put_notification(to, &notifications.at[i]);
	put_alarm_notifications(to);
	put_figure_group(to);
	for (size_t i = 0; i < groups.n; i++)
		put_object_group(to, &groups.at[i], (unsigned)i + 2);
	put_notification_group(to, (unsigned)groups.n + 2);
	put_compliance(to);
	(void)fputs("\nEND\n", to);
}
