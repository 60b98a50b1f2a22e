#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Longer runs: random machines, backed up, restored and compared, round after round; first one
round with gigabytes and one in QEMU on a disk with 4096-byte sectors.

    make soak MINUTES=60            or: soak.py --minutes 60 --seed 1234

Every round is made of one number, which is printed: `soak.py --seed N --rounds 1` repeats it. MINUTES
are those of the random machines; there is one at least. The first thing that fails ends it, with a
status that is not 0, and what it left stays in build/scenarios/soak. All are counted (summary.py).
"""

import argparse
import hashlib
import os
import random
import re
import shutil
import subprocess
import sys
import time
import traceback
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import bmr  # noqa: E402  (found by the line above)
import compare  # noqa: E402
import generator.compare  # noqa: E402
import machine_room  # noqa: E402
import qemu  # noqa: E402
import random_kills  # noqa: E402
import scenario  # noqa: E402
import smbd  # noqa: E402
import summary  # noqa: E402
import test_fit  # noqa: E402
import test_network_loss  # noqa: E402
import test_new_names  # noqa: E402
from scenario import MIB  # noqa: E402

FOLDER = scenario.SCENARIOS / "soak"

TARGETS = ("new", "random", "larger")


def random_wishes(choose: random.Random) -> list:
    """Arguments of make_backup.py. All of them make whole sets with an AsrSif."""
    words = ["--seed", choose.randrange(1 << 30), "--asrsif-spelling", choose.choice((1, 2, 3)),
             "--msr-mib", choose.choice((16, 32, 128)), "--block-mib", choose.choice((1, 2, 8, 32))]
    if choose.random() < 0.3:
        words += ["--layout", "bios-mbr", "--image", choose.choice(("vhd", "vhdx"))]
    else:
        words += ["--variant", choose.choice(("win10", "server2019")),
                  "--sector-size", choose.choice((512, 4096))]
    flags = ["--fallback", "--fixed", "--stale", "--renamed"]
    if "vhd" not in words:
        flags.append("--dirty-log")
    words += [flag for flag in flags if choose.random() < 0.3]
    if choose.random() < 0.3:
        words += ["--nested", "dpm/a much longer name than others have/2026"]
    return words


def make_target(kind: str, path, facts: dict):
    if kind == "random":
        scenario.random_disk(path, facts["disk_size"], seed=1)
    elif kind == "larger":
        scenario.gpt_disk(path, facts["disk_size"] + 300 * MIB, facts["sector_size"])
    return path


def round_trip(wishes: list, kind: str, wipe: bool) -> str:
    """Backup, restore, compare, verify; returns a line about it."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    backup = scenario.generate_by(wishes, FOLDER / "set")
    disk = make_target(kind, FOLDER / "disk.img", backup.facts)
    size = ("--sector-size", backup.facts["sector_size"])
    result = bmr.restore(backup.share, disk, *size, *(("--wipe",) if wipe else ()))
    assert result.status == bmr.DONE, result
    # old data in free clusters may be left out, or come along in short pieces
    used = kind != "new" or "--stale" in wishes
    faults = compare.differences(disk, backup, used)
    assert not faults, "\n".join(faults)
    result = bmr.verify(backup.share, disk, *size)
    assert result.status == bmr.DONE, result
    return f"{result.seconds:.1f} s to verify, {result.peak_memory >> 20} MiB"


def shrunk_gigabytes(percent: int) -> str:
    """Onto a disk that has `percent` of what was partitioned: many files, some in hundreds of
    pieces. ntfsinfo, ntfsresize's own check and every file's hash judge the volume."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    backup = scenario.generate_by(["--profile", "large", "--seed", 1], FOLDER / "set")
    partitioned = sum(p["length"] for p in backup.facts["partitions"])
    disk = scenario.blank_disk(FOLDER / "disk.img", partitioned * percent // 100 // MIB * MIB)
    result = bmr.restore(backup.share, disk)
    assert result.status == bmr.DONE and "'C:' is shrunk" in result.errors, result
    table = test_fit.restored(disk, backup, FOLDER, 512)
    size = test_fit.place(backup, table, "windows")[1]
    return (f"C: has {size >> 20} MiB of {backup.partition('windows')['length'] >> 20}, "
            f"{result.seconds:.0f} s, {result.peak_memory >> 20} MiB")


def in_qemu(name: str, **target) -> machine_room.Room:
    """The user's story with another set, or another disk; until the restored disk has started."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    backup = scenario.backup_set(name)
    with smbd.PrivateSamba({"backups": backup.share}) as server:
        room = machine_room.Room(FOLDER, FOLDER, backup, server, **target)
        marker, _, _ = room.restore()
        room.marker = marker
    assert marker["result"] == "ok" and marker["entry"] == "Windows Boot Manager", marker[0]
    assert scenario.fingerprint(room.data) == room.data_before
    assert qemu.logged_writes(room.data_log) == []
    return room


def times_of(room) -> str:
    return ", ".join(f"{what} {seconds:.0f} s" for what, seconds in room.times.items())


def same_in_qemu(name: str) -> str:
    room = in_qemu(name)
    faults = compare.differences(room.target, room.backup)
    assert not faults, "\n".join(faults)
    return times_of(room)


def shrunk_in_qemu(name: str, percent: int) -> str:
    """C: gets `percent` of its size, on an NVMe disk with sectors of 4096 bytes, for which the EFI
    system partition is made anew and larger."""
    backup = scenario.backup_set(name)
    windows = backup.partition("windows")["length"]
    others = sum(backup.partition(role)["length"] for role in ("msr", "winre")) + 260 * MIB
    size = (others + windows * percent // 100) // MIB * MIB + 4 * MIB
    room = in_qemu(name, size=size, sector_size=4096, patience=4)
    table = test_fit.restored(room.target, backup, FOLDER, 4096)
    return f"C: has {test_fit.place(backup, table, 'windows')[1] * 100 // windows} %, {times_of(room)}"


CATALOG = "System Volume Information/WindowsImageBackup/Catalog/"


def new_ids_in_qemu(name: str) -> str:
    """The EFI system partition gets another id, in a machine with two disks (KB 2961238): the
    backup catalog has another name and its old content, and the firmware's first entry leads to
    the new partition, from which the machine started. Boot stores, drive letters and ReAgent.xml
    agree with it."""
    room = in_qemu(name, more="[layout]\r\nids = new\r\n", patience=4)
    facts = room.backup.facts
    table = test_fit.read_table(room.target, facts["sector_size"])
    esp = uuid.UUID(re.search(r"uuid=([0-9A-F-]+)", table[room.backup.partition("esp")["slot"]][2])[1])
    assert str(esp) != room.backup.partition("esp")["guid"]
    first = int.from_bytes(room.variables["BootOrder"][:2], "little")
    assert esp.bytes_le in room.variables[f"Boot{first:04X}"]
    _, new, _, _ = test_new_names.check_all_follow(room.target, room.backup, FOLDER)
    assert new[room.backup.partition("esp")["slot"]] == ("gpt", room.marker["disk"], str(esp))
    assert room.marker["esp"] == str(esp)
    partition = room.backup.partition("windows")
    generator.compare.extract(room.target, partition["offset"], partition["length"],
                              FOLDER / "volume")
    kept = 0
    for entry in partition["files"]:
        if entry["path"].startswith(CATALOG):
            data = subprocess.run(["ntfscat", "-f", FOLDER / "volume",
                                   f"{entry['path']}.{facts['time'][:10]}"], capture_output=True,
                                  check=True).stdout
            assert hashlib.sha256(data).hexdigest() == entry["sha256"], entry
            kept += 1
    assert kept == 2
    return times_of(room)


def network_losses() -> str:
    """All scenarios, those that `make check` leaves out too."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    line, faults = test_network_loss.play_all(scenario.backup_set("uefi"), str(FOLDER),
                                              {*test_network_loss.PASSES, *test_network_loss.STOPS})
    assert not faults, "\n".join(faults)
    return line


def killed_and_resumed(times: int) -> str:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    return random_kills.play(scenario.backup_set("uefi"), FOLDER, times,
                             random.SystemRandom().randrange(1 << 30))


def say(counted: str, what: str, action, *arguments) -> bool:
    """Whatever goes wrong is a failure that is counted, and told."""
    print(f"{what} …", end=" ", flush=True)
    try:
        text, failed = action(*arguments), 0
    except Exception as error:  # pylint: disable=broad-except
        lines = str(error) if isinstance(error, AssertionError) else traceback.format_exc()
        text, failed = f"FAILED; everything is in {FOLDER}\n{lines}", 1
    print(text, flush=True)
    summary.add(counted, 1, failed)
    return not failed


RUNS = (
    ("gigabytes", round_trip, ["--profile", "large", "--seed", 1], "new", False),
    ("gigabytes shrunk to 60 %", shrunk_gigabytes, 60),
    ("network losses", network_losses),
    ("hard kills", killed_and_resumed, 100),
    ("4096-byte sectors in QEMU", same_in_qemu, "uefi-4096"),
    ("new ids in QEMU", new_ids_in_qemu, "uefi"),
    ("shrunk to 60 % onto 4096-byte sectors in QEMU", shrunk_in_qemu, "uefi", 60),
)


def longer_runs(runs=RUNS) -> bool:
    for number, (what, action, *arguments) in enumerate(runs):
        if not say("longer runs", what, action, *arguments):
            rest = [what for what, *_ in runs[number + 1:]]
            print(f"not run: {', '.join(rest) or 'nothing'}")
            return False
    return True


def random_machine(number: int) -> bool:
    choose = random.Random(number)
    wishes, kind = random_wishes(choose), choose.choice(TARGETS)
    wipe = choose.random() < 0.3
    text = f"seed {number}: {' '.join(map(str, wishes))}, {kind}{', wipe' if wipe else ''}"
    return say("random machines", text, round_trip, wishes, kind, wipe)


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rounds", type=int, default=1 << 30)
    parser.add_argument("--seed", type=int, help="of the first round; alone: no other runs")
    options = parser.parse_args(arguments)
    seed, done = options.seed, 0
    if seed is None:
        seed = random.SystemRandom().randrange(1 << 30)
        if not longer_runs():
            return 1
    deadline = time.monotonic() + options.minutes * 60
    while done < options.rounds and (done == 0 or time.monotonic() < deadline):
        if not random_machine(seed + done):
            return 1
        done += 1
    shutil.rmtree(FOLDER, ignore_errors=True)
    print(f"soak passed: {len(RUNS) if options.seed is None else 0} longer runs, {done} random machines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
