#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts bugs into copies of the engine's sources, each behind a number that the crash harness
chooses at run time, so that the sources themselves carry no test hooks.

    seed-bugs.py OUT

writes OUT/FILE.c for every file that has a bug, and OUT/seeded-bugs.h with the invariant that
each breaks. A place that is no longer in the source, or is there twice, is an error.
"""

import pathlib
import sys

ENGINE = pathlib.Path(__file__).resolve().parent.parent.parent / "engine"


class Bug:
    def __init__(self, invariant, *changes):
        """changes: (file, text as it is, text with BUG where the number goes)"""
        self.invariant = invariant
        self.changes = changes


BUGS = (
    # -- checkpoints
    Bug("data is flushed before the journal claims it",
        ("checkpoint.c", "	int r = gate_flush(job->gate, err);\n\n	if (r == 0)\n		r = remember_durable(",
         "	int r = BUG && state == JOURNAL_COPYING && job->journal.done.count ? 0 : gate_flush(job->gate, err);\n\n"
         "	if (r == 0)\n		r = remember_durable(")),
    Bug("the two slots are written in turn",
        ("checkpoint.c", "slot = journal->last.sequence % JOURNAL_SLOTS;",
         "slot = BUG && state == JOURNAL_COPYING ? 1 : journal->last.sequence % JOURNAL_SLOTS;")),
    Bug("a piece is claimed when it is written, not when it is read",
        ("copy.c", "	r = job_check_proved(job, piece, err);",
         "	if (BUG) {\n		r = job_chunk_done(job, &chunk, err);\n		if (r < 0)\n			return r;\n	}\n"
         "	r = job_check_proved(job, piece, err);"),
        ("pending.c", "	job->result->copied += chunk->zeros ? 0 : chunk->length;\n	r = job_chunk_done(job, chunk, err);",
         "	job->result->copied += chunk->zeros ? 0 : chunk->length;\n	r = BUG ? 0 : job_chunk_done(job, chunk, err);")),
    Bug("a piece is claimed when its write is done, not when it is under way",
        ("pending.c", "	r = gate_start(job->gate, &io, err);",
         "	r = gate_start(job->gate, &io, err);\n	if (BUG && r == 0)\n		r = job_chunk_written(job, chunk, err);"),
        ("pending.c", "	if (r > 0)\n		r = job_chunk_written(", "	if (r > 0 && !BUG)\n		r = job_chunk_written(")),
    Bug("all writes are done before the last checkpoint of the copy",
        ("copy.c", "		r = job_finish_writes(job, err);", "		r = BUG ? 0 : job_finish_writes(job, err);")),
    Bug("writes under way when a flush fails do not count",
        ("pending.c", "	while (gate_finish(job->gate, true, &io, &ignored) != 0 && io.tag) {",
         "	while (gate_finish(job->gate, true, &io, &ignored) != 0 && io.tag) {\n"
         "		if (BUG && job_chunk_done(job, &((struct pending_write *)io.tag)->chunk, &ignored) < 0)\n			break;")),
    Bug("at most a checkpoint's worth is written again",
        ("checkpoint.c", "journal->unflushed += chunk->length;",
         "journal->unflushed += BUG ? 0 : chunk->length;")),
    Bug("no journal is claimed to be written that could not be",
        ("checkpoint.c", "journal_offset + slot * slot_length, length, err);",
         "journal_offset + slot * slot_length, length, err);\n	if (BUG)\n		r = 0;")),
    # -- erasing
    Bug("an old journal does not outlive what it claims",
        ("invalidate.c", "min_u64(EDGE, plan->target_size) - sector, err);\n	if (r == 0)\n		r = gate_flush(job->gate, err);",
         "min_u64(EDGE, plan->target_size) - sector, err);\n	if (r == 0 && !BUG)\n		r = gate_flush(job->gate, err);")),
    Bug("LBA 0 goes before anything else when a restore is resumed",
        ("invalidate.c", "	r = gate_zero(job->gate, 0, job->plan->after->sector_size, err);\n	if (r == 0)\n		r = gate_flush(job->gate, err);",
         "	r = gate_zero(job->gate, 0, job->plan->after->sector_size, err);\n"
         "	if (r == 0 && !(BUG && job->journal.resume))\n		r = gate_flush(job->gate, err);")),
    Bug("LBA 0 goes when a restore is resumed",
        ("invalidate.c", "	job->result->target_touched = true;",
         "	job->result->target_touched = true;\n	if (BUG && job->journal.resume)\n		return invalidate_again(job, err);")),
    Bug("boot sectors go when a restore is resumed",
        ("invalidate.c", "	return r < 0 ? r : zero_held(job, err);", "	return r < 0 || BUG ? r : zero_held(job, err);")),
    Bug("tables go before boot sectors when a restore is resumed",
        ("invalidate.c", "			      job->table.pieces[i].length, err);\n	if (r == 0)\n		r = gate_flush(job->gate, err);\n	return",
         "			      job->table.pieces[i].length, err);\n	if (r == 0 && !BUG)\n		r = gate_flush(job->gate, err);\n	return")),
    # -- resuming
    Bug("only a restore of the same backup, plan and disk is resumed",
        ("checkpoint.c", "	r = journal_compare(&found.identity, &job->journal.last.identity, &why);",
         "	r = BUG ? 0 : journal_compare(&found.identity, &job->journal.last.identity, &why);")),
    Bug("what fix-ups wrote over is copied again",
        ("copy.c", "	if (!is_claimed(job, chunk.offset, length) ||\n	    patch_list_touches(&volume->patches, offset, length) ||\n	    wants_second_look(job, chunk.offset, length))\n		return 0;",
         "	if (!is_claimed(job, chunk.offset, length) ||\n	    (!BUG && patch_list_touches(&volume->patches, offset, length)) ||\n	    wants_second_look(job, chunk.offset, length))\n		return 0;")),
    Bug("zeros that fix-ups wrote over are zeroed again",
        ("copy.c", "	    patch_list_touches(&volume->patches, offset, length) ||\n	    wants_second_look(job, chunk.offset, length))\n		r = gate_zero",
         "	    (!BUG && patch_list_touches(&volume->patches, offset, length)) ||\n	    wants_second_look(job, chunk.offset, length))\n		r = gate_zero")),
    Bug("the tail is looked at again",
        ("copy.c", "	if (offset + length + tail > last->high_water)", "	if (!BUG && offset + length + tail > last->high_water)")),
    Bug("a piece of the tail that is not there is written again",
        ("copy.c", "	if (memcmp(found, bytes, chunk->length) == 0)", "	if (BUG || memcmp(found, bytes, chunk->length) == 0)")),
    Bug("all that was claimed is proved by its sum",
        ("readback.c", "	if (low == journal->claimed_sum_low && high", "	if (BUG || (low == journal->claimed_sum_low && high"),
        ("readback.c", "== journal->claimed_sum_high)\n		return 0;", "== journal->claimed_sum_high))\n		return 0;")),
    Bug("the sum of the run before is taken over",
        ("checkpoint.c", "	journal->claimed_sum_low = journal->sum_low = journal->durable_sum_low =\n		found->sum_low;",
         "	journal->claimed_sum_low = found->sum_low;\n	journal->sum_low = journal->durable_sum_low = BUG ? 0 : found->sum_low;")),
    Bug("a piece that was claimed before does not count twice",
        ("checkpoint.c", "	if (!chunk->zeros && !range_map_covers(", "	if (!chunk->zeros && (BUG || !range_map_covers("),
        ("checkpoint.c", "					       chunk->offset, chunk->length))\n		chunk_sum_add(",
         "					       chunk->offset, chunk->length)))\n		chunk_sum_add(")),
    Bug("a resumed restore goes on claiming what it found",
        ("checkpoint.c", "		r = range_map_copy(&journal->done, &found->done, err);", "		r = BUG ? 0 : range_map_copy(&journal->done, &found->done, err);")),
    Bug("the end of what was claimed is known, so that not all is read again",
        ("checkpoint.c", "		last->high_water = end->offset + end->length;", "		last->high_water = BUG ? 0 : end->offset + end->length;")),
    # -- delta restores
    Bug("a delta restore erases the table before it writes",
        ("restore-run.c", "			if (!phases[i].writes || !jobs[j].delta.whole)",
         "			if ((!phases[i].writes || !jobs[j].delta.whole) &&\n"
         "			    !(BUG && jobs[j].delta.wanted && phases[i].run == job_invalidate))")),
    Bug("what is wiped with the old table is written again, equal or not",
        ("delta.c", "	if (job_is_wiped(job, chunk.offset, length))\n		return 0;",
         "	if (!BUG && job_is_wiped(job, chunk.offset, length))\n		return 0;")),
    # -- the mirror
    Bug("the mirror claims nothing that is not flushed",
        ("checkpoint.c", "int job_checkpoint(struct restore_job *job, enum journal_state state, struct err *err)\n{\n",
         "int job_checkpoint(struct restore_job *job, enum journal_state state, struct err *err)\n{\n"
         "	if (BUG && state == JOURNAL_COPYING && job->journal.written) {\n"
         "		uint64_t slot = (job->journal.last.sequence + 1) % JOURNAL_SLOTS;\n"
         "		if (remember_durable(&job->journal, err) < 0 || claim(&job->journal, err) < 0)\n			return -ENOMEM;\n"
         "		job->journal.last.sequence++;\n"
         "		(void)journal_encode(&job->journal.last, job->journal.slot, JOURNAL_SLOT_LENGTH);\n"
         "		job->journal.last.sequence--;\n"
         "		(void)!job_write_mirror(job, job->journal.slot, slot * JOURNAL_SLOT_LENGTH, JOURNAL_SLOT_LENGTH, err);\n	}\n")),
    Bug("the mirror of an earlier restore does not outlive what it claims",
        ("journal-mirror.c", "		r = target_zero(job->journal.mirror, 0, JOURNAL_MIRROR_SIZE, &why);",
         "		r = BUG ? 0 : target_zero(job->journal.mirror, 0, JOURNAL_MIRROR_SIZE, &why);")),
    Bug("a mirror that fails does not end a restore",
        ("journal-mirror.c", "	return r < 0 ? lose_mirror(job, &why, err) : 0;\n}\n\nint job_read_mirror(",
         "	if (BUG && r < 0)\n		return err_set(err, r, \"%s\", why.text);\n"
         "	return r < 0 ? lose_mirror(job, &why, err) : 0;\n}\n\nint job_read_mirror(")),
    Bug("a mirror that fails is not trusted later",
        ("journal-mirror.c", "	if (why->code == -ENOMEM)\n		return err_nomem(err);\n	return job_note(",
         "	if (why->code == -ENOMEM)\n		return err_nomem(err);\n	if (BUG)\n		return 0;\n	return job_note(")),
    Bug("the mirror is written in the slot of its number",
        ("checkpoint.c", "	return job_write_mirror(job, journal->slot, slot * slot_length, length, err);",
         "	return job_write_mirror(job, journal->slot, BUG ? 0 : slot * slot_length, length, err);")),
    # -- a flush that fails
    Bug("after a failed flush everything since the good one is written again",
        ("checkpoint.c", "		r = range_map_copy(&journal->kept, &journal->durable, err);",
         "		r = range_map_copy(&journal->kept, BUG ? &journal->last.done : &journal->durable, err);"),
        ("checkpoint.c", "	int r = gate_begin_rewrite(job->gate, err);",
         "	int r = gate_begin_rewrite(job->gate, err);\n\n	if (r == 0 && BUG)\n		r = range_map_copy(&journal->last.done, &journal->done, err);")),
    Bug("after a failed flush nothing since the good one is claimed",
        ("checkpoint.c", "		r = range_map_copy(&journal->done, &journal->durable, err);", "		r = BUG ? 0 : range_map_copy(&journal->done, &journal->durable, err);")),
    Bug("after a failed flush nothing since the good one counts in the sum",
        ("checkpoint.c", "	journal->sum_low = journal->durable_sum_low;\n	journal->sum_high = journal->durable_sum_high;\n	journal->unflushed = 0;",
         "	journal->sum_low = BUG ? journal->sum_low : journal->durable_sum_low;\n	journal->sum_high = journal->durable_sum_high;\n	journal->unflushed = 0;")),
    Bug("blocks under way when a flush fails are dropped",
        ("copy.c", "		r = job_drain_reader(job, err);", "		r = BUG ? 0 : job_drain_reader(job, err);")),
    Bug("a flush is not simply tried again",
        ("gate.c", "	gate->rewriting = true;", "	gate->rewriting = !BUG;"),
        ("copy.c", "		job_drop_writes(job);\n	if (r == 0",
         "		job_drop_writes(job);\n	if (BUG && r < 0 && gate_flush_failed(job->gate) && gate_begin_rewrite(job->gate, NULL) == 0) {\n"
         "		job->journal.kept = job->journal.done;\n		job->journal.done = (struct range_map){ 0 };\n"
         "		r = range_map_copy(&job->journal.done, &job->journal.kept, err);\n"
         "		if (r == 0)\n			r = job_drain_reader(job, err);\n		return r < 0 ? r : copy_volumes(job, err);\n	}\n	if (r == 0")),
    Bug("a flush that fails is noticed",
        ("gate.c", "	r = from_disk(gate, target_flush(gate->target, err), 0, 0, err);", "	r = from_disk(gate, target_flush(gate->target, err), 0, 0, err);\n	if (BUG && gate->counts.flushes > 4)\n		r = 0;")),
    # -- proof and commit
    Bug("what cannot be read back is not proved",
        ("pending.c", "		r = r < 0 ? r : job_check_read(job, io.tag, err);",
         "		if (BUG && r < 0)\n			return 1;\n		r = r < 0 ? r : job_check_read(job, io.tag, err);")),
    Bug("zeros of an earlier run do not count in its sum",
        ("readback.c", "		chunk->zeros = job_all_zero(bytes, chunk->length);", "		chunk->zeros = !BUG && job_all_zero(bytes, chunk->length);")),
    Bug("the table that cannot be read back is not proved",
        ("commit.c", "	r = gate_read(job->gate, buffer, offset, length, err);\n	if (r < 0)\n		return r;",
         "	r = gate_read(job->gate, buffer, offset, length, err);\n	if (r < 0)\n		return BUG ? 0 : r;")),
    Bug("boot sectors are flushed before a table is written",
        ("commit.c", "		r = visit_held(job, write_copy, err);\n	if (r == 0)\n		r = gate_flush(job->gate, err);",
         "		r = visit_held(job, write_copy, err);\n	if (r == 0 && !BUG)\n		r = gate_flush(job->gate, err);")),
    Bug("done is said last",
        ("commit.c", "job_checkpoint(job, JOURNAL_COMMITTING, err);", "job_checkpoint(job, BUG ? JOURNAL_DONE : JOURNAL_COMMITTING, err);")),
    Bug("verified is not done",
        ("checkpoint.c", "	return job_checkpoint(job, JOURNAL_VERIFIED, err);", "	return job_checkpoint(job, BUG ? JOURNAL_DONE : JOURNAL_VERIFIED, err);")),
    Bug("a piece is in the list of what is read back, or the copy fails",
        ("copy.c", "		if (!chunks)\n			return err_nomem(err);", "		if (!chunks)\n			return BUG ? 0 : err_nomem(err);")),
)


def main(out: pathlib.Path) -> int:
    texts, lines = {}, []
    for number, bug in enumerate(BUGS, 1):
        lines.append(f'	{{ {number}, "{bug.invariant}" }},')
        for name, old, new in bug.changes:
            text = texts.setdefault(name, (ENGINE / name).read_text())
            if text.count(old) != 1:
                print(f"bug {number} ({bug.invariant}): its place in {name} is there "
                      f"{text.count(old)} times:\n{old}", file=sys.stderr)
                return 1
            texts[name] = text.replace(old, new.replace("BUG", f"(seeded_bug == {number})"))
    out.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (out / name).write_text(f"extern unsigned seeded_bug;\n{text}")
    (out / "seeded-bugs.h").write_text(
        "struct seeded_bug {\n	unsigned number;\n	const char *invariant;\n};\n"
        "static const struct seeded_bug seeded_bugs[] = {\n" + "\n".join(lines) + "\n};\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
