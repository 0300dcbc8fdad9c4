/* header.h - one reader per header field. Nobody else scans SIP text.
 *
 * A reader takes the value of one header line. Where a field is a list, an `..._next` reader takes
 * the first element off `*rest` and is called until rest is empty. All are lenient about white space
 * and folding, strict about structure (RFC 3261 section 20 and 25; RFC 4475 says which is which). */
#ifndef PROTO_SIP_HEADER_H
#define PROTO_SIP_HEADER_H

#include "proto/sip/message.h"
#include "proto/sip/uri.h"

/* Folded lines joined: what is kept or passed on is one line of text. In the arena where it differs (n == 0:
 * no room there). */
struct slice header_unfolded(struct slice value, struct arena *arena);

/* Takes the next element of a comma list (quotes and < > respected); false at its end. An empty
 * element is skipped. */
bool list_next(struct slice *rest, struct slice *element);

/* One ";name=value" off `*params` (quotes respected). value.p == NULL: a name alone. */
struct sip_param {
	struct slice name;
	struct slice value; /* as written, quotes included */
};
bool param_next(struct slice *params, struct sip_param *out);
bool param_find(struct slice params, const char *name, struct slice *value);

struct sip_via {
	struct slice transport; /* "UDP" */
	struct slice host;      /* sent-by; IPv6 with its brackets */
	uint16_t port;          /* 0: absent */
	struct slice params;    /* from the first ';' on */
	struct slice branch;    /* n == 0: absent */
	bool rport;             /* asked for (RFC 3581) */
};
/* The topmost element of a Via line; `*rest` is what follows it. */
enum err via_next(struct slice *rest, struct sip_via *out) MUST_CHECK;

struct sip_name_addr {
	struct slice display; /* quotes kept; n == 0: none */
	struct slice uri;     /* without < > */
	struct slice params;  /* header parameters, from the first ';' on */
};
/* From, To, Path, one Contact: name-addr or addr-spec (then all parameters are the header's, R33). */
enum err name_addr_read(struct slice value, struct sip_name_addr *out) MUST_CHECK;

struct sip_cseq {
	uint32_t number;
	struct slice method;
};
enum err cseq_read(struct slice value, struct sip_cseq *out) MUST_CHECK; /* >= 2**31: ERR_TOO_BIG */

/* Contact of a REGISTER. */
struct sip_contact {
	bool star; /* "*": nothing else is set */
	struct sip_name_addr addr;
	bool has_expires;
	uint32_t expires_s;    /* malformed reads as 3600 (R20); clamped to 2**31 - 1 */
	uint32_t q_milli;      /* 0 to 1000; absent or unreadable: 1000; above 1: 1000 */
	struct slice instance; /* the value of +sip.instance without its quotes; n == 0: none */
	uint32_t reg_id;       /* 0: absent or unreadable (RFC 5626: 1 to 2**31 - 1) */
};
enum err contact_read(struct slice element, struct sip_contact *out) MUST_CHECK;

/* Expires, Max-Forwards: delta-seconds, a number. expires_read: malformed is 3600 (R20). */
uint32_t expires_read(struct slice value);
enum err number_read(struct slice value, uint32_t *out) MUST_CHECK;
/* Retry-After: seconds, behind them perhaps a comment and parameters; beyond 2**31 - 1 as that. */
enum err retry_after_read(struct slice value, uint32_t *out) MUST_CHECK;

/* Authorization (RFC 7616, 8760). Values without their quotes, backslashes kept as written (a quoted
 * backslash stays two characters: digests are made over what was sent). n == 0: absent. */
struct sip_credentials {
	struct slice username, realm, nonce, uri, response, algorithm, cnonce, opaque, qop;
	struct slice username_ext; /* of username*: charset'language'escaped (RFC 5987) */
	struct slice userhash;     /* "true": `username` is a hash */
	uint32_t nc;               /* 0: absent or unreadable */
	struct slice nc_text;
};
/* ERR_UNSUPPORTED: a scheme other than Digest, to be taken as absent (D12). */
enum err credentials_read(struct slice value, struct sip_credentials *out) MUST_CHECK;

#endif
