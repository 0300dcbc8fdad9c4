"""test_support.py - the archive for whoever helps: what is in it, and that no secret is."""
import base64
import hashlib
import json
import os
import re
import tarfile

import naps
from lab import BIN, REPO, LabError

PARTS = {"versions.txt", "status.txt", "status.json", "alarms.txt", "alarms.json", "naps.txt", "naps.json", "switchover.txt",
         "switchover.json", "log-level.txt", "log-level.json", "history.txt", "history.json", "divergence.txt", "divergence.json",
         "configuration.yaml", "keepalived.conf", "addresses.txt", "firewall.txt", "resources.txt"}
SECRET, VRRP_SECRET, PASSWORD = "never-in-an-archive", "vrrp-word", "of-frank-alone"


def shapes(secret):
    """The bytes, and what they look like in JSON and in logs."""
    forms = {secret, secret.hex().encode(), secret.hex().upper().encode(), base64.b64encode(secret)}
    return {form for form in forms if len(form) >= 8}


def secrets_of(lab, node):
    """Each with a name: of the configuration, the pair's files, and a subscriber's password."""
    yield "the NAP's password", SECRET.encode()
    yield "keepalived's", VRRP_SECRET.encode()
    yield "the subscriber's password", PASSWORD.encode()
    for name in ("md5", "sha256", "sha512_256"):
        yield f"the subscriber's {name}", hashlib.new(name, f"frank:example.com:{PASSWORD}".encode()).digest()
    pair = lab.folder / node / "pair"
    for number, line in enumerate((pair / "key.pem").read_bytes().splitlines()[1:-1]):
        yield f"line {number} of the key", line
    yield "the pair's secret", bytes.fromhex(re.search("^secret ([0-9a-f]{64})$", (pair / "pair").read_text(), re.MULTILINE)[1])


def support(lab, node, config, keepalived, file):
    environment = dict(os.environ, REGPAIR_SUPPORT=str(REPO / "ha" / "support"))
    done = lab.run("env", f"REGPAIR_SUPPORT={environment['REGPAIR_SUPPORT']}", BIN / "regpairctl", "--control",
                   lab.folder / node / "run" / "control.sock", "support", file, "--config", config, "--keepalived", keepalived,
                   host=node)
    with tarfile.open(file) as archive:
        return done.stdout, {member.name.split("/")[-1]: archive.extractfile(member).read()
                             for member in archive.getmembers() if member.isfile()}


def test_an_archive_for_support_tells_all_but_secrets(lab):
    """A31: no password, key or hash, in whatever shape"""
    active = lab.active()
    lab.ctl_run(active, "subscriber", "add", "frank@example.com", "--stdin", "--replace", text=PASSWORD + "\n")
    keepalived, file = lab.folder / "keepalived-secret.conf", lab.folder / "support.tar.gz"
    plain = (lab.folder / active / "keepalived.conf").read_text()
    keepalived.write_text(f"{plain}\nvrrp_instance X {{\n  authentication {{\n    auth_type PASS\n    auth_pass {VRRP_SECRET}\n  }}\n}}\n")
    nap = {"name": "silent", "proxy": "127.0.0.99", "address_to_register": "sip:us@there", "password": SECRET}
    with naps.configured(lab, [nap]):
        config = lab.folder / active / "regpair.yaml"
        config.write_text(config.read_text() + f"# password: {SECRET}\n")  # a comment of somebody's
        said, parts = support(lab, active, config, keepalived, file)
    assert said.startswith(f"{file}: {len(parts)} parts, without passwords"), said
    assert file.stat().st_mode & 0o777 == 0o600, "it is for its owner alone"
    assert PARTS <= set(parts), PARTS - set(parts)
    checked = 0
    for name, secret in secrets_of(lab, active):
        for form in shapes(secret):
            found = [part for part, text in parts.items() if form in text]
            assert not found, f"{name} is in {found}"
            checked += 1
    assert checked >= 15, checked
    status = json.loads(parts["status.json"])
    assert (status["role"], status["pair_state"]) == ("active", "paired"), status
    assert json.loads(parts["history.json"])[-1]["what"], parts["history.json"]
    assert [one["name"] for one in json.loads(parts["naps.json"])] == ["silent"], parts["naps.json"]
    for part, word in (("configuration.yaml", b"password: (masked)"), ("configuration.yaml", b"proxy: 127.0.0.99"),
                       ("keepalived.conf", b"auth_pass (masked)"), ("keepalived.conf", b"vrrp_instance VI_SIP {"),
                       ("addresses.txt", lab.vip.encode()), ("versions.txt", b"regpaird "), ("versions.txt", b"Keepalived v2")):
        assert word in parts[part], f"{part} lacks {word}"


def test_an_archive_is_made_of_what_there_is(lab):
    """A31: no node answers, no configuration can be read; and a file that cannot be made is named"""
    nowhere = lab.folder / "nowhere"
    said, parts = support(lab, "c", nowhere, nowhere, lab.folder / "little.tar.gz")
    assert "without passwords" in said and b"no node answers" in parts["status.txt"], said
    assert b"cannot be read" in parts["configuration.yaml"] and b"addresses" not in parts["addresses.txt"]
    try:
        support(lab, "c", nowhere, nowhere, "/nonexistent/x.tar.gz")
    except LabError as why:
        assert "/nonexistent/x.tar.gz cannot be written" in str(why), why
    else:
        raise AssertionError("it was made")
