"""test_switchover.py - handing over as planned: no request fails, and what cannot be carried out is given up."""
import threading
import time

from lab import LabError, now, other, wait_until
from load import REFRESH, STALL_MS, Phones, expect_whole, table

RATE = 500  # REGISTERs a second over each transport
COUNTS = ("requests", "ok", "retransmissions", "reconnects", "timeouts")


def phones_at_work(lab, name):
    phones = [Phones(lab, f"{name}u", "udp", 1000), Phones(lab, f"{name}t", "tcp", 1000)]
    for each in phones:
        each.register()
    return phones


def end_all(phones, loads):
    """What each load counted; none may have failed."""
    results = [each.end(load) for each, load in zip(phones, loads)]
    for result in results:
        expect_whole(result)
    return results


def tell(title, rows):
    table(title, ["over", "sent", "answered", "sent again", "reconnected", "failed", "longest gap ms"], rows)


def row_of(transport, result):
    return [transport, *(str(result[count]) for count in COUNTS), result["gap"]["longest_ms"]]


def back_and_forth(lab, name, hand_over):
    """X05: twice, each node once, at 1,000 REGISTER/s; no request fails and nothing is lost."""
    phones = phones_at_work(lab, name)
    for number in range(2):
        old = lab.active()
        loads = [each.start(REFRESH, RATE) for each in phones]
        time.sleep(1)
        hand_over(old)
        wait_until(lambda: lab.role(other(old)) == "active", 5, f"{other(old)} is active")
        time.sleep(1.5)
        results = end_all(phones, loads)
        tell(f"{name} {number + 1}: {old} to {other(old)}",
             [row_of(transport, result) for transport, result in zip(("udp", "tcp"), results)])
        for each in phones:
            each.audit()
        lab.start(old)
        lab.until_paired("paired with the roles exchanged")
        assert lab.active() == other(old), "the address must not come back by itself (A16)"


def test_no_request_fails_in_a_planned_switchover(lab):
    """A16, X05: and both nodes tell what it cost."""
    def switch(old):
        plan = lab.ctl(old, "switchover", "--dry-run")
        assert plan["possible"], plan
        assert lab.ctl_run(other(old), "switchover", "--dry-run").returncode == 1
        lab.ctl(old, "switchover")
    back_and_forth(lab, "switchover", switch)
    for old in ("a", "b"):
        status = lab.status(old)
        print(f"    measured by {old}: {status['last_switchover_gap_ms']} ms from its last answer to the other "
              f"being active, {status['last_switchover_entries']} entries drained")
        assert 0 < status["last_switchover_gap_ms"] < 2000, status
        lines = lab.ctl(old, "history", "--store", str(lab.folder / old / "store"))
        assert any(line["what"] == "switchover" and "drained" in line["why"] for line in lines), lines


def test_no_request_fails_when_the_service_is_stopped(lab):
    """A16, X05: and the journal has it, read while the node is stopped."""
    def stop(old):
        lab.stop_daemon(old)
        lines = lab.ctl(old, "history", "--last", "3", "--store", str(lab.folder / old / "store"))
        assert [line["to"] for line in lines if line["what"] == "role"][-2:] == ["stepping-down", "stopped"], lines
    back_and_forth(lab, "stop", stop)


def test_a_switchover_is_refused_when_the_standby_is_away(lab):
    """A16"""
    old = lab.active()
    lab.kill(other(old))
    wait_until(lambda: lab.status(old).get("pair_state") == "exposed", 5, "exposed")
    for words in (["switchover"], ["switchover", "--dry-run"]):
        done = lab.ctl_run(old, *words)
        assert done.returncode == 1 and "not in step" in done.stderr, done
    assert lab.role(old) == "active"
    assert lab.has_address(old)


def switch_without_the_standby(lab, old):
    """The standby hangs, and before the active notices, a switchover is asked of that. What it said; None:
    it noticed first."""
    lab.pause(other(old))
    begun = now()
    done = lab.ctl_run(old, "switchover")
    if "not in step" in done.stderr:
        return None
    assert done.returncode == 1 and "given up" in done.stderr, done
    return (now() - begun) * 1000


def test_a_switchover_whose_standby_hangs_midway_is_given_up(lab):
    """A16, X14: the old active goes on within moments, and nothing is lost."""
    phones = phones_at_work(lab, "midway")
    old = lab.active()
    log = lab.log(old)
    for _ in range(5):  # the set-up, never the check
        loads = [each.start(REFRESH, RATE) for each in phones]
        time.sleep(0.7)
        took = switch_without_the_standby(lab, old)
        time.sleep(1.0)
        assert lab.role(old) == "active" and lab.has_address(old)
        lab.resume(other(old))
        results = end_all(phones, loads)
        lab.until_paired("paired again")
        if took is not None:
            break
    else:
        raise LabError("the active always noticed before the switchover was asked for")
    assert log.line("role=stepping-down->active"), "it never began"
    tell(f"given up after {took:.0f} ms", [row_of(t, result) for t, result in zip(("udp", "tcp"), results)])
    assert took < STALL_MS
    for each in phones:
        each.audit()


def test_a_switchover_whose_standby_is_killed_midway_loses_nothing(lab):
    """A16, X14: wherever it is by then, one node serves again within moments."""
    phones = phones_at_work(lab, "killed")
    for number in range(lab.share(2) + 1):
        old = lab.active()
        loads = [each.start(REFRESH, RATE // 2) for each in phones]
        time.sleep(0.7)
        killer = threading.Timer(0.004 * (number + 1), lab.kill, [other(old)])
        killer.start()
        said = lab.ctl_run(old, "switchover")
        killer.join()
        wait_until(lambda: lab.role(old) == "active" or lab.role(other(old)) == "active", 5, "one node is active")
        time.sleep(1.0)
        results = end_all(phones, loads)
        longest = max(result["gap"]["longest_ms"] for result in results)
        print(f"    killed {4 * (number + 1)} ms after: {(said.stderr or said.stdout).strip()}; longest gap {longest:.0f} ms")
        for each in phones:
            each.audit()
        lab.heal()
