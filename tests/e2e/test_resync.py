"""test_resync.py - a standby with an empty disk is filled while phones register: nobody waits for it, and
whatever happens in the middle, half of it is never served."""
import contextlib
import shutil
import time

from lab import now, other, wait_until
from load import REFRESH, STALL_MS, Phones, Tally, expect_whole, table
from network import rules

SUBSCRIBERS = 60_000
FIRST = 200_000           # beyond the numbers that Phones take
RATE = 2 << 20            # bytes a second: what takes some seconds can be hit in the middle
LOG_ENTRIES = 1000        # the log does not reach back to them
BULK_PORT = 7061
RESYNC_S = 60
ACTIVE_GROWS_MIB = 64     # the most that a resync may take of the active's memory


def rss_mib(lab, node):
    """The node's own memory; what it maps of its store is the kernel's cache."""
    with open(f"/proc/{lab.pid(node)}/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) / 1024


@contextlib.contextmanager
def filled(lab):
    """Many subscribers, a standby, phones at work; the resync takes its time."""
    port, store = "bulk_port: 7061,", "max_size: 4 GiB}"
    trimmed = store.replace("}", f", log_entries: {LOG_ENTRIES}, checkpoint_interval: 200 ms}}")
    lab.add_users(SUBSCRIBERS, FIRST)
    with lab.configured(store, trimmed), lab.configured(port, f"{port} bulk_rate: {RATE >> 10} KiB,"):
        phones = Phones(lab, "resync", "udp", 300)
        phones.register()
        yield lab.active(), phones


def start_again(lab, node):
    """After a kill: asked until the supervisor, which has seen the end of the one before, does it."""
    pid_file = lab.folder / node / "run" / "regpaird.pid"
    wait_until(lambda: not pid_file.exists(), 5, f"the end of regpaird on {node} is seen")
    wait_until(lambda: lab.start_daemon(node) or pid_file.exists(), 5, f"regpaird on {node} is started", every=0.1)


def start_empty(lab, standby):
    """What it had is gone with its disk."""
    lab.kill(standby)
    wait_until(lambda: lab.status(other(standby)).get("pair_state") == "exposed", 5, "exposed")
    shutil.rmtree(lab.folder / standby / "store")
    start_again(lab, standby)


class Resync:
    """What both nodes said while the standby was filled, from when it was started with nothing."""

    def __init__(self, lab, active):
        self.lab, self.active, self.standby = lab, active, other(active)
        self.before = rss_mib(lab, active)
        self.sent_before = lab.status(active)["snapshots_sent"]
        start_empty(lab, self.standby)
        self.logs = {node: lab.log(node) for node in (active, self.standby)}
        self.left, self.memory = [], {active: [], self.standby: []}
        self.begun = now()

    def look(self):
        said = self.lab.status(self.active)
        assert said.get("role") == "active", f"{self.active} is no longer active: {said.get('role_why')}"
        if said.get("resync_left") or self.left:
            self.left.append(said["resync_left"])
        for node, sizes in self.memory.items():
            with contextlib.suppress(OSError, ValueError, StopIteration):  # while it starts
                sizes.append(rss_mib(self.lab, node))
        return said

    def until(self, true, what):
        return wait_until(lambda: true(self.look()), RESYNC_S, what, every=0.05)

    def until_half(self):
        self.until(lambda said: 0 < said["resync_left"] < SUBSCRIBERS * 0.6, "half of it is there")
        return self.left[-1]

    def until_paired(self):
        self.until(lambda said: said["pair_state"] == "paired" and said["resync_left"] == 0, "paired")

    def no_link_lost(self):
        """Heartbeats were in time, on both sides."""
        for log in self.logs.values():
            late = log.line(r"link=peer.*(silence|silent|state=up->down)")
            assert not late, late

    def row(self, name):
        at_most = {node: max(sizes) for node, sizes in self.memory.items()}
        return [name, f"{max(self.left)}", f"{len(set(self.left))}", f"{now() - self.begun:.1f}", self.before,
                at_most[self.active], rss_mib(self.lab, self.active), at_most[self.standby],
                rss_mib(self.lab, self.standby)]


HEAD = ["", "left at first", "steps seen", "s", "active MiB before", "most", "after", "standby MiB most", "after"]


def test_an_empty_standby_is_filled_while_phones_register(lab):
    """A7, T7: progress goes to zero, heartbeats are in time, memory is bounded, answers do not wait."""
    with filled(lab) as (active, phones):
        load = phones.start(REFRESH, 200)
        time.sleep(0.5)
        resync = Resync(lab, active)
        resync.until_paired()
        row = resync.row("filled")
        exposed = lab.status(active)["exposed_times"]
        result = phones.end(load)
        expect_whole(result)
        lab.in_step()
        assert lab.status(active)["exposed_times"] == exposed
        resync.no_link_lost()
        assert len(set(resync.left)) >= 5 and max(resync.left) > SUBSCRIBERS / 2, resync.left
        assert sorted(resync.left, reverse=True)[0] >= resync.left[-1] == 0
        assert max(resync.memory[active]) - resync.before < ACTIVE_GROWS_MIB, resync.memory
        assert result["gap"]["longest_ms"] < STALL_MS, result["gap"]
        table(f"a standby filled at {RATE >> 20} MiB/s under load, longest wait for an answer "
              f"{result['gap']['longest_ms']:.0f} ms", HEAD, [row])
        phones.audit()


def test_a_cut_of_the_bulk_connection_starts_nothing_over(lab):
    """X13: it is cut in the middle and goes on from there; the live connection notices nothing."""
    with filled(lab) as (active, phones):
        resync = Resync(lab, active)
        left = resync.until_half()
        ports = (f"tcp {way}port {BULK_PORT} drop" for way in "sd")
        with rules(lab, "a", *ports):
            resync.logs[active].wait("resync=paused", 15)
        resync.left.clear()
        resync.until_paired()
        assert max(resync.left) <= left, f"{left} were left at the cut, then {max(resync.left)}"
        assert lab.status(active)["snapshots_sent"] == resync.sent_before + 1
        resync.no_link_lost()
        lab.in_step()
        table("the bulk connection cut in the middle", HEAD, [resync.row("from the cut")])


def test_a_standby_killed_in_the_middle_starts_over_and_ends_equal(lab):
    """X13: what it had received is no state that anybody is served from."""
    tally = Tally()
    with filled(lab) as (active, phones):
        resync = Resync(lab, active)
        resync.until_half()
        assert lab.role(resync.standby) in ("init", "syncing")
        lab.kill(resync.standby)
        start_again(lab, resync.standby)
        resync.left.clear()
        resync.until_paired()
        assert max(resync.left) > SUBSCRIBERS * 0.8, f"it did not start over: {max(resync.left)}"
        lab.in_step()
        table("the standby killed in the middle", HEAD, [resync.row("started over")])
        lab.kill(active)
        wait_until(lambda: lab.role(resync.standby) == "active", 5, f"{resync.standby} is active")
        tally.audit([phones])
        print(f"    on the one that was filled: {tally}")
