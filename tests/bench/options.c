#include "tests/bench/options.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { TEXT, NUMBER, CHOICE, FLAG, PID };

struct entry {
	const char *name;
	const char *argument; /* as --help shows it; for a CHOICE also the words, by value */
	const char *fallback; /* NULL: none */
	const char *help;
	size_t at; /* its field */
	enum kind kind;
	uint32_t max;
};

#define AT(field) offsetof(struct options, field)
enum { ANY = 2000000000 };

static const struct entry table[] = {
	{"host", "HOST", NULL, "the server (-h)", AT(host), TEXT, 0},
	{"port", "PORT", "5060", "its port (-p)", AT(port), TEXT, 0},
	{"transport", "udp|tcp", "udp", "", AT(transport), CHOICE, 0},
	{"sockets", "N", "4", "source ports, or connections", AT(sockets), NUMBER, 256},
	{"mode", "register|refresh|remove|fetch|churn", "register",
         "what each request does; refresh registers all users once, unmeasured, before; churn "
         "registers and removes in turn",
         AT(mode), CHOICE, 0},
	{"window", "W", "64", "closed loop: requests outstanding", AT(window), NUMBER, 100000},
	{"rate", "R", "0", "open loop: requests started per second; 0: closed loop", AT(rate),
         NUMBER, 1000000},
	{"users", "N", "1000", "how many users, visited in a mixed order", AT(users), NUMBER,
         10000000},
	{"first", "S", "0", "number of the first user", AT(first), NUMBER, ANY},
	{"count", "C", "0", "end after C requests; 0: one for each user", AT(count), NUMBER, ANY},
	{"seconds", "T", "0", "end after T seconds; 0: by --count", AT(seconds), NUMBER, 1000000},
	{"no-prime", "", NULL, "refresh: the users are registered already", AT(no_prime), FLAG, 0},
	{"auth", "none|cached|always", "cached",
         "credentials: never; kept with a growing nc; asked for again by every request", AT(auth),
         CHOICE, 0},
	{"algorithm", "MD5|SHA-256", "MD5", "which challenge is answered", AT(algorithm), CHOICE,
         0},
	{"domain", "NAME", "example.com", "of the AORs and the Request-URI", AT(domain), TEXT, 0},
	{"realm", "NAME", NULL, "for passwords; without it as the challenge says", AT(realm), TEXT,
         0},
	{"user-prefix", "TEXT", "user", "a user is TEXT and six digits", AT(user_prefix), TEXT, 0},
	{"password-prefix", "TEXT", "secret", "a password is TEXT and the user's digits",
         AT(password_prefix), TEXT, 0},
	{"contact-host", "HOST:PORT", "192.0.2.1:5070", "in the Contact, the same in every run",
         AT(contact_host), TEXT, 0},
	{"expires", "E", "3600", "lifetime asked for, seconds", AT(expires_s), NUMBER, ANY},
	{"tag", "TEXT", NULL, "part of Call-IDs and branches; default: new for each run", AT(tag),
         TEXT, 0},
	{"cseq", "N", "0", "the first CSeq is N + 1", AT(cseq), NUMBER, ANY},
	{"t1", "MS", "500", "udp: first retransmission; the interval doubles up to 8 T1", AT(t1_ms),
         NUMBER, 60000},
	{"tries", "N", "11", "udp: sendings until a request counts as timed out (tcp: 64 T1)",
         AT(tries), NUMBER, 16},
	{"acked", "FILE", NULL, "write what was acknowledged, the latest for each user", AT(acked),
         TEXT, 0},
	{"known", "FILE", NULL, "begin with what such a list says was acknowledged", AT(known),
         TEXT, 0},
	{"audit", "FILE", NULL, "fetch each user of such a list and compare", AT(audit), TEXT, 0},
	{"slack-ms", "MS", "1000", "audit: what a lifetime may differ beyond what is not known",
         AT(slack_ms), NUMBER, ANY},
	{"allow-extra", "", NULL, "audit: contacts that the list does not name are no finding",
         AT(allow_extra), FLAG, 0},
	{"save-nonce", "FILE", NULL, "write each user's nonce and nc at the end", AT(save_nonce),
         TEXT, 0},
	{"use-nonce", "FILE", NULL, "begin with the nonces of such a list", AT(use_nonce), TEXT, 0},
	{"expect-no-challenge", "", NULL, "a 401 makes the exit status 1", AT(expect_no_challenge),
         FLAG, 0},
	{"timeline", "FILE", NULL, "write every answer: sent and received (us), user, status",
         AT(timeline), TEXT, 0},
	{"gap", "", NULL, "print the longest time between two 200s (--json always has it)", AT(gap),
         FLAG, 0},
	{"pid", "PID", NULL, "report this process's CPU time; may be repeated", 0, PID, ANY},
	{"json", "", NULL, "the summary as one JSON object", AT(json), FLAG, 0},
	{"write-csv", "FILE", NULL, "write user,password lines for the users, and end",
         AT(write_csv), TEXT, 0},
	{"help", "", NULL, "", AT(help), FLAG, 0},
};

static const char *const mode_names[] = {"register", "refresh", "remove", "fetch", "churn"};
static const char *const auth_names[] = {"none", "cached", "always"};

const char *mode_name(enum mode mode)
{
	return mode_names[mode];
}

const char *auth_name(enum auth auth)
{
	return auth_names[auth];
}

void options_help(void)
{
	puts("usage: regload -h HOST [-p PORT] [option ...]\n\n"
	     "Registers users at a SIP registrar and measures it. Times are CLOCK_BOOTTIME.\n");
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct entry *e = &table[i];
		bool shows = e->fallback != NULL && strcmp(e->fallback, "0") != 0;

		printf("  --%s %s\n        %s%s%s\n", e->name, e->argument, e->help,
		       shows ? "  default " : "", shows ? e->fallback : "");
	}
	puts("\nIt ends by itself: after --count or --seconds, when the last answer is in or timed "
	     "out;\nSIGINT and SIGTERM end it at once, with the files and the summary.\n\n"
	     "exit status: 0 done, 1 an audit or expectation failed, 2 wrong usage,\n"
	     "             3 it could not run (file, socket), or no request was answered 200");
}

static bool fail(const struct entry *e, const char *text)
{
	if (e->kind == CHOICE)
		fprintf(stderr, "regload: --%s %s: must be %s\n", e->name, text, e->argument);
	else
		fprintf(stderr, "regload: --%s %s: must be a number from 0 to %u\n", e->name, text,
		        e->max);
	return false;
}

static bool read_number(const struct entry *e, const char *text, uint32_t *out)
{
	char *end = NULL;
	unsigned long v = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != 0 || v > e->max)
		return fail(e, text);
	*out = (uint32_t)v;
	return true;
}

/* The position of `text` among the words of "one|two|three". */
static bool read_choice(const struct entry *e, const char *text, uint32_t *out)
{
	const char *word = e->argument;
	size_t n = strlen(text);

	for (uint32_t i = 0; word != NULL; i++) {
		if (strncmp(word, text, n) == 0 && (word[n] == '|' || word[n] == 0)) {
			*out = i;
			return true;
		}
		word = strchr(word, '|');
		word = word != NULL ? word + 1 : NULL;
	}
	return fail(e, text);
}

static bool add_pid(struct options *o, const struct entry *e, const char *text)
{
	uint32_t pid = 0;

	if (!read_number(e, text, &pid) || o->n_pids == OPTIONS_PIDS_MAX)
		return false;
	o->pids[o->n_pids++] = (pid_t)pid;
	return true;
}

static bool apply(struct options *o, const struct entry *e, const char *text)
{
	void *field = (char *)o + e->at;

	switch (e->kind) {
	case TEXT:
		memcpy(field, &text, sizeof text);
		return true;
	case NUMBER:
		return read_number(e, text, field);
	case CHOICE:
		return read_choice(e, text, field);
	case FLAG:
		*(uint32_t *)field = 1;
		return true;
	case PID:
		return add_pid(o, e, text);
	}
	return false;
}

static bool sensible(const struct options *o)
{
	const char *wrong = NULL;

	if (o->host == NULL && o->write_csv == NULL)
		wrong = "-h HOST is missing";
	else if (o->sockets == 0 || o->users == 0 || o->tries == 0 || o->t1_ms == 0)
		wrong = "--sockets, --users, --tries and --t1 must not be 0";
	else if (o->rate == 0 && o->window == 0)
		wrong = "--window or --rate must not be 0";
	else if (o->tag != NULL && strlen(o->tag) > 32)
		wrong = "--tag: at most 32 characters";
	if (wrong != NULL)
		fprintf(stderr, "regload: %s (regload --help)\n", wrong);
	return wrong == NULL;
}

static int entry_of(const struct option *names, int found, int at)
{
	if (found == 0)
		return at;

	const char *name = found == 'h' ? "host" : "port";

	for (int i = 0; names[i].name != NULL; i++)
		if (strcmp(names[i].name, name) == 0)
			return i;
	return -1;
}

bool options_read(struct options *out, int argc, char **argv)
{
	struct option names[ARRAY_LEN(table) + 1] = {0};
	int at = 0;
	int found = 0;

	*out = (struct options){0};
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		bool alone = table[i].kind == FLAG;

		names[i] = (struct option){table[i].name, alone ? no_argument : required_argument,
		                           NULL, 0};
		if (table[i].fallback != NULL && !apply(out, &table[i], table[i].fallback))
			return false;
	}
	while ((found = getopt_long(argc, argv, "h:p:", names, &at)) != -1) {
		int i = found == '?' ? -1 : entry_of(names, found, at);

		if (i < 0 || !apply(out, &table[i], optarg))
			return false;
	}
	if (optind < argc)
		fprintf(stderr, "regload: %s: what is this?\n", argv[optind]);
	return optind == argc && (out->help || sensible(out));
}
