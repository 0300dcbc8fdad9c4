"""The Debian package in a host's life: what it holds, installed, upgraded, removed, purged."""
import json
import subprocess

from image import OLDER
from lab import wait_until

HOLDS = """
/usr/sbin/regpaird
/usr/bin/regpairctl
/lib/systemd/system/regpaird.service
/lib/systemd/system/regpair-snmp-notify.service
/usr/lib/regpair/support
/usr/lib/regpair/snmp/regpair_snmp.py
/usr/lib/regpair/snmp/regpair-snmp-agent
/usr/lib/regpair/snmp/regpair-snmp-notify
/usr/lib/nagios/plugins/check_regpair
/usr/share/snmp/mibs/REGPAIR-MIB.txt
/usr/lib/tmpfiles.d/regpair.conf
/usr/lib/sysusers.d/regpair.conf
/etc/logrotate.d/regpair
/usr/share/bash-completion/completions/regpairctl
/usr/share/man/man8/regpaird.8.gz
/usr/share/man/man1/regpairctl.1.gz
/usr/share/man/man5/regpair.yaml.5.gz
/usr/share/doc/regpair/examples/regpair.yaml
/usr/share/doc/regpair/examples/keepalived.conf
/usr/share/doc/regpair/examples/keepalived-unit.conf
/usr/share/doc/regpair/examples/metrics/rules.yml
/usr/share/doc/regpair/copyright
""".split()
CONFIGURATION = """\
unit: standalone
audit_file: /var/log/regpair/audit.log
transports:
  - {{name: udp, protocol: udp, address: {address}}}
domains:
  - {{name: example.com, auth: digest-md5}}
"""
USERS = 50


def test_the_package_holds_what_belongs_on_a_host_and_lintian_finds_nothing(hosts):
    listed = subprocess.run(["dpkg", "--contents", hosts.package], text=True, capture_output=True, check=True).stdout
    held = {line.split()[5].removeprefix("."): line.split()[:2] for line in listed.splitlines()}
    missing = [path for path in HOLDS if path not in held]
    assert not missing, f"not in the package: {missing}"
    foreign = {path: words for path, words in held.items() if words[1] != "root/root"}
    assert not foreign, f"not root's: {foreign}"
    found = subprocess.run(["lintian", "--fail-on", "error,warning", "--allow-root", hosts.package], text=True,
                           capture_output=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_an_install_makes_user_and_folders_and_starts_nothing(hosts):
    hosts.fresh("a")
    apt(hosts, "install", f"regpair={OLDER}")
    assert hosts.run("a", "id", "-un", "regpair").stdout == "regpair\n"
    assert owner(hosts, "/etc/regpair") == "root:regpair 750"
    assert owner(hosts, "/run/regpair/fault") == "regpair:regpair 644"
    assert hosts.run("a", "cat", "/run/regpair/fault").stdout.strip() == "1"  # no address for a node that is not there
    assert unit(hosts) == ("enabled", "inactive")
    hosts.run("a", "systemctl", "start", "regpaird")  # without a configuration: nothing to start, no failure
    assert unit(hosts) == ("enabled", "inactive")
    assert hosts.run("a", "regpaird", "--version").stdout.startswith("regpaird ")


def test_a_configured_node_runs_in_its_sandbox_and_after_a_boot(hosts):
    example = "/usr/share/doc/regpair/examples/regpair.yaml"
    assert "can be used" in hosts.run("a", "regpaird", "--check", example).stdout
    configuration = hosts.path("a", "/etc/regpair/regpair.yaml")
    configuration.write_text(CONFIGURATION.format(address=hosts.address["a"]))
    hosts.run("a", "chgrp", "regpair", "/etc/regpair/regpair.yaml")
    configuration.chmod(0o640)
    hosts.run("a", "systemctl", "start", "regpaird")
    # the unit's own words on what it may, as systemd weighs them: 0 nothing, 10 everything
    weighed = hosts.run("a", "systemd-analyze", "security", "--no-pager", "--threshold=25", "regpaird.service", check=False)
    assert weighed.returncode == 0, weighed.stdout.splitlines()[-1]
    add_users(hosts)
    acked = hosts.folder / "acked"
    assert register(hosts, "--acked", acked)["ok"] == USERS
    status_line = f"active, standalone, epoch 1, {USERS} users"
    wait_until(lambda: status_line in hosts.run("a", "systemctl", "status", "regpaird").stdout, 20,
               "systemctl status tells role, state and users")
    hosts.stop("a")
    hosts.start("a")
    assert unit(hosts) == ("enabled", "active")
    register(hosts, "--audit", acked)


def test_an_operator_finds_completion_manuals_and_support(hosts):
    apt(hosts, "install", "bash-completion")
    completed = hosts.run("a", "bash", "-c", """
        . /usr/share/bash-completion/bash_completion
        _completion_loader regpairctl
        COMP_WORDS=(regpairctl switch) COMP_CWORD=1 COMP_LINE='regpairctl switch' COMP_POINT=17
        $(complete -p regpairctl | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        echo "${COMPREPLY[@]}"
        """).stdout
    assert completed == "switchover\n", completed
    for manual in ("man8/regpaird.8", "man1/regpairctl.1", "man5/regpair.yaml.5"):
        assert ".TH" in hosts.run("a", "zcat", f"/usr/share/man/{manual}.gz").stdout
    hosts.run("a", "regpairctl", "support", "/root/support.tar.gz")
    held = hosts.run("a", "tar", "tzf", "/root/support.tar.gz").stdout
    assert "status.json" in held, held


def test_whoever_comes_by_ssh_stands_in_the_audit_log_with_his_address(hosts):
    """The daemon may not read another's environment: logind knows."""
    hosts.ssh("a", "regpairctl log-level info && regpairctl log-level notice")
    for act in json.loads(hosts.run("a", "regpairctl", "--json", "audit", "--last", "2").stdout):
        assert (act["act"], act["user"], act["result"]) == ("log-level", "root", "done"), act
        assert act["from"] == hosts.address["client"], act
    hosts.run("a", "systemctl", "reload", "regpaird")
    act = json.loads(hosts.run("a", "regpairctl", "--json", "audit", "--last", "1").stdout)[0]
    assert (act["act"], act["changes"], act["result"]) == ("reload", [], "done") and "from" not in act, act


def test_that_archive_has_the_journals_of_the_host(hosts):
    listed = subprocess.run(["tar", "-xzOf", hosts.path("a", "/root/support.tar.gz"), "--wildcards", "*/journal-regpaird.txt",
                             "*/services.txt", "*/versions.txt", "*/configuration.yaml"], text=True, capture_output=True, check=True)
    for word in ("level=notice role=", "regpaird.service - ", f"regpair {OLDER}", "audit_file: /var/log/regpair/audit.log"):
        assert word in listed.stdout, f"{word} is not in {listed.stdout[-3000:]}"


def test_an_upgrade_leaves_the_running_daemon_to_whoever_hands_over_first(hosts):
    before = main_pid(hosts)
    said = apt(hosts, "install", "regpair")
    assert version(hosts) == newest(hosts) != OLDER
    assert main_pid(hosts) == before, "the upgrade restarted the daemon"
    assert "regpaird goes on as the old version until it is restarted" in said, said
    hosts.run("a", "systemctl", "restart", "regpaird")
    assert main_pid(hosts) != before
    register(hosts, "--audit", hosts.folder / "acked")


def test_a_unit_that_was_disabled_stays_so(hosts):
    hosts.run("a", "systemctl", "disable", "regpaird")
    apt(hosts, "install", "--allow-downgrades", f"regpair={OLDER}")
    assert unit(hosts) == ("disabled", "active")
    hosts.run("a", "systemctl", "enable", "regpaird")
    apt(hosts, "install", "regpair")
    assert unit(hosts) == ("enabled", "active")


def test_logrotate_turns_the_audit_log_over(hosts):
    log = hosts.path("a", "/var/log/regpair/audit.log")
    lines = log.read_text()
    assert '"act":' in lines, lines
    assert owner(hosts, "/var/log/regpair") == "regpair:regpair 750"
    apt(hosts, "install", "logrotate")
    hosts.run("a", "logrotate", "--force", "/etc/logrotate.d/regpair")
    assert log.with_suffix(".log.1").read_text() == lines
    hosts.run("a", "regpairctl", "subscriber", "remove", "user000001@example.com")
    assert "user000001" in log.read_text() and log.with_suffix(".log.1").read_text() == lines
    assert owner(hosts, "/var/log/regpair/audit.log") == "regpair:regpair 640"


def test_a_removed_package_comes_back_to_its_registrations(hosts):
    apt(hosts, "remove", "regpair")
    assert main_pid(hosts) == 0
    assert hosts.path("a", "/etc/regpair/regpair.yaml").exists()
    assert hosts.run("a", "cat", "/run/regpair/fault").stdout.strip() == "1"
    apt(hosts, "install", "regpair")
    hosts.run("a", "systemctl", "start", "regpaird")
    assert "user000000" in hosts.run("a", "regpairctl", "bindings").stdout


def test_a_purge_leaves_the_user_and_no_address(hosts):
    with_keepalived(hosts)
    hosts.run("a", "systemctl", "enable", "regpair-snmp-notify")
    said = apt(hosts, "purge", "regpair")
    assert "still names /run/regpair/fault" in said, said  # a missing one would let keepalived have the address
    for path in ("/etc/regpair", "/var/lib/regpair", "/var/log/regpair", "/etc/logrotate.d/regpair"):
        assert not hosts.path("a", path).exists(), path
    assert hosts.run("a", "sh", "-c", "ls -A /run/regpair; cat /run/regpair/fault").stdout.split() == ["fault", "1"]
    assert hosts.run("a", "id", "-un", "regpair").stdout == "regpair\n"
    left = hosts.run("a", "sh", "-c", "find /etc/systemd/system/*.wants /var/lib/systemd -name 'regpair*'").stdout
    assert left == "", left
    hosts.run("a", "systemctl", "restart", "keepalived")
    wait_until(lambda: faults(hosts) == 3, 10, "keepalived, started anew, is in fault")
    assert not hosts.has_address("a")


def test_a_purge_where_no_keepalived_is_leaves_nothing_at_run_time(hosts):
    apt(hosts, "purge", "keepalived")
    hosts.path("a", "/etc/keepalived/keepalived.conf").unlink()
    apt(hosts, "install", f"regpair={OLDER}")
    assert unit(hosts) == ("enabled", "inactive")
    apt(hosts, "purge", "regpair")
    assert hosts.run("a", "test", "-e", "/run/regpair", check=False).returncode == 1


def with_keepalived(hosts):
    """keepalived by the package's example: the address comes and goes by the track file."""
    apt(hosts, "install", "keepalived")
    example = hosts.path("a", "/usr/share/doc/regpair/examples/keepalived.conf").read_text()
    hosts.path("a", "/etc/keepalived/keepalived.conf").write_text(example.replace("192.0.2.", hosts.network.net + "."))
    drop_in = hosts.path("a", "/etc/systemd/system/keepalived.service.d/regpair.conf")
    drop_in.parent.mkdir()
    drop_in.write_text(hosts.path("a", "/usr/share/doc/regpair/examples/keepalived-unit.conf").read_text())
    hosts.run("a", "keepalived", "-t", "-f", "/etc/keepalived/keepalived.conf")
    hosts.run("a", "systemctl", "daemon-reload")
    hosts.run("a", "systemctl", "stop", "regpaird")
    hosts.run("a", "systemctl", "restart", "keepalived")
    wait_until(lambda: faults(hosts) == 1, 10, "keepalived is in fault while regpaird is stopped")
    hosts.run("a", "sh", "-c", "echo 0 > /run/regpair/fault")
    wait_until(lambda: hosts.has_address("a"), 10, "the address comes")
    hosts.run("a", "sh", "-c", "echo 1 > /run/regpair/fault")
    wait_until(lambda: faults(hosts) == 2 and not hosts.has_address("a"), 10, "the address goes")


def faults(hosts):
    said = hosts.run("a", "journalctl", "--no-pager", "-u", "keepalived", "-o", "cat").stdout
    return said.lower().count("(vi_sip) entering fault state")


def apt(hosts, *words):
    """apt-get on the host; what it prints."""
    options = ("-y", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0")
    return hosts.run("a", "apt-get", *options, *words).stdout


def version(hosts):
    return hosts.run("a", "dpkg-query", "-W", "-f", "${Version}", "regpair").stdout


def newest(hosts):
    return subprocess.run(["dpkg-deb", "-f", hosts.package, "Version"], text=True, capture_output=True,
                          check=True).stdout.strip()


def unit(hosts):
    """Enabled or not, active or not."""
    return tuple(hosts.run("a", "systemctl", question, "regpaird", check=False).stdout.strip()
                 for question in ("is-enabled", "is-active"))


def main_pid(hosts):
    return int(hosts.run("a", "systemctl", "show", "-P", "MainPID", "regpaird").stdout)


def owner(hosts, path):
    return hosts.run("a", "stat", "-c", "%U:%G %a", path).stdout.strip()


def add_users(hosts):
    wait_until(lambda: hosts.role("a") == "active", 30, "the node serves")
    hosts.add_users(USERS, nodes=["a"])


def register(hosts, *options):
    return hosts.regload("--host", hosts.address["a"], "--users", USERS, *options)
