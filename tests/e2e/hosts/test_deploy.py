"""Two hosts become a pair by one playbook, are watched by SNMP, and one after the other is stopped."""
import ipaddress
import json
import re
import time

from clients import Sipp
from hosts import PAIR, UNIT
from lab import other, wait_until
from load import REFRESH, Phones, expect_whole
from watch import ANSWERS, ROLE, ROLE_CHANGED, UNIT as UNIT_OID, AsLab, Manager, Watch, check, options

SIPP = 900000  # the first of its users
RATE, COUNT = 100, 200  # REGISTERs a second over each transport; phones
NAP = {"name": "open"}
NAP_SECRET, COMMUNITY = "nap-secret-of-the-test", "community-of-the-test"
ROOM = {"regpair_config": {"store": {"max_size": "2 GiB"}}}


def secrets(hosts):
    user = hosts.manager
    return [user["auth_password"], user["priv_password"], NAP_SECRET]


def test_one_playbook_makes_a_pair_of_two_hosts(hosts):
    """From nothing; --check --diff before and after says what would change, and changes nothing; neither does
    a second run. What is secret is told by no run and stays where it belongs."""
    hosts.fresh()
    files = hosts.controller / "regpair-pair"
    before = hosts.play("site.yml", "--check", "--diff")
    assert before.changed() > 0 and "+unit: primary" in before.text and "+unit: secondary" in before.text, before.text
    for node in PAIR:
        assert not hosts.path(node, "/etc/regpair").exists() and not hosts.path(node, "/etc/nftables-regpair.conf").exists()
    assert not files.exists()
    expect_refused(hosts, hosts.inventory(regpair_interface="eth9"), "has no interface eth9")
    hosts.play("site.yml")
    assert hosts.paired(), "site.yml ends when the pair is paired"
    second = hosts.play("site.yml", "--diff")
    assert second.changed() == 0, changed_in(second.text)
    for node in PAIR:
        assert not hosts.run(node, "regpairctl", "alarms", check=False).returncode, "no alarm is raised"
        found = hosts.run(node, "find", "/", "-xdev", "-name", "ca-key.pem", "-o", "-name", "regpair-init-*").stdout
        assert not found, f"left on {node}: {found}"
        assert "WRONG" not in hosts.run(node, "regpairctl", "check").stdout
    assert (files / "ca-key.pem").stat().st_mode & 0o077 == 0
    hosts.keep("deployed")


def test_phones_register_at_every_address_of_the_pair(hosts):
    hosts.deployed()
    hosts.add_users(30, SIPP)
    Sipp(hosts.network.namespace("client"), hosts.folder, "lifecycle", f"{hosts.vip}:5060", hosts.address["client"],
         range(SIPP, SIPP + 30)).end()
    Sipp(hosts.network.namespace("client"), hosts.folder, "lifecycle", f"[{hosts.vip6}]:5060",
         hosts.network.address6("client"), range(SIPP, SIPP + 30), transport="t1").end()
    for address in (hosts.vip, hosts.vip6):
        assert options(hosts, address) == "SIP/2.0 200 OK", address
    for node in PAIR:  # what that does: test_the_address_of_a_node_that_died_refuses_nobody
        rules = hosts.run(node, "nft", "list", "table", "inet", "regpair_silent").stdout
        assert f"ip saddr {hosts.vip} tcp" in rules and f"ip6 saddr {ipaddress.ip_address(hosts.vip6)} icmpv6" in rules, rules


def test_stopping_the_service_moves_role_and_address(hosts):
    """Requests that come over UDP and TCP meanwhile are all answered; SNMP says who serves, before, during and
    after, asked of both nodes and of the address; the manager is told; the role does not come back by itself."""
    hosts.deployed()
    moved(hosts, "service", lambda node: hosts.run(node, "systemctl", "stop", "regpaird"),
          lambda node: hosts.run(node, "systemctl", "start", "regpaird"), ("udp", "tcp"))


def test_stopping_the_host_moves_role_and_address(hosts):
    hosts.deployed()
    moved(hosts, "host", hosts.stop, hosts.start, ("udp", "tcp"))


def test_pulling_the_plug_moves_role_and_address(hosts):
    """No goodbye: what was on its way over TCP ends with the host, over UDP it is sent again. What the host had
    logged and nobody acknowledged is merged at its return; an alarm tells of that for a while."""
    hosts.deployed()
    moved(hosts, "plug", hosts.power, hosts.start, ("udp",), well=(0, 1))


def moved(hosts, name, stop, start, transports, well=(0,)):
    old = hosts.active()
    new = other(old)
    phones = [Phones(AsLab(hosts), f"{name}-{transport}", transport, COUNT) for transport in transports]
    for each in phones:
        each.register()
    with Manager(hosts, hosts.manager) as manager:
        for where, unit, role in ((hosts.address[old], UNIT[old], "active"), (hosts.address[new], UNIT[new], "standby"),
                                  (hosts.vip, UNIT[old], "active")):
            wait_until(lambda: manager.get(where, UNIT_OID, ROLE, ANSWERS) == [unit, role, "1"], 20,
                       f"{where} answers as {unit} and {role}")
        with Watch(manager, hosts.vip) as address, Watch(manager, hosts.address[new]) as node:
            address.wait(UNIT[old], "active")
            loads = [each.start(REFRESH, RATE) for each in phones]
            time.sleep(1)
            stop(old)
            wait_until(lambda: hosts.role(new) == "active" and hosts.has_address(new), 20, f"{new} is active")
            address.wait(UNIT[new], "active")
            node.wait(UNIT[new], "active")
            results = [each.end(load) for each, load in zip(phones, loads)]
        assert address.units() == [UNIT[old], UNIT[new]], address.seen
        wait_until(lambda: manager.told(ROLE_CHANGED, '"active"', f'"{UNIT[new]}"'), 30, f"the manager is told: {new} is active")
        found, said = check(hosts, hosts.manager)
        assert found == 1, said
        start(old)
        wait_until(hosts.paired, 60, f"{old} is back and in step")
        assert hosts.active() == new, "the role must not come back by itself"
        wait_until(lambda: manager.get(hosts.address[old], ROLE, ANSWERS) == ["standby", "1"], 20, f"{old} says standby")
        wait_until(lambda: check(hosts, hosts.manager)[0] in well, 60, "check_regpair finds all well", every=1)
    for each, result in zip(phones, results):
        expect_whole(result)
        print(f"      {name} {old} to {new}, {each.transport}: {result['ok']} answered, {result['retransmissions']} sent again, "
              f"longest gap {result['gap']['longest_ms']} ms", flush=True)
        each.audit()


def test_a_change_comes_in_on_one_node_after_the_other(hosts):
    """What wants a restart, under load: no request fails, both nodes have it. A NAP comes by reload; its password
    is told by no run, however talkative, nor by the host's journal."""
    hosts.deployed()
    phones = Phones(AsLab(hosts), "change", "udp", COUNT)
    phones.register()
    before = {node: main_pid(hosts, node) for node in PAIR}
    load = phones.start(REFRESH, RATE)
    play = hosts.play("site.yml", "--diff", inventory=hosts.inventory(**ROOM))
    result = phones.end(load)
    expect_whole(result)
    phones.audit()
    assert hosts.paired() and "+store: {max_size: 2 GiB}" in play.text, play.text
    after = {node: main_pid(hosts, node) for node in PAIR}
    assert all(before[node] != after[node] for node in PAIR), "both were restarted"
    nap = {**NAP, "user": "trunk", "password": NAP_SECRET}
    newer = {**hosts.manager, "auth_password": 'another "secret" \\phrase'}
    inventory = hosts.inventory(**ROOM, regpair_naps=[nap], snmp_users=[newer],
                                snmp_communities=[{"name": COMMUNITY, "source": f"{hosts.network.net}.0/24"}])
    assert not v2c(hosts, "a"), "nobody is asked for a password"
    texts = [hosts.play("site.yml", *words, "--diff", "-vvv", inventory=inventory).text for words in ((), ("--check",))]
    assert not re.search(r"changed=[1-9]", texts[1]), changed_in(texts[1])
    assert {node: main_pid(hosts, node) for node in PAIR} == after, "a NAP wants no restart"
    slip = hosts.play("site.yml", "--diff", "-vvv", check=False, inventory=hosts.inventory(**ROOM, regpair_naps=[{**nap, "usr": "x"}]))
    assert slip.status != 0 and "unknown key `naps.usr`; did you mean `naps.user`?" in slip.text, slip.text[-3000:]
    texts.append(slip.text)
    for node in PAIR:
        assert [nap["name"] for nap in hosts.ctl(node, "nap", "list")] == ["open"]
        texts.append(hosts.run(node, "journalctl", "--no-pager").stdout)
        assert v2c(hosts, node)
    with Manager(hosts, newer) as manager:
        assert manager.must_get(hosts.vip, ANSWERS) == ["1"]
    told = [secret for secret in (*secrets(hosts), newer["auth_password"], COMMUNITY) for text in texts
            if secret in text or json.dumps(secret)[1:-1] in text]
    assert not told, f"told: {told}"


def test_units_change_places_and_adverts_go_by_multicast(hosts):
    """Under load, by one run. Then the plug of the active is pulled: the other notices that adverts stay away; whoever
    comes back hears them, and leaves the address where it is."""
    hosts.deployed()
    phones = Phones(AsLab(hosts), "multicast", "udp", COUNT)
    phones.register()
    exchanged = {"a": UNIT["b"], "b": UNIT["a"]}
    load = phones.start(REFRESH, RATE)
    hosts.play("site.yml", inventory=hosts.inventory(exchanged, keepalived_unicast=False))
    expect_whole(phones.end(load))
    phones.audit()
    assert hosts.paired() and {node: hosts.status(node)["unit"] for node in PAIR} == exchanged
    for node in PAIR:
        assert "unicast" not in hosts.path(node, "/etc/keepalived/keepalived.conf").read_text()
    old = hosts.active()
    new = other(old)
    load = phones.start(REFRESH, RATE)
    time.sleep(1)
    hosts.power(old)
    wait_until(lambda: hosts.role(new) == "active" and hosts.has_address(new), 20, f"{new} is active")
    result = phones.end(load)
    expect_whole(result)
    phones.audit()
    print(f"      plug, multicast: {result['ok']} answered, longest gap {result['gap']['longest_ms']} ms", flush=True)
    hosts.start(old)
    wait_until(hosts.paired, 60, f"{old} is back and in step")
    assert hosts.active() == new and hosts.has_address(new) and not hosts.has_address(old)
    hosts.deployed(pristine=True)


def v2c(hosts, node):
    return hosts.client("snmpget", "-m", "", "-v2c", "-c", COMMUNITY, "-t", 1, "-r", 1, "-Oqv", hosts.address[node], ANSWERS,
                        check=False).returncode == 0


def test_wrong_variables_are_named_before_anything_is_touched(hosts):
    """Asked of hosts that are not even there."""
    user = hosts.manager
    rows = (
        ({"regpair_virtual_addresses": [hosts.vip]}, "with their prefix length"),
        ({"regpair_virtual_addresses": []}, "at least one of regpair_virtual_addresses"),
        ({"regpair_interface": ""}, "Both need regpair_interface"),
        ({"regpair_domains": []}, "regpair_domains needs at least one domain"),
        ({"regpair_commit": "neither"}, "value of regpair_commit must be one of"),
        ({"regpair_config": {"unit": "primary"}}, "have variables of their own"),
        ({"regpair_config": {"store": {"dir": "/srv/regpair"}}}, "nowhere but in /var/lib/regpair"),
        ({"keepalived_router_id": 256}, "keepalived_router_id (256) is a number from 1 to 255"),
        ({"snmp_users": [{**user, "priv_password": "brief"}]}, "two passwords of at least 8 characters"),
        ({"snmp_receivers": [{"name": "nms", "address": "192.0.2.1", "user": "nobody"}]}, "one of snmp_users"),
        ({"snmp_receivers": [{"name": "nms", "address": "192.0.2.1", "version": "3"}]}, "one of snmp_users"),
        ({"snmp_receivers": [{"name": "nms", "address": "192.0.2.1", "user": user["name"], "inform": False}]}, "an engine_id"),
    )
    for wrong, why in rows:
        expect_refused(hosts, hosts.inventory(**wrong), why)
    expect_refused(hosts, hosts.inventory(nodes={"a": "primary", "b": "primary"}), "one regpair_unit primary")
    expect_refused(hosts, hosts.inventory(nodes={"a": "primary"}), "must hold this node and its peer")
    expect_refused(hosts, hosts.inventory(nodes={"a": "first", "b": "secondary"}), "must be one of: primary, secondary, standalone")


def expect_refused(hosts, inventory, why):
    play = hosts.play("site.yml", inventory=inventory, check=False)
    said = " ".join(play.text.split())
    assert play.status != 0 and why in said, f"{why!r} is not in: {play.text[-3000:]}"
    assert play.changed() == 0, play.text


def main_pid(hosts, node):
    return hosts.run(node, "systemctl", "show", "-p", "MainPID", "--value", "regpaird").stdout.strip()


def changed_in(text):
    return "\n\n".join(block for block in text.split("\n\n") if "\nchanged: [" in block)[-3000:]
