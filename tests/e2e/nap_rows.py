"""nap_rows.py - what registrars do to a client, a generator for each: it says what the registrar plays, stops
(yield) with what is to be waited for, and then looks at what was asked and at what the node says."""
import re

import naps
from lab import now
from registrars import (HANG_UP, HOST, Registrar, Stray, answer, challenge, challenge_line, credentials, hang_up, is_right, ok,
                        own_contact, silence)
from standalone import NAMESPACE

PLAYED_BY = "test_each_answer_of_a_registrar_leads_where_it_should"
UDP, TCP, TLS = "udp", "tcp", "tls"
ALL = (UDP, TCP, TLS)
SERVICE = {UDP: "_sip._udp", TCP: "_sip._tcp", TLS: "_sips._tcp"}
FIRST_PORT = 6100
EXPIRES_S, RETRY_S, TIMEOUT_S = 600, 1, 4
EARLY_S, LATE_S = 0.3, 0.9  # of a moment at which something is due, on a busy machine
ROWS, REFERENCE = [], []  # the latter with the times that a NAP has when none are given
REMOVED = "removed"  # what a row waits for: its NAP is not configured any more


def row(*transports, tls="good", among=ROWS, **keys):
    def add(function):
        among.extend((function, transport, tls, keys) for transport in transports)
        return function
    return add


def named(function, name):
    """What a failure is called."""
    function.__name__ = name
    return function


class Nap:
    """One NAP of the node under test, and the registrar that it is sent to."""

    def __init__(self, stack, number, transport, context, keys):
        self.name, self.transport, self.context, self.stack = f"nap{number}", transport, context, stack
        self.port, self.used, self.records = FIRST_PORT + 3 * number, 0, []
        self.view = {}
        self.registrar = self.another()
        self.keys = {**naps.registering(self.name, f"{HOST}:{self.registrar.port}", "me", "there"), "password": "mine",
                     "transport": transport, **keys}

    @property
    def view(self):
        """What the node says of it."""
        self.looked = True
        return self.said

    @view.setter
    def view(self, said):
        self.said, self.looked = said, False

    def another(self):
        registrar = Registrar(NAMESPACE, self.port + self.used, self.transport, self.context)
        self.used += 1
        self.stack.callback(registrar.end)
        return registrar

    def is_found(self, *registrars):
        """By the name that it is configured with: these one after the other, as SRV has it."""
        for rank, registrar in enumerate(registrars):
            self.records.append(f"--srv-host={SERVICE[self.transport]}.{self.keys['proxy']},here.test,{registrar.port},{rank},0")

    def plays(self, *steps):
        self.registrar.steps = list(steps)

    @property
    def asked(self):
        return self.registrar.asked

    def is_registered(self):
        return self.view.get("registered")

    def is_waiting(self):
        """After a failure, for the next attempt."""
        return self.view.get("phase") == "waiting" and self.view["attempts"] > 0


def same(*requests):
    """Of one dialog, each a step further than the one before."""
    for before, after in zip(requests, requests[1:]):
        assert all(before.one(name) == after.one(name) for name in ("Call-ID", "From", "To")), (before.text, after.text)
        assert after.cseq == before.cseq + 1, (before.text, after.text)


def pause(before, after, seconds):
    """Between two requests lies so much, and little more."""
    took = after.when - before.when
    assert seconds - EARLY_S < took < seconds + LATE_S, f"{took} s instead of {seconds}: {before.text} {after.text}"


def expect_sent_at(nap, *wanted):
    """The first REGISTER, the same bytes at each of these seconds."""
    sent = [request for request in nap.registrar.sent if request.branch == nap.asked[0].branch]
    times = [request.when - sent[0].when for request in sent]
    assert len({request.text for request in sent}) == 1
    assert len(times) == len(wanted) and all(-EARLY_S < time - due < LATE_S for time, due in zip(times, wanted)), times


def expires_of(request):
    return int(re.search(";expires=([0-9]+)", request.one("Contact"))[1])


BRIEF = {"expires": f"{EXPIRES_S} s", "retry": f"{RETRY_S} s", "retry_max": f"{RETRY_S} s", "timeout": f"{TIMEOUT_S} s"}


# --- challenges ---

@row(*ALL)
def one_challenge(nap):
    """C04"""
    nap.plays(challenge(), ok())
    yield nap.is_registered
    first, second = nap.asked
    same(first, second)
    assert not first.all("Authorization") and is_right(*credentials(second)), second.text
    assert expires_of(first) == EXPIRES_S and nap.view["granted_s"] == EXPIRES_S, nap.view


@row(*ALL)
def a_challenge_of_a_proxy_and_one_of_the_registrar(nap):
    """C05, C06"""
    nap.plays(answer("407 Proxy Authentication Required", challenge_line("Proxy-Authenticate", realm="edge", nonce="e")),
              challenge(), ok())
    yield nap.is_registered
    first, second, third = nap.asked
    same(first, second, third)
    assert is_right(*credentials(second, "Proxy-Authorization")) and not second.all("Authorization"), second.text
    assert is_right(*credentials(third, "Proxy-Authorization")) and is_right(*credentials(third)), third.text


@row(*ALL)
def the_topmost_that_it_knows(nap):
    """C07"""
    offers = (("SHA-384", "1"), ("SHA-512-256", "2"), ("SHA-256", "3"), ("MD5", "4"))
    nap.plays(answer("401 Unauthorized", *(challenge_line(algorithm=name, nonce=nonce) for name, nonce in offers)), ok())
    yield nap.is_registered
    given, = credentials(nap.asked[1])
    assert given["algorithm"] == "SHA-512-256" and given["nonce"] == "2" and is_right(given), given


@row(UDP)
def sha_256_above_md5(nap):
    """C07"""
    nap.plays(answer("401 Unauthorized", challenge_line(algorithm="SHA-256"), challenge_line(algorithm="MD5")), ok())
    yield nap.is_registered
    given, = credentials(nap.asked[1])
    assert given["algorithm"] == "SHA-256" and is_right(given), given


@row(*ALL, realm="ours")
def the_realm_that_it_has_a_password_for(nap):
    """C08"""
    nap.plays(answer("401 Unauthorized", challenge_line(realm="theirs", nonce="1"), challenge_line(realm="ours", nonce="2")), ok())
    yield nap.is_registered
    given, = credentials(nap.asked[1])
    assert given["realm"] == "ours" and is_right(given), given


@row(*ALL)
def no_algorithm_that_it_knows(nap):
    """C09"""
    nap.plays(challenge(algorithm="SHA-384"))
    yield lambda: len(nap.asked) >= 3
    assert not any(request.all("Authorization") for request in nap.asked)
    pause(*nap.asked[1:3], RETRY_S)
    yield nap.is_waiting
    assert nap.view["last_status"] == 401 and nap.view["why"] == "no credentials for what it asks", nap.view


@row(*ALL, realm="ours")
def a_realm_that_it_has_nothing_for(nap):
    """C09"""
    nap.plays(challenge(realm="theirs"))
    yield lambda: len(nap.asked) >= 3
    assert not any(request.all("Authorization") for request in nap.asked)
    pause(*nap.asked[1:3], RETRY_S)


@row(*ALL, password="")
def a_challenge_and_no_password(nap):
    """C09"""
    nap.plays(challenge())
    yield lambda: len(nap.asked) >= 3
    assert not any(request.all("Authorization") for request in nap.asked)
    pause(*nap.asked[1:3], RETRY_S)


@row(*ALL)
def a_wrong_password(nap):
    """C10: the same nonce once more, and not stale"""
    nap.plays(challenge())
    yield lambda: len(nap.asked) >= 4
    assert is_right(*credentials(nap.asked[1])), nap.asked[1].text
    pause(*nap.asked[1:3], RETRY_S)


@row(*ALL)
def a_stale_nonce(nap):
    """C11"""
    nap.plays(challenge(nonce="old"), challenge(nonce="new", more=', qop="auth", stale=true'), ok())
    yield nap.is_registered
    same(*nap.asked)
    assert [given["nonce"] for request in nap.asked[1:] for given in credentials(request)] == ["old", "new"]
    assert nap.asked[2].when - nap.asked[1].when < LATE_S


def never_content(more):
    """Another nonce each time."""
    return lambda request: challenge(nonce=f"n{request.cseq}", more=more)(request)


@row(*ALL)
def stale_for_ever(nap):
    """C12"""
    nap.plays(never_content(', qop="auth", stale=TRUE'))
    yield lambda: len(nap.asked) >= 7
    expect_pauses(nap)


@row(*ALL)
def another_nonce_for_ever(nap):
    """C12"""
    nap.plays(never_content(', qop="auth"'))
    yield lambda: len(nap.asked) >= 7
    expect_pauses(nap)


def expect_pauses(nap, least=RETRY_S):
    """No burst has more than five requests."""
    times = [request.when for request in nap.asked]
    assert all(max(b - a for a, b in zip(some, some[1:])) > least - EARLY_S for some in
               (times[i:i + 6] for i in range(len(times) - 5))), times


@row(*ALL)
def a_challenge_as_in_rfc_2069(nap):
    """C13"""
    nap.plays(challenge(algorithm="", more=', opaque="o"'), ok())
    yield nap.is_registered
    given, = credentials(nap.asked[1])
    assert is_right(given) and "qop" not in given and "nc" not in given and given["opaque"] == "o", given


@row(*ALL)
def a_choice_of_qop(nap):
    """C13"""
    nap.plays(challenge(algorithm="MD5-sess", more=', qop="auth-int,auth"'), ok())
    yield nap.is_registered
    given, = credentials(nap.asked[1])
    assert is_right(given) and given["qop"] == "auth" and given["nc"] == "00000001", given


# --- refusals ---

@row(*ALL)
def too_brief(nap):
    """C14"""
    nap.plays(answer("423 Interval Too Brief", "Min-Expires: 1200"), ok(1200))
    yield nap.is_registered
    same(*nap.asked)
    assert [expires_of(request) for request in nap.asked] == [EXPIRES_S, 1200] and nap.view["granted_s"] == 1200, nap.view
    assert nap.asked[1].when - nap.asked[0].when < LATE_S


@row(*ALL)
def too_brief_and_not_how_much_is_wanted(nap):
    """C15"""
    nap.plays(answer("423 Interval Too Brief"))
    yield lambda: len(nap.asked) >= 6
    expect_pauses(nap)


@row(*ALL)
def too_brief_for_ever(nap):
    """C15"""
    nap.plays(answer("423 Interval Too Brief", "Min-Expires: 60"))
    yield lambda: len(nap.asked) >= 6
    expect_pauses(nap)


@row(*ALL)
def away_for_two_seconds(nap):
    """C16"""
    nap.plays(answer("503 Service Unavailable", "Retry-After: 2 (be patient);duration=60"), ok())
    yield nap.is_registered
    same(*nap.asked)
    pause(*nap.asked, 2)


def refused_once(status, *headers, seconds=RETRY_S):
    def play(nap):
        nap.plays(answer(status, *headers), ok())
        yield nap.is_registered
        same(*nap.asked)
        pause(*nap.asked, seconds)
    return named(play, f"refused once by {status}")


for one in ("503 Service Unavailable", "480 Temporarily Unavailable", "486 Busy Here", "408 Request Timeout",  # C17, C18
            "305 Use Proxy", "302 Moved Temporarily",  # C20
            "403 Forbidden", "404 Not Found", "405 Method Not Allowed", "416 Unsupported URI Scheme", "420 Bad Extension",
            "494 Security Agreement Required", "603 Decline"):  # C21, C22, C23
    row(UDP)(refused_once(one))
for one in ("500 Server Internal Error", "480 Temporarily Unavailable"):  # C18
    row(*ALL)(refused_once(one, "Retry-After: 2", seconds=2))


@row(*ALL)
def forbidden_for_ever(nap):
    """C21"""
    nap.plays(answer("403 Forbidden"))
    yield lambda: len(nap.asked) >= 3 and nap.is_waiting()
    pause(*nap.asked[1:3], RETRY_S)
    view = nap.view
    assert not view["registered"] and view["why"] == "refused" and view["attempts"] >= 2, view
    assert (view["last_status"], view["last_reason"]) == (403, "Forbidden"), view


@row(*ALL, gin=True)
def an_extension_that_it_does_not_know(nap):
    """C22"""
    nap.plays(answer("420 Bad Extension", "Unsupported: gin"), ok())
    yield nap.is_registered
    first, second = nap.asked
    same(first, second)
    assert first.one("Require") == "gin" and ";bnc" in first.one("Contact") and not second.all("Require"), second.text
    assert second.when - first.when < LATE_S


@row(*ALL)
def moved(nap):
    """C19"""
    there = nap.another()
    there.steps = [ok(300)]
    nap.plays(lambda request: [request.answered(
        "302 Moved Temporarily", f"Contact: <sip:{HOST}:{there.port};transport={nap.transport}>")])
    yield nap.is_registered
    same(nap.asked[0], there.asked[0])
    assert len(nap.asked) == len(there.asked) == 1 and nap.view["granted_s"] == 300, nap.view
    assert there.asked[0].when - nap.asked[0].when < LATE_S


@row(*ALL)
def moved_to_where_it_is(nap):
    """C20"""
    nap.plays(lambda request: [request.answered(
        "302 Moved Temporarily", f"Contact: <sip:{HOST}:{nap.registrar.port};transport={nap.transport}>")])
    yield lambda: len(nap.asked) >= 6
    expect_pauses(nap)


# --- what is granted ---

def granted(expected, step):
    def play(nap):
        nap.plays(step)
        yield nap.is_registered
        assert nap.view["granted_s"] == expected, nap.view
    return named(play, f"granted {expected}")


def with_contacts(*lines):
    """`me` stands for the own Contact's URI."""
    return lambda request: [request.answered("200 OK", *(line.replace("me", request.uris[0]) for line in lines))]


for expected, step in (
        (60, with_contacts("Contact: <me>;expires=60")),  # C24
        (50, with_contacts("Contact: <me>", "Expires: 50")),  # C25
        (75, with_contacts("Contact: <me>;expires=75", "Expires: 65")),  # C26
        (EXPIRES_S, with_contacts()),  # C27
        (70, with_contacts("Contact: <sip:a@192.0.2.1>;expires=9, <me>;expires=70", "Contact: <sip:b@192.0.2.2>;expires=8")),  # C29
        (80, with_contacts("Contact: <sip:mapped@192.0.2.7:1024>;expires=80")),  # C30
        (EXPIRES_S, with_contacts("Contact: <me>;expires=4000000000")),  # C32
        (EXPIRES_S, with_contacts("Contact: <me>;expires=soon"))):  # C32
    row(UDP)(granted(expected, step))
row(*ALL)(granted(90, lambda request: [request.answered("202 Accepted", own_contact(request, ";expires=90"))]))  # C34


@row(*ALL)
def others_alone(nap):
    """C28"""
    nap.plays(with_contacts("Contact: <sip:a@192.0.2.1>;expires=9", "Contact: <sip:b@192.0.2.2>;expires=9"))
    yield lambda: len(nap.asked) >= 3
    assert not nap.view["registered"], nap.view
    pause(*nap.asked[1:3], RETRY_S)


@row(*ALL)
def granted_nothing(nap):
    """C31"""
    nap.plays(with_contacts("Contact: <me>;expires=0"))
    yield lambda: len(nap.asked) >= 3
    assert not nap.view["registered"], nap.view
    pause(*nap.asked[1:3], RETRY_S)


@row(*ALL)
def granted_a_second(nap):
    """C32"""
    nap.plays(ok(1))
    yield lambda: len(nap.asked) >= 3
    expect_pauses(nap, 0.4)
    assert nap.asked[2].when - nap.asked[0].when > 0.9, nap.asked


# --- silence, and answers that are none ---

@row(UDP)
def silent(nap):
    """C01: 0.5, 1, 2 s apart, and after its time a new one"""
    yield nap.is_waiting
    assert not nap.view["registered"] and nap.view["last_status"] == 0 and nap.view["why"] == "no answer", nap.view
    yield lambda: len(nap.asked) >= 2
    expect_sent_at(nap, 0, 0.5, 1.5, 3.5)
    same(*nap.asked)
    pause(*nap.asked, TIMEOUT_S + RETRY_S)


@row(UDP)
def trying_and_then_silent(nap):
    """C02"""
    nap.plays(answer("100 Trying"))
    yield lambda: len(nap.asked) >= 2
    first = [request for request in nap.registrar.sent if request.branch == nap.asked[0].branch]
    assert len(first) <= 2, [request.when for request in first]
    pause(*nap.asked, TIMEOUT_S + RETRY_S)


@row(TCP, TLS)
def silent_stream(nap):
    """C03"""
    yield lambda: len(nap.asked) >= 2
    assert len(nap.registrar.sent) == 2
    same(*nap.asked)
    pause(*nap.asked, TIMEOUT_S + RETRY_S)


@row(TCP, TLS)
def hung_up_on(nap):
    """C38"""
    nap.plays(hang_up, ok())
    yield nap.is_registered
    same(*nap.asked)
    assert nap.asked[1].when - nap.asked[0].when < RETRY_S + LATE_S and len(nap.registrar.connections) == 2


@row(*ALL)
def answers_to_something_else(nap):
    """C42"""
    def play(request):
        text = ok()(request)[0].decode()
        wrong = (text.replace(request.branch, "z9hG4bKanother"), text.replace(f"CSeq: {request.cseq}", "CSeq: 77777"),
                 text.replace(request.one("Call-ID"), "another"))
        assert text not in wrong
        right = request.answered("200 OK", own_contact(request, ";expires=111"))
        return [*(one.encode() for one in wrong), right, *ok(222)(request)]
    nap.plays(play)
    yield nap.is_registered
    assert len(nap.asked) == 1 and nap.view["granted_s"] == 111, nap.view


def ok_and_hang_up(request):
    return [*ok(4)(request), HANG_UP]


@row(TCP, TLS)
def left_alone_while_it_is_registered(nap):
    """C39: the provider has our address; another connection is for the refresh to make"""
    nap.plays(ok_and_hang_up, ok())
    yield lambda: len(nap.asked) >= 2
    same(*nap.asked)
    pause(*nap.asked, 2)
    assert nap.view["registered"] and len(nap.registrar.connections) == 2, nap.view


@row(TCP, TLS, outbound=True)
def left_alone_with_outbound(nap):
    """C39: the connection is what was registered"""
    nap.plays(ok_and_hang_up, ok())
    yield lambda: len(nap.asked) >= 2
    same(*nap.asked)
    assert nap.asked[1].when - nap.asked[0].when < LATE_S and len(nap.registrar.connections) == 2
    assert all(";reg-id=1" in request.one("Contact") and "+sip.instance=" in request.one("Contact") for request in nap.asked)


@row(TCP)
def a_port_that_is_closed_and_opens(nap):
    """C38: a connection is tried each time, until there is one"""
    nap.registrar.deaf()
    nap.plays(ok())
    yield lambda: nap.view.get("attempts", 0) >= 3 and nap.is_waiting()
    assert not nap.view["registered"] and nap.view["why"] and nap.view["last_status"] == 0, nap.view
    nap.registrar.listen()
    opened = now()
    yield nap.is_registered
    assert nap.asked[0].when - opened < RETRY_S + LATE_S


@row(UDP)
def an_answer_from_another_address(nap):
    """whoever sends it, it is none: the request is sent again"""
    def play(request):
        return [Stray(ok(111)(request)[0])] if len(nap.registrar.sent) == 1 else ok(222)(request)
    nap.plays(play)
    yield nap.is_registered
    assert len(nap.registrar.sent) == 2 and len(nap.asked) == 1 and nap.view["granted_s"] == 222, nap.view


# --- certificates ---

def not_trusted(nap):
    """C41: no request goes to whom the certificate does not name"""
    nap.plays(ok())
    yield lambda: len(nap.registrar.connections) >= 3 and nap.is_waiting()
    assert not nap.registrar.sent and not nap.view["registered"] and "certificate" in nap.view["why"], nap.view
    first, second, third = nap.registrar.connections[:3]
    assert second - first > RETRY_S - EARLY_S and third - second > RETRY_S - EARLY_S


for one in ("other", "unknown"):
    row(TLS, tls=one)(not_trusted)


@row(TLS, tls="asking")
def asked_for_a_certificate_that_it_has_not(nap):
    """C41: it has none; the provider may do without"""
    nap.plays(ok())
    yield nap.is_registered


@row(TLS, tls=None)
def a_handshake_that_stalls(nap):
    """C41: five seconds, and nothing of SIP is said in clear"""
    yield lambda: nap.registrar.connections and nap.is_waiting()
    took = now() - nap.registrar.connections[0]
    assert 5 - EARLY_S < took < 5 + LATE_S and nap.view["why"] and not nap.registrar.sent, (took, nap.view)


# --- names ---

@row(UDP, proxy="nowhere.test")
def a_name_that_does_not_exist(nap):
    """C37"""
    yield lambda: nap.is_waiting() and nap.view["attempts"] >= 2
    assert not nap.view["registered"] and nap.view["last_status"] == 0 and nap.view["why"], nap.view


@row(*ALL, proxy="here.test")
def a_name_and_a_port(nap):
    """F2"""
    nap.keys["proxy"] += f":{nap.registrar.port}"
    nap.plays(ok())
    yield nap.is_registered


@row(*ALL, proxy="away.test")
def the_second_when_the_first_is_away(nap):
    """C16, C17, C35, F3, F6, F7, F8"""
    second = nap.another()
    nap.is_found(nap.registrar, second)
    nap.plays(answer("503 Service Unavailable", "Retry-After: 60"))
    second.steps = [ok(2)]
    yield lambda: len(second.asked) >= 3
    before, after = nap.asked[0], second.asked[0]
    assert all(before.one(name) == after.one(name) for name in ("Call-ID", "From", "CSeq")), (before.text, after.text)
    assert before.branch != after.branch and after.when - before.when < LATE_S
    assert len(nap.asked) == 1
    same(*second.asked)


@row(TCP, TLS, proxy="closed.test")
def the_second_when_the_first_is_closed(nap):
    """C35, F7"""
    second = nap.another()
    nap.is_found(nap.registrar, second)
    nap.registrar.deaf()
    second.steps = [ok()]
    yield nap.is_registered
    assert len(second.asked) == 1


@row(*ALL, proxy="silent.test")
def the_second_when_the_first_is_silent(nap):
    """C03, C35, F7"""
    second = nap.another()
    nap.is_found(nap.registrar, second)
    second.steps = [ok()]
    yield nap.is_registered
    pause(nap.asked[0], second.asked[0], TIMEOUT_S)


@row(TCP, proxy="either.test", transport="auto")
def the_transport_that_the_name_says(nap):
    """F4"""
    nap.is_found(nap.registrar)
    nap.records.append("--naptr-record=either.test,10,10,S,SIP+D2T,,_sip._tcp.either.test")
    nap.plays(ok())
    yield nap.is_registered


@row(TLS, proxy="other.test", tls="good")
def a_certificate_of_the_address_for_a_name(nap):
    """C41"""
    nap.is_found(nap.registrar)
    return not_trusted(nap)


# --- polling ---

POLLS = {"register_to_proxy": False, "poll_remote_proxy": True, "proxy_polling_first": "200 ms", "proxy_polling_interval": "1 s",
         "response_timeout": "300 ms"}


def polled(step, available):
    def play(nap):
        nap.registrar.poll_step = step
        yield lambda: len(nap.registrar.polled) >= 3 and nap.view["is_available"] == available
        assert nap.view["poll_remote_proxy"], nap.view
        assert not nap.view["register_to_proxy"] and not nap.view["registered"] and not nap.asked, nap.view
        assert all(request.one("Max-Forwards") == "1" for request in nap.registrar.polled)
    return named(play, "polled")


for one, any_response, available in ((answer("200 OK"), False, True), (answer("503 Away"), True, True),
                                     (answer("503 Away"), False, False), (answer("404 Not Found"), False, True),
                                     (silence, True, False)):
    row(*ALL, map_any_response_to_available_status=any_response, **POLLS)(polled(one, available))


# --- taken away at the end ---

def taken_away(*steps):
    def play(nap):
        nap.plays(ok(), *steps)
        yield nap.is_registered
        registered = len(nap.asked)
        yield REMOVED
        yield lambda: len(nap.asked) >= registered + len(steps)
        same(*nap.asked)
        assert [expires_of(request) for request in nap.asked[registered:]] == [0] * len(steps)
        if len(steps) > 1:
            assert is_right(*credentials(nap.asked[-1])), nap.asked[-1].text
    return named(play, f"taken away in {len(steps)}")


for steps in ((answer("200 OK"),), (challenge(), answer("200 OK")), (silence,)):  # C44
    row(*ALL)(taken_away(*steps))


# --- the reference system's times ---

@row(UDP, among=REFERENCE)
def sent_again_for_32_s(nap):
    """C01"""
    yield lambda: len(nap.asked) >= 2
    expect_sent_at(nap, 0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5)
    pause(*nap.asked, 37)


@row(TCP, among=REFERENCE)
def waited_for_32_s(nap):
    """C03"""
    yield lambda: len(nap.asked) >= 2
    pause(*nap.asked, 37)
    assert len(nap.registrar.sent) == 2


@row(*ALL, among=REFERENCE)
def refused_for_5_s(nap):
    """C21"""
    nap.plays(answer("403 Forbidden"))
    yield lambda: len(nap.asked) >= 4
    for before, after in zip(nap.asked, nap.asked[1:4]):
        pause(before, after, 5)


@row(TCP, among=REFERENCE)
def hung_up_on_for_5_s(nap):
    """C38"""
    nap.plays(hang_up)
    yield lambda: len(nap.asked) >= 4
    for before, after in zip(nap.asked, nap.asked[1:4]):
        pause(before, after, 5)


@row(*ALL, among=REFERENCE)
def refreshed_at_half_the_lowest_time(nap):
    """C24"""
    nap.plays(ok(20))
    yield lambda: len(nap.asked) >= 3
    assert expires_of(nap.asked[0]) == 3600 and not nap.asked[0].all("Expires"), nap.asked[0].text
    for before, after in zip(nap.asked, nap.asked[1:3]):
        pause(before, after, 10)
