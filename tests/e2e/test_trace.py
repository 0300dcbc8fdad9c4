"""test_trace.py - the messages of one user or one NAP, traced to a file that tshark reads as SIP."""
import contextlib
import json
import signal
import subprocess
import time
from pathlib import Path

import naps
from lab import BIN, other, wait_until
from nap_rows import Nap
from registrars import Certificates, challenge, ok
from standalone import NAMESPACE, Alone

FIELDS = ("frame.time_epoch", "ip.src", "udp.srcport", "tcp.srcport", "ip.dst", "udp.dstport", "tcp.dstport",
          "sip.Method", "sip.Status-Code", "sip.to.user", "_ws.col.Protocol")
PCAP_HEAD = 24


class Packet:
    def __init__(self, line):
        values = dict(zip(FIELDS, line.split("\t")))
        self.time = float(values["frame.time_epoch"])
        self.stream = bool(values["tcp.srcport"])
        self.source = (values["ip.src"], int(values["udp.srcport"] or values["tcp.srcport"]))
        self.destination = (values["ip.dst"], int(values["udp.dstport"] or values["tcp.dstport"]))
        self.what = values["sip.Method"] or values["sip.Status-Code"]
        self.user, self.protocol = values["sip.to.user"], values["_ws.col.Protocol"]


def packets(file):
    wanted = [word for field in FIELDS for word in ("-e", field)]
    done = subprocess.run(["tshark", "-n", "-r", file, "-T", "fields", *wanted], text=True, capture_output=True, check=True)
    found = [Packet(line) for line in done.stdout.splitlines()]
    assert all("SIP" in packet.protocol for packet in found), done.stdout
    bad = subprocess.run(["tshark", "-r", file, "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-o",
                          "tcp.check_checksum:TRUE", "-Y", "_ws.malformed or _ws.expert.severity >= warning"], text=True,
                         capture_output=True, check=True)
    assert not bad.stdout, bad.stdout
    return found


@contextlib.contextmanager
def traced(control, who, file, *options):
    """regpairctl at work, ended as by ^C; what it said is `said`."""
    process = subprocess.Popen([BIN / "regpairctl", "--control", control, "trace", who, "--file", file, *options], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        wait_until(lambda: process.poll() is not None or (Path(file).exists() and Path(file).stat().st_size >= PCAP_HEAD), 10,
                   "the trace has begun")
        yield process
        process.send_signal(signal.SIGINT)
        process.said, process.warned = process.communicate(timeout=10)
        assert process.returncode == 0, process.warned
    finally:
        process.kill()


def test_a_user_s_messages_are_traced_as_they_were_and_nobody_else_s(lab):
    """A31: over UDP and TCP, in and out; also what is refused"""
    active = lab.active()
    lab.add_users(3)
    file = lab.folder / "user.pcap"
    control = lab.folder / active / "run" / "control.sock"
    begun = time.time()
    with traced(control, "user000001@example.com", file) as process:
        for transport in ("udp", "tcp"):
            lab.regload("--users", 3, "--transport", transport)
        beside = lab.folder / "standby.pcap"
        with traced(lab.folder / other(active) / "run" / "control.sock", "user000001@example.com", beside) as on_standby:
            lab.regload("--users", 3)
    found = packets(file)
    assert process.said == f"{file}: {len(found)} messages\n" and not process.warned, (process.said, process.warned)
    assert on_standby.said == f"{beside}: 0 messages\n" and beside.stat().st_size == PCAP_HEAD, on_standby.said
    assert "this node is standby: messages pass at the active one" in on_standby.warned, on_standby.warned
    assert file.stat().st_mode & 0o777 == 0o600, "it is for its owner alone"
    assert {packet.user for packet in found} == {"user000001"}, [packet.user for packet in found]
    for stream, registrations in ((False, 2), (True, 1)):
        some = [packet for packet in found if packet.stream == stream]
        assert [packet.what for packet in some] == ["REGISTER", "401", "REGISTER", "200"] * registrations, \
            [packet.what for packet in some]
        for packet in some:
            ends = (packet.source, packet.destination)
            us, them = ends if packet.what.isdigit() else reversed(ends)
            assert us == (lab.vip, 5060) and them[0] == lab.address["c"], ends
        assert not stream or len({frozenset((packet.source, packet.destination)) for packet in some}) == 1, "one connection"
    times = [packet.time for packet in found]
    assert times == sorted(times) and begun < times[0] and times[-1] < time.time(), times


def test_a_trace_ends_by_itself_and_refuses_what_it_cannot_follow(lab):
    """A31: after its time, with its size; each is in the audit log"""
    active = lab.active()
    file = lab.folder / "short.pcap"
    done = lab.ctl_run(active, "trace", "alice@example.com", "--file", file, "--seconds", "1", seconds=20)
    assert (done.returncode, done.stdout) == (0, f"{file}: 0 messages\n"), done
    acts = lab.ctl(active, "audit", "--config", lab.folder / active / "regpair.yaml")
    assert (acts[-1]["act"], acts[-1]["target"], acts[-1]["result"]) == ("trace", "alice@example.com", "done"), acts[-1]
    for words, code, said in ((("nobody", "--file", file), 1, "no NAP of that name"), (("alice@example.com",), 2, "--file"),
                              (("a@example.com", "--file", "/nonexistent/x"), 1, "/nonexistent/x: No such file"),
                              (("a@example.com", "--file", file, "--seconds", "0"), 2, "--seconds takes")):
        done = lab.ctl_run(active, "trace", *words, seconds=20)
        assert done.returncode == code and said in done.stderr, (words, done)


def test_what_a_nap_gets_over_tls_is_traced_in_the_clear_with_its_ports():
    """A31"""
    with Alone() as node, contextlib.ExitStack() as stack:
        certificates = Certificates(node.folder)
        nap, beside = (Nap(stack, number, transport, context, {"expires": "600 s", "address_to_register": f"sip:me{number}@there"})
                       for number, transport, context in ((0, "tls", certificates.context("good")), (1, "udp", None)))
        for one in (nap, beside):
            one.plays(challenge(), ok())
        node.file.write_text(node.file.read_text() + f"tls: {{ca_file: {certificates.ca}}}\n" + naps.section([nap.keys, beside.keys]))
        node.start()

        def registered():
            return all(view["registered"] for view in json.loads(node.ctl("--json", "nap", "list")))
        wait_until(registered, 10, "both NAPs are registered")
        file = node.folder / "nap.pcap"
        before = len(nap.registrar.sent)
        with traced(node.folder / "control.sock", nap.name, file):
            for one in (nap, beside):
                node.ctl("nap", "register", one.name)
            wait_until(lambda: len(nap.registrar.sent) > before and registered(), 10, "it has registered anew")
            wait_until(lambda: len(packets(file)) >= 2, 10, "request and answer are in the file")
        found = packets(file)
        assert [packet.what for packet in found] == ["REGISTER", "200"] and all(packet.stream for packet in found), \
            [packet.what for packet in found]
        assert {packet.user for packet in found} == {"me0"}, "the other NAP's are there"
        request, answer = found
        assert (request.source, request.destination) == (answer.destination, answer.source)
        assert request.destination == ("127.0.0.1", nap.registrar.port) or request.destination[1] == nap.registrar.port
        held = node.run("ss", "-Htn", "state", "established", "dport", f"= :{nap.registrar.port}").stdout
        assert f"{request.source[0]}:{request.source[1]} " in held, (request.source, held, NAMESPACE)
