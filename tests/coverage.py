#!/usr/bin/env python3
"""coverage.py - which branches of the pure layers the tests took, layer by layer.

Usage: tests/coverage.py BUILD [--least PERCENT] [--files]
BUILD was built with -DCOVERAGE=ON, and its tests have run. Prints a table; exits 1 where less than
PERCENT (90) of all branches were taken. --files: a line for each file, with the lines that miss some.
"""
import argparse
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ("proto/base", "proto/sip", "proto", "replication", "ha", "node/core")  # the first that fits


def measured(build):
    """By file: (branches, taken, lines that miss some). Files in order."""
    done = subprocess.run(
        ["gcovr", "--root", ROOT, "--branches", "--json", "-", "--exclude", r".*\.pb-c\.[ch]",
         *[word for layer in LAYERS for word in ("--filter", f"{ROOT}/{layer}/")], build],
        check=True, stdout=subprocess.PIPE, text=True, cwd=build)
    files = {}
    for file in json.loads(done.stdout)["files"]:
        branches = [(line["line_number"], b["count"]) for line in file["lines"] for b in line["branches"]]
        missed = sorted({number for number, count in branches if count == 0})
        files[file["file"]] = (len(branches), sum(count > 0 for _, count in branches), missed)
    return dict(sorted(files.items()))


def row(name, branches, taken, rest=""):
    share = f"{100 * taken / branches:5.1f} %" if branches else "-"
    print(f"{name:<34}{branches:>8}{taken:>8}{share:>9}  {rest}".rstrip())


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("Usage: "))
    parser.add_argument("build", type=Path)
    parser.add_argument("--least", type=float, default=90)
    parser.add_argument("--files", action="store_true")
    args = parser.parse_args()

    files = measured(args.build.resolve())
    print(f"{'branches':<34}{'all':>8}{'taken':>8}{'share':>9}")
    if args.files:
        for name, (branches, taken, missed) in files.items():
            row(name, branches, taken, " ".join(map(str, missed)))
    sums = {layer: [0, 0] for layer in LAYERS}
    for name, (branches, taken, _) in files.items():
        layer = next(layer for layer in LAYERS if name.startswith(layer + "/"))
        sums[layer][0] += branches
        sums[layer][1] += taken
    for layer in sorted(LAYERS):
        row(layer, *sums[layer])
    branches, taken = (sum(column) for column in zip(*sums.values()))
    row("pure layers", branches, taken, f"(at least {args.least:g} %)")
    sys.exit(0 if branches and 100 * taken >= args.least * branches else 1)


if __name__ == "__main__":
    main()
