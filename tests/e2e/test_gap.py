"""test_gap.py - how long a client goes without an answer: a request every 5 ms, last 200 from the old
node to the first 200 from the new one. docs/failover.md holds what was measured."""
import os
import signal
import statistics
import time

from lab import alone, ms, now, other, wait_until
from load import REFRESH, Phones, table

RATE = 200  # a request every 5 ms
NOISE = 3   # machines that run tests are busy: only a median beyond so many times the promise fails


def one_gap(lab, phones, end_active):
    """One failover under load; the gap and its parts in ms."""
    old = lab.active()
    new = other(old)
    log = lab.log(new)
    load = phones.start(REFRESH, RATE)
    time.sleep(0.7)
    moment = end_active(old)
    wait_until(lambda: lab.role(new) == "active", 10, f"{new} is active")
    time.sleep(0.7)
    result = phones.end(load)
    assert not result["other"] and result["timeouts"] == 0, f"requests failed: {result}"
    address, active = log.time("address=away->here"), log.time("->active")
    begin, end, elsewhere = phones.gap_at(active)
    return {"nodes": f"{old}->{new}", "gap": ms(begin, end), "address": ms(moment, address),
            "reign": ms(address, active), "answer": ms(active, end), "elsewhere": ms(0, elsewhere)}


def measure(lab, title, promise_ms, end_active):
    phones = Phones(lab, "gap", "udp", 400)
    phones.register()
    rows = []
    for _ in range(lab.rounds):
        rows.append(one_gap(lab, phones, end_active))
        lab.heal()
    gaps = [row["gap"] for row in rows]
    table(f"{title}: gap median {statistics.median(gaps):.0f} ms, worst {max(gaps):.0f} ms "
          f"(promised: below {promise_ms} ms), {len(gaps)} rounds, all in ms",
          ["nodes", "gap", "address moves", "reign durable", "first 200", "longest elsewhere"],
          [[row[key] for key in ("nodes", "gap", "address", "reign", "answer", "elsewhere")] for row in rows])
    assert statistics.median(gaps) < NOISE * promise_ms, f"{title}: {gaps}"


@alone
def test_the_gap_after_kill_9_is_below_100_ms(lab):
    """A15, X01"""
    measure(lab, "kill -9 of the daemon", 100, lab.kill)


@alone
def test_the_gap_after_a_host_loss_is_below_400_ms(lab):
    """A15"""
    measure(lab, "host loss (link down, all killed)", 400, lab.cut)


@alone
def test_the_gap_of_a_planned_switchover_is_below_100_ms(lab):
    """A16, X05"""
    def switch(old):
        moment = now()
        lab.ctl(old, "switchover")
        return moment
    measure(lab, "planned switchover", 100, switch)


@alone
def test_the_gap_of_a_hung_daemon_is_below_1500_ms(lab):
    """A15: keepalived still holds the address for it; the watchdog ends it."""
    def hang(old):
        moment = now()
        os.kill(lab.pid(old), signal.SIGSTOP)
        return moment
    measure(lab, "hung daemon", 1500, hang)
