#!/usr/bin/env python3
"""test_scripts.py - the programs of ha/snmp against a monitor socket of the test's own.

Usage: tests/snmp/test_scripts.py [TEST...]
Real snmpd, snmptrapd and regpaird: tests/e2e/test_snmp.py.
"""
import importlib.machinery
import importlib.util
import os
import random
import re
import shutil
import stat
import statistics
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
SNMP = HERE.parents[1] / "ha" / "snmp"
sys.path[:0] = [str(HERE), str(SNMP)]
import regpair_snmp as tree  # noqa: E402
from fake_monitor import FIELDS, FakeMonitor, alarm, nap  # noqa: E402

BASE = "." + ".".join(map(str, tree.BASE))
ASKED = 2000
WAIT_S = 20


def script(name):
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), str(SNMP / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def wait_until(true, what):
    end = time.monotonic() + WAIT_S
    while True:
        value = true()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"after {WAIT_S} s still not: {what}")
        time.sleep(0.01)


class Mib:
    """What REGPAIR-MIB.txt defines: {name: (parent, number)}, and the syntax of objects."""

    def __init__(self):
        text = (SNMP / "REGPAIR-MIB.txt").read_text()
        self.places = {}
        self.syntax = {}
        self.objects = {}  # of notifications
        pattern = r"^(regpair\w*)\s+(OBJECT IDENTIFIER|[A-Z]+-[A-Z]+)\b(.*?)::= \{ (\w+) (\d+) \}"
        for found in re.finditer(pattern, text, re.S | re.M):
            name, _, inside, parent, number = found.groups()
            self.places[name] = (parent, int(number))
            syntax = re.search(r"SYNTAX +(\w+)", inside)
            self.syntax[name] = syntax[1] if syntax else None
            objects = re.search(r"OBJECTS +\{(.*?)\}", inside, re.S)
            self.objects[name] = re.findall(r"\w+", objects[1]) if objects else []

    def oid(self, name):
        """Below BASE."""
        if name == "regpair":
            return ()
        parent, number = self.places[name]
        return self.oid(parent) + (number,)


def camel(name):
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


class TheMib(unittest.TestCase):
    """The scripts answer by the numbers that regpaird prints."""
    mib = Mib()

    def test_hangs_where_the_scripts_hang_it(self):
        self.assertEqual(("netSnmpPlaypen", tree.BASE[-1]), self.mib.places["regpair"])
        self.assertEqual((1, 3, 6, 1, 4, 1, 8072, 9999, 9999), tree.BASE[:-1])  # netSnmpPlaypen

    def test_has_the_branches(self):
        for name, prefix in (("regpairFigures", tree.FIGURES), ("regpairAlarmTable", tree.ALARMS),
                             ("regpairNapTable", tree.NAPS), ("regpairDomainTable", tree.DOMAINS),
                             ("regpairNodeAnswers", tree.ANSWERS), ("regpairEvent", tree.EVENT),
                             ("regpairRaised", tree.RAISED)):
            self.assertEqual(prefix, self.mib.oid(name), name)

    def test_has_the_columns_in_this_order_and_of_these_types(self):
        words = {"RegpairText": "string", "TruthValue": "integer", "Gauge32": "gauge", "Integer32": "integer",
                 "RegpairGauge64": "counter64", "Counter64": "counter64", "DateAndTime": "octet",
                 "RegpairSeverity": "integer"}
        record = {"alarm": alarm(1, "exposed", "major"), "nap": nap("one"),
                  "domain": {"name": "example.com", "users": 1, "max_users": 2, "bindings": 3}}
        for kind, columns in (("alarm", tree.ALARM_COLUMNS), ("nap", tree.NAP_COLUMNS),
                              ("domain", tree.DOMAIN_COLUMNS)):
            entry = f"regpair{camel(kind)}Entry"
            in_mib = {number: name for name, (parent, number) in self.mib.places.items() if parent == entry}
            self.assertEqual(len(columns) + 1, len(in_mib), kind)
            for number, (key, show) in enumerate(columns, 2):
                name = f"regpair{camel(kind)}{camel(key)}"
                name = {"regpairAlarmSinceMs": "regpairAlarmSince"}.get(name, name)  # a date there
                self.assertEqual(name, in_mib[number])
                self.assertEqual(words[self.mib.syntax[name]], show(record[kind][key])[0], name)

    def test_has_the_notifications(self):
        notify = script("regpair-snmp-notify")
        for name, number in (("regpairRoleChanged", notify.ROLE_CHANGED), ("regpairNodeDown", notify.NODE_DOWN),
                             ("regpairNodeUp", notify.NODE_UP), ("regpairNapRegistrationMade", notify.NAP_MADE),
                             ("regpairNapRegistrationLost", notify.NAP_LOST), ("regpairNapCame", notify.NAP_CAME),
                             ("regpairNapWent", notify.NAP_WENT)):
            self.assertEqual((0, number), self.mib.oid(name), name)

    def test_has_what_the_plugin_asks_for(self):
        check = script("check_regpair")
        names = {"answers": "regpairNodeAnswers", "alarms": "regpairRaisedNames",
                 **{severity: f"regpairRaised{camel(severity)}" for severity in tree.SEVERITIES}}
        self.assertEqual(BASE[1:], check.BASE)
        for key, oid in check.OIDS.items():
            name = names.get(key, f"regpair{camel(key)}")
            self.assertEqual(oid, ".".join(map(str, self.mib.oid(name))) + ".0", name)


class TheTree(unittest.TestCase):
    """get and next, against a list of all there is."""

    def test_finds_what_a_list_would(self):
        chance = random.Random(1)
        for _ in range(20):
            whole = tree.Tree()
            names = sorted({"".join(chance.choices("ab-", k=chance.randint(1, 4))) for _ in range(chance.randint(0, 9))})
            naps = [nap(name) for name in names]
            for one in chance.sample(naps, len(naps) // 3):
                del one["target"], one["why"]  # of an older daemon
            alarms = [alarm(oid, f"a{oid}", "minor") for oid in chance.sample(range(1, 30), chance.randint(0, 5))]
            whole.branches = {tree.ANSWERS: tree.One(tree.flag(True)), tree.NAPS: tree.naps_branch(naps),
                              tree.ALARMS: tree.alarms_branch(alarms), tree.RAISED: tree.raised_branch(alarms)}
            self.compare(whole, self.all_of(naps, alarms), chance)

    @staticmethod
    def all_of(naps, alarms):
        oids = [tree.ANSWERS + (0,)] + [tree.RAISED + (n, 0) for n in range(1, 6)]
        oids += [tree.ALARMS + (1, column, one["oid"]) for one in alarms for column in range(2, 8)]
        oids += [tree.NAPS + (1, column) + tree.nap_index(one) for one in naps
                 for column, (key, _) in enumerate(tree.NAP_COLUMNS, 2) if key in one]
        return sorted(tree.BASE + oid for oid in oids)

    def compare(self, whole, oids, chance):
        for _ in range(200):
            asked = list(chance.choice(oids))
            if chance.random() < 0.8:
                at = chance.randrange(len(tree.BASE), len(asked))
                asked = asked[:at] + [max(0, asked[at] + chance.randint(-2, 2))] + asked[at + 1:][:chance.randint(0, 3)]
            asked = tuple(asked)
            self.assertEqual(asked in oids, whole.get(asked) is not None, asked)
            behind = next((oid for oid in oids if oid > asked), None)
            found = whole.next(asked)
            self.assertEqual(behind, found[0] if found else None, asked)
            if found:
                self.assertEqual(whole.get(behind), found[1])


class WithFolder(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="regpair-snmp-test-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def monitor(self):
        monitor = FakeMonitor(str(self.folder / "monitor.sock"))
        self.addCleanup(lambda: monitor.socket and os.path.exists(monitor.path) and monitor.stop())
        return monitor


class Snmpd:
    """The other end of pass_persist."""

    def __init__(self, path):
        self.agent = subprocess.Popen([SNMP / "regpair-snmp-agent", path], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, bufsize=0)
        self.read = self.agent.stdout
        self.rest = b""

    def end(self):
        self.agent.stdin.close()
        status = self.agent.wait(WAIT_S)
        self.agent.stdout.close()
        return status

    def line(self):
        while b"\n" not in self.rest:
            more = self.read.read(65536)
            assert more, "the agent ended"
            self.rest += more
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode()

    def say(self, text):
        self.agent.stdin.write(text.encode())

    def ask(self, command, oid):
        self.say(f"{command}\n{oid}\n")
        first = self.line()
        return None if first == "NONE" else (first, self.line(), self.line())

    def get(self, oid):
        """The value, as shown, below BASE; None: there is none."""
        found = self.ask("get", f"{BASE}.{oid}")
        return found and found[2]

    def walk(self):
        found = self.ask("getnext", BASE)
        while found:
            yield found
            found = self.ask("getnext", found[0])


class TheAgent(WithFolder):
    def start(self, monitor):
        agent = Snmpd(monitor.path)
        self.addCleanup(lambda: agent.agent.poll() is None and agent.end())
        if monitor.socket:
            wait_until(lambda: agent.get("1.5.0") == "1", "the agent knows the daemon")
        return agent

    def test_tells_every_figure_by_its_number_and_type(self):
        agent = self.start(self.monitor().start())
        agent.say("PING\n")
        self.assertEqual("PONG", agent.line())
        for oid, word, value in (("1.1.1.0", "string", "primary"), ("1.1.9.0", "integer", "2"),
                                 ("1.1.17.0", "gauge", "7"), ("1.1.20.0", "counter64", "5000000000"),
                                 ("1.1.55.0", "integer", "-12"), ("1.1.65.0", "counter64", str(2**63)),
                                 ("1.5.0", "integer", "1")):
            self.assertEqual((f"{BASE}.{oid}", word, value), agent.ask("get", f"{BASE}.{oid}"))
        for oid in ("1.1.1", "1.1.1.0.0", "1.1.4.0", "1.5", "2.1.0", "1.3.1.2.1", "1.3.1.99.98"):
            self.assertIsNone(agent.get(oid), oid)
        self.assertEqual(0, agent.end())

    def test_shows_the_tables(self):
        agent = self.start(self.monitor().start())
        b, carrier = "98", ".".join(str(c) for c in b"carrier")
        for oid, value in ((f"1.3.1.2.{carrier}", "carrier"), (f"1.3.1.4.{b}", "2"), (f"1.3.1.11.{b}", "5000"),
                           (f"1.3.1.11.{carrier}", "-1"), (f"1.3.1.9.{b}", "5000000000"),
                           ("1.4.1.2.2", "example.org"), ("1.4.1.4.2", "1000"), ("1.4.1.5.1", "15"), ("1.2.1.3.1", "1"),
                           ("1.2.1.4.2", "2"), ("1.2.1.5.2", "00 00 00 00 00 00 00 00"), ("1.7.1.0", "0"),
                           ("1.7.5.0", "")):
            self.assertEqual(value, agent.get(oid), oid)

    def test_tells_what_is_raised_worst_first(self):
        monitor = self.monitor()
        monitor.alarms = [alarm(17, "clocks_apart", "warning", True), alarm(2, "exposed", "major"),
                          alarm(1, "out_of_service", "critical", True)]
        agent = self.start(monitor.start())
        self.assertEqual("out_of_service, clocks_apart", agent.get("1.7.5.0"))
        self.assertEqual(["1", "0", "0", "1"], [agent.get(f"1.7.{i}.0") for i in range(1, 5)])
        self.assertEqual("1", agent.get("1.2.1.4.17"))
        self.assertEqual("07 ea 0b 17 02 19 00 04 2b 00 00", agent.get("1.2.1.5.17"))

    def test_walks_everything_once_in_order(self):
        monitor = self.monitor()
        monitor.naps = [nap(name) for name in ("b", "a", "ab", "a" * 64, "-", "b1")]
        agent = self.start(monitor.start())
        walked = list(agent.walk())
        oids = [tuple(int(n) for n in oid[1:].split(".")) for oid, _, _ in walked]
        self.assertEqual(sorted(set(oids)), oids)
        self.assertEqual(len(FIELDS) + 3 * 6 + 6 * 14 + 2 * 4 + 1 + 5, len(oids))
        for one in walked:
            if not one[0].startswith(f"{BASE}.1.3.1.9."):  # an age goes on
                self.assertEqual(one, agent.ask("get", one[0]))
        for oid in ("1.3.6.1", BASE, f"{BASE}.0.5", f"{BASE}.1", f"{BASE}.1.0", f"{BASE}.1.1.0.7"):
            self.assertEqual(walked[0], agent.ask("getnext", oid), oid)
        for oid in (f"{BASE}.2", f"{BASE}.1.7.5.0", "1.3.6.1.4.1.9000", "nonsense", ""):
            self.assertIsNone(agent.ask("getnext", oid), oid)

    def test_changes_nothing_and_stays_at_nonsense(self):
        agent = self.start(self.monitor().start())
        agent.say(f"set\n{BASE}.1.1.1.0\nstring x\n")
        self.assertEqual("not-writable", agent.line())
        agent.say("what\n")
        self.assertEqual("NONE", agent.line())
        self.assertEqual("active", agent.get("1.1.2.0"))

    def test_keeps_texts_on_one_line_and_numbers_in_bounds(self):
        monitor = self.monitor()
        monitor.status.update(role_why="a\nb \"ä\" " + "é" * 400, epoch=2**40, clock_offset_ms=-2**40)
        agent = self.start(monitor.start())
        why = agent.get("1.1.3.0")
        self.assertTrue(why.startswith('a b "ä" é'))
        self.assertLessEqual(len(why.encode()), tree.TEXT_MAX)
        self.assertEqual(str(2**32 - 1), agent.get("1.1.17.0"))
        self.assertEqual(str(-2**31), agent.get("1.1.55.0"))

    def test_follows_the_daemon_through_its_end_and_start(self):
        monitor = self.monitor()
        agent = self.start(monitor)  # not there yet
        self.assertEqual("2", agent.get("1.5.0"))
        self.assertIsNone(agent.get("1.1.2.0"))
        monitor.start()
        wait_until(lambda: agent.get("1.5.0") == "1", "the daemon answers")
        self.assertEqual("active", agent.get("1.1.2.0"))
        monitor.stop()
        wait_until(lambda: agent.get("1.5.0") == "2", "the daemon is away")
        self.assertEqual([f"{BASE}.1.5.0"], [oid for oid, _, _ in agent.walk()])
        monitor.status["role"] = "standby"
        monitor.start()
        wait_until(lambda: agent.get("1.1.2.0") == "standby", "it is there again")

    def test_does_not_wait_for_a_daemon_that_hangs(self):
        monitor = self.monitor().start()
        agent = self.start(monitor)
        self.assertEqual("1", agent.get("1.5.0"))
        monitor.answers.clear()
        wait_until(lambda: agent.get("1.5.0") == "2", "what is old is not told")
        self.assertIsNone(agent.get("1.1.2.0"))
        times = self.times(agent, 200)
        self.assertLess(statistics.median(times), 5)
        monitor.answers.set()
        wait_until(lambda: agent.get("1.5.0") == "1", "the daemon answers again")

    def test_reads_many_naps_page_by_page(self):
        monitor = self.monitor()
        monitor.naps = [nap(f"nap-{i:04}") for i in range(4096)]
        agent = self.start(monitor.start())
        last = ".".join(str(c) for c in b"nap-4095")
        wait_until(lambda: agent.get(f"1.3.1.2.{last}") == "nap-4095", "all NAPs are there")
        self.show("beside 4096 NAPs", self.times(agent, ASKED))

    @staticmethod
    def times(agent, count):
        """How long each answer takes, in ms: get and getnext in turn."""
        took = []
        oid = BASE
        for i in range(count):
            begun = time.perf_counter()
            found = agent.ask("get" if i % 2 else "getnext", oid)
            took.append((time.perf_counter() - begun) * 1000)
            oid = found[0] if found else BASE
        return took

    def show(self, where, times):
        times = sorted(times)
        print(f"answers {where}: {len(times)}, median {statistics.median(times):.2f} ms, "
              f"99 % under {times[len(times) * 99 // 100]:.2f} ms, longest {times[-1]:.2f} ms")
        self.assertLess(statistics.median(times), 5)

    def test_answers_in_under_5_ms(self):
        self.show("of a usual node", self.times(self.start(self.monitor().start()), ASKED))


NOTIFY_CONF = """
[node]
monitor = {monitor}
[nms]
address = udp:192.0.2.10:162
user = regpair
auth_password = a "quoted\\ word
priv_password = privpass%word
[old]
address = udp:192.0.2.11:162
version = 2c
inform = no
community = secret-community
"""

# Stands in for snmptrap and snmpinform: notes what it is told, and fails while the manager is away.
FAKE_SENDER = """#!/bin/sh
printf '%s\\n' "${{0##*/}}" "$(cat "$SNMPCONFPATH/snmp.conf")" "$(stat -c %a "$SNMPCONFPATH/snmp.conf")" "$*" '' \\
	>>{folder}/all
[ ! -e {folder}/away ] || {{ echo "Timeout" >&2; exit 1; }}
{{ printf '%s\\037' "$@"; echo; }} >>{folder}/told-"${{0##*/}}"
"""


class TheNotifier(WithFolder):
    def setUp(self):
        super().setUp()
        for name in ("snmptrap", "snmpinform"):
            path = self.folder / name
            path.write_text(FAKE_SENDER.format(folder=self.folder))
            path.chmod(0o755)
        self.fake = self.monitor()
        self.config = self.write(NOTIFY_CONF.format(monitor=self.fake.path))
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir()

    def write(self, text, mode=0o600):
        path = self.folder / "notify.conf"
        path.write_text(text)
        path.chmod(mode)
        return path

    def start(self):
        with open(self.folder / "log", "w", encoding="utf-8") as log:
            process = subprocess.Popen([SNMP / "regpair-snmp-notify", "--config", self.config], stderr=log,
                                       env=dict(os.environ, PATH=f"{self.folder}:{os.environ['PATH']}",
                                                TMPDIR=str(self.temporary)))
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        """As its unit does; the keys that it handed on are gone with it."""
        process.terminate()
        self.assertEqual(0, process.wait(WAIT_S), (self.folder / "log").read_text())
        self.assertEqual([], list(self.temporary.iterdir()))

    def told(self, sender="snmpinform"):
        """[(number of the notification, {oid below BASE: (letter, value)})]"""
        path = self.folder / f"told-{sender}"  # of its own: two managers are told at once
        lines = path.read_text().split("\037\n")[:-1] if path.exists() else []
        found = []
        for line in lines:
            words = line.split("\037")
            at = words.index("", words.index("-t"))  # the time, behind the manager's address
            variables = {words[i].removeprefix(BASE): (words[i + 1], words[i + 2])
                         for i in range(at + 2, len(words), 3)}
            found.append((words[at + 1].removeprefix(BASE), variables))
        return found

    def numbers(self, sender="snmpinform"):
        return [number for number, _ in self.told(sender)]

    def check_variables(self):
        """Each notification has the variables that the MIB says, in this order."""
        mib = Mib()
        names = {".".join(map(str, mib.oid(name))): name for name in mib.places}
        for number, variables in self.told():
            expected = [".1.3.6.1.2.1.1.5" if name == "sysName" else "." + ".".join(map(str, mib.oid(name)))
                        for name in mib.objects[names[number[1:]]]]
            self.assertEqual(len(expected), len(variables), (number, variables))
            for prefix, oid in zip(expected, variables):
                self.assertTrue(oid.startswith(prefix + "."), (number, prefix, oid))

    def await_numbers(self, *numbers):
        wait_until(lambda: self.numbers()[-len(numbers):] == list(numbers), f"{numbers} are told: {self.numbers()}")

    def test_tells_every_manager_what_happens(self):
        self.fake.start()
        self.start()
        self.await_numbers(".0.1")
        wait_until(lambda: self.fake.listeners, "it listens")
        self.fake.event(event="history", what="role", **{"from": "active"}, to="standby", why="-asked", epoch=8, seq=9)
        self.fake.event(event="history", what="pair", **{"from": "paired"}, to="exposed", why="x", epoch=8, seq=9)
        self.fake.event(event="alarm", **dict(alarm(2, "exposed", "major", True), raised=True))
        self.fake.event(event="alarm", **dict(alarm(2, "exposed", "major", True), raised=True))  # no news
        self.fake.event(event="alarm", **alarm(2, "exposed", "major"))
        self.await_numbers(".0.1", ".0.1", ".0.102", ".0.302")
        _, variables = self.told()[1]
        self.assertEqual(("s", "active"), variables[".1.6.1.0"])
        self.assertEqual(("x", "07 ea 0b 17 02 19 00 04 2b 00 00"), variables[".1.6.2.0"])
        self.assertEqual(("s", "standby"), variables[".1.1.2.0"])
        self.assertEqual(("s", "-asked"), variables[".1.1.3.0"])
        self.assertEqual((("u", "8"), ("C", "9")), (variables[".1.1.17.0"], variables[".1.1.20.0"]))
        self.assertEqual(("s", "primary"), variables[".1.1.1.0"])
        _, variables = self.told()[2]
        self.assertEqual({".1.2.1.2.2": ("s", "exposed"), ".1.2.1.3.2": ("i", "2"), ".1.2.1.4.2": ("i", "1")},
                         {oid: variables[oid] for oid in (".1.2.1.2.2", ".1.2.1.3.2", ".1.2.1.4.2")})
        wait_until(lambda: self.numbers("snmptrap") == self.numbers(), "the other manager is told the same")
        self.check_variables()

    def test_tells_of_naps_where_the_node_is_active(self):
        self.fake.start()
        self.start()
        wait_until(lambda: self.fake.asked.count("naps"), "it knows the NAPs")
        self.await_numbers(".0.1")
        lost = {"event": "nap", "name": "carrier", "available": True, "status": 503, "why": "refused"}
        self.fake.event(**lost, registered=False)
        self.fake.event(**dict(lost, available=False), registered=False)
        self.fake.event(**dict(lost, status=200), registered=True)
        self.await_numbers(".0.5", ".0.7", ".0.4", ".0.6")
        carrier = "." + ".".join(str(c) for c in b"carrier")
        _, variables = self.told()[1]
        self.assertEqual(("i", "2"), variables[".1.3.1.4" + carrier])
        self.assertEqual(("i", "503"), variables[".1.3.1.12" + carrier])
        self.check_variables()
        role = {"event": "history", "what": "role", "why": "x", "epoch": 8, "seq": 9}
        self.fake.event(**role, **{"from": "active"}, to="standby")
        self.fake.event(**lost, registered=False)
        self.fake.event(**role, **{"from": "standby"}, to="active")
        self.await_numbers(".0.6", ".0.1", ".0.1")

    def test_loses_nothing_while_the_manager_is_away(self):
        (self.folder / "away").touch()
        self.fake.start()
        self.start()
        wait_until(lambda: self.fake.listeners, "it listens")
        for i in range(3):
            self.fake.event(event="history", what="role", **{"from": "x"}, to=f"role {i}", why="", epoch=i, seq=i)
        wait_until(lambda: "result=again" in (self.folder / "log").read_text(), "it tries")
        self.assertEqual([], self.told())
        (self.folder / "away").unlink()
        self.await_numbers(".0.1", ".0.1", ".0.1", ".0.1")
        self.assertEqual([("s", "active"), ("s", "role 0"), ("s", "role 1"), ("s", "role 2")],
                         [variables[".1.1.2.0"] for _, variables in self.told()])

    def test_tells_of_the_daemons_end_and_what_changed_meanwhile(self):
        self.fake.start()
        self.start()
        self.await_numbers(".0.1")
        wait_until(lambda: self.fake.asked.count("naps"), "it knows all")
        self.fake.stop()
        self.await_numbers(".0.1", ".0.2")
        self.assertEqual(("i", "2"), self.told()[-1][1][".1.5.0"])
        self.fake.status["role"] = "standby"
        self.fake.alarms[0] = alarm(2, "exposed", "major", True)
        self.fake.start()
        self.await_numbers(".0.2", ".0.1", ".0.3", ".0.102")
        self.check_variables()

    def test_keeps_keys_off_command_lines(self):
        self.fake.start()
        self.start()
        wait_until(lambda: self.numbers() and self.numbers("snmptrap"), "both are told")
        said = (self.folder / "all").read_text()
        for line in ('defAuthPassphrase "a \\"quoted\\\\ word"', 'defPrivPassphrase "privpass%word"',
                     'defCommunity "secret-community"', 'defAuthType SHA-256', "600"):
            self.assertIn(line, said)
        told = "".join(path.read_text() for path in self.folder.glob("told-*"))
        for secret in ("quoted", "privpass", "secret-community"):
            self.assertNotIn(secret, told)

    def test_refuses_a_wrong_configuration_and_says_why(self):
        good = NOTIFY_CONF.format(monitor="/nowhere")
        for old, new, said in (("user = regpair\n", "", "[nms]: version 3 needs 'user'"),
                               ("privpass%word", "short", "fewer than 8"),
                               ("version = 2c", "version = 1", "version is 3 or 2c, not '1'"),
                               ("user =", "auth = MD5\nuser =", "auth is one of SHA-256"),
                               ("inform = no", "inform = maybe", "inform is yes or no"),
                               ("address = udp:192.0.2.11:162\n", "", "needs 'address'"),
                               ("user =", "inform = no\nuser =", "needs 'engine_id'"),
                               ("community =", "comunity =", "unknown key 'comunity'"),
                               ("[old]", "[old", "notify.conf"), (good, "", "there is no manager")):
            self.assertIn(old, good)
            self.refused(self.write(good.replace(old, new)), said)
        self.refused(self.write(good, 0o644), "others may read it")
        self.refused(self.folder / "none", "No such file")
        done = self.check(self.write(good))
        self.assertEqual((0, True), (done.returncode, "can be used" in done.stdout))

    def check(self, path):
        return subprocess.run([SNMP / "regpair-snmp-notify", "--check", "--config", path], text=True,
                              capture_output=True, timeout=WAIT_S, check=False)

    def refused(self, path, said):
        done = self.check(path)
        self.assertEqual(78, done.returncode, done)
        self.assertIn(said, done.stderr)
        self.assertEqual(1, len(done.stderr.splitlines()), done.stderr)


WELL = {"answers": "1", "unit": '"primary"', "role": '"active"', "pair_state": '"paired"', "epoch": "7",
        "lag_entries": "0", "lag_ms": "3", "aors": "120", "critical": "0", "major": "0", "minor": "0",
        "warning": "0", "alarms": '""'}
STANDBY = dict(WELL, unit='"secondary"', role='"standby"')
GONE = {"answers": "2"}  # snmpd alone

FAKE_SNMPGET = """#!/bin/sh
while [ $# -gt 0 ]; do case $1 in 192.0.2.*) where=$1 ;; esac; shift; done
[ -e {folder}/$where ] || {{ echo "Timeout: No Response from $where." >&2; exit 1; }}
cat {folder}/$where
"""


class ThePlugin(WithFolder):
    A, B, VIP = "192.0.2.1", "192.0.2.2", "192.0.2.3"

    def setUp(self):
        super().setUp()
        path = self.folder / "snmpget"
        path.write_text(FAKE_SNMPGET.format(folder=self.folder))
        path.chmod(0o755)
        self.oids = script("check_regpair").OIDS

    def run_check(self, answers, *arguments):
        for where, said in answers.items():
            if said is None:
                (self.folder / where).unlink(missing_ok=True)
                continue
            lines = [f"{BASE}.{oid} {said.get(name, 'No Such Instance currently exists at this OID')}\n"
                     for name, oid in self.oids.items()]
            (self.folder / where).write_text("".join(lines))
        done = subprocess.run([SNMP / "check_regpair", *arguments], text=True, capture_output=True, timeout=WAIT_S,
                              env=dict(os.environ, PATH=f"{self.folder}:{os.environ['PATH']}"), check=False)
        self.assertEqual("", done.stderr)
        return done.returncode, done.stdout

    def test_judges_the_pair(self):
        raised = dict(STANDBY, minor="1", alarms='"lag"')
        critical = dict(WELL, critical="1", alarms='"room_low"')
        exposed = dict(WELL, pair_state='"exposed"')
        for a, b, vip, code, said in (
                (WELL, STANDBY, WELL, 0, "OK - 192.0.2.1 (primary) is active; the pair is paired |"),
                (exposed, GONE, WELL, 1, "192.0.2.2 has no regpaird that answers"),
                (exposed, None, WELL, 1, "192.0.2.2 does not answer by SNMP"),
                (exposed, STANDBY, WELL, 1, "the pair is exposed"),
                (WELL, raised, WELL, 1, "192.0.2.2: lag"),
                (critical, STANDBY, WELL, 2, "192.0.2.1: room_low"),
                (dict(WELL, lag_ms="700"), STANDBY, WELL, 1, "700 ms behind"),
                (dict(WELL, lag_ms="7000"), STANDBY, WELL, 2, "7000 ms behind"),
                (WELL, dict(WELL, unit='"secondary"'), WELL, 2, "are both active"),
                (STANDBY, STANDBY, STANDBY, 2, "no node is active"),
                (GONE, GONE, GONE, 2, "no node is active"),
                (WELL, STANDBY, STANDBY, 2, "192.0.2.3 is at a node that is standby"),
                (WELL, STANDBY, GONE, 2, "192.0.2.3 is at a node that is without regpaird"),
                (WELL, STANDBY, dict(WELL, unit='"secondary"'), 2, "is at the secondary unit, the primary is active"),
                (WELL, STANDBY, None, 2, "192.0.2.3 does not answer"),
                (None, None, None, 3, "nobody answers by SNMP: Timeout")):
            found = self.run_check({self.A: a, self.B: b, self.VIP: vip}, "--host", self.A, "--host", self.B,
                                   "--address", self.VIP)
            self.assertEqual(code, found[0], found)
            self.assertIn(said, found[1])
            self.assertEqual(1, len(found[1].splitlines()))
            self.assertRegex(found[1], r"\| active=\d;1:1;1:1 answering=\d;2: alarms=\d+;0;( \S+=\d+\S*)*\n$")

    def test_judges_a_standalone_unit(self):
        alone = dict(WELL, unit='"standalone"', pair_state='"standalone"')
        self.assertEqual(0, self.run_check({self.A: alone}, "--host", self.A)[0])
        self.assertEqual(2, self.run_check({self.A: GONE}, "--host", self.A)[0])

    def test_gives_figures(self):
        _, said = self.run_check({self.A: WELL}, "--host", self.A, "--lag-warning", "9")
        self.assertIn(" lag=3ms;9;5000;0 lag_entries=0 users=120 epoch=7\n", said)

    def test_explains_wrong_use_in_one_line(self):
        for arguments in ((), ("--host", "a", "--host", "b", "--host", "c"), ("--what",), ("--host", "a", "--timeout", "x")):
            code, said = self.run_check({}, *arguments)
            self.assertEqual((3, 1, True), (code, len(said.splitlines()), said.startswith("REGPAIR UNKNOWN - ")), said)
        self.assertEqual(3, self.run_check({}, "--help")[0])


class TheFiles(unittest.TestCase):
    def test_are_programs_where_they_should_be(self):
        for name in ("regpair-snmp-agent", "regpair-snmp-notify", "check_regpair"):
            self.assertTrue((SNMP / name).stat().st_mode & stat.S_IXOTH, name)


if __name__ == "__main__":
    done = unittest.main(exit=False, verbosity=2, warnings="ignore").result
    bad = len(done.failures) + len(done.errors)
    print(f"[==========] {done.testsRun} test(s) run.\n[  PASSED  ] {done.testsRun - bad} test(s).")
    if bad:
        print(f"[  FAILED  ] {bad} test(s)")
    sys.exit(1 if bad else 0)
