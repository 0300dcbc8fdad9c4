#include "node/io/reload.h"

#include <jansson.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include <event2/event.h>

#include "node/io/config_diff.h"
#include "node/io/loop_parts.h"
#include "node/io/peer_tls.h"
#include "node/io/threads.h"

enum { LINES_LOGGED = 100, WHY_MAX = 600 };

struct reload {
	struct loop *loop;
	const char *path;
	struct event *event;
	int wake; /* eventfd: the thread is done */
	pthread_t thread;
	bool going;
	uint64_t ticket; /* who waits */

	/* the thread's while it goes */
	struct config *config; /* NULL: refused, `fault` says why */
	struct config_fault fault;
	json_t *changes; /* {"what": line, "restart": true where it wants one} */
	size_t restarts;
	struct pair_files files; /* as they are now */
	struct peer_tls *tls;    /* made of them, where they are others than before */
	char pair_fault[PAIR_FAULT_MAX];
};

static void add_change(void *context, const char *line, bool live)
{
	struct reload *r = context;
	json_t *what = json_string(line);

	if (what == NULL) /* cut within a character */
		what = json_string("?");
	(void)json_array_append_new(r->changes,
	                            json_pack("{so sb}", "what", what, "restart", !live));
	r->restarts += !live;
}

static bool same_pair(const struct pair_files *a, const struct pair_files *b)
{
	return memcmp(a->cluster_id, b->cluster_id, sizeof a->cluster_id) == 0 &&
	       a->secret_id == b->secret_id && memcmp(a->secret, b->secret, sizeof a->secret) == 0;
}

/* The certificates, where the folder holds others than those in use. */
static void read_pair_files(struct reload *r)
{
	const struct config *c = r->loop->config;
	const struct pair_files *now = &r->loop->files;

	r->pair_fault[0] = '\0';
	if (c->unit == UNIT_STANDALONE || strcmp(c->cluster_dir, r->config->cluster_dir) != 0 ||
	    pair_files_load(c->cluster_dir, c->unit, &r->files, r->pair_fault) != OK)
		return;
	if (!same_pair(now, &r->files))
		add_change(r, "cluster.dir: the files of another pair", false);
	if (memcmp(now->print, r->files.print, sizeof now->print) == 0)
		return;
	r->tls = peer_tls_open(&r->files, c->unit, r->pair_fault);
	add_change(r, "cluster.dir: certificates renewed", true);
}

static void *run(void *context)
{
	struct reload *r = context;

	if (config_load(r->path, &r->config, &r->fault) == OK) {
		config_diff(r->loop->config, r->config, add_change, r);
		read_pair_files(r);
	}
	threads_wake(r->wake);
	return NULL;
}

static void refusal(const struct reload *r, char why[WHY_MAX])
{
	why[0] = '\0';
	if (r->config == NULL && r->fault.line > 0)
		(void)snprintf(why, WHY_MAX, "%s:%d: %s", r->fault.file, r->fault.line,
		               r->fault.text);
	else if (r->config == NULL)
		(void)snprintf(why, WHY_MAX, "%s: %s", r->fault.file, r->fault.text);
	else if (r->pair_fault[0] != '\0')
		(void)snprintf(why, WHY_MAX, "%s", r->pair_fault);
	else if (r->restarts > 0)
		(void)snprintf(why, WHY_MAX,
		               "%zu of %zu changes want a restart: nothing was changed",
		               r->restarts, json_array_size(r->changes));
}

/* The lines that refuse it, or all of them where it is done. */
static void log_changes(const struct reload *r, bool done)
{
	size_t i, logged = 0;
	json_t *change;
	char quoted[LOG_QUOTED_MAX];

	json_array_foreach(r->changes, i, change)
	{
		bool restart = json_is_true(json_object_get(change, "restart"));
		struct slice what = slice_str(json_string_value(json_object_get(change, "what")));
		if ((!done && !restart) || ++logged > LINES_LOGGED)
			continue;
		log_line(r->loop->log, done ? LOG_NOTICE : LOG_ERROR, "config=%s what=%s",
		         done ? "changed" : "wants-restart", log_quote(what, quoted));
	}
	if (logged > LINES_LOGGED)
		log_line(r->loop->log, LOG_NOTICE, "config=changed more=%zu",
		         logged - LINES_LOGGED);
}

static void take_over(struct reload *r)
{
	struct loop *l = r->loop;

	config_take_over(l->config, r->config);
	l->log->level = l->config->log_level;
	if (r->tls != NULL) {
		l->files = r->files;
		peer_link_renew(l->link, r->tls);
		r->tls = NULL;
	}
	loop_figures_begin(l); /* until when the certificates hold */
	loop_feed_naps(
		l); /* after it nothing points into the older NAPs, which r->config has now */
}

static void finish(struct reload *r)
{
	struct loop *l = r->loop;
	char why[WHY_MAX];

	refusal(r, why);
	bool done = why[0] == '\0';
	log_changes(r, done);
	if (done) {
		take_over(r);
		log_line(l->log, LOG_NOTICE, "config=reloaded changes=%zu",
		         json_array_size(r->changes));
	} else {
		char quoted[LOG_QUOTED_MAX];
		log_line(l->log, LOG_ERROR, "config=refused why=%s",
		         log_quote(slice_str(why), quoted));
	}
	control_reloaded(l->control, r->ticket,
	                 json_pack("{sb ss sO}", "reloaded", done, "why", why, "changes",
	                           r->changes));
}

static void forget(struct reload *r)
{
	config_free(&r->config);
	peer_tls_close(&r->tls);
	json_decref(r->changes);
	r->changes = NULL;
	r->restarts = 0;
	r->going = false;
}

static void on_done(evutil_socket_t fd, short what, void *context)
{
	struct reload *r = context;
	uint64_t times;

	(void)what;
	if (read(fd, &times, sizeof times) != (ssize_t)sizeof times || !r->going)
		return;
	(void)pthread_join(r->thread, NULL); /* it has nothing left to do */
	finish(r);
	forget(r);
}

bool reload_begin(struct reload *r, uint64_t ticket)
{
	if (r->going)
		return false;
	r->ticket = ticket;
	r->changes = json_array();
	if (r->changes == NULL || pthread_create(&r->thread, NULL, run, r) != 0)
		abort(); /* memory for a thread is ours to have: the peer serves */
	r->going = true;
	return true;
}

struct reload *reload_open(struct loop *l, const char *path)
{
	struct reload *r = calloc(1, sizeof *r);

	if (r == NULL)
		abort();
	r->loop = l;
	r->path = path;
	r->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (r->wake >= 0)
		r->event = event_new(loop_base(l), r->wake, EV_READ | EV_PERSIST, on_done, r);
	if (r->event != NULL && event_add(r->event, NULL) == 0)
		return r;
	log_line(loop_log(l), LOG_ERROR, "start=failed why=\"reloading cannot be set up\"");
	(void)reload_close(&r);
	return NULL;
}

bool reload_close(struct reload **reload)
{
	struct reload *r = *reload;

	*reload = NULL;
	if (r == NULL)
		return true;
	if (r->going && !threads_ended(r->thread))
		return false;
	forget(r);
	if (r->event != NULL)
		event_free(r->event);
	if (r->wake >= 0)
		(void)close(r->wake);
	free(r);
	return true;
}
