/* layer: config */
#include "node/io/config_nap.h"
#include "tests/unit/config_text.h"

#define NAPS(text)                                                     \
	"unit: standalone\n"                                           \
	"transports:\n"                                                \
	"- {name: t, protocol: tcp, address: 192.0.2.1, port: 5070}\n" \
	"- {name: u, protocol: udp, address: 192.0.2.2}\n"             \
	"- {name: six, protocol: udp, address: '2001:db8::1'}\n"       \
	"domains: [{name: example.com}]\n"                             \
	"naps:\n" text
#define NAP(keys) NAPS("- {name: a, " keys "}\n")

static void a_nap_has_the_defaults_of_the_reference_system(void **state)
{
	(void)state;
	struct config *c = load_good(NAP("proxy: sip.example.net"));
	struct nap_options o;

	assert_int_equal(c->nap_count, 1);
	config_nap_options(c, &o);
	assert_true(slice_eq(o.name, SLICE("a")));
	assert_true(slice_eq(o.proxy, SLICE("sip.example.net")));
	assert_int_equal(o.address_to_register.n + o.user.n + o.password.n + o.realm.n, 0);
	assert_int_equal(o.transport, 0);
	assert_false(o.registers || o.ignore_realm || o.reuse_challenge || o.gin || o.outbound ||
	             o.reg_event);
	assert_true(o.polls && o.any_response_is_available);
	assert_int_equal(o.expires_s, 3600);
	assert_int_equal(o.refresh_percent, 50);
	assert_int_equal(o.retry_ms, 5000);
	assert_int_equal(o.retry_max_ms, 5000);
	assert_int_equal(o.timeout_ms, 32000);
	assert_int_equal(o.poll_first_ms, 5000);
	assert_int_equal(o.poll_interval_ms, 60000);
	assert_int_equal(o.poll_timeout_ms, 12000);
	assert_int_equal(o.poll_max_forwards, 1);
	assert_int_equal(c->nap_pace, 100);
	assert_null(c->tls_ca_file);
	config_free(&c);
}

static void every_key_of_a_nap_reaches_the_node(void **state)
{
	(void)state;
	struct config *c = load_good(NAP(
		"proxy: '198.51.100.7:5080', transport: tls, local: t, address_to_register: "
		"'sip:trunk@example.net', user: u1, password: 'p w', realm: r, ignore_realm: "
		"yes, reuse_challenge: yes, register_to_proxy: yes, gin: yes, outbound: yes, "
		"reg_event: yes, "
		"poll_remote_proxy: no, map_any_response_to_available_status: no, expires: 10 "
		"min, refresh_percent: 80, retry: 2 s, retry_max: 1 h, timeout: 16 s, "
		"proxy_polling_first: 1 s, proxy_polling_interval: 30 s, response_timeout: 3 s, "
		"proxy_polling_max_forwards: 5, access_list: '198.51.100.0/24, 2001:db8::/32'"));
	struct nap_options o;

	config_nap_options(c, &o);
	assert_true(slice_eq(o.proxy, SLICE("198.51.100.7:5080")));
	assert_true(slice_eq(o.address_to_register, SLICE("sip:trunk@example.net")));
	assert_true(slice_eq(o.user, SLICE("u1")));
	assert_true(slice_eq(o.password, SLICE("p w")));
	assert_true(slice_eq(o.realm, SLICE("r")));
	assert_int_equal(o.transport, TRANSPORT_TLS);
	assert_int_equal(o.local.ip[3], 1);
	assert_int_equal(o.local.port, 5070);
	assert_true(o.registers && o.ignore_realm && o.reuse_challenge && o.gin && o.outbound &&
	            o.reg_event);
	assert_false(o.polls || o.any_response_is_available);
	assert_int_equal(o.expires_s, 600);
	assert_int_equal(o.refresh_percent, 80);
	assert_int_equal(o.retry_ms, 2000);
	assert_int_equal(o.retry_max_ms, 3600000);
	assert_int_equal(o.timeout_ms, 16000);
	assert_int_equal(o.poll_first_ms, 1000);
	assert_int_equal(o.poll_interval_ms, 30000);
	assert_int_equal(o.poll_timeout_ms, 3000);
	assert_int_equal(o.poll_max_forwards, 5);
	config_free(&c);
}

static void requests_leave_from_the_first_transport_that_fits(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint16_t port;
	} rows[] = {
		{NAP("proxy: p.net"), 5060},
		{NAP("proxy: p.net, transport: udp"), 5060},
		{NAP("proxy: p.net, transport: tcp"), 5070},
		{NAP("proxy: p.net, transport: tls"), 5070},
		{NAP("proxy: p.net, transport: tls, local: u"), 5060},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct config *c = load_good(rows[i].text);
		struct nap_options o;
		config_nap_options(c, &o);
		assert_int_equal(o.local.port, rows[i].port);
		config_free(&c);
	}
}

static void an_open_nap_is_not_polled(void **state)
{
	(void)state;
	struct config *c = load_good(NAP("access_list: '0.0.0.0/0'"));
	struct nap_options o;

	config_nap_options(c, &o);
	assert_int_equal(o.proxy.n, 0);
	assert_false(o.polls || o.registers);
	config_free(&c);
}

static void what_naps_need_of_each_other_is_told(void **state)
{
	(void)state;
	static const struct bad rows[] = {
		{NAPS("- {proxy: p.net}\n"), 8, "`naps.name` is missing"},
		{NAPS("- {name: a}\n- {name: b}\n- {name: a}\n"), 10,
	         "NAP `a` is given twice (first in line 8)"},
		{NAP("register_to_proxy: yes, address_to_register: 'sip:t@p.net'"), 8,
	         "NAP `a`: register_to_proxy needs `proxy`, too"},
		{NAP("register_to_proxy: yes, proxy: p.net"), 8,
	         "NAP `a`: register_to_proxy needs `address_to_register`, too"},
		{NAP("expires: 10500 ms"), 8, "NAP `a`: expires in SIP is in whole seconds"},
		{NAP("retry: 6 s"), 8,
	         "NAP `a`: retry (6000 ms) <= retry_max (5000 ms) does not hold"},
		{NAP("proxy_polling_interval: 10 s"), 8,
	         "NAP `a`: response_timeout (12000 ms) <= proxy_polling_interval (10000 ms) does "
	         "not hold"},
		{NAP("local: public"), 8, "NAP `a`: there is no transport called `public` (local)"},
		{NAP("local: t"), 8,
	         "NAP `a` sends over UDP, but its local transport `t` is none; choose another, or "
	         "set its transport to tcp or tls"},
		{NAP("proxy: '2001:db8::7'"), 8,
	         "NAP `a`: proxy and local are not both IPv4 or both IPv6"},
		{"unit: standalone\ntransports: [{name: t, protocol: tcp, address: 192.0.2.1}]\n"
	         "domains: [{name: example.com}]\nnaps: [{name: a}]\n",
	         4,
	         "NAP `a` needs a udp transport to send from; add one to `transports`, or set its "
	         "transport to tcp or tls"},
	};

	check_bad(rows, ARRAY_LEN(rows));
}

/* Does a NAP with this load? */
static bool takes(const char *key, const char *value)
{
	struct config *c = NULL;
	struct config_fault fault;
	char text[512];

	(void)snprintf(text, sizeof text, NAPS("- {%s%s: '%s'}\n"),
	               strcmp(key, "name") == 0 ? "" : "name: a, ", key, value);
	bool good = load(slice_str(text), &c, &fault) == OK;
	assert_true(good || strstr(fault.text, " is not a") != NULL);
	config_free(&c);
	return good;
}

static void what_a_nap_says_must_follow_its_grammar(void **state)
{
	(void)state;
	static const struct {
		const char *key;
		const char *good[8];
		const char *bad[16];
	} rows[] = {
		{"proxy",
	         {"p.net", "p.net:5061", "192.0.2.9:1", "sip-1.example.com", "localhost", "p.net.",
	          ""},
	         {"p..net", ".net", "-p.net", "p.net-", "p.-net", "192.0.2.300", "p_q.net",
	          "p.net:", "p.net:0", "p.net:65536", "p.net:5o60", "p.net:5060:1", "sip:p.net"}},
		{"address_to_register",
	         {"sip:a@p.net", "sips:a%20b@192.0.2.1:5061", ""},
	         {"a@p.net", "sip:p.net", "tel:+1", "sip:a@", "sip:a@p.net;x=y", "sip:a@p.net?b=c",
	          "<sip:a@p.net>"}},
		{"access_list",
	         {"192.0.2.1", "192.0.2.0/24, 2001:db8::/32", "0.0.0.0/0", "::/128", ""},
	         {"p.net", "192.0.2.1:5060", "192.0.2.0/33", "2001:db8::/129", "192.0.2.0/",
	          "192.0.2.0/1000", "192.0.2.0/2x", "192.0.2.1 192.0.2.2"}},
		{"name", {"a-b_c.9", "A"}, {"a b", "a/b", "a\xc3\xa4", ""}},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (const char *const *good = rows[i].good; *good != NULL; good++)
			if (!takes(rows[i].key, *good))
				fail_msg("%s: %s is refused", rows[i].key, *good);
		for (const char *const *bad = rows[i].bad; *bad != NULL; bad++)
			if (takes(rows[i].key, *bad))
				fail_msg("%s: %s is taken", rows[i].key, *bad);
	}
}

static void a_password_stands_in_no_complaint(void **state)
{
	(void)state;
	static const struct bad rows[] = {
		{NAP("password: \"geheim\\n\""), 8,
	         "`naps.password`: `...` is not a text of at most 128 bytes"},
	};

	check_bad(rows, ARRAY_LEN(rows));
}

static uint64_t digest_of(const char *text)
{
	struct config *c = load_good(text);
	uint64_t digest = config_digest(c);

	config_free(&c);
	return digest;
}

/* A32: both nodes agree on their NAPs. */
static void the_digest_covers_naps_in_any_order(void **state)
{
	(void)state;
	uint64_t digest = digest_of(NAPS("- {name: a, proxy: p.net}\n- {name: b}\n"));

	assert_int_equal(digest,
	                 digest_of(NAPS("- {name: b}\n- {name: a, proxy: p.net, local: u}\n")));
	assert_true(digest != digest_of(NAPS("- {name: a, proxy: p.net}\n")));
	assert_true(digest != digest_of(NAPS("- {name: a}\n- {name: b, proxy: p.net}\n")));
	assert_true(digest !=
	            digest_of(NAPS("- {name: a, proxy: p.net, password: x}\n- {name: b}\n")));
}

static void as_many_naps_as_the_node_takes_are_read(void **state)
{
	(void)state;
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);

	assert_non_null(to);
	(void)fputs(NAPS(""), to);
	for (int i = 0; i < CONFIG_NAPS_MAX; i++)
		(void)fprintf(to, "- {name: n%d, proxy: p.net}\n", i);
	assert_int_equal(fflush(to), 0);
	struct config *c = load_good(text);
	assert_int_equal(c->nap_count, CONFIG_NAPS_MAX);
	config_free(&c);
	(void)fputs("- {name: more}\n", to);
	assert_int_equal(fclose(to), 0);
	struct config_fault fault;
	assert_int_equal(load(slice_str(text), &c, &fault), ERR_MALFORMED);
	assert_string_equal(fault.text, "`naps` has 4097 items; at most 4096");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_nap_has_the_defaults_of_the_reference_system),
		cmocka_unit_test(every_key_of_a_nap_reaches_the_node),
		cmocka_unit_test(requests_leave_from_the_first_transport_that_fits),
		cmocka_unit_test(an_open_nap_is_not_polled),
		cmocka_unit_test(what_naps_need_of_each_other_is_told),
		cmocka_unit_test(what_a_nap_says_must_follow_its_grammar),
		cmocka_unit_test(a_password_stands_in_no_complaint),
		cmocka_unit_test(the_digest_covers_naps_in_any_order),
		cmocka_unit_test(as_many_naps_as_the_node_takes_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
