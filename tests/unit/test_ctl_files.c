/* layer: ctl */
/* What regpairctl reads: lines of CSV, keepalived's file, entries of the log. */
#include <stdlib.h>
#include <unistd.h>

#include "node/ctl/check.h"
#include "node/ctl/csv.h"
#include "node/ctl/entries.h"
#include "node/ctl/keepalived_file.h"
#include "node/ctl/print.h"
#include "node/ctl/subscriber.h"
#include "proto/record_nap.h"
#include "tests/check.h"

static void csv_lines_are_split_and_unquoted(void **state)
{
	static const struct {
		const char *line;
		bool ok;
		size_t n;
		const char *field[3];
	} rows[] = {
		{"alice,secret\n", true, 2, {"alice", "secret"}},
		{"alice,secret\r\n", true, 2, {"alice", "secret"}},
		{"alice,\"se,cret\"", true, 2, {"alice", "se,cret"}},
		{"\"al\"\"ice\",x\n", true, 2, {"al\"ice", "x"}},
		{"\"\",x\n", true, 2, {"", "x"}},
		{"a, b ,c", true, 3, {"a", " b ", "c"}},
		{"a,\n", true, 2, {"a", ""}},
		{"\n", true, 1, {""}},
		{"a,se\"cret\n", true, 2, {"a", "se\"cret"}},
		{"a,\"secret\n", false, 0, {NULL}},
		{"a,\"sec\"ret\n", false, 0, {NULL}},
		{"a,b,c,d,e,f,g,h,i\n", false, 0, {NULL}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char line[64];
		struct csv_line csv;
		(void)snprintf(line, sizeof line, "%s", rows[i].line);
		assert_int_equal(csv_split(line, &csv), rows[i].ok);
		if (!rows[i].ok)
			continue;
		assert_int_equal(csv.n, rows[i].n);
		for (size_t f = 0; f < csv.n; f++)
			assert_string_equal(csv.field[f], rows[i].field[f]);
	}
}

static void a_subscribers_name_is_split_at_its_last_at_sign(void **state)
{
	struct subscriber_name who;
	char too_long[600] = "";

	(void)state;
	assert_true(subscriber_name("alice@Example.COM", &who));
	assert_string_equal(who.user, "alice");
	assert_string_equal(who.realm, "example.com");
	assert_true(subscriber_name("a@b@example.com", &who));
	assert_string_equal(who.user, "a@b");
	assert_true(subscriber_name("alice", &who));
	assert_string_equal(who.realm, "");
	assert_false(subscriber_name("", &who));
	assert_false(subscriber_name("@example.com", &who));
	assert_false(subscriber_name("alice@", &who));
	memset(too_long, 'a', sizeof too_long - 1);
	assert_false(subscriber_name(too_long, &who));
}

/* RFC 7616 3.9.1: user, realm and password of its example give these HA1. */
static void hashes_are_what_a_digest_wants(void **state)
{
	struct subscriber_name who = {.user = "Mufasa", .realm = "http-auth@example.org"};
	struct subscriber_hashes h, again;
	struct digester *d = digester_new();

	(void)state;
	subscriber_hash(d, &who, "Circle of Life", &h);
	digester_close(&d);
	assert_string_equal(h.hex[DIGEST_MD5], "3d78807defe7de2157e2b0b6573a855f");
	assert_int_equal(strlen(h.hex[DIGEST_SHA256]), 64);
	assert_int_equal(strlen(h.hex[DIGEST_SHA512_256]), 64);
	char *given[] = {h.hex[0], h.hex[1], h.hex[2]};
	assert_true(subscriber_hashes_given(given, &again));
	given[0] = h.hex[1];
	assert_false(subscriber_hashes_given(given, &again));
}

static struct keepalived_file read_text(const char *text)
{
	char *copy = strdup(text);
	FILE *from = copy != NULL ? fmemopen(copy, strlen(copy), "r") : NULL;

	assert_non_null(from);
	struct keepalived_file f = keepalived_read(from);
	(void)fclose(from);
	free(copy);
	return f;
}

static void keepalived_statements_stand_in_their_blocks(void **state)
{
	struct keepalived_file f = read_text("global_defs {\n\tvrrp_version  3 # three\n}\n"
	                                     "track_file sick { file \"/run/x y\" \n weight 0 }\n"
	                                     "! a remark { that opens nothing\n"
	                                     "vrrp_instance VI\n{\n  nopreempt\n"
	                                     "  track_file { sick weight 0 }\n"
	                                     "  virtual_ipaddress {\n 10.0.0.1/24 dev e\n }\n"
	                                     "  state BACKUP\n}}}\nlast");

	(void)state;
	assert_string_equal(keepalived_value(&f, "global_defs", "vrrp_version"), "3");
	assert_null(keepalived_value(&f, "global_defs", "vrrp"));
	assert_null(keepalived_value(&f, "", "vrrp_version"));
	assert_string_equal(keepalived_block_with(&f, "track_file", "file /run/x y"),
	                    "track_file sick");
	assert_true(keepalived_has_block(&f, "vrrp_instance VI"));
	assert_false(keepalived_has_block(&f, "vrrp_instance V"));
	assert_string_equal(keepalived_value(&f, "vrrp_instance VI", "nopreempt"), "");
	assert_string_equal(keepalived_value(&f, "vrrp_instance VI", "state"), "BACKUP");
	assert_string_equal(keepalived_value(&f, "vrrp_instance VI/track_file", "sick"),
	                    "weight 0");
	assert_string_equal(keepalived_value(&f, "", "last"), "");
	keepalived_free(&f);
	assert_int_equal(f.n, 0);
}

static void any_text_can_be_read_as_keepalived_s(void **state)
{
	char deep[4096];

	(void)state;
	memset(deep, '{', sizeof deep - 1);
	for (size_t i = 0; i < sizeof deep - 1; i += 3)
		deep[i] = 'a';
	deep[sizeof deep - 1] = '\0';
	struct keepalived_file f = read_text(deep);
	keepalived_free(&f);
	memset(deep, 'a', sizeof deep - 1);
	f = read_text(deep);
	assert_int_equal(f.n, 1);
	keepalived_free(&f);
}

#define KEEPALIVED(state, advert, track)                                        \
	"global_defs {\n vrrp_version 3\n vrrp_notify_fifo /run/f\n"            \
	"vrrp_higher_prio_send_advert true\n vrrp_garp_master_refresh 1\n}\n"   \
	"track_file sick {\n file \"/run/t\"\n weight 0\n}\n"                   \
	"vrrp_instance VI {\n state " state "\n nopreempt\n advert_int " advert \
	"\n track_file { " track " }\n"                                         \
	"virtual_ipaddress {\n 10.0.0.10/24 dev eth0\n}\n}\n"

/* What `check` finds in a keepalived file of that text. */
static struct report check_text(const char *text)
{
	char path[] = "/tmp/keepalived-XXXXXX", fifo[] = "/run/f", track[] = "/run/t",
	     instance[] = "VI";
	struct config config = {.unit = UNIT_PRIMARY,
	                        .keepalived_fifo = fifo,
	                        .keepalived_track_file = track,
	                        .keepalived_instance = instance,
	                        .keepalived_advert_interval = 100};
	struct ctl ctl = {.json = true};
	struct report r = report_begin(&ctl);
	FILE *file = fdopen(mkstemp(path), "w");

	assert_true(addr_parse(SLICE("10.0.0.10"), &config.keepalived_address));
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	(void)fclose(file);
	check_keepalived(&r, &config, path);
	(void)remove(path);
	return r;
}

/* How many findings are wrong; one of them must say `part`. */
static size_t count_wrong(const char *text, const char *part)
{
	struct report r = check_text(text);
	size_t wrong = 0;
	bool said = false;

	for (size_t i = 0; i < json_array_size(r.findings); i++) {
		const json_t *f = json_array_get(r.findings, i);
		const char *found = json_string_value(json_object_get(f, "text"));
		if (json_is_true(json_object_get(f, "ok")))
			continue;
		wrong++;
		said = said || (found != NULL && strstr(found, part) != NULL);
	}
	assert_true(wrong == 0 || said);
	assert_int_equal(r.wrong, wrong > 0);
	json_decref(r.findings);
	return wrong;
}

static void keepalived_s_file_is_held_against_the_configuration(void **state)
{
	(void)state;
	assert_int_equal(count_wrong(KEEPALIVED("BACKUP", "0.1", "sick weight 0"), ""), 0);
	assert_int_equal(count_wrong(KEEPALIVED("BACKUP", "0.1", "sick"), ""), 0);
	assert_int_equal(count_wrong(KEEPALIVED("MASTER", "0.1", "sick"), "state is MASTER"), 1);
	assert_int_equal(count_wrong(KEEPALIVED("BACKUP", "1", "sick"), "advert_int is 1 s"), 1);
	assert_int_equal(count_wrong(KEEPALIVED("BACKUP", "0.1", "sick weight -5"), "track"), 1);
	assert_int_equal(count_wrong(KEEPALIVED("BACKUP", "0.1", "other"), "does not track"), 1);
	assert_int_equal(count_wrong("", "there is no vrrp_instance VI"), 5);
}

static void expect_entry(const struct entry *e, const char *key, const char *summary)
{
	static uint8_t memory[ENTRIES_MEMORY] __attribute__((aligned(16)));
	struct arena arena = arena_on(memory, sizeof memory);
	json_t *o = entry_object(e, &arena);

	assert_string_equal(json_string_value(json_object_get(o, "key")), key);
	assert_string_equal(json_string_value(json_object_get(o, "summary")), summary);
	assert_string_equal(json_string_value(json_object_get(o, "time")),
	                    "2026-01-01T00:00:00.007Z");
	json_decref(o);
}

static void entries_are_told_without_their_secrets(void **state)
{
	uint8_t room[256];
	struct buf value = buf_on(room, sizeof room);
	struct entry e = {.seq = 1,
	                  .reign = 2,
	                  .pair = {1767225600007},
	                  .kind = ENTRY_SECRET,
	                  .table = TABLE_SECRET,
	                  .key = SLICE("\0\0\0\0\0\0\0\1")};
	struct secret_record secret = {.id = 1, .key = SLICE("0123456789abcdef0123456789abcdef")};
	struct subscriber_record gone = {.user = SLICE("a"), .realm = SLICE("b"), .gone = true};

	(void)state;
	secret_encode(&secret, &value);
	e.value = buf_slice(&value);
	expect_entry(&e, "0000000000000001", "a secret (not shown)");
	e.value.n = 0;
	expect_entry(&e, "0000000000000001", "deleted");
	value.n = 0;
	subscriber_encode(&gone, &value);
	e.table = TABLE_SUBSCRIBER;
	e.key = SLICE("a\x1b@b");
	e.value = buf_slice(&value);
	expect_entry(&e, "a?@b", "removed");
	e.value = SLICE("\xff\xff\xff");
	expect_entry(&e, "a?@b", "cannot be read: bytes do not follow the grammar");
	e.table = (enum table)77;
	expect_entry(&e, "a?@b", "3 bytes");
}

static void an_entry_of_a_nap_says_how_it_stands(void **state)
{
	uint8_t room[256];
	struct buf value = buf_on(room, sizeof room);
	struct entry e = {.seq = 1,
	                  .reign = 2,
	                  .pair = {1767225600007},
	                  .kind = ENTRY_NAP,
	                  .table = TABLE_NAP,
	                  .key = SLICE("carrier")};
	struct nap_record r = {.phase = NAP_IDLE, .unit = UNIT_PRIMARY};

	(void)state;
	nap_encode(&r, &value);
	e.value = buf_slice(&value);
	expect_entry(&e, "carrier", "idle");
	r.phase = NAP_REGISTERED;
	r.call_id = r.from_tag = r.aor = r.contact = SLICE("x");
	r.cseq = 1001;
	r.last_status = 200;
	r.available_since.ms = 1;
	value.n = 0;
	nap_encode(&r, &value);
	e.value = buf_slice(&value);
	expect_entry(&e, "carrier", "registered, cseq 1001, answered 200, not available");
	e.value.n = 1;
	expect_entry(&e, "carrier", "cannot be read: bytes do not follow the grammar");
}

static int log_of_bytes(struct slice bytes)
{
	char verb[] = "log", option[] = "--file", path[] = "/tmp/fork-XXXXXX";
	char *argv[] = {verb, option, path, NULL};
	struct ctl ctl = {.json = false};
	FILE *file = fdopen(mkstemp(path), "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes.p, 1, bytes.n, file), bytes.n);
	assert_int_equal(fclose(file), 0);
	int code = ctl_log(&ctl, 3, argv);
	assert_int_equal(remove(path), 0);
	return code;
}

/* A file of one block behind its length, `cut` bytes short. */
static int log_of_file(size_t cut)
{
	static uint8_t room[BLOCK_MAX], text[1024];
	struct buf entry = buf_on(text, sizeof text), head = buf_on(room, 4);
	struct block_writer w = block_begin(room + 4, sizeof room - 4, 7);
	struct entry e = {.seq = 7,
	                  .reign = 2,
	                  .kind = ENTRY_REQUEST,
	                  .table = TABLE_AOR,
	                  .key = SLICE("sip:a@example.com")};

	entry_encode(&e, &entry);
	block_add(&w, buf_slice(&entry));
	struct slice block = block_end(&w, 0);
	buf_uint(&head, block.n, 4);
	return log_of_bytes((struct slice){room, 4 + block.n - cut});
}

static void a_file_that_was_set_aside_is_read_whole_or_refused(void **state)
{
	(void)state;
	assert_int_equal(log_of_file(0), CTL_DONE);
	assert_int_equal(log_of_file(1), CTL_FAILED);
	assert_int_equal(log_of_file(20), CTL_FAILED);
	assert_int_equal(log_of_bytes(SLICE("")), CTL_DONE);
	assert_int_equal(log_of_bytes(SLICE("\0\0\1")), CTL_FAILED);
	assert_int_equal(log_of_bytes(SLICE("\377\377\377\377")), CTL_FAILED);
}

/* What the verb prints, its exit code before it. */
static const char *shown_by_history(char **argv)
{
	static char shown[2048];
	struct ctl ctl = {.json = false};
	FILE *out = tmpfile();

	(void)fflush(stdout);
	int before = dup(STDOUT_FILENO);
	assert_true(out != NULL && dup2(fileno(out), STDOUT_FILENO) >= 0);
	int code = ctl_history(&ctl, 5, argv);
	(void)fflush(stdout);
	assert_true(dup2(before, STDOUT_FILENO) >= 0 && close(before) == 0);
	rewind(out);
	int n = snprintf(shown, sizeof shown, "%d\n", code);
	shown[(size_t)n + fread(shown + n, 1, sizeof shown - (size_t)n - 1, out)] = '\0';
	(void)fclose(out);
	return shown;
}

/* What `regpairctl history` prints of these lines. */
static const char *history_of(const char *old, const char *lines, const char *last)
{
	char dir[] = "/tmp/history-XXXXXX", word[4][16] = {"history", "--store", "--last"};
	char *argv[] = {word[0], word[1], mkdtemp(dir), word[2], word[3], NULL}, path[2][64];
	const char *text[] = {old, lines};

	(void)snprintf(word[3], sizeof word[3], "%s", last);
	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(path[i], sizeof path[i], "%s/history%s", dir, i == 0 ? ".old" : "");
		FILE *file = fopen(path[i], "we");
		assert_true(file != NULL && fputs(text[i], file) >= 0 && fclose(file) == 0);
	}
	const char *shown = shown_by_history(argv);
	assert_true(remove(path[0]) == 0 && remove(path[1]) == 0 && remove(dir) == 0);
	return shown;
}

/* A13 */
static void the_newest_lines_of_the_journal_are_shown_and_cut_ones_are_not(void **state)
{
	static const char old[] = "0\t5\t1\t1\trole\tstopped\tinit\tstart\n"
				  "1000\t5\t1\t7\trole\tinit\tstandby\tmet the peer\n";
	static const char lines[] =
		"2000\t5\t2\t8\trole\tsta\n"
		"3000\t5\t2\t9\tpair\texposed\tpaired\tin step\n\nx\t5\t2\t9\ta\tb\tc\td\n";

	(void)state;
	assert_string_equal(
		history_of(old, lines, "2"),
		"0\n"
		"TIME                      EPOCH  SEQ  WHAT  FROM     TO       WHY\n"
		"1970-01-01T00:00:01.000Z      1    7  role  init     standby  met the peer\n"
		"1970-01-01T00:00:03.000Z      2    9  pair  exposed  paired   in step\n");
	assert_non_null(strstr(history_of(old, lines, "500"), "start"));
}

static void durations_are_told_in_two_units(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
		{0, "0 ms"},          {999, "999 ms"},        {1500, "1.5 s"},
		{61000, "1 min 1 s"}, {3600000, "1 h 0 min"}, {93784000, "1 d 2 h"},
		{-1500, "-1.500 s"},
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(print_duration(rows[i].ms, text), rows[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(csv_lines_are_split_and_unquoted),
		cmocka_unit_test(a_subscribers_name_is_split_at_its_last_at_sign),
		cmocka_unit_test(hashes_are_what_a_digest_wants),
		cmocka_unit_test(keepalived_statements_stand_in_their_blocks),
		cmocka_unit_test(any_text_can_be_read_as_keepalived_s),
		cmocka_unit_test(keepalived_s_file_is_held_against_the_configuration),
		cmocka_unit_test(entries_are_told_without_their_secrets),
		cmocka_unit_test(an_entry_of_a_nap_says_how_it_stands),
		cmocka_unit_test(a_file_that_was_set_aside_is_read_whole_or_refused),
		cmocka_unit_test(the_newest_lines_of_the_journal_are_shown_and_cut_ones_are_not),
		cmocka_unit_test(durations_are_told_in_two_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
