/* layer: pair_files */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/io/pair_files.h"
#include "tests/unit/certificates.h"

static const time_t day_s = 86400;

struct scene {
	char root[64]; /* a folder of the test's own */
	char dir[128]; /* what pair_files_make is told */
	char path[256];
	char fault[PAIR_FAULT_MAX];
};

static struct pair_plan plan_of(const struct scene *s)
{
	struct pair_plan plan = {.dir = s->dir, .days = 30, .now = time(NULL)};

	assert_true(addr_parse(SLICE("10.0.0.11"), &plan.primary));
	assert_true(addr_parse(SLICE("fd00::12"), &plan.secondary));
	return plan;
}

static int open_scene(void **state)
{
	struct scene *s = calloc(1, sizeof *s);

	assert_non_null(s);
	(void)snprintf(s->root, sizeof s->root, "/tmp/regpair-test-pair-XXXXXX");
	assert_non_null(mkdtemp(s->root));
	(void)snprintf(s->dir, sizeof s->dir, "%s/pair", s->root);
	*state = s;
	return 0;
}

static const char *path_in(struct scene *s, const char *name)
{
	(void)snprintf(s->path, sizeof s->path, "%s/%s", s->dir, name);
	return s->path;
}

static int close_scene(void **state)
{
	static const char *const names[] = {"pair",
	                                    "ca.pem",
	                                    "ca-key.pem",
	                                    "primary/ca.pem",
	                                    "primary/cert.pem",
	                                    "primary/key.pem",
	                                    "primary/pair",
	                                    "secondary/ca.pem",
	                                    "secondary/cert.pem",
	                                    "secondary/key.pem",
	                                    "secondary/pair"};
	static const char *const folders[] = {"primary", "secondary", ""};
	struct scene *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)unlink(path_in(s, names[i])); /* not every test made all */
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		(void)rmdir(path_in(s, folders[i]));
	int left = rmdir(s->root);
	free(s);
	return left;
}

static void make(struct scene *s, const struct pair_plan *plan)
{
	if (pair_files_make(plan, s->fault) != OK)
		fail_msg("%s", s->fault);
}

static enum err load(struct scene *s, const char *node, enum unit unit, struct pair_files *out)
{
	return pair_files_load(path_in(s, node), unit, out, s->fault);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* Puts node `from`'s file in the place of `to`'s. */
static void swap_in(struct scene *s, const char *from, const char *to)
{
	char source[256];

	(void)snprintf(source, sizeof source, "%s", path_in(s, from));
	assert_int_equal(rename(source, path_in(s, to)), 0);
}

static void what_was_made_loads_and_is_equal_on_both_nodes(void **state)
{
	struct scene *s = *state;
	struct pair_plan plan = plan_of(s);
	struct pair_files one;
	struct pair_files two;

	make(s, &plan);
	assert_int_equal(load(s, "primary", UNIT_PRIMARY, &one), OK);
	assert_int_equal(load(s, "secondary", UNIT_SECONDARY, &two), OK);
	assert_memory_equal(one.cluster_id, two.cluster_id, sizeof one.cluster_id);
	assert_memory_equal(one.secret, two.secret, sizeof one.secret);
	assert_int_equal(one.secret_id, two.secret_id);
	assert_true(one.secret_id != 0);
	assert_string_equal(one.key, path_in(s, "primary/key.pem"));
	assert_string_equal(two.ca, path_in(s, "secondary/ca.pem"));
}

static void keys_and_secrets_are_for_their_owner_alone(void **state)
{
	static const char *const names[] = {"ca-key.pem", "primary/key.pem", "primary/pair",
	                                    "secondary/key.pem", "secondary/pair"};
	struct scene *s = *state;
	struct pair_plan plan = plan_of(s);
	struct stat st;

	make(s, &plan);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(stat(path_in(s, names[i]), &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
	assert_true(access(path_in(s, "primary/ca-key.pem"), F_OK) != 0);
}

static void a_standalone_unit_has_only_the_secret(void **state)
{
	struct scene *s = *state;
	struct pair_plan plan = {.dir = s->dir, .standalone = true, .days = 1, .now = time(NULL)};
	struct pair_files files;

	make(s, &plan);
	assert_int_equal(load(s, "", UNIT_STANDALONE, &files), OK);
	assert_string_equal(files.ca, "");
	assert_true(access(path_in(s, "ca-key.pem"), F_OK) != 0);
	assert_int_equal(load(s, "", UNIT_PRIMARY, &files), ERR_IO);
}

static void files_that_are_there_are_not_touched_without_force(void **state)
{
	struct scene *s = *state;
	struct pair_plan plan = plan_of(s);
	struct pair_files before;
	struct pair_files after;

	make(s, &plan);
	assert_int_equal(load(s, "primary", UNIT_PRIMARY, &before), OK);
	assert_int_equal(pair_files_make(&plan, s->fault), ERR_EXISTS);
	assert_non_null(strstr(s->fault, "--force"));
	assert_int_equal(load(s, "primary", UNIT_PRIMARY, &after), OK);
	assert_memory_equal(before.cluster_id, after.cluster_id, sizeof before.cluster_id);

	plan.force = true;
	make(s, &plan);
	assert_int_equal(load(s, "primary", UNIT_PRIMARY, &after), OK);
	assert_memory_not_equal(before.cluster_id, after.cluster_id, sizeof before.cluster_id);
	assert_memory_not_equal(before.secret, after.secret, sizeof before.secret);
}

static void expect(struct scene *s, enum unit unit, enum err wanted, const char *text)
{
	struct pair_files files;
	enum err err = load(s, "primary", unit, &files);

	if (err != wanted || strstr(s->fault, text) == NULL)
		fail_msg("wanted `%s' (%s), got `%s' (%s)", text, err_text(wanted), s->fault,
		         err_text(err));
}

static void files_of_the_other_unit_are_refused(void **state)
{
	struct scene *s = *state;
	struct pair_plan plan = plan_of(s);

	make(s, &plan);
	expect(s, UNIT_SECONDARY, ERR_FOREIGN,
	       "it is for `regpair-primary`, this unit needs `regpair-secondary`");
	swap_in(s, "secondary/key.pem", "primary/key.pem");
	expect(s, UNIT_PRIMARY, ERR_FOREIGN, "key.pem: not the key of");
}

static void a_certificate_of_another_ca_is_refused(void **state)
{
	struct scene *s = *state;
	struct pair_plan plan = plan_of(s);

	make(s, &plan);
	swap_in(s, "ca.pem", "../old-ca.pem");
	plan.force = true;
	make(s, &plan);
	swap_in(s, "../old-ca.pem", "primary/ca.pem");
	expect(s, UNIT_PRIMARY, ERR_FOREIGN,
	       "primary/cert.pem: unable to get local issuer certificate");
}

static void dates_are_checked(void **state)
{
	struct scene *s = *state;
	struct pair_plan plan = plan_of(s);

	plan.now -= 100 * day_s;
	make(s, &plan);
	expect(s, UNIT_PRIMARY, ERR_CORRUPT, "certificate has expired");
	plan.now += 200 * day_s;
	plan.force = true;
	make(s, &plan);
	expect(s, UNIT_PRIMARY, ERR_CORRUPT, "certificate is not yet valid");
}

static void what_everybody_may_read_is_refused(void **state)
{
	struct scene *s = *state;
	struct pair_plan plan = plan_of(s);

	make(s, &plan);
	assert_int_equal(chmod(path_in(s, "primary/key.pem"), 0644), 0);
	expect(s, UNIT_PRIMARY, ERR_CORRUPT,
	       "key.pem: open to everybody (mode 0644); make it 0600");
	assert_int_equal(chmod(path_in(s, "primary/pair"), 0602), 0);
	expect(s, UNIT_PRIMARY, ERR_CORRUPT, "primary/pair: open to everybody (mode 0602)");
	assert_int_equal(chmod(path_in(s, "primary/pair"), 0640), 0);
	assert_int_equal(chmod(path_in(s, "primary/key.pem"), 0640), 0);
	expect(s, UNIT_PRIMARY, OK, "");
}

static void a_missing_or_broken_file_is_named(void **state)
{
	static const char *const names[] = {"primary/ca.pem", "primary/cert.pem",
	                                    "primary/key.pem"};
	struct scene *s = *state;
	struct pair_plan plan = plan_of(s);

	plan.force = true;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		make(s, &plan);
		write_file(path_in(s, names[i]), "-----BEGIN CERTIFICATE-----\nAAAA\n");
		expect(s, UNIT_PRIMARY, ERR_MALFORMED, names[i]);
		assert_int_equal(unlink(path_in(s, names[i])), 0);
		expect(s, UNIT_PRIMARY, ERR_IO,
		       "cannot be read: No such file or directory: `regpairctl pair init`");
	}
}

#define HEX32 "00112233445566778899aabbccddeeff"
#define ID    "cluster " HEX32 "\n"
#define SID   "secret-id 00000000000000ff\n"
#define KEY   "secret " HEX32 HEX32 "\n"

static void a_wrong_pair_file_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} rows[] = {
		{"", "incomplete"},
		{ID KEY, "incomplete"},
		{ID "# a comment\n\n" SID KEY ID, "pair:6: "},
		{ID SID "secret " HEX32 "\n", "pair:3: "},
		{"cluster 0011\n" SID KEY, "pair:1: "},
		{"cluster 00112233445566778899AABBCCDDEEFF\n" SID KEY, "pair:1: "},
		{ID "secret-id 0000000000000000\n" KEY, "pair:2: "},
		{ID SID KEY "more\n", "pair:4: "},
		{ID SID KEY "colour red\n", "pair:4: "},
	};
	struct scene *s = *state;
	struct pair_plan plan = plan_of(s);
	struct pair_files files;

	make(s, &plan);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		write_file(path_in(s, "primary/pair"), rows[i].text);
		expect(s, UNIT_PRIMARY, ERR_MALFORMED, rows[i].says);
	}
	write_file(path_in(s, "primary/pair"), ID SID KEY);
	assert_int_equal(load(s, "primary", UNIT_PRIMARY, &files), OK);
	assert_int_equal(files.secret_id, 0xff);
	assert_int_equal(files.secret[31], 0xff);
}

static void a_folder_that_cannot_be_made_is_named(void **state)
{
	struct scene *s = *state;
	struct pair_plan plan = plan_of(s);

	plan.dir = "/dev/null/pair";
	assert_int_equal(pair_files_make(&plan, s->fault), ERR_IO);
	assert_string_equal(s->fault, "/dev/null/pair: cannot be made: Not a directory");
}

/* Into the folder that `make` made. */
static void renew(struct scene *s, struct pair_plan *plan, bool new_ca)
{
	plan->primary.family = plan->secondary.family = ADDR_NONE;
	if (pair_files_renew(plan, new_ca, s->fault) != OK)
		fail_msg("%s", s->fault);
}

static X509 *certificate_at(struct scene *s, const char *name)
{
	FILE *file = fopen(path_in(s, name), "re");

	assert_non_null(file);
	X509 *cert = PEM_read_X509(file, NULL, NULL, NULL);
	assert_non_null(cert);
	assert_int_equal(fclose(file), 0);
	return cert;
}

static void renewed_certificates_are_others_of_the_same_pair(void **state)
{
	struct scene *s = *state;
	struct pair_plan plan = plan_of(s);
	struct pair_files before, after, other;

	make(s, &plan);
	assert_int_equal(load(s, "primary", UNIT_PRIMARY, &before), OK);
	assert_int_equal(load(s, "primary", UNIT_PRIMARY, &after), OK);
	assert_memory_equal(before.print, after.print, sizeof before.print);
	renew(s, &plan, false);
	assert_int_equal(load(s, "primary", UNIT_PRIMARY, &after), OK);
	assert_int_equal(load(s, "secondary", UNIT_SECONDARY, &other), OK);
	assert_memory_not_equal(before.print, after.print, sizeof before.print);
	assert_memory_equal(before.secret, after.secret, sizeof before.secret);
	assert_memory_equal(before.cluster_id, other.cluster_id, sizeof before.cluster_id);

	X509 *cert = certificate_at(s, "secondary/cert.pem");
	assert_int_equal(X509_check_ip_asc(cert, "fd00::12", 0), 1);
	X509_free(cert);
}

static void no_certificate_holds_longer_than_its_ca(void **state)
{
	struct scene *s = *state;
	struct pair_plan plan = plan_of(s);

	make(s, &plan);
	plan.now += 20 * day_s;
	renew(s, &plan, false);
	assert_int_equal(plan.days, 10);
	plan.now += 11 * day_s;
	assert_int_equal(pair_files_renew(&plan, false, s->fault), ERR_CORRUPT);
	assert_non_null(strstr(s->fault, "--new-ca"));
	plan.days = 400;
	renew(s, &plan, true);
	assert_int_equal(plan.days, 400);
}

/* Whichever node has its new certificate first: the other accepts it, and is accepted. */
static void with_a_new_ca_the_former_is_trusted_until_the_next_renewal(void **state)
{
	struct scene *s = *state;
	struct pair_plan plan = plan_of(s);
	struct pair_files files;

	make(s, &plan);
	swap_in(s, "primary/cert.pem", "../old-cert.pem");
	swap_in(s, "primary/key.pem", "../old-key.pem");
	plan.primary = plan_of(s).primary;
	assert_int_equal(pair_files_renew(&plan, true, s->fault), OK);
	assert_int_equal(load(s, "primary", UNIT_PRIMARY, &files), OK);
	swap_in(s, "../old-cert.pem", "primary/cert.pem");
	swap_in(s, "../old-key.pem", "primary/key.pem");
	assert_int_equal(load(s, "primary", UNIT_PRIMARY, &files), OK);
	swap_in(s, "primary/cert.pem", "../old-cert.pem");
	swap_in(s, "primary/key.pem", "../old-key.pem");

	assert_int_equal(pair_files_renew(&plan, false, s->fault), OK);
	assert_int_equal(load(s, "secondary", UNIT_SECONDARY, &files), OK);
	swap_in(s, "../old-cert.pem", "primary/cert.pem");
	swap_in(s, "../old-key.pem", "primary/key.pem");
	expect(s, UNIT_PRIMARY, ERR_FOREIGN, "primary/cert.pem: ");
}

static void what_cannot_be_renewed_is_left_as_it_was(void **state)
{
	struct scene *s = *state;
	struct pair_plan plan = plan_of(s);
	struct pair_files before, after;

	assert_int_equal(pair_files_renew(&plan, false, s->fault), ERR_IO);
	assert_non_null(strstr(s->fault, "ca.pem: cannot be read"));
	make(s, &plan);
	assert_int_equal(load(s, "primary", UNIT_PRIMARY, &before), OK);
	swap_in(s, "secondary/key.pem", "ca-key.pem");
	assert_int_equal(pair_files_renew(&plan, true, s->fault), ERR_FOREIGN);
	assert_non_null(strstr(s->fault, "ca-key.pem: not the key of"));
	assert_int_equal(load(s, "primary", UNIT_PRIMARY, &after), OK);
	assert_memory_equal(before.print, after.print, sizeof before.print);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, open_scene, close_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(what_was_made_loads_and_is_equal_on_both_nodes),
		STORY(keys_and_secrets_are_for_their_owner_alone),
		STORY(a_standalone_unit_has_only_the_secret),
		STORY(files_that_are_there_are_not_touched_without_force),
		STORY(files_of_the_other_unit_are_refused),
		STORY(a_certificate_of_another_ca_is_refused),
		STORY(dates_are_checked),
		STORY(what_everybody_may_read_is_refused),
		STORY(a_missing_or_broken_file_is_named),
		STORY(a_wrong_pair_file_is_refused_with_its_line),
		STORY(a_folder_that_cannot_be_made_is_named),
		STORY(renewed_certificates_are_others_of_the_same_pair),
		STORY(no_certificate_holds_longer_than_its_ca),
		STORY(with_a_new_ca_the_former_is_trusted_until_the_next_renewal),
		STORY(what_cannot_be_renewed_is_left_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
