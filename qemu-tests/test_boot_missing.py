# SPDX-License-Identifier: GPL-3.0-or-later
"""Boot media and boot servers from which a file is missing: the machine starts by another way, or
names the file on a screen that stays. Part of `make soak`, or BOOT_ALL=1."""

import pathlib
import re
import shutil

import pytest

import qemu
import scenario
from test_boot import (APPLICATION, GRUB_MENU, NETWORK, READY_SECONDS, REFUSED_SECONDS, STOCK, all_only, put,
                       stays_with, start, stick)

pytestmark = [pytest.mark.needs("image", "qemu-system-x86_64", "ovmf", "mcopy"), all_only]

BIOS = {"bios": True}
WAYS = pytest.mark.parametrize("machine", [STOCK, BIOS], ids=["stock-keys", "bios"])


def shown(text: str, machine: dict) -> str:
    """A pattern. On the serial line of a BIOS machine GRUB's letters come twice, once from the screen."""
    return r"\s*".join(f"{re.escape(letter)}{{1,2}}" if machine.get("bios") else re.escape(letter)
                       for letter in text if letter != " ")


def cannot_start(name: str, machine: dict) -> str:
    return shown(f"cannot start: the file '{name}'", machine)


def stick_without(folder, *names) -> qemu.Disk:
    disk = stick(folder)
    for name in names:
        scenario.remove_from_stick(disk.path, name)
    return disk


@WAYS
@pytest.mark.parametrize("name", ["vmlinuz", "initramfs.zst"])
def test_what_grub_cannot_load_is_named(work, machine, name):
    disk = stick_without(work, f"EFI/openbmr/{name}")
    stays_with(work, disk, cannot_start(f"/EFI/openbmr/{name}", machine), **machine)


@WAYS
def test_without_its_settings_grub_finds_their_copy(work, machine):
    start(work, [stick_without(work, "EFI/debian/grub.cfg")], **machine)


def test_a_bios_without_any_settings_of_grub_says_so(work):
    disk = stick_without(work, "EFI/debian/grub.cfg", "EFI/BOOT/grub.cfg")
    stays_with(work, disk, cannot_start("/EFI/debian/grub.cfg", BIOS), **BIOS)


def test_without_the_boot_application_grub_names_it_and_shows_its_own_menu(work):
    text = start(work, [stick_without(work, "EFI/openbmr/openbmr.efi")],
                 [shown("/EFI/openbmr/openbmr.efi' not found", {}), GRUB_MENU])
    assert APPLICATION not in text


def test_without_grub_shim_names_it(work):
    """Its words are Debian's, and the firmware goes on to its next entry after two seconds."""
    with qemu.Machine(work, [stick_without(work, "EFI/BOOT/grubx64.efi")], network=False, **STOCK) as room:
        room.wait_for(r"grubx64\.efi - Not Found", REFUSED_SECONDS, unless="openbmr: ready")


def test_a_boot_application_without_a_kernel_beside_it_names_it(work):
    disk = stick(work)
    put(disk, (scenario.BOOT_APPLICATION, "EFI/BOOT/BOOTX64.EFI"))
    with qemu.Machine(work, [disk], network=False) as room:
        room.wait_for("Restore by hand", READY_SECONDS)
        room.type("2")
        room.wait_for(r"'\\EFI\\BOOT\\vmlinuz'[^\n]*\s+Next step: copy vmlinuz, initramfs\.zst and cmdline", 60)
        room.type("x")
        room.wait_for("Start the local disk", 60)


# -- of a server ------------------------------------------------------------------------------

def server_without(folder, name) -> pathlib.Path:
    served = pathlib.Path(shutil.copytree(NETWORK, folder / "served"))
    (served / name).unlink()
    return served


def stays_over_network(folder, served, bootfile, pattern, rom=False, **machine):
    card = "virtio-net-pci,netdev=net,bootindex=1" + ("" if rom else ",romfile=")
    net = ["-netdev", f"user,id=net,tftp={served},bootfile={bootfile}", "-device", card]
    with qemu.Machine(folder / "machine", [], network=False, pxe=not rom, more=net, **machine) as room:
        room.wait_for(pattern, READY_SECONDS, unless="openbmr: ready|UEFI Interactive Shell")


@pytest.mark.parametrize("name", ["vmlinuz", "initramfs.zst"])
def test_what_grub_cannot_fetch_is_named(work, name):
    stays_over_network(work, server_without(work, name), "shimx64.efi", cannot_start(f"/{name}", STOCK), **STOCK)


@pytest.mark.parametrize("name, machine", [("openbmr.efi", {}), ("vmlinuz", BIOS), ("initramfs.zst", BIOS)])
def test_what_ipxe_cannot_fetch_is_named(work, name, machine):
    stays_over_network(work, server_without(work, name), "openbmr.ipxe", cannot_start(name, {}), rom=True, **machine)


# -- the other side: all is there, and the screen says who vouches for it -----------------------

def test_the_first_screen_tells_secure_boot_shim_and_its_level(work):
    with qemu.Machine(work, [stick(work)], network=False, **STOCK) as room:
        room.wait_for("openbmr: ready", READY_SECONDS)
        room.wait_on_screen(r"Secure Boot is on\. Started by shim, SBAT\W+level\W+20\d{8}\.", READY_SECONDS)
