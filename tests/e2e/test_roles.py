"""test_roles.py - who is active, when something else than regpaird fails."""
import os
import signal
import time

from lab import NODES, other, wait_until
from load import REFRESH, Phones


def sole_active(lab, node):
    return lab.role(node) == "active" and lab.has_address(node) and not lab.has_address(other(node)) and \
        lab.role(other(node)) == "standby"


def hang(lab, phones):
    """Everything on the active host stops for two seconds under load, and goes on."""
    hung = lab.active()
    load = phones.start(REFRESH, 200)
    time.sleep(0.5)
    lab.signal_host(hung, signal.SIGSTOP)
    try:
        wait_until(lambda: lab.role(other(hung)) == "active", 5, f"{other(hung)} takes over")
        time.sleep(1.5)
    finally:
        lab.signal_host(hung, signal.SIGCONT)
    wait_until(lambda: any(sole_active(lab, node) for node in NODES), 20, "one node is active, one standby")
    time.sleep(0.5)
    result = phones.end(load)
    assert not result["other"] and not result["timeouts"], result


def test_a_host_that_hung_loses_nothing_of_what_the_other_acknowledged(lab):
    """T2, X04, A14, I1: whoever has the address in the end, there is one history."""
    phones = Phones(lab, "hung", "udp", 400)
    for _ in range(lab.rounds):
        phones.register()
        hang(lab, phones)
        lab.in_step()
        phones.audit()


def test_a_daemon_that_hung_for_a_moment_goes_on_as_it_was(lab):
    """T2, X04: shorter than anybody waits; in doubt, it asks the peer before it answers."""
    phones = Phones(lab, "moment", "udp", 300)
    phones.register()
    active = lab.active()
    load = phones.start(REFRESH, 200)
    time.sleep(0.5)
    lab.pause(active)
    time.sleep(0.5)
    lab.resume(active)
    time.sleep(1.5)
    result = phones.end(load)
    assert not result["other"] and not result["timeouts"], result
    assert lab.active() == active
    wait_until(lab.paired, 10, "paired")
    phones.audit()


def test_the_death_of_keepalived_moves_the_address(lab):
    """A15: the supervisor takes the address away, or two nodes would own it."""
    phones = Phones(lab, "vrrp", "udp", 300)
    phones.register()
    old = lab.active()
    for name in ("keepalived", "vrrp"):  # the parent first: a child alone would be started again
        os.kill(lab.pid(old, name), signal.SIGKILL)
    wait_until(lambda: sole_active(lab, other(old)), 5, f"{other(old)} is active and alone with the address")
    phones.audit()
    wait_until(lab.paired, 10, "paired: the daemon was not at fault")


def test_a_node_that_starts_alone_waits_for_its_peer_until_told_otherwise(lab):
    """A17: the other may know more; `takeover` ends the wait."""
    phones = Phones(lab, "cold", "udp", 300)
    phones.register()
    last = lab.active()
    alone = other(last)
    for node in (alone, last):
        lab.cut(node)
    starting = lab.start_begin(alone)
    wait_until(lambda: lab.status(alone), 10, f"{alone} answers")
    time.sleep(2)
    assert lab.role(alone) == "init", lab.status(alone)
    assert not lab.has_address(alone)
    lab.ctl(alone, "takeover")
    wait_until(lambda: lab.role(alone) == "active", 5, f"{alone} is active")
    assert starting.wait(10) == 0, starting.stdout.read()
    phones.audit()
    lab.start(last)
    lab.in_step()
    assert lab.active() == alone
    phones.audit()
