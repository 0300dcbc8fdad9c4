/* uri.h - URIs: split, compared by RFC 3261 19.1.4, and turned into the key of an AOR (10.3 step 5).
 * Slices point into the text given. */
#ifndef PROTO_SIP_URI_H
#define PROTO_SIP_URI_H

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/defs.h"
#include "proto/base/err.h"
#include "proto/base/slice.h"

enum {
	SIP_AOR_MAX = 500, /* bytes of an AOR's key: LMDB takes 511; more is 414 */
};

enum uri_scheme { URI_OTHER, URI_SIP, URI_SIPS, URI_TEL };

struct sip_uri {
	enum uri_scheme scheme;
	struct slice text;     /* the whole of it */
	struct slice user;     /* sip, sips: still escaped; absent: p == NULL. tel: the number */
	struct slice password; /* p == NULL: absent */
	struct slice host;     /* sip, sips: name, IPv4, or IPv6 with its brackets */
	uint16_t port;         /* 0: absent */
	struct slice params;   /* behind the first ';', p == NULL: none */
	struct slice headers;  /* behind '?', p == NULL: none */
};

/* A bare URI, without < >. Any scheme is split from its rest (URI_OTHER has only `text`).
 * ERR_MALFORMED: not a URI. */
enum err sip_uri_parse(struct slice text, struct sip_uri *out) MUST_CHECK;

/* RFC 3261 19.1.4 for sip and sips; byte equality after scheme and case rules for tel and others
 * (tel: visual separators ignored, RFC 3966 section 3). */
bool sip_uri_eq(const struct sip_uri *a, const struct sip_uri *b);

/* A parameter of the URI by its name, in any case; the value as written, n == 0 where it has none. */
bool sip_uri_param(const struct sip_uri *u, const char *name, struct slice *value);

/* The text with each %HH undone, once; an escaped NUL stays as it is. In the arena where it differs
 * (n == 0: no room there). */
struct slice uri_unescaped(struct slice text, struct arena *arena);

/* Writes the text for a part of a URI: letters, digits, unreserved marks and what stands in `bare` as
 * they are, all else as %HH. */
void uri_put_escaped(struct buf *to, struct slice text, const char *bare);

/* Writes the canonical AOR "sip:user@host[:port]": parameters, headers and password dropped, user
 * unescaped where the character may stand bare and escapes upper-cased where not, host lower-cased
 * (R13). A user with an escaped NUL keeps it escaped. ERR_UNSUPPORTED: not sip or sips;
 * ERR_TOO_BIG: longer than SIP_AOR_MAX. */
enum err sip_aor(const struct sip_uri *u, struct buf *to) MUST_CHECK;

#endif
