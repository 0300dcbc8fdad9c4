#include "node/core/alarms.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/defs.h"

#define FIGURE(name)           #name, offsetof(struct status, name)
#define IS(name, is)           ALARM_IS, FIGURE(name), is, 0
#define SAID(name)             ALARM_SAID, FIGURE(name), NULL, 0
#define SET(name)              ALARM_SET, FIGURE(name), NULL, 0
#define NOT(name)              ALARM_NOT, FIGURE(name), NULL, 0
#define AT_LEAST(name, number) ALARM_AT_LEAST, FIGURE(name), NULL, number
#define AT_MOST(name, number)  ALARM_AT_MOST, FIGURE(name), NULL, number
#define GREW(name)             ALARM_GREW, FIGURE(name), NULL, 0

enum {
	AT_ONCE = 0,
	SOON = 2000,   /* a flap is none */
	LATER = 10000, /* a start, or a step of an operator's, passes through it */
};

/* clang-format off */
static const struct alarm_row table[] = {
	{1, "out_of_service", ALARM_CRITICAL, IS(role, "out-of-service"), AT_ONCE,
	 "this node's log failed: it serves no more until it is started anew",
	 "look at the disk of store.dir and the log, then: systemctl restart regpaird"},
	{2, "exposed", ALARM_MAJOR, IS(pair_state, "exposed"), SOON,
	 "what is acknowledged is on one node's disk alone: the standby is away or too late",
	 "start the other node, or look at its log and at the link between the nodes"},
	{3, "peer_lost", ALARM_MAJOR, NOT(peer_link), SOON,
	 "there is no connection to the other node",
	 "does regpaird run there? Do the peer ports pass the firewalls and the network between the nodes?"},
	{4, "keepalived_lost", ALARM_CRITICAL, NOT(keepalived_alive), SOON,
	 "keepalived does not run on this host: it cannot have the virtual address",
	 "systemctl start keepalived; `regpairctl check` compares its file with the configuration"},
	{5, "behind", ALARM_MAJOR, SET(behind), AT_ONCE,
	 "this node became active without being in step: the newest registrations may be on the other node alone",
	 "start the other node with its disk: what it has is merged, and nothing is lost"},
	{6, "lag", ALARM_MINOR, AT_LEAST(lag_ms, 1000), SOON,
	 "the standby acknowledges late",
	 "look at the load and the disk of the standby and at the network between the nodes"},
	{7, "config_differs", ALARM_WARNING, SET(config_differs), LATER,
	 "what must be equal in both nodes' configurations is not",
	 "make both files equal but for unit and own addresses, and reload both"},
	{8, "peer_refused", ALARM_MAJOR, SAID(peer_refused), AT_ONCE,
	 "the other node was refused",
	 "is it of this pair (cluster.dir), of the other unit and of a version that this one speaks?"},
	{9, "room_low", ALARM_CRITICAL, SET(room_low), AT_ONCE,
	 "the store has little room: changes are refused with 503",
	 "make room on the disk of store.dir, or raise store.max_size and restart"},
	{10, "disk_hangs", ALARM_CRITICAL, SET(disk_hangs), AT_ONCE,
	 "this node's disk does not answer",
	 "look at the disk of store.dir; hand over to the other node (regpairctl switchover)"},
	{11, "store_set_aside", ALARM_MAJOR, SET(store_set_aside), AT_ONCE,
	 "at this start the store was damaged or lost: it was set aside and fetched from the other node",
	 "find out what the disk did; this clears at the next start"},
	{12, "damaged", ALARM_MAJOR, SET(damaged), AT_ONCE,
	 "records of this node are not what was written, and are not repaired yet",
	 "keep the other node running: it repairs this one; then look at memory and disk of this host"},
	{13, "divergence", ALARM_CRITICAL, GREW(digest_mismatches), AT_ONCE,
	 "the two nodes' records differed: the standby fetches all of them anew",
	 "keep both nodes running until pair_state is paired; report it with both logs: it must not happen"},
	{14, "memory_faults", ALARM_CRITICAL, GREW(memory_faults), AT_ONCE,
	 "a record in this host's memory was not what was put there",
	 "hand over to the other node and test the memory of this host"},
	{15, "store_faults", ALARM_CRITICAL, GREW(store_faults), AT_ONCE,
	 "a record on this host's disk was not what was written",
	 "hand over to the other node and test the disk of this host"},
	{16, "merged", ALARM_MAJOR, GREW(merges), AT_ONCE,
	 "both nodes had been active beside each other, or one alone and then the other: they were merged",
	 "regpairctl divergence shows what became of every record that differed; regpairctl history shows why"},
	{17, "clocks_apart", ALARM_WARNING, SET(clocks_apart), AT_ONCE,
	 "the wall clocks of the two hosts are more than a second apart",
	 "let both hosts follow a time server (chrony or systemd-timesyncd)"},
	{18, "users_near_limit", ALARM_WARNING, AT_LEAST(users_percent, 90), AT_ONCE,
	 "a domain has nearly as many users as it may have",
	 "raise domains.max_users on both nodes, or find out who registers"},
	{19, "users_refused", ALARM_MAJOR, GREW(users_refused), AT_ONCE,
	 "new users were refused with 503: a domain is at its limit",
	 "raise domains.max_users on both nodes, or find out who registers"},
	{20, "overload", ALARM_MAJOR, GREW(overload), AT_ONCE,
	 "requests were refused with 503",
	 "look at room_low, disk_hangs and lag first; else there is more load than this host carries"},
	{21, "naps_waiting", ALARM_MINOR, AT_LEAST(naps_waiting, 1), AT_ONCE,
	 "a NAP refuses our registration or does not answer",
	 "regpairctl nap list shows which, and what it said"},
	{22, "certificate", ALARM_MAJOR, AT_MOST(certificate_days, 30), AT_ONCE,
	 "a certificate ends soon: of the pair (cluster.dir) or for proxies (tls.certificate); then links fail",
	 "make new ones: regpairctl pair renew (certificates.yml), reload; your authority for tls.certificate, restart"},
	{23, "tombstones_dropped", ALARM_MINOR, GREW(tombstones_dropped), AT_ONCE,
	 "removals were forgotten for want of room in a record: should the nodes part now, one could come back",
	 "the log names the AORs: find out why their phones come and go so often"},
	{24, "fault_held", ALARM_WARNING, SET(fault), LATER,
	 "this node's track file keeps the virtual address away: it cannot take over",
	 "role_why says what it waits for: a peer, a snapshot, or a disk"},
};
/* clang-format on */
_Static_assert(ARRAY_LEN(table) <= ALARMS_MAX, "there is a state for each row");

const struct alarm_row *alarm_rows(void)
{
	return table;
}

size_t alarm_count(void)
{
	return ARRAY_LEN(table);
}

const char *alarm_severity_name(enum alarm_severity s)
{
	static const char *const names[ALARM_SEVERITIES] = {"critical", "major", "minor",
	                                                    "warning"};

	return names[s];
}

static const char *text_of(const struct alarm_row *row, const struct status *s)
{
	return (const char *)s + row->offset;
}

static int64_t number_of(const struct alarm_row *row, const struct status *s)
{
	int64_t number;

	memcpy(&number, (const char *)s + row->offset, sizeof number);
	return number;
}

static bool flag_of(const struct alarm_row *row, const struct status *s)
{
	bool flag;

	memcpy(&flag, (const char *)s + row->offset, sizeof flag);
	return flag;
}

static bool grew(struct alarm *a, uint64_t total, struct mtime now)
{
	if (total > a->total) {
		a->has_grown = true;
		a->grew = now;
	}
	a->total = total;
	return a->has_grown && !mtime_reached(mtime_add_ms(a->grew, ALARM_GREW_MS), now);
}

static bool holds(const struct alarm_row *row, struct alarm *a, const struct status *s,
                  struct mtime now)
{
	switch (row->test) {
	case ALARM_IS:
		return strcmp(text_of(row, s), row->text) == 0;
	case ALARM_SAID:
		return *text_of(row, s) != '\0';
	case ALARM_SET:
		return flag_of(row, s);
	case ALARM_NOT:
		return !flag_of(row, s) && strcmp(s->unit, "standalone") != 0;
	case ALARM_AT_LEAST:
		return number_of(row, s) >= row->limit;
	case ALARM_AT_MOST:
		return number_of(row, s) <= row->limit;
	case ALARM_GREW:
		return grew(a, (uint64_t)number_of(row, s), now);
	}
	return false;
}

/* True: it is another thing now. */
static bool judge(const struct alarm_row *row, struct alarm *a, const struct status *s,
                  struct alarm_times t)
{
	bool is = holds(row, a, s, t.now);

	if (is && !a->holds)
		a->holds_since = t.now;
	a->holds = is;
	bool raised = is && mtime_reached(mtime_add_ms(a->holds_since, row->after_ms), t.now);
	if (raised == a->raised)
		return false;
	a->raised = raised;
	a->since_wall_ms = t.wall_ms;
	return true;
}

size_t alarms_step(struct alarms *a, const struct status *s, struct alarm_times t,
                   size_t changed[ALARMS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (judge(&table[i], &a->at[i], s, t))
			changed[n++] = i;
	return n;
}

const char *alarm_text(const struct alarm_row *row, const struct status *s, char to[ALARM_TEXT])
{
	switch (row->test) {
	case ALARM_SAID:
		(void)snprintf(to, ALARM_TEXT, "%s: %s", row->meaning, text_of(row, s));
		break;
	case ALARM_AT_LEAST:
	case ALARM_AT_MOST:
	case ALARM_GREW:
		(void)snprintf(to, ALARM_TEXT, "%s (%s %lld)", row->meaning, row->figure,
		               (long long)number_of(row, s));
		break;
	case ALARM_IS:
	case ALARM_SET:
	case ALARM_NOT:
		(void)snprintf(to, ALARM_TEXT, "%s", row->meaning);
		break;
	}
	return to;
}
