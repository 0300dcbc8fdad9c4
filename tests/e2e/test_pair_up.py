"""test_pair_up.py - a fresh pair: one active node with the address, one standby in step."""
from lab import NODES, other


def test_one_node_is_active_and_holds_the_address(lab):
    active = lab.active()
    assert active, "no single active node"
    assert lab.has_address(active)
    assert not lab.has_address(other(active))
    assert lab.role(other(active)) == "standby"


def test_both_nodes_say_the_pair_is_paired(lab):
    for node in NODES:
        assert lab.status(node)["pair_state"] == "paired", node


def test_up_again_changes_nothing(lab):
    before = {node: lab.pid(node) for node in NODES}
    active = lab.active()
    lab.up()
    assert {node: lab.pid(node) for node in NODES} == before
    assert lab.active() == active
