# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of all scenarios. What a scenario needs of the machine stands above it:

    @pytest.mark.needs("root", "smbd")

and where that is missing it is skipped by a line that names it.
"""

import os
import shutil
import subprocess

import pytest

import menu_screen
import qemu
import scenario
import smbd
import summary
from generator import tools

# Name of a need -> what is missing, or None
_PACKAGES = {"qemu-system-x86_64": "qemu-system-x86", "qemu-system-aarch64": "qemu-system-arm",
             "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu", "ntfs-3g": "ntfs-3g", "strace": "strace",
             "sgdisk": "gdisk", "sfdisk": "fdisk", "mcopy": "mtools", "fsck.fat": "dosfstools",
             "dnsmasq": "dnsmasq-base", "dpkg-deb": "dpkg", "ckbcomp": "console-setup", "loadkeys": "kbd",
             "efibootmgr": "efibootmgr",
             "sbsign": "sbsigntool", "ip": "iproute2", "zstd": "zstd", "dhcpcd": "dhcpcd-base"}


def _missing(need: str):
    if need == "root":
        return None if os.geteuid() == 0 else "must run as root"
    if need == "fuse":
        return None if os.access("/dev/fuse", os.W_OK) else "/dev/fuse cannot be used"
    if need == "namespaces":
        works = subprocess.run(["unshare", "-n", "-m", "true"], stderr=subprocess.DEVNULL, check=False)
        return "network namespaces cannot be made here" if works.returncode else None
    if need == "loop":
        free = subprocess.run(["losetup", "--find"], capture_output=True, check=False)
        return "no loop device can be had (/dev/loop-control)" if free.returncode else None
    if need == "smbd":
        return smbd.missing()
    if need == "vfs_shadow_copy2":
        return smbd.missing_module("shadow_copy2")
    if need == "ovmf":
        return None if qemu.FIRMWARE_CODE.exists() else f"no {qemu.FIRMWARE_CODE} (package ovmf)"
    if need == "aavmf":
        code = qemu.FIRMWARE_CODE_ARM64
        return None if code.exists() else f"no {code} (package qemu-efi-aarch64)"
    if need == "image-arm64":
        image = scenario.IMAGE_ARM64
        return None if image.exists() else f"no {image} ('make ARCH=arm64 image')"
    if need == "image":
        return None if scenario.IMAGE.exists() else f"no {scenario.IMAGE} ('make image')"
    try:
        tools.find_tool(need)
        return None
    except tools.ToolError as error:
        return f"{error} (package {_PACKAGES.get(need, need)})"


def pytest_configure(config):
    config.addinivalue_line("markers", "needs(*names): programs and rights; else skipped")
    config.addinivalue_line("markers", "counts(name): counted under this name at the end")


def pytest_runtest_setup(item):
    for marker in item.iter_markers("needs"):
        for need in marker.args:
            reason = _missing(need)
            if reason:
                pytest.skip(reason)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    outcome.get_result().counted = [m.args[0] for m in item.iter_markers("counts")]


def pytest_terminal_summary(terminalreporter):
    """How many scenarios of each kind ran, and how many of them failed, or could not be made ready; how
    many were left out for what this machine lacks."""
    counts = {}
    for result in ("passed", "failed", "error"):
        for report in terminalreporter.stats.get(result, ()):
            for name in getattr(report, "counted", ()):
                counts.setdefault(name, [0, 0])
                counts[name][0] += 1
                counts[name][1] += result != "passed"
    for name, (count, failed) in counts.items():
        terminalreporter.write_line(f"{name}: {count}, {failed} failed")
        summary.add(name, count, failed)
    lacking = [report for report in terminalreporter.stats.get("skipped", ())
               if "BOOT_ALL" not in str(report.longrepr)]
    if lacking:
        summary.add("scenarios left out", len(lacking), 0)


@pytest.fixture(scope="session")
def backup():
    """backup("uefi") is the generated set of that name (scenario.SETS)."""
    return scenario.backup_set


@pytest.fixture
def work():
    """An empty folder for big sparse files, on a disk file system; removed at the end of a
    scenario that passed or failed."""
    folder = scenario.SCENARIOS / f"work-{os.getpid()}"
    folder.mkdir(parents=True)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def samba(backup):
    """A private server with the set "uefi" as share "backups"."""
    with smbd.PrivateSamba({"backups": backup("uefi").share}) as server:
        yield server


@pytest.fixture
def screen(tmp_path):
    """screen("--option", columns=80) is a menu in a terminal of its own, closed at the end."""
    opened = []

    def open_screen(*options, **wishes):
        opened.append(menu_screen.Screen(tmp_path, *options, **wishes))
        return opened[-1]

    yield open_screen
    for each in opened:
        each.close()
