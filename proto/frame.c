/* Frames: length, repl.Frame, and the checks of what each kind means. */
#include "proto/frame.h"

#include <assert.h>

#include "proto/base/reader.h"
#include "proto/frame_parts.h"
#include "proto/pack.h"

enum { LENGTH_SIZE = 4 };

const char *refusal_text(enum refusal r)
{
	static const char *const texts[] = {
		[REFUSE_NONE] = "nothing was refused",
		[REFUSE_VERSION] = "no protocol version in common: update the older node",
		[REFUSE_CLUSTER] = "the peer belongs to another pair (cluster id differs)",
		[REFUSE_UNIT] = "both are the same unit: one is the primary, one the secondary",
		[REFUSE_SCHEMA] = "the peer's records are of a newer schema: update this node",
		[REFUSE_HISTORY] = "the two histories of reigns do not fit together",
	};

	return (size_t)r < ARRAY_LEN(texts) ? texts[r]
	                                    : "for a reason that this version does not know";
}

/* --- decoding --- */

static enum err read_beat(const Repl__Beat *m, struct beat *out)
{
	if (m->role > UINT8_MAX || m->pair_state > UINT8_MAX || m->echo_held_ms < 0)
		return ERR_MALFORMED;
	*out = (struct beat){
		.reign = m->reign,
		.role = (uint8_t)m->role,
		.holds_address = m->holds_address,
		.pair_state = (uint8_t)m->pair_state,
		.pair = {m->pair_ms},
		.number = m->number,
		.echo = m->echo,
		.echo_held_ms = m->echo_held_ms,
		.last_seq = m->last_seq,
		.role_for_ms = m->role_for_ms,
		.without_keepalived = m->without_keepalived,
		.room_low = m->room_low,
		.wall_ms = m->wall_ms,
		.config_digest = m->config_digest,
	};
	return OK;
}

/* Oldest first, each beginning after the one before it. */
static bool history_sound(const struct reign_mark *marks, size_t n)
{
	uint64_t last = 0;

	for (size_t i = 0; i < n; i++) {
		bool sound = marks[i].id != 0 && unit_known(marks[i].unit);

		if (!sound || marks[i].first_seq <= last)
			return false;
		last = marks[i].first_seq;
	}
	return true;
}

static enum err read_history(const Repl__Hello *m, struct arena *arena, struct hello *out)
{
	if (m->n_history > HISTORY_MAX)
		return ERR_TOO_BIG;

	struct reign_mark *marks = arena_take(arena, m->n_history * sizeof *marks);

	if (marks == NULL)
		return ERR_TOO_BIG;
	for (size_t i = 0; i < m->n_history; i++) {
		const Repl__ReignMark *from = m->history[i];

		marks[i] = (struct reign_mark){
			from->id, from->epoch, from->unit, from->first_seq, {from->began_ms}};
	}
	out->history = marks;
	out->n_history = m->n_history;
	return history_sound(marks, m->n_history) ? OK : ERR_MALFORMED;
}

static bool hello_sound(const Repl__Hello *m)
{
	bool versions = m->version_min > 0 && m->version_min <= m->version_max;

	return versions && m->cluster_id.len == CLUSTER_ID_SIZE && unit_known(m->unit) &&
	       m->beat != NULL;
}

static enum err read_hello(const Repl__Hello *m, struct arena *arena, struct hello *out)
{
	if (!hello_sound(m))
		return ERR_MALFORMED;
	*out = (struct hello){
		.version_min = m->version_min,
		.version_max = m->version_max,
		.unit = m->unit,
		.node_id = m->node_id,
		.schema = m->schema,
		.config_digest = m->config_digest,
		.log_first = m->log_first,
		.received_seq = m->received_seq,
		.durable_seq = m->durable_seq,
		.half_reign = m->half_reign,
		.half_from = m->half_from,
		.clock_epoch = m->clock_epoch,
	};
	memcpy(out->cluster_id, m->cluster_id.data, CLUSTER_ID_SIZE);
	enum err err = read_history(m, arena, out);
	return err != OK ? err : read_beat(m->beat, &out->beat);
}

static enum err read_refusal(const Repl__Refusal *m, struct frame *out)
{
	out->refusal = m->reason;
	return m->reason != REFUSE_NONE ? OK : ERR_MALFORMED;
}

static enum err read_entry(ProtobufCBinaryData m, struct frame *out)
{
	out->entry = borrow(m);
	if (m.len > ENTRY_MAX)
		return ERR_TOO_BIG;
	return m.len > 0 ? OK : ERR_MALFORMED;
}

static enum err read_ack(const Repl__Ack *m, struct frame *out)
{
	out->ack.reign = m->reign;
	out->ack.received_seq = m->received_seq;
	out->ack.durable_seq = m->durable_seq;
	return OK;
}

static enum err read_resume(const Repl__Resume *m, struct frame *out)
{
	out->resume.how = m->how;
	out->resume.from_seq = m->from_seq;
	out->resume.fork_seq = m->fork_seq;
	out->resume.records = m->records;
	return resume_how_known(m->how) ? OK : ERR_MALFORMED;
}

static enum err read_end(const Repl__SnapshotEnd *m, struct frame *out)
{
	out->end.slices = m->slices;
	out->end.items = m->items;
	out->end.digest = m->digest;
	out->end.through_seq = m->through_seq;
	return OK;
}

static enum err read_slice_ack(const Repl__SliceAck *m, struct frame *out)
{
	out->slice_ack = m->number;
	return m->number > 0 ? OK : ERR_MALFORMED;
}

static enum err read_live(const Repl__Live *m, struct frame *out)
{
	out->live_step = m->step_seq;
	return OK;
}

static enum err read_body(const Repl__Frame *m, struct arena *arena, struct frame *out)
{
	switch (m->body_case) {
	case REPL__FRAME__BODY_HELLO:
		return read_hello(m->hello, arena, &out->hello);
	case REPL__FRAME__BODY_REFUSAL:
		return read_refusal(m->refusal, out);
	case REPL__FRAME__BODY_BEAT:
		return read_beat(m->beat, &out->beat);
	case REPL__FRAME__BODY_ENTRY:
		return read_entry(m->entry, out);
	case REPL__FRAME__BODY_ACK:
		return read_ack(m->ack, out);
	case REPL__FRAME__BODY_RESUME:
		return read_resume(m->resume, out);
	case REPL__FRAME__BODY_SLICE:
		return frame_read_slice(m->slice, arena, out);
	case REPL__FRAME__BODY_END:
		return read_end(m->end, out);
	case REPL__FRAME__BODY_SLICE_ACK:
		return read_slice_ack(m->slice_ack, out);
	case REPL__FRAME__BODY_LIVE:
		return read_live(m->live, out);
	case REPL__FRAME__BODY_DIGEST:
		return frame_read_digest(m->digest, arena, out);
	case REPL__FRAME__BODY_DIGEST_ANSWER:
		return frame_read_digest_answer(m->digest_answer, out);
	case REPL__FRAME__BODY_BUCKETS:
		return frame_read_buckets(m->buckets, out);
	case REPL__FRAME__BODY_KEYS:
		return frame_read_keys(m->keys, arena, out);
	case REPL__FRAME__BODY_GO_ON:
		return frame_read_go_on(m->go_on, &out->go_on);
	case REPL__FRAME__BODY__NOT_SET:
	case _REPL__FRAME__BODY__CASE_IS_INT_SIZE:
		break;
	}
	return ERR_MALFORMED;
}

struct decoded frame_decode(struct slice in, struct arena *arena, struct frame *out)
{
	struct reader r = {.rest = in};
	uint32_t size = reader_u32(&r);

	if (r.bad)
		return (struct decoded){OK, 0};
	if (size == 0)
		return (struct decoded){ERR_MALFORMED, 0};
	if (size > FRAME_MAX - LENGTH_SIZE)
		return (struct decoded){ERR_TOO_BIG, 0};

	struct slice body = reader_bytes(&r, size);
	if (r.bad)
		return (struct decoded){OK, 0};

	const Repl__Frame *m = unpack(&repl__frame__descriptor, body, arena);
	if (m == NULL)
		return (struct decoded){unpack_fault(arena), 0};

	_Static_assert((int)REPL__FRAME__BODY_HELLO == (int)FRAME_HELLO, "kinds are field numbers");
	_Static_assert((int)REPL__FRAME__BODY_GO_ON == (int)FRAME_GO_ON, "kinds are field numbers");
	out->kind = (enum frame_kind)m->body_case;
	enum err err = frame_bounded(read_body(m, arena, out), out);
	return (struct decoded){err, err == OK ? LENGTH_SIZE + size : 0};
}

/* --- encoding --- */

/* The messages one frame is packed from; lists stand in the arena. */
struct image {
	Repl__Frame m;
	Repl__Beat beat;
	union {
		Repl__Hello hello;
		Repl__Refusal refusal;
		Repl__Ack ack;
		Repl__Resume resume;
		Repl__SnapshotSlice slice;
		Repl__SnapshotEnd end;
		Repl__SliceAck slice_ack;
		Repl__Live live;
		Repl__Digest digest;
		Repl__DigestAnswer digest_answer;
		Repl__Buckets buckets;
		Repl__Keys keys;
		Repl__GoOn go_on;
	};
};

static Repl__Beat *write_beat(const struct beat *b, Repl__Beat *m)
{
	assert(b->echo_held_ms >= 0);
	repl__beat__init(m);
	m->reign = b->reign;
	m->role = b->role;
	m->holds_address = b->holds_address;
	m->pair_state = b->pair_state;
	m->pair_ms = b->pair.ms;
	m->number = b->number;
	m->echo = b->echo;
	m->echo_held_ms = b->echo_held_ms;
	m->last_seq = b->last_seq;
	m->role_for_ms = b->role_for_ms;
	m->without_keepalived = b->without_keepalived;
	m->room_low = b->room_low;
	m->wall_ms = b->wall_ms;
	m->config_digest = b->config_digest;
	return m;
}

static void write_history(const struct hello *h, struct arena *arena, Repl__Hello *m)
{
	Repl__ReignMark *marks = arena_take(arena, h->n_history * sizeof *marks);
	Repl__ReignMark **list = arena_take(arena, h->n_history * sizeof(void *));

	assert(h->n_history <= HISTORY_MAX);
	assert(history_sound(h->history, h->n_history));
	if (marks == NULL || list == NULL)
		return;
	for (size_t i = 0; i < h->n_history; i++) {
		repl__reign_mark__init(&marks[i]);
		marks[i].id = h->history[i].id;
		marks[i].epoch = h->history[i].epoch;
		marks[i].unit = h->history[i].unit;
		marks[i].first_seq = h->history[i].first_seq;
		marks[i].began_ms = h->history[i].began.ms;
		list[i] = &marks[i];
	}
	m->history = list;
	m->n_history = h->n_history;
}

static void write_hello(const struct hello *h, struct arena *arena, struct image *to)
{
	Repl__Hello *m = &to->hello;

	repl__hello__init(m);
	m->version_min = h->version_min;
	m->version_max = h->version_max;
	m->cluster_id = lend((struct slice){h->cluster_id, CLUSTER_ID_SIZE});
	m->unit = h->unit;
	m->node_id = h->node_id;
	m->schema = h->schema;
	m->config_digest = h->config_digest;
	m->log_first = h->log_first;
	m->received_seq = h->received_seq;
	m->durable_seq = h->durable_seq;
	m->half_reign = h->half_reign;
	m->half_from = h->half_from;
	m->clock_epoch = h->clock_epoch;
	m->beat = write_beat(&h->beat, &to->beat);
	write_history(h, arena, m);
	assert(hello_sound(m));
	to->m.hello = m;
}

static void write_refusal(enum refusal r, struct image *to)
{
	assert(r != REFUSE_NONE);
	repl__refusal__init(&to->refusal);
	to->refusal.reason = r;
	to->m.refusal = &to->refusal;
}

static void write_ack(const struct frame *f, struct image *to)
{
	repl__ack__init(&to->ack);
	to->ack.reign = f->ack.reign;
	to->ack.received_seq = f->ack.received_seq;
	to->ack.durable_seq = f->ack.durable_seq;
	to->m.ack = &to->ack;
}

static void write_resume(const struct frame *f, struct image *to)
{
	assert(resume_how_known(f->resume.how));
	repl__resume__init(&to->resume);
	to->resume.how = f->resume.how;
	to->resume.from_seq = f->resume.from_seq;
	to->resume.fork_seq = f->resume.fork_seq;
	to->resume.records = f->resume.records;
	to->m.resume = &to->resume;
}

static void write_end(const struct frame *f, struct image *to)
{
	repl__snapshot_end__init(&to->end);
	to->end.slices = f->end.slices;
	to->end.items = f->end.items;
	to->end.digest = f->end.digest;
	to->end.through_seq = f->end.through_seq;
	to->m.end = &to->end;
}

static void write_slice_ack(uint64_t number, struct image *to)
{
	assert(number > 0);
	repl__slice_ack__init(&to->slice_ack);
	to->slice_ack.number = number;
	to->m.slice_ack = &to->slice_ack;
}

static void write_live(uint64_t step_seq, struct image *to)
{
	repl__live__init(&to->live);
	to->live.step_seq = step_seq;
	to->m.live = &to->live;
}

static void write_body(const struct frame *f, struct arena *arena, struct image *to)
{
	switch (f->kind) {
	case FRAME_HELLO:
		write_hello(&f->hello, arena, to);
		break;
	case FRAME_REFUSAL:
		write_refusal(f->refusal, to);
		break;
	case FRAME_BEAT:
		to->m.beat = write_beat(&f->beat, &to->beat);
		break;
	case FRAME_ENTRY:
		assert(f->entry.n > 0 && f->entry.n <= ENTRY_MAX);
		to->m.entry = lend(f->entry);
		break;
	case FRAME_ACK:
		write_ack(f, to);
		break;
	case FRAME_RESUME:
		write_resume(f, to);
		break;
	case FRAME_SLICE:
		to->m.slice = &to->slice;
		frame_write_slice(f, arena, &to->slice);
		break;
	case FRAME_END:
		write_end(f, to);
		break;
	case FRAME_SLICE_ACK:
		write_slice_ack(f->slice_ack, to);
		break;
	case FRAME_LIVE:
		write_live(f->live_step, to);
		break;
	case FRAME_DIGEST:
		to->m.digest = &to->digest;
		frame_write_digest(f, arena, &to->digest);
		break;
	case FRAME_DIGEST_ANSWER:
		to->m.digest_answer = &to->digest_answer;
		frame_write_digest_answer(f, &to->digest_answer);
		break;
	case FRAME_BUCKET_SUMS:
		to->m.buckets = &to->buckets;
		frame_write_buckets(f, &to->buckets);
		break;
	case FRAME_KEYS:
		to->m.keys = &to->keys;
		frame_write_keys(&f->keys, arena, &to->keys);
		break;
	case FRAME_GO_ON:
		to->m.go_on = &to->go_on;
		frame_write_go_on(&f->go_on, &to->go_on);
		break;
	}
}

void frame_encode(const struct frame *f, struct arena *arena, struct buf *to)
{
	struct image image;
	size_t mark = arena->n;
	struct buf whole = *to;

	assert(f->kind >= FRAME_HELLO && f->kind <= FRAME_GO_ON);
	repl__frame__init(&image.m);
	image.m.body_case = (Repl__Frame__BodyCase)f->kind;
	write_body(f, arena, &image);
	buf_uint(&whole, protobuf_c_message_get_packed_size(&image.m.base), LENGTH_SIZE);
	pack(&image.m.base, FRAME_MAX - LENGTH_SIZE, &whole);
	if (arena->full || whole.full)
		to->full = true; /* nothing of a frame that does not fit */
	else
		*to = whole;
	arena->n = mark;
}
