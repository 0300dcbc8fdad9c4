"""test_flows.py - every flow of flows.py and flows_heard.py, all over one failover: the registrar answers the same before and after."""
import flows
import flows_heard
from lab import Skip, other, wait_until

KEEP_ALIVE = "keep_alive: options, keep_alive_interval: 1 s"
OLD = "min_expires: 30 s, max_expires: 1 h, auth: digest-md5}"
NEW = (f"min_expires: {flows.LEAST_S} s, max_expires: 1 h, auth: digest, "
       f'service_route: "{flows.ROUTE}", push_services: "{flows.SERVICES}"}}\n'
       f"  - {{name: {flows.OLD_PHONES}, min_expires: {flows.LEAST_S} s, auth: digest-sha256}}\n"
       f"  - {{name: {flows.MARKING}, min_expires: {flows.LEAST_S} s, auth: digest-md5, {KEEP_ALIVE}}}\n"
       f"  - {{name: {flows.REMOVING}, auth: digest-md5, {KEEP_ALIVE}, keep_alive_remove: yes}}")


def until_the_failover(lab, name, make, wrong):
    """The flow at its half, or None."""
    running = make(lab)
    try:
        next(running)
        return running
    except Skip as why:
        print(f"      {name} is left out: {why}", flush=True)
        return None
    except Exception as why:  # whatever a flow raises is its failure
        wrong.append(f"{name}, before: {type(why).__name__} {why}")
        return None


def to_its_end(name, running, wrong):
    try:
        next(running, None)
    except Exception as why:
        wrong.append(f"{name}, after: {type(why).__name__} {why}")


def test_every_flow_goes_on_at_the_other_node(lab):
    """the ids stand in flows.py and flows_heard.py, beside what proves them"""
    assert flows_heard.flow is flows.flow  # their flows are in the same list
    wrong = []
    lab.add_users(flows.USERS * len(flows.ALL), flows.FIRST)
    with lab.configured(OLD, NEW):
        halves = [(name, until_the_failover(lab, name, make, wrong)) for name, make in flows.ALL]
        active = lab.active()
        lab.kill(active)
        wait_until(lambda: lab.role(other(active)) == "active", 5, f"{other(active)} is active")
        for name, running in halves:
            if running:
                to_its_end(name, running, wrong)
    assert not wrong, "\n".join(wrong)
