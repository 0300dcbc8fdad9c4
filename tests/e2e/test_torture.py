"""test_torture.py - hostile bytes over the wire: the messages of RFC 4475 and RFC 5118 get at most one
final answer each, of a status that they may get; what is no SIP at all changes nothing. The node serves on."""
import csv
import os
import sys
from pathlib import Path

from lab import Skip
from standalone import Alone

CLIENT = Path(__file__).resolve().parent / "hostile.py"
DOMAINS = ("biloxi.com", "atlanta.com", "biloxi.example.com", "atlanta.example.com", "example.net", "example.org",
           "company.com", "chair-dnrc.example.com", "host5.example.net")
FOUND = ["302", "404", "480"]  # instead of a pure registrar's 405, where it redirects to its users
BOUND = {f"sip:{user}@example.com" for user in ("j.user", "user", "null-%00-null", "watson")}  # by valid REGISTERs


def bound(node):
    return {line.split()[0] for line in node.ctl("bindings").splitlines() if line.startswith("sip:")}


def index():
    """The folder, and of torture-index.tsv {file: the statuses that it may get}."""
    folder = os.environ.get("SHARED_DATA")
    if not folder:
        raise Skip("SHARED_DATA is not set: torture-index.tsv, rfc4475/ and rfc5118/")
    with open(Path(folder) / "torture-index.tsv", encoding="utf-8", newline="") as table:
        return folder, {row["file"]: row["status_for_registrar"].split(",")
                        for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE)}


def serve_domains(node):
    first = node.file.read_text().splitlines()[-1]
    for name in DOMAINS:
        node.edit(first, first + "\n" + first.replace("example.com", name))


def whole(node, log):
    """It is the same process, answers, and found nothing wrong with itself."""
    assert node.process.poll() is None, f"regpaird ended with {node.process.returncode}"
    assert node.status()["role"] == "active"
    assert not log.line("level=error|Sanitizer|runtime error"), log.text()
    node.add_users(3, "--domain", "example.com")
    assert node.regload("--users", 3)["ok"] == 3
    assert node.stop() == 0


def hostile(node, *words):
    done = node.run(sys.executable, CLIENT, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def play(auth, location):
    folder, allowed = index()
    wrong = []
    with Alone(least="60 s", auth=f"{auth}, location: {location}") as node:
        serve_domains(node)
        node.start()
        log = node.log()
        lines = hostile(node, "torture", folder)
        assert len(lines) == 2 * len(allowed), lines
        for line in lines:
            transport, name, *answers = line.split()
            statuses = [answer.split(":")[1] for answer in answers] or ["none"]
            # On a stream a message may want more bytes than there are: then nobody answers.
            may = allowed[name] + (["none"] if transport == "tcp" else [])
            if location == "redirect" and "405" in may:
                may = may + FOUND
            if statuses[0] not in may or len(set(answers)) < len(answers):
                wrong.append(f"{line}: may be {','.join(may)}")
            # Only a stream has a second request behind the first (dblreq.dat).
            if len(answers) > (2 if transport == "tcp" else 1):
                wrong.append(f"{line}: too many answers")
        assert not wrong, "\n".join(wrong)
        status = node.status()
        assert bound(node) == (BOUND if auth == "none" else set()) and status["held"] == 0, status
        whole(node, log)


def test_torture_messages_get_the_answers_they_may_get():
    """R33, R34, R40, R43, R45, R46, R01"""
    play("none", "off")


def test_torture_messages_get_the_answers_they_may_get_from_one_that_redirects():
    """the same where other requests are answered with where the user is"""
    play("none", "redirect")


def test_torture_messages_that_must_authenticate_get_the_answers_they_may_get():
    """the same where registering asks for a digest"""
    play("digest", "redirect")


def test_noise_changes_nothing():
    """by UDP, by TCP and on the control socket"""
    with Alone() as node:
        node.start()
        log = node.log()
        hostile(node, "noise", 1, 300, node.folder / "control.sock")
        assert node.status()["aors"] == 0
        whole(node, log)


def test_a_client_that_never_reads_is_closed():
    """keep-alives are answered; who leaves the answers unread does not fill the memory"""
    with Alone() as node:
        node.start()
        log = node.log()
        assert int(hostile(node, "deaf", 256 << 20)[0]) < 64 << 20
        whole(node, log)
