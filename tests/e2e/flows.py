"""flows.py - what a device does at the registrar, each with a failover in its middle: a generator that
stops (yield) where the active node is killed, and goes on at the other."""
import re
from urllib.parse import unquote

from clients import Baresip, Linphone
from lab import wait_until
from phone import Phone

PLAYED_BY = "test_every_flow_goes_on_at_the_other_node"
INSTANCE = '+sip.instance="<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>"'
NOBODY = "sip:nobody@example.com"
FIRST = 310_000  # users that no other test registers
USERS = 5  # for each flow
ROUTE = "<sip:edge.example.com;lr>"
SERVICES = "apns,fcm"
OLD_PHONES = "phones.example.com"  # the domain of those that give up at SHA-512-256
MARKING, REMOVING = "marking.example.com", "removing.example.com"  # contacts are asked, MD5 alone is
LEAST_S = 2
ALL = []


def flow(function):
    """Each gets users of its own."""
    number = FIRST + USERS * len(ALL)
    ALL.append((function.__name__, lambda lab: function(lab, number)))
    return function


def count(phone):
    """Bindings that a fetch lists."""
    return len(phone.register().must(200).contacts)


def invite(phone, uri):
    return phone.request("INVITE", uri)


@flow
def nonce_is_answered_at_the_other_node(lab, first):
    """R09, D1, D2, D15: three challenges, strongest first; what one node asked the other takes answered."""
    phones = [Phone(lab, first + i, algorithm=name) for i, name in enumerate(("SHA-512-256", "SHA-256", "MD5"))]
    for phone in phones:
        answer = phone.ask(phone.register_text(phone.contact)).must(401)
        assert [line.count("algorithm=" + p.algorithm) for p, line in zip(phones, answer.all("WWW-Authenticate"))] \
            == [1, 1, 1], answer.text
        phone.listen_to(answer)
    yield
    for phone in phones:
        phone.register(phone.contact).must(200)


@flow
def retransmission_is_answered_again_by_the_other_node(lab, first):
    """R24, R37: what was granted here is granted there to the same bytes; an older CSeq is refused."""
    phone = Phone(lab, first)
    phone.register(phone.contact).must(200)
    old = phone.register_text(phone.contact)
    last = phone.register_text(phone.contact)
    phone.ask(last).must(200)
    yield
    assert len(phone.ask(last).must(200).contacts) == 1
    phone.cseq -= 2
    phone.register(phone.contact).must(400)
    phone.cseq += 2
    assert count(phone) == 1
    assert phone.ask(old).status != 200


@flow
def outbound_keeps_its_flows(lab, first):
    """ob-1, ob-2, ob-3, ob-12, ob-13"""
    phone = Phone(lab, first)
    supported = ("Supported: outbound, path",)
    one, two = (f"{phone.contact};reg-id={n};{INSTANCE}" for n in (1, 2))
    answer = phone.register(one, headers=supported).must(200)
    assert answer.one("Require") == "outbound" and answer.one("Flow-Timer") == "120", answer.text
    assert ";reg-id=1" in answer.one("Contact")
    yield
    phone.connect()
    phone.new_call()
    answer = phone.register(f"{phone.contact};reg-id=1;{INSTANCE}", headers=supported).must(200)
    assert answer.uris == [phone.contact[1:-1]], answer.text
    two = two.replace(phone.user + "@", phone.user + "-2@")
    assert len(phone.register(two, headers=supported).must(200).contacts) == 2
    phone.connect()
    left = phone.register(f"{phone.contact};reg-id=1;{INSTANCE}", headers=supported, expires=0).must(200)
    assert ";reg-id=2" in left.one("Contact")


@flow
def outbound_through_an_edge(lab, first):
    """ob-4, ob-5, ob-6, ob-7, ob-8"""
    phone = Phone(lab, first)
    one = f"{phone.contact};reg-id=1;{INSTANCE}"
    def through(uri):
        return phone.register(one, headers=("Supported: outbound, path", f"Path: <{uri}>"),
                              vias=("SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKphone",))
    through("sip:edge.example.com;lr").must(439)
    assert count(phone) == 0
    answer = through("sip:token@edge.example.com;lr;ob").must(200)
    assert answer.one("Require") == "outbound" and answer.one("Path") == "<sip:token@edge.example.com;lr;ob>"
    yield
    through("sip:edge.example.com;lr").must(439)
    through("sip:token@edge.example.com;lr;ob").must(200)
    two = one.replace(phone.user + "@", "other@").replace("reg-id=1", "reg-id=2")
    phone.register(one, two, headers=("Supported: outbound",)).must(400)
    assert count(phone) == 1
    assert not phone.register(one).must(200).all("Require")
    assert not phone.register(phone.contact + ";reg-id=1", headers=("Supported: outbound",)).must(200).all("Require")


def gruus(answer):
    """The public and the temporary one."""
    text = answer.one("Contact")
    return [text.split(kind + '="')[1].split('"')[0] for kind in ("pub-gruu", "temp-gruu")]


@flow
def gruu_of_one_node_means_the_same_at_the_other(lab, first):
    """gruu-1, gruu-2, gruu-3, gruu-5, gruu-6, gruu-7, gruu-14"""
    phone, caller = Phone(lab, first), Phone(lab, first + 1)
    contact, knows = f"{phone.contact};{INSTANCE}", ("Supported: gruu",)
    assert "gruu" not in phone.register(contact).must(200).text
    answer = phone.register(contact, headers=knows).must(200)
    assert not answer.all("Require") and not answer.all("Supported")
    public, old = gruus(answer)
    assert public == phone.aor + ";gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", answer.text
    yield
    for name in (old, public):
        assert invite(caller, name).must(302).uris == [phone.contact[1:-1]]
    same, new = gruus(phone.register(contact, headers=knows).must(200))
    assert same == public and new != old
    invite(caller, old).must(302)
    phone.new_call()
    same, newest = gruus(phone.register(contact, headers=knows).must(200))
    assert same == public
    for name in (old, new):
        invite(caller, name).must(404)
    invite(caller, newest).must(302)
    phone.register(contact, expires=0).must(200)
    invite(caller, public).must(480)
    invite(caller, newest).must(404)


@flow
def path_becomes_a_route(lab, first):
    """P1, P2, P5, P9"""
    phone, caller = Phone(lab, first), Phone(lab, first + 1)
    path = ("Supported: path", "Path: <sip:p1.example.com;lr>, <sip:p2.example.com;lr>")
    assert phone.register(phone.contact, headers=path).must(200).all("Path") == [
        "<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"]
    yield
    found = invite(caller, phone.aor).must(302).uris
    assert [unquote(uri) for uri in found] == [
        phone.contact[1:-1] + "?Route=<sip:p1.example.com;lr>,<sip:p2.example.com;lr>"], found
    assert not phone.register(phone.contact).must(200).all("Path")
    assert invite(caller, phone.aor).must(302).uris == [phone.contact[1:-1]]


@flow
def service_route_is_told_by_both(lab, first):
    """S1, S2, S3"""
    phone = Phone(lab, first)
    refused = phone.ask(phone.register_text(phone.contact)).must(401)
    assert not refused.all("Service-Route")
    assert phone.register(phone.contact).must(200).one("Service-Route") == ROUTE
    yield
    assert phone.register(phone.contact).must(200).one("Service-Route") == ROUTE
    assert not phone.register(phone.contact, expires=0).must(200).all("Service-Route")


@flow
def push_wakes_a_phone(lab, first):
    """RFC 8599: 555 for a service not known, Feature-Caps for one that is, marked in the 302"""
    phone, caller = Phone(lab, first), Phone(lab, first + 1)
    def contact(service):
        return phone.contact[:-1] + f";pn-provider={service};pn-prid=device1;pn-param=app>"
    phone.register(contact("acme")).must(555)
    assert count(phone) == 0
    answer = phone.register(contact("fcm")).must(200)
    assert answer.one("Feature-Caps") == '*;+sip.pns="fcm"' and "pn-prid=device1" in answer.one("Contact")
    yield
    assert ";push=fcm" in invite(caller, phone.aor).must(302).one("Contact")
    phone.register(contact("acme")).must(555)
    assert phone.register(contact("fcm")).must(200).one("Feature-Caps") == '*;+sip.pns="fcm"'


@flow
def numbers_of_a_pbx_stay_bound(lab, first):
    """B1, B2, B4, B5"""
    phone = Phone(lab, first)
    gin = ("Require: gin", "Proxy-Require: gin", "Supported: path")
    bulk = f"<sip:{lab.address['c']}:{phone.port};bnc>"
    phone.register(bulk).must(400)
    phone.register(bulk.replace("sip:", "sip:pbx@"), headers=gin).must(400)
    assert phone.register(bulk, headers=gin).must(200).uris == [bulk[1:-1]]
    yield
    assert phone.register().must(200).uris == [bulk[1:-1]]
    assert not phone.register(bulk, headers=gin, expires=0).must(200).contacts


def several(phone, n, params=""):
    return [phone.contact.replace(phone.user + "@", f"{phone.user}-{i}@") + params for i in range(n)]


@flow
def star_removes_all_or_nothing(lab, first):
    """R14, R15, R16, R31"""
    phone = Phone(lab, first)
    phone.register(*several(phone, 3)).must(200)
    phone.register("*").must(400)
    phone.register("*", phone.contact, expires=0).must(400)
    yield
    assert count(phone) == 3
    phone.register("*").must(400)
    assert count(phone) == 3
    assert not phone.register("*", expires=0).must(200).contacts
    assert count(phone) == 0


@flow
def one_bad_contact_of_several_changes_nothing(lab, first):
    """R06, R17, R19, R26, R28, R29, R30"""
    phone = Phone(lab, first)
    good = several(phone, 3)
    answer = phone.register(*good[:2]).must(200)
    assert all(";expires=" in contact for contact in answer.contacts) and answer.one("Date")
    yield
    for _ in range(2):
        answer = phone.register(good[0] + ";expires=0", good[2], good[1] + ";expires=1").must(423)
        assert answer.one("Min-Expires") == str(LEAST_S)
        phone.register(good[2], "<sip:@>").must(400)
        assert sorted(phone.register().must(200).uris) == [contact[1:-1] for contact in good[:2]]
    answer = phone.register(good[0] + ";expires=0", good[2]).must(200)
    assert sorted(answer.uris) == [contact[1:-1] for contact in good[1:]]


@flow
def user_is_found_by_q(lab, first):
    """R01, R12, R32, R36: 302 by q, 480 once all has expired, 404 for nobody, 405 for the registrar"""
    phone, brief = Phone(lab, first), Phone(lab, first + 1)
    low, high = (contact + f";q=0.{q}" for contact, q in zip(several(phone, 2), (3, 8)))
    phone.register(low, high).must(200)
    brief.register(brief.contact, expires=LEAST_S).must(200)
    assert [";q=0.8" in c for c in invite(phone, phone.aor).must(302).contacts] == [True, False]
    yield
    assert [";q=0.8" in c for c in invite(phone, phone.aor).must(302).contacts] == [True, False]
    invite(phone, NOBODY).must(404)
    assert "REGISTER" in phone.request("INVITE", "sip:example.com").must(405).one("Allow")
    wait_until(lambda: invite(phone, brief.aor).must(302, 480).status == 480, LEAST_S + 2, "all has expired")
    assert count(brief) == 0


@flow
def connection_dies_with_its_node(lab, first):
    """ob-9, ob-10, R44: bound through a connection that is gone: last in the list and marked, until refreshed"""
    phone, desk, caller = Phone(lab, first, transport="tcp"), Phone(lab, first), Phone(lab, first + 1)
    high = ";q=1.0"
    phone.register(phone.contact + high).must(200)
    desk.register(desk.contact + ";q=0.1").must(200)
    phone.pong()
    assert [";flow-lost" in c for c in invite(caller, phone.aor).must(302).contacts] == [False, False]
    yield
    answer = invite(caller, phone.aor).must(302)
    assert [";flow-lost" in c for c in answer.contacts] == [False, True] and answer.uris[1] == phone.contact[1:-1]
    old = phone.contact
    phone.connect()
    phone.pong()
    phone.register(old + ";expires=0", phone.contact + high).must(200)
    phone.pong()
    answer = invite(caller, phone.aor).must(302)
    assert [";flow-lost" in c for c in answer.contacts] == [False, False] and answer.uris[0] == phone.contact[1:-1]


@flow
def stun_is_answered_at_the_address(lab, first):
    """ob-11, N2"""
    phone = Phone(lab, first)
    phone.stun()
    yield
    phone.stun()
    phone.register(phone.contact).must(200)


def import_users(lab, domain, *numbers):
    """Into a domain beside example.com."""
    table = lab.folder / "phones.csv"
    table.write_text("".join(f"user{n:06},secret{n:06}\n" for n in numbers))
    active = wait_until(lab.active, 5, "one node is active")
    done = lab.ctl_run(active, "subscriber", "import", table, "--replace", "--domain", domain)
    assert done.returncode == 0, done.stderr


def linphone_flow(lab, number, transport):
    """Registers once more at the other node, without a challenge; unregisters."""
    import_users(lab, OLD_PHONES, number)
    user = f"user{number:06}"
    aor = f"sip:{user}@{OLD_PHONES}"
    def bindings():
        return lab.ctl_run(lab.active(), "bindings", aor).stdout
    phone = Linphone(lab, transport, user=user, password=f"secret{number:06}", domain=OLD_PHONES, seconds=5)
    try:
        wait_until(lambda: lab.address["c"] in bindings(), 10, f"linphone is registered over {transport}")
        yield
        before = phone.heard().count("SIP/2.0 200 OK")
        wait_until(lambda: phone.heard().count("SIP/2.0 200 OK") > before, 15, f"linphone refreshes over {transport}")
        assert lab.address["c"] in bindings()
        heard = phone.heard()
        assert heard.count("SIP/2.0 401 ") == 1 and "algorithm=SHA-256, username=" in heard, heard[-3000:]
        assert f'pub-gruu="{aor};gr=urn:uuid:' in heard.rsplit("SIP/2.0 200 OK", 1)[1], heard[-3000:]
        phone.say("unregister")
        wait_until(lambda: "Expires: 0" in phone.heard() and lab.address["c"] not in bindings(), 6,
                   f"linphone is unregistered over {transport}")
    finally:
        phone.end()


@flow
def linphone_stays_registered_by_sha_256(lab, first):
    """D1, D2, D15, gruu-1"""
    return linphone_flow(lab, first, "udp")


@flow
def linphone_connects_again(lab, first):
    """R44: over TCP, whose connection died with the node"""
    return linphone_flow(lab, first, "tcp")


def baresip_flow(lab, number, two_flows):
    """Its newest 200: when it has registered, then when it has done so again. It unregisters when it is closed."""
    import_users(lab, MARKING, number)
    user = f"user{number:06}"
    phone = Baresip(lab, user, f"secret{number:06}", LEAST_S, domain=MARKING, two_flows=two_flows)
    want = [";reg-id=1;pub-gruu=", ";reg-id=2;pub-gruu="] if two_flows else ["Contact: <sip:"]
    def granted():
        """Its 200s to REGISTER."""
        return [text for text in phone.said.split("SIP/2.0 ") if text.startswith("200 OK") and " REGISTER\n" in text]
    def is_whole():
        return granted() and all(one in granted()[-1] for one in want)
    try:
        wait_until(is_whole, 10, f"{user} is registered")
        yield granted()[-1]
        before = len(granted())
        wait_until(lambda: len(granted()) > before + len(want) and is_whole(), 10, f"{user} has refreshed")
        assert "Forbidden" not in phone.said and "OPTIONS sip:" in phone.said, phone.said[-3000:]
        yield granted()[-1]
    finally:
        phone.end()


@flow
def baresip_stays_registered(lab, first):
    """I3, I8, R28"""
    caller, running = Phone(lab, first), baresip_flow(lab, first, False)
    next(running)
    yield
    next(running)
    assert invite(caller, f"sip:{caller.user}@{MARKING}").must(302).uris[0].startswith(f"sip:{caller.user}")
    running.close()
    wait_until(lambda: invite(caller, f"sip:{caller.user}@{MARKING}").must(302, 480).status == 480, 5, "it is removed")


@flow
def baresip_keeps_two_flows_and_its_gruu(lab, first):
    """ob-1, ob-3, ob-12, ob-13, gruu-1"""
    caller, running = Phone(lab, first), baresip_flow(lab, first, True)
    public = re.search('pub-gruu="(.*?)"', next(running))[1]
    yield
    assert f'pub-gruu="{public}"' in next(running)
    assert f"sip:{caller.user}-" in invite(caller, public).must(302).uris[0]
    running.close()
    wait_until(lambda: invite(caller, public).must(302, 480).status == 480, 5, "both flows are removed")
