/* layer: core */
/* RFC 3680 over a pair: who watches an AOR is told of every change, in one dialog, whichever node is
 * active. */
#include "tests/unit/pair_story.h"

enum { HEARD_MAX = 64, TEXT = 4096 };

/* The NOTIFYs that left either node, in order. */
static struct {
	char text[HEARD_MAX][TEXT];
	size_t n;
} heard;

static void hear_notify(const struct node_output *o)
{
	if (o->kind != OUT_MESSAGE || !slice_eq(slice_head(o->bytes, 7), SLICE("NOTIFY ")))
		return;
	assert_true(heard.n < HEARD_MAX && o->bytes.n < TEXT);
	(void)snprintf(heard.text[heard.n++], TEXT, SLICE_FMT, SLICE_ARG(o->bytes));
}

static void forget(void)
{
	heard.n = 0;
}

static bool told(size_t i, const char *what)
{
	return i < heard.n && strstr(heard.text[i], what) != NULL;
}

static void assert_told(size_t i, const char *what)
{
	if (!told(i, what))
		fail_msg("NOTIFY %zu of %zu has no %s: %s", i, heard.n, what,
		         i < heard.n ? heard.text[i] : "");
}

static void receive(struct kit *k, int at, const char *text)
{
	struct node_input in = {.event = NODE_MESSAGE, .bytes = slice_str(text)};

	in.flow.transport = TRANSPORT_UDP;
	assert_true(addr_parse(SLICE("10.0.0.10:5060"), &in.flow.local));
	assert_true(addr_parse(SLICE("192.0.2.9:5070"), &in.flow.remote));
	kit_feed(k, at, &in);
	kit_settle(k);
}

/* `tag`: the dialog's, NULL where it begins. */
static void subscribe(struct kit *k, int at, unsigned cseq, const char *tag, const char *expires)
{
	char text[1024];

	(void)snprintf(text, sizeof text,
	               "SUBSCRIBE sip:alice@x SIP/2.0\r\n"
	               "Via: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bKs%u\r\n"
	               "From: <sip:alice@x>;tag=w1\r\nTo: <sip:alice@x>%s%s\r\nCall-ID: watch\r\n"
	               "CSeq: %u SUBSCRIBE\r\nMax-Forwards: 70\r\nEvent: reg\r\n"
	               "Contact: <sip:alice@192.0.2.9:5070>\r\nExpires: %s\r\n\r\n",
	               cseq, tag != NULL ? ";tag=" : "", tag != NULL ? tag : "", cseq, expires);
	receive(k, at, text);
}

/* Value of a header line of a message. */
static const char *header(const char *text, const char *name, char to[256])
{
	char line[64];

	(void)snprintf(line, sizeof line, "\r\n%s: ", name);
	const char *at = strstr(text, line);
	assert_non_null(at);
	at += strlen(line);
	(void)snprintf(to, 256, "%.*s", (int)strcspn(at, "\r"), at);
	return to;
}

/* Our tag of the dialog, from the NOTIFY's From. */
static const char *tag_of(size_t i, char to[256])
{
	const char *tag = strstr(header(heard.text[i], "From", to), ";tag=");

	assert_non_null(tag);
	return tag + strlen(";tag=");
}

static void answer(struct kit *k, int at, size_t i, const char *status)
{
	char text[1024], via[256], call_id[256], cseq[256], from[256], to[256];

	(void)snprintf(text, sizeof text,
	               "SIP/2.0 %s\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\n"
	               "Content-Length: 0\r\n\r\n",
	               status, header(heard.text[i], "Via", via),
	               header(heard.text[i], "From", from), header(heard.text[i], "To", to),
	               header(heard.text[i], "Call-ID", call_id),
	               header(heard.text[i], "CSeq", cseq));
	receive(k, at, text);
}

/* How long it takes until so many NOTIFYs have left; too long is a failure. */
static int64_t until_heard(struct kit *k, size_t n)
{
	int64_t begin = k->now.ms;

	while (heard.n < n && k->now.ms < begin + 60000)
		kit_pass(k, 25);
	assert_int_equal(heard.n, n);
	return k->now.ms - begin;
}

static size_t watched(const struct kit *k, int at)
{
	return (size_t)copy_count(node_copy(k->node[at].node), TABLE_WATCHER);
}

/* alice is registered and watched; the first NOTIFY is answered. */
static struct kit *watching(void)
{
	struct kit *k = pair(COMMIT_BOTH);

	forget();
	k->node[A].watch = k->node[B].watch = hear_notify;
	ask(k, A, "alice", 1, ";expires=600");
	kit_pass(k, 100);
	subscribe(k, A, 1, NULL, "3000");
	assert_int_equal(heard.n, 1);
	answer(k, A, 0, "200 OK");
	return k;
}

/* E5, E6, E7: the whole state at once, behind the 200 */
static void a_subscriber_gets_the_whole_state_at_once(void **state)
{
	struct kit *k = watching();
	char value[256];

	(void)state;
	assert_int_equal(watched(k, A), 1);
	assert_int_equal(watched(k, B), 1);
	assert_told(0, "NOTIFY sip:alice@192.0.2.9:5070 SIP/2.0\r\n");
	assert_told(0, "\r\nTo: <sip:alice@x>;tag=w1\r\n");
	assert_told(0, "\r\nCSeq: 1 NOTIFY\r\n");
	assert_told(0, "\r\nEvent: reg\r\n");
	assert_told(0, "\r\nSubscription-State: active;expires=3000\r\n");
	assert_told(0, " version=\"0\" state=\"full\"");
	assert_told(0, " state=\"active\" event=\"registered\" expires=\"600\"");
	assert_told(0, " callid=\"alice\" cseq=\"1\"");
	assert_told(0, "<uri>sip:u@192.0.2.7</uri>");
	assert_string_equal(header(k->node[A].last, "Event", value), "reg");
	end(k);
}

/* E9, E10: within five seconds the latest state wins; then one partial NOTIFY, with the next version */
static void changes_are_told_five_seconds_apart(void **state)
{
	struct kit *k = watching();

	(void)state;
	ask(k, A, "alice", 2, ";expires=700");
	kit_pass(k, 2000);
	ask(k, A, "alice", 3, ";expires=800");
	kit_pass(k, 2500);
	assert_int_equal(heard.n, 1);
	kit_pass(k, 1000);
	assert_int_equal(heard.n, 2);
	assert_told(1, " version=\"1\" state=\"partial\"");
	assert_told(1, "event=\"refreshed\"");
	assert_told(1, "cseq=\"3\"");
	assert_told(1, "\r\nCSeq: 2 NOTIFY\r\n");
	answer(k, A, 1, "200 OK");
	kit_pass(k, 20000);
	assert_int_equal(heard.n, 2);
	end(k);
}

/* E9: who waits for his five seconds is not forgotten over another one's subscription to the same AOR */
static void another_subscription_costs_nobody_his_turn(void **state)
{
	struct kit *k = watching();

	(void)state;
	kit_pass(k, 1000);
	ask(k, A, "alice", 2, ";expires=700");
	kit_pass(k, 2000);
	subscribe(k, A, 2, NULL, "3000");
	assert_int_equal(heard.n, 2);
	answer(k, A, 1, "200 OK");
	assert_in_range(until_heard(k, 3), 1000, 2500);
	assert_told(2, " version=\"1\" state=\"partial\"");
	assert_told(2, "cseq=\"2\"");
	end(k);
}

/* E6, E8: what was removed, and what ran out, is shown once as terminated */
static void a_contact_that_ends_is_shown_once(void **state)
{
	struct kit *k = watching();

	(void)state;
	kit_pass(k, 6000);
	ask(k, A, "alice", 2, ";expires=0");
	kit_pass(k, 400);
	assert_int_equal(heard.n, 2);
	assert_told(1, "state=\"terminated\" event=\"unregistered\"");
	answer(k, A, 1, "200 OK");
	kit_pass(k, 6000);
	ask(k, A, "alice", 3, ";expires=4");
	kit_pass(k, 400);
	assert_int_equal(heard.n, 3);
	assert_told(2, "event=\"registered\"");
	assert_false(told(2, "terminated"));
	answer(k, A, 2, "200 OK");
	assert_in_range(until_heard(k, 4), 4000, 5300);
	assert_told(3, "state=\"terminated\" event=\"expired\"");
	assert_told(3, " version=\"3\"");
	end(k);
}

/* E13, I11: the dialog goes on over a takeover, the version never goes back */
static void after_a_takeover_the_dialog_goes_on(void **state)
{
	struct kit *k = watching();
	char first[256], tag[256], second[256];

	(void)state;
	ask(k, A, "alice", 2, ";expires=700");
	kit_pass(k, 5400);
	assert_int_equal(heard.n, 2);
	(void)snprintf(first, sizeof first, "%s", tag_of(0, tag));
	node_free(&k->node[A].node); /* before the answer came */
	link_down(k);
	address(k, B, true);
	kit_pass(k, 6000);
	assert_int_equal(node_role(k->node[B].node), ROLE_ACTIVE);
	assert_true(heard.n >= 3);
	assert_told(2, " version=\"2\" state=\"full\"");
	assert_told(2, "\r\nCSeq: 3 NOTIFY\r\n");
	assert_string_equal(tag_of(2, second), first);
	answer(k, B, 2, "200 OK");
	forget();
	subscribe(k, B, 2, first, "1000");
	assert_int_equal(heard.n, 1);
	assert_told(0, " version=\"3\" state=\"full\"");
	assert_told(0, "active;expires=1000");
	end(k);
}

/* E13: the 200 has left, the takeover overtakes the NOTIFY */
static void a_notify_that_never_left_is_made_up_by_the_new_active(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	forget();
	k->node[A].watch = NULL; /* what it sends is lost */
	k->node[B].watch = hear_notify;
	ask(k, A, "alice", 1, ";expires=600");
	kit_pass(k, 100);
	subscribe(k, A, 1, NULL, "3000");
	node_free(&k->node[A].node);
	link_down(k);
	address(k, B, true);
	kit_pass(k, 7000);
	assert_true(heard.n >= 1);
	assert_told(0, " version=\"1\" state=\"full\"");
	end(k);
}

/* A NOTIFY leaves when the entry that counts it is on both nodes, and not before. */
static void a_notify_waits_for_its_commit(void **state)
{
	struct kit *k = watching();

	(void)state;
	kit_pass(k, 6000);
	k->node[A].disk_held = k->node[B].disk_held = true;
	ask(k, A, "alice", 2, ";expires=700");
	kit_pass(k, 1500);
	assert_int_equal(heard.n, 1);
	k->node[A].disk_held = k->node[B].disk_held = false;
	kit_pass(k, 1000);
	assert_true(heard.n >= 2);
	assert_told(1, " version=\"1\"");
	end(k);
}

/* E11 */
static void a_watcher_that_knows_nothing_of_it_is_removed(void **state)
{
	struct kit *k = watching();

	(void)state;
	kit_pass(k, 6000);
	ask(k, A, "alice", 2, ";expires=700");
	kit_pass(k, 400);
	assert_int_equal(heard.n, 2);
	answer(k, A, 1, "481 Gone");
	assert_int_equal(watched(k, A), 0);
	kit_pass(k, 100);
	assert_int_equal(watched(k, B), 0);
	ask(k, A, "alice", 3, ";expires=800");
	kit_pass(k, 6000);
	assert_int_equal(heard.n, 2);
	end(k);
}

/* E11; RFC 3261 17.1.2: sent again at 0.5, 1.5, 3.5 s ..., the same bytes, for 32 s */
static void a_notify_is_sent_again_until_it_is_given_up(void **state)
{
	struct kit *k = watching();

	(void)state;
	kit_pass(k, 6000);
	ask(k, A, "alice", 2, ";expires=700");
	kit_pass(k, 4200);
	assert_int_equal(heard.n, 5);
	for (size_t i = 2; i < heard.n; i++)
		assert_string_equal(heard.text[i], heard.text[1]);
	answer(k, A, 4, "100 Trying");
	kit_pass(k, 25000);
	assert_int_equal(watched(k, A), 1);
	kit_pass(k, 4000);
	assert_int_equal(watched(k, A), 0);
	size_t n = heard.n;
	kit_pass(k, 10000);
	assert_int_equal(heard.n, n);
	end(k);
}

/* E5: the end, asked for or not, is told */
static void a_subscription_ends_with_a_last_notify(void **state)
{
	struct kit *k = watching();
	char tag[256];

	(void)state;
	subscribe(k, A, 2, tag_of(0, tag), "0");
	assert_int_equal(heard.n, 2);
	assert_told(1, "terminated;reason=timeout");
	assert_told(1, " version=\"1\" state=\"full\"");
	assert_int_equal(watched(k, A), 0);
	answer(k, A, 1, "200 OK");
	subscribe(k, A, 5, NULL, "10");
	assert_int_equal(heard.n, 3);
	answer(k, A, 2, "200 OK");
	assert_in_range(until_heard(k, 4), 9000, 10500);
	assert_told(3, "terminated;reason=timeout");
	assert_int_equal(watched(k, A), 0);
	end(k);
}

static int version_of(size_t i)
{
	static const char before[] = ":reginfo\" version=\"";
	const char *at = strstr(heard.text[i], before);

	assert_non_null(at);
	return (int)strtol(at + strlen(before), NULL, 10);
}

static int highest_version(void)
{
	int highest = -1;

	for (size_t i = 0; i < heard.n; i++)
		if (version_of(i) > highest)
			highest = version_of(i);
	return highest;
}

/* E13, I11: both told the watcher while they were separated; whoever wins goes on above either version */
static void after_a_fork_the_versions_go_on_from_the_higher_one(void **state)
{
	struct kit *k = watching();

	(void)state;
	link_down(k);
	address(k, B, true);
	for (unsigned cseq = 10; cseq < 13; cseq++) {
		ask(k, B, "alice", cseq, ";expires=900");
		kit_pass(k, 5400);
		answer(k, B, heard.n - 1, "200 OK");
	}
	int before = highest_version();
	assert_true(before >= 3);
	address(k, A, false);
	link_up(k);
	kit_pass(k, 2000);
	link_up(k);
	kit_pass(k, 6000);
	assert_int_equal(watched(k, A), 1);
	assert_int_equal(copy_digest(node_copy(k->node[A].node), TABLE_WATCHER),
	                 copy_digest(node_copy(k->node[B].node), TABLE_WATCHER));
	forget();
	ask(k, node_role(k->node[A].node) == ROLE_ACTIVE ? A : B, "alice", 20, ";expires=900");
	kit_pass(k, 6000);
	assert_true(heard.n > 0);
	assert_true(version_of(0) > before);
	end(k);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_subscriber_gets_the_whole_state_at_once),
		cmocka_unit_test(changes_are_told_five_seconds_apart),
		cmocka_unit_test(another_subscription_costs_nobody_his_turn),
		cmocka_unit_test(a_contact_that_ends_is_shown_once),
		cmocka_unit_test(after_a_takeover_the_dialog_goes_on),
		cmocka_unit_test(a_notify_that_never_left_is_made_up_by_the_new_active),
		cmocka_unit_test(a_notify_waits_for_its_commit),
		cmocka_unit_test(a_watcher_that_knows_nothing_of_it_is_removed),
		cmocka_unit_test(a_notify_is_sent_again_until_it_is_given_up),
		cmocka_unit_test(a_subscription_ends_with_a_last_notify),
		cmocka_unit_test(after_a_fork_the_versions_go_on_from_the_higher_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
