#include <stdlib.h>
#include <sys/timex.h>
#include <unistd.h>

#include <event2/event.h>

#include "node/io/config_nap.h"
#include "node/io/loop_parts.h"

enum {
	DISK_HANG_MS = 2000, /* a disk that answers late is slow until then */
	DNS_TRY_MS = 1500,
	DNS_WAIT_MS = 6000,
};

static void *take(void *context, size_t size)
{
	void *p = malloc(size);

	(void)context;
	if (p == NULL)
		abort(); /* sizes from the network are limited before: the peer serves */
	return p;
}

static void give(void *context, void *p)
{
	(void)context;
	free(p);
}

static int open_files(struct loop *l)
{
	char fault[PAIR_FAULT_MAX];

	if (l->config->cluster_dir == NULL) { /* standalone: its first secret is made here */
		l->files.secret_id = 1;
		for (size_t i = 0; i < sizeof l->files.secret; i++)
			l->files.secret[i] = (uint8_t)loop_random(l);
		return 0;
	}
	if (pair_files_load(l->config->cluster_dir, l->config->unit, &l->files, fault) == OK)
		return 0;
	log_line(l->log, LOG_ERROR, "start=failed why=\"%s\"", fault);
	return EX_CONFIG;
}

/* Whatever takes long is told once a second. */
struct progress {
	struct loop *l;
	const char *doing;
	uint64_t done;
	struct mtime next;
};

static void progress_at(void *context, const char *what, uint64_t done)
{
	struct progress *p = context;
	struct mtime now = loop_now(p->l);

	if (!mtime_reached(p->next, now))
		return;
	p->next = mtime_add_ms(now, 1000);
	log_line(p->l->log, LOG_NOTICE, "state=%s %s=%llu", p->doing, what,
	         (unsigned long long)done);
}

static struct progress progress_begin(struct loop *l, const char *doing)
{
	return (struct progress){.l = l, .doing = doing, .next = mtime_add_ms(loop_now(l), 1000)};
}

/* In a pair the peer has a copy. */
static int set_store_aside(struct loop *l, const char *why)
{
	char fault[STORE_FAULT_TEXT];

	if (l->config->unit == UNIT_STANDALONE) {
		log_line(l->log, LOG_ERROR,
		         "start=failed why=\"%s\" remedy=\"restore a backup, or move %s away to "
		         "start empty\"",
		         why, l->config->store_dir);
		return EX_IOERR;
	}
	if (store_set_aside(l->config->store_dir, (uint64_t)loop_wall_ms(), fault) != OK) {
		log_line(l->log, LOG_ERROR, "start=failed why=\"%s\"", fault);
		return EX_IOERR;
	}
	log_line(l->log, LOG_ERROR,
	         "store=set-aside why=\"%s\" what=\"starts empty and fetches all from its peer\"",
	         why);
	return 0;
}

/* Before anything relies on it; what cannot be opened at all is told by the opening. */
static int check_store(struct loop *l, uint64_t *node_id)
{
	char fault[STORE_FAULT_TEXT] = "";
	struct store_checked found;
	struct progress p = progress_begin(l, "checking");
	enum err err = store_check(l->config->store_dir, progress_at, &p, &found, fault);

	*node_id = found.node_id;
	return err == ERR_CORRUPT ? set_store_aside(l, fault) : 0;
}

static int open_store(struct loop *l)
{
	char fault[STORE_FAULT_TEXT];
	struct progress p = progress_begin(l, "upgrading");
	struct store_options options = {
		.dir = l->config->store_dir,
		.max_size = l->config->store_max_size,
		.progress = progress_at,
		.context = &p,
	};
	int code = check_store(l, &options.node_id);

	if (code != 0)
		return code;
	if (options.node_id == 0)
		options.node_id = loop_random(l) | 1;
	memcpy(options.cluster_id, l->files.cluster_id, sizeof options.cluster_id);
	if (store_open(&l->store, &options, fault) == OK)
		return 0;
	log_line(l->log, LOG_ERROR, "start=failed why=\"%s\"", fault);
	return EX_IOERR;
}

static enum commit_mode commit_of(enum config_commit c)
{
	return c == CONFIG_COMMIT_PEER   ? COMMIT_PEER
	       : c == CONFIG_COMMIT_DISK ? COMMIT_DISK
	                                 : COMMIT_BOTH;
}

static enum digest_offer offer_of(enum config_auth a)
{
	return a == CONFIG_AUTH_NONE            ? OFFER_NOTHING
	       : a == CONFIG_AUTH_DIGEST_MD5    ? OFFER_MD5
	       : a == CONFIG_AUTH_DIGEST_SHA256 ? OFFER_SHA256
	                                        : OFFER_ALL;
}

static enum keep_alive keep_alive_of(enum config_keep_alive k)
{
	return k == CONFIG_KEEP_ALIVE_CRLF      ? KEEP_ALIVE_CRLF
	       : k == CONFIG_KEEP_ALIVE_OPTIONS ? KEEP_ALIVE_OPTIONS
	                                        : KEEP_ALIVE_OFF;
}

static enum jitter jitter_of(enum config_jitter j)
{
	return j == CONFIG_JITTER_OFF      ? JITTER_OFF
	       : j == CONFIG_JITTER_ALWAYS ? JITTER_ALWAYS
	                                   : JITTER_AFTER_TAKEOVER;
}

static void take_domains(struct loop *l, struct node_options *o)
{
	const struct config *c = l->config;

	l->domains = take(NULL, c->domain_count * sizeof *l->domains);
	for (size_t i = 0; i < c->domain_count; i++) {
		const struct config_domain *d = &c->domains[i];
		l->domains[i] = (struct domain_policy){
			.name = slice_str(d->name),
			.default_expires_s = (uint32_t)(d->default_expires / 1000),
			.min_expires_s = (uint32_t)(d->min_expires / 1000),
			.max_expires_s = (uint32_t)(d->max_expires / 1000),
			.digest = offer_of(d->auth),
			.third_party = d->third_party,
			.max_contacts = d->max_contacts,
			.extra_contact = d->extra_contact == CONFIG_EXTRA_REPLACE_OLDEST
		                                 ? EXTRA_REPLACES_OLDEST
		                                 : EXTRA_REFUSED,
			.max_users = d->max_users,
			.grace_s = (uint32_t)(d->grace / 1000),
			.jitter = jitter_of(d->jitter),
			.strict_users = d->strict_user_matching,
			.auth_int = d->auth_int,
			.userhash = d->userhash,
			.redirect = d->location == CONFIG_LOCATION_REDIRECT,
			.service_route = slice_str(d->service_route),
			.push_services = slice_str(d->push_services),
			.flow_timer_s = (uint32_t)(d->flow_timer / 1000),
			.numbers = slice_str(d->numbers),
			.keep_alive = keep_alive_of(d->keep_alive),
			.keep_alive_ms = (uint32_t)d->keep_alive_interval,
			.keep_alive_remove = d->keep_alive_remove,
		};
		int64_t longest = d->max_expires + d->grace;
		o->longest_expires_ms = longest > o->longest_expires_ms ? longest
		                                                        : o->longest_expires_ms;
		o->default_expires_ms = d->default_expires > o->default_expires_ms
		                                ? d->default_expires
		                                : o->default_expires_ms;
	}
	o->server.domains = l->domains;
	o->server.n_domains = c->domain_count;
}

static void make_node(struct loop *l, const struct store_meta *meta)
{
	const struct config *c = l->config;
	struct alloc alloc = {take, give, NULL};
	struct node_options o = {
		.role = {.standalone = c->unit == UNIT_STANDALONE,
	                 .advert_ms = c->keepalived_advert_interval,
	                 .peer_timeout_ms = c->peer_timeout,
	                 .cold_start_ms = c->cold_start_wait,
	                 .takeover_when_behind = c->takeover_when_behind},
		.server = {.nonce_lifetime_ms = c->nonce_lifetime, .alloc = alloc},
		.commit = commit_of(c->commit),
		.unit = c->unit,
		.node_id = meta->node_id,
		.max_version = (uint32_t)c->peer_max_version,
		.config_digest = config_digest(c),
		.secret_id = l->files.secret_id,
		.window_bytes = (size_t)16 << 20,
		.snapshot_max = c->store_max_size,
		.resync_rate = c->peer_bulk_rate,
		.disk_hang_ms =
			DISK_HANG_MS + (c->commit == CONFIG_COMMIT_PEER ? c->flush_interval : 0),
		.held_bytes = (size_t)c->limits_pending_mib << 20,
		.expiry_rate = 5000,
		.nap_pace = c->nap_pace,
		.alloc = alloc,
	};

	memcpy(o.cluster_id, l->files.cluster_id, sizeof o.cluster_id);
	memcpy(o.secret, l->files.secret, sizeof o.secret);
	take_domains(l, &o);
	l->node = node_new(&o, loop_now(l));
}

static void progress(struct progress *p, const char *what)
{
	if (++p->done % 1024 == 0)
		progress_at(p, what, p->done);
}

static bool on_record(void *context, enum table table, struct slice key, struct slice value)
{
	struct progress *p = context;
	struct node_input in = {.event = NODE_RECORD, .record = {table, key, value}};

	loop_feed(p->l, &in);
	progress(p, "records");
	return true;
}

static enum err replay_block(struct progress *p, struct slice bytes, uint64_t *next)
{
	struct block b;
	struct slice entry;
	struct entry e;
	enum err err = block_open(bytes, &b);

	while (err == OK && block_next(&b, &entry)) {
		err = entry_decode(entry, &e);
		if (err != OK || e.seq != *next)
			continue;
		struct node_input in = {.event = NODE_REPLAY, .bytes = entry};
		loop_feed(p->l, &in);
		progress(p, "entries");
		(*next)++;
	}
	return err;
}

static enum err replay(struct progress *p, const struct store_meta *meta)
{
	struct loop *l = p->l;
	uint64_t next = meta->applied.seq + 1;

	while (next <= meta->log_last) {
		struct buf block = buf_on(l->block, BLOCK_MAX);
		uint64_t from = next;
		enum err err = log_read(l->store, next, &block);
		if (err == OK)
			err = replay_block(p, buf_slice(&block), &next);
		if (err != OK)
			return err;
		if (next == from)
			return ERR_CORRUPT;
	}
	return OK;
}

static void tell_loaded(struct loop *l, const struct store_meta *meta)
{
	struct timex t = {0};
	uint64_t last = meta->log_last > meta->applied.seq ? meta->log_last : meta->applied.seq;
	struct node_input in = {
		.event = NODE_LOADED,
		.loaded = {.applied = {meta->applied.reign, last},
	                   .log_first = meta->log_first,
	                   .store_lost = meta->lost,
	                   .restored = meta->restored,
	                   .pair = meta->pair,
	                   .stored_wall_ms = meta->wall_ms,
	                   .wall_ms = loop_wall_ms(),
	                   .wall_synchronised = adjtimex(&t) != TIME_ERROR},
	};

	loop_feed(l, &in);
}

static int load(struct loop *l, struct store_meta *meta)
{
	struct progress p = progress_begin(l, "loading");
	enum err err = store_meta(l->store, meta);

	if (err == OK) {
		make_node(l, meta);
		err = state_read(l->store, on_record, &p);
	}
	if (err == OK) {
		p.done = 0;
		err = replay(&p, meta);
	}
	if (err == OK)
		return 0;
	log_line(l->log, LOG_ERROR,
	         "start=failed why=\"the store in %s was whole when it was checked and cannot be "
	         "read: "
	         "%s\" remedy=\"start again: it is checked again\"",
	         l->config->store_dir, err_text(err));
	return EX_IOERR;
}

static bool open_management(struct loop *l)
{
	const struct addr *at = &l->config->management_address;

	if (at->family == ADDR_NONE)
		return true;
	l->management = management_open(l, at);
	return l->management != NULL;
}

static int open_edges(struct loop *l)
{
	const struct config *c = l->config;
	struct log_thread_options options = {
		.store = l->store,
		.checkpoint_interval_ms = c->store_checkpoint_interval,
		.log_entries = c->store_log_entries,
		.max_size = c->store_max_size,
		.min_free = c->store_min_free,
		.flush_interval_ms = c->commit == CONFIG_COMMIT_PEER ? c->flush_interval : 0,
	};

	const struct dns_options dns = {c->dns_servers, DNS_TRY_MS, DNS_WAIT_MS};

	l->divergence = divergence_open(c->store_dir);
	l->journal = journal_open(c->store_dir);
	l->sip = sip_io_open(l);
	if (l->sip == NULL)
		return EX_UNAVAILABLE;
	l->dns = dns_open(l, &dns);
	if (l->dns == NULL)
		return EX_OSERR;
	l->control = control_open(l, c->control, CONTROL_OPERATOR);
	l->monitor = l->control != NULL ? control_open(l, c->monitor, CONTROL_MONITOR) : NULL;
	if (l->monitor == NULL)
		return EX_UNAVAILABLE;
	if (!open_management(l))
		return EX_UNAVAILABLE;
	l->events = events_open(l, l->control, l->monitor);
	l->reload = reload_open(l, l->config_path);
	if (l->reload == NULL)
		return EX_OSERR;
	l->log_thread = log_thread_start(l, &options);
	if (l->log_thread == NULL)
		return EX_OSERR;
	if (c->unit == UNIT_STANDALONE)
		return 0;
	l->link = peer_link_open(l, &l->files);
	return l->link == NULL ? EX_UNAVAILABLE : 0;
}

void loop_feed_naps(struct loop *l)
{
	const struct config *c = l->config;
	struct nap_options *before = l->naps;
	struct node_input in = {.event = NODE_NAPS};

	l->naps = take(NULL, (c->nap_count + 1) * sizeof *l->naps);
	config_nap_options(c, l->naps);
	in.naps = (struct nap_list){l->naps, c->nap_count};
	in.config_digest = config_digest(c);
	loop_feed(l, &in);
	free(before);
}

int loop_start(struct loop *l)
{
	struct store_meta meta;
	bool failed = false;

	l->block = take(NULL, BLOCK_MAX);
	int code = open_files(l);
	if (code == 0) {
		l->keeper = keeper_open(l, &failed);
		code = failed ? EX_CANTCREAT : open_store(l);
	}
	if (code == 0)
		code = load(l, &meta);
	if (code == 0)
		code = open_edges(l);
	if (code != 0)
		return code;
	loop_figures_begin(l);
	tell_loaded(l, &meta); /* from here on the node decides, and the edges must be there */
	loop_feed_naps(l);
	keeper_start(l->keeper);
	return 0;
}

void loop_stop(struct loop *l)
{
	events_close(&l->events);
	control_close(&l->control);
	control_close(&l->monitor);
	management_close(&l->management);
	dns_close(&l->dns);
	sip_io_close(&l->sip);
	if (l->link != NULL)
		peer_link_close(&l->link);
	if (!log_thread_stop(&l->log_thread) || !reload_close(&l->reload)) {
		log_line(l->log, LOG_ERROR,
		         "state=stopped why=\"the disk does not answer: it keeps what "
		         "was durable\"");
		_exit(EX_IOERR);
	}
	keeper_close(&l->keeper);
	divergence_close(&l->divergence);
	journal_close(&l->journal);
	node_free(&l->node);
	store_close(&l->store);
	free(l->domains);
	free(l->naps);
	free(l->block);
	struct event *events[] = {l->timer, l->term, l->interrupt, l->hangup};
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		if (events[i] != NULL)
			event_free(events[i]);
	if (l->base != NULL)
		event_base_free(l->base);
}
