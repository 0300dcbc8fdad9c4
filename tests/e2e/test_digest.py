"""test_digest.py - the two nodes prove that they are equal; bits that flip are found, repaired, counted."""
import os
import re
import time

from lab import other, wait_until
from load import REFRESH, Phones, expect_whole

FAULTS = ("digest_mismatches", "memory_faults", "store_faults", "repairs")
SOON = 45  # s: a small pair's memory is looked through in some 15 s, then repaired within seconds


def flip_in_memory(pid, key):
    """One bit of the record of this key in the process's memory: the copy keeps key and bytes side by side."""
    mark = key.encode() + b"\x0a"  # a record's first field; elsewhere something else follows the key
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "r+b", 0) as memory:
        for line in maps:
            begin, end, flags = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
            if flags != "rw-p":
                continue
            memory.seek(int(begin, 16))
            try:
                held = memory.read(int(end, 16) - int(begin, 16))
            except OSError:
                continue
            at = held.find(mark)
            if at < 0:
                continue
            at += len(mark) + 20
            memory.seek(int(begin, 16) + at)
            memory.write(bytes([held[at] ^ 4]))
            return
    raise AssertionError(f"{key} is not in the memory of {pid}")


def flip_on_disk(store, key):
    """The same in every page of the image that holds the record."""
    generation = (store / "current").read_text().strip()
    path = store / generation / "state" / "data.mdb"
    data = path.read_bytes()
    places = [found.start() for found in re.finditer(re.escape(key.encode()), data)]
    assert places, f"{key} is not in {path}"
    with open(path, "r+b") as file:
        for at in places:
            at += len(key) + 40  # behind the record's own check
            file.seek(at)
            file.write(bytes([data[at] ^ 4]))
        os.fsync(file.fileno())


def diff(lab, node):
    done = lab.ctl_run(node, "diff")
    return done.returncode, done.stdout + done.stderr


def expect_equal(lab):
    lab.in_step()
    code, said = diff(lab, lab.active())
    assert code == 0 and "equal at entry" in said, said


def repaired(lab, node, before):
    """The fault is counted, once, and the pair is whole again."""
    def is_so():
        status = lab.status(node)
        return status.get("memory_faults", 0) > before["memory_faults"] and not status["damaged"] and lab.paired()
    wait_until(is_so, SOON, f"{node} counts a fault of its memory and is repaired", every=0.2)
    status = lab.status(node)
    assert status["memory_faults"] == before["memory_faults"] + 1, status
    assert status["snapshots_received"] == before["snapshots_received"] + 1, status
    return status


def test_the_nodes_compare_all_the_time_and_are_equal_under_load(lab):
    """A10: comparisons go on under load, none differs; an operator who asks is told so, too."""
    phones = Phones(lab, "equal", "udp", 300)
    phones.register()
    active = lab.active()
    before = {node: lab.status(node) for node in (active, other(active))}
    load = phones.start(REFRESH, 300)
    for _ in range(8):
        code, said = diff(lab, active)
        assert code == 0 and "equal at entry" in said, said
        time.sleep(1)
    expect_whole(phones.end(load))
    for node, was in before.items():
        status = lab.status(node)
        assert all(status[figure] == was[figure] for figure in FAULTS), status
        assert status["digest_checked"] >= was["digest_checked"] + 2, status
        assert status["digest_age_ms"] < 4000, status
    expect_equal(lab)
    shown = lab.ctl(active, "diff")
    assert [row["equal"] for row in shown["tables"]] == [True] * len(shown["tables"])
    assert {"aor", "subscriber", "secret", "reign"} == {row["table"] for row in shown["tables"]}
    code, said = diff(lab, other(active))
    assert code == 4 and "ask the active one" in said, said
    lab.kill(other(active))
    wait_until(lambda: not lab.status(active)["peer_link"], 5, "the link is lost")
    code, said = diff(lab, active)
    assert code == 4 and "not connected" in said, said


def test_a_bit_that_flips_in_the_standbys_memory_is_repaired(lab):
    """A10: found by the standby itself, which takes a snapshot."""
    phones = Phones(lab, "flip", "udp", 300)
    phones.register()
    lab.in_step()
    active = lab.active()
    standby = other(active)
    log, before, sent = lab.log(standby), lab.status(standby), lab.status(active)["repairs"]
    flip_in_memory(lab.pid(standby), phones.aors()[7])
    repaired(lab, standby, before)
    assert lab.status(active)["repairs"] == sent + 1
    log.wait(rf"level=error .*memory=damaged table=aor key=\"{phones.aors()[7]}\"")
    expect_equal(lab)
    lab.kill(active)
    wait_until(lambda: lab.role(standby) == "active", 5, f"{standby} is active")
    phones.audit()


def test_an_active_whose_memory_flips_hands_over(lab):
    """A10: the record is not served from; the other node goes on, and this one is repaired from it."""
    phones = Phones(lab, "hand", "udp", 300)
    phones.register()
    lab.in_step()
    active = lab.active()
    log, before = lab.log(active), lab.status(active)
    flip_in_memory(lab.pid(active), phones.aors()[7])
    wait_until(lambda: lab.active() == other(active), SOON, "the other node is active", every=0.2)
    assert repaired(lab, active, before)["role"] == "standby"
    log.wait(r"switchover=asked why=\"this node is damaged, the other is not\"")
    expect_equal(lab)
    phones.audit()


def test_a_bit_that_flips_on_the_standbys_disk_is_repaired(lab):
    """A10: seen by the look at the store before it is opened; the standby fetches all from its peer."""
    phones = Phones(lab, "disk", "udp", 300)
    with lab.configured("max_size: 4 GiB}", "max_size: 4 GiB, checkpoint_interval: 200 ms}"):
        phones.register()
        lab.in_step()
        active = lab.active()
        standby = other(active)
        time.sleep(1)  # of checkpoints: only a small one may be missing
        lab.stop_daemon(standby)
        flip_on_disk(lab.folder / standby / "store", phones.aors()[7])
        log = lab.log(standby)
        lab.start(standby)
        lab.in_step()
        status = lab.status(standby)
        assert status["store_set_aside"] or status["store_faults"] > 0, log.text()
        assert log.line(r"level=(error|warn) .*store=(set-aside|damaged)"), log.text()
        expect_equal(lab)
        lab.kill(active)
        wait_until(lambda: lab.role(standby) == "active", 5, f"{standby} is active")
        phones.audit()


def test_a_bit_that_flips_on_a_disk_in_use_is_repaired(lab):
    """A10, X13: found by the look through the image that never ends: the standby fetches all from its peer, the active
    writes the record anew."""
    phones = Phones(lab, "scrub", "udp", 300)
    with lab.configured("max_size: 4 GiB}", "max_size: 4 GiB, checkpoint_interval: 200 ms}"):
        phones.register()
        lab.in_step()
        active = lab.active()
        for node, at in ((other(active), 7), (active, 8)):
            time.sleep(1)  # of checkpoints: only a small one may be missing
            key = phones.aors()[at]
            log, before = lab.log(node), lab.status(node)
            begun = time.monotonic()
            flip_on_disk(lab.folder / node / "store", key)
            wait_until(lambda: lab.status(node).get("store_faults", 0) > before["store_faults"], SOON, f"{node} sees it")
            print(f"    {before['role']} {node} sees it after {time.monotonic() - begun:.1f} s")
            wait_until(lambda: not lab.status(node)["damaged"] and lab.paired(), SOON, "repaired", every=0.2)
            log.wait(rf"level=error .*store=damaged table=aor key=\"{key}\"")
            expect_equal(lab)
        assert lab.active() == active
        lab.kill(active)
        wait_until(lambda: lab.role(other(active)) == "active", 5, f"{other(active)} is active")
        phones.audit()
