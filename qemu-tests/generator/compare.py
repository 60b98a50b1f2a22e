#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare a restored disk with what source.json says it must hold.

`check_disk` returns a list of differences, empty if there are none. A blank target must equal
the source in every byte of every partition; of a used one only the allocated clusters count,
and the ranges that were allocated but not backed up must be zeros.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile

from . import fat, ntfs, tools
from .disk import dump_table

STEP = 4 << 20
LOADER = "EFI/Microsoft/Boot/bootmgfw.efi"
FALLBACK = "EFI/Boot/bootx64.efi"
FALLBACK_ARM64 = "EFI/Boot/bootaa64.efi"
PE_ARM64 = b"PE\0\0\x64\xaa"


def load(out) -> dict:
    with open(os.path.join(out, "source.json"), encoding="utf-8") as file:
        return json.load(file)


def _hash_ranges(disk, start: int, ranges) -> str:
    digest = hashlib.sha256()
    with open(disk, "rb") as file:
        for offset, length in ranges:
            for at in range(offset, offset + length, STEP):
                file.seek(start + at)
                digest.update(file.read(min(STEP, offset + length - at)))
    return digest.hexdigest()


def is_zero(disk, offset: int, length: int) -> bool:
    with open(disk, "rb") as file:
        file.seek(offset)
        for at in range(0, length, STEP):
            if file.read(min(STEP, length - at)).strip(b"\0"):
                return False
    return True


def extract(disk, offset: int, length: int, target) -> None:
    """One partition of a disk image as a sparse file, for programs that know no offsets."""
    tools.make_sparse(target, length)
    with open(disk, "rb") as source, open(target, "r+b") as file:
        for start, count in tools.data_ranges(source.fileno(), offset + length):
            first = max(start, offset)
            for at in range(first, start + count, STEP):
                source.seek(at)
                file.seek(at - offset)
                file.write(source.read(min(STEP, start + count - at)))


def check_partition(disk, partition: dict, used: bool) -> list:
    """The bytes of one partition. The EFI system partition is compared by files alone where a
    restore has to add the fallback loader."""
    names = [entry["path"] for entry in partition.get("files", ())]
    if not partition["image"] or (partition["role"] == "esp" and FALLBACK not in names):
        return []
    start, role = partition["offset"], partition["role"]
    faults = []
    if not used:
        whole = [(0, partition["length"])]
        # a restore may leave free clusters out, and they may hold old data (--stale)
        good = (partition["sha256"], partition["sha256_free_zero"])
        if _hash_ranges(disk, start, whole) not in good:
            faults.append(f"{role}: the partition's hash differs")
    if _hash_ranges(disk, start, partition["allocated"]) != partition["allocated_sha256"]:
        faults.append(f"{role}: the hash of the allocated clusters differs")
    for offset, length in partition["absent_allocated"]:
        if not is_zero(disk, start + offset, length):
            faults.append(f"{role}: not zeros at {offset}+{length}, which was not backed up")
    return faults


def check_files(volume, partition: dict) -> list:
    """Every file, stream and link of a volume in a file of its own."""
    if partition["filesystem"] == "fat32":
        return _check_fat(volume, partition["files"])
    with ntfs.mounted(volume, read_only=True) as folder:
        return [fault for entry in partition["files"] for fault in _check_ntfs(folder, entry)]


def _file_hash(path: str):
    digest, size = hashlib.sha256(), 0
    with open(path, "rb") as file:
        while data := file.read(STEP):
            digest.update(data)
            size += len(data)
    return size, digest.hexdigest()


def _check_ntfs(folder: str, entry: dict):
    path = os.path.join(folder, entry["path"])
    try:
        if "reparse" in entry:
            if ntfs.reparse_data(path).hex() != entry["reparse"]:
                yield f"'{entry['path']}': the {entry['type']} points elsewhere"
            return
        named = [("", entry)] + [(":" + name, facts)
                                 for name, facts in entry.get("streams", {}).items()]
        for suffix, facts in named:
            if _file_hash(path + suffix) != (facts["size"], facts["sha256"]):
                yield f"'{entry['path']}{suffix}': the content differs"
        if "hard_link_of" in entry:
            if not os.path.samefile(path, os.path.join(folder, entry["hard_link_of"])):
                yield f"'{entry['path']}': no longer a hard link"
    except OSError as error:
        yield f"'{entry['path']}': {error.strerror}"


def _check_fat(volume, files: list) -> list:
    expected = {entry["path"].lower(): entry["sha256"] for entry in files}
    files = fat.read_all(volume)
    found = {name.lower(): hashlib.sha256(data).hexdigest() for name, data in files.items()}
    # What a restore adds where it is missing is a copy of the boot manager
    fallback = fallback_name(files).lower()
    if fallback not in expected:
        expected[fallback] = expected[LOADER.lower()]
        found.setdefault(fallback, expected[LOADER.lower()])
    return [f"esp: '{name}' is {what}"
            for name, what in sorted(_differences(expected, found).items())]


def fallback_name(files: dict) -> str:
    """Where a firmware of the boot manager's machine looks; files: name to bytes, of an ESP."""
    loader = next((data for name, data in files.items() if name.lower() == LOADER.lower()), b"")
    return FALLBACK_ARM64 if PE_ARM64 in loader[:1024] else FALLBACK


def _differences(expected: dict, found: dict) -> dict:
    result = {name: "missing" for name in expected.keys() - found.keys()}
    result.update({name: "not in the source" for name in found.keys() - expected.keys()})
    result.update({name: "different" for name in expected.keys() & found.keys()
                   if expected[name] != found[name]})
    return result


def check_disk(disk, facts: dict, used: bool = False, files: bool = True) -> list:
    """All of it; `files` also mounts every volume and hashes each file."""
    faults = []
    dump = dump_table(disk, facts["sector_size"])
    wanted = facts["sfdisk"]
    if os.path.getsize(disk) != facts["disk_size"]:
        # a larger disk has its last usable sector elsewhere
        dump, wanted = (_without_last(text) for text in (dump, wanted))
    if dump != wanted:
        faults.append(f"the partition table differs: {dump}\nthe source's: {wanted}")
    for partition in facts["partitions"]:
        faults += check_partition(disk, partition, used)
        if files and partition["image"]:
            with tempfile.TemporaryDirectory(prefix="generator-compare-") as folder:
                volume = os.path.join(folder, "volume")
                extract(disk, partition["offset"], partition["length"], volume)
                faults += check_files(volume, partition)
    return faults


def _without_last(dump: str) -> str:
    return "".join(line for line in dump.splitlines(True) if not line.startswith("last-lba"))


def assemble_disk(out, facts: dict, target) -> None:
    """The source disk as it was: the table and the raw volumes put together (sparse)."""
    subprocess.run(["cp", "--sparse=always", os.path.join(out, facts["disk"]), target], check=True)
    for partition in facts["partitions"]:
        if partition["image"]:
            raw = os.path.join(out, partition["raw"])
            subprocess.run(["dd", f"if={raw}", f"of={target}", "bs=4M", "conv=notrunc,sparse",
                            "oflag=seek_bytes", f"seek={partition['offset']}", "status=none"],
                           check=True)


def main(arguments) -> int:
    used = "--used" in arguments
    names = [name for name in arguments if not name.startswith("--")]
    if len(names) != 2:
        print("usage: python3 -m generator.compare OUT DISK [--used]", file=sys.stderr)
        return 2
    faults = check_disk(names[1], load(names[0]), used)
    for fault in faults:
        print(fault)
    print("equal" if not faults else f"{len(faults)} differences")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
