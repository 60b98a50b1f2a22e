# SPDX-License-Identifier: GPL-3.0-or-later
"""The small synthetic disk inside every image: one volume, not the source's layout
(FORMAT.md section 2)."""

import os

from . import vhd
from .content import Content
from .disk import BASIC, MSR, Disk, Partition, first_usable, table_pieces

MIB = 1 << 20
VHD_FIRST_LBA = 128


def _content(disk: Disk, volume, offset: int) -> Content:
    content = Content(disk.size)
    for at, data in table_pieces(disk):
        content.add_bytes(at, data)
    content.add_file(offset, volume)
    return content


def gpt_disk(volume, seed, sector_size: int, msr_mib: int):
    """A reserved partition up to `msr_mib` MiB, the volume behind it, as VHDX images are
    thought to be. Returns the content and the volume's offset."""
    length = os.path.getsize(volume)
    offset = msr_mib * MIB
    backup = first_usable(sector_size) * sector_size
    size = -(-(offset + length + backup) // MIB) * MIB
    disk = Disk("gpt", sector_size, size // sector_size, guid=seed.guid(f"interior {volume.name}"))
    first = first_usable(sector_size)
    disk.partitions = [
        Partition(1, "msr", first, offset // sector_size - first, MSR,
                  seed.guid(f"interior msr {volume.name}"), "Microsoft reserved partition"),
        Partition(2, "volume", offset // sector_size, length // sector_size, BASIC,
                  seed.guid(f"interior volume {volume.name}"), "Basic data partition"),
    ]
    return _content(disk, volume, offset), offset


def mbr_disk(volume, seed):
    """One partition of type 07 at LBA 128, the disk rounded up to whole cylinders: what
    Windows 7 writes. Returns the content and the volume's offset."""
    length = os.path.getsize(volume)
    disk = Disk("mbr", 512, vhd.disk_size(length) // 512,
                signature=seed.signature(f"interior {volume.name}"))
    disk.partitions = [Partition(1, "volume", VHD_FIRST_LBA, length // 512, 0x07)]
    return _content(disk, volume, VHD_FIRST_LBA * 512), VHD_FIRST_LBA * 512
