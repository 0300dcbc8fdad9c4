/* layer: core */
/* A pair whose provider has a name and several servers: it stays at the one that works, whoever is active. */
#include "tests/unit/nap_kit.h"
#include "tests/unit/zone_text.h"

enum { FIRST = 1, SECOND = 2 }; /* ports: by these the servers differ */

static const struct zone both = {{"60 SRV _sip._udp.p.example 1 1 1 a.example",
                                  "60 SRV _sip._udp.p.example 2 1 2 a.example",
                                  "60 A a.example 192.0.2.1"}};
static const struct zone only_first = {
	{"60 SRV _sip._udp.p.example 1 1 1 a.example", "60 A a.example 192.0.2.1"}};
static const struct zone dead = {{"0 FAIL _sip._udp.p.example"}};

/* Until something else than a question leaves the node; how many there were. */
static size_t answer_from_zone(struct kit *k, int at, const struct zone *z)
{
	static struct zone_line keep[ZONE_LINES_MAX];
	static struct dns_answer a;
	size_t asked = 0;

	for (; nap_newest()->kind == OUT_RESOLVE && asked < 10; asked++) {
		const struct nap_sent *s = nap_newest();
		struct dns_question q = {s->question, slice_str(s->text)};
		zone_answer(z, &q, keep, &a);
		struct node_input in = {.event = NODE_RESOLVED, .ticket = s->ticket, .dns = &a};
		size_t before = heard.n;
		kit_feed(k, at, &in);
		kit_settle(k);
		assert_true(heard.n > before);
	}
	return asked;
}

static void registers_at(int port)
{
	assert_true(nap_is(nap_newest(), "REGISTER "));
	assert_int_equal(nap_newest()->target.port, port);
}

static void grant(struct kit *k, int at)
{
	char from[32];

	(void)snprintf(from, sizeof from, "192.0.2.1:%u", nap_newest()->target.port);
	nap_answer_from(k, at, nap_newest(),
	                &(struct nap_reply){"200 OK", from, "Expires: 60\r\n"});
	nap_is_in(k, at, NAP_REGISTERED, "");
}

static void next_question(struct kit *k)
{
	for (size_t before = heard.n; heard.n == before;)
		kit_pass(k, 25);
	assert_int_equal(nap_newest()->kind, OUT_RESOLVE);
}

/* A has tried the first server for 32 s and is registered at the second. */
static struct kit *at_the_second(void)
{
	struct nap_options o = nap_reference("trunk");
	struct kit *k = pair(COMMIT_BOTH);

	o.proxy = SLICE("p.example");
	nap_listen(k);
	nap_configure_both(k, &o, 1);
	kit_pass(k, 100);
	assert_int_equal(answer_from_zone(k, A, &both), 3); /* SRV, A, A */
	registers_at(FIRST);
	kit_pass(k, 32500);
	registers_at(SECOND);
	grant(k, A);
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

/* C35, C46, F7, F8: no 32 s are lost on what is dead. */
static void a_takeover_stays_at_the_server_that_works(void **state)
{
	(void)state;
	struct kit *k = at_the_second();

	take_over(k);
	next_question(k);
	(void)answer_from_zone(k, B, &both);
	registers_at(SECOND);
	grant(k, B);
	end(k);
}

/* C37, C46, F9 */
static void a_takeover_without_dns_registers_all_the_same(void **state)
{
	(void)state;
	struct kit *k = at_the_second();

	take_over(k);
	next_question(k);
	(void)answer_from_zone(k, B, &dead);
	registers_at(SECOND);
	grant(k, B);
	end(k);
}

/* C36 */
static void a_server_that_the_dns_does_not_name_any_more_is_left(void **state)
{
	(void)state;
	struct kit *k = at_the_second();

	take_over(k);
	next_question(k);
	(void)answer_from_zone(k, B, &only_first);
	registers_at(FIRST);
	end(k);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_takeover_stays_at_the_server_that_works),
		cmocka_unit_test(a_takeover_without_dns_registers_all_the_same),
		cmocka_unit_test(a_server_that_the_dns_does_not_name_any_more_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
