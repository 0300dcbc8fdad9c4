"""test_standby_silent.py - the standby sends no SIP at all."""
import re

from lab import NODES, other, wait_until
from load import REFRESH, Phones

RULES = """
table inet watch {
	counter sip { }
	chain out {
		type filter hook output priority 0; policy accept;
		udp sport 5060 counter name sip
		udp dport 5060 counter name sip
		tcp sport 5060 counter name sip
		tcp dport 5060 counter name sip
	}
}
"""


def watch(lab, node):
    rules = lab.folder / "watch.nft"
    rules.write_text(RULES)
    lab.run("nft", "-f", rules, host=node)


def packets(lab, node):
    said = lab.run("nft", "list", "counter", "inet", "watch", "sip", host=node).stdout
    return int(re.search(r"packets (\d+)", said).group(1))


def test_the_standby_sends_no_sip(lab):
    """T15, A5: counted where packets leave, under load, with expiring bindings and OPTIONS to both."""
    active = lab.active()
    phones = [Phones(lab, "loud", "udp", 200, expires=30), Phones(lab, "loudt", "tcp", 200)]
    try:
        for node in NODES:
            watch(lab, node)
        for each in phones:
            each.register()
        loads = [each.start(REFRESH, 200) for each in phones]
        lab.run("sleep", "2")
        for each, load in zip(phones, loads):
            each.end(load)
        assert packets(lab, active) > 800, "the counter counts nothing"
        assert packets(lab, other(active)) == 0
        assert lab.role(other(active)) == "standby"
        # A client that still sends to the old node by a stale ARP entry is not answered either.
        lab.talk_to(other(active))
        lab.run(*lab.regload_command("--users", "10", "--tries", "2", "--t1", "100"), check=False)
        assert packets(lab, other(active)) == 0
    finally:
        lab.talk_to(None)
        for node in NODES:
            lab.run("nft", "delete", "table", "inet", "watch", host=node, check=False)
    wait_until(lab.paired, 5, "still paired")
