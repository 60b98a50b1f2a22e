# SPDX-License-Identifier: GPL-3.0-or-later
"""Boot files of a backup are put onto the EFI system partition of a disk: Windows' own and no others, by
mtools and fsck.fat; a cut at any write leaves the old partition or one that is brought to its end."""

import contextlib
import json
import os
import re
import shutil
import struct
import tempfile

import pytest

import bmr
import scenario
import test_systemstate
from generator import fat, tools
from test_systemstate import CONFIRM, OLD_LOG, Target, digest, put_back, refused

pytestmark = pytest.mark.needs("root", "fuse", "ntfs-3g", "strace")

BOOT = "EFI/Microsoft/Boot/"
MANAGER, MEMTEST, STORE, LOG = (BOOT + name for name in ("bootmgfw.efi", "memtest.efi", "BCD", "BCD.LOG1"))
FALLBACK, OTHERS, OWN = "EFI/Boot/bootx64.efi", "EFI/debian/shimx64.efi", BOOT + "only here.txt"


class Esp(Target):
    """The EFI system partition of a disk."""

    def files(self) -> dict:
        """Path to hash of all files; the whole volume is checked."""
        with self.volume() as raw:
            tools.run(["fsck.fat", "-n", raw])
            return {path: digest(data) for path, data in fat.read_all(raw).items()}

    def read(self, path: str) -> bytes:
        with self.volume() as raw:
            return fat.read_all(raw)[path]

    @contextlib.contextmanager
    def changed(self):
        """Runs mtools on it: run("mdel", "::/path")."""
        with self.volume(changed=True) as raw:
            yield lambda program, *words: tools.run([program, "-i", raw, *words])

    def write(self, files: dict):
        with self.changed() as run, tempfile.NamedTemporaryFile() as local:
            for path, data in files.items():
                local.truncate(0)
                local.seek(0)
                local.write(data)
                local.flush()
                run("mcopy", "-o", local.name, "::/" + path)

    def attributes(self, path: str) -> str:
        with self.volume() as raw:
            return "".join(tools.run(["mattrib", "-i", raw, "::/" + path]).split()[:-1])


def other_store(store: bytes) -> bytes:
    changed = bytearray(store)
    test_systemstate.stamp(changed)
    return bytes(changed)


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """A disk whose EFI system partition has another boot manager than the backup, another boot store of
    the same partitions with a log, no memory test, and files of others."""
    folder = scenario.SCENARIOS / f"esp-{os.getpid()}"
    with scenario.empty_folder(folder):
        target = Esp(scenario.backup_set("uefi"), folder / "esp.img", "esp")
        with target.changed() as run:
            run("mdel", "::/" + MEMTEST)
            run("mmd", "::/EFI/debian")
        target.write({MANAGER: b"MZ another boot manager" * 1000, STORE: other_store(target.read(STORE)),
                      LOG: OLD_LOG, OTHERS: b"MZ shim" * 100, OWN: b"own"})
        with target.changed() as run:
            run("mattrib", "+h", "+s", "+r", "::/" + STORE)
        yield target


def kept_in(files: dict) -> dict:
    return {path.split("/", 1)[1]: facts for path, facts in files.items() if path.startswith("openbmr-replaced-")}


def test_windows_files_are_replaced_and_no_others(backup, machine, work):
    source, target = backup("uefi"), machine.copy(work / "disk.img")
    before, print_before = target.files(), scenario.fingerprint(target.path)
    plan = put_back(source, target, "--plan")
    assert plan.status == bmr.DONE and scenario.fingerprint(target.path) == print_before, plan
    for words in ("on partition 1, from which Windows is started:\nreplace \\EFI\\Microsoft\\Boot\\BCD: ",
                  "add \\EFI\\Microsoft\\Boot\\memtest.efi: 879 KiB (well-known place)\n",
                  "empty \\EFI\\Microsoft\\Boot\\BCD.LOG1: a log of the old hive",
                  "2 files replaced, 1 added, 1 logs of hives emptied"):
        assert words in plan.output, (words, plan)

    result = put_back(source, target, *CONFIRM, "--json")
    assert result.status == bmr.DONE, result
    facts, after = json.loads(result.output), target.files()
    assert facts["plan"]["boot_partition"] == 1 and facts["plan"]["partition"] == 3
    assert facts["plan"]["files"].items() >= {"replaced": 2, "emptied": 1, "added": 1}.items()
    assert facts["verified_bytes"] == facts["plan"]["files"]["bytes"] > 0
    state = {f["path"]: f["sha256"] for f in target.facts["files"]}
    assert {path: after[path] for path in state} == state and after[LOG] == digest(b"")
    assert kept_in(after) == {path: before[path] for path in (MANAGER, STORE, LOG)}
    assert {path: after[path] for path in (FALLBACK, OTHERS, OWN)} == \
        {path: before[path] for path in (FALLBACK, OTHERS, OWN)}
    assert set(after) == set(before) | {MEMTEST} | {path for path in after if path.startswith("openbmr-")}
    assert target.attributes(STORE) == "ASHR" and target.attributes(MANAGER) == "A"

    print_before = scenario.fingerprint(target.path)
    again = put_back(source, target, *CONFIRM)
    assert again.status == bmr.DONE and "nothing to do: all" in again.output, again
    assert scenario.fingerprint(target.path) == print_before


def test_boot_stores_that_name_other_partitions_stay(backup, machine, work):
    source, target = backup("partial"), machine.copy(work / "disk.img")
    before = target.files()
    result = put_back(source, target, *CONFIRM, "--only", "boot")
    after = target.files()
    assert result.status == bmr.DONE, result
    for store in (STORE, "EFI/Microsoft/Recovery/BCD"):
        assert f"the boot store /{store} stays as it is on the disk: that of the backup names" in result.output
        assert after[store] == before[store]
    assert after[LOG] == before[LOG] and after[MANAGER] != before[MANAGER]
    # it is none that Windows put there: the boot manager beside is another
    assert f"WARNING: /{FALLBACK} stays as it is on the disk: it is not Microsoft's" in result.output, result
    assert after[FALLBACK] == before[FALLBACK]


def test_what_starts_without_a_boot_entry_follows_the_boot_manager(backup, machine, work):
    source, target = backup("partial"), machine.copy(work / "disk.img")
    target.write({FALLBACK: target.read(MANAGER)})
    result = put_back(source, target, *CONFIRM, "--only", "boot")
    after = target.files()
    assert result.status == bmr.DONE and "not Microsoft's" not in result.output, result
    assert after[FALLBACK] == after[MANAGER] == {
        f["path"]: f["sha256"] for f in source.partition("esp")["files"]}[FALLBACK]
    assert kept_in(after)[FALLBACK] == kept_in(after)[MANAGER]


def signed_by(name: str, work) -> bytes:
    key, certificate, signed = work / "key", work / "certificate", work / "signed.efi"
    tools.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
               "-subj", f"/CN={name}"])
    tools.run(["sbsign", "--key", key, "--cert", certificate, "--output", signed, scenario.MARKER])
    return signed.read_bytes()


@pytest.mark.parametrize("signer, replaced", [("Microsoft Windows", True),
                                              ("Microsoft Windows UEFI Driver Publisher", False)])
def test_a_signature_tells_whose_program_it_is(backup, machine, work, signer, replaced):
    if not shutil.which("sbsign") or not shutil.which("openssl"):
        pytest.skip("no sbsign or openssl here")
    target = machine.copy(work / "disk.img")
    target.write({FALLBACK: signed_by(signer, work)})
    result = put_back(backup("partial"), target, "--plan", "--only", "boot")
    assert result.status == bmr.DONE, result
    assert ("replace \\EFI\\Boot\\bootx64.efi: " in result.output) == replaced, result
    assert (f"/{FALLBACK} stays as it is on the disk: it is not Microsoft's" in result.output) != replaced, result


def second_esp(target):
    """The last partition becomes another EFI system partition, with a boot manager."""
    last = Esp.__new__(Esp)
    last.path, last.facts = target.path, scenario.backup_set("uefi").partition("winre")
    with last.volume(changed=True) as raw:
        raw.unlink()
        tools.make_sparse(raw, last.facts["length"])
        tools.run(["mkfs.fat", "-F", 32, "-s", 1, raw])
        fat.fill(raw, {MANAGER: b"MZ one more"})
    tools.run(["sgdisk", "-t", f"{last.facts['slot']}:ef00", target.path])


def no_manager(target):
    with target.changed() as run:
        run("mdel", "::/" + MANAGER)


def no_esp(target):
    tools.run(["sgdisk", "-t", "1:0700", target.path])


@pytest.mark.parametrize("change", [no_esp, no_manager, second_esp])
def test_boot_files_stay_where_it_is_not_known_which_partition_starts_windows(backup, machine, work, change):
    target = machine.copy(work / "disk.img")
    change(target)
    print_before = scenario.fingerprint(target.path)
    result = put_back(backup("uefi"), target, *CONFIRM)
    assert result.status == bmr.DONE and "nothing to do" in result.output, result
    assert "boot files of the set stay as they are: the disk has no EFI system partition, or more than one, with " \
        "EFI/Microsoft/Boot/bootmgfw.efi" in result.output, result
    assert scenario.fingerprint(target.path) == print_before


def test_an_esp_without_room_is_not_written(backup, machine, work):
    target = machine.copy(work / "disk.img")
    target.write({"EFI/debian/full.img": b"x" * (98 << 20)})
    refused(backup("uefi"), target, bmr.FAILED, "the volume has ", " free, and ",
            " are needed: the new files, and all of it once more while it is written")


def loop(target):
    """A cluster of a file follows itself, in both tables."""
    with open(target.path, "r+b") as disk:
        disk.seek(target.facts["offset"])
        boot = disk.read(512)
        start, length = struct.unpack_from("<H", boot, 14)[0] * 512, struct.unpack_from("<I", boot, 36)[0] * 512
        disk.seek(target.facts["offset"] + start)
        entries = struct.unpack(f"<{length // 4}I", disk.read(length))
        last = max(n for n, entry in enumerate(entries) if n + 1 == entry)
        for table in range(2):
            disk.seek(target.facts["offset"] + start + table * length + 4 * last)
            disk.write(struct.pack("<I", last))


def test_a_damaged_esp_is_not_written(backup, machine, work):
    target = machine.copy(work / "disk.img")
    loop(target)
    refused(backup("uefi"), target, bmr.FAILED, "boot files on partition 1 ('--only registry,catalogs' leaves them): ",
            "FAT is damaged: fsck.fat says '", "it is not changed")
    result = put_back(backup("uefi"), target, "--plan", "--only", "registry,catalogs")
    assert result.status == bmr.DONE, result


CUTS = 100  # more writes than the change has
STEP = 5    # the unit test cuts at every one


def undated(files: dict) -> dict:
    return {re.sub("replaced-[^/]*", "", path): found for path, found in files.items()}


def put_boot_files(source, target, *prefix):
    return put_back(source, target, *CONFIRM, "--only", "boot", prefix=prefix)


def test_a_cut_at_a_write_leaves_the_old_partition_or_is_brought_to_its_end(backup, machine, work):
    source, states, target = backup("uefi"), set(), machine.copy(work / "disk.img")
    assert put_boot_files(source, target).status == bmr.DONE
    old, new = machine.files(), undated(target.files())
    for number in range(2, CUTS, STEP):
        target = machine.copy(work / "disk.img")
        result = put_boot_files(source, target, "strace", "-qq", "-o", os.devnull, "-P", str(target.path), "-e",
                        "trace=pwrite64", "-e", f"inject=pwrite64:signal=KILL:when={number}")
        if result.status == bmr.DONE:
            break
        disks = bmr.run("disks", "--json", target.path).json()["disks"]
        half = next(disk["half_changed"] for disk in disks if disk["path"] == str(target.path))
        states.add(half)
        if half:
            assert half == 1 and "HALF CHANGED" in bmr.run("disks", target.path).output
            ended = put_boot_files(source, target) if number % 2 else bmr.run(
                "restore-systemstate", "--disk", target.path, "--finish")
            assert ended.status == bmr.DONE and "was brought to its end" in ended.output, ended
        found = target.files()
        if undated(found) != new:
            assert found == old and not half
            assert put_boot_files(source, target).status == bmr.DONE and undated(target.files()) == new
    assert result.status == bmr.DONE and states == {None, 1}, (result, states)
