/* `regpairctl subscriber add|list|show|remove`. */
#include "node/ctl/subscriber.h"

#include <stdio.h>
#include <unistd.h>

#include "node/ctl/arguments.h"
#include "node/ctl/entries.h"
#include "node/ctl/list.h"
#include "node/ctl/prompt.h"

bool subscriber_name(const char *text, struct subscriber_name *out)
{
	const char *at = strrchr(text, '@');
	size_t n = at != NULL ? (size_t)(at - text) : strlen(text);
	size_t n_realm = at != NULL ? strlen(at + 1) : 0;

	if (n == 0 || n >= sizeof out->user || n_realm >= sizeof out->realm ||
	    (at != NULL && n_realm == 0))
		return false;
	memcpy(out->user, text, n);
	out->user[n] = '\0';
	for (size_t i = 0; i < n_realm; i++)
		out->realm[i] = (char)ascii_lower((uint8_t)at[1 + i]);
	out->realm[n_realm] = '\0';
	return true;
}

void subscriber_hash(struct digester *d, const struct subscriber_name *who, const char *password,
                     struct subscriber_hashes *out)
{
	uint8_t hash[DIGEST_HASH_MAX];

	for (enum digest_algorithm a = DIGEST_MD5; a < DIGEST_ALGORITHMS; a++) {
		struct buf hex = buf_on((uint8_t *)out->hex[a], DIGEST_HEX_MAX);
		digest_ha1(d, a, slice_str(who->user), slice_str(who->realm), slice_str(password),
		           hash);
		buf_hex(&hex, (struct slice){hash, digest_size(a)});
		out->hex[a][hex.n] = '\0';
	}
	explicit_bzero(hash, sizeof hash);
}

bool subscriber_hashes_given(char *const text[DIGEST_ALGORITHMS], struct subscriber_hashes *out)
{
	for (enum digest_algorithm a = DIGEST_MD5; a < DIGEST_ALGORITHMS; a++) {
		size_t n = strlen(text[a]);
		if (n != 2 * digest_size(a) || strspn(text[a], "0123456789abcdefABCDEF") != n)
			return false;
		memcpy(out->hex[a], text[a], n + 1);
	}
	return true;
}

json_t *subscriber_put(const struct subscriber_name *who, const struct subscriber_hashes *hashes,
                       bool replace, json_int_t id)
{
	return json_pack("{sI ss ss ss ss ss ss sb}", "id", id, "command", "subscriber-put", "user",
	                 who->user, "realm", who->realm, "md5", hashes->hex[DIGEST_MD5], "sha256",
	                 hashes->hex[DIGEST_SHA256], "sha512_256", hashes->hex[DIGEST_SHA512_256],
	                 "replace", replace);
}

struct add_plan {
	struct subscriber_name who;
	const char *name, *file;
	bool replace;
};

static int put_one(const struct ctl *ctl, const struct add_plan *plan,
                   const struct subscriber_hashes *hashes)
{
	json_t *request = subscriber_put(&plan->who, hashes, plan->replace, 1);
	int code = CTL_FAILED;
	json_t *result;

	if (request == NULL) {
		ctl_complain("%s is not UTF-8", plan->name);
		return CTL_FAILED;
	}
	result = client_ask_once(ctl, request, &code);
	if (result != NULL && ctl->json)
		print_json(result);
	else if (result != NULL)
		(void)printf("%s %s@%s\n",
		             json_is_true(json_object_get(result, "replaced")) ? "replaced"
		                                                               : "added",
		             plan->who.user, plan->who.realm);
	json_decref(result);
	return code;
}

int ctl_subscriber_add(const struct ctl *ctl, int argc, char **argv)
{
	struct add_plan plan = {0};
	bool from_stdin = false;
	const struct ctl_option options[] = {{"password-file", .text = &plan.file},
	                                     {"stdin", .flag = &from_stdin},
	                                     {"replace", .flag = &plan.replace}};
	const struct ctl_arguments wanted = {
		"subscriber add", .options = options, .n_options = ARRAY_LEN(options),
		.word = &plan.name,
		.wanted = "one USER@DOMAIN is wanted (a password is never an argument: use --stdin "
			  "or --password-file)"};
	struct subscriber_hashes hashes = {0};
	char password[PASSWORD_MAX + 2];

	if (!ctl_arguments(&wanted, argc, argv))
		return CTL_USAGE;
	if (!subscriber_name(plan.name, &plan.who) || plan.who.realm[0] == '\0')
		return ctl_misused("subscriber add", "%s is no USER@DOMAIN", plan.name);
	if (from_stdin || (plan.file == NULL && !isatty(STDIN_FILENO)))
		plan.file = "-";
	bool known = plan.file != NULL ? password_from_file(plan.file, password)
	                               : password_from_terminal(plan.name, password);
	if (known) {
		struct digester *d = digester_new();
		subscriber_hash(d, &plan.who, password, &hashes);
		digester_close(&d);
	}
	explicit_bzero(password, sizeof password);
	return known ? put_one(ctl, &plan, &hashes) : CTL_FAILED;
}

int ctl_subscriber_list(const struct ctl *ctl, int argc, char **argv)
{
	static const struct column columns[] = {{"SUBSCRIBER", "name", false}};
	struct printer p = print_begin(ctl, columns, ARRAY_LEN(columns));
	long limit = 0;

	if (!list_arguments("subscriber list", argc, argv, &limit, NULL))
		return CTL_USAGE;
	return list_pages(ctl, "subscribers", "subscribers", &p, limit);
}

/* `command` about the one subscriber that the arguments name. */
static json_t *ask_about_one(const struct ctl *ctl, const char *command, char **argv, int *code)
{
	struct subscriber_name who;

	if (argv[1] == NULL || argv[2] != NULL || !subscriber_name(argv[1], &who) ||
	    who.realm[0] == '\0') {
		*code = ctl_misused("subscriber", "one USER@DOMAIN is wanted");
		return NULL;
	}
	return client_ask_once(ctl,
	                       json_pack("{ss ss ss}", "command", command, "user", who.user,
	                                 "realm", who.realm),
	                       code);
}

int ctl_subscriber_show(const struct ctl *ctl, int argc, char **argv)
{
	int code;
	json_t *result = ask_about_one(ctl, "subscriber", argv, &code);

	(void)argc;
	if (result == NULL)
		return code;
	if (ctl->json) {
		print_json(result);
	} else {
		struct pairtime t = {json_integer_value(json_object_get(result, "changed_ms"))};
		json_t *changed = pair_time_text(t);
		(void)printf("subscriber  %s\nchanged     %s (the pair's time)\nhashes      MD5, "
		             "SHA-256, SHA-512-256\n",
		             json_string_value(json_object_get(result, "name")),
		             json_string_value(changed));
		json_decref(changed);
	}
	json_decref(result);
	return CTL_DONE;
}

int ctl_subscriber_remove(const struct ctl *ctl, int argc, char **argv)
{
	int code;
	json_t *result = ask_about_one(ctl, "subscriber-remove", argv, &code);

	(void)argc;
	if (result != NULL && ctl->json)
		print_json(result);
	else if (result != NULL)
		(void)printf("removed %s\n", argv[1]);
	json_decref(result);
	return code;
}
