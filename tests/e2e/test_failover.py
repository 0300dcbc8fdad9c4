"""test_failover.py - kill -9: what was acknowledged is on the other node, and nonces stay good."""
import os
import resource
import signal
import statistics
import time
from pathlib import Path

from lab import NODES, now, other, wait_until
from load import CHURN, FRESH, REFRESH, Phones, Tally

USERS = 1000  # over each transport
CHURNERS = 300
IMPORTED = 200_000  # subscribers
RATE = 200    # REGISTERs a second of each kind of phones


def end_under_load(lab, phones, hows, end, tally):
    """Ends the active node while all phones are at work; they stop a while after the takeover."""
    victim = lab.active()
    loads = [each.start(how, RATE) for each, how in zip(phones, hows)]
    time.sleep(1.5)
    end(victim)
    wait_until(lambda: lab.role(other(victim)) == "active", 5, f"{other(victim)} is active")
    time.sleep(1.0)
    results = [each.end(load) for each, load in zip(phones, loads)]
    for result in results:
        assert not result["other"], f"refused: {result}"
        tally.load(result)
    return victim, [result["gap"]["longest_ms"] for result in results]


def kill_in_rounds(lab, name, rounds):
    """Two thousand phones that refresh or come anew, some that come and go; the active node is killed, the
    other audited, the dead one started; so often."""
    phones = [Phones(lab, f"{name}u", "udp", USERS), Phones(lab, f"{name}t", "tcp", USERS),
              Phones(lab, f"{name}c", "udp", CHURNERS)]
    tally = Tally()
    waits = []
    for number in range(rounds):
        for each in phones:
            each.register()
        hows = (REFRESH, FRESH, CHURN) if number % 2 == 0 else (FRESH, REFRESH, CHURN)
        victim, longest = end_under_load(lab, phones, hows, lab.kill, tally)
        tally.add(kills=1)
        waits.append(longest[0])
        tally.audit(phones)
        lab.start(victim)
        lab.until_paired(f"round {number + 1}: paired again")
        if number % 10 == 9:
            print(f"    after {number + 1} rounds: {tally}", flush=True)
    print(f"    commit {lab.status(lab.active())['commit']}: {tally}; the longest wait for an answer over UDP: median "
          f"{statistics.median(waits):.0f} ms, worst {max(waits):.0f} ms", flush=True)


def test_every_acknowledged_register_is_on_the_new_active_node(lab):
    """T1, I1, I3, I8, A15, X01: 2,300 phones, 600 REGISTER/s, refreshes, fresh ones and removals, rounds in
    a row; answers wait for the own disk and the standby's memory."""
    kill_in_rounds(lab, "both", lab.rounds)


def test_a_crash_is_no_worse_than_a_kill(lab):
    """X06: a wrong address, and an assertion that does not hold."""
    phones = [Phones(lab, "crashu", "udp", 300), Phones(lab, "crasht", "tcp", 300)]
    tally = Tally()
    for number in (signal.SIGSEGV, signal.SIGABRT):
        for each in phones:
            each.register()
        victim, _ = end_under_load(lab, phones, (REFRESH, FRESH), lambda node: os.kill(lab.pid(node), number), tally)
        tally.audit(phones)
        lab.start(victim)
        lab.until_paired("paired again")
    print(f"    {tally}")


def test_a_node_that_gets_no_memory_ends_and_the_other_serves(lab):
    """X07: it is not allowed a megabyte more than it has, while an operator imports many subscribers."""
    phones = [Phones(lab, "memory", "udp", 300)]
    phones[0].register()
    table = lab.users_table(IMPORTED, 5_000_000)
    tally = Tally()

    def starve(node):
        pid = lab.pid(node)
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + (1 << 20)
        resource.prlimit(pid, resource.RLIMIT_AS, (limit, limit))

        def ended():  # or only dropped who imported: libevent, too, may be who gets none
            assert lab.ctl_run(node, "subscriber", "import", str(table)).returncode != 0
            return not Path(f"/proc/{pid}").exists()
        wait_until(ended, 30, f"{node} ended")

    victim, _ = end_under_load(lab, phones, (REFRESH,), starve, tally)
    tally.audit(phones)
    lab.start(victim)
    lab.in_step()
    print(f"    {tally}")


def test_a_host_loss_loses_no_acknowledged_register(lab):
    """I1, I3: the link is down at once, no goodbye, no reset of a connection."""
    phones = [Phones(lab, "cutu", "udp", USERS), Phones(lab, "cutt", "tcp", USERS)]
    for each in phones:
        each.register()
    end_under_load(lab, phones, (REFRESH, REFRESH), lab.cut, Tally())
    for each in phones:
        each.audit()


def test_commit_peer_loses_nothing_when_the_active_node_is_killed(lab):
    """T1, I1, A9, X01: the same where answers wait for the standby's memory alone."""
    with lab.configured("commit: both", "commit: peer"):
        assert lab.status(lab.active())["commit"] == "peer"
        kill_in_rounds(lab, "peer", lab.rounds)


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


def test_the_new_active_node_dies_while_the_old_one_returns(lab):
    """X14, I1: a failover during a failover, at several moments of the return; then both are there again."""
    phones = [Phones(lab, "chain", "udp", 300), Phones(lab, "chainc", "udp", 300)]
    tally = Tally()
    for delay in (0, 0.1, 0.3):
        for each in phones:
            each.register()
        loads = [each.start(how, RATE) for each, how in zip(phones, (REFRESH, CHURN))]
        time.sleep(0.5)
        first = lab.active()
        lab.kill(first)
        wait_until(lambda: lab.role(other(first)) == "active", 5, f"{other(first)} is active")
        lab.start_daemon(first)
        time.sleep(delay)
        lab.kill(other(first))
        starts = [lab.start_begin(node) for node in NODES]
        lab.until_paired(f"paired after {delay} s between")
        time.sleep(0.5)
        for each, load in zip(phones, loads):
            tally.load(each.end(load))
        for start in starts:
            assert start.wait(20) == 0, start.stdout.read()
        lab.in_step()
        tally.audit(phones)
    print(f"    {tally}")


def test_both_nodes_killed_at_once_lose_nothing(lab):
    """I1, X03: kill -9 of both under load; what was acknowledged is there after both start."""
    phones = Phones(lab, "atonce", "udp", 500)
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
