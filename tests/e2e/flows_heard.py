"""flows_heard.py - flows in which the registrar speaks first: NOTIFYs of a watched user, OPTIONS that ask
whether a contact still answers. As those of flows.py, each has a failover in its middle."""
import re

from flows import MARKING, REMOVING, flow, import_users, invite
from lab import other, wait_until
from phone import HearingPhone, Phone

PLAYED_BY = "test_every_flow_goes_on_at_the_other_node"
QUIET_S = 5  # between two NOTIFYs (RFC 3680 4.10)


def subscribe(watcher, to=None):
    """The answer to a SUBSCRIBE for the watcher's own user, inside the dialog of `to` or outside."""
    def ask():
        lines = ["Event: reg", "Accept: application/reginfo+xml", f"Contact: {watcher.contact}", "Expires: 300"]
        if watcher.challenge:
            lines.append(watcher.authorization("SUBSCRIBE", watcher.aor))
        text = watcher.text_of("SUBSCRIBE", watcher.aor, *lines)
        return watcher.ask(re.sub("(?m)^To: .*$", f"To: {to}", text, count=1) if to else text)
    answer = ask()
    if answer.status == 401:
        watcher.listen_to(answer)
        answer = ask()
    return answer.must(200)


def version(notify):
    return int(re.search('version="([0-9]+)"', notify.text)[1])


def hears(watcher, what, wanted):
    """The first NOTIFY that `wanted` takes."""
    def found():
        return next((notify for notify in watcher.all_heard("NOTIFY") if wanted(notify)), None)
    return wait_until(found, QUIET_S + 3, f"the watcher hears {what}; it heard {len(watcher.heard)}")


@flow
def watcher_is_told_on_by_the_other_node(lab, first):
    """E5, E9, E13, E14: between SUBSCRIBE and NOTIFY the node is killed; the dialog goes on, its versions rise"""
    watcher, phone = HearingPhone(lab, first), Phone(lab, first)
    to = subscribe(watcher).one("To")
    begun = hears(watcher, "the first NOTIFY", lambda notify: True)
    assert version(begun) == 0 and 'state="full"' in begun.text and "<uri>" not in begun.text, begun.text
    assert begun.one("From") == to
    yield
    phone.register(phone.contact).must(200)
    told = hears(watcher, "of the new contact", lambda notify: f"<uri>{phone.contact[1:-1]}</uri>" in notify.text)
    assert told.one("Event") == "reg" and told.one("Subscription-State").startswith("active;expires=2"), told.text
    count = len(watcher.all_heard("NOTIFY"))
    subscribe(watcher, to)
    wait_until(lambda: len(watcher.all_heard("NOTIFY")) > count, QUIET_S + 3, "a refreshed SUBSCRIBE brings a NOTIFY")
    watcher.end()
    heard = watcher.all_heard("NOTIFY")
    assert {(n.one("Call-ID"), n.one("From"), n.one("To")) for n in heard} == \
        {(watcher.call_id, to, f"<{watcher.aor}>;tag=phone")}, [n.text for n in heard]
    assert 'state="full"' in heard[-1].text, heard[-1].text
    told = dict((n.cseq, version(n)) for n in heard)  # one sent again is one
    assert sorted(told.values()) == [told[cseq] for cseq in sorted(told)] and len(set(told.values())) == len(told), told


def asked(phone):
    return len({request.one("CSeq") for request in phone.all_heard("OPTIONS")})


@flow
def contacts_are_asked_by_the_active_alone(lab, first):
    """who never answers is found last, marked; or removed, where the domain says so; by either node"""
    import_users(lab, MARKING, first, first + 1)
    import_users(lab, REMOVING, first, first + 1)
    alive, lost = (HearingPhone(lab, first, domain=REMOVING, dumb=dumb) for dumb in (False, True))
    sound, marked = (HearingPhone(lab, first + 1, domain=MARKING, dumb=dumb) for dumb in (False, True))
    caller = Phone(lab, first)
    for phone in (alive, sound, marked):
        phone.register(phone.contact).must(200)
    wait_until(lambda: all(asked(phone) for phone in (alive, sound, marked)), 4, "every contact is asked")
    assert lab.status(other(lab.active()))["contacts_asked"] == 0
    yield
    before = asked(alive), asked(sound)
    lost.register(lost.contact).must(200)
    wait_until(lambda: asked(lost) and asked(alive) > before[0] and asked(sound) > before[1], 4, "the other node asks")
    wait_until(lambda: alive.register().must(200).uris == [alive.contact[1:-1]], 8, "the lost phone is removed")
    def last():
        return invite(caller, marked.aor).must(302).contacts[-1]
    wait_until(lambda: marked.contact[1:-1] in last() and ";unreachable" in last(), 8, "the dumb phone is marked")
    assert sorted(sound.register().must(200).uris) == sorted(phone.contact[1:-1] for phone in (marked, sound))
    assert lab.status(lab.active())["contacts_dropped"] == 1
    for phone in (alive, lost, sound, marked):
        phone.end()
