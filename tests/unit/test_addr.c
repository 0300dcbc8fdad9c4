/* layer: proto_base */
/* test_addr.c - addresses as text, as bytes, and compared. */
#include "proto/base/addr.h"
#include "tests/check.h"

static struct addr addr_of(const char *text)
{
	struct addr a;

	if (!addr_parse(slice_str(text), &a))
		fail_msg("not read: %s", text);
	return a;
}

static void addresses_are_read_and_written_in_one_form(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		const char *out;
		const char *ip;
	} cases[] = {
		{"192.0.2.1", "192.0.2.1", "192.0.2.1"},
		{"192.0.2.1:5060", "192.0.2.1:5060", "192.0.2.1"},
		{"0.0.0.0:1", "0.0.0.0:1", "0.0.0.0"},
		{"255.255.255.255:65535", "255.255.255.255:65535", "255.255.255.255"},
		{"2001:DB8:0:0::1", "[2001:db8::1]", "2001:db8::1"},
		{"[2001:db8::1]", "[2001:db8::1]", "2001:db8::1"},
		{"[2001:db8::1]:5060", "[2001:db8::1]:5060", "2001:db8::1"},
		{"2001:db8::10:5070", "[2001:db8::10:5070]", "2001:db8::10:5070"},
		{"::", "[::]", "::"},
		{"[::ffff:192.0.2.1]:65535", "[::ffff:192.0.2.1]:65535", "::ffff:192.0.2.1"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t bytes[ADDR_TEXT_MAX];
		struct addr a = addr_of(cases[i].in);
		struct buf to = buf_on(bytes, sizeof bytes);

		addr_put(&to, &a);
		assert_true(slice_eq(buf_slice(&to), slice_str(cases[i].out)));
		to = buf_on(bytes, sizeof bytes);
		addr_put_ip(&to, &a);
		assert_true(slice_eq(buf_slice(&to), slice_str(cases[i].ip)));
	}
}

static void what_is_no_address_is_refused(void **state)
{
	(void)state;
	static const struct slice cases[] = {
		{NULL, 0},
		{SLICE_OF("a.example.com")},
		{SLICE_OF(":5060")},
		{SLICE_OF("192.0.2")},
		{SLICE_OF("192.0.2.256")},
		{SLICE_OF("192.0.2.1 ")},
		{SLICE_OF("192.0.2.1:")},
		{SLICE_OF("192.0.2.1:0")},
		{SLICE_OF("192.0.2.1:65536")},
		{SLICE_OF("192.0.2.1:123456")},
		{SLICE_OF("192.0.2.1:5o6")},
		{SLICE_OF("192.0.2.1:-1")},
		{SLICE_OF("[")},
		{SLICE_OF("[]")},
		{SLICE_OF("[2001:db8::1")},
		{SLICE_OF("[2001:db8::1]5060")},
		{SLICE_OF("[2001:db8::1]:")},
		{SLICE_OF("2001:db8:::1")},
		{SLICE_OF("2001:db8::1%eth0")},
		{SLICE_OF("1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa")},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr a;

		if (addr_parse(cases[i], &a))
			fail_msg("taken: " SLICE_FMT, SLICE_ARG(cases[i]));
	}
}

static void equal_means_family_address_and_port(void **state)
{
	(void)state;
	struct addr a = addr_of("192.0.2.1:5060");
	struct addr b = addr_of("192.0.2.1:5061");
	struct addr c = addr_of("192.0.2.2:5060");
	struct addr v6 = addr_of("[::ffff:192.0.2.1]:5060");
	struct addr none = {0};

	assert_true(addr_eq(&a, &a));
	assert_false(addr_eq(&a, &b));
	assert_true(addr_same_ip(&a, &b));
	assert_false(addr_same_ip(&a, &c));
	assert_false(addr_same_ip(&a, &v6));
	assert_false(addr_eq(&none, &a));
	assert_true(addr_eq(&none, &none));

	/* what stands behind an IPv4 address does not count */
	struct addr dirty = a;
	dirty.ip[15] = 1;
	assert_true(addr_eq(&a, &dirty));
}

static void the_stored_form_gives_the_same_address_back(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t size;
	} cases[] = {{"192.0.2.1:5060", 6}, {"192.0.2.1", 6}, {"[2001:db8::1]:65535", 18}};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t bytes[ADDR_BYTES_MAX];
		struct addr a = addr_of(cases[i].text);
		struct addr b;
		size_t n = addr_encode(&a, bytes);

		assert_int_equal(n, cases[i].size);
		assert_true(addr_decode((struct slice){bytes, n}, &b));
		assert_true(addr_eq(&a, &b));
	}
}

static void no_address_is_stored_as_nothing(void **state)
{
	(void)state;
	uint8_t bytes[ADDR_BYTES_MAX];
	struct addr none = {0};
	struct addr back = addr_of("192.0.2.1:5060");

	assert_int_equal(addr_encode(&none, bytes), 0);
	assert_true(addr_decode((struct slice){NULL, 0}, &back));
	assert_true(addr_eq(&none, &back));
	struct buf to = buf_on(bytes, sizeof bytes);
	addr_put(&to, &none);
	assert_int_equal(to.n, 0);
}

static void the_stored_form_is_fixed(void **state)
{
	(void)state;
	static const uint8_t expected[] = {192, 0, 2, 1, 0x13, 0xc4};
	uint8_t bytes[ADDR_BYTES_MAX];
	struct addr a = addr_of("192.0.2.1:5060");

	assert_int_equal(addr_encode(&a, bytes), sizeof expected);
	assert_memory_equal(bytes, expected, sizeof expected);
}

static void stored_forms_of_other_sizes_are_refused(void **state)
{
	(void)state;
	static const uint8_t bytes[20] = {0};

	for (size_t n = 1; n <= sizeof bytes; n++) {
		struct addr a;

		assert_int_equal(addr_decode((struct slice){bytes, n}, &a), n == 6 || n == 18);
	}
}

static void transports_have_the_names_a_via_uses(void **state)
{
	(void)state;
	assert_string_equal(transport_name(TRANSPORT_UDP), "UDP");
	assert_string_equal(transport_name(TRANSPORT_TCP), "TCP");
	assert_string_equal(transport_name(TRANSPORT_TLS), "TLS");
	assert_string_equal(transport_name(TRANSPORT_WS), "WS");
	assert_string_equal(transport_name(TRANSPORT_WSS), "WSS");
	assert_string_equal(transport_name((enum transport)0), "?");
	assert_string_equal(transport_name((enum transport)6), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_and_written_in_one_form),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(equal_means_family_address_and_port),
		cmocka_unit_test(the_stored_form_gives_the_same_address_back),
		cmocka_unit_test(no_address_is_stored_as_nothing),
		cmocka_unit_test(the_stored_form_is_fixed),
		cmocka_unit_test(stored_forms_of_other_sizes_are_refused),
		cmocka_unit_test(transports_have_the_names_a_via_uses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
