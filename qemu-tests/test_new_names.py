# SPDX-License-Identifier: GPL-3.0-or-later
"""Partitions that get other ids or another place: everything on the restored volumes that names
them follows. Read back by hivexml, hivexsh and a decoder of our own (boot_names.py)."""

import re
import shutil
import subprocess
import uuid

import pytest

import bmr
import boot_names
import generator.compare
import scenario
from generator import bcd, tools
from generator.seeded import Seed
from scenario import MIB
from test_fit import expect, read_table

pytestmark = pytest.mark.needs("root", "fuse", "ntfs-3g", "ntfsresize", "sfdisk", "mcopy", "fsck.fat",
                               "hivexml", "hivexsh")

REAGENT = "Windows/System32/Recovery/ReAgent.xml"
SYSTEM = "Windows/System32/config/SYSTEM"
STORES = ("EFI/Microsoft/Boot/BCD", "EFI/Microsoft/Recovery/BCD", "Boot/BCD")


def read_all(disk, facts, table, work) -> dict:
    """Role to the files of interest. `table`: as read_table gives it."""
    found = {}
    for p in facts["partitions"]:
        if not p["image"]:
            continue
        offset, length, _ = table[p["slot"]]
        volume = work / "volume"
        generator.compare.extract(disk, offset, length, volume)
        names = STORES if p["role"] in ("esp", "system") else (REAGENT, SYSTEM)
        found[p["role"]] = boot_names.read_files(volume, p["filesystem"], names)
        volume.unlink()
    return found


def disk_names(disk, facts, table) -> dict:
    """Slot to what others call its partition."""
    text = facts["sfdisk"] if disk is None else tools.run(["sfdisk", "-d", disk])
    label = re.search(r"label-id: *(\S+)", text).group(1)
    if facts["style"] == "mbr":
        return {slot: boot_names.mbr_name(int(label, 16), offset)
                for slot, (offset, _, _) in table.items()}
    ids = {slot: re.search(r"uuid=([0-9A-F-]+)", rest).group(1)
           for slot, (_, _, rest) in table.items()}
    return {slot: boot_names.gpt_name(uuid.UUID(label), uuid.UUID(value))
            for slot, value in ids.items()}


def stores(files: dict, work) -> dict:
    return {(role, name): boot_names.store_names(data, work)
            for role, found in files.items() for name, data in found.items() if name in STORES}


def check_all_follow(disk, backup, work):
    """Every name in the stores, and ReAgent.xml, is that of the same partition as before."""
    facts = backup.facts
    source = backup.folder / facts["disk"]
    before_table, after_table = read_table(source, 512), read_table(disk, 512)
    old = disk_names(source, facts, before_table)
    new = disk_names(disk, facts, after_table)
    slot_of = {name: slot for slot, name in old.items()}
    whole = work / "source.img"
    generator.compare.assemble_disk(backup.folder, facts, whole)
    before = read_all(whole, facts, before_table, work)
    whole.unlink()
    after = read_all(disk, facts, after_table, work)
    expected = {store: {where: [new[slot_of[name]] for name in names]
                        for where, names in elements.items()}
                for store, elements in stores(before, work).items()}
    assert expected, "no store was found"
    assert stores(after, work) == expected
    check_mounted(before["windows"][SYSTEM], after["windows"][SYSTEM], old, new, work)
    if REAGENT in before["windows"]:
        winre = backup.partition("winre")["slot"]
        wanted = (*new[winre][:2], after_table[winre][0])
        assert boot_names.reagent_name(after["windows"][REAGENT]) == wanted
    return old, new, before, after


def check_mounted(before: bytes, after: bytes, old, new, work):
    """Drive letters and volumes lead to the same partitions."""
    def by_partition(names):
        return {name[:1] + name[2:] if name[0] == "gpt" else name: slot
                for slot, name in names.items()}

    def slots(hive, names):
        return {name: names[value] for name, value in boot_names.mounted_names(hive, work).items()}

    assert slots(after, by_partition(new)) == slots(before, by_partition(old))


def test_new_ids_are_everywhere_on_a_gpt_disk(backup, work):
    uefi, disk = backup("uefi"), work / "new.img"
    expect(bmr.restore(uefi.share, disk, "--ids", "new"), bmr.DONE,
           "'Windows Boot Manager' device, 'Windows Memory Diagnostic' device: partition {", " → partition {",
           "ReAgent.xml: WinreLocation: byte ")
    old, new, _, after = check_all_follow(disk, uefi, work)
    assert not set(old.values()) & set(new.values()), "some ids are the old ones"
    every = b"".join(data for found in after.values() for data in found.values())
    for _, *ids in old.values():
        for text in ids:
            assert uuid.UUID(text).bytes_le not in every, f"{text} is still somewhere"
    esp = uefi.partition("esp")
    assert boot_names.firmware_copy(after["esp"][STORES[0]], work) == (
        esp["slot"], esp["first_lba"], esp["sectors"], new[esp["slot"]][2])
    expect(bmr.verify(uefi.share, disk, "--ids", "new"), bmr.DONE)
    check_by_hivexsh(after["esp"][STORES[0]], new[uefi.partition("esp")["slot"]], work)


def check_by_hivexsh(store: bytes, name, work):
    """The boot manager's device, as another program reads it."""
    path = work / "BCD"
    path.write_bytes(store)
    commands = ("cd \\Objects\\{9dea862c-5cdd-4e70-acc1-f32b344d4795}\\Elements\\11000001\n"
                "lsval Element\n")
    element = subprocess.run(["hivexsh", path], input=commands.encode(), capture_output=True,
                             check=True).stdout
    assert boot_names.element_names(element) == [name]


def test_stores_follow_a_recovery_partition_that_moves_on_an_mbr_disk(backup, work):
    bios, disk = backup("bios-10"), work / "larger.img"
    scenario.blank_disk(disk, bios.facts["disk_size"] + 64 * MIB)
    expect(bmr.restore(bios.share, disk, "--grow", "C:"), bmr.DONE,
           "\\Boot\\BCD: 'Windows Recovery' ramdisksdidevice", "partition at byte ")
    old, new, before, _ = check_all_follow(disk, bios, work)
    slot = bios.partition("winre")["slot"]
    assert old[slot] != new[slot]
    assert old[bios.partition("windows")["slot"]] == new[bios.partition("windows")["slot"]]
    assert before["system"], "nothing was compared"


def test_nothing_is_changed_where_nothing_moved(backup, work):
    uefi, disk = backup("uefi"), work / "same.img"
    result = bmr.restore(uefi.share, disk)
    expect(result, bmr.DONE)
    assert "BCD" not in result.output and "ReAgent" not in result.output, result
    _, _, before, after = check_all_follow(disk, uefi, work)
    assert before == after


def test_a_store_that_was_not_written_to_its_end_is_completed_first(work):
    source = scenario.generate_by(("--seed", "19", "--hive-logs", "old"), work / "set")
    disk = work / "new.img"
    expect(bmr.restore(source.share, disk, "--ids", "new"), bmr.DONE,
           "\\EFI\\Microsoft\\Boot\\BCD: was not written to its end; completed from its log")
    table = read_table(disk, 512)
    names = disk_names(disk, source.facts, table)
    offset, length, _ = table[source.partition("esp")["slot"]]
    volume = work / "volume"
    generator.compare.extract(disk, offset, length, volume)
    files = boot_names.read_files(volume, "fat32", (STORES[0], STORES[0] + ".LOG"))
    store = files[STORES[0]]
    assert store[4:8] == store[8:12], "still dirty"
    assert files.get(STORES[0] + ".LOG", b"") == b"", "the log is older than the store"
    found = boot_names.store_names(store, work)
    assert found[(bcd.new_ids(Seed(19)).virtual, "21000001")] == [names[source.partition("windows")["slot"]]]
    assert {n for elements in found.values() for n in elements} <= set(names.values())


def test_a_store_without_a_boot_manager_stays_as_it_is_and_the_others_follow(backup, work):
    uefi, disk, share = backup("uefi"), work / "new.img", work / "share"
    manager = b"{9dea862c-5cdd-4e70-acc1-f32b344d4795}"
    shutil.copytree(uefi.share, share)
    image = share / uefi.images()["esp"].relative_to(uefi.share)
    data = image.read_bytes()
    assert data.count(manager) == 2, "one in each store"
    image.write_bytes(data.replace(manager, b"{8" + manager[2:], 1))
    expect(bmr.restore(share, disk, "--ids", "new"), bmr.DONE,
           "BCD stays as in the backup: '\\EFI\\Microsoft\\Boot\\BCD': it has no boot manager",
           "\\EFI\\Microsoft\\Recovery\\BCD: ")
    table = read_table(disk, 512)
    new = set(disk_names(disk, uefi.facts, table).values())
    files = read_all(disk, uefi.facts, table, work)["esp"]
    names = {name: {n for elements in boot_names.store_names(files[name], work).values() for n in elements}
             for name in STORES[:2]}
    assert not names[STORES[0]] & new and names[STORES[1]] <= new
