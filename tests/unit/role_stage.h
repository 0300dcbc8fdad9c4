/* role_stage.h - stories of the role machine: one line is a time, what holds by then, what it says. */
#ifndef TESTS_UNIT_ROLE_STAGE_H
#define TESTS_UNIT_ROLE_STAGE_H

#include <stdio.h>
#include <string.h>

#include "ha/role.h"
#include "proto/base/defs.h"
#include "tests/check.h"

/* One line of a story: at `ms` these facts hold (or this is asked), and the machine says of itself
 * `says`: role, why, [fault], what it wants, and when it wants to be looked at again.
 *
 * Facts are words that hold until their opposite is said: "loaded", "address"/"-address",
 * "keepalived"/"-keepalived", "peer=ROLE"/"-peer" (the link), "holds"/"-holds" (the peer has the address),
 * "instep"/"-instep", "ahead" "behind" "forked" "equal", "peerwins"/"-peerwins", "superseded", "durable", "drained",
 * "peerless" (no keepalived there), "exposed" (own last reign), "own", "logfailed", "lost", "hangs", "silent" (no heartbeat
 * came with this line). */
struct line {
	int64_t ms;
	const char *facts;
	enum role_request request;
	const char *says;
};

struct stage {
	struct role_machine machine;
	struct role_facts facts;
};

static const struct role_options pair = {.advert_ms = 100,
                                         .peer_timeout_ms = 200,
                                         .cold_start_ms = 60000,
                                         .takeover_when_behind = true};

static inline enum role role_called(const char *name)
{
	for (enum role r = ROLE_INIT; r <= ROLE_OUT_OF_SERVICE; r++)
		if (strcmp(role_name(r), name) == 0)
			return r;
	fail_msg("no role is called %s", name);
	return ROLE_INIT;
}

static inline bool set_flag(struct role_facts *f, const char *word)
{
	bool on = word[0] != '-';
	const struct {
		const char *name;
		bool *fact;
	} flags[] = {
		{"loaded", &f->loaded},
		{"logfailed", &f->log_failed},
		{"lost", &f->store_lost},
		{"hangs", &f->disk_hangs},
		{"address", &f->address_here},
		{"keepalived", &f->keepalived_alive},
		{"durable", &f->reign_durable},
		{"drained", &f->drained},
		{"own", &f->own_last_reign},
		{"exposed", &f->own_last_reign_exposed},
		{"holds", &f->peer_holds_address},
		{"peerwins", &f->peer_wins},
		{"peerless", &f->peer_without_keepalived},
		{"superseded", &f->superseded},
		{"instep", &f->in_step},
	};

	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (strcmp(flags[i].name, on ? word : word + 1) == 0) {
			*flags[i].fact = on;
			return true;
		}
	return false;
}

static inline void set_fact(struct role_facts *f, const char *word)
{
	static const char *const standings[] = {[STANDING_UNKNOWN] = "unknown",
	                                        [STANDING_EQUAL] = "equal",
	                                        [STANDING_AHEAD] = "ahead",
	                                        [STANDING_BEHIND] = "behind",
	                                        [STANDING_FORKED] = "forked"};

	if (set_flag(f, word))
		return;
	if (strncmp(word, "peer=", 5) == 0) {
		f->link_up = true;
		f->peer_role = role_called(word + 5);
		return;
	}
	if (strcmp(word, "-peer") == 0) {
		f->link_up = false;
		f->peer_role = (enum role)0;
		f->peer_holds_address = false;
		f->in_step = false;
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(standings); i++)
		if (strcmp(standings[i], word) == 0) {
			f->standing = (enum standing)i;
			return;
		}
	assert_string_equal(word, "silent");
}

static inline void set_facts(struct role_facts *f, const char *words, int64_t ms)
{
	char room[160];
	char *rest = NULL;

	assert_in_range(snprintf(room, sizeof room, "%s", words), 0, sizeof room - 1);
	for (char *w = strtok_r(room, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest))
		set_fact(f, w);
	if (f->link_up && strstr(words, "silent") == NULL)
		f->peer_heard = (struct mtime){ms};
	if (f->peer_heard.ms == ms && f->peer_role == ROLE_ACTIVE && f->in_step)
		f->in_step_until = (struct mtime){ms};
}

static inline void describe(const struct stage *s, const struct role_output *out, struct mtime now,
                            char to[200])
{
	struct mtime deadline = role_deadline(&s->machine);
	const char *reign = out->begin_reign ? " reign" : "";
	char due[32] = "";

	if (deadline.ms != MTIME_NEVER.ms)
		assert_true(snprintf(due, sizeof due, " +%d", (int)(deadline.ms - now.ms)) > 0);
	int n = snprintf(to, 200, "%s%s%s%s%s%s%s%s%s%s", role_name(out->to),
	                 out->changed ? " (" : "", out->changed ? out->why : "",
	                 out->changed ? ")" : "", out->fault ? " fault" : "",
	                 out->leave ? " leave" : "", due, reign, out->behind ? " behind" : "",
	                 out->refused != NULL ? " refused" : "");
	assert_in_range(n, 1, 199);
}

/* Steps as the node does: again while the role changes. */
static inline void step(struct stage *s, enum role_request request, struct mtime now,
                        struct role_output *all)
{
	struct role_output out;

	*all = (struct role_output){.from = s->machine.role};
	for (int i = 0; i < 4; i++) {
		role_step(&s->machine, &s->facts, request, now, &out);
		if (out.begin_reign)
			s->facts.reign_durable = false;
		all->begin_reign = all->begin_reign || out.begin_reign;
		all->behind = all->behind || out.behind;
		all->refused = all->refused != NULL ? all->refused : out.refused;
		if (out.changed)
			all->why = out.why;
		request = ROLE_NO_REQUEST;
		if (!out.changed)
			break;
	}
	assert_false(out.changed); /* it comes to rest */
	all->changed = out.to != all->from;
	all->to = out.to;
	all->fault = out.fault;
	all->leave = out.leave;
}

static inline void play(const struct role_options *options, const struct line *story, size_t n)
{
	struct stage s = {0};
	struct role_output out;

	role_init(&s.machine, options, (struct mtime){story[0].ms});
	for (size_t i = 0; i < n; i++) {
		struct mtime now = {story[i].ms};
		char said[200];
		set_facts(&s.facts, story[i].facts, now.ms);
		step(&s, story[i].request, now, &out);
		describe(&s, &out, now, said);
		if (strcmp(said, story[i].says) != 0)
			fail_msg("line %zu at %lld\n  expected: %s\n  said:     %s", i + 1,
			         (long long)now.ms, story[i].says, said);
		/* A deadline in the past would be asked for again and again. */
		assert_true(role_deadline(&s.machine).ms > now.ms);
	}
}

#define PLAY(story) play(&pair, story, ARRAY_LEN(story))

#endif
