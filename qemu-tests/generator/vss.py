# SPDX-License-Identifier: GPL-3.0-or-later
"""One shadow copy on a volume, as VSS lays it out: for tests of who reads them. The catalogue and
the store lie behind the end of the file system, where Windows would have files in `System Volume
Information`; readers follow offsets of the volume and look at no files.

Source of the facts: the format's public description by the libvshadow project. All integers are
little-endian; everything lies in blocks of 16 KiB:

    0x1e00    volume header: where the catalogue is
    start     catalogue: one entry that names the copy, one that says where its store is
    + 1       store header, + 2 block ranges, + 3 bitmap, + 4 … block list, then the old blocks
"""

import struct
import uuid

BLOCK = 16384
HEADER = 128
HEADER_OFFSET = 0x1E00
VSS = uuid.UUID("3808876b-c176-4e48-b7ae-04046e6cc752").bytes_le
STORE = uuid.UUID("5e5e5e5e-0001-4000-8000-000000000001").bytes_le
COPY = uuid.UUID("5e5e5e5e-0002-4000-8000-000000000002").bytes_le
UNIX_EPOCH = 116444736000000000  # in units of 100 ns since 1601

TYPE_VOLUME, TYPE_CATALOGUE, TYPE_BLOCKS, TYPE_STORE, TYPE_RANGES, TYPE_BITMAP = 1, 2, 3, 4, 5, 6
DESCRIPTORS = (BLOCK - HEADER) // 32


def _block(kind: int, relative: int, offset: int, following: int, body: bytes,
           size: int = 0) -> bytes:
    header = VSS + struct.pack("<IIQQQQ", 1, kind, relative, offset, following, size)
    return (header.ljust(HEADER, b"\0") + body).ljust(BLOCK, b"\0")


def _changed(old, new, length: int):
    """Offsets of the blocks in which two files differ."""
    for offset in range(0, length, BLOCK):
        old.seek(offset)
        new.seek(offset)
        before = old.read(BLOCK)
        if before != new.read(BLOCK):
            yield offset, before


def add_copy(volume, old, length: int, time: int) -> int:
    """Let `volume` have a shadow copy that reads as `old` does, made at `time` (seconds since
    1970). Both begin with file systems of `length` bytes, a multiple of 16 KiB; the store follows
    behind. Returns how many bytes the volume has now."""
    with open(volume, "r+b") as new, open(old, "rb") as before:
        changed = list(_changed(before, new, length))
        lists = -(-len(changed) // DESCRIPTORS)
        start = length
        store, ranges, bitmap, blocks = (start + n * BLOCK for n in (1, 2, 3, 4))
        data = blocks + lists * BLOCK
        end = data + len(changed) * BLOCK
        name = "TEST".encode("utf-16-le")
        information = (STORE + COPY + COPY + struct.pack("<IIII", 0, 0, 0x20009, 0) +
                       (struct.pack("<H", len(name)) + name) * 2)
        put = {
            start: _block(TYPE_CATALOGUE, 0, start, 0,
                          struct.pack("<QQ", 2, end) + STORE +
                          struct.pack("<QQQ", 1, 0x40, UNIX_EPOCH + time * 10**7).ljust(96, b"\0") +
                          struct.pack("<QQ", 3, blocks) + STORE +
                          struct.pack("<QQQQQQ", store, ranges, bitmap, 0, end - store, 0)),
            store: _block(TYPE_STORE, 0, store, 0, information, len(information)),
            ranges: _block(TYPE_RANGES, ranges - store, ranges, 0,
                           struct.pack("<QQQ", store, 0, end - store)),
            bitmap: _block(TYPE_BITMAP, bitmap - store, bitmap, 0, b""),
        }
        for number in range(lists):
            at = blocks + number * BLOCK
            first = number * DESCRIPTORS
            body = b"".join(
                struct.pack("<QQQII", offset, data + index * BLOCK - store, data + index * BLOCK,
                            0, 0)
                for index, (offset, _) in enumerate(changed[first:first + DESCRIPTORS], first))
            put[at] = _block(TYPE_BLOCKS, at - store, at, at + BLOCK if number + 1 < lists else 0,
                             body)
        for index, (_, content) in enumerate(changed):
            put[data + index * BLOCK] = content
        put[HEADER_OFFSET] = VSS + struct.pack("<IIQQQQQ", 1, TYPE_VOLUME, HEADER_OFFSET, 0, 0,
                                               start, 0) + STORE + STORE
        for offset, content in put.items():
            new.seek(offset)
            new.write(content)
        new.truncate(end)
    return end
