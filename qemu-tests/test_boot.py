# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way in which a machine starts the built media, each to "openbmr: ready" with its time.

`make scenarios` runs the three that say most; BOOT_ALL=1 (part of `make soak`) runs all. A
firmware that is refused something waits for ever: each wait has its limit."""

import os
import pathlib
import shutil
import subprocess
import time

import pytest

import qemu
import scenario
from bmr import BUILD

pytestmark = pytest.mark.needs("image", "qemu-system-x86_64", "ovmf")

IMAGE = scenario.IMAGE
ISO = IMAGE.with_name("openbmr.iso")
NETWORK = IMAGE.with_name("pxe")
FAT = f"{1 << 20}"

READY_SECONDS = 180  # some 20 on a quiet machine; several run at once on a busy one
REFUSED_SECONDS = 60

all_only = pytest.mark.skipif(not os.environ.get("BOOT_ALL"),
                              reason="one of the longer starts: BOOT_ALL=1, or make soak")

STOCK = {"secure": True, "variables": qemu.FIRMWARE_VARIABLES_STOCK}
SNAKEOIL = {"secure": True, "variables": qemu.FIRMWARE_VARIABLES_SNAKEOIL}


def start(folder, disks, expected=(), **machine) -> str:
    """Starts to "ready" and returns the serial line; expected come in this order before."""
    with qemu.Machine(folder, disks, network=False, **machine) as room:
        started = time.monotonic()
        for pattern in expected:
            room.wait_for(pattern, READY_SECONDS)
        room.wait_for("openbmr: ready", READY_SECONDS)
        print(f"ready after {time.monotonic() - started:.1f} s")
        return room.serial()


def stick(folder, **files) -> qemu.Disk:
    """A copy of the image, with files of the given content put to places of it."""
    path = scenario.make_stick(folder / "stick.img", files)
    return qemu.Disk("usb", path, "BOOTSTICK", removable=True)


def iso(folder, bus) -> qemu.Disk:
    if bus.endswith("-cd"):
        return qemu.Disk(bus, ISO)
    return qemu.Disk(bus, shutil.copyfile(ISO, folder / "iso.img"), "BOOTISO", removable=True)


APPLICATION = "bare-metal recovery\n\nAnswer file"
GRUB_MENU = "Booting `2  Restore by hand'"


# -- three that run always --------------------------------------------------------------------

def test_an_iso_as_cd_of_a_server_starts_the_boot_application(work):
    start(work, [iso(work, "ata-cd")], [APPLICATION])


def test_with_stock_keys_a_stick_starts_debians_kernel_with_the_answer_file(work):
    """The answer file travels as second initrd: the automatic restore begins."""
    disk = stick(work, **{"openbmr.ini": scenario.answer_file("smb://u@10.9.9.9/x", "serial:NONE"),
                          "openbmr.cred": "username = u\r\npassword = p\r\n"})
    text = start(work, [disk], ["Booting `1  Restore automatically"], **STOCK)
    assert "restoring automatically in 3 seconds" in text
    assert "bare-metal recovery\n\nAnswer file" not in text


def test_a_machine_with_bios_starts_from_the_stick(work):
    # screen and serial line are one here: GRUB's menu comes twice, letter by letter
    text = start(work, [stick(work)], bios=True)
    assert "BdsDxe" not in text


# -- all others -------------------------------------------------------------------------------

@all_only
def test_a_stick_starts_the_boot_application(work):
    start(work, [stick(work)], [APPLICATION])


@all_only
@pytest.mark.parametrize("bus", ["scsi-cd", "usb-cd", "usb"])
def test_an_iso_starts_from(work, bus):
    start(work, [iso(work, bus)], [APPLICATION])


@all_only
@pytest.mark.parametrize("bus", ["ata-cd", "usb"])
def test_with_stock_keys_an_iso_starts_from(work, bus):
    start(work, [iso(work, bus)], [GRUB_MENU], **STOCK)
