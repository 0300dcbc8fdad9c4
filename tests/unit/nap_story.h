/* nap_story.h - one machine that keeps a NAP registered, told as a story: time, input, what it then says of itself. */
#ifndef TESTS_UNIT_NAP_STORY_H
#define TESTS_UNIT_NAP_STORY_H

#include "node/core/nap_client.h"
#include "tests/check.h"
#include "tests/unit/nap_reference.h"

enum { BEGIN_MS = 1700000000, TEXT = 200 };

/* One machine, its record, and what it says of itself. Times are ms from the begin of the story. */
struct desk {
	struct nap_options options;
	struct nap_record record;
	struct nap_attempt attempt;
	struct nap_output out;
	uint64_t random;
	bool secondary, unwanted;
	struct pairtime restored;
	char text[TEXT];
};

static inline struct desk desk_with(const struct nap_options *o)
{
	return (struct desk){.options = *o,
	                     .record = {.phase = NAP_IDLE,
	                                .call_id = SLICE("call"),
	                                .from_tag = SLICE("tag"),
	                                .cseq = 1}};
}

/* "registering 1000 send 3600", "waiting 1000 +5000 refused", "registered 1000 +1800000 until 3600000":
 * phase, CSeq, what it wishes, when it is due, until when it is bound, why. */
static inline void describe(struct desk *d)
{
	static const char *const wishes[] = {[NAP_NOTHING] = "",
	                                     [NAP_SEND] = " send",
	                                     [NAP_AIM] = " aim",
	                                     [NAP_AIM_NEXT] = " next",
	                                     [NAP_AIM_REDIRECT] = " redirect"};
	const struct nap_record *r = &d->record;
	struct buf to = buf_on((uint8_t *)d->text, sizeof d->text - 1);
	struct pairtime due = nap_client_due(r, &d->attempt);

	buf_str(&to, nap_phase_name(r->phase));
	buf_byte(&to, ' ');
	buf_u64(&to, r->cseq);
	buf_str(&to, wishes[d->out.wish]);
	if (d->out.wish == NAP_SEND) {
		buf_byte(&to, ' ');
		buf_u64(&to, d->out.expires_s);
	}
	if (due.ms >= BEGIN_MS && due.ms != PAIRTIME_NEVER.ms) {
		buf_str(&to, " +");
		buf_u64(&to, (uint64_t)(due.ms - BEGIN_MS));
	}
	if (r->until.ms > 0) {
		buf_str(&to, " until ");
		buf_u64(&to, (uint64_t)(r->until.ms - BEGIN_MS));
	}
	if (r->why.n > 0) {
		buf_str(&to, ": ");
		buf_put(&to, r->why);
	}
	d->text[to.n] = '\0';
}

struct line {
	int64_t at_ms;
	struct nap_input in;
	const char *expected;
};

static inline void feed(struct desk *d, int64_t at_ms, struct nap_input in)
{
	const struct nap_client c = {&d->options, &d->record, &d->attempt};
	struct nap_record before = d->record;

	in.now.ms = BEGIN_MS + at_ms;
	in.wanted = !d->unwanted;
	in.secondary = d->secondary;
	in.random = d->random;
	in.restored = d->restored;
	nap_client_step(&c, &in, &d->out);
	if (!d->out.changed) /* else it would not be logged */
		assert_memory_equal(&before, &d->record, sizeof before);
	describe(d);
}

static inline void play(struct desk *d, const struct line *story, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		feed(d, story[i].at_ms, story[i].in);
		assert_string_equal(d->text, story[i].expected);
	}
}

#define PLAY(d, story) play(d, story, ARRAY_LEN(story))
#define ANSWER(...)                                                 \
	{                                                           \
		.event = NAP_ANSWER, .answer = &(struct nap_answer) \
		{                                                   \
			__VA_ARGS__                                 \
		}                                                   \
	}
#define GRANT(s) ANSWER(.status = 200, .bound = true, .granted_s = (s))
#define LOOK                      \
	{                         \
		.event = NAP_LOOK \
	}
#define READY                      \
	{                          \
		.event = NAP_READY \
	}
#define SILENCE                      \
	{                            \
		.event = NAP_SILENCE \
	}
#define BROKEN(text)                                           \
	{                                                      \
		.event = NAP_BROKEN, .why = { SLICE_OF(text) } \
	}

static inline struct nap_answer challenge(uint16_t status, const char *nonce)
{
	return (struct nap_answer){.status = status,
	                           .n_challenges = 1,
	                           .challenges = {{.proxy = status == 407,
	                                           .realm = SLICE("provider"),
	                                           .nonce = slice_str(nonce)}}};
}

/* A desk whose first REGISTER is on its way, at 0 ms. */
static inline struct desk asked(const struct nap_options *o)
{
	struct desk d = desk_with(o);

	feed(&d, 0, (struct nap_input)LOOK);
	feed(&d, 0, (struct nap_input)READY);
	assert_string_equal(d.text, "registering 1000 send 3600");
	return d;
}

#endif
