"""hosts.py - two Debian hosts with a systemd of their own, and a client: what an operator has.

A Hosts is made by run.py and handed to each test in whatever state the one before left it; a test begins by
saying what it needs: hosts.fresh() or hosts.deployed(). node-a and node-b are names as in an inventory, a and
b here; c is new iron. The client is a namespace of this machine: ansible, ssh, sipp and SNMP run there.
"""
import concurrent.futures
import contextlib
import fcntl
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from host import Host
from image import Image, make_packages
from lab import BIN, REPO, LabError, ms, now, wait_until
from network import Network

PAIR = ("a", "b")
UNIT = {"a": "primary", "b": "secondary", "c": "secondary"}


class Play:
    """How a playbook ended: its exit status, what it printed, and the sums of its recap for each host."""

    def __init__(self, status, text):
        self.status, self.text = status, text
        self.recap = {host: {key: int(number) for key, number in re.findall(r"(\w+)=(\d+)", sums)}
                      for host, sums in re.findall(r"^(\S+)\s+: (ok=.*)$", text, re.M)}

    def changed(self):
        return sum(sums["changed"] for sums in self.recap.values())


class Hosts:
    def __init__(self):
        self.prefix = os.environ.get("REGPAIR_HOSTS_LAB", "rh")
        self.network = Network(self.prefix, os.environ.get("REGPAIR_HOSTS_NET", "10.78.0"))
        self.folder = Path(os.environ.get("REGPAIR_HOSTS_DIR", "/var/tmp/regpair-hosts"))
        self.controller = self.folder / "controller"  # inventory, and what playbooks keep beside it
        self.vip, self.vip6 = f"{self.network.net}.10", f"{self.network.net6}:10"
        self.address = {host: self.network.address(host) for host in ("a", "b", "c", "client")}
        self.manager = {"name": "monitor", "auth_password": "auth-secret-of-the-test",  # asks, and is told, by SNMP
                        "priv_password": "priv-secret-of-the-test"}
        self.image = self.package = self.older_package = None
        self.nodes = {}
        self.plays = 0
        self.disks = {}    # the name of a kept state: the layers of each node
        self.base_is = None  # the name of the state that the hosts came up from

    @contextlib.contextmanager
    def ready(self):
        """Image, packages and network; at the end everything is ended, unmounted and forgotten. One run at
        a time: what a killed one left is cleared first."""
        with open(f"/run/lock/regpair-hosts-{self.prefix}", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.clear()
            try:
                self.prepare()
                yield self
            finally:
                self.clear()

    def prepare(self):
        begun = now()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.package, self.older_package = make_packages(self.folder / "packages")
        packed = now()
        self.image = Image(self.package)
        made = self.image.make()
        print(f"      packages {packed - begun:.1f} s, image {'made' if made else 'found'} {now() - packed:.1f} s",
              flush=True)
        binds = [(self.image.repository, "/srv/debian"), (self.folder / "packages", "/srv/regpair")]
        self.nodes = {name: Host(name, self.network, self.folder, binds) for name in "abc"}
        self.network.up()

    def clear(self):
        for name in "abc":
            host = self.nodes.get(name) or Host(name, self.network, self.folder, [])
            host.clear()
        self.network.down()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.disks.clear()

    # --- the hosts as a whole ---

    def fresh(self, *names):
        """Hosts as an installer leaves them, booted: a and b unless named."""
        self._up("fresh", {name: [self.image.base] for name in names or PAIR})

    def deployed(self, pristine=False):
        """A pair as site.yml makes it, paired. The first to ask has it made; later it takes the time of a
        boot, and none where the pair is still up and well, unless it is to be pristine."""
        if "deployed" not in self.disks:
            self.fresh()
            self.play("site.yml")
            wait_until(self.paired, 60, "the pair is paired after site.yml")
            self.keep("deployed")
        if not pristine and self.base_is == "deployed" and self.paired():
            return
        self.boot_kept("deployed")
        wait_until(self.paired, 60, "the deployed pair is paired after its boot")

    def keep(self, name):
        """Shuts the hosts down, and keeps the state of their disks and of the controller under that name."""
        names = [host.name for host in self.nodes.values() if host.runs()]
        self._each(lambda host: host.stop(), names)
        kept = self.folder / "kept" / name
        self.disks[name] = {n: self.nodes[n].keep_disk(kept / n) for n in names}
        with contextlib.suppress(FileNotFoundError):
            shutil.copytree(self.controller, kept / "controller")
        self.base_is = None

    def boot_kept(self, name):
        """Hosts with disks, and the controller, as they were kept."""
        self._up(name, self.disks[name])
        with contextlib.suppress(FileNotFoundError):
            shutil.copytree(self.folder / "kept" / name / "controller", self.controller)

    def _up(self, name, layers):
        self._each(lambda host: host.stop(), self.nodes)
        shutil.rmtree(self.controller, ignore_errors=True)
        self.base_is = None
        begun = now()
        for node, below in layers.items():
            self.nodes[node].new_disk(below)
            self.nodes[node].start()
        self._each(lambda host: self.await_host(host.name), layers)
        self.base_is = name
        print(f"      {name} hosts up in {now() - begun:.1f} s", flush=True)

    def _each(self, act, names):
        """Side by side, until all are done."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(act, [self.nodes[name] for name in names]))

    def await_host(self, node):
        """It has booted, lets ssh in, and its apt knows what there is."""
        host = self.nodes[node]
        host.await_boot()
        wait_until(lambda: self.ssh(node, "true", check=False).returncode == 0, 30, f"node-{node} lets ssh in")
        host.run("apt-get", "-qq", "update")

    # --- one host ---

    def start(self, node):
        """Power on, with the disk it had; new iron gets an empty one."""
        host = self.nodes[node]
        if not host.layers:
            host.new_disk([self.image.base])
        host.start()
        self.await_host(node)

    def stop(self, node):
        """An orderly shutdown of the host."""
        self.nodes[node].stop()

    def power(self, node):
        """The plug is pulled; the moment just before."""
        return self.nodes[node].power_off()

    def new_iron(self, node):
        """The host is replaced by another with an empty disk, at the same address."""
        self.nodes[node].stop()
        self.nodes[node].new_disk([self.image.base])
        self.start(node)

    def run(self, node, *command, **options):
        """On the host itself, as root; quick, see Host.run()."""
        return self.nodes[node].run(*command, **options)

    def path(self, node, absolute):
        return self.nodes[node].path(absolute)

    def ssh(self, node, command, check=True, seconds=60):
        """As the operator: by ssh from the client; `command` is a line for a shell there."""
        return self.client("ssh", *self.ssh_options(), f"root@{self.address[node]}", command, check=check,
                           seconds=seconds)

    def ssh_options(self):
        options = {"StrictHostKeyChecking": "no", "UserKnownHostsFile": "/dev/null", "LogLevel": "ERROR",
                   "ConnectTimeout": "2"}
        return ["-i", str(self.image.key), *(word for key, value in options.items() for word in ("-o", f"{key}={value}"))]

    # --- the client ---

    def client_command(self, *command):
        return ["ip", "netns", "exec", self.network.namespace("client"), *map(str, command)]

    def client(self, *command, check=True, seconds=120, **options):
        """A command to its end in the client's namespace."""
        done = subprocess.run(self.client_command(*command), text=True, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=seconds, check=False, **options)
        if check and done.returncode != 0:
            raise LabError(f"{' '.join(map(str, command))}: exit {done.returncode}: "
                           f"{(done.stderr or done.stdout).strip()[-1500:]}")
        return done

    def client_start(self, *command, **options):
        """A command beside the test; whoever starts it ends it."""
        return subprocess.Popen(self.client_command(*command), text=True, stdin=subprocess.DEVNULL, **options)

    # --- ansible ---

    def inventory(self, nodes=None, **variables):
        """What an operator would write, as a dictionary: `nodes` a unit for each, `variables` for all."""
        nodes = nodes or {name: UNIT[name] for name in PAIR}
        given = {
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self.image.key),
            "ansible_ssh_common_args": " ".join(self.ssh_options()[2:]),
            "ansible_python_interpreter": "/usr/bin/python3",
            "regpair_package": str(self.package),
            "regpair_interface": "eth0",
            "regpair_virtual_addresses": [f"{self.vip}/24", f"{self.vip6}/64"],
            "regpair_domains": [{"name": "example.com", "auth": "digest-md5"}],  # sipp knows MD5 alone
            "snmp_users": [self.manager],
            "snmp_receivers": [{"name": "manager", "address": self.address["client"], "user": self.manager["name"]}],
            **variables}
        hosts = {f"node-{name}": {"ansible_host": self.address[name], "regpair_unit": unit}
                 for name, unit in nodes.items()}
        return {"all": {"children": {"regpair": {"hosts": hosts, "vars": given}}}}

    def play(self, playbook, *options, inventory=None, check=True, seconds=300, folder=REPO / "ansible"):
        """Runs a playbook of the repository from the client; a Play. What it prints is kept in logs/."""
        work = self.controller
        work.mkdir(parents=True, exist_ok=True)
        path = work / "inventory.json"
        path.write_text(json.dumps(inventory or self.inventory(), indent=1))
        begun = now()
        environment = dict(os.environ, HOME=str(work), ANSIBLE_CONFIG=str(folder / "ansible.cfg"), ANSIBLE_NOCOLOR="1",
                           ANSIBLE_LOCAL_TEMP=str(work / "tmp"), ANSIBLE_RETRY_FILES_ENABLED="no", LC_ALL="C.UTF-8")
        done = self.client("ansible-playbook", "-i", path, folder / playbook, *options, check=False, seconds=seconds,
                           cwd=folder, env=environment)
        self.plays += 1
        text = done.stdout + done.stderr
        log = self.folder / "logs" / f"{self.plays:02}-{Path(playbook).stem}.log"
        log.parent.mkdir(exist_ok=True)
        log.write_text(text)
        print(f"      {playbook} {' '.join(map(str, options))} {now() - begun:.1f} s", flush=True)
        if check and done.returncode != 0:
            raise LabError(f"{playbook}: exit {done.returncode}:\n{failures_in(text)}")
        return Play(done.returncode, text)

    # --- what the nodes say ---

    def ctl(self, node, *arguments, **options):
        """regpairctl --json on a host: what it prints, read."""
        printed = self.run(node, "regpairctl", "--json", *arguments, **options).stdout
        return json.loads(printed) if printed.strip() else None

    def status(self, node):
        """The status table, or {} while the node does not answer."""
        with contextlib.suppress(LabError, json.JSONDecodeError, subprocess.TimeoutExpired):
            return self.ctl(node, "status", seconds=5)
        return {}

    def role(self, node):
        return self.status(node).get("role")

    def active(self, nodes=PAIR):
        """The node that is active, if exactly one is."""
        found = [node for node in nodes if self.role(node) == "active"]
        return found[0] if len(found) == 1 else None

    def paired(self, nodes=PAIR):
        active = self.active(nodes)
        return bool(active) and self.status(active).get("pair_state") == "paired" and \
            all(self.role(node) == "standby" for node in nodes if node != active)

    def has_address(self, node):
        return self.vip in self.network.addresses(node)

    # --- SIP ---

    def add_users(self, count, first=0, nodes=PAIR):
        """Those that regload registers, user000000 and so on, imported on the active of these nodes."""
        active = wait_until(lambda: self.active(nodes), 30, "one node is active")
        table = self.path(active, "/root/users.csv")
        subprocess.run([BIN / "regload", "--host", self.vip, "--users", str(count), "--first", str(first),
                        "--write-csv", table], check=True, capture_output=True, timeout=60)
        self.run(active, "regpairctl", "subscriber", "import", "--replace", "/root/users.csv")

    def regload_command(self, *arguments):
        return [BIN / "regload", "--host", self.vip, "--contact-host", f"{self.address['client']}:5070", "--json",
                *arguments]

    def regload(self, *arguments, seconds=120):
        """The load generator against the virtual address, to its end; its summary."""
        return json.loads(self.client(*self.regload_command(*arguments), seconds=seconds).stdout)

    def regload_start(self, *arguments):
        """The same beside the test; end it with regload_end()."""
        return self.client_start(*self.regload_command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def regload_end(self, process, seconds=60):
        process.terminate()
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            raise LabError("regload did not end on SIGTERM") from None
        if process.returncode != 0:
            raise LabError(f"regload: exit {process.returncode}: {err.strip()[-800:]}")
        return json.loads(out)

    # --- for whoever looks for a fault ---

    def journal(self, node, lines=25):
        """The end of the host's journal, or what can be had of it."""
        if self.nodes[node].runs():
            return self.run(node, "journalctl", "--no-pager", "-o", "short-precise", "-n", lines, check=False).stdout
        return "the host is down\n"


def failures_in(text):
    """Of what a playbook printed, the tasks that failed, and the recap."""
    blocks = text.split("\n\n")
    return "\n\n".join(block for block in blocks if re.search(r"^(fatal|failed):|ERROR|PLAY RECAP", block, re.M))[-4000:]
