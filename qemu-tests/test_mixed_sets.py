# SPDX-License-Identifier: GPL-3.0-or-later
"""Several sets in one folder, as somebody leaves them who collects what is left: told apart by what
images and documents say, and by times where nothing else can."""

import os

import pytest

import bmr
import compare
import scenario
import test_scan  # noqa: F401  (its sets are used here)

pytestmark = pytest.mark.needs("root", "fuse", "ntfs-3g", "sgdisk", "sfdisk", "mcopy", "fsck.fat")

DAY = 86400


def put(source, folder, suffix: str = "", later: int = 0) -> set:
    """The set's files, flat, with a suffix before the extension and another time; returns names
    of images."""
    folder.mkdir(exist_ok=True)
    images = set()
    for path in (source.folder / source.facts["set"]).iterdir():
        if not path.is_file():
            continue
        target = folder / f"{path.stem}{suffix}{path.suffix}"
        if suffix and "_" in path.stem and path.suffix == ".xml":
            target = folder / path.name
        if later or path.suffix == ".xml":
            scenario.copy_sparse(path, target)
        else:
            os.link(path, target)
        when = path.stat().st_mtime + later
        if later or path.suffix == ".xml":
            os.utime(target, (when, when))
        if path.suffix.startswith(".vhd"):
            images.add(target.name)
    return images


def machines(folder) -> list:
    result = bmr.run("scan", folder, "--json")
    assert result.status == bmr.DONE, result
    return result.json()["machines"]


def images_of(version) -> set:
    return {os.path.basename(volume["image_path"]) for volume in version["volumes"]}


def test_two_machines_without_documents_are_told_apart_and_come_back(backup, work):
    uefi, bios = backup("scan-no-xml"), backup("scan-bios-no-xml")
    sets = [put(uefi, work / "heap"), put(bios, work / "heap", " (2)")]
    found = machines(work / "heap")
    assert [len(machine["versions"]) for machine in found] == [1, 1], found
    versions = [machine["versions"][0] for machine in found]
    assert sorted(map(sorted, map(images_of, versions))) == sorted(map(sorted, sets))
    for version in versions:
        assert version["health"] == "whole", version["reasons"]
        assert any("2 sets of 2 machines lie in this folder" in note for note in version["notes"])
    name = next(machine["name"] for machine in found
                if images_of(machine["versions"][0]) == sets[1])
    disk = scenario.blank_disk(work / "disk.img", bios.facts["disk_size"])
    result = bmr.restore(work / "heap", disk, "--machine", name)
    assert result.status == bmr.DONE, result
    assert compare.differences(disk, bios) == []


def test_documents_go_to_the_set_whose_volumes_they_list(backup, work):
    uefi, bios = backup("scan-uefi"), backup("bios")
    sets = [put(uefi, work / "heap"), put(bios, work / "heap", " (2)")]
    versions = [version for machine in machines(work / "heap") for version in machine["versions"]]
    assert sorted(map(sorted, map(images_of, versions))) == sorted(map(sorted, sets))
    for version in versions:
        assert version["health"] == "whole", version["reasons"]
        assert version["disks"][0]["size"]["origin"] == "asrsif", version["disks"]
        assert not [c for c in version["contradictions"] if c["fatal"]]


def test_two_states_of_one_machine_are_told_apart_by_time(backup, work):
    source = backup("scan-no-xml")
    sets = [put(source, work / "heap"), put(source, work / "heap", " - Copy", DAY)]
    machine, = machines(work / "heap")
    new, old = machine["versions"]
    assert (images_of(old), images_of(new)) == tuple(sets)
    assert new["time"]["value"] - old["time"]["value"] == DAY
    assert new["health"] == old["health"] == "whole", (new["reasons"], old["reasons"])
    assert any("1 machine lie in this folder; told apart by what their images and documents say, "
               "and by the times of the files" in note for note in new["notes"]), new["notes"]


def test_two_states_without_times_stay_a_contradiction_with_both_images(backup, work):
    source = backup("scan-no-xml")
    put(source, work / "heap")
    put(source, work / "heap", " - Copy", 1)
    machine, = machines(work / "heap")
    version, = machine["versions"]
    assert version["health"] == "damaged"
    pairs = [{os.path.basename(c["value_a"]), os.path.basename(c["value_b"])}
             for c in version["contradictions"] if c["what"].startswith("two candidates")]
    name = source.images()["windows"].name
    assert {name, name.replace(".vhdx", " - Copy.vhdx")} in pairs
