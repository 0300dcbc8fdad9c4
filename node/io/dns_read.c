#include "node/io/dns_read.h"

#include <ares.h>

#include "proto/base/reader.h"

enum { CLASS_IN = 1, TYPE_CNAME = 5, HEADER_FLAGS_SIZE = 4, HEADER_REST_SIZE = 4 };

/* What is left of a message, or of one record in it: names point back into the whole. */
struct part {
	struct slice whole;
	struct reader r;
	struct arena *arena;
};

uint16_t dns_type_number(enum dns_type type)
{
	static const uint16_t numbers[] = {
		[DNS_A] = 1, [DNS_AAAA] = 28, [DNS_SRV] = 33, [DNS_NAPTR] = 35};

	return numbers[type];
}

/* To be freed by ares_free_string; NULL: there is none. */
static char *expand_name(struct part *p)
{
	char *text = NULL;
	long size = 0;

	if (p->r.bad || p->r.rest.n == 0 ||
	    ares_expand_name(p->r.rest.p, p->whole.p, (int)p->whole.n, &text, &size) !=
	            ARES_SUCCESS)
		p->r.bad = true;
	else
		(void)reader_bytes(&p->r, (size_t)size);
	return text;
}

static void skip_name(struct part *p)
{
	ares_free_string(expand_name(p));
}

static struct slice take_name(struct part *p)
{
	char *text = expand_name(p);
	struct slice name = {0};

	if (text != NULL)
		name = arena_copy(p->arena, slice_str(text));
	ares_free_string(text);
	return name;
}

static struct slice take_text(struct part *p)
{
	return reader_bytes(&p->r, reader_uint(&p->r, 1));
}

static void take_address(struct part *p, enum addr_family family, struct addr *to)
{
	size_t size = family == ADDR_IPV4 ? 4 : 16;
	struct slice ip = reader_bytes(&p->r, size);

	to->family = family;
	if (ip.n == size)
		memcpy(to->ip, ip.p, size);
}

static void take_record(struct part *p, enum dns_type type, struct dns_record *to)
{
	switch (type) {
	case DNS_A:
		take_address(p, ADDR_IPV4, &to->addr);
		return;
	case DNS_AAAA:
		take_address(p, ADDR_IPV6, &to->addr);
		return;
	case DNS_SRV:
		to->priority = (uint16_t)reader_uint(&p->r, 2);
		to->weight = (uint16_t)reader_uint(&p->r, 2);
		to->port = (uint16_t)reader_uint(&p->r, 2);
		to->name = take_name(p);
		return;
	case DNS_NAPTR:
		to->priority = (uint16_t)reader_uint(&p->r, 2);
		to->weight = (uint16_t)reader_uint(&p->r, 2);
		to->flags = take_text(p);
		to->service = take_text(p);
		(void)take_text(p); /* the expression: SIP has none (RFC 3263 4.1) */
		to->name = take_name(p);
		return;
	}
}

/* RFC 2181 8: with the highest bit set it is none. */
static uint32_t take_ttl(struct reader *r)
{
	uint32_t ttl_s = reader_u32(r);

	return ttl_s > INT32_MAX ? 0 : ttl_s;
}

static void read_one(struct part *p, enum dns_type type, uint32_t *alias_ttl_s,
                     struct dns_answer *out)
{
	skip_name(p);
	uint16_t number = (uint16_t)reader_uint(&p->r, 2);
	uint16_t class = (uint16_t)reader_uint(&p->r, 2);
	uint32_t ttl_s = take_ttl(&p->r);
	size_t size = reader_uint(&p->r, 2);
	struct part data = {.whole = p->whole, .arena = p->arena};

	data.r.rest = reader_bytes(&p->r, size);
	if (p->r.bad || class != CLASS_IN)
		return;
	if (number == TYPE_CNAME && ttl_s < *alias_ttl_s)
		*alias_ttl_s = ttl_s;
	if (number != dns_type_number(type) || out->n == DNS_RECORDS_MAX)
		return;
	struct dns_record *r = &out->records[out->n++];
	*r = (struct dns_record){.ttl_s = ttl_s};
	take_record(&data, type, r);
	p->r.bad = data.r.bad;
}

enum err dns_read(struct slice message, enum dns_type type, struct arena *arena,
                  struct dns_answer *out)
{
	struct part p = {.whole = message, .r = {.rest = message}, .arena = arena};
	uint32_t alias_ttl_s = UINT32_MAX;

	*out = (struct dns_answer){.outcome = DNS_NOTHING};
	(void)reader_bytes(&p.r, HEADER_FLAGS_SIZE);
	size_t questions = reader_uint(&p.r, 2);
	size_t answers = reader_uint(&p.r, 2);
	(void)reader_bytes(&p.r, HEADER_REST_SIZE);
	for (size_t i = 0; i < questions && !p.r.bad; i++) {
		skip_name(&p);
		(void)reader_bytes(&p.r, 4);
	}
	for (size_t i = 0; i < answers && !p.r.bad; i++)
		read_one(&p, type, &alias_ttl_s, out);
	if (p.r.bad || arena->full)
		return ERR_MALFORMED;
	for (size_t i = 0; i < out->n; i++)
		if (out->records[i].ttl_s > alias_ttl_s)
			out->records[i].ttl_s = alias_ttl_s;
	if (out->n > 0)
		out->outcome = DNS_FOUND;
	return OK;
}
