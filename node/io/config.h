/* config.h - the configuration file as one plain struct: read, checked whole, then handed out.
 *
 * What a caller may rely on: a struct that config_load gives out has every key within its bounds, every
 * default filled in and all rules between keys kept; it is refused whole otherwise. Only main.c and
 * regpairctl see it; modules get options of their own. Keys, defaults and bounds: config_table.h,
 * config_nap_table.h. */
#ifndef NODE_IO_CONFIG_H
#define NODE_IO_CONFIG_H

#include <stdio.h>

#include "node/io/config_nap_table.h"
#include "node/io/config_table.h"
#include "node/io/log.h"
#include "proto/base/addr.h"
#include "proto/base/err.h"
#include "proto/record.h"

enum {
	CONFIG_TRANSPORTS_MAX = 16,
	CONFIG_DOMAINS_MAX = 256,
	CONFIG_NAPS_MAX = 4096,
	CONFIG_FILE_MAX = 4 << 20, /* bytes; a larger file is no configuration */
};

enum config_commit { CONFIG_COMMIT_BOTH = 1, CONFIG_COMMIT_PEER, CONFIG_COMMIT_DISK };
enum config_auth {
	CONFIG_AUTH_DIGEST = 1,
	CONFIG_AUTH_NONE,
	CONFIG_AUTH_DIGEST_MD5,
	CONFIG_AUTH_DIGEST_SHA256
};

enum config_keep_alive {
	CONFIG_KEEP_ALIVE_OFF = 1,
	CONFIG_KEEP_ALIVE_CRLF,
	CONFIG_KEEP_ALIVE_OPTIONS
};
enum config_extra { CONFIG_EXTRA_REFUSE = 1, CONFIG_EXTRA_REPLACE_OLDEST };
enum config_jitter { CONFIG_JITTER_OFF = 1, CONFIG_JITTER_AFTER_TAKEOVER, CONFIG_JITTER_ALWAYS };
enum config_location { CONFIG_LOCATION_REDIRECT = 1, CONFIG_LOCATION_OFF };

/* The C type behind each type of the table. */
typedef char *config_text;          /* NULL: not given */
typedef char *config_path;          /* absolute; NULL: not given */
typedef char *config_host;          /* in lower case */
typedef char *config_route;         /* "": none */
typedef char *config_numbers;       /* "": none */
typedef char *config_word;          /* "": none */
typedef char *config_password;      /* "": none */
typedef char *config_proxy;         /* "": none */
typedef char *config_aor;           /* "": none */
typedef char *config_servers;       /* "": none */
typedef char *config_networks;      /* "": none */
typedef struct addr config_address; /* ADDR_NONE: not given */
typedef uint16_t config_port;
typedef uint32_t config_count;
typedef uint64_t config_size;    /* bytes */
typedef int64_t config_duration; /* ms */
typedef bool config_bool;
typedef enum unit config_unit;
typedef enum config_commit config_commit;
typedef enum transport config_protocol;      /* TRANSPORT_UDP or TRANSPORT_TCP */
typedef enum transport config_nap_transport; /* 0: auto */
typedef enum config_auth config_auth;
typedef enum config_location config_location;
typedef enum config_keep_alive config_keep_alive;
typedef enum config_extra config_extra;
typedef enum config_jitter config_jitter;
typedef enum log_level config_level;

#define CONFIG_FIELD(field, type, key, def, min, max, flags, help) config_##type field;
struct config_transport {
	CONFIG_TRANSPORT_TABLE(CONFIG_FIELD)
	int line; /* in the file, for faults found later: a port in use */
};

struct config_domain {
	CONFIG_DOMAIN_TABLE(CONFIG_FIELD)
	int line;
};

struct config_nap {
	CONFIG_NAP_TABLE(CONFIG_FIELD)
	int line;
};

struct config {
	CONFIG_TABLE(CONFIG_FIELD)
	struct config_transport *transports; /* at least one */
	size_t transport_count;
	struct config_domain *domains; /* at least one */
	size_t domain_count;
	struct config_nap *naps;
	size_t nap_count;
};
#undef CONFIG_FIELD

struct config_fault {
	char file[256];
	int line;       /* 0: the file as a whole */
	char text[320]; /* what is wrong, and what would be right */
};

/* ERR_IO: it could not be read; ERR_MALFORMED, ERR_TOO_BIG: what it says is refused. *out is set only
 * with OK, the fault only without. */
enum err config_load(const char *path, struct config **out, struct config_fault *fault) MUST_CHECK;
void config_free(struct config **config); /* sets *config to NULL */

/* A hash over everything that must be equal on both nodes; the order of domains and transports does
 * not count. */
uint64_t config_digest(const struct config *config);

/* A commented file with every key: type, bounds, default, help. It loads as a standalone unit. */
void config_print_defaults(FILE *to);
/* The same as a manual page: docs/regpair.yaml.5. */
void config_print_manual(FILE *to);
void config_print_reference(FILE *to); /* in Markdown: docs/configuration.md */

/* What was understood, as YAML: every key that has a value, defaults too, and no secret. */
void config_show(FILE *to, const struct config *config);

const char *config_unit_name(enum unit unit); /* "primary", as configured */

#endif
