"""test_operator.py - what an operator does to a running pair."""
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
