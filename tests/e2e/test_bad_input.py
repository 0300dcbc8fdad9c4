"""test_bad_input.py - what cannot be used is refused at the start: one clear line, an exit code above
zero, and nothing damaged."""
import re
import shutil
import subprocess

from lab import BIN, UNIT, other
from standalone import Alone

CONFIG, UNAVAILABLE, STORE = 78, 69, 74  # sysexits.h, as regpaird --help says


def starts_after_all(node):
    """What was wrong is put right: the node starts with what it had."""
    node.start()
    assert node.status()["subscribers"] == 10
    node.stop()


def filled(node):
    node.start()
    node.add_users(10)
    node.stop()
    return node


def test_an_unknown_key_is_refused_with_file_and_line():
    """with and without --check"""
    with Alone() as node:
        node.edit("control:", "contorl:")
        for words in (("--config", node.file), ("--check", node.file)):
            code, line = node.refuse_start(*words)
            assert code == CONFIG
            assert line.startswith(f"{node.file}:3:") and "contorl" in line and "control" in line, line


def test_a_wrong_value_is_refused_with_what_would_be_right():
    """with --check: a duration without its unit, a value out of bounds, a file that is not there"""
    with Alone() as node:
        node.edit("min_expires: 30 s", "min_expires: 30")
        code, line = node.refuse_start("--check", node.file)
        assert code == CONFIG and line.startswith(f"{node.file}:8:") and "min_expires" in line, line
        node.edit("min_expires: 30,", "min_expires: 2 h,")
        code, line = node.refuse_start("--check", node.file)
        assert code == CONFIG and "min_expires" in line, line
        code, line = node.refuse_start("--check", node.folder / "absent.yaml")
        assert code == CONFIG and "absent.yaml" in line, line


def test_a_good_file_is_called_good_and_nothing_is_made():
    """--check changes nothing"""
    with Alone() as node:
        done = node.run(BIN / "regpaird", "--check", node.file)
        assert done.returncode == 0 and not done.stderr, done
        assert not (node.folder / "store").exists()


def test_a_port_in_use_is_named():
    """exit code 69; the other service is not disturbed"""
    for kind, held in (("udp", "SOCK_DGRAM"), ("tcp", "SOCK_STREAM")):
        with Alone() as node:
            filled(node)
            program = (f"import socket,time; s=socket.socket(socket.AF_INET, socket.{held}); "
                       "s.bind(('127.0.0.1', 5060)); s.type == socket.SOCK_STREAM and s.listen(); "
                       "print('held', flush=True); time.sleep(60)")
            holder = subprocess.Popen(node.command("python3", "-c", program), stdout=subprocess.PIPE, text=True)
            try:
                assert holder.stdout.readline().strip() == "held"
                code, line = node.refuse_start()
            finally:
                holder.kill()
                holder.wait()
            assert code == UNAVAILABLE and "5060" in line and kind in line.lower(), line
            starts_after_all(node)


# What a later version would write there: its number, and the seal over it (store/record.c).
FORMAT_9 = b"format" + (9).to_bytes(8, "big") + bytes.fromhex("bf104e5c63c2de3b")


def test_a_store_of_a_newer_format_is_refused_and_left_alone():
    """the format number is that of the `meta` of the state; the files do not change"""
    with Alone() as node:
        filled(node)
        files = sorted((node.folder / "store").glob("gen-*/state/data.mdb"))
        assert files
        kept = [path.read_bytes() for path in files]
        ours = b"format" + (2).to_bytes(8, "big") + b".{8}"
        newer = [re.sub(ours, lambda _: FORMAT_9, data, flags=re.DOTALL) for data in kept]
        assert newer != kept, "the format was not found"
        for path, data in zip(files, newer):
            path.write_bytes(data)
        code, line = node.refuse_start()
        assert code == STORE and "format" in line and "newer" in line, line
        assert [path.read_bytes() for path in files] == newer
        for path, data in zip(files, kept):
            path.write_bytes(data)
        starts_after_all(node)


def test_a_disk_too_full_to_start_on_is_refused():
    """X08"""
    with Alone() as node:
        store = node.folder / "store"
        store.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4M", "tmpfs", store], check=True)
        try:
            code, line = node.refuse_start()
            assert code == STORE and str(store) in line, line
        finally:
            subprocess.run(["umount", store], check=True)
        node.start()
        assert node.stop() == 0


def test_a_missing_certificate_is_named(lab):
    """the other node is not disturbed"""
    standby = other(lab.active())
    certificate = lab.folder / standby / "pair" / "cert.pem"
    hidden = certificate.with_suffix(".hidden")
    lab.stop_daemon(standby)
    certificate.rename(hidden)
    try:
        done = subprocess.run([BIN / "regpaird", "--config", lab.folder / standby / "regpair.yaml"], text=True,
                              capture_output=True, timeout=20, check=False)
        assert done.returncode == CONFIG and str(certificate) in done.stderr, done
        assert lab.role(other(standby)) == "active"
    finally:
        hidden.rename(certificate)
    lab.start(standby)
    lab.until_paired("paired with its certificate back")


def test_a_peer_with_the_certificate_of_another_pair_is_refused_and_named(lab):
    """A11, A12: the pair is exposed and says why; the active node goes on"""
    lab.add_users(10)
    active = lab.active()
    standby = other(active)
    pair, store, kept = (lab.folder / standby / name for name in ("pair", "store", "kept"))
    lab.stop_daemon(standby)
    log, own = lab.log(active), lab.log(standby)
    kept.mkdir()
    made = lab.folder / "foreign"
    subprocess.run([lab.ctl_program, "pair", "init", made, "--primary", lab.address["a"], "--secondary",
                    lab.address["b"]], check=True, capture_output=True)
    pair.rename(kept / "pair")
    store.rename(kept / "store")
    (made / UNIT[standby]).rename(pair)
    store.mkdir()
    try:
        lab.start_daemon(standby)
        for each in (log, own):  # who refuses says certificate, who is refused what TLS calls it
            each.wait(r"link=peer .*(certificate|unknown ca)", 10)
        assert lab.status(active)["pair_state"] == "exposed"
        assert lab.regload("--users", 10)["ok"] == 10
        assert lab.role(standby) != "active"
    finally:
        lab.stop_daemon(standby)
        shutil.rmtree(pair)
        shutil.rmtree(store)
        (kept / "pair").rename(pair)
        (kept / "store").rename(store)
        kept.rmdir()
        shutil.rmtree(made, ignore_errors=True)
    lab.start(standby)
    lab.in_step()
