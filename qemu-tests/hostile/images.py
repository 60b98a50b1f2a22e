# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged VHD and VHDX files in the place of C:'s image: the generator's (generator/damaged.py)."""

import functools
import json

from .bench import Case


def put(path, bench):
    bench.replace(bench.image("windows"), path)


def generated(folder) -> dict:
    """Cases by the rule that each breaks; rules of one text are left to test_damaged.py."""
    return {entry["rule"]: Case(functools.partial(put, folder / entry["file"]), tuple(entry["words"]))
            for entry in json.loads((folder / "damaged.json").read_text())
            if entry["text_group"] in entry["rule"]}
