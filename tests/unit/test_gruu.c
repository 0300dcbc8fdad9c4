/* layer: core */
/* RFC 5627: names that reach one device, given at a registration and read back. */
#include "node/core/gruu.h"
#include "tests/unit/serve_ask.h"

#define ONE   ";+sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\""
#define TWO   ";+sip.instance=\"<urn:uuid:2 x>\""
#define A     "<sip:alice@192.0.2.7>"
#define GRUU  "Supported: gruu\r\n"
#define ALICE "sip:alice@open.example"
#define PUB   "sip:alice@open.example;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"

struct desk {
	struct kit *k;
	struct secrets secrets;
	struct gruu_keys keys;
	char gruus[8][512];
};

static struct desk *open_desk(uint8_t secret)
{
	struct desk *d = calloc(1, sizeof *d);

	assert_non_null(d);
	d->k = kit_new();
	kit_secret(d->k, 1, secret);
	secrets_follow(&d->secrets, d->k->copy, &d->k->arena);
	d->keys = (struct gruu_keys){d->k->digester, &d->secrets};
	return d;
}

static void close_desk(struct desk *d)
{
	kit_free(d->k);
	free(d);
}

/* The temporary GRUU of the last answer's first contact that has one, kept as number `at`. */
static const char *keep_temporary(struct desk *d, size_t at)
{
	const char *found = strstr(d->k->reply, ";temp-gruu=\"");

	assert_non_null(found);
	found += strlen(";temp-gruu=\"");
	(void)snprintf(d->gruus[at], sizeof d->gruus[at], "%.*s", (int)strcspn(found, "\""), found);
	return d->gruus[at];
}

static struct gruu read_gruu(struct desk *d, const char *text)
{
	struct sip_uri uri;
	struct gruu g;

	assert_int_equal(sip_uri_parse(slice_str(text), &uri), OK);
	assert_int_equal(gruu_read(&d->keys, &uri, &d->k->arena, &g), OK);
	return g;
}

/* How many live bindings of alice the text stands for. */
static size_t reached(struct desk *d, const char *text)
{
	struct gruu g = read_gruu(d, text);
	const struct aor_record *r = kit_record(d->k, ALICE);
	size_t n = 0;

	if (g.kind != GRUU_UNKNOWN)
		assert_true(slice_eq(g.aor, SLICE(ALICE)));
	for (size_t i = 0; i < r->n_bindings; i++)
		n += !pairtime_reached(r->bindings[i].expires, d->k->in.pair) &&
		     gruu_means(&d->keys, &g, &r->bindings[i]);
	return n;
}

static const char *register_one(struct desk *d, const char *call_id, unsigned cseq,
                                const char *contact)
{
	kit_pass(d->k, 1000);
	return kit_register(
		d->k,
		&(struct reg){.call_id = call_id, .cseq = cseq, .contact = contact, .more = GRUU});
}

/* gruu-1, gruu-2, gruu-3, gruu-4 */
static void who_knows_gruus_is_told_them(void **state)
{
	(void)state;
	struct desk *d = open_desk(0x11);

	(void)kit_register(d->k, &(struct reg){.contact = A ONE});
	assert_non_null(strstr(d->k->reply, ONE));
	assert_null(strstr(d->k->reply, "gruu"));
	(void)kit_register(d->k, &(struct reg){.cseq = 2, .more = GRUU});
	assert_non_null(strstr(d->k->reply, ";pub-gruu=\"" PUB "\";temp-gruu=\"sip:"));
	assert_null(strstr(d->k->reply, "Require:"));
	assert_null(strstr(d->k->reply, "Supported:"));
	(void)register_one(d, "c1", 3, A ";pub-gruu=\"sip:evil\"" ONE ";temp-gruu=\"sip:evil\"");
	assert_null(strstr(d->k->reply, "evil"));
	assert_non_null(strstr(d->k->reply, ";pub-gruu=\"" PUB "\""));
	(void)register_one(d, "c2", 4, "<sip:alice@192.0.2.9>");
	assert_null(strstr(strstr(d->k->reply, "192.0.2.9"), "gruu"));
	close_desk(d);
}

/* gruu-5, gruu-6, gruu-7 */
static void a_temporary_one_lives_as_long_as_its_call_id(void **state)
{
	(void)state;
	struct desk *d = open_desk(0x11);

	(void)register_one(d, "c1", 1, A ONE);
	(void)keep_temporary(d, 0);
	(void)register_one(d, "c1", 2, A ONE);
	(void)keep_temporary(d, 1);
	assert_string_not_equal(d->gruus[0], d->gruus[1]);
	assert_int_equal(reached(d, d->gruus[0]), 1);
	assert_int_equal(reached(d, d->gruus[1]), 1);

	(void)register_one(d, "c2", 1, A ONE); /* it started anew */
	(void)keep_temporary(d, 2);
	assert_int_equal(reached(d, d->gruus[0]), 0);
	assert_int_equal(reached(d, d->gruus[1]), 0);
	assert_int_equal(reached(d, d->gruus[2]), 1);
	assert_int_equal(reached(d, PUB), 1);

	(void)register_one(d, "c2", 2, A ONE ";expires=0");
	assert_int_equal(reached(d, d->gruus[2]), 0);
	(void)register_one(d, "c2", 3, A ONE);
	assert_int_equal(reached(d, d->gruus[2]), 0);
	kit_pass(d->k, KIT_HOUR_MS);
	assert_int_equal(reached(d, PUB), 0);
	close_desk(d);
}

/* gruu-6: of an instance with two contacts, the older one's too */
static void another_call_id_ends_those_of_the_whole_instance(void **state)
{
	(void)state;
	struct desk *d = open_desk(0x11);

	(void)register_one(d, "c1", 1, A ONE);
	(void)keep_temporary(d, 0);
	(void)register_one(d, "c9", 1, "<sip:alice@192.0.2.8>" ONE);
	assert_int_equal(reached(d, d->gruus[0]), 0);
	(void)keep_temporary(d, 1);
	assert_int_equal(reached(d, d->gruus[1]), 1);
	assert_int_equal(reached(d, PUB), 2);
	close_desk(d);
}

/* gruu-9 */
static void two_instances_have_different_ones(void **state)
{
	(void)state;
	struct desk *d = open_desk(0x11);
	const struct aor_record *r;

	(void)register_one(d, "c1", 1, A ONE);
	(void)keep_temporary(d, 0);
	(void)register_one(d, "c2", 1, "<sip:alice@192.0.2.8>" TWO);
	assert_non_null(strstr(d->k->reply, ";gr=urn:uuid:2%20x\""));
	assert_int_equal(reached(d, PUB), 1);
	assert_int_equal(reached(d, "sip:alice@open.example;gr=urn:uuid:2%20x"), 1);
	assert_int_equal(reached(d, "sip:alice@open.example;gr=urn:uuid:3"), 0);
	r = kit_record(d->k, ALICE);
	struct gruu g = read_gruu(d, d->gruus[0]);
	assert_true(gruu_means(&d->keys, &g, &r->bindings[0]));
	assert_false(gruu_means(&d->keys, &g, &r->bindings[1]));
	close_desk(d);
}

/* gruu-14, A20 */
static void both_nodes_open_them_and_nobody_else(void **state)
{
	(void)state;
	struct desk *a = open_desk(0x11), *b = open_desk(0x11), *other = open_desk(0x22);

	(void)register_one(a, "c1", 1, A ONE);
	(void)register_one(b, "c1", 1, A ONE); /* what the standby stores */
	(void)keep_temporary(a, 0);
	assert_int_equal(reached(b, a->gruus[0]), 1);
	assert_null(strstr(a->gruus[0], "alice"));
	assert_int_equal(read_gruu(other, a->gruus[0]).kind, GRUU_UNKNOWN);
	kit_secret(b->k, 2, 0x33); /* a newer secret: what the older one made is still read */
	secrets_follow(&b->secrets, b->k->copy, &b->k->arena);
	assert_int_equal(reached(b, a->gruus[0]), 1);
	close_desk(a);
	close_desk(b);
	close_desk(other);
}

static void a_forged_one_means_nobody(void **state)
{
	(void)state;
	struct desk *d = open_desk(0x11);
	static const char *const texts[] = {"sip:x@open.example;gr", "sip:@open.example;gr",
	                                    "sip:a%20b@open.example;gr", "sip:open.example;gr"};

	(void)register_one(d, "c1", 1, A ONE);
	(void)keep_temporary(d, 0);
	size_t n = strcspn(d->gruus[0], "@");
	for (size_t i = strlen("sip:"); i < n; i++) {
		(void)snprintf(d->gruus[1], sizeof d->gruus[1], "%s", d->gruus[0]);
		d->gruus[1][i] = d->gruus[1][i] == 'A' ? 'Q' : 'A';
		/* the last letter's spare bits say nothing */
		assert_true(read_gruu(d, d->gruus[1]).kind == GRUU_UNKNOWN || i + 1 == n);
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct sip_uri uri;
		struct gruu g;

		if (sip_uri_parse(slice_str(texts[i]), &uri) == OK &&
		    gruu_read(&d->keys, &uri, &d->k->arena, &g) == OK)
			assert_int_equal(g.kind, GRUU_UNKNOWN);
	}
	close_desk(d);
}

/* gruu-8 */
static void a_contact_that_leads_back_is_refused(void **state)
{
	(void)state;
	struct desk *d = open_desk(0x11);
	char contact[700];

	(void)register_one(d, "c1", 1, A ONE);
	(void)snprintf(contact, sizeof contact, "<%s>" ONE, keep_temporary(d, 0));
	assert_string_equal(register_one(d, "c2", 1, contact), "403");
	assert_string_equal(register_one(d, "c3", 1, "<" PUB ">" ONE), "403");
	assert_string_equal(register_one(d, "c4", 1, "<" ALICE ">" ONE), "403");
	assert_memory_equal(register_one(d, "c5", 1, "<sip:bob@open.example>" ONE), "200", 3);
	close_desk(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_knows_gruus_is_told_them),
		cmocka_unit_test(a_temporary_one_lives_as_long_as_its_call_id),
		cmocka_unit_test(another_call_id_ends_those_of_the_whole_instance),
		cmocka_unit_test(two_instances_have_different_ones),
		cmocka_unit_test(both_nodes_open_them_and_nobody_else),
		cmocka_unit_test(a_forged_one_means_nobody),
		cmocka_unit_test(a_contact_that_leads_back_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
