"""test_second_path.py - two paths between the nodes: the loss of one is no loss of the peer."""
import re

from lab import boottime_of, ms, now, other, wait_until
from load import REFRESH, Phones, expect_whole, table
from network import path_cut, second_path

TRIAL_S = 10             # a standby whose answers were late is waited for again when it was in time for 2 s, then 4 s
PATHS_S = 10


def paths(lab, count):
    for node in ("a", "b"):
        wait_until(lambda: lab.status(node).get("peer_paths") == count, PATHS_S, f"{node} has {count} paths")


def exposures(log):
    """Seconds, of each time the pair was not paired, from the log of the active node."""
    begun, out = None, []
    for line in log.text().splitlines():
        if re.search(r"pair=paired->", line) and begun is None:
            begun = boottime_of(line.split(" ", 1)[0])
        elif re.search(r"pair=\S+->paired", line) and begun is not None:
            out.append(boottime_of(line.split(" ", 1)[0]) - begun)
            begun = None
    assert begun is None, "still not paired"
    return out


def test_the_loss_of_one_path_is_no_loss_of_the_peer(lab):
    """Each path is cut in turn, so that once at least it is the one that carries; nobody takes over, no
    answer is lost, and the pair is whole again by the other path."""
    with second_path(lab):
        phones = Phones(lab, "path", "udp", 300)
        phones.register()
        paths(lab, 2)
        active = lab.active()
        log, load, rows, begun = lab.log(active), phones.start(REFRESH, 200), [], now()
        for second in (False, True):
            seen = lab.log(active)
            moment = now()
            with path_cut(lab, second):
                paths(lab, 1)
                noticed = now() - moment
                wait_until(lab.paired, TRIAL_S, "paired by the path that is left")
            paths(lab, 2)
            lost = exposures(seen)
            rows.append(["second" if second else "first", f"{noticed * 1000:.0f}",
                         ms(0, max(lost)) if lost else "-"])
        result = phones.end(load)
        expect_whole(result)
        lost = exposures(log)
        assert lost and max(lost) < TRIAL_S, f"exposed for {lost} s"
        assert lab.active() == active and lab.role(other(active)) == "standby"
        assert not log.line(r"role=active->"), log.text()
        phones.audit()
        table(f"a path lost under load, {now() - begun:.0f} s, longest wait for an answer "
              f"{result['gap']['longest_ms']:.0f} ms", ["path cut", "known after ms", "exposed ms"], rows)
