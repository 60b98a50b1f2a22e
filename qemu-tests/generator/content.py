# SPDX-License-Identifier: GPL-3.0-or-later
"""What a virtual disk contains: pieces of bytes and sparse raw files at offsets, else zeros."""

import hashlib
import os

from . import tools

STEP = 4 << 20

# Zeros of this size and alignment are left out of a file
HOLE = 64 << 10


class Content:
    """Readable like a disk of `size` bytes. Pieces do not overlap."""

    def __init__(self, size: int):
        self.size = size
        self._pieces = []
        self._ranges = None

    def add_bytes(self, offset: int, data: bytes) -> None:
        self._ranges = None
        ranges = [(offset, len(data))] if data.strip(b"\0") else []
        self._pieces.append((offset, len(data), data, ranges))

    def add_file(self, offset: int, path) -> None:
        self._ranges = None
        length = os.path.getsize(path)
        descriptor = os.open(path, os.O_RDONLY)
        ranges = [(offset + start, count)
                  for start, count in tools.data_ranges(descriptor, length)]
        self._pieces.append((offset, length, descriptor, ranges))

    def close(self) -> None:
        for _, _, origin, _ in self._pieces:
            if isinstance(origin, int):
                os.close(origin)
        self._pieces = []

    def data_ranges(self):
        """Where bytes other than zero may be."""
        if self._ranges is None:
            self._ranges = tools.join_ranges(r for piece in self._pieces for r in piece[3])
        return self._ranges

    def read(self, offset: int, length: int) -> bytes:
        """Beyond the end: zeros (the last block of an image reaches beyond the disk)."""
        result = bytearray(length)
        for start, count, origin, _ in self._pieces:
            first = max(start, offset)
            last = min(start + count, offset + length)
            if first >= last:
                continue
            if isinstance(origin, int):
                data = os.pread(origin, last - first, first - start)
            else:
                data = origin[first - start:last - start]
            result[first - offset:last - offset] = data
        return bytes(result)

    def copy(self, offset: int, length: int, file, target: int) -> None:
        """Write a part to `target` of a file that is zeros there. What is zeros stays a hole:
        quick to write, and to read."""
        for start, count in self._within(offset, length):
            first = start - start % HOLE
            for at in range(first, start + count, HOLE):
                data = self.read(max(at, offset), min(at + HOLE, offset + length) - max(at, offset))
                if data.strip(b"\0"):
                    file.seek(target + max(at, offset) - offset)
                    file.write(data)

    def _within(self, offset: int, length: int):
        """The parts of a range where data may be, none beyond the end."""
        end = min(offset + length, self.size)
        for start, count in self.data_ranges():
            first, last = max(start, offset), min(start + count, end)
            if first < last:
                yield first, last - first

    def blocks_with_data(self, block_size: int):
        """Numbers of the blocks that are not all zeros, in order."""
        wanted = set()
        for offset, length in self.data_ranges():
            wanted.update(range(offset // block_size, (offset + length - 1) // block_size + 1))
        return [number for number in sorted(wanted)
                if self._has_data(number * block_size, block_size)]

    def _has_data(self, offset: int, length: int) -> bool:
        for start, count in self._within(offset, length):
            for first in range(start, start + count, STEP):
                if self.read(first, min(STEP, start + count - first)).strip(b"\0"):
                    return True
        return False

    def sha256(self, absent=()) -> str:
        """Hash of all bytes with the `absent` ranges (offset, length) read as zeros."""
        digest = hashlib.sha256()
        holes = tools.join_ranges(absent)
        zeros = bytes(STEP)
        for offset in range(0, self.size, STEP):
            length = min(STEP, self.size - offset)
            if not any(True for _ in self._within(offset, length)):
                digest.update(zeros[:length])
                continue
            data = bytearray(self.read(offset, length))
            for start, count in holes:
                first, last = max(start, offset), min(start + count, offset + length)
                if first < last:
                    data[first - offset:last - offset] = bytes(last - first)
            digest.update(data)
        return digest.hexdigest()
