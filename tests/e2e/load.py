"""load.py - registering through the virtual address with regload, and proving what became of it.

A Phones is some users of its own over one transport: registered, refreshed under load, audited. What
the server acknowledged and the nonces in use are kept in files of the lab's folder.
"""
import itertools
import json

from lab import LabError, now

# A longest wait, or a 99th percentile, beyond this says that answers stopped. How much shorter they are is a
# figure to be read: machines that run tests are slow and busy.
STALL_MS = 2000
SLACK_MS = 1050  # lifetimes are told in seconds, rounded up; the nodes' clocks agree to some ms
NONCE_S = 240  # younger nonces are good, however long what follows takes; they live 300 s
BLOCK = 1000  # of user numbers: no two Phones share users
blocks = itertools.count()

REFRESH, FRESH, CHURN = "refresh", "fresh", "churn"
VERDICTS = ("lost", "wrong_lifetime", "not_removed", "unanswered", "extra", "unsure")


class Tally:
    """What a test counted, over all its rounds."""

    def __init__(self):
        self.counts = {}

    def add(self, **counts):
        for name, count in counts.items():
            self.counts[name] = self.counts.get(name, 0) + count

    def load(self, result):
        """The summary of a run of regload."""
        self.add(acknowledged=result["ok"], sent_again=result["retransmissions"])

    def audit(self, phones):
        for each in phones:
            found = each.audit()
            self.add(audited=found["users"], **{name: found[name] for name in VERDICTS})

    def __str__(self):
        return ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in self.counts.items())


class Phones:
    def __init__(self, lab, name, transport, count, expires=3600):
        assert count <= BLOCK
        first = next(blocks) * BLOCK
        self.first, self.count = first, count
        self.lab = lab
        self.acked = lab.folder / f"{name}.acked"
        self.nonces = lab.folder / f"{name}.nonces"
        self.timeline = lab.folder / f"{name}.timeline"
        self.tag = name
        self.registered = 0
        self.generation = 0  # of Call-IDs: a phone that is switched on anew has another
        self.cseq = 0
        self.transport = transport
        self.users = ("--transport", transport, "--first", first, "--users", count, "--expires", expires)
        lab.add_users(count, first)

    def arguments(self, *more):
        known = ("--known", self.acked) if self.acked.exists() else ()
        return (*self.users, "--tag", f"{self.tag}{self.generation}", "--cseq", self.cseq, *known, "--acked", self.acked,
                "--save-nonce", self.nonces, *more)

    def register(self, seconds=60):
        """All once, as phones that were switched on just now."""
        self.generation += 1
        self.cseq = 0
        self.registered = now()
        result = self.lab.regload(*self.arguments("--window", 64), seconds=seconds)
        self.cseq += 1000  # beyond whatever was sent, each request twice
        expect_whole(result)
        return result

    def remove(self):
        """All once, those that were there before by the same Call-ID."""
        result = self.lab.regload(*self.arguments("--mode", "remove", "--use-nonce", self.nonces))
        self.cseq += 1000
        expect_whole(result)
        return result

    def unchallenged(self):
        """What is asked of answers to nonces in use, while they are young."""
        return ["--expect-no-challenge"] if now() < self.registered + NONCE_S else []

    def aors(self):
        return [f"sip:user{number:06}@example.com" for number in range(self.first, self.first + self.count)]

    def start(self, how, rate):
        """Load until end(). REFRESH: the same Call-IDs, nonces in use; FRESH: new Call-IDs, and no
        nonce is known; CHURN: the
        same Call-IDs, registered and removed in turn."""
        more = ["--rate", rate, "--seconds", 600, "--t1", 200, "--timeline", self.timeline]
        if how == REFRESH:
            more += ["--use-nonce", self.nonces, *self.unchallenged()]
        elif how == CHURN:
            more += ["--use-nonce", self.nonces, "--mode", "churn"]
        else:
            self.generation += 1
            self.cseq = 0
        process = self.lab.regload_start(*self.arguments(*more))
        self.cseq += 100000
        return process

    def end(self, process):
        """Nonces that this run had no use for stay good."""
        before = self.nonces.read_text().splitlines()
        result = self.lab.regload_end(process)
        after = self.nonces.read_text().splitlines()
        named = {line.split()[0] for line in after}
        self.nonces.write_text("\n".join(after + [line for line in before if line.split()[0] not in named]) + "\n")
        return result

    def gap_at(self, moment):
        """The last 200 before `moment`, the first after it, and the longest wait for a 200 elsewhere."""
        rows = (line.split("\t") for line in self.timeline.read_text().splitlines()[1:])
        times = sorted(int(row[1]) / 1e6 for row in rows if row[3] == "200")
        pairs = list(zip(times, times[1:]))
        found = next(pair for pair in pairs if pair[1] > moment)
        return *found, max(end - begin for begin, end in pairs if (begin, end) != found)

    def audit(self):
        """Everyone that got a 200 is there with the lifetime it implies, whoever was removed is not, and no
        one is challenged: the nonces in use are accepted. What was counted, by verdict."""
        done = self.lab.run(*self.lab.regload_command(
            *self.users, "--audit", self.acked, "--use-nonce", self.nonces, *self.unchallenged(),
            "--tag", f"{self.tag}audit{self.generation}", "--slack-ms", SLACK_MS), check=False)
        if done.returncode != 0:
            raise LabError(f"audit of {self.acked.name}: exit {done.returncode}: {done.stderr.strip()[-1500:]} "
                           f"{done.stdout.strip()[-1500:]}")
        return json.loads(done.stdout)["audit"]


def expect_whole(result):
    """No request failed: retransmissions are allowed, refusals and silence are not."""
    failed = result["timeouts"] or result["other"] or result["malformed"]
    assert not failed, f"requests failed: {result}"


def table(title, head, rows):
    """Prints a small table, columns as wide as they need."""
    cells = [head, *[[cell if isinstance(cell, str) else f"{cell:.1f}" for cell in row] for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    print(f"    {title}")
    for row in cells:
        print("      " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths)), flush=True)
