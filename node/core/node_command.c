#include <assert.h>
#include <stdio.h>

#include "node/core/auth.h"
#include "node/core/node_parts.h"
#include "proto/base/reader.h"

void node_answer(struct node *n, uint64_t ticket, bool ok, const char *text)
{
	struct node_output *o = node_out(n, OUT_ANSWER);

	o->ticket = ticket;
	o->ok = ok;
	o->bytes = slice_str(text);
}

/* Held like any other promise: the operator's 200 OK. */
static void answer_committed(struct node *n, uint64_t ticket, uint64_t seq)
{
	struct node_output o = {
		.kind = OUT_ANSWER, .ticket = ticket, .ok = true, .bytes = SLICE("done")};

	node_hold(n, seq, &o);
}

static bool is_there(struct node *n, const struct copy_item *item)
{
	struct subscriber_record s;

	return item != NULL && subscriber_decode(item->value, &n->arena, &s) == OK && !s.gone;
}

static void put_subscriber(struct node *n, const struct node_command *c, struct slice key,
                           bool gone)
{
	enum { ROOM = 1024 };
	uint8_t *room = arena_take(&n->arena, ROOM);
	struct subscriber_record s = c->subscriber;

	assert(room != NULL);
	struct buf value = buf_on(room, ROOM);
	s.stamped = pair_now(n);
	s.gone = gone;
	subscriber_encode(&s, &value);
	if (value.full) {
		node_answer(n, c->ticket, false, "the name is too long");
		return;
	}
	answer_committed(n, c->ticket,
	                 node_append(n, ENTRY_OPERATOR, TABLE_SUBSCRIBER, key, buf_slice(&value),
	                             PAIRTIME_NEVER));
}

static void on_subscriber_put(struct node *n, const struct node_command *c)
{
	bool exists = is_there(n, copy_get(n->copy, TABLE_SUBSCRIBER, c->key));

	if (exists && !c->replace)
		node_answer(n, c->ticket, false, "exists: use --replace to give a new password");
	else
		put_subscriber(n, c, c->key, false);
}

static void on_subscriber_remove(struct node *n, const struct node_command *c)
{
	if (!is_there(n, copy_get(n->copy, TABLE_SUBSCRIBER, c->key)))
		node_answer(n, c->ticket, false, "no such subscriber");
	else
		put_subscriber(n, c, c->key, true);
}

static void on_aor_remove(struct node *n, const struct node_command *c)
{
	const struct copy_item *item = copy_get(n->copy, TABLE_AOR, c->key);
	struct aor_expiry how = {
		.now = pair_now(n),
		.nonce_lifetime_ms = n->options.server.nonce_lifetime_ms,
		.epoch = n->reign.epoch,
		.unit = n->options.unit,
	};
	struct slice value;
	struct pairtime deadline;

	if (item != NULL && !copy_sound(TABLE_AOR, item)) {
		node_memory_fault(n, TABLE_AOR, c->key);
		node_answer(n, c->ticket, false, "the record is damaged in memory: see the status");
		return;
	}
	if (item == NULL || !aor_remove(&how, item->value, &n->arena, &value, &deadline)) {
		node_answer(n, c->ticket, false, "no such AOR");
		return;
	}
	answer_committed(n, c->ticket,
	                 node_append(n, ENTRY_OPERATOR, TABLE_AOR, c->key, value, deadline));
}

/* The key of the secret with the highest or the lowest id; its bytes live until the record changes. */
static struct slice secret_at_end(const struct node *n, bool newest)
{
	struct copy_cursor cursor = {0};
	struct slice found = {NULL, 0};
	const struct copy_item *item;

	while ((item = copy_walk(n->copy, TABLE_SECRET, &cursor)) != NULL) {
		int order = found.n == 0 ? 0 : slice_cmp(item->key, found);
		if (found.n == 0 || (newest ? order > 0 : order < 0))
			found = item->key;
	}
	return found;
}

/* A gap of random width, so that two histories that part and both rotate do not make one id twice. */
static uint64_t next_secret_id(const struct node *n)
{
	struct reader r = {.rest = secret_at_end(n, true)};
	uint64_t newest = reader_u64(&r), gap = 1 + (n->random & 0xffffff);

	return newest > UINT64_MAX - gap ? 0 : newest + gap;
}

/* What no longer checks anything goes. */
static void drop_old_secrets(struct node *n)
{
	while (copy_count(n->copy, TABLE_SECRET) > SECRETS_MAX) {
		struct slice key = arena_copy(&n->arena, secret_at_end(n, false));

		(void)node_append(n, ENTRY_SECRET, TABLE_SECRET, key, (struct slice){NULL, 0},
		                  PAIRTIME_NEVER);
	}
}

static void on_secret_rotate(struct node *n, const struct node_command *c)
{
	uint64_t id = next_secret_id(n);

	if (c->key.n != DIGEST_KEY_SIZE || id == 0) {
		node_answer(n, c->ticket, false, "no id is left for another secret");
		return;
	}
	node_put_secret(n, id, c->key);
	drop_old_secrets(n);
	answer_committed(n, c->ticket, n->last_seq);
}

static void refuse_inactive(struct node *n, const struct node_command *c)
{
	enum { ROOM = 160 };
	char *text = arena_take(&n->arena, ROOM);
	bool peer = n->link.greeted && n->link.beat.role == ROLE_ACTIVE;

	assert(text != NULL);
	(void)snprintf(text, ROOM, "this node is %s: ask the active one%s%s",
	               role_name(n->role.role), peer ? ", the " : "",
	               peer ? unit_name(n->link.hello.unit) : "");
	node_answer(n, c->ticket, false, text);
}

static void on_change(struct node *n, const struct node_command *c)
{
	typedef void change_fn(struct node * n, const struct node_command *c);
	static change_fn *const by_kind[] = {
		[COMMAND_SUBSCRIBER_PUT] = on_subscriber_put,
		[COMMAND_SUBSCRIBER_REMOVE] = on_subscriber_remove,
		[COMMAND_AOR_REMOVE] = on_aor_remove,
		[COMMAND_SECRET_ROTATE] = on_secret_rotate,
		[COMMAND_NAP_REGISTER] = node_nap_command,
		[COMMAND_NAP_UNREGISTER] = node_nap_command,
		[COMMAND_NAP_POLL] = node_nap_command,
	};

	if (!node_active(n))
		refuse_inactive(n, c);
	else if (n->doubt)
		node_answer(n, c->ticket, false, "this node was paused: try again");
	else if (n->disk.room_low)
		node_answer(
			n, c->ticket, false,
			"the store is nearly full: make room on its disk, or raise store.max_size");
	else if (!node_has_room(n))
		node_answer(n, c->ticket, false, "the log does not keep up: try again");
	else
		by_kind[c->kind](n, c);
}

static void on_request(struct node *n, const struct node_command *c, enum role_request request)
{
	bool hands_over = request != ROLE_TAKEOVER && !n->options.role.standalone;

	if (n->request_ticket != 0) {
		node_answer(n, c->ticket, false, "a switchover is under way");
		return;
	}
	if (hands_over && !node_active(n)) {
		refuse_inactive(n, c);
		return;
	}
	n->request = n->asked = request;
	n->request_ticket = c->ticket;
}

void node_on_command(struct node *n, const struct node_command *c)
{
	switch (c->kind) {
	case COMMAND_SUBSCRIBER_PUT:
	case COMMAND_SUBSCRIBER_REMOVE:
	case COMMAND_AOR_REMOVE:
	case COMMAND_SECRET_ROTATE:
	case COMMAND_NAP_REGISTER:
	case COMMAND_NAP_UNREGISTER:
	case COMMAND_NAP_POLL:
		on_change(n, c);
		break;
	case COMMAND_DIFF:
		if (node_active(n))
			node_diff_begin(n, c->ticket);
		else
			refuse_inactive(n, c);
		break;
	case COMMAND_SWITCHOVER:
		on_request(n, c, ROLE_SWITCHOVER);
		break;
	case COMMAND_SWITCHOVER_FORCED:
		on_request(n, c, ROLE_SWITCHOVER_FORCED);
		break;
	case COMMAND_TAKEOVER:
		on_request(n, c, ROLE_TAKEOVER);
		break;
	case COMMAND_STOP:
		n->request = ROLE_STOP;
		break;
	}
}
