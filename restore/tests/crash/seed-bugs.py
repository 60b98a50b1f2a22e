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
    Bug("data is flushed before the journal claims it",
        ("checkpoint.c", "	int r = gate_flush(job->gate, err);\n\n	if (r == 0)\n"
         "		r = remember_durable(",
         "	int r = BUG && state == JOURNAL_COPYING && job->journal.done.count ? 0 : "
         "gate_flush(job->gate, err);\n\n	if (r == 0)\n		r = remember_durable(")),
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
