#include "node/io/sip_io.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "node/io/sip_tcp.h"
#include "node/io/sip_udp.h"
#include "node/io/sockets.h"

enum { FILES_OF_OURS = 256 }; /* descriptors beside those of SIP connections */

struct sip_io {
	struct loop *loop;
	struct sip_tls *tls;
	struct sip_tcp *tcp;
	struct sip_udp *udp[CONFIG_TRANSPORTS_MAX];
	size_t n_udp;
};

static const char *remedy(int why)
{
	switch (why) {
	case EADDRINUSE:
		return "another program has this port: stop it, or give the transport another port";
	case EACCES:
		return "ports below 1024 ask for CAP_NET_BIND_SERVICE";
	case EADDRNOTAVAIL:
		return "this is no address a host can have: correct the transport's address";
	case EAFNOSUPPORT:
		return "this host has no IPv6: correct the transport's address";
	default:
		return "see the transport's address and port";
	}
}

static bool open_transport(struct sip_io *s, const struct config_transport *t)
{
	struct addr local = t->address;
	char text[ADDR_TEXT_MAX + 1];
	struct buf to = buf_on((uint8_t *)text, ADDR_TEXT_MAX);
	bool opened = false;

	local.port = t->port;
	if (t->protocol == TRANSPORT_TCP) {
		opened = sip_tcp_listen(s->tcp, &local);
	} else {
		s->udp[s->n_udp] = sip_udp_open(s->loop, &local);
		opened = s->udp[s->n_udp] != NULL;
		s->n_udp += opened;
	}
	if (opened)
		return true;
	int why = errno;
	addr_put(&to, &local);
	text[to.n] = '\0';
	log_line(loop_log(s->loop), LOG_ERROR,
	         "start=failed transport=%s protocol=%s address=%s why=\"%s\" remedy=\"%s\"",
	         t->name, transport_name(t->protocol), text, strerror(why), remedy(why));
	return false;
}

/* As many descriptors as connections are allowed, where the hard limit lets us. */
static void raise_files(const struct config *c)
{
	struct rlimit r;
	rlim_t wanted = (rlim_t)c->limits_tcp_connections + SIP_TCP_MADE_MAX + FILES_OF_OURS;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= wanted)
		return;
	r.rlim_cur = wanted < r.rlim_max ? wanted : r.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &r); /* else accept says so when it matters */
}

struct sip_io *sip_io_open(struct loop *l)
{
	const struct config *c = loop_config(l);
	struct sip_io *s = calloc(1, sizeof *s);
	char fault[TLS_FAULT_MAX];

	if (s == NULL)
		abort();
	raise_files(c);
	s->loop = l;
	s->tls = sip_tls_open(c, fault);
	s->tcp = sip_tcp_new(l, s->tls);
	if (s->tls == NULL) {
		log_line(loop_log(l), LOG_ERROR, "start=failed why=\"%s\"", fault);
		sip_io_close(&s);
		return NULL;
	}
	for (size_t i = 0; i < c->transport_count; i++) {
		if (!open_transport(s, &c->transports[i])) {
			sip_io_close(&s);
			return NULL;
		}
	}
	return s;
}

void sip_io_close(struct sip_io **s)
{
	if (*s == NULL)
		return;
	for (size_t i = 0; i < (*s)->n_udp; i++)
		sip_udp_close(&(*s)->udp[i]);
	sip_tcp_free(&(*s)->tcp);
	sip_tls_close(&(*s)->tls);
	free(*s);
	*s = NULL;
}

void sip_io_send(struct sip_io *s, const struct node_output *message)
{
	const struct flow *flow = &message->flow;

	if (flow->connection != 0) {
		sip_tcp_send(s->tcp, flow->connection, message->bytes);
		return;
	}
	for (size_t i = 0; i < s->n_udp; i++) {
		if (addr_eq(sip_udp_local(s->udp[i]), &flow->local)) {
			sip_udp_send(s->udp[i], &message->target, message->bytes);
			return;
		}
	}
}

void sip_io_connect(struct sip_io *s, const struct node_output *o)
{
	sip_tcp_connect(s->tcp, o);
}

void sip_io_close_flow(struct sip_io *s, const struct node_output *o)
{
	sip_tcp_close_flow(s->tcp, o->flow.connection);
}

bool sip_io_ends(const struct sip_io *s, struct flow *flow)
{
	if (flow->connection != 0)
		return sip_tcp_ends(s->tcp, flow);
	if (socket_is_any(&flow->local))
		socket_towards(&flow->remote, &flow->local);
	return true;
}

size_t sip_io_flows(const struct sip_io *s)
{
	return sip_tcp_flows(s->tcp);
}

void sip_io_flush(struct sip_io *s)
{
	for (size_t i = 0; i < s->n_udp; i++)
		sip_udp_flush(s->udp[i]);
	sip_tcp_flush(s->tcp);
}

void sip_io_role(struct sip_io *s, enum role role)
{
	for (size_t i = 0; i < s->n_udp; i++)
		sip_udp_mode(s->udp[i], sip_mode_of(role));
	sip_tcp_turn(s->tcp, role);
}
