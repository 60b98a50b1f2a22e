# SPDX-License-Identifier: GPL-3.0-or-later
"""64-bit ARM: the boot application is always built and looked at; BOOT_ALL=1 (part of `make
soak`) starts the built media in QEMU's "virt" with AAVMF, and restores a machine."""

import os
import struct
import time

import pytest

import compare
import firmware_variables
import machine_room
import qemu
import scenario
import smbd
from bmr import REPOSITORY
from generator import tools

MACHINE, APPLICATION = 0xAA64, 10  # Microsoft's PE format: COFF header, subsystem
READY_SECONDS = 600                # some 20 on a quiet machine
NETWORK = scenario.IMAGE_ARM64.with_name("pxe")

all_only = pytest.mark.skipif(not os.environ.get("BOOT_ALL"),
                              reason="starts a foreign machine: BOOT_ALL=1, or make soak")
needs = pytest.mark.needs("qemu-system-aarch64", "aavmf", "image-arm64")


def sections(efi: bytes) -> dict:
    """Name to (address, size) of an EFI application for arm64; they do not overlap."""
    at = struct.unpack_from("<I", efi, 0x3C)[0]
    assert efi[:2] == b"MZ" and efi[at:at + 4] == b"PE\0\0"
    machine, count, optional = *struct.unpack_from("<HH", efi, at + 4), struct.unpack_from("<H", efi, at + 20)[0]
    assert machine == MACHINE and struct.unpack_from("<H", efi, at + 24 + 68)[0] == APPLICATION
    found, end = {}, 0x1000
    for number in range(count):
        name, size, address = struct.unpack_from("<8sII", efi, at + 24 + optional + number * 40)
        assert address % 0x1000 == 0 and address >= end, name
        end = address + size
        found[name.rstrip(b"\0").decode()] = (address, size)
    return found


@pytest.mark.needs("aarch64-linux-gnu-gcc")
def test_the_boot_application_is_built_for_arm64_too():
    """With the table of sections that its payload is added to, and with what shim asks for."""
    tools.run(["make", "-s", "-C", REPOSITORY, "ARCH=arm64", "efi"])
    efi = (scenario.BUILD_ARM64 / "openbmr.efi").read_bytes()
    there = sections(efi)
    assert {".text", ".reloc", ".data", ".sbat"} <= set(there), there
    assert b"openbmr,1,openbmr" in efi


def start(folder, disks, expected, **machine) -> str:
    """To "ready"; expected come before it in this order."""
    with qemu.Machine(folder, disks, network=False, arm64=True, **machine) as room:
        started = time.monotonic()
        for pattern in expected:
            room.wait_for(pattern, READY_SECONDS)
        room.wait_for("openbmr: ready", READY_SECONDS)
        print(f"ready after {time.monotonic() - started:.1f} s")
        return room.serial()


OURS = "bare-metal recovery\n\nAnswer file"
GRUB_MENU = "Booting `2  Restore by hand'"


def stick(folder, bus="usb") -> qemu.Disk:
    path = scenario.make_stick(folder / "stick.img", {}, scenario.IMAGE_ARM64)
    return qemu.Disk(bus, path, "BOOTSTICK", removable=True)


@all_only
@needs
@pytest.mark.parametrize("bus", ["usb", "virtio"])
def test_a_stick_starts_the_boot_application(work, bus):
    start(work, [stick(work, bus)], [OURS])


@all_only
@needs
def test_an_iso_starts_as_cd(work):
    start(work, [qemu.Disk("scsi-cd", scenario.IMAGE_ARM64.with_name("openbmr.iso"))], [OURS])


@all_only
@needs
def test_the_network_starts_the_boot_application(work):
    server = f"user,id=net,tftp={NETWORK},bootfile=shimaa64.efi"
    start(work, [], [OURS], pxe=True,
          more=["-netdev", server, "-device", "virtio-net-pci,netdev=net,bootindex=1,romfile="])


@all_only
@needs
def test_with_stock_keys_a_stick_starts_debians_kernel(work):
    text = start(work, [stick(work)], [GRUB_MENU], variables=qemu.FIRMWARE_VARIABLES_ARM64_STOCK)
    assert OURS not in text


class Room(machine_room.Room):
    """The machine of the user's story, with an ARM processor and no AHCI."""
    image = scenario.IMAGE_ARM64

    def machine(self, name, stick=True, more=(), disks=(), network=True):
        disks = [self.disk(), qemu.Disk("virtio", self.data, machine_room.DATA_SERIAL,
                                        write_log=self.data_log), *disks]
        if stick:
            disks.append(qemu.Disk("usb", self.stick, machine_room.STICK_SERIAL, removable=True))
        return qemu.Machine(self.logs / name, disks, machine_room.MEMORY_MIB, network, arm64=True,
                            more=more)


@all_only
@needs
@pytest.mark.needs("root", "fuse", "smbd", "ntfs-3g", "sgdisk", "mcopy", "fsck.fat")
def test_stick_and_answer_file_bring_an_arm_machine_back_that_boots(work, backup):
    """The user's story: a share, an answer file, a blank NVMe disk; then the disk alone, by the
    name that firmware of this machine looks for."""
    logs = scenario.SCENARIOS / "logs" / "arm64"
    with smbd.PrivateSamba({"backups": backup("arm64").share}) as server:
        room = Room(work, logs, backup("arm64"), server, patience=4)
        marker, serial, resets = room.restore()
    assert marker["result"] == "ok" and marker["entry"] == "Windows Boot Manager", marker[0]
    assert marker["disk"] == room.backup.facts["disk_guid"]
    assert resets[-2:] == ["guest-reset", "guest-shutdown"], resets
    for word in ("reading back", "all equal", "firmware entry Boot"):
        assert word in serial, f"'{word}' is not in the serial log"
    assert smbd.PASSWORD not in serial
    assert firmware_variables.boot_order(room.variables)[0] == "Windows Boot Manager"
    assert compare.differences(room.target, room.backup) == []
    assert scenario.fingerprint(room.data) == room.data_before
    assert qemu.logged_writes(room.data_log) == []
    marker = room.start_disk_alone()
    assert marker["result"] == "ok"
    assert marker["path"].lower().endswith("\\efi\\boot\\bootaa64.efi"), marker["path"]
    print({what: round(seconds, 1) for what, seconds in room.times.items()})
