# SPDX-License-Identifier: GPL-3.0-or-later
"""Delta restores: what the disk holds already is neither read of the backup nor written. What goes over
the wire is counted by a relay; what is written, by the disk's bytes."""

import os
import random
import re
import shutil

import pytest

import bmr
import compare
import scenario
import slow_link
import smbd
from scenario import MIB
from test_packed import images_in
from test_restore_host import expect

pytestmark = pytest.mark.needs("root", "fuse", "ntfs-3g", "sgdisk", "sfdisk", "mcopy", "fsck.fat")

BLOCK = 64 << 10


@pytest.fixture(scope="module")
def share(backup, tmp_path_factory):
    """The set "uefi" with its index."""
    folder = shutil.copytree(backup("uefi").share, tmp_path_factory.mktemp("delta") / "share")
    expect(bmr.run("index", folder, "--output", index_of(folder)), bmr.DONE, "hashes of", "in 3 images")
    return folder


def index_of(share):
    return images_in(share)[0].parent / "openbmr.index"


@pytest.fixture(scope="module")
def restored(share, tmp_path_factory):
    path = tmp_path_factory.mktemp("restored") / "disk.img"
    expect(bmr.restore(share, path), bmr.DONE)
    return path


@pytest.fixture
def disk(restored, work):
    return scenario.copy_sparse(restored, work / "disk.img")


def delta(source, disk, *more):
    return bmr.restore(source, disk, "--delta", *more)


def used_offsets(source, disk, role: str, count: int) -> list:
    """Places in allocated clusters of a partition, each in a block of its own."""
    partition = source.partition(role)
    start = partition["offset"]
    ranges = [(offset, length) for offset, length in partition["allocated"] if length >= 4 * BLOCK]
    chosen = random.Random(3).sample(ranges, min(count, len(ranges)))
    return [start + offset + BLOCK for offset, _ in chosen]


def spoil(disk, offsets) -> None:
    with open(disk, "r+b") as file:
        for offset in offsets:
            file.seek(offset)
            byte = file.read(1)[0]
            file.seek(offset)
            file.write(bytes([byte ^ 0xff]))


def test_on_an_unchanged_disk_nothing_is_written_and_next_to_nothing_read(backup, share, disk):
    """Beyond what a plan reads, and the EFI system partition, on which fix-ups work: the sidecar, a few
    spots of each volume and its tables; no data of C: or of the recovery partition."""
    source, before = backup("uefi"), scenario.fingerprint(disk)
    with smbd.PrivateSamba({"backups": share}) as server, slow_link.SlowLink(server.port, 0.1) as link:
        login = (server.url("backups", port=link.port), disk, "--credentials", server.credentials)
        expect(bmr.run("plan", "--no-estimate", "--from", login[0], "--disk", *login[1:]), bmr.DONE)
        planned = link.received.value
        expect(delta(*login), bmr.DONE, "holds the backup already", "nothing was written")
        restored = link.received.value - planned
    assert scenario.fingerprint(disk) == before
    esp = sum(length for _, length in source.partition("esp")["allocated"])
    used = sum(length for role in ("windows", "winre") for _, length in source.partition(role)["allocated"])
    assert restored - planned <= esp + 6 * MIB + 0.005 * used


def test_only_blocks_that_differ_are_read_and_written(backup, share, disk):
    source = backup("uefi")
    places = used_offsets(source, disk, "windows", 5)
    assert len(places) >= 3
    spoil(disk, places)
    result = delta(share, disk)
    expect(result, bmr.DONE, "unchanged")
    written = re.search(r"written +([0-9.]+) KiB", result.output)
    assert written and float(written.group(1)) <= len(places) * 2 * BLOCK / 1024, result
    assert compare.differences(disk, source, used=True) == []


@pytest.mark.parametrize("index", (True, False))
def test_boot_sectors_tables_and_the_esp_come_back_too(backup, share, disk, index):
    source = backup("uefi")
    sector = source.facts["sector_size"]
    starts = [partition["offset"] for partition in source.facts["partitions"] if partition["image"]]
    spoil(disk, [sector + 60, *(start + 3 for start in starts), starts[0] + 20 * 512])
    expect(delta(share, disk, *(() if index else ("--no-index",))), bmr.DONE, "unchanged")
    assert compare.differences(disk, source, used=True) == []
    expect(bmr.verify(share, disk), bmr.DONE)


def test_packed_images_keep_their_index(backup, share, work, disk):
    packed = shutil.copytree(share, work / "packed")
    for image in images_in(packed):
        expect(bmr.run("pack", image, "--level", "1"), bmr.DONE)
        image.unlink()
    expect(delta(packed, disk), bmr.DONE, "nothing was written")


def damage(share, what: str) -> None:
    index, image = index_of(share), images_in(share)[0]
    size = index.stat().st_size
    if what == "time":
        os.utime(image, (1, 1))
    elif what == "cut":
        os.truncate(index, size - 5)
    elif what == "other":
        image.rename(image.with_name("Esp2.vhdx"))
    elif what == "heads":
        times = image.stat()
        spoil(image, [64 * 1024 + 4])
        os.utime(image, ns=(times.st_atime_ns, times.st_mtime_ns))
    else:
        spoil(index, [{"head": 40, "magic": 0, "record": size - 3}[what]])


@pytest.mark.parametrize("what,word", (
    ("time", "stale index"), ("heads", "stale index"), ("cut", "damaged index"), ("head", "damaged index"),
    ("magic", "damaged index"), ("record", "damaged index"), ("other", "index of another backup")))
def test_an_index_that_does_not_fit_is_refused_by_name(share, work, restored, what, word):
    spoiled = shutil.copytree(share, work / "share")
    damage(spoiled, what)
    before = restored.stat()
    expect(delta(spoiled, restored), bmr.FAILED, "openbmr.index", word, "bmr index", "--no-index")
    assert restored.stat().st_mtime_ns == before.st_mtime_ns
    if what == "time":
        expect(delta(spoiled, restored, "--no-index"), bmr.DONE, "nothing was written")


def test_an_index_is_never_overwritten(share):
    expect(bmr.run("index", share, "--output", index_of(share)), bmr.FAILED, "exists, and is not overwritten")


@pytest.mark.needs("strace")
@pytest.mark.parametrize("go_on", (("restore", "--delta"), ("resume",)))
def test_a_delta_restore_that_was_killed_goes_on(backup, share, disk, go_on):
    """In the midst of writing nothing on the disk is recognised; whatever goes on makes it whole."""
    source = backup("uefi")
    spoil(disk, used_offsets(source, disk, "windows", 5))
    killed = bmr.run("restore", "--from", share, "--disk", disk, "--confirm", "erase", "--delta",
                     prefix=("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync",
                             "-e", "inject=fdatasync:signal=KILL:when=6"))
    assert killed.status != bmr.DONE
    assert disk.read_bytes()[:512] == bytes(512)
    expect(bmr.run(go_on[0], "--from", share, "--disk", disk, *(("--confirm", "erase")), *go_on[1:]), bmr.DONE)
    assert compare.differences(disk, source, used=True) == []
