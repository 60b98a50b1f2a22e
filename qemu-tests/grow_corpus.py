#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes over what libFuzzer found into the corpora of the fuzz targets: of all finds the few, small
ones that reach lines of the target's parser (.ci/parsers) that no seed reaches.

    make fuzz FUZZ_SECONDS=600; make coverage; qemu-tests/grow_corpus.py [--finds FOLDER] [TARGET...]

FOLDER/TARGET holds finds (default build/fuzz-new/fuzz-TARGET). The seeds themselves are made by
make_corpus.py; what this adds is named found-HASH."""

import argparse
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
LARGEST = 8192  # bytes of an input that is kept


def parsers() -> dict:
    lines = (ROOT / ".ci/parsers").read_text().splitlines()
    return {words[0]: words[1:] for words in map(str.split, lines) if words and words[0] != "#"}


class Target:
    def __init__(self, name: str, files: list):
        self.name, self.files = name, files
        self.program = next(path for path in (ROOT / "build/coverage").rglob(f"fuzz-{name}")
                            if path.is_file())
        area = self.program.relative_to(ROOT / "build/coverage").parts[0]
        self.corpus = ROOT / area / "fuzz/corpus" / name

    def lines(self, *inputs) -> set:
        """Lines of the parser that ran, as (file, number)."""
        with tempfile.TemporaryDirectory() as folder:
            raw, data = f"{folder}/raw", f"{folder}/data"
            done = subprocess.run([self.program, "-runs=0", *map(str, inputs)], check=False,
                                  capture_output=True, env={**os.environ, "LLVM_PROFILE_FILE": raw})
            if done.returncode or not os.path.exists(raw):
                return set()
            subprocess.run(["llvm-profdata-14", "merge", "-o", data, raw], check=True)
            text = subprocess.run(["llvm-cov-14", "export", "-format=lcov", self.program,
                                   f"-instr-profile={data}", *self.files], check=True, cwd=ROOT,
                                  capture_output=True, text=True).stdout
        found, file = set(), ""
        for line in text.splitlines():
            if line.startswith("SF:"):
                file = line[3:]
            elif match := re.fullmatch(r"DA:(\d+),([1-9]\d*)", line):
                found.add((file, int(match[1])))
        return found

    def merged(self, finds, folder) -> list:
        """The finds that reach more than the seeds, smallest first; libFuzzer chooses."""
        subprocess.run([self.program, "-merge=1", "-use_counters=0", f"-max_len={LARGEST}", folder,
                        self.corpus, finds], check=False, capture_output=True,
                       env={**os.environ, "LLVM_PROFILE_FILE": "/dev/null"})
        seeds = {path.read_bytes() for path in self.corpus.iterdir()}
        paths = sorted(pathlib.Path(folder).iterdir(), key=lambda path: path.stat().st_size)
        return [path for path in paths if path.read_bytes() not in seeds]


def grow(target: Target, finds) -> int:
    with tempfile.TemporaryDirectory() as folder:
        reached = target.lines(target.corpus)
        gains = [(path, target.lines(path)) for path in target.merged(finds, folder)]
        added = 0
        while gains:
            path, lines = max(gains, key=lambda gain: len(gain[1] - reached))
            if not lines - reached:
                break
            reached |= lines
            name = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
            (target.corpus / f"found-{name}").write_bytes(path.read_bytes())
            added += 1
    return added


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--finds", type=pathlib.Path)
    parser.add_argument("targets", nargs="*")
    options = parser.parse_args()
    for name, files in parsers().items():
        finds = options.finds / name if options.finds else ROOT / f"build/fuzz-new/fuzz-{name}"
        if (not options.targets or name in options.targets) and finds.is_dir():
            print(f"{name}: {grow(Target(name, files), finds)} added", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
