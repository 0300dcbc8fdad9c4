#!/usr/bin/env python3
"""mutants.py - shows that the tests find bugs: puts one at a time into a copy of the tree.

Usage: tests/sim/mutants.py [--seeds N] [--most N] [--jobs N] [NAME...]
       tests/sim/mutants.py --check   each text is in its file, once (milliseconds)
Each bug is looked for by the simulator with N seeds (300), then with more until it is found (--most, 6000); or by the
unit test named beside it, where it is in what the simulator does not play. --jobs bugs at once (2).
Builds in a temporary folder; prints a table; exits 1 if a bug was not found.
"""
import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

# (name, what the bug is, file, text, the text instead[, the unit test that finds it])
# Several places of one bug: lists of as many texts.
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
    ("standby-keeps-alive", "the standby sends keep-alives, too", "node/core/node_keep_alive.c",
     "\tif (!node_active(n)) {\n\t\treach_begin", "\tif (!n->loaded) {\n\t\treach_begin"),
    ("silence-unnoticed", "who does not answer is never unreachable", "node/core/reach.c",
     "missed > REACH_TRIES ? missed : missed + 1", "missed > 0 ? missed : missed + 1", "test_keep_alive"),
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
    ("stamps-moved-by-a-start", "a fork from before a start is moved by what the clock lost over it",
     "node/core/node_fork.c", " || r->epoch < l->hello.clock_epoch)", ")", "test_node_fork"),
    ("acks-too-much", "the standby acknowledges what the active has", "node/core/node_receive.c",
     ".ack = {l->beat.reign, n->last_seq, n->durable_seq}",
     ".ack = {l->beat.reign, l->beat.last_seq, n->durable_seq}"),
    ("tombstones-dropped", "a removal leaves nothing behind", "node/core/aor_edit.c",
     "\tr->tombstones[r->n_tombstones++] = joined;\n", "\t(void)joined;\n"),
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
     "return ms > longest ? ms : 0;", "return ms > 1000 * longest ? ms : 0;"),
    ("address-kept", "the address, once seen here, is believed to be here for ever", "node/core/node.c",
     "n->address_here = in->address.here;", "n->address_here = n->address_here || in->address.here;"),
    ("clock-not-followed", "the standby keeps a time of its own", "node/core/node_link.c",
     "\tpair_clock_follow(&n->clock, sent, round_trip_ms, n->now);\n", "\t(void)sent;\n\t(void)round_trip_ms;\n"),
    ("removal-forgotten", "who registers again has removed nothing before", "node/core/aor_edit.c",
     "t->cause != CAUSE_REQUEST && slice_eq", "slice_eq", "test_merge_random"),
    ("fork-moved-behind", "what a fork wrote is moved behind what both knew", "node/core/merge.c",
     "return stamp.ms > m->common_until.ms ? stamp : m->common_until;", "return stamp;", "test_merge"),
    ("reign-in-doubt", "a takeover that was paused begins its reign at once", "node/core/node_roles.c",
     "bool begins = n->doubt && n->role.role == ROLE_TAKING_OVER;", "bool begins = n->doubt && n->loaded == false;",
     "test_node_roles"),
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
    ("hang-dropped-late", "a node whose disk hangs answers what the standby alone has", "node/core/node_disk.c",
     "\td->hangs = hangs;\n", "\td->hangs = hangs;\n\tif (hangs)\n\t\tn->durable_seq = n->last_seq;\n"),
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
    ("snapshot-keeps-deleted", "what is deleted while a snapshot is on its way stays in it", "node/core/node_receive.c",
     "\tif (value.n == 0)\n\t\tcopy_delete(n->next, table, key);\n\telse\n\t\tcopy_put(", "\tif (value.n > 0)\n\t\tcopy_put("),
    ("snapshot-gap", "a snapshot that goes on leaves a gap", "node/core/node_send.c",
     "n->cursor = (struct copy_cursor){g->place.at, g->place.within};",
     "n->cursor = (struct copy_cursor){g->place.at + (g->slices > 0 ? UINT64_C(1) << 31 : 0), g->place.within};"),
    ("snapshot-half-served", "who takes over with half a snapshot serves it", "node/core/node_roles.c",
     "\tnode_drop_half(n); /* the old, whole state serves */\n",
     "\tif (n->next != NULL) {\n\t\tnode_bury(n, &n->copy);\n\t\tn->copy = n->next;\n\t\tn->next = NULL;\n\t}\n"),
    ("stale-timer-deletes", "a timer ends what was refreshed since, too", "node/core/aor_time.c",
     "bool stays = cause == CAUSE_EXPIRED && binding_is_live(b, e->now) &&",
     "bool stays = cause == CAUSE_EXPIRED && binding_is_live(b, e->now) && before < 2 &&"),
    ("doubt-outlasted", "a doubt ends by its time, though the node was paused again", "node/core/node_doubt.c",
     "return ms > longest ? ms : 0;", "return ms > longest && !n->doubt ? ms : 0;", "test_node"),
    ("disk-blamed", "a process that was stopped takes its disk for one that hangs", "node/core/node_doubt.c",
     "\tn->disk.waits_since = MTIME_NEVER; /* what writes to it stood still, too */\n", "", "test_node_disk"),
    ("reply-out-of-order", "one that may leave takes along all that wait behind it", "node/core/node_log.c",
     "\t\tif (head.seq > allowed)\n", "\t\tif (head.seq > allowed && i == 0)\n"),
    ("reply-before-entry", "an answer depends on the entry before its own", "node/core/node.c",
     "\tnode_hold(n, depends_on, &reply);", "\tnode_hold(n, depends_on > 0 ? depends_on - 1 : 0, &reply);"),
    ("epoch-for-reign", "the same epoch on both sides is taken for one reign", "replication/resume.c",
     "bool same = x->id == y->id &&", "bool same = x->epoch == y->epoch &&"),
    ("ack-kept", "the acknowledged position is kept across a hello",
     ["node/core/node_link.c", "replication/sender.c"],
     ["\tn->sender = (struct sender){0};", "\t\t.received = whole ? 0 : standby_durable,"],
     ["\tn->sender = (struct sender){.received = n->sender.received};",
      "\t\t.received = s->received > standby_durable ? s->received : standby_durable,"]),
    ("expiry-wins-merge", "a binding that expired on one side ends the other's, too", "node/core/merge_order.c",
     "if (t->cause == CAUSE_EXPIRED || (t->cause == CAUSE_REPLACED && !same_call_id))",
     "if (t->cause == CAUSE_REPLACED && !same_call_id)"),
    ("merged-twice", "a loser's stamps are moved once more as its merge begins again", "node/core/node_link.c",
     "bool seeded = told && !n->fork_held;", "bool seeded = told;", "test_node_fork"),
    ("merge-shuts-itself-out", "a merge that fills the window ends the link", "node/core/node_fork.c",
     "\tif (!node_window_fits(n, wanted) && n->durable_seq < n->last_seq)\n\t\treturn;\n",
     "\t(void)wanted;\n", "test_node_fork"),
    ("merge-deleted-crashes", "a fork that names a record deleted since is handed in with an empty one",
     "node/core/node_fork.c", "if (item == NULL || !is_merged_table", "assert(item != NULL);\n\tif (!is_merged_table",
     "test_node_fork"),
    ("hello-is-instant", "a hello that was long on its way sets a clock that follows", "replication/pair_clock.c",
     "(c->following && !sure)", "(c->following && !sure && round_trip_ms > ROUND_TRIP_MAX_MS)", "test_pair_clock"),
    ("wall-is-time", "a start alone takes the wall clock for the time", "replication/pair_clock.c",
     "clamp(moved_ms, 0, s->longest_ms)", "moved_ms", "test_pair_clock"),
    ("half-a-register", "of several contacts the last is left out", "node/core/registrar.c",
     "make_way(ctx, r, record);\n\tfor (size_t i = 0; i < r->n_contacts; i++) {",
     "make_way(ctx, r, record);\n\tfor (size_t i = 0; i < r->n_contacts && i < 2; i++) {"),
    ("users-miscounted", "an AOR that is gone is still counted", "node/core/copy.c",
     "\tsum->records--;\n", ""),
    ("bindings-miscounted", "bindings that go with a change are still counted", "node/core/copy.c",
     "\tif (more != less)\n\t\tmove_weight(sum_of(c, i), more, less);", "\tif (more > less)\n\t\tmove_weight(sum_of(c, i), more, less);"),
    ("behind-for-ever", "a node that was behind says so when the pair is whole again", "node/core/node_send.c",
     "\tif (is == PAIR_PAIRED)\n\t\tn->paired_in = n->reign.id;\n", ""),
    ("lifetimes-too-short", "what is granted is up to a fifth less", "node/core/registrar.c",
     "ctx->jitter % (most / 10 + 1)", "ctx->jitter % (most / 5 + 1)"),
    ("notify-unlogged", "a NOTIFY leaves before its version is logged", "node/core/node_watch.c",
     "\t\tnode_watch_send(n, seq, &l->notifies[i]);", "\t\tnode_watch_send(n, seq - seq, &l->notifies[i]);"),
    ("notify-uncounted", "one version tells two things", "node/core/watcher.c",
     "\tnext_version(news, w);\n", "\tif (kind == NOTIFY_FULL || news->reign == 0)\n\t\tnext_version(news, w);\n"),
    ("watchers-merged-low", "of one dialog a merge takes the lower version", "node/core/merge.c",
     "else if (mine != NULL && theirs->version > mine->version)", "else if (mine != NULL && theirs->version < mine->version)"),
    ("watcher-forgotten", "another one's subscription costs a watcher his turn", "node/core/serve_watch.c",
     "t->out->deadline = t->in->pair;", "t->out->deadline = PAIRTIME_NEVER;", "test_watch"),
    ("new-reign-untold", "a new reign tells nobody anew", "node/core/watcher.c",
     "if (w->reign != news->reign)", "if (w->reign == 0)", "test_watch"),
    ("fork-as-long-lost", "a fork that ends at the number of the one before is not set aside", "node/core/node_receive.c",
     "\tn->set_aside_through = 0;", "\tn->set_aside_through += 0;", "test_node_fork"),
    ("nap-cseq-not-jumped", "a new reign goes on with the next CSeq", "node/core/nap_client.c",
     "if (ours && !new_reign)", "if (ours || new_reign)"),
    ("nap-unlogged", "a REGISTER leaves before its entry is committed", "node/core/node_nap_act.c",
     ".depends_on = seq,", ".depends_on = seq - seq,"),
    ("nap-standby-registers", "the standby refreshes, too", "node/core/node_nap.c",
     "\tif (!node_active(n)) {\n\t\tif (w->running)", "\tif (!n->loaded) {\n\t\tif (w->running)"),
    ("nap-unknown-is-registered", "an outcome that nobody knows is taken for a registration", "node/core/node_nap.c",
     "\tif (in_flight || unlike || p->leaving)\n",
     "\tif (in_flight)\n\t\treturn MTIME_NEVER;\n\tif (unlike || p->leaving)\n"),
    ("nap-call-id-anew", "each reign registers under a Call-ID of its own", "node/core/node_nap_act.c",
     "return a->r->call_id.n == 0 ||", "return a->r->call_id.n == 0 || !a->p->attempt.counts ||"),
    ("nap-nonce-uncounted", "a nonce is used twice by one count", "node/core/nap_message.c", "\t\tc->nc++;\n", "\t\tc->nc = 1;\n"),
    ("nap-merged-low", "of two sides of a fork the lower CSeq goes on", "node/core/merge.c",
     "if (nap_is_newer(&theirs, &ours))", "if (nap_is_newer(&ours, &theirs))"),
    ("nap-spins", "what is due while a name is looked up is looked at without end", "node/core/node_nap.c",
     "p->aiming ? p->aim_until : p->due;", "p->due;"),
    ("nap-acts-deposed", "a stream that comes up after the step down is used", "node/core/node_nap_aim.c",
     "!n->naps.running || !node_active(n)) {", "!n->naps.running) {", "test_node_nap_way"),
    ("nap-reload-anew", "a reload that changes the polling takes the binding away, and registers anew", "node/core/node_nap_list.c",
     "return a->registers == b->registers && a->gin", "return a->registers == b->registers && a->polls == b->polls && a->gin"),
    ("nap-damaged-anew", "a NAP whose record is damaged registers under another Call-ID", "node/core/node_nap_record.c",
     "\t\tnode_memory_fault(n, TABLE_NAP, item->key);\n\t\treturn NULL;\n", "\t\tnode_memory_fault(n, TABLE_NAP, item->key);\n",
     "test_node_nap"),
    ("answer-of-any-number", "an answer to an earlier request of the dialog is taken for this one's",
     "node/core/transactions.c", "mix(number.number, number.method)", "mix(0, number.method)", "test_transactions"),
    ("broken-stream-waits", "requests wait for their time-out though their stream is gone",
     "node/core/transactions.c", "\t\tx->due = now;\n", "\t\tx->due = x->until;\n\t\t(void)now;\n", "test_transactions"),
    ("tls-any-host", "a certificate of any host will do", "node/io/sip_tls.c",
     "is_address(n.wanted) ? bears_address(cert, n.wanted) : n.is_wanted",
     "is_address(n.wanted) ? bears_address(cert, n.wanted) : n.wanted.n > 0", "test_sip_tls"),
    ("tls-any-ca", "a certificate that nobody vouches for will do", "node/io/sip_tls.c",
     "\t\ttell_why(ssl, X509_STORE_CTX_get_error(store));\n\t\treturn 0;",
     "\t\ttell_why(ssl, X509_STORE_CTX_get_error(store));\n\t\treturn 1;", "test_sip_tls"),
    ("nap-refreshed-late", "a refresh waits for the whole lifetime", "node/core/nap_client.c",
     "(int64_t)a->granted_s * 10 * s->options->refresh_percent", "(int64_t)a->granted_s * 1000", "test_nap_client"),
    ("nap-two-at-once", "a second REGISTER leaves while one is on its way", "node/core/nap_client.c",
     "s->record->phase == NAP_IDLE || s->attempt->on_its_way", "s->record->phase == NAP_IDLE", "test_nap_client"),
    ("nap-next-is-another", "the next target gets another CSeq", "node/core/nap_client.c",
     "if (!a->repeats)", "if (a->counts || !a->repeats)", "test_nap_client"),
    ("nap-spoofed", "an answer from anywhere counts", "node/core/node_request.c",
     "addr_same_ip(&flow->remote, &r->target)", "flow->remote.family == r->target.family", "test_node_nap"),
    ("nap-unpaced", "what is overdue goes out at once", "node/core/node_nap.c",
     "p->credit -= 1000;", "p->credit -= 1;", "test_node_nap"),
    ("nap-hasty-orphan", "a node that was behind un-registers what it does not know", "node/core/node_nap.c",
     "p->leaving && n->reign.behind &&", "p->leaving && !n->loaded &&", "test_node_nap_list"),
    ("nap-no-pong", "a stream that does not answer is kept", "node/core/node_nap_aim.c",
     "p->pong_until = mtime_add_ms(n->now, PONG_MS);", "p->pong_until = MTIME_NEVER;", "test_node_nap_way"),
    ("image-ahead", "the image goes beyond what is durable in the log", "store/image.c",
     "enum err store_checkpoint(struct store *store, uint64_t through_seq, uint64_t *records)\n{\n",
     "enum err store_checkpoint(struct store *store, uint64_t through_seq, uint64_t *records)\n{\n\tthrough_seq += 2;\n",
     "test_store_image"),
    ("fifo-believed", "a line that waited in the FIFO is acted on", "node/io/keeper.c",
     "\tif (drain(fd))\n\t\tlook(context);\n",
     "\tstruct keeper *k = context;\n\tif (drain(fd)) {\n\t\tk->here = !k->here;\n\t\tfeed(k);\n\t}\n",
     "test_keeper"),
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


def build(base: Path, target: str) -> str:
    """What is wrong; nothing where it was built."""
    done = run(["ninja", "-C", str(base / "build"), "-j1", target])
    return "" if done.returncode == 0 else done.stdout[-3000:]


def play(base: Path, first: int, seeds: int):
    """(how many seeds failed, the first of them, why)"""
    done = run([str(base / "build/bin/sim"), "--seeds", str(seeds), "--first", str(first)])
    found = sorted((int(s), why) for s, why in re.findall(r"^FAILED seed (\d+): (.*)$", done.stdout, re.M))
    said = re.findall(r"Assertion `(.*)' failed", done.stdout)
    if not found:
        return 0, None, ""
    seed, why = found[0]
    if said and "signal" in why:
        why = f"assertion `{said[0]}`"
    return len(found), seed, re.sub(r"^at \d+ ms: ", "", why)


def by_seeds(base: Path, seeds: int, most: int):
    """(found, columns of the table)"""
    failed, seed, why = play(base, 1, seeds)
    first, played = seeds + 1, seeds
    while not failed and first <= most:
        failed, seed, why = play(base, first, seeds)
        first, played = first + seeds, played + seeds
    seen = f"{seed} | {failed} of {seeds}" if seed is not None else f"- | 0 of {played}"
    return failed > 0, f"{seen} | " + (why.replace("|", "\\|") or "**not found**")


def by_test(base: Path, test: str):
    done = run([str(next((base / "build").rglob(test)))], cwd=base / "tree")
    found = re.findall(r"\[  FAILED  \] (\w+)$", done.stdout, re.M)
    said = re.findall(r"Assertion `(.*)' failed", done.stdout)
    shown = found[0] if found else f"assertion `{said[0]}`" if said else ""
    caught = done.returncode != 0
    return caught, f"{test} | - | " + (shown.replace("_", " ") or ("its end" if caught else "**not found**"))


def as_list(x):
    return x if isinstance(x, list) else [x]


def check(tree: Path) -> int:
    """Every text is in its file, once; every test is there: else the bug is somewhere else than it was."""
    wrong = []
    for mutant in MUTANTS:
        for file, old, _ in zip(*(as_list(x) for x in mutant[2:5])):
            times = (tree / file).read_text().count(old)
            if times != 1:
                wrong.append(f"{mutant[0]}: {file} has {times} times, not once: {old.strip()!r}")
        if len(mutant) > 5 and not (tree / "tests/unit" / f"{mutant[5]}.c").exists():
            wrong.append(f"{mutant[0]}: there is no test {mutant[5]}")
    print("\n".join(wrong) if wrong else f"{len(MUTANTS)} mutants apply")
    return 1 if wrong else 0


def mutate(tree: Path, mutant) -> dict:
    """What the changed files held before."""
    before = {}
    for file, old, new in zip(*(as_list(x) for x in mutant[2:5])):
        path = tree / file
        text = path.read_text()
        if text.count(old) < 1:
            sys.exit(f"{file} has no longer: {old.strip()!r}: write the mutant {mutant[0]} anew")
        before.setdefault(path, text)
        path.write_text(text.replace(old, new, 1))
    return before


def make_base(base: Path) -> Path:
    tree = copy_tree(base)
    cache = ["-DCMAKE_C_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
    made = run(["cmake", "-G", "Ninja", "-S", str(tree), "-B", str(base / "build"), "-DCMAKE_C_FLAGS=-Wno-error", *cache])
    if made.returncode != 0:
        sys.exit(made.stdout[-3000:])
    for mutant in MUTANTS: # all of them apply, before the long work begins
        for path, text in mutate(tree, mutant).items():
            path.write_text(text)
    return base


def try_one(bases: Queue, mutant, options) -> bool:
    base = bases.get()
    test = mutant[5] if len(mutant) > 5 else "sim"
    before = mutate(base / "tree", mutant)
    wrong = build(base, test)
    found, row = (False, "- | - | **does not build**") if wrong else \
        by_seeds(base, options.seeds, options.most) if test == "sim" else by_test(base, test)
    for path, text in before.items():
        path.write_text(text)
    bases.put(base)
    print(f"| {mutant[0]} | {mutant[1]} | {row} |", flush=True)
    if wrong:
        print(wrong, file=sys.stderr)
    return found


def main() -> int:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--seeds", type=int, default=300)
    ask.add_argument("--most", type=int, default=6000)
    ask.add_argument("--jobs", type=int, default=2)
    ask.add_argument("--check", action="store_true")
    ask.add_argument("names", nargs="*")
    options = ask.parse_args()
    if options.check:
        return check(Path(__file__).resolve().parents[2])
    unknown = set(options.names) - {m[0] for m in MUTANTS}
    if unknown:
        sys.exit(f"no mutant of that name: {', '.join(sorted(unknown))}")
    chosen = [m for m in MUTANTS if not options.names or m[0] in options.names]
    with tempfile.TemporaryDirectory() as folder:
        bases: Queue = Queue()
        for job in range(options.jobs):
            base = Path(folder) / str(job)
            base.mkdir()
            bases.put(make_base(base))
        print("| bug | what it does | first seed, or test | of | found as |\n| --- | --- | --- | --- | --- |", flush=True)
        with ThreadPoolExecutor(options.jobs) as pool:
            found = list(pool.map(lambda m: try_one(bases, m, options), chosen))
    print(f"\n{sum(found)} of {len(found)} found", file=sys.stderr)
    return 0 if all(found) else 1


if __name__ == "__main__":
    sys.exit(main())
