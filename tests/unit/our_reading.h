/* our_reading.h - a message in words, as our readers understand it. */
#ifndef TESTS_UNIT_OUR_READING_H
#define TESTS_UNIT_OUR_READING_H

#include "tests/unit/reading_words.h"

static inline void our_params(struct buf *to, struct slice params)
{
	struct sip_param p;

	while (param_next(&params, &p))
		say_param(to, p.name, p.value);
}

static inline struct slice bare_host(struct slice host)
{
	bool ipv6 = host.n > 1 && host.p[0] == '[';

	return ipv6 ? (struct slice){host.p + 1, host.n - 2} : host;
}

static inline void say_port(struct buf *to, uint16_t port)
{
	buf_byte(to, ' ');
	if (port != 0)
		buf_u64(to, port);
}

static inline void our_uri(struct buf *to, struct slice text)
{
	uint8_t memory[READ_MAX];
	struct arena arena = arena_on(memory, sizeof memory);
	struct sip_uri u;

	if (sip_uri_parse(text, &u) != OK || (u.scheme != URI_SIP && u.scheme != URI_SIPS)) {
		say(to, text);
		return;
	}
	buf_str(to, u.scheme == URI_SIPS ? "sips " : "sip ");
	say(to, uri_unescaped(u.user, &arena));
	buf_byte(to, ' ');
	say(to, bare_host(u.host));
	say_port(to, u.port);
	if (u.params.n > 0)
		buf_byte(to, ';');
	say(to, uri_unescaped(u.params, &arena));
	if (u.headers.n > 0)
		buf_byte(to, '?');
	say(to, uri_unescaped(u.headers, &arena));
}

static inline void our_name(struct buf *to, const char *field, struct slice value)
{
	struct sip_name_addr name = {.uri = {NULL, 0}};

	buf_str(to, field);
	if (slice_eq(value, SLICE("*")))
		buf_str(to, "*");
	else if (name_addr_read(value, &name) != OK)
		buf_str(to, "unreadable");
	say(to, name.display);
	buf_str(to, " <");
	our_uri(to, name.uri);
	buf_byte(to, '>');
	our_params(to, name.params);
	buf_byte(to, '\n');
}

static inline void our_names(struct buf *to, const struct sip_msg *m, enum sip_header_id id,
                             const char *field)
{
	struct slice rest, element;

	for (const struct sip_header *h = sip_find(m, id); h != NULL; h = sip_find_next(m, h))
		for (rest = h->value; list_next(&rest, &element);)
			our_name(to, field, element);
}

static inline void our_vias(struct buf *to, const struct sip_msg *m)
{
	struct sip_via via;

	for (const struct sip_header *h = sip_find(m, HEADER_VIA); h != NULL;
	     h = sip_find_next(m, h)) {
		struct slice rest = h->value;

		while (rest.n > 0 && via_next(&rest, &via) == OK) {
			buf_str(to, "via ");
			say(to, via.transport);
			buf_byte(to, ' ');
			say(to, bare_host(via.host));
			say_port(to, via.port);
			our_params(to, via.params);
			buf_byte(to, '\n');
		}
	}
}

/* A challenge has the shape of credentials. */
static inline void our_challenge(struct buf *to, struct slice value)
{
	struct sip_credentials c;

	if (credentials_read(value, &c) != OK)
		return;
	say_word(to, "challenge ", c.realm);
	say_word(to, " nonce ", c.nonce);
	say_word(to, " algorithm ", c.algorithm);
	say_word(to, " qop ", c.qop);
}

static inline void our_credentials(struct buf *to, struct slice value)
{
	struct sip_credentials c;

	if (credentials_read(value, &c) != OK)
		return;
	say_word(to, "credentials ", c.realm);
	say_word(to, " username ", c.username);
	say_word(to, " nonce ", c.nonce);
	say_word(to, " uri ", c.uri);
	say_word(to, " response ", c.response);
	say_word(to, " algorithm ", c.algorithm);
	say_word(to, " qop ", c.qop);
	say_word(to, " nc ", c.nc_text);
	say_word(to, " cnonce ", c.cnonce);
}

static inline void our_fields(struct buf *to, const struct sip_msg *m)
{
	for (size_t i = 0; i < m->n_headers; i++) {
		const struct sip_header *h = &m->headers[i];
		const struct read_field *field = read_field_of(h->name);
		struct slice rest = h->value, element;

		if (field != NULL && !field->list)
			say_param(to, h->name, h->value);
		while (field != NULL && field->list && list_next(&rest, &element))
			say_param(to, h->name, element);
	}
	for (size_t i = 0; i < m->n_headers; i++) {
		struct slice rest = m->headers[i].value, element;

		while (slice_eq_nocase(m->headers[i].name, SLICE("Allow")) &&
		       list_next(&rest, &element))
			say_param(to, SLICE("allow"), element);
	}
	buf_byte(to, '\n');
}

static inline void our_reading(struct slice bytes, struct buf *to)
{
	static struct sip_msg m;
	struct sip_cseq cseq;

	assert_int_equal(sip_parse(bytes, &m), OK);
	if (m.is_request)
		say_word(to, "request ", m.method_name);
	else
		buf_u64(to, m.status);
	buf_byte(to, '\n');
	our_vias(to, &m);
	our_names(to, &m, HEADER_FROM, "from ");
	our_names(to, &m, HEADER_TO, "to ");
	say_word(to, "call-id ", sip_find(&m, HEADER_CALL_ID)->value);
	assert_int_equal(cseq_read(sip_find(&m, HEADER_CSEQ)->value, &cseq), OK);
	buf_str(to, "cseq ");
	buf_u64(to, cseq.number);
	say_word(to, " ", cseq.method);
	our_names(to, &m, HEADER_CONTACT, "contact ");
	for (size_t i = 0; i < m.n_headers; i++)
		if (slice_eq_nocase(m.headers[i].name, SLICE("WWW-Authenticate")))
			our_challenge(to, m.headers[i].value);
	for (const struct sip_header *h = sip_find(&m, HEADER_AUTHORIZATION); h != NULL;
	     h = sip_find_next(&m, h))
		our_credentials(to, h->value);
	const struct sip_header *length = sip_find(&m, HEADER_CONTENT_LENGTH);
	buf_str(to, "length ");
	if (length != NULL)
		say(to, length->value);
	else
		buf_u64(to, m.body.n);
	buf_byte(to, '\n');
	our_fields(to, &m);
}

#endif
