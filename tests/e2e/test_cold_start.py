"""test_cold_start.py - both nodes start again, and one of them has lost its disk."""
import shutil

from lab import NODES, other, wait_until
from load import Phones, Tally


def lose_disk(lab, node):
    shutil.rmtree(lab.folder / node / "store")
    (lab.folder / node / "store").mkdir()


def test_a_node_with_an_empty_disk_never_seeds_the_other(lab):
    """T9, A17, X13: each node in turn comes back with nothing, beside one that has it all."""
    phones = Phones(lab, "seeds", "udp", 500)
    tally = Tally()
    for empty in NODES:
        phones.register()
        for node in NODES:
            lab.cut(node)
        lose_disk(lab, empty)
        logs = {node: lab.log(node) for node in NODES}
        lab.up()
        assert lab.active() == other(empty)
        assert not logs[empty].line("->active"), logs[empty].text()
        lab.in_step()
        assert lab.status(empty)["aors"] >= 500
        tally.add(starts=1)
        tally.audit([phones])
        lab.kill(other(empty))  # what was seeded serves
        wait_until(lambda: lab.role(empty) == "active", 5, f"{empty} is active")
        lab.heal()
        tally.audit([phones])
    print(f"    one disk empty: {tally}")
