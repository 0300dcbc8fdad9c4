"""test_frozen.py - a process that was stopped, or a host that was frozen, and that goes on."""
import signal
import time

from lab import NODES, boottime_of, now, other, wait_until
from load import REFRESH, Phones
from test_standby_silent import Capture

WAKING_S = 0.002  # from SIGCONT to the process looking at the clock


def lengths(lab):
    """Seconds; the longest on request: --rounds 11 and more."""
    return (1, 5, 30) if lab.rounds > 10 else (1, 5)


def may_speak_again(log, resumed):
    """When it has learned that its reign goes on, or has begun another, by its own word; None: not yet."""
    times = [log.time(pattern) for pattern in ('doubt=begun->none why="the peer', "role=taking-over->active")]
    return min((t for t in times if t is not None and t > resumed), default=None)


def learned_at(log, resumed):
    """When its doubt ended, however."""
    ends = (boottime_of(line.split(" ", 1)[0]) for line in log.text().splitlines() if "doubt=begun->none" in line)
    return min(t for t in ends if t > resumed)


def one_active(lab):
    return any(lab.role(node) == "active" and lab.has_address(node) and lab.role(other(node)) == "standby"
               and not lab.has_address(other(node)) for node in NODES)


def freeze(lab, phones, seconds, stop, go_on):
    """Under load; afterwards: who is active, and how many packets left the frozen node too early: none."""
    frozen = lab.active()
    capture = Capture(lab, frozen)
    log = lab.log(frozen)
    loads = [each.start(REFRESH, 200) for each in phones]
    time.sleep(0.5)
    stop(frozen)
    time.sleep(seconds)
    resumed = now()
    go_on(frozen)
    wait_until(lambda: one_active(lab), 30, "one node is active, one standby")
    lab.until_paired("paired")
    time.sleep(0.5)
    for each, load in zip(phones, loads):
        result = each.end(load)
        assert not result["other"], result
    until = may_speak_again(log, resumed) or now()
    packets = capture.end()
    early = [packet for packet in packets if resumed < packet[0] < until - WAKING_S]
    assert len(packets) > 50, f"{frozen} sent {len(packets)}: the capture sees nothing"
    assert not early, f"{len(early)} packets left {frozen} before it knew: {early[:5]}"
    lab.in_step()
    for each in phones:
        each.audit()
    lines = lab.ctl(frozen, "history", "--store", str(lab.folder / frozen / "store"))
    assert any(line["what"] == "doubt" and line["to"] == "begun" for line in lines[-12:]), lines[-12:]
    assert not log.line("disk=hangs"), "who stood still blames its disk"
    return frozen, lab.active(), (learned_at(log, resumed) - resumed) * 1000, len(packets)


def in_turn(lab, name, title, stop, go_on):
    phones = [Phones(lab, f"{name}u", "udp", 400), Phones(lab, f"{name}t", "tcp", 400)]
    for each in phones:
        each.register()
    for seconds in lengths(lab):
        frozen, active, doubt_ms, packets = freeze(lab, phones, seconds, stop, go_on)
        print(f"    {title} for {seconds} s: {frozen} was active, {active} is; its doubt took {doubt_ms:.0f} ms; "
              f"{packets} SIP packets of it seen, 0 too early", flush=True)
        for each in phones:
            each.register()


def test_a_process_that_was_stopped_asks_before_it_answers(lab):
    """T2, X04: nobody took the address; the node learns that and goes on."""
    in_turn(lab, "stopped", "stopped", lab.pause, lab.resume)


def test_a_host_that_was_frozen_does_not_answer_beside_its_successor(lab):
    """T2, X04, I5, A14: keepalived was frozen, too, so that the other node took the address over."""
    in_turn(lab, "frozen", "frozen", lambda node: lab.signal_host(node, signal.SIGSTOP),
            lambda node: lab.signal_host(node, signal.SIGCONT))
