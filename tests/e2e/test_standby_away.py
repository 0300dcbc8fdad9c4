"""test_standby_away.py - the standby is away and comes back: exposed, answering, paired again."""
import re
import time

from lab import now, other, wait_until
from load import REFRESH, STALL_MS, Phones, expect_whole

LOG_ENTRIES = 50


def come_back(lab, node, seconds):
    begun = now()
    lab.start(node)
    wait_until(lab.paired, seconds, "paired again")
    return now() - begun


def test_the_pair_is_exposed_while_the_standby_is_away_and_says_so(lab):
    """X02, A9, A11: status and log say it, the answers go on, and it is paired soon after the return."""
    phones = Phones(lab, "away", "udp", 400)
    phones.register()
    active = lab.active()
    log, before = lab.log(active), lab.status(active)
    load = phones.start(REFRESH, 200)
    time.sleep(0.5)
    lab.kill(other(active))
    wait_until(lambda: lab.status(active)["pair_state"] == "exposed", 2, "status says exposed")
    log.wait(r"level=warn .*pair=paired->exposed")
    time.sleep(0.5)
    result = phones.end(load)
    expect_whole(result)
    assert result["gap"]["longest_ms"] < STALL_MS, f"answers stopped while the standby was away: {result['gap']}"
    assert lab.status(active)["exposed_times"] == before["exposed_times"] + 1
    shown = lab.ctl_run(active, "status").stdout
    assert "exposed" in shown, shown
    took = come_back(lab, other(active), 15)
    log.wait(r"pair=\S+->paired")
    lab.in_step()
    phones.audit()
    print(f"    paired {took:.1f} s after the standby was started")


def test_a_standby_whose_host_is_lost_costs_a_moment_only(lab):
    """A9: no goodbye comes; the oldest entry without an acknowledgement ends the wait (peer_timeout)."""
    phones = Phones(lab, "silent", "udp", 400)
    phones.register()
    active = lab.active()
    load = phones.start(REFRESH, 200)
    time.sleep(0.5)
    lab.cut(other(active))
    wait_until(lambda: lab.status(active)["pair_state"] == "exposed", 3, "status says exposed")
    result = phones.end(load)
    expect_whole(result)
    assert result["gap"]["longest_ms"] < STALL_MS, f"answers stopped: {result['gap']}"
    come_back(lab, other(active), 15)
    phones.audit()


def test_a_standby_that_missed_more_than_the_log_keeps_gets_a_snapshot(lab):
    """A7, X13: more entries than store.log_entries meanwhile, and trimmed."""
    phones = Phones(lab, "snap", "udp", 500)
    with lab.configured("max_size: 4 GiB}",
                        f"max_size: 4 GiB, log_entries: {LOG_ENTRIES}, checkpoint_interval: 200 ms}}"):
        snapshot_of_what_was_missed(lab, phones)


def snapshot_of_what_was_missed(lab, phones):
    active = lab.active()
    standby = other(active)
    missed = lab.status(active)["seq"]
    lab.kill(standby)
    for _ in range(3):  # more than one block of the log, and time for the checkpoint to trim it
        phones.register()
        time.sleep(0.5)
    assert lab.status(active)["seq"] > missed + 10 * LOG_ENTRIES
    lab.kill(active)  # what it still had in memory would do without the log
    lab.start(active)
    wait_until(lambda: lab.role(active) == "active", 15, f"{active} is active again, alone")
    log = lab.log(active)
    lab.start(standby)
    lab.in_step()
    assert lab.status(active)["snapshots_sent"] == 1, log.text()
    assert lab.status(standby)["snapshots_received"] >= 1
    assert re.search("resync=snapshot", log.text()), log.text()
    lab.kill(active)
    wait_until(lambda: lab.role(standby) == "active", 5, f"{standby} is active")
    phones.audit()
