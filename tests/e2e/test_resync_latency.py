"""test_resync_latency.py - the standby comes back with an empty disk beside many bindings: what an answer of
the active node takes while all of them are sent, against the quiet pair."""
import os
import threading
import time
from pathlib import Path

from lab import LabError, alone, now, other, wait_until
from load import STALL_MS, Phones, expect_whole, table
from test_cold_start import lose_disk

MANY, VERY_MANY = 200_000, 1_000_000
FIRST = 2_000_000    # numbers that no other test uses
RATE = 300           # REGISTERs a second meanwhile
QUIET_S = 5
PAIRED_S = 300


class Memory:
    """The most that a process held in memory, looked at every 50 ms inside the context."""

    def __init__(self, pid):
        self.pid = pid
        self.begin = self.most = rss_mb(pid)
        self.ended = threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def __exit__(self, *why):
        self.ended.set()
        self.thread.join()

    def watch(self):
        while not self.ended.wait(0.05):
            self.most = max(self.most, rss_mb(self.pid))


def rss_mb(pid):
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def fill(lab, count):
    """So many bindings, of users that no test audits; their lifetimes outlast the test."""
    lab.add_users(count, FIRST)
    begun = now()
    result = lab.regload("--users", count, "--first", FIRST, "--window", 256, seconds=1200)
    if result["ok"] != count:
        raise LabError(f"not all registered: {result}")
    return count / (now() - begun)


def p99_of(phones, while_true):
    load = phones.start("refresh", RATE)
    while_true()
    time.sleep(0.2)
    result = phones.end(load)
    expect_whole(result)
    return result["latency_ms"], result["ok"]


@alone
def test_a_resync_of_many_bindings_leaves_the_answers_alone(lab):
    """T7, X18, A8, A9: the heartbeat is not lost, the memory is bounded, answers do not stop; how near p99 stays to
    the quiet one is told."""
    count = MANY if lab.rounds < 100 else VERY_MANY
    lab.reconfigure("auth: digest-md5}", f"auth: digest-md5, max_users: {2 * count}}}")
    try:
        resent(lab, count)
    finally:
        lab.down()  # what comes next would carry all these bindings along


def resent(lab, count):
    rate = fill(lab, count)
    phones = Phones(lab, "resync", "udp", 1000)
    phones.register()
    lab.in_step()
    active = lab.active()
    quiet, _ = p99_of(phones, lambda: time.sleep(QUIET_S))
    log = lab.log(active)
    lab.cut(other(active))
    lose_disk(lab, other(active))
    with Memory(lab.pid(active)) as memory:
        begun = now()

        def resync():
            lab.start(other(active))
            wait_until(lab.paired, PAIRED_S, f"paired, {count} bindings sent")
        busy, during = p99_of(phones, resync)
        took = now() - begun
    # The first is the cut; and a node learns only by reading that its log was trimmed, and begins anew with a snapshot.
    lost = [line for line in log.text().splitlines() if "state=up->down" in line and "reach back" not in line][1:]
    assert not lost, lost
    lab.in_step(60)
    phones.audit()
    table(f"{count} bindings (filled at {rate:.0f} a second) sent anew in {took:.1f} s under {RATE} REGISTER/s; what an answer "
          f"took, ms; {during} answers meanwhile; memory {memory.begin:.0f} MB before, {memory.most:.0f} MB at most",
          ["", "p50", "p90", "p99", "max"],
          [["quiet", *quiet.values()], ["resync", *busy.values()]])
    assert busy["p99"] < STALL_MS, busy
