#!/usr/bin/env python3
"""completion.py - what bash completes for regpairctl, compared with the table of commands in node/ctl/main.c and
with the options that the commands read.

Usage: tests/completion.py REGPAIRCTL
"""
import json
import re
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
CTL = Path(sys.argv.pop(1)).resolve()
NAMES = {"subscribers": ["alice@example.com", "al@example.net", "bob@example.com"], "naps": ["carrier-a", "carrier-b", "alpha"]}
SCRIPT = """
source /usr/share/bash-completion/bash_completion
source "$1"
COMP_WORDBREAKS+=@ _regpairctl_patience=30
while IFS= read -r line; do
	read -ra COMP_WORDS <<<"${line%$'\\t'*}"
	last=${line##*$'\\t'}
	[[ $last != *@* ]] || COMP_WORDS+=("${last%%@*}" @) # words of their own, as readline has it
	COMP_WORDS+=("${last##*@}")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
	COMP_LINE=${line/$'\\t'/ } COMP_POINT=${#COMP_LINE}
	_regpairctl "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
	printf '%s\\n' "${COMPREPLY[*]}"
done
"""


def completed(*lines):
    """For each line, the last word behind a tab: what bash offers."""
    done = subprocess.run(["bash", "-c", SCRIPT, "bash", REPO / "ha/completion/regpairctl.bash"], input="\n".join(lines) + "\n",
                          text=True, capture_output=True, check=True)
    assert not done.stderr, done.stderr
    return [set(line.split()) for line in done.stdout.split("\n")[:-1]]


def commands():
    table = (REPO / "node/ctl/main.c").read_text().split("commands[] = {")[1].split("};")[0]
    found = re.findall(r'\{"([a-z-]+)", (?:"([a-z-]+)"|NULL), \w+\}', table)
    assert len(found) == table.count("{"), table
    return found


def options_read():
    """(command, its options), of each that has any."""
    for file in sorted((REPO / "node/ctl").glob("*.c")):
        text = file.read_text()
        for table, command in re.findall(r"struct ctl_option \w+\[\] = \{(.*?)\};\n.*?struct ctl_arguments \w+ = \{\s*([^,]+),",
                                         text, re.DOTALL):
            if command == "command":  # of each list
                continue
            yield command.strip('"'), {f"--{name}" for name in re.findall(r'\{"([a-z-]+)"', table)}
        for command in re.findall(r'list_arguments\("([^"]+)"', text):
            yield command, {"--limit"}


class Node:
    """A control socket that knows names."""

    def __init__(self, folder):
        self.path = Path(folder) / "control.sock"
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(self.path))
        self.socket.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection = self.socket.accept()[0]
            except OSError:
                return
            with connection, connection.makefile("rw") as file:
                for line in file:
                    kind = json.loads(line)["command"]
                    rows = [{"name": name, "user": "u", "realm": "r"} for name in NAMES[kind]]
                    file.write(json.dumps({"id": 0, "ok": True, "result": {kind: rows, "cursor": None}}) + "\n")
                    file.flush()


class Completion(unittest.TestCase):
    def test_every_command_of_the_table_is_offered(self):
        first = {one for one, _ in commands()}
        self.assertEqual(completed(f"{CTL} \t")[0] - {"--control", "--json", "--help", "--version"}, first)
        for one in first:
            second = {two for word, two in commands() if word == one and two}
            offered = completed(f"{CTL} {one} \t")[0]
            self.assertEqual(offered & {two for _, two in commands()}, second, one)

    def test_every_option_that_a_command_reads_is_offered(self):
        names = [f"{one} {two}" if two else one for one, two in commands()]
        offered = dict(zip(names, completed(*(f"{CTL} {name} \t--" for name in names))))
        read = dict(options_read())
        self.assertGreater(len(read), 15)
        for command, options in read.items():
            self.assertLessEqual(options, offered[command], command)

    def test_what_a_command_is_about_is_asked_of_the_node(self):
        subscribers, naps = set(NAMES["subscribers"]), set(NAMES["naps"])
        with tempfile.TemporaryDirectory() as folder:
            ctl = f"{CTL} --control {Node(folder).path}"
            for line, wanted in ((f"{ctl} nap show \t", naps), (f"{ctl} nap poll \tcarrier", {"carrier-a", "carrier-b"}),
                                 (f"{ctl} subscriber remove \t", subscribers), (f"{ctl} bindings remove \tb", {"bob@example.com"}),
                                 (f"{ctl} bindings \ta", {"alice@example.com", "al@example.net"}),
                                 (f"{ctl} trace \tal", {"alpha", "alice@example.com", "al@example.net"}),
                                 (f"{ctl} log-level \t", {"error", "warn", "notice", "info", "debug"}),
                                 (f"{ctl} history \t", set())):
                self.assertEqual(completed(line)[0], wanted, line)

    def test_the_rest_of_a_name_is_completed_behind_its_at(self):
        with tempfile.TemporaryDirectory() as folder:
            ctl = f"{CTL} --control {Node(folder).path}"
            self.assertEqual(completed(f"{ctl} bindings \talice@ex"), [{"example.com"}])

    def test_files_are_completed_where_files_are_meant(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "saved.backup").touch()
            for line in (f"{CTL} restore \t{folder}/sa", f"{CTL} log --file \t{folder}/sa", f"{CTL} support \t{folder}/sa",
                         f"{CTL} subscriber import \t{folder}/sa", f"{CTL} --control \t{folder}/sa"):
                self.assertEqual(completed(line), [{f"{folder}/saved.backup"}], line)

    def test_nobody_hears_of_a_node_that_does_not_answer(self):
        self.assertEqual(completed(f"{CTL} --control /nonexistent nap show \t"), [set()])


if __name__ == "__main__":
    unittest.main()
