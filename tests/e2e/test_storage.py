"""test_storage.py - disks that fill up, hang and fail, stores that are damaged: no acknowledged REGISTER is
lost, no wrong answer, and it is said."""
import os
import subprocess
import time
from contextlib import contextmanager

from lab import BIN, NODES, now, other, wait_until
from load import FRESH, REFRESH, Phones, expect_whole, table
from standalone import Alone

MIB = 1 << 20


def newest(store, part):
    """The file of the generation in use."""
    return store / (store / "current").read_text().strip() / part / "data.mdb"


def damage(path):
    """Every 64th byte from the third page on: a bit of it flips."""
    data = bytearray(path.read_bytes())
    for at in range(8192, len(data), 64):
        data[at] ^= 4
    path.write_bytes(data)


@contextmanager
def faulty_disks(lab):
    """Both daemons behind tests/e2e/disk_fault.c; gives set(node, word)."""
    def set_fault(node, word):
        (lab.folder / node / "disk-fault").write_text(word)
    lab.down()
    lab.environment["LD_PRELOAD"] = str(BIN / "disk_fault.so")
    try:
        lab.up()
        lab.until_paired("the pair is paired")
        yield set_fault
    finally:
        for node in NODES:
            (lab.folder / node / "disk-fault").unlink(missing_ok=True)
        lab.down()
        del lab.environment["LD_PRELOAD"]


def leave_its_disk(lab, set_fault, fault, seconds):
    """The active's disk gets the fault under load; the standby must serve within so many seconds. The phones, the
    node whose disk it is, and its log from then on."""
    phones = Phones(lab, f"disk{fault}", "udp", 300)
    phones.register()
    victim = lab.active()
    log = lab.log(victim)
    load = phones.start(REFRESH, 200)
    time.sleep(1)
    begun = now()
    set_fault(victim, fault)
    wait_until(lambda: lab.role(other(victim)) == "active", seconds, f"{other(victim)} is active")
    print(f"    {fault}: the other node is active after {now() - begun:.2f} s")
    time.sleep(1)
    result = phones.end(load)
    assert not result["other"], f"refused: {result}"
    phones.audit()
    return phones, victim, log


def test_a_sync_that_hangs_hands_over_to_the_standby(lab):
    """X08, A23: what the 2 s cost is asked again; the node can be ended all the same, and comes back."""
    with faulty_disks(lab) as set_fault:
        phones, victim, log = leave_its_disk(lab, set_fault, "hang", 6)
        log.wait(r"disk=hangs")
        log.wait(r'role=active->stepping-down why="disk hangs"')
        begun = now()
        lab.stop_daemon(victim, 12)
        print(f"    it ends within {now() - begun:.1f} s, its disk hanging")
        set_fault(victim, "")
        lab.start(victim)
        lab.in_step()
        phones.audit()


def test_a_disk_that_fills_up_costs_503_or_a_takeover_and_nothing_else(lab):
    """X08, A23: what waits for the log is tried again in the same process, which makes room in its file by trimming; if
    that takes long, the standby serves."""
    with faulty_disks(lab) as set_fault:
        phones = Phones(lab, "diskfull", "udp", 300)
        phones.register()
        victim = lab.active()
        pid, log = lab.pid(victim), lab.log(victim)
        load = phones.start(REFRESH, 200)
        time.sleep(1)
        set_fault(victim, "full")
        log.wait(r"level=error .*log=full")
        time.sleep(6)
        result = phones.end(load)
        refused = result["other"].pop("503", 0)
        assert not result["other"] and not result["timeouts"], result
        print(f"    full: {refused} of {result['requests']} refused with 503, longest wait {result['gap']['longest_ms']:.0f} "
              f"ms; {victim} was active, {lab.active()} is")
        set_fault(victim, "")
        log.wait(r"log=goes-on")
        lab.in_step()
        assert lab.pid(victim) == pid
        phones.audit()


def test_a_sync_or_write_that_fails_ends_the_service_of_its_node(lab):
    """X08: nothing held is answered; what failed is not tried again."""
    with faulty_disks(lab) as set_fault:
        for fault in ("sync", "write", "read-only"):
            phones, victim, log = leave_its_disk(lab, set_fault, fault, 6)
            log.wait(r"log=failed")
            assert lab.role(victim) == "out-of-service"
            set_fault(victim, "")
            lab.stop_daemon(victim)
            lab.start(victim)
            lab.in_step()
            phones.audit()


def test_a_standbys_disk_costs_the_active_nothing(lab):
    """T8: mode both waits for the standby's memory, not for its disk, be that hanging, full, or at a megabyte a
    second."""
    rows = []
    with faulty_disks(lab) as set_fault:
        phones = Phones(lab, "standbydisk", "udp", 300)
        for fault in ("", "hang", "full", "slow"):
            phones.register()
            active = lab.active()
            set_fault(other(active), fault)
            load = phones.start(REFRESH, 200)
            time.sleep(8)
            result = phones.end(load)
            expect_whole(result)
            assert lab.active() == active
            in_step = lab.status(active)["pair_state"] == "paired"
            assert in_step == (fault == "") or fault == "slow", "5 s behind its memory a disk is out of step"
            set_fault(other(active), "")
            lab.in_step()
            phones.audit()
            rows.append([fault or "sound", str(result["ok"]), *result["latency_ms"].values()])
    table("what an answer of the active takes, ms", ["the standby's disk", "answers", "p50", "p90", "p99", "max"], rows)


def test_a_damaged_store_is_set_aside_and_fetched_anew(lab):
    """X13: of the standby; then of the node that starts alone: it waits, it does not begin with nothing."""
    phones = Phones(lab, "damaged", "udp", 300)
    phones.register()
    standby = other(lab.active())
    store = lab.folder / standby / "store"
    for part in ("state", "log"):
        lab.stop_daemon(standby)
        damage(newest(store, part))
        log = lab.log(standby)
        lab.start(standby)
        log.wait(r"level=error .*store=set-aside")
        lab.in_step()
        assert lab.status(standby)["store_set_aside"]
        assert len(list(store.glob("broken-*"))) == 1, "one is kept, the newest"

    active = lab.active()
    for node in (standby, active):
        lab.stop_daemon(node)
    damage(newest(store, "state"))
    lab.start_daemon(standby)
    wait_until(lambda: lab.role(standby) == "init", 10, "it runs")
    time.sleep(3)
    assert lab.role(standby) == "init", "it must not begin with nothing"
    lab.start(active)
    lab.in_step()
    phones.audit()


def test_little_room_on_the_active_hands_over_without_a_refusal(lab):
    """A23: the standby has room."""
    phones = Phones(lab, "room", "udp", 300)
    phones.register()
    disk = os.statvfs(lab.folder)
    spare = 512 * MIB
    min_free = (disk.f_bavail * disk.f_frsize - spare // 2) // MIB
    active = lab.active()
    path = lab.folder / active / "regpair.yaml"
    before = path.read_text()
    path.write_text(before.replace("max_size: 4 GiB", f"max_size: 4 GiB, min_free: {min_free} MiB"))
    ballast = lab.folder / "ballast"
    try:
        lab.stop_daemon(active)
        lab.start(active)
        lab.in_step()
        if lab.active() != active:
            lab.switchover()
            lab.in_step()
        assert not lab.status(active)["room_low"]
        load = phones.start(FRESH, 200)
        time.sleep(1)
        with open(ballast, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, spare)
        wait_until(lambda: lab.role(other(active)) == "active", 8, "the standby took over")
        time.sleep(1)
        result = phones.end(load)
        refused = sum(result["other"].values()) if isinstance(result["other"], dict) else result["other"]
        assert refused <= 2, f"more than what came between low and handed over: {result}"
        assert lab.status(active)["room_low"]
        ballast.unlink()
        wait_until(lambda: not lab.status(active)["room_low"], 5, "room is back")
        phones.audit()
    finally:
        ballast.unlink(missing_ok=True)
        path.write_text(before)
        lab.heal()
        lab.stop_daemon(active)
        lab.start(active)


@contextmanager
def own_disk(node, size_mib):
    """The store of a standalone node on a disk of its own."""
    store = node.folder / "store"
    store.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "tmpfs", store], check=True)
    try:
        yield store
    finally:
        if node.process and node.process.poll() is None:
            node.kill()
        subprocess.run(["umount", "-l", store], check=True)


def fill(store, left_mib):
    disk = os.statvfs(store)
    with open(store / "ballast", "ab") as file:
        room = disk.f_bavail * disk.f_frsize - left_mib * MIB
        os.posix_fallocate(file.fileno(), file.tell(), room)


def answers(node, *words):
    """20 users register; refusals are no failure."""
    node.run(BIN / "regload", "--host", "127.0.0.1", "--contact-host", "127.0.0.1:5070", "--users", 20, *words)


def test_a_full_disk_is_answered_with_503_and_all_goes_on_when_there_is_room():
    """X08, A23: a standalone node on a disk of 200 MiB, filled to the last page."""
    with Alone(auth="none") as node, own_disk(node, 200) as store:
        node.start()
        answers(node)
        assert node.status()["registered"] == 20
        for left in (40, 0):
            fill(store, left)
            wait_until(lambda: node.status().get("room_low"), 5, "room is low")
            before = node.status()
            answers(node, "--tag", "late", "--seconds", "1")
            after = node.status()
            assert after["overload"] > before["overload"], "503"
            assert after["registered"] == before["registered"]
            assert after["role"] == "active"
            (store / "ballast").unlink()
            wait_until(lambda: not node.status()["room_low"], 5, "room is back")
            before = node.status()["registered"]
            answers(node, "--tag", f"again{left}")
            assert node.status()["registered"] > before
        node.kill()
        node.start()
        assert node.status()["aors"] == 20


def test_a_store_at_its_limit_is_answered_with_503_and_forgets_nothing():
    """X08, A23: the map is full; with a larger limit all goes on."""
    with Alone(auth="none") as node:
        node.edit("max_size: 256 MiB", "max_size: 16 MiB, log_entries: 1000, checkpoint_interval: 200 ms")
        node.start()
        first = 65_000
        answers(node, "--users", first)
        while not node.status()["room_low"]:  # slowly: room is looked at once a second
            assert first < 100_000, "the limit is never reached"
            answers(node, "--users", 1000, "--first", first, "--rate", 1000, "--tries", 3)
            first += 1000
        before = node.status()
        answers(node, "--first", first)
        after = node.status()
        assert after["overload"] > before["overload"], "503"
        assert after["registered"] == before["registered"] > 5000
        assert after["role"] == "active"
        node.stop()
        node.edit("max_size: 16 MiB", "max_size: 64 MiB")
        node.start()
        assert node.status()["aors"] == before["aors"]
        answers(node, "--first", first)
        assert node.status()["aors"] == before["aors"] + 20
        print(f"    16 MiB hold {before['aors']} AORs, and not one more")


def test_a_standalone_node_refuses_a_damaged_store_and_names_the_remedy():
    """X13."""
    with Alone(auth="none") as node:
        node.start()
        answers(node)
        node.stop()
        damage(newest(node.folder / "store", "state"))
        code, line = node.refuse_start()
        assert code == 74 and "restore a backup" in line, line


def test_a_read_only_disk_is_named_at_the_start():
    """X08."""
    with Alone(auth="none") as node, own_disk(node, 200) as store:
        node.start()
        answers(node)
        node.stop()
        subprocess.run(["mount", "-o", "remount,ro", store], check=True)
        code, line = node.refuse_start()
        assert code == 74 and "Read-only file system: its owner, its disk" in line, line
