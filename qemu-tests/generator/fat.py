# SPDX-License-Identifier: GPL-3.0-or-later
"""The EFI system partition: FAT32 by mkfs.fat, filled with mtools, the same bytes for the same
seed (times come from SOURCE_DATE_EPOCH, the serial number from the seed)."""

import os
import tempfile

from . import tools

EPOCH = "1577836800"


def make(path, length: int, sector_size: int, start_lba: int, serial: int) -> None:
    """An empty volume. Clusters as Windows chooses them for a small system partition: 1 KiB,
    and one sector where sectors are larger."""
    tools.make_sparse(path, length)
    per_cluster = max(1024 // sector_size, 1)
    tools.run(["mkfs.fat", "--invariant", "-F", 32, "-S", sector_size, "-s", per_cluster, "-h",
               start_lba, "-i", f"{serial:08x}", path], env={"SOURCE_DATE_EPOCH": EPOCH})


def fill(path, files: dict) -> None:
    """`files`: path below the root, with slashes, to bytes. Folders are made as needed."""
    folders = set()
    for name in files:
        parts = name.split("/")[:-1]
        folders.update("/".join(parts[:count]) for count in range(1, len(parts) + 1))
    environment = {"SOURCE_DATE_EPOCH": EPOCH, "MTOOLS_SKIP_CHECK": "1"}
    ordered = sorted(folders, key=lambda f: (f.count("/"), f))
    if ordered:
        tools.run(["mmd", "-i", path, *("::/" + f for f in ordered)], env=environment)
    with tempfile.TemporaryDirectory(prefix="generator-fat-") as folder:
        for number, (name, data) in enumerate(sorted(files.items())):
            local = os.path.join(folder, str(number))
            with open(local, "wb") as file:
                file.write(data)
            os.utime(local, (int(EPOCH), int(EPOCH)))
            tools.run(["mcopy", "-m", "-i", path, local, "::/" + name], env=environment)


def read_all(path) -> dict:
    """Every file of a volume: path below the root to bytes. (mtools's own recursion copies.)"""
    with tempfile.TemporaryDirectory(prefix="generator-fat-") as folder:
        tools.run(["mcopy", "-s", "-n", "-i", path, "::/", folder], env={"MTOOLS_SKIP_CHECK": "1"})
        files = {}
        for parent, _, names in os.walk(folder):
            for name in names:
                local = os.path.join(parent, name)
                with open(local, "rb") as file:
                    files[os.path.relpath(local, folder)] = file.read()
        return files
