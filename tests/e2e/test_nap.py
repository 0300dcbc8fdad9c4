"""test_nap.py - a pair that registers at a provider, Debian's kamailio: one client that never went away, whichever
node is active. The provider's log is the witness."""
import time

import naps
from lab import NODES, other, wait_until
from load import CHURN, FRESH, REFRESH, Phones, Tally
from network import isolated
from provider import DOMAIN, PASSWORD, Provider

REFRESH_S = 2
MANY = 1000
MANY_EXPIRES_S = 30


def wait_refreshed(provider, users, what):
    """Each of them once more, from now on."""
    begin = time.time()
    def done():
        return {each.user for each in provider.registers(200) if each.when > begin} >= set(users)
    wait_until(done, 3 * REFRESH_S + 8, f"all NAPs are refreshed {what}", every=0.1)


def test_the_provider_sees_one_client_over_a_kill_and_a_switchover(lab):
    """C04, C24, C46: the same Call-ID and Contact, CSeqs that rise, no un-REGISTER; polled by OPTIONS;
    un-registered when they are taken out of the configuration"""
    with Provider(lab) as provider:
        users = naps.THREE
        with naps.configured(lab, naps.three(provider)):
            naps.wait_registered(lab, len(users), 10)
            begin = time.time()
            wait_refreshed(provider, users, "by the node that registered them")
            victim = lab.active()
            lab.kill(victim)
            wait_refreshed(provider, users, "after the kill")
            lab.start(victim)
            lab.until_paired("paired again")
            lab.switchover()
            wait_until(lambda: lab.active() == victim, 5, "handed over")
            wait_refreshed(provider, users, "after the switchover")
            shown = naps.shown(lab)
            assert all(shown[user]["registered"] and shown[user]["granted_s"] == 10 for user in users), shown
            assert shown["polled"]["is_available"] and shown["polled"]["poll_remote_proxy"], shown
            sent = provider.expect_one_client(users)
            sampled = provider.expect_none_lapsed(len(users), begin)
            assert provider.turns() == 2, "both nodes were at it"
            polls = provider.polls()
            assert len(polls) >= 3 and all(forwards == "1" for _, _, forwards, _ in polls), polls
            print(f"    {sent} REGISTERs, {sampled} samples, {len(polls)} OPTIONS")
        wait_until(lambda: provider.bound() == 0, 10, "the provider has no binding")
        last = {each.user: each for each in provider.registers(200)}
        assert all(each.expires == 0 for each in last.values()), last
        time.sleep(REFRESH_S + 1)  # nothing comes after that
        assert provider.bound() == 0 and naps.shown(lab) == {}


def test_a_nap_comes_changes_and_goes_by_reload(lab):
    """without a restart; a file with a mistake in it changes nothing"""
    with Provider(lab) as provider:
        idle = {**naps.three(provider)[0], "register_to_proxy": False}
        with naps.configured(lab, [idle]):
            reigns = {node: lab.status(node)["epoch"] for node in NODES}
            wait_until(lambda: naps.shown(lab)["polled"]["is_available"], 5, "polled, and there")
            assert not provider.registers() and not naps.shown(lab)["polled"]["registered"]
            naps.change(lab, [{**idle, "register_to_proxy": True}])
            naps.wait_registered(lab, 1, 2)
            active = lab.active()
            path = lab.folder / active / "regpair.yaml"
            good = path.read_text()
            path.write_text(good.replace("expires: ", "exprires: "))
            done = lab.ctl_run(active, "reload")
            assert done.returncode == 1 and "exprires" in done.stderr, done
            path.write_text(good)
            wait_refreshed(provider, ["polled"], "after a reload that was refused")
            naps.change(lab, [idle])
            wait_until(lambda: provider.bound() == 0, 5, "un-registered")
            assert provider.registers(200)[-1].expires == 0 and naps.shown(lab)["polled"]["phase"] == "idle"
            assert {node: lab.status(node)["epoch"] for node in NODES} == reigns


def test_an_operator_takes_a_nap_away_and_brings_it_back(lab):
    """register, unregister and poll by hand, asked of the active; what was taken away stays so over a failover"""
    with Provider(lab) as provider, naps.configured(lab, naps.three(provider)):
        naps.wait_registered(lab, len(naps.THREE), 10)
        active = lab.active()
        refused = lab.ctl_run(other(active), "nap", "unregister", "stream")
        assert refused.returncode == 1 and "standby" in refused.stderr, refused
        lab.ctl(active, "nap", "unregister", "stream")
        wait_until(lambda: provider.bound() == len(naps.THREE) - 1, 3, "one is un-registered")
        lab.kill(active)
        wait_until(lambda: lab.active() == other(active), 5, "the other is active")
        polls = len(provider.polls())
        lab.ctl(other(active), "nap", "poll", "polled")
        wait_until(lambda: len(provider.polls()) > polls, 0.5, "polled at once")
        assert lab.ctl_run(other(active), "nap", "poll", "counting").returncode == 1
        time.sleep(REFRESH_S)
        assert provider.bound() == len(naps.THREE) - 1 and naps.shown(lab)["stream"]["phase"] == "idle"
        lab.ctl(other(active), "nap", "register", "stream")
        wait_until(lambda: provider.bound() == len(naps.THREE), 2, "it is back")


def test_a_provider_that_was_away_has_all_of_them_again(lab):
    """C01, C38, X19: it forgot everybody; who is polled was seen to be unavailable, and both nodes tell so"""
    with Provider(lab) as provider, naps.configured(lab, naps.three(provider)), \
            lab.events("a") as told_a, lab.events("b") as told_b:
        naps.wait_registered(lab, len(naps.THREE), 10)
        wait_until(lambda: naps.shown(lab)["polled"]["is_available"], 4, "available")
        provider.stop()
        wait_until(lambda: not naps.shown(lab)["polled"]["is_available"], 4, "unavailable")
        for told in (told_a, told_b):
            wait_until(lambda: told(event="nap", name="polled", available=False), 5, "that is an event")
        wait_until(lambda: naps.shown(lab)["stream"]["attempts"] > 0, 2 * REFRESH_S, "no connection is made")
        provider.start()
        wait_until(lambda: provider.bound() == len(naps.THREE), 8, "all are bound again")
        naps.wait_registered(lab, len(naps.THREE), 2)
        wait_until(lambda: naps.shown(lab)["polled"]["is_available"], 2, "available")
        for told in (told_a, told_b):
            wait_until(lambda: told(event="nap", name="polled", available=True), 5, "that, too")


def test_a_split_pair_is_one_client_again_once_it_is_healed(lab):
    """C46: both sides refresh, under one Call-ID and with CSeqs of their own; the provider, which refuses the lower ones,
    always has a binding, and after the merge one client"""
    users = naps.THREE
    with Provider(lab) as provider, naps.configured(lab, naps.three(provider)):
        naps.wait_registered(lab, len(users), 10)
        begin = time.time()
        try:
            with isolated(lab):
                wait_until(lambda: all(lab.role(node) == "active" for node in NODES), 10, "both serve")
                for node in NODES:
                    lab.talk_to(node)
                    time.sleep(2 * REFRESH_S)
        finally:
            lab.talk_to(None)
        lab.until_paired("one gave up, and the pair is paired")
        healed = time.time()
        wait_refreshed(provider, users, "after the merge")
        naps.wait_registered(lab, len(users), 5)
        wait_refreshed(provider, users, "once more")
        provider.expect_none_lapsed(len(users), begin)
        assert {each.cseq % 1000 < 500 for each in provider.registers() if begin < each.when < healed} == {True, False}
        after = provider.expect_one_client(users, healed + REFRESH_S)
        refused = len(provider.registers(403))
        print(f"    {len(provider.registers())} REGISTERs, {refused} refused while there were two, {after} after the merge")


def many(provider):
    return [naps.registering(f"n{i:04}", provider.address, f"n{i:04}", DOMAIN, password=PASSWORD,
                             expires=f"{MANY_EXPIRES_S} s", reuse_challenge=i % 2 == 0,
                             transport="tcp" if i % 10 == 0 else "udp") for i in range(MANY)]


def fail_over(lab, number, quiet_s):
    """A while of quiet work, then a kill and a switchover in turn; the pair is whole again."""
    time.sleep(quiet_s)
    old = lab.active()
    if number % 2 == 0:
        lab.kill(old)
        wait_until(lambda: lab.role(other(old)) == "active", 5, f"{other(old)} is active")
    else:
        lab.switchover()
    lab.start(old)
    lab.until_paired("paired again")


def test_a_thousand_naps_stay_registered_while_phones_register(lab):
    """C43, C46: failovers, load on both sides; zero duplicates, zero 403, none un-registered at any sample"""
    failovers = 20 if lab.rounds >= 10 else 2
    phones = [Phones(lab, "napu", "udp", 500), Phones(lab, "napt", "tcp", 500), Phones(lab, "napc", "udp", 300)]
    tally = Tally()
    with Provider(lab, expires_s=MANY_EXPIRES_S, nonce_s=20) as provider:
        with naps.configured(lab, many(provider)):
            naps.wait_registered(lab, MANY, 60)
            begin = time.time()
            for each in phones:
                each.register()
            loads = [each.start(how, 50) for each, how in zip(phones, (REFRESH, FRESH, CHURN))]
            for number in range(failovers):
                fail_over(lab, number, max(1, MANY_EXPIRES_S / 2 / failovers))
            time.sleep(max(0, begin + MANY_EXPIRES_S - time.time()))  # whoever was forgotten has lapsed by then
            for each, load in zip(phones, loads):
                tally.load(each.end(load))
            tally.audit(phones)
            sent = provider.expect_one_client([nap["name"] for nap in many(provider)])
            sampled = provider.expect_none_lapsed(MANY, begin)
            turns = provider.turns()  # in a short reign there may have been nothing to do
            assert turns <= failovers, f"both nodes were at it: {turns} turns"
            print(f"    {MANY} NAPs, {failovers} failovers in {time.time() - begin:.0f} s: {sent} REGISTERs at the provider, "
                  f"{turns} turns, {sampled} samples; phones: {tally}", flush=True)
        wait_until(lambda: provider.bound() == 0, 2, "the provider has no binding")
