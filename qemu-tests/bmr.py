# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the program under test as a user would, and says what it cost.

BMR names another build of it (`BMR=build/asan/bmr`).
"""

import json
import os
import pathlib
import re
import subprocess
import threading
import time
from dataclasses import dataclass

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
BUILD = REPOSITORY / "build"
PROGRAM = pathlib.Path(os.environ.get("BMR", BUILD / "bmr"))

DONE, FAILED, USAGE, CANCELLED, REFUSED, RESUMABLE = range(6)

LIMIT_SECONDS = 300
SAMPLE_SECONDS = 0.02


@dataclass
class Result:
    """What a run left: exit status, both outputs as text, seconds, and the most memory that the
    process and its children held at one time (bytes, pages they share counted once)."""
    status: int
    output: str
    errors: str
    seconds: float
    peak_memory: int

    def json(self):
        return json.loads(self.output)

    def __str__(self):
        return f"exit status {self.status}\n{self.output}{self.errors}"


def run(*arguments, stdin=None, prefix=(), limit=LIMIT_SECONDS, cwd=None) -> Result:
    """`prefix`: a program that starts it, such as strace."""
    command = [*map(str, prefix), str(PROGRAM), *map(str, arguments)]
    started = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               errors="replace", env=environment(), cwd=cwd)
    memory = MemoryWatch(process.pid)
    memory.start()
    try:
        output, errors = process.communicate(stdin, limit)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        raise AssertionError(f"'{' '.join(command)}' took more than {limit} s:\n"
                             f"{output}{errors}") from None
    finally:
        memory.stop()
    return Result(process.returncode, output, errors, time.monotonic() - started, memory.peak)


def environment() -> dict:
    return {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def restore(source, disk, *more) -> Result:
    return run("restore", "--from", source, "--disk", disk, "--confirm", "erase", *more)


def verify(source, disk, *more) -> Result:
    return run("verify", "--from", source, "--disk", disk, *more)


# -- what runs --------------------------------------------------------------------------------

def descendants(pid: int) -> list:
    """This process and all below it."""
    found = [pid]
    for parent in found:
        try:
            tasks = os.listdir(f"/proc/{parent}/task")
            for task in tasks:
                with open(f"/proc/{parent}/task/{task}/children", encoding="ascii") as file:
                    found += map(int, file.read().split())
        except OSError:
            pass
    return found


def writable_files(pid: int) -> list:
    """Paths that a process holds open for writing."""
    paths = []
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            with open(f"/proc/{pid}/fdinfo/{number}", encoding="ascii") as file:
                flags = int(re.search(r"^flags:\s*(\d+)", file.read(), re.M).group(1), 8)
            if flags & os.O_ACCMODE != os.O_RDONLY:
                paths.append(os.readlink(f"/proc/{pid}/fd/{number}"))
        except FileNotFoundError:
            pass
    return paths


def process_name(pid: int) -> str:
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read().replace(b"\0", b" ").decode(errors="replace").strip()


class Watch(threading.Thread):
    """Looks at a process and all below it again and again until it is stopped."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self.pid = pid
        self._end = threading.Event()

    def run(self):
        while not self._end.wait(SAMPLE_SECONDS):
            self.look(descendants(self.pid))

    def look(self, pids: list) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        self._end.set()
        self.join()


class MemoryWatch(Watch):
    peak = 0

    def look(self, pids):
        self.peak = max(self.peak, sum(map(_memory, pids)))


def _memory(pid: int) -> int:
    """Proportional set size in bytes; 0 for a process that is gone."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            return int(re.search(r"^Pss:\s*(\d+) kB", file.read(), re.M).group(1)) << 10
    except (OSError, AttributeError):
        return 0
