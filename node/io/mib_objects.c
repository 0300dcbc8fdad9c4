/* What the MIB holds beside the figures: tables, the node itself, notifications. */
#include "node/io/mib_parts.h"
#include "proto/base/defs.h"

#define OBJECTS   "regpairObjects"
#define NO_ACCESS "not-accessible"
#define NOTIFIED  "accessible-for-notify"

static const struct mib_object alarms[] = {
	{"Number", "Integer32 (1..2147483647)", NULL, "the alarm's number, the same for ever",
         NO_ACCESS},
	{"Name", "RegpairText", NULL, "how log, commands and metrics call it", NULL},
	{"Severity", "RegpairSeverity", NULL, "how much it matters", NULL},
	{"Raised", "TruthValue", NULL, "whether it holds now", NULL},
	{"Since", "DateAndTime", NULL,
         "when it was raised or cleared last, UTC; all zeros: not since the start", NULL},
	{"Text", "RegpairText", NULL, "what it means now", NULL},
	{"Remedy", "RegpairText", NULL, "what to do about it", NULL},
};

static const struct mib_object naps[] = {
	{"Key", "RegpairKey", NULL, "the NAP's name, as the number of its row", NO_ACCESS},
	{"Name", "RegpairText", NULL, "the NAP's name", NULL},
	{"RegisterToProxy", "TruthValue", NULL, "whether this system registers there", NULL},
	{"Registered", "TruthValue", NULL, "whether it is registered", NULL},
	{"PollRemoteProxy", "TruthValue", NULL, "whether the proxy is polled with OPTIONS", NULL},
	{"IsAvailable", "TruthValue", NULL, "whether the proxy is there", NULL},
	{"Phase", "RegpairText", NULL, "what its registration is at", NULL},
	{"Why", "RegpairText", NULL, "why it is at that", NULL},
	{"SinceMs", "RegpairGauge64", "ms", "how long it has been at that", NULL},
	{"GrantedS", "Gauge32", "s", "for how long the registration was granted; 0: it was not",
         NULL},
	{"NextMs", "Integer32 (-1..2147483647)", "ms",
         "until something is sent by itself; -1: nothing is", NULL},
	{"LastStatus", "Integer32 (0..699)", NULL, "status of the last answer; 0: there was none",
         NULL},
	{"LastReason", "RegpairText", NULL, "its reason phrase", NULL},
	{"Attempts", "Gauge32", NULL, "REGISTERs since it was registered last", NULL},
	{"Target", "RegpairText", NULL, "address, port and transport in use", NULL},
};

static const struct mib_object domains[] = {
	{"Number", "Integer32 (1..2147483647)", NULL, "its place in the configuration", NO_ACCESS},
	{"Name", "RegpairText", NULL, "the domain", NULL},
	{"Users", "Gauge32", NULL, "users that have bindings", NULL},
	{"MaxUsers", "Gauge32", NULL, "as many may have; 0: as many as come", NULL},
	{"Bindings", "Gauge32", NULL, "their bindings", NULL},
};

static const struct mib_object answers[] = {
	{"regpairNodeAnswers", "TruthValue", NULL,
         "whether the daemon answers; while it does not, nothing else is there", NULL},
};

static const struct mib_object raised[] = {
	{"regpairRaisedCritical", "Gauge32", NULL, "critical alarms raised", NULL},
	{"regpairRaisedMajor", "Gauge32", NULL, "major alarms raised", NULL},
	{"regpairRaisedMinor", "Gauge32", NULL, "minor alarms raised", NULL},
	{"regpairRaisedWarning", "Gauge32", NULL, "warnings raised", NULL},
	{"regpairRaisedNames", "RegpairText", NULL, "the names of the alarms raised, worst first",
         NULL},
};

static const struct mib_object events[] = {
	{"regpairEventFrom", "RegpairText", NULL, "the role before", NOTIFIED},
	{"regpairEventAt", "DateAndTime", NULL, "when it happened, UTC", NOTIFIED},
};

struct mib_groups mib_groups(void)
{
	static const struct mib_group groups[] = {
		{"regpairAlarmGroup", "regpairAlarm", "regpairAlarmNumber",
	         "Every alarm, raised or not.", OBJECTS, 2, alarms, ARRAY_LEN(alarms)},
		{"regpairNapGroup", "regpairNap", "IMPLIED regpairNapKey",
	         "The NAPs: where this system registers itself, or which it polls.", OBJECTS, 3,
	         naps, ARRAY_LEN(naps)},
		{"regpairDomainGroup", "regpairDomain", "regpairDomainNumber",
	         "The domains served.", OBJECTS, 4, domains, ARRAY_LEN(domains)},
		{"regpairNodeGroup", NULL, NULL, NULL, OBJECTS, 5, answers, ARRAY_LEN(answers)},
		{"regpairEventGroup", NULL, NULL, NULL, "regpairEvent", 1, events,
	         ARRAY_LEN(events)},
		{"regpairRaisedGroup", NULL, NULL, NULL, "regpairRaised", 1, raised,
	         ARRAY_LEN(raised)},
	};

	return (struct mib_groups){groups, ARRAY_LEN(groups)};
}

#define OF_NAP                                                                                     \
	"regpairNapName", "regpairNapRegistered", "regpairNapIsAvailable", "regpairNapLastStatus", \
		"regpairNapWhy"

struct mib_notifications mib_notifications(void)
{
	static const struct mib_notification all[] = {
		{1,
	         "regpairRoleChanged",
	         "The node is another thing now.",
	         {"regpairEventFrom", "regpairEventAt", "regpairRole", "regpairRoleWhy",
	          "regpairEpoch", "regpairSeq"}},
		{2,
	         "regpairNodeDown",
	         "The daemon does not answer on its host.",
	         {"regpairNodeAnswers"}},
		{3, "regpairNodeUp", "It answers again.", {"regpairNodeAnswers", "regpairRole"}},
		{4, "regpairNapRegistrationMade", "The NAP is registered.", {OF_NAP}},
		{5, "regpairNapRegistrationLost", "The NAP is not registered any more.", {OF_NAP}},
		{6, "regpairNapCame", "The NAP's proxy is there.", {OF_NAP}},
		{7, "regpairNapWent", "The NAP's proxy is not there any more.", {OF_NAP}},
	};

	return (struct mib_notifications){all, ARRAY_LEN(all)};
}
