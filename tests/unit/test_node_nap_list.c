/* layer: core */
/* Which NAPs there are, what an operator says to them, and how many at once. */
#include "tests/unit/nap_kit.h"

static void command(struct kit *k, enum command_kind kind, const char *name)
{
	struct node_command c = {.kind = kind, .ticket = 5, .key = slice_str(name)};
	struct node_input in = {.event = NODE_COMMAND, .command = &c};

	kit_feed(k, A, &in);
	kit_settle(k);
}

static struct kit *registered(const struct nap_options *o)
{
	struct kit *k = nap_alone(o);

	nap_grant(k, A, 3600);
	nap_is_in(k, A, NAP_REGISTERED, "");
	return k;
}

static void is_taken_away(const struct nap_sent *s)
{
	char contact[256];

	assert_true(nap_is(s, "REGISTER "));
	assert_non_null(strstr(nap_header(s->text, "Contact", contact), ";expires=0"));
	assert_non_null(strstr(s->text, "\r\nExpires: 0\r\n"));
}

static size_t records(const struct kit *k, int at)
{
	return (size_t)copy_count(node_copy(k->node[at].node), TABLE_NAP);
}

static void one_that_is_removed_is_unregistered_and_forgotten(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	struct kit *k = registered(&o);

	nap_configure(k, A, NULL, 0);
	is_taken_away(nap_newest());
	assert_int_equal(nap_cseq(nap_newest()), 1001);
	assert_int_equal(status(k, A).naps, 1);
	nap_answer(k, A, "200 OK", "");
	kit_pass(k, 100);
	assert_int_equal(status(k, A).naps, 0);
	assert_int_equal(records(k, A), 0);
	nap_run(k, 10000);
	assert_int_equal(heard.n, 2);
	end(k);
}

/* A file that names it again before it is gone: it stays, and is polled as before. */
static void one_that_comes_back_at_once_goes_on(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	o.polls = true;
	struct kit *k = registered(&o);

	nap_configure(k, A, NULL, 0);
	is_taken_away(nap_newest());
	nap_configure(k, A, &o, 1);
	nap_answer(k, A, "200 OK", "");
	kit_pass(k, 100);
	assert_int_equal(nap_count("REGISTER"), 3);
	nap_grant(k, A, 3600);
	nap_is_in(k, A, NAP_REGISTERED, "");
	nap_run(k, 5000);
	assert_int_equal(nap_count("OPTIONS"), 1);
	end(k);
}

/* C44: its credentials are known until it is gone. */
static void one_that_is_removed_still_has_its_credentials(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	o.password = SLICE("secret");
	struct kit *k = registered(&o);

	nap_configure(k, A, NULL, 0);
	nap_answer(k, A, "401 Unauthorized",
	           "WWW-Authenticate: Digest realm=\"p\", nonce=\"n1\", qop=\"auth\"\r\n");
	is_taken_away(nap_newest());
	assert_non_null(strstr(nap_newest()->text, "\r\nAuthorization: Digest "));
	end(k);
}

/* C44: nobody answers: it ends all the same. */
static void one_that_is_removed_does_not_stay_for_ever(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	struct kit *k = registered(&o);

	nap_configure(k, A, NULL, 0);
	nap_run(k, 33000);
	assert_int_equal(status(k, A).naps, 0);
	assert_int_equal(records(k, A), 0);
	end(k);
}

/* What a former process registered, and no configuration names: by its record, without credentials. */
static void what_a_record_is_left_of_is_unregistered(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	struct kit *k = pair(COMMIT_BOTH);

	nap_listen(k);
	nap_configure(k, A, &o, 1); /* the standby has another file */
	kit_pass(k, 100);
	nap_grant(k, A, 3600);
	kit_pass(k, 100);
	node_free(&k->node[A].node);
	link_down(k);
	address(k, B, true);
	kit_pass(k, 100);
	assert_int_equal(heard.n, 2);
	is_taken_away(nap_newest());
	assert_int_equal(nap_cseq(nap_newest()), 2500);
	assert_int_equal(nap_newest()->target.ip[3], 1);
	nap_answer(k, B, "401 Unauthorized",
	           "WWW-Authenticate: Digest realm=\"p\", nonce=\"n1\", qop=\"auth\"\r\n");
	kit_pass(k, 100);
	assert_int_equal(heard.n, 2);
	assert_int_equal(records(k, B), 0);
	assert_int_equal(status(k, B).naps, 0);
	end(k);
}

static void one_that_gains_registration_starts_and_one_that_loses_it_ends(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	o.registers = false;
	struct kit *k = nap_alone(&o);

	nap_run(k, 2000);
	assert_int_equal(heard.n, 0);
	nap_is_in(k, A, NAP_IDLE, "");
	o.registers = true;
	nap_configure(k, A, &o, 1);
	assert_int_equal(heard.n, 1);
	nap_grant(k, A, 3600);
	nap_is_in(k, A, NAP_REGISTERED, "");
	o.registers = false;
	nap_configure(k, A, &o, 1);
	is_taken_away(nap_newest());
	nap_answer(k, A, "200 OK", "");
	nap_is_in(k, A, NAP_IDLE, "");
	assert_false(nap_view_of(k, A, 0).registered);
	nap_run(k, 10000);
	assert_int_equal(heard.n, 2);
	end(k);
}

/* The old binding goes by its old name, then the new one is asked for under a Call-ID of its own. */
static void another_address_is_another_binding(void **state)
{
	(void)state;
	char id[2][256];
	struct nap_options o = nap_reference("trunk");
	struct kit *k = registered(&o);

	(void)nap_header(nap_newest()->text, "Call-ID", id[0]);
	o.address_to_register = SLICE("sip:other@provider.example");
	o.proxy = SLICE("192.0.2.2");
	nap_configure(k, A, &o, 1);
	is_taken_away(nap_newest());
	assert_non_null(strstr(nap_newest()->text, "To: <sip:box@provider.example>"));
	assert_int_equal(nap_newest()->target.ip[3], 1);
	nap_answer(k, A, "200 OK", "");
	kit_pass(k, 50);
	assert_int_equal(heard.n, 3);
	assert_non_null(strstr(nap_newest()->text, "To: <sip:other@provider.example>"));
	assert_int_equal(nap_newest()->target.ip[3], 2);
	assert_string_not_equal(nap_header(nap_newest()->text, "Call-ID", id[1]), id[0]);
	end(k);
}

/* A new password is tried at once where the old one was refused; a registration is left alone. */
static void another_password_is_tried_at_once_where_it_waits(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	struct kit *k = nap_alone(&o);

	nap_answer(k, A, "403 Forbidden", "");
	nap_is_in(k, A, NAP_WAITING, "refused");
	o.password = SLICE("better");
	nap_configure(k, A, &o, 1);
	assert_int_equal(heard.n, 2);
	nap_grant(k, A, 3600);
	o.password = SLICE("best");
	nap_configure(k, A, &o, 1);
	nap_configure(k, A, &o, 1);
	assert_int_equal(heard.n, 2);
	nap_is_in(k, A, NAP_REGISTERED, "");
	o.expires_s = 60;
	nap_configure(k, A, &o, 1);
	command(k, COMMAND_NAP_REGISTER, "trunk");
	assert_int_equal(heard.n, 3);
	assert_non_null(strstr(nap_newest()->text, ";expires=60"));
	end(k);
}

static void names_are_listed_in_their_order(void **state)
{
	(void)state;
	struct nap_options o[20];
	char names[ARRAY_LEN(o)][8];
	struct nap_view v;

	for (size_t i = 0; i < ARRAY_LEN(o); i++) {
		(void)snprintf(names[i], sizeof names[i], "n%02zu", (i * 7) % ARRAY_LEN(o));
		o[i] = nap_reference(names[i]);
	}
	struct kit *k = start(UNIT_STANDALONE, COMMIT_DISK);
	kit_pass(k, 1000);
	nap_listen(k);
	nap_configure(k, A, o, ARRAY_LEN(o));
	for (size_t i = 0; i < ARRAY_LEN(o); i++) {
		char name[8];
		(void)snprintf(name, sizeof name, "n%02zu", i);
		assert_true(slice_eq(nap_view_of(k, A, i).name, slice_str(name)));
	}
	assert_false(node_nap_view(k->node[A].node, ARRAY_LEN(o), k->now, &v));
	nap_configure(k, A, o, 3);
	kit_pass(k, 100);
	assert_true(status(k, A).naps < ARRAY_LEN(o));
	end(k);
}

/* A hundred in a second: a crowd that is due goes out one after the other. */
static void a_crowd_goes_out_paced(void **state)
{
	(void)state;
	enum { CROWD = 250 };
	static struct nap_options o[CROWD];
	static char names[CROWD][8];

	for (size_t i = 0; i < CROWD; i++) {
		(void)snprintf(names[i], sizeof names[i], "n%03zu", i);
		o[i] = nap_reference(names[i]);
	}
	struct kit *k = nap_alone(&o[0]);
	nap_grant(k, A, 3600);
	nap_run(k, 3000);
	nap_listen(k);
	nap_configure(k, A, o, CROWD);
	nap_run(k, 1000);
	assert_in_range(status(k, A).nap_registers_sent, 100, 112);
	nap_run(k, 1600);
	assert_int_equal(status(k, A).nap_registers_sent, CROWD);
	end(k);
}

static void an_operator_registers_unregisters_and_polls(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	o.polls = true;
	struct kit *k = registered(&o);

	command(k, COMMAND_NAP_REGISTER, "trunk");
	assert_true(k->node[A].answer_ok);
	assert_int_equal(nap_cseq(nap_newest()), 1001);
	nap_grant(k, A, 3600);
	command(k, COMMAND_NAP_POLL, "trunk");
	assert_true(k->node[A].answer_ok);
	assert_true(nap_is(nap_newest(), "OPTIONS sip:192.0.2.1 SIP/2.0"));
	command(k, COMMAND_NAP_POLL, "trunk");
	assert_string_equal(k->node[A].answer, "a poll is on its way");
	nap_answer(k, A, "200 OK", "");
	command(k, COMMAND_NAP_UNREGISTER, "trunk");
	is_taken_away(nap_newest());
	nap_answer(k, A, "200 OK", "");
	nap_is_in(k, A, NAP_IDLE, "");
	command(k, COMMAND_NAP_UNREGISTER, "trunk");
	assert_string_equal(k->node[A].answer, "it is not to be registered");
	size_t registers = nap_count("REGISTER");
	nap_run(k, 4000);
	assert_int_equal(nap_count("REGISTER"), registers);
	command(k, COMMAND_NAP_REGISTER, "trunk");
	assert_int_equal(nap_count("REGISTER"), registers + 1);
	command(k, COMMAND_NAP_REGISTER, "nobody");
	assert_false(k->node[A].answer_ok);
	end(k);
}

/* What an operator took away stays so over a takeover, and until a reload. */
static void who_was_told_off_stays_so(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	struct kit *k = pair(COMMIT_BOTH);

	nap_listen(k);
	nap_configure_both(k, &o, 1);
	kit_pass(k, 100);
	nap_grant(k, A, 3600);
	command(k, COMMAND_NAP_UNREGISTER, "trunk");
	kit_pass(k, 100);
	nap_answer(k, A, "200 OK", "");
	kit_pass(k, 100);
	node_free(&k->node[A].node);
	link_down(k);
	address(k, B, true);
	kit_pass(k, 3000);
	assert_int_equal(heard.n, 2);
	nap_is_in(k, B, NAP_IDLE, "");
	nap_configure(k, B, &o, 1);
	assert_int_equal(heard.n, 3);
	nap_is_in(k, B, NAP_REGISTERING, "");
	end(k);
}

static void who_was_told_off_registers_when_it_is_another_binding(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	struct kit *k = registered(&o);

	command(k, COMMAND_NAP_UNREGISTER, "trunk");
	nap_answer(k, A, "200 OK", "");
	nap_is_in(k, A, NAP_IDLE, "");
	size_t registers = nap_count("REGISTER");
	o.address_to_register = SLICE("sip:other@provider.example");
	nap_configure(k, A, &o, 1);
	nap_run(k, 100);
	assert_int_equal(nap_count("REGISTER"), registers + 1);
	nap_is_in(k, A, NAP_REGISTERING, "");
	end(k);
}

static void what_cannot_be_told_is_refused(void **state)
{
	(void)state;
	struct nap_options open = nap_reference("open");
	open.proxy.n = 0;
	open.polls = true;
	struct kit *k = nap_alone(&open);

	command(k, COMMAND_NAP_REGISTER, "open");
	assert_string_equal(k->node[A].answer,
	                    "it is not configured to register (register_to_proxy)");
	command(k, COMMAND_NAP_POLL, "open");
	assert_string_equal(k->node[A].answer, "it is not polled (poll_remote_proxy)");
	nap_run(k, 70000);
	assert_int_equal(heard.n, 0); /* an open NAP: nothing is sent there */
	end(k);
}

/* C46: the file of who takes over names another binding: the old one goes first, as it was registered. */
static void another_file_at_a_takeover_is_another_binding(void **state)
{
	(void)state;
	struct nap_options was = nap_reference("trunk"), is = nap_reference("trunk");
	struct kit *k = pair(COMMIT_BOTH);

	is.address_to_register = SLICE("sip:other@provider.example");
	is.proxy = SLICE("192.0.2.2");
	is.password = SLICE("secret");
	nap_listen(k);
	nap_configure(k, A, &was, 1);
	nap_configure(k, B, &is, 1);
	kit_pass(k, 100);
	nap_grant(k, A, 3600);
	kit_pass(k, 100);
	node_free(&k->node[A].node);
	link_down(k);
	address(k, B, true);
	kit_pass(k, 100);
	is_taken_away(nap_newest());
	assert_int_equal(nap_newest()->target.ip[3], 1);
	assert_non_null(strstr(nap_newest()->text, "To: <sip:box@provider.example>"));
	nap_answer(k, B, "200 OK", "");
	kit_pass(k, 100);
	assert_int_equal(heard.n, 3);
	assert_int_equal(nap_newest()->target.ip[3], 2);
	assert_non_null(strstr(nap_newest()->text, "To: <sip:other@provider.example>"));
	nap_grant(k, B, 3600);
	nap_is_in(k, B, NAP_REGISTERED, "");
	assert_int_equal(status(k, B).naps, 1);
	end(k);
}

/* It may not know what was configured, and bound, since. */
static void who_was_behind_takes_nothing_away_for_a_while(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	struct kit *k = pair(COMMIT_BOTH);

	nap_listen(k);
	nap_configure(k, A, &o, 1);
	kit_pass(k, 100);
	nap_grant(k, A, 3600);
	kit_pass(k, 100);
	link_down(k);
	kit_pass(k, 1000);
	node_free(&k->node[A].node);
	address(k, B, true);
	assert_true(status(k, B).reign_behind);
	kit_pass(k, 59000);
	assert_int_equal(heard.n, 1);
	kit_pass(k, 1100);
	assert_int_equal(heard.n, 2);
	is_taken_away(nap_newest());
	end(k);
}

/* A store without room changes nothing, so nothing is sent; it goes on when there is. */
static void without_room_nothing_is_sent(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	struct kit *k = nap_alone(&o);
	struct node_input room = {.event = NODE_ROOM, .on = false};

	kit_feed(k, A, &room);
	nap_grant(k, A, 3600);
	nap_is_in(k, A, NAP_REGISTERING, "");
	nap_run(k, 10000);
	assert_int_equal(heard.n, 1);
	room.on = true;
	kit_feed(k, A, &room);
	while (heard.n == 1 && node_deadline(k->node[A].node).ms < k->now.ms + 1000)
		nap_run(k, 25);
	assert_int_equal(nap_cseq(nap_newest()), 1001);
	nap_grant(k, A, 3600);
	nap_is_in(k, A, NAP_REGISTERED, "");
	end(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_is_removed_is_unregistered_and_forgotten),
		cmocka_unit_test(one_that_comes_back_at_once_goes_on),
		cmocka_unit_test(one_that_is_removed_still_has_its_credentials),
		cmocka_unit_test(one_that_is_removed_does_not_stay_for_ever),
		cmocka_unit_test(what_a_record_is_left_of_is_unregistered),
		cmocka_unit_test(one_that_gains_registration_starts_and_one_that_loses_it_ends),
		cmocka_unit_test(another_address_is_another_binding),
		cmocka_unit_test(another_password_is_tried_at_once_where_it_waits),
		cmocka_unit_test(names_are_listed_in_their_order),
		cmocka_unit_test(a_crowd_goes_out_paced),
		cmocka_unit_test(an_operator_registers_unregisters_and_polls),
		cmocka_unit_test(who_was_told_off_stays_so),
		cmocka_unit_test(who_was_told_off_registers_when_it_is_another_binding),
		cmocka_unit_test(what_cannot_be_told_is_refused),
		cmocka_unit_test(another_file_at_a_takeover_is_another_binding),
		cmocka_unit_test(who_was_behind_takes_nothing_away_for_a_while),
		cmocka_unit_test(without_room_nothing_is_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
