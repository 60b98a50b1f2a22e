# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks as real machines have them (FORMAT.md section 4.4), one table row each, with volumes of a
few MiB: restored to image files; sfdisk judges the table, hashes the volumes. Then a machine with
two disks, onto two and onto one."""

import copy
import hashlib
import json
import os
import pathlib
import re
import struct
import subprocess
import uuid

import pytest

import bmr
import scenario
from generator import bcd, documents, fat, interior, ntfs, tools, vhd, vhdx
from generator.disk import BASIC, ESP, MSR, NO_LETTER, REQUIRED, WINRE, Disk, Partition
from generator.layouts import signature_guid
from generator.seeded import Seed

pytestmark = pytest.mark.needs("fuse", "ntfs-3g", "sfdisk", "fsck.fat")

MIB = scenario.MIB
SECTORS = MIB // 512

# A type that Windows does not know: a vendor's diagnosis partition (Lenovo)
VENDOR = uuid.UUID("BFBFAFE7-A34F-448A-9A5B-6213EB736C22")
LDM_DATA = uuid.UUID("AF9B60A0-1431-4F62-BC68-3311714A69AD")
HIDDEN = NO_LETTER | REQUIRED
EXTENDED = 0x0F
HIDDEN_SECTORS = 0x1C  # in an NTFS boot sector

# Of the backup service (KB 2961238): the folder and its files
CATALOG_FOLDER = "System Volume Information/WindowsImageBackup/Catalog"
CATALOG = {f"{CATALOG_FOLDER}/{name}": b"cblg" + name.encode() * 500
           for name in ("GlobalCatalog", "BackupGlobalCatalog")}

# slot, start and length in sectors, type, file system, name, attributes
GPT = {
    "Windows 10 2004: recovery at the end": (
        (1, 2048, 100 * SECTORS, ESP, "fat32", "EFI system partition", NO_LETTER),
        (2, 206848, 16 * SECTORS, MSR, "", "Microsoft reserved partition", NO_LETTER),
        (3, 239616, 8 * SECTORS + 7, BASIC, "ntfs", "Basic data partition", 0),
        (4, 258048, 4 * SECTORS, WINRE, "ntfs", "", HIDDEN)),
    "Windows 10 1909: recovery first": (
        (1, 2048, 4 * SECTORS, WINRE, "ntfs", "Basic data partition", HIDDEN),
        (2, 10240, 100 * SECTORS, ESP, "fat32", "EFI system partition", NO_LETTER),
        (3, 215040, 16 * SECTORS, MSR, "", "Microsoft reserved partition", NO_LETTER),
        (4, 247808, 8 * SECTORS + 1, BASIC, "ntfs", "Basic data partition", 0)),
    "OEM: order, gaps, second ESP, vendor type, two recoveries": (
        (5, 2048, 4 * SECTORS, WINRE, "ntfs", "Basic data partition", HIDDEN),
        (1, 20480, 100 * SECTORS, ESP, "fat32", "Basic data partition", NO_LETTER),
        (2, 225280, 128 * SECTORS, MSR, "", "Microsoft reserved partition", 0),
        (4, 489472, 8 * SECTORS + 3, BASIC, "ntfs", "Größe", 0),
        (7, 512000, 100 * SECTORS, ESP, "fat32", "EFI system partition", NO_LETTER),
        (3, 720896, 2 * SECTORS, VENDOR, "", "LENOVO_PART", NO_LETTER),
        (9, 730000, 4 * SECTORS, WINRE, "ntfs", "", HIDDEN)),
    "old: MSR at LBA 34": (
        (1, 34, 32 * SECTORS - 34, MSR, "", "Microsoft reserved partition", 0),
        (2, 65536, 100 * SECTORS, ESP, "fat32", "EFI system partition", NO_LETTER),
        (3, 270336, 8 * SECTORS, BASIC, "ntfs", "Basic data partition", 0)),
}

# slot, start and length in sectors, type, file system, active
MBR = {
    "Windows 7": (
        (1, 2048, 4 * SECTORS, 0x07, "ntfs", True),
        (2, 10240, 8 * SECTORS + 5, 0x07, "ntfs", False)),
    "HP: four primaries": (
        (1, 2048, 4 * SECTORS, 0x07, "ntfs", True),
        (2, 10240, 8 * SECTORS, 0x07, "ntfs", False),
        (4, 26624, 40 * SECTORS, 0x0C, "fat32", False),
        (3, 108544, 4 * SECTORS, 0x27, "ntfs", False)),
    "XP: start at LBA 63, logical partitions": (
        (1, 63, 8 * SECTORS, 0x07, "ntfs", True),
        (2, 16447, 20 * SECTORS, EXTENDED, "", False),
        (5, 16510, 4 * SECTORS, 0x07, "ntfs", False),
        (6, 24765, 8 * SECTORS + 1, 0x07, "ntfs", False)),
}


def gpt_disk(seed, name, rows) -> Disk:
    disk = Disk("gpt", 512, max(r[1] + r[2] for r in rows) + 4096, guid=seed.guid(f"disk {name}"))
    for slot, first, sectors, kind, filesystem, label, attributes in rows:
        guid = seed.guid(f"partition {name} {slot}")
        disk.partitions.append(Partition(slot, "data", first, sectors, kind, guid, label,
                                         attributes, False, filesystem, volume_guid=guid))
    return disk


def mbr_disk(seed, name, rows) -> Disk:
    disk = Disk("mbr", 512, max(r[1] + r[2] for r in rows) + 4096,
                signature=seed.signature(f"disk {name}"))
    for slot, first, sectors, kind, filesystem, active in rows:
        disk.partitions.append(Partition(
            slot, "data", first, sectors, kind, active=active, filesystem=filesystem,
            volume_guid=signature_guid(disk.signature, first * 512)))
    return disk


def give_roles(disks) -> None:
    """Windows is on the largest NTFS volume of the first disk that has one; what starts it is the
    first ESP or active partition."""
    home = next(disk for disk in disks if any(p.filesystem == "ntfs" for p in disk.partitions))
    windows = max((p for p in home.partitions if p.filesystem == "ntfs"), key=lambda p: p.sectors)
    windows.role, windows.letter = "windows", "C:"
    system = next(p for p in disks[0].partitions if p.type == ESP or p.active)
    system.role = "esp" if disks[0].style == "gpt" else "system"


def files_of(disk, partition, ids, home) -> dict:
    """As much as makes a volume known as what it is, and the loader that a restore would add."""
    known = Disk(disk.style, 512, disk.sectors, disk.guid, disk.signature,
                 [p for p in disk.partitions if p.filesystem])
    if partition.role == "windows":
        names = ("ntoskrnl.exe", "winload.efi", "winload.exe")
        return {"Windows/System32/config/SYSTEM": bcd.system_hive(known, "SRV01"), **CATALOG,
                **{f"Windows/System32/{name}": b"MZ" + name.encode() for name in names}}
    if partition.role == "esp":
        return {"EFI/Microsoft/Boot/BCD": bcd.boot_store(known, ids, home),
                "EFI/Microsoft/Boot/bootmgfw.efi": b"MZ", "EFI/Boot/bootx64.efi": b"MZ"}
    if partition.role == "system":
        return {"Boot/BCD": bcd.boot_store(known, ids), "bootmgr": b"boot manager"}
    return {}


def put_files(volume, files: dict) -> None:
    """Into an NTFS volume; what was freed meanwhile is zeros."""
    with ntfs.mounted(volume) as folder:
        for name, data in files.items():
            path = pathlib.Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    ntfs.empty_free_clusters(volume)


class Machine:
    """A set of images below `folder` for some disks; `volumes`: hash by disk and slot; `raw`: the
    volume itself, where `keep` says so. `change` gets the files of a volume, by disk, partition
    and dictionary, and may change them."""

    def __init__(self, folder, seed, disks, keep=False, change=None):
        self.change = change
        self.share = folder / "share"
        self.disks, self.seed, self.keep = disks, seed, keep
        self.volumes, self.raw = {}, {}
        self.set = self.share / "WindowsImageBackup" / "SRV01" / "Backup 2026-08-31 210000"
        self.set.mkdir(parents=True)
        give_roles(disks)
        for number, disk in enumerate(disks):
            for p in disk.partitions:
                if p.filesystem:
                    self._write_volume(folder, seed, number, disk, p)
        self.document(disks)

    def document(self, disks) -> None:
        """What the set's document says of the disks."""
        text = documents.components(disks[0], "SRV01", self.seed, 1, disks[1:])
        (self.set / "x_Components.xml").write_bytes(documents.utf16(text))

    def _write_volume(self, folder, seed, number, disk, p):
        raw = folder / f"{number}-{p.slot}.raw"
        home = next(d for d in self.disks if any(q.role == "windows" for q in d.partitions))
        files = files_of(disk, p, bcd.new_ids(seed), home)
        if self.change:
            self.change(disk, p, files)
        if p.filesystem == "fat32":
            fat.make(raw, disk.length(p), 512, p.first_lba, 0x1234 + p.slot)
            fat.fill(raw, files)
        else:
            ntfs.make(raw, disk.length(p), 512, p.first_lba)
            if files:
                put_files(raw, files)
        if self.keep:
            self.raw[number, p.slot] = raw
        else:
            self.volumes[number, p.slot] = sha256(raw, 0, disk.length(p))
        if disk.style == "mbr":
            content, _ = interior.mbr_disk(raw, seed)
            vhd.write(self.set / f"{p.volume_guid}.vhd", content, vhd.Options(), seed)
        else:
            content, _ = interior.gpt_disk(raw, seed, 512, 16)
            vhdx.write(self.set / f"{p.volume_guid}.vhdx", content, vhdx.Options(), seed)
        content.close()


def read(path, offset, length) -> bytes:
    with open(path, "rb") as file:
        file.seek(offset)
        return file.read(length)


def sha256(path, offset, length) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        file.seek(offset)
        for at in range(0, length, 4 * MIB):
            digest.update(file.read(min(4 * MIB, length - at)))
    return digest.hexdigest()


def same_bytes(disk, offset: int, volume, length: int) -> bool:
    """Where either has data; what is a hole in both need not be read."""
    with open(disk, "rb") as left, open(volume, "rb") as right:
        ranges = [*tools.data_ranges(right.fileno(), length)]
        for start, count in tools.data_ranges(left.fileno(), offset + length):
            start, end = max(start, offset), start + count
            if start < end:
                ranges.append((start - offset, end - start))
        for start, count in tools.join_ranges(ranges):
            for at in range(start, start + count, 4 * MIB):
                piece = min(4 * MIB, start + count - at)
                if os.pread(left.fileno(), piece, offset + at) != os.pread(
                        right.fileno(), piece, at).ljust(piece, b"\0"):
                    return False
    return True


def read_table(path) -> dict:
    """What sfdisk sees: partition number to its entry."""
    table = json.loads(tools.run(["sfdisk", "--json", path]))["partitiontable"]
    entries = {int(e["node"].removeprefix(str(path))): e for e in table["partitions"]}
    return {"label": table["label"], "id": table["id"].lower(), "entries": entries}


def attribute_bits(text: str) -> int:
    """sfdisk's words for the bits of a GPT entry."""
    bits = 0
    for word in text.replace("GUID:", "").replace(",", " ").split():
        bits |= REQUIRED if word == "RequiredPartition" else 1 << int(word)
    return bits


def check_partition(found: dict, disk: Disk, p: Partition) -> None:
    assert (found["start"], found["size"]) == (p.first_lba, p.sectors), (found, p)
    if disk.style == "mbr":
        assert int(found["type"], 16) == p.type, (found, p)
        assert found.get("bootable", False) == p.active, (found, p)
        return
    assert uuid.UUID(found["type"]) == p.type and uuid.UUID(found["uuid"]) == p.guid, (found, p)
    assert found.get("name", "") == p.name, (found, p)
    assert attribute_bits(found.get("attrs", "")) == p.attributes, (found, p)


def check_disk(path, machine, number) -> None:
    disk, found = machine.disks[number], read_table(path)
    identity = str(disk.guid) if disk.style == "gpt" else f"0x{disk.signature:08x}"
    assert found["id"] == identity
    assert sorted(found["entries"]) == sorted(p.slot for p in disk.partitions)
    for p in disk.partitions:
        check_partition(found["entries"][p.slot], disk, p)
        if (number, p.slot) in machine.raw:
            assert same_bytes(path, disk.offset(p), machine.raw[number, p.slot], disk.length(p)), p
        elif p.filesystem:
            assert sha256(path, disk.offset(p), disk.length(p)) == machine.volumes[number, p.slot]


def restore(machine, *arguments):
    result = bmr.run("restore", "--from", machine.share, "--confirm", "erase", "--volumes", "all",
                     *arguments)
    assert result.status == bmr.DONE, str(result)
    return result


@pytest.mark.parametrize("name", [*GPT, *MBR])
def test_a_real_layout_comes_back_exactly(work, name):
    seed = Seed(31)
    disk = gpt_disk(seed, name, GPT[name]) if name in GPT else mbr_disk(seed, name, MBR[name])
    machine = Machine(work, seed, [disk])
    restore(machine, "--disk", work / "disk.img")
    check_disk(work / "disk.img", machine, 0)


SAMPLES = os.environ.get("SAMPLES")


def sample_disk(path, seed) -> Disk:
    """What sfdisk wrote down of somebody's disk, in its real size."""
    gpt, mbr, words = [], [], {}
    for line in path.read_text().splitlines():
        key, _, value = line.partition(": ")
        words[key] = value
        match = re.match(r"/dev/sd.(\d+) : start= *(\d+), size= *(\d+), type=([^,]*)(.*)", line)
        if not match:
            continue
        slot, first, sectors = (int(match[i]) for i in (1, 2, 3))
        if words["label"] == "dos":
            mbr.append((slot, first, sectors, int(match[4], 16), "ntfs", "bootable" in match[5]))
            continue
        kind, name = uuid.UUID(match[4]), re.search('name="([^"]*)"', match[5])
        bits = attribute_bits((re.search('attrs="([^"]*)"', match[5]) or [0, ""])[1])
        gpt.append((slot, first, sectors, kind, {ESP: "fat32", MSR: ""}.get(kind, "ntfs"),
                    name[1] if name else "", bits, uuid.UUID(match[5].split("uuid=")[1][:36])))
    if mbr:
        disk = mbr_disk(seed, path.stem, mbr)
        disk.signature = int(words["label-id"], 16)
        for p in disk.partitions:
            p.volume_guid = signature_guid(disk.signature, p.first_lba * 512)
        return disk
    disk = gpt_disk(seed, path.stem, [row[:7] for row in gpt])
    disk.guid = uuid.UUID(words["label-id"])
    for p, row in zip(disk.partitions, gpt):
        p.guid = p.volume_guid = row[7]
    return disk


@pytest.mark.skipif(not SAMPLES, reason="SAMPLES names no folder of real samples")
@pytest.mark.parametrize("name", ("win10-128G-gap", "win10-2004-vbox50G", "win7-mbr-sysreserved-250G"))
def test_the_layout_of_somebodys_disk_comes_back_exactly(work, name):
    """Up to 250 GB, nearly all of it free."""
    seed = Seed(33)
    disk = sample_disk(pathlib.Path(SAMPLES) / "layouts" / f"{name}.sfdisk", seed)
    machine = Machine(work, seed, [disk], keep=True)
    restore(machine, "--disk", work / "disk.img")
    check_disk(work / "disk.img", machine, 0)


def test_a_volume_of_a_dynamic_disk_goes_onto_a_plain_partition_if_asked_for(work):
    """What AsrSif says of dynamic disks is not known: here the partition of C: has that type."""
    seed = Seed(34)
    system = gpt_disk(seed, "dynamic", GPT["Windows 10 2004: recovery at the end"])
    machine = Machine(work, seed, [system], keep=True)
    windows = next(p for p in system.partitions if p.role == "windows")
    told = copy.deepcopy(system)
    dynamic = next(p for p in told.partitions if p.role == "windows")
    dynamic.type = LDM_DATA
    machine.document([told])
    disk = scenario.blank_disk(work / "disk.img", 200 * MIB)
    before = scenario.fingerprint(disk)
    result = bmr.run("restore", "--from", machine.share, "--disk", disk,
                     "--confirm", "erase")
    assert result.status == bmr.REFUSED, str(result)
    assert "'dynamic disk data', which are not recreated; --dynamic plain leaves them out and" in (
        result.errors)
    assert scenario.fingerprint(disk) == before
    restore(machine, "--disk", disk, "--dynamic", "plain")
    found = read_table(disk)["entries"]
    assert len(found) == 4 and all(uuid.UUID(e["type"]) != LDM_DATA for e in found.values())
    plain = next(e for e in found.values() if uuid.UUID(e["type"]) == BASIC)
    assert plain["size"] == windows.sectors and plain["start"] % 2048 == 0
    raw = machine.raw[0, windows.slot]
    for sector in (0, windows.sectors - 1):
        with open(raw, "r+b") as file:
            file.seek(sector * 512 + HIDDEN_SECTORS)
            file.write(struct.pack("<I", plain["start"]))
    assert same_bytes(disk, plain["start"] * 512, raw, system.length(windows))


@pytest.fixture
def two_disks(work):
    seed = Seed(32)
    rows = GPT["Windows 10 2004: recovery at the end"]
    data = ((1, 34, 16 * SECTORS - 34, MSR, "", "Microsoft reserved partition", 0),
            (2, 32768, 12 * SECTORS + 9, BASIC, "ntfs", "Basic data partition", 0))
    return Machine(work, seed, [gpt_disk(seed, "system", rows), gpt_disk(seed, "data", data)])


def test_two_source_disks_come_back_on_two_disks(two_disks, work):
    restore(two_disks, "--disk", f"0={work}/a.img", "--disk", f"1={work}/b.img")
    check_disk(work / "a.img", two_disks, 0)
    check_disk(work / "b.img", two_disks, 1)


def test_a_plan_of_two_disks_is_taken_back_as_a_layout(two_disks, work):
    """The system disk stands last in it and keeps its number."""
    names = ("--disk", f"0={work}/a.img", "--disk", f"1={work}/b.img")
    plan = bmr.run("plan", "--from", two_disks.share, "--volumes", "all", "--json", *names)
    assert plan.status == bmr.DONE and plan.json()["disks"][1]["source_disk"] == 0, str(plan)
    (two_disks.share / "openbmr").mkdir()
    (two_disks.share / "openbmr/layout.json").write_text(plan.output)
    restore(two_disks, *names, "--layout", "backup:openbmr/layout.json")
    check_disk(work / "a.img", two_disks, 0)
    check_disk(work / "b.img", two_disks, 1)


def test_boot_volume_and_windows_on_different_disks(work):
    """The EFI system partition's disk is the one that the machine starts from: committed last."""
    seed = Seed(35)
    rows = GPT["Windows 10 2004: recovery at the end"]
    first = gpt_disk(seed, "first", [row for row in rows if row[3] in (ESP, MSR)])
    second = gpt_disk(seed, "second", [row for row in rows if row[3] not in (ESP, MSR)])
    machine = Machine(work, seed, [first, second])
    restore(machine, "--disk", f"1={work}/b.img", "--disk", work / "a.img")
    check_disk(work / "a.img", machine, 0)
    check_disk(work / "b.img", machine, 1)


def test_two_source_disks_go_onto_one_larger_disk(two_disks, work):
    target = scenario.blank_disk(work / "one.img", 300 * MIB)
    restore(two_disks, "--disk", f"0={target}", "--disk", f"1={target}")
    system, data = two_disks.disks
    found = read_table(target)
    assert found["id"] == str(system.guid)
    for p in system.partitions:
        check_partition(found["entries"][p.slot], system, p)
    moved = found["entries"][5]
    assert uuid.UUID(moved["uuid"]) == data.partitions[1].guid
    volume = bytearray(read(target, moved["start"] * 512, moved["size"] * 512))
    for sector in (0, len(volume) - 512):  # both boot sectors know where the volume starts now
        assert struct.unpack_from("<I", volume, sector + HIDDEN_SECTORS)[0] == moved["start"]
        struct.pack_into("<I", volume, sector + HIDDEN_SECTORS, data.partitions[1].first_lba)
    assert hashlib.sha256(volume).hexdigest() == two_disks.volumes[1, 2]


def test_a_target_that_cannot_be_made_leaves_the_other_untouched(two_disks, work):
    other = scenario.random_disk(work / "a.img", 150 * MIB, seed=3)
    before = scenario.fingerprint(other)
    result = bmr.run("restore", "--from", two_disks.share, "--confirm", "erase", "--volumes",
                     "all", "--disk", f"0={other}", "--disk", f"1={work}/b.img")
    assert result.status == bmr.DONE, result
    scenario.blank_disk(work / "b.img", MIB)
    other = scenario.random_disk(work / "a.img", 150 * MIB, seed=3)
    result = bmr.run("restore", "--from", two_disks.share, "--confirm", "erase", "--volumes",
                     "all", "--disk", f"0={other}", "--disk", f"1={work}/b.img")
    assert result.status == bmr.REFUSED and "too small" in result.errors, result
    assert scenario.fingerprint(other) == before


def catalog_of(path, disk, work) -> dict:
    """What lies in the catalog's folder of a restored C:, as ntfscat reads it."""
    windows = next(p for p in disk.partitions if p.role == "windows")
    volume = work / "windows"
    volume.write_bytes(read(path, windows.first_lba * 512, windows.sectors * 512))
    names = tools.run(["ntfsls", "-f", "-p", f"/{CATALOG_FOLDER}", volume]).splitlines()
    tools.run(["ntfsfix", "-n", volume])
    return {name: subprocess.run(["ntfscat", "-f", volume, f"{CATALOG_FOLDER}/{name}"],
                                 capture_output=True, check=True).stdout
            for name in names if name.strip(".")}


def test_the_backup_catalog_is_moved_aside_only_where_the_esp_moved(two_disks, work):
    """KB 2961238, on two disks: once with the old ids, where the catalog is as it was, once with
    new ones, where both files have other names and their old content."""
    contents = {pathlib.PurePath(name).name: data for name, data in CATALOG.items()}
    targets = ("--disk", f"0={work}/a.img", "--disk", f"1={work}/b.img")
    result = restore(two_disks, *targets)
    assert "wbadmin" not in result.output + result.errors, result
    assert catalog_of(work / "a.img", two_disks.disks[0], work) == contents

    plan = bmr.run("plan", "--from", two_disks.share, "--volumes", "all", *targets, "--ids", "new")
    assert "moved aside" in plan.output, plan
    result = restore(two_disks, *targets, "--ids", "new")
    said = result.output + result.errors
    assert "GlobalCatalog → GlobalCatalog.2026-08-31" in said and "wbadmin" in said, result
    assert catalog_of(work / "a.img", two_disks.disks[0], work) == {
        f"{name}.2026-08-31": data for name, data in contents.items()}
    assert bmr.verify(two_disks.share, f"0={work}/a.img", "--disk", f"1={work}/b.img",
                      "--volumes", "all", "--ids", "new").status == bmr.DONE
