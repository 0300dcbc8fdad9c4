/* layer: proto */
/* test_record_watcher.c - the record of an AOR's watchers comes back as it went, with the fields of a
 * newer version; what is wrong is refused. */
#include "proto/record.h"
#include "tests/check.h"
#include "tests/unit/golden/golden.h"
#include "tests/unit/record_desk.h"

static const struct addr phone = {.family = ADDR_IPV4, .port = 40000, .ip = {192, 0, 2, 7}};
static const struct addr virtual_ip = {
	.family = ADDR_IPV6, .port = 5060, .ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};

static struct watchers_record two(void)
{
	struct watcher w = {
		.call_id = SLICE("a84b4c76e66710"),
		.local_tag = SLICE("8f1c"),
		.remote_tag = SLICE("1928301774"),
		.remote = SLICE("\"Al\" <sip:alice@example.com>;tag=1928301774"),
		.target = SLICE("sip:alice@192.0.2.7:40000;transport=tls"),
		.route = {SLICE("<sip:edge1.example.com;lr>"), SLICE("<sip:edge2.example.com;lr>")},
		.n_routes = 2,
		.event = SLICE("reg;id=4"),
		.cseq = 4711,
		.version = 12,
		.expires = {1700003600123},
		.told_at = {1700000000123},
		.told = 0xfedcba9876543210,
		.reign = 0x0123456789abcdef,
		.received = phone,
		.local = virtual_ip,
		.transport = TRANSPORT_TLS,
		.connection = 77,
		.flow_reign = 0x0123456789abcdef,
		.gruu = true,
		.contacts = {0x1111111111111111, 0x2222222222222222},
		.n_contacts = 2,
	};
	struct watchers_record r = {.watchers = {w, w}, .n = 2};

	r.watchers[1].call_id = SLICE("another");
	r.watchers[1].n_routes = 0;
	r.watchers[1].transport = TRANSPORT_UDP;
	return r;
}

static struct slice encoded(const struct watchers_record *r)
{
	struct desk d = desk();

	watchers_encode(r, &d.arena, &d.to);
	assert_false(d.to.full);
	assert_int_equal(d.arena.n, 0);
	return buf_slice(&d.to);
}

static enum err decoded(struct slice bytes, struct watchers_record *out)
{
	static _Alignas(16) uint8_t memory[64 * 1024]; /* what `out` borrows stays until the next */
	struct arena arena = arena_on(memory, sizeof memory);

	return watchers_decode(bytes, &arena, out);
}

/* E13: all that the other node needs to go on with the dialog */
static void watchers_come_back_as_they_went(void **state)
{
	(void)state;
	struct watchers_record r = two(), back;
	struct slice bytes = encoded(&r);

	assert_golden("record-watchers", bytes);
	assert_int_equal(decoded(bytes, &back), OK);
	assert_int_equal(back.n, 2);
	const struct watcher *w = &back.watchers[0], *was = &r.watchers[0];
	assert_true(slice_eq(w->call_id, was->call_id) && slice_eq(w->local_tag, was->local_tag));
	assert_true(slice_eq(w->remote_tag, was->remote_tag) && slice_eq(w->remote, was->remote));
	assert_true(slice_eq(w->target, was->target) && slice_eq(w->event, was->event));
	assert_int_equal(w->n_routes, 2);
	assert_true(slice_eq(w->route[1], was->route[1]));
	assert_int_equal(w->cseq, 4711);
	assert_int_equal(w->version, 12);
	assert_true(w->expires.ms == was->expires.ms && w->told_at.ms == was->told_at.ms);
	assert_true(w->told == was->told && w->reign == was->reign);
	assert_true(addr_eq(&w->received, &phone) && addr_eq(&w->local, &virtual_ip));
	assert_int_equal(w->transport, TRANSPORT_TLS);
	assert_true(w->connection == 77 && w->flow_reign == was->flow_reign && w->gruu);
	assert_int_equal(w->n_contacts, 2);
	assert_true(w->contacts[1] == was->contacts[1]);
	assert_same(encoded(&back), bytes);
}

static void fields_of_a_newer_version_are_kept(void **state)
{
	(void)state;
	struct watchers_record r = two(), back;
	struct slice known = encoded(&r);
	struct desk d = desk();

	buf_put(&d.to, known);
	buf_put(&d.to, SLICE(NEWER));
	assert_int_equal(decoded(buf_slice(&d.to), &back), OK);
	assert_same(encoded(&back), buf_slice(&d.to));
}

static void what_is_wrong_is_refused(void **state)
{
	(void)state;
	struct watchers_record r = two(), back;

	assert_err("garbage", decoded(SLICE("\377\377"), &back), ERR_MALFORMED);
	r.watchers[1].version = UINT32_MAX;
	assert_err("version", decoded(encoded(&r), &back), ERR_MALFORMED);
	r = two();
	r.watchers[0].cseq = UINT32_MAX;
	assert_err("cseq", decoded(encoded(&r), &back), ERR_MALFORMED);
	/* one watcher that has nothing at all */
	assert_err("empty", decoded(SLICE("\012\000"), &back), ERR_MALFORMED);
	assert_err("many",
	           decoded(SLICE("\012\000\012\000\012\000\012\000\012\000\012\000\012\000"
	                         "\012\000\012\000"),
	                   &back),
	           ERR_TOO_BIG);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(watchers_come_back_as_they_went),
		cmocka_unit_test(fields_of_a_newer_version_are_kept),
		cmocka_unit_test(what_is_wrong_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
