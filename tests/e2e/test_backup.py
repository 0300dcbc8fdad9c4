"""test_backup.py - a backup made under load brings back a pair that has lost everything, and makes a new one."""
import json
import shutil
import stat
import time

from lab import NODES, UNIT, now, other, wait_until
from load import REFRESH, Phones, Tally

ENDS_S = 30  # min_expires of the pair


def regpairctl(lab, *arguments):
    """On files: without --control it asks no node. What it prints, read; refused: its words."""
    done = lab.ctl_run("a", "--json", *map(str, arguments))
    return json.loads(done.stdout) if done.returncode == 0 and done.stdout else done.stderr


def lose_all(lab):
    for node in NODES:
        lab.cut(node)
    for node in NODES:
        shutil.rmtree(lab.folder / node / "store")
        (lab.folder / node / "store").mkdir()


def restore(lab, backup, node, *more):
    return regpairctl(lab, "restore", backup, "--yes", "--config", lab.folder / node / "regpair.yaml", *more)


def make_new_pair(lab):
    """Another cluster id, secret and CA."""
    made = lab.folder / "another-pair"
    shutil.rmtree(made, ignore_errors=True)
    done = lab.ctl_run("a", "pair", "init", str(made), "--primary", lab.address["a"], "--secondary", lab.address["b"])
    assert done.returncode == 0, done.stderr
    for node in NODES:
        for file in (made / UNIT[node]).iterdir():
            shutil.copy(file, lab.folder / node / "pair")


def back_up_under_load(lab, file, phones):
    """What was acknowledged, and so durable here, before it began is in it."""
    active = lab.active()
    store = lab.folder / active / "store"
    load = phones.start(REFRESH, 500)
    before = lab.status(active)["seq"]
    wait_until(lambda: lab.status(active)["seq"] > before + 50, 10, "the load is logged")
    before = lab.status(active)["durable_seq"]
    made = regpairctl(lab, "backup", file, "--store", store)
    wait_until(lambda: lab.status(active)["seq"] > made["seq"], 10, "the load goes on")
    phones.end(load)
    assert made["seq"] >= before and made["tables"]["aor"]["records"] >= 800
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    verified = regpairctl(lab, "backup", "--verify", file)
    assert verified == made, (verified, made)
    refused = restore(lab, file, active, "--replace")
    assert "stop that one first" in refused, refused  # and nothing has happened:
    assert lab.paired()
    return made


def bring_back(lab, file, made, node):
    """Restored on one node; the other is empty."""
    restored = restore(lab, file, node)
    assert restored["tables"] == made["tables"], restored
    assert "--replace" in restore(lab, file, node)  # something is there now
    checked = lab.ctl_run("a", "check-store", str(lab.folder / node / "store"))
    assert checked.returncode == 0, checked.stdout
    log = lab.log(node)
    lab.up()
    assert lab.active() == node
    assert log.line("state=loaded") and lab.ctl_run(node, "history", "--store", str(
        lab.folder / node / "store")).stdout.count("restored") == 1
    lab.in_step()
    assert lab.status(node)["subscribers"] == made["tables"]["subscriber"]["records"]


def holds(lab, tally, node, kept, busy):
    """One node, and then the other: what lives is there with its lifetime. The AORs bound."""
    for active in (node, other(node)):
        if active != node:
            lab.kill(node)
            wait_until(lambda: lab.role(other(node)) == "active", 5, f"{other(node)} is active")
        tally.audit([kept])
        bound = {row["aor"] for row in lab.ctl(active, "bindings")}
        assert bound >= set(busy.aors()), "some that the load refreshed are gone"
    return bound


def test_a_backup_brings_back_a_pair_that_lost_everything(lab):
    """A14, A17, T9: once on the pair itself, once on another one with a cluster id and secrets of its own."""
    file = lab.folder / "backup"
    ended = Phones(lab, "ended", "udp", 50, expires=ENDS_S)
    kept, busy = Phones(lab, "kept", "udp", 500), Phones(lab, "busy", "tcp", 300)
    tally = Tally()
    for phones in (ended, kept, busy):
        phones.register()
    made = back_up_under_load(lab, file, busy)
    for node in NODES:
        lose_all(lab)
        if node == "b":
            make_new_pair(lab)
            time.sleep(max(0, ended.registered + ENDS_S + 1 - now()))
        bring_back(lab, file, made, node)
        tally.add(restored=1)
        bound = holds(lab, tally, node, kept, busy)
    assert not bound & set(ended.aors()), "bindings outlive their time"
    assert regpairctl(lab, "backup", "--verify", file) == made
    print(f"    backup of {made['records']} records, {made['bytes']} bytes: {tally}")
