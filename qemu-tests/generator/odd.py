# SPDX-License-Identifier: GPL-3.0-or-later
"""Odd but valid VHD and VHDX files: what a strict reader must not refuse, with the hash of what
it must read. Each function makes one file and returns the expected Content's absent ranges."""

import os

from . import vhd, vhdx
from . import vhdx_log as logs
from .content import Content
from .damaged_vhd import poke
from .damaged_vhdx import (MIB, UNKNOWN, bat_region, known_items, metadata_entry, present, region,
                           regions, set_entry, write_items)
from .disk import Disk, Partition, table_pieces
from .vhdx_log import SECTOR, Entry, Log

# Places of data in the small disk, in MiB, 64 KiB each: blocks 1 to 4 MiB large, some of them
# full, some empty, the last one only begun
DATA_MIB = (0, 1, 5, 6, 7, 11, 15)


def small_disk(seed, size: int = 16 * MIB, sector_size: int = 512, places=DATA_MIB) -> Content:
    """A disk with one partition of type 07 from 64 KiB on, holding random data in places."""
    disk = Disk("mbr", sector_size, size // sector_size, signature=seed.signature("small disk"))
    first = 65536 // sector_size
    last = (size - 65536) // sector_size
    disk.partitions = [Partition(1, "volume", first, last - first, 0x07)]
    content = Content(size)
    for offset, data in table_pieces(disk):
        content.add_bytes(offset, data)
    for mib in places:
        content.add_bytes(mib * MIB + 65536, seed.bytes(f"small disk {mib}", 65536))
    return content


def _vhd(path, seed, content=None, **options):
    content = content or small_disk(seed, vhd.disk_size(16 * MIB))
    return vhd.write(path, content, vhd.Options(**options), seed), content


def _vhdx(path, seed, content=None, **options):
    options.setdefault("block_size", MIB)
    content = content or small_disk(seed, sector_size=options.get("logical_sector", 512))
    return vhdx.write(path, content, vhdx.Options(**options), seed), content


# -- VHD ------------------------------------------------------------------------------------

def vhd_torn_footer(path, seed):
    """The footer was not written to its end: the copy at the start counts."""
    image, content = _vhd(path, seed)
    poke(path, image.file_size - 512, bytes(512))
    return image, content


def vhd_footer_missing(path, seed):
    """Cut right behind the last block."""
    image, content = _vhd(path, seed)
    os.truncate(path, image.file_size - 1024)
    return image, content


def vhd_torn_copy(path, seed):
    image, content = _vhd(path, seed)
    poke(path, 100, b"rot")
    return image, content


def vhd_saved_state(path, seed):
    return _vhd(path, seed, saved_state=1)


def vhd_bitmaps_zero(path, seed):
    """FORMAT.md: ignore the sector bitmaps of a dynamic VHD."""
    return _vhd(path, seed, bitmap=0)


def vhd_reverse_order(path, seed):
    return _vhd(path, seed, swap_every=2, block_size=MIB // 2)


def vhd_size_not_of_cylinders(path, seed):
    """disk2vhd and Hyper-V: the size field counts, not the geometry."""
    content = small_disk(seed, 16 * MIB + 512 * 77)
    return _vhd(path, seed, content, creator=b"win ", creator_version=0x000A0000, saved_state=0)


def vhd_empty(path, seed):
    """Not a single block."""
    return _vhd(path, seed, Content(vhd.disk_size(16 * MIB)))


def vhd_fixed(path, seed):
    return _vhd(path, seed, fixed=True)


def vhd_long_table(path, seed):
    """More entries than the disk needs, as after a change of size; the rest is unused."""
    image, content = _vhd(path, seed)
    header = vhd.make_header(len(image.table) + 100, image.options.block_size)
    poke(path, 512, header)
    return image, content


# -- VHDX -----------------------------------------------------------------------------------

def vhdx_same_sequence(path, seed):
    """disk2vhd writes both headers with one sequence number."""
    return _vhdx(path, seed, same_sequence=True)


def _vhdx_one_bad(offset):
    def make(path, seed):
        image, content = _vhdx(path, seed)
        poke(path, offset + 60, b"rot")
        return image, content
    return make


def vhdx_states(path, seed):
    """Blocks of states 1, 2 and 3 beside 0 and 6."""
    return _vhdx(path, seed, states={2: vhdx.UNDEFINED, 3: vhdx.ZERO, 4: vhdx.UNMAPPED})


def vhdx_offsets_left(path, seed):
    """In states 0 and 2 the offset means nothing: here it points at a block in use."""
    image, content = _vhdx(path, seed)
    used = image.placed[present(image)[0]]
    for block, state in ((2, vhdx.NOT_PRESENT), (3, vhdx.ZERO)):
        set_entry(image, block, vhdx.bat_entry(state, used))
    return image, content


def vhdx_4096(path, seed):
    return _vhdx(path, seed, logical_sector=4096, block_size=2 * MIB)


def vhdx_fixed(path, seed):
    return _vhdx(path, seed, fixed=True)


def vhdx_block_256_mib(path, seed):
    return _vhdx(path, seed, block_size=256 * MIB)


def vhdx_second_chunk(path, seed):
    """A disk of more than one chunk (4 GiB with 512-byte sectors): the table has entries of
    sector bitmaps between those of blocks."""
    content = small_disk(seed, 4 * 1024 * MIB + 160 * MIB, places=(0, 4000, 4100, 4250))
    return _vhdx(path, seed, content, block_size=32 * MIB)


def vhdx_optional_region(path, seed):
    """An unknown region that is not required, in front of the known ones in the table."""
    image, content = _vhdx(path, seed)
    regions(region(UNKNOWN, image.file_size, MIB, 0), metadata_entry, bat_region)(image)
    os.truncate(path, image.file_size + MIB)
    return image, content


def vhdx_optional_item(path, seed):
    """Unknown metadata: one of the user's, one of the system's that is not required."""
    image, content = _vhdx(path, seed)
    write_items(image, [(UNKNOWN, b"a note", 1)] + known_items(image)[::-1]
                 + [(seed.guid("another item"), b"", 0)])
    return image, content


def vhdx_log(path, seed):
    image, content = _vhdx(path, seed)
    logs.make_dirty(image, seed)
    return image, content


def vhdx_log_wrapped(path, seed):
    """The sequence goes on at the log's beginning."""
    image, content = _vhdx(path, seed)
    logs.make_dirty(image, seed, start=logs.WRAPPED)
    return image, content


def vhdx_log_old_entry(path, seed):
    """Before the tail lies an older entry, valid and next in number: it was replayed long ago,
    the sector changed since, and it must not be replayed again."""
    image, content = _vhdx(path, seed)
    first, second = (image.placed[block] + 65536 for block in present(image)[1:3])
    with open(path, "r+b") as file:
        file.seek(second)
        right = file.read(SECTOR)
        old = Entry(data=[(first, seed.bytes("long ago", SECTOR))])
        new = Entry(data=[(second, right)])
        poke(path, second, seed.bytes("stale", SECTOR))
        logs.write_log(file, image, Log([old, new], tails=(0, logs.entry_length(old))))
    return image, content


def vhdx_log_older_sequence(path, seed):
    """Behind the active sequence lies the rest of an older one, with smaller numbers."""
    image, content = _vhdx(path, seed)
    logs.make_dirty(image, seed)
    place = image.placed[present(image)[1]] + 65536
    stale = Entry(data=[(place, seed.bytes("older", SECTOR))])
    at = image.options.log_length // 2
    with open(path, "r+b") as file:
        data = logs.pack_entry(stale, image.guids["log"], 17, at,
                                          (image.file_size, image.file_size))
        file.seek(vhdx.LOG_OFFSET + at)
        file.write(data)
    return image, content


def vhdx_log_grows_file(path, seed):
    """The last block is beyond the end of the file until the log puts it there: zeroed, with
    its data sectors, and LastFileOffset says how long the file becomes."""
    image, content = _vhdx(path, seed)
    size = image.options.block_size
    start = max(image.placed.values())
    with open(path, "r+b") as file:
        sectors = []
        for offset in range(start, start + size, SECTOR):
            file.seek(offset)
            data = file.read(SECTOR)
            if data.strip(b"\0"):
                sectors.append((offset, data))
        file.truncate(start)
        entries = [Entry(zero=[(start, size)]), Entry(data=sectors)]
        logs.write_log(file, image, Log(entries, sizes=(start, start + size)))
    return image, content


def vhdx_log_many_descriptors(path, seed):
    """An entry with more descriptors than fit beside its header."""
    image, content = _vhdx(path, seed)
    places = [image.placed[block] + 65536 + at for block in present(image)[1:]
              for at in range(0, 65536, SECTOR)]
    empty = [image.placed[block] + 65536 * 3 + 2 * at for block in present(image)
             for at in range(0, 65536, SECTOR)]
    with open(path, "r+b") as file:
        entry = Entry(zero=[(offset, SECTOR) for offset in empty])
        for offset in places:
            file.seek(offset)
            entry.data.append((offset, file.read(SECTOR)))
        for offset in places + empty:
            file.seek(offset)
            file.write(b"\xA5" * SECTOR)
        logs.write_log(file, image, Log([entry]))
    return image, content


# file name, what makes it, which foreign program reads it as it should (README.md says why some
# of them do not)
QEMU, LIBVHDI, NOBODY = "qemu-img", "libvhdi", ""

KINDS = (
    ("torn-footer.vhd", vhd_torn_footer, QEMU),
    ("footer-missing.vhd", vhd_footer_missing, QEMU),
    ("torn-copy.vhd", vhd_torn_copy, LIBVHDI),
    ("saved-state.vhd", vhd_saved_state, QEMU),
    ("bitmaps-zero.vhd", vhd_bitmaps_zero, QEMU),
    ("order.vhd", vhd_reverse_order, QEMU),
    ("size-not-of-cylinders.vhd", vhd_size_not_of_cylinders, QEMU),
    ("empty.vhd", vhd_empty, QEMU),
    ("fixed.vhd", vhd_fixed, QEMU),
    ("long-table.vhd", vhd_long_table, QEMU),
    ("same-sequence.vhdx", vhdx_same_sequence, QEMU),
    ("first-header-bad.vhdx", _vhdx_one_bad(vhdx.HEADER_OFFSETS[0]), QEMU),
    ("second-header-bad.vhdx", _vhdx_one_bad(vhdx.HEADER_OFFSETS[1]), QEMU),
    ("first-region-table-bad.vhdx", _vhdx_one_bad(vhdx.REGION_TABLE_OFFSETS[0]), NOBODY),
    ("second-region-table-bad.vhdx", _vhdx_one_bad(vhdx.REGION_TABLE_OFFSETS[1]), QEMU),
    ("states.vhdx", vhdx_states, QEMU),
    ("offsets-left.vhdx", vhdx_offsets_left, QEMU),
    ("sectors-4096.vhdx", vhdx_4096, LIBVHDI),
    ("fixed.vhdx", vhdx_fixed, QEMU),
    ("block-256-mib.vhdx", vhdx_block_256_mib, QEMU),
    ("second-chunk.vhdx", vhdx_second_chunk, QEMU),
    ("optional-region.vhdx", vhdx_optional_region, QEMU),
    ("optional-item.vhdx", vhdx_optional_item, QEMU),
    ("log.vhdx", vhdx_log, QEMU),
    ("log-wrapped.vhdx", vhdx_log_wrapped, NOBODY),
    ("log-old-entry.vhdx", vhdx_log_old_entry, NOBODY),
    ("log-older-sequence.vhdx", vhdx_log_older_sequence, QEMU),
    ("log-grows-file.vhdx", vhdx_log_grows_file, QEMU),
    ("log-many-descriptors.vhdx", vhdx_log_many_descriptors, NOBODY),
)
