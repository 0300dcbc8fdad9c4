/* layer: core */
/* test_node_restored.c - a node that begins with a backup: what it knows, what its peer may know better,
 * and what must not be said twice. */
#include "tests/unit/pair_story.h"

enum { RECORDS_MAX = 64, WALL = 1700000000, AWAY_MS = 100 * 1000 };

static const int64_t wall_ms = (int64_t)WALL * 1000;

/* All that a node holds at one entry. */
struct backup {
	struct {
		enum table table;
		uint8_t bytes[1024];
		struct slice key, value;
	} record[RECORDS_MAX];
	size_t n;
	struct position position;
	struct pairtime pair;
};

static void back_up(const struct kit *k, int at, struct backup *to)
{
	const struct node *node = k->node[at].node;

	*to = (struct backup){.position = node_position(node), .pair = node_pair_now(node, k->now)};
	for (int t = TABLE_AOR; t < TABLE_END; t++) {
		struct copy_cursor cursor = {0};
		const struct copy_item *i;
		while ((i = copy_walk(node_copy(node), (enum table)t, &cursor)) != NULL) {
			uint8_t *p = to->record[to->n].bytes;
			assert_true(to->n < RECORDS_MAX && i->key.n + i->value.n <= 1024);
			memcpy(p, i->key.p, i->key.n);
			memcpy(p + i->key.n, i->value.p, i->value.n);
			to->record[to->n].table = (enum table)t;
			to->record[to->n].key = (struct slice){p, i->key.n};
			to->record[to->n++].value = (struct slice){p + i->key.n, i->value.n};
		}
	}
}

static void make(struct kit *k, int at)
{
	struct kit_node *n = &k->node[at];

	if (n->node != NULL)
		node_free(&n->node);
	for (size_t i = 0; i < KIT_QUEUE; i++)
		free(n->blocks[i]);
	*n = (struct kit_node){.node = kit_make(k, at == A ? UNIT_PRIMARY : UNIT_SECONDARY,
	                                        COMMIT_BOTH),
	                       .fault = true};
}

static void load(struct kit *k, int at, struct node_loaded loaded)
{
	struct node_input in = {.event = NODE_LOADED, .loaded = loaded};
	struct node_input keepalived = {.event = NODE_ADDRESS, .address = {false, true}};

	in.loaded.wall_ms = wall_ms + AWAY_MS;
	in.loaded.wall_synchronised = true;
	kit_feed(k, at, &in);
	kit_feed(k, at, &keepalived);
	kit_settle(k);
}

/* A new process over the backup, AWAY_MS after it was made. */
static void begin_with(struct kit *k, int at, const struct backup *from, bool restored)
{
	make(k, at);
	for (size_t i = 0; i < from->n; i++) {
		struct node_input in = {.event = NODE_RECORD,
		                        .record = {from->record[i].table, from->record[i].key,
		                                   from->record[i].value}};
		kit_feed(k, at, &in);
	}
	k->node[at].appended = from->position.seq;
	k->node[at].log_first = from->position.seq + 1;
	load(k, at,
	     (struct node_loaded){.applied = from->position,
	                          .restored = restored,
	                          .pair = from->pair,
	                          .stored_wall_ms = wall_ms});
}

static void begin_empty(struct kit *k, int at)
{
	make(k, at);
	load(k, at, (struct node_loaded){.applied = {0, 0}});
}

static void meet(struct kit *k)
{
	link_up(k);
	kit_pass(k, 200);
}

static void becomes_active(struct kit *k, int at)
{
	address(k, at, true);
	kit_pass(k, 200);
	assert_int_equal(node_role(k->node[at].node), ROLE_ACTIVE);
	link_up(k);
	kit_pass(k, 1000);
}

static void are_equal(struct kit *k)
{
	assert_string_equal(status(k, A).digest, status(k, B).digest);
	assert_int_equal(status(k, A).seq, status(k, B).seq);
	assert_string_equal(status(k, A).pair_state, "paired");
}

/* What the phone is told: its seconds; 0: nothing is bound. */
static int left(struct kit *k, int at, const char *user)
{
	static unsigned cseq = 1000;

	k->node[at].last[0] = '\0';
	ask(k, at, user, ++cseq, NULL);
	kit_settle(k);
	assert_true(says(k, at, "200 OK"));
	const char *expires = strstr(k->node[at].last, ";expires=");
	return expires == NULL ? 0 : (int)strtol(expires + 9, NULL, 10);
}

static void registers(struct kit *k, const char *user, unsigned cseq, const char *params)
{
	ask(k, A, user, cseq, params);
	kit_settle(k);
	assert_true(says(k, A, "200 OK"));
}

/* A pair at work, alice and bob registered; backed up at A; then something that the backup lacks. */
static struct kit *pair_backed_up(struct backup *b)
{
	struct kit *k = pair(COMMIT_BOTH);

	registers(k, "alice", 1, ";expires=600");
	registers(k, "bob", 1, ";expires=60");
	back_up(k, A, b);
	assert_int_equal(status(k, B).seq, b->position.seq);
	registers(k, "carol", 1, ";expires=600");
	return k;
}

/* T9: everything was lost but the backup. */
static void a_restored_node_fills_an_empty_peer(void **state)
{
	struct backup b;
	struct kit *k = pair_backed_up(&b);

	(void)state;
	link_down(k);
	begin_with(k, A, &b, true);
	begin_empty(k, B);
	assert_true(status(k, A).restored && !status(k, B).restored);
	assert_non_null(strstr(k->node[A].history, "store - restored"));
	meet(k);
	becomes_active(k, A);
	kit_pass(k, 2000);
	are_equal(k);
	assert_false(status(k, A).restored);
	assert_int_equal(status(k, A).epoch, 2);
	assert_false(status(k, A).reign_behind); /* nobody knows more: the peer says so */
	assert_in_range(left(k, A, "alice"), 490, 500);
	assert_int_equal(left(k, A, "bob"), 0);
	assert_int_equal(left(k, A, "carol"), 0);
	link_down(k);
	address(k, A, false);
	becomes_active(k, B);
	assert_in_range(left(k, B, "alice"), 480, 500);
	assert_int_equal(left(k, B, "bob"), 0);
	end(k);
}

/* The one file on both: they are as equal as they were. */
static void two_restored_nodes_are_equal_at_once(void **state)
{
	struct backup b;
	struct kit *k = pair_backed_up(&b);

	(void)state;
	link_down(k);
	begin_with(k, A, &b, true);
	begin_with(k, B, &b, true);
	meet(k);
	becomes_active(k, B); /* either will do */
	are_equal(k);
	assert_int_equal(status(k, A).snapshots_received, 0);
	assert_false(status(k, A).restored || status(k, B).restored);
	assert_in_range(left(k, B, "alice"), 490, 500);
	end(k);
}

/* A17: an older state never seeds a newer one. */
static void a_peer_that_kept_its_store_gives_back_what_the_backup_lacks(void **state)
{
	struct backup b;
	struct kit *k = pair_backed_up(&b);

	(void)state;
	link_down(k);
	begin_with(k, A, &b, true);
	meet(k);
	assert_int_equal(node_role(k->node[A].node), ROLE_SYNCING);
	becomes_active(k, B);
	are_equal(k);
	assert_false(status(k, A).restored);
	assert_true(left(k, B, "carol") > 0);
	assert_int_equal(status(k, A).forks + status(k, B).merges, 0);
	end(k);
}

/* Both went on from the backup's entry, each in its way. */
static void a_peer_that_went_on_is_a_fork_and_is_merged(void **state)
{
	struct backup b;
	struct kit *k = pair_backed_up(&b);

	(void)state;
	link_down(k);
	begin_with(k, A, &b, true);
	kit_pass(k, 61000);
	address(k, A, true);
	kit_pass(k, 200);
	assert_int_equal(node_role(k->node[A].node), ROLE_ACTIVE);
	registers(k, "dave", 1, ";expires=600");
	meet(k); /* B has carol, under the reign of which A has only the beginning */
	meet(k);
	kit_pass(k, 5000);
	meet(k);
	kit_pass(k, 3000);
	are_equal(k);
	assert_true(left(k, A, "carol") > 0);
	assert_true(left(k, A, "dave") > 0);
	assert_int_equal(status(k, A).merges, 1);
	end(k);
}

/* Its own reign and exposed: nobody could know more. Of a backup that is not true any more. */
static void a_restored_node_alone_waits_and_is_behind(void **state)
{
	struct backup b;
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	link_down(k);
	registers(k, "alice", 1, ";expires=600");
	kit_pass(k, 3000);
	assert_string_equal(status(k, A).pair_state, "exposed");
	back_up(k, A, &b);
	for (int restored = 0; restored < 2; restored++) {
		begin_with(k, A, &b, restored == 1);
		kit_pass(k, 2000);
		assert_int_equal(node_role(k->node[A].node),
		                 restored == 1 ? ROLE_INIT : ROLE_STANDBY);
	}
	kit_pass(k, 59000);
	assert_int_equal(node_role(k->node[A].node), ROLE_STANDBY);
	address(k, A, true);
	kit_pass(k, 200);
	assert_int_equal(node_role(k->node[A].node), ROLE_ACTIVE);
	assert_true(status(k, A).reign_behind);
	assert_true(left(k, A, "alice") > 0);
	end(k);
}

/* --- what others were told since --- */

static int newest_version;

static void hear_version(const struct node_output *o)
{
	static const char before[] = ":reginfo\" version=\"";
	char text[4096];

	if (o->kind != OUT_MESSAGE || o->bytes.n >= sizeof text)
		return;
	(void)snprintf(text, sizeof text, SLICE_FMT, SLICE_ARG(o->bytes));
	const char *at = strstr(text, before);
	if (at != NULL)
		newest_version = (int)strtol(at + sizeof before - 1, NULL, 10);
}

static void subscribes(struct kit *k)
{
	static const char text[] = "SUBSCRIBE sip:alice@x SIP/2.0\r\n"
				   "Via: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bKs1\r\n"
				   "From: <sip:alice@x>;tag=w1\r\nTo: <sip:alice@x>\r\n"
				   "Call-ID: watch\r\nCSeq: 1 SUBSCRIBE\r\nMax-Forwards: 70\r\n"
				   "Event: reg\r\nContact: <sip:alice@192.0.2.9:5070>\r\n"
				   "Expires: 600\r\n\r\n";
	struct node_input in = {.event = NODE_MESSAGE, .bytes = SLICE(text)};

	in.flow.transport = TRANSPORT_UDP;
	assert_true(addr_parse(SLICE("10.0.0.10:5060"), &in.flow.local));
	assert_true(addr_parse(SLICE("192.0.2.9:5070"), &in.flow.remote));
	kit_feed(k, A, &in);
	kit_settle(k);
}

/* E13, I11: a version that was seen is never used again, also by who does not know of it. */
static void versions_go_on_above_all_that_was_told_since_the_backup(void **state)
{
	struct backup b;
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	k->node[A].watch = hear_version;
	registers(k, "alice", 1, ";expires=600");
	newest_version = -1;
	subscribes(k);
	assert_int_equal(newest_version, 0);
	back_up(k, A, &b);
	link_down(k);
	begin_with(k, A, &b, true);
	begin_empty(k, B);
	k->node[A].watch = hear_version;
	meet(k);
	becomes_active(k, A);
	kit_pass(k, 6000);
	assert_int_equal(newest_version, 1 << 20);
	/* And then one by one, on the other node, too, and after another start. */
	k->node[B].watch = hear_version;
	link_down(k);
	address(k, A, false);
	becomes_active(k, B);
	kit_pass(k, 40000);
	assert_in_range(newest_version, (1 << 20) + 1, (1 << 20) + 3);
	end(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_restored_node_fills_an_empty_peer),
		cmocka_unit_test(two_restored_nodes_are_equal_at_once),
		cmocka_unit_test(a_peer_that_kept_its_store_gives_back_what_the_backup_lacks),
		cmocka_unit_test(a_peer_that_went_on_is_a_fork_and_is_merged),
		cmocka_unit_test(a_restored_node_alone_waits_and_is_behind),
		cmocka_unit_test(versions_go_on_above_all_that_was_told_since_the_backup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
