#!/usr/bin/env python3
"""soak.py - a pair under load for a long time: it fails over, is cut, heals and restarts at random, and
is audited after each.

Usage: tests/e2e/soak.py [--minutes N] [--seed N] [--logs FOLDER]
The first half of the time any fault may come, in the second, which begins with much load on each node, those that
leave both processes alive; what they hold after one quarter of it is held against what they hold after the other,
and their memory against the most that it may ever be. The seed (printed; by default the time) chooses the faults and
how long each lasts. A round: phones refresh, come and go over UDP and TCP; the fault; both nodes are started, if they
do not run; the load ends. Then exactly one node is active and has the address, the pair is paired, both digests are
equal, and everything that was acknowledged since the beginning is there. The last lines are what was counted, and
PASSED or FAILED.
"""
import argparse
import os
import random
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
from lab import NODES, TRIAL_S, Lab, LabError, now, other, wait_until  # noqa: E402
from load import CHURN, REFRESH, Phones, Tally, table  # noqa: E402
from network import Wire, isolated, peer_cut, peer_loss, peer_reset, service_cut  # noqa: E402

WHOLE_S = 40    # from the end of a fault to a whole pair
FILL_S = 180    # for as many entries as fill the windows in memory
EQUAL_S = 5     # from the end of the load to equal digests
BEFORE_S = 0.5  # of load before a fault, and after the pair is whole again
IDLE_S = 10     # connections of clients that vanished are closed after it; so long nothing happens before what
                # the nodes hold is taken, and over so long their processor time
FILL = 80_000   # entries, of some 500 bytes each: more than the 16 MiB that an active keeps of its own; a takeover
                # begins them anew
SLACK = {"descriptors": 1, "threads": 0}  # the report of merges is opened when it is first needed
HELD = ["MB", *SLACK, "CPU ms a second"]
MOST_MB = 48    # what a node's own memory may ever be with so few records: docs/reliability.md counts it up


# --- faults: (lab, active node, dice) ---

def kill_active(lab, active, dice):
    lab.kill(active)
    time.sleep(dice.uniform(0, 1))


def kill_standby(lab, active, dice):
    lab.kill(other(active))
    time.sleep(dice.uniform(0, 1))


def kill_both(lab, active, dice):
    for node in dice.sample(NODES, 2):
        lab.kill(node)
        time.sleep(dice.choice([0, 0.1]))


def kill_one_then_the_other(lab, active, dice):
    """A failover during a failover: the second dies while the first comes back."""
    lab.kill(active)
    wait_until(lambda: lab.role(other(active)) == "active", 10, "taken over")
    lab.start_daemon(active)
    time.sleep(dice.uniform(0, 0.5))
    lab.kill(other(active))


def stop_active(lab, active, dice):
    lab.stop_daemon(active)


def stop_standby(lab, active, dice):
    lab.stop_daemon(other(active))
    time.sleep(dice.uniform(0, 1))


def lose_active_host(lab, active, dice):
    lab.cut(active)
    time.sleep(dice.uniform(0, 1))


def lose_standby_host(lab, active, dice):
    lab.cut(other(active))
    time.sleep(dice.uniform(0, 1))


def kill_keepalived(lab, active, dice):
    for name in ("keepalived", "vrrp"):
        os.kill(lab.pid(active, name), signal.SIGKILL)
    time.sleep(1.5)


def switchover(lab, active, dice):
    lab.switchover()


def hang_host(lab, active, dice):
    lab.signal_host(active, signal.SIGSTOP)
    try:
        time.sleep(dice.uniform(0.2, 3))
    finally:
        lab.signal_host(active, signal.SIGCONT)


def hang_standby(lab, active, dice):
    """Too short for its watchdog."""
    pid = lab.pid(other(active))
    os.kill(pid, signal.SIGSTOP)
    time.sleep(dice.uniform(0.1, 0.6))
    os.kill(pid, signal.SIGCONT)


def hang_for_good(lab, active, dice):
    """The watchdog ends it."""
    node = dice.choice(NODES)
    pid = lab.pid(node)
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), 5, f"{node} is ended")


def within(fault, seconds):
    def act(lab, active, dice):
        with fault(lab, active, dice):
            time.sleep(dice.uniform(0.2, seconds))
    return act


class bad_cable:
    def __init__(self, lab, active, dice):
        self.wire = Wire(lab)
        self.faults = {"loss": dice.choice([0, 5, 20]), "delay": dice.choice([0, 30, 150]),
                       "jitter": dice.choice([0, 20]), "dup": dice.choice([0, 20])}

    def __enter__(self):
        self.wire.__enter__()
        self.wire.set(**self.faults)

    def __exit__(self, *why):
        self.wire.__exit__(*why)


RESTARTS = {
    "kill -9 of the active": kill_active,
    "kill -9 of the standby": kill_standby,
    "kill -9 of both": kill_both,
    "kill -9 of one, then of the other": kill_one_then_the_other,
    "hang of one for good": hang_for_good,
    "stop of the active": stop_active,
    "stop of the standby": stop_standby,
    "loss of the active host": lose_active_host,
    "loss of the standby host": lose_standby_host,
}
GENTLE = {
    "switchover": switchover,
    "kill -9 of keepalived": kill_keepalived,
    "hang of the active host": hang_host,
    "hang of the standby": hang_standby,
    "split brain": within(lambda lab, active, dice: isolated(lab), 3),
    "cut of the peer link": within(lambda lab, active, dice: peer_cut(lab), 4),
    "loss on the peer link": within(lambda lab, active, dice: peer_loss(lab, dice.choice([5, 20, 50])), 3),
    "resets of the peer link": within(lambda lab, active, dice: peer_reset(lab), 1),
    "bad cable": within(bad_cable, 3),
    "cut of the service network": within(lambda lab, active, dice: service_cut(lab, active), 2),
}


# --- what a process holds ---

def held(pid):
    proc = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
    # Its own memory. What is mapped of the store's files is the page cache's, and grows with them.
    return {"MB": int(status["RssAnon"].split()[0]) / 1000, "descriptors": len(list((proc / "fd").iterdir())),
            "threads": int(status["Threads"])}


def cpu_ms(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def held_in_quiet(lab):
    """What each daemon holds when nothing has been asked of it for a while; with the processor time that it
    takes in a second then: timers that leaked would show."""
    time.sleep(IDLE_S)
    pids = {node: lab.pid(node) for node in NODES}
    before = {node: cpu_ms(pid) for node, pid in pids.items()}
    time.sleep(IDLE_S)
    return {node: {"pid": pid, **held(pid), "CPU ms a second": (cpu_ms(pid) - before[node]) / IDLE_S}
            for node, pid in pids.items()}


def grown(before, after):
    """What grew beyond its slack, in words. Both processes are the ones they were."""
    assert all(before[node]["pid"] == after[node]["pid"] for node in NODES), (before, after)
    wrong = [f"{node}: {what} {before[node][what]:.0f} -> {after[node][what]:.0f}"
             for node in NODES for what, slack in SLACK.items() if after[node][what] > before[node][what] + slack]
    return wrong + [f"{node}: {after[node]['MB']:.0f} MB" for node in NODES if after[node]["MB"] > MOST_MB]


# --- rounds ---

class Soak:
    def __init__(self, lab, seed):
        self.lab = lab
        self.dice = random.Random(seed)
        self.tally = Tally()
        self.faults = {}
        self.slowest = {}
        self.lives = set()
        self.round = 0
        self.phones = [(Phones(lab, "soaku", "udp", 300), REFRESH, 100), (Phones(lab, "soakt", "tcp", 200), REFRESH, 60),
                       (Phones(lab, "soakc", "udp", 300), CHURN, 100)]
        for phones, _, _ in self.phones:
            phones.register()

    def run(self, faults, until):
        while now() < until:
            self.round += 1
            name = self.dice.choice(sorted(faults))
            self.one(name, faults[name])

    def one(self, name, fault):
        print(f"round {self.round:4}  {name:34}", end="", flush=True)
        active = self.lab.active()
        for phones, _, _ in self.phones:
            if not phones.unchallenged():
                phones.register()
        loads = [phones.start(how, rate) for phones, how, rate in self.phones]
        time.sleep(BEFORE_S)
        fault(self.lab, active, self.dice)
        over = now()
        whole_s = self.make_whole() - over
        time.sleep(BEFORE_S)
        acknowledged = 0
        for (phones, _, _), load in zip(self.phones, loads):
            result = phones.end(load)
            if result["other"] or result["malformed"]:
                raise LabError(f"refused: {result}")
            self.tally.load(result)
            acknowledged += result["ok"]
        self.lab.in_step(EQUAL_S + TRIAL_S)
        self.tally.audit([phones for phones, _, _ in self.phones])
        self.faults[name] = self.faults.get(name, 0) + 1
        self.slowest[name] = max(whole_s, self.slowest.get(name, 0))
        print(f"  {active} -> {self.lab.active()}  whole after {whole_s:4.1f} s, {acknowledged:5} acknowledged, none lost; "
              f"{self.sizes()}", flush=True)

    def fill_the_windows(self):
        """Most of the memory that a node takes sooner or later, taken now: what leaks then goes beyond the most."""
        for _ in NODES:
            self.lab.switchover()
            active = self.lab.active()
            end = self.lab.status(active)["seq"] + FILL
            loads = [phones.start(how, 10 * rate) for phones, how, rate in self.phones]
            wait_until(lambda: self.lab.status(active)["seq"] >= end, FILL_S, f"{FILL} entries", every=0.5)
            for (phones, _, _), load in zip(self.phones, loads):
                self.tally.load(phones.end(load))
            self.lab.in_step(EQUAL_S + TRIAL_S)

    def sizes(self):
        pids = {node: self.lab.pid(node) for node in NODES}
        self.lives.update(pids.values())
        return ", ".join(f"{node} " + " ".join(f"{n:.0f} {what}" for what, n in held(pid).items())
                         for node, pid in pids.items())

    def make_whole(self):
        """Both run, one is active and has the address, the other is its standby: when that was so."""
        starts = [self.lab.start_begin(node) for node in NODES]
        wait_until(self.is_whole, WHOLE_S, "the pair is whole")
        whole = now()
        for start in starts:
            said = start.communicate(timeout=WHOLE_S)[0]
            if start.returncode != 0:
                raise LabError(f"ha/pair start: {said}")
        return whole

    def is_whole(self):
        active = self.lab.active()
        return active and self.lab.paired() and self.lab.has_address(active) and \
            not self.lab.has_address(other(active))

    def report(self, before, after):
        table("faults", ["", "times", "slowest to a whole pair, s"],
              [[name, str(times), self.slowest[name]] for name, times in sorted(self.faults.items())])
        table("what the last two daemons hold in quiet, before and after the last quarter",
              ["node", *HELD],
              [[node, *(f"{before[node][what]:.0f} -> {after[node][what]:.0f}" for what in HELD)] for node in NODES])
        print(f"    {self.round} rounds, {len(self.lives)} lives of a daemon: {self.tally}")


def processes(lab):
    return {node: len(lab.run("ip", "netns", "pids", lab.namespace(node)).stdout.split()) for node in NODES}


def soak(lab, minutes, seed):
    lab.up()
    lab.heal()
    lab.reconfigure("\ndomains:\n", f"\nlimits: {{tcp_idle: {IDLE_S} s}}\ndomains:\n")
    before = processes(lab)
    work = Soak(lab, seed)
    begun = now()
    work.run({**RESTARTS, **GENTLE}, begun + minutes * 30)
    work.fill_the_windows()
    work.run(GENTLE, begun + minutes * 45)
    quiet = held_in_quiet(lab)
    work.run(GENTLE, begun + minutes * 60)
    quiet_again = held_in_quiet(lab)
    work.report(quiet, quiet_again)
    wrong = grown(quiet, quiet_again)
    if processes(lab) != before:
        wrong.append(f"processes on the hosts: {before} before, {processes(lab)} now")
    if wrong:
        raise LabError("grown: " + "; ".join(wrong))


def keep_logs(lab, folder):
    for node, logs in lab.logs().items():
        for log in logs:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(log, folder / f"{node}-{log.name}")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=10)
    options.add_argument("--seed", type=int, default=int(time.time()))
    options.add_argument("--logs", type=Path)
    chosen = options.parse_args()
    lab = Lab()
    failed = True
    with lab.alone():
        print(f"soak: {chosen.minutes:g} minutes, --seed {chosen.seed}", flush=True)
        lab.down()
        try:
            soak(lab, chosen.minutes, chosen.seed)
            failed = False
        except Exception:  # whatever is raised is a failure
            print("\n    " + traceback.format_exc().replace("\n", "\n    "))
            for node in NODES:
                print(f"    {node} said last: {lab.logs()[node][-1].read_text().splitlines()[-1:]}; status {lab.status(node)}")
            if chosen.logs:
                keep_logs(lab, chosen.logs)
        finally:
            lab.down()
    print(f"{'FAILED' if failed else 'PASSED'}  (--seed {chosen.seed})")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
