#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's story, shown: `make demo`. A server's backup lies on a share; a machine with an
empty disk is started from the boot stick and nobody touches it until it runs again."""

import os
import pathlib
import shutil
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import compare  # noqa: E402  (found by the line above)
import machine_room  # noqa: E402
import scenario  # noqa: E402
import smbd  # noqa: E402
from bmr import BUILD  # noqa: E402

FOLDER = BUILD / "demo"

started = time.monotonic()


def step(text: str) -> None:
    print(f"\n[{time.monotonic() - started:5.0f} s] {text}", flush=True)


def show(text: str) -> None:
    """What the machine itself wrote on its serial line."""
    for line in text.splitlines():
        print(f"          | {line}", flush=True)


def say(text: str) -> None:
    if "\n" in text:
        show(text)
    else:
        step(text)


def describe(backup: scenario.BackupSet) -> None:
    facts = backup.facts
    files = sum(len(p.get("files", ())) for p in facts["partitions"])
    show(f"machine {facts['machine']}, {facts['firmware']}, disk GUID {facts['disk_guid']}")
    for partition in facts["partitions"]:
        image = pathlib.Path(partition["image"]).name if partition["image"] else "no image"
        show(f"{partition['role']:8} {partition['length'] >> 20:5} MiB  {image}")
    show(f"{files} files; the set lies in {facts['set']}")


def important(serial: str) -> str:
    """From the end of the plan to the restart, without the running numbers of progress."""
    lines = serial[serial.index("Plan sha256:"):].splitlines()[1:]
    return "\n".join(line for line in lines if line.strip() and not line.startswith("BdsDxe"))


def check(what: str, faults: list) -> None:
    print(f"          {'equal     ' if not faults else 'DIFFERENT '} {what}", flush=True)
    for fault in faults:
        print(f"            {fault}", flush=True)
    if faults:
        raise AssertionError(f"{what}: {len(faults)} differences")


def judge(room: machine_room.Room) -> None:
    faults = compare.differences(room.target, room.backup)
    for what in ("the partition table, by sfdisk -d; sgdisk -v finds no fault",
                 "the hash of each NTFS partition; fsck.fat and ntfsfix find no fault",
                 "every file, stream and link, by ntfs-3g and mtools; on the EFI system "
                 "partition bootx64.efi was added, the copy of bootmgfw.efi"):
        check(what, faults)
    same = scenario.fingerprint(room.data) == room.data_before
    check("the data disk beside it, byte by byte", [] if same else ["it was written to"])


def story() -> None:
    step("a backup set is generated, as Windows Server Backup leaves it on a share")
    backup = scenario.generate("uefi", FOLDER / "backup")
    describe(backup)
    step("a private Samba serves it on a port of this machine's loopback address")
    with smbd.PrivateSamba({"backups": backup.share}) as server:
        room = machine_room.Room(FOLDER, FOLDER, backup, server)
        step("a virtual machine with UEFI firmware, 1 GiB of memory, an empty NVMe disk and a "
             "data disk starts from the stick; openbmr.ini and openbmr.cred lie on it")
        marker, serial, _ = room.restore(say)
        step("the rest of what it said, until the firmware started the restored disk:")
        show(important(serial))
    assert marker["result"] == "ok" and marker["entry"] == "Windows Boot Manager", marker[0]
    step("the firmware came to the disk by its new boot entry; now this host compares")
    judge(room)
    step("a second start without the stick, the firmware's memory wiped")
    marker = room.start_disk_alone()
    show(marker[0])
    assert marker["result"] == "ok", marker[0]


def main() -> int:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    try:
        story()
    except Exception as error:  # noqa: BLE001  (whatever happens: one clear line at the end)
        print(f"\n{error}\n\ndemo FAILED; the machine's words are in {FOLDER}")
        return 1
    print(f"\ndemo passed in {time.monotonic() - started:.0f} s: the restored disk booted twice "
          "and equals the source in table, partitions and files; everything is in build/demo")
    return 0


if __name__ == "__main__":
    sys.exit(main())
