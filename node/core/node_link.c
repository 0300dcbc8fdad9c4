#include <assert.h>

#include "node/core/node_parts.h"

uint32_t link_version(const struct node *n)
{
	const struct link *l = &n->link;
	uint32_t ours = l->sent.version_max, theirs = l->hello.version_max;

	if (!l->greeted)
		return 0;
	return ours < theirs ? ours : theirs;
}

bool link_speaks(const struct node *n, uint32_t version)
{
	return link_version(n) >= version;
}

static size_t send_on(struct node *n, uint64_t connection, const struct frame *f)
{
	enum { SMALL = 16 * 1024, ROOM_FOR_SCRATCH = 64 };
	bool large = f->kind == FRAME_SLICE || f->kind == FRAME_BUCKET_SUMS ||
	             f->kind == FRAME_KEYS;
	size_t room = f->kind == FRAME_ENTRY ? f->entry.n + ROOM_FOR_SCRATCH
	              : large                ? (size_t)FRAME_MAX
	                                     : (size_t)SMALL;
	uint8_t *p = arena_take(&n->arena, room);

	assert(p != NULL);
	assert(frame_version(f->kind) == 1 || link_speaks(n, frame_version(f->kind)));
	struct buf to = buf_on(p, room);
	frame_encode(f, &n->arena, &to);
	assert(!to.full);
	struct node_output *o = node_out(n, OUT_FRAME);
	o->connection = connection;
	o->bytes = buf_slice(&to);
	return to.n;
}

void node_send(struct node *n, const struct frame *f)
{
	assert(n->link.up);
	(void)send_on(n, n->link.connection, f);
}

void node_send_bulk(struct node *n, const struct frame *f)
{
	assert(n->link.bulk_up);
	size_t sent = send_on(n, n->link.bulk_connection, f);
	n->budget -= (int64_t)sent;
	n->resync.bytes += sent;
}

/* Half a snapshot is kept: the active may go on with it on the next connection. */
static void forget_link(struct node *n)
{
	if (n->link.bulk_up)
		node_out(n, OUT_CLOSE_LINK)->connection = n->link.bulk_connection;
	receiver_link_down(&n->receiver);
	if (!receiver_has_half(&n->receiver))
		node_abort_next(n);
	n->half_until = mtime_add_ms(n->now, NODE_HALF_KEPT_MS);
	n->sender = (struct sender){0};
	n->resync.going = false;
	n->fork = (struct fork){0};
	node_digest_forget(n);
	struct mtime in_step_until = n->link.in_step_until;
	n->link = (struct link){.in_step_until = in_step_until};
}

void node_close_link(struct node *n, const char *why)
{
	if (!n->link.up)
		return;
	struct node_output *o = node_out(n, OUT_CLOSE_LINK);
	o->connection = n->link.connection;
	o->bytes = slice_str(why);
	/* Of a peer that is refused ten times a second the first time is told. */
	if (n->link.greeted || n->refused == REFUSE_NONE)
		node_say(n, WEIGHT_NOTICE, "link=peer state=up->down why=\"%s\"", why);
	forget_link(n);
}

static struct beat own_beat(struct node *n)
{
	struct link *l = &n->link;
	uint64_t number = ++l->number;

	l->sent_at[number % NODE_BEAT_TIMES] = n->now;
	return (struct beat){
		.reign = n->reign.id,
		.role = (uint8_t)n->role.role,
		.holds_address = n->address_here,
		.pair_state = (uint8_t)n->pair,
		.pair = pair_now(n),
		.number = number,
		.echo = l->beat.number,
		.echo_held_ms = l->beat.number == 0 ? 0 : n->now.ms - l->beat_at.ms,
		.last_seq = n->last_seq,
		.role_for_ms = (uint64_t)(n->now.ms - n->role.since.ms),
		.without_keepalived = !n->keepalived_alive && !n->options.role.standalone,
		.room_low = n->disk.room_low,
		.wall_ms = n->wall_ms,
		.config_digest = n->options.config_digest,
	};
}

static struct hello own_hello(struct node *n)
{
	uint32_t capped = n->options.max_version;
	struct hello h = {
		.version_min = FRAME_VERSION_MIN,
		.version_max = capped != 0 ? capped : FRAME_VERSION_MAX,
		.unit = n->options.unit,
		.node_id = n->options.node_id,
		.schema = FRAME_SCHEMA,
		.config_digest = n->options.config_digest,
		.history = n->history,
		.n_history = n->n_history,
		.log_first = n->log_first,
		.received_seq = n->last_seq,
		.durable_seq = n->durable_seq,
		.beat = own_beat(n),
		.clock_epoch = n->clock_epoch,
	};
	if (receiver_has_half(&n->receiver)) {
		h.half_reign = n->receiver.reign;
		h.half_from = n->receiver.from;
	}

	memcpy(h.cluster_id, n->options.cluster_id, sizeof h.cluster_id);
	return h;
}

void node_on_link_up(struct node *n, const struct node_input *in)
{
	if (n->link.up)
		node_close_link(n, "a newer connection");
	n->link.up = true;
	n->link.connection = in->connection;
	n->link.heard = n->now;
	n->link.sent = own_hello(n);
	node_send(n, &(struct frame){.kind = FRAME_HELLO, .hello = n->link.sent});
}

void node_on_link_down(struct node *n, const struct node_input *in)
{
	if (!n->link.up || in->connection != n->link.connection)
		return;
	if (n->link.greeted)
		node_say(n, WEIGHT_WARN, "link=peer state=up->down why=closed lag=%llu",
		         (unsigned long long)(node_active(n) ? n->last_seq - n->sender.received
		                                             : 0));
	forget_link(n);
}

/* A peer that is active knows the time: what the start had to doubt is settled. */
static void follow_clock(struct node *n, struct pairtime sent, int64_t round_trip_ms)
{
	if (!n->clock.following && !mtime_reached(n->expiry_held_until, n->now)) {
		n->expiry_held_until = n->now;
		node_say(n, WEIGHT_NOTICE, "expiry=free why=\"the peer's clock is followed\"");
	}
	pair_clock_follow(&n->clock, sent, round_trip_ms, n->now);
}

/* Its time from the first moment on: what is stored of it must not be of a line of our own. */
void node_follow_seed(struct node *n)
{
	const struct link *l = &n->link;
	struct pairtime told = {l->told.ms + n->now.ms - l->told_at.ms};

	if (l->beat.role == ROLE_ACTIVE)
		follow_clock(n, told, l->told_trip_ms);
}

/* Wall clocks decide nothing here, but men read them. Each is told beside the pair's time, which is the same
 * on both nodes of a pair in step, so the way of a heartbeat does not count. */
static void compare_clocks(struct node *n, const struct beat *b)
{
	enum { APART_MS = 1000, TOGETHER_MS = 500 };
	bool known = b->wall_ms > 0 && n->wall_ms > 0 && b->pair_state == PAIR_PAIRED;
	/* A peer may say any number: unsigned, it overflows into another one and no further. */
	uint64_t theirs = (uint64_t)b->wall_ms - (uint64_t)b->pair.ms;
	uint64_t ours = (uint64_t)n->wall_ms - (uint64_t)pair_now(n).ms;

	if (!known || n->pair != PAIR_PAIRED)
		return;
	n->peer_clock_ms = (int64_t)(theirs - ours);
	uint64_t apart_ms = n->peer_clock_ms < 0 ? ours - theirs : theirs - ours;
	if (!n->clocks_apart && apart_ms > APART_MS)
		node_note(n, WEIGHT_WARN,
		          &(struct note){"clocks", "together", "apart",
		                         "the hosts' wall clocks differ by more than a second"});
	else if (n->clocks_apart && apart_ms < TOGETHER_MS)
		node_note(n, WEIGHT_NOTICE,
		          &(struct note){"clocks", "apart", "together", "they agree again"});
	n->clocks_apart = apart_ms > (n->clocks_apart ? TOGETHER_MS - 1 : APART_MS);
}

/* What every heartbeat says; the hello carries the first. */
static void take_beat(struct node *n, const struct beat *b)
{
	struct link *l = &n->link;
	bool known = b->echo != 0 && b->echo <= l->number && l->number - b->echo < NODE_BEAT_TIMES;
	/* One that echoes what was sent too long ago was long on its way: it tells no time. One that
	 * echoes nothing yet may have been, too: it tells whom nobody has told before. */
	bool tells = known || b->echo == 0;
	int64_t round_trip = PAIR_CLOCK_TRIP_UNKNOWN;

	if (known)
		round_trip = n->now.ms - l->sent_at[b->echo % NODE_BEAT_TIMES].ms - b->echo_held_ms;
	if (known && round_trip < 0)
		round_trip = 0;
	l->beat = *b;
	l->beat_at = n->now;
	if (tells) {
		l->told = b->pair;
		l->told_at = n->now;
		l->told_trip_ms = round_trip;
	}
	compare_clocks(n, b);
	bool active = b->role == ROLE_ACTIVE;
	if (active)
		n->peer_active_at = n->now;
	/* Only of who seeds us: an active that will give way to us has no time for us. And the stamps
	 * of a fork are moved by what our time is off: twice, should the merge begin again. */
	bool told = n->receiver.phase != RECEIVER_IDLE && n->receiver.phase != RECEIVER_HALF;
	bool seeded = told && !n->fork_held;
	if (active && !node_active(n) && seeded && tells)
		follow_clock(n, b->pair, round_trip);
	if (active && b->pair_state == PAIR_PAIRED && n->receiver.live) {
		l->in_step_until = n->now;
		l->standing = STANDING_EQUAL;
	}
}

/* Said as it begins and as it ends. */
static void compare_configs(struct node *n)
{
	static const struct note apart = {"config", "same", "differs",
	                                  "the parts that must be equal are not"};
	static const struct note together = {"config", "differs", "same", "they are equal again"};
	struct link *l = &n->link;
	bool differ = l->greeted && l->hello.config_digest != n->options.config_digest;

	if (differ != l->configs_differ)
		node_note(n, differ ? WEIGHT_WARN : WEIGHT_NOTICE, differ ? &apart : &together);
	l->configs_differ = differ;
}

void node_configured(struct node *n, uint64_t digest)
{
	if (digest != 0)
		n->options.config_digest = digest;
	compare_configs(n);
}

static void on_hello(struct node *n, const struct hello *h)
{
	struct link *l = &n->link;

	struct history mine = {n->history, n->n_history, n->last_seq};
	struct history theirs = {h->history, h->n_history, h->received_seq};

	if (l->greeted) {
		node_close_link(n, "a second hello");
		return;
	}
	enum refusal refusal = hello_check(&l->sent, h);
	if (refusal != REFUSE_NONE) {
		node_send(n, &(struct frame){.kind = FRAME_REFUSAL, .refusal = refusal});
		if (n->refused != refusal) {
			node_say(n, WEIGHT_ERROR, "link=peer refused=\"%s\"",
			         refusal_text(refusal));
			node_keep(n, &(struct note){"peer", "-", "refused", refusal_text(refusal)});
		}
		n->refused = refusal;
		node_close_link(n, "refused");
		return;
	}
	n->refused = REFUSE_NONE;
	l->greeted = true;
	l->hello = *h;
	memcpy(l->history, h->history, h->n_history * sizeof *l->history);
	l->n_history = h->n_history;
	l->hello.history = l->history;
	l->standing = history_standing(&mine, &theirs);
	l->peer_wins = peer_wins(&l->sent, h);
	l->clock_shift_ms = pair_now(n).ms - h->beat.pair.ms;
	take_beat(n, &h->beat);
	node_say(n, WEIGHT_NOTICE, "link=peer state=down->up peer=%s role=%s seq=%llu version=%u",
	         unit_name(h->unit), role_name((enum role)h->beat.role),
	         (unsigned long long)h->received_seq, link_version(n));
	compare_configs(n);
	node_resume(n);
}

static void on_refusal(struct node *n, enum refusal refusal)
{
	if (n->refused != refusal) {
		node_say(n, WEIGHT_ERROR, "link=peer refused_by_peer=\"%s\"",
		         refusal_text(refusal));
		node_keep(n, &(struct note){"peer", "-", "refused by it", refusal_text(refusal)});
	}
	n->refused = refusal;
	node_close_link(n, "refused by the peer");
}

/* Only a greeted link says more than hello. */
static void on_greeted(struct node *n, const struct frame *f)
{
	switch (f->kind) {
	case FRAME_BEAT:
		take_beat(n, &f->beat);
		if (f->beat.config_digest != 0) /* an older peer tells it in its hello alone */
			n->link.hello.config_digest = f->beat.config_digest;
		compare_configs(n);
		break;
	case FRAME_ENTRY:
		node_on_entry(n, f->entry);
		break;
	case FRAME_ACK:
		node_on_ack(n, f);
		break;
	case FRAME_RESUME:
		node_on_resume(n, f);
		if (n->link.up && n->receiver.phase != RECEIVER_IDLE && !n->fork_held)
			node_follow_seed(n);
		break;
	case FRAME_LIVE:
		node_on_live(n, f->live_step);
		break;
	case FRAME_SLICE:
	case FRAME_END:
	case FRAME_SLICE_ACK:
	case FRAME_GO_ON:
		node_close_link(n, "what belongs on the bulk connection");
		break;
	case FRAME_DIGEST:
		node_on_digest(n, f);
		break;
	case FRAME_DIGEST_ANSWER:
		node_on_digest_answer(n, f);
		break;
	case FRAME_BUCKET_SUMS:
		node_on_bucket_sums(n, f);
		break;
	case FRAME_KEYS:
		node_on_keys(n, f);
		break;
	case FRAME_HELLO:
	case FRAME_REFUSAL:
		break;
	}
}

void node_on_frame(struct node *n, const struct node_input *in)
{
	const struct frame *f = in->frame;

	if (n->link.bulk_up && in->connection == n->link.bulk_connection) {
		node_on_bulk_frame(n, f);
		return;
	}
	if (!n->link.up || in->connection != n->link.connection)
		return;
	n->link.heard = n->now;
	if (f->kind == FRAME_HELLO)
		on_hello(n, &f->hello);
	else if (f->kind == FRAME_REFUSAL)
		on_refusal(n, f->refusal);
	else if (!n->link.greeted)
		node_close_link(n, "no hello first");
	else if (!link_speaks(n, frame_version(f->kind)))
		node_close_link(n, "a frame of a version that was not agreed");
	else
		on_greeted(n, f);
}

void node_beat(struct node *n)
{
	struct link *l = &n->link;
	int64_t silence = NODE_LINK_SILENCE_FACTOR * n->options.role.peer_timeout_ms;

	if (l->up && mtime_reached(mtime_add_ms(l->heard, silence), n->now))
		node_close_link(n, "silence");
	if (l->up && l->greeted)
		node_send(n, &(struct frame){.kind = FRAME_BEAT, .beat = own_beat(n)});
}
