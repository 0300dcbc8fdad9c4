"""watch.py - what a manager of the network sees: asked by SNMP version 3, told by informs, SIP answered."""
import json
import subprocess
import threading
import time

from lab import REPO, LabError, now, wait_until
from snmp import quoted

BASE = ".1.3.6.1.4.1.8072.9999.9999.7060"
ANSWERS, UNIT, ROLE = f"{BASE}.1.5.0", f"{BASE}.1.1.1.0", f"{BASE}.1.1.2.0"
ROLE_CHANGED = f"{BASE}.0.1"
EVERY_S = 0.1


class AsLab:
    """What load.Phones asks of a lab, given by hosts."""

    def __init__(self, hosts):
        self.folder = hosts.folder
        self.add_users = hosts.add_users
        self.regload, self.regload_start, self.regload_end = hosts.regload, hosts.regload_start, hosts.regload_end
        self.regload_command = hosts.regload_command
        self.run = hosts.client


def snmp_options(user):
    return ["-m", "", "-v3", "-l", "authPriv", "-u", user["name"], "-a", "SHA-256", "-A", user["auth_password"],
            "-x", "AES", "-X", user["priv_password"]]


class Manager:
    """Asks by SNMP and keeps what it was told. `with Manager(hosts, user) as manager:`"""

    def __init__(self, hosts, user):
        self.hosts, self.user = hosts, user
        self.folder = hosts.folder / "manager"
        self.heard = self.folder / "heard.log"

    def __enter__(self):
        self.folder.mkdir(exist_ok=True)
        self.heard.write_text("")
        settings = self.folder / "snmptrapd.conf"
        name, secret, key = (quoted(self.user[word]) for word in ("name", "auth_password", "priv_password"))
        settings.write_text(f'createUser {name} SHA-256 {secret} AES {key}\nauthUser log {name} priv\n')
        log = open(self.folder / "snmptrapd.log", "w", encoding="utf-8")
        self.process = self.hosts.client_start(
            "env", f"SNMP_PERSISTENT_DIR={self.folder}", "snmptrapd", "-m", "", "-M", "", "-f", "-On", "-Lf", self.heard,
            "-C", "-c", settings, f"udp:{self.hosts.address['client']}:162", stdout=log, stderr=subprocess.STDOUT)
        log.close()
        wait_until(lambda: self.told("", "NET-SNMP"), 10, "snmptrapd listens")
        return self

    def __exit__(self, *why):
        self.process.terminate()
        self.process.wait(10)

    def get(self, address, *oids, seconds=2):
        """The values as texts; None: no answer."""
        done = self.hosts.client("snmpget", *snmp_options(self.user), "-t", seconds, "-r", 0, "-Oqv", address, *oids,
                                 check=False)
        if done.returncode != 0:
            return None
        return [line.strip('"') for line in done.stdout.splitlines()]

    def must_get(self, address, *oids):
        return wait_until(lambda: self.get(address, *oids), 10, f"{address} answers {self.user['name']} by SNMP")

    def told(self, oid, *words):
        """Notifications of that kind that hold these words, too; without a kind, lines of any."""
        if self.process.poll() is not None:
            raise LabError(f"snmptrapd ended with {self.process.returncode}: {(self.folder / 'snmptrapd.log').read_text()}")
        lines = self.heard.read_text(errors="replace").splitlines()
        return [line for line in lines if (not oid or f"= OID: {oid}\t" in line + "\t") and
                all(word in line for word in words)]


class Watch:
    """Asks one address for unit and role, again and again, beside the test."""

    def __init__(self, manager, address):
        self.manager, self.address = manager, address
        self.seen = []  # (when, [unit, role]); each change once
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._ask, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *why):
        self.stopping.set()
        self.thread.join(10)

    def _ask(self):
        while not self.stopping.is_set():
            said = self.manager.get(self.address, UNIT, ROLE, seconds=1)
            if said and (not self.seen or self.seen[-1][1] != said):
                self.seen.append((now(), said))
            time.sleep(EVERY_S)

    def wait(self, unit, role, seconds=20):
        """Until the newest answer is that."""
        return wait_until(lambda: self.seen and self.seen[-1][1] == [unit, role], seconds,
                          f"{self.address} answers by SNMP as {unit} and {role}, not {self.seen[-1:]}")

    def units(self):
        """The units that answered as active, in order."""
        found = [said[0] for _, said in self.seen if said[1] == "active"]
        return [unit for at, unit in enumerate(found) if at == 0 or found[at - 1] != unit]


def check(hosts, user):
    """check_regpair as a monitoring system runs it: its exit status and what it says."""
    folder = hosts.folder / "check"
    folder.mkdir(exist_ok=True)
    (folder / "snmp.conf").write_text(
        f"defVersion 3\ndefSecurityLevel authPriv\ndefSecurityName {user['name']}\ndefAuthType SHA-256\n"
        f"defAuthPassphrase {user['auth_password']}\ndefPrivType AES\ndefPrivPassphrase {user['priv_password']}\n")
    done = hosts.client(REPO / "ha" / "snmp" / "check_regpair", "--host", hosts.address["a"], "--host", hosts.address["b"], "--address", hosts.vip,
                        "--conf", folder, check=False)
    return done.returncode, done.stdout


def options(hosts, address):
    """An OPTIONS over UDP from the client: the status line of its answer."""
    program = """
import json, socket, sys
host = sys.argv[1]
family = socket.AF_INET6 if ":" in host else socket.AF_INET
phone = socket.socket(family, socket.SOCK_DGRAM)
phone.settimeout(5)
phone.connect((host, 5060))
own, port = phone.getsockname()[:2]
own, host = (f"[{one}]" if ":" in one else one for one in (own, host))
phone.send((f"OPTIONS sip:{host} SIP/2.0\\r\\nVia: SIP/2.0/UDP {own}:{port};branch=z9hG4bK{port};rport\\r\\n"
            f"Max-Forwards: 70\\r\\nFrom: <sip:manager@example.com>;tag={port}\\r\\nTo: <sip:{host}>\\r\\n"
            f"Call-ID: options-{port}\\r\\nCSeq: 1 OPTIONS\\r\\nContent-Length: 0\\r\\n\\r\\n").encode())
print(json.dumps(phone.recv(4096).decode().splitlines()[0]))
"""
    done = hosts.client("python3", "-c", program, address, check=False)
    if done.returncode != 0:
        raise LabError(f"OPTIONS to {address}: {done.stderr.strip()[-300:]}")
    return json.loads(done.stdout)
