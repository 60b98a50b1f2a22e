# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups on NTFS disks: read through libntfs-3g from the image of a disk or of a volume, and out
of shadow copies. What comes back is compared with the machine that was backed up."""

import os
import pathlib
import shutil
import time

import pytest

import bmr
import compare
import machine_room
import qemu
import scenario
from generator import ntfs, tools, vss
from scenario import MIB

pytestmark = pytest.mark.needs("root", "fuse", "ntfs-3g", "sgdisk", "sfdisk", "mcopy", "fsck.fat")

SHADOW_TIME = 1788297600  # 2026-09-01 21:20 UTC


def folder_size(folder) -> int:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*"))


def make_volume(path, source, sector_size: int = 512) -> None:
    """An NTFS volume that holds a backup, in a compressed folder among others."""
    length = (folder_size(source.share) + 64 * MIB) // MIB * MIB
    ntfs.make(path, length, sector_size, 2048)
    with ntfs.mounted(path) as folder:
        below = pathlib.Path(folder, "Sicherungen – Büro", "old")
        below.mkdir(parents=True)
        ntfs.set_compressed(str(below))
        (below / "notes.txt").write_text("nothing" * 10000)
        ntfs.make_junction(str(below / "circle"), folder)
        shutil.copytree(source.share, below / "share")


def break_newest(path, old) -> None:
    """The volume goes on: its backup is replaced by a newer one that was broken off. As it was,
    `old`, it stays in a shadow copy alone."""
    length = path.stat().st_size // vss.BLOCK * vss.BLOCK
    with ntfs.mounted(path) as folder:
        images = (file for file in pathlib.Path(folder).rglob("*.vhd*") if file.is_file())
        image = max(images, key=lambda file: file.stat().st_size)
        with open(image, "r+b") as file:
            file.write(b"\0" * 4096)
            file.truncate(5 * MIB)
        name = time.strftime("Backup %Y-%m-%d %H%M%S", time.gmtime(SHADOW_TIME + 3600))
        image.parent.rename(image.parent.with_name(name))
    vss.add_copy(path, old, length, SHADOW_TIME)


@pytest.fixture(scope="module")
def volume(backup, tmp_path_factory):
    source = backup("bios")
    path = tmp_path_factory.mktemp("source") / "volume.raw"
    make_volume(path, source)
    yield path, source
    path.unlink()


def put_on_disk(volume, disk) -> None:
    """As the second partition of a GPT disk."""
    size = volume.stat().st_size
    sectors = size // 512
    scenario.blank_disk(disk, size + 20 * MIB)
    tools.run(["sfdisk", "-q", "--no-reread", "--no-tell-kernel", disk],
              stdin=f"label: gpt\n2048,8192,L\n16384,{sectors},L\n")
    tools.run(["dd", "status=none", "conv=notrunc,sparse", "bs=1M", "oflag=seek_bytes",
               f"seek={16384 * 512}", f"if={volume}", f"of={disk}"])


def versions(source) -> list:
    result = bmr.run("scan", source, "--json")
    assert result.status == bmr.DONE, result
    return [version for machine in result.json()["machines"] for version in machine["versions"]]


def test_a_backup_comes_back_from_the_image_of_an_ntfs_volume(volume, work):
    path, source = volume
    before = scenario.fingerprint(path)
    result = bmr.restore(path, work / "disk.img")
    assert result.status == bmr.DONE, result
    assert compare.differences(work / "disk.img", source, False) == []
    assert scenario.fingerprint(path) == before


def test_a_disk_image_shows_the_same_backups_as_the_folder(volume, work):
    path, source = volume
    disk = work / "source.raw"
    put_on_disk(path, disk)
    folder, = versions(source.share)
    found, = versions(disk)
    assert found["path"].startswith("source.raw partition 2/Sicherungen – Büro/old/share")
    assert found["id"] == folder["id"]
    assert found["health"] == folder["health"] == "whole"
    assert bmr.restore(disk, disk).status == bmr.REFUSED


def test_a_disk_without_ntfs_says_what_is_there(work):
    disk = scenario.gpt_disk(work / "other.raw", 300 * MIB)
    with open(disk, "r+b") as file:
        file.seek(MIB + 3)
        file.write(b"-FVE-FS-")
    result = bmr.run("scan", disk)
    assert result.status == bmr.FAILED, result
    assert "no NTFS or exFAT volume" in result.errors
    assert "other.raw partition 1: BitLocker" in result.errors
    assert "other.raw partition 2: unknown" in result.errors


def test_the_newest_whole_version_is_in_a_shadow_copy(volume, work):
    """The newest backup was broken off; the one before it is in a shadow copy alone."""
    path, source = volume
    new = scenario.copy_sparse(path, work / "new.raw")
    break_newest(new, path)
    found = sorted(versions(new), key=lambda version: version["time"]["value"])
    assert [version["health"] for version in found] == ["whole", "damaged"], found
    assert found[0]["path"].startswith(
        "new.raw volume, shadow copy of 2026-09-01 21:20:00/Sicherungen"), found[0]["path"]
    result = bmr.restore(new, work / "disk.img")
    assert result.status == bmr.DONE, result
    assert result.peak_memory <= 256 * MIB
    assert compare.differences(work / "disk.img", source, False) == []


def test_a_backup_that_a_shadow_copy_has_too_is_listed_once(volume, work):
    path, _ = volume
    new = scenario.copy_sparse(path, work / "new.raw")
    length = new.stat().st_size // vss.BLOCK * vss.BLOCK
    with ntfs.mounted(new) as folder:
        pathlib.Path(folder, "later.txt").write_text("later")
    vss.add_copy(new, path, length, SHADOW_TIME)
    version, = versions(new)
    assert version["path"].startswith("new.raw volume/Sicherungen")


@pytest.mark.skipif(not os.environ.get("BOOT_ALL"),
                    reason="takes a minute: BOOT_ALL=1, or make soak")
@pytest.mark.needs("qemu-system-x86_64", "ovmf", "image")
def test_a_machine_comes_back_from_a_shadow_copy_on_a_usb_disk(backup, work):
    """Stick, answer file, no network: of all disks the one with the backup is found, and its
    newest whole version."""
    source = backup("uefi")
    old, new, disk = (work / name for name in ("old.raw", "new.raw", "usb.img"))
    make_volume(old, source)
    scenario.copy_sparse(old, new)
    break_newest(new, old)
    put_on_disk(new, disk)
    before = scenario.fingerprint(disk)
    target = scenario.blank_disk(work / "target.img", source.facts["disk_size"])
    answer = scenario.answer_file("disk:auto", f"serial:{machine_room.TARGET_SERIAL}",
                                  action="hold").replace("credentials = file:openbmr.cred\r\n",
                                                             "")
    stick = scenario.make_stick(work / "stick.img", {"openbmr.ini": answer})
    disks = [qemu.Disk("nvme", target, machine_room.TARGET_SERIAL),
             qemu.Disk("usb", disk, "USB-SOURCE-1"),
             qemu.Disk("usb", stick, machine_room.STICK_SERIAL, removable=True)]
    with qemu.Machine(scenario.SCENARIOS / "logs" / "shadow-copy", disks,
                      machine_room.MEMORY_MIB, network=False) as machine:
        machine.wait_for("openbmr: ready", machine_room.READY_SECONDS)
        machine.wait_for("shadow copy of 2026-09-01 21:20:00", machine_room.NETWORK_SECONDS,
                         machine_room.NOT_DONE)
        machine.wait_for("done and proved", machine_room.RESTORE_SECONDS, machine_room.NOT_DONE)
        machine.wait_for("F3 shell", 30)
        machine.type(machine_room.F3)
        shell = machine_room.Shell(machine)
        refused = shell.run("bmr plan --from disk:auto --disk serial:USB-SOURCE-1", 4)
        assert "the backup or the answer file is on it" in refused, refused
        listed = shell.run("bmr scan disk:usb-source-1")
        assert "partition 2, shadow copy of 2026-09-01 21:20:00/" in listed, listed
        machine.command("quit")
        machine.wait_for_end(30)
    assert compare.differences(target, source) == []
    assert scenario.fingerprint(disk) == before


@pytest.mark.needs("tmux")
def test_the_menu_offers_what_lies_on_a_disk_without_being_asked(volume, screen):
    menu = screen("--image", str(volume[0]))
    menu.press("Start", "Enter")
    menu.wait_for("On the disks of this machine: \\S+, 2026-08-31 21:00 UTC")
    menu.type("/typed meanwhile")  # the screen stays as it is
    menu.wait_for("/typed meanwhile")
    menu.keys("Tab", "Tab", "Tab", "Tab", "Tab", "Enter")
    assert "2026-08-31 21:00 UTC" in menu.wait_for("┤ Which backup\\? ├")
