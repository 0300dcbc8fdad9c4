/* layer: core */
#include "node/core/nap_poll.h"
#include "tests/check.h"
#include "tests/unit/nap_reference.h"

enum { BEGIN_MS = 1700000000 };

struct poll_line {
	int64_t at_ms;
	struct nap_poll_input in;
	bool send, heard, available;
	int64_t due_ms; /* -1: never */
};

static void play_polls(const struct nap_options *o, const struct poll_line *story, size_t n)
{
	struct nap_poll p = {0};
	struct nap_poll_output out;

	for (size_t i = 0; i < n; i++) {
		struct nap_poll_input in = story[i].in;
		in.now.ms = BEGIN_MS + story[i].at_ms;
		nap_poll_step(&p, o, &in, &out);
		struct mtime due = nap_poll_due(&p);
		int64_t due_ms = due.ms == MTIME_NEVER.ms ? -1 : due.ms - BEGIN_MS;
		assert_int_equal(out.send, story[i].send);
		assert_int_equal(out.heard, story[i].heard);
		assert_int_equal(out.available, story[i].available);
		assert_int_equal(due_ms, story[i].due_ms);
	}
}

#define POLLS(o, story) play_polls(o, story, ARRAY_LEN(story))

static void it_is_polled_after_five_seconds_and_then_each_minute(void **state)
{
	(void)state;
	const struct poll_line story[] = {
		{0, {.event = POLL_BEGIN}, .due_ms = 5000},
		{5000, {.event = POLL_READY}, .send = true, .due_ms = -1},
		{5000, {.event = POLL_READY}, .due_ms = -1},
		{5050,
	         {.event = POLL_ANSWER, .status = 200},
	         .heard = true,
	         .available = true,
	         .due_ms = 65000},
		{5060,
	         {.event = POLL_ANSWER, .status = 500},
	         .heard = true,
	         .available = true,
	         .due_ms = 65060},
		{65000, {.event = POLL_READY}, .send = true, .due_ms = -1},
		{77000, {.event = POLL_LOST}, .heard = true, .due_ms = 125000},
		{80000, {.event = POLL_NOW}, .due_ms = 80000},
		{80000, {.event = POLL_READY}, .send = true, .due_ms = -1},
		{80001, {.event = POLL_NOW}, .due_ms = -1},
		{80002,
	         {.event = POLL_ANSWER, .status = 503},
	         .heard = true,
	         .available = true,
	         .due_ms = 140000},
		{140000, {.event = POLL_LOST}, .heard = true, .due_ms = 200000},
	};
	POLLS(&reference, story);
}

static void what_counts_as_an_answer_is_configured(void **state)
{
	(void)state;
	struct nap_options o = reference;
	static const struct {
		uint16_t status;
		bool strictly;
	} answers[] = {{200, true}, {302, true},  {404, true},
	               {483, true}, {500, false}, {603, false}};

	for (int any = 0; any < 2; any++)
		for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
			o.any_response_is_available = any;
			const struct poll_line story[] = {
				{0, {.event = POLL_BEGIN}, .due_ms = 5000},
				{5000, {.event = POLL_READY}, .send = true, .due_ms = -1},
				{5001,
			         {.event = POLL_ANSWER, .status = answers[i].status},
			         .heard = true,
			         .available = any || answers[i].strictly,
			         .due_ms = 65000},
			};
			POLLS(&o, story);
		}
}

static void who_is_not_polled_stays_silent(void **state)
{
	(void)state;
	struct nap_options off = reference, open = reference;
	const struct poll_line story[] = {
		{0, {.event = POLL_BEGIN}, .due_ms = -1},
		{0, {.event = POLL_NOW}, .due_ms = -1},
		{0, {.event = POLL_READY}, .due_ms = -1},
	};

	off.polls = false;
	open.proxy.n = 0;
	POLLS(&off, story);
	POLLS(&open, story);
}

/* A long time-out, a short interval: never without a pause. */
static void polls_do_not_follow_each_other_at_once(void **state)
{
	(void)state;
	struct nap_options o = reference;
	o.poll_interval_ms = 1000;
	const struct poll_line story[] = {
		{0, {.event = POLL_BEGIN}, .due_ms = 5000},
		{5000, {.event = POLL_READY}, .send = true, .due_ms = -1},
		{17000, {.event = POLL_LOST}, .heard = true, .due_ms = 18000},
	};
	POLLS(&o, story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_polled_after_five_seconds_and_then_each_minute),
		cmocka_unit_test(what_counts_as_an_answer_is_configured),
		cmocka_unit_test(who_is_not_polled_stays_silent),
		cmocka_unit_test(polls_do_not_follow_each_other_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
