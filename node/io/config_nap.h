/* config_nap.h - the NAPs of a configuration as the node takes them. */
#ifndef NODE_IO_CONFIG_NAP_H
#define NODE_IO_CONFIG_NAP_H

#include "node/core/nap.h"
#include "node/io/config.h"

/* `to` has room for nap_count of them; texts are the configuration's. */
void config_nap_options(const struct config *config, struct nap_options *to);

#endif
