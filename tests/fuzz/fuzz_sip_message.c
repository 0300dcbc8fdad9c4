/* fuzz_sip_message.c - any bytes: no crash in any reader, every slice within the datagram, every
 * request can be answered, every answer parses again, and a stream is cut where sip_parse agrees. */
#include <assert.h>

#include "proto/sip/header.h"
#include "proto/sip/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(struct slice part, struct slice whole)
{
	assert(part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

static void read_vias(struct slice value)
{
	struct slice rest = value;
	struct sip_via via;

	while (rest.n > 0) {
		size_t before = rest.n;

		if (via_next(&rest, &via) == OK) {
			within(via.host, value);
			within(via.params, value);
			within(via.branch, value);
		}
		assert(rest.n < before);
	}
}

static void read_params(struct slice params, struct slice whole)
{
	struct sip_param p;

	while (param_next(&params, &p)) {
		within(p.name, whole);
		within(p.value, whole);
	}
}

static void read_contacts(struct slice value)
{
	struct slice rest = value;
	struct slice element;
	struct sip_contact c;

	while (list_next(&rest, &element)) {
		within(element, value);
		if (contact_read(element, &c) != OK)
			continue;
		assert(c.q_milli <= 1000);
		within(c.addr.uri, element);
		within(c.instance, element);
		read_params(c.addr.params, element);
	}
}

static void read_uri(struct slice text)
{
	uint8_t bytes[SIP_AOR_MAX];
	struct buf to = buf_on(bytes, sizeof bytes);
	struct sip_uri uri;

	if (sip_uri_parse(text, &uri) != OK)
		return;
	within(uri.user, text);
	within(uri.host, text);
	within(uri.params, text);
	within(uri.headers, text);
	(void)sip_uri_eq(&uri, &uri);
	if (sip_aor(&uri, &to) == OK)
		assert(!to.full);
}

static void read_party(struct slice value)
{
	struct sip_name_addr party;

	if (name_addr_read(value, &party) != OK)
		return;
	within(party.display, value);
	within(party.uri, value);
	read_params(party.params, value);
	read_uri(party.uri);
}

static void read_rest(const struct sip_header *h)
{
	struct sip_credentials credentials;
	struct sip_cseq cseq;
	uint32_t number = 0;

	if (credentials_read(h->value, &credentials) == OK) {
		within(credentials.username, h->value);
		within(credentials.nc_text, h->value);
	}
	if (cseq_read(h->value, &cseq) == OK)
		within(cseq.method, h->value);
	(void)expires_read(h->value);
	(void)!number_read(h->value, &number);
}

static void read_header(const struct sip_header *h)
{
	if (h->id == HEADER_VIA)
		read_vias(h->value);
	else if (h->id == HEADER_CONTACT)
		read_contacts(h->value);
	else if (h->id == HEADER_FROM || h->id == HEADER_TO || h->id == HEADER_PATH)
		read_party(h->value);
	else
		read_rest(h);
}

/* What is copied comes back the same number of times, and the answer holds nothing else. */
static void answer(const struct sip_msg *m, uint16_t status, const char *why)
{
	static uint8_t bytes[3 * SIP_MESSAGE_MAX];
	static struct sip_msg back;
	const struct flow flow = {
		.transport = TRANSPORT_UDP,
		.remote = {.family = ADDR_IPV4, .port = 5071, .ip = {192, 0, 2, 1}},
	};
	struct buf to = buf_on(bytes, sizeof bytes);

	reply_begin(&to, m, &flow, status == 0 ? 200 : status, why, SLICE("tag"));
	reply_header(&to, "Server", SLICE("x"));
	reply_end(&to);
	assert(!to.full);
	assert(sip_parse(buf_slice(&to), &back) == OK);
	assert(!back.is_request && !back.short_body && back.body.n == 0);
	assert(back.status == (status == 0 ? 200 : status));
	assert(sip_count(&back, HEADER_CALL_ID) == (sip_find(m, HEADER_CALL_ID) != NULL));
	assert(sip_count(&back, HEADER_TO) == (sip_find(m, HEADER_TO) != NULL));
	assert(sip_count(&back, HEADER_CONTENT_LENGTH) == 1 || back.too_many_headers);
	for (size_t i = 0; i < back.n_headers; i++)
		assert(back.headers[i].name.n > 0);
	struct addr target = reply_target(m, &flow);
	assert(addr_same_ip(&target, &flow.remote) && target.port != 0);
}

static void cut_stream(struct slice stream)
{
	static struct sip_msg m;
	struct sip_frame f = sip_frame(stream);

	while (f.what == SIP_FRAME_MESSAGE || f.what == SIP_FRAME_PING ||
	       f.what == SIP_FRAME_SKIP) {
		assert(f.size > 0 && f.size <= stream.n);
		if (f.what == SIP_FRAME_MESSAGE) {
			assert(sip_parse((struct slice){stream.p, f.size}, &m) == OK);
			assert(!m.short_body && m.body.p + m.body.n == stream.p + f.size);
		}
		stream = (struct slice){stream.p + f.size, stream.n - f.size};
		f = sip_frame(stream);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sip_msg m;
	struct slice bytes = {data, size};
	const char *why = NULL;

	cut_stream(bytes);
	if (size > SIP_MESSAGE_MAX || sip_parse(bytes, &m) != OK)
		return 0;
	within(m.body, bytes);
	for (size_t i = 0; i < m.n_headers; i++) {
		within(m.headers[i].name, bytes);
		within(m.headers[i].value, bytes);
		read_header(&m.headers[i]);
	}
	if (!m.is_request)
		return 0;
	read_uri(m.request_uri);
	uint16_t status = sip_check(&m, &why);
	assert((status == 0) == (why == NULL));
	answer(&m, status, why);
	return 0;
}
