# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups on exFAT disks, as USB disks come from the shop."""

import pathlib
import shutil

import pytest

import bmr
import compare
import scenario
import test_sources
from generator import exfat, tools
from scenario import MIB

pytestmark = pytest.mark.needs("root", "fuse", "mkfs.exfat", "mount.exfat-fuse", "fsck.exfat", "losetup",
                               "ntfs-3g", "sgdisk", "sfdisk", "mcopy", "fsck.fat")


def apparent_size(folder) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def fill(folder: pathlib.Path, source) -> None:
    """Two folders grow in turn, so that both lie in pieces; then the backup, in two halves, each
    behind what the other left free."""
    for number in range(600):
        below = folder / ("Büro" if number % 2 else "Sicherungen")
        below.mkdir(exist_ok=True)
        (below / f"a file with a name of more than one entry {number}.txt").write_text("x" * number)
    for path in sorted((folder / "Büro").iterdir())[::2]:
        path.unlink()
    shutil.copytree(source.share, folder / "Sicherungen" / "share")


@pytest.fixture(scope="module")
def volume(backup, tmp_path_factory):
    source = backup("bios")
    path = tmp_path_factory.mktemp("exfat") / "volume.raw"
    exfat.make(path, (apparent_size(source.share) // MIB + 64) * MIB, 4096)
    with exfat.mounted(path) as folder:
        fill(pathlib.Path(folder), source)
    tools.run(["fsck.exfat", "-n", path])
    yield path, source
    path.unlink()


def test_a_machine_comes_back_from_an_exfat_partition(volume, work):
    path, source = volume
    disk = work / "source.raw"
    test_sources.put_on_disk(path, disk)
    before = scenario.fingerprint(disk)
    found, = test_sources.versions(disk)
    assert found["path"].startswith("source.raw partition 2/Sicherungen/share/WindowsImageBackup/")
    result = bmr.restore(disk, work / "disk.img")
    assert result.status == bmr.DONE, result
    assert compare.differences(work / "disk.img", source, False) == []
    assert scenario.fingerprint(disk) == before


def test_a_boot_region_that_was_changed_is_refused(volume, work):
    path = scenario.copy_sparse(volume[0], work / "volume.raw")
    with open(path, "r+b") as file:
        file.seek(512 * 3 + 17)
        file.write(b"\1")
    result = bmr.run("scan", path)
    assert result.status == bmr.FAILED, result
    debug = bmr.run("--debug", "scan", path)
    assert "exFAT is damaged: the checksum of the boot region is wrong" in debug.errors, debug
