/* layer: sip */
/* test_sip_reply.c - what goes back, byte for byte, and where to. */
#include "proto/sip/reply.h"
#include "tests/check.h"

static struct flow flow_from(const char *source)
{
	struct flow f = {.transport = TRANSPORT_UDP};

	assert_true(addr_parse(slice_str(source), &f.remote));
	return f;
}

static struct sip_msg parsed(const char *text)
{
	struct sip_msg m;

	assert_int_equal(sip_parse(slice_str(text), &m), OK);
	return m;
}

static void assert_text(const struct buf *b, const char *text)
{
	if (!slice_eq(buf_slice(b), slice_str(text)))
		fail_msg("got\n" SLICE_FMT "instead of\n%s", SLICE_ARG(buf_slice(b)), text);
}

/* A request with one header, and the answer to it as its receiver reads it. */
struct exchange {
	uint8_t sent[500];
	uint8_t received[500];
	struct sip_msg request;
	struct sip_msg back;
};

static void exchange(struct exchange *x, const char *name, const char *value,
                     const struct flow *flow, const char *tag)
{
	struct buf request = buf_on(x->sent, sizeof x->sent);
	struct buf to = buf_on(x->received, sizeof x->received);

	buf_str(&request, "BYE sip:a SIP/2.0\r\n");
	reply_header(&request, name, slice_str(value));
	reply_end(&request);
	assert_int_equal(sip_parse(buf_slice(&request), &x->request), OK);
	reply_begin(&to, &x->request, flow, 200, NULL, slice_str(tag));
	reply_end(&to);
	assert_int_equal(sip_parse(buf_slice(&to), &x->back), OK);
}

/* R41, R42, N1, N4 */
static void a_reply_copies_what_the_request_named(void **state)
{
	(void)state;
	uint8_t bytes[1000];
	struct buf to = buf_on(bytes, sizeof bytes);
	struct flow flow = flow_from("198.51.100.7:40000");
	struct sip_msg m =
		parsed("REGISTER sip:example.com SIP/2.0\r\n"
	               "CSeq: 7\r\n REGISTER\r\n"
	               "v: SIP/2.0/UDP 10.0.0.1:5070 ; rport;branch=z9hG4bK1;x=\"a;b\" ,\r\n"
	               " SIP/2.0/TCP c.example.com;branch=z9hG4bK0\r\n"
	               "f: Al <sip:alice@example.com>;tag=1\r\n"
	               "i: a1@10.0.0.1\r\n"
	               "Via: SIP/2.0/TLS d.example.com\r\n"
	               "t: <sip:alice@example.com;tag=no>\r\n\r\n");

	reply_begin(&to, &m, &flow, 200, NULL, SLICE("xyz"));
	reply_header(&to, "Contact", SLICE("<sip:a@10.0.0.1>;expires=60"));
	reply_end(&to);
	assert_false(to.full);
	assert_text(
		&to,
		"SIP/2.0 200 OK\r\n"
		"Via: SIP/2.0/UDP 10.0.0.1:5070 ;branch=z9hG4bK1;x=\"a;b\";received=198.51.100.7"
		";rport=40000\r\n"
		"Via: SIP/2.0/TCP c.example.com;branch=z9hG4bK0\r\n"
		"Via: SIP/2.0/TLS d.example.com\r\n"
		"From: Al <sip:alice@example.com>;tag=1\r\n"
		"To: <sip:alice@example.com;tag=no>;tag=xyz\r\n"
		"Call-ID: a1@10.0.0.1\r\n"
		"CSeq: 7   REGISTER\r\n"
		"Contact: <sip:a@10.0.0.1>;expires=60\r\n"
		"Content-Length: 0\r\n\r\n");
}

static const struct {
	const char *via;
	const char *source;
	const char *sent; /* back */
	const char *target;
} vias[] = {
	{"SIP/2.0/UDP 192.0.2.1:5062;branch=b", "192.0.2.1:9999",
         "SIP/2.0/UDP 192.0.2.1:5062;branch=b", "192.0.2.1:5062"},
	{"SIP/2.0/UDP 192.0.2.1;branch=b", "192.0.2.1:9999", "SIP/2.0/UDP 192.0.2.1;branch=b",
         "192.0.2.1:5060"},
	{"SIP/2.0/UDP 10.0.0.1:5062;branch=b", "192.0.2.1:9999",
         "SIP/2.0/UDP 10.0.0.1:5062;branch=b;received=192.0.2.1", "192.0.2.1:5062"},
	{"SIP/2.0/UDP pc.example.com", "192.0.2.1:5060",
         "SIP/2.0/UDP pc.example.com;received=192.0.2.1", "192.0.2.1:5060"},
	{"SIP/2.0/UDP pc.example.com:5070", "192.0.2.1:9999", /* no DNS is asked for it */
         "SIP/2.0/UDP pc.example.com:5070;received=192.0.2.1", "192.0.2.1:5070"},
	{"SIP/2.0/UDP 192.0.2.1;RPORT;branch=b", "192.0.2.1:5060",
         "SIP/2.0/UDP 192.0.2.1;branch=b;received=192.0.2.1;rport=5060", "192.0.2.1:5060"},
	{"SIP/2.0/UDP 10.0.0.1;rport=1;received=8.8.8.8", "192.0.2.1:77",
         "SIP/2.0/UDP 10.0.0.1;received=192.0.2.1;rport=77", "192.0.2.1:77"},
	{"SIP/2.0/UDP [2001:db8::1]:5062", "[2001:db8:0::1]:9", "SIP/2.0/UDP [2001:db8::1]:5062",
         "[2001:db8::1]:5062"},
	{"SIP/2.0/UDP [2001:db8::2];rport", "[2001:db8::1]:9",
         "SIP/2.0/UDP [2001:db8::2];received=2001:db8::1;rport=9", "[2001:db8::1]:9"},
	{"SIP/2.0/UDP 192.0.2.1;maddr=203.0.113.1;ttl=1", "192.0.2.1:9",
         "SIP/2.0/UDP 192.0.2.1;maddr=203.0.113.1;ttl=1", "192.0.2.1:5060"},
	{"it is no Via", "192.0.2.1:9", "it is no Via", "192.0.2.1:9"},
};

/* R43, N1, N3, N4, F10; RFC 3261 18.2.2 */
static void the_top_via_says_where_the_request_came_from(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vias); i++) {
		struct exchange x;
		struct flow flow = flow_from(vias[i].source);

		exchange(&x, "Via", vias[i].via, &flow, "t");
		struct slice sent = sip_find(&x.back, HEADER_VIA)->value;
		if (!slice_eq(sent, slice_str(vias[i].sent)))
			fail_msg("sent " SLICE_FMT " for %s", SLICE_ARG(sent), vias[i].via);
		struct addr target = reply_target(&x.request, &flow);
		struct flow expected = flow_from(vias[i].target);
		if (!addr_eq(&target, &expected.remote))
			fail_msg("another target for %s", vias[i].via);
	}
}

/* R41 */
static void only_a_to_without_tag_gets_one(void **state)
{
	(void)state;
	static const struct {
		const char *to;
		const char *tag;
		const char *sent;
	} cases[] = {
		{"<sip:a@b>", "x", "<sip:a@b>;tag=x"},
		{"sip:a@b", "x", "sip:a@b;tag=x"},
		{"sip:a@b;tag=y", "x", "sip:a@b;tag=y"},
		{"\"A;tag=z\" <sip:a@b> ; TAG = y", "x", "\"A;tag=z\" <sip:a@b> ; TAG = y"},
		{"<sip:a@b>;p=1", "x", "<sip:a@b>;p=1;tag=x"},
		{"<sip:a@b>", "", "<sip:a@b>"},
		{"\"A <sip:a@b>", "x", "\"A <sip:a@b>"},
	};

	struct flow flow = flow_from("192.0.2.1:5060");

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct exchange x;

		exchange(&x, "To", cases[i].to, &flow, cases[i].tag);
		struct slice sent = sip_find(&x.back, HEADER_TO)->value;
		if (!slice_eq(sent, slice_str(cases[i].sent)))
			fail_msg("sent " SLICE_FMT " for %s", SLICE_ARG(sent), cases[i].to);
	}
}

static void a_refused_request_gets_what_can_be_copied(void **state)
{
	(void)state;
	uint8_t bytes[500];
	struct buf to = buf_on(bytes, sizeof bytes);
	struct flow flow = flow_from("192.0.2.1:5060");
	struct sip_msg m = parsed("BYE sip:a SIP/2.0\r\n"
	                          "Via: ,\r\n"
	                          "no header\r\n"
	                          "CSeq: x\r\nCSeq: y\r\n\r\n");

	reply_begin(&to, &m, &flow, 400, "More Than One CSeq", SLICE("x"));
	reply_end(&to);
	assert_text(&to, "SIP/2.0 400 More Than One CSeq\r\n"
	                 "CSeq: x\r\n"
	                 "Content-Length: 0\r\n\r\n");
	struct addr target = reply_target(&m, &flow);
	assert_true(addr_eq(&target, &flow.remote));
	m.n_headers = 0;
	target = reply_target(&m, &flow);
	assert_true(addr_eq(&target, &flow.remote));
}

static void too_little_room_sticks(void **state)
{
	(void)state;
	uint8_t bytes[40];
	struct flow flow = flow_from("192.0.2.1:5060");
	struct sip_msg m =
		parsed("BYE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h;rport\r\nTo: <sip:a@b>\r\n"
	               "From:\r\n <sip:a@b>\r\n\r\n");

	for (size_t room = 0; room <= sizeof bytes; room++) {
		struct buf to = buf_on(bytes, room);

		reply_begin(&to, &m, &flow, 200, NULL, SLICE("x"));
		reply_end(&to);
		assert_true(to.full);
		assert_true(to.n <= room);
	}
}

static void statuses_have_the_phrases_of_the_rfcs(void **state)
{
	(void)state;
	assert_string_equal(sip_reason(100), "Trying");
	assert_string_equal(sip_reason(200), "OK");
	assert_string_equal(sip_reason(401), "Unauthorized");
	assert_string_equal(sip_reason(423), "Interval Too Brief");
	assert_string_equal(sip_reason(439), "First Hop Lacks Outbound Support");
	assert_string_equal(sip_reason(555), "Push Notification Service Not Supported");
	assert_string_equal(sip_reason(0), "Unknown");
	assert_string_equal(sip_reason(299), "Unknown");
	assert_string_equal(sip_reason(700), "Unknown");
	assert_string_equal(sip_reason(UINT16_MAX), "Unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reply_copies_what_the_request_named),
		cmocka_unit_test(the_top_via_says_where_the_request_came_from),
		cmocka_unit_test(only_a_to_without_tag_gets_one),
		cmocka_unit_test(a_refused_request_gets_what_can_be_copied),
		cmocka_unit_test(too_little_room_sticks),
		cmocka_unit_test(statuses_have_the_phrases_of_the_rfcs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
