#!/usr/bin/env python3
"""mutants.py - shows that the simulator finds bugs: puts one at a time into a copy of the tree.

Usage: tests/sim/mutants.py [--seeds N] [--jobs N] [NAME...]
Builds in a temporary folder; prints a table; exits 1 if a bug was not found within N seeds (1000).
"""
import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# (name, what the bug is, file, text, the text instead)
MUTANTS = [
    ("ack-early", "answers leave without the standby's ack", "replication/commit.c",
     "return own_durable < peer_received ? own_durable : peer_received;", "return own_durable;"),
    ("disk-not-awaited", "answers leave before the own disk has them", "replication/commit.c",
     "return own_durable < peer_received ? own_durable : peer_received;", "return peer_received;"),
    ("exposed-at-once", "alone, answers wait for nothing", "replication/commit.c",
     "\t\treturn own_durable;\n", "\t\treturn state == PAIR_EXPOSED ? UINT64_MAX : own_durable;\n"),
    ("reign-not-durable", "active before the reign's entry is on the disk", "node/core/node_roles.c",
     "n->reign_seq != 0 && n->durable_seq >= n->reign_seq", "n->reign_seq != 0"),
    ("epoch-skipped", "a restarted node goes on in its old reign", "node/core/node_roles.c",
     ".id = n->random | 1,", ".id = n->reign.id != 0 ? n->reign.id : n->random | 1,"),
    ("standby-expires", "the standby writes expiry entries", "node/core/node.c",
     "if (node_active(n) && !n->doubt)\n\t\tnode_expire", "if (!n->doubt)\n\t\tnode_expire"),
    ("expires-early", "bindings end two seconds early", "node/core/node_roles.c",
     "\tstruct aor_expiry how = {\n\t\t.now = pair_now(n),",
     "\tstruct aor_expiry how = {\n\t\t.now = {pair_now(n).ms + 2000},"),
    ("tail-skips", "the tail begins one entry too late", "replication/sender.c",
     ".next_seq = r->from_seq,", ".next_seq = r->from_seq + 1,"),
    ("removal-not-replicated", "the standby keeps records that were deleted",
     "node/core/node_log.c",
     "\tput(n, e, deadline);\n\tpair_clock_seen",
     "\tif (e->value.n > 0)\n\t\tput(n, e, deadline);\n\tpair_clock_seen"),
    ("snapshot-lacks-reigns", "a snapshot leaves out a table", "node/core/node_send.c",
     "while (n->cursor_table < TABLE_END) {", "while (n->cursor_table < TABLE_REIGN) {"),
    ("fork-not-kept", "a fork is overwritten without being set aside", "node/core/node_receive.c",
     "\t\tnode_out(n, OUT_SET_ASIDE)->seq = fork_seq;\n", ""),
    ("acks-too-much", "the standby acknowledges what the active has", "node/core/node_receive.c",
     ".ack = {l->beat.reign, n->last_seq, n->durable_seq}",
     ".ack = {l->beat.reign, l->beat.last_seq, n->durable_seq}"),
    ("tombstones-dropped", "a removal leaves nothing behind", "node/core/aor_edit.c",
     "\tr->tombstones[r->n_tombstones++] = *t;\n", "\t(void)t;\n"),
    ("cseq-ignored", "an older CSeq of the same Call-ID is taken", "node/core/registrar.c",
     "slice_eq(call_id, r->id.call_id) && r->cseq <= cseq;",
     "slice_eq(call_id, r->id.call_id) && r->cseq == UINT32_MAX && cseq > 0;"),
    ("dirty-read", "an answer that changes nothing waits for nothing", "node/core/serve.c",
     "\tif (seq > t->out->depends_on)\n", "\tif (seq > t->out->depends_on && t->in->no_room)\n"),
    ("log-trimmed-unseen", "a standby is offered a tail that was trimmed", "node/core/node_send.c",
     "\t\tn->log_first = in->seq + 1;\n", ""),
    ("never-deposed", "of two active nodes none gives way", "node/core/node_roles.c",
     ".peer_wins = l->greeted && l->peer_wins,", ".peer_wins = !active && l->greeted && l->peer_wins,"),
    ("held-survive", "answers held in a lost reign leave in the next", "node/core/node_roles.c",
     "\tnode_drop_held(n);\n\tnode_close_link(n, \"stepped down\");",
     "\tnode_close_link(n, \"stepped down\");"),
    ("no-doubt", "a pause is no doubt", "node/core/node_doubt.c",
     "return n->now.ms - n->last_tick.ms > longest;",
     "return n->now.ms - n->last_tick.ms > 1000 * longest;"),
    ("address-kept", "the address, once seen here, is believed to be here for ever", "node/core/node.c",
     "n->address_here = in->address.here;", "n->address_here = n->address_here || in->address.here;"),
    ("clock-not-followed", "the standby keeps a time of its own", "node/core/node_link.c",
     "\tpair_clock_follow(&n->clock, sent, round_trip_ms, n->now);\n", "\t(void)sent;\n\t(void)round_trip_ms;\n"),
    ("merge-removal-lost", "a merge knows nothing of removals", "node/core/merge_aor.c",
     "if (tombstone_beats(t, b) && ", "if (tombstone_beats(t, b) && b->cseq == 0 && "),
    ("merge-theirs-ignored", "a merge drops what the other side alone changed", "node/core/node_fork.c",
     "if (merged.outcome == MERGE_OURS_STAYS ||", "if (merged.outcome != MERGE_JOINED ||"),
    ("merge-end-lost", "a fork is handed in without its last entry", "node/core/node_fork.c",
     "hand_in(n, items, count, f->next_seq > n->last_seq);", "hand_in(n, items, count, f->next_seq >= n->last_seq);"),
    ("merge-not-moved", "a fork's stamps are taken as they are", "node/core/node_link.c",
     "l->clock_shift_ms = pair_now(n).ms - h->beat.pair.ms;", "l->clock_shift_ms = 0;"),
    ("merge-floor-ignored", "a merge knows nothing of the removal of all", "node/core/merge_aor.c",
     "if (!floor_is_known && floor_beats(&other->floor, b))", "if (!floor_is_known && b->cseq == 0)"),
    ("merge-not-done", "the winner sends its snapshot at once", "node/core/node_send.c",
     "if (r.how == RESUME_SNAPSHOT) {", "if (r.how == RESUME_SNAPSHOT || r.how == RESUME_FORK) {"),
    ("lost-store-serves", "a node whose store was damaged takes over with nothing", "ha/role.c",
     "\tif (peer_there(l) || l->f->store_lost)\n", "\tif (peer_there(l))\n"),
    ("merge-expired-absent", "what an expired binding had replaced comes back", "node/core/merge_order.c",
     "if (same_call_id && t->cseq > b->cseq)", "if (by_cseq && t->cause != CAUSE_EXPIRED && t->cseq > b->cseq)"),
    ("digest-elsewhere", "the standby compares at another entry than the active", "node/core/node_digest.c",
     "f->digest.seq != n->last_seq", "f->digest.seq + 1 != n->last_seq"),
    ("mismatch-left", "a standby that differs is left so", "node/core/node_digest.c",
     "\t\td->peer_wrong = true;\n", "\t\td->agreed = false;\n"),
    ("flip-unseen", "nobody looks at the bytes in memory again", "node/core/copy.c",
     "return record_hash(table, item->key, item->value) == item->digest;", "return item->key.n > 0 && table > 0;"),
    ("flip-served", "a record that flipped is read like any other", "node/core/serve.c",
     "if (item == NULL || copy_sound(table, item))", "if (item == NULL || item->key.n > 0)"),
    ("flip-kept", "an active whose memory flipped goes on", "node/core/node_digest.c",
     "\tn->request = ROLE_SWITCHOVER;\n", ""),
    ("store-fault-left", "a record that the store lost is not logged again", "node/core/node_digest.c",
     "!n->doubt && node_has_room(n))", "n->doubt && node_has_room(n))"),
    ("version-not-asked", "digests are sent to whoever is there", "node/core/node_digest.c",
     " ||\n\t    !link_speaks(n, frame_version(FRAME_DIGEST)))", ")"),
    ("version-own", "a node speaks what it knows, whatever the peer does", "node/core/node_link.c",
     "return ours < theirs ? ours : theirs;", "return ours > theirs ? ours : theirs;"),
    ("slice-not-stored", "a slice is acknowledged before it is stored", "node/core/node_receive.c",
     "\tmark_next(n);\n}\n\nvoid node_on_handed_over",
     "\tmark_next(n);\n\tnode_send_bulk(n, &(struct frame){.kind = FRAME_SLICE_ACK, .slice_ack = f->slice.number});\n"
     "}\n\nvoid node_on_handed_over"),
    ("snapshot-drops-changed", "what changes while a snapshot is on its way stays as it was in it", "node/core/node_receive.c",
     "\tput_next(n, e.table, e.key, e.value);\n",
     "\tif (copy_get(n->next, e.table, e.key) == NULL)\n\t\tput_next(n, e.table, e.key, e.value);\n"),
    ("snapshot-gap", "a snapshot that goes on leaves a gap", "node/core/node_send.c",
     "n->cursor = (struct copy_cursor){g->place.at, g->place.within};",
     "n->cursor = (struct copy_cursor){g->place.at + (g->slices > 0 ? UINT64_C(1) << 31 : 0), g->place.within};"),
    ("snapshot-half-served", "who takes over with half a snapshot serves it", "node/core/node_roles.c",
     "\tnode_drop_half(n); /* the old, whole state serves */\n",
     "\tif (n->next != NULL) {\n\t\tnode_bury(n, &n->copy);\n\t\tn->copy = n->next;\n\t\tn->next = NULL;\n\t}\n"),
]


def copy_tree(to: Path) -> Path:
    """What is committed, so that others may go on editing; all there is where git is absent."""
    root = Path(__file__).resolve().parents[2]
    if (root / ".git").exists():
        (to / "tree").mkdir()
        packed = subprocess.run(["git", "-C", str(root), "archive", "HEAD"], stdout=subprocess.PIPE, check=True)
        subprocess.run(["tar", "-x", "-C", str(to / "tree")], input=packed.stdout, check=True)
    else:
        shutil.copytree(root, to / "tree", ignore=shutil.ignore_patterns("build*"))
    return to / "tree"


def run(command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)


def build(base: Path, jobs: int) -> None:
    done = run(["ninja", "-C", str(base / "build"), f"-j{jobs}", "sim"])
    if done.returncode != 0:
        sys.exit(f"does not build:\n{done.stdout[-3000:]}")


def play(base: Path, seeds: int, jobs: int):
    """(how many seeds failed, the first of them, why)"""
    done = run([str(base / "build/bin/sim"), "--seeds", str(seeds), "--jobs", str(jobs)])
    found = sorted((int(s), why) for s, why in re.findall(r"^FAILED seed (\d+): (.*)$", done.stdout, re.M))
    said = re.findall(r"Assertion `(.*)' failed", done.stdout)
    if not found:
        return 0, None, ""
    first, why = found[0]
    if said and "signal" in why:
        why = f"assertion `{said[0]}`"
    return len(found), first, re.sub(r"^at \d+ ms: ", "", why)


def mutate(tree: Path, file: str, old: str, new: str) -> str:
    path = tree / file
    text = path.read_text()
    if text.count(old) < 1:
        sys.exit(f"{file} has no longer: {old.strip()!r}: write the mutant anew")
    path.write_text(text.replace(old, new, 1))
    return text


def main() -> int:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--seeds", type=int, default=1000)
    ask.add_argument("--jobs", type=int, default=2)
    ask.add_argument("names", nargs="*")
    options = ask.parse_args()
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        tree = copy_tree(base)
        made = run(["cmake", "-G", "Ninja", "-S", str(tree), "-B", str(base / "build"),
                    "-DCMAKE_C_FLAGS=-Wno-error"])
        if made.returncode != 0:
            sys.exit(made.stdout[-3000:])
        build(base, options.jobs)
        print("| bug | what it does | first seed | of | found as |\n| --- | --- | --- | --- | --- |")
        for name, what, file, old, new in MUTANTS:
            if options.names and name not in options.names:
                continue
            before = mutate(tree, file, old, new)
            build(base, options.jobs)
            failed, first, why = play(base, options.seeds, options.jobs)
            (tree / file).write_text(before)
            missed += failed == 0
            seen = f"{first} | {failed} of {options.seeds}" if failed else "- | 0"
            shown = why.replace("|", "\\|") or "**not found**"
            print(f"| {name} | {what} | {seen} | {shown} |", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
