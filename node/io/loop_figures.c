/* All figures, and what they mean: looked at once a second, and after everything that the journal keeps. */
#include <systemd/sd-daemon.h>

#include "node/io/certificate.h"
#include "node/io/loop_parts.h"

enum {
	LOOK_EVERY_MS = 1000,
	LINE_EVERY_MS =
		5000, /* users come and go; a role, or what the journal keeps, is told at once */
	DAY_MS = 24 * 60 * 60 * 1000,
	NO_CERTIFICATE_DAYS = 99999,
};

static int64_t certificate_days(const struct loop *l)
{
	int64_t ends_ms = l->figures.certificate_ends_ms;
	int64_t left_ms = ends_ms - loop_wall_ms();

	if (ends_ms == INT64_MAX)
		return NO_CERTIFICATE_DAYS;
	return left_ms >= 0 ? left_ms / DAY_MS : -((DAY_MS - 1 - left_ms) / DAY_MS);
}

void loop_figures_begin(struct loop *l)
{
	const char *const used[] = {l->files.ca, l->files.cert, l->config->tls_certificate};

	l->figures.certificate_ends_ms = INT64_MAX;
	for (size_t i = 0; i < ARRAY_LEN(used); i++) {
		int64_t ends_ms = certificate_ends_ms(used[i]);
		if (ends_ms < l->figures.certificate_ends_ms)
			l->figures.certificate_ends_ms = ends_ms;
	}
}

void loop_status(const struct loop *l, struct status *out)
{
	struct mtime now = loop_now(l);

	node_status(l->node, now, out);
	out->peer_bulk = l->link != NULL && peer_link_has_bulk(l->link);
	out->peer_paths = l->link != NULL ? peer_link_paths(l->link) : 0;
	out->clock_offset_ms = loop_wall_ms() - node_pair_now(l->node, now).ms;
	out->flows = l->sip != NULL ? sip_io_flows(l->sip) : 0;
	out->latency_p50_us = latency_within(&l->figures.latency, 50, now);
	out->latency_p95_us = latency_within(&l->figures.latency, 95, now);
	out->latency_p99_us = latency_within(&l->figures.latency, 99, now);
	out->certificate_days = certificate_days(l);
}

const struct alarms *loop_alarms(const struct loop *l)
{
	return &l->figures.alarms;
}

static void tell_alarm(const struct loop *l, size_t i, const struct status *s)
{
	const struct alarm_row *row = &alarm_rows()[i];
	bool raised = l->figures.alarms.at[i].raised;
	bool grave = row->severity <= ALARM_MAJOR;
	char why[ALARM_TEXT];

	events_alarm(l->events, i, alarm_text(row, s, why));
	log_line(l->log, raised && grave ? LOG_WARN : LOG_NOTICE,
	         "alarm=%s state=%s severity=%s why=\"%s\"", row->name,
	         raised ? "raised" : "cleared", alarm_severity_name(row->severity),
	         raised ? why : "over");
}

static void look_for_alarms(struct loop *l, const struct status *s, struct mtime now)
{
	struct alarm_times t = {now, loop_wall_ms()};
	size_t changed[ALARMS_MAX];
	size_t n = alarms_step(&l->figures.alarms, s, t, changed);

	for (size_t i = 0; i < n; i++)
		tell_alarm(l, changed[i], s);
}

/* `systemctl status` shows it. */
static void tell_systemd(struct loop *l, const struct status *s, struct mtime now)
{
	char line[STATUS_LINE];

	if (!mtime_reached(l->figures.line_due, now) ||
	    strcmp(status_line(s, line), l->figures.line) == 0)
		return;
	l->figures.line_due = mtime_add_ms(now, LINE_EVERY_MS);
	memcpy(l->figures.line, line, sizeof line);
	(void)sd_notifyf(0, "STATUS=%s", line);
}

void loop_figures_hurry(struct loop *l)
{
	l->figures.due = l->figures.line_due = loop_now(l);
}

void loop_figures_turn(struct loop *l)
{
	struct mtime now = loop_now(l);
	struct status s;

	if (!mtime_reached(l->figures.due, now))
		return;
	l->figures.due = mtime_add_ms(now, LOOK_EVERY_MS);
	loop_status(l, &s);
	look_for_alarms(l, &s, now);
	events_naps(l->events);
	tell_systemd(l, &s, now);
}
