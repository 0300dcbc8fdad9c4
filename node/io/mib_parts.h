/* mib_parts.h - what the files of the MIB share. Nobody else's. */
#ifndef NODE_IO_MIB_PARTS_H
#define NODE_IO_MIB_PARTS_H

#include "node/io/mib.h"
#include "proto/base/slice.h"

enum { MIB_NAME_MAX = 64, MIB_OBJECTS_MAX = 8 };

struct mib_object {
	const char *name, *syntax, *units, *help; /* units: NULL or "": none */
	const char *access;                       /* NULL: read-only */
};

/* Objects are numbered as they stand: only added to at the end. */
struct mib_group {
	const char *group; /* its name in the conformance section */
	const char *table; /* how its objects begin, "regpairNap"; NULL: scalars */
	const char *index; /* of the table */
	const char *help;  /* of the table */
	const char *under; /* a table's, or its scalars', parent ... */
	unsigned number;   /* ... and the table's, or the first scalar's, number there */
	const struct mib_object *at;
	size_t n;
};

struct mib_notification {
	unsigned number;
	const char *name, *help;
	const char *objects[MIB_OBJECTS_MAX];
};

struct mib_groups {
	const struct mib_group *at;
	size_t n;
};
struct mib_notifications {
	const struct mib_notification *at;
	size_t n;
};
struct mib_groups mib_groups(void);
struct mib_notifications mib_notifications(void);

#endif
