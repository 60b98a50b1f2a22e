# SPDX-License-Identifier: GPL-3.0-or-later
"""The SYSTEM hive of a restored Windows: MountedDevices with new ids, logs replayed and emptied.
Read back through ntfs-3g by hivexsh and reglookup, which know nothing of us."""

import os
import re
import shutil
import subprocess

import pytest

import bmr
import generator.compare
import scenario
from generator import bcd, driver, ntfs
from generator.seeded import Seed
from test_forecast import machine
from test_restore_host import expect

pytestmark = pytest.mark.needs("root", "fuse", "ntfs-3g", "reglookup", "hivexsh")

HIVE = "Windows/System32/config/SYSTEM"


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    """make("--hive-logs", "new"): a generated set, once."""
    sets = {}

    def make_set(*wishes):
        if wishes not in sets:
            folder = tmp_path_factory.mktemp("set")
            sets[wishes] = scenario.generate_by(("--seed", "31", *wishes), folder / "set")
        return sets[wishes]
    yield make_set


def table(disk) -> list:
    """GUIDs of the partitions, or signature and starts in bytes."""
    text = subprocess.run(["sfdisk", "-d", disk], check=True, stdout=subprocess.PIPE, text=True).stdout
    signature = re.search(r"label-id: 0x([0-9a-f]+)", text)
    if not signature:
        return [bytes.fromhex("".join(_mixed(uuid))) for uuid in re.findall(r"uuid=([0-9A-F-]+)", text)]
    return [int(signature[1], 16).to_bytes(4, "little") + (int(start) * 512).to_bytes(8, "little")
            for start in re.findall(r"start= *(\d+)", text)]


def _mixed(uuid: str):
    first, second, third, *rest = uuid.split("-")
    for part in (first, second, third):
        yield "".join(reversed(re.findall("..", part)))
    yield from rest


def restored_files(disk, facts: dict, work, others=()) -> dict:
    """The hive and its logs as they lie on the restored disk, copied to `work`, and other files
    of C: by their paths."""
    windows = next(p for p in facts["partitions"] if p["role"] == "windows")
    volume = work / "windows.raw"
    generator.compare.extract(disk, windows["offset"], windows["length"], volume)
    found = {}
    with ntfs.mounted(volume, read_only=True) as folder:
        for suffix in ("", ".LOG1", ".LOG2"):
            source = os.path.join(folder, HIVE + suffix)
            if os.path.exists(source):
                found[suffix] = work / f"SYSTEM{suffix}"
                shutil.copy(source, found[suffix])
        for path in others:
            found[path] = work / os.path.basename(path)
            shutil.copy(os.path.join(folder, path), found[path])
    return found


def mounted_devices(path) -> dict:
    """Name to bytes, by hivexsh."""
    text = subprocess.run(["hivexsh", path], input="cd \\MountedDevices\nlsval\n", check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    return {name.replace("\\\\", "\\"): bytes.fromhex(data.replace(",", ""))
            for name, data in re.findall(r'"(.*)"=hex(?::3|\(3\)|):(.*)', text)}


def machine_name(path) -> str:
    return subprocess.run(["reglookup", "-p", "ControlSet001/Control/ComputerName", path], check=True,
                          stdout=subprocess.PIPE, text=True).stdout


def check_mounted(files: dict, disk, before) -> None:
    """Every value names a partition of the new table, and none its old name."""
    values = mounted_devices(files[""])
    assert values, "no MountedDevices"
    names = [(b"DMIO:ID:" + name) if len(name) == 16 else name for name in table(disk)]
    assert all(value in names for value in values.values()), values
    assert not set(values.values()) & set(mounted_devices(before).values())


def original_hive(source, work):
    """As the source had it (without logs)."""
    volume = source.folder / next(p for p in source.facts["partitions"] if p["role"] == "windows")["raw"]
    with ntfs.mounted(volume, read_only=True) as folder:
        shutil.copy(os.path.join(folder, HIVE), work / "before")
    return work / "before"


@pytest.mark.parametrize("name", ("uefi", "bios"))
def test_drive_letters_follow_new_ids(backup, work, name):
    source, disk = backup(name), work / "disk.img"
    expect(bmr.run("plan", "--from", source.share, "--disk", disk, "--ids", "new"), bmr.DONE,
           "(C:): ", " → ", "drive letters")
    expect(bmr.restore(source.share, disk, "--ids", "new"), bmr.DONE, "MountedDevices: \\DosDevices\\C:: ", "→")
    files = restored_files(disk, source.facts, work)
    check_mounted(files, disk, original_hive(source, work))


def test_same_ids_leave_the_hive_as_it_is(make, work):
    source, disk = make("--hive-logs", "new"), work / "disk.img"
    result = bmr.restore(source.share, disk)
    expect(result, bmr.DONE)
    assert "MountedDevices" not in result.output and "SYSTEM hive" not in result.output
    files = restored_files(disk, source.facts, work)
    assert files[""].read_bytes() == original_hive(source, work).read_bytes()
    assert files[".LOG1"].stat().st_size


@pytest.mark.parametrize("kind, words", (
    ("new", "SYSTEM hive: not written to its end → its logs replayed and emptied"),
    ("lost", "the SYSTEM hive was not written to its end and has no log that fits")))
def test_logs_of_the_hive_are_replayed_and_emptied(make, work, kind, words):
    source, disk = make("--hive-logs", kind), work / "disk.img"
    expect(bmr.restore(source.share, disk, "--ids", "new"), bmr.DONE, words)
    files = restored_files(disk, source.facts, work)
    check_mounted(files, disk, original_hive(source, work))
    assert ("SRV01" in machine_name(files[""])) == (kind != "lost")
    assert all(files[log].stat().st_size == 0 for log in files if log)
    data = files[""].read_bytes()
    assert data[4:8] == data[8:12], "still dirty"


# -- other hardware -----------------------------------------------------------------------------

@pytest.mark.parametrize("controller, words", (
    ("ahci", ("note: storage controller ahci: driver storahci starts at boot",)),
    ("lsi-sas", ("note: storage controller lsi-sas: driver LSI_SAS will start at boot: "
                 "LSI_SAS: Start 3 → 0, LSI_SAS: StartOverride → 0",)),
    ("nvme", ("note: storage controller nvme: driver stornvme starts at boot",)),
    ("virtio-scsi", ("WARNING: storage controller virtio-scsi: Windows will stop with INACCESSIBLE_BOOT_DEVICE",
                     "no driver in the image serves it; it usually is vioscsi",))))
def test_the_plan_tells_whether_windows_will_find_its_disk(backup, work, controller, words):
    source = backup("uefi")
    expect(bmr.run("plan", "--from", source.share, "--disk", work / "disk.img", "--for", controller), bmr.DONE,
           *words)


def test_without_a_controller_the_plan_says_that_it_does_not_know(backup, work):
    expect(bmr.run("plan", "--from", backup("uefi").share, "--disk", work / "disk.img"), bmr.DONE,
           "is not known; '--for CONTROLLER' looks whether its drivers start")
    expect(bmr.run("plan", "--from", backup("uefi").share, "--disk", work / "disk.img", "--for", "floppy"), bmr.USAGE,
           "'floppy': no storage controller; possible are ahci,")


def test_a_driver_in_the_image_is_made_to_start(backup, work):
    source, disk = backup("uefi"), work / "disk.img"
    expect(bmr.restore(source.share, disk, "--for", "lsi-sas"), bmr.DONE, "driver LSI_SAS: Start 3 → 0",
           "driver LSI_SAS: StartOverride → 0")
    files = restored_files(disk, source.facts, work)
    text = subprocess.run(["reglookup", "-p", "ControlSet001/Services/LSI_SAS", files[""]], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    assert "LSI_SAS/Start,DWORD,0x00000000" in text
    assert "StartOverride/0,DWORD,0x00000000" in text


VIRTIO_SCSI = ("PCI\\VEN_1AF4&DEV_1004", "PCI\\VEN_1AF4&DEV_1048&SUBSYS_11001AF4")


def driver_folder(work, **files):
    folder = work / "drivers"
    folder.mkdir()
    for name, data in files.items():
        (folder / name.replace("_", ".")).write_bytes(data)
    return folder


def test_a_given_driver_is_copied_and_started(backup, work):
    source, disk = backup("uefi"), work / "disk.img"
    file = driver.sys_file(Seed(1), "vioscsi")
    folder = driver_folder(
        work, vioscsi_inf=driver.inf("vioscsi", VIRTIO_SCSI), VIOSCSI_SYS=file,
        other_inf=driver.inf("other", VIRTIO_SCSI, "[install.Wdf]\nKmdfService = other, wdf\n"))
    options = ("--for", "virtio-scsi", "--drivers", folder)
    expect(bmr.run("plan", "--from", source.share, "--disk", disk, *options), bmr.DONE,
           "note: driver vioscsi of vioscsi.inf: copied to \\Windows\\System32\\drivers and started at boot",
           "WARNING: driver left out: 'other.inf': it needs a version of the driver framework",
           "note: storage controller virtio-scsi: driver vioscsi will start at boot: vioscsi: absent → given")
    expect(bmr.restore(source.share, disk, *options), bmr.DONE,
           "driver vioscsi: absent → \\Windows\\System32\\drivers\\vioscsi.sys, started at boot",
           "driver left out: 'other.inf'")
    files = restored_files(disk, source.facts, work, ("Windows/System32/drivers/vioscsi.sys",))
    assert files["Windows/System32/drivers/vioscsi.sys"].read_bytes() == file
    text = subprocess.run(["reglookup", files[""]], check=True, stdout=subprocess.PIPE, text=True).stdout
    for line in ("/ControlSet001/Services/vioscsi/Start,DWORD,0x00000000",
                 "/ControlSet001/Services/vioscsi/ImagePath,EXPAND_SZ,System32\\drivers\\vioscsi.sys",
                 "/ControlSet001/Services/vioscsi/Parameters/BusType,DWORD,0x0000000A",
                 "/ControlSet001/Services/vioscsi/Parameters/PnpInterface/5,DWORD,0x00000001",
                 "CriticalDeviceDatabase/PCI#VEN_1AF4&DEV_1004/Service,SZ,vioscsi"):
        assert line in text, text


def test_drivers_that_cannot_be_used_are_refused(backup, work):
    source = backup("uefi")
    folder = driver_folder(work, vioscsi_inf=driver.inf("vioscsi", VIRTIO_SCSI),
                           vioscsi_sys=driver.sys_file(Seed(1), "vioscsi", signed=False))
    expect(bmr.run("plan", "--from", source.share, "--disk", work / "disk.img", "--for", "virtio-scsi", "--drivers",
                   folder), bmr.DONE, "'vioscsi.sys' has no signature in it: a 64-bit Windows does not start it",
           "WARNING: storage controller virtio-scsi: Windows will stop with INACCESSIBLE_BOOT_DEVICE")
    expect(bmr.run("plan", "--from", source.share, "--disk", work / "disk.img", "--drivers", work), bmr.FAILED,
           "no INF file in it")


def test_a_hibernated_windows_is_restored_and_not_changed(work):
    """All that is left is said; the volume is as in the backup."""
    def hibernate(disk, role, files):
        if role == "windows":
            files["hiberfil.sys"] = b"hibr" + bytes(8000)
            files[HIVE] = bcd.system_hive(disk, "SRV01")
    source, disk = machine(work, change=hibernate), work / "new.img"
    result = bmr.restore(source.share, disk, "--volumes", "all", "--ids", "new")
    expect(result, bmr.DONE, "fix-up 'SYSTEM hive' was left, what it looks after stays as in the backup",
           "hibernated): it is not changed")
    assert "MountedDevices: " not in result.output
