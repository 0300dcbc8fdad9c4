"""test_split_brain.py - the nodes cannot see each other, the clients see both: both serve, then one
gives up and its side is merged, kept in a file, counted and reported."""
import subprocess

from lab import NODES, other, wait_until
from load import Phones


def isolate(lab, cut):
    """Between the two nodes' ports of the switch nothing passes; each passes to the others."""
    for node in NODES:
        subprocess.run(["ip", "netns", "exec", lab.namespace("sw"), "bridge", "link", "set", "dev", f"p-{node}",
                        "isolated", "on" if cut else "off"], check=True)


def both_active(lab):
    return all(lab.role(node) == "active" and lab.has_address(node) for node in NODES)


def one_gave_up(lab):
    return lab.paired() and sum(lab.has_address(node) for node in NODES) == 1


def test_a_split_pair_serves_on_both_sides_and_ends_with_one_history(lab):
    """T4, I6, A14: the fork is found by reign ids, merged, kept in a file and counted; nothing
    that either side acknowledged is lost."""
    common = Phones(lab, "common", "udp", 200)
    side = {"a": Phones(lab, "sidea", "udp", 200), "b": Phones(lab, "sideb", "udp", 200)}
    common.register()
    before = {node: lab.status(node)["forks"] for node in NODES}
    logs = {node: lab.log(node) for node in NODES}
    isolate(lab, True)
    try:
        wait_until(lambda: both_active(lab), 10, "both hold the address and serve")
        for node in NODES:
            lab.talk_to(node)
            side[node].register()
            assert lab.status(node)["pair_state"] == "exposed"
    finally:
        lab.talk_to(None)
        isolate(lab, False)
    wait_until(lambda: one_gave_up(lab), 40, "one gave the address up and the pair is paired")
    lab.in_step()
    winner = lab.active()
    loser = other(winner)
    assert lab.status(loser)["forks"] == before[loser] + 1, lab.status(loser)
    assert lab.status(winner)["forks"] == before[winner]
    assert lab.status(loser)["fork_entries"] >= 200
    logs[loser].wait("fork=found")
    kept = list((lab.folder / loser / "store").glob("fork-*"))
    assert kept and kept[-1].stat().st_size > 0, "the loser's side is in no file"
    common.audit()
    side[winner].audit()
    side[loser].audit()
    assert lab.status(winner)["merges"] >= 1, lab.status(winner)
    report = lab.ctl(winner, "divergence", "--store", str(lab.folder / winner / "store"))
    assert sum(row["kept"] == "theirs" for row in report) >= 200, report[:3]
    print(f"    {winner} goes on and merged {lab.status(winner)['merged_keys']} records; "
          f"{lab.status(loser)['fork_entries']} entries of {loser} are in {kept[-1].name}")
