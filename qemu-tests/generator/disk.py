# SPDX-License-Identifier: GPL-3.0-or-later
"""Partition tables: a description of a disk turned into GPT or MBR sectors.

Used twice: for the source disk of a backup, and for the small synthetic disk inside every
image. Sources: UEFI specification chapter 5 (GPT), the conventional MBR of four entries.
"""

import os
import re
import struct
import tempfile
import uuid
import zlib
from dataclasses import dataclass, field

from . import tools

ESP = uuid.UUID("C12A7328-F81F-11D2-BA4B-00A0C93EC93B")
MSR = uuid.UUID("E3C9E316-0B5C-4DB8-817D-F92DF00215AE")
BASIC = uuid.UUID("EBD0A0A2-B9E5-4433-87C0-68B6B72699C7")
WINRE = uuid.UUID("DE94BBA4-06D1-4D40-A16A-BFD50179D6AC")

# Windows' attribute bits of a GPT entry: 0 = required by the platform, 63 = no drive letter
REQUIRED = 1 << 0
NO_LETTER = 1 << 63

GPT_ENTRIES = 128
GPT_ENTRY_SIZE = 128


@dataclass
class Partition:
    """One partition; `type` is a GUID on GPT and a number on MBR."""
    slot: int
    role: str
    first_lba: int
    sectors: int
    type: object
    guid: uuid.UUID = None
    name: str = ""
    attributes: int = 0
    active: bool = False
    filesystem: str = ""
    letter: str = ""
    label: str = ""
    volume_guid: uuid.UUID = None


@dataclass
class Disk:
    """A whole disk; `guid` on GPT, `signature` on MBR."""
    style: str
    sector_size: int
    sectors: int
    guid: uuid.UUID = None
    signature: int = 0
    partitions: list = field(default_factory=list)

    @property
    def size(self) -> int:
        return self.sectors * self.sector_size

    def offset(self, partition: Partition) -> int:
        return partition.first_lba * self.sector_size

    def length(self, partition: Partition) -> int:
        return partition.sectors * self.sector_size

    def by_role(self, role: str) -> Partition:
        return next((p for p in self.partitions if p.role == role), None)


def entry_sectors(sector_size: int) -> int:
    """Sectors taken by the array of GPT entries: 32 of 512 bytes, 4 of 4096."""
    return GPT_ENTRIES * GPT_ENTRY_SIZE // sector_size


def first_usable(sector_size: int) -> int:
    return 2 + entry_sectors(sector_size)


def _chs(lba: int) -> bytes:
    """Cylinder, head, sector with 255 heads and 63 sectors; FE FF FF beyond the reach."""
    cylinder, rest = divmod(lba, 255 * 63)
    head, sector = divmod(rest, 63)
    if cylinder > 1023:
        return b"\xfe\xff\xff"
    return bytes([head, (sector + 1) | (cylinder >> 8) << 6, cylinder & 0xff])


def _mbr_entry(status: int, kind: int, first: int, count: int) -> bytes:
    return (bytes([status]) + _chs(first) + bytes([kind]) + _chs(first + count - 1)
            + struct.pack("<II", first, count))


def _mbr_sector(disk: Disk) -> bytes:
    sector = bytearray(disk.sector_size)
    struct.pack_into("<I", sector, 440, disk.signature)
    for partition in disk.partitions:
        entry = _mbr_entry(0x80 if partition.active else 0, partition.type,
                           partition.first_lba, partition.sectors)
        at = 446 + 16 * (partition.slot - 1)
        sector[at:at + 16] = entry
    sector[510:512] = b"\x55\xaa"
    return bytes(sector)


def _protective_mbr(disk: Disk) -> bytes:
    sector = bytearray(disk.sector_size)
    count = min(disk.sectors - 1, 0xffffffff)
    sector[446:462] = (b"\x00\x00\x02\x00\xee\xff\xff\xff" + struct.pack("<II", 1, count))
    sector[510:512] = b"\x55\xaa"
    return bytes(sector)


def _gpt_entries(disk: Disk) -> bytes:
    entries = bytearray(GPT_ENTRIES * GPT_ENTRY_SIZE)
    for p in disk.partitions:
        name = p.name.encode("utf-16-le").ljust(72, b"\0")
        struct.pack_into("<16s16sQQQ72s", entries, (p.slot - 1) * GPT_ENTRY_SIZE,
                         p.type.bytes_le, p.guid.bytes_le, p.first_lba,
                         p.first_lba + p.sectors - 1, p.attributes, name)
    return bytes(entries)


def _gpt_header(disk: Disk, entries: bytes, own: int, other: int, array: int) -> bytes:
    last_usable = disk.sectors - 2 - entry_sectors(disk.sector_size)

    def pack(crc):
        return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x00010000, 92, crc, 0, own, other,
                           first_usable(disk.sector_size), last_usable, disk.guid.bytes_le,
                           array, GPT_ENTRIES, GPT_ENTRY_SIZE, zlib.crc32(entries))
    return pack(zlib.crc32(pack(0))).ljust(disk.sector_size, b"\0")


def table_pieces(disk: Disk):
    """The table as (offset in bytes, bytes) pieces, what no volume image contains."""
    if disk.style == "mbr":
        return [(0, _mbr_sector(disk))]
    entries = _gpt_entries(disk)
    last = disk.sectors - 1
    backup_array = last - entry_sectors(disk.sector_size)
    size = disk.sector_size
    return [(0, _protective_mbr(disk)),
            (size, _gpt_header(disk, entries, 1, last, 2)),
            (2 * size, entries),
            (backup_array * size, entries),
            (last * size, _gpt_header(disk, entries, last, 1, backup_array))]


def write_table(path, disk: Disk) -> None:
    """A sparse file of the disk's size that holds the table and nothing else."""
    tools.make_sparse(path, disk.size)
    with open(path, "r+b") as file:
        for offset, data in table_pieces(disk):
            file.seek(offset)
            file.write(data)


def dump_table(path, sector_size: int) -> str:
    """What `sfdisk -d` says of a disk or disk image, made independent of its name.

    sfdisk takes 512 for the sector size of every plain file and has no option for it; fdisk
    has one, and its command O writes the same script."""
    if sector_size == 512:
        text = tools.run(["sfdisk", "-d", path])
    else:
        with tempfile.TemporaryDirectory() as folder:
            script = os.path.join(folder, "script")
            tools.run(["fdisk", "-b", str(sector_size), path], stdin=f"O\n{script}\nq\n")
            with open(script, encoding="utf-8") as file:
                text = file.read()
    return normal_dump(text)


def normal_dump(text: str) -> str:
    """An `sfdisk -d` text without the device's name: `device:` gone, lines start with p1, p2."""
    lines = [line.rstrip() for line in text.strip().splitlines()
             if not line.startswith("device:")]
    return "\n".join(re.sub(r"^\S*?p?(\d+) (: start=)", r"p\1 \2", line)
                     for line in lines) + "\n"
