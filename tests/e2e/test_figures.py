"""test_figures.py - what a node tells of itself while it works: to an operator, and to systemd."""
import json
import socket
import subprocess

from lab import wait_until
from standalone import Alone

HOLD = "import socket, sys; s = socket.create_connection(('127.0.0.1', 5060)); sys.stdin.read()"


def lines(told):
    """What systemd has been sent since the last call."""
    heard = []
    while True:
        try:
            heard += told.recv(4096).decode().splitlines()
        except BlockingIOError:
            return heard


def test_systemd_is_told_role_pair_state_and_users():
    """The line that `systemctl status` shows, anew when something has changed."""
    with Alone() as node, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(node.folder / "notify"))
        told.setblocking(False)
        node.start(NOTIFY_SOCKET=str(node.folder / "notify"))
        heard = []
        def hears(line):
            heard.extend(lines(told))
            return line in heard
        wait_until(lambda: hears("READY=1"), 10, "ready")
        wait_until(lambda: hears("STATUS=active, standalone, epoch 1, 0 users"), 10, "the line of an active node")
        node.add_users(20)
        node.regload("--users", 20)
        wait_until(lambda: hears("STATUS=active, standalone, epoch 1, 20 users"), 15, "its users")
        assert node.stop() == 0
        assert hears("STOPPING=1")


def test_users_bindings_connections_and_latencies_are_told():
    with Alone() as node:
        node.start()
        node.add_users(50)
        node.regload("--users", 50)
        status = node.status()
        assert status["aors"] == status["bindings"] == 50, status
        assert 0 < status["latency_p50_us"] <= status["latency_p95_us"] <= status["latency_p99_us"], status
        assert status["last_takeover_time_s"] > 1_700_000_000, status
        assert status["certificate_days"] == 99999, status
        domain, = json.loads(node.ctl("--json", "domains"))
        assert domain == {"name": "example.com", "users": 50, "bindings": 50, "max_users": 100000}, domain
        assert "example.com     50        50" in node.ctl("domains"), node.ctl("domains")
        node.regload("--users", 50, "--mode", "remove")
        assert node.status()["bindings"] == 0
        with subprocess.Popen(node.command("python3", "-c", HOLD), stdin=subprocess.PIPE) as client:
            wait_until(lambda: node.status()["flows"] == 1, 10, "one connection is open")
            client.stdin.close()
        wait_until(lambda: node.status()["flows"] == 0, 10, "it is not any more")
