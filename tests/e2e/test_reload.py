"""test_reload.py - the configuration of a running pair is changed."""
import contextlib
import os
import signal

from lab import NODES, other, wait_until

NAPS = """\
naps:
  - {name: e2e-open, access_list: 192.0.2.0/24}
  - {name: e2e-silent, proxy: 127.0.0.99, password: never-shown, poll_remote_proxy: no}
"""


@contextlib.contextmanager
def restored(lab):
    """At the end both nodes have the files that they had, and have read them."""
    files = {node: lab.folder / node / "regpair.yaml" for node in NODES}
    before = {node: path.read_text() for node, path in files.items()}
    try:
        yield files
    finally:
        for node, path in files.items():
            path.write_text(before[node])
            lab.ctl_run(node, "reload")


def naps(lab, node):
    return [nap["name"] for nap in lab.ctl(node, "nap", "list")]


def differ(lab):
    return [lab.status(node)["config_differs"] for node in NODES]


def test_naps_come_and_go_by_reload_and_nobody_is_restarted(lab):
    """A31, A32: what changed is shown without a secret, and both nodes say while one has it and the other has not."""
    active = lab.active()
    before = {node: (lab.pid(node), naps(lab, node)) for node in NODES}
    log = lab.log(active)
    with restored(lab) as files:
        for path in files.values():
            path.write_text(path.read_text() + NAPS)
        done = lab.ctl_run(active, "reload")
        assert done.returncode == 0, done.stderr
        assert done.stdout == "naps[e2e-open]: added\nnaps[e2e-silent]: added\nreloaded; changes: 2\n", done.stdout
        wait_until(lambda: all(differ(lab)), 5, "both say that their configurations differ")
        os.kill(lab.pid(other(active)), signal.SIGHUP)
        wait_until(lambda: not any(differ(lab)), 5, "both say that they are equal")
        for node in NODES:
            assert naps(lab, node) == ["e2e-open", "e2e-silent"], naps(lab, node)
        shown = lab.ctl(active, "nap", "show", "e2e-open")
        assert (shown["register_to_proxy"], shown["poll_remote_proxy"]) == (False, False), shown
        assert shown["access_list"] == "192.0.2.0/24", shown
        assert all(word in lab.ctl_run(active, "nap", "list").stdout for word in ("AVAILABLE", "e2e-silent")), "a table"
        files[active].chmod(0o644)
        assert "WRONG  passwords" in lab.ctl_run(active, "check", "--config", str(files[active])).stdout
        files[active].chmod(0o600)
        assert "ok     passwords" in lab.ctl_run(active, "check", "--config", str(files[active])).stdout
        files[active].write_text(files[active].read_text().replace("never-shown", "never-shown-2"))
        done = lab.ctl_run(active, "reload")
        assert done.stdout.startswith("naps[e2e-silent].password: changed\n"), done.stdout
    wait_until(lambda: not any(differ(lab)), 5, "both are equal again")
    assert {node: (lab.pid(node), naps(lab, node)) for node in NODES} == before
    assert lab.paired() and lab.active() == active
    assert "never-shown" not in log.text(), "a password is in the log"


def test_regpairctl_tells_wrong_words_about_naps_from_unknown_naps(lab):
    """A31: exit code 2 and 1, each with what would be right."""
    active = lab.active()
    for words, code, said in ((("nap",), 2, "second word"), (("nap", "show"), 2, "the name of one NAP"),
                              (("nap", "poll", "a", "b"), 2, "the name of one NAP"), (("reload", "now"), 2, "now"),
                              (("nap", "show", "e2e-none"), 1, "no NAP of that name"),
                              (("nap", "register", "e2e-none"), 1, "NAP")):
        done = lab.ctl_run(active, *words)
        assert done.returncode == code and said in done.stderr, (words, done)


def test_a_reload_is_refused_whole_where_a_key_wants_a_restart_or_is_wrong(lab):
    """A32: nothing has changed then, and the key or the line is named."""
    node = lab.active()
    before = naps(lab, node)
    with restored(lab) as files:
        text = files[node].read_text()
        log = lab.log(node)
        files[node].write_text(text.replace("max_size: 4 GiB", "max_size: 5 GiB") + NAPS)
        done = lab.ctl_run(node, "reload")
        assert done.returncode == 1
        assert "store.max_size: 4 GiB -> 5 GiB   (wants a restart)\n" in done.stdout, done.stdout
        assert "1 of 3 changes want a restart: nothing was changed" in done.stderr, done.stderr
        log.wait("level=error config=wants-restart what=\"store.max_size: 4 GiB -> 5 GiB\"")
        files[node].write_text(text + "naps: [{name: e2e-wrong, proxy: not..a.host}]\n")
        done = lab.ctl_run(node, "reload")
        assert done.returncode == 1 and f"regpair.yaml:{len(text.splitlines()) + 1}: " in done.stderr, done.stderr
        os.kill(lab.pid(node), signal.SIGHUP)
        log.wait(r"level=error config=refused why=\"/.*not\.\.a\.host")
        assert naps(lab, node) == before
    assert not any(differ(lab)) and lab.active() == node
