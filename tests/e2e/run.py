#!/usr/bin/env python3
"""run.py - the end-to-end tests: every function test_* in tests/e2e/test_*.py.

Usage: tests/e2e/run.py [--logs FOLDER] [--keep] [--ci | --rounds N] [--jobs N] [WORD...]
Only tests whose name holds one of the words, if any are given. Needs root and a build (tests/run e2e makes it).
What is repeated is repeated N times: 10, with --ci 3, else as REGPAIR_E2E_ROUNDS says. A test with a parameter
`lab` gets the pair whole and may leave it in any state; one without brings its own nodes. One that failed is
tried again, from nothing, and told of: real nodes on a machine that stands still for a second change places,
as they should. Where more than three need that, it is not the machine, and they have failed.
With --jobs N as many pairs are up at once, each with a share of the tests; those that measure what a client feels
(`@alone`) come behind them, one by one. --keep leaves the pairs up at the end. The last line is the sum.
"""
import argparse
import contextlib
import importlib.util
import inspect
import io
import multiprocessing
import os
import queue
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
SECOND_TRIES = 3


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
    logs = [(node, log) for node in NODES for log in lab.logs()[node]]
    for node, log in sorted(logs, key=lambda one: one[1].name != "regpaird.log"):
        if folder:
            kept = folder / name
            kept.mkdir(parents=True, exist_ok=True)
            shutil.copy(log, kept / f"{node}-{log.name}")
        if log.name == "audit.log":
            continue  # a line for each subscriber that was made
        lines = [line for line in log.read_text(errors="replace").splitlines() if "gratuitous ARP" not in line]
        print(f"    --- node {node}, {log.name}, the last of {len(lines)} lines")
        print("\n".join("    " + line for line in lines[-LOG_LINES:]))


def one_more(tries):
    """May one more test be tried again?"""
    with tries.get_lock():
        tries.value += 1
        return tries.value <= SECOND_TRIES


def run_one(lab, name, function, folder, tries):
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
    except Exception as why:  # whatever else a test raises is its failure
        again = tries is not None and one_more(tries)
        reason = f"{type(why).__name__}: {why}".splitlines()[0]
        print(f"{'again' if again else 'FAIL '} {name}  {time.monotonic() - begun:.1f} s: {reason}", flush=True)
        print("    " + traceback.format_exc().replace("\n", "\n    "))
        show_logs(lab, name, folder)
        lab.down()  # whatever it left: nothing of it meets the next test
        return run_one(lab, name, function, folder, None) if again else "failed"
    print(f"ok    {name}  {time.monotonic() - begun:.1f} s", flush=True)
    return "passed"


def name_lab(at):
    """What the lab of a worker is called, where it is not the only one."""
    first = Lab()
    head, _, third = first.net.rpartition(".")
    os.environ.update(REGPAIR_E2E_LAB=f"{first.prefix}{at}", REGPAIR_E2E_NET=f"{head}.{int(third) + at}",
                      REGPAIR_E2E_DIR=f"{first.folder}-{at}")


def run_share(chosen, wanted, next_test, done, tries, at):
    """Takes one test after the other; each result, and with several pairs its whole output, goes into `done`."""
    if at > 0:
        name_lab(at)
    lab = Lab()
    lab.rounds = chosen.rounds or lab.rounds
    tests = [test for test in tests_of(chosen.words) if wanted(test[1])]
    with lab.alone():
        lab.down()
        try:
            while True:
                with next_test.get_lock():
                    mine = next_test.value
                    next_test.value += 1
                if mine >= len(tests):
                    break
                with contextlib.redirect_stdout(io.StringIO() if chosen.jobs > 1 else sys.stdout) as said:
                    result = run_one(lab, *tests[mine], chosen.logs, tries)
                done.put((result, said.getvalue() if chosen.jobs > 1 else ""))
        finally:
            if not chosen.keep:
                lab.down()


def run_together(chosen, wanted, jobs, tries, sums):
    """The tests that are wanted, by so many pairs at once. A worker that dies is a failure."""
    done, next_test = multiprocessing.Queue(), multiprocessing.Value("i", 0)
    workers = [multiprocessing.Process(target=run_share, args=(chosen, wanted, next_test, done, tries, at))
               for at in range(jobs)]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers) or not done.empty():
        with contextlib.suppress(queue.Empty):
            result, said = done.get(timeout=0.2)
            sums[result] += 1
            print(said, end="", flush=True)
    for worker in workers:
        worker.join()
        sums["failed"] += worker.exitcode != 0


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--logs", type=Path)
    options.add_argument("--keep", action="store_true")
    options.add_argument("--ci", action="store_const", dest="rounds", const=3)
    options.add_argument("--rounds", type=int)
    options.add_argument("--jobs", type=int, default=1)
    options.add_argument("words", nargs="*")
    chosen = options.parse_args()
    sums = {"passed": 0, "failed": 0, "skipped": 0}
    tries = multiprocessing.Value("i", 0)
    if chosen.jobs > 1:
        run_together(chosen, lambda test: not hasattr(test, "alone"), chosen.jobs, tries, sums)
        run_together(chosen, lambda test: hasattr(test, "alone"), 1, tries, sums)
    else:
        run_together(chosen, lambda test: True, 1, tries, sums)
    skipped = f", {sums['skipped']} skipped" if sums["skipped"] else ""
    print(f"{sums['passed']} passed, {sums['failed']} failed{skipped}")
    if not any(sums.values()):
        sys.exit(f"no test has a name with one of: {', '.join(chosen.words)}")
    return 1 if sums["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
