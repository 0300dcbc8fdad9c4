"""test_snmp.py - the pair as a manager sees it by SNMP. The programs by themselves: tests/snmp."""
import os
import shutil
import subprocess

import naps
from lab import BIN, BUILD, NODES, REPO, Skip, ms, now, other, wait_until
from provider import Provider
from snmp import ANSWERS, BASE, PAIR_STATE, ROLE, UNIT, Watched

BASE_MIBS = "net-snmp@3.29.2"  # an npm package that has them; Debian has none


def base_mibs():
    """Folder of the MIBs that ours imports from, fetched once."""
    place = BUILD / "mibs"
    mibs = place / "node_modules" / "net-snmp" / "lib" / "mibs"
    if not mibs.exists():
        if not shutil.which("npm"):
            raise Skip("npm is not there to fetch the MIBs that ours imports from")
        subprocess.run(["npm", "install", "--prefix", place, "--no-audit", "--no-fund", BASE_MIBS], check=True,
                       capture_output=True, timeout=300)
    return mibs


def test_smilint_finds_nothing_in_the_mib():
    """It ends with 0 whatever it finds: what it says counts."""
    mib = REPO / "ha" / "snmp" / "REGPAIR-MIB.txt"
    printed = subprocess.run([BIN / "regpaird", "--print-mib"], text=True, capture_output=True, check=True).stdout
    assert printed == mib.read_text(), "make it anew: regpaird --print-mib >ha/snmp/REGPAIR-MIB.txt"
    path = f"{base_mibs()}:/usr/share/snmp/mibs"
    environment = dict(os.environ, SMIPATH=path)
    for file, clean in ((mib, True), (REPO / "ha" / "snmp" / "README.md", False)):
        done = subprocess.run(["smilint", "-l", "6", "-s", file], env=environment, text=True, capture_output=True,
                              check=False)
        assert (done.stdout + done.stderr == "") == clean, done.stdout + done.stderr
    named = subprocess.run(["snmptranslate", "-M", f"{path}:{mib.parent}", "-m", "REGPAIR-MIB", "-On",
                            "REGPAIR-MIB::regpairRoleSinceMs.0"], text=True, capture_output=True, check=True).stdout
    assert named.strip() == f"{BASE}.1.1.4.0", named


def test_a_manager_reads_every_figure(lab):
    """A30: each as regpairctl tells it, at both nodes' addresses and at the pair's."""
    lab.add_users(1)
    lab.regload("--users", "1")
    with Watched(lab) as watched:
        active = lab.active()
        for where, node in ((lab.vip, active), (lab.address["a"], "a"), (lab.address["b"], "b")):
            status = lab.status(node)
            begun = now()
            shown = watched.walk(where)
            took = ms(begun, now())
            figures = {oid: value for oid, value in shown.items() if oid.startswith("1.1.")}
            assert len(figures) == len(status), (len(figures), len(status))
            for number, name in ((UNIT, "unit"), (ROLE, "role"), (PAIR_STATE, "pair_state"), ("1.1.17.0", "epoch"),
                                 ("1.1.59.0", "aors"), ("1.1.18.0", "reign"), ("1.1.65.0", "registered")):
                assert shown[number] == str(status[name]), (where, name, shown[number], status[name])
            domain = lab.ctl(node, "domains")[0]
            told = [shown.get(f"1.4.1.{column}.1") for column in range(2, 6)]
            assert told == [str(domain[key]) for key in ("name", "users", "max_users", "bindings")], (told, domain)
            print(f"    {len(shown)} values of {where} in {took:.0f} ms")


def test_a_manager_follows_a_failover(lab):
    """A30: the role at the address, the notifications, the verdict: before, during and after."""
    with Watched(lab) as watched:
        watched.await_check(0, "the pair is paired")
        for round_number in range(lab.share(3)):
            failover(lab, watched, round_number)


def failover(lab, watched, round_number):
    active = lab.active()
    standby = other(active)
    units = {node: watched.get(lab.address[node], UNIT) for node in NODES}
    assert (watched.get(lab.vip, ROLE), watched.get(lab.vip, UNIT)) == ("active", units[active])
    assert watched.get(lab.address[standby], ROLE) == "standby"
    before = len(watched.notifications.of(lab.address[active], "0.2"))
    killed = lab.kill(active)
    wait_until(lambda: watched.get(lab.vip, UNIT) == units[standby], 20, "the address answers as the other node")
    moved = now()
    wait_until(lambda: watched.get(lab.address[active], ANSWERS) == "2", 20, "the killed node's agent says so")
    assert watched.get(lab.address[active], ROLE) is None, "what is old is told"
    told, told_at = watched.await_notification(standby, "0.1", n_1_1_2_0="active", n_1_1_17_0=epoch_of(lab, standby))
    assert told["1.6.1.0"] in ("standby", "taking-over"), told
    wait_until(lambda: len(watched.notifications.of(lab.address[active], "0.2")) > before, 20, "node down is told")
    watched.await_notification(standby, "0.102")  # exposed
    code, said = watched.await_check(1, "has no regpaird that answers")
    assert f"{lab.address[standby]} ({units[standby]}) is active" in said, (code, said)
    lab.heal()
    watched.await_notification(standby, "0.302")
    watched.await_notification(active, "0.3")
    watched.await_check(0, "the pair is paired", 60)
    informs = len(watched.notifications.of(lab.address[standby], "0.102"))
    for version in ("v2c", "v3"):
        wait_until(lambda: watched.notifications.traps(lab.address[standby], "0.102", version) == informs, 10,
                   f"as many traps of {version} have come as informs")
    print(f"    round {round_number}: the address answers by SNMP as the other node after {ms(killed, moved):.0f} ms, "
          f"the role's inform was seen after {ms(killed, told_at):.0f} ms")


def epoch_of(lab, node):
    return str(lab.status(node)["epoch"])


def test_a_manager_is_told_of_a_nap(lab):
    """A30: by the active node, with its name, and as the table has it."""
    row = ".".join(str(byte) for byte in b"polled")
    with Watched(lab) as watched, Provider(lab) as provider, naps.configured(lab, naps.three(provider)[:1]):
        active = lab.active()
        made, _ = watched.await_notification(active, "0.4")
        assert made[f"1.3.1.2.{row}"] == "polled" and made[f"1.3.1.4.{row}"] == "1", made
        watched.await_notification(active, "0.6")
        standby = lab.address[other(active)]
        def shown(registered):
            for where in (lab.vip, standby):
                wait_until(lambda: watched.get(where, f"1.3.1.4.{row}") == registered, 10, f"{where} has it in its table")
        shown("1")
        lab.ctl(active, "nap", "unregister", "polled")
        lost, _ = watched.await_notification(active, "0.5")
        assert lost[f"1.3.1.4.{row}"] == "2" and lost[f"1.3.1.6.{row}"] == "1", lost
        shown("2")
        provider.stop()
        gone, _ = watched.await_notification(active, "0.7")
        assert gone[f"1.3.1.6.{row}"] == "2", gone
        assert not watched.notifications.of(standby, "0.5"), "the standby tells it, too"
