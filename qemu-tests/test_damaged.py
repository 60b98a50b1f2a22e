# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input: every damaged image is refused by a text of its own, every odd one is read; and
what the commands answer to sets, shares, disks and answer files that are not right."""

import hashlib
import json
import os
import re
import shutil

import pytest

import bmr
import scenario

LEAST_DAMAGED = 25


# -- single images ----------------------------------------------------------------------------

def listing(backup, kind: str):
    folder = backup("damaged").folder / kind
    return folder, json.loads((folder / f"{kind}.json").read_text())


def without_object(text: str) -> str:
    return re.sub(r"'[^']*'", "", text)


def without_numbers(text: str) -> str:
    return re.sub(r"0x[0-9a-f]+|\d+", "N", text)


def test_every_damaged_image_is_refused_by_its_own_text(backup):
    folder, entries = listing(backup, "damaged")
    assert len(entries) >= LEAST_DAMAGED
    faults, texts = [], {}
    for entry in entries:
        path = folder / entry["file"]
        result = bmr.run("image", "info", path)
        text = result.errors.strip()
        if result.status != bmr.FAILED:
            faults.append(f"{entry['file']}: exit status {result.status}: {text}")
        if not text.startswith(f"bmr image: '{path}'"):
            faults.append(f"{entry['file']}: the text does not name the file: {text}")
        missing = [word for word in entry["words"] if word.lower() not in text.lower()]
        if missing:
            faults.append(f"{entry['file']}: no {missing} in: {text}")
        texts.setdefault(without_object(text), {}).setdefault(entry["text_group"], entry["file"])
    faults += [f"one text for {sorted(groups.values())}: {text}"
               for text, groups in texts.items() if len(groups) > 1]
    assert not faults, "\n".join(faults)
    assert len(set(map(without_numbers, texts))) >= LEAST_DAMAGED


def test_every_odd_image_is_read(backup, work):
    folder, entries = listing(backup, "valid")
    faults = []
    for entry in entries:
        raw = work / "raw"
        result = bmr.run("image", "extract", folder / entry["file"], raw)
        if result.status != bmr.DONE:
            faults.append(f"{entry['file']}: {result}")
        elif (raw.stat().st_size, sparse_hash(raw)) != (entry["size"], entry["sha256"]):
            faults.append(f"{entry['file']}: the disk differs")
        raw.unlink(missing_ok=True)
    assert not faults, "\n".join(faults)


def sparse_hash(path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while data := file.read(4 << 20):
            digest.update(data)
    return digest.hexdigest()


# -- a set that is not right ------------------------------------------------------------------

@pytest.fixture
def broken_set(backup, work):
    """A copy of the set "uefi" to break (its images are sparse)."""
    shutil.copytree(backup("uefi").share, work / "share", copy_function=scenario.copy_sparse)
    return scenario.BackupSet(work), next((work / "share").rglob("*.xml")).parent


def refused(result, status, *words):
    """One line of error, the words in it, nothing of a crash."""
    assert result.status == status, result
    text = result.output + result.errors
    for word in words:
        assert word.lower() in text.lower(), f"'{word}' is not in: {text}"
    return text


def restore_refused(source, disk, status, *words, options=()):
    """The disk is not made, or stays as it was."""
    before = scenario.file_hash(disk) if disk.exists() else None
    refused(bmr.restore(source, disk, *options), status, *words)
    assert (scenario.file_hash(disk) if disk.exists() else None) == before
