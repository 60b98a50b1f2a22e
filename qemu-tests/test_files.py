# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and folders taken out of volumes of a backup: all that the generator put into them comes out
again, and what cannot be had is named."""

import hashlib
import os
import pathlib
import signal
import subprocess
import time

import pytest

import bmr
import fake_machine
import scenario
import smbd
from generator import compressed, ntfs, tools, vhd
from generator.content import Content
from generator.seeded import Seed

pytestmark = pytest.mark.needs("root", "fuse", "ntfs-3g", "mcopy")

MIB = scenario.MIB


def get(source, target, *paths, **options):
    more = [word for name, value in options.items() for word in (f"--{name}", value)]
    return bmr.run("files", "get", "--from", source, *paths, "--to", target, *more)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def manifest(source, role: str, below: str = "") -> dict:
    """Path to facts, of what lies in a folder of a generated volume."""
    return {facts["path"]: facts for facts in source.partition(role)["files"] if facts["path"].startswith(below)}


def assert_taken(folder: pathlib.Path, files: dict) -> None:
    for path, facts in files.items():
        taken = folder / path
        if facts["type"] != "file":
            assert not os.path.lexists(taken), path
            continue
        assert digest(taken.read_bytes()) == facts["sha256"], path
        if facts.get("sparse"):
            assert taken.stat().st_blocks * 512 < facts["size"] // 4, path
        if "hard_link_of" in facts:
            assert os.path.samefile(taken, folder / facts["hard_link_of"]), path
        for name, stream in facts.get("streams", {}).items():
            beside = taken.with_name(f"{taken.name}:{name}")
            data = beside.read_bytes() if beside.exists() else os.getxattr(taken, f"user.{name}")
            assert digest(data) == stream["sha256"], (path, name)


# -- whole volumes ----------------------------------------------------------------------------

def test_users_files_come_out_with_streams_holes_links_and_times(backup, work):
    source = backup("uefi")
    result = get(source.share, work, "C:\\Users")
    assert result.status == bmr.DONE, result
    assert_taken(work, manifest(source, "windows", "Users/"))
    assert "link: Users/Public/link to win.ini -> ..\\..\\Windows\\win.ini" in result.output
    assert "its stream 'large stream' is the file 'setup.exe:large stream'" in result.output
    listing = bmr.run("files", "ls", "-r", "--json", "--from", source.share, "C:/Users").json()
    for item in listing:
        if item["kind"] == "file" and ":" not in item["path"]:
            shown = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime((work / item["path"]).stat().st_mtime))
            assert shown == item["modified"], item


def test_a_whole_volume_tells_what_the_image_does_not_hold(backup, work):
    source = backup("bios")
    result = get(source.share, work, "C:\\")
    assert result.status == bmr.FAILED, result
    assert "incomplete: pagefile.sys: " in result.output and "INCOMPLETE" in result.output, result
    files = {path: facts for path, facts in manifest(source, "windows").items() if path != "pagefile.sys"}
    assert len(files) > 2000
    assert_taken(work, files)


def test_a_partial_set_gives_its_files(backup, work):
    source = backup("partial")
    result = get(source.share, work, "C:\\Windows")
    assert result.status == bmr.DONE, result
    assert_taken(work, manifest(source, "windows", "Windows/"))


def test_the_efi_system_partition_gives_its_files(backup, work):
    source = backup("uefi")
    result = get(source.share, work, "/", volume="ESP")
    assert result.status == bmr.DONE, result
    assert_taken(work, manifest(source, "esp"))
    volumes = bmr.run("files", "ls", "--from", source.share, "--json").json()
    assert sorted(v["name"] for v in volumes) == ["-", "C:", "ESP"]


def test_cat_gives_a_file_and_its_streams(backup):
    source = backup("uefi")
    path = "Users/admin/Downloads/setup.exe"
    facts = manifest(source, "windows")[path]
    for name, wanted in (("", facts["sha256"]), (":large stream", facts["streams"]["large stream"]["sha256"])):
        shown = subprocess.run([str(bmr.PROGRAM), "files", "cat", "--from", str(source.share), f"C:\\{path}{name}"],
                               capture_output=True, check=True)
        assert digest(shown.stdout) == wanted


# -- what only some Windows have --------------------------------------------------------------

NAMES = ["aux", "what?*.txt", "a<b>|c", "Ångström 備份 🗄.txt", "end. ", "x" * 255, "ü" * 200]


def put_special(folder: pathlib.Path) -> dict:
    """Returns what must come out: path to content."""
    wanted = {}
    for number, name in enumerate(NAMES):
        (folder / name).write_bytes(b"%d" % number)
        wanted[name] = b"%d" % number
    deep = folder
    for number in range(12):
        deep = deep / f"{number} a folder with quite a long name, so that the path gets longer than 260"
    deep.mkdir(parents=True)
    (deep / "deep.txt").write_bytes(b"deep")
    wanted[str((deep / "deep.txt").relative_to(folder))] = b"deep"
    text = b"".join(b"line %d of a program that was compressed\n" % number for number in range(40000)) + os.urandom(70000)
    for algorithm in compressed.ALGORITHMS:
        compressed.make(str(folder / f"{algorithm}.exe"), text, algorithm)
        wanted[f"{algorithm}.exe"] = text
    for name, tag in (("dedup.bin", 0x80000013), ("cloud.docx", 0x9000601A), ("strange.bin", 0x80009999)):
        with open(folder / name, "wb") as file:
            file.truncate(100000)
        ntfs.set_reparse(str(folder / name), tag, bytes(16))
    (folder / "secret.txt").write_bytes(b"cipher")
    (folder / "broken.txt").write_bytes(b"broken" * 1000)
    ntfs.make_junction(str(folder / "up"), "C:\\")
    return wanted


def record_offset(volume, name: str) -> int:
    """Where the file record of a file in the root lies on the volume."""
    info = tools.run(["ntfsinfo", "-f", "-F", f"/{name}", volume])
    number = int(info.split("Dumping Inode ")[1].split()[0])
    data = pathlib.Path(volume).read_bytes()[:80]
    cluster = int.from_bytes(data[11:13], "little") * data[13]
    return int.from_bytes(data[48:56], "little") * cluster + number * 1024


@pytest.fixture(scope="module")
def special(tmp_path_factory):
    """A loose image of a volume with files of all kinds, and what must come out of it."""
    work = tmp_path_factory.mktemp("special")
    volume = work / "volume.raw"
    ntfs.make(volume, 64 * MIB, 512, 128)
    with ntfs.mounted(volume) as folder:
        wanted = put_special(pathlib.Path(folder))
    encrypted, broken = record_offset(volume, "secret.txt"), record_offset(volume, "broken.txt")
    with open(volume, "r+b") as file:
        file.seek(encrypted + 0x70)  # attributes in the $STANDARD_INFORMATION that comes first
        attributes = int.from_bytes(file.read(4), "little") | 0x4000
        file.seek(encrypted + 0x70)
        file.write(attributes.to_bytes(4, "little"))
        file.seek(broken)
        file.write(b"BAAD")
    image = work / "share" / "D.vhd"
    image.parent.mkdir()
    content = Content(65536 + 64 * MIB)
    content.add_bytes(0, mbr(64 * MIB))
    content.add_file(65536, volume)
    vhd.write(image, content, vhd.Options(), Seed(1))
    content.close()
    volume.unlink()
    return image.parent, wanted


def mbr(length: int) -> bytes:
    entry = bytes([0, 0, 0, 0, 7, 0, 0, 0]) + (128).to_bytes(4, "little") + (length // 512).to_bytes(4, "little")
    return bytes(440) + b"\1\2\3\4\0\0" + entry + bytes(48) + b"\x55\xaa"


SKIPPED = {"secret.txt": "encrypted by EFS", "dedup.bin": "deduplicated", "cloud.docx": "only a placeholder",
           "strange.bin": "not known here", "broken.txt": "damaged"}


def test_compressed_files_are_unpacked_and_what_cannot_be_had_is_named(special, work):
    share, wanted = special
    result = get(share, work, "/", volume="D.vhd")
    assert result.status == bmr.FAILED, result
    skipped = dict(line[9:].split(": ", 1) for line in result.output.splitlines() if line.startswith("skipped: "))
    assert skipped.keys() == SKIPPED.keys(), result
    for name, reason in SKIPPED.items():
        assert reason in skipped[name], skipped
        assert not (work / name).exists()
    assert "link: up -> C:\\" in result.output and not os.path.lexists(work / "up")
    for path, data in wanted.items():
        found = [entry for entry in os.listdir(work) if entry == path or (len(os.fsencode(path)) > 255 and "~" in entry)] \
            if "/" not in path else [path]
        assert len(found) == 1 and (work / found[0]).read_bytes() == data, (path, found)
    for name in ("dedup.bin", "secret.txt"):
        shown = bmr.run("files", "cat", "--from", share, "--volume", "D.vhd", name)
        assert shown.status == bmr.FAILED and shown.output == "" and SKIPPED[name] in shown.errors, shown


@pytest.mark.needs("smbd")
def test_files_go_to_a_share_under_names_that_windows_has(special, backup, work):
    share, wanted = special
    (work / "to").mkdir(mode=0o777)
    (work / "to").chmod(0o777)
    with smbd.PrivateSamba({"saved": work / "to"}, share_options={"saved": {"read only": "no"}}) as server:
        options = {"volume": "D.vhd", "to-credentials": server.credentials}
        result = get(share, server.url("saved"), "/", **options)
        assert result.status == bmr.FAILED, result
        again = get(share, server.url("saved"), "/", **options)
        assert "is there already and is not overwritten" in again.output, again
        of_set = get(backup("uefi").share, server.url("saved"), "C:\\Users\\Public", **{
            "to-credentials": server.credentials})
        assert of_set.status == bmr.DONE, of_set
    taken = {str(path.relative_to(work / "to")): path.read_bytes() for path in (work / "to").rglob("*") if path.is_file()}
    assert taken["what%3F%2A.txt"] == wanted["what?*.txt"] and taken["%61ux"] == wanted["aux"], sorted(taken)
    assert taken["end.%20"] == wanted["end. "] and taken["LZX.exe"] == wanted["LZX.exe"]
    assert not taken.keys() & SKIPPED.keys()
    public = {f"Public/{path[13:]}": facts for path, facts in manifest(backup("uefi"), "windows", "Users/Public/").items()}
    assert_taken(work / "to", {path: {**facts, "sparse": False} for path, facts in public.items()})


@pytest.mark.needs("smbd")
def test_files_of_a_share_may_go_to_a_disk(samba):
    """The share is no file of this machine by which a disk would be locked."""
    result = bmr.run("files", "get", "--from", samba.url("backups"), "--credentials", samba.credentials,
                     "C:\\Users", "--to", "disk:serial:none/1")
    assert result.status == bmr.FAILED and "none" in result.errors, result
    assert "smb://" not in result.errors and "No such file" not in result.errors, result


# -- destinations -----------------------------------------------------------------------------

def test_nothing_is_overwritten_and_no_link_is_followed(backup, work):
    source = backup("uefi")
    (work / "to" / "Users").mkdir(parents=True)
    (work / "elsewhere").mkdir()
    (work / "to/Users/Public").symlink_to(work / "elsewhere")
    (work / "to/Users/admin").mkdir()
    (work / "to/Users/admin/Downloads").write_text("mine")
    result = get(source.share, work / "to", "C:\\Users")
    assert result.status == bmr.FAILED, result
    assert "skipped: Users/Public: " in result.output and "skipped: Users/admin/Downloads: " in result.output, result
    assert list((work / "elsewhere").iterdir()) == []
    assert (work / "to/Users/admin/Downloads").read_text() == "mine"


@pytest.mark.needs("loop", "namespaces")
def test_a_folder_of_a_disk_that_is_a_link_is_refused(backup, work):
    """A partition of the user's disk, as the kernel mounts it. Its folder, and one on the way there, lead
    out of it, or elsewhere on it."""
    source, elsewhere = backup("uefi").share, work / "elsewhere"
    elsewhere.mkdir(mode=0o777)
    (work / "tree" / "real").mkdir(parents=True)
    for name, target in (("out", elsewhere), ("inside", "real")):
        (work / "tree" / name).symlink_to(target)
    (work / "tree" / "file").write_text("mine")
    partition = scenario.blank_disk(work / "partition.img", 48 * MIB)
    tools.run(["mkfs.ext4", "-q", "-F", "-d", work / "tree", partition])
    with fake_machine.Loops() as loops:
        disk = fake_machine.Disk("sda", loops.attach(scenario.blank_disk(work / "disk.img", 64 * MIB)), "T1",
                                 partitions={"sda1": loops.attach(partition)})

        def get_to(folder):
            return fake_machine.Machine(work / "machine", [disk]).run(
                "files", "get", "--from", source, "C:\\Program Files\\Vendor 000", "--to", f"disk:serial:T1/1/{folder}")

        for folder in ("out", "inside", "out/deeper", "real/../out", "file"):
            result = get_to(folder)
            word = "'..' is no part of a folder" if ".." in folder else f"'{folder.split('/')[0]}' is no folder"
            assert result.status == bmr.FAILED and word in result.errors, (folder, result)
        assert get_to("real/deeper").status == bmr.DONE
    listed = tools.run(["debugfs", "-R", "ls -p /", partition])
    assert list(elsewhere.iterdir()) == [] and "Vendor 000" not in listed, listed
    assert "Vendor 000" in tools.run(["debugfs", "-R", "ls -p /real/deeper", partition])


def test_a_full_destination_ends_it_with_one_error(backup, work):
    (work / "small").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(work / "small")], check=True)
    try:
        result = get(backup("uefi").share, work / "small", "C:\\Windows")
        assert result.status == bmr.FAILED, result
        assert "No space left on device" in result.errors and result.errors.count("\n") == 1, result
    finally:
        subprocess.run(["umount", str(work / "small")], check=True)


def test_a_key_cancels_and_what_was_taken_is_whole(backup, work):
    source = backup("uefi")
    reading, writing = os.pipe()
    with subprocess.Popen([str(bmr.PROGRAM), "files", "get", "--from", str(source.share), "C:\\Windows", "--to",
                           str(work), "--progress-fd", str(writing)], pass_fds=(writing,), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:
        os.close(writing)
        with os.fdopen(reading) as lines:
            for line in lines:
                if '"phase":"files"' in line:
                    process.send_signal(signal.SIGINT)
                    break
        output, errors = process.communicate(timeout=60)
    assert process.returncode == bmr.CANCELLED, (output, errors)
    assert "cancelled" in errors
    files = manifest(source, "windows")
    taken = [path for path in work.rglob("*") if path.is_file() and ":" not in path.name]
    for path in taken:
        assert digest(path.read_bytes()) == files[str(path.relative_to(work))]["sha256"], path


def test_mistakes_are_told(backup, work):
    source = backup("uefi").share
    for arguments, text in (
            (("ls", "Users"), "in which volume?"),
            (("ls", "X:\\"), "volume 'X:' is not in the backup; it has "),
            (("ls", "C:\\nothing"), "no file 'nothing'"),
            (("ls", "C:\\Users\\..\\Windows"), "'..' is no part of a path"),
            (("cat", "C:\\Users"), "'Users' is a folder"),
            (("get", "C:\\Users", "--to", work / "absent"), "opening the destination"),
            (("get", "C:\\Users", "--to", "disk:serial:none/1"), "none"),
            (("get", "C:\\Users", "--to", "disk:serial:none"), "must be disk:WHICH/PARTITION")):
        result = bmr.run("files", *arguments, "--from", source)
        assert result.status == bmr.FAILED and text in result.errors, (arguments, result)


# -- before a disk is erased ------------------------------------------------------------------

def write_newer_files(source, disk, work):
    """On the restored disk: one of a person's, in 2030, and one of Windows itself."""
    partition = source.partition("windows")
    volume = work / "volume.raw"
    with open(disk, "rb") as file, open(volume, "wb") as out:
        file.seek(partition["offset"])
        out.truncate(partition["length"])
        for offset, length in tools.data_ranges(file.fileno(), disk.stat().st_size):
            first, last = max(offset, partition["offset"]), min(offset + length, partition["offset"] + partition["length"])
            if first < last:
                out.seek(first - partition["offset"])
                out.write(os.pread(file.fileno(), last - first, first))
    with ntfs.mounted(volume) as folder:
        new = pathlib.Path(folder) / "Users/admin/thesis.docx"
        new.write_bytes(b"years of work")
        os.utime(new, (1924992000, 1924992000))
        cache = pathlib.Path(folder) / "Windows/cache.log"
        cache.write_bytes(b"nobody misses it")
        os.utime(cache, (1924992000, 1924992000))
    with open(disk, "r+b") as file, open(volume, "rb") as changed:
        for offset, length in tools.data_ranges(changed.fileno(), partition["length"]):
            file.seek(partition["offset"] + offset)
            file.write(os.pread(changed.fileno(), length, offset))


def test_files_newer_than_the_backup_are_told_and_saved(backup, work):
    source = backup("bios")
    disk = work / "disk.img"
    result = bmr.restore(source.share, disk)
    assert result.status == bmr.DONE, result
    write_newer_files(source, disk, work)
    before = scenario.fingerprint(disk)
    found = bmr.run("files", "newer", "--disk", disk, "--since", "2030-12-31T00:00Z", "--json").json()
    assert [file["path"] for file in found["files"]] == ["Users/admin/thesis.docx"], found
    assert found["of_windows"] == 1 and found["bytes"] == 13
    (work / "saved").mkdir()
    saved = bmr.run("files", "newer", "--disk", disk, "--since", "2030-12-31T00:00Z", "--to", work / "saved")
    assert saved.status == bmr.DONE, saved
    taken, = [path for path in (work / "saved").rglob("*") if path.is_file()]
    assert taken.read_bytes() == b"years of work" and str(taken).endswith("/Users/admin/thesis.docx")
    plan = bmr.run("plan", "--from", source.share, "--disk", disk)
    assert "were written after the backup and would be lost" in plan.output, plan
    lost, = bmr.run("plan", "--from", source.share, "--disk", disk, "--json").json()["newer_files"]
    assert lost["disk"] == str(disk) and lost["count"] >= 1, lost
    assert "Users/admin/thesis.docx" in [file["path"] for file in lost["files"]], lost
    assert scenario.fingerprint(disk) == before
