/* nap_heard.h - what a node sends for its NAPs, and a provider whose every answer a test writes. */
#ifndef TESTS_UNIT_NAP_HEARD_H
#define TESTS_UNIT_NAP_HEARD_H

#include "tests/unit/pair_story.h"

enum { NAP_HEARD_MAX = 2048, NAP_TEXT = 1600 };

/* What left the node, in its order. */
struct nap_heard {
	struct kit *kit;
	size_t n;
	struct nap_sent {
		enum node_output_kind kind; /* MESSAGE, RESOLVE, CONNECT, CLOSE_FLOW */
		int64_t at_ms;
		uint64_t ticket, connection;
		enum dns_type question;
		struct addr target;
		char text[NAP_TEXT];
	} at[NAP_HEARD_MAX];
};

static struct nap_heard heard;

static inline void nap_hear(const struct node_output *o)
{
	bool theirs = o->kind == OUT_MESSAGE || o->kind == OUT_RESOLVE || o->kind == OUT_CONNECT ||
	              o->kind == OUT_CLOSE_FLOW;
	struct nap_sent *s = &heard.at[heard.n % NAP_HEARD_MAX];

	if (!theirs)
		return;
	*s = (struct nap_sent){.kind = o->kind,
	                       .at_ms = heard.kit->now.ms,
	                       .ticket = o->ticket,
	                       .connection = o->flow.connection,
	                       .question = o->question,
	                       .target = o->target};
	(void)snprintf(s->text, sizeof s->text, SLICE_FMT, SLICE_ARG(o->bytes));
	heard.n++;
}

static inline void nap_listen(struct kit *k)
{
	heard.kit = k;
	heard.n = 0;
	k->node[0].watch = k->node[1].watch = nap_hear;
}

static inline const struct nap_sent *nap_newest(void)
{
	assert_in_range(heard.n, 1, NAP_HEARD_MAX);
	return &heard.at[heard.n - 1];
}

static inline const char *nap_header(const char *text, const char *name, char to[256])
{
	char line[64];

	(void)snprintf(line, sizeof line, "\r\n%s: ", name);
	const char *at = strstr(text, line);
	assert_non_null(at);
	at += strlen(line);
	(void)snprintf(to, 256, "%.*s", (int)strcspn(at, "\r"), at);
	return to;
}

static inline unsigned nap_cseq(const struct nap_sent *s)
{
	char value[256];

	return (unsigned)strtoul(nap_header(s->text, "CSeq", value), NULL, 10);
}

static inline bool nap_is(const struct nap_sent *s, const char *method)
{
	return s->kind == OUT_MESSAGE && strncmp(s->text, method, strlen(method)) == 0;
}

static inline size_t nap_count(const char *method)
{
	size_t count = 0;

	for (size_t i = 0; i < heard.n && i < NAP_HEARD_MAX; i++)
		count += nap_is(&heard.at[i], method);
	return count;
}

struct nap_reply {
	const char *status, *from; /* "200 OK", "192.0.2.1:5060" */
	const char *more;          /* header lines, each with its CR LF; NULL: none */
};

/* The provider answers what was sent. */
static inline void nap_answer_from(struct kit *k, int at, const struct nap_sent *s,
                                   const struct nap_reply *r)
{
	char text[2400], via[256], call_id[256], cseq[256], party[256], to[256];

	(void)snprintf(text, sizeof text,
	               "SIP/2.0 %s\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=p\r\nCall-ID: %s\r\n"
	               "CSeq: %s\r\n%sContent-Length: 0\r\n\r\n",
	               r->status, nap_header(s->text, "Via", via),
	               nap_header(s->text, "From", party), nap_header(s->text, "To", to),
	               nap_header(s->text, "Call-ID", call_id), nap_header(s->text, "CSeq", cseq),
	               r->more != NULL ? r->more : "");
	struct node_input in = {.event = NODE_MESSAGE, .bytes = slice_str(text)};
	in.flow.transport = strstr(via, "/UDP") != NULL ? TRANSPORT_UDP : TRANSPORT_TCP;
	in.flow.connection = s->connection;
	assert_true(addr_parse(SLICE("10.0.0.10:5060"), &in.flow.local));
	assert_true(addr_parse(slice_str(r->from), &in.flow.remote));
	kit_feed(k, at, &in);
	kit_settle(k);
}

static inline void nap_answer(struct kit *k, int at, const char *status, const char *more)
{
	char from[ADDR_TEXT_MAX];
	struct buf to = buf_on((uint8_t *)from, sizeof from - 1);

	addr_put(&to, &nap_newest()->target);
	from[to.n] = '\0';
	nap_answer_from(k, at, nap_newest(), &(struct nap_reply){status, from, more});
}

/* 200 to the newest REGISTER, for so long. */
static inline void nap_grant(struct kit *k, int at, unsigned expires_s)
{
	char contact[256], line[256];

	(void)nap_header(nap_newest()->text, "Contact", contact);
	char *angle = strchr(contact, '>');
	assert_non_null(angle);
	angle[1] = '\0';
	(void)snprintf(line, sizeof line, "Contact: %.200s;expires=%u\r\n", contact, expires_s);
	nap_answer(k, at, "200 OK", line);
}

#endif
