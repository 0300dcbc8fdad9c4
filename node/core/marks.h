/* marks.h - a bounded set of 64-bit names, each with a number beside it; emptied at once, at no cost.
 *
 * Names must be spread evenly: hashes. What does not fit any more is not kept. */
#ifndef NODE_CORE_MARKS_H
#define NODE_CORE_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/alloc.h"

struct marks;

struct marks *marks_new(const struct alloc *alloc, size_t most);
void marks_free(struct marks **m);

uint64_t marks_get(const struct marks *m, uint64_t name); /* 0: it is not there */
/* A value of 0 takes it out. */
void marks_set(struct marks *m, uint64_t name, uint64_t value);
size_t marks_count(const struct marks *m);
void marks_clear(struct marks *m);

#endif
