# SPDX-License-Identifier: GPL-3.0-or-later
"""What a virtual disk contains: pieces of bytes and sparse raw files at offsets, else zeros."""

import hashlib
import os

from . import tools

STEP = 4 << 20


class Content:
    """Readable like a disk of `size` bytes. Pieces do not overlap."""

    def __init__(self, size: int):
        self.size = size
        self._pieces = []

    def add_bytes(self, offset: int, data: bytes) -> None:
        ranges = [(offset, len(data))] if data.strip(b"\0") else []
        self._pieces.append((offset, len(data), data, ranges))

    def add_file(self, offset: int, path) -> None:
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
        return tools.join_ranges(r for piece in self._pieces for r in piece[3])

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

    def blocks_with_data(self, block_size: int):
        """Numbers of the blocks that are not all zeros, in order."""
        wanted = set()
        for offset, length in self.data_ranges():
            wanted.update(range(offset // block_size, (offset + length - 1) // block_size + 1))
        return [number for number in sorted(wanted)
                if self._has_data(number * block_size, block_size)]

    def _has_data(self, offset: int, length: int) -> bool:
        end = min(offset + length, self.size)
        for first in range(offset, end, STEP):
            count = min(STEP, end - first)
            if self.read(first, count) != bytes(count):
                return True
        return False

    def sha256(self, absent=()) -> str:
        """Hash of all bytes with the `absent` ranges (offset, length) read as zeros."""
        digest = hashlib.sha256()
        holes = tools.join_ranges(absent)
        for offset in range(0, self.size, STEP):
            length = min(STEP, self.size - offset)
            data = bytearray(self.read(offset, length))
            for start, count in holes:
                first, last = max(start, offset), min(start + count, offset + length)
                if first < last:
                    data[first - offset:last - offset] = bytes(last - first)
            digest.update(data)
        return digest.hexdigest()
