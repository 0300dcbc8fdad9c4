"""test_standalone.py - one node alone: no keepalived, no peer."""
from clients import Sipp
from lab import wait_until
from load import expect_whole
from standalone import NAMESPACE, Alone


def test_a_standalone_node_challenges_grants_refreshes_and_removes():
    """R09, R14, R22, R24, R25, R28, R29, R31: with regload over both transports and with sipp."""
    with Alone() as node:
        node.start()
        node.add_users(300)
        assert node.status()["pair_state"] == "standalone"
        acked = node.folder / "acked"
        for transport in ("udp", "tcp"):
            result = node.regload("--users", 300, "--transport", transport, "--acked", acked)
            assert result["challenges"] == result["ok"] == 300, result
            node.regload("--users", 300, "--audit", acked)
            expect_whole(node.regload("--users", 300, "--transport", transport, "--mode", "refresh"))
            node.regload("--users", 300, "--transport", transport, "--mode", "remove", "--acked", acked)
            node.regload("--users", 300, "--audit", acked)
        Sipp(NAMESPACE, node.folder, "lifecycle", "127.0.0.1:5060", "127.0.0.1", range(30)).end()
        Sipp(NAMESPACE, node.folder, "refused", "127.0.0.1:5060", "127.0.0.1", range(5), password="no").end()
        Sipp(NAMESPACE, node.folder, "brief", "127.0.0.1:5060", "127.0.0.1", range(5)).end()
        assert node.stop() == 0


def test_a_standalone_node_takes_sha_256_where_it_offers_it():
    """D1, D2"""
    with Alone(auth="digest") as node:
        node.start()
        node.add_users(50)
        for algorithm in ("SHA-256", "MD5"):
            result = node.regload("--users", 50, "--algorithm", algorithm)
            assert result["challenges"] == result["ok"] == 50, result


def test_a_standalone_node_lets_bindings_expire():
    """A6, I7: gone when their time is over, not before."""
    with Alone(least="1 s") as node:
        node.start()
        node.add_users(100)
        acked = node.folder / "acked"
        node.regload("--users", 100, "--expires", 3, "--acked", acked)
        node.regload("--users", 100, "--audit", acked)
        wait_until(lambda: node.status()["expired"] == 100, 8, "all expired")
        node.regload("--users", 100, "--audit", acked)
        assert "user000000" not in node.ctl("bindings")


def test_a_standalone_node_remembers_over_kill_9_and_over_a_stop():
    """I1, X01, X05"""
    with Alone() as node:
        node.start()
        node.add_users(300)
        acked = node.folder / "acked"
        for end in (node.kill, node.stop):
            node.regload("--users", 300, "--acked", acked)
            end()
            node.start()
            node.regload("--users", 300, "--audit", acked)
