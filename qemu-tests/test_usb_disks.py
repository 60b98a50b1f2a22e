# SPDX-License-Identifier: GPL-3.0-or-later
"""USB disks as a person plugs them in, in a virtual machine: files of a backup are taken out onto FAT,
exFAT and NTFS, and the menu's last page saves its answers on the stick. One start; part of `make soak`,
or BOOT_ALL=1."""

import contextlib
import hashlib
import os
import pathlib
import subprocess

import pytest

import machine_room
import qemu
import scenario
import smbd
from generator import exfat, ntfs, tools
from scenario import MIB

pytestmark = [
    pytest.mark.needs("root", "image", "qemu-system-x86_64", "ovmf", "smbd", "fuse", "ntfs-3g", "mcopy", "mkfs.fat",
                      "mkfs.exfat", "mount.exfat-fuse"),
    pytest.mark.skipif(not os.environ.get("BOOT_ALL"), reason="BOOT_ALL=1, or make soak")]

SECONDS = 240
START = 2048  # sectors; of the one partition of each
VOLUME = 48 * MIB
FOLDER = r"C:\Program Files\Vendor 000"
ANSWERS = b"format = 1\r\n[source]\r\nurl = /nowhere\r\n"


@contextlib.contextmanager
def mounted_fat(volume):
    """As mtools reads it: a copy."""
    folder = volume.with_suffix(".files")
    folder.mkdir()
    subprocess.run(["mcopy", "-s", "-i", str(volume), "::saved", str(folder)], check=True)
    yield folder


def make_fat(volume):
    volume.touch()
    os.truncate(volume, VOLUME)
    tools.run(["mkfs.fat", "-F", "32", "-s", "1", volume])


def make_exfat(volume):
    exfat.make(volume, VOLUME)


def make_ntfs(volume):
    ntfs.make(volume, VOLUME, 512, START)
    with ntfs.mounted(volume) as folder:
        pathlib.Path(folder, "openbmr.ini").write_bytes(ANSWERS)


KINDS = {"USB-FAT-1": (make_fat, "c", mounted_fat), "USB-EXFAT-1": (make_exfat, "7", exfat.mounted),
         "USB-NTFS-1": (make_ntfs, "7", ntfs.mounted)}


def make_disk(folder, serial: str) -> qemu.Disk:
    make, kind, _ = KINDS[serial]
    volume, disk = folder / f"{serial}.volume", folder / f"{serial}.img"
    make(volume)
    scenario.blank_disk(disk, VOLUME + 2 * MIB)
    tools.run(["sfdisk", "-q", "--no-reread", "--no-tell-kernel", disk],
              stdin=f"label: dos\n{START},{VOLUME // 512},{kind}\n")
    tools.run(["dd", "status=none", "conv=notrunc,sparse", "bs=1M", "seek=1", f"if={volume}", f"of={disk}"])
    return qemu.Disk("usb", disk, serial, removable=True)


def check_disk(disk: qemu.Disk, files: dict) -> None:
    """What is on it now, read on the host."""
    volume = pathlib.Path(disk.path).with_suffix(".after")
    tools.run(["dd", "status=none", "conv=sparse", "bs=1M", "skip=1", f"count={VOLUME // MIB}", f"if={disk.path}",
               f"of={volume}"])
    os.truncate(volume, VOLUME)
    with KINDS[disk.serial][2](volume) as folder:
        for path, facts in files.items():
            taken = pathlib.Path(folder) / "saved" / path
            assert hashlib.sha256(taken.read_bytes()).hexdigest() == facts["sha256"], (disk.serial, path)


def take_files(machine, room_url: str) -> None:
    shell = machine_room.shell_of(machine, SECONDS)
    shell.run("bmr net up", seconds=SECONDS)
    shell.run(f"umask 077; printf 'username = {smbd.USER}\\npassword = {smbd.PASSWORD}\\n' >/tmp/login")
    for serial in KINDS:
        output = shell.run(f"bmr files get --from {room_url} --credentials /tmp/login '{FOLDER}' "
                           f"--to disk:serial:{serial}/1/saved", seconds=SECONDS)
        assert "files and" in output, output
        again = shell.run(f"bmr files get --from {room_url} --credentials /tmp/login '{FOLDER}' "
                          f"--to disk:serial:{serial}/1/saved", 1, SECONDS)
        assert "is there already and is not overwritten" in again, again
    # NTFS is no place for an answer file: what can be mounted without asking is FAT and exFAT
    listed = shell.run("bmr auto --environment --find; true", seconds=SECONDS)
    assert "no answer file" in listed and "/nowhere" not in listed, listed
    machine.type("exit\n")


def save_answers(machine, room_url: str) -> None:
    """By the menu, to the plan and its last page: the second button."""
    for words, answer in (
            ("Restore a backup", ""),
            ("Where is the backup", f"{room_url}\t{smbd.USER}\t{smbd.PASSWORD}"),
            ("SRV01 +2026-08-31", ""),
            ("What should be restored", ""),
            (machine_room.TARGET_SERIAL, ""),
            ("The plan", "\t\t\t"),
            ("openbmr.ini", "\t\t")):
        machine.wait_on_screen(words, SECONDS)
        machine.type(f"{answer}\n")
    machine.wait_on_screen("Saved\\.", SECONDS)
    machine.wait_on_screen("stick:openbmr.ini", SECONDS)


def test_files_go_to_usb_disks_and_answers_to_the_stick(backup, work):
    source = backup("uefi")
    files = {facts["path"].removeprefix("Program Files/"): facts for facts in source.partition("windows")["files"]
             if facts["path"].startswith("Program Files/Vendor 000/") and facts["type"] == "file"}
    assert files
    stick = scenario.make_stick(work / "stick.img", {})
    target = scenario.blank_disk(work / "target.img", source.facts["disk_size"])
    before = scenario.fingerprint(target)
    usb = [make_disk(work, serial) for serial in KINDS]
    with smbd.PrivateSamba({"backups": source.share}) as server:
        url = server.url("backups", host=machine_room.HOST)
        disks = [qemu.Disk("nvme", target, machine_room.TARGET_SERIAL), *usb,
                 qemu.Disk("usb", stick, machine_room.STICK_SERIAL, removable=True, boot=True)]
        with qemu.Machine(scenario.SCENARIOS / "logs" / "usb-disks", disks, machine_room.MEMORY_MIB) as machine:
            machine.wait_for("openbmr: ready", SECONDS)
            take_files(machine, url)
            save_answers(machine, url)
            machine.command("quit")
            machine.wait_for_end(60)
    for disk in usb:
        check_disk(disk, files)
    answers = subprocess.run(["mtype", "-i", scenario.stick_drive(stick), "::openbmr.ini"], capture_output=True,
                             text=True, check=True).stdout
    assert f"url = {url}" in answers and f"disk0 = serial:{machine_room.TARGET_SERIAL}" in answers, answers
    assert smbd.PASSWORD not in answers
    assert scenario.fingerprint(target) == before
