# SPDX-License-Identifier: GPL-3.0-or-later
"""bmr-image on a real machine: in the environment itself, with a stick, a disk with an EFI system
partition, and a second start from what was installed there. Part of `make soak`."""

import os
import pathlib
import re
import subprocess

import pytest

import machine_room
import qemu
import scenario
from bmr import BUILD
from generator import tools
from scenario import MIB

pytestmark = [
    pytest.mark.needs("image", "qemu-system-x86_64", "ovmf", "mcopy", "sgdisk", "efibootmgr"),
    pytest.mark.skipif(not os.environ.get("BOOT_ALL"), reason="BOOT_ALL=1, or make soak")]

START_SECONDS = 300
PARTITION = 1 << 20


def run(*words):
    subprocess.run([str(word) for word in words], check=True, capture_output=True)


def fat_disk(path, size_mib: int, kind: str) -> pathlib.Path:
    """A disk with one FAT partition."""
    scenario.blank_disk(path, size_mib * MIB)
    run("sgdisk", "-n", "1:2048:0", "-t", f"1:{kind}", path)
    run("mkfs.fat", "-F32", "--offset=2048", path, str((size_mib - 2) * 1024))
    return path


def tools_disk(work) -> pathlib.Path:
    """What the environment lacks: bmr-image, the programs that it calls, their libraries, and the
    image."""
    disk = fat_disk(work / "tools.img", 400, "0700")
    drive = f"{disk}@@{PARTITION}"
    run("mmd", "-i", drive, "::/lib")
    programs = [BUILD / "bmr-image", *(tools.find_tool(name) for name in ("efibootmgr", "sgdisk"))]
    libraries = set()
    for program in programs:
        listing = subprocess.run(["ldd", str(program)], check=True, capture_output=True, text=True)
        libraries.update(re.findall(r"(/\S+) \(0x", listing.stdout))
    run("mcopy", "-i", drive, *programs, scenario.IMAGE, "::/")
    run("mcopy", "-D", "o", "-i", drive, *(lib for lib in libraries if "ld-linux" not in lib), "::/lib")
    return disk


class Bench:
    def __init__(self, work):
        self.work = work
        self.system = fat_disk(work / "system.img", 300, "ef00")
        self.new_stick = scenario.blank_disk(work / "new.img", 256 * MIB)
        self.small_stick = scenario.blank_disk(work / "small.img", 64 * MIB)
        self.tools = tools_disk(work)

    def machine(self, name, stick, **more):
        disks = [qemu.Disk("ata", self.system, "SYSTEM")]
        if stick:
            disks += [qemu.Disk("usb", stick, "BOOT", removable=True),
                      qemu.Disk("usb", self.new_stick, "NEW", removable=True),
                      qemu.Disk("usb", self.small_stick, "SMALL", removable=True),
                      qemu.Disk("virtio", self.tools, "TOOLS")]
        return qemu.Machine(self.work / name, disks, network=False, **more)


def mount_all(shell) -> None:
    """By serial number: names move."""
    for serial, place in (("TOOLS", "/mnt/tools"), ("SYSTEM", "/mnt/esp")):
        shell.run(f"mkdir -p {place}; for d in /sys/block/[sv]d?; do grep -aqs {serial} "
                  f"$d/device/vpd_pg80 $d/serial && mount -t vfat /dev/${{d##*/}}1 {place}; done; "
                  f"grep -q {place} /proc/mounts")
    shell.run("cp /mnt/tools/efibootmgr /mnt/tools/sgdisk /usr/sbin; "
              "export LD_LIBRARY_PATH=/mnt/tools/lib")
    # what bmr-image calls gets no environment, and looks for its libraries where they belong
    shell.run("cd /usr/lib/x86_64-linux-gnu; for l in /mnt/tools/lib/*; do "
              "test -e ${l##*/} -o -e /lib/x86_64-linux-gnu/${l##*/} || cp $l .; done; cd /")


IMAGE = "/mnt/tools/openbmr.img"
BMR_IMAGE = "/mnt/tools/bmr-image"


def test_the_environment_is_installed_started_and_removed_and_a_stick_is_written(work):
    bench = Bench(work)
    stick = scenario.make_stick(work / "stick.img", {})
    with bench.machine("first", stick) as machine:
        shell = machine_room.shell_of(machine, START_SECONDS)
        mount_all(shell)
        write = f"{BMR_IMAGE} stick --image {IMAGE} --to serial:"
        assert "is mounted: unmount it" in shell.run(write + "SYSTEM", status=1)
        assert "is what this machine was started from" in shell.run(write + "BOOT", status=1)
        assert "has 64.0 MiB, the image needs" in shell.run(write + "SMALL", status=1)
        said = shell.run(f"{write}NEW", seconds=300)
        assert "read back 16 of" in said
        shell.run(f"{BMR_IMAGE} install --image {IMAGE} --esp /mnt/esp", seconds=300)
        entries = shell.run("efibootmgr")
        assert re.search(r"Boot([0-9A-F]{4})\* openbmr", entries)
        number = re.search(r"Boot([0-9A-F]{4})\* openbmr", entries)[1]
        assert re.search(rf"BootOrder: [0-9A-F,]+,{number}\b", entries)
        # in its place at the end, behind the firmware's shell, nobody would see it
        shell.run(f"efibootmgr -q -n {number}; umount /mnt/esp; sync")
        assert "is neither removable nor on USB" in shell.run(write + "SYSTEM", status=1)
    assert "No problems found" in tools.run(["sgdisk", "-v", bench.new_stick])
    content = scenario.IMAGE.read_bytes()
    # behind the table: both have another backup table
    assert bench.new_stick.read_bytes()[PARTITION:len(content) - MIB] == content[PARTITION:-MIB]

    with bench.machine("installed", None, variables=work / "first/variables.fd") as machine:
        machine.wait_for("openbmr 0.1 - bare-metal recovery|Restore by hand", START_SECONDS)
        machine_room.shell_of(machine, START_SECONDS)
    with bench.machine("removal", stick) as machine:
        shell = machine_room.shell_of(machine, START_SECONDS)
        mount_all(shell)
        shell.run(f"{BMR_IMAGE} uninstall --esp /mnt/esp")
        assert "openbmr" not in shell.run("ls -R /mnt/esp/EFI")
        assert "* openbmr" not in shell.run("efibootmgr")
        assert "nothing is installed there" in shell.run(f"{BMR_IMAGE} uninstall --esp /mnt/esp",
                                                         status=1)
