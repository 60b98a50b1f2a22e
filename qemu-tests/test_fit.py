# SPDX-License-Identifier: GPL-3.0-or-later
"""Restores onto disks that are smaller or larger than the source, or have other sectors. The
host looks at the result with sfdisk, ntfs-3g's tools and mtools, and compares every file."""

import collections
import hashlib
import re
import struct

import pytest

import bmr
import compare
import generator.compare
import scenario
from generator import disk as tables
from generator import fat, tools
from scenario import MIB

# What names partitions that move (test_new_names.py looks into them)
FOLLOWS = ("Windows/System32/Recovery/ReAgent.xml", "Windows/System32/config/SYSTEM", "Boot/BCD")

pytestmark = pytest.mark.needs("root", "fuse", "ntfs-3g", "ntfsresize", "sfdisk", "mcopy",
                               "fsck.fat", "mkfs.fat")


def expect(result, status, *words):
    assert result.status == status, result
    for word in words:
        assert word in result.output + result.errors, f"'{word}' is not in: {result}"


def plan(source, disk, *options):
    return bmr.run("plan", "--from", source, "--disk", disk, *options)


def read_table(disk, sector_size: int) -> dict:
    """Slot to offset, length and the rest of sfdisk's line."""
    found = {}
    for line in tables.dump_table(disk, sector_size).splitlines():
        match = re.match(r"p(\d+) : start= *(\d+), size= *(\d+), (.*)", line)
        if match:
            slot, start, size, rest = match.groups()
            found[int(slot)] = (int(start) * sector_size, int(size) * sector_size, rest)
    return found


def check_boot_sectors(volume, offset: int, length: int, sector_size: int) -> None:
    with open(volume, "rb") as file:
        boot = file.read(sector_size)
        file.seek(length - sector_size)
        assert file.read() == boot, "the backup boot sector is no copy"
    assert struct.unpack_from("<H", boot, 0x0B)[0] == sector_size
    assert struct.unpack_from("<I", boot, 0x1C)[0] == offset // sector_size


def follows_sectors(volume, slot, offset, length, sector_size, faults) -> list:
    """The boot store has a copy of the firmware's entry, which counts in the disk's sectors: its
    place in it is the only file that may differ. What is left of the faults."""
    store = next(data for name, data in fat.read_all(volume).items()
                 if name.lower().endswith("efi/microsoft/boot/bcd"))
    assert struct.pack("<IQQ", slot, offset // sector_size, length // sector_size) in store
    return [fault for fault in faults if fault != "esp: 'efi/microsoft/boot/bcd' is different"]


def restored(disk, backup, work, sector_size: int) -> dict:
    """Checks everything that must be as on the source, and gives the new table."""
    table = read_table(disk, sector_size)
    old = read_table(backup.folder / backup.facts["disk"], backup.facts["sector_size"])
    assert {slot: entry[2] for slot, entry in table.items()} == {
        slot: entry[2] for slot, entry in old.items()}, "types, ids, names or attributes differ"
    for partition in backup.facts["partitions"]:
        if not partition["image"]:
            continue
        offset, length, _ = table[partition["slot"]]
        volume = work / "volume"
        generator.compare.extract(disk, offset, length, volume)
        if partition["filesystem"] == "ntfs":
            check_boot_sectors(volume, offset, length, sector_size)
            tools.run(["ntfsinfo", "-f", "-m", volume])
            tools.run(["ntfsfix", "-n", volume])
            tools.run(["ntfsresize", "--info", "--force", "--force", volume])
        else:
            tools.run([*compare.CHECKERS[partition["filesystem"]], volume])
        faults = [fault for fault in generator.compare.check_files(volume, partition)
                  if not any(f"'{name}'" in fault for name in FOLLOWS)]
        if partition["role"] == "esp" and sector_size != backup.facts["sector_size"]:
            faults = follows_sectors(volume, partition["slot"], offset, length, sector_size, faults)
        assert not faults, partition["role"]
        volume.unlink()
    return table


def place(backup, table: dict, role: str):
    return table[backup.partition(role)["slot"]][:2]


def missing_bytes(backup, disk, *options) -> int:
    """What the refusal of a disk that is far too small says."""
    result = plan(backup.share, disk, *options)
    expect(result, bmr.REFUSED, "is too small", "can be shrunk to")
    return int(re.search(r"needs (\d+) bytes", result.output).group(1))


# -- smaller ----------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ("bios", "stale"))
def test_a_disk_of_60_percent_of_what_is_partitioned_is_enough(backup, work, name):
    source = backup(name)
    sector = source.facts["sector_size"]
    partitioned = sum(p["length"] for p in source.facts["partitions"])
    disk = scenario.random_disk(work / "disk.img", partitioned * 6 // 10 // MIB * MIB, seed=3)
    size = ("--sector-size", sector)
    result = bmr.restore(source.share, disk, *size)
    expect(result, bmr.DONE, "'C:' is shrunk", "chkdsk")
    table = restored(disk, source, work, sector)
    assert place(source, table, "windows")[1] < source.partition("windows")["length"]
    expect(bmr.verify(source.share, disk, *size), bmr.DONE)


def test_the_refusal_names_the_least_size_and_that_size_is_enough(backup, work):
    source = backup("uefi")
    disk = scenario.blank_disk(work / "disk.img", 64 * MIB)
    least = missing_bytes(source, disk)
    scenario.blank_disk(disk, least - 512)
    expect(plan(source.share, disk), bmr.REFUSED, f"needs {least} bytes", "512 more")
    expect(plan(source.share, disk, "--no-shrink"), bmr.REFUSED, "is too small")
    scenario.blank_disk(disk, least)
    expect(bmr.restore(source.share, disk, "--wipe"), bmr.DONE)
    table = restored(disk, source, work, 512)
    assert place(source, table, "winre")[1] == source.partition("winre")["length"]
    assert sum(place(source, table, "winre")) + MIB > least - 34 * 512, "not at the end"


def halfway(source, disk, flush: int, *options):
    """A restore that is killed before one of its flushes."""
    return bmr.run("restore", "--from", source, "--disk", disk, "--confirm", "erase", *options,
                   prefix=("strace", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync",
                           "-e", f"inject=fdatasync:signal=KILL:when={flush}"))


def content(disk) -> str:
    """Hash of the MBR and of all from the first MiB on: between them lies the journal, whose
    records have random ids."""
    digest = hashlib.sha256()
    with open(disk, "rb") as file:
        digest.update(file.read(512))
        file.seek(MIB)
        while piece := file.read(4 * MIB):
            digest.update(piece)
    return digest.hexdigest()


@pytest.mark.needs("strace")
def test_a_shrinking_restore_that_stopped_is_resumed_to_the_same_disk(backup, work):
    """Killed at two places; then once more by the plan that was printed and given back
    as a layout: the same disk each time."""
    source = backup("bios")
    partitioned = sum(p["length"] for p in source.facts["partitions"])
    disk, size = work / "disk.img", partitioned * 6 // 10 // MIB * MIB
    scenario.random_disk(disk, size, seed=5)
    expect(bmr.restore(source.share, disk), bmr.DONE, "'C:' is shrunk")
    whole = content(disk)
    layout = work / "layout.json"
    scenario.random_disk(disk, size, seed=5)
    layout.write_text(plan(source.share, disk, "--json").output)
    resumed = 0
    for flush, options in ((6, ()), (13, ()), (9, ("--layout", layout))):
        scenario.random_disk(disk, size, seed=5)
        result = halfway(source.share, disk, flush, *options)
        assert result.status != bmr.DONE and content(disk) != whole, flush
        result = bmr.run("resume", "--from", source.share, "--disk", disk, *options)
        expect(result, bmr.DONE)
        resumed += 1
        assert content(disk) == whole, flush
        expect(bmr.verify(source.share, disk, *options), bmr.DONE)
    restored(disk, source, work, 512)
    print(f"{resumed} resumed to the same disk")


PAGE = 4096
PROVED = 65 * (64 << 10)  # samples of a volume that prove the backup


def pages_read(image, trace, *arguments) -> collections.Counter:
    """How often each page of an image was read by a command, whichever process it was."""
    result = bmr.run(*arguments, prefix=(
        "strace", "-f", "--seccomp-bpf", "-qq", "-o", trace, "-e", "trace=pread64", "-P", image))
    expect(result, bmr.DONE)
    pages = collections.Counter()
    for match in re.finditer(r"pread64\(.*, \d+, (\d+)\) += (\d+)$", trace.read_text(), re.M):
        start, end = int(match[1]), int(match[1]) + int(match[2])
        pages.update(range(-(-start // PAGE), end // PAGE))
    return pages


@pytest.mark.needs("strace")
def test_what_is_relocated_is_read_once(backup, work):
    """Apart from metadata, which the plan looks at as well, and the samples that prove it."""
    source = backup("bios")
    image = source.images()["windows"]
    partitioned = sum(p["length"] for p in source.facts["partitions"])
    disk = scenario.blank_disk(work / "disk.img", partitioned * 6 // 10 // MIB * MIB)
    metadata = pages_read(image, work / "trace", "plan", "--no-estimate", "--from", source.share, "--disk", disk)
    report = work / "report.json"
    pages = pages_read(image, work / "trace", "restore", "--from", source.share, "--disk", disk,
                       "--confirm", "erase", "--report", report)
    relocated = sum(int(float(size) * MIB) for size in re.findall(
        r"([\d.]+) MiB of file content relocated", report.read_text()))
    once = sum(1 for page in pages if page not in metadata)
    again = sum(count - 1 for page, count in pages.items() if page not in metadata)
    assert relocated > 2 * PROVED and once * PAGE > 20 * MIB, (relocated, once * PAGE)
    assert again * PAGE <= PROVED, again * PAGE
    print(f"{relocated >> 20} MiB relocated; {once * PAGE >> 20} MiB of content read once, "
          f"{again * PAGE >> 20} MiB once more to prove the backup")


FAILING = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], "--size") == 0 && atoll(argv[i + 1]) > %d && atoll(argv[i + 1]) < %d) {
			puts("ERROR: Extended record needed (1064 > 1024), not yet supported!");
			return 1;
		}
	execv("/usr/bin/mtools", argv);
	return 127;
}
"""


@pytest.fixture
def fails_between(work):
    """Starts a program where ntfsresize fails for sizes (in MiB) between two, as it does where a
    file has too many fragments (ntfs-3g issues 142, 204, 209). Fix-ups may start what bears a few
    names: under that of mtools, which they need for FAT alone, is the real one."""
    def make(low: int, high: int) -> tuple:
        tools.run(["cc", "-x", "c", "-o", work / "ntfsresize", "-"], stdin=FAILING % (low * MIB, high * MIB))
        real = tools.find_tool("ntfsresize")
        script = (f"mount --bind {real} /usr/bin/mtools && "
                  f"mount --bind {work}/ntfsresize {real} && exec \"$@\"")
        return "unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"
    return make


@pytest.mark.needs("cc", "namespaces")
def test_where_ntfsresize_fails_a_larger_size_is_tried(backup, work, fails_between):
    source = backup("bios")
    partitioned = sum(p["length"] for p in source.facts["partitions"])
    windows = source.partition("windows")["length"]
    prefix = fails_between(120, windows // MIB - 1)
    disk = scenario.blank_disk(work / "disk.img", partitioned * 9 // 10 // MIB * MIB)
    command = ("restore", "--from", source.share, "--disk", disk, "--confirm", "erase")
    expect(bmr.run(*command), bmr.DONE, "'C:' is shrunk")
    scenario.blank_disk(disk, disk.stat().st_size)
    result = bmr.run(*command, prefix=prefix)
    expect(result, bmr.DONE, "is shrunk")
    assert "'C:' is shrunk" not in result.output + result.errors, result
    assert place(source, restored(disk, source, work, 512), "windows")[1] == windows
    scenario.blank_disk(disk, partitioned * 6 // 10 // MIB * MIB)
    before = scenario.fingerprint(disk)
    result = bmr.run(*command, prefix=prefix)
    expect(result, bmr.REFUSED, "is too small", "'C:' has", "Extended record needed")
    assert scenario.fingerprint(disk) == before


# -- larger -----------------------------------------------------------------------------------

def test_more_space_is_left_alone_unless_asked_for(backup, work):
    source = backup("uefi")
    disk = scenario.blank_disk(work / "disk.img", source.facts["disk_size"] + 512 * MIB)
    expect(plan(source.share, disk, "--grow", "X:"), bmr.REFUSED, "'X:' shall grow")
    result = bmr.restore(source.share, disk, "--grow", "C:")
    expect(result, bmr.DONE, "'C:' is extended", "(recovery) moves")
    table = restored(disk, source, work, 512)
    windows, winre = place(source, table, "windows"), place(source, table, "winre")
    assert windows[1] > source.partition("windows")["length"] + 1000 * MIB
    assert 0 <= winre[0] - sum(windows) < 2 * MIB
    assert 0 <= disk.stat().st_size - sum(winre) < 2 * MIB
    expect(bmr.verify(source.share, disk, "--grow", "C:"), bmr.DONE)


# -- other sectors ----------------------------------------------------------------------------

@pytest.mark.parametrize("name,sector,percent", (("uefi", 4096, 45), ("uefi-4096", 512, 100)))
def test_a_disk_with_other_sectors(backup, work, name, sector, percent):
    source = backup(name)
    disk = scenario.random_disk(work / "disk.img",
                                source.facts["disk_size"] // 100 * percent // MIB * MIB, seed=4)
    size = ("--sector-size", sector)
    result = bmr.restore(source.share, disk, *size)
    expect(result, bmr.DONE, f"is made anew with sectors of {sector} bytes",
           f"to sectors of {sector} bytes")
    restored(disk, source, work, sector)
    expect(bmr.verify(source.share, disk, *size), bmr.DONE)
