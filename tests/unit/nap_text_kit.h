/* nap_text_kit.h - what the tests of nap_message.h share: a NAP, its record, and answers as texts. */
#ifndef TESTS_UNIT_NAP_TEXT_KIT_H
#define TESTS_UNIT_NAP_TEXT_KIT_H

#include "node/core/nap_message.h"
#include "tests/unit/other_reading.h"

#define CARRIER "sip:trunk1@carrier.example"

static const struct addr virtual_ip = {.family = ADDR_IPV4, .port = 5060, .ip = {192, 0, 2, 10}};

static inline struct nap_options nap_configured(void)
{
	return (struct nap_options){
		.name = SLICE("carrier"),
		.proxy = SLICE("carrier.example"),
		.address_to_register = SLICE(CARRIER),
		.password = SLICE("secret"),
		.local = virtual_ip,
		.registers = true,
		.expires_s = 3600,
		.poll_max_forwards = 1,
	};
}

static inline struct nap_record nap_registering(void)
{
	return (struct nap_record){
		.call_id = SLICE("7d1f0e2a"),
		.from_tag = SLICE("5e6f"),
		.cseq = 1001,
		.phase = NAP_REGISTERING,
		.ask_s = 3600,
		.aor = SLICE(CARRIER),
		.contact = SLICE("sip:trunk1@192.0.2.10:5060"),
	};
}

struct nap_ear {
	_Alignas(16) uint8_t memory[64 * 1024];
	char text[8192];
	struct sip_msg m;
	struct nap_answer answer;
};

/* What an answer means: `start` is "200 OK", `rest` lines with their CR LF. */
static inline const struct nap_answer *nap_hear(struct nap_ear *e, const struct nap_options *o,
                                                const struct nap_record *r, const char *start,
                                                const char *rest)
{
	struct arena arena = arena_on(e->memory, sizeof e->memory);
	int n = snprintf(e->text, sizeof e->text,
	                 "SIP/2.0 %s\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r\n"
	                 "From: <" CARRIER ">;tag=5e6f\r\nTo: <" CARRIER ">;tag=x\r\n"
	                 "Call-ID: 7d1f0e2a\r\nCSeq: 1001 REGISTER\r\n%s"
	                 "Content-Length: 0\r\n\r\n",
	                 start, rest);

	assert_in_range(n, 1, sizeof e->text - 1);
	assert_int_equal(sip_parse(slice_str(e->text), &e->m), OK);
	nap_read_answer(&e->m, o, r, &arena, &e->answer);
	assert_false(arena.full);
	return &e->answer;
}

#endif
