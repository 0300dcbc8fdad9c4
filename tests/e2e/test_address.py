"""test_address.py - the virtual address is where it should not be, or clients look for it where it was."""
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from lab import ms, now, other, wait_until
from load import REFRESH, Phones, Tally, expect_whole
from phone import Phone

REFRESH_S = 1  # keepalived's vrrp_garp_master_refresh


def address(lab, node, verb):
    subprocess.run(["ip", "-n", lab.namespace(node), "address", verb, f"{lab.vip}/24", "dev", "eth0"], check=True)


def test_an_address_put_on_the_standby_by_hand_makes_no_second_active_node(lab):
    """X10, I5: the peer is active and has it, and says so; nothing that was acknowledged is lost, and one node
    is active with the address when the hand has taken its own away again."""
    phones = Phones(lab, "twice", "udp", 300)
    phones.register()
    active = lab.active()
    load = phones.start(REFRESH, 200)
    time.sleep(0.5)
    address(lab, other(active), "add")
    try:
        for _ in range(20):
            assert not (lab.role("a") == "active" and lab.role("b") == "active"), "both are active"
            time.sleep(0.1)
    finally:
        if lab.has_address(other(active)):
            address(lab, other(active), "del")
    lab.until_paired("paired")
    time.sleep(0.5)
    result = phones.end(load)
    expect_whole(result)
    assert lab.active() == active and lab.has_address(active)
    lab.in_step()
    tally = Tally()
    tally.load(result)
    tally.audit([phones])
    print(f"    {tally}")


def test_the_address_of_a_node_that_died_refuses_nobody(lab):
    """R44: a phone that is refused rests for a minute; one that hears nothing sends again, and the other answers.
    keepalived stands still, or the address would go too soon to be seen."""
    silent, active = Phone(lab, 320000), lab.active()
    keepalived = [lab.pid(active, name) for name in ("keepalived", "vrrp")]
    lab.talk_to(active)
    for pid in keepalived:
        os.kill(pid, signal.SIGSTOP)
    try:
        lab.kill(active)
        with ThreadPoolExecutor() as beside:
            connecting = beside.submit(Phone, lab, 320000, "tcp")
            silent.send(silent.text_of("OPTIONS", "sip:example.com").encode())
            silent.socket.settimeout(0.5)
            try:
                raise AssertionError(f"the dead said {silent.receive()!r}")
            except TimeoutError:
                assert not connecting.done(), connecting.exception() or "somebody took the connection"
            lab.talk_to(None)
            connected = connecting.result()
    finally:
        lab.talk_to(None)
        for pid in keepalived:
            os.kill(pid, signal.SIGCONT)
    for phone in (silent, connected):
        phone.register(phone.contact).must(200)


def test_a_client_that_missed_the_gratuitous_arp_hears_of_the_next(lab):
    """X10, A15: its packets go to the host that was; keepalived repeats itself every second."""
    phones = Phones(lab, "deaf", "udp", 100)
    phones.register()
    old = lab.active()
    stale = lab.run("cat", "/sys/class/net/eth0/address", host=old).stdout.strip()
    lab.kill(old)
    wait_until(lambda: lab.role(other(old)) == "active", 5, f"{other(old)} is active")
    time.sleep(REFRESH_S / 2)  # behind the burst that comes with the takeover
    lab.run("ip", "neigh", "replace", lab.vip, "dev", "eth0", "lladdr", stale, "nud", "reachable")
    begun = now()
    result = lab.regload(*phones.arguments("--t1", 100, "--count", 1, "--use-nonce", phones.nonces))
    waited = ms(begun, now())
    expect_whole(result)
    assert waited < 1000 * (REFRESH_S + 1), waited
    phones.audit()
    print(f"    answered after {waited:.0f} ms, sent {1 + result['retransmissions']} times")
