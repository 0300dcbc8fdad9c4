"""network.py - what a test does to the network between the nodes, and undoes.

Every fault is a context: it is there inside, and gone behind it whatever happened. The peer's ports
are told apart from the rest (SIP, VRRP), so that either can fail alone.
"""
import contextlib
import subprocess

from lab import BIN, NODES, LabError, now, other

PEER_PORTS = "7060-7069"
SEED = 1  # of the cable's dice: the same packets are lost in every run
TABLE = "77"


@contextlib.contextmanager
def rules(lab, node, *lines):
    """nftables rules for what comes to a node and what leaves it."""
    text = "table inet fault {\n"
    for hook in ("input", "output"):
        text += f"chain {hook} {{ type filter hook {hook} priority 0; policy accept;\n"
        text += "\n".join(lines) + "\n}\n"
    path = lab.folder / f"fault-{node}.nft"
    path.write_text(text + "}\n")
    lab.run("nft", "-f", path, host=node)
    try:
        yield
    finally:
        lab.run("nft", "delete", "table", "inet", "fault", host=node)


def peer(lab, verdict):
    """What `verdict` does to each packet of the peer's connections."""
    return rules(lab, "a", f"tcp sport {PEER_PORTS} {verdict}", f"tcp dport {PEER_PORTS} {verdict}")


def peer_cut(lab):
    return peer(lab, "drop")


def peer_reset(lab):
    """Each is answered by a reset, to whoever sent it."""
    return peer(lab, "tcp flags & rst == 0 reject with tcp reset")


def peer_loss(lab, percent):
    """Of every hundred packets between the nodes so many are lost, either way."""
    return peer(lab, f"numgen random mod 100 < {percent} drop")


def service_cut(lab, node):
    """All but the peer's connections: no client and no VRRP advert comes through."""
    return rules(lab, node, f"tcp sport {PEER_PORTS} accept", f"tcp dport {PEER_PORTS} accept", "drop")


SECOND = {"a": "169.254.77.1", "b": "169.254.77.2"}


@contextlib.contextmanager
def second_path(lab):
    """A cable of its own between the nodes, and their second live connection over it."""
    port = "bulk_port: 7061,"
    both = {node: f"{port} second_address: {SECOND[other(node)]}, second_listen: {SECOND[node]}," for node in NODES}
    subprocess.run(["ip", "-n", lab.namespace("a"), "link", "add", "eth1", "type", "veth", "peer", "name", "eth1",
                    "netns", lab.namespace("b")], check=True)
    try:
        for node in NODES:
            for words in (("address", "add", f"{SECOND[node]}/24", "dev", "eth1"), ("link", "set", "eth1", "up")):
                subprocess.run(["ip", "-n", lab.namespace(node), *words], check=True)
        with lab.configured(port, both):
            yield
    finally:
        subprocess.run(["ip", "-n", lab.namespace("a"), "link", "del", "eth1"], check=True)


def path_cut(lab, second):
    """One of two paths is silent: no packet, no reset."""
    there = SECOND["b"] if second else lab.address["b"]
    return rules(lab, "a", f"ip saddr {there} tcp sport {PEER_PORTS} drop", f"ip saddr {there} tcp dport {PEER_PORTS} drop",
                 f"ip daddr {there} tcp sport {PEER_PORTS} drop", f"ip daddr {there} tcp dport {PEER_PORTS} drop")


@contextlib.contextmanager
def isolated(lab):
    """Between the two nodes' ports of the switch nothing passes; each passes to the others."""
    isolate(lab, True)
    try:
        yield
    finally:
        isolate(lab, False)


def isolate(lab, cut):
    for node in NODES:
        subprocess.run(["ip", "netns", "exec", lab.namespace("sw"), "bridge", "link", "set", "dev", f"p-{node}",
                        "isolated", "on" if cut else "off"], check=True)


class Wire:
    """The peer's connections go over a cable with faults (wire.c), from a to b is 1, back is 2; a
    connection that stands moves onto it, and off it at the end."""

    COUNTS = ("in", "out", "lost", "doubled")

    def __init__(self, lab, mtu=1500):
        self.lab = lab
        self.mtu = mtu
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(
            [BIN / "wire", *map(self.lab.namespace, NODES), str(SEED)], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if self.process.stdout.readline() != "ready\n":
            raise LabError(f"wire: {self.process.stderr.read()}")
        for node in NODES:
            there = self.lab.address[other(node)]
            self.ip(node, "link", "set", "wire", "mtu", self.mtu, "up")
            self.ip(node, "route", "add", there, "dev", "wire", "src", self.lab.address[node], "table", TABLE)
            for port in ("sport", "dport"):
                self.ip(node, "rule", "add", "to", there, "ipproto", "tcp", port, PEER_PORTS, "table", TABLE)
        return self

    def __exit__(self, *why):
        for node in NODES:
            for _ in ("sport", "dport"):
                self.ip(node, "rule", "del", "table", TABLE)
        self.process.stdin.close()
        self.process.wait(10)

    def ip(self, node, *words):
        subprocess.run(["ip", "-n", self.lab.namespace(node), *map(str, words)], check=True)

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        said = self.process.stdout.readline().split()
        if len(said) != 2 * len(self.COUNTS):
            raise LabError(f"wire: {line!r} was answered {said}")
        ways = said[:len(self.COUNTS)], said[len(self.COUNTS):]
        return [dict(zip(self.COUNTS, map(int, way))) for way in ways]

    def set(self, **faults):
        """loss=10, delay1=200, ...; what is not named stays as it was."""
        for key, value in faults.items():
            self.tell(f"{key} {value}")

    def counts(self):
        """How many packets it carried and what it did to them, both ways together."""
        ways = self.tell("counts")
        return {key: ways[0][key] + ways[1][key] for key in self.COUNTS}


def equal_after(lab, seconds):
    """How long until both nodes are equal, counted from now; `seconds` is the promise."""
    begun = now()
    lab.in_step(seconds)
    return now() - begun
