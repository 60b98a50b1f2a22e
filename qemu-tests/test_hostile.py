# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile and broken input: each case of hostile/ breaks one rule of an otherwise good backup. The
program refuses it with a sentence that no other case gets, and the target is not written to."""

import concurrent.futures
import functools

import pytest

import bmr
import scenario
import summary
from generator import compare as comparison
from hostile import documents, images, layout_files, odd, packs, sidecars, sources, tables, trees, volumes, windows
from hostile.bench import Bench

pytestmark = pytest.mark.needs("root", "fuse", "ntfs-3g", "sgdisk", "sfdisk", "mcopy", "fsck.fat", "loop", "namespaces")

LEAST_DAMAGED = 250

# What is broken, in which generated set
GROUPS = {
    "image files": ("uefi", lambda: images.generated(scenario.backup_set("damaged").folder / "damaged")),
    "GPT in an image": ("uefi", lambda: tables.GPT),
    "MBR in an image": ("bios", lambda: tables.MBR),
    "NTFS in an image": ("uefi", lambda: volumes.NTFS),
    "FAT in an image": ("uefi", lambda: volumes.FAT),
    "documents": ("uefi", lambda: documents.DOCUMENTS),
    "trees": ("uefi", lambda: trees.TREES),
    "keys and locations": ("uefi", lambda: trees.KEYS),
    "journals": ("uefi", lambda: trees.JOURNALS),
    "layout files": ("uefi", lambda: layout_files.LAYOUTS),
    "packs": ("uefi", lambda: packs.PACKS),
    "images that build on others": ("bios", lambda: packs.CHAINS),
    "BitLocker": ("uefi", lambda: sources.BITLOCKER),
    "exFAT": ("uefi", lambda: sources.EXFAT),
    "NTFS of a disk": ("uefi", lambda: sources.NTFS),
    "sidecars": ("uefi", lambda: sidecars.SIDECARS),
    "hives and boot stores": ("uefi", lambda: windows.WINDOWS),
    "signatures": ("uefi", lambda: sources.SIGNATURES),
}


def judge_group(folder, name: str) -> dict:
    """Case to (faults, sentence). In the end the set must be whole again."""
    kind, cases = GROUPS[name]
    backup = scenario.backup_set(kind)
    bench = Bench(folder / name.replace(" ", "-"), backup)
    judged = {}
    for case, made in cases().items():
        faults, sentence = bench.judge(made)
        judged[case] = faults, sentence if made.alone else None
    status, text = bench.run(["plan", "--from", bench.share, "--disk", bench.target])
    if status:
        judged["put right again"] = [f"the bench did not put it right: {text}"], ""
    return judged


@pytest.fixture(scope="module")
def judged(backup, tmp_path_factory):
    """Two groups at a time, on disks of their own."""
    for kind in {kind for kind, _ in GROUPS.values()} | {"damaged"}:
        backup(kind)
    folder = scenario.SCENARIOS / "hostile"
    with scenario.empty_folder(folder):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            results = pool.map(functools.partial(judge_group, folder), GROUPS)
            found = dict(zip(GROUPS, results))
    cases = [case for group in found.values() for case in group.values() if case[1] is not None]
    summary.add("damaged inputs refused", len(cases), sum(bool(faults) for faults, _ in cases))
    return found


@pytest.mark.parametrize("group", GROUPS)
def test_each_is_refused_and_nothing_is_written(judged, group):
    wrong = [f"{case}: {fault}" for case, (faults, _) in judged[group].items() for fault in faults]
    assert not wrong, "\n".join(wrong)


def test_no_two_are_refused_by_the_same_sentence(judged):
    said, same = {}, []
    for group, cases in judged.items():
        for case, (_, sentence) in cases.items():
            if sentence is None:
                continue
            other = said.setdefault(sentence, f"{group}, {case}")
            if other != f"{group}, {case}":
                same.append(f"{other} and {group}, {case}: {sentence}")
    assert not same, "\n".join(same)
    assert len(said) >= LEAST_DAMAGED


def test_what_fix_ups_cannot_read_stays_as_it_is_and_is_warned_of(backup):
    """Partitions get new ids, which hives and stores are to follow."""
    with scenario.empty_folder(scenario.SCENARIOS / "left") as folder:
        bench = Bench(folder / "bench", backup("uefi"))
        windows.damage_all(bench)
        faults = windows.faults_of(bench, bmr.restore(bench.share, bench.target, "--ids", "new"))
    assert not faults, "\n".join(faults)


def restores(bench, make) -> str:
    """What is wrong with the disk that comes back; the target is anew each time."""
    bench.target.unlink()
    scenario.blank_disk(bench.target, bench.facts["disk_size"])
    try:
        make(bench)
        result = bmr.restore(bench.share, bench.target)
    finally:
        bench.undo()
    if result.status != bmr.DONE:
        return str(result)
    return "\n".join(comparison.check_disk(bench.target, bench.facts, files=False))


def test_what_looks_odd_and_is_whole_comes_back(backup):
    faults = []
    with scenario.empty_folder(scenario.SCENARIOS / "odd") as folder:
        bench = Bench(folder / "bench", backup("uefi"))
        for name, make in odd.ODD.items():
            wrong = restores(bench, make)
            if wrong:
                faults.append(f"{name}: {wrong}")
    summary.add("odd inputs restored", len(odd.ODD), len(faults))
    assert not faults, "\n".join(faults)
