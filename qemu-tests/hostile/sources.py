# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks that hold backups and are damaged: BitLocker, exFAT. And signatures of answer
files."""

import struct

import scenario
from generator import bitlocker

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
