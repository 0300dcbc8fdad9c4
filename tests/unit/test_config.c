/* layer: config */
#include <stdio.h>
#include <stdlib.h>

#include "proto/frame.h"
#include "tests/unit/config_text.h"

static struct addr addr_of(const char *text)
{
	struct addr addr;

	assert_true(addr_parse(slice_str(text), &addr));
	return addr;
}

static void every_default_is_what_the_table_says(void **state)
{
	(void)state;
	struct config *c = load_good(STANDALONE);

	assert_int_equal(c->unit, UNIT_STANDALONE);
	assert_null(c->cluster_dir);
	assert_int_equal(c->peer_address.family, ADDR_NONE);
	assert_int_equal(c->peer_live_port, 7060);
	assert_int_equal(c->peer_bulk_port, 7061);
	assert_int_equal(c->peer_bulk_rate, 50 << 20);
	assert_int_equal(c->peer_second_address.family, ADDR_NONE);
	assert_int_equal(c->peer_max_version, FRAME_VERSION_MAX); /* the newest there is */
	assert_int_equal(c->commit, CONFIG_COMMIT_BOTH);
	assert_int_equal(c->peer_timeout, 200);
	assert_int_equal(c->flush_interval, 200);
	assert_string_equal(c->store_dir, "/var/lib/regpair");
	assert_int_equal(c->store_max_size, 16ULL << 30);
	assert_int_equal(c->store_log_entries, 1000000);
	assert_int_equal(c->store_checkpoint_interval, 5000);
	assert_string_equal(c->keepalived_fifo, "/run/regpair/vrrp.fifo");
	assert_null(c->keepalived_instance);
	assert_string_equal(c->keepalived_track_file, "/run/regpair/fault");
	assert_string_equal(c->keepalived_pid_file, "/run/keepalived.pid");
	assert_int_equal(c->keepalived_advert_interval, 100);
	assert_string_equal(c->control, "/run/regpair/control.sock");
	assert_string_equal(c->monitor, "/run/regpair/monitor.sock");
	assert_true(c->takeover_when_behind);
	assert_int_equal(c->cold_start_wait, 60000);
	assert_int_equal(c->nonce_lifetime, 300000);
	assert_int_equal(c->log_level, LOG_NOTICE);
	assert_string_equal(c->dns_servers, "");
	assert_int_equal(c->limits_pending_mib, 64);
	assert_int_equal(c->limits_tcp_connections, 10000);
	assert_int_equal(c->limits_tcp_idle, 600000);
	config_free(&c);
	assert_null(c);
}

static void items_of_lists_get_their_defaults(void **state)
{
	(void)state;
	struct config *c = load_good(STANDALONE);

	assert_int_equal(c->transport_count, 1);
	assert_int_equal(c->transports[0].port, 5060);
	assert_int_equal(c->transports[0].line, 2);
	assert_int_equal(c->domain_count, 1);
	assert_int_equal(c->domains[0].default_expires, 3600000);
	assert_int_equal(c->domains[0].min_expires, 30000);
	assert_int_equal(c->domains[0].max_expires, 3600000);
	assert_int_equal(c->domains[0].auth, CONFIG_AUTH_DIGEST);
	assert_int_equal(c->domains[0].max_contacts, 16);
	assert_false(c->domains[0].third_party);
	config_free(&c);
}

static void a_whole_configuration_of_a_pair_is_read(void **state)
{
	(void)state;
	static const char text[] =
		"unit: secondary   # a comment\n"
		"cluster: {dir: /etc/regpair/pair}\n"
		"peer: {address: 10.0.0.11, live_port: 7000, listen: '10.0.0.12:7100'}\n"
		"commit: peer\n"
		"peer_timeout: 1 min\n"
		"store:\n"
		"  dir: /srv/regpair\n"
		"  max_size: 64 MiB\n"
		"keepalived: {fifo: /run/f, instance: VI SIP, track_file: /run/t, address: "
		"'fd00::1',\n"
		"             advert_interval: 1 s}\n"
		"takeover_when_behind: no\n"
		"log: {level: debug}\n"
		"transports:\n"
		"  - {name: public-udp, protocol: udp, address: 10.0.0.10, port: 5060}\n"
		"  - {name: public-tcp, protocol: tcp, address: 10.0.0.10, port: 5060}\n"
		"domains:\n"
		"  - name: Example.COM\n"
		"    min_expires: 2 s\n"
		"    default_expires: 2 min\n"
		"    max_expires: 1 d\n"
		"    auth: none\n"
		"    third_party: yes\n"
		"naps: []\n";
	struct config *c = load_good(text);
	struct addr peer = addr_of("10.0.0.11:7000");
	struct addr listen = addr_of("10.0.0.12:7100");
	struct addr virtual = addr_of("fd00::1");

	assert_int_equal(c->unit, UNIT_SECONDARY);
	assert_true(addr_eq(&c->peer_address, &peer));
	assert_true(addr_eq(&c->peer_listen, &listen));
	assert_true(addr_eq(&c->keepalived_address, &virtual));
	assert_string_equal(c->keepalived_instance, "VI SIP");
	assert_int_equal(c->commit, CONFIG_COMMIT_PEER);
	assert_int_equal(c->peer_timeout, 60000);
	assert_string_equal(c->store_dir, "/srv/regpair");
	assert_false(c->takeover_when_behind);
	assert_int_equal(c->log_level, LOG_DEBUG);
	assert_int_equal(c->transport_count, 2);
	assert_int_equal(c->transports[1].protocol, TRANSPORT_TCP);
	assert_string_equal(c->domains[0].name, "example.com");
	assert_int_equal(c->domains[0].max_expires, 24 * 3600000);
	assert_true(c->domains[0].third_party);
	config_free(&c);
}

static void durations_and_sizes_need_their_unit(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} rows[] = {
		{"20 ms", 20},
		{"20ms", 20},
		{"60000 ms", 60000},
		{"60 s", 60000},
		{"1 min", 60000},
		{"19 ms", -1},
		{"61 s", -1},
		{"200", -1},
		{"", -1},
		{"ms", -1},
		{"0 s", -1},
		{"-1 s", -1},
		{"1.5 s", -1},
		{"1 S", -1},
		{"1 s 1 ms", -1},
		{"1 year", -1},
		{"0x20 ms", -1},
		{"+5 s", -1},
		{"1 d", -1},
		{"99999999999999999999 ms", -1},
		{"9223372036854775807 d", -1},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[512];
		struct config *c = NULL;
		struct config_fault fault;

		(void)snprintf(text, sizeof text, STANDALONE "peer_timeout: %s\n", rows[i].text);
		enum err err = load(slice_str(text), &c, &fault);
		if ((err == OK) != (rows[i].ms >= 0))
			fail_msg("`%s`: %s", rows[i].text, err_text(err));
		if (c != NULL)
			assert_int_equal(c->peer_timeout, rows[i].ms);
		config_free(&c);
	}
}

static void a_wrong_value_is_refused_with_its_line_and_what_would_be_right(void **state)
{
	(void)state;
	static const struct bad rows[] = {
		{STANDALONE "peer_timeout: 200\n", 4,
	         "`peer_timeout`: `200` is not a duration from 20 ms to 1 min, written like 200 "
	         "ms, 30 s, "
	         "10 min, 1 h or 7 d"},
		{"unit: third\n" STANDALONE, 1,
	         "`unit`: `third` is not one of standalone, primary, secondary"},
		{STANDALONE "commit: none\n", 4, "`commit`: `none` is not one of both, peer, disk"},
		{STANDALONE "store:\n  dir: data\n", 5,
	         "`store.dir`: `data` is not a path that begins with / of at most 200 bytes"},
		{STANDALONE "store:\n\n  max_size: 1 MiB\n", 6,
	         "`store.max_size`: `1 MiB` is not a size from 16 MiB to 16 TiB, written like 64 "
	         "MiB"},
		{STANDALONE "store: {log_entries: 9}\n", 4,
	         "`store.log_entries`: `9` is not a whole number from 10 to 1000000000"},
		{STANDALONE "store: {log_entries: many}\n", 4,
	         "`store.log_entries`: `many` is not a whole number from 10 to 1000000000"},
		{STANDALONE "takeover_when_behind: maybe\n", 4,
	         "`takeover_when_behind`: `maybe` is not yes or no"},
		{STANDALONE "log: {level: loud}\n", 4,
	         "`log.level`: `loud` is not one of error, warn, notice, info, debug"},
		{STANDALONE "dns: {servers: ns.example.com}\n", 4,
	         "`dns.servers`: `ns.example.com` is not a list such as 192.0.2.53, "
	         "[2001:db8::53]:5353 of at most 200 bytes"},
		{STANDALONE "dns: {servers: \"192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4\"}\n", 4,
	         "`dns.servers`: `192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4` is not a list such "
	         "as 192.0.2.53, [2001:db8::53]:5353 of at most 200 bytes"},
		{STANDALONE "log: {level: \"a\\x01b\"}\n", 4,
	         "`log.level`: `a?b` is not one of error, warn, notice, info, debug"},
		{STANDALONE "log: {level: \"info\\0\"}\n", 4, "`log.level` holds a NUL byte"},
		{"unit: standalone\ntransports:\n- {name: u, protocol: sctp, address: 127.0.0.1}\n",
	         3, "`transports.protocol`: `sctp` is not one of udp, tcp"},
		{"unit: standalone\ntransports:\n- {name: u, protocol: udp, address: "
	         "'10.0.0.1:5060'}\n",
	         3, "`transports.address`: `10.0.0.1:5060` is not an IP address without a port"},
		{"unit: standalone\ntransports:\n- name: u\n  protocol: udp\n  address: "
	         "127.0.0.1\n  port: "
	         "0\n",
	         6, "`transports.port`: `0` is not a port from 1 to 65535"},
		{"peer: {address: sip.example.com}\n", 1,
	         "`peer.address`: `sip.example.com` is not an IP address, with or without a port"},
		{"domains:\n- {name: exa_mple.com}\n", 2,
	         "`domains.name`: `exa_mple.com` is not a host name such as example.com of at most "
	         "253 "
	         "bytes"},
		{"domains:\n- {name: a..b}\n", 2,
	         "`domains.name`: `a..b` is not a host name such as example.com of at most 253 "
	         "bytes"},
		{"domains:\n- {name: a.b, max_contacts: 33}\n", 2,
	         "`domains.max_contacts`: `33` is not a whole number from 1 to 32"},
		{"domains:\n- name: a.b\n  numbers: p=+1-+22\n", 3,
	         "`domains.numbers`: `p=+1-+22` is not a list such as "
	         "pbx1=+12145550100-+12145550199, pbx2=+4930123* of at most 400 bytes"},
	};

	check_bad(rows, ARRAY_LEN(rows));
}

static void an_unknown_key_is_refused_and_the_nearest_named(void **state)
{
	(void)state;
	static const struct bad rows[] = {
		{"unit: standalone\nstoer: {}\n", 2, "unknown key `stoer`; did you mean `store`?"},
		{"comit: both\n", 1, "unknown key `comit`; did you mean `commit`?"},
		{"live_port: 1\n", 1, "unknown key `live_port`; did you mean `peer.live_port`?"},
		{"frobnicate: 1\n", 1,
	         "unknown key `frobnicate`; `regpaird --print-defaults` shows every key"},
		{"store:\n  dri: /x\n", 2, "unknown key `store.dri`; did you mean `store.dir`?"},
		{"log: {colour: red}\n", 1, "unknown key `log.colour`; known here: level"},
		{"domains:\n- name: a.b\n  min_expire: 5 s\n", 3,
	         "unknown key `domains.min_expire`; did you mean `domains.min_expires`?"},
		{"transports:\n- {proto: udp}\n", 2,
	         "unknown key `transports.proto`; known here: name, protocol, address, port"},
	};

	check_bad(rows, ARRAY_LEN(rows));
}

static void a_wrong_shape_is_refused(void **state)
{
	(void)state;
	static const struct bad rows[] = {
		{"", 1, "the file is empty; it needs unit, transports and domains"},
		{"# nothing\n", 1, "the file is empty; it needs unit, transports and domains"},
		{"just text\n", 1,
	         "the file must hold keys and values, such as `unit: standalone`"},
		{"unit: [a]\n", 1, "`unit` takes one value, not a list or a group of keys"},
		{"[a]: b\n", 1, "`a key` takes one value, not a list or a group of keys"},
		{"store: /x\n", 1, "`store` takes a group of keys with values"},
		{"transports: udp\n", 1, "`transports` takes a list: lines that begin with -"},
		{"domains:\n", 1, "`domains` takes a list: lines that begin with -"},
		{"domains:\n- a.b\n", 2, "`domains` takes a group of keys with values"},
		{"commit: both\ncommit: disk\n", 2, "`commit` is given twice (first in line 1)"},
		{"store: {dir: /a}\nstore: {dir: /b}\n", 2,
	         "`store` is given twice (first in line 1)"},
		{"transports:\n- {name: a, name: b}\n", 2,
	         "`transports.name` is given twice (first in line 2)"},
		{"transports:\n- {name: a, protocol: udp}\n", 2, "`transports.address` is missing"},
		{STANDALONE "naps: {name: a}\n", 4, "`naps` takes a list: lines that begin with -"},
		{STANDALONE "---\nunit: primary\n", 5,
	         "a second document (after ---); one is read"},
		{"unit: standalone\n\tcommit: both\n", 2,
	         "not YAML: found a tab character that violates indentation, while scanning a "
	         "plain "
	         "scalar"},
		{"unit: standalone\nstore: {dir: /a\n", 3,
	         "not YAML: did not find expected ',' or '}', while parsing a flow mapping"},
		{"unit: standalone\ncommit: \xff\n", 2, "not YAML: invalid leading UTF-8 octet"},
	};

	check_bad(rows, ARRAY_LEN(rows));
}

static void more_items_than_allowed_are_refused(void **state)
{
	(void)state;
	char text[2048] = "transports:\n";
	struct config *c = NULL;
	struct config_fault fault;

	for (int i = 0; i <= CONFIG_TRANSPORTS_MAX; i++) {
		size_t n = strlen(text);

		(void)snprintf(text + n, sizeof text - n,
		               "- {name: t%d, protocol: udp, address: 127.0.0.1, port: %d}\n", i,
		               5060 + i);
	}
	assert_int_equal(load(slice_str(text), &c, &fault), ERR_MALFORMED);
	assert_string_equal(fault.text, "`transports` has 17 items; at most 16");
	assert_int_equal(fault.line, 2);
}

static void a_file_that_cannot_be_read_is_named_with_the_reason(void **state)
{
	(void)state;
	struct config *c = NULL;
	struct config_fault fault;

	assert_int_equal(config_load("/nonexistent/regpair.yaml", &c, &fault), ERR_IO);
	assert_string_equal(fault.file, "/nonexistent/regpair.yaml");
	assert_string_equal(fault.text, "cannot be read: No such file or directory");
	assert_int_equal(fault.line, 0);
	assert_int_equal(config_load("/tmp", &c, &fault), ERR_IO);
	assert_string_equal(fault.text, "cannot be read: Is a directory");
	assert_int_equal(config_load("/dev/zero", &c, &fault), ERR_TOO_BIG);
	assert_null(c);
}

static void what_print_defaults_prints_loads_and_changes_nothing(void **state)
{
	(void)state;
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);

	assert_non_null(to);
	config_print_defaults(to);
	assert_int_equal(fclose(to), 0);
	struct config *printed = load_good(text);
	struct config *bare = load_good("unit: standalone\n"
	                                "transports: [{name: sip-udp, protocol: udp, address: "
	                                "127.0.0.1}]\n"
	                                "domains: [{name: example.com}]\n");
	assert_int_equal(config_digest(printed), config_digest(bare));
	assert_non_null(strstr(text, "20 ms to 1 min"));
	assert_non_null(strstr(text, "\n#  live_port: 7060\n"));
	config_free(&printed);
	config_free(&bare);
	free(text);
}

/* No cut of a good file may crash or give out half a configuration. */
static void every_cut_of_a_file_loads_or_is_refused_with_a_text(void **state)
{
	(void)state;
	size_t n = strlen(PRIMARY);

	for (size_t i = 0; i < n; i++) {
		struct config *c = NULL;
		struct config_fault fault;
		enum err err = load(slice_head(SLICE(PRIMARY), i), &c, &fault);

		assert_true((err == OK) == (c != NULL));
		assert_true(err == OK || fault.text[0] != '\0');
		config_free(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_default_is_what_the_table_says),
		cmocka_unit_test(items_of_lists_get_their_defaults),
		cmocka_unit_test(a_whole_configuration_of_a_pair_is_read),
		cmocka_unit_test(durations_and_sizes_need_their_unit),
		cmocka_unit_test(a_wrong_value_is_refused_with_its_line_and_what_would_be_right),
		cmocka_unit_test(an_unknown_key_is_refused_and_the_nearest_named),
		cmocka_unit_test(a_wrong_shape_is_refused),
		cmocka_unit_test(more_items_than_allowed_are_refused),
		cmocka_unit_test(a_file_that_cannot_be_read_is_named_with_the_reason),
		cmocka_unit_test(what_print_defaults_prints_loads_and_changes_nothing),
		cmocka_unit_test(every_cut_of_a_file_loads_or_is_refused_with_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
