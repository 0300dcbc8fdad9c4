/* NAPs: what is filled in, the rules between their keys, and what the node gets of them. */
#include "node/io/config_nap.h"

#include <assert.h>
#include <stdlib.h>

#include "node/io/config_keys.h"

static const struct config_transport *transport_called(const struct config *config,
                                                       const char *name)
{
	for (size_t i = 0; i < config->transport_count; i++)
		if (strcmp(config->transports[i].name, name) == 0)
			return &config->transports[i];
	return NULL;
}

/* Datagrams leave from a socket of ours; a stream leaves from its address alone. */
static bool needs_udp(const struct config_nap *nap)
{
	return nap->transport != TRANSPORT_TCP && nap->transport != TRANSPORT_TLS;
}

static const struct config_transport *first_fitting(const struct config *config,
                                                    const struct config_nap *nap)
{
	enum transport wanted = needs_udp(nap) ? TRANSPORT_UDP : TRANSPORT_TCP;

	for (size_t i = 0; i < config->transport_count; i++)
		if (config->transports[i].protocol == wanted)
			return &config->transports[i];
	return needs_udp(nap) || config->transport_count == 0 ? NULL : &config->transports[0];
}

void config_complete_naps(struct config *config)
{
	for (size_t i = 0; i < config->nap_count; i++) {
		struct config_nap *nap = &config->naps[i];
		const struct config_transport *first = first_fitting(config, nap);
		if (nap->local[0] != '\0' || first == NULL)
			continue;
		free(nap->local);
		nap->local = strdup(first->name);
		if (nap->local == NULL)
			abort();
	}
}

static bool check_local(const struct config *config, const struct config_nap *nap,
                        struct config_fault *fault)
{
	const struct config_transport *local = transport_called(config, nap->local);
	struct addr proxy;

	if (nap->local[0] == '\0')
		return config_fail(fault, nap->line,
		                   "NAP `%.64s` needs a udp transport to send from; add one to "
		                   "`transports`, or set its transport to tcp or tls",
		                   nap->name);
	if (local == NULL)
		return config_fail(fault, nap->line,
		                   "NAP `%.64s`: there is no transport called `%.64s` (local)",
		                   nap->name, nap->local);
	if (needs_udp(nap) && local->protocol != TRANSPORT_UDP)
		return config_fail(fault, nap->line,
		                   "NAP `%.64s` sends over UDP, but its local transport `%.64s` is "
		                   "none; choose another, or set its transport to tcp or tls",
		                   nap->name, nap->local);
	if (addr_parse(slice_str(nap->proxy), &proxy) && proxy.family != local->address.family)
		return config_fail(fault, nap->line,
		                   "NAP `%.64s`: proxy and local are not both IPv4 or both IPv6",
		                   nap->name);
	return true;
}

static bool check_registering(const struct config_nap *nap, struct config_fault *fault)
{
	bool to_nowhere = nap->proxy[0] == '\0';

	if (nap->register_to_proxy && (to_nowhere || nap->address_to_register[0] == '\0'))
		return config_fail(fault, nap->line,
		                   "NAP `%.64s`: register_to_proxy needs `%s`, too", nap->name,
		                   to_nowhere ? "proxy" : "address_to_register");
	if (nap->expires % CONFIG_MS_S != 0)
		return config_fail(fault, nap->line,
		                   "NAP `%.64s`: expires in SIP is in whole seconds", nap->name);
	if (nap->retry > nap->retry_max)
		return config_fail(fault, nap->line,
		                   "NAP `%.64s`: retry (%lld ms) <= retry_max (%lld ms) does not "
		                   "hold",
		                   nap->name, (long long)nap->retry, (long long)nap->retry_max);
	if (nap->response_timeout > nap->proxy_polling_interval)
		return config_fail(fault, nap->line,
		                   "NAP `%.64s`: response_timeout (%lld ms) <= "
		                   "proxy_polling_interval (%lld ms) does not hold",
		                   nap->name, (long long)nap->response_timeout,
		                   (long long)nap->proxy_polling_interval);
	return true;
}

static bool check_name(const struct config *config, size_t at, struct config_fault *fault)
{
	const struct config_nap *nap = &config->naps[at];

	for (size_t i = 0; i < at; i++)
		if (strcmp(config->naps[i].name, nap->name) == 0)
			return config_fail(fault, nap->line,
			                   "NAP `%.64s` is given twice (first in line %d)",
			                   nap->name, config->naps[i].line);
	return true;
}

bool config_check_naps(const struct config *config, struct config_fault *fault)
{
	for (size_t i = 0; i < config->nap_count; i++)
		if (!check_name(config, i, fault) || !check_registering(&config->naps[i], fault) ||
		    !check_local(config, &config->naps[i], fault))
			return false;
	return true;
}

static struct nap_options options_of(const struct config *config, const struct config_nap *nap)
{
	const struct config_transport *local = transport_called(config, nap->local);

	assert(local != NULL); /* it was checked */
	return (struct nap_options){
		.name = slice_str(nap->name),
		.proxy = slice_str(nap->proxy),
		.address_to_register = slice_str(nap->address_to_register),
		.user = slice_str(nap->user),
		.password = slice_str(nap->password),
		.realm = slice_str(nap->realm),
		.transport = nap->transport,
		.local = local->address,
		.registers = nap->register_to_proxy,
		.ignore_realm = nap->ignore_realm,
		.reuse_challenge = nap->reuse_challenge,
		.gin = nap->gin,
		.outbound = nap->outbound,
		.reg_event = nap->reg_event,
		.polls = nap->poll_remote_proxy && nap->proxy[0] != '\0',
		.any_response_is_available = nap->any_response_is_available,
		.expires_s = (uint32_t)(nap->expires / CONFIG_MS_S),
		.refresh_percent = nap->refresh_percent,
		.retry_ms = nap->retry,
		.retry_max_ms = nap->retry_max,
		.timeout_ms = nap->timeout,
		.poll_first_ms = nap->proxy_polling_first,
		.poll_interval_ms = nap->proxy_polling_interval,
		.poll_timeout_ms = nap->response_timeout,
		.poll_max_forwards = nap->proxy_polling_max_forwards,
	};
}

_Static_assert(CONFIG_NAPS_MAX == (int)NAPS_MAX, "the node takes what a file may hold");

void config_nap_options(const struct config *config, struct nap_options *to)
{
	for (size_t i = 0; i < config->nap_count; i++)
		to[i] = options_of(config, &config->naps[i]);
}
