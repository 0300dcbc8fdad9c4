/* message.h - one SIP message as an index over its bytes. Nothing is copied: every slice points into
 * the datagram, which must outlive the struct.
 *
 * sip_parse splits; it understands no header but Content-Length. sip_check then tells whether a
 * request may be worked on at all (RFC 3261 8.1.1, 8.2, 16.3; requirements R45, R46): its answer is
 * the status that a bad one gets. Header values may still be folded (CR LF and white space inside);
 * the readers of header.h treat that as white space. */
#ifndef PROTO_SIP_MESSAGE_H
#define PROTO_SIP_MESSAGE_H

#include "proto/base/defs.h"
#include "proto/base/err.h"
#include "proto/base/slice.h"

enum {
	SIP_MESSAGE_MAX = 65535, /* a UDP datagram; on streams more is answered 413 and closed */
	SIP_HEADERS_MAX = 128,   /* lines; more is refused with 400: no device sends that many */
};

enum sip_method {
	SIP_OTHER_METHOD,
	SIP_REGISTER,
	SIP_OPTIONS,
	SIP_INVITE,
	SIP_ACK,
	SIP_BYE,
	SIP_CANCEL,
	SIP_SUBSCRIBE,
	SIP_NOTIFY,
	SIP_PUBLISH,
	SIP_MESSAGE,
	SIP_INFO,
	SIP_REFER,
	SIP_UPDATE,
	SIP_PRACK,
};

/* Known by long or compact name, in any case. What nobody reads is HEADER_OTHER. */
enum sip_header_id {
	HEADER_OTHER,
	HEADER_ACCEPT,
	HEADER_AUTHORIZATION,
	HEADER_CALL_ID,
	HEADER_CONTACT,
	HEADER_CONTENT_LENGTH,
	HEADER_CONTENT_TYPE,
	HEADER_CSEQ,
	HEADER_EVENT,
	HEADER_EXPIRES,
	HEADER_FROM,
	HEADER_MAX_FORWARDS,
	HEADER_MIN_EXPIRES,
	HEADER_PATH,
	HEADER_PROXY_AUTHENTICATE,
	HEADER_PROXY_REQUIRE,
	HEADER_RECORD_ROUTE,
	HEADER_REQUIRE,
	HEADER_RETRY_AFTER,
	HEADER_SERVICE_ROUTE,
	HEADER_SUPPORTED,
	HEADER_TO,
	HEADER_UNSUPPORTED,
	HEADER_USER_AGENT,
	HEADER_VIA,
	HEADER_WWW_AUTHENTICATE,
	HEADER_IDS, /* how many */
};

struct sip_header {
	enum sip_header_id id;
	struct slice name;
	struct slice value; /* without white space at either end */
};

struct sip_msg {
	bool is_request;
	enum sip_method method;   /* requests */
	struct slice method_name; /* requests: as written; case counts */
	struct slice request_uri; /* requests: as written */
	struct slice version;     /* "SIP/2.0" */
	uint16_t status;          /* responses */
	struct slice reason;      /* responses: the phrase; n == 0: none */
	struct sip_header headers[SIP_HEADERS_MAX];
	size_t n_headers;
	bool too_many_headers;
	bool short_body; /* cut short: Content-Length says more than the datagram holds, or no empty
	                    line ends the head */
	struct slice body;
};

/* Splits a whole message (a datagram, or what sip_frame cut out of a stream). What follows the body
 * that Content-Length names is ignored. ERR_MALFORMED: not SIP at all, nothing to answer. */
enum err sip_parse(struct slice bytes, struct sip_msg *out) MUST_CHECK;

/* 0: go on. Else the status of the refusal, and `*why` a short text for its reason phrase:
 * 400 (a mandatory header is absent, doubled or unreadable: Via, From, To, Call-ID, CSeq; CSeq of
 * another method or >= 2**31; a short body; a Request-URI with white space), 505 (other version),
 * 483 (Max-Forwards unreadable is 400; 0 is no fault for who answers itself). */
uint16_t sip_check(const struct sip_msg *m, const char **why) MUST_CHECK;

/* The first header of this kind; NULL if absent. */
const struct sip_header *sip_find(const struct sip_msg *m, enum sip_header_id id);
/* The next of the same kind after `h`; NULL if none. */
const struct sip_header *sip_find_next(const struct sip_msg *m, const struct sip_header *h);
size_t sip_count(const struct sip_msg *m, enum sip_header_id id);

/* What a stream holds at its beginning (RFC 3261 18.3, RFC 5626 3.5.1). */
enum sip_framing {
	SIP_FRAME_MORE,    /* less than a message: read on */
	SIP_FRAME_MESSAGE, /* `size` bytes are one message */
	SIP_FRAME_PING,    /* `size` bytes are a keep-alive CRLF CRLF, to be answered by CRLF */
	SIP_FRAME_SKIP,    /* `size` bytes of stray CR LF before a start line mean nothing */
	SIP_FRAME_TOO_BIG, /* head or body beyond SIP_MESSAGE_MAX: answer 413 if it parses, close */
	SIP_FRAME_NO_LENGTH, /* a head without a readable Content-Length: answer 400, close */
};
struct sip_frame {
	enum sip_framing what;
	size_t size; /* NO_LENGTH, TOO_BIG: of the head, as far as it is here */
};
struct sip_frame sip_frame(struct slice stream) MUST_CHECK;

#endif
