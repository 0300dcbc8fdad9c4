"""regpair_snmp.py - what SNMP shows of a node: its monitor socket, and what that says as a tree of numbers.

REGPAIR-MIB.txt tells what the numbers mean. Figures bring theirs along (the reader `fields`); the
columns of the tables stand below, in the order of the MIB.
"""
import bisect
import errno
import json
import select
import socket
import time

BASE = (1, 3, 6, 1, 4, 1, 8072, 9999, 9999, 7060)  # the same as in node/io/mib.h
FIGURES, ALARMS, NAPS, DOMAINS, ANSWERS, EVENT, RAISED = ((1, n) for n in range(1, 8))
MONITOR = "/run/regpair/monitor.sock"
TEXT_MAX = 512
LINE_MAX = 8 << 20
SEVERITIES = ("critical", "major", "minor", "warning")


def now():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


# --- values: (the word for its type in the language of pass_persist, the text) ---

def number(word, value):
    low, high = {"gauge": (0, 2**32 - 1), "counter64": (0, 2**64 - 1), "integer": (-2**31, 2**31 - 1)}[word]
    return word, str(min(max(int(value), low), high))


def gauge(value):
    return number("gauge", value)


def gauge64(value):
    return number("counter64", value)


def integer(value):
    return number("integer", value)


def flag(value):
    return "integer", "1" if value else "2"


def text(value):
    line = " ".join(str(value).split("\n")).encode(errors="replace")[:TEXT_MAX]
    return "string", line.decode(errors="ignore")


def date(wall_ms):
    """DateAndTime, UTC."""
    if not wall_ms:
        return "octet", "00 00 00 00 00 00 00 00"
    t = time.gmtime(wall_ms // 1000)
    parts = (t.tm_year >> 8, t.tm_year & 255, t.tm_mon, t.tm_mday, t.tm_hour, t.tm_min, min(t.tm_sec, 59),
             wall_ms % 1000 // 100, ord("+"), 0, 0)
    return "octet", " ".join(f"{part:02x}" for part in parts)


def figure(field, value):
    """A figure as its `field` says it is to be shown."""
    if field["type"] == "flag":
        return flag(value)
    if field["type"] == "text":
        return text(value)
    return number(field["snmp"], value)


# --- the tables: each column's name in the node's words, and how it is shown; the index is column 1 ---

ALARM_COLUMNS = (("name", text), ("severity", lambda s: integer(SEVERITIES.index(s) + 1)), ("raised", flag),
                 ("since_ms", date), ("text", text), ("remedy", text))
NAP_COLUMNS = (("name", text), ("register_to_proxy", flag), ("registered", flag), ("poll_remote_proxy", flag),
               ("is_available", flag), ("phase", text), ("why", text), ("since_ms", gauge64),
               ("granted_s", gauge), ("next_ms", lambda ms: integer(-1 if ms is None else ms)),
               ("last_status", integer), ("last_reason", text), ("attempts", gauge), ("target", text))
DOMAIN_COLUMNS = (("name", text), ("users", gauge), ("max_users", gauge), ("bindings", gauge))


def nap_index(nap):
    return tuple(nap["name"].encode())


class Table:
    """Rows are (index, record), shown when they are asked for: there may be thousands."""

    def __init__(self, columns, rows):
        self.columns = columns
        self.rows = sorted(rows, key=lambda row: row[0])
        self.indices = [index for index, _ in self.rows]

    def value(self, column, row):
        name, show = self.columns[column - 2]
        record = self.rows[row][1]
        return show(record[name]) if name in record else None

    def get(self, oid):
        if len(oid) < 3 or oid[0] != 1 or not 2 <= oid[1] < len(self.columns) + 2:
            return None
        row = bisect.bisect_left(self.indices, oid[2:])
        return self.value(oid[1], row) if self.indices[row:row + 1] == [oid[2:]] else None

    def next(self, oid):
        column, index = (oid[1] if len(oid) > 1 else 0), oid[2:]
        if oid[:1] > (1,):
            return None
        if oid[:1] < (1,):
            column = 0
        for at in range(max(column, 2), len(self.columns) + 2):
            first = bisect.bisect_right(self.indices, index) if at == column else 0
            for row in range(first, len(self.rows)):
                value = self.value(at, row)
                if value is not None:
                    return (1, at) + self.indices[row], value
        return None


class Scalars:
    def __init__(self, values):
        """values: {number: value}"""
        self.values = {(one, 0): value for one, value in values.items()}
        self.order = sorted(self.values)

    def get(self, oid):
        return self.values.get(oid)

    def next(self, oid):
        at = bisect.bisect_right(self.order, oid)
        return (self.order[at], self.values[self.order[at]]) if at < len(self.order) else None


class One:
    """A single value, its number that of the branch."""

    def __init__(self, value):
        self.value = value

    def get(self, oid):
        return self.value if oid == (0,) else None

    def next(self, oid):
        return ((0,), self.value) if oid < (0,) else None


class Tree:
    """Branches by their number below BASE."""

    def __init__(self):
        self.branches = {}

    def get(self, oid):
        if oid[:len(BASE)] != BASE:
            return None
        rest = oid[len(BASE):]
        branch = self.branches.get(rest[:2])
        return branch.get(rest[2:]) if branch else None

    def next(self, oid):
        """(oid, value) behind that one, or None."""
        rest = oid[len(BASE):] if oid[:len(BASE)] == BASE else () if oid < BASE else (2**32,)
        for prefix in sorted(self.branches):
            if rest[:2] > prefix:
                continue
            found = self.branches[prefix].next(rest[2:] if rest[:2] == prefix else ())
            if found:
                return BASE + prefix + found[0], found[1]
        return None


def alarms_branch(alarms):
    return Table(ALARM_COLUMNS, [((alarm["oid"],), alarm) for alarm in alarms])


def raised_branch(alarms):
    raised = [alarm for alarm in alarms if alarm["raised"]]
    raised.sort(key=lambda alarm: (SEVERITIES.index(alarm["severity"]), alarm["name"]))
    counts = {i: gauge(sum(alarm["severity"] == severity for alarm in raised))
              for i, severity in enumerate(SEVERITIES, 1)}
    return Scalars({**counts, 5: text(", ".join(alarm["name"] for alarm in raised))})


def figures_branch(fields, status):
    return Scalars({field["oid"]: figure(field, status[field["name"]]) for field in fields
                    if field["name"] in status and "snmp" in field})


def naps_branch(naps):
    return Table(NAP_COLUMNS, [(nap_index(nap), nap) for nap in naps])


def domains_branch(domains):
    return Table(DOMAIN_COLUMNS, [((place,), domain) for place, domain in enumerate(domains, 1)])


# --- the socket ---

class Monitor:
    """One connection to the monitor socket: a JSON object a line, both ways. Waits in `receive` alone."""

    def __init__(self, path):
        self.path = path
        self.socket = None
        self.rest = b""
        self.id = 0

    def connect(self):
        """True: connected, now or before."""
        if self.socket:
            return True
        one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            one.connect(self.path)
        except OSError:
            one.close()
            return False
        self.socket, self.rest = one, b""
        return True

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def ask(self, command, **more):
        """The request's id. The answer comes by `receive`."""
        self.id += 1
        line = json.dumps({"id": self.id, "command": command, **more}).encode() + b"\n"
        if self.socket.send(line) != len(line):  # never so many wait
            raise OSError(errno.ENOBUFS, "the daemon reads nothing")
        return self.id

    def receive(self, seconds):
        """What has come, after at most so long. OSError: the connection is gone."""
        if not select.select([self.socket], [], [], seconds)[0]:
            return []
        more = self.socket.recv(1 << 20)
        if not more:
            raise OSError(errno.ECONNRESET, "the daemon closed the connection")
        *lines, self.rest = (self.rest + more).split(b"\n")
        if len(self.rest) > LINE_MAX:
            raise OSError(errno.EMSGSIZE, "the daemon says too much")
        try:
            return [json.loads(line) for line in lines]
        except ValueError as wrong:
            raise OSError(errno.EPROTO, f"not JSON: {wrong}") from None
