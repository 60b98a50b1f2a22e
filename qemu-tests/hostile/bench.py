# SPDX-License-Identifier: GPL-3.0-or-later
"""A good backup in which one thing at a time is broken, judged by `bmr restore`, and put right
again: hundreds of damaged backups for the price of one.

A case is refused when the program ends with an error that says all of the case's words in one
sentence, and the target is as it was, to the block and to the nanosecond. Two cases are two only
if their sentences differ in more than numbers, ids and names of files.
"""

import dataclasses
import os
import pathlib
import re
import shutil
import struct
import subprocess
import typing

import bmr
import scenario
from scenario import MIB

TARGET_SIZE = 2 << 30


@dataclasses.dataclass
class Case:
    """`damage(bench)` breaks one thing. `options` go to the restore; `command`, if given, is
    called with the bench for other commands and answers their arguments."""
    damage: typing.Callable
    words: tuple
    options: tuple = ()
    command: typing.Callable = None
    statuses: tuple = (bmr.FAILED, bmr.REFUSED)
    alone: bool = True  # its sentence is its own; else others may share it, and it does not count


class Bench:
    """A copy of a generated set. Whatever is done to it through its methods is undone."""

    def __init__(self, folder, backup):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        shutil.copytree(backup.share, self.folder / "share", copy_function=scenario.copy_sparse,
                        symlinks=True)
        self.facts = backup.facts
        self.share = self.folder / "share"
        self.set = self.folder / self.facts["set"]
        self.original = backup
        self.target = scenario.blank_disk(self.folder / "target.img", TARGET_SIZE)
        self.prefix = ()  # what starts the program
        self._undo = []

    # -- what can be broken -------------------------------------------------------------------

    def on_undo(self, action) -> None:
        self._undo.append(action)

    def undo(self) -> None:
        while self._undo:
            self._undo.pop()()

    def image(self, role: str) -> pathlib.Path:
        return self.folder / self.partition(role)["image"]

    def partition(self, role: str) -> dict:
        return next(p for p in self.facts["partitions"] if p["role"] == role)

    def document(self, end: str) -> pathlib.Path:
        return next(path for path in self.set.iterdir() if path.name.endswith(end))

    def poke(self, path, offset: int, data: bytes) -> None:
        with open(path, "r+b") as file:
            file.seek(offset)
            before = file.read(len(data))
            file.seek(offset)
            file.write(data)
            size = os.fstat(file.fileno()).st_size

        def restore():
            with open(path, "r+b") as again:
                again.seek(offset)
                again.write(before)
                again.truncate(size - (len(data) - len(before)))
        self.on_undo(restore)

    def truncate(self, path, size: int) -> None:
        """What is cut off is kept; growing is undone by cutting."""
        before = path.stat().st_size
        with open(path, "rb") as file:
            file.seek(size)
            tail = file.read() if size < before else b""
        os.truncate(path, size)

        def restore():
            with open(path, "r+b") as file:
                file.truncate(min(size, before))
                file.seek(size)
                file.write(tail)
        self.on_undo(restore)

    def away(self, path) -> pathlib.Path:
        """Nothing is left of this name in the set."""
        kept = self.folder / f"away-{len(self._undo)}"
        path.rename(kept)

        def restore():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
            kept.rename(path)
        self.on_undo(restore)
        return kept

    def add(self, path, content: bytes = b"") -> pathlib.Path:
        path.write_bytes(content)
        self.on_undo(lambda: path.unlink(missing_ok=True))
        return path

    def replace(self, path, other) -> None:
        """The file holds what another one does; of its name only the suffix becomes the other's."""
        self.away(path)
        new = path.with_suffix(pathlib.Path(other).suffix)
        scenario.copy_sparse(other, new)
        self.on_undo(lambda: new.unlink(missing_ok=True))

    def rewrite(self, path, change) -> None:
        """Changes the text of a document, which is UTF-16LE without BOM."""
        before = path.read_bytes()
        text = before.decode("utf-16-le")
        changed = change(text)
        if changed == text:
            raise ValueError(f"{path.name} does not hold what was to be changed")
        path.write_bytes(changed.encode("utf-16-le"))
        self.on_undo(lambda: path.write_bytes(before))

    # -- the virtual disk in an image -----------------------------------------------------------

    def virtual(self, role: str):
        path = self.image(role)
        return VirtualVhdx(self, path) if path.suffix == ".vhdx" else VirtualVhd(self, path)

    def volume(self, role: str, offset: int, data: bytes) -> None:
        """Into the volume of an image."""
        self.virtual(role).write(self.partition(role)["image_offset"] + offset, data)

    def volume_bytes(self, role: str, offset: int, length: int) -> bytes:
        return self.virtual(role).read(self.partition(role)["image_offset"] + offset, length)

    # -- judgement --------------------------------------------------------------------------------

    def arguments(self, case: Case) -> list:
        if case.command:
            return case.command(self)
        return ["restore", "--from", self.share, "--disk", self.target, "--confirm", "erase",
                "--version", self.facts["time"], *case.options]

    def run(self, arguments) -> tuple:
        """Exit status and the sentences that were said."""
        done = subprocess.run([*self.prefix, bmr.PROGRAM, *map(str, arguments)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              timeout=bmr.LIMIT_SECONDS, env=bmr.environment())
        return done.returncode, done.stdout.decode(errors="replace")

    def state(self) -> tuple:
        found = os.stat(self.target)
        return found.st_size, found.st_blocks, found.st_mtime_ns

    def judge(self, case: Case):
        """Faults found, and the sentence that refuses, as two cases are compared by."""
        faults = []
        try:
            case.damage(self)
            before = self.state()
            status, text = self.run(self.arguments(case))
            if self.state() != before:
                faults.append("the target was written to")
        finally:
            self.undo()
        if status not in case.statuses:
            faults.append(f"exit status {status}")
        text = re.sub(r"\n {32}(?=\S)", " ", text)  # a fact of the forecast is one line
        refusals = [line for line in text.splitlines()
                    if re.match(r"REFUSED: |FAILED: |  RED +|bmr( [a-z]+)?: ", line)]
        said = [line for line in refusals
                if all(word.lower() in line.lower() for word in case.words)]
        if not said:
            faults.append(f"no {case.words} in: {text[-3000:]}")
        return faults, self.normal(said[0]) if said else ""

    def normal(self, sentence: str) -> str:
        """Without paths, names of images, ids and numbers."""
        sentence = re.sub(r"'[^']*(/|\.vhdx?|\.xml|\.zst|\.img)[^']*'", "FILE", sentence)
        sentence = re.sub(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}", "ID", sentence)
        sentence = re.sub(r"0x[0-9a-fA-F]+|\d+", "N", sentence)
        return re.sub(r"^.*is damaged: |^.*(REFUSED|FAILED): |^bmr restore: ", "", sentence)


class VirtualVhdx:
    """Reads and writes within blocks that are there ([MS-VHDX] 2.5; the generator's places)."""
    BAT = 3 * MIB

    def __init__(self, bench, path):
        self.bench, self.path = bench, path
        self.block = bench.facts["wishes"]["block_mib"] * MIB
        with open(path, "rb") as file:
            file.seek(self.BAT)
            self.table = file.read(MIB)

    def place(self, offset: int) -> int:
        number = offset // self.block
        ratio = (1 << 23) * self.bench.facts["sector_size"] // self.block
        entry = struct.unpack_from("<Q", self.table, 8 * (number + number // ratio))[0]
        if entry & 7 != 6:
            raise ValueError(f"{self.path.name}: block {number} is not there")
        return (entry >> 20 << 20) + offset % self.block

    def read(self, offset: int, length: int) -> bytes:
        with open(self.path, "rb") as file:
            file.seek(self.place(offset))
            return file.read(length)

    def write(self, offset: int, data: bytes) -> None:
        self.bench.poke(self.path, self.place(offset), data)


class VirtualVhd(VirtualVhdx):
    """The same for a dynamic VHD: sector numbers, a bitmap of one sector before each block."""

    def __init__(self, bench, path):
        self.bench, self.path = bench, path
        with open(path, "rb") as file:
            file.seek(512)
            header = file.read(1024)
            self.block = struct.unpack_from(">I", header, 32)[0]
            file.seek(struct.unpack_from(">Q", header, 16)[0])
            self.table = file.read(4 * struct.unpack_from(">I", header, 28)[0])

    def place(self, offset: int) -> int:
        number = offset // self.block
        sector = struct.unpack_from(">I", self.table, 4 * number)[0]
        if sector == 0xffffffff:
            raise ValueError(f"{self.path.name}: block {number} is not there")
        return sector * 512 + 512 + offset % self.block
