# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything random comes from one printed seed, by label: adding a value moves no other."""

import random
import uuid


class Seed:
    """One number; each label gives an independent stream of values."""

    def __init__(self, number: int):
        self.number = number

    def random(self, label: str) -> random.Random:
        return random.Random(f"{self.number}:{label}")

    def bytes(self, label: str, length: int) -> bytes:
        return self.random(label).randbytes(length)

    def guid(self, label: str) -> uuid.UUID:
        """A version 4 (random) GUID, what Windows gives to disks and partitions."""
        return uuid.UUID(bytes=self.bytes(label, 16), version=4)

    def guid_v1(self, label: str) -> uuid.UUID:
        """A version 1 UUID as Windows 7 gives to volumes of MBR disks.

        They end in 806e6f6e6963 ("nonic": no network card at set-up time)."""
        value = self.random(label)
        fields = (value.getrandbits(32), value.getrandbits(16),
                  0x11e0 | value.getrandbits(4), 0x80 | value.getrandbits(6),
                  value.getrandbits(8), 0x806e6f6e6963)
        return uuid.UUID(fields=fields)

    def signature(self, label: str) -> int:
        """An MBR disk signature; zero would mean "no signature"."""
        return self.random(label).getrandbits(32) | 1
