# SPDX-License-Identifier: GPL-3.0-or-later
"""Seeds of the parsers of disks, images and volumes."""

import os
import pathlib
import struct
import subprocess
import uuid

from corpus_store import MIB, ROOT, SECTOR, SEED, put, runs, sparse
from generator import bitlocker, damaged, damaged_vhdx, exfat, layouts, vhdx
from generator.damaged import make_sets
from generator.disk import table_pieces
from generator.seeded import Seed

LOG = range(MIB, 2 * MIB)  # of the generator's VHDX files: its checksums cover all of it


def put_images(folder: pathlib.Path) -> None:
    make_sets(folder, SEED)
    for path in sorted(folder.glob("*/*.vhd*")):
        data = path.read_bytes()
        kind = path.suffix[1:]
        found = runs(data, LOG if kind == "vhdx" else range(0))
        put(f"restore:{kind}", path.parent.name + "-" + path.stem, sparse(len(data), found))
        log = [(offset - MIB, piece) for offset, piece in found if offset in LOG]
        if kind == "vhdx" and log:
            put("restore:vhdx-log", path.parent.name + "-" + path.stem, sparse(len(data), log))


def parent_locator(**entries) -> bytes:
    """[MS-VHDX] 2.6.2.6: texts by their names, behind their places."""
    kind = uuid.UUID("B04AEFB7-D19E-4A81-B789-25B8E9445913").bytes_le
    head, texts = kind + struct.pack("<HH", 0, len(entries)), b""
    for key, value in entries.items():
        key, value = key.encode("utf-16-le"), value.encode("utf-16-le")
        at = 20 + 12 * len(entries) + len(texts)
        head += struct.pack("<IIHH", at, at + len(key), len(key), len(value))
        texts += key + value
    return head + texts


def put_children(folder: pathlib.Path) -> None:
    """VHDX images that build on others; the second names its parent badly."""
    names = {"whole": {"parent_linkage": "{11111111-2222-4333-8444-555555555555}", "relative_path": ".\\base.vhdx",
                       "absolute_win32_path": "C:\\base.vhdx"},
             "bad": {"parent_linkage2": "none", "absolute_win32_path": "C:\\base.vhdx", "other": ""}}
    for name, entries in names.items():
        image = damaged.good_image(folder / f"{name}.vhdx", "vhdx", Seed(SEED), {})
        damaged_vhdx.has_parent(image)
        items = [(guid, struct.pack("<II", MIB, 2) if guid == vhdx.FILE_PARAMETERS else value, flags)
                 for guid, value, flags in damaged_vhdx.known_items(image)]
        damaged_vhdx.write_items(image, items + [(damaged_vhdx.PARENT_LOCATOR, parent_locator(**entries), vhdx.IS_REQUIRED)])
        data = (folder / f"{name}.vhdx").read_bytes()
        put("restore:vhdx", f"child-{name}", sparse(len(data), runs(data, LOG)))


def put_ntfs(folder: pathlib.Path) -> None:
    path = folder / "ntfs"
    path.touch()
    os.truncate(path, 2 * MIB)
    subprocess.run(["mkntfs", "-F", "-q", "-Q", "-s", "512", "-c", "4096", path], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "SOURCE_DATE_EPOCH": "1"})
    (folder / "File.bin").write_bytes(b"content " * 1000)
    subprocess.run(["ntfscp", "-q", "-f", path, folder / "File.bin", "File.bin"], check=True,
                   stdout=subprocess.DEVNULL)
    data = path.read_bytes()
    # $UpCase looks random, and without it nothing is mounted
    put("restore:ntfs", "volume", sparse(len(data), runs(data, range(len(data)))))
    put("restore:volume", "ntfs", data[:SECTOR])
    put_spoiled_records(data)


def put_spoiled_records(volume: bytes) -> None:
    """A boot sector and $MFT's record alone, of which one field is impossible. Offsets from the
    record's start, or from its $DATA's (0x80)."""
    boot = volume[:SECTOR]
    place = struct.unpack_from("<Q", boot, 48)[0] * 4096
    record = volume[place:place + 1024]
    data = struct.unpack_from("<H", record, 20)[0]
    while struct.unpack_from("<I", record, data)[0] != 0x80:
        data += struct.unpack_from("<I", record, data + 4)[0]
    runs = data + struct.unpack_from("<H", record, data + 32)[0]
    spoils = {"torn": (510, b"\x77\x77"), "idle": (22, b"\0"), "folder": (22, b"\3"), "head": (20, b"\x08"),
              "length": (data + 4, b"\x03"), "beyond": (data + 4, b"\0\x80"), "list": (data + 32, b"\0\x80"),
              "cut": (runs, b"\x88"), "empty": (runs, b"\x11\0\4"), "negative": (runs, b"\x11\1\xff"),
              "far": (runs, b"\x41\1\xff\xff\xff\x7f"), "endless": (20, b"\xf8\3")}
    for name, (offset, change) in spoils.items():
        spoiled = record[:offset] + change + record[offset + len(change):]
        put("restore:ntfs", f"record-{name}", sparse(len(volume), [(0, boot), (place, spoiled)]))
    far = boot[:48] + struct.pack("<Q", 511) + boot[56:]
    put("restore:ntfs", "record-nowhere", sparse(len(volume), [(0, far)]))


def put_fat(folder: pathlib.Path) -> None:
    for bits, mib in ((12, 4), (16, 32), (32, 300)):
        path = folder / f"fat{bits}"
        path.touch()
        os.truncate(path, mib * MIB)
        subprocess.run(["mkfs.fat", "-F", str(bits), "-i", "12345678", path], check=True,
                       stdout=subprocess.DEVNULL)
        put("restore:volume", f"fat{bits}", path.read_bytes()[:4096])
    exfat = bytearray(SECTOR)
    exfat[:11] = b"\xeb\x76\x90EXFAT   "
    struct.pack_into("<QQIIIIIIHHBBB", exfat, 64, 0, 1 << 20, 24, 128, 256, 1000, 4, 0x12345678,
                     0x100, 0, 9, 3, 1)
    exfat[510:] = b"\x55\xaa"
    put("restore:volume", "exfat", bytes(exfat))
    put("restore:volume", "refs", b"\0\0\0ReFS\0\0\0\0\0\0\0\0\0FSRS" + bytes(492))
    put("restore:volume", "empty", bytes(SECTOR))
    put_spoiled_boot_sectors(folder)


def put_fat_tables(folder: pathlib.Path) -> None:
    """A file in each kind of table, and a table that is too short."""
    for bits, mib in ((12, 1), (16, 5), (32, 34)):
        path = folder / f"fat-table{bits}"
        path.touch()
        os.truncate(path, mib * MIB)
        subprocess.run(["mkfs.fat", "--invariant", "-F", str(bits), "-s", "1", path], check=True,
                       stdout=subprocess.DEVNULL)
        subprocess.run(["mcopy", "-i", path, "-", "::/file"], check=True, input=bytes(9000),
                       env={**os.environ, "MTOOLS_SKIP_CHECK": "1", "SOURCE_DATE_EPOCH": "1577836800"})
        data = path.read_bytes()
        put("restore:fat-table", f"fat{bits}", sparse(len(data), runs(data)))
        if bits == 16:
            short = bytearray(data)
            struct.pack_into("<H", short, 22, 2)
            put("restore:fat-table", "short", sparse(len(data), runs(bytes(short[:SECTOR]))))


def put_spoiled_boot_sectors(folder: pathlib.Path) -> None:
    """One field of each is impossible: name, offset, form, value."""
    refs = bytearray(b"\0\0\0ReFS\0\0\0\0\0\0\0\0\0FSRS" + bytes(492))
    struct.pack_into("<QIIQ", refs, 24, 1 << 20, 512, 8, 0x30004)
    put("restore:volume", "refs-whole", bytes(refs))
    spoils = {"ntfs": ((11, "<H", 520), (13, "B", 0xf4), (13, "B", 0x80 + 3), (40, "<Q", 0), (48, "<Q", 1 << 50), (64, "B", 0)),
              "fat32": ((13, "B", 128), (32, "<I", 0), (36, "<I", 1 << 30)),
              "exfat": ((108, "B", 8), (109, "B", 17), (72, "<Q", 1 << 60)),
              "refs-whole": ((32, "<I", 0), (36, "<I", 3), (24, "<Q", 1 << 60))}
    for name, changes in spoils.items():
        whole = (ROOT / "restore/fuzz/corpus/volume" / name).read_bytes()
        for number, (offset, form, value) in enumerate(changes):
            data = bytearray(whole)
            struct.pack_into(form, data, offset, value)
            if name == "fat32" and offset == 13:
                struct.pack_into("<H", data, 11, 4096)
            put("restore:volume", f"{name}-spoiled-{number}", bytes(data))


def put_bitlocker(folder: pathlib.Path) -> None:
    """Volumes whose key lies in them, and keys; of nothing but zeros, but for the first sectors."""
    plain = bytes([1, 2, 3, 4]) * 2048 + bytes(MIB - 8192)
    for method in bitlocker.METHODS:
        bitlocker.encrypt(plain, folder / "bitlocker", method, {"clear": ""}, SECTOR)
        data = (folder / "bitlocker").read_bytes()
        places = struct.unpack_from("<QQQ", data, 176)
        keep = [(0, data[:SECTOR])] + [(place, data[place:place + 1024]) for place in places]
        put("restore:bitlocker", method, b"v" + sparse(len(data), keep))
    put("restore:bitlocker", "startup-key", b"k" + bitlocker.startup_file())
    put("restore:bitlocker", "text", b"k" + f"password = x\r\n{bitlocker.RECOVERY_KEY}".encode("utf-16"))


def put_exfat(folder: pathlib.Path) -> None:
    """Needs root: it is mounted."""
    path = folder / "exfat"
    exfat.make(path, 4 * MIB, 4096)
    with exfat.mounted(path) as mounted:
        below = pathlib.Path(mounted, "Büro")
        below.mkdir()
        (pathlib.Path(mounted) / "File.bin").write_bytes(b"content " * 1000)
        (below / "a file with a name of more than one entry").write_bytes(b"more " * 3000)
    data = path.read_bytes()
    put("restore:exfat", "volume", sparse(len(data), runs(data)))


def put_tables() -> None:
    """An extended partition with two logical ones, and a table that has only its backup."""
    def record(entries, code=b""):
        sector = bytearray(SECTOR)
        sector[:len(code)] = code
        for i, (kind, first, count) in enumerate(entries):
            struct.pack_into("<B3sB3sII", sector, 446 + 16 * i, 0, b"\0\0\0", kind, b"\0\0\0",
                             first, count)
        sector[510:] = b"\x55\xaa"
        return bytes(sector)
    chain = [(0, record([(7, 2048, 2048), (0x0f, 4096, 8192)])),
             (4096 * SECTOR, record([(7, 63, 1000), (5, 2048, 2048)])),
             (6144 * SECTOR, record([(0x0b, 63, 1000)]))]
    put("partition:table", "mbr-chain", sparse(16 * MIB, chain))
    looped = chain[:2] + [(6144 * SECTOR, record([(0x0b, 63, 1000), (5, 2048, 2048)]))]
    put("partition:table", "mbr-loop", sparse(16 * MIB, looped))
    disk = layouts.uefi_gpt(Seed(SEED), 512, layouts.PROFILES["small"], "win10")
    pieces = table_pieces(disk)
    put("partition:table", "gpt-backup-only", sparse(disk.size, [pieces[0]] + pieces[3:]))
    put("partition:table", "blank", sparse(16 * MIB, []))
