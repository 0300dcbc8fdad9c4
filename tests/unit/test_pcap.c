/* layer: ctl */
/* Messages as packets: what a reader of pcap files finds, byte by byte. */
#include <stdlib.h>

#include "node/ctl/pcap.h"
#include "tests/check.h"

enum { GLOBAL_HEAD = 24, RECORD_HEAD = 16 };

struct kept {
	char *bytes;
	size_t n;
	FILE *file;
	struct pcap *pcap;
};

/* The stream writes through pointers to both: they stay where they are. */
static void begin(struct kept *k)
{
	k->file = open_memstream(&k->bytes, &k->n);
	assert_non_null(k->file);
	k->pcap = pcap_open(k->file);
}

static void put(struct kept *k, bool stream, const char *from, const char *to, struct slice bytes)
{
	struct pcap_message m = {.wall_us = 1700000000000123, .stream = stream, .bytes = bytes};

	assert_true(addr_parse(slice_str(from), &m.from) && addr_parse(slice_str(to), &m.to));
	pcap_put(k->pcap, &m);
	assert_int_equal(fflush(k->file), 0);
	assert_int_equal(pcap_size(k->pcap), k->n);
}

static void end(struct kept *k)
{
	pcap_close(&k->pcap);
	assert_int_equal(fclose(k->file), 0);
	free(k->bytes);
}

static uint32_t host32(const struct kept *k, size_t at)
{
	uint32_t n;

	memcpy(&n, k->bytes + at, sizeof n);
	return n;
}

static uint32_t net(const struct kept *k, size_t at, size_t n)
{
	uint32_t value = 0;

	for (size_t i = 0; i < n; i++)
		value = value << 8 | (uint8_t)k->bytes[at + i];
	return value;
}

/* Over a part with its checksum in it, and what is put before it: 0xffff where it is right. */
static uint32_t sum(const struct kept *k, size_t at, size_t n, uint32_t before)
{
	for (size_t i = 0; i < n; i++)
		before += (uint32_t)(uint8_t)k->bytes[at + i] << (i % 2 == 0 ? 8 : 0);
	while (before >> 16 != 0)
		before = (before & 0xffff) + (before >> 16);
	return before;
}

static void a_datagram_is_one_packet(void **state)
{
	(void)state;
	struct kept k;
	size_t ip = GLOBAL_HEAD + RECORD_HEAD;

	begin(&k);
	put(&k, false, "192.0.2.7:40000", "192.0.2.1:5060", SLICE("SIP/2"));
	assert_int_equal(host32(&k, 0), 0xa1b2c3d4);
	assert_int_equal(host32(&k, 20), 101); /* raw IP */
	assert_int_equal(host32(&k, GLOBAL_HEAD), 1700000000);
	assert_int_equal(host32(&k, GLOBAL_HEAD + 4), 123);
	assert_int_equal(host32(&k, GLOBAL_HEAD + 8), 20 + 8 + 5);
	assert_int_equal(host32(&k, GLOBAL_HEAD + 12), 20 + 8 + 5);
	assert_int_equal(k.n, ip + 20 + 8 + 5);
	assert_int_equal(net(&k, ip, 1), 0x45);
	assert_int_equal(net(&k, ip + 2, 2), 33);
	assert_int_equal(net(&k, ip + 9, 1), 17);
	assert_int_equal(net(&k, ip + 12, 4), 0xc0000207);
	assert_int_equal(net(&k, ip + 16, 4), 0xc0000201);
	assert_int_equal(net(&k, ip + 20, 2), 40000);
	assert_int_equal(net(&k, ip + 22, 2), 5060);
	assert_int_equal(net(&k, ip + 24, 2), 13);
	assert_memory_equal(k.bytes + ip + 28, "SIP/2", 5);
	assert_int_equal(sum(&k, ip, 20, 0), 0xffff);
	assert_int_equal(sum(&k, ip + 12, 8 + 13, 17 + 13), 0xffff);
	end(&k);
}

static void a_stream_counts_its_bytes_in_both_directions(void **state)
{
	(void)state;
	struct kept k;
	size_t first = GLOBAL_HEAD + RECORD_HEAD, size = 20 + 20 + RECORD_HEAD;

	begin(&k);
	put(&k, true, "192.0.2.7:40000", "192.0.2.1:5060", SLICE("ask"));
	put(&k, true, "192.0.2.1:5060", "192.0.2.7:40000", SLICE("answer"));
	put(&k, true, "192.0.2.7:40000", "192.0.2.1:5060", SLICE("again"));
	put(&k, true, "192.0.2.7:40001", "192.0.2.1:5060", SLICE("other"));
	size_t second = first + size + 3, third = second + size + 6, other = third + size + 5;
	assert_int_equal(net(&k, first + 24, 4), 1);
	assert_int_equal(net(&k, first + 28, 4), 1);
	assert_int_equal(net(&k, second + 24, 4), 1);
	assert_int_equal(net(&k, second + 28, 4), 4);
	assert_int_equal(net(&k, third + 24, 4), 4);
	assert_int_equal(net(&k, third + 28, 4), 7);
	assert_int_equal(net(&k, other + 24, 4), 1);
	assert_int_equal(net(&k, third + 9, 1), 6);
	assert_int_equal(sum(&k, third + 12, 8 + 20 + 5, 6 + 25), 0xffff);
	end(&k);
}

static void ipv6_has_its_own_head(void **state)
{
	(void)state;
	struct kept k;
	size_t ip = GLOBAL_HEAD + RECORD_HEAD;

	begin(&k);
	put(&k, false, "[2001:db8::7]:5060", "[2001:db8::1]:5062", SLICE("x"));
	assert_int_equal(net(&k, ip, 4), 0x60000000);
	assert_int_equal(net(&k, ip + 4, 2), 9);
	assert_int_equal(net(&k, ip + 6, 2), 17 << 8 | 64);
	assert_int_equal(net(&k, ip + 8, 4), 0x20010db8);
	assert_int_equal(net(&k, ip + 42, 2), 5062);
	assert_int_equal(sum(&k, ip + 8, 32 + 9, 17 + 9), 0xffff);
	end(&k);
}

static void a_large_message_of_a_stream_is_several_packets(void **state)
{
	enum { SIZE = 65535 };
	(void)state;
	struct kept k;
	uint8_t *bytes = malloc(SIZE);

	begin(&k);
	assert_non_null(bytes);
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)(i % 251);
	put(&k, true, "192.0.2.7:1", "192.0.2.1:2", (struct slice){bytes, SIZE});
	size_t one = GLOBAL_HEAD + RECORD_HEAD, n = host32(&k, GLOBAL_HEAD + 8);
	assert_int_equal(net(&k, one + 2, 2), n);
	assert_memory_equal(k.bytes + one + 40, bytes, n - 40);
	size_t two = one + n + RECORD_HEAD;
	assert_int_equal(net(&k, two + 24, 4), 1 + n - 40);
	assert_memory_equal(k.bytes + two + 40, bytes + (n - 40), SIZE - (n - 40));
	assert_int_equal(k.n, two + 40 + SIZE - (n - 40));
	free(bytes);
	end(&k);
}

static void more_streams_than_it_knows_are_written_all_the_same(void **state)
{
	enum { MANY = 1500 };
	(void)state;
	struct kept k;
	char from[32];

	begin(&k);
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(from, sizeof from, "192.0.2.7:%d", 2000 + i);
		put(&k, true, from, "192.0.2.1:5060", SLICE("x"));
	}
	assert_int_equal(k.n, GLOBAL_HEAD + MANY * (RECORD_HEAD + 41));
	end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_datagram_is_one_packet),
		cmocka_unit_test(a_stream_counts_its_bytes_in_both_directions),
		cmocka_unit_test(ipv6_has_its_own_head),
		cmocka_unit_test(a_large_message_of_a_stream_is_several_packets),
		cmocka_unit_test(more_streams_than_it_knows_are_written_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
