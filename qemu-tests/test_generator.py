# SPDX-License-Identifier: GPL-3.0-or-later
"""The generator judged by outside programs: qemu-img, libvhdi, sfdisk, sgdisk, ntfs-3g's tools,
fsck.fat, hivex, reglookup. What it makes is test input for everything else."""

import base64
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import uuid
import xml.etree.ElementTree as ElementTree

import pytest

import make_backup
from generator import asr, bcd, compare, damaged, disk, documents, hive, layouts, ntfs, seeded
from generator import tools, vhd, vhdx
from generator.content import Content
from generator.crc32c import crc32c


def need(*programs):
    for program in programs:
        try:
            tools.find_tool(program)
        except tools.ToolError as error:
            pytest.skip(str(error))


def sha256_file(path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make(folder, *arguments):
    out = folder / "out"
    assert make_backup.main([str(out), *arguments]) == 0
    return out, compare.load(out)


@pytest.fixture(scope="session")
def uefi(tmp_path_factory):
    return make(tmp_path_factory.mktemp("uefi"), "--seed", "7")


@pytest.fixture(scope="session")
def bios(tmp_path_factory):
    return make(tmp_path_factory.mktemp("bios"), "--layout", "bios-mbr", "--seed", "8")


@pytest.fixture(scope="session")
def large_sectors(tmp_path_factory):
    """4096-byte sectors, and what else does not need a full C: drive."""
    return make(tmp_path_factory.mktemp("4096"), "--sector-size", "4096", "--partial", "--nested",
                "dpm/restored/today", "--variant", "server2019", "--bootmgr", __file__)


@pytest.fixture(scope="session")
def odd_folders(tmp_path_factory):
    """Dirty logs and old data, loose images under other names."""
    return make(tmp_path_factory.mktemp("odd"), "--partial", "--dirty-log", "--renamed",
                "--no-xml", "--stale", "--block-mib", "32", "--msr-mib", "128")


@pytest.fixture(scope="session")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets") / "out"
    damaged.make_sets(folder, 1)
    return folder


@pytest.fixture(scope="session")
def source_disk(uefi, tmp_path_factory):
    """The source disk of the UEFI set, tables and volumes together."""
    out, facts = uefi
    target = tmp_path_factory.mktemp("disk") / "disk.raw"
    compare.assemble_disk(out, facts, target)
    return target


def with_image(facts):
    return [p for p in facts["partitions"] if p["image"]]


def qemu_raw(image, folder, replay=False):
    """What qemu-img reads from an image. `replay`: let it replay the log, on a copy."""
    need("qemu-img")
    kind = "vpc" if str(image).endswith(".vhd") else "vhdx"
    raw, copy = folder / "raw", folder / "copy"
    if replay:
        subprocess.run(["cp", "--sparse=always", image, copy], check=True)
        tools.run(["qemu-img", "check", "-T", "unsafe", "-r", "all", "-f", kind, copy])
        image = copy
    tools.run(["qemu-img", "convert", "-t", "unsafe", "-f", kind, "-O", "raw", image, raw])
    return raw


def binary_value(path, place: str, name: str) -> bytes:
    """A value of a hive as libhivex reads it; `place`: keys with slashes."""
    need("hivexml")
    node = ElementTree.fromstring(tools.run(["hivexml", path])).find("node")
    for part in place.split("/"):
        node = next(n for n in node.findall("node") if n.get("name") == part)
    value = next(v for v in node.findall("value") if v.get("key") == name)
    assert value.get("encoding") == "base64"
    return base64.b64decode(value.get("value") or "")


# -- parts ----------------------------------------------------------------------------------

def test_crc32c_gives_the_published_check_value():
    assert crc32c(b"123456789") == 0xE3069283


def test_vhd_sizes_are_those_of_the_real_windows_7_set():
    """FORMAT.md sections 1, 2 and 4.1: lengths, blocks present and file sizes of one machine."""
    for length, blocks, present, file_size in ((104857600, 51, 18, 37761024),
                                               (15999172608, 7630, 2583, 5418299392)):
        size = vhd.disk_size(length)
        assert -(-size // (2 << 20)) == blocks
        table = -(-blocks * 4 // 512) * 512
        assert 512 + 1024 + table + present * (512 + (2 << 20)) + 512 + 512 == file_size
        cylinders, heads, sectors = vhd.geometry(size // 512)
        assert cylinders * heads * sectors * 512 == size


def test_vhd_files_are_as_long_as_their_parts_and_one_sector(bios):
    out, facts = bios
    for partition in with_image(facts):
        data = (out / partition["image"]).read_bytes()
        blocks = -(-vhd.disk_size(partition["length"]) // (2 << 20))
        table = struct.unpack_from(f">{blocks}I", data, 1536)
        present = sum(entry != 0xFFFFFFFF for entry in table)
        size = 512 + 1024 + -(-blocks * 4 // 512) * 512 + present * (512 + (2 << 20)) + 1024
        assert 0 < present < blocks and len(data) == size
        assert data[-512:] == data[:512] and data[28:40] == b"vsim\0\1\0\1Wi2k"
        assert data[84] == 1, "the saved-state byte"


def test_image_names_carry_signature_and_offset():
    name = layouts.signature_guid(0x9546E6C7, 1 << 20)
    assert str(name) == "9546e6c7-0000-0000-0000-100000000000"
    assert str(layouts.signature_guid(0xC3C7F9C3, 501 << 20)) == (
        "c3c7f9c3-0000-0000-0000-501f00000000")


def test_table_entries_of_vhdx_leave_room_for_sector_bitmaps():
    options = vhdx.Options(block_size=32 << 20)
    assert vhdx.chunk_ratio(options) == 128
    assert vhdx.bat_index(127, options) == 127
    assert vhdx.bat_index(128, options) == 129
    assert vhdx.bat_entries(128 * (32 << 20), options) == 128
    assert vhdx.bat_entries(128 * (32 << 20) + 1, options) == 130


def test_dumps_do_not_depend_on_the_name_of_the_disk():
    for name in ("/dev/sda1", "/dev/nvme0n1p1", "disk.img1", "/tmp/a/disk0p1"):
        text = f"label: gpt\ndevice: /dev/x\n\n{name} : start=        2048, size=  1\n"
        assert disk.normal_dump(text) == "label: gpt\n\np1 : start=        2048, size=  1\n"


@pytest.mark.parametrize("minor", (3, 5))
def test_hivex_and_reglookup_read_a_hive_of_all_shapes(tmp_path, minor):
    """Split indexes, values of all sizes and types, names beyond Latin-1."""
    need("hivexml", "reglookup")
    root = hive.Key("ROOT")
    for number in range(1200):
        root.key(f"many\\key {number}").put("number", hive.REG_DWORD, number)
    large = seeded.Seed(1).bytes("large value", 40000)
    place = root.key("types")
    place.put("", hive.REG_SZ, "default")
    place.put("binary", hive.REG_BINARY, large[:9000])
    place.put("several", hive.REG_MULTI_SZ, ["one", "two"])
    place.put("wide", hive.REG_QWORD, 1 << 40)
    place.put("none", hive.REG_BINARY, b"")
    if minor >= 4:
        place.put("large", hive.REG_BINARY, large)
    root.key("Ünï Ω")
    path = tmp_path / "hive"
    path.write_bytes(hive.write(root, minor))
    tree = ElementTree.fromstring(tools.run(["hivexml", path]))
    names = [node.get("name") for node in tree.iter("node")]
    assert len(names) == 1200 + 4 and "Ünï Ω" in names
    values = {value.get("key"): value for value in tree.iter("value")}
    assert [s.text for s in values["several"].findall("string")][:2] == ["one", "two"]
    assert values["wide"].get("value") == str(1 << 40)
    assert binary_value(path, "types", "binary") == large[:9000]
    assert binary_value(path, "types", "none") == b""
    if minor >= 4:
        assert binary_value(path, "types", "large") == large
    listing = tools.run(["reglookup", path])
    assert "/many/key 1199/number,DWORD,0x000004AF" in listing
    assert listing.count(",KEY,") == 1200 + 4


def test_attributes_of_documents_keep_raw_line_ends_and_are_well_formed():
    layout = layouts.bios_mbr(seeded.Seed(1), layouts.PROFILES["small"], True)
    text = documents.asr_writer(layout, seeded.Seed(1))
    assert "\r\n" in text and "Datenträger" in text
    ElementTree.fromstring(text)


# -- the UEFI set ---------------------------------------------------------------------------

def test_partition_tables_satisfy_sgdisk(uefi):
    need("sgdisk")
    out, facts = uefi
    report = tools.run(["sgdisk", "-v", out / facts["disk"]])
    assert "No problems found" in report
    listing = tools.run(["sgdisk", "-p", out / facts["disk"]])
    assert facts["disk_guid"].upper() in listing
    for attributes in ("GUID:63", "RequiredPartition GUID:63"):
        assert f'attrs="{attributes}"' in facts["sfdisk"]


def test_qemu_reads_every_image_as_the_hashes_say(uefi, bios, tmp_path):
    for out, facts in (uefi, bios):
        for partition in with_image(facts):
            raw = qemu_raw(out / partition["image"], tmp_path)
            assert sha256_file(raw) == partition["image_disk_sha256"], partition["image"]
            volume = tmp_path / "volume"
            compare.extract(raw, partition["image_offset"], partition["length"], volume)
            assert sha256_file(volume) == partition["sha256"], partition["image"]


def test_the_images_hold_a_small_disk_with_one_volume(uefi, tmp_path):
    need("sgdisk")
    out, facts = uefi
    raw = qemu_raw(out / with_image(facts)[0]["image"], tmp_path)
    assert "No problems found" in tools.run(["sgdisk", "-v", raw])
    dump = disk.dump_table(raw, 512)
    assert dump.count("start=") == 2
    assert "start=          34, size=       32734" in dump and str(disk.MSR).upper() in dump


def test_ntfs_volumes_are_sound_and_know_their_place(uefi, bios):
    need("ntfsfix", "ntfsinfo")
    for out, facts in (uefi, bios):
        for partition in with_image(facts):
            if partition["filesystem"] != "ntfs":
                continue
            raw = out / partition["raw"]
            assert "processed successfully" in tools.run(["ntfsfix", "-n", raw])
            with open(raw, "rb") as file:
                boot = file.read(512)
                file.seek(-512, os.SEEK_END)
                assert file.read() == boot, "no copy of the boot sector at the end"
            assert struct.unpack_from("<I", boot, 0x1C)[0] == partition["first_lba"]


def test_the_system_partition_is_fat32_and_clean(uefi):
    need("fsck.fat", "mdir")
    out, facts = uefi
    partition = next(p for p in facts["partitions"] if p["role"] == "esp")
    raw = out / partition["raw"]
    tools.run(["fsck.fat", "-n", raw])
    with open(raw, "rb") as file:
        boot = file.read(512)
    assert boot[82:87] == b"FAT32" and struct.unpack_from("<I", boot, 28)[0] == 2048
    assert not any(e["path"] == "EFI/Boot/bootx64.efi" for e in partition["files"])


def test_the_manifest_holds_every_kind_of_file(uefi):
    _, facts = uefi
    windows = next(p for p in facts["partitions"] if p["role"] == "windows")
    files = windows["files"]
    assert len(files) >= 2000
    assert sum(e.get("size", 0) for e in files if not e.get("sparse")) > 40 << 20
    for fact in ("streams", "compressed", "sparse", "hard_link_of", "reparse"):
        assert any(fact in e for e in files), fact
    assert {"junction", "symlink"} <= {e["type"] for e in files}
    assert any(not e["path"].isascii() for e in files)


def test_compressed_and_sparse_files_are_so_on_the_volume(uefi):
    need("ntfsinfo")
    out, facts = uefi
    raw = out / next(p for p in facts["partitions"] if p["role"] == "windows")["raw"]
    for name, flags in (("/Windows/Installer/compressed/log 9.txt", "0x0001"),
                        ("/Users/Public/sparse.vmdk", "0x8000")):
        text = tools.run(["ntfsinfo", "-v", "-F", name, raw])
        data = text[text.index("$DATA (0x80)"):]
        assert re.search(r"Attribute flags:\s+(0x\w+)", data).group(1) == flags
        sizes = dict(re.findall(r"(\w+) size:\s+(\d+)", data))
        assert int(sizes["Compressed"]) * 3 < int(sizes["Data"])


def test_the_paging_file_is_allocated_and_absent(uefi):
    out, facts = uefi
    windows = next(p for p in facts["partitions"] if p["role"] == "windows")
    raw = out / windows["raw"]
    clusters = ntfs.file_ranges(raw, "/pagefile.sys")
    assert sum(length for _, length in clusters) == 24 << 20
    absent = sum(length for _, length in windows["absent_allocated"])
    assert absent > 20 << 20
    assert os.path.getsize(out / windows["image"]) < windows["length"]


def test_the_comparison_finds_the_source_disk_equal(uefi, source_disk):
    assert compare.check_disk(source_disk, uefi[1]) == []
    assert compare.check_disk(source_disk, uefi[1], used=True, files=False) == []


def test_the_comparison_finds_what_differs(uefi, source_disk, tmp_path):
    _, facts = uefi
    windows = next(p for p in facts["partitions"] if p["role"] == "windows")
    spoiled = tmp_path / "spoiled"
    shutil.copyfile(source_disk, spoiled)
    offset, _ = windows["absent_allocated"][0]
    with open(spoiled, "r+b") as file:
        file.seek(windows["offset"] + offset)
        file.write(b"x")
    faults = compare.check_disk(spoiled, facts, used=True, files=False)
    assert f"windows: not zeros at {offset}+" in "".join(faults)
    assert "windows: the hash of the allocated clusters differs" in faults
    tools.run(["sgdisk", "-A", "3:set:60", spoiled])
    assert "partition table differs" in compare.check_disk(spoiled, facts, files=False)[0]
    free = ntfs.complement(windows["allocated"], windows["length"])[0][0]
    shutil.copyfile(source_disk, spoiled)
    with open(spoiled, "r+b") as file:
        file.seek(windows["offset"] + free)
        file.write(b"x")
    assert compare.check_disk(spoiled, facts, used=True, files=False) == []
    assert compare.check_disk(spoiled, facts, files=False) == [
        "windows: the partition's hash differs"]


def test_the_boot_store_names_disk_and_partitions(uefi, tmp_path):
    need("mcopy", "reglookup")
    out, facts = uefi
    roles = {p["role"]: p for p in facts["partitions"]}
    store = tmp_path / "BCD"
    tools.run(["mcopy", "-i", out / roles["esp"]["raw"], "::/EFI/Microsoft/Boot/BCD", store])
    listing = tools.run(["reglookup", store])
    device = binary_value(store, f"Objects/{bcd.BOOTMGR}/Elements/{bcd.DEVICE}", "Element")
    assert len(device) == 88
    assert device[0x10:0x1C] == struct.pack("<III", 6, 0, 0x48)
    assert uuid.UUID(bytes_le=device[0x20:0x30]) == uuid.UUID(roles["esp"]["guid"])
    assert device[0x34:0x38] == bytes(4)
    assert uuid.UUID(bytes_le=device[0x38:0x48]) == uuid.UUID(facts["disk_guid"])
    assert listing.count(bcd.RAMDISK_SDI) == 2 and bcd.FWBOOTMGR in listing


def test_the_system_hive_names_the_drive_letter(uefi, bios, tmp_path):
    need("ntfscat")
    for out, facts in (uefi, bios):
        windows = next(p for p in facts["partitions"] if p["role"] == "windows")
        data = subprocess.run([tools.find_tool("ntfscat"), "-f", out / windows["raw"],
                               "/Windows/System32/config/SYSTEM"], check=True,
                              capture_output=True).stdout
        path = tmp_path / "SYSTEM"
        path.write_bytes(data)
        value = binary_value(path, "MountedDevices", "\\DosDevices\\C:")
        if facts["style"] == "gpt":
            assert value == b"DMIO:ID:" + uuid.UUID(windows["guid"]).bytes_le
        else:
            assert value == struct.pack("<IQ", int(facts["signature"], 16), windows["offset"])


def parsed(path):
    data = path.read_bytes()
    assert data[:2] != b"\xff\xfe" and data[-2:] == b"\0\0"
    text = data.decode("utf-16-le")
    assert text.count("\0") == 1
    return ElementTree.fromstring(text[:-1])


def asr_document(folder):
    tree = parsed(next(folder.glob("*_Components.xml")))
    space = "{x-schema:#VssComponentMetadata}"
    for writer in tree.iter(space + "WRITER_COMPONENTS"):
        if writer.get("writerId") == documents.ASR_WRITER:
            component = writer.find(space + "COMPONENT")
            assert component.get("componentName") == "ASR"
            return ElementTree.fromstring(component.find("BACKUP_METADATA").get("metadata"))
    return None


def test_the_documents_of_a_gpt_set_agree_with_the_disk(uefi):
    out, facts = uefi
    folder = out / facts["set"]
    sif = asr_document(folder)
    assert sif.find("System").get("FirmwareType") == "2"
    described = sif.find("Disks")[0]
    offsets = [int(p.get("PartitionOffset")) for p in described]
    assert offsets == [p["offset"] for p in facts["partitions"]]
    specs = parsed(folder / "BackupSpecs.xml")
    assert [v.get("AccessPath") for v in specs.iter("Volume")] == ["C:", ""]
    writer = parsed(next(folder.glob("*_Writerbe000cbe-*.xml")))
    captions = [g.get("caption") for g in writer.iter() if g.get("logicalPath") == "Disks"]
    assert facts["disk_guid"] in captions[0]
    assert (out / "share/SDT65CB.tmp").exists() and (folder.parent / "MediaId").stat().st_size == 16
    assert (folder / "Esp.vhdx").exists() and (folder.parent / "Logs").is_dir()


def test_the_documents_of_an_mbr_set_agree_with_the_disk(bios):
    out, facts = bios
    folder = out / facts["set"]
    described = asr_document(folder).find("Disks/MbrDisk")
    assert int(described.get("MbrSignature"), 16) == int(facts["signature"], 16)
    partitions = [(int(p.get("PartitionOffset")), int(p.get("PartitionLength")),
                   p.get("BootFlag")) for p in described]
    assert partitions == [(p["offset"], p["length"], str(int(p["active"])))
                          for p in facts["partitions"]]
    assert (folder.parent / "SPPMetadataCache").is_dir()
    assert {p.suffix for p in folder.iterdir()} == {".vhd", ".xml"}
    for partition in facts["partitions"]:
        assert uuid.UUID(os.path.basename(partition["image"])[:-4]).version == 1


@pytest.mark.parametrize("spelling", (1, 2, 3))
def test_every_spelling_of_gpt_disks_has_the_shape_a_reader_can_rely_on(spelling):
    """FORMAT.md 4.1: one attribute ends in Offset, one in Length, ids are GUIDs in braces."""
    layout = layouts.uefi_gpt(seeded.Seed(1), 512, layouts.PROFILES["small"], "win10")
    described = ElementTree.fromstring(asr.asr_sif(layout, "M", spelling)).find("Disks")[0]
    assert any(v.strip("{}").lower() == str(layout.guid) for v in described.attrib.values())
    for element, partition in zip(described, layout.partitions):
        ends = [(name, value) for name, value in element.attrib.items()
                if name.endswith(("Offset", "Length"))]
        assert [int(value) for _, value in ends] == [layout.offset(partition),
                                                     layout.length(partition)]
        guids = {v.strip("{}").lower() for v in element.attrib.values() if v.startswith("{")}
        assert guids == {str(partition.guid), str(partition.type)}


def test_one_seed_gives_one_machine(uefi, tmp_path):
    """The ids and the contents, not the bytes of NTFS: mkntfs has a clock and a serial number."""
    _, facts = uefi
    again = make(tmp_path, "--seed", "7", "--partial")[1]
    other = layouts.uefi_gpt(seeded.Seed(8), 512, layouts.PROFILES["small"], "win10")
    assert again["sfdisk"] == facts["sfdisk"]
    assert str(other.guid) != facts["disk_guid"]
    first, second = (next(p for p in f["partitions"] if p["role"] == "esp")
                     for f in (facts, again))
    assert first["sha256"] == second["sha256"]


# -- other sets -----------------------------------------------------------------------------

def test_a_disk_with_sectors_of_4096_bytes_is_read_by_others(large_sectors, tmp_path):
    need("vhdimount", "fdisk", "fsck.fat", "ntfsfix")
    out, facts = large_sectors
    assert "sector-size: 4096" in facts["sfdisk"] and "first-lba: 6" in facts["sfdisk"]
    listing = tools.run(["fdisk", "-b", "4096", "-l", out / facts["disk"]])
    assert facts["disk_guid"].upper() in listing
    for partition in with_image(facts):
        assert libvhdi_hash(out / partition["image"], tmp_path) == partition["image_disk_sha256"]
        if partition["role"] == "esp":
            loader = next(e for e in partition["files"] if e["path"] == compare.LOADER)
            assert loader["sha256"] == sha256_file(__file__)
        tool = ["fsck.fat", "-n"] if partition["role"] == "esp" else ["ntfsfix", "-n"]
        tools.run([*tool, out / partition["raw"]])


def libvhdi_hash(image, folder) -> str:
    mount = folder / "libvhdi"
    mount.mkdir(exist_ok=True)
    tools.run(["vhdimount", image, mount])
    try:
        return sha256_file(mount / "vhdi1")
    finally:
        tools.run(["fusermount", "-u", mount])


def test_a_partial_nested_set_says_so(large_sectors):
    out, facts = large_sectors
    assert facts["set"].startswith("share/dpm/restored/today/WindowsImageBackup/SRV01/Backup ")
    assert facts["partitions"][0]["role"] == "winre"
    specs = parsed(out / facts["set"] / "BackupSpecs.xml")
    windows = next(v for v in specs.iter("Volume") if v.get("AccessPath") == "C:")
    assert len(windows) == 2 and specs.find("SystemState").get("IsPresent") == "true"
    assert not list((out / facts["set"]).glob("*be000cbe*"))
    assert asr_document(out / facts["set"]) is None


def test_loose_images_with_dirty_logs_are_whole_after_the_replay(odd_folders, tmp_path):
    out, facts = odd_folders
    assert all(p.suffix == ".vhdx" for p in (out / facts["set"]).iterdir())
    for partition in with_image(facts):
        image = out / partition["image"]
        assert sha256_file(qemu_raw(image, tmp_path, replay=True)) == (
            partition["image_disk_sha256"])
        stale = libvhdi_hash(image, tmp_path)
        assert stale != partition["image_disk_sha256"], "libvhdi ignores logs: nothing was dirty"


def test_old_data_lies_in_free_clusters_where_it_was_asked_for(odd_folders, uefi):
    for (out, facts), expected in ((odd_folders, True), (uefi, False)):
        windows = next(p for p in facts["partitions"] if p["role"] == "windows")
        path = out / windows["raw"]
        assert any(not compare.is_zero(path, offset, length) for offset, length in
                   ntfs.complement(windows["allocated"], windows["length"])) is expected
        assert (windows["sha256"] != windows["sha256_free_zero"]) is expected


def test_an_existing_folder_is_not_touched(tmp_path, capsys):
    assert make_backup.main([str(tmp_path)]) == 2
    assert "exists already" in capsys.readouterr().err


# -- sets of images -------------------------------------------------------------------------

def test_valid_images_are_read_by_their_judges(sets, tmp_path):
    listing = json.loads((sets / "valid/valid.json").read_text())
    assert len(listing) >= 10
    for entry in listing:
        image = sets / "valid" / entry["file"]
        if entry["judge"] == "qemu-img":
            raw = qemu_raw(image, tmp_path, replay="log" in image.name)
            assert sha256_file(raw) == entry["sha256"], entry["file"]
        elif entry["judge"] == "libvhdi":
            need("vhdimount")
            assert libvhdi_hash(image, tmp_path) == entry["sha256"], entry["file"]


def test_every_damaged_image_is_another_one(sets):
    listing = json.loads((sets / "damaged/damaged.json").read_text())
    assert len(listing) >= 30
    assert len({e["rule"] for e in listing}) == len(listing)
    hashes = {sha256_file(sets / "damaged" / e["file"]) for e in listing}
    assert len(hashes) == len(listing)
    good = damaged.good_image(sets / "good.vhdx", "vhdx", seeded.Seed(1), {})
    assert sha256_file(good.path) not in hashes


def test_damaged_images_differ_from_a_good_one_in_the_rule_alone(sets, tmp_path):
    """The good images behind the damaged ones are read by qemu: what a reader refuses is the
    damage."""
    for kind in ("vhd", "vhdx"):
        image = damaged.good_image(tmp_path / f"good.{kind}", kind, seeded.Seed(1), {})
        content = damaged.odd.small_disk(seeded.Seed(1), image.virtual_size)
        assert sha256_file(qemu_raw(image.path, tmp_path)) == content.sha256()


def test_a_huge_image_is_small(tmp_path):
    need("qemu-img")
    path = tmp_path / "huge.vhdx"
    assert make_backup.main([str(path), "--huge"]) == 0
    facts = json.loads((tmp_path / "huge.vhdx.json").read_text())
    info = json.loads(tools.run(["qemu-img", "info", "--output=json", path]))
    assert info["virtual-size"] == 64 << 40
    assert os.stat(path).st_blocks * 512 < 32 << 20
    first, last = facts["pieces"]
    target = tmp_path / "piece"
    tools.run(["qemu-img", "dd", "-f", "vhdx", "-O", "raw", f"if={path}", f"of={target}",
               "bs=64k", "count=1"])
    assert sha256_file(target) == first["sha256"]
    # the last block: its table entry is the last one
    entries = vhdx.bat_entries(64 << 40, vhdx.Options(block_size=32 << 20))
    with open(path, "rb") as file:
        file.seek(vhdx.BAT_OFFSET + 8 * (entries - 1))
        place = struct.unpack("<Q", file.read(8))[0] >> 20 << 20
        file.seek(place + last["offset"] % (32 << 20))
        assert hashlib.sha256(file.read(last["length"])).hexdigest() == last["sha256"]


def test_contents_read_and_hash_like_the_bytes_they_stand_for(tmp_path):
    whole = bytearray(3 << 20)
    content = Content(len(whole))
    for offset, data in ((5, b"abc"), (1 << 20, b"\0" * 100), ((3 << 20) - 4, b"tail")):
        whole[offset:offset + len(data)] = data
        content.add_bytes(offset, data)
    (tmp_path / "f").write_bytes(b"\0" * 4096 + b"file")
    whole[2 << 20:(2 << 20) + 4100] = b"\0" * 4096 + b"file"
    content.add_file(2 << 20, tmp_path / "f")
    assert content.read(0, len(whole)) == bytes(whole)
    assert content.sha256() == hashlib.sha256(whole).hexdigest()
    assert content.blocks_with_data(1 << 20) == [0, 2]
    whole[0:4096] = bytes(4096)
    assert content.sha256([(0, 4096)]) == hashlib.sha256(whole).hexdigest()
    content.close()
