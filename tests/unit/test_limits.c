/* layer: core */
/* What a domain grants, and how much of it: users, contacts, lifetimes, grace, names. */
#include "node/core/aor_edit.h"
#include "tests/unit/auth_kit.h"

enum { MIN_S = 60, LONG_S = 1000, GRACE_S = 60 };

#define LIMITED(domain, contacts, ...)                                                         \
	{                                                                                      \
		.name = {SLICE_OF(domain)}, .default_expires_s = 3600, .min_expires_s = MIN_S, \
		.max_expires_s = 3600, .max_contacts = (contacts), .redirect = true,           \
		.strict_users = true, __VA_ARGS__                                              \
	}
static const struct domain_policy limited[] = {
	LIMITED("few.example", 3, .max_users = 2),
	LIMITED("way.example", 3, .extra_contact = EXTRA_REPLACES_OLDEST),
	LIMITED("jit.example", 3, .jitter = JITTER_ALWAYS),
	LIMITED("over.example", 3, .jitter = JITTER_AFTER_TAKEOVER),
	LIMITED("grace.example", 1, .grace_s = GRACE_S),
	LIMITED("example.com", 3, .digest = OFFER_ALL),
	{.name = {SLICE_OF("lax.example")},
         .default_expires_s = 3600,
         .min_expires_s = MIN_S,
         .max_expires_s = 3600,
         .max_contacts = 3,
         .redirect = true},
};

static struct kit *new_kit(size_t n_domains)
{
	const struct server_options options = {
		.domains = limited,
		.n_domains = n_domains,
		.nonce_lifetime_ms = KIT_HOUR_MS,
		.alloc = heap,
	};
	struct kit *k = kit_new();

	server_free(&k->server);
	copy_free(&k->copy);
	k->server = server_new(&options);
	k->copy = server_copy(k->server, &heap);
	return k;
}

/* One more REGISTER, of a phone that counts on. */
static const char *reg(struct kit *k, const char *to, const char *contact)
{
	return kit_register(k, &(struct reg){.to = to, .cseq = k->branch + 1, .contact = contact});
}

static uint32_t told_s(const struct kit *k)
{
	const char *at = strstr(k->reply, ";expires=");

	assert_non_null(at);
	return (uint32_t)strtoul(at + strlen(";expires="), NULL, 10);
}

/* --- max_users: OpenSIPS sipssert "limit" --- */

static void a_full_domain_takes_nobody_new_and_refreshes_all(void **state)
{
	(void)state;
	struct kit *k = new_kit(ARRAY_LEN(limited));
	char retry[16];

	assert_string_equal(reg(k, "sip:a@few.example", A), "200 " A ";expires=3600");
	assert_int_equal(server_users_percent(k->server, k->copy), 50);
	assert_string_equal(reg(k, "sip:b@few.example", A), "200 " A ";expires=3600");
	assert_int_equal(server_users_percent(k->server, k->copy), 100);
	struct domain_view d;
	assert_true(server_domain_view(k->server, k->copy, 0, &d));
	assert_true(slice_eq(d.name, limited[0].name) && d.max_users == limited[0].max_users);
	assert_int_equal(d.users, slice_eq(d.name, SLICE("few.example")) ? 2 : 0);
	assert_int_equal(d.bindings, d.users);
	assert_false(server_domain_view(k->server, k->copy, ARRAY_LEN(limited), &d));
	assert_string_equal(reg(k, "sip:c@few.example", A), "503");
	assert_int_equal(k->out.outcome, SERVED_FULL);
	assert_string_equal(kit_header(k, "Retry-After", retry, sizeof retry), "5");
	assert_false(k->out.change);
	assert_string_equal(reg(k, "sip:c@few.example", NULL), "200"); /* who only asks */
	assert_string_equal(reg(k, "sip:a@few.example", A), "200 " A ";expires=3600");
	assert_string_equal(reg(k, "sip:c@way.example", A), "200 " A ";expires=3600");
	copy_delete(k->copy, TABLE_AOR, SLICE("sip:a@few.example"));
	assert_string_equal(reg(k, "sips:c@few.example:5071", A), "200 " A ";expires=3600");
	assert_string_equal(reg(k, "sip:d@few.example", A), "503");
	kit_free(k);
}

/* --- extra_contact --- */

#define B1 "<sip:1@192.0.2.1>"
#define B2 "<sip:2@192.0.2.1>"
#define B3 "<sip:3@192.0.2.1>"
#define B4 "<sip:4@192.0.2.1>"
#define B5 "<sip:5@192.0.2.1>"
#define W  "sip:w@way.example"

static struct kit *three_bound(void)
{
	static const char *const contacts[] = {B1, B2, B3};
	struct kit *k = new_kit(ARRAY_LEN(limited));

	for (size_t i = 0; i < ARRAY_LEN(contacts); i++) {
		(void)reg(k, W, contacts[i]);
		kit_pass(k, 1000);
	}
	return k;
}

static void expect_bound(struct kit *k, const char *const contacts[3])
{
	(void)reg(k, W, NULL);
	for (size_t i = 0; i < 3; i++)
		if (strstr(k->reply, contacts[i]) == NULL)
			fail_msg("%s is not bound: %s", contacts[i], kit_summary(k));
	assert_int_equal(aor_count_live(kit_record(k, W), k->in.pair), 3);
}

/* flexisip, Asterisk: too many contacts */
static void one_too_many_takes_the_place_of_the_oldest(void **state)
{
	(void)state;
	struct kit *k = three_bound();

	(void)reg(k, W, B1); /* refreshed: no more the oldest */
	kit_pass(k, 1000);
	(void)reg(k, W, B4);
	expect_bound(k, (const char *const[]){B1, B3, B4});
	const struct aor_record *r = kit_record(k, W);
	assert_int_equal(r->n_tombstones, 1);
	assert_int_equal(r->tombstones[0].cause, CAUSE_REPLACED);
	assert_true(slice_eq(r->tombstones[0].uri, SLICE("sip:2@192.0.2.1")));
	(void)reg(k, W, B2); /* its phone comes again */
	expect_bound(k, (const char *const[]){B1, B2, B4});
	kit_free(k);
}

/* R06: nothing that the request itself names */
static void what_the_request_names_stays(void **state)
{
	(void)state;
	struct kit *k = three_bound();

	(void)reg(k, W, B4 ", " B1); /* the oldest is named: the next goes */
	expect_bound(k, (const char *const[]){B1, B3, B4});
	(void)reg(k, W, B5 ", " B3 ";expires=0"); /* one comes, one goes */
	expect_bound(k, (const char *const[]){B1, B4, B5});
	(void)reg(k, W, B2 ", " B2 ", " B3); /* one named twice is one */
	expect_bound(k, (const char *const[]){B2, B3, B5});
	assert_string_equal(reg(k, W, B1 "," B2 "," B3 "," B4), "403");
	expect_bound(k, (const char *const[]){B2, B3, B5});
	kit_free(k);
}

/* --- jitter: R18, A22 --- */

static void granted_lifetimes_scatter_within_a_tenth(void **state)
{
	(void)state;
	struct kit *k = new_kit(ARRAY_LEN(limited));
	uint32_t least = UINT32_MAX, most = 0;

	for (uint64_t i = 0; i < 1000; i++) {
		k->in.random = i * UINT64_C(0x9e3779b97f4a7c15);
		(void)reg(k, "sip:a@jit.example", "<sip:a@192.0.2.7>;expires=1000");
		least = told_s(k) < least ? told_s(k) : least;
		most = told_s(k) > most ? told_s(k) : most;
	}
	assert_in_range(least, LONG_S - LONG_S / 10, LONG_S - LONG_S / 11);
	assert_in_range(most, LONG_S - LONG_S / 100, LONG_S);
	for (uint64_t i = 0; i < 50; i++) { /* never below the minimum, nor longer than asked */
		k->in.random = i;
		(void)reg(k, "sip:b@jit.example", "<sip:b@192.0.2.7>;expires=62");
		assert_in_range(told_s(k), MIN_S, 62);
	}
	kit_free(k);
}

/* R37, A15: by the cache of answers, and by the record where there is none */
static void a_retransmission_says_the_same_lifetime(void **state)
{
	(void)state;
	struct kit *k = new_kit(ARRAY_LEN(limited));
	const struct reg ask = {.to = "sip:a@jit.example", .contact = A, .branch = "z9hG4bK-same"};

	k->in.random = 137;
	(void)kit_register(k, &ask);
	uint32_t told = told_s(k);
	assert_int_equal(told, 3600 - 137);
	k->in.random = 11;
	(void)kit_register(k, &ask);
	assert_int_equal(k->out.outcome, SERVED_REPEATED);
	assert_int_equal(told_s(k), told);
	k->in.flow.transport = TRANSPORT_TCP;
	(void)kit_register(k, &ask);
	assert_int_equal(k->out.outcome, SERVED_REPEATED);
	assert_int_equal(told_s(k), told);
	kit_free(k);
}

/* A22 */
static void lifetimes_scatter_for_a_while_after_a_takeover(void **state)
{
	(void)state;
	struct kit *k = new_kit(ARRAY_LEN(limited));
	static const struct {
		int64_t took_over_ms;
		uint32_t granted_s;
	} cases[] = {
		{0, 3600}, /* the pair's first reign */
		{KIT_START_MS, 3500},
		{KIT_START_MS - 3599999, 3500},
		{KIT_START_MS - 3600000, 3600},
	};

	k->in.random = 100;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		k->in.took_over.ms = cases[i].took_over_ms;
		(void)reg(k, "sip:a@over.example", A);
		assert_int_equal(told_s(k), cases[i].granted_s);
	}
	(void)reg(k, W, A); /* where it is off */
	assert_int_equal(told_s(k), 3600);
	kit_free(k);
}

/* --- grace --- */

static const char *locate(struct kit *k, const char *uri)
{
	(void)snprintf(k->request, sizeof k->request,
	               "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK-%u\r\n"
	               "From: <sip:x@y>;tag=f\r\nTo: <%s>\r\nCall-ID: i\r\nCSeq: 1 INVITE\r\n\r\n",
	               uri, ++k->branch, uri);
	(void)kit_serve(k, slice_str(k->request));
	return kit_summary(k);
}

static void in_its_grace_a_binding_is_found_but_not_listed(void **state)
{
	(void)state;
	struct kit *k = new_kit(ARRAY_LEN(limited));
	const char *who = "sip:g@grace.example";

	assert_string_equal(reg(k, who, "<sip:1@192.0.2.1>;expires=100"), "200 " B1 ";expires=100");
	kit_pass(k, INT64_C(99000));
	assert_string_equal(reg(k, who, NULL), "200 " B1 ";expires=1");
	assert_string_equal(reg(k, who, B2), "403"); /* there is room for one */
	kit_pass(k, 1000);
	assert_string_equal(reg(k, who, NULL), "200");
	assert_string_equal(locate(k, who), "302 " B1 ";expires=60");
	assert_string_equal(reg(k, who, B2 ";q=0.1"), "200 " B2 ";q=0.1;expires=3600");
	assert_string_equal(locate(k, who), "302 " B2 ";q=0.1;expires=3660 | " B1 ";expires=60");
	assert_string_equal(reg(k, who, B1), "403"); /* it would be the second again */
	kit_pass(k, GRACE_S * INT64_C(1000));
	assert_string_equal(locate(k, who), "302 " B2 ";q=0.1;expires=3600");
	kit_free(k);
}

/* --- strict_user_matching: R12, R13 --- */

static void our_address_may_stand_for_a_domain(void **state)
{
	(void)state;
	struct kit *k = new_kit(ARRAY_LEN(limited));

	assert_string_equal(reg(k, "sip:a@10.0.0.10:5060", A), "200 " A ";expires=3600");
	assert_true(slice_eq(k->out.key, SLICE("sip:a@lax.example")));
	assert_string_equal(reg(k, "sip:a@lax.example", NULL), "200 " A ";expires=3600");
	assert_string_equal(locate(k, "sip:a@10.0.0.10"), "302 " A ";expires=3600");
	assert_string_equal(reg(k, "sip:a@10.0.0.11", NULL), "404");
	assert_string_equal(locate(k, "sip:a@10.0.0.11"), "404");
	kit_free(k);
	k = new_kit(ARRAY_LEN(limited) - 1); /* all are strict */
	assert_string_equal(reg(k, "sip:a@10.0.0.10", A), "404");
	assert_string_equal(locate(k, "sip:a@10.0.0.10"), "405");
	kit_free(k);
}

/* --- secrets --- */

/* D15: A nonce of one node, from before a rotation, on the other. */
static void a_nonce_outlives_rotations_on_either_node(void **state)
{
	(void)state;
	struct kit *one = new_kit(ARRAY_LEN(limited)), *other = new_kit(ARRAY_LEN(limited));
	struct kit *both[] = {one, other};
	char nonce[NONCE_SIZE + 1], unused[NONCE_SIZE + 1], newer[NONCE_SIZE + 1];

	for (size_t i = 0; i < 2; i++) {
		kit_secret(both[i], 1, 0x11);
		kit_subscriber(both[i], "alice", "example.com", false);
	}
	get_nonce(one, nonce);
	kit_pass(one, 1);
	kit_pass(other, 1);
	get_nonce(one, unused);
	for (uint64_t id = 2; id <= 4; id++)
		for (size_t i = 0; i < 2; i++)
			kit_secret(both[i], id, (uint8_t)(id * 0x11));
	get_nonce(one, newer);
	assert_string_not_equal(nonce, newer);
	assert_string_equal(try(other, &(struct client){.nc = 1}, nonce), "200 " A ";expires=3600");
	kit_secret(other, 5, 0x55); /* the fourth behind it */
	assert_string_equal(try(other, &(struct client){.nc = 1}, unused), "401");
	/* A nonce in use is in the record, good until its time is over. */
	assert_string_equal(try(other, &(struct client){.nc = 2}, nonce), "200 " A ";expires=3600");
	assert_string_equal(try(other, &(struct client){.nc = 1}, newer), "200 " A ";expires=3600");
	kit_free(one);
	kit_free(other);
}

/* What is made with a secret may leave when that is committed: it would be nobody's after a failover. */
static void a_challenge_waits_for_its_secret(void **state)
{
	(void)state;
	struct kit *k = new_kit(ARRAY_LEN(limited));

	kit_secret(k, 1, 0x11);
	kit_subscriber(k, "alice", "example.com", false);
	kit_secret(k, 2, 0x22);
	assert_string_equal(reg(k, ALICE, A), "401");
	assert_int_equal(k->out.depends_on, k->seq);
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_domain_takes_nobody_new_and_refreshes_all),
		cmocka_unit_test(one_too_many_takes_the_place_of_the_oldest),
		cmocka_unit_test(what_the_request_names_stays),
		cmocka_unit_test(granted_lifetimes_scatter_within_a_tenth),
		cmocka_unit_test(a_retransmission_says_the_same_lifetime),
		cmocka_unit_test(lifetimes_scatter_for_a_while_after_a_takeover),
		cmocka_unit_test(in_its_grace_a_binding_is_found_but_not_listed),
		cmocka_unit_test(our_address_may_stand_for_a_domain),
		cmocka_unit_test(a_nonce_outlives_rotations_on_either_node),
		cmocka_unit_test(a_challenge_waits_for_its_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
