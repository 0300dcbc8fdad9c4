/* merge_text.h - records for tests of the merge, written as short texts.
 *
 *	a=x5@10      binding of contact a, Call-ID x, CSeq 5, stamped at 10 s, ends an hour later
 *	a!x6@20r     its tombstone; r request, o operator, p replaced, e expired
 *	*x7@30 *@30  a floor by `*`, by an operator
 *	n7/3@10      nonce n, highest count 7, window 3 (hexadecimal)
 * `~2` behind a binding or tombstone: written in epoch 2 (even: by the secondary), else in epoch 1.
 * Capital contacts have an instance and a reg-id, and a URI that changes with the Call-ID. */
#ifndef TESTS_UNIT_MERGE_TEXT_H
#define TESTS_UNIT_MERGE_TEXT_H

#include <stdio.h>
#include <stdlib.h>

#include "proto/record.h"
#include "tests/check.h"

static inline struct slice one_of_alphabet(char c)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const char *at = strchr(letters, c);

	assert_true(c != '\0' && at != NULL);
	return (struct slice){(const uint8_t *)at, 1};
}

/* Contacts 3, 4 and 5 are equal URIs, written differently. */
static inline struct contact_text {
	struct slice uri, instance;
	uint32_t reg_id;
} contact_text(char contact, char call_id)
{
	static char uris[128][32], instances[128][32];
	unsigned at = (unsigned char)contact;
	bool is_flow = contact >= 'A' && contact <= 'Z';

	if (contact == '3')
		return (struct contact_text){.uri = SLICE("sip:u@three.example")};
	if (contact == '4')
		return (struct contact_text){.uri = SLICE("sip:u@THREE.example")};
	if (contact == '5')
		return (struct contact_text){.uri = SLICE("sip:u@three.example;lr=1")};
	unsigned uri_at = is_flow ? (unsigned char)call_id : at;
	(void)snprintf(uris[uri_at], sizeof uris[0], "sip:u@%c.example", (char)uri_at);
	(void)snprintf(instances[at], sizeof instances[0], "<urn:%c>", contact);
	return (struct contact_text){
		.uri = slice_str(uris[uri_at]),
		.instance = is_flow ? slice_str(instances[at]) : (struct slice){NULL, 0},
		.reg_id = is_flow,
	};
}

static inline const char *read_number(const char *p, int64_t *out)
{
	char *end;

	*out = strtol(p, &end, 10);
	return end;
}

struct written {
	char call_id;
	int64_t cseq, at_s, epoch;
	char cause;
};

/* "x5@10r~2" */
static inline const char *read_written(const char *p, struct written *w)
{
	*w = (struct written){.call_id = *p, .epoch = 1};
	p = read_number(p + 1, &w->cseq);
	assert_int_equal(*p, '@');
	p = read_number(p + 1, &w->at_s);
	if (*p != '\0' && strchr("rope", *p) != NULL)
		w->cause = *p++;
	return *p == '~' ? read_number(p + 1, &w->epoch) : p;
}

static inline enum unit unit_of_epoch(int64_t epoch)
{
	return epoch % 2 == 0 ? UNIT_SECONDARY : UNIT_PRIMARY;
}

static inline const char *read_a_binding(const char *p, char contact, struct binding *b)
{
	struct written w;
	const char *end = read_written(p, &w);
	struct contact_text c = contact_text(contact, w.call_id);

	*b = (struct binding){
		.uri = c.uri,
		.instance = c.instance,
		.reg_id = c.reg_id,
		.call_id = one_of_alphabet(w.call_id),
		.cseq = (uint32_t)w.cseq,
		.stamped = {w.at_s * 1000},
		.expires = {(w.at_s + 3600) * 1000},
		.transport = TRANSPORT_UDP,
		.epoch = (uint64_t)w.epoch,
		.unit = unit_of_epoch(w.epoch),
	};
	return end;
}

static inline const char *read_a_tombstone(const char *p, char contact, struct tombstone *t)
{
	static const char causes[] = "?rope";
	struct written w;
	const char *end = read_written(p, &w);
	struct contact_text c = contact_text(contact, w.call_id);

	assert_true(w.cause != '\0');
	*t = (struct tombstone){
		.uri = c.uri,
		.instance = c.instance,
		.reg_id = c.reg_id,
		.call_id = one_of_alphabet(w.call_id),
		.cseq = (uint32_t)w.cseq,
		.stamped = {w.at_s * 1000},
		.cause = (enum tombstone_cause)(strchr(causes, w.cause) - causes),
		.epoch = (uint64_t)w.epoch,
		.unit = unit_of_epoch(w.epoch),
	};
	return end;
}

static inline const char *read_a_floor(const char *p, struct floor *f)
{
	struct written w = {.cseq = 0};

	p = *p == '@' ? read_number(p + 1, &w.at_s) : read_written(p, &w);
	*f = (struct floor){.set = true, .stamped = {w.at_s * 1000}, .cseq = (uint32_t)w.cseq};
	if (w.call_id != '\0')
		f->call_id = one_of_alphabet(w.call_id);
	return p;
}

static inline const char *read_a_nonce(const char *p, char name, struct nonce_use *n)
{
	int64_t highest, issued_s;
	char *end;

	p = read_number(p, &highest);
	assert_int_equal(*p, '/');
	unsigned long window = strtoul(p + 1, &end, 16);
	p = read_number(end + 1, &issued_s);
	*n = (struct nonce_use){
		.nonce = one_of_alphabet(name),
		.highest = (uint32_t)highest,
		.window = (uint32_t)window,
		.issued = {issued_s * 1000},
	};
	return p;
}

static inline void read_record(const char *p, struct aor_record *r)
{
	r->n_bindings = r->n_tombstones = r->n_nonces = 0;
	r->floor = (struct floor){.set = false};
	r->unknown = (struct unknown_fields){0, NULL};
	while (*p != '\0') {
		if (*p == ' ')
			p++;
		else if (*p == '*')
			p = read_a_floor(p + 1, &r->floor);
		else if (p[1] == '=')
			p = read_a_binding(p + 2, p[0], &r->bindings[r->n_bindings++]);
		else if (p[1] == '!')
			p = read_a_tombstone(p + 2, p[0], &r->tombstones[r->n_tombstones++]);
		else
			p = read_a_nonce(p + 1, p[0], &r->nonces[r->n_nonces++]);
	}
}

#endif
