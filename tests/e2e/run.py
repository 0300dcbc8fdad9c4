#!/usr/bin/env python3
"""run.py - the end-to-end tests: every function test_* in tests/e2e/test_*.py.

Usage: tests/e2e/run.py [--logs FOLDER] [--keep] [--ci | --rounds N] [WORD...]
Only tests whose name holds one of the words, if any are given. Needs root and a build (tests/run e2e
makes it). What is repeated is repeated N times: 10, with --ci 3, else as REGPAIR_E2E_ROUNDS says. A test with a parameter `lab` gets the pair whole and may leave it in any state; one
without brings its own nodes. --keep leaves the pair up at the end. The last line is the sum.
"""
import argparse
import importlib.util
import inspect
import shutil
import sys
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True
from lab import NODES, Lab, LabError, Skip  # noqa: E402

LOG_LINES = 25


def tests_of(words):
    for path in sorted(HERE.glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        functions = inspect.getmembers(module, inspect.isfunction)
        for name, function in sorted(functions, key=lambda f: f[1].__code__.co_firstlineno):
            if name.startswith("test_") and (not words or any(w in name for w in words)):
                yield name, function


def make_whole(lab):
    """The set-up may be tried again, from nothing; a check never is."""
    try:
        lab.up()
        lab.heal()
    except LabError as first:
        print(f"      set-up again, from nothing: {first}", flush=True)
        lab.down()
        lab.up()
        lab.heal()


def show_logs(lab, name, folder):
    for node in NODES:
        for log in lab.logs()[node]:
            lines = [line for line in log.read_text(errors="replace").splitlines() if "gratuitous ARP" not in line]
            print(f"    --- node {node}, {log.name}, the last of {len(lines)} lines")
            print("\n".join("    " + line for line in lines[-LOG_LINES:]))
            if folder:
                kept = folder / name
                kept.mkdir(parents=True, exist_ok=True)
                shutil.copy(log, kept / f"{node}-{log.name}")


def run_one(lab, name, function, folder):
    begun = time.monotonic()
    try:
        if "lab" in inspect.signature(function).parameters:
            make_whole(lab)
            begun = time.monotonic()
            function(lab)
        else:
            function()
    except Skip as why:
        print(f"skip  {name}: {why}", flush=True)
        return "skipped"
    except Exception:  # whatever else a test raises is its failure
        print(f"FAIL  {name}  {time.monotonic() - begun:.1f} s", flush=True)
        print("    " + traceback.format_exc().replace("\n", "\n    "))
        show_logs(lab, name, folder)
        return "failed"
    print(f"ok    {name}  {time.monotonic() - begun:.1f} s", flush=True)
    return "passed"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--logs", type=Path)
    options.add_argument("--keep", action="store_true")
    options.add_argument("--ci", action="store_const", dest="rounds", const=3)
    options.add_argument("--rounds", type=int)
    options.add_argument("words", nargs="*")
    chosen = options.parse_args()
    sums = {"passed": 0, "failed": 0, "skipped": 0}
    lab = Lab()
    lab.rounds = chosen.rounds or lab.rounds
    with lab.alone():
        lab.down()
        try:
            for name, function in tests_of(chosen.words):
                sums[run_one(lab, name, function, chosen.logs)] += 1
        finally:
            if not chosen.keep:
                lab.down()
    skipped = f", {sums['skipped']} skipped" if sums["skipped"] else ""
    print(f"{sums['passed']} passed, {sums['failed']} failed{skipped}")
    return 1 if sums["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
