"""network.py - a switch with sockets for the hosts, in namespaces of its own: nothing of it touches this
machine's network."""
import contextlib
import os
import signal
import subprocess
from pathlib import Path

from lab import LabError

NUMBER = {"a": 11, "b": 12, "c": 13, "client": 100}


def ip(*words, check=True):
    done = subprocess.run(["ip", *map(str, words)], text=True, capture_output=True, check=False)
    if check and done.returncode != 0:
        raise LabError(f"ip {' '.join(map(str, words))}: {done.stderr.strip()}")
    return done.stdout


class Network:
    """Host NAME is the namespace PREFIX-NAME with an eth0 on the bridge in PREFIX-sw."""

    def __init__(self, prefix, net):
        self.prefix, self.net = prefix, net
        self.net6 = f"fd78:{int(net.split('.')[1]):x}:{int(net.split('.')[2]):x}:"

    def address(self, host):
        return f"{self.net}.{NUMBER[host]}"

    def address6(self, host):
        return f"{self.net6}:{NUMBER[host]}"

    def namespace(self, host):
        return f"{self.prefix}-{host}"

    def exists(self, host):
        return Path("/run/netns", self.namespace(host)).exists()

    def up(self):
        if not self.exists("sw"):
            switch = self.namespace("sw")
            ip("netns", "add", switch)
            ip("-n", switch, "link", "add", "br0", "type", "bridge", "stp_state", 0, "forward_delay", 0,
               "mcast_snooping", 0)
            ip("-n", switch, "link", "set", "br0", "up")
        if not self.exists("client"):
            self.plug("client")

    def plug(self, host):
        """The host's network anew: no address, rule or neighbour of an earlier life."""
        self.unplug(host)
        there, switch = self.namespace(host), self.namespace("sw")
        mac = f"02:00:0a:4e:00:{NUMBER[host]:02x}"
        ip("netns", "add", there)
        ip("link", "add", "eth0", "netns", there, "address", mac, "type", "veth", "peer", "name", f"p-{host}",
           "netns", switch)
        ip("-n", switch, "link", "set", f"p-{host}", "master", "br0", "up")
        ip("-n", there, "address", "add", f"{self.address(host)}/24", "dev", "eth0")
        ip("-n", there, "address", "add", f"{self.address6(host)}/64", "dev", "eth0", "nodad")
        for link in ("lo", "eth0"):
            ip("-n", there, "link", "set", link, "up")

    def unplug(self, host):
        if self.exists(host):
            ip("-n", self.namespace("sw"), "link", "del", f"p-{host}", check=False)
            ip("netns", "del", self.namespace(host))

    def cable(self, host, state):
        """`up` or `down`: the cable of the host."""
        ip("-n", self.namespace("sw"), "link", "set", f"p-{host}", state)

    def addresses(self, host):
        """Those on the host's eth0, without their lengths."""
        shown = ip("-n", self.namespace(host), "-o", "address", "show", "dev", "eth0", check=False)
        return [line.split()[3].split("/")[0] for line in shown.splitlines()]

    def end_client(self):
        """What the client started and nobody ended, connections that ssh keeps among it."""
        for pid in ip("netns", "pids", self.namespace("client"), check=False).split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)

    def down(self):
        self.end_client()
        for host in (*NUMBER, "sw"):
            self.unplug(host)
