# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs of registry hives for tests: a clean hive and what it shall become in, a dirty hive and
its .LOG1 and .LOG2 out, as a machine leaves them that loses power while it writes.

Source: msuhanov/regf, "Format of transaction log files"."""

import struct

BASE = 4096
SECTOR = 512
PAGE = 4096  # Windows marks whole pages
LOG, LOG_NEW = 1, 6  # file types of the base block
SEED = bytes.fromhex("82ef4d887a4e55c5")
MASK = 0xFFFFFFFF


def _rotate(word: int, bits: int) -> int:
    return (word << bits | word >> (32 - bits)) & MASK


def marvin32(data: bytes) -> int:
    """The hash of log entries (published with .NET as System.Marvin)."""
    high, low = struct.unpack(">II", SEED)
    padded = data + b"\x80" + bytes(-(len(data) + 1) % 4) + bytes(4)
    for (word,) in struct.iter_unpack("<I", padded):
        low = (low + word) & MASK
        high ^= low
        low = (_rotate(low, 20) + high) & MASK
        high = _rotate(high, 9) ^ low
        low = (_rotate(low, 27) + high) & MASK
        high = _rotate(high, 19)
    return high << 32 | low


def base_block(hive: bytes, first: int, second: int, kind: int = 0) -> bytes:
    """The first sector of `hive` with other sequence numbers and file type."""
    block = bytearray(hive[:SECTOR])
    struct.pack_into("<II", block, 4, first, second)
    struct.pack_into("<I", block, 28, kind)
    checksum = 0
    for (word,) in struct.iter_unpack("<I", bytes(block[:508])):
        checksum ^= word
    struct.pack_into("<I", block, 508, {0: 1, MASK: MASK - 1}.get(checksum, checksum))
    return bytes(block)


def _pages(before: bytes, after: bytes):
    for at in range(BASE, len(after), PAGE):
        if before[at:at + PAGE] != after[at:at + PAGE]:
            yield at - BASE, after[at:at + PAGE]


def _sequence(hive: bytes) -> int:
    return struct.unpack_from("<I", hive, 4)[0]


def dirty(before: bytes) -> bytes:
    """`before` as a write leaves it that has only begun."""
    number = _sequence(before)
    return base_block(before, number + 1, number) + before[SECTOR:]


def old_log(before: bytes, after: bytes) -> bytes:
    """With a dirty vector (up to Windows 8)."""
    number = _sequence(before) + 1
    bitmap = bytearray(-(-(len(after) - BASE) // SECTOR // 8))
    pages = b""
    for offset, page in _pages(before, after):
        for at in range(offset, offset + PAGE, SECTOR):
            bitmap[at // SECTOR // 8] |= 1 << at // SECTOR % 8
        pages += page
    vector = b"DIRT" + bytes(bitmap)
    return base_block(after, number, number, LOG) + vector + bytes(-len(vector) % SECTOR) + pages


def entry(before: bytes, after: bytes, number: int) -> bytes:
    """One entry of a new log."""
    pages = list(_pages(before, after))
    body = b"".join(struct.pack("<II", offset, len(page)) for offset, page in pages)
    body += b"".join(page for _, page in pages)
    body += bytes(-(40 + len(body)) % SECTOR)
    head = struct.pack("<4sIIIII", b"HvLE", 40 + len(body), 0, number, len(after) - BASE, len(pages))
    head += struct.pack("<Q", marvin32(body))
    return head + struct.pack("<Q", marvin32(head)) + body


def new_logs(steps) -> tuple:
    """With entries (since Windows 8.1): hives one after the other, the first as it lies on the
    disk. The first half of the steps is in .LOG1, the rest in .LOG2."""
    number = _sequence(steps[0])
    entries = [entry(old, new, number + i) for i, (old, new) in enumerate(zip(steps, steps[1:]))]
    half = (len(entries) + 1) // 2
    logs = []
    for start, part in ((0, entries[:half]), (half, entries[half:])):
        logs.append(base_block(steps[0], number + start, number + start, LOG_NEW) + b"".join(part) if part else b"")
    return tuple(logs)
