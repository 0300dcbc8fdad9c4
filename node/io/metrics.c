#include "node/io/metrics.h"

#include <assert.h>

#include <event2/buffer.h>

#include "ha/role.h"
#include "proto/base/utf8.h"

enum { LINE_MAX_BYTES = 2048 }; /* the longest names and texts, escaped, and room */

/* One line at a time, each at once behind the others. */
struct printer {
	struct evbuffer *to;
	struct buf line;
	unsigned labels;
	uint8_t room[LINE_MAX_BYTES];
};

static void begin(struct printer *p, const char *start, const char *name, const char *suffix)
{
	p->line = buf_on(p->room, sizeof p->room);
	p->labels = 0;
	buf_str(&p->line, start);
	buf_str(&p->line, "regpair_");
	buf_str(&p->line, name);
	buf_str(&p->line, suffix);
}

static void end(struct printer *p)
{
	buf_byte(&p->line, '\n');
	assert(!p->line.full);
	(void)evbuffer_add(p->to, p->line.p, p->line.n);
}

static void family(struct printer *p, const char *name, const char *suffix, const char *type,
                   const char *help)
{
	begin(p, "# HELP ", name, suffix);
	buf_byte(&p->line, ' ');
	buf_str(&p->line, help);
	end(p);
	begin(p, "# TYPE ", name, suffix);
	buf_byte(&p->line, ' ');
	buf_str(&p->line, type);
	end(p);
}

static void put_character(struct buf *to, struct slice c)
{
	if (c.p[0] == '"' || c.p[0] == '\\')
		buf_byte(to, '\\');
	if (c.p[0] < ' ')
		buf_byte(to, ' ');
	else
		buf_put(to, c);
}

/* A scrape with one byte that is no UTF-8 would be refused whole. */
static void label(struct printer *p, const char *name, struct slice value)
{
	buf_byte(&p->line, p->labels++ == 0 ? '{' : ',');
	buf_str(&p->line, name);
	buf_str(&p->line, "=\"");
	while (value.n > 0) {
		size_t n = utf8_size(value);
		put_character(&p->line, n > 0 ? slice_head(value, n) : SLICE("?"));
		value = slice_from(value, n > 0 ? n : 1);
	}
	buf_byte(&p->line, '"');
}

/* `v` in units of 1 / `parts`, a power of ten. */
static void value(struct printer *p, int64_t v, unsigned parts)
{
	uint64_t size = v < 0 ? -(uint64_t)v : (uint64_t)v;

	buf_str(&p->line, p->labels > 0 ? "} " : " ");
	buf_str(&p->line, v < 0 ? "-" : "");
	buf_u64(&p->line, size / parts);
	buf_str(&p->line, parts > 1 ? "." : "");
	for (unsigned digit = parts / 10; digit > 0; digit /= 10)
		buf_byte(&p->line, (uint8_t)('0' + size / digit % 10));
	end(p);
}

/* --- the status table --- */

/* What the table has in another unit than Prometheus wants it. */
static const struct scale {
	const char *unit, *suffix;
	unsigned parts;
} scales[] = {{"s", "_seconds", 1},
              {"ms", "_seconds", 1000},
              {"us", "_seconds", 1000000},
              {"%", "_ratio", 100}};

static const struct scale *scale_of(const struct status_field *f)
{
	static const struct scale plain = {"", "", 1};

	for (size_t i = 0; i < ARRAY_LEN(scales); i++)
		if (strcmp(scales[i].unit, f->unit) == 0)
			return &scales[i];
	return &plain;
}

/* The name without the unit that it ends in. */
static void bare_name(const struct status_field *f, char to[64])
{
	const char *cut = strrchr(f->name, '_');

	(void)snprintf(to, 64, "%s", f->name);
	if (*scale_of(f)->suffix != '\0' && cut != NULL)
		to[cut - f->name] = '\0';
}

static int64_t number_of(const struct status *s, const struct status_field *f)
{
	const char *at = (const char *)s + f->offset;
	int64_t number;
	bool flag;

	if (f->type != STATUS_IS_FLAG) {
		memcpy(&number, at, sizeof number);
		return number;
	}
	memcpy(&flag, at, sizeof flag);
	return flag;
}

static void print_number(struct printer *p, const struct status *s, const struct status_field *f)
{
	bool counts = f->type == STATUS_IS_TOTAL;
	const struct scale *scale = scale_of(f);
	const char *suffix = counts ? "_total" : scale->suffix;
	char name[64];

	bare_name(f, name);
	family(p, name, suffix, counts ? "counter" : "gauge", f->help);
	begin(p, "", name, suffix);
	value(p, number_of(s, f), scale->parts);
}

static const char *role_word(unsigned i)
{
	return role_name((enum role)i);
}

static const char *pair_state_word(unsigned i)
{
	return pair_state_name((enum pair_state)i);
}

/* Texts of few words. */
static const struct words {
	const char *figure;
	const char *(*word)(unsigned i);
	unsigned n; /* from 1 */
} states[] = {{"role", role_word, ROLE_OUT_OF_SERVICE},
              {"peer_role", role_word, ROLE_OUT_OF_SERVICE},
              {"pair_state", pair_state_word, PAIR_PAIRED}};

static const struct words *words_of(const struct status_field *f)
{
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (strcmp(states[i].figure, f->name) == 0)
			return &states[i];
	return NULL;
}

static void print_state(struct printer *p, const char *text, const struct status_field *f,
                        const struct words *words)
{
	family(p, f->name, "", "gauge", f->help);
	for (unsigned i = 1; i <= words->n; i++) {
		const char *word = words->word(i);
		begin(p, "", f->name, "");
		label(p, f->name, slice_str(word));
		value(p, strcmp(word, text) == 0, 1);
	}
}

/* The digest is another with every entry, and nothing to draw. */
static bool is_shown(const struct status_field *f, const char *text)
{
	return text[0] != '\0' && strcmp(f->name, "digest") != 0;
}

static void print_text(struct printer *p, const struct status *s, const struct status_field *f)
{
	const char *text = (const char *)s + f->offset;
	const struct words *words = words_of(f);

	if (words != NULL) {
		print_state(p, text, f, words);
	} else if (is_shown(f, text)) {
		family(p, f->name, "_info", "gauge", f->help);
		begin(p, "", f->name, "_info");
		label(p, f->name, slice_str(text));
		value(p, 1, 1);
	}
}

static void print_build(struct printer *p)
{
	family(p, "build_info", "", "gauge", "what runs here");
	begin(p, "", "build_info", "");
	label(p, "version", slice_str(REGPAIR_VERSION));
	value(p, 1, 1);
}

static void print_status(struct printer *p, const struct loop *l)
{
	struct status s;

	loop_status(l, &s);
	for (size_t i = 0; i < status_field_count(); i++) {
		const struct status_field *f = &status_fields()[i];
		if (f->type == STATUS_IS_TEXT)
			print_text(p, &s, f);
		else
			print_number(p, &s, f);
	}
}

/* --- the alarms --- */

static void print_alarms(struct printer *p, const struct loop *l)
{
	const struct alarms *now = loop_alarms(l);

	family(p, "alarm", "", "gauge", "it is raised");
	for (size_t i = 0; i < alarm_count(); i++) {
		const struct alarm_row *row = &alarm_rows()[i];
		begin(p, "", "alarm", "");
		label(p, "name", slice_str(row->name));
		label(p, "severity", slice_str(alarm_severity_name(row->severity)));
		value(p, now->at[i].raised, 1);
	}
	family(p, "alarm_info", "", "gauge", "what it means, and what to do");
	for (size_t i = 0; i < alarm_count(); i++) {
		const struct alarm_row *row = &alarm_rows()[i];
		begin(p, "", "alarm_info", "");
		label(p, "name", slice_str(row->name));
		label(p, "meaning", slice_str(row->meaning));
		label(p, "remedy", slice_str(row->remedy));
		value(p, 1, 1);
	}
}

/* --- the domains --- */

static const struct domain_family {
	const char *name, *help;
	size_t offset; /* of a number in struct domain_view */
} domain_families[] = {
	{"domain_users", "AORs with a record", offsetof(struct domain_view, users)},
	{"domain_bindings", "bindings in them", offsetof(struct domain_view, bindings)},
	{"domain_max_users", "max_users; 0: no limit", offsetof(struct domain_view, max_users)},
};

static void print_domain_family(struct printer *p, const struct loop *l,
                                const struct domain_family *f)
{
	struct domain_view domain;
	int64_t number;

	family(p, f->name, "", "gauge", f->help);
	for (size_t i = 0; node_domain_view(loop_node(l), i, &domain); i++) {
		memcpy(&number, (const char *)&domain + f->offset, sizeof number);
		begin(p, "", f->name, "");
		label(p, "domain", domain.name);
		value(p, number, 1);
	}
}

static void print_domains(struct printer *p, const struct loop *l)
{
	for (size_t i = 0; i < ARRAY_LEN(domain_families); i++)
		print_domain_family(p, l, &domain_families[i]);
}

/* --- the NAPs --- */

/* False: this NAP has no such figure. */
typedef bool nap_value_fn(const struct nap_view *n, int64_t *out);

static bool nap_registered(const struct nap_view *n, int64_t *out)
{
	*out = n->registered;
	return n->register_to_proxy;
}

static bool nap_available(const struct nap_view *n, int64_t *out)
{
	*out = n->is_available;
	return true;
}

static bool nap_since(const struct nap_view *n, int64_t *out)
{
	*out = n->since_ms;
	return true;
}

static bool nap_granted(const struct nap_view *n, int64_t *out)
{
	*out = n->granted_s;
	return n->register_to_proxy;
}

static bool nap_status(const struct nap_view *n, int64_t *out)
{
	*out = n->last_status;
	return n->last_status != 0;
}

static bool nap_attempts(const struct nap_view *n, int64_t *out)
{
	*out = n->attempts;
	return n->register_to_proxy;
}

static const struct nap_family {
	const char *name, *help;
	nap_value_fn *value;
	unsigned parts;
} nap_families[] = {
	{"nap_registered", "it is registered at its proxy, if it is to be", nap_registered, 1},
	{"nap_available", "its proxy is there", nap_available, 1},
	{"nap_phase_since_seconds", "how long it has been in its phase", nap_since, 1000},
	{"nap_granted_seconds", "for how long it was registered last", nap_granted, 1},
	{"nap_last_status", "SIP status of the last answer", nap_status, 1},
	{"nap_attempts", "REGISTERs since it was registered last", nap_attempts, 1},
};

static void print_nap_family(struct printer *p, const struct loop *l, const struct nap_family *f)
{
	struct mtime now = loop_now(l);
	struct nap_view nap;
	int64_t number;

	family(p, f->name, "", "gauge", f->help);
	for (size_t i = 0; node_nap_view(loop_node(l), i, now, &nap); i++) {
		if (!f->value(&nap, &number))
			continue;
		begin(p, "", f->name, "");
		label(p, "nap", nap.name);
		value(p, number, f->parts);
	}
}

static void print_nap_phases(struct printer *p, const struct loop *l)
{
	struct mtime now = loop_now(l);
	struct nap_view nap;

	family(p, "nap_phase", "", "gauge", "what it does now");
	for (size_t i = 0; node_nap_view(loop_node(l), i, now, &nap); i++) {
		begin(p, "", "nap_phase", "");
		label(p, "nap", nap.name);
		label(p, "phase", slice_str(nap_phase_name(nap.phase)));
		value(p, 1, 1);
	}
}

static void print_naps(struct printer *p, const struct loop *l)
{
	for (size_t i = 0; i < ARRAY_LEN(nap_families); i++)
		print_nap_family(p, l, &nap_families[i]);
	print_nap_phases(p, l);
}

void metrics_print(const struct loop *l, struct evbuffer *to)
{
	struct printer p = {.to = to};

	print_build(&p);
	print_status(&p, l);
	print_alarms(&p, l);
	print_domains(&p, l);
	print_naps(&p, l);
}
