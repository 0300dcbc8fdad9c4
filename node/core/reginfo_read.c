#include "node/core/reginfo_read.h"

#include "proto/base/buf.h"
#include "proto/sip/header.h"

enum { VALUE_MAX = 1024, DEPTH_MAX = 64, ENTITY_MAX = 8 };

/* What is looked for, each within the one before. */
enum level { REGINFO, REGISTRATION, CONTACT, URI, LEVELS };
static const struct slice names[LEVELS] = {[REGINFO] = {SLICE_OF("reginfo")},
                                           [REGISTRATION] = {SLICE_OF("registration")},
                                           [CONTACT] = {SLICE_OF("contact")},
                                           [URI] = {SLICE_OF("uri")}};

struct reading {
	struct slice rest, aor, contact;
	size_t depth;    /* open elements ... */
	size_t known;    /* ... the outermost of which are `names`, so many of them */
	bool begun, bad; /* there was a root; it is no such document */
	struct reginfo_said whole, one, said; /* open registration, open contact, ours */
	uint8_t room[VALUE_MAX];
	struct buf uri; /* of the open contact */
};

/* --- text --- */

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice trimmed(struct slice s)
{
	while (s.n > 0 && is_space(s.p[0]))
		s = slice_from(s, 1);
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Where `what` begins; s.n: nowhere. */
static size_t find(struct slice s, struct slice what)
{
	for (size_t i = 0; i + what.n <= s.n; i++)
		if (memcmp(s.p + i, what.p, what.n) == 0)
			return i;
	return s.n;
}

static bool begins(struct slice s, struct slice with)
{
	return slice_eq(slice_head(s, with.n), with);
}

static bool digit_of(uint8_t c, uint32_t base, uint32_t *out)
{
	uint8_t lower = ascii_lower(c);

	if (c >= '0' && c <= '9')
		*out = c - (uint32_t)'0';
	else if (lower >= 'a' && lower <= 'f')
		*out = lower - (uint32_t)'a' + 10;
	else
		return false;
	return *out < base;
}

/* "#38", "#x26". URIs are ASCII: another character makes it none of ours. */
static bool put_character(struct buf *to, struct slice digits)
{
	bool hex = digits.n > 0 && digits.p[0] == 'x';
	uint32_t value = 0, digit;

	if (hex)
		digits = slice_from(digits, 1);
	if (digits.n == 0)
		return false;
	for (size_t i = 0; i < digits.n; i++) {
		if (!digit_of(digits.p[i], hex ? 16 : 10, &digit))
			return false;
		value = value * (hex ? 16 : 10) + digit; /* ENTITY_MAX digits at the most */
	}
	buf_byte(to, value >= ' ' && value < 0x7f ? (uint8_t)value : '?');
	return true;
}

static bool put_entity(struct buf *to, struct slice name)
{
	static const struct {
		struct slice name;
		uint8_t is;
	} known[] = {{{SLICE_OF("lt")}, '<'},
	             {{SLICE_OF("gt")}, '>'},
	             {{SLICE_OF("amp")}, '&'},
	             {{SLICE_OF("quot")}, '"'},
	             {{SLICE_OF("apos")}, '\''}};

	if (name.n > 0 && name.p[0] == '#')
		return put_character(to, slice_from(name, 1));
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (slice_eq(known[i].name, name)) {
			buf_byte(to, known[i].is);
			return true;
		}
	return false;
}

static bool put_decoded(struct buf *to, struct slice s)
{
	while (s.n > 0) {
		size_t plain = find(s, SLICE("&"));
		buf_put(to, slice_head(s, plain));
		if (plain == s.n)
			return true;
		s = slice_from(s, plain + 1);
		size_t end = find(slice_head(s, ENTITY_MAX + 1), SLICE(";"));
		if (end > ENTITY_MAX || end >= s.n || !put_entity(to, slice_head(s, end)))
			return false;
		s = slice_from(s, end + 1);
	}
	return true;
}

/* Both as URIs. What did not fit into its room is none. */
static bool same_uri(const struct buf *text, struct slice ours)
{
	struct sip_uri a, b;

	return !text->full && sip_uri_parse(trimmed(buf_slice(text)), &a) == OK &&
	       sip_uri_parse(ours, &b) == OK && sip_uri_eq(&a, &b);
}

/* --- elements --- */

/* `a:contact` is a contact. */
static struct slice local_name(struct slice name)
{
	size_t colon = find(name, SLICE(":"));

	return colon < name.n ? slice_from(name, colon + 1) : name;
}

/* One `name="value"` off `*rest`. False: there is none; then all of it was read, or it is bad. */
static bool attribute_next(struct slice *rest, struct slice *name, struct slice *value)
{
	struct slice s = trimmed(*rest);
	size_t equals = find(s, SLICE("="));
	struct slice quoted = trimmed(slice_from(s, equals + 1));

	*rest = s;
	if (quoted.n < 2 || (quoted.p[0] != '"' && quoted.p[0] != '\''))
		return false;
	struct slice quote = slice_head(quoted, 1);
	quoted = slice_from(quoted, 1);
	size_t end = find(quoted, quote);
	if (end == quoted.n)
		return false;
	*name = trimmed(slice_head(s, equals));
	*value = slice_head(quoted, end);
	*rest = slice_from(quoted, end + 1);
	return true;
}

static enum reginfo_word word_of(struct slice state, struct slice event)
{
	if (slice_eq(state, SLICE("active")))
		return REGINFO_ACTIVE;
	if (!slice_eq(state, SLICE("terminated")))
		return REGINFO_NOTHING;
	if (slice_eq(event, SLICE("probation")))
		return REGINFO_PROBATION;
	return slice_eq(event, SLICE("rejected")) ? REGINFO_REJECTED : REGINFO_ENDED;
}

/* Of a registration or a contact. An AOR that is not ours has nothing to say of the whole. */
static struct reginfo_said read_attributes(struct reading *x, struct slice attributes,
                                           bool is_whole)
{
	struct slice name, value, state = {NULL, 0}, event = {NULL, 0};
	struct reginfo_said said = {.word = REGINFO_NOTHING};
	bool ours = !is_whole;

	while (attribute_next(&attributes, &name, &value)) {
		uint8_t room[VALUE_MAX];
		struct buf text = buf_on(room, sizeof room);

		if (slice_eq(name, SLICE("state")))
			state = value;
		else if (slice_eq(name, SLICE("event")))
			event = value;
		else if (slice_eq(name, SLICE("retry-after")))
			said.has_retry_after = retry_after_read(value, &said.retry_after_s) == OK;
		else if (is_whole && slice_eq(name, SLICE("aor")))
			ours = put_decoded(&text, value) && same_uri(&text, x->aor);
	}
	x->bad = x->bad || attributes.n > 0;
	said.word = ours ? word_of(state, event) : REGINFO_NOTHING;
	return said;
}

static void begin_element(struct reading *x, struct slice name, struct slice attributes)
{
	bool known = x->known == x->depth && x->known < LEVELS &&
	             slice_eq(local_name(name), names[x->known]);

	x->bad = x->bad || (x->depth == 0 && (!known || x->begun)) || x->depth == DEPTH_MAX;
	x->begun = true;
	x->depth++;
	if (!known)
		return;
	if (x->known == REGISTRATION)
		x->whole = read_attributes(x, attributes, true);
	if (x->known == CONTACT) {
		x->one = read_attributes(x, attributes, false);
		x->uri = buf_on(x->room, sizeof x->room);
	}
	x->known++;
}

static void judge(struct reading *x)
{
	bool better = x->said.word != REGINFO_ACTIVE && x->one.word != REGINFO_NOTHING;

	if (better && same_uri(&x->uri, x->contact))
		x->said = x->one;
}

static void end_element(struct reading *x)
{
	if (x->depth == 0) {
		x->bad = true;
		return;
	}
	x->depth--;
	if (x->known <= x->depth)
		return;
	x->known = x->depth;
	if (x->known == CONTACT)
		judge(x);
	/* What a contact of it said stands before what the whole says. */
	if (x->known == REGISTRATION && x->said.word == REGINFO_NOTHING &&
	    x->whole.word != REGINFO_ACTIVE)
		x->said = x->whole;
}

/* Where the tag ends: a '>' may stand between quotes. */
static size_t tag_size(struct slice s)
{
	uint8_t quote = 0;

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (quote == 0 && c == '>')
			return i;
		if (quote != 0)
			quote = c == quote ? 0 : quote;
		else if (c == '"' || c == '\'')
			quote = c;
	}
	return s.n;
}

static void take_tag(struct reading *x)
{
	size_t size = tag_size(x->rest);
	struct slice tag = slice_from(slice_head(x->rest, size), 1);
	bool is_end = tag.n > 0 && tag.p[0] == '/';
	bool is_empty = tag.n > 0 && tag.p[tag.n - 1] == '/' && !is_end;
	size_t name = 0;

	x->bad = x->bad || size == x->rest.n || tag.n == 0 || is_space(tag.p[0]);
	x->rest = slice_from(x->rest, size + 1);
	if (is_empty)
		tag.n--;
	while (name < tag.n && !is_space(tag.p[name]))
		name++;
	if (!is_end)
		begin_element(x, slice_head(tag, name), slice_from(tag, name));
	if (is_end || is_empty)
		end_element(x);
}

static void take_text(struct reading *x, struct slice text, bool is_plain)
{
	if (x->depth == 0) {
		x->bad = x->bad || trimmed(text).n > 0 || !is_plain;
	} else if (x->known == LEVELS && x->depth == LEVELS) {
		if (is_plain)
			x->bad = !put_decoded(&x->uri, text) || x->bad;
		else
			buf_put(&x->uri, text);
	}
}

/* What lies between `first` and `last`, which are there. */
static struct slice take_between(struct reading *x, struct slice first, struct slice last)
{
	struct slice inner = slice_from(x->rest, first.n);
	size_t size = find(inner, last);

	x->bad = x->bad || size == inner.n;
	x->rest = slice_from(inner, size + last.n);
	return slice_head(inner, size);
}

static void take_one(struct reading *x)
{
	if (x->rest.p[0] != '<') {
		size_t size = find(x->rest, SLICE("<"));
		take_text(x, slice_head(x->rest, size), true);
		x->rest = slice_from(x->rest, size);
	} else if (begins(x->rest, SLICE("<!--"))) {
		(void)take_between(x, SLICE("<!--"), SLICE("-->"));
	} else if (begins(x->rest, SLICE("<![CDATA["))) {
		take_text(x, take_between(x, SLICE("<![CDATA["), SLICE("]]>")), false);
	} else if (begins(x->rest, SLICE("<?"))) {
		(void)take_between(x, SLICE("<?"), SLICE("?>"));
	} else if (begins(x->rest, SLICE("<!"))) {
		x->bad = true;
	} else {
		take_tag(x);
	}
}

enum err reginfo_read(struct slice body, struct slice aor, struct slice contact,
                      struct reginfo_said *out)
{
	struct reading x = {.rest = body, .aor = aor, .contact = contact};

	*out = (struct reginfo_said){.word = REGINFO_NOTHING};
	if (begins(body, SLICE("\xef\xbb\xbf")))
		x.rest = slice_from(body, 3);
	x.uri = buf_on(x.room, sizeof x.room);
	while (x.rest.n > 0 && !x.bad)
		take_one(&x);
	if (x.bad || !x.begun || x.depth > 0)
		return ERR_MALFORMED;
	*out = x.said;
	return OK;
}
