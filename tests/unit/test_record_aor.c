/* layer: proto */
/* test_record_aor.c - the AOR's record comes back as it went, with the fields of a newer version;
 * what is wrong is refused with the error that says how. */
#include "proto/record.h"
#include "tests/check.h"
#include "tests/unit/golden/golden.h"
#include "tests/unit/record_desk.h"

static const struct addr phone = {.family = ADDR_IPV4, .port = 40000, .ip = {192, 0, 2, 7}};
static const struct addr virtual_ip = {
	.family = ADDR_IPV6, .port = 5060, .ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};

static struct binding a_binding(void)
{
	return (struct binding){
		.uri = SLICE("sip:alice@192.0.2.7:40000"),
		.display = SLICE("\"Alice\""),
		.params = SLICE(";q=0.5;+sip.instance=\"<urn:uuid:1>\";reg-id=1"),
		.call_id = SLICE("a84b4c76e66710"),
		.cseq = 4711,
		.branch = SLICE("z9hG4bK776asdhds"),
		.from_tag = SLICE("1928301774"),
		.stamped = {1700000000123},
		.expires = {1700003600123},
		.q_milli = 500,
		.instance = SLICE("<urn:uuid:1>"),
		.reg_id = 1,
		.path = {SLICE("<sip:edge1.example.com;lr>"), SLICE("<sip:edge2.example.com;lr>")},
		.n_paths = 2,
		.received = phone,
		.local = virtual_ip,
		.transport = TRANSPORT_TLS,
		.user_agent = SLICE("baresip v3"),
		.epoch = 12,
		.unit = UNIT_SECONDARY,
	};
}

static struct aor_record *an_aor(void)
{
	static struct aor_record r;

	r = (struct aor_record){
		.bindings = {a_binding(), a_binding()},
		.n_bindings = 2,
		.tombstones = {{.uri = SLICE("sip:alice@192.0.2.9"),
	                        .instance = SLICE("<urn:uuid:2>"),
	                        .reg_id = 2,
	                        .call_id = SLICE("old"),
	                        .cseq = 9,
	                        .branch = SLICE("z9hG4bKold"),
	                        .stamped = {1699999999000},
	                        .cause = CAUSE_REPLACED,
	                        .epoch = 11,
	                        .unit = UNIT_PRIMARY}},
		.n_tombstones = 1,
		.floor = {.set = true,
	                  .stamped = {1690000000000},
	                  .call_id = SLICE("star"),
	                  .cseq = 3,
	                  .branch = SLICE("z9hG4bKstar")},
		.nonces = {{.nonce = SLICE("bm9uY2U"),
	                    .highest = 7,
	                    .window = 0xfffffff1,
	                    .issued = {1699999990000}}},
		.n_nonces = 1,
	};
	r.bindings[1].uri = SLICE("sip:alice@192.0.2.8");
	r.bindings[1].n_paths = 0;
	return &r;
}

static struct slice encode_aor(const struct aor_record *r)
{
	struct desk d = desk();

	aor_encode(r, &d.arena, &d.to);
	assert_false(d.to.full);
	assert_int_equal(d.arena.n, 0);
	return buf_slice(&d.to);
}

static enum err decode_aor(struct slice bytes)
{
	static struct aor_record r;
	struct desk d = desk();

	return aor_decode(bytes, &d.arena, &r);
}

/* decode, encode: the same bytes. */
static void assert_stands(struct slice bytes)
{
	static struct aor_record back;
	struct desk d = desk();

	assert_int_equal(aor_decode(bytes, &d.arena, &back), OK);
	aor_encode(&back, &d.arena, &d.to);
	assert_same(buf_slice(&d.to), bytes);
}

static void an_aor_comes_back_as_it_went(void **state)
{
	(void)state;
	static struct aor_record back;
	struct desk d = desk();
	const struct aor_record *r = an_aor();
	struct slice bytes = encode_aor(r);

	assert_int_equal(aor_decode(bytes, &d.arena, &back), OK);
	assert_int_equal(back.n_bindings, 2);
	const struct binding *b = &back.bindings[0];
	assert_true(slice_eq(b->uri, r->bindings[0].uri));
	assert_true(slice_eq(b->params, r->bindings[0].params));
	assert_true(slice_eq(b->path[1], r->bindings[0].path[1]));
	assert_int_equal(b->n_paths, 2);
	assert_true(addr_eq(&b->received, &phone));
	assert_true(addr_eq(&b->local, &virtual_ip));
	assert_int_equal(b->transport, TRANSPORT_TLS);
	assert_int_equal(b->expires.ms, 1700003600123);
	assert_int_equal(b->unit, UNIT_SECONDARY);
	assert_int_equal(back.tombstones[0].cause, CAUSE_REPLACED);
	assert_true(back.floor.set);
	assert_int_equal(back.floor.stamped.ms, 1690000000000);
	assert_int_equal(back.nonces[0].window, 0xfffffff1);
	assert_stands(bytes);
}

static void an_empty_aor_is_no_bytes_and_back(void **state)
{
	(void)state;
	static struct aor_record empty;
	static struct aor_record back;
	struct desk d = desk();

	assert_int_equal(encode_aor(&empty).n, 0);
	assert_int_equal(aor_decode((struct slice){NULL, 0}, &d.arena, &back), OK);
	assert_int_equal(back.n_bindings + back.n_tombstones + back.n_nonces, 0);
	assert_false(back.floor.set);
}

static void a_floor_of_zeroes_is_still_a_floor(void **state)
{
	(void)state;
	static struct aor_record r = {.floor = {.set = true}};
	static struct aor_record back;
	struct desk d = desk();

	assert_int_equal(aor_decode(encode_aor(&r), &d.arena, &back), OK);
	assert_true(back.floor.set);
}

static void an_aor_as_full_as_allowed_comes_back(void **state)
{
	(void)state;
	static struct aor_record r;

	r = (struct aor_record){.n_bindings = AOR_BINDINGS_MAX,
	                        .n_tombstones = AOR_TOMBSTONES_MAX,
	                        .n_nonces = AOR_NONCES_MAX};
	for (size_t i = 0; i < AOR_BINDINGS_MAX; i++)
		r.bindings[i] = a_binding();
	for (size_t i = 0; i < AOR_TOMBSTONES_MAX; i++)
		r.tombstones[i] = an_aor()->tombstones[0];
	for (size_t i = 0; i < AOR_NONCES_MAX; i++)
		r.nonces[i] = an_aor()->nonces[0];
	assert_stands(encode_aor(&r));
}

static void an_aor_beyond_the_record_limit_does_not_fit(void **state)
{
	(void)state;
	static uint8_t long_uri[RECORD_MAX];
	struct desk d = desk();
	struct aor_record *r = an_aor();

	r->bindings[0].uri = (struct slice){long_uri, sizeof long_uri};
	aor_encode(r, &d.arena, &d.to);
	assert_true(d.to.full);
	assert_int_equal(d.to.n, 0);
}

static void a_full_arena_is_told(void **state)
{
	(void)state;
	static struct aor_record back;
	static _Alignas(16) uint8_t memory[256];
	struct slice bytes = encode_aor(an_aor());
	struct desk d = desk();
	struct arena small = arena_on(memory, sizeof memory);

	assert_int_equal(aor_decode(bytes, &small, &back), ERR_TOO_BIG);
	assert_true(small.full);
	arena_reset(&small);
	aor_encode(an_aor(), &small, &d.to);
	assert_true(d.to.full);
}

/* One field of a message, as protobuf has it; numbers below 16 and lengths below 128. */
static void put_field(struct buf *to, unsigned number, struct slice s)
{
	buf_byte(to, (uint8_t)(number << 3 | 2));
	buf_byte(to, (uint8_t)s.n);
	buf_put(to, s);
}

#define BINDING "\012\001u\170\001\230\001\002" /* uri, transport, unit */

static void fields_of_a_newer_version_survive_at_every_level(void **state)
{
	(void)state;
	uint8_t room[256];
	struct buf bytes = buf_on(room, sizeof room);

	put_field(&bytes, 1, SLICE(BINDING NEWER NEWER_2));
	put_field(&bytes, 1, SLICE(BINDING NEWER));
	put_field(&bytes, 2, SLICE("\012\001u\100\001\120\001" NEWER_2));
	put_field(&bytes, 3, SLICE("\010\005" NEWER));
	put_field(&bytes, 4, SLICE("\012\001n" NEWER NEWER_2));
	buf_put(&bytes, SLICE(NEWER_2 NEWER));
	assert_stands(buf_slice(&bytes));
}

/* Field 0 written as two bytes, and field 2^29: protobuf-c takes them, and could not read back what
 * it writes for them. */
#define FIELD_ZERO  "\200\000\007"
#define FIELD_LARGE "\200\200\200\200\020\007"

static void impossible_field_numbers_are_refused_at_every_level(void **state)
{
	(void)state;
	static const struct {
		unsigned field;
		struct slice bytes;
	} cases[] = {
		{1, {SLICE_OF(BINDING FIELD_ZERO)}},
		{1, {SLICE_OF(BINDING FIELD_LARGE)}},
		{2, {SLICE_OF("\012\001u\100\001\120\001" FIELD_ZERO)}},
		{3, {SLICE_OF(FIELD_ZERO)}},
		{4, {SLICE_OF("\012\001n" FIELD_LARGE)}},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t room[64];
		struct buf bytes = buf_on(room, sizeof room);

		put_field(&bytes, cases[i].field, cases[i].bytes);
		assert_int_equal(decode_aor(buf_slice(&bytes)), ERR_MALFORMED);
	}
	assert_int_equal(decode_aor(SLICE(FIELD_ZERO)), ERR_MALFORMED);
}

static void wrong_bindings_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		struct slice bytes;
		enum err err;
	} cases[] = {
		{"sound", {SLICE_OF(BINDING)}, OK},
		{"nothing", {SLICE_OF("")}, ERR_MALFORMED},
		{"no URI", {SLICE_OF("\170\001\230\001\002")}, ERR_MALFORMED},
		{"no transport", {SLICE_OF("\012\001u\230\001\002")}, ERR_MALFORMED},
		{"transport 6", {SLICE_OF(BINDING "\170\006")}, ERR_MALFORMED},
		{"no unit", {SLICE_OF("\012\001u\170\001")}, ERR_MALFORMED},
		{"unit 4", {SLICE_OF(BINDING "\230\001\004")}, ERR_MALFORMED},
		{"q 1", {SLICE_OF(BINDING "\120\350\007")}, OK},
		{"q over 1", {SLICE_OF(BINDING "\120\351\007")}, ERR_MALFORMED},
		{"received of 3 bytes", {SLICE_OF(BINDING "\162\003abc")}, ERR_MALFORMED},
		{"received of 6 bytes", {SLICE_OF(BINDING "\162\006abcdef")}, OK},
		{"local of 7 bytes", {SLICE_OF(BINDING "\202\001\007abcdefg")}, ERR_MALFORMED},
		{"8 paths", {SLICE_OF(BINDING "j\0j\0j\0j\0j\0j\0j\0j\0")}, OK},
		{"9 paths", {SLICE_OF(BINDING "j\0j\0j\0j\0j\0j\0j\0j\0j\0")}, ERR_TOO_BIG},
		{"cut", {SLICE_OF("\012\005u")}, ERR_MALFORMED},
		{"URI as a number", {SLICE_OF("\010\001" BINDING)}, ERR_MALFORMED},
		{"field number 0", {SLICE_OF(BINDING "\0\0")}, ERR_MALFORMED},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t room[256];
		struct buf bytes = buf_on(room, sizeof room);

		put_field(&bytes, 1, cases[i].bytes);
		assert_err(cases[i].name, decode_aor(buf_slice(&bytes)), cases[i].err);
	}
}

static void wrong_tombstones_and_nonces_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		struct slice bytes;
		enum err err;
	} cases[] = {
		{"a tombstone", {SLICE_OF("\022\007\012\001u\100\001\120\001")}, OK},
		{"by instance", {SLICE_OF("\022\007\022\001i\100\004\120\003")}, OK},
		{"of nothing", {SLICE_OF("\022\004\100\001\120\001")}, ERR_MALFORMED},
		{"no cause", {SLICE_OF("\022\005\012\001u\120\001")}, ERR_MALFORMED},
		{"cause 5", {SLICE_OF("\022\007\012\001u\100\005\120\001")}, ERR_MALFORMED},
		{"no unit", {SLICE_OF("\022\005\012\001u\100\001")}, ERR_MALFORMED},
		{"a nonce", {SLICE_OF("\042\003\012\001n")}, OK},
		{"no nonce", {SLICE_OF("\042\002\020\001")}, ERR_MALFORMED},
		{"two floors are one", {SLICE_OF("\032\0\032\0")}, OK},
		{"not protobuf", {SLICE_OF("\377\377")}, ERR_MALFORMED},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_err(cases[i].name, decode_aor(cases[i].bytes), cases[i].err);
	}
}

static void more_than_the_limits_is_too_big(void **state)
{
	(void)state;
	static const struct {
		unsigned field;
		struct slice bytes;
		size_t max;
	} cases[] = {
		{1, {SLICE_OF(BINDING)}, AOR_BINDINGS_MAX},
		{2, {SLICE_OF("\012\001u\100\001\120\001")}, AOR_TOMBSTONES_MAX},
		{4, {SLICE_OF("\012\001n")}, AOR_NONCES_MAX},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t room[1024];
		struct buf bytes = buf_on(room, sizeof room);

		for (size_t n = 0; n < cases[i].max; n++)
			put_field(&bytes, cases[i].field, cases[i].bytes);
		assert_int_equal(decode_aor(buf_slice(&bytes)), OK);
		put_field(&bytes, cases[i].field, cases[i].bytes);
		assert_int_equal(decode_aor(buf_slice(&bytes)), ERR_TOO_BIG);
	}
}

static void a_flood_of_empty_bindings_is_too_big(void **state)
{
	(void)state;
	static uint8_t flood[RECORD_MAX + 1];

	for (size_t i = 0; i + 1 < sizeof flood; i += 2)
		flood[i] = 012;
	assert_int_equal(decode_aor((struct slice){flood, RECORD_MAX}), ERR_TOO_BIG);
	assert_int_equal(decode_aor((struct slice){flood, RECORD_MAX + 1}), ERR_TOO_BIG);
}

static void the_stored_bytes_of_an_aor_are_those_of_the_release(void **state)
{
	(void)state;
	assert_golden("record-aor", encode_aor(an_aor()));
}

static void bindings_are_counted_without_being_read(void **state)
{
	(void)state;
	struct aor_record *r = an_aor();
	struct slice bytes = encode_aor(r);

	assert_int_equal(aor_bindings(bytes), 2);
	for (size_t n = 0; n < bytes.n;
	     n++) /* a cut is counted up to it, and no byte is read behind it */
		assert_in_range(aor_bindings(slice_head(bytes, n)), 0, 2);
	r->n_bindings = 0;
	assert_int_equal(aor_bindings(encode_aor(r)), 0);
	assert_int_equal(aor_bindings((struct slice){NULL, 0}), 0);
	/* unknown fields of each wire type, then a binding; then none that there is */
	assert_int_equal(aor_bindings(SLICE("\x78\x96\x01\x79"
	                                    "12345678"
	                                    "\x7d"
	                                    "1234"
	                                    "\x7a\x02"
	                                    "ab\x0a\x01x")),
	                 1);
	assert_int_equal(aor_bindings(SLICE("\x0b\x0a\x01x")), 0);
	assert_int_equal(aor_bindings(SLICE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")), 0);
	assert_int_equal(aor_bindings(SLICE("\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x0a\x01x")),
	                 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_aor_comes_back_as_it_went),
		cmocka_unit_test(bindings_are_counted_without_being_read),
		cmocka_unit_test(an_empty_aor_is_no_bytes_and_back),
		cmocka_unit_test(a_floor_of_zeroes_is_still_a_floor),
		cmocka_unit_test(an_aor_as_full_as_allowed_comes_back),
		cmocka_unit_test(an_aor_beyond_the_record_limit_does_not_fit),
		cmocka_unit_test(a_full_arena_is_told),
		cmocka_unit_test(fields_of_a_newer_version_survive_at_every_level),
		cmocka_unit_test(impossible_field_numbers_are_refused_at_every_level),
		cmocka_unit_test(wrong_bindings_are_refused),
		cmocka_unit_test(wrong_tombstones_and_nonces_are_refused),
		cmocka_unit_test(more_than_the_limits_is_too_big),
		cmocka_unit_test(a_flood_of_empty_bindings_is_too_big),
		cmocka_unit_test(the_stored_bytes_of_an_aor_are_those_of_the_release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
