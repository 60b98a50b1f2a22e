# SPDX-License-Identifier: GPL-3.0-or-later
"""bmr scan and bmr show on generated sets: what they find must be what the generator meant
(source.json), whatever documents, names and folders are left; and what is damaged, missing,
doubled or contradictory must be said."""

import json
import os
import pathlib
import re
import shutil

import pytest

import bmr
import scenario
import smbd

pytestmark = pytest.mark.needs("root", "fuse", "ntfs-3g", "mcopy")

scenario.SETS.update({
    "scan-uefi": ("--seed", "31"),
    "scan-spelling-2": ("--seed", "32", "--asrsif-spelling", "2", "--nested", "a/b/c/d"),
    "scan-spelling-3": ("--seed", "33", "--asrsif-spelling", "3", "--variant", "server2019",
                        "--sector-size", "4096"),
    "scan-no-asrsif": ("--seed", "34", "--asrsif-spelling", "0", "--msr-mib", "128"),
    "scan-no-xml": ("--seed", "35", "--no-xml", "--dirty-log"),
    "scan-bios-names": ("--seed", "36", "--layout", "bios-mbr", "--image", "vhdx", "--no-xml"),
    "scan-partial-no-xml": ("--seed", "38", "--partial", "--no-xml"),
    "scan-bios-no-xml": ("--seed", "37", "--layout", "bios-mbr", "--no-xml"),
})

ROLES = {"esp": "esp", "windows": "windows", "winre": "recovery", "system": "system"}


def show(source, *options):
    """The one version of the one machine."""
    result = bmr.run("show", source, "--json", *options)
    assert result.status == bmr.DONE, result
    backup = result.json()
    assert len(backup["machines"]) == 1
    machine = backup["machines"][0]
    assert len(machine["versions"]) == 1
    return machine, machine["versions"][0]


def value(item):
    return item["value"] if item else None


def origins(partition) -> dict:
    return {key: item["origin"] for key, item in partition.items()
            if isinstance(item, dict)}


def check_volumes(version, facts, documents: bool):
    """Every partition with an image: found once, with its length, role and health."""
    expected = {os.path.basename(p["image"]): p for p in facts["partitions"] if p["image"]}
    found = {os.path.basename(v["image_path"]): v for v in version["volumes"]}
    assert found.keys() == expected.keys()
    for name, volume in found.items():
        fact = expected[name]
        assert volume["length"] == fact["length"]
        assert volume["role"] == ROLES[fact["role"]]
        assert volume["fs"]["fs"] == fact["filesystem"]
        assert volume["health"] == "whole", volume["reason"]
        if fact["filesystem"] == "ntfs":
            assert volume["used"] == sum(length for _, length in fact["allocated"])
        if documents and fact["letter"]:
            assert value(volume["access_path"]) == fact["letter"]
        if documents and fact["role"] != "esp":
            assert value(volume["volume_guid"]) == fact["volume_guid"]


def check_partition(found, fact, version, gpt: bool):
    assert value(found["offset"]) == fact["offset"]
    assert value(found["length"]) == fact["length"]
    assert value(found["slot"]) == fact["slot"]
    if gpt:
        assert value(found["type"]) == fact["type"]
        assert int(value(found["attributes"]), 16) == int(fact["attributes"], 16)
    else:
        assert int(value(found["mbr_type"]), 16) == int(fact["type"], 0)
        assert bool(value(found["mbr_active"])) == fact["active"]
    if fact["image"]:
        path = version["volumes"][found["volume"]]["image_path"]
        assert os.path.basename(path) == os.path.basename(fact["image"])
        if gpt:
            assert value(found["id"]) == fact["guid"]
    else:
        assert found["volume"] == -1


def check_disk(version, facts):
    """The only disk, partition by partition."""
    assert len(version["disks"]) == 1
    disk = version["disks"][0]
    gpt = facts["style"] == "gpt"
    assert value(disk["style"]) == (2 if gpt else 1)
    assert value(disk["sector_size"]) == facts["sector_size"]
    if gpt:
        assert value(disk["disk_id"]) == facts["disk_guid"]
    else:
        assert int(value(disk["mbr_signature"]), 16) == int(facts["signature"], 16)
    assert len(disk["partitions"]) == len(facts["partitions"])
    by_offset = sorted(facts["partitions"], key=lambda p: p["offset"])
    for found, fact in zip(disk["partitions"], by_offset):
        check_partition(found, fact, version, gpt)
    return disk


# -- all that is there ------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["scan-uefi", "scan-spelling-2", "scan-spelling-3", "bios",
                                  "stale"])
def test_a_set_with_documents_is_understood_completely(backup, name):
    source = backup(name)
    machine, version = show(source.share)
    assert (machine["name"], machine["name_origin"]) == ("SRV01", "asrsif")
    assert version["health"] == "whole"
    assert version["reasons"] == version["notes"] == version["contradictions"] == []
    assert version["uefi"] == (source.facts["firmware"] == "UEFI")
    check_volumes(version, source.facts, True)
    disk = check_disk(version, source.facts)
    assert value(disk["size"]) == source.facts["disk_size"]
    for found, fact in zip(disk["partitions"],
                           sorted(source.facts["partitions"], key=lambda p: p["offset"])):
        assert set(origins(found).values()) == {"asrsif"}
        if source.facts["style"] == "gpt":
            assert value(found["id"]) == fact["guid"]
            assert value(found["name"]) == fact["name"]


def test_the_time_is_in_the_name_of_the_folder(backup):
    source = backup("scan-uefi")
    _, version = show(source.share)
    assert version["time"] == {"value": 1788210000, "origin": "folder-name"}
    assert version["id"] == "08/31/2026-21:00"
    _, version = show(backup("stale").share)
    assert version["time"]["origin"] == "file-time"


# -- less than that ---------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["scan-no-asrsif", "scan-no-xml"])
def test_a_gpt_disk_without_asrsif_is_rebuilt_from_images_and_boot_store(backup, name):
    source = backup(name)
    _, version = show(source.share)
    assert version["health"] == "whole"
    assert version["contradictions"] == []
    assert version["uefi"]
    check_volumes(version, source.facts, name == "scan-no-asrsif")
    disk = check_disk(version, source.facts)
    assert disk["disk_id"]["origin"] == "bcd"
    assert disk["size"] is None
    letter = next(v for v in version["volumes"] if v["role"] == "windows")["access_path"]
    assert letter == {"value": "C:", "origin": "backup-specs" if name == "scan-no-asrsif"
                      else "mounted-devices"}
    esp, msr, windows, _ = disk["partitions"]
    assert origins(esp) == {"slot": "convention", "offset": "boot-sector",
                            "length": "image-table", "type": "convention", "id": "bcd",
                            "attributes": "convention", "name": "convention"}
    assert origins(windows)["id"] == "bcd"
    assert set(origins(msr).values()) == {"convention"}
    assert msr["id"] is None


@pytest.mark.parametrize("name, origin", [("scan-bios-names", "image-name"),
                                          ("scan-bios-no-xml", "bcd")])
def test_an_mbr_disk_without_documents_is_rebuilt(backup, name, origin):
    source = backup(name)
    _, version = show(source.share)
    assert version["health"] == "whole"
    assert version["contradictions"] == []
    assert not version["uefi"]
    check_volumes(version, source.facts, False)
    disk = check_disk(version, source.facts)
    assert disk["mbr_signature"]["origin"] == origin
    assert all(p["offset"]["origin"] == origin for p in disk["partitions"])
    windows = next(v for v in version["volumes"] if v["role"] == "windows")
    assert windows["access_path"] == {"value": "C:", "origin": "mounted-devices"}


def test_a_file_level_backup_is_partial(backup):
    source = backup("partial")
    machine, version = show(source.share)
    assert version["health"] == "partial"
    assert "file-level backup" in version["reasons"][0]
    assert any(reason.startswith("system state only") for reason in version["reasons"]), version["reasons"]
    result = bmr.run("show", source.share, "--version", "latest")
    assert result.status == bmr.FAILED
    assert f"machine '{machine['name']}': no version is whole" in result.errors


def test_a_system_state_backup_is_partial_by_its_files_alone(backup):
    _, version = show(backup("scan-partial-no-xml").share)
    assert version["health"] == "partial"
    assert "file-level backup: 'Windows/System32/ntoskrnl.exe' is not in the image" in \
        version["reasons"][0]


# -- copies that are changed ------------------------------------------------------------------

class Copy:
    """A copy of a set in a folder of any name; images are linked, documents copied."""

    def __init__(self, source, folder):
        self.share = pathlib.Path(folder) / "copy"
        self.set = self.share / "WindowsImageBackup" / "SRV01" / "Backup 2026-08-31 210000"
        self.set.mkdir(parents=True)
        self.facts = source.facts
        for path in (source.folder / source.facts["set"]).iterdir():
            if path.suffix == ".xml":
                shutil.copy(path, self.set / path.name)
            elif path.is_file():
                os.link(path, self.set / path.name)

    def image(self, role: str) -> pathlib.Path:
        fact = next(p for p in self.facts["partitions"] if p["role"] == role)
        return self.set / os.path.basename(fact["image"])

    def document(self, part: str) -> pathlib.Path:
        return next(path for path in self.set.iterdir() if part in path.name)

    def replace(self, part: str, old: str, new: str) -> None:
        """In a document, all occurrences."""
        path = self.document(part)
        text = path.read_bytes()
        assert old.encode("utf-16-le") in text
        path.write_bytes(text.replace(old.encode("utf-16-le"), new.encode("utf-16-le")))


@pytest.fixture(name="copy")
def copy_fixture(backup, work):
    return Copy(backup("scan-uefi"), work)


def expect_health(share, health, *words):
    _, version = show(share)
    assert version["health"] == health, version["reasons"]
    text = "\n".join(version["reasons"])
    for word in words:
        assert word in text, text
    return version


def test_documents_in_utf8_are_read_too(copy):
    for path in copy.set.glob("*.xml"):
        text = path.read_bytes().decode("utf-16-le").rstrip("\0")
        path.write_text(text, encoding="utf-8-sig", newline="")
    _, version = show(copy.share)
    assert version["health"] == "whole"
    check_disk(version, copy.facts)


def test_a_truncated_image_is_damaged(copy):
    image = copy.image("windows")
    length = image.stat().st_size
    image.unlink()
    scenario.copy_sparse(scenario.backup_set("scan-uefi").images()["windows"], image)
    os.truncate(image, length // 2)
    version = expect_health(copy.share, "damaged", "volume C: is damaged: ", image.name)
    damaged = [v for v in version["volumes"] if v["health"] == "damaged"]
    assert [os.path.basename(v["image_path"]) for v in damaged] == [image.name]


def test_an_image_that_the_documents_list_but_is_missing_is_told(copy):
    copy.image("winre").unlink()
    guid = copy.image("winre").stem
    expect_health(copy.share, "damaged",
                  f"BackupSpecs.xml lists volume {{{guid}}}, but its image is missing")


def test_a_set_without_any_image_is_damaged(copy):
    for role in ("esp", "windows", "winre"):
        copy.image(role).unlink()
    expect_health(copy.share, "damaged", "no image of a volume")


def test_a_missing_efi_system_partition_is_told(copy):
    copy.image("esp").unlink()
    expect_health(copy.share, "partial", "no image of the EFI system partition")


def test_half_written_documents_are_told(copy):
    document = copy.document("_Components")
    document.write_bytes(document.read_bytes()[:3000])
    expect_health(copy.share, "damaged", document.name, "AsrSif begins, but does not end")


def test_two_images_of_one_volume_are_told(copy):
    os.link(copy.image("windows"), copy.set / "C - copy.vhdx")
    version = expect_health(copy.share, "damaged", "two candidates for volume C:")
    fatal = [c for c in version["contradictions"] if c["fatal"]]
    assert {os.path.basename(fatal[0]["value_a"]), os.path.basename(fatal[0]["value_b"])} == {
        copy.image("windows").name, "C - copy.vhdx"}


def test_two_images_of_one_volume_are_told_without_documents(backup, work):
    copy = Copy(backup("scan-no-xml"), work)
    os.link(copy.image("windows"), copy.set / "C - copy.vhdx")
    expect_health(copy.share, "damaged", "two candidates for volume ")


def test_a_length_that_differs_is_fatal(copy):
    fact = next(p for p in copy.facts["partitions"] if p["role"] == "windows")
    copy.replace("_Components", str(fact["length"]), str(fact["length"] + 4096))
    version = expect_health(copy.share, "damaged", "contradictory evidence",
                            "partition of C: on disk 0: length")
    assert [c for c in version["contradictions"] if c["fatal"]][0] | {"what": ""} == {
        "what": "", "value_a": str(fact["length"] + 4096), "a": "asrsif",
        "value_b": str(fact["length"]), "b": "image-table", "fatal": True}


def test_a_disk_id_that_the_boot_store_does_not_know_is_fatal(copy):
    other = "00112233-4455-4677-8899-aabbccddeeff"
    copy.replace("_Components", copy.facts["disk_guid"], other)
    version = expect_health(copy.share, "damaged", "disk 0: id")
    assert {(c["a"], c["b"], c["fatal"]) for c in version["contradictions"]} == {
        ("asrsif", "bcd", True), ("asrsif", "asr-writer", False)}


def test_an_offset_that_the_boot_sector_does_not_know_is_a_note(copy):
    fact = next(p for p in copy.facts["partitions"] if p["role"] == "winre")
    copy.replace("_Components", str(fact["offset"]), str(fact["offset"] - (1 << 20)))
    _, version = show(copy.share)
    assert version["health"] == "whole"
    assert [(c["a"], c["b"], c["fatal"]) for c in version["contradictions"]] == [
        ("asrsif", "boot-sector", False)]


def test_documents_with_a_dtd_are_refused(copy):
    path = copy.document("BackupSpecs")
    text = path.read_bytes().decode("utf-16-le")
    path.write_bytes(("<!DOCTYPE x [<!ENTITY e 'x'>]>" + text).encode("utf-16-le"))
    expect_health(copy.share, "damaged", "has a DTD")


# -- names ------------------------------------------------------------------------------------

def test_loose_images_without_extension_are_found_by_content(backup, work):
    source = backup("scan-uefi")
    folder = work / "x" / "whatever"
    folder.mkdir(parents=True)
    for role, name in (("esp", "first"), ("windows", "second"), ("winre", "third")):
        os.link(source.images()[role], folder / name)
    shutil.copy(source.folder / source.facts["set"] / "BackupSpecs.xml", folder)
    _, version = show(work)
    assert version["health"] == "whole"
    assert {v["role"] for v in version["volumes"]} == {"esp", "windows", "recovery"}
    assert value(version["disks"][0]["disk_id"]) == source.facts["disk_guid"]


def test_loose_images_alone_are_a_set(backup, work):
    source = backup("scan-uefi")
    folder = work / "loose"
    folder.mkdir()
    for role, image in source.images().items():
        os.link(image, folder / f"{role}.VHDX")
    machine, version = show(work)
    assert (machine["name"], machine["name_origin"]) == ("loose", "folder-name")
    assert version["health"] == "whole"
    assert len(version["disks"][0]["partitions"]) == 4


def test_disks_of_virtual_machines_are_no_backups(work):
    disk = scenario.gpt_disk(work / "disk.img", 256 << 20)
    vhdx = work / "share" / "server.vhdx"
    vhdx.parent.mkdir()
    scenario.tools.run(["qemu-img", "convert", "-O", "vhdx", disk, vhdx])
    result = bmr.run("scan", work / "share")
    assert result.status == bmr.FAILED
    assert "no backup in 1 folders with 1 files; choose the folder that holds " \
           "WindowsImageBackup or a folder above it" in result.errors


def test_hostile_names_do_not_reach_the_terminal(backup, work):
    folder = work / "evil \x1b[2J\u0085 name"
    folder.mkdir()
    for role, image in backup("scan-no-xml").images().items():
        os.link(image, folder / f"{role} \x1b]0;x\x07.vhdx")
    for command in ("scan", "show"):
        result = bmr.run(command, work)
        assert result.status == bmr.DONE
        assert "evil ?[2J? name" in result.output
        assert not set(result.output) & {"\x1b", "\x07", "\u0085"}


# -- choosing ---------------------------------------------------------------------------------

@pytest.fixture(name="several")
def several_fixture(backup, work):
    """Two machines; SRV01 has two versions, the newer one partial."""
    share = work / "several"
    for name, path in (("scan-no-xml", "SRV01/Backup 2026-08-01 030000"),
                       ("scan-bios-no-xml", "PC7/Backup 2026-08-02 030000")):
        (share / path).mkdir(parents=True)
        for image in backup(name).images().values():
            os.link(image, share / path / image.name)
    newer = share / "SRV01" / "Backup 2026-08-03 040000"
    newer.mkdir()
    for role in ("windows", "winre"):
        image = backup("scan-no-xml").images()[role]
        os.link(image, newer / image.name)
    return share


def test_a_machine_must_be_named_where_there_are_several(several):
    result = bmr.run("show", several)
    assert result.status == bmr.FAILED
    assert "backups of 2 machines, name one of them: 'PC7', 'SRV01'" in result.errors
    result = bmr.run("show", several, "--machine", "nobody")
    assert "no backup of machine 'nobody'; there are: 'PC7', 'SRV01'" in result.errors
    assert show(several, "--machine", "pc7")[0]["name"] == "PC7"


@pytest.mark.parametrize("wanted, got", [
    ("newest", "08/03/2026-04:00"), ("latest", "08/01/2026-03:00"),
    ("08/01/2026-03:00", "08/01/2026-03:00"), ("2026-08-03T04:00Z", "08/03/2026-04:00")])
def test_a_version_is_chosen_by_time_or_health(several, wanted, got):
    assert show(several, "--machine", "SRV01", "--version", wanted)[1]["id"] == got


def test_a_version_that_is_not_there_or_not_a_time_is_told(several):
    result = bmr.run("show", several, "--machine", "SRV01", "--version", "2026-08-03T04:01Z")
    assert result.status == bmr.FAILED
    assert "machine 'SRV01': no version '2026-08-03T04:01Z'" in result.errors
    result = bmr.run("show", several, "--machine", "SRV01", "--version", "yesterday")
    assert "version 'yesterday': write latest, 2026-08-31T21:00Z, 08/31/2026-21:00" in result.errors


def test_two_versions_of_one_minute_are_told_apart_by_their_folders(several):
    twin = several / "moved" / "SRV01"
    shutil.copytree(several / "SRV01", twin, copy_function=os.link)
    result = bmr.run("show", several, "--machine", "SRV01", "--version", "08/01/2026-03:00")
    assert result.status == bmr.FAILED
    folders = ["SRV01/Backup 2026-08-01 030000", "moved/SRV01/Backup 2026-08-01 030000"]
    assert f"'{folders[0]}' and '{folders[1]}': give the folder of one of them" in result.errors
    for folder in folders:
        assert show(several, "--machine", "SRV01", "--version", folder)[1]["path"] == folder


def test_a_recovery_of_dpm_is_found_several_folders_deep(backup, work):
    """DPM's "Copy to a network folder" keeps the path on the server below folders of its own."""
    place = work / "recovered" / "DPM_8-31-2026_21.0.5" / "DPM_Recovered_At_9-1-2026" / \
        "SRV01_contoso.local" / "Bare Metal Recovery" / "D-Vol" / "WindowsImageBackup"
    place.parent.mkdir(parents=True)
    shutil.copytree(backup("scan-no-xml").share / "WindowsImageBackup", place,
                    copy_function=os.link)
    name, version = show(work / "recovered")[0]["name"], show(work / "recovered")[1]
    assert name == "SRV01"
    assert version["health"] == "whole", version
    assert version["path"].startswith(str(place.relative_to(work / "recovered")))


def test_scan_lists_machines_and_versions(several):
    result = bmr.run("scan", several)
    assert result.status == bmr.DONE
    lines = result.output.splitlines()
    assert lines[0] == "PC7"
    assert lines[4] == "SRV01"
    assert lines[5].startswith("  2026-08-03 04:00 UTC  partial    2 volumes")
    machines = bmr.run("scan", several, "--json").json()["machines"]
    assert [(m["name"], len(m["versions"])) for m in machines] == [("PC7", 1), ("SRV01", 2)]


@pytest.mark.parametrize("name", ["scan-uefi", "scan-no-xml", "bios", "partial"])
def test_text_is_at_most_80_columns_wide(backup, name):
    for command in ("scan", "show"):
        result = bmr.run(command, backup(name).share)
        assert result.status == bmr.DONE
        assert [line for line in result.output.splitlines() if len(line) > 80] == []


# -- wrong sources ----------------------------------------------------------------------------

def test_a_folder_without_backup_names_the_next_step(work):
    (work / "a" / "b").mkdir(parents=True)
    (work / "a" / "file.txt").write_text("x")
    result = bmr.run("scan", work)
    assert result.status == bmr.FAILED
    assert f"'{work}': no backup in 3 folders with 1 files; choose the folder that holds " \
           "WindowsImageBackup or a folder above it" in result.errors


def test_a_folder_that_does_not_exist_is_told(work):
    result = bmr.run("scan", work / "nothing")
    assert result.status == bmr.FAILED
    assert "nothing" in result.errors


@pytest.mark.parametrize("arguments, words", [
    (("scan",), "SOURCE is missing"),
    (("scan", "/", "/"), "one SOURCE, not several"),
    (("scan", "/", "--machine", "x"), "unknown option"),
    (("show", "/", "--version"), "without its value"),
])
def test_usage_errors_are_told(arguments, words):
    result = bmr.run(*arguments)
    assert result.status == bmr.USAGE
    assert words in result.errors


# -- a share ----------------------------------------------------------------------------------

def comparable(text: str) -> dict:
    """Without the source's name, and times as SMB has them: in steps of 100 ns."""
    text = re.sub(r'"mtime_ns": (\d+)\d\d\b', r'"mtime_ns": \g<1>00', text)
    return {**json.loads(text), "source": ""}


@pytest.mark.needs("smbd")
def test_a_share_shows_the_same_as_the_folder(backup):
    share = backup("scan-uefi").share
    with smbd.PrivateSamba({"backups": share}) as server:
        result = bmr.run("show", server.url("backups"), "--credentials", server.credentials,
                         "--json")
    assert result.status == bmr.DONE, result
    local = bmr.run("show", share, "--json")
    assert comparable(result.output) == comparable(local.output)
