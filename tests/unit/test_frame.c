/* layer: proto */
/* test_frame.c - what goes in comes out; what is cut short waits; what is wrong is refused. */
#include "proto/frame.h"
#include "tests/check.h"
#include "tests/unit/golden/golden.h"

enum { ARENA_SIZE = 2 * 1024 * 1024 };

static const struct reign_mark history[] = {
	{.id = 0x1111111111111111, .epoch = 1, .unit = UNIT_PRIMARY, .first_seq = 1},
	{.id = 0x2222222222222222, .epoch = 2, .unit = UNIT_SECONDARY, .first_seq = 48000},
};

static const struct snapshot_item items[] = {
	{TABLE_AOR, {SLICE_OF("sip:alice@example.com")}, {SLICE_OF("\0\1\2")}},
	{TABLE_SECRET, {SLICE_OF("\0\0\0\0\0\0\0\1")}, {SLICE_OF("secret")}},
};

#define BEAT                                                                                    \
	{                                                                                       \
		.reign = 0x2222222222222222, .role = 4, .holds_address = true, .pair_state = 1, \
		.pair = {1700000000123}, .number = 17, .echo = 16, .echo_held_ms = 3,           \
		.last_seq = 48211,                                                              \
	}

static const struct table_digest tables[] = {
	{TABLE_AOR, 200000, 0xdddddddddddddddd},
	{TABLE_REIGN, 2, 0xeeeeeeeeeeeeeeee},
};

static const uint32_t buckets[] = {0, 17, FRAME_BUCKETS - 1};

static const struct key_digest keys[] = {
	{{SLICE_OF("sip:alice@example.com")}, 0x1212121212121212},
	{{SLICE_OF("sip:bob@example.com")}, 0x3434343434343434},
};

static const struct {
	const char *name;
	struct frame frame;
} samples[] = {
	{"frame-hello",
         {FRAME_HELLO, .hello = {.version_min = 1,
                                 .version_max = 2,
                                 .cluster_id = "0123456789abcde",
                                 .unit = UNIT_PRIMARY,
                                 .node_id = 0xaaaaaaaaaaaaaaaa,
                                 .schema = FRAME_SCHEMA,
                                 .config_digest = 0xbbbbbbbbbbbbbbbb,
                                 .history = history,
                                 .n_history = ARRAY_LEN(history),
                                 .log_first = 40000,
                                 .received_seq = 48211,
                                 .durable_seq = 48200,
                                 .beat = BEAT}}},
	{"frame-refusal", {FRAME_REFUSAL, .refusal = REFUSE_CLUSTER}},
	{"frame-beat", {FRAME_BEAT, .beat = BEAT}},
	{"frame-entry", {FRAME_ENTRY, .entry = {SLICE_OF("an entry's bytes")}}},
	{"frame-ack", {FRAME_ACK, .ack = {0x2222222222222222, 48211, 48200}}},
	{"frame-resume",
         {FRAME_RESUME, .resume = {.how = RESUME_FORK, .from_seq = 48100, .fork_seq = 48099}}},
	{"frame-slice",
         {FRAME_SLICE, .slice = {.number = 7, .items = items, .n_items = ARRAY_LEN(items)}}},
	{"frame-end", {FRAME_END, .end = {7, 2000, 0xcccccccccccccccc, 48300}}},
	{"frame-slice-ack", {FRAME_SLICE_ACK, .slice_ack = 7}},
	{"frame-live", {FRAME_LIVE, .live_step = 48300}},
	{"frame-digest", {FRAME_DIGEST, .digest = {48300, tables, ARRAY_LEN(tables)}}},
	{"frame-digest-answer", {FRAME_DIGEST_ANSWER, .digest_answer = {48300, true, true}}},
	{"frame-bucket-sums", {FRAME_BUCKET_SUMS, .buckets = {48300, TABLE_NAP, NULL}}},
	{"frame-keys",
         {FRAME_KEYS, .keys = {.seq = 48300,
                               .table = {TABLE_AOR, 200000, 0xdddddddddddddddd},
                               .differing = 4,
                               .buckets = buckets,
                               .n_buckets = ARRAY_LEN(buckets),
                               .keys = keys,
                               .n_keys = ARRAY_LEN(keys)}}},
};

static struct arena fresh_arena(void)
{
	static _Alignas(16) uint8_t memory[ARENA_SIZE];

	return arena_on(memory, sizeof memory);
}

static struct slice encode(const struct frame *f, uint8_t room[FRAME_MAX])
{
	struct buf to = buf_on(room, FRAME_MAX);
	struct arena arena = fresh_arena();

	frame_encode(f, &arena, &to);
	assert_false(to.full);
	return buf_slice(&to);
}

static struct decoded decode(struct slice in)
{
	struct frame f;
	struct arena arena = fresh_arena();

	return frame_decode(in, &arena, &f);
}

static void every_kind_survives_the_round_trip(void **state)
{
	(void)state;
	static uint8_t wire[FRAME_MAX];
	static uint8_t again[FRAME_MAX];
	static _Alignas(16) uint8_t memory[64 * 1024];

	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		struct frame back;
		struct slice bytes = encode(&samples[i].frame, wire);
		struct arena arena = arena_on(memory, sizeof memory);

		assert_golden(samples[i].name, bytes);
		struct decoded d = frame_decode(bytes, &arena, &back);
		assert_int_equal(d.err, OK);
		assert_int_equal(d.used, bytes.n);
		assert_int_equal(back.kind, samples[i].frame.kind);
		assert_int_equal(back.kind, i + 1); /* every kind is there */
		assert_true(slice_eq(encode(&back, again), bytes));
	}
}

static void every_cut_asks_for_more(void **state)
{
	(void)state;
	static uint8_t wire[FRAME_MAX];

	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		struct slice bytes = encode(&samples[i].frame, wire);

		for (size_t cut = 0; cut < bytes.n; cut++) {
			struct decoded d = decode(slice_head(bytes, cut));

			assert_int_equal(d.err, OK);
			assert_int_equal(d.used, 0);
		}
	}
}

static void a_frame_ends_where_the_next_begins(void **state)
{
	(void)state;
	static uint8_t room[FRAME_MAX];
	struct buf to = buf_on(room, sizeof room);
	struct arena arena = fresh_arena();

	frame_encode(&samples[4].frame, &arena, &to);
	size_t first = to.n;
	frame_encode(&samples[9].frame, &arena, &to);
	assert_int_equal(decode(buf_slice(&to)).used, first);
	assert_int_equal(decode(slice_from(buf_slice(&to), first)).used, to.n - first);
}

/* In front of each body: its length. */
static enum err fault_of(struct slice body)
{
	uint8_t room[512];
	struct buf to = buf_on(room, sizeof room);

	buf_uint(&to, body.n, 4);
	buf_put(&to, body);
	assert_false(to.full);
	struct decoded d = decode(buf_slice(&to));
	assert_int_equal(d.used, d.err == OK ? to.n : 0);
	return d.err;
}

#define ID    "\032\020abcdefghijklmnop"             /* hello: cluster id */
#define HELLO "\010\001\020\001" ID "\040\001\142\0" /* versions, id, unit, beat: 26 bytes */
#define MARK  "\102\015\011abcdefgh\030\001"         /* + "\040" and the first seq */

struct wrong {
	const char *name;
	struct slice body;
	enum err err;
};

static void play(const struct wrong *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		enum err err = fault_of(cases[i].body);

		if (err != cases[i].err)
			fail_msg("%s: %s", cases[i].name, err_text(err));
	}
}

#define PLAY(cases) play(cases, ARRAY_LEN(cases))

static void wrong_hellos_are_refused(void **state)
{
	(void)state;
	static const struct wrong cases[] = {
		{"hello", {SLICE_OF("\012\032" HELLO)}, OK},
		{"hello of a newer version",
	         {SLICE_OF("\012\036\010\007\020\011" ID "\040\001\142\0"
	                   "\060\143\170\001")},
	         OK},
		{"hello without a version",
	         {SLICE_OF("\012\026" ID "\040\001\142\0")},
	         ERR_MALFORMED},
		{"hello, min > max", {SLICE_OF("\012\034" HELLO "\010\002")}, ERR_MALFORMED},
		{"hello, short id", {SLICE_OF("\012\035" HELLO "\032\001a")}, ERR_MALFORMED},
		{"hello, unit 0", {SLICE_OF("\012\034" HELLO "\040\000")}, ERR_MALFORMED},
		{"hello, unit 4", {SLICE_OF("\012\034" HELLO "\040\004")}, ERR_MALFORMED},
		{"hello without a beat",
	         {SLICE_OF("\012\030\010\001\020\001" ID "\040\001")},
	         ERR_MALFORMED},
		{"hello with one reign", {SLICE_OF("\012\051" HELLO MARK "\040\001")}, OK},
		{"reigns in order",
	         {SLICE_OF("\012\070" HELLO MARK "\040\001" MARK "\040\002")},
	         OK},
		{"reigns that begin together",
	         {SLICE_OF("\012\070" HELLO MARK "\040\002" MARK "\040\002")},
	         ERR_MALFORMED},
		{"reigns backwards",
	         {SLICE_OF("\012\070" HELLO MARK "\040\002" MARK "\040\001")},
	         ERR_MALFORMED},
		{"reign from seq 0", {SLICE_OF("\012\051" HELLO MARK "\040\000")}, ERR_MALFORMED},
		{"reign without id",
	         {SLICE_OF("\012\040" HELLO "\102\004\030\001\040\001")},
	         ERR_MALFORMED},
		{"reign without unit",
	         {SLICE_OF("\012\047" HELLO "\102\013\011abcdefgh\040\001")},
	         ERR_MALFORMED},
	};

	PLAY(cases);
}

static void wrong_bodies_are_refused(void **state)
{
	(void)state;
	static const struct wrong cases[] = {
		{"not protobuf", {SLICE_OF("\377\377")}, ERR_MALFORMED},
		{"no kind we know", {SLICE_OF("\172\0")}, ERR_MALFORMED},
		{"the last of two kinds counts", {SLICE_OF("\122\0\052\0")}, OK},
		{"refusal for nothing", {SLICE_OF("\022\0")}, ERR_MALFORMED},
		{"refusal of a newer version", {SLICE_OF("\022\002\010\143")}, OK},
		{"beat", {SLICE_OF("\032\0")}, OK},
		{"beat, role 256", {SLICE_OF("\032\003\020\200\002")}, ERR_MALFORMED},
		{"beat, pair state 256", {SLICE_OF("\032\003\040\200\002")}, ERR_MALFORMED},
		{"beat, echo held for less than nothing",
	         {SLICE_OF("\032\013\100\377\377\377\377\377\377\377\377\377\001")},
	         ERR_MALFORMED},
		{"empty entry", {SLICE_OF("\042\0")}, ERR_MALFORMED},
		{"resume, how 0", {SLICE_OF("\062\0")}, ERR_MALFORMED},
		{"resume, how 5", {SLICE_OF("\062\002\010\005")}, ERR_MALFORMED},
		{"slice 0", {SLICE_OF("\072\0")}, ERR_MALFORMED},
		{"empty slice", {SLICE_OF("\072\002\010\001")}, OK},
		{"item", {SLICE_OF("\072\014\010\001\022\010\010\001\022\001k\032\001v")}, OK},
		{"item of a newer table",
	         {SLICE_OF("\072\014\010\001\022\010\010\143\022\001k\032\001v")},
	         OK},
		{"item of no table",
	         {SLICE_OF("\072\012\010\001\022\006\022\001k\032\001v")},
	         ERR_MALFORMED},
		{"item without key",
	         {SLICE_OF("\072\011\010\001\022\005\010\001\032\001v")},
	         ERR_MALFORMED},
		{"item without value",
	         {SLICE_OF("\072\011\010\001\022\005\010\001\022\001k")},
	         ERR_MALFORMED},
		{"slice ack 0", {SLICE_OF("\112\0")}, ERR_MALFORMED},
		{"digest of nothing", {SLICE_OF("\132\0")}, OK},
		{"digest of too many tables",
	         {SLICE_OF("\132\042\022\0\022\0\022\0\022\0\022\0\022\0\022\0\022\0\022\0"
	                   "\022\0\022\0\022\0\022\0\022\0\022\0\022\0\022\0")},
	         ERR_TOO_BIG},
		{"no answer in the digest's answer", {SLICE_OF("\142\0")}, OK},
		{"sums of an empty table", {SLICE_OF("\152\0")}, OK},
		{"one sum alone", {SLICE_OF("\152\012\032\010abcdefgh")}, ERR_MALFORMED},
		{"no keys", {SLICE_OF("\162\0")}, OK},
		{"a key of no bytes", {SLICE_OF("\162\002\072\0")}, ERR_MALFORMED},
		{"a bucket beyond the last",
	         {SLICE_OF("\162\006\050\001\062\002\200\040")},
	         ERR_MALFORMED},
		{"more buckets than differ", {SLICE_OF("\162\003\062\001\0")}, ERR_MALFORMED},
	};

	PLAY(cases);
}

static void a_wrong_length_is_refused_before_anything_is_taken(void **state)
{
	(void)state;
	struct frame f;
	struct arena none = arena_on(NULL, 0);
	struct decoded d = frame_decode(SLICE("\0\0\0\0"), &none, &f);

	assert_int_equal(d.err, ERR_MALFORMED);
	d = frame_decode(SLICE("\0\1\377\375"), &none, &f); /* FRAME_MAX - 3 */
	assert_int_equal(d.err, ERR_TOO_BIG);
	d = frame_decode(SLICE("\377\377\377\377"), &none, &f);
	assert_int_equal(d.err, ERR_TOO_BIG);
	d = frame_decode(SLICE("\0\1\377\374"), &none, &f); /* FRAME_MAX - 4: wait for it */
	assert_int_equal(d.err, OK);
	assert_int_equal(d.used, 0);
	assert_false(none.full);
}

static void a_full_arena_is_told(void **state)
{
	(void)state;
	static uint8_t wire[FRAME_MAX];
	static _Alignas(16) uint8_t memory[1024];
	struct frame back;
	struct slice bytes = encode(&samples[0].frame, wire);

	enum err err = ERR_TOO_BIG;

	for (size_t room = 0; room <= sizeof memory; room += 16) {
		struct arena arena = arena_on(memory, room);
		struct decoded d = frame_decode(bytes, &arena, &back);

		assert_true(d.err == err || d.err == OK); /* never malformed, and never worse */
		err = d.err;
	}
	assert_int_equal(err, OK);
	struct arena arena = arena_on(memory, 16);
	struct buf to = buf_on(wire, sizeof wire);
	frame_encode(&samples[6].frame, &arena, &to);
	assert_true(to.full);
	assert_int_equal(to.n, 0);
}

static void the_sums_of_a_table_and_as_many_keys_as_are_allowed_fit(void **state)
{
	(void)state;
	static uint8_t wire[FRAME_MAX];
	static uint64_t sums[FRAME_BUCKETS];
	static struct key_digest many[FRAME_KEYS_MAX];
	struct frame back;

	for (size_t i = 0; i < FRAME_BUCKETS; i++)
		sums[i] = UINT64_MAX - i;
	struct frame f = {.kind = FRAME_BUCKET_SUMS, .buckets = {UINT64_MAX, TABLE_AOR, sums}};
	struct arena arena = fresh_arena();
	assert_int_equal(frame_decode(encode(&f, wire), &arena, &back).err, OK);
	assert_memory_equal(back.buckets.sums, sums, sizeof sums);

	size_t length = FRAME_KEYS_BYTES / FRAME_KEYS_MAX - FRAME_KEY_HEAD;
	for (size_t i = 0; i < FRAME_KEYS_MAX; i++)
		many[i] = (struct key_digest){{(const uint8_t *)sums, length}, UINT64_MAX};
	f = (struct frame){.kind = FRAME_KEYS,
	                   .keys = {.seq = UINT64_MAX, .keys = many, .n_keys = FRAME_KEYS_MAX}};
	arena = fresh_arena();
	assert_int_equal(frame_decode(encode(&f, wire), &arena, &back).err, OK);
	assert_int_equal(back.keys.n_keys, FRAME_KEYS_MAX);
}

static struct frame a_slice_of(size_t n, struct slice value)
{
	static struct snapshot_item many[SLICE_ITEMS_MAX + 1];

	assert_true(n <= ARRAY_LEN(many));
	for (size_t i = 0; i < n; i++)
		many[i] = (struct snapshot_item){TABLE_AOR, SLICE("k"), value};
	return (struct frame){.kind = FRAME_SLICE,
	                      .slice = {.number = 1, .items = many, .n_items = n}};
}

static void a_slice_of_64_kib_and_the_largest_record_fits(void **state)
{
	(void)state;
	static uint8_t wire[FRAME_MAX];
	static uint8_t value[RECORD_MAX];
	struct frame f = a_slice_of(3, (struct slice){value, sizeof value});
	struct slice bytes = encode(&f, wire);

	assert_int_equal(decode(bytes).used, bytes.n);
}

static void a_frame_beyond_the_limit_is_not_written(void **state)
{
	(void)state;
	static uint8_t wire[FRAME_MAX * 2];
	static uint8_t value[RECORD_MAX];
	struct frame f = a_slice_of(4, (struct slice){value, sizeof value});
	struct buf to = buf_on(wire, sizeof wire);
	struct arena arena = fresh_arena();

	frame_encode(&f, &arena, &to);
	assert_true(to.full);
	assert_int_equal(to.n, 0);
}

/* A frame of `n` times the same piece behind a head. */
static struct decoded decode_repeated(struct slice head, struct slice piece, size_t n)
{
	static uint8_t room[FRAME_MAX];
	struct buf to = buf_on(room, sizeof room);
	size_t inner = head.n - 1 + n * piece.n;

	buf_uint(&to, 1 + 3 + inner, 4);
	buf_byte(&to, head.p[0]);
	buf_byte(&to, (uint8_t)(inner | 0x80)); /* the length, as a varint of three bytes */
	buf_byte(&to, (uint8_t)(inner >> 7 | 0x80));
	buf_byte(&to, (uint8_t)(inner >> 14));
	buf_put(&to, slice_from(head, 1));
	for (size_t i = 0; i < n; i++)
		buf_put(&to, piece);
	assert_false(to.full);
	return decode(buf_slice(&to));
}

static void lists_beyond_their_limits_are_too_big(void **state)
{
	(void)state;
	static const struct slice item = {SLICE_OF("\022\010\010\001\022\001k\032\001v")};
	static const struct slice mark = {SLICE_OF(MARK "\040\001")};
	static const struct slice slice = {SLICE_OF("\072\010\001")};
	static const struct slice hello = {SLICE_OF("\012" HELLO)};

	assert_int_equal(decode_repeated(slice, item, SLICE_ITEMS_MAX).err, OK);
	assert_int_equal(decode_repeated(slice, item, SLICE_ITEMS_MAX + 1).err, ERR_TOO_BIG);
	assert_int_equal(decode_repeated(hello, mark, 1).err, OK);
	assert_int_equal(decode_repeated(hello, mark, HISTORY_MAX + 1).err, ERR_TOO_BIG);
	/* many more than the arena could ever hold */
	assert_int_equal(decode_repeated(hello, SLICE("\102\0"), 60000).err, ERR_TOO_BIG);
}

static void a_full_history_survives_the_round_trip(void **state)
{
	(void)state;
	static struct reign_mark marks[HISTORY_MAX];
	static uint8_t wire[FRAME_MAX];
	struct frame f = samples[0].frame;

	for (size_t i = 0; i < HISTORY_MAX; i++)
		marks[i] = (struct reign_mark){
			UINT64_MAX - i, i + 1, UNIT_PRIMARY, 10 * i + 1, {(int64_t)i + 1}};
	f.hello.history = marks;
	f.hello.n_history = HISTORY_MAX;
	struct slice bytes = encode(&f, wire);
	assert_int_equal(decode(bytes).used, bytes.n);
}

static void a_heartbeat_tells_how_long_it_has_been_so_and_whether_it_can_serve(void **state)
{
	struct frame f = {.kind = FRAME_BEAT, .beat = BEAT}, back;
	struct arena arena = fresh_arena();
	uint8_t room[FRAME_MAX];

	(void)state;
	f.beat.role_for_ms = 86400000;
	f.beat.without_keepalived = true;
	f.beat.wall_ms = 1700000000123;
	f.beat.config_digest = 0xbbbbbbbbbbbbbbbb;
	assert_int_equal(frame_decode(encode(&f, room), &arena, &back).err, OK);
	assert_int_equal(back.beat.role_for_ms, 86400000);
	assert_true(back.beat.without_keepalived && back.beat.wall_ms == 1700000000123);
	assert_int_equal(back.beat.config_digest, 0xbbbbbbbbbbbbbbbb);
}

static void an_entry_in_a_frame_keeps_its_limit(void **state)
{
	(void)state;
	static const struct slice head = {SLICE_OF("\042")};

	assert_int_equal(decode_repeated(head, SLICE("x"), ENTRY_MAX).err, OK);
	assert_int_equal(decode_repeated(head, SLICE("x"), ENTRY_MAX + 1).err, ERR_TOO_BIG);
}

static void every_refusal_has_a_sentence(void **state)
{
	(void)state;
	const char *unknown = refusal_text(REFUSE_HISTORY + 1);

	for (enum refusal r = REFUSE_NONE; r <= REFUSE_HISTORY; r++)
		assert_string_not_equal(refusal_text(r), unknown);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_survives_the_round_trip),
		cmocka_unit_test(every_cut_asks_for_more),
		cmocka_unit_test(a_frame_ends_where_the_next_begins),
		cmocka_unit_test(wrong_hellos_are_refused),
		cmocka_unit_test(wrong_bodies_are_refused),
		cmocka_unit_test(a_wrong_length_is_refused_before_anything_is_taken),
		cmocka_unit_test(a_full_arena_is_told),
		cmocka_unit_test(the_sums_of_a_table_and_as_many_keys_as_are_allowed_fit),
		cmocka_unit_test(a_slice_of_64_kib_and_the_largest_record_fits),
		cmocka_unit_test(a_frame_beyond_the_limit_is_not_written),
		cmocka_unit_test(lists_beyond_their_limits_are_too_big),
		cmocka_unit_test(a_full_history_survives_the_round_trip),
		cmocka_unit_test(
			a_heartbeat_tells_how_long_it_has_been_so_and_whether_it_can_serve),
		cmocka_unit_test(an_entry_in_a_frame_keeps_its_limit),
		cmocka_unit_test(every_refusal_has_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
