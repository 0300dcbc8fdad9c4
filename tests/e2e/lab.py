"""lab.py - a pair of real nodes for the end-to-end tests: ha/pair with names of its own.

A Lab is made by run.py and handed to each test whole (both nodes up, the pair `paired`). Everything
that waits has a deadline and says what it waited for. Times are CLOCK_BOOTTIME seconds, as regload's.
"""
import contextlib
import fcntl
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("REGPAIR_BUILD", REPO / "build")).resolve()
BIN = BUILD / "gcc" / "bin"
NODES = ("a", "b")
UNIT = {"a": "primary", "b": "secondary"}
TRIAL_S = 30  # a standby that was late is waited for again once it was in time for so long, at most


class LabError(AssertionError):
    """What was asked of the pair did not happen."""


class Skip(Exception):
    """Raised by a test that cannot run here; says why."""


def alone(test):
    """A test that measures time as a client feels it: no other runs beside it."""
    test.alone = True
    return test


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


def ms(begin, end):
    """Between two times of now()."""
    return (end - begin) * 1000 if begin is not None and end is not None else float("nan")


def boottime_of(stamp):
    """A log's time, as 2026-01-01T12:00:00.123Z, on the clock of now()."""
    wall = datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc).timestamp()
    return wall - time.time() + now()


class Log:
    """What a node's daemon wrote since this was made."""

    def __init__(self, path):
        self.path = path
        self.begin = path.stat().st_size if path.exists() else 0

    def text(self):
        if not self.path.exists():
            return ""
        with open(self.path, "rb") as file:
            file.seek(self.begin)
            return file.read().decode(errors="replace")

    def line(self, pattern):
        """The first line that matches, or None."""
        return next((line for line in self.text().splitlines() if re.search(pattern, line)), None)

    def wait(self, pattern, seconds=5):
        return wait_until(lambda: self.line(pattern), seconds, f"{self.path} says {pattern}")

    def time(self, pattern):
        """When the first such line was written, on the clock of now(); None: there is none."""
        line = self.line(pattern)
        return boottime_of(line.split(" ", 1)[0]) if line else None


class Lab:
    def __init__(self, prefix="rpe", net="10.77.90", folder="/var/tmp/regpair-e2e"):
        self.prefix = os.environ.get("REGPAIR_E2E_LAB", prefix)
        self.net = os.environ.get("REGPAIR_E2E_NET", net)
        self.folder = Path(os.environ.get("REGPAIR_E2E_DIR", folder))
        self.daemon = Path(os.environ.get("REGPAIR_DAEMON", BIN / "regpaird"))
        self.ctl_program = Path(os.environ.get("REGPAIR_CTL", BIN / "regpairctl"))
        self.vip = f"{self.net}.10"
        self.address = {"a": f"{self.net}.11", "b": f"{self.net}.12", "c": f"{self.net}.100"}
        self.rounds = int(os.environ.get("REGPAIR_E2E_ROUNDS", "10"))
        self.users = set()  # numbers that add_users has brought in
        # Not to be built again by `up`: tests/run has done that, or REGPAIR_DAEMON names another.
        self.environment = dict(
            os.environ, REGPAIR_LAB=self.prefix, REGPAIR_NET=self.net, REGPAIR_DIR=str(self.folder),
            REGPAIR_BUILD=str(BUILD), REGPAIR_DAEMON=str(self.daemon), REGPAIR_CTL=str(self.ctl_program))

    @contextlib.contextmanager
    def alone(self):
        """One run at a time: the namespaces have fixed names, so that a run that was killed is cleared."""
        with open(f"/run/lock/regpair-{self.prefix}", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def share(self, part):
        """So many rounds that a test does which takes `part` times as long as others, or matters less."""
        return max(1, self.rounds // part)

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
        self.users.clear()
        return self.pair("down", "--clean")

    def start(self, node):
        return self.pair("start", node)

    def start_begin(self, node):
        """ha/pair start, which waits for what becomes of the node, beside the test."""
        return subprocess.Popen([REPO / "ha" / "pair", "start", node], env=self.environment, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def switchover(self, *options):
        return self.pair("switchover", *options)

    def kill(self, node):
        """SIGKILL for the daemon, until it is dead: one that is about to die is not started again. The
        moment just before."""
        pid = self.pid(node)
        moment = now()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not Path(f"/proc/{pid}").exists(), 5, f"regpaird on {node} is dead", every=0.001)
        return moment

    def pause(self, node):
        """The daemon hears and does nothing, and no watchdog ends it, until resume(); the moment just before."""
        moment = now()
        for program in ("watchdog", "regpaird"):
            os.kill(self.pid(node, program), signal.SIGSTOP)
        return moment

    def resume(self, node):
        """The moment just before it goes on."""
        moment = now()
        for program in ("regpaird", "watchdog"):
            os.kill(self.pid(node, program), signal.SIGCONT)
        return moment

    def stop_daemon(self, node, seconds=15):
        """The service is stopped as a host does it: SIGTERM, until it has ended."""
        pid = self.pid(node)
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not Path(f"/proc/{pid}").exists(), seconds, f"regpaird on {node} stops")

    def cut(self, node):
        """The host is gone: link down (the moment just before is returned), then everything killed."""
        moment = now()
        subprocess.run(["ip", "-n", self.namespace(node), "link", "set", "eth0", "down"], check=True)
        self.pair("cut", node)
        return moment

    def start_daemon(self, node):
        """Without waiting for what becomes of it. One that has just ended may not be seen to have: hence again."""
        def runs():
            os.kill(self.pid(node, "supervise"), signal.SIGUSR1)
            with contextlib.suppress(FileNotFoundError):
                return Path(f"/proc/{self.pid(node)}").exists()

        wait_until(runs, 5, f"regpaird runs on {node}", every=0.2)

    @contextlib.contextmanager
    def configured(self, old, new):
        """Both nodes with `old` in their configuration replaced by `new`, one after the other; at the end
        as they were."""
        self.reconfigure(old, new)
        try:
            yield
        finally:
            self.heal()
            self.reconfigure(new, old)

    def reconfigure(self, old, new):
        """Either may be a text for each node."""
        for node in NODES:
            path = self.folder / node / "regpair.yaml"
            text = path.read_text()
            was, will = (one[node] if isinstance(one, dict) else one for one in (old, new))
            assert was in text, f"{path} does not hold {was!r}"
            self.stop_daemon(node)
            path.write_text(text.replace(was, will))
            self.start(node)
            self.until_paired(f"paired after {node} was started anew")

    def signal_host(self, node, number):
        """A signal for everything that runs on the host: STOP is a host that hangs."""
        pids = subprocess.run(["ip", "netns", "pids", self.namespace(node)], text=True, capture_output=True,
                              check=True).stdout.split()
        for pid in pids:
            os.kill(int(pid), number)

    def heal(self, seconds=60):
        """Both nodes run and the pair is paired, whatever a test did to them. One may wait for the other."""
        for start in [self.start_begin(node) for node in NODES]:
            said = start.communicate(timeout=seconds + 20)[0]
            if start.returncode != 0:
                raise LabError(f"ha/pair start: {said}")
        wait_until(self.paired, seconds, "the pair is paired")

    # --- what the nodes say ---

    def ctl(self, node, *arguments, text=None, seconds=60):
        """regpairctl --json on a node: what it prints, read."""
        done = self.ctl_run(node, "--json", *arguments, text=text, seconds=seconds)
        if done.returncode != 0:
            raise LabError(f"regpairctl {' '.join(arguments)} on {node}: {done.stderr.strip()}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def ctl_run(self, node, *arguments, text=None, seconds=60, socket="control.sock"):
        """The finished process, for tests of exit codes and of what a person reads."""
        path = self.folder / node / "run" / socket
        return subprocess.run([self.ctl_program, "--control", path, *arguments], input=text or "",
                              text=True, capture_output=True, timeout=seconds)

    def ctl_start(self, node, *arguments, socket="control.sock"):
        """The same at work beside the test."""
        path = self.folder / node / "run" / socket
        return subprocess.Popen([self.ctl_program, "--control", path, *arguments], text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    @contextlib.contextmanager
    def events(self, node):
        """What the monitor's socket tells from now on: a function that finds events in it by what they say."""
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(str(self.folder / node / "run" / "monitor.sock"))
            monitor.sendall(b'{"id": 1, "command": "events"}\n')
            lines = monitor.makefile()
            assert json.loads(lines.readline())["ok"]
            heard = []
            reader = threading.Thread(target=lambda: heard.extend(map(json.loads, lines)))
            reader.start()
            try:
                yield lambda **wanted: [one for one in list(heard) if wanted.items() <= one.items()]
            finally:
                monitor.shutdown(socket.SHUT_RDWR)
                reader.join()

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

    def until_paired(self, what):
        """However late the standby was in what came before."""
        wait_until(self.paired, 20 + TRIAL_S, what)

    def equal(self):
        """Both nodes tell the same position and the same digest of all records."""
        left, right = self.status("a"), self.status("b")
        return all(left.get(k) == right.get(k) is not None for k in ("seq", "digest", "aors", "subscribers"))

    def in_step(self, seconds=10 + TRIAL_S):
        wait_until(lambda: self.paired() and self.equal(), seconds, "the pair is paired, seq and digest equal on both",
                   every=0.1)

    def log(self, node):
        return Log(self.folder / node / "log" / "regpaird.log")

    def has_address(self, node):
        shown = subprocess.run(["ip", "-n", self.namespace(node), "-4", "-o", "address", "show", "dev", "eth0"],
                               text=True, capture_output=True, check=True).stdout
        return f" {self.vip}/" in shown

    def talk_to(self, node):
        """The client's packets to the virtual address go to this node; None: to whoever owns it."""
        neighbour = (self.vip, "dev", "eth0")
        if node is None:
            self.run("ip", "neigh", "del", *neighbour, check=False)
            return
        address = self.run("cat", "/sys/class/net/eth0/address", host=node).stdout.strip()
        self.run("ip", "neigh", "replace", *neighbour, "lladdr", address, "nud", "permanent")

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
        missing = set(range(first, first + count)) - self.users
        if not missing:
            return
        table = self.users_table(max(missing) - min(missing) + 1, min(missing))

        def imported():  # on a busy machine it may be told to try again
            active = wait_until(self.active, 10, "one node is active")
            done = self.ctl_run(active, "subscriber", "import", "--replace", str(table), seconds=300)
            if done.returncode != 0 and "paused: try again" not in done.stderr:
                raise LabError(f"subscriber import: {done.stderr.strip()}")
            return done.returncode == 0
        wait_until(imported, 10, "the users are imported")
        self.users |= missing

    def users_table(self, count, first=0):
        """A file of user,password lines for `subscriber import`."""
        table = self.folder / "users.csv"
        subprocess.run([BIN / "regload", "--host", self.vip, "--users", str(count), "--first", str(first),
                        "--write-csv", table], check=True, capture_output=True, timeout=60)
        return table

    def logs(self):
        return {node: sorted((self.folder / node / "log").glob("*.log")) for node in NODES}
