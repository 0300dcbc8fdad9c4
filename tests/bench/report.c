#include "tests/bench/report.h"

#include <stdio.h>

static double seconds_of(const struct stats *s)
{
	return (double)(s->ended_us - s->began_us) / 1e6;
}

static double per_second(const struct stats *s)
{
	return s->ended_us > s->began_us ? (double)s->by_status[200] / seconds_of(s) : 0;
}

static double ms(int64_t us)
{
	return (double)us / 1e3;
}

static double latency_ms(const struct stats *s, unsigned per_mille)
{
	return ms(histogram_at(&s->latency, per_mille));
}

static double us_per_ok(const struct report *r, int64_t ns)
{
	uint64_t ok = r->stats->by_status[200];

	return ns < 0 || ok == 0 ? -1 : (double)ns / 1e3 / (double)ok;
}

static const char *transport_text(const struct options *o)
{
	return o->transport == 1 ? "tcp" : "udp";
}

static bool is_other(const struct stats *s, unsigned status)
{
	return status != 200 && status != 401 && s->by_status[status] > 0;
}

static void text_others(const struct report *r)
{
	for (unsigned i = 0; i < STATUS_END; i++)
		if (is_other(r->stats, i))
			printf("  %u answers    %llu\n", i,
			       (unsigned long long)r->stats->by_status[i]);
}

static void text_cpu(const struct report *r)
{
	for (unsigned i = 0; i < r->options->n_pids; i++) {
		double us = us_per_ok(r, r->server_ns[i]);

		if (us < 0)
			printf("  cpu %-10d ended, or nothing was acknowledged\n",
			       (int)r->options->pids[i]);
		else
			printf("  cpu %-10d %.1f us for each 200\n", (int)r->options->pids[i], us);
	}
	printf("  cpu regload    %.1f us for each 200\n", us_per_ok(r, r->own_ns));
}

static void text_audit(const struct report *r)
{
	if (r->audit->lines == NULL)
		return;
	printf("audit of %u acknowledged users: %s\n", r->audit->n,
	       audit_passed(r->audit) ? "passed" : "FAILED");
	for (unsigned v = 0; v < VERDICT_COUNT; v++)
		printf("  %-14s %llu\n", verdict_name((enum verdict)v),
		       (unsigned long long)audit_count(r->audit, (enum verdict)v));
	printf("  extra          %llu\n  worst lifetime %.3f s off\n",
	       (unsigned long long)r->audit->extra, (double)r->audit->worst_off_us / 1e6);
}

static void text_counts(const struct stats *s, struct transport_counts wire)
{
	const struct {
		const char *name;
		uint64_t count;
	} lines[] = {
		{"retransmitted", s->retransmissions},
		{"timeouts", s->timeouts},
		{"skipped", s->skipped},
		{"unsent", s->unsent},
		{"strays", s->strays},
		{"malformed", s->malformed},
		{"refused", wire.refused},
		{"reconnects", wire.reconnects},
	};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		printf("  %-14s %llu\n", lines[i].name, (unsigned long long)lines[i].count);
}

void report_text(const struct report *r)
{
	const struct options *o = r->options;
	const struct stats *s = r->stats;

	printf("%s over %s, auth %s%s\n", mode_name((enum mode)o->mode), transport_text(o),
	       auth_name((enum auth)o->auth), r->stopped ? " (stopped by a signal)" : "");
	printf("  requests       %llu in %.3f s\n  200 answers    %llu, %.0f per second\n"
	       "  401 answers    %llu\n",
	       (unsigned long long)s->sent, seconds_of(s), (unsigned long long)s->by_status[200],
	       per_second(s), (unsigned long long)s->by_status[401]);
	text_others(r);
	text_counts(s, r->wire);
	printf("  latency ms     p50 %.3f  p90 %.3f  p99 %.3f  max %.3f\n", latency_ms(s, 500),
	       latency_ms(s, 900), latency_ms(s, 990), ms(s->latency.max_us));
	if (o->gap)
		printf("  longest gap    %.3f ms between 200s, from %.3f to %.3f ms\n",
		       ms(gap_longest(&s->gap)), ms(s->gap.before_us), ms(s->gap.after_us));
	text_cpu(r);
	text_audit(r);
}

static void json_count(const char *name, uint64_t count)
{
	printf(",\"%s\":%llu", name, (unsigned long long)count);
}

static void json_others(const struct stats *s)
{
	const char *comma = "";

	printf(",\"other\":{");
	for (unsigned i = 0; i < STATUS_END; i++)
		if (is_other(s, i)) {
			printf("%s\"%u\":%llu", comma, i, (unsigned long long)s->by_status[i]);
			comma = ",";
		}
	printf("}");
}

static void json_cpu(const struct report *r)
{
	printf(",\"cpu\":[");
	for (unsigned i = 0; i < r->options->n_pids; i++) {
		double us = us_per_ok(r, r->server_ns[i]);

		printf("%s{\"pid\":%d,\"us_per_ok\":", i > 0 ? "," : "", (int)r->options->pids[i]);
		if (us < 0)
			printf("null}");
		else
			printf("%.2f}", us);
	}
	printf("],\"own_us_per_ok\":%.2f", us_per_ok(r, r->own_ns));
}

static void json_audit(const struct report *r)
{
	if (r->audit->lines == NULL)
		return;
	printf(",\"audit\":{\"passed\":%s,\"users\":%u", audit_passed(r->audit) ? "true" : "false",
	       r->audit->n);
	for (unsigned v = 0; v < VERDICT_COUNT; v++)
		json_count(verdict_name((enum verdict)v), audit_count(r->audit, (enum verdict)v));
	json_count("extra", r->audit->extra);
	printf(",\"worst_lifetime_off_ms\":%.3f}", ms(r->audit->worst_off_us));
}

static void json_times(const struct stats *s)
{
	printf(",\"seconds\":%.6f,\"per_second\":%.1f", seconds_of(s), per_second(s));
	printf(",\"latency_ms\":{\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"max\":%.3f}",
	       latency_ms(s, 500), latency_ms(s, 900), latency_ms(s, 990), ms(s->latency.max_us));
	printf(",\"gap\":{\"longest_ms\":%.3f,\"before_ms\":%.3f,\"after_ms\":%.3f}",
	       ms(gap_longest(&s->gap)), ms(s->gap.before_us), ms(s->gap.after_us));
}

void report_json(const struct report *r)
{
	const struct options *o = r->options;
	const struct stats *s = r->stats;

	printf("{\"mode\":\"%s\",\"transport\":\"%s\",\"auth\":\"%s\",\"stopped\":%s",
	       mode_name((enum mode)o->mode), transport_text(o), auth_name((enum auth)o->auth),
	       r->stopped ? "true" : "false");
	json_count("requests", s->sent);
	json_count("ok", s->by_status[200]);
	json_count("challenges", s->by_status[401]);
	json_others(s);
	json_count("timeouts", s->timeouts);
	json_count("retransmissions", s->retransmissions);
	json_count("skipped", s->skipped);
	json_count("unsent", s->unsent);
	json_count("strays", s->strays);
	json_count("malformed", s->malformed);
	json_count("refused", r->wire.refused);
	json_count("reconnects", r->wire.reconnects);
	json_times(s);
	json_cpu(r);
	json_audit(r);
	printf("}\n");
}
