# SPDX-License-Identifier: GPL-3.0-or-later
"""Drivers that are brought along, devices and their drivers, the firmware's serial console: one
start with Secure Boot. Part of `make soak`."""

import os
import pathlib
import struct
import subprocess

import pytest

import machine_room
import qemu
import scenario
from bmr import BUILD

pytestmark = [
    pytest.mark.needs("image", "qemu-system-x86_64", "ovmf", "mcopy", "dpkg-deb"),
    pytest.mark.skipif(not os.environ.get("BOOT_ALL"), reason="BOOT_ALL=1, or make soak")]

START_SECONDS = 300
PARTITION = 1 << 20


def run(*words):
    subprocess.run([str(word) for word in words], check=True, capture_output=True)


def module(name) -> pathlib.Path:
    """One that Debian signed and that is not in the image."""
    return next((BUILD / "sysroot/lib/modules").glob(f"*/kernel/**/{name}.ko"))


def package(work, name) -> pathlib.Path:
    """A .deb that holds the module and a firmware."""
    root = work / "package"
    control = root / "DEBIAN/control"
    control.parent.mkdir(parents=True)
    control.write_text("Package: x\nVersion: 1\nArchitecture: amd64\nMaintainer: x <x@x>\n"
                       "Description: x\n")
    for path, content in ((f"lib/modules/x/{name}.ko", module(name).read_bytes()),
                          ("lib/firmware/acme/card.bin", b"firmware")):
        (root / path).parent.mkdir(parents=True)
        (root / path).write_bytes(content)
    run("dpkg-deb", "--build", "--root-owner-group", root, work / "driver.deb")
    return work / "driver.deb"


def stick_with_drivers(work) -> qemu.Disk:
    path = scenario.make_stick(work / "stick.img", {})
    unsigned = work / "dummy.ko"
    run("strip", "-g", "-o", unsigned, module("dummy"))  # and its signature is gone
    drive = f"{path}@@{PARTITION}"
    run("mmd", "-i", drive, "::/openbmr", "::/openbmr/drivers", "::/openbmr/firmware")
    run("mcopy", "-i", drive, module("scsi_debug"), unsigned, package(work, "nbd"),
        "::/openbmr/drivers")
    (work / "own.bin").write_bytes(b"own firmware")
    run("mcopy", "-i", drive, work / "own.bin", "::/openbmr/firmware")
    return qemu.Disk("usb", path, "BOOTSTICK", removable=True)


def second_line(work) -> list:
    """A second serial line, which the firmware's table names (behind its 36 bytes of header)."""
    table = work / "spcr.bin"
    table.write_bytes(struct.pack("<B3xBBBBQ28x", 0, 1, 8, 0, 1, 0x2f8))
    return ["-chardev", f"file,id=second,path={work}/second.log", "-serial", "chardev:second",
            "-acpitable", f"sig=SPCR,rev=2,data={table}"]


def test_drivers_on_the_stick_are_loaded_if_they_are_signed_and_devices_are_told(work):
    disk = stick_with_drivers(work)
    with qemu.Machine(work / "machine", [disk], secure=True,
                      variables=qemu.FIRMWARE_VARIABLES_STOCK,
                      more=["-device", "edu", *second_line(work)]) as machine:
        shell = machine_room.shell_of(machine, START_SECONDS)
        log = shell.run("cat /run/openbmr/log")
        for name in ("scsi_debug", "nbd"):
            assert f"/{name}.ko': loaded" in log
            assert name in shell.run("lsmod")
        assert "dummy.ko': not signed by a key that the kernel trusts" in log
        assert "dummy" not in shell.run("lsmod")
        assert "own firmware" in shell.run("cat /run/openbmr/firmware/own.bin")
        shell.run("test -e /run/openbmr/firmware/acme/card.bin")
        assert "/run/openbmr/firmware" in shell.run(
            "cat /sys/module/firmware_class/parameters/path")
        devices = shell.run("bmr hw")
        assert "network            e1000e" in devices
        assert "no driver, and none is needed" in devices  # QEMU's "edu"
        assert "0 of them without a driver that a restore may need" in devices
    assert "openbmr: ready" in (work / "second.log").read_text(errors="replace")
