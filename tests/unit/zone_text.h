/* zone_text.h - a zone as lines of text that answers a lookup, and what came of it as text.
 *
 *	"60 NAPTR name order preference flags service replacement"   flags "-": none
 *	"60 SRV name priority weight port target"
 *	"60 A name address", "60 AAAA name address"
 *	"0 FAIL name"                                                no server answers for it */
#ifndef TESTS_UNIT_ZONE_TEXT_H
#define TESTS_UNIT_ZONE_TEXT_H

#include <stdio.h>
#include <stdlib.h>

#include "node/core/lookup.h"
#include "proto/base/defs.h"
#include "tests/check.h"

enum { ZONE_LINES_MAX = 40, ZONE_WORDS = 8, ZONE_WORD_MAX = 320 };

struct zone {
	const char *lines[ZONE_LINES_MAX]; /* up to the first NULL */
};

struct zone_line {
	char words[ZONE_WORDS][ZONE_WORD_MAX];
	int n;
};

static inline struct zone_line zone_line_of(const char *text)
{
	struct zone_line l = {0};
	int used = 0;

	while (l.n < ZONE_WORDS && sscanf(text, " %319s%n", l.words[l.n], &used) == 1) {
		text += used;
		l.n++;
	}
	assert_true(l.n >= 3);
	return l;
}

/* Words of the answer lie in `keep`, one line each. */
static inline void zone_record(struct zone_line *l, struct dns_record *r)
{
	const char *last = l->words[l->n - 1];

	*r = (struct dns_record){.ttl_s = (uint32_t)strtoul(l->words[0], NULL, 10)};
	if (l->words[1][0] == 'A') {
		assert_true(addr_parse(slice_str(last), &r->addr));
		return;
	}
	r->priority = (uint16_t)strtoul(l->words[3], NULL, 10);
	r->weight = (uint16_t)strtoul(l->words[4], NULL, 10);
	r->name = slice_str(last);
	if (l->words[1][0] == 'S') {
		r->port = (uint16_t)strtoul(l->words[5], NULL, 10);
		return;
	}
	r->flags = slice_str(l->words[5]);
	r->service = slice_str(l->words[6]);
}

static inline void zone_answer(const struct zone *z, const struct dns_question *q,
                               struct zone_line *keep, struct dns_answer *out)
{
	static const char *const types[] = {"A", "AAAA", "SRV", "NAPTR"};

	*out = (struct dns_answer){.outcome = DNS_NOTHING};
	for (size_t i = 0; i < ZONE_LINES_MAX && z->lines[i] != NULL; i++) {
		keep[i] = zone_line_of(z->lines[i]);
		bool named = slice_eq(slice_str(keep[i].words[2]), q->name);
		if (named && strcmp(keep[i].words[1], "FAIL") == 0)
			out->outcome = DNS_FAILED;
		if (!named || strcmp(keep[i].words[1], types[q->type]) != 0)
			continue;
		out->outcome = DNS_FOUND;
		zone_record(&keep[i], &out->records[out->n++]);
	}
}

static inline void zone_put_question(struct buf *to, const struct dns_question *q)
{
	static const char *const types[] = {"A ", "AAAA ", "SRV ", "NAPTR "};

	if (to->n > 0)
		buf_str(to, "; ");
	buf_str(to, types[q->type]);
	buf_put(to, q->name);
}

static inline void zone_put_target(struct buf *to, const struct target *t)
{
	if (to->n > 0)
		buf_byte(to, ' ');
	buf_str(to, transport_name(t->transport));
	buf_byte(to, '/');
	addr_put(to, &t->addr);
}

#endif
