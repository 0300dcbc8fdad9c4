/* layer: core */
/* Nodes of different versions: what they agree on, what they refuse, and what the older one keeps of
 * what the newer one wrote. */
#include "tests/unit/pair_story.h"

#define NEWER "\200\102\007" /* field 1056, that no version has yet */

/* The node is stopped, and another program goes on with its log. */
static void upgrade(struct kit *k, int at, uint32_t version)
{
	struct kit_node *n = &k->node[at];
	struct node_input loaded = {
		.event = NODE_LOADED,
		.loaded = {.applied = {node_position(n->node).reign, n->appended},
	                   .log_first = 1,
	                   .pair = node_pair_now(n->node, k->now),
	                   .wall_ms = 1700000000000}};

	link_down(k);
	k->max_version = version;
	node_free(&n->node);
	n->node = kit_make(k, at == A ? UNIT_PRIMARY : UNIT_SECONDARY, COMMIT_BOTH);
	n->fault = true;
	for (uint64_t seq = 1; seq <= n->appended; seq++) {
		struct block b;
		struct node_input entry = {.event = NODE_REPLAY};
		assert_int_equal(
			block_open((struct slice){n->blocks[seq], n->block_sizes[seq]}, &b), OK);
		assert_true(block_next(&b, &entry.bytes));
		kit_feed(k, at, &entry);
	}
	kit_feed(k, at, &loaded);
	kit_settle(k);
}

static struct kit *pair_of(uint32_t a, uint32_t b)
{
	struct kit *k = pair(COMMIT_BOTH);

	upgrade(k, B, b);
	address(k, B, false);
	upgrade(k, A, a);
	link_up(k);
	address(k, A, true);
	link_up(k);
	kit_pass(k, 200);
	return k;
}

/* I15: the older of the two decides, whichever is active */
static void two_versions_meet_on_the_older_one(void **state)
{
	static const struct {
		uint32_t a, b, agreed;
	} pairs[] = {{1, 1, 1}, {1, 2, 1}, {2, 1, 1}, {2, 2, 2}, {0, 1, 1}, {0, 0, 2}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct kit *k = pair_of(pairs[i].a, pairs[i].b);

		for (int at = 0; at < 2; at++) {
			assert_int_equal(status(k, at).peer_version, pairs[i].agreed);
			assert_string_equal(status(k, at).pair_state, "paired");
		}
		ask(k, A, "u", 1, ";expires=60");
		kit_settle(k);
		assert_true(says(k, A, "SIP/2.0 200 "));
		assert_string_equal(status(k, A).digest, status(k, B).digest);
		link_down(k);
		assert_int_equal(status(k, A).peer_version, 0);
		end(k);
	}
}

/* A33, T13: the standby first, a switchover, the other; nothing is lost */
static void a_pair_is_upgraded_one_node_at_a_time(void **state)
{
	struct node_command c = {.kind = COMMAND_SWITCHOVER, .ticket = 1};
	struct node_input over = {.event = NODE_COMMAND, .command = &c};
	struct kit *k = pair_of(1, 1);

	(void)state;
	ask(k, A, "before", 1, ";expires=3600");
	upgrade(k, B, 2);
	address(k, B, false);
	link_up(k);
	kit_pass(k, 200);
	assert_int_equal(status(k, A).peer_version, 1);
	assert_string_equal(status(k, A).pair_state, "paired");
	ask(k, A, "meanwhile", 1, ";expires=3600");
	kit_feed(k, A, &over);
	kit_pass(k, 100);
	address(k, A, false);
	address(k, B, true);
	link_up(k);
	kit_pass(k, 200);
	assert_int_equal(node_role(k->node[B].node), ROLE_ACTIVE);
	upgrade(k, A, 2);
	address(k, A, false);
	link_up(k);
	kit_pass(k, 200);
	assert_int_equal(status(k, B).peer_version, 2);
	assert_string_equal(status(k, B).pair_state, "paired");
	assert_non_null(copy_get(node_copy(k->node[A].node), TABLE_AOR, SLICE("sip:before@x")));
	assert_non_null(copy_get(node_copy(k->node[A].node), TABLE_AOR, SLICE("sip:meanwhile@x")));
	assert_string_equal(status(k, A).digest, status(k, B).digest);
	end(k);
}

static void hear(struct kit *k, int at, const struct frame *f)
{
	struct node_input in = {.event = NODE_FRAME, .connection = k->connection, .frame = f};

	kit_feed(k, at, &in);
}

/* The test is the primary: its hello, with this range of versions. */
static void greet(struct kit *k, uint32_t version_min, uint32_t version_max)
{
	static const struct reign_mark none[1];
	struct node_input up = {.event = NODE_LINK_UP};
	struct frame hello = {
		.kind = FRAME_HELLO,
		.hello = {.history = none,
	                  .version_min = version_min,
	                  .version_max = version_max,
	                  .unit = UNIT_PRIMARY,
	                  .schema = FRAME_SCHEMA,
	                  .beat = {.role = ROLE_ACTIVE, .pair = {1700000000000}, .number = 1}}};

	k->linked = false; /* what it sends vanishes */
	up.connection = ++k->connection;
	kit_feed(k, B, &up);
	hear(k, B, &hello);
}

/* A11: refused with a reason, which the operator sees until a peer is taken; told once */
static void ranges_that_do_not_meet_are_refused_and_named(void **state)
{
	struct kit *k = start(UNIT_PRIMARY, COMMIT_BOTH);

	(void)state;
	greet(k, FRAME_VERSION_MAX + 1, FRAME_VERSION_MAX + 3);
	assert_false(status(k, B).peer_link);
	assert_non_null(strstr(status(k, B).peer_refused, "no protocol version in common"));
	assert_non_null(strstr(k->node[B].line, "no protocol version in common"));
	unsigned lines = k->node[B].lines;
	for (int i = 0; i < 10; i++)
		greet(k, FRAME_VERSION_MAX + 1, FRAME_VERSION_MAX + 3);
	assert_int_equal(k->node[B].lines, lines);
	greet(k, 1, FRAME_VERSION_MAX + 3);
	assert_true(status(k, B).peer_link);
	assert_string_equal(status(k, B).peer_refused, "");
	assert_int_equal(status(k, B).peer_version, FRAME_VERSION_MAX);
	end(k);
}

static void what_the_peer_refused_is_seen_on_this_side_too(void **state)
{
	struct kit *k = start(UNIT_PRIMARY, COMMIT_BOTH);
	struct frame refusal = {.kind = FRAME_REFUSAL, .refusal = REFUSE_VERSION};
	struct node_input up = {.event = NODE_LINK_UP};

	(void)state;
	up.connection = ++k->connection;
	kit_feed(k, B, &up);
	hear(k, B, &refusal);
	assert_non_null(strstr(status(k, B).peer_refused, "no protocol version in common"));
	end(k);
}

/* A program of that version would not know the frame: who plays it must not either. */
static void a_frame_of_a_version_not_agreed_ends_the_connection(void **state)
{
	struct kit *k = start(UNIT_PRIMARY, COMMIT_BOTH);
	struct frame newer = {.kind = (enum frame_kind)FRAME_V2_FIRST};

	(void)state;
	greet(k, 1, 1);
	assert_true(status(k, B).peer_link);
	hear(k, B, &newer);
	assert_false(status(k, B).peer_link);
	end(k);
}

static struct slice value_at(const struct kit *k, int at, const char *key)
{
	const struct copy_item *item =
		copy_get(node_copy(k->node[at].node), TABLE_AOR, slice_str(key));

	assert_non_null(item);
	return item->value;
}

static bool holds(struct slice whole, struct slice part)
{
	for (size_t i = 0; i + part.n <= whole.n; i++)
		if (memcmp(whole.p + i, part.p, part.n) == 0)
			return true;
	return false;
}

/* An active of a newer version logs a record with fields of its own, as the test hears and sends it. */
static void record_of_a_newer_version(struct kit *k, uint8_t *room, size_t size)
{
	struct buf value = buf_on(room, size);
	static uint8_t bytes[ENTRY_MAX];
	struct buf entry = buf_on(bytes, sizeof bytes);
	struct entry e = {.seq = k->node[B].appended + 1,
	                  .reign = 1,
	                  .pair = {1700000000000},
	                  .kind = ENTRY_REQUEST,
	                  .table = TABLE_AOR,
	                  .key = SLICE("sip:u@x")};

	buf_put(&value, value_at(k, B, "sip:u@x"));
	buf_put(&value, SLICE(NEWER));
	e.value = buf_slice(&value);
	entry_encode(&e, &entry);
	buf_put(&entry, SLICE("\372\001\003new")); /* and of the entry itself */
	struct frame f = {.kind = FRAME_ENTRY, .entry = buf_slice(&entry)};
	hear(k, B, &f);
}

/* A3, T13: stored as it came, entry and record; a change by the older one keeps what it does not know */
static void an_older_standby_keeps_what_a_newer_active_wrote(void **state)
{
	struct kit *k = pair_of(2, 1);
	uint8_t value[1024];
	struct block b;
	struct slice entry;

	(void)state;
	ask(k, A, "u", 1, ";expires=3600");
	kit_settle(k);
	record_of_a_newer_version(k, value, sizeof value);
	uint64_t seq = k->node[B].appended;
	assert_int_equal(
		block_open((struct slice){k->node[B].blocks[seq], k->node[B].block_sizes[seq]}, &b),
		OK);
	assert_true(block_next(&b, &entry));
	assert_true(holds(entry, SLICE(NEWER)) && holds(entry, SLICE("\372\001\003new")));
	assert_true(holds(value_at(k, B, "sip:u@x"), SLICE(NEWER)));

	upgrade(k, B, 1); /* from its disk */
	assert_true(holds(value_at(k, B, "sip:u@x"), SLICE(NEWER)));
	node_free(&k->node[A].node);
	address(k, B, true);
	kit_pass(k, 70000); /* its cold start, alone */
	assert_int_equal(node_role(k->node[B].node), ROLE_ACTIVE);
	ask(k, B, "u", 2, ";expires=1800");
	kit_settle(k);
	assert_true(says(k, B, "SIP/2.0 200 ") && says(k, B, "expires=1800"));
	assert_true(holds(value_at(k, B, "sip:u@x"), SLICE(NEWER)));
	end(k);
}

/* An entry as an active would send it: the next of the test's history. */
static void hear_reign(struct kit *k, uint64_t id, uint64_t epoch, bool gone)
{
	uint8_t key_room[8], room[128], bytes[256];
	struct buf key = buf_on(key_room, sizeof key_room), value = buf_on(room, sizeof room),
		   entry = buf_on(bytes, sizeof bytes);
	struct reign_record r = {.id = id,
	                         .epoch = epoch,
	                         .unit = UNIT_PRIMARY,
	                         .first_seq = k->node[B].appended + 1};

	buf_uint(&key, id, 8);
	if (!gone)
		reign_encode(&r, &value);
	struct entry e = {.seq = k->node[B].appended + 1,
	                  .reign = 1,
	                  .pair = {1700000000000},
	                  .kind = ENTRY_REIGN,
	                  .table = TABLE_REIGN,
	                  .key = buf_slice(&key),
	                  .value = buf_slice(&value)};
	entry_encode(&e, &entry);
	struct frame f = {.kind = FRAME_ENTRY, .entry = buf_slice(&entry)};
	hear(k, B, &f);
}

/* A14, T12: an active that takes its reign's record away, or claims the last number there is */
static void whatever_a_peer_said_of_its_reigns_the_next_has_a_number_above(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	uint64_t epoch = status(k, B).epoch;

	(void)state;
	hear_reign(k, 77, epoch + 5, false);
	assert_int_equal(status(k, B).epoch, epoch + 5);
	hear_reign(k, 77, 0, true);
	hear_reign(k, 78, EPOCH_END, false);
	node_free(&k->node[A].node);
	address(k, B, true);
	kit_pass(k, 70000);
	assert_int_equal(node_role(k->node[B].node), ROLE_ACTIVE);
	assert_int_equal(status(k, B).epoch, epoch + 6);
	end(k);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_versions_meet_on_the_older_one),
		cmocka_unit_test(a_pair_is_upgraded_one_node_at_a_time),
		cmocka_unit_test(ranges_that_do_not_meet_are_refused_and_named),
		cmocka_unit_test(what_the_peer_refused_is_seen_on_this_side_too),
		cmocka_unit_test(a_frame_of_a_version_not_agreed_ends_the_connection),
		cmocka_unit_test(an_older_standby_keeps_what_a_newer_active_wrote),
		cmocka_unit_test(whatever_a_peer_said_of_its_reigns_the_next_has_a_number_above),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
