# SPDX-License-Identifier: GPL-3.0-or-later
"""What the menu makes of the disks of this machine: which of them it offers first, and the backups
that it finds on them without being asked."""

import subprocess

import pytest

import bmr
import menu_screen
import scenario
from scenario import MIB

pytestmark = pytest.mark.needs("tmux")


@pytest.mark.needs("sgdisk")
def test_the_disk_that_was_backed_up_comes_first(screen, backup, tmp_path):
    source = backup("uefi")
    version = bmr.run("scan", source.share, "--json").json()["machines"][0]["versions"][0]
    disk_id = version["disks"][0]["disk_id"]["value"]
    for name, identity in (("other.img", "R"), ("disk.img", disk_id)):
        scenario.blank_disk(tmp_path / name, 64 * MIB)
        subprocess.run(["sgdisk", "-o", "-U", identity, tmp_path / name], check=True, stdout=subprocess.DEVNULL)
    for name, mark in (("disk.img", "\\*"), ("other.img", " ")):
        menu = screen("--image", f"./{name}")
        menu_screen.walk_to_target(menu, source.share)
        menu.wait_for(f"│ +{mark} \\./{name}")
        assert ("carries the ids of this disk of the backup" in menu.text()) == (mark != " "), menu.text()
