#include "tests/bench/audit.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXAMPLES_MAX = 5, MS = 1000, SECOND = 1000000 };

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = {
		[VERDICT_GOOD] = "good",
		[VERDICT_LOST] = "lost",
		[VERDICT_WRONG_LIFETIME] = "wrong_lifetime",
		[VERDICT_NOT_REMOVED] = "not_removed",
		[VERDICT_UNSURE] = "unsure",
		[VERDICT_UNANSWERED] = "unanswered",
	};

	return names[verdict];
}

/* The remaining lifetime lies between `least` and `most`: the server granted it between sent and
 * acknowledged, and counted again between asked and told. */
struct expected {
	int64_t least_us, most_us;
};

static struct expected expect(const struct ack *ack, const struct seen *seen)
{
	int64_t granted = (int64_t)ack->granted_s * SECOND;

	return (struct expected){granted - (seen->told_us - ack->sent_us),
	                         granted - (seen->asked_us - ack->acked_us)};
}

/* How far what was told is outside of what was expected. A later register may have made it longer, or
 * shorter by a tenth: a registrar that took over spreads its lifetimes so far. */
static int64_t off_us(const struct ack *ack, const struct seen *seen)
{
	struct expected e = expect(ack, seen);
	int64_t told = (int64_t)seen->remaining_s * SECOND;

	if (ack->unsure == ACT_REGISTER)
		e.least_us -= (int64_t)ack->granted_s * SECOND / 10;
	if (told < e.least_us)
		return e.least_us - told;
	if (told > e.most_us && ack->unsure != ACT_REGISTER)
		return told - e.most_us;
	return 0;
}

enum verdict audit_judge(const struct ack *ack, const struct seen *seen, uint32_t slack_ms)
{
	int64_t slack = (int64_t)slack_ms * MS;

	assert(ack->act == ACT_REGISTER || ack->act == ACT_REMOVE);
	if (ack->unsure == ACT_REMOVE)
		return VERDICT_UNSURE;
	if (ack->act == ACT_REMOVE && seen->present)
		return ack->unsure == ACT_REGISTER ? VERDICT_UNSURE : VERDICT_NOT_REMOVED;
	if (ack->act == ACT_REMOVE)
		return VERDICT_GOOD;
	if (seen->present)
		return off_us(ack, seen) > slack ? VERDICT_WRONG_LIFETIME : VERDICT_GOOD;
	return expect(ack, seen).least_us > slack ? VERDICT_LOST : VERDICT_GOOD;
}

bool audit_open(struct audit *audit, const struct options *o)
{
	*audit = (struct audit){.options = o};
	audit->lines = acked_load(o, o->audit, &audit->n);
	if (audit->lines == NULL)
		return false;
	audit->verdicts = malloc(audit->n);
	audit->remaining = calloc(audit->n, sizeof *audit->remaining);
	if (audit->verdicts == NULL || audit->remaining == NULL)
		return false;
	memset(audit->verdicts, VERDICT_UNANSWERED, audit->n);
	return true;
}

void audit_close(struct audit *audit)
{
	free(audit->lines);
	free(audit->verdicts);
	free(audit->remaining);
	*audit = (struct audit){0};
}

uint32_t *audit_numbers(const struct audit *audit)
{
	uint32_t *numbers = calloc(audit->n, sizeof *numbers);

	for (uint32_t i = 0; numbers != NULL && i < audit->n; i++)
		numbers[i] = audit->lines[i].number;
	return numbers;
}

void audit_answer(struct audit *audit, const struct user *u, uint32_t at, const struct answer *a,
                  int64_t now_us)
{
	const struct acked_line *line = &audit->lines[at];
	struct seen seen = {.asked_us = u->first_sent_us, .told_us = now_us};

	if (audit->lines == NULL || a->status != 200)
		return;
	assert(at < audit->n);
	assert(line->number == u->number);
	seen.present = answer_lifetime(a, slice_str(line->contact), &seen.remaining_s);
	audit->extra += a->n_contacts - seen.present;
	audit->remaining[at] = seen.remaining_s;
	audit->verdicts[at] = (uint8_t)audit_judge(&line->ack, &seen, audit->options->slack_ms);
	if (seen.present && line->ack.act == ACT_REGISTER && line->ack.unsure != ACT_REMOVE &&
	    off_us(&line->ack, &seen) > audit->worst_off_us)
		audit->worst_off_us = off_us(&line->ack, &seen);
}

uint64_t audit_count(const struct audit *audit, enum verdict verdict)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < audit->n; i++)
		count += audit->verdicts[i] == verdict;
	return count;
}

bool audit_passed(const struct audit *audit)
{
	uint64_t fine = audit_count(audit, VERDICT_GOOD) + audit_count(audit, VERDICT_UNSURE);

	return fine == audit->n && (audit->extra == 0 || audit->options->allow_extra);
}

void audit_examples(const struct audit *audit)
{
	unsigned shown = 0;

	for (uint32_t i = 0; i < audit->n && shown < EXAMPLES_MAX; i++) {
		const struct acked_line *line = &audit->lines[i];
		enum verdict verdict = (enum verdict)audit->verdicts[i];

		if (verdict == VERDICT_GOOD || verdict == VERDICT_UNSURE)
			continue;
		shown++;
		fprintf(stderr, "%s: %s: acknowledged at %.3f s for %u s, told %u s remain\n",
		        verdict_name(verdict), line->contact, (double)line->ack.acked_us / SECOND,
		        line->ack.granted_s, audit->remaining[i]);
	}
}
