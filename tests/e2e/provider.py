"""provider.py - Debian's kamailio as a provider at which NAPs register: digest, one binding a user, under one
Call-ID with a rising CSeq. What it saw of every REGISTER, and how many users it has, is in its log: the witness."""
import re
import shutil
import subprocess
import time
from collections import defaultdict
from dataclasses import dataclass

from clients import need
from lab import LabError, now, wait_until

DOMAIN, PASSWORD = "provider.test", "secret"
SAMPLE_US = 100_000
CONFIGURATION = """\
#!KAMAILIO
debug=1
log_stderror=yes
fork=yes
children=2
tcp_children=2
auto_aliases=no
dns=no
rev_dns=no
listen=udp:@ADDRESS@:@PORT@
listen=tcp:@ADDRESS@:@PORT@
alias=@DOMAIN@
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
loadmodule "kex.so"
loadmodule "corex.so"
loadmodule "pv.so"
loadmodule "sl.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
loadmodule "auth.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "rtimer.so"
modparam("auth", "nonce_count", 1)
modparam("auth", "qop", "auth")
modparam("auth", "nonce_expire", @NONCE_S@)
modparam("usrloc", "db_mode", 0)
modparam("usrloc", "timer_interval", 1)
modparam("registrar", "max_contacts", 1)
modparam("registrar", "min_expires", 1)
modparam("registrar", "max_expires", @EXPIRES_S@)
modparam("registrar", "xavp_rcd", "got")
modparam("rtimer", "timer", "name=sample;interval=@SAMPLE_US@u;mode=1;")
modparam("rtimer", "exec", "timer=sample;route=SAMPLE")

request_route {
	if (is_method("OPTIONS")) {
		xlog("L_ALERT", "|OPTIONS|$TV(Sn)|$fU|$hdr(Max-Forwards)|$si\\n");
		sl_send_reply("200", "OK");
		exit;
	}
	if (!is_method("REGISTER")) {
		sl_send_reply("405", "Method Not Allowed");
		exit;
	}
	$var(code) = 200;
	if (!pv_www_authenticate("$td", "@PASSWORD@", "0")) {
		$var(code) = 401;
		route(WITNESS);
		www_challenge("$td", "1");
		exit;
	}
	if ($au != $tU) {
		$var(code) = 403;
	} else if (reg_fetch_contacts("location", "$tu", "bound") && $(ulc(bound=>count)) > 0) {
		if ($(ulc(bound=>callid)) != $ci || $(ulc(bound=>cseq){s.int}) > $(cs{s.int}))
			$var(code) = 403;
	}
	if ($var(code) == 403) {
		route(WITNESS);
		sl_send_reply("403", "Another Client");
		exit;
	}
	if (!save("location"))
		$var(code) = 500;
	route(WITNESS);
}

route[WITNESS] {
	xlog("L_ALERT", "|REGISTER|$TV(Sn)|$var(code)|$tU|$ci|$cs|$proto|$si|$ct\\n");
}

route[SAMPLE] {
	xlog("L_ALERT", "|SAMPLE|$TV(Sn)|$stat(location_contacts)\\n");
}
"""


@dataclass
class Seen:
    """One REGISTER, as the provider took it."""
    when: float  # on its wall clock
    code: int
    user: str
    call_id: str
    cseq: int
    transport: str
    source: str
    contact: str
    expires: int  # granted


class Provider:
    """`with Provider(lab) as provider:` - at the client's address."""

    def __init__(self, lab, port=5060, expires_s=3600, nonce_s=300):
        need("kamailio", "kamailio")
        self.lab, self.port, self.expires_s = lab, port, expires_s
        self.address = f"{lab.address['c']}:{port}"
        self.folder = lab.folder / f"provider-{port}"
        self.values = {"ADDRESS": lab.address["c"], "PORT": port, "DOMAIN": DOMAIN, "PASSWORD": PASSWORD,
                       "NONCE_S": nonce_s, "EXPIRES_S": expires_s, "SAMPLE_US": SAMPLE_US}
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *why):
        self.stop()

    def start(self):
        """With nobody bound, and a new log."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        (self.folder / "kamailio.cfg").write_text(
            re.sub("@([A-Z_]+)@", lambda found: str(self.values[found[1]]), CONFIGURATION))
        self.log = open(self.folder / "log", "w", encoding="utf-8")
        self.process = self.lab.popen(
            "kamailio", "-DD", "-E", "-f", self.folder / "kamailio.cfg", "-P", self.folder / "pid", "-m", 128, "-M", 16,
            "-Y", self.folder, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        try:
            wait_until(lambda: self.samples() or self.process.poll() is not None, 10, "kamailio is at work")
            if self.process.poll() is not None:
                raise LabError(f"kamailio: {(self.folder / 'log').read_text()[-1500:]}")
        except BaseException:
            self.stop()
            raise

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.log.close()

    # --- what it saw ---

    def lines(self, kind):
        """The fields of each such line, the moment first."""
        with open(self.folder / "log", encoding="utf-8", errors="replace") as log:
            for line in log:
                _, mark, rest = line.partition(f"|{kind}|")
                if mark and line.endswith("\n"):
                    yield rest.rstrip("\n").split("|")

    def registers(self, *codes):
        """In the order that it took them."""
        found = []
        for when, code, user, call_id, cseq, transport, source, contact in self.lines("REGISTER"):
            asked = re.search(";expires=([0-9]+)", contact)
            lifetime = min(int(asked[1]) if asked else self.expires_s, self.expires_s)
            found.append(Seen(float(when), int(code), user, call_id, int(cseq), transport, source, contact, lifetime))
        return [seen for seen in found if not codes or seen.code in codes]

    def polls(self):
        return list(self.lines("OPTIONS"))

    def samples(self):
        """(moment, users with a binding), ten a second."""
        return [(float(when), int(count)) for when, count in self.lines("SAMPLE")]

    def bound(self):
        return self.samples()[-1][1]

    def expect_one_client(self, users, begin=0):
        """From a moment of time.time() on: never refused, no lapse and no un-REGISTER; CSeqs that rise. At all times one
        Call-ID and one Contact for each."""
        by_user = defaultdict(list)
        for each in self.registers():
            by_user[each.user].append(each)
        assert set(by_user) == set(users), f"{len(by_user)} users registered, {len(users)} were to"
        since = {user: [each for each in all_of_it if each.when >= begin] for user, all_of_it in by_user.items()}
        for user in users:
            expect_one_name(by_user[user])
            expect_continuity(since[user])
        return sum(map(len, since.values()))

    def turns(self):
        """How often the other node went on. Each has CSeqs of its own: a primary's are the first 500 of each thousand."""
        primary = [each.cseq % 1000 < 500 for each in sorted(self.registers(), key=lambda each: each.when)]
        return sum(before != after for before, after in zip(primary, primary[1:]))

    def expect_none_lapsed(self, count, begin):
        """At every sample from a moment of time.time() on all of them have a binding."""
        counts = [n for when, n in self.samples() if when >= begin]
        assert counts and min(counts) == max(counts) == count, f"of {count} users {sorted(set(counts))} had a binding"
        return len(counts)


def expect_one_name(registers):
    """Of one user."""
    assert len({each.call_id for each in registers}) == 1, f"more than one Call-ID: {registers}"
    assert len({(each.contact, each.source) for each in registers}) == 1, f"more than one Contact or source: {registers}"


def expect_continuity(registers):
    """Of one user."""
    assert all(each.code in (200, 401) for each in registers), f"refused: {registers}"
    assert all(before.cseq <= after.cseq for before, after in zip(registers, registers[1:])), f"CSeq went back: {registers}"
    bound = [each for each in registers if each.code == 200]
    assert bound and all(each.expires > 0 for each in bound), f"un-registered: {registers}"
    for before, after in zip(bound, bound[1:]):
        assert after.when < before.when + before.expires, f"lapsed: {before} {after}"
    assert time.time() < bound[-1].when + bound[-1].expires, f"lapsed by now: {bound[-1]}"
