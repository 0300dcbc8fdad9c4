"""test_link.py - the peer link fails in all its ways while phones come and go: cut, lossy, slow, reset; the
answers go on, and afterwards both nodes are equal and hold what was acknowledged."""
import os
import re
import signal
import subprocess
import threading
import time

from lab import TRIAL_S, alone, ms, now, other, wait_until
from load import CHURN, NONCE_S, REFRESH, STALL_MS, Phones, Tally, expect_whole, table
from network import Wire, equal_after, peer_cut, peer_loss, peer_reset, service_cut

RATE = 150          # REGISTERs a second of each kind of phones
EQUAL_S = 2         # from the heal to equal digests
TAIL_A_SECOND = 5_000  # entries sent anew, beside the load
SLOW_S = 0.6


class Crowd:
    """Phones that refresh and phones that come and go, at work inside the context."""

    def __init__(self, lab, name, rate=RATE):
        self.lab = lab
        self.rate = rate
        self.phones = [Phones(lab, f"{name}r", "udp", 300), Phones(lab, f"{name}c", "udp", 300)]
        for each in self.phones:
            each.register()
        self.tally = Tally()
        self.results = []

    def __enter__(self):
        self.loads = [each.start(how, self.rate) for each, how in zip(self.phones, (REFRESH, CHURN))]
        time.sleep(0.7)
        return self

    def __exit__(self, kind, *why):
        self.results = [each.end(load) for each, load in zip(self.phones, self.loads)]
        if kind is None:
            for result in self.results:
                expect_whole(result)
                self.tally.load(result)

    def longest(self):
        """The longest time without an answer, ms."""
        return max(result["gap"]["longest_ms"] for result in self.results)

    def latency(self, key):
        return max(result["latency_ms"][key] for result in self.results)

    def audit(self):
        self.tally.audit(self.phones)

    def audit_other(self):
        """On the other node, too: the active one is killed. Then the pair is whole again."""
        victim = self.lab.active()
        self.lab.kill(victim)
        wait_until(lambda: self.lab.role(other(victim)) == "active", 5, f"{other(victim)} is active")
        self.audit()
        self.lab.heal()


def one_active(lab, node):
    assert lab.active() == node, "a fault of the peer link alone moves nothing"
    assert lab.has_address(node) and not lab.has_address(other(node))


def cuts(lab):
    """Seconds; the long ones on request."""
    return [1, 5] if lab.rounds < 10 else [1, 30] if lab.rounds < 100 else [1, 30, 300]


def test_a_cut_of_the_peer_link_is_made_up_by_the_tail_of_the_log(lab):
    """T3, A7, X09: under churn; equal within 2 s of the heal, and no snapshot is needed."""
    crowd = Crowd(lab, "cut")
    rows = []
    for seconds in cuts(lab):
        active = lab.active()
        log, before = lab.log(active), lab.status(active)
        for each in crowd.phones if seconds > NONCE_S / 2 else []:
            each.registered = 0  # its nonces end meanwhile
        with crowd:
            with peer_cut(lab):
                wait_until(lambda: lab.status(active)["pair_state"] == "exposed", 2, "exposed")
                time.sleep(seconds)
                missed = lab.status(active)["seq"] - lab.status(other(active))["seq"]
            healed = now()
            wait_until(lab.paired, EQUAL_S + missed / TAIL_A_SECOND + TRIAL_S, "paired after the heal, under load")
            paired = now()
        equal_after(lab, EQUAL_S)
        one_active(lab, active)
        # A short cut is made up by TCP alone.
        assert seconds < 2 or re.search("resync=tail", log.text()), log.text()
        ways = "the tail" if re.search("resync=tail", log.text()) else "TCP"
        assert lab.status(active)["snapshots_sent"] == before["snapshots_sent"]
        crowd.audit()
        rows.append([str(seconds), str(missed), ways, ms(healed, paired), crowd.longest()])
    crowd.audit_other()
    table(f"peer link cut: {crowd.tally}",
          ["cut s", "entries missed", "made up by", "heal to paired ms", "longest wait ms"], rows)


@alone
def test_a_lossy_or_slow_standby_leaves_the_answers_alone(lab):
    """T8, A9: half of all packets between the nodes are lost, or the standby's daemon reads seldom; what an
    answer takes is measured beside the quiet pair: once it waits for the standby, then no more."""
    crowd = Crowd(lab, "slow")
    active = lab.active()
    rows = []

    def work():
        with crowd:
            time.sleep(2)
        return crowd.latency("p99")

    def measure(name, fault):
        work()
        quiet = crowd.latency("p50"), crowd.latency("p99")
        with fault:
            before = lab.status(active)["exposed_times"]
            first = work()
            work()
            one_active(lab, active)
            exposed = lab.status(active)["exposed_times"] - before
        assert exposed, f"{name}: the pair never went on without its standby"
        rows.append([name, str(exposed), *quiet, first, crowd.latency("p50"), crowd.latency("p99"), crowd.longest()])
        lab.until_paired("paired")
        crowd.audit()

    measure("50 % lost", peer_loss(lab, 50))
    measure("mostly stopped", slowed(lab, other(active)))
    lab.in_step()
    table(f"what an answer takes while the standby is lossy or slow, ms: {crowd.tally}",
          ["standby", "exposed", "quiet p50", "quiet p99", "first p99", "p50", "p99", "longest wait"], rows)
    for *_, first, _, p99, _ in rows:
        assert first < STALL_MS and p99 < STALL_MS, rows


class slowed:
    """The daemon of a node reads for a moment only, then nothing for SLOW_S: its kernel takes what fits
    into its buffers. No longer, or the watchdog ends it."""

    def __init__(self, lab, node):
        self.pid = lab.pid(node)
        self.ended = threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self.slow)
        self.thread.start()

    def __exit__(self, *why):
        self.ended.set()
        self.thread.join()

    def slow(self):
        while not self.ended.wait(0.02):
            os.kill(self.pid, signal.SIGSTOP)
            self.ended.wait(SLOW_S)
            os.kill(self.pid, signal.SIGCONT)


WIRES = [  # every second one in a short run
    ("1 % lost", {"loss": 1}, 1500),
    ("10 % lost", {"loss": 10}, 1500),
    ("30 % lost", {"loss": 30}, 1500),
    ("200 ms late", {"delay": 200}, 1500),
    ("256 kbit/s to b", {"rate1": 256}, 1500),
    ("jitter, reordered", {"delay": 20, "jitter": 20, "reorder": 20}, 1500),
    ("one way cut to b", {"loss1": 100}, 1500),
    ("doubled", {"dup": 30}, 1500),
    ("one way cut to a", {"loss2": 100}, 1500),
    ("MTU 576", {}, 576),
]


def test_a_bad_cable_between_the_nodes_costs_neither_answers_nor_equality(lab):
    """X09: loss, delay, jitter, order, doubles, a small MTU, a slow way, each way cut alone."""
    crowd = Crowd(lab, "wire")
    active = lab.active()
    rows = []
    for name, faults, mtu in WIRES if lab.rounds >= 10 else WIRES[1::2]:
        before = lab.status(active)["exposed_times"]
        with Wire(lab, mtu) as wire:
            wire.set(**faults)
            with crowd:
                time.sleep(1)
            one_active(lab, active)
            exposed = lab.status(active)["exposed_times"] - before
            counts = wire.counts()
        healed = now()
        lab.until_paired(f"paired after: {name}")
        equal_after(lab, EQUAL_S)
        crowd.audit()
        rows.append([name, str(counts["in"]), str(counts["lost"]), str(counts["doubled"]), str(exposed), crowd.latency("p50"),
                     crowd.longest(), ms(healed, now())])
        assert counts["in"] > 50, "the cable carried nothing"
    crowd.audit_other()
    table(f"the peer's connections over a bad cable: {crowd.tally}",
          ["cable", "packets", "lost", "doubled", "exposed", "p50 ms", "longest wait ms", "heal to equal ms"], rows)


def test_a_reset_of_the_peer_link_is_survived_at_any_moment(lab):
    """X09: each packet of the peer's connections is answered by a reset, for moments of growing length:
    while live, while connecting, greeting and resuming."""
    crowd = Crowd(lab, "reset")
    active = lab.active()
    before = lab.status(active)["exposed_times"]
    with crowd:
        for number in range(2 * lab.rounds):
            with peer_reset(lab):
                time.sleep(0.02 * number)
            time.sleep(0.03 * (number % 4))
        lab.until_paired("paired under load")
    equal_after(lab, EQUAL_S)
    one_active(lab, active)
    crowd.audit()
    ends = lab.status(active)["exposed_times"] - before  # the log's lines are rated
    assert ends >= 2, ends
    print(f"    {2 * lab.rounds} resets, the pair was exposed {ends} times, longest wait for an answer "
          f"{crowd.longest():.0f} ms: {crowd.tally}")


def test_an_advert_that_does_not_arrive_moves_nothing_while_the_peer_says_it_is_active(lab):
    """X11, A15: neither clients nor VRRP reach the active node, the peer does. The other takes the address for
    a moment, learns that its peer is active and has it, and gives it up."""
    crowd = Crowd(lab, "advert")
    active = lab.active()
    with service_cut(lab, active):
        time.sleep(3)
        one_active(lab, active)
        assert lab.role(other(active)) == "standby"
    wait_until(lambda: lab.paired() and not lab.has_address(other(active)), 20 + TRIAL_S, "paired, one address")
    one_active(lab, active)
    lab.in_step()
    crowd.audit()
    print(f"    {crowd.tally}")


def test_a_host_that_loses_the_service_network_hands_over_by_the_peer_link(lab):
    """X11, A15: the active host's cable to the clients is out, the peer has another: the address goes, and the
    node follows it."""
    crowd = Crowd(lab, "service")
    active = lab.active()
    port = ["ip", "-n", lab.namespace("sw"), "link", "set", f"p-{active}"]
    with Wire(lab):
        with crowd:
            subprocess.run([*port, "down"], check=True)
            try:
                wait_until(lambda: lab.role(other(active)) == "active", 5, f"{other(active)} is active")
                lab.until_paired("paired by the other cable")
                time.sleep(0.7)
            finally:
                subprocess.run([*port, "up"], check=True)
        time.sleep(1)
        one_active(lab, other(active))
    crowd.audit()
    lab.in_step()
    print(f"    longest wait for an answer {crowd.longest():.0f} ms: {crowd.tally}")
