"""test_clients.py - witnesses from outside: clients that were not written here, and a failover."""
import time

from clients import Sipp
from lab import other

FIRST = 300_000  # users that no other test registers


def sipp(lab, scenario, users, **options):
    lab.add_users(len(users), users[0])
    return Sipp(lab.namespace("c"), lab.folder, scenario, f"{lab.vip}:5060", lab.address["c"], users, **options)


def test_sipp_registers_refreshes_and_removes(lab):
    """R09, R14, R22, R24, R25, R28, R29, R31: over UDP and TCP, with the challenge's nonce used again."""
    sipp(lab, "lifecycle", range(FIRST, FIRST + 30)).end()
    sipp(lab, "lifecycle", range(FIRST + 30, FIRST + 60), transport="t1").end()


def test_sipp_is_refused_with_a_wrong_password_and_a_brief_lifetime(lab):
    """R09, R19, D6: never 200 without the password; 423 below the domain's least."""
    sipp(lab, "refused", range(FIRST, FIRST + 5), password="guess").end()
    sipp(lab, "brief", range(FIRST, FIRST + 5)).end()


def test_sipp_refreshes_on_the_other_node_with_the_nonce_of_the_killed_one(lab):
    """I3, I8: registers on one node, kill -9, refreshes and removes on the other without a challenge."""
    active = lab.active()
    run = sipp(lab, "lifecycle", range(FIRST, FIRST + 50), pause_ms=2500)
    time.sleep(1.5)
    lab.kill(active)
    run.end()
    assert lab.role(other(active)) == "active"


def test_sipp_is_asked_by_one_node_answers_the_other_and_is_found_there(lab):
    """R09, R15, D15, P5, ob-3, ob-6, ob-7, gruu-7, gruu-14: also 302 by q, 480, 404"""
    active = lab.active()
    runs = [sipp(lab, "asked", range(FIRST, FIRST + 20), pause_ms=2000),
            sipp(lab, "flows", range(FIRST + 20, FIRST + 40), pause_ms=2000)]
    time.sleep(1)
    lab.kill(active)
    for run in runs:
        run.end()
    assert lab.role(other(active)) == "active"
