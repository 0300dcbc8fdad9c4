/* metrics.h - every figure as text, the way Prometheus reads it (text format 0.0.4).
 *
 * A figure is named as in the status table, behind `regpair_`; what is counted ends in `_total`, times
 * are in seconds, shares below 1. A text of few words (the role) is a metric for each word, 1 for the one
 * that holds; any other text is the label of a metric that ends in `_info` and is there while the text
 * is not empty. */
#ifndef NODE_IO_METRICS_H
#define NODE_IO_METRICS_H

#include "node/io/loop.h"

struct evbuffer;

/* All there is, at the end of `to`. */
void metrics_print(const struct loop *l, struct evbuffer *to);

#endif
