# SPDX-License-Identifier: GPL-3.0-or-later
"""Foreign programs and sparse files: the few calls that touch the machine."""

import ctypes
import os
import shutil
import subprocess

FALLOC_FL_KEEP_SIZE = 1
FALLOC_FL_PUNCH_HOLE = 2

_libc = ctypes.CDLL(None, use_errno=True)
_libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]


class ToolError(RuntimeError):
    """A program is missing or failed; the text names it and carries what it said."""


def find_tool(name: str) -> str:
    """Debian keeps many of them in sbin, which is not on everybody's PATH."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        raise ToolError(f"program '{name}' is not installed")
    return path


def run(argv, env=None, stdin=None, cwd=None, ok=(0,)) -> str:
    """Run a program to its end and return what it printed; anything but success raises."""
    command = [find_tool(argv[0]), *map(str, argv[1:])]
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC", **(env or {})}
    done = subprocess.run(command, env=environment, input=stdin, cwd=cwd, text=True,
                          errors="replace", capture_output=True, check=False)
    if done.returncode not in ok:
        raise ToolError(f"'{' '.join(command)}' ended with {done.returncode}: "
                        f"{done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def make_sparse(path, size: int) -> None:
    with open(path, "wb") as file:
        file.truncate(size)


def punch(descriptor: int, offset: int, length: int) -> None:
    """Turn a range into zeros that take no space."""
    mode = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE
    if length and _libc.fallocate(descriptor, mode, offset, length):
        raise OSError(ctypes.get_errno(), f"cannot punch a hole at {offset}+{length}")


def data_ranges(descriptor: int, size: int):
    """(offset, length) of everything that is not a hole, in order."""
    offset = 0
    while offset < size:
        try:
            start = os.lseek(descriptor, offset, os.SEEK_DATA)
        except OSError:
            return
        end = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, min(end, size) - start
        offset = end


def join_ranges(ranges):
    """Sorted, touching and overlapping ranges joined."""
    joined = []
    for offset, length in sorted(ranges):
        if joined and offset <= joined[-1][0] + joined[-1][1]:
            end = max(joined[-1][0] + joined[-1][1], offset + length)
            joined[-1] = (joined[-1][0], end - joined[-1][0])
        elif length:
            joined.append((offset, length))
    return joined
