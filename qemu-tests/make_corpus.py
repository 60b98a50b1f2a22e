#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the seeds of the fuzz targets (DIR/fuzz/corpus/TARGET/) from the generator's backups and
images. Run from the root of the repository; the result is the same each time, but for
the NTFS volume, which mkntfs gives a serial number and times, and the signed program.
"""

import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from corpus_network import put_boot_urls, put_frames, put_negotiations, put_previous, put_web  # noqa: E402
from corpus_store import MIB, SEED, put, sparse  # noqa: E402  (found by the line above)
from corpus_volumes import (put_bitlocker, put_children, put_exfat, put_fat, put_fat_tables, put_images,  # noqa: E402
                            put_ntfs, put_tables)
from firmware_variables import boot_option, network_path  # noqa: E402
from generator import bcd, compressed, documents, driver, hive, hive_log, layouts  # noqa: E402
from generator.crc32c import crc32c  # noqa: E402
from generator.disk import table_pieces  # noqa: E402
from generator.seeded import Seed  # noqa: E402


def put_documents(disk, name: str) -> None:
    seed = Seed(SEED)
    for spelling in (0, 1, 2, 3):
        texts = documents.set_documents(disk, "SRV01", seed, spelling, False)
        for path, text in texts.items():
            if "Components" in path and spelling:
                put("restore:asrsif", f"{name}-{spelling}", documents.utf16(text))
            elif spelling == 0 and ("BackupSpecs" in path or documents.ASR_WRITER in path):
                kind = "specs" if "BackupSpecs" in path else "asr"
                put("restore:documents", f"{name}-{kind}-utf16", documents.utf16(text))
                put("restore:documents", f"{name}-{kind}", text.encode())
    put("restore:documents", f"{name}-partial", documents.backup_specs(disk, True).encode())
    for path, text in documents.set_documents(disk, "SRV01", seed, 0, True).items():
        if "_Writer" in path and "FILE_LIST" in text:
            put("restore:documents", f"{name}-writer-{path[-12:-4]}", text.encode())
    ids = bcd.new_ids(seed)
    put("restore:hive", name, bcd.boot_store(disk, ids))
    if disk.by_role("winre"):
        put("restore:reagent", name, bcd.reagent(disk, ids))
        put("restore:reagent", f"{name}-utf16", bcd.reagent(disk, ids).decode().encode("utf-16"))
    for partition in disk.partitions:
        put("restore:bcd-element", f"{name}-{partition.role}",
            bcd.device_element(disk, partition))
    put("restore:bcd-element", f"{name}-ramdisk",
        bcd.ramdisk_element(disk, disk.partitions[-1], seed.guid("sdi"), "\\boot.wim"))
    put("restore:bcd-element", f"{name}-virtual",
        bcd.virtual_disk_element(disk, disk.partitions[-1], "\\windows.vhdx"))
    put("restore:bcd-element", f"{name}-disk", bcd.disk_element(disk))
    put("restore:bcd-element", f"{name}-boot", bcd.BOOT_ELEMENT)
    put("restore:bcd-element", f"{name}-locate", bcd.LOCATE_ELEMENT)
    put("partition:table", name, sparse(disk.size, table_pieces(disk)))
    for partition in disk.partitions:
        if partition.volume_guid:
            put("restore:image-name", f"{name}-{partition.role}",
                f"{partition.volume_guid}.vhdx".encode())


def put_block_index() -> None:
    """A sidecar of block hashes with two images; its checksums are zero: a fuzzer does not look at them."""
    records = b"".join(struct.pack("<QQQ", chunk, 5, 0) + bytes(range(1, 33)) for chunk in (0, 2))
    images, offset = b"", 0x30 + 2 * 0x150
    for name, length in ((b"Esp.vhdx", 100 << 20), (b"C.vhdx", 10 << 20)):
        images += name.ljust(256, b"\0") + struct.pack("<QQ", 1000, 0) + bytes(32)
        images += struct.pack("<QQQQ", length, offset, len(records), 2)
        offset += len(records)
    head = b"openbmri" + struct.pack("<IIIIQ", 1, 65536, 2, 0, offset) + bytes(16)
    put("restore:block-index", "two-images", head + images + 2 * records)


def put_packed() -> None:
    """Seekable zstd: frames by zstd itself, the table by the format's description."""
    for name, sizes, checksums in (("plain", (700, 300), False), ("checksums", (500, 0, 500), True)):
        frames, entries = b"", b""
        for size in sizes:
            content = bytes(i % 251 for i in range(size))
            frame = subprocess.run(["zstd", "-q", "-c"], input=content, check=True, stdout=subprocess.PIPE).stdout
            frames += frame
            entries += struct.pack("<II", len(frame), size) + bytes(4 if checksums else 0)
        foot = struct.pack("<IBI", len(sizes), 0x80 if checksums else 0, 0x8f92eab1)
        head = struct.pack("<II", 0x184d2a5e, len(entries) + len(foot))
        put("restore:packed", name, frames + head + entries + foot)


def hive_of_all_shapes(minor: int) -> bytes:
    """Long lists, long data, names in two alphabets."""
    root = hive.Key("ROOT")
    for number in range(hive.LEAF_LIMIT + 1):
        root.key(f"many\\{number}")
    place = root.key("values")
    place.put("", hive.REG_SZ, "default").put("short", hive.REG_DWORD, 3)
    place.put("none", hive.REG_BINARY, b"").put("long", hive.REG_BINARY, bytes(16400))
    root.key("\u043a\u043b\u044e\u0447").put("\u0434", hive.REG_BINARY, b"12345678")
    return hive.write(root, minor)


def hive_files(primary: bytes, first: bytes, second: bytes) -> bytes:
    """What fuzz-hive-log.c takes: a hive and its two logs."""
    return struct.pack("<II", len(primary), len(first)) + primary + first + second


def put_hives(disk, name: str) -> None:
    before = bcd.system_hive(disk, "SRV01")
    steps = [before, bcd.system_hive(disk, "SRV02"), bcd.system_hive(disk, "SRV03")]
    dirty = hive_log.dirty(before)
    put("restore:hive-check", f"system-{name}", before)
    put("restore:mounted-devices", name, before)
    put("restore:hive-log", f"old-{name}",
        hive_files(dirty, hive_log.old_log(before, steps[1]), b""))
    put("restore:hive-log", f"new-{name}", hive_files(dirty, *hive_log.new_logs(steps)))
    put("restore:hive-log", f"unlogged-{name}", hive_files(dirty, b"", b""))


def put_items() -> None:
    """What fuzz-items.c takes: a byte that says which parser, then its input."""
    for name, tag, body in (
            ("junction", 0xA0000003, struct.pack("<HHHH", 0, 12, 14, 4) + "\\??\\C:\0C:\0".encode("utf-16-le")),
            ("symlink", 0xA000000C, struct.pack("<HHHHI", 0, 6, 0, 6, 1) + "a\\b".encode("utf-16-le")),
            ("lx-symlink", 0xA000001D, struct.pack("<I", 2) + b"../b"),
            ("wof", 0x80000017, struct.pack("<IIII", 1, 2, 1, 1)),
            ("cloud", 0x9000601A, bytes(16)), ("deduplicated", 0x80000013, bytes(16))):
        put("restore:items", f"reparse-{name}", b"\0" + struct.pack("<IHH", tag, len(body), 0) + body)
    for algorithm, (number, _, _) in compressed.ALGORITHMS.items():
        for filler in range(1000):
            noise = bytes(filler * k * k % 251 for k in range(filler))
            stream = compressed.pack((noise + b"a line of text\n" * 20000)[:200000], algorithm)
            if stream[0] % 4 == number:
                put("restore:items", f"compressed-{algorithm}", b"\1" + stream)
                break
    put("restore:items", "attributes", b"\2  A  SHR     ::/EFI/Microsoft/Boot/BCD\n")
    put("restore:items", "listing", b"\2Directory for ::/EFI\n\n.            <DIR>     2026-11-20  16:49 \n"
        b"BOOT         <DIR>     2026-11-20  16:49  Boot\nLONGNA~1 TXT         3 2026-11-20  16:49  Long name.txt\n"
        b"short    t           3 2026-11-20  16:49 \n        4 files                   6 bytes\n")
    item = struct.pack("<QQQqqqqIIIIIIIIII", 77, 5, 5, 1, 2, 3, 4, 0, 0, 32, 0, 2, 6, 4, 4, 1, 0)
    stream = struct.pack("<QII", 26, 15, 0) + b"Zone.Identifier"
    put("restore:items", "wire", b"\3" + 2 * (item + b"a/file" + b"file" + b"C:\\x" + stream))


ANSWERS = {
    "whole": "; comment\r\nformat = 1\r\n[source]\r\nurl = smb://nas01/backups/pcs\r\n"
             "credentials = file:nas.cred\r\nencrypt = required\r\n[backup]\r\nmachine = PC07\r\n"
             "version = latest\r\nvolumes = all\r\n\r\n[target]\r\ndisk0 = serial:S4EVNX0M  ; c\r\n"
             "confirm = erase\r\n\r\n[after]\r\naction = reboot\r\n",
    "least": "format = 1\n[source]\nurl = /b\n[target]\ndisk0 = size:900G..1100G\nconfirm = erase\n",
    "unknown-key": "format = 1\n[source]\nurl = /b\nfoo = 1\n",
    "unknown-section": "format = 1\n[sorce]\n",
    "twice": "format = 1\nformat = 1\n",
    "section-twice": "format = 1\n[source]\n[source]\n",
    "fleet": "format = 1\n[match]\nuuid = 4c4c4544-*\nserial = [A-F]?\nmac = 52-54-*\nhost = srv*\n"
             "vendor = Dell*\nmodel = *\n[source]\nurl = smb://nas/${serial}\n"
             "credentials = url:http://h/${mac}\n[target]\ndisk0 = wwn:naa.5000\nexclude = serial:B, wwn:C\n"
             "confirm = erase\nplan = sha256:" + "0f" * 32 + "\n[after]\non_fail = retry:3\n"
             "report = stick:${uuid}.json\nstatus = http://h/s\nverify = full\nheal = auto\n[network]\n"
             "address = 192.0.2.10/24\ngateway = 192.0.2.1\ndns = 192.0.2.2, 2001:db8::53\nvlan = 7\n"
             "interface = 52:54:00:12:34:56\n",
    "leads": "format = 1\n[source]\nurl = smb://nas/b\n",
}


def layout(disk: dict, *partitions) -> bytes:
    return json.dumps({"after": {**disk, "partitions": list(partitions)}}).encode()


def put_layouts() -> None:
    """As `bmr plan --json` prints them: as it was; shrunk, moved and with new ids; an MBR with
    logical partitions; a dynamic disk."""
    ids = [f"{n:08x}-0000-4000-8000-000000000000" for n in range(8)]
    esp = {"slot": 1, "offset": MIB, "length": 100 * MIB, "image": "Esp.vhdx", "id": ids[1],
           "type": "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "attributes": "8000000000000000",
           "name": {"value": "EFI system partition", "origin": "asrsif"}}
    windows = {"slot": 3, "offset": 117 * MIB, "length": 300 * MIB, "image": "set/c.vhdx",
               "type": "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", "id": ids[3]}
    msr = {"slot": 2, "offset": 101 * MIB, "length": 16 * MIB, "image": None, "kept": False,
           "type": "e3c9e316-0b5c-4db8-817d-f92df00215ae"}
    gpt = {"style": "gpt", "disk_id": ids[0], "sector_size": 512, "disk_size": 4096 * MIB}
    put("restore:layout", "gpt", layout(gpt, esp, msr, windows))
    put("restore:layout", "resized", layout(
        {**gpt, "source_disk_id": ids[7]}, esp, {**msr, "source_offset": 201 * MIB},
        {**windows, "length": 200 * MIB, "source_length": 300 * MIB, "source_id": ids[6]}))
    put("restore:layout", "dynamic", layout(
        gpt, esp, {**windows, "type": "af9b60a0-1431-4f62-bc68-3311714a69ad"}))
    put("restore:layout", "mbr", layout(
        {"style": "mbr", "mbr_signature": "9546e6c7", "disk_size": 1024 * MIB},
        {"slot": 1, "offset": MIB, "length": 100 * MIB, "type": 7, "active": True, "image": "Esp.vhdx"},
        {"slot": 2, "offset": 102 * MIB, "length": 320 * MIB, "type": 15},
        {"slot": 5, "offset": 103 * MIB, "length": 300 * MIB, "type": 7, "image": "c.vhdx"}))


def journal(state=1, sequence=7, words=(), ranges=(), machine=b"SRV01", images=1) -> bytes:
    """A slot, as restore/engine/journal.h has it."""
    text = b"".join(word + b"\0" for word in words)
    length = 3584 + 16 * len(ranges) + len(text)
    head = struct.pack("<8sIIIIQ16s32s32sQQQQIIQQI4x64s64s208x", b"openBMRj", 0, length, 2, state, sequence,
                       b"j" * 16, b"p" * 32, b"d" * 32, 1788210000, 0, 11, 12, images, len(ranges), 1788210077,
                       1 << 30, len(text), machine, b"Backup 2026-08-31 210000")
    image = struct.pack("<16sQQQ8x", b"u" * 16, MIB, 2 * MIB, MIB)
    slot = head + (image * images).ljust(3072, b"\0") + b"".join(struct.pack("<QQ", *r) for r in ranges) + text
    return slot[:8] + struct.pack("<I", crc32c(slot)) + slot[12:]


def put_journals() -> None:
    words = (b"--from", "/b\u00e4ckup".encode(), b"--disk", b"serial:S1")
    for name, slot in (("empty", journal()), ("copying", journal(words=words, ranges=((MIB, MIB), (4 * MIB, MIB)))),
                       ("done", journal(4, 9, words)), ("order", journal(ranges=((MIB, MIB), (0, MIB)))),
                       ("control", journal(words=(b"--from", b"a\nb"))), ("name", journal(machine=b"\xc3" * 64)),
                       ("state", journal(5)), ("images", journal(images=64)), ("torn", journal(words=words)[:3600])):
        put("restore:journal", name, slot)


def redo(records=((0, 4096), (65536, 8192)), extents=((40960, 20480),), volume=393216, sector=512) -> bytes:
    """Pointer and index, as restore/state/redo.h has them."""
    index = b"".join(struct.pack("<QII", *r, 0x12345678) for r in records)
    body = struct.pack("<IQQIII12x", sector, volume, 1788210000, len(records), crc32c(index), len(extents))
    body += b"".join(struct.pack("<QQ", *e) for e in extents).ljust(416, b"\0") + bytes(32)
    magic = b"openbmr redo 1\n\0"
    return magic + struct.pack("<I", crc32c(magic + bytes(4) + body)) + body + index


def put_redos() -> None:
    for name, record in (("two", redo()), ("4096", redo(sector=4096)), ("order", redo(((0, 4096), (2048, 4096)))),
                         ("log", redo(((0, 4096), (45056, 4096)))), ("boot", redo(((4096, 4096),))),
                         ("outside", redo(((0, 4096), (393216, 4096)))), ("extents", redo(extents=((40961, 4096),))),
                         ("room", redo(extents=((40960, 4096),))), ("torn", redo()[:520])):
        put("restore:redo", name, record)


def put_answers() -> None:
    for name, text in ANSWERS.items():
        put("restore:answer", name, text.encode())
        put("restore:answer", name + "-utf16", b"\xff\xfe" + text.encode("utf-16-le"))
    for name in ("Esp.vhdx", "C.vhd", "disk0.img", "x" * 300, "9546e6c7-0000-0000-0000-100000000000.vhdx"):
        put("restore:image-name", name[:8], name.encode())


def put_smbios() -> None:
    system = b"\x01\x06\0\0\x01\x02QEMU\0o=no\0\0"
    oem = b"\x0b\x05\x01\0\x02hello\0openbmr.answer=http://h/\0\0"
    end = b"\x7f\x04\x02\0\0\0"
    for name, table in {"whole": system + oem + end, "bare": b"\x04\x05\0\0\0\0\0" + oem, "cut": oem[:-9],
                        "short-head": b"\x01\x03\0\0\0\0" + oem}.items():
        put("restore:oem-strings", name, table)


# What the process answers (restore/reader/reader-protocol.h) to an engine of two slots
OPEN_VOLUME, CLOSE_VOLUME, MAP, READ, READ_FILE, SCAN = 2, 3, 4, 5, 6, 1
DONE, PROGRESS, PART, LOG_LINE = range(4)


def reply(number, op, slot, kind=DONE, value=0, code=0, length=0) -> bytes:
    return struct.pack("<QQIIIiII", number, value, op, slot, kind, code, length, 0)


def put_messages() -> None:
    good = [reply(1, OPEN_VOLUME, 2, value=1 << 20), reply(2, READ, 0, length=512),
            reply(3, MAP, 2, length=24), reply(4, READ_FILE, 2, length=100),
            reply(5, CLOSE_VOLUME, 2), reply(6, SCAN, 2, kind=PROGRESS, length=24),
            reply(6, SCAN, 2, kind=PART, length=40), reply(6, SCAN, 2, value=40)]
    log = reply(0, 0, 0, kind=LOG_LINE, length=5) + b"hello"
    control = struct.pack("<QQQ", 0, 1 << 20, 0)
    memory = bytes(8192) + control + bytes(1000)
    refused = reply(1, OPEN_VOLUME, 2, code=-2, length=20)
    sets = {"whole": good, "log": [log] + good[:2], "refused": [refused], "short": [b"abc"],
            "foreign": [good[1]], "long": [good[0] + b"more"], "none": []}
    for name, messages in sets.items():
        framed = b"".join(bytes([len(m)]) + m for m in messages)
        put("restore:reader", name, bytes([len(messages)]) + framed + memory)


def put_boot_options() -> None:
    drive = struct.pack("<BBHIQQ16sBB", 4, 1, 42, 1, 2048, 204800, bytes(range(16)), 2, 2)
    name = "\\EFI\\Microsoft\\Boot\\bootmgfw.efi\0".encode("utf-16-le")
    file = struct.pack("<BBH", 4, 4, 4 + len(name)) + name
    end = bytes.fromhex("7fff0400")
    for text, path in (("windows", drive + file + end), ("network", network_path(bytes(6))),
                       ("endless", drive + file)):
        put("restore:boot-option", text, boot_option("Windows Boot Manager", path))


def put_programs(folder: pathlib.Path) -> None:
    """A program of UEFI, not signed and signed by a key made for it, with lists that know the
    key, a hash, and one that is damaged."""
    program = bytearray(2048)
    program[:2], program[0x80:0x84] = b"MZ", b"PE\0\0"
    struct.pack_into("<I", program, 0x3c, 0x80)
    struct.pack_into("<HH12xHH", program, 0x84, 0x8664, 1, 112 + 16 * 8, 0x22e)
    at = 0x98
    for offset, size, value in ((0, 2, 0x20b), (16, 4, 0x1000), (32, 4, 0x1000), (36, 4, 512),
                                (56, 4, 0x2000), (60, 4, 512), (68, 2, 10), (108, 4, 16)):
        program[at + offset:at + offset + size] = value.to_bytes(size, "little")
    struct.pack_into("<8sIIII12xI", program, at + 112 + 128, b".text", 1536, 0x1000, 1536, 512,
                     0x60000020)
    plain, key, cert, signed = (folder / name for name in ("plain", "key", "cert", "signed"))
    plain.write_bytes(program)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key,
                    "-out", cert, "-subj", "/CN=fuzz"], check=True, stderr=subprocess.DEVNULL)
    subprocess.run(["sbsign", "--key", key, "--cert", cert, "--output", signed, plain], check=True,
                   stdout=subprocess.DEVNULL)
    der = subprocess.run(["openssl", "x509", "-in", cert, "-outform", "DER"], check=True,
                         stdout=subprocess.PIPE).stdout
    def entry(kind, data):
        return kind + struct.pack("<III16s", 44 + len(data), 0, 16 + len(data), b"") + data
    x509 = entry(bytes.fromhex("a159c0a5e494a74a87b5ab155c2bf072"), der)
    sha256 = entry(bytes.fromhex("2616c4c14c509240aca941f936934328"), bytes(32))
    for name, lists, path in (("signed", x509, signed), ("plain", sha256, plain),
                              ("unknown", sha256, signed), ("damaged", x509[:100], signed)):
        put("restore:authenticode", name, struct.pack("<H", len(lists)) + lists + path.read_bytes())


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        put_images(folder / "images")
        put_children(folder)
        put_ntfs(folder)
        put_fat(folder)
        put_fat_tables(folder)
        put_bitlocker(folder)
        put_exfat(folder)
        put_programs(folder)
    seed = Seed(SEED)
    small = layouts.PROFILES["small"]
    disks = {"gpt": layouts.uefi_gpt(seed, 512, small, "win10"),
             "gpt-4096": layouts.uefi_gpt(seed, 4096, small, "server2019"),
             "mbr": layouts.bios_mbr(seed, small, True)}
    for name, disk in disks.items():
        put_documents(disk, name)
        put_hives(disk, name)
    for minor in (3, 5):
        put("restore:hive-check", f"shapes-{minor}", hive_of_all_shapes(minor))
    put("restore:inf", "utf16", driver.inf("vioscsi", ["PCI\\VEN_1AF4&DEV_1004"]))
    put("restore:inf", "ascii", driver.inf("vioscsi", ["PCI\\CC_0100"]).decode("utf-16").encode())
    put("restore:inf", "file", driver.sys_file(Seed(SEED), "x")[:1024])
    put_items()
    put_tables()
    put_packed()
    put_block_index()
    put_journals()
    put_redos()
    put_answers()
    put_web()
    put_boot_urls()
    put_smbios()
    put_layouts()
    put_messages()
    put_boot_options()
    put_frames()
    put_negotiations()
    put_previous()
    return 0


if __name__ == "__main__":
    sys.exit(main())
