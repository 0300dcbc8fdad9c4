/* `regpairctl subscriber import`: lines in, commands out, many under way at once. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "node/ctl/arguments.h"
#include "node/ctl/client.h"
#include "node/ctl/csv.h"
#include "node/ctl/print.h"
#include "node/ctl/subscriber.h"

enum {
	UNDER_WAY_MAX = 1000,
	REASONS_SHOWN = 10,
	FIELDS_PASSWORD = 2,
	FIELDS_HASHES = 4,
};

struct import {
	struct client *client;
	struct digester *digester;
	FILE *file;
	const char *domain; /* for users without one; NULL: none */
	bool replace;
	uint64_t lines; /* in the file; 0: not known */
	uint64_t line;  /* read so far */
	uint64_t under_way;
	bool asked;    /* whether this node takes changes at all */
	bool inactive; /* it does not: no use in going on */
	uint64_t added, replaced, refused;
	int64_t began_ms, told_ms;
	json_t *reasons; /* the first of them: {line, reason} */
};

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Kept in the order of the lines: our own findings overtake the node's. */
static void refused(struct import *m, uint64_t line, const char *reason)
{
	size_t at = json_array_size(m->reasons);

	if (++m->refused > REASONS_SHOWN)
		return;
	while (at > 0 && json_integer_value(json_object_get(json_array_get(m->reasons, at - 1),
	                                                    "line")) > (json_int_t)line)
		at--;
	(void)json_array_insert_new(
		m->reasons, at, json_pack("{sI ss}", "line", (json_int_t)line, "reason", reason));
}

static void tell_progress(struct import *m)
{
	uint64_t done = m->added + m->replaced + m->refused;
	int64_t now = now_ms();

	if (now - m->told_ms < 1000)
		return;
	m->told_ms = now;
	(void)fprintf(stderr, "%llu/", (unsigned long long)done);
	if (m->lines > 0)
		(void)fprintf(stderr, "%llu", (unsigned long long)m->lines);
	else
		(void)fputc('?', stderr);
	(void)fprintf(stderr, "  %.0f/s\n", (double)done * 1000 / (double)(now - m->began_ms));
}

static bool is_inactive(struct client *c)
{
	json_t *status = client_ask(c, json_pack("{ss}", "command", "status"));
	const char *role = json_string_value(json_object_get(status, "role"));
	bool inactive = role != NULL && strcmp(role, "active") != 0;

	json_decref(status);
	return inactive;
}

/* The first refusal may be due to the node, not to the line. */
static void take_refusal(struct import *m, uint64_t line, const char *error)
{
	if (!m->asked && is_inactive(m->client)) {
		m->inactive = true;
		ctl_complain("%s", error);
		return;
	}
	refused(m, line, error);
}

static bool take_answer(struct import *m)
{
	json_t *answer = client_receive(m->client);
	const json_t *result = json_object_get(answer, "result");
	const char *error = json_string_value(json_object_get(answer, "error"));

	if (answer == NULL)
		return false;
	m->under_way--;
	if (!json_is_true(json_object_get(answer, "ok")))
		take_refusal(m, (uint64_t)json_integer_value(json_object_get(answer, "id")),
		             error != NULL ? error : "refused");
	else if (json_is_true(json_object_get(result, "replaced")))
		m->replaced++;
	else
		m->added++;
	m->asked = true;
	json_decref(answer);
	tell_progress(m);
	return true;
}

/* What is wrong with the line; NULL: it became a request. */
static const char *read_line(struct import *m, const struct csv_line *csv, json_t **request)
{
	struct subscriber_name who;
	struct subscriber_hashes hashes;

	if (csv->n != FIELDS_PASSWORD && csv->n != FIELDS_HASHES)
		return "neither user,password nor user,MD5,SHA-256,SHA-512-256";
	if (!subscriber_name(csv->field[0], &who))
		return "the user's name is missing or too long";
	if (who.realm[0] == '\0' && m->domain == NULL)
		return "the user has no domain: write user@domain or use --domain";
	if (who.realm[0] == '\0')
		(void)snprintf(who.realm, sizeof who.realm, "%s", m->domain);
	if (csv->n == FIELDS_HASHES && !subscriber_hashes_given(csv->field + 1, &hashes))
		return "the hashes are not 32, 64 and 64 hexadecimal characters";
	if (csv->n == FIELDS_PASSWORD && csv->field[1][0] == '\0')
		return "the password is empty";
	if (csv->n == FIELDS_PASSWORD)
		subscriber_hash(m->digester, &who, csv->field[1], &hashes);
	*request = subscriber_put(&who, &hashes, m->replace, (json_int_t)m->line);
	return *request != NULL ? NULL : "the name is not UTF-8";
}

static bool is_header(const struct import *m, const struct csv_line *csv)
{
	return m->line == 1 && (strcasecmp(csv->field[0], "user") == 0 ||
	                        strcasecmp(csv->field[0], "username") == 0);
}

/* False: the node is gone. */
static bool take_line(struct import *m, char *text)
{
	static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8, as spreadsheets write it */
	struct csv_line csv;
	json_t *request = NULL;
	const char *wrong;

	m->line++;
	if (m->line == 1 && strncmp(text, mark, sizeof mark - 1) == 0)
		text += sizeof mark - 1;
	if (!csv_split(text, &csv)) {
		refused(m, m->line, "the quotes or commas are wrong");
		return true;
	}
	if ((csv.n == 1 && csv.field[0][0] == '\0') || is_header(m, &csv))
		return true;
	wrong = read_line(m, &csv, &request);
	if (wrong != NULL) {
		refused(m, m->line, wrong);
		return true;
	}
	m->under_way++;
	/* The first goes alone: its answer tells whether this node takes any. */
	uint64_t most = m->asked ? UNDER_WAY_MAX : 1;
	return client_send(m->client, request) && (m->under_way < most || take_answer(m));
}

static bool take_all(struct import *m)
{
	char *text = NULL;
	size_t room = 0;
	bool there = true;
	ssize_t n;

	while (there && !m->inactive && (n = getline(&text, &room, m->file)) >= 0) {
		there = take_line(m, text);
		explicit_bzero(text, (size_t)n);
	}
	free(text);
	while (there && m->under_way > 0)
		there = take_answer(m);
	return there;
}

/* A total to show progress against, where the file can be read twice. */
static uint64_t count_lines(FILE *file)
{
	uint64_t n = 0;
	int c, last = '\n';

	if (fseek(file, 0, SEEK_SET) != 0)
		return 0;
	while ((c = getc_unlocked(file)) != EOF) {
		n += c == '\n';
		last = c;
	}
	rewind(file);
	return n + (last != '\n');
}

static void tell_reasons(const struct import *m)
{
	for (size_t i = 0; i < json_array_size(m->reasons); i++) {
		const json_t *r = json_array_get(m->reasons, i);
		(void)fprintf(stderr, "line %lld: %s\n",
		              (long long)json_integer_value(json_object_get(r, "line")),
		              json_string_value(json_object_get(r, "reason")));
	}
	if (m->refused > REASONS_SHOWN)
		(void)fprintf(stderr, "... and %llu more\n",
		              (unsigned long long)m->refused - REASONS_SHOWN);
}

static void tell_end(const struct ctl *ctl, const struct import *m)
{
	json_t *result = json_pack("{sI sI sI sO}", "added", (json_int_t)m->added, "replaced",
	                           (json_int_t)m->replaced, "refused", (json_int_t)m->refused,
	                           "reasons", m->reasons);

	if (ctl->json) {
		print_json(result);
	} else {
		char took[32];
		(void)printf("added %llu, replaced %llu, refused %llu in %s\n",
		             (unsigned long long)m->added, (unsigned long long)m->replaced,
		             (unsigned long long)m->refused,
		             print_duration(now_ms() - m->began_ms, took));
	}
	json_decref(result);
	(void)fflush(stdout);
	tell_reasons(m);
}

/* The node's only domain, to be freed, or NULL. */
static char *only_domain(struct client *c)
{
	json_t *domains = client_ask(c, json_pack("{ss}", "command", "domains"));
	const json_t *first = json_array_get(domains, 0);
	/* a node of an older version gives names alone */
	const char *name =
		json_string_value(json_is_string(first) ? first : json_object_get(first, "name"));
	char *only = json_array_size(domains) == 1 && name != NULL ? strdup(name) : NULL;

	json_decref(domains);
	return only;
}

static int run(const struct ctl *ctl, struct import *m)
{
	char *only = m->domain == NULL ? only_domain(m->client) : NULL;
	bool there = client_code(m->client) == CTL_DONE;

	if (m->domain == NULL)
		m->domain = only;
	m->began_ms = m->told_ms = now_ms();
	m->lines = m->file != stdin ? count_lines(m->file) : 0;
	m->reasons = json_array();
	m->digester = digester_new();
	if (there) {
		there = take_all(m);
		if (!m->inactive)
			tell_end(ctl, m);
	}
	digester_close(&m->digester);
	json_decref(m->reasons);
	free(only);
	if (!there)
		return client_code(m->client);
	return m->refused > 0 || m->inactive ? CTL_FAILED : CTL_DONE;
}

int ctl_subscriber_import(const struct ctl *ctl, int argc, char **argv)
{
	struct import m = {0};
	const char *path = NULL;
	const struct ctl_option options[] = {{"domain", .text = &m.domain},
	                                     {"replace", .flag = &m.replace}};
	const struct ctl_arguments wanted = {"subscriber import", .options = options,
	                                     .n_options = ARRAY_LEN(options), .word = &path,
	                                     .wanted = "one FILE is wanted"};
	int code;

	if (!ctl_arguments(&wanted, argc, argv))
		return CTL_USAGE;
	m.file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (m.file == NULL)
		return ctl_complain_file(path);
	m.client = client_open(ctl);
	code = m.client != NULL ? run(ctl, &m) : CTL_NO_NODE;
	client_close(&m.client);
	if (m.file != stdin)
		(void)fclose(m.file);
	return code;
}
