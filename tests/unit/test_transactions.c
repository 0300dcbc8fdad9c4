/* layer: core */
/* Requests of ours on their way, in virtual time: when they are sent again, what ends them, and which
 * answers are theirs. */
#include "node/core/transactions.h"
#include "tests/unit/pair_story.h"

enum { STEP_BOUND = 100000 };

static struct transactions *fresh(void)
{
	return transactions_new(&heap);
}

/* A REGISTER or OPTIONS of ours, or (with a status) an answer to one, as it reads. */
struct words {
	const char *start, *branch, *call_id, *cseq;
};

static const struct words a_register = {"REGISTER sip:p SIP/2.0", "z9hG4bK1", "c1", "7 REGISTER"};

static struct slice write_message(const struct words *w, char to[512])
{
	int n = snprintf(to, 512,
	                 "%s\r\nVia: SIP/2.0/UDP 10.0.0.10:5060;rport;branch=%s\r\n"
	                 "From: <sip:a@p>;tag=f\r\nTo: <sip:a@p>\r\nCall-ID: %s\r\nCSeq: %s\r\n"
	                 "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
	                 w->start, w->branch, w->call_id, w->cseq);

	assert_in_range(n, 1, 511);
	return (struct slice){(uint8_t *)to, (size_t)n};
}

static bool begin(struct transactions *t, struct request r, const struct words *w, int64_t now_ms)
{
	char text[512];
	struct sip_msg m;

	r.bytes = write_message(w, text);
	if (r.flow.transport == 0)
		r.flow.transport = TRANSPORT_UDP;
	assert_int_equal(sip_parse(r.bytes, &m), OK);
	return transactions_begin(t, &r, &m, (struct mtime){now_ms});
}

static const struct request *answer(struct transactions *t, const struct words *w)
{
	char text[512];
	struct sip_msg m;

	assert_int_equal(sip_parse(write_message(w, text), &m), OK);
	return transactions_answered(t, &m);
}

static struct words answer_to(const struct words *w, const char *start)
{
	return (struct words){start, w->branch, w->call_id, w->cseq};
}

/* What happens by itself up to `until_ms`, each when it is due: "500 1500 silent@32000". */
static const char *life(struct transactions *t, int64_t until_ms, char to[512])
{
	static const char *const ends[] = {[REQUEST_ANSWERED] = "answered",
	                                   [REQUEST_SILENT] = "silent",
	                                   [REQUEST_BROKEN] = "broken"};
	size_t n = 0;

	to[0] = '\0';
	while (transactions_deadline(t).ms <= until_ms) {
		struct mtime now = transactions_deadline(t);
		struct transaction_due early = transactions_due(t, (struct mtime){now.ms - 1});
		assert_null(early.request);
		struct transaction_due due = transactions_due(t, now);
		assert_non_null(due.request);
		n += (size_t)snprintf(to + n, 512 - n, "%s%s%s%lld", n > 0 ? " " : "",
		                      due.ended ? ends[due.why] : "", due.ended ? "@" : "",
		                      (long long)now.ms);
		if (due.ended)
			transactions_drop(t, due.request->owner, due.request->id);
	}
	return to;
}

/* C01 (RFC 3261 17.1.2.2): timers E and F */
static void over_udp_it_is_sent_again_until_its_time_is_over(void **state)
{
	struct transactions *t = fresh();
	char text[512];

	(void)state;
	assert_true(begin(t, (struct request){.id = 1}, &a_register, 0));
	assert_string_equal(life(t, 100000, text), "500 1500 3500 7500 11500 15500 19500 23500 "
	                                           "27500 31500 silent@32000");
	assert_int_equal(transactions_deadline(t).ms, MTIME_NEVER.ms);
	transactions_free(&t);
}

/* C02: a provisional answer slows it down to T2, and ends nothing */
static void after_a_provisional_answer_it_is_sent_every_four_seconds(void **state)
{
	struct transactions *t = fresh();
	struct words trying = answer_to(&a_register, "SIP/2.0 100 Trying");
	char text[512];

	(void)state;
	assert_true(begin(t, (struct request){.id = 1}, &a_register, 0));
	assert_string_equal(life(t, 500, text), "500");
	assert_non_null(answer(t, &trying));
	assert_string_equal(life(t, 100000, text),
	                    "1500 5500 9500 13500 17500 21500 25500 29500 silent@32000");
	transactions_free(&t);
}

/* C03, F7: over a stream nothing is sent again; its time may be its owner's */
static void over_a_stream_it_is_sent_once(void **state)
{
	struct transactions *t = fresh();
	struct flow stream = {.transport = TRANSPORT_TLS, .connection = 5};
	char text[512];

	(void)state;
	assert_true(begin(t, (struct request){.id = 1, .flow = stream}, &a_register, 0));
	assert_string_equal(life(t, 100000, text), "silent@32000");
	struct request poll = {.owner = OWNER_NAP_POLL, .id = 1, .timeout_ms = 1700};
	assert_true(begin(t, poll, &a_register, 0));
	assert_string_equal(life(t, 100000, text), "500 1500 silent@1700");
	transactions_free(&t);
}

/* C38: what goes by the stream ends at once, the rest goes on */
static void a_stream_that_goes_ends_its_requests(void **state)
{
	struct transactions *t = fresh();
	struct words w = a_register, ok = answer_to(&a_register, "SIP/2.0 200 OK");
	char text[512];

	(void)state;
	for (uint64_t id = 1; id <= 6; id++) {
		struct flow stream = {.transport = TRANSPORT_TCP, .connection = id % 2 + 8};
		assert_true(begin(t, (struct request){.id = id, .flow = stream}, &w, 0));
	}
	assert_true(begin(t, (struct request){.id = 7}, &w, 0));
	transactions_break(t, 0, (struct mtime){50}); /* no stream: that is UDP's */
	transactions_break(t, 77, (struct mtime){50});
	assert_int_equal(transactions_deadline(t).ms, 500);
	transactions_break(t, 8, (struct mtime){50});
	assert_string_equal(life(t, 400, text), "broken@50 broken@50 broken@50");
	assert_int_equal(transactions_count(t, OWNER_WATCH), 4);
	transactions_drop(t, OWNER_WATCH, 7);
	transactions_break(t, 9, (struct mtime){60});
	assert_null(answer(t, &ok)); /* it came too late */
	assert_string_equal(life(t, 400, text), "broken@60 broken@60 broken@60");
	transactions_free(&t);
}

/* C42 (RFC 3261 17.1.3): of another branch, number, method or Call-ID; or a second final one */
static void only_its_own_answer_is_its_answer(void **state)
{
	static const struct words others[] = {
		{"SIP/2.0 200 OK", "z9hG4bK2", "c1", "7 REGISTER"},
		{"SIP/2.0 200 OK", "", "c1", "7 REGISTER"},
		{"SIP/2.0 200 OK", "z9hG4bK1", "c2", "7 REGISTER"},
		{"SIP/2.0 200 OK", "z9hG4bK1", "c1", "8 REGISTER"},
		{"SIP/2.0 200 OK", "z9hG4bK1", "c1", "7 OPTIONS"},
		{"SIP/2.0 200 OK", "z9hG4bK1", "c1", "seven"},
	};
	struct transactions *t = fresh();
	struct words ok = answer_to(&a_register, "SIP/2.0 200 OK");
	struct request r = {.owner = OWNER_NAP_REGISTER, .id = 3, .about = SLICE("carrier")};

	(void)state;
	assert_null(answer(t, &ok));
	assert_true(begin(t, r, &a_register, 0));
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_null(answer(t, &others[i]));
	const struct request *found = answer(t, &ok);
	assert_non_null(found);
	assert_true(found->owner == OWNER_NAP_REGISTER && found->id == 3);
	assert_true(slice_eq(found->about, SLICE("carrier")));
	transactions_drop(t, found->owner, found->id);
	assert_null(answer(t, &ok));
	transactions_free(&t);
}

static void what_lacks_a_name_is_no_request(void **state)
{
	static const char *const texts[] = {
		"REGISTER sip:p SIP/2.0\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n\r\n",
		"REGISTER sip:p SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z\r\nCSeq: 1 REGISTER\r\n\r\n",
		"REGISTER sip:p SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z\r\nCall-ID: c\r\n\r\n",
		"REGISTER sip:p SIP/2.0\r\nVia: ;;\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n\r\n",
	};
	struct transactions *t = fresh();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct request r = {.id = i, .bytes = slice_str(texts[i])};
		struct sip_msg m;
		assert_int_equal(sip_parse(r.bytes, &m), OK);
		assert_false(transactions_begin(t, &r, &m, (struct mtime){0}));
	}
	assert_int_equal(transactions_count(t, OWNER_WATCH), 0);
	transactions_free(&t);
}

static void another_of_the_same_id_takes_its_place(void **state)
{
	struct transactions *t = fresh();
	struct words second = a_register, ok = answer_to(&a_register, "SIP/2.0 200 OK");

	(void)state;
	second.cseq = "8 REGISTER";
	assert_true(begin(t, (struct request){.id = 1}, &a_register, 0));
	assert_true(begin(t, (struct request){.id = 1}, &second, 100));
	assert_int_equal(transactions_count(t, OWNER_WATCH), 1);
	assert_null(answer(t, &ok));
	assert_int_equal(transactions_deadline(t).ms, 600);
	transactions_drop(t, OWNER_NAP_POLL, 1); /* another's */
	assert_true(transactions_has(t, OWNER_WATCH, 1));
	transactions_drop(t, OWNER_WATCH, 1);
	assert_false(transactions_has(t, OWNER_WATCH, 1));
	transactions_free(&t);
}

/* An owner that fills its share takes nobody else's. */
static void each_owner_has_its_own_room(void **state)
{
	struct transactions *t = fresh();
	struct request r = {.owner = OWNER_WATCH};

	(void)state;
	for (r.id = 0; r.id < REQUESTS_OF_WATCH; r.id++)
		assert_true(begin(t, r, &a_register, 0));
	assert_false(begin(t, r, &a_register, 0));
	r.id = 3; /* in its own place there is room */
	assert_true(begin(t, r, &a_register, 0));
	r.owner = OWNER_NAP_POLL;
	for (r.id = 0; r.id < REQUESTS_OF_NAPS; r.id++)
		assert_true(begin(t, r, &a_register, 0));
	assert_false(begin(t, r, &a_register, 0));
	r.owner = OWNER_NAP_REGISTER;
	assert_true(begin(t, r, &a_register, 0));
	transactions_drop_all(t);
	assert_int_equal(transactions_deadline(t).ms, MTIME_NEVER.ms);
	transactions_free(&t);
}

/* Hundreds that come and go: what is due comes in the order of its time, and nothing is lost. */
static void whatever_is_due_comes_in_order(void **state)
{
	enum { MANY = 600 };
	struct transactions *t = fresh();
	struct mtime last = {0};
	size_t ended = 0, dropped = 0;

	(void)state;
	for (uint64_t i = 0; i < MANY; i++) {
		struct request r = {.id = i, .timeout_ms = (int64_t)(i * 7919 % 9973) + 1};
		assert_true(begin(t, r, &a_register, 0));
	}
	for (int i = 0; transactions_count(t, OWNER_WATCH) > 0 && i < STEP_BOUND; i++) {
		struct mtime now = transactions_deadline(t);
		assert_true(now.ms >= last.ms);
		last = now;
		struct transaction_due due = transactions_due(t, now);
		if (due.ended) {
			assert_int_equal(now.ms, due.request->id * 7919 % 9973 + 1);
			ended++;
			transactions_drop(t, OWNER_WATCH, due.request->id);
		} else if (i % 5 == 0 && transactions_has(t, OWNER_WATCH, (uint64_t)i % MANY)) {
			transactions_drop(t, OWNER_WATCH, (uint64_t)i % MANY);
			dropped++;
		}
	}
	assert_int_equal(ended + dropped, MANY);
	assert_true(dropped > 20);
	transactions_free(&t);
}

/* --- of a node --- */

enum { SEEN_MAX = 64 };

static struct {
	const struct kit *kit;
	int64_t at[SEEN_MAX];
	size_t n;
	char first[2048];
} seen;

static void see_notify(const struct node_output *o)
{
	if (o->kind != OUT_MESSAGE || !slice_eq(slice_head(o->bytes, 7), SLICE("NOTIFY ")))
		return;
	assert_true(seen.n < SEEN_MAX && o->bytes.n < sizeof seen.first);
	if (seen.n == 0)
		(void)snprintf(seen.first, sizeof seen.first, SLICE_FMT, SLICE_ARG(o->bytes));
	seen.at[seen.n++] = seen.kit->now.ms;
}

static void count_notify(const struct node_output *o)
{
	seen.n += o->kind == OUT_MESSAGE && slice_eq(slice_head(o->bytes, 7), SLICE("NOTIFY "));
}

static void subscribe_over(struct kit *k, enum transport transport)
{
	struct node_input in = {
		.event = NODE_MESSAGE,
		.bytes = SLICE("SUBSCRIBE sip:alice@x SIP/2.0\r\n"
	                       "Via: SIP/2.0/TCP 192.0.2.9:5070;branch=z9hG4bKs\r\n"
	                       "From: <sip:alice@x>;tag=w1\r\nTo: <sip:alice@x>\r\n"
	                       "Call-ID: watch\r\nCSeq: 1 SUBSCRIBE\r\nMax-Forwards: 70\r\n"
	                       "Event: reg\r\nContact: <sip:alice@192.0.2.9:5070>\r\n"
	                       "Expires: 3000\r\n\r\n"),
		.flow = {.transport = transport, .connection = transport == TRANSPORT_UDP ? 0 : 5},
	};

	assert_true(addr_parse(SLICE("10.0.0.10:5060"), &in.flow.local));
	assert_true(addr_parse(SLICE("192.0.2.9:5070"), &in.flow.remote));
	kit_feed(k, A, &in);
	kit_settle(k);
}

static struct kit *registered(struct kit *k)
{
	seen.kit = k;
	seen.n = 0;
	k->node[A].watch = see_notify;
	ask(k, A, "alice", 1, ";expires=600");
	kit_settle(k);
	return k;
}

static struct kit *alone(void)
{
	struct kit *k = start(UNIT_STANDALONE, COMMIT_DISK);

	kit_pass(k, 1000);
	assert_int_equal(node_role(k->node[A].node), ROLE_ACTIVE);
	return registered(k);
}

/* A node alone with one watcher, whose first NOTIFY has just left over this transport. */
static struct kit *watched_over(enum transport transport)
{
	struct kit *k = alone();

	subscribe_over(k, transport);
	assert_int_equal(seen.n, 1);
	return k;
}

static size_t watchers(const struct kit *k)
{
	return (size_t)copy_count(node_copy(k->node[A].node), TABLE_WATCHER);
}

/* Turns whenever the node wants one, and only then. */
static void run_until(struct kit *k, int64_t until_ms)
{
	for (int i = 0; i < STEP_BOUND; i++) {
		struct mtime due = node_deadline(k->node[A].node);
		if (due.ms > until_ms)
			break;
		k->now = due.ms > k->now.ms ? due : k->now;
		kit_settle(k);
	}
	k->now.ms = until_ms;
}

/* C01, E11: to the millisecond, though the node's own tick is slower */
static void a_node_sends_again_when_it_is_due(void **state)
{
	static const int64_t after[] = {0,     500,   1500,  3500,  7500, 11500,
	                                15500, 19500, 23500, 27500, 31500};
	struct kit *k = watched_over(TRANSPORT_UDP);
	int64_t began = seen.at[0];

	(void)state;
	run_until(k, began + 31999);
	assert_int_equal(seen.n, ARRAY_LEN(after));
	for (size_t i = 0; i < ARRAY_LEN(after); i++)
		assert_int_equal(seen.at[i] - began, after[i]);
	assert_int_equal(watchers(k), 1);
	run_until(k, began + 32000);
	assert_int_equal(watchers(k), 0);
	end(k);
}

/* What is not committed yet waits once, however often its timer fires. */
static void what_is_held_is_not_sent_again(void **state)
{
	struct kit *k = alone();

	(void)state;
	k->node[A].disk_held = true;
	subscribe_over(k, TRANSPORT_UDP);
	run_until(k, k->now.ms + 3000);
	assert_int_equal(seen.n, 0);
	k->node[A].disk_held = false;
	kit_settle(k);
	assert_int_equal(seen.n, 1);
	run_until(k, k->now.ms + 2000);
	assert_int_equal(seen.n, 2);
	end(k);
}

/* C38: the watcher stays, for it may come again by another stream */
static void a_stream_that_closes_ends_what_waits_on_it(void **state)
{
	struct kit *k = watched_over(TRANSPORT_TCP);
	struct node_input down = {.event = NODE_FLOW_DOWN,
	                          .flow = {.transport = TRANSPORT_TCP, .connection = 5}};

	(void)state;
	run_until(k, k->now.ms + 10000);
	assert_int_equal(seen.n, 1);
	kit_feed(k, A, &down);
	assert_true(node_deadline(k->node[A].node).ms <= k->now.ms);
	run_until(k, k->now.ms + 60000);
	assert_int_equal(watchers(k), 1);
	end(k);
}

/* Of a crowd each hears at once, and as many as there is room for hear it again. */
static void a_crowd_of_watchers_is_told_once_each(void **state)
{
	enum { CROWD = REQUESTS_OF_WATCH + 100 };
	struct kit *k = alone();
	char text[512];

	(void)state;
	k->node[A].watch = count_notify;
	for (unsigned i = 0; i < CROWD; i++) {
		struct node_input in = {.event = NODE_MESSAGE, .bytes = {(uint8_t *)text, 0}};
		char user[16];
		(void)snprintf(user, sizeof user, "u%u", i);
		ask(k, A, user, 1, ";expires=600");
		in.bytes.n = (size_t)snprintf(
			text, sizeof text,
			"SUBSCRIBE sip:%s@x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK%u\r\n"
			"From: <sip:%s@x>;tag=w\r\nTo: <sip:%s@x>\r\nCall-ID: w%u\r\n"
			"CSeq: 1 SUBSCRIBE\r\nMax-Forwards: 70\r\nEvent: reg\r\n"
			"Contact: <sip:w@192.0.2.9>\r\nExpires: 3000\r\n\r\n",
			user, i, user, user, i);
		in.flow = (struct flow){.transport = TRANSPORT_UDP};
		assert_true(addr_parse(SLICE("10.0.0.10:5060"), &in.flow.local));
		assert_true(addr_parse(SLICE("192.0.2.9:5070"), &in.flow.remote));
		kit_feed(k, A, &in);
		if (i % 32 == 31)
			kit_settle(k);
	}
	kit_settle(k);
	assert_int_equal(seen.n, CROWD);
	run_until(k, k->now.ms + 600);
	assert_int_equal(seen.n, CROWD + REQUESTS_OF_WATCH);
	end(k);
}

/* Who is active no more forgets what was on its way. */
static void who_steps_down_sends_nothing_again(void **state)
{
	struct kit *k = registered(pair(COMMIT_BOTH));

	(void)state;
	subscribe_over(k, TRANSPORT_UDP);
	address(k, A, false);
	assert_int_equal(seen.n, 1);
	assert_true(node_role(k->node[A].node) != ROLE_ACTIVE);
	run_until(k, k->now.ms + 40000);
	assert_int_equal(seen.n, 1);
	end(k);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(over_udp_it_is_sent_again_until_its_time_is_over),
		cmocka_unit_test(after_a_provisional_answer_it_is_sent_every_four_seconds),
		cmocka_unit_test(over_a_stream_it_is_sent_once),
		cmocka_unit_test(a_stream_that_goes_ends_its_requests),
		cmocka_unit_test(only_its_own_answer_is_its_answer),
		cmocka_unit_test(what_lacks_a_name_is_no_request),
		cmocka_unit_test(another_of_the_same_id_takes_its_place),
		cmocka_unit_test(each_owner_has_its_own_room),
		cmocka_unit_test(whatever_is_due_comes_in_order),
		cmocka_unit_test(a_node_sends_again_when_it_is_due),
		cmocka_unit_test(what_is_held_is_not_sent_again),
		cmocka_unit_test(a_stream_that_closes_ends_what_waits_on_it),
		cmocka_unit_test(a_crowd_of_watchers_is_told_once_each),
		cmocka_unit_test(who_steps_down_sends_nothing_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
