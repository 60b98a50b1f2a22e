# SPDX-License-Identifier: GPL-3.0-or-later
"""NTFS volumes in sparse files: made by mkntfs, filled through ntfs-3g, looked into with
ntfs-3g's own tools. No reader of NTFS is written here."""

import contextlib
import os
import re
import struct
import subprocess
import tempfile
import time

from . import tools

ATTRIBUTES = "system.ntfs_attrib_be"
REPARSE_DATA = "system.ntfs_reparse_data"

# FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_COMPRESSED, IO_REPARSE_TAG_*
DIRECTORY, COMPRESSED = 0x10, 0x800
MOUNT_POINT_TAG, SYMLINK_TAG = 0xA0000003, 0xA000000C

WAIT_SECONDS = 120


def make(path, length: int, sector_size: int, start_lba: int, label: str = "",
         cluster: int = 4096) -> None:
    """An empty volume as long as its partition; `start_lba` goes to HiddenSectors (0x1C)."""
    tools.make_sparse(path, length)
    tools.run(["mkntfs", "-Q", "-F", "-q", "-p", start_lba, "-H", 255, "-S", 63, "-s", sector_size,
               "-c", max(cluster, sector_size), *(["-L", label] if label else []), path,
               length // sector_size])


@contextlib.contextmanager
def mounted(path, read_only: bool = False):
    """Mount a volume at a folder of its own; at the end everything is in the file."""
    options = ["no_detach", "compression", "streams_interface=windows", "big_writes", "noatime"]
    options += ["ro"] if read_only else []
    with tempfile.TemporaryDirectory(prefix="generator-mount-") as folder:
        # In the foreground: only the end of the process says that the last byte is written
        with subprocess.Popen([tools.find_tool("ntfs-3g"), "-o", ",".join(options), path, folder],
                              stderr=subprocess.PIPE, text=True) as process:
            _wait_until_mounted(process, path, folder)
            try:
                yield folder
            finally:
                tools.run(["fusermount", "-u", folder])
                process.communicate(timeout=WAIT_SECONDS)


def _wait_until_mounted(process, path, folder: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not os.path.ismount(folder):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise tools.ToolError(f"ntfs-3g cannot mount '{path}': {process.communicate()[1]}")
        time.sleep(0.005)


def set_compressed(folder: str) -> None:
    """Files made in this folder from now on are LZNT1-compressed."""
    os.setxattr(folder, ATTRIBUTES, struct.pack(">I", DIRECTORY | COMPRESSED))


def attributes(path: str) -> int:
    return struct.unpack(">I", os.getxattr(path, ATTRIBUTES, follow_symlinks=False))[0]


def make_junction(path: str, target: str) -> None:
    """A directory junction; `target` is absolute, like C:\\Users."""
    os.mkdir(path)
    real = ("\\??\\" + target).encode("utf-16-le")
    shown = target.encode("utf-16-le")
    body = (struct.pack("<HHHH", 0, len(real), len(real) + 2, len(shown)) + real + b"\0\0"
            + shown + b"\0\0")
    set_reparse(path, MOUNT_POINT_TAG, body)


def make_symlink(path: str, target: str) -> None:
    """A symbolic link of Windows' kind to a file, relative to its folder."""
    with open(path, "wb"):
        pass
    text = target.encode("utf-16-le")
    body = struct.pack("<HHHHI", 0, len(text), len(text), len(text), 1) + text + text
    set_reparse(path, SYMLINK_TAG, body)


def set_reparse(path: str, tag: int, body: bytes) -> None:
    os.setxattr(path, REPARSE_DATA, struct.pack("<IHH", tag, len(body), 0) + body)


def reparse_data(path: str) -> bytes:
    return os.getxattr(path, REPARSE_DATA, follow_symlinks=False)


def cluster_size(path) -> int:
    found = re.search(r"Cluster Size:\s*(\d+)", tools.run(["ntfsinfo", "-m", path]))
    return int(found.group(1))


def allocated_ranges(path):
    """(offset, length) of the clusters that $Bitmap marks used, joined; and the rest of the
    file behind the last cluster, where the copy of the boot sector lies."""
    cluster = cluster_size(path)
    bitmap = _cat(path, 6)
    length = os.path.getsize(path)
    # The last sector is never part of a cluster: it is the copy of the boot sector.
    total = (length - 1) // cluster
    ranges, start = [], None
    for number in range(total + 1):
        used = number < total and bitmap[number >> 3] >> (number & 7) & 1
        if used and start is None:
            start = number
        elif not used and start is not None:
            ranges.append((start * cluster, (number - start) * cluster))
            start = None
    ranges.append((total * cluster, length - total * cluster))
    return tools.join_ranges(ranges)


def _cat(path, inode: int) -> bytes:
    done = subprocess.run([tools.find_tool("ntfscat"), "-f", "-i", str(inode), str(path)],
                          capture_output=True, check=False)
    if done.returncode:
        raise tools.ToolError(f"ntfscat of inode {inode} of '{path}': {done.stderr.decode()}")
    return done.stdout


def file_ranges(path, name: str):
    """(offset, length) of the clusters of a file on the volume, holes left out."""
    cluster = cluster_size(path)
    text = tools.run(["ntfscluster", "-f", "-F", name, path])
    rows = re.findall(r"^\s*(\d+)\s+(-?\d+)\s+(\d+)\s*$", text, re.M)
    return tools.join_ranges((int(lcn) * cluster, int(count) * cluster)
                             for _, lcn, count in rows if int(lcn) >= 0)


def complement(ranges, length: int):
    """The gaps between joined ranges."""
    gaps, at = [], 0
    for offset, count in ranges:
        if offset > at:
            gaps.append((at, offset - at))
        at = offset + count
    if at < length:
        gaps.append((at, length - at))
    return gaps


def empty_free_clusters(path) -> None:
    """Free clusters of a new volume become zeros: what ntfs-3g left in them (the plain text of
    compressed files) would only differ from one run to the next."""
    length = os.path.getsize(path)
    with open(path, "r+b") as file:
        for offset, count in complement(allocated_ranges(path), length):
            tools.punch(file.fileno(), offset, count)


def fill_free_clusters(path, seed, pieces: int = 40) -> None:
    """Old data in some free clusters, as on every disk that was in use: a restore may leave it
    out, so that only the allocated clusters can be compared."""
    choose = seed.random("stale clusters")
    length = os.path.getsize(path)
    gaps = [gap for gap in complement(allocated_ranges(path), length) if gap[1] >= 65536]
    with open(path, "r+b") as file:
        for number in range(pieces):
            offset, count = choose.choice(gaps)
            file.seek(offset + choose.randrange(count // 65536) * 65536)
            file.write(seed.bytes(f"stale {number}", 65536))
