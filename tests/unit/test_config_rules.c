/* layer: config */
#include "tests/unit/config_text.h"

#define DOMAIN_LINES(text)                                                               \
	"unit: standalone\ntransports: [{name: u, protocol: udp, address: 127.0.0.1}]\n" \
	"domains:\n" text

static void a_unit_has_the_sections_it_needs_and_no_others(void **state)
{
	(void)state;
	static const struct bad rows[] = {
		{"commit: both\n", 1,
	         "`unit` is missing; it is one of standalone, primary, secondary"},
		{STANDALONE "peer: {address: 10.0.0.1}\n", 4,
	         "a standalone unit has no `peer`; take it out, or set unit to primary or "
	         "secondary"},
		{STANDALONE "keepalived: {instance: x}\n", 4,
	         "a standalone unit has no `keepalived`; take it out, or set unit to primary or "
	         "secondary"},
		{"unit: primary\n", 1,
	         "`cluster.dir` is missing; unit primary needs it: the folder that `regpairctl "
	         "pair init` "
	         "made"},
		{"unit: secondary\ncluster: {dir: /c}\npeer: {listen: 10.0.0.1}\n", 3,
	         "`peer.address` is missing; unit secondary needs it: the address of the other "
	         "node"},
		{"unit: secondary\ncluster: {dir: /c}\npeer: {address: 10.0.0.1}\n", 3,
	         "`peer.listen` is missing; unit secondary needs it: this node's own address"},
		{"unit: primary\ncluster: {dir: /c}\npeer: {address: 10.0.0.1, listen: 10.0.0.2}\n",
	         1,
	         "`keepalived.instance` is missing; unit primary needs it: the name of the "
	         "vrrp_instance"},
		{"unit: primary\ncluster: {dir: /c}\npeer: {address: 10.0.0.1, listen: 10.0.0.2}\n"
	         "keepalived: {instance: V}\n",
	         4, "`keepalived.address` is missing; unit primary needs it: the virtual address"},
		{"unit: primary\ncluster: {dir: /c}\npeer:\n  address: 10.0.0.1\n  listen: "
	         "10.0.0.1\n"
	         "keepalived: {instance: V, address: 10.0.0.3}\n",
	         4,
	         "`peer.address` and `peer.listen` are the same; the first is the other node's, "
	         "the second "
	         "this node's"},
	};

	check_bad(rows, ARRAY_LEN(rows));
}

#define PAIR(more)                                                                            \
	"unit: primary\ncluster: {dir: /c}\npeer:\n  address: 10.0.0.1\n  listen: 10.0.0.2\n" \
	"  " more "\nkeepalived: {instance: V, address: 10.0.0.3}\n"

static void a_second_path_has_two_ends_of_its_own(void **state)
{
	(void)state;
	static const struct bad rows[] = {
		{PAIR("second_address: 10.1.0.1"), 6,
	         "`peer.second_listen` is missing; a second path needs both ends: "
	         "peer.second_address and peer.second_listen"},
		{PAIR("second_listen: 10.1.0.1"), 6,
	         "`peer.second_address` is missing; a second path needs both ends: "
	         "peer.second_address and peer.second_listen"},
		{PAIR("second_address: 10.0.0.1\n  second_listen: 10.1.0.2"), 6,
	         "the second path must have two addresses of its own, on another network than "
	         "peer.address and peer.listen"},
		{PAIR("second_address: 10.1.0.1\n  second_listen: '10.1.0.1:7100'"), 6,
	         "the second path must have two addresses of its own, on another network than "
	         "peer.address and peer.listen"},
	};

	check_bad(rows, ARRAY_LEN(rows));
}

static void a_certificate_has_its_key(void **state)
{
	(void)state;
	static const struct bad rows[] = {
		{STANDALONE "tls: {certificate: /c.pem}\n", 4,
	         "`tls.key` is missing; a certificate and its key go together"},
		{STANDALONE "tls: {key: /k.pem}\n", 4,
	         "`tls.certificate` is missing; a certificate and its key go together"},
	};

	check_bad(rows, ARRAY_LEN(rows));
}

static void the_management_address_has_a_port(void **state)
{
	(void)state;
	static const struct bad rows[] = {
		{STANDALONE "management: {address: 10.0.0.11}\n", 4,
	         "`management.address` needs a port, too, such as 10.0.0.11:7080"},
		{STANDALONE "management:\n  address: ::1\n", 5,
	         "`management.address` needs a port, too, such as 10.0.0.11:7080"},
	};

	check_bad(rows, ARRAY_LEN(rows));
	struct config *c = load_good(STANDALONE "management: {address: \"[::1]:7080\"}\n");
	assert_int_equal(c->management_address.port, 7080);
	config_free(&c);
}

static void the_bulk_port_is_another_than_the_live_one(void **state)
{
	(void)state;
	static const struct bad rows[] = {
		{PAIR("bulk_port: 7060"), 6,
	         "`peer.bulk_port` must be a port beside that of the live link (7060); left out "
	         "it is live_port + 1"},
		{PAIR("live_port: 65535"), 3,
	         "`peer.bulk_port` must be a port beside that of the live link (65535); left out "
	         "it is live_port + 1"},
	};

	check_bad(rows, ARRAY_LEN(rows));
}

static void transports_and_domains_fit_together(void **state)
{
	(void)state;
	static const struct bad rows[] = {
		{"unit: standalone\n", 1,
	         "`transports` is missing or empty; at least one is needed, such as {name: udp, "
	         "protocol: "
	         "udp, address: 10.0.0.10, port: 5060}"},
		{DOMAIN_LINES("  []\n"), 3,
	         "`domains` is missing or empty; at least one is needed, such as {name: "
	         "example.com}"},
		{DOMAIN_LINES("- {name: a.b}\n- {name: c.d}\n- {name: A.b}\n"), 6,
	         "domain `a.b` is given twice (first in line 4)"},
		{DOMAIN_LINES("- {name: a.b, max_expires: 5 min}\n"), 4,
	         "domain `a.b`: min_expires (30 s) <= default_expires (3600 s) <= max_expires (300 "
	         "s) does "
	         "not hold"},
		{DOMAIN_LINES("- {name: a.b, min_expires: 2 h}\n"), 4,
	         "domain `a.b`: min_expires (7200 s) <= default_expires (3600 s) <= max_expires "
	         "(3600 s) "
	         "does not hold"},
		{DOMAIN_LINES("- {name: a.b, min_expires: 1500 ms}\n"), 4,
	         "domain `a.b`: lifetimes in SIP are whole seconds; min_expires, default_expires, "
	         "max_expires and grace must be too"},
		{DOMAIN_LINES("- {name: a.b, grace: 1500 ms}\n"), 4,
	         "domain `a.b`: lifetimes in SIP are whole seconds; min_expires, default_expires, "
	         "max_expires and grace must be too"},
		{"unit: standalone\ntransports:\n- {name: a, protocol: udp, address: 127.0.0.1}\n"
	         "- {name: b, protocol: udp, address: 127.0.0.1}\n",
	         4,
	         "transports `a` (line 3) and `b` have the same protocol, address and port; one of "
	         "them "
	         "must change"},
		{"unit: standalone\ntransports:\n- {name: a, protocol: udp, address: 127.0.0.1}\n"
	         "- {name: a, protocol: tcp, address: 127.0.0.1}\n",
	         4, "two transports are called `a` (the first in line 3); names must differ"},
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

static void the_digest_covers_what_both_nodes_must_agree_on(void **state)
{
	(void)state;
	uint64_t digest = digest_of(PRIMARY);

	assert_int_equal(digest, digest_of(PRIMARY "commit: both\n"));
	assert_int_equal(digest, digest_of(PRIMARY "log: {level: debug}\nstore: {dir: /other}\n"));
	assert_int_equal(digest,
	                 digest_of("unit: secondary\n"
	                           "cluster: {dir: /elsewhere}\n"
	                           "peer: {address: 10.0.0.11, listen: 10.0.0.12}\n"
	                           "keepalived: {instance: V2, address: 10.0.0.10}\n"
	                           "transports: [{name: u, protocol: udp, address: 10.0.0.10}]\n"
	                           "domains: [{name: EXAMPLE.com}]\n"));
	assert_true(digest != digest_of(PRIMARY "commit: disk\n"));
	assert_true(digest != digest_of(PRIMARY "peer_timeout: 201 ms\n"));
	assert_true(digest != digest_of(PRIMARY "nonce_lifetime: 6 min\n"));
	assert_int_equal(digest_of(DOMAIN_LINES("- {name: a.b}\n- {name: c.d}\n")),
	                 digest_of(DOMAIN_LINES("- {name: c.d}\n- {name: a.b}\n")));
	assert_true(digest_of(DOMAIN_LINES("- {name: a.b}\n")) !=
	            digest_of(DOMAIN_LINES("- {name: a.b, auth: none}\n")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_unit_has_the_sections_it_needs_and_no_others),
		cmocka_unit_test(a_second_path_has_two_ends_of_its_own),
		cmocka_unit_test(a_certificate_has_its_key),
		cmocka_unit_test(the_management_address_has_a_port),
		cmocka_unit_test(the_bulk_port_is_another_than_the_live_one),
		cmocka_unit_test(transports_and_domains_fit_together),
		cmocka_unit_test(the_digest_covers_what_both_nodes_must_agree_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
