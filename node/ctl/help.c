#include "node/ctl/help.h"

#include <stddef.h>
#include <string.h>

#include "proto/base/defs.h"

/* clang-format off */
static const struct {
	const char *command, *text;
} pages[] = {
	{"",
	 "usage: regpairctl [--control SOCKET] [--json] COMMAND [ARGUMENT...]\n"
	 "\n"
	 "  status               what this node is, what the pair is, all figures\n"
	 "  alarms               what is raised now, what it means and what to do\n"
	 "  events               alarms, changes of role and pair, NAPs, as they happen\n"
	 "  domains              how many users and bindings are in each\n"
	 "  bindings [AOR]       who is registered where\n"
	 "  bindings remove AOR  take all bindings of one AOR away\n"
	 "  subscriber add|import|list|show|remove\n"
	 "                       who may register, with which password\n"
	 "  nap list|show|register|unregister|poll\n"
	 "                       where this system registers itself, and who answers there\n"
	 "  secret list|rotate   what nonces, tags and temporary GRUUs are made with\n"
	 "  log                  the log of changes, decoded, from the store\n"
	 "  history              what became of this node: roles, the pair, refusals, forks\n"
	 "  divergence           what merges of two histories made of each record\n"
	 "  diff                 do both nodes hold the same records?\n"
	 "  switchover           hand over to the standby\n"
	 "  takeover             do not wait for the peer: become active\n"
	 "  reload               read the configuration again, and the certificates\n"
	 "  log-level [LEVEL]    what is logged, until the next reload\n"
	 "  trace AOR|NAP        its SIP messages, to a pcap file\n"
	 "  audit                what operators did, when and from where\n"
	 "  support FILE         what whoever helps wants to see, without secrets\n"
	 "  config               the configuration as it is understood, without secrets\n"
	 "  check                are configuration, certificates, store and keepalived right?\n"
	 "  check-store [DIR]    read the store from end to end: is anything damaged?\n"
	 "  backup FILE          all that the node stores, beside the running node\n"
	 "  restore FILE         make a backup the store of a node that is stopped\n"
	 "  pair init            make the files that two nodes need to be one pair\n"
	 "  pair renew           make their certificates anew\n"
	 "\n"
	 "  --control SOCKET  the node's socket (default /run/regpair/control.sock)\n"
	 "  --json            for scripts: JSON instead of tables\n"
	 "  --help            this text; behind a command: that command's\n"
	 "  --version         the version\n"
	 "\n"
	 "exit code: 0 done, 1 refused or failed, 2 wrong usage, 3 no node answers on the socket\n"},
	{"pair",
	 "usage: regpairctl pair init DIR ...      (see regpairctl pair init --help)\n"
	 "       regpairctl pair renew DIR ...     (see regpairctl pair renew --help)\n"},
	{"pair init",
	 "usage: regpairctl pair init DIR --primary ADDRESS --secondary ADDRESS [--days N] [--force]\n"
	 "       regpairctl pair init DIR --standalone [--force]\n"
	 "\n"
	 "Makes what two nodes need to be one pair: a CA of their own, a certificate and key for\n"
	 "each, the cluster id and the first secret. DIR/primary and DIR/secondary go to the nodes'\n"
	 "`cluster.dir`; DIR/ca-key.pem is best kept elsewhere.\n"
	 "\n"
	 "  --primary ADDRESS    IP address of the primary unit on the link between the nodes\n"
	 "  --secondary ADDRESS  IP address of the secondary unit\n"
	 "  --standalone         for one node alone: only DIR/pair, with cluster id and secret\n"
	 "  --days N             how long the certificates hold (default 3650, at most 36500)\n"
	 "  --force              make a new pair over the files in DIR; the old one ends with that\n"},
	{"pair renew",
	 "usage: regpairctl pair renew DIR [--new-ca] [--days N] [--primary ADDRESS]\n"
	 "                                 [--secondary ADDRESS]\n"
	 "\n"
	 "Makes new certificates and keys for both nodes of a pair, into the DIR that `pair init`\n"
	 "made: it needs DIR/ca.pem and DIR/ca-key.pem. Cluster id and secret stay. Copy ca.pem,\n"
	 "cert.pem and key.pem of DIR/primary and DIR/secondary to the nodes' `cluster.dir` and\n"
	 "`regpairctl reload` each: nobody is restarted, and the nodes stay connected.\n"
	 "\n"
	 "  --new-ca             a new CA, too. Both nodes trust the former beside it until the\n"
	 "                       next renewal: copy ca.pem to both and reload both before either\n"
	 "                       gets its new certificate\n"
	 "  --days N             how long they hold (default 3650, at most 36500), but no longer\n"
	 "                       than the CA\n"
	 "  --primary ADDRESS    the primary unit's new address, if it has one\n"
	 "  --secondary ADDRESS  the secondary unit's\n"},
	{"status",
	 "usage: regpairctl status\n"
	 "\n"
	 "Every figure of this node with its meaning. With --json: one object, durations in ms.\n"},
	{"alarms",
	 "usage: regpairctl alarms\n"
	 "\n"
	 "The alarms of this node that are raised now, since when, what they mean and what to do.\n"
	 "With --json: all there are, raised or not. Any user of the host may ask:\n"
	 "  regpairctl --control /run/regpair/monitor.sock alarms\n"
	 "\n"
	 "exit code: 0 none is raised, 1 one is, 3 no node answers on the socket\n"},
	{"events",
	 "usage: regpairctl events\n"
	 "\n"
	 "What happens, a line each while it happens, until it is ended: alarms raised and cleared, what\n"
	 "the journal keeps (changes of role and pair), NAPs that become registered or available and do\n"
	 "not any more. With --json: the node's own lines. Any user of the host may ask:\n"
	 "  regpairctl --control /run/regpair/monitor.sock events\n"
	 "\n"
	 "exit code: 3 the node is gone, or none answers on the socket\n"},
	{"domains",
	 "usage: regpairctl domains\n"
	 "\n"
	 "The domains of the configuration, with the users (AORs with a record) and bindings that are\n"
	 "in each, and how many users there may be.\n"},
	{"bindings",
	 "usage: regpairctl bindings [AOR] [--limit N]\n"
	 "       regpairctl bindings remove AOR [--yes]\n"
	 "\n"
	 "Lists the bindings of one AOR (sip:alice@example.com, or alice@example.com) or of all,\n"
	 "with the seconds they have left; what has expired is not shown.\n"
	 "\n"
	 "  --limit N  stop after N bindings\n"},
	{"bindings remove",
	 "usage: regpairctl bindings remove AOR [--yes]\n"
	 "\n"
	 "Removes all bindings of one AOR. Its phones come back with their next REGISTER.\n"
	 "\n"
	 "  --yes  do not ask\n"},
	{"subscriber",
	 "usage: regpairctl subscriber add USER@DOMAIN [--password-file FILE | --stdin] [--replace]\n"
	 "       regpairctl subscriber import FILE [--domain DOMAIN] [--replace]\n"
	 "       regpairctl subscriber list [--limit N]\n"
	 "       regpairctl subscriber show USER@DOMAIN\n"
	 "       regpairctl subscriber remove USER@DOMAIN\n"
	 "\n"
	 "Passwords are hashed here (MD5, SHA-256, SHA-512-256) and never leave this program.\n"},
	{"subscriber add",
	 "usage: regpairctl subscriber add USER@DOMAIN [--password-file FILE | --stdin] [--replace]\n"
	 "\n"
	 "The password is asked for twice, without echo, or is the first line of FILE or of standard\n"
	 "input. It is never an argument: arguments are seen by everybody on the host.\n"
	 "DOMAIN must be one of the node's domains; it is the realm of the digest.\n"
	 "\n"
	 "  --password-file FILE  the password is the file's first line\n"
	 "  --stdin               ... or the first line of standard input\n"
	 "  --replace             give one that is there a new password\n"},
	{"subscriber import",
	 "usage: regpairctl subscriber import FILE [--domain DOMAIN] [--replace]\n"
	 "\n"
	 "FILE is CSV (`-`: standard input), a line each, a header line is skipped:\n"
	 "  user,password             with --domain, or where the node has one domain only\n"
	 "  user@domain,password\n"
	 "  user@domain,MD5,SHA-256,SHA-512-256     the HA1 hashes in hexadecimal\n"
	 "Fields may stand in double quotes. Progress is shown once a second, then the counts and the\n"
	 "first lines that were refused.\n"
	 "\n"
	 "  --domain DOMAIN  for users without one\n"
	 "  --replace        give those that are there their new password\n"},
	{"subscriber list",
	 "usage: regpairctl subscriber list [--limit N]\n"
	 "\n"
	 "Lists the subscribers of this node, in no order.\n"
	 "\n"
	 "  --limit N  stop after N subscribers\n"},
	{"secret",
	 "usage: regpairctl secret list\n"
	 "       regpairctl secret rotate\n"
	 "\n"
	 "The pair's secrets: see each command's --help.\n"},
	{"secret list",
	 "usage: regpairctl secret list\n"
	 "\n"
	 "The pair's secrets by id, with the pair's time of their making; never what they are.\n"
	 "The highest id is the newest.\n"},
	{"secret rotate",
	 "usage: regpairctl secret rotate\n"
	 "\n"
	 "Makes a new secret, on the active node. Nonces, tags and temporary GRUUs are made with it\n"
	 "from now on; the newest four still check what was made with them, older ones are deleted.\n"},
	{"subscriber show",
	 "usage: regpairctl subscriber show USER@DOMAIN\n"
	 "\n"
	 "When the subscriber was changed, and for which digests there is a hash; never the hash.\n"},
	{"subscriber remove",
	 "usage: regpairctl subscriber remove USER@DOMAIN\n"
	 "\n"
	 "The subscriber may not register any more. Bindings live until they expire; see also\n"
	 "`regpairctl bindings remove`.\n"},
	{"nap",
	 "usage: regpairctl nap list [--limit N]\n"
	 "       regpairctl nap show|register|unregister|poll NAP\n"
	 "\n"
	 "The NAPs (providers' proxies) of the configuration: see each command's --help.\n"},
	{"nap list",
	 "usage: regpairctl nap list [--limit N]\n"
	 "\n"
	 "One line each: is this system registered there, does it answer OPTIONS, what is being done\n"
	 "since when, the seconds granted, when something is sent next, the last answer, where to and\n"
	 "why. `-`: not asked for in the configuration. Only the active node sends anything.\n"
	 "\n"
	 "  --limit N  stop after N NAPs\n"},
	{"nap show",
	 "usage: regpairctl nap show NAP\n"
	 "\n"
	 "All that is known of one NAP.\n"},
	{"nap register",
	 "usage: regpairctl nap register NAP\n"
	 "\n"
	 "Registers there now, whatever was due. Asked of the active node; what comes of it is seen\n"
	 "in `regpairctl nap show`.\n"},
	{"nap unregister",
	 "usage: regpairctl nap unregister NAP\n"
	 "\n"
	 "Takes the registration away, until `regpairctl nap register` or a reload. Asked of the\n"
	 "active node.\n"},
	{"nap poll",
	 "usage: regpairctl nap poll NAP\n"
	 "\n"
	 "Sends OPTIONS there now. Asked of the active node.\n"},
	{"log",
	 "usage: regpairctl log [--from SEQ] [--last N] [--store DIR] [--config FILE]\n"
	 "       regpairctl log --file FILE\n"
	 "\n"
	 "Shows entries of the log, decoded: the last 20, or the last N, or N (or all) from SEQ on.\n"
	 "It reads the store beside a running node, or without one.\n"
	 "\n"
	 "  --from SEQ     begin here\n"
	 "  --last N       so many entries; with --from: at most so many from there\n"
	 "  --store DIR    the store's folder\n"
	 "  --config FILE  the configuration that names it (default /etc/regpair/regpair.yaml)\n"
	 "  --file FILE    a file of entries that were set aside when a history forked\n"},
	{"history",
	 "usage: regpairctl history [--last N] [--store DIR] [--config FILE]\n"
	 "\n"
	 "Shows what became of this node, newest last: every change of its role and of the pair's\n"
	 "state with its reason, refusals, forks, doubts, switchovers. The last 500 are kept, across\n"
	 "restarts. It reads the store's folder, beside a running node or without one. The time is\n"
	 "this host's wall clock; --json has the pair's time, too.\n"
	 "\n"
	 "  --last N       so many\n"
	 "  --store DIR    the store's folder\n"
	 "  --config FILE  the configuration that names it (default /etc/regpair/regpair.yaml)\n"},
	{"divergence",
	 "usage: regpairctl divergence [--store DIR] [--config FILE]\n"
	 "\n"
	 "Shows what became of every record that differed when two histories were merged: kept as\n"
	 "this node had it (ours), as the other had it (theirs), or joined of both. The node that\n"
	 "was active at the merge holds the report, in its store's folder.\n"
	 "\n"
	 "  --store DIR    the store's folder\n"
	 "  --config FILE  the configuration that names it (default /etc/regpair/regpair.yaml)\n"},
	{"diff",
	 "usage: regpairctl diff\n"
	 "\n"
	 "Asks the active node to compare its records with the standby's, both at the same entry of\n"
	 "the log: count and digest of each table, and every record that differs or that one node\n"
	 "alone has. Both nodes compare by themselves, too: see digest_* in the status.\n"
	 "\n"
	 "exit code: 0 equal, 1 different, 3 no node answers on the socket, 4 no comparison was\n"
	 "possible (why is said on standard error)\n"},
	{"switchover",
	 "usage: regpairctl switchover [--force | --dry-run]\n"
	 "\n"
	 "Asked of the active node: hands over to the standby and waits until that is active. Should\n"
	 "the standby be lost meanwhile, this node goes on, and the command fails with the reason.\n"
	 "\n"
	 "  --dry-run  say what would happen, and what the last one cost; exit code 1: it would be\n"
	 "             refused\n"
	 "  --force  also to a standby that is not in step: what it lacks becomes a fork\n"},
	{"takeover",
	 "usage: regpairctl takeover\n"
	 "\n"
	 "Asked of a node that waits for its peer after a cold start: it does not wait any longer.\n"},
	{"reload",
	 "usage: regpairctl reload\n"
	 "\n"
	 "The node reads its configuration again and shows what changed, a line for each key; secrets\n"
	 "are not shown. NAPs, log.level and the certificates in cluster.dir change at once. If a file is\n"
	 "wrong, or any other key changed, which wants a restart, nothing is changed and exit code is\n"
	 "1. In a pair, ask both nodes: until both have it, they say that their configurations\n"
	 "differ.\n"},
	{"log-level",
	 "usage: regpairctl log-level [error|warn|notice|info|debug]\n"
	 "\n"
	 "Shows up to which level this node logs, or changes that: until the next reload or restart,\n"
	 "which bring back log.level of the configuration.\n"},
	{"trace",
	 "usage: regpairctl trace AOR|NAP --file FILE [--seconds N] [--max-size MIB]\n"
	 "\n"
	 "Writes the SIP messages of one user or one NAP, in and out, to a pcap file for tshark or\n"
	 "Wireshark, with the addresses, ports and times that they had, until ^C. What comes over TLS is\n"
	 "there in the clear, as TCP. Digests of passwords are part of SIP: the file is for you alone.\n"
	 "Asked of the active node: the other one has no messages. Each trace is in the audit log.\n"
	 "\n"
	 "  --file FILE     the file; what it held is gone\n"
	 "  --seconds N     end after so long (default 600)\n"
	 "  --max-size MIB  end when the file is so large (default 100)\n"},
	{"audit",
	 "usage: regpairctl audit [--last N] [--file FILE] [--config FILE]\n"
	 "\n"
	 "Shows what operators did on this node, newest last: each change by this program, switchovers,\n"
	 "takeovers and reloads, with who (and who had logged in), from where, how it was before and\n"
	 "after, and what came of it. It reads audit_file of the configuration, and FILE.1 beside it.\n"
	 "\n"
	 "  --last N       so many (default 50)\n"
	 "  --file FILE    the audit log\n"
	 "  --config FILE  the configuration that names it (default /etc/regpair/regpair.yaml)\n"},
	{"support",
	 "usage: regpairctl support FILE.tar.gz [--config FILE] [--keepalived FILE]\n"
	 "\n"
	 "Gathers what whoever helps wants to see: versions, status, alarms, NAPs, history, divergence,\n"
	 "the configuration and keepalived's with secrets masked, addresses, firewall, journals. There\n"
	 "are no passwords, keys and hashes in it; there are names of users, contacts and addresses.\n"
	 "\n"
	 "  --config FILE      default /etc/regpair/regpair.yaml\n"
	 "  --keepalived FILE  default /etc/keepalived/keepalived.conf\n"},
	{"config",
	 "usage: regpairctl config [--config FILE]\n"
	 "\n"
	 "Prints the configuration as regpaird understands it, defaults too, with secrets masked.\n"
	 "\n"
	 "  --config FILE  default /etc/regpair/regpair.yaml\n"},
	{"check",
	 "usage: regpairctl check [--config FILE] [--keepalived FILE]\n"
	 "\n"
	 "Checks the configuration, the pair's certificates, the store (read from end to end) and\n"
	 "keepalived's file against the configuration: a line each, ok or WRONG with the remedy.\n"
	 "Changes nothing.\n"
	 "\n"
	 "  --config FILE      default /etc/regpair/regpair.yaml\n"
	 "  --keepalived FILE  default /etc/keepalived/keepalived.conf\n"},
	{"check-store",
	 "usage: regpairctl check-store [DIR] [--config FILE]\n"
	 "\n"
	 "Reads the store from end to end, each record and each entry with its checks, beside a\n"
	 "running node or without one; says what is damaged and what to do. Changes nothing.\n"
	 "\n"
	 "  DIR            the store's folder\n"
	 "  --config FILE  the configuration that names it (default /etc/regpair/regpair.yaml)\n"
	 "\n"
	 "exit code: 0 whole or empty, 1 damaged or not readable\n"},
	{"backup",
	 "usage: regpairctl backup FILE [--store DIR] [--config FILE]\n"
	 "       regpairctl backup --verify FILE\n"
	 "\n"
	 "Writes all that the node stores, as it is at one moment, into FILE: beside the running\n"
	 "node, active or standby, or without one. FILE is there when it is whole and on the disk,\n"
	 "and then replaces one of that name. It holds secrets: only its owner may read it.\n"
	 "\n"
	 "  --verify       read FILE to its end, with every check, and say what it is\n"
	 "  --store DIR    the store's folder\n"
	 "  --config FILE  the configuration that names it (default /etc/regpair/regpair.yaml)\n"},
	{"restore",
	 "usage: regpairctl restore FILE [--yes] [--replace] [--store DIR] [--config FILE]\n"
	 "\n"
	 "Makes a backup the store of this node, which must be stopped. FILE is checked to its end\n"
	 "before anything is changed, and what was made of it before it is in place. Bindings go on\n"
	 "with the time they have left by the wall clock. The store belongs to the pair whose files\n"
	 "this host has, also if the backup is another pair's.\n"
	 "In a pair: empty the other node's store, or restore the same FILE there, before both are\n"
	 "started. What the other has beyond the backup comes back from it.\n"
	 "\n"
	 "  --yes          do not ask\n"
	 "  --replace      also where a store is: it is set aside, as DIR/broken-TIME\n"
	 "  --store DIR    the store's folder, in place of the configuration's\n"
	 "  --config FILE  names the store and the pair's files (default /etc/regpair/regpair.yaml)\n"},
};
/* clang-format on */

static size_t page_of(const char *command)
{
	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		if (strcmp(pages[i].command, command) == 0)
			return i;
	return 0;
}

const char *help_of(const char *command)
{
	return pages[page_of(command)].text;
}

bool help_known(const char *command)
{
	return page_of(command) != 0;
}
