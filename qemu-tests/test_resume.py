# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore that stopped is taken up again: killed, with a source that fails, and refused where
something has changed since. Where every power cut ends is tried in process
(restore/tests/crash-harness.c); here the program, the disk file and the reader are real."""

import json
import random

import pytest

import bmr
import compare
import random_kills
import scenario

pytestmark = pytest.mark.needs("root", "fuse", "ntfs-3g", "sgdisk", "sfdisk", "mcopy", "fsck.fat",
                               "strace")

FIRST_SLOT, SLOT = 20480, 64 << 10


def kill_at(call: str, number: int) -> tuple:
    return ("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
            f"inject={call}:signal=KILL:when={number}")


def resume(source, disk, *more):
    return bmr.run("resume", "--from", source, "--disk", disk, *more)


def half_restored(source, disk, flush: int, *more):
    """Killed before that flush. The first four are those of the erasing and of the first journal."""
    return bmr.run("restore", "--from", source.share, "--disk", disk, "--confirm", "erase", *more,
                   prefix=kill_at("fdatasync", flush))


@pytest.mark.parametrize("flush", (5, 7, 9, 12))
def test_a_restore_that_was_killed_is_resumed_to_the_same_disk(backup, work, flush):
    source = backup("uefi")
    disk = scenario.random_disk(work / "disk.img", source.facts["disk_size"], seed=flush)
    assert half_restored(source, disk, flush).status != bmr.DONE
    assert not compare.recognised(disk)
    result = resume(source.share, disk)
    assert result.status == bmr.DONE, result
    assert "from before the stop" in result.output or flush < 7, result
    assert compare.differences(disk, source, used=True) == []
    again = resume(source.share, disk)
    assert again.status == bmr.DONE and "already restored" in again.output, again


def test_a_restore_that_is_killed_at_any_time_is_resumed(backup, work):
    """100 in `make soak`. Another seed each time, which a failure names."""
    seed = random.SystemRandom().randrange(1 << 30)
    print(random_kills.play(backup("uefi"), work, 6, seed))


def test_what_has_changed_since_is_not_resumed_and_nothing_is_written(backup, work):
    source, other = backup("uefi"), backup("stale")
    disk = scenario.random_disk(work / "disk.img", source.facts["disk_size"], seed=3)
    size = ("--sector-size", source.facts["sector_size"])
    result = resume(source.share, disk, *size)
    assert result.status == bmr.FAILED and "it has no journal" in result.errors, result
    half_restored(source, disk, 7)
    before = scenario.fingerprint(disk)
    for what, words in (((source.share, disk, "--wipe"), "another plan"),
                        ((other.share, disk), "cannot be resumed")):
        result = resume(*what)
        assert result.status in (bmr.FAILED, bmr.REFUSED), result
        assert words in result.errors or result.status == bmr.REFUSED, result
        assert scenario.fingerprint(disk) == before
    spoil_journal(disk)
    before = scenario.fingerprint(disk)
    result = resume(source.share, disk)
    assert result.status == bmr.FAILED and "its journal cannot be used" in result.errors, result
    assert scenario.fingerprint(disk) == before


def spoil_journal(disk) -> None:
    with open(disk, "r+b") as file:
        for slot in range(2):
            file.seek(FIRST_SLOT + slot * SLOT + 40)
            file.write(b"\xff" * 8)


def test_a_reader_that_dies_leaves_a_restore_that_can_be_resumed(backup, work):
    """Its reads of the images end with an error from the n-th on: not the disk's fault. Which reads
    are those of the copy is searched for; how they are shared among the processes is another each time."""
    source = backup("uefi")
    disk = scenario.random_disk(work / "disk.img", source.facts["disk_size"], seed=4)
    report = work / "report.json"

    def fails_at(number):
        return bmr.run("restore", "--from", source.share, "--disk", disk, "--confirm", "erase",
                       "--report", report,
                       prefix=("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pread64",
                               "-P", str(source.images()["windows"]), "-e",
                               f"inject=pread64:error=EIO:when={number}+"))

    early, late = 100, 1600  # fails while it prepares; is never reached
    while early + 1 < late:
        number = (early + late) // 2
        result = fails_at(number)
        if result.status == bmr.RESUMABLE:
            break
        if result.status == bmr.DONE:
            late = number
        else:
            early = number
    around = iter(range(early - 60, early + 60, 4))
    while result.status != bmr.RESUMABLE and (number := next(around, None)) is not None:
        result = fails_at(number)
    assert result.status == bmr.RESUMABLE, result
    assert "bmr resume" in result.errors and json.loads(report.read_text())
    assert not compare.recognised(disk)
    assert resume(source.share, disk).status == bmr.DONE
    assert compare.differences(disk, source, used=True) == []


def test_the_record_of_a_restore_alone_does_not_make_a_disk_restored(backup, work):
    """The record says that this plan was carried out; the table must be there, too."""
    source = backup("uefi")
    disk = work / "disk.img"
    assert bmr.restore(source.share, disk).status == bmr.DONE
    before = scenario.fingerprint(disk)
    result = resume(source.share, disk)
    assert result.status == bmr.DONE and "already restored" in result.output, result
    assert scenario.fingerprint(disk) == before
    with open(disk, "r+b") as file:
        file.write(bytes(512))
    result = resume(source.share, disk)
    assert result.status == bmr.DONE and "already restored" not in result.output, result
    assert compare.differences(disk, source, used=True) == []


def test_a_half_restored_disk_says_so_and_its_name_is_enough_to_resume(backup, work):
    source = backup("uefi-4096")
    disk = work / "disk.img"
    assert half_restored(source, disk, 9, "--volumes", "all").status != bmr.DONE
    result = bmr.run("disks", disk)
    text = " ".join(result.output.split())
    assert "HALF RESTORED: a restore of 'SRV01', backup of 2026-08-31 21:00:00 UTC" in text, result
    half, = [entry["half_restored"] for entry in bmr.run("disks", "--json", disk).json()["disks"]
             if entry["path"] == str(disk)]
    assert half["machine"] == "SRV01" and half["source"] == str(source.share), half
    assert 0 < half["bytes_done"] < half["bytes_total"] and not half["from_mirror"], half
    result = bmr.run("resume", "--disk", disk)
    assert result.status == bmr.DONE and "a restore of SRV01, Backup 2026-08-31 210000" in result.errors, result
    assert compare.differences(disk, source, used=True) == []
    assert "HALF RESTORED" not in bmr.run("disks", disk).output
    result = bmr.run("resume", "--disk", disk)
    assert result.status == bmr.FAILED and "it has no journal" in result.errors, result


def test_the_mirror_takes_the_place_of_a_journal_that_is_lost(backup, work):
    source = backup("uefi")
    disk = scenario.random_disk(work / "disk.img", source.facts["disk_size"], seed=5)
    stick = work / "stick"
    stick.mkdir()
    assert half_restored(source, disk, 12, "--journal-mirror", stick).status != bmr.DONE
    spoil_journal(disk)
    assert "HALF RESTORED" not in bmr.run("disks", disk).output
    result = bmr.run("disks", "--journal-mirror", stick, disk)
    assert "as the boot medium has it" in " ".join(result.output.split()), result
    assert resume(source.share, disk).status == bmr.FAILED
    result = bmr.run("resume", "--disk", disk, "--journal-mirror", stick)
    assert result.status == bmr.DONE, result
    assert "its mirror takes its place" in " ".join(result.output.split()), result
    assert "from before the stop" in result.output, result
    assert compare.differences(disk, source, used=True) == []


def test_the_mirror_of_another_disk_is_not_used(backup, work):
    source = backup("uefi")
    disk, other = (scenario.random_disk(work / name, source.facts["disk_size"], seed=6)
                   for name in ("disk.img", "other.img"))
    stick = work / "stick"
    stick.mkdir()
    assert half_restored(source, disk, 9, "--journal-mirror", stick).status != bmr.DONE
    mirror, = stick.iterdir()
    assert half_restored(source, other, 5, "--journal-mirror", stick).status != bmr.DONE
    own, = set(stick.iterdir()) - {mirror}
    own.write_bytes(mirror.read_bytes())
    spoil_journal(other)
    before = scenario.fingerprint(other)
    result = resume(source.share, other, "--journal-mirror", stick)
    assert result.status == bmr.FAILED and "it has no journal" in result.errors, result
    assert "HALF RESTORED" not in bmr.run("disks", "--journal-mirror", stick, other).output
    assert scenario.fingerprint(other) == before


@pytest.mark.parametrize("when", ("1+", "4+"))
def test_a_stick_that_is_pulled_out_does_not_end_the_restore(backup, work, when):
    source, disk, stick = backup("uefi"), work / "disk.img", work / "stick"
    stick.mkdir()
    assert half_restored(source, disk, 5, "--journal-mirror", stick).status != bmr.DONE
    mirror, = stick.iterdir()
    result = bmr.run("restore", "--from", source.share, "--disk", disk, "--confirm", "erase",
                     "--journal-mirror", stick,
                     prefix=("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64", "-P",
                             str(mirror), "-e", f"inject=pwrite64:error=EIO:when={when}"))
    assert result.status == bmr.DONE, result
    assert "no mirror of the journal is kept from here on" in " ".join(result.output.split()), result
    assert compare.differences(disk, source, used=True) == []


def test_a_disk_that_holds_the_mirror_is_no_target(backup, work):
    disk, source = work / "disk.img", backup("uefi")
    scenario.blank_disk(disk, source.facts["disk_size"])
    result = bmr.run("plan", "--from", source.share, "--disk", disk, "--journal-mirror", work)
    assert result.status == bmr.REFUSED and str(work) in result.output, result
    result = bmr.run("plan", "--from", source.share, "--disk", disk, "--journal-mirror", work / "nowhere")
    assert result.status == bmr.FAILED and "nowhere': No such file" in result.errors, result
