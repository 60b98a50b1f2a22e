# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged partition tables within images: GPT of a VHDX, MBR of a VHD."""

import struct
import zlib

from .bench import Case

HEADER = "<8sIII4xQQQQ16sQIII"
FIELDS = ("signature", "revision", "size", "crc", "own", "other", "first", "last", "disk",
          "entries", "count", "entry_size", "entries_crc")


class Gpt:
    """Both copies of the GPT within an image."""

    def __init__(self, bench, role="windows"):
        self.disk = bench.virtual(role)
        self.primary = self._header(1)
        self.backup = self._header(self.primary["other"])
        self.array = self.disk.read(self.primary["entries"] * 512, 128 * 128)

    def _header(self, lba: int) -> dict:
        return dict(zip(FIELDS, struct.unpack_from(HEADER, self.disk.read(lba * 512, 92))))

    def put(self, header: dict, lba: int, seal: bool = True) -> None:
        header = dict(header)
        for _ in range(2 if seal else 1):
            packed = struct.pack(HEADER, *(header[field] for field in FIELDS))
            if seal:
                header["crc"] = zlib.crc32(packed[:16] + bytes(4) + packed[20:header["size"]].ljust(
                    max(header["size"], 92) - 20, b"\0")) if header["size"] <= 92 else header["crc"]
                packed = struct.pack(HEADER, *(header[field] for field in FIELDS))
        self.disk.write(lba * 512, packed)

    def both(self, seal=True, **change) -> None:
        """Fields of both headers; a function gets the field's value."""
        for header, lba in ((self.primary, 1), (self.backup, self.primary["other"])):
            values = {name: value(header[name]) if callable(value) else value
                      for name, value in change.items()}
            self.put({**header, **values}, lba, seal)

    def entry(self, number: int) -> bytearray:
        return bytearray(self.array[128 * number:128 * number + 128])

    def put_entries(self, array: bytes, seal=True) -> None:
        crc = zlib.crc32(array)
        for header, lba in ((self.primary, 1), (self.backup, self.primary["other"])):
            self.disk.write(header["entries"] * 512, array)
            if seal:
                self.put({**header, "entries_crc": crc}, lba)

    def change_entry(self, number: int, **change) -> None:
        array = bytearray(self.array)
        for name, value in change.items():
            at, form = {"type": (0, "16s"), "id": (16, "16s"), "first": (32, "<Q"),
                        "last": (40, "<Q"), "name": (56, "72s")}[name]
            old = struct.unpack_from(form, array, 128 * number + at)[0]
            struct.pack_into(form, array, 128 * number + at, value(old) if callable(value) else value)
        self.put_entries(bytes(array))


def both(seal=True, **change):
    return lambda bench: Gpt(bench).both(seal, **change)


def entry(number, **change):
    return lambda bench: Gpt(bench).change_entry(number, **change)


def entries_crc(bench):
    gpt = Gpt(bench)
    gpt.put_entries(gpt.array[:200] + b"\1" + gpt.array[201:], seal=False)


def no_headers(bench):
    gpt = Gpt(bench)
    for lba in (1, gpt.primary["other"]):
        gpt.disk.write(lba * 512, bytes(92))


def second_volume(bench):
    """Behind the volume, where it ends, another partition that could be it."""
    gpt = Gpt(bench)
    array = bytearray(gpt.array)
    volume = array[128:256]
    _, last = struct.unpack_from("<QQ", volume, 32)
    struct.pack_into("<QQ", volume, 32, last - 7, last)
    volume[16:32] = bytes(range(16))
    struct.pack_into("<Q", array, 128 + 40, last - 8)
    array[256:384] = volume
    gpt.put_entries(bytes(array))


def overlap(bench):
    gpt = Gpt(bench)
    array = bytearray(gpt.array)
    volume = array[128:256]
    volume[16:32] = bytes(range(16))
    array[256:384] = volume
    gpt.put_entries(bytes(array))


RESERVED = bytes.fromhex("16e3c9e35c0bb84d817df92df00215ae")

GPT = {
    "header of size 0": Case(both(seal=False, size=0), ("header size 0",)),
    "checksum of both headers": Case(both(seal=False, crc=7), ("header CRC", "computed")),
    "no header": Case(no_headers, ("no GPT header",)),
    "revision 2": Case(both(revision=0x20000), ("revision 00020000",)),
    "a header that lies elsewhere": Case(both(own=lambda own: own + 7),
        ("header says that it lies at LBA",)),
    "entries of 96 bytes": Case(both(entry_size=96), ("entry size 96",)),
    "no entries": Case(both(count=0), ("0 entries",)),
    "entries in the header": Case(both(entries=1), ("entries at LBA 1",)),
    "last usable behind the disk": Case(both(last=1 << 40), ("last usable LBA", "the disk ends at")),
    "first usable behind the last": Case(both(first=lambda first: 1 << 22),
        ("first usable LBA", "is behind the last")),
    "other header in the middle": Case(both(other=500), ("other header at LBA 500",)),
    "checksum of the entries": Case(entries_crc, ("entries CRC",)),
    "a partition of length 0": Case(entry(1, last=lambda last: 0), ("size 0 or less",)),
    "a partition beyond the disk": Case(entry(1, last=1 << 40),
        ("GPT partition 2: last LBA", "the disk ends at")),
    "a partition in the table": Case(entry(0, first=2), ("GPT partition 1", "leaves the usable area")),
    "partitions that overlap": Case(overlap, ("overlap",)),
    "two partitions that could be it": Case(second_volume, ("could both be the backed up volume",)),
    "none but reserved ones": Case(entry(1, type=RESERVED), ("none but reserved ones",)),
}


# -- MBR ----------------------------------------------------------------------------------------

def mbr_entry(kind: int, first: int, count: int, status: int = 0) -> bytes:
    return struct.pack("<B3sB3sII", status, bytes(3), kind, bytes(3), first, count)


class Mbr:
    def __init__(self, bench):
        self.disk = bench.virtual("windows")
        self.first, self.count = struct.unpack_from("<II", self.disk.read(446 + 8, 8))

    def put(self, *entries, lba=0) -> None:
        table = b"".join(entries).ljust(64, b"\0")
        self.disk.write(lba * 512 + 446, table + b"\x55\xaa")


def mbr(make):
    """`make` answers the entries of the first sector, given first sector and length of the volume."""
    def damage(bench):
        table = Mbr(bench)
        table.put(*make(table.first, table.count))
    return damage


def extended(*records):
    """An extended partition over the volume; `records`: sector in it, entries."""
    def damage(bench):
        table = Mbr(bench)
        table.put(mbr_entry(0x0f, table.first, table.count))
        for sector, entries in records:
            if entries is None:
                table.disk.write((table.first + sector) * 512, bytes(512))
            else:
                table.put(*entries, lba=table.first + sector)
    return damage


def no_signature(bench):
    bench.virtual("windows").write(510, b"\0\0")


MBR = {
    "no signature of a table": Case(no_signature, ("no partition table",)),
    "a partition of length 0": Case(mbr(lambda first, count: [mbr_entry(7, first, 0)]),
        ("MBR partition 1: size 0",)),
    "a partition at sector 0": Case(mbr(lambda first, count: [mbr_entry(7, 0, count)]),
        ("starts at LBA 0",)),
    "a partition beyond the disk": Case(mbr(lambda first, count: [mbr_entry(7, first, 1 << 31)]),
        ("MBR partition 1", "the disk ends at")),
    "two extended partitions": Case(mbr(lambda first, count: [mbr_entry(5, first, 100), mbr_entry(15,
        first + 200, 100)]), ("2 extended partitions",)),
    "an empty table": Case(mbr(lambda first, count: []), ("partition table is empty",)),
    "two partitions that overlap": Case(mbr(lambda first, count: [mbr_entry(7, first, count),
        mbr_entry(7, first + 8, count - 8)]), ("overlap",)),
    "a chain without signature": Case(extended((0, None)), ("extended boot record 1", "signature 0000")),
    "a chain with a foreign link": Case(extended((0, [mbr_entry(7, 63, 100), mbr_entry(7, 200, 100)])),
        ("link of type 07",)),
    "a chain that leads out": Case(extended((0, [mbr_entry(7, 63, 100), mbr_entry(5, 1 << 30, 100)])),
        ("leads to sector",)),
    "a chain that loops": Case(extended((0, [mbr_entry(7, 63, 100), mbr_entry(5, 2048, 100)]), (2048,
        [mbr_entry(7, 63, 100), mbr_entry(5, 2048, 100)])), ("leads back to record",)),
    "a logical partition of length 0": Case(extended((0, [mbr_entry(7, 63, 0)])),
        ("logical partition 5: size 0",)),
    "a logical partition that is extended": Case(extended((0,
        [mbr_entry(5, 63, 100), mbr_entry(5, 200, 100)])), ("logical partition 5: type 05",)),
    "a logical partition on its record": Case(extended((0, [mbr_entry(7, 0, 100)])),
        ("starts on its own record",)),
    "a logical partition that leaves": Case(extended((0, [mbr_entry(7, 63, 1 << 30)])),
        ("logical partition 5: sectors",)),
    "a logical partition over a record": Case(extended((0,
        [mbr_entry(7, 63, 4000), mbr_entry(5, 2048, 1000)]), (2048, [mbr_entry(7, 63, 100)])), ("covers the extended boot record",)),
}
