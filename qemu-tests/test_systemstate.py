# SPDX-License-Identifier: GPL-3.0-or-later
"""A system state backup is put onto a Windows volume that is there: what is replaced is kept aside,
nothing else changes, and a cut at any write leaves the old volume or one that is brought to its end."""

import contextlib
import functools
import hashlib
import json
import operator
import os
import pathlib
import re
import struct

import pytest

import bmr
import scenario
from generator import compare, ntfs, tools

pytestmark = pytest.mark.needs("root", "fuse", "ntfs-3g", "ntfsfix", "strace")

CONFIG = "Windows/System32/config/"
CATALOGS = "Windows/System32/CatRoot/{F750E6C3-38EE-11D1-85E5-00C04FC295EE}/"
OLD_LOG = b"a log of the old hive" * 300
OLD_CATALOG = b"an old catalogue" * 100


def windows(source) -> dict:
    return source.partition("windows")


class Target:
    """A disk with a Windows on it; a volume of it is changed and looked at through ntfs-3g."""

    def __init__(self, source, path, role="windows"):
        self.path, self.facts = pathlib.Path(path), source.partition(role)
        assert bmr.restore(source.share, self.path).status == bmr.DONE

    def copy(self, path):
        other = type(self).__new__(type(self))
        other.path, other.facts = scenario.copy_sparse(self.path, path), self.facts
        return other

    @contextlib.contextmanager
    def volume(self, changed: bool = False):
        """The volume in a file of its own, put back if it is changed."""
        raw = self.path.with_suffix(".volume")
        compare.extract(self.path, self.facts["offset"], self.facts["length"], raw)
        yield raw
        if changed:
            with open(raw, "rb") as source, open(self.path, "r+b") as disk:
                for offset, length in tools.data_ranges(source.fileno(), os.path.getsize(raw)):
                    disk.seek(self.facts["offset"] + offset)
                    source.seek(offset)
                    disk.write(source.read(length))
        raw.unlink()

    @contextlib.contextmanager
    def mounted(self, changed: bool = False):
        with self.volume(changed) as raw, ntfs.mounted(raw, read_only=not changed) as folder:
            yield pathlib.Path(folder)

    def files(self) -> dict:
        """Path to hash and time of all files."""
        with self.volume() as raw:
            tools.run(["ntfsfix", "-n", raw])
            with ntfs.mounted(raw, read_only=True) as folder:
                return {str(path.relative_to(folder)): (digest(path.read_bytes()), path.stat().st_mtime_ns)
                        for path in pathlib.Path(folder).rglob("*") if path.is_file() and not path.is_symlink()}


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def put_back(source, target, *more, **options):
    return bmr.run("restore-systemstate", "--from", source.share, "--disk", target.path, *more, **options)


CONFIRM = ("--confirm", "replace")


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """A Windows with an older catalogue under two names, and the log of a hive."""
    folder = scenario.SCENARIOS / f"systemstate-{os.getpid()}"
    with scenario.empty_folder(folder):
        target = Target(scenario.backup_set("uefi"), folder / "windows.img")
        with target.mounted(changed=True) as root:
            (root / CATALOGS).mkdir(parents=True)
            (root / CATALOGS / "oem1.cat").write_bytes(OLD_CATALOG)
            os.link(root / CATALOGS / "oem1.cat", root / "Windows/WinSxS/second name.cat")
            (root / CONFIG / "SYSTEM.LOG1").write_bytes(OLD_LOG)
            (root / CONFIG / "SOFTWARE.LOG1").write_bytes(OLD_LOG)
        yield target


def test_files_are_replaced_the_old_ones_kept_and_nothing_else_changes(backup, machine, work):
    source, target = backup("partial"), machine.copy(work / "disk.img")
    before, state = target.files(), {f["path"]: f["sha256"] for f in windows(source)["files"]}
    print_before = scenario.fingerprint(target.path)
    plan = put_back(source, target, "--plan")
    assert plan.status == bmr.DONE and scenario.fingerprint(target.path) == print_before
    result = put_back(source, target, *CONFIRM)
    assert result.status == bmr.DONE, result
    assert [re.sub(r"replaced-[\d-]+", "", line) for line in plan.output.splitlines()[:-1]] == \
        [re.sub(r"replaced-[\d-]+", "", line) for line in result.output.splitlines()[:-2]]

    after = target.files()
    kept = {path.split("/", 1)[1].lower(): facts for path, facts in after.items()
            if path.startswith("openbmr-replaced-")}
    replaced = {CONFIG + "SYSTEM", CATALOGS + "oem1.cat"}
    emptied, added = {CONFIG + "SYSTEM.LOG1"}, {CATALOGS + "oem0.cat", CATALOGS + "oem2.cat",
                                                "Boot/Fonts/wgl4_boot.ttf"}
    for path in replaced | added:
        assert after[path][0] == state[path], path
    for path in emptied:
        assert after[path][0] == digest(b""), path
    assert kept == {path.lower(): before[path] for path in replaced | emptied}
    assert after["Windows/WinSxS/second name.cat"][0] == state[CATALOGS + "oem1.cat"]
    changed = replaced | emptied | added | {"Windows/WinSxS/second name.cat"}
    assert {path: facts for path, facts in after.items()
            if path not in changed and not path.startswith("openbmr-replaced-")} == \
        {path: facts for path, facts in before.items() if path not in changed}
    for words in ("7 files replaced, 3 added, 1 logs of hives emptied", "(Registry Writer)", "(System Writer)",
                  "(well-known place)", "oem1.cat has 2 names (hard links)", "COM+ REGDB Writer:", "WMI Writer:",
                  "on partition 1, from which Windows is started:"):
        assert words in result.output, (words, result)
    again = put_back(source, target, *CONFIRM)
    assert again.status == bmr.DONE and "nothing to do: all 14 files are equal already" in again.output, again


def test_what_was_done_is_told_in_the_fields_of_a_restore(backup, machine, work):
    source, target, report = backup("partial"), machine.copy(work / "disk.img"), work / "report.json"
    facts = json.loads(put_back(source, target, "--plan", "--json").output)
    assert not facts["target_touched"] and facts["plan"]["plan_only"] and facts["next_steps"] == []
    counts = {"replaced": 7, "added": 3, "emptied": 1, "equal": 4}
    assert facts["plan"]["files"].items() >= counts.items() and facts["verified_bytes"] == 0

    result = put_back(source, target, *CONFIRM, "--json", "--report", report, "--progress-fd", "1")
    assert result.status == bmr.DONE, result
    lines = [json.loads(line) for line in result.output.splitlines() if line.startswith('{"')]
    assert [phase for i, phase in enumerate(line["phase"] for line in lines) if i == 0 or
            lines[i - 1]["phase"] != phase] == ["scan", "preflight", "copy"], lines
    facts = json.loads(report.read_text())
    assert facts["done"] and facts["target_touched"] and facts["error"] is None
    assert facts["machine"] == "SRV01" and facts["source"] == str(source.share)
    assert facts["copied_bytes"] == facts["verified_bytes"] == facts["plan"]["files"]["bytes"] > 0
    assert facts["plan"]["target"]["file"] == str(target.path) and facts["plan"]["partition"] == 3
    assert facts["plan"]["files"].items() >= counts.items() and "start Windows" in facts["next_steps"][0]
    texts = [note["text"] for note in facts["notes"]]
    assert {note["severity"] for note in facts["notes"]} == {"note", "warning"}
    assert any(re.search(r"replace .*SYSTEM.*" + facts["plan"]["kept_in"], text) for text in texts), texts
    assert set(json.loads(bmr.restore(source.share, work / "other.img", "--json").output or "{}")) <= set(facts)

    with target.mounted(changed=True) as root:
        other_computer(root)
    result = put_back(source, target, *CONFIRM, "--json", "--report", work / "report.txt")
    facts = json.loads(result.output)
    assert result.status == bmr.REFUSED and not facts["done"] and not facts["target_touched"], result
    assert "is 'PC-77'" in facts["error"] and "FAILED: " in (work / "report.txt").read_text()


def test_only_chosen_kinds_are_replaced(backup, machine, work):
    target = machine.copy(work / "disk.img")
    result = put_back(backup("partial"), target, "--plan", "--only", "boot,catalogs")
    assert result.status == bmr.DONE and "config" not in result.output, result
    assert "6 files replaced, 3 added, 0 logs" in result.output, result


def replace_file(path: str, data: bytes):
    def change(root):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return change


def stamp(store: bytearray):
    """Makes a hive one that was written at another time."""
    store[0x0c:0x14] = bytes(8)
    store[0x1fc:0x200] = struct.pack("<I", functools.reduce(operator.xor, struct.unpack("<127I", store[:0x1fc])))


def other_loader(root):
    """A manager and a boot store that are not as in the backup, and the log of that store."""
    (root / "bootmgr").write_bytes(b"MZ another boot manager" * 1000)
    store = bytearray((root / "Boot/BCD").read_bytes())
    stamp(store)
    (root / "Boot/BCD").write_bytes(store)
    (root / "Boot/BCD.LOG1").write_bytes(OLD_LOG)


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """The partition that Windows is started from, of a disk on which other_loader() was."""
    folder = scenario.SCENARIOS / f"started-{os.getpid()}"
    with scenario.empty_folder(folder):
        target = Target(scenario.backup_set("bios"), folder / "windows.img", "system")
        with target.mounted(changed=True) as root:
            other_loader(root)
        yield target


def test_boot_files_on_a_partition_of_their_own_are_put_back(backup, started, work):
    source, target = backup("bios"), started.copy(work / "disk.img")
    before = target.files()
    result = put_back(source, target, *CONFIRM, "--json")
    assert result.status == bmr.DONE, result
    facts, after = json.loads(result.output), target.files()
    assert facts["plan"]["boot_partition"] == 1 and facts["plan"]["partition"] == 2
    kept = {path.split("/", 1)[1]: facts for path, facts in after.items() if path.startswith("openbmr-replaced-")}
    assert kept == {path: before[path] for path in ("bootmgr", "Boot/BCD", "Boot/BCD.LOG1")}
    state = {f["path"]: f["sha256"] for f in target.facts["files"]}
    assert {path: after[path][0] for path in state} == state and after["Boot/BCD.LOG1"][0] == digest(b"")
    assert facts["plan"]["files"].items() >= {"replaced": 2, "emptied": 1, "added": 0}.items()
    assert "on partition 1, from which Windows is started:" in [note["text"] for note in facts["notes"]]


def test_a_cut_while_boot_files_are_written_is_brought_to_its_end(backup, started, work):
    source, target = backup("bios"), started.copy(work / "disk.img")
    for number in range(6, 60, 3):
        put_back(source, target, *CONFIRM, prefix=(
            "strace", "-qq", "-o", os.devnull, "-P", str(target.path), "-e", "trace=pwrite64",
            "-e", f"inject=pwrite64:signal=KILL:when={number}"))
        half = put_back(source, target, "--plan")
        if half.status == bmr.REFUSED:
            break
    assert "partition 1: a change has stopped half-way" in half.errors, half
    other = put_back(source, target, *CONFIRM, "--volume", "2")
    assert other.status == bmr.REFUSED and "partition 1: a change has stopped half-way" in other.errors, other
    done = put_back(source, target, *CONFIRM)
    assert done.status == bmr.DONE and "was brought to its end" in done.output, done
    again = put_back(source, target, *CONFIRM)
    assert again.status == bmr.DONE and "nothing to do: all" in again.output, again
    after = target.files()
    assert {f["path"]: after[f["path"]][0] for f in target.facts["files"]} == {
        f["path"]: f["sha256"] for f in target.facts["files"]}


def test_a_boot_store_that_names_other_partitions_stays(backup, started, work):
    source, target = backup("bios-10"), started.copy(work / "disk.img")
    before = target.files()
    result = put_back(source, target, *CONFIRM, "--only", "boot")
    after = target.files()
    assert result.status == bmr.DONE and "names other partitions" in result.output, result
    assert after["Boot/BCD"] == before["Boot/BCD"] and after["bootmgr"] != before["bootmgr"]


def other_computer(root):
    (root / CONFIG / "SYSTEM").write_bytes(renamed((root / CONFIG / "SYSTEM").read_bytes()))


def renamed(hive: bytes) -> bytes:
    """The computer's name, in the same length."""
    name = "SRV01".encode("utf-16-le")
    assert name in hive
    return hive.replace(name, "PC-77".encode("utf-16-le"))


def other_build(root):
    path = root / CONFIG / "SOFTWARE"
    path.write_bytes(path.read_bytes().replace("17763".encode("utf-16-le"), "14393".encode("utf-16-le")))


def refused(source, target, status, *words):
    print_before = scenario.fingerprint(target.path)
    result = put_back(source, target, *CONFIRM)
    assert result.status == status, result
    for word in words:
        assert word in result.errors, result
    assert scenario.fingerprint(target.path) == print_before


@pytest.mark.parametrize("change, words, option", [
    (other_computer, ("computer 'SRV01'", "is 'PC-77'"), "--other-machine"),
    (other_build, ("Windows build 17763", "is build 14393"), None),
    (replace_file("Windows/NTDS/ntds.dit", b"directory" * 1000), ("is a domain controller",), "--domain-controller"),
], ids=["computer", "build", "domain controller"])
def test_another_windows_is_refused(backup, machine, work, change, words, option):
    target = machine.copy(work / "disk.img")
    with target.mounted(changed=True) as root:
        change(root)
    refused(backup("partial"), target, bmr.REFUSED, *words)
    if option:
        result = put_back(backup("partial"), target, "--plan", option)
        assert result.status == bmr.DONE and "WARNING: " in result.output, result


def test_a_catalogue_that_is_a_folder_stops_all(backup, machine, work):
    target = machine.copy(work / "disk.img")
    with target.mounted(changed=True) as root:
        (root / CATALOGS / "oem2.cat").mkdir()
    refused(backup("partial"), target, bmr.FAILED, "oem2.cat': cannot be replaced")


def test_a_volume_that_cannot_be_written_safely_is_refused(backup, machine, work):
    source, target = backup("partial"), machine.copy(work / "disk.img")
    with target.mounted(changed=True) as root:
        (root / "hiberfil.sys").write_bytes(b"hibr" + bytes(8188))
    refused(source, target, bmr.REFUSED, "NTFS was not closed by Windows (in use, or hibernated)")
    with open(target.path, "r+b") as disk:
        disk.seek(target.facts["offset"] + 3)
        disk.write(b"-FVE-FS-")
    refused(source, target, bmr.FAILED, "no partition with a Windows that can be read")
    result = put_back(source, target, "--plan", "--volume", "3")
    assert result.status == bmr.FAILED and "BitLocker" in result.errors, result
    inside = machine.copy(source.share / "disk-of-a-test.img")
    try:
        refused(source, inside, bmr.REFUSED, "nothing is written to it")
    finally:
        inside.path.unlink()


def test_options_are_needed(backup, machine):
    source = backup("partial")
    for more, words in (((), "--confirm replace is missing"), (("--confirm", "erase"), "--confirm replace"),
                        (("--plan", "--only", "hives"), "'hives': must be of registry"),
                        (("--plan", "--volume", "C:"), "must be the number of a partition"),
                        (("--finish",), "--finish needs --disk alone")):
        result = put_back(source, machine, *more)
        assert result.status == bmr.USAGE and words in result.errors, result
    result = bmr.run("restore-systemstate", "--disk", machine.path, "--finish")
    assert result.status == bmr.FAILED and "no change of a partition has stopped half-way" in result.errors, result


def registry(target) -> dict:
    """Name to hash of the hives, with the whole volume checked."""
    with target.volume() as raw:
        tools.run(["ntfsfix", "-n", raw])
        with ntfs.mounted(raw, read_only=True) as folder:
            return {path.name: digest(path.read_bytes()) for path in pathlib.Path(folder, CONFIG).iterdir()}


CUTS = 100  # more writes than the change has
STEP = 7    # the unit test cuts at every one


def test_a_cut_at_a_write_leaves_the_old_volume_or_is_brought_to_its_end(backup, machine, work):
    source, states = backup("partial"), []
    before = registry(machine)
    state = {os.path.basename(f["path"]): f["sha256"] for f in windows(source)["files"] if CONFIG in f["path"]}
    after = {**before, **state, "SYSTEM.LOG1": digest(b"")}
    for number in range(2, CUTS, STEP):
        target = machine.copy(work / "disk.img")
        result = put_back(source, target, *CONFIRM, "--only", "registry", prefix=(
            "strace", "-qq", "-o", os.devnull, "-P", str(target.path), "-e", "trace=pwrite64",
            "-e", f"inject=pwrite64:signal=KILL:when={number}"))
        if result.status == bmr.DONE:
            break
        resumed = bmr.run("resume", "--disk", target.path)
        half = bmr.run("restore-systemstate", "--disk", target.path, "--finish")
        assert resumed.status == bmr.FAILED, resumed
        assert (f"restore-systemstate --disk {target.path} --finish' brings it" in resumed.errors) == (
            half.status == bmr.DONE), resumed
        assert half.status == bmr.DONE or "no change of a partition has stopped half-way" in half.errors, half
        found = registry(target)
        states.append("new" if found == after else "old")
        assert found == (after if half.status == bmr.DONE else before)
    assert result.status == bmr.DONE and registry(target) == after
    assert "old" in states and "new" in states, states
