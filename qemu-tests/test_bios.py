# SPDX-License-Identifier: GPL-3.0-or-later
"""A BIOS machine: our own boot code starts the restored disk under SeaBIOS, up to the boot sector
of the active partition, where the generator has put a marker."""

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


def test_a_restored_bios_disk_starts_up_to_its_boot_sector(backup, work):
    source = backup("bios")
    disk = scenario.random_disk(work / "disk.img", source.facts["disk_size"], seed=9)
    result = bmr.restore(source.share, disk)
    assert result.status == bmr.DONE, result
    with start(work / "machine", disk) as machine:
        machine.wait_for(boot_marker.MESSAGE, START_SECONDS, unless="cannot be started")
    active = next(p for p in source.facts["partitions"] if p["active"])
    with open(disk, "r+b") as file:
        file.seek(active["offset"] + 510)
        file.write(bytes(2))
    with start(work / "machine", disk) as machine:
        machine.wait_for("Disk cannot be started: the active partition has no boot sector",
                         START_SECONDS, unless=boot_marker.MESSAGE)
