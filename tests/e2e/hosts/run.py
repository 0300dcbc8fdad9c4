#!/usr/bin/env python3
"""run.py - the end-to-end tests on hosts: every function test_* in tests/e2e/hosts/test_*.py.

Usage: tests/e2e/hosts/run.py [--logs FOLDER] [--shell] [WORD...]
Only tests whose name, or whose file's, holds one of the words, if any are given. Needs root and a build
(tests/run hosts makes it). Two Debian hosts are booted here by systemd-nspawn, each in a network namespace;
their image is made once (REGPAIR_HOSTS_CACHE, /var/tmp/regpair-hosts-image). --shell: instead of the tests,
fresh hosts and a shell on the client; `ssh node-a` there. Environment: REGPAIR_HOSTS_LAB (prefix of names, rh),
REGPAIR_HOSTS_NET (10.78.0), REGPAIR_HOSTS_DIR (/var/tmp/regpair-hosts). The last line is the sum.
"""
import argparse
import importlib.util
import inspect
import shutil
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
sys.dont_write_bytecode = True
from hosts import PAIR, Hosts  # noqa: E402
from lab import Skip  # noqa: E402


def tests_of(words):
    for path in sorted(HERE.glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        functions = inspect.getmembers(module, inspect.isfunction)
        for name, function in sorted(functions, key=lambda f: f[1].__code__.co_firstlineno):
            if name.startswith("test_") and (not words or any(w in name or w in path.stem for w in words)):
                yield name, function


def show_logs(hosts, name, folder):
    for node in PAIR:
        print(f"    --- node-{node}, the end of its journal")
        print("".join("    " + line for line in hosts.journal(node).splitlines(keepends=True)))
        if folder:
            kept = folder / name
            kept.mkdir(parents=True, exist_ok=True)
            (kept / f"node-{node}.journal").write_text(hosts.journal(node, lines=5000))
    if folder and (hosts.folder / "logs").exists():
        shutil.copytree(hosts.folder / "logs", folder / name, dirs_exist_ok=True)


def run_one(hosts, name, function, folder):
    begun = time.monotonic()
    try:
        function(hosts)
    except Skip as why:
        print(f"skip  {name}: {why}", flush=True)
        return "skipped"
    except Exception:  # whatever else a test raises is its failure
        print(f"FAIL  {name}  {time.monotonic() - begun:.1f} s", flush=True)
        print("    " + traceback.format_exc().replace("\n", "\n    "))
        show_logs(hosts, name, folder)
        return "failed"
    print(f"ok    {name}  {time.monotonic() - begun:.1f} s", flush=True)
    return "passed"


def shell(hosts):
    hosts.fresh()
    config = hosts.folder / "ssh"
    config.write_text("".join(f"Host node-{n}\n HostName {hosts.address[n]}\n User root\n" for n in PAIR))
    line = " ".join(["ssh", "-F", str(config), *hosts.ssh_options()])
    print(f"the client's shell; on a host: {line} node-a", flush=True)
    subprocess.run(hosts.client_command("bash"), check=False)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--logs", type=Path)
    options.add_argument("--shell", action="store_true")
    options.add_argument("words", nargs="*")
    chosen = options.parse_args()
    sums = {"passed": 0, "failed": 0, "skipped": 0}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # unwinds, so that the hosts are ended
    with Hosts().ready() as hosts:
        if chosen.shell:
            return shell(hosts)
        for name, function in tests_of(chosen.words):
            sums[run_one(hosts, name, function, chosen.logs)] += 1
    skipped = f", {sums['skipped']} skipped" if sums["skipped"] else ""
    print(f"{sums['passed']} passed, {sums['failed']} failed{skipped}")
    if not any(sums.values()):
        sys.exit(f"no test has a name with one of: {', '.join(chosen.words)}")
    return 1 if sums["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
