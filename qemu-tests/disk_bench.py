# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks of made-up machines (fake_machine.py) and a backup to restore onto them, for scenarios of
the wrong disk: what a row of their tables is, and how it is judged by the kernel's count of
writes."""

import contextlib
import pathlib
import shutil
import tempfile
from dataclasses import dataclass, field

import bmr
import fake_machine
import scenario
import test_layouts
from fake_machine import Disk
from generator import ntfs, tools
from generator.disk import BASIC, MSR
from generator.seeded import Seed
from scenario import MIB
from test_layouts import GPT, SECTORS, gpt_disk

STICK_PARTITION = "1a2b3c4d-0000-4000-8000-00000000feed"
STICK_SIGNATURE = "5713c0de"

# Sizes in MiB. The system disk of the backup needs NEEDED bytes, the data disk 29 MiB.
SIZES = {"a": 160, "b": 170, "c": 300, "stick": 40, "d": 64}
NEEDED = 130 * MIB + 33 * 512


def disk(name, loop, serial="", **more):
    """`loop`: a key of SIZES, which becomes the loop device."""
    return Disk(name, loop, serial, **more)


@dataclass
class Case:
    """`words` stand in what is said; `writes`: the disk that is written to, and no other;
    `machine`: arguments of Machine."""
    disks: tuple
    arguments: tuple
    status: int
    words: str
    writes: str = ""
    machine: dict = field(default_factory=dict)
    command: str = "restore"


class Bench:
    """The backup of a machine with two disks, and the disks that rows name by a key."""

    def __init__(self, folder: pathlib.Path, loops):
        self.folder, self.loops, self.attached = folder, loops, {}
        seed = Seed(32)
        data = ((1, 34, 16 * SECTORS - 34, MSR, "", "Microsoft reserved partition", 0),
                (2, 32768, 12 * SECTORS + 9, BASIC, "ntfs", "Basic data partition", 0))
        system = GPT["Windows 10 2004: recovery at the end"]
        self.backup = test_layouts.Machine(
            folder, seed, [gpt_disk(seed, "system", system), gpt_disk(seed, "data", data)])
        self.mount_point = folder / "mnt"
        self.mount_point.mkdir()
        for number, (key, size) in enumerate(SIZES.items()):
            scenario.random_disk(self.file(key), size * MIB, seed=number)
        for key, label in (("stick", "gpt"), ("d", "dos")):
            self._make_stick(self.file(key), label)
        self._restored("original")
        for key in ("clone", "spare"):
            scenario.copy_sparse(self.file("original"), self.file(key))
        tools.run(["truncate", "-s", 40 * MIB, self.file("ext4")])
        tools.run(["mkfs.ext4", "-q", "-F", "-d", self.backup.share, self.file("ext4")])
        scenario.copy_sparse(self.file("a"), self.file("locked"))
        self._make_ntfs()
        self._half_restored()

    def file(self, key: str) -> pathlib.Path:
        return self.folder / f"{key}.img"

    def _make_stick(self, path, label):
        words = {"gpt": f"label: gpt\n\ntype=U,uuid={STICK_PARTITION}\n",
                 "dos": f"label: dos\nlabel-id: 0x{STICK_SIGNATURE}\n\ntype=c\n"}
        tools.run(["sfdisk", "-q", "--no-reread", "--no-tell-kernel", "--wipe", "always", path],
                  stdin=words[label])

    def _make_ntfs(self) -> None:
        """A disk with an NTFS volume that holds the smaller images of the backup."""
        volume = self.folder / "volume"
        ntfs.make(volume, 98 * MIB, 512, 2048)
        test_layouts.put_files(volume, {str(path.relative_to(self.backup.share)): path.read_bytes()
                                        for path in self.backup.share.rglob("*")
                                        if path.is_file() and path.stat().st_size < 20 * MIB})
        scenario.blank_disk(self.file("ntfs"), 100 * MIB)
        tools.run(["sfdisk", "-q", "--no-reread", "--no-tell-kernel", self.file("ntfs")],
                  stdin=f"label: dos\n\n2048,{98 * MIB // 512},7\n")
        with open(volume, "rb") as source, open(self.file("ntfs"), "r+b") as to:
            to.seek(MIB)
            shutil.copyfileobj(source, to)
        volume.unlink()

    def _restored(self, key: str) -> None:
        result = bmr.restore(self.backup.share, self.file(key), "--volumes", "C:,ESP")
        assert result.status == bmr.DONE, result

    def _half_restored(self) -> None:
        """Onto the disk "H7", which was killed half-way."""
        scenario.random_disk(self.file("half"), 160 * MIB, seed=9)
        machine = self.machine(Case((disk("sdb", "half", "H7"),), (), 0, ""))
        result = bmr.run("restore", "--from", self.backup.share, "--disk", "serial:H7", "--confirm",
                         "erase", prefix=(*machine.prefix(), "strace", "-qq", "-o", "/dev/null", "-e",
                                          "trace=fdatasync", "-e",
                                          "inject=fdatasync:signal=KILL:when=8"))
        assert result.status not in (bmr.DONE, bmr.FAILED), result

    def loop(self, key: str):
        if key not in self.attached:
            self.attached[key] = self.loops.attach(self.file(key), read_only=key == "locked")
        return self.attached[key]

    def machine(self, case: Case) -> fake_machine.Machine:
        words = dict(case.machine)
        others = words.pop("others", {})
        keys = {d.loop for d in case.disks} | {p for d in case.disks for p in d.partitions.values()}
        self._release(keys | set(others.values()))
        words["others"] = {name: self.loop(key) for name, key in others.items()}
        words["extra"] = {path.format(**self._numbers()): str(text).format(**self._numbers())
                          for path, text in words.get("extra", {}).items()}
        return fake_machine.Machine(self.folder / "machine", self.resolve(case.disks),
                                    at=self.mount_point, **words)

    def _numbers(self) -> dict:
        """For the texts of /sys: {b} is the number of the loop device "b"."""
        return {key: loop.number for key, loop in self.attached.items()}

    def resolve(self, disks) -> list:
        return [Disk(**{**vars(d), "loop": self.loop(d.loop), "partitions": {
            name: self.loop(key) for name, key in d.partitions.items()}}) for d in disks]

    def _release(self, keys) -> None:
        """There are only so many loop devices: those that a row does not need go."""
        for key in [key for key in self.attached if key not in keys]:
            self.attached.pop(key).detach()

    def release_all(self) -> None:
        """What was done to a loop device ends with it."""
        self.loops.pop_all().close()
        self.attached.clear()

    def written(self) -> dict:
        return {key: loop.written() for key, loop in self.attached.items()}

    def blank(self, key: str) -> None:
        """A disk that was restored to is random again."""
        self._release(set(self.attached) - {key})
        if key == "a":
            scenario.random_disk(self.file("a"), SIZES["a"] * MIB, seed=0)


@contextlib.contextmanager
def make():
    """A Bench in a folder of its own."""
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(tempfile.mkdtemp(dir=scenario.SCENARIOS, prefix="disks-"))
        stack.callback(shutil.rmtree, folder)
        yield Bench(folder, stack.enter_context(fake_machine.Loops()))


def judge(bench, what: str, case: Case, result: bmr.Result, before: dict) -> None:
    after = bench.written()
    changed = {key for key in before if after[key] != before[key]}
    said = result.output + result.errors
    assert result.status == case.status and case.words in said, f"{what}: {case.words}: {result}"
    assert changed == ({case.writes} if case.writes else set()), f"{what}: written to {changed}"
    if case.writes:
        bench.blank(case.writes)
