#include <stdio.h>

#include "node/io/loop_parts.h"

static void check(struct loop *l, enum err err, const char *what)
{
	if (err == OK)
		return;
	log_line(l->log, LOG_ERROR, "store=failed while=%s why=\"%s\"", what, err_text(err));
	l->store_failed = true;
}

void loop_set_aside(struct loop *l, const struct node_output *o)
{
	char path[PAIR_PATH_MAX * 2];
	uint64_t count = 0;

	(void)snprintf(path, sizeof path, "%s/fork-%lld-after-%llu", l->config->store_dir,
	               (long long)loop_wall_ms(), (unsigned long long)o->seq);
	log_thread_pause(l->log_thread);
	enum err err = log_set_aside(l->store, o->seq, path, &count);
	log_thread_resume(l->log_thread);
	check(l, err, "set-aside");
	if (err != OK)
		return;
	log_line(l->log, LOG_WARN, "fork=kept file=%s entries=%llu", path,
	         (unsigned long long)count);
}

void loop_next_begin(struct loop *l, const struct node_output *o)
{
	(void)o;
	check(l, store_next_begin(l->store), "snapshot-begin");
}

void loop_next_put(struct loop *l, const struct node_output *o)
{
	if (!l->store_failed)
		check(l, store_next_put(l->store, o->record.table, o->record.key, o->record.value),
		      "snapshot");
}

void loop_next_commit(struct loop *l, const struct node_output *o)
{
	log_thread_pause(l->log_thread);
	if (!l->store_failed)
		check(l, store_next_commit(l->store, o->position, o->pair, loop_wall_ms()),
		      "snapshot-end");
	log_thread_resume(l->log_thread);
}

void loop_next_abort(struct loop *l, const struct node_output *o)
{
	(void)o;
	store_next_abort(l->store);
}
