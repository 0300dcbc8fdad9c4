/* fuzz_sip_message.c - any bytes: no crash in any reader, every slice within the datagram, every
 * request can be answered, every answer parses again, and a stream is cut where sip_parse agrees. Whatever
 * a provider answers: what is kept of it makes a record, and the next REGISTER is sound. */
#include <assert.h>

#include "node/core/nap_message.h"
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

static void assert_line(struct slice s)
{
	assert(s.n <= NAP_TEXT_MAX);
	for (size_t i = 0; i < s.n; i++)
		assert(s.p[i] != '\r' && s.p[i] != '\n');
}

static void keep(const struct nap_answer *a, struct nap_record *r)
{
	r->last_status = a->status;
	r->last_reason = a->reason;
	r->granted_s = a->granted_s;
	memcpy(r->service_route, a->service_route, a->n_routes * sizeof *a->service_route);
	r->n_routes = a->n_routes;
	r->path = a->path;
	r->gruu_pub = a->gruu_pub;
	r->gruu_temp = a->gruu_temp;
	if (a->redirect.n > 0)
		r->registrar = a->redirect;
	nap_take_challenges(r, a);
	r->cseq++;
	nap_answer_challenges(r, false, 1);
	assert_line(r->path);
	assert_line(r->gruu_pub);
	assert_line(r->gruu_temp);
	assert_line(r->registrar);
	for (size_t i = 0; i < r->n_routes; i++)
		assert_line(r->service_route[i]);
}

static void register_again(const struct nap_options *o, const struct nap_record *r)
{
	static struct digester *digester; /* what OpenSSL keeps is made once */
	static uint8_t bytes[SIP_MESSAGE_MAX];
	static struct sip_msg m;
	const struct nap_sending s = {.transport = TRANSPORT_UDP, .local = {.family = ADDR_IPV4}};
	struct buf to = buf_on(bytes, sizeof bytes);
	const char *why = NULL;

	if (digester == NULL)
		digester = digester_new();
	bool written = nap_write_register(o, r, &s, digester, &to);
	assert(written);
	assert(sip_parse(buf_slice(&to), &m) == OK && sip_check(&m, &why) == 0);
	assert(sip_count(&m, HEADER_AUTHORIZATION) <= r->n_challenges);
}

static void hear(const struct sip_msg *m)
{
	static _Alignas(16) uint8_t memory[4 * SIP_MESSAGE_MAX];
	static uint8_t record[RECORD_MAX];
	static struct nap_record back;
	struct arena arena = arena_on(memory, sizeof memory);
	struct buf to = buf_on(record, sizeof record);
	const struct nap_options o = {.ignore_realm = true, .password = SLICE("p")};
	struct nap_record r = {
		.call_id = SLICE("c"),
		.from_tag = SLICE("t"),
		.cseq = 1,
		.phase = NAP_REGISTERING,
		.ask_s = 3600,
		.aor = SLICE("sip:a@b"),
		.contact = SLICE("sip:a@192.0.2.1"),
		.unit = UNIT_PRIMARY,
	};
	struct nap_answer a;

	nap_read_answer(m, &o, &r, &arena, &a);
	assert(!arena.full);
	assert(a.bound == (a.granted_s > 0) && a.granted_s <= r.ask_s);
	assert(!a.bound || a.status / 100 == 2);
	keep(&a, &r);
	nap_encode(&r, &to);
	arena_reset(&arena);
	assert(!to.full && nap_decode(buf_slice(&to), &arena, &back) == OK);
	register_again(&o, &back);
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
	if (!m.is_request) {
		within(m.reason, bytes);
		hear(&m);
		return 0;
	}
	read_uri(m.request_uri);
	uint16_t status = sip_check(&m, &why);
	assert((status == 0) == (why == NULL));
	answer(&m, status, why);
	return 0;
}
