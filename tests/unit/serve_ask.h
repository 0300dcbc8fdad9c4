/* serve_ask.h - requests as text for the registrar of serve_kit.h, and what its answers say. */
#ifndef TESTS_UNIT_SERVE_ASK_H
#define TESTS_UNIT_SERVE_ASK_H

#include "tests/unit/serve_kit.h"

/* One REGISTER; what is NULL or 0 gets a usual value. */
struct reg {
	const char *to;      /* "sip:alice@open.example" */
	const char *uri;     /* Request-URI: "sip:" and the host of `to` */
	const char *contact; /* value of the Contact line; NULL: none */
	const char *expires; /* value of the Expires line; NULL: none */
	const char *call_id; /* "c1" */
	unsigned cseq;       /* 1 */
	const char *branch;  /* a fresh one; "": none, as before RFC 3261 */
	const char *from_tag;
	const char *to_tag;
	const char *more; /* whole lines with their CR LF */
};

static inline const char *kit_write(struct kit *k, const struct reg *r)
{
	const char *to = r->to != NULL ? r->to : "sip:alice@open.example";
	const char *at = strchr(to, '@');
	char branch[64], uri[256];
	size_t n = 0;

	(void)snprintf(branch, sizeof branch, "z9hG4bK-%u", ++k->branch);
	(void)snprintf(uri, sizeof uri, "sip:%s", at != NULL ? at + 1 : "open.example");
#define LINE(...) n += (size_t)snprintf(k->request + n, sizeof k->request - n, __VA_ARGS__)
	LINE("REGISTER %s SIP/2.0\r\n", r->uri != NULL ? r->uri : uri);
	const char *branched = r->branch != NULL ? r->branch : branch;
	LINE("Via: SIP/2.0/UDP 192.0.2.7:5062%s%s;rport\r\n", *branched != '\0' ? ";branch=" : "",
	     branched);
	LINE("From: <%s>;tag=%s\r\n", to, r->from_tag != NULL ? r->from_tag : "f1");
	LINE("To: <%s>%s%s\r\n", to, r->to_tag != NULL ? ";tag=" : "",
	     r->to_tag != NULL ? r->to_tag : "");
	LINE("Call-ID: %s\r\n", r->call_id != NULL ? r->call_id : "c1");
	LINE("CSeq: %u REGISTER\r\nMax-Forwards: 70\r\n", r->cseq != 0 ? r->cseq : 1);
	if (r->contact != NULL)
		LINE("Contact: %s\r\n", r->contact);
	if (r->expires != NULL)
		LINE("Expires: %s\r\n", r->expires);
	LINE("%sContent-Length: 0\r\n\r\n", r->more != NULL ? r->more : "");
#undef LINE
	assert_true(n < sizeof k->request);
	return k->request;
}

/* The status and the Contact lines of a reply: "200 <sip:a@h>;expires=60 | ..."; "silence". */
static inline const char *kit_summary(struct kit *k)
{
	struct buf to = buf_on((uint8_t *)k->summary, sizeof k->summary - 1);
	const char *at = k->reply;

	if (at[0] == '\0')
		return "silence";
	buf_put(&to, slice_head(slice_str(at + strlen("SIP/2.0 ")), 3));
	for (bool first = true; (at = strstr(at, "\r\nContact: ")) != NULL; first = false) {
		at += strlen("\r\nContact: ");
		buf_str(&to, first ? " " : " | ");
		buf_put(&to, (struct slice){(const uint8_t *)at, strcspn(at, "\r")});
	}
	k->summary[to.n] = '\0';
	return k->summary;
}

static inline const char *kit_register(struct kit *k, const struct reg *r)
{
	(void)kit_serve(k, slice_str(kit_write(k, r)));
	if (kit_is_readable(k))
		assert_read_alike(k->in.bytes);
	return kit_summary(k);
}

/* Value of a header line of the last reply, "" where it has none. */
static inline const char *kit_header(struct kit *k, const char *name, char *to, size_t room)
{
	char line[64];

	(void)snprintf(line, sizeof line, "\r\n%s: ", name);
	const char *at = strstr(k->reply, line);
	to[0] = '\0';
	if (at != NULL) {
		at += strlen(line);
		(void)snprintf(to, room, "%.*s", (int)strcspn(at, "\r"), at);
	}
	return to;
}

#endif
