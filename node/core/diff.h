/* diff.h - what a comparison of both nodes, asked for by an operator, tells of one table. */
#ifndef NODE_CORE_DIFF_H
#define NODE_CORE_DIFF_H

#include "proto/frame.h"

struct diff_table {
	struct table_digest ours, theirs;
	bool cut; /* more differs than is named */
};

#endif
