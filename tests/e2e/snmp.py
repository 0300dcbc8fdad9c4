"""snmp.py - what watches a pair by SNMP: snmpd and regpair-snmp-notify on both nodes, snmptrapd at the client.

Everything by version 3, SHA-256 and AES; one manager of version 2c is told beside it.
"""
import re
import signal
import subprocess

from lab import NODES, REPO, now, wait_until

PROGRAMS = REPO / "ha" / "snmp"
BASE = ".1.3.6.1.4.1.8072.9999.9999.7060"
AUTH, PRIV, COMMUNITY = 'auth "pass" \\phrase', "priv #pass%phrase", "lab community"  # harmless ones need no test
UNIT, ROLE, PAIR_STATE, ANSWERS = "1.1.1.0", "1.1.2.0", "1.1.12.0", "1.5.0"

SNMPD = """
agentaddress udp:161
createUser monitor SHA-256 {auth_quoted} AES {priv_quoted}
rouser monitor priv
pass_persist {base} {programs}/regpair-snmp-agent {socket}
"""

CLIENT = """
defVersion 3
defSecurityLevel authPriv
defSecurityName monitor
defAuthType SHA-256
defAuthPassphrase {auth_quoted}
defPrivType AES
defPrivPassphrase {priv_quoted}
"""

# Informs need the receiver's user alone: the receiver's engine is the one that counts.
SNMPTRAPD = """
createUser notifier SHA-256 {auth_quoted} AES {priv_quoted}
authUser log notifier priv
createUser -e 0x80000000010a trapper SHA-256 {auth_quoted} AES {priv_quoted}
createUser -e 0x80000000010b trapper SHA-256 {auth_quoted} AES {priv_quoted}
authUser log trapper priv
authCommunity log {community_quoted}
format2 %b %P %v\\n
"""

NOTIFY = """
[node]
monitor = {socket}
[v3]
address = udp:{client}:162
user = notifier
auth_password = {auth}
priv_password = {priv}
[v3 trap]
address = udp:{client}:162
inform = no
user = trapper
auth_password = {auth}
priv_password = {priv}
engine_id = 0x80000000010{node}
[v2c]
address = udp:{client}:162
version = 2c
inform = no
community = {community}
"""


def quoted(word):
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Notifications:
    """What snmptrapd wrote: a line for each, its sender, how it came, its values by their numbers."""

    def __init__(self, path):
        self.path = path

    def of(self, sender, number):
        """[{number below BASE: value}] of those of version 3 from there."""
        found = []
        for line in self.path.read_text(errors="replace").splitlines():
            values = dict(re.findall(r"(\S+) = \w[\w-]*: (\S.*?)(?:\t|$)", line))
            if f"[{sender}]" in line and "INFORM" in line and values.get(".1.3.6.1.6.3.1.1.4.1.0") == f"{BASE}.{number}":
                found.append({oid.removeprefix(f"{BASE}."): value.strip('"') for oid, value in values.items()})
        return found

    def traps(self, sender, number, version):
        """How many came as traps."""
        return len([line for line in self.path.read_text(errors="replace").splitlines()
                    if f"[{sender}]" in line and f"TRAP2, SNMP {version}," in line
                    and f"OID: {BASE}.{number}\t" in line])


class Watched:
    """A lab's pair and what watches it, as a context."""

    def __init__(self, lab):
        self.lab = lab
        self.folder = lab.folder / "snmp"
        self.processes = []
        self.notifications = Notifications(self.folder / "notifications")

    def __enter__(self):
        words = {"auth": AUTH, "priv": PRIV, "community": COMMUNITY, "base": BASE, "programs": PROGRAMS,
                 "client": self.lab.address["c"]}
        words |= {f"{key}_quoted": quoted(words[key]) for key in ("auth", "priv", "community")}
        try:
            self.start("c", "snmptrapd", SNMPTRAPD.format(**words), "-On", "-Lf", self.notifications.path, "udp:162")
            self.write(self.folder / "client", "snmp.conf", CLIENT.format(**words))
            for node in NODES:
                words["node"] = node
                words["socket"] = self.lab.folder / node / "run" / "monitor.sock"
                self.start(node, "snmpd", SNMPD.format(**words), "-Lf", self.folder / node / "snmpd.log")
                path = self.write(self.folder / node, "notify.conf", NOTIFY.format(**words))
                self.spawn(node, PROGRAMS / "regpair-snmp-notify", "--config", path)
            for node in NODES:
                wait_until(lambda node=node: self.get(self.lab.address[node], ANSWERS) == "1", 20,
                           f"snmpd on {node} knows its regpaird")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def spawn(self, host, *command):
        folder = self.folder / host
        with open(folder / "output", "a", encoding="utf-8") as output:
            self.processes.append(self.lab.popen(
                "env", f"SNMP_PERSISTENT_DIR={folder}", "MIBS=", *command, host=host, stdin=subprocess.DEVNULL,
                stdout=output, stderr=output))

    def start(self, host, program, configuration, *options):
        path = self.write(self.folder / host, f"{program}.conf", configuration)
        self.spawn(host, program, "-f", "-C", "-c", path, "-p", self.folder / host / f"{program}.pid", *options)

    @staticmethod
    def write(folder, name, text):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    # --- the client asks ---

    def snmp(self, program, where, *numbers):
        return self.lab.run("env", f"SNMPCONFPATH={self.folder / 'client'}",
                            f"SNMP_PERSISTENT_DIR={self.folder / 'client'}", program, "-M", "", "-m", "", "-Oqn",
                            "-t", "1", "-r", "1", where, *[f"{BASE}.{number}" for number in numbers], check=False)

    def get(self, where, number):
        """The value; None: there is no answer, or no such thing."""
        done = self.snmp("snmpget", where, number)
        value = done.stdout.partition(" ")[2].strip()
        return None if done.returncode != 0 or value.startswith("No Such") else value.strip('"')

    def walk(self, where):
        done = self.snmp("snmpbulkwalk", where, "1")
        lines = [line.partition(" ") for line in done.stdout.splitlines() if line.startswith(".")]
        return {oid.removeprefix(f"{BASE}."): value.strip('"') for oid, _, value in lines}

    def check(self, *more):
        """check_regpair: (its exit code, what it says)."""
        address = self.lab.address
        done = self.lab.run("env", f"SNMP_PERSISTENT_DIR={self.folder / 'client'}", PROGRAMS / "check_regpair",
                            "--host", address["a"], "--host", address["b"], "--address", self.lab.vip, "--conf",
                            self.folder / "client", "--timeout", "1", *more, check=False)
        return done.returncode, done.stdout.strip()

    def await_check(self, code, said, seconds=30):
        return wait_until(lambda: (lambda found: found if found[0] == code and said in found[1] else None)(self.check()),
                          seconds, f"check_regpair ends with {code} and says {said!r}")

    def await_notification(self, node, number, seconds=30, **holds):
        """The first of these from that node that holds these values, and when it was seen."""
        wanted = {key.replace("_", "."): value for key, value in holds.items()}
        def there():
            return next((one for one in self.notifications.of(self.lab.address[node], number)
                         if all(one.get(key.removeprefix("n.")) == value for key, value in wanted.items())), None)
        found = wait_until(there, seconds, f"{number} {wanted} of {node} has come to snmptrapd")
        return found, now()
