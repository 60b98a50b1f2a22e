# SPDX-License-Identifier: GPL-3.0-or-later
"""A VHDX writer for tests: dynamic and fixed, every block state, dirty log on request.

Source: [MS-VHDX], sections in the comments. Windows' own writer has the metadata region at
2 MiB and the block allocation table behind it (FORMAT.md section 2), and so has this one.
"""

import struct
import uuid
from dataclasses import dataclass, field

from .crc32c import crc32c

MIB = 1 << 20

# 2.2: places of the headers and region tables
HEADER_OFFSETS = (64 << 10, 128 << 10)
REGION_TABLE_OFFSETS = (192 << 10, 256 << 10)
LOG_OFFSET = 1 * MIB
METADATA_OFFSET = 2 * MIB
BAT_OFFSET = 3 * MIB

# 2.2.3.2
REGION_BAT = uuid.UUID("2DC27766-F623-4200-9D64-115E9BFD4A08")
REGION_METADATA = uuid.UUID("8B7CA206-4790-4B9A-B8FE-575F050F886E")

# 2.6.2
FILE_PARAMETERS = uuid.UUID("CAA16737-FA36-4D43-B3B6-33F0AA44E76B")
VIRTUAL_DISK_SIZE = uuid.UUID("2FA54224-CD1B-4876-B211-5DBED83BF4B8")
VIRTUAL_DISK_ID = uuid.UUID("BECA12AB-B2E6-4523-93EF-C309E000C746")
LOGICAL_SECTOR_SIZE = uuid.UUID("8141BF1D-A96F-4709-BA47-F233A8FAAB5F")
PHYSICAL_SECTOR_SIZE = uuid.UUID("CDA348C7-445D-4471-9CC9-E9885251C556")

# 2.6.1.2: flags of a metadata entry
IS_VIRTUAL_DISK = 2
IS_REQUIRED = 4

# 2.5.1.1
NOT_PRESENT, UNDEFINED, ZERO, UNMAPPED, FULLY_PRESENT = 0, 1, 2, 3, 6

# 2.6: the first item lies 64 KiB into the metadata region
ITEMS_OFFSET = 64 << 10


@dataclass
class Options:
    """What kind of file. `states` forces the state of single blocks by number."""
    block_size: int = 2 * MIB
    logical_sector: int = 512
    physical_sector: int = 4096
    fixed: bool = False
    same_sequence: bool = False
    empty_state: int = NOT_PRESENT
    absent_state: int = NOT_PRESENT
    states: dict = field(default_factory=dict)
    swap_every: int = 8
    log_length: int = MIB
    creator: str = "openbmr test generator"


@dataclass
class Image:
    """A written file, as the log writer and the damage need to know it."""
    path: str
    options: Options
    virtual_size: int
    file_size: int
    bat_length: int
    sequence: int
    guids: dict
    bat: list
    placed: dict
    absent: list

    def bat_entry_offset(self, block: int) -> int:
        return BAT_OFFSET + 8 * bat_index(block, self.options)


def chunk_ratio(options: Options) -> int:
    """2.5: payload blocks per sector bitmap block."""
    return (1 << 23) * options.logical_sector // options.block_size


def bat_index(block: int, options: Options) -> int:
    """Position of a payload block: a bitmap entry follows every chunk."""
    return block + block // chunk_ratio(options)


def bat_entries(virtual_size: int, options: Options) -> int:
    blocks = -(-virtual_size // options.block_size)
    return blocks + (blocks - 1) // chunk_ratio(options)


def bat_entry(state: int, offset: int = 0) -> int:
    return state | offset // MIB << 20


def file_identifier(creator: str) -> bytes:
    return (b"vhdxfile" + creator.encode("utf-16-le")).ljust(64 << 10, b"\0")


def header(sequence: int, guids: dict, log_length: int, log_guid=None, **change) -> bytes:
    """2.2.2, 4096 bytes. `change`: version, log_version, log_offset."""
    log = log_guid.bytes_le if log_guid else bytes(16)

    def pack(crc):
        return struct.pack("<4sIQ16s16s16sHHIQ", b"head", crc, sequence,
                           guids["file_write"].bytes_le, guids["data_write"].bytes_le, log,
                           change.get("log_version", 0), change.get("version", 1), log_length,
                           change.get("log_offset", LOG_OFFSET)).ljust(4096, b"\0")
    return pack(crc32c(pack(0)))


def region_table(regions) -> bytes:
    """2.2.3, 64 KiB; `regions`: (GUID, offset, length, required)."""
    def pack(crc):
        table = struct.pack("<4sIII", b"regi", crc, len(regions), 0)
        for guid, offset, length, required in regions:
            table += struct.pack("<16sQII", guid.bytes_le, offset, length, required)
        return table.ljust(64 << 10, b"\0")
    return pack(crc32c(pack(0)))


def metadata_items(virtual_size: int, options: Options, guids: dict):
    """2.6.2: (GUID, value, flags) of every known item of a file without a parent."""
    both = IS_VIRTUAL_DISK | IS_REQUIRED
    return [
        (FILE_PARAMETERS, struct.pack("<II", options.block_size, 1 if options.fixed else 0),
         IS_REQUIRED),
        (VIRTUAL_DISK_SIZE, struct.pack("<Q", virtual_size), both),
        (VIRTUAL_DISK_ID, guids["disk"].bytes_le, both),
        (LOGICAL_SECTOR_SIZE, struct.pack("<I", options.logical_sector), both),
        (PHYSICAL_SECTOR_SIZE, struct.pack("<I", options.physical_sector), both),
    ]


def metadata_region(items) -> bytes:
    """2.6: table of 64 KiB, then the items, 1 MiB in all."""
    table = struct.pack("<8sHH20s", b"metadata", 0, len(items), bytes(20))
    values = b""
    for guid, value, flags in items:
        table += struct.pack("<16sIIII", guid.bytes_le, ITEMS_OFFSET + len(values), len(value),
                             flags, 0)
        values += value
    return (table.ljust(ITEMS_OFFSET, b"\0") + values).ljust(MIB, b"\0")


def _round_up(value: int, unit: int) -> int:
    return -(-value // unit) * unit


def _whole_blocks(ranges, block_size: int):
    """Numbers of the blocks that lie wholly within one of the ranges."""
    for offset, length in ranges:
        yield from range(_round_up(offset, block_size) // block_size,
                         (offset + length) // block_size)


def _allocation_order(numbers, swap_every: int):
    """Mostly ascending, as a backup writes; now and then two neighbours the other way round,
    so that nobody can rely on the order."""
    order = list(numbers)
    for at in range(swap_every - 1, len(order), swap_every) if swap_every else ():
        order[at - 1], order[at] = order[at], order[at - 1]
    return order


def _choose_states(content, options: Options, absent):
    """State of every block, and the numbers of blocks left out although they have data."""
    blocks = -(-content.size // options.block_size)
    states = [FULLY_PRESENT if options.fixed else options.empty_state] * blocks
    for number in content.blocks_with_data(options.block_size):
        states[number] = FULLY_PRESENT
    for number in _whole_blocks(absent, options.block_size):
        states[number] = options.absent_state
    for number, state in options.states.items():
        states[number] = state
    lost = [number for number in range(blocks) if states[number] != FULLY_PRESENT]
    return states, lost


def new_guids(seed, label: str) -> dict:
    return {name: seed.guid(f"{label} {name}") for name in ("file_write", "data_write", "disk",
                                                            "log")}


def write(path, content, options: Options, seed, absent=()) -> Image:
    """Write `content` (a Content) as a VHDX file; `absent` ranges (offset, length) lose
    every block that lies wholly inside them, as if the backup had skipped it."""
    guids = new_guids(seed, f"vhdx {content.size} {options}")
    states, lost = _choose_states(content, options, absent)
    bat = [0] * bat_entries(content.size, options)
    bat_length = _round_up(len(bat) * 8, MIB)
    data_offset = BAT_OFFSET + bat_length
    for number, state in enumerate(states):
        bat[bat_index(number, options)] = bat_entry(state)
    present = [number for number, state in enumerate(states) if state == FULLY_PRESENT]
    if not options.fixed:
        present = _allocation_order(present, options.swap_every)
    placed = {}
    for place, number in enumerate(present):
        placed[number] = data_offset + place * options.block_size
        bat[bat_index(number, options)] = bat_entry(FULLY_PRESENT, placed[number])
    file_size = data_offset + len(present) * options.block_size
    image = Image(str(path), options, content.size, file_size, bat_length, 7, guids, bat, placed,
                  [(n * options.block_size, options.block_size) for n in lost])
    with open(path, "wb") as file:
        file.truncate(file_size)
        _write_structures(file, image)
        for number, offset in placed.items():
            content.copy(number * options.block_size, options.block_size, file, offset)
    return image


def _write_structures(file, image: Image) -> None:
    options = image.options
    other = image.sequence if options.same_sequence else image.sequence - 1
    regions = region_table([(REGION_BAT, BAT_OFFSET, image.bat_length, 1),
                            (REGION_METADATA, METADATA_OFFSET, MIB, 1)])
    pieces = [
        (0, file_identifier(options.creator)),
        (HEADER_OFFSETS[0], header(other, image.guids, options.log_length)),
        (HEADER_OFFSETS[1], header(image.sequence, image.guids, options.log_length)),
        (REGION_TABLE_OFFSETS[0], regions),
        (REGION_TABLE_OFFSETS[1], regions),
        (METADATA_OFFSET,
         metadata_region(metadata_items(image.virtual_size, options, image.guids))),
        (BAT_OFFSET, struct.pack(f"<{len(image.bat)}Q", *image.bat)),
    ]
    for offset, data in pieces:
        for at in range(0, len(data), 65536):
            if data[at:at + 65536].strip(b"\0"):
                file.seek(offset + at)
                file.write(data[at:at + 65536])
