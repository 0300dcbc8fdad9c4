/* layer: core */
#include "tests/own.h"
#include "tests/unit/nap_kit.h"

/* C46: nothing is sent before the entry that records it is committed. */
static void a_register_leaves_when_its_entry_is_committed(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	struct kit *k = start(UNIT_STANDALONE, COMMIT_DISK);

	kit_pass(k, 1000);
	nap_listen(k);
	k->node[A].disk_held = true;
	nap_configure(k, A, &o, 1);
	kit_pass(k, 400);
	assert_int_equal(heard.n, 0);
	nap_is_in(k, A, NAP_REGISTERING, "");
	k->node[A].disk_held = false;
	kit_settle(k);
	assert_true(nap_is(nap_newest(), "REGISTER sip:provider.example SIP/2.0"));
	assert_non_null(
		strstr(nap_newest()->text, "Contact: <sip:box@10.0.0.10:5060>;expires=3600"));
	assert_int_equal(nap_newest()->target.port, 5060);
	assert_int_equal(nap_cseq(nap_newest()), 1000);
	end(k);
}

static void it_is_refreshed_at_half_of_the_lowest_time(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	struct kit *k = nap_alone(&o);
	int64_t sent = nap_newest()->at_ms;

	nap_grant(k, A, 61);
	nap_is_in(k, A, NAP_REGISTERED, "");
	assert_true(nap_view_of(k, A, 0).registered);
	assert_int_equal(nap_view_of(k, A, 0).next_ms, 30500);
	nap_run(k, 30499);
	assert_int_equal(heard.n, 1);
	nap_run(k, 1);
	assert_int_equal(heard.n, 2);
	assert_int_equal(nap_newest()->at_ms, sent + 30500);
	assert_int_equal(nap_cseq(nap_newest()), 1001);
	end(k);
}

/* C01: 0, 0.5, 1.5, 3.5, 7.5 ... 31.5 s; at 32 s it has failed, and 5 s later the next one goes. */
static void silence_is_as_long_as_the_reference_has_it(void **state)
{
	(void)state;
	static const int64_t at_ms[] = {0,     500,   1500,  3500,  7500,  11500,
	                                15500, 19500, 23500, 27500, 31500, 37000};
	struct nap_options o = nap_reference("trunk");
	struct kit *k = nap_alone(&o);
	int64_t begin = nap_newest()->at_ms;

	nap_run(k, 36999);
	assert_int_equal(heard.n, 11);
	nap_is_in(k, A, NAP_WAITING, "no answer");
	nap_run(k, 1);
	assert_int_equal(heard.n, ARRAY_LEN(at_ms));
	for (size_t i = 0; i < heard.n; i++) {
		assert_int_equal(heard.at[i].at_ms - begin, at_ms[i]);
		assert_int_equal(nap_cseq(&heard.at[i]), i < 11 ? 1000 : 1001);
	}
	end(k);
}

/* C04: the second REGISTER has credentials, the same Call-ID and From, and the next CSeq. */
static void a_challenge_is_answered(void **state)
{
	(void)state;
	char id[2][256], from[2][256];
	struct nap_options o = nap_reference("trunk");
	o.user = SLICE("box");
	o.password = SLICE("secret");
	struct kit *k = nap_alone(&o);

	(void)nap_header(nap_newest()->text, "Call-ID", id[0]);
	(void)nap_header(nap_newest()->text, "From", from[0]);
	nap_answer(k, A, "401 Unauthorized",
	           "WWW-Authenticate: Digest realm=\"p\", nonce=\"n1\", qop=\"auth\"\r\n");
	assert_int_equal(heard.n, 2);
	assert_int_equal(nap_cseq(nap_newest()), 1001);
	assert_non_null(strstr(nap_newest()->text, "\r\nAuthorization: Digest "));
	assert_string_equal(nap_header(nap_newest()->text, "Call-ID", id[1]), id[0]);
	assert_string_equal(nap_header(nap_newest()->text, "From", from[1]), from[0]);
	nap_grant(k, A, 3600);
	nap_is_in(k, A, NAP_REGISTERED, "");
	end(k);
}

/* C09: bad input: a challenge, and nothing to answer it with. */
static void without_credentials_it_says_so_and_tries_again(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	o.realm = SLICE("elsewhere");
	struct kit *k = nap_alone(&o);

	nap_answer(k, A, "401 Unauthorized",
	           "WWW-Authenticate: Digest realm=\"p\", nonce=\"n1\", qop=\"auth\"\r\n");
	nap_is_in(k, A, NAP_WAITING, "no credentials for what it asks");
	assert_int_equal(nap_view_of(k, A, 0).last_status, 401);
	nap_run(k, 4999);
	assert_int_equal(heard.n, 1);
	nap_run(k, 1);
	assert_int_equal(heard.n, 2);
	end(k);
}

/* C42: an answer to an older REGISTER, or one that names another branch. */
static void an_answer_to_an_old_request_is_ignored(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	struct kit *k = nap_alone(&o);
	struct nap_sent first = *nap_newest();

	nap_answer(k, A, "500 Error", "");
	nap_is_in(k, A, NAP_WAITING, "refused");
	nap_answer_from(k, A, &first, &(struct nap_reply){"200 OK", "192.0.2.1:5060", NULL});
	nap_is_in(k, A, NAP_WAITING, "refused");
	nap_run(k, 5000);
	assert_int_equal(heard.n, 2);
	nap_answer_from(k, A, &first, &(struct nap_reply){"403 Forbidden", "192.0.2.1:5060", NULL});
	nap_is_in(k, A, NAP_REGISTERING, "");
	end(k);
}

/* C42: bad input: an answer from the wrong address is none. */
static void an_answer_from_elsewhere_is_ignored(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	struct kit *k = nap_alone(&o);
	uint64_t ignored = status(k, A).ignored;

	nap_answer_from(k, A, nap_newest(), &(struct nap_reply){"200 OK", "192.0.2.66:5060", NULL});
	nap_is_in(k, A, NAP_REGISTERING, "");
	assert_int_equal(status(k, A).ignored, ignored + 1);
	nap_run(k, 32000);
	nap_is_in(k, A, NAP_WAITING, "no answer");
	end(k);
}

/* --- two nodes --- */

static struct kit *nap_pair(const struct nap_options *o, size_t n)
{
	struct kit *k = pair(COMMIT_BOTH);

	nap_listen(k);
	nap_configure_both(k, o, n);
	kit_pass(k, 100);
	return k;
}

static void take_over(struct kit *k)
{
	node_free(&k->node[A].node);
	link_down(k);
	address(k, B, true);
	assert_int_equal(node_role(k->node[B].node), ROLE_ACTIVE);
}

/* C46: one client alone; what it knows is on both. */
static void the_standby_is_silent_and_knows_it_all(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	struct kit *k = nap_pair(&o, 1);

	assert_int_equal(heard.n, 1);
	nap_grant(k, A, 3600);
	kit_pass(k, 100);
	nap_is_in(k, A, NAP_REGISTERED, "");
	nap_is_in(k, B, NAP_REGISTERED, "");
	assert_true(nap_view_of(k, B, 0).registered);
	assert_int_equal(nap_view_of(k, B, 0).next_ms, -1);
	assert_int_equal(nap_view_of(k, B, 0).granted_s, 3600);
	nap_is_in(k, B, NAP_REGISTERED, "");
	assert_int_equal(status(k, B).naps_registered, 1);
	assert_int_equal(status(k, A).nap_registers_sent, 1);
	assert_int_equal(status(k, B).nap_registers_sent, 0);
	end(k);
}

/* C46: a fresh registration is left alone until it is due; then the same Call-ID, and a CSeq that jumps. */
static void who_takes_over_leaves_a_fresh_one_alone(void **state)
{
	(void)state;
	char id[2][256];
	struct nap_options o = nap_reference("trunk");
	struct kit *k = nap_pair(&o, 1);
	int64_t sent = nap_newest()->at_ms;

	(void)nap_header(nap_newest()->text, "Call-ID", id[0]);
	nap_grant(k, A, 60);
	kit_pass(k, 5000);
	take_over(k);
	while (heard.n < 2 && k->now.ms < sent + 60000)
		kit_pass(k, 25);
	assert_in_range(nap_newest()->at_ms, sent + 30000, sent + 30100);
	assert_true(nap_is(nap_newest(), "REGISTER "));
	assert_int_equal(nap_cseq(nap_newest()), 2500);
	assert_string_equal(nap_header(nap_newest()->text, "Call-ID", id[1]), id[0]);
	nap_grant(k, B, 60);
	nap_is_in(k, B, NAP_REGISTERED, "");
	end(k);
}

/* C46: what was on its way is asked again at once. */
static void an_unknown_outcome_is_asked_again(void **state)
{
	(void)state;
	char id[2][256];
	struct nap_options o = nap_reference("trunk");
	struct kit *k = nap_pair(&o, 1);

	(void)nap_header(nap_newest()->text, "Call-ID", id[0]);
	take_over(k);
	kit_pass(k, 100);
	assert_int_equal(heard.n, 2);
	assert_int_equal(nap_cseq(nap_newest()), 2500);
	assert_string_equal(nap_header(nap_newest()->text, "Call-ID", id[1]), id[0]);
	nap_is_in(k, B, NAP_REGISTERING, "asked again: its outcome was unknown");
	end(k);
}

/* C46: no un-REGISTER at a switchover. */
static void a_switchover_takes_nothing_away(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	struct kit *k = nap_pair(&o, 1);
	struct node_command c = {.kind = COMMAND_SWITCHOVER, .ticket = 1};
	struct node_input in = {.event = NODE_COMMAND, .command = &c};

	nap_grant(k, A, 3600);
	kit_pass(k, 3000);
	kit_feed(k, A, &in);
	kit_settle(k);
	address(k, A, false);
	address(k, B, true);
	link_up(k);
	kit_pass(k, 3000);
	assert_int_equal(node_role(k->node[B].node), ROLE_ACTIVE);
	assert_int_equal(node_role(k->node[A].node), ROLE_STANDBY);
	assert_int_equal(heard.n, 1);
	nap_is_in(k, B, NAP_REGISTERED, "");
	end(k);
}

/* What was due while nobody was active goes out one after the other, as does what nobody knows. */
static void overdue_ones_go_out_paced(void **state)
{
	(void)state;
	enum { CROWD = 120 };
	static struct nap_options o[CROWD];
	static char names[CROWD][8];

	for (size_t i = 0; i < CROWD; i++) {
		(void)snprintf(names[i], sizeof names[i], "n%03zu", i);
		o[i] = nap_reference(names[i]);
	}
	struct kit *k = nap_pair(o, CROWD);
	kit_pass(k, 3000);
	assert_int_equal(status(k, A).nap_registers_sent, CROWD);
	take_over(k);
	uint64_t at_once = status(k, B).nap_registers_sent;
	assert_in_range(at_once, 0, 12);
	kit_pass(k, 500);
	assert_in_range(status(k, B).nap_registers_sent, 45, 65);
	kit_pass(k, 1000);
	assert_int_equal(status(k, B).nap_registers_sent, CROWD);
	end(k);
}

/* C46: two that both registered: neither sent what the other did; merged, it is asked again, above both. */
static void after_a_split_it_is_asked_again_above_both(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	struct kit *k = nap_pair(&o, 1);

	nap_grant(k, A, 20);
	kit_pass(k, 100);
	link_down(k);
	kit_pass(k, 500);
	address(k, B, true);
	kit_pass(k, 9600);
	assert_int_equal(nap_count("REGISTER"), 3);
	unsigned both = nap_cseq(&heard.at[1]) + nap_cseq(&heard.at[2]);
	assert_int_equal(both, 1001 + 2500);
	nap_grant(k, A, 3600);
	nap_grant(k, B, 3600);
	address(k, B, false);
	assert_int_equal(node_role(k->node[B].node), ROLE_STANDBY);
	nap_listen(k);
	link_up(k);
	kit_pass(k, 3000);
	assert_int_equal(status(k, A).merges, 1);
	assert_in_range(heard.n, 1, 4);
	for (size_t i = 0; i < heard.n; i++)
		assert_int_equal(nap_cseq(&heard.at[i]), 3000);
	nap_grant(k, A, 3600);
	link_up(k);
	kit_pass(k, 3000);
	nap_is_in(k, A, NAP_REGISTERED, "");
	nap_is_in(k, B, NAP_REGISTERED, "");
	assert_string_equal(status(k, A).digest, status(k, B).digest);
	end(k);
}

/* A record whose bytes have flipped says nothing: not even that there is none. */
static void a_damaged_record_begins_no_second_client(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	struct kit *k = nap_alone(&o);
	const struct copy_item *item;
	char before[256], now[256];

	nap_grant(k, A, 60);
	item = copy_get(node_copy(k->node[A].node), TABLE_NAP, SLICE("trunk"));
	assert_non_null(item);
	uint8_t *bytes = own(item->value.p);
	bytes[2] ^= 4;
	nap_run(k, 45000);
	assert_int_equal(heard.n, 1);
	assert_int_equal(status(k, A).memory_faults, 1);
	bytes[2] ^= 4;
	nap_run(k, 2000);
	assert_true(heard.n > 1);
	assert_string_equal(nap_header(nap_newest()->text, "Call-ID", now),
	                    nap_header(heard.at[0].text, "Call-ID", before));
	end(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_register_leaves_when_its_entry_is_committed),
		cmocka_unit_test(it_is_refreshed_at_half_of_the_lowest_time),
		cmocka_unit_test(silence_is_as_long_as_the_reference_has_it),
		cmocka_unit_test(a_challenge_is_answered),
		cmocka_unit_test(without_credentials_it_says_so_and_tries_again),
		cmocka_unit_test(an_answer_to_an_old_request_is_ignored),
		cmocka_unit_test(an_answer_from_elsewhere_is_ignored),
		cmocka_unit_test(the_standby_is_silent_and_knows_it_all),
		cmocka_unit_test(who_takes_over_leaves_a_fresh_one_alone),
		cmocka_unit_test(an_unknown_outcome_is_asked_again),
		cmocka_unit_test(a_switchover_takes_nothing_away),
		cmocka_unit_test(a_damaged_record_begins_no_second_client),
		cmocka_unit_test(overdue_ones_go_out_paced),
		cmocka_unit_test(after_a_split_it_is_asked_again_above_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
