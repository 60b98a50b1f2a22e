#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes over what libFuzzer found into the corpora of the fuzz targets: of all finds the few, small
ones that reach lines of the target's parser (parser_coverage.py) that no seed reaches.

    make fuzz FUZZ_SECONDS=600; make coverage; qemu-tests/grow_corpus.py [--finds FOLDER] [TARGET...]

FOLDER/TARGET holds finds (default build/fuzz-new/fuzz-TARGET). The seeds themselves are made by
make_corpus.py; what this adds is named found-HASH."""

import argparse
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile

from parser_coverage import ROOT, Target, parsers

LARGEST = 8192  # bytes of an input that is kept


def merged(target: Target, finds, folder) -> list:
    """The finds that reach more than the seeds, smallest first; libFuzzer chooses."""
    subprocess.run([target.program, "-merge=1", "-use_counters=0", f"-max_len={LARGEST}", folder,
                    target.corpus, finds], check=False, capture_output=True,
                   env={**os.environ, "LLVM_PROFILE_FILE": "/dev/null"})
    seeds = {path.read_bytes() for path in target.corpus.iterdir()}
    paths = sorted(pathlib.Path(folder).iterdir(), key=lambda path: path.stat().st_size)
    return [path for path in paths if path.read_bytes() not in seeds]


def grow(target: Target, finds) -> int:
    with tempfile.TemporaryDirectory() as folder:
        reached = target.lines(target.corpus)[0]
        gains = [(path, target.lines(path)[0]) for path in merged(target, finds, folder)]
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
