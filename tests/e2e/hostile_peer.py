#!/usr/bin/env python3
"""hostile_peer.py - knocks at a node's peer port as nobody should, and prints what came of it.

Usage: hostile_peer.py ADDRESS SECONDS stall STAGE N   N connections at once that stop at a stage: nothing sent
                                  (tcp), half a ClientHello (half), one byte of it every 50 ms (bytes);
                                  one that the node ends is opened anew
       hostile_peer.py ADDRESS SECONDS knock FOLDER    handshakes with cert.pem and key.pem of FOLDER, one after
                                  the other, each waiting for the node's first byte
       hostile_peer.py ADDRESS SECONDS speak WHAT FOLDER    the same, and then: silent, half (a frame), bytes (one
                                  every 50 ms), garbage, large (a length beyond all limits), beats, hellos
Prints `opened N accepted N`: connections, and those on which the node said something.
"""
import itertools
import os
import select
import socket
import ssl
import struct
import sys
import time

PORT = 7060
LATE_S = 3
PACE_S = 0.05


def varint(n):
    out = b""
    while n > 0x7f:
        out, n = out + bytes([n & 0x7f | 0x80]), n >> 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def frame(kind, body):
    message = field(kind, body)
    return struct.pack(">I", len(message)) + message


def hello(folder):
    """Of a secondary that is active and knows no history."""
    words = dict(line.split(None, 1) for line in open(folder + "/pair", encoding="ascii") if " " in line)
    cluster = bytes.fromhex(words["cluster"].strip())
    beat = field(2, 5) + field(3, 1) + field(5, 1800000000000) + field(6, 1)
    return frame(1, field(1, 1) + field(2, 2) + field(3, cluster) + field(4, 3) + field(6, 1) + field(10, 2 ** 40) +
                 field(11, 2 ** 40) + field(12, beat))


BEAT = frame(3, field(2, 5) + field(3, 1) + field(5, 1800000000000) + field(6, 7))


def client_hello():
    to_node, from_node = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        context.wrap_bio(from_node, to_node).do_handshake()
    except ssl.SSLWantReadError:
        return to_node.read()


class Tally:
    opened = accepted = 0

    def __str__(self):
        return f"opened {self.opened} accepted {self.accepted}"


def stall(address, until, tally, stage, count):
    begin = client_hello()
    pieces = {"tcp": [], "half": [begin[:len(begin) // 2]], "bytes": [begin[i:i + 1] for i in range(len(begin))]}[stage]
    held = {}
    while time.monotonic() < until:
        while len(held) < int(count) and time.monotonic() < until:
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex((address, PORT))
            held[s] = iter(pieces)
            tally.opened += 1
        for s in list(held):
            try:
                s.send(next(held[s], b""))
            except OSError:
                s.close()
                del held[s]
        for s in select.select(list(held), [], [], PACE_S)[0]:
            s.close()  # ended by the node: it has nothing to say to who says nothing
            del held[s]


def context_of(folder):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(folder + "/cert.pem", folder + "/key.pem")
    return context


def visit(address, tally, context, speak):
    """One connection; what is said on it once the node has said something."""
    with socket.create_connection((address, PORT), timeout=LATE_S) as plain:
        tally.opened += 1
        with context.wrap_socket(plain) as s:
            if not s.recv(65536):
                return
            tally.accepted += 1
            speak(s)


def drain(s):
    """Until the node ends it."""
    while s.recv(65536):
        pass


def speaker(what, folder):
    greeting = hello(folder)

    def send(pieces, pace_s=0.0):
        def speak(s):
            s.settimeout(LATE_S)
            for piece in pieces():
                s.sendall(piece)
                time.sleep(pace_s)
            drain(s)
        return speak

    return {
        "silent": send(lambda: []),
        "half": send(lambda: [greeting[:len(greeting) // 2]]),
        "bytes": send(lambda: (greeting[i:i + 1] for i in range(len(greeting))), PACE_S),
        "garbage": send(lambda: [os.urandom(65536)]),
        "large": send(lambda: [b"\xff\xff\xff\xff" + bytes(4096)]),
        "beats": send(lambda: itertools.chain([greeting], itertools.repeat(BEAT * 500, 2000))),
        "hellos": send(lambda: [greeting] * 3),
    }[what]


def visits(address, until, tally, context, speak):
    while time.monotonic() < until:
        try:
            visit(address, tally, context, speak)
        except OSError:  # refused, ended, or silent for too long
            pass


def main(address, seconds, what, *arguments):
    until, tally = time.monotonic() + float(seconds), Tally()
    if what == "stall":
        stall(address, until, tally, *arguments)
    elif what == "knock":
        visits(address, until, tally, context_of(arguments[0]), drain)
    else:
        visits(address, until, tally, context_of(arguments[1]), speaker(*arguments))
    print(tally)


if __name__ == "__main__":
    main(*sys.argv[1:])
