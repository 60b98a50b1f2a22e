# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets whose documents are gone, restored to the source's table; a layout that the user gives;
a set that changes."""

import json
import os
import subprocess

import pytest

import bmr
import compare
import scenario
import test_scan  # noqa: F401  (its sets are used here)

pytestmark = pytest.mark.needs("root", "fuse", "ntfs-3g", "sgdisk", "sfdisk", "mcopy", "fsck.fat")


def plan(source, disk, *options):
    result = bmr.run("plan", "--from", source.share, "--disk", disk, "--json", *options)
    assert result.status == bmr.DONE, result
    return result.json()


def test_loose_images_of_an_mbr_disk_become_the_exact_disk(backup, work):
    source = backup("scan-bios-no-xml")
    disk = scenario.blank_disk(work / "disk.img", source.facts["disk_size"])
    result = bmr.restore(source.share, disk)
    assert result.status == bmr.DONE, result
    assert compare.differences(disk, source) == []


def test_a_layout_given_by_the_user_makes_the_exact_gpt(backup, work):
    """What is printed, with the one id that no image knows put in by hand."""
    source = backup("scan-no-xml")
    disk = scenario.blank_disk(work / "disk.img", source.facts["disk_size"])
    printed = plan(source, disk)
    msr = next(p for p in source.facts["partitions"] if p["role"] == "msr")
    entry = next(p for p in printed["after"]["partitions"] if p["slot"] == msr["slot"])
    assert entry["id"]["origin"] == "convention"
    entry["id"] = msr["guid"]
    layout = work / "layout.json"
    layout.write_text(json.dumps(printed))
    result = bmr.restore(source.share, disk, "--layout", layout)
    assert result.status == bmr.DONE, result
    assert "user" in result.errors
    assert compare.differences(disk, source) == []
    again = plan(source, disk, "--layout", layout)
    assert again["after"]["partitions"][0]["offset"]["origin"] == "user"


def test_a_layout_that_the_images_contradict_is_refused_with_its_place(backup, work):
    source = backup("scan-no-xml")
    disk = work / "disk.img"
    printed = plan(source, disk)
    number = next(i for i, p in enumerate(printed["after"]["partitions"]) if p["image"])
    printed["after"]["partitions"][number]["length"]["value"] -= 4096
    layout = work / "layout.json"
    layout.write_text(json.dumps(printed))
    result = bmr.restore(source.share, disk, "--layout", layout)
    assert result.status == bmr.FAILED
    assert f"after.partitions[{number}]: length is " in result.errors
    assert not disk.exists()


class Toucher(bmr.Watch):
    """Writes to an image as soon as the target is opened for writing."""

    def __init__(self, pid, disk, image):
        super().__init__(pid)
        self.disk, self.image, self.done = str(disk), image, False

    def look(self, pids):
        for pid in pids:
            try:
                if not self.done and self.disk in bmr.writable_files(pid):
                    os.utime(self.image)
                    self.done = True
            except OSError:
                continue


def test_a_set_that_changes_during_the_restore_is_never_committed(backup, work):
    copy = test_scan.Copy(backup("scan-uefi"), work)
    disk = scenario.blank_disk(work / "disk.img", copy.facts["disk_size"])
    image = copy.image("windows")
    image.unlink()
    scenario.copy_sparse(scenario.backup_set("scan-uefi").images()["windows"], image)
    command = [str(bmr.PROGRAM), "restore", "--from", str(copy.share), "--disk", str(disk),
               "--confirm", "erase"]
    with open(work / "out", "wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        watch = Toucher(process.pid, disk, image)
        watch.start()
        status = process.wait(bmr.LIMIT_SECONDS)
        watch.stop()
    text = (work / "out").read_text()
    assert watch.done, "the restore was too fast to be disturbed"
    assert status == bmr.FAILED, text
    assert f"{image.name}': was written to since it was scanned" in text
    assert compare.recognised(disk) == ""
