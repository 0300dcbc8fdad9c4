"""test_clock.py - the wall clock of a host is wrong by an hour, either way, and jumps: lifetimes go on by
the pair's own time. libfaketime moves CLOCK_REALTIME alone; the clocks that count up stay true."""
import time
from pathlib import Path

from lab import NODES, Skip, now, other, wait_until
from load import Phones, Tally

LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
HOUR_S = 3600
BRIEF_S = 12
CACHE_S = 1   # how long libfaketime goes by what the file said


class Clocks:
    """Both nodes under libfaketime inside the context, their wall clocks right until they are set."""

    def __init__(self, lab):
        if not LIBRARY.exists():
            raise Skip(f"{LIBRARY} is not installed (libfaketime)")
        self.lab = lab
        self.daemon = lab.environment["REGPAIR_DAEMON"]

    def __enter__(self):
        for node in NODES:
            self.write(node, 0)
            program = self.lab.folder / f"regpaird-{node}"
            program.write_text(
                f"#!/bin/sh\nexec env LD_PRELOAD={LIBRARY} FAKETIME_TIMESTAMP_FILE={self.file(node)} "
                f"FAKETIME_CACHE_DURATION={CACHE_S} FAKETIME_DONT_FAKE_MONOTONIC=1 {self.daemon} \"$@\"\n")
            program.chmod(0o755)
            self.boot(node, program)
        return self

    def __exit__(self, *why):
        for node in NODES:
            self.boot(node, self.daemon)

    def boot(self, node, program):
        self.lab.environment["REGPAIR_DAEMON"] = str(program)
        try:
            self.lab.cut(node)
            self.lab.start(node)
        finally:
            self.lab.environment["REGPAIR_DAEMON"] = self.daemon
        self.lab.until_paired(f"paired after {node} was booted")

    def file(self, node):
        return self.lab.folder / f"{node}.clock"

    def write(self, node, seconds):
        new = self.file(node).with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.rename(self.file(node))

    def set(self, node, seconds):
        """The node's wall clock is `seconds` from now on ahead of the true time; the node has seen it."""
        self.write(node, seconds)
        wait_until(lambda: abs(self.lab.status(node)["clock_offset_ms"] / 1000 - seconds) < 10, 5 * CACHE_S,
                   f"{node} says that its clock is {seconds} s off")


def take_over(lab, old):
    lab.kill(old)
    wait_until(lambda: lab.role(other(old)) == "active", 5, f"{other(old)} is active")


def come_back(lab, node):
    lab.start(node)
    lab.in_step()


def test_a_clock_that_jumps_by_an_hour_expires_nothing_and_brings_nothing_back(lab):
    """T5, A4, I7, X12: on the active node and on the standby, ahead and back, before and after takeovers and
    restarts. What was granted an hour stays, what was granted some seconds goes when they are over."""
    with lab.configured("min_expires: 30 s", f"min_expires: {BRIEF_S} s"), Clocks(lab) as clocks:
        long, brief = Phones(lab, "hour", "udp", 200), Phones(lab, "brief", "udp", 200, expires=BRIEF_S)
        gone = Phones(lab, "gone", "udp", 100)
        tally = Tally()
        everyone = [long, brief, gone]
        for each in everyone:
            each.register()
        begun = now()
        gone.remove()
        for ahead in (HOUR_S, -HOUR_S):
            first = lab.active()
            clocks.set(first, ahead)           # the active node's clock
            tally.audit(everyone)
            take_over(lab, first)              # before the takeover
            tally.audit(everyone)
            come_back(lab, first)              # started with a wrong clock
            take_over(lab, other(first))       # by the node whose clock is wrong
            tally.audit(everyone)
            come_back(lab, other(first))
            clocks.set(first, 0)               # after the takeover
            tally.audit(everyone)
            tally.add(steps=2, takeovers=2)
        spent = now() - begun
        time.sleep(max(0.0, begun + BRIEF_S + 2 - now()))
        tally.audit(everyone)
        take_over(lab, lab.active())
        tally.audit(everyone)
        print(f"    {spent:.0f} s of steps and takeovers, then all that was brief is over: {tally}")
        lab.heal()
