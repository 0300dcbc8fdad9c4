"""test_split_brain.py - the nodes cannot see each other, the clients see both: both serve, then one
gives up and its side is merged, kept in a file, counted and reported."""
from lab import NODES, now, other, wait_until
from load import Phones, Tally
from network import isolated

EQUAL_S = 2  # from the heal; the pair is paired later, once the standby has been in time for a while


def both_active(lab):
    return all(lab.role(node) == "active" and lab.has_address(node) for node in NODES)


def one_gave_up(lab):
    return lab.paired() and sum(lab.has_address(node) for node in NODES) == 1


def report(lab, node):
    store = lab.folder / node / "store"
    return lab.ctl(node, "divergence", "--store", str(store)) if (store / "divergence").exists() else []


def test_a_split_pair_serves_on_both_sides_and_ends_with_one_history(lab):
    """T4, I6, A14: the fork is found by reign ids, merged, kept in a file and counted; nothing
    that either side acknowledged is lost, and nothing removed lives."""
    untouched = Phones(lab, "common", "udp", 200)
    came = {node: Phones(lab, f"came{node}", "udp", 100) for node in NODES}
    stayed = {node: Phones(lab, f"stayed{node}", "udp", 100) for node in NODES}
    went = {node: Phones(lab, f"went{node}", "udp", 100) for node in NODES}
    for each in (untouched, *stayed.values(), *went.values()):
        each.register()
    before = {node: (lab.status(node)["forks"], len(report(lab, node))) for node in NODES}
    logs = {node: lab.log(node) for node in NODES}
    try:
        with isolated(lab):
            wait_until(lambda: both_active(lab), 10, "both hold the address and serve")
            for node in NODES:
                lab.talk_to(node)
                came[node].register()
                stayed[node].register()
                went[node].remove()
                assert lab.status(node)["pair_state"] == "exposed"
    finally:
        lab.talk_to(None)
    healed = now()
    wait_until(lab.equal, EQUAL_S, "both nodes are equal", every=0.05)
    equal = now()
    wait_until(lambda: one_gave_up(lab), 40, "one gave the address up and the pair is paired")
    paired = now()
    lab.in_step(EQUAL_S)
    winner = lab.active()
    loser = other(winner)
    assert lab.status(loser)["forks"] == before[loser][0] + 1, lab.status(loser)
    assert lab.status(winner)["forks"] == before[winner][0]
    assert lab.status(loser)["fork_entries"] >= 300
    logs[loser].wait("fork=found")
    kept = list((lab.folder / loser / "store").glob("fork-*"))
    assert kept and kept[-1].stat().st_size > 0, "the loser's side is in no file"
    everyone = [untouched, *came.values(), *stayed.values(), *went.values()]
    tally = Tally()
    tally.audit(everyone)
    rows = report(lab, winner)[before[winner][1]:]
    assert lab.status(winner)["merges"] >= 1, lab.status(winner)
    # What the loser changed while apart, and nothing else: of its own changes the winner needs no report. Who
    # registered in an earlier test may have lapsed meanwhile.
    changed = {aor for phones in (came, stayed, went) for aor in phones[loser].aors()}
    ours = {aor for phones in everyone for aor in phones.aors()}
    reported = [row["key"] for row in rows if row["key"] in ours]
    assert sorted(reported) == sorted(changed)
    print(f"    {winner} goes on, equal {equal - healed:.1f} s and paired {paired - healed:.1f} s after the heal; reported {len(reported)} of {len(changed)} "
          f"records that {loser} changed; {tally}; entries of {loser} in {kept[-1].name}: "
          f"{lab.status(loser)['fork_entries']}")
