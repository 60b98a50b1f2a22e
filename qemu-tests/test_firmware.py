# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup onto a machine with other firmware than the one it was made of: BIOS to UEFI and back.
The host looks at tables, boot files and stores; OVMF and SeaBIOS start the disks."""

import re
import shutil
import subprocess

import pytest

import bmr
import boot_names
import generator.compare
from generator import boot_marker, fat, tools
from machine_room import marker_of
from qemu import Disk, Machine
from test_fit import expect, read_table
from test_new_names import REAGENT, SYSTEM, disk_names

pytestmark = pytest.mark.needs("root", "fuse", "ntfs-3g", "sfdisk", "sgdisk", "mcopy", "fsck.fat",
                               "hivexml")

START_SECONDS = 90
TEMPLATE = {"{7ea2e1ac-2e61-4728-aaa3-896d9d0a9f0e}", "{6efb52bf-1766-41db-a6b3-0ee5eff72bd7}"}


def volume_of(disk, slot: int, work):
    offset, length, _ = read_table(disk, 512)[slot]
    path = work / f"volume-{slot}"
    generator.compare.extract(disk, offset, length, path)
    return path


def files_of(volume, *names) -> dict:
    return boot_names.read_files(volume, "ntfs", names)


def check_new_store(store: bytes, system, windows, work) -> None:
    """Boot manager and Windows name their partitions; the template's objects are still there."""
    found = boot_names.store_names(store, work)
    assert found.pop(("{9dea862c-5cdd-4e70-acc1-f32b344d4795}", "11000001")) == [system]
    assert {element for _, element in found} == {"11000001", "21000001"}, found
    assert all(names == [windows] for names in found.values())
    text = subprocess.run(["hivexml", work / "hive"], check=True, capture_output=True,
                          text=True).stdout
    assert all(name in text for name in TEMPLATE)
    assert set(re.findall(r'key="Element" [^>]*value="(\{[0-9a-f-]+\})"', text)) == {
        name for name, _ in found}, "the default entry is not Windows'"


def check_letters(volume, c_name, winre, work) -> None:
    files = files_of(volume, SYSTEM, REAGENT)
    names = boot_names.mounted_names(files[SYSTEM], work)
    assert names["\\DosDevices\\C:"] == c_name
    assert boot_names.reagent_name(files[REAGENT]) == winre


def test_a_bios_backup_becomes_a_disk_for_uefi(backup, work):
    bios, disk = backup("bios-10"), work / "uefi.img"
    options = ("--firmware", "uefi")
    expect(bmr.restore(bios.share, disk, *options), bmr.DONE,
           "an EFI system partition takes its place", "made anew, FAT32, with 5 boot files")
    assert "No problems found" in tools.run(["sgdisk", "-v", disk])
    table, names = read_table(disk, 512), disk_names(disk, {"style": "gpt"}, read_table(disk, 512))
    assert [table[slot][0] for slot in (1, 2, 3)] == [p["offset"] for p in bios.facts["partitions"]]
    assert "C12A7328" in table[1][2] and "DE94BBA4" in table[3][2]
    esp, windows = volume_of(disk, 1, work), volume_of(disk, 2, work)
    tools.run(["fsck.fat", "-n", esp])
    files = fat.read_all(esp)
    for name, data in files_of(windows, "Windows/Boot/EFI/bootmgfw.efi",
                               "Windows/Boot/EFI/de-DE/bootmgfw.efi.mui").items():
        assert files[name.replace("Windows/Boot/EFI", "EFI/Microsoft/Boot")] == data
    assert files["EFI/Boot/bootx64.efi"] == files["EFI/Microsoft/Boot/bootmgfw.efi"]
    check_new_store(files["EFI/Microsoft/Boot/BCD"], names[1], names[2], work)
    check_letters(windows, ("gpt", names[2][2]), (*names[3][:2], table[3][0]), work)
    expect(bmr.verify(bios.share, disk, *options), bmr.DONE)


@pytest.mark.needs("qemu-system-x86_64", "ovmf")
def test_uefi_firmware_starts_a_converted_disk(backup, work):
    disk = work / "uefi.img"
    expect(bmr.restore(backup("bios-10").share, disk, "--firmware", "convert"), bmr.DONE)
    with Machine(work / "machine", [Disk("ata", disk, serial="C1")], memory_mib=256,
                 network=False) as machine:
        machine.wait_for("openbmr-marker: ", START_SECONDS)
        machine.wait_for_end(START_SECONDS)
        marker = marker_of(machine.serial())
    assert marker["result"] == "ok" and int(marker["bcd"]) > 0, marker[0]


def test_a_uefi_backup_becomes_a_disk_for_bios(backup, work):
    uefi, disk = backup("uefi"), work / "bios.img"
    options = ("--firmware", "bios")
    expect(bmr.restore(uefi.share, disk, *options), bmr.DONE,
           "'EFI system' is not restored", "'Microsoft reserved' is not restored",
           "\\bootmgr and \\Boot: 6 boot files")
    table, names = read_table(disk, 512), disk_names(disk, {"style": "mbr"}, read_table(disk, 512))
    assert {slot: entry[2] for slot, entry in table.items()} == {1: "type=7, bootable", 2: "type=27"}
    windows = volume_of(disk, 1, work)
    tools.run(["ntfsfix", "-n", windows])
    files = files_of(windows, "bootmgr", "Boot/BCD", "Windows/Boot/PCAT/bootmgr",
                     "Boot/de-DE/bootmgr.exe.mui")
    assert len(files) == 4 and files["bootmgr"] == files["Windows/Boot/PCAT/bootmgr"]
    check_new_store(files["Boot/BCD"], names[1], names[1], work)
    check_letters(windows, names[1], (*names[2][:2], table[2][0]), work)
    expect(bmr.verify(uefi.share, disk, *options), bmr.DONE)
    with Machine(work / "machine", [Disk("ata", disk, serial="C2")], memory_mib=64, network=False,
                 processors=1, bios=True) as machine:
        machine.wait_for(boot_marker.message(table[1][0] // 512), START_SECONDS,
                         unless="cannot be started")


def test_what_cannot_start_is_refused_before_the_disk_is_opened(backup, work):
    """No boot files in the image (files-only and old Windows have none), sectors that BIOS does
    not start from, and a wish that is no firmware."""
    disk = work / "none.img"
    result = bmr.restore(backup("uefi-4096").share, disk, "--firmware", "bios")
    expect(result, bmr.REFUSED, "BIOS starts only from disks with sectors of 512")
    expect(bmr.restore(backup("uefi").share, disk, "--firmware", "coreboot"), bmr.USAGE,
           "must be match, convert, uefi or bios")
    share = work / "share"
    shutil.copytree(backup("bios-10").share, share)
    spoil(next(share.rglob("*-500600000000.vhdx")), "bootmgfw.efi")
    plan = bmr.run("plan", "--from", share, "--disk", disk, "--firmware", "uefi")
    expect(plan, bmr.REFUSED, "this backup cannot be restored for UEFI",
           "this Windows cannot start by UEFI", "no file 'Windows/Boot/EFI/bootmgfw.efi'")
    assert "no image" not in plan.output + plan.errors, plan
    expect(bmr.restore(share, disk, "--firmware", "uefi"), bmr.REFUSED)
    assert not disk.exists()


def spoil(image, name: str) -> None:
    """Another name for a file of an NTFS volume, wherever it stands in the image."""
    data = image.read_bytes()
    old = name.encode("utf-16-le")
    assert data.count(old) >= 2
    image.write_bytes(data.replace(old, ("x" + name[1:]).encode("utf-16-le")))
