# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged packs (seekable zstd) in the place of an image, and images that build on others which are
not there, not the right ones, or themselves."""

import struct
import subprocess
import uuid

import bmr

from .bench import Case

ENTRY, FOOT = 12, 9  # bytes in a pack's table, which has checksums


def packed(bench) -> bytes:
    """The recovery partition's image as `bmr pack` writes it; made once."""
    kept = bench.folder / "packed.zst"
    if not kept.exists():
        image = bench.image("winre")
        subprocess.run([bmr.PROGRAM, "pack", image], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=bmr.environment())
        image.with_name(image.name + ".zst").rename(kept)
    return kept.read_bytes()


def pack(change):
    """`change(bytearray, table, frames)` makes it wrong; table: where its entries begin."""
    def damage(bench):
        data = bytearray(packed(bench))
        frames = struct.unpack_from("<I", data, len(data) - FOOT)[0]
        changed = change(data, len(data) - FOOT - frames * ENTRY, frames)
        image = bench.image("winre")
        bench.away(image)
        bench.add(image.with_name(image.name + ".zst"), bytes(data if changed is None else changed))
    return damage


def poke(offset, form: str, value):
    """`offset(data, table, frames)`"""
    return pack(lambda data, table, frames: struct.pack_into(form, data, offset(data, table, frames), value))


def last_frame(more: int):
    def change(data, table, frames):
        at = table + (frames - 1) * ENTRY
        struct.pack_into("<I", data, at, struct.unpack_from("<I", data, at)[0] + more)
    return pack(change)


def rotten(data, table, frames):
    """In the middle of the longest frame."""
    stored = [struct.unpack_from("<I", data, table + i * ENTRY)[0] for i in range(frames)]
    longest = stored.index(max(stored))
    at = sum(stored[:longest]) + stored[longest] // 2
    for offset in range(at, at + 8):
        data[offset] ^= 0x5a


PACKS = {
    "a pack without its end": Case(pack(lambda data, table, frames: data[:-FOOT]),
        ("zstd without a seek table",)),
    "a pack with unknown flags": Case(poke(lambda data, table, frames: len(data) - 5, "B", 0x84),
        ("seek table with flags",)),
    "a pack of no frames": Case(poke(lambda data, table, frames: len(data) - FOOT, "<I", 0),
        ("frames, must have from 1 to",)),
    "a pack of more frames than bytes": Case(poke(lambda data, table, frames: len(data) - FOOT, "<I", 1 << 26),
        ("frames", "bytes, in a file of")),
    "a pack whose table has no head": Case(poke(lambda data, table, frames: table - 8, "<I", 7),
        ("seek table begins with",)),
    "a pack with a frame of 3 GiB": Case(poke(lambda data, table, frames: table + 4, "<I", 3 << 30),
        ("at most", "can be read; pack it by")),
    "a pack with an empty frame": Case(poke(lambda data, table, frames: table, "<I", 0),
        ("of content, must be from 1 to",)),
    "a pack whose last frame is too long": Case(last_frame(1), ("reaches into the seek table at",)),
    "a pack whose last frame is too short": Case(last_frame(-1), ("the frames end at",)),
    "a pack that is rotten": Case(pack(rotten), ("the frame at", "is damaged:")),
    "a pack that is text": Case(pack(lambda data, table, frames: b"hello\r\n" * 1000),
        ("does not begin as zstd does",)),
    "a pack of a few bytes": Case(pack(lambda data, table, frames: data[:4]), ("bytes, no packed image",)),
}


# -- images that build on others: VHD --------------------------------------------------------------

FOOTER = 512
DIFFERENCING = 4


def checksum(block: bytearray, at: int) -> None:
    """Of a footer or a header of a VHD."""
    struct.pack_into(">I", block, at, 0)
    struct.pack_into(">I", block, at, ~sum(block) & 0xffffffff)


def own_id(path) -> bytes:
    with open(path, "rb") as file:
        return file.read(FOOTER)[68:84]


def c_image(bench):
    return bench.image("windows")


def builds_on(parent_id, name, image=c_image):
    """`parent_id(bench)`: 16 bytes; `name(bench)`: of the parent's file."""
    def damage(bench):
        path = image(bench)
        with open(path, "rb") as file:
            footer, header = bytearray(file.read(FOOTER)), bytearray(file.read(1024))
        struct.pack_into(">I", footer, 60, DIFFERENCING)
        checksum(footer, 64)
        header[40:56] = parent_id(bench)
        header[64:576] = name(bench).encode("utf-16-be").ljust(512, b"\0")
        checksum(header, 36)
        bench.poke(path, 0, bytes(footer + header))
        bench.poke(path, path.stat().st_size - FOOTER, bytes(footer))
    return damage


def other_image(bench):
    """One that is in the folder, and is not C:'s."""
    mine = bench.image("windows")
    return next(path for path in sorted(bench.set.iterdir()) if path.suffix == mine.suffix and path != mine)


def each_on_the_other(bench):
    for child, parent in ((c_image, other_image), (other_image, c_image)):
        builds_on(lambda bench, of=parent: own_id(of(bench)), lambda bench, of=parent: of(bench).name, child)(bench)


def twice_the_parent(bench):
    builds_on(lambda bench: own_id(other_image(bench)), lambda bench: "the parent.vhd")(bench)
    parent = other_image(bench)
    bench.add(parent.with_name("copy of " + parent.name), parent.read_bytes())


CHAINS = {
    "a parent that is not there": Case(builds_on(lambda bench: uuid.UUID(int=5).bytes, lambda bench: "base.vhd"),
        ("is not in its folder: copy it there",)),
    "a parent that has another id": Case(
        builds_on(lambda bench: uuid.UUID(int=5).bytes, lambda bench: other_image(bench).name),
        ("there has the id", "it is another image or")),
    "a parent that is the image itself": Case(
        builds_on(lambda bench: own_id(bench.image("windows")), lambda bench: bench.image("windows").name),
        ("is the image itself or builds on it",)),
    "two images that build on each other": Case(
        each_on_the_other, ("is the image itself or builds on it",), alone=False),
    "a parent without an id": Case(builds_on(lambda bench: bytes(16), lambda bench: "base.vhd"),
        ("differencing image whose parent", "has no id")),
    "two parents of one id": Case(twice_the_parent, ("two images", "leave only the right one")),
}
