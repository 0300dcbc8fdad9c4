"""test_certificates.py - a pair's certificates are renewed while it works."""
import shutil

from lab import NODES, UNIT, other, wait_until
from load import REFRESH, Phones, expect_whole

TAKEN = "cluster.dir: certificates renewed\nreloaded; changes: 1\n"


def make_again(lab, pair, *options):
    done = lab.ctl_run("a", "pair", "renew", str(pair), *options)
    assert done.returncode == 0, done.stderr


def bring(lab, pair, node, names):
    """To the node's folder, and it reads them."""
    for name in names:
        shutil.copy(pair / UNIT[node] / name, lab.folder / node / "pair" / name)
    done = lab.ctl_run(node, "reload")
    assert done.returncode == 0 and done.stdout == TAKEN, done


def agree(lab):
    """With the newest certificates on both sides."""
    wait_until(lambda: all(lab.status(node)["peer_bulk"] for node in NODES), 10, "both accept the other's")


def test_certificates_and_their_ca_are_renewed_and_nothing_is_lost(lab):
    """I3: under load, by reload alone; the nodes stay connected. New certificates, then a new CA, then without
    the former one; at the end the pair connects anew by them."""
    phones = Phones(lab, "renewal", "udp", 200)
    phones.register()
    pair = lab.folder / "pair-files"
    shutil.rmtree(pair, ignore_errors=True)
    before = {node: lab.pid(node) for node in NODES}
    exposed = {node: lab.status(node)["exposed_times"] for node in NODES}
    load = phones.start(REFRESH, 100)
    kept = {node: {name: (lab.folder / node / "pair" / name).read_bytes() for name in ("ca.pem", "cert.pem", "key.pem")}
            for node in NODES}
    for node in NODES:
        shutil.copytree(lab.folder / node / "pair", pair / UNIT[node])
    assert lab.ctl_run("a", "pair", "renew", str(pair)).returncode == 1, "without the CA's key"
    for name in ("ca.pem", "ca-key.pem"):
        shutil.copy(lab.folder / "ca" / name, pair / name)
    make_again(lab, pair, "--days", "20")
    for node in NODES:
        bring(lab, pair, node, ["cert.pem", "key.pem"])
        agree(lab)
        assert lab.status(node)["certificate_days"] in (19, 20), lab.status(node)
    make_again(lab, pair, "--new-ca")
    for names in (["ca.pem"], ["cert.pem", "key.pem"]):
        for node in NODES:
            bring(lab, pair, node, names)
            agree(lab)
    make_again(lab, pair)
    for node in NODES:
        bring(lab, pair, node, ["ca.pem", "cert.pem", "key.pem"])
        agree(lab)
    assert {node: lab.pid(node) for node in NODES} == before
    assert {node: lab.status(node)["exposed_times"] for node in NODES} == exposed, "the pair was lost"
    standby = other(lab.active())
    lab.stop_daemon(standby)
    lab.start(standby)
    lab.until_paired("paired by the newest certificates")
    result = phones.end(load)
    expect_whole(result)
    assert result["ok"] > 0, result
    phones.audit()
    for node in NODES:
        for name, text in kept[node].items():
            (lab.folder / node / "pair" / name).write_bytes(text)
        assert lab.ctl_run(node, "reload").returncode == 0


def test_certificates_that_do_not_fit_are_refused_and_the_former_stay(lab):
    """I3: the reload says what is wrong with which file."""
    node = lab.active()
    key = lab.folder / node / "pair" / "key.pem"
    good = key.read_bytes()
    try:
        key.write_bytes((lab.folder / other(node) / "pair" / "key.pem").read_bytes())
        done = lab.ctl_run(node, "reload")
        assert done.returncode == 1 and f"{key}: not the key of" in done.stderr, done
    finally:
        key.write_bytes(good)
    assert lab.paired()
