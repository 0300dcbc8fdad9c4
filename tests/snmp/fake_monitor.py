"""fake_monitor.py - a daemon's monitor socket, saying what a test wants it to say."""
import json
import os
import socket
import threading

PAGE = 500
FIELDS = [
    {"name": "unit", "oid": 1, "type": "text", "unit": "", "snmp": "string", "help": "what it is"},
    {"name": "role", "oid": 2, "type": "text", "unit": "", "snmp": "string", "help": "what it is now"},
    {"name": "role_why", "oid": 3, "type": "text", "unit": "", "snmp": "string", "help": "why"},
    {"name": "fault", "oid": 9, "type": "flag", "unit": "", "snmp": "integer", "help": "held"},
    {"name": "pair_state", "oid": 12, "type": "text", "unit": "", "snmp": "string", "help": "of the pair"},
    {"name": "epoch", "oid": 17, "type": "gauge", "unit": "", "snmp": "gauge", "help": "newest reign"},
    {"name": "seq", "oid": 20, "type": "gauge", "unit": "", "snmp": "counter64", "help": "newest entry"},
    {"name": "clock_offset_ms", "oid": 55, "type": "offset", "unit": "ms", "snmp": "integer", "help": "apart"},
    {"name": "registered", "oid": 65, "type": "total", "unit": "", "snmp": "counter64", "help": "REGISTERs"},
]
STATUS = {"unit": "primary", "role": "active", "role_why": "keepalived", "fault": False, "pair_state": "paired",
          "epoch": 7, "seq": 5_000_000_000, "clock_offset_ms": -12, "registered": 2**63}


def alarm(oid, name, severity, raised=False):
    return {"oid": oid, "name": name, "severity": severity, "raised": raised,
            "since_ms": 1_795_400_700_400 if raised else 0, "text": f"{name} it is", "remedy": "look"}


def nap(name, registered=True, **more):
    return {"name": name, "register_to_proxy": True, "registered": registered, "poll_remote_proxy": True,
            "is_available": registered, "phase": "registered", "why": "", "since_ms": 5_000_000_000,
            "granted_s": 3600, "next_ms": None, "last_status": 200, "last_reason": "OK", "attempts": 0,
            "target": "192.0.2.1:5060 udp", **more}


class FakeMonitor:
    def __init__(self, path):
        self.path = path
        self.fields = FIELDS
        self.status = dict(STATUS)
        self.alarms = [alarm(2, "exposed", "major"), alarm(1, "out_of_service", "critical"),
                       alarm(17, "clocks_apart", "warning")]
        self.naps = [nap("carrier"), nap("b", registered=False, next_ms=5000)]
        self.domains = [{"name": "example.com", "users": 12, "max_users": 0, "bindings": 15},
                        {"name": "example.org", "users": 3, "max_users": 1000, "bindings": 3}]
        self.answers = threading.Event()  # cleared: it hangs
        self.answers.set()
        self.connections = []
        self.listeners = []  # to events
        self.asked = []
        self.lock = threading.Lock()
        self.socket = None

    def start(self):
        self.socket = socket.socket(socket.AF_UNIX)
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.socket.bind(self.path)
        self.socket.listen()
        threading.Thread(target=self.accept, args=(self.socket,), daemon=True).start()
        return self

    def stop(self):
        """As when the daemon ends: connections closed, the socket gone."""
        with self.lock:
            os.unlink(self.path)
            self.socket.shutdown(socket.SHUT_RDWR)
            self.socket.close()
            for connection in self.connections:
                connection.shutdown(socket.SHUT_RDWR)
            self.connections, self.listeners = [], []

    def accept(self, listener):
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            with self.lock:
                self.connections.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            for line in connection.makefile("rb"):
                self.answers.wait()
                request = json.loads(line)
                reply = {"id": request["id"], "ok": True, "result": self.result(request)}
                with self.lock:
                    self.asked.append(request["command"])
                    self.send(connection, reply)
                    if request["command"] == "events":
                        self.listeners.append(connection)
        except OSError:
            pass

    @staticmethod
    def send(connection, one):
        connection.sendall(json.dumps(one).encode() + b"\n")

    def result(self, request):
        command = request["command"]
        if command == "naps":
            begin = request.get("cursor", [0, 0])[0]
            more = begin + PAGE < len(self.naps)
            return {"naps": self.naps[begin:begin + PAGE], "cursor": [begin + PAGE, 0] if more else None}
        return {"status": self.status, "fields": self.fields, "alarms": self.alarms, "domains": self.domains,
                "events": {}}[command]

    def event(self, **event):
        with self.lock:
            for connection in self.listeners:
                self.send(connection, {"wall_ms": 1_795_400_700_400, **event})
