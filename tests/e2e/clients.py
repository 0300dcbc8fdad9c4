"""clients.py - SIP clients not written here: sipp (sip-tester), baresip (baresip-core), linphonec (linphone-cli)."""
import shutil
import subprocess
import threading
import time
from pathlib import Path

from lab import LabError, Skip, wait_until

SCENARIOS = Path(__file__).resolve().parent / "sipp"


def need(program, package):
    if shutil.which(program) is None:
        raise Skip(f"{program} is not installed ({package})")


class Sipp:
    """One run of a scenario, a call for each of the users, in `namespace` and `folder`."""

    def __init__(self, namespace, folder, scenario, target, local, users, transport="u1", pause_ms=0,
                 password="secret"):
        need("sipp", "sip-tester")
        table = folder / f"{scenario}.csv"
        table.write_text("SEQUENTIAL\n" + "".join(
            f"user{n:06};[authentication username=user{n:06} password={password}{n:06}]\n" for n in users))
        self.errors = folder / f"{scenario}.errors"
        self.errors.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, "sipp", target, "-sf", SCENARIOS / f"{scenario}.xml", "-inf", table,
             "-i", local, "-auth_uri", "example.com", "-t", transport, "-m", str(len(users)), "-r", "100", "-d", str(pause_ms), "-nostdin",
             "-timeout", "30", "-timeout_error", "-trace_err", "-error_file", self.errors],
            cwd=folder, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def end(self, seconds=40):
        """Every call went as the scenario says."""
        try:
            out = self.process.communicate(timeout=seconds)[0]
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise LabError("sipp does not end") from None
        if self.process.returncode != 0:
            errors = self.errors.read_text(errors="replace") if self.errors.exists() else out
            raise LabError(f"sipp: exit {self.process.returncode}: {errors[:1500]}")


class Baresip:
    """A phone that registers at the virtual address for so many seconds, again before they end, and
    unregisters when it is ended. With `two_flows` by Outbound, both over UDP: it waits half a minute before it
    makes a connection again that has died."""

    def __init__(self, lab, user, password, seconds, domain="example.com", two_flows=False):
        need("baresip", "baresip-core")
        self.lab = lab
        folder = lab.folder / f"baresip-{user}"
        folder.mkdir(exist_ok=True)
        (folder / "config").write_text(
            "poll_method epoll\naudio_source aufile,/dev/null\naudio_player aufile,/dev/null\n"
            "module_path /usr/lib/baresip/modules\nmodule g711.so\nmodule_tmp uuid.so\nmodule_tmp account.so\n"
            "module_app menu.so\nnet_interface eth0\n")
        (folder / "contacts").write_text("")
        way = f'"sip:{lab.vip};transport=udp"'
        second = f";outbound2={way};sipnat=outbound" if two_flows else ""
        (folder / "accounts").write_text(
            f"<sip:{user}@{domain}>;auth_pass={password};outbound={way}{second};regint={seconds}\n")
        self.process = lab.popen("stdbuf", "-oL", "baresip", "-s", "-f", folder, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.said = ""
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            self.said += line

    def wait(self, text, times=1, seconds=10):
        wait_until(lambda: self.said.count(text) >= times or self.process.poll() is not None, seconds,
                   f"baresip says {text!r} {times} times; it said {self.said[-800:]!r}")
        if self.said.count(text) < times:
            raise LabError(f"baresip ended: {self.said[-800:]!r}")

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
        time.sleep(0.1)


LINPHONE = """\
[sip]
sip_port=-1
sip_tcp_port=-1
sip_tls_port=-1
default_proxy=0

[net]
dns_srv_enabled=0

[auth_info_0]
username={user}
passwd={password}
realm={domain}
domain={domain}

[proxy_0]
reg_proxy=<sip:{address};transport={transport}>
reg_identity=sip:{user}@{domain}
reg_expires={seconds}
reg_sendregister=1
publish=0
"""


class Linphone:
    """A phone that registers at the virtual address for so many seconds, again before they end, until it
    is told to unregister."""

    def __init__(self, lab, transport, **account):
        need("linphonec", "linphone-cli")
        folder = lab.folder / f"linphone-{transport}"
        shutil.rmtree(folder, ignore_errors=True)
        for kept in (".local/share/linphone", ".config/linphone"):
            (folder / kept).mkdir(parents=True)
        (folder / "rc").write_text(LINPHONE.format(address=lab.vip, transport=transport, **account))
        self.log = folder / "log"
        # It takes a host without a default route for one without a network, and stops after a few seconds.
        lab.run("ip", "route", "replace", "default", "via", lab.vip)
        self.process = lab.popen("env", f"HOME={folder}", "linphonec", "-c", folder / "rc", "-d", "6", "-l", self.log,
                                 stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def heard(self):
        """Its log, with all messages."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def say(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def end(self):
        try:
            self.process.communicate("quit\n", timeout=10)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            self.process.kill()
            self.process.wait()
