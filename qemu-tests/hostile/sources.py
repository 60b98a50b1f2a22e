# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks that hold backups and are damaged: BitLocker, exFAT, NTFS. And signatures of answer
files."""

import pathlib
import struct

import scenario
from generator import bitlocker, ntfs, tools

from . import volumes
from .bench import Case

MIB = 1 << 20

# -- BitLocker ---------------------------------------------------------------------------------------

SIZE = 16 * MIB
KEY = bitlocker.startup_file()


def locked(bench):
    """A volume of zeros behind a startup key; made once. A copy of it, and where its metadata lies."""
    kept = bench.folder / "locked.kept"
    if not kept.exists():
        bitlocker.encrypt(bytes(SIZE), kept, "xts-128", {"startup": ""}, 512)
    path = bench.add(bench.folder / "locked.raw", kept.read_bytes())
    bench.add(bench.folder / "key.bek", KEY)
    with open(path, "rb") as file:
        return path, struct.unpack_from("<QQQ", file.read(512), 176)


def from_locked(*words) -> tuple:
    return words, (lambda bench: ["restore", "--from", bench.folder / "locked.raw", "--disk", bench.target,
                                  "--confirm", "erase", "--unlock", bench.folder / "key.bek"])


def header(offset: int, form: str, value, *words) -> Case:
    def damage(bench):
        bench.poke(locked(bench)[0], offset, struct.pack(form, value))
    said, command = from_locked(*words)
    return Case(damage, said, command=command)


def metadata(offset: int, form: str, value, *words) -> Case:
    """In all of its copies."""
    def damage(bench):
        path, places = locked(bench)
        for place in places:
            bench.poke(path, place + offset, struct.pack(form, value))
    said, command = from_locked(*words)
    return Case(damage, said, command=command)


BITLOCKER = {
    "BitLocker with sectors of 520 bytes": header(11, "<H", 520, "BitLocker: sectors of"),
    "BitLocker with metadata behind the end": header(176, "<Q", 1 << 40, "BitLocker: metadata at"),
    "BitLocker of another kind": header(160, "<I", 1, "BitLocker of Vista, or unknown"),
    "BitLocker without metadata": metadata(0, "8s", bytes(8), "BitLocker: no metadata where it should be"),
    "BitLocker of version 9": metadata(10, "<H", 9, "BitLocker: metadata of version"),
    "BitLocker with metadata of a GiB": metadata(64, "<I", 1 << 30, "BitLocker: metadata of", "bytes"),
    "BitLocker in the middle of encrypting": metadata(12, "<H", 2, "is being encrypted or decrypted"),
    "BitLocker of an unknown method": metadata(100, "<H", 0x1234, "BitLocker: encryption method"),
    "BitLocker that disagrees": metadata(32, "<Q", 65536, "header and metadata disagree"),
    "BitLocker whose start is nowhere": metadata(56, "<Q", 1 << 40, "bytes of the start at"),
    "BitLocker without a key of the volume": metadata(112, "<H", 0, "BitLocker: no key of the volume"),
}

# -- exFAT (Microsoft's specification, section 3) ------------------------------------------------------

SECTOR = 512


def sealed(boot: bytes) -> bytes:
    """The boot region: eleven sectors, and their checksum in the twelfth."""
    region = boot + bytes(10 * SECTOR)
    value = 0
    for at, byte in enumerate(region):
        if at not in (106, 107, 112):
            value = ((value << 31 | value >> 1) + byte) & 0xffffffff
    return region + struct.pack("<I", value) * (SECTOR // 4)


def exfat(words: tuple, seal=sealed, **change) -> Case:
    """A volume of 16 MiB with clusters of 4 KiB; `change`: a field's value."""
    fields = {"sectors": SIZE // SECTOR, "table": 24, "table_sectors": 32, "heap": 2048, "clusters": 3840,
              "root": 2, "sector_shift": 9, "cluster_shift": 3, "tables": 1, **change}
    boot = bytearray(b"\xeb\x76\x90EXFAT   ".ljust(SECTOR, b"\0"))
    struct.pack_into("<QIIIII", boot, 72, fields["sectors"], fields["table"], fields["table_sectors"],
                     fields["heap"], fields["clusters"], fields["root"])
    struct.pack_into("<IHHBBB", boot, 100, 1, 0x100, 0, fields["sector_shift"], fields["cluster_shift"],
                     fields["tables"])
    boot[510:512] = b"\x55\xaa"

    def damage(bench):
        bench.add(bench.folder / "usb.raw", seal(bytes(boot)).ljust(SIZE, b"\0"))
    return Case(damage, words, command=lambda bench: [
        "restore", "--from", bench.folder / "usb.raw", "--disk", bench.target, "--confirm", "erase"])


EXFAT = {
    "exFAT with another checksum": exfat(("the checksum of the boot region is wrong",),
                                         seal=lambda boot: sealed(boot)[:-SECTOR] + bytes(SECTOR)),
    "exFAT with sectors of a MiB": exfat(("no NTFS or exFAT volume",), sector_shift=20),
    "exFAT with more clusters than sectors": exfat(("exFAT boot sector", "clusters of", "the volume has"),
                                                   clusters=1 << 24),
    "exFAT with a table that is too short": exfat(("exFAT boot sector: a table of",), table_sectors=1),
}

# -- NTFS --------------------------------------------------------------------------------------------

FOLDERS = "WindowsImageBackup/SRV01/Backup 2026-08-31 210000"
RECORDS_IN = "C.vhdx"  # a name in FOLDERS, as BackupSpecs.xml is
INDEX_ALLOCATION = 0xA0


class OnDisk:
    """The volume of a disk, as volumes.Ntfs takes one: the head of a set, and an image of nothing."""

    def __init__(self, bench):
        kept = bench.folder / "ntfs.kept"
        if not kept.exists():
            self.make(bench, kept)
        self.bench, self.path = bench, bench.add(bench.folder / "usb.raw", kept.read_bytes())

    @staticmethod
    def make(bench, path) -> None:
        ntfs.make(path, SIZE, SECTOR, 2048)
        with ntfs.mounted(path) as folder:
            inside = pathlib.Path(folder, FOLDERS)
            inside.mkdir(parents=True)
            for document in bench.set.glob("*.xml"):
                (inside / document.name).write_bytes(document.read_bytes())
            (inside / RECORDS_IN).write_bytes(b"x" * 300000)

    def volume(self, _role, offset: int, data: bytes) -> None:
        self.bench.poke(self.path, offset, data)

    def volume_bytes(self, _role, offset: int, length: int) -> bytes:
        with open(self.path, "rb") as file:
            file.seek(offset)
            return file.read(length)

    def number(self, path: str) -> int:
        """Of a file's record."""
        text = tools.run(["ntfsinfo", "-f", "-F", f"/{path}", self.path])
        return int(text.split("Dumping Inode ")[1].split()[0])


def on_disk(damage, *words, alone=True) -> Case:
    return Case(lambda bench: damage(OnDisk(bench)), words, alone=alone, command=lambda bench: [
        "restore", "--from", bench.folder / "usb.raw", "--disk", bench.target, "--confirm", "erase"])


def of(path: str, damage, *arguments):
    """`damage(number, *arguments)`, of the record of that file."""
    return lambda disk: damage(disk.number(path), *arguments)(disk)


def folder_block(offset: int, data: bytes):
    """In the block of names of the set's folder."""
    def damage(disk):
        volume = volumes.Ntfs(disk)
        record = volume.record(disk.number(FOLDERS))
        at = volume.attribute(record, INDEX_ALLOCATION)
        at += struct.unpack_from("<H", record, at + 32)[0]
        lengths, places = record[at] & 15, record[at] >> 4
        cluster = int.from_bytes(record[at + 1 + lengths:at + 1 + lengths + places], "little")
        disk.volume("", cluster * volume.cluster + offset, data)
    return damage


BAD, FAR = b"BAAD", b"\x41\x10\xff\xff\xff\x7f\0"
LOOKED_FOR = f"{FOLDERS}/{RECORDS_IN}"
NO_VOLUME = "no NTFS or exFAT volume to read a backup from; usb.raw volume: damaged: NTFS boot sector"
WHY = "why the first was not read: "

# What an image's volume is refused by, too, does not count again: its sentence is the same.
NTFS = {
    "a disk's NTFS with sectors of 520 bytes": on_disk(volumes.boot("", (11, "<H", 520)), NO_VOLUME, "sector size 520"),
    "a disk's NTFS with clusters of 3 sectors": on_disk(volumes.boot("", (13, "B", 3)), NO_VOLUME, "cluster size"),
    "a disk's NTFS larger than the disk": on_disk(volumes.boot("", (40, "<Q", 1 << 40)), NO_VOLUME, "the volume has"),
    "a disk's $MFT behind the end": on_disk(volumes.boot("", (48, "<Q", 1 << 40)), NO_VOLUME, "$MFT at cluster"),
    "a disk's records of size 0": on_disk(volumes.boot("", (64, "B", 0)), NO_VOLUME, "file records of size 0"),
    "a disk's index records of size 0": on_disk(volumes.boot("", (68, "B", 0)), WHY, "with index records of 0 bytes",
                                                alone=False),
    "a disk's NTFS without its name": on_disk(volumes.boot("", (3, "8s", b"NOTHING ")),
                                              "no NTFS or exFAT volume to read a backup from"),
    "a disk's $MFT without FILE": on_disk(volumes.record(0, 0, "4s", BAD), WHY, "the record of $MFT: it does not begin",
                                          alone=False),
    "a disk's $MFT torn": on_disk(volumes.torn(0), WHY, "the record of $MFT: its sectors", alone=False),
    "a disk's $MFT with a run behind the end": on_disk(
        volumes.runs(0, volumes.DATA, FAR), WHY, "the record of $MFT: an attribute's clusters lie beyond", alone=False),
    "a disk's $MFTMirr without FILE": on_disk(volumes.record(1, 0, "4s", BAD), WHY, "the record of $MFTMirr", alone=False),
    "a disk's $Volume without FILE": on_disk(volumes.record(3, 0, "4s", BAD), WHY, "the record of $Volume", alone=False),
    "a disk's root folder without FILE": on_disk(volumes.record(5, 0, "4s", BAD), WHY, "the record of the root folder",
                                                 alone=False),
    "a disk's $Bitmap without FILE": on_disk(volumes.record(6, 0, "4s", BAD), WHY, "the record of $Bitmap", alone=False),
    "a disk's $UpCase without FILE": on_disk(volumes.record(10, 0, "4s", BAD), WHY, "it cannot be mounted"),
    "a disk's $LogFile without FILE": on_disk(volumes.record(2, 0, "4s", BAD), WHY, "it cannot be mounted", alone=False),
    "a set's folder without FILE": on_disk(of(FOLDERS, volumes.record, 0, "4s", BAD), WHY, "looking for a file"),
    "a set's folder torn": on_disk(of(FOLDERS, volumes.torn), WHY, "looking for a file", alone=False),
    "a set's folder with names of nothing": on_disk(folder_block(0, BAD), WHY, "listing a folder"),
    "a set's folder with names torn": on_disk(folder_block(510, b"\x77\x66"), WHY, "listing a folder", alone=False),
    "a set's folder with names of length 0": on_disk(folder_block(0x48, b"\0\0"), WHY, "listing a folder", alone=False),
    "a set's folder with names behind the end": on_disk(of(FOLDERS, volumes.runs, INDEX_ALLOCATION, FAR), WHY,
                                                        "listing a folder", alone=False),
    "an image's record without FILE": on_disk(of(LOOKED_FOR, volumes.record, 0, "4s", BAD), "no version is whole",
                                              "looking for a file", alone=False),
    "an image of an attribute without a length": on_disk(of(LOOKED_FOR, volumes.attribute, volumes.DATA, 4, "<I", 0),
                                                         "no version is whole", "looking for a file", alone=False),
    "an image whose clusters lie behind the end": on_disk(of(LOOKED_FOR, volumes.runs, volumes.DATA, FAR),
                                                          "no version is whole", "reading a file"),
    "an image whose list of clusters is cut off": on_disk(of(LOOKED_FOR, volumes.runs, volumes.DATA, b"\x88"),
                                                          "no version is whole", "reading a file", alone=False),
    "an image that says it is encrypted": on_disk(of(LOOKED_FOR, volumes.attribute, volumes.DATA, 12, "<H", 0x4000),
                                                  "no version is whole", "opening a file"),
}

# -- signatures of answer files ------------------------------------------------------------------------

PUBLIC_KEY = b"""-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
"""


def signed(signature, key, *words) -> Case:
    """`signature`, `key`: content of the files; None: there is none."""
    def damage(bench):
        text = scenario.answer_file("smb://nas/backups", "serial:T1")
        bench.add(bench.folder / "openbmr.ini", text.encode())
        if signature is not None:
            bench.add(bench.folder / "openbmr.ini.sig", signature)
        if key is not None:
            bench.add(bench.folder / "answer.pub", key)
    return Case(damage, words, command=lambda bench: [
        "auto", "--signed-by", bench.folder / "answer.pub", "--answer", bench.folder / "openbmr.ini"])


SIGNATURES = {
    "an answer without a signature": signed(None, PUBLIC_KEY, "no signature", "sign the file"),
    "an answer with a signature of zeros": signed(bytes(64), PUBLIC_KEY, "not signed by the key"),
    "an answer with a signature cut short": signed(bytes(63), PUBLIC_KEY, "not signed by the key"),
    "an answer with a signature too long": signed(bytes(65), PUBLIC_KEY, "bytes, must be at most"),
    "an answer without a key to check": signed(bytes(64), None, "no key to check answer files with"),
    "an answer with a key that is none": signed(bytes(64), b"hello\n", "must be a public Ed25519 key"),
}
SIGNATURES["an answer with a signature cut short"].alone = False
