"""naps.py - NAPs in a node's configuration, brought in by reload, and what the node says of them."""
import contextlib
import json

from lab import NODES, LabError, wait_until
from provider import DOMAIN, PASSWORD

THREE = ("polled", "stream", "counting")


def written(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    return json.dumps(value)


def section(naps):
    """The list as YAML. Each NAP is a dictionary of its keys."""
    return "naps:\n" + "".join(
        "  - {" + ", ".join(f"{key}: {written(value)}" for key, value in nap.items()) + "}\n" for nap in naps)


def registering(name, proxy, user, domain, **keys):
    """The keys of a NAP that registers; it is not polled unless asked for."""
    return {"name": name, "proxy": proxy, "address_to_register": f"sip:{user}@{domain}", "register_to_proxy": True,
            "poll_remote_proxy": False, **keys}


def three(provider):
    """One is polled, one goes over TCP, one counts nonces on. Each is refreshed every two seconds."""
    polled = {"poll_remote_proxy": True, "proxy_polling_first": "500 ms", "proxy_polling_interval": "1 s", "response_timeout": "1 s"}
    return [registering(name, provider.address, name, DOMAIN, password=PASSWORD, expires="10 s", refresh_percent=20, retry="1 s",
                        retry_max="1 s", **keys)
            for name, keys in zip(THREE, (polled, {"transport": "tcp"}, {"reuse_challenge": True}))]


@contextlib.contextmanager
def configured(lab, naps):
    """Both nodes have these NAPs, by reload; at the end none, and all are un-registered."""
    change(lab, naps)
    try:
        yield
    finally:
        lab.heal()
        change(lab, [])
        wait_until(lambda: not shown(lab), 60, "no NAP is left", every=0.1)


def change(lab, naps):
    """Both nodes have these instead of those that they had."""
    for node in NODES:
        path = lab.folder / node / "regpair.yaml"
        plain = path.read_text().partition("naps:")[0]
        path.write_text(plain + (section(naps) if naps else ""))
        reload(lab, node)


def reload(lab, node):
    done = lab.ctl_run(node, "reload")
    if done.returncode != 0:
        raise LabError(f"reload on {node}: {done.stderr}")


def shown(lab):
    """What the active says of each, by name."""
    active = lab.active()
    return {nap["name"]: nap for nap in lab.ctl(active, "nap", "list")} if active else {}


def wait_registered(lab, count, seconds):
    """All of them, and no more are there."""
    def all_are():
        naps = shown(lab).values()
        return len(naps) == count and all(nap["registered"] for nap in naps)
    wait_until(all_are, seconds, f"{count} NAPs are registered", every=0.1)
