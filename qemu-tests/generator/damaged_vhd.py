# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged VHD files, one rule each (SAFETY.md section 4). Every function gets a good image
(a vhd.Image, already on the disk) and breaks exactly one thing; checksums are made right
again, so that a reader finds the damage itself and not its trace."""

import os
import struct

from . import vhd

# Offsets in the footer and in the dynamic header (the VHD specification's tables)
FOOTER_VERSION, FOOTER_DATA_OFFSET, FOOTER_SIZE, FOOTER_TYPE, FOOTER_ID = 12, 16, 48, 60, 68
HEADER_TABLE, HEADER_ENTRIES, HEADER_BLOCK = 16, 28, 32


def poke(path, offset: int, data: bytes) -> None:
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(data)


def _put_footer(image, footer: bytes, copy: bool = True) -> None:
    footer = vhd.resealed(footer, vhd.FOOTER_CHECKSUM)
    poke(image.path, image.file_size - 512, footer)
    if copy and image.table:
        poke(image.path, 0, footer)


def _set(structure: bytes, offset: int, form: str, value) -> bytes:
    data = struct.pack(form, value)
    return structure[:offset] + data + structure[offset + len(data):]


def _change_header(offset: int, form: str, value):
    def damage(image):
        header = _set(image.header, offset, form, value)
        poke(image.path, 512, vhd.resealed(header, vhd.HEADER_CHECKSUM))
    return damage


def _change_footer(offset: int, form: str, value):
    def damage(image):
        _put_footer(image, _set(image.footer, offset, form, value))
    return damage


def _present(image):
    return [number for number, place in enumerate(image.table) if place != vhd.UNUSED]


def _set_entry(image, number: int, sector: int) -> None:
    poke(image.path, vhd.TABLE_OFFSET + 4 * number, struct.pack(">I", sector))


def both_footers(image):
    for offset in (0, image.file_size - 512):
        poke(image.path, offset + 200, b"rot")


def header_checksum(image):
    poke(image.path, 512 + vhd.HEADER_CHECKSUM, b"\x12\x34\x56\x78")


def block_in_header(image):
    _set_entry(image, _present(image)[1], 1)


def block_in_table(image):
    _set_entry(image, _present(image)[1], vhd.TABLE_OFFSET // 512)


def block_aliased(image):
    first, second = _present(image)[:2]
    _set_entry(image, second, image.table[first])


def blocks_overlap(image):
    first, second = _present(image)[:2]
    _set_entry(image, second, image.table[first] + 8)


def block_beyond_file(image):
    _set_entry(image, _present(image)[1], image.file_size // 512 + 2048)


def sizes_disagree(image):
    other = _set(image.footer, FOOTER_SIZE, ">Q", image.virtual_size - (1 << 20))
    poke(image.path, 0, vhd.resealed(other, vhd.FOOTER_CHECKSUM))


def ids_disagree(image):
    other = image.footer[:FOOTER_ID] + bytes(range(16)) + image.footer[FOOTER_ID + 16:]
    poke(image.path, 0, vhd.resealed(other, vhd.FOOTER_CHECKSUM))


def fixed_too_short(image):
    """The middle is gone and the footer still at the end."""
    poke(image.path, image.virtual_size - (1 << 20), image.footer)
    os.truncate(image.path, image.virtual_size - (1 << 20) + 512)


def cut(image):
    """The last third is missing, the footer with it: only the copy at the start is left."""
    os.truncate(image.path, image.file_size * 2 // 3)


# rule, what to do, words that a good text has, options of the good image
RULES = (
    ("footer-and-copy-bad", both_footers, ("footer",), {}),
    ("differencing-without-parent", _change_footer(FOOTER_TYPE, ">I", vhd.DIFFERENCING),
     ("differencing",), {}),
    ("unknown-type", _change_footer(FOOTER_TYPE, ">I", 9), ("type", "9"), {}),
    ("unknown-version", _change_footer(FOOTER_VERSION, ">I", 0x00020000), ("version",), {}),
    ("size-zero", _change_footer(FOOTER_SIZE, ">Q", 0), ("no bytes",), {}),
    ("size-not-of-sectors", _change_footer(FOOTER_SIZE, ">Q", 9000001), ("size",), {}),
    ("header-beyond-file", _change_footer(FOOTER_DATA_OFFSET, ">Q", 1 << 40), ("header",), {}),
    ("header-cookie", _change_header(0, ">8s", b"cxdamage"), ("header",), {}),
    ("header-checksum", header_checksum, ("header", "checksum"), {}),
    ("block-size-zero", _change_header(HEADER_BLOCK, ">I", 0), ("block size", "0"), {}),
    ("block-size-2-31", _change_header(HEADER_BLOCK, ">I", 1 << 31), ("block size",), {}),
    ("block-size-not-power-of-two", _change_header(HEADER_BLOCK, ">I", 3 << 20),
     ("block size",), {}),
    ("table-overflow", _change_header(HEADER_ENTRIES, ">I", 0xFFFFFFFF), ("table",), {}),
    ("table-too-short", _change_header(HEADER_ENTRIES, ">I", 1), ("table",), {}),
    ("table-beyond-file", _change_header(HEADER_TABLE, ">Q", 1 << 33), ("table",), {}),
    ("table-in-header", _change_header(HEADER_TABLE, ">Q", 512), ("table",), {}),
    ("block-in-header", block_in_header, ("block",), {}),
    ("block-in-table", block_in_table, ("block",), {}),
    ("block-aliased", block_aliased, ("block",), {}),
    ("blocks-overlap", blocks_overlap, ("block",), {}),
    ("block-beyond-file", block_beyond_file, ("block",), {}),
    ("footer-and-copy-differ-in-size", sizes_disagree, ("footer", "size"), {}),
    ("footer-and-copy-differ-in-id", ids_disagree, ("footer", "id"), {}),
    ("fixed-too-short", fixed_too_short, ("fixed",), {"fixed": True}),
    ("cut", cut, (), {}),
)

# Rules that a reader may refuse with one and the same text
KIN = {"cut": "block-beyond-file", "block-size-zero": "block-size-not-power-of-two",
       "table-beyond-file": "table-overflow", "blocks-overlap": "block-aliased"}
