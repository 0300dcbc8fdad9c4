/* regload - registers users at a SIP registrar, measures it, and audits what it acknowledged. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "tests/bench/audit.h"
#include "tests/bench/credentials.h"
#include "tests/bench/engine.h"
#include "tests/bench/procstat.h"
#include "tests/bench/report.h"

enum { PRIME_WINDOW = 64 };

struct job {
	struct options options;
	char tag[16];
	struct users users;
	struct acked acked;
	struct audit audit;
	FILE *timeline;
	struct transport *transport;
	struct digest *digest;
	struct stats stats;
	struct report report;
};

static void on_sent(void *ctx, const struct user *u, uint32_t at)
{
	struct job *j = ctx;

	acked_sent(&j->acked, u, at);
}

static void note_time(struct job *j, const struct user *u, unsigned status, int64_t now_us)
{
	uint8_t room[160];
	struct buf name = buf_on(room, sizeof room);

	if (j->timeline == NULL)
		return;
	user_name(&name, &j->options, u->number);
	fprintf(j->timeline, "%lld\t%lld\t" SLICE_FMT "\t%u\n", (long long)u->first_sent_us,
	        (long long)now_us, SLICE_ARG(name), status);
}

static void on_answered(void *ctx, const struct user *u, uint32_t at, const struct answer *a,
                        int64_t now_us)
{
	struct job *j = ctx;

	acked_answer(&j->acked, u, at, a, now_us);
	note_time(j, u, a->status, now_us);
	if (j->audit.lines != NULL)
		audit_answer(&j->audit, u, at, a, now_us);
}

/* Call-IDs of this run are its own, as those of a phone that was switched on anew. */
static bool make_tag(struct job *j)
{
	uint32_t random = 0;

	if (j->options.tag != NULL)
		return true;
	if (getrandom(&random, sizeof random, 0) != sizeof random)
		return false;
	snprintf(j->tag, sizeof j->tag, "%08x", random);
	j->options.tag = j->tag;
	return true;
}

static bool open_users(struct job *j)
{
	struct options *o = &j->options;

	if (o->audit == NULL)
		return users_open(&j->users, o, NULL, o->users);
	if (!audit_open(&j->audit, o))
		return false;

	uint32_t *numbers = audit_numbers(&j->audit);
	bool good = numbers != NULL && users_open(&j->users, o, numbers, j->audit.n);

	o->mode = MODE_FETCH;
	o->count = 0;
	o->seconds = 0;
	free(numbers);
	return good;
}

static bool open_files(struct job *j)
{
	const struct options *o = &j->options;

	if (o->use_nonce != NULL && !credentials_load(&j->users, o))
		return false;
	if (o->acked != NULL && !acked_open(&j->acked, o, j->users.n))
		return false;
	if (o->known != NULL && o->acked != NULL && !acked_know(&j->acked, &j->users, o->known))
		return false;
	if (o->timeline == NULL)
		return true;
	j->timeline = fopen(o->timeline, "w");
	if (j->timeline == NULL)
		perror(o->timeline);
	else
		fputs("#sent_us\treceived_us\tuser\tstatus\n", j->timeline);
	return j->timeline != NULL;
}

static bool open_job(struct job *j)
{
	const struct transport_options wire = {j->options.host, j->options.port,
	                                       j->options.transport == 1, j->options.sockets};

	if (!make_tag(j) || !open_users(j) || !open_files(j))
		return false;
	j->digest = digest_open((enum algorithm)j->options.algorithm);
	j->transport = transport_open(&wire);
	return j->digest != NULL && j->transport != NULL;
}

/* Writes what the run leaves behind; false: a file could not be written. */
static bool save_files(struct job *j)
{
	const struct options *o = &j->options;
	bool good = true;

	if (o->acked != NULL)
		good &= acked_save(&j->acked, &j->users);
	if (o->save_nonce != NULL)
		good &= credentials_save(&j->users, o);
	if (j->timeline != NULL && fclose(j->timeline) != 0) {
		perror(o->timeline);
		good = false;
	}
	j->timeline = NULL;
	return good;
}

static void close_job(struct job *j)
{
	transport_close(&j->transport);
	digest_close(&j->digest);
	acked_close(&j->acked);
	audit_close(&j->audit);
	users_close(&j->users);
}

static void sample_cpu(const struct options *o, int64_t ns[OPTIONS_PIDS_MAX])
{
	for (unsigned i = 0; i < o->n_pids; i++)
		ns[i] = procstat_ns(o->pids[i]);
}

static struct plan plan_of(const struct job *j)
{
	static const enum act acts[] = {[MODE_REGISTER] = ACT_REGISTER,
	                                [MODE_REFRESH] = ACT_REGISTER,
	                                [MODE_REMOVE] = ACT_REMOVE,
	                                [MODE_FETCH] = ACT_FETCH,
	                                [MODE_CHURN] = ACT_REGISTER};
	const struct options *o = &j->options;
	bool once = o->count == 0 && o->seconds == 0;

	return (struct plan){acts[o->mode], o->window,
	                     o->rate,       once ? j->users.n : o->count,
	                     o->seconds,    o->mode == MODE_CHURN};
}

/* Registers every user once before the run that is measured. */
static bool prime(struct job *j, struct engine *engine)
{
	const struct plan plan = {ACT_REGISTER, PRIME_WINDOW, 0, j->users.n, 0, false};

	if (j->options.mode != MODE_REFRESH || j->options.no_prime)
		return true;

	bool whole = engine_run(engine, &plan, &j->stats);

	if (whole && j->stats.by_status[200] < j->users.n)
		fprintf(stderr, "regload: only %llu of %u users registered before the run\n",
		        (unsigned long long)j->stats.by_status[200], j->users.n);
	return whole;
}

static void run(struct job *j)
{
	struct observer observer = {j, on_sent, on_answered};
	struct engine engine = {{&j->options, j->digest}, &j->users, j->transport, &observer};
	struct report *r = &j->report;
	const struct plan plan = plan_of(j);
	int64_t before[OPTIONS_PIDS_MAX] = {0};

	*r = (struct report){.options = &j->options, .stats = &j->stats, .audit = &j->audit};
	r->stopped = !prime(j, &engine);
	if (r->stopped)
		return;
	sample_cpu(&j->options, before);
	r->own_ns = -procstat_own_ns();
	r->stopped = !engine_run(&engine, &plan, &j->stats);
	r->own_ns += procstat_own_ns();
	sample_cpu(&j->options, r->server_ns);
	for (unsigned i = 0; i < j->options.n_pids; i++)
		if (r->server_ns[i] >= 0)
			r->server_ns[i] = before[i] < 0 ? -1 : r->server_ns[i] - before[i];
	r->wire = transport_counts(j->transport);
}

static int result(const struct job *j)
{
	bool challenged = j->options.expect_no_challenge && j->stats.by_status[401] > 0;

	if (challenged)
		fprintf(stderr, "regload: %llu challenges where none was expected\n",
		        (unsigned long long)j->stats.by_status[401]);
	if (j->audit.lines != NULL && !audit_passed(&j->audit)) {
		audit_examples(&j->audit);
		return EXIT_FINDING;
	}
	if (challenged)
		return EXIT_FINDING;
	if (j->stats.by_status[200] == 0)
		fprintf(stderr, "regload: no request was answered 200\n");
	return j->stats.by_status[200] > 0 ? EXIT_FINE : EXIT_BROKEN;
}

static int run_job(struct job *j)
{
	if (!open_job(j))
		return EXIT_BROKEN;
	run(j);
	if (j->options.json)
		report_json(&j->report);
	else
		report_text(&j->report);
	return save_files(j) ? result(j) : EXIT_BROKEN;
}

int main(int argc, char **argv)
{
	struct job *j = calloc(1, sizeof *j);
	int status = EXIT_BROKEN;

	if (j == NULL)
		return EXIT_BROKEN;
	if (!options_read(&j->options, argc, argv)) {
		status = EXIT_USAGE;
	} else if (j->options.help) {
		options_help();
		status = EXIT_FINE;
	} else if (j->options.write_csv != NULL) {
		status = users_write_csv(&j->options) ? EXIT_FINE : EXIT_BROKEN;
	} else {
		status = run_job(j);
	}
	close_job(j);
	free(j);
	return status;
}
