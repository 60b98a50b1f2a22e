# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups whose images are packed as seekable zstd, by `bmr pack` and by other programs: found,
restored and compared like any others; what cannot be read at random or is damaged is refused."""

import hashlib
import shutil
import struct
import subprocess

import pytest

import bmr
import compare
import scenario
import smbd
from scenario import MIB
from test_restore_host import expect

pytestmark = pytest.mark.needs("root", "fuse", "ntfs-3g", "sgdisk", "sfdisk", "mcopy", "fsck.fat", "zstd")


def images_in(folder) -> list:
    return sorted(path for path in folder.rglob("*") if path.suffix in (".vhd", ".vhdx"))


def packed_share(source, folder):
    """A copy of the set; each image stands there packed and no other way."""
    share = shutil.copytree(source.share, folder / "share")
    for image in images_in(share):
        expect(bmr.run("pack", image), bmr.DONE, "read back and compared")
        image.unlink()
    return share


def pack_otherwise(image, packed, frame=3 * MIB + 1) -> None:
    """As other programs do it: odd frames by zstd itself, no checksums in the table."""
    content, frames, table = image.read_bytes(), b"", b""
    for offset in range(0, len(content), frame):
        part = content[offset:offset + frame]
        done = subprocess.run(["zstd", "-q", "-c"], input=part, check=True, stdout=subprocess.PIPE)
        frames += done.stdout
        table += struct.pack("<II", len(done.stdout), len(part))
    foot = struct.pack("<IBI", len(table) // 8, 0, 0x8f92eab1)
    packed.write_bytes(frames + struct.pack("<II", 0x184d2a5e, len(table) + 9) + table + foot)


@pytest.fixture(scope="module")
def packed(backup, tmp_path_factory):
    return packed_share(backup("uefi"), tmp_path_factory.mktemp("packed"))


def test_a_packed_set_on_a_share_is_found_and_restored(backup, work, packed):
    """The packed files are smaller, valid zstd, and have the time of the images."""
    source, disk = backup("uefi"), work / "disk.img"
    for image in images_in(source.share):
        copy = packed / image.relative_to(source.share).with_name(image.name + ".zst")
        assert copy.stat().st_size < image.stat().st_size
        assert copy.stat().st_mtime_ns == image.stat().st_mtime_ns
        subprocess.run(["zstd", "-q", "-t", copy], check=True)
    with smbd.PrivateSamba({"backups": packed}) as server:
        login = ("--credentials", server.credentials)
        found = bmr.run("scan", server.url("backups"), *login)
        expect(found, bmr.DONE, "whole", "3 volumes")
        result = bmr.restore(server.url("backups"), disk, *login, "--prove", "full")
        expect(result, bmr.DONE)
        assert result.peak_memory <= 256 * MIB
    assert compare.differences(disk, source, used=False) == []


def test_an_image_and_its_packed_copy_are_one_volume(backup, work):
    share = shutil.copytree(backup("bios").share, work / "share")
    count = len(images_in(share))
    for image in images_in(share):
        expect(bmr.run("pack", image, "--level", "1", "--threads", "3"), bmr.DONE)
    expect(bmr.run("scan", share), bmr.DONE, "whole", f"{count} volumes")
    image = images_in(share)[0]
    expect(bmr.run("pack", image), bmr.FAILED, "exists, and is not overwritten")


def test_what_other_programs_pack_reads_the_same(backup, work):
    image = max(images_in(backup("uefi").share), key=lambda path: path.stat().st_size)
    other = work / "other.vhdx.zst"
    pack_otherwise(image, other)
    for path, out in ((image, work / "a"), (other, work / "b")):
        expect(bmr.run("image", "extract", path, out), bmr.DONE)
    assert file_hash(work / "a") == file_hash(work / "b")


def file_hash(path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_zstd_without_a_seek_table_makes_the_set_damaged_with_the_reason(backup, work):
    share = shutil.copytree(backup("uefi").share, work / "share")
    image = images_in(share)[0]
    subprocess.run(["zstd", "-q", "--rm", image], check=True)
    expect(bmr.run("show", share), bmr.DONE, "zstd without a seek table", "'bmr pack'")
    disk = scenario.random_disk(work / "disk.img", backup("uefi").facts["disk_size"], seed=8)
    before = scenario.fingerprint(disk)
    expect(bmr.restore(share, disk), bmr.FAILED, "zstd without a seek table")
    assert scenario.fingerprint(disk) == before


def test_a_damaged_frame_is_found_before_the_disk_is_touched(backup, work, packed):
    share = shutil.copytree(packed, work / "share")
    image = max(share.rglob("*.zst"), key=lambda path: path.stat().st_size)
    with open(image, "r+b") as file:
        file.seek(image.stat().st_size * 2 // 3)
        file.write(b"damage")
    disk = scenario.random_disk(work / "disk.img", backup("uefi").facts["disk_size"], seed=9)
    before = scenario.fingerprint(disk)
    expect(bmr.restore(share, disk, "--prove", "full"), bmr.FAILED, image.name, "is damaged")
    assert scenario.fingerprint(disk) == before
