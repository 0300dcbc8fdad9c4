/* nap_reference.h - a NAP with the numbers of the reference system, as the defaults are. */
#ifndef TESTS_UNIT_NAP_REFERENCE_H
#define TESTS_UNIT_NAP_REFERENCE_H

#include "node/core/nap.h"

static const struct nap_options reference = {.name = {SLICE_OF("trunk")},
                                             .proxy = {SLICE_OF("192.0.2.1")},
                                             .address_to_register = {SLICE_OF("sip:box@x")},
                                             .registers = true,
                                             .polls = true,
                                             .any_response_is_available = true,
                                             .expires_s = 3600,
                                             .refresh_percent = 50,
                                             .retry_ms = 5000,
                                             .retry_max_ms = 5000,
                                             .timeout_ms = 32000,
                                             .poll_first_ms = 5000,
                                             .poll_interval_ms = 60000,
                                             .poll_timeout_ms = 12000};

#endif
