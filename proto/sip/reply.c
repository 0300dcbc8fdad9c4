#include "proto/sip/reply.h"

#include <assert.h>

#include "proto/sip/header.h"

enum { SIP_PORT = 5060 };

static const char *const phrases[700] = {
	[100] = "Trying",
	[180] = "Ringing",
	[181] = "Call Is Being Forwarded",
	[182] = "Queued",
	[183] = "Session Progress",
	[199] = "Early Dialog Terminated",
	[200] = "OK",
	[202] = "Accepted",
	[204] = "No Notification",
	[300] = "Multiple Choices",
	[301] = "Moved Permanently",
	[302] = "Moved Temporarily",
	[305] = "Use Proxy",
	[380] = "Alternative Service",
	[400] = "Bad Request",
	[401] = "Unauthorized",
	[402] = "Payment Required",
	[403] = "Forbidden",
	[404] = "Not Found",
	[405] = "Method Not Allowed",
	[406] = "Not Acceptable",
	[407] = "Proxy Authentication Required",
	[408] = "Request Timeout",
	[410] = "Gone",
	[412] = "Conditional Request Failed",
	[413] = "Request Entity Too Large",
	[414] = "Request-URI Too Long",
	[415] = "Unsupported Media Type",
	[416] = "Unsupported URI Scheme",
	[417] = "Unknown Resource-Priority",
	[420] = "Bad Extension",
	[421] = "Extension Required",
	[422] = "Session Interval Too Small",
	[423] = "Interval Too Brief",
	[424] = "Bad Location Information",
	[428] = "Use Identity Header",
	[429] = "Provide Referrer Identity",
	[430] = "Flow Failed",
	[433] = "Anonymity Disallowed",
	[436] = "Bad Identity-Info",
	[437] = "Unsupported Certificate",
	[438] = "Invalid Identity Header",
	[439] = "First Hop Lacks Outbound Support",
	[440] = "Max-Breadth Exceeded",
	[469] = "Bad Info Package",
	[470] = "Consent Needed",
	[480] = "Temporarily Unavailable",
	[481] = "Call/Transaction Does Not Exist",
	[482] = "Loop Detected",
	[483] = "Too Many Hops",
	[484] = "Address Incomplete",
	[485] = "Ambiguous",
	[486] = "Busy Here",
	[487] = "Request Terminated",
	[488] = "Not Acceptable Here",
	[489] = "Bad Event",
	[491] = "Request Pending",
	[493] = "Undecipherable",
	[494] = "Security Agreement Required",
	[500] = "Server Internal Error",
	[501] = "Not Implemented",
	[502] = "Bad Gateway",
	[503] = "Service Unavailable",
	[504] = "Server Time-out",
	[505] = "Version Not Supported",
	[513] = "Message Too Large",
	[555] = "Push Notification Service Not Supported",
	[580] = "Precondition Failure",
	[600] = "Busy Everywhere",
	[603] = "Decline",
	[604] = "Does Not Exist Anywhere",
	[606] = "Not Acceptable",
};

const char *sip_reason(uint16_t status)
{
	const char *phrase = status < ARRAY_LEN(phrases) ? phrases[status] : NULL;

	return phrase != NULL ? phrase : "Unknown";
}

/* A folded value goes out as one line: some receivers cannot unfold. */
static void put_unfolded(struct buf *to, struct slice value)
{
	if (value.n == 0 || memchr(value.p, '\n', value.n) == NULL) {
		buf_put(to, value);
		return;
	}
	for (size_t i = 0; i < value.n; i++) {
		bool line_end = value.p[i] == '\r' || value.p[i] == '\n';

		buf_byte(to, line_end ? ' ' : value.p[i]);
	}
}

static void put_line(struct buf *to, const char *name, struct slice value)
{
	buf_str(to, name);
	buf_str(to, ": ");
	put_unfolded(to, value);
	buf_str(to, "\r\n");
}

static bool same_host(struct slice host, const struct addr *source)
{
	struct addr named;

	return addr_parse(host, &named) && addr_same_ip(&named, source);
}

static void put_param(struct buf *to, const struct sip_param *p)
{
	buf_byte(to, ';');
	put_unfolded(to, p->name);
	if (p->value.p != NULL) {
		buf_byte(to, '=');
		put_unfolded(to, p->value);
	}
}

/* The topmost Via with what we know of the sender; `received` it claims itself gives way to ours. */
static void put_top_via(struct buf *to, struct slice element, const struct sip_via *via,
                        const struct addr *source)
{
	bool received = via->rport || !same_host(via->host, source);
	struct slice params = via->params;
	struct sip_param p;

	assert(params.n <= element.n);
	put_unfolded(to, slice_head(element, element.n - params.n));
	while (param_next(&params, &p)) {
		bool ours = (via->rport && slice_eq_nocase(p.name, SLICE("rport"))) ||
		            (received && slice_eq_nocase(p.name, SLICE("received")));
		if (!ours)
			put_param(to, &p);
	}
	if (received) {
		buf_str(to, ";received=");
		addr_put_ip(to, source);
	}
	if (via->rport) {
		buf_str(to, ";rport=");
		buf_u64(to, source->port);
	}
}

/* The line of the topmost Via, one element per line from here on. */
static void put_first_via_line(struct buf *to, struct slice value, const struct addr *source)
{
	struct slice element;
	struct slice rest = value;
	struct sip_via via;

	if (!list_next(&rest, &element))
		return;
	struct slice top = element;
	if (via_next(&top, &via) == OK) {
		buf_str(to, "Via: ");
		put_top_via(to, element, &via, source);
		buf_str(to, "\r\n");
	} else {
		put_line(to, "Via", element);
	}
	while (list_next(&rest, &element))
		put_line(to, "Via", element);
}

static void put_vias(struct buf *to, const struct sip_msg *request, const struct addr *source)
{
	const struct sip_header *via = sip_find(request, HEADER_VIA);

	if (via == NULL)
		return;
	put_first_via_line(to, via->value, source);
	while ((via = sip_find_next(request, via)) != NULL)
		put_line(to, "Via", via->value);
}

static void put_copy(struct buf *to, const struct sip_msg *request, enum sip_header_id id,
                     const char *name)
{
	const struct sip_header *h = sip_find(request, id);

	if (h != NULL)
		put_line(to, name, h->value);
}

/* A To that cannot be read gets no tag: it may have one. */
static void put_to(struct buf *to, const struct sip_msg *request, struct slice tag)
{
	const struct sip_header *h = sip_find(request, HEADER_TO);
	struct sip_name_addr party;
	struct slice found;

	if (h == NULL)
		return;
	buf_str(to, "To: ");
	put_unfolded(to, h->value);
	if (tag.n > 0 && name_addr_read(h->value, &party) == OK &&
	    !param_find(party.params, "tag", &found)) {
		buf_str(to, ";tag=");
		buf_put(to, tag);
	}
	buf_str(to, "\r\n");
}

/* One word per line of the answer; a struct would be filled at every call for nothing. */
/* NOLINTNEXTLINE(readability-function-size) */
void reply_begin(struct buf *to, const struct sip_msg *request, const struct flow *flow,
                 uint16_t status, const char *reason, struct slice to_tag)
{
	assert(request->is_request);
	assert(status >= 100 && status <= 699);
	buf_str(to, "SIP/2.0 ");
	buf_u64(to, status);
	buf_byte(to, ' ');
	buf_str(to, reason != NULL ? reason : sip_reason(status));
	buf_str(to, "\r\n");
	put_vias(to, request, &flow->remote);
	put_copy(to, request, HEADER_FROM, "From");
	put_to(to, request, to_tag);
	put_copy(to, request, HEADER_CALL_ID, "Call-ID");
	put_copy(to, request, HEADER_CSEQ, "CSeq");
}

void reply_header(struct buf *to, const char *name, struct slice value)
{
	put_line(to, name, value);
}

void reply_end(struct buf *to)
{
	buf_str(to, "Content-Length: 0\r\n\r\n");
}

/* maddr is not followed: it would let a request point our answers at anyone. */
struct addr reply_target(const struct sip_msg *request, const struct flow *flow)
{
	const struct sip_header *h = sip_find(request, HEADER_VIA);
	struct addr target = flow->remote;
	struct sip_via via;

	if (h == NULL)
		return target;
	struct slice top = h->value;
	if (via_next(&top, &via) == OK && !via.rport)
		target.port = via.port != 0 ? via.port : SIP_PORT;
	return target;
}
