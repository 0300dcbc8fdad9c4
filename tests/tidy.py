#!/usr/bin/env python3
"""tidy.py - what no compiler checks: who may include whom, what is banned where, how big things get.

Usage: tests/tidy.py [ROOT]        prints `file:line: what is wrong`, exits 1 if anything is
"""
import re
import sys
from pathlib import Path

# A layer may include itself and what stands in its list. Longest prefix wins.
MAY_INCLUDE = {
    "proto/base": [],
    "proto": ["proto/base"],
    "store": ["proto"],
    "replication": ["proto"],
    "ha": ["proto/base"],
    "node/core": ["proto", "replication", "ha"],
    "node/io": ["proto", "store", "replication", "ha", "node/core"],
    "node/ctl": ["proto", "store", "node/io/config.h", "node/io/pair_files.h", "node/io/audit.h",
                 "node/io/asker.h"],
    "tests": ["proto", "store", "replication", "ha", "node"],
}

# A library is somebody's business, not everybody's.
HOME_OF = {
    "event2/": ["node/io", "tests/unit/fake_loop.h", "tests/unit/control_fake.h", "tests/unit/cable.h",
                "tests/unit/test_reload.c", "tests/unit/figures_fake.h", "tests/unit/test_metrics.c"],
    "ares.h": ["node/io"],
    "lmdb.h": ["store"],
    "protobuf-c/": ["proto/entry.c", "proto/record.c", "proto/pack.h"],
    ".pb-c.h": ["proto/frame_parts.h", "proto/entry.c", "proto/record.c", "proto/record_aor.c",
               "proto/record_watcher.c", "proto/record_nap.c", "proto/backup.c"],
    "openssl/": ["node/io", "node/ctl", "proto/sip/digest.c", "tests/bench",
                "tests/unit/provider.h", "tests/unit/certificates.h"],
    "yaml.h": ["node/io/config.c"],
    "osipparser2/": ["tests/unit/other_reading.h"],
    "jansson.h": ["node/io", "node/ctl", "tests/unit"],
    "sys/socket.h": ["node/io", "node/ctl", "tests"],
}

PURE = ("proto", "replication", "ha", "node/core")
BANNED = [  # (pattern, where it is banned, instead)
    (r"\b(strcpy|strcat|sprintf|vsprintf|strtok|gets|atoi|atol|alloca)\s*\(", ("",), "a bounded call"),
    (r"\b(time|gettimeofday|clock_gettime|localtime)\s*\(", PURE, "the `now` parameter"),
    (r"\b(rand|random|srand)\s*\(", PURE, "randomness passed in"),
    (r"\b(printf|fprintf|syslog)\s*\(", PURE, "outputs; node/io logs"),
    (r"\b(malloc|calloc|realloc|strdup)\s*\(", PURE, "an arena, or the working copy's allocator"),
    (r"^\s*(static\s+)?(?!const)\w[\w\s*]*\bg_\w+\s*[=;]", ("",), "a context passed as parameter"),
    (r"^\s*extern\s+[^(]*;", ("",), "a context passed as parameter"),
]
FILE_LINES_MAX = {".c": 500, ".h": 200}
TODO = re.compile(r"\b(TODO|FIXME|XXX)\b(?!\(#\d+\))")


def layer_of(path: str) -> str:
    fits = [p for p in MAY_INCLUDE if path == p or path.startswith(p + "/")]
    return max(fits, key=len, default="")


def within(path: str, places) -> bool:
    return any(p == "" or path == p or path.startswith(p + "/") for p in places)


def check_include(path: str, target: str):
    for mark, homes in HOME_OF.items():
        if mark in target and not within(path, homes):
            return f"{target} is for {', '.join(homes)} only"
    ours, theirs = layer_of(path), layer_of(target)
    if theirs and theirs != ours and not within(target, MAY_INCLUDE[ours]):
        return f"{ours} must not include {theirs}"
    return None


def strip_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/|//[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)


def check_file(root: Path, file: Path):
    path = file.relative_to(root).as_posix()
    text = file.read_text()
    lines = text.splitlines()
    if len(lines) > FILE_LINES_MAX[file.suffix]:
        yield 1, f"{len(lines)} lines; split it by purpose (limit {FILE_LINES_MAX[file.suffix]})"
    if file.suffix == ".h" and not text.startswith(f"/* {file.name} - "):
        yield 1, f"first line must read `/* {file.name} - what it is for.`"
    for number, line in enumerate(lines, 1):
        if TODO.search(line):
            yield number, "a TODO names its issue: TODO(#12)"
    for number, line in enumerate(strip_comments(text).splitlines(), 1):
        include = re.match(r'\s*#\s*include\s*["<]([^">]+)', line)
        wrong = include and check_include(path, include.group(1))
        if wrong:
            yield number, wrong
        for pattern, where, instead in BANNED:
            if within(path, where) and re.search(pattern, line):
                yield number, f"banned here: {line.strip()[:50]!r}; use {instead}"


def main() -> int:
    if sys.argv[1:] in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    bad = 0
    for top in sorted({p.split("/")[0] for p in MAY_INCLUDE}):
        for file in sorted((root / top).rglob("*.[ch]")):
            for number, what in check_file(root, file):
                print(f"{file.relative_to(root)}:{number}: {what}")
                bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
