"""test_hostile_peer.py - who knocks at the peer port without a right, or with one and ill will: the active
goes on answering, the pair is paired or soon again, and nothing grows."""
import re
import shutil
import subprocess
import time
from pathlib import Path

from lab import NODES, LabError, other, wait_until
from load import REFRESH, STALL_MS, Phones

HERE = Path(__file__).resolve().parent
ATTACK_S = 2
DESCRIPTORS = 24     # handshakes under way, and a spare connection
MEMORY_KIB = 96 << 10
LINES = 60           # a burst of each place, then one a second


def descriptors(pid):
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def memory_kib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])


class Watched:
    """The listening node at work, active, with phones; what it took is judged at the end."""

    def __init__(self, lab, name):
        self.lab = lab
        if lab.active() != "a":
            lab.switchover()
            wait_until(lambda: lab.active() == "a" and lab.paired(), 20, "a, which listens, is active")
        self.phones = Phones(lab, name, "udp", 200)
        self.phones.register()
        self.pid = lab.pid("a")
        self.most = 0

    def __enter__(self):
        self.log = self.lab.log("a")
        self.before = self.lab.status("a")
        self.descriptors, self.memory = descriptors(self.pid), memory_kib(self.pid)
        self.load = self.phones.start(REFRESH, 100)
        return self

    def attack(self, *words, host="c"):
        process = self.lab.popen("python3", HERE / "hostile_peer.py", self.lab.address["a"], ATTACK_S, *words, host=host,
                                 stdout=subprocess.PIPE)
        while process.poll() is None:
            self.most = max(self.most, descriptors(self.pid))
            time.sleep(0.02)
        said = process.stdout.read()
        match = re.match(r"opened (\d+) accepted (\d+)", said)
        if process.returncode != 0 or not match:
            raise LabError(f"{words}: {said}")
        return int(match[1]), int(match[2])

    def __exit__(self, kind, *why):
        result = self.phones.end(self.load)
        if kind is not None:
            return
        lines = len(self.log.text().splitlines())
        assert not result["other"] and not result["timeouts"], result
        assert result["gap"]["longest_ms"] < STALL_MS, result["gap"]
        assert self.most - self.descriptors <= DESCRIPTORS, (self.descriptors, self.most)
        assert memory_kib(self.pid) - self.memory < MEMORY_KIB, (self.memory, memory_kib(self.pid))
        assert lines < LINES, self.log.text()[-4000:]
        assert self.lab.pid("a") == self.pid and self.lab.active() == "a"


def never_exposed(watched):
    """The link was not even shaken."""
    after = watched.lab.status("a")
    assert after["exposed_times"] == watched.before["exposed_times"], after


def test_connections_that_stall_disturb_nobody(lab):
    """A12, T12: 256 at once, in each stage before the certificate; the pair stays paired"""
    watched = Watched(lab, "stall")
    for stage in ("tcp", "half", "bytes"):
        with watched:
            opened, accepted = watched.attack("stall", stage, 256)
            assert opened >= 256 and accepted == 0, (opened, accepted)
            never_exposed(watched)
            print(f"      {stage}: {opened} connections, {watched.most - watched.descriptors} at once at most")


def test_a_peer_comes_back_through_a_crowd_that_stalls(lab):
    """A12: the standby's own handshake is not what gives way"""
    watched = Watched(lab, "crowd")
    standby = other("a")
    crowd = lab.popen("python3", HERE / "hostile_peer.py", lab.address["a"], 10, "stall", "tcp", 256,
                      stdout=subprocess.PIPE)
    try:
        time.sleep(0.5)
        lab.stop_daemon(standby)
        wait_until(lambda: lab.status("a")["pair_state"] == "exposed", 5, "exposed")
        lab.start(standby)
        lab.until_paired("paired beside 256 connections that stall")
        assert crowd.poll() is None, "the crowd was there all the time"
    finally:
        crowd.communicate(timeout=20)
    assert lab.pid("a") == watched.pid


def certificates(lab, folder):
    """A folder of each kind that is no right of the peer's."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    foreign = folder / "foreign"  # another pair's secondary
    subprocess.run([lab.ctl_program, "pair", "init", foreign, "--primary", lab.address["a"], "--secondary",
                    lab.address["b"]], check=True, capture_output=True)
    own = folder / "own"  # signed by itself, with the right name
    own.mkdir()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=regpair-secondary", "-addext", "subjectAltName=DNS:regpair-secondary",
                    "-days", "30", "-keyout", own / "key.pem", "-out", own / "cert.pem"], check=True, capture_output=True)
    return {"another pair's": foreign / "secondary", "signed by itself": own, "of the same unit": lab.folder / "a" / "pair"}


def test_a_certificate_that_is_not_the_peers_is_refused_and_named(lab):
    """A12, A11: hundreds of handshakes; told once, and the pair stays paired"""
    watched = Watched(lab, "foreign")
    folder = lab.folder / "hostile"
    try:
        for name, place in certificates(lab, folder).items():
            with watched:
                opened, accepted = watched.attack("knock", place)
                assert opened > 3 and accepted == 0, (name, opened, accepted)
                never_exposed(watched)
                assert watched.log.line(r"link=peer connection=failed .*why="), watched.log.text()
                print(f"      {name}: {opened} handshakes, none accepted")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_a_peer_with_the_right_certificate_and_ill_will_does_not_stop_the_active(lab):
    """A12, T12: each takes the standby's place as often as it can; soon after, the pair is paired again"""
    watched = Watched(lab, "ill")
    standby = other("a")
    pair = lab.folder / standby / "pair"
    for what in ("silent", "half", "bytes", "garbage", "large", "beats", "hellos"):
        with watched:
            opened, accepted = watched.attack("speak", what, pair, host=standby)
            assert accepted > 0, (what, opened)
            begun = time.monotonic()
            lab.until_paired(f"paired again after {what}")
            print(f"      {what}: {opened} connections, {accepted} accepted, paired after "
                  f"{time.monotonic() - begun:.1f} s")
    lab.in_step()
    watched.phones.audit()
    assert all(lab.status(node)["forks"] == 0 for node in NODES)
