/* fuzz_peer.c - a node beside a peer that has the right certificate and means ill: any frames, in any
 * order, with any values, and raw bytes, to a node in each role. First byte: where the node stands.
 * Then a byte for each thing that happens, followed by what it takes.
 *
 * Never: an assertion, records of an active changed by a peer that it asked for no merge, a gap in
 * the log, an epoch that was there before, SIP from a node that is not active, memory without end.
 * In the end the peer is gone and the node has the address: it must serve a REGISTER. */
#include "tests/fuzz/peer_stand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- values --- */

static uint8_t byte(struct desk *d)
{
	return (uint8_t)reader_uint(&d->in, 1);
}

/* A number that may hurt: around what the node has, at the ends of the range, or any. */
static uint64_t number(struct desk *d)
{
	uint8_t how = byte(d);
	const uint64_t near[] = {0,
	                         1,
	                         how >> 4,
	                         d->seq - 1,
	                         d->seq,
	                         d->seq + 1,
	                         d->seq + (how >> 4),
	                         d->reign,
	                         PEER_REIGN,
	                         d->last_number + 1,
	                         UINT64_C(1) << 62,
	                         UINT64_C(1) << 63,
	                         UINT64_MAX - 1,
	                         UINT64_MAX,
	                         INT64_MAX};

	how &= 0xf;
	d->last_number = how < ARRAY_LEN(near) ? near[how] : reader_u64(&d->in);
	return d->last_number;
}

static uint64_t positive(struct desk *d)
{
	uint64_t n = number(d);

	return n > 0 ? n : 1;
}

/* A role, a table, a kind: mostly of those there are. */
static uint8_t small(struct desk *d, uint8_t end)
{
	uint8_t b = byte(d);

	return b < 0xf0 ? b % end : b;
}

static struct slice text(struct desk *d, size_t most)
{
	size_t n = byte(d) % (most + 1);

	return reader_bytes(&d->in, n < d->in.rest.n ? n : d->in.rest.n);
}

static struct slice key(struct desk *d)
{
	static const struct slice known[] = {
		{SLICE_OF("sip:u0@x")},         {SLICE_OF("sip:u1@x")},
		{SLICE_OF("sip:theirs@x")},     {SLICE_OF("u0@x")},
		{SLICE_OF("\0\0\0\0\0\0\0\1")}, {SLICE_OF("\0\0\0\0\0\0\0\x4d")}};
	uint8_t which = byte(d) % 8;
	struct slice any;

	if (which < ARRAY_LEN(known))
		return known[which];
	any = text(d, 40);
	return any.n > 0 ? any : known[0];
}

static void put_aor(struct desk *d, struct buf *to)
{
	struct aor_record r = {.n_bindings = 1};

	r.bindings[0] = (struct binding){.uri = SLICE("sip:u@192.0.2.9"),
	                                 .call_id = text(d, 8),
	                                 .cseq = (uint32_t)number(d),
	                                 .stamped = {(int64_t)number(d)},
	                                 .expires = {(int64_t)number(d)},
	                                 .transport = TRANSPORT_UDP,
	                                 .unit = UNIT_SECONDARY};
	aor_encode(&r, &d->scratch, to);
}

static void put_reign(struct desk *d, struct buf *to)
{
	struct reign_record r = {.id = positive(d),
	                         .epoch = number(d) % EPOCH_END,
	                         .unit = UNIT_SECONDARY,
	                         .first_seq = 1 + number(d) % (SEQ_END - 1),
	                         .began = {(int64_t)number(d)},
	                         .exposed = byte(d) & 1};

	reign_encode(&r, to);
}

static void put_subscriber(struct desk *d, struct buf *to)
{
	struct subscriber_record r = {.user = SLICE("u0"),
	                              .realm = SLICE("x"),
	                              .stamped = {(int64_t)number(d)},
	                              .gone = byte(d) & 1};

	subscriber_encode(&r, to);
}

static struct slice value(struct desk *d, enum table table, uint8_t *room, size_t size)
{
	struct buf to = buf_on(room, size);
	uint8_t how = byte(d) % 8;

	if (how == 0)
		return (struct slice){NULL, 0};
	if (how == 1)
		buf_put(&to, text(d, 255));
	else if (table == TABLE_REIGN)
		put_reign(d, &to);
	else if (table == TABLE_SUBSCRIBER)
		put_subscriber(d, &to);
	else
		put_aor(d, &to);
	return buf_slice(&to);
}

/* --- frames --- */

static struct beat a_beat(struct desk *d)
{
	return (struct beat){.reign = number(d),
	                     .role = small(d, ROLE_OUT_OF_SERVICE + 1),
	                     .holds_address = byte(d) & 1,
	                     .pair_state = small(d, 4),
	                     .pair = {(int64_t)number(d)},
	                     .number = number(d),
	                     .echo = number(d),
	                     .echo_held_ms = (int64_t)(number(d) & INT64_MAX),
	                     .last_seq = number(d)};
}

/* Nothing, ours, ours and more, a fork of ours, or a list of lies. */
static void a_history(struct desk *d, struct hello *h)
{
	static struct reign_mark marks[HISTORY_MAX + 1];
	uint8_t how = byte(d) % 6;

	h->history = marks;
	h->n_history = how == 0 || how == 4 ? 0 : d->n_marks;
	memcpy(marks, d->marks, d->n_marks * sizeof *marks);
	h->received_seq = how == 1 ? d->seq : number(d);
	if (how >= 2 && h->n_history < HISTORY_MAX) {
		uint64_t least = h->n_history == 0 ? 1
		                                   : marks[h->n_history - 1].first_seq + (how != 5);
		uint64_t first = how == 2 ? d->seq + 1 : number(d);
		marks[h->n_history++] = (struct reign_mark){
			.id = PEER_REIGN,
			.epoch = number(d),
			.unit = UNIT_SECONDARY,
			.first_seq = first > least ? first : least,
			.began = {(int64_t)number(d)},
		};
	}
	if (how == 5) /* begins where ours does, under another name */
		h->n_history = h->n_history > 1 ? h->n_history - 1 : h->n_history;
	if (h->n_history > 0 && h->received_seq < marks[h->n_history - 1].first_seq)
		h->received_seq = marks[h->n_history - 1].first_seq;
	h->durable_seq = byte(d) & 1 ? h->received_seq : number(d);
}

static struct frame a_hello(struct desk *d)
{
	struct frame f = {.kind = FRAME_HELLO};
	uint8_t odd = byte(d);

	f.hello = (struct hello){
		.version_min = 1,
		.version_max = odd & 1 ? 1 : FRAME_VERSION_MAX,
		.unit = odd < 0xf8 ? UNIT_SECONDARY : UNIT_PRIMARY,
		.schema = FRAME_SCHEMA,
		.config_digest = odd & 2,
		.log_first = number(d),
		.half_reign = odd & 4 ? number(d) : 0,
		.half_from = odd & 4 ? number(d) : 0,
		.beat = a_beat(d),
	};
	a_history(d, &f.hello);
	return f;
}

static struct frame an_entry(struct desk *d)
{
	static uint8_t bytes[ENTRY_MAX], room[RECORD_MAX];
	struct buf to = buf_on(bytes, sizeof bytes);
	struct entry e = {.seq = byte(d) & 1 ? d->seq + 1 : 1 + number(d) % (SEQ_END - 1),
	                  .reign = positive(d),
	                  .pair = {(int64_t)number(d)},
	                  .kind = (enum entry_kind)(byte(d) % 8 + 1),
	                  .table = (enum table)(small(d, TABLE_END - 1) + 1),
	                  .key = key(d)};

	e.value = value(d, e.table, room, sizeof room);
	entry_encode(&e, &to);
	return (struct frame){.kind = FRAME_ENTRY, .entry = buf_slice(&to)};
}

static struct frame a_slice(struct desk *d)
{
	static struct snapshot_item items[8];
	static uint8_t rooms[8][512];
	struct frame f = {.kind = FRAME_SLICE, .slice = {.items = items}};
	size_t n = byte(d) % (ARRAY_LEN(items) + 1);

	f.slice.number = byte(d) & 1 ? ++d->slices : positive(d);
	for (size_t i = 0; i < n; i++) {
		enum table table = (enum table)(small(d, TABLE_END - 1) + 1);
		struct slice v = value(d, table, rooms[i], sizeof rooms[i]);
		if (v.n == 0)
			continue;
		items[f.slice.n_items++] = (struct snapshot_item){table, key(d), v};
		d->items_digest += record_hash(table, items[f.slice.n_items - 1].key, v);
		d->items++;
	}
	return f;
}

static struct frame an_end(struct desk *d)
{
	bool right = byte(d) & 1;
	struct frame f = {.kind = FRAME_END};

	f.end.slices = right ? d->slices : number(d);
	f.end.items = right ? d->items : number(d);
	f.end.digest = right ? d->items_digest : number(d);
	f.end.through_seq = number(d);
	return f;
}

static struct frame a_resume(struct desk *d)
{
	struct frame f = {.kind = FRAME_RESUME};

	f.resume.how = (enum resume_how)(byte(d) % 4 + 1);
	f.resume.from_seq = number(d);
	f.resume.fork_seq = number(d);
	f.resume.records = number(d);
	d->slices = d->items = d->items_digest = 0;
	return f;
}

static struct frame an_ack(struct desk *d)
{
	struct frame f = {.kind = FRAME_ACK};

	f.ack.reign = byte(d) & 1 ? d->reign : number(d);
	f.ack.received_seq = number(d);
	f.ack.durable_seq = number(d);
	return f;
}

static struct frame a_slice_ack(struct desk *d)
{
	return (struct frame){.kind = FRAME_SLICE_ACK, .slice_ack = positive(d)};
}

static struct frame a_refusal(struct desk *d)
{
	return (struct frame){.kind = FRAME_REFUSAL, .refusal = (enum refusal)(byte(d) | 1)};
}

static struct frame a_live(struct desk *d)
{
	return (struct frame){.kind = FRAME_LIVE, .live_step = number(d)};
}

static struct frame a_lone_beat(struct desk *d)
{
	return (struct frame){.kind = FRAME_BEAT, .beat = a_beat(d)};
}

static struct frame a_digest(struct desk *d)
{
	static struct table_digest tables[FRAME_TABLES_MAX];
	struct frame f = {.kind = FRAME_DIGEST, .digest = {number(d), tables, byte(d) % 4}};

	for (size_t i = 0; i < f.digest.n_tables; i++)
		tables[i] = (struct table_digest){(enum table)small(d, TABLE_END), number(d),
		                                  number(d)};
	return f;
}

static struct frame a_digest_answer(struct desk *d)
{
	struct frame f = {.kind = FRAME_DIGEST_ANSWER};

	f.digest_answer.seq = number(d);
	f.digest_answer.equal = byte(d) & 1;
	f.digest_answer.damaged = byte(d) & 1;
	return f;
}

static struct frame a_go_on(struct desk *d)
{
	struct frame f = {.kind = FRAME_GO_ON};

	f.go_on = (struct go_on){
		.how = (enum resume_how)(byte(d) % 4 + 1),
		.next_seq = number(d),
		.slices = number(d),
		.items = number(d),
		.digest = number(d),
		.place = {(enum table)small(d, TABLE_END), number(d), number(d)},
		.through_seq = number(d),
		.stored = number(d),
	};
	return f;
}

typedef struct frame frame_fn(struct desk *d);
static frame_fn *const frames[] = {a_hello,  a_refusal,       a_lone_beat, an_entry,    an_ack,
                                   a_resume, a_slice,         an_end,      a_slice_ack, a_live,
                                   a_digest, a_digest_answer, a_go_on};

/* --- what happens --- */

static void raw_frame(struct desk *d)
{
	size_t n = byte(d) | (size_t)byte(d) << 8;
	struct frame f;

	arena_reset(&d->scratch);
	struct slice bytes = reader_bytes(&d->in, n < d->in.rest.n ? n : d->in.rest.n);
	struct decoded got = frame_decode(bytes, &d->scratch, &f);
	assert(got.used <= bytes.n && (got.used == 0 || got.err == OK));
	if (got.used > 0)
		desk_hear(d, &f);
}

static void one(struct desk *d)
{
	enum {
		RAW = ARRAY_LEN(frames),
		CONNECT,
		DROP,
		BULK,
		UNBULK,
		ON_BULK,
		TIME,
		DISK,
		REGISTER,
		ADDRESS,
		WHATS
	};
	int what = byte(d) % WHATS;

	arena_reset(&d->scratch);
	if (what < RAW) {
		struct frame f = frames[what](d);
		desk_hear_encoded(d, &f);
	} else if (what == RAW) {
		raw_frame(d);
	} else if (what == CONNECT) {
		desk_connect(d);
	} else if (what == DROP) {
		desk_drop(d);
	} else if (what == BULK || what == UNBULK) {
		desk_bulk(d, what == BULK);
	} else if (what == ON_BULK) {
		d->on_bulk = !d->on_bulk;
	} else if (what == TIME) {
		desk_pass(d, 1 + byte(d) % 40);
	} else if (what == DISK) {
		desk_durable(d);
	} else if (what == REGISTER) {
		desk_register(d, byte(d) % 3);
	} else if (what == ADDRESS) {
		uint8_t b = byte(d);
		desk_address(d, b & 1, b & 2);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct desk *d = desk_new((struct slice){data, size});

	desk_stand(d, byte(d));
	for (int i = 0; i < STEPS_MAX && d->in.rest.n > 0 && !d->full; i++)
		one(d);
	if (!d->full)
		desk_serves(d);
	desk_free(d);
	return 0;
}
