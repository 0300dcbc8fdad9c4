/* Reading a scenario: words of a line, one after the other; the first that fits nothing is the fault. */
#include "tests/sim/scenario.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_MAX = 64 * 1024, WORDS_MAX = 12, NAMES_MAX = 700, TAIL_MS = 15000 };

static const char *const load_names[LOADS] = {"idle", "busy", "expiry", "resync"};
static const char *const commit_names[] = {"both", "peer", "disk"};
static const char *const moment_names[MOMENTS] = {"merge", "takeover", "snapshot", "switchover",
                                                  "provider"};
static const char *const whom_names[WHOMS] = {"pair", "A", "B", "active", "standby", "any", "both"};

const char *load_name(enum load load)
{
	return load_names[load];
}

/* One line under the eye. */
struct reading {
	const char *path;
	int line;
	struct scenario *to;
	struct slice word[WORDS_MAX];
	size_t n, at; /* words, and the next one */
	struct scenario_fault *fault;
};

PRINTF_LIKE(2, 3) static bool wrong(struct reading *r, const char *format, ...)
{
	va_list args;
	int n = snprintf(r->fault->text, sizeof r->fault->text, "%s:%d: ", r->path, r->line);

	va_start(args, format);
	(void)vsnprintf(r->fault->text + n, sizeof r->fault->text - (size_t)n, format, args);
	va_end(args);
	return false;
}

static struct slice next_word(struct reading *r)
{
	return r->at < r->n ? r->word[r->at++] : SLICE("(the end of the line)");
}

static bool is_next(const struct reading *r, const char *word)
{
	return r->at < r->n && slice_eq(r->word[r->at], slice_str(word));
}

/* This word is next: it is passed over. */
static bool takes(struct reading *r, const char *word)
{
	bool is = is_next(r, word);

	r->at += is;
	return is;
}

static int find_name(const char *const *names, size_t n, struct slice word)
{
	for (size_t i = 0; i < n; i++)
		if (slice_eq(word, slice_str(names[i])))
			return (int)i;
	return -1;
}

/* 300ms, 1.5s, 2min; with a sign in front. */
static bool parse_time(struct slice word, int64_t *ms)
{
	static const struct {
		const char *name;
		double ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}};
	char text[32], *end = NULL;

	(void)snprintf(text, sizeof text, SLICE_FMT, SLICE_ARG(slice_head(word, 31)));
	double number = strtod(text, &end);
	for (size_t i = 0; end != text && i < ARRAY_LEN(units); i++)
		if (strcmp(end, units[i].name) == 0) {
			*ms = (int64_t)(number * units[i].ms);
			return true;
		}
	return false;
}

static bool read_time(struct reading *r, int64_t *ms)
{
	struct slice word = next_word(r);

	return parse_time(word, ms) ||
	       wrong(r, "'" SLICE_FMT "' is no time: write 300ms, 20s or 2min", SLICE_ARG(word));
}

/* When: a time of the world, or a moment with or without a time behind it. */
static bool read_when(struct reading *r, struct scenario_line *line)
{
	struct slice word = next_word(r);
	const uint8_t *plus = word.n > 0 ? memchr(word.p, '+', word.n) : NULL;
	struct slice name = plus != NULL ? slice_head(word, (size_t)(plus - word.p)) : word;
	int moment = find_name(moment_names, MOMENTS, name);

	if (moment >= 0) {
		line->at_moment = true;
		line->moment = (enum moment)moment;
		if (plus == NULL || parse_time(slice_from(word, name.n + 1), &line->at_ms))
			return true;
	} else if (parse_time(word, &line->at_ms) && line->at_ms >= 0) {
		return true;
	}
	return wrong(r,
	             "'" SLICE_FMT "' is no time: write 20s, or behind what it comes: takeover, "
	             "merge, snapshot, switchover or provider, also takeover+5ms",
	             SLICE_ARG(word));
}

static bool read_amount(struct reading *r, struct scenario_line *line)
{
	struct slice word = next_word(r);
	const struct fault *f = line->fault;
	char text[32], *end = NULL;

	if (f->by.unit == BY_TIME)
		return parse_time(word, &line->by) ||
		       wrong(r, "%s goes by a time, such as -30min; '" SLICE_FMT "' is none",
		             f->name, SLICE_ARG(word));
	(void)snprintf(text, sizeof text, SLICE_FMT, SLICE_ARG(slice_head(word, 31)));
	line->by = strtoll(text, &end, 10);
	if (f->by.unit == BY_NUMBER && end != text && *end == '\0')
		return true;
	return f->by.unit == BY_NUMBER ? wrong(r, "%s goes by a number; '" SLICE_FMT "' is none",
	                                       f->name, SLICE_ARG(word))
	                               : wrong(r, "%s goes by nothing: leave out 'by'", f->name);
}

static bool read_whom(struct reading *r, struct scenario_line *line)
{
	struct slice word = next_word(r);
	int whom = find_name(whom_names, WHOMS, word);

	line->whom = whom >= 0 ? (enum whom)whom : WHOM_PAIR;
	return whom >= 0 || wrong(r,
	                          "'" SLICE_FMT "' is nobody: write A, B, active, standby, both, "
	                          "any, pair, or expect",
	                          SLICE_ARG(word));
}

static bool read_fault(struct reading *r, struct scenario_line *line)
{
	uint8_t room[NAMES_MAX];
	struct buf names = buf_on(room, sizeof room);

	if (!read_whom(r, line))
		return false;
	struct slice word = next_word(r);
	line->fault = fault_named(word);
	if (line->fault == NULL) {
		fault_names(&names);
		return wrong(r, "'" SLICE_FMT "' is no fault: write one of " SLICE_FMT,
		             SLICE_ARG(word), SLICE_ARG(buf_slice(&names)));
	}
	if ((line->fault->aim == AIM_PAIR) != (line->whom == WHOM_PAIR))
		return wrong(r, "%s hits %s", line->fault->name,
		             line->whom == WHOM_PAIR ? "one node: write whom instead of pair"
		                                     : "the pair: write pair");
	line->for_ms = line->fault->lasts.middle;
	if (takes(r, "for") && !read_time(r, &line->for_ms))
		return false;
	if (takes(r, "by") && !read_amount(r, line))
		return false;
	if (line->fault->by.unit != BY_NOTHING && line->by == 0)
		return wrong(r, "%s needs `by` and how much", line->fault->name);
	return true;
}

static bool read_expectation(struct reading *r, struct scenario_line *line)
{
	uint8_t room[NAMES_MAX];
	struct buf names = buf_on(room, sizeof room);

	line->never = takes(r, "no");
	struct slice word = next_word(r);
	line->expected = expectation_named(word);
	if (line->expected == NULL) {
		expectation_names(&names);
		return wrong(r, "'" SLICE_FMT "' cannot be expected: write one of " SLICE_FMT,
		             SLICE_ARG(word), SLICE_ARG(buf_slice(&names)));
	}
	line->kept = takes(r, "for");
	if (!line->kept && !takes(r, "within"))
		return true;
	return read_time(r, &line->within_ms);
}

/* All that follows in the line. */
static bool read_loads(struct reading *r, bool *loads)
{
	while (r->at < r->n) {
		struct slice word = next_word(r);
		int load = find_name(load_names, LOADS, word);
		if (load < 0)
			return wrong(r,
			             "'" SLICE_FMT "' is no load: write idle, busy, expiry or "
			             "resync",
			             SLICE_ARG(word));
		loads[load] = true;
	}
	return true;
}

static bool read_line(struct reading *r)
{
	struct scenario *s = r->to;
	struct scenario_line *line = &s->lines[s->n];

	*line = (struct scenario_line){.number = r->line};
	if (s->n == SCENARIO_LINES_MAX - 1)
		return wrong(r, "a scenario has at most %d lines", SCENARIO_LINES_MAX - 1);
	if (!read_when(r, line))
		return false;
	if (takes(r, "expect") ? !read_expectation(r, line) : !read_fault(r, line))
		return false;
	if (takes(r, "unless") && !read_loads(r, line->unless))
		return false;
	for (size_t i = s->n; i > 0 && !line->at_moment; i--)
		if (!s->lines[i - 1].at_moment && s->lines[i - 1].at_ms > line->at_ms)
			return wrong(r, "time goes back: put it above line %d",
			             s->lines[i - 1].number);
	if (line->fault != NULL && s->first_ms == 0)
		s->first_ms = line->at_ms;
	s->n++;
	return true;
}

static bool read_played(struct reading *r)
{
	return read_loads(r, r->to->loads);
}

static bool read_commit(struct reading *r)
{
	struct slice word = next_word(r);
	int mode = find_name(commit_names, ARRAY_LEN(commit_names), word);

	r->to->commit_known = true;
	r->to->commit = mode >= 0 ? (enum commit_mode)mode : COMMIT_BOTH;
	return mode >= 0 ||
	       wrong(r, "'" SLICE_FMT "' is no mode: write both, peer or disk", SLICE_ARG(word));
}

static bool read_watched(struct reading *r)
{
	r->to->watched = true;
	return true;
}

static bool read_naps(struct reading *r)
{
	r->to->naps = true;
	return true;
}

static bool read_end(struct reading *r)
{
	return read_time(r, &r->to->end_ms);
}

static bool read_words(struct reading *r)
{
	static const struct {
		const char *name;
		bool (*read)(struct reading *r);
	} settings[] = {{"loads", read_played},
	                {"commit", read_commit},
	                {"watched", read_watched},
	                {"naps", read_naps},
	                {"end", read_end}};
	bool (*read)(struct reading * r) = read_line;

	for (size_t i = 0; i < ARRAY_LEN(settings) && read == read_line; i++)
		if (takes(r, settings[i].name))
			read = settings[i].read;
	return read(r) && (r->at == r->n || wrong(r, "nothing may follow: '" SLICE_FMT "'",
	                                          SLICE_ARG(r->word[r->at])));
}

static bool split(struct reading *r, struct slice line)
{
	r->n = r->at = 0;
	for (size_t i = 0; i < line.n && line.p[i] != '#';) {
		size_t from = i;
		while (i < line.n && line.p[i] != ' ' && line.p[i] != '\t' && line.p[i] != '#')
			i++;
		if (i > from && r->n == WORDS_MAX)
			return wrong(r, "more than %d words", WORDS_MAX);
		if (i > from)
			r->word[r->n++] = (struct slice){line.p + from, i - from};
		while (i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'))
			i++;
	}
	return true;
}

static bool finish(struct reading *r)
{
	struct scenario *s = r->to;
	const char *slash = strrchr(r->path, '/');
	bool loaded = false;

	for (int i = 0; i < LOADS; i++)
		loaded = loaded || s->loads[i];
	s->loads[LOAD_BUSY] = s->loads[LOAD_BUSY] || !loaded;
	(void)snprintf(s->name, sizeof s->name, "%s", slash != NULL ? slash + 1 : r->path);
	if (s->n == 0)
		return wrong(r, "nothing happens: write at least one line such as "
		                "'20s active kill for 5s'");
	for (size_t i = 0; i < s->n && s->end_ms == 0; i++)
		if (!s->lines[s->n - 1 - i].at_moment)
			s->end_ms = s->lines[s->n - 1 - i].at_ms + TAIL_MS;
	return true;
}

static size_t read_file(const char *path, uint8_t *room)
{
	FILE *f = fopen(path, "r");
	size_t n = f != NULL ? fread(room, 1, FILE_MAX, f) : 0;

	if (f != NULL)
		(void)fclose(f);
	return n;
}

bool scenario_read(const char *path, struct scenario *to, struct scenario_fault *out)
{
	uint8_t room[FILE_MAX];
	struct slice text = {room, read_file(path, room)};
	struct reading r = {.path = path, .line = 1, .to = to, .fault = out};

	*to = (struct scenario){.n = 0};
	if (text.n == 0)
		return wrong(&r, "cannot be read, or is empty");
	for (; text.n > 0; r.line++) {
		const uint8_t *end = memchr(text.p, '\n', text.n);
		size_t n = end != NULL ? (size_t)(end - text.p) : text.n;
		if (!split(&r, slice_head(text, n)) || (r.n > 0 && !read_words(&r)))
			return false;
		text = slice_from(text, n + 1);
	}
	return finish(&r);
}
