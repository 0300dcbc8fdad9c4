/* subscriber.h - what `subscriber add` and `subscriber import` send: a name and three hashes. */
#ifndef NODE_CTL_SUBSCRIBER_H
#define NODE_CTL_SUBSCRIBER_H

#include <jansson.h>

#include "proto/sip/digest.h"

enum { SUBSCRIBER_NAME_MAX = 480 };

struct subscriber_name {
	char user[SUBSCRIBER_NAME_MAX];
	char realm[256]; /* lower case; empty: none was given */
};

/* "alice@example.com" or "alice". False: no user, or too long. */
bool subscriber_name(const char *text, struct subscriber_name *out);

struct subscriber_hashes {
	char hex[DIGEST_ALGORITHMS][DIGEST_HEX_MAX + 1];
};
void subscriber_hash(struct digester *d, const struct subscriber_name *who, const char *password,
                     struct subscriber_hashes *out);
/* Are three texts the three hashes, by their length and digits? */
bool subscriber_hashes_given(char *const text[DIGEST_ALGORITHMS], struct subscriber_hashes *out);

/* The request; `id` to know its answer by. NULL: a name is not UTF-8. */
json_t *subscriber_put(const struct subscriber_name *who, const struct subscriber_hashes *hashes,
                       bool replace, json_int_t id);

#endif
