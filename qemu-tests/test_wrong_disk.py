# SPDX-License-Identifier: GPL-3.0-or-later
"""The wrong disk is never written to: one row for each way to get it wrong (SAFETY.md section 2).
Machines are made up, their disks are loop devices (fake_machine.py), and the kernel's count of
writes says what was written where: nothing, or, where a row names a disk, to that one alone."""

import pytest

import bmr
import disk_bench
from disk_bench import NEEDED, STICK_PARTITION, STICK_SIGNATURE, Case, disk
from scenario import MIB

pytestmark = [pytest.mark.needs("root", "fuse", "ntfs-3g", "sfdisk", "fsck.fat", "loop", "namespaces"),
              pytest.mark.counts("wrong-disk scenarios")]

WWN_A, WWN_B = "naa.500a07510f000001", "naa.500a07510f000002"

A, B = disk("sda", "a", "A1", wwn=WWN_A), disk("sdb", "b", "B2", wwn=WWN_B)
PLAIN_A, PLAIN_B = disk("sda", "a", "A1"), disk("sdb", "b", "B2")
STICK = disk("sdc", "stick", "4C530001220528", bus="usb", removable=True)
TWO = (A, B)


def wrong(disks, which, status, words, *more, **machine) -> Case:
    return Case(disks, ("--disk", which, *more), status, words, machine=machine)


FAILED, REFUSED, USAGE, DONE = bmr.FAILED, bmr.REFUSED, bmr.USAGE, bmr.DONE
BY_SERIAL = "such names change from start to start; name the disk by serial:A1"

CASES = {
    # -- a name that means no disk, or several
    "a serial that no disk has": wrong(TWO, "serial:A2", FAILED, "no disk matches; there are: "),
    "half a serial": wrong(TWO, "serial:A", FAILED, "no disk matches; there are: /dev/sda"),
    "a serial with a blank": wrong(TWO, "serial: A1", FAILED, "no disk matches"),
    "an empty serial": wrong(TWO, "serial:", FAILED, "no disk matches"),
    "an empty name": wrong(TWO, "", FAILED, "no disk matches"),
    "a WWN that no disk has": wrong(TWO, "wwn:500a07510f000003", FAILED, "no disk matches"),
    "half a WWN": wrong(TWO, "wwn:500a0751", FAILED, "no disk matches"),
    "a model": wrong(TWO, "model of sda", FAILED, "no disk matches"),
    "/dev/sda": wrong(TWO, "/dev/sda", FAILED, BY_SERIAL),
    "sda": wrong(TWO, "sda", FAILED, BY_SERIAL),
    "/dev/nvme0n1": wrong((disk("nvme0n1", "a", "N1", bus="nvme"), B), "/dev/nvme0n1", FAILED,
                          "name the disk by serial:N1"),
    "a disk with a WWN alone by its name": wrong(
        (disk("sda", "a", wwn=WWN_A), B), "/dev/sda", FAILED, f"name the disk by wwn:{WWN_A}"),
    "a disk without identity by its name": wrong(
        (disk("sda", "a"), B), "/dev/sda", FAILED, "name it by its size"),
    "a device that is not there": wrong(TWO, "/dev/sdz", FAILED, "no disk matches"),
    "a link by id that is not there": wrong(TWO, "/dev/disk/by-id/ata-Z9", FAILED, "no disk matches"),
    "a character device": wrong(TWO, "/dev/null", FAILED, "no disk matches"),
    "a size that no disk has": wrong(TWO, "size:1G..2G", FAILED, "no disk matches"),
    "a size that two disks have": wrong(TWO, "size:100M..1G", FAILED, "2 disks match: /dev/sda"),
    "a size that is no range": wrong(TWO, "size:160M", FAILED, "not a range of sizes"),
    "a size the wrong way round": wrong(TWO, "size:1G..1M", FAILED, "not a range of sizes"),
    "no name": Case(TWO, (), USAGE, "--disk WHICH is missing"),
    "not confirmed": Case(TWO, ("--disk", "serial:A1", "--confirm", "yes"), USAGE,
                          "--confirm erase is missing"),

    # -- exclude
    "exclude a serial that no disk has": wrong(
        TWO, "serial:A1", FAILED, "exclude 'serial:X'", "--exclude", "serial:X"),
    "exclude a mistyped WWN": wrong(
        TWO, "serial:A1", FAILED, "exclude 'wwn:500a07510f000009'", "--exclude", "wwn:500a07510f000009"),
    "exclude a name": wrong(TWO, "serial:A1", FAILED, "exclude '/dev/sdb'", "--exclude", "/dev/sdb"),
    "exclude a size that two disks have": wrong(
        TWO, "serial:A1", FAILED, "2 disks match", "--exclude", "size:1M..1G"),
    "exclude nothing": wrong(TWO, "serial:A1", FAILED, "exclude ''", "--exclude", ""),
    "exclude the target": wrong(
        TWO, "serial:A1", FAILED, "'/dev/sda' is excluded and named as a target", "--exclude", "serial:A1"),
    "exclude the target by its WWN": wrong(
        TWO, "serial:A1", FAILED, "is excluded and named as a target", "--exclude", f"wwn:{WWN_A}"),

    # -- source disks
    "a source disk that is not there": wrong(TWO, "7=serial:A1", FAILED, "source disk 7: "),
    "two targets for one source disk": wrong(
        TWO, "0=serial:A1", FAILED, "source disk 0 is given two targets", "--disk", "0=serial:B2"),
    "a second source disk without a target": wrong(
        TWO, "0=serial:A1", REFUSED, "no disk carries its ids; '/dev/sdb' is the smallest",
        "--volumes", "all"),
    "a second source disk and no disk for it": wrong(
        (A,), "0=serial:A1", REFUSED, "no disk for it; name one with --disk 1=WHICH",
        "--volumes", "all"),
    "a second source disk, and the only other is excluded": wrong(
        TWO, "0=serial:A1", REFUSED, "no disk for it", "--volumes", "all", "--exclude", "serial:B2"),
    "a second source disk, and the only other is removable": wrong(
        (A, STICK), "0=serial:A1", REFUSED, "no disk for it", "--volumes", "all"),
    "two on one that is too small": wrong(
        (disk("sda", "c", "C3", size=140 * MIB), B), "0=serial:C3", REFUSED, "is too small",
        "--disk", "1=serial:C3", "--volumes", "all", "--no-shrink"),

    # -- equal identities
    "two disks with one serial": wrong(
        (PLAIN_A, disk("sdb", "b", "A1")), "serial:A1", FAILED, "2 disks match"),
    "two disks with one serial, named by size": wrong(
        (PLAIN_A, disk("sdb", "b", "A1")), "size:165M..170M", REFUSED,
        "/dev/sdb shows the same serial or WWN; detach one of them"),
    "two serials that differ in case": wrong(
        (PLAIN_A, disk("sdb", "b", "a1")), "size:165M..170M", REFUSED, "shows the same serial"),
    "two disks with one WWN": wrong(
        (A, disk("sdb", "b", "B2", wwn=WWN_A)), "serial:A1", REFUSED, "shows the same serial or WWN"),
    "three enclosures of one maker": wrong(
        (disk("sda", "a", "123456789012"), disk("sdb", "b", "123456789012"),
         disk("sdc", "c", "123456789012", bus="usb")), "serial:123456789012", FAILED, "3 disks match"),
    "one disk by two paths": wrong(
        (A, disk("sdb", "a", "A1", wwn=WWN_A)), "serial:A1", FAILED, "2 disks match"),
    "one disk by two paths, named by size": wrong(
        (disk("sda", "c", "C3"), disk("sdb", "c", "C3"), disk("sdc", "a", "A1")), "size:250M..400M", FAILED,
        "2 disks match"),
    "one serial on the disk and on the boot stick": wrong(
        (PLAIN_A, disk("sdb", "stick", "A1", bus="usb", removable=True)), "size:150M..180M", REFUSED,
        "shows the same serial", boot=STICK_PARTITION),
    "two disks without identity": wrong(
        (disk("sda", "a"), disk("sdb", "b")), "size:1M..1G", FAILED, "2 disks match"),
    "no identity": wrong(
        (disk("sda", "a"), B), "size:160M..168M", REFUSED, "only when it is named twice"),
    "a serial of zeros": wrong(
        (disk("sda", "a", "00000000"), B), "size:160M..168M", REFUSED, "neither serial nor WWN"),
    "a serial of blanks": wrong(
        (disk("sda", "a", "    "), B), "size:160M..168M", REFUSED, "neither serial nor WWN"),

    # -- the boot medium
    "the boot stick is the only disk": wrong(
        (STICK,), "serial:4C530001220528", REFUSED, "this environment was started from it",
        boot=STICK_PARTITION),
    "the boot stick is the only disk, named by size": wrong(
        (STICK,), "size:1M..1G", FAILED, "no disk matches", boot=STICK_PARTITION),
    "the boot stick beside a disk": wrong(
        (A, STICK), "serial:4C530001220528", REFUSED, "this environment was started from it",
        boot=STICK_PARTITION),
    "a boot stick with an MBR": wrong(
        (A, disk("sdc", "d", "M4")), "serial:M4", REFUSED, "this environment was started from it",
        boot=f"mbr:{STICK_SIGNATURE}:1"),
    "the boot medium is an internal disk": wrong(
        (A, disk("sdb", "stick", "I5")), "serial:I5", REFUSED, "this environment was started from it",
        boot=STICK_PARTITION),

    # -- in use
    "a mounted disk": wrong(
        (A, disk("sdb", "ext4", "E6")), "serial:E6", REFUSED, "sdb is mounted on '",
        mount="sdb=ro,noload"),
    "a disk with a mounted partition": wrong(
        (A, disk("sdb", "b", "B2", partitions={"sdb1": "ext4"})), "serial:B2", REFUSED,
        "sdb1 is mounted on '", mount="sdb1=ro,noload"),
    "swap space": wrong(TWO, "serial:B2", REFUSED, "sdb is swap space", swaps=("/dev/sdb",)),
    "swap space on a partition": wrong(
        (A, disk("sdb", "b", "B2", partitions={"sdb2": "d"})), "serial:B2", REFUSED,
        "sdb2 is swap space", swaps=("/dev/sdb2",)),
    "held by device-mapper": wrong(
        (A, disk("sdb", "b", "B2", holders=("dm-0",))), "serial:B2", REFUSED, "dm-0 stands on sdb"),
    "a member of an array": wrong(
        (A, disk("sdb", "b", "B2", holders=("md127",))), "serial:B2", REFUSED, "md127 stands on sdb"),
    "a partition held by LVM": wrong(
        (A, disk("sdb", "b", "B2", partitions={"sdb1": "d"}, partition_holders=("dm-3",))),
        "serial:B2", REFUSED, "dm-3 stands on sdb1"),
    "a partition in an array": wrong(
        (A, disk("sdb", "b", "B2", partitions={"sdb1": "d"}, partition_holders=("md0",))),
        "serial:B2", REFUSED, "md0 stands on sdb1"),
    "a loop device over it": wrong(
        TWO, "serial:B2", REFUSED, "loop9 stands on sdb",
        extra={"block/loop9/loop/backing_file": "/dev/sdb"}),
    "read-only": wrong(
        (A, disk("sdb", "b", "B2", read_only=True)), "serial:B2", REFUSED, "it is read-only"),
    "read-only, and nobody says so": wrong(
        (A, disk("sdb", "locked", "L8")), "serial:L8", FAILED, "it is read-only"),

    # -- removable
    "removable, and only meant by its size": wrong((STICK,), "size:10M..1G", FAILED, "no disk matches"),
    "two removable ones by their size": wrong(
        (STICK, disk("sdd", "d", "M4", bus="usb")), "size:10M..1G", FAILED, "no disk matches"),

    # -- size and sectors
    "too small by one sector": wrong(
        (disk("sda", "a", "A1", size=NEEDED - 512), B), "serial:A1", REFUSED, "512 more", "--no-shrink"),
    "smaller than all that can be shrunk": wrong(
        (A, disk("sdb", "d", "M4")), "serial:M4", REFUSED, "is too small"),
    "smaller than it says": wrong(
        (disk("sda", "a", "A1", size=200 * MIB), B), "serial:A1", FAILED,
        "size is 167772160 bytes, 209715200 was planned: it changed"),
    "larger than it says": wrong(
        (disk("sda", "c", "A1", size=200 * MIB), B), "serial:A1", FAILED,
        "size is 314572800 bytes, 209715200 was planned: it changed"),
    "a list of volumes that are not there": wrong(
        TWO, "serial:A1", REFUSED, "volume 'Q:' is not in the backup", "--volumes", "Q:"),

    # -- ids
    "the original is attached": wrong(
        (A, disk("sdb", "original", "O9")), "serial:A1", REFUSED,
        "'/dev/sdb' (serial O9) carries the ids of the source disk"),
    "the original is attached and excluded": wrong(
        (A, disk("sdb", "original", "O9")), "serial:A1", REFUSED, "carries the ids of the source disk",
        "--exclude", "serial:O9"),
    "two clones of the original": wrong(
        (disk("sda", "original", "O9"), disk("sdb", "clone", "O8")), "serial:O9", REFUSED,
        "'/dev/sdb' (serial O8) carries the ids of the source disk"),
    "new ids for a disk that keeps its table": wrong(
        (A, disk("sdb", "original", "O9")), "serial:O9", REFUSED, "new ids cannot be given",
        "--ids", "new", "--volumes", "C:"),

    # -- commands that write nothing, whatever they are asked for
    "plan": Case(TWO, ("--disk", "serial:A1"), DONE, "Onto /dev/sda", command="plan"),
    "resume without a journal": Case(
        TWO, ("--disk", "serial:A1"), FAILED, "it has no journal", command="resume"),
    "resume on the other disk": Case(
        (A, disk("sdb", "half", "H7")), ("--disk", "serial:A1"), FAILED, "it has no journal",
        command="resume"),
    "resume of a restore of another disk": Case(
        (A, disk("sdb", "half", "H8")), ("--disk", "serial:H8"), FAILED, "cannot be resumed",
        command="resume"),
    "verify a disk that was not restored": Case(
        TWO, ("--disk", "serial:A1"), FAILED, "", command="verify"),
    "verify a disk that was": Case(
        (disk("sda", "original", "O9"), B), ("--disk", "serial:O9"), DONE, "", command="verify"),

    # -- the right disk, and no other
    "the name moved to another disk": Case(
        (disk("sda", "b", "B2", wwn=WWN_B), disk("sdb", "a", "A1", wwn=WWN_A)),
        ("--disk", "serial:A1"), DONE, "/dev/sdb: done and proved", writes="a"),
    "the removable disk comes first": Case(
        (disk("sda", "stick", "S5", bus="usb", removable=True), disk("sdb", "a", "A1")),
        ("--disk", "size:10M..1G"), DONE, "/dev/sdb: done and proved", writes="a"),
    "a removable disk that was named": Case(
        (disk("sda", "b", "B2"), disk("sdc", "a", "U7", bus="usb", removable=True)),
        ("--disk", "serial:U7"), DONE, "/dev/sdc: done and proved", writes="a"),
    "no identity, and named twice": Case(
        (disk("sda", "a"), B), ("--disk", "size:160M..168M", "--disk", "size:160M..168M"), DONE,
        "/dev/sda: done and proved", writes="a"),
    "by a link of its id": Case(
        TWO, ("--disk", "/dev/disk/by-id/ata-A1"), DONE, "/dev/sda: done and proved", writes="a",
        machine={"link": "ata-A1=sda"}),
    "a damaged twin is excluded": Case(
        (A, B, disk("sdc", "c", "C3")), ("--disk", "size:155M..300M", "--exclude", "serial:C3",
                                         "--exclude", "serial:B2", "--disk", "serial:A1"),
        FAILED, "disks match"),
    "C: in place, the rest of its disk and others untouched": Case(
        (A, disk("sdb", "spare", "O7")), ("--disk", "serial:O7", "--volumes", "C:"), DONE,
        "is intact", writes="spare"),
}


@pytest.fixture(scope="module")
def bench():
    with disk_bench.make() as made:
        yield made


@pytest.mark.parametrize("what", CASES)
def test_wrong_disk(bench, what):
    case = CASES[what]
    machine = bench.machine(case)
    before = bench.written()
    confirm = ("--confirm", "erase") if case.command == "restore" else ()
    result = machine.run(case.command, "--from", bench.backup.share, *confirm, *case.arguments)
    disk_bench.judge(bench, what, case, result, before)
