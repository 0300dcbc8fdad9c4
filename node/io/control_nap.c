/* The NAPs as the node has them, as JSON. Changes nothing. */
#include "node/io/control_parts.h"

/* The first four as the reference system calls them. */
static json_t *nap_of(const struct nap_view *n, struct arena *arena)
{
	json_t *next = n->next_ms < 0 ? json_null() : json_integer((json_int_t)n->next_ms);

	return json_pack("{so sb sb sb sb ss so sI sI so sI so sI so}", "name",
	                 control_text(n->name, arena), "register_to_proxy", n->register_to_proxy,
	                 "registered", n->registered, "poll_remote_proxy", n->poll_remote_proxy,
	                 "is_available", n->is_available, "phase", nap_phase_name(n->phase), "why",
	                 control_text(n->why, arena), "since_ms", (json_int_t)n->since_ms,
	                 "granted_s", (json_int_t)n->granted_s, "next_ms", next, "last_status",
	                 (json_int_t)n->last_status, "last_reason",
	                 control_text(n->last_reason, arena), "attempts", (json_int_t)n->attempts,
	                 "target", control_text(n->target, arena));
}

static bool view(const struct control_view *v, size_t i, struct nap_view *out)
{
	return node_nap_view(loop_node(v->loop), i, loop_now(v->loop), out);
}

json_t *control_read_naps(const struct control_view *v, const json_t *request,
                          struct control_error *error)
{
	struct copy_cursor cursor = control_cursor(request);
	json_t *list = json_array();
	struct nap_view nap;
	bool more = true;

	(void)error;
	for (int i = 0; i < CONTROL_PAGE_RECORDS && more; i++) {
		more = view(v, cursor.at, &nap);
		cursor.at += more;
		arena_reset(v->arena);
		if (more)
			(void)json_array_append_new(list, nap_of(&nap, v->arena));
	}
	return control_page("naps", list, &cursor, more);
}

/* What an operator compares it with. */
static void add_configured(const struct config *c, const char *name, json_t *nap)
{
	for (size_t i = 0; i < c->nap_count; i++) {
		const struct config_nap *n = &c->naps[i];
		if (strcmp(n->name, name) != 0)
			continue;
		json_t *more = json_pack("{ss ss ss}", "proxy", n->proxy, "address_to_register",
		                         n->address_to_register, "access_list", n->access_list);
		(void)json_object_update(nap, more);
		json_decref(more);
	}
}

json_t *control_read_nap(const struct control_view *v, const json_t *request,
                         struct control_error *error)
{
	const char *name = json_string_value(json_object_get(request, "nap"));
	struct nap_view nap;

	for (size_t i = 0; name != NULL && view(v, i, &nap); i++) {
		if (!slice_eq(nap.name, slice_str(name)))
			continue;
		json_t *found = nap_of(&nap, v->arena);
		add_configured(loop_config(v->loop), name, found);
		return found;
	}
	(void)snprintf(error->text, sizeof error->text, "there is no NAP of that name");
	return NULL;
}
