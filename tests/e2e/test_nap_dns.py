"""test_nap_dns.py - a provider that is found by name: a node stays at that one of its servers that works,
whatever the DNS does meanwhile. A node that starts anew is to its NAPs what a takeover is."""
from contextlib import ExitStack

import naps
from lab import now, wait_until
from nap_rows import same
from registrars import NameServer, Registrar, hang_up, ok
from standalone import NAMESPACE, Alone

FIRST_PORT, GRANT_S, OLD_S = 6900, 1, 6
TRUNK = {"transport": "tcp", "password": "mine", "retry": "1 s", "retry_max": "1 s", "timeout": "2 s"}


class Names:
    """SRV records of trunk.test: these servers, one after the other; asked again after 5 s."""

    def __init__(self, node, stack):
        self.node, self.server = node, None
        stack.callback(self.end)

    def say(self, *registrars):
        self.end()
        self.server = NameServer(self.node, [
            "--local-ttl=1", *(f"--srv-host=_sip._tcp.trunk.test,here.test,{each.port},{rank},0"
                               for rank, each in enumerate(registrars))])

    def end(self):
        if self.server:
            self.server.end()
            self.server = None


def goes_on(registrar, seconds=0):
    """So much later it is still the one that is sent REGISTERs."""
    begin = now() + seconds
    wait_until(lambda: registrar.asked and registrar.asked[-1].when > begin, seconds + 15, f"a REGISTER at {registrar.port}")


def test_a_trunk_stays_at_the_server_that_works_whatever_the_dns_does():
    """C35, C36, C46, F8, F9"""
    with Alone() as node, ExitStack() as stack:
        first, second, third = (Registrar(NAMESPACE, FIRST_PORT + i, "tcp") for i in range(3))
        for each in (first, second, third):
            stack.callback(each.end)
            each.steps = [ok(GRANT_S)]
        names = Names(node, stack)
        first.deaf()
        names.say(first, second)
        node.file.write_text(
            node.file.read_text() + f"dns: {{servers: \"{NameServer.ADDRESS}\"}}\n" +
            naps.section([naps.registering("trunk", "trunk.test", "me", "there", **TRUNK)]))
        node.start()
        goes_on(second)
        first.listen()
        goes_on(second)  # a refresh goes where the last one went
        names.end()
        goes_on(second, OLD_S)
        node.kill()
        node.start()
        goes_on(second)  # also of a new reign that is told nothing
        assert not first.asked
        names.say(first, second)
        second.steps = [hang_up]
        second.deaf()
        goes_on(first)
        names.say(third)
        goes_on(third)
        everything = second.asked + first.asked + third.asked
        everything.sort(key=lambda request: request.when)
        assert len({request.one("Call-ID") for request in everything}) == 1
        assert all(a.cseq < b.cseq or a.branch != b.branch and a.cseq == b.cseq
                   for a, b in zip(everything, everything[1:])), [request.cseq for request in everything]
        same(*third.asked)
        print(f"    {len(everything)} REGISTERs at three servers")
