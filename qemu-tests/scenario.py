# SPDX-License-Identifier: GPL-3.0-or-later
"""What scenarios and the demo share: generated backup sets, targets, the boot stick."""

import contextlib
import hashlib
import io
import json
import pathlib
import random
import shutil
import subprocess

import make_backup
from bmr import BUILD, REPOSITORY
from generator import compare, tools

SCENARIOS = BUILD / "scenarios"
IMAGE = BUILD / "image" / "openbmr.img"
BOOT_APPLICATION = BUILD / "openbmr.efi"
MARKER = BUILD / "marker.efi"
BUILD_ARM64 = BUILD / "arm64"
IMAGE_ARM64 = BUILD_ARM64 / "image" / "openbmr.img"

MIB = 1 << 20

# What make_backup.py is asked for, by the names that scenarios use
SETS = {
    "uefi": ("--seed", "11", "--bootmgr", MARKER),
    "uefi-4096": ("--seed", "12", "--bootmgr", MARKER, "--sector-size", "4096"),
    "bios": ("--seed", "13", "--layout", "bios-mbr"),
    "bios-10": ("--seed", "18", "--layout", "bios-mbr", "--image", "vhdx", "--bootmgr", MARKER),
    "stale": ("--seed", "14", "--stale", "--dirty-log", "--variant", "server2019", "--renamed"),
    "partial": ("--seed", "15", "--partial", "--fallback"),
    "huge": ("--seed", "17", "--data-tib", "64"),
    "arm64": ("--seed", "19", "--bootmgr", BUILD_ARM64 / "marker.efi"),
    "damaged": ("--seed", "16", "--damaged"),
}


class BackupSet:
    """A generated set. `share`: the folder to restore from; `facts`: source.json."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.share = self.folder / "share"
        self.facts = compare.load(folder) if self.share.exists() else None

    def images(self) -> dict:
        """Role to path."""
        return {p["role"]: self.folder / p["image"] for p in self.facts["partitions"]
                if p["image"]}

    def partition(self, role: str) -> dict:
        return next(p for p in self.facts["partitions"] if p["role"] == role)


def _key(arguments) -> str:
    """Changes with the wishes, the generator and the program on the ESP."""
    digest = hashlib.sha256(json.dumps(list(map(str, arguments))).encode())
    sources = [REPOSITORY / "qemu-tests/make_backup.py",
               *sorted((REPOSITORY / "qemu-tests/generator").glob("*.py")),
               *(path for path in arguments if isinstance(path, pathlib.Path))]
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]


def backup_set(name: str) -> BackupSet:
    """Generated on first use, kept below build/scenarios until the generator changes."""
    folder = SCENARIOS / "sets" / f"{name}-{_key(SETS[name])}"
    if not folder.exists():
        for old in folder.parent.glob(f"{name}-{'[0-9a-f]' * 12}*"):
            shutil.rmtree(old)
        unfinished = folder.with_name(folder.name + ".part")
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        generate(name, unfinished).folder.rename(folder)
    return BackupSet(folder)


def generate(name: str, folder) -> BackupSet:
    return generate_by(SETS[name], folder)


def generate_by(wishes, folder) -> BackupSet:
    """`wishes`: options of make_backup.py."""
    arguments = [str(folder), *map(str, wishes)]
    with contextlib.redirect_stdout(io.StringIO()):
        failed = make_backup.main(arguments)
    if failed:
        raise RuntimeError(f"make_backup.py {' '.join(arguments)} failed")
    return BackupSet(folder)


@contextlib.contextmanager
def empty_folder(folder):
    """On a disk file system, for big sparse files; removed at the end."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


# -- disks ------------------------------------------------------------------------------------

def blank_disk(path, size: int) -> pathlib.Path:
    tools.make_sparse(path, size)
    return pathlib.Path(path)


def random_disk(path, size: int, seed: int) -> pathlib.Path:
    """A disk full of other data: no block of it is zero, no two MiB are the same."""
    piece = bytearray(random.Random(seed).randbytes(MIB))
    with open(path, "wb") as file:
        for number in range(-(-size // MIB)):
            piece[:8] = number.to_bytes(8, "little")
            file.write(piece[:min(MIB, size - number * MIB)])
    return pathlib.Path(path)


def gpt_disk(path, size: int, sector_size: int = 512) -> pathlib.Path:
    """A disk that carries the table and the start of another system."""
    blank_disk(path, size)
    layout = f"label: gpt\nsector-size: {sector_size}\n,{200 * MIB // sector_size},U\n,,L\n"
    tools.run(["sfdisk", "-q", "--no-reread", "--no-tell-kernel", path], stdin=layout)
    with open(path, "r+b") as file:
        for offset in (MIB, 201 * MIB, size - 8 * MIB):
            file.seek(offset)
            file.write(random.Random(offset).randbytes(MIB))
    return pathlib.Path(path)


def fingerprint(path) -> str:
    """Changes when anything is written to a file, zeros into a hole too; holes cost nothing."""
    digest = hashlib.sha256(str(path.stat().st_size).encode())
    with open(path, "rb") as file:
        for offset, length in tools.data_ranges(file.fileno(), path.stat().st_size):
            digest.update(f"{offset}+{length}".encode())
            file.seek(offset)
            for at in range(0, length, 4 * MIB):
                digest.update(file.read(min(4 * MIB, length - at)))
    return digest.hexdigest()


def copy_sparse(source, target) -> pathlib.Path:
    subprocess.run(["cp", "--sparse=always", str(source), str(target)], check=True)
    return pathlib.Path(target)


# -- the stick --------------------------------------------------------------------------------

def answer_file(url: str, disk: str, machine: str = "", action: str = "reboot") -> str:
    machine_line = f"machine = {machine}\n" if machine else ""
    return (f"format = 1\n[source]\nurl = {url}\ncredentials = file:openbmr.cred\n[backup]\n"
            f"{machine_line}version = latest\n[target]\ndisk0 = {disk}\nconfirm = erase\n"
            f"[after]\naction = {action}\n").replace("\n", "\r\n")


def make_stick(path, files: dict, image=IMAGE) -> pathlib.Path:
    """A copy of the built image with files put on it as a user would: name to text."""
    copy_sparse(image, path)
    for name, text in files.items():
        put_on_stick(path, name, text.encode())
    return pathlib.Path(path)


def stick_drive(path) -> str:
    """The one partition of a stick, for mtools."""
    table = json.loads(tools.run(["sfdisk", "-J", path]))["partitiontable"]
    return f"{path}@@{table['partitions'][0]['start'] * table['sectorsize']}"


def put_on_stick(path, name: str, data: bytes) -> None:
    """What is there under this name is replaced."""
    subprocess.run(["mcopy", "-o", "-i", stick_drive(path), "-", f"::{name}"], input=data,
                   check=True)


def remove_from_stick(path, name: str) -> None:
    tools.run(["mdel", "-i", stick_drive(path), f"::{name}"])


def names_on_stick(path) -> list:
    """Files, with their folders."""
    listed = tools.run(["mdir", "-b", "-/", "-i", stick_drive(path), "::"])
    return [line.removeprefix("::/") for line in listed.splitlines() if not line.endswith("/")]
