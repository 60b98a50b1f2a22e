# SPDX-License-Identifier: GPL-3.0-or-later
"""exFAT volumes in sparse files: made by mkfs.exfat, filled through exfat-fuse, which wants a block
device."""

import contextlib
import os
import subprocess
import tempfile
import time

from . import tools

WAIT_SECONDS = 30


def make(path, length: int, cluster: int = 32768) -> None:
    tools.make_sparse(path, length)
    tools.run(["mkfs.exfat", "-c", cluster, path])


@contextlib.contextmanager
def mounted(path):
    """Mount a volume at a folder of its own; at the end everything is in the file."""
    device = tools.run(["losetup", "--find", "--show", path]).strip()
    try:
        with tempfile.TemporaryDirectory(prefix="generator-mount-") as folder, \
                subprocess.Popen([tools.find_tool("mount.exfat-fuse"), "-d", device, folder],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                _wait_until_mounted(process, folder)
                yield folder
            finally:
                if os.path.ismount(folder):
                    tools.run(["umount", folder])
                process.wait(WAIT_SECONDS)
    finally:
        tools.run(["losetup", "--detach", device])


def _wait_until_mounted(process, folder: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not os.path.ismount(folder):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise tools.ToolError("exfat-fuse cannot mount")
        time.sleep(0.01)
