"""test_operator.py - what an operator does to a running pair."""
import re
import subprocess

from lab import LabError, now, other, wait_until

MANY = 100_000
FIRST = 500_000  # numbers that no other test uses


def test_100_000_subscribers_are_imported_with_progress_and_reach_the_standby(lab):
    """A31"""
    active = lab.active()
    had = lab.status(active)["subscribers"]
    table = lab.users_table(MANY, FIRST)
    begun = now()
    done = lab.ctl_run(active, "subscriber", "import", str(table), seconds=300)
    took = now() - begun
    assert done.returncode == 0, done.stderr
    shown = done.stdout + done.stderr
    assert len([line for line in shown.replace("\r", "\n").splitlines() if line.strip()]) > 1, \
        f"no progress is shown: {shown!r}"
    assert lab.status(active)["subscribers"] == had + MANY
    lab.in_step(60)
    assert lab.status(other(active))["subscribers"] == had + MANY
    print(f"    {MANY} subscribers in {took:.1f} s, on both nodes after {now() - begun:.1f} s")
    result = lab.regload("--first", FIRST + MANY - 100, "--users", 100)
    assert result["ok"] == 100, result


def refused(lab, node, *arguments, text=None):
    done = lab.ctl_run(node, *arguments, text=text)
    assert done.returncode != 0, f"{arguments} was not refused: {done.stdout}"
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.stderr.strip()


def test_a_change_asked_of_the_standby_is_refused_and_names_the_active_node(lab):
    """A1, A31"""
    active = lab.active()
    standby = other(active)
    table = lab.users_table(3, FIRST + 2 * MANY)
    def state():
        """The log goes on by itself: bindings of other tests expire."""
        return lab.status(standby)["subscribers"], lab.ctl_run(standby, "secret", "list").stdout
    before = state()
    for line in (refused(lab, standby, "subscriber", "add", "dave@example.com", "--stdin", text="secret\n"),
                 refused(lab, standby, "subscriber", "import", str(table)),
                 refused(lab, standby, "secret", "rotate"),
                 refused(lab, standby, "bindings", "remove", "sip:alice@example.com", "--yes")):
        assert lab.address[active] in line or lab.status(active)["unit"] in line, \
            f"the active node is not named: {line}"
    assert state() == before


def test_a_new_secret_is_on_both_nodes_and_never_shown(lab):
    """D15"""
    active = lab.active()
    lists = lambda: [lab.ctl_run(node, "secret", "list").stdout for node in (active, other(active))]
    before = lists()[0]
    done = lab.ctl_run(active, "secret", "rotate")
    assert done.returncode == 0, done.stderr
    here, there = lists()
    assert here == there and len(here.splitlines()) == min(len(before.splitlines()) + 1, 5), here
    assert all(len(word) <= 24 for word in here.split()), here
    lab.add_users(1)
    lab.regload("--users", "1")


def test_an_operator_sees_and_removes_a_binding(lab):
    """A31: on the active node; the standby shows it too, and then shows it gone."""
    lab.add_users(1)
    lab.regload("--users", "1")
    active = lab.active()
    aor = "sip:user000000@example.com"
    for node in (active, other(active)):
        wait_until(lambda: "user000000" in lab.ctl_run(node, "bindings", aor).stdout, 5, f"{node} shows it")
    done = lab.ctl_run(active, "bindings", "remove", aor, "--yes")
    assert done.returncode == 0, done.stderr
    for node in (active, other(active)):
        wait_until(lambda: lab.address["c"] not in lab.ctl_run(node, "bindings", aor).stdout, 5,
                   f"{node} shows it gone")


def test_the_log_and_the_check_are_readable_beside_a_running_node(lab):
    """A31"""
    lab.add_users(1)
    lab.regload("--users", "1")
    active = lab.active()
    shown = lab.ctl_run(active, "log", "--store", str(lab.folder / active / "store"))
    assert shown.returncode == 0 and shown.stdout.strip(), shown
    folder = lab.folder / active
    checked = lab.ctl_run(active, "check", "--config", str(folder / "regpair.yaml"), "--keepalived",
                          str(folder / "keepalived.conf"))
    assert checked.returncode == 0, checked


def audited(lab, node, *arguments):
    return lab.ctl(node, "audit", "--config", str(lab.folder / node / "regpair.yaml"), *arguments)


def test_what_an_operator_did_stands_in_the_audit_log_of_that_node_without_secrets(lab):
    """A31: who, what, before, after and result; also of what is refused, and of a file that was rotated"""
    active = lab.active()
    standby = other(active)
    path = lab.folder / active / "log" / "audit.log"
    password = "never-in-the-audit"
    done = lab.ctl_run(active, "subscriber", "add", "erin@example.com", "--stdin", text=password + "\n")
    assert done.returncode == 0, done.stderr
    added = audited(lab, active)[-1]
    assert (added["act"], added["target"], added["result"]) == ("subscriber-put", "erin@example.com", "done"), added
    assert added["before"] is None and added["after"]["changed_ms"] > 0, added
    assert (added["uid"], added["program"]) == (0, "regpairctl"), added
    path.rename(path.with_suffix(".log.1"))
    assert lab.ctl_run(active, "subscriber", "remove", "erin@example.com").returncode == 0
    assert lab.ctl_run(standby, "switchover").returncode == 1
    gone, refused_there = audited(lab, active)[-1], audited(lab, standby)[-1]
    assert (gone["act"], gone["before"], gone["after"]) == ("subscriber-remove", added["after"], None), gone
    assert (refused_there["act"], refused_there["result"]) == ("switchover", "refused"), refused_there
    assert refused_there["after"]["role"] == "standby", refused_there
    assert audited(lab, active)[-2] == added, "a line of the file that was rotated"
    table = lab.ctl_run(active, "audit", "--last", "1", "--file", path).stdout.splitlines()
    assert len(table) == 2 and re.search(r" root +.* subscriber-remove +erin@example.com .* done$", table[1]), table
    assert path.stat().st_mode & 0o007 == 0, "everybody may read it"
    text = path.read_text() + path.with_suffix(".log.1").read_text()
    assert password not in text and "md5" not in text, "a secret is in the audit log"


def test_the_last_of_very_many_acts_are_shown_in_their_order(lab):
    """A31: across the file that was rotated; and a line that a power cut left half"""
    path = lab.folder / "many.log"
    path.with_suffix(".log.1").write_text("".join(f'{{"act":"a","target":"{n}"}}\n' for n in range(20_000)))
    path.write_text('{"act":"a","target":"20000"}\n{"act":"a","tar\n{"act":"a","target":"20001"}\n')
    for last in (1, 2, 3, 4, 5_000, 20_002, 30_000):
        shown = [int(act["target"]) for act in lab.ctl("a", "audit", "--file", str(path), "--last", str(last))]
        assert shown == list(range(max(20_002 - last, 0), 20_002)), (last, len(shown), shown[:3], shown[-3:])


def test_the_level_of_the_log_is_an_operator_s_until_the_next_reload(lab):
    """A31"""
    node = lab.active()
    log = lab.log(node)
    assert lab.ctl_run(node, "log-level").stdout == "notice, as configured\n"
    assert "until the next reload" in lab.ctl_run(node, "log-level", "debug").stdout
    log.wait("log.level=notice->debug")
    assert lab.ctl(node, "log-level") == {"level": "debug", "configured": "notice"}
    assert lab.ctl_run(node, "log-level", "loud").returncode == 1
    assert lab.ctl_run(node, "reload").returncode == 0
    assert lab.ctl_run(node, "log-level").stdout == "notice, as configured\n"
    assert [line["act"] for line in audited(lab, node, "--last", "3")] == ["log-level", "log-level", "reload"]


def test_what_cannot_be_read_is_named_with_the_remedy(lab):
    """A31: file, line where there is one, and what to do"""
    node = lab.active()
    wrong = lab.folder / "wrong.yaml"
    wrong.write_text("unit: standalone\nunits: 1\n")
    for words, said, remedy in ((("history", "--config", "/nonexistent"), "/nonexistent: cannot be read", "use --store DIR"),
                                (("log", "--config", wrong), f"{wrong}:2: ", "use --store DIR"),
                                (("audit", "--config", wrong), f"{wrong}:2: ", "use --file FILE"),
                                (("config", "--config", wrong), f"{wrong}:2: ", "--config FILE"),
                                (("log", "--file", "/nonexistent"), "/nonexistent: No such file", "Is the path right?"),
                                (("subscriber", "import", "/nonexistent"), "/nonexistent: No such file", "Is the path right?"),
                                (("subscriber", "add", "a@example.com", "--password-file", "/nonexistent"), "/nonexistent: No such file",
                                 "Is the path right?")):
        done = lab.ctl_run(node, *words)
        assert done.returncode == 1 and said in done.stderr and remedy in done.stderr, (words, done)


def test_regpairctl_explains_itself_and_a_node_that_is_not_there(lab):
    """A31"""
    for words in (["--help"], ["status", "--help"], ["subscriber", "--help"], ["bindings", "--help"]):
        done = lab.ctl_run(lab.active(), *words)
        assert done.returncode == 0 and "sage" in done.stdout, (words, done)
    done = subprocess.run([lab.ctl_program, "--control", lab.folder / "nobody.sock", "status"], text=True,
                          capture_output=True, timeout=10, check=False)
    assert done.returncode != 0 and "nobody.sock" in done.stderr, done
    done = lab.ctl_run(lab.active(), "no-such-command")
    if done.returncode == 0 or not done.stderr.strip():
        raise LabError(f"an unknown command is taken: {done}")
