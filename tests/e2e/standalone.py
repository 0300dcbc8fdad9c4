"""standalone.py - one node without a peer and without keepalived, in a namespace of its own; and runs
of regpaird that are to fail at the start."""
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from lab import BIN, LabError, Log, wait_until

NAMESPACE = os.environ.get("REGPAIR_E2E_LAB", "rpe") + "-s"
CONFIGURATION = """\
unit: standalone
store: {{dir: {folder}/store, max_size: 256 MiB}}
control: {folder}/control.sock
transports:
  - {{name: udp, protocol: udp, address: 127.0.0.1, port: 5060}}
  - {{name: tcp, protocol: tcp, address: 127.0.0.1, port: 5060}}
domains:
  - {{name: example.com, default_expires: 1 h, min_expires: {least}, max_expires: 1 h, auth: {auth}}}
"""


class Alone:
    """`with Alone() as node:` - the node runs after start(); what it wrote is gone at the end."""

    def __init__(self, least="30 s", auth="digest-md5"):
        self.least, self.auth = least, auth
        self.process = None

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="regpair-alone-", dir="/var/tmp"))
        self.file = self.folder / "regpair.yaml"
        self.file.write_text(CONFIGURATION.format(folder=self.folder, least=self.least, auth=self.auth))
        subprocess.run(["ip", "netns", "del", NAMESPACE], capture_output=True, check=False)
        subprocess.run(["ip", "netns", "add", NAMESPACE], check=True)
        subprocess.run(["ip", "-n", NAMESPACE, "link", "set", "lo", "up"], check=True)
        self.output = self.folder / "regpaird.log"
        return self

    def __exit__(self, *why):
        if why[0] and self.output.exists():
            print("    --- standalone node:\n    " + self.output.read_text()[-3000:].replace("\n", "\n    "))
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        subprocess.run(["ip", "netns", "del", NAMESPACE], capture_output=True, check=False)
        shutil.rmtree(self.folder)

    def command(self, *words):
        return ["ip", "netns", "exec", NAMESPACE, *map(str, words)]

    def run(self, *words, seconds=60):
        return subprocess.run(self.command(*words), text=True, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=seconds, check=False)

    def edit(self, old, new):
        text = self.file.read_text()
        assert old in text, f"{old!r} is not in {text}"
        self.file.write_text(text.replace(old, new))

    def start(self, **environment):
        with open(self.output, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(self.command(BIN / "regpaird", "--config", self.file), stderr=log,
                                            stdin=subprocess.DEVNULL, env=dict(os.environ, **environment))
        wait_until(lambda: self.status().get("role") == "active" or self.process.poll() is not None, 20,
                   "the standalone node is active")
        if self.process.poll() is not None:
            raise LabError(f"regpaird ended with {self.process.returncode}: {self.output.read_text()[-800:]}")

    def stop(self, seconds=15):
        self.process.terminate()
        return self.process.wait(seconds)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def log(self):
        return Log(self.output)

    def status(self):
        done = self.run(BIN / "regpairctl", "--control", self.folder / "control.sock", "--json", "status")
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def ctl(self, *words):
        done = self.run(BIN / "regpairctl", "--control", self.folder / "control.sock", *words)
        assert done.returncode == 0, done
        return done.stdout

    def add_users(self, count, *words):
        table = self.folder / "users.csv"
        self.run(BIN / "regload", "--host", "127.0.0.1", "--users", count, "--write-csv", table)
        self.ctl("subscriber", "import", table, *words)

    def regload(self, *words):
        done = self.run(BIN / "regload", "--host", "127.0.0.1", "--contact-host", "127.0.0.1:5070", "--json", *words)
        assert done.returncode == 0, f"regload: exit {done.returncode}: {done.stderr} {done.stdout}"
        return json.loads(done.stdout)

    def refuse_start(self, *words):
        """A start that must fail by itself, and soon: its exit code and its last line."""
        begun = time.monotonic()
        done = self.run(BIN / "regpaird", *(words or ("--config", self.file)), seconds=20)
        assert time.monotonic() - begun < 10, "it took long to fail"
        assert done.returncode > 0, f"it did not fail by itself: {done}"
        lines = [line for line in done.stderr.splitlines() if "level=error" in line or "level=" not in line]
        assert len(lines) == 1, f"one clear line, not {len(lines)}: {done.stderr}"
        return done.returncode, lines[0]
