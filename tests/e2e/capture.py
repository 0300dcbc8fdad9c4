#!/usr/bin/env python3
"""capture.py - every SIP packet that comes in by an interface, a line each, until its input ends.

Usage: capture.py INTERFACE      (a port of the switch: what the host behind it sends)
A line: when (CLOCK_BOOTTIME, seconds), udp or tcp, from, to, how it begins. What counts is the
port (5060 on either side) or what the bytes look like, whatever the port. The last line says how many packets were
looked at, and how many the kernel dropped before they could be.
"""
import re
import select
import socket
import struct
import sys
import time

ETH_P_ALL, ETH_P_IP = 3, 0x0800
PACKET_STATISTICS = 6
SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE = 33
SOL_PACKET = 263
SIP_PORT = 5060
LOOKS_LIKE_SIP = re.compile(rb"(SIP/2\.0 \d|[A-Z]{3,12} sips?:)")
BUFFER = 8 << 20


def open_socket(interface):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)  # deaf until bound
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.bind((interface, ETH_P_ALL))  # others see nothing of what a bridge takes
    return sock


def payload_of(packet):
    """(protocol, source, destination, payload) of an IPv4 packet of UDP or TCP, else None."""
    if len(packet) < 20 or packet[0] >> 4 != 4 or packet[9] not in (6, 17):
        return None
    begin = (packet[0] & 15) * 4
    end = struct.unpack_from("!H", packet, 2)[0]
    sport, dport = struct.unpack_from("!HH", packet, begin)
    size = 8 if packet[9] == 17 else (packet[begin + 12] >> 4) * 4
    source, destination = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
    return ("udp" if packet[9] == 17 else "tcp", (source, sport), (destination, dport), packet[begin + size:end])


def sip_line(packet):
    read = payload_of(packet)
    if read is None:
        return None
    protocol, source, destination, payload = read
    if not payload or (SIP_PORT not in (source[1], destination[1]) and not LOOKS_LIKE_SIP.match(payload)):
        return None
    # Quoted: a segment of TCP begins anywhere, also within a line's end.
    return f"{protocol} {source[0]}:{source[1]} {destination[0]}:{destination[1]} {payload[:60]!r}"


def when(ancillary):
    seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
    return seconds + nanoseconds / 1e9 - time.time() + time.clock_gettime(time.CLOCK_BOOTTIME)


def main():
    sock = open_socket(sys.argv[1])
    print("ready", flush=True)
    seen = 0
    while True:
        readable = select.select([sock, sys.stdin], [], [])[0]
        if sock in readable:
            packet, ancillary, _, address = sock.recvmsg(65536, 64)
            seen += 1
            _, protocol, direction, *_ = address
            sent = protocol == ETH_P_IP and direction != socket.PACKET_OUTGOING
            line = sip_line(packet) if sent else None
            if line:
                print(f"{when(ancillary):.6f} {line}")
        elif sys.stdin in readable:
            break
    dropped = struct.unpack("II", sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
    print(f"seen {seen} dropped {dropped}")


if __name__ == "__main__":
    main()
