"""test_nap_answers.py - one NAP for each row of nap_rows.py and each of its transports, all at once."""
import json
from contextlib import ExitStack

import nap_rows
import naps
from lab import Skip, now
from registrars import Certificates, NameServer
from standalone import Alone


class Play:
    """A row at work: it goes on when what it waits for is true, or has come."""

    def __init__(self, nap, function):
        self.nap, self.running, self.waits_for, self.wrong = nap, function(nap), None, None
        self.title = f"{function.__name__} over {nap.transport} ({nap.name})"
        self.go_on()

    def go_on(self):
        self.waits_for = None
        try:
            self.waits_for = next(self.running, None)
        except Exception as why:  # whatever a row raises is its failure
            self.wrong = f"{self.title}: {type(why).__name__} {why}"

    def give_up(self, seconds):
        self.wrong = f"{self.title}: not there after {seconds} s, {len(self.nap.asked)} REGISTERs: {self.nap.view}"


def views_of(node):
    return {view["name"]: view for view in json.loads(node.ctl("--json", "nap", "list"))}


def go_on_all(node, plays, patience_s):
    """Each to its end, or until its NAP is to be removed."""
    deadline = now() + patience_s
    while (waiting := [play for play in plays if callable(play.waits_for)]) and now() < deadline:
        views = views_of(node)
        for play in waiting:
            play.nap.view = views.get(play.nap.name, {})
        ready = [play for play in waiting if play.waits_for()]
        if any(not play.nap.looked for play in ready):
            views = views_of(node)
        for play in ready:
            if not play.nap.looked:  # what it waited for, the registrar saw: the view may be older than that
                play.nap.view = views.get(play.nap.name, {})
            play.go_on()
    for play in waiting:
        play.give_up(patience_s)


def play_all(rows, patience_s, keys):
    with Alone() as node, ExitStack() as stack:
        certificates = Certificates(node.folder)
        contexts = {name: certificates.context(name) for name in ("good", "other", "unknown", "asking")}
        plays = [Play(nap_rows.Nap(stack, number, transport, contexts.get(tls), {**keys, **own}), function)
                 for number, (function, transport, tls, own) in enumerate(rows)]
        names = NameServer(node, [record for play in plays for record in play.nap.records])
        stack.callback(names.end)
        plain = node.file.read_text() + f"tls: {{ca_file: {certificates.ca}}}\ndns: {{servers: \"{names.ADDRESS}\"}}\n"
        node.file.write_text(plain + naps.section([play.nap.keys for play in plays]))
        node.start()
        go_on_all(node, plays, patience_s)
        node.file.write_text(plain)
        node.ctl("reload")
        for play in plays:
            if play.waits_for == nap_rows.REMOVED:
                play.go_on()
        go_on_all(node, plays, patience_s)
        wrong = [play.wrong for play in plays if play.wrong]
        print(f"    {len(plays)} NAPs, {sum(len(play.nap.registrar.sent) for play in plays)} REGISTERs")
        assert not wrong, "\n".join(wrong)


def test_each_answer_of_a_registrar_leads_where_it_should():
    """the ids stand in nap_rows.py, beside what proves them"""
    play_all(nap_rows.ROWS, 15, nap_rows.BRIEF)


def test_the_times_are_those_of_the_reference_system(lab):
    """C01, C03, C21, C24, C38: once in real time"""
    if lab.rounds < 10:
        raise Skip("it takes forty seconds")
    play_all(nap_rows.REFERENCE, 45, {})
