/* layer: core */
/* Whether a NAP is there, and what is told of it. */
#include "tests/unit/nap_kit.h"

static struct kit *registered(const struct nap_options *o)
{
	struct kit *k = nap_alone(o);

	nap_grant(k, A, 3600);
	nap_is_in(k, A, NAP_REGISTERED, "");
	return k;
}

/* 5 s, 60 s, 12 s; the word of polling is what counts, also beside a registration. */
static void polling_says_whether_it_is_available(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	o.polls = true;
	struct kit *k = registered(&o);
	int64_t begin = heard.at[0].at_ms;

	assert_false(nap_view_of(k, A, 0).is_available);
	nap_run(k, 5000);
	assert_true(nap_is(nap_newest(), "OPTIONS "));
	assert_int_equal(nap_newest()->at_ms, begin + 5000);
	assert_non_null(strstr(nap_newest()->text, "\r\nMax-Forwards: 1\r\n"));
	nap_answer(k, A, "483 Too Many Hops", "");
	assert_true(nap_view_of(k, A, 0).is_available);
	assert_int_equal(status(k, A).naps_available, 1);
	size_t before = heard.n;
	nap_run(k, 59999);
	assert_int_equal(heard.n, before);
	nap_run(k, 1);
	assert_int_equal(heard.n, before + 1);
	nap_run(k, 11999);
	assert_true(nap_view_of(k, A, 0).is_available);
	nap_run(k, 1);
	assert_false(nap_view_of(k, A, 0).is_available);
	assert_true(nap_view_of(k, A, 0).registered);
	end(k);
}

static void without_polling_the_registration_says_it(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	struct kit *k = nap_alone(&o);

	assert_false(nap_view_of(k, A, 0).is_available);
	nap_grant(k, A, 60);
	assert_true(nap_view_of(k, A, 0).is_available);
	o.registers = false;
	nap_configure(k, A, &o, 1);
	assert_true(nap_view_of(k, A, 0).is_available);
	end(k);
}

/* Who takes over says the same until it has asked itself. */
static void availability_outlives_a_takeover(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	o.polls = true;
	o.registers = false;
	struct kit *k = pair(COMMIT_BOTH);

	nap_listen(k);
	nap_configure_both(k, &o, 1);
	kit_pass(k, 5000);
	assert_int_equal(heard.n, 1);
	nap_answer(k, A, "200 OK", "");
	kit_pass(k, 100);
	assert_true(nap_view_of(k, B, 0).is_available);
	node_free(&k->node[A].node);
	link_down(k);
	address(k, B, true);
	kit_pass(k, 4000);
	assert_true(nap_view_of(k, B, 0).is_available);
	assert_int_equal(heard.n, 1);
	kit_pass(k, 1100);
	assert_int_equal(heard.n, 2);
	kit_pass(k, 12500);
	assert_false(nap_view_of(k, B, 0).is_available);
	end(k);
}

/* The journal says when a trunk was lost, and when it came back. */
static void a_lost_registration_is_told(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	struct kit *k = nap_alone(&o);

	nap_grant(k, A, 20);
	assert_non_null(strstr(k->node[A].history, "nap trunk lost registered"));
	nap_run(k, 10000);
	nap_answer(k, A, "403 Forbidden", "");
	assert_true(nap_view_of(k, A, 0).registered);
	k->node[A].history[0] = '\0';
	nap_run(k, 9999);
	assert_null(strstr(k->node[A].history, "nap trunk"));
	nap_run(k, 1);
	assert_non_null(strstr(k->node[A].history, "nap trunk registered lost"));
	assert_false(nap_view_of(k, A, 0).registered);
	end(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(polling_says_whether_it_is_available),
		cmocka_unit_test(without_polling_the_registration_says_it),
		cmocka_unit_test(availability_outlives_a_takeover),
		cmocka_unit_test(a_lost_registration_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
