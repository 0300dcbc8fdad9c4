"""registrars.py - registrars that answer as a script says, for what a real one cannot be made to do: each over
UDP, TCP or TLS, on a port of its own of 127.0.0.1, in a thread.

A script is a list of steps, one for each REGISTER (what is sent again is the same one), the last for all
that follow. A step takes the request and gives what is sent: answers, none, or HANG_UP.
"""
import contextlib
import hashlib
import re
import socket
import ssl
import subprocess
import threading

from clients import need
from lab import now
from phone import Request, inside

HOST, ELSEWHERE = "127.0.0.1", "127.0.0.2"
HANG_UP = object()


class Stray(bytes):
    """A datagram that is sent from elsewhere."""


HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}


# --- steps ---

def silence(request):
    return []


def hang_up(request):
    return [HANG_UP]


def answer(status, *headers):
    return lambda request: [request.answered(status, *headers)]


def own_contact(request, parameters=""):
    return f"Contact: <{request.uris[0]}>{parameters}"


def ok(expires=600, *headers):
    """A 200 that grants so much."""
    return lambda request: [request.answered("200 OK", own_contact(request, f";expires={expires}"), *headers)]


def challenge_line(name="WWW-Authenticate", realm="there", nonce="once", algorithm="MD5", more=', qop="auth"'):
    named = f", algorithm={algorithm}" if algorithm else ""
    return f'{name}: Digest realm="{realm}", nonce="{nonce}"{named}{more}'


def challenge(*arguments, **how):
    return answer("401 Unauthorized", challenge_line(*arguments, **how))


# --- what credentials say ---

def credentials(request, name="Authorization"):
    """Each line's parameters, quotes taken off."""
    return [{key.lower(): value.strip('"') for key, value in re.findall(r'(\w+)=("[^"]*"|[^\s,]+)', line)}
            for line in request.all(name)]


def is_right(given, method="REGISTER", user="me", password="mine"):
    """Computed once more, as RFC 7616 3.4 has it."""
    algorithm = given.get("algorithm", "MD5")
    def hashed(*words):
        return hashlib.new(HASHES[algorithm.removesuffix("-sess")], ":".join(words).encode()).hexdigest()
    secret = hashed(user, given["realm"], password)
    if algorithm.endswith("-sess"):
        secret = hashed(secret, given["nonce"], given["cnonce"])
    what = hashed(method, given["uri"], hashed("")) if given.get("qop") == "auth-int" else hashed(method, given["uri"])
    middle = [given[key] for key in ("nc", "cnonce", "qop")] if "qop" in given else []
    return given["username"] == user and given["response"] == hashed(secret, given["nonce"], *middle, what)


# --- certificates ---

class Certificates:
    """A CA, a certificate of 127.0.0.1 and of its names, one of another host, and one that nobody vouches for."""

    def __init__(self, folder):
        self.folder = folder
        self.ca = self.make("ca", "-subj", "/CN=ca")
        names = "".join(f",DNS:{name}.test" for name in ("here", "away", "closed", "silent"))
        self.make("good", "-subj", "/CN=good", "-addext", f"subjectAltName=IP:{HOST}{names}", issuer="ca")
        self.make("other", "-subj", "/CN=other", "-addext", "subjectAltName=DNS:other.test", issuer="ca")
        self.make("unknown", "-subj", "/CN=unknown", "-addext", f"subjectAltName=IP:{HOST}")

    def make(self, name, *words, issuer=None):
        by = ("-CA", self.folder / f"{issuer}.pem", "-CAkey", self.folder / f"{issuer}.key") if issuer else ()
        path = self.folder / f"{name}.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                        "2", "-keyout", self.folder / f"{name}.key", "-out", path, *words, *by], check=True, capture_output=True)
        return path

    def context(self, name):
        """Of who shows this one; "asking": the good one, and the client is asked for its own."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if name == "asking":
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_verify_locations(self.ca)
            name = "good"
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        return context


# --- registrars, and how they are found ---

class NameServer:
    """dnsmasq in the namespace; the name here.test is this host."""

    ADDRESS = f"{HOST}:5353"

    def __init__(self, node, records):
        need("dnsmasq", "dnsmasq-base")
        self.process = subprocess.Popen(
            node.command("dnsmasq", "-d", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", f"--listen-address={HOST}",
                         "--bind-interfaces", "--port=5353", "--local=/test/", f"--address=/here.test/{HOST}", *records),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end(self):
        self.process.kill()
        self.process.wait()


class Registrar:
    """What it was asked: `sent`, every REGISTER (`when`: its moment), `asked`, each once; `polled`, every OPTIONS.
    Over TLS without a context it says nothing."""

    def __init__(self, namespace, port, transport, tls=None):
        self.namespace, self.port, self.transport, self.tls = namespace, port, transport, tls
        self.steps, self.poll_step = [silence], answer("200 OK")
        self.sent, self.asked, self.polled, self.connections, self.ended = [], [], [], [], False
        self.bind()
        self.listen()

    def bind(self):
        with inside(self.namespace):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if self.transport == "udp" else socket.SOCK_STREAM)
            self.elsewhere = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.elsewhere.bind((ELSEWHERE, self.port))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((HOST, self.port))

    def listen(self):
        if self.transport != "udp":
            self.socket.listen()
        serve = self.serve_datagrams if self.transport == "udp" else self.accept
        threading.Thread(target=serve, args=(self.socket,), daemon=True).start()

    def close(self):
        """Its thread ends: who waits in a socket is not woken by its end alone."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.elsewhere.close()

    def deaf(self):
        """Connections are refused, until it listens."""
        self.close()
        self.bind()

    def end(self):
        self.ended = True
        self.close()

    def take(self, text):
        """What is to be sent for it."""
        request = Request(text)
        if request.method == "OPTIONS":
            self.polled.append(request)
            return self.poll_step(request)
        request.when = now()
        self.sent.append(request)
        if request.branch not in (known := [one.branch for one in self.asked]):
            known.append(request.branch)
            self.asked.append(request)
        return self.steps[min(known.index(request.branch), len(self.steps) - 1)](request)

    def serve_datagrams(self, sock):
        while not self.ended:
            with contextlib.suppress(OSError):  # one that left; ours, at the end
                got, source = sock.recvfrom(65536)
                for out in self.take(got.decode()) if got.strip() else []:
                    (self.elsewhere if isinstance(out, Stray) else sock).sendto(out, source)

    def accept(self, sock):
        while True:
            try:
                connection = sock.accept()[0]
            except OSError:
                return
            self.connections.append(now())
            threading.Thread(target=self.serve_stream, args=(connection,), daemon=True).start()

    def serve_stream(self, connection):
        """Requests without a body."""
        with contextlib.suppress(OSError):  # the other side left, or does not like the certificate
            if self.tls and self.transport == "tls":
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                self.talk(connection)

    def talk(self, connection):
        got = b""
        while not self.ended:
            more = connection.recv(65536)
            if not more:
                return
            got = (got + more).lstrip()
            while b"\r\n\r\n" in got and (self.tls or self.transport == "tcp"):
                text, _, got = got.partition(b"\r\n\r\n")
                for out in self.take(text.decode() + "\r\n\r\n"):
                    if out is HANG_UP:
                        return
                    connection.sendall(out)
