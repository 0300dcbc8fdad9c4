/* layer: core */
/* The torture messages of RFC 4475 and RFC 5118 through the whole registrar: each gets at most one
 * answer, of a status that a registrar may give. */
#include "tests/unit/serve_ask.h"

enum { COLUMNS = 8 };

struct row {
	char line[1024];
	const char *file, *verdict, *allowed;
};

/* file, kind, bytes, source, licence, verdict, status_for_registrar, why */
static bool read_row(FILE *index, struct row *row)
{
	char *column[COLUMNS], *rest = row->line;

	if (fgets(row->line, sizeof row->line, index) == NULL)
		return false;
	for (size_t i = 0; i < COLUMNS; i++)
		column[i] = strsep(&rest, "\t");
	assert_non_null(column[COLUMNS - 1]);
	row->file = column[0];
	row->verdict = column[5];
	row->allowed = column[6];
	return true;
}

static struct slice read_message(const char *folder, const char *name, uint8_t *to, size_t room)
{
	char path[512];

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	size_t n = fread(to, 1, room, f);
	assert_int_equal(fclose(f), 0);
	return (struct slice){to, n};
}

/* The domains that the messages name. */
static struct server *torture_server(bool digest)
{
	static const char *const names[] = {
		"example.com",        "biloxi.com",          "atlanta.com",
		"biloxi.example.com", "atlanta.example.com", "example.net",
		"example.org",        "company.com",         "chair-dnrc.example.com",
		"host5.example.net",  "[2001:db8::10]",      "[2001:db8::10:5070]"};
	static struct domain_policy domains[ARRAY_LEN(names)];

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		domains[i] = (struct domain_policy){.name = slice_str(names[i]),
		                                    .default_expires_s = 3600,
		                                    .min_expires_s = 60,
		                                    .max_expires_s = 7200,
		                                    .digest = digest,
		                                    .max_contacts = 4};
	return server_new(&(struct server_options){.domains = domains,
	                                           .n_domains = ARRAY_LEN(names),
	                                           .nonce_lifetime_ms = KIT_HOUR_MS,
	                                           .alloc = heap});
}

/* One message as the first and only one that a registrar meets. */
static void torture(const char *folder, const struct row *row, bool digest)
{
	static uint8_t bytes[8192];
	struct kit *k = kit_new();
	char status[8] = "none";

	server_free(&k->server);
	k->server = torture_server(digest);
	kit_secret(k, 1, 1);
	(void)kit_serve(k, read_message(folder, row->file, bytes, sizeof bytes));
	if (k->reply[0] != '\0')
		(void)snprintf(status, sizeof status, "%.3s", k->reply + strlen("SIP/2.0 "));
	if (strstr(row->allowed, status) == NULL)
		fail_msg("%s: may be %s, is %s\n%s", row->file, row->allowed, status, k->reply);
	if (strcmp(row->verdict, "must-reject") == 0)
		assert_false(k->out.change);
	if (strcmp(row->verdict, "drop") == 0)
		assert_string_equal(status, "none");
	kit_free(k);
}

/* R33, R34, R40, R43, R45, R46, R01 */
static void every_torture_message_gets_an_answer_it_may_get(void **state)
{
	(void)state;
	const char *folder = getenv("SHARED_DATA");
	char path[512];
	struct row row;
	size_t n = 0;

	if (folder == NULL)
		skip(); /* needs SHARED_DATA: torture-index.tsv, rfc4475/ and rfc5118/ */
	(void)snprintf(path, sizeof path, "%s/torture-index.tsv", folder);
	FILE *index = fopen(path, "r");
	assert_non_null(index);
	assert_true(read_row(index, &row)); /* the names of the columns */
	while (read_row(index, &row)) {
		torture(folder, &row, false);
		torture(folder, &row, true);
		n++;
	}
	assert_int_equal(fclose(index), 0);
	assert_true(n > 50);
}

static size_t torture_list(const char *folder, const char *name, struct kit *k)
{
	static uint8_t bytes[8192];

	server_free(&k->server);
	k->server = torture_server(false);
	(void)kit_serve(k, read_message(folder, name, bytes, sizeof bytes));
	assert_memory_equal(kit_summary(k), "200", 3);
	struct aor_record r;
	arena_reset(&k->arena);
	if (!k->out.change)
		return 0;
	const struct copy_item *item = NULL;
	struct copy_cursor cursor = {0};
	while ((item = copy_walk(k->copy, TABLE_AOR, &cursor)) != NULL)
		assert_int_equal(aor_decode(item->value, &k->arena, &r), OK);
	return r.n_bindings;
}

/* R32, R33: what the messages want stored, in detail. */
static void torture_contacts_are_stored_as_they_mean(void **state)
{
	(void)state;
	static const struct {
		const char *file, *listed;
		size_t bindings;
	} cases[] = {
		{"rfc4475/escnull.dat", "null-%00-null", 0},
		{"rfc4475/cparam01.dat", ">;unknownparam", 1},
		{"rfc4475/cparam02.dat", ";unknownparam>", 1},
		{"rfc4475/regescrt.dat", "?Route=%3Csip:sip.example.com%3E>", 1},
	};

	const char *folder = getenv("SHARED_DATA");

	if (folder == NULL)
		skip(); /* needs SHARED_DATA */
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct kit *k = kit_new();
		size_t n = torture_list(folder, cases[i].file, k);

		if (cases[i].bindings > 0)
			assert_int_equal(n, cases[i].bindings);
		else
			assert_int_equal(n, 2);
		if (cases[i].bindings > 0 && strstr(k->summary, cases[i].listed) == NULL)
			fail_msg("%s: %s", cases[i].file, k->summary);
		kit_free(k);
	}
}

/* R42: what nothing tells apart is not the same for that */
static void two_broken_requests_are_not_taken_for_one(void **state)
{
	struct kit *k = kit_new();
	char text[256];

	(void)state;
	for (int i = 0; i < 2; i++) {
		(void)snprintf(text, sizeof text,
		               "REGISTER sip:open.example SIP/2.0\r\nVia: nonsense %d\r\n"
		               "From: <sip:a@open.example>;tag=f\r\nTo: <sip:a@open.example>\r\n"
		               "Call-ID: c\r\nCSeq: 1 REGISTER\r\n\r\n",
		               i);
		const char *reply = kit_serve(k, slice_str(text));
		assert_ptr_equal(strstr(reply, "SIP/2.0 400"), reply);
		assert_non_null(strstr(reply, i == 0 ? "nonsense 0" : "nonsense 1"));
	}
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_torture_message_gets_an_answer_it_may_get),
		cmocka_unit_test(torture_contacts_are_stored_as_they_mean),
		cmocka_unit_test(two_broken_requests_are_not_taken_for_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
