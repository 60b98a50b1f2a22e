# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the seeds of the fuzz targets go, and how images are stored among them: sparse, as
restore/base/fuzz/fuzz.h describes: their size, then the runs of sectors that are neither zero nor the
random content of the generator's files."""

import pathlib
import struct

ROOT = pathlib.Path(__file__).resolve().parent.parent
SECTOR = 512
MIB = 1 << 20
SEED = 1

# Python's own random bytes have about 220 different values in a sector, structures far fewer
RANDOM = 150

SEED_MAX = 72 << 10  # larger ones (full logs) say nothing more, and a fuzzer is slow with them


def put(target: str, name: str, data: bytes) -> None:
    area, name_of_target = target.split(":")
    if len(data) > SEED_MAX and name_of_target not in ("ntfs", "hive-check"):
        return
    folder = ROOT / area / "fuzz" / "corpus" / name_of_target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def sparse(size: int, pieces) -> bytes:
    trimmed = [(offset, data.rstrip(b"\0")) for offset, data in pieces]
    return struct.pack("<Q", size) + b"".join(
        struct.pack("<QI", offset, len(data)) + data for offset, data in trimmed)


def runs(data: bytes, keep=range(0)):
    """The sectors that mean something, neither of one value nor random, neighbours joined, as (offset, bytes)."""
    joined = []
    for offset in range(0, len(data), SECTOR):
        sector = data[offset:offset + SECTOR]
        if len(set(sector)) == 1 or (len(set(sector)) > RANDOM and offset not in keep):
            continue
        if joined and joined[-1][0] + len(joined[-1][1]) == offset:
            joined[-1][1].extend(sector)
        else:
            joined.append((offset, bytearray(sector)))
    return joined
