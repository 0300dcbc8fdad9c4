"""lab.py - a pair of real nodes for the end-to-end tests: ha/pair with names of its own.

A Lab is made by run.py and handed to each test whole (both nodes up, the pair `paired`). Everything
that waits has a deadline and says what it waited for. Times are CLOCK_BOOTTIME seconds, as regload's.
"""
import json
import os
import signal
import subprocess
import time
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("REGPAIR_BUILD", REPO / "build")).resolve()
BIN = BUILD / "gcc" / "bin"
NODES = ("a", "b")


class LabError(AssertionError):
    """What was asked of the pair did not happen."""


class Skip(Exception):
    """Raised by a test that cannot run here; says why."""


def now():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def wait_until(true, seconds, what, every=0.02):
    """Polls `true` until it gives something; that is the result."""
    deadline = now() + seconds
    while True:
        value = true()
        if value:
            return value
        if now() > deadline:
            raise LabError(f"after {seconds} s still not: {what}")
        time.sleep(every)


def other(node):
    return "b" if node == "a" else "a"


class Lab:
    def __init__(self, prefix="rpe", net="10.77.90", folder="/run/regpair-e2e"):
        self.prefix = os.environ.get("REGPAIR_E2E_LAB", prefix)
        self.net = os.environ.get("REGPAIR_E2E_NET", net)
        self.folder = Path(os.environ.get("REGPAIR_E2E_DIR", folder))
        self.daemon = Path(os.environ.get("REGPAIR_DAEMON", BIN / "regpaird"))
        self.ctl_program = Path(os.environ.get("REGPAIR_CTL", BIN / "regpairctl"))
        self.vip = f"{self.net}.10"
        self.address = {"a": f"{self.net}.11", "b": f"{self.net}.12", "c": f"{self.net}.100"}
        # Not to be built again by `up`: tests/run has done that, or REGPAIR_DAEMON names another.
        self.environment = dict(
            os.environ, REGPAIR_LAB=self.prefix, REGPAIR_NET=self.net, REGPAIR_DIR=str(self.folder),
            REGPAIR_BUILD=str(BUILD), REGPAIR_DAEMON=str(self.daemon), REGPAIR_CTL=str(self.ctl_program))

    # --- ha/pair ---

    def pair(self, *arguments, seconds=120):
        done = subprocess.run([REPO / "ha" / "pair", *arguments], env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds)
        if done.returncode != 0:
            raise LabError(f"ha/pair {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def up(self, *options):
        return self.pair("up", *options)

    def down(self):
        return self.pair("down", "--clean")

    def start(self, node):
        return self.pair("start", node)

    def switchover(self, *options):
        return self.pair("switchover", *options)

    def kill(self, node):
        """SIGKILL for the daemon; the moment just before."""
        pid = self.pid(node)
        moment = now()
        os.kill(pid, signal.SIGKILL)
        return moment

    def cut(self, node):
        """The host is gone: link down (the moment just before is returned), then everything killed."""
        moment = now()
        subprocess.run(["ip", "-n", self.namespace(node), "link", "set", "eth0", "down"], check=True)
        self.pair("cut", node)
        return moment

    def heal(self, seconds=60):
        """Both nodes run and the pair is paired, whatever a test did to them."""
        for node in NODES:
            self.start(node)
        wait_until(self.paired, seconds, "the pair is paired")

    # --- what the nodes say ---

    def ctl(self, node, *arguments, text=None, seconds=60):
        """regpairctl --json on a node: what it prints, read."""
        done = self.ctl_run(node, "--json", *arguments, text=text, seconds=seconds)
        if done.returncode != 0:
            raise LabError(f"regpairctl {' '.join(arguments)} on {node}: {done.stderr.strip()}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def ctl_run(self, node, *arguments, text=None, seconds=60):
        """The finished process, for tests of exit codes and of what a person reads."""
        socket = self.folder / node / "run" / "control.sock"
        return subprocess.run([self.ctl_program, "--control", socket, *arguments], input=text or "",
                              text=True, capture_output=True, timeout=seconds)

    def status(self, node):
        """The status table, or {} while the node does not answer."""
        try:
            return self.ctl(node, "status", seconds=5)
        except (LabError, subprocess.TimeoutExpired, json.JSONDecodeError):
            return {}

    def role(self, node):
        return self.status(node).get("role")

    def active(self):
        """The node that is active, if exactly one is."""
        found = [node for node in NODES if self.role(node) == "active"]
        return found[0] if len(found) == 1 else None

    def paired(self):
        active = self.active()
        return bool(active) and self.status(active).get("pair_state") == "paired" and \
            self.role(other(active)) == "standby"

    def has_address(self, node):
        shown = subprocess.run(["ip", "-n", self.namespace(node), "-4", "-o", "address", "show", "dev", "eth0"],
                               text=True, capture_output=True, check=True).stdout
        return f" {self.vip}/" in shown

    # --- processes ---

    def namespace(self, host):
        return f"{self.prefix}-{host}"

    def pid(self, node, program="regpaird"):
        return int((self.folder / node / "run" / f"{program}.pid").read_text())

    def popen(self, *command, host="c", **options):
        return subprocess.Popen(["ip", "netns", "exec", self.namespace(host), *map(str, command)],
                                text=True, **options)

    def run(self, *command, host="c", seconds=120, check=True):
        """A command to its end, in the client's namespace unless said otherwise."""
        done = subprocess.run(["ip", "netns", "exec", self.namespace(host), *map(str, command)], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds)
        if check and done.returncode != 0:
            raise LabError(f"{' '.join(map(str, command))}: exit {done.returncode}: "
                           f"{done.stderr.strip()[-800:]}")
        return done

    def regload_command(self, *arguments):
        return [BIN / "regload", "--host", self.vip, "--contact-host", f"{self.address['c']}:5070", "--json",
                *arguments]

    def regload(self, *arguments, seconds=120, check=True):
        """The load generator against the virtual address; its summary."""
        done = self.run(*self.regload_command(*arguments), seconds=seconds, check=check)
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def regload_start(self, *arguments):
        """The same at work beside the test; end it with regload_end."""
        return self.popen(*self.regload_command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def regload_end(self, process, seconds=60):
        process.send_signal(signal.SIGTERM)
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            raise LabError("regload did not end on SIGTERM") from None
        if process.returncode != 0:
            raise LabError(f"regload: exit {process.returncode}: {err.strip()[-800:]}")
        return json.loads(out)

    def add_users(self, count, first=0):
        """The users regload registers as (user000000 and so on), imported on the active node."""
        table = self.folder / "users.csv"
        subprocess.run([BIN / "regload", "--host", self.vip, "--users", str(count), "--first", str(first),
                        "--write-csv", table], check=True, capture_output=True, timeout=60)
        active = wait_until(self.active, 10, "one node is active")
        done = self.ctl_run(active, "subscriber", "import", str(table), seconds=300)
        if done.returncode != 0:
            raise LabError(f"subscriber import: {done.stderr.strip()}")

    def logs(self):
        return {node: sorted((self.folder / node / "log").glob("*.log")) for node in NODES}
