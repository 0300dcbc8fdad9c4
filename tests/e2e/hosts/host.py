"""host.py - one Debian host: systemd-nspawn boots it on a disk of its own, in a namespace of network.py.

It needs root and cgroups on this machine, no systemd: PID 1 here may be anything."""
import contextlib
import os
import signal
import subprocess
from pathlib import Path

from lab import LabError, now, wait_until

HIERARCHIES = ("systemd", "unified", "freezer", "pids")  # of version 1, each if it is there
# CAP_NET_ADMIN is not implied by a network namespace of its own; the others are for keepalived's scheduling.
CAPABILITIES = "CAP_NET_ADMIN,CAP_NET_RAW,CAP_SYS_NICE,CAP_IPC_LOCK,CAP_SYS_RESOURCE"
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
               "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}


def children(pid):
    with contextlib.suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def cgroup_roots():
    top = Path("/sys/fs/cgroup")
    return [top] if (top / "cgroup.controllers").exists() else [top / h for h in HIERARCHIES if (top / h).is_dir()]


def remove_group(group):
    """Says whether it is gone, with those within it."""
    for folder, _, _ in os.walk(group, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(folder)
    return not group.exists()


class Host:
    """What is written stands in folder/upper over the layers below it; folder/root is the whole, seen from
    here too."""

    def __init__(self, name, network, folder, binds):
        self.name, self.network, self.folder = name, network, folder / name
        self.machine, self.hostname = network.namespace(name), f"node-{name}"
        self.binds = binds
        self.root = self.folder / "root"
        self.process = None
        self.layers = []  # of the disk, the newest first; empty: there is no disk

    # --- the disk ---

    def new_disk(self, layers):
        """An empty one over these layers; the host is down."""
        self.forget_disk()
        self.layers = list(layers)
        (self.folder / "upper").mkdir(parents=True)

    def forget_disk(self):
        self._unmount()
        if self.folder.exists():
            subprocess.run(["rm", "-rf", "--one-file-system", self.folder], check=True)
        self.layers = []

    def keep_disk(self, folder):
        """What this host wrote becomes a layer, in `folder`; the host is down and has no disk then."""
        self._unmount()
        folder.parent.mkdir(parents=True, exist_ok=True)
        (self.folder / "upper").rename(folder)
        layers = [folder, *self.layers]
        self.forget_disk()
        return layers

    def _mount(self):
        for part in (self.root, self.folder / "work"):
            part.mkdir(exist_ok=True)
        lower = ":".join(str(layer) for layer in self.layers)
        subprocess.run(["mount", "-t", "overlay", self.machine, "-o",
                        f"lowerdir={lower},upperdir={self.folder}/upper,workdir={self.folder}/work", self.root],
                       check=True)
        (self.root / "etc/hostname").write_text(self.hostname + "\n")
        (self.root / "etc/hosts").write_text("127.0.0.1 localhost\n" + "".join(
            f"{self.network.address(n)} node-{n}\n" for n in "abc"))

    def _unmount(self):
        while os.path.ismount(self.root):
            subprocess.run(["umount", self.root], check=True)

    # --- on and off ---

    def start(self):
        """Power on; returns at once, see await_boot(). From the main thread: with it the host ends."""
        self._mount()
        self.network.plug(self.name)
        nspawn = [
            "systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", f"--machine={self.machine}",
            f"--hostname={self.hostname}", f"--network-namespace-path=/run/netns/{self.machine}",
            f"--directory={self.root}", "--console=pipe", "--resolv-conf=off", "--timezone=off", "--link-journal=no",
            f"--capability={CAPABILITIES}", *(f"--bind-ro={here}:{there}" for here, there in self.binds)]
        enter = "".join(f"echo 0 > {group}/cgroup.procs && " for group in self._make_groups())
        command = ["setpriv", "--pdeathsig", "TERM", "sh", "-c", enter + 'exec "$@"', "sh", *nspawn]
        with open(self.folder / "console.log", "ab") as console:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                                            env=dict(os.environ, SYSTEMD_NSPAWN_API_VFS_WRITABLE="network"),
                                            start_new_session=True)
        (self.folder / "pid").write_text(str(self.process.pid))

    def runs(self):
        return self.process is not None and self.process.poll() is None

    def await_boot(self, seconds=90):
        """Until its systemd has started everything."""
        def state():
            if not self.runs():
                raise LabError(f"{self.machine} ended: {self.console()}")
            return self.leader() and self.run("systemctl", "is-system-running", check=False).stdout.strip()
        try:
            wait_until(lambda: state() in ("running", "degraded"), seconds, f"{self.machine} has booted", every=0.1)
        except LabError as why:
            raise LabError(f"{why}: systemd says {state()!r}; {self.console()}") from None

    def console(self):
        return (self.folder / "console.log").read_text(errors="replace")[-800:]

    def stop(self, seconds=60):
        """An orderly shutdown, services first."""
        if self.runs():
            self.process.send_signal(signal.SIGTERM)
            self._ended(seconds)
        self.clear()

    def power_off(self):
        """The host is gone from one moment to the next: first the cable, then all that runs. That moment."""
        self.network.cable(self.name, "down")
        moment = now()
        os.kill(self.leader(), signal.SIGKILL)
        self._ended(20)
        self.clear()
        return moment

    def _ended(self, seconds):
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._kill(self.process.pid)
            self.process.wait(20)
            raise LabError(f"{self.machine} did not end within {seconds} s: {self.console()}") from None

    def clear(self):
        """Ends the host, if it runs still, whoever started it, and takes away what it left; its disk stays."""
        if self.runs():
            self._kill(self.process.pid)
            self.process.wait(20)
        self._end_leftover()
        self.network.unplug(self.name)
        self._unmount()
        # what the killed host ran may take a moment to be gone
        wait_until(lambda: all(remove_group(group) for group in self._groups()), 20, f"{self.machine}'s groups end")

    def _end_leftover(self):
        with contextlib.suppress(OSError, ValueError):
            pid = int((self.folder / "pid").read_text())
            (self.folder / "pid").unlink()
            if f"--machine={self.machine}\0" in Path(f"/proc/{pid}/cmdline").read_text():
                self._kill(pid)
                wait_until(lambda: not Path(f"/proc/{pid}").exists(), 20, f"process {pid} of {self.machine} ends")

    def _kill(self, pid):
        """nspawn by its process id: what it booted, and it ends with that."""
        for one in [*children(pid), pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)

    def _groups(self):
        return [root / self.machine for root in cgroup_roots()]

    def _make_groups(self):
        for group in self._groups():
            group.mkdir(exist_ok=True)
        return self._groups()

    # --- inside ---

    def leader(self):
        """The process that is number 1 on the host, or None."""
        return next(iter(children(self.process.pid)), None) if self.runs() else None

    def run(self, *command, text="", check=True, seconds=120):
        """A command of root on the host, without the way over the network."""
        leader = self.leader()
        if leader is None:
            raise LabError(f"{self.machine} is down")
        done = subprocess.run(["nsenter", "--target", str(leader), "--all", "--", *map(str, command)], input=text,
                              text=True, capture_output=True, timeout=seconds, check=False, env=ENVIRONMENT)
        if check and done.returncode != 0:
            raise LabError(f"{' '.join(map(str, command))} on {self.hostname}: exit {done.returncode}: "
                           f"{(done.stderr or done.stdout).strip()[-1500:]}")
        return done

    def path(self, absolute):
        """A file of the host as this machine sees it while the host has a disk that is mounted."""
        return self.root / absolute.lstrip("/")
