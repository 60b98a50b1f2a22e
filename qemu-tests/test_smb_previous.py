# SPDX-License-Identifier: GPL-3.0-or-later
"""Previous versions of a share: snapshots that a real Samba shows through vfs_shadow_copy2, listed
as versions, and restored from."""

import os
import shutil

import pytest

import bmr
import compare
import smbd

pytestmark = pytest.mark.needs("root", "smbd", "smbclient", "vfs_shadow_copy2", "fuse", "ntfs-3g",
                               "mcopy")

OLDER, NEWER = "@GMT-2026.08.31-12.00.00", "@GMT-2026.09.01-12.00.00"


def link_tree(source, target) -> None:
    shutil.copytree(source, target, copy_function=os.link)


def break_newest(share) -> None:
    """What a run that was broken off leaves on a share: the newest version, and that damaged."""
    folder = next(share.rglob("BackupSpecs.xml")).parent
    images = [path for path in folder.iterdir() if path.suffix.startswith(".vhd")]
    image = max(images, key=lambda path: path.stat().st_size)
    image.unlink()
    image.write_bytes(b"\0" * 5_000_000)
    folder.rename(folder.with_name("Backup 2026-09-02 030000"))
    folder.mkdir()


@pytest.fixture(name="share")
def share_fixture(backup, work):
    """A share in a folder "back; up" of which two snapshots show the backup as it was."""
    source = backup("uefi")
    share = work / "share"
    for state in (share, share / ".snapshots" / OLDER, share / ".snapshots" / NEWER):
        link_tree(source.share, state / "back; up")
    break_newest(share / "back; up")
    return share, source


def serve(share, **options):
    return smbd.PrivateSamba({"backups": share}, options, {"backups": {
        "vfs objects": "shadow_copy2", "shadow:mountpoint": str(share),
        "veto files": "/.snapshots/"}})


def versions(samba, path="back; up"):
    result = bmr.run("scan", samba.url("backups", path), "--credentials", samba.credentials,
                     "--json")
    assert result.status == bmr.DONE, result
    return [version for machine in result.json()["machines"] for version in machine["versions"]]


def test_previous_versions_are_listed_once_each_and_by_the_folder_that_is_asked_for(share):
    with serve(share[0]) as samba:
        for path, below in (("back; up", ""), ("", "back; up/")):
            new, old = versions(samba, path)
            assert new["health"] == "damaged" and new["path"].startswith(f"{below}Windows"), new
            assert old["health"] == "whole", old
            assert old["path"].startswith(f"{NEWER}/{below}WindowsImageBackup/"), old["path"]


def test_a_backup_that_is_gone_from_the_share_is_found_in_its_previous_versions(share):
    """Somebody encrypted all files and renamed them."""
    for path in (share[0] / "back; up").rglob("*"):
        if path.is_file():
            path.unlink()
            path.with_name(path.name + ".locked").write_bytes(os.urandom(70000))
    with serve(share[0]) as samba:
        only, = versions(samba)
        assert only["path"].startswith(f"{NEWER}/WindowsImageBackup/"), only["path"]
        only, = versions(samba, f"{OLDER}/back; up")
        assert only["path"].startswith("WindowsImageBackup/"), only["path"]


def test_a_server_that_opens_none_of_it_is_told_with_the_cure(share):
    """Samba 4.17 needs the folder that the files were in."""
    next(share[0].glob("back; up/WindowsImageBackup/*/Backup 2026-08-31*")).rmdir()
    with serve(share[0]) as samba:
        _, old = versions(samba)
        assert old["health"] == "damaged", old
        assert "once an empty folder of that name and place is there again" in old["reasons"][0]


def test_a_machine_comes_back_from_a_previous_version_encrypted(share, work):
    folder, source = share
    with serve(folder, **{"server smb encrypt": "required"}) as samba:
        result = bmr.restore(samba.url("backups", "back; up"), work / "disk.img",
                             "--credentials", samba.credentials, "--encrypt", "required")
        assert result.status == bmr.DONE, result
    assert compare.differences(work / "disk.img", source, False) == []


def test_a_server_that_lists_none_costs_nothing(backup):
    with smbd.PrivateSamba({"backups": backup("uefi").share}) as samba:
        result = bmr.run("scan", samba.url("backups"), "--credentials", samba.credentials)
        assert result.status == bmr.DONE, result
        assert "previous" not in result.output + result.errors, result
