#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many lines of each parser its fuzz corpus reaches, alone; `make coverage` builds the targets
and calls this. Fails under 90 %.

.ci/parsers says which files are whose, and which functions in them do not parse: they write, or
read checksums, which fuzzing passes over. Lines that a failing allocation alone reaches do not
count either: the unit tests and the crash harness let each of them fail."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

import summary

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/coverage"
LEAST = 90.0


def parsers() -> dict:
    """Target to words: its files, and functions that do not count, each behind a '-'."""
    lines = (ROOT / ".ci/parsers").read_text().splitlines()
    return {words[0]: words[1:] for words in map(str.split, lines) if words and words[0] != "#"}


class Target:
    def __init__(self, name: str, words: list):
        self.name = name
        self.files = [word for word in words if not word.startswith("-")]
        self.left_out = {word[1:] for word in words if word.startswith("-")}
        self.program = next(path for path in BUILD.rglob(f"fuzz-{name}") if path.is_file())
        area = self.program.relative_to(BUILD).parts[0]
        self.corpus = ROOT / area / "fuzz/corpus" / name

    def lines(self, *inputs) -> tuple:
        """Lines that ran and those that did not, as (file, number)."""
        with tempfile.TemporaryDirectory() as folder:
            raw, data = f"{folder}/raw", f"{folder}/data"
            done = subprocess.run([self.program, "-runs=0", *map(str, inputs)], check=False,
                                  capture_output=True, env={**os.environ, "LLVM_PROFILE_FILE": raw})
            if done.returncode or not os.path.exists(raw):
                raise RuntimeError(f"{self.name}: {done.stderr.decode(errors='replace')[-2000:]}")
            subprocess.run(["llvm-profdata-14", "merge", "-o", data, raw], check=True)
            text = subprocess.run(["llvm-cov-14", "export", "-format=lcov", self.program,
                                   f"-instr-profile={data}", *self.files], check=True, cwd=ROOT,
                                  capture_output=True, text=True).stdout
        reached, missed = set(), set()
        for part in text.split("end_of_record"):
            if match := re.search(r"^SF:(.*)$", part, re.M):
                self._count(match[1], part, reached, missed)
        return reached, missed

    def _count(self, file: str, part: str, reached: set, missed: set) -> None:
        source = pathlib.Path(file).read_text().splitlines()
        starts = sorted((int(line), name.rpartition(":")[2])
                        for line, name in re.findall(r"^FN:(\d+),(.*)$", part, re.M))
        for text, times in re.findall(r"^DA:(\d+),(\d+)$", part, re.M):
            number = int(text)
            inside = [name for line, name in starts if line <= number]
            if (inside and inside[-1] in self.left_out) or "err_nomem(" in source[number - 1] \
                    or source[number - 1].startswith("#"):
                continue
            (reached if int(times) else missed).add((file, number))


def main() -> int:
    failed, names = 0, parsers()
    print(f"{'parser':18} {'lines':>7} {'%':>7} {'missed':>7}")
    for name, words in names.items():
        target = Target(name, words)
        reached, missed = target.lines(target.corpus)
        percent = 100 * len(reached) / (len(reached) + len(missed))
        print(f"{name:18} {len(reached) + len(missed):7} {percent:7.1f} {len(missed):7}"
              + ("" if percent >= LEAST else f"  under {LEAST:.0f} %"))
        failed += percent < LEAST
        if "-v" in sys.argv:
            print("".join(f"    {file}:{number}\n" for file, number in sorted(missed)), end="")
    summary.add(f"parsers covered to {LEAST:.0f} %", len(names), failed)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
