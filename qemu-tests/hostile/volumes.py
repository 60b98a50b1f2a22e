# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged file systems within sound images: boot sectors, $MFT and $Bitmap of NTFS, FAT."""

import struct

from .bench import Case

RECORD = 1024
MFT, MFT_MIRROR, VOLUME, ROOT, BITMAP = 0, 1, 3, 5, 6
DATA, INDEX_ROOT = 0x80, 0x90


def boot(role: str, *pokes):
    """Fields of a boot sector: offset, form, value."""
    def damage(bench):
        for offset, form, value in pokes:
            bench.volume(role, offset, struct.pack(form, value))
    return damage


class Ntfs:
    def __init__(self, bench, role="windows"):
        self.bench, self.role = bench, role
        sector = bench.volume_bytes(role, 0, 512)
        self.cluster = struct.unpack_from("<H", sector, 11)[0] * sector[13]
        self.mft, self.mirror = (cluster * self.cluster for cluster in struct.unpack_from("<QQ", sector, 48))

    def record(self, number: int) -> bytearray:
        """As on the disk, without its fixups."""
        record = bytearray(self.bench.volume_bytes(self.role, self.mft + number * RECORD, RECORD))
        at, count = struct.unpack_from("<HH", record, 4)
        for sector in range(1, count):
            record[sector * 512 - 2:sector * 512] = record[at + 2 * sector:at + 2 * sector + 2]
        return record

    def put(self, number: int, record: bytes) -> None:
        record = bytearray(record)
        at, count = struct.unpack_from("<HH", record, 4)
        for sector in range(1, count):
            record[at + 2 * sector:at + 2 * sector + 2] = record[sector * 512 - 2:sector * 512]
            record[sector * 512 - 2:sector * 512] = record[at:at + 2]
        self.write(number, bytes(record))

    def write(self, number: int, record: bytes) -> None:
        self.bench.volume(self.role, self.mft + number * RECORD, record)
        if number < 4:
            self.bench.volume(self.role, self.mirror + number * RECORD, record)

    def attribute(self, record: bytes, kind: int) -> int:
        at = struct.unpack_from("<H", record, 20)[0]
        while struct.unpack_from("<I", record, at)[0] != kind:
            at += struct.unpack_from("<I", record, at + 4)[0]
        return at


def record(number: int, offset: int, form: str, value):
    """A field of a file record's head."""
    def damage(bench):
        ntfs = Ntfs(bench)
        data = ntfs.record(number)
        struct.pack_into(form, data, offset, value)
        ntfs.put(number, data)
    return damage


def attribute(number: int, kind: int, offset: int, form: str, value):
    """A field of an attribute."""
    def damage(bench):
        ntfs = Ntfs(bench)
        data = ntfs.record(number)
        struct.pack_into(form, data, ntfs.attribute(data, kind) + offset, value)
        ntfs.put(number, data)
    return damage


def runs(number: int, kind: int, packed: bytes):
    def damage(bench):
        ntfs = Ntfs(bench)
        data = ntfs.record(number)
        at = ntfs.attribute(data, kind)
        at += struct.unpack_from("<H", data, at + 32)[0]
        data[at:at + len(packed)] = packed
        ntfs.put(number, data)
    return damage


def torn(number: int):
    """A sector of the record is from another time."""
    def damage(bench):
        ntfs = Ntfs(bench)
        data = bytearray(bench.volume_bytes("windows", ntfs.mft + number * RECORD, RECORD))
        data[510] ^= 0xff
        ntfs.write(number, bytes(data))
    return damage


def bitmap_place(bench) -> int:
    """Where $Bitmap's first run begins."""
    ntfs = Ntfs(bench)
    data = ntfs.record(BITMAP)
    at = ntfs.attribute(data, DATA)
    at += struct.unpack_from("<H", data, at + 32)[0]
    lengths, places = data[at] & 15, data[at] >> 4
    return int.from_bytes(data[at + 1 + lengths:at + 1 + lengths + places], "little") * ntfs.cluster


def free(what):
    """$Bitmap calls the clusters of `what` free."""
    def damage(bench):
        ntfs, place = Ntfs(bench), bitmap_place(bench)
        cluster = {"boot": 0, "mft": ntfs.mft // ntfs.cluster, "mirror": ntfs.mirror // ntfs.cluster,
                   "bitmap": place // ntfs.cluster}[what]
        byte = bench.volume_bytes("windows", place + cluster // 8, 1)[0]
        bench.volume("windows", place + cluster // 8, bytes([byte & ~(1 << cluster % 8)]))
    return damage


NTFS = {
    "sectors of 520 bytes": Case(boot("windows", (11, "<H", 520)), ("NTFS boot sector: sector size 520",)),
    "clusters of 3 sectors": Case(boot("windows", (13, "B", 3)), ("NTFS boot sector: cluster size 1536",)),
    "more sectors than the volume": Case(boot("windows", (40, "<Q", 1 << 40)),
        ("NTFS boot sector", "sectors of 512 bytes, the volume has")),
    "$MFT behind the end": Case(boot("windows", (48, "<Q", 1 << 40)),
        ("NTFS boot sector: $MFT at cluster",)),
    "records of size 0": Case(boot("windows", (64, "B", 0)), ("file records of size 0",)),
    "records of an odd size": Case(boot("windows", (64, "b", -40)), ("with file records of 0 bytes",)),
    "index records of size 0": Case(boot("windows", (68, "B", 0)), ("with index records of 0 bytes",)),
    "no name of the file system": Case(boot("windows", (3, "8s", b"NOTHING ")),
        ("no file system in the image, NTFS by AsrSif",)),
    "$MFT without FILE": Case(record(MFT, 0, "4s", b"BAAD"),
        ("the record of $MFT: it does not begin with 'FILE'",)),
    "$MFT torn": Case(torn(MFT), ("the record of $MFT: its sectors are not of one write",)),
    "$MFT's fixups behind the record": Case(lambda bench: Ntfs(bench).write(MFT,
        b"FILE\xff\x7f\x40\x00"), ("the record of $MFT: its update sequence does not fit",)),
    "$MFT is not in use": Case(record(MFT, 22, "<H", 0), ("the record of $MFT: it is not in use",)),
    "$MFT is a folder": Case(record(MFT, 22, "<H", 3), ("the record of $MFT: it is a folder",)),
    "$MFT's attributes in its head": Case(record(MFT, 20, "<H", 8),
        ("the record of $MFT: its attributes begin within its head",)),
    "$MFT's attributes behind the record": Case(record(MFT, 20, "<H", 5000),
        ("the record of $MFT: its attributes have no end",)),
    "$MFT's attribute of length 0": Case(attribute(MFT, DATA, 4, "<I", 0),
        ("the record of $MFT: an attribute's length cannot be",)),
    "$MFT's attribute reaches beyond": Case(attribute(MFT, DATA, 4, "<I", 0x8000),
        ("the record of $MFT: an attribute reaches beyond it",)),
    "$MFT's time lies beyond its attribute": Case(attribute(MFT, 0x10, 16, "<I", 1 << 31),
        ("the record of $MFT: an attribute's value lies beyond it",)),
    "$MFT's runs beyond its attribute": Case(attribute(MFT, DATA, 32, "<H", 0x8000),
        ("the record of $MFT: an attribute's list of clusters lies beyond it",)),
    "$MFT's runs cut off": Case(runs(MFT, DATA, b"\x88"),
        ("the record of $MFT: an attribute's list of clusters is cut off",)),
    "$MFT's run behind the volume": Case(runs(MFT, DATA, b"\x41\x10\xff\xff\xff\x7f\0"),
        ("the record of $MFT: an attribute's clusters lie beyond the volume",)),
    "$MFT's run of length 0": Case(runs(MFT, DATA, b"\x11\x00\x04\0"),
        ("the record of $MFT: an attribute has a run of no clusters",)),
    "$MFTMirr without FILE": Case(record(MFT_MIRROR, 0, "4s", b"BAAD"),
        ("the record of $MFTMirr: it does not begin",)),
    "$MFTMirr is not in use": Case(record(MFT_MIRROR, 22, "<H", 0),
        ("the record of $MFTMirr: it is not in use",)),
    "$Volume without FILE": Case(record(VOLUME, 0, "4s", b"BAAD"),
        ("the record of $Volume: it does not begin",)),
    "$Volume torn": Case(torn(VOLUME), ("the record of $Volume: its sectors are not of one write",)),
    "the root folder without FILE": Case(record(ROOT, 0, "4s", b"BAAD"),
        ("the record of the root folder: it does not begin",)),
    "the root folder is no folder": Case(record(ROOT, 22, "<H", 1),
        ("the record of the root folder: it is no folder",)),
    "the root folder's index of length 0": Case(attribute(ROOT, INDEX_ROOT, 4, "<I", 0),
        ("the record of the root folder: an attribute's length cannot be",)),
    "$Bitmap without FILE": Case(record(BITMAP, 0, "4s", b"BAAD"),
        ("the record of $Bitmap: it does not begin",)),
    "$Bitmap torn": Case(torn(BITMAP), ("the record of $Bitmap: its sectors are not of one write",)),
    "$Bitmap too short": Case(attribute(BITMAP, DATA, 48, "<Q", 100), ("$Bitmap has 100 bytes",)),
    "$Bitmap with a hole": Case(runs(BITMAP, DATA, b"\x01\x03\0"), ("$Bitmap has a hole",)),
    "the boot sector is free": Case(free("boot"), ("where the boot sector lies",)),
    "$MFT is free": Case(free("mft"), ("free, where $MFT lies",)),
    "$MFTMirr is free": Case(free("mirror"), ("where $MFTMirr lies",)),
    "$Bitmap is free": Case(free("bitmap"), ("free, where $Bitmap lies",)),
}

FAT = {
    "clusters of 512 KiB": Case(boot("esp", (11, "<H", 4096), (13, "B", 128)),
        ("FAT boot sector: cluster size",)),
    "more sectors than the volume": Case(boot("esp", (19, "<H", 0), (32, "<I", 1 << 31)),
        ("FAT boot sector", "sectors of 512 bytes, the volume has")),
    "tables longer than the volume": Case(boot("esp", (36, "<I", 1 << 30)),
        ("FAT boot sector: tables of",)),
    "no signature": Case(boot("esp", (510, "<H", 0)), ("no file system in the image, FAT32 by AsrSif",)),
    "the root folder behind the end": Case(boot("esp", (44, "<I", 1 << 27)),
        ("mdir", "Streamcache allocation problem")),
    "the root folder at cluster 0": Case(boot("esp", (44, "<I", 0)),
        ("'EFI/Microsoft/Boot/BCD' is not in the image",)),
}
