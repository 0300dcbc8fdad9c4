"""test_alarms.py - what an operator is told of, on the monitor's socket: alarms raised and cleared."""
import json
import os
import stat

from lab import other, wait_until


def raised(lab, node):
    """By name; exit code 1 says that there are some."""
    done = lab.ctl_run(node, "--json", "alarms", socket="monitor.sock")
    found = {alarm["name"]: alarm for alarm in json.loads(done.stdout) if alarm["raised"]}
    assert done.returncode == (1 if found else 0), done
    return found


def told(lab, node):
    """Of the two that these tests raise; what other tests did may be raised for five minutes."""
    return {"exposed", "peer_lost"} & raised(lab, node).keys()


def test_a_standby_that_is_stopped_raises_alarms_until_it_is_back(lab):
    """X02: each with its severity, what it means and what to do, and a line in the log."""
    active = lab.active()
    wait_until(lambda: not told(lab, active), 30, "they are not raised on a pair that is well", every=0.2)
    log = lab.log(active)
    lab.stop_daemon(other(active))
    wait_until(lambda: len(told(lab, active)) == 2, 20, "exposed and peer_lost are raised", every=0.2)
    found = raised(lab, active)
    assert found["exposed"]["severity"] == "major" and found["exposed"]["remedy"], found
    assert found["exposed"]["since_ms"] > 0, found
    log.wait(r"level=warn alarm=exposed state=raised severity=major why=\"")
    shown = lab.ctl_run(active, "alarms").stdout
    assert "exposed" in shown and found["exposed"]["text"] in shown, shown
    lab.heal()
    wait_until(lambda: not told(lab, active), 30, "the alarms are cleared", every=0.2)
    log.wait(r"level=notice alarm=exposed state=cleared")
    assert found["exposed"]["text"] not in lab.ctl_run(active, "alarms").stdout


def test_who_listens_is_told_of_a_switchover_and_of_alarms(lab):
    """X02: on both nodes, each as it sees it; and as a person reads it."""
    active = lab.active()
    standby = other(active)
    with lab.events(active) as here, lab.events(standby) as there:
        lab.switchover()
        wait_until(lambda: there(event="history", what="role", to="active"), 20, "the new active tells of its role")
        wait_until(lambda: here(event="history", what="role", to="standby"), 20, "the other one, too")
        told = there(event="history", what="role", to="active")[-1]
        assert told["epoch"] == lab.status(standby)["epoch"] and told["from"] == "taking-over", told
        lab.until_paired("paired")
        with lab.ctl_start(standby, "events", socket="monitor.sock") as shown:
            lab.stop_daemon(active)
            wait_until(lambda: there(event="alarm", name="peer_lost", raised=True), 20, "peer_lost is told of")
            wait_until(lambda: "  alarm    peer_lost raised (major): " in shown.stdout.readline(), 20, "it is shown")
            shown.terminate()
        lab.heal()
        wait_until(lambda: there(event="alarm", name="peer_lost", raised=False), 20, "and that it is over")


def test_the_monitors_socket_is_for_everybody_and_changes_nothing(lab):
    active = lab.active()
    run = lab.folder / active / "run"
    assert stat.S_IMODE(os.stat(run / "monitor.sock").st_mode) == 0o666
    assert stat.S_IMODE(os.stat(run / "control.sock").st_mode) == 0o660
    assert lab.ctl_run(active, "status", socket="monitor.sock").returncode == 0
    for command in (["bindings"], ["subscriber", "list"], ["switchover"], ["secret", "rotate"], ["reload"]):
        done = lab.ctl_run(active, *command, socket="monitor.sock")
        assert done.returncode == 1 and "no such command on this socket" in done.stderr, done
    assert lab.active() == active
