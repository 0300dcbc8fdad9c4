/* layer: proto */
/* test_record_nap.c - the record of a NAP comes back as it went, with the fields of a newer version; what
 * is wrong is refused. */
#include "proto/record_nap.h"
#include "tests/check.h"
#include "tests/unit/golden/golden.h"
#include "tests/unit/record_desk.h"

static struct nap_record carrier(void)
{
	struct nap_record r = {
		.call_id = SLICE("7d1f0e2ab3c4d5e6"),
		.from_tag = SLICE("5e6f"),
		.cseq = 12003,
		.phase = NAP_REGISTERED,
		.why = SLICE("accepted"),
		.since = {1700000000123},
		.sent = {1700000000001},
		.until = {1700003600123},
		.due = {1700001800123},
		.granted_s = 3600,
		.ask_s = 7200,
		.attempts = 3,
		.aor = SLICE("sip:trunk1@carrier.example"),
		.contact = SLICE("sip:trunk1@192.0.2.10:5060;transport=tcp"),
		.registrar = SLICE("sip:reg2.carrier.example"),
		.instance = 0x0123456789abcdef,
		.reg_id = 1,
		.target = {.family = ADDR_IPV4, .port = 5060, .ip = {198, 51, 100, 7}},
		.transport = TRANSPORT_TCP,
		.last_status = 200,
		.last_reason = SLICE("OK"),
		.challenges = {{.asked = {.realm = SLICE("carrier.example"),
	                                  .nonce = SLICE("abc"),
	                                  .opaque = SLICE("o"),
	                                  .algorithm = SLICE("SHA-256"),
	                                  .qop = SLICE("auth,auth-int")},
	                        .nc = 4,
	                        .cseq = 12003,
	                        .cnonce = 77},
	                       {.asked = {.proxy = true, .nonce = SLICE("def")}, .due = true}},
		.n_challenges = 2,
		.service_route = {SLICE("<sip:p1;lr>"), SLICE("<sip:p2;lr>")},
		.n_routes = 2,
		.path = SLICE("<sip:edge;lr>"),
		.gruu_pub = SLICE("sip:trunk1@carrier.example;gr=x"),
		.gruu_temp = SLICE("sip:t@carrier.example;gr"),
		.available = true,
		.available_since = {1700000000456},
		.epoch = 9,
		.unit = UNIT_SECONDARY,
	};
	return r;
}

static struct slice encoded(const struct nap_record *r)
{
	struct desk d = desk();

	nap_encode(r, &d.to);
	assert_false(d.to.full);
	return buf_slice(&d.to);
}

static enum err decoded(struct slice bytes, struct nap_record *out)
{
	static _Alignas(16) uint8_t memory[64 * 1024]; /* what `out` borrows stays until the next */
	struct arena arena = arena_on(memory, sizeof memory);

	return nap_decode(bytes, &arena, out);
}

static void assert_same_challenge(const struct nap_challenge *got, const struct nap_challenge *want)
{
	assert_same(got->asked.realm, want->asked.realm);
	assert_same(got->asked.nonce, want->asked.nonce);
	assert_same(got->asked.opaque, want->asked.opaque);
	assert_same(got->asked.algorithm, want->asked.algorithm);
	assert_same(got->asked.qop, want->asked.qop);
	assert_int_equal(got->asked.proxy, want->asked.proxy);
	assert_int_equal(got->nc, want->nc);
	assert_int_equal(got->cseq, want->cseq);
	assert_true(got->cnonce == want->cnonce && got->due == want->due);
}

static void assert_same_texts(const struct nap_record *got, const struct nap_record *want)
{
	assert_same(got->call_id, want->call_id);
	assert_same(got->from_tag, want->from_tag);
	assert_same(got->why, want->why);
	assert_same(got->aor, want->aor);
	assert_same(got->contact, want->contact);
	assert_same(got->registrar, want->registrar);
	assert_same(got->last_reason, want->last_reason);
	assert_same(got->path, want->path);
	assert_same(got->gruu_pub, want->gruu_pub);
	assert_same(got->gruu_temp, want->gruu_temp);
}

/* C46: all that the other node needs to go on as the same client */
static void a_nap_comes_back_as_it_went(void **state)
{
	(void)state;
	struct nap_record was = carrier(), r;
	struct slice bytes = encoded(&was);

	assert_golden("record-nap", bytes);
	assert_int_equal(decoded(bytes, &r), OK);
	assert_same_texts(&r, &was);
	assert_true(r.cseq == 12003 && r.phase == NAP_REGISTERED);
	assert_true(r.since.ms == was.since.ms && r.sent.ms == was.sent.ms);
	assert_true(r.until.ms == was.until.ms && r.due.ms == was.due.ms);
	assert_true(r.granted_s == 3600 && r.ask_s == 7200 && r.attempts == 3);
	assert_true(r.instance == was.instance && r.reg_id == 1);
	assert_true(addr_eq(&r.target, &was.target) && r.transport == TRANSPORT_TCP);
	assert_int_equal(r.last_status, 200);
	assert_int_equal(r.n_challenges, 2);
	assert_same_challenge(&r.challenges[0], &was.challenges[0]);
	assert_same_challenge(&r.challenges[1], &was.challenges[1]);
	assert_int_equal(r.n_routes, 2);
	assert_same(r.service_route[1], was.service_route[1]);
	assert_true(r.available && r.available_since.ms == was.available_since.ms);
	assert_true(r.epoch == 9 && r.unit == UNIT_SECONDARY);
	assert_same(encoded(&r), bytes);
}

static void a_nap_that_is_only_polled_has_little(void **state)
{
	(void)state;
	const struct nap_record was = {
		.phase = NAP_IDLE, .available = true, .available_since = {5}, .unit = UNIT_PRIMARY};
	struct nap_record r;

	assert_int_equal(decoded(encoded(&was), &r), OK);
	assert_true(r.phase == NAP_IDLE && r.available && r.available_since.ms == 5);
	assert_int_equal(r.call_id.n, 0);
}

static void fields_of_a_newer_version_are_kept(void **state)
{
	(void)state;
	struct nap_record was = carrier(), r;
	struct desk d;
	/* a challenge with a nonce and a field that is not known here */
	const struct slice challenge = SLICE("\262\001\006\032\001n" NEWER);

	was.n_challenges = 0;
	struct slice known = encoded(&was);
	d = desk();
	buf_put(&d.to, known);
	buf_put(&d.to, SLICE(NEWER NEWER_2));
	assert_int_equal(decoded(buf_slice(&d.to), &r), OK);
	assert_same(encoded(&r), buf_slice(&d.to));

	d = desk();
	buf_put(&d.to, known);
	buf_put(&d.to, challenge);
	assert_int_equal(decoded(buf_slice(&d.to), &r), OK);
	assert_int_equal(r.n_challenges, 1);
	assert_int_equal(r.challenges[0].unknown.n, 1);
	struct slice again = encoded(&r);
	assert_non_null(memmem(again.p, again.n, challenge.p, challenge.n));
}

/* One field after the other of what encodes well, made wrong in its bytes: the last of a field counts. */
static void what_is_wrong_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		struct slice bytes;
		enum err err;
	} rows[] = {
		{"garbage", {SLICE_OF("\377\377")}, ERR_MALFORMED},
		{"no Call-ID", {SLICE_OF("\012\000")}, ERR_MALFORMED},
		{"no From tag", {SLICE_OF("\022\000")}, ERR_MALFORMED},
		{"CSeq 0", {SLICE_OF("\030\000")}, ERR_MALFORMED},
		{"CSeq 2**31", {SLICE_OF("\030\200\200\200\200\010")}, ERR_MALFORMED},
		{"no phase", {SLICE_OF("\040\000")}, ERR_MALFORMED},
		{"a phase too many", {SLICE_OF("\040\006")}, ERR_MALFORMED},
		{"a time below 0",
	         {SLICE_OF("\060\377\377\377\377\377\377\377\377\377\001")},
	         ERR_MALFORMED},
		{"a time beyond all",
	         {SLICE_OF("\110\200\200\200\200\200\200\200\200\001")},
	         ERR_MALFORMED},
		{"no AOR", {SLICE_OF("\152\000")}, ERR_MALFORMED},
		{"no Contact", {SLICE_OF("\162\000")}, ERR_MALFORMED},
		{"an address of three bytes", {SLICE_OF("\222\001\003abc")}, ERR_MALFORMED},
		{"a transport too many", {SLICE_OF("\230\001\006")}, ERR_MALFORMED},
		{"a status of 17 bits", {SLICE_OF("\240\001\200\200\010")}, ERR_MALFORMED},
		{"a challenge without a nonce", {SLICE_OF("\262\001\000")}, ERR_MALFORMED},
		{"a challenge too many",
	         {SLICE_OF("\262\001\003\032\001n\262\001\003\032\001n\262\001\003\032\001n")},
	         ERR_TOO_BIG},
		{"a challenge of CSeq 2**31",
	         {SLICE_OF("\262\001\011\032\001n\100\200\200\200\200\010")},
	         ERR_MALFORMED},
		{"a field of number 2**29 in it",
	         {SLICE_OF("\262\001\011\032\001n\200\200\200\200\020\000")},
	         ERR_MALFORMED},
		{"routes too many",
	         {SLICE_OF("\272\001\001r\272\001\001r\272\001\001r\272\001\001r\272\001\001r"
	                   "\272\001\001r\272\001\001r")},
	         ERR_TOO_BIG},
		{"no unit", {SLICE_OF("\360\001\000")}, ERR_MALFORMED},
	};
	struct nap_record was = carrier(), r;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct slice good = encoded(&was);
		struct desk d = desk();

		buf_put(&d.to, good);
		buf_put(&d.to, rows[i].bytes);
		assert_err(rows[i].what, decoded(buf_slice(&d.to), &r), rows[i].err);
	}
}

/* What is encoded, and behind it a text of n bytes in this field. */
static enum err with_text(struct slice good, struct slice tag, struct slice text)
{
	struct desk d = desk();
	struct nap_record r;

	buf_put(&d.to, good);
	buf_put(&d.to, tag);
	buf_byte(&d.to, (uint8_t)(text.n | 0x80));
	buf_byte(&d.to, (uint8_t)(text.n >> 7));
	buf_put(&d.to, text);
	return decoded(buf_slice(&d.to), &r);
}

static void texts_have_their_limits(void **state)
{
	(void)state;
	static uint8_t large[RECORD_MAX + 1];
	static const struct slice tags[] = {{SLICE_OF("\012")}, {SLICE_OF("\272\001")}};
	struct nap_record was = carrier(), r;
	struct arena small = arena_on(large, 64);

	memset(large, 'x', sizeof large);
	assert_err("record", decoded((struct slice){large, sizeof large}, &r), ERR_TOO_BIG);
	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		struct slice text = {large, NAP_TEXT_MAX};
		assert_err("text", with_text(encoded(&was), tags[i], text), OK);
		text.n++;
		assert_err("text", with_text(encoded(&was), tags[i], text), ERR_MALFORMED);
	}
	was.challenges[0].asked.nonce = (struct slice){large, CHALLENGE_TEXT_MAX};
	struct slice full = encoded(&was);
	assert_err("nonce", decoded(full, &r), OK);
	assert_err("arena", nap_decode(full, &small, &r), ERR_TOO_BIG);
}

static void phases_have_names(void **state)
{
	(void)state;
	assert_string_equal(nap_phase_name(NAP_IDLE), "idle");
	assert_string_equal(nap_phase_name(NAP_UNREGISTERING), "unregistering");
	assert_string_equal(nap_phase_name((enum nap_phase)0), "?");
	assert_string_equal(nap_phase_name((enum nap_phase)6), "?");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_nap_comes_back_as_it_went),
		cmocka_unit_test(a_nap_that_is_only_polled_has_little),
		cmocka_unit_test(fields_of_a_newer_version_are_kept),
		cmocka_unit_test(what_is_wrong_is_refused),
		cmocka_unit_test(texts_have_their_limits),
		cmocka_unit_test(phases_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
