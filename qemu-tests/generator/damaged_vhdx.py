# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged VHDX files, one rule each (SAFETY.md section 4). Every function gets a good image
(a vhdx.Image, already on the disk) and breaks exactly one thing; checksums are made right
again, so that a reader finds the damage itself and not its trace."""

import os
import struct
import uuid

from . import vhdx, vhdx_log
from .damaged_vhd import poke
from .seeded import Seed
from .vhdx_log import SECTOR, Entry, Log

MIB = 1 << 20
UNKNOWN = uuid.UUID("11111111-2222-4333-8444-555555555555")
PARENT_LOCATOR = uuid.UUID("A8D35F2D-B30B-454D-ABF7-D3D84834AB0C")


# -- headers and regions --------------------------------------------------------------------

def both_headers(image):
    for offset in vhdx.HEADER_OFFSETS:
        poke(image.path, offset + 100, b"rot")


def no_header(image):
    for offset in vhdx.HEADER_OFFSETS:
        poke(image.path, offset, bytes(SECTOR))


def _change_headers(log_guid=False, **change):
    def damage(image):
        with open(image.path, "r+b") as file:
            vhdx_log.write_headers(file, image, image.guids["log"] if log_guid else None, **change)
    return damage


def both_region_tables(image):
    for offset in vhdx.REGION_TABLE_OFFSETS:
        poke(image.path, offset + 50, b"rot")


def regions(*make):
    """Both region tables anew; each of `make` turns an image into one entry."""
    def damage(image):
        table = vhdx.region_table([entry(image) for entry in make])
        for offset in vhdx.REGION_TABLE_OFFSETS:
            poke(image.path, offset, table)
    return damage


def bat_region(image):
    return vhdx.REGION_BAT, vhdx.BAT_OFFSET, image.bat_length, 1


def metadata_entry(_):
    return vhdx.REGION_METADATA, vhdx.METADATA_OFFSET, MIB, 1


def region(guid, offset, length=MIB, required=1):
    return lambda image: (guid, offset, length, required)


# -- metadata -------------------------------------------------------------------------------

def write_items(image, items) -> None:
    poke(image.path, vhdx.METADATA_OFFSET, vhdx.metadata_region(items))


def known_items(image):
    return vhdx.metadata_items(image.virtual_size, image.options, image.guids)


def _change_item(guid, value: bytes):
    def damage(image):
        write_items(image, [(g, value if g == guid else v, flags)
                             for g, v, flags in known_items(image)])
    return damage


def _without_item(guid):
    def damage(image):
        write_items(image, [item for item in known_items(image) if item[0] != guid])
    return damage


def unknown_item(image):
    write_items(image, known_items(image) + [(UNKNOWN, b"12345678", vhdx.IS_REQUIRED)])


def item_twice(image):
    write_items(image, known_items(image) + known_items(image)[1:2])


def _poke_metadata(offset: int, form: str, value):
    def damage(image):
        poke(image.path, vhdx.METADATA_OFFSET + offset, struct.pack(form, value))
    return damage


# -- block allocation table -----------------------------------------------------------------

def present(image):
    return sorted(image.placed)


def set_entry(image, block: int, entry: int) -> None:
    poke(image.path, image.bat_entry_offset(block), struct.pack("<Q", entry))


def _state(state: int):
    def damage(image):
        block = present(image)[1]
        set_entry(image, block, vhdx.bat_entry(state, image.placed[block]))
    return damage


def _place(where):
    """The second block that is present comes to lie where `where(image)` says."""
    def damage(image):
        entry = vhdx.bat_entry(vhdx.FULLY_PRESENT, where(image))
        set_entry(image, present(image)[1], entry)
    return damage


def reserved_bits(image):
    block = present(image)[1]
    entry = vhdx.bat_entry(vhdx.FULLY_PRESENT, image.placed[block])
    set_entry(image, block, entry | 1 << 10)


# -- log ------------------------------------------------------------------------------------

def _log_entries(image, count: int = 2):
    """Entries that would, if they counted, write what is there already."""
    place = image.placed[present(image)[0]]
    with open(image.path, "rb") as file:
        file.seek(place)
        data = file.read(SECTOR)
    return [Entry(data=[(place, data)]) for _ in range(count)]


def _log(change=None, **options):
    """A log of two entries; `change(image, bytes of the log)` then breaks it."""
    def damage(image):
        with open(image.path, "r+b") as file:
            vhdx_log.write_log(file, image, Log(_log_entries(image), **options))
            if change:
                file.seek(vhdx.LOG_OFFSET)
                log = bytearray(file.read(4 * SECTOR))
                change(image, log)
                file.seek(vhdx.LOG_OFFSET)
                file.write(log)
    return damage


def _reseal(log: bytearray, at: int, length: int = 2 * SECTOR) -> None:
    log[at + 4:at + 8] = bytes(4)
    log[at + 4:at + 8] = struct.pack("<I", vhdx.crc32c(bytes(log[at:at + length])))


def _each_entry(offset: int, form: str, value):
    """The same field of both entries; offsets of [MS-VHDX] 2.3.1.1."""
    def change(_, log):
        for at in (0, 2 * SECTOR):
            struct.pack_into(form, log, at + offset, value)
            _reseal(log, at)
    return change


def log_crc(_, log):
    for at in (0, 2 * SECTOR):
        log[at + SECTOR + 100] ^= 0xFF


def log_foreign(image):
    guid = Seed(99).guid("somebody else's log")
    with open(image.path, "r+b") as file:
        vhdx_log.write_log(file, image, Log(_log_entries(image), guid=guid))
        vhdx_log.write_headers(file, image, image.guids["log"])


def log_empty(image):
    """The headers name a log, and there is nothing in it."""
    with open(image.path, "r+b") as file:
        vhdx_log.write_headers(file, image, image.guids["log"])


def log_torn_sector(_, log):
    """The entry's checksum is right, its data sector belongs to another entry."""
    for at in (0, 2 * SECTOR):
        struct.pack_into("<I", log, at + 2 * SECTOR - 4, 7)
        _reseal(log, at)


def log_looped(_, log):
    """Each entry names a tail that is not part of the sequence: following them never ends."""
    for at, tail in ((0, 2 * SECTOR), (2 * SECTOR, 4 * SECTOR)):
        struct.pack_into("<I", log, at + 12, tail)
        _reseal(log, at)


def log_zeroes_the_world(image):
    """A zero descriptor of 2^62 bytes: whoever extends the file as told needs 4 EiB."""
    with open(image.path, "r+b") as file:
        entry = Entry(zero=[(image.file_size, 1 << 62)])
        vhdx_log.write_log(file, image, Log([entry]))


# -- the file -------------------------------------------------------------------------------

def cut_in_the_middle(image):
    os.truncate(image.path, image.file_size - 2 * image.options.block_size - 123 * SECTOR)


def cut_in_metadata(image):
    os.truncate(image.path, vhdx.METADATA_OFFSET + 70000)


_FILE_PARAMETERS_PARENT = struct.pack("<II", MIB, 2)


def has_parent(image):
    locator = uuid.UUID("B04AEFB7-D19E-4A81-B789-25B8E9445913").bytes_le + bytes(4)
    items = [(guid, _FILE_PARAMETERS_PARENT if guid == vhdx.FILE_PARAMETERS else value, flags)
             for guid, value, flags in known_items(image)]
    write_items(image, items + [(PARENT_LOCATOR, locator, vhdx.IS_REQUIRED)])


def _block_size(value: int):
    return _change_item(vhdx.FILE_PARAMETERS, struct.pack("<II", value, 0))


def _virtual_size(value: int):
    return _change_item(vhdx.VIRTUAL_DISK_SIZE, struct.pack("<Q", value))


def _sector_size(guid, value: int):
    return _change_item(guid, struct.pack("<I", value))


# Places in the metadata table: the fifth item is moved onto the fourth, both are sector sizes
FIRST_ENTRY, FIFTH_ENTRY = 32, 32 + 4 * 32

# rule, what to do, words that a good text has, options of the good image
RULES = (
    ("both-headers-bad", both_headers, ("header",), {}),
    ("no-header", no_header, ("header",), {}),
    ("version-2", _change_headers(version=2), ("version",), {}),
    ("log-version-1", _change_headers(log_guid=True, log_version=1), ("log", "version"), {}),
    ("both-region-tables-bad", both_region_tables, ("region table",), {}),
    ("regions-overlap", regions(bat_region, region(vhdx.REGION_METADATA, vhdx.BAT_OFFSET)),
     ("region", "overlap"), {}),
    ("region-beyond-file", regions(region(vhdx.REGION_BAT, 1 << 40), metadata_entry), ("region",),
     {}),
    ("region-in-headers", regions(region(vhdx.REGION_BAT, 0), metadata_entry), ("region",), {}),
    ("region-unaligned", regions(region(vhdx.REGION_BAT, vhdx.BAT_OFFSET + 512), metadata_entry),
     ("region",), {}),
    ("region-unknown-required",
     regions(bat_region, metadata_entry, region(UNKNOWN, 4 * MIB)), ("region", "known"), {}),
    ("region-twice",
     regions(bat_region, metadata_entry, region(vhdx.REGION_BAT, 5 * MIB)), ("region",), {}),
    ("region-missing", regions(metadata_entry), ("region",), {}),
    ("region-overlaps-log", regions(bat_region, region(vhdx.REGION_METADATA, vhdx.LOG_OFFSET)),
     ("log",), {}),
    ("metadata-signature", _poke_metadata(0, "<8s", b"metadamn"), ("metadata",), {}),
    ("metadata-too-many", _poke_metadata(10, "<H", 2048), ("metadata", "2048"), {}),
    ("metadata-item-beyond-region", _poke_metadata(FIRST_ENTRY + 16, "<I", MIB - 4),
     ("metadata",), {}),
    ("metadata-item-in-table", _poke_metadata(FIRST_ENTRY + 16, "<I", 4096), ("metadata",), {}),
    ("metadata-items-overlap", _poke_metadata(FIFTH_ENTRY + 16, "<I", vhdx.ITEMS_OFFSET + 32),
     ("metadata", "overlap"), {}),
    ("metadata-unknown-required", unknown_item, ("metadata",), {}),
    ("metadata-item-twice", item_twice, ("metadata",), {}),
    ("metadata-size-missing", _without_item(vhdx.VIRTUAL_DISK_SIZE), ("metadata",), {}),
    ("block-size-not-power-of-two", _block_size(3 * MIB), ("block size",), {}),
    ("block-size-too-small", _block_size(MIB // 2), ("block size",), {}),
    ("block-size-too-large", _block_size(512 * MIB), ("block size",), {}),
    ("virtual-size-zero", _virtual_size(0), ("no bytes",), {}),
    ("virtual-size-above-64-tib", _virtual_size((64 << 40) + 512), ("size",), {}),
    ("virtual-size-not-of-sectors", _virtual_size(16 * MIB + 100), ("size",), {}),
    ("logical-sector-1024", _sector_size(vhdx.LOGICAL_SECTOR_SIZE, 1024), ("sector",), {}),
    ("physical-sector-8192", _sector_size(vhdx.PHYSICAL_SECTOR_SIZE, 8192), ("sector",), {}),
    ("table-too-short", _virtual_size(1 << 40), ("BAT",), {}),
    ("state-reserved-4", _state(4), ("state",), {}),
    ("state-reserved-5", _state(5), ("state",), {}),
    ("state-partial-without-parent", _state(7), ("parent",), {}),
    ("entry-reserved-bits", reserved_bits, ("reserved",), {}),
    ("block-aliased", _place(lambda i: i.placed[present(i)[0]]), ("block",), {}),
    ("blocks-overlap", _place(lambda i: i.placed[present(i)[0]] + MIB), ("block",),
     {"block_size": 4 * MIB}),
    ("block-beyond-file", _place(lambda i: i.file_size + 100 * MIB), ("block",), {}),
    ("block-far-beyond-file", _place(lambda i: (1 << 64) - MIB), ("block",), {}),
    ("block-in-headers", _place(lambda i: 0), ("block",), {}),
    ("block-in-log", _place(lambda i: vhdx.LOG_OFFSET), ("block",), {}),
    ("block-in-metadata", _place(lambda i: vhdx.METADATA_OFFSET), ("block",), {}),
    ("parent-required", has_parent, ("differencing",), {}),
    ("log-beyond-file", _change_headers(log_guid=True, log_offset=1 << 40), ("log",), {}),
    ("log-unaligned", _change_headers(log_guid=True, log_offset=MIB + 4096), ("log",), {}),
    ("log-empty", log_empty, ("log",), {}),
    ("log-foreign-guid", log_foreign, ("log",), {}),
    ("log-checksum", _log(log_crc), ("log",), {}),
    ("log-looped", _log(log_looped), ("log",), {}),
    ("log-entry-length-zero", _log(_each_entry(8, "<I", 0)), ("log",), {}),
    ("log-entry-longer-than-log", _log(_each_entry(8, "<I", 64 * MIB)), ("log",), {}),
    ("log-descriptors-beyond-entry", _log(_each_entry(24, "<I", 5000)), ("log",), {}),
    ("log-torn-sector", _log(log_torn_sector), ("log",), {}),
    ("log-target-unaligned", _log(_each_entry(64 + 16, "<Q", 5 * MIB + 512)), ("log",), {}),
    ("log-of-a-longer-file", _log(sizes=(1 << 30, 1 << 30)), ("log",), {}),
    ("log-zeroes-the-world", log_zeroes_the_world, ("log",), {}),
    ("cut-in-the-middle", cut_in_the_middle, (), {}),
    ("cut-in-metadata", cut_in_metadata, (), {}),
)

# Rules that a reader may refuse with one and the same text
KIN = {"cut-in-the-middle": "block-beyond-file", "block-far-beyond-file": "block-beyond-file",
       "cut-in-metadata": "region-beyond-file", "blocks-overlap": "block-aliased",
       "state-reserved-5": "state-reserved-4", "parent-required": "differencing-without-parent"}
