"""test_failover.py - kill -9: what was acknowledged is on the other node, and nonces stay good."""
import time

from lab import NODES, now, other, wait_until
from load import FRESH, REFRESH, Phones

USERS = 1000  # over each transport
RATE = 250    # REGISTERs a second over each transport


def end_under_load(lab, phones, hows, end):
    """Ends the active node while both kinds of phones register; both stop a while after the takeover."""
    victim = lab.active()
    loads = [each.start(how, RATE) for each, how in zip(phones, hows)]
    time.sleep(1.5)
    end(victim)
    wait_until(lambda: lab.role(other(victim)) == "active", 5, f"{other(victim)} is active")
    time.sleep(1.0)
    results = [each.end(load) for each, load in zip(phones, loads)]
    for result in results:
        assert not result["other"], f"refused: {result}"
    return victim


def test_every_acknowledged_register_is_on_the_new_active_node(lab):
    """I1, I3, I8, A15, X01: 2,000 phones, 500 REGISTER/s, refreshes and fresh ones, rounds in a row."""
    phones = [Phones(lab, "udp", "udp", USERS), Phones(lab, "tcp", "tcp", USERS)]
    for number in range(lab.rounds):
        for each in phones:
            each.register()
        hows = (REFRESH, FRESH) if number % 2 == 0 else (FRESH, REFRESH)
        victim = end_under_load(lab, phones, hows, lab.kill)
        for each in phones:
            each.audit()
        lab.start(victim)
        wait_until(lambda: lab.paired(), 30, f"round {number + 1}: paired again")


def test_a_host_loss_loses_no_acknowledged_register(lab):
    """I1, I3: the link is down at once, no goodbye, no reset of a connection."""
    phones = [Phones(lab, "cutu", "udp", USERS), Phones(lab, "cutt", "tcp", USERS)]
    for each in phones:
        each.register()
    end_under_load(lab, phones, (REFRESH, REFRESH), lab.cut)
    for each in phones:
        each.audit()


def test_commit_peer_loses_nothing_when_one_node_is_killed(lab):
    """I1, A9: answers wait for the standby's memory alone."""
    phones = [Phones(lab, "peeru", "udp", USERS), Phones(lab, "peert", "tcp", USERS)]
    with lab.configured("commit: both", "commit: peer"):
        assert lab.status(lab.active())["commit"] == "peer"
        for each in phones:
            each.register()
        end_under_load(lab, phones, (REFRESH, FRESH), lab.kill)
        for each in phones:
            each.audit()


def test_a_node_that_returned_takes_over_with_all_that_happened_meanwhile(lab):
    """I1, I3, I14: killed, registered elsewhere meanwhile, back, in step; then the other is killed."""
    before = Phones(lab, "before", "udp", 300)
    meanwhile = Phones(lab, "meanwhile", "tcp", 300)
    before.register()
    first = lab.active()
    lab.kill(first)
    wait_until(lambda: lab.role(other(first)) == "active", 5, f"{other(first)} is active")
    meanwhile.register()
    lab.start(first)
    lab.in_step()
    assert not lab.status(first)["expiry_held"], "the peer's clock ends the doubt of a restart"
    assert lab.role(first) == "standby", "the address must not come back by itself (A16)"
    lab.kill(other(first))
    wait_until(lambda: lab.role(first) == "active", 5, f"{first} is active")
    before.audit()
    meanwhile.audit()


def test_both_nodes_killed_at_once_lose_nothing(lab):
    """I1, X03: kill -9 of both under load; what was acknowledged is there after both start."""
    phones = Phones(lab, "both", "udp", 500)
    phones.register()
    load = phones.start(REFRESH, 300)
    time.sleep(1)
    for node in NODES:
        lab.kill(node)
    time.sleep(0.2)
    phones.end(load)
    begun = now()
    lab.up()
    phones.audit()
    lab.in_step()
    print(f"    serving and in step {now() - begun:.1f} s after the start of both")
