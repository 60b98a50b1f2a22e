# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole restore on the host, without a VM: onto image files, from folders and from a
private Samba; the host then compares every table, partition, cluster, file and stream."""

import hashlib
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import tempfile

import pytest

import bmr
import compare
import generator.compare
import scenario
import slow_link
import smbd
from scenario import MIB

pytestmark = pytest.mark.needs("root", "fuse", "ntfs-3g", "sgdisk", "sfdisk", "mcopy", "fsck.fat")

# What the product promises for any restore
MEMORY_LIMIT = 256 * MIB

SETS = ("uefi", "uefi-4096", "bios")


def expect(result, status, *words):
    """The exit status, and words that must stand in what was said."""
    assert result.status == status, result
    for word in words:
        assert word in result.output + result.errors, f"'{word}' is not in: {result}"


def restore_and_compare(source, disk, backup, *options, used=False):
    result = bmr.restore(source, disk, *options)
    expect(result, bmr.DONE)
    assert result.peak_memory <= MEMORY_LIMIT
    assert compare.differences(disk, backup, used) == []
    return result


# -- blank targets ----------------------------------------------------------------------------

@pytest.mark.parametrize("name", SETS)
def test_a_file_that_does_not_exist_becomes_the_source_disk(backup, work, name):
    source = backup(name)
    disk = work / "disk.img"
    restore_and_compare(source.share, disk, source)
    assert disk.stat().st_size == source.facts["disk_size"]
    expect(bmr.verify(source.share, disk), bmr.DONE)


def test_a_renamed_set_with_old_data_and_dirty_logs_comes_back(backup, work):
    """Recovery partition first, no folder has its usual name, VHDX logs wait for replay. Free
    clusters hold old data, of which short pieces may be copied along: the allocated ones count."""
    source = backup("stale")
    restore_and_compare(source.share, work / "disk.img", source, used=True)


# -- used targets -----------------------------------------------------------------------------

def used_disk(work, kind: str, facts: dict):
    """Same size and full of other data; or larger, with another system's table at both ends."""
    if kind == "random":
        return scenario.random_disk(work / "disk.img", facts["disk_size"], seed=5)
    return scenario.gpt_disk(work / "disk.img", facts["disk_size"] + 100 * MIB + 4096,
                             facts["sector_size"])


@pytest.mark.parametrize("name,kind", (("uefi", "random"), ("uefi-4096", "random"),
                                       ("uefi", "larger"), ("bios", "larger")))
def test_a_used_disk_becomes_the_source_disk(backup, work, name, kind):
    source = backup(name)
    disk = used_disk(work, kind, source.facts)
    size = ("--sector-size", source.facts["sector_size"])
    restore_and_compare(source.share, disk, source, *size, used=True)
    expect(bmr.verify(source.share, disk, *size), bmr.DONE)


def test_wipe_leaves_nothing_of_the_old_disk_in_a_partition(backup, work):
    source = backup("stale")
    disk = used_disk(work, "random", source.facts)
    restore_and_compare(source.share, disk, source, "--wipe", used=True)
    for partition in source.facts["partitions"]:
        if partition["filesystem"] == "ntfs":
            for offset, length in compare.free_ranges(partition):
                assert generator.compare.is_zero(disk, partition["offset"] + offset, length), (
                    partition["role"], offset, length)


# -- in place ---------------------------------------------------------------------------------

def scribble(path, start: int, end: int) -> None:
    """Old data between two bytes of a disk."""
    with open(path, "r+b") as file:
        file.seek(start)
        file.write(random.Random(start).randbytes(end - start))


# Where the journal of a whole restore lies (SAFETY.md section 1), behind the GPT's entries
JOURNAL = (20480, 20480 + 2 * 65536)


def outside(path, start: int, end: int) -> str:
    """Hash of all bytes of a disk but those of one partition and of the journal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        digest.update(file.read(JOURNAL[0]))
        file.seek(JOURNAL[1])
        digest.update(file.read(start - JOURNAL[1]))
        file.seek(end)
        while piece := file.read(4 * MIB):
            digest.update(piece)
    return digest.hexdigest()


def test_in_place_only_the_named_volume_of_an_intact_disk_is_written(backup, work):
    source = backup("uefi")
    disk = work / "disk.img"
    expect(bmr.restore(source.share, disk), bmr.DONE)
    windows, msr = source.partition("windows"), source.partition("msr")
    start, end = windows["offset"], windows["offset"] + windows["length"]
    scribble(disk, msr["offset"], msr["offset"] + MIB)  # a place that no backup holds
    scribble(disk, end, end + MIB)  # the gap behind C:
    scribble(disk, start, start + 8 * MIB)  # C: is lost
    before = outside(disk, start, end)
    plan = bmr.run("plan", "--from", source.share, "--disk", disk, "--volumes", "C:")
    expect(plan, bmr.DONE, "is intact", "stays as it is, not chosen: EFI system")
    expect(bmr.restore(source.share, disk, "--volumes", "C:"), bmr.DONE)
    assert outside(disk, start, end) == before
    # the first restore's record, that the disk is as it left it, is no longer true
    with open(disk, "rb") as file:
        assert not any(file.read(JOURNAL[1])[JOURNAL[0]:])
    assert compare.differences(disk, source, True) == []
    expect(bmr.verify(source.share, disk, "--volumes", "C:"), bmr.DONE)


def test_a_volume_name_that_the_backup_does_not_have_is_refused(backup, work):
    source = backup("uefi")
    result = bmr.restore(source.share, work / "disk.img", "--volumes", "C:,Q:")
    expect(result, bmr.REFUSED, "volume 'Q:' is not in the backup; it has ", "ESP")
    assert not (work / "disk.img").exists()


# -- from a share -----------------------------------------------------------------------------

@pytest.mark.needs("smbd")
def test_a_share_gives_the_same_disk_and_keeps_the_password_to_itself(backup, work, samba):
    source = backup("uefi")
    disk, report = work / "disk.img", work / "report.json"
    result = restore_and_compare(samba.url("backups"), disk, source, "--credentials",
                                 samba.credentials, "--report", report, "--prove", "full")
    assert "proving the backup" in result.errors
    json.loads(report.read_text())
    for text in (result.output, result.errors, report.read_text()):
        assert smbd.PASSWORD not in text


# -- size -------------------------------------------------------------------------------------

@pytest.fixture
def in_memory():
    """A folder on a tmpfs, where a file may have 64 TiB."""
    with tempfile.TemporaryDirectory(prefix="openbmr-", dir="/dev/shm") as folder:
        yield pathlib.Path(folder)


def test_an_image_that_claims_64_tib_needs_little_memory_and_time(in_memory):
    """Blocks of 32 MiB, no file system in it: three pieces of data, all else absent."""
    source = scenario.generate("huge", in_memory / "set")
    data = source.partition("data")
    disk = scenario.blank_disk(in_memory / "disk.img", source.facts["disk_size"])
    result = bmr.restore(source.share, disk, "--volumes", "all")
    expect(result, bmr.DONE, "64.0 TiB")
    assert result.peak_memory <= MEMORY_LIMIT and result.seconds < 60, result
    with open(disk, "rb") as file:
        for piece in data["pieces"]:
            file.seek(data["offset"] + piece["offset"])
            found = file.read(piece["length"])
            assert hashlib.sha256(found).hexdigest() == piece["sha256"], piece["offset"]
    print(f"peak memory {result.peak_memory >> 20} MiB, {result.seconds:.1f} s")


# -- verify -----------------------------------------------------------------------------------

def test_verify_names_the_partition_that_changed(backup, work):
    source = backup("uefi")
    disk = work / "disk.img"
    expect(bmr.restore(source.share, disk), bmr.DONE)
    windows = source.partition("windows")
    for offset, _ in compare.free_ranges(windows):
        spoil(disk, windows["offset"] + offset)
    expect(bmr.verify(source.share, disk), bmr.DONE)
    used = windows["allocated"][1][0]
    spoil(disk, windows["offset"] + used)
    expect(bmr.verify(source.share, disk), bmr.FAILED, str(used // 4096 * 4096))


def spoil(path, offset: int) -> None:
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 0x40]))


# -- what must never happen -------------------------------------------------------------------

@pytest.mark.needs("strace")
def test_a_plan_opens_nothing_for_writing(backup, work):
    source = backup("uefi")
    disk = used_disk(work, "larger", source.facts)
    before = scenario.fingerprint(disk)
    trace = work / "trace"
    result = bmr.run("plan", "--from", source.share, "--disk", disk,
                     prefix=("strace", "-f", "-qq", "-e", "trace=open,openat,openat2", "-o", trace))
    expect(result, bmr.DONE, source.facts["disk_guid"])
    opened = [line for line in trace.read_text().splitlines() if str(work) in line]
    assert opened and not [line for line in opened if re.search("O_RDWR|O_WRONLY", line)]
    assert scenario.fingerprint(disk) == before

@pytest.mark.needs("strace")
def test_a_restore_that_is_killed_leaves_no_disk_that_anybody_recognises(backup, work):
    """Killed before each of its flushes in turn, onto a disk with another system's table: at
    first that is untouched, then nothing is recognised, at last all is new and whole."""
    source = backup("uefi")
    states = []
    for flush in range(1, 40):
        disk = used_disk(work, "larger", source.facts)
        before = scenario.fingerprint(disk)
        result = bmr.run("restore", "--from", source.share, "--disk", disk, "--confirm", "erase",
                         prefix=("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync",
                                 "-e", f"inject=fdatasync:signal=KILL:when={flush}"))
        if result.status == bmr.DONE:
            states.append("done")
            break
        if scenario.fingerprint(disk) == before:
            states.append("untouched")
        elif not compare.recognised(disk):
            states.append("nothing")
        else:
            assert compare.differences(disk, source, used=True) == [], flush
            states.append("new")
    assert states[-1] == "done" and compare.differences(disk, source, used=True) == []
    order = ["untouched", "nothing", "new", "done"]
    assert sorted(states, key=order.index) == states and "nothing" in states, states


class DescriptorWatch(bmr.Watch):
    """Which processes were seen, and which of them could write to a file."""

    def __init__(self, pid, path):
        super().__init__(pid)
        self.path = str(path)
        self.seen, self.writers = {}, set()

    def look(self, pids):
        for pid in pids:
            try:
                writable = self.path in bmr.writable_files(pid)
                self.seen.setdefault(pid, bmr.process_name(pid))
            except OSError:
                continue
            if writable:
                self.writers.add(pid)


@pytest.mark.needs("strace")
def test_only_the_engine_can_write_to_the_disk(backup, work):
    """strace holds every process for a moment before it ends, so that none is too short-lived
    to be looked at: readers and fix-ups must not hold the target open for writing."""
    source = backup("uefi")
    disk = scenario.blank_disk(work / "disk.img", source.facts["disk_size"])
    trace = work / "trace"
    command = ["strace", "-f", "-qq", "-o", str(trace), "-e", "trace=exit_group",
               "-e", "inject=exit_group:delay_enter=300000", str(bmr.PROGRAM), "restore", "--from",
               str(source.share), "--disk", str(disk), "--confirm", "erase"]
    with open(work / "out", "wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        watch = DescriptorWatch(process.pid, disk)
        watch.start()
        status = process.wait(bmr.LIMIT_SECONDS)
        watch.stop()
    assert status == bmr.DONE, (work / "out").read_text()
    ended = {int(pid) for pid in re.findall(r"^(\d+) +exit_group", trace.read_text(), re.M)}
    assert ended <= watch.seen.keys(), "a process was never looked at"
    engine = next(pid for pid, name in watch.seen.items() if name.startswith(str(bmr.PROGRAM)))
    assert watch.writers == {engine}, {pid: watch.seen[pid] for pid in watch.writers}
    assert len(watch.seen) > 3, watch.seen


# -- what fails on the way --------------------------------------------------------------------

def test_a_full_file_system_stops_the_restore_with_the_sectors(backup, work):
    source, folder = backup("uefi"), work / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40M", "tmpfs", folder], check=True)
    try:
        result = bmr.restore(source.share, folder / "disk.img")
        expect(result, bmr.FAILED, "No space left on device", "nothing boots from it")
        assert re.search(r"disk\.img', sectors \d+ to \d+: ", result.errors + result.output), result
    finally:
        subprocess.run(["umount", folder], check=True)


def helpers_of_the_reader(pid: int) -> list:
    """Processes that a reader forked; while blocks are copied these are its helpers."""
    found = []
    for child in bmr.descendants(pid):
        status = pathlib.Path(f"/proc/{child}/status")
        try:
            name, parent = re.search(r"Name:\t(.*)\n(?:.*\n)*PPid:\t(\d+)", status.read_text()).groups()
            above = pathlib.Path(f"/proc/{parent}/comm").read_text().strip()
        except (OSError, AttributeError):
            continue
        if name == above == "bmr-reader":
            found.append(child)
    return found


def test_a_restore_goes_on_when_a_helper_of_the_reader_is_killed(backup, work, samba):
    """Over a slow link, so that there are helpers and they have something to do."""
    source, disk = backup("uefi"), work / "disk.img"
    killed = None
    with slow_link.SlowLink(samba.port, 30) as link:
        process = subprocess.Popen(
            [bmr.PROGRAM, "restore", "--from", samba.url("backups", port=link.port), "--credentials",
             samba.credentials, "--disk", disk, "--confirm", "erase"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=bmr.environment())
        said = ""
        for line in process.stdout:
            said += line
            if not killed and "writing: " in line:
                killed = next(iter(helpers_of_the_reader(process.pid)), None)
                assert killed, said
                os.kill(killed, signal.SIGKILL)
        assert process.wait(bmr.LIMIT_SECONDS) == bmr.DONE, said
    assert re.search(r"reader process \d: ended; it is dropped, others read on", said), said
    assert compare.differences(disk, source) == []
