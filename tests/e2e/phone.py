"""phone.py - a SIP phone of a few lines, for what ready-made ones do not do or do not show."""
import base64
import ctypes
import hashlib
import os
import queue
import re
import socket
import threading
from contextlib import contextmanager
from pathlib import Path

from lab import LabError, now

HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
T1_S = 0.5
PATIENCE_S = 8  # for an answer: long enough for a takeover
STUN_REQUEST = b"\x00\x01\x00\x00\x21\x12\xa4\x42"
STUN_SUCCESS = b"\x01\x01"
XOR_MAPPED_ADDRESS = b"\x00\x20\x00\x08\x00\x01"


@contextmanager
def inside(namespace):
    """Sockets made here belong to the namespace for ever; this process goes back."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/self/ns/net", "rb") as home, open(Path("/run/netns") / namespace, "rb") as there:
        if libc.setns(there.fileno(), 0) != 0:
            raise OSError(ctypes.get_errno(), f"setns {namespace}")
        try:
            yield
        finally:
            libc.setns(home.fileno(), 0)


def token():
    return base64.b16encode(os.urandom(6)).decode().lower()


class Message:
    def __init__(self, text):
        head = text.split("\r\n\r\n", 1)[0].split("\r\n")
        self.text, self.first = text, head[0]
        self.headers = [tuple(part.strip() for part in line.split(":", 1)) for line in head[1:]]

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def one(self, name):
        """The header's value; it stands there once."""
        found = self.all(name)
        assert len(found) == 1, f"{name} {len(found)} times in {self.text}"
        return found[0]

    @property
    def contacts(self):
        return self.all("Contact")

    @property
    def uris(self):
        return [re.search("<(.*?)>", contact)[1] for contact in self.contacts]


class Answer(Message):
    def __init__(self, text):
        super().__init__(text)
        self.status = int(self.first.split(" ")[1])

    def must(self, *statuses):
        assert self.status in statuses, f"not {statuses}: {self.text}"
        return self


class Request(Message):
    def __init__(self, text):
        super().__init__(text)
        self.method = self.first.split(" ", 1)[0]

    @property
    def branch(self):
        return re.search("branch=([^;,\\s]+)", self.all("Via")[0])[1]

    @property
    def cseq(self):
        return int(self.one("CSeq").split()[0])

    def answered(self, status="200 OK", *headers):
        """The answer to it, without a body."""
        copied = (f"{name}: {value}" for name, value in self.headers
                  if name.lower() in ("via", "from", "to", "call-id", "cseq"))
        return "\r\n".join((f"SIP/2.0 {status}", *copied, *headers, "Content-Length: 0", "", "")).encode()


class Phone:
    """Registers user `number` of a domain at the pair's address, by `algorithm`, which must be offered. The
    users of example.com are made known here."""

    def __init__(self, lab, number, transport="udp", algorithm="MD5", domain="example.com"):
        if domain == "example.com":
            lab.add_users(1, number)
        self.lab, self.transport, self.algorithm, self.domain = lab, transport, algorithm, domain
        self.user, self.password = f"user{number:06}", f"secret{number:06}"
        self.aor = f"sip:{self.user}@{domain}"
        self.call_id, self.cseq, self.challenge, self.nc = token(), 0, None, 0
        self.connect()

    def connect(self):
        """From another port than before."""
        kind = socket.SOCK_DGRAM if self.transport == "udp" else socket.SOCK_STREAM
        with inside(self.lab.namespace("c")):
            self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.settimeout(PATIENCE_S)
        self.socket.bind((self.lab.address["c"], 0))
        self.socket.connect((self.lab.vip, 5060))
        self.port = self.socket.getsockname()[1]

    @property
    def contact(self):
        return f"<sip:{self.user}@{self.lab.address['c']}:{self.port};transport={self.transport}>"

    # --- one request, one answer ---

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        """A datagram; of a stream, a message without a body."""
        if self.transport == "udp":
            return self.socket.recv(65536)
        got = b""
        while not got.endswith(b"\r\n\r\n"):
            more = self.socket.recv(65536)
            if not more:
                raise LabError(f"the connection was closed after {got!r}")
            got += more
        return got

    def exchange(self, data, is_answer):
        """What `is_answer` takes; by UDP the request is sent again and again (RFC 3261 17.1.2.2)."""
        deadline = now() + PATIENCE_S
        self.socket.settimeout(T1_S if self.transport == "udp" else PATIENCE_S)
        self.send(data)
        while now() < deadline:
            try:
                got = self.receive()
                if is_answer(got):
                    return got
            except (TimeoutError, ConnectionRefusedError):
                self.send(data)
        raise LabError(f"no answer to {data!r}")

    def text_of(self, method, uri, *headers, vias=()):
        self.cseq += 1
        via = f"SIP/2.0/{self.transport.upper()} {self.lab.address['c']}:{self.port};rport;branch=z9hG4bK{token()}"
        to = self.aor if method == "REGISTER" else uri
        return "\r\n".join((
            f"{method} {uri} SIP/2.0", f"Via: {via}", *(f"Via: {v}" for v in vias), f"From: <{self.aor}>;tag=phone",
            f"To: <{to}>", f"Call-ID: {self.call_id}", f"CSeq: {self.cseq} {method}", "Max-Forwards: 70", *headers,
            "Content-Length: 0", "", ""))

    def ask(self, text):
        branch = re.search("branch=(\\S+)", text)[1].encode()
        return Answer(self.exchange(text.encode(), lambda got: branch in got and b"SIP/2.0 1" != got[:9]).decode())

    def request(self, method, uri, *headers):
        return self.ask(self.text_of(method, uri, *headers))

    # --- REGISTER ---

    def authorization(self, method, uri):
        """For the challenge that was heard last."""
        self.nc += 1
        def hashed(*words):
            return hashlib.new(HASHES[self.algorithm], ":".join(words).encode()).hexdigest()
        known, nc, cnonce = self.challenge, f"{self.nc:08x}", token()
        secret = hashed(self.user, self.domain, self.password)
        response = hashed(secret, known["nonce"], nc, cnonce, "auth", hashed(method, uri))
        opaque = f', opaque="{known["opaque"]}"' if "opaque" in known else ""
        return (f'Authorization: Digest username="{self.user}", realm="{self.domain}", nonce="{known["nonce"]}", '
                f'uri="{uri}", response="{response}", algorithm={self.algorithm}, cnonce="{cnonce}", qop=auth, '
                f'nc={nc}{opaque}')

    def listen_to(self, answer):
        """Takes the challenge of its algorithm."""
        offers = [dict((key.lower(), value.strip('"')) for key, value in re.findall(r'(\w+)=("[^"]*"|[^\s,]+)', line))
                  for line in answer.all("WWW-Authenticate")]
        self.challenge = next(offer for offer in offers if offer.get("algorithm", "MD5") == self.algorithm)
        self.nc = 0

    def register_text(self, *contacts, headers=(), expires=300, vias=()):
        uri = f"sip:{self.domain}"
        lines = [f"Contact: {contact}" for contact in contacts] + [*headers]
        if contacts:
            lines.append(f"Expires: {expires}")
        if self.challenge:
            lines.append(self.authorization("REGISTER", uri))
        return self.text_of("REGISTER", uri, *lines, vias=vias)

    def register(self, *contacts, **how):
        """The answer to a REGISTER with credentials; the first time challenged before."""
        if self.challenge is None:
            self.listen_to(self.ask(self.register_text(*contacts, **how)).must(401))
        return self.ask(self.register_text(*contacts, **how))

    def new_call(self):
        """As after a restart: another Call-ID."""
        self.call_id, self.cseq = token(), 0

    # --- keep-alives ---

    def pong(self):
        """RFC 5626 4.4.1: two line ends are answered with one, and with nothing else."""
        self.socket.settimeout(PATIENCE_S)
        self.send(b"\r\n\r\n")
        got = self.socket.recv(100)
        assert got == b"\r\n", got

    def stun(self):
        """RFC 5626 4.4.2: a binding request on the SIP port tells this socket's own address."""
        request = STUN_REQUEST + os.urandom(12)
        answer = self.exchange(request, lambda got: got[4:20] == request[4:20])
        mask = request[4:8]
        port = (self.port ^ int.from_bytes(mask[:2], "big")).to_bytes(2, "big")
        host = bytes(x ^ y for x, y in zip(socket.inet_aton(self.lab.address["c"]), mask))
        assert answer[:2] == STUN_SUCCESS, answer
        assert XOR_MAPPED_ADDRESS + port + host in answer, answer


class HearingPhone(Phone):
    """It hears requests, too (over UDP): each is kept, and answered if the phone is not dumb,
    whatever the test does meanwhile."""

    def __init__(self, *arguments, dumb=False, **how):
        self.dumb, self.heard, self.answers, self.ended = dumb, [], queue.Queue(), False
        super().__init__(*arguments, **how)

    def connect(self):
        super().connect()
        threading.Thread(target=self.attend, args=(self.socket,), daemon=True).start()

    def attend(self, sock):
        while not self.ended:  # a UDP socket that was shut down says nothing for ever
            try:
                self.take(sock.recv(65536), sock)
            except (TimeoutError, ConnectionRefusedError, BrokenPipeError):
                pass

    def take(self, got, sock):
        if not got:
            return
        if got.startswith(b"SIP/2.0 "):
            self.answers.put(got)
            return
        request = Request(got.decode())
        self.heard.append(request)
        if not self.dumb:
            sock.sendall(request.answered())

    def receive(self):
        try:
            return self.answers.get(timeout=self.socket.gettimeout())
        except queue.Empty:
            raise TimeoutError from None

    def all_heard(self, method):
        return [request for request in list(self.heard) if request.method == method]

    def end(self):
        self.ended = True
        self.socket.shutdown(socket.SHUT_RDWR)
