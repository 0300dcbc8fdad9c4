/* number.h - ranges of telephone numbers, each of somebody: "pbx1=+12145550100-+12145550199, pbx2=+4930123*".
 *
 * A range has two numbers of equal length, a single number, or a prefix with a star behind it. */
#ifndef PROTO_SIP_NUMBER_H
#define PROTO_SIP_NUMBER_H

#include "proto/base/defs.h"
#include "proto/base/slice.h"

struct number_range {
	struct slice user;        /* whose it is: a user part that needs no escapes */
	struct slice first, last; /* "+" and digits, or digits; equal length */
	bool prefix;              /* whatever begins with `first` */
};

/* The next element of the list; false at its end, or (`*bad`) where it is none. */
bool number_range_next(struct slice *rest, struct number_range *out, bool *bad);
/* The range of the list that the number lies in. */
bool number_range_find(struct slice list, struct slice number, struct number_range *out);

#endif
