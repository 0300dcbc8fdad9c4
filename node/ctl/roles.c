/* `regpairctl switchover` and `takeover`: asked, awaited, told how long it took. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "node/ctl/arguments.h"
#include "node/ctl/client.h"
#include "node/ctl/print.h"

enum { TAKEOVER_PATIENCE_MS = 10000, LOOK_AGAIN_MS = 50 };

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void tell(const struct ctl *ctl, const char *what, int64_t took)
{
	json_t *result;

	if (!ctl->json) {
		char text[32];
		(void)printf("%s, after %s\n", what, print_duration(took, text));
		return;
	}
	result = json_pack("{ss sI}", "text", what, "took_ms", (json_int_t)took);
	print_json(result);
	json_decref(result);
}

/* What a switchover would do; refused: an exit code like that of the switchover itself. */
static int dry_run(const struct ctl *ctl)
{
	int code;
	json_t *plan = client_ask_once(ctl, json_pack("{ss}", "command", "switchover-plan"), &code);

	if (plan == NULL)
		return code;
	bool possible = json_is_true(json_object_get(plan, "possible"));
	const char *why = json_string_value(json_object_get(plan, "why"));
	long long last_ms = json_integer_value(json_object_get(plan, "last_gap_ms"));
	long long last_entries = json_integer_value(json_object_get(plan, "last_entries"));
	if (ctl->json) {
		print_json(plan);
	} else if (!possible) {
		ctl_complain("it would be refused: %s", why);
	} else {
		(void)printf(
			"it would hand over: %s, %lld entries to drain, the oldest of %lld ms\n",
			why, json_integer_value(json_object_get(plan, "entries")),
			json_integer_value(json_object_get(plan, "lag_ms")));
	}
	if (!ctl->json && last_ms > 0)
		(void)printf(
			"the last one from here: %lld ms without an answer, %lld entries drained\n",
			last_ms, last_entries);
	json_decref(plan);
	return possible ? CTL_DONE : CTL_FAILED;
}

int ctl_switchover(const struct ctl *ctl, int argc, char **argv)
{
	bool force = false, dry = false;
	const struct ctl_option options[] = {{"force", .flag = &force}, {"dry-run", .flag = &dry}};
	const struct ctl_arguments wanted = {"switchover", .options = options,
	                                     .n_options = ARRAY_LEN(options)};
	int64_t began = now_ms();
	json_t *result;
	int code;

	if (!ctl_arguments(&wanted, argc, argv))
		return CTL_USAGE;
	if (dry)
		return dry_run(ctl);
	result = client_ask_once(ctl, json_pack("{ss sb}", "command", "switchover", "force", force),
	                         &code);
	if (result != NULL)
		tell(ctl, json_string_value(json_object_get(result, "text")), now_ms() - began);
	json_decref(result);
	return code;
}

static bool is_active(struct client *c, char role[64])
{
	json_t *status = client_ask(c, json_pack("{ss}", "command", "status"));
	const char *said = json_string_value(json_object_get(status, "role"));

	(void)snprintf(role, 64, "%s", said != NULL ? said : "unknown");
	json_decref(status);
	return strcmp(role, "active") == 0;
}

static int await_active(const struct ctl *ctl, struct client *c, int64_t began)
{
	struct timespec wait = {.tv_nsec = LOOK_AGAIN_MS * 1000000L};
	char role[64];

	while (!is_active(c, role) && client_code(c) == CTL_DONE) {
		if (now_ms() - began > TAKEOVER_PATIENCE_MS) {
			ctl_complain("this node is %s after %d s\nWithout the address it cannot be "
			             "active: look at keepalived and at `regpairctl status` on "
			             "both nodes",
			             role, TAKEOVER_PATIENCE_MS / 1000);
			return CTL_FAILED;
		}
		(void)nanosleep(&wait, NULL);
	}
	if (client_code(c) == CTL_DONE)
		tell(ctl, "this node is active", now_ms() - began);
	return client_code(c);
}

int ctl_takeover(const struct ctl *ctl, int argc, char **argv)
{
	struct client *c;
	int64_t began = now_ms();
	char role[64];
	int code;

	if (argc > 1)
		return ctl_misused("takeover", "unexpected argument: %s", argv[1]);
	c = client_open(ctl);
	if (c == NULL)
		return CTL_NO_NODE;
	if (is_active(c, role)) {
		tell(ctl, "this node is active already", now_ms() - began);
	} else if (client_code(c) == CTL_DONE) {
		json_decref(client_ask(c, json_pack("{ss}", "command", "takeover")));
	}
	code = client_code(c);
	if (code == CTL_DONE && strcmp(role, "active") != 0)
		code = await_active(ctl, c, began);
	client_close(&c);
	return code;
}
