#!/usr/bin/env python3
"""conformance.py - which statement about SIP is shown by which test, out of the names in the tests.

Usage: tests/conformance.py [--check] [--results LOG...]
Writes docs/conformance.md: each statement of tests/statements.tsv with the tests that name its id, in
the comment above them, in a comment within, or in the table row that plays it ("(R24)"); or in a module
whose PLAYED_BY says which test plays all of it. `R13-R16` names all four. --check: exits 1 if the file was not up to date; it is then. --results: prints the table
with what the tests did in these logs (of ctest -V and of tests/e2e/run.py), and writes nothing.
"""
import argparse
import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STATEMENTS = ROOT / "tests/statements.tsv"
DOCUMENT = ROOT / "docs/conformance.md"
ID = r"(?:R|P|E|B|S|D|N|C|F|ob-|gruu-)\d+"
NAMED = re.compile(rf"(?<![\w-])({ID})(?:-({ID}))?(?![\w-])")
C_FUNCTION = re.compile(r"^(?:static )?[\w ]+?[ *](\w+)\([^;{]*\)\n\{.*?^\}", re.M | re.S)
C_WORDS = re.compile(r'/\*.*?\*/|"(?:[^"\\\n]|\\.)*"', re.S)
PY_FUNCTION = re.compile(r"^def (\w+)\(.*?(?=^\S|\Z)", re.M | re.S)
PY_WORDS = re.compile(r'""".*?"""|#[^\n]*', re.S)
XML_WORDS = re.compile(r"<!--.*?-->", re.S)
HEAD = """# What the tests show about SIP

Made by `tests/conformance.py` from the ids that the tests name; nothing here is written by hand. `tests/run
conformance` makes it again and fails where this file was not what the names give. What the tests did in
a run is printed by `tests/conformance.py --results LOG...`.
"""


class Fault(Exception):
    """An id stands where no test is."""


def read_statements():
    lines = STATEMENTS.read_text().splitlines()[1:]
    return {fields[0]: fields[1:] for fields in (line.split("\t") for line in lines)}


def ids_in(text, statements):
    """`R15, R16`, `R13-R16`: every statement named; other lists have ids of their own."""
    for first, last in NAMED.findall(text):
        kind, low = re.fullmatch(r"(\D+)(\d+)", first).groups()
        high = re.fullmatch(rf"{kind}(\d+)", last).group(1) if last else low
        for number in range(int(low), int(high) + 1):
            if (named := f"{kind}{number:0{len(low)}}") in statements:
                yield named


def chunks(text, function):
    """Each function with what stands above it: (name, text). What follows the last has no name."""
    begin = 0
    for found in function.finditer(text):
        yield found.group(1), text[begin:found.end()]
        begin = found.end()
    yield "", text[begin:]


def said_in_c(chunk):
    """Its comments, and of its strings what stands in parentheses: "an old CSeq (R24)"."""
    for word in C_WORDS.findall(chunk):
        yield word if word.startswith("/*") else " ".join(re.findall(r"\(([^()]*)\)", word))


def tests_in(path, statements):
    """(test, ids that it names) of one file."""
    text = path.read_text()
    if path.suffix == ".xml":
        yield f"sipp/{path.stem}", ids_in(" ".join(XML_WORDS.findall(text)), statements)
    elif path.suffix == ".py":
        if played := re.search(r'^PLAYED_BY = "(test_\w+)"', text, re.M):
            yield f"e2e/{played.group(1)}", ids_in(" ".join(PY_WORDS.findall(text)), statements)
        for name, chunk in chunks(text, PY_FUNCTION):
            if name.startswith("test_"):
                yield f"e2e/{name}", ids_in(" ".join(PY_WORDS.findall(chunk)), statements)
    else:
        for name, chunk in chunks(text, C_FUNCTION):
            named = list(ids_in(" ".join(said_in_c(chunk)), statements))
            if re.search(rf"^static void {name}\(void \*\*state\)", chunk, re.M):
                yield f"{path.stem}/{name}", named
            elif named:
                raise Fault(f"{path.relative_to(ROOT)}: {', '.join(named)} at no test: {name or 'the end'}")


def collect(statements):
    """By id: the tests that name it, in the order of the files."""
    tests = defaultdict(list)
    for pattern in ("unit/test_*.c", "e2e/*.py", "e2e/sipp/*.xml"):
        for path in sorted((ROOT / "tests").glob(pattern)):
            for test, ids in tests_in(path, statements):
                for named in dict.fromkeys(ids):
                    tests[named].append(test)
    return tests


def read_results(logs):
    """What each test did. ctest says which program a number is, and two programs may have tests of one name."""
    said = {"OK": "ok", "ok": "ok", "FAILED": "FAILED", "FAIL": "FAILED", "SKIPPED": "skipped", "skip": "skipped"}
    results, program = {}, {}
    for line in (line for log in logs for line in log.read_text(errors="replace").splitlines()):
        if found := re.match(r'(\d+): Test command: .*/(test_\w+)"?$', line):
            program[found.group(1)] = found.group(2)
        elif found := re.match(r"(?:(\d+): )?\[ +(OK|FAILED|SKIPPED) +\] (\w+)$", line):
            results[f"{program.get(found.group(1), '')}/{found.group(3)}"] = said[found.group(2)]
        elif found := re.match(r"(ok|FAIL|skip) +(test_\w+)\b", line):
            results[f"e2e/{found.group(2)}"] = said[found.group(1)]
    return results


def shown(test, results):
    folder, name = test.split("/")
    if results is None:
        return f"{folder}: {name.removeprefix('test_').replace('_', ' ')}"
    return f"{results.get(test, 'not run')}: {test}"


def table(statements, tests, results=None):
    """The document, or with results what a run says."""
    shown_by_some = sum(named in tests for named in statements)
    yield HEAD
    yield f"{shown_by_some} of {len(statements)} statements have a test.\n"
    yield "| id | statement | source | tests |\n| --- | --- | --- | --- |"
    for named, (source, text) in statements.items():
        cell = "<br>".join(shown(test, results) for test in tests[named]) if named in tests else "not tested"
        yield f"| {named} | {text} | {source} | {cell} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--results", nargs="+", type=Path, metavar="LOG")
    options = parser.parse_args()
    statements = read_statements()
    try:
        tests = collect(statements)
    except Fault as fault:
        sys.exit(f"conformance: {fault}")
    results = read_results(options.results) if options.results else None
    text = "\n".join(table(statements, tests, results)) + "\n"
    if results is not None:
        print(text, end="")
        return 0
    fresh = DOCUMENT.exists() and DOCUMENT.read_text() == text
    if not fresh:
        DOCUMENT.write_text(text)
        print("docs/conformance.md is made anew")
    print(f"{sum(named in tests for named in statements)} of {len(statements)} statements have a test")
    return 0 if fresh or not options.check else 1


if __name__ == "__main__":
    sys.exit(main())
