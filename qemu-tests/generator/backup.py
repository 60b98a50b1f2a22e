# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole backup set: source disk, volumes, images, documents, and what a test must know."""

import dataclasses
import hashlib
import json
import os
import pathlib
from dataclasses import dataclass

from . import (bcd, boot_marker, documents, fat, hive_log, interior, layouts, ntfs, tools, tree, vhd, vhdx,
               vhdx_log)
from .content import Content
from .disk import Disk, Partition, dump_table, write_table
from .seeded import Seed

FORMAT = 1
DATA_PIECE = 64 << 10
DATA_BLOCK = 32 << 20

BACKUP_TIME = "2026-08-31T21:00Z"
BACKUP_FOLDER = "Backup 2026-08-31 210000"


@dataclass
class Wishes:
    """The command line of make_backup.py."""
    layout: str = "uefi-gpt"
    variant: str = "win10"
    image: str = ""
    sector_size: int = 512
    seed: int = 1
    profile: str = "small"
    machine: str = "SRV01"
    bootmgr: str = ""
    fallback: bool = False
    asrsif_spelling: int = 1
    msr_mib: int = 16
    block_mib: int = 2
    dirty_log: bool = False
    fixed: bool = False
    partial: bool = False
    no_xml: bool = False
    stale: bool = False
    hive_logs: str = "none"
    data_tib: int = 0
    nested: str = ""
    renamed: bool = False


class Builder:
    """Builds one set below `out`; the parts of the work are methods in order of use."""

    def __init__(self, out, wishes: Wishes):
        self.wishes = wishes
        self.seed = Seed(wishes.seed)
        self.profile = layouts.PROFILES[wishes.profile]
        self.out = pathlib.Path(out)
        self.source = self.out / "source"
        self.windows7 = (wishes.image or _usual_image(wishes.layout)) == "vhd"
        self.disk = self._layout()
        self.ids = bcd.new_ids(self.seed)
        self.set_folder = self._set_folder()

    def _layout(self) -> Disk:
        if self.wishes.layout == "uefi-gpt":
            disk = layouts.uefi_gpt(self.seed, self.wishes.sector_size, self.profile,
                                    self.wishes.variant)
            if self.wishes.data_tib:
                layouts.add_data(disk, self.seed, self.wishes.data_tib)
            return disk
        return layouts.bios_mbr(self.seed, self.profile, self.windows7)

    def _set_folder(self) -> pathlib.Path:
        share = self.out / "share" / self.wishes.nested
        if self.wishes.renamed:
            return share / "old server" / (self.wishes.machine + " (copy)") / "sunday evening"
        return share / "WindowsImageBackup" / self.wishes.machine / BACKUP_FOLDER

    def build(self) -> dict:
        self.source.mkdir(parents=True)
        self.set_folder.mkdir(parents=True)
        write_table(self.source / "disk.img", self.disk)
        partitions = [self._partition(p) for p in self.disk.partitions]
        if not self.wishes.no_xml:
            self._write_documents()
        facts = self._facts(partitions)
        with open(self.out / "source.json", "w", encoding="utf-8") as file:
            json.dump(facts, file, indent=1, ensure_ascii=False)
        return facts

    # -- volumes ----------------------------------------------------------------------------

    def _partition(self, partition: Partition) -> dict:
        facts = _partition_facts(self.disk, partition)
        if not partition.filesystem:
            return facts
        if partition.role == "data":
            return {**facts, **self._data_image(partition)}
        volume = self.source / f"{partition.role}.raw"
        files = self._make_volume(partition, volume)
        absent = self._empty(partition, volume)
        image, lost = self._write_image(partition, volume, absent)
        facts["image"] = str(image.path.relative_to(self.out))
        facts["raw"] = str(volume.relative_to(self.out))
        facts["files"] = files
        facts["image_offset"] = image.offset
        facts["image_disk_sha256"] = image.sha256
        facts.update(_expectation(partition, volume, lost))
        return facts

    def _make_volume(self, partition: Partition, volume) -> list:
        """Make and fill the file system; returns the manifest."""
        length = self.disk.length(partition)
        size, first = self.disk.sector_size, partition.first_lba
        if partition.filesystem == "fat32":
            files = self._esp_files()
            serial = self.seed.random("fat serial").getrandbits(32)
            fat.make(volume, length, size, first, serial)
            fat.fill(volume, files)
            return [{"path": name, "type": "file", "size": len(data),
                     "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()]
        ntfs.make(volume, length, size, first, partition.label)
        if self.disk.sector_size == 512 and (partition.active or partition.role == "windows"):
            boot_marker.put(volume)
        with ntfs.mounted(volume) as folder:
            if partition.role == "windows":
                return tree.fill_windows(folder, self.seed, self.profile, self._windows_files(),
                                         not self.wishes.partial)
            return tree.fill_simple(folder, self.seed, self._small_files(partition.role))

    def _empty(self, partition: Partition, volume):
        """Free clusters to zeros (or, if wished, some of them to old data); returns the
        ranges that the image is to leave out although they are allocated."""
        if partition.filesystem != "ntfs":
            return []
        ntfs.empty_free_clusters(volume)
        if self.wishes.stale:
            ntfs.fill_free_clusters(volume, self.seed)
        if partition.role != "windows" or self.wishes.partial:
            return []
        return tools.join_ranges(r for name in tree.ABSENT_FILES
                                 for r in ntfs.file_ranges(volume, name))

    def _esp_files(self) -> dict:
        if self.wishes.bootmgr:
            loader = pathlib.Path(self.wishes.bootmgr).read_bytes()
        else:
            loader = tree.executable(self.seed, "bootmgfw", 1500000)
        files = {
            "EFI/Microsoft/Boot/bootmgfw.efi": loader,
            **self._esp_store(),
            "EFI/Microsoft/Boot/memtest.efi": tree.executable(self.seed, "memtest", 900000),
            "EFI/Microsoft/Boot/Fonts/wgl4_boot.ttf": self.seed.bytes("font", 49000),
            "EFI/Microsoft/Boot/de-DE/bootmgfw.efi.mui": tree.executable(self.seed, "mui", 70000),
        }
        if self.disk.by_role("winre"):
            files["EFI/Microsoft/Recovery/BCD"] = bcd.recovery_store(self.disk, self.ids)
        if self.wishes.fallback:
            files["EFI/Boot/bootx64.efi"] = loader
        return files

    def _esp_store(self) -> dict:
        """The boot store and, where hives shall be dirty, its log, which alone knows the entry of
        the VHD by its name."""
        path = "EFI/Microsoft/Boot/BCD"
        store = bcd.boot_store(self.disk, self.ids)
        if self.wishes.hive_logs == "none":
            return {path: store}
        before = bcd.boot_store(self.disk, dataclasses.replace(self.ids, virtual=bcd.OTHER_OBJECT))
        log = {} if self.wishes.hive_logs == "lost" else {
            path + ".LOG": hive_log.old_log(before, store)}
        return {path: hive_log.dirty(before), **log}

    def _system_hive(self) -> dict:
        """The hive and its logs. Where it was not written to its end, only the logs know the
        machine's name, of the same length."""
        path = "Windows/System32/config/SYSTEM"
        names = ["Z" * len(self.wishes.machine), "Y" * len(self.wishes.machine), self.wishes.machine]
        steps = [bcd.system_hive(self.disk, name) for name in names]
        if self.wishes.hive_logs == "none":
            return {path: steps[-1]}
        logs = {"old": (hive_log.old_log(steps[0], steps[-1]), b""), "lost": (),
                "new": hive_log.new_logs(steps)}[self.wishes.hive_logs]
        return {path: hive_log.dirty(steps[0]),
                **{f"{path}.LOG{i + 1}": log for i, log in enumerate(logs)}}

    def _windows_files(self) -> dict:
        def program(name, length=400000):
            return tree.executable(self.seed, name, length)

        hives = {
            **self._system_hive(),
            "Windows/System32/config/SOFTWARE": bcd.software_hive(),
            **{f"Windows/System32/config/{name}": bcd.empty_hive(name)
               for name in ("SAM", "SECURITY", "DEFAULT")},
        }
        if self.wishes.partial:  # the folders of FORMAT.md section 1's real sample
            catalogs = "Windows/System32/" + documents.CATALOG_FOLDER.split("system32\\")[1].replace("\\", "/")
            return {**hives,
                    **{f"{catalogs}/oem{number}.cat": self.seed.bytes(f"catalog {number}", 9000 + number)
                       for number in range(3)},
                    "Windows/WinSxS/catalogs/other.cat": self.seed.bytes("no catalog", 3000),
                    "Boot/Fonts/wgl4_boot.ttf": self.seed.bytes("font", 49000),
                    "EFI/Microsoft/Boot/boot.stl": self.seed.bytes("boot.stl", 9000)}
        if self.disk.by_role("winre"):
            hives["Windows/System32/Recovery/ReAgent.xml"] = bcd.reagent(self.disk, self.ids)
        return {
            **hives,
            "Windows/System32/winload.efi": program("winload", 1200000),
            "Windows/System32/winload.exe": program("winload exe", 1200000),
            "Windows/System32/ntoskrnl.exe": program("ntoskrnl", 4000000),
            **{f"Windows/System32/drivers/{name}.sys": program(name, 180000)
               for name in (*bcd.BOOT_DRIVERS, "lsi_sas")},
            **self._boot_files(),
            "Windows/explorer.exe": program("explorer"),
            "System Volume Information/WindowsImageBackup/Catalog/GlobalCatalog":
                b"cblg" + self.seed.bytes("local catalog", 3000),
            "System Volume Information/WindowsImageBackup/Catalog/BackupGlobalCatalog":
                b"cblg" + self.seed.bytes("local backup catalog", 3000),
        }

    def _boot_files(self) -> dict:
        """What every Windows carries for any firmware, and bcdboot copies."""
        def text(name):
            return tree.executable(self.seed, name, 70000)

        loader = (pathlib.Path(self.wishes.bootmgr).read_bytes() if self.wishes.bootmgr
                  else tree.executable(self.seed, "boot efi", 1500000))
        return {
            "Windows/System32/config/BCD-Template": bcd.template(),
            "Windows/Boot/EFI/bootmgfw.efi": loader,
            "Windows/Boot/EFI/memtest.efi": tree.executable(self.seed, "boot memtest", 900000),
            "Windows/Boot/EFI/de-DE/bootmgfw.efi.mui": text("boot mui de"),
            "Windows/Boot/EFI/en-US/bootmgfw.efi.mui": text("boot mui en"),
            "Windows/Boot/Fonts/wgl4_boot.ttf": self.seed.bytes("boot font", 49000),
            "Windows/Boot/PCAT/bootmgr": tree.executable(self.seed, "boot pcat", 400000),
            "Windows/Boot/PCAT/bootnxt": b"\x01",
            "Windows/Boot/PCAT/de-DE/bootmgr.exe.mui": text("boot pcat mui"),
        }

    def _small_files(self, role: str) -> dict:
        if role == "system":
            return {"bootmgr": tree.executable(self.seed, "bootmgr", 400000),
                    "BOOTSECT.BAK": self.seed.bytes("bootsect", 8192),
                    "Boot/BCD": bcd.boot_store(self.disk, self.ids),
                    "Boot/memtest.exe": tree.executable(self.seed, "memtest", 480000),
                    "Boot/Fonts/wgl4_boot.ttf": self.seed.bytes("font", 49000)}
        return {"Recovery/WindowsRE/Winre.wim":
                b"MSWIM\0\0\0" + self.seed.bytes("winre", self.profile.winre << 18),
                "Recovery/WindowsRE/boot.sdi": b"$SDI0001" + self.seed.bytes("sdi", 3170304 - 8),
                "Recovery/WindowsRE/ReAgent.xml": b"<WindowsRE version=\"2.0\"/>"}

    # -- images -----------------------------------------------------------------------------

    def _image_name(self, partition: Partition) -> str:
        kind = "vhd" if self.windows7 else "vhdx"
        return f"Esp.{kind}" if partition.role == "esp" else f"{partition.volume_guid}.{kind}"

    def _write_image(self, partition: Partition, volume, absent):
        """Returns what a test needs to know of the image, and the ranges of the volume that
        are not in it."""
        path = self.set_folder / self._image_name(partition)
        if self.windows7:
            content, offset = interior.mbr_disk(volume, self.seed)
            image = vhd.write(path, content, vhd.Options(fixed=self.wishes.fixed), self.seed,
                              _moved(absent, offset))
        else:
            content, offset = interior.gpt_disk(volume, self.seed, self.disk.sector_size,
                                                self.wishes.msr_mib)
            options = vhdx.Options(block_size=self.wishes.block_mib << 20, fixed=self.wishes.fixed,
                                   logical_sector=self.disk.sector_size)
            image = vhdx.write(path, content, options, self.seed, _moved(absent, offset))
        digest = content.sha256(image.absent)
        content.close()
        if self.wishes.dirty_log and not self.windows7:
            vhdx_log.make_dirty(image, self.seed)
        lost = _clipped(_moved(image.absent, -offset), os.path.getsize(volume))
        return _ImageFacts(path, offset, digest), lost

    def _data_image(self, partition: Partition) -> dict:
        """No file system in it, and none named by the documents: some random pieces, one of
        them in the last sectors, in blocks of 32 MiB. Too large to be hashed as a whole."""
        volume = self.source / "data.raw"
        length, pieces = self.disk.length(partition), []
        tools.make_sparse(volume, length)
        with open(volume, "r+b") as file:
            for offset in (0, length // 2, length - DATA_PIECE):
                data = self.seed.bytes(f"data {offset}", DATA_PIECE)
                file.seek(offset)
                file.write(data)
                pieces.append({"offset": offset, "length": DATA_PIECE,
                               "sha256": hashlib.sha256(data).hexdigest()})
        content, offset = interior.gpt_disk(volume, self.seed, self.disk.sector_size,
                                            self.wishes.msr_mib)
        path = self.set_folder / self._image_name(partition)
        vhdx.write(path, content, vhdx.Options(block_size=DATA_BLOCK,
                                               logical_sector=self.disk.sector_size), self.seed)
        content.close()
        return {"image": str(path.relative_to(self.out)), "raw": str(volume.relative_to(self.out)),
                "image_offset": offset, "pieces": pieces}

    # -- documents --------------------------------------------------------------------------

    def _write_documents(self) -> None:
        texts = documents.set_documents(self.disk, self.wishes.machine, self.seed,
                                        self.wishes.asrsif_spelling, self.wishes.partial)
        for name, text in texts.items():
            (self.set_folder / name).write_bytes(documents.utf16(text))
        documents.write_catalog(self.set_folder.parent, self.seed, self.windows7)
        (self.out / "share" / "SDT65CB.tmp").write_bytes(b"")

    def _facts(self, partitions) -> dict:
        disk = self.disk
        return {
            "format": FORMAT, "wishes": vars(self.wishes), "machine": self.wishes.machine,
            "time": BACKUP_TIME, "firmware": "UEFI" if disk.style == "gpt" else "BIOS",
            "set": str(self.set_folder.relative_to(self.out)),
            "style": disk.style, "sector_size": disk.sector_size, "disk_size": disk.size,
            "disk_guid": str(disk.guid) if disk.guid else None,
            "signature": f"0x{disk.signature:08x}" if disk.style == "mbr" else None,
            "disk": "source/disk.img",
            "sfdisk": dump_table(self.source / "disk.img", disk.sector_size),
            "partitions": partitions,
        }


@dataclass
class _ImageFacts:
    path: pathlib.Path
    offset: int
    sha256: str


def _usual_image(layout: str) -> str:
    return "vhdx" if layout == "uefi-gpt" else "vhd"


def _moved(ranges, by: int):
    return [(offset + by, length) for offset, length in ranges]


def _clipped(ranges, size: int):
    """The parts of the ranges that lie within 0 to `size`."""
    parts = [(max(offset, 0), min(offset + length, size)) for offset, length in ranges]
    return tools.join_ranges((first, last - first) for first, last in parts if last > first)


def _partition_facts(disk: Disk, p: Partition) -> dict:
    gpt = disk.style == "gpt"
    return {
        "slot": p.slot, "role": p.role, "first_lba": p.first_lba, "sectors": p.sectors,
        "offset": disk.offset(p), "length": disk.length(p),
        "type": str(p.type) if gpt else f"0x{p.type:02x}",
        "guid": str(p.guid) if gpt else None, "name": p.name,
        "attributes": f"0x{p.attributes:016x}", "active": p.active,
        "filesystem": p.filesystem or None, "letter": p.letter,
        "volume_guid": str(p.volume_guid) if p.volume_guid else None, "image": None,
    }


def _expectation(partition: Partition, volume, lost) -> dict:
    """What a restored partition must hold. `lost` ranges are not in the image, so zeros is
    what they become; they are made zeros in the raw volume too, which then is the truth."""
    length = os.path.getsize(volume)
    ranges = [(0, length)]
    if partition.filesystem == "ntfs":
        ranges = ntfs.allocated_ranges(volume)
    gone = _clipped_to(lost, ranges)
    had_data = []
    with open(volume, "r+b") as file:
        data = tools.join_ranges(tools.data_ranges(file.fileno(), length))
        had_data = _clipped_to(gone, data)
        for offset, count in lost:
            tools.punch(file.fileno(), offset, count)
    whole, allocated = _hash_volume(volume, length, ranges)
    with_free_zero = Content(length)
    with_free_zero.add_file(0, volume)
    free_zero = with_free_zero.sha256(ntfs.complement(ranges, length))
    with_free_zero.close()
    return {"sha256": whole, "sha256_free_zero": free_zero, "allocated": ranges,
            "allocated_sha256": allocated, "absent_allocated": had_data}


def _clipped_to(ranges, others):
    """The intersection of two lists of joined ranges."""
    result, others = [], list(others)
    for offset, length in ranges:
        for start, count in others:
            first, last = max(offset, start), min(offset + length, start + count)
            if first < last:
                result.append((first, last - first))
    return tools.join_ranges(result)


def _hash_volume(volume, length: int, ranges):
    """SHA-256 of the whole, and of the allocated ranges one behind the other."""
    whole, allocated = hashlib.sha256(), hashlib.sha256()
    step = 4 << 20
    with open(volume, "rb") as file:
        for at in range(0, length, step):
            whole.update(file.read(step))
        for offset, count in ranges:
            for at in range(offset, offset + count, step):
                file.seek(at)
                allocated.update(file.read(min(step, offset + count - at)))
    return whole.hexdigest(), allocated.hexdigest()
