#include <assert.h>

#include "proto/sip/header.h"
#include "proto/sip/message.h"
#include "proto/sip/reply.h"

/* What the lines hold: survey_lines fills it, the parts after it read it. Each part returns what is
 * wrong, or NULL. */
struct survey {
	const struct sip_header *first[HEADER_IDS];
	uint8_t count[HEADER_IDS];
};
_Static_assert(SIP_HEADERS_MAX <= UINT8_MAX, "a count fits");

static bool has_space_or_control(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] == 0x7f)
			return true;
	return false;
}

static const char *request_uri_fault(const struct sip_msg *m, const struct survey *s)
{
	(void)s;
	bool bracketed = m->request_uri.p[0] == '<';

	return bracketed || has_space_or_control(m->request_uri) ? "Bad Request-URI" : NULL;
}

static const char *survey_lines(const struct sip_msg *m, struct survey *s)
{
	for (size_t i = 0; i < m->n_headers; i++) {
		const struct sip_header *h = &m->headers[i];

		if (h->name.n == 0)
			return "Unreadable Header Line";
		if (s->count[h->id]++ == 0)
			s->first[h->id] = h;
	}
	return m->too_many_headers ? "Too Many Headers" : NULL;
}

static const char *presence_fault(const struct sip_msg *m, const struct survey *s)
{
	static const struct {
		enum sip_header_id id;
		const char *missing; /* NULL: may be */
		const char *doubled; /* NULL: may be */
	} rules[] = {
		{HEADER_VIA, "Missing Via", NULL},
		{HEADER_FROM, "Missing From", "More Than One From"},
		{HEADER_TO, "Missing To", "More Than One To"},
		{HEADER_CALL_ID, "Missing Call-ID", "More Than One Call-ID"},
		{HEADER_CSEQ, "Missing CSeq", "More Than One CSeq"},
		{HEADER_MAX_FORWARDS, NULL, "More Than One Max-Forwards"},
		{HEADER_CONTENT_LENGTH, NULL, "More Than One Content-Length"},
	};

	(void)m;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		uint8_t count = s->count[rules[i].id];

		if (count == 0 && rules[i].missing != NULL)
			return rules[i].missing;
		if (count > 1 && rules[i].doubled != NULL)
			return rules[i].doubled;
	}
	return NULL;
}

/* Of a header that presence_fault found to be there. */
static struct slice value_of(const struct survey *s, enum sip_header_id id)
{
	assert(s->first[id] != NULL);
	return s->first[id]->value;
}

/* The topmost line only: those below are other hops' business (RFC 3261 16.3). */
static const char *via_fault(const struct sip_msg *m, const struct survey *s)
{
	struct slice rest = value_of(s, HEADER_VIA);
	struct sip_via via;

	(void)m;
	do {
		if (via_next(&rest, &via) != OK)
			return "Unreadable Via";
	} while (rest.n > 0);
	return NULL;
}

static const char *party_fault(const struct sip_msg *m, const struct survey *s)
{
	struct slice call_id = value_of(s, HEADER_CALL_ID);
	struct sip_name_addr party;

	(void)m;
	if (name_addr_read(value_of(s, HEADER_FROM), &party) != OK)
		return "Unreadable From";
	if (name_addr_read(value_of(s, HEADER_TO), &party) != OK)
		return "Unreadable To";
	return call_id.n == 0 || has_space_or_control(call_id) ? "Unreadable Call-ID" : NULL;
}

static const char *cseq_fault(const struct sip_msg *m, const struct survey *s)
{
	struct sip_cseq cseq;

	if (cseq_read(value_of(s, HEADER_CSEQ), &cseq) != OK)
		return "Unreadable CSeq";
	return slice_eq(cseq.method, m->method_name) ? NULL : "CSeq Of Another Method";
}

static const char *number_fault(const struct sip_msg *m, const struct survey *s)
{
	const struct sip_header *hops = s->first[HEADER_MAX_FORWARDS];
	const struct sip_header *length = s->first[HEADER_CONTENT_LENGTH];
	uint32_t n = 0;

	if (hops != NULL && number_read(hops->value, &n) != OK)
		return "Unreadable Max-Forwards";
	if (length != NULL && number_read(length->value, &n) != OK)
		return "Unreadable Content-Length";
	return m->short_body ? "Message Cut Short" : NULL;
}

uint16_t sip_check(const struct sip_msg *m, const char **why)
{
	static const char *(*const faults[])(const struct sip_msg *, const struct survey *) = {
		request_uri_fault, presence_fault, via_fault, party_fault, cseq_fault, number_fault,
	};
	struct survey s = {0};

	assert(m->is_request);
	assert(m->request_uri.n > 0);
	*why = NULL;
	if (!slice_eq_nocase(m->version, SLICE("SIP/2.0"))) {
		*why = sip_reason(505);
		return 505;
	}
	*why = survey_lines(m, &s);
	for (size_t i = 0; *why == NULL && i < ARRAY_LEN(faults); i++)
		*why = faults[i](m, &s);
	return *why == NULL ? 0 : 400;
}
