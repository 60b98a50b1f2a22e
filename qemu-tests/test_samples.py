# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that other people's machines wrote: they decode to the hashes that are known of them.

The folder is given by SAMPLES=DIR ('make check-samples'); without it all of this is skipped.
Nothing of it is part of the project."""

import bz2
import gzip
import hashlib
import lzma
import os
import pathlib
import re
import shutil
import subprocess

import pytest

import bmr

SAMPLES = os.environ.get("SAMPLES")
pytestmark = pytest.mark.skipif(not SAMPLES, reason="SAMPLES names no folder of real samples")

OPENERS = {".xz": lzma.open, ".gz": gzip.open, ".bz2": bz2.open}

# Image -> SHA-256 of its virtual disk, as its README lists it
DISKS = {
    "qemu-iotests/iotest-dynamic-1G.vhdx.bz2":
        "d3d112d8dab7fd360609f7d5a7b769904b7a2a7d7b6b8c535f65a23293c05478",
    "dfvfs/ntfs-fixed.vhd.xz":
        "cd81fade3878f1b2957f1ece168201876bdf4e90c9b30f60c2f232eba5fea76c",
    "dfvfs/ntfs-dynamic.vhdx.xz":
        "b92731f8e4bf3532418444d22a9086823a8122569500acd09cd8d2ce20eb98e9",
    "dfvfs/ext2.vhd.xz":
        "870be7ae16c1fa8faab05c6eb9205dc9a7ae35c5f552c5cf8a267c0bc6a5cb99",
    "dfvfs/ext2.vhdx.xz":
        "a6c2f0e39afe6c6ab432ca5465349fcefe8dc944398e97b2d957d3f89dbb5d80",
}

# Empty ones, too large to hash: what the image says of its size
EMPTY = {
    "qemu-iotests/virtualpc-dynamic.vhd.bz2": 136363130880,  # by geometry, as its maker counts
    "qemu-iotests/hyperv2012r2-dynamic.vhd.bz2": 136365211648,
}

# Child -> its parent, and SHA-256 of the disk that both are
DIFFERENCING = {
    "dfvfs/ntfs-differential.vhd.xz":
        ("dfvfs/ntfs-parent.vhd.xz",
         "b7922a46a6b08fa4f4fc0c51a25d5587d1d49f15cfade45ca740dd07110ae144"),
    "dfvfs/fat-differential.vhdx.xz":
        ("dfvfs/fat-parent.vhdx.xz",
         "a538161f34bc44c12bf9a542ce9218741c62728723ea18d0e4f6ea92e9f32e93"),
}

PARENTS = tuple(parent for parent, _ in DIFFERENCING.values())

# Volumes that Windows formatted -> bytes of a cluster
VOLUMES = {
    "ntfs-volumes/ntfs-lastaccess.raw.gz": 4096,
    "ntfs-volumes/ntfs-2m.raw.gz": 2 << 20,
}


def unpack(name: str, work: pathlib.Path) -> pathlib.Path:
    packed = pathlib.Path(SAMPLES) / name
    path = work / packed.stem
    with OPENERS[packed.suffix](packed) as source, open(path, "wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
    return path


def file_hash(path: pathlib.Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def extract(image, work, *options) -> pathlib.Path:
    raw = work / "raw"
    raw.unlink(missing_ok=True)
    result = bmr.run("image", "extract", image, raw, *options)
    assert result.status == bmr.DONE, result
    return raw


def info(image) -> dict:
    result = bmr.run("image", "info", image, "--json")
    assert result.status == bmr.DONE, result
    return result.json()


@pytest.mark.parametrize("name", DISKS)
def test_an_image_decodes_to_its_known_hash(name, work):
    image = unpack(name, work)
    assert file_hash(extract(image, work)) == DISKS[name]


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_image_has_its_makers_size(name, work):
    image = unpack(name, work)
    assert info(image)["virtual_size"] == EMPTY[name]
    assert info(image)["allocated"] == 0
    raw = extract(image, work)
    assert raw.stat().st_size == EMPTY[name]
    assert raw.stat().st_blocks == 0


@pytest.mark.parametrize("name", DIFFERENCING)
def test_a_differencing_image_decodes_with_its_parent(name, work):
    parent, expected = DIFFERENCING[name]
    image = unpack(name, work)
    renamed = unpack(parent, work)
    renamed = renamed.rename(renamed.with_stem("another name"))
    assert file_hash(extract(image, work)) == expected
    assert renamed.name in info(image)["notes"][0]


@pytest.mark.parametrize("name", DIFFERENCING)
def test_a_differencing_image_without_its_parent_is_refused_with_its_name_and_id(name, work):
    parent = unpack(DIFFERENCING[name][0], work)
    unique_id = info(parent)["unique_id"]
    (work / "elsewhere").mkdir()
    parent.rename(work / "elsewhere" / parent.name)
    result = bmr.run("image", "info", unpack(name, work))
    assert result.status == bmr.FAILED, result
    assert "differencing" in result.errors
    assert parent.name in result.errors and unique_id in result.errors


@pytest.mark.parametrize("name", DIFFERENCING)
def test_a_pair_is_one_volume_of_a_backup(name, work):
    unpack(DIFFERENCING[name][0], work)
    image = unpack(name, work)
    result = bmr.run("scan", work, "--json")
    assert result.status == bmr.DONE, result
    version = result.json()["machines"][0]["versions"][0]
    volume, = version["volumes"]
    assert volume["image_path"] == image.name, volume


@pytest.mark.parametrize("name", PARENTS)
@pytest.mark.needs("qemu-img")
def test_a_parent_by_itself_reads_as_qemu_reads_it(name, work):
    image = unpack(name, work)
    form = "vpc" if image.suffix == ".vhd" else "vhdx"
    raw = extract(image, work)
    subprocess.run(["qemu-img", "compare", "-f", form, "-F", "raw", image, raw], check=True,
                   stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("name", VOLUMES)
@pytest.mark.needs("ntfsinfo")
def test_a_volume_of_windows_is_known_and_its_used_clusters_are_counted(name, work):
    """The judge is ntfsinfo. What lies behind the last cluster counts as used."""
    image = unpack(name, work)
    partition, = info(image)["partitions"]
    assert partition["file_system"] == "NTFS"
    assert partition["cluster_size"] == VOLUMES[name]
    assert partition["offset"] == partition["hidden_bytes"] == 65536
    text = subprocess.run(["ntfsinfo", "-m", "-f", extract(image, work, "--partition", 1)],
                          check=True, capture_output=True, text=True).stdout
    clusters = int(re.search(r"Volume Size in Clusters: (\d+)", text)[1])
    free = int(re.search(r"Free Clusters: (\d+)", text)[1])
    assert partition["length"] - partition["used"] == free * VOLUMES[name]
    assert partition["length"] >= clusters * VOLUMES[name]


@pytest.mark.needs("qemu-img")
def test_the_files_of_two_shadow_copies_of_windows_are_seen(work):
    """Three files on the volume, two in the newer copy, one in the older; no backup among them."""
    volume = work / "volume.raw"
    subprocess.run(["qemu-img", "convert", "-O", "raw",
                    unpack("plaso/vsstest.qcow2.xz", work), volume], check=True)
    result = bmr.run("scan", volume)
    assert result.status == bmr.FAILED, result
    assert "no backup in 4 folders with 6 files" in result.errors


def test_a_bitlocker_volume_that_windows_wrote_is_unlocked(work):
    """The sample ends within the volume: what is seen is the length in the NTFS boot sector."""
    volume, keys = unpack("bitlocker/aes_128.bin.gz", work), work / "keys.txt"
    keys.write_text("password = password12!@\n")
    result = bmr.run("scan", volume, "--unlock", keys)
    assert "NTFS boot sector: 128895 sectors of 512 bytes" in result.errors, result
    keys.write_text("password = password12!\n")
    result = bmr.run("scan", volume, "--unlock", keys)
    assert "BitLocker, locked, no key that was given fits" in result.errors, result
