/* What operators do, told to the audit: who, what, how it was before and is after, what came of it. */
#include <sys/socket.h>

#include "node/io/asker.h"
#include "node/io/control_parts.h"

/* --- how that stands which an act may change --- */

typedef json_t *state_fn(const struct control_view *v, const char *target);

/* null: there is none. */
static json_t *subscriber_state(const struct control_view *v, const char *target)
{
	struct subscriber_record s;

	if (!control_subscriber(v, slice_str(target), &s))
		return json_null();
	return json_pack("{sI}", "changed_ms", (json_int_t)s.stamped.ms);
}

static json_t *bindings_state(const struct control_view *v, const char *target)
{
	const struct copy_item *item =
		copy_get(node_copy(loop_node(v->loop)), TABLE_AOR, slice_str(target));
	struct pairtime now = node_pair_now(loop_node(v->loop), loop_now(v->loop));
	json_t *contacts = json_array();
	struct aor_record *r;

	arena_reset(v->arena);
	r = arena_take(v->arena, sizeof *r);
	if (item == NULL || r == NULL || aor_decode(item->value, v->arena, r) != OK)
		return contacts;
	for (size_t i = 0; i < r->n_bindings; i++)
		if (!pairtime_reached(r->bindings[i].expires, now))
			(void)json_array_append_new(contacts,
			                            control_text(r->bindings[i].uri, v->arena));
	return contacts;
}

static json_t *role_state(const struct control_view *v, const char *target)
{
	struct status s;

	(void)target;
	loop_status(v->loop, &s);
	return json_pack("{ss ss sI}", "role", s.role, "pair_state", s.pair_state, "epoch",
	                 (json_int_t)s.epoch);
}

/* Which is the newest, not what it is. */
static json_t *secret_state(const struct control_view *v, const char *target)
{
	const struct copy *copy = node_copy(loop_node(v->loop));
	struct copy_cursor cursor = {0};
	struct secret_record s;
	uint64_t newest = 0;

	(void)target;
	for (int i = 0; i < CONTROL_PAGE_RECORDS; i++) {
		const struct copy_item *item = copy_walk(copy, TABLE_SECRET, &cursor);
		if (item == NULL)
			break;
		arena_reset(v->arena);
		if (secret_decode(item->value, v->arena, &s) == OK && s.id > newest)
			newest = s.id;
	}
	return json_pack("{so}", "newest", json_sprintf("%016llx", (unsigned long long)newest));
}

static json_t *nap_state(const struct control_view *v, const char *target)
{
	struct nap_view nap;

	for (size_t i = 0; node_nap_view(loop_node(v->loop), i, loop_now(v->loop), &nap); i++) {
		if (!slice_eq(nap.name, slice_str(target)))
			continue;
		arena_reset(v->arena);
		return json_pack("{ss sb so}", "phase", nap_phase_name(nap.phase), "registered",
		                 nap.registered, "why", control_text(nap.why, v->arena));
	}
	return json_null();
}

static json_t *level_state(const struct control_view *v, const char *target)
{
	(void)target;
	return json_string(log_level_name(loop_log(v->loop)->level));
}

/* --- the acts --- */

enum target { TARGET_NONE, TARGET_SUBSCRIBER, TARGET_AOR, TARGET_NAP, TARGET_WHO };

static const struct act {
	const char *command;
	enum target target;
	state_fn *state;   /* NULL: the outcome has it */
	const char *wants; /* without it nothing is done; NULL: nothing */
} acts[] = {
	{"subscriber-put", TARGET_SUBSCRIBER, subscriber_state, NULL},
	{"subscriber-remove", TARGET_SUBSCRIBER, subscriber_state, NULL},
	{"aor-remove", TARGET_AOR, bindings_state, NULL},
	{"switchover", TARGET_NONE, role_state, NULL},
	{"takeover", TARGET_NONE, role_state, NULL},
	{"secret-rotate", TARGET_NONE, secret_state, NULL},
	{"nap-register", TARGET_NAP, nap_state, NULL},
	{"nap-unregister", TARGET_NAP, nap_state, NULL},
	{"nap-poll", TARGET_NAP, nap_state, NULL},
	{"reload", TARGET_NONE, NULL, NULL},
	{"trace", TARGET_WHO, NULL, NULL},
	{"log-level", TARGET_NONE, level_state, "level"},
};

static const struct act *act_of(const char *command)
{
	for (size_t i = 0; i < ARRAY_LEN(acts); i++)
		if (strcmp(acts[i].command, command) == 0)
			return &acts[i];
	return NULL;
}

static const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

/* As its record's key, where it can be one; else as it was asked for. */
static json_t *target_of(const struct act *a, const json_t *request)
{
	uint8_t room[RECORD_KEY_MAX];
	struct buf key = buf_on(room, sizeof room);
	struct control_error unused;

	switch (a->target) {
	case TARGET_SUBSCRIBER:
		return json_sprintf("%s@%s", text_at(request, "user"), text_at(request, "realm"));
	case TARGET_AOR:
		return control_aor(request, &key, &unused)
		               ? json_stringn((const char *)key.p, key.n)
		               : json_string(text_at(request, "aor"));
	case TARGET_NAP:
		return json_string(text_at(request, "nap"));
	case TARGET_WHO:
		return json_string(text_at(request, "who"));
	case TARGET_NONE:
	default:
		return json_string("");
	}
}

static void set_state(const struct control_view *v, json_t *act, const char *key)
{
	const struct act *a = act_of(text_at(act, "act"));

	if (a != NULL && a->state != NULL)
		(void)json_object_set_new(act, key, a->state(v, text_at(act, "target")));
}

static void know_asker(json_t **asker, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof peer;

	if (*asker != NULL)
		return;
	*asker = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0
	                 ? asker_of(peer.pid, peer.uid)
	                 : json_object();
}

json_t *control_act(const struct control_view *v, const json_t *request, int fd, json_t **asker)
{
	const struct act *a = act_of(text_at(request, "command"));

	if (a == NULL || (a->wants != NULL && json_object_get(request, a->wants) == NULL))
		return NULL;
	know_asker(asker, fd);
	json_t *act = json_copy(*asker);
	(void)json_object_set_new(act, "act", json_string(a->command));
	(void)json_object_set_new(act, "target", target_of(a, request));
	if (json_is_true(json_object_get(request, "force")))
		(void)json_object_set_new(act, "forced", json_true());
	set_state(v, act, "before");
	return act;
}

void control_act_end(const struct control_view *v, struct audit *audit, json_t *act,
                     enum control_result result, const char *text)
{
	static const char *const names[] = {[CONTROL_DONE] = "done",
	                                    [CONTROL_REFUSED] = "refused",
	                                    [CONTROL_UNANSWERED] = "unanswered"};
	json_t *said = json_string(text);

	if (act != NULL) {
		if (result != CONTROL_UNANSWERED)
			set_state(v, act, "after");
		(void)json_object_set_new(act, "result", json_string(names[result]));
		(void)json_object_set(act, "text", said);
		audit_write(audit, loop_wall_ms(), act);
	}
	json_decref(said);
}

void control_act_reloaded(const struct control_view *v, struct audit *audit, json_t *act,
                          const json_t *outcome)
{
	bool done = json_is_true(json_object_get(outcome, "reloaded"));

	if (act == NULL)
		act = json_pack("{ss ss}", "by", "SIGHUP", "act", "reload");
	(void)json_object_set(act, "changes", json_object_get(outcome, "changes"));
	control_act_end(v, audit, act, done ? CONTROL_DONE : CONTROL_REFUSED,
	                text_at(outcome, "why"));
}

/* --- at once --- */

static json_t *log_level(const struct control_view *v, const json_t *request,
                         struct control_error *error)
{
	const json_t *wanted = json_object_get(request, "level");
	struct log *log = loop_log(v->loop);
	enum log_level level = log->level;

	if (wanted != NULL && !log_level_read(text_at(request, "level"), &level)) {
		(void)snprintf(error->text, sizeof error->text,
		               "`level` must be error, warn, notice, info or debug");
		return NULL;
	}
	if (level != log->level)
		log_line(log, LOG_NOTICE, "log.level=%s->%s until=\"the next reload or restart\"",
		         log_level_name(log->level), log_level_name(level));
	log->level = level;
	return json_pack("{ss ss}", "level", log_level_name(level), "configured",
	                 log_level_name(loop_config(v->loop)->log_level));
}

control_read_fn *control_setter(const char *command)
{
	return strcmp(command, "log-level") == 0 ? log_level : NULL;
}
