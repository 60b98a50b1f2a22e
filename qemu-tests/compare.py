# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's judgement of a restored disk: the generator's own knowledge of the source, and the
checkers of other projects (sfdisk, sgdisk, fsck.fat, ntfsfix, ntfs-3g).

`differences` returns one line for each; an empty list means that the disk is the source.
"""

import os
import tempfile

from generator import compare, fat, ntfs, tools

CHECKERS = {"fat32": ("fsck.fat", "-n"), "ntfs": ("ntfsfix", "-n")}


def differences(target, backup, used: bool = False) -> list:
    """`backup`: a BackupSet. A `used` target held other data before: what the backup does not
    hold may have stayed there, where no file system sees it."""
    facts = backup.facts
    faults = compare.check_disk(target, facts, used, files=False)
    faults += _check_table(target, facts)
    for partition in filter(_has_image, facts["partitions"]):
        with tempfile.TemporaryDirectory(prefix="openbmr-compare-") as folder:
            volume = os.path.join(folder, "volume")
            compare.extract(target, partition["offset"], partition["length"], volume)
            faults += _check_volume(volume, partition)
    return faults


def _has_image(partition: dict) -> bool:
    return partition["image"] is not None


def _check_table(target, facts: dict) -> list:
    """GPT: both copies whole and in agreement. MBR: no rest of a GPT."""
    if facts["style"] == "gpt" and facts["sector_size"] == 512:
        text = tools.run(["sgdisk", "-v", target], ok=(0, 2))
        return [] if "No problems found" in text else [f"sgdisk -v: {text}"]
    if facts["style"] == "mbr":
        text = tools.run(["wipefs", "--noheadings", "-O", "TYPE", target])
        if text.split() != ["dos"]:
            return [f"wipefs sees {text.split()}, must be dos alone"]
    return []


def _check_volume(volume, partition: dict) -> list:
    faults = []
    try:
        tools.run([*CHECKERS[partition["filesystem"]], volume])
    except tools.ToolError as error:
        faults.append(f"{partition['role']}: {error}")
    if partition["role"] == "esp":
        faults += _check_fallback(volume)
    return faults + compare.check_files(volume, partition)


def _check_fallback(volume) -> list:
    """Whether the source had it or not: where the firmware's entry is lost, this one starts."""
    files = {name.lower(): data for name, data in fat.read_all(volume).items()}
    fallback = compare.fallback_name(files)
    if fallback.lower() not in files:
        return [f"esp: no {fallback}"]
    if files[fallback.lower()] != files[compare.LOADER.lower()]:
        return [f"esp: {fallback} is not {compare.LOADER}"]
    return []


def free_ranges(partition: dict) -> list:
    """What the backup's file system does not use: (offset in the partition, length)."""
    return ntfs.complement(partition["allocated"], partition["length"])


def recognised(path) -> str:
    """What libblkid and the kernel's table readers would see at the start of a disk; "" is
    nothing."""
    return tools.run(["blkid", "-p", "-o", "value", path], ok=(0, 2)).strip()
