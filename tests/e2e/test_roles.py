"""test_roles.py - who is active, when something else than regpaird fails."""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from lab import NODES, alone, ms, now, other, wait_until
from load import REFRESH, Phones


def sole_active(lab, node):
    return lab.role(node) == "active" and lab.has_address(node) and not lab.has_address(other(node)) and \
        lab.role(other(node)) == "standby"


def journal(lab, node):
    return lab.ctl(node, "history", "--store", str(lab.folder / node / "store"))


def hang(lab, phones):
    """Everything on the active host stops for two seconds under load, and goes on."""
    hung = lab.active()
    load = phones.start(REFRESH, 200)
    time.sleep(0.5)
    lab.signal_host(hung, signal.SIGSTOP)
    try:
        wait_until(lambda: lab.role(other(hung)) == "active", 5, f"{other(hung)} takes over")
        time.sleep(1.5)
    finally:
        lab.signal_host(hung, signal.SIGCONT)
    wait_until(lambda: any(sole_active(lab, node) for node in NODES), 20, "one node is active, one standby")
    time.sleep(0.5)
    result = phones.end(load)
    assert not result["other"] and not result["timeouts"], result


def test_a_host_that_hung_loses_nothing_of_what_the_other_acknowledged(lab):
    """T2, X04, A14, I1: whoever has the address in the end, there is one history."""
    phones = Phones(lab, "hung", "udp", 400)
    for _ in range(lab.rounds):
        phones.register()
        hang(lab, phones)
        lab.in_step()
        phones.audit()


def test_a_daemon_that_hung_for_a_moment_goes_on_as_it_was(lab):
    """T2, X04: shorter than anybody waits; in doubt, it asks the peer before it answers."""
    phones = Phones(lab, "moment", "udp", 300)
    phones.register()
    active = lab.active()
    load = phones.start(REFRESH, 200)
    time.sleep(0.5)
    lab.pause(active)
    time.sleep(0.5)
    lab.resume(active)
    time.sleep(1.5)
    result = phones.end(load)
    assert not result["other"] and not result["timeouts"], result
    assert lab.active() == active
    lab.until_paired("paired")
    phones.audit()


def kill_keepalived(lab, node):
    for name in ("keepalived", "vrrp"):  # the parent first: a child alone would be started again
        os.kill(lab.pid(node, name), signal.SIGKILL)


def test_the_death_of_keepalived_moves_the_address(lab):
    """A15, A13: the supervisor takes the address away, or two nodes would own it; the daemon steps down within a
    second, and both journals say why."""
    phones = Phones(lab, "vrrp", "udp", 300)
    phones.register()
    old = lab.active()
    log = lab.log(old)
    moment = now()
    kill_keepalived(lab, old)
    wait_until(lambda: sole_active(lab, other(old)), 5, f"{other(old)} is active and alone with the address")
    stepped_down = log.time("role=active->stepping-down")
    assert stepped_down - moment < 1, ms(moment, stepped_down)
    print(f"    stepping down {ms(moment, stepped_down):.0f} ms after keepalived was killed")
    phones.audit()
    lab.until_paired("paired: the daemon was not at fault")
    assert [line["why"] for line in journal(lab, old) if line["to"] == "stepping-down"][-1] in \
        ("keepalived is gone", "address went")
    assert [line["why"] for line in journal(lab, other(old)) if line["to"] == "active"][-1] == "address"


def has_open(pid, path):
    """The process has this very file open, not one that had its name before."""
    wanted = path.stat()
    for held in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if os.path.samestat(held.stat(), wanted):
                return True
        except OSError:
            pass
    return False


def test_a_lost_fifo_is_missed_by_nobody(lab):
    """A13: netlink tells where the address is; a keepalived that is started anew makes another FIFO."""
    old = lab.active()
    for node in NODES:
        (lab.folder / node / "run" / "vrrp.fifo").unlink()
    lab.kill(old)
    wait_until(lambda: lab.role(other(old)) == "active", 5, f"{other(old)} is active without any FIFO")
    lab.heal()
    node = lab.active()
    fifo = lab.folder / node / "run" / "vrrp.fifo"
    kill_keepalived(lab, node)
    wait_until(fifo.exists, 10, "there is a FIFO again")
    wait_until(lambda: has_open(lab.pid(node), fifo), 10, "regpaird reads it")
    lab.until_paired("paired")


@alone
def test_a_busy_machine_moves_nothing(lab):
    """X17, A15: many more processes than processors, all at work; neither VRRP nor the watchdog takes that for a
    failure."""
    phones = Phones(lab, "busy", "udp", 300)
    phones.register()
    active = lab.active()
    pids = [lab.pid(node) for node in NODES]
    exposed = lab.status(active)["exposed_times"]
    load = phones.start(REFRESH, 200)
    loops = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(4 * os.cpu_count())]
    try:
        time.sleep(5)
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
    result = phones.end(load)
    assert not result["other"] and not result["timeouts"], result
    assert lab.active() == active and [lab.pid(node) for node in NODES] == pids
    print(f"    {len(loops)} busy loops for 5 s: {result['ok']} answers, longest gap {result['gap']['longest_ms']:.0f} ms, "
          f"exposed {lab.status(active)['exposed_times'] - exposed} times, no change of roles")
    lab.until_paired("paired")
    phones.audit()


@contextlib.contextmanager
def changed(lab, node, path, old, new, empty=False):
    """One node is started with another text in one of its files, and with an empty store if asked; at the end as
    it was."""
    text = path.read_text()
    assert old in text, f"{path} does not hold {old!r}"
    store, kept = (lab.folder / node / name for name in ("store", "store.kept"))
    lab.stop_daemon(node)
    path.write_text(text.replace(old, new, 1))
    if empty:
        store.rename(kept)
        store.mkdir()
    # The supervisor may not have noticed yet that its child has ended: hence again.
    wait_until(lambda: lab.status(node) or lab.start_daemon(node), 10, f"{node} answers", every=0.2)
    try:
        yield
    finally:
        lab.stop_daemon(node)
        path.write_text(text)
        if empty:
            shutil.rmtree(store)
            kept.rename(store)
        lab.start(node)


def test_a_peer_of_another_pair_is_refused_and_both_say_why(lab):
    """A11: in the status, in the log and in the journal; the active goes on."""
    active = lab.active()
    stranger = other(active)
    path = lab.folder / stranger / "pair" / "pair"
    digit = re.search(r"^cluster +(\S)", path.read_text(), re.M)
    before = digit.group(0)
    after = before[:-1] + ("1" if digit.group(1) == "0" else "0")
    log = lab.log(active)
    with changed(lab, stranger, path, before, after, empty=True):  # its store belongs to the pair, too
        for node in NODES:
            wait_until(lambda: "another pair" in lab.status(node)["peer_refused"], 10, f"{node} says why")
        assert lab.role(active) == "active" and lab.status(stranger)["role"] == "init"
        log.wait("level=error link=peer refused.*another pair")
        for node in NODES:
            wait_until(lambda: any("another pair" in line["why"] for line in journal(lab, node)), 5, f"{node} keeps it")
    lab.until_paired("paired again")
    for node in NODES:
        assert not lab.status(node)["peer_refused"], "it is over"


def test_configurations_that_differ_are_told(lab):
    """A11, I15: the pair goes on, and both nodes say so."""
    node = other(lab.active())
    log = lab.log(lab.active())
    with changed(lab, node, lab.folder / node / "regpair.yaml", "max_expires: 1 h", "max_expires: 2 h"):
        lab.until_paired("paired nevertheless")
        for each in NODES:
            assert lab.status(each)["config_differs"], each
        log.wait("level=warn config=same->differs")
    lab.until_paired("paired again")
    for each in NODES:
        wait_until(lambda: lab.status(each).get("config_differs") is False, 5, f"{each} finds them equal")


def test_a_node_that_starts_alone_waits_for_its_peer_until_told_otherwise(lab):
    """A17: the other may know more; `takeover` ends the wait."""
    phones = Phones(lab, "cold", "udp", 300)
    phones.register()
    last = lab.active()
    alone = other(last)
    for node in (alone, last):
        lab.cut(node)
    starting = lab.start_begin(alone)
    wait_until(lambda: lab.status(alone), 10, f"{alone} answers")
    time.sleep(2)
    assert lab.role(alone) == "init", lab.status(alone)
    assert not lab.has_address(alone)
    lab.ctl(alone, "takeover")
    wait_until(lambda: lab.role(alone) == "active", 5, f"{alone} is active")
    assert starting.wait(10) == 0, starting.stdout.read()
    phones.audit()
    lab.start(last)
    lab.in_step()
    assert lab.active() == alone
    phones.audit()
