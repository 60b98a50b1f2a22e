# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged and foreign sidecars of a delta restore (restore/formats/block-index.h says how they lie on
disk). What stands behind a checksum is sealed anew, so that the rule behind it is met."""

import ctypes
import struct

from .bench import Case

HEAD, IMAGE, RECORD = 0x30, 0x150, 24
FILE_SIZE, WRITTEN, UNIQUE_ID, HEADS, VOLUME, PLACE, LENGTH = 0x100, 0x108, 0x110, 0x120, 0x130, 0x138, 0x140


class Hash128(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


def xxhash():
    library = ctypes.CDLL("libxxhash.so.0")
    for name, more in (("XXH3_128bits", ()), ("XXH3_128bits_withSeed", (ctypes.c_uint64,))):
        function = getattr(library, name)
        function.restype, function.argtypes = Hash128, (ctypes.c_char_p, ctypes.c_size_t, *more)
    for name, more in (("XXH3_64bits", ()), ("XXH3_64bits_withSeed", (ctypes.c_uint64,))):
        function = getattr(library, name)
        function.restype, function.argtypes = ctypes.c_uint64, (ctypes.c_char_p, ctypes.c_size_t, *more)
    return library


def seal_head(data: bytearray) -> None:
    images = struct.unpack_from("<I", data, 16)[0]
    data[32:48] = bytes(16)
    library = xxhash()
    plain = library.XXH3_128bits(bytes(data[:HEAD]), HEAD)
    whole = library.XXH3_128bits_withSeed(bytes(data[HEAD:HEAD + images * IMAGE]), images * IMAGE, plain.low)
    struct.pack_into("<QQ", data, 32, whole.low, whole.high)


def records(data) -> int:
    """Where those of the first image begin."""
    return struct.unpack_from("<Q", data, HEAD + PLACE)[0]


def seal_record(data: bytearray) -> None:
    """The first one of the first image."""
    at = records(data)
    count = struct.unpack_from("<Q", data, at + 8)[0].bit_count()
    library = xxhash()
    seed = library.XXH3_64bits(bytes(data[at:at + 16]), 16)
    hashes = bytes(data[at + RECORD:at + RECORD + 16 * count])
    struct.pack_into("<Q", data, at + 16, library.XXH3_64bits_withSeed(hashes, len(hashes), seed))


def good(bench) -> bytes:
    """The set's sidecar; made once."""
    kept = bench.folder / "openbmr.index.kept"
    if not kept.exists():
        status, text = bench.run(["index", bench.share, "--output", kept])
        if status:
            raise ValueError(text)
    return kept.read_bytes()


def sidecar(change, *words, seal=None) -> Case:
    """`change(bytearray)` makes it wrong, or answers another one."""
    def damage(bench):
        data = bytearray(good(bench))
        changed = change(data)
        data = data if changed is None else changed
        if seal:
            seal(data)
        bench.add(bench.set / "openbmr.index", bytes(data))
    return Case(damage, words, ("--delta",))


def field(offset: int, form: str, value, *words, seal=seal_head) -> Case:
    """Of the head, or of the first image's entry, which begins at HEAD."""
    return sidecar(lambda data: struct.pack_into(form, data, offset, value), *words, seal=seal)


def record(offset: int, form: str, value, *words, seal=None) -> Case:
    return sidecar(lambda data: struct.pack_into(form, data, records(data) + offset, value), *words, seal=seal)


SIDECARS = {
    "a sidecar that was never finished": field(0, "8s", bytes(8), "damaged index: it does not begin as one", seal=None),
    "a sidecar of version 9": field(8, "<I", 9, "index of version 9", "is known here"),
    "a sidecar of no images": field(16, "<I", 0, "damaged index: no number of images that can be", seal=None),
    "a sidecar that is cut off": sidecar(lambda data: data[:-5], "damaged index", "were written"),
    "a sidecar of a few bytes": sidecar(lambda data: data[:20], "damaged index: it ends within its head"),
    "a sidecar with a wrong checksum": field(HEAD, "B", 0x7f, "damaged index: the checksum of its head", seal=None),
    "a sidecar of a larger image": field(HEAD + FILE_SIZE, "<Q", 1 << 40, "stale index", "grew or shrank since"),
    "a sidecar from before a write": field(HEAD + WRITTEN, "<Q", 1, "stale index", "was written to since"),
    "a sidecar of another image": field(HEAD + UNIQUE_ID, "16s", bytes(16), "stale index", "another unique id since"),
    "a sidecar of other headers": field(HEAD + HEADS, "16s", bytes(16), "stale index", "got other headers since"),
    "a sidecar of another backup": field(HEAD, "8s", b"another!", "index of another backup: it does not know"),
    "a sidecar of a volume without a length": field(HEAD + VOLUME, "<Q", 0, "damaged index: a volume of no length"),
    "a sidecar of a longer volume": field(HEAD + VOLUME, "<Q", 1 << 30, "is of a volume of another length"),
    "a sidecar with records behind its end": field(HEAD + PLACE, "<Q", 1 << 40,
                                                   "damaged index: records outside of the file"),
    "a sidecar whose record is cut off": field(HEAD + LENGTH, "<Q", RECORD + 8, "damaged index: record at", "is cut off"),
    "a sidecar out of order": record(0, "<Q", 1 << 40, "damaged index: record at", "is not in its order"),
    "a sidecar of blocks that are not there": record(8, "<Q", 0, "damaged index: record at", "the volume has not"),
    "a sidecar whose record is rotten": record(RECORD, "B", 0x5a, "damaged index: record at", "has a wrong checksum"),
    "a sidecar that knows other content": record(RECORD, "16s", bytes(range(16)), "does not know what it holds at",
                                                 seal=seal_record),
}
