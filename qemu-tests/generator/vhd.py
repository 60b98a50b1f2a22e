# SPDX-License-Identifier: GPL-3.0-or-later
"""A VHD writer for tests: dynamic as Windows 7's backup writes it, and fixed.

Source: Microsoft's "Virtual Hard Disk Image Format Specification", and FORMAT.md section 2 for
what the backup engine does with it (creator `vsim` 1.1, saved state 1, one more sector).
"""

import struct
from dataclasses import dataclass

from . import tools

SECTOR = 512
MIB = 1 << 20
FIXED, DYNAMIC, DIFFERENCING = 2, 3, 4
UNUSED = 0xFFFFFFFF
NO_OFFSET = 0xFFFFFFFFFFFFFFFF
MAX_CHS_SECTORS = 65535 * 16 * 255
HEADER_OFFSET = 512
TABLE_OFFSET = 1536

# seconds from 2000-01-01 to 2026-08-31 21:00 UTC
TIMESTAMP = 841525200


@dataclass
class Options:
    """The parts of a file that tests vary."""
    block_size: int = 2 * MIB
    fixed: bool = False
    creator: bytes = b"vsim"
    creator_version: int = 0x00010001
    creator_os: bytes = b"Wi2k"
    saved_state: int = 1
    swap_every: int = 8
    bitmap: int = 0xFF


@dataclass
class Image:
    """A written file, as the damage needs to know it."""
    path: str
    options: Options
    virtual_size: int
    file_size: int
    footer: bytes
    header: bytes
    table: list
    absent: list


def geometry(sectors: int):
    """Cylinders, heads, sectors per track: the specification's appendix "CHS calculation"."""
    sectors = min(sectors, MAX_CHS_SECTORS)
    if sectors >= 65535 * 16 * 63:
        return sectors // 255 // 16, 16, 255
    per_track = 17
    heads = max((sectors // per_track + 1023) // 1024, 4)
    if sectors // per_track >= heads * 1024 or heads > 16:
        per_track, heads = 31, 16
    if sectors // per_track >= heads * 1024:
        per_track, heads = 63, 16
    return sectors // per_track // heads, heads, per_track


def disk_size(partition_length: int) -> int:
    """FORMAT.md section 2: partition at LBA 128, rounded up to whole cylinders."""
    sectors = 128 + partition_length // SECTOR
    while True:
        _, heads, per_track = geometry(sectors)
        rounded = -(-sectors // (heads * per_track)) * heads * per_track
        if geometry(rounded)[1:] == (heads, per_track):
            return rounded * SECTOR
        sectors = rounded


def checksum(data: bytes) -> int:
    """One's complement of the sum of all bytes, the checksum's own being zero."""
    return ~sum(data) & 0xFFFFFFFF


def make_footer(size: int, kind: int, options: Options, identity, data_offset: int) -> bytes:
    cylinders, heads, per_track = geometry(size // SECTOR)

    def pack(check):
        return struct.pack(">8sIIQI4sI4sQQHBBII16sB427x", b"conectix", 2, 0x00010000, data_offset,
                           TIMESTAMP, options.creator, options.creator_version,
                           options.creator_os, size, size, cylinders, heads, per_track, kind,
                           check, identity.bytes, options.saved_state)
    return pack(checksum(pack(0)))


def make_header(entries: int, block_size: int, table_offset: int = TABLE_OFFSET) -> bytes:
    def pack(check):
        return struct.pack(">8sQQIIII", b"cxsparse", NO_OFFSET, table_offset, 0x00010000, entries,
                           block_size, check).ljust(1024, b"\0")
    return pack(checksum(pack(0)))


def resealed(structure: bytes, offset: int) -> bytes:
    """The same footer or header with its checksum, which lies at `offset`, made right."""
    blank = structure[:offset] + bytes(4) + structure[offset + 4:]
    return structure[:offset] + struct.pack(">I", checksum(blank)) + structure[offset + 4:]


FOOTER_CHECKSUM, HEADER_CHECKSUM = 64, 36


def bitmap_size(block_size: int) -> int:
    """A bit per sector, padded to whole sectors."""
    return -(-(block_size // SECTOR // 8) // SECTOR) * SECTOR


def _write_fixed(path, content, options: Options, identity) -> Image:
    footer = make_footer(content.size, FIXED, options, identity, NO_OFFSET)
    with open(path, "wb") as file:
        file.truncate(content.size)
        for number in content.blocks_with_data(MIB):
            content.copy(number * MIB, MIB, file, number * MIB)
        file.seek(content.size)
        file.write(footer)
    return Image(str(path), options, content.size, content.size + SECTOR, footer, b"", [], [])


def _order(numbers, swap_every: int):
    numbers = list(numbers)
    for at in range(swap_every - 1, len(numbers), swap_every) if swap_every else ():
        numbers[at - 1], numbers[at] = numbers[at], numbers[at - 1]
    return numbers


def write(path, content, options: Options, seed, absent=()) -> Image:
    """Write `content` as a VHD; blocks wholly inside one of the `absent` ranges are left out."""
    identity = seed.guid(f"vhd {content.size}")
    if options.fixed:
        return _write_fixed(path, content, options, identity)
    size = options.block_size
    blocks = -(-content.size // size)
    present = set(content.blocks_with_data(size))
    for offset, length in tools.join_ranges(absent):
        present.difference_update(range(-(-offset // size), (offset + length) // size))
    table = [UNUSED] * blocks
    table_size = -(-blocks * 4 // SECTOR) * SECTOR
    place = TABLE_OFFSET + table_size
    footer = make_footer(content.size, DYNAMIC, options, identity, HEADER_OFFSET)
    header = make_header(blocks, size)
    with open(path, "wb") as file:
        for number in _order(sorted(present), options.swap_every):
            table[number] = place // SECTOR
            file.seek(place)
            file.write(bytes([options.bitmap]) * bitmap_size(size))
            content.copy(number * size, size, file, place + bitmap_size(size))
            place += bitmap_size(size) + size
        file.seek(0)
        file.write(footer + header)
        file.write(struct.pack(f">{blocks}I", *table).ljust(table_size, b"\xff"))
        # The real files are one sector longer than their parts; nothing points to it.
        file.seek(place + SECTOR)
        file.write(footer)
    lost = [(number * size, size) for number in range(blocks) if number not in present]
    return Image(str(path), options, content.size, place + 2 * SECTOR, footer, header, table, lost)
