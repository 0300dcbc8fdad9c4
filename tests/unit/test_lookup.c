/* layer: core */
/* RFC 3263: which questions a host leads to, and which targets come of the answers. */
#include "tests/unit/zone_text.h"

enum { TEXT = 4096 };

struct seen {
	uint8_t asked_bytes[TEXT], found_bytes[TEXT];
	struct buf asked, found;
	struct lookup l;
};

static void look(struct seen *s, const struct target_goal *goal, const struct zone *z,
                 uint64_t random)
{
	struct zone_line keep[ZONE_LINES_MAX];
	struct dns_answer a;
	struct dns_question q;

	s->asked = buf_on(s->asked_bytes, TEXT - 1);
	s->found = buf_on(s->found_bytes, TEXT - 1);
	lookup_begin(&s->l, goal, random);
	while (lookup_asks(&s->l, &q)) {
		zone_put_question(&s->asked, &q);
		zone_answer(z, &q, keep, &a);
		lookup_take(&s->l, &a);
	}
	for (size_t i = 0; i < s->l.n_found; i++)
		zone_put_target(&s->found, &s->l.found[i]);
	s->asked_bytes[s->asked.n] = '\0';
	s->found_bytes[s->found.n] = '\0';
}

struct row {
	const char *what;
	struct target_goal goal;
	struct zone zone;
	const char *asked, *found;
	enum lookup_outcome outcome;
};

static void check(const struct row *r)
{
	static struct seen s;

	look(&s, &r->goal, &r->zone, 1);
	if (strcmp((char *)s.asked_bytes, r->asked) != 0 ||
	    strcmp((char *)s.found_bytes, r->found) != 0 || s.l.outcome != r->outcome)
		fail_msg("%s\nasked    %s\nexpected %s\nfound    %s\nexpected %s\noutcome %d",
		         r->what, (char *)s.asked_bytes, r->asked, (char *)s.found_bytes, r->found,
		         s.l.outcome);
}

#define HOST(h) .host = {SLICE_OF(h)}

/* F1 */
static void a_numeric_host_asks_nothing(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"bare", {HOST("192.0.2.1")}, {{0}}, "", "UDP/192.0.2.1:5060", LOOKUP_FOUND},
		{"TCP",
	         {HOST("192.0.2.1"), .transport = TRANSPORT_TCP},
	         {{0}},
	         "",
	         "TCP/192.0.2.1:5060",
	         LOOKUP_FOUND},
		{"port",
	         {HOST("192.0.2.1"), .port = 5090},
	         {{0}},
	         "",
	         "UDP/192.0.2.1:5090",
	         LOOKUP_FOUND},
		{"sips",
	         {HOST("2001:db8::1"), .sips = true},
	         {{0}},
	         "",
	         "TLS/[2001:db8::1]:5061",
	         LOOKUP_FOUND},
		{"brackets",
	         {HOST("[2001:db8::1]"), .family = ADDR_IPV6},
	         {{0}},
	         "",
	         "UDP/[2001:db8::1]:5060",
	         LOOKUP_FOUND},
		{"unreachable from here",
	         {HOST("2001:db8::1"), .family = ADDR_IPV4},
	         {{0}},
	         "",
	         "",
	         LOOKUP_NOTHING},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(&rows[i]);
}

/* F2 */
static void a_port_asks_for_addresses_alone(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"both families",
	         {HOST("p.example"), .port = 5070},
	         {{"60 SRV _sip._udp.p.example 1 1 5060 wrong.example", "60 A p.example 192.0.2.1",
	           "60 A p.example 192.0.2.2", "60 AAAA p.example 2001:db8::1"}},
	         "A p.example; AAAA p.example",
	         "UDP/192.0.2.1:5070 UDP/192.0.2.2:5070 UDP/[2001:db8::1]:5070",
	         LOOKUP_FOUND},
		{"IPv4 alone",
	         {HOST("p.example"), .port = 5070, .family = ADDR_IPV4},
	         {{"60 A p.example 192.0.2.1", "60 AAAA p.example 2001:db8::1"}},
	         "A p.example",
	         "UDP/192.0.2.1:5070",
	         LOOKUP_FOUND},
		{"IPv6 alone",
	         {HOST("p.example"), .port = 5070, .family = ADDR_IPV6, .transport = TRANSPORT_TCP},
	         {{"60 A p.example 192.0.2.1", "60 AAAA p.example 2001:db8::1"}},
	         "AAAA p.example",
	         "TCP/[2001:db8::1]:5070",
	         LOOKUP_FOUND},
		{"no address",
	         {HOST("p.example"), .port = 5070},
	         {{0}},
	         "A p.example; AAAA p.example",
	         "",
	         LOOKUP_NOTHING},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(&rows[i]);
}

/* F3, F5 */
static void a_transport_asks_for_its_service(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"TCP",
	         {HOST("p.example"), .transport = TRANSPORT_TCP, .family = ADDR_IPV4},
	         {{"60 NAPTR p.example 1 1 s SIP+D2U _sip._udp.p.example",
	           "60 SRV _sip._tcp.p.example 1 1 5080 a.example", "60 A a.example 192.0.2.1"}},
	         "SRV _sip._tcp.p.example; A a.example",
	         "TCP/192.0.2.1:5080",
	         LOOKUP_FOUND},
		{"UDP, no SRV",
	         {HOST("p.example"), .transport = TRANSPORT_UDP, .family = ADDR_IPV4},
	         {{"60 A p.example 192.0.2.1"}},
	         "SRV _sip._udp.p.example; A p.example",
	         "UDP/192.0.2.1:5060",
	         LOOKUP_FOUND},
		{"TLS, no SRV",
	         {HOST("p.example"), .transport = TRANSPORT_TLS, .family = ADDR_IPV4},
	         {{"60 A p.example 192.0.2.1"}},
	         "SRV _sips._tcp.p.example; A p.example",
	         "TLS/192.0.2.1:5061",
	         LOOKUP_FOUND},
		{"sips over TCP is TLS",
	         {HOST("p.example"), .transport = TRANSPORT_TCP, .sips = true, .family = ADDR_IPV4},
	         {{"60 SRV _sip._tcp.p.example 1 1 5060 a.example",
	           "60 SRV _sips._tcp.p.example 1 1 5081 a.example", "60 A a.example 192.0.2.1"}},
	         "SRV _sips._tcp.p.example; A a.example",
	         "TLS/192.0.2.1:5081",
	         LOOKUP_FOUND},
		{"decidedly not there",
	         {HOST("p.example"), .transport = TRANSPORT_TCP},
	         {{"60 SRV _sip._tcp.p.example 0 0 0 .", "60 A p.example 192.0.2.1"}},
	         "SRV _sip._tcp.p.example",
	         "",
	         LOOKUP_NOTHING},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(&rows[i]);
}

#define WITHOUT_SRV "SRV _sip._udp.p.example; SRV _sip._tcp.p.example; SRV _sips._tcp.p.example; "

/* F4, F5 */
static void a_bare_host_asks_for_naptr_then_srv_then_addresses(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"NAPTR chooses by order, then preference",
	         {HOST("p.example"), .family = ADDR_IPV4},
	         {{"60 NAPTR p.example 20 1 s SIP+D2U _sip._udp.p.example",
	           "60 NAPTR p.example 10 9 s SIPS+D2T _sips._tcp.p.example",
	           "60 NAPTR p.example 10 2 S sip+d2t tcp.elsewhere.example",
	           "60 SRV tcp.elsewhere.example 1 1 5080 a.example", "60 A a.example 192.0.2.1"}},
	         "NAPTR p.example; SRV tcp.elsewhere.example; A a.example",
	         "TCP/192.0.2.1:5080",
	         LOOKUP_FOUND},
		{"one without targets: the next one",
	         {HOST("p.example"), .family = ADDR_IPV4},
	         {{"60 NAPTR p.example 10 1 s SIP+D2T t.example",
	           "60 NAPTR p.example 10 2 s SIPS+D2T s.example",
	           "60 NAPTR p.example 10 3 s SIP+D2U u.example",
	           "60 SRV s.example 1 1 5061 gone.example", "60 SRV u.example 1 1 5060 a.example",
	           "60 A a.example 192.0.2.1"}},
	         "NAPTR p.example; SRV t.example; SRV s.example; A gone.example; SRV u.example; "
	         "A a.example",
	         "UDP/192.0.2.1:5060",
	         LOOKUP_FOUND},
		{"NAPTR of others are none",
	         {HOST("p.example"), .family = ADDR_IPV4},
	         {{"60 NAPTR p.example 1 1 s SIP+D2W w.example",
	           "60 NAPTR p.example 1 1 u E2U+sip e.example",
	           "60 NAPTR p.example 1 1 s SIP+D2U .",
	           "60 NAPTR p.example 1 1 a SIP+D2U a.example",
	           "60 SRV _sip._udp.p.example 1 1 5060 a.example", "60 A a.example 192.0.2.1"}},
	         "NAPTR p.example; SRV _sip._udp.p.example; A a.example",
	         "UDP/192.0.2.1:5060",
	         LOOKUP_FOUND},
		{"SRV of the first service that is there",
	         {HOST("p.example"), .family = ADDR_IPV4},
	         {{"60 SRV _sip._tcp.p.example 1 1 5070 a.example", "60 A a.example 192.0.2.1"}},
	         "NAPTR p.example; SRV _sip._udp.p.example; SRV _sip._tcp.p.example; A a.example",
	         "TCP/192.0.2.1:5070",
	         LOOKUP_FOUND},
		{"addresses",
	         {HOST("p.example"), .family = ADDR_IPV4},
	         {{"60 A p.example 192.0.2.1"}},
	         "NAPTR p.example; " WITHOUT_SRV "A p.example",
	         "UDP/192.0.2.1:5060",
	         LOOKUP_FOUND},
		/* C37 */
		{"nothing at all",
	         {HOST("p.example"), .family = ADDR_IPV4},
	         {{0}},
	         "NAPTR p.example; " WITHOUT_SRV "A p.example",
	         "",
	         LOOKUP_NOTHING},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(&rows[i]);
}

/* F4, F5 */
static void sips_leads_to_tls_alone(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"sips: TLS alone",
	         {HOST("p.example"), .sips = true, .family = ADDR_IPV4},
	         {{"60 NAPTR p.example 1 1 s SIP+D2U u.example",
	           "60 NAPTR p.example 2 1 s SIPS+D2T s.example",
	           "60 SRV s.example 1 1 5062 a.example", "60 A a.example 192.0.2.1"}},
	         "NAPTR p.example; SRV s.example; A a.example",
	         "TLS/192.0.2.1:5062",
	         LOOKUP_FOUND},
		{"sips without NAPTR",
	         {HOST("p.example"), .sips = true, .family = ADDR_IPV4},
	         {{"60 A p.example 192.0.2.1"}},
	         "NAPTR p.example; SRV _sips._tcp.p.example; A p.example",
	         "TLS/192.0.2.1:5061",
	         LOOKUP_FOUND},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(&rows[i]);
}

/* F6 */
static void targets_come_by_priority_all_of_one_before_the_next(void **state)
{
	(void)state;
	static const struct row row = {
		"priorities",
		{HOST("p.example"), .transport = TRANSPORT_UDP},
		{{"60 SRV _sip._udp.p.example 20 1 5062 c.example",
	          "60 SRV _sip._udp.p.example 10 0 5060 a.example",
	          "60 SRV _sip._udp.p.example 15 0 5061 b.example",
	          "60 SRV _sip._udp.p.example 15 0 0 noport.example", "60 A a.example 192.0.2.1",
	          "60 AAAA a.example 2001:db8::1", "60 A b.example 192.0.2.2",
	          "60 A c.example 192.0.2.3"}},
		"SRV _sip._udp.p.example; A a.example; AAAA a.example; A b.example; "
		"AAAA b.example; A c.example; AAAA c.example",
		"UDP/192.0.2.1:5060 UDP/[2001:db8::1]:5060 UDP/192.0.2.2:5061 UDP/192.0.2.3:5062",
		LOOKUP_FOUND};

	check(&row);
}

/* F6, RFC 2782 */
static void of_one_priority_the_weight_is_the_chance_to_be_first(void **state)
{
	(void)state;
	static const struct zone weighted = {{"60 SRV _sip._udp.p.example 1 60 1 a.example",
	                                      "60 SRV _sip._udp.p.example 1 30 2 a.example",
	                                      "60 SRV _sip._udp.p.example 1 10 3 a.example",
	                                      "60 SRV _sip._udp.p.example 1 0 4 a.example",
	                                      "60 A a.example 192.0.2.1"}};
	static const struct zone even = {{"60 SRV _sip._udp.p.example 1 0 1 a.example",
	                                  "60 SRV _sip._udp.p.example 1 0 2 a.example",
	                                  "60 A a.example 192.0.2.1"}};
	static const struct target_goal goal = {HOST("p.example"), .transport = TRANSPORT_UDP,
	                                        .family = ADDR_IPV4};
	static struct seen s;
	int first[5] = {0};
	int even_first[5] = {0};

	for (uint64_t seed = 0; seed < 10000; seed++) {
		look(&s, &goal, &weighted, seed);
		assert_int_equal(s.l.n_found, 4);
		first[s.l.found[0].addr.port]++;
		look(&s, &goal, &even, seed);
		even_first[s.l.found[0].addr.port]++;
	}
	assert_in_range(first[1], 5700, 6300);
	assert_in_range(first[2], 2700, 3300);
	assert_in_range(first[3], 800, 1200);
	assert_in_range(first[4], 1, 300); /* a very small chance */
	assert_in_range(even_first[1], 4700, 5300);
}

static void what_is_too_much_is_left_out(void **state)
{
	(void)state;
	static char lines[20][80];
	static struct zone many = {{"60 A a.example 192.0.2.1", "60 A a.example 192.0.2.2"}};
	static struct seen s;
	struct target_goal goal = {HOST("p.example"), .transport = TRANSPORT_UDP,
	                           .family = ADDR_IPV4};
	uint8_t host[TARGET_HOST_MAX + 1];

	for (int i = 0; i < 20; i++) {
		snprintf(lines[i], sizeof lines[i], "60 SRV _sip._udp.p.example %d 1 %d a.example",
		         i * 7 % 20 + 1, i * 7 % 20 + 1); /* in no order */
		many.lines[2 + i] = lines[i];
	}
	look(&s, &goal, &many, 1);
	assert_int_equal(s.l.n_found, TARGETS_MAX);
	assert_int_equal(s.l.n_places, TARGETS_MAX);
	for (size_t i = 0; i < TARGETS_MAX; i++) /* the best ones, two addresses each */
		assert_int_equal(s.l.found[i].addr.port, 1 + i / 2);
	memset(host, 'x', sizeof host);
	goal.host = (struct slice){host, sizeof host};
	look(&s, &goal, &many, 1);
	assert_int_equal(s.l.outcome, LOOKUP_NOTHING);
	assert_string_equal((char *)s.asked_bytes, "");
	goal.host.n--;
	look(&s, &goal, &many, 1);
	assert_int_equal(s.l.services[0].name.n, TARGET_NAME_MAX - 1); /* _udp is one less */
	goal.host.n = 0;
	look(&s, &goal, &many, 1);
	assert_int_equal(s.l.outcome, LOOKUP_NOTHING);
}

/* F9, C37 */
static void a_server_that_fails_ends_it_before_a_wrong_transport_is_guessed(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"NAPTR",
	         {HOST("p.example")},
	         {{"0 FAIL p.example"}},
	         "NAPTR p.example",
	         "",
	         LOOKUP_FAILED},
		{"SRV",
	         {HOST("p.example")},
	         {{"0 FAIL _sip._udp.p.example", "60 A p.example 192.0.2.1"}},
	         "NAPTR p.example; SRV _sip._udp.p.example",
	         "",
	         LOOKUP_FAILED},
		{"an address",
	         {HOST("p.example"), .port = 5060},
	         {{"0 FAIL p.example"}},
	         "A p.example; AAAA p.example",
	         "",
	         LOOKUP_FAILED},
		{"one address of two",
	         {HOST("p.example"), .transport = TRANSPORT_UDP, .family = ADDR_IPV4},
	         {{"60 SRV _sip._udp.p.example 1 1 5060 a.example",
	           "60 SRV _sip._udp.p.example 2 1 5060 b.example", "0 FAIL a.example",
	           "60 A b.example 192.0.2.2"}},
	         "SRV _sip._udp.p.example; A a.example; A b.example",
	         "UDP/192.0.2.2:5060",
	         LOOKUP_FAILED},
		{"two: the others are not waited for",
	         {HOST("p.example"), .transport = TRANSPORT_UDP, .family = ADDR_IPV4},
	         {{"60 SRV _sip._udp.p.example 1 1 5060 b.example",
	           "60 SRV _sip._udp.p.example 2 1 5060 a.example",
	           "60 SRV _sip._udp.p.example 3 1 5060 c.example",
	           "60 SRV _sip._udp.p.example 4 1 5060 b.example", "0 FAIL a.example",
	           "0 FAIL c.example", "60 A b.example 192.0.2.2"}},
	         "SRV _sip._udp.p.example; A b.example; A a.example; A c.example",
	         "UDP/192.0.2.2:5060",
	         LOOKUP_FAILED},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(&rows[i]);
}

static void the_least_lifetime_of_all_answers_counts(void **state)
{
	(void)state;
	static const struct zone z = {{"500 NAPTR p.example 1 1 s SIP+D2U u.example",
	                               "40 SRV u.example 1 1 5060 a.example",
	                               "300 A a.example 192.0.2.1"}};
	static const struct target_goal name = {HOST("p.example")};
	static const struct target_goal address = {HOST("192.0.2.1")};
	static struct seen s;

	look(&s, &name, &z, 1);
	assert_int_equal(s.l.ttl_s, 40);
	look(&s, &address, &z, 1);
	assert_int_equal(s.l.ttl_s, UINT32_MAX);
}

static void a_proxy_is_a_host_and_perhaps_a_port(void **state)
{
	(void)state;
	static const struct {
		const char *proxy, *host;
		uint16_t port;
	} good[] = {
		{"p.example", "p.example", 0},
		{"p.example:5070", "p.example", 5070},
		{"192.0.2.1", "192.0.2.1", 0},
		{"192.0.2.1:5070", "192.0.2.1", 5070},
		{"2001:db8::1", "2001:db8::1", 0},
		{"[2001:db8::1]", "[2001:db8::1]", 0},
		{"[2001:db8::1]:65535", "[2001:db8::1]", 65535},
	};
	static const char *const bad[] = {
		"",
		":5060",
		"p.example:",
		"p.example:0",
		"p.example:65536",
		"p.example:4294972356",
		"p.example:5x",
		"p.example:5060:1",
	};
	struct target_goal g = {0};

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(target_goal_read(slice_str(good[i].proxy), &g));
		assert_true(slice_eq(g.host, slice_str(good[i].host)));
		assert_int_equal(g.port, good[i].port);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(target_goal_read(slice_str(bad[i]), &g));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_numeric_host_asks_nothing),
		cmocka_unit_test(a_port_asks_for_addresses_alone),
		cmocka_unit_test(a_transport_asks_for_its_service),
		cmocka_unit_test(a_bare_host_asks_for_naptr_then_srv_then_addresses),
		cmocka_unit_test(sips_leads_to_tls_alone),
		cmocka_unit_test(targets_come_by_priority_all_of_one_before_the_next),
		cmocka_unit_test(of_one_priority_the_weight_is_the_chance_to_be_first),
		cmocka_unit_test(what_is_too_much_is_left_out),
		cmocka_unit_test(a_server_that_fails_ends_it_before_a_wrong_transport_is_guessed),
		cmocka_unit_test(the_least_lifetime_of_all_answers_counts),
		cmocka_unit_test(a_proxy_is_a_host_and_perhaps_a_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
