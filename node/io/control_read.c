/* What the node knows, as JSON: the status table, bindings, subscribers. Changes nothing. */
#include <assert.h>

#include "node/io/control_parts.h"
#include "node/io/mib.h"

json_t *control_text(struct slice s, struct arena *arena)
{
	json_t *text;

	if (s.n == 0)
		return json_string("");
	text = json_stringn((const char *)s.p, s.n);
	if (text != NULL)
		return text;
	uint8_t *plain = arena_take(arena, s.n);
	if (plain == NULL)
		return json_string("?");
	for (size_t i = 0; i < s.n; i++)
		plain[i] = s.p[i] < 0x80 ? s.p[i] : '?';
	return json_stringn_nocheck((const char *)plain, s.n);
}

static json_t *figure(const struct status *s, const struct status_field *f)
{
	const char *at = (const char *)s + f->offset;
	int64_t count;
	bool flag;

	switch (f->type) {
	case STATUS_IS_TEXT:
		return json_string(at);
	case STATUS_IS_GAUGE:
	case STATUS_IS_TOTAL:
	case STATUS_IS_OFFSET:
		memcpy(&count, at, sizeof count);
		return json_integer(count);
	case STATUS_IS_FLAG:
		memcpy(&flag, at, sizeof flag);
		return json_boolean(flag);
	case STATUS_TYPES:
		break;
	}
	return NULL;
}

static json_t *read_status(const struct control_view *v, const json_t *request,
                           struct control_error *error)
{
	json_t *result = json_object();
	struct status s;

	(void)request;
	(void)error;
	loop_status(v->loop, &s);
	for (size_t i = 0; i < status_field_count(); i++) {
		const struct status_field *f = &status_fields()[i];
		(void)json_object_set_new(result, f->name, figure(&s, f));
	}
	return result;
}

/* What a switchover would do now, without doing it. */
static json_t *read_switchover(const struct control_view *v, const json_t *request,
                               struct control_error *error)
{
	const struct node *node = loop_node(v->loop);
	const char *refusal = node_switchover_refusal(node);
	struct status s;

	(void)request;
	(void)error;
	loop_status(v->loop, &s);
	return json_pack("{sb ss sI sI sI sI}", "possible", refusal == NULL, "why",
	                 refusal != NULL ? refusal : "the standby is in step", "entries",
	                 (json_int_t)node_switchover_entries(node), "lag_ms", (json_int_t)s.lag_ms,
	                 "last_gap_ms", (json_int_t)s.last_switchover_gap_ms, "last_entries",
	                 (json_int_t)s.last_switchover_entries);
}

/* The table itself, so that a printer needs no copy of it. */
static json_t *read_fields(const struct control_view *v, const json_t *request,
                           struct control_error *error)
{
	json_t *result = json_array();

	(void)v;
	(void)request;
	(void)error;
	for (size_t i = 0; i < status_field_count(); i++) {
		const struct status_field *f = &status_fields()[i];
		(void)json_array_append_new(result,
		                            json_pack("{ss sI ss ss ss ss}", "name", f->name, "oid",
		                                      (json_int_t)f->oid, "type",
		                                      status_type_name(f->type), "unit", f->unit,
		                                      "snmp", mib_pass_type(f), "help", f->help));
	}
	return result;
}

static json_t *read_domains(const struct control_view *v, const json_t *request,
                            struct control_error *error)
{
	const struct node *node = loop_node(v->loop);
	json_t *result = json_array();
	struct domain_view d;

	(void)request;
	(void)error;
	for (size_t i = 0; node_domain_view(node, i, &d); i++)
		(void)json_array_append_new(
			result,
			json_pack("{so sI sI sI}", "name", control_text(d.name, v->arena), "users",
		                  (json_int_t)d.users, "bindings", (json_int_t)d.bindings,
		                  "max_users", (json_int_t)d.max_users));
	return result;
}

static json_t *address_of(const struct addr *a)
{
	uint8_t room[ADDR_TEXT_MAX];
	struct buf to = buf_on(room, sizeof room);

	if (a->family != ADDR_NONE)
		addr_put(&to, a);
	return json_stringn((const char *)room, to.n);
}

static json_t *binding_of(const struct binding *b, struct slice aor, struct pairtime now,
                          struct arena *arena)
{
	json_t *path = json_array();

	for (size_t i = 0; i < b->n_paths; i++)
		(void)json_array_append_new(path, control_text(b->path[i], arena));
	return json_pack("{so so sI sf ss so so so sI so so sI so so so}", "aor",
	                 control_text(aor, arena), "contact", control_text(b->uri, arena),
	                 "remaining_s", (json_int_t)((b->expires.ms - now.ms + 999) / 1000), "q",
	                 (double)b->q_milli / 1000, "transport", transport_name(b->transport),
	                 "received", address_of(&b->received), "local", address_of(&b->local),
	                 "call_id", control_text(b->call_id, arena), "cseq", (json_int_t)b->cseq,
	                 "user_agent", control_text(b->user_agent, arena), "instance",
	                 control_text(b->instance, arena), "reg_id", (json_int_t)b->reg_id,
	                 "params", control_text(b->params, arena), "display",
	                 control_text(b->display, arena), "path", path);
}

/* The AOR's bindings that live, at the end of the list. */
static bool add_bindings(const struct control_view *v, const struct copy_item *item, json_t *list)
{
	struct pairtime now = node_pair_now(loop_node(v->loop), loop_now(v->loop));
	struct aor_record *r;

	arena_reset(v->arena);
	r = arena_take(v->arena, sizeof *r);
	assert(r != NULL);
	if (aor_decode(item->value, v->arena, r) != OK)
		return false;
	for (size_t i = 0; i < r->n_bindings; i++)
		if (!pairtime_reached(r->bindings[i].expires, now))
			(void)json_array_append_new(list, binding_of(&r->bindings[i], item->key,
			                                             now, v->arena));
	return true;
}

struct copy_cursor control_cursor(const json_t *request)
{
	const json_t *pair = json_object_get(request, "cursor");

	return (struct copy_cursor){
		.at = (uint64_t)json_integer_value(json_array_get(pair, 0)),
		.within = (uint64_t)json_integer_value(json_array_get(pair, 1)),
	};
}

json_t *control_page(const char *name, json_t *list, const struct copy_cursor *cursor, bool more)
{
	json_t *next = more ? json_pack("[II]", (json_int_t)cursor->at, (json_int_t)cursor->within)
	                    : json_null();

	return json_pack("{so so}", name, list, "cursor", next);
}

static json_t *read_bindings(const struct control_view *v, const json_t *request,
                             struct control_error *error)
{
	const struct copy *copy = node_copy(loop_node(v->loop));
	struct copy_cursor cursor = control_cursor(request);
	const struct copy_item *item = NULL;
	json_t *list = json_array();
	uint8_t room[RECORD_KEY_MAX];
	struct buf key = buf_on(room, sizeof room);

	if (json_object_get(request, "aor") != NULL) {
		if (!control_aor(request, &key, error)) {
			json_decref(list);
			return NULL;
		}
		item = copy_get(copy, TABLE_AOR, buf_slice(&key));
		if (item != NULL)
			(void)add_bindings(v, item, list);
		return control_page("bindings", list, &cursor, false);
	}
	for (int i = 0; i < CONTROL_PAGE_RECORDS; i++) {
		item = copy_walk(copy, TABLE_AOR, &cursor);
		if (item == NULL || !add_bindings(v, item, list))
			break;
		if (json_array_size(list) >= CONTROL_PAGE_BINDINGS)
			break;
	}
	return control_page("bindings", list, &cursor, item != NULL);
}

static json_t *subscriber_of(const struct subscriber_record *s, struct arena *arena)
{
	json_t *result = json_pack("{so so sI}", "user", control_text(s->user, arena), "realm",
	                           control_text(s->realm, arena), "changed_ms",
	                           (json_int_t)s->stamped.ms);

	(void)json_object_set_new(
		result, "name",
		json_sprintf("%s@%s", json_string_value(json_object_get(result, "user")),
	                     json_string_value(json_object_get(result, "realm"))));
	return result;
}

static bool subscriber_there(const struct control_view *v, const struct copy_item *item,
                             struct subscriber_record *out)
{
	arena_reset(v->arena);
	return subscriber_decode(item->value, v->arena, out) == OK && !out->gone;
}

bool control_subscriber(const struct control_view *v, struct slice key,
                        struct subscriber_record *out)
{
	const struct copy_item *item =
		copy_get(node_copy(loop_node(v->loop)), TABLE_SUBSCRIBER, key);

	return item != NULL && subscriber_there(v, item, out);
}

static json_t *read_subscribers(const struct control_view *v, const json_t *request,
                                struct control_error *error)
{
	const struct copy *copy = node_copy(loop_node(v->loop));
	struct copy_cursor cursor = control_cursor(request);
	const struct copy_item *item = NULL;
	json_t *list = json_array();
	struct subscriber_record s;

	(void)error;
	for (int i = 0; i < CONTROL_PAGE_RECORDS; i++) {
		item = copy_walk(copy, TABLE_SUBSCRIBER, &cursor);
		if (item == NULL)
			break;
		if (subscriber_there(v, item, &s))
			(void)json_array_append_new(list, subscriber_of(&s, v->arena));
	}
	return control_page("subscribers", list, &cursor, item != NULL);
}

static json_t *read_subscriber(const struct control_view *v, const json_t *request,
                               struct control_error *error)
{
	uint8_t room[RECORD_KEY_MAX];
	struct buf key = buf_on(room, sizeof room);
	struct subscriber_record s;

	if (!control_subscriber_key(v, request, &key, error))
		return NULL;
	if (control_subscriber(v, buf_slice(&key), &s))
		return subscriber_of(&s, v->arena);
	(void)snprintf(error->text, sizeof error->text, "no such subscriber");
	return NULL;
}

/* Which there are, never what they are. */
static json_t *read_secrets(const struct control_view *v, const json_t *request,
                            struct control_error *error)
{
	const struct copy *copy = node_copy(loop_node(v->loop));
	struct copy_cursor cursor = control_cursor(request);
	const struct copy_item *item = NULL;
	json_t *list = json_array();
	struct secret_record s;

	(void)error;
	for (int i = 0; i < CONTROL_PAGE_RECORDS; i++) {
		item = copy_walk(copy, TABLE_SECRET, &cursor);
		if (item == NULL)
			break;
		arena_reset(v->arena);
		if (secret_decode(item->value, v->arena, &s) != OK)
			continue;
		json_t *id = json_sprintf("%016llx", (unsigned long long)s.id);
		(void)json_array_append_new(list, json_pack("{so sI}", "id", id, "created_ms",
		                                            (json_int_t)s.created.ms));
	}
	return control_page("secrets", list, &cursor, item != NULL);
}

control_read_fn *control_reader(const char *command, enum control_kind kind)
{
	static const struct {
		const char *name;
		control_read_fn *read;
		bool figures; /* for the monitor, too */
	} readers[] = {
		{"status", read_status, true},
		{"fields", read_fields, true},
		{"alarms", control_read_alarms, true},
		{"domains", read_domains, true},
		{"naps", control_read_naps, true},
		{"nap", control_read_nap, true},
		{"bindings", read_bindings, false},
		{"subscribers", read_subscribers, false},
		{"subscriber", read_subscriber, false},
		{"secrets", read_secrets, false},
		{"switchover-plan", read_switchover, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(readers); i++)
		if (strcmp(readers[i].name, command) == 0 &&
		    (readers[i].figures || kind == CONTROL_OPERATOR))
			return readers[i].read;
	return NULL;
}
