# SPDX-License-Identifier: GPL-3.0-or-later
"""A BIOS machine: our own boot code starts the restored disk under SeaBIOS, up to the boot sector
of the active partition, where the generator has put a marker."""

import os
import re
import shutil
import struct

import pytest

import bmr
import scenario
from generator import boot_marker
from qemu import Disk, Machine

pytestmark = pytest.mark.needs("root", "fuse", "ntfs-3g", "qemu-system-x86_64")

START_SECONDS = 60


def start(folder, disk):
    return Machine(folder, [Disk("ata", disk, serial="B1")], memory_mib=64, network=False,
                   processors=1, bios=True)


def spoil_hidden_sectors(source, folder):
    """A copy of the set whose system volume says another start, as after a move that nobody
    corrected. The image is searched for the sector itself and its backup."""
    share = folder / "share"
    shutil.copytree(source.share, share, copy_function=os.link)
    image = share / source.images()["system"].relative_to(source.share)
    data = bytearray(image.read_bytes())
    image.unlink()
    found = [m.start() for m in re.finditer(rb"\xeb\x52\x90NTFS    ", data)]
    assert len(found) == 2, found
    for at in found:
        struct.pack_into("<I", data, at + 0x1C, 63)
    image.write_bytes(data)
    return share


def test_a_restored_bios_disk_starts_up_to_its_boot_sector(backup, work):
    source = backup("bios")
    active = next(p for p in source.facts["partitions"] if p["active"])
    start_lba = active["offset"] // 512
    disk = scenario.random_disk(work / "disk.img", source.facts["disk_size"], seed=9)
    result = bmr.restore(spoil_hidden_sectors(source, work), disk)
    assert result.status == bmr.DONE, result
    assert f"HiddenSectors 63 → {start_lba}" in result.output + result.errors, result
    with start(work / "machine", disk) as machine:
        machine.wait_for(boot_marker.message(start_lba), START_SECONDS,
                         unless="cannot be started")
    with open(disk, "r+b") as file:
        file.seek(active["offset"])
        boot = file.read(512)
        file.seek(active["offset"] + active["length"] - 512)
        assert file.read(512) == boot, "the backup boot sector is no copy"
        file.seek(active["offset"] + 510)
        file.write(bytes(2))
    with start(work / "machine", disk) as machine:
        machine.wait_for("Disk cannot be started: the active partition has no boot sector",
                         START_SECONDS, unless=boot_marker.MESSAGE)
