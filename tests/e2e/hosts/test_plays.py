"""The playbooks of a pair that works: what an operator does with it from one year to the next."""
import contextlib
import itertools
import re
import shutil
import subprocess

from hosts import PAIR, UNIT
from image import OLDER
from lab import BIN, other, wait_until
from load import expect_whole

USERS, RATE = 200, 100
blocks = itertools.count()  # of users: no two Loads share any


class Load:
    """Phones that are registered once, then again and again while something is done to the pair."""

    def __init__(self, hosts):
        self.hosts = hosts
        folder = hosts.folder / "load"
        folder.mkdir(exist_ok=True)
        self.acked, self.nonces = folder / "acked", folder / "nonces"
        first = next(blocks) * USERS
        self.common = ("--transport", "udp", "--first", first, "--users", USERS, "--expires", 3600, "--tag", "plays", "--acked", self.acked,
                       "--save-nonce", self.nonces)
        hosts.add_users(USERS, first)
        for file in (self.acked, self.nonces):
            file.unlink(missing_ok=True)
        expect_whole(hosts.regload(*self.common, "--window", 32))
        self.cseq = 1000

    @contextlib.contextmanager
    def at_work(self):
        """No request of it fails, and those that were answered are a good part of what was asked."""
        process = self.hosts.regload_start(*self.common, "--cseq", self.cseq, "--known", self.acked, "--use-nonce",
                                           self.nonces, "--rate", RATE, "--seconds", 600, "--t1", 200)
        self.cseq += 100000
        try:
            yield
        except BaseException:
            process.kill()
            process.wait()
            raise
        result = self.hosts.regload_end(process)
        expect_whole(result)
        assert result["ok"] > RATE, result
        print(f"      under load: {result['ok']} REGISTERs answered, {result['retransmissions']} sent again, longest gap "
              f"{result['gap']['longest_ms']:.0f} ms", flush=True)


def number_of(hosts, node, name):
    return hosts.status(node)[name]


def version(hosts, node):
    return hosts.run(node, "dpkg-query", "-W", "-f", "${Version}", "regpair").stdout


def running(hosts, node):
    """The program that the service runs; a replaced one is marked."""
    pid = hosts.run(node, "systemctl", "show", "-p", "MainPID", "--value", "regpaird").stdout.strip()
    return hosts.run(node, "readlink", f"/proc/{pid}/exe").stdout.strip()


def serve(hosts, node):
    """This node is the active one, the other in step."""
    if hosts.active() != node:
        hosts.run(other(node), "regpairctl", "switchover")
        wait_until(hosts.paired, 60, f"paired with node-{node} active")


def put_older_package_on(hosts, active):
    """Both nodes run the older package, without a playbook."""
    for node in (other(active), active):
        hosts.run(node, "dpkg", "-i", f"/srv/regpair/{hosts.older_package.name}")
        hosts.run(node, "systemctl", "restart", "regpaird")
        wait_until(hosts.paired, 60, f"paired after node-{node} was restarted")
        assert version(hosts, node) == OLDER


def test_status_tells_what_the_pair_is_and_fails_where_it_is_not_whole(hosts):
    """A40"""
    hosts.deployed()
    play = hosts.play("status.yml")
    assert "primary unit is" in play.text and "the pair is paired" in play.text and "alarms: none" in play.text, play.text
    assert play.changed() == 0
    assert "the last backup failed" not in play.text, play.text
    standby = other(hosts.active())
    hosts.run(standby, "sh", "-c", "mv /var/backups/regpair /var/backups/away; systemctl start regpair-backup; "
              "mv /var/backups/away /var/backups/regpair")
    assert "the last backup failed" in hosts.play("status.yml").text
    hosts.run(standby, "systemctl", "start", "regpair-backup")
    hosts.run(standby, "systemctl", "stop", "regpaird")
    play = hosts.play("status.yml", check=False)
    assert play.status != 0 and "One node must be active and the other in step" in play.text, play.text
    hosts.run(standby, "systemctl", "start", "regpaird")
    wait_until(hosts.paired, 60, "paired again")


def test_a_switchover_and_an_upgrade_lose_no_request(hosts):
    """A16, X05: each node has been active and standby, with the older version and the newer."""
    hosts.deployed()
    put_older_package_on(hosts, hosts.active())
    load = Load(hosts)
    active = hosts.active()
    with load.at_work():
        hosts.play("switchover.yml")
        assert hosts.active() == other(active) and hosts.paired()
        hosts.play("upgrade.yml")
        assert hosts.active() == active and hosts.paired()
    for node in PAIR:
        assert version(hosts, node) != OLDER and running(hosts, node) == "/usr/sbin/regpaird"
        assert number_of(hosts, node, "aors") == number_of(hosts, node, "subscribers") >= USERS


def test_an_upgrade_stops_at_the_first_surprise(hosts):
    """The node that serves is not touched when the other does not come back."""
    hosts.deployed()
    active = hosts.active()
    standby = other(active)
    hosts.run(standby, "systemctl", "stop", "regpaird")
    play = hosts.play("upgrade.yml", "-e", "regpair_settle_seconds=3", check=False)
    assert play.status != 0 and "after 3 s" in play.text, play.text
    assert hosts.role(active) == "active"
    hosts.run(standby, "systemctl", "start", "regpaird")
    wait_until(hosts.paired, 60, "paired again")


def certificates(hosts):
    return {node: hosts.run(node, "sha256sum", "/etc/regpair/pair/ca.pem", "/etc/regpair/pair/cert.pem").stdout
            for node in PAIR}


def test_certificates_and_their_ca_are_renewed_while_the_pair_works(hosts):
    """I3: nobody is restarted, no node is without the other, no request fails."""
    hosts.deployed()
    load = Load(hosts)
    before, exposed = certificates(hosts), {node: number_of(hosts, node, "exposed_times") for node in PAIR}
    pids = {node: hosts.run(node, "systemctl", "show", "-p", "MainPID", "regpaird").stdout for node in PAIR}
    with load.at_work():
        play = hosts.play("certificates.yml", "-e", "certificates_new_ca=true")
    assert re.search(r"certificates are good for 364\d days", play.text), play.text
    after = certificates(hosts)
    assert all(set(before[node].split()[::2]).isdisjoint(after[node].split()[::2]) for node in PAIR), after
    assert {node: number_of(hosts, node, "exposed_times") for node in PAIR} == exposed
    assert {node: hosts.run(node, "systemctl", "show", "-p", "MainPID", "regpaird").stdout for node in PAIR} == pids
    assert all(number_of(hosts, node, "peer_bulk") for node in PAIR)
    for node in PAIR:
        left = hosts.run(node, "sh", "-c", "ls -d /run/regpair-* /etc/regpair/pair/ca-key.pem 2>/dev/null", check=False)
        assert left.stdout == "", "the CA's key stayed"
    standby = other(hosts.active())
    hosts.run(standby, "systemctl", "restart", "regpaird")
    wait_until(hosts.paired, 60, "paired by the newest certificates")


def test_new_iron_takes_the_place_of_a_host_that_is_gone(hosts):
    """Under another name and address; the other node goes on, and no request fails."""
    hosts.deployed()
    hosts.start("c")
    hosts.await_host("c")
    serve(hosts, "b")
    refused = hosts.play("replace-node.yml", "-e", "replaced=node-c", check=False,
                         inventory=hosts.inventory({"c": "primary", "b": "secondary"}))
    assert refused.status != 0 and "has another address than its predecessor" in refused.text, refused.text
    serve(hosts, "a")
    load = Load(hosts)
    hosts.power("b")
    wait_until(lambda: hosts.status("a").get("pair_state") == "exposed", 20, "node-a is alone")
    inventory = hosts.inventory({"a": "primary", "c": "secondary"})
    with load.at_work():
        hosts.play("replace-node.yml", "-e", "replaced=node-c", inventory=inventory)
        assert hosts.paired(("a", "c"))
    for node in ("a", "c"):
        assert number_of(hosts, node, "aors") == number_of(hosts, node, "subscribers") >= USERS
    assert re.search(r"unicast_peer \{\s+" + re.escape(hosts.address["c"]), hosts.run(
        "a", "cat", "/etc/keepalived/keepalived.conf").stdout)
    hosts.base_is = None
    hosts.nodes["c"].stop()
    hosts.nodes["c"].forget_disk()


def make_another_pair(hosts):
    """Of the same hosts, with a CA, cluster id and secret of its own, and empty."""
    made = hosts.folder / "another-pair"
    subprocess.run([BIN / "regpairctl", "pair", "init", made, "--primary", hosts.address["a"], "--secondary",
                    hosts.address["b"]], check=True, capture_output=True)
    for node in PAIR:
        hosts.run(node, "systemctl", "stop", "regpaird")
        hosts.run(node, "sh", "-c", "rm -rf /var/lib/regpair/*")
        for file in (made / UNIT[node]).iterdir():
            hosts.path(node, f"/etc/regpair/pair/{file.name}").write_bytes(file.read_bytes())
    for node in PAIR:
        hosts.run(node, "systemctl", "start", "regpaird")
    wait_until(hosts.paired, 60, "the new pair is paired")


def test_a_backup_is_restored_on_a_new_pair(hosts):
    """The users and who is registered are there again, on both nodes, in step; another pair's secrets are not needed."""
    hosts.deployed()
    Load(hosts)
    users = number_of(hosts, hosts.active(), "aors")
    hosts.play("backup.yml")
    backups = list((hosts.controller / "regpair-backups").glob("*.regpair"))
    assert len(backups) == 1 and backups[0].stat().st_mode & 0o777 == 0o600, backups
    backup = shutil.move(backups[0], hosts.folder)
    for node in PAIR:
        assert "regpair-backup.timer" in hosts.run(node, "systemctl", "list-timers", "--no-pager").stdout
    hosts.boot_kept("deployed")
    make_another_pair(hosts)
    assert number_of(hosts, "a", "subscribers") == 0
    refused = hosts.play("restore.yml", "-e", f"restore_file={backup}", check=False)
    assert refused.status != 0 and "restore_confirmed=true" in refused.text, refused.text
    half_restored(hosts, backup)
    hosts.play("restore.yml", "-e", f"restore_file={backup}", "-e", "restore_confirmed=true")
    assert hosts.paired()
    for node in PAIR:
        assert number_of(hosts, node, "aors") == number_of(hosts, node, "subscribers") == users
        assert not hosts.path(node, "/var/lib/regpair/restore.regpair").exists()
    hosts.base_is = None


def half_restored(hosts, backup):
    """Where one node cannot, that one serves on with what it had; the other waits for the next attempt."""
    broken = hosts.path("b", "/usr/local/bin/regpairctl")
    broken.write_text('#!/bin/sh\n[ "$1" != restore ] || { echo "no room" >&2; exit 1; }\nexec /usr/bin/regpairctl "$@"\n')
    broken.chmod(0o755)
    play = hosts.play("restore.yml", "-e", f"restore_file={backup}", "-e", "restore_confirmed=true", check=False)
    assert play.status != 0 and "Restoring failed on node-b" in play.text and "node-b: no room" in play.text, play.text
    states = [hosts.run(node, "systemctl", "is-active", "regpaird", check=False).stdout.strip() for node in PAIR]
    assert states == ["inactive", "active"], states
    assert all(not hosts.path(node, "/var/lib/regpair/restore.regpair").exists() for node in PAIR)
    broken.unlink()


def test_a_unit_is_set_and_reset_by_a_variable(hosts):
    """One of a pair becomes a node alone, at its own address, and one of a pair again: who was registered stays so."""
    hosts.deployed()
    load = Load(hosts)
    hosts.run("b", "systemctl", "stop", "regpaird", "keepalived")
    transports = [{"name": "udp", "protocol": "udp", "address": hosts.address["a"], "port": 5060}]
    hosts.play("site.yml", inventory=hosts.inventory({"a": "standalone"}, regpair_transports=transports))
    alone = hosts.status("a")
    assert (alone["unit"], alone["role"]) == ("standalone", "active") and alone["aors"] >= USERS, alone
    assert hosts.run("a", "systemctl", "is-active", "keepalived", check=False).stdout == "inactive\n"
    assert not hosts.has_address("a")
    expect_whole(hosts.regload(*load.common, "--cseq", load.cseq, "--known", load.acked, "--window", 32, "--host", hosts.address["a"]))
    hosts.run("b", "systemctl", "start", "keepalived", "regpaird")
    hosts.play("site.yml")
    assert hosts.paired()
    for node in PAIR:
        assert hosts.status(node)["unit"] == {"a": "primary", "b": "secondary"}[node]
        assert number_of(hosts, node, "aors") == alone["aors"]
