/* other_reading.h - a message in the words of reading_words.h, as libosip2 understands it: a reader that
 * cannot share a mistake with our writer. */
#ifndef TESTS_UNIT_OTHER_READING_H
#define TESTS_UNIT_OTHER_READING_H

#include <stdlib.h>
#include <sys/time.h>
/* behind those two, which it does not bring itself */
#include <osipparser2/osip_parser.h>

#include "tests/unit/our_reading.h"

static inline struct slice text_of(const char *text)
{
	return text != NULL ? slice_str(text) : (struct slice){NULL, 0};
}

static inline struct slice unquoted(const char *text)
{
	struct slice s = text_of(text);

	return s.n > 1 && s.p[0] == '"' ? (struct slice){s.p + 1, s.n - 2} : s;
}

static inline void other_params(struct buf *to, const osip_list_t *list)
{
	for (int i = 0; i < osip_list_size(list); i++) {
		const osip_uri_param_t *p = osip_list_get(list, i);

		say_param(to, text_of(p->gname), text_of(p->gvalue));
	}
}

/* Parameters and headers of a URI. */
static inline void other_pairs(struct buf *to, const osip_list_t *list, const char *before)
{
	for (int i = 0; i < osip_list_size(list); i++) {
		const osip_uri_param_t *p = osip_list_get(list, i);

		buf_str(to, i == 0 || *before == ';' ? before : "&");
		say(to, text_of(p->gname));
		if (p->gvalue != NULL)
			buf_byte(to, '=');
		say(to, text_of(p->gvalue));
	}
}

static inline void other_uri(struct buf *to, const osip_uri_t *u)
{
	if (u == NULL)
		return;
	say(to, text_of(u->scheme));
	buf_byte(to, u->string != NULL ? ':' : ' ');
	say(to, text_of(u->string));
	if (u->string != NULL)
		return;
	say(to, text_of(u->username));
	buf_byte(to, ' ');
	say(to, text_of(u->host));
	buf_byte(to, ' ');
	say(to, text_of(u->port));
	other_pairs(to, &u->url_params, ";");
	other_pairs(to, &u->url_headers, "?");
}

static inline void other_name(struct buf *to, const char *field, const osip_from_t *name)
{
	buf_str(to, field);
	say(to, text_of(name->displayname));
	buf_str(to, " <");
	other_uri(to, name->url);
	buf_byte(to, '>');
	other_params(to, &name->gen_params);
	buf_byte(to, '\n');
}

static inline void other_via(struct buf *to, const osip_via_t *via)
{
	buf_str(to, "via ");
	say(to, text_of(via->protocol));
	buf_byte(to, ' ');
	say(to, text_of(via->host));
	buf_byte(to, ' ');
	say(to, text_of(via->port));
	other_params(to, &via->via_params);
	buf_byte(to, '\n');
}

static inline void other_challenge(struct buf *to, const osip_www_authenticate_t *c)
{
	say_word(to, "challenge ", unquoted(c->realm));
	say_word(to, " nonce ", unquoted(c->nonce));
	say_word(to, " algorithm ", unquoted(c->algorithm));
	say_word(to, " qop ", unquoted(c->qop_options));
}

static inline void other_credentials(struct buf *to, const osip_authorization_t *c)
{
	if (strcasecmp(c->auth_type, "Digest") != 0)
		return;
	say_word(to, "credentials ", unquoted(c->realm));
	say_word(to, " username ", unquoted(c->username));
	say_word(to, " nonce ", unquoted(c->nonce));
	say_word(to, " uri ", unquoted(c->uri));
	say_word(to, " response ", unquoted(c->response));
	say_word(to, " algorithm ", unquoted(c->algorithm));
	say_word(to, " qop ", unquoted(c->message_qop));
	say_word(to, " nc ", unquoted(c->nonce_count));
	say_word(to, " cnonce ", unquoted(c->cnonce));
}

static inline void other_call_id(struct buf *to, const osip_call_id_t *id)
{
	buf_str(to, "call-id ");
	say(to, text_of(id->number));
	if (id->host != NULL)
		buf_byte(to, '@');
	say_word(to, "", text_of(id->host));
}

static inline void other_fields(struct buf *to, const osip_message_t *m)
{
	for (int i = 0; i < osip_list_size(&m->headers); i++) {
		const osip_header_t *h = osip_list_get(&m->headers, i);

		if (read_field_of(text_of(h->hname)) != NULL)
			say_param(to, text_of(h->hname), text_of(h->hvalue));
	}
	for (int i = 0; i < osip_list_size(&m->allows); i++) {
		const osip_allow_t *method = osip_list_get(&m->allows, i);

		say_param(to, SLICE("allow"), text_of(method->value));
	}
	buf_byte(to, '\n');
}

static inline void other_message(struct buf *to, const osip_message_t *m)
{
	if (m->sip_method != NULL)
		say_word(to, "request ", text_of(m->sip_method));
	else
		buf_u64(to, (uint64_t)m->status_code);
	buf_byte(to, '\n');
	for (int i = 0; i < osip_list_size(&m->vias); i++)
		other_via(to, osip_list_get(&m->vias, i));
	other_name(to, "from ", m->from);
	other_name(to, "to ", m->to);
	other_call_id(to, m->call_id);
	buf_str(to, "cseq ");
	buf_u64(to, strtoul(m->cseq->number, NULL, 10));
	say_word(to, " ", text_of(m->cseq->method));
	for (int i = 0; i < osip_list_size(&m->contacts); i++)
		other_name(to, "contact ", osip_list_get(&m->contacts, i));
	for (int i = 0; i < osip_list_size(&m->www_authenticates); i++)
		other_challenge(to, osip_list_get(&m->www_authenticates, i));
	for (int i = 0; i < osip_list_size(&m->authorizations); i++)
		other_credentials(to, osip_list_get(&m->authorizations, i));
	say_word(to, "length ",
	         m->content_length != NULL ? text_of(m->content_length->value) : SLICE("0"));
	other_fields(to, m);
}

/* False: it is no message to this reader. */
static inline bool other_reading(struct slice bytes, struct buf *to)
{
	osip_message_t *m = NULL;

	assert_int_equal(parser_init(), 0);
	assert_int_equal(osip_message_init(&m), 0);
	bool read = osip_message_parse(m, (const char *)bytes.p, bytes.n) == 0 && m->from != NULL &&
	            m->to != NULL && m->call_id != NULL && m->cseq != NULL;
	if (read)
		other_message(to, m);
	osip_message_free(m);
	return read;
}

/* Both read the same in these bytes? */
static inline void assert_read_alike(struct slice bytes)
{
	static char ours[READ_MAX], other[READ_MAX];
	struct buf our = buf_on((uint8_t *)ours, sizeof ours - 1);
	struct buf theirs = buf_on((uint8_t *)other, sizeof other - 1);

	our_reading(bytes, &our);
	ours[our.n] = '\0';
	if (!other_reading(bytes, &theirs))
		fail_msg("libosip2 cannot read\n" SLICE_FMT, SLICE_ARG(bytes));
	other[theirs.n] = '\0';
	assert_false(our.full || theirs.full);
	assert_string_equal(ours, other);
}

#endif
