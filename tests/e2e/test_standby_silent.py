"""test_standby_silent.py - who is not active sends no SIP at all: every packet that leaves either host is
captured at its port of the switch while the nodes change places in every way, and held against what the nodes were."""
import re
import subprocess
import sys
import time
from pathlib import Path

import naps
from lab import NODES, boottime_of, now, other, wait_until
from load import CHURN, REFRESH, Phones
from provider import Provider

CAPTURE = Path(__file__).resolve().parent / "capture.py"
# Between a step's log line and its packets, and between the killing of a process and its kernel's last packet.
SLACK_S = 0.02
SENDS = {"active", "stepping-down"}  # stepping-down releases what it decided before


class Capture:
    """What a host sends, until end(): seen at its port of the switch, since a host that is lost loses all its
    processes."""

    def __init__(self, lab, node):
        self.file = lab.folder / f"{node}.capture"
        with open(self.file, "w", encoding="utf-8") as file:
            self.process = lab.popen(sys.executable, CAPTURE, f"p-{node}", host="sw", stdin=subprocess.PIPE, stdout=file)
        wait_until(lambda: self.file.stat().st_size, 5, "the capture is ready")

    def end(self):
        """[(when, what)]; nothing was missed."""
        self.process.stdin.close()
        self.process.wait(10)
        lines = self.file.read_text().splitlines()[1:]
        seen, dropped = re.fullmatch(r"seen (\d+) dropped (\d+)", lines.pop()).groups()
        assert int(seen) > 0 and dropped == "0", f"{seen} packets seen, {dropped} missed"
        return [(float(when), what) for when, what in (line.split(" ", 1) for line in lines)]


class Reigns:
    """When a node was one that may send, by what its log says and by when it was killed."""

    def __init__(self, lab, node):
        self.log = lab.log(node)
        self.spans = [[now(), None]] if lab.role(node) == "active" else []

    def read(self, ends):
        """`ends`: when its process was killed."""
        for line in self.log.text().splitlines():
            change = re.search(r" role=(\S+)->(\S+) ", line)
            if change is None:
                continue
            at, (old, new) = boottime_of(line.split(" ", 1)[0]), change.groups()
            if new in SENDS and old not in SENDS:
                self.spans.append([at, None])
            elif old in SENDS and new not in SENDS:
                self.spans[-1][1] = at
        for span in self.spans:
            if span[1] is None:
                span[1] = next((end for end in ends if end > span[0]), now())
        return self

    def allow(self, moment):
        return any(begin - SLACK_S <= moment <= end + SLACK_S for begin, end in self.spans)


def change_places(lab, ends):
    """A kill, a planned switchover, a stop of the service, a lost host; each node comes back."""
    for end_active in (lab.kill, lambda _: lab.switchover(), lab.stop_daemon, lab.cut):
        old = lab.active()
        moment = end_active(old)
        if end_active in (lab.kill, lab.cut):
            ends[old].append(moment)
        wait_until(lambda: lab.role(other(old)) == "active", 5, f"{other(old)} is active")
        time.sleep(0.5)
        lab.start(old)
        lab.until_paired("paired")


def test_the_standby_sends_no_sip(lab):
    """T15, A5, C46: under load, with expiring bindings and NAPs, and over four changes of roles."""
    with Provider(lab) as provider, naps.configured(lab, naps.three(provider)):
        naps.wait_registered(lab, len(naps.THREE), 10)
        hold_against_roles(lab)
        provider.expect_one_client(naps.THREE)


def hold_against_roles(lab):
    phones = [Phones(lab, "loud", "udp", 200, expires=30), Phones(lab, "loudt", "tcp", 200),
              Phones(lab, "loudc", "udp", 200)]
    for each in phones:
        each.register()
    reigns = {node: Reigns(lab, node) for node in NODES}
    captures = {node: Capture(lab, node) for node in NODES}
    ends = {node: [] for node in NODES}
    loads = [each.start(how, 100) for each, how in zip(phones, (REFRESH, REFRESH, CHURN))]
    for _ in range(lab.share(3)):
        change_places(lab, ends)
    # Clients that still send to the standby by a stale ARP entry are not answered either.
    lab.talk_to(other(lab.active()))
    try:
        lab.run(*lab.regload_command("--users", "10", "--tries", "2", "--t1", "100"), check=False)
    finally:
        lab.talk_to(None)
    time.sleep(0.5)
    for each, load in zip(phones, loads):
        each.end(load)
    sent, wrong = {}, {}
    for node in NODES:
        packets = captures[node].end()
        may = reigns[node].read(ends[node])
        sent[node] = len(packets)
        wrong[node] = [packet for packet in packets if not may.allow(packet[0])]
        assert len(packets) > 300, f"{node} sent {len(packets)}: the capture sees nothing"
    for each in phones:
        each.audit()
    print(f"    SIP packets sent: a {sent['a']} in {len(reigns['a'].spans)} reigns, b {sent['b']} in "
          f"{len(reigns['b'].spans)}; by a node that was not active: {len(wrong['a']) + len(wrong['b'])}")
    assert not wrong["a"] and not wrong["b"], {node: (wrong[node][:5], reigns[node].spans) for node in NODES}
