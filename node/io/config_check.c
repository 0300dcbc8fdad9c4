#include <stdarg.h>
#include <strings.h>

#include "node/io/config_keys.h"

bool config_fail(struct config_fault *fault, int line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	int n = vsnprintf(fault->text, sizeof fault->text, format, arguments);
	va_end(arguments);
	if (n < 0)
		fault->text[0] = '\0';
	for (char *c = fault->text; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	fault->line = line;
	return false;
}

/* The line of the first of the names that the file holds; its first line when none is there. */
static int line_of(const struct config_lines *lines, const char *name, const char *or_else)
{
	int line = lines->line_of(lines->context, name);

	if (line == 0)
		line = lines->line_of(lines->context, or_else);
	return line == 0 ? 1 : line;
}

static bool is_given(const struct config_lines *lines, const char *name)
{
	return lines->line_of(lines->context, name) != 0;
}

static bool check_standalone(const struct config_lines *lines, struct config_fault *fault)
{
	static const char *const of_a_pair[] = {"peer", "keepalived"};

	for (size_t i = 0; i < ARRAY_LEN(of_a_pair); i++)
		if (is_given(lines, of_a_pair[i]))
			return config_fail(
				fault, line_of(lines, of_a_pair[i], "unit"),
				"a standalone unit has no `%s`; take it out, or set unit to "
				"primary or secondary",
				of_a_pair[i]);
	return true;
}

static bool check_second_path(const struct config *config, const struct config_lines *lines,
                              struct config_fault *fault)
{
	static const char *const ends[] = {"peer.second_address", "peer.second_listen"};
	bool given[] = {is_given(lines, ends[0]), is_given(lines, ends[1])};

	if (!given[0] && !given[1])
		return true;
	if (!given[0] || !given[1])
		return config_fail(fault, line_of(lines, ends[given[1]], "peer"),
		                   "`%s` is missing; a second path needs both ends: "
		                   "peer.second_address and peer.second_listen",
		                   ends[given[0]]);
	if (addr_same_ip(&config->peer_second_address, &config->peer_address) ||
	    addr_same_ip(&config->peer_second_listen, &config->peer_listen) ||
	    addr_same_ip(&config->peer_second_address, &config->peer_second_listen))
		return config_fail(fault, line_of(lines, ends[0], "peer"),
		                   "the second path must have two addresses of its own, on "
		                   "another network than peer.address and peer.listen");
	return true;
}

static bool check_bulk_port(const struct config *config, const struct config_lines *lines,
                            struct config_fault *fault)
{
	const uint16_t used[] = {config->peer_address.port, config->peer_listen.port,
	                         config->peer_second_address.port, config->peer_second_listen.port};

	for (size_t i = 0; i < ARRAY_LEN(used); i++)
		if (config->peer_bulk_port == used[i] || config->peer_bulk_port == 0)
			return config_fail(fault, line_of(lines, "peer.bulk_port", "peer"),
			                   "`peer.bulk_port` must be a port beside that of the "
			                   "live link (%d); left out it is live_port + 1",
			                   used[i]);
	return true;
}

static bool check_pair(const struct config *config, const struct config_lines *lines,
                       struct config_fault *fault)
{
	static const struct {
		const char *key;
		const char *section;
		const char *what;
	} needed[] = {
		{"cluster.dir", "cluster", "the folder that `regpairctl pair init` made"},
		{"peer.address", "peer", "the address of the other node"},
		{"peer.listen", "peer", "this node's own address"},
		{"keepalived.instance", "keepalived", "the name of the vrrp_instance"},
		{"keepalived.address", "keepalived", "the virtual address"},
	};

	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (!is_given(lines, needed[i].key))
			return config_fail(fault, line_of(lines, needed[i].section, "unit"),
			                   "`%s` is missing; unit %s needs it: %s", needed[i].key,
			                   config_unit_name(config->unit), needed[i].what);
	if (addr_eq(&config->peer_address, &config->peer_listen))
		return config_fail(
			fault, line_of(lines, "peer.address", "peer"),
			"`peer.address` and `peer.listen` are the same; the first is the "
			"other node's, the second this node's");
	return check_second_path(config, lines, fault) && check_bulk_port(config, lines, fault);
}

static bool check_unit(const struct config *config, const struct config_lines *lines,
                       struct config_fault *fault)
{
	switch (config->unit) {
	case UNIT_STANDALONE:
		return check_standalone(lines, fault);
	case UNIT_PRIMARY:
	case UNIT_SECONDARY:
		return check_pair(config, lines, fault);
	}
	return config_fail(fault, 1,
	                   "`unit` is missing; it is one of standalone, primary, secondary");
}

static bool check_two_transports(const struct config_transport *a, const struct config_transport *b,
                                 struct config_fault *fault)
{
	if (strcmp(a->name, b->name) == 0)
		return config_fail(
			fault, b->line,
			"two transports are called `%.64s` (the first in line %d); names "
			"must differ",
			a->name, a->line);
	if (a->protocol == b->protocol && a->port == b->port && addr_eq(&a->address, &b->address))
		return config_fail(
			fault, b->line,
			"transports `%.64s` (line %d) and `%.64s` have the same protocol, "
			"address and port; one of them must change",
			a->name, a->line, b->name);
	return true;
}

static bool check_transports(const struct config *config, const struct config_lines *lines,
                             struct config_fault *fault)
{
	if (config->transport_count == 0)
		return config_fail(
			fault, line_of(lines, "transports", "unit"),
			"`transports` is missing or empty; at least one is needed, such as "
			"{name: udp, protocol: udp, address: 10.0.0.10, port: 5060}");
	for (size_t i = 0; i < config->transport_count; i++)
		for (size_t j = 0; j < i; j++)
			if (!check_two_transports(&config->transports[j], &config->transports[i],
			                          fault))
				return false;
	return true;
}

static bool check_lifetimes(const struct config_domain *domain, struct config_fault *fault)
{
	bool whole = domain->min_expires % CONFIG_MS_S == 0 &&
	             domain->default_expires % CONFIG_MS_S == 0 &&
	             domain->max_expires % CONFIG_MS_S == 0 && domain->grace % CONFIG_MS_S == 0;
	bool ordered = domain->min_expires <= domain->default_expires &&
	               domain->default_expires <= domain->max_expires;

	if (!whole)
		return config_fail(
			fault, domain->line,
			"domain `%.64s`: lifetimes in SIP are whole seconds; min_expires, "
			"default_expires, max_expires and grace must be too",
			domain->name);
	if (!ordered)
		return config_fail(
			fault, domain->line,
			"domain `%.64s`: min_expires (%lld s) <= default_expires (%lld s) "
			"<= max_expires (%lld s) does not hold",
			domain->name, (long long)(domain->min_expires / CONFIG_MS_S),
			(long long)(domain->default_expires / CONFIG_MS_S),
			(long long)(domain->max_expires / CONFIG_MS_S));
	return true;
}

static bool check_domain(const struct config *config, size_t at, struct config_fault *fault)
{
	const struct config_domain *domain = &config->domains[at];

	for (size_t i = 0; i < at; i++)
		if (strcasecmp(config->domains[i].name, domain->name) == 0)
			return config_fail(fault, domain->line,
			                   "domain `%.64s` is given twice (first in line %d)",
			                   domain->name, config->domains[i].line);
	return check_lifetimes(domain, fault);
}

static bool check_domains(const struct config *config, const struct config_lines *lines,
                          struct config_fault *fault)
{
	if (config->domain_count == 0)
		return config_fail(fault, line_of(lines, "domains", "unit"),
		                   "`domains` is missing or empty; at least one is needed, such as "
		                   "{name: example.com}");
	for (size_t i = 0; i < config->domain_count; i++)
		if (!check_domain(config, i, fault))
			return false;
	return true;
}

static bool check_tls(const struct config_lines *lines, struct config_fault *fault)
{
	static const char *const parts[] = {"tls.certificate", "tls.key"};
	bool given[] = {is_given(lines, parts[0]), is_given(lines, parts[1])};

	if (given[0] == given[1])
		return true;
	return config_fail(fault, line_of(lines, parts[given[1]], "tls"),
	                   "`%s` is missing; a certificate and its key go together",
	                   parts[given[0]]);
}

static bool check_management(const struct config *config, const struct config_lines *lines,
                             struct config_fault *fault)
{
	const struct addr *at = &config->management_address;

	if (at->family == ADDR_NONE || at->port != 0)
		return true;
	return config_fail(fault, line_of(lines, "management.address", "management"),
	                   "`management.address` needs a port, too, such as 10.0.0.11:7080");
}

bool config_check(const struct config *config, const struct config_lines *lines,
                  struct config_fault *fault)
{
	return check_unit(config, lines, fault) && check_transports(config, lines, fault) &&
	       check_domains(config, lines, fault) && check_tls(lines, fault) &&
	       check_management(config, lines, fault) && config_check_naps(config, fault);
}
