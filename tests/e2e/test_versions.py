"""test_versions.py - a pair is upgraded one node at a time, under load: the previous program is played by this
one, kept at the previous version of the protocol."""
from lab import other, wait_until
from load import CHURN, REFRESH, Phones, expect_whole

HERE = "bulk_port: 7061,"
OLD = f"{HERE} max_version: 1,"
EXPOSED_S = 30


def versions(lab):
    return [lab.status(node)["peer_version"] for node in ("a", "b")]


def upgrade(lab, node):
    """The standby's service is stopped, the newer program started."""
    path = lab.folder / node / "regpair.yaml"
    lab.stop_daemon(node)
    path.write_text(path.read_text().replace(OLD, HERE))
    lab.start(node)
    wait_until(lab.paired, EXPOSED_S, f"paired after {node} was upgraded")


def upgrade_both(lab, phones, loads):
    first = lab.active()
    assert versions(lab) == [1, 1]
    upgrade(lab, other(first))
    assert versions(lab) == [1, 1], "the older of the two decides"
    lab.switchover()
    wait_until(lambda: lab.active() == other(first) and lab.paired(), 20, "handed over to the newer one")
    upgrade(lab, first)
    assert versions(lab) == [2, 2]
    sent = 0
    for each, load in zip(phones, loads):
        result = each.end(load)
        assert not result["other"] and not result["timeouts"], result
        expect_whole(result)
        sent += result["ok"]
    print(f"      {sent} REGISTERs acknowledged, none failed")


def test_a_pair_is_upgraded_one_node_at_a_time_and_no_request_fails(lab):
    """A33, T13, I15, X16: standby, switchover, the other; nothing acknowledged is lost, digests are equal"""
    phones = [Phones(lab, "oldr", "udp", 300), Phones(lab, "oldc", "udp", 300)]
    for each in phones:
        each.register()
    lab.reconfigure(HERE, OLD)
    try:
        loads = [each.start(how, 150) for each, how in zip(phones, (REFRESH, CHURN))]
        upgrade_both(lab, phones, loads)
        lab.in_step()
        wait_until(lambda: lab.status("a")["digest_checked"] > 0, 15, "the records were compared")
        for each in phones:
            each.audit()
    finally:
        for node in ("a", "b"):
            path = lab.folder / node / "regpair.yaml"
            if OLD in path.read_text():
                upgrade(lab, node)
