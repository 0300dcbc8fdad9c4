#!/usr/bin/env python3
"""hostile.py - sends what nobody should to a node at 127.0.0.1:5060 and prints what came of it.

Usage: hostile.py torture FOLDER   the files */*.dat of FOLDER, each by UDP and by TCP; a line for each:
                                   transport, file, CSeq's number and status of every final answer
       hostile.py noise SEED N PATH...   N times noise made of pieces of SIP and JSON, by UDP, by TCP, and
                                   to each UNIX socket
       hostile.py deaf BYTES       so many bytes of keep-alives by TCP, no answer read; how many were taken
Tests run it in the node's own namespace.
"""
import random
import re
import socket
import sys
from pathlib import Path

NODE = ("127.0.0.1", 5060)
QUIET_S = 0.03  # after the answer to what was sent last: time for one answer too many
LATE_S = 5
UDP_HEADERS = 28
FENCE = ("OPTIONS sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKfence{n}\r\n"
         "From: <sip:a@example.com>;tag=1\r\nTo: <sip:example.com>\r\nCall-ID: fence-{n}\r\nCSeq: 1 OPTIONS\r\n"
         "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n")
ANSWER = re.compile(rb"SIP/2\.0 ([2-6]\d\d) ")
PIECES = (b"REGISTER sip:example.com SIP/2.0\r\n", b"OPTIONS sip:a@b SIP/2.0\r\n", b"SIP/2.0 200 OK\r\n",
          b"Via: SIP/2.0/UDP h;branch=z9hG4bK", b"From: <sip:a@example.com>;tag=", b"To: sip:a@example.com\r\n",
          b"CSeq: 4294967295 REGISTER\r\n", b"Contact: <sip:a@h>;expires=", b"Contact: *\r\n", b"Call-ID: ",
          b"Content-Length: 99999\r\n", b"Authorization: Digest username=\"", b"Max-Forwards: -1\r\n", b"\r\n",
          b"\r\n\r\n", b"\t\r\n ", b"\n", b" ", b"\0", b"\"", b"<", b"%00", b"sip:[::1]:99999", b"\xff" * 9, b";" * 99,
          b"[" * 999, b"A" * 5000, b"{\"command\":")


class Udp:
    """Hears every datagram to this host: an answer goes to the port that its request's Via names."""

    def __init__(self):
        self.out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.ear = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
        self.fences = 0

    def send(self, data):
        self.out.sendto(data, NODE)

    def receive(self, seconds):
        """The next datagram from the node."""
        self.ear.settimeout(seconds)
        while True:
            packet = self.ear.recv(65536)
            if packet[20:22] == NODE[1].to_bytes(2, "big"):
                return packet[UDP_HEADERS:]

    def exchange(self, data):
        """All answers, until the node has answered a request that was sent after it."""
        self.fences += 1
        fence = f"fence-{self.fences}\r\n".encode()
        answers = []
        self.send(data)
        self.send(FENCE.format(n=self.fences).encode())
        while fence not in (answer := self.receive(LATE_S)):
            answers.append(answer)
        try:
            while True:
                answers.append(self.receive(QUIET_S))
        except TimeoutError:
            return answers


def stream(address, data, patience_s):
    """All answers on a connection of its own, until the node closes that or is quiet for so long."""
    got = b""
    family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(LATE_S)
        s.connect(address)
        try:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            s.settimeout(patience_s)
            while more := s.recv(65536):
                got += more
        except (ConnectionError, TimeoutError):
            pass  # closed upon what was not read, or it waits for more
    return [got[m.start():] for m in re.finditer(ANSWER, got)]


def summary(answers):
    """CSeq's number and status of each final answer."""
    words = []
    for answer in answers:
        status = ANSWER.match(answer)
        cseq = re.search(rb"\r\nCSeq:\s*(\d+)", answer, re.I)
        if status:
            words.append(f"{cseq[1].decode() if cseq else '-'}:{status[1].decode()}")
    return " ".join(words)


def torture(folder):
    udp = Udp()
    for path in sorted(Path(folder).glob("*/*.dat")):
        name, data = path.relative_to(folder), path.read_bytes()
        print("udp", name, summary(udp.exchange(data)))
        print("tcp", name, summary(stream(NODE, data, 10 * QUIET_S)))


def noise(seed, count, *sockets):
    chance = random.Random(int(seed))
    udp = Udp()
    for _ in range(int(count)):
        data = b"".join(chance.choice(PIECES) for _ in range(chance.randrange(1, 40)))
        udp.exchange(data[:60000])
        stream(NODE, data, QUIET_S)
        for path in sockets:
            stream(path, data, QUIET_S)


def deaf(count):
    """A node takes no more for ever, or closes: both end this."""
    left, taken = int(count), 0
    with socket.create_connection(NODE, timeout=LATE_S) as s:
        try:
            while taken < left:
                taken += s.send(b"\r\n" * 8192)
        except (ConnectionError, TimeoutError):
            pass
    print(taken)


if __name__ == "__main__":
    {"torture": torture, "noise": noise, "deaf": deaf}[sys.argv[1]](*sys.argv[2:])
