# SPDX-License-Identifier: GPL-3.0-or-later
"""A VHDX log waiting to be replayed ([MS-VHDX] section 2.3).

A finished image is made stale: some of its 4 KiB sectors get wrong content, and the right one
moves into the log. Only who replays the log reads the disk as it was.
"""

import os
import struct
from dataclasses import dataclass, field

from . import vhdx
from .crc32c import crc32c

SECTOR = 4096
FIRST_DESCRIPTORS = 126
MORE_DESCRIPTORS = 128

# Above 2^32, so that both halves of the number are in use in a data sector
FIRST_SEQUENCE = 0x100000042


@dataclass
class Entry:
    """One log entry: `data` pairs (file offset, 4096 bytes), `zero` pairs (offset, length)."""
    data: list = field(default_factory=list)
    zero: list = field(default_factory=list)


def _descriptor_sectors(count: int) -> int:
    """The header takes the place of two descriptors in the first sector."""
    return 1 + max(0, -(-(count - FIRST_DESCRIPTORS) // MORE_DESCRIPTORS))


def entry_length(entry: Entry) -> int:
    sectors = _descriptor_sectors(len(entry.data) + len(entry.zero))
    return (sectors + len(entry.data)) * SECTOR


def pack_entry(entry: Entry, guid, sequence: int, tail: int, sizes) -> bytes:
    """2.3.1. `sizes`: (flushed file offset, last file offset)."""
    descriptors, sectors = b"", b""
    for offset, length in entry.zero:
        descriptors += struct.pack("<4sIQQQ", b"zero", 0, length, offset, sequence)
    for offset, data in entry.data:
        descriptors += struct.pack("<4s4s8sQQ", b"desc", data[4092:], data[:8], offset, sequence)
        sectors += struct.pack("<4sI4084sI", b"data", sequence >> 32, data[8:4092],
                               sequence & 0xFFFFFFFF)
    count = len(entry.data) + len(entry.zero)
    length = entry_length(entry)

    def pack(crc):
        head = struct.pack("<4sIIIQII16sQQ", b"loge", crc, length, tail, sequence, count, 0,
                           guid.bytes_le, *sizes) + descriptors
        return head.ljust(_descriptor_sectors(count) * SECTOR, b"\0") + sectors
    return pack(crc32c(pack(0)))


@dataclass
class Log:
    """What to put into the log: from byte `start` on, round its end if need be. Where nothing
    else is said, all entries name the first one as their tail, carry the headers' GUID, and
    `sizes` (flushed and last file offset) are the file's size."""
    entries: list
    start: int = 0
    guid: object = None
    sizes: tuple = ()
    tails: tuple = ()


def write_log(file, image, log: Log) -> None:
    """Write the entries, and name the log in both headers."""
    guid = log.guid or image.guids["log"]
    length = image.options.log_length
    tails = log.tails or [log.start] * len(log.entries)
    at = log.start
    for number, entry in enumerate(log.entries):
        data = pack_entry(entry, guid, FIRST_SEQUENCE + number, tails[number],
                          log.sizes or (image.file_size, image.file_size))
        for first in range(0, len(data), SECTOR):
            file.seek(vhdx.LOG_OFFSET + (at + first) % length)
            file.write(data[first:first + SECTOR])
        at = (at + len(data)) % length
    write_headers(file, image, guid)


def write_headers(file, image, log_guid, **change) -> None:
    other = image.sequence if image.options.same_sequence else image.sequence - 1
    for offset, sequence in zip(vhdx.HEADER_OFFSETS, (other, image.sequence)):
        file.seek(offset)
        file.write(vhdx.header(sequence, image.guids, image.options.log_length, log_guid,
                               **change))


def _read(file, offset: int) -> bytes:
    file.seek(offset)
    return file.read(SECTOR)


def _spoil(file, offset: int, seed) -> None:
    file.seek(offset)
    file.write(seed.bytes(f"stale sector {offset}", SECTOR))


def _payload_sectors(file, image, choose, wanted: int):
    """Sectors of the file that hold data of the disk, and some that hold zeros."""
    full, empty = [], []
    places = sorted(image.placed.values())
    for _ in range(wanted * 40):
        sector = choose.randrange(image.options.block_size // SECTOR)
        offset = choose.choice(places) + sector * SECTOR
        data = _read(file, offset)
        chosen = full if data.strip(b"\0") else empty
        if len(chosen) < wanted and offset not in chosen:
            chosen.append(offset)
    return full, empty


WRAPPED = -1


def make_dirty(image, seed, start: int = 0, wanted: int = 20) -> None:
    """Three entries: payload sectors first with a wrong content and later with the right one
    (the order of replay matters), zeroed sectors, and half of the block allocation table.

    `start`: where in the log; WRAPPED: so near its end that the second entry goes on at the
    log's beginning (valid, but qemu then replays only the last entry: no judge for it)."""
    choose = seed.random("dirty log")
    with open(image.path, "r+b") as file:
        full, empty = _payload_sectors(file, image, choose, wanted)
        right = [(offset, _read(file, offset)) for offset in full]
        wrong = [(offset, seed.bytes(f"older sector {offset}", SECTOR)) for offset in full]
        table = [(vhdx.BAT_OFFSET + at, _read(file, vhdx.BAT_OFFSET + at))
                 for at in range(0, -(-len(image.bat) * 8 // SECTOR) * SECTOR, SECTOR)]
        metadata = vhdx.METADATA_OFFSET + vhdx.ITEMS_OFFSET
        entries = [Entry(data=wrong),
                   Entry(data=right, zero=[(offset, SECTOR) for offset in empty]),
                   Entry(data=table + [(metadata, _read(file, metadata))])]
        for offset in full + empty:
            _spoil(file, offset, seed)
        for offset, data in table:
            file.seek(offset)
            file.write(_forget_half(data))
        # the virtual disk's size is stale too: one MiB less
        file.seek(metadata + 8)
        file.write(struct.pack("<Q", image.virtual_size - vhdx.MIB))
        if start == WRAPPED:
            start = image.options.log_length - entry_length(entries[0]) - 2 * SECTOR
        write_log(file, image, Log(entries, start))
        file.flush()
        os.fsync(file.fileno())


def _forget_half(table: bytes) -> bytes:
    """Every second block not allocated yet."""
    result = bytearray(table)
    for at in range(0, len(table), 16):
        result[at:at + 8] = bytes(8)
    return bytes(result)
